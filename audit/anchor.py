"""Anchors: a keyed seal over the heads of all ledgers and over all archives, kept where the database's owner is not.

A chain shows that an entry was changed, as long as nobody recomputes all hashes after it; a ledger whose end is cut
off has a whole chain. An anchor knows what the head of every case was on its day. Its Merkle root covers all heads and
archives, its HMAC-SHA256 is made with a key that the database does not hold, and it names the anchor before it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Connection, Engine, insert, select, tuple_

from audit.findings import Finding
from db.engine import clock_of
from db.rows import ANCHOR, ARCHIVE, CASE, LEDGER
from domain.errors import BadInput
from gateways.documents import write_whole
from gateways.keys import Keyring, load_keyring
from gateways.settings import Settings

FORMAT = 1
SHORTEST_KEY = 32
"""Characters of a key: 16 random bytes in hexadecimal digits at least."""
_PAGE = 1000
_UNDER_WAY = timedelta(minutes=10)
"""Real time within which what was being written while an anchor was made is in the book; also the skew of clocks."""
Head = tuple[str, int, str]
"""Case, number of its last entry, that entry's hash."""
Kept = tuple[str, int, str, int, str]
"""Case, generation, run, events, SHA-256 of an archived history."""


# --- keys ------------------------------------------------------------------------------------------------------------
class Keys(Keyring):
    """Keys that seal; an earlier one still verifies."""

    def mac(self, key_id: str, text: bytes) -> str | None:
        """The HMAC-SHA256 of a text in hex; None for a key that is not known here."""
        key = self.by_id.get(key_id)
        return hmac.new(key, text, hashlib.sha256).hexdigest() if key else None


def load_keys(settings: Settings) -> Keys | None:
    """The anchor keys of the environment or of the key file; None where none is configured. Raises `BadInput`."""
    ring = load_keyring(
        settings.anchor_key_file, settings.anchor_key.get_secret_value(), settings.anchor_key_id, "REGUA_ANCHOR_KEY",
        _key,
    )  # fmt: skip
    return Keys(ring.by_id, ring.current) if ring else None


def _key(text: str, where: str) -> bytes:
    if len(text) < SHORTEST_KEY:
        raise BadInput(f"{where}: the anchor key is shorter than {SHORTEST_KEY} characters; make one of random digits")
    return text.encode()


# --- the anchor ------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Seal:
    """What the MAC covers: number, moment (business time, ISO), key, counts, Merkle root, the MAC before it."""

    number: int
    made_at: str
    key_id: str
    cases: int
    archives: int
    root: str
    previous_mac: str

    def text(self) -> bytes:
        """As it is sealed: JSON with sorted keys, without blanks."""
        values = {"regua_anchor": FORMAT, **asdict(self)}
        return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


@dataclass(frozen=True)
class AnchorFile:
    """An anchor as its file holds it."""

    seal: Seal
    mac: str
    heads: tuple[Head, ...]
    archived: tuple[Kept, ...]

    def bytes(self) -> bytes:
        """The file: one JSON document, one head a line."""
        head = {"regua_anchor": FORMAT, **asdict(self.seal), "mac": self.mac}
        lines = [json.dumps(head, sort_keys=True)[:-1] + ","]
        for name, rows in (("heads", self.heads), ("archived", self.archived)):
            comma = "," if name == "heads" else ""
            lines += [f'"{name}": [', ",\n".join(json.dumps(row) for row in rows), f"]{comma}"]
        return "\n".join([*lines, "}\n"]).encode()


def read_anchor(path: Path) -> AnchorFile:
    """An anchor from its file. Raises `BadInput` where it is none."""
    try:
        data = json.loads(path.read_bytes())
        if data.pop("regua_anchor") != FORMAT:
            raise BadInput(f"{path.name}: this anchor has another format than {FORMAT}; use the version that made it")
        heads = tuple((str(case), int(seq), str(digest)) for case, seq, digest in data.pop("heads"))
        archived = tuple((str(c), int(g), str(run), int(n), str(d)) for c, g, run, n, d in data.pop("archived"))
        return AnchorFile(mac=str(data.pop("mac")), heads=heads, archived=archived, seal=Seal(**data))
    except (ValueError, LookupError, TypeError, AttributeError):
        raise BadInput(f"{path.name}: this is no anchor; name a file that `regua audit anchor` wrote") from None


def merkle_root(leaves: Sequence[str]) -> str:
    """The root of a Merkle tree (SHA-256, hex) as RFC 6962 section 2.1 makes it of these leaves, in their order."""
    level = [hashlib.sha256(b"\x00" + leaf.encode()).digest() for leaf in leaves]
    if not level:
        return hashlib.sha256(b"").hexdigest()
    while len(level) > 1:
        pairs = [level[n : n + 2] for n in range(0, len(level), 2)]
        level = [hashlib.sha256(b"\x01" + b"".join(pair)).digest() if len(pair) == 2 else pair[0] for pair in pairs]
    return level[0].hex()


def _root(heads: Sequence[Head], archived: Sequence[Kept]) -> str:
    return merkle_root([":".join(map(str, row)) for row in (*heads, *archived)])


# --- making one ------------------------------------------------------------------------------------------------------
def make_anchor(engine: Engine, keys: Keys, now: datetime, out: Path) -> tuple[AnchorFile, Path]:
    """Seal the heads of all cases, write the file (`out`: a file, or a folder for one named by number and day).

    `now` is business time, aware. The file is on disk before the row that names it.
    """
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as conn, conn.begin():
        conn.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext('regua anchor'))"))
        last = conn.execute(select(ANCHOR).order_by(ANCHOR.c.number.desc()).limit(1)).one_or_none()
        heads, archived = tuple(_heads(conn)), tuple(_archived(conn))
        made = now.astimezone(UTC)
        seal = Seal(
            number=last.number + 1 if last else 1,
            made_at=made.isoformat(timespec="microseconds"),
            key_id=keys.current,
            cases=len(heads),
            archives=len(archived),
            root=_root(heads, archived),
            previous_mac=last.mac if last else "",
        )
        anchor = AnchorFile(seal, keys.mac(keys.current, seal.text()) or "", heads, archived)
        content = anchor.bytes()
        path = out / f"ancora-{seal.number:06d}-{made:%Y-%m-%d}.json" if out.suffix != ".json" else out
        write_whole(path, content)
        values = {**asdict(seal), "made_at": made, "mac": anchor.mac, "document": hashlib.sha256(content).hexdigest()}
        conn.execute(insert(ANCHOR).values(values))
    return anchor, path


def _heads(conn: Connection) -> Iterator[Head]:
    columns = (CASE.c.id, CASE.c.ledger_seq, CASE.c.ledger_hash)
    for row in conn.execute(select(*columns).where(CASE.c.ledger_seq > 0).order_by(CASE.c.id)):
        yield str(row.id), row.ledger_seq, row.ledger_hash


def _archived(conn: Connection) -> Iterator[Kept]:
    key = (ARCHIVE.c.case_id, ARCHIVE.c.generation, ARCHIVE.c.run_id, ARCHIVE.c.events)
    for row in conn.execute(select(*key, ARCHIVE.c.sha256).order_by(*key)):
        yield str(row.case_id), row.generation, row.run_id, row.events, row.sha256


# --- checking --------------------------------------------------------------------------------------------------------
def check_anchor(
    conn: Connection, anchor: AnchorFile, keys: Keys | None, cases: set[UUID] | None = None
) -> Iterator[Finding]:
    """What stands otherwise now than when the anchor was made, for all its cases or some; and whether it is genuine."""
    yield from _genuine(conn, anchor, keys)
    if anchor.heads and not _knows_any(conn, anchor):
        yield _about(anchor.seal.number, "a base não tem nenhum dos seus casos: a âncora é de outra instalação")
        return
    wanted = None if cases is None else {str(case) for case in cases}
    heads = [head for head in anchor.heads if wanted is None or head[0] in wanted]
    for start in range(0, len(heads), _PAGE):
        yield from _check_heads(conn, anchor, heads[start : start + _PAGE])
    yield from _backdated(conn, anchor, wanted)
    archived = [row for row in anchor.archived if wanted is None or row[0] in wanted]
    for start in range(0, len(archived), _PAGE):
        yield from _check_archived(conn, anchor, archived[start : start + _PAGE])


def check_anchors(conn: Connection, keys: Keys | None) -> Iterator[Finding]:
    """The chain of the anchors that the database remembers: numbers, links and, where the key is known, MACs."""
    previous, number = "", 0
    for row in conn.execute(select(ANCHOR).order_by(ANCHOR.c.number)):
        number += 1
        if row.number != number or row.previous_mac != previous:
            yield _about(number, "falta ou não continua a anterior")
            number = row.number
        seal = Seal(
            row.number, row.made_at.astimezone(UTC).isoformat(timespec="microseconds"), row.key_id, row.cases,
            row.archives, row.root, row.previous_mac,
        )  # fmt: skip
        if keys and (mac := keys.mac(row.key_id, seal.text())) is not None and mac != row.mac:
            yield _about(row.number, "foi alterada na base: o código (HMAC) não confere")
        previous = row.mac


def _genuine(conn: Connection, anchor: AnchorFile, keys: Keys | None) -> Iterator[Finding]:
    seal = anchor.seal
    mac = keys.mac(seal.key_id, seal.text()) if keys else None
    if mac is None:
        text = f"a chave {seal.key_id} não é conhecida aqui: se a âncora é autêntica não foi conferido"
        yield Finding("", "anchor", f"âncora nº {seal.number}: {text}", kind="note")
    elif mac != anchor.mac:
        yield _about(seal.number, "o arquivo não é autêntico: o código (HMAC) não confere")
    if _root(anchor.heads, anchor.archived) != seal.root:
        yield _about(seal.number, "o arquivo foi alterado: as cabeças não dão a raiz que ele guarda")
    row = conn.execute(select(ANCHOR).where(ANCHOR.c.number == seal.number)).one_or_none()
    if row is None:
        yield _about(seal.number, "a base não a conhece: foi apagada dela, ou a âncora é de outra instalação")
    elif row.mac != anchor.mac:
        yield _about(seal.number, "a base guarda outra âncora com este número")


def _check_heads(conn: Connection, anchor: AnchorFile, heads: Sequence[Head]) -> Iterator[Finding]:
    keys = [(UUID(case), seq) for case, seq, _ in heads]
    at = select(LEDGER.c.case_id, LEDGER.c.seq, LEDGER.c.hash).where(tuple_(LEDGER.c.case_id, LEDGER.c.seq).in_(keys))
    stands = {(str(row.case_id), row.seq): row.hash for row in conn.execute(at)}
    for case, seq, digest in heads:
        there = stands.get((case, seq))
        if there == digest:
            continue
        when = f"na âncora nº {anchor.seal.number}, de {anchor.seal.made_at[:10]},"
        if there is not None:
            text = f"{when} ele tinha outro hash: a corrente foi reescrita nele ou antes dele"
            yield Finding(case, "anchor", text, seq)
            continue
        end = conn.execute(select(sa.func.max(LEDGER.c.seq)).where(LEDGER.c.case_id == UUID(case))).scalar() or 0
        text = f"{when} o livro ia até o registro {seq}; hoje vai até o {end}: o fim foi cortado"
        yield Finding(case, "anchor", text, min(end + 1, seq))


def _knows_any(conn: Connection, anchor: AnchorFile) -> bool:
    for start in range(0, len(anchor.heads), _PAGE):
        ids = [UUID(case) for case, _, _ in anchor.heads[start : start + _PAGE]]
        if conn.execute(select(CASE.c.id).where(CASE.c.id.in_(ids)).limit(1)).first():
            return True
    return False


def _backdated(conn: Connection, anchor: AnchorFile, wanted: set[str] | None) -> Iterator[Finding]:
    """Entries that the anchor does not know and that claim to be older: inserted, often as the book of a whole case.

    The first entry after a head tells: those behind it continue it.
    """
    heads = {case: seq for case, seq, _ in anchor.heads}
    made = clock_of(conn).real(datetime.fromisoformat(anchor.seal.made_at))
    begun = select(CASE.c.id).where(CASE.c.ledger_seq > 0).order_by(CASE.c.id)
    cases = [case for case in map(str, conn.execute(begun).scalars()) if wanted is None or case in wanted]
    for start in range(0, len(cases), _PAGE):
        next_ones = [(UUID(case), heads.get(case, 0) + 1) for case in cases[start : start + _PAGE]]
        columns = (LEDGER.c.case_id, LEDGER.c.seq, LEDGER.c.recorded_at)
        older = select(*columns).where(tuple_(LEDGER.c.case_id, LEDGER.c.seq).in_(next_ones))
        for row in conn.execute(older.where(LEDGER.c.recorded_at < made - _UNDER_WAY)):
            what = "o caso inteiro foi inserido" if row.seq == 1 else "foi inserido no fim do livro"
            text = f"diz ter sido escrito antes da âncora nº {anchor.seal.number}, que não o conhece: {what}"
            yield Finding(str(row.case_id), "anchor", text, row.seq)


def _check_archived(conn: Connection, anchor: AnchorFile, rows: Sequence[Kept]) -> Iterator[Finding]:
    key = tuple_(ARCHIVE.c.case_id, ARCHIVE.c.generation, ARCHIVE.c.run_id, ARCHIVE.c.events)
    wanted = key.in_([(UUID(case), generation, run, events) for case, generation, run, events, _ in rows])
    stands = {
        (str(r.case_id), r.generation, r.run_id, r.events): r.sha256
        for r in conn.execute(select(ARCHIVE).where(wanted))
    }
    for case, generation, run, events, digest in rows:
        there = stands.get((case, generation, run, events))
        if there != digest:
            how = "foi trocado" if there else "foi removido"
            name = f"o histórico da geração {generation} ({events} eventos)"
            text = f"{name}, que a âncora nº {anchor.seal.number} conhece, {how}"
            yield Finding(case, "archive", text)


def _about(number: int, text: str) -> Finding:
    return Finding("", "anchor", f"âncora nº {number}: {text}")

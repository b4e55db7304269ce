"""The dossier of a case: a ZIP whose bytes follow from the case alone, and which can be checked without us.

The manifest in it holds the SHA-256 of every other file, and the ledger's chain stands in it entry by entry.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Row

from activities.desk import Desk
from activities.exhibits import as_json, attachments, cover, own_files
from activities.papers import Papers
from domain.ledger import Line, chain
from letters.documents import dossier_cover_pdf
from letters.models import EvidenceFile

MANIFEST = "manifest.json"
COVER = "capa.pdf"
README = "LEIA-ME.txt"
BOOK = "livro.jsonl"
_EPOCH = (1980, 1, 1, 0, 0, 0)
_README = """\
DOSSIÊ DE COBRANÇA

Comece por capa.pdf: ação sugerida, partes, título, memória de cálculo, protesto, notificações, prescrição, documentos e
linha do tempo. Os demais arquivos trazem os mesmos dados por extenso; valores em reais, horários do lugar do devedor.

Como conferir
1. manifest.json traz o SHA-256 de cada arquivo. Calcule-o com "sha256sum ARQUIVO" (Linux), "shasum -a 256 ARQUIVO"
   (macOS) ou "certutil -hashfile ARQUIVO SHA256" (Windows) e compare. Um arquivo que falta, sobra ou difere foi mexido.
2. livro.jsonl é o livro do caso, uma linha por registro. O "hash" de cada linha é o SHA-256 do texto JSON, em ASCII,
   sem espaços entre os elementos e com as chaves em ordem, da lista [previous_hash, case_id, seq, kind, body, cause,
   actor, business_at, recorded_at, rules_version]; "previous_hash" repete o hash da linha anterior. Uma linha mudada,
   tirada ou trocada de lugar quebra a corrente.

O grau de prova de cada notificação é o que se pode provar, e não mais: "aceita para envio" não é entrega.
"""


# --- building --------------------------------------------------------------------------------------------------------
def build_dossier(desk: Desk) -> bytes:
    """The dossier of a case as it stands at the desk, a ZIP. The same case on the same day gives the same bytes."""
    papers = Papers(desk)
    inside = dict(own_files(papers)) | {BOOK: b"".join(map(_book_line, papers.ledger))} | dict(attachments(papers))
    evidence = [EvidenceFile(name, _sha256(content)) for name, content in inside.items()]
    inside = {README: _README.encode(), COVER: dossier_cover_pdf(cover(papers, evidence))} | inside
    manifest = {
        "case": str(desk.row.id),
        "on": papers.on.isoformat(),
        "ledger_head": desk.row.ledger_hash,
        "files": {name: _sha256(content) for name, content in inside.items()},
    }
    return _pack(inside | {MANIFEST: as_json(manifest)})


def _book_line(row: Row[Any]) -> bytes:
    """One entry of the ledger with its hashes, times as they were hashed."""
    values = dict(row._mapping) | {
        "case_id": str(row.case_id),
        "business_at": row.business_at.isoformat(timespec="microseconds"),
        "recorded_at": row.recorded_at.isoformat(timespec="microseconds"),
    }
    return json.dumps(values, ensure_ascii=False, sort_keys=True).encode() + b"\n"


def _pack(files: Mapping[str, bytes]) -> bytes:
    """A ZIP whose bytes follow from its files alone: their order, one time for all, nothing compressed."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name, _EPOCH)
            info.create_system, info.external_attr = 3, 0o100644 << 16
            archive.writestr(info, content)
    return packed.getvalue()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


# --- checking --------------------------------------------------------------------------------------------------------
def verify_dossier(path: Path) -> list[str]:
    """What is wrong with a dossier, as English sentences; nothing wrong, nothing said.

    Every file must be there with the SHA-256 of the manifest, nothing else may be there, and the ledger's chain must
    hold. That the manifest itself is ours is seen from the SHA-256 of the whole file in the case's documents.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            files = {name: _read(archive, name) for name in names}
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return [f"{path.name}: it is not a ZIP file that can be read; ask for a fresh copy of the dossier"]
    wanted = _manifest(files.get(MANIFEST))
    if wanted is None:
        return [f"{MANIFEST}: it is missing or cannot be read; without it nothing can be checked"]
    faults = [f"{name}: it stands in the archive twice; once is right" for name in {*names} if names.count(name) > 1]
    faults += [
        f"{name}: the manifest does not list it; it was added" for name in files.keys() - wanted.keys() - {MANIFEST}
    ]
    for name, digest in wanted.items():
        content = files.get(name)
        if name not in files:
            faults.append(f"{name}: the manifest lists it, but it is missing")
        elif content is None or _sha256(content) != digest:
            faults.append(f"{name}: its SHA-256 is not that of the manifest; it was changed or damaged")
    return sorted(faults) + _book_faults(files.get(BOOK))


def _read(archive: zipfile.ZipFile, name: str) -> bytes | None:
    try:
        return archive.read(name)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError):
        return None


def _manifest(content: bytes | None) -> dict[str, str] | None:
    try:
        files = json.loads(content or b"")["files"]
    except (ValueError, LookupError, TypeError):
        return None
    return files if isinstance(files, dict) else None


def _book_faults(content: bytes | None) -> list[str]:
    """The first entry at which the chain of the ledger breaks, if it does."""
    previous = ""
    for number, text in enumerate((content or b"").splitlines(), 1):
        try:
            entry = json.loads(text)
            given, before = entry.pop("hash"), entry.pop("previous_hash")
            times = {name: datetime.fromisoformat(entry[name]) for name in ("business_at", "recorded_at")}
            line = Line(**entry | times)
            holds = line.seq == number and before == previous and given == chain(previous, line)
        except (ValueError, LookupError, TypeError, AttributeError):
            return [f"{BOOK}: entry {number} cannot be read; the chain cannot be followed beyond it"]
        if not holds:
            return [f"{BOOK}: the chain breaks at entry {number}; it, or the entry before it, was changed or removed"]
        previous = given
    return [] if previous else [f"{BOOK}: it is missing or empty; every case has a first entry"]

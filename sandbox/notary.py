"""The notary office behind the CRA. It works by files, in business time.

A remittance (B) is confirmed (C) on the next notary day with a protocol for each title, progress (M) follows a day
later, and after the three-day term the return (R). Withdrawals (DP) and cancellations (CP) are answered in the next
day's return.

What becomes of a title is its fate, by our number or its own, or by how its own number begins:

    registered              protested when the term is over (the fate of most)
    paid                    paid at the office, within the term or, if that was decided later, at its end
    suspended               suspended by a court
    silent                  nothing more is heard of it; a remittance of silent titles is not even confirmed
    irregular:06            sent back with that irregularity
    irregular-then-ok:06    the same the first time the title is presented, registered the next time
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from sqlite3 import Connection
from typing import TypeVar

from domain.calendars import add_notary_days, three_day_term
from domain.cra import (
    Confirmation,
    CraFile,
    Outcome,
    ProgressEvent,
    Record,
    confirmation,
    progress,
    read,
    returns,
    write,
)
from domain.cra.files import parse_name
from domain.errors import BadFile, BadInput
from domain.places import time_zone
from sandbox.state import Row, State

OPENS = time(9)
OFFICE = "01"
FATE = re.compile(r"registered|paid|suspended|silent|irregular(-then-ok)?:\d\d")
PREFIXES = {"PAGO": "paid", "SUST": "suspended", "SILENCIO": "silent", "IRREG06": "irregular:06"}
KINDS = {"B": "remessa", "DP": "desistencia", "CP": "cancelamento"}

Answer = TypeVar("Answer", Outcome, ProgressEvent)


@dataclass(frozen=True)
class Part:
    """The verdict on a part of an upload: a municipality with its records, or an order by title number and protocol."""

    code: str
    municipality: str = ""
    records: int = 0
    title_number: str = ""
    protocol: str = ""


@dataclass(frozen=True)
class Report:
    """The answer to an upload: a code for all of it, or one for each part."""

    code: str
    parts: tuple[Part, ...] = ()
    text: str = ""


class Notary:
    """One office for every municipality. All it knows is in the state's database; work done twice changes nothing."""

    def __init__(self, state: State, now: Callable[[], datetime] | None = None) -> None:
        """`now` gives business time, aware; by default the state's clock."""
        self._state, self._now = state, now or state.business_now

    def set_fates(self, fates: Mapping[str, str]) -> None:
        """Decides what becomes of titles, by our number or their own. Raises BadInput for a fate unknown."""
        for number, fate in fates.items():
            if not FATE.fullmatch(fate):
                raise BadInput(f"{number}: no such fate as {fate!r}; sandbox/notary.py lists them")
        with self._state.transaction() as db:
            db.executemany("REPLACE INTO title_fates VALUES (?, ?)", list(fates.items()))

    def receive(self, kind: str, name: str, content: bytes) -> Report:
        """Takes an upload in, whole, or refuses it. A name already taken is refused; the code says whether it was the
        same file (1001) or another (2117)."""
        with self._state.transaction() as db:
            self.tick(self._now())
            report = self._take(db, kind, name, content)
            taken = report.code == "0000"
            fields = {"subject": name, "body": content.decode("iso-8859-1")}
            if taken:
                self._state.accept("cra", KINDS[kind], name, [], **fields)
            elif report.code != "1001":
                self._state.refuse("cra", KINDS[kind], report.code, **fields)
        return report

    def file(self, name: str) -> bytes | None:
        """A file that is ready for download, or None."""
        row = self._state.row("SELECT content FROM cra_files WHERE name = ?", name)
        return bytes(row["content"]) if row else None

    def work(self) -> None:
        """Takes what lies in the folder, does what is due, and puts what is ready into the folder."""
        folder = self._state.settings.cra_folder
        if folder is not None:
            self._collect(folder / "out")
        self.tick(self._now())
        if folder is not None:
            self._deliver(folder / "in")

    def tick(self, now: datetime) -> None:
        """Does everything that is due at a moment of business time, day by day."""
        local = now.astimezone(time_zone("SP"))
        latest = local.date() - timedelta(days=local.time() < OPENS)
        query = "SELECT min(day) AS day FROM steps WHERE done = 0 AND day <= ?"
        while (row := self._state.row(query, latest.isoformat())) and row["day"]:
            with self._state.transaction() as db:
                self._work_day(db, date.fromisoformat(row["day"]))

    # What comes in

    def _take(self, db: Connection, kind: str, name: str, content: bytes) -> Report:
        known = self._state.row("SELECT content FROM cra_uploads WHERE name = ?", name)
        if known is not None:
            same = sha256(known["content"]).digest() == sha256(content).digest()
            return Report("1001" if same else "2117")
        try:
            if parse_name(name)[0] != kind:
                return Report("0002")
            file = read(content, name)
        except BadFile as error:
            return Report("2182", text=f"ARQUIVO CORROMPIDO: {error.faults[0].where}")
        except BadInput:
            return Report("0002")
        parts = self._present(db, file) if kind == "B" else self._order(db, file)
        if all(part.code != "0000" for part in parts):
            return Report(parts[0].code, parts)
        values = (name, content, self._now().isoformat())
        db.execute("INSERT INTO cra_uploads VALUES (?, ?, ?)", values)
        return Report("0000", parts)

    def _present(self, db: Connection, file: CraFile) -> tuple[Part, ...]:
        parts, today = [], self._today()
        places = [lot.header.text("codigo_municipio_praca") for lot in file.lots]
        confirmed = max(add_notary_days(today, 1, place) for place in places)
        for place, lot in zip(places, file.lots, strict=True):
            for record in lot.records:
                title = self._new_title(db, file.name, place, record)
                if title is not None:
                    self._plan(db, title, "confirm", confirmed)
            parts.append(Part("0000", municipality=place, records=len(lot.records)))
        return tuple(parts)

    def _new_title(self, db: Connection, upload: str, place: str, record: Record) -> int | None:
        """The title's id; None for a record of one more debtor of the same title."""
        row = (upload, record.text("nosso_numero"), record.text("numero_titulo"), place)
        values = (*row, str(record.money("saldo_titulo")), "presented")
        cursor = db.execute(
            "INSERT OR IGNORE INTO titles (upload, our_number, title_number, municipality, balance, state)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            values,
        )
        return cursor.lastrowid if cursor.rowcount else None

    def _order(self, db: Connection, file: CraFile) -> tuple[Part, ...]:
        verdict = self._withdraw if file.kind == "DP" else self._cancel
        parts = []
        for lot in file.lots:
            for record in lot.records:
                number, protocol = record.text("numero_titulo"), record.text("numero_protocolo")
                query = "SELECT * FROM titles WHERE title_number = ? AND CAST(protocol AS INTEGER) = CAST(? AS INTEGER)"
                title = self._state.row(query, number, protocol)
                code = verdict(db, title) if title else "2012"
                parts.append(Part(code, title_number=number, protocol=protocol))
        return tuple(parts)

    def _withdraw(self, db: Connection, title: Row) -> str:
        """Possible until the protest is registered; then the answer is B, protest already made."""
        if title["state"] == "protocolled":
            self._becomes(db, title, "withdrawn")
            self._plan(db, title["id"], "answer:3", self._next_day(title))
        elif title["state"] == "registered":
            self._plan(db, title["id"], "answer:B", self._next_day(title))
        else:
            return "2028"
        return "0000"

    def _cancel(self, db: Connection, title: Row) -> str:
        if title["state"] == "registered":
            self._becomes(db, title, "cancelled")
            self._plan(db, title["id"], "answer:A", self._next_day(title))
        elif title["state"] == "cancelled":
            self._plan(db, title["id"], "answer:J", self._next_day(title))
        else:
            return "2013"
        return "0000"

    # A day's work

    def _work_day(self, db: Connection, day: date) -> None:
        """Every step of one day, the files that come of them, and what they lead to, in one transaction."""
        query = "SELECT steps.name AS step, titles.* FROM steps JOIN titles ON titles.id = steps.title"
        steps = self._state.rows(query + " WHERE done = 0 AND day = ? ORDER BY steps.id", day.isoformat())
        db.execute("UPDATE steps SET done = 1 WHERE day = ?", (day.isoformat(),))
        for upload in dict.fromkeys(step["upload"] for step in steps if step["step"] == "confirm"):
            self._confirm(db, day, upload, [step for step in steps if step["upload"] == upload])
        for presenter in dict.fromkeys(parse_name(step["upload"])[1] for step in steps):
            own = [step for step in steps if parse_name(step["upload"])[1] == presenter]
            events = [(step, event) for step in own if (event := self._progress(day, step))]
            outcomes = [(step, outcome) for step in own if (outcome := self._outcome(db, day, step))]
            self._publish(db, "M", events, progress, day)
            self._publish(db, "R", outcomes, returns, day)

    def _confirm(self, db: Connection, day: date, upload: str, titles: list[Row]) -> None:
        fates = {title["our_number"]: self._fate(title) for title in titles}
        if set(fates.values()) == {"silent"}:
            return
        answers = [self._confirmation(db, day, title, fates[title["our_number"]]) for title in titles]
        self._keep(db, confirmation(self._remittance(upload), answers))

    def _confirmation(self, db: Connection, day: date, title: Row, fate: str) -> Confirmation:
        if fate.startswith("irregular"):
            self._becomes(db, title, "returned")
            reasons = (fate.partition(":")[2],)
            return Confirmation(title["our_number"], OFFICE, None, None, "5", reasons, Decimal(0), on=day)
        protocol = str(100_000 + title["id"])
        values = (protocol, day.isoformat(), title["id"])
        db.execute("UPDATE titles SET state = 'protocolled', protocol = ?, protocol_day = ? WHERE id = ?", values)
        place = title["municipality"]
        self._plan(db, title["id"], "progress", add_notary_days(day, 1, place))
        self._plan(db, title["id"], "within-term", add_notary_days(day, 2, place))
        self._plan(db, title["id"], "term-over", add_notary_days(three_day_term(day, place), 1, place))
        return Confirmation(title["our_number"], OFFICE, protocol, day, "", (), Decimal(0), on=day)

    def _progress(self, day: date, step: Row) -> ProgressEvent | None:
        """AG: notified, waiting for the three-day term."""
        if step["step"] != "progress" or self._standing(step) != "protocolled" or self._fate(step) == "silent":
            return None
        return ProgressEvent(step["our_number"], OFFICE, step["protocol"], _day(step), "AG", day, OPENS, Decimal(0))

    def _outcome(self, db: Connection, day: date, step: Row) -> Outcome | None:
        code = self._occurrence(db, step)
        if code is None:
            return None
        balance = Decimal(step["balance"])
        return Outcome(step["our_number"], OFFICE, step["protocol"], _day(step), code, day, (), balance, Decimal(0))

    def _occurrence(self, db: Connection, step: Row) -> str | None:
        """What a step makes known of a title, or None."""
        name, _, code = step["step"].partition(":")
        if name == "answer":
            return str(code)
        if name not in ("within-term", "term-over") or self._standing(step) != "protocolled":
            return None
        fate = self._fate(step)
        if fate in ("paid", "suspended"):
            self._becomes(db, step, fate)
            return {"paid": "1", "suspended": "4"}[fate]
        if name == "within-term" or fate == "silent":
            return None
        self._becomes(db, step, "registered")
        return "2"

    def _publish(
        self,
        db: Connection,
        kind: str,
        answers: list[tuple[Row, Answer]],
        build: Callable[[list[CraFile], list[Answer], date, int], CraFile],
        day: date,
    ) -> None:
        """As many files as it takes for none to name a title twice."""
        while answers:
            chosen = {answer.our_number: (step, answer) for step, answer in reversed(answers)}
            remittances = [
                self._remittance(name) for name in dict.fromkeys(step["upload"] for step, _ in chosen.values())
            ]
            like = f"{kind}{remittances[0].presenter}{day:%d%m.%y}_"
            before = self._state.rows("SELECT name FROM cra_files WHERE name LIKE ?", like)
            told = [answer for _, answer in chosen.values()]
            self._keep(db, build(remittances, told, day, len(before) + 1))
            answers = [pair for pair in answers if all(pair[1] is not answer for answer in told)]

    # Small things

    def _fate(self, title: Row) -> str:
        query = "SELECT fate FROM title_fates WHERE number IN (?, ?)"
        row = self._state.row(query, title["our_number"], title["title_number"])
        usual = (fate for prefix, fate in PREFIXES.items() if title["title_number"].startswith(prefix))
        fate = str(row["fate"]) if row else next(usual, "registered")
        if fate.startswith("irregular-then-ok"):
            query = "SELECT id FROM titles WHERE title_number = ? AND state = 'returned' AND id < ?"
            return "registered" if self._state.row(query, title["title_number"], title["id"]) else fate
        return fate

    def _standing(self, title: Row) -> str:
        """The state now: an earlier step of the same day may have changed it."""
        row = self._state.row("SELECT state FROM titles WHERE id = ?", title["id"])
        return str(row["state"]) if row else ""

    def _becomes(self, db: Connection, title: Row, state: str) -> None:
        db.execute("UPDATE titles SET state = ? WHERE id = ?", (state, title["id"]))

    def _plan(self, db: Connection, title: int, step: str, day: date) -> None:
        db.execute("INSERT INTO steps (title, name, day) VALUES (?, ?, ?)", (title, step, day.isoformat()))

    def _keep(self, db: Connection, file: CraFile) -> None:
        db.execute("INSERT INTO cra_files (name, content) VALUES (?, ?)", write(file))

    def _remittance(self, name: str) -> CraFile:
        row = self._state.row("SELECT content FROM cra_uploads WHERE name = ?", name)
        return read(bytes(row["content"]) if row else b"", name)

    def _today(self) -> date:
        return self._now().astimezone(time_zone("SP")).date()

    def _next_day(self, title: Row) -> date:
        return add_notary_days(self._today(), 1, title["municipality"])

    # The folder

    def _collect(self, outbox: Path) -> None:
        for path in sorted(outbox.glob("*")) if outbox.is_dir() else []:
            kind = next((kind for kind in KINDS if path.name.startswith(kind)), None)
            if path.is_file() and kind and not path.name.startswith("."):
                report = self.receive(kind, path.name, path.read_bytes())
                shelf = outbox / ("taken" if report.code in ("0000", "1001") else "refused")
                shelf.mkdir(exist_ok=True)
                path.rename(shelf / path.name)

    def _deliver(self, inbox: Path) -> None:
        for row in self._state.rows("SELECT name, content FROM cra_files WHERE placed = 0"):
            inbox.mkdir(parents=True, exist_ok=True)
            draft = inbox / f".{row['name']}"
            draft.write_bytes(row["content"])
            draft.rename(inbox / row["name"])
            with self._state.transaction() as db:
                db.execute("UPDATE cra_files SET placed = 1 WHERE name = ?", (row["name"],))


def _day(title: Row) -> date | None:
    return date.fromisoformat(title["protocol_day"]) if title["protocol_day"] else None

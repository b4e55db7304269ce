"""What can be seen of the cases: their books in the database, and what the sandbox delivered. Nothing is written."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, Row, select

from db.rows import CASE, CREDITOR, DEBTOR, INVOICE, LEDGER
from domain.case import Case, load
from domain.errors import BadInput
from domain.fold.base import spoken
from starter.installation import OFFICE

_ABOUT = {
    "contact_sent": ("step", "channel"),
    "contact_failed": ("channel",),
    "contact_data": ("channel",),
    "task_opened": ("task",),
    "approval_asked": ("purpose",),
    "log": ("channel",),
    "closed": ("outcome",),
    "reply": ("channel", "meaning"),
    "claim": ("how",),
    "promise": ("how",),
    "plan": ("how",),
    "dispute": ("how",),
    "payment": ("source",),
    "opt_out": ("channels",),
    "hold": ("hold",),
}
"""Fields of an entry's body that a sign may name; of several values each is a word."""
_READ = ("delivered", "read", "completed")
"""How the sandbox calls a message or call that has reached its debtor."""
_OVERLAP = timedelta(seconds=5)
"""Transactions that were recorded earlier may be committed later than others; longer than any of ours lasts."""
_CASES = (
    select(CASE, INVOICE.c.printed_number, CREDITOR.c.code, DEBTOR.c.document)
    .join(INVOICE, INVOICE.c.id == CASE.c.invoice_id)
    .join(CREDITOR, CREDITOR.c.id == CASE.c.creditor_id)
    .join(DEBTOR, DEBTOR.c.id == CASE.c.debtor_id)
)


@dataclass(frozen=True)
class Sign:
    """One entry of a book: the words it goes by, when it happened (business time), and the entry's body."""

    words: tuple[str, ...]
    at: datetime
    seq: int
    body: dict[str, Any]


@dataclass
class Life:
    """One case as it can be seen: its row, and its book so far."""

    id: UUID
    code: str
    number: str
    document: str = field(repr=False)
    row: Row[Any] = field(repr=False)
    case: Case = field(repr=False)
    book: list[Sign] = field(default_factory=list)

    def renew(self, row: Row[Any]) -> None:
        """Take over the row as it is now."""
        if row.ledger_seq != self.row.ledger_seq:
            self.case = load(row.state)
        self.row = row

    @property
    def ended(self) -> str:
        """The outcome of a closed case, `legal` for one that is there, "" for one that goes on."""
        if self.row.stage == "closed":
            return str(self.row.outcome)
        return "legal" if self.row.stage == "legal" else ""

    def signs(self, words: str) -> list[Sign]:
        """The entries that go by this word, or by one of several joined with "or", in order."""
        wanted = words.split(" or ")
        return [sign for sign in self.book if any(word in sign.words for word in wanted)]


class Watch:
    """Looks again and again. `look` raises SQLAlchemy's and SQLite's errors while a server is away."""

    def __init__(self, engine: Engine, sandbox: Path) -> None:
        self.engine, self.sandbox = engine, sandbox
        self.lives: dict[UUID, Life] = {}
        self._delivered: set[str] = set()
        self._protocolled: dict[str, datetime] = {}
        self._since: datetime | None = None

    def look(self) -> None:
        """Bring everything up to date."""
        self._look_at_sandbox()
        with self.engine.connect() as conn:
            fresh = select(LEDGER).order_by(LEDGER.c.case_id, LEDGER.c.seq)
            if self._since:
                fresh = fresh.where(LEDGER.c.recorded_at > self._since - _OVERLAP)
            entries = conn.execute(fresh).all()
            for row in conn.execute(_CASES):  # after the books: a case is never older than its last sign
                if row.id in self.lives:
                    self.lives[row.id].renew(row)
                else:
                    case = load(row.state)
                    self.lives[row.id] = Life(row.id, row.code, row.printed_number, row.document, row, case)
        for entry in entries:
            self._take(entry)
        for life in self.lives.values():
            life.book += self._notary_signs(life)

    def life(self, code: str, number: str) -> Life | None:
        """The case of an invoice, once it is imported."""
        return next((life for life in self.lives.values() if (life.code, life.number) == (code, number)), None)

    def read(self, sign: Sign) -> bool:
        """Has the debtor got it? Every sign but a message counts at once."""
        contact = sign.body.get("contact_id")
        return sign.body.get("kind") != "contact_sent" or not contact or UUID(contact).hex in self._delivered

    def _take(self, row: Row[Any]) -> None:
        self._since = max(row.recorded_at, self._since or row.recorded_at)
        life = self.lives.get(row.case_id)
        if life is None or (life.book and row.seq <= max(sign.seq for sign in life.book)):
            return
        life.book.append(Sign(words(row.kind, row.body), row.business_at, row.seq, {**row.body, "kind": row.kind}))

    # --- the sandbox -------------------------------------------------------------------------------------------------
    def _look_at_sandbox(self) -> None:
        reached = f"SELECT send_id FROM entries WHERE status IN ({', '.join('?' for _ in _READ)})"  # noqa: S608
        self._delivered |= {row["send_id"] for row in self.rows(reached, *_READ)}
        for row in self.rows("SELECT title_number, protocol_day FROM titles WHERE protocol IS NOT NULL"):
            day = datetime.fromisoformat(row["protocol_day"]).replace(hour=9, tzinfo=OFFICE)
            self._protocolled.setdefault(row["title_number"].strip(), day)

    def _notary_signs(self, life: Life) -> Iterator[Sign]:
        """Invoices of the demo have numbers of their own, so a title's number tells its case."""
        if life.number in self._protocolled and not life.signs("notary:protocolled"):
            yield Sign(("notary:protocolled",), self._protocolled[life.number], 0, {})

    def message(self, sign: Sign) -> sqlite3.Row:
        """The message that a sign tells of, as the sandbox delivered it. Raises `BadInput` where there is none."""
        contact = sign.body.get("contact_id")
        asked = "SELECT * FROM entries WHERE send_id = ? AND refused IS NULL"
        found = self.rows(asked, UUID(contact).hex) if contact else []
        if not found:
            raise BadInput(f"{sign.words[0]} tells of no message that reached the debtor")
        return found[-1]

    def pix_received(self) -> dict[str, Decimal]:
        """What the sandbox's bank received by Pix, in reais, by the id of each payment."""
        return {row["end_to_end_id"]: Decimal(row["amount"]) for row in self.rows("SELECT * FROM pix_received")}

    @staticmethod
    def data(entry: sqlite3.Row) -> dict[str, Any]:
        """What the sandbox keeps beside an entry."""
        return dict(json.loads(entry["data"]))

    def rows(self, query: str, *values: Any) -> list[sqlite3.Row]:
        """Rows of the sandbox's own database, which is only read."""
        with closing(sqlite3.connect(f"file:{self.sandbox / 'sandbox.db'}?mode=ro", uri=True, timeout=5)) as db:
            db.row_factory = sqlite3.Row
            return db.execute(query, values).fetchall()


def words(kind: str, body: dict[str, Any]) -> tuple[str, ...]:
    """The words that an entry of a book goes by; of what is said beside the ladder, its text and its instalment too."""
    about = [body[name] for name in _ABOUT.get(kind, ()) if body.get(name)]
    found = [each for value in about for each in (value if isinstance(value, list) else [value])]
    if said := spoken(str(body.get("step", ""))):
        found += [said.text, f"{said.text}.{body['step'].rpartition('.')[2]}"]
    if body.get("covered"):
        found.append("covered")
    return kind, *(f"{kind}:{each}" for each in found)

"""A creditor with invoices whose boletos the bank knows, a clock that stands on a Tuesday, and files of that bank."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

from people import Opened, new_case_row, new_creditor, short_ladder
from sqlalchemy import Engine, Row, insert, select, update

from activities import bank
from activities.money import Taken, take
from activities.world import World
from db.rows import BANK_FILE, CASE, CREDITOR, DEBTOR, DOCUMENT, FACT, INVOICE, PARTY, PAYMENT, PAYMENT_CODE, TASK
from domain.case import Paid, dump, load
from domain.clock import Clock
from domain.matching import BANK_FILE as RETURN_FILE
from domain.matching import Movement
from gateways.documents import DocumentStore
from tests.domain.bank_samples import CREATED, PAID_ON, Title, cnab400

NOON = datetime(2026, 11, 24, 15, tzinfo=UTC)
"""Noon in Brasília on the day on which the files of `bank_samples` are made."""
DUE = date(2026, 10, 10)
LADDER = short_ladder("  - {id: lembrete, at: due + 1d, do: contact, by: [email], text: lembrete}")


@dataclass
class Counter:
    """What a test does at the counter of one creditor, and how it looks at the rows."""

    engine: Engine
    folder: Path
    now: datetime = NOON

    def __post_init__(self) -> None:
        self.creditor = new_creditor(self.engine, news_on=None)
        nobody = cast(Any, None)
        clock = Clock(datetime.now(UTC), self.now, 1.0)
        store = DocumentStore(self.folder / "documents")
        self.world = World(self.engine, clock, store, nobody, nobody, nobody, self.folder, "")

    def open(self, number: str = "NF1", our_number: str = "", bank: str = "341", **how: Any) -> Opened:
        """A case of a debtor who is late since 10/10/2026; at its bank the title has this number."""
        opened = new_case_row(self.engine, LADDER, DUE, CREATED, number=number, **how)
        told = {"our_number": our_number, "bank": bank if our_number else ""}
        with self.engine.begin() as conn:
            conn.execute(update(INVOICE).where(INVOICE.c.id == opened.invoice).values(**told))
        return opened

    def document(self, opened: Opened) -> str:
        """The debtor's document."""
        return str(self.one(select(DEBTOR.c.document).where(DEBTOR.c.id == opened.debtor)).document)

    def party(self, opened: Opened, document: str) -> None:
        """Somebody else is bound by the invoice."""
        row = {"id": uuid4(), "invoice_id": opened.invoice, "role": "avalista", "document": document, "name": "Fiadora"}
        with self.engine.begin() as conn:
            conn.execute(insert(PARTY).values(row))

    def code(
        self, opened: Opened, txid: str, amount: str, quoted_on: date, days: int = 7, state: str = "active"
    ) -> None:
        """A Pix charge that was offered to the debtor."""
        row = {
            "id": uuid4(), "creditor_id": self.creditor, "case_id": opened.case, "txid": txid,
            "amount": Decimal(amount), "quoted_on": quoted_on, "valid_until": quoted_on + timedelta(days=days),
            "instalment": 0, "br_code": "", "state": state, "created_at": NOON, "changed_at": NOON,
        }  # fmt: skip
        with self.engine.begin() as conn:
            conn.execute(insert(PAYMENT_CODE).values(row))

    def take(self, *movements: Movement, actor: str = "ana") -> Taken:
        """Hand movements in at the door."""
        with self.engine.begin() as conn:
            return take(conn, self.creditor, movements, actor, self.now)

    def take_in_facts(self, opened: Opened) -> None:
        """The case takes in the payments that it was told, as its next decision does."""
        case = load(self.one(select(CASE.c.state).where(CASE.c.id == opened.case)).state)
        case.payments += [
            Paid(fact["reference"], Decimal(fact["amount"]), date.fromisoformat(fact["paid_on"]))
            for fact in self.facts(opened)
            if fact["kind"] == "payment"
        ]
        with self.engine.begin() as conn:
            conn.execute(update(CASE).where(CASE.c.id == opened.case).values(state=dump(case)))

    def file(self, *titles: Title, name: str = "CB241100.RET", sequence: int = 25) -> Path:
        """A return file of Itaú of 24/11/2026."""
        path = self.folder / name
        path.write_bytes(cnab400("341", titles, sequence=sequence))
        return path

    def receive(self, path: Path, **how: Any) -> bank.Received:
        """Take a file in."""
        return bank.receive(self.world, self.row(), path, "ana", **how)

    # --- looking -----------------------------------------------------------------------------------------------------
    def row(self) -> Row[Any]:
        """The creditor."""
        return self.one(select(CREDITOR).where(CREDITOR.c.id == self.creditor))

    def one(self, query: Any) -> Row[Any]:
        with self.engine.connect() as conn:
            return conn.execute(query).one()  # type: ignore[no-any-return]

    def all(self, query: Any) -> list[Row[Any]]:
        with self.engine.connect() as conn:
            return list(conn.execute(query).all())

    def payments(self) -> list[Row[Any]]:
        """What is stored, by reference."""
        return self.all(select(PAYMENT).order_by(PAYMENT.c.reference))

    def payment(self, reference: str) -> Row[Any]:
        return self.one(select(PAYMENT).where(PAYMENT.c.reference == reference))

    def facts(self, opened: Opened) -> list[dict[str, Any]]:
        """What a case is told, oldest first."""
        return [row.body for row in self.all(select(FACT).where(FACT.c.case_id == opened.case).order_by(FACT.c.number))]

    def paid(self, opened: Opened) -> Decimal:
        """What a case is told to have been paid."""
        return sum((Decimal(fact["amount"]) for fact in self.facts(opened) if fact["kind"] == "payment"), Decimal(0))

    def tasks(self) -> list[Row[Any]]:
        return self.all(select(TASK).order_by(TASK.c.kind))

    def everything(self) -> dict[str, list[str]]:
        """All that money may write, to see that nothing was changed."""
        tables = (PAYMENT, FACT, TASK, BANK_FILE, DOCUMENT, PAYMENT_CODE, CREDITOR)
        return {table.name: sorted(map(str, self.all(select(table)))) for table in tables}


def paid(reference: str, amount: str = "1000.00", **changes: Any) -> Movement:
    """A movement of 23/11/2026, as a bank file reports it."""
    return Movement(
        **({"reference": reference, "amount": Decimal(amount), "paid_on": PAID_ON, "source": RETURN_FILE} | changes)
    )

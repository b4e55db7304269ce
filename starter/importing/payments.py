"""Payments from a CSV or XLSX file. A movement counts once, by its reference, whoever reports it and however often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Engine, Row, insert, select, text, update

from activities.desk import fact_values
from db.rows import CASE, DEBTOR, INVOICE, PAYMENT
from domain.errors import BadFile, BadInput, Fault, Refused
from domain.facts import PaymentReceived
from domain.identifiers import Document
from domain.money import ZERO
from starter.creditors import find_creditor
from starter.importing import cells
from starter.importing.columns import PAYMENTS, ColumnMap, Layout, bind, read_map
from starter.importing.rows import LineReader, instalment_of, one_form
from starter.importing.sheets import Cell, Line, fingerprint, read_sheet
from starter.importing.staging import IMPORT_FILE, copy_dicts, lock_creditor
from starter.importing.writing import payment_values

SOURCE = "payments-file"


@dataclass(frozen=True)
class Movement:
    """One row: money that arrived, and what it says about the invoice it is for."""

    line: int
    reference: str
    amount: Decimal
    paid_on: date
    case_id: UUID | None
    document: Document | None
    number: str
    instalment: str

    def fact(self) -> PaymentReceived:
        """What the case is told."""
        return PaymentReceived(self.reference, self.amount, self.paid_on, SOURCE)

    def hint(self) -> str:
        """What the row says beside money and day, for a person who looks for the case; the document masked."""
        told = [f"row {self.line}"]
        if self.number:
            told.append(f"number {self.number}" + (f"/{self.instalment}" if self.instalment else ""))
        if self.document:
            told.append(f"document {self.document.masked}")
        return ", ".join(told)


@dataclass(frozen=True)
class PaymentsResult:
    """What a file did. `counts`: rows, matched, unmatched, repeated; `facts` are to be told to the cases."""

    import_id: UUID
    counts: dict[str, int]
    facts: tuple[UUID, ...]


def import_payments(
    engine: Engine, creditor_code: str, path: Path, *, mapping: Path | None, today: date, now: datetime, actor: str
) -> PaymentsResult:
    """Take in a file of payments, in one transaction. `now` is business time (aware), `today` its civil day.

    A payment is matched by the id of its case, or by number and document of its invoice; without a match it waits for
    a person. A reference that is known with the same amount and day is a repetition and changes nothing. Raises
    BadFile with every fault, BadInput for a missing file or creditor, Refused while another import is running.
    """
    sha256 = fingerprint(path)
    given = read_map(mapping, PAYMENTS)
    lines = read_sheet(path)
    heading = next(lines, None)
    if heading is None:
        raise BadFile(path.name, [Fault("row 1", "the file is empty", "write our columns in row 1")])
    layout = bind(path.name, heading, PAYMENTS, given)
    with engine.begin() as conn:
        creditor = find_creditor(conn, creditor_code)
        lock_creditor(conn, creditor.id)
        ledger = _Book(conn, creditor.id, layout)
        faults: list[Fault] = []
        for line in lines:
            faults += ledger.take(_movement(layout, given, line, today))
        if faults:
            raise BadFile(path.name, faults)
        import_id, counts = uuid4(), ledger.counts
        record = {
            "id": import_id, "creditor_id": creditor.id, "kind": "payments", "name": path.name, "sha256": sha256,
            "counts": counts, "imported_at": now, "actor": actor,
        }  # fmt: skip
        conn.execute(insert(IMPORT_FILE).values(record))
        facts = ledger.write(actor, now)
    return PaymentsResult(import_id, counts, facts)

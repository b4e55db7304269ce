"""Payments from a CSV or XLSX file. A movement counts once, by its reference, whoever reports it and however often."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

from sqlalchemy import Connection, Engine, insert, select, text, update

from activities.desk import fact_id, fact_values, store_facts
from db.rows import CASE, PAYMENT
from domain.errors import BadFile, BadInput, Fault, Refused
from domain.facts import PaymentReceived
from domain.identifiers import Document
from domain.money import ZERO
from starter.creditors import find_creditor
from starter.importing import cells
from starter.importing.cells import DateReader
from starter.importing.columns import PAYMENTS, bind, read_map
from starter.importing.rows import LineReader, as_instalment, one_form
from starter.importing.sheets import Cell, fingerprint, read_sheet
from starter.importing.staging import IMPORT_FILE, copy_dicts, lock_creditor
from starter.importing.writing import payment_values

SOURCE = "payments-file"
_CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z._:/#-]{0,79}")


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


Taken = tuple[Movement, UUID | None]
Placed = tuple[int, Fault]


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
    movements, faults = _read(path, mapping, today)
    with engine.begin() as conn:
        creditor = find_creditor(conn, creditor_code)
        lock_creditor(conn, creditor.id)
        taken, more = _match(conn, creditor.id, movements)
        if faults or more:
            found = sorted([*faults, *more], key=lambda placed: placed[0])
            raise BadFile(path.name, [wrong for _, wrong in found])
        counts = {
            "rows": len(movements),
            "matched": sum(case_id is not None for _, case_id in taken),
            "unmatched": sum(case_id is None for _, case_id in taken),
            "repeated": len(movements) - len(taken),
        }
        import_id = uuid4()
        record = {
            "id": import_id, "creditor_id": creditor.id, "kind": "payments", "name": path.name, "sha256": sha256,
            "counts": counts, "imported_at": now, "actor": actor,
        }  # fmt: skip
        conn.execute(insert(IMPORT_FILE).values(record))
        rows = [
            payment_values(creditor.id, case_id, movement.fact(), "" if case_id else movement.hint(), now)
            for movement, case_id in taken
        ]
        copy_dicts(conn, "payment", rows)
        facts = [
            fact_values(case_id, _key(creditor.id, movement.reference), movement.fact(), actor, now)
            for movement, case_id in taken
            if case_id
        ]
        told = store_facts(conn, facts)
    return PaymentsResult(import_id, counts, tuple(told))


def _key(creditor_id: UUID, reference: str) -> str:
    return f"payment:{creditor_id}:{reference}"


# --- reading ----------------------------------------------------------------------------------------------------------
def _read(path: Path, mapping: Path | None, today: date) -> tuple[list[Movement], list[Placed]]:
    given = read_map(mapping, PAYMENTS)
    lines = read_sheet(path)
    heading = next(lines, None)
    if heading is None:
        raise BadFile(path.name, [Fault("row 1", "the file is empty", "write our columns in row 1")])
    layout = bind(path.name, heading, PAYMENTS, given)
    movements, faults = [], list[Placed]()
    for line in lines:
        reader = LineReader(layout, line, PAYMENTS)
        movement = _movement(reader, given.as_date, today)
        if reader.faults:
            faults += [(line.number, wrong) for wrong in reader.faults]
        else:
            movements.append(movement)
    return movements, faults


def _movement(reader: LineReader, as_date: DateReader, today: date) -> Movement:
    read = reader.read
    paid_on = read("data", as_date, date.min)
    if paid_on > today:
        reader.fault("data", "this day has not come yet", "write the day on which the money was paid")
    number, instalment = one_form(read("numero", cells.as_number, ""), read("parcela", as_instalment, ""))
    return Movement(
        line=reader.line.number,
        reference=read("referencia", _reference, ""),
        amount=read("valor", cells.as_price, ZERO),
        paid_on=paid_on,
        case_id=read("caso", _case_id, None),
        document=read("documento", cells.as_document, None),
        number=number,
        instalment=instalment,
    )


def _reference(cell: Cell) -> str:
    """A code: it stands in the ledger for ever, where no name may come in as a free text."""
    written = cells.as_text(cell)
    if not _CODE.fullmatch(written):
        raise BadInput("this is no code; write the bank's identification of the movement, without blanks")
    return written


def _case_id(cell: Cell) -> UUID:
    try:
        return UUID(cells.as_text(cell))
    except ValueError:
        raise BadInput("this is no id of a case; write it as `regua cases` shows it") from None


# --- matching ---------------------------------------------------------------------------------------------------------
def _match(conn: Connection, creditor_id: UUID, movements: Sequence[Movement]) -> tuple[list[Taken], list[Placed]]:
    """The movements that are new, each with its case or None, and what contradicts what is known."""
    known = _known(conn, creditor_id, movements)
    cases, invoices = _cases(conn, creditor_id, movements), _invoices(conn, creditor_id, movements)
    taken, faults = list[Taken](), list[Placed]()
    for movement in movements:
        told = known.setdefault(movement.reference, (movement.amount, movement.paid_on, movement.line))
        if told[:2] != (movement.amount, movement.paid_on):
            found = "this reference is known with another amount or day"
            faults.append(_fault(movement, found, "a movement has one reference of its own; reverse what was wrong"))
        elif movement.case_id and movement.case_id not in cases:
            faults.append(_fault(movement, "the creditor has no case with this id", "leave it empty or correct it"))
        elif told[2] == movement.line:
            taken.append((movement, movement.case_id or invoices.get(_invoice(movement))))
    return taken, faults


def _fault(movement: Movement, found: str, wanted: str) -> Placed:
    return movement.line, Fault(f"row {movement.line}", found, wanted)


def _invoice(movement: Movement) -> tuple[str, str, str]:
    return (movement.document.number if movement.document else "", movement.number, movement.instalment)


def _known(
    conn: Connection, creditor_id: UUID, movements: Sequence[Movement]
) -> dict[str, tuple[Decimal, date, int | None]]:
    """Amount and day of references that stand already; the third place is the row that brings one, None if stored."""
    statement = text(
        "SELECT reference, amount, paid_on FROM payment WHERE creditor_id = :creditor AND reference = ANY(:these)"
    )
    these = [movement.reference for movement in movements]
    found = conn.execute(statement, {"creditor": creditor_id, "these": these})
    return {row.reference: (row.amount, row.paid_on, None) for row in found}


def _cases(conn: Connection, creditor_id: UUID, movements: Sequence[Movement]) -> frozenset[UUID]:
    statement = text('SELECT id FROM "case" WHERE creditor_id = :creditor AND id = ANY(:these)')
    these = [movement.case_id for movement in movements if movement.case_id]
    return frozenset(conn.execute(statement, {"creditor": creditor_id, "these": these}).scalars())


def _invoices(conn: Connection, creditor_id: UUID, movements: Sequence[Movement]) -> dict[tuple[str, str, str], UUID]:
    statement = text(
        """
        SELECT d.document, i.number, i.instalment, c.id
        FROM debtor d JOIN invoice i ON i.debtor_id = d.id JOIN "case" c ON c.invoice_id = i.id
        WHERE d.creditor_id = :creditor AND d.document = ANY(:these)
        """
    )
    these = [movement.document.number for movement in movements if movement.document and movement.number]
    found = conn.execute(statement, {"creditor": creditor_id, "these": these})
    return {(row.document, row.number, row.instalment): row.id for row in found}


# --- by hand ----------------------------------------------------------------------------------------------------------
def match_payment(engine: Engine, payment_id: UUID, case_id: UUID, actor: str, now: datetime) -> UUID:
    """Give a payment without a case to one; returns the id of the fact to be told to it, the same if done again.

    `actor` is a staff id, `now` business time (aware). BadInput for an unknown payment or case; Refused where the
    payment belongs to another case already, or the case to another creditor.
    """
    with engine.begin() as conn:
        payment = conn.execute(select(PAYMENT).where(PAYMENT.c.id == payment_id).with_for_update()).one_or_none()
        if payment is None:
            raise BadInput("there is no payment with this id; see `regua payments --unmatched`")
        owner = conn.execute(select(CASE.c.creditor_id).where(CASE.c.id == case_id)).scalar_one_or_none()
        if owner is None:
            raise BadInput("there is no case with this id; see `regua cases`")
        if owner != payment.creditor_id:
            raise Refused("other-creditor", "the case belongs to another creditor than the payment")
        if payment.case_id not in (None, case_id):
            raise Refused("already-matched", "the payment counts for another case already; reverse it there first")
        key = _key(payment.creditor_id, payment.reference)
        conn.execute(update(PAYMENT).where(PAYMENT.c.id == payment_id).values(case_id=case_id, hint=""))
        fact = PaymentReceived(payment.reference, payment.amount, payment.paid_on, payment.source)
        store_facts(conn, [fact_values(case_id, key, fact, actor, now)])
    return fact_id(key)

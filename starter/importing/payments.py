"""Payments from a CSV or XLSX file. A movement counts once, by its reference, whoever reports it and however often."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

from sqlalchemy import Connection, Engine, insert, text

from activities.money import Taken, known_payments, lock_money, set_news, take
from domain.errors import BadFile, BadInput, Fault
from domain.identifiers import Document
from domain.matching import PAYMENTS_FILE, Movement
from domain.money import ZERO
from starter.creditors import find_creditor
from starter.importing import cells
from starter.importing.cells import DateReader
from starter.importing.columns import PAYMENTS, bind, read_map
from starter.importing.rows import LineReader, as_instalment, one_form
from starter.importing.sheets import Cell, fingerprint, read_sheet
from starter.importing.staging import IMPORT_FILE, lock_creditor

_CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z._:/#-]{0,79}")
_BATCH = 2000

Placed = tuple[int, Fault]
Line = tuple[int, Movement]
"""A row's number in the file and what it tells."""


@dataclass(frozen=True)
class PaymentsResult:
    """What a file did. `counts`: rows, and those of `Taken`; `facts` are to be told to the cases.

    `news_on`: the last day up to which all payments of the creditor are known now.
    """

    import_id: UUID
    counts: dict[str, int]
    facts: tuple[UUID, ...]
    news_on: date | None


def import_payments(
    engine: Engine,
    creditor_code: str,
    path: Path,
    *,
    mapping: Path | None,
    today: date,
    now: datetime,
    actor: str,
    complete_until: date | None = None,
) -> PaymentsResult:
    """Take in a file of payments, in one transaction. `now` is business time (aware), `today` its civil day.

    A payment that names its case is that case's; others are matched as all money is (`activities.money`), or wait for a
    person. A reference that is known with the same amount and day is a repetition and changes nothing. The file says
    that all payments are known until `complete_until`, or else until its newest day, if that day is over.

    Raises BadFile with every fault, BadInput for a missing file or creditor or a day to come, Refused while another
    import is running.
    """
    if complete_until and complete_until > today:
        raise BadInput(f"--complete-until: {complete_until:%d/%m/%Y} has not come yet; today is {today:%d/%m/%Y}")
    sha256 = fingerprint(path)
    lines, faults = _read(path, mapping, today)
    with engine.begin() as conn:
        creditor = find_creditor(conn, creditor_code)
        lock_creditor(conn, creditor.id)
        lock_money(conn, creditor.id)
        more = _contradictions(conn, creditor.id, lines)
        if faults or more:
            found = sorted([*faults, *more], key=lambda placed: placed[0])
            raise BadFile(path.name, [wrong for _, wrong in found])
        taken = Taken()
        for start in range(0, len(lines), _BATCH):
            batch = [movement for _, movement in lines[start : start + _BATCH]]
            taken += take(conn, creditor.id, batch, actor, now)
        counts = {"rows": len(lines), **taken.counts}
        import_id = uuid4()
        record = {
            "id": import_id, "creditor_id": creditor.id, "kind": "payments", "name": path.name, "sha256": sha256,
            "counts": counts, "imported_at": now, "actor": actor,
        }  # fmt: skip
        conn.execute(insert(IMPORT_FILE).values(record))
        until = complete_until or _newest(lines, today)
        news_on, woken = set_news(conn, creditor.id, until, now) if until else (creditor.news_on, ())
    return PaymentsResult(import_id, counts, (*taken.facts, *woken), news_on)


def _newest(lines: Sequence[Line], today: date) -> date | None:
    """The last day that the file tells of: today is not over, so of today it cannot tell everything."""
    newest = max((movement.paid_on for _, movement in lines), default=None)
    return min(newest, today - timedelta(days=1)) if newest else None


# --- reading ----------------------------------------------------------------------------------------------------------
def _read(path: Path, mapping: Path | None, today: date) -> tuple[list[Line], list[Placed]]:
    given = read_map(mapping, PAYMENTS)
    lines = read_sheet(path)
    heading = next(lines, None)
    if heading is None:
        raise BadFile(path.name, [Fault("row 1", "the file is empty", "write our columns in row 1")])
    layout = bind(path.name, heading, PAYMENTS, given)
    told, faults = list[Line](), list[Placed]()
    for line in lines:
        reader = LineReader(layout, line, PAYMENTS)
        movement = _movement(reader, given.as_date, today)
        if reader.faults:
            faults += [(line.number, wrong) for wrong in reader.faults]
        else:
            told.append((line.number, movement))
    return told, faults


def _movement(reader: LineReader, as_date: DateReader, today: date) -> Movement:
    read = reader.read
    paid_on = read("data", as_date, date.min)
    if paid_on > today:
        reader.fault("data", "this day has not come yet", "write the day on which the money was paid")
    number, instalment = one_form(read("numero", cells.as_number, ""), read("parcela", as_instalment, ""))
    document = read("documento", cells.as_document, None)
    return Movement(
        reference=read("referencia", _reference, ""),
        amount=read("valor", cells.as_price, ZERO),
        paid_on=paid_on,
        source=PAYMENTS_FILE,
        number=number,
        instalment=instalment,
        case=read("caso", _case_id, ""),
        payer=document.number if document else "",
        hint=_hint(reader.line.number, number, instalment, document),
    )


def _hint(line: int, number: str, instalment: str, document: Document | None) -> str:
    """What the row says beside money and day, for a person who looks for the case; the document masked."""
    told = [f"row {line}"]
    if number:
        told.append(f"number {number}" + (f"/{instalment}" if instalment else ""))
    if document:
        told.append(f"document {document.masked}")
    return ", ".join(told)


def _reference(cell: Cell) -> str:
    """A code: it stands in the ledger for ever, where no name may come in as a free text."""
    written = cells.as_text(cell)
    if not _CODE.fullmatch(written):
        raise BadInput("this is no code; write the bank's identification of the movement, without blanks")
    return written


def _case_id(cell: Cell) -> str:
    try:
        return str(UUID(cells.as_text(cell)))
    except ValueError:
        raise BadInput("this is no id of a case; write it as `regua cases` shows it") from None


# --- what contradicts what is known ----------------------------------------------------------------------------------
def _contradictions(conn: Connection, creditor_id: UUID, lines: Sequence[Line]) -> list[Placed]:
    """A reference that stands with another amount or day, here or stored; a case that is not the creditor's."""
    known = known_payments(conn, creditor_id, [movement.reference for _, movement in lines])
    cases = _cases(conn, creditor_id, lines)
    faults = list[Placed]()
    for line, movement in lines:
        told = known.setdefault(movement.reference, (movement.amount, movement.paid_on))
        if told != (movement.amount, movement.paid_on):
            found = "this reference is known with another amount or day"
            faults.append(_fault(line, found, "a movement has one reference of its own; reverse what was wrong"))
        elif movement.case and UUID(movement.case) not in cases:
            faults.append(_fault(line, "the creditor has no case with this id", "leave it empty or correct it"))
    return faults


def _fault(line: int, found: str, wanted: str) -> Placed:
    return line, Fault(f"row {line}", found, wanted)


def _cases(conn: Connection, creditor_id: UUID, lines: Sequence[Line]) -> frozenset[UUID]:
    statement = text('SELECT id FROM "case" WHERE creditor_id = :creditor AND id = ANY(:these)')
    these = [UUID(movement.case) for _, movement in lines if movement.case]
    return frozenset(conn.execute(statement, {"creditor": creditor_id, "these": these}).scalars())

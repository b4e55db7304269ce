"""What movements of a creditor are compared with: titles, codes and payments, read for some thousands at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, select, text

from db.indices import read_indices
from db.rows import PAYMENT, PAYMENT_CODE
from domain.case import load
from domain.indices import Indices
from domain.matching import Book, Code, Counted, Movement, Owed, Title, identified

SPLIT = "split"
"""Reason in the proposal of a transfer that a person divided: its parts count, not the transfer itself."""
IS_SPLIT = PAYMENT.c.proposal.contains([{"reason": SPLIT}])
WAITING = PAYMENT.c.case_id.is_(None) & PAYMENT.c.reversed_on.is_(None) & ~IS_SPLIT
"""Movements that wait for a person."""

_BY_IDENTITY = """
    SELECT id FROM "case" WHERE creditor_id = :creditor AND id = ANY(:cases)
    UNION
    SELECT c.id FROM invoice i JOIN "case" c ON c.invoice_id = i.id
    WHERE i.creditor_id = :creditor AND i.our_number = ANY(:our_numbers)
    UNION
    SELECT c.id FROM debtor d JOIN "case" c ON c.debtor_id = d.id
    WHERE d.creditor_id = :creditor AND d.document = ANY(:payers)
    UNION
    SELECT c.id FROM party p JOIN "case" c ON c.invoice_id = p.invoice_id
    WHERE c.creditor_id = :creditor AND p.document = ANY(:payers)
"""
_BY_LIKENESS = """
    SELECT c.id FROM invoice i JOIN "case" c ON c.invoice_id = i.id
    WHERE i.creditor_id = :creditor
      AND (i.number = ANY(:numbers) OR (i.amount = ANY(:amounts) AND c.stage <> 'closed'))
    UNION
    SELECT case_id FROM payment_code WHERE creditor_id = :creditor AND amount = ANY(:amounts)
"""
_TITLES = """
    SELECT c.id, c.stage, c.state, d.document, i.number, i.instalment, i.bank, i.our_number, i.amount,
           ARRAY(SELECT p.document FROM party p WHERE p.invoice_id = i.id) AS parties
    FROM "case" c JOIN invoice i ON i.id = c.invoice_id JOIN debtor d ON d.id = c.debtor_id
    WHERE c.id = ANY(:cases)
"""


def read_book(conn: Connection, creditor_id: UUID, movements: Sequence[Movement]) -> Book:
    """All that these movements may be for. Other people's titles are looked at only where nothing identifies one."""
    codes = codes_by_txid(conn, creditor_id, [movement.txid for movement in movements if movement.txid])
    cases = _by_identity(conn, creditor_id, movements) | {UUID(code.case) for code in codes}
    book = _book(conn, cases, codes)
    unsure = [movement for movement in movements if not identified(movement, book)]
    more = _by_likeness(conn, creditor_id, unsure) - cases if unsure else set()
    return _book(conn, cases | more, codes) if more else book


def codes_by_txid(conn: Connection, creditor_id: UUID, txids: Sequence[str]) -> list[Code]:
    """Our payment codes with these txids."""
    if not txids:
        return []
    mine = (PAYMENT_CODE.c.creditor_id == creditor_id) & PAYMENT_CODE.c.txid.in_(txids)
    return [_code(row) for row in conn.execute(select(PAYMENT_CODE).where(mine))]


def counted_for(conn: Connection, cases: Iterable[UUID]) -> list[Counted]:
    """The payments that stand for these cases."""
    statement = text(
        "SELECT case_id, reference, amount, paid_on, source FROM payment "
        "WHERE case_id = ANY(:cases) AND reversed_on IS NULL ORDER BY received_at, id"
    )
    return [
        Counted(str(row.case_id), row.reference, row.amount, row.paid_on, row.source)
        for row in conn.execute(statement, {"cases": list(cases)})
    ]


def _by_identity(conn: Connection, creditor_id: UUID, movements: Sequence[Movement]) -> set[UUID]:
    named = [found for movement in movements if (found := _uuid(movement.case))]
    wanted = {
        "creditor": creditor_id,
        "cases": named,
        "our_numbers": list({form for movement in movements for form in movement.our_number.forms}),
        "payers": list({movement.payer for movement in movements if movement.payer}),
    }
    return set(conn.execute(text(_BY_IDENTITY), wanted).scalars())


def _by_likeness(conn: Connection, creditor_id: UUID, movements: Sequence[Movement]) -> set[UUID]:
    wanted = {
        "creditor": creditor_id,
        "numbers": list({movement.number for movement in movements if movement.number}),
        "amounts": list({movement.amount for movement in movements}),
    }
    return set(conn.execute(text(_BY_LIKENESS), wanted).scalars())


def _book(conn: Connection, cases: set[UUID], codes: Sequence[Code]) -> Book:
    counted = counted_for(conn, cases)
    references = defaultdict[str, set[str]](set)
    for payment in counted:
        references[payment.case].add(payment.reference)
    rows = conn.execute(text(_TITLES), {"cases": list(cases)}).all()
    indices = read_indices(conn)
    titles = [_title(row, references[str(row.id)], indices) for row in rows]
    theirs = select(PAYMENT_CODE).where(PAYMENT_CODE.c.case_id.in_(cases), PAYMENT_CODE.c.state != "removed")
    live = [_code(row) for row in conn.execute(theirs)] if cases else []
    return Book(titles, {code.txid: code for code in [*live, *codes]}.values(), counted)


def _title(row: Row[Any], references: set[str], indices: Indices) -> Title:
    return Title(
        case=str(row.id),
        debtor=row.document,
        number=row.number,
        face=row.amount,
        instalment=row.instalment,
        bank=row.bank,
        our_number=row.our_number,
        still_open=row.stage != "closed",
        parties=frozenset(row.parties),
        owed=_owed(row.state, references, indices),
    )


def _owed(state: dict[str, Any], references: set[str], indices: Indices) -> Callable[[date], Owed | None]:
    """What a case asks for on a day, worked out when it is first asked; nothing while it has money to take in."""

    @cache
    def owed(on: date) -> Owed | None:
        case = load(state, indices)
        if references - {payment.reference for payment in case.payments}:
            return None
        debt = case.debt(max([on, *(p.on for p in case.counted()), *(r.on for r in case.reductions)]))
        return Owed(debt.total, debt.principal)

    return owed


def _code(row: Row[Any]) -> Code:
    return Code(row.txid, str(row.case_id), row.amount, row.quoted_on, row.valid_until)


def _uuid(word: str) -> UUID | None:
    try:
        return UUID(word)
    except ValueError:
        return None

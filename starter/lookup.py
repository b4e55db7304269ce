"""Finding what people name on the command line: a case, a creditor, a debtor, a payment, a task, an approval."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Date, Row, String, Table, and_, cast, literal_column, select, union

from db.rows import APPROVAL, CASE, CREDITOR, DEBTOR, INVOICE, PAYMENT, TASK
from domain.errors import BadInput
from domain.identifiers import normalise_number, parse_document

_PREFIX = re.compile(r"[0-9a-f][0-9a-f-]{3,35}", re.IGNORECASE)

DUE: ColumnElement[date] = cast(CASE.c.state["terms"]["due"].astext, Date)
"""The due date that counts today: an extension changes it in the case, not on the invoice."""
DUE_ISO: ColumnElement[str] = literal_column("(\"case\".state #>> '{terms,due}')", String)
"""The same as text, by which indexes are ordered: ISO dates sort as dates do."""


def find_case(conn: Connection, text: str, creditor: str = "") -> Row[Any]:
    """The case row behind an id, an unambiguous beginning of one, or with `creditor` an invoice's number.

    Raises `BadInput` where there is none, or more than one.
    """
    if creditor:
        return _by_invoice(conn, text, find_creditor(conn, creditor))
    return by_prefix(conn, CASE, text, "case")


def by_prefix(conn: Connection, table: Table, text: str, what: str, *also: ColumnElement[bool]) -> Row[Any]:
    """The row of `table` whose id begins with `text` (4 characters at least). Raises `BadInput`."""
    if not _PREFIX.fullmatch(text.strip()):
        raise BadInput(f"{what} {text!r}: this is not an id; give at least its first 4 characters")
    digits = text.strip().replace("-", "")
    begins = table.c.id.between(UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f")))
    rows = conn.execute(select(table).where(begins, *also).limit(2)).all()
    if not rows:
        raise BadInput(f"{what} {text!r}: there is none with this id; look it up in the list")
    if len(rows) > 1:
        raise BadInput(f"{what} {text!r}: more than one begins like this; give more of the id")
    return rows[0]


def _by_invoice(conn: Connection, text: str, creditor: Row[Any]) -> Row[Any]:
    number, instalment = normalise_number(text)
    named = INVOICE.c.number == number
    if instalment:
        named = and_(named, INVOICE.c.instalment == instalment)
    mine = [
        select(INVOICE.c.id).where(INVOICE.c.creditor_id == creditor.id, how)
        for how in (named, INVOICE.c.printed_number == text)
    ]
    rows = conn.execute(select(CASE).where(CASE.c.invoice_id.in_(union(*mine))).limit(2)).all()
    if not rows:
        raise BadInput(f"invoice {text!r}: creditor {creditor.code} has no case for it; look it up with `regua cases`")
    if len(rows) > 1:
        raise BadInput(f"invoice {text!r}: it has more than one instalment or debtor; give the case id")
    return rows[0]


def find_creditor(conn: Connection, text: str) -> Row[Any]:
    """The creditor with this code or CNPJ/CPF. Raises `BadInput` where there is none."""
    named = CREDITOR.c.code == text.strip()
    with suppress(BadInput):  # what is no document can only be a code
        named |= CREDITOR.c.document == parse_document(text).number
    row = conn.execute(select(CREDITOR).where(named)).one_or_none()
    if row is None:
        raise BadInput(f"creditor {text!r}: there is none with this code; `regua creditor list` shows them")
    return row


def find_debtors(conn: Connection, document: str, creditor: str = "") -> list[Row[Any]]:
    """The records of one person or company, one per creditor. Raises `BadInput` where nobody has one."""
    number = parse_document(document).number
    found = select(DEBTOR).where(DEBTOR.c.document == number).order_by(DEBTOR.c.created_at)
    if creditor:
        found = found.where(DEBTOR.c.creditor_id == find_creditor(conn, creditor).id)
    rows = list(conn.execute(found).all())
    if not rows:
        raise BadInput("debtor: nobody with this document is known; look for a mistyped digit")
    return rows


def find_payment(conn: Connection, text: str) -> Row[Any]:
    """The payment with this id (or beginning of one). Raises `BadInput`."""
    return by_prefix(conn, PAYMENT, text, "payment")


def find_task(conn: Connection, text: str) -> Row[Any]:
    """The task with this id (or beginning of one). Raises `BadInput`."""
    return by_prefix(conn, TASK, text, "task")


def find_approval(conn: Connection, text: str, creditor: str = "") -> Row[Any]:
    """The open approval with this id, or the one that this case waits for. Raises `BadInput`."""
    asked = APPROVAL.c.state == "asked"
    if not creditor:
        with suppress(BadInput):  # then it names a case
            return by_prefix(conn, APPROVAL, text, "approval", asked)
    case = find_case(conn, text, creditor)
    row = conn.execute(select(APPROVAL).where(APPROVAL.c.case_id == case.id, asked)).one_or_none()
    if row is None:
        raise BadInput(f"case {text!r}: nothing waits for approval in it; `regua tasks` shows what waits")
    return row

"""What the title of a case lacks today, from its rows: told before anybody approves, and again when it is queued."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, select

from db.rows import DOCUMENT, INVOICE, PARTY
from domain import cra
from domain.case import Case
from domain.eligibility import blocked, missing, named_papers, papers_missing


def gaps_of(
    conn: Connection, case: Case, row: Row[Any], title: cra.Title, presenter: cra.Presenter | None, day: date
) -> tuple[str, ...]:
    """Codes of everything that a title lacks (`domain.eligibility`), in one list; empty where it can go.

    A lawyer's word opens the time after the executive term, up to the last one.
    """
    terms = case.limitation()
    last = terms.last if case.limitation_overridden else terms.first
    return (
        *blocked(case.portfolio, case.bank_orders, case.nfe),
        *missing(title, presenter, day, last),
        *papers_missing(title.species, papers(conn, row.id, row.invoice_id)),
    )


def papers(conn: Connection, case_id: UUID, invoice_id: UUID) -> set[str]:
    """Kinds of the papers of a case: attached documents, and those that the creditor named with its invoice."""
    attached = set(conn.execute(select(DOCUMENT.c.kind).where(DOCUMENT.c.case_id == case_id).distinct()).scalars())
    named = conn.execute(select(INVOICE.c.delivery_proof).where(INVOICE.c.id == invoice_id)).scalar_one()
    return attached | named_papers(named)


def bound_parties(conn: Connection, case: Case, invoice_id: UUID, only: Sequence[str] | None = None) -> list[Row[Any]]:
    """Rows of who else is bound by the title, in a fixed order; `only` these ids where given."""
    wanted = set(case.parties) if only is None else set(only)
    rows = conn.execute(select(PARTY).where(PARTY.c.invoice_id == invoice_id).order_by(PARTY.c.id)).all()
    return [row for row in rows if str(row.id) in wanted]

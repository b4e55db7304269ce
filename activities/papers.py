"""What the database and the store hold of a case, collected for the documents that are made of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from functools import cached_property
from typing import Any

from sqlalchemy import Row, Table, select

from activities.desk import Desk
from activities.views import (
    Claim,
    creditor_view,
    debtor_view,
    invoice_view,
    read_creditor,
    read_debtor,
    read_invoices,
)
from db.rows import (
    CONTACT,
    CONTACT_CASE,
    CONTACT_POINT,
    CRA_FILE,
    DOCUMENT,
    LEDGER,
    NOTICE,
    ORDER,
    PARTY,
    PAYMENT,
    PLAN,
    PROMISE,
    TITLE,
)
from domain import facts as f
from domain.data import table
from domain.places import time_zone
from letters import models


class Papers:
    """Everything that the database and the store know of a case, read once each, under the case's lock."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.case, self.row = desk, desk.case, desk.row
        self.on: date = desk.case.today(desk.now)

    def local(self, moment: datetime) -> datetime:
        """A moment at the debtor's place."""
        return moment.astimezone(time_zone(self.case.uf))

    def _rows(self, of: Table, *where: Any, order: Any) -> Sequence[Row[Any]]:
        return self.desk.conn.execute(select(of).where(*where).order_by(order, *of.primary_key)).all()

    # --- people and debt -------------------------------------------------------------------------------------------
    @cached_property
    def creditor(self) -> models.Creditor:
        return creditor_view(*read_creditor(self.desk.conn, self.row.creditor_id))

    @cached_property
    def debtor_row(self) -> Row[Any]:
        return read_debtor(self.desk.conn, self.row.debtor_id)

    @property
    def debtor(self) -> models.DebtorView:
        return debtor_view(self.debtor_row, self.case.terms.consumer)

    @cached_property
    def invoice(self) -> Row[Any]:
        return read_invoices(self.desk.conn, [self.row.invoice_id])[self.row.invoice_id]

    @property
    def title(self) -> models.InvoiceView:
        """The invoice with its debt of today."""
        return invoice_view(Claim(self.case, self.invoice), self.on)

    @cached_property
    def parties(self) -> Sequence[Row[Any]]:
        return self._rows(PARTY, PARTY.c.invoice_id == self.row.invoice_id, order=PARTY.c.role)

    @cached_property
    def points(self) -> Sequence[Row[Any]]:
        return self._rows(CONTACT_POINT, CONTACT_POINT.c.debtor_id == self.row.debtor_id, order=CONTACT_POINT.c.rank)

    # --- what was done ---------------------------------------------------------------------------------------------
    @cached_property
    def ledger(self) -> Sequence[Row[Any]]:
        return self._rows(LEDGER, LEDGER.c.case_id == self.row.id, order=LEDGER.c.seq)

    @cached_property
    def entries(self) -> Sequence[tuple[Row[Any], f.Fact]]:
        """The ledger without its decisions: each entry with its fact."""
        return [(row, f.from_json(row.body)) for row in self.ledger if row.kind != "decided"]

    @cached_property
    def payments(self) -> Sequence[Row[Any]]:
        return self._rows(PAYMENT, PAYMENT.c.case_id == self.row.id, order=PAYMENT.c.paid_on)

    @cached_property
    def promises(self) -> Sequence[Row[Any]]:
        return self._rows(PROMISE, PROMISE.c.case_id == self.row.id, order=PROMISE.c.made_at)

    @cached_property
    def plans(self) -> Sequence[Row[Any]]:
        return self._rows(PLAN, PLAN.c.case_id == self.row.id, order=PLAN.c.offered_at)

    @cached_property
    def contacts(self) -> Sequence[Row[Any]]:
        linked = select(CONTACT, CONTACT_CASE.c.step, CONTACT_CASE.c.attempt).join(
            CONTACT_CASE, CONTACT_CASE.c.contact_id == CONTACT.c.id
        )
        mine = linked.where(CONTACT_CASE.c.case_id == self.row.id)
        return self.desk.conn.execute(mine.order_by(CONTACT.c.planned_at, CONTACT.c.id)).all()

    @cached_property
    def notices(self) -> Sequence[Row[Any]]:
        return self._rows(NOTICE, NOTICE.c.case_id == self.row.id, order=NOTICE.c.issued_at)

    @cached_property
    def titles(self) -> Sequence[Row[Any]]:
        return self._rows(TITLE, TITLE.c.case_id == self.row.id, order=TITLE.c.attempt)

    @cached_property
    def orders(self) -> Sequence[Row[Any]]:
        """Orders to the notary, with the names of the files that carried them."""
        sent = select(ORDER, CRA_FILE.c.name).join(CRA_FILE, CRA_FILE.c.id == ORDER.c.file_id, isouter=True)
        mine = sent.join(TITLE, TITLE.c.id == ORDER.c.title_id).where(TITLE.c.case_id == self.row.id)
        return self.desk.conn.execute(mine.order_by(ORDER.c.queued_at, ORDER.c.id)).all()

    def registered_on(self, title: Row[Any]) -> date | None:
        """The day on which the protest of a title was registered, if it was."""
        registered = (fact for _, fact in self.entries if isinstance(fact, f.TitleRegistered))
        return next((fact.on for fact in registered if fact.title_id == str(title.id)), None)

    # --- documents -------------------------------------------------------------------------------------------------
    @cached_property
    def documents(self) -> Sequence[Row[Any]]:
        return self._rows(DOCUMENT, DOCUMENT.c.case_id == self.row.id, order=DOCUMENT.c.created_at)

    def attached(self, kinds: Iterable[str]) -> bool:
        """Is a document of one of these kinds attached to the case?"""
        return any(row.kind in kinds for row in self.documents)

    def content(self, digest: str) -> bytes | None:
        """The bytes of a document, None where they are gone from the store."""
        try:
            return self.desk.world.documents.get(digest)
        except FileNotFoundError:
            return None


def registry_office(title: Row[Any]) -> str:
    """The tabelionato that took a title, as a reader names it."""
    return f"Tabelionato de protesto {title.notary_code}".strip()


def city_name(ibge: str) -> str:
    """A municipality with its state, by its IBGE code; an unknown code is shown as it is."""
    row = next((row for row in table("municipalities") if row["ibge"] == ibge), None)
    return f"{row['name']}/{row['uf']}" if row else ibge

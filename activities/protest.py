"""`protest`: puts the title of a case into the queue for the next remittance. It makes no outside call.

The title leaves with the daily batch (`activities.protest_batch`). What the notary would send back for a missing street
or a CNPJ with letters is found here, and becomes a task for a person.
"""

from __future__ import annotations

import base64
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import Row, func, insert, select
from temporalio import activity

from activities.codes import remove_all
from activities.desk import Desk, at_desk
from activities.effects import queue_order
from activities.news import wait_for_news
from activities.quotes import not_made
from activities.views import read_creditor, read_debtor, read_invoices
from activities.world import World
from contract.messages import Next, Perform
from db.rows import TITLE
from db.settings import Presenter
from domain import cra
from domain import facts as f
from domain.eligibility import missing
from domain.errors import ProviderError
from domain.places import municipality, time_zone


class Protests:
    """The activity that queues titles."""

    def __init__(self, world: World) -> None:
        self.world = world

    @activity.defn(name="protest")
    def protest(self, given: Perform) -> Next:
        """Queue the title of a step (or say what it lacks) and return the next instruction.

        Payment codes already sent are taken back first, confirmed by the bank: what a debtor pays while the title is
        at the notary must not be paid twice.
        """
        try:
            remove_all(self.world, UUID(given.case_id))
        except ProviderError as error:
            return not_made(self.world, given, error)
        with at_desk(self.world, given.case_id, given.at) as desk:
            return desk.guard(given) or desk.conclude_with(given, _queue(desk, given.step))


def _queue(desk: Desk, step: str) -> f.TitleQueued | f.TitleIncomplete | f.ContactDeferred:
    """Write title and order; or nothing, where something is missing or nobody knows whether it was paid."""
    if deferred := wait_for_news(desk, step):
        return deferred
    conn, row, case = desk.conn, desk.row, desk.case
    creditor, settings = read_creditor(conn, row.creditor_id)
    debtor = read_debtor(conn, row.debtor_id)
    invoice = read_invoices(conn, [row.invoice_id])[row.invoice_id]
    attempt = 1 + conn.execute(select(func.count()).where(TITLE.c.case_id == row.id)).scalar_one()
    title_id, balance = uuid5(row.id, f"title:{attempt}"), case.face()
    title = cra_title(creditor, settings.presenter, debtor, invoice, case.terms.due, balance, our_number(title_id))
    day = desk.now.astimezone(time_zone(creditor.uf)).date()
    lacking = missing(title, cra_presenter(settings.presenter), day, case.limitation().first)
    if lacking:
        return f.TitleIncomplete(step, lacking)
    conn.execute(
        insert(TITLE).values(
            id=title_id,
            case_id=row.id,
            creditor_id=row.creditor_id,
            our_number=title.our_number,
            attempt=attempt,
            amount=title.amount,
            balance=balance,
            municipality=title.municipality,
            state="queued",
            notary_code="",
            protocol="",
            costs=0,
            changed_at=desk.now,
        )
    )
    queue_order(conn, title_id, "present", desk.now)
    return f.TitleQueued(step, str(title_id), balance)


def our_number(title_id: UUID) -> str:
    """The key of a title in CRA files (field 11): 15 capitals and digits that follow from its id."""
    return "R" + base64.b32encode(title_id.bytes)[:14].decode()


def cra_presenter(presenter: Presenter | None) -> cra.Presenter | None:
    """The creditor's agreement with the CRA, where he has one."""
    return cra.Presenter(presenter.code, presenter.name, presenter.agency_account) if presenter else None


def cra_title(
    creditor: Row[Any],
    presenter: Presenter | None,
    debtor: Row[Any],
    invoice: Row[Any],
    due: date,
    balance: Decimal,
    number: str,
) -> cra.Title:
    """A title as it would be presented, from the rows of its creditor, debtor and invoice; it may lack something.

    `balance` is the open principal in reais, `number` our number. The place is the debtor's city (Provimento CNJ
    167/2024: where the title names none, the debtor's domicile).
    """
    declared = cra.codes.declaration(presenter.declaration) if presenter else None
    return cra.Title(
        our_number=number,
        species=invoice.kind,
        number=invoice.printed_number,
        issue=invoice.issued,
        due=due,
        amount=invoice.amount,
        balance=balance,
        place=debtor.city,
        municipality=debtor.ibge or municipality(debtor.city, debtor.uf) or "",
        creditor=cra.Creditor(
            creditor.name, creditor.document, creditor.address, creditor.cep, creditor.city, creditor.uf
        ),
        debtors=(
            cra.Debtor(
                debtor.name,
                "CNPJ" if len(debtor.document) > 11 else "CPF",
                debtor.document,
                debtor.address,
                debtor.cep,
                debtor.city,
                debtor.uf,
                debtor.district,
            ),
        ),
        endorsement=presenter.endorsement if presenter else "",
        declaration=declared.code if declared and declared.fits(invoice.kind) else "",
    )

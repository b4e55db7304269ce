"""`protest`: puts the title of a case into the queue for the next remittance. It makes no outside call.

The title leaves with the daily batch (`activities.protest_batch`). What the notary would send back for a missing street
or a CNPJ with letters is found here, and becomes a task for a person.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID, uuid5

from sqlalchemy import Row, func, insert, select
from temporalio import activity

from activities.codes import remove_all
from activities.desk import Desk, at_desk
from activities.effects import queue_order
from activities.eligibility import bound_parties, gaps_of
from activities.news import wait_for_news
from activities.quotes import not_made
from activities.views import read_creditor, read_debtor, read_invoices
from activities.world import World
from contract.messages import Next, Perform
from db.rows import TITLE
from db.settings import Presenter
from domain import cra
from domain import facts as f
from domain.decide import Action
from domain.errors import ProviderError
from domain.notice import notified
from domain.places import city_of, municipality, time_zone, uf_of_municipality

BY_THE_CREDITOR = "D"
"""The declaration that the creditor has the proof of delivery (V4.3 annex 3)."""


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
    attempt = _attempt(desk)
    title_id, balance = uuid5(row.id, f"title:{attempt}"), case.face()
    title = title_as_presented(desk)
    if lacking := gaps(desk):
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


def title_as_presented(desk: Desk) -> cra.Title:
    """The title of a case as it would go to the notary now, with every bound party whose own notice is ripe."""
    conn, row, case = desk.conn, desk.row, desk.case
    creditor, settings = read_creditor(conn, row.creditor_id)
    invoice = read_invoices(conn, [row.invoice_id])[row.invoice_id]
    others = bound_parties(conn, case, row.invoice_id, notified(case, desk.policy, case.today(desk.now)))
    title_id = uuid5(row.id, f"title:{_attempt(desk)}")
    debtor = read_debtor(conn, row.debtor_id)
    agreement = settings.agreement_for(state_of(place_of(invoice, debtor)))
    return cra_title(creditor, agreement, debtor, invoice, case.terms.due, case.face(), our_number(title_id), others)


def gaps(desk: Desk) -> tuple[str, ...]:
    """Codes of everything that the title lacks (`domain.eligibility`), in one list; empty where it can go."""
    creditor, settings = read_creditor(desk.conn, desk.row.creditor_id)
    day, title = desk.now.astimezone(time_zone(creditor.uf)).date(), title_as_presented(desk)
    presenter = cra_presenter(settings.agreement_for(state_of(title.municipality)))
    return gaps_of(desk.conn, desk.case, desk.row, title, presenter, day)


def examined(desk: Desk) -> f.TitleExamined | f.TitleIncomplete | None:
    """What an examination that is wanted now finds; None where the case wants something else by now."""
    row = desk.row
    if row.next_action != Action.EXAMINE or not desk.due(row.next_action, row.next_step):
        return None
    found = gaps(desk)
    return f.TitleIncomplete(row.next_step, found) if found else f.TitleExamined(row.next_step)


def _attempt(desk: Desk) -> int:
    return 1 + int(desk.conn.execute(select(func.count()).where(TITLE.c.case_id == desk.row.id)).scalar_one())


def our_number(title_id: UUID) -> str:
    """The key of a title in CRA files (field 11): 15 capitals and digits that follow from its id."""
    return "R" + base64.b32encode(title_id.bytes)[:14].decode()


def cra_presenter(presenter: Presenter | None) -> cra.Presenter | None:
    """The creditor's agreement with a CRA, where he has one."""
    return cra.Presenter(presenter.code, presenter.name, presenter.agency_account) if presenter else None


def place_of(invoice: Row[Any], debtor: Row[Any]) -> str:
    """The place of payment (IBGE code, "" = unknown): the one that the title names, or else the debtor's city
    (Provimento CNJ 167/2024)."""
    return invoice.place or debtor.ibge or municipality(debtor.city, debtor.uf) or ""


def state_of(place: str) -> str:
    """The state of a place of payment, whose CRA takes the title; "" where it is not known."""
    return uf_of_municipality(place) or ""


def cra_title(
    creditor: Row[Any],
    presenter: Presenter | None,
    debtor: Row[Any],
    invoice: Row[Any],
    due: date,
    balance: Decimal,
    number: str,
    others: Sequence[Row[Any]] = (),
) -> cra.Title:
    """A title as it would be presented, from the rows of its creditor, debtor and invoice; it may lack something.

    `balance` is the open principal in reais, `number` our number. `others` are the other bound parties to be named
    (rows of party). Without an agreement (`presenter`) the creditor himself declares what a mandatary would.
    """
    declared = cra.codes.declaration(presenter.declaration if presenter else BY_THE_CREDITOR)
    return cra.Title(
        our_number=number,
        species=invoice.kind,
        number=invoice.printed_number,
        issue=invoice.issued,
        due=due,
        amount=invoice.amount,
        balance=balance,
        place=city_of(invoice.place) or debtor.city,
        municipality=place_of(invoice, debtor),
        creditor=cra.Creditor(
            creditor.name, creditor.document, creditor.address, creditor.cep, creditor.city, creditor.uf
        ),
        debtors=tuple(_bound(row) for row in (debtor, *others)),
        endorsement=presenter.endorsement if presenter else "",
        declaration=declared.code if declared and declared.fits(invoice.kind) else "",
    )


def _bound(row: Row[Any]) -> cra.Debtor:
    """Who is named in a title: the debtor, or another party that is bound by it."""
    kind: Literal["CNPJ", "CPF"] = "CNPJ" if len(row.document) > 11 else "CPF"
    return cra.Debtor(row.name, kind, row.document, row.address, row.cep, row.city, row.uf, row.district)

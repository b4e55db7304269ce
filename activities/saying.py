"""What a message says beside its invoices: the promise, plan, dispute or reversal that it is about.

A word of a case may be overtaken before it is said; then there is nothing true to say, and it is dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID, uuid5

from pydantic import TypeAdapter
from sqlalchemy import Row, select
from sqlalchemy.dialects.postgresql import insert as upsert

from activities.correspondents import channel_of
from activities.desk import Desk
from activities.documents import PDF, keep_document
from activities.views import Claim, creditor_view, debtor_view, invoice_view
from db.rows import DOCUMENT, PLAN
from db.settings import CreditorSettings
from domain.calendars import add_bank_days, next_bank_day
from domain.case import Case, Paid
from domain.dialogue.reaction import COPY, PERSON
from domain.errors import Refused
from domain.fold import THANKS
from domain.fold.base import spoken, word_step
from domain.money import ZERO, format_brl
from domain.plans import Proposal, propose
from domain.policy import Policy, Step, built_channels
from domain.schedule import move
from gateways.email import Attachment
from letters.documents import receipt_pdf
from letters.messages import how_to
from letters.models import PlanView, ReceiptData
from letters.plans import offer_words

ANSWER_CHANNELS: tuple[str, ...] = ("email", "sms", "whatsapp")
"""Ways of thanks, confirmations and reminders of instalments, which no step of a ladder names. WhatsApp is one where a
template is approved for the text, or where the debtor has just written there."""
SHARED = frozenset({"pagamento-em-verificacao", "contestacao-recebida", "contestacao-pergunta", COPY})
"""Answers that several cases of a debtor give together, in one message that lists their invoices."""
PROPOSAL: TypeAdapter[Proposal] = TypeAdapter(Proposal)
OFFERED, AGREED = "offered", "agreed"


@dataclass(frozen=True)
class Said:
    """What is to be said: the text, the channels in order, whether it counts in the caps, the step of the ladder."""

    text_id: str
    channels: tuple[str, ...]
    counts: bool
    step: Step | None = None

    @property
    def purpose(self) -> str:
        """How the contact's row calls it; only what counts is told to a case when it comes back."""
        return "ladder" if self.counts else "thanks" if self.text_id.startswith(THANKS) else "answer"


def said(desk: Desk, name: str) -> Said:
    """What this step, or pseudo-step beside the ladder, says."""
    if name.startswith(THANKS):
        settled = desk.case.settled(desk.policy.tolerance)
        return Said("agradecimento" if settled else "agradecimento-parcial", ANSWER_CHANNELS, counts=False)
    if word := spoken(name):
        return Said(word.text, _answer_channels(desk, name), word.counts)
    step = next(step for step in desk.policy.steps if step.id == name)
    return Said(step.text or "", built_channels(step), counts=True, step=step)


def _answer_channels(desk: Desk, step: str) -> tuple[str, ...]:
    """An answer goes the way the message came, if it can; the word names that message."""
    word = next((word for word in desk.case.owed if word_step(word) == step), None)
    channel = channel_of(desk.conn, word.about) if word else ""
    return tuple(sorted(ANSWER_CHANNELS, key=lambda each: each != channel))


def about(desk: Desk, what: Said, today: date) -> dict[str, Any] | None:
    """The fields of `MessageData` that this text needs beside the invoices; None where it is no longer true."""
    case, text = desk.case, what.text_id
    if what.step and what.step.offer:
        return {"offer": _offer(desk, what.step, today)}
    if text == "promessa-confirmada":
        promise = case.promise
        return {"promise": (promise.on, promise.amount or case.debt(promise.on).total)} if promise else None
    if text.startswith(("acordo-", "parcela-")):
        plan = _plan(desk, text, today)
        return {"plan": plan} if plan else None
    if text.startswith("contestacao-"):
        until = _answered_by(case, desk.policy, text, today)
        return {"until": until, "disputed": case.disputed} if case.dispute else None
    if text == "pagamento-em-verificacao":
        return {"until": case.claimed_until} if case.claimed_until else None
    if text == PERSON:
        return {"until": add_bank_days(today, 1)}
    return {"event": _reversed(case)} if text == "pagamento-estornado" else {}


def _answered_by(case: Case, policy: Policy, text: str, today: date) -> date | None:
    """The day by which the debtor explains, or the creditor answers."""
    return case.explain_by if text.endswith("pergunta") else next_bank_day(move(today, policy.dispute.deadline))


def _reversed(case: Case) -> str:
    gone = [payment for payment in case.payments if payment.reversed]
    return f"O pagamento de {format_brl(gone[-1].amount)} de {gone[-1].on:%d/%m/%Y} foi devolvido." if gone else ""


# --- plans -----------------------------------------------------------------------------------------------------------
def proposal_for(desk: Desk, offer: str, today: date) -> Proposal:
    """What this offer of the ladder comes to on today's debt. Raises `Refused` beyond the policy's limits."""
    case, policy = desk.case, desk.policy
    chosen = next(known for known in policy.offers if known.name == offer)
    debt = case.debt(today)
    return propose(chosen, policy.plan, debt.total, debt.principal, debt.days_late, case.terms.consumer, today)


def keep_offer(desk: Desk, plan_id: UUID, terms: Proposal) -> None:
    """Write down what was offered, once."""
    row = {
        "id": plan_id, "case_id": desk.row.id, "state": OFFERED, "terms": PROPOSAL.dump_python(terms, mode="json"),
        "total": terms.total, "text_hash": "", "accepted_by": "", "accepted_how": "", "offered_at": desk.now,
    }  # fmt: skip
    desk.conn.execute(upsert(PLAN).values(row).on_conflict_do_nothing(index_elements=["id"]))


def _plan(desk: Desk, text: str, today: date) -> PlanView | None:
    """The plan that a text is about: the one a word names, or the one in good standing."""
    case = desk.case
    word = next((word for word in case.owed if word.text == text), None)
    plan_id = word.about if word else case.plan.id if case.plan else ""
    found = desk.conn.execute(select(PLAN.c.terms).where(PLAN.c.id == UUID(plan_id))).one_or_none() if plan_id else None
    if found is None:
        return None
    terms, tolerance = PROPOSAL.validate_python(found.terms), desk.policy.plan.tolerance
    if case.plan is None or case.plan.id != plan_id:
        return PlanView(terms, tolerance)
    paid = sum((payment.amount for payment in case.plan_payments()), ZERO)
    return PlanView(terms, tolerance, state=case.plan_state(today, desk.policy.tolerance), paid=paid)


def _offer(desk: Desk, step: Step, today: date) -> str | None:
    """The words of the offer that a step makes, kept so that it can be accepted; None where its limits do not fit."""
    try:
        terms = proposal_for(desk, step.offer or "", today)
    except Refused:
        return None
    keep_offer(desk, uuid5(desk.row.id, f"offer:{step.id}:{desk.case.step(step.id).attempt}"), terms)
    return offer_words(terms)


# --- what is attached ------------------------------------------------------------------------------------------------
def attached(
    desk: Desk, what: Said, claim: Claim, creditor: tuple[Row[Any], CreditorSettings], debtor: Row[Any]
) -> tuple[Attachment, ...]:
    """Files that go with an e-mail: a receipt for each payment that is thanked for, the deed of a plan.

    The same at every try: they follow from the case alone.
    """
    if what.text_id.startswith(THANKS):
        waiting = [payment for payment in desk.case.counted() if not payment.thanked]
        return tuple(_receipt(desk, payment, claim, creditor, debtor) for payment in waiting)
    return _deed(desk) if what.text_id == "acordo-confirmado" else ()


def _receipt(
    desk: Desk, payment: Paid, claim: Claim, creditor: tuple[Row[Any], CreditorSettings], debtor: Row[Any]
) -> Attachment:
    case = desk.case
    view, number = creditor_view(*creditor), uuid5(desk.row.creditor_id, f"payment:{payment.reference}")
    data = ReceiptData(
        creditor=view,
        debtor=debtor_view(debtor, case.terms.consumer),
        invoices=(invoice_view(claim, payment.on),),
        how=how_to("letter", view, creditor[1].how_to_pay),
        on=payment.on,
        receipt_id=str(number),
        paid_on=payment.on,
        amount=payment.amount,
        method="pagamento no tabelionato" if payment.at_notary else "pagamento recebido",
        settled=case.settled(desk.policy.tolerance),
    )
    name, pdf = f"recibo-{number}.pdf", receipt_pdf(data)
    keep_document(desk.world, desk.conn, desk.row.id, "receipt", name, PDF, pdf, desk.now)
    return Attachment(name, PDF, pdf)


def _deed(desk: Desk) -> tuple[Attachment, ...]:
    if desk.case.plan is None:
        return ()
    found = desk.conn.execute(
        select(DOCUMENT).join(PLAN, PLAN.c.document_id == DOCUMENT.c.id).where(PLAN.c.id == UUID(desk.case.plan.id))
    ).one_or_none()
    return (Attachment(found.name, PDF, desk.world.documents.get(found.sha256)),) if found else ()

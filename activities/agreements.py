"""Agreements (*acordos*): offered in writing, accepted with evidence of who accepted which text.

Call with the case at the desk and `up_to_date` first. Row, deed and fact are one transaction, that of the desk; the
caller tells the case of the fact when it has committed. The deed as it was offered is the text that is accepted: its
SHA-256 is `plan.text_hash`, also where the deed that is kept in the end says how it was accepted.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, and_, or_, select, update

from activities.desk import Desk, fact_values, store_facts
from activities.documents import PDF, keep_document
from activities.saying import AGREED, OFFERED, PROPOSAL, keep_offer, proposal_for
from activities.views import Claim, creditor_view, debtor_view, invoice_view, read_creditor, read_debtor, read_invoices
from db.rows import DOCUMENT, FACT, PLAN
from domain import facts as f
from domain.errors import BadInput, Refused
from domain.fold import Moment, fold
from domain.money import format_brl
from domain.places import time_zone
from domain.plans import Proposal
from letters import pt, views
from letters.documents import agreement_pdf
from letters.messages import how_to
from letters.models import AgreementData, PlanView

DEED = "agreement"
"""Kind of the document."""
_CHANGES = ("payment", "reverse", "adjusted", "extended")
"""Facts after which a proposal speaks of a debt that is no more; beside these, a dispute that was upheld."""
_WAYS = {
    "staff": "em atendimento", "reply": "por resposta escrita", "link": "pela página da proposta",
    "phone": "por telefone",
}  # fmt: skip


def up_to_date(desk: Desk) -> None:
    """Judge on all that is known: what the case was told and has not taken in yet counts, though nothing is written."""
    desk.read_inbox()
    desk.decide()


def offer(desk: Desk, name: str, actor: str) -> tuple[UUID, UUID]:
    """Offer a plan on today's debt; returns the ids of plan and fact. The debtor gets its terms in writing.

    Raises `BadInput` for an offer that the ladder does not make, `Refused` where its limits do not fit this debt, the
    rules of the case do not allow it now, or the same offer stands already.
    """
    known = [each.name for each in desk.policy.offers]
    if name not in known:
        raise BadInput(f"--offer {name!r}: the ladder of this case makes no such offer; it has {', '.join(known)}")
    today, plan_id = desk.case.today(desk.now), uuid4()
    _nothing_in_the_way(desk)
    terms = proposal_for(desk, name, today)
    _not_offered_yet(desk, terms)
    fact = f.PlanOffered(str(plan_id), terms.valid_until)
    fold(fact, desk.case, Moment(desk.now, desk.policy))
    keep_offer(desk, plan_id, terms)
    _keep_text(desk, plan_id, terms)
    return plan_id, _store(desk, f"plan-offered:{plan_id}", fact, actor)


def accept(desk: Desk, plan: Row[Any], how: f.How, actor: str, proof: str) -> UUID:
    """Write down that an offer was accepted; returns the id of the fact.

    `actor` is who took the debtor's word, `proof` where the evidence lies, in Portuguese words for the deed, or "".
    Raises `Refused` where the offer does not stand any more, or the debt has changed under it.
    """
    terms, today = PROPOSAL.validate_python(plan.terms), desk.case.today(desk.now)
    if plan.state != OFFERED:
        raise Refused("not-offered", f"this plan is {plan.state}; only an offer that stands can be accepted")
    if today > terms.valid_until:
        raise Refused("offer-over", f"this offer stood until {terms.valid_until:%d/%m/%Y}; {_anew(terms)}")
    _nothing_in_the_way(desk)
    _still_fits(desk, plan, terms)
    text_hash = plan.text_hash or _keep_text(desk, plan.id, terms)
    document_id, _ = _keep_deed(desk, plan.id, terms, _accepted(desk, how, actor, text_hash, proof))
    fact = f.PlanAgreed(str(plan.id), terms.instalments, terms.offer, how, text_hash, str(document_id), terms.financing)
    fold(fact, desk.case, Moment(desk.now, desk.policy))
    values = {
        "state": AGREED, "document_id": document_id, "accepted_by": actor, "accepted_how": how, "accepted_at": desk.now,
    }  # fmt: skip
    desk.conn.execute(update(PLAN).where(PLAN.c.id == plan.id).values(values))
    return _store(desk, f"plan:{plan.id}:{desk.now.isoformat()}", fact, actor)


def end(desk: Desk, note_id: str, actor: str) -> tuple[UUID, UUID]:
    """End the plan that is in force; returns the ids of plan and fact. Raises `Refused` where there is none."""
    if desk.case.plan is None:
        raise Refused("no-such-plan", "this case has no plan in good standing; there is none to end")
    plan_id = desk.case.plan.id
    return UUID(plan_id), _store(desk, f"plan-ended:{plan_id}", f.PlanEnded(plan_id, f"note:{note_id}"), actor)


def _store(desk: Desk, key: str, fact: f.Told, actor: str) -> UUID:
    values = fact_values(desk.row.id, key, fact, actor, desk.now)
    store_facts(desk.conn, [values])
    fact_id: UUID = values["id"]
    return fact_id


# --- what lies before the debtor --------------------------------------------------------------------------------------
def offers(conn: Connection, cases: Sequence[UUID], today: date) -> list[Row[Any]]:
    """The offers in these cases that can still be accepted on that day, the last one first."""
    query = select(PLAN).where(PLAN.c.case_id.in_(cases), PLAN.c.state == OFFERED)
    rows = conn.execute(query.order_by(PLAN.c.offered_at.desc())).all()
    return [row for row in rows if PROPOSAL.validate_python(row.terms).valid_until >= today]


def standing(desk: Desk) -> Row[Any] | None:
    """The offer that lies before the debtor; of several only the last that he was shown."""
    return next(iter(offers(desk.conn, [desk.row.id], desk.case.today(desk.now))), None)


def shown(plan: Row[Any]) -> f.PlanOffered:
    """The fact that this offer lies before him."""
    return f.PlanOffered(str(plan.id), PROPOSAL.validate_python(plan.terms).valid_until)


def acceptance(plan: Row[Any]) -> f.PlanAgreed:
    """The fact that his written yes to this offer would be."""
    terms = PROPOSAL.validate_python(plan.terms)
    return f.PlanAgreed(str(plan.id), terms.instalments, terms.offer, "reply", financing=terms.financing)


# --- what stands in the way ------------------------------------------------------------------------------------------
def _nothing_in_the_way(desk: Desk) -> None:
    """A plan acknowledges the whole debt: nobody is asked for that while he denies a part of it, or owes nothing."""
    case = desk.case
    if case.dispute:
        raise Refused("disputed", "the debt is in dispute; decide that first with `regua resolve`")
    if case.ended or case.settled(desk.policy.tolerance):
        raise Refused("plan-nothing-owed", "nothing is owed in this case any more; there is nothing to agree on")


def _not_offered_yet(desk: Desk, terms: Proposal) -> None:
    body = PROPOSAL.dump_python(terms, mode="json")
    same = (PLAN.c.case_id == desk.row.id) & (PLAN.c.state == OFFERED) & (PLAN.c.terms == body)
    known = desk.conn.execute(select(PLAN.c.id).where(same).limit(1)).scalar_one_or_none()
    if known:
        text = f"just this stands as {str(known)[:8]} until {terms.valid_until:%d/%m/%Y}; it can be accepted as it is"
        raise Refused("already-offered", text)


def _still_fits(desk: Desk, plan: Row[Any], terms: Proposal) -> None:
    """An offer binds as long as it stands, whatever a day adds to the debt; but it is about the debt as it was."""
    upheld = and_(FACT.c.kind == "resolve", FACT.c.body["upheld"].astext == "true")
    since = select(FACT.c.kind).where(
        FACT.c.case_id == desk.row.id,
        FACT.c.refusal == "",
        FACT.c.business_at > plan.offered_at,
        or_(FACT.c.kind.in_(_CHANGES), upheld),
    )
    case = desk.case
    days = [payment.on for payment in case.counted()] + [reduction.on for reduction in case.reductions]
    less = case.debt(terms.on).total < terms.debt or any(day > terms.on for day in days)
    if less or desk.conn.execute(since.limit(1)).first():
        today = case.debt(case.today(desk.now)).total
        raise Refused(
            "debt-changed",
            f"the debt has changed since {terms.on:%d/%m/%Y}, when it was {format_brl(terms.debt)}; today it is "
            f"{format_brl(today)}; {_anew(terms)}",
        )


def _anew(terms: Proposal) -> str:
    return f"offer it anew with `regua plan ID --offer {terms.offer}`"


# --- the deed --------------------------------------------------------------------------------------------------------
def _keep_text(desk: Desk, plan_id: UUID, terms: Proposal) -> str:
    """Keep the deed as it is offered; returns its SHA-256."""
    document_id, digest = _keep_deed(desk, plan_id, terms, "")
    desk.conn.execute(update(PLAN).where(PLAN.c.id == plan_id).values(text_hash=digest, document_id=document_id))
    return digest


def _keep_deed(desk: Desk, plan_id: UUID, terms: Proposal, accepted: str) -> tuple[UUID, str]:
    pdf = agreement_pdf(_deed(desk, plan_id, terms, accepted))
    name = f"acordo-{plan_id.hex[:8]}{'-aceito' if accepted else ''}.pdf"
    document_id = keep_document(desk.world, desk.conn, desk.row.id, DEED, name, PDF, pdf, desk.now)
    digest = desk.conn.execute(select(DOCUMENT.c.sha256).where(DOCUMENT.c.id == document_id)).scalar_one()
    return document_id, str(digest)


def _deed(desk: Desk, plan_id: UUID, terms: Proposal, accepted: str) -> AgreementData:
    """The deed shows the debt of the day of the offer, on whatever day it is made."""
    conn, row, case = desk.conn, desk.row, desk.case
    creditor = read_creditor(conn, row.creditor_id)
    view = creditor_view(*creditor)
    invoice = read_invoices(conn, [row.invoice_id])[row.invoice_id]
    on: date = terms.on
    way = f"responda ACEITO à mensagem que traz esta proposta, ou fale com {views.reach(view)}"
    return AgreementData(
        creditor=view,
        debtor=debtor_view(read_debtor(conn, row.debtor_id), case.terms.consumer),
        invoices=(invoice_view(Claim(case, invoice), on),),
        how=how_to("letter", view, creditor[1].how_to_pay),
        on=on,
        agreement_id=plan_id.hex[:8],
        plan=PlanView(terms, desk.policy.plan.tolerance, accept=way),
        accepted=accepted,
    )


def _accepted(desk: Desk, how: f.How, actor: str, text_hash: str, proof: str) -> str:
    """How, when and by whom it was accepted, as the creditor can prove it."""
    at = desk.now.astimezone(time_zone(desk.case.uf))
    said = f"Aceito pelo devedor em {pt.day(at.date())}, às {at:%H:%M}, {_WAYS[how]}; registrado por {actor}"
    return f"{said}; o texto aceito tem o SHA-256 {text_hash}{f'; prova: {proof}' if proof else ''}."

"""The firm part: the notice and its proof, the title at the notary, what undoes a protest, the end of a case."""

from __future__ import annotations

from datetime import date

from domain import facts as f
from domain.calendars import add_bank_days, add_notary_days
from domain.case import LIVE
from domain.eligibility import blocked
from domain.gate import waits
from domain.money import ZERO
from domain.notice import SILENT_NOTICE as SILENT_NOTICE
from domain.notice import shut
from domain.policy import Step
from domain.rules.base import Action, Bench, Instruction, Move

CRA_ANSWERS_WITHIN = 3
"""Bank days after which a remittance without confirmation, or a term without return, is a task for a person."""


def undo_protest(r: Bench, outcome: str) -> f.Own | Instruction | None:
    protest = r.case.protest
    if protest.state == "queued":
        return f.TitleUnqueued(protest.title_id, outcome)
    if protest.state in ("sent", "confirmed"):
        return f.WithdrawalQueued(protest.title_id, outcome)
    if protest.state == "withdrawing":
        return notary_answers(r, "waits for the notary to give the title back")
    if protest.state == "suspended":
        return r.wait("suspended by court")
    if protest.state == "registered":
        wanted = "sign-consent" if is_paid(outcome) else "cancel-protest"
        return paper_after_protest(r, wanted)
    return None


def paper_after_protest(r: Bench, wanted: str) -> f.Own | Instruction | None:
    """Lei 9.492 art. 26: the creditor signs the consent (paid) or orders the cancellation himself (undue)."""
    if r.has_task(wanted):
        return r.wait("waits for a person's signature")
    title = r.case.protest.title_id
    if f"{wanted}:{title}" in r.case.asked:
        return None
    return r.task(wanted, title, "manager", add_bank_days(r.today, 2), False, (f"title {title}",))


def is_paid(outcome: str) -> bool:
    """Did the debtor pay what was asked of him, be it by a plan? Then he takes the letter of consent to the notary."""
    return outcome.startswith("paid") or outcome == "settled"


def close(r: Bench, outcome: str) -> f.Closed:
    """The end, with what stays unpaid and is not asked for any more."""
    return f.Closed(outcome, r.case.debt(r.last_movement()).total if is_paid(outcome) else ZERO)


def title_is_wrong(r: Bench) -> f.Own | None:
    """A title must not stay declared above its balance, or be sent while something holds the case (promise 3)."""
    case, protest = r.case, r.case.protest
    held = escalation_waits(r) or r.paused() or r.held_by_task()
    if protest.state == "queued":
        if protest.word == "withdrawal-asked" or case.plan:
            return f.TitleUnqueued(protest.title_id, "withdrawal-asked")
        if held or case.face() != protest.declared:
            return f.TitleUnqueued(protest.title_id, "held" if held else "balance-changed")
        if shut(case, r.policy, r.today):
            return f.TitleUnqueued(protest.title_id, "notice-void")
        if blocked(case.portfolio, case.bank_orders, case.nfe):
            return f.TitleUnqueued(protest.title_id, "not-eligible")
    if protest.state in ("sent", "confirmed"):
        if protest.word == "withdrawal-asked" or case.plan:
            return f.WithdrawalQueued(protest.title_id, "withdrawal-asked")
        if case.face() != protest.declared:
            return f.WithdrawalQueued(protest.title_id, "balance-changed")
    return None


def escalation_waits(r: Bench) -> str:
    """Why no firm step may be taken now (promise 3); empty where it may."""
    return waits(r.case, r.today)


def before_protest(r: Bench, step: Step) -> Move | None:
    """What must be in order before a protest is approved: the term, something to protest, the boleto, the title.

    The title is examined before anybody is asked, so that who approves sees a whole one; and again when it is queued.
    """
    if r.today > r.case.limitation().first and not r.case.limitation_overridden:
        return f.StepPassedOver(step.id, "past the executive term")
    if not r.case.face():
        return f.StepPassedOver(step.id, "no principal is left to protest")
    if move := boleto_stays_payable(r):
        return move
    if r.case.protest.examined is None:
        return r.instruct(Action.EXAMINE, f"step {step.id}: is anything missing", r.not_before(r.now, step.id), step.id)
    return None


def boleto_stays_payable(r: Bench) -> Move | None:
    """Before a title goes to the notary the bank confirms that the invoice's boleto cannot be paid any more."""
    if not r.case.terms.boleto or r.case.boleto_withdrawn:
        return None
    if r.has_task("withdraw-boleto"):
        return r.wait("waits for the bank to withdraw the boleto")
    details = ("withdraw the boleto at the bank (baixa) and confirm it here",)
    return r.task("withdraw-boleto", "", "clerk", add_bank_days(r.today, 1), False, details)


def hands_over_at_once(r: Bench) -> Move | None:
    """Death and insolvency stop the ladder; a lawyer is asked for at once (claims must be filed in time)."""
    case = r.case
    if case.legal_on or not {"death", "insolvency"} & {*case.holds}:
        return None
    if case.dispute or case.promise or case.plan or case.awaits_money(r.today):
        return None  # promise 3 holds here too
    step = next((step for step in r.policy.steps if step.do == "legal" and r.status(step) == "pending"), None)
    if step is None:
        return None
    return r.approved(step) or r.instruct(Action.LEGAL, f"step {step.id}", r.not_before(r.now, step.id), step.id)


def title_is_at_notary(r: Bench) -> Instruction | None:
    """While the title is out, none of our steps goes on."""
    protest = r.case.protest
    if protest.state == "queued":
        return r.rest("waits for the next remittance", add_notary_days(r.today, 1))
    if protest.state not in LIVE:
        return None
    if protest.state == "suspended":
        return r.wait("suspended by court")
    return notary_answers(r, "title at the notary")


def notary_answers(r: Bench, reason: str) -> Instruction:
    """Wait for an answer; the daily batch knows all titles that are out, and has somebody ask for a late one."""
    protest = r.case.protest
    return r.rest(reason, answer_due(protest.term_end or protest.sent_on or r.today))


def answer_due(since: date) -> date:
    """The day by which a CRA has answered: since the sending, or the end of the three-day term."""
    return add_bank_days(since, CRA_ANSWERS_WITHIN)

"""The firm part: the notice and its proof, the title at the notary, what undoes a protest, the end of a case."""

from __future__ import annotations

from domain import facts as f
from domain.calendars import add_bank_days
from domain.gate import waits
from domain.money import ZERO
from domain.notice import SILENT_NOTICE as SILENT_NOTICE
from domain.policy import Step
from domain.rules.base import Action, Bench, Move


def is_paid(outcome: str) -> bool:
    """Did the debtor pay what was asked of him, be it by a plan? Then he takes the letter of consent to the notary."""
    return outcome.startswith("paid") or outcome == "settled"


def close(r: Bench, outcome: str) -> f.Closed:
    """The end, with what stays unpaid and is not asked for any more."""
    return f.Closed(outcome, r.case.debt(r.last_movement()).total if is_paid(outcome) else ZERO)


def escalation_waits(r: Bench) -> str:
    """Why no firm step may be taken now (promise 3); empty where it may."""
    return waits(r.case, r.today)


def before_protest(r: Bench, step: Step) -> Move | None:
    """What must be in order before a protest is approved: the term, something to protest, the boleto, the title.

    The title is examined before anybody is asked, so that who approves sees a whole one; and again when it is queued.
    """
    if r.today > r.limitation.first and not r.case.limitation_overridden:
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

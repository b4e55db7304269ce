"""The protest: what must be right about a title at the notary, who decides by which hour, what undoes it."""

from __future__ import annotations

from datetime import date, timedelta

from domain import facts as f
from domain.calendars import add_bank_days, add_notary_days, next_bank_day
from domain.case import LIVE
from domain.doubts import silence_decides_at
from domain.eligibility import blocked
from domain.fold.protest import BALANCE_CHANGED, NOBODY_DECIDED
from domain.notice import shut
from domain.protest import UNDUE, withdrawable
from domain.rules.base import Bench, Instruction
from domain.rules.firm import escalation_waits, is_paid

CRA_ANSWERS_WITHIN = 3
"""Bank days after which a remittance without confirmation, or a term without return, is a task for a person."""
CONSENT_WITHIN = 2
"""Bank days after which an unsigned letter of consent is a manager's alarm: the creditor owes it (STJ Tema 725)."""
_LATE = {
    "sign-consent": ("consent-late", "the letter of consent is not signed and delivered: the creditor owes it"),
    "cancel-protest": ("cancellation-late", "the protest still stands: the notary has not cancelled it"),
}
"""Who forgets a paper is reminded of it by his manager, once for each title."""


# --- while it is there ------------------------------------------------------------------------------------------------
def title_is_wrong(r: Bench) -> f.Own | None:
    """A title must not stay declared above its balance, or be sent while something holds the case (promise 3)."""
    protest = r.case.protest
    if protest.state == "queued":
        reason = _leaves_the_queue(r)
        return f.TitleUnqueued(protest.title_id, reason) if reason else None
    if withdrawable(protest.state):
        reason = _comes_back(r)
        return withdrawal(r, reason) if reason else None
    if protest.state == "registered" and protest.cancel == "asked":
        return f.CancellationQueued(protest.title_id, "cancellation-asked", protest.costs)
    return None


def _leaves_the_queue(r: Bench) -> str:
    case, protest = r.case, r.case.protest
    if protest.word == "withdrawal-asked" or case.plan:
        return "withdrawal-asked"
    if escalation_waits(r) or r.paused() or r.held_by_task():
        return "held"
    if case.face() != protest.declared:
        return BALANCE_CHANGED
    if shut(case, r.policy, r.today):
        return "notice-void"
    return "not-eligible" if blocked(case.portfolio, case.bank_orders, case.nfe) else ""


def _comes_back(r: Bench) -> str:
    case, protest = r.case, r.case.protest
    if protest.word == "withdrawal-asked" or case.plan:
        return "withdrawal-asked"
    if case.face() != protest.declared:
        return BALANCE_CHANGED
    moment = silence_decides_at(case, r.policy, r.today)
    return NOBODY_DECIDED if moment and r.now >= moment else ""


def withdrawal(r: Bench, reason: str) -> f.WithdrawalQueued:
    """The order to give the title back, with what it costs us and until when it can be obeyed."""
    protest = r.case.protest
    return f.WithdrawalQueued(protest.title_id, reason, protest.costs, protest.decide_by)


def title_is_at_notary(r: Bench) -> Instruction | None:
    """While the title is out, none of our steps goes on."""
    protest = r.case.protest
    if protest.state == "queued":
        # The batch's next day: its file goes to a CRA with titles of many places, so no place's own holidays count.
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


# --- undoing it -------------------------------------------------------------------------------------------------------
def undo_protest(r: Bench, outcome: str) -> f.Own | Instruction | None:
    """What undoes the protest of a debt that ended; None where nothing of it is left with the notary or with us."""
    protest = r.case.protest
    if protest.state == "queued":
        return f.TitleUnqueued(protest.title_id, outcome)
    if withdrawable(protest.state):
        return withdrawal(r, outcome)
    if protest.state == "withdrawing":
        return notary_answers(r, "waits for the notary to give the title back")
    if protest.state == "suspended":
        return r.wait("suspended by court")
    if protest.state == "cancelling":
        return r.rest("waits for the notary to cancel the protest", answer_due(r.today))
    return _after_protest(r, outcome) if protest.state == "registered" else None


def _after_protest(r: Bench, outcome: str) -> f.Own | Instruction | None:
    protest = r.case.protest
    if is_undue(r, outcome):
        if protest.cancel != "refused":
            return f.CancellationQueued(protest.title_id, "undue", protest.costs)
        return _paper(r, "cancel-protest")
    if is_paid(outcome):
        return None if protest.consent == "delivered" else _paper(r, "sign-consent")
    return _cancelled_by_hand(r)


def is_undue(r: Bench, outcome: str) -> bool:
    """Was it wrong to protest, or to let the protest be registered? Then the creditor has it cancelled himself, at his
    cost: a debt that was none, or paid before the day of the registration (STJ REsp 1.414.725)."""
    registered = r.case.protest.over_on
    return outcome in UNDUE or (is_paid(outcome) and registered is not None and r.last_movement() < registered)


def _cancelled_by_hand(r: Bench) -> f.Own | Instruction | None:
    """A debt that ended unpaid owes nobody the cancellation: a person is asked once for each title, and may keep it."""
    asked = f"cancel-protest:{r.case.protest.title_id}" in r.case.asked
    return None if asked and not r.has_task("cancel-protest") else _paper(r, "cancel-protest")


def _paper(r: Bench, wanted: str) -> f.Own | Instruction:
    """Lei 9.492 art. 26: the creditor signs the consent (paid) or orders the cancellation himself (undue)."""
    title = r.case.protest.title_id
    due = next((task.due for task in r.case.tasks.values() if task.kind == wanted), None)
    if due is None:
        return r.task(wanted, title, "manager", add_bank_days(r.today, CONSENT_WITHIN), False, (f"title {title}",))
    if r.today <= due:
        return r.wait("waits for a person's signature", due + timedelta(days=1))
    late, said = _LATE[wanted]
    alarm = r.once(late, title, "manager", next_bank_day(r.today), said, f"title {title}")
    return alarm or r.wait("waits for a person's signature")

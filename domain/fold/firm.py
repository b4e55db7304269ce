"""Facts about the firm part: the prior notice, the title at the notary, the hand-over, the end."""

from __future__ import annotations

from datetime import date

from domain import facts as f
from domain.calendars import add_bank_days
from domain.case import LEVELS, Case, Need, Notice, Protest
from domain.errors import Refused
from domain.fold.base import Moment, finish_step, fold, interrupt, present_again, protest_over, task_of
from domain.policy import Offset, Policy
from domain.schedule import move

DEFAULT_DEADLINE = Offset(10, "bd")
"""For a notice whose step is no longer in the ladder (a migrated case)."""


@fold.register
def _issued(fact: f.NoticeIssued, case: Case, at: Moment) -> None:
    today = at.day(case)
    case.notice = Notice(fact.notice_id, fact.step, today, dict.fromkeys(fact.channels, "sent"))
    state = case.step(fact.step)
    state.status, state.on, state.deferred_until = "done", today, None
    case.last_contact_on = today
    if at.policy.proof == "sent" and fact.channels:
        case.notice.state, case.notice.proof_on = "proved", today


def _this_notice(case: Case, notice_id: str) -> Notice:
    if case.notice is None or case.notice.id != notice_id:
        raise Refused("other-notice", "this is not the case's present notice")
    return case.notice


@fold.register
def _proved(fact: f.NoticeProved, case: Case, at: Moment) -> None:
    notice = _this_notice(case, fact.notice_id)
    notice.ways[fact.channel] = fact.level
    if LEVELS.index(fact.level) >= LEVELS.index(at.policy.proof) and notice.state in ("issued", "undeliverable"):
        notice.state, notice.proof_on = "proved", fact.on
        if case.approval and case.approval.purpose == "undeliverable-notice":
            case.approval = None


@fold.register
def _returned_notice(fact: f.NoticeReturned, case: Case, at: Moment) -> None:
    _this_notice(case, fact.notice_id).ways[fact.channel] = f"failed: {fact.reason}"


@fold.register
def _undeliverable(fact: f.NoticeUndeliverable, case: Case, at: Moment) -> None:
    _this_notice(case, fact.notice_id).state = "undeliverable"


@fold.register
def _released_by_two(fact: f.NoticeReleasedByTwo, case: Case, at: Moment) -> None:
    notice = _this_notice(case, fact.notice_id)
    notice.state, notice.proof_on, case.approval = "released", fact.on, None


def notice_deadline(case: Case, policy: Policy) -> date | None:
    """The named moment notice.deadline: the first business day after the last day of the deadline (promise 2).

    The deadline runs from the first business day after the proof that opens the gate; None while there is no proof.
    """
    if case.notice is None or case.notice.proof_on is None:
        return None
    step = next((s for s in policy.steps if s.id == case.notice.step), None)
    length = step.deadline if step and step.deadline else DEFAULT_DEADLINE
    return add_bank_days(move(case.notice.proof_on, length), 1)


@fold.register
def _queued(fact: f.TitleQueued, case: Case, at: Moment) -> None:
    protest = case.protest
    protest.state, protest.title_id, protest.declared = "queued", fact.title_id, fact.balance
    protest.attempt += 1
    case.approval = None
    _at_notary(case, fact.step)


@fold.register
def _incomplete(fact: f.TitleIncomplete, case: Case, at: Moment) -> None:
    case.protest.state, case.approval = "incomplete", None
    _at_notary(case, fact.step)
    case.needs.append(Need("complete-title", owner="clerk", details=fact.missing))


def _at_notary(case: Case, step: str) -> None:
    state = case.step(step)
    state.status, state.reason, state.deferred_until = "running", "at-notary", None


def _this_title(case: Case, title_id: str) -> Protest:
    if case.protest.title_id != title_id:
        raise Refused("other-title", "this is not the title that the case has at the notary")
    return case.protest


@fold.register
def _title_sent(fact: f.TitleSent, case: Case, at: Moment) -> None:
    protest = _this_title(case, fact.title_id)
    protest.state, protest.sent_on = "sent", fact.on


@fold.register
def _confirmed(fact: f.TitleConfirmed, case: Case, at: Moment) -> None:
    protest = _this_title(case, fact.title_id)
    protest.term_end = fact.term_end
    if protest.state == "sent":
        protest.state = "confirmed"


@fold.register
def _returned(fact: f.TitleReturned, case: Case, at: Moment) -> None:
    protest = _this_title(case, fact.title_id)
    protest.state = "returned"
    if fact.representable and not case.ended:
        case.needs.append(Need("correct-title", details=tuple(f"irregularity {code}" for code in fact.irregularities)))
    else:
        protest_over(case, "impossible", at)


@fold.register
def _registered(fact: f.TitleRegistered, case: Case, at: Moment) -> None:
    _this_title(case, fact.title_id).state = "registered"
    protest_over(case, "registered", at)
    case.protest.over_on = fact.on
    interrupt(case, fact.on)


@fold.register
def _withdrawn(fact: f.TitleWithdrawn, case: Case, at: Moment) -> None:
    protest = _this_title(case, fact.title_id)
    again = protest.word == "balance-changed"
    protest.state = "withdrawn"
    if again:
        protest.word = "none"
        present_again(case)
    else:
        protest_over(case, "withdrawn", at)


@fold.register
def _cancelled(fact: f.TitleCancelled, case: Case, at: Moment) -> None:
    _this_title(case, fact.title_id).state = "cancelled"


@fold.register
def _suspended(fact: f.TitleSuspended, case: Case, at: Moment) -> None:
    protest = _this_title(case, fact.title_id)
    protest.state = "suspended-for-good" if fact.final else "suspended"
    owner = Need("court-suspended-protest", owner="lawyer", details=("the court suspended the protest",))
    case.needs.append(owner)
    if fact.final:
        protest_over(case, "impossible", at)


@fold.register
def _withdraw(fact: f.WithdrawalAsked, case: Case, at: Moment) -> None:
    if case.protest.state not in ("queued", "sent", "confirmed"):
        raise Refused("nothing-to-withdraw", "no title of this case can be withdrawn now")
    case.protest.word = "withdrawal-asked"


@fold.register
def _unqueued(fact: f.TitleUnqueued, case: Case, at: Moment) -> None:
    if fact.reason == "withdrawal-asked":
        case.protest.state = "withdrawn"
        protest_over(case, "withdrawn", at)
    else:
        present_again(case)


@fold.register
def _withdrawal_queued(fact: f.WithdrawalQueued, case: Case, at: Moment) -> None:
    case.protest.state, case.protest.word = "withdrawing", fact.reason


@fold.register
def _handed_over(fact: f.HandedOver, case: Case, at: Moment) -> None:
    case.legal_on, case.approval = at.day(case), None
    for step in at.policy.steps:
        if step.do == "legal" and case.step(step.id).status == "pending":
            finish_step(case, step.id, at.day(case), "handed over")


@fold.register
def _closed(fact: f.Closed, case: Case, at: Moment) -> None:
    case.closed, case.approval, case.promise, case.plan, case.owed = fact.outcome, None, None, None, []
    case.clearing, case.claimed_until, case.respite_until = [], None, None
    case.tasks = {task_id: task for task_id, task in case.tasks.items() if task.kind == "refund"}


@fold.register
def _reopened(fact: f.Reopened, case: Case, at: Moment) -> None:
    case.closed = ""
    for name, state in case.steps.items():
        if state.status == "running" and state.reason != "at-notary" and not task_of(case, name):
            state.status = "pending"  # its task went with the close; what was not done is done now

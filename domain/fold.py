"""How a fact changes a case.

`fold` takes one fact in, in place. A fact that the rules do not allow raises `Refused` before anything was changed.
One function per kind of fact; they are found by the fact's type.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import singledispatch
from typing import Any

from domain import facts as f
from domain.calendars import add_bank_days
from domain.case import LEVELS, LIVE, Approval, Case, Need, Notice, OpenTask, Paid, Promise, Protest, Reduced
from domain.errors import Refused
from domain.policy import Offset, Policy
from domain.schedule import move


@dataclass(frozen=True)
class Moment:
    """When a fact is taken in (business time, aware) and under which ladder."""

    now: datetime
    policy: Policy

    def day(self, case: Case) -> date:
        """The debtor's civil day."""
        return case.today(self.now)


def _open(case: Case) -> None:
    if case.closed:
        raise Refused("case-closed", f"the case is closed ({case.closed}); nothing can be asked of it any more")


# --- folding -------------------------------------------------------------------------------------------------------
@singledispatch
def fold(fact: f.Fact, case: Case, at: Moment) -> None:
    """Take one fact into the case, in place. Raises Refused, before any change, where the rules do not allow it."""
    raise TypeError(f"no rule for {type(fact).__name__}")


@fold.register(f.Opened)
@fold.register(f.NoteAdded)
@fold.register(f.Refusal)
def _nothing(fact: Any, case: Case, at: Moment) -> None:
    """Recorded, and that is all."""


@fold.register
def _extended(fact: f.Extended, case: Case, at: Moment) -> None:
    _open(case)
    if fact.due <= case.terms.due:
        raise Refused("not-later", f"the new due date must be after {case.terms.due:%d/%m/%Y}")
    case.terms.due = case.ladder_due = fact.due
    _void_notice(case)


def _void_notice(case: Case) -> None:
    """A notice names an amount, a due date and a deadline: when the agreement changes it says nothing true any more."""
    if case.notice:
        case.steps.pop(case.notice.step, None)
        case.notice = None


@fold.register
def _adjusted(fact: f.Adjusted, case: Case, at: Moment) -> None:
    _open(case)
    if fact.amount <= 0 or fact.amount > case.face():
        raise Refused("bad-amount", f"a reduction must be more than zero and at most the open principal, {case.face()}")
    case.reductions.append(Reduced(fact.amount, fact.how, fact.on))


@fold.register
def _void(fact: f.Voided, case: Case, at: Moment) -> None:
    _open(case)
    case.ended = "void"


@fold.register
def _write_off(fact: f.WrittenOff, case: Case, at: Moment) -> None:
    _open(case)
    case.ended = "written-off"


@fold.register
def _payment(fact: f.PaymentReceived, case: Case, at: Moment) -> None:
    if any(p.reference == fact.reference for p in case.payments):
        raise Refused("already-counted", "this payment was counted before; a payment counts once, whoever reports it")
    if fact.amount <= 0:
        raise Refused("bad-amount", "a payment must be more than zero")
    if case.closed or case.settled(at.policy.tolerance):
        case.needs.append(Need("refund", owner="supervisor", details=(f"amount {fact.amount}",)))
    case.payments.append(Paid(fact.reference, fact.amount, fact.paid_on, fact.at_notary))
    case.holds = [hold for hold in case.holds if hold != "vanished"]
    if fact.at_notary:
        case.protest.state = case.protest.word = "paid"
        case.protest.over_on = fact.paid_on


@fold.register
def _reverse(fact: f.PaymentReversed, case: Case, at: Moment) -> None:
    for payment in case.payments:
        if payment.reference == fact.reference and not payment.reversed:
            payment.reversed = True
            return
    raise Refused("no-such-payment", "no payment with this reference stands in this case")


@fold.register
def _vanished(fact: f.Vanished, case: Case, at: Moment) -> None:
    _open(case)
    if "vanished" not in case.holds:
        case.holds.append("vanished")
        case.needs.append(
            Need("vanished-from-export", details=("say whether it was paid, void or left out by mistake",))
        )


@fold.register
def _contact_data(fact: f.ContactDataChanged, case: Case, at: Moment) -> None:
    for task_id, task in list(case.tasks.items()):
        if task.kind == "find-contact":
            del case.tasks[task_id]


@fold.register
def _released(fact: f.Released, case: Case, at: Moment) -> None:
    if not case.awaits_release:
        raise Refused("not-waiting", "this case does not wait for release")
    case.awaits_release = False
    if at.policy.entry.already_late == "from-the-start" and fact.on > case.terms.due:
        case.ladder_due = fact.on


@fold.register
def _promise(fact: f.PromiseMade, case: Case, at: Moment) -> None:
    _open(case)
    today, rules = at.day(case), at.policy.promise
    last = today + timedelta(days=rules.longest)
    if not today <= fact.on <= last:
        raise Refused("promise-horizon", f"a promise must lie between {today:%d/%m/%Y} and {last:%d/%m/%Y}")
    if case.promises_made >= rules.most:
        raise Refused("too-many-promises", f"the policy allows {rules.most} promises, {case.promises_made} were made")
    if fact.amount is not None and fact.amount <= 0:
        raise Refused("bad-amount", "a promised amount must be more than zero")
    case.promise = Promise(fact.promise_id, fact.on, fact.amount, case.paid())
    case.promises_made += 1


@fold.register
def _dispute(fact: f.DisputeOpened, case: Case, at: Moment) -> None:
    _open(case)
    if case.dispute:
        raise Refused("already-disputed", "this case is in dispute already; resolve that one first")
    case.dispute = fact.dispute_id
    case.needs.append(Need("dispute", owner="supervisor", details=("decide: resolve --upheld or --rejected",)))
    if case.protest.state in LIVE:
        case.needs.append(
            Need("withdraw-or-keep", owner="manager", details=("the title is at the notary: decide before the hour",))
        )


@fold.register
def _resolve(fact: f.DisputeResolved, case: Case, at: Moment) -> None:
    _open(case)
    if not case.dispute:
        raise Refused("not-disputed", "this case is not in dispute")
    case.dispute = ""
    for task_id, task in list(case.tasks.items()):
        if task.kind in ("dispute", "withdraw-or-keep"):
            del case.tasks[task_id]
    if fact.upheld:
        case.ended = "dispute-upheld"


@fold.register
def _opt_out(fact: f.OptedOut, case: Case, at: Moment) -> None:
    case.opted_out = sorted({*case.opted_out, *fact.channels})


@fold.register
def _opt_in(fact: f.OptedIn, case: Case, at: Moment) -> None:
    case.opted_out = sorted({*case.opted_out} - {*fact.channels})


@fold.register
def _paused(fact: f.Paused, case: Case, at: Moment) -> None:
    _open(case)
    if fact.until < fact.since or fact.until < at.day(case):
        raise Refused("pause-dates", "the last day of a pause must not lie before its first day or before today")
    case.paused_until = fact.until


@fold.register(f.Resumed)
@fold.register(f.PauseEnded)
def _resumed(fact: f.Resumed | f.PauseEnded, case: Case, at: Moment) -> None:
    if case.paused_until is None:
        raise Refused("not-paused", "this case is not paused")
    case.paused_until = None


@fold.register
def _hold(fact: f.HoldSet, case: Case, at: Moment) -> None:
    _open(case)
    if fact.hold not in case.holds:
        case.holds.append(fact.hold)
        case.needs.append(Need(f"hold-{fact.hold}", owner="lawyer", details=("lift the hold when its reason is gone",)))


@fold.register
def _lift(fact: f.HoldLifted, case: Case, at: Moment) -> None:
    if fact.hold not in case.holds:
        raise Refused("no-such-hold", f"this case is not held for {fact.hold}")
    case.holds.remove(fact.hold)
    for task_id, task in list(case.tasks.items()):
        if task.kind in (f"hold-{fact.hold}", "vanished-from-export"):
            del case.tasks[task_id]


@fold.register
def _logged(fact: f.ContactLogged, case: Case, at: Moment) -> None:
    on = fact.on or at.day(case)
    if fact.channel == "letter" and case.notice and "letter" in case.notice.ways:
        if fact.outcome in LEVELS:
            fold(f.NoticeProved(case.notice.id, "letter", fact.outcome, on), case, at)
        else:
            fold(f.NoticeReturned(case.notice.id, "letter", fact.outcome), case, at)
        return
    step = fact.step or next(
        (name for name, s in case.steps.items() if s.status == "running" and _task_of(case, name)), ""
    )
    if step and case.step(step).status == "running":
        _finish_step(case, step, at.day(case), fact.outcome)
    if fact.channel == "call":
        case.last_contact_on = max(on, case.last_contact_on or on)


def _task_of(case: Case, step: str) -> str:
    return next((task_id for task_id, task in case.tasks.items() if task.step == step and task.kind == "step"), "")


def _finish_step(case: Case, step: str, on: date, reason: str) -> None:
    task_id = _task_of(case, step)
    case.tasks.pop(task_id, None)
    state = case.step(step)
    state.status, state.on, state.reason, state.deferred_until = "done", on, reason, None


@fold.register
def _task_done(fact: f.TaskDone, case: Case, at: Moment) -> None:
    task = case.tasks.get(fact.task_id)
    if task is None:
        raise Refused("no-such-task", "this case has no open task with this id")
    if task.kind == "step":
        _finish_step(case, task.step, at.day(case), fact.outcome)
    case.tasks.pop(fact.task_id, None)
    if task.kind in ("correct-title", "complete-title"):
        _present_again(case)


def _present_again(case: Case) -> None:
    """The protest step starts anew: it asks for approval again, on today's balance."""
    for state in case.steps.values():
        if state.status == "running" and state.reason == "at-notary":
            state.status, state.reason = "pending", ""
    case.protest.state = "none"


@fold.register
def _approved(fact: f.Approved, case: Case, at: Moment) -> None:
    _open(case)
    if not case.approval or case.approval.id != fact.approval_id or case.approval.state != "asked":
        raise Refused("no-such-approval", "nothing with this id waits for approval in this case")
    case.approval.state = "given"


@fold.register
def _approval_refused(fact: f.ApprovalRefused, case: Case, at: Moment) -> None:
    _open(case)
    if not case.approval or case.approval.id != fact.approval_id:
        raise Refused("no-such-approval", "nothing with this id waits for approval in this case")
    approval, case.approval = case.approval, None
    fold(f.StepPassedOver(approval.step, "refused"), case, at)


@fold.register
def _passed_over(fact: f.StepPassedOver, case: Case, at: Moment) -> None:
    state = case.step(fact.step)
    state.status, state.on, state.reason, state.deferred_until = "passed-over", at.day(case), fact.reason, None
    step = next((s for s in at.policy.steps if s.id == fact.step), None)
    if step and step.do == "protest":
        case.protest.over_on = at.day(case)
        words = {"refused": "refused", "condition": "skipped"}
        case.protest.word = words.get(fact.reason.split(":")[0], "impossible")


@fold.register
def _migrated(fact: f.PolicyMigrated, case: Case, at: Moment) -> None:
    _open(case)
    case.policy_hash = fact.policy_hash


@fold.register
def _unreadable(fact: f.Unreadable, case: Case, at: Moment) -> None:
    case.needs.append(Need("unreadable-message", holds=True, details=(f"message {fact.name}",)))


# --- contacts ------------------------------------------------------------------------------------------------------
@fold.register
def _sent(fact: f.ContactSent, case: Case, at: Moment) -> None:
    case.failures = 0
    state = case.step(fact.step)
    state.status, state.on, state.deferred_until = "done", at.day(case), None
    state.reason = "covered" if fact.covered else fact.channel
    if fact.step.startswith(THANKS):
        for payment in case.counted():
            payment.thanked = True
    else:
        case.last_contact_on = at.day(case)


DEFAULT_DEADLINE = Offset(10, "bd")
"""For a notice whose step is no longer in the ladder (a migrated case)."""

THANKS = "agradecimento"
"""The pseudo-step of thanks and receipts, outside every ladder."""


@fold.register
def _deferred(fact: f.ContactDeferred, case: Case, at: Moment) -> None:
    state = case.step(fact.step)
    state.deferred_until, state.reason = fact.until, fact.reason


@fold.register
def _failed(fact: f.ContactFailed, case: Case, at: Moment) -> None:
    """The same step tries its next channel, unless a later word has gone out since."""
    state = case.step(fact.step)
    if state.status == "done" and state.on and case.last_contact_on and case.last_contact_on > state.on:
        return
    state.status, state.attempt, state.deferred_until, state.reason = "pending", state.attempt + 1, None, fact.code
    if case.last_contact_on == state.on:
        case.last_contact_on = None


@fold.register
def _unreachable(fact: f.Unreachable, case: Case, at: Moment) -> None:
    fold(f.StepPassedOver(fact.step, fact.reason), case, at)
    if fact.step.startswith(THANKS):
        for payment in case.counted():
            payment.thanked = True
    elif not any(task.kind == "find-contact" for task in case.tasks.values()):
        case.needs.append(Need("find-contact", fact.step, details=("no usable way to reach the debtor for this step",)))


@fold.register
def _action_failed(fact: f.ActionFailed, case: Case, at: Moment) -> None:
    if fact.transient:
        case.failures += 1
        pause = timedelta(minutes=min(5 * 2 ** (case.failures - 1), 240))
        fold(f.ContactDeferred(fact.step, at.now + pause, f"later: {fact.code}"), case, at)
    else:
        details = (f"action {fact.action}", f"code {fact.code}")
        case.needs.append(Need("action-failed", fact.step, "supervisor", True, details))


# --- promises and approvals decided by ourselves ---------------------------------------------------------------------
@fold.register(f.PromiseKept)
def _kept(fact: f.PromiseKept, case: Case, at: Moment) -> None:
    case.promise = None


@fold.register
def _broken(fact: f.PromiseBroken, case: Case, at: Moment) -> None:
    case.promise = None
    case.promises_broken += 1
    case.broken_on = fact.on


@fold.register
def _asked(fact: f.ApprovalAsked, case: Case, at: Moment) -> None:
    case.approvals_asked += 1
    case.approval = Approval(fact.approval_id, fact.purpose, fact.step, fact.due)
    case.step(fact.step).reason = "awaiting-approval"


@fold.register
def _task_opened(fact: f.TaskOpened, case: Case, at: Moment) -> None:
    case.tasks_opened += 1
    case.tasks[fact.task_id] = OpenTask(fact.task, fact.step, fact.due, fact.holds)
    case.asked.append(f"{fact.task}:{fact.step}")
    if case.needs and case.needs[0].task == fact.task:
        case.needs.pop(0)
    if fact.task == "step":
        case.step(fact.step).status = "running"


# --- notice --------------------------------------------------------------------------------------------------------
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


# --- protest -------------------------------------------------------------------------------------------------------
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
        _protest_over(case, "impossible", at)


def _protest_over(case: Case, word: str, at: Moment) -> None:
    case.protest.word, case.protest.over_on = word, at.day(case)
    for state in case.steps.values():
        if state.status == "running" and state.reason == "at-notary":
            state.status, state.on, state.reason = "done", at.day(case), word


@fold.register
def _registered(fact: f.TitleRegistered, case: Case, at: Moment) -> None:
    _this_title(case, fact.title_id).state = "registered"
    _protest_over(case, "registered", at)
    case.protest.over_on = fact.on


@fold.register
def _withdrawn(fact: f.TitleWithdrawn, case: Case, at: Moment) -> None:
    protest = _this_title(case, fact.title_id)
    again = protest.word == "balance-changed"
    protest.state = "withdrawn"
    if again:
        protest.word = "none"
        _present_again(case)
    else:
        _protest_over(case, "withdrawn", at)


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
        _protest_over(case, "impossible", at)


@fold.register
def _withdraw(fact: f.WithdrawalAsked, case: Case, at: Moment) -> None:
    if case.protest.state not in ("queued", "sent", "confirmed"):
        raise Refused("nothing-to-withdraw", "no title of this case can be withdrawn now")
    case.protest.word = "withdrawal-asked"


@fold.register
def _unqueued(fact: f.TitleUnqueued, case: Case, at: Moment) -> None:
    if fact.reason == "withdrawal-asked":
        case.protest.state = "withdrawn"
        _protest_over(case, "withdrawn", at)
    else:
        _present_again(case)


@fold.register
def _withdrawal_queued(fact: f.WithdrawalQueued, case: Case, at: Moment) -> None:
    case.protest.state, case.protest.word = "withdrawing", fact.reason


# --- the end -------------------------------------------------------------------------------------------------------
@fold.register
def _handed_over(fact: f.HandedOver, case: Case, at: Moment) -> None:
    case.legal_on, case.approval = at.day(case), None
    for step in at.policy.steps:
        if step.do == "legal" and case.step(step.id).status == "pending":
            _finish_step(case, step.id, at.day(case), "handed over")


@fold.register
def _closed(fact: f.Closed, case: Case, at: Moment) -> None:
    case.closed, case.approval, case.promise = fact.outcome, None, None
    case.tasks = {task_id: task for task_id, task in case.tasks.items() if task.kind == "refund"}


@fold.register
def _reopened(fact: f.Reopened, case: Case, at: Moment) -> None:
    case.closed = ""

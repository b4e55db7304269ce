"""Facts about people's work: logged contacts, tasks, approvals, steps passed over, another ladder."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

from domain import facts as f
from domain.case import Approval, Case, Need, OpenTask
from domain.errors import BadInput, Refused
from domain.fold.base import Moment, finish_step, fold, look_again, open_case, present_again, task_of
from domain.notice import proved_by
from domain.places import time_zone
from domain.preference import ANY_HOURS, parse_hours
from domain.protest import KEPT, UNDUE


@fold.register(f.Opened)
@fold.register(f.NoteAdded)
@fold.register(f.WordGiven)
@fold.register(f.Refusal)
def _nothing(fact: Any, case: Case, at: Moment) -> None:
    """Recorded, and that is all."""


@fold.register
def _contact_data(fact: f.ContactDataChanged, case: Case, at: Moment) -> None:
    if fact.hours:
        case.best_hours = _hours(fact.hours)
    else:
        look_again(case)
        _try_notice_again(case)
    for task_id, task in list(case.tasks.items()):
        if task.kind == "find-contact":
            del case.tasks[task_id]


def _try_notice_again(case: Case) -> None:
    """A new address may reach whom the old ones did not; while two people have not released it, it is tried first."""
    notice = case.notice
    if notice is None or notice.state not in ("issued", "undeliverable"):
        return
    notice.state, notice.searched = "issued", []
    if case.approval and case.approval.purpose == "undeliverable-notice":
        case.approval = None


def _hours(text: str) -> str:
    try:
        return text if text != ANY_HOURS and parse_hours(text) else ""
    except BadInput as wrong:
        raise Refused("bad-hours", str(wrong)) from None


@fold.register
def _logged(fact: f.ContactLogged, case: Case, at: Moment) -> None:
    on = fact.on or at.day(case)
    if fact.channel == "letter" and case.notice and _went_by(case, fact):
        way = fact.way or "letter"
        if level := proved_by(fact.outcome, at.policy.notice):
            fold(f.NoticeProved(case.notice.id, way, level, on, fact.party), case, at)
        else:
            fold(f.NoticeReturned(case.notice.id, way, fact.outcome, fact.party), case, at)
        return
    step = fact.step or next(
        (name for name, s in case.steps.items() if s.status == "running" and task_of(case, name)), ""
    )
    if step and case.step(step).status == "running":
        finish_step(case, step, at.day(case), fact.outcome)
    if fact.channel == "call":
        case.last_contact_on = max(on, case.last_contact_on or on)


def _went_by(case: Case, fact: f.ContactLogged) -> bool:
    """Is this the letter of the case's present notice? News of an older one prove nothing of it."""
    notice = case.notice
    served = notice.others.get(fact.party) if notice and fact.party else notice
    return served is not None and (fact.way or "letter") in served.ways


@fold.register
def _task_done(fact: f.TaskDone, case: Case, at: Moment) -> None:
    task = case.tasks.get(fact.task_id)
    if task is None:
        raise Refused("no-such-task", "this case has no open task with this id")
    _a_word_ends_it(fact, task, case, at)
    if task.kind == "step":
        finish_step(case, task.step, at.day(case), fact.outcome)
    case.tasks.pop(fact.task_id, None)
    if task.kind in ("correct-title", "complete-title"):
        present_again(case)
    if task.kind == "withdraw-boleto":
        case.boleto_withdrawn = True
    if task.kind == "payment-claimed":
        case.claimed_until = None


def _a_word_ends_it(fact: f.TaskDone, task: OpenTask, case: Case, at: Moment) -> None:
    """A word would end the wait for what the creditor owes: the delivery of the letter of consent, or the notary's
    answer, does (STJ Tema 725; REsp 1.414.725). Where he owes no cancellation, he may say that he keeps the protest."""
    if task.kind == "sign-consent":
        text = "the debtor has no signed letter of consent yet; record `protest signed`, then `protest delivered`"
        raise Refused("not-delivered", text)
    owes = case.ended in (*UNDUE, "settled") or case.settled(at.policy.tolerance)
    if task.kind == "cancel-protest" and case.protest.state == "registered" and (owes or fact.outcome != KEPT):
        ways = "order it with `protest cancel`, or record the notary's answer with `protest answer ID cancelled`"
        keep = "" if owes else f"; outcome {KEPT} lets it stand"
        raise Refused("not-cancelled", f"the protest stands registered; {ways}{keep}")


@fold.register
def _approved(fact: f.Approved, case: Case, at: Moment) -> None:
    open_case(case)
    if not case.approval or case.approval.id != fact.approval_id or case.approval.state != "asked":
        raise Refused("no-such-approval", "nothing with this id waits for approval in this case")
    case.approval.state = "given"


@fold.register
def _approval_refused(fact: f.ApprovalRefused, case: Case, at: Moment) -> None:
    open_case(case)
    if not case.approval or case.approval.id != fact.approval_id:
        raise Refused("no-such-approval", "nothing with this id waits for approval in this case")
    if fact.again_on is not None and fact.again_on <= at.day(case):
        raise Refused("past-day", "an approval that is refused for now is asked again on a later day than today")
    approval, case.approval = case.approval, None
    if fact.again_on is None:
        fold(f.StepPassedOver(approval.step, "refused"), case, at)
        return
    state = case.step(approval.step)
    state.deferred_until = datetime.combine(fact.again_on, time(0), time_zone(case.uf))
    state.reason = "refused for now"


@fold.register
def _overdue(fact: f.ApprovalOverdue, case: Case, at: Moment) -> None:
    approval = case.approval
    if approval is None or approval.id != fact.approval_id or approval.state != "asked":
        raise Refused("no-such-approval", "nothing with this id waits for approval in this case")


@fold.register
def _escalated(fact: f.ApprovalEscalated, case: Case, at: Moment) -> None:
    if case.approval and case.approval.id == fact.approval_id:
        case.approval.role, case.approval.due = fact.role, fact.due


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
    open_case(case)
    case.policy_hash = fact.policy_hash


@fold.register
def _unreadable(fact: f.Unreadable, case: Case, at: Moment) -> None:
    case.needs.append(Need("unreadable-message", holds=True, details=(f"message {fact.name}",)))


@fold.register
def _asked(fact: f.ApprovalAsked, case: Case, at: Moment) -> None:
    case.approvals_asked += 1
    case.approval = Approval(fact.approval_id, fact.purpose, fact.step, fact.due, role=fact.role, amount=fact.amount)
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
    if fact.task == "sign-consent":
        case.protest.consent = "awaiting-signature"

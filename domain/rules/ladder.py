"""The ladder: which step comes next, when, and what holds it."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from operator import itemgetter

from domain import facts as f
from domain.calendars import add_bank_days, next_bank_day
from domain.case import StepState
from domain.hours import contact_day
from domain.notice import announced
from domain.policy import BUILT, FIRM, Do, Offset, Step, built_channels
from domain.rules import firm, legal, listing, money, negotiate, protest
from domain.rules.base import Action, Bench, Instruction, Move
from domain.rules.firm import SILENT_NOTICE
from domain.schedule import choose, move

_DAY = itemgetter(1)
"""Of a step and its day."""


def planned(r: Bench, step: Step, day: date) -> date:
    """The day a step is meant to be done: of a contact that of its lawful moment, not the Sunday before it."""
    if step.do not in ("contact", "notice"):
        return day
    return contact_day(day, r.case.place(), "message", r.policy.contact)


def row(r: Bench, step: Step) -> dict[str, str]:
    state = r.case.steps.get(step.id) or StepState()
    day = state.on if state.status in ("done", "passed-over") else r.days[step.id]
    shown = {"step": step.id, "do": str(step.do), "state": state.status, "day": day.isoformat() if day else ""}
    if state.reason:
        shown["reason"] = state.reason
    if state.deferred_until and state.status == "pending":
        shown["until"] = state.deferred_until.isoformat()
    return shown


def climbs(r: Bench) -> f.Own | Instruction | None:
    begun, days = r.case.steps, r.days
    for step in r.open_steps:
        if step.id in begun and begun[step.id].status == "running":
            return running(r, step)
    dated = [(step, day) for step in r.open_steps if (day := days[step.id])]
    if not dated:
        return None
    nearest, day = min(dated, key=_DAY)
    if day > r.today:
        return ahead(r, nearest, day)
    due = sorted([(step, planned(r, step, day)) for step, day in dated if day <= r.today], key=_DAY)
    chosen, passed = choose(due, r.today)
    if passed:
        return f.StepPassedOver(passed[0][0].id, passed[0][1])
    return perform(r, chosen, {step.id: day for step, day in due}[chosen.id]) if chosen else None


def running(r: Bench, step: Step) -> f.Own | Instruction:
    task = next((task for task in r.case.tasks.values() if task.step == step.id), None)
    if task is None or task.kind != "step":
        return r.wait(f"waits for a person: {step.id}")
    if r.today <= task.due:
        return r.wait(f"waits for a person: {step.id}", task.due + timedelta(days=1))
    return f.StepPassedOver(step.id, "not done in time")


def ahead(r: Bench, step: Step, day: date) -> Instruction:
    """The next step lies in the future: sleep straight to it."""
    if step.do in ("contact", "notice") and plan(r, step) is None and step.when is None:
        return r.instruct(_ACTION[step.do], f"step {step.id}", r.moment(r.free_day(day), step.id), step.id)
    return r.instruct(Action.WAIT, f"step {step.id} on its day", r.midnight(day), step.id)


def plan(r: Bench, step: Step) -> str | None:
    """Why this step is not done at all, if so: a condition that does not hold, a part that is not built yet."""
    if step.do not in BUILT:
        return f"do: {step.do} is not built yet"
    if step.by and not built_channels(step):
        return f"no channel of {', '.join(step.by)} is built yet"
    if step.do == "contact" and too_friendly(r, step):
        return "preventive, but the debt is already due"
    if step.do == "contact" and r.shortened() and _firm_ahead(r, step):
        return "shortened: promises were broken"
    return None


def _firm_ahead(r: Bench, step: Step) -> bool:
    return any(rung.do in FIRM and r.status(rung) == "pending" for rung in r.policy.after(step))


def too_friendly(r: Bench, step: Step) -> bool:
    """A reminder before the due date says nothing true once that date has passed."""
    offset = step.at.offset
    return step.at.anchor == "due" and bool(offset and offset.amount < 0) and r.today > r.case.terms.due


def perform(r: Bench, step: Step, day: date) -> f.Own | Instruction:
    reason = plan(r, step)
    if reason:
        return f.StepPassedOver(step.id, reason)
    if step.when and not step.when.holds(values(r)):
        return f.StepPassedOver(step.id, f"condition: {step.when}")
    if step.do == "contact":
        return r.instruct(Action.CONTACT, f"step {step.id}", r.moment(r.free_day(day), step.id), step.id)
    if step.do == "task":
        return open_step_task(r, step)
    if reason := firm.escalation_waits(r):
        return r.wait(f"step {step.id} waits: {reason}")
    if step.do == "notice":
        if announced(r.case, r.policy, step, r.today) is None:
            return f.StepPassedOver(step.id, "nothing firm follows that it could announce")
        return r.instruct(Action.NOTICE, f"step {step.id}", r.moment(r.free_day(day), step.id), step.id)
    if move := _before(r, step):
        return move
    return r.approved(step) or r.instruct(_ACTION[step.do], f"step {step.id}", r.not_before(r.now, step.id), step.id)


def _before(r: Bench, step: Step) -> Move | None:
    """What must be in order before anybody is asked to approve a firm step."""
    return _BEFORE[step.do](r, step) if step.do in _BEFORE else None


def values(r: Bench) -> dict[str, Decimal | int | str]:
    return {
        "balance": r.case.demand(r.today),
        "days_late": max((r.today - r.case.terms.due).days, 0),
        "debtor": "consumer" if r.case.terms.consumer else "company",
        "protest": r.case.protest.word,
    }


def open_step_task(r: Bench, step: Step) -> f.TaskOpened:
    due = next_bank_day(move(r.today, step.within)) if step.within else add_bank_days(r.today, 1)
    return r.task("step", step.id, "clerk", due, False, step.by)


def has_nothing_left(r: Bench) -> f.Own | Instruction:
    case = r.case
    if case.approval and case.approval.state == "asked":
        return r.rest("awaits approval", case.approval.due)
    if case.notice and case.notice.state == "issued" and r.open_steps:
        return r.wait("waits for proof of the notice", (case.notice.sent_on or case.notice.issued_on) + SILENT_NOTICE)
    if "ladder-finished:" not in case.asked:
        due = add_bank_days(r.today, 1)
        return r.task("ladder-finished", "", "supervisor", due, False, ("the ladder has no further step",))
    return r.wait("the ladder has no further step; a person decides")


def is_held(r: Bench) -> Move | None:
    """What keeps the whole ladder from going on, and until when."""
    case = r.case
    for hold in case.holds:
        if case.hold_until.get(hold, date.max) < r.today:
            return f.HoldEnded(hold)
    if case.holds:
        until = max(case.hold_until.get(hold, date.max) for hold in case.holds)
        ends = None if until == date.max else until + timedelta(days=1)
        return firm.hands_over_at_once(r) or r.wait(f"held: {', '.join(case.holds)}", ends)
    if case.explain_by and r.today > case.explain_by:
        due, said = add_bank_days(r.today, 1), "the debtor did not say why in time: look, then resolve or wait"
        if task := r.once("dispute-silent", case.dispute, "supervisor", due, said):
            return task
    if case.wholly_disputed():
        return r.wait("disputed", _explained_by(r))
    if r.held_by_task():
        return r.wait("held until a person has looked")
    if case.paused_until is None:
        return None
    if r.paused():
        return r.wait("paused by staff", case.paused_until + timedelta(days=1))
    return f.PauseEnded()


def _explained_by(r: Bench) -> date | None:
    """The day after the last on which the debtor can say why, while that lies ahead."""
    day = r.case.explain_by
    return day + timedelta(days=1) if day and r.today <= day else None


def needs_a_person(r: Bench) -> f.Own | None:
    if not r.case.needs:
        return None
    need = r.case.needs[0]
    length = r.policy.dispute.deadline if need.task == "dispute" else Offset(1, "bd")
    due = next_bank_day(move(r.today, length))
    return r.task(need.task, need.step, need.owner, due, need.holds, need.details)


def is_over(r: Bench) -> f.Own | Instruction | None:
    outcome = r.outcome
    if r.case.closed:
        return _is_still_over(r, outcome)
    if not outcome:
        return None
    undo = protest.undo_protest(r, outcome)
    if undo and not isinstance(undo, Instruction):
        return undo
    waits = undo or negotiate.at_central(r) or listing.left_at_bureau(r)
    return money.owes_thanks(r) or money.owes_a_word(r) or legal.passes_on(r) or waits or firm.close(r, outcome)


def _is_still_over(r: Bench, outcome: str) -> f.Own | Instruction:
    """A closed case stays closed, unless it is owed again or turned out to have something outside."""
    if not outcome:
        return f.Reopened("the debt stands again")
    if negotiate.at_central(r) or listing.left_at_bureau(r):
        return f.Reopened("something of it is left outside")
    return legal.passes_on(r) or r.instruct(Action.CLOSE, r.case.closed)


def waits_for_release(r: Bench) -> Instruction | None:
    return r.wait("first wave waits for release by a person") if r.case.awaits_release else None


_BEFORE = {
    Do.PROTEST: firm.before_protest, Do.NEGOTIATE: negotiate.before, Do.LIST: listing.before,
    Do.AGENCY: legal.before_agency,
}  # fmt: skip
_ACTION = {step: Action(step) for step in ("contact", "notice", "protest", "legal", "agency", "negotiate", "list")}

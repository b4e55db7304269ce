"""The bench at which the rules of a case work: the case, its ladder, the moment, and what every rule says with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID, uuid5

from domain import facts as f
from domain.alarms import alarms
from domain.calendars import next_bank_day
from domain.case import Approval, Case
from domain.doubts import silence_decides_at
from domain.hours import contact_moment, first_lawful
from domain.limitation import warn_from
from domain.money import ZERO
from domain.notice import notice_deadline
from domain.outside import in_other_hands, untold
from domain.places import time_zone
from domain.plans import PlanState
from domain.policy import Policy, Step, built_channels
from domain.preference import parse_hours
from domain.schedule import Anchors, after_deadline, ladder_days, move, step_day


class Action(StrEnum):
    """What a workflow can be told to do."""

    WAIT = "wait"
    CONTACT = "contact"
    NOTICE = "notice"
    EXAMINE = "examine"
    PROTEST = "protest"
    LEGAL = "legal"
    AGENCY = "agency"
    NEGOTIATE = "negotiate"
    LIST = "list"
    TELL = "tell"
    CLOSE = "close"


_MESSAGES = frozenset({Action.CONTACT, Action.NOTICE})
"""What goes to the debtor by a channel."""


class Instruction(NamedTuple):
    """Do `action` for `step`, not before `not_before` (aware; None = until something arrives), and why."""

    action: Action
    step: str
    not_before: datetime | None
    reason: str
    stage: str
    attempt: int = 1
    channel: str = ""
    """Of a message: the channel it will most likely take, for the provider's rate limit."""
    ahead: str = ""
    """The kind of step that comes next, or is under way: what operators list cases by."""
    review: date | None = None
    """Of a wait without a timer: the day by which somebody else looks (an approval's day, the daily batch)."""


Move = f.Own | Instruction
"""What a rule answers: something the case records and goes on from, or what is to be done next."""


_OVER = frozenset({"done", "passed-over"})
"""How a step ends."""

Value = TypeVar("Value")


class Once(Generic[Value]):
    """What a bench works out when it is first asked, and keeps: a cached property without a lock, which costs more
    than most of what is kept. A bench is never shared between threads."""

    def __init__(self, work: Callable[[Any], Value]) -> None:
        self._work, self._name, self.__doc__ = work, work.__name__, work.__doc__

    def __get__(self, bench: Any, _: type) -> Value:
        value = self._work(bench)
        setattr(bench, self._name, value)
        return value


class Bench:
    """One case at one moment: it stays as it is for as long as the bench is used.

    So what several rules ask is worked out once: the outcome, the open steps, the days of the ladder.
    """

    def __init__(self, case: Case, policy: Policy, now: datetime) -> None:
        self.case, self.policy, self.now = case, policy, now
        self.zone = time_zone(case.uf)
        self.today = now.astimezone(self.zone).date()
        self.limitation = case.limitation()
        self.untold = untold(case)
        known = case.steps
        self.open_steps = [s for s in policy.steps if s.id not in known or known[s.id].status not in _OVER]
        """The steps that are not over, in the order of the ladder: pending, or under way."""

    def id(self, kind: str, number: int) -> str:
        return str(uuid5(UUID(self.case.id), f"{kind}:{number}"))

    def midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(0), self.zone)

    def moment(self, day: date, step: str) -> datetime:
        """When a message planned for `day` goes out: in the first lawful window from then on, at the debtor's own
        moment of it; today at once, while its hours last. Not before the moment to which the step was put off."""
        place, rules, best = self.case.place(), self.policy.contact, parse_hours(self.case.best_hours)
        start = max(day, self.today)
        at = contact_moment(start, place, "message", rules, self.case.jitter, best)
        if start == self.today and at < (first := first_lawful(self.now, place, "message", rules)):
            over = first.date() > at.date()  # then he has his own moment of the next window too
            at = contact_moment(first.date(), place, "message", rules, self.case.jitter, best) if over else first
        return self.not_before(at, step)

    def free_day(self, day: date) -> date:
        """That day, or today where it is past; the day after, where one contact has been counted on it."""
        last, start = self.case.last_contact_on, max(day, self.today)
        return last + timedelta(days=1) if last and start <= last else start

    def instruct(
        self, action: Action, reason: str, at: datetime | None = None, step: str = "", review: date | None = None
    ) -> Instruction:
        attempt = self.case.steps[step].attempt if step in self.case.steps else 1
        hour = silence_decides_at(self.case, self.policy, self.today)
        if hour and self.now < hour and action != Action.CLOSE and (at > hour if at else action == Action.WAIT):
            action, at = Action.WAIT, hour  # the notary's hour is not slept through
        stage, channel = self.case.stage(self.today), self.channel(action, step)
        return Instruction(action, step, at, reason, stage, attempt, channel, self.ahead_of(action), review)

    def ahead_of(self, action: Action) -> str:
        if self.outcome or action == Action.CLOSE:
            return str(Action.CLOSE)
        if to := in_other_hands(self.case):
            return to
        return str(self.open_steps[0].do) if self.open_steps else "person"

    def channel(self, action: Action, step: str) -> str:
        if action not in _MESSAGES:
            return ""
        rung = self.policy.step(step)
        for name in built_channels(rung) if rung else ():
            if name != "letter" and not self.case.deaf_to(name):
                return name
        return "email"

    def wait(self, reason: str, until: date | None = None) -> Instruction:
        """Wait for people; wake on the given day, and in any case when the last limitation term is over."""
        last = self.limitation.last + timedelta(days=1)
        day = min([last, *([until] if until else []), *self.warnings()])
        return self.instruct(Action.WAIT, reason, self.midnight(day) if day > self.today else None)

    def in_time(self, found: Move) -> Move:
        """The same, unless an alarm about what others do for the case comes first: that is not slept through."""
        days = alarms(self.case)
        if not days or not isinstance(found, Instruction) or found.action == Action.CLOSE:
            return found
        ahead = [day for day in days if day > self.today]
        if not ahead:
            return found
        alarm = self.midnight(min(ahead))
        now = found.not_before is None and found.action != Action.WAIT
        if now or (found.not_before is not None and found.not_before <= alarm):
            return found
        return found._replace(action=Action.WAIT, not_before=alarm)

    def rest(self, reason: str, review: date) -> Instruction:
        """Wait without a timer: somebody else has the date and raises the alarm (nightly scan, daily batch)."""
        return self.instruct(Action.WAIT, reason, review=review)

    def task(self, kind: str, step: str, owner: str, due: date, holds: bool, details: tuple[str, ...]) -> f.TaskOpened:
        return f.TaskOpened(self.id("task", self.case.tasks_opened), kind, step, owner, due, holds, details)

    def has_task(self, kind: str) -> bool:
        return any(task.kind == kind for task in self.case.tasks.values())

    def once(self, kind: str, step: str, owner: str, due: date, *details: str) -> f.TaskOpened | None:
        """A task that is opened once in the life of the case; None where it was."""
        if f"{kind}:{step}" in self.case.asked:
            return None
        return self.task(kind, step, owner, due, False, details)

    @Once
    def plan_state(self) -> PlanState | None:
        """How far the plan is kept; None where there is none."""
        return self.case.plan_state(self.today, self.policy.tolerance)

    @Once
    def outcome(self) -> str:
        """How the debt ended; empty while it has not."""
        if self.case.ended:
            return self.case.ended
        if self.case.settled(self.policy.tolerance):
            return "paid-at-notary" if any(p.at_notary for p in self.case.counted()) else "paid"
        if self.case.closed == "prescribed" or self.today > self.limitation.last:
            return "prescribed"
        return ""

    def warnings(self) -> list[date]:
        """The days, still to come, on which a person is warned that a limitation term ends."""
        days = [warn_from(term, self.policy.warn) for term in (self.limitation.first, self.limitation.last)]
        return [day for day in days if day > self.today]

    def shortened(self) -> bool:
        """Do so many broken promises let the friendly steps fall away? The first word is never a firm one."""
        limit = self.policy.promise.shorten_after
        return bool(limit) and self.case.promises_broken >= limit and self.case.last_contact_on is not None

    def last_movement(self) -> date:
        days = [p.on for p in self.case.counted()] + [r.on for r in self.case.reductions]
        return max(days, default=self.today)

    def not_before(self, at: datetime, step: str) -> datetime:
        state = self.case.steps.get(step)
        return max(at, state.deferred_until) if state and state.deferred_until else at

    def paused(self) -> bool:
        return self.case.paused_until is not None and self.today <= self.case.paused_until

    def held_by_task(self) -> bool:
        return bool(self.case.tasks) and any(task.holds for task in self.case.tasks.values())

    @Once
    def days(self) -> Mapping[str, date | None]:
        """The day of each step, by its name; None while what it is counted from has not happened."""
        case, deadline = self.case, notice_deadline(self.case, self.policy)
        days = ladder_days(self.policy, case.ladder_due, deadline, case.protest.over_on, case.broken_on)
        if self.policy.is_dated and not self.shortened():
            return days
        return {step.id: self._own_day(step, days[step.id], deadline) for step in self.policy.steps}

    def _own_day(self, step: Step, day: date | None, deadline: date | None) -> date | None:
        """The day of a step by what this case did: when the step before was done, whether promises were broken."""
        if step.at.anchor == "previous":
            day = after_deadline(step, self._day_after_previous(step), deadline)
        if step.do == "notice" and day and self.shortened() and self.case.broken_on:
            return min(day, next_bank_day(self.case.broken_on))
        return day

    def _day_after_previous(self, step: Step) -> date | None:
        before = self.policy.steps[: self.policy.steps.index(step)]
        previous = self.case.steps.get(before[-1].id) if before else None
        on = previous.on if previous and previous.status in _OVER else None
        return step_day(step, Anchors(self.case.ladder_due, on, {}))

    def status(self, step: Step) -> str:
        state = self.case.steps.get(step.id)
        return state.status if state else "pending"

    def ask(self, purpose: str, step: str, role: str, needed: int = 1) -> f.ApprovalAsked:
        """Ask signed-in people; above the policy's limit two must agree (four eyes)."""
        number, amount, rules = self.case.approvals_asked, self.case.face(), self.policy.approval
        if rules.four_eyes is not None and amount > rules.four_eyes:
            needed = max(needed, 2)
        due = next_bank_day(move(self.today, rules.within))
        return f.ApprovalAsked(self.id("approval", number), purpose, step, role, needed, amount, due)

    def refused_for_now(self, step: str) -> datetime | None:
        """Until when an approval of this step is not asked again, because somebody refused it for now."""
        state = self.case.steps.get(step)
        waits = state and state.deferred_until and state.reason == "refused for now" and self.now < state.deferred_until
        return state.deferred_until if state and waits else None

    def approved(self, step: Step) -> Move | None:
        """None where the step may go on: it needs no approval, or has it."""
        if not step.approve:
            return None
        approval = self.case.approval
        if until := self.refused_for_now(step.id):
            return self.wait("refused for now", self.case.today(until))
        mine = approval is not None and approval.step == step.id and approval.purpose == step.do
        if approval is None or not mine or self._outgrown(approval):
            return self.ask(str(step.do), step.id, step.approve)
        if approval.state == "given":
            return None
        return self.rest("awaits approval", approval.due)

    def _outgrown(self, approval: Approval) -> bool:
        """Was it given for less than is at stake now (a payment came back)? Nobody approved that."""
        return approval.state == "given" and ZERO < approval.amount < self.case.face()

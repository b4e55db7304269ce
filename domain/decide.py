"""What comes next: the rules of a case, read from the top like a checklist.

`advance` folds what was told, lets the case decide by itself as long as it can without the world (open a task, pass a
step over, close), and ends with one instruction: do this, not before then. The instruction is recorded; the workflow
obeys it. Nothing here knows a clock, a database or a provider: the same function runs in production, in simulations
and in an auditor's replay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID, uuid5

from domain import facts as f
from domain.calendars import add_bank_days, add_notary_days, next_bank_day
from domain.case import LIVE, Case, StepState
from domain.errors import Refused
from domain.fold import THANKS, Moment, fold, notice_deadline
from domain.hours import contact_moment, first_lawful
from domain.money import ZERO
from domain.places import time_zone
from domain.policy import BUILT, Offset, Policy, Step, built_channels
from domain.schedule import Anchors, choose, late_from, move, step_day

RULES_VERSION = "2026.11.1"
"""Changes whenever a rule changes what is decided: an audit tells a changed rule from tampering by it."""

SILENT_NOTICE = timedelta(days=30)
"""A notice without any proof for that long counts as undeliverable."""
CRA_ANSWERS_WITHIN = 3
"""Bank days after which a remittance without confirmation, or a term without return, is a task for a person."""


class Action(StrEnum):
    """What a workflow can be told to do."""

    WAIT = "wait"
    CONTACT = "contact"
    NOTICE = "notice"
    PROTEST = "protest"
    LEGAL = "legal"
    CLOSE = "close"


@dataclass(frozen=True)
class Instruction:
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


@dataclass(frozen=True)
class Entry:
    """One line for the ledger: a fact taken in, who said it, what caused it."""

    fact: f.Fact
    at: datetime
    actor: str
    cause: str


@dataclass(frozen=True)
class Heard:
    """A fact as it arrived: business time, actor (staff id, "provider", "engine") and cause (fact id or activity)."""

    fact: f.Fact
    at: datetime
    actor: str
    cause: str
    refused: Refused | None = None
    """Set where the database already knows that the fact must not count (an approval without enough words)."""


@dataclass(frozen=True)
class Decision:
    """What was folded, in order, what was refused (cause -> reason), and the next instruction."""

    entries: tuple[Entry, ...]
    refusals: dict[str, Refused]
    instruction: Instruction


def advance(case: Case, heard: Iterable[Heard], policy: Policy, now: datetime) -> Decision:
    """Fold what was heard into the case (in place) and decide what comes next.

    `now` is business time, aware. A fact that the rules refuse changes nothing and is recorded as a refusal.
    """
    entries: list[Entry] = []
    refusals: dict[str, Refused] = {}
    for item in heard:
        try:
            if item.refused:
                raise item.refused
            fold(item.fact, case, Moment(now, policy))
            entries.append(Entry(item.fact, item.at, item.actor, item.cause))
        except Refused as refused:
            refusals[item.cause] = refused
            refusal = f.Refusal(item.fact.kind, refused.code, f.to_json(item.fact))
            entries.append(Entry(refusal, item.at, item.actor, item.cause))
    while True:
        move = _Rules(case, policy, now).move()
        if isinstance(move, Instruction):
            return Decision(tuple(entries), refusals, move)
        fold(move, case, Moment(now, policy))
        entries.append(Entry(move, now, "engine", "rule"))


def schedule(case: Case, policy: Policy, today: date) -> list[dict[str, str]]:
    """All steps with their state and day (ISO; empty where the anchor has not happened), as stored and shown."""
    rules = _Rules(case, policy, datetime.combine(today, time(0), time_zone(case.uf)))
    return [rules.row(step) for step in policy.steps]


class _Rules:
    """The checklist, for one case at one moment."""

    def __init__(self, case: Case, policy: Policy, now: datetime) -> None:
        self.case, self.policy, self.now = case, policy, now
        self.zone = time_zone(case.uf)
        self.today = case.today(now)
        self.checklist: tuple[Callable[[], f.Own | Instruction | None], ...] = (
            self.needs_a_person,
            self.is_over,
            self.title_is_wrong,
            self.owes_thanks,
            self.waits_for_release,
            self.is_held,
            self.has_promise,
            self.notice_is_silent,
            self.title_is_at_notary,
            self.climbs,
            self.has_nothing_left,
        )

    def move(self) -> f.Own | Instruction:
        for rule in self.checklist:
            found = rule()
            if found is not None:
                return found
        raise AssertionError("the last rule always answers")

    # --- helpers ---------------------------------------------------------------------------------------------------
    def id(self, kind: str, number: int) -> str:
        return str(uuid5(UUID(self.case.id), f"{kind}:{number}"))

    def midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(0), self.zone)

    def instruct(self, action: Action, reason: str, at: datetime | None = None, step: str = "") -> Instruction:
        attempt = self.case.steps[step].attempt if step in self.case.steps else 1
        stage, channel = self.case.stage(self.today), self.channel(action, step)
        return Instruction(action, step, at, reason, stage, attempt, channel, self.ahead_of(action))

    def ahead_of(self, action: Action) -> str:
        if action == Action.CLOSE or self.outcome():
            return str(Action.CLOSE)
        if self.case.legal_on:
            return str(Action.LEGAL)
        return next(
            (str(step.do) for step in self.policy.steps if self.status(step) in ("pending", "running")), "person"
        )

    def channel(self, action: Action, step: str) -> str:
        if action not in (Action.CONTACT, Action.NOTICE):
            return ""
        channels = next((built_channels(rung) for rung in self.policy.steps if rung.id == step), ())
        return next((name for name in channels if name != "letter" and not self.case.deaf_to(name)), "email")

    def wait(self, reason: str, until: date | None = None) -> Instruction:
        """Wait for people; wake on the given day, and in any case when the last limitation term is over."""
        last = self.case.limitation().last + timedelta(days=1)
        day = min(until, last) if until else last
        return self.instruct(Action.WAIT, reason, self.midnight(day) if day > self.today else None)

    def rest(self, reason: str, review: date) -> Instruction:
        """Wait without a timer: somebody else has the date and raises the alarm (nightly scan, daily batch)."""
        return replace(self.instruct(Action.WAIT, reason), review=review)

    def task(self, kind: str, step: str, owner: str, due: date, holds: bool, details: tuple[str, ...]) -> f.TaskOpened:
        return f.TaskOpened(self.id("task", self.case.tasks_opened), kind, step, owner, due, holds, details)

    def has_task(self, kind: str) -> bool:
        return any(task.kind == kind for task in self.case.tasks.values())

    # --- the checklist ---------------------------------------------------------------------------------------------
    def needs_a_person(self) -> f.Own | None:
        if not self.case.needs:
            return None
        need = self.case.needs[0]
        length = self.policy.dispute.deadline if need.task == "dispute" else Offset(1, "bd")
        due = next_bank_day(move(self.today, length))
        return self.task(need.task, need.step, need.owner, due, need.holds, need.details)

    def is_over(self) -> f.Own | Instruction | None:
        outcome = self.outcome()
        if self.case.closed:
            if outcome:
                return self.instruct(Action.CLOSE, self.case.closed)
            return f.Reopened("the debt stands again")
        if not outcome:
            return None
        undo = self.undo_protest(outcome)
        if undo and not isinstance(undo, Instruction):
            return undo
        return self.owes_thanks() or undo or self.close(outcome)

    def outcome(self) -> str:
        if self.case.ended:
            return self.case.ended
        if self.case.settled(self.policy.tolerance):
            return "paid-at-notary" if any(p.at_notary for p in self.case.counted()) else "paid"
        if self.case.closed == "prescribed" or self.today > self.case.limitation().last:
            return "prescribed"
        return ""

    def undo_protest(self, outcome: str) -> f.Own | Instruction | None:
        protest = self.case.protest
        if protest.state == "queued":
            return f.TitleUnqueued(protest.title_id, outcome)
        if protest.state in ("sent", "confirmed"):
            return f.WithdrawalQueued(protest.title_id, outcome)
        if protest.state == "withdrawing":
            return self.notary_answers("waits for the notary to give the title back")
        if protest.state == "suspended":
            return self.wait("suspended by court")
        if protest.state == "registered":
            wanted = "sign-consent" if outcome.startswith("paid") else "cancel-protest"
            return self.paper_after_protest(wanted)
        return None

    def paper_after_protest(self, wanted: str) -> f.Own | Instruction | None:
        """Lei 9.492 art. 26: the creditor signs the consent (paid) or orders the cancellation himself (undue)."""
        if self.has_task(wanted):
            return self.wait("waits for a person's signature")
        title = self.case.protest.title_id
        if f"{wanted}:{title}" in self.case.asked:
            return None
        return self.task(wanted, title, "manager", add_bank_days(self.today, 2), False, (f"title {title}",))

    def close(self, outcome: str) -> f.Closed:
        paid = outcome.startswith("paid")
        waived = self.case.debt(self.last_movement()).total if paid else ZERO
        return f.Closed(outcome, waived)

    def last_movement(self) -> date:
        days = [p.on for p in self.case.counted()] + [r.on for r in self.case.reductions]
        return max(days, default=self.today)

    def owes_thanks(self) -> Instruction | None:
        """Thanks and receipt for what was paid: within hours, outside the caps, also when everything is held."""
        unthanked = [p for p in self.case.counted() if not p.thanked]
        if not unthanked or self.case.closed or self.case.ended or self.outcome() == "prescribed":
            return None
        at = first_lawful(self.now, self.case.uf, "email", self.policy.contact)
        step = f"{THANKS}-{len(self.case.payments)}"
        return self.instruct(Action.CONTACT, "thanks for a payment", self.not_before(at, step), step)

    def not_before(self, at: datetime, step: str) -> datetime:
        state = self.case.steps.get(step)
        return max(at, state.deferred_until) if state and state.deferred_until else at

    def waits_for_release(self) -> Instruction | None:
        return self.wait("first wave waits for release by a person") if self.case.awaits_release else None

    def title_is_wrong(self) -> f.Own | None:
        """A title must not stay declared above its balance, or be sent while something holds the case (promise 3)."""
        case, protest = self.case, self.case.protest
        held = case.dispute or case.holds or case.promise or self.paused() or self.held_by_task()
        if protest.state == "queued":
            if protest.word == "withdrawal-asked":
                return f.TitleUnqueued(protest.title_id, "withdrawal-asked")
            if held or case.face() != protest.declared:
                return f.TitleUnqueued(protest.title_id, "held" if held else "balance-changed")
        if protest.state in ("sent", "confirmed"):
            if protest.word == "withdrawal-asked":
                return f.WithdrawalQueued(protest.title_id, "withdrawal-asked")
            if case.face() != protest.declared:
                return f.WithdrawalQueued(protest.title_id, "balance-changed")
        return None

    def paused(self) -> bool:
        return self.case.paused_until is not None and self.today <= self.case.paused_until

    def held_by_task(self) -> bool:
        return any(task.holds for task in self.case.tasks.values())

    def is_held(self) -> f.Own | Instruction | None:
        case = self.case
        if case.holds:
            return self.wait(f"held: {', '.join(case.holds)}")
        if case.dispute:
            return self.wait("disputed")
        if self.held_by_task():
            return self.wait("held until a person has looked")
        if case.paused_until is None:
            return None
        if self.paused():
            return self.wait("paused by staff", case.paused_until + timedelta(days=1))
        return f.PauseEnded()

    def has_promise(self) -> f.Own | Instruction | None:
        promise = self.case.promise
        if promise is None:
            return None
        arrived = self.case.paid() - promise.paid_before
        if promise.amount is not None and arrived >= promise.amount:
            return f.PromiseKept(promise.id)
        if self.today <= promise.on:
            return self.wait("promised", promise.on + timedelta(days=1))
        return f.PromiseBroken(promise.id, self.today)

    def notice_is_silent(self) -> f.Own | None:
        notice = self.case.notice
        if notice is None or self.case.legal_on:
            return None
        if notice.state == "issued" and self.unproved(notice.ways, notice.issued_on):
            return f.NoticeUndeliverable(notice.id)
        if notice.state != "undeliverable":
            return None
        step = next((s.id for s in self.policy.steps if s.do == "protest"), notice.step)
        if self.case.step(step).status == "passed-over":
            return None
        approval = self.case.approval
        if approval is None:
            return self.ask("undeliverable-notice", step, "supervisor", needed=2)
        if approval.purpose == "undeliverable-notice" and approval.state == "given":
            return f.NoticeReleasedByTwo(notice.id, self.today)
        return None

    def unproved(self, ways: dict[str, str], issued: date) -> bool:
        all_failed = all(way.startswith("failed") for way in ways.values())
        return all_failed or self.today >= issued + SILENT_NOTICE

    def ask(self, purpose: str, step: str, role: str, needed: int = 1) -> f.ApprovalAsked:
        number = self.case.approvals_asked
        due = add_bank_days(self.today, 1)
        return f.ApprovalAsked(self.id("approval", number), purpose, step, role, needed, self.case.face(), due)

    def title_is_at_notary(self) -> Instruction | None:
        """While the title is out, none of our steps goes on."""
        protest = self.case.protest
        if protest.state == "queued":
            return self.rest("waits for the next remittance", add_notary_days(self.today, 1))
        if protest.state not in LIVE:
            return None
        if protest.state == "suspended":
            return self.wait("suspended by court")
        return self.notary_answers("title at the notary")

    def notary_answers(self, reason: str) -> Instruction:
        """Wait for an answer; the daily batch knows all titles that are out, and has somebody ask for a late one."""
        protest = self.case.protest
        return self.rest(reason, answer_due(protest.term_end or protest.sent_on or self.today))

    # --- the ladder ------------------------------------------------------------------------------------------------
    def anchors(self, step: Step) -> Anchors:
        named = {
            "notice.deadline": notice_deadline(self.case, self.policy),
            "protest.over": self.case.protest.over_on,
            "promise.broken": self.case.broken_on,
        }
        before = self.policy.steps[: self.policy.steps.index(step)]
        previous = self.case.steps.get(before[-1].id) if before else None
        on = previous.on if previous and previous.status in ("done", "passed-over") else None
        return Anchors(self.case.ladder_due, on, named, late_from(self.case.ladder_due, self.policy.grace))

    def day(self, step: Step) -> date | None:
        """The day of a step; of a protest, never before notice.deadline (promise 2)."""
        day = step_day(step, self.anchors(step))
        if step.do == "protest":
            deadline = notice_deadline(self.case, self.policy)
            return max(day, deadline) if day and deadline else None
        return day

    def planned(self, step: Step, day: date) -> date:
        """The day a step is meant to be done: of a contact that of its lawful moment, not the Sunday before it."""
        if step.do not in ("contact", "notice"):
            return day
        case = self.case
        return contact_moment(day, case.uf, "message", self.policy.contact, case.jitter).date()

    def row(self, step: Step) -> dict[str, str]:
        state = self.case.steps.get(step.id) or StepState()
        day = state.on if state.status in ("done", "passed-over") else self.day(step)
        row = {"step": step.id, "do": str(step.do), "state": state.status, "day": day.isoformat() if day else ""}
        if state.reason:
            row["reason"] = state.reason
        if state.deferred_until and state.status == "pending":
            row["until"] = state.deferred_until.isoformat()
        return row

    def status(self, step: Step) -> str:
        return self.case.steps[step.id].status if step.id in self.case.steps else "pending"

    def climbs(self) -> f.Own | Instruction | None:
        if self.case.legal_on:
            return None
        running = [step for step in self.policy.steps if self.status(step) == "running"]
        if running:
            return self.running(running[0])
        dated = [
            (step, day) for step in self.policy.steps if self.status(step) == "pending" and (day := self.day(step))
        ]
        due = [(step, self.planned(step, day)) for step, day in dated if day <= self.today]
        if due:
            chosen, passed = choose(sorted(due, key=lambda pair: pair[1]), self.today)
            if passed:
                return f.StepPassedOver(passed[0][0].id, passed[0][1])
            if chosen:
                return self.perform(chosen, dict((s.id, d) for s, d in due)[chosen.id])
        if dated:
            step, day = min(dated, key=lambda pair: pair[1])
            return self.ahead(step, day)
        return None

    def running(self, step: Step) -> f.Own | Instruction:
        task = next((task for task in self.case.tasks.values() if task.step == step.id), None)
        if task is None or task.kind != "step":
            return self.wait(f"waits for a person: {step.id}")
        if self.today <= task.due:
            return self.wait(f"waits for a person: {step.id}", task.due + timedelta(days=1))
        return f.StepPassedOver(step.id, "not done in time")

    def ahead(self, step: Step, day: date) -> Instruction:
        """The next step lies in the future: sleep straight to it."""
        if step.do in ("contact", "notice") and self.plan(step) is None and step.when is None:
            return self.instruct(_ACTION[step.do], f"step {step.id}", self.contact_at(step, day), step.id)
        return self.instruct(Action.WAIT, f"step {step.id} on its day", self.midnight(day), step.id)

    def contact_at(self, step: Step, day: date) -> datetime:
        case, rules = self.case, self.policy.contact
        channel = "message"
        start = max(day, self.today)
        if case.last_contact_on and start <= case.last_contact_on:
            start = case.last_contact_on + timedelta(days=1)
        at = contact_moment(start, case.uf, channel, rules, case.jitter)
        if start == self.today:
            at = max(at, first_lawful(self.now, case.uf, channel, rules))
        return self.not_before(at, step.id)

    def plan(self, step: Step) -> str | None:
        """Why this step is not done at all, if so: a condition that does not hold, a part that is not built yet."""
        if step.do not in BUILT:
            return f"do: {step.do} is not built yet"
        if step.by and not built_channels(step):
            return f"no channel of {', '.join(step.by)} is built yet"
        if step.do == "contact" and self.too_friendly(step):
            return "preventive, but the debt is already due"
        return None

    def too_friendly(self, step: Step) -> bool:
        """A reminder before the due date says nothing true once that date has passed."""
        offset = step.at.offset
        return step.at.anchor == "due" and bool(offset and offset.amount < 0) and self.today > self.case.terms.due

    def perform(self, step: Step, day: date) -> f.Own | Instruction:
        reason = self.plan(step)
        if reason:
            return f.StepPassedOver(step.id, reason)
        if step.when and not step.when.holds(self.values()):
            return f.StepPassedOver(step.id, f"condition: {step.when}")
        if step.do == "contact":
            return self.instruct(Action.CONTACT, f"step {step.id}", self.contact_at(step, day), step.id)
        if step.do == "notice":
            return self.instruct(Action.NOTICE, f"step {step.id}", self.contact_at(step, day), step.id)
        if step.do == "task":
            return self.open_step_task(step)
        if step.do == "protest" and self.today > self.case.limitation().first:
            return f.StepPassedOver(step.id, "past the executive term")
        return self.approved(step) or self.instruct(
            _ACTION[step.do], f"step {step.id}", self.not_before(self.now, step.id), step.id
        )

    def values(self) -> dict[str, Decimal | int | str]:
        return {
            "balance": self.case.debt(self.today).total,
            "days_late": max((self.today - self.case.terms.due).days, 0),
            "debtor": "consumer" if self.case.terms.consumer else "company",
            "protest": self.case.protest.word,
        }

    def open_step_task(self, step: Step) -> f.TaskOpened:
        due = next_bank_day(move(self.today, step.within)) if step.within else add_bank_days(self.today, 1)
        return self.task("step", step.id, "clerk", due, False, step.by)

    def approved(self, step: Step) -> f.Own | Instruction | None:
        """None where the step may go on: it needs no approval, or has it."""
        if not step.approve:
            return None
        approval = self.case.approval
        if approval is None or approval.step != step.id or approval.purpose != step.do:
            return self.ask(str(step.do), step.id, step.approve)
        if approval.state == "given":
            return None
        return self.rest("awaits approval", approval.due)

    def has_nothing_left(self) -> f.Own | Instruction:
        case = self.case
        if case.legal_on:
            return self.wait("in legal")
        if case.approval and case.approval.state == "asked":
            return self.rest("awaits approval", case.approval.due)
        open_steps = [step for step in self.policy.steps if self.status(step) == "pending"]
        if case.notice and case.notice.state == "issued" and open_steps:
            return self.wait("waits for proof of the notice", case.notice.issued_on + SILENT_NOTICE)
        if "ladder-finished:" not in case.asked:
            due = add_bank_days(self.today, 1)
            return self.task("ladder-finished", "", "supervisor", due, False, ("the ladder has no further step",))
        return self.wait("the ladder has no further step; a person decides")


def answer_due(since: date) -> date:
    """The day by which a CRA has answered: since the sending, or the end of the three-day term."""
    return add_bank_days(since, CRA_ANSWERS_WITHIN)


_ACTION = {"contact": Action.CONTACT, "notice": Action.NOTICE, "protest": Action.PROTEST, "legal": Action.LEGAL}


def new_case(case: Case, policy: Policy, today: date) -> None:
    """Mark a case that is about to open: an invoice whose first step is already past waits for release if the policy
    says so (design section 5, `entry`)."""
    rules = _Rules(case, policy, datetime.combine(today, time(0), time_zone(case.uf)))
    days = [day for step in policy.steps if (day := rules.day(step))]
    old = bool(days) and min(days) < today and today > case.terms.due
    case.awaits_release = old and policy.entry.first_wave == "needs-release"
    if old and not case.awaits_release and policy.entry.already_late == "from-the-start":
        case.ladder_due = today

"""A case on the pure core, without workflow, database or provider: a test tells facts and moves the clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

import policies
from domain import facts as f
from domain.case import Case, Terms
from domain.decide import Action, Entry, Heard, Instruction, advance, new_case
from domain.eligibility import blocked
from domain.errors import Refused
from domain.fold.base import spoken
from domain.negotiation import answer_until
from domain.outside import message_of
from domain.policy import Policy
from domain.policy_file import parse_policy

ZONE = ZoneInfo("America/Sao_Paulo")
HEAD = 'policy: teste\ntitle: Régua de teste\ncontact: {hours: {mon-fri: "09:00-18:00"}, per_day: 1, per_week: 5}\n'


def ladder(steps: str, head: str = HEAD) -> Policy:
    """A ladder of steps written in a test."""
    return parse_policy(f"{head}steps:\n{steps}", "teste.yaml")


def shipped(name: str) -> Policy:
    """A ladder that ships with the product."""
    path = policies.DIRECTORY / f"{name}.yaml"
    return parse_policy(path.read_text(encoding="utf-8"), path.name)


def at(day: date, hour: int = 0, minute: int = 0) -> datetime:
    """A moment in São Paulo."""
    return datetime.combine(day, time(hour, minute), ZONE)


class Simulated:
    """One case. `performed` holds (day, action, step); each action succeeds unless `provider` says otherwise."""

    def __init__(
        self,
        policy: Policy,
        due: date,
        start: date,
        *,
        amount: str = "1000.00",
        consumer: bool = False,
        charges: tuple[str, str] = ("2", "1"),
        uf: str = "SP",
        jitter: float = 0.0,
    ) -> None:
        terms = Terms(Decimal(amount), due, due, "DMI", consumer, Decimal(charges[0]), Decimal(charges[1]), "contrato")
        self.policy, self.now = policy, at(start)
        self.case = Case(str(UUID(int=1)), uf, jitter, policy.hash, terms, ladder_due=due)
        new_case(self.case, policy, start)
        self.entries: list[Entry] = []
        self.performed: list[tuple[date, str, str]] = []
        self.count = 0
        self.provider: Callable[[Instruction], f.Told] = self.success
        self.next = self.tell()

    def tell(self, *told: f.Told, refused_ok: bool = False) -> Instruction:
        """Tell facts now, as people or providers do; a refusal is raised unless the test expects it."""
        heard = [Heard(fact, self.now, "clerk", f"told:{self.count}:{n}") for n, fact in enumerate(told)]
        self.count += 1
        decision = advance(self.case, heard, self.policy, self.now)
        self.entries += decision.entries
        self.next = decision.instruction
        if decision.refusals and not refused_ok:
            raise next(iter(decision.refusals.values()))
        return self.next

    def refusal(self, fact: f.Told) -> str:
        """The code with which a fact is refused."""
        try:
            self.tell(fact)
        except Refused as refused:
            return refused.code
        raise AssertionError(f"{fact.kind} was not refused")

    def success(self, order: Instruction) -> f.Told:
        """What an action that goes well brings about."""
        key = f"{order.action}-{self.count}"
        match order.action:
            case Action.CONTACT:
                return f.ContactSent(order.step, key, order.channel)
            case Action.NOTICE if self.case.notice:
                return f.NoticeSentAgain(self.case.notice.id, order.step)
            case Action.NOTICE:
                step = next(step for step in self.policy.steps if step.id == order.step)
                return f.NoticeIssued(key, order.step, step.by)
            case Action.EXAMINE | Action.PROTEST if found := self._forbidden():
                return f.TitleIncomplete(order.step, found)
            case Action.EXAMINE:
                return f.TitleExamined(order.step)
            case Action.PROTEST:
                return f.TitleQueued(order.step, key, self.case.face())
        return outside(self.case, order, key)

    def _forbidden(self) -> tuple[str, ...]:
        """What the examination finds of itself, here of a title whose papers are in order."""
        return blocked(self.case.portfolio, self.case.bank_orders, self.case.nfe)

    def perform(self) -> None:
        """Do what the instruction says, now, if today's facts still say so (as every activity asks first)."""
        order = self.next
        if self.tell() != order or order.action == Action.WAIT:
            return
        self.performed.append((self.case.today(self.now), str(order.action), order.step))
        self.tell(self.provider(order))

    def until(self, day: date, hour: int = 23, minute: int = 59) -> Instruction:
        """Live until a moment: every instruction whose time comes is carried out."""
        end = at(day, hour, minute)
        for _ in range(500):
            when = self.next.not_before
            if self.next.action == Action.CLOSE or (when is None and self.next.action == Action.WAIT):
                break
            if when is not None and when > end:
                break
            self.now = max(self.now, when or self.now)
            self.perform()
        self.now = max(self.now, end)
        return self.next

    def days_of(self, action: str = "contact") -> list[tuple[date, str]]:
        """Which steps of one kind were done on which days; not what was said beside the ladder."""
        return [(day, step) for day, done, step in self.performed if done == action and spoken(step) is None]

    def said(self) -> list[tuple[date, str]]:
        """What was said beside the ladder, on which days."""
        found = [(day, spoken(step)) for day, _, step in self.performed]
        return [(day, said.text) for day, said in found if said]

    def told(self, kind: str) -> list[f.Fact]:
        """The recorded facts of one kind."""
        return [entry.fact for entry in self.entries if entry.fact.kind == kind]

    def row(self, step: str) -> str:
        """Status and reason of a step, as the schedule shows them."""
        state = self.case.step(step)
        return f"{state.status}: {state.reason}"

    def approve(self) -> Instruction:
        """A signed-in person says yes to what waits."""
        assert self.case.approval
        return self.tell(f.Approved(self.case.approval.id))

    def prove_notice(self, level: str = "delivered") -> Instruction:
        """The notice's e-mail was delivered today."""
        assert self.case.notice
        return self.tell(f.NoticeProved(self.case.notice.id, "email", level, self.case.today(self.now)))

    def pay(self, amount: str, reference: str = "", on: date | None = None) -> Instruction:
        """Money arrives."""
        reference = reference or f"ref-{self.count}"
        return self.tell(f.PaymentReceived(reference, Decimal(amount), on or self.case.today(self.now)))


def outside(case: Case, order: Instruction, key: str) -> f.Told:
    """What goes well with those who act for the case outside."""
    match order.action:
        case Action.NEGOTIATE:
            until = answer_until(case.today(order.not_before), None) if order.not_before else case.terms.due
            return f.NegotiationProposed(order.step, key, case.face(), until)
        case Action.LIST:
            return f.ListingRequested(order.step, key, case.face())
        case Action.TELL:
            message = message_of(order.step)
            assert message
            return f.PassedOn(message.to, message.what, message.reference, "folder")
        case Action.AGENCY:
            return f.HandedOver(key, "agency", order.step)
    return f.HandedOver(key, "legal", order.step)


def later(day: date, days: int) -> date:
    """A day some days after another."""
    return day + timedelta(days=days)

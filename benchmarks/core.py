"""The pure core alone: whole reference lives a second on one core, without workflow, database or provider.

A life is lived as the shell lives it: decide, wait until the instruction's time, decide again whether it still holds,
act, tell what came of it. Seconds are of CPU.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from benchmarks.lives import BOOK, WrongLife
from benchmarks.portfolio import DEADLINE, LADDER, LEGAL_AFTER, NOTICE_AFTER, UF
from domain import facts as f
from domain.calendars import add_bank_days
from domain.case import Case, Terms
from domain.decide import Action, Heard, Instruction, advance, new_case
from domain.places import time_zone
from domain.policy import Policy
from domain.policy_file import parse_policy

LIVES = 500
WANTED = 1000
_DUE = date(2026, 3, 2)
_NOON = 12
_TOLD = {kind: n for kind, n in BOOK.items() if kind != "opened"}
"""The book of a life that begins when the case is open."""
_NOTICE, _TITLE = "notice", "title"


def run_core(lives: int) -> dict[str, Any]:
    """Live so many reference lives; each must leave the reference life's book, else `WrongLife` is raised."""
    policy = parse_policy(LADDER, "referencia.yaml")
    Life(policy).live()  # tables and caches are there
    begun = time.process_time()
    decisions = sum(Life(policy).live() for _ in range(lives))
    seconds = time.process_time() - begun
    return {
        "lives": lives,
        "core_lives_per_second": round(lives / seconds, 1),
        "decisions_per_second": round(decisions / seconds),
        "targets": {"core_lives_per_second": f"at least {WANTED}"},
    }


def table(document: Mapping[str, Any]) -> str:
    """The measurement as a table for people."""
    return f"{document['core_lives_per_second']} lives and {document['decisions_per_second']} decisions per second"


class Life:
    """One case on the core; each action succeeds."""

    def __init__(self, policy: Policy) -> None:
        terms = Terms(Decimal("1000.00"), _DUE, _DUE, "DMI", False, Decimal(2), Decimal(1), "contrato")
        self.policy, self.decisions = policy, 0
        self.book: dict[str, int] = {}
        self.now = _noon(_DUE)
        self.case = Case(str(uuid4()), UF, 0.3, policy.hash, terms, ladder_due=_DUE)
        new_case(self.case, policy, _DUE)
        self.order = self._decide()

    def live(self) -> int:
        """From the first day to legal; returns how many decisions that took."""
        for day, fact in self._world():
            self._until(_noon(day))
            self.order = self._decide(fact() if callable(fact) else fact)
        self._until(self.now + timedelta(days=1))
        if self.book != _TOLD:
            raise WrongLife(f"a case did not live the reference life: {self.book}")
        return self.decisions

    def _world(self) -> Iterator[tuple[date, Any]]:
        """What the world says, and on which day."""
        day = add_bank_days(_DUE, NOTICE_AFTER) + timedelta(days=4)
        yield day, f.NoticeProved(_NOTICE, "email", "delivered", day)
        day = add_bank_days(day, DEADLINE + 1)
        yield day, self._approval
        yield day + timedelta(days=1), f.TitleSent(_TITLE, day + timedelta(days=1))
        day += timedelta(days=2)
        yield day, f.TitleConfirmed(_TITLE, day, add_bank_days(day, 3))
        yield day + timedelta(days=3), f.TitleRegistered(_TITLE, day + timedelta(days=3))
        yield day + timedelta(days=3 + LEGAL_AFTER), self._approval

    def _approval(self) -> f.Approved:
        if self.case.approval is None:
            raise WrongLife("nothing waits for approval")
        return f.Approved(self.case.approval.id)

    def _until(self, end: datetime) -> None:
        while (when := self.order.not_before) and when <= end:
            self.now = max(self.now, when)
            again = self._decide()
            if again == self.order and again.action is not Action.WAIT:
                again = self._decide(self._done(again))
            elif again == self.order:
                break
            self.order = again
        self.now = end

    def _done(self, order: Instruction) -> f.Told:
        key = f"{order.action}-{self.decisions}"
        if order.action is Action.CONTACT:
            return f.ContactSent(order.step, key, order.channel)
        if order.action is Action.NOTICE:
            return f.NoticeIssued(_NOTICE, order.step, ("letter", "email"))
        if order.action is Action.EXAMINE:
            return f.TitleExamined(order.step)
        if order.action is Action.PROTEST:
            return f.TitleQueued(order.step, _TITLE, self.case.face())
        return f.HandedOver(key)

    def _decide(self, *facts: f.Told) -> Instruction:
        self.decisions += 1
        heard = [Heard(fact, self.now, "benchmark", f"told:{self.decisions}") for fact in facts]
        decision = advance(self.case, heard, self.policy, self.now)
        for entry in decision.entries:
            self.book[entry.fact.kind] = self.book.get(entry.fact.kind, 0) + 1
        return decision.instruction


def _noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, _NOON, tzinfo=time_zone(UF))

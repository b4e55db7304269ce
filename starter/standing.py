"""What keeps a case from going on, or goes beside its ladder, as a screen shows it: one row for each matter.

Promise, plan, claim, clearing, dispute, pause, holds, tasks that hold: until when, for how much, and what it means.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from domain.case import Case

Matter = dict[str, Any]
"""`what` (a code), `until` (the last day on which it holds, None = open), `amount` (reais or None), `detail`."""


def matters(case: Case, today: date, tolerance: Decimal) -> list[Matter]:
    """Everything that stands beside the ladder now. `tolerance`: reais below which a rest is none."""
    return [*_promised(case), *_planned(case, today, tolerance), *_money(case), *_disputed(case), *_held(case)]


def _matter(what: str, until: date | None = None, amount: Decimal | None = None, detail: str = "") -> Matter:
    return {"what": what, "until": until, "amount": amount, "detail": detail}


def _promised(case: Case) -> Iterator[Matter]:
    if case.promise:
        broken = f"promises broken before: {case.promises_broken}" if case.promises_broken else ""
        yield _matter("promise", case.promise.on, case.promise.amount, broken)


def _planned(case: Case, today: date, tolerance: Decimal) -> Iterator[Matter]:
    state = case.plan_state(today, tolerance)
    if case.plan is None or state is None:
        return
    detail = f"{len(state.paid)} of {len(case.plan.instalments)} paid, open {state.open}"
    following = state.next.due if state.next else None
    yield _matter("plan", following, state.next_open if state.next else None, detail)


def _money(case: Case) -> Iterator[Matter]:
    if case.claimed_until:
        yield _matter("claim", case.claimed_until, None, "says that he paid; a person looks for the money")
    for coming in case.clearing:
        yield _matter("clearing", coming.until, coming.amount, coming.reference)


def _disputed(case: Case) -> Iterator[Matter]:
    if case.dispute:
        detail = "all of it" if case.disputed is None else "a part"
        silent = ", not explained yet" if case.explain_by else ""
        yield _matter("dispute", case.explain_by, case.disputed, f"{detail}{silent}")


def _held(case: Case) -> Iterator[Matter]:
    if case.awaits_release:
        yield _matter("release", None, None, "first wave waits for a person")
    if case.paused_until:
        yield _matter("pause", case.paused_until)
    for hold in case.holds:
        yield _matter(f"hold: {hold}", case.hold_until.get(hold))
    for task in case.tasks.values():
        if task.holds:
            yield _matter(f"task: {task.kind}", task.due, None, task.step)


def passed_over(schedule: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """The steps that were left out, with the day and the reason."""
    names = ("step", "do", "day", "reason")
    return [{name: step.get(name, "") for name in names} for step in schedule if step["state"] == "passed-over"]

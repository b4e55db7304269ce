"""What comes next: the rules of a case, read from the top like a checklist.

`advance` folds what was told, lets the case decide by itself as long as it can without the world (open a task, pass a
step over, close), and ends with one instruction: do this, not before then. The instruction is recorded; the workflow
obeys it. Nothing here knows a clock, a database or a provider: the same function runs in production, in simulations
and in an auditor's replay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, time
from typing import NamedTuple

from domain import facts as f
from domain.case import Case
from domain.errors import Refused
from domain.fold import Moment, fold
from domain.places import time_zone
from domain.policy import Policy
from domain.rules import approvals, ladder, legal, listing, money, negotiate, notice, protest
from domain.rules.base import Action, Bench, Instruction, Move
from domain.rules.firm import SILENT_NOTICE
from domain.rules.protest import answer_due

__all__ = [
    "RULES_VERSION", "SILENT_NOTICE", "Action", "Decision", "Entry", "Heard", "Instruction", "advance", "answer_due",
    "new_case", "schedule",
]  # fmt: skip

RULES_VERSION = "2026.11.10"
"""Changes whenever a rule changes what is decided: an audit tells a changed rule from tampering by it."""

CHECKLIST: tuple[Callable[[Bench], Move | None], ...] = (
    ladder.needs_a_person,
    listing.watches,
    negotiate.watches,
    legal.passes_on_at_once,
    money.plan_is_kept,
    ladder.is_over,
    protest.title_is_wrong,
    money.owes_thanks,
    legal.passes_on,
    legal.receipt_is_missing,
    ladder.waits_for_release,
    money.owes_a_word,
    money.warns_of_limitation,
    ladder.is_held,
    money.money_is_on_its_way,
    money.has_promise,
    money.has_plan,
    legal.asked_contact,
    legal.waits_outside,
    approvals.escalates,
    notice.notice_ages,
    notice.notice_is_undeliverable,
    protest.title_is_at_notary,
    negotiate.at_central,
    money.rests_after_a_part,
    ladder.climbs,
    ladder.has_nothing_left,
)
"""The rules of a case, in the order in which they speak; the first that has something to say is heard."""


class Entry(NamedTuple):
    """One line for the ledger: a fact taken in, who said it, what caused it."""

    fact: f.Fact
    at: datetime
    actor: str
    cause: str


class Heard(NamedTuple):
    """A fact as it arrived: business time, actor (staff id, "provider", "engine") and cause (fact id or activity)."""

    fact: f.Fact
    at: datetime
    actor: str
    cause: str
    refused: Refused | None = None
    """Set where the database already knows that the fact must not count (an approval without enough words)."""


class Decision(NamedTuple):
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
    moment = Moment(now, policy)
    for item in heard:
        try:
            if item.refused:
                raise item.refused
            fold(item.fact, case, moment)
            entries.append(Entry(item.fact, item.at, item.actor, item.cause))
        except Refused as refused:
            refusals[item.cause] = refused
            refusal = f.Refusal(item.fact.kind, refused.code, f.to_json(item.fact))
            entries.append(Entry(refusal, item.at, item.actor, item.cause))
    while True:
        move = _move(Bench(case, policy, now))
        if isinstance(move, Instruction):
            return Decision(tuple(entries), refusals, move)
        fold(move, case, moment)
        entries.append(Entry(move, now, "engine", "rule"))


def schedule(case: Case, policy: Policy, today: date) -> list[dict[str, str]]:
    """All steps with their state and day (ISO; empty where the anchor has not happened), as stored and shown."""
    bench = Bench(case, policy, datetime.combine(today, time(0), time_zone(case.uf)))
    return [ladder.row(bench, step) for step in policy.steps]


def _move(bench: Bench) -> Move:
    for rule in CHECKLIST:
        found = rule(bench)
        if found is not None:
            return bench.in_time(found)
    raise AssertionError("the last rule always answers")


def new_case(case: Case, policy: Policy, today: date) -> None:
    """Mark a case that is about to open: an invoice whose first step is already past waits for release if the policy
    says so (design section 5, `entry`)."""
    bench = Bench(case, policy, datetime.combine(today, time(0), time_zone(case.uf)))
    days = [day for day in bench.days.values() if day]
    old = bool(days) and min(days) < today and today > case.terms.due
    case.awaits_release = old and policy.entry.first_wave == "needs-release"
    if old and not case.awaits_release and policy.entry.already_late == "from-the-start":
        case.ladder_due = today

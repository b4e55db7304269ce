"""How long a credit can be enforced (*prescrição*).

The notary does not check it (Lei 9.492/1997 art. 9), so the creditor answers for a protest that comes too late.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache

from domain.data import table
from domain.errors import BadInput
from domain.policy import Offset
from domain.schedule import move

_RULES = {row["kind"]: row for row in table("limitation")}
_ANY_KIND = "*"
INTERRUPTING = {row["act"]: row["source"] for row in table("interruption")}
"""What interrupts the limitation, with the law: the debtor's acts that own up to the debt, and the protest."""


@dataclass(frozen=True)
class Terms:
    """The last day of two terms, both inclusive, and the law they come from.

    `first`: the title can be executed and so protested; a later protest is irregular (STJ REsp 1.677.772).
    `last`: any action is left (monitória, cobrança); later even friendly collection stops (STJ REsp 2.088.100).
    """

    first: date
    last: date
    source: str


@dataclass(frozen=True)
class Act:
    """Something that may have interrupted the limitation: one of `INTERRUPTING`, and its day."""

    kind: str
    on: date


@lru_cache(maxsize=1 << 16)
def limitation(kind: str, due: date, interrupted_on: date | None = None) -> Terms:
    """The limitation terms of a title by its CRA species code (`DMI`, `NP`, `CH`, ...) and its original due date.

    For a cheque, which is payable at sight, `due` is its date of issue. A kind that the table does not list has the
    term of a liquid debt in an instrument, 5 years for both.

    `interrupted_on` is the day of the act that interrupted the limitation (`interruption` finds it): the terms run
    again in full from that day (CC art. 202 sole paragraph). An act before the debt is due finds no term to interrupt
    (CC art. 199 II), and one after the end of a term does not bring it back: each of the two is judged for itself.
    """
    rule = _RULES.get(kind.strip().upper(), _RULES[_ANY_KIND])
    first_months, last_months = int(rule["first_months"]), int(rule["last_months"])
    executable_from = due + timedelta(days=int(rule["presentation_days"]))
    terms = Terms(add_months(executable_from, first_months), add_months(due, last_months), rule["source"])
    if interrupted_on is None or not due < interrupted_on <= terms.last:
        return terms
    again = add_months(interrupted_on, first_months) if interrupted_on <= terms.first else terms.first
    return replace(
        terms,
        first=max(terms.first, again),
        last=add_months(interrupted_on, last_months),
        source=f"{terms.source}; interrompida em {interrupted_on:%d/%m/%Y} (CC art. 202)",
    )


def interruption(kind: str, due: date, acts: Iterable[Act]) -> Act | None:
    """The act that interrupted the limitation of a title: the first one while the last term ran.

    It happens only once (CC art. 202), so later acts change nothing. None where there was none. BadInput for an act
    that the table does not list.
    """
    known = list(acts)
    for act in known:
        if act.kind not in INTERRUPTING:
            raise BadInput(f"interruption: {act.kind!r} is no act that interrupts; use {', '.join(INTERRUPTING)}")
    last = limitation(kind, due).last
    return min((act for act in known if due < act.on <= last), key=lambda act: act.on, default=None)


@lru_cache(maxsize=1 << 14)
def warn_from(term: date, before: Offset) -> date:
    """The first day on which a person is warned that a term ends: so long before its last day (`90d`, `6m`)."""
    return move(term, Offset(-abs(before.amount), before.unit))


def add_months(day: date, months: int) -> date:
    """The day of the same number so many months later, or the day after its month's last one (CC art. 132 §3)."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    month += 1
    if day.day <= monthrange(year, month)[1]:
        return date(year, month, day.day)
    return date(year, month, monthrange(year, month)[1]) + timedelta(days=1)

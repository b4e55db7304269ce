"""Solução negocial prévia: a proposal through the notaries' central before the protest (Lei 9.492/1997 art. 11-A).

The creditor asks for it; the debtor has up to 30 days to answer (I). What is neither settled nor withdrawn by then is
converted into a protest for the original amount (III), without a new summons where the first message warned of it (CNN
art. 386). So it may only begin where a protest could.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from domain.calendars import add_bank_days, next_bank_day
from domain.case import Case
from domain.data import table
from domain.policy import Offset
from domain.schedule import move

LONGEST_TERM = 30
"""Calendar days the debtor may be given to answer (Lei 9.492/1997 art. 11-A I)."""
SHORTEST_TERM = 3
"""Business days below which the conversion needs a new summons (CNN art. 386)."""
USUAL_TERM = Offset(15, "d")
CENTRAL_ANSWERS_WITHIN = 3
"""Bank days after the term by which the central has said what became of a proposal."""


@dataclass(frozen=True)
class CostWindow:
    """What the creditor pays in advance for a proposal of this age; `words` say it to whoever approves (pt-BR)."""

    code: str
    words: str
    source: str


def cost_window(days_after_maturity: int) -> CostWindow:
    """The window of a debt so many calendar days after its maturity (Lei 9.492/1997 art. 11-A pars. 3 to 5)."""
    row = next(row for row in table("negotiation_costs") if days_after_maturity <= int(row["until"] or 10**6))
    return CostWindow(row["code"], row["words"], row["source"])


def next_window(due: date, today: date) -> tuple[date, CostWindow] | None:
    """The day on which a proposal becomes dearer, and the window that begins then; None in the last one."""
    age = (today - due).days
    ends = [int(row["until"]) for row in table("negotiation_costs") if row["until"] and int(row["until"]) >= age]
    if not ends:
        return None
    return due + timedelta(days=ends[0] + 1), cost_window(ends[0] + 1)


def answer_until(today: date, term: Offset | None) -> date:
    """The last day of the debtor's term: the first day is excluded, a last day without banks moves on (CC art. 132).

    Never more than 30 calendar days before that move, and never under three business days.
    """
    wanted = move(today, term or USUAL_TERM)
    longest = today + timedelta(days=LONGEST_TERM)
    return next_bank_day(max(min(wanted, longest), add_bank_days(today, SHORTEST_TERM)))


def answer_due(until: date) -> date:
    """The day by which the central has answered."""
    return add_bank_days(until, CENTRAL_ANSWERS_WITHIN)


def is_open(case: Case) -> bool:
    """Does the central still have the proposal, or is it on its way back?"""
    return case.proposal is not None and case.proposal.state in ("open", "withdrawing")

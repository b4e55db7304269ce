"""A doubt about a title that is at the notary: what speaks against the protest, and when silence decides.

Nothing escalates while money may be on its way or the debt is disputed (promise 3); a title that is out already is a
person's decision. The hour is the notary's: what is decided after it comes too late.
"""

from __future__ import annotations

from datetime import date, datetime

from domain.case import Case
from domain.eligibility import blocked
from domain.gate import waits
from domain.policy import Policy
from domain.protest import withdrawable

QUESTION = "withdraw-or-keep"
"""The task by which a person is asked."""


def speaks_against(case: Case, today: date) -> bool:
    """Would this title not be sent today? Because of what holds the case, whose it is, or a boleto still payable."""
    payable = case.terms.boleto and not case.boleto_withdrawn
    return bool(waits(case, today) or blocked(case.portfolio, case.bank_orders, case.nfe) or payable)


def silence_decides_at(case: Case, policy: Policy, today: date) -> datetime | None:
    """The moment at which silence takes the title back; None where nobody was asked, nothing speaks against the protest
    any more, the hour is not known yet, or the policy leaves the title there (`protest.silence`)."""
    if policy.protest.silence == "leave" or not withdrawable(case.protest.state):
        return None
    if not any(task.kind == QUESTION for task in case.tasks.values()):
        return None
    return case.protest.decide_by if speaks_against(case, today) else None

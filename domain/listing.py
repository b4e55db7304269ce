"""The entry at a credit bureau (negativação): when it may be asked for, and when it must go.

The law has the bureau notify before it lists (CDC art. 43 par. 2; Súmula 359 STJ); this product asks for its own proved
notice as well. An entry goes within five business days of full payment, by the creditor's own act (Súmula 548 STJ), and
never stands longer than five years or past the limitation (CDC art. 43 pars. 1 and 5; Súmula 323 STJ).
"""

from __future__ import annotations

from datetime import date, timedelta

from domain.calendars import add_bank_days
from domain.case import PROTESTED, Case
from domain.eligibility import blocked
from domain.gate import waits
from domain.notice import shut
from domain.policy import Offset, Policy
from domain.schedule import move

USUAL_WAIT = Offset(10, "d")
"""The bureau's own notice period where the step says nothing (`deadline`): the usual ten days."""
REMOVAL = 5
"""Business days from full payment within which the entry must be gone (Súmula 548 STJ)."""
BUREAU_ANSWERS_WITHIN = 10
"""Bank days after which a request without any answer is a task for a person."""
_YEARS = Offset(60, "m")
STANDING = ("requested", "notified", "listed")
LEFT = (*STANDING, "removing")
"""States in which something of it is left at the bureau."""


def is_left(case: Case) -> bool:
    """Is something of this case left at the bureau?"""
    return case.listing is not None and case.listing.state in LEFT


def last_day(case: Case) -> date:
    """The last day on which the entry may stand: five years from the due date, or the end of the limitation."""
    return min(move(case.terms.original_due, _YEARS), case.limitation().last)


def impossible(case: Case, today: date) -> str:
    """Why this case is not listed at all; empty where it may be."""
    if case.protest.state in PROTESTED:
        return "the title is at the notary or protested"
    if today > last_day(case):
        return "an entry may not stand any more"
    return "" if case.face() else "no principal is left"


def not_yet(case: Case, policy: Policy, today: date) -> str:
    """Why nothing may be asked of the bureau today (promises 2 and 3); empty where it may."""
    if reason := waits(case, today) or shut(case, policy, today):
        return reason
    found = blocked(case.portfolio, case.bank_orders, case.nfe)
    return ", ".join(found)


def must_go(case: Case, outcome: str, today: date) -> str:
    """Why the entry, or the request for one, must go; empty where it may stand.

    `outcome` is how the debt ended, if it did. What has not yet been listed also goes while anything of promise 3
    holds the case: the bureau would list meanwhile.
    """
    listing = case.listing
    if listing is None or listing.state not in STANDING:
        return ""
    reasons = (
        (listing.fault, bool(listing.fault)),
        (outcome, bool(outcome)),
        ("in-plan", case.plan is not None),
        ("protested", case.protest.state in PROTESTED),
        ("five-years", today > last_day(case)),
        ("balance-changed", case.face() != listing.amount),
        ("held", listing.state != "listed" and bool(waits(case, today))),
    )
    return next((reason for reason, holds in reasons if holds), "")


def removal_due(case: Case, paid: bool, today: date) -> date:
    """The day by which the entry must be gone: five business days from the payment, or from the day we know."""
    days = [payment.on for payment in case.counted()]
    since = min(max(days), today) if paid and days else today
    return add_bank_days(since, REMOVAL)


def may_stand_from(notified_on: date, wait: Offset | None) -> date:
    """The first day on which the bureau may list: the day after its own notice period."""
    return move(notified_on, wait or USUAL_WAIT) + timedelta(days=1)

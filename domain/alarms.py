"""Days on which a case must look at what others do for it, whatever else it waits for."""

from __future__ import annotations

from datetime import date, timedelta

from domain.calendars import add_bank_days
from domain.case import Case, Listing
from domain.listing import BUREAU_ANSWERS_WITHIN, STANDING, last_day
from domain.negotiation import answer_due
from domain.outside import reminder_day, reminders

_NEXT = timedelta(days=1)


def alarms(case: Case) -> list[date]:
    """The days of its alarms, past ones among them: a receipt, an answer, a removal that does not come."""
    days: list[date] = []
    if case.hands and (reminder := reminder_day(case, reminders(case))):
        days.append(reminder)
    if case.proposal and case.proposal.state == "open":
        days.append(answer_due(case.proposal.until) + _NEXT)
    if case.listing:
        days += _of_listing(case, case.listing)
    return days


def _of_listing(case: Case, listing: Listing) -> list[date]:
    days = []
    if listing.state == "requested":
        days.append(add_bank_days(listing.requested_on, BUREAU_ANSWERS_WITHIN) + _NEXT)
    if listing.state in STANDING:
        days.append(last_day(case) + _NEXT)
    if listing.state == "removing" and listing.due:
        days += [add_bank_days(listing.due, -1), listing.due + _NEXT]
    return days

"""The entry at a bureau: what must be in order before it, what makes it go, who is alarmed when it does not."""

from __future__ import annotations

from domain import facts as f
from domain.calendars import add_bank_days, next_bank_day
from domain.listing import BUREAU_ANSWERS_WITHIN, impossible, is_left, must_go, not_yet, removal_due
from domain.policy import Step
from domain.rules.base import Bench, Instruction, Move
from domain.rules.firm import is_paid


def before(r: Bench, step: Step) -> Move | None:
    """A title that is protested, too old or paid is not listed; one that is held, or without a ripe notice, waits."""
    if reason := impossible(r.case, r.today):
        return f.StepPassedOver(step.id, reason)
    if is_left(r.case):
        return f.StepPassedOver(step.id, "it is at the bureau already")
    if reason := not_yet(r.case, r.policy, r.today):
        return r.wait(f"step {step.id} waits: {reason}")
    return None


def watches(r: Bench) -> f.Own | None:
    """An entry that must go is removed at once; the last days of its deadline alarm people (Súmula 548 STJ)."""
    listing = r.case.listing
    if listing is None or not is_left(r.case):
        return None
    if reason := must_go(r.case, r.outcome, r.today):
        due = removal_due(r.case, is_paid(r.outcome), r.today)
        return f.ListingRemovalOrdered(listing.id, reason, due)
    if listing.state == "removing":
        return _alarms(r)
    if listing.state == "listed" and r.case.wholly_disputed():
        details = ("a listed debt is in dispute: look into it, or have the entry removed (CDC art. 43 par. 3)",)
        key = f"{listing.id}.{r.case.dispute}"
        return r.once("listing-disputed", key, "supervisor", add_bank_days(r.today, 5), *details)
    if listing.state == "requested" and r.today > add_bank_days(listing.requested_on, BUREAU_ANSWERS_WITHIN):
        return r.once("bureau-silent", listing.id, "clerk", next_bank_day(r.today), "ask the bureau for its notice")
    return None


def _alarms(r: Bench) -> f.Own | None:
    """A person the bank day before the last, his manager once it is over."""
    listing = r.case.listing
    if listing is None or listing.due is None:
        return None
    said = (f"the entry must be gone by {listing.due:%d/%m/%Y}: {listing.reason}", f"listing {listing.id}")
    late = r.today > listing.due
    if late and (task := r.once("removal-late", listing.id, "manager", next_bank_day(r.today), *said)):
        return task
    if r.today >= add_bank_days(listing.due, -1):
        return r.once("removal-due", listing.id, "supervisor", max(listing.due, r.today), *said)
    return None


def left_at_bureau(r: Bench) -> Instruction | None:
    """A case does not close while an entry of it stands."""
    return r.wait("waits for the bureau to remove the entry") if is_left(r.case) else None

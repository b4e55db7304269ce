"""How often a debtor may be contacted, over all his cases: caps, spacing, what one address gets, what it may cost.

The figures are the policy's (`docs/policy.md`, contact); a law may cap them further (`data/contact_caps.csv`) and is
always today's. What reached nobody does not count, and neither do thanks, receipts, confirmations and formal letters,
which keep the hours only (promise 1). Everything is judged on what is given here: no clock, no rows.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import cache

from domain.data import table
from domain.errors import Refused
from domain.hours import first_lawful
from domain.policy import ContactRules
from domain.whereabouts import Place

WEEK = timedelta(days=7)
_DAY = timedelta(days=1)
CHEAP = frozenset({"email", "letter"})
"""What is left when the contacts of a case have cost what they may: what costs next to nothing, and the formal way."""


class Reason(StrEnum):
    """Why a contact has to wait, or a way is closed: codes that stand in the ledger and the schedule."""

    HOURS = "outside-hours"
    PER_DAY = "per-day"
    PER_WEEK = "per-week"
    PER_CHANNEL = "per-channel"
    PER_ADDRESS = "per-address"
    SPACING = "spacing"
    BEST_HOURS = "best-hours"
    BLOCK_LIST = "block-list"
    COST = "cost"


@dataclass(frozen=True)
class Made:
    """A contact that counts: when (aware), through which channel, to which address, to this debtor or to another one.

    `address` is any key that is the same for the same address; empty where none is known (a logged call).
    """

    at: datetime
    channel: str
    address: str = ""
    own: bool = True


@dataclass(frozen=True)
class Way:
    """One way to reach the debtor: channel, address, and where a contact by it would find him."""

    channel: str
    address: str
    place: Place


@dataclass(frozen=True)
class Wait:
    """Not now: the moment (aware) from which there is room, and why there is none before."""

    until: datetime
    reason: Reason


@dataclass(frozen=True)
class Budget:
    """What is asked about: the contacts made, the rules, which channels are barred and why, whether caps count."""

    made: Sequence[Made]
    rules: ContactRules
    barred: dict[str, Reason]
    capped: bool = True


def choose(ways: Sequence[Way], budget: Budget, now: datetime) -> Way | Wait | Reason | None:
    """The first of these ways, in their order, that may be used now.

    Else the earliest moment at which one of them may be; else, where every way is closed, the reason why the first of
    them is; None where there is no way at all. A way by which the policy's hours never meet the law's is closed.
    """
    waits, closed = list[Wait](), list[Reason]()
    for way in ways:
        found = budget.barred.get(way.channel) or _wait(way, budget, now)
        if found is None:
            return way
        if isinstance(found, Wait):
            waits.append(found)
        else:
            closed.append(found)
    if waits:
        return min(waits, key=lambda wait: wait.until)
    return closed[0] if closed else None


def _wait(way: Way, budget: Budget, now: datetime) -> Wait | Reason | None:
    made = budget.made if budget.capped else ()
    try:
        return room(made, budget.rules, now, way.channel, way.address, way.place)
    except Refused:
        return Reason.HOURS


def room(
    contacts: Sequence[Made], rules: ContactRules, now: datetime, channel: str, address: str, place: Place
) -> Wait | None:
    """None where a contact may be made now; else the next moment at which it may, and why it may not before.

    That moment is lawful at the place, in the zone of the place, and within the caps as long as no other contact comes
    between. Raises Refused `no-lawful-hours` where the policy's hours never meet the law's.
    """
    at, first = now, None
    while True:
        lawful = first_lawful(at, place, channel, rules)
        found = _over(contacts, rules, lawful, channel, address, place)
        if found is None:
            return None if lawful <= now else Wait(lawful, first or Reason.HOURS)
        at, reason = found
        first = first or reason


def _over(
    contacts: Sequence[Made], rules: ContactRules, at: datetime, channel: str, address: str, place: Place
) -> tuple[datetime, Reason] | None:
    """The first cap that a contact at this moment would break, with the moment from which this one is kept."""
    day = at.astimezone(place.zone).date()
    tomorrow = datetime.combine(day + _DAY, time(0), place.zone)
    own = sorted(made.at for made in contacts if made.own)
    today = [made for made in contacts if made.at.astimezone(place.zone).date() == day]
    per_day = min([rules.per_day, *(cap.per_day for cap in caps_of_law() if cap.applies(day, place))])
    if sum(made.own for made in today) >= per_day:
        return tomorrow, Reason.PER_DAY
    week = [moment for moment in own if moment > at - WEEK]
    if len(week) >= rules.per_week:
        return week[-rules.per_week] + WEEK, Reason.PER_WEEK
    if sum(made.own and made.channel == channel for made in today) >= rules.of_channel(channel):
        return tomorrow, Reason.PER_CHANNEL
    if address and sum(made.address == address for made in today) >= rules.per_address:
        return tomorrow, Reason.PER_ADDRESS
    if own and own[-1] + rules.spacing > at:
        return own[-1] + rules.spacing, Reason.SPACING
    return None


@dataclass(frozen=True)
class CapOfLaw:
    """One row of the law: how many contacts a day at most in a state. Both dates are included."""

    uf: str
    per_day: int
    valid_from: date
    valid_until: date
    source: str

    def applies(self, day: date, place: Place) -> bool:
        """Whether the row binds at one of the spots of a place on this day."""
        return self.valid_from <= day <= self.valid_until and any(spot.uf == self.uf for spot in place.spots)


@cache
def caps_of_law() -> tuple[CapOfLaw, ...]:
    """All rows of the packaged table, in its order."""
    return tuple(
        CapOfLaw(
            uf=row["uf"],
            per_day=int(row["per_day"]),
            valid_from=date.fromisoformat(row["valid_from"]) if row["valid_from"] else date.min,
            valid_until=date.fromisoformat(row["valid_until"]) if row["valid_until"] else date.max,
            source=row["source"],
        )
        for row in table("contact_caps")
    )


def closed_channels(blocked: Collection[str], too_dear: Collection[str]) -> dict[str, Reason]:
    """The channels that are closed to a debtor today, with the reason.

    On a block list no telephone rings or lights up; beyond the budget of its case only what is cheap is left.
    """
    dear = {channel: Reason.COST for channel in too_dear if channel not in CHEAP}
    return dear | dict.fromkeys(blocked, Reason.BLOCK_LIST)

"""When a debtor may be contacted: the policy's hours, narrowed by the law of the debtor's place and its holidays.

The law is data, `data/contact_hours.csv`: one row per state (uf, `*` for all), group of channels (call, message, `*`),
weekdays and time of validity. Every row that applies narrows the window; a row without hours closes the day. The law is
always today's: it is never pinned to a case, and a policy can only be stricter.

A place (`domain.whereabouts`) may have several spots, each with its law, holidays and clock: a moment must be lawful at
all of them. A state's two letters stand for a place of that one spot, no letters for every state at once.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache, lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from domain.calendars import is_contact_holiday
from domain.data import table
from domain.errors import Refused
from domain.policy import ContactRules, Hours, weekdays
from domain.whereabouts import Place, Spot, place_at

_GROUPS = {"call": "call", "voice": "call", "email": "message", "sms": "message", "whatsapp": "message"}
"""Groups of channels that laws speak of; a channel in none (a letter) is bound only by rules for all channels."""

_SEARCH_DAYS = 90
"""How far a lawful moment is looked for: beyond any row of holidays, also where only one weekday is open."""

_SPREAD = 1 / 3
"""The part of a window that planned contacts use; the rest is for those that had to wait: for a message of another
case, for a provider's rate, for a bank that is slow to make a code."""

_DAY = timedelta(days=1)
_WHOLE_DAY: Hours = (time.min, time.max)


@dataclass(frozen=True)
class Rule:
    """One row of the law: the hours of some weekdays, None where contact is forbidden. Both dates are included."""

    uf: str
    group: str
    weekdays: range
    hours: Hours | None
    valid_from: date
    valid_until: date
    source: str

    def applies(self, day: date, uf: str, group: str) -> bool:
        """Whether the row binds this group of channels in this state on this day."""
        return (
            self.uf in (uf, "*")
            and self.group in (group, "*")
            and day.weekday() in self.weekdays
            and self.valid_from <= day <= self.valid_until
        )


@cache
def rules_of_law() -> tuple[Rule, ...]:
    """All rows of the packaged table, in its order."""
    return tuple(
        Rule(
            uf=row["uf"],
            group=row["channel"],
            weekdays=weekdays(row["weekday"]),
            hours=(time.fromisoformat(row["start"]), time.fromisoformat(row["end"])) if row["start"] else None,
            valid_from=date.fromisoformat(row["valid_from"]) if row["valid_from"] else date.min,
            valid_until=date.fromisoformat(row["valid_until"]) if row["valid_until"] else date.max,
            source=row["source"],
        )
        for row in table("contact_hours")
    )


@lru_cache(maxsize=1 << 16)
def _lawful(day: date, uf: str, ibge: str, group: str) -> Hours | None:
    """What law and holidays leave of a day at one spot."""
    if is_contact_holiday(day, uf, ibge):
        return None
    window: Hours | None = _WHOLE_DAY
    for rule in rules_of_law():
        if rule.applies(day, uf, group):
            window = _both(window, rule.hours)
    return window


def _both(one: Hours | None, other: Hours | None) -> Hours | None:
    if one is None or other is None:
        return None
    start, end = max(one[0], other[0]), min(one[1], other[1])
    return (start, end) if start < end else None


def window(day: date, where: str | Place, channel: str, rules: ContactRules) -> Hours | None:
    """The hours of a civil day in which a debtor at this place may be contacted through `channel`, by policy and law.

    Local time of the place (of its first spot), the end excluded; None on holidays, quiet and closed days. Each row of
    the table has its source. A group of channels (call, message) may stand for a channel. Raises BadInput for an
    unknown state.
    """
    return _window(day, _placed(where), _GROUPS.get(channel, channel), rules)


@lru_cache(maxsize=1 << 16)
def _window(day: date, place: Place, group: str, rules: ContactRules) -> Hours | None:
    if day in place.closed or rules.quiet_on(day):
        return None
    home, *others = place.spots
    hours = _at_spot(day, home, group, rules)
    for spot in others:
        hours = _both(hours, _seen_from(place.zone, spot, day, _at_spot(day, spot, group, rules)))
    return hours


def _placed(where: str | Place) -> Place:
    return where if isinstance(where, Place) else place_at(where)


def _at_spot(day: date, spot: Spot, group: str, rules: ContactRules) -> Hours | None:
    return _both(rules.hours.get(day.weekday()), _lawful(day, spot.uf, spot.ibge, group))


def _seen_from(home: ZoneInfo, spot: Spot, day: date, hours: Hours | None) -> Hours | None:
    """A spot's hours on the clock of another zone. What reaches into another civil day there is cut off."""
    if hours is None or spot.zone == home.key:
        return hours
    start, end = (datetime.combine(day, at, ZoneInfo(spot.zone)).astimezone(home) for at in hours)
    if start.date() > day or end.date() < day:
        return None
    return (time.min if start.date() < day else start.time(), time.max if end.date() > day else end.time())


def open_at(at: datetime, where: str | Place, channel: str, rules: ContactRules) -> bool:
    """Whether contact is lawful at this moment (aware, any zone)."""
    local = at.astimezone(_placed(where).zone)
    hours = window(local.date(), where, channel, rules)
    return hours is not None and hours[0] <= local.time() < hours[1]


def first_lawful(at: datetime, where: str | Place, channel: str, rules: ContactRules) -> datetime:
    """The first lawful moment at or after `at` (aware, any zone), in the zone of the place.

    Raises Refused `no-lawful-hours` where the policy's hours never meet the law's.
    """
    place = _placed(where)
    local = at.astimezone(place.zone)
    hours = window(local.date(), place, channel, rules)
    if hours is None or local.time() >= hours[1]:
        return _next_window(local.date() + _DAY, place, channel, rules).opens
    return local if local.time() >= hours[0] else datetime.combine(local.date(), hours[0], place.zone)


def contact_moment(
    day: date, where: str | Place, channel: str, rules: ContactRules, jitter: float, best: Hours | None = None
) -> datetime:
    """When a contact planned for `day` goes out: inside the first lawful window on or after it, in the place's zone.

    `jitter` in [0, 1) spreads contacts over the first third of the window; what has to wait still fits into the
    rest of the same day. `best` are the hours in which the debtor is best reached: they count where they are lawful.
    Raises Refused `no-lawful-hours` where the policy's hours never meet the law's.
    """
    place = _placed(where)
    found = _next_window(day, place, channel, rules)
    if best and (hours := _both(found.hours, best)):
        found = _window_of(found.day, hours, place)
    return found.opens + timedelta(seconds=int(found.spread * jitter))


def contact_day(day: date, where: str | Place, channel: str, rules: ContactRules) -> date:
    """The civil day of that moment."""
    return _next_window(day, _placed(where), channel, rules).day


def jitter_of(debtor_id: str) -> float:
    """A number in [0, 1) that is always the same for one debtor, so that contacts of all its cases come together."""
    digest = hashlib.blake2b(debtor_id.encode(), digest_size=8).digest()
    return (int.from_bytes(digest) >> 11) / (1 << 53)  # 53 bits: what a float holds without rounding up to 1


class Window(NamedTuple):
    """A lawful window: its day and hours at the place, the moment at which it opens (aware), and over how many seconds
    from then on planned contacts are spread."""

    day: date
    hours: Hours
    opens: datetime
    spread: float


def _window_of(day: date, hours: Hours, place: Place) -> Window:
    length = datetime.combine(day, hours[1]) - datetime.combine(day, hours[0])
    return Window(day, hours, datetime.combine(day, hours[0], place.zone), length.total_seconds() * _SPREAD)


@lru_cache(maxsize=1 << 16)
def _next_window(day: date, place: Place, channel: str, rules: ContactRules) -> Window:
    candidate = day
    for _ in range(_SEARCH_DAYS):
        if hours := window(candidate, place, channel, rules):
            return _window_of(candidate, hours, place)
        candidate += _DAY
    states = ", ".join(sorted({spot.uf for spot in place.spots}))
    raise Refused("no-lawful-hours", f"The policy's hours never meet the lawful hours of {states} for {channel}.")

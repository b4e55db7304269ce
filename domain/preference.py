"""How a debtor is best reached: by what he asked for, else by what has reached him before.

A preference never opens a way that the policy's step does not name, nor an hour that is not lawful: it only orders
what is allowed anyhow. What he asked for himself comes first; then the channel on which he answered or read; else the
policy's order of channels stands, for a mere delivery says little and would hold every ladder to its first channel.
Within a channel what was delivered counts too, and what did not arrive counts against its address.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from domain.errors import BadInput
from domain.hours import window
from domain.policy import ContactRules, Hours
from domain.whereabouts import Place

WEIGHTS: Mapping[str, int] = {"replied": 4, "read": 2, "delivered": 1, "failed": -2}
"""What the fate of one contact says about its address."""
ANY_HOURS = "any"
"""Instead of hours: a wish for certain hours is taken back."""
TELLING = frozenset({"replied", "read"})
"""What tells the hour at which a person looks; a delivery only tells the hour at which we wrote."""
_OFTEN_ENOUGH = 2
"""So many times in the same part of the day before it is taken for a habit."""
_AHEAD = 14
"""Days in which every weekday comes that is no holiday."""
_BORDERS = (time(0), time(9), time(12), time(14), time(18))
"""Where the parts of a working day begin."""

_HOURS = re.compile(r"((?:[01][0-9]|2[0-3]):[0-5][0-9]) ?- ?((?:[01][0-9]|2[0-3]):[0-5][0-9])")

Point = TypeVar("Point")


@dataclass(frozen=True)
class Fate:
    """What became of one contact: by which channel, to which address, what happened (a key of WEIGHTS), and when."""

    channel: str
    address: str
    what: str
    at: datetime


@dataclass(frozen=True)
class Asked:
    """What stands with an address: channel, address, and whether he asked to be contacted by it."""

    channel: str
    address: str
    asked: bool = False


def order(allowed: Sequence[str], points: Sequence[tuple[Asked, Point]], fates: Sequence[Fate]) -> list[Point]:
    """The points whose channel is allowed, the best first.

    Without anything known about a debtor: by the policy's order of channels, then in the order given.
    """
    channels, addresses = Counter[str](), Counter[tuple[str, str]]()
    for fate in fates:
        weight = WEIGHTS.get(fate.what, 0)
        addresses[fate.channel, fate.address] += weight
        channels[fate.channel] += weight if fate.what in TELLING else 0
    usable = [(place, known, point) for place, (known, point) in enumerate(points) if known.channel in allowed]

    def rank(item: tuple[int, Asked, Point]) -> tuple[bool, int, int, int, int]:
        place, known, _ = item
        channel = known.channel
        score = addresses[channel, known.address]
        return not known.asked, -channels[channel], allowed.index(channel), -score, place

    return [point for _, _, point in sorted(usable, key=rank)]


def best_hours(fates: Sequence[Fate], zone: ZoneInfo) -> Hours | None:
    """The part of the day in which he most often read or answered, None while that is no habit."""
    seen = Counter(_part(fate.at.astimezone(zone).time()) for fate in fates if fate.what in TELLING)
    if not seen:
        return None
    part, times = max(seen.items(), key=lambda found: (found[1], -found[0]))
    return (_BORDERS[part], (*_BORDERS[1:], time.max)[part]) if times >= _OFTEN_ENOUGH else None


def _part(at: time) -> int:
    return sum(at >= border for border in _BORDERS) - 1


def later_today(now: datetime, best: Hours | None, lawful: Hours | None, zone: ZoneInfo) -> datetime | None:
    """When today his best hours begin, if they are still ahead and, in part at least, lawful; else None.

    `lawful` are today's hours, both in the local time of `zone`.
    """
    if best is None or lawful is None:
        return None
    start, end = max(best[0], lawful[0]), min(best[1], lawful[1])
    local = now.astimezone(zone)
    return datetime.combine(local.date(), start, zone) if local.time() < start < end else None


def within(wished: Hours, place: Place, channel: str, rules: ContactRules, today: date) -> Hours | None:
    """What law and policy leave of the wished hours at this place: from the first to the last lawful moment of them on
    any of the coming days, in the place's local time. None where nothing is left of them on any day."""
    days = (window(today + timedelta(days=n), place, channel, rules) for n in range(_AHEAD))
    left = [(max(each[0], wished[0]), min(each[1], wished[1])) for each in days if each]
    left = [each for each in left if each[0] < each[1]]
    return (min(start for start, _ in left), max(end for _, end in left)) if left else None


def parse_hours(text: str) -> Hours | None:
    """Hours as they are stored and typed, like 14:00-16:00; None for an empty text. BadInput for what are none."""
    if not text.strip():
        return None
    written = _HOURS.fullmatch(text.strip())
    if written and (start := time.fromisoformat(written[1])) < (end := time.fromisoformat(written[2])):
        return start, end
    raise BadInput(f"hours {text!r}: these are none; write a beginning and a later end, like 14:00-16:00")


def hours_text(hours: Hours) -> str:
    """Hours as they are stored, like 14:00-16:00."""
    return f"{hours[0]:%H:%M}-{hours[1]:%H:%M}"

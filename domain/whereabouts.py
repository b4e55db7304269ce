"""Where a person may be when he is contacted: his address, and the place that his phone number tells.

Lawful hours are those of a place. An address names a state and perhaps a municipality; a phone has an area code, and he
may have moved with it: where the two differ, a moment must be lawful in both. Of whom nothing is known, it must be
lawful in every state.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from functools import cache, cached_property, lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

import phonenumbers
from phonenumbers.timezone import time_zones_for_number

from domain.data import table
from domain.places import UFS, known_uf, time_zone

PHONE_CHANNELS = frozenset({"call", "voice", "sms", "whatsapp"})
"""Channels that ring or light up a telephone, wherever it is."""
_BRAZIL = 55
OFFICE = "SP"
"""Whose civil day counts for a person of whom nothing is known: that of Brasília's time."""


class Spot(NamedTuple):
    """One place with its law and its clock: state, municipality (IBGE code, empty if unknown), time zone (IANA key)."""

    uf: str
    ibge: str
    zone: str


@dataclass(frozen=True)
class Place:
    """Where one contact may find a person; a moment must be lawful at every spot. The first one tells his civil day.

    `closed` are days off at his place that were loaded beside those of the packaged tables.
    """

    spots: tuple[Spot, ...]
    closed: frozenset[date] = frozenset()

    @cached_property
    def zone(self) -> ZoneInfo:
        """The time zone in which his days are counted."""
        return ZoneInfo(self.spots[0].zone)

    def closed_on(self, days: frozenset[date]) -> Place:
        """The same place with these days off."""
        return replace(self, closed=self.closed | days) if days else self

    def joined(self, other: Place) -> Place:
        """Lawful at both places, with the days of this one."""
        return Place(_once(self.spots + other.spots), self.closed | other.closed)

    def with_phone(self, e164: str) -> Place:
        """The same person, contacted at this number (E.164)."""
        return replace(self, spots=_once(self.spots + phone_spots(e164)))


@lru_cache(maxsize=1 << 14)
def place_at(uf: str, ibge: str = "") -> Place:
    """The place of an address. An empty state is every state at once; BadInput for a state that there is not."""
    if not uf.strip():
        return Place(_once((*_state(OFFICE), *(spot for each in UFS for spot in _state(each)))))
    uf = known_uf(uf)
    own = (Spot(uf, ibge, _ZONES[ibge]),) if ibge in _ZONES else ()
    return Place(_once((*own, Spot(uf, ibge, time_zone(uf).key))))


@lru_cache(maxsize=1 << 14)
def home_at(uf: str, ibge: str = "") -> Place:
    """The place by which contacts are planned: the state's clock, with the holidays of its municipality.

    Where a contact may really go out is `place_at`; one clock has lawful hours under any policy, two might have none.
    """
    return Place((Spot(known_uf(uf), ibge, time_zone(uf).key),))


@lru_cache(maxsize=1 << 14)
def phone_spots(e164: str) -> tuple[Spot, ...]:
    """The places that a Brazilian number tells by its area code; every state where it tells none.

    The zones are those of its states (Anatel's table) and those that the numbering data of `phonenumbers` names.
    """
    try:
        number = phonenumbers.parse(e164, "BR")
    except phonenumbers.NumberParseException:
        return place_at("").spots
    ufs = _area_codes().get(str(number.national_number)[:2])
    if number.country_code != _BRAZIL or ufs is None:
        return place_at("").spots
    zones = [zone for zone in time_zones_for_number(number) if zone != "Etc/Unknown"]
    by_library = tuple(Spot(uf, "", zone) for uf in ufs for zone in zones)
    return _once(tuple(spot for uf in ufs for spot in _state(uf)) + by_library)


def _state(uf: str) -> tuple[Spot, ...]:
    return (Spot(uf, "", time_zone(uf).key),)


def _once(spots: tuple[Spot, ...]) -> tuple[Spot, ...]:
    """Each spot once; a state that stands with its municipality need not stand alone."""
    kept = dict.fromkeys(spots)
    with_town = {(spot.uf, spot.zone) for spot in kept if spot.ibge}
    return tuple(spot for spot in kept if spot.ibge or (spot.uf, spot.zone) not in with_town)


@cache
def _area_codes() -> dict[str, tuple[str, ...]]:
    return {row["area_code"]: tuple(row["ufs"].split()) for row in table("area_codes")}


_ZONES = {row["ibge"]: row["time_zone"] for row in table("municipal_time_zones")}
"""Municipalities whose clock is not that of their state's capital. They are held to both."""

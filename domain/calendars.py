"""Which days count: for banks, for the notary's three-day term, and for leaving people in peace.

Bank day: a day of settlement between banks (Res. CMN 4.880/2020). Ash Wednesday, 24 December and the last working day
of the year settle, so they are bank days; the notary's clock does not count them, because bank service to the public is
shortened or absent then (Lei 9.492/1997 art. 12 §2).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import cache, lru_cache

from holidays import country_holidays

from domain.data import table
from domain.errors import BadInput
from domain.places import known_uf, uf_of_municipality

_DAY = timedelta(days=1)
_SATURDAY = 5
_NO_SETTLEMENT = frozenset({"Carnaval", "Corpus Christi"})
"""Not public holidays by federal law, but banks are closed."""
_ASH_WEDNESDAY = "Quarta-feira de Cinzas"


def is_bank_day(day: date) -> bool:
    """Whether banks settle on this day, nationwide (no state or municipal holidays)."""
    return day.weekday() < _SATURDAY and day not in _bank_holidays(day.year)


@lru_cache(maxsize=65536)
def next_bank_day(day: date) -> date:
    """The first bank day on or after `day`."""
    while not is_bank_day(day):
        day += _DAY
    return day


@lru_cache(maxsize=65536)
def add_bank_days(day: date, n: int) -> date:
    """The n-th bank day after `day` (before it where n is negative); `day` itself, whatever it is, where n is zero."""
    return _advance(day, n, is_bank_day)


def is_notary_day(day: date, municipality: str | None = None) -> bool:
    """Whether the day counts for a notary's clocks (Lei 9.492/1997 arts. 12 §2 and 14 §6).

    With a municipality (IBGE code, 7 digits) the holidays of its state and its own do not count either; BadInput for a
    code of no state.
    """
    if not is_bank_day(day) or day in _short_service(day.year):
        return False
    return municipality is None or day not in _local_holidays(day.year, municipality)


def add_notary_days(day: date, n: int, municipality: str | None = None) -> date:
    """The n-th day after `day` (before it where n is negative) that counts for a notary's clocks."""
    return _advance(day, n, lambda candidate: is_notary_day(candidate, municipality))


def three_day_term(protocol: date, municipality: str | None = None) -> date:
    """The last day of the three-day term (*tríduo*) of a title protocolled on that day.

    Three notary days from the protocol, the day of the protocol left out, the last one included (Lei 9.492/1997 art. 12
    and §1). Where the debtor is notified on the last day or later, the protest waits for the next notary day (art. 13).
    """
    return add_notary_days(protocol, 3, municipality)


def is_public_holiday(day: date, uf: str | None = None) -> bool:
    """Whether it is a national public holiday or, with a state, one of that state; BadInput for an unknown state."""
    return day in _public_holidays(day.year, None if uf is None else known_uf(uf))


def is_contact_holiday(day: date, uf: str | None = None, municipality: str = "") -> bool:
    """Whether nobody is contacted on this day: public holidays, and everywhere Carnaval and Corpus Christi.

    With a municipality (IBGE code) also on its own holidays. Says nothing about weekends: hours are another rule.
    BadInput for an unknown state.
    """
    if day in _bank_holidays(day.year) or is_public_holiday(day, uf):
        return True
    return bool(municipality) and day in _municipal_holidays(day.year, municipality)


def _advance(day: date, n: int, counts: Callable[[date], bool]) -> date:
    step = _DAY if n > 0 else -_DAY
    for _ in range(abs(n)):
        day += step
        while not counts(day):
            day += step
    return day


@cache
def _public_holidays(year: int, uf: str | None) -> frozenset[date]:
    return frozenset(country_holidays("BR", subdiv=uf, years=year))


@cache
def _optional_days(year: int) -> dict[date, str]:
    """Days off that are no public holidays (*ponto facultativo*), with their names in Portuguese."""
    return dict(country_holidays("BR", years=year, language="pt_BR", categories=("optional",)))


@cache
def _bank_holidays(year: int) -> frozenset[date]:
    closed = (day for day, name in _optional_days(year).items() if name in _NO_SETTLEMENT)
    return _public_holidays(year, None).union(closed)


@cache
def _short_service(year: int) -> frozenset[date]:
    """Bank days on which bank service to the public is shortened or absent."""
    ash_wednesday = (day for day, name in _optional_days(year).items() if name == _ASH_WEDNESDAY)
    last_bank_day = add_bank_days(date(year + 1, 1, 1), -1)
    return frozenset({*ash_wednesday, date(year, 12, 24), last_bank_day})


@cache
def _local_holidays(year: int, municipality: str) -> frozenset[date]:
    uf = uf_of_municipality(municipality)
    if uf is None:
        raise BadInput(f"municipality {municipality!r} is not an IBGE code; give its 7 digits, such as 3550308")
    return _public_holidays(year, uf) | _municipal_holidays(year, municipality)


@cache
def _municipal_holidays(year: int, municipality: str) -> frozenset[date]:
    own = (row["day"] for row in table("municipal_holidays") if row["ibge"] == municipality)
    return frozenset(date.fromisoformat(f"{year}-{day}") for day in own)

"""Published indices, and what the law adds to a debt for which nothing was agreed.

Index values are facts of the world that keep coming: they are loaded from files, each with its source, and are today's,
never pinned to a case. A month that is not published here adds nothing, and whoever asks is told which month it was.

How they are applied:
- A correction index is chained: the factor of a span is the product of (1 + per cent / 100) over its months, rounded to
  8 decimals, half-even (NBR 5891:2014), once for the whole span.
- Interest is simple: the per cents of the months are added, never multiplied (Resolução CMN 5.171/2024 art. 6), and a
  month whose rate is negative counts as zero (CC art. 406 §3). The published rate has 6 decimals (art. 2 §1) and is
  used as it stands.
- A part of a month has that part of the month's per cent by calendar days, for both.
"""

from __future__ import annotations

import hashlib
from calendar import monthrange
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from functools import lru_cache
from typing import Literal, cast

from domain.data import table
from domain.errors import BadInput

SeriesCode = Literal["ipca", "legal", "selic"]

FACTOR = Decimal("0.00000001")
"""The last decimal of a factor (Resolução CMN 5.171/2024 arts. 3 and 4)."""
RATE = Decimal("0.000001")
"""The last decimal of a rate in per cent (Resolução CMN 5.171/2024 art. 2 §1)."""
SHARES = 377_580
"""Divides by 28, 29, 30 and 31: simple interest is summed in these parts of a per cent, and so without a remainder."""
_DAY = timedelta(days=1)
_PRECISION = 60
"""Digits that no product of months comes near: only the factor at the end is rounded."""


@dataclass(frozen=True)
class Series:
    """A published series: our word for it, its number in the central bank's SGS, its name in Portuguese, its source."""

    code: SeriesCode
    sgs: str
    name: str
    kind: Literal["correction", "interest"]
    source: str


SERIES: Mapping[SeriesCode, Series] = {
    cast(SeriesCode, row["series"]): Series(
        cast(SeriesCode, row["series"]),
        row["sgs"],
        row["name"],
        cast(Literal["correction", "interest"], row["kind"]),
        row["source"],
    )
    for row in table("index_series")
}


def series_code(written: str) -> SeriesCode:
    """The series that a file means, by our word for it or its number in the SGS. BadInput for another."""
    word = written.strip().lower()
    for series in SERIES.values():
        if word in (series.code, series.sgs):
            return series.code
    known = ", ".join(f"{series.code} (SGS {series.sgs})" for series in SERIES.values())
    raise BadInput(f"series {written!r} is not known; use {known}")


@dataclass(frozen=True)
class IndexValue:
    """One month of a series: `month` is its first day, `percent` what the publisher says, `source` where it was read.

    BadInput where `month` is another day of the month.
    """

    series: SeriesCode
    month: date
    percent: Decimal
    source: str

    def __post_init__(self) -> None:
        if self.month.day != 1:
            raise BadInput(f"index {self.series} of {self.month}: a month is named by its first day")


class Indices:
    """All published values that are known here. Never changes; equal, and hashed, by the digest of its values.

    BadInput where a month of a series is given twice.
    """

    __slots__ = ("_values", "digest")

    def __init__(self, values: Iterable[IndexValue] = ()) -> None:
        known: dict[tuple[SeriesCode, date], IndexValue] = {}
        for value in values:
            if (value.series, value.month) in known:
                raise BadInput(f"index {value.series} of {value.month:%m/%Y}: it is given twice; give each month once")
            known[value.series, value.month] = value
        self._values = dict(sorted(known.items()))
        self.digest = hashlib.sha256(
            "\n".join(f"{v.series} {v.month} {v.percent.normalize():f} {v.source}" for v in self).encode()
        ).hexdigest()

    def __iter__(self) -> Iterator[IndexValue]:
        return iter(self._values.values())

    def __len__(self) -> int:
        return len(self._values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Indices) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"Indices({len(self)} values, {self.digest[:12]})"

    def value(self, series: SeriesCode, day: date) -> IndexValue | None:
        """The value of the month that the day lies in; None where it is not published here."""
        return self._values.get((series, day.replace(day=1)))

    def last(self, series: SeriesCode) -> date | None:
        """The newest month of a series that is published here."""
        return max((month for known, month in self._values if known == series), default=None)


NONE = Indices()


@dataclass(frozen=True)
class Share:
    """What a span of days has of one month: `days` of its `of`. `percent` is the whole month's; None: not published."""

    month: date
    days: int
    of: int
    percent: Decimal | None


@dataclass(frozen=True)
class Growth:
    """What a series adds over a span of days, both of them counted.

    `factor`: by what a chained index multiplies, 8 decimals. `parts`: the simple per cent, times `SHARES`; exact.
    `missing`: the first days of the months that are not published here.
    """

    series: SeriesCode
    start: date
    end: date
    shares: tuple[Share, ...]
    factor: Decimal
    parts: Decimal
    missing: tuple[date, ...]

    @property
    def percent(self) -> Decimal:
        """The simple per cent of the whole span, to be shown: 6 decimals, half-even."""
        return (self.parts / SHARES).quantize(RATE, rounding=ROUND_HALF_EVEN)

    @property
    def days(self) -> int:
        """Calendar days of the span."""
        return (self.end - self.start).days + 1


@lru_cache(maxsize=4096)
def growth(indices: Indices, series: SeriesCode, after: date, until: date) -> Growth:
    """What a series adds from the day after `after` to `until`, that day included; the rules stand above."""
    shares = tuple(_shares(indices, series, after + _DAY, until))
    parts = sum((max(s.percent, Decimal(0)) * s.days * (SHARES // s.of) for s in shares if s.percent), Decimal(0))
    missing = tuple(share.month for share in shares if share.percent is None)
    return Growth(series, after + _DAY, until, shares, _factor(shares), parts, missing)


def _shares(indices: Indices, series: SeriesCode, start: date, end: date) -> Iterator[Share]:
    while start <= end:
        length = monthrange(start.year, start.month)[1]
        last = min(start.replace(day=length), end)
        found = indices.value(series, start)
        yield Share(start.replace(day=1), (last - start).days + 1, length, found.percent if found else None)
        start = last + _DAY


def _factor(shares: Iterable[Share]) -> Decimal:
    with localcontext() as exactly:
        exactly.prec = _PRECISION
        product = Decimal(1)
        for share in shares:
            if share.percent:
                product *= 1 + share.percent * share.days / (100 * share.of)
        return product.quantize(FACTOR, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True)
class Regime:
    """What the law adds in a time where nothing was agreed, and which law; `correction` is None where interest is all.

    `since` and `until` are the first and last day of that time; `until` is None for today's law.
    """

    since: date
    until: date | None
    correction: SeriesCode | None
    interest: SeriesCode
    source: str

    def part(self, after: date, until: date) -> tuple[date, date] | None:
        """What of the days from `after` (left out) to `until` lies in this time, as such a pair; None where nothing."""
        start, end = max(after, self.since - _DAY), min(until, self.until or until)
        return (start, end) if start < end else None


REGIMES = tuple(
    Regime(
        date.fromisoformat(row["from"]),
        date.fromisoformat(row["until"]) if row["until"] else None,
        series_code(row["correction"]) if row["correction"] else None,
        series_code(row["interest"]),
        row["source"],
    )
    for row in table("legal_regimes")
)
"""Strategies by time: the Selic alone until 29/08/2024 (STJ, Corte Especial, REsp 1.795.982), IPCA and legal rate since
(Lei 14.905/2024; the rate of August 2024 serves its last two days, Resolução CMN 5.171/2024). Before them, nothing."""


def legal(
    indices: Indices, kind: Literal["correction", "interest"], after: date, until: date
) -> list[tuple[Regime, Growth]]:
    """The correction or interest that the law gives from the day after `after` to `until`, one growth for each time."""
    found = []
    for regime in REGIMES:
        series = regime.interest if kind == "interest" else regime.correction
        if series and (part := regime.part(after, until)):
            found.append((regime, growth(indices, series, *part)))
    return found

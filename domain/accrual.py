"""How an overdue debt grows: by what was agreed, or by what the law gives where nothing was.

Both answer two questions about a span of days: by what factor the capital is corrected, and which interest runs. Days
are counted from the day after `after` to `until`, that day included.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from math import prod
from typing import Protocol

from domain.indices import SERIES, SHARES, Growth, Indices, SeriesCode, growth, legal

MONTH = 30
"""Days of the month for which agreed interest is named (bank practice)."""
_ONE = Decimal(1)


@dataclass(frozen=True)
class Running:
    """One rate that runs over some days.

    `name_pt` begins the line of a memory, `rate_pt` names the rate or index for a court. `parts` is the simple per cent
    of all the days, times `indices.SHARES`, exact. `growth`: the index months behind it, where it is an index.
    """

    name_pt: str
    rate_pt: str
    source: str
    start: date
    end: date
    parts: Decimal
    growth: Growth | None = None

    @property
    def days(self) -> int:
        """Calendar days, first and last counted."""
        return (self.end - self.start).days + 1


class Accrual(Protocol):
    """What makes a debt grow."""

    def factor(self, until: date) -> Decimal:
        """By what the capital is multiplied from the due date to a day: 8 decimals, 1 where nothing corrects it."""

    def corrections(self, after: date, until: date) -> Sequence[Running]:
        """The indices behind that factor, for a part of the time."""

    def interest(self, after: date, until: date) -> Sequence[Running]:
        """The interest that runs in a part of the time; none is not a rate of zero."""


@dataclass(frozen=True)
class Agreed:
    """Simple interest in per cent for 30 days and, where the contract names one, a correction index."""

    due: date
    monthly_percent: Decimal
    index: SeriesCode | None
    source: str
    indices: Indices

    def factor(self, until: date) -> Decimal:
        """The index since the due date."""
        return growth(self.indices, self.index, self.due, until).factor if self.index else _ONE

    def corrections(self, after: date, until: date) -> list[Running]:
        """The contract's index."""
        return [_correction(growth(self.indices, self.index, after, until), self.source)] if self.index else []

    def interest(self, after: date, until: date) -> list[Running]:
        """The contract's rate; the index table has no part in it."""
        if not self.monthly_percent:
            return []
        days, rate = (until - after).days, f"{percent_pt(self.monthly_percent)} ao mês"
        parts = self.monthly_percent * days * (SHARES // MONTH)
        return [Running(f"Juros de mora de {rate}", rate, self.source, after + timedelta(days=1), until, parts)]


@dataclass(frozen=True)
class Legal:
    """What the law gives where nothing was agreed, each time by its own regime (`indices.REGIMES`)."""

    due: date
    indices: Indices

    def factor(self, until: date) -> Decimal:
        """The law's index since the due date, or since the law has one."""
        grown = (running.growth for running in _legal_corrections(self.indices, self.due, until))
        return prod((each.factor for each in grown if each), start=_ONE)

    def corrections(self, after: date, until: date) -> Sequence[Running]:
        """The law's index in its time."""
        return _legal_corrections(self.indices, after, until)

    def interest(self, after: date, until: date) -> Sequence[Running]:
        """The legal rate, and before it the Selic, each in its time."""
        return _legal_interests(self.indices, after, until)


@lru_cache(maxsize=4096)
def _legal_corrections(indices: Indices, after: date, until: date) -> tuple[Running, ...]:
    return tuple(_correction(grown, regime.source) for regime, grown in legal(indices, "correction", after, until))


@lru_cache(maxsize=4096)
def _legal_interests(indices: Indices, after: date, until: date) -> tuple[Running, ...]:
    return tuple(_legal_interest(grown, regime.source) for regime, grown in legal(indices, "interest", after, until))


def _correction(grown: Growth, source: str) -> Running:
    name = SERIES[grown.series].name
    return Running(f"Correção pelo {name}", name, source, grown.start, grown.end, Decimal(0), grown)


def _legal_interest(grown: Growth, source: str) -> Running:
    name, rate = SERIES[grown.series].name, percent_pt(grown.percent)
    return Running(f"Juros pela {name} de {rate}", name, source, grown.start, grown.end, grown.parts, grown)


def percent_pt(value: Decimal) -> str:
    """`0,5%`"""
    return f"{value.normalize():f}".replace(".", ",") + "%"

"""Invented months of the published series, for tests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from domain.indices import IndexValue, Indices, SeriesCode

INVENTED = "inventado"


def published(**series: Mapping[str, str]) -> Indices:
    """Indices from `ipca={"2026-03": "0.50"}, legal=…`."""
    return Indices(
        IndexValue(code, date.fromisoformat(f"{month}-01"), Decimal(percent), INVENTED)  # type: ignore[arg-type]
        for code, months in series.items()
        for month, percent in months.items()
    )


def of_months(values: Mapping[tuple[SeriesCode, date], Decimal]) -> Indices:
    """Indices from series and first day of the month."""
    return Indices(IndexValue(code, month, percent, INVENTED) for (code, month), percent in values.items())

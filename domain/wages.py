"""The national minimum wage, by which laws measure how large a claim may be."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from domain.data import table
from domain.errors import BadInput

_WAGES = {date.fromisoformat(row["from"]): Decimal(row["amount"]) for row in table("minimum_wage")}


def minimum_wage(on: date) -> Decimal:
    """The monthly minimum wage in force on a day, in reais; BadInput for a day before the table begins.

    The newest one stands until the table has its successor.
    """
    begun = [first for first in _WAGES if first <= on]
    if not begun:
        raise BadInput(f"minimum wage of {on}: the table begins on {min(_WAGES)}; give that day or a later one")
    return _WAGES[max(begun)]

"""Where a collection call must be recorded, which is then announced to whoever answers. The table is data."""

from __future__ import annotations

from datetime import date
from functools import cache

from domain.data import table
from domain.whereabouts import Place


@cache
def _rows() -> tuple[tuple[str, date, date], ...]:
    return tuple(
        (
            row["uf"],
            date.fromisoformat(row["valid_from"]) if row["valid_from"] else date.min,
            date.fromisoformat(row["valid_until"]) if row["valid_until"] else date.max,
        )
        for row in table("call_recording")
    )


def must_be_recorded(place: Place, on: date) -> bool:
    """Does the law of any state in which the call may find him want it recorded (`data/call_recording.csv`)?"""
    states = {spot.uf for spot in place.spots}
    return any(uf in states and since <= on <= until for uf, since, until in _rows())

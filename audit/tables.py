"""The index tables as they stood: a decision made again must use those that it was made with.

A value that was corrected later is gone: the decisions before it cannot be judged with certainty any more, and what
differs then is told as a changed table.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from db.rows import INDEX_VALUE
from domain.indices import NONE, IndexValue, Indices, series_code

SHOWN = 16
"""Digits of a table's digest that a decision keeps (`activities.desk`)."""


class IndexTables:
    """Every state of the index tables that can still be told from their rows: one for each time values came."""

    def __init__(self, conn: Connection) -> None:
        rows = conn.execute(select(INDEX_VALUE).order_by(INDEX_VALUE.c.loaded_at)).all()
        cuts = sorted({row.loaded_at for row in rows})
        self._states = [(cut, Indices(_value(row) for row in rows if row.loaded_at <= cut)) for cut in cuts]
        self._by_digest = {table.digest[:SHOWN]: table for _, table in self._states}

    def of(self, digest: str, at: datetime) -> tuple[Indices, bool]:
        """The tables of a decision (its digest, "" where it kept none) made at a moment; False: not for sure."""
        if digest in self._by_digest:
            return self._by_digest[digest], True
        known = [table for cut, table in self._states if cut <= at]
        return (known[-1] if known else NONE), not digest


def _value(row: Row[Any]) -> IndexValue:
    return IndexValue(series_code(row.series), row.month, row.percent, row.source)

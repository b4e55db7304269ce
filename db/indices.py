"""The table of published indices, read into the core's words.

Every decision about an overdue debt may need them, and they change a few times a month: a process keeps what it has
read and looks every half minute whether the table has changed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import URL, Connection, func, select
from sqlalchemy.dialects.postgresql import insert

from db.rows import INDEX_VALUE
from domain.indices import IndexValue, Indices, series_code

LOOK_EVERY = 30.0
"""Real seconds for which what was read is taken as today's; a change is seen within a minute."""


@dataclass(frozen=True)
class _Read:
    at: float
    stamp: tuple[Any, ...]
    indices: Indices


_read: dict[URL, _Read] = {}


def read_indices(conn: Connection, timer: Callable[[], float] = time.monotonic) -> Indices:
    """All published values, as this process last saw them, at most `LOOK_EVERY` seconds ago.

    The table is read again only where its newest `loaded_at`, its length or its sum changed. `timer` counts real
    seconds.
    """
    database, now = conn.engine.url, timer()
    known = _read.get(database)
    if known and now - known.at < LOOK_EVERY:
        return known.indices
    stamp = _stamp(conn)
    indices = known.indices if known and known.stamp == stamp else Indices(_values(conn))
    _read[database] = _Read(now, stamp, indices)
    return indices


def forget() -> None:
    """Read again at the next call: for the process that changed the table itself."""
    _read.clear()


def save_indices(conn: Connection, values: Sequence[IndexValue], now: datetime) -> None:
    """Insert values, or change those whose month is there already; `now` is when they came."""
    rows = [
        {"series": value.series, "month": value.month, "percent": value.percent, "source": value.source,
         "loaded_at": now}
        for value in values
    ]  # fmt: skip
    if not rows:
        return
    upsert = insert(INDEX_VALUE)
    changed = {name: upsert.excluded[name] for name in ("percent", "source", "loaded_at")}
    conn.execute(upsert.on_conflict_do_update(index_elements=["series", "month"], set_=changed), rows)
    forget()


def _stamp(conn: Connection) -> tuple[Any, ...]:
    found = select(func.max(INDEX_VALUE.c.loaded_at), func.count(), func.sum(INDEX_VALUE.c.percent))
    return tuple(conn.execute(found).one())


def _values(conn: Connection) -> Iterable[IndexValue]:
    for row in conn.execute(select(INDEX_VALUE)):
        yield IndexValue(series_code(row.series), row.month, row.percent, row.source)

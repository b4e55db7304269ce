"""Files of published indices: read strictly, compared with what is known, then taken in whole."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, select

from db.indices import save_indices
from db.rows import INDEX_VALUE
from domain.errors import BadFile, BadInput, Fault
from domain.indices import IndexValue, SeriesCode, series_code
from starter.importing.sheets import Cell, Line, fingerprint, read_sheet
from starter.installation import installation

COLUMNS = ("series", "month", "percent", "source")
_MONTH = re.compile(r"(?P<y>[0-9]{4})-(?P<m>[0-9]{2})|(?:01/)?(?P<m2>[0-9]{2})/(?P<y2>[0-9]{4})")
_PERCENT = re.compile(r"-?[0-9]{1,3}(?:[.,][0-9]{1,6})?")
_LOWEST, _HIGHEST = Decimal(-20), Decimal(100)
"""Per cents a month between which the indices of this century lie by far; outside, a column or a comma is wrong."""

T = TypeVar("T")


@dataclass
class Comparison:
    """What a file would do to the table; `changed` holds new values with the per cent they replace."""

    added: list[IndexValue] = field(default_factory=list)
    changed: list[tuple[IndexValue, Decimal]] = field(default_factory=list)
    unchanged: int = 0


def load(file: Path, *, dry_run: bool) -> dict[str, Any]:
    """Take in a file of index values, or with `dry_run` only say what it would do.

    A file that was taken in before changes nothing. Raises `BadFile`, with every bad row, and then nothing is changed.
    """
    with installation() as house, house.engine.begin() as conn:
        values = read_values(file, house.today)
        compared = compare(conn, values)
        if not dry_run:
            save_indices(conn, [*compared.added, *(value for value, _ in compared.changed)], house.now)
    return {
        "file": file.name,
        "sha256": fingerprint(file),
        "dry_run": dry_run,
        "added": len(compared.added),
        "unchanged": compared.unchanged,
        "changed": [
            {"series": value.series, "month": f"{value.month:%Y-%m}", "was": was, "percent": value.percent,
             "source": value.source}
            for value, was in compared.changed
        ],
    }  # fmt: skip


def compare(conn: Connection, values: Iterable[IndexValue]) -> Comparison:
    """Hold values against the table. A month with the same per cent but another source counts as changed."""
    known = {(row.series, row.month): row for row in conn.execute(select(INDEX_VALUE))}
    compared = Comparison()
    for value in values:
        there = known.get((value.series, value.month))
        if there is None:
            compared.added.append(value)
        elif (there.percent, there.source) == (value.percent, value.source):
            compared.unchanged += 1
        else:
            compared.changed.append((value, there.percent))
    return compared


def read_values(file: Path, today: date) -> list[IndexValue]:
    """The values of a CSV (or the first sheet of an XLSX) with the columns series, month, percent, source.

    Raises `BadFile` with every bad row: a wrong heading, an unknown series, a month that is none, lies in the future
    or stands twice, a per cent that is none, a source that is missing.
    """
    fingerprint(file)  # raises the sentence for a file that cannot be read
    lines = iter(read_sheet(file))
    heading = next(lines, Line(1, ()))
    names = [str(cell).strip().lower() for cell in heading.cells]
    if sorted(names) != sorted(COLUMNS):
        raise BadFile(file.name, [Fault("row 1", "the heading is another", f"name the columns {', '.join(COLUMNS)}")])
    reader = _Reader(names, today)
    values = [value for line in lines if (value := reader.value(line))]
    if not values and not reader.faults:
        reader.faults.append(Fault("file", "it has no values", "give one row for each series and month"))
    if reader.faults:
        raise BadFile(file.name, reader.faults)
    return values


class _Reader:
    """Reads rows one by one and keeps what is wrong with them."""

    def __init__(self, names: list[str], today: date) -> None:
        self.names, self.today = names, today
        self.faults: list[Fault] = []
        self.seen: dict[tuple[str, date], int] = {}

    def value(self, line: Line) -> IndexValue | None:
        """The value of a row; None where something is wrong with it."""
        if len(line.cells) != len(self.names):
            self._fault(line, f"it has {len(line.cells)} cells", f"give {len(self.names)}, as the heading says")
            return None
        cells = dict(zip(self.names, line.cells, strict=True))
        series = self._cell(line, "series", cells, lambda cell: series_code(str(cell)))
        month = self._cell(line, "month", cells, self._month)
        percent = self._cell(line, "percent", cells, _percent)
        source = self._cell(line, "source", cells, _source)
        if series is None or month is None or percent is None or source is None:
            return None
        self._once(line, series, month)
        return IndexValue(series, month, percent, source)

    def _once(self, line: Line, series: SeriesCode, month: date) -> None:
        first = self.seen.setdefault((series, month), line.number)
        if first != line.number:
            self._fault(line, f"{series} of {month:%m/%Y} stands in row {first} already", "give each month once")

    def _cell(self, line: Line, name: str, cells: dict[str, Cell], read: Callable[[Cell], T]) -> T | None:
        try:
            return read(cells[name])
        except BadInput as wrong:
            found, _, wanted = str(wrong).partition("; ")
            self.faults.append(Fault(f"row {line.number}, {name}", found, wanted))
            return None

    def _fault(self, line: Line, found: str, wanted: str) -> None:
        self.faults.append(Fault(f"row {line.number}", found, wanted))

    def _month(self, cell: Cell) -> date:
        month = _month(cell)
        if month > self.today:
            raise BadInput(f"{month:%m/%Y} is in the future; give months that were published")
        return month


def _month(cell: Cell) -> date:
    if isinstance(cell, date):
        return cell.replace(day=1)
    found = _MONTH.fullmatch(str(cell).strip())
    try:
        if found:
            return date(int(found["y"] or found["y2"]), int(found["m"] or found["m2"]), 1)
    except ValueError:
        pass
    raise BadInput(f"{str(cell)!r} is not a month; write it like 2026-10 or 10/2026")


def _percent(cell: Cell) -> Decimal:
    written = str(cell).strip().removesuffix("%").strip()
    if not _PERCENT.fullmatch(written):
        raise BadInput(f"{str(cell)!r} is not a per cent; write it like 0.41 or 0,414217, six decimals at most")
    value = Decimal(written.replace(",", "."))
    if not _LOWEST <= value <= _HIGHEST:
        raise BadInput(f"{value}% a month cannot be; write per cents of one month, like 0.41")
    return value


def _source(cell: Cell) -> str:
    written = str(cell).strip()
    if not written:
        raise BadInput("it is missing; say where the value was published, and when it was read")
    return written

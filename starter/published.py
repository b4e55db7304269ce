"""Lists that the world publishes, beside indices: block lists of the Procons, days off of a place.

Read strictly, compared with what is known, then taken in whole; the same file again changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

from sqlalchemy import Connection, Table, select, update
from sqlalchemy.dialects.postgresql import insert

from db.rows import BLOCK_ENTRY, HOLIDAY
from domain.block_lists import block_list
from domain.errors import BadFile, BadInput, Fault
from domain.identifiers import parse_phone
from domain.places import known_uf, uf_of_municipality
from starter.importing.cells import as_document, as_text, as_uf, date_reader
from starter.importing.sheets import Cell, Line, fingerprint, read_sheet
from starter.installation import installation

BLOCK_COLUMNS = ("uf", "document", "phone", "registered_on", "until", "source")
HOLIDAY_COLUMNS = ("place", "day", "name", "source")
COUNTRY = "BR"
_BATCH = 5000
"""Rows that are written with one statement; the lists of large states have millions."""

T = TypeVar("T")
Row = dict[str, Any]


@dataclass(frozen=True)
class Loaded:
    """What a file did to a table, or would do: rows that are new, other than they were, the same."""

    added: int
    changed: int
    unchanged: int


def load_block_list(file: Path, *, full: bool, dry_run: bool) -> Row:
    """Take in entries of block lists, by document or phone.

    `full`: the file holds all of the lists of its states, so today is the last day on them of who is missing. Raises
    `BadFile` with every bad row, and then nothing is changed.
    """
    rows = read_rows(file, BLOCK_COLUMNS, _block_entry)
    with installation() as house, house.engine.begin() as conn:
        keys = ("uf", "kind", "value")
        known = _known(conn, BLOCK_ENTRY, keys, {row["uf"] for row in rows}, BLOCK_ENTRY.c.uf)
        loaded = _save(conn, BLOCK_ENTRY, keys, rows, known, house.now, dry_run=dry_run)
        gone = known.keys() - {tuple(row[key] for key in keys) for row in rows} if full else set()
        left = [known[key].id for key in gone if known[key].until is None]
        for ids in _batches(left) if not dry_run else ():
            conn.execute(update(BLOCK_ENTRY).where(BLOCK_ENTRY.c.id.in_(ids)).values(until=house.today))
    return _told(file, loaded, dry_run) | {"left": len(left)}


def load_holidays(file: Path, *, dry_run: bool) -> Row:
    """Take in days off: of the country (BR), a state, or a municipality by its IBGE code.

    Raises `BadFile` with every bad row, and then nothing is changed.
    """
    rows = read_rows(file, HOLIDAY_COLUMNS, _holiday)
    with installation() as house, house.engine.begin() as conn:
        keys = ("place", "day")
        known = _known(conn, HOLIDAY, keys, {row["place"] for row in rows}, HOLIDAY.c.place)
        loaded = _save(conn, HOLIDAY, keys, rows, known, house.now, dry_run=dry_run)
    return _told(file, loaded, dry_run)


def _told(file: Path, loaded: Loaded, dry_run: bool) -> Row:
    counts = {"added": loaded.added, "changed": loaded.changed, "unchanged": loaded.unchanged}
    return {"file": file.name, "sha256": fingerprint(file), "dry_run": dry_run} | counts


# --- rows ------------------------------------------------------------------------------------------------------------
class Reading:
    """One row that is being read: what is wrong with its cells is kept."""

    def __init__(self, line: Line, names: Sequence[str], faults: list[Fault]) -> None:
        self.line, self.faults, self.before = line, faults, len(faults)
        self.cells = dict(zip(names, (*line.cells, *[""] * len(names)), strict=False))
        if any(line.cells[len(names) :]):
            self.fault("all", "it has more cells than the heading", "put quotes around a text with a comma")

    def cell(self, name: str, read: Callable[[Cell], T]) -> T | None:
        """What a cell means; None where it is empty or wrong."""
        cell = self.cells[name]
        if cell == "":
            return None
        try:
            return read(cell)
        except BadInput as wrong:
            found, _, wanted = str(wrong).partition("; ")
            self.faults.append(Fault(f"row {self.line.number}, {name}", found, wanted or "write it again"))
            return None

    def needed(self, name: str, read: Callable[[Cell], T]) -> T | None:
        """The same of a cell that must not be empty."""
        if self.cells[name] == "":
            self.fault(name, "it is empty", "write it in every row")
        return self.cell(name, read)

    def fault(self, name: str, found: str, wanted: str) -> None:
        self.faults.append(Fault(f"row {self.line.number}, {name}", found, wanted))

    @property
    def good(self) -> bool:
        """Was nothing wrong with this row?"""
        return len(self.faults) == self.before


def read_rows(file: Path, columns: Sequence[str], read: Callable[[Reading], Row]) -> list[Row]:
    """The rows of a CSV or XLSX file with exactly these columns, in any order. Raises `BadFile` with every bad row."""
    fingerprint(file)  # raises the sentence for a file that cannot be read
    lines = iter(read_sheet(file))
    names = [str(cell).strip().lower() for cell in next(lines, Line(1, ())).cells]
    if sorted(names) != sorted(columns):
        raise BadFile(file.name, [Fault("row 1", "the heading is another", f"name the columns {', '.join(columns)}")])
    faults: list[Fault] = []
    rows, seen = list[Row](), dict[tuple[Any, ...], int]()
    for line in lines:
        reading = Reading(line, names, faults)
        row = read(reading)
        if not reading.good:
            continue
        first = seen.setdefault(tuple(row[key] for key in row if key in _KEYS), line.number)
        if first != line.number:
            reading.fault("all", f"it stands in row {first} already", "give it once")
        rows.append(row)
    if not rows and not faults:
        faults.append(Fault("file", "it has no rows", f"give one for each entry: {', '.join(columns)}"))
    if faults:
        raise BadFile(file.name, faults)
    return rows


_KEYS = frozenset({"uf", "kind", "value", "place", "day"})
"""What makes two rows the same."""
_day = date_reader(None)


def _block_entry(reading: Reading) -> Row:
    uf = reading.needed("uf", lambda cell: block_list(as_uf(cell)).uf)
    document = reading.cell("document", lambda cell: as_document(cell).number)
    phone = reading.cell("phone", lambda cell: parse_phone(as_text(cell)).e164)
    registered, until = reading.needed("registered_on", _day), reading.cell("until", _day)
    if (reading.cells["document"] == "") == (reading.cells["phone"] == ""):
        reading.fault("document", "a row has either a document or a phone", "fill exactly one of the two")
    if registered and until and until < registered:
        reading.fault("until", "it lies before registered_on", "write the last day on the list")
    kind, value = ("document", document) if document else ("phone", phone)
    source = reading.needed("source", as_text)
    return {"uf": uf, "kind": kind, "value": value, "registered_on": registered, "until": until, "source": source}


def _holiday(reading: Reading) -> Row:
    place, day = reading.needed("place", _place), reading.needed("day", _day)
    return {"place": place, "day": day, "name": reading.needed("name", as_text),
            "source": reading.needed("source", as_text)}  # fmt: skip


def _place(cell: Cell) -> str:
    written = as_text(cell).upper()
    if written == COUNTRY or uf_of_municipality(written):
        return written
    if written.isalpha():
        return known_uf(written)
    raise BadInput("this is no place; write BR, a state's two letters or a municipality's IBGE code of 7 digits")


# --- the table -------------------------------------------------------------------------------------------------------
def _known(conn: Connection, table: Table, keys: Sequence[str], places: Iterable[str], where: Any) -> dict[Any, Any]:
    found = conn.execute(select(table).where(where.in_(sorted(places))))
    return {tuple(getattr(row, key) for key in keys): row for row in found}


def _save(
    conn: Connection, table: Table, keys: Sequence[str], rows: list[Row], known: dict[Any, Any], now: datetime, *,
    dry_run: bool,
) -> Loaded:  # fmt: skip
    """Insert what is new and change what is other; the rest is left alone."""
    fresh, other = list[Row](), list[Row]()
    for row in rows:
        there = known.get(tuple(row[key] for key in keys))
        if there is None:
            fresh.append(row)
        elif any(getattr(there, name) != value for name, value in row.items()):
            other.append(row)
    own: dict[str, Callable[[], UUID]] = {"id": uuid4} if "id" in table.c else {}
    for batch in _batches(fresh + other) if not dry_run else ():
        values = [row | {name: make() for name, make in own.items()} | {"loaded_at": now} for row in batch]
        upsert = insert(table)
        changes = {name: upsert.excluded[name] for name in values[0] if name not in (*keys, "id")}
        conn.execute(upsert.on_conflict_do_update(index_elements=list(keys), set_=changes), values)
    return Loaded(len(fresh), len(other), len(rows) - len(fresh) - len(other))


def _batches(items: list[T]) -> Iterator[list[T]]:
    return (items[first : first + _BATCH] for first in range(0, len(items), _BATCH))

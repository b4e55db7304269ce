"""Checked rows on their way into the database: spooled to a file without a name, then to temporary tables.

So memory stays small however large a file is, and what is written is what was checked.
"""

from __future__ import annotations

import json
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from datetime import date
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy import Connection, Table, text

from db import tables
from domain.errors import Refused
from starter.importing.rows import InvoiceRow

_SQL_TYPES = {"line": "int", "amount": "numeric", "balance": "numeric", "paid_amount": "numeric"} | {
    "fine_percent": "numeric", "monthly_interest_percent": "numeric", "net": "numeric", "fees_percent": "numeric",
    "issued": "date", "due": "date", "paid_on": "date",
}  # fmt: skip
IMPORT_FILE = cast(Table, tables.ImportFile.__table__)  # type: ignore[attr-defined]
COLUMNS = tuple(field.name for field in fields(InvoiceRow) if field.name != "points")
"""Columns of `import_row`; beside them stands `remaining`, the row's `left`."""


class Spool:
    """Checked rows in a file that vanishes with this object."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - closed by the finalizer
        self.close = weakref.finalize(self, self._file.close)
        self.count = 0

    def add(self, row: InvoiceRow) -> None:
        """Append a row."""
        values = [_as_text(getattr(row, column)) for column in COLUMNS]
        points = [[point.channel, point.address, point.state, point.consent] for point in row.points]
        self._file.write(json.dumps([row.line, [*values, str(row.left)], points]) + "\n")
        self.count += 1

    def _entries(self) -> Iterator[tuple[int, list[str | None], list[list[str]]]]:
        self._file.seek(0)
        return (tuple(json.loads(entry)) for entry in self._file)

    def stage(self, conn: Connection) -> None:
        """Put the rows into the temporary tables `import_row` and `import_point`, which end with the transaction."""
        columns = ", ".join(f"{column} {_SQL_TYPES.get(column, 'text')}" for column in COLUMNS)
        conn.execute(text(f"CREATE TEMP TABLE import_row ({columns}, remaining numeric) ON COMMIT DROP"))
        points = "line int, rank int, channel text, address text, state text, consent text"
        conn.execute(text(f"CREATE TEMP TABLE import_point ({points}) ON COMMIT DROP"))
        copy(conn, "import_row", (*COLUMNS, "remaining"), (values for _, values, _ in self._entries()))
        ways = ((line, rank, *point) for line, _, told in self._entries() for rank, point in enumerate(told))
        copy(conn, "import_point", ("line", "rank", "channel", "address", "state", "consent"), ways)
        conn.execute(text("ANALYZE import_row"))
        conn.execute(text("ANALYZE import_point"))


def _as_text(value: str | int | Decimal | date | None) -> str | None:
    return None if value is None else str(value)


def copy(conn: Connection, table: str, columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> None:
    """Stream rows into a table inside the connection's transaction."""
    raw = cast("psycopg.Connection[Any]", conn.connection.driver_connection)
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)
    with raw.cursor() as cursor, cursor.copy(statement) as stream:
        for row in rows:
            stream.write_row(tuple(row))


def copy_dicts(conn: Connection, table: str, rows: Sequence[dict[str, Any]]) -> None:
    """Stream rows that all have the same keys; a value that is a dict or list goes into a JSON column."""
    if rows:
        values = ([Jsonb(value) if isinstance(value, dict | list) else value for value in row.values()] for row in rows)
        copy(conn, table, tuple(rows[0]), values)


def lock_creditor(conn: Connection, creditor_id: UUID) -> None:
    """Keep others from importing for this creditor until the transaction ends. Refused where one is at it already."""
    taken = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:key, 0))")
    if not conn.execute(taken, {"key": f"import:{creditor_id}"}).scalar_one():
        raise Refused("import-running", "another import of this creditor is running; start again when it has ended")

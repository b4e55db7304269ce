"""Statements of the hot path: built and compiled once per process, and sent together, in one round trip.

SQLAlchemy checks each statement against the tables when its module is read. What runs is its text on the driver's own
cursor, where the server has it prepared: building a statement anew costs more than the database takes to run it. It is
the same transaction as that of the connection given; the two ways mix.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import psycopg
from psycopg.rows import namedtuple_row
from psycopg.types.json import Jsonb
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql.psycopg import dialect
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler

_DIALECT = dialect()  # type: ignore[no-untyped-call]
Rows = Sequence[Any]
"""Rows as named tuples: `row.id`."""


@dataclass(frozen=True)
class Call:
    """A statement with its values, ready to be sent."""

    text: str
    values: Mapping[str, Any]


class Prepared:
    """A statement, compiled. `columns` are those that an insert or update sets, one value each.

    It is called with the values of its `bindparam`s and columns; defaults that the tables have in Python do not apply.
    """

    def __init__(self, statement: ClauseElement, *columns: str) -> None:
        compiled = cast(SQLCompiler, statement.compile(dialect=_DIALECT, column_keys=columns or None))
        self._text = compiled.string
        self._constants = {name: bind.value for bind, name in compiled.bind_names.items() if not bind.required}
        self._json = tuple(name for bind, name in compiled.bind_names.items() if isinstance(bind.type, JSONB))

    def __call__(self, **values: Any) -> Call:
        """The statement with these values."""
        for name in self._json:
            values[name] = Jsonb(values[name])
        return Call(self._text, self._constants | values if self._constants else values)


def together(conn: Connection, calls: Sequence[Call], *, commit: bool = False) -> list[Rows]:
    """Run statements in their order, in one round trip; the rows of each, in the same order.

    Where one fails, those after it do nothing and its error is raised (psycopg.Error, or that of SQLAlchemy where the
    connection is gone). With `commit` the transaction
    ends in the same round trip, committed if all went well.
    """
    driver = cast("psycopg.Connection[Any]", conn.connection.driver_connection)
    try:
        with driver.pipeline():
            cursors = [
                driver.cursor(row_factory=namedtuple_row).execute(call.text, call.values, prepare=True)
                for call in calls
            ]
            if commit:
                driver.commit()
    except psycopg.OperationalError:
        if driver.closed:
            # SQLAlchemy meets the dead connection itself: it raises its own error, and drops all others of that age.
            conn.exec_driver_sql("SELECT 1")
        raise
    return [cursor.fetchall() if cursor.description else () for cursor in cursors]

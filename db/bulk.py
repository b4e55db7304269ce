"""Many rows in one statement: a column is one array, so the statement's text is the same for one row and a thousand."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import Connection, Table, TextClause, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSONB


def insert_new(
    conn: Connection, table: Table, rows: Sequence[dict[str, Any]], unique: tuple[str, ...], returning: str
) -> list[Any]:
    """Insert rows that all have the same keys, but those whose `unique` columns stand already.

    Returns the column `returning` of the rows that are new. They are inserted in the order given.
    """
    if not rows:
        return []
    names = tuple(rows[0])
    arrays = {name: [_value(table, name, row[name]) for row in rows] for name in names}
    return list(conn.execute(_statement(table, names, unique, returning), arrays).scalars())


def _value(table: Table, name: str, value: Any) -> Any:
    return Jsonb(value) if isinstance(table.c[name].type, JSONB) else value


@lru_cache(maxsize=64)
def _statement(table: Table, names: tuple[str, ...], unique: tuple[str, ...], returning: str) -> TextClause:
    """Only names of columns and types of our own tables stand in it."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    quote = dialect.identifier_preparer.quote
    into = ", ".join(map(quote, names))
    arrays = ", ".join(f"CAST(:{name} AS {table.c[name].type.compile(dialect)}[])" for name in names)
    return text(
        f"INSERT INTO {quote(table.name)} ({into}) SELECT * FROM unnest({arrays}) "  # noqa: S608
        f"ON CONFLICT ({', '.join(map(quote, unique))}) DO NOTHING RETURNING {quote(returning)}"
    )

"""Statements that are sent together: what comes back, and what an error in the middle leaves behind."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import Engine, bindparam, insert, select, text, update

from db.prepared import Call, Prepared, together
from db.rows import STAFF

ADD = Prepared(insert(STAFF), *STAFF.c.keys())
RENAME = Prepared(update(STAFF).where(STAFF.c.id == bindparam("who")), "name")
ALL = Prepared(select(STAFF.c.id, STAFF.c.roles).where(STAFF.c.active.is_(True), STAFF.c.name != "ninguém"))


def person(name: str) -> Call:
    """One member of the staff."""
    return ADD(
        id=name, name=name, roles=["clerk"], limit=Decimal(0), token_hash=uuid4().hex, active=True,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip


def names(engine: Engine) -> list[str]:
    with engine.connect() as conn:
        return sorted(conn.execute(select(STAFF.c.name)).scalars())


def test_rows_come_back_in_the_order_of_the_statements(engine: Engine) -> None:
    with engine.begin() as conn:
        added, rows, renamed, again = together(conn, [person("ana"), ALL(), RENAME(who="ana", name="ninguém"), ALL()])
    assert [(row.id, row.roles) for row in rows] == [("ana", ["clerk"])]
    assert [added, renamed, again] == [(), (), []]
    assert names(engine) == ["ninguém"]


def test_what_follows_an_error_is_not_done_and_nothing_is_committed(engine: Engine) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation), engine.begin() as conn:
        together(conn, [person("ana"), person("ana"), person("bia")], commit=True)
    assert names(engine) == []


def test_it_is_the_transaction_of_the_connection(engine: Engine) -> None:
    with engine.begin() as conn:
        together(conn, [person("ana")])
        assert conn.execute(select(STAFF.c.name)).scalars().all() == ["ana"]
        assert names(engine) == []
        together(conn, [person("bia")], commit=True)
        assert names(engine) == ["ana", "bia"]


def _kill_and_ask(engine: Engine) -> None:
    with engine.begin() as conn:
        backend = conn.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with engine.begin() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": backend})
        together(conn, [ALL()])


def test_a_connection_that_died_is_not_used_again(engine: Engine) -> None:
    with pytest.raises(psycopg.OperationalError):
        _kill_and_ask(engine)
    assert names(engine) == []

"""Statements that are sent together: what comes back, and what an error in the middle leaves behind."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import Engine, bindparam, insert, select, text, update
from sqlalchemy.exc import OperationalError

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


def _restart_and_ask(engine: Engine) -> None:
    """Three connections of the pool lose their server at the same time; one of them is used again."""
    with engine.begin() as one, engine.begin() as two, engine.begin() as three:
        pids = [conn.execute(text("SELECT pg_backend_pid()")).scalar_one() for conn in (one, two, three)]
    with psycopg.connect(engine.url.set(drivername="postgresql").render_as_string(hide_password=False)) as outside:
        outside.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE pid = ANY (%s)", [pids])
    with engine.begin() as conn:
        together(conn, [ALL()])


def test_one_dead_connection_is_enough_to_know_that_the_server_was_away(engine: Engine) -> None:
    with pytest.raises(OperationalError):
        _restart_and_ask(engine)
    with engine.connect() as one, engine.connect() as two, engine.connect() as three:
        assert [len(together(conn, [ALL()])) for conn in (one, two, three)] == [1, 1, 1]

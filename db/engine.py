"""Connections to PostgreSQL: one engine per process, transactions as context managers."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, create_engine, select

from db.rows import CLOCK
from domain.clock import PRODUCTION, Clock


def make_engine(url: str, pool_size: int = 20) -> Engine:
    """An engine for a `postgresql+psycopg://` URL. Dead connections are dropped when they fail, not tested before."""
    return create_engine(
        url,
        pool_size=pool_size,
        pool_use_lifo=True,  # the warmest connection first: it has the statements prepared
        max_overflow=10,
        pool_timeout=10,
        connect_args={"connect_timeout": 5, "options": "-c timezone=UTC -c lock_timeout=10s"},
    )


def read_clock(engine: Engine) -> Clock:
    """The installation's clock; real time where none was set."""
    with engine.connect() as conn:
        return clock_of(conn)


def clock_of(conn: Connection) -> Clock:
    """The installation's clock, read on a connection of the caller's."""
    row = conn.execute(select(CLOCK)).one_or_none()
    return Clock(row.real_origin, row.business_origin, row.scale) if row else PRODUCTION

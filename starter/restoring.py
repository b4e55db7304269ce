"""The mark on a book that was restored to an earlier moment (promise 4): what it does not know is looked up first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Engine, func, insert, select, update

from activities.protest_answers import open_task
from activities.restored import NOTARIES, Doubt
from db.engine import make_engine, read_clock
from db.rows import CONTACT_ATTEMPT, CRA_FILE, RESTORATION, TITLE
from domain.restored import MEMORY
from starter.doctor import prepare_database

_MARGIN = timedelta(minutes=5)
"""Real time, with room to spare: how much later than a try began its row may have been committed."""


def mark_restored(database_url: str) -> Doubt:
    """Bring a restored database to this version, and say in it that it is an earlier one; before anything goes on.

    Again is harmless: more is looked up, nothing is lost. Raises SQLAlchemy's errors where the database is away.
    """
    prepare_database(database_url)
    engine = make_engine(database_url)
    try:
        return _mark(engine)
    finally:
        engine.dispose()


def _mark(engine: Engine) -> Doubt:
    """What the book does not know began after the last try that it does know.

    Files for the notaries that were not sent by then may have been sent since: they are sent again as they are, by the
    same name, which is harmless; made anew they would present a title twice.
    """
    clock, now = read_clock(engine), datetime.now(UTC)
    with engine.begin() as conn:
        last = conn.execute(select(func.max(CONTACT_ATTEMPT.c.begun_at))).scalar_one()
        doubt = Doubt((last or now - MEMORY) - _MARGIN, now)
        conn.execute(insert(RESTORATION).values(at=doubt.until, since=doubt.since))
        conn.execute(update(CRA_FILE).where(CRA_FILE.c.state == "prepared").values(state="sending"))
        if conn.execute(select(TITLE.c.id).limit(1)).first():
            _ask_for_a_look(conn, doubt, clock.business(now))
    return doubt


def _ask_for_a_look(conn: Connection, doubt: Doubt, now: datetime) -> None:
    """No record of the central's can be read from here: whom it has already, a person must see."""
    details = [
        f"restored at {doubt.until:%Y-%m-%d %H:%M} UTC",
        f"files that were sent after {doubt.since:%Y-%m-%d %H:%M} UTC are not known",
        "compare with the central's lists; pause the cases whose titles it has already, then finish this task",
        "today no file leaves: what must be withdrawn today, telephone",
    ]
    open_task(conn, f"restored:{doubt.until.isoformat()}", NOTARIES, details, now)

"""Published indices as a process reads them from their table."""

from datetime import UTC, date, datetime
from decimal import Decimal

from sqlalchemy import Engine, delete

from db.indices import LOOK_EVERY, forget, read_indices, save_indices
from db.rows import INDEX_VALUE
from domain.indices import IndexValue

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
MARCH = IndexValue("ipca", date(2026, 3, 1), Decimal("0.50"), "inventado")


class Timer:
    """Real seconds, by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_what_was_saved_is_read_with_its_source(engine: Engine) -> None:
    with engine.begin() as conn:
        assert len(read_indices(conn)) == 0
        save_indices(conn, [MARCH], NOW)
        found = read_indices(conn).value("ipca", date(2026, 3, 31))
    assert found == MARCH


def test_a_table_that_another_process_changed_is_seen_within_a_minute_and_not_asked_for_before(engine: Engine) -> None:
    timer = Timer()
    with engine.begin() as conn:
        before = read_indices(conn, timer)
        row = {"series": "ipca", "month": MARCH.month, "percent": "0.50", "source": "x", "loaded_at": NOW}
        conn.execute(INDEX_VALUE.insert().values(row))
        assert read_indices(conn, timer) is before
        timer.now += LOOK_EVERY
        after = read_indices(conn, timer)
    assert LOOK_EVERY <= 60
    assert len(after) == 1


def test_a_changed_value_is_seen_though_the_clock_stood_still(engine: Engine) -> None:
    timer = Timer()
    with engine.begin() as conn:
        save_indices(conn, [MARCH], NOW)
        read_indices(conn, timer)
        conn.execute(INDEX_VALUE.update().values(percent=Decimal("0.51")))
        timer.now += LOOK_EVERY
        found = read_indices(conn, timer).value("ipca", MARCH.month)
    assert found is not None
    assert found.percent == Decimal("0.51")


def test_a_table_that_did_not_change_is_not_read_again(engine: Engine) -> None:
    timer = Timer()
    with engine.begin() as conn:
        save_indices(conn, [MARCH], NOW)
        before = read_indices(conn, timer)
        timer.now += LOOK_EVERY
        assert read_indices(conn, timer) is before


def test_a_process_that_changed_the_table_sees_it_at_once(engine: Engine) -> None:
    with engine.begin() as conn:
        save_indices(conn, [MARCH], NOW)
        assert len(read_indices(conn)) == 1
        conn.execute(delete(INDEX_VALUE))
        forget()
        assert len(read_indices(conn)) == 0


def test_saving_a_month_again_changes_its_value_in_place(engine: Engine) -> None:
    with engine.begin() as conn:
        save_indices(conn, [MARCH], NOW)
        save_indices(conn, [IndexValue("ipca", MARCH.month, Decimal("0.52"), "republicado")], NOW)
        save_indices(conn, [], NOW)
        (found,) = read_indices(conn)
    assert (found.percent, found.source) == (Decimal("0.52"), "republicado")

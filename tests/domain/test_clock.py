"""Business time and real time."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from domain.clock import PRODUCTION, Clock
from domain.errors import BadInput

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
DEMO = Clock(real_origin=START, business_origin=datetime(2026, 1, 5, 11, 0, tzinfo=UTC), scale=86400.0)
MICROSECOND = timedelta(microseconds=1)


def _naive(year: int) -> datetime:
    """Hypothesis takes bounds without a time zone and adds one itself."""
    return datetime(year, 1, 1)  # noqa: DTZ001


MOMENTS = st.datetimes(_naive(2015), _naive(2045), timezones=st.just(UTC))
SCALES = st.one_of(st.sampled_from([1.0, 60.0, 3600.0, 43200.5]), st.floats(min_value=0.01, max_value=1e5))
CLOCKS = st.builds(Clock, real_origin=MOMENTS, business_origin=MOMENTS, scale=SCALES)


def test_in_production_business_time_is_real_time() -> None:
    now = datetime(2026, 11, 22, 9, 30, 15, 123456, tzinfo=UTC)
    assert PRODUCTION.business(now) == now
    assert PRODUCTION.real(now) == now


def test_in_a_demo_a_day_passes_in_a_second() -> None:
    assert DEMO.business(START) == DEMO.business_origin
    assert DEMO.business(START + timedelta(seconds=30)) == DEMO.business_origin + timedelta(days=30)
    assert DEMO.real(DEMO.business_origin + timedelta(days=7)) == START + timedelta(seconds=7)


def test_time_before_the_origin_runs_at_the_same_pace() -> None:
    assert DEMO.business(START - timedelta(seconds=2)) == DEMO.business_origin - timedelta(days=2)


def test_a_change_to_summer_time_neither_adds_nor_loses_an_hour() -> None:
    before = datetime(2018, 11, 3, 12, 0, tzinfo=ZoneInfo("America/Sao_Paulo"))
    clock = Clock(before, before, 1.0)
    real = datetime(2018, 11, 5, 12, 0, tzinfo=UTC)
    assert clock.business(real) == real


@given(CLOCKS, st.datetimes(_naive(2020), _naive(2030), timezones=st.just(UTC)))
def test_a_timer_fires_when_its_business_time_has_come_and_not_a_microsecond_earlier(
    clock: Clock, real: datetime
) -> None:
    business = clock.business_origin + timedelta(days=(real.year - 2019), microseconds=real.microsecond)
    fires = clock.real(business)
    assert clock.business(fires) >= business
    assert clock.business(fires - MICROSECOND) < business


@given(CLOCKS, st.timedeltas(timedelta(days=-2), timedelta(days=2)))
def test_a_real_moment_survives_the_way_there_and_back_to_the_millisecond(clock: Clock, passed: timedelta) -> None:
    real = clock.real_origin + passed
    tolerance = MICROSECOND * max(1, round(1 / clock.scale) + 1)
    assert abs(clock.real(clock.business(real)) - real) <= tolerance <= timedelta(milliseconds=1)


def test_a_clock_survives_serialisation() -> None:
    adapter = TypeAdapter(Clock)
    assert adapter.validate_json(adapter.dump_json(DEMO)) == DEMO


@pytest.mark.parametrize("scale", [0.0, -1.0, float("inf"), float("nan")])
def test_a_clock_that_stands_still_or_runs_backwards_is_refused(scale: float) -> None:
    with pytest.raises(BadInput, match="scale"):
        Clock(START, START, scale)


def test_a_clock_without_time_zone_is_refused() -> None:
    with pytest.raises(BadInput, match="time zone"):
        Clock(_naive(2026), START, 1.0)

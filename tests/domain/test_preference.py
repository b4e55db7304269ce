"""How a debtor is best reached: what he asked for, where he answered, when he reads."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import BadInput
from domain.hours import window
from domain.policy import DEFAULT_CONTACT
from domain.preference import WEIGHTS, Asked, Fate, best_hours, later_today, order, parse_hours, within
from domain.whereabouts import place_at

SP = ZoneInfo("America/Sao_Paulo")
NOON = datetime(2026, 3, 9, 12, 30, tzinfo=SP)
POINTS = [
    (Asked("email", "a@example.com"), "a"),
    (Asked("email", "b@example.com"), "b"),
    (Asked("sms", "+5511900000001"), "s"),
]


def fate(channel: str, address: str, what: str, at: datetime = NOON) -> Fate:
    return Fate(channel, address, what, at)


def test_without_anything_known_the_policys_order_stands() -> None:
    assert order(["sms", "email"], POINTS, []) == ["s", "a", "b"]
    assert order(["email"], POINTS, []) == ["a", "b"], "a way that the step does not name is never opened"
    assert order([], POINTS, []) == []


def test_what_the_debtor_asked_for_comes_first() -> None:
    points = [*POINTS[:2], (Asked("sms", "+5511900000001", asked=True), "s")]
    assert order(["email", "sms"], points, [fate("email", "a@example.com", "replied")]) == ["s", "a", "b"]


def test_the_channel_on_which_he_answered_or_read_comes_before_the_policys_first() -> None:
    read = [fate("sms", "+5511900000001", "read")]
    assert order(["email", "sms"], POINTS, read) == ["s", "a", "b"]
    answered = [*read, fate("email", "b@example.com", "replied")]
    assert order(["sms", "email"], POINTS, answered) == ["b", "a", "s"]


def test_a_mere_delivery_does_not_turn_the_ladder_round_but_orders_the_addresses_of_a_channel() -> None:
    assert order(["sms", "email"], POINTS, [fate("email", "b@example.com", "delivered")]) == ["s", "b", "a"]
    assert order(["email", "sms"], POINTS, [fate("email", "a@example.com", "failed")]) == ["b", "a", "s"]


def test_a_part_of_the_day_is_a_habit_from_the_second_time_on() -> None:
    once = [fate("email", "a@example.com", "read", NOON.replace(hour=15))]
    assert best_hours(once, SP) is None
    assert best_hours([*once, fate("sms", "x", "replied", NOON.replace(hour=14))], SP) == (time(14), time(18))
    evening = [fate("email", "a@example.com", "read", NOON.replace(hour=21))] * 2
    assert best_hours(evening, SP) == (time(18), time.max)
    assert best_hours([fate("email", "a@example.com", "delivered")] * 9, SP) is None, "that is our hour, not his"


def test_his_hours_are_waited_for_today_where_they_are_lawful_and_still_ahead() -> None:
    afternoon, office = (time(14), time(18)), (time(9), time(18))
    assert later_today(NOON, afternoon, office, SP) == NOON.replace(hour=14, minute=0)
    assert later_today(NOON.replace(hour=15), afternoon, office, SP) is None, "they are now"
    assert later_today(NOON, (time(18), time.max), office, SP) is None, "not lawful"
    assert later_today(NOON, (time(9), time(12)), office, SP) is None, "over"
    assert later_today(NOON, None, office, SP) is None
    assert later_today(NOON, afternoon, None, SP) is None


@pytest.mark.parametrize(
    "text", ["14:00", "16:00-14:00", "14:00-14:00", "de tarde", "25:00-26:00", "14:00+03:00-15:00"]
)
def test_hours_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(BadInput, match="14:00-16:00"):
        parse_hours(text)


def test_hours_are_read_as_they_are_typed() -> None:
    assert parse_hours("14:00-16:00") == parse_hours(" 14:00 - 16:00 ") == (time(14), time(16))
    assert parse_hours("") is None


FATES = st.builds(
    Fate,
    st.sampled_from(["email", "sms"]),
    st.sampled_from(["a@example.com", "b@example.com", "+5511900000001"]),
    st.sampled_from(sorted(WEIGHTS)),
    st.integers(0, 10_000).map(lambda minutes: NOON + timedelta(minutes=minutes)),
)


@given(st.lists(FATES), st.permutations(["email", "sms", "letter"]), st.integers(0, 3))
def test_a_preference_only_orders_what_is_allowed(fates: list[Fate], channels: list[str], allowed: int) -> None:
    ordered = order(channels[:allowed], POINTS, fates)
    assert sorted(ordered) == sorted(point for known, point in POINTS if known.channel in channels[:allowed])


# --- wished hours ----------------------------------------------------------------------------------------------------
@given(
    st.sampled_from(["SP", "RJ", "AM", "ES", "AC"]),
    st.times(),
    st.times(),
    st.dates(date(2026, 1, 1), date(2030, 1, 1)),
)
def test_of_wished_hours_nothing_is_left_but_lawful_ones(uf: str, one: time, other: time, today: date) -> None:
    wished = (min(one, other), max(one, other))
    found = within(wished, place_at(uf, ""), "message", DEFAULT_CONTACT, today)
    open_ = [window(today + timedelta(days=n), uf, "message", DEFAULT_CONTACT) for n in range(14)]
    if found is None:
        assert not any(each and max(each[0], wished[0]) < min(each[1], wished[1]) for each in open_)
    else:
        assert wished[0] <= found[0] < found[1] <= wished[1]
        assert min(each[0] for each in open_ if each) <= found[0]
        assert found[1] <= max(each[1] for each in open_ if each)


def test_an_evening_is_nothing_where_the_policy_ends_at_six() -> None:
    today = date(2026, 3, 10)
    place = place_at("SP", "")
    assert within((time(18), time(20)), place, "message", DEFAULT_CONTACT, today) is None
    assert within((time(14), time(20)), place, "message", DEFAULT_CONTACT, today) == (time(14), time(18))

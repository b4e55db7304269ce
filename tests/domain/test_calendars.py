"""Bank days, the notary's three-day term and days on which nobody is chased."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.calendars import (
    add_bank_days,
    add_notary_days,
    is_bank_day,
    is_contact_holiday,
    is_notary_day,
    is_public_holiday,
    next_bank_day,
    three_day_term,
)
from domain.errors import BadInput

SAO_PAULO, RIO, SALVADOR = "3550308", "3304557", "2927408"
DAYS = st.dates(date(2015, 1, 1), date(2045, 12, 31))


def d(text: str) -> date:
    return date.fromisoformat(text)


@pytest.mark.parametrize(
    "day",
    [
        "2026-01-01",
        "2026-02-16",
        "2026-02-17",
        "2026-04-03",
        "2026-04-21",
        "2026-05-01",
        "2026-06-04",
        "2026-09-07",
        "2026-10-12",
        "2026-11-02",
        "2026-11-20",
        "2024-11-20",
        "2026-12-25",
        "2026-11-21",
        "2026-11-22",
    ],
)
def test_banks_are_closed_on_weekends_national_holidays_carnaval_and_corpus_christi(day: str) -> None:
    assert not is_bank_day(d(day))


@pytest.mark.parametrize(
    "day", ["2026-02-18", "2026-12-24", "2026-12-31", "2023-11-20", "2026-10-28", "2026-07-09", "2026-11-19"]
)
def test_banks_settle_on_ash_wednesday_christmas_eve_the_last_day_of_the_year_and_state_holidays(day: str) -> None:
    assert is_bank_day(d(day))


def test_consciousness_day_closes_banks_since_2024() -> None:
    assert is_bank_day(d("2023-11-20"))
    assert not is_bank_day(d("2024-11-20"))


@pytest.mark.parametrize(
    "easter", ["2024-03-31", "2025-04-20", "2026-04-05", "2027-03-28", "2028-04-16", "2030-04-21", "2038-04-25"]
)
def test_carnaval_good_friday_and_corpus_christi_follow_easter(easter: str) -> None:
    for distance in (-48, -47, -2, 60):
        assert not is_bank_day(d(easter) + timedelta(days=distance))
    assert is_bank_day(d(easter) + timedelta(days=-46))
    assert not is_notary_day(d(easter) + timedelta(days=-46))


@pytest.mark.parametrize(
    ("day", "following"),
    [
        ("2026-10-10", "2026-10-13"),
        ("2026-02-14", "2026-02-18"),
        ("2026-12-31", "2026-12-31"),
        ("2027-01-01", "2027-01-04"),
    ],
)
def test_the_next_bank_day_is_the_day_itself_or_the_first_after_it(day: str, following: str) -> None:
    assert next_bank_day(d(day)) == d(following)


@pytest.mark.parametrize(
    ("day", "n", "reached"),
    [
        ("2026-10-09", 1, "2026-10-13"),
        ("2026-10-10", 1, "2026-10-13"),
        ("2026-02-13", 2, "2026-02-19"),
        ("2026-10-13", -1, "2026-10-09"),
        ("2026-10-10", 0, "2026-10-10"),
    ],
)
def test_bank_days_are_counted_from_the_day_after(day: str, n: int, reached: str) -> None:
    assert add_bank_days(d(day), n) == d(reached)


@given(DAYS, st.integers(1, 15))
def test_counting_bank_days_passes_over_exactly_that_many(day: date, n: int) -> None:
    end = add_bank_days(day, n)
    assert sum(is_bank_day(day + timedelta(days=i)) for i in range(1, (end - day).days + 1)) == n
    assert is_bank_day(end)


@pytest.mark.parametrize(
    ("protocol", "last_day"),
    [
        ("2026-11-13", "2026-11-18"),
        ("2026-11-17", "2026-11-23"),
        ("2026-11-18", "2026-11-24"),
        ("2026-11-19", "2026-11-25"),
        ("2026-12-21", "2026-12-28"),
        ("2026-12-22", "2026-12-29"),
        ("2026-12-28", "2027-01-04"),
        ("2026-02-12", "2026-02-20"),
        ("2026-02-13", "2026-02-23"),
        ("2026-06-02", "2026-06-08"),
    ],
)
def test_the_three_day_term_ends_on_its_third_notary_day(protocol: str, last_day: str) -> None:
    assert three_day_term(d(protocol)) == d(last_day)


@pytest.mark.parametrize("day", ["2026-02-18", "2026-12-24", "2026-12-31", "2028-12-29", "2022-12-30"])
def test_the_notary_does_not_count_days_of_shortened_bank_service(day: str) -> None:
    assert is_bank_day(d(day))
    assert not is_notary_day(d(day))


def test_the_notary_counts_the_day_before_the_last_one_of_the_year() -> None:
    assert is_notary_day(d("2026-12-30"))


def test_holidays_of_the_city_and_its_state_do_not_count_at_its_notary() -> None:
    assert is_notary_day(d("2027-01-25"))
    assert not is_notary_day(d("2027-01-25"), SAO_PAULO)
    assert is_notary_day(d("2027-01-25"), RIO)
    assert not is_notary_day(d("2026-07-09"), SAO_PAULO)
    assert not is_notary_day(d("2026-07-02"), SALVADOR)
    assert three_day_term(d("2026-07-07")) == d("2026-07-10")
    assert three_day_term(d("2026-07-07"), SAO_PAULO) == d("2026-07-13")
    assert add_notary_days(d("2026-07-10"), -1, SAO_PAULO) == d("2026-07-08")


@pytest.mark.parametrize("code", ["", "355030", "9950308", "São Paulo"])
def test_a_municipality_that_is_no_ibge_code_is_refused(code: str) -> None:
    with pytest.raises(BadInput, match="IBGE"):
        is_notary_day(d("2026-07-09"), code)


@given(DAYS)
def test_a_three_day_term_holds_three_notary_days_and_ends_on_one(protocol: date) -> None:
    last = three_day_term(protocol, SAO_PAULO)
    counted = [protocol + timedelta(days=i) for i in range(1, (last - protocol).days + 1)]
    assert sum(is_notary_day(day, SAO_PAULO) for day in counted) == 3
    assert is_notary_day(last, SAO_PAULO)


def test_a_state_holiday_is_public_only_in_its_state() -> None:
    assert is_public_holiday(d("2026-07-09"), "SP")
    assert not is_public_holiday(d("2026-07-09"), "RJ")
    assert not is_public_holiday(d("2026-07-09"))
    assert is_public_holiday(d("2026-04-23"), "rj")


def test_carnaval_and_corpus_christi_are_no_national_holidays_yet_nobody_is_chased_then() -> None:
    for day in ("2026-02-16", "2026-02-17", "2026-06-04"):
        assert not is_public_holiday(d(day), "SP")
        assert is_contact_holiday(d(day), "SP")
    assert is_contact_holiday(d("2026-04-03"), "SP")
    assert is_contact_holiday(d("2026-07-09"), "SP")
    assert not is_contact_holiday(d("2026-07-09"), "PR")
    assert not is_contact_holiday(d("2026-02-18"), "SP")


def test_an_unknown_state_is_refused() -> None:
    with pytest.raises(BadInput, match="no such state"):
        is_contact_holiday(d("2026-03-02"), "XX")

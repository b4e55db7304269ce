"""Lawful places: an address, a telephone from elsewhere, somebody of whom nothing is known."""

from __future__ import annotations

from datetime import date, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.data import table
from domain.errors import BadInput
from domain.hours import contact_moment, open_at, window
from domain.places import UFS, municipality
from domain.policy import DEFAULT_CONTACT, ContactRules
from domain.whereabouts import Place, home_at, phone_spots, place_at

MONDAY = date(2026, 3, 9)
ANY_TIME = ContactRules(dict.fromkeys(range(7), (time.min, time.max)), per_day=1, per_week=7)


def test_of_whom_nothing_is_known_contact_is_lawful_only_where_it_is_in_every_state() -> None:
    assert {spot.uf for spot in place_at("").spots} == set(UFS)
    assert place_at("").zone == ZoneInfo("America/Sao_Paulo")
    # 9 in Rio, 8 in Acre is 10 in Brasília; Manaus closes at 18, 19 in Brasília, as do Rio and Espírito Santo.
    assert window(MONDAY, "", "email", ANY_TIME) == (time(10), time(19))
    assert window(date(2026, 3, 14), "", "email", ANY_TIME) is None, "no Saturday in Rio"
    assert window(date(2026, 7, 9), "", "email", ANY_TIME) is None, "a holiday of São Paulo alone"


@pytest.mark.parametrize(
    ("uf", "phone", "hours"),
    [
        ("SP", "+5511900000001", (time(9), time(18))),
        ("SP", "+5568999990000", (time(11), time(18))),  # 9 in Acre is 11 in São Paulo
        ("AC", "+5511900000001", (time(9), time(16))),  # and 18 in São Paulo 16 in Acre
        ("SP", "+5592999990000", (time(10), time(18))),
        ("PE", "+5581999990000", (time(9), time(17))),  # an area code that Recife shares with Fernando de Noronha
    ],
)
def test_where_address_and_area_code_differ_the_moment_is_lawful_at_both(uf: str, phone: str, hours: object) -> None:
    assert window(MONDAY, place_at(uf).with_phone(phone), "sms", DEFAULT_CONTACT) == hours


def test_the_law_of_the_phones_state_counts_too_not_only_its_clock() -> None:
    saturday = date(2026, 3, 14)
    assert window(saturday, place_at("SP"), "sms", ANY_TIME) == (time(8), time(14))
    assert window(saturday, place_at("SP").with_phone("+5521999990000"), "sms", ANY_TIME) is None
    assert window(date(2026, 4, 23), place_at("SP").with_phone("+5521999990000"), "sms", ANY_TIME) is None, "São Jorge"


def test_an_area_code_that_two_states_share_is_held_to_both_and_a_number_without_one_to_all() -> None:
    assert {spot.uf for spot in phone_spots("+5561999990000")} == {"DF", "GO"}
    for nowhere in ("+5520999990000", "+351910000000", "nada"):
        assert {spot.uf for spot in phone_spots(nowhere)} == set(UFS)


def test_a_municipality_has_its_own_holidays_and_perhaps_its_own_clock() -> None:
    founded = date(2027, 1, 25)  # a Monday
    assert window(founded, place_at("SP"), "email", DEFAULT_CONTACT) is not None
    assert window(founded, place_at("SP", "3550308"), "email", DEFAULT_CONTACT) is None
    assert window(founded, home_at("SP", "3550308"), "email", DEFAULT_CONTACT) is None
    assert window(MONDAY, place_at("PE", "2605459"), "email", DEFAULT_CONTACT) == (time(10), time(18)), (
        "Noronha's clock"
    )
    assert window(MONDAY, home_at("PE", "2605459"), "email", DEFAULT_CONTACT) == (time(9), time(18))


def test_loaded_days_off_close_a_place() -> None:
    closed = place_at("SP").closed_on(frozenset({MONDAY}))
    assert window(MONDAY, closed, "email", DEFAULT_CONTACT) is None
    assert window(MONDAY, closed.joined(place_at("RJ")), "email", DEFAULT_CONTACT) is None
    assert place_at("SP").closed_on(frozenset()) is place_at("SP")


def test_a_state_that_there_is_not_is_refused() -> None:
    with pytest.raises(BadInput, match="AC, AL, AM"):
        place_at("XX")


def test_the_tables_name_real_states_and_municipalities() -> None:
    codes = table("area_codes")
    assert len({row["area_code"] for row in codes}) == len(codes) == 67
    assert {uf for row in codes for uf in row["ufs"].split()} == set(UFS)
    for row in table("municipal_time_zones"):
        uf = "PE" if row["ibge"].startswith("26") else "AM"
        assert municipality(row["name"], uf) == row["ibge"]
        assert ZoneInfo(row["time_zone"])


@given(
    day=st.dates(date(2026, 1, 1), date(2032, 12, 31)),
    uf=st.sampled_from(["", *UFS]),
    phone=st.sampled_from(["", "+5511900000001", "+5568999990000", "+5581999990000", "+5561999990000"]),
    best=st.sampled_from([None, (time(6), time(8)), (time(12), time(14)), (time(17), time(20))]),
    jitter=st.floats(0, 1, exclude_max=True),
)
def test_what_is_planned_is_lawful_wherever_it_may_find_him_also_in_the_hours_he_asked_for(
    day: date, uf: str, phone: str, best: tuple[time, time] | None, jitter: float
) -> None:
    place = place_at(uf).with_phone(phone) if phone else place_at(uf)
    moment = contact_moment(day, place, "sms", DEFAULT_CONTACT, jitter, best)
    assert moment.date() >= day
    for spot in place.spots:
        assert open_at(moment, Place((spot,)), "sms", DEFAULT_CONTACT)
    hours = window(moment.date(), place, "sms", DEFAULT_CONTACT)
    if best and hours and max(best[0], hours[0]) < min(best[1], hours[1]):
        assert best[0] <= moment.time() < best[1]

"""Lawful contact hours: the law of each state, holidays, and the moment a contact goes out."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.calendars import is_contact_holiday
from domain.errors import BadInput, Refused
from domain.hours import contact_moment, first_lawful, jitter_of, open_at, rules_of_law, window
from domain.places import UFS, time_zone
from domain.policy import DEFAULT_CONTACT, OFFICE_HOURS, At, ContactRules, Do, Offset, Step
from domain.schedule import Anchors, step_day

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
ANY_TIME = ContactRules(dict.fromkeys(range(7), (time.min, time.max)), per_day=1, per_week=7)
MONDAY, SATURDAY, SUNDAY = date(2026, 3, 9), date(2026, 3, 14), date(2026, 3, 15)
CHANNELS = ("email", "sms", "whatsapp", "voice", "call", "letter")


def at(hour: int, minute: int = 0, day: date = MONDAY, zone: str = "America/Sao_Paulo") -> datetime:
    return datetime.combine(day, time(hour, minute), ZoneInfo(zone))


@pytest.mark.parametrize(
    ("uf", "channel", "weekday", "saturday"),
    [
        ("SP", "call", (time(8), time(20)), (time(8), time(14))),
        ("AL", "call", (time(8), time(20)), (time(8), time(14))),
        ("AL", "sms", (time(8), time(20)), (time(8), time(14))),
        ("RJ", "call", (time(9), time(19)), None),
        ("RJ", "email", (time(9), time(19)), None),
        ("ES", "sms", (time(8), time(19)), None),
        ("AM", "call", (time(8), time(18)), None),
        ("MG", "call", (time(8), time(20)), (time(8), time(14))),
    ],
)
def test_each_state_has_its_hours_and_no_state_a_sunday(
    uf: str, channel: str, weekday: tuple[time, time], saturday: tuple[time, time] | None
) -> None:
    assert window(MONDAY, uf, channel, ANY_TIME) == weekday
    assert window(SATURDAY, uf, channel, ANY_TIME) == saturday
    assert window(SUNDAY, uf, channel, ANY_TIME) is None


def test_a_law_binds_only_while_it_is_in_force() -> None:
    before, after = date(2017, 12, 29), date(2018, 1, 2)

    assert window(before, "RJ", "call", ANY_TIME) == (time(8), time(20))
    assert window(after, "RJ", "call", ANY_TIME) == (time(9), time(19))


def test_the_policy_and_the_law_narrow_each_other() -> None:
    evenings = ContactRules({0: (time(17), time(22))}, per_day=1, per_week=1)

    assert window(MONDAY, "RJ", "call", evenings) == (time(17), time(19))
    assert window(MONDAY, "AM", "call", evenings) == (time(17), time(18))
    assert window(MONDAY + timedelta(days=1), "RJ", "call", evenings) is None


@pytest.mark.parametrize("uf", UFS)
@pytest.mark.parametrize("channel", CHANNELS)
def test_office_hours_are_lawful_everywhere(uf: str, channel: str) -> None:
    assert window(MONDAY, uf, channel, DEFAULT_CONTACT) == OFFICE_HOURS
    assert window(SATURDAY, uf, channel, DEFAULT_CONTACT) is None


def test_nobody_is_contacted_on_a_holiday_of_the_nation_or_of_his_state() -> None:
    tiradentes, constitutionalist_revolution = date(2026, 4, 21), date(2026, 7, 9)

    assert window(tiradentes, "MG", "email", ANY_TIME) is None
    assert window(constitutionalist_revolution, "SP", "email", ANY_TIME) is None
    assert window(constitutionalist_revolution, "MG", "email", ANY_TIME) is not None


def test_a_state_is_known_in_small_letters_and_an_unknown_one_is_refused() -> None:
    assert window(MONDAY, "rj", "call", ANY_TIME) == window(MONDAY, "RJ", "call", ANY_TIME)
    with pytest.raises(BadInput):
        window(MONDAY, "XX", "call", ANY_TIME)


def test_a_ladder_across_weekends_and_holidays_goes_out_on_lawful_days() -> None:
    due = date(2026, 3, 2)
    nominal = [
        step_day(Step("passo", At("due", Offset(days, "d")), Do.CONTACT), Anchors(due, None, {}))
        for days in (-3, 0, 3, 7, 10, 14, 20, 30, 40, 50, 55)
    ]
    moved = [contact_moment(day, "SP", "email", DEFAULT_CONTACT, 0.5).date() for day in nominal if day]

    assert moved == [
        date(2026, 2, 27),
        date(2026, 3, 2),
        date(2026, 3, 5),
        date(2026, 3, 9),
        date(2026, 3, 12),
        date(2026, 3, 16),
        date(2026, 3, 23),  # 22 is a Sunday
        date(2026, 4, 1),
        date(2026, 4, 13),  # 11 is a Saturday
        date(2026, 4, 22),  # 21 is Tiradentes
        date(2026, 4, 27),  # 26 is a Sunday
    ]


def test_at_half_past_ten_at_night_it_is_still_today_and_the_contact_goes_out_next_morning() -> None:
    night = datetime(2026, 3, 10, 1, 30, tzinfo=UTC)

    assert (night.astimezone(time_zone("SP")).date() - date(2026, 3, 2)).days == 7
    assert not open_at(night, "SP", "email", DEFAULT_CONTACT)
    assert first_lawful(night, "SP", "email", DEFAULT_CONTACT) == at(9, day=date(2026, 3, 10))


def test_the_clock_is_the_one_on_the_debtors_wall() -> None:
    nine_in_sao_paulo = at(9)

    assert open_at(nine_in_sao_paulo, "SP", "email", DEFAULT_CONTACT)
    assert not open_at(nine_in_sao_paulo, "AC", "email", DEFAULT_CONTACT)
    assert first_lawful(nine_in_sao_paulo, "AC", "email", DEFAULT_CONTACT) == at(9, zone="America/Rio_Branco")
    assert first_lawful(nine_in_sao_paulo, "AC", "email", DEFAULT_CONTACT).tzinfo == time_zone("AC")


@pytest.mark.parametrize(
    ("hour", "minute", "is_open"), [(8, 59, False), (9, 0, True), (17, 59, True), (18, 0, False), (23, 0, False)]
)
def test_hours_begin_on_the_minute_and_their_end_is_closed(hour: int, minute: int, is_open: bool) -> None:
    assert open_at(at(hour, minute), "SP", "email", DEFAULT_CONTACT) is is_open


@pytest.mark.parametrize(
    ("moment", "lawful"),
    [
        (at(7), at(9)),
        (at(12, 34), at(12, 34)),
        (at(18), at(9, day=date(2026, 3, 10))),
        (at(18, day=date(2026, 3, 13)), at(9, day=date(2026, 3, 16))),
        (at(12, day=date(2026, 4, 21)), at(9, day=date(2026, 4, 22))),
    ],
)
def test_what_comes_outside_hours_waits_for_the_next_opening(moment: datetime, lawful: datetime) -> None:
    assert first_lawful(moment, "SP", "sms", DEFAULT_CONTACT) == lawful


def test_contacts_are_spread_over_the_first_third_of_the_day_and_the_rest_stays_free() -> None:
    assert contact_moment(MONDAY, "SP", "email", DEFAULT_CONTACT, 0.0) == at(9)
    assert contact_moment(MONDAY, "SP", "email", DEFAULT_CONTACT, 0.5) == at(10, 30)
    assert contact_moment(MONDAY, "SP", "email", DEFAULT_CONTACT, 0.9999999) < at(12)


def test_hours_that_no_law_allows_are_refused_and_do_not_hang() -> None:
    with pytest.raises(Refused) as refused:
        contact_moment(MONDAY, "RJ", "email", ContactRules({5: (time(8), time(12))}, 1, 1), 0.0)
    assert refused.value.code == "no-lawful-hours"
    with pytest.raises(Refused):
        first_lawful(at(9), "MG", "email", ContactRules({6: (time(8), time(12))}, 1, 1))


def test_one_debtor_has_one_place_in_the_day_and_many_fill_it() -> None:
    assert jitter_of("devedor-1") == 0.2972809762956017
    tenths = {int(jitter_of(f"devedor-{n}") * 10) for n in range(200)}
    assert tenths == set(range(10))


def test_every_law_speaks_of_all_seven_weekdays_and_names_its_source() -> None:
    laws: dict[tuple[str, str, date], list[int]] = {}
    for rule in rules_of_law():
        assert rule.source
        assert rule.uf in (*UFS, "*")
        assert rule.group in ("call", "message", "*")
        assert rule.valid_from <= rule.valid_until
        assert rule.hours is None or rule.hours[0] < rule.hours[1]
        laws.setdefault((rule.uf, rule.group, rule.valid_from), []).extend(rule.weekdays)
    assert all(sorted(days) == list(range(7)) for days in laws.values())


DAYS = st.dates(date(2015, 1, 1), date(2040, 12, 31))
MOMENTS = st.datetimes(datetime(2015, 1, 1), datetime(2040, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
PLACES = st.sampled_from(UFS)
WAYS = st.sampled_from(CHANNELS)


@st.composite
def contact_rules(draw: st.DrawFn) -> ContactRules:
    """Any hours, Monday always open at noon so that there is a lawful moment."""
    hours: dict[int, tuple[time, time] | None] = {}
    for weekday in range(7):
        first, last = sorted(draw(st.lists(st.integers(0, 23), min_size=2, max_size=2, unique=True)))
        hours[weekday] = (time(first), time(last, 30)) if draw(st.booleans()) else None
    return ContactRules(hours | {0: (time(12), time(12, 30))}, 1, 3)


@given(DAYS, PLACES, WAYS, contact_rules(), st.floats(0, 1, exclude_max=True))
def test_a_planned_contact_is_always_lawful_and_never_early(
    day: date, uf: str, channel: str, rules: ContactRules, jitter: float
) -> None:
    moment = contact_moment(day, uf, channel, rules, jitter)

    assert moment.date() >= day
    assert open_at(moment, uf, channel, rules)
    assert moment.utcoffset() == moment.astimezone(time_zone(uf)).utcoffset()
    assert not is_contact_holiday(moment.date(), uf)
    assert moment.weekday() != 6
    between = (day + timedelta(days=n) for n in range((moment.date() - day).days))
    assert all(window(skipped, uf, channel, rules) is None for skipped in between)


@given(DAYS, PLACES, WAYS, contact_rules(), st.lists(st.floats(0, 1, exclude_max=True), min_size=2))
def test_a_larger_jitter_is_never_an_earlier_contact(
    day: date, uf: str, channel: str, rules: ContactRules, jitters: list[float]
) -> None:
    moments = [contact_moment(day, uf, channel, rules, jitter) for jitter in sorted(jitters)]

    assert all(one <= other for one, other in pairwise(moments))


@given(MOMENTS, PLACES, WAYS, contact_rules())
def test_the_first_lawful_moment_is_not_before_and_stays_itself(
    moment: datetime, uf: str, channel: str, rules: ContactRules
) -> None:
    lawful = first_lawful(moment, uf, channel, rules)

    assert lawful >= moment
    assert open_at(lawful, uf, channel, rules)
    assert first_lawful(lawful, uf, channel, rules) == lawful
    assert (lawful == moment) is open_at(moment, uf, channel, rules)


@given(st.text())
def test_any_debtor_has_a_jitter_below_one(debtor_id: str) -> None:
    assert 0 <= jitter_of(debtor_id) < 1

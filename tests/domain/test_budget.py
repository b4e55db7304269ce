"""The debtor's budget: caps over all cases, spacing, shared addresses, lawful time; whatever happens, it holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.block_lists import Entry, barred
from domain.budget import Budget, Made, Reason, Wait, Way, caps_of_law, choose, closed_channels, room
from domain.calendars import is_contact_holiday
from domain.places import UFS
from domain.policy import DEFAULT_CONTACT, ContactRules, QuietDays
from domain.prices import Spent, cost, estimate, too_dear, total
from domain.whereabouts import PHONE_CHANNELS, Place, place_at

SP = ZoneInfo("America/Sao_Paulo")
MONDAY = date(2026, 3, 9)
EMAIL, OTHER_EMAIL = "contas@devedora.example.com", "socia@devedora.example.com"
BUSY = ContactRules(DEFAULT_CONTACT.hours, per_day=9, per_week=20, per_channel={"email": 9, "sms": 9}, per_address=9)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment in March 2026, in São Paulo."""
    return datetime(2026, 3, day, hour, minute, tzinfo=SP)


def rules(**changes: object) -> ContactRules:
    """Rules that allow much, but for what a test changes."""
    return ContactRules(**({**vars(BUSY), "spacing": timedelta(0)} | changes))  # type: ignore[arg-type]


def wait(
    made: list[Made], by: ContactRules, now: datetime, channel: str = "email", address: str = EMAIL
) -> Wait | None:
    return room(made, by, now, channel, address, place_at("SP"))


# --- each cap --------------------------------------------------------------------------------------------------------
def test_a_debtor_without_contacts_may_be_contacted_at_once() -> None:
    assert wait([], DEFAULT_CONTACT, at(9, 10)) is None


def test_the_days_contacts_are_counted_over_all_channels_and_the_next_is_for_tomorrow() -> None:
    made = [Made(at(9, 9), "email", EMAIL), Made(at(9, 11), "sms", "+5511900000001")]
    assert wait(made, rules(per_day=2), at(9, 15)) == Wait(at(10, 9), Reason.PER_DAY)
    assert wait(made, rules(per_day=3), at(9, 15)) is None


def test_a_week_is_seven_times_24_hours_back() -> None:
    made = [Made(at(day, 10), "email", EMAIL) for day in (9, 10, 11)]
    by = rules(per_week=3)
    assert wait(made, by, at(12, 10)) == Wait(at(16, 10), Reason.PER_WEEK)
    assert wait(made, by, at(16, 9, 59)) == Wait(at(16, 10), Reason.PER_WEEK)
    assert wait(made, by, at(16, 10)) is None


def test_one_channel_has_a_cap_of_its_own_and_the_others_stay_open() -> None:
    made = [Made(at(9, 9), "sms", "+5511900000001")]
    by = rules(per_channel={"sms": 1})
    assert wait(made, by, at(9, 15), "sms", "+5511900000002") == Wait(at(10, 9), Reason.PER_CHANNEL)
    assert wait(made, by, at(9, 15)) is None
    assert wait(made, rules(per_channel={}), at(9, 15), "sms") == Wait(at(10, 9), Reason.PER_CHANNEL), "once by default"


def test_an_accountant_of_twenty_debtors_gets_two_letters_a_day_not_twenty() -> None:
    others = [Made(at(9, hour), "email", EMAIL, own=False) for hour in (9, 10)]
    assert wait(others, rules(per_address=2), at(9, 15)) == Wait(at(10, 9), Reason.PER_ADDRESS)
    assert wait(others, rules(per_address=2), at(9, 15), address=OTHER_EMAIL) is None
    assert wait(others, rules(per_address=2, per_day=1), at(9, 15), address=OTHER_EMAIL) is None, "not his own contacts"


def test_between_two_contacts_lie_some_hours_also_over_night() -> None:
    made = [Made(at(9, 16), "email", EMAIL)]
    assert wait(made, rules(spacing=timedelta(hours=1)), at(9, 16, 30)) == Wait(at(9, 17), Reason.SPACING)
    assert wait(made, rules(spacing=timedelta(hours=4)), at(9, 17)) == Wait(at(10, 9), Reason.SPACING)
    assert wait(made, rules(spacing=timedelta(hours=18)), at(10, 9)) == Wait(at(10, 10), Reason.SPACING)


def test_what_lies_after_now_counts_too_for_a_clock_may_have_been_set_back() -> None:
    ahead = [Made(at(9, 16), "email", EMAIL)]
    assert wait(ahead, rules(spacing=timedelta(hours=1)), at(9, 10)) == Wait(at(9, 17), Reason.SPACING)
    assert wait(ahead, rules(per_day=1), at(9, 10)) == Wait(at(10, 9), Reason.PER_DAY)


def test_the_moment_is_one_at_which_every_cap_is_kept_and_the_first_reason_is_told() -> None:
    week = [Made(at(day, 17), "email", EMAIL) for day in (9, 10, 13)]
    assert wait(week, rules(per_day=1, per_week=3), at(13, 17, 30)) == Wait(at(16, 17), Reason.PER_DAY)


def test_outside_hours_is_a_reason_of_its_own() -> None:
    assert wait([], DEFAULT_CONTACT, at(9, 20)) == Wait(at(10, 9), Reason.HOURS)


def test_days_that_the_creditor_keeps_quiet_are_no_days_for_contacts() -> None:
    quiet = rules(quiet=(QuietDays((3, 9), (3, 11)),))
    assert wait([], quiet, at(9, 10)) == Wait(at(12, 9), Reason.HOURS)
    new_year = QuietDays((12, 20), (1, 6))
    assert [new_year.include(date(2026, *day)) for day in ((12, 19), (12, 20), (1, 6), (1, 7))] == [
        False, True, True, False,
    ]  # fmt: skip


def test_a_law_may_cap_the_day_below_the_policy() -> None:
    made = [Made(at(9, hour).astimezone(UTC), "email", EMAIL) for hour in (10, 12)]
    assert room(made, rules(), at(9, 15), "email", OTHER_EMAIL, place_at("SP")) is None
    found = room(made, rules(), at(9, 15), "email", OTHER_EMAIL, place_at("MT"))
    assert found == Wait(datetime(2026, 3, 10, 9, tzinfo=ZoneInfo("America/Cuiaba")), Reason.PER_DAY)
    assert all(cap.source and cap.per_day > 0 and cap.uf in UFS for cap in caps_of_law())


# --- choosing a way --------------------------------------------------------------------------------------------------
def ways(*channels: str) -> list[Way]:
    return [Way(channel, f"{channel}-1", place_at("SP")) for channel in channels]


def test_a_channel_without_room_gives_way_to_the_next() -> None:
    made = [Made(at(9, 9), "sms", "sms-1")]
    budget = Budget(made, rules(per_channel={}), {})
    assert choose(ways("sms", "email"), budget, at(9, 15)) == ways("email")[0]
    assert choose(ways("sms"), budget, at(9, 15)) == Wait(at(10, 9), Reason.PER_CHANNEL)


def test_thanks_keep_the_hours_but_not_the_caps() -> None:
    made = [Made(at(9, 9), "email", "email-1")] * 9
    free = Budget(made, DEFAULT_CONTACT, {}, capped=False)
    assert choose(ways("email"), free, at(9, 15)) == ways("email")[0]
    assert choose(ways("email"), free, at(9, 19)) == Wait(at(10, 9), Reason.HOURS)


def test_who_is_on_a_block_list_gets_email_and_letters_only() -> None:
    closed = closed_channels(barred([Entry("SP", date(2026, 1, 1))], MONDAY), ())
    budget = Budget((), rules(), closed)
    assert choose(ways("whatsapp", "sms", "email"), budget, at(9, 15)) == ways("email")[0]
    assert choose(ways("whatsapp", "sms"), budget, at(9, 15)) is Reason.BLOCK_LIST
    assert choose(ways("letter"), budget, at(9, 15)) == ways("letter")[0]


def test_a_policy_that_never_meets_the_law_of_two_places_closes_the_way_instead_of_failing() -> None:
    dawn = rules(hours=dict.fromkeys(range(5), (time(9), time(10))))
    in_acre = Way("sms", "+5568999990000", place_at("SP").with_phone("+5568999990000"))
    assert choose([in_acre], Budget((), dawn, {}), at(9, 9)) is Reason.HOURS
    assert choose([in_acre, *ways("email")], Budget((), dawn, {}), at(9, 9)) == ways("email")[0]


def test_nobody_to_write_to_is_nobody() -> None:
    assert choose([], Budget((), rules(), {}), at(9, 15)) is None


# --- money -----------------------------------------------------------------------------------------------------------
def test_a_price_of_the_provider_counts_and_an_estimate_until_it_is_known() -> None:
    assert cost(Spent("sms", 2)) == 2 * estimate("sms", 1)
    assert cost(Spent("sms", 2, Decimal("-0.05000"), "USD")) == Decimal("0.05") * cost(Spent("x", 1, Decimal(1), "USD"))
    assert cost(Spent("sms", 1, Decimal("0.07"), "BRL")) == Decimal("0.07")
    assert cost(Spent("sms", 1, Decimal("9.00"), "XXX")) == estimate("sms", 1), "an unknown currency is no price"
    assert total([Spent("email", 0), Spent("sms", 1, Decimal("0.333"), "BRL")]) == Decimal("0.34")
    assert estimate("visit") == 0


def test_beyond_what_a_case_may_cost_only_email_and_letter_are_left() -> None:
    spent = [Spent("sms", 1, Decimal("4.90"), "BRL")]
    assert too_dear(spent, None) == frozenset()
    dear = too_dear(spent, Decimal("5.00"))
    assert dear >= {"sms", "whatsapp", "voice"}
    assert "email" not in closed_channels((), dear)
    assert "letter" not in closed_channels((), dear)
    assert closed_channels((), dear)["sms"] is Reason.COST
    assert closed_channels({"sms"}, dear)["sms"] is Reason.BLOCK_LIST
    assert closed_channels((), too_dear([], Decimal("5.00"))) == {}


# --- whatever happens ------------------------------------------------------------------------------------------------
STRICTER = {"RJ": (9, 19, False), "ES": (8, 19, False), "AM": (8, 18, False)}
"""First hour, last hour, Saturdays: what the laws say, told again by hand. Elsewhere 8 to 20, Saturdays until 14."""
PHONES = ("+5511900000001", "+5568999990000", "+5592999990000", "+5521999990000", "+5561999990000", "+5581999990000")
ADDRESSES = {"email": (EMAIL, OTHER_EMAIL), "letter": ("",), **dict.fromkeys(sorted(PHONE_CHANNELS), PHONES)}


def lawful(moment: datetime, place: Place, by: ContactRules) -> bool:
    """Is it lawful at every spot? Without the tables and functions that the product uses, but for its holidays."""
    for spot in place.spots:
        local = moment.astimezone(ZoneInfo(spot.zone))
        first, last, saturdays = STRICTER.get(spot.uf, (8, 20, True))
        last = min(last, 14) if local.weekday() == 5 else last
        if local.weekday() == 6 or (local.weekday() == 5 and not saturdays) or not first <= local.hour < last:
            return False
        own = by.hours.get(local.weekday())
        if own is None or not own[0] <= local.time() < own[1] or is_contact_holiday(local.date(), spot.uf):
            return False
    return True


@st.composite
def some_rules(draw: st.DrawFn) -> ContactRules:
    """Any rules a policy file may hold; the morning of Tuesdays is always open."""
    hours = {}
    for day in range(7):
        first, last = sorted(draw(st.lists(st.integers(0, 23), min_size=2, max_size=2, unique=True)))
        hours[day] = draw(
            st.sampled_from([(time(8), time(20)), (time(8), time(20)), (time(first), time(last, 30)), None])
        )
    channels = st.sampled_from(["email", "sms", "whatsapp", "voice", "call", "letter"])
    return ContactRules(
        hours | {1: (time(9), time(18))},
        per_day=draw(st.integers(1, 3)),
        per_week=draw(st.integers(3, 6)),
        per_channel=draw(st.dictionaries(channels, st.integers(1, 2))),
        per_address=draw(st.integers(1, 2)),
        spacing=timedelta(hours=draw(st.integers(0, 30))),
        quiet=draw(st.sampled_from([(), (QuietDays((12, 24), (1, 2)),), (QuietDays((3, 10), (3, 10)),)])),
    )


@dataclass
class Debtor:
    """One of two debtors, who share their addresses."""

    home: Place
    barred: frozenset[str]
    made: list[Made] = field(default_factory=list)


@st.composite
def debtors(draw: st.DrawFn) -> list[Debtor]:
    """Two debtors anywhere, perhaps on a block list."""
    entries = st.lists(st.builds(Entry, st.sampled_from(["SP", "RS", "DF"]), st.just(date(2025, 1, 1))), max_size=1)
    homes = st.sampled_from(["SP", "SP", "RJ", "MT", "", *UFS]).map(place_at)
    return [Debtor(draw(homes), barred(draw(entries), date(2026, 1, 1))) for _ in range(2)]


STEPS = st.lists(
    st.tuples(
        st.integers(0, 1),  # which of the debtors
        st.lists(st.sampled_from(sorted(ADDRESSES)), min_size=1, max_size=4, unique=True),
        st.sampled_from([0, 0, 0, 1, 2, 3, 4, 5]),  # which of the addresses
        st.one_of(st.integers(0, 90), st.integers(-90, 5000)),  # minutes that pass; a clock may be set back
        st.sampled_from(["sent", "sent", "sent", "failed"]),
        st.sampled_from([True, True, True, False]),  # is the deferral obeyed to the minute?
    ),
    min_size=6,
    max_size=30,
)


@settings(max_examples=150)
@given(some_rules(), debtors(), STEPS, st.sampled_from([at(10, 9), at(12, 13), at(7, 8), at(31, 19)]))
def test_no_sequence_of_cases_contacts_outcomes_clocks_and_places_breaks_the_budget(
    by: ContactRules, pair: list[Debtor], steps: list, now: datetime
) -> None:
    for who, channels, number, minutes, outcome, obeys in steps:
        now += timedelta(minutes=minutes)
        debtor, other = pair[who], pair[1 - who]
        offered = [_way(debtor.home, channel, number) for channel in channels]
        seen = debtor.made + [Made(made.at, made.channel, made.address, own=False) for made in other.made]
        budget = Budget(seen, by, closed_channels(debtor.barred, ()))
        found = choose(offered, budget, now)
        if isinstance(found, Wait):
            assert found.until > now
            if not obeys:
                continue
            now = found.until
            found = choose(offered, budget, now)
            assert isinstance(found, Way), "what was promised for that moment is kept"
        if isinstance(found, Way):
            assert found in offered
            _judge(debtor, other, found, by, now)
            if outcome == "sent":
                debtor.made.append(Made(now, found.channel, found.address))


def _way(home: Place, channel: str, number: int) -> Way:
    address = ADDRESSES[channel][number % len(ADDRESSES[channel])]
    return Way(channel, address, home.with_phone(address) if channel in PHONE_CHANNELS else home)


def _judge(debtor: Debtor, other: Debtor, way: Way, by: ContactRules, now: datetime) -> None:
    """Would this contact break a promise? Judged by hand."""
    assert lawful(now, way.place, by)
    assert way.channel not in debtor.barred
    day = now.astimezone(way.place.zone).date()
    assert not any(days.include(day) for days in by.quiet)
    today = [made for made in debtor.made if made.at.astimezone(way.place.zone).date() == day]
    strangers = [made for made in other.made if made.at.astimezone(way.place.zone).date() == day]
    assert len(today) < by.per_day
    assert sum(made.channel == way.channel for made in today) < by.of_channel(way.channel)
    assert sum(made.at > now - timedelta(days=7) for made in debtor.made) < by.per_week
    assert not way.address or sum(made.address == way.address for made in today + strangers) < by.per_address
    assert all(made.at + by.spacing <= now for made in debtor.made)


@pytest.mark.parametrize("uf", ["", *UFS])
@given(
    moment=st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    phone=st.sampled_from(["", *PHONES]),
)
@settings(max_examples=15)
def test_a_way_that_is_open_now_is_lawful_at_the_address_and_at_the_phone(
    uf: str, moment: datetime, phone: str
) -> None:
    place = place_at(uf).with_phone(phone) if phone else place_at(uf)
    found = room([], DEFAULT_CONTACT, moment, "sms" if phone else "email", phone, place)
    assert lawful(found.until if found else moment, place, DEFAULT_CONTACT)
    assert found is None or not lawful(moment, place, DEFAULT_CONTACT)

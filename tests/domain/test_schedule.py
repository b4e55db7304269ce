"""On which day a step is due, and what becomes of a missed one."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.calendars import is_bank_day
from domain.policy import At, Do, Late, Offset, Step, Unit
from domain.schedule import Anchors, choose, late_from, missed, move, step_day

DUE = date(2026, 3, 2)
DAYS = st.dates(date(2010, 1, 1), date(2050, 1, 1))


def step(
    name: str = "passo", at: At | None = None, do: Do = Do.CONTACT, late: Late = Late.SEND, days: int | None = None
) -> Step:
    return Step(name, at or At("due", Offset(days, "d") if days is not None else None), do, late=late)


def anchors(due: date = DUE, previous: date | None = None, late: date | None = None, **named: date | None) -> Anchors:
    return Anchors(due, previous, {name.replace("_", "."): day for name, day in named.items()}, late)


def test_a_ladder_across_weekends_and_holidays_keeps_its_nominal_days() -> None:
    days = [-3, 0, 3, 7, 10, 14, 20, 30, 40, 50, 55]

    assert [step_day(step(days=days), anchors()) for days in days] == [
        date(2026, 2, 27),
        date(2026, 3, 2),
        date(2026, 3, 5),
        date(2026, 3, 9),
        date(2026, 3, 12),
        date(2026, 3, 16),
        date(2026, 3, 22),
        date(2026, 4, 1),
        date(2026, 4, 11),
        date(2026, 4, 21),
        date(2026, 4, 26),
    ]


@pytest.mark.parametrize(
    ("offset", "day"),
    [
        (Offset(1, "bd"), date(2026, 4, 22)),  # 18 and 19 a weekend, 21 Tiradentes
        (Offset(-1, "bd"), date(2026, 4, 17)),
        (Offset(2, "w"), date(2026, 5, 4)),
        (Offset(1, "m"), date(2026, 5, 20)),
        (Offset(-2, "m"), date(2026, 2, 20)),
    ],
)
def test_each_unit_counts_its_own_days(offset: Offset, day: date) -> None:
    assert step_day(step(at=At("due", offset)), anchors(due=date(2026, 4, 20))) == day


@pytest.mark.parametrize(
    ("due", "at", "day"),
    [
        (date(2026, 1, 31), At("due", Offset(1, "m")), date(2026, 2, 28)),
        (date(2028, 1, 31), At("due", Offset(1, "m")), date(2028, 2, 29)),
        (date(2026, 12, 31), At("due", Offset(2, "m")), date(2027, 2, 28)),
        (date(2026, 1, 31), At("due", Offset(-2, "m")), date(2025, 11, 30)),
        (date(2026, 2, 10), At("due", None, end_of_month=True), date(2026, 2, 28)),
        (date(2026, 1, 31), At("due", Offset(1, "m"), end_of_month=True), date(2026, 2, 28)),
        (date(2026, 4, 29), At("due", Offset(3, "d"), end_of_month=True), date(2026, 5, 31)),
    ],
)
def test_months_end_where_they_end(due: date, at: At, day: date) -> None:
    assert step_day(step(at=at), anchors(due=due)) == day


def test_a_step_waits_for_an_anchor_that_has_not_happened() -> None:
    after_notice = step(at=At("notice.deadline", Offset(2, "d")), do=Do.PROTEST)

    assert step_day(after_notice, anchors()) is None
    assert step_day(after_notice, anchors(notice_deadline=None)) is None
    assert step_day(after_notice, anchors(notice_deadline=date(2026, 4, 8))) == date(2026, 4, 10)
    assert step_day(step(at=At("previous", Offset(1, "w"))), anchors()) is None
    assert step_day(step(at=At("previous", Offset(1, "w"))), anchors(previous=date(2026, 3, 6))) == date(2026, 3, 13)


def test_nobody_is_late_while_the_law_still_lets_him_pay() -> None:
    saturday, tuesday = date(2026, 10, 10), date(2026, 10, 13)  # Monday 12 October is a holiday

    assert late_from(saturday, None) == date(2026, 10, 14)
    assert late_from(tuesday, None) == date(2026, 10, 14)
    assert late_from(tuesday, Offset(3, "d")) == date(2026, 10, 17)
    assert late_from(saturday, Offset(1, "d")) == date(2026, 10, 14)


def test_no_step_after_the_due_date_comes_before_the_debt_is_late() -> None:
    saturday = date(2026, 10, 10)
    given_late = anchors(due=saturday, late=late_from(saturday, None))

    assert step_day(step(at=At("due", Offset(1, "bd"))), anchors(due=saturday)) == date(2026, 10, 13)
    assert step_day(step(at=At("due", Offset(1, "bd"))), given_late) == date(2026, 10, 14)
    assert step_day(step(days=7), given_late) == date(2026, 10, 17)
    assert step_day(step(days=0), given_late) == saturday
    assert step_day(step(days=-3), given_late) == date(2026, 10, 7)


def test_a_step_missed_for_a_day_is_done_on_the_next() -> None:
    seventh = step(days=7)

    assert missed(seventh, date(2026, 3, 9), date(2026, 3, 10)) == "send"
    assert choose([(seventh, date(2026, 3, 9))], date(2026, 3, 10)) == (seventh, [])


@pytest.mark.parametrize(
    ("late", "do", "verdict"),
    [
        (Late.SEND, Do.CONTACT, "send"),
        (Late.COLLAPSE, Do.CONTACT, "collapse"),
        (Late.SKIP, Do.CONTACT, "skip"),
        (Late.NEVER_SKIP, Do.CONTACT, "send"),
        (Late.SKIP, Do.TASK, "skip"),
        (Late.COLLAPSE, Do.TASK, "send"),
        (Late.SKIP, Do.NOTICE, "send"),
        (Late.SKIP, Do.PROTEST, "send"),
        (Late.COLLAPSE, Do.LEGAL, "send"),
    ],
)
def test_each_step_says_what_becomes_of_it_when_missed(late: Late, do: Do, verdict: str) -> None:
    friday, monday = date(2026, 3, 6), date(2026, 3, 9)

    assert missed(step(do=do, late=late), friday, monday) == verdict
    assert missed(step(do=do, late=late), monday, monday) == "send"


def test_a_step_of_a_sunday_is_not_missed_on_monday() -> None:
    sunday = date(2026, 3, 22)

    assert missed(step(late=Late.SKIP), sunday, date(2026, 3, 23)) == "send"
    assert missed(step(late=Late.SKIP), sunday, date(2026, 3, 24)) == "skip"


def past(*steps: Step) -> list[tuple[Step, date]]:
    return [(step, date(2026, 3, 2) + timedelta(days=number)) for number, step in enumerate(steps)]


TODAY = date(2026, 3, 20)


def test_of_several_missed_contacts_only_the_newest_goes_out() -> None:
    one, two, three = (step(name, late=Late.COLLAPSE) for name in ("um", "dois", "tres"))

    assert choose(past(one, two, three), TODAY) == (three, [(one, "collapsed"), (two, "collapsed")])


def test_a_missed_task_does_not_stop_contacts_from_collapsing() -> None:
    one, call, two = step("um", late=Late.COLLAPSE), step("ligar", do=Do.TASK), step("dois")

    assert choose(past(one, call, two), TODAY) == (call, [(one, "collapsed")])


def test_a_lone_contact_that_may_collapse_is_sent_late() -> None:
    only = step(late=Late.COLLAPSE)

    assert choose(past(only), TODAY) == (only, [])


def test_a_contact_never_gives_way_to_one_that_is_skipped_itself() -> None:
    one, two = step("um", late=Late.COLLAPSE), step("dois", late=Late.SKIP)

    assert choose(past(one, two), TODAY) == (one, [])


@pytest.mark.parametrize("firm", [Do.NOTICE, Do.PROTEST, Do.LEGAL])
def test_contacts_never_collapse_across_a_firm_step(firm: Do) -> None:
    one, two, formal, three = (
        step("um", late=Late.COLLAPSE),
        step("dois", late=Late.COLLAPSE),
        step("firme", do=firm, late=Late.SKIP),
        step("tres", late=Late.COLLAPSE),
    )

    assert choose(past(one, two, formal, three), TODAY) == (two, [(one, "collapsed")])
    assert choose(past(formal, three), TODAY) == (formal, [])


def test_steps_that_are_sent_late_go_one_at_a_time() -> None:
    one, two = step("um"), step("dois")

    assert choose(past(one, two), TODAY) == (one, [])


def test_a_ladder_of_which_everything_was_missed_says_so() -> None:
    one, two = step("um", late=Late.SKIP), step("dois", late=Late.SKIP)

    assert choose(past(one, two), TODAY) == (None, [(one, "skipped"), (two, "skipped")])


STEPS = st.builds(
    lambda name, do, late: step(name, do=do, late=late),
    st.uuids().map(str),
    st.sampled_from(list(Do)),
    st.sampled_from(list(Late)),
)


@given(st.lists(st.tuples(STEPS, st.dates(date(2026, 2, 1), TODAY)), min_size=1))
def test_what_is_passed_over_stands_before_what_is_done_and_is_never_firm(due: list[tuple[Step, date]]) -> None:
    done, over = choose(due, TODAY)

    assert [step for step, _ in over] == [step for step, _ in due[: len(over)]]
    assert all(step.late in (Late.SKIP, Late.COLLAPSE) for step, _ in over)
    assert not {step.do for step, _ in over} & {Do.NOTICE, Do.PROTEST, Do.LEGAL}
    assert done == (due[len(over)][0] if len(over) < len(due) else None)
    if done is None:
        assert all(reason == "skipped" for _, reason in over)


@given(DAYS, st.integers(-999, 999), st.sampled_from(["d", "w", "bd", "m"]))
def test_moving_goes_the_way_it_says(day: date, amount: int, unit: Unit) -> None:
    moved = move(day, Offset(amount, unit))

    assert (moved > day, moved < day) == (amount > 0, amount < 0)


@given(DAYS)
def test_an_invoice_is_late_the_day_after_a_bank_day_and_never_before_it_was_due(due: date) -> None:
    late = late_from(due, None)

    assert late > due
    assert is_bank_day(late - timedelta(days=1))

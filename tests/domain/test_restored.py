"""Which messages may have left before the book was restored: those that were due by then, and for a month."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from people import short_ladder

from domain.case import Case, Notice, Terms
from domain.restored import MEMORY, may_have_left

DUE = date(2026, 3, 2)
LADDER = short_ladder(
    "  - {id: um, at: due + 1d, do: contact, by: [email], text: atraso-cordial}\n"
    "  - {id: sabado, at: due + 5d, do: contact, by: [email], text: atraso-cordial}\n"
    "  - {id: aviso, at: due + 20d, do: notice, by: [email], text: notificacao-previa, deadline: 10bd}\n"
    "  - {id: juridico, at: notice.deadline, do: legal}\n"
)


def a_case(**changes: object) -> Case:
    terms = Terms(Decimal("1000.00"), DUE, DUE, "DMI", consumer=False)
    case = Case("0b0e8f9e-0000-4000-8000-000000000001", "SP", 0.5, LADDER.hash, terms, ladder_due=DUE)
    for name, value in changes.items():
        setattr(case, name, value)
    return case


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("step", "due_after"),
    [("um", 1), ("sabado", 7), ("aviso", 21)],  # a Saturday's or Sunday's message goes on Monday
)
def test_a_step_may_have_left_from_the_day_on_which_it_was_due(step: str, due_after: int) -> None:
    now = noon(DUE + timedelta(days=due_after + 3))
    on_its_day, before = (noon(DUE + timedelta(days=days)) for days in (due_after, due_after - 1))
    assert may_have_left(a_case(), LADDER, step, now, on_its_day)
    assert not may_have_left(a_case(), LADDER, step, now, before)


@pytest.mark.parametrize("word", ["agradecimento-1", "acordo-1-lembrete"])
def test_of_what_no_ladder_plans_everything_is_looked_up_for_a_month(word: str) -> None:
    restored_at = noon(DUE)
    assert may_have_left(a_case(), LADDER, word, restored_at + MEMORY, restored_at)
    assert not may_have_left(a_case(), LADDER, word, restored_at + MEMORY + timedelta(seconds=1), restored_at)


@pytest.mark.parametrize(("issued_after", "maybe"), [(-1, True), (0, True), (1, False)])
def test_the_further_address_of_a_notice_counts_from_the_notices_day(issued_after: int, maybe: bool) -> None:
    restored_at = noon(DUE + timedelta(days=30))
    issued_on = restored_at.date() + timedelta(days=issued_after)
    case = a_case(notice=Notice("n", "aviso", issued_on, {"email": "failed"}))
    assert may_have_left(case, LADDER, "aviso", restored_at + timedelta(days=3), restored_at) is maybe


@given(
    step=st.sampled_from(["um", "sabado", "aviso", "agradecimento-1"]),
    restored=st.integers(0, 60),
    later=st.integers(0, 60),
    earlier=st.integers(0, 60),
)
def test_what_may_have_left_before_one_restore_may_have_left_before_any_later_one(
    step: str, restored: int, later: int, earlier: int
) -> None:
    """Both restores before the message is written: the later one forgets nothing that the earlier one asks for."""
    first = noon(DUE + timedelta(days=restored))
    second = first + timedelta(days=later)
    now = second + timedelta(days=earlier)
    if may_have_left(a_case(), LADDER, step, now, first):
        assert may_have_left(a_case(), LADDER, step, now, second)

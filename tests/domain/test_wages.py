"""The minimum wage by which the claims of a Juizado are measured."""

from datetime import date
from decimal import Decimal

import pytest

from domain.data import table
from domain.errors import BadInput
from domain.wages import minimum_wage


def test_forty_minimum_wages_of_2026_are_64840_reais() -> None:
    assert 40 * minimum_wage(date(2026, 3, 10)) == Decimal("64840.00")


@pytest.mark.parametrize(
    ("day", "amount"),
    [
        (date(2025, 1, 1), "1518.00"),
        (date(2025, 12, 31), "1518.00"),
        (date(2026, 1, 1), "1621.00"),
        (date(2026, 12, 31), "1621.00"),
    ],
)
def test_a_new_wage_holds_from_its_first_day(day: date, amount: str) -> None:
    assert minimum_wage(day) == Decimal(amount)


def test_no_wage_is_guessed_for_a_day_before_the_table() -> None:
    with pytest.raises(BadInput, match="begins on 2025-01-01"):
        minimum_wage(date(2024, 12, 31))


def test_every_wage_has_a_day_of_its_own_and_its_source() -> None:
    rows = table("minimum_wage")
    assert len({row["from"] for row in rows}) == len(rows)
    assert all(row["source"] for row in rows)

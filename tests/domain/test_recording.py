"""Where a call must be recorded."""

from __future__ import annotations

from datetime import date

import pytest

from domain.data import table
from domain.recording import must_be_recorded
from domain.whereabouts import place_at

TODAY = date(2026, 3, 10)


@pytest.mark.parametrize(("uf", "recorded"), [("SP", True), ("MT", True), ("RS", True), ("MG", False)])
def test_a_call_is_recorded_where_the_law_of_the_place_wants_it(uf: str, recorded: bool) -> None:
    assert must_be_recorded(place_at(uf), TODAY) is recorded


def test_the_place_that_the_number_tells_counts_too() -> None:
    assert must_be_recorded(place_at("MG").with_phone("+5511900000001"), TODAY)


def test_of_whom_nothing_is_known_the_call_is_recorded() -> None:
    assert must_be_recorded(place_at(""), TODAY)


def test_before_a_law_was_in_force_it_asks_nothing() -> None:
    assert not must_be_recorded(place_at("MT"), date(2023, 12, 31))


def test_every_row_has_its_source() -> None:
    assert all(row["source"] for row in table("call_recording"))

"""How long a title can be protested and its debt be collected."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.data import table
from domain.limitation import add_months, limitation

DUE = date(2026, 10, 10)
KINDS = sorted(row["kind"] for row in table("limitation"))


@pytest.mark.parametrize("kind", ["DMI", "DSI", "DM", "DS", "TM", "TS", "NP", "LC", "CCB", "CBI", "dmi", " DM "])
def test_a_duplicata_and_its_kin_can_be_protested_for_three_years_and_collected_for_five(kind: str) -> None:
    terms = limitation(kind, DUE)
    assert (terms.first, terms.last) == (date(2029, 10, 10), date(2031, 10, 10))


def test_a_duplicata_names_the_law_of_duplicatas() -> None:
    assert "5.474/1968 art. 18 I" in limitation("DMI", DUE).source


@pytest.mark.parametrize("kind", ["CT", "CTR", "CD", "EC", "SJ", "DV", "XYZ", ""])
def test_contracts_and_unknown_kinds_have_five_years_for_both(kind: str) -> None:
    terms = limitation(kind, DUE)
    assert terms.first == terms.last == date(2031, 10, 10)


def test_a_cheque_can_be_protested_six_months_after_its_presentation_term() -> None:
    terms = limitation("CH", date(2026, 3, 2))
    assert terms.first == date(2026, 10, 1)
    assert terms.last == date(2031, 3, 2)


def test_rent_is_lost_after_three_years() -> None:
    assert limitation("RA", DUE).last == date(2029, 10, 10)


@pytest.mark.parametrize(
    ("day", "months", "reached"),
    [
        (date(2028, 2, 29), 36, date(2031, 3, 1)),
        (date(2028, 2, 29), 48, date(2032, 2, 29)),
        (date(2026, 8, 31), 6, date(2027, 3, 1)),
        (date(2026, 12, 15), 1, date(2027, 1, 15)),
        (date(2026, 1, 31), 0, date(2026, 1, 31)),
    ],
)
def test_months_end_on_the_day_of_the_same_number_or_the_one_that_follows(
    day: date, months: int, reached: date
) -> None:
    assert add_months(day, months) == reached


@given(st.sampled_from(KINDS), st.dates(date(2000, 1, 1), date(2090, 1, 1)))
def test_the_first_term_never_outlives_the_last_and_every_kind_names_its_law(kind: str, due: date) -> None:
    terms = limitation(kind, due)
    assert due < terms.first <= terms.last
    assert terms.source
    assert limitation(kind, due + timedelta(days=1)).first >= terms.first


def test_no_kind_stands_twice_in_the_table() -> None:
    assert len(KINDS) == len(set(KINDS))

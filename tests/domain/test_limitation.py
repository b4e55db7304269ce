"""How long a title can be protested and its debt be collected."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.data import table
from domain.errors import BadInput
from domain.limitation import INTERRUPTING, Act, add_months, interruption, limitation, warn_from
from domain.policy import Offset

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


# --- interruption ----------------------------------------------------------------------------------------------------
PROMISED = date(2027, 2, 28)


def test_a_promise_lets_both_terms_run_again_from_its_day() -> None:
    terms = limitation("DMI", DUE, PROMISED)
    assert (terms.first, terms.last) == (date(2030, 2, 28), date(2032, 2, 28))
    assert terms.source.endswith("interrompida em 28/02/2027 (CC art. 202)")
    assert terms.source.startswith(limitation("DMI", DUE).source)


def test_only_the_first_act_interrupts() -> None:
    acts = [Act("protest", date(2028, 1, 10)), Act("promise", PROMISED), Act("payment", date(2029, 1, 1))]
    assert interruption("DMI", DUE, acts) == Act("promise", PROMISED)


@pytest.mark.parametrize("kind", ["promise", "payment", "plan", "protest"])
def test_promise_part_payment_plan_and_protest_interrupt_and_name_their_law(kind: str) -> None:
    assert interruption("DMI", DUE, [Act(kind, PROMISED)]) == Act(kind, PROMISED)
    assert "art. 202" in INTERRUPTING[kind]


def test_an_act_that_the_law_does_not_know_is_refused() -> None:
    with pytest.raises(BadInput, match="'letter' is no act that interrupts; use promise, payment, plan, protest"):
        interruption("DMI", DUE, [Act("letter", PROMISED)])


def test_what_happens_before_the_debt_is_due_or_on_its_day_finds_no_term_to_interrupt() -> None:
    early = date(2026, 10, 1)
    assert limitation("DMI", DUE, early) == limitation("DMI", DUE, DUE) == limitation("DMI", DUE)
    assert interruption("DMI", DUE, [Act("promise", early), Act("payment", PROMISED)]) == Act("payment", PROMISED)
    assert interruption("DMI", DUE, [Act("promise", early)]) is None


def test_an_act_after_three_years_saves_the_collection_of_a_duplicata_but_not_its_protest() -> None:
    late = date(2030, 5, 4)
    terms = limitation("DMI", DUE, late)
    assert (terms.first, terms.last) == (date(2029, 10, 10), date(2035, 5, 4))


def test_an_act_on_the_last_day_interrupts_and_one_a_day_later_does_not() -> None:
    last = limitation("DMI", DUE).last
    assert limitation("DMI", DUE, last).last == date(2036, 10, 10)
    assert limitation("DMI", DUE, last + timedelta(days=1)) == limitation("DMI", DUE)
    assert interruption("DMI", DUE, [Act("promise", last + timedelta(days=1))]) is None


def test_a_cheque_paid_in_part_while_it_may_still_be_presented_loses_no_day() -> None:
    issued = date(2026, 3, 2)
    assert limitation("CH", issued, date(2026, 3, 10)).first == limitation("CH", issued).first
    assert limitation("CH", issued, date(2026, 8, 31)).first == date(2027, 3, 1)


@given(st.sampled_from(KINDS), st.dates(date(2000, 1, 1), date(2080, 1, 1)), st.integers(-500, 4000))
def test_an_interruption_never_shortens_a_term(kind: str, due: date, days: int) -> None:
    plain, interrupted = limitation(kind, due), limitation(kind, due, due + timedelta(days=days))
    assert plain.first <= interrupted.first <= interrupted.last
    assert plain.last <= interrupted.last


@pytest.mark.parametrize(
    ("before", "day"),
    [
        (Offset(90, "d"), date(2031, 7, 12)),
        (Offset(6, "m"), date(2031, 4, 10)),
        (Offset(2, "w"), date(2031, 9, 26)),
        (Offset(-90, "d"), date(2031, 7, 12)),
    ],
)
def test_a_person_is_warned_so_long_before_the_end_of_a_term(before: Offset, day: date) -> None:
    assert warn_from(limitation("DMI", DUE).last, before) == day

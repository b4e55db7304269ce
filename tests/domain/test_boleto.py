"""Boletos: lines, bar codes, check digits, and what a due-date factor means before and after 22/02/2025."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.boleto import AHEAD, BEHIND, Boleto, Collection, mod10, mod11, read_boleto
from domain.errors import BadInput

ITAU = "34191.75124 34567.840813 05367.890000"
# Lines that public validators and bank libraries test with; those with the amount 1.234,56 were computed.
# line, bar code, bank, factor, due date, the day it is read on, amount
VECTORS = [
    (f"{ITAU} 1 43290000000000", "34191432900000000001751234567840810536789000", "341", 4329, "2009-08-14",
     "2009-08-01", "0.00"),
    ("34191.75009 25828.170818 05367.890000 1 37700000013500", "34191377000000135001750025828170810536789000", "341",
     3770, "2008-02-02", "2008-01-20", "135.00"),
    ("34191.09008 01015.271248 80212.460002 4 25480000675787", "34194254800006757871090001015271248021246000", "341",
     2548, "2029-05-20", "2026-11-22", "6757.87"),
    ("23793.38128 60007.827136 95000.063305 9 75520000370000", "23799755200003700003381260007827139500006330", "237",
     7552, "2018-06-11", "2018-06-11", "3700.00"),
    ("23791.17209 60007.589645 52040.300502 5 42230000295295", "23795422300002952951172060007589645204030050", "237",
     4223, "2009-04-30", "2009-05-30", "2952.95"),
    ("00190.00009 01238.798977 77700.168188 3 37690000013500", "00193376900000135000000001238798977770016818", "001",
     3769, "2008-02-01", "2008-02-01", "135.00"),
    (f"{ITAU} 9 99990000123456", "34199999900001234561751234567840810536789000", "341", 9999, "2025-02-21",
     "2025-02-01", "1234.56"),
    (f"{ITAU} 4 10000000123456", "34194100000001234561751234567840810536789000", "341", 1000, "2025-02-22",
     "2025-02-01", "1234.56"),
    (f"{ITAU} 1 10010000123456", "34191100100001234561751234567840810536789000", "341", 1001, "2025-02-23",
     "2025-03-01", "1234.56"),
    (f"{ITAU} 3 16380000123456", "34193163800001234561751234567840810536789000", "341", 1638, "2026-11-22",
     "2026-11-22", "1234.56"),
    (f"{ITAU} 6 16770000123456", "34196167700001234561751234567840810536789000", "341", 1677, "2026-12-31",
     "2026-11-22", "1234.56"),
]  # fmt: skip
WATER = "836200000005 667800481000 180975657313 001589636081"
LIGHT = "85890000460-9 52460179160-5 60759305086-5 83148300001-0"


@pytest.mark.parametrize(("line", "bars", "bank", "factor", "due", "on", "amount"), VECTORS)
def test_a_known_boleto_says_the_same_by_its_line_and_by_its_bar_code(
    line: str, bars: str, bank: str, factor: int, due: str, on: str, amount: str
) -> None:
    boleto = read_boleto(line)
    assert isinstance(boleto, Boleto)
    assert boleto == read_boleto(bars) == read_boleto(re.sub(r"\D", "", line))
    assert (boleto.bar_code, boleto.line, boleto.bank, boleto.factor) == (bars, line, bank, factor)
    assert boleto.due(date.fromisoformat(on)) == date.fromisoformat(due)
    assert boleto.amount == Decimal(amount)


def test_the_same_factor_means_another_day_to_who_reads_it_later() -> None:
    last, first = (read_boleto(line) for line, *_ in VECTORS[6:8])
    assert isinstance(last, Boleto)
    assert isinstance(first, Boleto)
    assert last.due_candidates()[:2] == (date(2025, 2, 21), date(2049, 10, 13))
    assert last.due(date(2049, 10, 1)) == date(2049, 10, 13)
    assert first.due_candidates()[:2] == (date(2000, 7, 3), date(2025, 2, 22))
    assert first.due(date(2000, 7, 10)) == date(2000, 7, 3)


def test_a_day_that_no_cycle_is_near_to_is_not_guessed() -> None:
    boleto = read_boleto(VECTORS[0][0])
    assert isinstance(boleto, Boleto)
    with pytest.raises(BadInput, match="14/08/2009 or 05/04/2034 or 25/11/2058, each too far from 01/01/2018"):
        boleto.due(date(2018, 1, 1))


@given(st.integers(1000, 9999), st.dates(date(1999, 1, 1), date(2060, 1, 1)))
def test_a_due_date_that_is_told_is_one_of_the_candidates_and_the_only_near_one(factor: int, on: date) -> None:
    boleto = Boleto("", "341", factor, Decimal(0), "")
    near = [day for day in boleto.due_candidates() if -BEHIND <= (day - on).days <= AHEAD]
    assert len(near) <= 1
    if near:
        assert boleto.due(on) == near[0]
    else:
        with pytest.raises(BadInput):
            boleto.due(on)


def test_a_boleto_without_a_due_date_says_so() -> None:
    bars = "3419" + "0000" + "0000012345" + "1751234567840810536789000"
    wanted = mod11(bars[:4] + bars[4:])
    boleto = read_boleto(bars[:4] + str(wanted if wanted < 10 else 1) + bars[4:])
    assert isinstance(boleto, Boleto)
    assert boleto.due(date(2026, 1, 1)) is None
    assert boleto.due_candidates() == ()
    assert boleto.amount == Decimal("123.45")


def test_a_wrong_general_check_digit_is_named() -> None:
    with pytest.raises(BadInput, match="check digit of the whole boleto is 4 and should be 9"):
        read_boleto("23793.38128 60007.827136 95000.063305 4 75520000370000")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("34191.75134 34567.840813 05367.890000 1 43290000000000", "field 1 of the line"),
        ("34191.75124 34567.850813 05367.890000 1 43290000000000", "field 2 of the line"),
        ("34191.75124 34567.840813 05367.990000 1 43290000000000", "field 3 of the line"),
        ("836200000004 667800481000 180975657313 001589636081", "block 1 of the line"),
        ("836200000005 667800481000 180975657313 001589636082", "block 4 of the line"),
        ("83620000000667800481001809756573100158963609", "the whole document"),
        ("810" + "0" * 41, "its third digit is 0"),
        ("34191.75124", "it has 10 digits"),
        ("", "other than digits"),
        ("34191.75124 34567.840813 05367.890000 1 4329000000000O", "other than digits"),
    ],
)
def test_what_is_no_boleto_is_refused_with_the_place(text: str, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        read_boleto(text)


def _sealed(before: str, after: str) -> str:
    wanted = mod11(before + after)
    return before + str(wanted if wanted < 10 else 1) + after


def test_a_factor_or_a_currency_that_does_not_exist_is_refused() -> None:
    with pytest.raises(BadInput, match="factor is 0999"):
        read_boleto(_sealed("3419", "0999" + "0" * 10 + "1" * 25))
    with pytest.raises(BadInput, match="currency is 0"):
        read_boleto(_sealed("3410", "1000" + "0" * 10 + "1" * 25))


@given(st.integers(0, 999), st.integers(1000, 9999), st.integers(0, 10**10 - 1), st.integers(0, 10**25 - 1))
def test_every_boleto_can_be_written_and_read_again(bank: int, factor: int, cents: int, free: int) -> None:
    if bank // 100 == 8:  # a bar code that begins with 8 is one of arrecadação
        bank -= 800
    bars = _sealed(f"{bank:03d}9", f"{factor:04d}{cents:010d}{free:025d}")
    boleto = read_boleto(bars)
    assert isinstance(boleto, Boleto)
    assert read_boleto(boleto.line) == boleto
    assert boleto.amount * 100 == cents
    assert (boleto.free_field, boleto.bank) == (f"{free:025d}", f"{bank:03d}")


@given(st.integers(0, 46), st.integers(1, 9))
def test_no_single_mistyped_digit_of_a_line_passes(at: int, more: int) -> None:
    digits = re.sub(r"\D", "", VECTORS[3][0])
    wrong = digits[:at] + str((int(digits[at]) + more) % 10) + digits[at + 1 :]
    with pytest.raises(BadInput):
        read_boleto(wrong)


# --- arrecadação ------------------------------------------------------------------------------------------------------
def test_a_document_of_arrecadacao_is_read_under_either_modulus() -> None:
    water, light = read_boleto(WATER), read_boleto(LIGHT)
    assert isinstance(water, Collection)
    assert isinstance(light, Collection)
    assert water.bar_code == "83620000000667800481001809756573100158963608"
    assert (water.segment, water.amount) == ("3", Decimal("66.78"))
    assert (light.segment, light.amount) == ("5", Decimal("46052.46"))
    assert light.line == LIGHT
    assert water == read_boleto(water.bar_code) == read_boleto(water.line)


@pytest.mark.parametrize("value", "79")
def test_a_quantity_is_not_taken_for_reais(value: str) -> None:
    before, after = f"81{value}", "00000012345" + "0" * 29
    check = mod10(before + after) if value == "7" else str(mod11(before + after) % 11 % 10)
    found = read_boleto(before + check + after)
    assert isinstance(found, Collection)
    assert found.amount is None
    assert read_boleto(found.line) == found


def test_the_two_moduli_are_those_of_the_layout() -> None:
    assert mod10("341917512") == "4"
    assert mod10("01230067896") == "3"
    assert mod11("0123456789") == 11 - (9 * 2 + 8 * 3 + 7 * 4 + 6 * 5 + 5 * 6 + 4 * 7 + 3 * 8 + 2 * 9 + 1 * 2) % 11

"""Reais and centavos as people write and read them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import BadInput
from domain.money import LARGEST, cents, format_brl, parse_money

AMOUNTS = st.decimals(min_value=0, max_value=LARGEST, places=2)


@pytest.mark.parametrize(
    ("text", "reais"),
    [
        ("R$ 1.234,56", "1234.56"),
        ("R$\N{NO-BREAK SPACE}1.234,56", "1234.56"),
        ("r$1234,5", "1234.50"),
        ("1234.56", "1234.56"),
        ("1.234,56", "1234.56"),
        ("1234,5", "1234.50"),
        ("1.234.567", "1234567.00"),
        ("  10 ", "10.00"),
        ("0", "0.00"),
        ("9.999.999.999.999,99", "9999999999999.99"),
    ],
)
def test_an_amount_is_read_as_brazilians_and_spreadsheets_write_it(text: str, reais: str) -> None:
    assert str(parse_money(text)) == reais


@pytest.mark.parametrize("text", ["1.234", "1,234", "12.345", "R$ 123.456"])
def test_an_amount_that_can_be_read_in_two_ways_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="two ways"):
        parse_money(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "R$",
        "-10,00",
        "(10,00)",
        "10,00-",
        "1,2345",
        "10.123,456",
        "1234.567",
        "1,234.56",
        "12.34,56",
        "10 00",
        "NaN",
        "1e3",
        "dez reais",
        "١٠,٠٠",
        "+5",
        ",50",
        "R$ R$ 5",
    ],
)
def test_what_is_no_positive_amount_in_cents_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="write it like"):
        parse_money(text)


def test_an_amount_larger_than_can_be_stored_is_refused() -> None:
    with pytest.raises(BadInput, match="too large"):
        parse_money("10000000000000,00")


@pytest.mark.parametrize(
    ("value", "rounded"),
    [
        ("2.665", "2.67"),
        ("2.675", "2.68"),
        ("14.3333", "14.33"),
        ("-0.005", "-0.01"),
        ("-0.001", "0.00"),
        ("7", "7.00"),
    ],
)
def test_half_a_cent_is_rounded_up(value: str, rounded: str) -> None:
    assert str(cents(Decimal(value))) == rounded


@pytest.mark.parametrize(
    ("value", "text"),
    [("1234.56", "R$ 1.234,56"), ("2.665", "R$ 2,67"), ("0", "R$ 0,00"), ("-500", "-R$ 500,00")],
)
def test_an_amount_is_printed_with_an_ordinary_space(value: str, text: str) -> None:
    assert format_brl(Decimal(value)) == text


@given(AMOUNTS)
def test_what_is_printed_can_be_read_back(value: Decimal) -> None:
    assert parse_money(format_brl(value)) == value

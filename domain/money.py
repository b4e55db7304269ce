"""Reais and centavos: Decimal, never float."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal

from domain.errors import BadInput

ZERO = Decimal("0.00")
CENT = Decimal("0.01")
LARGEST = Decimal("9999999999999.99")
"""The largest amount that is stored: NUMERIC(15, 2)."""

_BRAZILIAN = str.maketrans(",.", ".,")
_GROUPED = re.compile(r"[0-9]{1,3}(?:\.[0-9]{3})+(?:,[0-9]{1,2})?")
_PLAIN = re.compile(r"[0-9]+(?:[.,][0-9]{1,2})?")
_AMBIGUOUS = re.compile(r"[0-9]{1,3}[.,][0-9]{3}")


def cents(value: Decimal) -> Decimal:
    """The amount in reais rounded half-up to whole centavos, as banks do on a boleto; never minus zero."""
    return value.quantize(CENT, rounding=ROUND_HALF_UP) + ZERO


def parse_money(text: str) -> Decimal:
    """Reais from what people and spreadsheets write: `R$ 1.234,56`, `1.234,56`, `1234.56`, `1234,5`.

    BadInput for anything that is negative, has more than two decimals or can be read in two ways (`1.234`).
    """
    bare = re.sub(r"^R\$", "", text.strip(), flags=re.IGNORECASE).strip()
    if _AMBIGUOUS.fullmatch(bare):
        raise BadInput(f"amount {text!r} can be read in two ways; write 1.234,00 or 1,23")
    if not _GROUPED.fullmatch(bare) and not _PLAIN.fullmatch(bare):
        raise BadInput(
            f"amount {text!r} is not an amount in reais; write it like 1.234,56, positive, two decimals at most"
        )
    decimal_comma = "," in bare or bare.count(".") > 1
    value = Decimal(bare.replace(".", "").replace(",", ".") if decimal_comma else bare)
    if value > LARGEST:
        raise BadInput(f"amount {text!r} is too large; the largest is {format_brl(LARGEST)}")
    return cents(value)


def format_brl(value: Decimal) -> str:
    """`R$ 1.234,56`, rounded half-up, with an ordinary space, so that it also fits an SMS and a plain-text search.

    By hand: the core formats every line of every memory of calculation; a locale library takes fifteen times as long.
    """
    amount = cents(value)
    figures = f"{abs(amount):,.2f}".translate(_BRAZILIAN)
    return f"-R$ {figures}" if amount < 0 else f"R$ {figures}"

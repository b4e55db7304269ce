"""The updated debt for anybody who asks, without a case."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from domain.debt import Charges, Debt, updated_debt
from domain.errors import BadInput
from domain.money import parse_money
from starter.forms import parse_day


def debt(principal: str, due: str, on: str, fine: str, interest: str, consumer: bool) -> dict[str, Any]:
    """The debt on a day from what people write: reais, days, per cents. Raises `BadInput`."""
    charges = Charges(_percent(fine, "--fine"), _percent(interest, "--interest"), "command line")
    days = parse_day(due, "--due"), parse_day(on, "--on")
    return as_data(updated_debt(parse_money(principal), *days, charges, consumer=consumer))


def as_data(found: Debt) -> dict[str, Any]:
    """A debt as lists and screens show it: its parts in reais, and the memory of calculation."""
    names = ("total", "principal", "fine", "interest", "paid", "reduced", "credit", "days_late")
    memory = [{"name": line.name_pt, "detail": line.detail_pt, "amount": line.amount} for line in found.lines]
    return {name: getattr(found, name) for name in names} | {"memory": memory}


def _percent(text: str, name: str) -> Decimal:
    try:
        value = Decimal(text.strip().removesuffix("%").strip().replace(",", "."))
    except InvalidOperation:
        value = Decimal(-1)
    if not 0 <= value <= 100:
        raise BadInput(f"{name} {text!r} is not a per cent; write it like 2 or 0,5")
    return value

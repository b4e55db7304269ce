"""What a contact costs: the provider's own price once it is known, an estimate until then (`data/contact_prices.csv`).

Prices serve the budget of a case and the eyes of staff, not bookkeeping: foreign ones are taken at a house rate
(`data/exchange.csv`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from domain.data import table
from domain.money import ZERO, cents

_BEFORE_IT_IS_WRITTEN = 2
"""Segments that an SMS is reckoned with before its text is there; most of ours take one or two."""


@dataclass(frozen=True)
class Spent:
    """One contact as far as it cost something; `price` (None: not known yet) is in `currency` (ISO 4217)."""

    channel: str
    segments: int
    price: Decimal | None = None
    currency: str = ""


def estimate(channel: str, segments: int = _BEFORE_IT_IS_WRITTEN) -> Decimal:
    """What one contact will cost, in reais; nothing where the table has no such channel (a visit, a logged letter)."""
    unit, reais = _prices().get(channel, ("message", ZERO))
    return reais * max(segments, 1) if unit == "segment" else reais


def cost(contact: Spent) -> Decimal:
    """What one contact cost, in reais: its price where it is known in a currency that the table has."""
    rate = _rates().get(contact.currency)
    if contact.price is None or rate is None:
        return estimate(contact.channel, contact.segments)
    return abs(contact.price) * rate  # Twilio writes what it charges as a negative number


def total(contacts: Iterable[Spent]) -> Decimal:
    """What contacts cost together, in reais and cents."""
    return cents(sum((cost(contact) for contact in contacts), ZERO))


def too_dear(contacts: Iterable[Spent], limit: Decimal | None) -> frozenset[str]:
    """The channels by which one more contact would pass the limit (reais; None is no limit)."""
    if limit is None:
        return frozenset()
    spent = sum((cost(contact) for contact in contacts), ZERO)
    return frozenset(channel for channel in _prices() if spent + estimate(channel) > limit)


@cache
def _prices() -> dict[str, tuple[str, Decimal]]:
    return {row["channel"]: (row["unit"], Decimal(row["reais"])) for row in table("contact_prices")}


@cache
def _rates() -> dict[str, Decimal]:
    return {row["currency"]: Decimal(row["reais"]) for row in table("exchange")}

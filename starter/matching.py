"""Giving a payment that nobody could match to its case, or to several."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from activities.money import assign, split
from domain.errors import BadInput
from domain.money import parse_money
from starter.actions import Clerk, Outcome
from starter.installation import Installation, installation
from starter.lookup import find_case, find_payment
from starter.people import require_active


def match(payment: str, case: str, parts: Sequence[str], creditor: str, by: str) -> list[Outcome]:
    """Match a payment to a case, or with `parts` (`CASE=AMOUNT`) to several; what each case answered.

    Payment and cases are named as on the command line. Raises `BadInput`, `Refused`; then nothing was changed.
    """
    if bool(case) == bool(parts):
        raise BadInput("match: name one case, or several with --split CASE=AMOUNT; one of the two")
    with installation() as house:
        told = _store(house, payment, case, parts, creditor, by)
        return asyncio.run(_ask(house, told))


def _store(
    house: Installation, payment: str, case: str, parts: Sequence[str], creditor: str, by: str
) -> list[tuple[UUID, UUID]]:
    """Cases with the facts that they are to be told."""
    with house.engine.begin() as conn:
        require_active(conn, by)
        money = find_payment(conn, payment)
        if case:
            owner = find_case(conn, case, creditor)
            return [(owner.id, assign(conn, money.id, owner.id, by, house.now))]
        named = [(find_case(conn, name, creditor).id, amount) for name, amount in map(_part, parts)]
        facts = split(conn, money.id, named, by, house.now)
    return list(zip((case_id for case_id, _ in named), facts, strict=True))


def _part(text: str) -> tuple[str, Decimal]:
    name, found, amount = text.rpartition("=")
    if not found or not name.strip():
        raise BadInput(f"--split {text!r}: write a case and its amount, like 3f2a9c1e=500,00")
    return name.strip(), parse_money(amount)


async def _ask(house: Installation, told: Sequence[tuple[UUID, UUID]]) -> list[Outcome]:
    clerk = Clerk(house)
    return [await clerk.ask(case_id, fact) for case_id, fact in told]

"""Giving a payment that nobody could match to its case."""

from __future__ import annotations

import asyncio

from starter.actions import Clerk, Outcome
from starter.importing.payments import match_payment
from starter.installation import installation
from starter.lookup import find_case, find_payment
from starter.people import require_active


def match(payment: str, case: str, creditor: str, by: str) -> Outcome:
    """Match a payment to a case, both named as on the command line; the case's answer. Raises `BadInput`, `Refused`."""
    with installation() as house:
        with house.engine.connect() as conn:
            require_active(conn, by)
            row, owner = find_payment(conn, payment), find_case(conn, case, creditor)
        fact_id = match_payment(house.engine, row.id, owner.id, by, house.now)
        return asyncio.run(Clerk(house).ask(owner.id, fact_id))

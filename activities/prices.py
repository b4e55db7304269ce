"""What contacts really cost: asked of the provider some time after a message has gone out, until it knows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row, or_, select, update

from activities.world import World
from db.rows import CONTACT
from domain.errors import ProviderError, Unavailable

PRICED = ("sms", "whatsapp", "voice")
"""Channels whose provider puts a price on each contact; an e-mail is part of a flat rate."""
NOT_BEFORE = timedelta(minutes=10)
"""Real time after which a provider is asked: by then most messages have come to their end."""
AGAIN_AFTER = timedelta(hours=6)
NOT_AFTER = timedelta(days=5)
"""What is not priced by then never will be; the estimate stands."""


def fetch_prices(world: World, limit: int) -> int:
    """Ask for the prices of up to `limit` contacts that have none yet; returns how many were found.

    A contact is marked before it is asked for, so that two sweeps do not ask twice. A provider that is away is asked
    again with the next sweep that finds the contact due.
    """
    found = 0
    for row in _due(world, limit):
        try:
            price = world.sms.price(row.provider_id)
        except Unavailable:
            break
        except ProviderError:
            continue
        if price:
            found += 1
            values = {"price": price.amount, "currency": price.currency, "segments": price.segments or row.segments}
            with world.engine.begin() as conn:
                conn.execute(update(CONTACT).where(CONTACT.c.id == row.id).values(**values))
    return found


def _due(world: World, limit: int) -> Sequence[Row[Any]]:
    now = datetime.now(UTC)
    unpriced = CONTACT.c.price.is_(None) & CONTACT.c.channel.in_(PRICED) & (CONTACT.c.provider_id != "")
    asked = or_(CONTACT.c.price_asked_at.is_(None), CONTACT.c.price_asked_at < now - AGAIN_AFTER)
    due = (
        select(CONTACT.c.id)
        .where(unpriced, CONTACT.c.accepted_at.between(now - NOT_AFTER, now - NOT_BEFORE), asked)
        .order_by(CONTACT.c.accepted_at)
        .limit(limit)
        .with_for_update(skip_locked=True, key_share=True)
    )
    marked = update(CONTACT).where(CONTACT.c.id.in_(due.scalar_subquery())).values(price_asked_at=now)
    told = (CONTACT.c.id, CONTACT.c.provider_id, CONTACT.c.segments, CONTACT.c.accepted_at)
    with world.engine.begin() as conn:
        return sorted(conn.execute(marked.returning(*told)).all(), key=lambda row: row.accepted_at)

"""Confirmations to whoever wrote, outside every case: intent before the call, its outcome after, one per message.

They go to people who asked for silence and to strangers, so they take no budget, name no debt and wait for lawful hours
only (promise 1). A try of unknown fate is looked up before another is made, as for every message (promise 4).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid5

from sqlalchemy import Connection, Row, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from activities import outbox
from activities.correspondents import may_answer_freely
from activities.world import World
from db.rows import CREDITOR, NEUTRAL_ANSWER
from db.settings import CreditorSettings
from domain.errors import Refused
from domain.hours import first_lawful
from domain.policy import DEFAULT_CONTACT
from letters.models import Channel, Message
from letters.neutral import render_neutral

CHANNELS = frozenset({"email", "sms", "whatsapp"})
"""Channels of confirmations. By WhatsApp they answer within the 24 hours in which no template is needed, or not at all.
"""
LATE = "outside-window"
"""Code of an answer by WhatsApp that came to its turn too late."""
_STATES = {"accepted": "accepted", "not-sent": "waiting", "unknown": "in-flight"}
"""What a verdict makes of an answer; every other ends it."""


def intend(
    conn: Connection,
    message: Row[Any],
    creditor: Row[Any],
    name: str,
    text_id: str,
    uf: str,
    now: datetime,
    wish: str = "",
) -> bool:
    """Write the intent of one confirmation, unless this address has had it already. `now` is business time, aware.

    `name` is who writes, "" where that could be several creditors; `uf` is where whoever wrote lives, as far as it is
    known. `wish` is what he asked for, where the text confirms that: each wish is confirmed. False where nothing will
    be sent.
    """
    if message.channel not in CHANNELS or (not wish and _confirmed(conn, message, text_id)):
        return False
    channel = cast(Channel, message.channel)
    answer_id = uuid5(message.id, text_id)
    reference = outbox.short_ref(answer_id)
    text = render_neutral(text_id, channel, name, reference, wish)
    try:
        at = first_lawful(now, uf, channel, DEFAULT_CONTACT)
    except Refused:
        return False
    row = {
        "id": answer_id, "inbound_id": message.id, "creditor_id": creditor.id,
        "channel": message.channel, "address": message.sender, "text_id": text_id, "subject": text.subject,
        "body": text.text, "short_ref": reference, "state": "waiting", "attempt": 0, "provider_id": "", "code": "",
        "not_before": at,
    }  # fmt: skip
    conn.execute(upsert(NEUTRAL_ANSWER).values(row).on_conflict_do_nothing(index_elements=["inbound_id"]))
    return True


def _confirmed(conn: Connection, message: Row[Any], text_id: str) -> bool:
    """Once is enough: who asks for silence twice is not written to again."""
    had = select(NEUTRAL_ANSWER.c.id).where(
        NEUTRAL_ANSWER.c.address == message.sender, NEUTRAL_ANSWER.c.text_id == text_id,
        NEUTRAL_ANSWER.c.state != "failed",
    )  # fmt: skip
    return conn.execute(had.limit(1)).first() is not None


def send_waiting(world: World, limit: int) -> int:
    """Send up to `limit` confirmations whose time has come; returns how many a provider accepted."""
    now = world.now()
    due = (NEUTRAL_ANSWER.c.state == "waiting") & (NEUTRAL_ANSWER.c.not_before <= now)
    with world.engine.connect() as conn:
        query = select(NEUTRAL_ANSWER.c.id).where(due | _forgotten(world)).order_by(NEUTRAL_ANSWER.c.not_before)
        ids = conn.execute(query.limit(limit)).scalars().all()
    return sum(_send(world, answer) for answer in ids)


def _forgotten(world: World) -> Any:
    """A try whose process died, or whose outcome is not known, is taken up again when the waiting time is over."""
    old = datetime.now(UTC) - timedelta(seconds=world.unknown_for)
    return (NEUTRAL_ANSWER.c.state == "in-flight") & (NEUTRAL_ANSWER.c.tried_last < old)


def _send(world: World, answer_id: UUID) -> bool:
    out = _begin(world, answer_id)
    if out is None:
        return False
    result = outbox.dispatch(world, out)
    state = _STATES.get(result.verdict, "failed")
    settled = datetime.now(UTC) if state in ("accepted", "failed") else None
    values = {"state": state, "provider_id": result.provider_id, "code": result.code, "settled_at": settled}
    if result.verdict == "not-sent":  # it surely did not go out: there is no try whose fate is unknown
        values |= {"tried_since": out.tried_since, "tried_last": out.tried_last}
    with world.engine.begin() as conn:
        own = (NEUTRAL_ANSWER.c.id == answer_id) & (NEUTRAL_ANSWER.c.attempt == out.attempt)
        conn.execute(update(NEUTRAL_ANSWER).where(own, NEUTRAL_ANSWER.c.state == "in-flight").values(values))
    return state == "accepted"


def _begin(world: World, answer_id: UUID) -> outbox.Outgoing | None:
    """Write down that a try is about to be made; None where another process makes it."""
    now = datetime.now(UTC)
    open_ = (NEUTRAL_ANSWER.c.state == "waiting") | _forgotten(world)
    with world.engine.begin() as conn:
        claimed = select(NEUTRAL_ANSWER).where(NEUTRAL_ANSWER.c.id == answer_id, open_)
        row = conn.execute(claimed.with_for_update(skip_locked=True)).one_or_none()
        if row is None:
            return None
        if row.channel == "whatsapp" and not may_answer_freely(conn, row.address):
            late = {"state": "failed", "code": LATE, "settled_at": now}
            conn.execute(update(NEUTRAL_ANSWER).where(NEUTRAL_ANSWER.c.id == answer_id).values(late))
            return None
        creditor = conn.execute(select(CREDITOR).where(CREDITOR.c.id == row.creditor_id)).one()
        tried = {"state": "in-flight", "attempt": row.attempt + 1, "tried_last": now}
        own = NEUTRAL_ANSWER.c.id == answer_id
        conn.execute(update(NEUTRAL_ANSWER).where(own).values(tried | {"tried_since": row.tried_since or now}))
    return outbox.Outgoing(
        contact_id=row.id,
        channel=row.channel,
        to=row.address,
        senders=CreditorSettings.model_validate(creditor.settings),
        reply_to=creditor.email,
        message=Message(row.subject, row.body, None),
        short_ref=row.short_ref,
        attempt=row.attempt + 1,
        tried_since=row.tried_since,
        tried_last=row.tried_last,
    )

"""What the bank tells us of Pix that came in: read strictly, stored and counted in one transaction, then answered."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Engine
from sqlalchemy.dialects.postgresql import insert as upsert

from activities.pix_poll import ask_whose, by_owner, owners_of, take_received
from db.rows import WEBHOOK_EVENT
from domain.clock import Clock
from domain.errors import BadInput
from domain.money import ZERO
from gateways.pix import Received, read_received
from starter.calls import json_of

_END_TO_END = re.compile(r"[0-9A-Za-z]{32}")
_TXID = re.compile(r"[0-9A-Za-z]{0,35}")
_RETURN = re.compile(r"[0-9A-Za-z]{1,35}")


def read_notice(body: bytes) -> list[Received]:
    """The Pix of a call (schema WebhookPixBody); none of a call that only tries the address. BadInput for all else.

    Ids have the spec's form: they become references, and what stands in the ledger for ever can be no text.
    """
    try:
        content = json_of(body)
    except ValueError:
        raise BadInput('Pix webhook: the body is not JSON; send {"pix": [...]}') from None
    if not isinstance(content, dict) or not isinstance(content.get("pix", []), list):
        raise BadInput('Pix webhook: there is no list `pix`; send {"pix": [...]}')
    received = [read_received(item) for item in content.get("pix", [])]
    if not all(map(_sound, received)):
        raise BadInput("Pix webhook: an id has not the form of the API, or a Pix moves nothing; nothing was changed")
    return received


def _sound(received: Received) -> bool:
    ids = _END_TO_END.fullmatch(received.end_to_end_id) and _TXID.fullmatch(received.txid)
    return bool(ids) and received.amount > ZERO and all(_RETURN.fullmatch(refund.id) for refund in received.refunds)


def keep(engine: Engine, clock: Clock, received: Sequence[Received]) -> list[UUID]:
    """Store the calls that are new and take their money in; the facts to be told. The same call again does nothing.

    Raises SQLAlchemy's errors; then nothing was stored, and the bank calls again.
    """
    now = clock.business(datetime.now(UTC))
    with engine.begin() as conn:
        fresh = _store(conn, received, now)
        owners = owners_of(conn, fresh)
        ask_whose(conn, [each for each in fresh if each.end_to_end_id not in owners], now)
        groups = by_owner(owners, fresh)
        return [fact for owner, group in groups.items() for fact in take_received(conn, owner, group, now).facts]


def _store(conn: Connection, received: Sequence[Received], now: datetime) -> list[Received]:
    """Store what is told for the first time, without key and text: both can name a person."""
    rows = {_event_key(each): (_row(each, now), each) for each in received}
    if not rows:
        return []
    once = upsert(WEBHOOK_EVENT).on_conflict_do_nothing(index_elements=["provider", "event_key"])
    values = [row for row, _ in sorted(rows.values(), key=lambda pair: str(pair[0]["event_key"]))]
    stored = set(conn.execute(once.returning(WEBHOOK_EVENT.c.event_key), values).scalars())
    return [each for key, (_, each) in rows.items() if key in stored]


def _event_key(received: Received) -> str:
    """The Pix with the state of its returns: a return that comes to its end is news of the same Pix."""
    returns = sorted(f"{refund.rtr_id}:{refund.state}:{refund.amount}" for refund in received.refunds)
    told = "|".join([str(received.amount), received.txid, *returns])
    return f"{received.end_to_end_id}:{hashlib.sha256(told.encode()).hexdigest()[:16]}"


def _row(received: Received, now: datetime) -> dict[str, Any]:
    body = {"endToEndId": received.end_to_end_id, "txid": received.txid, "valor": str(received.amount)}
    returns = " ".join(f"{refund.id}:{refund.amount}:{refund.state}" for refund in received.refunds)
    return {
        "id": uuid4(), "provider": "pix", "event_key": _event_key(received), "contact_id": None,
        "event": "returned" if received.refunds else "received", "code": "",
        "body": body | {"horario": received.at.isoformat()} | ({"devolucoes": returns} if returns else {}),
        "received_at": datetime.now(UTC), "business_at": received.at, "taken_at": now,
    }  # fmt: skip

"""What the providers tell us: status callbacks of Twilio and the event webhook of SendGrid. `python -m starter.webhooks`.

A call is verified, stored and answered; only then is its meaning applied. What cannot be applied now, or whose process
dies, is applied by the sweep. Of personal data nothing is kept: no address, no number, no text.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID, uuid4

import structlog
import uvicorn
from fastapi import FastAPI, HTTPException, Request, Response
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Engine
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import SQLAlchemyError
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData

from activities.courier import Courier, threadsafe
from activities.delivery import apply_stored
from db.embedded import EmbeddedPostgres
from db.engine import make_engine, read_clock
from db.rows import WEBHOOK_EVENT
from domain.clock import Clock
from domain.errors import BadInput
from gateways import signatures
from gateways.logs import configure_logs
from gateways.settings import Settings, load_settings
from gateways.temporal import connect, settle

Deliver = Callable[[Sequence[UUID]], None]

TWILIO_LIMIT = 64 * 1024
SENDGRID_LIMIT = 1024 * 1024
"""Bytes of a body; a larger one is refused before it is read to its end."""

_TWILIO_KEPT = ("MessageSid", "MessageStatus", "ErrorCode", "MessagingServiceSid", "RawDlrDoneDate")
_SENDGRID_KEPT = ("sg_event_id", "sg_message_id", "event", "type", "status", "bounce_classification")
_WORD = re.compile(r"[\x20-\x7e]{1,200}")
_EVENTS = TypeAdapter(list[dict[str, Any]])
_PAUSE = 2.0  # seconds between two attempts to reach Temporal

log = structlog.get_logger("webhooks")


def create_app(engine: Engine, settings: Settings, clock: Clock, deliver: Deliver) -> FastAPI:
    """The receiver. `deliver` is called, in a thread, with the ids of the facts that events brought about.

    Answers: 204 stored (or known already); 400 signed, but not what the provider sends; 403 not signed by the provider,
    or signed long ago; 413 too large; 503 the database is away, the provider shall call again.
    """
    app = FastAPI(title="Régua webhooks", docs_url=None, redoc_url=None, openapi_url=None)

    @app.post("/webhooks/twilio/status")
    async def twilio_status(request: Request) -> Response:
        """Twilio's form about one message; the contact is the `send_id` in the query."""
        form = _form(await _body(request, TWILIO_LIMIT))
        token = settings.twilio_auth_token.get_secret_value()
        headers = request.headers
        signed = headers.get("X-Twilio-Signature"), headers.get("X-Twilio-Webhooks-Signature-Settings")
        if not token or not signatures.twilio(token, _called_url(request, settings), form, *signed):
            raise HTTPException(403)
        return await keep([_of_twilio(form, request.query_params.get("send_id"))])

    @app.post("/webhooks/sendgrid")
    async def sendgrid_events(request: Request) -> Response:
        """SendGrid's list of events; the contact is the custom argument `send_id` of each."""
        body = await _body(request, SENDGRID_LIMIT)
        signature = request.headers.get("X-Twilio-Email-Event-Webhook-Signature")
        timestamp = request.headers.get("X-Twilio-Email-Event-Webhook-Timestamp")
        key = settings.sendgrid_webhook_public_key
        if not signatures.sendgrid(key, body, signature, timestamp, datetime.now(UTC)):
            raise HTTPException(403)
        try:
            return await keep([_of_sendgrid(fields) for fields in _EVENTS.validate_json(body)])
        except ValidationError:
            raise HTTPException(400) from None

    async def keep(events: list[dict[str, Any]]) -> Response:
        try:
            fresh = await run_in_threadpool(_store, engine, clock, events)
        except SQLAlchemyError:
            log.warning("events not stored, the provider shall call again", exc_info=True)
            raise HTTPException(503) from None
        return Response(status_code=204, background=BackgroundTask(apply, fresh))

    def apply(events: Sequence[UUID]) -> None:
        deliver(apply_stored(engine, clock, events))

    return app


# --- reading ---------------------------------------------------------------------------------------------------------
async def _body(request: Request, limit: int) -> bytes:
    """The body; HTTP 413 as soon as it is known to be larger than `limit` bytes."""
    declared = request.headers.get("Content-Length", "")
    if declared.isdecimal() and int(declared[:20]) > limit:
        raise HTTPException(413)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise HTTPException(413)
    return bytes(body)


def _form(body: bytes) -> FormData:
    try:
        return FormData(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=200))
    except ValueError:
        raise HTTPException(400) from None


def _called_url(request: Request, settings: Settings) -> str:
    """The address as Twilio called it: behind a proxy only the settings know it."""
    if not settings.public_url:
        return str(request.url)
    query = request.url.query
    return f"{settings.public_url}{request.url.path}" + (f"?{query}" if query else "")


def _of_twilio(form: FormData, send_id: str | None) -> dict[str, Any]:
    """One event from a status callback, keyed by message and status. Twilio gives no time that can be relied on."""
    message, status = _word(form.get("MessageSid")), _word(form.get("MessageStatus"))
    if not message or not status:
        raise HTTPException(400)
    return {
        "provider": "twilio",
        "event_key": f"{message}:{status}",
        "contact_id": _contact_id(send_id),
        "event": status,
        "code": _word(form.get("ErrorCode")),
        "body": _kept(form, _TWILIO_KEPT),
        "happened_at": None,
    }


def _of_sendgrid(fields: Mapping[str, Any]) -> dict[str, Any]:
    """One event of an event webhook, keyed by SendGrid's own id of it."""
    key, event = _word(fields.get("sg_event_id")), _word(fields.get("event"))
    if not key or not event:
        raise HTTPException(400)
    code = _sendgrid_code(event, fields)
    return {
        "provider": "sendgrid",
        "event_key": key,
        "contact_id": _contact_id(fields.get("send_id")),
        "event": event,
        "code": code,
        "body": _kept(fields, _SENDGRID_KEPT),
        "happened_at": fields.get("timestamp"),
    }

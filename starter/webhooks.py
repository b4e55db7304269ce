"""What the providers tell us: Twilio's status callbacks, SendGrid's events, Pix received. `python -m starter.webhooks`.

A call is verified, stored and answered; only then is its meaning applied. What cannot be applied now, or whose process
dies, is applied by the sweep. Of personal data nothing is kept here: no address, no number, no text. What debtors write
back has doors of its own, `starter.inbound`.
"""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import structlog
import uvicorn
from fastapi import FastAPI, HTTPException, Request, Response
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Engine
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool

from activities.calls import RECORDED
from activities.channels import CALLS
from activities.courier import Courier, threadsafe
from activities.delivery import apply_stored
from db.embedded import EmbeddedPostgres
from db.engine import make_engine, read_clock
from db.rows import WEBHOOK_EVENT
from domain.clock import Clock
from domain.delivery_codes import CODES
from domain.errors import BadInput
from gateways import signatures
from gateways.logs import configure_logs
from gateways.settings import Settings, load_settings, temporal_config
from gateways.temporal import connect
from starter import inbound, partner_webhook, phone, pix_webhook, webhook_metrics
from starter.calls import Form, body_of

Deliver = Callable[[Sequence[UUID]], None]

TWILIO_LIMIT = phone.LIMIT
SENDGRID_LIMIT = PIX_LIMIT = 1024 * 1024
"""Bytes of a body; a larger one is refused before it is read to its end."""

_TWILIO_KEPT = ("MessageSid", "MessageStatus", "ErrorCode", "MessagingServiceSid", "RawDlrDoneDate")
_CALL_KEPT = ("CallSid", "CallStatus", "AnsweredBy", "CallDuration", "RecordingSid", "RecordingDuration")
_SENDGRID_KEPT = ("sg_event_id", "sg_message_id", "event", "type", "status", "bounce_classification")
_WORD = re.compile(r"[\x20-\x7e]{1,200}")
_LIST = TypeAdapter(list[dict[str, Any]])
_PAUSE = 2.0  # seconds between two attempts to reach Temporal

log = structlog.get_logger("webhooks")


@dataclass(frozen=True)
class Event:
    """One event as it is kept: whatever the provider sent that is not personal, and its own key for it."""

    key: str
    send_id: object
    event: str
    code: str
    body: dict[str, str]
    timestamp: object = None


Keep = Callable[[str, Sequence[Event]], Awaitable[Response]]


def _listening() -> dict[str, bool]:
    return {"listening": True}


def create_app(engine: Engine, settings: Settings, clock: Clock, deliver: Deliver) -> FastAPI:
    """The receiver. `deliver` is called, in a thread, with the ids of the facts that events brought about.

    Answers: 204 (Pix: 200) stored, now or before; 400 signed, but not what the provider sends; 403 not signed by the
    provider, or too long ago; 413 too large; 503 the database is away and the provider shall call again.
    """
    app = FastAPI(title="Régua webhooks", docs_url=None, redoc_url=None, openapi_url=None)

    app.add_api_route("/health", _listening)

    @app.post("/webhooks/sendgrid")
    async def sendgrid_events(request: Request) -> Response:
        body, headers = await body_of(request, SENDGRID_LIMIT), request.headers
        signature = headers.get("X-Twilio-Email-Event-Webhook-Signature")
        timestamp = headers.get("X-Twilio-Email-Event-Webhook-Timestamp")
        key = settings.sendgrid_webhook_public_key
        if not signatures.sendgrid(key, body, signature, timestamp, datetime.now(UTC)):
            raise HTTPException(403)
        try:
            listed = _LIST.validate_json(body)
        except ValidationError:
            raise HTTPException(400) from None
        return await keep("sendgrid", [_of_sendgrid(fields) for fields in listed])

    async def keep(provider: str, events: Sequence[Event]) -> Response:
        if not all(event.key and event.event for event in events):
            raise HTTPException(400)
        try:
            fresh = await run_in_threadpool(_store, engine, clock, provider, events)
        except SQLAlchemyError:
            log.warning("events not stored, the provider shall call again", provider=provider, exc_info=True)
            raise HTTPException(503) from None
        return Response(status_code=204, background=BackgroundTask(apply, fresh))

    def apply(events: Sequence[UUID]) -> None:
        deliver(apply_stored(engine, clock, events))

    _twilio(app, settings, keep)
    _pix(app, engine, settings, clock, deliver)
    inbound.mount(app, engine, settings, clock, deliver)
    phone.mount(app, engine, settings, clock, deliver)
    partner_webhook.mount(app, engine, settings, clock, deliver)
    return app


def _twilio(app: FastAPI, settings: Settings, keep: Keep) -> None:
    """Reports on messages, calls and recordings. `keep` stores events and answers."""

    @app.post("/webhooks/twilio/status")
    async def twilio_status(request: Request) -> Response:
        form = await phone.signed_form(request, settings)
        return await keep("twilio", [_of_twilio(form, request.query_params.get("send_id"))])

    @app.post(f"{CALLS}/status")
    async def call_status(request: Request) -> Response:
        form = await phone.signed_form(request, settings)
        return await keep("twilio", [_of_call(form, request.query_params.get("send_id"))])

    @app.post(f"{CALLS}/recording")
    async def call_recording(request: Request) -> Response:
        form = await phone.signed_form(request, settings)
        return await keep("twilio", [_of_recording(form, request.query_params.get("send_id"))])


def _pix(app: FastAPI, engine: Engine, settings: Settings, clock: Clock, deliver: Deliver) -> None:
    """The address that the bank is told of, which proves itself by a secret in it or by a signature.

    The money is counted before the answer, so that a call that was answered need not come again.
    """

    # A bank adds /pix to the address that it was told.
    @app.post("/webhooks/pix")
    @app.post("/webhooks/pix/pix")
    async def pix_signed(request: Request) -> Response:
        body = await body_of(request, PIX_LIMIT)
        secret = settings.pix_webhook_secret.get_secret_value()
        if not signatures.pix(secret, body, request.headers.get("X-Pix-Signature")):
            raise HTTPException(403)
        return await keep_pix(body)

    @app.post("/webhooks/pix/{token}")
    @app.post("/webhooks/pix/{token}/pix")
    async def pix_by_secret_address(request: Request, token: str) -> Response:
        if not signatures.same(token, settings.pix_webhook_token.get_secret_value()):
            raise HTTPException(403)
        return await keep_pix(await body_of(request, PIX_LIMIT))

    async def keep_pix(body: bytes) -> Response:
        try:
            facts = await run_in_threadpool(pix_webhook.keep, engine, clock, pix_webhook.read_notice(body))
        except BadInput:
            raise HTTPException(400) from None
        except SQLAlchemyError:
            log.warning("Pix not stored, the bank shall call again", exc_info=True)
            raise HTTPException(503) from None
        return Response(status_code=200, background=BackgroundTask(deliver, facts))


# --- reading ---------------------------------------------------------------------------------------------------------
def _of_twilio(form: Form, send_id: str | None) -> Event:
    """One event from a status callback, keyed by message and status. It has no time that can be relied on."""
    message, status = _word(form.get("MessageSid")), _word(form.get("MessageStatus"))
    code = _word(form.get("ErrorCode"))
    kept = _kept(form, _TWILIO_KEPT)
    return Event(
        f"{message}:{status}" if message and status else "", send_id, status, code if code.isdecimal() else "", kept
    )


def _of_call(form: Form, send_id: str | None) -> Event:
    """One event from a report on a call, keyed by call and status; of one that was taken, whether by a machine."""
    call, status = _word(form.get("CallSid")), _word(form.get("CallStatus"))
    event, sip = status, _word(form.get("SipResponseCode"))
    if status == "completed" and _word(form.get("AnsweredBy")).startswith(("machine", "fax")):
        event = "answered-by-machine"
    code = f"sip-{sip}" if status == "failed" and sip.isdecimal() else ""
    return Event(f"{call}:{status}" if call and status else "", send_id, event, code, _kept(form, _CALL_KEPT))


def _of_recording(form: Form, send_id: str | None) -> Event:
    """One event from a report on a recording; the sound itself is fetched by the sweep."""
    recording, status = _word(form.get("RecordingSid")), _word(form.get("RecordingStatus"))
    event = RECORDED if status == "completed" else f"{RECORDED}-{status}"
    return Event(f"{recording}:{status}" if recording and status else "", send_id, event, "", _kept(form, _CALL_KEPT))


def _of_sendgrid(fields: Mapping[str, Any]) -> Event:
    """One event of the event webhook, keyed by SendGrid's own id of it."""
    key, event, kept = _word(fields.get("sg_event_id")), _word(fields.get("event")), _kept(fields, _SENDGRID_KEPT)
    return Event(key, fields.get("send_id"), event, _sendgrid_code(event, fields), kept, fields.get("timestamp"))


def _sendgrid_code(event: str, fields: Mapping[str, Any]) -> str:
    """Why a message was returned or dropped, as a code. The reason itself is a text that may quote the address."""
    if event == "bounce":
        return "blocked" if fields.get("type") == "blocked" else "bounce"
    reason = _word(fields.get("reason")).lower().replace(" ", "-")
    return reason if event == "dropped" and reason in CODES else ""


def _word(value: object) -> str:
    """A short printable text, or nothing: what else a provider may send does not reach the database."""
    return value if isinstance(value, str) and _WORD.fullmatch(value) else ""


def _kept(fields: Mapping[str, Any], names: Sequence[str]) -> dict[str, str]:
    return {name: word for name in names if (word := _word(fields.get(name)))}


# --- storing ---------------------------------------------------------------------------------------------------------
def _store(engine: Engine, clock: Clock, provider: str, events: Sequence[Event]) -> list[UUID]:
    """Store the events that are not stored yet; returns, in order, the ids of those about a contact of ours."""
    now = datetime.now(UTC)
    rows: dict[UUID, dict[str, Any]] = {
        (event_id := uuid4()): {
            "id": event_id,
            "provider": provider,
            "event_key": event.key,
            "contact_id": (contact := _uuid(event.send_id)),
            "event": event.event,
            "code": event.code,
            "body": event.body,
            "received_at": now,
            "business_at": clock.business(_happened(event.timestamp, now)),
            "taken_at": None if contact else now,
        }
        for event in events
    }
    if not rows:
        return []
    unknown = upsert(WEBHOOK_EVENT).on_conflict_do_nothing(index_elements=["provider", "event_key"])
    with engine.begin() as conn:
        fresh = set(conn.execute(unknown.returning(WEBHOOK_EVENT.c.id), list(rows.values())).scalars())
    return [event_id for event_id, row in rows.items() if event_id in fresh and row["contact_id"]]


def _uuid(send_id: object) -> UUID | None:
    """The contact's id as we gave it to the provider; None for a message that is not ours."""
    try:
        return UUID(hex=_word(send_id))
    except ValueError:
        return None


def _happened(timestamp: object, now: datetime) -> datetime:
    """The real moment by which something had happened that the provider dates to a whole second; else `now`."""
    if isinstance(timestamp, int) and 0 < timestamp < now.timestamp() - 1:
        return datetime.fromtimestamp(timestamp + 1, UTC)
    return now


# --- the program -----------------------------------------------------------------------------------------------------
async def serve(settings: Settings) -> None:
    """Receive on `bind` and `webhook_port` until SIGTERM or SIGINT.

    Events are taken while Temporal is away: cases hear of them later, from the sweep.
    """
    engine = make_engine(settings.database_url or EmbeddedPostgres(settings.state_dir).url())
    clock = read_clock(engine)
    loop = asyncio.get_running_loop()
    courier = asyncio.create_task(_courier(settings, engine, clock))

    def deliver(facts: Sequence[UUID]) -> None:
        if courier.done():
            threadsafe(courier.result(), loop)(facts)

    app = create_app(engine, settings, clock, deliver)
    if settings.webhook_metrics_port:
        webhook_metrics.serve(webhook_metrics.watch(app), settings.bind, settings.webhook_metrics_port)
    config = uvicorn.Config(
        app, settings.bind, settings.webhook_port, log_config=None, access_log=False, server_header=False
    )
    verifies = {
        "twilio": bool(settings.twilio_auth_token.get_secret_value()),
        "sendgrid": bool(settings.sendgrid_webhook_public_key),
        "pix": bool((settings.pix_webhook_token or settings.pix_webhook_secret).get_secret_value()),
    }
    log.info("listening", address=f"{settings.bind}:{settings.webhook_port}", verifies=verifies)
    for number in (signal.SIGTERM, signal.SIGINT):
        # When uvicorn has drained it raises the signal again, for whoever handled it before; that is nobody.
        loop.add_signal_handler(number, lambda: None)
    try:
        await uvicorn.Server(config).serve()
    finally:
        courier.cancel()
        engine.dispose()


async def _courier(settings: Settings, engine: Engine, clock: Clock) -> Courier:
    """A courier, as soon as Temporal answers."""
    while True:
        try:
            return Courier(await connect(settings), engine, clock)
        except RuntimeError:
            await asyncio.sleep(_PAUSE)


def main() -> int:
    """Run the receiver. Exit code 0: ended by a signal; 1: the database does not answer; 2: settings refused."""
    configure_logs()
    try:
        settings = load_settings()
        temporal_config()
        asyncio.run(serve(settings))
    except BadInput as error:
        log.error("refused", reason=str(error))
        return 2
    except OperationalError:
        log.error("the database does not answer", exc_info=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

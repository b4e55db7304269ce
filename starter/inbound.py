"""The doors for what debtors write back: SMS and WhatsApp from Twilio, e-mails from SendGrid's Inbound Parse.

A message is verified, stored with its files, and answered; only then is it understood (`activities.replies`). What
cannot be understood now is taken up by the sweep. Texts and addresses stand in rows that can be erased, files in the
document store; nothing of them is logged.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_string
from email.message import Message
from functools import cache
from html.parser import HTMLParser
from typing import Any
from uuid import UUID, uuid4, uuid5

import structlog
from fastapi import FastAPI, HTTPException, Request, Response
from sqlalchemy import Engine
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import SQLAlchemyError
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from activities import replies
from activities.registry import world_on
from db.rows import DOCUMENT, INBOUND
from domain.clock import Clock
from domain.dialogue import Mail, automatic
from gateways import signatures
from gateways.documents import DocumentStore
from gateways.settings import Settings
from starter.calls import Form, body_of, called_url, form_of, json_of

MESSAGE_LIMIT = 64 * 1024
MAIL_LIMIT = 30 * 1024 * 1024
"""Bytes of a call; Inbound Parse hands over mails of up to 30 MB."""
TEXT_LIMIT = 32_000
"""Characters of a message that are kept."""
FIELD_LIMIT = 4 * 1024 * 1024
"""Bytes of one field of a mail."""
MOST_FILES = 20
_WORD = re.compile(r"[\x21-\x7e]{1,200}")
_OPT_OUT = frozenset({"STOP", "START", "HELP"})
_SIGNED = "X-Twilio-Email-Event-Webhook-"
_FIELDS = 60

log = structlog.get_logger("inbound")


@dataclass(frozen=True)
class File:
    """A file that came with a message."""

    name: str
    mime: str
    content: bytes


@dataclass(frozen=True)
class Arrived:
    """A message as it is stored. `key` is the provider's own, so that it counts once however often it is told."""

    provider: str
    key: str
    channel: str
    sender: str
    recipient: str
    body: str
    subject: str = ""
    automatic: bool = False
    opt_out: str = ""
    replied_to: str = ""
    files: tuple[File, ...] = field(default=(), repr=False)


def mount(app: FastAPI, engine: Engine, settings: Settings, clock: Clock, deliver: replies.Deliver) -> None:
    """Add the doors. Answers: 204 stored, now or before; 400 not what the provider sends; 403 not from the provider, or
    signed too long ago; 413 too large; 503 the database is away and the provider shall call again."""
    documents = DocumentStore(settings.documents_dir)
    world = cache(lambda: world_on(engine, clock, settings))

    @app.post("/webhooks/twilio/inbound")
    async def message(request: Request) -> Response:
        form = form_of(await body_of(request, MESSAGE_LIMIT))
        token, headers = settings.twilio_auth_token.get_secret_value(), request.headers
        signed = headers.get("X-Twilio-Signature"), headers.get("X-Twilio-Webhooks-Signature-Settings")
        if not token or not signatures.twilio(token, called_url(request, settings), form, *signed):
            raise HTTPException(403)
        return await keep(of_twilio(form))

    @app.post("/webhooks/sendgrid/inbound")
    async def mail(request: Request) -> Response:
        body = await body_of(request, MAIL_LIMIT)
        if not _from_parse(settings, request, body):
            raise HTTPException(403)
        return await keep(await of_sendgrid(request, body))

    async def keep(arrived: Arrived) -> Response:
        if not arrived.key or not arrived.sender:
            raise HTTPException(400)
        try:
            fresh = await run_in_threadpool(store, engine, clock, documents, arrived)
        except (SQLAlchemyError, OSError):
            log.warning("message not stored, the provider shall call again", provider=arrived.provider, exc_info=True)
            raise HTTPException(503) from None
        return Response(status_code=204, background=BackgroundTask(understand, fresh) if fresh else None)

    def understand(message_id: UUID) -> None:
        deliver(replies.apply_stored(world(), [message_id]))


def _from_parse(settings: Settings, request: Request, body: bytes) -> bool:
    """Inbound Parse proves itself by a secret in the address that it was told, by its signature, or by both: whichever
    is configured must be right."""
    secret, key = settings.sendgrid_parse_secret.get_secret_value(), settings.sendgrid_parse_public_key
    if secret and not signatures.same(request.query_params.get("secret", ""), secret):
        return False
    if key:
        signed = request.headers.get(f"{_SIGNED}Signature"), request.headers.get(f"{_SIGNED}Timestamp")
        return signatures.sendgrid(key, body, *signed, datetime.now(UTC))
    return bool(secret)


# --- SMS and WhatsApp ------------------------------------------------------------------------------------------------
def of_twilio(form: Form) -> Arrived:
    """A message from Twilio's form, keyed by its MessageSid. A tapped button is what it says."""
    whatsapp = form.get("From", "").startswith("whatsapp:")
    opt_out, service = form.get("OptOutType", "").upper(), _word(form.get("MessagingServiceSid"))
    return Arrived(
        provider="twilio",
        key=_word(form.get("MessageSid")),
        channel="whatsapp" if whatsapp else "sms",
        sender=_word(form.get("From", "").removeprefix("whatsapp:")),
        recipient=",".join(filter(None, (_word(form.get("To", "").removeprefix("whatsapp:")), service))),
        body=_text(form.get("ButtonText") or form.get("Body", "")),
        opt_out=opt_out if opt_out in _OPT_OUT else "",
        replied_to=_word(form.get("OriginalRepliedMessageSid")),
    )


def _word(value: object) -> str:
    return value if isinstance(value, str) and _WORD.fullmatch(value) else ""


def _text(value: str) -> str:
    """What PostgreSQL can hold of a text: no NUL, no half of a surrogate pair (some old encodings yield one)."""
    return value.replace("\x00", "").encode(errors="replace").decode()[:TEXT_LIMIT]


# --- e-mail ----------------------------------------------------------------------------------------------------------
async def of_sendgrid(request: Request, body: bytes) -> Arrived:
    """A mail from Inbound Parse, keyed by its Message-ID and addressees. HTTP 400 for what is none, or was cut off."""
    try:
        form = await _parts(request, body)
    except (MultiPartException, ValueError, KeyError):
        raise HTTPException(400) from None
    try:
        return _mail(form, await _files(form), hashlib.sha256(body).hexdigest())
    except ValueError:
        raise HTTPException(400) from None
    finally:
        await form.close()


def _mail(form: FormData, files: tuple[File, ...], digest: str) -> Arrived:
    """The mail in the parts of the form; one without a Message-ID is known by the `digest` of its body."""
    charsets, envelope = _json(form, "charsets"), _json(form, "envelope")
    headers = message_from_string(_field(form, charsets, "headers"))
    sender, recipients = str(envelope.get("from", "")), envelope.get("to", [])
    recipient = ",".join(str(address) for address in recipients) if isinstance(recipients, list) else str(recipients)
    subject = " ".join(_field(form, charsets, "subject").split())
    text = _field(form, charsets, "text")
    said = Mail(_small(headers), subject, sender)
    key = f"{headers.get('Message-ID', '').strip()}\n{sender}\n{recipient}"
    if key.startswith("\n"):
        key = digest
    return Arrived(
        provider="sendgrid",
        key=hashlib.sha256(key.encode(errors="replace")).hexdigest(),
        channel="email",
        sender=_text(sender)[:320] or "<>",
        recipient=_text(recipient)[:2000],
        body=_text(text if text.strip() else plain(_field(form, charsets, "html"))),
        subject=_text(subject)[:1000],
        automatic=automatic(said),
        files=files,
    )


async def _parts(request: Request, body: bytes) -> FormData:
    """The parts of a multipart form. One whose end is missing was cut off on its way."""
    kind, _, rest = request.headers.get("Content-Type", "").partition(";")
    boundary = re.search(r'boundary="?([^";]+)"?', rest)
    if kind.strip().lower() != "multipart/form-data" or boundary is None:
        raise ValueError("not a multipart form")
    if not body.rstrip().endswith(f"--{boundary[1].strip()}--".encode()):
        raise ValueError("cut off")

    async def whole() -> AsyncGenerator[bytes, None]:
        yield body

    stream = whole()
    parser = MultiPartParser(
        request.headers,
        stream,
        max_files=MOST_FILES * 5,
        max_fields=_FIELDS,
        max_part_size=FIELD_LIMIT,
    )
    return await parser.parse()


def _json(form: FormData, name: str) -> dict[str, Any]:
    found = json_of(str(form.get(name) or "{}"))
    if not isinstance(found, dict):
        raise ValueError(name)
    return found


def _field(form: FormData, charsets: Mapping[str, Any], name: str) -> str:
    """One field, decoded as `charsets` says: what is no UTF-8 was read byte by byte."""
    value = form.get(name)
    text = value if isinstance(value, str) else ""
    charset = str(charsets.get(name, "utf-8"))
    try:
        return text.encode("latin-1").decode(charset) if charset.lower() not in ("utf-8", "us-ascii") else text
    except (UnicodeError, LookupError):
        return text


def _small(headers: Message) -> dict[str, str]:
    return {name.lower(): str(value) for name, value in headers.items()}


async def _files(form: FormData) -> tuple[File, ...]:
    found = [value for _, value in form.multi_items() if isinstance(value, UploadFile)][:MOST_FILES]
    return tuple([File(_name(file), _mime(file), await file.read()) for file in found])


def _name(file: UploadFile) -> str:
    return re.sub(r"[^\w. -]", "_", file.filename or "")[-100:] or "anexo"


def _mime(file: UploadFile) -> str:
    return _word(file.content_type) or "application/octet-stream"


class _Words(HTMLParser):
    """The words of a mail that has no plain text, a line per block."""

    _SILENT = frozenset({"style", "script", "head", "title"})
    _BLOCKS = frozenset({"p", "div", "br", "tr", "li", "blockquote", "h1", "h2", "h3"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._silent = self._quoted = 0

    def handle_starttag(self, tag: str, _attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in self._SILENT
        self._quoted += tag == "blockquote"
        if tag in self._BLOCKS:
            self.found.append("\n> " if self._quoted else "\n")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in self._SILENT and self._silent > 0
        self._quoted -= tag == "blockquote" and self._quoted > 0
        if tag in self._BLOCKS:
            self.found.append("\n> " if self._quoted else "\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.found.append(" ".join(data.split(None)) + " " if data.strip() else "")


def plain(html: str) -> str:
    """The words of an HTML mail; what it quotes keeps the mark of a quotation."""
    words = _Words()
    words.feed(html[: FIELD_LIMIT // 4])
    return re.sub(r"\n(?:> ?\s*\n)+", "\n", "".join(words.found)).strip()


# --- storing ---------------------------------------------------------------------------------------------------------
def store(engine: Engine, clock: Clock, documents: DocumentStore, arrived: Arrived) -> UUID | None:
    """Store a message and its files; returns its id, or None where it is stored already.

    Files are on disk before their rows.
    """
    now, message_id = datetime.now(UTC), uuid4()
    kept = [(file, documents.put(file.content)) for file in arrived.files]
    business = clock.business(now)
    rows = [_document(message_id, file, digest, business) for file, digest in kept]
    row = {
        "id": message_id, "provider": arrived.provider, "message_key": arrived.key, "channel": arrived.channel,
        "sender": arrived.sender, "recipient": arrived.recipient, "subject": arrived.subject, "body": arrived.body,
        "automatic": arrived.automatic, "opt_out": arrived.opt_out, "replied_to": arrived.replied_to,
        "files": [str(each["id"]) for each in rows], "meaning": [], "outcome": "", "answer": "", "content_hmac": "",
        "received_at": now, "business_at": business,
    }  # fmt: skip
    once = upsert(INBOUND).values(row).on_conflict_do_nothing(index_elements=["provider", "message_key"])
    with engine.begin() as conn:
        fresh = conn.execute(once.returning(INBOUND.c.id)).scalar_one_or_none()
        if fresh and rows:
            conn.execute(upsert(DOCUMENT).on_conflict_do_nothing(index_elements=["id"]), _distinct(rows))
    return message_id if fresh else None


def _document(message_id: UUID, file: File, digest: str, now: datetime) -> dict[str, Any]:
    return {
        "id": uuid5(message_id, digest), "case_id": None, "kind": replies.ATTACHMENT, "name": file.name,
        "mime": file.mime, "sha256": digest, "size": len(file.content), "created_at": now,
    }  # fmt: skip


def _distinct(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({row["id"]: row for row in rows}.values())

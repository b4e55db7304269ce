"""SendGrid v3 as the product uses it: Mail Send and Email Logs."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from sandbox.behaviour import CallError, around
from sandbox.state import SENDGRID_KEY, Row, State

MOST = 30 * 1024 * 1024  # bytes of a whole message
ADDRESS = re.compile(r"[^@\s\"]+@[^@\s]+\.[^@\s]+")
EVENTS: dict[str, list[tuple[str, str | None]]] = {
    "delivered": [("processed", None), ("delivered", None)],
    "bounced": [("processed", None), ("bounce", "bounce")],
    "undelivered": [("processed", None), ("bounce", "blocked")],
    "opted_out": [("dropped", "Unsubscribed Address")],
    "silent": [],
}
STATUS = {"processed": "processed", "delivered": "delivered", "bounce": "bounced", "dropped": "dropped"}

TERM = re.compile(
    r"(?P<field>sg_message_id|subject|to_email|sg_message_id_created_at)\s*(?P<op>>=|<=|=|>|<)\s*"
    r'(?:TIMESTAMP\s+"(?P<time>[^"]+)"|(?P<text>"(?:[^"\\]|\\.)*"))\s*(?:\bAND\s+(?=\S)|$)'
)
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
}


def router(state: State) -> APIRouter:
    """The routes under /v3."""
    routes = APIRouter(prefix="/v3")

    @routes.post("/mail/send")
    async def send(request: Request) -> Response:
        _authenticate(request)
        mail, size = await _json(request), int(request.headers.get("Content-Length", 0))
        letters = _letters(mail)
        try:
            _check(state, mail, letters, size)
        except CallError as failed:
            state.refuse("sendgrid", "mail", failed.code or str(failed.status), **_fields(mail, letters[0]))
            raise
        first = letters[0]
        call = {"kind": "mail", "to": first["to"], "from": mail["from"]["email"], "send_id": first["send_id"]}
        async with around(state, "sendgrid", call | {"subject": mail["subject"]}):
            message_id = _accept(state, mail, letters)
        return Response(status_code=202, headers={"X-Message-Id": message_id})

    @routes.post("/logs")
    async def find(request: Request) -> JSONResponse:
        _authenticate(request)
        wanted = await _json(request)
        async with around(state, "sendgrid", {"kind": "lookup"}):
            keep = _query(wanted.get("query", ""))
            rows = state.listed(state.entries("sendgrid", "mail"))
            found = [summary for row in rows if keep(summary := _summary(row))]
        return JSONResponse({"messages": found[: int(wanted.get("limit", 10))]})

    @routes.get("/logs/{sg_message_id}")
    async def detail(request: Request, sg_message_id: str) -> JSONResponse:
        _authenticate(request)
        async with around(state, "sendgrid", {"kind": "lookup"}):
            rows = state.entries("sendgrid", "mail", "provider_id = ?", sg_message_id)
        if not rows:
            raise CallError(404, text="message not found")
        return JSONResponse(_detail(state, rows[0]))

    return routes


def error(failed: CallError) -> JSONResponse:
    """An error as SendGrid writes it."""
    fault = {"message": failed.text or "the sandbox was told to fail"}
    if failed.code:
        fault["field"] = failed.code
    return JSONResponse({"errors": [fault]}, failed.status, failed.headers)


def event(row: Row, happening: Row) -> dict[str, Any]:
    """One event of a message, as the Email Logs show it; the webhook flattens `custom_args`.

    `row` is the entry, `happening` the row of the event.
    """
    fields: dict[str, Any] = {
        "event": happening["name"],
        "email": row["recipient"],
        "sg_message_id": row["provider_id"],
        "sg_event_id": f"sandbox-{row['provider_id'][:12]}-{happening['id']}",
        "smtp-id": f"<{row['provider_id'][:22]}@sandbox.example.com>",
        "timestamp": int(happening["due"]),
        "custom_args": row["data"]["custom_args"],
    }
    if happening["name"] == "delivered":
        fields |= {"response": "250 2.0.0 OK", "ip": "192.0.2.1"}
    elif happening["name"] == "bounce":
        fields |= {
            "type": happening["code"],
            "reason": "550 5.1.1 no such mailbox",
            "status": "5.1.1",
            "ip": "192.0.2.1",
        }
    elif happening["name"] == "dropped":
        fields |= {"reason": happening["code"]}
    return fields


def _accept(state: State, mail: dict[str, Any], letters: list[dict[str, Any]]) -> str:
    message_id = state.new_id("mail")[:22]
    for number, letter in enumerate(letters):
        fate, _ = state.fate(letter["to"])
        state.accept(
            "sendgrid",
            "mail",
            f"{message_id}.recvd-sandbox-{number}",
            EVENTS.get(fate, EVENTS["delivered"]),
            status="processed",
            **_fields(mail, letter),
        )
    return message_id


def _letters(mail: dict[str, Any]) -> list[dict[str, Any]]:
    """One for each recipient: address, custom arguments and send_id."""
    letters = []
    for person in mail.get("personalizations") or [{}]:
        arguments = {**(mail.get("custom_args") or {}), **(person.get("custom_args") or {})}
        for to in person.get("to") or [{}]:
            letter = {"to": to.get("email", ""), "custom_args": arguments, "send_id": arguments.get("send_id")}
            letters.append(letter)
    return letters


def _fields(mail: dict[str, Any], letter: dict[str, Any]) -> dict[str, Any]:
    """The columns of the log."""
    content = {part.get("type"): part.get("value") for part in mail.get("content") or []}
    return {
        "send_id": letter["send_id"],
        "sender": (mail.get("from") or {}).get("email"),
        "recipient": letter["to"],
        "subject": mail.get("subject"),
        "body": content.get("text/plain") or content.get("text/html"),
        "attachments": [_attachment(file) for file in mail.get("attachments") or []],
        "data": {
            "custom_args": letter["custom_args"],
            "reply_to": (mail.get("reply_to") or {}).get("email"),
            "html": content.get("text/html"),
        },
    }


def _attachment(file: dict[str, Any]) -> dict[str, str]:
    try:
        content = base64.b64decode(file.get("content", ""), validate=True)
    except binascii.Error:
        raise CallError(400, "attachments.0.content", "The attachment content must be base64 encoded.") from None
    return {"name": file.get("filename", ""), "sha256": hashlib.sha256(content).hexdigest()}


def _check(state: State, mail: dict[str, Any], letters: list[dict[str, Any]], size: int) -> None:
    """Raises `CallError` with the field that is wrong, as SendGrid would."""
    if size > MOST:
        raise CallError(413, text="The message is larger than 30 MB.")
    if not ADDRESS.fullmatch((mail.get("from") or {}).get("email", "")):
        raise CallError(400, "from.email", "The from email does not contain a valid address.")
    for number, letter in enumerate(letters):
        if not ADDRESS.fullmatch(letter["to"]) or state.fate(letter["to"])[0] == "invalid":
            raise CallError(400, f"personalizations.{number}.to.0.email", "Does not contain a valid address.")
    if not mail.get("subject"):
        raise CallError(400, "subject", "The subject is required.")
    if not mail.get("content") or not all(part.get("value") for part in mail["content"]):
        raise CallError(400, "content", "The content value must be a string at least one character in length.")


def _summary(row: Row) -> dict[str, Any]:
    created = datetime.fromtimestamp(row["accepted_at"], UTC)
    return {
        "from_email": row["sender"],
        "sg_message_id": row["provider_id"],
        "subject": row["subject"],
        "to_email": row["recipient"],
        "status": row["status"],
        "sg_message_id_created_at": created.isoformat(timespec="seconds").replace("+00:00", "Z"),
    }


def _detail(state: State, row: Row) -> dict[str, Any]:
    happened = state.rows("SELECT * FROM events WHERE entry = ? AND happened IS NOT NULL ORDER BY id", row["id"])
    summary = {name: value for name, value in _summary(row).items() if name != "sg_message_id_created_at"}
    return summary | {
        "api_key_id": "sandbox",
        "client_ip": "192.0.2.2",
        "custom_args": row["data"]["custom_args"],
        "events": [event(row, happening) for happening in happened],
    }


def _query(text: str) -> Callable[[dict[str, Any]], bool]:
    """The filter of an Email Logs query: terms joined by AND. Raises `CallError` for anything else."""
    terms, at = [], 0
    while at < len(text):
        term = TERM.match(text, at)
        if term is None or (term["op"] != "=") != (term["time"] is not None):
            raise CallError(400, "query", "The query could not be parsed.")
        value = term["time"] if term["time"] is not None else json.loads(term["text"])
        terms.append((term["field"], COMPARE[term["op"]], value))
        at = term.end()
    return lambda summary: all(compare(summary[field], value) for field, compare, value in terms)


def _authenticate(request: Request) -> None:
    if request.headers.get("Authorization") != f"Bearer {SENDGRID_KEY}":
        raise CallError(401, text="The provided authorization grant is invalid, expired, or revoked")


async def _json(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body())
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise CallError(400, text="Bad Request")
    return body

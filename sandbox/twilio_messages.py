"""Twilio's Messages API (2010-04-01): SMS, WhatsApp, and the replies that came in."""

from __future__ import annotations

import json
import re
import time
from decimal import Decimal
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from sandbox import twilio_content
from sandbox.behaviour import CallError, around
from sandbox.state import TWILIO_SID, Row, State
from sandbox.twilio_common import ACCOUNT, E164, VERSION, authenticate, one, page, rfc2822, send_id, within

MESSAGES = ACCOUNT + "/Messages"
KINDS = ("sms", "whatsapp", "inbound")
WHATSAPP = "whatsapp:"
WINDOW = 24 * 3600  # seconds after a reply in which any text may be sent on WhatsApp

# Numbers that the provider sets aside for its own test credentials (dependencies.md 2.7).
MAGIC = {
    "+15005550001": "21211",
    "+15005550002": "21612",
    "+15005550003": "21408",
    "+15005550004": "21610",
    "+15005550009": "21614",
}
MAGIC_SENDERS = {"+15005550001": "21212", "+15005550007": "21606", "+15005550008": "21611"}
BRAZILIAN_LANDLINE = re.compile(r"\+55[1-9]{2}[2-5]\d{7}")
SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")
UNKNOWN_HANDSET = "30005"
NOT_ON_WHATSAPP, BLOCKED, OUTSIDE_WINDOW, TOO_LONG = "63024", "63014", "63016", "63021"
PRICE = Decimal("0.05000")  # of a segment, known once the message has come to its end; invented
_FINAL = frozenset({"delivered", "read", "undelivered"})
GSM7 = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM7_DOUBLE = set("^{}\\[~]|€\f")


def router(state: State) -> APIRouter:
    """The routes of messages."""
    routes = APIRouter()

    @routes.post(MESSAGES + ".json")
    async def create(request: Request, account: str) -> JSONResponse:
        authenticate(request, account)
        form = {name: str(value) for name, value in (await request.form()).items()}
        fields = _fields(state, form)
        if code := _fault(state, form):
            state.refuse("twilio", _kind(form), code, **fields)
            raise CallError(400, code)
        async with around(state, "twilio", _call(form, fields)):
            row = _accept(state, form, fields)
        return JSONResponse(_message(row), 201)

    @routes.get(MESSAGES + ".json")
    async def find(request: Request, account: str) -> JSONResponse:
        authenticate(request, account)
        async with around(state, "twilio", {"kind": "lookup"}):
            query = dict(request.query_params)
            to = ("recipient = ?", query["To"]) if "To" in query else ("1",)
            rows = [row for row in state.listed(state.entries("twilio", KINDS, *to)) if _wanted(row, query)]
        return JSONResponse(page([_message(row) for row in rows], request, "messages"))

    @routes.get(MESSAGES + "/{sid}.json")
    async def fetch(request: Request, account: str, sid: str) -> JSONResponse:
        authenticate(request, account)
        async with around(state, "twilio", {"kind": "lookup"}):
            rows = state.entries("twilio", KINDS, "provider_id = ?", sid)
        return JSONResponse(_message(one(rows)))

    return routes


def segments(body: str) -> int:
    """What a text is billed for: 160 characters of GSM-7 (153 in parts), or 70 UTF-16 units (67 in parts)."""
    if set(body) <= GSM7 | GSM7_DOUBLE:
        length, single, part = len(body) + sum(char in GSM7_DOUBLE for char in body), 160, 153
    else:
        length, single, part = len(body.encode("utf-16-le")) // 2, 70, 67
    return 1 if length <= single else -(-length // part)


def callback(row: Row, happening: Row) -> dict[str, str]:
    """The form of a status callback: `row` is the entry, `happening` the row of the event."""
    form = {
        "MessageSid": row["provider_id"],
        "SmsSid": row["provider_id"],
        "MessageStatus": happening["name"],
        "SmsStatus": happening["name"],
        "To": row["recipient"],
        "From": row["sender"] or "",
        "AccountSid": TWILIO_SID,
        "ApiVersion": VERSION,
    }
    if row["kind"] == "whatsapp":
        form |= {"ChannelToAddress": row["recipient"], "ChannelPrefix": "whatsapp"}
    return form | ({"ErrorCode": happening["code"]} if happening["code"] else {})


def _kind(form: dict[str, str]) -> str:
    return "whatsapp" if form.get("To", "").startswith(WHATSAPP) else "sms"


def _call(form: dict[str, str], fields: Row) -> dict[str, str | None]:
    sender = form.get("From") or form.get("MessagingServiceSid")
    return {"kind": _kind(form), "to": form.get("To"), "from": sender, "send_id": fields["send_id"]}


def _fields(state: State, form: dict[str, str]) -> dict[str, Any]:
    """The columns of the log."""
    url = form.get("StatusCallback")
    return {
        "send_id": send_id(url),
        "sender": form.get("From"),
        "recipient": form.get("To"),
        "body": _text(state, form),
        "data": {
            "callback": url,
            "service": form.get("MessagingServiceSid"),
            "content": form.get("ContentSid"),
            "variables": form.get("ContentVariables"),
        },
    }


def _text(state: State, form: dict[str, str]) -> str | None:
    """What the recipient reads: the Body, or the template filled in."""
    if "ContentSid" not in form:
        return form.get("Body")
    variables = _variables(form)
    return None if variables is None else twilio_content.text(state, form["ContentSid"], variables)


def _variables(form: dict[str, str]) -> dict[str, str] | None:
    """The variables, or None where the provider refuses them (error 21656)."""
    try:
        given = json.loads(form.get("ContentVariables", "{}"))
    except ValueError:
        return None
    if not isinstance(given, dict):
        return None
    bad = [value for value in given.values() if not isinstance(value, str) or not value.strip()]
    return None if bad or any(re.search(r"[\n\r\t]| {5}", value) for value in given.values()) else given


def _fault(state: State, form: dict[str, str]) -> str | None:
    """The code of what is wrong with a message, or None."""
    to, sender = form.get("To", ""), form.get("From") or form.get("MessagingServiceSid")
    missing = {"21604": to, "21603": sender, "21602": form.get("Body") or form.get("ContentSid")}
    if absent := [code for code, value in missing.items() if not value]:
        return absent[0]
    number = to.removeprefix(WHATSAPP)
    wrong = MAGIC.get(number) or MAGIC_SENDERS.get(f"{sender}".removeprefix(WHATSAPP))
    if wrong or not E164.fullmatch(number):
        return wrong or "21211"
    return _sms_fault(state, form) if to == number else _whatsapp_fault(state, form, f"{sender}")


def _sms_fault(state: State, form: dict[str, str]) -> str | None:
    if BRAZILIAN_LANDLINE.fullmatch(form["To"]):
        return "21614"
    if len(form.get("Body", "")) > 1600:
        return "21617"
    return _content_fault(state, form) or {"opted_out": "21610", "invalid": "21211"}.get(state.fate(form["To"])[0])


def _whatsapp_fault(state: State, form: dict[str, str], sender: str) -> str | None:
    if not sender.startswith(WHATSAPP) and not SERVICE.fullmatch(sender):
        return "63007"
    return _content_fault(state, form)


def _content_fault(state: State, form: dict[str, str]) -> str | None:
    if "ContentSid" not in form:
        return None
    if not twilio_content.exists(state, form["ContentSid"]):
        return "21655"
    return "21656" if _variables(form) is None else None


def _accept(state: State, form: dict[str, str], fields: dict[str, Any]) -> Row:
    kind = _kind(form)
    happens = _of_whatsapp(state, form, fields) if kind == "whatsapp" else _of_sms(*state.fate(form["To"]))
    return state.accept("twilio", kind, "SM" + state.new_id("sms")[:32], happens, status="queued", **fields)


def _of_sms(fate: str, code: str | None) -> list[tuple[str, str | None]]:
    if fate == "silent":
        return []
    if fate in ("delivered", "read"):
        return [("sent", None), ("delivered", None)]
    return [("sent", None), ("undelivered", code or UNKNOWN_HANDSET)]


def _of_whatsapp(state: State, form: dict[str, str], fields: dict[str, Any]) -> list[tuple[str, str | None]]:
    """Whether WhatsApp takes a message is known only after the provider has."""
    to = form["To"]
    fate, code = state.fate(to)
    content = form.get("ContentSid")
    if not _window_open(state, to) and not (content and twilio_content.approved(state, content)):
        return [("failed", OUTSIDE_WINDOW)]
    if len(fields["body"] or "") > twilio_content.LONGEST:
        return [("failed", TOO_LONG)]
    usual = {"invalid": NOT_ON_WHATSAPP, "opted_out": BLOCKED, "bounced": NOT_ON_WHATSAPP, "undelivered": "63012"}
    if fate in usual:
        return [("sent", None), ("undelivered", code or usual[fate])]
    arrives: list[tuple[str, str | None]] = [("sent", None), ("delivered", None), ("read", None)]
    return arrives[: {"silent": 0, "delivered": 2, "read": 3}[fate]]


def _window_open(state: State, address: str) -> bool:
    replies = state.entries("twilio", "inbound", "sender = ?", address)
    return bool(replies) and replies[0]["accepted_at"] > time.time() - WINDOW


def _message(row: Row) -> dict[str, Any]:
    inbound = row["kind"] == "inbound"
    uri = MESSAGES.format(account=TWILIO_SID) + f"/{row['provider_id']}"
    sent = row["status"] not in ("queued", "failed")
    body = row["body"] or ""
    parts = 1 if row["kind"] == "whatsapp" else segments(body)
    return {
        "account_sid": TWILIO_SID,
        "api_version": VERSION,
        "body": body,
        "date_created": rfc2822(row["accepted_at"]),
        "date_sent": rfc2822(row["updated_at"]) if sent else None,
        "date_updated": rfc2822(row["updated_at"]),
        "direction": "inbound" if inbound else "outbound-api",
        "error_code": int(row["data"]["error"]) if row["data"].get("error") else None,
        "error_message": None,
        "from": row["sender"],
        "messaging_service_sid": row["data"].get("service"),
        "num_media": "0",
        "num_segments": str(parts) if row["sender"] or sent else "0",
        "price": f"-{PRICE * parts}" if row["status"] in _FINAL and not inbound else None,
        "price_unit": "USD",
        "sid": row["provider_id"],
        "status": row["status"],
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": row["recipient"],
        "uri": f"{uri}.json",
    }


def _wanted(row: Row, query: dict[str, str]) -> bool:
    sent = None if row["status"] in ("queued", "failed") else row["updated_at"]
    return query.get("From", row["sender"]) == row["sender"] and within(query, "DateSent", sent)

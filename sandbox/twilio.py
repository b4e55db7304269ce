"""Twilio's Messages API (2010-04-01)."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from sandbox.behaviour import CallError, around
from sandbox.state import TWILIO_SID, TWILIO_TOKEN, Row, State

MESSAGES = "/2010-04-01/Accounts/{account}/Messages"
# Numbers that the provider sets aside for its own test credentials (dependencies.md 2.7).
MAGIC = {
    "+15005550001": "21211",
    "+15005550002": "21612",
    "+15005550003": "21408",
    "+15005550004": "21610",
    "+15005550009": "21614",
}
BRAZILIAN_LANDLINE = re.compile(r"\+55[1-9]{2}[2-5]\d{7}")
E164 = re.compile(r"\+[1-9]\d{7,14}")
UNKNOWN_HANDSET = "30005"
GSM7 = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM7_DOUBLE = set("^{}\\[~]|€\f")
TEXTS = {
    "20003": "Authenticate",
    "20404": "The requested resource was not found",
    "20429": "Too Many Requests",
    "21211": "The 'To' number is not a valid phone number.",
    "21408": "Permission to send an SMS has not been enabled for the region indicated by the 'To' number.",
    "21602": "Message body is required.",
    "21603": "A 'From' phone number is required.",
    "21604": "A 'To' phone number is required.",
    "21610": "Attempt to send to unsubscribed recipient",
    "21612": "The 'To' phone number is not currently reachable via SMS.",
    "21614": "'To' number is not a valid mobile number",
    "21617": "The concatenated message body exceeds the 1600 character limit.",
}


def router(state: State) -> APIRouter:
    """The routes under /2010-04-01."""
    routes = APIRouter()

    @routes.post(MESSAGES + ".json")
    async def create(request: Request, account: str) -> JSONResponse:
        _authenticate(request, account)
        form = {name: str(value) for name, value in (await request.form()).items()}
        call = _call(form)
        if code := _fault(state, form):
            state.refuse("twilio", "sms", code, **_fields(form))
            raise CallError(400, code)
        async with around(state, "twilio", call):
            row = _accept(state, form)
        return JSONResponse(_message(row, account), 201)

    @routes.get(MESSAGES + ".json")
    async def find(request: Request, account: str) -> Response:
        _authenticate(request, account)
        async with around(state, "twilio", {"kind": "lookup"}):
            query = dict(request.query_params)
            to = ("recipient = ?", query["To"]) if "To" in query else ("1",)
            rows = [row for row in state.entries("twilio", "sms", *to) if _wanted(row, query)]
        return JSONResponse(_page(rows, request, account))

    @routes.get(MESSAGES + "/{sid}.json")
    async def fetch(request: Request, account: str, sid: str) -> JSONResponse:
        _authenticate(request, account)
        async with around(state, "twilio", {"kind": "lookup"}):
            rows = state.entries("twilio", "sms", "provider_id = ?", sid)
        if not rows:
            raise CallError(404, "20404")
        return JSONResponse(_message(rows[0], account))

    return routes


def error(failed: CallError) -> JSONResponse:
    """An error as Twilio writes it."""
    code = failed.code or {401: "20003", 429: "20429"}.get(failed.status, "20500")
    body = {
        "code": int(code),
        "message": failed.text or TEXTS.get(code, "The sandbox was told to fail"),
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": failed.status,
    }
    return JSONResponse(body, failed.status, failed.headers)


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
        "ApiVersion": "2010-04-01",
    }
    return form | ({"ErrorCode": happening["code"]} if happening["code"] else {})


def _accept(state: State, form: dict[str, str]) -> Row:
    return state.accept(
        "twilio",
        "sms",
        "SM" + state.new_id("sms")[:32],
        _events(*state.fate(form["To"])),
        status="queued",
        **_fields(form),
    )


def _events(fate: str, code: str | None) -> list[tuple[str, str | None]]:
    if fate == "silent":
        return []
    last = ("delivered", None) if fate == "delivered" else ("undelivered", code or UNKNOWN_HANDSET)
    return [("sent", None), last]


def _call(form: dict[str, str]) -> dict[str, str | None]:
    fields = _fields(form)
    return {"kind": "sms", "to": fields["recipient"], "from": fields["sender"], "send_id": fields["send_id"]}


def _fields(form: dict[str, str]) -> dict[str, Any]:
    """The columns of the log; the send_id stands in the address of the status callback."""
    url = form.get("StatusCallback", "")
    return {
        "send_id": next(iter(parse_qs(urlsplit(url).query).get("send_id", [])), None),
        "sender": form.get("From"),
        "recipient": form.get("To"),
        "body": form.get("Body"),
        "data": {"callback": url, "service": form.get("MessagingServiceSid")},
    }


def _fault(state: State, form: dict[str, str]) -> str | None:
    """The code of what is wrong with a message, or None."""
    to, body = form.get("To", ""), form.get("Body", "")
    missing = {"21604": to, "21603": form.get("From") or form.get("MessagingServiceSid"), "21602": body}
    if absent := [code for code, value in missing.items() if not value]:
        return absent[0]
    if to in MAGIC:
        return MAGIC[to]
    if BRAZILIAN_LANDLINE.fullmatch(to):
        return "21614"
    if not E164.fullmatch(to):
        return "21211"
    if len(body) > 1600:
        return "21617"
    return {"opted_out": "21610", "invalid": "21211"}.get(state.fate(to)[0])


def _message(row: Row, account: str) -> dict[str, Any]:
    sid = row["provider_id"]
    uri = MESSAGES.format(account=account) + f"/{sid}"
    sent = row["status"] != "queued"
    return {
        "account_sid": account,
        "api_version": "2010-04-01",
        "body": row["body"],
        "date_created": _rfc2822(row["accepted_at"]),
        "date_sent": _rfc2822(row["updated_at"]) if sent else None,
        "date_updated": _rfc2822(row["updated_at"]),
        "direction": "outbound-api",
        "error_code": int(row["data"]["error"]) if row["data"].get("error") else None,
        "error_message": None,
        "from": row["sender"],
        "messaging_service_sid": row["data"]["service"],
        "num_media": "0",
        "num_segments": str(segments(row["body"])) if row["sender"] or sent else "0",
        "price": None,
        "price_unit": "USD",
        "sid": sid,
        "status": row["status"],
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": row["recipient"],
        "uri": f"{uri}.json",
    }


def _wanted(row: Row, query: dict[str, str]) -> bool:
    if query.get("From", row["sender"]) != row["sender"]:
        return False
    dates = {name: _when(value) for name, value in query.items() if name in ("DateSent", "DateSent<", "DateSent>")}
    if dates and row["status"] == "queued":  # not sent yet
        return False
    sent = datetime.fromtimestamp(row["updated_at"], UTC)
    day = dates.get("DateSent", sent)
    return dates.get("DateSent>", sent) <= sent <= dates.get("DateSent<", sent) and day.date() == sent.date()


def _when(value: str) -> datetime:
    try:
        when = datetime.fromisoformat(value)
    except ValueError:
        raise CallError(400, "20001", "DateSent is not a date") from None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _page(rows: list[Row], request: Request, account: str) -> dict[str, Any]:
    query = dict(request.query_params)
    size, page = int(query.get("PageSize", 50)), int(query.get("Page", 0))
    shown = rows[page * size : (page + 1) * size]
    more = len(rows) > (page + 1) * size

    def uri(number: int) -> str:
        fields = query | {"PageSize": str(size), "Page": str(number)}
        return MESSAGES.format(account=account) + ".json?" + urlencode(fields)

    return {
        "end": page * size + max(len(shown) - 1, 0),
        "first_page_uri": uri(0),
        "next_page_uri": uri(page + 1) if more else None,
        "page": page,
        "page_size": size,
        "previous_page_uri": uri(page - 1) if page else None,
        "messages": [_message(row, account) for row in shown],
        "start": page * size,
        "uri": uri(page),
    }


def _rfc2822(seconds: float) -> str:
    return format_datetime(datetime.fromtimestamp(seconds, UTC))


def _authenticate(request: Request, account: str) -> None:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    try:
        pair = base64.b64decode(given, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        pair = ""
    if scheme.lower() != "basic" or account != TWILIO_SID or pair != f"{TWILIO_SID}:{TWILIO_TOKEN}":
        raise CallError(401, "20003")

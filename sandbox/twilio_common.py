"""What Twilio's APIs have in common: who is let in, how errors are told, how lists are paged, how times are written."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from fastapi import Request
from fastapi.responses import JSONResponse

from sandbox.behaviour import CallError
from sandbox.state import TWILIO_SID, TWILIO_TOKEN, Row

ACCOUNT = "/2010-04-01/Accounts/{account}"
VERSION = "2010-04-01"
E164 = re.compile(r"\+[1-9]\d{7,14}")
TEXTS = {
    "20003": "Authenticate",
    "20404": "The requested resource was not found",
    "20429": "Too Many Requests",
    "21201": "No 'To' number is specified",
    "21205": "Url is not a valid URL",
    "21210": "'From' phone number not verified",
    "21211": "The 'To' number is not a valid phone number.",
    "21212": "The 'From' number is not a valid phone number.",
    "21213": "'From' phone number is required",
    "21214": "'To' phone number cannot be reached",
    "21215": "Account not authorized to call the number",
    "21216": "Account not allowed to call the number",
    "21217": "Phone number does not appear to be valid",
    "21220": "Call is not in-progress. Cannot redirect.",
    "21408": "Permission to send an SMS has not been enabled for the region indicated by the 'To' number.",
    "21602": "Message body is required.",
    "21603": "A 'From' phone number is required.",
    "21604": "A 'To' phone number is required.",
    "21606": "The 'From' phone number is not a valid, message-capable Twilio phone number.",
    "21610": "Attempt to send to unsubscribed recipient",
    "21611": "This 'From' number has exceeded the maximum number of queued messages",
    "21612": "The 'To' phone number is not currently reachable via SMS.",
    "21614": "'To' number is not a valid mobile number",
    "21617": "The concatenated message body exceeds the 1600 character limit.",
    "21655": "The ContentSid parameter is invalid",
    "21656": "The ContentVariables parameter is invalid",
    "63007": "Twilio could not find a Channel with the specified From address",
}


def error(failed: CallError) -> JSONResponse:
    """An error as Twilio writes it."""
    code = failed.code or {401: "20003", 404: "20404", 429: "20429"}.get(failed.status, "20500")
    body = {
        "code": int(code),
        "message": failed.text or TEXTS.get(code, "The sandbox was told to fail"),
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": failed.status,
    }
    return JSONResponse(body, failed.status, failed.headers)


def authenticate(request: Request, account: str = TWILIO_SID) -> None:
    """Lets in who has the Auth Token of the account. Raises `CallError`."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    try:
        pair = base64.b64decode(given, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        pair = ""
    if scheme.lower() != "basic" or account != TWILIO_SID or pair != f"{TWILIO_SID}:{TWILIO_TOKEN}":
        raise CallError(401, "20003")


def send_id(*urls: str | None) -> str | None:
    """Our own id of a message or call, from the first address that has one in its query."""
    found = (value for url in urls for value in parse_qs(urlsplit(url or "").query).get("send_id", []))
    return next(found, None)


def page(rows: list[dict[str, Any]], request: Request, name: str) -> dict[str, Any]:
    """One page of a list of the 2010 API, whose items are called `name`."""
    query = dict(request.query_params)
    size, number = int(query.get("PageSize", 50)), int(query.get("Page", 0))
    shown = rows[number * size : (number + 1) * size]

    def uri(page: int) -> str:
        return request.url.path + "?" + urlencode(query | {"PageSize": str(size), "Page": str(page)})

    return {
        "end": number * size + max(len(shown) - 1, 0),
        "first_page_uri": uri(0),
        "next_page_uri": uri(number + 1) if len(rows) > (number + 1) * size else None,
        "page": number,
        "page_size": size,
        "previous_page_uri": uri(number - 1) if number else None,
        name: shown,
        "start": number * size,
        "uri": uri(number),
    }


def within(query: dict[str, str], name: str, moment: float | None) -> bool:
    """Whether a moment is what the filters `name`, `name<` and `name>` ask for; what has none is only in lists without
    such a filter."""
    wanted = {key: _when(value, name) for key, value in query.items() if key in (name, f"{name}<", f"{name}>")}
    if not wanted or moment is None:
        return not wanted
    at = datetime.fromtimestamp(moment, UTC)
    same_day = wanted.get(name, at).date() == at.date()
    return same_day and wanted.get(f"{name}>", at) <= at <= wanted.get(f"{name}<", at)


def _when(value: str, name: str) -> datetime:
    try:
        when = datetime.fromisoformat(value)
    except ValueError:
        raise CallError(400, "20001", f"{name} is not a date") from None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def rfc2822(seconds: float | None) -> str | None:
    """A moment as the 2010 API writes it."""
    return None if seconds is None else format_datetime(datetime.fromtimestamp(seconds, UTC))


def one(rows: list[Row]) -> Row:
    """The only row. Raises `CallError` where there is none."""
    if not rows:
        raise CallError(404, "20404")
    return rows[0]

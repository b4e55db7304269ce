"""Twilio's Content API (v1): templates and what WhatsApp says of them.

An approval is answered a moment after it was asked for: approved, or as POST /sandbox/templates has set for the
template's name (`rejected:why`, `paused`, `pending`, …).
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from domain.errors import BadInput
from sandbox.behaviour import CallError, around
from sandbox.state import TWILIO_SID, Row, State
from sandbox.twilio_common import authenticate, one

CONTENT = "/v1/Content"
LONGEST = 1024  # characters of a WhatsApp message made from a template
VERDICTS = ("received", "pending", "approved", "rejected", "paused", "disabled")
PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")
NAME = re.compile(r"[a-z0-9_]{1,512}")


def router(state: State) -> APIRouter:
    """The routes of templates."""
    routes = APIRouter()

    @routes.post(CONTENT)
    async def create(request: Request) -> JSONResponse:
        authenticate(request)
        content = await _json(request)
        if not isinstance(content.get("types"), dict) or not content["types"] or not content.get("language"):
            raise CallError(400, "20001", "language and types are required")
        async with around(state, "twilio", {"kind": "content", "name": content.get("friendly_name")}):
            row = _make(state, content)
        return JSONResponse(_content(row, request), 201)

    @routes.get(CONTENT)
    async def find(request: Request) -> JSONResponse:
        authenticate(request)
        async with around(state, "twilio", {"kind": "lookup"}):
            since = time.time() - state.lookup_lag
            rows = state.rows("SELECT * FROM contents WHERE made_at <= ? ORDER BY made_at DESC, rowid DESC", since)
        return JSONResponse(_page(rows, request))

    @routes.get(CONTENT + "/{sid}")
    async def fetch(request: Request, sid: str) -> JSONResponse:
        authenticate(request)
        async with around(state, "twilio", {"kind": "lookup"}):
            row = one(_rows(state, sid))
        return JSONResponse(_content(row, request))

    @routes.post(CONTENT + "/{sid}/ApprovalRequests/whatsapp")
    async def ask(request: Request, sid: str) -> JSONResponse:
        authenticate(request)
        asked, row = await _json(request), one(_rows(state, sid))
        if not NAME.fullmatch(str(asked.get("name"))) or asked.get("category") not in ("UTILITY", "MARKETING"):
            raise CallError(400, "20001", "name must be small letters, digits and _; category UTILITY or MARKETING")
        if row["asked_at"] is not None:
            raise CallError(409, "20409", "The template was already submitted for approval")
        async with around(state, "twilio", {"kind": "approval", "name": row["name"]}):
            with state.transaction() as db:
                values = (time.time(), json.dumps(asked), sid)
                db.execute("UPDATE contents SET asked_at = ?, asked = ? WHERE sid = ?", values)
        return JSONResponse(_approval(state, one(_rows(state, sid))), 201)

    @routes.get(CONTENT + "/{sid}/ApprovalRequests")
    async def verdict(request: Request, sid: str) -> JSONResponse:
        authenticate(request)
        async with around(state, "twilio", {"kind": "lookup"}):
            row = one(_rows(state, sid))
        url = f"{request.url}"
        return JSONResponse(
            {
                "sid": sid,
                "account_sid": TWILIO_SID,
                "whatsapp": _approval(state, row) | {"type": "whatsapp"},
                "url": url,
            }
        )

    return routes


def set_fates(state: State, fates: Mapping[str, str]) -> None:
    """What WhatsApp will say of the templates of these names. Raises `BadInput`."""
    for name, fate in fates.items():
        if fate.partition(":")[0] not in VERDICTS:
            raise BadInput(f"{name}: no such verdict as {fate!r}; it is one of {', '.join(VERDICTS)}")
    with state.transaction() as db:
        db.executemany("REPLACE INTO template_fates VALUES (?, ?)", list(fates.items()))


def exists(state: State, sid: str) -> bool:
    """Is there such a template?"""
    return bool(_rows(state, sid))


def approved(state: State, sid: str) -> bool:
    """May the template be sent to whoever has not written lately?"""
    return any(_approval(state, row)["status"] == "approved" for row in _rows(state, sid))


def text(state: State, sid: str, variables: Mapping[str, str]) -> str | None:
    """The template with its variables filled in; one that was left out shows its sample."""
    rows = _rows(state, sid)
    if not rows:
        return None
    content = json.loads(rows[0]["content"])
    values = (content.get("variables") or {}) | dict(variables)
    body = next((kind["body"] for kind in content["types"].values() if kind.get("body")), "")
    return PLACEHOLDER.sub(lambda found: str(values.get(found[1], found[0])), body)


def _make(state: State, content: dict[str, Any]) -> Row:
    with state.transaction() as db:
        count = state.rows("SELECT count(*) AS count FROM contents")[0]["count"]
        sid = "HX" + state.new_id(f"content-{count}")[:32]
        values = (sid, content.get("friendly_name"), json.dumps(content), time.time())
        db.execute("INSERT INTO contents (sid, name, content, made_at) VALUES (?, ?, ?, ?)", values)
    return one(_rows(state, sid))


def _rows(state: State, sid: str) -> list[Row]:
    return state.rows("SELECT * FROM contents WHERE sid = ?", sid)


def _content(row: Row, request: Request) -> dict[str, Any]:
    content, made = json.loads(row["content"]), _iso(row["made_at"])
    url = f"{request.base_url}".rstrip("/") + f"{CONTENT}/{row['sid']}"
    return {
        "date_created": made,
        "date_updated": made,
        "sid": row["sid"],
        "account_sid": TWILIO_SID,
        "friendly_name": row["name"],
        "language": content["language"],
        "variables": content.get("variables") or {},
        "types": content["types"],
        "url": url,
        "links": {
            "approval_create": f"{url}/ApprovalRequests/whatsapp",
            "approval_fetch": f"{url}/ApprovalRequests",
        },
    }


def _page(rows: list[Row], request: Request) -> dict[str, Any]:
    size, number = int(request.query_params.get("PageSize", 50)), int(request.query_params.get("Page", 0))

    def url(page: int) -> str:
        return str(request.url.include_query_params(PageSize=size, Page=page))

    return {
        "contents": [_content(row, request) for row in rows[number * size : (number + 1) * size]],
        "meta": {
            "first_page_url": url(0),
            "key": "contents",
            "next_page_url": url(number + 1) if len(rows) > (number + 1) * size else None,
            "page": number,
            "page_size": size,
            "previous_page_url": url(number - 1) if number else None,
            "url": url(number),
        },
    }


def _approval(state: State, row: Row) -> dict[str, Any]:
    content, asked = json.loads(row["content"]), json.loads(row["asked"] or "{}")
    status, _, reason = _verdict(state, row).partition(":")
    return {
        "name": asked.get("name", row["name"]),
        "category": asked.get("category", ""),
        "content_type": next(iter(content["types"])),
        "status": status,
        "rejection_reason": reason,
        "allow_category_change": True,
    }


def _verdict(state: State, row: Row) -> str:
    if row["asked_at"] is None:
        return "unsubmitted"
    if time.time() < row["asked_at"] + state.settings.event_delay:
        return "received"
    fate = state.row("SELECT fate FROM template_fates WHERE name = ?", row["name"])
    return str(fate["fate"]) if fate else "approved"


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def _json(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body())
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise CallError(400, "20001", "The body is not a JSON object")
    return body

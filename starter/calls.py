"""What every door of the webhooks does with a call: read no more than it may hold, know the address it came by."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

from fastapi import HTTPException, Request
from starlette.datastructures import ImmutableMultiDict
from starlette.requests import ClientDisconnect

from gateways.settings import Settings

Form = ImmutableMultiDict[str, str]


async def body_of(request: Request, limit: int) -> bytes:
    """The body; HTTP 413 as soon as it is known to be larger than `limit` bytes, 400 where the caller breaks off."""
    declared = request.headers.get("Content-Length", "")
    if declared.isdecimal() and int(declared[:20]) > limit:
        raise HTTPException(413)
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                raise HTTPException(413)
    except ClientDisconnect:
        raise HTTPException(400) from None
    return bytes(body)


def form_of(body: bytes) -> Form:
    """The fields of an urlencoded form; HTTP 400 where it is none."""
    try:
        return ImmutableMultiDict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=200))
    except ValueError:
        raise HTTPException(400) from None


def json_of(text: str | bytes) -> Any:
    """What a JSON text says; ValueError where it is none, or is nested deeper than anything that is told here."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def called_url(request: Request, settings: Settings) -> str:
    """The address as the provider called it: behind a proxy only the settings know it."""
    if not settings.public_url:
        return str(request.url)
    query = request.url.query
    return f"{settings.public_url}{request.url.path}" + (f"?{query}" if query else "")

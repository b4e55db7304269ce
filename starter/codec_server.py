"""The codec endpoint of Temporal's screens and command line: they hold ciphertext, people who may read hold a key.

The screens post `{"payloads": […]}` to `<endpoint>/decode` (and `/encode`), from the browser, so their origin must be
allowed (CORS); `temporal workflow show --codec-endpoint` posts likewise. Who calls proves it by the token: as the last
part of the endpoint's path, which is all that the screens can be told, or as `Authorization: Bearer`. Without a token
it listens on this machine only.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Callable, Sequence

import uvicorn
from fastapi import FastAPI, HTTPException, Request, Response
from google.protobuf import json_format
from starlette.middleware.cors import CORSMiddleware
from temporalio.api.common.v1 import Payload, Payloads

from domain.errors import BadInput
from gateways.codec import Codec, load_codec
from gateways.settings import Settings
from starter.calls import body_of

LIMIT = 16 * 1024 * 1024
"""Bytes of a body: a page of history events with their payloads."""
_SHORTEST_TOKEN = 16
_HEADERS = ["Content-Type", "X-Namespace", "Authorization"]


def create_app(codec: Codec, origins: Sequence[str], token: str) -> FastAPI:
    """The endpoint. `origins` are the web addresses of the screens; an empty token asks nobody.

    Answers: 200 the payloads, 400 no payloads, or ones that cannot be decrypted (the text says why), 403 another
    origin, or no token, 413 too large.
    """
    app = FastAPI(title="Régua codec", docs_url=None, redoc_url=None, openapi_url=None)

    async def decode(request: Request) -> Response:
        return await _answer(request, origins, token, codec.decrypt)

    async def encode(request: Request) -> Response:
        return await _answer(request, origins, token, codec.encrypt)

    for prefix in ("", "/{key}"):
        app.add_api_route(f"{prefix}/decode", decode, methods=["POST"])
        app.add_api_route(f"{prefix}/encode", encode, methods=["POST"])
    app.add_middleware(
        CORSMiddleware, allow_origins=list(origins), allow_methods=["POST"], allow_headers=_HEADERS,
        allow_credentials=True,
    )  # fmt: skip
    return app


async def _answer(
    request: Request, origins: Sequence[str], token: str, change: Callable[[Payload], Payload]
) -> Response:
    # CORS keeps a strange page from reading an answer; it shall not be able to ask at all.
    if request.headers.get("Origin", "") not in ("", *origins) or not _may(request, token):
        raise HTTPException(403)
    try:
        asked = json_format.Parse(await body_of(request, LIMIT), Payloads())
        changed = Payloads(payloads=[change(payload) for payload in asked.payloads])
    except json_format.ParseError:
        raise HTTPException(400, 'the body is not {"payloads": […]}') from None
    except BadInput as error:
        raise HTTPException(400, str(error)) from None
    return Response(json_format.MessageToJson(changed, indent=None), media_type="application/json")


def _may(request: Request, token: str) -> bool:
    told = request.path_params.get("key") or request.headers.get("Authorization", "").removeprefix("Bearer ")
    return not token or hmac.compare_digest(str(told).encode(), token.encode())


def prepare(settings: Settings, origins: Sequence[str] = ()) -> FastAPI:
    """The endpoint as the settings want it. Raises `BadInput` without a key, or open to the network without a token."""
    codec = load_codec(settings)
    if codec is None:
        raise BadInput("There is no codec key; make one with `regua codec key new` and set REGUA_CODEC_KEY")
    token = settings.codec_token.get_secret_value()
    if not token and not _loopback(settings.bind):
        raise BadInput(
            f"REGUA_CODEC_TOKEN: it is empty and REGUA_BIND is {settings.bind}; anybody could decrypt; set it"
        )
    if token and len(token) < _SHORTEST_TOKEN:
        raise BadInput(f"REGUA_CODEC_TOKEN: it is shorter than {_SHORTEST_TOKEN} characters; make one of random digits")
    own = [f"http://{host}:{settings.temporal_ui_port}" for host in ("127.0.0.1", "localhost")]
    return create_app(codec, list(origins) or own, token)


def serve(settings: Settings, origins: Sequence[str] = ()) -> None:
    """Answer on `codec_port` until a signal ends it. No line is logged per call: its path holds the token."""
    config = uvicorn.Config(
        prepare(settings, origins), host=settings.bind, port=settings.codec_port, access_log=False, log_level="warning"
    )
    uvicorn.Server(config).run()


def _loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"

"""A law office, agency, central or bureau that takes parcels by webhook, as `docs/partners.md` tells partners to.

It checks moment, signature and digest by itself, keeps a parcel once, and answers 409 to one that it has.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import uvicorn
from fastapi import FastAPI, Request, Response

from sandbox.server import SERVER, port_of

_TEN_MINUTES = 600  # in seconds


@dataclass(frozen=True)
class Taken:
    """A parcel as it came; `genuine`: its digest is that of its header."""

    id: str
    case: str
    what: str
    mime: str
    content: bytes
    genuine: bool


@dataclass(frozen=True)
class Fault:
    """A call that is answered with a status of its own: he refuses it, or what he said was lost on the way.

    `arrives`: he has dealt with the parcel all the same.
    """

    status: int
    arrives: bool = False


@dataclass
class RunningPartner:
    """Where it listens, and what it has."""

    url: str
    parcels: list[Taken] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    """What happens to the next calls, one each; then all is well again."""


def create_partner(secret: str, parcels: list[Taken], faults: list[Fault]) -> FastAPI:
    """The partner's side: 204 taken, 403 not signed by us, 409 it has that parcel."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.post("/parcels")
    async def answer(request: Request) -> Response:
        fault = faults.pop(0) if faults else None
        if fault and not fault.arrives:
            return Response(status_code=fault.status)
        answered = await take(request)
        return Response(status_code=fault.status) if fault else answered

    async def take(request: Request) -> Response:
        content, headers = await request.body(), request.headers
        key = headers.get("X-Regua-Parcel", "")
        moment = headers.get("X-Regua-Timestamp", "")
        head = f"{moment}\nPOST\n/parcels\n{key}\n"
        wanted = hmac.new(secret.encode(), head.encode() + content, hashlib.sha256).hexdigest()
        late = not moment.isdecimal() or abs(time.time() - int(moment)) > _TEN_MINUTES
        if late or not key or headers.get("X-Regua-Signature") != f"sha256={wanted}":
            return Response(status_code=403)
        if any(parcel.id == key for parcel in parcels):
            return Response(status_code=409)
        genuine = headers.get("X-Regua-SHA256") == hashlib.sha256(content).hexdigest()
        parcels.append(
            Taken(key, headers["X-Regua-Case"], headers["X-Regua-What"], headers["Content-Type"], content, genuine)
        )
        return Response(status_code=204)

    return app


@contextmanager
def running_partner(secret: str) -> Iterator[RunningPartner]:
    """A partner on a free port of this machine, until the block ends."""
    running = RunningPartner("")
    app = create_partner(secret, running.parcels, running.faults)
    server = uvicorn.Server(uvicorn.Config(app, port=0, **SERVER))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        running.url = f"http://127.0.0.1:{port_of(server, thread)}/parcels"
        yield running
    finally:
        server.should_exit = True
        thread.join()

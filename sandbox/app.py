"""The sandbox as one application: four providers, its own routes, and what goes on behind them."""

from __future__ import annotations

import logging
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from domain.errors import BadInput
from sandbox import control, cra, pix, sendgrid, twilio, twilio_common
from sandbox.behaviour import CallError, HangUpError, Nothing
from sandbox.callbacks import Callbacks
from sandbox.notary import Notary
from sandbox.phones import Phones
from sandbox.state import State

TICK = 0.05  # real seconds
ERRORS: dict[str, Callable[[CallError], Response]] = {
    "/v3/": sendgrid.error,
    **dict.fromkeys(twilio.PATHS, twilio_common.error),
    "/cra": cra.error,
    "/pix/": pix.error,
}

log = logging.getLogger(__name__)


def create_app(state: State) -> FastAPI:
    """The application over a state. While it runs, callbacks are made, the notary works and phones ring, each in a
    thread."""
    notary, callbacks, phones = Notary(state), Callbacks(state), Phones(state)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        stop = threading.Event()
        workers = [
            threading.Thread(target=_every, args=(stop, work))
            for work in (callbacks.tell_due, notary.work, phones.work)
        ]
        for worker in workers:
            worker.start()
        yield
        stop.set()
        for worker in workers:
            worker.join()

    app = FastAPI(title="sandbox", lifespan=lifespan, openapi_url=None)
    app.include_router(sendgrid.router(state))
    app.include_router(twilio.router(state))
    app.include_router(cra.router(state, notary))
    app.include_router(pix.router(state))
    app.include_router(pix.levers(state))
    app.include_router(control.router(state, notary))

    @app.exception_handler(CallError)
    async def fail(request: Request, failed: CallError) -> Response:
        return next(error for path, error in ERRORS.items() if request.url.path.startswith(path))(failed)

    @app.exception_handler(BadInput)
    async def refuse(_: Request, error: BadInput) -> Response:
        return JSONResponse({"detail": str(error)}, 422)

    @app.exception_handler(HangUpError)
    async def hang_up(_: Request, __: HangUpError) -> Response:
        return Nothing()

    return app


def _every(stop: threading.Event, work: Callable[[], None]) -> None:
    while not stop.wait(TICK):
        try:
            work()
        except Exception:  # the sandbox goes on; what was not done is still due
            log.exception("background work failed; it is tried again")

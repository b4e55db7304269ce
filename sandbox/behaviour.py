"""How a call goes wrong when it is told to: before it is accepted, or after."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sandbox.state import Fault, Provider, Row, State

HELD_LOOK = 0.01  # seconds between two looks whether a held call was released


class CallError(Exception):
    """The call is answered with an error. Which one says how; the provider's own router says it in its own way."""

    def __init__(self, status: int, code: str | None = None, text: str = "", retry_after: float | None = None) -> None:
        self.status, self.code, self.text = status, code, text
        self.headers = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
        super().__init__(f"{status} {code}")


class HangUpError(Exception):
    """The call gets no answer: the connection is closed."""


class Nothing(Response):
    """Closes the connection where an answer should be."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        # ASGI cannot say "hang up", so this reaches for uvicorn's connection, whose method `receive` is.
        cast(Any, receive).__self__.transport.abort()
        await asyncio.sleep(HELD_LOOK)


@asynccontextmanager
async def around(state: State, provider: Provider, call: Mapping[str, str | None]) -> AsyncIterator[None]:
    """Runs the acceptance of a call with whatever fault strikes it. Raises `CallError` or `HangUpError`."""
    fault = state.take_fault(provider, call)
    if fault is None:
        yield
        return
    await _before(state, fault, call)
    yield
    await _after(state, fault, call)


async def _before(state: State, fault: Fault, call: Mapping[str, str | None]) -> None:
    if fault.effect == "slow":
        await asyncio.sleep(fault.seconds)
    elif fault.effect == "hold":
        await _released(state, {**call, "accepted": False})
    elif fault.effect == "fail":
        raise CallError(fault.status, fault.code, retry_after=fault.retry_after)


async def _after(state: State, fault: Fault, call: Mapping[str, str | None]) -> None:
    if fault.effect == "accept_then_hold":
        await _released(state, {**call, "accepted": True})
    elif fault.effect == "accept_then_fail":
        raise CallError(fault.status, fault.code, retry_after=fault.retry_after)
    elif fault.effect == "accept_then_drop":
        raise HangUpError


async def _released(state: State, call: Row) -> None:
    before = state.releases
    state.held.append(call)
    try:
        while state.releases == before:
            await asyncio.sleep(HELD_LOOK)
    finally:
        state.held.remove(call)

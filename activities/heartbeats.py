"""Signs of life of an activity that is busy in other threads: a worker that dies is noticed in seconds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from temporalio import activity

_EVERY = 5.0


@asynccontextmanager
async def beating() -> AsyncIterator[None]:
    """While this lasts the server hears every five seconds that the activity goes on; outside of one, nothing."""
    if not activity.in_activity():
        yield
        return
    heart = asyncio.create_task(_beat())
    try:
        yield
    finally:
        heart.cancel()


async def _beat() -> None:
    while True:
        activity.heartbeat()
        await asyncio.sleep(_EVERY)

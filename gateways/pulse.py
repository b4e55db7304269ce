"""Signs of life: while an activity goes on, its worker says so; one whose worker died is soon done by another.

Only where the workflow asks for it (`heartbeat_timeout`). It is the process that shows that it lives; how long the work
itself may take is the activity's `start_to_close_timeout`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from temporalio import activity
from temporalio.worker import (
    ActivityInboundInterceptor,
    ActivityOutboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
)

_BEATS_A_TIMEOUT = 4


class Pulse(Interceptor):
    """Beats for every activity that has a heartbeat time-out, four times within it."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        """As the SDK asks for it."""
        return _Beating(next)


class _Beating(ActivityInboundInterceptor):
    def init(self, outbound: ActivityOutboundInterceptor) -> None:
        self._beat: Callable[[], None] = outbound.heartbeat
        super().init(outbound)

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        limit = activity.info().heartbeat_timeout
        if limit is None:
            return await super().execute_activity(input)
        heart = asyncio.create_task(self._live(limit.total_seconds() / _BEATS_A_TIMEOUT))
        try:
            return await super().execute_activity(input)
        finally:
            heart.cancel()

    async def _live(self, pause: float) -> None:
        while True:
            await asyncio.sleep(pause)
            self._beat()

"""What the webhooks tell an operator: calls by door and answer, and how long they took, on a port of their own."""

from __future__ import annotations

import time

from fastapi import FastAPI
from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import Response

from domain.errors import BadInput

REQUESTS, SECONDS = "regua_webhook_requests", "regua_webhook_request_seconds"
NOWHERE = "none"
"""The door of a call to an address that does not exist."""


def watch(app: FastAPI) -> CollectorRegistry:
    """Count and time every call to the app from now on; where the figures are."""
    figures = CollectorRegistry()
    calls = Counter(REQUESTS, "calls by door and status of the answer", ["door", "status"], registry=figures)
    seconds = Histogram(SECONDS, "duration of calls by door", ["door"], registry=figures)

    async def observe(request: Request, call: RequestResponseEndpoint) -> Response:
        begun, status = time.monotonic(), 500
        try:
            answer = await call(request)
            status = answer.status_code
            return answer
        finally:
            door = door_of(request)
            calls.labels(door, str(status)).inc()
            seconds.labels(door).observe(time.monotonic() - begun)

    app.add_middleware(BaseHTTPMiddleware, dispatch=observe)
    return figures


def door_of(request: Request) -> str:
    """The address as it was written for the route: what a caller put into it, a secret say, is not in it."""
    route = request.scope.get("route")
    return str(getattr(route, "path", NOWHERE))


def serve(figures: CollectorRegistry, host: str, port: int) -> None:
    """Serve them on GET /metrics for as long as the process lives. Raises `BadInput` where the port cannot be had."""
    try:
        start_http_server(port, host, figures)
    except OSError as error:
        raise BadInput(
            f"REGUA_WEBHOOK_METRICS_PORT: {host}:{port} cannot be listened on ({error.strerror}); name a free port"
        ) from error

"""Small helpers around the shell: what the UI is told, how raw bodies are read, what failures are called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.exceptions import TimeoutError as ActivityTimeout

from contract.messages import Next


def story(order: Next) -> str:
    """An instruction as one short line for summaries: ids, codes and dates only."""
    when = f" from {order.not_before:%Y-%m-%d %H:%M}Z" if order.not_before else ""
    what = f"{order.action} {order.step}".strip()
    return f"{order.stage}: {what}{when} ({order.reason})"[:200]


def readable(args: Sequence[RawValue]) -> dict[str, Any] | str | None:
    """The body of a raw message, where it is one JSON object or one string; None where it is anything else."""
    if len(args) != 1:
        return None
    try:
        body = workflow.payload_converter().from_payload(args[0].payload)
    except (RuntimeError, ValueError, KeyError, TypeError):
        return None
    return body if isinstance(body, dict | str) else None


def failure_code(error: ActivityError) -> str:
    """The code of a failed action: the type of its error, or that it took too long."""
    cause = error.cause
    if isinstance(cause, ApplicationError):
        return cause.type or "ApplicationError"
    if isinstance(cause, ActivityTimeout):
        return "TimeoutError"
    return type(cause).__name__ if cause else "ActivityError"

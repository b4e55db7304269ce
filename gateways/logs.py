"""JSON logs, one object a line, that carry no personal data.

An error is logged as its class, its code and where it was raised; never with its message, which may quote a row or an
address.
"""

from __future__ import annotations

import logging
import sys
import traceback
from types import TracebackType
from typing import TextIO

import structlog
from structlog.typing import EventDict, WrappedLogger

from gateways.scrub import failure_code

_QUIET = ("python_http_client", "twilio.http_client", "httpx2", "urllib3", "sqlalchemy", "uvicorn.access")
"""Libraries that log keys, addresses or payloads below WARNING."""


def configure_logs(stream: TextIO | None = None, level: int = logging.INFO) -> None:
    """Send the logs of this process, ours and the libraries', as JSON lines to `stream` (default: standard error)."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        name_error,
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def name_error(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace an error's text and stack trace by its class and code, and the places it passed, outermost first."""
    found = event.pop("exc_info", None)
    event.pop("stack_info", None)
    if found is True:
        found = sys.exc_info()
    error = found[1] if isinstance(found, tuple) else found
    if isinstance(error, BaseException):
        event["error"] = failure_code(error)
        event["raised_in"] = _places(error.__traceback__)
        if error.__cause__:
            event["cause"] = failure_code(error.__cause__)
    return event


def _places(trace: TracebackType | None) -> list[str]:
    return [f"{frame.filename}:{frame.lineno}:{frame.name}" for frame in traceback.extract_tb(trace)]

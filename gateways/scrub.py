"""Failures without their texts: what a history may know of an error is its class and its code.

Messages and stack traces of errors quote rows, addresses and message texts; a history lives for years and cannot
be erased. All failures of a worker (of activities, workflows, updates, workflow tasks, and of arguments that could not
be read) pass through the failure converter, some of them outside every interceptor; so they are scrubbed there.
The worker's log keeps where an error was raised.
"""

from __future__ import annotations

import errno
import re
from datetime import timedelta

import psycopg
import sqlalchemy.exc
from temporalio.api.failure.v1 import Failure
from temporalio.converter import DefaultFailureConverter, PayloadConverter
from temporalio.exceptions import ApplicationError, FailureError

from domain.errors import BadInput, Permanent, ProviderError, Refused

DATABASE_UNAVAILABLE = "DatabaseUnavailable"
DISK_UNAVAILABLE = "DiskUnavailable"
_HIDDEN = "Encoded failure"
"""As the SDK and Temporal's screens call a failure whose text is a payload."""

_MISTAKES = (TypeError, LookupError, AttributeError, AssertionError, NameError, NotImplementedError)
_HOPELESS = (BadInput, Refused, Permanent, *_MISTAKES)
"""Errors that the same call would meet again: a refusal, or a mistake in the program."""

_DISK_AWAY = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO})
"""No room, no more allowed, mounted for reading only, broken (errno(3)): passes once somebody has seen to the disk."""

_DATABASE_AWAY = (psycopg.OperationalError, sqlalchemy.exc.OperationalError, sqlalchemy.exc.TimeoutError)


class ScrubbingFailureConverter(DefaultFailureConverter):
    """Writes failures as type and code: no message, no stack trace, no details; their causes likewise."""

    def to_failure(self, exception: BaseException, payload_converter: PayloadConverter, failure: Failure) -> None:
        """Fill `failure` from `exception`; one that came from the server was scrubbed when it was made."""
        if isinstance(exception, FailureError) and exception.failure:
            super().to_failure(exception, payload_converter, failure)
        elif isinstance(exception, FailureError) and not isinstance(exception, ApplicationError):
            super().to_failure(exception, payload_converter, failure)
            failure.message, failure.stack_trace = type(exception).__name__, ""
            if failure.HasField("canceled_failure_info"):
                failure.canceled_failure_info.ClearField("details")
        else:
            super().to_failure(coded(exception), payload_converter, failure)


class EncodedFailureConverter(ScrubbingFailureConverter):
    """The same, and what is left of the text goes into the payload that a codec encrypts."""

    def to_failure(self, exception: BaseException, payload_converter: PayloadConverter, failure: Failure) -> None:
        """Fill `failure`, scrubbed, then move its message and those of its causes out of sight."""
        super().to_failure(exception, payload_converter, failure)
        _hide(failure, payload_converter)


def _hide(failure: Failure, payload_converter: PayloadConverter) -> None:
    if failure.message != _HIDDEN:  # what came from the server and was read carries both forms; the plain one counts
        told = {"message": failure.message, "stack_trace": failure.stack_trace}
        failure.encoded_attributes.CopyFrom(payload_converter.to_payloads([told])[0])
        failure.message, failure.stack_trace = _HIDDEN, ""
    if failure.HasField("cause"):
        _hide(failure.cause, payload_converter)


def coded(exception: BaseException) -> ApplicationError:
    """`exception` as Temporal may keep it: its type, its code, whether and when to try again. Nothing of its text.

    The type is the class name, or `DatabaseUnavailable` for a database that cannot be reached or gave up a transaction
    (its own disk may be full: class 53), or `DiskUnavailable` for a disk of ours that takes nothing.
    The message is `failure_code`; that of an `ApplicationError` raised on purpose stays if it is a code.
    """
    if isinstance(exception, ApplicationError):
        return ApplicationError(
            exception.message if _is_code(exception.message) else exception.type or "ApplicationError",
            type=exception.type,
            non_retryable=exception.non_retryable,
            next_retry_delay=exception.next_retry_delay,
            category=exception.category,
        )
    wait = exception.retry_after if isinstance(exception, ProviderError) else None
    return ApplicationError(
        failure_code(exception),
        type=_kind(exception),
        non_retryable=isinstance(exception, _HOPELESS),
        next_retry_delay=None if wait is None else timedelta(seconds=wait),
    )


def failure_code(exception: BaseException) -> str:
    """The class of `exception` and, where it has one, its code: ours, a provider's, or SQLSTATE."""
    code = getattr(exception, "code", None)
    if isinstance(exception, sqlalchemy.exc.SQLAlchemyError | psycopg.Error):
        code = getattr(getattr(exception, "orig", exception), "sqlstate", None)
    if isinstance(exception, OSError) and exception.errno in _DISK_AWAY:
        code = errno.errorcode[exception.errno]
    return f"{_kind(exception)} {code}" if isinstance(code, str) and _is_code(code) else _kind(exception)


def _kind(exception: BaseException) -> str:
    if isinstance(exception, _DATABASE_AWAY):
        return DATABASE_UNAVAILABLE
    away = isinstance(exception, OSError) and exception.errno in _DISK_AWAY
    return DISK_UNAVAILABLE if away else type(exception).__name__


def _is_code(text: str) -> bool:
    """One ASCII word with few digits: never a sentence, a CPF or a phone number."""
    return re.fullmatch(r"[\w.:/-]{1,64}", text, re.ASCII) is not None and sum(map(str.isdigit, text)) <= 6

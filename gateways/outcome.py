"""What the answer to a call, or its absence, says about what the provider did.

The providers have no idempotency keys, so one distinction carries everything: `Unavailable` means that nothing can have
happened and the call may simply be made again; `Unknown` means that it may have happened and must be looked up first.
A look-up changes nothing, so whatever interrupts one is `Unavailable`.

Nothing of a provider's text is carried on: it repeats addresses. Codes are.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from email.utils import parsedate_to_datetime
from urllib.error import URLError

import requests
from urllib3.exceptions import MaxRetryError, NewConnectionError

from domain.errors import Misconfigured, Permanent, ProviderError, Unavailable, Unknown


@dataclass(frozen=True)
class Accepted:
    """The provider has taken a message and will deliver it or report why not.

    `provider_id` is its own name for the message. `segments` is what an SMS is billed for, where it is already known.
    """

    provider_id: str
    segments: int | None = None


@dataclass(frozen=True)
class Price:
    """What a provider charged for one message or call: in `currency` (ISO 4217), with the sign it writes.

    `segments` as billed, where it says so.
    """

    amount: Decimal
    currency: str
    segments: int | None = None


def of_status(status: int, headers: Mapping[str, str], code: str | None = None) -> ProviderError:
    """The error for an HTTP status of 300 or more, where no code of the provider says something more exact.

    `code` is the provider's own code, by default `http-<status>`. A 5xx may come after the work was done.
    """
    code = code or f"http-{status}"
    if status == 429:
        return Unavailable(code, retry_after=retry_after(headers))
    if status >= 500 or status < 400:
        return Unknown(code, retry_after=retry_after(headers))
    if status in (401, 403):
        return Misconfigured(code)
    return Permanent(code)


def of_failure(error: BaseException) -> ProviderError:
    """The error for a call that brought no answer: refused, unresolvable, distrusted, timed out, cut off.

    Only what fails before a request can leave this machine is `Unavailable`.
    """
    kind = type(error).__name__
    return Unavailable(kind) if _never_left(error) else Unknown(kind)


def of_lookup(error: ProviderError) -> ProviderError:
    """The same error as it stands for a call that changes nothing: an unknown outcome is only a missing answer."""
    return Unavailable(error.code, retry_after=error.retry_after) if isinstance(error, Unknown) else error


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of real time to wait: `Retry-After` (RFC 9110: seconds or a date), or SendGrid's `X-RateLimit-Reset`."""
    now = time.time()
    try:
        if value := headers.get("Retry-After"):
            wait = float(value) if value.strip().isdigit() else parsedate_to_datetime(value).timestamp() - now
        elif value := headers.get("X-RateLimit-Reset"):
            wait = float(value) - now
        else:
            return None
    except ValueError:
        return None
    return max(wait, 0.0)


def _never_left(error: BaseException) -> bool:
    if isinstance(error, URLError) and isinstance(error.reason, BaseException):
        return _never_left(error.reason)
    if isinstance(error, requests.exceptions.ConnectionError) and error.args:
        reason = error.args[0]
        if isinstance(reason, MaxRetryError) and isinstance(reason.reason, NewConnectionError):
            return True
    return isinstance(
        error,
        ConnectionRefusedError
        | socket.gaierror
        | ssl.SSLCertVerificationError
        | requests.exceptions.ConnectTimeout
        | requests.exceptions.SSLError,
    )

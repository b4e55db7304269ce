"""SMS through Twilio's Messages API (2010-04-01)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any, Protocol, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import requests
from twilio.base.exceptions import TwilioException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from domain.errors import BadAddress, Misconfigured, OptedOut, ProviderError, Unavailable, Unknown
from gateways.outcome import Accepted, of_failure, of_lookup, of_status, retry_after

# At INFO the SDK logs addresses in query strings.
logging.getLogger("twilio.http_client").setLevel(logging.WARNING)

VALID_FOR = 14_400  # seconds: a message stuck for longer would arrive at night
CLOCK_MARGIN = timedelta(minutes=5)  # the provider's clock may run behind ours
LIST_LIMIT = 50

# Twilio's error codes that say more than their HTTP status does.
CODES: dict[int, type[ProviderError]] = {
    20429: Unavailable,  # too many requests
    20003: Misconfigured,  # authentication
    21606: Misconfigured,  # sender is not ours
    21408: Misconfigured,  # country not enabled
    21612: Misconfigured,  # no route from this sender
    63007: Misconfigured,  # channel sender unknown
    21211: BadAddress,  # not a number
    21214: BadAddress,  # not reachable
    21217: BadAddress,  # not a number
    21614: BadAddress,  # not a mobile
    21610: OptedOut,
}

Result = TypeVar("Result")


@dataclass(frozen=True)
class Sms:
    """One SMS. `short_ref` (5 or 6 characters) also stands in `body`: Twilio's log can be searched by nothing else.

    `to` is E.164; `sender` a number of ours or a messaging service (MG…). Delivery reports go to `callback_url`, which
    gets `send_id` added to its query.
    """

    send_id: str
    short_ref: str
    sender: str
    to: str
    body: str
    callback_url: str


class SmsGateway(Protocol):
    """Sends SMS and answers for what it sent."""

    def send(self, sms: Sms) -> Accepted:
        """Hands one SMS over. Raises `Unavailable` (not sent), `Unknown` (perhaps sent: `find` it), `Permanent`."""
        ...

    def find(self, short_ref: str, sender: str, to: str, since: datetime) -> Accepted | None:
        """The SMS to `to` that carries `short_ref`, created since `since` (real time, aware), or None.

        Raises `Unavailable`, `Permanent`.
        """
        ...


class TwilioSms:
    """Twilio with the account's Auth Token. Safe to share between threads: each has its own connection."""

    def __init__(
        self, account_sid: str, auth_token: str, base_url: str = "https://api.twilio.com", timeout: float = 10.0
    ) -> None:
        """`timeout` is in seconds."""
        self._account_sid, self._auth_token = account_sid, auth_token
        self._base_url, self._timeout = base_url.rstrip("/"), timeout
        self._local = threading.local()

    def send(self, sms: Sms) -> Accepted:
        message = _call(
            lambda: self._client().messages.create(
                to=sms.to,
                body=sms.body,
                status_callback=_with_send_id(sms.callback_url, sms.send_id),
                validity_period=VALID_FOR,
                **_sender(sms.sender),
            )
        )
        return _accepted(message)

    def find(self, short_ref: str, sender: str, to: str, since: datetime) -> Accepted | None:
        try:
            return _call(lambda: self._find(short_ref, sender, to, since - CLOCK_MARGIN))
        except ProviderError as error:
            raise of_lookup(error) from None

    def _find(self, short_ref: str, sender: str, to: str, since: datetime) -> Accepted | None:
        """Two lists: what went out, and what has no sending time or no sender yet (queued, messaging services)."""
        for message in chain(self._sent(sender, to, since), self._client().messages.list(to=to, limit=LIST_LIMIT)):
            if message.date_created >= since and short_ref in (message.body or ""):
                return _accepted(message)
        return None

    def _sent(self, sender: str, to: str, since: datetime) -> Iterator[Any]:
        if "from_" in (by := _sender(sender)):
            after = since.astimezone(UTC)  # the SDK writes whatever zone it is given as if it were UTC
            yield from self._client().messages.list(to=to, date_sent_after=after, limit=LIST_LIMIT, **by)

    def _client(self) -> Any:
        if not hasattr(self._local, "client"):
            http = TwilioHttpClient(timeout=self._timeout, request_hooks={"response": [_refuse]})
            # A non-empty environment keeps TWILIO_EDGE and TWILIO_REGION from rewriting the host.
            client = Client(self._account_sid, self._auth_token, environment={"_": "_"}, http_client=http)
            client.api.base_url = self._base_url
            self._local.client = client
        return self._local.client


def _refuse(response: requests.Response, **_: object) -> None:
    """Raises for an error answer before the SDK sees it: that drops the headers, and for lists also status and code."""
    if response.status_code < 300:
        return
    try:
        code = int(response.json()["code"])
    except (ValueError, KeyError, TypeError):
        code = 0
    if code in CODES and response.status_code < 500:
        raise CODES[code](str(code), retry_after=retry_after(response.headers))
    raise of_status(response.status_code, response.headers, str(code) if code else None)


def _sender(sender: str) -> dict[str, str]:
    return {"messaging_service_sid": sender} if sender.startswith("MG") else {"from_": sender}


def _with_send_id(url: str, send_id: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=urlencode([*parse_qsl(parts.query), ("send_id", send_id)])))


def _accepted(message: Any) -> Accepted:
    segments = int(message.num_segments or 0)  # a messaging service says 0 until it has chosen a sender
    return Accepted(message.sid, segments or None)


def _call(request: Callable[[], Result]) -> Result:
    try:
        return request()
    except requests.RequestException as error:
        raise of_failure(error) from None
    except (TwilioException, ValueError, TypeError, AttributeError):  # an answer that is not Twilio's
        raise Unknown("unreadable-answer") from None

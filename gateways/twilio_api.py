"""Twilio as all its gateways share it: the account, its clients, what its errors mean, how a message is found again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from itertools import chain
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import requests
from twilio.base.exceptions import TwilioException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from domain.delivery_codes import Reason, reason
from domain.errors import BadAddress, Misconfigured, OptedOut, Permanent, ProviderError, Unavailable, Unknown
from gateways.outcome import Accepted, Price, of_failure, of_lookup, of_status, retry_after

# At INFO the SDK logs addresses in query strings.
logging.getLogger("twilio.http_client").setLevel(logging.WARNING)

API = "https://api.twilio.com"
CLOCK_MARGIN = timedelta(minutes=5)  # the provider's clock may run behind ours
LIST_LIMIT = 50

Result = TypeVar("Result")

_ERRORS: dict[Reason, type[ProviderError]] = {
    "address": BadAddress,
    "opt-out": OptedOut,
    "configuration": Misconfigured,
    "content": Permanent,
    "transient": Unavailable,
}


class TwilioAccount:
    """The account, with its Auth Token. Safe to share between threads: each has its own connections."""

    def __init__(self, account_sid: str, auth_token: str, base_url: str = API, timeout: float = 10.0) -> None:
        """`timeout` is in seconds. A `base_url` that is not Twilio's own stands for all its products."""
        self.account_sid, self._auth_token = account_sid, auth_token
        self._base_url, self._timeout = base_url.rstrip("/"), timeout
        self._local = threading.local()

    def call(self, request: Callable[[Any], Result]) -> Result:
        """Runs `request` with this thread's client.

        Raises `Unavailable` (nothing happened), `Unknown` (perhaps it did), `Permanent`.
        """
        return _translated(lambda: request(self.client()))

    def look_up(self, request: Callable[[Any], Result]) -> Result:
        """The same for a request that changes nothing, so that it is never unknown what it did."""
        try:
            return self.call(request)
        except ProviderError as error:
            raise of_lookup(error) from None

    def download(self, path: str, limit: int) -> bytes:
        """The file at `path` of the API, of at most `limit` bytes. Raises `Unavailable`, `Permanent`."""
        try:
            return _translated(lambda: self._download(path, limit))
        except ProviderError as error:
            raise of_lookup(error) from None

    def client(self) -> Any:
        """The SDK's client of this thread."""
        if not hasattr(self._local, "client"):
            http = TwilioHttpClient(timeout=self._timeout, request_hooks={"response": [_refuse]})
            # A non-empty environment keeps TWILIO_EDGE and TWILIO_REGION from rewriting the host.
            client = Client(self.account_sid, self._auth_token, environment={"_": "_"}, http_client=http)
            client.api.base_url = self._base_url
            if not f"{urlsplit(self._base_url).hostname}".endswith(".twilio.com"):
                client.content.base_url = client.lookups.base_url = self._base_url
            self._local.client = client
        return self._local.client

    def _download(self, path: str, limit: int) -> bytes:
        """Not through the SDK, which reads every answer as text. The credentials do not follow to another host."""
        url, content = f"{self._base_url}{path}", bytearray()
        login = (self.account_sid, self._auth_token)
        with requests.get(url, auth=login, timeout=self._timeout, stream=True) as response:
            _refuse(response)
            for chunk in response.iter_content(64 * 1024):
                content += chunk
                if len(content) > limit:
                    raise Permanent("too-large", f"{path} is larger than {limit} bytes; raise the limit")
        return bytes(content)


def find_message(
    account: TwilioAccount,
    short_ref: str,
    sender: str,
    to: str,
    since: datetime,
    known: Collection[str] = (),
) -> Accepted | None:
    """The message to `to` that carries `short_ref`, created since `since` (real time, aware), or None.

    Twilio's records can be searched by addresses and time only; they have no key or tag of ours. Where a record has no
    text, as one made from a template may not, it is the message unless it is among the `known` ones, the provider's
    ids of other messages. Raises `Unavailable`, `Permanent`.
    """
    start = since - CLOCK_MARGIN

    def search(client: Any) -> Accepted | None:
        silent = []
        for message in chain(_sent(client, sender, to, start), client.messages.list(to=to, limit=LIST_LIMIT)):
            if message.date_created < start or message.sid in known:
                continue
            if short_ref in (message.body or ""):
                return accepted(message)
            silent += [] if message.body else [message]
        return accepted(min(silent, key=lambda message: abs(message.date_created - since))) if silent else None

    return account.look_up(search)


def find_price(account: TwilioAccount, sid: str) -> Price | None:
    """What the account was charged for a message (SM…, MM…) or a call (CA…), None while Twilio has not priced it.

    Raises `Unavailable`, `Permanent`.
    """

    def read(client: Any) -> Price | None:
        record = client.calls(sid).fetch() if sid.startswith("CA") else client.messages(sid).fetch()
        if record.price is None:
            return None
        segments = int(getattr(record, "num_segments", None) or 0)
        return Price(Decimal(record.price), str(record.price_unit).upper(), segments or None)

    return account.look_up(read)


def _sent(client: Any, sender: str, to: str, since: datetime) -> Iterator[Any]:
    """What went out; what has no sending time or no sender yet (queued, messaging services) is in no such list."""
    if "from_" in (by := sending(sender)):
        after = since.astimezone(UTC)  # the SDK writes whatever zone it is given as if it were UTC
        yield from client.messages.list(to=to, date_sent_after=after, limit=LIST_LIMIT, **by)


def sending(sender: str) -> dict[str, str]:
    """The SDK's argument for a sender: a number of ours, or a messaging service (MG…)."""
    return {"messaging_service_sid": sender} if sender.startswith("MG") else {"from_": sender}


def with_send_id(url: str, send_id: str) -> str:
    """The address with `send_id` in its query, by which a report finds its contact."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=urlencode([*parse_qsl(parts.query), ("send_id", send_id)])))


def accepted(message: Any) -> Accepted:
    """A message of the SDK as it is accepted."""
    segments = int(message.num_segments or 0)  # a messaging service says 0 until it has chosen a sender
    return Accepted(message.sid, segments or None)


def _refuse(response: requests.Response, **_: object) -> None:
    """Raises for an error answer before the SDK sees it: that drops the headers, and for lists also status and code."""
    if response.status_code < 300:
        return
    try:
        code = str(int(response.json()["code"]))
    except (ValueError, KeyError, TypeError):
        code = ""
    known = _ERRORS.get(reason(code))
    if known and response.status_code < 500:
        raise known(code, retry_after=retry_after(response.headers))
    raise of_status(response.status_code, response.headers, code or None)


def _translated(request: Callable[[], Result]) -> Result:
    try:
        return request()
    except requests.RequestException as error:
        raise of_failure(error) from None
    except (TwilioException, ValueError, TypeError, AttributeError, InvalidOperation):  # an answer that is not Twilio's
        raise Unknown("unreadable-answer") from None

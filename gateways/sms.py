"""SMS through Twilio's Messages API (2010-04-01)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gateways.outcome import Accepted, Price
from gateways.twilio_api import API, TwilioAccount, accepted, find_message, find_price, sending, with_send_id

VALID_FOR = 14_400  # seconds: a message stuck for longer would arrive at night


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

    def price(self, provider_id: str) -> Price | None:
        """What was charged for a message or call of the same account, None while it is not priced yet.

        Raises `Unavailable`, `Permanent`.
        """
        ...


class TwilioSms:
    """Twilio with the account's Auth Token. Safe to share between threads."""

    def __init__(self, account_sid: str, auth_token: str, base_url: str = API, timeout: float = 10.0) -> None:
        """`timeout` is in seconds."""
        self._account = TwilioAccount(account_sid, auth_token, base_url, timeout)

    def send(self, sms: Sms) -> Accepted:
        message = self._account.call(
            lambda client: client.messages.create(
                to=sms.to,
                body=sms.body,
                status_callback=with_send_id(sms.callback_url, sms.send_id),
                validity_period=VALID_FOR,
                **sending(sms.sender),
            )
        )
        return accepted(message)

    def find(self, short_ref: str, sender: str, to: str, since: datetime) -> Accepted | None:
        return find_message(self._account, short_ref, sender, to, since)

    def price(self, provider_id: str) -> Price | None:
        return find_price(self._account, provider_id)

"""E-mail through SendGrid: Mail Send to send, Email Logs to find out what became of an interrupted send."""

from __future__ import annotations

import base64
import http.client
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from python_http_client.exceptions import HTTPError
from sendgrid import SendGridAPIClient

from domain.errors import BadAddress, ProviderError, Unknown
from gateways.outcome import Accepted, of_failure, of_lookup, of_status

# At DEBUG the SDK logs the key and whole messages.
logging.getLogger("python_http_client").setLevel(logging.WARNING)

CLOCK_MARGIN = timedelta(minutes=5)  # the provider's clock may run behind ours
LOG_PAGE = 100


@dataclass(frozen=True)
class Attachment:
    """A file that goes with an e-mail; `mime` is its media type."""

    name: str
    mime: str
    content: bytes


@dataclass(frozen=True)
class Email:
    """One e-mail to one address. `send_id` is opaque: SendGrid keeps it as data that is not personal."""

    send_id: str
    sender: str
    sender_name: str
    to: str
    subject: str
    text: str
    html: str | None = None
    attachments: tuple[Attachment, ...] = ()
    reply_to: str | None = None


class EmailGateway(Protocol):
    """Sends e-mails and answers for what it sent."""

    def send(self, email: Email) -> Accepted:
        """Hands one e-mail over. Raises `Unavailable` (not sent), `Unknown` (perhaps sent: `find` it), `Permanent`."""
        ...

    def find(self, send_id: str, to: str, since: datetime) -> Accepted | None:
        """The e-mail of this `send_id` to `to`, handed over since `since` (real time, aware), or None.

        The provider's log is near real time: None shortly after a send proves nothing.
        Raises `Unavailable`, `Permanent`.
        """
        ...


class SendGridEmail:
    """SendGrid v3. Safe to share between threads."""

    def __init__(self, api_key: str, host: str = "https://api.sendgrid.com", timeout: float = 10.0) -> None:
        """`host` without path (https://api.eu.sendgrid.com for European accounts); `timeout` in seconds."""
        self._api_key, self._host, self._timeout = api_key, host.rstrip("/"), timeout

    def send(self, email: Email) -> Accepted:
        response = _call(lambda: self._client().mail.send.post(request_body=_payload(email)))
        if response.status_code != 202:
            raise Unknown(f"http-{response.status_code}")
        return Accepted(response.headers.get("X-Message-Id", ""))

    def find(self, send_id: str, to: str, since: datetime) -> Accepted | None:
        try:
            return self._find(send_id, to, since)
        except ProviderError as error:
            raise of_lookup(error) from None

    def _find(self, send_id: str, to: str, since: datetime) -> Accepted | None:
        """The log can be filtered by address and time, but custom arguments only show in each message's detail."""
        start = (since - CLOCK_MARGIN).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        query = f'to_email = {json.dumps(to)} AND sg_message_id_created_at > TIMESTAMP "{start}"'
        listed = _answer(lambda: self._client().logs.post(request_body={"query": query, "limit": LOG_PAGE}))
        for message in listed["messages"]:
            sg_message_id = message["sg_message_id"]
            detail = _answer(self._client().logs._(sg_message_id).get)
            if detail.get("custom_args", {}).get("send_id") == send_id:
                return Accepted(sg_message_id.partition(".")[0])
        return None

    def _client(self) -> Any:
        # The SDK's client collects headers across calls and never times out unless told to, so each call gets its own.
        sdk = SendGridAPIClient(self._api_key, host=self._host)
        sdk.client.timeout = self._timeout
        return sdk.client


def _payload(email: Email) -> dict[str, Any]:
    content = [{"type": "text/plain", "value": email.text}]
    if email.html:
        content.append({"type": "text/html", "value": email.html})
    payload: dict[str, Any] = {
        "personalizations": [{"to": [{"email": email.to}], "custom_args": {"send_id": email.send_id}}],
        "from": {"email": email.sender, "name": email.sender_name},
        "subject": email.subject,
        "content": content,
        # Rewritten links would keep the debtor from seeing that a link is the creditor's own.
        "tracking_settings": {"click_tracking": {"enable": False, "enable_text": False}},
    }
    if email.reply_to:
        payload["reply_to"] = {"email": email.reply_to}
    if email.attachments:
        payload["attachments"] = [_attachment(attachment) for attachment in email.attachments]
    return payload


def _attachment(attachment: Attachment) -> dict[str, str]:
    return {
        "content": base64.b64encode(attachment.content).decode(),
        "type": attachment.mime,
        "filename": attachment.name,
        "disposition": "attachment",
    }


def _call(request: Callable[[], Any]) -> Any:
    try:
        return request()
    except HTTPError as error:
        raise _refusal(error) from None
    except (OSError, http.client.HTTPException) as error:
        raise of_failure(error) from None


def _answer(request: Callable[[], Any]) -> dict[str, Any]:
    response = _call(request)
    try:
        answer: dict[str, Any] = json.loads(response.body)
    except ValueError:
        raise Unknown("unreadable-answer") from None
    return answer


def _refusal(error: HTTPError) -> ProviderError:
    if error.status_code == 400 and _blames_recipient(error.body):
        return BadAddress("http-400-to")
    return of_status(error.status_code, error.headers or {})


def _blames_recipient(body: bytes) -> bool:
    """Whether a 400 names the recipient's address as the fault: `personalizations.0.to.0.email`."""
    try:
        fields = [str(fault.get("field")) for fault in json.loads(body)["errors"]]
    except (ValueError, KeyError, TypeError, AttributeError):
        return False
    return any(field.startswith("personalizations.") and ".to." in field for field in fields)

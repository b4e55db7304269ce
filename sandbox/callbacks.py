"""What the providers tell afterwards: status callbacks (Twilio) and event webhooks (SendGrid), signed, and Pix.

An event is due a moment after the message was accepted. It is told until the receiver answers 2xx, and may be told
twice.
"""

from __future__ import annotations

import base64
import json
import time
from itertools import groupby
from pathlib import Path

import requests
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from twilio.request_validator import RequestValidator

from sandbox import pix, sendgrid, twilio
from sandbox.state import TWILIO_TOKEN, Row, State

AT_ONCE = 200  # events taken up in one go
PATIENCE = 5.0  # seconds the receiver has for an answer, and the longest wait between two tries
FIRST_WAIT = 0.1  # seconds before the second try


class Callbacks:
    """Tells the events that are due. Not for use by more than one thread."""

    def __init__(self, state: State) -> None:
        self._state, self._key = state, signing_key(state.settings.folder)
        self._session = requests.Session()
        self._session.trust_env = False

    def tell_due(self) -> None:
        """Lets what is due happen, and tells those who asked for it."""
        events = self._due()
        self._happen(events)
        for provider, told in groupby(events, key=lambda event: str(event["entry"]["provider"])):
            if provider == "sendgrid":
                self._tell_sendgrid(list(told))
            else:
                tell = self._tell_pix if provider == "pix" else self._tell_twilio
                for event in told:
                    tell(event)

    def _due(self) -> list[Row]:
        query = "SELECT * FROM events WHERE done = 0 AND next_try <= ? ORDER BY next_try, id LIMIT ?"
        due = self._state.rows(query, time.time(), AT_ONCE)
        events = [event | {"entry": self._state.entry(event["entry"])} for event in due]
        return sorted(events, key=lambda event: str(event["entry"]["provider"]))

    def _happen(self, events: list[Row]) -> None:
        """Look-ups show an event from its time on, whether or not anybody could be told."""
        fresh = [event for event in events if event["happened"] is None]
        if not fresh:
            return
        with self._state.transaction() as db:
            for event in fresh:
                db.execute("UPDATE events SET happened = due WHERE id = ?", (event["id"],))
                data = event["entry"]["data"] | ({"error": event["code"]} if event["name"] == "undelivered" else {})
                status = sendgrid.STATUS.get(event["name"], event["name"])
                values = (status, event["due"], json.dumps(data), event["entry"]["id"])
                db.execute("UPDATE entries SET status = ?, updated_at = ?, data = ? WHERE id = ?", values)

    def _tell_sendgrid(self, events: list[Row]) -> None:
        if self._state.settings.callbacks is None:
            self._told(events, True)
            return
        body = json.dumps([_flat(event) for event in events]).encode()
        timestamp = str(int(time.time()))
        signature = self._key.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        headers = {
            "Content-Type": "application/json",
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
        }
        self._told(events, self._post(f"{self._state.settings.callbacks}/webhooks/sendgrid", body, headers))

    def _tell_twilio(self, event: Row) -> None:
        url = event["entry"]["data"]["callback"]
        if not url:
            self._told([event], True)
            return
        form = twilio.callback(event["entry"], event)
        signature = RequestValidator(TWILIO_TOKEN).compute_signature(url, form)
        self._told([event], self._post(self._reachable(url), form, {"X-Twilio-Signature": str(signature)}))

    def _tell_pix(self, event: Row) -> None:
        url, body = pix.notice(self._state, event)
        heard = url is None or self._post(
            self._reachable(url), json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        self._told([event], heard)

    def _reachable(self, url: str) -> str:
        """Where the receiver really listens: its public address may lead nowhere from here."""
        settings = self._state.settings
        if settings.public_url and settings.callbacks and url.startswith(settings.public_url):
            return settings.callbacks + url.removeprefix(settings.public_url)
        return url

    def _post(self, url: str, body: bytes | dict[str, str], headers: dict[str, str]) -> bool:
        try:
            answer = self._session.post(url, body, headers=headers, timeout=PATIENCE, allow_redirects=False)
        except (requests.RequestException, ValueError):
            return False
        return 200 <= answer.status_code < 300

    def _told(self, events: list[Row], heard: bool) -> None:
        with self._state.transaction() as db:
            for event in events:
                wait = min(FIRST_WAIT * 2 ** event["attempts"], PATIENCE)
                values = (heard, time.time() + wait, event["id"])
                db.execute("UPDATE events SET done = ?, attempts = attempts + 1, next_try = ? WHERE id = ?", values)


def signing_key(folder: Path) -> ec.EllipticCurvePrivateKey:
    """The key of the event webhook, kept in the sandbox's folder and made there on first use."""
    path = folder / "webhook_key.pem"
    if not path.exists():
        key = ec.generate_private_key(ec.SECP256R1())
        form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        draft = path.with_suffix(".new")
        draft.write_bytes(key.private_bytes(*form))
        draft.rename(path)
    loaded = serialization.load_pem_private_key(path.read_bytes(), None)
    if not isinstance(loaded, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{path.name}: not an elliptic curve key; remove the file and a new one is made")
    return loaded


def public_key(folder: Path) -> str:
    """The public half, base64 of DER as SendGrid shows it."""
    form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    return base64.b64encode(signing_key(folder).public_key().public_bytes(*form)).decode()


def _flat(event: Row) -> dict[str, object]:
    """The webhook shows custom arguments beside the event's own fields, which win."""
    fields = sendgrid.event(event["entry"], event)
    return {**fields.pop("custom_args"), **fields}

"""What the providers tell afterwards: signed reports (Twilio), event webhooks (SendGrid), and what debtors write back.

An event is due a moment after the message was accepted. It is told until the receiver answers 2xx, and may be told
twice, late, or before an earlier one where a fault says so.
"""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sandbox import pix, replies, sendgrid, twilio
from sandbox.outside import PATIENCE, Outside, heard
from sandbox.state import Row, State

AT_ONCE = 200  # events taken up in one go
FIRST_WAIT = 0.1  # seconds before the second try
WITH_STATUS = frozenset({"mail", "sms", "whatsapp"})
"""Kinds of entries whose events are what their status tells."""


class Callbacks:
    """Tells the events that are due. Not for use by more than one thread."""

    def __init__(self, state: State) -> None:
        self._state, self._key = state, signing_key(state.settings.folder)
        self._outside = Outside(state.settings)

    def tell_due(self) -> None:
        """Lets what is due happen, and tells those who asked for it."""
        now = time.time()
        events = self._due(now)
        self._happen([event for event in events if event["happened"] is None and event["due"] <= now])
        told = [event for event in events if event["next_try"] <= now]
        mails = [event for event in told if event["entry"]["kind"] == "mail"]
        if mails:
            self._told(mails, self._tell_sendgrid(mails))
        for event in told:
            if event["entry"]["kind"] != "mail":
                self._told([event], self._tell(event))

    def _due(self, now: float) -> list[Row]:
        """An event that is told late, or before its turn, happens at its own time all the same."""
        query = (
            "SELECT * FROM events WHERE done = 0 AND (next_try <= ? OR (happened IS NULL AND due <= ?))"
            " ORDER BY next_try, id LIMIT ?"
        )
        due = self._state.rows(query, now, now, AT_ONCE)
        return [event | {"entry": self._state.entry(event["entry"])} for event in due]

    def _happen(self, events: list[Row]) -> None:
        """Look-ups show an event from its time on, whether or not anybody could be told."""
        if not events:
            return
        with self._state.transaction() as db:
            for event in sorted(events, key=lambda event: float(event["due"])):
                db.execute("UPDATE events SET happened = due WHERE id = ?", (event["id"],))
                if event["entry"]["kind"] not in WITH_STATUS:
                    continue
                failed = event["name"] in ("undelivered", "failed")
                data = event["entry"]["data"] | ({"error": event["code"]} if failed else {})
                status = sendgrid.STATUS.get(event["name"], event["name"])
                values = (status, event["due"], json.dumps(data), event["entry"]["id"])
                db.execute("UPDATE entries SET status = ?, updated_at = ?, data = ? WHERE id = ?", values)

    def _tell(self, event: Row) -> bool:
        entry = event["entry"]
        if entry["provider"] == "pix":
            called, notice = pix.notice(self._state, event)
            headers = {"Content-Type": "application/json"}
            return called is None or heard(self._outside.post(called, json.dumps(notice).encode(), headers))
        if entry["kind"] == "inbound-mail":
            body, content_type = replies.multipart(entry)
            return heard(self._outside.post(entry["data"]["url"], body, self._signed(body, content_type)))
        url, form = twilio.report(self._state, entry, event)
        return not url or heard(self._outside.post_signed(url, form))

    def _tell_sendgrid(self, events: list[Row]) -> bool:
        if self._state.settings.callbacks is None:
            return True
        body = json.dumps([_flat(event) for event in events]).encode()
        headers = self._signed(body, "application/json")
        return heard(self._outside.post(f"{self._state.settings.callbacks}/webhooks/sendgrid", body, headers))

    def _signed(self, body: bytes, content_type: str) -> dict[str, str]:
        timestamp = str(int(time.time()))
        signature = self._key.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        return {
            "Content-Type": content_type,
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
        }

    def _told(self, events: list[Row], heard: bool) -> None:
        with self._state.transaction() as db:
            for event in events:
                copies = event["copies"] - heard
                wait = self._state.settings.event_delay if heard else min(FIRST_WAIT * 2 ** event["attempts"], PATIENCE)
                values = (copies == 0, copies, time.time() + wait, event["id"])
                db.execute(
                    "UPDATE events SET done = ?, copies = ?, attempts = attempts + 1, next_try = ? WHERE id = ?", values
                )


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

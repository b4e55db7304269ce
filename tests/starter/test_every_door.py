"""Every door at which Twilio calls: what is forged, cut off, too large or told again changes nothing.

SendGrid's doors are in test_webhooks and test_inbound, the bank's in test_pix_webhook.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from sqlalchemy import Engine, select
from twilio.request_validator import RequestValidator

from activities.channels import CALLS
from db.rows import CONTACT, CONTACT_POINT, DEBTOR, DOCUMENT, FACT, INBOUND, TASK, WEBHOOK_EVENT
from starter.webhooks import TWILIO_LIMIT
from tests.starter.test_webhooks import PHONE, PUBLIC, SECRET, Receiver, receiving, status

CALL = {"CallSid": "CA1", "AccountSid": "AC1", "From": "+551130000000", "To": PHONE, "ApiVersion": "2010-04-01"}
TOUCHED = (CONTACT, CONTACT_POINT, DEBTOR, DOCUMENT, FACT, INBOUND, TASK, WEBHOOK_EVENT)
DOORS: dict[str, tuple[str, dict[str, str]]] = {
    "a message's report": ("/webhooks/twilio/status?send_id={id}", status("failed", "21610")),
    "a reply": ("/webhooks/twilio/inbound", CALL | {"MessageSid": "SM9", "Body": "PARE", "OptOutType": "STOP"}),
    "the script of a call": (f"{CALLS}?send_id={{id}}&at=menu&tries=0", CALL | {"Digits": "9"}),
    "a call's report": (f"{CALLS}/status?send_id={{id}}", CALL | {"CallStatus": "no-answer"}),
    "a recording": (
        f"{CALLS}/recording?send_id={{id}}",
        CALL | {"RecordingSid": "RE1", "RecordingStatus": "completed"},
    ),
}


@pytest.fixture
def receiver(engine: Engine) -> Iterator[Receiver]:
    with receiving(engine) as running:
        yield running


@pytest.fixture(params=DOORS)
def door(request: pytest.FixtureRequest, receiver: Receiver) -> tuple[str, bytes, str]:
    """Path, body and signature of a genuine call about a call of ours."""
    path, form = DOORS[request.param]
    contact = receiver.desk.send(receiver.desk.open(contacts=(("voice", PHONE), ("sms", PHONE))), channel="voice")
    path = path.format(id=contact.hex)
    signature = str(RequestValidator(SECRET).compute_signature(PUBLIC + path, form))
    return path, urlencode(form).encode(), signature


def post(receiver: Receiver, path: str, body: bytes, signature: str) -> int:
    headers = {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}
    return requests.post(receiver.url + path, body, headers=headers, timeout=10).status_code


def rows(receiver: Receiver) -> list[list[Any]]:
    """All rows that a call may touch."""
    with receiver.desk.engine.connect() as conn:
        return [[tuple(row) for row in conn.execute(select(of).order_by(*of.primary_key))] for of in TOUCHED]


def test_what_is_forged_cut_off_or_too_large_changes_nothing(receiver: Receiver, door: tuple[str, bytes, str]) -> None:
    path, body, signature = door
    before = rows(receiver)
    assert [
        post(receiver, path, body, ""),
        post(receiver, path, body, signature[:-4] + "abc="),
        post(receiver, path, body + b"&Extra=1", signature),
        post(receiver, path, body[:-3], signature),
        post(receiver, path + "&x=1" if "?" in path else path + "?x=1", body, signature),
        post(receiver, path, body + b"&x=" + b"1" * TWILIO_LIMIT, signature),
    ] == [403, 403, 403, 403, 403, 413]
    assert rows(receiver) == before
    assert receiver.told == []


def test_what_is_told_again_changes_nothing_more(receiver: Receiver, door: tuple[str, bytes, str]) -> None:
    path, body, signature = door
    before = rows(receiver)
    assert post(receiver, path, body, signature) in (200, 204)
    settled(receiver)
    after = rows(receiver)
    assert after != before, "the call is genuine"
    told = list(receiver.told)
    assert {post(receiver, path, body, signature) for _ in range(3)} <= {200, 204}
    settled(receiver)
    assert rows(receiver) == after
    assert receiver.told == told


def settled(receiver: Receiver) -> None:
    """Wait until what was stored is understood."""
    receiver.settle()
    while receiver.desk.all(select(INBOUND.c.id).where(INBOUND.c.taken_at.is_(None))):
        pass

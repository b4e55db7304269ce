"""Webhook calls as the providers sign them, and as nobody else does."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import FormData

from gateways import signatures
from gateways.email import Email, SendGridEmail
from gateways.sms import Sms, TwilioSms
from sandbox.server import running_sandbox
from sandbox.state import SENDGRID_KEY, TWILIO_SID, TWILIO_TOKEN
from tests.sandbox.receiver import Call, receiving

SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP = "X-Twilio-Email-Event-Webhook-Timestamp"
Signed = tuple[str, Call]


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Signed:
    """A public key, and a call that it belongs to."""
    with receiving() as receiver, running_sandbox(tmp_path_factory.mktemp("sandbox"), receiver.url) as sandbox:
        email = Email("01S", "cobranca@example.com", "Credora", "fulano@example.com", "Aviso", "Olá")
        SendGridEmail(SENDGRID_KEY, sandbox.url).send(email)
        return sandbox.public_key, receiver.wait_for(1)[0]


@pytest.fixture(scope="module")
def status(tmp_path_factory: pytest.TempPathFactory) -> Signed:
    """The address that was called, and the call."""
    with receiving() as receiver, running_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        url = f"{receiver.url}/webhooks/twilio"
        sms = Sms("01S", "K7Q2M", "+551130000000", "+5511900000001", "Ref K7Q2M", url)
        TwilioSms(TWILIO_SID, TWILIO_TOKEN, sandbox.url).send(sms)
        call = receiver.wait_for(1)[0]
        return receiver.url + call.path, call


def test_a_status_callback_of_twilio_is_genuine(status: Signed) -> None:
    url, call = status
    pairs = parse_qsl(call.body.decode(), keep_blank_values=True)
    signature = call.headers["X-Twilio-Signature"]
    assert url.endswith("?send_id=01S")
    assert signatures.twilio(TWILIO_TOKEN, url, dict(pairs), signature)
    assert signatures.twilio(TWILIO_TOKEN, url, FormData(pairs), signature)


def test_a_changed_status_callback_is_not(status: Signed) -> None:
    url, call = status
    form, signature = dict(parse_qsl(call.body.decode())), call.headers["X-Twilio-Signature"]
    assert not signatures.twilio(TWILIO_TOKEN, url, form | {"MessageStatus": "read"}, signature)
    assert not signatures.twilio(TWILIO_TOKEN, url.replace("01S", "01T"), form, signature)
    assert not signatures.twilio("another token", url, form, signature)
    assert not signatures.twilio(TWILIO_TOKEN, url, form, None)
    assert not signatures.twilio(TWILIO_TOKEN, url, form, signature, "key=K,algorithm=HMAC_SHA256")
    assert not signatures.twilio(TWILIO_TOKEN, url, form, signature, "algorithm=MD5")


def test_an_event_call_of_sendgrid_is_genuine_for_ten_minutes(events: Signed) -> None:
    key, call = events
    signature, timestamp = call.headers[SIGNATURE], call.headers[TIMESTAMP]
    signed_at = datetime.fromtimestamp(int(timestamp), UTC)
    for minutes in (-10, 0, 10):
        assert signatures.sendgrid(key, call.body, signature, timestamp, signed_at + timedelta(minutes=minutes))
    for minutes in (-10, 10):
        late = signed_at + timedelta(minutes=minutes, seconds=minutes)
        assert not signatures.sendgrid(key, call.body, signature, timestamp, late)


def test_a_changed_event_call_is_not(events: Signed) -> None:
    key, call = events
    signature, timestamp = call.headers[SIGNATURE], call.headers[TIMESTAMP]
    now = datetime.fromtimestamp(int(timestamp), UTC)
    assert not signatures.sendgrid(key, call.body + b" ", signature, timestamp, now)
    assert not signatures.sendgrid(key, call.body, signature, str(int(timestamp) + 1), now)
    assert not signatures.sendgrid(key, call.body, None, timestamp, now)
    assert not signatures.sendgrid(key, call.body, signature, None, now)
    assert not signatures.sendgrid("no key", call.body, signature, timestamp, now)
    form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    other = base64.b64encode(rsa.generate_private_key(65537, 2048).public_key().public_bytes(*form)).decode()
    assert not signatures.sendgrid(other, call.body, signature, timestamp, now)


ANYTHING = st.one_of(st.none(), st.text(), st.binary().map(lambda raw: base64.b64encode(raw).decode()))


@given(url=st.text(), form=st.dictionaries(st.text(), st.text()), signature=ANYTHING, settings=ANYTHING)
def test_no_nonsense_passes_or_breaks_twilios_check(
    url: str, form: dict[str, str], signature: str | None, settings: str | None
) -> None:
    assert signatures.twilio(TWILIO_TOKEN, url, form, signature, settings) is False


@given(key=st.text(), body=st.binary(), signature=ANYTHING, timestamp=st.one_of(ANYTHING, st.integers().map(str)))
def test_no_nonsense_passes_or_breaks_sendgrids_check(
    key: str, body: bytes, signature: str | None, timestamp: str | None
) -> None:
    assert signatures.sendgrid(key, body, signature, timestamp, datetime.now(UTC)) is False


@given(signature=ANYTHING, body=st.binary())
def test_no_nonsense_passes_under_a_real_key(events: Signed, signature: str | None, body: bytes) -> None:
    timestamp = str(int(datetime.now(UTC).timestamp()))
    assert signatures.sendgrid(events[0], body, signature, timestamp, datetime.now(UTC)) is False


def test_a_restarted_sandbox_keeps_its_key(tmp_path: Path) -> None:
    with running_sandbox(tmp_path) as first:
        key = first.public_key
    with running_sandbox(tmp_path) as second:
        assert second.public_key == key

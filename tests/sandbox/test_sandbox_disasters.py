"""What the sandbox says it has stays true, and what it has to tell is told, whatever dies."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from domain.errors import BadInput, Unknown
from gateways import signatures
from gateways.email import Email, SendGridEmail
from gateways.sms import Sms, TwilioSms
from sandbox.server import Sandbox, running_sandbox
from sandbox.state import SENDGRID_KEY, TWILIO_SID, TWILIO_TOKEN
from tests.sandbox.receiver import Call, Receiver, receiving

ROOT = Path(__file__).resolve().parents[2]
EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
EMAIL = Email("01MAIL", "cobranca@example.com", "Credora", "fulano@example.com", "Aviso", "Olá")


def sms(to: str = "+5511900000001", base: str = "http://127.0.0.1:9") -> Sms:
    return Sms("01SMS", "K7Q2M", "+551130000000", to, "Ref K7Q2M", f"{base}/webhooks/twilio")


def send_email(sandbox: Sandbox, to: str = EMAIL.to, send_id: str = "01MAIL") -> None:
    email = Email(send_id, EMAIL.sender, EMAIL.sender_name, to, EMAIL.subject, EMAIL.text)
    SendGridEmail(SENDGRID_KEY, sandbox.url).send(email)


def send_sms(sandbox: Sandbox, message: Sms) -> None:
    TwilioSms(TWILIO_SID, TWILIO_TOKEN, sandbox.url).send(message)


def events(calls: list[Call]) -> list[tuple[str, str]]:
    return [(event["event"], event["send_id"]) for call in calls for event in json.loads(call.body)]


def wait_for_events(receiver: Receiver, count: int) -> list[tuple[str, str]]:
    deadline = time.monotonic() + 10
    while len(events(receiver.calls)) < count:
        assert time.monotonic() < deadline, receiver.calls
        time.sleep(0.01)
    return events(receiver.calls)


def statuses(calls: list[Call]) -> list[tuple[str, str | None]]:
    forms = [parse_qs(call.body.decode()) for call in calls]
    return [(form["MessageStatus"][0], form.get("ErrorCode", [None])[0]) for form in forms]


class TestEvents:
    """What becomes of a message is told to who asked for it."""

    @pytest.fixture
    def receiver(self) -> Iterator[Receiver]:
        with receiving() as receiver:
            yield receiver

    @pytest.fixture
    def sandbox(self, receiver: Receiver, tmp_path: Path) -> Iterator[Sandbox]:
        with running_sandbox(tmp_path, receiver.url, event_delay=0.01) as sandbox:
            yield sandbox

    def test_a_delivered_email_is_processed_then_delivered(self, sandbox: Sandbox, receiver: Receiver) -> None:
        send_email(sandbox)
        assert wait_for_events(receiver, 2) == [("processed", "01MAIL"), ("delivered", "01MAIL")]
        assert {call.path for call in receiver.calls} == {"/webhooks/sendgrid"}
        assert sandbox.log()[-1]["status"] == "delivered"

    def test_an_address_that_sounds_like_a_bounce_bounces(self, sandbox: Sandbox, receiver: Receiver) -> None:
        send_email(sandbox, "bounce.fulano@example.com")
        assert [name for name, _ in wait_for_events(receiver, 2)] == ["processed", "bounce"]

    def test_who_opted_out_is_dropped(self, sandbox: Sandbox, receiver: Receiver) -> None:
        sandbox.fate("saiu@example.com", "opted_out")
        send_email(sandbox, "saiu@example.com")
        assert [name for name, _ in wait_for_events(receiver, 1)] == ["dropped"]

    def test_a_silent_address_is_never_heard_of(self, sandbox: Sandbox, receiver: Receiver) -> None:
        send_email(sandbox, "silencio@example.com", "01SILENT")
        send_email(sandbox, "fulano@example.com", "01LOUD")
        assert {send_id for _, send_id in wait_for_events(receiver, 2)} == {"01LOUD"}

    def test_an_sms_tells_its_callback_address_with_the_send_id(self, sandbox: Sandbox, receiver: Receiver) -> None:
        send_sms(sandbox, sms(base=receiver.url))
        assert statuses(receiver.wait_for(2)) == [("sent", None), ("delivered", None)]
        assert parse_qs(urlsplit(receiver.calls[0].path).query) == {"send_id": ["01SMS"]}

    def test_an_undelivered_sms_says_why(self, sandbox: Sandbox, receiver: Receiver) -> None:
        sandbox.fate("+5511900000001", "undelivered:30003")
        send_sms(sandbox, sms(base=receiver.url))
        assert statuses(receiver.wait_for(2)) == [("sent", None), ("undelivered", "30003")]

    def test_a_receiver_that_fails_is_told_again(self, sandbox: Sandbox, receiver: Receiver) -> None:
        receiver.refusals = 2
        send_email(sandbox)
        assert sorted(name for name, _ in wait_for_events(receiver, 2)) == ["delivered", "processed"]

    def test_a_fate_unknown_is_refused(self, sandbox: Sandbox) -> None:
        with pytest.raises(BadInput):
            sandbox.fate("fulano@example.com", "abducted")
        answer = requests.post(f"{sandbox.url}/sandbox/fates", json={"fulano@example.com": "abducted"}, timeout=5)
        assert answer.status_code == 422


def test_calls_go_to_the_reachable_address_but_are_signed_for_the_public_one(tmp_path: Path) -> None:
    public = "https://cobranca.example.com"
    with receiving() as receiver, running_sandbox(tmp_path, receiver.url, public_url=public) as sandbox:
        send_sms(sandbox, sms(base=public))
        call = receiver.wait_for(1)[0]
    form = {name: values[0] for name, values in parse_qs(call.body.decode()).items()}
    assert signatures.twilio(TWILIO_TOKEN, public + call.path, form, call.headers["X-Twilio-Signature"])


def test_what_was_still_to_tell_is_told_after_a_restart(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    with running_sandbox(tmp_path, base, event_delay=0.01) as sandbox:
        send_email(sandbox)
        send_sms(sandbox, sms(base=base))
        log = sandbox.log()
    with receiving(port) as receiver, running_sandbox(tmp_path, base) as sandbox:
        assert [entry["id"] for entry in sandbox.log()] == [entry["id"] for entry in log]
        receiver.wait_for(3)
        emails = [call for call in receiver.calls if call.path == "/webhooks/sendgrid"]
        texts = [call for call in receiver.calls if call.path != "/webhooks/sendgrid"]
        while len(events(emails)) < 2 or len(texts) < 2:
            receiver.wait_for(len(receiver.calls) + 1)
            emails = [call for call in receiver.calls if call.path == "/webhooks/sendgrid"]
            texts = [call for call in receiver.calls if call.path != "/webhooks/sendgrid"]
    assert {name for name, _ in events(emails)} == {"processed", "delivered"}
    assert {status for status, _ in statuses(texts)} == {"sent", "delivered"}


def test_a_killed_sandbox_has_everything_it_accepted(tmp_path: Path) -> None:
    with process(tmp_path) as (first, url):
        for number in range(5):
            email = Email(f"01KILL{number}", EMAIL.sender, "Credora", EMAIL.to, "Aviso", "Olá")
            SendGridEmail(SENDGRID_KEY, url).send(email)
        fault = {"provider": "twilio", "effect": "accept_then_hold"}
        assert requests.post(f"{url}/sandbox/faults", json=fault, timeout=5).status_code == 204
        with pytest.raises(Unknown):
            TwilioSms(TWILIO_SID, TWILIO_TOKEN, url, timeout=0.5).send(sms())
        os.kill(first.pid, signal.SIGKILL)
    with process(tmp_path) as (_, url):
        log = requests.get(f"{url}/sandbox/log", timeout=5).json()
        assert [entry["send_id"] for entry in log] == [*(f"01KILL{number}" for number in range(5)), "01SMS"]
        found = TwilioSms(TWILIO_SID, TWILIO_TOKEN, url).find("K7Q2M", "+551130000000", "+5511900000001", EPOCH)
        assert found is not None
        assert found.provider_id == log[-1]["provider_id"]


@contextmanager
def process(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The sandbox as a process of its own, that may be killed inside."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "sandbox", "--port", str(port), "--data", str(folder), "--seed", "7"]
    child, url = subprocess.Popen(command, cwd=ROOT), f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                requests.get(f"{url}/sandbox/keys", timeout=5)
                break
            except requests.ConnectionError:
                assert time.monotonic() < deadline
                assert child.poll() is None
                time.sleep(0.05)
        yield child, url
    finally:
        child.terminate()
        child.wait(10)


class TestFaults:
    """What goes wrong is told over HTTP, and strikes what it was meant for."""

    @pytest.fixture
    def sandbox(self, tmp_path: Path) -> Iterator[Sandbox]:
        with running_sandbox(tmp_path) as sandbox:
            yield sandbox

    def test_a_fault_strikes_its_match_as_often_as_it_was_told(self, sandbox: Sandbox) -> None:
        rule = {"provider": "sendgrid", "match": {"to": "fulano@example.com"}, "effect": "fail", "times": 2}
        assert requests.post(f"{sandbox.url}/sandbox/faults", json=[rule], timeout=5).status_code == 204
        send_email(sandbox, "beltrana@example.com")
        send_sms(sandbox, sms())
        for _ in range(2):
            with pytest.raises(Unknown):
                send_email(sandbox)
        send_email(sandbox)
        assert len(sandbox.log()) == 3

    def test_cleared_faults_strike_no_more(self, sandbox: Sandbox) -> None:
        sandbox.fault("fail")
        assert requests.delete(f"{sandbox.url}/sandbox/faults", timeout=5).status_code == 204
        send_email(sandbox)

    def test_a_slow_call_is_accepted_all_the_same(self, sandbox: Sandbox) -> None:
        sandbox.fault("slow", seconds=0.2, times=1)
        start = time.monotonic()
        send_email(sandbox)
        assert time.monotonic() - start >= 0.2
        assert len(sandbox.log()) == 1

    def test_a_rule_that_makes_no_sense_is_refused(self, sandbox: Sandbox) -> None:
        for rule in ({"effect": "explode"}, {"effect": "fail", "provider": "carrier pigeon"}, {"efect": "fail"}):
            assert requests.post(f"{sandbox.url}/sandbox/faults", json=rule, timeout=5).status_code == 422

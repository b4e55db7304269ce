"""SMS through Twilio's API, over real HTTP."""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from domain.errors import BadAddress, Misconfigured, OptedOut, Permanent, Unavailable, Unknown
from gateways.sms import Sms, TwilioSms
from sandbox.server import Sandbox
from sandbox.state import TWILIO_SID, TWILIO_TOKEN

OURS = "+551130000000"
REMINDER = Sms(
    send_id="01SEND",
    short_ref="K7Q2M",
    sender=OURS,
    to="+5511900000001",
    body="Credora: sua fatura vence amanha. Ref K7Q2M",
    callback_url="http://127.0.0.1:9/webhooks/twilio?origem=regua",
)
EPOCH = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def gateway(sandbox: Sandbox) -> TwilioSms:
    return TwilioSms(TWILIO_SID, TWILIO_TOKEN, sandbox.url, timeout=5.0)


def test_an_accepted_sms_is_at_the_provider_with_its_send_id(sandbox: Sandbox, gateway: TwilioSms) -> None:
    accepted = gateway.send(REMINDER)
    entry = sandbox.log()[-1]
    assert entry["provider_id"] == accepted.provider_id
    assert (entry["to"], entry["from"], entry["body"]) == (REMINDER.to, OURS, REMINDER.body)
    assert entry["send_id"] == "01SEND"
    callback = sandbox.state.entry(entry["id"])["data"]["callback"]
    assert callback == "http://127.0.0.1:9/webhooks/twilio?origem=regua&send_id=01SEND"


@pytest.mark.parametrize(
    ("body", "segments"), [("a" * 160, 1), ("a" * 161, 2), ("ã" * 70, 1), ("ã" * 71, 2), ("€" * 80, 1), ("€" * 81, 2)]
)
def test_segments_are_reported_as_they_will_be_billed(gateway: TwilioSms, body: str, segments: int) -> None:
    assert gateway.send(replace(REMINDER, body=body)).segments == segments


def test_a_messaging_service_does_not_know_the_segments_yet(gateway: TwilioSms) -> None:
    service = "MG" + "1f" * 16
    accepted = gateway.send(replace(REMINDER, sender=service, short_ref="MSG01", body="Ref MSG01"))
    assert accepted.segments is None
    found = gateway.find("MSG01", service, REMINDER.to, EPOCH)
    assert found is not None
    assert found.provider_id == accepted.provider_id


@pytest.mark.parametrize(
    ("number", "error", "code"),
    [
        ("+15005550001", BadAddress, "21211"),
        ("+15005550002", Misconfigured, "21612"),
        ("+15005550003", Misconfigured, "21408"),
        ("+15005550004", OptedOut, "21610"),
        ("+15005550009", BadAddress, "21614"),
        ("+551130000001", BadAddress, "21614"),
        ("119", BadAddress, "21211"),
    ],
)
def test_each_refused_number_has_its_reason(
    sandbox: Sandbox, gateway: TwilioSms, number: str, error: type[Permanent], code: str
) -> None:
    with pytest.raises(Permanent) as caught:
        gateway.send(replace(REMINDER, to=number))
    assert type(caught.value) is error
    assert caught.value.code == code
    assert number not in str(caught.value)
    assert sandbox.log()[-1]["refused"] == code


def test_a_debtor_who_opted_out_at_the_provider_is_told_apart(sandbox: Sandbox, gateway: TwilioSms) -> None:
    sandbox.fate("+5511900000021", "opted_out")
    with pytest.raises(OptedOut):
        gateway.send(replace(REMINDER, to="+5511900000021"))


def test_a_text_too_long_will_never_be_sent(gateway: TwilioSms) -> None:
    with pytest.raises(Permanent) as caught:
        gateway.send(replace(REMINDER, body="a" * 1601))
    assert caught.value.code == "21617"


def test_a_wrong_token_stops_the_channel(sandbox: Sandbox) -> None:
    wrong = TwilioSms(TWILIO_SID, "wrong", sandbox.url)
    with pytest.raises(Misconfigured) as caught:
        wrong.send(REMINDER)
    assert caught.value.code == "20003"
    with pytest.raises(Misconfigured):
        wrong.find("K7Q2M", OURS, REMINDER.to, EPOCH)


def test_a_rate_limit_says_how_long_to_wait(sandbox: Sandbox, gateway: TwilioSms) -> None:
    sandbox.fault("fail", status=429, code="20429", retry_after=3, times=1)
    with pytest.raises(Unavailable) as caught:
        gateway.send(REMINDER)
    assert caught.value.retry_after == 3


@pytest.mark.parametrize("effect", ["accept_then_fail", "accept_then_drop"])
def test_an_sms_whose_answer_was_lost_is_found_by_its_short_ref(
    sandbox: Sandbox, gateway: TwilioSms, effect: str
) -> None:
    start, ref = datetime.now(UTC), effect[-4:].upper() + "9"
    sandbox.fault(effect, times=1)
    with pytest.raises(Unknown):
        gateway.send(replace(REMINDER, short_ref=ref, body=f"Ref {ref}"))
    found = gateway.find(ref, OURS, REMINDER.to, start)
    assert found is not None
    assert found.provider_id == sandbox.log()[-1]["provider_id"]
    assert found.segments == 1


def test_an_sms_still_queued_is_found_too(sandbox: Sandbox, gateway: TwilioSms) -> None:
    sandbox.fate("+5511900000022", "silent")
    accepted = gateway.send(replace(REMINDER, to="+5511900000022"))
    assert gateway.find("K7Q2M", OURS, "+5511900000022", datetime.now(UTC)) == accepted


def test_an_sms_that_was_never_accepted_or_is_another_one_is_not_found(sandbox: Sandbox, gateway: TwilioSms) -> None:
    sandbox.fault("fail", status=500, times=1)
    with pytest.raises(Unknown):
        gateway.send(replace(REMINDER, short_ref="NEVER", body="Ref NEVER"))
    assert gateway.find("NEVER", OURS, REMINDER.to, EPOCH) is None
    gateway.send(replace(REMINDER, short_ref="THERE", body="Ref THERE"))
    assert gateway.find("THERE", OURS, "+5511900000099", EPOCH) is None
    assert gateway.find("THERE", OURS, REMINDER.to, datetime.now(UTC) + timedelta(hours=1)) is None


def test_the_timeout_is_honoured_and_the_outcome_unknown(sandbox: Sandbox) -> None:
    sandbox.fault("hold", times=1)
    start = time.monotonic()
    with pytest.raises(Unknown):
        TwilioSms(TWILIO_SID, TWILIO_TOKEN, sandbox.url, timeout=0.3).send(REMINDER)
    assert 0.3 <= time.monotonic() - start < 5.0


def test_a_refused_connection_did_nothing() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(Unavailable):
        TwilioSms(TWILIO_SID, TWILIO_TOKEN, f"http://127.0.0.1:{port}").send(REMINDER)


def test_a_lookup_that_breaks_off_is_only_a_missing_answer(sandbox: Sandbox, gateway: TwilioSms) -> None:
    sandbox.fault("fail", match={"kind": "lookup"}, status=500, times=1)
    with pytest.raises(Unavailable):
        gateway.find("K7Q2M", OURS, REMINDER.to, EPOCH)


class Stranger(BaseHTTPRequestHandler):
    """A proxy's page where Twilio's answer should be."""

    def do_POST(self) -> None:
        self.send_response(201)
        self.end_headers()
        self.wfile.write(b"<html>Welcome</html>")

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_an_answer_that_is_not_twilios_leaves_the_outcome_unknown() -> None:
    server = HTTPServer(("127.0.0.1", 0), Stranger)
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    with pytest.raises(Unknown):
        TwilioSms(TWILIO_SID, TWILIO_TOKEN, f"http://127.0.0.1:{server.server_port}").send(REMINDER)
    thread.join()
    server.server_close()

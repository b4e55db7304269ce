"""What debtors write back reaches the product as the providers bring it; reports come twice, late and out of order."""

from __future__ import annotations

import base64
import json
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import Path
from urllib.parse import parse_qs

import pytest
import requests

from domain.errors import OptedOut
from gateways import signatures
from gateways.email import Email, SendGridEmail
from gateways.sms import Sms, TwilioSms
from gateways.twiml import Gather, HangUp, Say, twiml
from gateways.voice import Call as PhoneCall
from gateways.voice import TwilioVoice
from sandbox.server import Sandbox, running_sandbox
from sandbox.state import SENDGRID_KEY, TWILIO_SID, TWILIO_TOKEN
from tests.sandbox.receiver import Call, Receiver, receiving

OURS = "+551130000000"
DEBTOR = "+5511900000001"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def sandbox(receiver: Receiver, tmp_path: Path) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path, receiver.url, event_delay=0.02) as sandbox:
        yield sandbox


def form(call: Call) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(call.body.decode(), keep_blank_values=True).items()}


def signed(receiver: Receiver, call: Call) -> bool:
    return signatures.twilio(TWILIO_TOKEN, receiver.url + call.path, form(call), call.headers["X-Twilio-Signature"])


def sms(sandbox: Sandbox, receiver: Receiver, to: str = DEBTOR) -> None:
    message = Sms("01SMS", "K7Q2M", OURS, to, "Ref K7Q2M", f"{receiver.url}/status")
    TwilioSms(TWILIO_SID, TWILIO_TOKEN, sandbox.url).send(message)


def parts(call: Call) -> dict[str, tuple[str | None, bytes]]:
    """The parts of a multipart form: file name (if any) and content."""
    head = f"Content-Type: {call.headers['Content-Type']}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + call.body)
    return {
        str(part.get_param("name", header="content-disposition")): (part.get_filename(), part.get_payload(decode=True))
        for part in message.iter_parts()  # type: ignore[attr-defined]
    }


class TestReplies:
    """An SMS or WhatsApp message from a debtor."""

    def test_an_sms_is_brought_signed(self, sandbox: Sandbox, receiver: Receiver) -> None:
        body = {"from": DEBTOR, "to": OURS, "body": "já paguei ontem"}
        answer = requests.post(f"{sandbox.url}/sandbox/inbound", json=body, timeout=5)
        call = receiver.wait_for(1)[0]
        assert call.path == "/webhooks/twilio/inbound"
        assert signed(receiver, call)
        told = form(call)
        assert (told["From"], told["To"], told["Body"], told["NumMedia"]) == (DEBTOR, OURS, "já paguei ontem", "0")
        assert told["MessageSid"] == answer.json()["id"]
        assert "WaId" not in told

    def test_a_tapped_button_on_whatsapp_says_which_and_of_which_message(
        self, sandbox: Sandbox, receiver: Receiver
    ) -> None:
        sandbox.reply(
            sender=DEBTOR, to=OURS, channel="whatsapp", button=("pagar", "Quero pagar"), replied_to="SM" + "1" * 32
        )
        told = form(receiver.wait_for(1)[0])
        assert (told["From"], told["To"], told["WaId"]) == (f"whatsapp:{DEBTOR}", f"whatsapp:{OURS}", DEBTOR[1:])
        assert (told["ButtonPayload"], told["ButtonText"], told["Body"]) == ("pagar", "Quero pagar", "Quero pagar")
        assert told["OriginalRepliedMessageSid"] == "SM" + "1" * 32

    def test_a_reply_is_brought_again_until_somebody_has_it(self, sandbox: Sandbox, receiver: Receiver) -> None:
        receiver.refusals = 2
        sid = sandbox.reply(sender=DEBTOR, to=OURS, body="oi")
        assert form(receiver.wait_for(1)[0])["MessageSid"] == sid

    def test_a_reply_stands_in_the_providers_records(self, sandbox: Sandbox) -> None:
        sid = sandbox.reply(sender=DEBTOR, to=OURS, body="oi")
        client = TwilioSms(TWILIO_SID, TWILIO_TOKEN, sandbox.url)._account.client()
        found = client.messages.list(from_=DEBTOR)
        assert [(message.sid, message.direction, message.status) for message in found] == [(sid, "inbound", "received")]

    @pytest.mark.parametrize("word", ["SAIR", " parar ", "Stop"])
    def test_who_asks_to_stop_is_held_by_the_provider_until_he_comes_back(
        self, sandbox: Sandbox, receiver: Receiver, word: str
    ) -> None:
        sandbox.reply(sender=DEBTOR, to=OURS, body=word)
        assert form(receiver.wait_for(1)[0])["OptOutType"] == "STOP"
        with pytest.raises(OptedOut):
            sms(sandbox, receiver)
        sandbox.reply(sender=DEBTOR, to=OURS, body="VOLTAR")
        assert form(receiver.wait_for(2)[1])["OptOutType"] == "START"
        sms(sandbox, receiver)

    def test_with_nobody_to_bring_it_to_a_reply_is_refused(self, tmp_path: Path) -> None:
        with running_sandbox(tmp_path) as lonely:
            for path in ("inbound", "inbound-mail"):
                body = {"from": DEBTOR, "to": OURS}
                assert requests.post(f"{lonely.url}/sandbox/{path}", json=body, timeout=5).status_code == 422
            assert lonely.log() == []


class TestMailReplies:
    """An e-mail from a debtor, as Inbound Parse brings it."""

    MAIL = {  # noqa: RUF012
        "from": "Fulana Inventada <fulana@example.com>",
        "to": "reply+K7Q2M@in.example.com",
        "subject": "Re: Sua fatura",
        "text": "Segue o comprovante.",
        "headers": {"In-Reply-To": "<01@example.com>"},
        "attachments": [
            {"name": "recibo.pdf", "mime": "application/pdf", "content": base64.b64encode(b"%PDF-1.7").decode()}
        ],
    }

    def test_it_comes_as_a_form_with_its_files(self, sandbox: Sandbox, receiver: Receiver) -> None:
        answer = requests.post(f"{sandbox.url}/sandbox/inbound-mail", json=self.MAIL, timeout=5)
        call = receiver.wait_for(1)[0]
        told = parts(call)
        assert told["subject"] == (None, b"Re: Sua fatura")
        assert told["text"] == (None, b"Segue o comprovante.")
        envelope = json.loads(told["envelope"][1])
        assert envelope == {"to": ["reply+K7Q2M@in.example.com"], "from": "fulana@example.com"}
        headers = told["headers"][1].decode()
        assert f"Message-ID: {answer.json()['id']}" in headers
        assert "In-Reply-To: <01@example.com>" in headers
        assert told["attachment1"] == ("recibo.pdf", b"%PDF-1.7")
        assert json.loads(told["attachment-info"][1])["attachment1"]["type"] == "application/pdf"
        assert told["attachments"][1] == b"1"

    def test_it_carries_the_secret_of_the_address_and_a_signature(self, sandbox: Sandbox, receiver: Receiver) -> None:
        sandbox.mail_reply(**self.MAIL)
        call = receiver.wait_for(1)[0]
        assert call.path == "/webhooks/sendgrid/inbound?secret=sandbox-parse-secret"
        header = "X-Twilio-Email-Event-Webhook-"
        signature, timestamp = call.headers[f"{header}Signature"], call.headers[f"{header}Timestamp"]
        assert signatures.sendgrid(sandbox.public_key, call.body, signature, timestamp, datetime.now(UTC))

    def test_the_address_can_be_set(self, receiver: Receiver, tmp_path: Path) -> None:
        inbound, mail = f"{receiver.url}/replies?x=1", f"{receiver.url}/parse/secret"
        with running_sandbox(tmp_path, inbound_url=inbound, inbound_mail_url=mail) as sandbox:
            sandbox.reply(sender=DEBTOR, to=OURS, body="oi")
            sandbox.mail_reply(**self.MAIL)
            assert {call.path for call in receiver.wait_for(2)} == {"/replies?x=1", "/parse/secret"}
            assert all(signed(receiver, call) for call in receiver.calls if call.path.startswith("/replies"))

    def test_a_file_that_is_not_base64_is_refused(self, sandbox: Sandbox) -> None:
        body = self.MAIL | {"attachments": [{"name": "x", "content": "não é base64"}]}
        assert requests.post(f"{sandbox.url}/sandbox/inbound-mail", json=body, timeout=5).status_code == 422
        assert sandbox.log() == []


class TestTellings:
    """Reports come twice, late and out of order, as the providers' do."""

    def test_a_report_comes_twice(self, sandbox: Sandbox, receiver: Receiver) -> None:
        sandbox.fault("tell_twice", match={"kind": "sms"}, times=1)
        sms(sandbox, receiver)
        told = [form(call)["MessageStatus"] for call in receiver.wait_for(4)]
        assert sorted(told) == ["delivered", "delivered", "sent", "sent"]

    def test_an_event_of_an_email_comes_twice_under_one_id(self, sandbox: Sandbox, receiver: Receiver) -> None:
        sandbox.fault("tell_twice", provider="sendgrid", times=1)
        email = Email("01M", "cobranca@example.com", "Credora", "fulano@example.com", "Aviso", "Olá")
        SendGridEmail(SENDGRID_KEY, sandbox.url).send(email)
        deadline = time.monotonic() + 10
        while len(events := [event for call in receiver.calls for event in json.loads(call.body)]) < 4:
            assert time.monotonic() < deadline, events
            time.sleep(0.01)
        assert len({event["sg_event_id"] for event in events}) == 2

    def test_a_report_comes_late_but_the_records_know_at_once(self, sandbox: Sandbox, receiver: Receiver) -> None:
        sandbox.fault("tell_late", seconds=1.0, times=1)
        start = time.monotonic()
        sms(sandbox, receiver)
        while sandbox.log()[-1]["status"] != "delivered":
            assert time.monotonic() < start + 10
            time.sleep(0.01)
        assert receiver.calls == []
        receiver.wait_for(2)
        assert time.monotonic() - start > 1.0

    def test_the_last_report_comes_first(self, sandbox: Sandbox, receiver: Receiver) -> None:
        sandbox.fault("tell_backwards", seconds=0.2, times=1)
        sms(sandbox, receiver)
        assert [form(call)["MessageStatus"] for call in receiver.wait_for(2)] == ["delivered", "sent"]
        assert sandbox.log()[-1]["status"] == "delivered"

    def test_the_reports_of_a_call_come_backwards_too(self, sandbox: Sandbox, receiver: Receiver) -> None:
        sandbox.fault("tell_backwards", seconds=0.5, match={"kind": "call"}, times=1)
        place(sandbox, receiver, twiml([Say("Olá."), HangUp()]))
        told = [form(call)["CallStatus"] for call in receiver.wait_for(4)]
        assert told == ["completed", "in-progress", "ringing", "initiated"]

    def test_a_fault_of_reports_does_not_use_up_a_fault_of_calls(self, sandbox: Sandbox, receiver: Receiver) -> None:
        sandbox.fault("tell_twice", times=1)
        sandbox.fault("fail", status=500, times=1)
        with pytest.raises(Exception, match="500"):
            sms(sandbox, receiver)
        sms(sandbox, receiver)
        assert len(receiver.wait_for(4)) == 4


def place(sandbox: Sandbox, receiver: Receiver, script: str, to: str = DEBTOR) -> str:
    call = PhoneCall("01CALL", OURS, to, script, f"{receiver.url}/calls")
    return TwilioVoice(TWILIO_SID, TWILIO_TOKEN, sandbox.url).place(call).provider_id


def test_a_call_goes_on_where_the_sandbox_was_stopped(receiver: Receiver, tmp_path: Path) -> None:
    with running_sandbox(tmp_path, receiver.url, event_delay=0.3) as sandbox:
        sandbox.phone(DEBTOR, "no-answer")
        sid = place(sandbox, receiver, twiml([Say("Olá.")]))
    with running_sandbox(tmp_path, receiver.url, event_delay=0.02) as sandbox:
        calls = receiver.wait_for(3)
        assert [form(call)["CallStatus"] for call in calls] == ["initiated", "ringing", "no-answer"]
        assert sandbox.log()[-1]["provider_id"] == sid


def test_a_call_lasts_no_longer_than_it_may(receiver: Receiver, tmp_path: Path) -> None:
    with running_sandbox(tmp_path, receiver.url, event_delay=0.02) as sandbox:
        sandbox.phone(DEBTOR, "human", "wait")
        script = twiml([Gather((Say("Tecle 1."),), f"{receiver.url}/choice")])
        call = PhoneCall("01CALL", OURS, DEBTOR, script, f"{receiver.url}/calls", longest=1)
        gateway = TwilioVoice(TWILIO_SID, TWILIO_TOKEN, sandbox.url)
        placed = gateway.place(call)
        deadline = time.monotonic() + 10
        while not (state := gateway.state(placed.provider_id)).over:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert state.seconds is not None
        assert 1 <= state.seconds <= 3


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("phones", {DEBTOR: {"answers": "by-pigeon"}}),
        ("phones", {DEBTOR: {"answer": "human"}}),
        ("lines", {DEBTOR: "copper"}),
        ("templates", {"atraso": "adored"}),
        ("inbound", {"from": DEBTOR, "to": OURS, "channel": "fax"}),
        ("inbound-mail", {"to": "x@example.com"}),
        ("lag", {"hours": 1}),
    ],
)
def test_what_makes_no_sense_is_refused(sandbox: Sandbox, path: str, body: object) -> None:
    assert requests.post(f"{sandbox.url}/sandbox/{path}", json=body, timeout=5).status_code == 422


def test_people_are_set_over_http_as_well(sandbox: Sandbox, receiver: Receiver) -> None:
    for path, body in (
        ("phones", {DEBTOR: {"answers": "busy"}}),
        ("lines", {DEBTOR: "landline"}),
        ("templates", {"atraso": "rejected:why"}),
        ("lag", {"seconds": 0}),
    ):
        assert requests.post(f"{sandbox.url}/sandbox/{path}", json=body, timeout=5).status_code == 204
    place(sandbox, receiver, twiml([Say("Olá.")]))
    assert form(receiver.wait_for(3)[2])["CallStatus"] == "busy"


def test_a_folder_of_an_earlier_sandbox_is_taken_over(receiver: Receiver, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "sandbox.db") as old:
        old.executescript(
            "CREATE TABLE events (id INTEGER PRIMARY KEY, entry INTEGER NOT NULL, name TEXT NOT NULL, code TEXT,"
            " due REAL NOT NULL, happened REAL, attempts INTEGER NOT NULL DEFAULT 0, next_try REAL NOT NULL,"
            " done INTEGER NOT NULL DEFAULT 0)"
        )
    old.close()
    with running_sandbox(tmp_path, receiver.url, event_delay=0.02) as sandbox:
        sms(sandbox, receiver)
        assert len(receiver.wait_for(2)) == 2

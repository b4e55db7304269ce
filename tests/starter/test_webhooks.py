"""The receiver of provider events, called over HTTP as the providers call it, and as forgers do."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import requests
import uvicorn
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import FastAPI
from sqlalchemy import Engine
from twilio.request_validator import RequestValidator

from activities.delivery import apply_waiting
from db.engine import make_engine
from domain.case import dump
from domain.clock import PRODUCTION, Clock
from gateways.email import Email, SendGridEmail
from gateways.settings import Settings
from gateways.sms import Sms, TwilioSms
from sandbox.server import running_sandbox
from sandbox.state import SENDGRID_KEY, TWILIO_SID, TWILIO_TOKEN
from starter.embedded import free_port
from starter.webhooks import SENDGRID_LIMIT, TWILIO_LIMIT, create_app
from tests.activities.delivery_samples import Desk

PUBLIC = "https://regua.example.com"
SECRET = "segredo-de-teste"
PHONE, MAIL = "+5511900000001", "contas@devedora.example.com"


# --- the providers ---------------------------------------------------------------------------------------------------
def status(status: str = "delivered", code: str = "", message: str = "SM1") -> dict[str, str]:
    """A status callback as Twilio posts it."""
    form = {"MessageSid": message, "MessageStatus": status, "To": PHONE, "From": "+5511900000000", "Novo": "campo"}
    return form | {"AccountSid": "AC1", "ApiVersion": "2010-04-01"} | ({"ErrorCode": code} if code else {})


def mail_event(contact: object, event: str = "delivered", number: int = 1, **fields: Any) -> dict[str, Any]:
    """One event as SendGrid posts it."""
    send_id = contact.hex if isinstance(contact, UUID) else contact
    return {
        "event": event, "email": MAIL, "sg_event_id": f"e{number}", "sg_message_id": "mail-1.recvd-2",
        "timestamp": int(time.time()), "send_id": send_id, "smtp-id": f"<{MAIL}>", "ip": "192.0.2.1",
    } | fields  # fmt: skip


@dataclass
class Receiver:
    """The running receiver, and the keys that it trusts."""

    url: str
    desk: Desk
    key: ec.EllipticCurvePrivateKey
    told: list[UUID] = field(default_factory=list)

    def twilio(
        self, contact: UUID | None, form: dict[str, str], *, secret: str = SECRET, base: str = PUBLIC, **changes: str
    ) -> requests.Response:
        """Post a status callback; `changes` are made to the form after it was signed."""
        path = "/webhooks/twilio/status" + (f"?send_id={contact.hex}" if contact else "")
        signature = RequestValidator(secret).compute_signature(base + path, form)
        return requests.post(self.url + path, form | changes, headers={"X-Twilio-Signature": signature}, timeout=10)

    def sendgrid(
        self,
        events: object,
        *,
        key: ec.EllipticCurvePrivateKey | None = None,
        age: float = 0.0,
        change: Callable[[bytes], bytes] = lambda body: body,
    ) -> requests.Response:
        """Post an event webhook; `change` is made to the body after it was signed `age` seconds ago."""
        body = events if isinstance(events, bytes) else json.dumps(events).encode()
        stamp = str(int(time.time() - age))
        signature = (key or self.key).sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        headers = {
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": stamp,
        }
        return requests.post(f"{self.url}/webhooks/sendgrid", change(body), headers=headers, timeout=10)

    def settle(self) -> None:
        """Wait until everything that was stored is applied."""
        deadline = time.monotonic() + 10
        while self.desk.waiting():
            assert time.monotonic() < deadline, "events were stored but not applied"
            time.sleep(0.01)


def public_half(key: ec.EllipticCurvePrivateKey) -> str:
    form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    return base64.b64encode(key.public_key().public_bytes(*form)).decode()


@contextmanager
def serving(app: FastAPI, port: int = 0) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, ws="none", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def receiving(engine: Engine, clock: Clock = PRODUCTION, **settings: Any) -> Iterator[Receiver]:
    key = ec.generate_private_key(ec.SECP256R1())
    given = {"public_url": PUBLIC, "twilio_auth_token": SECRET, "sendgrid_webhook_public_key": public_half(key)}
    told: list[UUID] = []
    app = create_app(engine, Settings(**(given | settings)), clock, told.extend)
    with serving(app) as url:
        yield Receiver(url, Desk(engine), key, told)


@pytest.fixture
def receiver(engine: Engine) -> Iterator[Receiver]:
    with receiving(engine) as running:
        yield running


# --- what is genuine -------------------------------------------------------------------------------------------------
def test_a_status_callback_is_stored_answered_and_applied(receiver: Receiver) -> None:
    desk = receiver.desk
    case = desk.open()
    contact = desk.send(case)
    answer = receiver.twilio(contact, status("undelivered", "30005"))
    assert (answer.status_code, answer.content) == (204, b"")
    receiver.settle()
    (event,) = desk.events()
    assert (event.provider, event.event_key, event.contact_id) == ("twilio", "SM1:undelivered", contact)
    assert (event.event, event.code) == ("undelivered", "30005")
    assert desk.contact(contact).state == "bounced"
    assert [fact["kind"] for fact in desk.facts(case)] == ["contact_failed"]
    assert len(receiver.told) == 1


def test_an_event_webhook_is_stored_answered_and_applied_event_by_event(receiver: Receiver) -> None:
    desk = receiver.desk
    first, second = desk.open(), desk.open()
    returned, delivered = desk.send(first, channel="email"), desk.send(second, channel="email")
    events = [
        mail_event(returned, "processed", 1),
        mail_event(returned, "bounce", 2, type="bounce", status="5.1.1", reason=f"550 no such mailbox {MAIL}"),
        mail_event(delivered, "delivered", 3, response="250 OK"),
    ]
    assert receiver.sendgrid(events).status_code == 204
    receiver.settle()
    assert [(event.event, event.code) for event in desk.events()] == [
        ("processed", ""), ("bounce", "bounce"), ("delivered", ""),
    ]  # fmt: skip
    assert [desk.contact(contact).state for contact in (returned, delivered)] == ["bounced", "delivered"]
    assert len(desk.facts(first)) == len(receiver.told) == 1
    assert desk.facts(second) == []


def test_no_address_number_or_text_is_kept(receiver: Receiver) -> None:
    desk = receiver.desk
    contact = desk.send(desk.open())
    receiver.twilio(contact, status() | {"Body": f"Olá {MAIL}"})
    receiver.sendgrid(
        [
            mail_event(contact, "bounce", 1, type="blocked", status="4.7.1", reason=f"421 {MAIL} is not welcome"),
            mail_event(contact, "dropped", 2, reason=f"{MAIL} Bounced"),
            mail_event(contact, "dropped", 3, reason="Bounced Address"),
        ]
    )
    receiver.settle()
    kept = " ".join(str(tuple(event)) for event in desk.events())
    assert MAIL not in kept
    assert PHONE not in kept
    assert [event.code for event in desk.events()] == ["", "blocked", "", "bounced-address"]
    assert desk.events()[1].body == {
        "sg_event_id": "e1", "sg_message_id": "mail-1.recvd-2", "event": "bounce", "type": "blocked", "status": "4.7.1",
    }  # fmt: skip
    assert desk.events()[0].body == {"MessageSid": "SM1", "MessageStatus": "delivered"}


def test_the_sandboxes_own_webhooks_are_understood(engine: Engine, tmp_path: Path) -> None:
    """The product's gateways send through the provider sandbox, which calls back as the providers do."""
    desk = Desk(engine)
    by_mail, by_sms = desk.send(desk.open(), channel="email", state="in-flight"), desk.send(desk.open())
    port = free_port()
    with running_sandbox(tmp_path, f"http://127.0.0.1:{port}") as sandbox:
        key = sandbox.public_key
        settings = Settings(twilio_auth_token=TWILIO_TOKEN, sendgrid_webhook_public_key=key)
        with serving(create_app(engine, settings, PRODUCTION, lambda _: None), port):
            url = f"http://127.0.0.1:{port}/webhooks/twilio/status"
            email = Email(by_mail.hex, "contas@credora.example.com", "Credora", MAIL, "Aviso", "Olá")
            taken = SendGridEmail(SENDGRID_KEY, sandbox.url).send(email)
            sms = Sms(by_sms.hex, "K7Q2M", "+551130000000", PHONE, "Ref K7Q2M", url)
            TwilioSms(TWILIO_SID, TWILIO_TOKEN, sandbox.url).send(sms)
            deadline = time.monotonic() + 20
            while {desk.contact(contact).state for contact in (by_mail, by_sms)} != {"delivered"}:
                assert time.monotonic() < deadline, [event.event for event in desk.events()]
                time.sleep(0.02)
    assert desk.contact(by_mail).provider_id == taken.provider_id


def test_without_a_public_address_the_called_one_is_what_was_signed(engine: Engine) -> None:
    with receiving(engine, public_url="") as receiver:
        contact = receiver.desk.send(receiver.desk.open())
        assert receiver.twilio(contact, status()).status_code == 403
        assert receiver.twilio(contact, status(), base=receiver.url).status_code == 204


# --- what is not -----------------------------------------------------------------------------------------------------
def test_a_forged_status_callback_changes_nothing(receiver: Receiver) -> None:
    desk = receiver.desk
    contact = desk.send(desk.open())
    path = "/webhooks/twilio/status"
    forged = [
        receiver.twilio(contact, status(), secret="outro"),
        receiver.twilio(contact, status(), MessageStatus="failed"),
        receiver.twilio(contact, status(), ErrorCode="21610"),
        receiver.twilio(contact, status(), base="https://outra.example.com"),
        requests.post(f"{receiver.url}{path}?send_id={contact.hex}", status(), timeout=10),
        requests.post(receiver.url + path, b"\xff\xfe", headers={"X-Twilio-Signature": "x"}, timeout=10),
    ]
    other = desk.send(desk.open())
    signature = RequestValidator(SECRET).compute_signature(f"{PUBLIC}{path}?send_id={contact.hex}", status())
    moved = f"{receiver.url}{path}?send_id={other.hex}"
    forged.append(requests.post(moved, status(), headers={"X-Twilio-Signature": signature}, timeout=10))
    assert [answer.status_code for answer in forged] == [403, 403, 403, 403, 403, 400, 403]
    assert desk.events() == []
    assert receiver.told == []


def test_nobody_can_sign_where_no_token_is_configured(engine: Engine) -> None:
    with receiving(engine, twilio_auth_token="", sendgrid_webhook_public_key="") as receiver:
        contact = receiver.desk.send(receiver.desk.open())
        assert receiver.twilio(contact, status(), secret="").status_code == 403
        assert receiver.sendgrid([mail_event(contact)]).status_code == 403
        assert receiver.desk.events() == []


def test_a_forged_old_or_truncated_event_webhook_changes_nothing(receiver: Receiver) -> None:
    desk = receiver.desk
    events = [mail_event(desk.send(desk.open()), "unsubscribe")]
    forged = [
        receiver.sendgrid(events, key=ec.generate_private_key(ec.SECP256R1())),
        receiver.sendgrid(events, change=lambda body: body.replace(b"unsubscribe", b"delivered")),
        receiver.sendgrid(events, change=lambda body: body[:-1]),
        receiver.sendgrid(events, change=lambda _: b""),
        receiver.sendgrid(events, age=660),
        receiver.sendgrid(events, age=-660),
        requests.post(f"{receiver.url}/webhooks/sendgrid", json=events, timeout=10),
    ]
    assert {answer.status_code for answer in forged} == {403}
    assert desk.events() == []


@pytest.mark.parametrize(("path", "limit"), [("twilio/status", TWILIO_LIMIT), ("sendgrid", SENDGRID_LIMIT)])
def test_an_oversized_call_is_refused_before_it_is_read(receiver: Receiver, path: str, limit: int) -> None:
    host, port = receiver.url.removeprefix("http://").split(":")
    head = f"POST /webhooks/{path} HTTP/1.1\r\nHost: {host}\r\n"
    with socket.create_connection((host, int(port)), timeout=10) as declared:
        declared.sendall(f"{head}Content-Length: {limit + 1}\r\n\r\n".encode())
        assert b" 413 " in declared.recv(100)
    with socket.create_connection((host, int(port)), timeout=10) as endless:
        endless.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        chunk = b"x" * 16384
        for _ in range(limit // len(chunk) + 1):
            endless.sendall(b"4000\r\n" + chunk + b"\r\n")
        assert b" 413 " in endless.recv(100)
    assert receiver.desk.events() == []


def test_a_body_of_exactly_the_limit_is_read(receiver: Receiver) -> None:
    body = json.dumps([mail_event(None)]).encode()
    assert receiver.sendgrid(body + b" " * (SENDGRID_LIMIT - len(body))).status_code == 204
    assert receiver.sendgrid(body + b" " * (SENDGRID_LIMIT - len(body) + 1)).status_code == 413


def test_a_call_that_breaks_off_leaves_nothing_behind(receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    host, port = receiver.url.removeprefix("http://").split(":")
    body = b"MessageSid=SM1&MessageStatus=delivered"
    with socket.create_connection((host, int(port)), timeout=10) as broken:
        head = f"POST /webhooks/twilio/status HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body) + 9}\r\n\r\n"
        broken.sendall(head.encode() + body)
    contact = receiver.desk.send(receiver.desk.open())
    assert receiver.twilio(contact, status()).status_code == 204
    assert len(receiver.desk.events()) == 1
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nada",
        b"{}",
        b"[1]",
        b'["a"]',
        b"[" * 5000,
        b'[{"event": "delivered"}]',
        b'[{"sg_event_id": "e1"}]',
        b'[{"sg_event_id": 7, "event": "delivered"}]',
        b'[{"sg_event_id": "e1", "event": "delivered"}, {"sg_event_id": "e2"}]',
        b'[{"sg_event_id": "a\\u0000b", "event": "delivered"}]',
        '[{"sg_event_id": "e1", "event": "entregue à porta"}]'.encode(),
    ],
)
def test_a_signed_but_malformed_event_webhook_is_refused_whole(receiver: Receiver, body: bytes) -> None:
    assert receiver.sendgrid(body).status_code == 400
    assert receiver.desk.events() == []


@pytest.mark.parametrize("missing", ["MessageSid", "MessageStatus"])
def test_a_signed_but_malformed_status_callback_is_refused(receiver: Receiver, missing: str) -> None:
    form = {name: value for name, value in status().items() if name != missing}
    assert receiver.twilio(None, form).status_code == 400
    assert receiver.twilio(None, form | {missing: "\x00"}).status_code == 400
    assert receiver.desk.events() == []


def test_only_the_two_addresses_of_the_providers_are_served(receiver: Receiver) -> None:
    for path in ("/", "/docs", "/openapi.json", "/webhooks/twilio"):
        assert requests.get(receiver.url + path, timeout=10).status_code == 404
    assert requests.get(f"{receiver.url}/webhooks/sendgrid", timeout=10).status_code == 405


# --- repeated, out of order, unknown ---------------------------------------------------------------------------------
def test_the_same_call_twice_counts_once(receiver: Receiver) -> None:
    desk = receiver.desk
    case = desk.open()
    by_sms, by_mail = desk.send(case), desk.send(desk.open(debtor=case.debtor), channel="email")
    for _ in range(3):
        assert receiver.twilio(by_sms, status("failed", "21610")).status_code == 204
        opt_out = mail_event(by_mail, "unsubscribe")
        assert receiver.sendgrid([opt_out, opt_out]).status_code == 204
        receiver.settle()
    assert len(desk.events()) == 2
    assert sorted(fact["kind"] for fact in desk.facts(case)) == ["contact_failed", "opt_out", "opt_out"]
    assert len(receiver.told) == len(set(receiver.told)) == 5


def test_a_late_sent_after_delivered_changes_nothing(receiver: Receiver) -> None:
    contact = receiver.desk.send(receiver.desk.open())
    for word in ("delivered", "sent", "queued"):
        assert receiver.twilio(contact, status(word)).status_code == 204
        receiver.settle()
    assert receiver.desk.contact(contact).state == "delivered"


@pytest.mark.parametrize("send_id", [None, "", "ninguém", 7, {"a": 1}, "0" * 32, "a\u0000"])
def test_events_of_messages_that_are_not_ours_are_harmless(receiver: Receiver, send_id: object) -> None:
    desk = receiver.desk
    contact = desk.send(desk.open(), channel="email")
    assert receiver.sendgrid([mail_event(send_id, "bounce", 1), mail_event(contact, number=2)]).status_code == 204
    receiver.settle()
    assert desk.contact(contact).state == "delivered"
    assert receiver.told == []


def test_a_large_batch_is_stored_whole(receiver: Receiver) -> None:
    events = [{"sg_event_id": f"e{n}", "event": "open"} for n in range(9000)]
    assert receiver.sendgrid(events).status_code == 204
    assert len(receiver.desk.events()) == 9000
    assert receiver.desk.waiting() == 0


# --- when it happened ------------------------------------------------------------------------------------------------
def test_an_event_has_the_time_the_provider_gives_it_in_business_time(engine: Engine) -> None:
    """A day passes in a second: what the provider dates to a second had happened by its end, never before."""
    now = datetime.now(UTC)
    clock = Clock(now - timedelta(seconds=100), datetime(2026, 1, 1, tzinfo=UTC), 86400.0)
    with receiving(engine, clock) as receiver:
        stamp = int(now.timestamp()) - 50
        odd = [stamp, 0, -5, 10**30, "ontem", None, 1.5, int(now.timestamp()) + 400]
        events = [mail_event(None, number=n, timestamp=given) for n, given in enumerate(odd)]
        assert receiver.sendgrid(events).status_code == 204
        found = {event.event_key: event for event in receiver.desk.events()}
        assert found["e0"].business_at == clock.business(datetime.fromtimestamp(stamp + 1, UTC))
        assert {found[f"e{n}"].business_at for n in range(1, len(odd))} == {clock.business(found["e0"].received_at)}


# --- nothing is lost -------------------------------------------------------------------------------------------------
def test_what_cannot_be_applied_now_is_applied_by_the_sweep(receiver: Receiver) -> None:
    desk = receiver.desk
    case = desk.open()
    contact = desk.send(case)
    kept = desk.case(case.case)
    desk.put(case.case, state={})
    assert receiver.twilio(contact, status("undelivered", "30005")).status_code == 204
    time.sleep(0.3)
    assert (desk.waiting(), desk.contact(contact).state, receiver.told) == (1, "accepted", [])
    desk.put(case.case, state=dump(kept))
    assert len(apply_waiting(desk.engine, PRODUCTION, 10)) == 1
    assert (desk.waiting(), desk.contact(contact).state) == (0, "bounced")


def test_while_the_database_is_away_the_provider_is_asked_to_call_again() -> None:
    gone = make_engine("postgresql+psycopg://postgres@127.0.0.1:1/nada")
    with receiving(gone) as receiver:
        assert receiver.twilio(None, status()).status_code == 503
        assert receiver.sendgrid([mail_event(None)]).status_code == 503
    gone.dispose()


# --- the program -----------------------------------------------------------------------------------------------------
def start(folder: Path, **env: str) -> subprocess.Popen[str]:
    given = {**os.environ, "REGUA_STATE_DIR": str(folder), "PYTHONPATH": str(Path(__file__).parents[2]), **env}
    program: Sequence[str] = (sys.executable, "-m", "starter.webhooks")
    return subprocess.Popen(program, env=given, cwd=folder, stderr=subprocess.PIPE, text=True)


def listens(port: int) -> bool:
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0


def test_the_program_receives_while_temporal_is_away_and_ends_when_told_to(database_url: str, tmp_path: Path) -> None:
    port = free_port()
    program = start(
        tmp_path,
        REGUA_DATABASE_URL=database_url,
        REGUA_WEBHOOK_PORT=str(port),
        REGUA_TWILIO_AUTH_TOKEN=SECRET,
        TEMPORAL_ADDRESS="127.0.0.1:1",
    )
    engine = make_engine(database_url)
    try:
        receiver = Receiver(f"http://127.0.0.1:{port}", Desk(engine), ec.generate_private_key(ec.SECP256R1()))
        contact = receiver.desk.send(receiver.desk.open())
        deadline = time.monotonic() + 30
        while not listens(port):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert receiver.twilio(contact, status("failed", "21610"), base=receiver.url).status_code == 204
        receiver.settle()
        assert receiver.desk.opted_out(receiver.desk.open()) == []
        assert receiver.desk.point(contact) == "opted-out"
    finally:
        engine.dispose()
        program.send_signal(signal.SIGTERM)
        _, logged = program.communicate(timeout=20)
    assert program.returncode == 0, logged
    assert all(json.loads(line) for line in logged.splitlines())


def test_the_program_says_what_is_wrong_with_the_settings(tmp_path: Path) -> None:
    program = start(tmp_path, REGUA_WEBHOOK_PORT="porta")
    _, logged = program.communicate(timeout=30)
    assert program.returncode == 2
    assert "REGUA_WEBHOOK_PORT" in json.loads(logged.splitlines()[-1])["reason"]

"""E-mail through SendGrid's API, over real HTTP."""

from __future__ import annotations

import hashlib
import logging
import socket
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.error import URLError

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import BadAddress, Misconfigured, Permanent, Unavailable, Unknown
from gateways.email import Accepted, Attachment, Email, SendGridEmail
from gateways.outcome import of_failure, retry_after
from sandbox.server import Sandbox
from sandbox.state import SENDGRID_KEY

REMINDER = Email(
    send_id="01SEND",
    sender="cobranca@credora.example.com",
    sender_name="Credora Exemplo",
    to="fulano@example.com",
    subject="Lembrete de vencimento",
    text="Olá! Sua fatura vence amanhã.",
    html="<p>Olá! Sua fatura vence amanhã.</p>",
    attachments=(Attachment("fatura.pdf", "application/pdf", b"%PDF-1.7 \x00\xff"),),
    reply_to="resposta@credora.example.com",
)
EPOCH = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def gateway(sandbox: Sandbox) -> SendGridEmail:
    return SendGridEmail(SENDGRID_KEY, sandbox.url, timeout=5.0)


def test_an_accepted_email_is_at_the_provider_with_all_its_parts(sandbox: Sandbox, gateway: SendGridEmail) -> None:
    accepted = gateway.send(REMINDER)
    entry = sandbox.log()[-1]
    assert entry["provider_id"].startswith(accepted.provider_id)
    assert (entry["to"], entry["from"], entry["subject"]) == (REMINDER.to, REMINDER.sender, REMINDER.subject)
    assert (entry["send_id"], entry["body"], entry["refused"]) == ("01SEND", REMINDER.text, None)
    digest = hashlib.sha256(REMINDER.attachments[0].content).hexdigest()
    assert entry["attachments"] == [{"name": "fatura.pdf", "sha256": digest}]


def test_a_plain_email_needs_neither_html_nor_attachments(sandbox: Sandbox, gateway: SendGridEmail) -> None:
    gateway.send(Email("01PLAIN", REMINDER.sender, "Credora", REMINDER.to, "Aviso", "Texto"))
    assert sandbox.log()[-1]["attachments"] == []


@settings(max_examples=30, deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1), subject=st.text(min_size=1, max_size=40))
def test_whatever_is_written_arrives_as_it_was_written(served: Sandbox, text: str, subject: str) -> None:
    subject = subject.encode("utf-8", "replace").decode()
    SendGridEmail(SENDGRID_KEY, served.url).send(replace(REMINDER, text=text, subject=subject, attachments=()))
    entry = served.log()[-1]
    assert (entry["body"], entry["subject"]) == (text, subject)


def test_an_address_that_is_none_is_blamed_on_the_address(sandbox: Sandbox, gateway: SendGridEmail) -> None:
    with pytest.raises(BadAddress) as caught:
        gateway.send(replace(REMINDER, to="fulano.example.com"))
    assert "fulano" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert sandbox.log()[-1]["refused"] == "personalizations.0.to.0.email"


def test_a_message_without_subject_is_our_own_fault(gateway: SendGridEmail) -> None:
    with pytest.raises(Permanent) as caught:
        gateway.send(replace(REMINDER, subject=""))
    assert type(caught.value) is Permanent


def test_a_wrong_key_stops_the_channel_and_blames_no_debtor(sandbox: Sandbox) -> None:
    before = len(sandbox.log())
    with pytest.raises(Misconfigured):
        SendGridEmail("SG.wrong", sandbox.url).send(REMINDER)
    with pytest.raises(Misconfigured):
        SendGridEmail("SG.wrong", sandbox.url).find("01SEND", REMINDER.to, EPOCH)
    assert len(sandbox.log()) == before


@pytest.mark.parametrize(
    ("status", "error"), [(403, Misconfigured), (413, Permanent), (429, Unavailable), (500, Unknown), (502, Unknown)]
)
def test_each_refusal_has_its_meaning(
    sandbox: Sandbox, gateway: SendGridEmail, status: int, error: type[Exception]
) -> None:
    before = len(sandbox.log())
    sandbox.fault("fail", status=status, times=1)
    with pytest.raises(error) as caught:
        gateway.send(REMINDER)
    assert type(caught.value) is error
    assert len(sandbox.log()) == before


def test_a_rate_limit_says_how_long_to_wait(sandbox: Sandbox, gateway: SendGridEmail) -> None:
    sandbox.fault("fail", status=429, retry_after=7, times=1)
    with pytest.raises(Unavailable) as caught:
        gateway.send(REMINDER)
    assert caught.value.retry_after == 7


@pytest.mark.parametrize("effect", ["accept_then_fail", "accept_then_drop"])
def test_an_email_whose_answer_was_lost_is_found_again(sandbox: Sandbox, gateway: SendGridEmail, effect: str) -> None:
    start = datetime.now(UTC)
    sandbox.fault(effect, times=1)
    with pytest.raises(Unknown):
        gateway.send(replace(REMINDER, send_id=f"01{effect}"))
    found = gateway.find(f"01{effect}", REMINDER.to, start)
    assert found is not None
    assert sandbox.log()[-1]["provider_id"].startswith(found.provider_id)


def test_an_email_that_was_never_accepted_is_not_found(sandbox: Sandbox, gateway: SendGridEmail) -> None:
    sandbox.fault("fail", status=503, times=1)
    with pytest.raises(Unknown):
        gateway.send(replace(REMINDER, send_id="01NEVER"))
    assert gateway.find("01NEVER", REMINDER.to, EPOCH) is None


def test_only_the_right_send_id_address_and_time_are_found(gateway: SendGridEmail) -> None:
    accepted = gateway.send(replace(REMINDER, send_id="01RIGHT", to="beltrana@example.com"))
    now = datetime.now(UTC)
    assert gateway.find("01RIGHT", "beltrana@example.com", now) == Accepted(accepted.provider_id)
    assert gateway.find("01OTHER", "beltrana@example.com", now) is None
    assert gateway.find("01RIGHT", REMINDER.to, now) is None
    assert gateway.find("01RIGHT", "beltrana@example.com", now + timedelta(hours=1)) is None
    assert gateway.find("01RIGHT", 'x" AND subject = "y', EPOCH) is None


def test_the_timeout_is_honoured_and_the_outcome_unknown(sandbox: Sandbox) -> None:
    sandbox.fault("hold", times=1)
    start = time.monotonic()
    with pytest.raises(Unknown):
        SendGridEmail(SENDGRID_KEY, sandbox.url, timeout=0.3).send(REMINDER)
    assert 0.3 <= time.monotonic() - start < 1.0


def test_a_held_email_is_accepted_once_it_is_released(sandbox: Sandbox) -> None:
    sandbox.fault("hold", times=1)
    with pytest.raises(Unknown):
        SendGridEmail(SENDGRID_KEY, sandbox.url, timeout=0.2).send(replace(REMINDER, send_id="01HELD"))
    patient = SendGridEmail(SENDGRID_KEY, sandbox.url)
    assert patient.find("01HELD", REMINDER.to, EPOCH) is None
    sandbox.release()
    deadline = time.monotonic() + 5
    while patient.find("01HELD", REMINDER.to, EPOCH) is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_refused_connection_did_nothing() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(Unavailable):
        SendGridEmail(SENDGRID_KEY, f"http://127.0.0.1:{port}").send(REMINDER)


def test_a_lookup_that_breaks_off_is_only_a_missing_answer(sandbox: Sandbox, gateway: SendGridEmail) -> None:
    sandbox.fault("fail", match={"kind": "lookup"}, status=500, times=1)
    with pytest.raises(Unavailable):
        gateway.find("01SEND", REMINDER.to, EPOCH)


def test_what_fails_before_the_request_leaves_is_told_from_what_fails_after() -> None:
    assert isinstance(of_failure(URLError(socket.gaierror(-2, "unknown host"))), Unavailable)
    assert isinstance(of_failure(URLError(ConnectionRefusedError())), Unavailable)
    assert isinstance(of_failure(URLError(BrokenPipeError())), Unknown)
    assert isinstance(of_failure(TimeoutError()), Unknown)


def test_the_waiting_time_is_read_in_every_form() -> None:
    soon = datetime.now(UTC) + timedelta(seconds=60)
    assert retry_after({"Retry-After": "12"}) == 12
    assert 55 < (retry_after({"Retry-After": format_datetime(soon, usegmt=True)}) or 0) <= 60
    assert 55 < (retry_after({"X-RateLimit-Reset": str(int(soon.timestamp()))}) or 0) <= 60
    assert retry_after({"X-RateLimit-Reset": "1"}) == 0
    assert retry_after({"Retry-After": "amanhã"}) is None
    assert retry_after({}) is None


def test_the_sdk_never_logs_keys_or_messages() -> None:
    assert logging.getLogger("python_http_client.client").getEffectiveLevel() >= logging.WARNING
    assert logging.getLogger("twilio.http_client").getEffectiveLevel() >= logging.WARNING

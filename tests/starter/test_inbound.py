"""The doors for what debtors write back, called over HTTP as the providers call them, and as forgers do."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import Engine, select
from twilio.request_validator import RequestValidator
from urllib3 import encode_multipart_formdata

from activities import neutral, replies
from activities.contact import Contacts
from activities.desk import at_desk
from activities.registry import world_on
from activities.replies import ATTACHMENT
from contract.messages import Perform
from db.rows import CONTACT, INBOUND
from domain.clock import Clock
from gateways.settings import Settings
from letters.neutral import STOPPED, WISH
from sandbox.server import Sandbox, running_sandbox
from sandbox.state import SENDGRID_KEY, TWILIO_SID, TWILIO_TOKEN
from starter.embedded import free_port
from starter.inbound import MAIL_LIMIT, MESSAGE_LIMIT, TEXT_LIMIT, plain
from starter.webhooks import create_app
from tests.activities.reply_samples import MAIL, NOON, OURS, PHONE, PostRoom
from tests.starter.test_webhooks import public_half, serving

PUBLIC, SECRET, PARSE = "https://regua.example.com", "segredo-de-teste", "segredo-do-parse"
_NUMBER = iter(range(10**6))


def sms(body: str = "já paguei", **changes: str) -> dict[str, str]:
    """An SMS as Twilio posts it."""
    sid = f"SM{next(_NUMBER):032d}"
    form = {"MessageSid": sid, "SmsSid": sid, "AccountSid": "AC1", "From": PHONE, "To": OURS, "Body": body}
    return form | {"NumMedia": "0", "ApiVersion": "2010-04-01", "Novo": "campo"} | changes


def mail(text: str = "já paguei", **changes: Any) -> dict[str, Any]:
    """An e-mail as Inbound Parse posts it."""
    form = {
        "headers": f"From: {MAIL}\nMessage-ID: <{next(_NUMBER)}@mail.example.com>\nSubject: Re: x", "from": MAIL,
        "to": "reply@in.example.com", "subject": "Re: Mensagem", "text": text, "SPF": "pass", "attachments": "0",
        "envelope": f'{{"to":["reply@in.example.com"],"from":"{MAIL}"}}', "charsets": '{"text":"UTF-8"}',
    }  # fmt: skip
    return form | changes


@dataclass
class Doors:
    """The running receiver."""

    url: str
    room: PostRoom
    key: ec.EllipticCurvePrivateKey
    told: list[UUID] = field(default_factory=list)

    def twilio(self, form: dict[str, str], *, secret: str = SECRET, **changed: str) -> requests.Response:
        """Post an SMS; `changed` is put into the form after it was signed."""
        path = "/webhooks/twilio/inbound"
        signature = RequestValidator(secret).compute_signature(PUBLIC + path, form)
        return requests.post(self.url + path, form | changed, headers={"X-Twilio-Signature": signature}, timeout=10)

    def parse(
        self, form: dict[str, Any], *, secret: str = PARSE, age: float | None = None, cut: int = 0
    ) -> requests.Response:
        """Post an e-mail; signed `age` seconds ago where that is given, its last `cut` bytes missing."""
        body, kind = encode_multipart_formdata(form)
        headers = {"Content-Type": kind}
        if age is not None:
            stamp = str(int(time.time() - age))
            signature = self.key.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))
            headers |= {
                "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
                "X-Twilio-Email-Event-Webhook-Timestamp": stamp,
            }
        where = f"{self.url}/webhooks/sendgrid/inbound?secret={secret}"
        return requests.post(where, body[: len(body) - cut], headers=headers, timeout=10)

    def messages(self) -> list[Any]:
        return self.room.all(select(INBOUND).order_by(INBOUND.c.received_at))

    def settled(self, count: int = 1) -> list[Any]:
        """The messages, as soon as there are so many and all are understood."""
        deadline = time.monotonic() + 10
        while len(found := self.messages()) < count or any(row.taken_at is None for row in found):
            assert time.monotonic() < deadline, f"{len(found)} of {count} messages, not all understood"
            time.sleep(0.01)
        return found


@contextmanager
def opened(engine: Engine, folder: Path, **settings: Any) -> Iterator[Doors]:
    key, room = ec.generate_private_key(ec.SECP256R1()), PostRoom(engine, folder)
    given = {"public_url": PUBLIC, "twilio_auth_token": SECRET, "sendgrid_parse_secret": PARSE, "state_dir": folder}
    doors = Doors("", room, key)
    app = create_app(engine, Settings(**(given | settings)), room.world.clock, doors.told.extend)
    with serving(app) as url:
        doors.url = url
        yield doors


@pytest.fixture
def doors(engine: Engine, tmp_path: Path) -> Iterator[Doors]:
    with opened(engine, tmp_path) as running:
        yield running


# --- SMS -------------------------------------------------------------------------------------------------------------
def test_a_message_is_stored_answered_and_understood(doors: Doors) -> None:
    case = doors.room.open()
    answer = doors.twilio(sms("Já paguei ontem"))
    assert (answer.status_code, answer.content) == (204, b"")
    (row,) = doors.settled()
    assert (row.channel, row.sender, row.body, row.outcome) == ("sms", PHONE, "Já paguei ontem", "told")
    assert doors.room.kinds(case) == ["claim"]
    assert len(doors.told) == 2


def test_a_message_that_is_told_twice_counts_once(doors: Doors) -> None:
    case, form = doors.room.open(), sms()
    assert [doors.twilio(form).status_code for _ in range(3)] == [204] * 3
    doors.settled()
    assert len(doors.messages()) == 1
    assert doors.room.kinds(case) == ["claim"]


def test_many_calls_with_one_message_count_once(doors: Doors) -> None:
    case, form = doors.room.open(), sms()
    threads = [threading.Thread(target=doors.twilio, args=(form,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    doors.settled()
    assert doors.room.kinds(case) == ["claim"]


def test_a_button_of_whatsapp_is_what_it_says(doors: Doors) -> None:
    doors.room.open()
    form = sms("", From=f"whatsapp:{PHONE}", To=f"whatsapp:{OURS}", ButtonText="Já paguei", ButtonPayload="pago")
    doors.twilio(form)
    (row,) = doors.settled()
    assert (row.channel, row.sender, row.body, row.meaning) == ("whatsapp", PHONE, "Já paguei", ["already-paid"])


def test_a_stop_that_the_provider_took_is_heard(doors: Doors) -> None:
    case = doors.room.open()
    doors.twilio(sms("CHEGA", OptOutType="STOP"))
    doors.settled()
    assert doors.room.opted_out(case) == ["electronic"]


@pytest.mark.parametrize("changed", [{"Body": "SAIR"}, {"From": "+5511900000002"}, {"Extra": "x"}])
def test_a_changed_message_changes_nothing(doors: Doors, changed: dict[str, str]) -> None:
    case = doors.room.open()
    assert doors.twilio(sms(), **changed).status_code == 403
    assert doors.messages() == []
    assert doors.room.told(case) == []


def test_a_forged_or_unsigned_message_changes_nothing(doors: Doors) -> None:
    assert doors.twilio(sms(), secret="outro").status_code == 403
    assert requests.post(f"{doors.url}/webhooks/twilio/inbound", sms(), timeout=10).status_code == 403
    assert doors.messages() == []


def test_without_a_token_of_ours_nobody_is_believed(engine: Engine, tmp_path: Path) -> None:
    with opened(engine, tmp_path, twilio_auth_token="", sendgrid_parse_secret="") as doors:
        assert doors.twilio(sms(), secret="").status_code == 403
        assert doors.parse(mail(), secret="").status_code == 403
        assert doors.messages() == []


def test_a_message_that_is_too_large_is_refused(doors: Doors) -> None:
    assert doors.twilio(sms("x" * MESSAGE_LIMIT)).status_code == 413
    assert doors.messages() == []


@pytest.mark.parametrize("missing", ["MessageSid", "From"])
def test_a_signed_message_without_what_it_must_have_is_refused(doors: Doors, missing: str) -> None:
    form = {name: value for name, value in sms().items() if name != missing}
    assert doors.twilio(form).status_code == 400
    assert doors.messages() == []


def test_while_the_database_is_away_the_provider_shall_call_again(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy.exc import OperationalError

    def away(*_: object) -> None:
        raise OperationalError("x", None, Exception())

    monkeypatch.setattr("starter.inbound.store", away)
    assert doors.twilio(sms()).status_code == 503


# --- e-mail ----------------------------------------------------------------------------------------------------------
def test_a_mail_is_known_by_its_token_and_its_files_are_kept(doors: Doors) -> None:
    case = doors.room.open()
    token = doors.room.written(case, channel="email").hex
    envelope = f'{{"to":["reply+{token}@in.example.com"],"from":"{MAIL}"}}'
    receipt = {"attachment1": ("comprovante.pdf", b"%PDF-1.7 \x00\xff", "application/pdf")}
    assert doors.parse(mail("Segue o comprovante", envelope=envelope) | receipt).status_code == 204
    (row,) = doors.settled()
    assert (row.meaning, row.outcome) == (["already-paid"], "told")
    (kept,) = doors.room.documents(case, ATTACHMENT)
    assert (kept.name, kept.mime) == ("comprovante.pdf", "application/pdf")
    assert doors.room.world.documents.get(kept.sha256) == b"%PDF-1.7 \x00\xff"


def test_a_mail_without_a_token_is_a_persons_whoever_it_says_it_is_from(doors: Doors) -> None:
    case = doors.room.open()
    doors.parse(mail())
    (row,) = doors.settled()
    assert row.outcome == "unknown-sender"
    assert doors.room.told(case) == []


def test_a_mail_that_is_told_twice_counts_once(doors: Doors) -> None:
    form = mail()
    assert [doors.parse(form).status_code for _ in range(2)] == [204, 204]
    assert len(doors.settled()) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"headers": "Message-ID: <1@x>\nAuto-Submitted: auto-replied"},
        {"headers": "Message-ID: <2@x>", "subject": "Resposta automática: Mensagem"},
        {"headers": "Message-ID: <3@x>", "envelope": '{"to":["reply@in.example.com"],"from":""}'},
    ],
)
def test_a_machines_mail_is_kept_and_not_answered(doors: Doors, change: dict[str, str]) -> None:
    assert doors.parse(mail("SAIR", **change)).status_code == 204
    (row,) = doors.settled()
    assert (row.automatic, row.outcome) == (True, "automatic")


def test_a_mail_in_an_old_encoding_is_read(doors: Doors) -> None:
    text = ("text", ("", "Já paguei, não há dívida – “ok”".encode("windows-1252"), "text/plain"))
    form = mail(charsets='{"text":"windows-1252"}') | {}
    body, kind = encode_multipart_formdata([(name, value) for name, value in form.items() if name != "text"])
    raw = f'--{kind.partition("boundary=")[2]}\r\nContent-Disposition: form-data; name="text"\r\n\r\n'.encode()
    body = raw + text[1][1] + b"\r\n" + body
    where = f"{doors.url}/webhooks/sendgrid/inbound?secret={PARSE}"
    assert requests.post(where, body, headers={"Content-Type": kind}, timeout=10).status_code == 204
    assert doors.settled()[0].body == "Já paguei, não há dívida – “ok”"


def test_a_mail_that_has_only_html_is_read_without_what_it_quotes(doors: Doors) -> None:
    html = "<style>p{}</style><p>J&aacute; <b>paguei</b></p><blockquote>Responda SAIR</blockquote>"
    doors.parse(mail("", html=html))
    assert doors.settled()[0].meaning == ["already-paid"]
    assert plain("<p>a</p><br><div>b</div>").split() == ["a", "b"]


def test_a_text_longer_than_any_is_cut(doors: Doors) -> None:
    doors.parse(mail("á" * (TEXT_LIMIT + 10) + "\x00"))
    assert len(doors.settled()[0].body) == TEXT_LIMIT


@pytest.mark.parametrize("secret", ["", "outro", PARSE[:-1]])
def test_a_mail_without_the_secret_changes_nothing(doors: Doors, secret: str) -> None:
    assert doors.parse(mail(), secret=secret).status_code == 403
    assert doors.messages() == []


@pytest.mark.parametrize("cut", [1, 2, 30, 400])
def test_a_mail_that_was_cut_off_changes_nothing(doors: Doors, cut: int) -> None:
    answer = doors.parse(mail(), cut=cut + 2)
    assert answer.status_code == 400
    assert doors.messages() == []


def test_a_mail_that_is_too_large_changes_nothing(doors: Doors) -> None:
    form = mail() | {"attachment1": ("x", b"x" * MAIL_LIMIT, "application/octet-stream")}
    assert doors.parse(form).status_code == 413
    assert doors.messages() == []


@pytest.mark.parametrize(
    "change",
    [
        {"envelope": "não é json"}, {"envelope": "[]"}, {"charsets": "{"}, {"envelope": '{"to":5}'},
        pytest.param({"envelope": "[" * 100_000}, id="nested-without-end"),
    ],
)  # fmt: skip
def test_a_mail_that_is_none_is_refused_or_kept_but_never_lost_silently(doors: Doors, change: dict[str, str]) -> None:
    status = doors.parse(mail(**change)).status_code
    assert status in (204, 400)
    assert len(doors.messages()) == (status == 204)


@pytest.mark.parametrize(
    "change",
    [
        {"text": "já paguei +2AA-", "charsets": '{"text":"utf-7"}'},
        {"subject": r"Re: \ud800", "charsets": '{"subject":"unicode_escape"}'},
        {"envelope": rf'{{"to":["reply@in.example.com"],"from":"{MAIL}\ud800"}}'},
    ],
)
def test_a_mail_that_holds_half_a_character_is_kept_and_understood(doors: Doors, change: dict[str, str]) -> None:
    assert doors.parse(mail(**change)).status_code == 204
    assert doors.settled()[0].body.startswith("já paguei")


def test_where_parse_signs_an_old_or_changed_mail_changes_nothing(engine: Engine, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    with opened(engine, tmp_path, sendgrid_parse_secret="", sendgrid_parse_public_key=public_half(key)) as doors:
        doors.key = key
        assert doors.parse(mail(), age=3600).status_code == 403
        assert doors.parse(mail(), age=0, cut=4).status_code == 403
        assert doors.parse(mail()).status_code == 403
        assert doors.messages() == []
        assert doors.parse(mail(), age=0).status_code == 204
        assert len(doors.settled()) == 1


# --- with the sandbox, there and back --------------------------------------------------------------------------------
@dataclass
class Town:
    """The doors, the providers' sandbox, and a worker's world, all over HTTP."""

    room: PostRoom
    sandbox: Sandbox
    doors: Doors
    world: Any
    mails: list[dict[str, Any]]
    """What SendGrid was handed, as it was handed over."""

    def reply_to(self) -> str:
        """Where the last mail of ours wants to be answered."""
        return str(self.mails[-1]["reply_to"]["email"])

    def contact(self, opened: Any) -> None:
        """The case says the next thing that it has to say."""
        with at_desk(self.world, str(opened.case), None) as desk:
            desk.read_inbox()
            wanted = desk.conclude(1, desk.row.seq + 1)
        assert wanted.action == "contact", wanted.reason
        given = Perform(
            case_id=str(opened.case), generation=1, seq=wanted.seq + 1, action="contact", step=wanted.step,
            attempt=wanted.attempt, at=None,
        )  # fmt: skip
        Contacts(self.world).contact(given)

    def sent(self, kind: str) -> list[dict[str, Any]]:
        return [entry for entry in self.sandbox.log() if entry["kind"] == kind]


def watching(mails: list[dict[str, Any]]) -> Any:
    """Keeps a copy of every mail that is handed to the sandbox."""

    def wrap(app: Any) -> Any:
        async def watched(scope: Any, receive: Any, send: Any) -> None:
            body = bytearray()

            async def read() -> Any:
                message = await receive()
                body.extend(message.get("body", b""))
                return message

            await app(scope, read, send)
            if scope.get("path") == "/v3/mail/send":
                mails.append(json.loads(bytes(body)))

        return watched

    return wrap


@pytest.fixture
def town(engine: Engine, tmp_path: Path) -> Iterator[Town]:
    port, mails, folder = free_port(), list[dict[str, Any]](), tmp_path / "sandbox"
    calls = f"http://127.0.0.1:{port}"
    with running_sandbox(folder, calls, wrap=watching(mails), event_delay=0.02) as sandbox:
        settings = Settings(
            sendgrid_key=SENDGRID_KEY, sendgrid_host=sandbox.url, twilio_account_sid=TWILIO_SID,
            twilio_auth_token=TWILIO_TOKEN, twilio_base_url=sandbox.url, public_url=f"http://127.0.0.1:{port}",
            sendgrid_parse_secret="sandbox-parse-secret", sendgrid_parse_public_key=sandbox.public_key,
            sendgrid_webhook_public_key=sandbox.public_key, reply_domain="in.example.com", state_dir=tmp_path,
            unknown_for=0.2,
        )  # type: ignore[arg-type]  # fmt: skip
        room = PostRoom(engine, tmp_path)
        clock = Clock(datetime.now(UTC), NOON, 1.0)
        doors = Doors("", room, ec.generate_private_key(ec.SECP256R1()))
        with serving(create_app(engine, settings, clock, doors.told.extend), port) as url:
            doors.url = url
            yield Town(room, sandbox, doors, world_on(engine, clock, settings), mails)


def test_a_debtor_answers_our_mail_and_is_answered(town: Town) -> None:
    case = town.room.open(contacts=(("email", MAIL),))
    town.contact(case)
    (ours,) = town.sent("mail")
    reply_to = town.reply_to()
    contact = town.room.one(select(CONTACT))
    assert reply_to == f"reply+{contact.id.hex}@in.example.com"
    town.sandbox.mail_reply(**{"from": MAIL, "to": reply_to, "subject": f"Re: {ours['subject']}", "text": "Já paguei"})
    (row,) = town.doors.settled()
    assert (row.contact_id, row.outcome) == (contact.id, "told")
    town.contact(case)
    assert len(town.sent("mail")) == 2
    assert [row.text_id for row in town.room.all(select(CONTACT).order_by(CONTACT.c.planned_at))] == [
        contact.text_id, "pagamento-em-verificacao",
    ]  # fmt: skip


def test_an_sms_is_answered_by_sms_although_there_is_a_mail_address(town: Town) -> None:
    case = town.room.open()
    town.sandbox.reply(**{"from": PHONE, "to": OURS, "body": "manda a segunda via"})
    town.doors.settled()
    town.contact(case)
    assert town.sent("mail") == []
    (answer,) = town.sent("sms")
    assert "Conforme o seu pedido" in answer["body"]


def test_one_word_about_three_invoices_gets_one_answer_that_lists_them(town: Town) -> None:
    one = town.room.open(contacts=(("email", MAIL), ("sms", PHONE)), number="NF-701")
    two, three = (town.room.open(debtor=one.debtor, number=number) for number in ("NF-702", "NF-703"))
    town.sandbox.reply(**{"from": PHONE, "to": OURS, "body": "já paguei tudo ontem"})
    town.doors.settled()
    town.contact(one)
    (answer,) = town.sent("sms")
    assert all(number in answer["body"] for number in ("NF-701", "NF-702", "NF-703"))
    for other in (two, three):
        assert town.room.decide(other) == "wait"
        assert town.room.case(other).owed == []
    assert len(town.sent("sms")) == 1


def test_a_stop_is_confirmed_by_one_neutral_message_and_nothing_more_goes_out(town: Town) -> None:
    case = town.room.open(contacts=(("email", MAIL), ("sms", PHONE)))
    town.contact(case)
    town.sandbox.mail_reply(**{"from": MAIL, "to": town.reply_to(), "text": "Por favor não me mandem mais mensagens"})
    town.doors.settled()
    assert [neutral.send_waiting(town.world, 10) for _ in range(3)] == [1, 0, 0]
    last = town.sent("mail")[-1]
    assert "não enviaremos mais mensagens" in last["body"]
    assert "R$" not in last["body"]
    assert len(town.sent("mail")) == 2
    assert town.room.opted_out(case) == ["electronic"]
    assert town.sent("sms") == []


def test_a_lost_answer_to_a_confirmation_makes_no_second_one(town: Town) -> None:
    town.room.open()
    town.sandbox.reply(**{"from": "+5511900000066", "to": OURS, "body": "quero sair por favor"})
    town.doors.settled()
    town.sandbox.fault("accept_then_drop", match={"kind": "sms"}, times=1)
    assert neutral.send_waiting(town.world, 10) == 0
    time.sleep(0.3)
    assert neutral.send_waiting(town.world, 10) == 1
    assert len(town.sent("sms")) == 1
    assert [(row.text_id, row.state) for row in town.room.neutral()] == [(STOPPED, "accepted")]


def test_a_provider_that_is_away_gets_the_confirmation_later(town: Town) -> None:
    town.room.open()
    town.sandbox.reply(**{"from": "+5511900000066", "to": OURS, "body": "quero sair por favor"})
    town.doors.settled()
    town.sandbox.fault("fail", status=429, times=1)
    assert neutral.send_waiting(town.world, 10) == 0
    assert neutral.send_waiting(town.world, 10) == 1
    assert len(town.sent("sms")) == 1


def test_two_workers_send_a_confirmation_once(town: Town) -> None:
    town.room.open()
    town.sandbox.reply(**{"from": "+5511900000066", "to": OURS, "body": "quero sair por favor"})
    town.doors.settled()
    threads = [threading.Thread(target=neutral.send_waiting, args=(town.world, 10)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(town.sent("sms")) == 1


def test_a_process_that_died_between_storing_and_understanding_loses_nothing(town: Town) -> None:
    case = town.room.open()
    message = town.room.stored("já paguei")
    assert len(replies.apply_waiting(town.world, 10)) == 2
    assert town.room.message(message).outcome == "told"
    assert town.room.kinds(case) == ["claim"]


# --- how he wants to be reached --------------------------------------------------------------------------------------
def test_a_debtor_who_prefers_sms_is_confirmed_and_then_written_to_by_sms(town: Town) -> None:
    case = town.room.open(contacts=(("email", MAIL), ("sms", PHONE)))
    town.sandbox.reply(**{"from": PHONE, "to": OURS, "body": "Prefiro mensagem, só de manhã. Não me liguem"})
    (row,) = town.doors.settled()
    assert (row.outcome, row.meaning, row.answer) == ("told", ["prefers"], WISH)
    assert [neutral.send_waiting(town.world, 10) for _ in range(2)] == [1, 0]
    (answer,) = town.sent("sms")
    assert "contato por SMS das 09:00 as 12:00, sem ligacoes" in answer["body"]
    assert "R$" not in answer["body"]
    town.contact(case)
    assert (len(town.sent("sms")), town.sent("mail")) == (2, []), "the step names e-mail first"
    kept = town.room.case(case)
    assert (kept.best_hours, kept.opted_out) == ("09:00-12:00", ["call", "voice"])


def test_a_wish_by_mail_is_confirmed_by_mail_with_what_was_understood(town: Town) -> None:
    case = town.room.open(contacts=(("email", MAIL), ("sms", PHONE)))
    town.contact(case)
    words = "Bom dia.\n\nPrefiro que me escrevam por SMS, depois das 14h.\n\nAtt,\nFulana"
    town.sandbox.mail_reply(**{"from": MAIL, "to": town.reply_to(), "text": words})
    town.doors.settled()
    assert neutral.send_waiting(town.world, 10) == 1
    assert "contato por SMS das 14:00 às 18:00" in town.sent("mail")[-1]["body"]
    assert town.room.told(case)[-1] == {"kind": "contact_data", "channel": "sms", "hours": "14:00-18:00"}

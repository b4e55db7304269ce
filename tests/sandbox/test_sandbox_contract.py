"""What the gateways ask and what the sandbox answers are both as the providers' own specifications say."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from openapi_core import Config, OpenAPI
from openapi_core.testing import MockRequest, MockResponse
from openapi_core.validation.request.exceptions import RequestBodyValidationError
from openapi_core.validation.response.exceptions import DataValidationError
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from twilio.rest.api.v2010.account.recording import RecordingInstance
from twilio.rest.content.v1.content.approval_create import ApprovalCreateInstance

from domain.errors import ProviderError
from gateways.email import Attachment, Email, SendGridEmail
from gateways.lookup import TwilioLookup
from gateways.sms import Sms, TwilioSms
from gateways.twiml import Say, twiml
from gateways.voice import Call, TwilioVoice
from gateways.whatsapp import Template, TwilioTemplates, TwilioWhatsApp, WhatsApp
from sandbox.server import Sandbox, running_sandbox
from sandbox.state import SENDGRID_KEY, TWILIO_SID, TWILIO_TOKEN

SPECS = Path(__file__).resolve().parents[3] / "shared" / "specs"
EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
SPEC_OF = {
    "/v3/mail": "tsg_mail_v3.json",
    "/v3/logs": "tsg_logs_v3.json",
    "/2010-04-01": "twilio_api_v2010.min.json",
    "/v1/Content": "twilio_content_v1.min.json",
    "/v2/PhoneNumbers": "twilio_lookups_v2.min.json",
}
HOSTS = {
    "/v3": "https://api.sendgrid.com",
    "/2010-04-01": "https://api.twilio.com",
    "/v1": "https://content.twilio.com",
    "/v2": "https://lookups.twilio.com",
}
UNSPECIFIED = ("/Recordings", "/ApprovalRequests/whatsapp")
"""Paths that the copies of the specifications leave out; the SDK, made from the whole ones, is asked instead."""

pytestmark = pytest.mark.skipif(
    not SPECS.is_dir(), reason="the providers' specifications are not beside the repository"
)


@dataclass
class Exchange:
    """One request and its answer, as they went over the wire."""

    scope: Scope
    asked: bytearray = field(default_factory=bytearray)
    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    answered: bytearray = field(default_factory=bytearray)

    @property
    def path(self) -> str:
        return str(self.scope["path"])

    def request(self) -> MockRequest:
        headers = {name.decode(): value.decode() for name, value in self.scope["headers"]}
        query = parse_qs(self.scope["query_string"].decode())
        return MockRequest(
            next(host for prefix, host in HOSTS.items() if self.path.startswith(prefix)),
            self.scope["method"].lower(),
            self.path,
            args={name: values[0] for name, values in query.items()},
            headers=headers,
            data=bytes(self.asked),
            content_type=headers.get("content-type", "application/json"),
        )

    def response(self) -> MockResponse:
        headers = {name.decode(): value.decode() for name, value in self.headers}
        content_type = headers.get("content-type", "application/json")
        return MockResponse(bytes(self.answered), self.status, headers, content_type)


class Recorder:
    """An ASGI application around the sandbox's that keeps every exchange."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []

    def around(self, app: ASGIApp) -> ASGIApp:
        async def recorded(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            exchange = Exchange(scope)
            self.exchanges.append(exchange)

            async def heard() -> Message:
                message = await receive()
                exchange.asked += message.get("body", b"")
                return message

            async def said(message: Message) -> None:
                exchange.status = message.get("status", exchange.status)
                exchange.headers = list(message.get("headers", exchange.headers))
                exchange.answered += message.get("body", b"")
                await send(message)

            await app(scope, heard, said)

        return recorded


@cache
def spec(name: str) -> OpenAPI:
    # Not checked itself: an example in the Email Logs' own specification is not as OpenAPI wants it.
    return OpenAPI.from_dict(json.loads((SPECS / name).read_text(encoding="utf-8")), Config(spec_validator_cls=None))


def schema_of(exchange: Exchange) -> OpenAPI:
    return spec(next(name for prefix, name in SPEC_OF.items() if exchange.path.startswith(prefix)))


@pytest.fixture(scope="module")
def exchanges(tmp_path_factory: pytest.TempPathFactory) -> list[Exchange]:
    """Everything the gateways can ask, well and badly answered."""
    recorder = Recorder()
    with running_sandbox(tmp_path_factory.mktemp("sandbox"), wrap=recorder.around) as sandbox:
        _write_emails(sandbox)
        _write_sms(sandbox)
        _write_whatsapp(sandbox)
        _make_calls(sandbox)
        _look_up_lines(sandbox)
    return recorder.exchanges


def _write_emails(sandbox: Sandbox) -> None:
    gateway = SendGridEmail(SENDGRID_KEY, sandbox.url)
    plain = Email("01A", "cobranca@example.com", "Credora", "fulano@example.com", "Aviso", "Olá")
    whole = replace(
        plain,
        html="<p>Olá</p>",
        reply_to="resposta@example.com",
        attachments=(Attachment("a.pdf", "application/pdf", b"%PDF"),),
    )
    for email in (plain, whole, replace(plain, to="bounce@example.com"), replace(plain, to="saiu@example.com")):
        sandbox.fate("saiu@example.com", "opted_out")
        gateway.send(email)
    _happen(sandbox)
    for address in ("fulano@example.com", "bounce@example.com", "saiu@example.com", "ninguem@example.com"):
        gateway.find("none of these", address, EPOCH)
    for status in (400, 403, 404, 413, 500):
        sandbox.fault("fail", status=status, times=1)
        with suppress(ProviderError):
            gateway.send(plain)
    for email in (replace(plain, to="ninguem"), replace(plain, subject="Aviso", sender="ninguem")):
        with suppress(ProviderError):
            gateway.send(email)
    with suppress(ProviderError):
        SendGridEmail("SG.wrong", sandbox.url).send(plain)


def _write_sms(sandbox: Sandbox) -> None:
    gateway = TwilioSms(TWILIO_SID, TWILIO_TOKEN, sandbox.url)
    sms = Sms("01B", "K7Q2M", "+551130000000", "+5511900000001", "Ref K7Q2M", "http://127.0.0.1:9/w?x=1")
    sandbox.fate("+5511900000002", "undelivered:30003")
    for message in (sms, replace(sms, to="+5511900000002"), replace(sms, sender="MG" + "1f" * 16)):
        gateway.send(message)
        gateway.find("queued", message.sender, message.to, EPOCH)
    _happen(sandbox)
    for to in ("+5511900000001", "+5511900000002", "+5511900000003"):
        gateway.find("happened", sms.sender, to, EPOCH)
    sid = sandbox.log()[-1]["provider_id"]
    client = gateway._account.client()
    client.messages(sid).fetch()
    for number in range(3):
        gateway.send(replace(sms, body=f"{number}"))
    list(client.messages.stream(page_size=2))


def _write_whatsapp(sandbox: Sandbox) -> None:
    templates = TwilioTemplates(TWILIO_SID, TWILIO_TOKEN, sandbox.url)
    plain = Template("sem_botoes", "Olá, {{1}}, sobre a fatura {{2}} de que falamos.", {"1": "Fulana", "2": "K7Q2M"})
    button = replace(plain, name="com_botoes", buttons=(("pagar", "Quero pagar"),))
    sandbox.template_fate("com_botoes", "rejected:INVALID_FORMAT")
    sids = [templates.create(template) for template in (plain, button)]
    assert templates.find(button) == sids[1]
    client = templates._account.client()
    list(client.content.v1.contents.stream(page_size=1))
    client.content.v1.contents(sids[0]).fetch()
    for sid, template in zip(sids, (plain, button), strict=True):
        templates.approval(sid)
        templates.request_approval(sid, template.name)
        templates.approval(sid)
    _happen(sandbox)
    gateway, variables = TwilioWhatsApp(TWILIO_SID, TWILIO_TOKEN, sandbox.url), {"1": "Fulana", "2": "K7Q2M"}
    message = WhatsApp(
        "01C", "K7Q2M", "+551130000000", "+5511900000001", sids[0], variables, "Olá", "http://127.0.0.1:9/w"
    )
    sandbox.fate("whatsapp:+5511900000002", "invalid")
    sandbox.fate("whatsapp:+5511900000003", "read")
    for to in ("+5511900000001", "+5511900000002", "+5511900000003"):
        gateway.send(replace(message, to=to))
    gateway.send(replace(message, sender="MG" + "1f" * 16))
    gateway.send(replace(message, content_sid=sids[1]))
    for wrong in (replace(message, content_sid="HX" + "0" * 32), replace(message, to="+15005550001")):
        with suppress(ProviderError):
            gateway.send(wrong)
    _happen(sandbox)
    sandbox.reply(sender="+5511900000001", to="+551130000000", channel="whatsapp", body="oi", url="http://127.0.0.1:9/")
    for to in ("+5511900000001", "+5511900000002", "+5511900000003"):
        gateway.find("happened", "+551130000000", to, EPOCH)
    list(client.messages.stream(page_size=5))


def _make_calls(sandbox: Sandbox) -> None:
    gateway = TwilioVoice(TWILIO_SID, TWILIO_TOKEN, sandbox.url)
    call = Call(
        "01D", "+551130000000", "+5511900000001", twiml([Say("Olá.")]), "http://127.0.0.1:9/s", "http://127.0.0.1:9/r"
    )
    sandbox.phone("+5511900000002", "busy")
    sandbox.phone("+5511900000003", "machine")
    placed = [gateway.place(replace(call, to=f"+551190000000{number}")).provider_id for number in (1, 2, 3)]
    placed.append(gateway.place(replace(call, script="http://127.0.0.1:9/menu", recording_url=None)).provider_id)
    gateway.find(call.sender, call.to, EPOCH)
    for sid in placed:
        while not gateway.state(sid).over:
            time.sleep(0.01)
        for recording in gateway.recordings(sid):
            gateway.recording(recording.provider_id)
    time.sleep(0.2)
    gateway.sound(gateway.recordings(placed[0])[0].provider_id)
    gateway.hang_up(placed[0])
    late = gateway.place(call).provider_id
    gateway.hang_up(late)
    list(gateway._account.client().calls.stream(page_size=2))
    for to in ("+15005550001", "+15005550003"):
        with suppress(ProviderError):
            gateway.place(replace(call, to=to))


def _look_up_lines(sandbox: Sandbox) -> None:
    lookup = TwilioLookup(TWILIO_SID, TWILIO_TOKEN, sandbox.url)
    for number in ("+5511900000001", "+551130000001", "+55119000", "119"):
        lookup.line(number)


def _happen(sandbox: Sandbox) -> None:
    """Waits for every event that is due to have happened."""
    deadline = time.monotonic() + 10
    while sandbox.state.rows("SELECT id FROM events WHERE happened IS NULL"):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_both_providers_were_asked_everything_the_product_asks(exchanges: list[Exchange]) -> None:
    asked = {(exchange.scope["method"], exchange.path.split("/")[-1][:8]) for exchange in exchanges}
    assert {("POST", "send"), ("POST", "logs"), ("POST", "Messages"), ("GET", "Messages")} <= asked
    assert {200, 201, 202, 400, 401, 403, 404, 413, 500} <= {exchange.status for exchange in exchanges}


def test_whatsapp_calls_and_lines_were_asked_for_too(exchanges: list[Exchange]) -> None:
    asked = {(exchange.scope["method"], exchange.path.split("/")[-1]) for exchange in exchanges}
    assert {("POST", "Content"), ("GET", "Content"), ("GET", "ApprovalRequests"), ("POST", "whatsapp")} <= asked
    assert {("POST", "Calls.json"), ("GET", "Calls.json"), ("GET", "Recordings.json")} <= asked
    assert any(exchange.path.startswith("/v2/PhoneNumbers/+55") for exchange in exchanges)
    assert any(b"ContentVariables" in exchange.asked and b"Body" not in exchange.asked for exchange in exchanges)


def test_every_request_is_valid_under_the_providers_specification(exchanges: list[Exchange]) -> None:
    deliberate = {"ninguem"}
    for exchange in specified(exchanges):
        if not any(word.encode() in exchange.asked for word in deliberate):
            schema_of(exchange).validate_request(exchange.request())


def test_every_answer_is_valid_under_the_providers_specification(exchanges: list[Exchange]) -> None:
    for exchange in specified(exchanges):
        if not twilio_refused(exchange):
            schema_of(exchange).validate_response(exchange.request(), exchange.response())


def test_a_refusal_has_the_fields_that_twilio_gives_all_its_errors(exchanges: list[Exchange]) -> None:
    """The specifications describe no errors; https://www.twilio.com/docs/usage/twilios-response does."""
    refused = [json.loads(exchange.answered) for exchange in exchanges if twilio_refused(exchange)]
    assert {"21655", "21217", "21215", "21220"} <= {str(answer["code"]) for answer in refused}
    assert all(answer.keys() == {"code", "message", "more_info", "status"} for answer in refused)


def twilio_refused(exchange: Exchange) -> bool:
    return exchange.status >= 400 and not exchange.path.startswith("/v3")


def test_where_no_specification_is_at_hand_an_answer_has_the_fields_that_the_sdk_reads(
    exchanges: list[Exchange],
) -> None:
    recordings = [e for e in exchanges if e.path.endswith(".json") and "/Recordings/RE" in e.path and e.status == 200]
    approvals = [e for e in exchanges if e.path.endswith("/ApprovalRequests/whatsapp") and e.status == 201]
    assert recordings
    assert approvals
    for exchange in recordings:
        answer = json.loads(exchange.answered)
        assert set(answer) == fields(RecordingInstance(None, {}, TWILIO_SID, "RE"))
        assert answer["status"] in constants(RecordingInstance.Status)
        assert answer["source"] in constants(RecordingInstance.Source)
    for exchange in approvals:
        priced = {"send_ttl_seconds", "bid_amount"}
        assert set(json.loads(exchange.answered)) | priced == fields(ApprovalCreateInstance(None, {}, "HX"))
        assert json.loads(exchange.asked).keys() == {"name", "category"}


def specified(exchanges: list[Exchange]) -> list[Exchange]:
    return [exchange for exchange in exchanges if not any(path in exchange.path for path in UNSPECIFIED)]


def fields(instance: object) -> set[str]:
    return {name for name in vars(instance) if not name.startswith("_")}


def constants(kind: type) -> set[str]:
    return {value for name, value in vars(kind).items() if not name.startswith("_")}


def test_the_check_would_notice_a_wrong_request_and_a_wrong_answer(exchanges: list[Exchange]) -> None:
    sent = next(e for e in exchanges if e.path == "/v3/mail/send" and e.status == 202)
    mail = json.loads(sent.asked)
    del mail["personalizations"]
    wrong = replace(sent, asked=bytearray(json.dumps(mail).encode()))
    with pytest.raises(RequestBodyValidationError):
        schema_of(wrong).validate_request(wrong.request())
    created = next(e for e in exchanges if e.status == 201)
    message: dict[str, Any] = json.loads(created.answered) | {"status": "flown"}
    wrong = replace(created, answered=bytearray(json.dumps(message).encode()))
    with pytest.raises(DataValidationError):
        schema_of(wrong).validate_response(wrong.request(), wrong.response())

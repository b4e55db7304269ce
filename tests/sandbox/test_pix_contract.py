"""What the Pix gateway asks, and what the sandbox's bank answers and tells, are as the API Pix 2.9.0 says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import requests
import yaml
from openapi_core import Config, OpenAPI
from openapi_core.testing import MockRequest, MockResponse
from openapi_core.validation.request.exceptions import RequestBodyValidationError
from openapi_core.validation.response.exceptions import DataValidationError
from receiver import Call, receiving
from test_sandbox_contract import Exchange, Recorder

from domain.errors import BadInput, ProviderError
from domain.identifiers import parse_document
from domain.pix import static_code
from gateways.pix import BacenPix, Charge, read_received
from sandbox.pix import BRASILIA
from sandbox.server import Sandbox, running_sandbox
from sandbox.state import PIX_CLIENT_ID, PIX_CLIENT_SECRET

SPEC = Path(__file__).resolve().parents[3] / "shared" / "specs" / "bacen_pix.yaml"
BASE = "/pix/api"
KEY = "cobranca@credora.example.com"
TODAY = datetime.now(BRASILIA).date()
CHARGE = Charge(
    txid="c0" * 16 + "000", key=KEY, amount=Decimal("1034.33"), due=TODAY + timedelta(days=7),
    payer=parse_document("12.ABC.345/01DE-35"), payer_name="Devedora Inventada", info=(("Fatura", "1234"),),
)  # fmt: skip

pytestmark = pytest.mark.skipif(not SPEC.is_file(), reason="the API's specification is not beside the repository")


@cache
def document() -> Any:
    return yaml.load(SPEC.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506


@cache
def spec() -> OpenAPI:
    """The specification, with its base address as every path continues it: it ends in a slash and they begin with one.

    OAuth2 is checked as what it comes to in a request, a bearer token.
    """
    whole = corrected()
    whole["servers"] = [{"url": "https://pix.example.com/api"}]
    reading = {"application/problem+json": json.loads}
    return OpenAPI.from_dict(whole, Config(spec_validator_cls=None, extra_media_type_deserializers=reading))


def corrected() -> Any:
    """What is written wrong in the specification put right.

    Patterns between slashes are of another language; a list of Pix requires `cobs` (it has `pix`), and a charge the
    receiver's address beside instead of within `recebedor`: the specification's own examples have neither. The txid of
    a received Pix may be that of a static code, of 1 to 35 characters, and must be that of a charge, of 26 to 35.
    """
    whole = _without_slashes(document())
    whole["components"]["securitySchemes"] = {"OAuth2": {"type": "http", "scheme": "bearer"}}
    schemas = whole["components"]["schemas"]
    schemas["PixConsultados"]["required"] = ["parametros", "pix"]
    del schemas["DadosRecebedor"]["required"]
    schemas["Pix"]["properties"]["txid"] = {"type": "string", "pattern": "^[a-zA-Z0-9]{1,35}$"}
    return whole


def _without_slashes(node: Any) -> Any:
    if isinstance(node, dict):
        return {
            name: value.strip("/") if name == "pattern" and isinstance(value, str) else _without_slashes(value)
            for name, value in node.items()
        }
    return [_without_slashes(item) for item in node] if isinstance(node, list) else node


@dataclass(frozen=True)
class Life:
    """Everything that went over the wire, and what the receiver of webhooks was told."""

    exchanges: list[Exchange]
    told: list[Call]


def request(exchange: Exchange) -> MockRequest:
    headers = {name.decode(): value.decode() for name, value in exchange.scope["headers"]}
    query = {name: values[0] for name, values in parse_qs(exchange.scope["query_string"].decode()).items()}
    # As it was written: the framework shows the path with what was quoted in it unquoted.
    path = exchange.scope["raw_path"].decode().partition("?")[0].replace(BASE, "/api", 1)
    return MockRequest(
        "https://pix.example.com", exchange.scope["method"].lower(), path, args=query, headers=headers,
        data=bytes(exchange.asked) or None, content_type=headers.get("content-type", "application/json"),
    )  # fmt: skip


def response(exchange: Exchange) -> MockResponse:
    headers = {name.decode(): value.decode() for name, value in exchange.headers}
    content_type = headers.get("content-type", "application/json")
    return MockResponse(bytes(exchange.answered), exchange.status, headers, content_type)


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Life:
    """All that the gateway can ask, well and badly answered; payments, and what is told of them."""
    recorder = Recorder()
    with receiving() as receiver, running_sandbox(tmp_path_factory.mktemp("sandbox"), wrap=recorder.around) as sandbox:
        gateway = BacenPix(sandbox.pix_url, sandbox.pix_token_url, PIX_CLIENT_ID, PIX_CLIENT_SECRET)
        gateway.webhook(KEY)
        gateway.register_webhook(KEY, f"{receiver.url}/webhooks/pix")
        gateway.webhook(KEY)
        _charges(gateway, sandbox)
        _payments(gateway, sandbox)
        told = receiver.wait_for(4)
    return Life([one for one in recorder.exchanges if one.path.startswith(BASE)], told)


def _charges(gateway: BacenPix, sandbox: Sandbox) -> None:
    person = replace(CHARGE, txid="c0" * 16 + "001", payer=parse_document("123.456.789-09"), info=())
    for charge in (CHARGE, CHARGE, person, replace(person, amount=Decimal("7.00"))):
        gateway.put_charge(charge)
        gateway.find_charge(charge.txid)
    gateway.remove_charge(person.txid)
    gateway.remove_charge(person.txid)
    gateway.find_charge("0" * 35)
    gateway.remove_charge("0" * 35)
    yesterday = TODAY - timedelta(days=1)
    for wrong in (replace(CHARGE, due=yesterday), replace(CHARGE, key="chave.alheia@example.com"), person):
        with suppress(ProviderError):
            gateway.put_charge(wrong)
    for status in (400, 403, 404, 503):
        sandbox.fault("fail", provider="pix", match={"kind": "charge"}, status=status, times=1)
        with suppress(ProviderError):
            gateway.put_charge(CHARGE)


def _payments(gateway: BacenPix, sandbox: Sandbox) -> None:
    now = datetime.now(UTC)
    paid = sandbox.pay_pix(txid=CHARGE.txid, at=now, text="pagamento da fatura")
    sandbox.return_pix(paid, amount="34.33", nature="MED_OPERACIONAL")
    code = static_code(KEY, "Credora", "Sao Paulo", amount=Decimal("12.30"), txid="F" * 25)
    for _ in range(2):
        sandbox.pay_pix(br_code=code, at=now)
    gateway.find_charge(CHARGE.txid)
    list(gateway.received(now - timedelta(days=1), now))
    list(gateway.received(now + timedelta(days=1), now + timedelta(days=2)))


def test_everything_that_the_product_asks_was_asked(life: Life) -> None:
    asked = {(one.scope["method"], one.path.removeprefix(BASE).split("/")[1]) for one in life.exchanges}
    assert asked == {
        ("PUT", "cobv"), ("PATCH", "cobv"), ("GET", "cobv"), ("GET", "pix"), ("GET", "webhook"), ("PUT", "webhook"),
    }  # fmt: skip
    assert {one.status for one in life.exchanges} == {200, 201, 400, 403, 404, 503}


def test_every_request_is_valid_under_the_specification(life: Life) -> None:
    for exchange in life.exchanges:
        spec().validate_request(request(exchange))


def test_every_answer_is_valid_under_the_specification(life: Life) -> None:
    for exchange in life.exchanges:
        if exchange.path.startswith(f"{BASE}/webhook") and exchange.scope["method"] == "PUT":
            assert (exchange.status, bytes(exchange.answered)) == (200, b"")  # the specification gives it no content
        else:
            spec().validate_response(request(exchange), response(exchange))


def test_every_call_to_the_webhook_is_valid_under_the_specification(life: Life) -> None:
    webhook = {
        "openapi": "3.0.0",
        "info": {"title": "webhook", "version": "1"},
        "servers": [{"url": "https://regua.example.com"}],
        "paths": {
            "/webhooks/pix/pix": {
                "post": {
                    "requestBody": {"$ref": "#/components/requestBodies/WebhookPixBody"},
                    "responses": {"200": {"description": ""}},
                }
            }
        },
        "components": corrected()["components"],
    }
    contract = OpenAPI.from_dict(webhook, Config(spec_validator_cls=None))
    for call in life.told:
        asked = MockRequest(
            "https://regua.example.com", "post", call.path, data=call.body, content_type=call.headers["Content-Type"]
        )
        contract.validate_request(asked)
    told = [read_received(pix) for call in life.told for pix in json.loads(call.body)["pix"]]
    assert {pix.amount for pix in told} == {Decimal("1034.33"), Decimal("12.30")}
    assert [refund.nature for pix in told for refund in pix.refunds][-1] == "MED_OPERACIONAL"


def test_the_check_would_notice_a_wrong_request_and_a_wrong_answer(life: Life) -> None:
    put = next(one for one in life.exchanges if one.scope["method"] == "PUT" and one.status == 201)
    body = json.loads(put.asked)
    for wrong in (body | {"valor": {"original": "12,5"}}, {name: body[name] for name in body if name != "devedor"}):
        with pytest.raises(RequestBodyValidationError):
            spec().validate_request(request(replace(put, asked=bytearray(json.dumps(wrong).encode()))))
    answer = json.loads(put.answered) | {"status": "VOOU"}
    wrongly = replace(put, answered=bytearray(json.dumps(answer).encode()))
    with pytest.raises(DataValidationError):
        spec().validate_response(request(wrongly), response(wrongly))


def test_the_mistakes_put_right_in_the_specification_are_mistakes_of_its_own() -> None:
    examples, schemas = document()["components"]["examples"], document()["components"]["schemas"]
    assert not set(schemas["DadosRecebedor"]["required"]) & set(examples["cobResponse4"]["value"])
    assert "cobs" in schemas["PixConsultados"]["required"]
    assert "cobs" not in schemas["PixConsultados"]["properties"]
    assert schemas["Pix"]["properties"]["txid"]["allOf"][1] == {"pattern": "[a-zA-Z0-9]{1,35}"}
    assert sum(line.strip().startswith('pattern: "/') for line in SPEC.read_text().splitlines()) == 14


# --- the bank itself --------------------------------------------------------------------------------------------------
@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path) as running:
        yield running


@pytest.fixture
def gateway(sandbox: Sandbox) -> BacenPix:
    return BacenPix(sandbox.pix_url, sandbox.pix_token_url, PIX_CLIENT_ID, PIX_CLIENT_SECRET)


def _ask(gateway: BacenPix, method: str, path: str, **content: Any) -> tuple[int, Any]:
    """A call that the product never makes."""
    headers = {"Authorization": f"Bearer {gateway._bearer()}"}
    answer = gateway._send(method, gateway._url + path, headers=headers, **content)
    return answer.status_code, answer.json()


def test_a_revision_keeps_what_was_before_it(gateway: BacenPix) -> None:
    gateway.put_charge(CHARGE)
    path = f"/cobv/{CHARGE.txid}"
    status, revised = _ask(gateway, "PATCH", path, json={"valor": {"original": "900.00"}})
    assert (status, revised["revisao"], revised["valor"]) == (200, 1, {"original": "900.00"})
    assert _ask(gateway, "GET", path + "?revisao=0")[1]["valor"] == {"original": "1034.33"}
    status, problem = _ask(gateway, "GET", path + "?revisao=2")
    assert (status, problem["type"]) == (400, "https://pix.bcb.gov.br/api/v2/error/CobVConsultaInvalida")


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"status": "REMOVIDA_PELO_USUARIO_RECEBEDOR", "valor": {"original": "1.00"}}, "cobv.status"),
        ({"status": "CONCLUIDA"}, "cobv.status"),
        ({"calendario": {"dataDeVencimento": "2020-01-01"}}, "cobv.calendario.dataDeVencimento"),
        ({"calendario": {"dataDeVencimento": f"{TODAY}", "validadeAposVencimento": -1}},
         "cobv.calendario.validadeAposVencimento"),
        ({"valor": {"original": "1.00", "juros": {"modalidade": 3, "valorPerc": "1.00"}}}, "cobv.valor.juros"),
        ({"devedor": {"cpf": "12345678900", "nome": "Fulano"}}, "cobv.devedor"),
    ],
)  # fmt: skip
def test_a_wrong_revision_is_refused_in_the_apis_own_form(gateway: BacenPix, body: object, named: str) -> None:
    gateway.put_charge(CHARGE)
    status, problem = _ask(gateway, "PATCH", f"/cobv/{CHARGE.txid}", json=body)
    assert (status, problem["type"]) == (400, "https://pix.bcb.gov.br/api/v2/error/CobVOperacaoInvalida")
    assert [violation["propriedade"] for violation in problem["violacoes"]] == [named]
    assert gateway.find_charge(CHARGE.txid) == gateway.put_charge(CHARGE)


def test_a_charge_is_paid_once_and_only_while_it_can_be(sandbox: Sandbox, gateway: BacenPix) -> None:
    known = gateway.put_charge(CHARGE)
    late = datetime.combine(CHARGE.due, datetime.min.time(), UTC) + timedelta(days=12)
    with pytest.raises(BadInput, match="could be paid until"):
        sandbox.pay_pix(txid=CHARGE.txid, at=late)
    sandbox.pay_pix(br_code=known.br_code)
    with pytest.raises(BadInput, match="CONCLUIDA"):
        sandbox.pay_pix(txid=CHARGE.txid)
    assert [entry["kind"] for entry in sandbox.log()] == ["charge", "pix"]
    with pytest.raises(BadInput, match="no such charge"):
        sandbox.pay_pix(txid="0" * 35)


def test_a_payment_can_be_told_never_twice_or_until_it_is_heard(sandbox: Sandbox, gateway: BacenPix) -> None:
    code = static_code(KEY, "Credora", "Sao Paulo", amount=Decimal("5.00"), txid="F1")
    with receiving() as receiver:
        gateway.register_webhook(KEY, receiver.url)
        sandbox.pay_pix(br_code=code, callbacks=0)
        sandbox.pay_pix(br_code=static_code(KEY, "Credora", "Sao Paulo", amount=Decimal("6.00")))  # typed by hand
        twice = sandbox.pay_pix(br_code=code, callbacks=2)
        receiver.wait_for(2)
        receiver.refusals = 1
        heard = sandbox.pay_pix(br_code=code)
        calls = receiver.wait_for(3)
    ids = [json.loads(call.body)["pix"][0]["endToEndId"] for call in calls]
    assert ids == [twice, twice, heard]
    assert receiver.refusals < 0
    assert len(list(gateway.received(datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC)))) == 4


def test_a_restarted_bank_remembers_everything(tmp_path: Path) -> None:
    with running_sandbox(tmp_path / "bank") as first:
        gateway = BacenPix(first.pix_url, first.pix_token_url, PIX_CLIENT_ID, PIX_CLIENT_SECRET)
        known = gateway.put_charge(CHARGE)
        first.pay_pix(txid=CHARGE.txid)
    with running_sandbox(tmp_path / "bank") as second:
        gateway = BacenPix(second.pix_url, second.pix_token_url, PIX_CLIENT_ID, PIX_CLIENT_SECRET)
        assert gateway.find_charge(CHARGE.txid) == replace(known, state="paid")


def test_scripts_pay_and_give_back_over_http(sandbox: Sandbox, gateway: BacenPix) -> None:
    known = gateway.put_charge(CHARGE)
    levers = f"{sandbox.url}/sandbox/pix"
    paid = requests.post(f"{levers}/pay", json={"br_code": known.br_code, "amount": "1034.33"}, timeout=5)
    assert paid.status_code == 200
    again = requests.post(f"{levers}/pay", json={"txid": CHARGE.txid}, timeout=5)
    assert (again.status_code, "cannot be paid" in again.json()["detail"]) == (422, True)
    end_to_end = paid.json()["endToEndId"]
    given_back = requests.post(f"{levers}/return", json={"end_to_end_id": end_to_end}, timeout=5)
    (received,) = gateway.received(datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC))
    assert received.end_to_end_id == end_to_end
    assert [refund.rtr_id for refund in received.refunds] == [given_back.json()["rtrId"]]
    nobody = requests.post(f"{levers}/return", json={"end_to_end_id": "E0"}, timeout=5)
    assert nobody.status_code == 422

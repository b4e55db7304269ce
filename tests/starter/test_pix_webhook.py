"""The bank's calls about Pix: genuine ones count once, forged, cut and oversized ones change nothing."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import requests
from people import SETTINGS
from sqlalchemy import Engine, select, update

from db.rows import CREDITOR, PAYMENT, PAYMENT_CODE, WEBHOOK_EVENT
from domain.clock import PRODUCTION
from gateways.settings import Settings
from starter.webhooks import PIX_LIMIT, create_app
from tests.activities.money_samples import Counter
from tests.domain.bank_samples import PAID_ON
from tests.starter.test_webhooks import serving

TOKEN, SECRET = "fim-secreto-de-teste", "chave-de-teste"
KEY = "123e4567-e12b-12d1-a456-426655440000"
TEXT = "Fulana de Tal, NF1"


def end_to_end(number: int = 1) -> str:
    return f"E9999999920261123{number:015d}"


def received(number: int = 1, amount: str = "1034.33", **changes: Any) -> dict[str, Any]:
    """A Pix as the API writes it."""
    pix = {
        "endToEndId": end_to_end(number), "txid": "TX1", "valor": amount, "chave": KEY,
        "horario": "2026-11-23T20:24:28.774Z", "infoPagador": TEXT,
    }  # fmt: skip
    return {name: value for name, value in (pix | changes).items() if value is not None}


def returned(amount: str = "1034.33", status: str = "DEVOLVIDO", number: int = 1) -> dict[str, Any]:
    return {
        "id": f"{number}", "rtrId": f"D9999999920261124{number:015d}", "valor": amount, "natureza": "MED_FRAUDE",
        "horario": {"solicitacao": "2026-11-24T02:30:00Z", "liquidacao": "2026-11-24T03:30:00Z"}, "status": status,
    }  # fmt: skip


@dataclass
class Bank:
    """The bank's side: it calls the address that it was told, with /pix at its end."""

    url: str
    counter: Counter
    told: list[UUID] = field(default_factory=list)

    def call(self, *pix: Any, path: str = f"/webhooks/pix/{TOKEN}/pix", **how: Any) -> int:
        return self.post(json.dumps({"pix": list(pix)}).encode(), path, **how)

    def post(self, body: bytes, path: str = f"/webhooks/pix/{TOKEN}/pix", **how: Any) -> int:
        return requests.post(self.url + path, body, timeout=10, **how).status_code

    def events(self) -> list[Any]:
        return self.counter.all(select(WEBHOOK_EVENT).order_by(WEBHOOK_EVENT.c.received_at))


@pytest.fixture
def bank(engine: Engine, tmp_path: Path) -> Iterator[Bank]:
    counter = Counter(engine, tmp_path)
    agreement = {"mode": "api", "key": KEY, "name": "Credora Ficticia", "city": "Sao Paulo"}
    with engine.begin() as conn:
        conn.execute(update(CREDITOR).values(settings=SETTINGS | {"pix": agreement}))
    told: list[UUID] = []
    settings = Settings(pix_webhook_token=TOKEN, pix_webhook_secret=SECRET)
    with serving(create_app(engine, settings, counter.world.clock, told.extend)) as url:
        yield Bank(url, counter, told)


def test_a_pix_by_our_code_is_counted_before_the_answer_and_told_after_it(bank: Bank) -> None:
    case = bank.counter.open()
    bank.counter.code(case, "TX1", "1034.33", PAID_ON - timedelta(days=1))
    assert bank.call(received()) == 200
    (fact,) = bank.counter.facts(case)
    assert (fact["reference"], fact["amount"], fact["paid_on"], fact["quoted_on"]) == (
        end_to_end(), "1034.33", "2026-11-23", "2026-11-22",
    )  # fmt: skip
    (event,) = bank.events()
    assert (event.provider, event.event) == ("pix", "received")
    assert event.taken_at is not None
    assert len(bank.told) == 1


def test_neither_the_payers_text_nor_the_key_stands_in_the_event(bank: Bank) -> None:
    bank.call(received(txid=None))
    (event,) = bank.events()
    assert "Fulana" not in str(event)
    assert KEY not in str(event)
    assert bank.counter.one(select(PAYMENT)).hint == TEXT, "a person may need it; the row can be erased"


def test_s16_the_same_call_and_the_same_pix_in_another_call_count_once(bank: Bank) -> None:
    case = bank.counter.open()
    bank.counter.code(case, "TX1", "1034.33", PAID_ON)
    for calls in ([received()], [received()], [received(2, "5.00", txid=None), received()]):
        assert bank.call(*calls) == 200
    assert bank.counter.paid(case) == Decimal("1034.33")
    assert len(bank.counter.payments()) == 2


def test_a_signature_proves_a_bank_that_cannot_keep_a_secret_address(bank: Bank) -> None:
    body = json.dumps({"pix": [received()]}).encode()
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    for number, path in enumerate(("/webhooks/pix", "/webhooks/pix/pix"), 1):
        for signed in (signature, f"sha256={signature}"):
            assert bank.post(body, path, headers={"X-Pix-Signature": signed}) == 200
        assert len(bank.events()) == 1, number


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/webhooks/pix", {}),
        ("/webhooks/pix/pix", {"X-Pix-Signature": "0" * 64}),
        ("/webhooks/pix/pix", {"X-Pix-Signature": "ç"}),
        ("/webhooks/pix/fim-errado", {}),
        ("/webhooks/pix/fim-errado/pix", {}),
        ("/webhooks/pix/%20/pix", {}),
    ],
)
def test_a_forged_call_changes_nothing(bank: Bank, path: str, headers: dict[str, str]) -> None:
    given = {name: value.encode() for name, value in headers.items()}
    assert bank.call(received(), path=path, headers=given) == 403
    assert (bank.events(), bank.counter.payments()) == ([], [])


def test_without_a_secret_of_ours_nobody_is_the_bank(engine: Engine) -> None:
    with serving(create_app(engine, Settings(), PRODUCTION, lambda _: None)) as url:
        for path in ("/webhooks/pix", "/webhooks/pix/x", "/webhooks/pix/pix/pix"):
            signature = hmac.new(b"", b"{}", hashlib.sha256).hexdigest()
            answer = requests.post(url + path, b"{}", headers={"X-Pix-Signature": signature}, timeout=10)
            assert answer.status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"pix": [received()]}).encode()[:-30],
        b"\xff\xfe",
        b"[]",
        b'{"pix": {}}',
        pytest.param(b'{"pix": ' + b"[" * 100_000, id="nested-without-end"),
        json.dumps({"pix": [received(), received(2, "0.00")]}).encode(),
        json.dumps({"pix": [received(), received(2, "-1.00")]}).encode(),
        json.dumps({"pix": [received(), received(endToEndId="Pix de Fulana de Tal")]}).encode(),
        json.dumps({"pix": [received(), received(2, txid="TX 1")]}).encode(),
        json.dumps({"pix": [received(), received(2, horario="ontem")]}).encode(),
        json.dumps({"pix": [received(), "x"]}).encode(),
        json.dumps({"pix": [received(), received(2, devolucoes=[returned(status="TALVEZ")])]}).encode(),
    ],
)
def test_a_cut_or_misshapen_call_changes_nothing_not_even_its_good_part(bank: Bank, body: bytes) -> None:
    assert bank.post(body) == 400
    assert (bank.events(), bank.counter.payments()) == ([], [])


def test_an_oversized_call_changes_nothing(bank: Bank) -> None:
    assert bank.call(received(infoPagador="x" * PIX_LIMIT)) == 413
    assert bank.counter.payments() == []


def test_a_call_that_only_tries_the_address_is_welcome(bank: Bank) -> None:
    assert bank.post(b"{}") == 200
    assert bank.call() == 200
    assert bank.events() == []


def test_money_that_went_back_reverses_the_payment_once_it_is_done(bank: Bank) -> None:
    case = bank.counter.open()
    bank.counter.code(case, "TX1", "1034.33", PAID_ON)
    bank.call(received())
    bank.call(received(devolucoes=[returned(status="EM_PROCESSAMENTO")]))
    bank.call(received(devolucoes=[returned(status="NAO_REALIZADO")]))
    assert [fact["kind"] for fact in bank.counter.facts(case)] == ["payment"]
    for _ in range(2):
        assert bank.call(received(devolucoes=[returned("34.33"), returned("1000.00", number=2)])) == 200
    assert bank.counter.facts(case)[1:] == [{"kind": "reverse", "reference": end_to_end(), "on": "2026-11-24"}]


def test_a_part_that_went_back_is_for_a_person(bank: Bank) -> None:
    case = bank.counter.open()
    bank.counter.code(case, "TX1", "1034.33", PAID_ON)
    bank.call(received(devolucoes=[returned("34.33")]))
    assert [fact["kind"] for fact in bank.counter.facts(case)] == ["payment"]
    assert [task.kind for task in bank.counter.tasks()] == ["payment-partly-back"]


def test_money_for_a_key_that_no_creditor_has_is_stored_and_becomes_a_task(bank: Bank) -> None:
    assert bank.call(received(txid=None, chave="contas@outra.example.com")) == 200
    assert len(bank.events()) == 1
    (task,) = bank.counter.tasks()
    assert (task.kind, task.details[0]) == ("pix-of-nobody", f"reference {end_to_end()}")
    assert bank.counter.payments() == []


def test_our_code_says_whose_it_is_even_where_the_bank_names_no_key(bank: Bank) -> None:
    case = bank.counter.open()
    bank.counter.code(case, "TX1", "1034.33", PAID_ON)
    bank.call(received(chave=None))
    assert bank.counter.paid(case) == Decimal("1034.33")


def test_where_the_database_does_not_take_it_the_bank_is_asked_to_call_again(bank: Bank) -> None:
    case = bank.counter.open()
    bank.counter.code(case, "TX1", "1034.33", PAID_ON)
    engine = bank.counter.engine
    with engine.begin() as conn:
        conn.exec_driver_sql("ALTER TABLE payment RENAME TO payment_away")
    assert bank.call(received()) == 503
    with engine.begin() as conn:
        conn.exec_driver_sql("ALTER TABLE payment_away RENAME TO payment")
    assert bank.events() == []
    assert bank.call(received()) == 200
    assert bank.counter.paid(case) == Decimal("1034.33")
    assert bank.counter.one(select(PAYMENT_CODE)).state == "paid"

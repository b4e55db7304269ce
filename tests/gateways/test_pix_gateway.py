"""Pix charges through the central bank's API, over real HTTP."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from domain.errors import BadInput, Misconfigured, Permanent, Unavailable, Unknown
from domain.identifiers import parse_document
from domain.pix import decode, static_code
from gateways.pix import BacenPix, Charge, read_received
from sandbox.pix import BRASILIA
from sandbox.server import Sandbox
from sandbox.state import PIX_CLIENT_ID, PIX_CLIENT_SECRET

TODAY = datetime.now(BRASILIA).date()
KEY = "cobranca@credora.example.com"
CHARGE = Charge(
    txid="fa" * 16 + "000", key=KEY, amount=Decimal("1034.33"), due=TODAY + timedelta(days=7),
    payer=parse_document("12.ABC.345/01DE-35"), payer_name="Devedora Inventada", info=(("Fatura", "1234"),),
)  # fmt: skip
EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
numbers = iter(range(1, 1000))


@pytest.fixture
def gateway(sandbox: Sandbox) -> BacenPix:
    return BacenPix(sandbox.pix_url, sandbox.pix_token_url, PIX_CLIENT_ID, PIX_CLIENT_SECRET)


@pytest.fixture
def charge() -> Charge:
    return replace(CHARGE, txid=f"{next(numbers):030d}")


def test_a_charge_comes_with_a_code_that_leads_to_it(sandbox: Sandbox, gateway: BacenPix, charge: Charge) -> None:
    known = gateway.put_charge(charge)
    assert (known.txid, known.state, known.amount) == (charge.txid, "active", Decimal("1034.33"))
    code = decode(known.br_code)
    assert (code.kind, code.url, code.once) == ("dynamic", known.location, True)
    assert gateway.find_charge(charge.txid) == known
    entry = sandbox.log()[-1]
    assert (entry["kind"], entry["send_id"], entry["body"], entry["from"]) == ("charge", charge.txid, "1034.33", KEY)


def test_a_charge_put_again_is_the_same_charge(sandbox: Sandbox, gateway: BacenPix, charge: Charge) -> None:
    first = gateway.put_charge(charge)
    assert gateway.put_charge(charge) == first
    assert [entry["send_id"] for entry in sandbox.log()].count(charge.txid) == 1
    assert gateway.put_charge(replace(charge, amount=Decimal("900.00"))).amount == Decimal("900.00")


def test_a_charge_that_is_not_there_is_none(gateway: BacenPix) -> None:
    assert gateway.find_charge("0" * 35) is None
    assert gateway.remove_charge("0" * 35) == "absent"


def test_a_removed_charge_can_no_longer_be_paid_and_is_removed_once(
    sandbox: Sandbox, gateway: BacenPix, charge: Charge
) -> None:
    gateway.put_charge(charge)
    assert gateway.remove_charge(charge.txid) == "removed"
    assert gateway.remove_charge(charge.txid) == "removed"
    with pytest.raises(BadInput, match="cannot be paid"):
        sandbox.pay_pix(txid=charge.txid)
    with pytest.raises(Permanent) as caught:
        gateway.put_charge(charge)
    assert type(caught.value) is Permanent
    assert caught.value.code == "CobVOperacaoInvalida"


def test_a_paid_charge_is_too_late_to_remove(sandbox: Sandbox, gateway: BacenPix, charge: Charge) -> None:
    gateway.put_charge(charge)
    sandbox.pay_pix(txid=charge.txid)
    assert gateway.remove_charge(charge.txid) == "paid"
    known = gateway.find_charge(charge.txid)
    assert known is not None
    assert known.state == "paid"


@pytest.mark.parametrize(
    ("wrong", "error", "code"),
    [
        ({"due": TODAY - timedelta(days=1)}, Permanent, "CobVOperacaoInvalida:cobv.calendario.dataDeVencimento"),
        ({"amount": Decimal("0.00")}, Permanent, "CobVOperacaoInvalida:cobv.valor.original"),
        ({"payer_name": ""}, Permanent, "CobVOperacaoInvalida:cobv.devedor"),
        ({"key": "chave.alheia@example.com"}, Misconfigured, "CobVOperacaoInvalida:chave"),
        ({"txid": "short"}, Permanent, "CobVOperacaoInvalida:cobv.txid"),
    ],
)
def test_each_refused_charge_has_its_reason_and_names_nobody(
    gateway: BacenPix, charge: Charge, wrong: dict[str, object], error: type[Permanent], code: str
) -> None:
    with pytest.raises(Permanent) as caught:
        gateway.put_charge(replace(charge, **wrong))  # type: ignore[arg-type]
    assert type(caught.value) is error
    assert str(caught.value) == caught.value.code == code


def test_what_a_charge_shows_of_people_is_in_no_repr() -> None:
    shown = repr(CHARGE)
    assert not any(word in shown for word in ("Devedora", "12ABC34501DE35", "credora"))


def test_payments_of_a_period_come_page_by_page(
    sandbox: Sandbox, gateway: BacenPix, charge: Charge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateways.pix.PAGE", 2)
    start = datetime(2031, 5, 5, 12, tzinfo=UTC)
    code = static_code(KEY, "Credora", "Sao Paulo", txid="F1")
    ids = [
        sandbox.pay_pix(br_code=code, amount=f"{10 + n}.50", at=start + timedelta(minutes=n), text="obrigado")
        for n in range(5)
    ]
    found = list(gateway.received(start, start + timedelta(minutes=4)))
    assert [pix.end_to_end_id for pix in found] == ids
    assert [pix.amount for pix in found] == [Decimal(f"{10 + n}.50") for n in range(5)]
    assert {(pix.txid, pix.key, pix.text) for pix in found} == {("F1", KEY, "obrigado")}
    assert found[0].at == start
    assert [pix.end_to_end_id for pix in gateway.received(start + timedelta(minutes=4), start.replace(hour=14))] == [
        ids[-1]
    ]
    assert list(gateway.received(start.replace(year=2032), start.replace(year=2033))) == []


def test_a_payment_that_went_back_shows_how_much_and_why(sandbox: Sandbox, gateway: BacenPix, charge: Charge) -> None:
    gateway.put_charge(charge)
    paid = sandbox.pay_pix(txid=charge.txid)
    returned = sandbox.return_pix(paid, amount="34.33")
    found = next(pix for pix in gateway.received(EPOCH, datetime.now(UTC)) if pix.end_to_end_id == paid)
    (refund,) = found.refunds
    assert (found.amount, found.txid) == (Decimal("1034.33"), charge.txid)
    assert (refund.rtr_id, refund.amount, refund.state) == (returned, Decimal("34.33"), "done")
    assert refund.nature == "MED_FRAUDE"
    assert refund.at is not None
    with pytest.raises(BadInput, match=r"1000\.00 of it are left"):
        sandbox.return_pix(paid, amount="1000.01")


def test_a_webhook_is_registered_for_a_key_and_found_again(gateway: BacenPix) -> None:
    for key in (KEY, "+5511900000001"):
        gateway.register_webhook(key, "https://regua.example.com/webhooks/pix")
        assert gateway.webhook(key) == "https://regua.example.com/webhooks/pix"
    assert gateway.webhook("outra@credora.example.com") is None


# --- what goes wrong --------------------------------------------------------------------------------------------------
def test_one_token_serves_many_calls_and_a_withdrawn_one_is_replaced(
    sandbox: Sandbox, gateway: BacenPix, charge: Charge
) -> None:
    def tokens() -> int:
        return len(sandbox.state.rows("SELECT token FROM pix_tokens"))

    before = tokens()
    gateway.put_charge(charge)
    gateway.find_charge(charge.txid)
    assert tokens() == before + 1
    with sandbox.state.transaction() as db:
        db.execute("DELETE FROM pix_tokens")
    assert gateway.remove_charge(charge.txid) == "removed"
    assert tokens() == 1


def test_a_wrong_secret_stops_the_channel(sandbox: Sandbox) -> None:
    wrong = BacenPix(sandbox.pix_url, sandbox.pix_token_url, PIX_CLIENT_ID, "wrong")
    for call in (lambda: wrong.put_charge(CHARGE), lambda: wrong.find_charge(CHARGE.txid)):
        with pytest.raises(Misconfigured) as caught:
            call()
        assert caught.value.code == "oauth-401"


def test_a_right_that_the_account_lacks_stops_the_channel(
    sandbox: Sandbox, gateway: BacenPix, charge: Charge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateways.pix.SCOPES", "cobv.read")
    with pytest.raises(Misconfigured) as caught:
        gateway.put_charge(charge)
    assert caught.value.code == "AcessoNegado"


@pytest.mark.parametrize("effect", ["accept_then_fail", "accept_then_drop"])
def test_a_charge_whose_answer_was_lost_is_simply_put_again(
    sandbox: Sandbox, gateway: BacenPix, charge: Charge, effect: str
) -> None:
    sandbox.fault(effect, provider="pix", match={"kind": "charge"}, times=1)
    with pytest.raises(Unknown):
        gateway.put_charge(charge)
    assert gateway.put_charge(charge).state == "active"
    assert [entry["send_id"] for entry in sandbox.log()].count(charge.txid) == 1


@pytest.mark.parametrize("effect", ["accept_then_fail", "accept_then_drop"])
def test_a_removal_whose_answer_was_lost_is_confirmed_by_asking_again(
    sandbox: Sandbox, gateway: BacenPix, charge: Charge, effect: str
) -> None:
    gateway.put_charge(charge)
    sandbox.fault(effect, provider="pix", match={"kind": "removal"}, times=1)
    with pytest.raises(Unknown):
        gateway.remove_charge(charge.txid)
    assert gateway.remove_charge(charge.txid) == "removed"


def test_a_slow_bank_is_given_up(sandbox: Sandbox, charge: Charge) -> None:
    hasty = BacenPix(sandbox.pix_url, sandbox.pix_token_url, PIX_CLIENT_ID, PIX_CLIENT_SECRET, timeout=0.3)
    hasty.find_charge(charge.txid)
    sandbox.fault("hold", provider="pix", match={"kind": "charge"})
    with pytest.raises(Unknown) as caught:
        hasty.put_charge(charge)
    assert caught.value.code == "ReadTimeout"
    sandbox.fault("hold", provider="pix", match={"kind": "lookup"})
    with pytest.raises(Unavailable):
        hasty.find_charge(charge.txid)


def test_a_rate_limit_says_how_long_to_wait(sandbox: Sandbox, gateway: BacenPix, charge: Charge) -> None:
    sandbox.fault("fail", provider="pix", match={"kind": "charge"}, status=429, retry_after=3, times=1)
    with pytest.raises(Unavailable) as caught:
        gateway.put_charge(charge)
    assert caught.value.retry_after == 3


def test_without_a_token_nothing_was_done(sandbox: Sandbox, gateway: BacenPix, charge: Charge) -> None:
    sandbox.fault("fail", provider="pix", match={"kind": "token"}, status=500, times=1)
    with pytest.raises(Unavailable):
        gateway.put_charge(charge)
    sandbox.fault("accept_then_drop", provider="pix", match={"kind": "token"}, times=1)
    with pytest.raises(Unavailable):
        gateway.put_charge(charge)
    assert gateway.put_charge(charge).state == "active"


def test_a_bank_that_is_away_surely_did_nothing(charge: Charge) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(Unavailable):
            BacenPix(url, f"{url}/token", "a", "b").put_charge(charge)


def test_a_certificate_that_cannot_be_read_is_a_setting_to_mend(tmp_path: Path, charge: Charge) -> None:
    files = (tmp_path / "cert.pem", tmp_path / "key.pem")
    with pytest.raises(Misconfigured) as caught:
        BacenPix("https://127.0.0.1:9", "https://127.0.0.1:9/token", "a", "b", files).put_charge(charge)
    assert caught.value.code == "client-certificate"


@contextmanager
def stranger(status: int, body: bytes) -> Iterator[str]:
    """A server that gives tokens and answers everything else alike."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            token = self.path == "/token"
            said = json.dumps({"access_token": "t", "expires_in": 60}).encode() if token else body
            self.send_response(200 if token else status)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_PUT = do_POST = do_PATCH = answer  # noqa: N815 - the library's names

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_404_that_the_api_did_not_write_does_not_prove_a_charge_away(charge: Charge) -> None:
    with stranger(404, b"<html>not here</html>") as url:
        gateway = BacenPix(url, f"{url}/token", "a", "b")
        for call in (gateway.find_charge, gateway.remove_charge):
            with pytest.raises(Misconfigured) as caught:
                call(charge.txid)
            assert caught.value.code == "http-404"


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"<html>", b'{"txid": "x", "status": "VOOU"}'])
def test_an_answer_that_is_not_the_apis_proves_nothing(charge: Charge, body: bytes) -> None:
    with stranger(200, body) as url:
        gateway = BacenPix(url, f"{url}/token", "a", "b")
        with pytest.raises(Unknown):
            gateway.put_charge(charge)
        with pytest.raises(Unknown):
            gateway.remove_charge(charge.txid)
        with pytest.raises(Unavailable):
            gateway.find_charge(charge.txid)
        with pytest.raises(Unavailable):
            list(gateway.received(EPOCH, EPOCH))


def test_a_redirect_is_not_followed_with_our_token(charge: Charge) -> None:
    with stranger(307, b"") as url, pytest.raises(Unknown):
        BacenPix(url, f"{url}/token", "a", "b").put_charge(charge)


@pytest.mark.parametrize(
    "item",
    [None, [], {}, {"endToEndId": "E1", "valor": 110.0, "horario": "2020-09-09T20:15:00.358Z"},
     {"endToEndId": "E1", "valor": "110.00", "horario": "2020-09-09T20:15:00"},
     {"endToEndId": "E1", "valor": "110.00", "horario": "2020-09-09T20:15:00Z", "devolucoes": [{}]}],
)  # fmt: skip
def test_a_notice_that_cannot_be_read_is_refused(item: object) -> None:
    with pytest.raises(BadInput, match="received Pix"):
        read_received(item)

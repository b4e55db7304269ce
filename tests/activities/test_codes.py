"""Payment codes between the case and the bank: offered, kept while true, taken back, whatever dies in between."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import pytest
from people import Opened, ladder, new_case_row, set_creditor
from sqlalchemy import Engine, Row, insert, select, update

from activities import codes
from activities.codes import Offered
from activities.world import World
from db.rows import CASE, PAYMENT, PAYMENT_CODE
from domain.clock import PRODUCTION, Clock
from domain.errors import BadInput, Misconfigured, Permanent, Unavailable, Unknown
from domain.pix import charge_txid, decode, last_payable_day
from gateways.pix import BacenPix, Charge, KnownCharge, Removal
from gateways.pix_accounts import PRINCIPAL
from sandbox.pix import BRASILIA
from sandbox.server import Sandbox, running_sandbox
from sandbox.state import PIX_CLIENT_ID, PIX_CLIENT_SECRET

TODAY = datetime.now(BRASILIA).date()
API = {"mode": "api", "key": "contas@credora.example.com", "name": "Credora Fictícia", "city": "São Paulo"}
STATIC = API | {"mode": "static"}
OLD, NEW = Decimal("1034.33"), Decimal("934.33")


@pytest.fixture(scope="module")
def shared_bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("bank")) as sandbox:
        yield sandbox


@pytest.fixture
def bank(shared_bank: Sandbox) -> Iterator[Sandbox]:
    yield shared_bank
    shared_bank.state.clear_faults()
    shared_bank.release()


@dataclass
class Office:
    """A case, a bank, and what the activities do with its codes."""

    world: World
    bank: Sandbox
    case: Opened

    def offer(self, amount: Decimal = OLD, **how: Any) -> Offered | None:
        given = {"case_id": self.case.case, "creditor_id": self.case.creditor, "today": TODAY} | how
        return codes.offer(self.world, amount=amount, **given)

    def offered(self, amount: Decimal = OLD, **how: Any) -> Offered:
        found = self.offer(amount, **how)
        assert found is not None
        return found

    def remove_all(self) -> int:
        return codes.remove_all(self.world, self.case.case)

    def debt_changes(self) -> int:
        with self.world.engine.begin() as conn:
            return codes.mark_wrong(conn, self.case.case)

    def rows(self) -> list[Row[Any]]:
        query = select(PAYMENT_CODE).where(PAYMENT_CODE.c.case_id == self.case.case).order_by(PAYMENT_CODE.c.txid)
        with self.world.engine.connect() as conn:
            return list(conn.execute(query).all())

    def states(self) -> list[str]:
        return [row.state for row in self.rows()]

    def put(self, txid: str, **values: Any) -> None:
        with self.world.engine.begin() as conn:
            conn.execute(update(PAYMENT_CODE).where(PAYMENT_CODE.c.txid == txid).values(**values))

    def agree(self, pix: dict[str, Any] | None) -> None:
        set_creditor(self.world.engine, self.case.creditor, pix=pix)

    def at_bank(self, txid: str) -> str:
        """The state of a charge at the bank; "" where it has none."""
        row = self.bank.state.row("SELECT status FROM pix_charges WHERE txid = ?", txid)
        return str(row["status"]) if row else ""

    def payable(self) -> list[str]:
        """Charges of the case that somebody could pay now."""
        query = "SELECT txid FROM pix_charges WHERE status = 'ATIVA' AND txid LIKE ?"
        return [row["txid"] for row in self.bank.state.rows(query, f"{self.case.case.hex}%")]

    def txid(self, number: int) -> str:
        return charge_txid(self.case.case, number)

    def long_ago(self, txid: str) -> None:
        """A lost call would have arrived by now."""
        self.put(txid, changed_at=datetime.now(UTC) - timedelta(seconds=61))

    def book(self, txid: str, end_to_end: str) -> None:
        """The payment is known here."""
        with self.world.engine.begin() as conn:
            conn.execute(
                insert(PAYMENT).values(
                    id=uuid4(), creditor_id=self.case.creditor, case_id=self.case.case, reference=end_to_end,
                    amount=OLD, paid_on=TODAY, source="pix", txid=txid, received_at=datetime.now(UTC),
                )
            )  # fmt: skip


@pytest.fixture
def office(engine: Engine, bank: Sandbox) -> Office:
    nobody: Any = None
    world = World(engine, PRODUCTION, nobody, nobody, nobody, nobody, Path(), "", pix={PRINCIPAL: client(bank)})
    case = new_case_row(engine, ladder("padrao-b2b"), TODAY - timedelta(days=30), TODAY, number="FAT-1234")
    office = Office(world, bank, case)
    office.agree(API)
    return office


def client(bank: Sandbox, kind: type[BacenPix] = BacenPix) -> BacenPix:
    return kind(bank.pix_url, bank.pix_token_url, PIX_CLIENT_ID, PIX_CLIENT_SECRET, timeout=5.0)


# --- offering ---------------------------------------------------------------------------------------------------------
def test_a_creditor_without_an_agreement_offers_no_code(office: Office) -> None:
    office.agree(None)
    assert office.offer() is None
    assert office.rows() == []


def test_a_code_asks_for_the_debt_of_today_and_can_be_paid_for_some_days(office: Office) -> None:
    code = office.offered()
    last = last_payable_day(TODAY + timedelta(days=7))
    assert (code.amount, code.quoted_on, code.valid_until) == (OLD, TODAY, last)
    assert decode(code.br_code).kind == "dynamic"
    (row,) = office.rows()
    assert (row.state, row.txid, row.br_code) == ("active", office.txid(0), code.br_code)
    office.bank.pay_pix(br_code=code.br_code)
    assert office.at_bank(code.txid) == "CONCLUIDA"


def test_the_bank_learns_whom_it_is_asked_of_and_for_which_invoice(office: Office) -> None:
    txid = office.offered().txid
    charge = office.bank.state.row("SELECT versions FROM pix_charges WHERE txid = ?", txid)
    assert charge is not None
    (body,) = json.loads(charge["versions"])
    assert body["infoAdicionais"] == [{"nome": "Fatura", "valor": "FAT-1234"}]
    assert body["devedor"]["nome"] == "Devedora Inventada Comércio Ltda"
    assert body["chave"] == API["key"]
    assert body["calendario"]["validadeAposVencimento"] == 0


def test_the_same_code_is_shown_again_while_it_fits(office: Office) -> None:
    first = office.offered()
    assert office.offered() == first
    assert office.offered(today=first.valid_until - timedelta(days=1)) == first
    assert len(office.rows()) == 1


def test_a_code_that_ends_today_is_replaced(office: Office) -> None:
    first = office.offered()
    office.put(first.txid, valid_until=TODAY)
    second = office.offered()
    assert second.txid == office.txid(1)
    assert (office.at_bank(first.txid), office.at_bank(second.txid)) == ("REMOVIDA_PELO_USUARIO_RECEBEDOR", "ATIVA")


def test_another_amount_takes_the_old_code_back_first(office: Office) -> None:
    first, second = office.offered(OLD), office.offered(NEW)
    assert office.states() == ["removed", "active"]
    assert office.payable() == [second.txid]
    with pytest.raises(BadInput, match="cannot be paid"):
        office.bank.pay_pix(br_code=first.br_code)


def test_while_the_old_code_is_not_surely_gone_no_new_one_is_made(office: Office) -> None:
    first = office.offered(OLD)
    office.bank.fault("fail", provider="pix", match={"kind": "removal"}, status=503)
    with pytest.raises(Unknown):
        office.offer(NEW)
    assert office.payable() == [first.txid]
    assert office.states() == ["removing"]
    office.bank.state.clear_faults()
    second = office.offered(NEW)
    assert office.payable() == [second.txid]
    assert office.states() == ["removed", "active"]


def test_instalments_of_a_plan_have_codes_of_their_own(office: Office) -> None:
    one, two = office.offered(instalment=1), office.offered(instalment=2)
    assert office.offered(instalment=1) == one
    assert office.states() == ["active", "active"]
    assert office.offered(NEW, instalment=2) != two
    assert office.states() == ["active", "removed", "active"]


def test_without_a_banks_api_an_agreement_for_it_is_a_setting_to_mend(office: Office) -> None:
    office.world = replace(office.world, pix={})
    with pytest.raises(Misconfigured, match="REGUA_PIX_URL"):
        office.offer()
    assert office.rows() == []


def test_a_creditor_who_moves_to_another_bank_has_his_codes_taken_back_at_the_old_one(office: Office) -> None:
    office.world = replace(office.world, pix={"principal": client(office.bank), "novo": client(office.bank, New)})
    office.offered()
    office.agree(API | {"account": "novo"})
    office.offered()
    assert [(row.account, row.state) for row in office.rows()] == [("principal", "removed"), ("novo", "active")]
    assert New.asked == ["put"]
    office.agree(API | {"account": "nenhum"})
    with pytest.raises(Misconfigured, match=r"REGUA_PIX_ACCOUNTS, \[nenhum\]"):
        office.offer()


class New(BacenPix):
    """The other bank, which notes what it is asked for."""

    asked: ClassVar[list[str]] = []

    def put_charge(self, charge: Charge) -> KnownCharge:
        self.asked.append("put")
        return super().put_charge(charge)

    def remove_charge(self, txid: str) -> Removal:
        self.asked.append("remove")
        return super().remove_charge(txid)


# --- what is cut off --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("effect", ["accept_then_fail", "accept_then_drop", "fail"])
def test_a_code_whose_answer_was_lost_is_the_same_code_when_asked_again(office: Office, effect: str) -> None:
    office.bank.fault(effect, provider="pix", match={"kind": "charge"}, times=1)
    with pytest.raises(Unknown):
        office.offer()
    assert office.states() == ["asked"]
    tomorrow = TODAY + timedelta(days=1)
    code = office.offered(today=tomorrow)
    assert (code.txid, code.quoted_on) == (office.txid(0), TODAY)
    assert office.payable() == [code.txid]


def test_a_process_that_dies_before_it_hears_leaves_a_code_that_is_taken_up(office: Office) -> None:
    class Dies(BacenPix):
        def put_charge(self, charge: Charge) -> KnownCharge:
            super().put_charge(charge)
            raise SystemExit

    whole = office.world
    office.world = replace(whole, pix={PRINCIPAL: client(office.bank, Dies)})
    with pytest.raises(SystemExit):
        office.offer()
    office.world = whole
    assert office.offered().txid == office.txid(0)
    assert len(office.payable()) == 1


def test_a_debt_that_changes_while_its_code_is_made_shows_no_code(office: Office) -> None:
    class Slow(BacenPix):
        def put_charge(self, charge: Charge) -> KnownCharge:
            known = super().put_charge(charge)
            assert office.debt_changes() == 1
            return known

    whole = office.world
    office.world = replace(whole, pix={PRINCIPAL: client(office.bank, Slow)})
    with pytest.raises(Unavailable, match="the debt changed"):
        office.offer()
    office.world = whole
    assert office.states() == ["removing"]
    office.long_ago(office.txid(0))
    assert codes.sweep(office.world, 10) == 1
    assert office.payable() == []


def test_no_lock_is_held_while_the_bank_is_called(office: Office) -> None:
    office.bank.fault("accept_then_hold", provider="pix", match={"kind": "charge"})
    asking = threading.Thread(target=office.offer)
    asking.start()
    try:
        while not office.payable():
            assert asking.is_alive()
        with office.world.engine.begin() as conn:
            conn.execute(select(CASE.c.id).where(CASE.c.id == office.case.case).with_for_update(nowait=True)).one()
    finally:
        office.bank.release()
        asking.join()
    assert office.states() == ["active"]


def test_two_processes_that_ask_at_once_show_the_same_code(office: Office) -> None:
    found: list[Offered | None] = []
    asking = [threading.Thread(target=lambda: found.append(office.offer())) for _ in range(4)]
    for each in asking:
        each.start()
    for each in asking:
        each.join()
    assert len(found) == 4
    assert len(set(found)) == 1
    assert len(office.payable()) == 1


def test_a_charge_that_the_bank_refuses_leaves_nothing_behind(office: Office) -> None:
    office.bank.fault("fail", provider="pix", match={"kind": "charge"}, status=400, times=1)
    with pytest.raises(Permanent) as caught:
        office.offer()
    assert caught.value.code == "RequisicaoInvalida"
    assert office.states() == ["removing"]
    office.long_ago(office.txid(0))
    assert office.offered().txid == office.txid(1)
    assert office.states() == ["removed", "active"]


def test_a_key_of_somebody_else_is_a_setting_to_mend(office: Office) -> None:
    office.agree(API | {"key": "chave.alheia@example.com"})
    with pytest.raises(Misconfigured):
        office.offer()
    assert office.payable() == []


@pytest.mark.parametrize("answer", [{"amount": NEW}, {"br_code": "000201"}, {"br_code": "", "location": ""}])
def test_a_charge_that_is_not_what_was_asked_for_is_shown_to_nobody(office: Office, answer: dict[str, Any]) -> None:
    class Strange(BacenPix):
        def put_charge(self, charge: Charge) -> KnownCharge:
            return replace(super().put_charge(charge), **answer)

    office.world = replace(office.world, pix={PRINCIPAL: client(office.bank, Strange)})
    with pytest.raises(Unknown):
        office.offer()
    assert office.states() == ["removing"]


def test_a_bank_that_gives_no_code_has_one_made_from_the_address_of_the_charge(office: Office) -> None:
    class Bare(BacenPix):
        def put_charge(self, charge: Charge) -> KnownCharge:
            return replace(super().put_charge(charge), br_code="")

    office.world = replace(office.world, pix={PRINCIPAL: client(office.bank, Bare)})
    code = decode(office.offered().br_code)
    assert (code.name, code.city, code.once) == ("Credora Ficticia", "Sao Paulo", True)
    office.bank.pay_pix(br_code=office.rows()[0].br_code)


# --- paid -------------------------------------------------------------------------------------------------------------
def test_no_second_code_is_shown_while_a_payment_is_on_its_way_to_us(office: Office) -> None:
    first = office.offered(OLD)
    paid = office.bank.pay_pix(txid=first.txid)
    for _ in range(2):
        with pytest.raises(Unavailable) as caught:
            office.offer(NEW)
        assert caught.value.code == "code-paid"
    assert office.states() == ["paid"]
    office.book(first.txid, paid)
    assert office.offered(NEW).txid == office.txid(1)


def test_a_case_with_a_payment_on_its_way_is_not_reported_free_of_codes(office: Office) -> None:
    code = office.offered()
    paid = office.bank.pay_pix(txid=code.txid)
    for _ in range(2):
        with pytest.raises(Unavailable):
            office.remove_all()
    office.book(code.txid, paid)
    assert office.remove_all() == 0


# --- taking back ------------------------------------------------------------------------------------------------------
def test_every_code_of_a_case_is_taken_back_once_and_confirmed(office: Office) -> None:
    for n in range(3):
        office.offer(instalment=n)
    assert office.remove_all() == 3
    assert office.payable() == []
    assert office.states() == ["removed"] * 3
    assert office.remove_all() == 0


@pytest.mark.parametrize("effect", ["accept_then_drop", "accept_then_fail", "fail"])
def test_a_code_that_is_not_confirmed_gone_is_reported_and_the_others_go(office: Office, effect: str) -> None:
    for n in range(3):
        office.offer(instalment=n)
    office.bank.fault(effect, provider="pix", match={"kind": "removal", "txid": office.txid(1)}, times=1)
    with pytest.raises(Unknown):
        office.remove_all()
    assert office.states() == ["removed", "removing", "removed"]
    assert office.remove_all() == 1
    assert office.payable() == []


def test_a_charge_that_may_still_reach_the_bank_is_not_called_gone(office: Office) -> None:
    office.bank.fault("fail", provider="pix", match={"kind": "charge"}, status=500, times=1)
    with pytest.raises(Unknown):
        office.offer()
    with pytest.raises(Unknown) as caught:
        office.remove_all()
    assert caught.value.code == "charge-in-flight"
    office.long_ago(office.txid(0))
    assert office.remove_all() == 1
    assert office.states() == ["removed"]


def test_the_sweep_takes_back_what_no_longer_says_the_truth(office: Office) -> None:
    code = office.offered()
    assert office.debt_changes() == 1
    assert office.debt_changes() == 0
    assert office.states() == ["removing"]
    assert office.payable() == [code.txid]
    assert codes.sweep(office.world, 10) == 1
    assert office.payable() == []
    assert codes.sweep(office.world, 10) == 0


def test_a_sweep_does_no_more_than_its_share(office: Office) -> None:
    for n in range(3):
        office.offer(instalment=n)
    office.debt_changes()
    assert [codes.sweep(office.world, 2) for _ in range(3)] == [2, 1, 0]


def test_what_the_bank_does_not_confirm_stays_for_the_next_sweep(office: Office) -> None:
    for n in range(3):
        office.offer(instalment=n)
    office.debt_changes()
    office.bank.fault("fail", provider="pix", match={"kind": "removal", "txid": office.txid(0)}, status=503)
    assert codes.sweep(office.world, 10) == 0  # the bank is away, it seems
    assert codes.sweep(office.world, 10) == 2  # the one that fails has gone behind the others
    assert office.states() == ["removing", "removed", "removed"]
    office.bank.state.clear_faults()
    assert codes.sweep(office.world, 10) == 1


def test_a_code_that_the_bank_will_not_take_back_does_not_keep_the_others(office: Office) -> None:
    for n in range(2):
        office.offer(instalment=n)
    office.debt_changes()
    office.bank.fault("fail", provider="pix", match={"kind": "removal", "txid": office.txid(0)}, status=400)
    assert codes.sweep(office.world, 10) == 1
    assert office.states() == ["removing", "removed"]


def test_the_sweep_leaves_a_call_that_may_still_be_under_way(office: Office) -> None:
    office.bank.fault("fail", provider="pix", match={"kind": "charge"}, status=500, times=1)
    with pytest.raises(Unknown):
        office.offer()
    office.debt_changes()
    assert codes.sweep(office.world, 10) == 0
    office.long_ago(office.txid(0))
    assert codes.sweep(office.world, 10) == 1


def test_a_code_that_is_over_is_taken_back_too_but_not_while_it_is_still_its_last_day_somewhere(
    office: Office,
) -> None:
    code = office.offered()
    at = datetime.combine(code.valid_until, datetime.min.time(), UTC)
    for hours, gone in ((0, 0), (24 + 5, 0), (48, 1)):
        office.world = replace(office.world, clock=Clock(datetime.now(UTC), at + timedelta(hours=hours), 1))
        assert codes.sweep(office.world, 10) == gone
    assert office.payable() == []


def test_a_code_that_was_paid_before_the_sweep_came_is_paid(office: Office) -> None:
    code = office.offered()
    office.bank.pay_pix(txid=code.txid)
    office.debt_changes()
    assert codes.sweep(office.world, 10) == 0
    assert office.states() == ["paid"]


# --- static -----------------------------------------------------------------------------------------------------------
def test_a_static_code_is_made_without_a_bank_and_only_where_it_is_allowed(office: Office) -> None:
    office.agree(STATIC)
    office.world = replace(office.world, pix={})
    assert office.offer() is None
    code = office.offered(static_ok=True)
    said = decode(code.br_code)
    assert (said.key, said.amount, said.txid, said.city) == (STATIC["key"], OLD, code.txid, "Sao Paulo")
    assert office.offered(static_ok=True) == code
    assert office.offered(NEW, static_ok=True).txid != code.txid
    assert office.states().count("active") == 1
    assert office.remove_all() == 1
    assert office.remove_all() == 0


def test_a_static_code_of_an_older_key_is_shown_no_more(office: Office) -> None:
    office.agree(STATIC)
    first = office.offered(static_ok=True)
    office.agree(STATIC | {"key": "outras.contas@credora.example.com"})
    second = office.offered(static_ok=True)
    assert decode(second.br_code).key == "outras.contas@credora.example.com"
    assert first.txid != second.txid


def test_a_creditor_who_changes_to_charges_at_his_bank_gets_one(office: Office) -> None:
    office.agree(STATIC)
    office.offer(static_ok=True)
    office.agree(API)
    assert decode(office.offered().br_code).kind == "dynamic"
    assert sorted(office.states()) == ["active", "removed"]


def test_a_code_is_payable_on_every_day_that_it_says(office: Office) -> None:
    for days in (1, 3, 30):
        office.agree(API | {"days": days})
        code = office.offered(Decimal(days))
        assert code.valid_until >= TODAY + timedelta(days=days)
        noon = datetime.combine(code.valid_until, datetime.min.time(), BRASILIA) + timedelta(hours=12)
        paid = office.bank.pay_pix(txid=code.txid, at=noon)
        office.put(code.txid, state="paid")
        office.book(code.txid, paid)

"""The daily exchange with the CRA: what leaves, what comes back, and what survives a crash at any line."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine, insert, select, update
from temporalio import activity
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities import protest_answers, protest_batch
from activities.protest_answers import take_in_file, take_in_files
from activities.protest_batch import ProtestBatch, prepare_files
from activities.protest_upload import upload_files
from activities.registry import awaited
from contract.messages import BatchInput, BatchReport
from contract.names import PROTEST_QUEUE
from db.rows import CASE, CRA_FILE, CREDITOR, DEBTOR, DOCUMENT, FACT, LOT_SEQUENCE, ORDER, PAYMENT, TASK, TITLE
from domain import cra
from domain import facts as f
from domain.calendars import add_notary_days, three_day_term
from domain.case import dump
from domain.clock import PRODUCTION
from domain.errors import Misconfigured, Permanent, Unavailable, Unknown
from gateways.cra import Awaited, Receipt, Refusal
from sandbox.notary import Notary
from sandbox.state import Settings, State
from tests.activities.protest_samples import DAY, PRESENTER, STEP, Office, our_numbers
from workflows.protest_batch import ProtestBatchWorkflow

NEXT_DAY = DAY + timedelta(days=1)
REMITTANCE = "B9992311.261"


@pytest.fixture
def office(engine: Engine, tmp_path: Path) -> Office:
    return Office(engine, tmp_path)


def batch(office: Office) -> BatchReport:
    """One run of the three steps."""
    taken, made = take_in_files(office.world), prepare_files(office.world)
    sent = upload_files(office.world)
    return BatchReport(made.prepared, sent.uploaded, taken.taken_in, sent.refused + taken.refused)


def sent(office: Office, *numbers: str) -> list[Any]:
    """Cases whose titles left with today's remittance, and know it."""
    cases = office.queued(*numbers)
    assert batch(office).uploaded == 1
    for case in cases:
        office.decide(case)
    return cases


def confirmed(office: Office, *numbers: str) -> list[Any]:
    """Cases whose titles were protocolled the day after."""
    cases = sent(office, *numbers)
    office.at(NEXT_DAY)
    office.confirm(REMITTANCE, NEXT_DAY)
    assert take_in_files(office.world).taken_in == 1
    for case in cases:
        office.decide(case)
    return cases


def tasks(office: Office, kind: str) -> list[Any]:
    return [task for task in office.rows(TASK) if task.kind == kind]


def states(office: Office) -> list[str]:
    return [row.state for row in office.rows(CRA_FILE)]


class TestWhatIsAwaited:
    """What a CRA is asked for by name."""

    def test_a_remittance_is_asked_for_until_its_confirmation_came_and_days_while_a_title_is_out(
        self, office: Office
    ) -> None:
        assert awaited(office.engine, DAY) == []
        (case,) = sent(office)
        assert awaited(office.engine, NEXT_DAY) == [Awaited("999", DAY, (1,)), Awaited("999", NEXT_DAY)]
        office.at(NEXT_DAY)
        office.confirm(REMITTANCE, NEXT_DAY)
        assert take_in_files(office.world).taken_in == 1
        assert awaited(office.engine, NEXT_DAY) == [Awaited("999", DAY), Awaited("999", NEXT_DAY)]
        with office.engine.begin() as conn:
            conn.execute(update(TITLE).where(TITLE.c.case_id == case).values(state="paid"))
        assert awaited(office.engine, NEXT_DAY) == []


class TestWhatLeaves:
    """Queued orders become files."""

    def test_all_queued_titles_of_a_presenter_leave_in_one_file_and_their_cases_are_told(self, office: Office) -> None:
        cases = office.queued("1001", "1002", "1003")
        assert batch(office) == BatchReport(prepared=1, uploaded=1)
        [(name, file)] = office.cra.sent().items()
        assert name == REMITTANCE
        assert set(our_numbers(file)) == {office.title(case).our_number for case in cases}
        for case in cases:
            assert office.facts(case) == [f.TitleSent(str(office.title(case).id), DAY)]
            assert office.title(case).state == "sent"
            office.decide(case)
            assert office.state(case).protest.state == "sent"
        assert len(office.told) == 3
        [row] = office.rows(CRA_FILE)
        assert (row.state, row.reply_code, row.sequence, row.business_day) == ("accepted", "0000", 1, DAY)
        assert {order.state for order in office.rows(ORDER)} == {"sent"}
        [document] = office.rows(DOCUMENT)
        assert cra.read(office.world.documents.get(document.sha256), name) == file

    def test_a_title_declares_the_balance_that_was_approved(self, office: Office) -> None:
        case = office.case(amount="1000.00")
        office.pay(case, "300.00")
        office.protest(case)
        batch(office)
        [record] = [r for lot in office.cra.sent()[REMITTANCE].lots for r in lot.records]
        assert record.money("valor_titulo") == Decimal("1000.00")
        assert record.money("saldo_titulo") == office.title(case).balance == office.state(case).protest.declared

    def test_nothing_leaves_twice(self, office: Office) -> None:
        sent(office)
        assert batch(office) == BatchReport()
        assert list(office.cra.sent()) == [REMITTANCE]

    @pytest.mark.parametrize("day", [date(2026, 11, 21), date(2026, 11, 20), date(2026, 12, 24)])
    def test_nothing_is_made_on_a_day_that_does_not_count_for_notaries(self, office: Office, day: date) -> None:
        office.queued()
        office.at(day)
        assert batch(office) == BatchReport()

    def test_the_day_of_a_file_is_that_at_the_creditors_place(self, office: Office) -> None:
        office.queued()
        office.at(DAY, hour=23)  # the day after, in UTC
        batch(office)
        assert list(office.cra.sent()) == [REMITTANCE]

    def test_a_case_with_something_unheard_waits_for_the_next_run(self, office: Office) -> None:
        paid, other = office.queued("1001", "1002")
        office.tell(paid, f.PaymentReceived("pix-1", Decimal("1000.00"), DAY), "pay:1")
        batch(office)
        assert our_numbers(office.cra.sent()[REMITTANCE]) == [office.title(other).our_number]
        assert office.title(paid).state == "queued"
        office.decide(paid)
        assert office.title(paid).state == "unqueued"
        assert batch(office) == BatchReport()

    def test_a_part_payment_that_waits_for_its_thanks_stops_the_title_with_the_old_balance(
        self, office: Office
    ) -> None:
        [case] = office.queued()
        office.at(DAY, hour=22)
        office.tell(case, f.PaymentReceived("pix-1", Decimal("400.00"), DAY), "pay:1")
        office.decide(case)  # the thanks wait for the morning
        assert batch(office) == BatchReport()

    def test_a_title_past_the_executive_term_is_not_sent(self, office: Office) -> None:
        [case] = office.queued()
        office.at(date(2029, 11, 26))
        assert batch(office) == BatchReport()
        assert (office.title(case).state, office.cra.sent()) == ("queued", {})

    def test_a_title_whose_data_became_bad_goes_back_to_its_case_and_the_others_leave(self, office: Office) -> None:
        bad = office.case("1001", debtor={"document": "11222333000181"})
        office.protest(bad)
        [good] = office.queued("1002")
        with office.engine.begin() as conn:
            conn.execute(update(DEBTOR).where(DEBTOR.c.document == "11222333000181").values(address="", cep=""))
        batch(office)
        assert our_numbers(office.cra.sent()[REMITTANCE]) == [office.title(good).our_number]
        office.decide(bad)
        assert office.title(bad).state == "unqueued"
        [task] = tasks(office, "complete-title")
        assert (task.case_id, set(task.details)) == (bad, {"street", "cep"})
        assert office.state(bad).protest.state == "incomplete"
        assert batch(office) == BatchReport()

    def test_a_completed_title_leaves_as_a_new_one(self, office: Office) -> None:
        [case] = office.queued()
        office.settings(presenter=PRESENTER | {"agency_account": ""})
        batch(office)
        office.decide(case)
        office.settings()
        [task] = tasks(office, "complete-title")
        office.tell(case, f.TaskDone(str(task.id), "agreement signed"), "done")
        office.decide(case)
        office.tell(case, f.TitleExamined(STEP), "examined")
        office.decide(case)
        approve(office, case)
        office.protest(case)
        assert batch(office).uploaded == 1
        assert [(t.attempt, t.state) for t in sorted(office.rows(TITLE), key=lambda t: t.attempt)] == [
            (1, "unqueued"),
            (2, "sent"),
        ]

    def test_lots_are_numbered_on_for_each_municipality(self, office: Office) -> None:
        rio = {
            "document": "11222333000181", "city": "Rio de Janeiro", "uf": "RJ", "cep": "20040002", "ibge": "3304557",
        }  # fmt: skip
        for number, debtor in (("1001", None), ("1002", rio)):
            office.protest(office.case(number, debtor=debtor))
        batch(office)
        office.queued("1003")
        batch(office)
        lots = [
            (name[-1], lot.header.text("codigo_municipio_praca"), lot.header.whole("sequencial_remessa"))
            for name, file in office.cra.sent().items()
            for lot in file.lots
        ]
        assert lots == [("1", "3304557", 1), ("1", "3550308", 1), ("2", "3550308", 2)]

    def test_the_number_of_a_lot_begins_again_after_the_last_of_six_digits(self, office: Office) -> None:
        with office.engine.begin() as conn:
            conn.execute(insert(LOT_SEQUENCE).values(presenter="999", municipality="3550308", last=999_999))
        office.queued()
        batch(office)
        [lot] = office.cra.sent()[REMITTANCE].lots
        assert lot.header.whole("sequencial_remessa") == 1

    def test_the_tenth_file_of_a_day_waits_for_tomorrow(self, office: Office) -> None:
        for number in range(1001, 1011):
            office.queued(str(number))
            batch(office)
        assert len(office.cra.sent()) == 9
        office.at(NEXT_DAY)
        assert batch(office).uploaded == 1
        assert "B9992411.261" in office.cra.sent()

    def test_a_full_file_is_followed_by_another(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(protest_batch, "TITLES_A_FILE", 2)
        office.queued("1001", "1002", "1003")
        assert batch(office) == BatchReport(prepared=2, uploaded=2)

    def test_two_batches_at_once_send_every_title_once(self, office: Office) -> None:
        office.queued(*map(str, range(1001, 1013)))
        run_at_once(lambda: prepare_files(office.world), lambda: prepare_files(office.world))
        run_at_once(lambda: upload_files(office.world), lambda: upload_files(office.world))
        numbers = [number for file in office.cra.sent().values() for number in our_numbers(file)]
        assert len(numbers) == len(set(numbers)) == 12
        assert set(states(office)) == {"accepted"}

    def test_two_creditors_of_one_presenter_share_its_numbers_of_the_day(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        office.queued("1001")
        first, office.creditor = office.creditor, uuid4()
        with office.engine.begin() as conn:
            row = conn.execute(select(CREDITOR).where(CREDITOR.c.id == first)).one()._asdict()
            other = {"id": office.creditor, "code": "outra", "document": "88777666000107"}
            conn.execute(insert(CREDITOR).values(row | other))
        office.protest(office.case("2001", debtor={"document": "00000000000191"}))
        orders = {office.row(TITLE, order.title_id).creditor_id: order.id for order in office.rows(ORDER)}
        keep = protest_batch.keep_file

        def slowly(*given: Any) -> Any:
            time.sleep(0.2)  # after the number was taken, before the file stands
            return keep(*given)

        monkeypatch.setattr(protest_batch, "keep_file", slowly)
        run_at_once(
            *(
                partial(protest_batch._prepare, office.world, creditor, "present", "", [order], office.world.now())
                for creditor, order in orders.items()
            )
        )
        assert upload_files(office.world).uploaded == 2
        assert sorted(office.cra.sent()) == [REMITTANCE, "B9992311.262"]

    def test_a_cra_that_stays_silent_becomes_a_task_once(self, office: Office) -> None:
        [case] = sent(office, "1001")
        office.at(DAY + timedelta(days=3))
        batch(office)
        assert tasks(office, "chase-cra") == []
        office.at(DAY + timedelta(days=8))
        batch(office)
        batch(office)
        [task] = tasks(office, "chase-cra")
        assert task.details == [f"title {office.title(case).id}"]


class TestHandingOver:
    """What the CRA says to a file, and what is done where it says nothing."""

    @pytest.mark.parametrize("when", ["before", "after"])
    def test_a_call_without_known_outcome_is_made_again_under_the_same_name(self, office: Office, when: str) -> None:
        office.queued()
        office.cra.faults = [(when, Unknown("timeout"))]
        assert batch(office) == BatchReport(prepared=1)
        assert states(office) == ["sending"]
        assert batch(office) == BatchReport(uploaded=1)
        assert office.rows(CRA_FILE)[0].reply_code == ("0000" if when == "before" else "1001")
        assert list(office.cra.sent()) == [REMITTANCE]

    def test_a_call_that_may_have_arrived_is_not_forgotten_while_the_cra_is_away(self, office: Office) -> None:
        [case] = office.queued()
        office.cra.faults = [("after", Unknown("timeout")), ("before", Unavailable("503"))]
        batch(office)
        office.decide(case)
        office.at(NEXT_DAY)
        assert batch(office) == BatchReport()
        assert states(office) == ["sending"]
        assert batch(office) == BatchReport(uploaded=1)
        assert list(office.cra.sent()) == [REMITTANCE]

    def test_a_crash_after_the_file_was_made_loses_nothing(self, office: Office) -> None:
        office.queued()
        prepare_files(office.world)
        assert states(office) == ["prepared"]
        assert not office.cra.sent()
        assert batch(office) == BatchReport(uploaded=1)
        assert list(office.cra.sent()) == [REMITTANCE]

    def test_a_crash_after_the_upload_sends_the_same_file_again_and_no_other(self, office: Office) -> None:
        office.queued()
        prepare_files(office.world)
        office.cra.faults = [("after", KeyboardInterrupt())]  # type: ignore[list-item]
        with pytest.raises(KeyboardInterrupt):
            upload_files(office.world)
        office.at(NEXT_DAY)
        assert batch(office) == BatchReport(uploaded=1)
        assert list(office.cra.sent()) == [REMITTANCE]
        assert office.rows(CRA_FILE)[0].reply_code == "1001"

    def test_a_crash_while_a_file_is_made_leaves_the_queue_as_it_was(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        [case] = office.queued()
        with monkeypatch.context() as broken:
            broken.setattr(protest_batch, "store_facts", crash)
            with pytest.raises(KeyboardInterrupt):
                prepare_files(office.world)
        assert office.title(case).state == "queued"
        assert batch(office) == BatchReport(prepared=1, uploaded=1)
        assert list(office.cra.sent()) == [REMITTANCE]

    def test_a_file_that_the_cra_cannot_take_today_is_made_anew_tomorrow(self, office: Office) -> None:
        [case] = office.queued()
        office.cra.faults = [("before", Unavailable("2139"))]
        assert batch(office) == BatchReport(prepared=1)
        assert states(office) == ["prepared"]
        office.decide(case)
        office.at(NEXT_DAY)
        assert batch(office) == BatchReport(prepared=1, uploaded=1)
        assert list(office.cra.sent()) == ["B9992411.261"]
        assert sorted(states(office)) == ["accepted", "dropped"]
        office.decide(case)
        assert office.state(case).protest.sent_on == NEXT_DAY

    def test_a_title_paid_while_its_file_waited_never_leaves(self, office: Office) -> None:
        paid, other = office.queued("1001", "1002")
        office.cra.faults = [("before", Unavailable("2139"))]
        batch(office)
        for case in (paid, other):
            office.decide(case)
        office.pay(paid, "1000.00")
        assert upload_files(office.world) == BatchReport()  # not even in the same run
        batch(office)
        [(name, file)] = office.cra.sent().items()
        assert (name, our_numbers(file)) == ("B9992311.262", [office.title(other).our_number])
        assert office.title(paid).state == "withdrawn"
        assert office.decide(paid).closes

    def test_a_refused_file_is_a_task_and_its_titles_leave_with_the_next(self, office: Office) -> None:
        [case] = office.queued()
        office.cra.faults = [("before", Permanent("2182"))]
        assert batch(office) == BatchReport(prepared=1, refused=1)
        office.decide(case)
        [task] = tasks(office, "cra-refused-file")
        assert (task.details, task.case_id) == ([f"file {REMITTANCE}", "code 2182"], None)
        assert task.due > DAY
        assert office.title(case).state == "queued"
        assert batch(office) == BatchReport(prepared=1, uploaded=1)
        assert list(office.cra.sent()) == ["B9992311.262"]
        office.decide(case)
        assert office.state(case).protest.state == "sent"

    def test_a_dispute_after_a_refused_file_keeps_the_title_at_home(self, office: Office) -> None:
        [case] = office.queued()
        office.cra.faults = [("before", Permanent("2182"))]
        batch(office)
        office.tell(case, f.DisputeOpened("d1"), "dispute")
        office.decide(case)
        assert batch(office) == BatchReport()

    def test_what_the_cra_left_out_of_a_file_leaves_again(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rio = {
            "document": "11222333000181", "city": "Rio de Janeiro", "uf": "RJ", "cep": "20040002", "ibge": "3304557",
        }  # fmt: skip
        left_out = office.case("1002", debtor=rio)
        office.protest(left_out)
        [taken] = office.queued("1001")
        with monkeypatch.context() as partly:
            receipt = Receipt("0000", "", (Refusal("3304557", "1306", ""),))
            partly.setattr(office.cra, "upload", lambda *_: receipt)
            assert batch(office) == BatchReport(prepared=1, uploaded=1)
        [task] = tasks(office, "cra-refused-file")
        assert "3304557 code 1306" in task.details
        office.decide(left_out)
        assert batch(office) == BatchReport(prepared=1, uploaded=1)
        assert our_numbers(office.cra.sent()["B9992311.262"]) == [office.title(left_out).our_number]
        assert office.title(taken).state == "sent"

    def test_a_wrong_password_is_a_task_and_the_file_stays(self, office: Office) -> None:
        office.queued()
        office.cra.faults = [("before", Misconfigured("0001"))] * 2
        batch(office)
        batch(office)
        assert states(office) == ["prepared"]
        assert len(tasks(office, "cra-no-access")) == 1
        assert batch(office) == BatchReport(uploaded=1)


class TestWithdrawals:
    """A title comes back as long as the notary allows it."""

    def test_a_paid_title_is_withdrawn_by_the_protocol_that_the_notary_gave(self, office: Office) -> None:
        [case] = confirmed(office)
        office.pay(case, "1000.00")
        assert office.title(case).state == "withdrawing"
        assert batch(office) == BatchReport(prepared=1, uploaded=1)
        file = office.cra.sent()["DP9992411.261"]
        [record] = [record for lot in file.lots for record in lot.records]
        assert (record.text("numero_protocolo"), record.text("numero_titulo")) == ("0000000100", "1001")
        office.outcome(REMITTANCE, case, "3", add_notary_days(NEXT_DAY, 1))
        batch(office)
        assert office.title(case).state == "withdrawn"
        assert {order.kind: order.state for order in office.rows(ORDER)} == {
            "present": "answered",
            "withdraw": "answered",
        }
        assert office.decide(case).closes

    def test_a_withdrawal_waits_for_the_protocol_and_leaves_on_the_day_it_comes(self, office: Office) -> None:
        [case] = sent(office)
        office.pay(case, "1000.00")
        assert batch(office) == BatchReport()
        office.at(NEXT_DAY)
        office.confirm(REMITTANCE, NEXT_DAY)
        assert batch(office) == BatchReport(prepared=1, uploaded=1, taken_in=1)
        assert "DP9992411.261" in office.cra.sent()
        assert office.title(case).state == "withdrawing"

    @pytest.mark.parametrize("code", ["B", "A"])
    def test_a_withdrawal_that_came_too_late_of_a_title_paid_before_ends_in_its_cancellation(
        self, office: Office, code: str
    ) -> None:
        [case] = confirmed(office)
        office.pay(case, "1000.00")
        batch(office)
        office.outcome(REMITTANCE, case, code, add_notary_days(NEXT_DAY, 1))
        batch(office)
        office.decide(case)
        assert office.title(case).state == "cancelling"
        assert {order.kind: order.state for order in office.rows(ORDER)} == {
            "present": "answered", "withdraw": "answered", "cancel": "queued",
        }  # fmt: skip
        assert batch(office) == BatchReport(prepared=1, uploaded=1)
        assert "CP9992411.261" in office.cra.sent()
        assert not tasks(office, "sign-consent")

    def test_a_title_paid_on_the_day_of_its_registration_gets_a_letter_of_consent(self, office: Office) -> None:
        [case] = confirmed(office)
        office.pay(case, "1000.00")
        batch(office)
        office.outcome(REMITTANCE, case, "2", NEXT_DAY)
        batch(office)
        office.decide(case)
        assert office.title(case).state == "registered"
        assert len(tasks(office, "sign-consent")) == 1

    @pytest.mark.parametrize("code", ["B", "A"])
    def test_registered_first_and_answered_too_late_afterwards_is_one_protest(self, office: Office, code: str) -> None:
        [case] = confirmed(office)
        office.pay(case, "1000.00")
        batch(office)
        later = add_notary_days(NEXT_DAY, 3)
        office.at(later)
        office.outcome(REMITTANCE, case, "2", later, 1)
        office.outcome(REMITTANCE, case, code, later, 2)
        assert batch(office).taken_in == 2
        assert office.title(case).state == "registered"
        assert [fact.kind for fact in office.facts(case)].count("title_registered") == 1
        office.decide(case)
        assert office.title(case).state == "cancelling"
        batch(office)
        office.outcome(REMITTANCE, case, "A", later + timedelta(days=1), 3)
        batch(office)
        assert office.title(case).state == "cancelled"
        assert office.decide(case).closes

    def test_a_withdrawal_not_sent_yet_is_dropped_when_the_protest_is_registered(self, office: Office) -> None:
        [case] = confirmed(office)
        office.pay(case, "1000.00")
        office.outcome(REMITTANCE, case, "2", NEXT_DAY)
        assert batch(office) == BatchReport(taken_in=1)
        assert [order.state for order in office.rows(ORDER) if order.kind == "withdraw"] == ["superseded"]

    def test_an_undue_protest_is_cancelled_by_our_own_order(self, office: Office) -> None:
        [case] = confirmed(office)
        office.outcome(REMITTANCE, case, "2", NEXT_DAY)
        batch(office)
        office.tell(case, f.DisputeOpened("d"), "dispute")
        office.decide(case)
        office.tell(case, f.DisputeResolved(upheld=True), "upheld")
        office.decide(case)
        assert batch(office) == BatchReport(prepared=1, uploaded=1)
        assert "CP9992411.261" in office.cra.sent()
        office.outcome(REMITTANCE, case, "X", NEXT_DAY, 2)
        batch(office)
        office.decide(case)
        assert office.title(case).state == "registered"
        assert len(tasks(office, "cancel-protest")) == 1
        office.tell(case, f.CancellationAsked("note:1"), "again")
        office.decide(case)
        assert batch(office) == BatchReport(prepared=1, uploaded=1)
        office.outcome(REMITTANCE, case, "A", NEXT_DAY, 3)
        batch(office)
        assert office.title(case).state == "cancelled"

    def test_an_order_that_fits_no_file_does_not_keep_the_others_from_leaving(self, office: Office) -> None:
        bad, good = confirmed(office, "1001", "1002")
        for case in (bad, good):
            office.pay(case, "1000.00", f"pix-{case}")
        with office.engine.begin() as conn:
            conn.execute(update(TITLE).where(TITLE.c.case_id == bad).values(protocol="A123"))
        assert batch(office) == BatchReport(prepared=1, uploaded=1)
        [record] = [record for lot in office.cra.sent()["DP9992411.261"].lots for record in lot.records]
        assert record.text("numero_titulo") == "1002"
        assert len(tasks(office, "cra-refused-file")) == 1


class TestWhatComesBack:
    """Answers become facts, once."""

    def test_a_confirmation_brings_protocol_and_three_day_term(self, office: Office) -> None:
        [case] = confirmed(office)
        title = office.title(case)
        assert (title.state, title.notary_code, title.protocol, title.protocol_date) == (
            "confirmed", "01", "100", NEXT_DAY,
        )  # fmt: skip
        assert title.term_end == three_day_term(NEXT_DAY, "3550308") == office.state(case).protest.term_end
        assert title.costs == Decimal("9.90")
        assert {order.state for order in office.rows(ORDER)} == {"answered"}
        assert office.cra.fetch() == []

    def test_a_returned_title_says_why_and_may_come_again(self, office: Office) -> None:
        [case] = sent(office)
        our = office.title(case).our_number
        office.confirm(REMITTANCE, DAY, **{our: ("06", "14")})
        batch(office)
        office.decide(case)
        assert (office.title(case).state, office.title(case).irregularities) == ("returned", ["06", "14"])
        [task] = tasks(office, "correct-title")
        assert list(task.details) == ["irregularity 06", "irregularity 14"]

    def test_a_returned_title_that_may_not_come_again_ends_the_protest(self, office: Office) -> None:
        [case] = sent(office)
        office.confirm(REMITTANCE, DAY, **{office.title(case).our_number: ("06", "53")})
        batch(office)
        office.decide(case)
        assert office.state(case).protest.word == "impossible"
        assert not tasks(office, "correct-title")

    def test_paid_at_the_notary_closes_the_case_with_thanks(self, office: Office) -> None:
        [case] = confirmed(office)
        office.outcome(REMITTANCE, case, "1", NEXT_DAY)
        batch(office)
        reference = f"cra:{office.title(case).our_number}"
        [payment] = office.rows(PAYMENT)
        assert (payment.reference, payment.amount, payment.case_id) == (reference, Decimal("1000.00"), case)
        assert office.decide(case).action == "contact"
        [paid] = office.state(case).payments
        assert paid.at_notary
        assert len(office.rows(PAYMENT)) == 1

    def test_a_payment_without_an_amount_counts_with_the_declared_balance(self, office: Office) -> None:
        [case] = confirmed(office)
        office.outcome(REMITTANCE, case, "1", NEXT_DAY, amount=Decimal(0))
        batch(office)
        assert office.rows(PAYMENT)[0].amount == Decimal("1000.00")

    @pytest.mark.parametrize(
        ("code", "state", "in_case"),
        [
            ("2", "registered", "registered"),
            ("C", "registered", "registered"),
            ("3", "withdrawn", "withdrawn"),
            ("D", "withdrawn", "withdrawn"),
            ("F", "withdrawn", "withdrawn"),
            ("4", "suspended", "suspended"),
            ("G", "suspended-for-good", "suspended-for-good"),
            ("E", "cancelled", "cancelled"),
        ],
    )
    def test_every_outcome_reaches_title_and_case(self, office: Office, code: str, state: str, in_case: str) -> None:
        [case] = confirmed(office)
        office.outcome(REMITTANCE, case, code, NEXT_DAY)
        batch(office)
        office.decide(case)
        assert (office.title(case).state, office.state(case).protest.state) == (state, in_case)

    def test_a_second_copy_of_the_instrument_changes_nothing(self, office: Office) -> None:
        [case] = confirmed(office)
        facts = office.facts(case)
        office.outcome(REMITTANCE, case, "I", NEXT_DAY)
        assert batch(office).taken_in == 1
        assert (office.facts(case), office.title(case).state) == (facts, "confirmed")
        assert not tasks(office, "cra-unknown-answer")

    @pytest.mark.parametrize("code", ["8", "9"])
    def test_what_only_informs_is_told_and_changes_no_state(self, office: Office, code: str) -> None:
        [case] = confirmed(office)
        office.outcome(REMITTANCE, case, code, NEXT_DAY)
        batch(office)
        assert office.facts(case)[2:] == [f.TitleProgressed(str(office.title(case).id), code, NEXT_DAY)]
        assert (office.title(case).state, office.title(case).progress) == ("confirmed", code)

    def test_a_cheque_at_the_notary_is_money_on_its_way_and_no_payment_yet(self, office: Office) -> None:
        [case] = confirmed(office)
        office.outcome(REMITTANCE, case, "7", NEXT_DAY)
        batch(office)
        office.decide(case)
        assert [fact.kind for fact in office.facts(case)[2:]] == ["title_progress", "clearing"]
        assert office.state(case).clearing
        assert not office.rows(PAYMENT)
        assert not tasks(office, "withdraw-or-keep")

    def test_a_progress_file_says_that_the_debtor_was_notified_and_what_it_costs(self, office: Office) -> None:
        [case] = confirmed(office)
        progress(office, case, "AC", 1)
        progress(office, case, "AG", 2, costs=Decimal("31.40"))
        office.decide(case)
        assert (office.title(case).state, office.title(case).progress) == ("notified", "AG")
        protest = office.state(case).protest
        assert (protest.state, protest.costs) == ("notified", Decimal("31.40"))
        assert [fact.code for fact in office.facts(case)[2:] if isinstance(fact, f.TitleProgressed)] == ["AC", "AG"]

    def test_progress_that_was_told_before_or_comes_after_the_end_is_known(self, office: Office) -> None:
        [case] = confirmed(office)
        progress(office, case, "AG", 1)
        progress(office, case, "AG", 2)
        office.outcome(REMITTANCE, case, "2", NEXT_DAY)
        batch(office)
        progress(office, case, "AF", 3)
        assert [fact.kind for fact in office.facts(case)[2:]] == ["title_progress", "title_registered"]
        assert not tasks(office, "cra-unknown-answer")

    def test_progress_that_no_table_knows_becomes_a_task(self, office: Office) -> None:
        [case] = confirmed(office)
        progress(office, case, "ZZ", 1)
        [task] = tasks(office, "cra-unknown-answer")
        assert task.details[1].endswith("code ZZ")

    def test_a_suspended_title_whose_order_is_revoked_goes_on(self, office: Office) -> None:
        [case] = confirmed(office)
        office.outcome(REMITTANCE, case, "4", NEXT_DAY)
        batch(office)
        office.decide(case)
        assert office.decide(case).not_before is None or office.state(case).protest.state == "suspended"
        progress(office, case, "AG", 1)
        office.decide(case)
        assert office.state(case).protest.state == office.title(case).state == "notified"
        assert not [t for t in tasks(office, "court-suspended-protest") if t.done_at is None]

    def test_what_the_notary_adds_to_a_payment_are_costs_and_no_money_of_the_debtor(self, office: Office) -> None:
        [case] = confirmed(office)
        office.outcome(REMITTANCE, case, "1", NEXT_DAY, amount=Decimal("1042.50"))
        batch(office)
        office.decide(case)
        [payment] = [fact for fact in office.facts(case) if isinstance(fact, f.PaymentReceived)]
        assert (payment.amount, payment.costs) == (Decimal("1000.00"), Decimal("42.50"))
        assert not tasks(office, "refund")

    def test_money_that_the_notary_does_not_pass_on_becomes_a_task_once(self, office: Office) -> None:
        [case] = confirmed(office)
        office.outcome(REMITTANCE, case, "1", NEXT_DAY)
        batch(office)
        office.at(NEXT_DAY + timedelta(days=2))
        batch(office)
        assert not tasks(office, "notary-money")
        office.at(NEXT_DAY + timedelta(days=7))
        batch(office)
        batch(office)
        [task] = tasks(office, "notary-money")
        assert f"title {office.title(case).id}" in task.details

    def test_the_same_file_twice_counts_once(self, office: Office) -> None:
        [case] = confirmed(office)
        name, content = cra.write(office.outcome_file(REMITTANCE, case, "1", NEXT_DAY))
        first = take_in_file(office.world, name, content)
        assert (first.state, first.answers, len(first.facts)) == ("taken-in", 1, 1)
        second = take_in_file(office.world, name, content)
        assert (second.state, second.facts) == ("known", ())
        assert len(office.rows(PAYMENT)) == 1

    def test_the_same_payment_in_two_files_counts_once(self, office: Office) -> None:
        [case] = confirmed(office)
        office.outcome(REMITTANCE, case, "1", NEXT_DAY, 1)
        office.outcome(REMITTANCE, case, "1", NEXT_DAY, 2)
        batch(office)
        office.decide(case)
        assert len(office.state(case).payments) == len(office.rows(PAYMENT)) == 1

    def test_a_crash_between_taking_in_and_acknowledging_counts_nothing_twice(self, office: Office) -> None:
        [case] = confirmed(office)
        office.outcome(REMITTANCE, case, "1", NEXT_DAY)
        office.cra.faults = [("done", KeyboardInterrupt())]  # type: ignore[list-item]
        with pytest.raises(KeyboardInterrupt):
            take_in_files(office.world)
        facts = office.facts(case)
        assert take_in_files(office.world) == BatchReport()
        assert office.facts(case) == facts
        assert office.cra.fetch() == []

    def test_a_crash_between_storing_and_taking_in_is_made_good(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        [case] = confirmed(office)
        facts = office.facts(case)
        name = office.outcome(REMITTANCE, case, "1", NEXT_DAY)
        with monkeypatch.context() as broken:
            broken.setattr(protest_answers, "store_facts", crash)
            with pytest.raises(KeyboardInterrupt):
                take_in_files(office.world)
        assert office.facts(case) == facts
        assert [row.state for row in office.rows(CRA_FILE) if row.name == name] == ["received"]
        assert take_in_files(office.world).taken_in == 1
        assert len(office.facts(case)) == len(facts) + 1

    def test_a_file_cut_short_is_refused_whole_and_taken_in_when_it_comes_whole(self, office: Office) -> None:
        [case] = confirmed(office)
        facts = office.facts(case)
        name, content = cra.write(office.outcome_file(REMITTANCE, case, "1", NEXT_DAY))
        (office.cra.inbox / name).write_bytes(content[:900])
        assert take_in_files(office.world) == BatchReport(refused=1)
        assert take_in_files(office.world) == BatchReport(refused=1)
        assert office.facts(case) == facts
        [task] = tasks(office, "cra-unreadable-file")
        assert task.details[0] == f"file {name}"
        (office.cra.inbox / name).write_bytes(content)
        assert take_in_files(office.world) == BatchReport(taken_in=1)
        assert len(office.facts(case)) == len(facts) + 1
        assert office.cra.fetch() == []

    def test_other_content_under_a_known_name_is_refused_and_kept_for_a_person(self, office: Office) -> None:
        [case] = confirmed(office)
        name, content = cra.write(office.outcome_file(REMITTANCE, case, "9", NEXT_DAY))
        take_in_file(office.world, name, content)
        _, other = cra.write(office.outcome_file(REMITTANCE, case, "1", NEXT_DAY))
        refused = take_in_file(office.world, name, other)
        assert refused.state == "refused"
        assert refused.faults
        assert office.rows(PAYMENT) == []
        assert office.title(case).state == "confirmed"
        assert len(tasks(office, "cra-unreadable-file")) == 1
        kept = [row.sha256 for row in office.rows(DOCUMENT) if row.name == name]
        assert {office.world.documents.get(digest) for digest in kept} == {content, other}

    def test_a_file_of_another_kind_or_name_is_refused_with_a_reason(self, office: Office) -> None:
        sent(office)
        content = (office.cra.out / REMITTANCE).read_bytes()
        for name in (REMITTANCE, "retorno.txt"):
            refused = take_in_file(office.world, name, content)
            assert (refused.state, len(refused.faults)) == ("refused", 1)
        assert len(tasks(office, "cra-unreadable-file")) == 2

    def test_answers_that_nobody_understands_become_one_task_and_the_rest_counts(self, office: Office) -> None:
        ours, lost = confirmed(office, "1001", "1002")
        file = cra.returns(
            [office.cra.sent()[REMITTANCE]],
            [outcome(office, ours, "2"), outcome(office, lost, "Q")],
            NEXT_DAY, 1,
        )  # fmt: skip
        with office.engine.begin() as conn:
            conn.execute(update(TITLE).where(TITLE.c.case_id == lost).values(our_number="SOMEBODYELSES"))
        office.cra.put(file)
        assert batch(office).taken_in == 1
        assert office.title(ours).state == "registered"
        [task] = tasks(office, "cra-unknown-answer")
        assert task.details[0] == f"file {file.name}"
        assert len(task.details) == 2
        assert "record " in task.details[1]

    def test_an_unknown_code_becomes_a_task(self, office: Office) -> None:
        [case] = confirmed(office)
        office.outcome(REMITTANCE, case, "Q", NEXT_DAY)
        batch(office)
        [task] = tasks(office, "cra-unknown-answer")
        assert task.details[1].endswith("code Q")
        assert office.title(case).state == "confirmed"

    def test_an_answer_that_contradicts_how_the_title_ended_becomes_a_task(self, office: Office) -> None:
        [case] = confirmed(office)
        office.outcome(REMITTANCE, case, "3", NEXT_DAY, 1)
        office.outcome(REMITTANCE, case, "2", NEXT_DAY, 2)
        batch(office)
        assert office.title(case).state == "withdrawn"
        assert len(tasks(office, "cra-unknown-answer")) == 1

    @pytest.mark.parametrize("before", ["2", "3"])
    def test_money_counts_whatever_was_said_of_the_title_before(self, office: Office, before: str) -> None:
        [case] = confirmed(office)
        office.outcome(REMITTANCE, case, before, NEXT_DAY, 1)
        office.outcome(REMITTANCE, case, "1", NEXT_DAY, 2)
        batch(office)
        assert len(office.rows(PAYMENT)) == 1
        office.decide(case)
        assert len(office.state(case).payments) == 1

    def test_a_confirmation_that_comes_after_the_outcome_changes_nothing(self, office: Office) -> None:
        [case] = sent(office)
        office.at(NEXT_DAY)
        office.outcome(REMITTANCE, case, "1", NEXT_DAY)
        batch(office)
        office.confirm(REMITTANCE, NEXT_DAY)
        batch(office)
        assert office.title(case).state == "paid"
        assert not tasks(office, "cra-unknown-answer")

    @pytest.mark.parametrize("error", [Unavailable("503"), Unknown("timeout")])
    def test_a_cra_that_is_away_keeps_nothing_from_leaving(self, office: Office, error: Exception) -> None:
        office.queued()
        office.cra.fetch = raising(error)  # type: ignore[method-assign]
        assert batch(office) == BatchReport(prepared=1, uploaded=1)

    def test_a_cra_that_does_not_know_us_is_a_task_once_a_day(self, office: Office) -> None:
        office.cra.fetch = raising(Misconfigured("0001"))  # type: ignore[method-assign]
        batch(office)
        batch(office)
        assert len(tasks(office, "cra-no-access")) == 1


def test_no_task_and_no_fact_carries_personal_data(office: Office) -> None:
    [case] = confirmed(office)
    name, content = cra.write(office.outcome_file(REMITTANCE, case, "1", NEXT_DAY))
    take_in_file(office.world, name, content.replace(b"01", b"DEVEDORA UM"))
    with office.engine.connect() as conn:
        written = [*conn.execute(select(TASK.c.details)).scalars(), *conn.execute(select(FACT.c.body)).scalars()]
    assert written
    for text in ("Devedora", "DEVEDORA", "33444555000181", "Exemplo"):
        assert text not in str(written)


def test_two_titles_live_through_the_office_of_the_sandbox(office: Office, tmp_path: Path) -> None:
    """One is protested, one is paid to the creditor within the term and comes back."""
    state = State(Settings(tmp_path / "sandbox", cra_folder=office.cra.out.parent))
    notary = Notary(state, lambda: office.world.now())
    protested, paid = office.queued("1001", "1002")
    for day in (DAY + timedelta(days=n) for n in range(12)):
        office.at(day, hour=9)
        notary.work()
        batch(office)
        notary.work()
        for case in (protested, paid):
            office.decide(case)
        if office.title(paid).state == "confirmed":
            office.pay(paid, "1000.00")
    state.close()
    assert [office.title(case).state for case in (protested, paid)] == ["registered", "withdrawn"]
    assert office.state(protested).protest.word == "registered"
    assert office.row(CASE, paid).outcome == "paid"
    assert not [task for task in office.rows(TASK) if task.kind.startswith("cra-")]
    assert {order.state for order in office.rows(ORDER)} == {"answered"}


class TestTheRun:
    """What Temporal starts once per business day."""

    @pytest.mark.asyncio(loop_scope="session")
    async def test_what_came_back_is_taken_in_before_anything_leaves(
        self, office: Office, env: WorkflowEnvironment
    ) -> None:
        [paid] = sent(office, "1001")
        office.pay(paid, "1000.00")
        office.queued("1002")
        office.at(NEXT_DAY)
        office.confirm(REMITTANCE, NEXT_DAY)
        assert await run(env, ProtestBatch(office.world).activities) == BatchReport(2, 2, 1, 0)
        assert sorted(office.cra.sent()) == [REMITTANCE, "B9992411.261", "DP9992411.261"]

    @pytest.mark.asyncio(loop_scope="session")
    async def test_a_step_that_fails_does_not_keep_the_others_from_their_work(
        self, office: Office, env: WorkflowEnvironment
    ) -> None:
        @activity.defn(name="take_in_files")
        def broken() -> BatchReport:
            raise ApplicationError("", type="Broken", non_retryable=True)

        office.queued()
        with pytest.raises(WorkflowFailureError):
            await run(env, [broken, *ProtestBatch(office.world).activities[1:]])
        assert list(office.cra.sent()) == [REMITTANCE]


# --- helpers ---------------------------------------------------------------------------------------------------------
def outcome(office: Office, case: Any, code: str) -> cra.Outcome:
    title = office.title(case)
    return cra.Outcome(
        title.our_number, "01", title.protocol, title.protocol_date, code, NEXT_DAY, (), title.balance, Decimal(0)
    )


def progress(office: Office, case: Any, code: str, sequence: int, costs: Decimal = Decimal(0)) -> None:
    """A progress file with one event of a title, taken in."""
    title = office.title(case)
    event = cra.ProgressEvent(title.our_number, "01", "100", NEXT_DAY, code, NEXT_DAY, None, costs)
    office.cra.put(cra.progress([office.cra.sent()[REMITTANCE]], [event], NEXT_DAY, sequence))
    assert batch(office).taken_in == 1


def approve(office: Office, case_id: Any) -> None:
    """Give the approval that the case waits for, as its rows would."""
    case = office.state(case_id)
    assert case.approval is not None
    case.approval.state = "given"
    with office.engine.begin() as conn:
        conn.execute(update(CASE).where(CASE.c.id == case_id).values(state=dump(case)))


def crash(*_: object) -> None:
    raise KeyboardInterrupt


def raising(error: Exception) -> Callable[[], Any]:
    def call() -> None:
        raise error

    return call


async def run(env: WorkflowEnvironment, activities: Sequence[Callable[..., Any]]) -> BatchReport:
    """One run of the workflow on a real server."""
    queue = f"batch-{uuid4()}"
    with ThreadPoolExecutor(2) as threads:
        deciding = Worker(env.client, task_queue=queue, workflows=[ProtestBatchWorkflow], build_id="test")
        doing = Worker(
            env.client, task_queue=PROTEST_QUEUE, activities=activities, activity_executor=threads, build_id="test"
        )
        async with deciding, doing:
            return await env.client.execute_workflow(
                ProtestBatchWorkflow.run, BatchInput(PRODUCTION), id=queue, task_queue=queue
            )


def run_at_once(*calls: Callable[[], object]) -> None:
    """Run in threads that begin together; raises what any of them raised."""
    barrier, failed = threading.Barrier(len(calls)), []

    def run(call: Callable[[], object]) -> None:
        barrier.wait()
        try:
            call()
        except Exception as error:  # noqa: BLE001
            failed.append(error)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []

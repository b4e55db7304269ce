"""A title goes into the queue only when nothing is missing, once, and on today's facts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Engine

from activities.protest import Protests, our_number
from contract.messages import Perform
from db.rows import CASE, ORDER, TASK, TITLE
from domain import facts as f
from domain.decide import Action
from tests.activities.protest_samples import DAY, PRESENTER, STEP, Office


@pytest.fixture
def office(engine: Engine, tmp_path: Path) -> Office:
    return Office(engine, tmp_path)


def test_a_complete_title_waits_for_the_next_remittance(office: Office) -> None:
    case = office.case(amount="1234.56")
    following = office.protest(case)
    assert (following.action, following.reason) == ("wait", "waits for the next remittance")
    title = office.title(case)
    assert (title.state, title.amount, title.balance, title.attempt) == (
        "queued", Decimal("1234.56"), Decimal("1234.56"), 1,
    )  # fmt: skip
    assert title.municipality == "3550308"
    assert title.our_number == our_number(title.id)
    [order] = office.rows(ORDER)
    assert (order.title_id, order.kind, order.state) == (title.id, "present", "queued")
    assert office.state(case).protest.title_id == str(title.id)


def test_our_numbers_are_fifteen_capitals_and_digits_that_follow_from_the_title(office: Office) -> None:
    office.queued("1001", "1002", "1003")
    numbers = {title.our_number for title in office.rows(TITLE)}
    assert len(numbers) == 3
    assert all(len(n) == 15 and n.isalnum() and n.isupper() and n.isascii() for n in numbers)


def test_the_same_instruction_done_again_after_a_crash_queues_no_second_title(office: Office) -> None:
    case = office.case()
    given = Perform(str(case), 1, 1, datetime.now(UTC), Action.PROTEST, STEP, 1)
    first = Protests(office.world).protest(given)
    assert Protests(office.world).protest(given) == first
    assert len(office.rows(TITLE)) == len(office.rows(ORDER)) == 1


def test_a_part_payment_counted_before_is_not_declared_to_the_notary(office: Office) -> None:
    case = office.case(amount="1000.00")
    office.pay(case, "400.00")
    office.protest(case)
    title = office.title(case)
    assert (title.amount, title.balance) == (Decimal("1000.00"), office.state(case).face())
    assert title.balance < title.amount


def test_a_payment_stored_a_second_before_stops_the_protest(office: Office) -> None:
    case = office.case()
    office.tell(case, f.PaymentReceived("pix-1", Decimal("1000.00"), DAY), "pay:1")
    following = office.protest(case)
    assert following.action == "contact"  # the thanks
    assert office.rows(TITLE) == []


@pytest.mark.parametrize("fact", [f.DisputeOpened("d1"), f.HoldSet("court"), f.Paused(DAY, DAY + timedelta(days=5))])
def test_what_holds_the_case_keeps_its_title_out_of_the_queue(office: Office, fact: f.Told) -> None:
    case = office.case()
    office.tell(case, fact, "hold")
    office.protest(case)
    assert office.rows(TITLE) == []


def test_no_title_is_queued_before_the_deadline_of_the_notice_whoever_asks(office: Office) -> None:
    case = office.case()
    office.at(DAY - timedelta(days=30))
    assert office.protest(case).action == "wait"
    assert office.rows(TITLE) == []


def test_a_title_without_street_and_with_letters_in_its_cnpj_becomes_a_task_that_says_so(office: Office) -> None:
    case = office.case(debtor={"address": "", "document": "12ABC34501DE35"})
    following = office.protest(case)
    assert following.action == "wait"
    assert office.rows(TITLE) == []
    [task] = office.rows(TASK)
    assert (task.kind, task.case_id) == ("complete-title", case)
    assert set(task.details) == {"street", "document-letters"}
    assert task.due > DAY


def test_a_creditor_whose_agreement_with_the_cra_is_not_whole_presents_nothing(office: Office) -> None:
    office.settings(presenter=PRESENTER | {"agency_account": ""})
    office.protest(office.case())
    [task] = office.rows(TASK)
    assert "presenter" in task.details


def test_a_completed_title_is_approved_and_presented_anew(office: Office) -> None:
    case = office.case(debtor={"address": ""})
    office.protest(case)
    [task] = office.rows(TASK)
    office.tell(case, f.TaskDone(str(task.id), "corrected"), "done")
    assert office.decide(case).action == "examine"
    assert office.decide(case).reason.startswith("waits for a person")
    [again] = [task for task in office.rows(TASK) if task.done_at is None]
    assert (again.kind, again.details) == ("complete-title", ["street"]), "the word alone supplies nothing"
    office.correct_address(case)
    office.tell(case, f.ContactDataChanged("letter"), "corrected")
    assert office.decide(case).action == "examine"
    assert office.decide(case).reason == "awaits approval"
    assert office.state(case).protest.state == "none"
    assert office.row(CASE, case).stage == "notice"

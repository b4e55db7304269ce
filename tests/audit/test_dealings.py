"""Tasks, plans, payment codes and replies: whoever changes a row, or the entry, makes the two contradict each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from hmac import new as keyed
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4, uuid5

import pytest

from activities.saying import PROPOSAL
from audit.compare import payments
from audit.dealings import codes, plans, promises, replies
from audit.findings import Finding
from audit.people import tasks
from domain import facts as f
from domain.plans import Proposal

AT = datetime(2026, 3, 20, 15, tzinfo=UTC)
SALT = "sal"
PLAN_ID, TASK_ID, MESSAGE_ID, DEED = (str(uuid4()) for _ in range(4))
PARTS = (f.Instalment(0, date(2026, 3, 25), Decimal("400.00")), f.Instalment(1, date(2026, 4, 27), Decimal("600.00")))
TERMS = Proposal(
    "entrada-e-1x", date(2026, 3, 20), date(2026, 3, 25), Decimal("1000.00"), Decimal(0), PARTS, None, Decimal(0)
)  # fmt: skip


class Shelf:
    """A case as the audit reads it: the facts of its ledger, and rows that may be changed."""

    def __init__(self, *facts: f.Fact, actor: str = "debtor") -> None:
        self.name, self.salt, self.id = "caso", SALT, UUID(int=1)
        self.ledger = [
            SimpleNamespace(seq=n, kind=fact.kind, body=f.to_json(fact), cause=f"fact:{n}", actor=actor, business_at=AT)
            for n, fact in enumerate(facts, 1)
        ]
        self.row = SimpleNamespace(state={})
        self.facts: dict[str, Any] = {}
        self.contacts: list[Any] = []
        self.documents = [SimpleNamespace(id=UUID(DEED))]
        self.tasks: dict[str, Any] = {}
        self.promises: dict[str, Any] = {}
        self.plans: dict[str, Any] = {}
        self.codes: dict[str, Any] = {}
        self.payments: dict[str, Any] = {}
        self.replies: dict[str, Any] = {}

    def of_kind(self, *kinds: str) -> list[Any]:
        return [entry for entry in self.ledger if entry.kind in kinds]

    def finding(self, area: Any, text: str, entry: int | None = None) -> Finding:
        return Finding(self.name, area, text, entry)


def found(check: Any, shelf: Shelf) -> list[tuple[str, int | None]]:
    findings: Iterator[Finding] = check(shelf)
    return [(finding.area, finding.entry) for finding in findings]


# --- tasks -----------------------------------------------------------------------------------------------------------
def with_task() -> Shelf:
    opened = f.TaskOpened(TASK_ID, "answer-debtor", "", "clerk", date(2026, 3, 23), True, ("message x",))
    shelf = Shelf(opened, f.TaskDone(TASK_ID, "answered"), actor="ana")
    shelf.tasks[TASK_ID] = SimpleNamespace(
        id=UUID(TASK_ID), kind="answer-debtor", step="", owner="clerk", due=date(2026, 3, 23), details=["message x"],
        outcome="answered", done_by="ana", done_at=AT,
    )  # fmt: skip
    return shelf


def test_a_task_as_the_ledger_tells_it_is_clean() -> None:
    assert found(tasks, with_task()) == []


@pytest.mark.parametrize("change", [{"owner": "manager"}, {"due": date(2027, 1, 1)}, {"kind": "refund"}])
def test_a_task_that_is_not_the_one_that_was_opened_is_found(change: dict[str, Any]) -> None:
    shelf = with_task()
    vars(shelf.tasks[TASK_ID]).update(change)
    assert found(tasks, shelf) == [("task", 1)]


@pytest.mark.parametrize("change", [{"outcome": "ignored"}, {"done_by": "bia"}, {"done_at": None}])
def test_a_task_that_was_finished_otherwise_is_found(change: dict[str, Any]) -> None:
    shelf = with_task()
    vars(shelf.tasks[TASK_ID]).update(change)
    assert found(tasks, shelf) == [("task", 2)]


def test_a_task_that_is_gone_is_found() -> None:
    shelf = with_task()
    shelf.tasks.clear()
    assert found(tasks, shelf) == [("task", 1), ("task", 2)]


def test_a_task_that_somebody_finished_without_the_ledger_is_found() -> None:
    shelf = with_task()
    shelf.ledger.pop()
    assert found(tasks, shelf) == [("task", None)]


# --- promises --------------------------------------------------------------------------------------------------------
def with_promise(*more: f.Fact, state: str = "open") -> Shelf:
    shelf = Shelf(f.PromiseMade("p1", date(2026, 3, 25), Decimal("10.00")), *more)
    key = uuid5(shelf.id, "promise:fact:1")
    shelf.promises[str(key)] = SimpleNamespace(id=key, on=date(2026, 3, 25), amount=Decimal("10.00"), state=state)
    return shelf


def test_a_promise_as_the_ledger_tells_it_is_clean() -> None:
    assert found(promises, with_promise()) == []
    assert found(promises, with_promise(f.PromiseKept("p1"), state="kept")) == []
    assert found(promises, with_promise(f.Closed("paid", Decimal(0)), state="kept")) == []
    assert found(promises, with_promise(f.Closed("void", Decimal(0)), state="void")) == []


@pytest.mark.parametrize("change", [{"amount": None}, {"on": date(2026, 4, 25)}, {"state": "kept"}])
def test_a_promise_that_differs_from_the_ledger_is_found(change: dict[str, Any]) -> None:
    shelf = with_promise()
    vars(next(iter(shelf.promises.values()))).update(change)
    assert found(promises, shelf) == [("promise", 1)]


# --- plans -----------------------------------------------------------------------------------------------------------
def with_plan(*more: f.Fact) -> Shelf:
    agreed = f.PlanAgreed(PLAN_ID, PARTS, TERMS.offer, "reply", "aa", DEED)
    shelf = Shelf(f.PlanOffered(PLAN_ID, TERMS.valid_until), agreed, *more)
    shelf.plans[PLAN_ID] = SimpleNamespace(
        id=UUID(PLAN_ID), state="agreed", terms=PROPOSAL.dump_python(TERMS, mode="json"), total=Decimal("1000.00"),
        text_hash="aa", document_id=UUID(DEED), accepted_how="reply",
    )  # fmt: skip
    return shelf


def test_a_plan_as_it_was_accepted_is_clean() -> None:
    assert found(plans, with_plan()) == []


def other_parts() -> dict[str, Any]:
    return PROPOSAL.dump_python(replace(TERMS, instalments=PARTS[:1]), mode="json")  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "change",
    [{"terms": other_parts()}, {"total": Decimal("900.00")}, {"text_hash": "bb"}, {"accepted_how": "staff"}],
    ids=["instalments", "total", "text", "way"],
)
def test_a_plan_that_is_not_what_was_accepted_is_found(change: dict[str, Any]) -> None:
    shelf = with_plan()
    vars(shelf.plans[PLAN_ID]).update(change)
    assert found(plans, shelf) == [("plan", 2)]


def test_an_offer_with_another_last_day_is_found() -> None:
    shelf = with_plan()
    shelf.ledger[0].body["until"] = "2026-12-31"
    assert found(plans, shelf) == [("plan", 1)]


def test_a_deed_that_is_gone_is_found() -> None:
    shelf = with_plan()
    shelf.documents.clear()
    assert found(plans, shelf) == [("plan", 2)]


@pytest.mark.parametrize(
    ("then", "state"),
    [
        (f.PlanBroken(PLAN_ID, date(2026, 4, 1)), "broken"),
        (f.PlanEnded(PLAN_ID), "ended"),
        (f.PlanCompleted(PLAN_ID, Decimal(0)), "completed"),
        (f.Closed("paid", Decimal(0)), "completed"),
        (f.Closed("void", Decimal(0)), "void"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_became_of_a_plan_stands_in_both(then: f.Fact, state: str) -> None:
    shelf = with_plan(then)
    assert found(plans, shelf) == [("plan", 3)]  # the row still says agreed
    shelf.plans[PLAN_ID].state = state
    assert found(plans, shelf) == []


def test_a_plan_that_nobody_accepted_in_the_ledger_is_found() -> None:
    shelf = with_plan()
    shelf.ledger.clear()
    assert found(plans, shelf) == [("plan", None)]
    shelf.plans[PLAN_ID].state = "offered"  # as a message of the ladder offers it
    assert found(plans, shelf) == []


# --- payment codes ---------------------------------------------------------------------------------------------------
def with_code() -> Shelf:
    shelf = Shelf(f.PaymentReceived("E1", Decimal("10.00"), date(2026, 3, 20), "pix", quoted_on=date(2026, 3, 18)))
    shelf.payments["E1"] = SimpleNamespace(reference="E1", txid="tx1")
    shelf.codes["tx1"] = SimpleNamespace(txid="tx1", state="paid", quoted_on=date(2026, 3, 18))
    return shelf


def test_a_code_that_was_paid_is_clean() -> None:
    assert found(codes, with_code()) == []


@pytest.mark.parametrize("change", [{"state": "removed"}, {"quoted_on": date(2026, 1, 1)}])
def test_a_code_that_differs_from_its_payment_is_found(change: dict[str, Any]) -> None:
    shelf = with_code()
    vars(shelf.codes["tx1"]).update(change)
    assert found(codes, shelf) == [("code", 1)]


def test_a_paid_code_without_its_payment_is_found() -> None:
    shelf = with_code()
    shelf.ledger.clear()
    shelf.payments.clear()
    assert found(codes, shelf) == [("code", None)]


def test_a_cheque_that_bounced_in_clearing_and_was_presented_again_is_clean() -> None:
    day = date(2026, 3, 20)
    shelf = Shelf(
        f.PaymentInClearing("cheque-1", Decimal("10.00"), day),
        f.PaymentReversed("cheque-1", day),
        f.PaymentReceived("cheque-1", Decimal("10.00"), day, "cheque"),
    )
    shelf.payments["cheque-1"] = SimpleNamespace(
        reference="cheque-1", amount=Decimal("10.00"), paid_on=day, case_id=shelf.id, reversed_on=None
    )
    assert found(payments, shelf) == []
    vars(shelf.payments["cheque-1"]).update(amount=Decimal("9.00"))
    assert found(payments, shelf) == [("payment", 3)]


# --- replies ---------------------------------------------------------------------------------------------------------
def hmac_of(subject: str, body: str) -> str:
    return keyed(SALT.encode(), f"{subject}\n{body}".encode(), sha256).hexdigest()


def with_reply() -> Shelf:
    mac = hmac_of("Re: ref", "Já paguei")
    shelf = Shelf(f.ReplyReceived(MESSAGE_ID, "email", ("already-paid",), mac))
    shelf.replies[MESSAGE_ID] = SimpleNamespace(
        id=UUID(MESSAGE_ID), channel="email", meaning=["already-paid"], subject="Re: ref", body="Já paguei",
        content_hmac=mac,
    )  # fmt: skip
    return shelf


def test_a_reply_as_it_came_in_is_clean_also_when_its_words_were_erased() -> None:
    shelf = with_reply()
    assert found(replies, shelf) == []
    vars(shelf.replies[MESSAGE_ID]).update(subject="", body="")
    assert found(replies, shelf) == []


@pytest.mark.parametrize(
    "change",
    [
        {"body": "Não paguei"},
        {"meaning": ["promise"]},
        {"channel": "sms"},
        {"content_hmac": hmac_of("", "outra"), "body": "outra", "subject": ""},
    ],
    ids=["words", "meaning", "channel", "both words and hash"],
)
def test_a_reply_that_was_changed_is_found(change: dict[str, Any]) -> None:
    shelf = with_reply()
    vars(shelf.replies[MESSAGE_ID]).update(change)
    assert found(replies, shelf) == [("reply", 1)]


def test_a_reply_that_is_gone_is_found_and_one_in_a_call_is_none() -> None:
    shelf = with_reply()
    shelf.replies.clear()
    assert found(replies, shelf) == [("reply", 1)]
    shelf.ledger[0].body["channel"] = "voice"
    shelf.contacts = [SimpleNamespace(id=UUID(MESSAGE_ID), channel="voice")]
    assert found(replies, shelf) == []

"""Kinds of life that no other story lives to its end here: each is lived on the real server, and kept for replay."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from conftest import keep
from people import ladder, new_staff, pin, short_ladder
from sqlalchemy import insert
from temporalio import activity
from temporalio.api.common.v1 import Payload, Payloads, WorkflowExecution
from temporalio.api.workflowservice.v1 import SignalWorkflowExecutionRequest
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker
from test_firm_gate import deliver, has_task, task
from test_firm_life import at_the_notary, notice, until_notice, until_queued

from activities.saying import PROPOSAL
from contract.messages import BatchInput, BatchReport, Errand, EvidenceReport, ScanReport
from contract.names import CASES_QUEUE, PROTEST_QUEUE
from db.rows import PLAN
from domain import facts as f
from domain.clock import PRODUCTION
from domain.errors import Permanent, Unavailable
from domain.plans import propose
from domain.policy import Offer, PlanRules
from domain.policy_file import parse_policy
from workflows import options
from workflows.nightly import ErrandWorkflow, IntakeWorkflow, SweepWorkflow
from workflows.protest_batch import ProtestBatchWorkflow

pytestmark = pytest.mark.asyncio(loop_scope="session")

LADDER = """
  - {id: um, at: due + 3d, do: contact, by: [email], text: atraso-cordial}
  - {id: dois, at: due + 12d, do: contact, by: [email], text: atraso-firme}
"""
AGENCY = parse_policy(
    """\
policy: agencia
title: Régua com assessoria
contact: {hours: {mon-fri: "09:00-18:00"}, per_day: 1, per_week: 3}
steps:
  - {id: um, at: due + 3d, do: contact, by: [email], text: atraso-cordial}
  - {id: assessoria, at: due + 10d, do: agency, within: 2bd}
""",
    "agencia.yaml",
)


async def reminded(office: Any, **how: Any) -> Any:
    """A case whose first reminder went out."""
    life = await office.open(short_ladder(LADDER), due_in=-1, **how)
    await life.until(lambda _: "contact_sent" in life.book())
    return life


async def pay(life: Any, amount: str = "5000.00", reference: str = "pix-1") -> None:
    await life.tell(f.PaymentReceived(reference, Decimal(amount), await life.today()))


async def ends(life: Any, outcome: str) -> None:
    """The case closes as it should, and its workflow with it."""
    await life.until(lambda row: row.stage == "closed")
    assert (life.row().outcome, await life.handle.result()) == (outcome, outcome)


# --- what the debtor does --------------------------------------------------------------------------------------------
async def test_a_promise_that_is_kept_ends_in_thanks(office: Any) -> None:
    life = await reminded(office)
    await life.tell(f.PromiseMade(str(uuid4()), await life.today() + timedelta(days=5), Decimal("300.00")))
    await life.days(3)
    await pay(life, "300.00")
    await life.until(lambda _: "promise_kept" in life.book())
    await pay(life, reference="pix-2")
    await ends(life, "paid")
    await life.record("promise-kept")


async def test_a_promise_that_is_broken_lets_the_ladder_go_on(office: Any) -> None:
    life = await reminded(office)
    await life.tell(f.PromiseMade(str(uuid4()), await life.today() + timedelta(days=5)))
    await life.until(lambda _: "promise_broken" in life.book())
    await life.until(lambda _: "atraso-firme" in {contact.text_id for contact in life.contacts()})
    await life.record("promise-broken")


async def test_a_plan_whose_first_instalment_nobody_pays_lapses_and_the_debt_revives(office: Any) -> None:
    life = await reminded(office)
    terms = propose(
        Offer("tres", 3, Decimal(30)), PlanRules(minimum=Decimal(10)), life.row().balance, Decimal("1000.00"), 4,
        consumer=False, today=await life.today(),
    )  # fmt: skip
    plan = {
        "id": uuid4(), "case_id": life.ids.case, "state": "agreed", "terms": PROPOSAL.dump_python(terms, mode="json"),
        "total": terms.total, "text_hash": "", "accepted_by": "", "accepted_how": "phone",
        "offered_at": await life.now(),
    }  # fmt: skip
    with office.world.engine.begin() as conn:
        conn.execute(insert(PLAN).values(plan))
    await life.tell(f.PlanAgreed(str(plan["id"]), terms.instalments, financing=terms.financing, how="phone"))
    await life.until(lambda _: "plan_broken" in life.book())
    await life.record("plan-broken")


async def test_a_dispute_that_is_upheld_ends_the_case_without_a_word_of_debt(office: Any) -> None:
    life = await reminded(office)
    await life.tell(f.DisputeOpened(str(uuid4())))
    await life.tell(f.DisputeResolved(upheld=True))
    await ends(life, "dispute-upheld")
    await life.record("dispute-upheld")


async def test_a_dispute_that_is_rejected_lets_the_ladder_go_on(office: Any) -> None:
    life = await reminded(office)
    await life.tell(f.DisputeOpened(str(uuid4())))
    await life.days(4)
    await life.tell(f.DisputeResolved(upheld=False))
    await life.until(lambda _: "atraso-firme" in {contact.text_id for contact in life.contacts()})
    await life.record("dispute-rejected")


async def test_after_an_opt_out_nothing_electronic_leaves_and_a_person_looks_for_another_way(office: Any) -> None:
    life = await reminded(office)
    await life.tell(f.OptedOut())
    await life.until(lambda _: "find-contact" in {each.kind for each in life.tasks()})
    assert len(life.contacts()) == 1
    await life.record("opted-out")


# --- what the world does ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("hold", ["court", "insolvency", "death", "over-indebted", "moratorium"])
async def test_whatever_holds_a_case_holds_it_until_it_is_lifted(office: Any, hold: f.Hold) -> None:
    life = await reminded(office)
    await life.tell(f.HoldSet(hold))
    await life.days(30)
    await life.settle()
    assert len(life.contacts()) == 1
    await life.tell(f.HoldLifted(hold))
    await life.until(lambda _: "atraso-firme" in {contact.text_id for contact in life.contacts()})
    await life.record(f"held-by-{hold}")


async def test_money_in_clearing_holds_the_ladder_and_what_bounces_is_owed_again(office: Any) -> None:
    life = await reminded(office)
    await life.tell(f.PaymentInClearing("cheque-1", Decimal("300.00"), await life.today() + timedelta(days=4)))
    await life.days(2)
    await life.settle()
    await pay(life, "300.00", "cheque-1")
    await life.tell(f.PaymentReversed("cheque-1", await life.today()))
    await life.until(lambda _: "pagamento-estornado" in {contact.text_id for contact in life.contacts()})
    assert life.row().balance > Decimal("1000.00")
    await life.record("bounced-out-of-clearing")


async def test_a_case_whose_last_term_is_over_is_closed_as_prescribed(office: Any) -> None:
    life = await office.open(short_ladder(LADDER), due_in=-365 * 5 + 20)
    await life.until(lambda row: row.stage == "closed", within=60)
    assert life.row().outcome == "prescribed"
    await life.record("prescribed")


# --- what staff do ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("fact", "outcome"), [(f.Voided("erro"), "void"), (f.WrittenOff("pequeno"), "written-off")])
async def test_what_is_given_up_or_never_was_is_closed(office: Any, fact: f.Told, outcome: str) -> None:
    life = await reminded(office)
    await life.tell(fact)
    await ends(life, outcome)
    await life.record(outcome)


async def test_a_case_that_is_paused_extended_and_made_smaller_is_asked_for_what_is_left(office: Any) -> None:
    life = await reminded(office)
    today = await life.today()
    await life.tell(f.Paused(today, today + timedelta(days=20)))
    await life.tell(f.Resumed())
    await life.tell(f.Adjusted(Decimal("200.00"), "rebate", today))
    await life.tell(f.Extended(today + timedelta(days=10)))
    await life.until(lambda _: len(life.contacts()) > 1)
    await pay(life)
    await ends(life, "paid")
    await life.record("paused-extended-and-rebated")


async def test_a_case_that_is_moved_to_another_ladder_goes_on_there(office: Any) -> None:
    life = await reminded(office)
    other = pin(office.world.engine, short_ladder(LADDER.replace("12d", "20d")))
    await life.tell(f.PolicyMigrated(other, "nova"))
    assert life.row().policy_hash == other
    await life.until(lambda _: "atraso-firme" in {contact.text_id for contact in life.contacts()})
    await life.record("moved-to-another-ladder")


# --- the firm part ---------------------------------------------------------------------------------------------------
async def test_an_undeliverable_notice_that_nobody_releases_goes_to_legal(office: Any) -> None:
    life = await until_notice(office)
    for way in ("email", "letter"):
        await life.tell(f.NoticeReturned(str(notice(life).id), way, "unknown"))
    approval = life.entries("approval_asked")[-1]["approval_id"]
    await life.tell(f.ApprovalRefused(approval))
    await life.until(lambda row: row.next_reason == "awaits approval", within=90)
    await life.approve("gerente")
    await life.until(lambda row: row.stage == "legal", within=5)
    await life.record("undeliverable-then-legal")


async def test_a_title_that_the_notary_gives_back_for_good_is_no_protest(office: Any) -> None:
    life = await until_queued(office)
    await life.tell(f.TitleReturned(await at_the_notary(life), ("28",), representable=False))
    await life.until(lambda row: row.next_reason == "awaits approval", within=60)
    await life.record("refused-by-the-notary")


async def test_a_protest_that_a_court_suspends_waits_for_the_court(office: Any) -> None:
    life = await until_queued(office)
    title_id = await at_the_notary(life)
    await life.tell(f.TitleSuspended(title_id, final=False))
    await life.days(20)
    await life.settle()
    assert has_task(life, "court-suspended-protest")
    await life.tell(f.TitleRegistered(title_id, await life.today()))
    assert "title_registered" in life.book()
    await life.record("suspended-by-a-court")


async def test_an_undue_protest_is_cancelled_at_the_creditors_cost(office: Any) -> None:
    life = await until_queued(office)
    title_id = await at_the_notary(life)
    await life.tell(f.TitleRegistered(title_id, await life.today()))
    await life.tell(f.DisputeOpened(str(uuid4())))
    await life.tell(f.DisputeResolved(upheld=True))
    await life.until(lambda _: "cancellation_queued" in life.book(), within=5)
    await life.tell(f.TitleCancelled(title_id, await life.today()))
    await ends(life, "dispute-upheld")
    await life.record("cancelled-protest")


async def test_a_title_that_lacks_a_paper_waits_for_it(office: Any) -> None:
    life = await until_notice(office)
    await life.tell(f.PortfolioChanged("discounted", "import"))
    await deliver(life)
    await life.until(lambda _: has_task(life, "complete-title"))
    assert task(life, "complete-title").details == ["portfolio-discounted"]
    await life.record("incomplete-title")


async def test_an_agency_gives_a_case_back_and_its_ladder_goes_on(office: Any) -> None:
    life = await ready_for_agency(office)
    await life.approve("gerente")
    await life.until(lambda row: row.next_reason == "with the agency", within=5)
    await life.tell(f.HandOverAcknowledged("agency", await life.today()))
    await life.tell(f.HandOverRecalled("agency", "nota"))
    await life.until(lambda _: any(entry["what"] == "recall" for entry in life.entries("passed_on")), within=5)
    await pay(life)
    await ends(life, "paid")
    await life.record("back-from-the-agency")


async def ready_for_agency(office: Any) -> Any:
    """A case whose hand-over to the agency waits for approval."""
    new_staff(office.world.engine, "gerente", "manager")
    life = await office.open(AGENCY, due_in=-1)
    await life.until(lambda row: row.next_reason == "awaits approval")
    return life


# --- what goes wrong inside ------------------------------------------------------------------------------------------
async def test_an_action_that_fails_for_good_holds_the_ladder_and_never_the_case(office: Any, monkeypatch: Any) -> None:
    def broken(*_: Any) -> None:
        raise Permanent("the printer is gone")

    monkeypatch.setattr("activities.notice.hand_to_mail_house", broken)
    life = await office.open(ladder("padrao-b2b"), due_in=4)
    await life.until(lambda _: "action_failed" in life.book())
    assert "action-failed" in {each.kind for each in life.tasks()}
    await life.record("notice-that-failed")


async def test_a_decision_that_fails_for_good_is_asked_for_again_every_hour_until_it_can_be_made(
    office: Any, monkeypatch: Any
) -> None:
    life = await reminded(office)
    with monkeypatch.context() as broken:
        broken.setattr("activities.decide.at_desk", _never)
        await life.handle.signal("payment", {"amount": "5000.00", "reference": "pix-1"})
        while not await _sleeps(life):
            await asyncio.sleep(0.1)
    await life.days(0.1)
    await ends(life, "paid")
    await life.record("a-decision-that-failed")


async def _sleeps(life: Any) -> bool:
    """Does the case wait for an operator to look?"""
    history = await life.handle.fetch_history()
    return any(event.HasField("activity_task_failed_event_attributes") for event in history.events)


async def test_a_message_without_a_body_and_one_in_a_foreign_encoding_hold_the_case(office: Any) -> None:
    life = await office.open(short_ladder(LADDER), due_in=1)
    await life.settle()
    execution = WorkflowExecution(workflow_id=life.handle.id)
    strange = Payload(metadata={"encoding": b"binary/strange"}, data=b"\xff\x00")
    for payloads in ([], [strange]):
        signal = SignalWorkflowExecutionRequest(
            namespace=office.client.namespace, workflow_execution=execution, signal_name="payment",
            input=Payloads(payloads=payloads), request_id=str(uuid4()),
        )  # fmt: skip
        await office.client.workflow_service.signal_workflow_execution(signal)
    await life.until(lambda _: life.book().count("unreadable") == 2, within=1)
    await life.record("messages-that-nobody-can-read")


async def test_an_action_that_takes_too_long_is_tried_again_later(office: Any, monkeypatch: Any) -> None:
    def hangs(*_: Any) -> None:
        time.sleep(2)
        raise Unavailable("away")

    monkeypatch.setitem(options.AT_MOST, "contact", timedelta(seconds=1))
    with monkeypatch.context() as slow:
        slow.setattr("activities.contact.at_desk_with_debtor", hangs)
        life = await office.open(short_ladder(LADDER), due_in=-1)
        await life.until(lambda _: "action_failed" in life.book(), within=10)
    (failed,) = life.entries("action_failed")
    assert failed["code"] == "TimeoutError"
    await life.until(lambda _: "contact_sent" in life.book())
    await life.record("a-contact-that-took-too-long")


def _never(*_: Any) -> Any:
    raise ApplicationError("a fault of ours", non_retryable=True)


# --- what runs by the clock of the office ----------------------------------------------------------------------------
@activity.defn(name="scan")
async def scanned() -> ScanReport:
    return ScanReport(opened=3)


@activity.defn(name="sweep")
async def swept() -> ScanReport:
    return ScanReport(signalled=2)


@activity.defn(name="archive")
async def archived() -> EvidenceReport:
    return EvidenceReport(archived=5)


@activity.defn(name="take_in_files")
async def taken_in() -> BatchReport:
    return BatchReport(taken_in=2)


@activity.defn(name="prepare_files")
async def prepared() -> BatchReport:
    return BatchReport(prepared=1)


@activity.defn(name="prepare_files")
async def not_prepared() -> BatchReport:
    raise ApplicationError("a fault of ours", non_retryable=True)


@activity.defn(name="upload_files")
async def uploaded() -> BatchReport:
    return BatchReport(uploaded=1)


@pytest.mark.parametrize(
    ("name", "workflow", "given", "activities"),
    [
        ("a-nightly-intake", IntakeWorkflow, [], [scanned]),
        ("a-sweep", SweepWorkflow, [], [swept]),
        ("an-errand", ErrandWorkflow, [Errand("archive", timedelta(hours=1), "keep histories")], [archived]),
        ("a-protest-batch", ProtestBatchWorkflow, [BatchInput(PRODUCTION)], [taken_in, prepared, uploaded]),
        ("a-protest-batch-that-failed", ProtestBatchWorkflow, [BatchInput(PRODUCTION)],
         [taken_in, not_prepared, uploaded]),
    ],
)  # fmt: skip
async def test_what_runs_by_the_clock_of_the_office_does_all_its_steps(
    env: Any, name: str, workflow: Any, given: list[Any], activities: list[Any]
) -> None:
    queue = PROTEST_QUEUE if workflow is ProtestBatchWorkflow else CASES_QUEUE
    async with Worker(env.client, task_queue=queue, workflows=[workflow], activities=activities, build_id="test"):
        handle = await env.client.start_workflow(workflow.run, args=given, id=f"{name}:{uuid4()}", task_queue=queue)
        with suppress(WorkflowFailureError):
            await handle.result()
        done = [event async for event in handle.fetch_history_events()]
    ended = [event for event in done if event.HasField("activity_task_completed_event_attributes")]
    assert len(ended) == len([one for one in activities if one is not not_prepared])
    await keep(handle, name)

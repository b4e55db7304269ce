"""Whole lives of a case on the real server: what is said, what is waited for, what is never done twice."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from people import short_ladder
from sqlalchemy import NullPool, create_engine, select, text, update
from temporalio.api.common.v1 import Payload, Payloads, WorkflowExecution
from temporalio.api.workflowservice.v1 import SignalWorkflowExecutionRequest
from temporalio.worker import Replayer

from activities import desk
from activities.decide import Decisions
from contract.messages import Answer, Decide
from db.rows import CONTACT_POINT, INSTRUCTION, LEDGER
from domain import decide as rules
from domain import facts as f
from domain.rules import ladder
from gateways.temporal import PLUGIN
from workflows.case import CaseWorkflow

pytestmark = pytest.mark.asyncio(loop_scope="session")

FRIENDLY = """
  - {id: um, at: due + 3d, do: contact, by: [email], text: atraso-cordial}
  - {id: dois, at: due + 7d, do: contact, by: [sms, email], text: atraso-firme}
"""
ONCE = "  - {id: um, at: due + 3d, do: contact, by: [email, sms], text: atraso-cordial}\n"


async def ask(life: Any, name: str, body: Any) -> Answer:
    """A staff update, as `temporal workflow update execute` sends it."""
    return await life.handle.execute_update(name, body, result_type=Answer, rpc_timeout=timedelta(seconds=20))


async def test_a_reminder_goes_out_and_a_payment_by_raw_signal_closes_the_case_with_thanks(office, sandbox) -> None:
    life = await office.open(short_ladder(FRIENDLY), due_in=-1)
    await life.until(lambda _: "contact_sent" in life.book())
    await life.handle.signal("payment", {"amount": "1100.00", "reference": "pix-1"})
    await life.until(lambda row: row.stage == "closed")
    assert await life.handle.result() == "paid"
    await life.record("paid-after-a-reminder")
    assert life.row().outcome == "paid"
    assert [(c.purpose, c.state) for c in life.contacts()] == [("ladder", "accepted"), ("thanks", "accepted")]
    assert len(sandbox.log()) == 2


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("paymnt", {"amount": "100.00"}),
        ("payment", {"amount": "cem reais"}),
        ("payment", ["100.00"]),
        ("payment", None),
        ("void", {"reason": "x"}),
        ("approve", {"approval_id": "x"}),
        ("fact", "not-an-id"),
    ],
)
async def test_a_misspelt_unreadable_or_forbidden_signal_becomes_a_task_and_holds_the_case(office, name, body) -> None:
    life = await office.open(short_ladder(FRIENDLY), due_in=1)
    await life.settle()
    await life.handle.signal(name, body)
    await life.until(lambda row: row.next_reason == "held until a person has looked", within=1)
    assert [task.kind for task in life.tasks()] == ["unreadable-message"]
    await life.record("held-by-an-unreadable-message")


async def test_a_signal_in_a_foreign_encoding_is_not_lost_either(office) -> None:
    life = await office.open(short_ladder(FRIENDLY), due_in=1)
    await life.settle()
    raw = Payload(metadata={"encoding": b"binary/strange"}, data=b"\xff\x00")
    await office.client.workflow_service.signal_workflow_execution(_signal(office, life, "payment", raw))
    await life.until(lambda row: row.next_reason == "held until a person has looked", within=1)


def _signal(office: Any, life: Any, name: str, payload: Payload) -> Any:
    return SignalWorkflowExecutionRequest(
        namespace=office.client.namespace,
        workflow_execution=WorkflowExecution(workflow_id=life.handle.id),
        signal_name=name,
        input=Payloads(payloads=[payload]),
    )


async def test_a_staff_update_is_answered_with_the_new_state_or_with_the_reason_of_its_refusal(office) -> None:
    life = await office.open(short_ladder(FRIENDLY), due_in=-1)
    await life.settle()
    today = await life.today()
    taken = await ask(life, "promise", {"on": (today + timedelta(days=5)).isoformat()})
    assert (taken.accepted, taken.next_reason) == (True, "confirmation: promessa-confirmada")
    refused = await ask(life, "promise", {"on": (today + timedelta(days=90)).isoformat()})
    assert (refused.accepted, refused.code) == (False, "promise-horizon")
    assert "must lie between" in refused.text
    await life.record("promised-and-a-promise-refused")
    (refused,) = life.entries("refused")
    assert (refused["fact"], refused["code"], refused["body"]["kind"]) == ("promise", "promise-horizon", "promise")


async def test_an_instruction_that_is_recorded_is_the_answer_however_often_it_is_asked_for(office) -> None:
    life = await office.open(short_ladder(FRIENDLY), due_in=1)
    await life.settle()
    row = life.row()
    given = Decide(str(row.id), row.generation, row.seq, await life.now())
    decisions = Decisions(office.world)
    first, second = decisions.decide(given), decisions.decide(given)
    assert first == second
    assert life.row().ledger_seq == row.ledger_seq
    with office.world.engine.connect() as conn:
        assert len(conn.execute(select(INSTRUCTION).where(INSTRUCTION.c.case_id == row.id)).all()) == row.seq


async def test_s7_paid_a_second_before_the_step_nothing_goes_out_though_nobody_signalled(office, sandbox) -> None:
    life = await office.open(short_ladder(ONCE), due_in=-2)
    await life.settle()
    values = desk.fact_values(
        life.ids.case,
        "bank:1",
        f.PaymentReceived("pix-9", Decimal("1021.00"), await life.today()),
        "bank",
        await life.now(),
    )
    with office.world.engine.begin() as conn:
        desk.store_facts(conn, [values])  # stored, and the signal lost
    await life.until(lambda row: row.stage == "closed")
    assert [entry["kind"] for entry in sandbox.log()] == ["mail"]
    assert [c.purpose for c in life.contacts()] == ["thanks"]
    assert "payment" in life.book()


async def test_s10_a_reversal_after_closing_opens_the_next_generation_and_repeats_nothing(office, sandbox) -> None:
    life = await office.open(short_ladder(FRIENDLY), due_in=-1)
    await life.until(lambda _: "contact_sent" in life.book())
    due = life.row().state["terms"]["due"]
    await life.tell(f.PaymentReceived("pix-1", Decimal("1100.00"), await life.today()))
    await life.until(lambda row: row.stage == "closed")
    await life.handle.result()
    await life.record("closed-before-a-reversal")
    await life.tell(f.PaymentReversed("pix-1", await life.today()))
    row = life.row()
    assert (row.generation, row.stage, row.state["terms"]["due"]) == (2, "amicable", due)
    assert "reopened" in life.book()
    second = await office.courier.client.get_workflow_handle(f"case:{row.id}:2").describe()
    assert second.status is not None
    assert [entry["step"] for entry in life.entries("contact_sent")].count("um") == 1


async def test_s13_six_invoices_of_one_debtor_due_together_leave_as_one_message_without_the_disputed_one(
    office, sandbox
) -> None:
    policy = short_ladder(ONCE)
    lives = [await office.open(policy, due_in=-1, number="FAT1")]
    for n in range(2, 8):
        lives.append(await office.open(policy, due_in=-1, number=f"FAT{n}", debtor=lives[0].ids.debtor))
    await lives[6].tell(f.DisputeOpened("d"))
    for _ in range(6):
        await asyncio.gather(*(life.days(1) for life in lives))
        await asyncio.gather(*(life.settle() for life in lives))
    sent = [c for c in lives[0].contacts() if c.purpose == "ladder"]
    assert len(sent) == 1
    assert sorted(c.text_id for c in lives[0].contacts()) == ["atraso-cordial", "contestacao-recebida"]
    assert len(sandbox.log()) == 2
    for n in range(1, 7):
        assert f"FAT{n}" in sent[0].body
        assert lives[n - 1].entries("contact_sent"), f"case {n} was told that it was covered"
    assert "FAT7" not in sent[0].body
    await lives[5].record("covered-by-another-message")


async def test_s17_a_bounce_marks_the_address_and_the_step_takes_the_next_channel(office, sandbox) -> None:
    life = await office.open(short_ladder(ONCE), due_in=-1)
    await life.until(lambda _: "contact_sent" in life.book())
    contact = life.contacts()[0]
    with office.world.engine.begin() as conn:
        conn.execute(
            update(CONTACT_POINT).where(CONTACT_POINT.c.id == contact.contact_point_id).values(state="invalid")
        )
    await life.tell(f.ContactFailed("um", str(contact.id), "email", "bounce"))
    await life.until(lambda _: len(life.contacts()) == 2)
    assert [c.channel for c in life.contacts()] == ["email", "sms"]
    await life.record("bounced-and-the-next-channel")


async def test_an_opt_out_from_electronic_channels_silences_them_and_makes_a_task(office, sandbox) -> None:
    life = await office.open(short_ladder(ONCE), due_in=-1)
    await life.settle()
    await life.tell(f.OptedOut())
    await life.until(lambda _: bool(life.tasks()))
    assert sandbox.log() == []
    assert "find-contact" in [task.kind for task in life.tasks()]


async def test_a_provider_that_is_away_costs_patience_and_nothing_is_lost_or_doubled(office, sandbox) -> None:
    sandbox.fault("fail", provider="sendgrid", status=503, times=2)
    life = await office.open(short_ladder(ONCE), due_in=-1)
    await life.until(lambda _: "contact_sent" in life.book())
    accepted = [entry for entry in sandbox.log() if not entry["refused"]]
    assert len(accepted) == 1


async def test_an_answer_lost_after_acceptance_is_found_and_not_sent_again(office, sandbox) -> None:
    sandbox.fault("accept_then_fail", provider="sendgrid", status=500, times=1)
    life = await office.open(short_ladder(ONCE), due_in=-1)
    await life.until(lambda _: "contact_sent" in life.book())
    assert len([entry for entry in sandbox.log() if not entry["refused"]]) == 1


async def test_a_database_that_is_away_neither_fails_the_case_nor_grows_its_history(office) -> None:
    life = await office.open(short_ladder(ONCE), due_in=5)
    await life.settle()
    engine = office.world.engine
    name = engine.url.database
    admin = engine.url.set(database="postgres")
    keeper = create_engine(admin, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with keeper.connect() as conn:
        conn.execute(text(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'))
        conn.execute(text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :n"), {"n": name})
        await life.handle.signal("note", {"note_id": "n1"})
        await asyncio.sleep(3)
        during = (await life.handle.describe()).history_length
        await asyncio.sleep(3)
        assert (await life.handle.describe()).history_length == during
        conn.execute(text(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'))
    engine.dispose()
    for _ in range(100):
        if "note" in life.book():
            break
        await asyncio.sleep(0.1)
    assert "note" in life.book()
    await life.record("a-database-away")


async def test_a_rules_change_between_two_worker_starts_wedges_nothing_and_changes_only_later_decisions(
    office, monkeypatch
) -> None:
    life = await office.open(short_ladder(FRIENDLY), due_in=-1)
    await life.until(lambda _: "contact_sent" in life.book())
    before = await life.handle.fetch_history()
    with office.world.engine.connect() as conn:
        query = select(LEDGER.c.hash).where(LEDGER.c.case_id == life.ids.case).order_by(LEDGER.c.seq)
        book = list(conn.execute(query).scalars())

    def stricter(bench: Any) -> Any:
        return bench.wait("a new rule: nobody is contacted any more")

    swapped = tuple(stricter if rule is ladder.climbs else rule for rule in rules.CHECKLIST)
    monkeypatch.setattr(rules, "CHECKLIST", swapped)
    monkeypatch.setattr(rules, "RULES_VERSION", "swapped")
    monkeypatch.setattr(desk, "RULES_VERSION", "swapped")
    await Replayer(workflows=[CaseWorkflow], plugins=[PLUGIN]).replay_workflow(before)
    await life.days(10)
    await life.settle()
    assert life.row().next_reason == "a new rule: nobody is contacted any more"
    assert len(life.contacts()) == 1
    with office.world.engine.connect() as conn:
        assert list(conn.execute(query).scalars())[: len(book)] == book


async def test_no_personal_data_stands_in_a_history(office) -> None:
    life = await office.open(short_ladder(FRIENDLY), due_in=-1)
    await life.until(lambda _: "contact_sent" in life.book())
    await life.handle.signal("payment", {"amount": "1100.00", "reference": "pix-1"})
    await life.until(lambda row: row.stage == "closed")
    await life.handle.result()
    history = json.loads((await life.handle.fetch_history()).to_json())
    seen = "\n".join(_texts(history)).lower()
    for secret in ("devedora", "rua fict", "contas@", "5511900000001", "credora fict", "11222333000181", "r$"):
        assert secret not in seen


def _texts(node: Any) -> Any:
    if isinstance(node, dict):
        for value in node.values():
            yield from _texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from _texts(value)
    elif isinstance(node, str):
        yield node
        try:
            yield base64.b64decode(node, validate=True).decode()
        except ValueError:
            return

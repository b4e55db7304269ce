"""How cases are opened, and how facts that nobody heard are told again, on the real server."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from people import Opened, new_case_row, office_today, short_ladder
from sqlalchemy import insert, select
from temporalio import activity
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.testing import ActivityEnvironment
from temporalio.worker import Worker

from activities.desk import fact_values, store_facts
from activities.intake import Intake
from contract.messages import ScanReport
from contract.names import case_workflow_id
from db.rows import APPROVAL, CASE, FACT, TASK
from domain import facts as f
from workflows.nightly import SweepWorkflow

pytestmark = pytest.mark.asyncio(loop_scope="session")

STEPS = "  - {id: um, at: due + 3d, do: contact, by: [email], text: atraso-cordial}\n"


async def scan(office: Any) -> int:
    """The nightly scan, as its workflow runs it."""
    report = await ActivityEnvironment().run(Intake(office.world, office.courier).scan)
    return int(report.opened)


async def life_of(office: Any, opened: Opened) -> Any:
    """The running workflow of a case."""
    return office.life(opened, office.client.get_workflow_handle(case_workflow_id(opened.case, 1)))


def row(office: Any, case: UUID) -> Any:
    """The case row."""
    with office.world.engine.connect() as conn:
        return conn.execute(select(CASE).where(CASE.c.id == case)).one()


def due_today(office: Any, policy: Any, **how: Any) -> Opened:
    """A case whose invoice fell due yesterday."""
    today = office_today()
    return new_case_row(office.world.engine, policy, today - timedelta(days=1), today, **how)


async def test_s6_two_scans_at_once_open_one_case_and_send_one_message(office, sandbox) -> None:
    opened = due_today(office, short_ladder(STEPS))
    await asyncio.gather(scan(office), scan(office), scan(office))
    assert await scan(office) == 0
    life = await life_of(office, opened)
    await life.until(lambda _: "contact_sent" in life.book())
    assert len(sandbox.log()) == 1
    listed = [w async for w in office.client.list_workflows(f"WorkflowId STARTS_WITH 'case:{opened.case}'")]
    assert len(listed) <= 1


async def test_a_case_is_not_opened_before_the_day_ahead_of_its_first_step(office) -> None:
    today = office_today()
    opened = new_case_row(
        office.world.engine, short_ladder(STEPS), today + timedelta(days=30), today + timedelta(days=20)
    )
    await scan(office)
    assert row(office, opened.case).started_at is None


async def test_s5_two_cases_of_two_editions_of_one_ladder_keep_their_own(office) -> None:
    early, late = (short_ladder(STEPS.replace("3d", days)) for days in ("3d", "7d"))
    first, second = due_today(office, early), due_today(office, late)
    await scan(office)
    lives = [await life_of(office, opened) for opened in (first, second)]
    for life in lives:
        await life.settle()
    days = [life.row().next_at.date() for life in lives]
    assert days[1] > days[0]


async def test_a_fact_whose_signal_was_lost_is_told_again_by_the_sweep(office) -> None:
    opened = due_today(office, short_ladder(STEPS))
    await scan(office)
    life = await life_of(office, opened)
    await life.settle()
    values = fact_values(
        opened.case,
        "lost:1",
        f.PaymentReceived("pix", Decimal("5000.00"), await life.today()),
        "bank",
        await life.now(),
    )
    with office.world.engine.begin() as conn:
        store_facts(conn, [values | {"received_at": datetime.now(UTC) - timedelta(minutes=1)}])
    report = await Intake(office.world, office.courier).sweep()
    assert report.signalled == 1
    await life.until(lambda state: state.stage == "closed", within=5)


@pytest.fixture
def soon(monkeypatch) -> timedelta:
    """How long a worker may be silent: shorter here, so that nobody waits."""
    silence = timedelta(seconds=2)
    monkeypatch.setattr("workflows.options.ALIVE", silence)
    return silence


async def test_a_sweep_whose_worker_is_silent_is_done_by_another_soon(office, soon) -> None:
    @activity.defn(name="sweep")
    async def falls_silent_once() -> ScanReport:
        if activity.info().attempt == 1:
            await asyncio.sleep(3600)
        return ScanReport(signalled=7)

    queue, silent = "sweeps-of-a-silent-worker", Client(office.client.service_client)  # as if it were dead
    shell = Worker(office.client, task_queue=queue, workflows=[SweepWorkflow])
    async with shell, Worker(silent, task_queue=queue, activities=[falls_silent_once]):
        done = office.client.execute_workflow(SweepWorkflow.run, id=f"sweep:{uuid4()}", task_queue=queue)
        report = await asyncio.wait_for(done, 5 * soon.total_seconds())
    assert report.signalled == 7


async def test_an_errand_of_hours_shows_that_it_lives_and_is_done_once(office, soon) -> None:
    times: list[int] = []

    @activity.defn(name="sweep")
    def takes_longer_than_a_silence_may(*_given: Any) -> ScanReport:
        times.append(activity.info().attempt)
        time.sleep(2 * soon.total_seconds())
        return ScanReport(signalled=1)

    queue, run = "errands-of-hours", SweepWorkflow.run
    with ThreadPoolExecutor(1) as threads:
        worker = Worker(
            office.client, task_queue=queue, workflows=[SweepWorkflow],
            activities=[takes_longer_than_a_silence_may], activity_executor=threads,
        )  # fmt: skip
        async with worker:
            await office.client.execute_workflow(run, id=f"sweep:{uuid4()}", task_queue=queue)
    assert times == [1]


async def test_a_fact_for_a_case_that_was_never_opened_opens_it(office) -> None:
    opened = due_today(office, short_ladder(STEPS))
    values = fact_values(
        opened.case,
        "early:1",
        f.PaymentReceived("pix", Decimal("5000.00"), office_today()),
        "bank",
        datetime.now(UTC),
    )
    with office.world.engine.begin() as conn:
        stored = store_facts(conn, [values])
    assert await office.courier.deliver(stored) == 1
    life = await life_of(office, opened)
    await life.until(lambda state: state.stage == "closed", within=5)


async def test_operators_see_stage_and_next_action_of_every_case(office) -> None:
    opened = due_today(office, short_ladder(STEPS))
    await scan(office)
    life = await life_of(office, opened)
    await life.settle()
    described = await life.handle.describe()
    shown = {pair.key.name: pair.value for pair in described.typed_search_attributes if "Regua" in pair.key.name}
    assert shown == {"ReguaStage": "amicable", "ReguaNext": "contact", "ReguaCreditor": str(opened.creditor)}
    assert described.status == WorkflowExecutionStatus.RUNNING
    for _ in range(50):
        found = [w.id async for w in office.client.list_workflows("ReguaStage = 'amicable' AND ReguaNext = 'contact'")]
        if life.handle.id in found:
            break
        await asyncio.sleep(0.1)
    assert life.handle.id in found


@pytest.mark.parametrize("role", ["supervisor", "manager"])
async def test_an_approval_past_its_day_is_told_to_its_case_or_is_the_managers_task_once(office, role: str) -> None:
    opened = due_today(office, short_ladder(STEPS))
    yesterday = office_today() - timedelta(days=2)
    with office.world.engine.begin() as conn:
        conn.execute(
            insert(APPROVAL).values(
                id=uuid4(), case_id=opened.case, purpose="protest", step="protesto", role=role, needed=1,
                amount=Decimal("1000.00"), state="asked", due=yesterday, requested_at=datetime.now(UTC),
            )
        )  # fmt: skip
    await scan(office)
    await scan(office)
    with office.world.engine.connect() as conn:
        tasks = conn.execute(select(TASK).where(TASK.c.case_id == opened.case)).all()
        overdue = select(FACT.c.id).where(FACT.c.case_id == opened.case, FACT.c.kind == "approval_overdue")
        told = conn.execute(overdue).all()
    found = [(task.kind, task.owner, task.details) for task in tasks]
    assert found == ([("approval-overdue", "manager", ["protest"])] if role == "manager" else [])
    assert len(told) == (0 if role == "manager" else 1), "beyond the manager nobody is asked"

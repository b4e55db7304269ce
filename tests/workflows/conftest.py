"""A real Temporal server whose clock can be moved for each case, a sandbox, and a worker in this process."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from people import Opened, new_case_row, office_today
from sqlalchemy import Engine, insert, select
from temporalio.client import Client, WorkflowHandle
from temporalio.testing import TimeSkippingConfig, WorkflowEnvironment
from temporalio.worker import Worker

from activities.contact import Contacts
from activities.courier import Courier, threadsafe
from activities.decide import Decisions
from activities.desk import fact_values, store_facts
from activities.legal import LegalHandOver
from activities.listing import Listings
from activities.negotiation import Negotiations
from activities.notice import Notices
from activities.outside import Outside
from activities.protest import Protests
from activities.world import World
from contract.messages import CaseInput
from contract.names import CASES_QUEUE, EMAIL_QUEUE, SMS_QUEUE, case_workflow_id
from db.rows import APPROVAL, CASE, CONTACT, FACT, LEDGER, TASK, WORD
from domain import facts as f
from domain.clock import PRODUCTION
from domain.policy import Policy
from gateways.cra import FolderCra
from gateways.documents import DocumentStore
from gateways.email import SendGridEmail
from gateways.pix import BacenPix
from gateways.pix_accounts import PRINCIPAL
from gateways.sms import TwilioSms
from gateways.temporal import PLUGIN, search_attributes
from sandbox.server import Sandbox, running_sandbox
from sandbox.state import PIX_CLIENT_ID, PIX_CLIENT_SECRET, SENDGRID_KEY, TWILIO_SID, TWILIO_TOKEN
from workflows.case import CaseWorkflow

HISTORIES = Path(__file__).resolve().parents[1] / "histories"
SKIPPING = {
    "frontend.WorkflowTimeSkippingEnabled": "true",
    "frontend.WorkflowTimeSkippingMaxSkipPerSession": "5000",
    "history.timerProcessorMaxTimeShift": '"1ms"',
    "history.timerProcessorMaxPollRPS": "10000",
    "history.timerProcessorMaxPollHostRPS": "10000",
}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def env() -> AsyncIterator[WorkflowEnvironment]:
    """The real dev server; each case has a clock of its own that a test moves with `fast_forward`."""
    binary = shutil.which("temporal", path=str(Path(sys.executable).parent)) or shutil.which("temporal")
    server = await WorkflowEnvironment.start_time_skipping_v2(
        ts_config=TimeSkippingConfig(enabled=False),
        dev_server_existing_path=binary,
        search_attributes=search_attributes(),
        dev_server_log_level="never",
        plugins=[PLUGIN],
        dev_server_extra_args=[
            part for key, value in SKIPPING.items() for part in ("--dynamic-config-value", f"{key}={value}")
        ],
    )
    async with server:
        yield server


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """The providers, without callbacks: tests tell outcomes as facts."""
    with running_sandbox(tmp_path / "sandbox") as running:
        yield running


@pytest.fixture
def world(engine: Engine, sandbox: Sandbox, tmp_path: Path) -> World:
    """The real gateways against the sandbox, the real database."""
    return World(
        engine=engine,
        clock=PRODUCTION,
        documents=DocumentStore(tmp_path / "documents"),
        email=SendGridEmail(SENDGRID_KEY, sandbox.url, 5.0),
        sms=TwilioSms(TWILIO_SID, TWILIO_TOKEN, sandbox.url, 5.0),
        pix={PRINCIPAL: BacenPix(sandbox.pix_url, sandbox.pix_token_url, PIX_CLIENT_ID, PIX_CLIENT_SECRET)},
        cra=FolderCra(tmp_path / "cra" / "out", tmp_path / "cra" / "in"),
        letters=tmp_path / "letters",
        callbacks="http://127.0.0.1:1",
        unknown_for=0.5,
    )


async def keep(handle: WorkflowHandle[Any, Any], name: str) -> None:
    """Keep a history for the replay tests, when asked to (REGUA_RECORD=1) and where none of that name is kept.

    One that is kept is never overwritten: so went the cases that still sleep.
    """
    path = HISTORIES / f"{name}.json"
    if os.environ.get("REGUA_RECORD") and not path.exists():
        path.write_text((await handle.fetch_history()).to_json(), encoding="utf-8")


class Office:
    """What a test does to a case: open it, let time pass, tell it facts, look at what happened."""

    def __init__(self, env: WorkflowEnvironment, client: Client, world: World, courier: Courier) -> None:
        self.env, self.client, self.world, self.courier = env, client, world, courier

    async def open(self, policy: Policy, due_in: int, **how: Any) -> Life:
        """A case whose invoice falls due `due_in` days from today (negative: already late)."""
        today = office_today()
        opened = new_case_row(self.world.engine, policy, today + timedelta(days=due_in), today, **how)
        return await self.start(opened)

    async def start(self, opened: Opened, generation: int = 1) -> Life:
        """Start the workflow of a case that stands in the database."""
        given = CaseInput(str(opened.case), str(opened.creditor), generation, self.world.clock)
        handle = await self.client.start_workflow(
            CaseWorkflow.run, given, id=case_workflow_id(opened.case, generation), task_queue=CASES_QUEUE
        )
        return self.life(opened, handle)

    def life(self, opened: Opened, handle: WorkflowHandle[Any, Any]) -> Life:
        """A running case as a test sees it."""
        return Life(self, opened, handle)


class Life:
    """One case as a test sees it."""

    def __init__(self, office: Office, opened: Opened, handle: WorkflowHandle[Any, Any]) -> None:
        self.office, self.ids, self.handle = office, opened, handle

    async def days(self, days: float) -> None:
        """Let time pass for this case."""
        await self.office.env.fast_forward(self.handle, timedelta(days=days))

    async def until(self, wanted: Any, within: int = 120) -> Any:
        """Let time pass, from one instruction to the next, until the case row is as wanted; at most `within` days."""
        end = await self.now() + timedelta(days=within)
        while (now := await self.now()) < end:
            await self.settle()
            row = self.row()
            if wanted(row):
                return row
            ahead = (row.next_at or now + timedelta(days=1)) - now
            past = ahead.total_seconds() + 1  # not just up to a timer: the server might skip on to the next one
            await self.days(min(max(past, 60), (end - now).total_seconds()) / 86400)
        await self.settle()
        if wanted(row := self.row()):
            return row
        waiting = (await self.handle.describe()).raw_description
        raise AssertionError(f"never came: now {row.stage} {row.next_action} {row.next_reason}: {waiting}")

    async def settle(self) -> None:
        """Wait until nothing more happens by itself: the row stays as it is, and nobody is at work for the case."""
        last, same = None, 0
        while same < 4 or await self._works():
            row = self.row()
            same = same + 1 if (row.seq, row.generation) == last and row.seq else 0
            last = (row.seq, row.generation)
            await asyncio.sleep(0.03)

    async def _works(self) -> bool:
        """Is an activity at its first attempt, or a workflow task at an early one? Time that a test lets pass would
        time them out. What failed before waits for time."""
        found = (await self.handle.describe()).raw_description
        task = found.pending_workflow_task if found.HasField("pending_workflow_task") else None
        return (task is not None and task.attempt <= 3) or any(one.attempt <= 1 for one in found.pending_activities)

    def row(self) -> Any:
        """The case row."""
        with self.office.world.engine.connect() as conn:
            return conn.execute(select(CASE).where(CASE.c.id == self.ids.case)).one()

    def facts_waiting(self) -> int:
        """How many stored facts nobody has taken in."""
        with self.office.world.engine.connect() as conn:
            waiting = select(FACT.c.id).where(FACT.c.case_id == self.ids.case, FACT.c.acknowledged_at.is_(None))
            return len(conn.execute(waiting).all())

    def book(self) -> list[str]:
        """Kinds of the ledger's entries, decisions left out."""
        with self.office.world.engine.connect() as conn:
            rows = conn.execute(select(LEDGER.c.kind).where(LEDGER.c.case_id == self.ids.case).order_by(LEDGER.c.seq))
            return [kind for kind in rows.scalars() if kind != "decided"]

    def entries(self, kind: str) -> list[dict[str, Any]]:
        """Bodies of the ledger's entries of one kind."""
        with self.office.world.engine.connect() as conn:
            query = select(LEDGER.c.body).where(LEDGER.c.case_id == self.ids.case, LEDGER.c.kind == kind)
            return list(conn.execute(query.order_by(LEDGER.c.seq)).scalars())

    def contacts(self) -> list[Any]:
        """Contacts of the debtor, oldest first."""
        with self.office.world.engine.connect() as conn:
            query = select(CONTACT).where(CONTACT.c.debtor_id == self.ids.debtor).order_by(CONTACT.c.planned_at)
            return list(conn.execute(query).all())

    def tasks(self) -> list[Any]:
        """Open tasks of the case."""
        with self.office.world.engine.connect() as conn:
            return list(
                conn.execute(select(TASK).where(TASK.c.case_id == self.ids.case, TASK.c.done_at.is_(None))).all()
            )

    async def tell(self, fact: f.Told, actor: str = "clerk", key: str = "") -> None:
        """Store a fact and signal it, as the CLI and the importers do."""
        at = await self.now()
        values = fact_values(self.ids.case, key or f"test:{uuid4()}", fact, actor, at)
        with self.office.world.engine.begin() as conn:
            stored = store_facts(conn, [values])
        await self.office.courier.deliver(stored)
        while self.facts_waiting():
            await asyncio.sleep(0.03)
        await self.settle()

    async def approve(self, *people: str) -> None:
        """Signed-in people say yes to what waits; the rows are what counts."""
        engine = self.office.world.engine
        with engine.begin() as conn:
            waiting = (APPROVAL.c.case_id == self.ids.case) & (APPROVAL.c.state == "asked")
            approval = conn.execute(select(APPROVAL).where(waiting)).one()
            for person in people:
                yes = {
                    "approval_id": approval.id,
                    "staff_id": person,
                    "yes": True,
                    "reason": "",
                    "said_at": datetime.now(UTC),
                }
                conn.execute(insert(WORD).values(yes))
        await self.tell(f.Approved(str(approval.id)), actor=people[-1] if people else "nobody")

    async def record(self, name: str) -> None:
        """Keep the history of this life for the replay tests."""
        await keep(self.handle, name)

    async def now(self) -> datetime:
        """The time of this case."""
        return await self.office.env.get_current_time(self.handle)

    async def today(self) -> date:
        """The day of this case, in UTC."""
        return (await self.now()).date()


def activities_of(world: World) -> Sequence[Any]:
    """What a case can have done for it."""
    contact, notice, hand_over = Contacts(world), Notices(world), LegalHandOver(world)
    return [
        Decisions(world).decide, contact.contact, notice.notice, Protests(world).protest, hand_over.legal,
        hand_over.agency, Negotiations(world).negotiate, Listings(world).list, Outside(world).tell,
    ]  # fmt: skip


@pytest_asyncio.fixture(loop_scope="session")
async def office(env: WorkflowEnvironment, world: World) -> AsyncIterator[Office]:
    """A worker for every queue of the cases, over this test's database and sandbox."""
    async with _working(env, env.client, world) as working:
        yield working


@pytest.fixture
def office_of(env: WorkflowEnvironment, world: World) -> Callable[[Client], AbstractAsyncContextManager[Office]]:
    """The same, for a client that a test chooses."""
    return lambda client: _working(env, client, world)


@asynccontextmanager
async def _working(env: WorkflowEnvironment, client: Client, world: World) -> AsyncIterator[Office]:
    courier = Courier(client, world.engine, world.clock)
    told = World(**{**vars(world), "deliver": threadsafe(courier, asyncio.get_running_loop())})
    doing = activities_of(told)
    executor = ThreadPoolExecutor(20)
    workers = [
        Worker(
            client,
            task_queue=queue,
            workflows=[CaseWorkflow] if queue == CASES_QUEUE else [],
            activities=doing,
            activity_executor=executor,
            build_id="test",
        )
        for queue in (CASES_QUEUE, EMAIL_QUEUE, SMS_QUEUE)
    ]
    async with workers[0], workers[1], workers[2]:
        yield Office(env, client, told, courier)
    executor.shutdown(wait=True)


def case_id(life: Life) -> UUID:
    """The id of a case."""
    return life.ids.case

"""Commands on a real Temporal server: cases answer, refuse, or are told later."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from people import ladder, new_case_row, office_today
from sqlalchemy import Engine
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

import starter.actions
import starter.errands
from activities.courier import Courier
from activities.decide import Decisions
from activities.intake import Intake
from activities.world import World
from contract.names import CASES_QUEUE, INTAKE_SCHEDULE, PROTEST_SCHEDULE, SWEEP_SCHEDULE
from db.rows import CASE, FACT
from domain.clock import PRODUCTION, Clock
from gateways.temporal import PLUGIN, search_attributes
from starter.schedules import ensure_schedules, missing_schedules, schedules
from workflows.case import CaseWorkflow
from workflows.nightly import IntakeWorkflow

TODAY = office_today()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client() -> AsyncIterator[Client]:
    binary = shutil.which("temporal", path=str(Path(sys.executable).parent)) or shutil.which("temporal")
    server = await WorkflowEnvironment.start_local(
        dev_server_existing_path=binary,
        search_attributes=search_attributes(),
        dev_server_log_level="never",
        plugins=[PLUGIN],
    )
    async with server:
        yield server.client


class Desk:
    """A terminal whose commands run beside the workers of this test."""

    def __init__(self, terminal: Any, client: Client) -> None:
        self.terminal, self.client = terminal, client

    async def type(self, *words: object) -> Any:
        """Type a command in a thread, so that the workers go on."""
        return await asyncio.to_thread(self.terminal.type, *words)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Workers that decide and open cases; nothing is sent."""
        engine: Engine = self.terminal.engine
        world = World(engine, PRODUCTION, *[None] * 4, Path(), "")  # type: ignore[arg-type]
        intake = Intake(world, Courier(self.client, engine, PRODUCTION))
        with ThreadPoolExecutor(5) as executor:
            worker = Worker(
                self.client,
                task_queue=CASES_QUEUE,
                workflows=[CaseWorkflow, IntakeWorkflow],
                activities=[Decisions(world).decide, intake.scan],
                activity_executor=executor,
                build_id="test",
            )
            async with worker:
                yield

    def case(self, due_in: int = 20) -> Any:
        """A case that is not due yet and that nobody has opened."""
        return new_case_row(self.terminal.engine, ladder("padrao-b2b"), TODAY + timedelta(days=due_in), TODAY).case


@pytest.fixture
def desk(terminal: Any, client: Client, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("TEMPORAL_ADDRESS", client.service_client.config.target_host)
    return Desk(terminal, client)


pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("asking")]


async def test_a_case_answers_with_its_new_state(desk: Desk) -> None:
    """Each case is told of one promise: where its confirmation may go out at once, nobody here would send it."""
    case, other = desk.case(), desk.case()
    async with desk.working():
        opened = await desk.type("note", case, "segunda via pedida", "--by", "ana", "--json")
        assert opened.json["status"] == "done", opened.err
        day = f"{TODAY + timedelta(days=5):%d/%m/%Y}"
        said = await desk.type("promise", case, day, "--by", "ana", "--json")
        shown = await desk.type("promise", other, day, "--by", "ana")
    assert said.code == 0, said.err
    confirms = "confirmation: promessa-confirmada"
    assert (said.json["status"], said.json["next_reason"]) == ("done", confirms)
    assert shown.out.startswith(f"feito: caso {other}, etapa preventive, próxima ação contact ({confirms})")


async def test_a_case_refuses_and_says_why(desk: Desk) -> None:
    case = desk.case()
    async with desk.working():
        await desk.type("note", case, "x", "--by", "ana")
        far = f"{TODAY + timedelta(days=90):%d/%m/%Y}"
        said = await desk.type("promise", case, far, "--by", "ana", "--json")
    assert (said.code, said.json["status"], said.json["code"]) == (1, "refused", "promise-horizon")
    assert "a promise must lie between" in said.json["text"]
    assert said.json["text"] in said.err


async def test_a_case_that_nobody_opened_yet_is_woken_and_one_that_is_closed_refuses(desk: Desk) -> None:
    case = desk.case()
    async with desk.working():
        given_up = await desk.type("write-off", case, "--reason", "acordo comercial", "--by", "ana", "--json")
        late = await desk.type("pause", case, "--until", "01/01/2099", "--by", "ana", "--json")
    assert (given_up.json["status"], given_up.json["stage"]) == ("done", "closed")
    assert (late.code, late.json["code"]) == (1, "case-closed")
    assert "the case is closed (written-off)" in late.json["text"]


async def test_a_file_of_cases_goes_on_after_one_that_refuses(desk: Desk) -> None:
    good, paused = desk.case(), desk.case()
    async with desk.working():
        await desk.type("pause", paused, "--until", "01/01/2099", "--by", "ana")
        file = desk.terminal.file("retomar.csv", {"caso": str(good)}, {"caso": str(paused)})
        said = await desk.type("resume", "--from", file, "--by", "ana", "--json")
    assert said.code == 1
    assert [(outcome["status"], outcome["code"]) for outcome in said.json] == [("refused", "not-paused"), ("done", "")]
    assert f"case {good}: refused (not-paused)" in said.err


async def test_without_workers_it_is_stored_and_taken_in_later(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    case = desk.case()
    async with desk.working():
        await desk.type("note", case, "x", "--by", "ana")
    monkeypatch.setattr(starter.actions, "ANSWERS_WITHIN", 1.0)
    said = await desk.type("pause", case, "--until", "01/01/2099", "--by", "ana", "--json")
    assert (said.code, said.json["status"]) == (0, "stored")
    (waiting,) = [row for row in desk.terminal.rows(FACT) if row.acknowledged_at is None]
    async with desk.working():
        await Courier(desk.client, desk.terminal.engine, PRODUCTION).deliver([waiting.id])
        while desk.terminal.rows(FACT, FACT.c.id == waiting.id)[0].acknowledged_at is None:
            await asyncio.sleep(0.05)
    assert desk.terminal.rows(CASE)[0].next_reason == "paused by staff"


async def test_a_scan_opens_what_is_near_and_without_workers_it_goes_on_alone(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.case()
    with desk.terminal.engine.begin() as conn:
        conn.execute(CASE.update().values(starts_on=TODAY))
    monkeypatch.setattr(starter.errands, "WAITS", 0.5)
    alone = await desk.type("scan", "--json")
    assert (alone.code, alone.json["status"]) == (0, "running")
    monkeypatch.setattr(starter.errands, "WAITS", 30.0)
    async with desk.working():
        said = await desk.type("scan", "--json")  # joins the run that waited, or comes after it
    assert said.json.keys() == {"status", "workflow", "opened", "signalled"}
    assert (said.json["status"], said.json["workflow"]) == ("done", "regua-intake-by-hand")
    assert desk.terminal.rows(CASE)[0].started_at is not None


async def test_doctor_sets_up_what_is_missing_and_then_finds_nothing(desk: Desk) -> None:
    before = await desk.type("doctor", "--json")
    assert {check["what"]: check["state"] for check in before.json}["schedules"] == "missing"
    assert (await desk.type("doctor", "--fix")).code == 0
    after = await desk.type("doctor", "--json")
    assert after.code == 0
    assert {check["what"]: check["state"] for check in after.json}["schedules"] == "ok"
    assert await missing_schedules(desk.client) == []


async def test_schedules_follow_the_clock_and_a_paused_one_stays_paused(client: Client) -> None:
    await ensure_schedules(client, PRODUCTION)
    await client.get_schedule_handle(SWEEP_SCHEDULE).pause()
    fast = Clock(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC), 86400 / 20)
    await ensure_schedules(client, fast)
    sweep = await client.get_schedule_handle(SWEEP_SCHEDULE).describe()
    batch = await client.get_schedule_handle(PROTEST_SCHEDULE).describe()
    assert sweep.schedule.state.paused
    assert [interval.every for interval in sweep.schedule.spec.intervals] == [timedelta(seconds=4)]
    assert [interval.every for interval in batch.schedule.spec.intervals] == [timedelta(seconds=20)]
    assert not batch.schedule.spec.calendars


async def test_in_real_time_the_batch_leaves_on_workdays_three_times_a_day_of_the_office() -> None:
    made = schedules(PRODUCTION)
    batches = made[PROTEST_SCHEDULE].spec.calendars
    (intake,) = made[INTAKE_SCHEDULE].spec.calendars
    assert [r.start for batch in batches for r in batch.hour] == [8, 11, 15]
    assert {(r.start, r.end) for batch in batches for r in batch.day_of_week} == {(1, 5)}
    assert ([r.start for r in intake.hour], [r.start for r in intake.minute]) == ([0], [30])
    assert made[PROTEST_SCHEDULE].spec.time_zone_name == "America/Sao_Paulo"

"""A case that is talked to so much that its history grows too long goes on in a new run, and forgets nothing."""

from __future__ import annotations

import asyncio
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

from conftest import activities_of, keep
from people import new_case_row, office_today, short_ladder
from sqlalchemy import select
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.world import World
from contract.messages import CaseInput
from contract.names import CASES_QUEUE, case_workflow_id
from db.rows import CASE, LEDGER
from gateways.temporal import PLUGIN, search_attributes
from workflows.case import CaseWorkflow

STEPS = "  - {id: um, at: due + 9d, do: contact, by: [email], text: atraso-cordial}\n"


async def test_a_history_that_grows_too_long_goes_on_in_a_new_run_and_counts_on(world: World) -> None:
    today = office_today()
    opened = new_case_row(world.engine, short_ladder(STEPS), today + timedelta(days=1), today)
    binary = shutil.which("temporal", path=str(Path(sys.executable).parent)) or shutil.which("temporal")
    short = ["--dynamic-config-value", "limit.historyCount.suggestContinueAsNew=60"]
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=binary, search_attributes=search_attributes(), dev_server_log_level="never",
        plugins=[PLUGIN], dev_server_extra_args=short,
    ) as env:  # fmt: skip
        with ThreadPoolExecutor(8) as threads:
            doing = activities_of(world)
            worker = Worker(
                env.client, task_queue=CASES_QUEUE, workflows=[CaseWorkflow], activities=doing,
                activity_executor=threads, build_id="test",
            )  # fmt: skip
            async with worker:
                given = CaseInput(str(opened.case), str(opened.creditor), 1, world.clock)
                handle = await env.client.start_workflow(
                    CaseWorkflow.run, given, id=case_workflow_id(opened.case, 1), task_queue=CASES_QUEUE
                )
                first = handle.result_run_id
                for number in range(25):
                    await handle.signal("note", {"note_id": f"n{number}"})
                    await asyncio.sleep(0.05)
                await handle.signal("payment", {"amount": "5000.00", "reference": "pix"})
                for _ in range(100):
                    with world.engine.connect() as conn:
                        row = conn.execute(select(CASE).where(CASE.c.id == opened.case)).one()
                        told = select(LEDGER.c.kind).where(LEDGER.c.case_id == opened.case)
                        kinds = list(conn.execute(told).scalars())
                    if "payment" in kinds:
                        break
                    await asyncio.sleep(0.1)
                described = await env.client.get_workflow_handle(handle.id).describe()
                await keep(env.client.get_workflow_handle(handle.id, run_id=first), "too-long")
                await keep(env.client.get_workflow_handle(handle.id), "gone-on-in-a-new-run")
    assert kinds.count("note") == 25, "nothing that was said before the new run was lost or counted twice"
    assert kinds.count("payment") == 1
    assert row.next_reason == "thanks for a payment"
    assert described.run_id != first

"""Running now what a schedule runs at its time: the intake, the protest batch."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from temporalio.client import WorkflowFailureError
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError

from contract.messages import BatchInput, BatchReport, ScanReport
from contract.names import CASES_QUEUE, INTAKE_WORKFLOW, PROTEST_BATCH_WORKFLOW
from domain.errors import Refused
from starter.installation import Installation, installation, temporal

WAITS = 120.0
"""Real seconds that a command waits for the end; the run goes on without it."""


def scan() -> dict[str, Any]:
    """Open the cases whose first step is near; how many were opened, or that it still runs."""
    with installation() as house:
        return asyncio.run(_run(house, INTAKE_WORKFLOW, "regua-intake-by-hand", ScanReport))


def protest_batch() -> dict[str, Any]:
    """Exchange files with the CRA; what was made, handed over and taken in, or that it still runs."""
    with installation() as house:
        given = BatchInput(house.clock)
        return asyncio.run(_run(house, PROTEST_BATCH_WORKFLOW, "regua-protest-batch-by-hand", BatchReport, given))


async def _run(house: Installation, workflow: str, key: str, result: type, *arguments: object) -> dict[str, Any]:
    """Start the workflow, or join the run that goes on. Raises `Refused` where it fails."""
    client = await temporal(house.settings)
    handle = await client.start_workflow(
        workflow,
        args=list(arguments),
        id=key,
        task_queue=CASES_QUEUE,
        result_type=result,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        rpc_timeout=timedelta(seconds=10),
    )
    try:
        async with asyncio.timeout(WAITS):
            report = await handle.result()
    except (TimeoutError, RPCError):
        return {"status": "running", "workflow": key}
    except WorkflowFailureError:
        raise Refused("failed", f"{key} failed; `regua tasks` and Temporal's screens say why") from None
    return {"status": "done", "workflow": key, **asdict(report)}

"""After a restore: bring each open case's workflow to where the book stands.

A workflow that was restored from an earlier moment than the book waits for what was decided then. If a payment changed
its plans since, it would sleep until a day that no longer matters. Told of any fact again, it asks for instruction
after instruction, gets those of the book, and is level. One that was opened since is opened again, and lives through
its recorded instructions at once. Safe at any time, and as often as one likes.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Engine, Row, select
from temporalio.client import Client, WorkflowQueryFailedError
from temporalio.service import RPCError, RPCStatusCode

from activities.courier import Address, Courier
from contract.messages import Next
from contract.names import CASE_WORKFLOW, case_workflow_id
from db.rows import ARCHIVE, CASE, FACT
from starter.installation import Installation, installation, temporal

Found = Literal["level", "told", "opened", "ended", "silent"]
"""Level with the book; behind it and told; gone and opened again; closed and archived whole, so that
the restored beginning of its life was ended; no answer: no worker runs, or its history fails."""

_PAGE = 500
_AT_ONCE = 20
_ANSWERS_WITHIN = timedelta(seconds=15)
_ARCHIVED = (
    select(ARCHIVE.c.case_id)
    .where(ARCHIVE.c.case_id == CASE.c.id, ARCHIVE.c.generation == CASE.c.generation, ARCHIVE.c.closed)
    .exists()
)


def catch_up(progress: Callable[[int], None] = lambda _: None) -> dict[str, int]:
    """How many cases were found how (`Found`). Needs a running worker. Raises `Unavailable`, RPCError."""
    with installation() as house:
        return asyncio.run(_all(house, progress))


async def _all(house: Installation, progress: Callable[[int], None]) -> dict[str, int]:
    client = await temporal(house.settings)
    courier, limit = Courier(client, house.engine, house.clock), asyncio.Semaphore(_AT_ONCE)
    found: Counter[Found] = Counter({"level": 0, "told": 0, "opened": 0, "ended": 0, "silent": 0})
    async for page in _started(house.engine):
        found.update(await asyncio.gather(*(_one(client, courier, row, limit) for row in page)))
        progress(found.total())
    async for page in _leftovers(client, house.engine):
        found.update(await asyncio.gather(*(_end(client, row, limit) for row in page)))
        progress(found.total())
    return {str(how): number for how, number in found.items()}


async def _started(engine: Engine) -> AsyncIterator[list[Any]]:
    """Cases whose workflow should be there: open, or closed and not archived yet."""
    started = (CASE.c.seq > 0) | CASE.c.started_at.is_not(None)
    last = UUID(int=0)
    while rows := await asyncio.to_thread(
        _rows, engine, started & (CASE.c.id > last) & ((CASE.c.stage != "closed") | ~_ARCHIVED)
    ):
        yield rows
        last = rows[-1].id


async def _leftovers(client: Client, engine: Engine) -> AsyncIterator[list[Any]]:
    """Cases that are closed and archived whole, and for which a workflow sleeps all the same."""
    running = [name async for name in _running(client)]
    for start in range(0, len(running), _PAGE):
        generations = dict(running[start : start + _PAGE])
        closed = CASE.c.id.in_(generations) & (CASE.c.stage == "closed") & _ARCHIVED
        rows = await asyncio.to_thread(_rows, engine, closed)
        yield [row for row in rows if row.generation == generations[row.id]]


async def _running(client: Client) -> AsyncIterator[tuple[UUID, int]]:
    """Case and generation of every workflow that has not ended."""
    query = f"WorkflowType = '{CASE_WORKFLOW}' AND ExecutionStatus = 'Running'"
    async for workflow in client.list_workflows(query):
        _, case_id, generation = workflow.id.split(":")
        yield UUID(case_id), int(generation)


def _rows(engine: Engine, wanted: Any) -> list[Any]:
    """A page of cases by id, with the newest fact of each."""
    newest = select(FACT.c.id).where(FACT.c.case_id == CASE.c.id).order_by(FACT.c.number.desc()).limit(1)
    columns = (CASE.c.id, CASE.c.creditor_id, CASE.c.generation, CASE.c.stage, CASE.c.seq)
    query = select(*columns, newest.scalar_subquery().label("fact")).where(wanted).order_by(CASE.c.id).limit(_PAGE)
    with engine.connect() as conn:
        return list(conn.execute(query).all())


async def _one(client: Client, courier: Courier, row: Row[Any], limit: asyncio.Semaphore) -> Found:
    handle = client.get_workflow_handle(case_workflow_id(row.id, row.generation))
    async with limit:
        try:
            known = await handle.query("state", result_type=Next, rpc_timeout=_ANSWERS_WITHIN)
            if known.seq >= row.seq or row.fact is None:
                return "level"  # without any fact only time moved it, and time moves it again
            await handle.signal("fact", str(row.fact))
        except WorkflowQueryFailedError:
            return "silent"
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                return "silent"
            await courier.open(Address(row.id, row.creditor_id, row.generation, row.stage, True), row.fact)
            return "opened"
        return "told"


async def _end(client: Client, row: Any, limit: asyncio.Semaphore) -> Found:
    """Told of a fact it would decide once more, and the book would go on after the end that the archive holds."""
    async with limit:
        try:
            handle = client.get_workflow_handle(case_workflow_id(row.id, row.generation))
            await handle.terminate(reason="restored from before its end; its whole life is archived")
        except RPCError:
            return "silent"
    return "ended"

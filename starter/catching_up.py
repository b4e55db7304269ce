"""After a restore: bring each open case's workflow to where the book stands.

A workflow that was restored from an earlier moment than the book waits for what was decided then. If a payment changed
its plans since, it would sleep until a day that no longer matters. Told of any fact again, it asks for instruction
after instruction, gets those of the book, and is level. One that was opened since is opened again, and lives through
its recorded instructions at once. Safe at any time, and as often as one likes.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Engine, Row, select
from temporalio.client import Client, WorkflowQueryFailedError
from temporalio.service import RPCError, RPCStatusCode

from activities.courier import Address, Courier
from contract.messages import Next
from contract.names import case_workflow_id
from db.rows import ARCHIVE, CASE, FACT
from starter.installation import Installation, installation, temporal

Found = Literal["level", "told", "opened", "silent"]
"""Level with the book; behind it and told; gone and opened again; no answer: no worker runs, or its history fails."""

_PAGE = 500
_AT_ONCE = 20
_ANSWERS_WITHIN = timedelta(seconds=15)


def catch_up(progress: Callable[[int], None] = lambda _: None) -> dict[str, int]:
    """How many cases were found how (`Found`). Needs a running worker. Raises `Unavailable`, RPCError."""
    with installation() as house:
        return asyncio.run(_all(house, progress))


async def _all(house: Installation, progress: Callable[[int], None]) -> dict[str, int]:
    client = await temporal(house.settings)
    courier = Courier(client, house.engine, house.clock)
    found: Counter[Found] = Counter({"level": 0, "told": 0, "opened": 0, "silent": 0})
    for page in _started(house.engine):
        limit = asyncio.Semaphore(_AT_ONCE)
        found.update(await asyncio.gather(*(_one(client, courier, row, limit) for row in page)))
        progress(found.total())
    return {str(how): number for how, number in found.items()}


def _started(engine: Engine) -> Iterator[list[Any]]:
    """Cases whose workflow should be there: open, or closed and not archived yet. With the newest fact of each."""
    archived = select(ARCHIVE.c.case_id).where(
        ARCHIVE.c.case_id == CASE.c.id, ARCHIVE.c.generation == CASE.c.generation, ARCHIVE.c.closed
    )
    newest = select(FACT.c.id).where(FACT.c.case_id == CASE.c.id).order_by(FACT.c.number.desc()).limit(1)
    columns = (CASE.c.id, CASE.c.creditor_id, CASE.c.generation, CASE.c.stage, CASE.c.seq)
    wanted = ((CASE.c.seq > 0) | CASE.c.started_at.is_not(None)) & ((CASE.c.stage != "closed") | ~archived.exists())
    query = select(*columns, newest.scalar_subquery().label("fact")).where(wanted).order_by(CASE.c.id).limit(_PAGE)
    last = UUID(int=0)
    while True:
        with engine.connect() as conn:
            rows = list(conn.execute(query.where(CASE.c.id > last)).all())
        if not rows:
            return
        yield rows
        last = rows[-1].id


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

"""Opening cases as the nightly scan does, beside the bare client that starts workflows: a second's worth of both."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from temporalio.client import Client

from activities.courier import Address, Courier
from benchmarks.bare import BareWorkflow
from benchmarks.house import open_house
from benchmarks.messages import BareLife
from benchmarks.portfolio import CHANNELS
from contract.names import CASES_QUEUE
from db.engine import make_engine
from domain.clock import PRODUCTION
from gateways.temporal import PLUGIN

CASES = 2000
WANTED = 0.9
_AT_ONCE = 20
"""Starts in flight, of both."""
_ROUNDS = 4


def run_opening(cases: int) -> dict[str, Any]:
    """Start so many cases and so many bare workflows in alternating rounds, on a server without a worker."""
    with tempfile.TemporaryDirectory() as folder, open_house(Path(folder)) as house:
        ours, bare = asyncio.run(_measured(house.temporal.address, house.postgres.url(), cases))
    return {
        "cases": cases,
        "opening_ratio": round(ours / bare, 2),
        "per_second": {"ours": round(ours), "bare": round(bare)},
        "targets": {"opening_ratio": f"at least {WANTED}"},
    }


def table(document: Mapping[str, Any]) -> str:
    """The measurement as a table for people."""
    each = document["per_second"]
    return f"opened per second: ours {each['ours']}, bare {each['bare']}, ratio {document['opening_ratio']}"


async def _measured(address: str, database: str, cases: int) -> tuple[float, float]:
    """Starts per second, ours and bare."""
    client = await Client.connect(address, plugins=[PLUGIN])
    engine = make_engine(database)
    courier, creditor = Courier(client, engine, PRODUCTION), uuid4()

    async def ours() -> object:
        return await courier.open(Address(uuid4(), creditor, 1, "amicable", True))

    async def bare() -> object:
        life = BareLife(uuid4().hex, CHANNELS, False)
        return await client.start_workflow(BareWorkflow.run, life, id=f"bare:{life.id}", task_queue=CASES_QUEUE)

    try:
        await _seconds(ours, _AT_ONCE)
        await _seconds(bare, _AT_ONCE)
        share = max(cases // _ROUNDS, 1)
        taken = [(await _seconds(ours, share), await _seconds(bare, share)) for _ in range(_ROUNDS)]
    finally:
        engine.dispose()
    total = share * _ROUNDS
    return total / sum(mine for mine, _ in taken), total / sum(its for _, its in taken)


async def _seconds(start: Callable[[], Awaitable[object]], count: int) -> float:
    limit = asyncio.Semaphore(_AT_ONCE)

    async def one() -> None:
        async with limit:
            await start()

    begun = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(count)))
    return time.perf_counter() - begun

"""`regua audit replay` beside the bare Replayer, in events per second on the same histories, and by processes.

What is on top of the bare one: the book read and its chain checked, every decision decided again by today's rules,
every record compared with every other.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from temporalio.client import Client, WorkflowHistory
from temporalio.worker import Replayer

from audit.replay import Source, replay_cases
from benchmarks.house import House, open_house
from benchmarks.lives import OurLives, WrongLife
from db.engine import make_engine
from gateways.settings import Settings
from gateways.temporal import PLUGIN
from workflows.registry import WORKFLOWS

LIVES = 24
WANTED = 0.8
_TIMES = 5
"""How often each history is replayed."""


def run_replaying(lives: int) -> dict[str, Any]:
    """Live so many reference lives, then replay them by both: events per second of real time."""
    with tempfile.TemporaryDirectory() as folder, open_house(Path(folder)) as house:
        os.environ["TEMPORAL_ADDRESS"] = house.temporal.address
        cases, histories = asyncio.run(_lived(house, lives))
        events = sum(len(history.events) for history in histories) * _TIMES
        bare = events / asyncio.run(_bare(histories))
        settings = Settings(state_dir=house.settings.state_dir, database_url=house.postgres.url())
        by_processes = {n: events / _audited(settings, cases, n) for n in (1, 2)}
    return {
        "lives": lives,
        "events": events,
        "replay_ratio": round(by_processes[1] / bare, 2),
        "events_per_second": {
            "bare Replayer": round(bare),
            **{f"audit, processes: {n}": round(speed) for n, speed in by_processes.items()},
        },
        "targets": {"replay_ratio": f"at least {WANTED}"},
    }


def table(document: Mapping[str, Any]) -> str:
    """The measurement as a table for people."""
    lines = [f"{name:24}{speed:>10} events/s" for name, speed in document["events_per_second"].items()]
    return "\n".join([f"ratio {document['replay_ratio']}", *lines])


async def _lived(house: House, lives: int) -> tuple[list[UUID], list[WorkflowHistory]]:
    client = await Client.connect(house.temporal.address, plugins=[PLUGIN])
    engine = make_engine(house.postgres.url())
    world = OurLives(client, engine)
    try:
        with house.worker("worker"):
            handles = await world.start(lives)
            await asyncio.gather(*(world.live(handle) for handle in handles))
        histories = [await handle.fetch_history() for handle in handles]
    finally:
        engine.dispose()
    return [UUID(handle.id.split(":")[1]) for handle in handles], histories


async def _bare(histories: Sequence[WorkflowHistory]) -> float:
    """Seconds that the bare Replayer takes."""
    replayer = Replayer(workflows=list(WORKFLOWS), plugins=[PLUGIN])
    await replayer.replay_workflow(histories[0])

    async def stream() -> AsyncIterator[WorkflowHistory]:
        for _ in range(_TIMES):
            for history in histories:
                yield history

    begun = time.perf_counter()
    await replayer.replay_workflows(stream())
    return time.perf_counter() - begun


def _audited(settings: Settings, cases: Sequence[UUID], workers: int) -> float:
    """Seconds that the audit takes; raises `WrongLife` where it finds a difference."""
    source = Source(settings, settings.database_url, True)
    begun = time.perf_counter()
    report = replay_cases(source, [*cases] * _TIMES, workers)
    seconds = time.perf_counter() - begun
    if differences := [finding for finding in report.findings if finding.kind == "difference"]:
        raise WrongLife(f"the audit finds a difference in a life of the benchmark: {differences[0].text}")
    return seconds

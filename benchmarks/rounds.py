"""Rounds of reference lives: so many at once on a fresh worker, and what each of them took.

Contenders take turns, so that what else the machine does falls on all of them.
"""

from __future__ import annotations

import asyncio
import os
import platform
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHandle

from benchmarks.house import House
from benchmarks.lives import Lives
from db.embedded import Service

AT_ONCE = 24
"""Lives in flight: enough to keep two cores busy, few enough that no task waits for seconds."""
LIVES_A_ROUND = 24

_OF_THE_DRIVER = frozenset({"WORKFLOW_EXECUTION_OPTIONS_UPDATED", "WORKFLOW_EXECUTION_TIME_SKIPPING_TRANSITIONED"})
"""Events by which the driver moves a workflow's clock: they stand in no history of production and are not counted."""

_BILLED = frozenset({
    "WORKFLOW_EXECUTION_STARTED", "WORKFLOW_EXECUTION_SIGNALED", "WORKFLOW_EXECUTION_UPDATE_ACCEPTED", "TIMER_STARTED",
    "ACTIVITY_TASK_SCHEDULED", "UPSERT_WORKFLOW_SEARCH_ATTRIBUTES", "MARKER_RECORDED",
})  # fmt: skip
"""Events that each stand for one action as Temporal Cloud counts them (docs.temporal.io/evaluate/cloud/actions): a
start, a signal, an update, a timer, an activity that is not tried again, search attributes, and the local activities of
a workflow task, of which ours has one at most."""


def actions(events: Mapping[str, int]) -> int:
    """Temporal Cloud's actions of a life, by its events."""
    return sum(count for name, count in events.items() if name in _BILLED)


@dataclass(frozen=True)
class Round:
    """One round of one contender: lives, the real seconds they took, CPU seconds by process."""

    lives: int
    seconds: float
    cpu: Mapping[str, float]


@dataclass
class Turn:
    """One contender: its lives, the module that is run as worker with its arguments, and what was measured."""

    world: Lives
    worker: Sequence[str]
    rounds: list[Round] = field(default_factory=list)
    events: Counter[str] = field(default_factory=Counter)


async def take_turns(house: House, turns: Mapping[str, Turn], lives: int) -> Mapping[str, Turn]:
    """So many lives of each contender, in alternating rounds, each on a fresh worker process."""
    for count in shares(lives):
        for turn in turns.values():
            with house.worker(*turn.worker) as worker:
                done, turn.events = await one_round(house, worker, turn.world, count)
                turn.rounds.append(done)
    return turns


def shares(lives: int) -> list[int]:
    """So many lives in rounds of about the same length."""
    rounds = max(1, round(lives / LIVES_A_ROUND))
    return [lives // rounds + (number < lives % rounds) for number in range(rounds)]


async def one_round(house: House, worker: Service, world: Lives, count: int) -> tuple[Round, Counter[str]]:
    """So many lives at once; before them one alone and unhurried, which warms the worker up: its events are counted."""
    limit = asyncio.Semaphore(AT_ONCE)

    async def one(handle: WorkflowHandle[Any, Any]) -> None:
        async with limit:
            await world.live(handle)

    (first,) = await world.start(1)
    await world.live(first, unhurried=True)
    cpu, since = house.cpu(worker), time.perf_counter()
    await asyncio.gather(*(one(handle) for handle in await world.start(count)))
    seconds, used = time.perf_counter() - since, house.cpu(worker)
    return Round(count, seconds, {name: used[name] - cpu[name] for name in used}), await _events(first)


async def _events(handle: WorkflowHandle[Any, Any]) -> Counter[str]:
    history = await handle.fetch_history()
    names = (EventType.Name(event.event_type).removeprefix("EVENT_TYPE_") for event in history.events)
    return Counter(name for name in names if name not in _OF_THE_DRIVER)


def speed(rounds: Sequence[Round]) -> float:
    """Lives per second."""
    return sum(done.lives for done in rounds) / sum(done.seconds for done in rounds)


def cpu_of_a_life(rounds: Sequence[Round]) -> dict[str, float]:
    """Milliseconds of CPU for each life, by process."""
    lives = sum(done.lives for done in rounds)
    return {name: 1000 * sum(done.cpu[name] for done in rounds) / lives for name in rounds[0].cpu}


def here() -> dict[str, Any]:
    """The day and the machine of a measurement."""
    return {
        "on": datetime.now(UTC).date().isoformat(),
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version(), "system": platform.system()},
    }

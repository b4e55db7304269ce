"""The engine beside a bare workflow: events, lives per second, memory of a sleeping case, and where the time goes.

Both live the same reference life against the same servers in the same run, in fresh worker processes and in
alternating rounds, so that what else the machine does falls on both.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from temporalio.client import Client, WorkflowHandle

from benchmarks.house import House, open_house, resident
from benchmarks.lives import BareLives, Lives, OurLives
from benchmarks.rounds import Round, actions, cpu_of_a_life, here, one_round, shares, speed
from db.embedded import Service
from db.engine import make_engine
from gateways.temporal import PLUGIN

Contender = Literal["ours", "bare", "empty"]
CONTENDERS: tuple[Contender, ...] = ("ours", "bare", "empty")
WORKERS: Mapping[str, tuple[Contender, ...]] = {"worker": ("ours",), "benchmarks.bare_worker": ("bare", "empty")}
"""The modules that are run as workers, and whose lives they live."""
TARGETS = {"events_ratio": "at most 1.15", "lives_ratio": "at least 0.8", "memory_ratio": "at most 1.5"}

ASLEEP_FIRST = 150
"""Cases that sleep in the cache before memory is first read, started many at once: by then every thread, connection and
module that all of them share is there, and what grows afterwards is the cases."""

MOST_SLEEPERS = 300
"""With those before them, less than the cache of a worker holds (`worker`): none is evicted."""
_ASLEEP = 5
"""Events of a history whose first workflow task is over: from then on the workflow waits for its first timer."""


def run_engine(lives: int, sleepers: int) -> dict[str, Any]:
    """Measure; returns the document that `--json` prints. `lives` and `sleepers` are numbers of each contender."""
    with tempfile.TemporaryDirectory(prefix="regua-benchmark-") as folder, open_house(Path(folder)) as house:
        return asyncio.run(_measure(house, lives, sleepers))


async def _measure(house: House, lives: int, sleepers: int) -> dict[str, Any]:
    client = await Client.connect(house.temporal.address, plugins=[PLUGIN])
    engine = make_engine(house.postgres.url())
    try:
        worlds: dict[Contender, Lives] = {
            "ours": OurLives(client, engine),
            "bare": BareLives(client, engine),
            "empty": BareLives(client, engine, empty=True),
        }
        events: dict[Contender, Counter[str]] = {}
        rounds: dict[Contender, list[Round]] = {contender: [] for contender in CONTENDERS}
        for count in shares(lives):
            for module, contenders in WORKERS.items():
                with house.worker(module) as worker:
                    for contender in contenders:
                        done, events[contender] = await one_round(house, worker, worlds[contender], count)
                        rounds[contender].append(done)
        memory: dict[Contender, float] = {}
        for module, (contender, *_) in WORKERS.items():
            with house.worker(module) as worker:
                memory[contender] = await _memory(worker, worlds[contender], sleepers)
    finally:
        engine.dispose()
    return _document(events, rounds, memory)


# --- measuring -------------------------------------------------------------------------------------------------------
async def _memory(worker: Service, world: Lives, sleepers: int) -> float:
    """Kilobytes by which a fresh worker grows for each case that sleeps in its cache."""
    first = await asyncio.gather(*(world.start(max(1, min(ASLEEP_FIRST, sleepers) // 10)) for _ in range(10)))
    await _asleep(handle for group in first for handle in group)
    before = resident(worker)
    await _asleep(await world.start(sleepers))
    return (resident(worker) - before) / 1024 / sleepers


async def _asleep(handles: Iterable[WorkflowHandle[Any, Any]]) -> None:
    for handle in handles:
        while (await handle.describe()).history_length < _ASLEEP:
            await asyncio.sleep(0.02)


# --- the document ----------------------------------------------------------------------------------------------------
def _document(
    events: Mapping[Contender, Counter[str]],
    rounds: Mapping[Contender, Sequence[Round]],
    memory: Mapping[Contender, float],
) -> dict[str, Any]:
    total = {contender: events[contender].total() for contender in CONTENDERS}
    per_second = {contender: speed(rounds[contender]) for contender in CONTENDERS}
    cpu = {contender: cpu_of_a_life(rounds[contender]) for contender in CONTENDERS}
    return {
        "events_ratio": round(total["ours"] / total["bare"], 3),
        "lives_ratio": round(per_second["ours"] / per_second["bare"], 3),
        "memory_ratio": round(memory["ours"] / memory["bare"], 3),
        "empty_lives_ratio": round(per_second["ours"] / per_second["empty"], 3),
        "cpu_ratio": round(sum(cpu["bare"].values()) / sum(cpu["ours"].values()), 3),
        "targets": TARGETS,
        "contenders": {
            contender: {
                "lives": sum(done.lives for done in rounds[contender]),
                "lives_per_second": round(per_second[contender], 2),
                "cpu_ms_per_life": {name: round(ms, 1) for name, ms in cpu[contender].items()},
                "events": total[contender],
                "actions": actions(events[contender]),
                "events_by_type": dict(sorted(events[contender].items())),
                "kilobytes_per_sleeping_case": round(memory[contender], 1) if contender in memory else None,
            }
            for contender in CONTENDERS
        },
        **here(),
    }


def table(document: Mapping[str, Any]) -> str:
    """The document for people."""
    lines = [f"{'':32}{'ours':>10}{'bare':>10}{'empty':>10}{'ratio':>10}   wanted"]
    who = document["contenders"]

    def line(name: str, values: Sequence[Any], ratio: str = "") -> None:
        wanted = TARGETS.get(ratio, "")
        shown = "".join(f"{'-' if value is None else value:>10}" for value in values)
        lines.append(f"{name:32}{shown}{document.get(ratio, ''):>10}   {wanted}")

    line("events of a life", [who[c]["events"] for c in CONTENDERS], "events_ratio")
    line("  Temporal Cloud's actions", [who[c]["actions"] for c in CONTENDERS])
    line("lives per second", [who[c]["lives_per_second"] for c in CONTENDERS], "lives_ratio")
    line("  beside empty activities", ["", "", ""], "empty_lives_ratio")
    line("KB per sleeping case", [who[c]["kilobytes_per_sleeping_case"] for c in CONTENDERS], "memory_ratio")
    line("CPU ms per life", [round(sum(who[c]["cpu_ms_per_life"].values())) for c in CONTENDERS], "cpu_ratio")
    for name in who["ours"]["cpu_ms_per_life"]:
        line(f"  {name}", [who[c]["cpu_ms_per_life"][name] for c in CONTENDERS])
    return "\n".join(lines)

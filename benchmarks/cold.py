"""What it costs to wake a case from its history at every step, in three sandboxes, beside one that stays in memory.

A case sleeps for days and a worker remembers five hundred: in production most steps find it cold. Its whole history
is then fetched, its module run in a new sandbox, and everything that was ever done told again.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from temporalio.client import Client

from benchmarks.house import House, open_house
from benchmarks.lives import OurLives
from benchmarks.rounds import Round, Turn, cpu_of_a_life, here, speed, take_turns
from db.engine import make_engine
from gateways.temporal import PLUGIN

LIVES = 48
WORKERS: Mapping[str, Sequence[str]] = {
    "warm": ("worker",),
    "cold": ("benchmarks.other_worker", "cold"),
    "passed_through": ("benchmarks.other_worker", "passed-through"),
    "unsandboxed": ("benchmarks.other_worker", "unsandboxed"),
}
"""The module that is run as worker, and its arguments. All but the first remember no case."""


def run_cold(lives: int) -> dict[str, Any]:
    """Live so many reference lives in each way, in alternating rounds: CPU of the worker process for each life."""
    with tempfile.TemporaryDirectory(prefix="regua-benchmark-") as folder, open_house(Path(folder)) as house:
        return asyncio.run(_measure(house, lives))


async def _measure(house: House, lives: int) -> dict[str, Any]:
    client = await Client.connect(house.temporal.address, plugins=[PLUGIN])
    engine = make_engine(house.postgres.url())
    try:
        world = OurLives(client, engine)
        turns = await take_turns(house, {way: Turn(world, worker) for way, worker in WORKERS.items()}, lives)
    finally:
        engine.dispose()
    return _document({way: turn.rounds for way, turn in turns.items()})


def _document(rounds: Mapping[str, Sequence[Round]]) -> dict[str, Any]:
    cpu = {way: cpu_of_a_life(done) for way, done in rounds.items()}
    worker = {way: used["worker"] for way, used in cpu.items()}
    return {
        "lives": sum(done.lives for done in rounds["warm"]),
        "cold_ratio": round(worker["cold"] / worker["warm"], 2),
        "sandbox_ratio": round(worker["cold"] / worker["unsandboxed"], 2),
        "worker_cpu_ms_per_life": {way: round(ms, 1) for way, ms in worker.items()},
        "cpu_ms_per_life": {way: {name: round(ms, 1) for name, ms in used.items()} for way, used in cpu.items()},
        "lives_per_second": {way: round(speed(done), 2) for way, done in rounds.items()},
        **here(),
    }


def table(document: Mapping[str, Any]) -> str:
    """The measurement as a table for people."""
    ways = list(WORKERS)
    lines = [f"{'':24}" + "".join(f"{way.replace('_', ' '):>16}" for way in ways)]

    def line(name: str, values: Sequence[float]) -> None:
        lines.append(f"{name:24}" + "".join(f"{value:>16}" for value in values))

    line("worker, CPU ms per life", [document["worker_cpu_ms_per_life"][way] for way in ways])
    for name in document["cpu_ms_per_life"]["warm"]:
        if name != "worker":
            line(f"  {name}", [document["cpu_ms_per_life"][way][name] for way in ways])
    line("lives per second", [document["lives_per_second"][way] for way in ways])
    return "\n".join([*lines, f"cold / warm {document['cold_ratio']}, cold / unsandboxed {document['sandbox_ratio']}"])

"""The contact step as a local activity beside the normal one, in the product and in the bare workflow.

What it saves in events, actions and time is measured here; what it costs in durability is told in docs/0007.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from temporalio.client import Client

from benchmarks.house import House, open_house
from benchmarks.lives import BareLives, OurLives
from benchmarks.rounds import Turn, cpu_of_a_life, here, speed, take_turns
from db.engine import make_engine
from gateways.temporal import PLUGIN

LIVES = 48
WAYS = ("ours", "ours_local", "bare", "bare_local")


def run_contact(lives: int) -> dict[str, Any]:
    """Live so many reference lives in each way, in alternating rounds: events, lives per second and CPU of a life."""
    with tempfile.TemporaryDirectory(prefix="regua-benchmark-") as folder, open_house(Path(folder)) as house:
        return asyncio.run(_measure(house, lives))


async def _measure(house: House, lives: int) -> dict[str, Any]:
    client = await Client.connect(house.temporal.address, plugins=[PLUGIN])
    engine = make_engine(house.postgres.url())
    try:
        ours = OurLives(client, engine)
        turns = {
            "ours": Turn(ours, ("worker",)),
            "ours_local": Turn(ours, ("benchmarks.other_worker", "local")),
            "bare": Turn(BareLives(client, engine), ("benchmarks.bare_worker",)),
            "bare_local": Turn(BareLives(client, engine, local=True), ("benchmarks.bare_worker",)),
        }
        return _document(await take_turns(house, turns, lives))
    finally:
        engine.dispose()


def _document(turns: Mapping[str, Turn]) -> dict[str, Any]:
    contenders = {
        way: {
            "events": turn.events.total(),
            "events_by_type": dict(sorted(turn.events.items())),
            "lives_per_second": round(speed(turn.rounds), 2),
            "cpu_ms_per_life": {name: round(ms, 1) for name, ms in cpu_of_a_life(turn.rounds).items()},
        }
        for way, turn in turns.items()
    }
    return {
        "lives": sum(done.lives for done in turns["ours"].rounds),
        **{
            f"{who}_local_{figure}_ratio": round(_ratio(turns, who, figure), 3)
            for who in ("ours", "bare")
            for figure in ("events", "lives", "cpu")
        },
        "contenders": contenders,
        **here(),
    }


def _ratio(turns: Mapping[str, Turn], who: str, figure: str) -> float:
    """A figure of the local way by that of the normal one."""

    def of(turn: Turn) -> float:
        if figure == "events":
            return turn.events.total()
        return speed(turn.rounds) if figure == "lives" else sum(cpu_of_a_life(turn.rounds).values())

    return of(turns[f"{who}_local"]) / of(turns[who])


def table(document: Mapping[str, Any]) -> str:
    """The measurement as a table for people."""
    who = document["contenders"]
    lines = [f"{'':24}" + "".join(f"{way.replace('_', ' '):>14}" for way in WAYS)]

    def line(name: str, values: Sequence[Any], figure: str = "") -> None:
        ratios = [f"{document[f'{one}_local_{figure}_ratio']}" for one in ("ours", "bare")] if figure else []
        lines.append(f"{name:24}" + "".join(f"{value:>14}" for value in values) + "".join(f"{r:>8}" for r in ratios))

    lines[0] += f"{'ratio':>8}{'ratio':>8}"
    line("events of a life", [who[way]["events"] for way in WAYS], "events")
    line("lives per second", [who[way]["lives_per_second"] for way in WAYS], "lives")
    line("CPU ms per life", [round(sum(who[way]["cpu_ms_per_life"].values())) for way in WAYS], "cpu")
    for name in who["ours"]["cpu_ms_per_life"]:
        line(f"  {name}", [who[way]["cpu_ms_per_life"][name] for way in WAYS])
    return "\n".join(lines)

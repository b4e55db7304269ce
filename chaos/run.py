"""The demo with the crowd as a guest and the killer at work; then the auditor goes over everything that is left."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from activities.in_flight import MARGIN
from chaos import crowd
from chaos.killer import Killer
from chaos.plan import draw
from db.rows import CASE
from starter.demo.house import House
from starter.demo.play import Play
from starter.demo.run import run_demo

_BUSINESS_DAYS = 75
"""About how long the demo's script takes."""
_SOON = timedelta(days=2)
_AUDITS = ("archive --closed", "replay --all", "verify --all")


def run(seed: int, kills: int, day: float, state: Path, *, as_json: bool) -> int:
    """Play at `day` real seconds a business day while `kills` processes die by `seed`. Exit code 0 if nothing was lost.

    Raises what `run_demo` raises.
    """
    return run_demo(day, state, as_json=as_json, guest=Unrest(seed, kills, day))


class Unrest:
    """The demo's guest: brings the crowd in, kills while the play lasts, and has the books audited at the end."""

    def __init__(self, seed: int, kills: int, day: float) -> None:
        self.seed, self.kills = seed, kills
        self.patience = (MARGIN + timedelta(minutes=2)).total_seconds()
        self.killer = Killer(draw(seed, kills, _BUSINESS_DAYS * day * 0.9))

    def commands(self, folder: Path) -> list[str]:
        """What the clerk types beside the demo's own portfolios."""
        return crowd.commands(folder)

    def begin(self, house: House) -> None:
        """The portfolios are open."""
        self.killer.begin(house)

    def end(self, house: House, play: Play) -> tuple[list[str], dict[str, Any]]:
        """The play is over: what is wrong, in sentences, and the figures."""
        self.killer.end()
        with play.watch.engine.connect() as conn:
            faults = [*crowd.lost_steps(conn), *_slept(conn, house.now)]
        died = self.killer.count()
        if died["all"] and died["in flight"] * 2 < died["all"]:
            faults.append(f"only {died['in flight']} of {died['all']} kills met a call in flight; half of them should")
        if died["all"] < self.kills:
            faults.append(f"the play was over after {died['all']} of {self.kills} kills; give it a longer --day")
        audits = {command: _audit(house, command) for command in _AUDITS}
        faults += [f"`regua audit {command}`: {found['said']}" for command, found in audits.items() if found["code"]]
        return faults, {
            "seed": self.seed,
            "kills": died,
            "stumbled": self.killer.stumbled,
            "crowd_steps": crowd.DEBTORS * crowd.STEPS,
            "audits": audits,
        }


def _slept(conn: Connection, now: datetime) -> Iterator[str]:
    """Each case whose time came days ago, whoever's it is, in a sentence: a step that nobody will ever take is lost."""
    over = (CASE.c.stage != "closed") & (CASE.c.next_at < now - _SOON)
    for row in conn.execute(select(CASE.c.id, CASE.c.next_reason, CASE.c.next_at).where(over)):
        yield f"case {row.id} sleeps past its time: {row.next_reason}, since {row.next_at}"


def _audit(house: House, command: str) -> dict[str, Any]:
    """`regua audit …` in a process of its own: exit code, and what it printed where that is not 0."""
    done = subprocess.run(
        [sys.executable, "-m", "starter", "audit", *command.split(), "--json"],
        cwd=house.folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = "" if done.returncode == 0 else (done.stderr or done.stdout)[-2000:]
    return {"code": done.returncode, "said": said, **_figures(done.stdout)}


def _figures(printed: str) -> dict[str, Any]:
    """The numbers of a report."""
    try:
        report = json.loads(printed)
    except ValueError:
        return {}
    return {name: value for name, value in report.items() if isinstance(value, int)} if isinstance(report, dict) else {}

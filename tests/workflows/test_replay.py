"""Every kind of life that was ever recorded replays on today's shell, under any hash seed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HISTORIES = sorted((Path(__file__).resolve().parents[1] / "histories").glob("*.json"))
SCRIPT = """
import asyncio, sys
from pathlib import Path
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer
from gateways.temporal import PLUGIN, settle
from workflows.registry import WORKFLOWS

async def main():
    replayer = Replayer(workflows=list(WORKFLOWS), plugins=[PLUGIN])
    for name in sys.argv[1:]:
        history = WorkflowHistory.from_json(Path(name).stem, Path(name).read_text(encoding="utf-8"))
        await replayer.replay_workflow(history)

asyncio.run(main())
settle()
"""


def test_every_kind_of_life_has_a_recorded_history() -> None:
    assert len(HISTORIES) >= 8


@pytest.mark.parametrize("seed", ["0", "1", "2", "3", "random"])
def test_recorded_histories_replay_on_todays_shell(seed: str) -> None:
    root = Path(__file__).resolve().parents[2]
    environment = os.environ | {"PYTHONHASHSEED": seed}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *map(str, HISTORIES)],
        cwd=root, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]

"""Every kind of life that was ever recorded replays on today's shell, under any hash seed, and passes all of it."""

from __future__ import annotations

import base64
import inspect
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
from temporalio import workflow

from workflows import options
from workflows.registry import WORKFLOWS

ROOT = Path(__file__).resolve().parents[2]
HISTORIES = sorted((ROOT / "tests" / "histories").glob("*.json"))
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
WATCHED = f"""
import sys, threading

SHELL, passed = {str(ROOT / "workflows")!r}, set()

def in_function(frame, event, _):
    if event == "line":
        passed.add((frame.f_code.co_filename[len(SHELL) + 1:], frame.f_lineno))
    return in_function

threading.settrace(lambda frame, *_: in_function if frame.f_code.co_filename.startswith(SHELL) else None)
{SCRIPT}
print(*(f"{{name}}:{{line}}" for name, line in passed), sep="\\n")
"""
"""The replay, which then names every line of the shell that it passed; it runs in threads of the SDK's."""

ASKED = {"CaseWorkflow.state", "CaseWorkflow.planned"}
"""Queries leave nothing in a history."""
NEVER_YET = {'return type(cause).__name__ if cause else "ActivityError"'}
"""The server names no other cause than an error and a time-out; a guard that commands nothing."""


def replayed(script: str, seed: str) -> subprocess.CompletedProcess[str]:
    """All recorded histories, on today's shell."""
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, HISTORIES)],
        cwd=ROOT, env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("seed", ["1", "2", "random"])
def test_recorded_histories_replay_on_todays_shell(seed: str) -> None:
    done = replayed(SCRIPT, seed)
    assert done.returncode == 0, done.stderr[-2000:]


# --- is every kind of life there? ------------------------------------------------------------------------------------
def test_no_line_of_the_shell_is_passed_by_no_recorded_life() -> None:
    """So a wrong change anywhere in it meets a history that knows better. One more seed: 0."""
    done = replayed(WATCHED, "0")
    assert done.returncode == 0, done.stderr[-2000:]
    passed = set(done.stdout.split())
    missed = [f"{place} in {function}" for function, place in lines_of_the_shell() if place not in passed]
    assert missed == [], "live such a life in a test and keep it: `await life.record(name)` and REGUA_RECORD=1"


def lines_of_the_shell() -> Iterator[tuple[str, str]]:
    """Each line inside a function of `workflows/` as (function, file:line)."""
    for path in sorted((ROOT / "workflows").glob("*.py")):
        text = path.read_text(encoding="utf-8")
        for code in functions(compile(text, str(path), "exec")):
            for number in sorted({line for *_, line in code.co_lines() if line and line > code.co_firstlineno}):
                if text.splitlines()[number - 1].strip() not in NEVER_YET:
                    yield code.co_qualname, f"{path.name}:{number}"


def functions(code: CodeType) -> Iterator[CodeType]:
    """Functions, also those inside classes and functions; bodies of classes run when they are imported."""
    for inner in (one for one in code.co_consts if isinstance(one, CodeType)):
        if inner.co_flags & inspect.CO_NEWLOCALS and inner.co_qualname not in ASKED:
            yield inner
        yield from functions(inner)


def test_every_workflow_action_and_end_of_a_case_stands_in_a_recorded_life() -> None:
    events = [event for path in HISTORIES for event in json.loads(path.read_text(encoding="utf-8"))["events"]]
    begun = {name_in(event, "workflowExecutionStartedEventAttributes", "workflowType") for event in events}
    done = {name_in(event, "activityTaskScheduledEventAttributes", "activityType") for event in events}
    ended = {end for event in events if (end := end_of(event))}
    assert {str(workflow._Definition.must_from_class(one).name) for one in WORKFLOWS} <= begun
    assert set(options.AT_MOST) <= done
    assert ends_of_cases() <= ended


def name_in(event: dict[str, Any], attributes: str, kind: str) -> str:
    return str(event.get(attributes, {}).get(kind, {}).get("name", ""))


def end_of(event: dict[str, Any]) -> str:
    """The result of a case that closed."""
    payloads = event.get("workflowExecutionCompletedEventAttributes", {}).get("result", {}).get("payloads", [])
    found = [json.loads(base64.b64decode(one["data"])) for one in payloads]
    return next((one for one in found if isinstance(one, str)), "")


def ends_of_cases() -> set[str]:
    """How a debt can end, as the rules write it."""
    written = [path.read_text(encoding="utf-8") for path in (ROOT / "domain" / "fold").glob("*.py")]
    told = {end for text in written for end in re.findall(r'\.ended = "([a-z-]+)"', text)}
    return told | {"paid", "paid-at-notary", "prescribed"}


def test_every_life_that_a_test_means_to_keep_is_kept() -> None:
    tests = [path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py")]
    named = {name for text in tests for name in re.findall(r'(?:record\(|keep\(.*, )"([a-z-]+)"\)', text)}
    assert len(named) > 20
    assert named - {path.stem for path in HISTORIES} == set(), "REGUA_RECORD=1 pytest -n 0 tests/workflows"

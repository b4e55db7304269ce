"""A wrong change of the shell is caught twice: recorded histories no longer replay, and its fingerprint is another."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_replay import HISTORIES, SCRIPT

ROOT = Path(__file__).resolve().parents[2]
FINGERPRINTS = Path(__file__).with_name("fingerprints.txt")
COMMANDS = frozenset(
    {
        "execute_activity", "execute_local_activity", "sleep", "wait_condition", "continue_as_new", "patched",
        "upsert_search_attributes", "execute_child_workflow", "start_child_workflow", "now", "uuid4", "random",
    }
)  # fmt: skip
"""What leaves a mark in a history, or must be the same when it is replayed."""
EXPLAIN = (
    "the shell issues other commands than tests/workflows/fingerprints.txt says; cases that sleep were begun under "
    "those. Read docs/versioning.md; then `REGUA_RECORD=1 pytest tests/workflows/test_versioning.py` writes the file"
)


def fingerprint() -> str:
    """Of every function of the shell its commands, in the order in which they are written."""
    lines = []
    for path in sorted((ROOT / "workflows").glob("*.py")):
        for name, function in _functions(ast.parse(path.read_text(encoding="utf-8"))):
            if commands := list(_commands(function)):
                lines.append(f"{path.stem}.{name}: {' '.join(commands)}")
    return "\n".join(lines) + "\n"


def _functions(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            methods = (one for one in node.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef))
            yield from ((f"{node.name}.{one.name}", one) for one in methods)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node


def _commands(function: ast.AST) -> Iterator[str]:
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
    for call in sorted(calls, key=lambda node: (node.lineno, node.col_offset)):
        target = call.func
        if isinstance(target, ast.Attribute) and target.attr in COMMANDS and ast.unparse(target.value) == "workflow":
            about = call.args[0] if call.args and target.attr.startswith("execute") else None
            yield f"{target.attr}({ast.unparse(about)})" if about is not None else target.attr


def test_the_shell_issues_the_commands_that_sleeping_cases_were_begun_under() -> None:
    if os.environ.get("REGUA_RECORD"):
        FINGERPRINTS.write_text(fingerprint(), encoding="utf-8")
    assert fingerprint() == FINGERPRINTS.read_text(encoding="utf-8"), EXPLAIN


OBEY = "            self.obey(await self.decide())\n"
CHANGES = {
    "a timer before the first decision": (OBEY, f"            await workflow.sleep(1)\n{OBEY}", False),
    "the decision as another activity": (
        '"decide", given, result_type=Next, **', '"judge", given, result_type=Next, **', False
    ),
    "the timer behind a patch": (
        OBEY, f'            if workflow.patched("rest"):\n                await workflow.sleep(1)\n{OBEY}', True
    ),
}  # fmt: skip


def _replayed(folder: Path, *changes: tuple[str, str]) -> subprocess.CompletedProcess[str]:
    """Two recorded lives replayed on a copy of the shell in which each change was made."""
    shutil.copytree(ROOT / "workflows", folder / "workflows")
    shell = folder / "workflows" / "case.py"
    text = shell.read_text(encoding="utf-8")
    for before, after in changes:
        assert text.count(before) == 1
        text = text.replace(before, after)
    shell.write_text(text, encoding="utf-8")
    lives = [str(path) for path in HISTORIES if path.stem in {"paid-after-a-reminder", "protested-then-legal"}]
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, *lives], cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_shell_replays_recorded_lives_only_if_the_change_is_patched(change: str, tmp_path: Path) -> None:
    before, after, right = CHANGES[change]
    done = _replayed(tmp_path, (before, after))
    assert (done.returncode == 0) == right, done.stderr[-1500:]
    if not right:
        assert "TMPRL1100" in done.stderr or "ondeterminis" in done.stderr


@pytest.mark.parametrize("look", ["time.time()", "random.random()", "datetime.now(UTC)"])
def test_the_sandbox_refuses_what_only_another_machine_would_answer_otherwise(look: str, tmp_path: Path) -> None:
    """The replay issues the same commands, so only the sandbox sees it, as long as our modules are loaded inside it."""
    imports = "from collections.abc import Sequence\n"
    more = "import random\nimport time\nfrom datetime import UTC, datetime\n"
    done = _replayed(tmp_path, (imports, imports + more), (OBEY, f"            {look}\n{OBEY}"))
    assert done.returncode != 0
    assert f"Cannot access {look.split('(')[0].replace('datetime.', 'datetime.datetime.')}" in done.stderr

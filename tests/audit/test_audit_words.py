"""Whatever reason the core can give, the audit has Portuguese words for it: the reasons are read from its source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import get_args

import pytest

import domain
from activities.delivery import OPT_OUTS, READS, STATES
from audit.words import event_words, reason, refusal, task_words
from domain.budget import Reason
from domain.schedule import Reason as Missed

ROOT = Path(domain.__file__).parents[1]
RULES = [*sorted((ROOT / "domain/rules").glob("*.py")), ROOT / "domain/gate.py", ROOT / "domain/notice.py"]
CORE = [*sorted((ROOT / "domain").rglob("*.py")), *sorted((ROOT / "activities").glob("*.py"))]
REASONS = {
    "wait": 0, "rest": 0, "instruct": 1, "StepPassedOver": 1, "HoldEnded": 0, "Unreachable": 1, "ContactDeferred": 2,
    "WithdrawalQueued": 1, "TitleUnqueued": 1, "Reopened": 0, "ask_about_title": 1,
}  # fmt: skip
"""Where the reason stands among the arguments of whatever carries one."""
TASKS = {"Need": 0, "once": 0, "task": 0}
REFUSALS = {"Refused": 0}


def spoken(node: ast.expr) -> Iterator[str]:
    """The texts that an expression can be, with `x` for what is filled in; none where it is a name."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(f"{part.value}" if isinstance(part, ast.Constant) else "x" for part in node.values)
    elif isinstance(node, ast.IfExp):
        yield from (*spoken(node.body), *spoken(node.orelse))
    elif isinstance(node, ast.BoolOp):
        yield from (text for value in node.values for text in spoken(value))


@cache
def calls(path: Path) -> list[ast.Call]:
    """All calls in a file."""
    return [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]


def given(paths: list[Path], where: dict[str, int]) -> set[str]:
    """The texts at these places of calls in these files."""
    found: set[str] = set()
    for path in paths:
        for node in calls(path):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in where and len(node.args) > where[name]:
                found.update(spoken(node.args[where[name]]))
    return found - {""}


def returned(paths: list[Path]) -> set[str]:
    """What the functions of these files that answer with a sentence return."""
    found: set[str] = set()
    for path in paths:
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef) and function.returns:
                if ast.unparse(function.returns) not in ("str", "str | None"):
                    continue
                answers = [node.value for node in ast.walk(function) if isinstance(node, ast.Return) and node.value]
                found |= {text for answer in answers for text in spoken(answer) if " " in text}
    return found


SAID = sorted(given(CORE, REASONS) | returned(RULES) | {*Reason} | {*get_args(Missed)})


def test_the_source_is_read_at_all() -> None:
    assert {"disputed", "step x on its day", "no usable channel: x", "collapsed"} <= {*SAID}
    assert {"dispute", "payment-claimed", "hold-x"} <= given(CORE, TASKS)
    assert {"in-plan", "promise-horizon"} <= given(CORE, REFUSALS)


@pytest.mark.parametrize("text", SAID)
def test_every_reason_has_portuguese_words(text: str) -> None:
    assert reason(text) != text


@pytest.mark.parametrize("kind", sorted(given(CORE, TASKS) - {"step"} | {"answer-debtor", "call-back"}))
def test_every_kind_of_task_has_portuguese_words(kind: str) -> None:
    assert task_words(kind) != kind


@pytest.mark.parametrize("code", sorted(given(sorted((ROOT / "domain").rglob("*.py")), REFUSALS)))
def test_every_refusal_of_the_core_has_portuguese_words(code: str) -> None:
    assert refusal(code) != code


@pytest.mark.parametrize("event", sorted({*STATES, *OPT_OUTS, *READS, "processed", "sent", "deferred", "reply"}))
def test_every_report_of_a_provider_has_portuguese_words(event: str) -> None:
    assert event_words(event, event) != event
    assert event_words(event, "550") == f"{event_words(event, '')} 550"


def test_what_is_filled_in_is_said_in_portuguese_too() -> None:
    assert reason("step protesto waits: held: court, over-indebted") == (
        "o passo protesto aguarda: suspenso: ordem judicial, superendividamento"
    )

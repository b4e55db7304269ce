"""What stands in histories and ledgers for years may only grow: no name goes, and what is new may be lacking.

`vocabulary.txt` holds one line for each field of a message or fact, each word that it can hold, and each name that
crosses Temporal.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest

from contract import messages, names
from domain import facts
from domain.clock import Clock

KEPT = Path(__file__).with_name("vocabulary.txt")
LACK = ", may be lacking"
EXPLAIN = (
    "{}\nSleeping cases hold what tests/workflows/vocabulary.txt says. Read docs/versioning.md; what was rightly added "
    "is recorded by `REGUA_RECORD=1 pytest tests/workflows/test_vocabulary.py`"
)


def vocabulary() -> list[str]:
    """All lines of today."""
    words = [line for one in dataclasses_of(messages, facts) for line in lines_of(one)]
    crossing = [f"names.{name} = {getattr(names, name)!r}" for name in vars(names) if name.isupper()]
    return sorted({*words, *crossing})


def dataclasses_of(*modules: ModuleType) -> Iterator[type]:
    yield Clock
    for module in modules:
        for one in vars(module).values():
            if isinstance(one, type) and dataclasses.is_dataclass(one):
                yield one


def lines_of(one: type) -> Iterator[str]:
    """Its fields, in words that do not hang on how a type is written."""
    told = get_type_hints(one)
    for field in dataclasses.fields(one):
        name = f"{one.__name__}.{field.name}"
        free = field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
        yield f"{name}: {shape(told[field.name])}{LACK if free else ''}"
        yield from (f"{name} can be {word!r}" for word in words(told[field.name]))


def shape(kind: Any) -> str:
    """A type without the words that it allows, which are lines of their own."""
    inner = get_args(kind)
    if get_origin(kind) is Literal:
        return "word"
    if get_origin(kind) in (Union, UnionType):
        return " or ".join(sorted({shape(each) for each in inner}))
    if get_origin(kind) is Annotated:
        return shape(inner[0])
    if inner:
        return f"{get_origin(kind).__name__} of {', '.join(shape(each) for each in inner)}"
    return "nothing" if kind is type(None) else getattr(kind, "__name__", str(kind))


def words(kind: Any) -> Iterator[str]:
    if get_origin(kind) is Literal:
        yield from get_args(kind)
    else:
        yield from (word for each in get_args(kind) for word in words(each))


def faults(kept: list[str], today: list[str]) -> list[str]:
    """What sleeping cases could not live with."""
    classes = {line.split(".")[0] for line in kept}
    fields = {line.split(":")[0] for line in kept}
    gone = [f"gone or changed: {line}" for line in kept if line not in today and f"{line}{LACK}" not in today]
    needed = [
        f"without a default: {line}"
        for line in today
        if ": " in line and line.split(".")[0] in classes and line.split(":")[0] not in fields and LACK not in line
    ]
    return gone + needed


def test_what_histories_and_ledgers_hold_can_still_be_read() -> None:
    kept, today = KEPT.read_text(encoding="utf-8").splitlines() if KEPT.exists() else [], vocabulary()
    found = faults(kept, today)
    assert found == [], EXPLAIN.format("\n".join(found))
    if os.environ.get("REGUA_RECORD"):
        KEPT.write_text("\n".join(today) + "\n", encoding="utf-8")
        return
    new = [line for line in today if line not in kept]
    assert new == [], EXPLAIN.format("\n".join(new))


@dataclasses.dataclass
class Said:
    """A message as it was once."""

    case_id: str
    hold: Literal["court", "death"]
    at: int | None = None


CASE, HOLD, AT = ("case_id", str), ("hold", Literal["court", "death"]), ("at", int | None, None)
CHANGES: dict[str, tuple[list[tuple[Any, ...]], bool]] = {
    "nothing": ([CASE, HOLD, AT], True),
    "a field with a default": ([CASE, HOLD, AT, ("why", str, "")], True),
    "a word more": ([CASE, ("hold", Literal["court", "death", "sea"]), AT], True),
    "a default": ([CASE, (*HOLD, "court"), AT], True),
    "a field without a default": ([CASE, HOLD, ("why", str), AT], False),
    "a field renamed": ([("case", str), HOLD, AT], False),
    "a field removed": ([CASE, AT], False),
    "a word less": ([CASE, ("hold", Literal["court"]), AT], False),
    "another type": ([("case_id", int), HOLD, AT], False),
    "a default less": ([CASE, HOLD, ("at", int | None)], False),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_message_may_grow_by_what_can_be_lacking_and_by_nothing_else(change: str) -> None:
    fields, right = CHANGES[change]
    changed = dataclasses.make_dataclass("Said", fields)
    assert (faults(list(lines_of(Said)), list(lines_of(changed))) == []) == right

"""Reading the nodes of a YAML file strictly: each value converted or refused with its line, all faults collected.

Used by `domain.policy_file`. A converter takes a node and gives its value, or raises WrongError.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar, cast

import yaml

from domain.errors import BadFile, Fault
from domain.policy import Offset, Unit

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

LENGTH = "a number from 0 to 999 and a unit, d (days), bd (business days), w (weeks) or m (months)"
LONGEST_HOURS = 168
"""A week: what comes more rarely is the business of the caps."""
IDENTIFIER = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
IDENTIFIER_WANTED = "write up to 60 small letters, digits, - and _, like atraso-1"
AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,2})?")
AMOUNT_WANTED = "an amount in reais like 200 or 199.90"


class WrongError(Exception):
    """A value that cannot be used: what was found, what would be right."""

    def __init__(self, found: str, wanted: str) -> None:
        self.found, self.wanted = found, wanted


class Reader:
    """Collects the faults of one file, so that its author sees them all at once."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.faults: list[tuple[int, Fault]] = []

    def fault(self, line: int, found: str, wanted: str) -> None:
        """Something wrong in this line: what was found, what would be right."""
        self.faults.append((line, Fault(f"{self.file}:{line}", found, wanted)))

    def finish(self) -> None:
        """Raise BadFile if anything was wrong."""
        if self.faults:
            raise BadFile(self.file, [fault for _, fault in sorted(self.faults, key=lambda placed: placed[0])])

    def mapping(self, node: yaml.Node, what: str, allowed: Collection[str] | None = None) -> dict[str, yaml.Node]:
        """The values of a mapping by key; unknown and repeated keys are faults and left out. None allows any key."""
        if not isinstance(node, yaml.MappingNode):
            expected = f"keys with values: {', '.join(allowed)}" if allowed else "keys with values"
            self.fault(line_of(node), f"{what} is {shown(node)}", f"write {expected}")
            return {}
        fields: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else shown(key)
            if allowed is not None and name not in allowed:
                found = f"{what} has an unknown key {quoted(name)}"
                self.fault(line_of(key), found, f"allowed are {', '.join(allowed)}")
            elif name in fields:
                self.fault(line_of(key), f"{what} has the key {quoted(name)} twice", "write it once")
            else:
                fields[name] = value
        return fields

    def value(self, fields: Mapping[str, yaml.Node], key: str, convert: Callable[[yaml.Node], T], default: T) -> T:
        """The converted value of a key; the default where the key is absent or, with a fault, where it is wrong."""
        if key not in fields:
            return default
        try:
            return convert(fields[key])
        except WrongError as wrong:
            self.fault(line_of(fields[key]), f"`{key}:` {wrong.found}", wrong.wanted)
            return default

    def require(self, fields: Mapping[str, yaml.Node], node: yaml.Node, keys: Sequence[str], what: str) -> None:
        """A fault for every key that should be there and is not."""
        for key in keys:
            if key not in fields and isinstance(node, yaml.MappingNode):
                self.fault(line_of(node), f"{what} has no `{key}`", f"{what} needs {', '.join(keys)}")


def line_of(node: yaml.Node) -> int:
    """The line in which a node begins, 1-based."""
    return int(node.start_mark.line) + 1


def quoted(value: str) -> str:
    """A value as messages show it: short, printable, in backticks."""
    return "`" + "".join(char if char.isprintable() else "?" for char in value[:60]) + "`"


def shown(node: yaml.Node) -> str:
    """A node as messages show it."""
    if isinstance(node, yaml.ScalarNode):
        return quoted(node.value) if node.value else "empty"
    return "a list" if isinstance(node, yaml.SequenceNode) else "a mapping"


def tag(node: yaml.Node) -> str:
    """What YAML takes a node for: str, int, bool ..."""
    return str(node.tag).rpartition(":")[2]


def compose(source: str, reader: Reader, keys: Collection[str]) -> yaml.Node:
    """The node tree of a file with these keys, by the rules of YAML 1.1; raises BadFile where there is none."""
    try:
        node = yaml.compose(source, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        _unreadable(reader, source, error)
    except (ValueError, OverflowError):  # an escape or a directive with an impossible number
        reader.fault(1, "the file has a number or an escape that YAML does not allow", "write plain text")
    except RecursionError:
        reader.fault(1, "lists or mappings lie too deep in each other", "a policy has three levels")
    else:
        if isinstance(node, yaml.MappingNode):
            return node
        found = f"the file is {shown(node)}" if node is not None else "the file is empty"
        reader.fault(1, found, f"write the keys of a policy: {', '.join(keys)}")
    reader.finish()
    raise AssertionError("a file without a node tree has a fault")


def _unreadable(reader: Reader, source: str, error: yaml.YAMLError) -> None:
    tabs = [
        number for number, line in enumerate(source.split("\n"), 1) if "\t" in line[: len(line) - len(line.lstrip())]
    ]
    mark = getattr(error, "problem_mark", None)
    for number in tabs:
        reader.fault(number, "the line begins with a tab", "indent with spaces")
    if tabs:
        return
    if mark is None:  # a character that no YAML file may have; its position is all that is known
        line = source.count("\n", 0, getattr(error, "position", 0) or 0) + 1
        reader.fault(line, "a character that cannot be printed", "write plain UTF-8 text")
    elif source[mark.index : mark.index + 1] == "\t":
        reader.fault(mark.line + 1, "a tab", "separate with spaces")
    else:
        problem = getattr(error, "problem", None) or "it does not follow the rules"
        line = min(mark.line + 1, source.count("\n"))  # an end that comes too early is that of the last line
        reader.fault(line, f"this is not YAML: {problem}", "write `key: value`, lists as `- item` or `[a, b]`")


def text(node: yaml.Node) -> str:
    """One line of text."""
    if not isinstance(node, yaml.ScalarNode) or not node.value:
        raise WrongError(f"is {shown(node)}", "write text")
    if tag(node) != "str":
        raise WrongError(
            f"{shown(node)} is read as {tag(node)}, not as text", "put it in quotes if it is meant as text"
        )
    if not node.value.isprintable():
        raise WrongError("has characters that cannot be printed", "write one line of text")
    return str(node.value)


def identifier(node: yaml.Node) -> str:
    """A name of steps, texts and offers."""
    value = text(node)
    if not IDENTIFIER.fullmatch(value):
        raise WrongError(f"{shown(node)} is no identifier", IDENTIFIER_WANTED)
    return value


def one_of(allowed: Collection[str]) -> Callable[[yaml.Node], str]:
    """A converter that takes one of these words."""

    def convert(node: yaml.Node) -> str:
        if isinstance(node, yaml.ScalarNode) and node.value in allowed:
            return str(node.value)
        raise WrongError(f"{shown(node)} is unknown", f"allowed are {', '.join(allowed)}")

    return convert


def member(kind: type[E]) -> Callable[[yaml.Node], E]:
    """A converter that takes a member of an enumeration by its word."""
    choose = one_of([member.value for member in kind])
    return lambda node: kind(choose(node))


def count(node: yaml.Node) -> int:
    """A number of at least one."""
    if isinstance(node, yaml.ScalarNode) and tag(node) == "int" and re.fullmatch(r"[1-9][0-9]{0,2}", node.value):
        return int(node.value)
    raise WrongError(f"is {shown(node)}", "write a whole number from 1 to 999")


def whole(node: yaml.Node) -> int:
    """A number from zero on."""
    if isinstance(node, yaml.ScalarNode) and tag(node) == "int" and re.fullmatch(r"0|[1-9][0-9]{0,2}", node.value):
        return int(node.value)
    raise WrongError(f"is {shown(node)}", "write a whole number from 0 to 999")


def percent(node: yaml.Node) -> Decimal:
    """A share from 0 to 100, in per cent, at most two decimals."""
    match = isinstance(node, yaml.ScalarNode) and re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]{1,2})?) ?%", node.value)
    if not match or Decimal(match[1]) > 100:
        raise WrongError(f"is {shown(node)}", "write a per cent from 0% to 100%, like 20% or 1.5%")
    return Decimal(match[1])


def amount(node: yaml.Node) -> Decimal:
    """Reais."""
    if isinstance(node, yaml.ScalarNode) and tag(node) in {"int", "float"} and AMOUNT.fullmatch(node.value):
        return Decimal(node.value)
    raise WrongError(f"is {shown(node)}", f"write {AMOUNT_WANTED}, with a point and without quotes")


def offset(node: yaml.Node) -> Offset:
    """A length of time, also of nothing."""
    match = isinstance(node, yaml.ScalarNode) and re.fullmatch(r"([0-9]{1,3})(d|bd|w|m)", node.value)
    if not match:
        raise WrongError(f"is {shown(node)}", f"write {LENGTH}, like 10bd")
    return Offset(int(match[1]), cast(Unit, match[2]))


def length(node: yaml.Node) -> Offset:
    """A length of time of at least one day."""
    moved = offset(node)
    if not moved.amount:
        raise WrongError(f"is {shown(node)}", "write a time of at least 1d")
    return moved


def days(node: yaml.Node) -> int:
    """A number of calendar days, at least one."""
    moved = length(node)
    if moved.unit != "d":
        raise WrongError(f"is {shown(node)}", "write calendar days, like 15d")
    return moved.amount


def hours(node: yaml.Node) -> timedelta:
    """A length of time in hours, also of nothing."""
    match = isinstance(node, yaml.ScalarNode) and re.fullmatch(r"([0-9]{1,3})h", node.value)
    if not match or int(match[1]) > LONGEST_HOURS:
        raise WrongError(f"is {shown(node)}", f"write hours from 0h to {LONGEST_HOURS}h, like 4h")
    return timedelta(hours=int(match[1]))

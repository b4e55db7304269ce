"""The policy file: a ladder of dated steps, read strictly and refused whole with every fault in it.

`docs/policy.md` is the reference for those who write one. A case keeps the ladder that it started with, pinned by
`Policy.hash`.
"""

from __future__ import annotations

import hashlib
import operator
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal, TypeVar, cast, get_args

import yaml

from domain.errors import BadFile, Fault

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

Unit = Literal["d", "bd", "w", "m"]
Proof = Literal["sent", "delivered", "read", "received-by-name"]
AlreadyLate = Literal["from-the-start", "as-dated"]
FirstWave = Literal["needs-release", "free"]
PrincipalOnly = Literal["impute", "keep", "waive"]
Hours = tuple[time, time]

ANCHORS = ("due", "previous", "notice.deadline", "protest.over", "promise.broken")
PAST_ANCHORS = frozenset({"previous", "protest.over", "promise.broken"})
"""Anchors that are known only once they have happened: nothing can be planned before them."""
ROLES = ("supervisor", "manager", "lawyer")
PROTEST_STATES = ("registered", "impossible", "refused", "skipped", "paid", "withdrawn", "none")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Do(StrEnum):
    """What a step does."""

    CONTACT = "contact"
    TASK = "task"
    NOTICE = "notice"
    PROTEST = "protest"
    LEGAL = "legal"
    NEGOTIATE = "negotiate"
    LIST = "list"


class Late(StrEnum):
    """What happens to a step whose moment was missed."""

    SEND = "send"
    COLLAPSE = "collapse"
    SKIP = "skip"
    NEVER_SKIP = "never-skip"


FIRM = frozenset({Do.NOTICE, Do.PROTEST, Do.LEGAL})
"""Steps that are never passed over because their moment was missed."""

CHANNELS: Mapping[Do, tuple[str, ...]] = {
    Do.CONTACT: ("email", "sms", "whatsapp", "voice", "letter"),
    Do.TASK: ("call",),
    Do.NOTICE: ("letter", "email", "sms", "whatsapp"),
    Do.NEGOTIATE: ("email", "sms", "whatsapp", "voice", "letter"),
    Do.LIST: (),
    Do.PROTEST: (),
    Do.LEGAL: (),
}
"""The channels that `by` may name, by kind of step."""

BUILT: Mapping[Do, frozenset[str]] = {
    Do.CONTACT: frozenset({"email", "sms"}),
    Do.TASK: frozenset({"call"}),
    Do.NOTICE: frozenset({"letter", "email", "sms"}),
    Do.PROTEST: frozenset(),
    Do.LEGAL: frozenset(),
}
"""The kinds of step and their channels that this version performs; what is not here parses and is passed over."""


@dataclass(frozen=True)
class Offset:
    """A length of time: calendar days (d), bank business days (bd), weeks (w) or months (m); negative is before."""

    amount: int
    unit: Unit

    def __str__(self) -> str:
        return f"{self.amount}{self.unit}"


@dataclass(frozen=True)
class At:
    """When a step is due: an anchor, moved by an offset, then moved to the last day of its month if asked."""

    anchor: str
    offset: Offset | None = None
    end_of_month: bool = False

    def __str__(self) -> str:
        moved = ""
        if self.offset:
            moved = f" {'-' if self.offset.amount < 0 else '+'} {abs(self.offset.amount)}{self.offset.unit}"
        return f"{'end of month of ' if self.end_of_month else ''}{self.anchor}{moved}"


_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}
_NUMBERS: Mapping[str, tuple[re.Pattern[str], str]] = {
    "balance": (re.compile(r"[0-9]{1,12}(\.[0-9]{1,2})?"), "an amount in reais like 200 or 199.90"),
    "days_late": (re.compile(r"-?[0-9]{1,5}"), "a whole number of days like 30"),
}
_WORDS: Mapping[str, tuple[str, ...]] = {"debtor": ("company", "consumer"), "protest": PROTEST_STATES}


@dataclass(frozen=True)
class Comparison:
    """One comparison of a condition; `value` is kept as written (reais, days or a word)."""

    name: str
    operator: str
    value: str

    def holds(self, values: Mapping[str, Decimal | int | str]) -> bool:
        """Whether it is true of `values`; a KeyError says that the caller left the name out."""
        compare = _COMPARE[self.operator]
        if self.name in _NUMBERS:
            return compare(Decimal(values[self.name]), Decimal(self.value))
        return compare(values[self.name], self.value)

    def __str__(self) -> str:
        return f"{self.name} {self.operator} {self.value}"


@dataclass(frozen=True)
class Condition:
    """`when:` of a step: comparisons that must all hold."""

    comparisons: tuple[Comparison, ...]

    def holds(self, values: Mapping[str, Decimal | int | str]) -> bool:
        """Whether all comparisons hold for today's facts.

        `values` has `balance` (Decimal reais), `days_late` (calendar days after the due date, negative before it),
        `debtor` (company or consumer) and `protest` (one of PROTEST_STATES).
        """
        return all(comparison.holds(values) for comparison in self.comparisons)

    def __str__(self) -> str:
        return " and ".join(map(str, self.comparisons))


@dataclass(frozen=True)
class Step:
    """One rung of a ladder. `line` is where it stands in the file, 1-based."""

    id: str
    at: At
    do: Do
    by: tuple[str, ...] = ()
    text: str | None = None
    offer: str | None = None
    within: Offset | None = None
    deadline: Offset | None = None
    when: Condition | None = None
    approve: str | None = None
    late: Late = Late.SEND
    line: int = 0


@dataclass(frozen=True)
class ContactRules:
    """The debtor's local hours by weekday (0 is Monday, None is closed) and how many contacts a debtor gets at most."""

    hours: Mapping[int, Hours | None] = field(hash=False)
    per_day: int
    per_week: int


@dataclass(frozen=True)
class Entry:
    """What happens to invoices that are already late when they come in."""

    already_late: AlreadyLate = "from-the-start"
    first_wave: FirstWave = "needs-release"


@dataclass(frozen=True)
class PromiseRules:
    """How far ahead a promise may lie, in calendar days, and how many promises a case may have."""

    longest: int = 15
    most: int = 2
    shorten_after: int = 0
    """So many broken promises let the friendly steps before the next firm one fall away; 0 = never."""


@dataclass(frozen=True)
class PaymentRules:
    """What money means to the ladder.

    `respite`: how long the ladder rests after a part payment. `principal_only`: a payment of exactly the open principal
    is imputed to charges first (CC art. 354), or to capital, the charges being kept or waived. `clearing`: how long past
    its expected day money on its way is waited for. `claimed`: how long "I already paid" holds.
    """

    respite: Offset | None = None
    principal_only: PrincipalOnly = "impute"
    clearing: Offset = Offset(2, "bd")
    claimed: Offset = Offset(3, "bd")


@dataclass(frozen=True)
class Discount:
    """What is taken off for cash when a debt is at least so many days late, in per cent of charges and principal."""

    days_late: int
    percent: Decimal


@dataclass(frozen=True)
class PlanRules:
    """What may be agreed without asking anybody: at most so many instalments, at least so much down (per cent) and per
    instalment (reais), interest per month (per cent), discounts for cash, the tolerance before a late instalment breaks
    the plan, and how long an offer stands."""

    most: int = 6
    down: Decimal = Decimal(20)
    minimum: Decimal = Decimal("50.00")
    interest: Decimal = Decimal(0)
    tolerance: Offset = Offset(5, "d")
    answer: Offset = Offset(5, "bd")
    discounts: tuple[Discount, ...] = ()


@dataclass(frozen=True)
class Offer:
    """A named offer that a step can make: instalments beside the down payment (0 = cash), down payment in per cent."""

    name: str
    instalments: int
    down: Decimal


@dataclass(frozen=True)
class DisputeRules:
    """How long the creditor has to answer a dispute, and the debtor to explain one that he has not explained."""

    deadline: Offset = Offset(10, "bd")
    explain: Offset = Offset(5, "bd")


OFFICE_HOURS: Hours = (time(9), time(18))
"""From Monday to Friday the law of every state allows these."""
DEFAULT_CONTACT = ContactRules({day: OFFICE_HOURS if day < 5 else None for day in range(7)}, per_day=1, per_week=3)
DEFAULT_WARNING = Offset(90, "d")


@dataclass(frozen=True)
class Policy:
    """A ladder with its rules. `hash` is the SHA-256 (hex) of `text`, the file with its line ends made alike."""

    name: str
    title: str
    contact: ContactRules
    entry: Entry
    grace: Offset | None
    tolerance: Decimal
    proof: Proof
    promise: PromiseRules
    dispute: DisputeRules
    payments: PaymentRules
    plan: PlanRules
    offers: tuple[Offer, ...]
    warn: Offset
    """How long before a limitation term ends a person is warned."""
    steps: tuple[Step, ...]
    hash: str
    text: str


@dataclass(frozen=True)
class Note:
    """Something in a good file that this version passes over, and why."""

    line: int
    step: str
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}: step {self.step}: {self.reason}"


def built_channels(step: Step) -> tuple[str, ...]:
    """The channels of a step that this version can use, in the order of the file."""
    built = BUILT.get(step.do, frozenset())
    return tuple(channel for channel in step.by if channel in built)


def passed_over(policy: Policy) -> tuple[Note, ...]:
    """What the policy asks for that is not built yet, with line and reason: kinds of step, channels, offers."""
    return tuple(Note(step.line, step.id, reason) for step in policy.steps for reason in _not_built(step))


def passed_over_reason(step: Step) -> str | None:
    """Why this version passes the whole step over, if it does: its kind or every channel of it is not built yet."""
    if step.do not in BUILT:
        return f"do: {step.do} is not built yet"
    if step.by and not built_channels(step):
        return f"{', '.join(step.by)} not built yet for a {step.do}"
    return None


def _not_built(step: Step) -> list[str]:
    if reason := passed_over_reason(step):
        return [f"{reason}, the step is passed over"]
    usable = built_channels(step)
    reasons = [
        f"{channel} is not built yet for a {step.do}, the step uses {', '.join(usable)}"
        for channel in step.by
        if channel not in usable
    ]
    if step.offer:
        reasons.append(f"offer {step.offer} is not built yet, the text goes out without it")
    return reasons


def parse_policy(text: str, file: str) -> Policy:
    """Read a policy file.

    `text` is its content, `file` the name that messages show. Raises BadFile with every fault at once, each placed as
    "file:line". The same text always gives the same policy, line ends and trailing blanks aside.
    """
    text = _normalised(text)
    reader = _Reader(file)
    policy = _policy(reader, _compose(text, reader), text)
    reader.finish()
    return policy


def _normalised(text: str) -> str:
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(line.rstrip(" \t") for line in lines).rstrip("\n") + "\n"


# --- reading nodes ----------------------------------------------------------------------------------------------------


class _WrongError(Exception):
    """A value that cannot be used: what was found, what would be right."""

    def __init__(self, found: str, wanted: str) -> None:
        self.found, self.wanted = found, wanted


class _Reader:
    """Collects the faults of one file, so that its author sees them all at once."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.faults: list[tuple[int, Fault]] = []

    def fault(self, line: int, found: str, wanted: str) -> None:
        self.faults.append((line, Fault(f"{self.file}:{line}", found, wanted)))

    def finish(self) -> None:
        """Raise BadFile if anything was wrong."""
        if self.faults:
            raise BadFile(self.file, [fault for _, fault in sorted(self.faults, key=lambda placed: placed[0])])

    def mapping(self, node: yaml.Node, what: str, allowed: Collection[str] | None = None) -> dict[str, yaml.Node]:
        """The values of a mapping by key; unknown and repeated keys are faults and left out. None allows any key."""
        if not isinstance(node, yaml.MappingNode):
            expected = f"keys with values: {', '.join(allowed)}" if allowed else "keys with values"
            self.fault(_line(node), f"{what} is {_shown(node)}", f"write {expected}")
            return {}
        fields: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else _shown(key)
            if allowed is not None and name not in allowed:
                found = f"{what} has an unknown key {_quoted(name)}"
                self.fault(_line(key), found, f"allowed are {', '.join(allowed)}")
            elif name in fields:
                self.fault(_line(key), f"{what} has the key {_quoted(name)} twice", "write it once")
            else:
                fields[name] = value
        return fields

    def value(self, fields: Mapping[str, yaml.Node], key: str, convert: Callable[[yaml.Node], T], default: T) -> T:
        """The converted value of a key; the default where the key is absent or, with a fault, where it is wrong."""
        if key not in fields:
            return default
        try:
            return convert(fields[key])
        except _WrongError as wrong:
            self.fault(_line(fields[key]), f"`{key}:` {wrong.found}", wrong.wanted)
            return default

    def require(self, fields: Mapping[str, yaml.Node], node: yaml.Node, keys: Sequence[str], what: str) -> None:
        """A fault for every key that should be there and is not."""
        for key in keys:
            if key not in fields and isinstance(node, yaml.MappingNode):
                self.fault(_line(node), f"{what} has no `{key}`", f"{what} needs {', '.join(keys)}")


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _quoted(value: str) -> str:
    return "`" + "".join(char if char.isprintable() else "?" for char in value[:60]) + "`"


def _shown(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode):
        return _quoted(node.value) if node.value else "empty"
    return "a list" if isinstance(node, yaml.SequenceNode) else "a mapping"


def _tag(node: yaml.Node) -> str:
    return str(node.tag).rpartition(":")[2]


def _compose(text: str, reader: _Reader) -> yaml.Node:
    """The node tree, by the rules of YAML 1.1; raises BadFile where there is none."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        _unreadable(reader, text, error)
    except (ValueError, OverflowError):  # an escape or a directive with an impossible number
        reader.fault(1, "the file has a number or an escape that YAML does not allow", "write plain text")
    except RecursionError:
        reader.fault(1, "lists or mappings lie too deep in each other", "a policy has three levels")
    else:
        if isinstance(node, yaml.MappingNode):
            return node
        found = f"the file is {_shown(node)}" if node is not None else "the file is empty"
        reader.fault(1, found, f"write the keys of a policy: {', '.join(_POLICY_KEYS)}")
    reader.finish()
    raise AssertionError("a file without a node tree has a fault")


def _unreadable(reader: _Reader, text: str, error: yaml.YAMLError) -> None:
    tabs = [number for number, line in enumerate(text.split("\n"), 1) if "\t" in line[: len(line) - len(line.lstrip())]]
    mark = getattr(error, "problem_mark", None)
    for number in tabs:
        reader.fault(number, "the line begins with a tab", "indent with spaces")
    if tabs:
        return
    if mark is None:  # a character that no YAML file may have; its position is all that is known
        line = text.count("\n", 0, getattr(error, "position", 0) or 0) + 1
        reader.fault(line, "a character that cannot be printed", "write plain UTF-8 text")
    elif text[mark.index : mark.index + 1] == "\t":
        reader.fault(mark.line + 1, "a tab", "separate with spaces")
    else:
        problem = getattr(error, "problem", None) or "it does not follow the rules"
        line = min(mark.line + 1, text.count("\n"))  # an end that comes too early is that of the last line
        reader.fault(line, f"this is not YAML: {problem}", "write `key: value`, lists as `- item` or `[a, b]`")


def _text(node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode) or not node.value:
        raise _WrongError(f"is {_shown(node)}", "write text")
    if _tag(node) != "str":
        raise _WrongError(
            f"{_shown(node)} is read as {_tag(node)}, not as text", "put it in quotes if it is meant as text"
        )
    if not node.value.isprintable():
        raise _WrongError("has characters that cannot be printed", "write one line of text")
    return str(node.value)


def _identifier(node: yaml.Node) -> str:
    value = _text(node)
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,59}", value):
        raise _WrongError(
            f"{_shown(node)} is no identifier", "write up to 60 small letters, digits, - and _, like atraso-1"
        )
    return value


def _one_of(allowed: Collection[str]) -> Callable[[yaml.Node], str]:
    def convert(node: yaml.Node) -> str:
        if isinstance(node, yaml.ScalarNode) and node.value in allowed:
            return str(node.value)
        raise _WrongError(f"{_shown(node)} is unknown", f"allowed are {', '.join(allowed)}")

    return convert


def _member(kind: type[E]) -> Callable[[yaml.Node], E]:
    choose = _one_of([member.value for member in kind])
    return lambda node: kind(choose(node))


def _count(node: yaml.Node) -> int:
    if isinstance(node, yaml.ScalarNode) and _tag(node) == "int" and re.fullmatch(r"[1-9][0-9]{0,2}", node.value):
        return int(node.value)
    raise _WrongError(f"is {_shown(node)}", "write a whole number from 1 to 999")


def _amount(node: yaml.Node) -> Decimal:
    pattern, wanted = _NUMBERS["balance"]
    if isinstance(node, yaml.ScalarNode) and _tag(node) in {"int", "float"} and pattern.fullmatch(node.value):
        return Decimal(node.value)
    raise _WrongError(f"is {_shown(node)}", f"write {wanted}, with a point and without quotes")


def _offset(node: yaml.Node) -> Offset:
    match = isinstance(node, yaml.ScalarNode) and re.fullmatch(r"([0-9]{1,3})(d|bd|w|m)", node.value)
    if not match:
        raise _WrongError(f"is {_shown(node)}", f"write {_LENGTH}, like 10bd")
    return Offset(int(match[1]), cast(Unit, match[2]))


def _length(node: yaml.Node) -> Offset:
    offset = _offset(node)
    if not offset.amount:
        raise _WrongError(f"is {_shown(node)}", "write a time of at least 1d")
    return offset


def _days(node: yaml.Node) -> int:
    offset = _length(node)
    if offset.unit != "d":
        raise _WrongError(f"is {_shown(node)}", "write calendar days, like 15d")
    return offset.amount


_LENGTH = "a number from 0 to 999 and a unit, d (days), bd (business days), w (weeks) or m (months)"
_AT = re.compile(r"(end of month of )?([^\s+-]+)(?: ?([+-]) ?([0-9]{1,3})(d|bd|w|m))?")
_AT_WANTED = f"write [end of month of] an anchor ({', '.join(ANCHORS)}) [+ or - {_LENGTH}], like due + 1bd"


def _at(node: yaml.Node) -> At:
    match = _AT.fullmatch(" ".join(_text(node).split()))
    if not match:
        raise _WrongError(f"{_shown(node)} is no moment", _AT_WANTED)
    if match[2] not in ANCHORS:
        raise _WrongError(f"{_shown(node)} has the unknown anchor `{match[2]}`", f"anchors are {', '.join(ANCHORS)}")
    offset = Offset(int(f"{match[3]}{match[4]}"), cast(Unit, match[5])) if match[3] else None
    return At(match[2], offset, bool(match[1]))


def _condition(node: yaml.Node) -> Condition:
    return Condition(tuple(_comparison(part) for part in re.split(r"\s+and\s+", _text(node).strip())))


def _comparison(part: str) -> Comparison:
    match = re.fullmatch(r"([^\s<>=!]+)\s*(>=|<=|==|!=|=|<|>)\s*([^\s<>=!]+)", part)
    if not match:
        raise _WrongError(f"`{part[:60]}` is no comparison", "write comparisons like balance >= 200, joined by `and`")
    name, sign, value = match[1], "==" if match[2] == "=" else match[2], match[3]
    if name in _NUMBERS:
        pattern, wanted = _NUMBERS[name]
        if not pattern.fullmatch(value):
            raise _WrongError(f"cannot compare {name} with `{value[:60]}`", f"compare it with {wanted}")
    elif name not in _WORDS:
        raise _WrongError(f"`{name[:60]}` cannot be compared", f"compare {', '.join([*_NUMBERS, *_WORDS])}")
    elif sign not in {"==", "!="}:
        raise _WrongError(f"{name} cannot be compared with {sign}", "use == or !=")
    elif value not in _WORDS[name]:
        raise _WrongError(f"{name} is never `{value[:60]}`", f"it is one of {', '.join(_WORDS[name])}")
    return Comparison(name, sign, value)


# --- the top level ----------------------------------------------------------------------------------------------------

_POLICY_KEYS = ("policy", "title", "contact", "entry", "grace", "tolerance", "proof", "promise", "dispute", "steps")


def _policy(reader: _Reader, node: yaml.Node, text: str) -> Policy:
    fields = reader.mapping(node, "the policy", _POLICY_KEYS)
    reader.require(fields, node, ("policy", "steps"), "the policy")
    name = reader.value(fields, "policy", _identifier, "")
    return Policy(
        name=name,
        title=reader.value(fields, "title", _text, name),
        contact=_contact(reader, fields["contact"]) if "contact" in fields else DEFAULT_CONTACT,
        entry=_entry(reader, fields["entry"]) if "entry" in fields else Entry(),
        grace=reader.value(fields, "grace", _offset, None),
        tolerance=reader.value(fields, "tolerance", _amount, Decimal("0.00")),
        proof=cast(Proof, reader.value(fields, "proof", _one_of(get_args(Proof)), "delivered")),
        promise=_promise(reader, fields["promise"]) if "promise" in fields else PromiseRules(),
        dispute=_dispute(reader, fields["dispute"]) if "dispute" in fields else DisputeRules(),
        payments=PaymentRules(),
        plan=PlanRules(),
        offers=(),
        warn=DEFAULT_WARNING,
        steps=_steps(reader, fields["steps"]) if "steps" in fields else (),
        hash=hashlib.sha256(text.encode()).hexdigest(),
        text=text,
    )


def _contact(reader: _Reader, node: yaml.Node) -> ContactRules:
    fields = reader.mapping(node, "contact", ("hours", "per_day", "per_week"))
    rules = ContactRules(
        hours=_hours(reader, fields["hours"]) if "hours" in fields else DEFAULT_CONTACT.hours,
        per_day=reader.value(fields, "per_day", _count, DEFAULT_CONTACT.per_day),
        per_week=reader.value(fields, "per_week", _count, DEFAULT_CONTACT.per_week),
    )
    if rules.per_day > rules.per_week:
        reader.fault(
            _line(fields.get("per_day", node)),
            f"per_day {rules.per_day} is more than per_week {rules.per_week}",
            "a day's contacts are part of the week's: write a smaller per_day or a larger per_week",
        )
    return rules


def _hours(reader: _Reader, node: yaml.Node) -> dict[int, Hours | None]:
    hours: dict[int, Hours | None] = {}
    faults_before = len(reader.faults)
    fields = reader.mapping(node, "hours")
    for key, value in fields.items():
        try:
            days = weekdays(key)
        except ValueError:
            reader.fault(_line(value), f"{_quoted(key)} is no weekday", _WEEKDAYS_WANTED)
            continue
        window = reader.value(fields, key, _window, None)
        if twice := [WEEKDAYS[day] for day in days if day in hours]:
            reader.fault(_line(value), f"`{key}` sets {', '.join(twice)} a second time", "give each weekday one window")
        hours |= dict.fromkeys(days, window)
    if len(reader.faults) == faults_before and not any(_meets_office_hours(hours.get(day)) for day in range(5)):
        reader.fault(
            _line(node),
            "these hours leave no moment that is lawful in every state",
            "open at least one of mon to fri within 09:00-18:00",
        )
    return {day: hours.get(day) for day in range(7)}


_WEEKDAYS_WANTED = f"write one of {', '.join(WEEKDAYS)} or a range of them, like mon-fri"


def weekdays(text: str) -> range:
    """The weekdays (0 is Monday) of `sat` or `mon-fri`; ValueError for anything else, also for a range turned round."""
    first, _, last = text.partition("-")
    days = range(WEEKDAYS.index(first), WEEKDAYS.index(last or first) + 1)
    if not days or text.endswith("-"):
        raise ValueError(text)
    return days


def _meets_office_hours(window: Hours | None) -> bool:
    return window is not None and window[0] < OFFICE_HOURS[1] and window[1] > OFFICE_HOURS[0]


def _window(node: yaml.Node) -> Hours | None:
    if isinstance(node, yaml.ScalarNode) and _tag(node) == "bool" and node.value.lower() in {"off", "no", "false"}:
        return None
    match = isinstance(node, yaml.ScalarNode) and re.fullmatch(
        r"([0-9]{1,2}):([0-5][0-9])\s*-\s*([0-9]{1,2}):([0-5][0-9])", node.value
    )
    if not match:
        raise _WrongError(f"is {_shown(node)}", 'write hours like "09:00-18:00", or off')
    start, end = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
    if start > 24 * 60 or end > 24 * 60:
        raise _WrongError(f"{_shown(node)} is outside the day", "a day's hours lie between 00:00 and 24:00")
    if start >= end:
        raise _WrongError(f"{_shown(node)} ends before it has begun", "write the earlier time first")
    return _time(start), _time(end)


def _time(minutes: int) -> time:
    """Minutes after midnight as a time; 24:00, which `time` cannot hold, is the last instant of the day."""
    return time.max if minutes == 24 * 60 else time(*divmod(minutes, 60))


def _entry(reader: _Reader, node: yaml.Node) -> Entry:
    fields = reader.mapping(node, "entry", ("already_late", "first_wave"))
    already_late = reader.value(fields, "already_late", _one_of(get_args(AlreadyLate)), "from-the-start")
    first_wave = reader.value(fields, "first_wave", _one_of(get_args(FirstWave)), "needs-release")
    return Entry(cast(AlreadyLate, already_late), cast(FirstWave, first_wave))


def _promise(reader: _Reader, node: yaml.Node) -> PromiseRules:
    fields = reader.mapping(node, "promise", ("longest", "most"))
    usual = PromiseRules()
    return PromiseRules(
        reader.value(fields, "longest", _days, usual.longest), reader.value(fields, "most", _count, usual.most)
    )


def _dispute(reader: _Reader, node: yaml.Node) -> DisputeRules:
    fields = reader.mapping(node, "dispute", ("deadline", "explain"))
    usual = DisputeRules()
    return DisputeRules(
        reader.value(fields, "deadline", _length, usual.deadline),
        reader.value(fields, "explain", _length, usual.explain),
    )


# --- steps ------------------------------------------------------------------------------------------------------------

_COMMON_KEYS = ("id", "at", "do", "when", "approve", "late")
_OWN_KEYS: Mapping[Do, tuple[str, ...]] = {
    Do.CONTACT: ("by", "text", "offer"),
    Do.TASK: ("by", "text", "within"),
    Do.NOTICE: ("by", "text", "deadline"),
    Do.PROTEST: (),
    Do.LEGAL: (),
    Do.NEGOTIATE: ("by", "text", "offer", "within"),
    Do.LIST: (),
}
_STEP_KEYS = (*_COMMON_KEYS, "by", "text", "offer", "within", "deadline")
_NEEDED_KEYS: Mapping[Do, tuple[str, ...]] = {
    Do.CONTACT: ("by", "text"),
    Do.TASK: ("text",),
    Do.NOTICE: ("by", "text", "deadline"),
}
_LATE: Mapping[Do, tuple[Late, ...]] = {
    Do.CONTACT: tuple(Late),
    **dict.fromkeys((Do.TASK, Do.NEGOTIATE), (Late.SEND, Late.SKIP, Late.NEVER_SKIP)),
    **dict.fromkeys((Do.NOTICE, Do.PROTEST, Do.LEGAL, Do.LIST), (Late.SEND, Late.NEVER_SKIP)),
}


@dataclass(frozen=True)
class _Draft:
    """What is known of a step for the checks of the whole ladder, where None is "wrong, and said so already"."""

    line: int
    id: str | None
    do: Do | None
    at: At | None


def _steps(reader: _Reader, node: yaml.Node) -> tuple[Step, ...]:
    if not isinstance(node, yaml.SequenceNode) or not node.value:
        found = _shown(node) if node.value else "empty"
        reader.fault(_line(node), f"`steps:` is {found}", "write a list of steps")
        return ()
    drafts: list[_Draft] = []
    steps = tuple(_step(reader, item, drafts) for item in node.value)
    _check_ladder(reader, drafts)
    return steps


def _step(reader: _Reader, node: yaml.Node, drafts: list[_Draft]) -> Step:
    fields = reader.mapping(node, "the step", _STEP_KEYS)
    reader.require(fields, node, ("id", "at", "do"), "the step")
    draft = _Draft(
        line=_line(node),
        id=reader.value(fields, "id", _identifier, None),
        do=reader.value(fields, "do", _member(Do), None),
        at=reader.value(fields, "at", _at, None),
    )
    drafts.append(draft)
    if draft.do:
        _check_keys(reader, fields, node, draft.do)
    do = draft.do or Do.CONTACT
    late = reader.value(fields, "late", _member(Late), Late.SEND)
    if draft.do and late not in _LATE[do]:
        reader.fault(_line(fields["late"]), f"a {do} cannot be `late: {late}`", f"allowed are {', '.join(_LATE[do])}")
    approve = reader.value(fields, "approve", _one_of(ROLES), None)
    return Step(
        id=draft.id or "",
        at=draft.at or At("due"),
        do=do,
        by=reader.value(fields, "by", _channels(draft.do), ()),
        text=reader.value(fields, "text", _identifier, None),
        offer=reader.value(fields, "offer", _identifier, None),
        within=reader.value(fields, "within", _length, None),
        deadline=reader.value(fields, "deadline", _length, None),
        when=reader.value(fields, "when", _condition, None),
        # Hand-over to a lawyer always needs approval, also where the file names nobody.
        approve=approve or ("manager" if do is Do.LEGAL else None),
        late=late,
        line=draft.line,
    )


def _check_keys(reader: _Reader, fields: Mapping[str, yaml.Node], node: yaml.Node, do: Do) -> None:
    reader.require(fields, node, _NEEDED_KEYS.get(do, ()), f"a {do}")
    for key, value in fields.items():
        if key not in _COMMON_KEYS and key not in _OWN_KEYS[do]:
            owners = ", ".join(kind for kind in Do if key in _OWN_KEYS[kind])
            reader.fault(_line(value), f"a {do} has no `{key}`", f"`{key}` belongs to: {owners}")


def _channels(do: Do | None) -> Callable[[yaml.Node], tuple[str, ...]]:
    """Reads `by` of a kind of step; of an unknown kind, any channel is taken."""
    allowed = CHANNELS[do] if do else tuple(dict.fromkeys(name for names in CHANNELS.values() for name in names))

    def convert(node: yaml.Node) -> tuple[str, ...]:
        if not allowed:  # said already: this kind of step has no `by`
            return ()
        choose, wanted = _one_of(allowed), f"write a list of {', '.join(allowed)}, like [{allowed[0]}]"
        if not isinstance(node, yaml.SequenceNode) or not node.value:
            raise _WrongError(f"is {_shown(node) if node.value else 'empty'}", wanted)
        channels = tuple(choose(item) for item in node.value)
        if len(set(channels)) < len(channels):
            raise _WrongError("names a channel twice", "write each channel once")
        return channels

    return convert


def _check_ladder(reader: _Reader, drafts: Sequence[_Draft]) -> None:
    """Rules between steps; a step of unknown kind counts as whatever a later one needs."""
    lines: dict[str, int] = {}
    before: set[Do | None] = set()
    for draft in drafts:
        if draft.id in lines:
            found = f"the id `{draft.id}` is that of the step in line {lines[draft.id]}"
            reader.fault(draft.line, found, "give each step an id of its own")
        elif draft.id:
            lines[draft.id] = draft.line
        for found, wanted in [*_order_faults(draft, before), *_anchor_faults(draft, before)]:
            reader.fault(draft.line, found, wanted)
        before.add(draft.do)


def _order_faults(draft: _Draft, before: Collection[Do | None]) -> list[tuple[str, str]]:
    if draft.do is Do.PROTEST and not {Do.NOTICE, None} & {*before}:
        return [("a protest has no notice before it", "put a step `do: notice` with its deadline before the protest")]
    if draft.do is Do.NOTICE and not {Do.CONTACT, None} & {*before}:
        return [("the first word to the debtor is a notice", "put a friendly step `do: contact` before the notice")]
    return []


def _anchor_faults(draft: _Draft, before: Collection[Do | None]) -> list[tuple[str, str]]:
    if draft.at is None:
        return []
    faults = []
    anchor, earlier = draft.at.anchor, draft.at.offset is not None and draft.at.offset.amount < 0
    needed = {"notice.deadline": Do.NOTICE, "protest.over": Do.PROTEST}.get(anchor)
    if needed and not {needed, None} & {*before}:
        faults.append((f"`at: {draft.at}` has no {needed} before it", f"put a step `do: {needed}` before this one"))
    if anchor == "previous" and not before:
        faults.append((f"`at: {draft.at}` is the first step", "count the first step from due"))
    if earlier and anchor in PAST_ANCHORS:
        faults.append((f"`at: {draft.at}` lies before {anchor} is known", f"write {anchor} alone or with +"))
    if earlier and anchor == "notice.deadline" and draft.do is Do.PROTEST:
        faults.append((f"`at: {draft.at}` is a protest within the notice's deadline", "write notice.deadline or later"))
    return faults

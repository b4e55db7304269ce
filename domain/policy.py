"""A policy (*régua de cobrança*): a ladder of dated steps with its rules.

`domain.policy_file` reads one from its file, `docs/policy.md` is the reference for those who write one. A case keeps
the ladder that it started with, pinned by `Policy.hash`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Any, Literal, NamedTuple

Unit = Literal["d", "bd", "w", "m"]
Proof = Literal["sent", "delivered", "read", "received-by-name"]
AlreadyLate = Literal["from-the-start", "as-dated"]
FirstWave = Literal["needs-release", "free"]
PrincipalOnly = Literal["impute", "keep", "waive"]
Refused = Literal["failed", "delivered"]
Silence = Literal["withdraw", "leave"]
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
    AGENCY = "agency"


class Late(StrEnum):
    """What happens to a step whose moment was missed."""

    SEND = "send"
    COLLAPSE = "collapse"
    SKIP = "skip"
    NEVER_SKIP = "never-skip"


FIRM = frozenset({Do.NOTICE, Do.PROTEST, Do.LEGAL, Do.AGENCY, Do.LIST})
"""Steps that are never passed over because their moment was missed."""
AFTER_NOTICE = frozenset({Do.PROTEST, Do.NEGOTIATE, Do.LIST})
"""Steps for which the notice must be proved and its deadline over (promise 2)."""
HAND_OVERS = frozenset({Do.LEGAL, Do.AGENCY})
"""Steps that give the whole case to somebody else."""

CHANNELS: Mapping[Do, tuple[str, ...]] = {
    Do.CONTACT: ("email", "sms", "whatsapp", "voice", "letter"),
    Do.TASK: ("call",),
    Do.NOTICE: ("letter", "email", "sms", "whatsapp"),
    Do.NEGOTIATE: ("email", "sms", "whatsapp", "voice", "letter"),
    Do.LIST: (),
    Do.PROTEST: (),
    Do.LEGAL: (),
    Do.AGENCY: (),
}
"""The channels that `by` may name, by kind of step."""

BUILT: Mapping[Do, frozenset[str]] = {
    Do.CONTACT: frozenset({"email", "sms", "whatsapp", "voice"}),
    Do.TASK: frozenset({"call"}),
    Do.NOTICE: frozenset({"letter", "email", "sms"}),
    Do.PROTEST: frozenset(),
    Do.LEGAL: frozenset(),
    Do.AGENCY: frozenset(),
    Do.NEGOTIATE: frozenset({"email", "sms", "whatsapp", "voice", "letter"}),
    Do.LIST: frozenset(),
}
"""The kinds of step and their channels that this version performs; what is not here parses and is passed over."""


class Offset(NamedTuple):
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
NUMBERS = ("balance", "days_late")
"""What a condition compares as numbers: reais, and calendar days."""
WORDS: Mapping[str, tuple[str, ...]] = {"debtor": ("company", "consumer"), "protest": PROTEST_STATES}


@dataclass(frozen=True)
class Comparison:
    """One comparison of a condition; `value` is kept as written (reais, days or a word)."""

    name: str
    operator: str
    value: str

    def holds(self, values: Mapping[str, Decimal | int | str]) -> bool:
        """Whether it is true of `values`; a KeyError says that the caller left the name out."""
        compare = _COMPARE[self.operator]
        if self.name in NUMBERS:
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
class QuietDays:
    """Days of every year on which nobody is contacted, (month, day) each, both included; they may run over New Year."""

    first: tuple[int, int]
    last: tuple[int, int]

    def include(self, day: date) -> bool:
        """Is it one of them?"""
        on = (day.month, day.day)
        if self.first <= self.last:
            return self.first <= on <= self.last
        return on >= self.first or on <= self.last


CAPPED = ("email", "sms", "whatsapp", "voice", "call", "letter")
"""Channels that have a cap of their own."""


@dataclass(frozen=True)
class ContactRules:
    """When and how often a debtor is contacted at most, over all his cases.

    `hours` are local, by weekday (0 is Monday, None is closed). `per_day` and `per_week` count all channels; a channel
    that `per_channel` does not name is used once a day. `per_address` counts what one address gets in a day, also
    where several debtors share it. `spacing` lies between two contacts. `cost` is what the contacts of one case may
    cost in reais before only e-mail and letter are left; None is no limit.
    """

    hours: Mapping[int, Hours | None] = field(hash=False)
    per_day: int
    per_week: int
    per_channel: Mapping[str, int] = field(hash=False, default_factory=dict)
    per_address: int = 2
    spacing: timedelta = timedelta(hours=4)
    quiet: tuple[QuietDays, ...] = ()
    cost: Decimal | None = None

    def of_channel(self, channel: str) -> int:
        """How many contacts a day a debtor gets through one channel."""
        return self.per_channel.get(channel, 1)

    def quiet_on(self, day: date) -> bool:
        """Is it a day on which nobody is contacted?"""
        return bool(self.quiet) and any(days.include(day) for days in self.quiet)


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
    is imputed to charges first (CC art. 354), or to capital, the charges being kept or waived. `clearing`: how long
    past its expected day money on its way is waited for. `claimed`: how long "I already paid" holds.
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
    """What may be agreed without asking anybody.

    At most so many instalments beside the down payment, at least so much down (per cent) and per instalment (reais);
    interest per month (per cent), discounts for cash by age, youngest first; the tolerance before a late instalment
    breaks the plan; how long an offer stands.
    """

    most: int = 6
    down: Decimal = Decimal(20)
    minimum: Decimal = Decimal("50.00")
    interest: Decimal = Decimal(0)
    tolerance: Offset = Offset(5, "d")
    answer: Offset = Offset(5, "bd")
    discounts: tuple[Discount, ...] = ()


@dataclass(frozen=True)
class Offer:
    """A named offer that a step can make: so many instalments beside the down payment.

    `down` is in per cent of the debt. No instalments: everything at once, for cash (`down` is 100).
    """

    name: str
    instalments: int
    down: Decimal


@dataclass(frozen=True)
class DisputeRules:
    """How long the creditor has to answer a dispute, and the debtor to explain one that he has not explained."""

    deadline: Offset = Offset(10, "bd")
    explain: Offset = Offset(5, "bd")


@dataclass(frozen=True)
class NoticeRules:
    """How long a proved notice may be acted on, and what a letter proves that the addressee himself refused."""

    valid: Offset = Offset(60, "d")
    refused: Refused = "failed"


@dataclass(frozen=True)
class ProtestRules:
    """What silence means where a dispute or money on its way comes up while the title is at the notary.

    A person is asked whether to take it back; when nobody has answered by the hour it is withdrawn, or left there.
    """

    silence: Silence = "withdraw"


@dataclass(frozen=True)
class ApprovalRules:
    """How long an approval waits for each role in turn, and above how many reais two people must agree (None: never).

    What nobody answers goes to the next role; it never goes out on silence.
    """

    within: Offset = Offset(1, "bd")
    four_eyes: Decimal | None = None


USUAL_OFFERS = (Offer("parcelamento-3x", 3, Decimal(30)), Offer("a-vista", 0, Decimal(100)))
"""What a ladder can offer that describes no offers of its own."""
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
    notice: NoticeRules = NoticeRules()
    approval: ApprovalRules = ApprovalRules()
    protest: ProtestRules = ProtestRules()

    def __hash__(self) -> int:
        """By its text alone: what is worked out for a ladder is kept by it."""
        return hash(self.hash)

    def step(self, name: str) -> Step | None:
        """The step of that name; None where the ladder has none (a pseudo-step, the step of a migrated case)."""
        return self._by_name.get(name)

    def after(self, step: Step) -> tuple[Step, ...]:
        """The steps that stand after this one in the ladder."""
        return self.steps[self.steps.index(step) + 1 :]

    @cached_property
    def is_dated(self) -> bool:
        """Is no step counted from the day on which the one before it was really done?"""
        return all(step.at.anchor != "previous" for step in self.steps)

    @cached_property
    def _by_name(self) -> dict[str, Step]:
        return {step.id: step for step in reversed(self.steps)}


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
    return _built(step.do, step.by)


@lru_cache(maxsize=1024)
def _built(do: Do, by: tuple[str, ...]) -> tuple[str, ...]:
    built = BUILT.get(do, frozenset())
    return tuple(channel for channel in by if channel in built)


def passed_over(policy: Policy) -> tuple[Note, ...]:
    """What the policy asks for that is not built yet, with line and reason: kinds of step, channels."""
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
    return [
        f"{channel} is not built yet for a {step.do}, the step uses {', '.join(usable)}"
        for channel in step.by
        if channel not in usable
    ]


def weekdays(text: str) -> range:
    """The weekdays (0 is Monday) of `sat` or `mon-fri`; ValueError for anything else, also for a range turned round."""
    first, _, last = text.partition("-")
    days = range(WEEKDAYS.index(first), WEEKDAYS.index(last or first) + 1)
    if not days or text.endswith("-"):
        raise ValueError(text)
    return days

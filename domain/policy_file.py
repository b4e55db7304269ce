"""Reading a policy file: its keys, what each may say, the rules between steps; refused whole with every fault in it.

`docs/policy.md` is the reference for those who write one, `domain.policy` the ladder that comes of it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from typing import cast, get_args

import yaml

from domain import policy_nodes as nodes
from domain.policy import (
    AFTER_NOTICE,
    ANCHORS,
    CAPPED,
    CHANNELS,
    DEFAULT_CONTACT,
    DEFAULT_WARNING,
    HAND_OVERS,
    NUMBERS,
    OFFICE_HOURS,
    PAST_ANCHORS,
    ROLES,
    USUAL_OFFERS,
    WEEKDAYS,
    WORDS,
    AlreadyLate,
    ApprovalRules,
    At,
    Comparison,
    Condition,
    ContactRules,
    Discount,
    DisputeRules,
    Do,
    Entry,
    FirstWave,
    Hours,
    Late,
    NoticeRules,
    Offer,
    Offset,
    PaymentRules,
    PlanRules,
    Policy,
    PrincipalOnly,
    PromiseRules,
    Proof,
    ProtestRules,
    QuietDays,
    Refused,
    Silence,
    Step,
    Unit,
    weekdays,
)
from domain.policy_nodes import Reader, WrongError


def parse_policy(text: str, file: str, *, pinned: bool = False) -> Policy:
    """Read a policy file.

    `text` is its content, `file` the name that messages show. Raises BadFile with every fault at once, each placed as
    "file:line". The same text always gives the same policy, line ends and trailing blanks aside.

    `pinned`: a ladder that running cases started with. It was right then, so the rules that came later are not held
    against it: an offer that it does not describe is no offer, as it was before offers were built.
    """
    text = _normalised(text)
    reader = Reader(file)
    policy = _policy(reader, nodes.compose(text, reader, _POLICY_KEYS), text, pinned)
    reader.finish()
    return policy


def _normalised(text: str) -> str:
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(line.rstrip(" \t") for line in lines).rstrip("\n") + "\n"


_WRITTEN: Mapping[str, tuple[re.Pattern[str], str]] = {
    "balance": (nodes.AMOUNT, nodes.AMOUNT_WANTED),
    "days_late": (re.compile(r"-?[0-9]{1,5}"), "a whole number of days like 30"),
}
_AT = re.compile(r"(end of month of )?([^\s+-]+)(?: ?([+-]) ?([0-9]{1,3})(d|bd|w|m))?")
_AT_WANTED = f"write [end of month of] an anchor ({', '.join(ANCHORS)}) [+ or - {nodes.LENGTH}], like due + 1bd"


def _at(node: yaml.Node) -> At:
    match = _AT.fullmatch(" ".join(nodes.text(node).split()))
    if not match:
        raise WrongError(f"{nodes.shown(node)} is no moment", _AT_WANTED)
    if match[2] not in ANCHORS:
        raise WrongError(
            f"{nodes.shown(node)} has the unknown anchor `{match[2]}`", f"anchors are {', '.join(ANCHORS)}"
        )
    offset = Offset(int(f"{match[3]}{match[4]}"), cast(Unit, match[5])) if match[3] else None
    return At(match[2], offset, bool(match[1]))


def _condition(node: yaml.Node) -> Condition:
    return Condition(tuple(_comparison(part) for part in re.split(r"\s+and\s+", nodes.text(node).strip())))


def _comparison(part: str) -> Comparison:
    match = re.fullmatch(r"([^\s<>=!]+)\s*(>=|<=|==|!=|=|<|>)\s*([^\s<>=!]+)", part)
    if not match:
        raise WrongError(f"`{part[:60]}` is no comparison", "write comparisons like balance >= 200, joined by `and`")
    name, sign, value = match[1], "==" if match[2] == "=" else match[2], match[3]
    if name in NUMBERS:
        pattern, wanted = _WRITTEN[name]
        if not pattern.fullmatch(value):
            raise WrongError(f"cannot compare {name} with `{value[:60]}`", f"compare it with {wanted}")
    elif name not in WORDS:
        raise WrongError(f"`{name[:60]}` cannot be compared", f"compare {', '.join([*NUMBERS, *WORDS])}")
    elif sign not in {"==", "!="}:
        raise WrongError(f"{name} cannot be compared with {sign}", "use == or !=")
    elif value not in WORDS[name]:
        raise WrongError(f"{name} is never `{value[:60]}`", f"it is one of {', '.join(WORDS[name])}")
    return Comparison(name, sign, value)


# --- the top level ----------------------------------------------------------------------------------------------------

_POLICY_KEYS = (
    "policy", "title", "contact", "entry", "grace", "tolerance", "proof", "promise", "dispute", "payments", "plan",
    "offers", "limitation", "notice", "approval", "protest", "steps",
)  # fmt: skip


def _policy(reader: Reader, node: yaml.Node, text: str, pinned: bool) -> Policy:
    fields = reader.mapping(node, "the policy", _POLICY_KEYS)
    reader.require(fields, node, ("policy", "steps"), "the policy")
    name = reader.value(fields, "policy", nodes.identifier, "")
    plan = _plan(reader, fields["plan"]) if "plan" in fields else PlanRules()
    offers = _offers(reader, fields, plan)
    choose = _offer_name([offer.name for offer in offers], pinned)
    return Policy(
        name=name,
        title=reader.value(fields, "title", nodes.text, name),
        contact=_contact(reader, fields["contact"]) if "contact" in fields else DEFAULT_CONTACT,
        entry=_entry(reader, fields["entry"]) if "entry" in fields else Entry(),
        grace=reader.value(fields, "grace", nodes.offset, None),
        tolerance=reader.value(fields, "tolerance", nodes.amount, Decimal("0.00")),
        proof=cast(Proof, reader.value(fields, "proof", nodes.one_of(get_args(Proof)), "delivered")),
        promise=_promise(reader, fields["promise"]) if "promise" in fields else PromiseRules(),
        dispute=_dispute(reader, fields["dispute"]) if "dispute" in fields else DisputeRules(),
        payments=_payments(reader, fields["payments"]) if "payments" in fields else PaymentRules(),
        plan=plan,
        offers=offers,
        warn=_limitation(reader, fields["limitation"]) if "limitation" in fields else DEFAULT_WARNING,
        steps=_steps(reader, fields["steps"], choose, pinned) if "steps" in fields else (),
        hash=hashlib.sha256(text.encode()).hexdigest(),
        text=text,
        notice=_notice(reader, fields["notice"]) if "notice" in fields else NoticeRules(),
        approval=_approval(reader, fields["approval"]) if "approval" in fields else ApprovalRules(),
        protest=_protest(reader, fields["protest"]) if "protest" in fields else ProtestRules(),
    )


_CONTACT_KEYS = ("hours", "per_day", "per_week", "per_channel", "per_address", "spacing", "quiet", "cost")


def _contact(reader: Reader, node: yaml.Node) -> ContactRules:
    fields, usual = reader.mapping(node, "contact", _CONTACT_KEYS), DEFAULT_CONTACT
    rules = ContactRules(
        hours=_hours(reader, fields["hours"]) if "hours" in fields else usual.hours,
        per_day=reader.value(fields, "per_day", nodes.count, usual.per_day),
        per_week=reader.value(fields, "per_week", nodes.count, usual.per_week),
        per_channel=_per_channel(reader, fields["per_channel"]) if "per_channel" in fields else usual.per_channel,
        per_address=reader.value(fields, "per_address", nodes.count, usual.per_address),
        spacing=reader.value(fields, "spacing", nodes.hours, usual.spacing),
        quiet=reader.value(fields, "quiet", _quiet, usual.quiet),
        cost=reader.value(fields, "cost", nodes.amount, usual.cost),
    )
    if rules.per_day > rules.per_week:
        reader.fault(
            nodes.line_of(fields.get("per_day", node)),
            f"per_day {rules.per_day} is more than per_week {rules.per_week}",
            "a day's contacts are part of the week's: write a smaller per_day or a larger per_week",
        )
    return rules


def _per_channel(reader: Reader, node: yaml.Node) -> dict[str, int]:
    fields = reader.mapping(node, "per_channel", CAPPED)
    return {channel: reader.value(fields, channel, nodes.count, 1) for channel in fields}


_QUIET_WANTED = "write a list of days and ranges of every year, month-day, like [12-24, 12-26..01-02]"
_QUIET_DAYS = re.compile(r"([0-9]{2}-[0-9]{2})(?:\.\.([0-9]{2}-[0-9]{2}))?")
_MOST_QUIET = 45
"""Days of a year; with more of them the ladder would stand still, and a lawful moment might never be found."""


def _quiet(node: yaml.Node) -> tuple[QuietDays, ...]:
    if not isinstance(node, yaml.SequenceNode):
        raise WrongError(f"is {nodes.shown(node)}", _QUIET_WANTED)
    quiet = tuple(_quiet_days(item) for item in node.value)
    leap_year = (date(2024, 1, 1) + timedelta(days=n) for n in range(366))
    if sum(any(days.include(day) for days in quiet) for day in leap_year) > _MOST_QUIET:
        raise WrongError(f"covers more than {_MOST_QUIET} days of a year", f"write at most {_MOST_QUIET} days")
    return quiet


def _quiet_days(node: yaml.Node) -> QuietDays:
    match = _QUIET_DAYS.fullmatch(node.value) if isinstance(node, yaml.ScalarNode) else None
    try:
        if match:
            return QuietDays(_year_day(match[1]), _year_day(match[2] or match[1]))
    except ValueError:
        pass
    raise WrongError(f"{nodes.shown(node)} is no day of the year", _QUIET_WANTED)


def _year_day(text: str) -> tuple[int, int]:
    day = date.fromisoformat(f"2024-{text}")  # a leap year has all of them
    return day.month, day.day


def _hours(reader: Reader, node: yaml.Node) -> dict[int, Hours | None]:
    hours: dict[int, Hours | None] = {}
    faults_before = len(reader.faults)
    fields = reader.mapping(node, "hours")
    for key, value in fields.items():
        try:
            days = weekdays(key)
        except ValueError:
            reader.fault(nodes.line_of(value), f"{nodes.quoted(key)} is no weekday", _WEEKDAYS_WANTED)
            continue
        window = reader.value(fields, key, _window, None)
        if twice := [WEEKDAYS[day] for day in days if day in hours]:
            reader.fault(
                nodes.line_of(value), f"`{key}` sets {', '.join(twice)} a second time", "give each weekday one window"
            )
        hours |= dict.fromkeys(days, window)
    if len(reader.faults) == faults_before and not any(_meets_office_hours(hours.get(day)) for day in range(5)):
        reader.fault(
            nodes.line_of(node),
            "these hours leave no moment that is lawful in every state",
            "open at least one of mon to fri within 09:00-18:00",
        )
    return {day: hours.get(day) for day in range(7)}


_WEEKDAYS_WANTED = f"write one of {', '.join(WEEKDAYS)} or a range of them, like mon-fri"


def _meets_office_hours(window: Hours | None) -> bool:
    return window is not None and window[0] < OFFICE_HOURS[1] and window[1] > OFFICE_HOURS[0]


def _window(node: yaml.Node) -> Hours | None:
    if isinstance(node, yaml.ScalarNode) and nodes.tag(node) == "bool" and node.value.lower() in {"off", "no", "false"}:
        return None
    match = isinstance(node, yaml.ScalarNode) and re.fullmatch(
        r"([0-9]{1,2}):([0-5][0-9])\s*-\s*([0-9]{1,2}):([0-5][0-9])", node.value
    )
    if not match:
        raise WrongError(f"is {nodes.shown(node)}", 'write hours like "09:00-18:00", or off')
    start, end = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
    if start > 24 * 60 or end > 24 * 60:
        raise WrongError(f"{nodes.shown(node)} is outside the day", "a day's hours lie between 00:00 and 24:00")
    if start >= end:
        raise WrongError(f"{nodes.shown(node)} ends before it has begun", "write the earlier time first")
    return _time(start), _time(end)


def _time(minutes: int) -> time:
    """Minutes after midnight as a time; 24:00, which `time` cannot hold, is the last instant of the day."""
    return time.max if minutes == 24 * 60 else time(*divmod(minutes, 60))


def _entry(reader: Reader, node: yaml.Node) -> Entry:
    fields = reader.mapping(node, "entry", ("already_late", "first_wave"))
    already_late = reader.value(fields, "already_late", nodes.one_of(get_args(AlreadyLate)), "from-the-start")
    first_wave = reader.value(fields, "first_wave", nodes.one_of(get_args(FirstWave)), "needs-release")
    return Entry(cast(AlreadyLate, already_late), cast(FirstWave, first_wave))


def _promise(reader: Reader, node: yaml.Node) -> PromiseRules:
    fields = reader.mapping(node, "promise", ("longest", "most", "shorten_after"))
    usual = PromiseRules()
    return PromiseRules(
        reader.value(fields, "longest", nodes.days, usual.longest),
        reader.value(fields, "most", nodes.count, usual.most),
        reader.value(fields, "shorten_after", nodes.whole, usual.shorten_after),
    )


def _dispute(reader: Reader, node: yaml.Node) -> DisputeRules:
    fields = reader.mapping(node, "dispute", ("deadline", "explain"))
    usual = DisputeRules()
    return DisputeRules(
        reader.value(fields, "deadline", nodes.length, usual.deadline),
        reader.value(fields, "explain", nodes.length, usual.explain),
    )


def _payments(reader: Reader, node: yaml.Node) -> PaymentRules:
    fields = reader.mapping(node, "payments", ("respite", "principal_only", "clearing", "claimed"))
    usual = PaymentRules()
    choose = nodes.one_of(get_args(PrincipalOnly))
    principal_only = reader.value(fields, "principal_only", choose, str(usual.principal_only))
    return PaymentRules(
        reader.value(fields, "respite", nodes.length, usual.respite),
        cast(PrincipalOnly, principal_only),
        reader.value(fields, "clearing", nodes.length, usual.clearing),
        reader.value(fields, "claimed", nodes.length, usual.claimed),
    )


def _limitation(reader: Reader, node: yaml.Node) -> Offset:
    return reader.value(reader.mapping(node, "limitation", ("warn",)), "warn", nodes.length, DEFAULT_WARNING)


def _protest(reader: Reader, node: yaml.Node) -> ProtestRules:
    fields, usual = reader.mapping(node, "protest", ("silence",)), ProtestRules()
    silence = reader.value(fields, "silence", nodes.one_of(get_args(Silence)), str(usual.silence))
    return ProtestRules(cast(Silence, silence))


def _notice(reader: Reader, node: yaml.Node) -> NoticeRules:
    fields, usual = reader.mapping(node, "notice", ("valid", "refused")), NoticeRules()
    refused = reader.value(fields, "refused", nodes.one_of(get_args(Refused)), str(usual.refused))
    return NoticeRules(reader.value(fields, "valid", nodes.length, usual.valid), cast(Refused, refused))


def _approval(reader: Reader, node: yaml.Node) -> ApprovalRules:
    fields, usual = reader.mapping(node, "approval", ("within", "four_eyes")), ApprovalRules()
    return ApprovalRules(
        reader.value(fields, "within", nodes.length, usual.within),
        reader.value(fields, "four_eyes", nodes.amount, usual.four_eyes),
    )


# --- plans and offers -------------------------------------------------------------------------------------------------


def _plan(reader: Reader, node: yaml.Node) -> PlanRules:
    allowed = ("most", "down", "minimum", "interest", "tolerance", "answer", "discounts")
    fields = reader.mapping(node, "plan", allowed)
    usual = PlanRules()
    return PlanRules(
        most=reader.value(fields, "most", nodes.count, usual.most),
        down=reader.value(fields, "down", nodes.percent, usual.down),
        minimum=reader.value(fields, "minimum", nodes.amount, usual.minimum),
        interest=reader.value(fields, "interest", nodes.percent, usual.interest),
        tolerance=reader.value(fields, "tolerance", nodes.offset, usual.tolerance),
        answer=reader.value(fields, "answer", nodes.length, usual.answer),
        discounts=_discounts(reader, fields["discounts"]) if "discounts" in fields else usual.discounts,
    )


def _discounts(reader: Reader, node: yaml.Node) -> tuple[Discount, ...]:
    """Discounts for cash by the age of the debt, youngest first."""
    fields = reader.mapping(node, "discounts")
    discounts = []
    for age, value in fields.items():
        percent = reader.value(fields, age, nodes.percent, None)
        if not re.fullmatch(r"[1-9][0-9]{0,3}d", age):
            found = f"{nodes.quoted(age)} is no age of a debt"
            reader.fault(nodes.line_of(value), found, "write calendar days late, like 30d: 5%")
        elif percent is not None and not 0 < percent < 100:
            found = f"the discount `{age}` is {nodes.shown(value)}"
            reader.fault(nodes.line_of(value), found, "write more than 0% and less than 100%")
        elif percent is not None:
            discounts.append(Discount(int(age[:-1]), percent))
    return tuple(sorted(discounts, key=lambda discount: discount.days_late))


def _offers(reader: Reader, fields: Mapping[str, yaml.Node], plan: PlanRules) -> tuple[Offer, ...]:
    """The file's offers; where it has none, the usual ones that the plan's limits allow."""
    if "offers" not in fields:
        return tuple(offer for offer in USUAL_OFFERS if _beyond(offer, plan) is None)
    named = reader.mapping(fields["offers"], "offers")
    return tuple(_offer(reader, name, node, plan) for name, node in named.items())


def _offer(reader: Reader, name: str, node: yaml.Node, plan: PlanRules) -> Offer:
    if not nodes.IDENTIFIER.fullmatch(name):
        reader.fault(nodes.line_of(node), f"the offer {nodes.quoted(name)} has no good name", nodes.IDENTIFIER_WANTED)
    what = f"the offer {nodes.quoted(name)}"
    fields = reader.mapping(node, what, ("instalments", "down"))
    reader.require(fields, node, ("instalments",), what)
    instalments = reader.value(fields, "instalments", nodes.whole, 1)
    offer = Offer(name, instalments, reader.value(fields, "down", nodes.percent, plan.down if instalments else _ALL))
    if "instalments" in fields and (beyond := _beyond(offer, plan)):
        reader.fault(nodes.line_of(node), f"{what} {beyond[0]}", beyond[1])
    return offer


_ALL = Decimal(100)


def _beyond(offer: Offer, plan: PlanRules) -> tuple[str, str] | None:
    """What of an offer passes the plan's limits, and what would be right."""
    if not offer.instalments and offer.down != _ALL:
        return f"is paid at once, yet {offer.down}% down", "leave `down:` out"
    if offer.instalments > plan.most:
        return (
            f"has {offer.instalments} instalments, the plan at most {plan.most}",
            "write fewer, or raise `plan: most:`",
        )
    if offer.instalments and not plan.down <= offer.down < _ALL:
        wanted = f"write at least the plan's {plan.down}% and less than 100%, or `instalments: 0`"
        return f"has {offer.down}% down", wanted
    return None


def _offer_name(known: Sequence[str], pinned: bool) -> Callable[[yaml.Node], str | None]:
    """Reads `offer` of a step, which names one of the offers."""

    def convert(node: yaml.Node) -> str | None:
        name = nodes.identifier(node)
        if name in known:
            return name
        if pinned:
            return None
        wanted = f"allowed are {', '.join(known)}" if known else "describe it under `offers:`"
        raise WrongError(f"{nodes.shown(node)} is none of this file's offers", wanted)

    return convert


# --- steps ------------------------------------------------------------------------------------------------------------

_COMMON_KEYS = ("id", "at", "do", "when", "approve", "late")
_OWN_KEYS: Mapping[Do, tuple[str, ...]] = {
    Do.CONTACT: ("by", "text", "offer"),
    Do.TASK: ("by", "text", "within"),
    Do.NOTICE: ("by", "text", "deadline"),
    Do.PROTEST: (),
    Do.LEGAL: ("within",),
    Do.AGENCY: ("within",),
    Do.NEGOTIATE: ("by", "text", "offer", "within"),
    Do.LIST: ("deadline",),
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
    **dict.fromkeys((Do.NOTICE, Do.PROTEST, *HAND_OVERS, Do.LIST), (Late.SEND, Late.NEVER_SKIP)),
}


@dataclass(frozen=True)
class _Draft:
    """What is known of a step for the checks of the whole ladder, where None is "wrong, and said so already"."""

    line: int
    id: str | None
    do: Do | None
    at: At | None


OfferReader = Callable[[yaml.Node], str | None]


def _steps(reader: Reader, node: yaml.Node, choose: OfferReader, pinned: bool) -> tuple[Step, ...]:
    if not isinstance(node, yaml.SequenceNode) or not node.value:
        found = nodes.shown(node) if node.value else "empty"
        reader.fault(nodes.line_of(node), f"`steps:` is {found}", "write a list of steps")
        return ()
    drafts: list[_Draft] = []
    steps = tuple(_step(reader, item, drafts, choose) for item in node.value)
    _check_ladder(reader, drafts, pinned)
    if not pinned:
        _check_terms(reader, steps)
    return steps


def _step(reader: Reader, node: yaml.Node, drafts: list[_Draft], choose: OfferReader) -> Step:
    fields = reader.mapping(node, "the step", _STEP_KEYS)
    reader.require(fields, node, ("id", "at", "do"), "the step")
    draft = _Draft(
        line=nodes.line_of(node),
        id=reader.value(fields, "id", nodes.identifier, None),
        do=reader.value(fields, "do", nodes.member(Do), None),
        at=reader.value(fields, "at", _at, None),
    )
    drafts.append(draft)
    if draft.do:
        _check_keys(reader, fields, node, draft.do)
    do = draft.do or Do.CONTACT
    late = reader.value(fields, "late", nodes.member(Late), Late.SEND)
    if draft.do and late not in _LATE[do]:
        reader.fault(
            nodes.line_of(fields["late"]), f"a {do} cannot be `late: {late}`", f"allowed are {', '.join(_LATE[do])}"
        )
    approve = reader.value(fields, "approve", nodes.one_of(ROLES), None)
    return Step(
        id=draft.id or "",
        at=draft.at or At("due"),
        do=do,
        by=reader.value(fields, "by", _channels(draft.do), ()),
        text=reader.value(fields, "text", nodes.identifier, None),
        offer=reader.value(fields, "offer", choose, None),
        within=reader.value(fields, "within", nodes.length, None),
        deadline=reader.value(fields, "deadline", nodes.length, None),
        when=reader.value(fields, "when", _condition, None),
        # Hand-over to a lawyer or an agency always needs approval, also where the file names nobody.
        approve=approve or ("manager" if do in HAND_OVERS else None),
        late=late,
        line=draft.line,
    )


_LEAST_WAIT, _LONGEST_ANSWER = 10, 30
"""Days: the bureau's usual notice period (CDC art. 43 par. 2), the debtor's longest term (Lei 9.492 art. 11-A I)."""
_SHORTEST_DAYS: Mapping[Unit, int] = {"d": 1, "bd": 1, "w": 7, "m": 28}
_LONGEST_DAYS: Mapping[Unit, Decimal] = {"d": Decimal(1), "bd": Decimal("1.4"), "w": Decimal(7), "m": Decimal(31)}


def _check_terms(reader: Reader, steps: Sequence[Step]) -> None:
    """Terms that the law sets: a ladder may only be stricter."""
    for step in steps:
        answer = step.within if step.do is Do.NEGOTIATE else None
        if answer and answer.amount * _LONGEST_DAYS[answer.unit] > _LONGEST_ANSWER:
            found = f"the debtor has {answer} to answer the proposal"
            reader.fault(step.line, found, f"write at most {_LONGEST_ANSWER}d (Lei 9.492/1997 art. 11-A I)")
        wait = step.deadline if step.do is Do.LIST else None
        if wait and wait.amount * _SHORTEST_DAYS[wait.unit] < _LEAST_WAIT:
            reader.fault(step.line, f"the bureau's notice period is {wait}", f"write {_LEAST_WAIT}d or more")


def _check_keys(reader: Reader, fields: Mapping[str, yaml.Node], node: yaml.Node, do: Do) -> None:
    reader.require(fields, node, _NEEDED_KEYS.get(do, ()), f"a {do}")
    for key, value in fields.items():
        if key not in _COMMON_KEYS and key not in _OWN_KEYS[do]:
            owners = ", ".join(kind for kind in Do if key in _OWN_KEYS[kind])
            reader.fault(nodes.line_of(value), f"a {do} has no `{key}`", f"`{key}` belongs to: {owners}")


def _channels(do: Do | None) -> Callable[[yaml.Node], tuple[str, ...]]:
    """Reads `by` of a kind of step; of an unknown kind, any channel is taken."""
    allowed = CHANNELS[do] if do else tuple(dict.fromkeys(name for names in CHANNELS.values() for name in names))

    def convert(node: yaml.Node) -> tuple[str, ...]:
        if not allowed:  # said already: this kind of step has no `by`
            return ()
        choose, wanted = nodes.one_of(allowed), f"write a list of {', '.join(allowed)}, like [{allowed[0]}]"
        if not isinstance(node, yaml.SequenceNode) or not node.value:
            raise WrongError(f"is {nodes.shown(node) if node.value else 'empty'}", wanted)
        channels = tuple(choose(item) for item in node.value)
        if len(set(channels)) < len(channels):
            raise WrongError("names a channel twice", "write each channel once")
        return channels

    return convert


def _check_ladder(reader: Reader, drafts: Sequence[_Draft], pinned: bool) -> None:
    """Rules between steps; a step of unknown kind counts as whatever a later one needs."""
    lines: dict[str, int] = {}
    before: set[Do | None] = set()
    for draft in drafts:
        if draft.id in lines:
            found = f"the id `{draft.id}` is that of the step in line {lines[draft.id]}"
            reader.fault(draft.line, found, "give each step an id of its own")
        elif draft.id:
            lines[draft.id] = draft.line
        for found, wanted in [*_order_faults(draft, before, pinned), *_anchor_faults(draft, before)]:
            reader.fault(draft.line, found, wanted)
        before.add(draft.do)


def _order_faults(draft: _Draft, before: Collection[Do | None], pinned: bool) -> list[tuple[str, str]]:
    if draft.do is Do.PROTEST and not {Do.NOTICE, None} & {*before}:
        return [("a protest has no notice before it", "put a step `do: notice` with its deadline before the protest")]
    if draft.do is Do.NOTICE and not {Do.CONTACT, None} & {*before}:
        return [("the first word to the debtor is a notice", "put a friendly step `do: contact` before the notice")]
    return [] if pinned else _later_order_faults(draft.do, before)


def _later_order_faults(do: Do | None, before: Collection[Do | None]) -> list[tuple[str, str]]:
    """Of kinds of step that earlier versions passed over: not held against a ladder that cases started with then."""
    if do in (Do.NEGOTIATE, Do.LIST) and not {Do.NOTICE, None} & {*before}:
        wanted = f"put a step `do: notice` with its deadline before the {do}"
        return [(f"a step `do: {do}` has no notice before it", wanted)]
    if do is Do.NEGOTIATE and Do.PROTEST in before:
        return [("a negotiation comes after the protest that it is to avoid", "put it before the protest")]
    if do is Do.AGENCY and not {Do.CONTACT, None} & {*before}:
        return [("the first word to the debtor is an agency's", "put a friendly step `do: contact` before the agency")]
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
    if earlier and anchor == "notice.deadline" and draft.do in AFTER_NOTICE:
        faults.append(
            (f"`at: {draft.at}` is a {draft.do} within the notice's deadline", "write notice.deadline or later")
        )
    return faults

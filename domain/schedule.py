"""On which day a step of a ladder is due, and what becomes of steps whose moment was missed."""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Literal

from domain.calendars import add_bank_days, next_bank_day
from domain.policy import AFTER_NOTICE, FIRM, Do, Late, Offset, Policy, Step

Missed = Literal["send", "collapse", "skip"]
Reason = Literal["collapsed", "skipped"]
"""Why a step was passed over: a newer contact took its place, or its day was over and it was not worth sending late."""
_SENT_LATE = frozenset({Late.SEND, Late.NEVER_SKIP})


@dataclass(frozen=True)
class Anchors:
    """The civil days that steps are counted from; None is "has not happened".

    `due` is the invoice's due date, or the day of release for a ladder that starts from the start; `previous` the day
    the previous step was really done; `named` the other moments (`notice.deadline`, `protest.over`, `promise.broken`).
    Where `late_from` is given (see the function of that name), no step counted after `due` comes before it.
    """

    due: date
    previous: date | None
    named: Mapping[str, date | None]
    late_from: date | None = None


def step_day(step: Step, anchors: Anchors) -> date | None:
    """The nominal civil day of a step, None while its anchor has not happened.

    Nominal: it may be a Sunday or a holiday; `domain.hours.contact_moment` finds the first lawful moment from it on.
    """
    at = step.at
    anchor = anchors.due if at.anchor == "due" else _happened(at.anchor, anchors)
    if anchor is None:
        return None
    day = move(anchor, at.offset) if at.offset else anchor
    if at.end_of_month:
        day = day.replace(day=calendar.monthrange(day.year, day.month)[1])
    if at.anchor == "due" and anchors.late_from and day > anchors.due:
        return max(day, anchors.late_from)
    return day


@lru_cache(maxsize=1 << 16)
def ladder_days(
    policy: Policy, due: date, deadline: date | None, protest_over: date | None, promise_broken: date | None
) -> Mapping[str, date | None]:
    """The days of a ladder's steps, by their names; of those counted from the step before them there is none.

    `due` and the three named moments are those of `Anchors`; `deadline` is notice.deadline.
    """
    named = {"notice.deadline": deadline, "protest.over": protest_over, "promise.broken": promise_broken}
    anchors = Anchors(due, None, named, late_from(due, policy.grace))
    return {step.id: after_deadline(step, step_day(step, anchors), deadline) for step in policy.steps}


def after_deadline(step: Step, day: date | None, deadline: date | None) -> date | None:
    """The day of a step; of a protest and what leads to one, or to a listing, never before notice.deadline (promise 2),
    and none while that is not known."""
    if step.do not in AFTER_NOTICE:
        return day
    return max(day, deadline) if day and deadline else None


def _happened(name: str, anchors: Anchors) -> date | None:
    return anchors.previous if name == "previous" else anchors.named.get(name)


@lru_cache(maxsize=1 << 16)
def move(day: date, offset: Offset) -> date:
    """A civil day moved by an offset, backwards where it is negative.

    Calendar days and weeks are counted as they are; business days are the bank's (`due + 1bd` is the first bank day
    after `due`); a month that lacks the day gives its last one.
    """
    match offset.unit:
        case "d":
            return day + timedelta(days=offset.amount)
        case "w":
            return day + timedelta(weeks=offset.amount)
        case "bd":
            return add_bank_days(day, offset.amount)
        case "m":
            year, month = divmod(day.year * 12 + day.month - 1 + offset.amount, 12)
            return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


@lru_cache(maxsize=1 << 14)
def late_from(due: date, grace: Offset | None) -> date:
    """The first day on which an unpaid invoice is late: the day after its last day to pay without delay.

    That last day is the due date, or the next bank day where banks are closed on it (Lei 7.089/1983 art. 1; CC art. 132
    par. 1), or the end of the policy's grace, whichever is later.
    """
    return max(next_bank_day(due), move(due, grace) if grace else due) + timedelta(days=1)


def missed(step: Step, planned: date, today: date) -> Missed:
    """What becomes of a step planned for `planned` on `today`, by its `late:`; what is not late yet is sent.

    `planned` is the day it was meant to be done, its nominal day or that of its lawful moment; a day on which banks are
    closed is over when the next bank day is, since contacts of a Sunday go out on Monday. A notice, a protest and a
    hand-over are never passed over, and only contacts collapse.
    """
    if step.late in _SENT_LATE or step.do in FIRM or next_bank_day(planned) >= today:
        return "send"
    if step.late is Late.SKIP:
        return "skip"
    return "collapse" if step.do is Do.CONTACT else "send"


def choose(due_steps: Sequence[tuple[Step, date]], today: date) -> tuple[Step | None, list[tuple[Step, Reason]]]:
    """The step that is done now, and those that are passed over for good, with the reason.

    `due_steps` are the steps, in the order of the ladder, whose planned day is past or today. The first one that is
    worth doing is done; what stands after it waits for its turn. A contact with `late: collapse` gives way to a later
    contact that is due as well, but never across a notice, a protest or a hand-over: those must not become the next
    word. The step is None where nothing is worth doing any more.
    """
    over: list[tuple[Step, Reason]] = []
    for position, (step, planned) in enumerate(due_steps):
        verdict = missed(step, planned, today)
        if verdict == "skip":
            over.append((step, "skipped"))
        elif verdict == "collapse" and _newer_contact(due_steps[position + 1 :], today):
            over.append((step, "collapsed"))
        else:
            return step, over
    return None, over


def _newer_contact(later: Sequence[tuple[Step, date]], today: date) -> bool:
    for step, planned in later:
        if step.do in FIRM:
            return False
        if step.do is Do.CONTACT and missed(step, planned, today) != "skip":
            return True
    return False

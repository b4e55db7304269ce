"""Facts that hold a ladder or let it go: release, pause, holds of the world, opt-outs, a lawyer's word."""

from __future__ import annotations

from domain import facts as f
from domain.case import Case, Need
from domain.errors import Refused
from domain.fold.base import Moment, drop_tasks, fold, open_case
from domain.fold.debt import ask_about_title


@fold.register
def _released(fact: f.Released, case: Case, at: Moment) -> None:
    if not case.awaits_release:
        raise Refused("not-waiting", "this case does not wait for release")
    case.awaits_release = False
    if at.policy.entry.already_late == "from-the-start" and fact.on > case.terms.due:
        case.ladder_due = fact.on


@fold.register
def _opt_out(fact: f.OptedOut, case: Case, at: Moment) -> None:
    case.opted_out = sorted({*case.opted_out, *fact.channels})


@fold.register
def _opt_in(fact: f.OptedIn, case: Case, at: Moment) -> None:
    case.opted_out = sorted({*case.opted_out} - {*fact.channels})


@fold.register
def _paused(fact: f.Paused, case: Case, at: Moment) -> None:
    open_case(case)
    if fact.until < fact.since or fact.until < at.day(case):
        raise Refused("pause-dates", "the last day of a pause must not lie before its first day or before today")
    case.paused_until = fact.until


@fold.register(f.Resumed)
@fold.register(f.PauseEnded)
def _resumed(fact: f.Resumed | f.PauseEnded, case: Case, at: Moment) -> None:
    if case.paused_until is None:
        raise Refused("not-paused", "this case is not paused")
    case.paused_until = None


@fold.register
def _hold(fact: f.HoldSet, case: Case, at: Moment) -> None:
    open_case(case)
    if fact.until is not None and fact.until < at.day(case):
        raise Refused("past-day", f"the last day of a hold must not lie in the past; {fact.until:%d/%m/%Y} does")
    if fact.until is None:
        case.hold_until.pop(fact.hold, None)
    else:
        case.hold_until[fact.hold] = fact.until
    if fact.hold not in case.holds:
        case.holds.append(fact.hold)
        owner, remains = "lawyer", "lift the hold when its reason is gone"
        case.needs.append(Need(f"hold-{fact.hold}", owner=owner, details=(remains,)))
        ask_about_title(case, f"the case is held: {fact.hold}")


@fold.register
def _lift(fact: f.HoldLifted, case: Case, at: Moment) -> None:
    if fact.hold not in case.holds:
        raise Refused("no-such-hold", f"this case is not held for {fact.hold}")
    case.holds.remove(fact.hold)
    case.hold_until.pop(fact.hold, None)
    drop_tasks(case, f"hold-{fact.hold}", "vanished-from-export")


@fold.register
def _overridden(fact: f.LimitationOverridden, case: Case, at: Moment) -> None:
    open_case(case)
    if at.day(case) > case.limitation().last:
        raise Refused("prescribed", "the last limitation term is over; nobody can override that")
    case.limitation_overridden = True

"""Facts about messages: sent, deferred, failed, unreachable."""

from __future__ import annotations

from datetime import timedelta

from domain import facts as f
from domain.case import Case, Need
from domain.fold.base import THANKS, Moment, fold, spoken, word_step


@fold.register
def _sent(fact: f.ContactSent, case: Case, at: Moment) -> None:
    case.failures = 0
    state, today = case.step(fact.step), at.day(case)
    state.status, state.on, state.deferred_until = "done", today, None
    state.reason = "covered" if fact.covered else fact.channel
    said = spoken(fact.step)
    if not _beside_the_ladder(case, fact.step) or (said and said.counts):
        case.last_contact_on = today


@fold.register
def _deferred(fact: f.ContactDeferred, case: Case, at: Moment) -> None:
    state = case.step(fact.step)
    state.deferred_until, state.reason = fact.until, fact.reason


@fold.register
def _failed(fact: f.ContactFailed, case: Case, at: Moment) -> None:
    """The same step tries its next channel, unless a later word has gone out since."""
    state = case.step(fact.step)
    if state.status == "done" and state.on and case.last_contact_on and case.last_contact_on > state.on:
        return
    state.status, state.attempt, state.deferred_until, state.reason = "pending", state.attempt + 1, None, fact.code
    if case.last_contact_on == state.on:
        case.last_contact_on = None


@fold.register
def _unreachable(fact: f.Unreachable, case: Case, at: Moment) -> None:
    fold(f.StepPassedOver(fact.step, fact.reason), case, at)
    if not _beside_the_ladder(case, fact.step) and not any(task.kind == "find-contact" for task in case.tasks.values()):
        case.needs.append(Need("find-contact", fact.step, details=("no usable way to reach the debtor for this step",)))


@fold.register
def _action_failed(fact: f.ActionFailed, case: Case, at: Moment) -> None:
    if fact.transient:
        case.failures += 1
        pause = timedelta(minutes=min(5 * 2 ** (case.failures - 1), 240))
        fold(f.ContactDeferred(fact.step, at.now + pause, f"later: {fact.code}"), case, at)
    else:
        details = (f"action {fact.action}", f"code {fact.code}")
        case.needs.append(Need("action-failed", fact.step, "supervisor", True, details))


def _beside_the_ladder(case: Case, step: str) -> bool:
    """Is this pseudo-step outside the ladder? Then what it had to say is said, or cannot be said to anybody."""
    if step.startswith(THANKS):
        for payment in case.counted():
            payment.thanked = True
        return True
    case.owed = [word for word in case.owed if word_step(word) != step]
    return spoken(step) is not None

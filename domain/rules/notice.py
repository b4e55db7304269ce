"""The prior notice in the ladder: tried by every way, released or given up when none is left, renewed when too old."""

from __future__ import annotations

from domain import facts as f
from domain.case import COMMITTED
from domain.hours import first_lawful
from domain.notice import is_silent, unsearched, valid_until
from domain.policy import Do
from domain.rules.base import Action, Bench, Instruction, Move
from domain.rules.firm import escalation_waits


def notice_ages(r: Bench) -> f.Own | None:
    """A title still to be presented needs a fresh notice (`notice: valid:`); the old one is void, a new one is made."""
    notice = r.case.notice
    if notice is None or r.case.legal_on or r.case.protest.state in COMMITTED:
        return None
    last = valid_until(notice, r.policy)
    return f.NoticeVoided(notice.id, "too old") if last and r.today > last and _protest_lies_ahead(r) else None


def _protest_lies_ahead(r: Bench) -> bool:
    return any(step.do == Do.PROTEST for step in r.open_steps)


def notice_is_undeliverable(r: Bench) -> Move | None:
    """Second address, second channel; when every way failed or stayed silent, two people release it, or legal has it.

    Undeliverable is not immune, and never "notified": the ledger says attempted.
    """
    notice = r.case.notice
    if notice is None or r.case.legal_on:
        return None
    if notice.state == "issued":
        if again := _tries_another_address(r):
            return again
        return f.NoticeUndeliverable(notice.id) if is_silent(notice, r.today) else None
    return _released_by_two(r) if notice.state == "undeliverable" else None


def _tries_another_address(r: Bench) -> Instruction | None:
    """The same notice goes to the next address of each channel that failed; a formal letter keeps the hours alone."""
    notice = r.case.notice
    known = notice and any(step.id == notice.step for step in r.policy.steps)
    if notice is None or not known or not unsearched(notice) or escalation_waits(r):
        return None
    at = first_lawful(r.now, r.case.place(), "message", r.policy.contact)
    return r.instruct(Action.NOTICE, "notice: another address", r.not_before(at, notice.step), notice.step)


def _released_by_two(r: Bench) -> f.Own | None:
    notice = r.case.notice
    if notice is None:
        return None
    step = next((s.id for s in r.policy.steps if s.do == Do.PROTEST), notice.step)
    if r.case.step(step).status == "passed-over" or r.refused_for_now(step):
        return None
    approval = r.case.approval
    if approval is None:
        return r.ask("undeliverable-notice", step, "supervisor", needed=2)
    if approval.purpose == "undeliverable-notice" and approval.state == "given":
        return f.NoticeReleasedByTwo(notice.id, r.today)
    return None

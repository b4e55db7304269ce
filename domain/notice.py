"""The prior notice: what proves it, how long it holds, whom it binds, what it may announce.

That a creditor notifies before he protests is this product's own rule; the law has the notary summon the debtor (Lei
9.492/1997 arts. 12 to 15). Its standard of proof is borrowed from STJ Tema 1.315, on the notice of credit bureaus: an
electronic message proves what its provider recorded, and never more than that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Literal, cast, get_args

from domain.calendars import add_bank_days
from domain.case import LEVELS, Case, Notice
from domain.data import table
from domain.facts import Level
from domain.policy import Do, NoticeRules, Offset, Policy, Step
from domain.schedule import move

SILENT_NOTICE = timedelta(days=30)
"""A notice without any proof for that long counts as undeliverable."""
DEFAULT_DEADLINE = Offset(10, "bd")
"""For a notice whose step is no longer in the ladder (a migrated case)."""
OUTCOMES = {row["outcome"]: row for row in table("notice_outcomes")}
"""What becomes of a letter, as the mail reports it: whether it proves, and whether its address stays good."""
_FAILED = "failed"
Announced = Literal["protest", "legal", "negotiate", "listing", "agency"]
"""What a notice can announce: what this case's ladder does when the deadline is over."""
ANNOUNCES: Mapping[Do, Announced] = {
    Do.PROTEST: "protest", Do.LEGAL: "legal", Do.NEGOTIATE: "negotiate", Do.LIST: "listing", Do.AGENCY: "agency",
}  # fmt: skip
"""What each firm kind of step is called there; the first that follows is announced."""


def opens(level: str, policy: Policy) -> bool:
    """Does this level of proof open the gate of this ladder (`proof:`)?"""
    return level in LEVELS and LEVELS.index(level) >= LEVELS.index(policy.proof)


def proved_by(outcome: str, rules: NoticeRules) -> Level | None:
    """The level that an outcome of a letter proves; None where it failed.

    A letter that the addressee himself refused was at the right address: whether that opens the gate, the policy says.
    """
    if outcome in get_args(Level):
        return cast(Level, outcome)
    return "delivered" if outcome == "refused" and rules.refused == "delivered" else None


def better(known: str, level: Level) -> str:
    """The better of two news of one way: a receipt that comes late takes nothing back."""
    return known if known in LEVELS and LEVELS.index(known) > LEVELS.index(level) else level


def failed(way: str) -> bool:
    """Did this way end without reaching anybody?"""
    return way.startswith(_FAILED)


def all_failed(notice: Notice) -> bool:
    """Did every way to the debtor fail (or was there none)?"""
    return all(failed(way) for way in notice.ways.values())


def unsearched(notice: Notice) -> tuple[str, ...]:
    """Ways that failed and for which no further address was looked for yet, `party/way` for another bound party's."""
    return tuple(name for name, state in _all_ways(notice) if failed(state) and name not in notice.searched)


def failed_ways(notice: Notice) -> tuple[str, ...]:
    """All ways that failed, named as in `unsearched`."""
    return tuple(name for name, state in _all_ways(notice) if failed(state))


def _all_ways(notice: Notice) -> Iterator[tuple[str, str]]:
    yield from notice.ways.items()
    for party, served in notice.others.items():
        yield from ((f"{party}/{way}", state) for way, state in served.ways.items())


def is_silent(notice: Notice, today: date) -> bool:
    """Is nothing to be hoped for any more: every way failed, or all stayed silent (or unread) for too long?"""
    return all_failed(notice) or today >= (notice.sent_on or notice.issued_on) + SILENT_NOTICE


# --- deadline and age ------------------------------------------------------------------------------------------------
@lru_cache(maxsize=1 << 14)
def deadline_from(proof_on: date, step: str, policy: Policy) -> date:
    """The first business day after the last day of the deadline that runs from this proof (promise 2)."""
    rung = policy.step(step)
    length = rung.deadline if rung and rung.deadline else DEFAULT_DEADLINE
    return add_bank_days(move(proof_on, length), 1)


def notice_deadline(case: Case, policy: Policy) -> date | None:
    """The named moment notice.deadline: the first business day after the last day of the deadline (promise 2).

    The deadline runs from the first business day after the proof that opens the gate; None while there is no proof.
    """
    if case.notice is None or case.notice.proof_on is None:
        return None
    return deadline_from(case.notice.proof_on, case.notice.step, policy)


def valid_until(notice: Notice, policy: Policy) -> date | None:
    """The last day on which a title may be presented on this notice (`notice: valid:`); None while it is not proved.

    Counted from the proof, and never before the day after its deadline: a policy cannot make a notice useless.
    """
    if notice.proof_on is None:
        return None
    return max(move(notice.proof_on, policy.notice.valid), deadline_from(notice.proof_on, notice.step, policy))


def shut(case: Case, policy: Policy, today: date) -> str:
    """Why the notice does not let a title go to the notary on a day (promise 2); empty where it does."""
    notice, deadline = case.notice, notice_deadline(case, policy)
    if notice is None:
        return "no notice was issued"
    if notice.state not in ("proved", "released") or deadline is None:
        return "the notice is not proved, nor released by two people"
    if today < deadline:
        return "the deadline of the notice is not over"
    last = valid_until(notice, policy)
    return "the notice is too old" if last and today > last else ""


def notified(case: Case, policy: Policy, today: date) -> tuple[str, ...]:
    """Ids of the other bound parties whose own notice is proved, over and fresh: only they may be named in a title."""
    notice = case.notice
    if notice is None:
        return ()
    fresh = (
        party
        for party, served in notice.others.items()
        if served.proof_on
        and deadline_from(served.proof_on, notice.step, policy) <= today <= move(served.proof_on, policy.notice.valid)
    )
    return tuple(party for party in fresh if bound_by_title(case.parties.get(party, "")))


# --- parties ---------------------------------------------------------------------------------------------------------
ROLES = {row["role"]: row for row in table("party_roles")}
"""Who can stand beside a debtor, and by what he is bound: the title, the contract alone, or nothing."""


def bound_by_title(role: str) -> bool:
    """An *avalista* is bound by the title, a *fiador* by the contract alone, a representative by neither."""
    return role in ROLES and ROLES[role]["binds"] == "title"


# --- what it announces -----------------------------------------------------------------------------------------------
def announced(case: Case, policy: Policy, step: Step, today: date) -> Announced | None:
    """What this case's ladder does when the deadline is over: a threat of what it would not do is false (CDC art. 71).

    Conditions are judged as they will stand if nothing is paid until then; None where nothing firm follows. A title
    that belongs to another, or whose protest the creditor's own ladder excludes, is not threatened with one.
    """
    on = deadline_from(today, step.id, policy)
    later = policy.after(step)
    values = _expected(case, on) if any(rung.when for rung in later) else {}
    for rung in later:
        done = rung.id in case.steps and case.steps[rung.id].status != "pending"
        if done or (rung.when and not rung.when.holds(values)):
            continue
        protestable = on <= case.limitation().first or case.limitation_overridden
        if rung.do in (Do.PROTEST, Do.NEGOTIATE) and not (protestable and case.portfolio == "simple"):
            continue
        if rung.do in ANNOUNCES:
            return ANNOUNCES[rung.do]
    return None


def _expected(case: Case, on: date) -> dict[str, Decimal | int | str]:
    """What conditions compare, as it will stand on a day."""
    return {
        "balance": case.debt(on).total,
        "days_late": max((on - case.terms.due).days, 0),
        "debtor": "consumer" if case.terms.consumer else "company",
        "protest": case.protest.word,
    }

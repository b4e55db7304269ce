"""What must be true on the day a title goes to the notary (promises 2 and 3), in one place.

The rules ask it before they order a protest, and folding asks it again: a title that is said to be queued while the
gate is shut is refused, whatever path the saying took.
"""

from __future__ import annotations

from datetime import date

from domain.case import Case
from domain.eligibility import blocked
from domain.notice import shut
from domain.policy import Policy


def waits(case: Case, today: date) -> str:
    """Why no firm step may be taken now (promise 3); empty where it may."""
    if case.dispute:
        return "disputed" if case.wholly_disputed() else "disputed in part"
    if case.awaits_money(today):
        return "money may be on its way"
    if case.holds:
        return f"held: {', '.join(case.holds)}"
    return "promised" if case.promise else "in plan" if case.plan else ""


def shut_for_title(case: Case, policy: Policy, step: str, today: date) -> str:
    """Why this case's title must not be queued now; empty where it may be."""
    if case.ended or case.closed or case.settled(policy.tolerance) or not case.face():
        return "nothing is owed any more"
    if reason := waits(case, today):
        return reason
    if any(task.holds for task in case.tasks.values()) or any(need.holds for need in case.needs):
        return "held until a person has looked"
    if case.paused_until is not None and today <= case.paused_until:
        return "paused by staff"
    if today > case.limitation().last:
        return "no action is left"
    return shut(case, policy, today) or _not_eligible(case) or _not_approved(case, policy, step)


def _not_eligible(case: Case) -> str:
    found = blocked(case.portfolio, case.bank_orders, case.nfe)
    return f"the title cannot be protested: {', '.join(found)}" if found else ""


def _not_approved(case: Case, policy: Policy, step: str) -> str:
    rung = policy.step(step)
    if rung is None or not rung.approve:
        return ""
    given = case.approval and case.approval.state == "given" and case.approval.step == step
    return "" if given else "nobody approved it"

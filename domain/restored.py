"""What may have left before the book was restored to an earlier moment, and is unknown to it (promise 4).

A step whose day came only after the restore cannot have left in the lost life. Everything else is looked up first.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.case import Case
from domain.policy import Policy
from domain.rules.base import Bench
from domain.rules.ladder import planned

MEMORY = timedelta(days=30)
"""Business time after a restore in which the lost life is thought of. What fell due meanwhile has gone by then, and no
provider's log of e-mails reaches further back (SendGrid, Email Activity: at most 30 days)."""


def may_have_left(case: Case, policy: Policy, step: str, now: datetime, restored_at: datetime) -> bool:
    """Could this message have gone out in the life that was lost? Both moments are business time, aware.

    A further address of a notice counts from the notice's day. Of what no step of the ladder plans (thanks, answers,
    reminders of an instalment) nobody knows when it would have come, so all of it counts.
    """
    if now > restored_at + MEMORY:
        return False
    last_day = case.today(restored_at)
    if case.notice and case.notice.step == step:
        return case.notice.issued_on <= last_day
    bench, rung = Bench(case, policy, now), policy.step(step)
    day = bench.days[rung.id] if rung else None
    return rung is None or day is None or planned(bench, rung, day) <= last_day

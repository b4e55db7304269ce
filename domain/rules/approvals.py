"""Approvals: who is asked, who is asked next when nobody answers. Nothing goes out on silence."""

from __future__ import annotations

from domain import facts as f
from domain.calendars import next_bank_day
from domain.rules.base import Bench
from domain.schedule import move

NEXT_ROLE = {"clerk": "supervisor", "supervisor": "manager", "lawyer": "manager"}
"""Who is asked when a role did not answer in time; beyond the manager nobody is, and he gets a task."""


def escalates(r: Bench) -> f.Own | None:
    """An approval past its day is asked of the next role as well, with a new day."""
    approval = r.case.approval
    if approval is None or approval.state != "asked" or r.today <= approval.due:
        return None
    role = NEXT_ROLE.get(approval.role)
    if role is None:
        return None
    return f.ApprovalEscalated(approval.id, role, next_bank_day(move(r.today, r.policy.approval.within)))

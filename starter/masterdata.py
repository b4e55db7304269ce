"""Creditors, staff and ladders: what is there, and what is added."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from db.rows import CASE, CREDITOR, STAFF
from domain.money import parse_money
from domain.policy import passed_over
from starter import creditors as creditor_files
from starter import people
from starter.creditors import read_policy
from starter.installation import installation
from starter.reports import rows


def creditors() -> list[dict[str, Any]]:
    """All creditors, each with the number of his open cases."""
    still_open = select(func.count()).where(CASE.c.creditor_id == CREDITOR.c.id, CASE.c.stage != "closed")
    columns = (CREDITOR.c.id, CREDITOR.c.code, CREDITOR.c.name, CREDITOR.c.document)
    found = select(*columns, still_open.scalar_subquery().label("open_cases")).order_by(CREDITOR.c.code)
    with installation() as house, house.engine.connect() as conn:
        return rows(conn.execute(found))


def users() -> list[dict[str, Any]]:
    """All staff."""
    columns = (STAFF.c.id, STAFF.c.name, STAFF.c.roles, STAFF.c.limit, STAFF.c.active)
    with installation() as house, house.engine.connect() as conn:
        return rows(conn.execute(select(*columns).order_by(STAFF.c.id)))


def add_user(staff_id: str, name: str, roles: Sequence[str], limit: str) -> dict[str, Any]:
    """Add a staff member; the answer holds the personal token, which is kept nowhere. Raises `BadInput`."""
    with installation() as house, house.engine.begin() as conn:
        token = people.add_user(conn, staff_id, name, roles, parse_money(limit))
    return {"id": staff_id, "name": name, "roles": sorted(set(roles)), "limit": parse_money(limit), "token": token}


def check_policy(file: Path) -> dict[str, Any]:
    """What a policy file says, step by step, with what this version passes over. Raises `BadInput`."""
    policy = read_policy(file)
    reasons = {note.step: note.reason for note in passed_over(policy)}
    steps = [
        {"step": step.id, "at": str(step.at), "do": str(step.do), "by": list(step.by),
         "passed_over": reasons.get(step.id, "")}
        for step in policy.steps
    ]  # fmt: skip
    return {"policy": policy.name, "title": policy.title, "hash": policy.hash, "steps": steps}


def pin_policy(file: Path) -> str:
    """Keep a ladder, so that cases can move to it; returns its hash. Raises `BadInput`."""
    policy = read_policy(file)
    with installation() as house, house.engine.begin() as conn:
        creditor_files.pin_policy(conn, policy, house.now)
    return policy.hash

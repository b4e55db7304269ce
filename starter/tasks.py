"""Work for people: what is needed for it, and finishing it."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, select, update

from activities.desk import pinned_policy
from activities.statements import NOT_CLOSED
from db.rows import CASE, CONTACT_POINT, TASK
from domain import facts as f
from domain.errors import Refused
from domain.whereabouts import PHONE_CHANNELS
from letters.messages import SCRIPTS
from starter.actions import Clerk, Deed, Outcome
from starter.calling import CALL, warnings
from starter.deeds import CALL_OUTCOMES
from starter.forms import Form
from starter.installation import installation
from starter.lookup import find_task
from starter.people import require_active
from starter.previews import preview


def show(task_id: str) -> dict[str, Any]:
    """A task with what a person needs for it; of a call its script, whom to ask for, where, and how to log it.

    `caution`: why the debtor must not be telephoned now. Raises `BadInput` for a task that is not known.
    """
    with installation() as house, house.engine.connect() as conn:
        task = find_task(conn, task_id)
        shown = {name: getattr(task, name) for name in ("id", "kind", "step", "owner", "due", "details", "outcome")}
        shown |= {"case": task.case_id, "script": "", "caution": "", "phones": [], "outcomes": {}}
        if task.case_id is None or CALL not in task.details:
            return shown
        case = conn.execute(select(CASE).where(CASE.c.id == task.case_id)).one()
        text = _script(conn, case, task.step)
        caution = warnings(conn, [case.id], house.now).get(case.id, "")
        phones = _phones(conn, case.debtor_id)
    script = preview(text, "call", str(case.id), "", "text", None)["text"]
    return shown | {"script": script, "caution": caution, "phones": phones, "outcomes": CALL_OUTCOMES}


def _script(conn: Connection, case: Row[Any], step_id: str) -> str:
    """The script that the step of the case's ladder names, else the friendly one."""
    steps = pinned_policy(conn, case.policy_hash).steps
    named = next((step.text for step in steps if step.id == step_id), "") or ""
    return named if named in SCRIPTS else SCRIPTS[0]


def _phones(conn: Connection, debtor_id: UUID) -> list[str]:
    """The debtor's numbers that may be called: none that is wrong, closed by its owner, or opted out."""
    points = select(CONTACT_POINT.c.address, CONTACT_POINT.c.rank).where(
        CONTACT_POINT.c.debtor_id == debtor_id, CONTACT_POINT.c.channel.in_(PHONE_CHANNELS),
        CONTACT_POINT.c.state == "usable", NOT_CLOSED,
    )  # fmt: skip
    found = conn.execute(points.order_by(CONTACT_POINT.c.rank, CONTACT_POINT.c.address))
    return list(dict.fromkeys(row.address for row in found))


def finish(task_id: str, outcome: str, by: str) -> Outcome | None:
    """Finish a task with a short word; the case's answer, or None for a task that no case waits for.

    Raises `BadInput` for a task that is not known, `Refused` for one that is done.
    """
    with installation() as house:
        word = Form({"outcome": outcome}, house.today).code("outcome")
        with house.engine.begin() as conn:
            require_active(conn, by)
            task = find_task(conn, task_id)
            if task.done_at:
                raise Refused("task-done", f"this task is done already ({task.outcome})")
            if task.case_id is None or not _known_to_its_case(conn, task):
                done = {"outcome": word, "done_by": by, "done_at": house.now}
                conn.execute(update(TASK).where(TASK.c.id == task.id).values(**done))
                return None
        return asyncio.run(Clerk(house).act(task.case_id, Deed(f.TaskDone(str(task.id), word)), by))


def _known_to_its_case(conn: Connection, task: Row[Any]) -> bool:
    """Some tasks are about a case without holding anything in it (a bad phone number, an approval past its day)."""
    state = conn.execute(select(CASE.c.state).where(CASE.c.id == task.case_id)).scalar_one()
    return str(task.id) in state.get("tasks", {})

"""Finishing work for people."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy import Connection, Row, select, update

from db.rows import CASE, TASK
from domain import facts as f
from domain.errors import Refused
from starter.actions import Clerk, Deed, Outcome
from starter.forms import Form
from starter.installation import installation
from starter.lookup import find_task
from starter.people import require_active


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

"""Work for a person that no fact of a case opens: what stands in its row, and that it is opened once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert as upsert

from db.rows import TASK


def task_row(
    key: UUID,
    kind: str,
    owner: str,
    due: date,
    now: datetime,
    details: Sequence[str],
    case_id: UUID | None = None,
    step: str = "",
) -> dict[str, Any]:
    """An open task. `key` follows from what it is about, `now` is business time; details carry no personal data."""
    return {
        "id": key, "case_id": case_id, "kind": kind, "step": step, "owner": owner, "due": due, "details": list(details),
        "outcome": "", "done_by": "", "opened_at": now,
    }  # fmt: skip


def open_tasks(conn: Connection, tasks: Sequence[dict[str, Any]]) -> int:
    """Open tasks (`task_row`) that were not opened before; returns how many there are now."""
    if not tasks:
        return 0
    once = upsert(TASK).on_conflict_do_nothing(index_elements=["id"]).returning(TASK.c.id)
    return len(conn.execute(once, list(tasks)).all())

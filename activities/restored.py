"""After a restore: what left in the lost life, and is unknown to the book, is looked up before it is sent (promise 4).

A contact's id and its short reference follow from what it stands for (`outbox.identity`), so that the restored book
makes the same ones again and the provider's records can tell. A row says that the book was restored (`starter.backup`);
from then on every message that may have left (`domain.restored`) begins with a try of unknown fate, the lost life's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import Connection, select

from activities.tasks import open_tasks, task_row
from db.prepared import Prepared
from db.rows import RESTORATION, TASK
from domain.calendars import add_bank_days
from domain.case import Case
from domain.clock import Clock
from domain.policy import Policy
from domain.restored import may_have_left

RESTORATIONS = Prepared(select(RESTORATION))
"""When the book was restored: a handful of rows in the life of an installation, mostly none."""
NOTARIES = "notary-after-restore"
"""The task that keeps titles from the notaries until a person has compared the book with the central's lists."""

LETTER = "lost-letter"
"""The task to get back the letter of a notice that the lost life sent: the one kept was written after the restore."""


@dataclass(frozen=True)
class Doubt:
    """A try in the lost life, if there was one, began after `since` and before `until` (real time)."""

    since: datetime
    until: datetime


def doubt(
    restorations: Sequence[Any], clock: Clock, now: datetime, said: Iterable[tuple[Case, Policy, str]]
) -> Doubt | None:
    """Whether a message for these steps may have left in a lost life, and when. `now` is business time, aware."""
    told = list(said) if restorations else []
    found = [row for row in restorations if any(may_have_left(*each, now, clock.business(row.at)) for each in told)]
    return Doubt(min(row.since for row in found), max(row.at for row in found)) if found else None


def holds_presentations(conn: Connection) -> bool:
    """Does a person still compare the book with the lists of the notaries' central?"""
    waiting = select(TASK.c.id).where(TASK.c.kind == NOTARIES, TASK.c.done_at.is_(None))
    return conn.execute(waiting.limit(1)).first() is not None


def ask_for_the_letter(conn: Connection, case: Case, step: str, notice_id: UUID, now: datetime) -> None:
    """A notice of the lost life was found at its provider, and its letter may say another day or sum than ours.

    Once for each notice. `now` is business time, aware.
    """
    details = (
        f"notice {notice_id} went out before the book was restored; the letter kept here was made afterwards",
        "attach the one that was sent, and judge whether a protest can rest on it",
    )
    key, due = uuid5(notice_id, LETTER), add_bank_days(case.today(now), 2)
    open_tasks(conn, [task_row(key, LETTER, "lawyer", due, now, details, UUID(case.id), step)])

"""What debtors wrote, for the people who answer them: lists, one message in full, and its erasure."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Row, cast, select
from sqlalchemy.types import String

from activities import replies
from db.rows import CASE, CREDITOR, DEBTOR, DOCUMENT, INBOUND, TASK
from domain.errors import BadInput
from letters.timeline import channel, word
from starter.installation import Installation
from starter.lookup import find_case
from starter.people import require_active

_SHORT = 60
"""Characters of a message that a list shows."""


def messages(house: Installation, case: str, creditor: str, waiting: bool, limit: int) -> list[dict[str, Any]]:
    """Messages, newest first: of the debtor of a case, of a creditor, or all; `waiting`: with a task that is open."""
    query = (
        select(INBOUND, CREDITOR.c.code, DEBTOR.c.name)
        .outerjoin(CREDITOR, CREDITOR.c.id == INBOUND.c.creditor_id)
        .outerjoin(DEBTOR, DEBTOR.c.id == INBOUND.c.debtor_id)
    )
    with house.engine.connect() as conn:
        if case:
            query = query.where(INBOUND.c.debtor_id == find_case(conn, case, creditor).debtor_id)
        elif creditor:
            query = query.where((CREDITOR.c.code == creditor) | (CREDITOR.c.document == creditor))
        if waiting:
            query = query.where(_open_task().exists())
        rows = conn.execute(query.order_by(INBOUND.c.received_at.desc()).limit(limit)).all()
    return [_short(row) for row in rows]


def _open_task() -> Any:
    kinds = TASK.c.kind.in_((replies.ANSWER_TASK, replies.UNMATCHED_TASK))
    named = TASK.c.details[0].astext == "message " + cast(INBOUND.c.id, String)
    return select(TASK.c.id).where(kinds, TASK.c.done_at.is_(None), named)


def _short(row: Row[Any]) -> dict[str, Any]:
    text = " ".join(f"{row.subject} {row.body}".split())
    return {
        "id": str(row.id), "at": row.business_at, "channel": channel(row.channel), "creditor": row.code or "",
        "debtor": row.name or "", "meaning": ", ".join(map(word, row.meaning)), "outcome": row.outcome,
        "text": text if len(text) <= _SHORT else f"{text[: _SHORT - 1]}…",
    }  # fmt: skip


def message(house: Installation, text: str) -> dict[str, Any]:
    """One message in full, with its files and the cases of its debtor. Raises `BadInput` for an id that names none."""
    with house.engine.connect() as conn:
        row = _find(conn, text)
        files = [UUID(each) for each in row.files]
        kept = conn.execute(select(DOCUMENT).where(DOCUMENT.c.id.in_(files)).order_by(DOCUMENT.c.name)).all()
        cases = select(CASE.c.id).where(CASE.c.debtor_id == row.debtor_id, CASE.c.stage != "closed")
        open_cases = conn.execute(cases.order_by(CASE.c.id)).scalars().all()
    return {
        "id": str(row.id), "at": row.business_at, "channel": channel(row.channel), "from": row.sender,
        "to": row.recipient, "subject": row.subject, "text": row.body, "meaning": list(map(word, row.meaning)),
        "outcome": row.outcome, "answer": row.answer, "hmac": row.content_hmac, "cases": [str(c) for c in open_cases],
        "files": [{"name": each.name, "sha256": each.sha256, "size": each.size} for each in kept],
    }  # fmt: skip


def erase(house: Installation, text: str, by: str) -> dict[str, Any]:
    """Empty a message's words and addresses in the name of an active user; what was understood of it stays."""
    with house.engine.begin() as conn:
        require_active(conn, by)
        row = _find(conn, text)
        replies.erase(conn, row.id)
    return {"id": str(row.id), "status": "erased"}


def _find(conn: Any, text: str) -> Row[Any]:
    wanted = text.lower()
    if len(wanted) < 4:
        raise BadInput(f"message {text!r}: give its id, or 4 characters of its beginning at least")
    rows = conn.execute(select(INBOUND).where(cast(INBOUND.c.id, String).startswith(wanted, autoescape=True))).all()
    if len(rows) != 1:
        found = "there is no such message" if not rows else f"{len(rows)} messages begin so"
        raise BadInput(f"message {text!r}: {found}; `regua messages` lists them")
    only: Row[Any] = rows[0]
    return only

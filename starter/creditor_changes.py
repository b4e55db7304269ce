"""Changes of a creditor on which money or powers hang: they wait for a second person.

The creditor's Pix key is the richest fraud target inside the system: whoever can change it alone receives everybody's
money. So what is guarded stays as it was until somebody else, signed in and with the role, has said yes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Engine, Row, insert, select, update

from activities.intake import OFFICE
from db.rows import APPROVAL, CREDITOR, CREDITOR_CHANGE
from db.settings import CreditorSettings
from domain.calendars import add_bank_days
from domain.errors import Refused
from domain.money import ZERO
from starter.creditors import CreditorFile, save_creditor
from starter.people import require_active

GUARDED = ("pix", "bank_accounts", "how_to_pay", "presenter", "presenters", "signatories")
"""Settings that say where money goes, or who may sign for the creditor."""
PURPOSE = "creditor-change"
ROLE = "manager"


@dataclass(frozen=True)
class Saved:
    """What became of a creditor's file: his id, and what of it waits (names of settings) under which approval."""

    id: UUID
    waits: tuple[str, ...] = ()
    approval: UUID | None = None


def change_creditor(engine: Engine, given: CreditorFile, now: datetime, by: str) -> Saved:
    """Save a creditor; of one that is known already, guarded settings only after a second person's approval.

    `by` is the staff id of who asks, needed only then; `now` is aware. Raises `Refused` without one.
    """
    with engine.connect() as conn:
        standing = conn.execute(select(CREDITOR).where(CREDITOR.c.code == given.code)).one_or_none()
    wanted = given.settings.model_dump(mode="json")
    changed = _changed(standing, wanted) if standing is not None else ()
    if standing is None or not changed:
        return Saved(save_creditor(engine, given, now))
    with engine.begin() as conn:
        if not by:
            raise Refused(
                "no-asker", f"this changes {', '.join(changed)}: say who asks, with --by; another approves it"
            )
        require_active(conn, by)
    kept = {name: CreditorSettings.model_validate(standing.settings).model_dump(mode="json")[name] for name in changed}
    guarded = CreditorFile(**vars(given) | {"settings": CreditorSettings.model_validate(wanted | kept)})
    creditor_id = save_creditor(engine, guarded, now)
    with engine.begin() as conn:
        approval = _ask(conn, creditor_id, {name: wanted[name] for name in changed}, by, now)
    return Saved(creditor_id, changed, approval)


def _changed(standing: Row[Any], wanted: dict[str, Any]) -> tuple[str, ...]:
    known = CreditorSettings.model_validate(standing.settings).model_dump(mode="json")
    return tuple(name for name in GUARDED if known.get(name) != wanted.get(name))


def _ask(conn: Connection, creditor_id: UUID, settings: dict[str, Any], by: str, now: datetime) -> UUID:
    """A new request takes the place of one that nobody answered yet."""
    for row in conn.execute(select(CREDITOR_CHANGE).where(_open_of(creditor_id)).with_for_update()).all():
        _end(conn, row, "superseded", now)
        conn.execute(update(APPROVAL).where(APPROVAL.c.id == row.approval_id).values(state="moot"))
    approval = uuid4()
    conn.execute(
        insert(APPROVAL).values(
            id=approval, case_id=None, creditor_id=creditor_id, purpose=PURPOSE, step=",".join(settings), role=ROLE,
            needed=1, amount=ZERO, state="asked", due=add_bank_days(now.astimezone(OFFICE).date(), 1),
            requested_at=now, asked_by=by,
        )
    )  # fmt: skip
    conn.execute(
        insert(CREDITOR_CHANGE).values(
            id=uuid4(), creditor_id=creditor_id, approval_id=approval, settings=settings, asked_by=by, asked_at=now,
            state="asked",
        )
    )  # fmt: skip
    return approval


def settle_change(conn: Connection, approval_id: UUID, yes: bool, now: datetime) -> Row[Any]:
    """The second person's word on a change: it takes effect now, or never. In the transaction of that word."""
    mine = CREDITOR_CHANGE.c.approval_id == approval_id
    change = conn.execute(select(CREDITOR_CHANGE).where(mine).with_for_update()).one()
    if yes:
        row = conn.execute(select(CREDITOR).where(CREDITOR.c.id == change.creditor_id).with_for_update()).one()
        settings = CreditorSettings.model_validate(row.settings | change.settings).model_dump(mode="json")
        conn.execute(update(CREDITOR).where(CREDITOR.c.id == row.id).values(settings=settings))
    _end(conn, change, "applied" if yes else "refused", now)
    state = "given" if yes else "refused"
    conn.execute(update(APPROVAL).where(APPROVAL.c.id == approval_id).values(state=state))
    return change


def pending(conn: Connection, approval_id: UUID) -> dict[str, Any]:
    """What a waiting change would do: each guarded setting as it is and as it would be."""
    change = conn.execute(select(CREDITOR_CHANGE).where(CREDITOR_CHANGE.c.approval_id == approval_id)).one()
    row = conn.execute(select(CREDITOR).where(CREDITOR.c.id == change.creditor_id)).one()
    return {
        "creditor": row.code, "asked_by": change.asked_by, "asked_at": change.asked_at,
        "changes": [
            {"setting": name, "is": row.settings.get(name), "would_be": value}
            for name, value in change.settings.items()
        ],
    }  # fmt: skip


def _open_of(creditor_id: UUID) -> Any:
    return (CREDITOR_CHANGE.c.creditor_id == creditor_id) & (CREDITOR_CHANGE.c.state == "asked")


def _end(conn: Connection, change: Row[Any], state: str, now: datetime) -> None:
    conn.execute(update(CREDITOR_CHANGE).where(CREDITOR_CHANGE.c.id == change.id).values(state=state, settled_at=now))

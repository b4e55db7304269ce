"""Staff: who may act, who is at this terminal, and whose word counts for an approval."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, func, insert, select

from db.rows import APPROVAL, STAFF, WORD
from domain.errors import BadInput, Refused

ROLES = ("clerk", "supervisor", "manager", "lawyer")
_ID = re.compile(r"[a-z0-9][a-z0-9._-]{1,39}")


def add_user(conn: Connection, staff_id: str, name: str, roles: Sequence[str], limit: Decimal) -> str:
    """Add a staff member; `limit` in reais is what he may approve. Returns the personal token, kept only as its hash.

    Raises `BadInput` for an id that is taken or cannot be one, or an unknown role.
    """
    if not _ID.fullmatch(staff_id):
        raise BadInput(f"user {staff_id!r}: an id has 2 to 40 small letters, digits, dots, dashes; like ana.costa")
    if unknown := [role for role in roles if role not in ROLES]:
        raise BadInput(f"role {unknown[0]!r}: there is no such role; use {', '.join(ROLES)}")
    if conn.execute(select(STAFF.c.id).where(STAFF.c.id == staff_id)).one_or_none():
        raise BadInput(f"user {staff_id!r}: this id is taken; choose another")
    token = secrets.token_urlsafe(32)
    values = {"id": staff_id, "name": name, "roles": sorted(set(roles)), "limit": limit, "active": True}
    conn.execute(insert(STAFF).values(**values, token_hash=_hash(token), created_at=datetime.now(UTC)))
    return token


def require_active(conn: Connection, staff_id: str) -> Row[Any]:
    """The staff member who acts. Raises `Refused` for one who is not known or not active."""
    row = conn.execute(select(STAFF).where(STAFF.c.id == staff_id, STAFF.c.active)).one_or_none()
    if row is None:
        raise Refused("no-such-user", f"--by {staff_id!r}: no active user has this id; `regua user list` shows them")
    return row


def signed_in(conn: Connection, token: str) -> Row[Any]:
    """The active staff member whose personal token this is. Raises `Refused`."""
    if not token:
        raise Refused("not-signed-in", "nobody is signed in; put your personal token in REGUA_TOKEN")
    digest = _hash(token)
    for row in conn.execute(select(STAFF).where(STAFF.c.active)):
        if hmac.compare_digest(row.token_hash, digest):
            return row
    raise Refused("not-signed-in", "the token in REGUA_TOKEN is nobody's; `regua user add` printed yours")


def say(conn: Connection, approval_id: UUID, staff: Row[Any], yes: bool, reason: str, now: datetime) -> int:
    """Write down a signed-in person's word on an open approval; returns how many more must agree.

    One word per person, under the lock of the approval; a yes needs role and limit, a no the role. Raises `Refused`.
    """
    approval = conn.execute(select(APPROVAL).where(APPROVAL.c.id == approval_id).with_for_update()).one()
    _check(conn, approval, staff, yes)
    if not yes and not reason.strip():
        raise BadInput("--reason: a refusal needs a reason; say what would have to change")
    word = {"approval_id": approval_id, "staff_id": staff.id, "yes": yes, "reason": reason, "said_at": now}
    conn.execute(insert(WORD).values(**word))
    return int(approval.needed) - word_count(conn, approval)


def _check(conn: Connection, approval: Row[Any], staff: Row[Any], yes: bool) -> None:
    if approval.state != "asked":
        raise Refused("not-asked", f"this approval does not wait any more, it is {approval.state}")
    if staff.id == approval.asked_by:
        raise Refused("own-request", f"{staff.id} asked for this; another person must answer")
    roles = [role for role in (approval.role, approval.escalated_to) if role]
    if not {*roles} & {*staff.roles}:
        raise Refused(
            "wrong-role", f"this needs the role {' or '.join(roles)}; {staff.id} has {', '.join(staff.roles)}"
        )
    if yes and staff.limit < approval.amount:
        raise Refused("over-limit", f"this is about R$ {approval.amount}; the limit of {staff.id} is R$ {staff.limit}")
    said = select(WORD.c.yes).where(WORD.c.approval_id == approval.id, WORD.c.staff_id == staff.id)
    if conn.execute(said).one_or_none() is not None:
        raise Refused("already-said", f"{staff.id} has already answered this; another person must")


def word_count(conn: Connection, approval: Row[Any]) -> int:
    """How many people agree whose word counts today: active, with a role that was asked and a sufficient limit."""
    asked = STAFF.c.roles.contains([approval.role])
    if approval.escalated_to:
        asked = asked | STAFF.c.roles.contains([approval.escalated_to])
    counts = (
        select(func.count())
        .select_from(WORD.join(STAFF, STAFF.c.id == WORD.c.staff_id))
        .where(WORD.c.approval_id == approval.id, WORD.c.yes, STAFF.c.active, STAFF.c.limit >= approval.amount)
        .where(asked, STAFF.c.id != approval.asked_by)
    )
    return int(conn.execute(counts).scalar_one())


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()

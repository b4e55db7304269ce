"""How often a debtor may be contacted: counted over all his cases, under his row's lock (promise 1)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from uuid import UUID

from sqlalchemy import Connection

from activities import statements as sql
from db.prepared import Call, together
from domain.hours import first_lawful
from domain.places import time_zone
from domain.policy import ContactRules

WEEK = timedelta(days=7)


def room_from(conn: Connection, debtor_id: UUID, uf: str, rules: ContactRules, now: datetime) -> datetime | None:
    """The next moment at which the caps leave room for a contact, or None where there is room now.

    Counts contacts of the debtor's civil day and of the last seven days, whatever their case or channel; what reached
    nobody (refused by the provider, bounced) does not count. `now` is business time; the result is aware and lawful.
    """
    (rows,) = together(conn, [counted(debtor_id, now)])
    return room_after([row.planned_at for row in rows], uf, rules, now)


def counted(debtor_id: UUID, now: datetime) -> Call:
    """Reads `planned_at` of what the caps count."""
    return sql.COUNTED(id_=debtor_id, since=now - WEEK)


def room_after(moments: Sequence[datetime], uf: str, rules: ContactRules, now: datetime) -> datetime | None:
    """The same, after contacts planned for these moments of the last seven days, in their order."""
    zone = time_zone(uf)
    midnight = datetime.combine(now.astimezone(zone).date(), time(0), zone)
    if len(moments) >= rules.per_week:
        return first_lawful(moments[-rules.per_week] + WEEK, uf, "message", rules)
    if sum(moment >= midnight for moment in moments) >= rules.per_day:
        return first_lawful(midnight + timedelta(days=1), uf, "message", rules)
    return None

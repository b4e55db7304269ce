"""Whether a person may telephone a debtor now: what a list of calls to be made must warn of.

A call that a clerk makes is a contact like any other: block lists, opt-outs and the lawful hours of the place hold for
it too (promise 1). It is logged afterwards, so the warning comes with the task.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from activities.budget import counted
from activities.desk import pinned_policy
from db.prepared import together
from db.rows import BLOCK_ENTRY, CASE, CONTACT_POINT, DEBTOR, HOLIDAY
from domain.block_lists import Entry, barred
from domain.budget import Made, Reason, room
from domain.case import ELECTRONIC
from domain.errors import Refused
from domain.hours import open_at
from domain.policy import ContactRules
from domain.whereabouts import Place, place_at

CALL = "call"
LAW_ONLY = ContactRules(dict.fromkeys(range(7), (time.min, time.max)), per_day=1, per_week=1)
"""No hours of its own: what the law leaves."""


def warnings(conn: Connection, cases: Iterable[UUID], now: datetime) -> dict[UUID, str]:
    """By case, why its debtor must not be telephoned now: `block-list`, `opted-out`, `outside-hours` or `over-caps`."""
    columns = (
        CASE.c.id.label("case"),
        CASE.c.policy_hash,
        DEBTOR.c.id,
        DEBTOR.c.document,
        DEBTOR.c.uf,
        DEBTOR.c.ibge,
        DEBTOR.c.opted_out,
    )
    asked = select(*columns).join(DEBTOR, DEBTOR.c.id == CASE.c.debtor_id).where(CASE.c.id.in_(list(cases)))
    debtors = conn.execute(asked).all()
    entries = _entries(conn, [row.id for row in debtors])
    found = {}
    for row in debtors:
        place = _place(conn, row, now)
        if CALL in barred(entries[row.id], now.astimezone(place.zone).date()):
            found[row.case] = "block-list"
        elif CALL in row.opted_out or ("electronic" in row.opted_out and CALL in ELECTRONIC):
            found[row.case] = "opted-out"
        elif not open_at(now, place, CALL, LAW_ONLY):
            found[row.case] = "outside-hours"
        elif _over_caps(conn, row, place, now):
            found[row.case] = "over-caps"
    return found


def _over_caps(conn: Connection, row: Any, place: Place, now: datetime) -> bool:
    """Would a call now be one contact too many, by the caps of law and policy? Hours are judged before."""
    (counts,) = together(conn, [counted(row.id, now)])
    made = [Made(each.planned_at, each.channel, each.address or "", True) for each in counts]
    try:
        wait = room(made, pinned_policy(conn, row.policy_hash).contact, now, CALL, "", place)
    except Refused:
        return False
    return wait is not None and wait.reason != Reason.HOURS


def _entries(conn: Connection, debtors: list[UUID]) -> dict[UUID, list[Entry]]:
    """Entries of block lists by debtor, under his document or any of his phones."""
    by_phone = select(CONTACT_POINT.c.debtor_id.label("debtor"), BLOCK_ENTRY).join(
        BLOCK_ENTRY, (BLOCK_ENTRY.c.kind == "phone") & (BLOCK_ENTRY.c.value == CONTACT_POINT.c.address)
    )
    by_document = select(DEBTOR.c.id.label("debtor"), BLOCK_ENTRY).join(
        BLOCK_ENTRY, (BLOCK_ENTRY.c.kind == "document") & (BLOCK_ENTRY.c.value == DEBTOR.c.document)
    )
    found: dict[UUID, list[Entry]] = defaultdict(list)
    for asked in (by_phone.where(CONTACT_POINT.c.debtor_id.in_(debtors)), by_document.where(DEBTOR.c.id.in_(debtors))):
        for row in conn.execute(asked):
            found[row.debtor].append(Entry(row.uf, row.registered_on, row.until))
    return found


def _place(conn: Connection, debtor: Any, now: datetime) -> Place:
    place = place_at(debtor.uf, debtor.ibge)
    today = now.astimezone(place.zone).date()
    where = ["BR", *(name for spot in place.spots for name in (spot.uf, spot.ibge) if name)]
    off = select(HOLIDAY.c.day).where(HOLIDAY.c.day == today, HOLIDAY.c.place.in_(where))
    return place.closed_on(frozenset(conn.execute(off).scalars()))

"""By which way a debtor may be contacted now, or until when not: the rules of `domain.budget` on today's rows.

Judged in the transaction that writes the intent, under locks that are always taken in one order: the debtor, his cases
by id, then the addresses that come into question, by their keys. Whoever holds an address wants no other lock of
another debtor any more, so two debtors who share one address cannot block each other, and of two processes that race
for its last contact of the day exactly one gets it (promise 1).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from activities import statements as sql
from activities.desk import Desk
from activities.saying import Said
from db.prepared import Call, Rows, together
from domain import facts as f
from domain.block_lists import Entry, barred
from domain.budget import WEEK, Budget, Made, Reason, Wait, Way, choose, closed_channels
from domain.hours import window
from domain.preference import Asked, Fate, best_hours, later_today, order
from domain.prices import Spent, too_dear
from domain.whereabouts import PHONE_CHANNELS, Place, place_at

MEMORY = timedelta(days=180)
"""How far back what reached a debtor still tells how he is reached."""
NATIONAL = "BR"
"""Place of a loaded holiday that holds everywhere."""
_READ = frozenset({"open", "click", "read"})
"""Provider events that tell that a person looked."""
_SETTLED = {"delivered": "delivered", "bounced": "failed", "failed": "failed", "unanswered": "failed"}
"""What the state of a contact says about its address."""


@dataclass(frozen=True)
class Chosen:
    """The address (row of contact_point) at which the debtor is contacted now."""

    point: Row[Any]


def counted(debtor_id: UUID, now: datetime) -> Call:
    """Reads what the caps count of a debtor's last seven days: when, through which channel, to which address."""
    return sql.COUNTED(id_=debtor_id, since=now - WEEK)


def way(desk: Desk, step: str, what: Said, debtor: Row[Any], points: Rows, made: Rows) -> Chosen | f.Told:
    """The address at which this may be said to the debtor now; else what the case is told: until when not, and why.

    `points` are his usable addresses that the step has not tried yet, `made` the rows of `counted`. The debtor's row
    and those of his open cases are locked by the caller.
    """
    channels = [channel for channel in what.channels if not desk.case.deaf_to(channel)]
    usable = [point for point in points if point.channel in channels]
    if not usable:
        return f.Unreachable(step, "no usable channel")
    known = _look(desk, debtor, usable, made, capped=what.counts)
    ways = {_way(known.home, point): point for point in order(channels, _asked(usable), known.fates)}
    found = choose(list(ways), known.budget(desk, what.counts), desk.now)
    if isinstance(found, Wait):
        return f.ContactDeferred(step, found.until, str(found.reason))
    if not isinstance(found, Way):
        return f.Unreachable(step, f"no usable channel: {found}")
    if what.counts and (later := _best_hour(desk, found, ways[found], known.fates)):
        return f.ContactDeferred(step, later, str(Reason.BEST_HOURS))
    return Chosen(ways[found])


def notice_waits(desk: Desk, step: str, channels: Sequence[str], debtor: Row[Any]) -> f.ContactDeferred | None:
    """Until when a formal notice by these channels waits for the hours of each telephone it goes to; None: it goes.

    A telephone that it may not use at all is left out by `bars`.
    """
    phones = [channel for channel in channels if channel in PHONE_CHANNELS and not desk.case.deaf_to(channel)]
    (points,) = together(desk.conn, [sql.POINTS(id_=debtor.id, channels=phones)])
    known = _look(desk, debtor, points, (), capped=False)
    waits = []
    for point in points:
        found = choose([_way(known.home, point)], known.budget(desk, False), desk.now)
        waits += [found] if isinstance(found, Wait) else []
    if not waits:
        return None
    last = max(waits, key=lambda wait: wait.until)
    return f.ContactDeferred(step, last.until, str(last.reason))


def bars(desk: Desk, debtor: Row[Any], point: Row[Any]) -> bool:
    """May this address not be used now, caps apart: a block list, or a place at which it is not lawful?"""
    known = _look(desk, debtor, [point], (), capped=False)
    return not isinstance(choose([_way(known.home, point)], known.budget(desk, False), desk.now), Way)


def again_waits(desk: Desk, step: str, debtor: Row[Any], contact: Row[Any]) -> f.ContactDeferred | None:
    """Until when a contact that is in flight must not be tried again, by hours and days off; None: nothing to wait for.

    It was counted when it was written; a second try of it is the same contact. Whether its way is still open, `bars`
    says.
    """
    (points,) = together(desk.conn, [sql.POINT(id_=contact.contact_point_id)])
    known = _look(desk, debtor, points, (), capped=False)
    for point in points:
        found = choose([_way(known.home, point)], known.budget(desk, False), desk.now)
        if isinstance(found, Wait):
            return f.ContactDeferred(step, found.until, str(found.reason))
    return None


# --- what is known ---------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class _Known:
    """What the rows say about a debtor and the addresses in question."""

    home: Place
    made: tuple[Made, ...]
    fates: tuple[Fate, ...]
    blocked: frozenset[str]
    spent: tuple[Spent, ...]

    def budget(self, desk: Desk, counts: bool) -> Budget:
        rules = desk.policy.contact
        dear = too_dear(self.spent, rules.cost) if counts else ()
        return Budget(self.made, rules, closed_channels(self.blocked, dear), counts)


def _look(desk: Desk, debtor: Row[Any], points: Sequence[Any], made: Rows, *, capped: bool) -> _Known:
    """Lock the addresses (where caps count) and read what the rules judge by, in one round trip."""
    now, today = desk.now, desk.case.today(desk.now)
    addresses = sorted({point.address for point in points})
    phones = [point.address for point in points if point.channel in PHONE_CHANNELS]
    home = _home(desk, debtor)
    where = {NATIONAL, *(name for place in _all(home, phones) for spot in place.spots for name in (spot.uf, spot.ibge))}
    locks = [sql.LOCK_ADDRESS(key=key) for key in sorted(_key(debtor.creditor_id, to) for to in addresses)]
    *_, others, entries, days, spent, fates = together(
        desk.conn,
        [
            *(locks if capped else ()),
            sql.AT_ADDRESSES(id_=debtor.id, creditor_=debtor.creditor_id, addresses=addresses, since=now - WEEK),
            sql.BLOCKED(id_=debtor.id, document_=debtor.document),
            sql.HOLIDAYS(places=sorted(where - {""}), first=today, last=today + timedelta(days=90)),
            sql.SPENT(id_=desk.row.id),
            sql.FATES(id_=debtor.id, since=now - MEMORY),
        ],
    )
    return _Known(
        home=home.closed_on(frozenset(row.day for row in days)),
        made=tuple(_made(row, own) for rows, own in ((made, True), (others, False)) for row in rows),
        fates=_fates(fates),
        blocked=barred([Entry(row.uf, row.registered_on, row.until) for row in entries], today),
        spent=tuple(Spent(row.channel, row.segments, row.price, row.currency) for row in spent),
    )


def _home(desk: Desk, debtor: Row[Any]) -> Place:
    """The place for which the case plans, and where his address is now."""
    case = desk.case
    planned = place_at(case.uf, case.ibge)
    return planned.joined(place_at(debtor.uf, debtor.ibge)) if debtor.uf else planned


def _all(home: Place, phones: Iterable[str]) -> list[Place]:
    return [home, *(home.with_phone(phone) for phone in phones)]


def _key(creditor_id: UUID, address: str) -> int:
    """The key of an address among the database's advisory locks: 64 bits, signed. Creditors do not share it."""
    digest = hashlib.blake2b(f"address:{creditor_id}:{address}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


def _made(row: Row[Any], own: bool) -> Made:
    return Made(row.planned_at, row.channel, row.address or "", own)


def _way(home: Place, point: Row[Any]) -> Way:
    place = home.with_phone(point.address) if point.channel in PHONE_CHANNELS else home
    return Way(point.channel, point.address, place)


def _asked(points: Sequence[Any]) -> list[tuple[Asked, Any]]:
    """Addresses as the preference sees them; one that he asked for has a rank below zero (`regua contact prefer`)."""
    return [(Asked(point.channel, point.address, point.rank < 0), point) for point in points]


def _fates(rows: Rows) -> tuple[Fate, ...]:
    """What became of each contact, each kind of news once however often it was reported."""
    found: dict[tuple[UUID, str], Fate] = {}
    for row in rows:
        if row.event:
            what = "read" if row.event in _READ else "replied"
            found.setdefault((row.id, what), Fate(row.channel, row.address, what, row.business_at))
        if row.state in _SETTLED:
            what = _SETTLED[row.state]
            found.setdefault((row.id, what), Fate(row.channel, row.address, what, row.planned_at))
    return tuple(found.values())


def _best_hour(desk: Desk, found: Way, point: Row[Any], fates: Sequence[Fate]) -> datetime | None:
    """When today he is better reached than now, by his habits; what he asked for himself is planned for already."""
    if point.best_hours or desk.case.best_hours:
        return None
    zone, rules = found.place.zone, desk.policy.contact
    lawful = window(desk.now.astimezone(zone).date(), found.place, found.channel, rules)
    return later_today(desk.now, best_hours(fates, zone), lawful, zone)

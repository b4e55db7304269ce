"""How and when a debtor wants to be reached: what of his wish can be kept, and where it is kept.

A wish orders what is allowed anyhow (`domain.preference`). It is kept with his addresses, where `regua contact prefer`
keeps it, and told to all his open cases. What cannot be kept is a person's, with the reason: a channel of which there
is no address (none is taken from what he writes), one that his ladders do not use, hours that are nowhere lawful.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, func, select, update

from activities.desk import Desk
from db.rows import CONTACT_POINT
from domain import facts as f
from domain.case import ELECTRONIC
from domain.dialogue import Wish
from domain.dialogue.wishes import ANY, HERE, TEXT, VOICE
from domain.policy import Hours, built_channels
from domain.preference import ANY_HOURS, hours_text, within
from domain.whereabouts import place_at
from letters.neutral import wish_words

CALLS = ("voice", "call")
"""Channels of telephone calls: those of the machine, and those of people."""
_SHORT_MESSAGES = ("sms", "whatsapp")


@dataclass(frozen=True)
class Kept:
    """What became of a wish: why it could not be kept ("" = it was), what his cases are told, how it is confirmed."""

    why: str = ""
    fact: f.ContactDataChanged | None = None
    words: str = ""


def keep(conn: Connection, debtor_id: UUID, channel: str, asked: Sequence[UUID], hours: str) -> f.ContactDataChanged:
    """Write down that he asked for these addresses (rows of contact_point) in these hours ("" = none); an earlier wish
    gives way. Hours without an address hold for all of his. Returns what his open cases are told."""
    his = CONTACT_POINT.c.debtor_id == debtor_id
    last = select(func.max(CONTACT_POINT.c.rank)).where(his).scalar_subquery()
    conn.execute(update(CONTACT_POINT).where(his, CONTACT_POINT.c.rank < 0).values(rank=last + 1))
    conn.execute(update(CONTACT_POINT).where(his, CONTACT_POINT.c.best_hours != "").values(best_hours=""))
    if asked:
        conn.execute(update(CONTACT_POINT).where(CONTACT_POINT.c.id.in_(asked)).values(rank=-1, best_hours=hours))
    elif hours:
        conn.execute(update(CONTACT_POINT).where(his).values(best_hours=hours))
    return f.ContactDataChanged(channel, hours or ANY_HOURS)


def grant(message: Row[Any], debtor: Row[Any], wish: Wish, desks: Sequence[Desk]) -> Kept:
    """Keep what he asks for in a message, if it can be. `desks` are those of the cases it is about, locked like him."""
    conn, channel = desks[0].conn, _channel(wish.channel, message.channel)
    points = _points(conn, debtor.id)
    named = _of_channel(points, channel, message.sender) if channel not in ("", ANY) else []
    if channel not in ("", ANY) and not named:
        return Kept(why="no-address")
    if named and not any(_used(desk, point.channel) for desk in desks for point in named):
        return Kept(why="channel-not-used")
    hours = _hours(wish, debtor, desks)
    if wish.hours and hours is None:
        return Kept(why="hours-not-kept")
    standing = [point for point in points if point.rank < 0]
    asked = named or ([] if channel == ANY else standing)
    at = hours_text(hours) if hours else "" if wish.any_hours else _standing_hours(points)
    fact = keep(conn, debtor.id, named[0].channel if named else message.channel, [point.id for point in asked], at)
    return Kept(fact=fact, words=wish_words(channel, hours, wish.any_hours, wish.refused))


def closed_by(refused: frozenset[str]) -> tuple[str, ...]:
    """The channels that are closed where he refuses these: who wants no calls wants none of people either."""
    return tuple(sorted({*refused, *(CALLS if VOICE in refused else ())}))


def _channel(asked: str, written_by: str) -> str:
    """The channel that is meant: where he says "por aqui", or "mensagem" in one, that on which he writes."""
    if asked == HERE or (asked == TEXT and written_by in _SHORT_MESSAGES):
        return written_by
    return asked


def _points(conn: Connection, debtor_id: UUID) -> Sequence[Row[Any]]:
    usable = select(CONTACT_POINT).where(CONTACT_POINT.c.debtor_id == debtor_id, CONTACT_POINT.c.state == "usable")
    usable = usable.where(CONTACT_POINT.c.channel.in_(ELECTRONIC))  # what goes by post, a person sees to
    return conn.execute(usable.order_by(CONTACT_POINT.c.rank, CONTACT_POINT.c.id)).all()


def _of_channel(points: Sequence[Row[Any]], channel: str, sender: str) -> list[Row[Any]]:
    """His address on this channel, that from which he writes before others; of calls one of each kind."""
    found = [point for point in points if point.channel in (CALLS if channel == VOICE else (channel,))]
    found.sort(key=lambda point: (point.address.lower() != sender.lower(), point.rank))
    return list({point.channel: point for point in reversed(found)}.values())


def _used(desk: Desk, channel: str) -> bool:
    """Does the ladder of this case name the channel at all? Else a wish for it would be confirmed and never kept."""
    return any(channel in built_channels(step) for step in desk.policy.steps)


def _hours(wish: Wish, debtor: Row[Any], desks: Sequence[Desk]) -> Hours | None:
    """What law and the policies of his cases leave of the wished hours; None where nothing remains for one of them."""
    hours = wish.hours
    for desk in desks if hours else ():
        home = place_at(debtor.uf, debtor.ibge) if debtor.uf else desk.case.place()
        # Moments of a ladder are planned by the hours of messages; those of calls are judged when one is due.
        hours = hours and within(hours, home, "message", desk.policy.contact, desk.case.today(desk.now))
    return hours


def _standing_hours(points: Sequence[Row[Any]]) -> str:
    """The hours that he asked for before, and did not take back."""
    return next((point.best_hours for point in points if point.best_hours), "")

"""Where a notice can go: to the debtor and to each other bound party, address by address, each with its origin.

An address is known to the ledger only by its salted HMAC. What this notice was sent to once it is not sent to again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, insert, select

from activities.budget import bars
from activities.desk import Desk
from activities.eligibility import bound_parties
from activities.statements import NOT_CLOSED
from db.rows import CONTACT, CONTACT_CASE, CONTACT_POINT, NOTICE_SENDING
from domain import facts as f
from domain.case import Case
from domain.ledger import keyed
from domain.notice import failed
from domain.policy import Step, built_channels
from letters import pt

LETTER = "letter"
RECORD = "debtor-record"
"""Origin of the postal address that stands in the debtor's own record."""


@dataclass(frozen=True)
class Spot:
    """One address that a notice can go to. Of a letter, `address` holds the lines of the envelope."""

    channel: str
    address: str
    origin: str
    point: Row[Any] | None = None
    party: Row[Any] | None = None

    @property
    def party_id(self) -> str:
        """The other bound party that it belongs to; "" = the debtor."""
        return str(self.party.id) if self.party else ""

    def mac(self, salt: str) -> str:
        """The salted HMAC of the address, by which the ledger knows it (hex)."""
        return keyed(salt, " ".join(self.address.lower().split()))


@dataclass(frozen=True)
class Way:
    """A spot with the name of its way: the channel, and from the second address on its number."""

    name: str
    spot: Spot

    def sending(self, salt: str) -> f.Sending:
        """What the ledger keeps of it."""
        return f.Sending(self.name, self.spot.party_id, self.spot.mac(salt), self.spot.origin)


def address_lines(owner: Any) -> tuple[str, ...]:
    """The postal address of a row as it stands on an envelope; empty where it is not complete."""
    if not all(part.strip() for part in (owner.address, owner.city, owner.uf, owner.cep)):
        return ()
    lines = (owner.address, owner.district, f"{pt.cep(owner.cep)} {owner.city}/{owner.uf}")
    return tuple(line.strip() for line in lines if line.strip())


def spots(desk: Desk, debtor: Row[Any], step: Step) -> list[Spot]:
    """Every address of debtor and bound parties that this step may use now, the best of each channel first.

    A letter needs an address and no consent; electronic channels are the debtor's own, where he and the law allow them.
    """
    found = [spot for channel in built_channels(step) for spot in _of_channel(desk, debtor, channel)]
    if LETTER in built_channels(step):
        parties = bound_parties(desk.conn, desk.case, desk.row.invoice_id)
        reached = ((party, address_lines(party)) for party in parties)
        found += [Spot(LETTER, "\n".join(lines), "party-record", party=party) for party, lines in reached if lines]
    return found


def _of_channel(desk: Desk, debtor: Row[Any], channel: str) -> Iterator[Spot]:
    if channel == LETTER and (lines := address_lines(debtor)):
        yield Spot(LETTER, "\n".join(lines), RECORD)
    if channel != LETTER and desk.case.deaf_to(channel):
        return
    points = desk.conn.execute(
        select(CONTACT_POINT)
        .where(CONTACT_POINT.c.debtor_id == debtor.id, CONTACT_POINT.c.channel == channel)
        .where(CONTACT_POINT.c.state == "usable", NOT_CLOSED)
        .order_by(CONTACT_POINT.c.rank, CONTACT_POINT.c.id)
    )
    for point in points.all():
        if channel == LETTER or not bars(desk, debtor, point):
            yield Spot(channel, point.address, point.source, point)


def first_ways(found: Iterable[Spot]) -> list[Way]:
    """Of a new notice: the best address of each channel, for everybody it goes to."""
    best: dict[tuple[str, str], Spot] = {}
    for spot in found:
        best.setdefault((spot.party_id, spot.channel), spot)
    return [Way(spot.channel, spot) for spot in best.values()]


def further_ways(found: Iterable[Spot], carried: Sequence[Row[Any]], case: Case, salt: str) -> list[Way]:
    """Of a notice that failed on a channel: the next address on it that the notice did not go to yet."""
    best: dict[tuple[str, str], Spot] = {}
    for spot in found:
        if not _lives(case, spot) and not _was_used(spot, carried, salt):
            best.setdefault((spot.party_id, spot.channel), spot)
    return [Way(_next_name(spot, carried), spot) for spot in best.values()]


def _lives(case: Case, spot: Spot) -> bool:
    """Is there a way to this person by this channel that has not failed?"""
    notice = case.notice
    served = notice.others.get(spot.party_id) if notice and spot.party_id else notice
    ways = served.ways if served else {}
    return any(name.partition("-")[0] == spot.channel and not failed(state) for name, state in ways.items())


def _was_used(spot: Spot, carried: Sequence[Row[Any]], salt: str) -> bool:
    mac, place = spot.mac(salt), (spot.channel, spot.point.id if spot.point else None)
    return any(
        row.address_hmac == mac if row.address_hmac else (row.channel, row.contact_point_id) == place
        for row in _theirs(spot, carried)
    )


def _next_name(spot: Spot, carried: Sequence[Row[Any]]) -> str:
    number = 1 + sum(row.channel == spot.channel for row in _theirs(spot, carried))
    return spot.channel if number == 1 else f"{spot.channel}-{number}"


def _theirs(spot: Spot, carried: Sequence[Row[Any]]) -> list[Row[Any]]:
    return [row for row in carried if party_of(row) == spot.party_id]


# --- rows ------------------------------------------------------------------------------------------------------------
def party_of(row: Row[Any]) -> str:
    """The bound party to whom a sending went; "" = the debtor."""
    return str(row.party_id) if row.party_id else ""


def link_step(step: str, way: Way) -> str:
    """Under which name a contact of a notice is linked to its case."""
    to = f":{way.spot.party_id}" if way.spot.party_id else ""
    return f"{step}:{way.name}{to}"


def write_sending(conn: Connection, notice_id: UUID, contact_id: UUID, way: Way, salt: str) -> None:
    """Write down by which way a contact carries a notice."""
    conn.execute(
        insert(NOTICE_SENDING).values(
            contact_id=contact_id, notice_id=notice_id, way=way.name, address_hmac=way.spot.mac(salt),
            party_id=way.spot.party.id if way.spot.party else None, origin=way.spot.origin,
        )
    )  # fmt: skip


def carried(conn: Connection, notice_id: UUID) -> Sequence[Row[Any]]:
    """The contacts that carry a notice, each with its way, party and address hash."""
    columns = (NOTICE_SENDING.c.way, NOTICE_SENDING.c.party_id, NOTICE_SENDING.c.address_hmac, NOTICE_SENDING.c.origin)
    joined = select(CONTACT, *columns, CONTACT_CASE.c.step.label("link")).join(
        NOTICE_SENDING, NOTICE_SENDING.c.contact_id == CONTACT.c.id
    )
    linked = joined.join(CONTACT_CASE, CONTACT_CASE.c.contact_id == CONTACT.c.id)
    return conn.execute(linked.where(NOTICE_SENDING.c.notice_id == notice_id).order_by(CONTACT_CASE.c.step)).all()


def untold(case: Case, rows: Sequence[Row[Any]]) -> list[Row[Any]]:
    """Those of which the case does not know yet: it hears of a way when its call is settled."""
    notice = case.notice
    if notice is None:
        return list(rows)
    others = {party: served.ways for party, served in notice.others.items()}
    return [row for row in rows if row.way not in (others.get(party_of(row), {}) if row.party_id else notice.ways)]

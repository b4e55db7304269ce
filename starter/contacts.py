"""How a debtor can be reached, and how he must not be: addresses and opt-outs, told to all his open cases."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, func, select, update
from sqlalchemy.dialects.postgresql import insert

from activities import wishes
from activities.notice_ways import address_lines
from db.rows import CASE, CONTACT_POINT, DEBTOR
from domain import facts as f
from domain.case import ELECTRONIC
from domain.errors import BadInput, Refused
from domain.identifiers import parse_cep, parse_email, parse_phone
from domain.places import known_uf, municipality, uf_of_cep
from domain.preference import ANY_HOURS, parse_hours
from starter.actions import Clerk, Deed, Outcome, open_cases, store
from starter.installation import Installation, installation
from starter.lookup import find_case
from starter.people import require_active

CHANNELS = ("email", "sms", "whatsapp", "voice", "call")
ADDRESS, LETTER = "address", "letter"
"""The debtor has one postal address; further ones, for letters that come back, are points of a letter."""


Write = Callable[[Installation, Connection, Row[Any]], list[f.Told]]
"""Writes the rows of a change to a debtor (his row, locked); returns what his open cases are told, in order."""


@dataclass(frozen=True)
class Changed:
    """What was changed for a debtor, and what his open cases answered."""

    debtor: UUID
    channel: str
    cases: list[Outcome]


def add(
    case: str, creditor: str, channel: str, address: str, where: Mapping[str, str], source: str, by: str
) -> Changed:
    """Add a way to reach the debtor of a case; correct his postal address (channel `address`, parts in `where`), or add
    a further one (channel `letter`).

    Raises `BadInput` for what cannot be an address of that channel.
    """

    def write(house: Installation, conn: Connection, debtor: Row[Any]) -> list[f.Told]:
        if channel == ADDRESS:
            conn.execute(update(DEBTOR).where(DEBTOR.c.id == debtor.id).values(**postal(where)))
            return [f.ContactDataChanged("letter")]
        to = _envelope(where) if channel == LETTER else _normal(channel, address)
        row = {"debtor_id": debtor.id, "channel": channel, "address": to, "state": "usable"}
        last = select(func.coalesce(func.max(CONTACT_POINT.c.rank), -1) + 1).where(
            CONTACT_POINT.c.debtor_id == debtor.id
        )
        changes = {"state": "usable", "source": source, "changed_at": house.now}
        new = insert(CONTACT_POINT).values(
            **row | changes, id=uuid4(), role="debtor", consent="", rank=last.scalar_subquery()
        )
        known = ["debtor_id", "channel", "address"]
        conn.execute(new.on_conflict_do_update(index_elements=known, set_=changes))
        return [f.ContactDataChanged(channel)]

    return _change(case, creditor, channel, by, write)


def mark(case: str, creditor: str, channel: str, address: str, state: str, by: str) -> Changed:
    """Say that a known address is right (`usable`) or wrong (`invalid`). Raises `Refused` for one that is not known.

    That of a letter is typed in one line: its lines with commas between them.
    """
    if channel == LETTER:
        same = func.replace(CONTACT_POINT.c.address, "\n", ", ") == " ".join(address.split())
    else:
        same = CONTACT_POINT.c.address == _normal(channel, address)

    def write(house: Installation, conn: Connection, debtor: Row[Any]) -> list[f.Told]:
        point = (CONTACT_POINT.c.debtor_id == debtor.id) & (CONTACT_POINT.c.channel == channel) & same
        found = update(CONTACT_POINT).where(point).values(state=state, changed_at=house.now)
        if not conn.execute(found.returning(CONTACT_POINT.c.id)).all():
            raise Refused("no-such-contact", "the debtor has no such address on this channel; `regua debtor` shows all")
        return [f.ContactDataChanged(channel)] if state == "usable" else []

    return _change(case, creditor, channel, by, write)


def prefer(case: str, creditor: str, channel: str, address: str, hours: str, by: str) -> Changed:
    """The debtor asked to be contacted at a known address, in these hours if he named any; `any` takes it all back.

    His earlier wish gives way. Raises `BadInput` for hours that are none, `Refused` for an address that is not known.
    """
    wished = hours != ANY_HOURS
    parse_hours(hours if wished else "")

    def write(_house: Installation, conn: Connection, debtor: Row[Any]) -> list[f.Told]:
        his = CONTACT_POINT.c.debtor_id == debtor.id
        point = his & (CONTACT_POINT.c.channel == channel) & (CONTACT_POINT.c.address == _normal(channel, address))
        found = conn.execute(select(CONTACT_POINT.c.id).where(point, CONTACT_POINT.c.state == "usable")).scalars().all()
        if not found:
            raise Refused("no-such-contact", "the debtor has no such usable address; `regua debtor` shows all")
        asked, at = (found, hours) if wished else ([], "")
        return [wishes.keep(conn, debtor.id, channel, asked, at)]

    return _change(case, creditor, channel, by, write)


def opt(case: str, creditor: str, channel: str, *, out: bool, by: str) -> Changed:
    """The debtor wants no more contact on a channel (`electronic`: on none but the letter), or allows it again."""
    if channel not in (*CHANNELS, "electronic", "letter"):
        raise BadInput(f"--channel {channel!r}: use electronic, letter, {', '.join(CHANNELS)}")
    meant = {channel} | (ELECTRONIC if channel == "electronic" else set())

    def write(house: Installation, conn: Connection, debtor: Row[Any]) -> list[f.Told]:
        before, after = (("usable", "invalid"), "opted-out") if out else (("opted-out",), "usable")
        points = CONTACT_POINT.c.channel.in_(meant) & CONTACT_POINT.c.state.in_(before)
        change = update(CONTACT_POINT).where(CONTACT_POINT.c.debtor_id == debtor.id, points)
        conn.execute(change.values(state=after, changed_at=house.now))
        closed = {*debtor.opted_out, channel} if out else _still_closed({*debtor.opted_out}, channel, meant)
        conn.execute(update(DEBTOR).where(DEBTOR.c.id == debtor.id).values(opted_out=sorted(closed)))
        if out:
            return [f.OptedOut((channel,))]
        opened = f.OptedIn(tuple(sorted({*debtor.opted_out, *meant} - closed)))
        return [opened, f.OptedOut(tuple(sorted(closed)))] if closed else [opened]

    return _change(case, creditor, channel, by, write)


def _still_closed(closed: set[str], channel: str, meant: set[str]) -> set[str]:
    """What stays closed when a channel is allowed again: of `electronic`, all its other channels."""
    if "electronic" in closed and channel in ELECTRONIC:
        closed = closed - {"electronic"} | ELECTRONIC
    return closed - meant


def _change(text: str, creditor: str, channel: str, by: str, write: Write) -> Changed:
    """Write rows and facts in one transaction, under the debtor's lock; then ask each open case."""
    with installation() as house:
        told = []
        with house.engine.begin() as conn:
            require_active(conn, by)
            named = find_case(conn, text, creditor)
            his = select(DEBTOR).where(DEBTOR.c.id == named.debtor_id).with_for_update(key_share=True)
            debtor = conn.execute(his).one()
            facts = write(house, conn, debtor)
            for case_id in open_cases(conn, debtor.id) if facts else ():
                row = conn.execute(select(CASE).where(CASE.c.id == case_id)).one()
                told.append((case_id, [store(house, conn, row, Deed(fact), by) for fact in facts]))

        async def ask() -> list[Outcome]:
            clerk = Clerk(house)
            return [[await clerk.ask(case_id, fact_id) for fact_id in facts][-1] for case_id, facts in told]

        return Changed(debtor.id, channel, asyncio.run(ask()))


def _envelope(where: Mapping[str, str]) -> str:
    """A postal address as the lines of an envelope. Raises `BadInput` like `postal`."""
    return "\n".join(address_lines(SimpleNamespace(**postal(where))))


def _normal(channel: str, address: str) -> str:
    """An address in the one form in which it is stored. Raises `BadInput`."""
    if channel not in CHANNELS:
        raise BadInput(f"channel {channel!r}: use {', '.join(CHANNELS)}, or address for the postal address")
    if channel == "email":
        return parse_email(address)
    phone = parse_phone(address)
    if channel == "sms" and not phone.mobile:
        raise BadInput("phone: an SMS needs a mobile number; write two digits of area code and 9 digits")
    return phone.e164


def postal(where: Mapping[str, str]) -> dict[str, str]:
    """The columns of a postal address. Raises `BadInput` where a part is missing or parts contradict each other."""
    parts = {name: " ".join((where.get(name) or "").split()) for name in ("street", "district", "city", "uf", "cep")}
    if missing := [name for name in ("street", "city", "uf", "cep") if not parts[name]]:
        raise BadInput(f"address: --{missing[0]} is missing; give --street, --cep, --city and --uf")
    uf, cep = known_uf(parts["uf"]), parse_cep(parts["cep"])
    if uf_of_cep(cep) != uf:
        raise BadInput(f"address: this CEP is not in {uf}; look for a mistyped digit")
    ibge = municipality(parts["city"], uf)
    if ibge is None:
        raise BadInput(f"address: {uf} has no municipality {parts['city']!r}; write its name in full")
    return {
        "address": parts["street"], "district": parts["district"], "city": parts["city"], "uf": uf, "cep": cep,
        "ibge": ibge,
    }  # fmt: skip

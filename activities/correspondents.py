"""Who wrote: from a message that came in to the debtor and his cases.

By the token of the address that was answered, by the provider's id or the short reference of a message of ours, else by
the telephone it came from, which the network vouches for. An e-mail is never matched by its From, which anybody can
write. One number may stand for many debtors (an accountant): then nobody is meant for sure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, func, select

from db.rows import CASE, CONTACT, CONTACT_CASE, CONTACT_POINT, CREDITOR, DEBTOR, INBOUND, INVOICE
from gateways.whatsapp import WINDOW

_TOKEN = re.compile(r"\breply\+([0-9a-f]{32})@", re.IGNORECASE)
_REFERENCE = re.compile(r"\bref(?:er[eê]ncia)?[.:]?\s*([2-9A-HJ-NP-Z]{6})\b", re.IGNORECASE)
_RECENT = timedelta(days=45)
"""Business time in which an answer to a telephone's last message is about that message."""


@dataclass(frozen=True)
class Correspondent:
    """Who wrote, as far as it is known.

    `debtors`: whom it can be, ids; one is sure. `contact`: the row of our message that he answers, if there is one.
    `own`: he wrote from an address that the debtor is known by. `creditors`: rows of those who were written to.
    """

    debtors: tuple[UUID, ...]
    creditors: tuple[Row[Any], ...]
    contact: Row[Any] | None = None
    own: bool = False

    @property
    def debtor(self) -> UUID | None:
        """The debtor, where it is surely one."""
        return self.debtors[0] if len(self.debtors) == 1 else None


def reply_address(domain: str, contact_id: UUID) -> str:
    """The address by which an answer to a message finds its way back; nobody can guess another's."""
    return f"reply+{contact_id.hex}@{domain}"


def channel_of(conn: Connection, message_id: str) -> str:
    """The channel on which this message came; "" where the id is that of something else."""
    try:
        wanted = UUID(message_id)
    except ValueError:
        return ""
    return conn.execute(select(INBOUND.c.channel).where(INBOUND.c.id == wanted)).scalar_one_or_none() or ""


def may_answer_freely(conn: Connection, address: str) -> bool:
    """Has somebody written from this number by WhatsApp so lately that he may be answered without a template?"""
    latest = last_inbound(conn, "whatsapp", address)
    return latest is not None and datetime.now(UTC) - latest < WINDOW


def last_inbound(conn: Connection, channel: str, address: str) -> datetime | None:
    """When somebody last wrote from this address (real time): on WhatsApp it opens a window of 24 hours."""
    latest = select(func.max(INBOUND.c.received_at)).where(INBOUND.c.channel == channel, INBOUND.c.sender == address)
    return conn.execute(latest).scalar_one_or_none()


def matched(conn: Connection, message: Row[Any]) -> Correspondent:
    """Whom a message (a row of inbound_message) is from."""
    creditors = _written_to(conn, message)
    contact = _answered(conn, message, creditors)
    if contact is not None:
        creditors = _creditors(conn, CREDITOR.c.id == contact.creditor_id)
        return Correspondent((contact.debtor_id,), creditors, contact, _is_own(conn, message, contact.debtor_id))
    if message.channel == "email":
        return Correspondent((), creditors)
    points = _points(conn, message.sender, creditors)
    debtors = tuple(sorted({point.debtor_id for point in points}))
    last = _last_contact(conn, message, debtors[0]) if len(debtors) == 1 else None
    return Correspondent(debtors, _narrowed(conn, creditors, debtors), last, bool(debtors))


def concerned(conn: Connection, message: Row[Any], who: Correspondent, debtor: UUID) -> tuple[list[UUID], list[UUID]]:
    """The open cases that a message is about, that of our message first, and all open cases of the debtor.

    Invoices that he names himself, else those that our message spoke of, else all.
    """
    rows = conn.execute(
        select(CASE.c.id, INVOICE.c.number, INVOICE.c.printed_number)
        .join(INVOICE, INVOICE.c.id == CASE.c.invoice_id)
        .where(CASE.c.debtor_id == debtor, CASE.c.stage != "closed")
        .order_by(CASE.c.id)
    ).all()
    everything = [row.id for row in rows]
    said = {*re.findall(r"[\w/-]+", f"{message.subject} {message.body}".upper())}
    named = [row.id for row in rows if {row.number.upper(), row.printed_number.upper()} & _long(said)]
    if named:
        return named, everything
    links = _links(conn, who.contact.id) if who.contact is not None else []
    spoken = [case for case in links if case in everything]
    return spoken or everything, everything


def _long(words: set[str]) -> set[str]:
    """Numbers of invoices are no "10" of a day."""
    return {word for word in words if len(word) >= 3 and any(char.isdigit() for char in word)}


def _links(conn: Connection, contact_id: UUID) -> list[UUID]:
    linked = select(CONTACT_CASE.c.case_id).where(CONTACT_CASE.c.contact_id == contact_id)
    return list(conn.execute(linked.order_by(CONTACT_CASE.c.lead.desc(), CONTACT_CASE.c.case_id)).scalars())


# --- which message of ours -------------------------------------------------------------------------------------------
def _answered(conn: Connection, message: Row[Any], creditors: Sequence[Row[Any]]) -> Row[Any] | None:
    if token := _TOKEN.search(message.recipient):
        return conn.execute(select(CONTACT).where(CONTACT.c.id == UUID(hex=token[1]))).one_or_none()
    if message.replied_to:
        return conn.execute(select(CONTACT).where(CONTACT.c.provider_id == message.replied_to)).first()
    references = {found.upper() for found in _REFERENCE.findall(f"{message.subject}\n{message.body}")}
    if not references:
        return None
    known = select(CONTACT).where(CONTACT.c.short_ref.in_(references))
    if creditors:
        known = known.where(CONTACT.c.creditor_id.in_([row.id for row in creditors]))
    rows = conn.execute(known.order_by(CONTACT.c.planned_at.desc()).limit(10)).all()
    return rows[0] if len({row.debtor_id for row in rows}) == 1 else None


def _last_contact(conn: Connection, message: Row[Any], debtor: UUID) -> Row[Any] | None:
    """The last message that went to this telephone."""
    point = CONTACT_POINT.c.id == CONTACT.c.contact_point_id
    recent = CONTACT.c.planned_at > message.business_at - _RECENT
    sent = select(CONTACT).join(CONTACT_POINT, point).where(CONTACT.c.debtor_id == debtor, recent)
    here = sent.where(CONTACT_POINT.c.address == message.sender, CONTACT.c.planned_at <= message.business_at)
    return conn.execute(here.order_by(CONTACT.c.planned_at.desc()).limit(1)).one_or_none()


# --- addresses -------------------------------------------------------------------------------------------------------
def _written_to(conn: Connection, message: Row[Any]) -> tuple[Row[Any], ...]:
    """The creditors who write from the address that the message came to; none where no one does."""
    if message.channel == "email":
        return ()
    own = CREDITOR.c.settings["senders"][message.channel]
    if message.channel == "whatsapp":
        own = CREDITOR.c.settings["whatsapp"]["sender"]
    sender = own.astext
    return _creditors(conn, sender.in_(message.recipient.split(",")))


def _creditors(conn: Connection, which: Any) -> tuple[Row[Any], ...]:
    return tuple(conn.execute(select(CREDITOR).where(which).order_by(CREDITOR.c.id)).all())


def _points(conn: Connection, address: str, creditors: Sequence[Row[Any]]) -> list[Any]:
    found = select(CONTACT_POINT.c.debtor_id, DEBTOR.c.creditor_id).join(
        DEBTOR, DEBTOR.c.id == CONTACT_POINT.c.debtor_id
    )
    found = found.where(CONTACT_POINT.c.address == address)
    if creditors:
        found = found.where(DEBTOR.c.creditor_id.in_([row.id for row in creditors]))
    return list(conn.execute(found).all())


def _narrowed(conn: Connection, creditors: tuple[Row[Any], ...], debtors: tuple[UUID, ...]) -> tuple[Row[Any], ...]:
    """The creditors of the debtors that it can be; else those that the address names."""
    if not debtors:
        return creditors
    return _creditors(conn, CREDITOR.c.id.in_(select(DEBTOR.c.creditor_id).where(DEBTOR.c.id.in_(debtors))))


def _is_own(conn: Connection, message: Row[Any], debtor: UUID) -> bool:
    known = select(CONTACT_POINT.c.id).where(
        CONTACT_POINT.c.debtor_id == debtor, func.lower(CONTACT_POINT.c.address) == message.sender.lower()
    )
    return conn.execute(known.limit(1)).first() is not None

"""What the providers report about a message: what it does to the contact, the address, the debtor and his cases.

Reports come twice, late, in any order, and about messages we do not know. A contact only moves forward: in-flight,
accepted, delivered, and at last bounced (taken by the provider, not deliverable) or failed (never left the provider).
Mail servers may return what they had taken, so a failure follows a delivery but never the other way round. A call that
rang and that nobody took (or a machine) is `unanswered`: the next channel has its turn, but the ringing counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import structlog
from sqlalchemy import Connection, Engine, Row, select, update
from sqlalchemy.exc import SQLAlchemyError

from activities.channels import CHANNELS
from activities.desk import fact_values, store_facts
from activities.tasks import open_tasks, task_row
from db.rows import CASE, CONTACT, CONTACT_CASE, CONTACT_POINT, DEBTOR, NOTICE_SENDING, WEBHOOK_EVENT
from domain import facts as f
from domain.calendars import add_bank_days
from domain.case import Case, StepState, load
from domain.clock import Clock
from domain.delivery_codes import Blame, blame
from domain.errors import Regua
from domain.places import time_zone

OPT_OUTS = frozenset({"spamreport", "unsubscribe", "group_unsubscribe"})
READS = frozenset({"read", "open", "click"})
"""Events that tell that the addressee looked; few addressees let them be told."""
STATES = {
    **dict.fromkeys(("delivered", "read", "completed"), "delivered"),
    **dict.fromkeys(("bounce", "undelivered"), "bounced"),
    **dict.fromkeys(("dropped", "failed", "canceled", "busy"), "failed"),
    **dict.fromkeys(("no-answer", "answered-by-machine"), "unanswered"),
}
"""What a contact becomes by an event; by any other it is accepted at least."""
RANK = {"in-flight": 0, "accepted": 1, "delivered": 2, "unanswered": 3, "bounced": 3, "failed": 3}
"""How far a contact came; it only moves forward."""
_UNREACHED = frozenset({"unanswered", "bounced", "failed"})
_LAST = max(RANK.values())
_PATIENCE = timedelta(days=2)
"""Real time an outcome waits for its case to hear that the message was sent; longer than a worker stays away."""

log = structlog.get_logger("delivery")


@dataclass(frozen=True)
class Meaning:
    """What an event says: what the contact becomes, whom it blames (if anybody), under which code."""

    state: str
    blame: Blame | None
    code: str


@dataclass(frozen=True)
class Link:
    """A case that a contact stands for, as it is now.

    `notice_id` is the notice that the contact carries, if any; `way` and `party` say how and to whom ("" = the debtor).
    """

    case_id: UUID
    case: Case
    closed: bool
    step: str
    attempt: int
    lead: bool
    notice_id: UUID | None
    way: str = ""
    party: str = ""

    @property
    def heard_of(self) -> bool:
        """Does the case know that its notice went this way?"""
        notice = self.case.notice
        if notice is None or notice.id != str(self.notice_id):
            return False
        served = notice.others.get(self.party) if self.party else notice
        return served is not None and self.way in served.ways


def meaning(event: str, code: str) -> Meaning:
    """What a provider's event with its code (may be empty) says. Every event proves at least that it was accepted."""
    state = STATES.get(event, "accepted")
    code = code or event
    if event in OPT_OUTS:
        return Meaning(state, "opt-out", code)
    return Meaning(state, blame(code) if state in _UNREACHED else None, code)


def message_id(body: Mapping[str, Any]) -> str:
    """The provider's own id of the message that an event is about; empty where it names none."""
    sid = body.get("MessageSid") or body.get("CallSid")
    return str(sid or body.get("sg_message_id", "").partition(".")[0])


# --- applying --------------------------------------------------------------------------------------------------------
def apply_waiting(engine: Engine, clock: Clock, limit: int) -> list[UUID]:
    """Apply up to `limit` stored events that nobody applied yet, oldest first; returns the ids of new facts."""
    waiting = select(WEBHOOK_EVENT.c.id).where(WEBHOOK_EVENT.c.taken_at.is_(None))
    with engine.connect() as conn:
        ids = conn.execute(waiting.order_by(WEBHOOK_EVENT.c.received_at).limit(limit)).scalars().all()
    return apply_stored(engine, clock, ids)


def apply_stored(engine: Engine, clock: Clock, events: Iterable[UUID]) -> list[UUID]:
    """Apply these stored events, each in its own transaction; returns the ids of new facts.

    One that was applied already, or that somebody else applies now, is left out. One that cannot be applied now is
    logged and stays waiting.
    """
    facts: list[UUID] = []
    for event_id in events:
        try:
            facts += _apply_one(engine, clock, event_id)
        except (SQLAlchemyError, Regua, ValueError):
            log.warning("provider event not applied, it waits for the sweep", event_id=str(event_id), exc_info=True)
    return facts


def _apply_one(engine: Engine, clock: Clock, event_id: UUID) -> list[UUID]:
    waiting = select(WEBHOOK_EVENT).where(WEBHOOK_EVENT.c.id == event_id, WEBHOOK_EVENT.c.taken_at.is_(None))
    with engine.begin() as conn:
        event = conn.execute(waiting.with_for_update(skip_locked=True)).one_or_none()
        return apply_event(conn, clock, event) if event else []


def apply_event(conn: Connection, clock: Clock, event: Row[Any]) -> list[UUID]:
    """Apply one stored event (a row of webhook_event) in the caller's transaction; returns the ids of new facts.

    Acceptance, a bad address, an opt-out and a fault of ours count at once. What became of the message is told to a
    case only after the case was told that the message was sent, or the telling would undo it: until then the event
    stays waiting.
    """
    said = meaning(event.event, event.code)
    contact = _lock(conn, event.contact_id)
    if contact is None:
        _taken(conn, event)
        return []
    _accept(conn, contact, event)
    facts = store_facts(conn, _blame(conn, clock, contact, event, said))
    if RANK[said.state] <= max(RANK.get(contact.state, _LAST), RANK["accepted"]):
        if event.event in READS and contact.purpose == "notice":
            facts += store_facts(conn, _read(conn, contact, event))
        _taken(conn, event)
        return facts
    links = _links(conn, contact)
    if _too_early(contact, links) and datetime.now(UTC) - event.received_at < _PATIENCE:
        return facts
    _update(conn, contact, state=said.state, settled_at=event.received_at)
    told = [_fact(event, link.case_id, fact) for link in links if (fact := _outcome(contact, link, event, said))]
    _taken(conn, event)
    return facts + store_facts(conn, told)


def _read(conn: Connection, contact: Row[Any], event: Row[Any]) -> list[dict[str, Any]]:
    """That a notice was read proves more than its delivery; the first such event is enough."""
    found = []
    for link in _links(conn, contact):
        if link.notice_id and link.heard_of:
            on = link.case.today(event.business_at)
            fact = f.NoticeProved(str(link.notice_id), link.way, "read", on, link.party)
            found.append(
                fact_values(link.case_id, f"read:{contact.id}:{link.case_id}", fact, event.provider, event.business_at)
            )
    return found


def _taken(conn: Connection, event: Row[Any]) -> None:
    conn.execute(update(WEBHOOK_EVENT).where(WEBHOOK_EVENT.c.id == event.id).values(taken_at=datetime.now(UTC)))


def _update(conn: Connection, contact: Row[Any], **values: Any) -> None:
    conn.execute(update(CONTACT).where(CONTACT.c.id == contact.id).values(**values))


def _fact(event: Row[Any], case_id: UUID, fact: f.Told, about: str = "") -> dict[str, Any]:
    """The row of a fact. `about` tells it from the fact on the outcome of the same event for the same case."""
    source = f"event:{event.provider}:{event.event_key}:{case_id}{about}"
    return fact_values(case_id, source, fact, event.provider, event.business_at)


# --- the contact -----------------------------------------------------------------------------------------------------
def _lock(conn: Connection, contact_id: UUID | None) -> Row[Any] | None:
    """The contact under the locks of its debtor and of itself, in the order in which senders take them."""
    debtor = select(CONTACT.c.debtor_id).where(CONTACT.c.id == contact_id).scalar_subquery()
    conn.execute(select(DEBTOR.c.id).where(DEBTOR.c.id == debtor).with_for_update(key_share=True))
    return conn.execute(select(CONTACT).where(CONTACT.c.id == contact_id).with_for_update(key_share=True)).one_or_none()


def _accept(conn: Connection, contact: Row[Any], event: Row[Any]) -> None:
    """Whoever reports on a message has accepted it, even where the answer to our own call was lost."""
    if contact.state == "in-flight":
        _update(conn, contact, state="accepted", provider_id=message_id(event.body), accepted_at=event.received_at)


def _links(conn: Connection, contact: Row[Any]) -> list[Link]:
    columns = (CONTACT_CASE.c.step, CONTACT_CASE.c.attempt, CONTACT_CASE.c.lead, CASE.c.id, CASE.c.stage, CASE.c.state)
    ways = (NOTICE_SENDING.c.notice_id, NOTICE_SENDING.c.way, NOTICE_SENDING.c.party_id)
    linked = select(*columns, *ways).join(CASE, CASE.c.id == CONTACT_CASE.c.case_id)
    linked = linked.join(NOTICE_SENDING, NOTICE_SENDING.c.contact_id == CONTACT_CASE.c.contact_id, isouter=True)
    rows = conn.execute(linked.where(CONTACT_CASE.c.contact_id == contact.id).order_by(CASE.c.id))
    return [
        Link(
            row.id,
            load(row.state),
            row.stage == "closed",
            row.step,
            row.attempt,
            row.lead,
            row.notice_id,
            row.way or "",
            str(row.party_id or ""),
        )
        for row in rows
    ]


def _too_early(contact: Row[Any], links: Sequence[Link]) -> bool:
    """Does the sending activity still have to tell a case that this contact was sent?

    Covered cases are told by facts, stored before ours; the case that sends hears it in the activity itself.
    """
    if contact.purpose == "notice":
        return any(not link.closed and not link.heard_of for link in links)
    return any(link.lead and not link.closed and _unsent(link) for link in links)


def _unsent(link: Link) -> bool:
    step = link.case.steps.get(link.step, StepState())
    return step.attempt == link.attempt and step.status == "pending"


# --- what it means to others -----------------------------------------------------------------------------------------
def _blame(conn: Connection, clock: Clock, contact: Row[Any], event: Row[Any], said: Meaning) -> list[dict[str, Any]]:
    """Mark what is to blame; the facts (rows) to be told to all open cases of a debtor who wants no more."""
    if said.blame == "address":
        _mark_point(conn, contact, event, "invalid", ("usable",))
    elif said.blame == "configuration":
        open_channel_task(conn, clock.business(datetime.now(UTC)), contact.channel, said.code)
    elif said.blame == "opt-out":
        _mark_point(conn, contact, event, "opted-out", ("usable", "invalid"))
        wish = f.OptedOut((contact.channel,))
        return [_fact(event, case_id, wish, ":opt-out") for case_id in stop_channel(conn, contact)]
    return []


def _mark_point(conn: Connection, contact: Row[Any], event: Row[Any], state: str, before: Sequence[str]) -> None:
    point = (CONTACT_POINT.c.id == contact.contact_point_id) & CONTACT_POINT.c.state.in_(before)
    conn.execute(update(CONTACT_POINT).where(point).values(state=state, changed_at=event.received_at))


def stop_channel(conn: Connection, contact: Row[Any]) -> Sequence[UUID]:
    """Close the channel of a contact for its debtor, under his lock; returns his open cases."""
    own = DEBTOR.c.id == contact.debtor_id
    locked = select(DEBTOR.c.opted_out).where(own).with_for_update(key_share=True)
    closed = conn.execute(locked).scalar_one()
    conn.execute(update(DEBTOR).where(own).values(opted_out=sorted({*closed, contact.channel})))
    cases = select(CASE.c.id).where(CASE.c.debtor_id == contact.debtor_id, CASE.c.stage != "closed")
    return conn.execute(cases.order_by(CASE.c.id)).scalars().all()


def open_channel_task(conn: Connection, now: datetime, channel: str, code: str) -> None:
    """A fault of ours needs a person, once a day and code however many messages it hits. Days are those of Brasília."""
    today = now.astimezone(time_zone("DF")).date()
    key = uuid5(NAMESPACE_URL, f"channel-fault:{channel}:{code}:{today}")
    details = (f"channel {channel}", f"code {code}")
    open_tasks(conn, [task_row(key, "channel-fault", "supervisor", add_bank_days(today, 1), now, details)])


def _outcome(contact: Row[Any], link: Link, event: Row[Any], said: Meaning) -> f.Told | None:
    """What a case is told of the outcome.

    Of a notice everything, since its deadline and its ways depend on it; of an amicable message only that it did not
    get through; of thanks nothing, of a fault of ours only where another channel can make up for it.
    """
    if contact.purpose == "notice" and link.notice_id:
        notice_id = str(link.notice_id)
        if said.state == "delivered":
            on = link.case.today(event.business_at)
            level: f.Level = "read" if event.event in READS else "delivered"
            return f.NoticeProved(notice_id, link.way, level, on, link.party)
        return f.NoticeReturned(notice_id, link.way, said.code, link.party)
    ours = said.blame == "configuration" and not CHANNELS[contact.channel].optional
    if contact.purpose != "ladder" or link.closed or said.blame is None or ours:
        return None
    bad_address = said.blame not in ("channel", "configuration")
    return f.ContactFailed(link.step, str(contact.id), contact.channel, said.code, bad_address)

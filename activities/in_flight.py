"""What is in flight while its case moved on: nobody asks for it any more, and it may have arrived all the same.

A case that was paid, disputed or closed while the outcome of a call was unknown wants something else, so no activity
comes again to that message. The sweep takes it up: it is looked up at its provider, never sent. What turns out to have
gone out is told to the cases that it stood for (promises 4 and 8); what did not is withdrawn, and takes no budget.

Whatever a case still wants is left to its own activity, and so is what a person is asked about. A notice that its case
may come back to, once a hold is over, is never withdrawn: it is looked up once, and stays with its case.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Connection, Row, Select, func, select

from activities import outbox
from activities import statements as sql
from activities.desk import Desk, at_desk_with_debtor, fact_values, store_facts
from activities.documents import is_at_mail_house
from activities.notice import DONE_BY_HAND, word_of
from activities.notice_ways import LETTER, party_of
from activities.world import World
from db.prepared import together
from db.rows import CASE, CONTACT, CONTACT_ATTEMPT, CONTACT_CASE, LEDGER, NOTICE, NOTICE_SENDING, TASK
from domain import facts as f
from domain.decide import Action

MARGIN = timedelta(minutes=5)
"""Real time, beyond `World.unknown_for`, that an activity is left alone with its last try: longer than all the tries it
has, each with its longest time-out (`workflows.options`)."""

_UNKNOWN = ("in-flight", "unknown")
"""Outcomes of a try that tell nothing of its fate."""
_KNOWN_NOT_TO_BE_OUT = ("not-sent", "ask-a-person")
"""Of a notice: it surely did not go out, or was looked up in vain and is a person's as soon as its case wants it."""
_GONE = ("superseded", "void")
"""States of a notice that no case comes back to."""
_SETTLES = frozenset({"accepted", "withdrawn", "ask-a-person"})
"""What a look-up may end with; with everything else the fate is as unknown as before."""

log = structlog.get_logger("in-flight")


@dataclass(frozen=True)
class Stray:
    """A contact that nobody looks after: the contact, the case that wrote it, the message to be looked up."""

    contact: Row[Any]
    case_id: UUID
    out: outbox.Outgoing


def reconcile(world: World, limit: int) -> list[UUID]:
    """Settle up to `limit` contacts whose case moved on; returns the ids of new facts. Never sends anything.

    Each is looked up with no lock held. A provider that is away leaves it for a sweep after the next waiting time; it
    is not asked again in this one, so that it does not hold up what the sweep has to tell.
    """
    facts: list[UUID] = []
    ends: Counter[str] = Counter()
    away: set[str] = set()
    with world.engine.connect() as conn:
        found = conn.execute(_left_behind(world).limit(limit)).all()
    for row in found:
        if row.channel in away:
            continue
        taken = _take_up(world, row.id, row.case_id)
        if isinstance(taken, Stray):
            result = _looked_up(world, taken)
            ends[result.verdict] += 1
            if result.verdict == "unknown":
                away.add(row.channel)
            taken = _record(world, taken, result)
        facts += taken
    if found:
        log.info("messages whose case moved on", found=len(found), told=len(facts), **ends)
    return facts


# --- which -----------------------------------------------------------------------------------------------------------
def _left_behind(world: World) -> Select[Any]:
    """Contacts with the case that wrote them, longest ago first, which by the rows nobody looks after any more.

    Those in flight, and those of which a report proved that they went out before our own record said so.
    """
    later = CONTACT_ATTEMPT.alias().c
    is_last = (
        ~select(later.number)
        .where(later.contact_id == CONTACT_ATTEMPT.c.contact_id, later.number > CONTACT_ATTEMPT.c.number)
        .exists()
    )
    unsettled = (
        select(CONTACT.c.id)
        .where(CONTACT.c.state == "in-flight")
        .union(select(CONTACT_ATTEMPT.c.contact_id).where(CONTACT_ATTEMPT.c.outcome.in_(_UNKNOWN)))
    )
    query = select(CONTACT.c.id, CONTACT.c.channel, CONTACT_CASE.c.case_id).join_from(CONTACT_ATTEMPT, CONTACT)
    query = query.join(CONTACT_CASE, (CONTACT_CASE.c.contact_id == CONTACT.c.id) & CONTACT_CASE.c.lead)
    query = query.join(CASE, CASE.c.id == CONTACT_CASE.c.case_id)
    query = query.outerjoin(NOTICE_SENDING, NOTICE_SENDING.c.contact_id == CONTACT.c.id)
    query = query.outerjoin(NOTICE, NOTICE.c.id == NOTICE_SENDING.c.notice_id)
    returns = NOTICE.c.state.not_in(_GONE) & (CASE.c.stage != "closed")
    return (
        query.where(CONTACT.c.id.in_(unsettled), is_last)
        .where(CONTACT_ATTEMPT.c.begun_at < datetime.now(UTC) - _waiting_time(world))
        .where((CONTACT.c.state == "in-flight") | CONTACT_ATTEMPT.c.outcome.in_(_UNKNOWN))
        .where(~(func.coalesce(returns, False) & CONTACT_ATTEMPT.c.outcome.in_(_KNOWN_NOT_TO_BE_OUT)))
        .where(~_wanted_by_rows(), ~_with_a_person())
        .order_by(CONTACT_ATTEMPT.c.begun_at)
    )


def _waiting_time(world: World) -> timedelta:
    return timedelta(seconds=world.unknown_for) + MARGIN


def _wanted_by_rows() -> Any:
    """Does a case that the contact stands for want it by its last decision? Of `_left_behind`'s contact and notice."""
    link, case = CONTACT_CASE.alias().c, CASE.alias().c
    contact = (case.next_action == Action.CONTACT) & (case.next_step == link.step)
    notice = (case.next_action == Action.NOTICE) & (case.next_step == NOTICE.c.step) & NOTICE.c.state.not_in(_GONE)
    wants = select(case.id).where(case.id == link.case_id, link.contact_id == CONTACT.c.id)
    return wants.where(case.stage != "closed", contact | notice).exists()


def _with_a_person() -> Any:
    """Is a person asked what became of the step? Then his word decides."""
    step = func.coalesce(NOTICE.c.step, CONTACT_CASE.c.step)
    mine = (TASK.c.case_id == CONTACT_CASE.c.case_id) & (TASK.c.step == step)
    return select(TASK.c.id).where(mine, TASK.c.kind == "action-failed", TASK.c.done_at.is_(None)).exists()


# --- take up, look up, record ----------------------------------------------------------------------------------------
def _take_up(world: World, contact_id: UUID, case_id: UUID) -> Stray | Sequence[UUID]:
    """The contact to be looked up, its try begun; else the ids of facts, where its fate is known by now.

    Judged again under the locks of debtor and cases: of sweeps side by side one begins the try, and others find it.
    """
    with at_desk_with_debtor(world, str(case_id), None) as (desk, _, rows):
        contact, last, notice = _read(desk.conn, contact_id)
        young = last.begun_at > datetime.now(UTC) - _waiting_time(world)
        if young or _wanted(desk, rows, contact_id, notice):
            return ()
        if notice and word_of(desk, notice.step, last) == DONE_BY_HAND:
            together(desk.conn, [sql.ACCEPT(id_=contact_id, provider_id="", accepted_at=datetime.now(UTC), segments=0)])
            return _tell(desk, _read(desk.conn, contact_id)[0])
        if contact.state != "in-flight":
            outcome = "accepted" if contact.accepted_at else "withdrawn"
            ended = {"ended_at": datetime.now(UTC), "outcome": outcome, "code": ""}
            together(desk.conn, [sql.END_ATTEMPT(id_=contact_id, number_=last.number, **ended)])
            return _tell(desk, contact)
        out = outbox.resume(world, desk.conn, contact)
        returns = notice is not None and notice.state not in _GONE and desk.row.stage != "closed"
        return Stray(contact, case_id, replace(out, wanted=False, formal=returns))


def _looked_up(world: World, stray: Stray) -> outbox.Result:
    if stray.contact.channel == LETTER:
        return _letter(world, stray)
    result = outbox.dispatch(world, stray.out)
    return result if result.verdict in _SETTLES else outbox.Result("unknown", code=result.code)


def _letter(world: World, stray: Stray) -> outbox.Result:
    """A letter is out once the manifest lists it; that is known for sure, but for the lists of a life that was lost."""
    try:
        listed = is_at_mail_house(world.letters, stray.contact.id)
    except OSError:
        return outbox.Result("unknown", code="Unavailable")
    if listed:
        return outbox.Result("accepted")
    if not stray.out.formal:
        return outbox.Result("withdrawn", code=outbox.NO_LONGER_WANTED)
    return outbox.Result("ask-a-person", code="UnknownOutcome") if stray.out.restored else outbox.Result("not-sent")


def _record(world: World, stray: Stray, result: outbox.Result) -> Sequence[UUID]:
    """Write what became of it, unless a case wants it again: then it is that case's, which looks it up itself."""
    with at_desk_with_debtor(world, str(stray.case_id), None) as (desk, _, rows):
        _, last, notice = _read(desk.conn, stray.contact.id)
        if last.number != stray.out.attempt or _wanted(desk, rows, stray.contact.id, notice):
            return ()
        outbox.settle(desk.conn, stray.out, result)
        contact, *_ = _read(desk.conn, stray.contact.id)
        return _tell(desk, contact)


# --- under the locks -------------------------------------------------------------------------------------------------
def _read(conn: Connection, contact_id: UUID) -> tuple[Row[Any], Row[Any], Row[Any] | None]:
    """The contact, its last try, the notice that it carries."""
    tries = select(CONTACT_ATTEMPT).where(CONTACT_ATTEMPT.c.contact_id == contact_id)
    carried = select(NOTICE).join(NOTICE_SENDING, NOTICE_SENDING.c.notice_id == NOTICE.c.id)
    return (
        conn.execute(select(CONTACT).where(CONTACT.c.id == contact_id)).one(),
        conn.execute(tries.order_by(CONTACT_ATTEMPT.c.number.desc()).limit(1)).one(),
        conn.execute(carried.where(NOTICE_SENDING.c.contact_id == contact_id)).one_or_none(),
    )


def _wanted(desk: Desk, rows: Sequence[Row[Any]], contact_id: UUID, notice: Row[Any] | None) -> bool:
    """Does any open case that the contact stands for want it, now or later, on all that it was told?"""
    if notice and notice.state in _GONE:
        return False
    (links,) = together(desk.conn, [sql.LINKS(id_=contact_id)])
    steps = {link.case_id: link.step for link in links}
    for row in rows:
        if row.id in steps:
            other = Desk(desk.world, desk.conn, row, desk.now)
            other.read_inbox()
            action, step = (Action.NOTICE, notice.step) if notice else (Action.CONTACT, steps[row.id])
            if other.wants(action, step):
                return True
    return False


def _tell(desk: Desk, contact: Row[Any]) -> Sequence[UUID]:
    """Tell every case that the contact stood for that it went out, unless its book says so already.

    Stored once, whoever tells it. Of a notice as of any message, under the name of its way: one that names what is no
    longer owed opens no deadline, and one that its case comes back to is issued by its own activity.
    """
    if contact.accepted_at is None:
        return ()
    (links,) = together(desk.conn, [sql.LINKS(id_=contact.id)])
    known = _knows(desk.conn, contact.id, [link.case_id for link in links])
    facts = [
        fact_values(
            link.case_id,
            f"cover:{contact.id}:{link.case_id}:{link.attempt}",
            f.ContactSent(link.step, str(contact.id), contact.channel, not link.lead, contact.content_hmac),
            "engine",
            desk.now,
        )
        for link in links
        if link.case_id not in known
    ]
    return store_facts(desk.conn, facts)


def _knows(conn: Connection, contact_id: UUID, cases: Sequence[UUID]) -> set[UUID]:
    """The cases whose book tells of the contact already, as a message or as a way of an issued notice."""
    mine = select(LEDGER.c.case_id).where(LEDGER.c.case_id.in_(cases))
    sent = mine.where(LEDGER.c.kind == f.ContactSent.kind, LEDGER.c.body["contact_id"].as_string() == str(contact_id))
    sending = select(NOTICE_SENDING).where(NOTICE_SENDING.c.contact_id == contact_id)
    known = set(conn.execute(sent).scalars())
    if way := conn.execute(sending).one_or_none():
        issued = mine.where(LEDGER.c.kind.in_((f.NoticeIssued.kind, f.NoticeSentAgain.kind)))
        issued = issued.where(LEDGER.c.body["notice_id"].as_string() == str(way.notice_id))
        known |= set(conn.execute(issued.where(LEDGER.c.body["sendings"].contains([_named(way)]))).scalars())
    return known


def _named(way: Row[Any]) -> dict[str, str]:
    """What the book calls a way of a notice by."""
    return {"way": way.way, "party": party_of(way)}

"""What comes back from the CRA: files are taken in, and each answer becomes a fact of the case of its title.

A file is stored before it is read, and taken in whole in one transaction: `received`, then `taken-in` or `refused`.
Facts first; their cases are told after the commit. Locks: the file's name alone, then cases by id, then the file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

import sqlalchemy as sa
from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from temporalio import activity

from activities.desk import fact_values, store_facts
from activities.effects import effect
from activities.world import World
from contract.messages import BatchReport
from db.rows import CASE, CRA_FILE, DOCUMENT, ORDER, TASK, TITLE
from domain import cra
from domain import facts as f
from domain.calendars import add_bank_days, three_day_term
from domain.cra.codes import Word
from domain.cra.files import parse_name
from domain.decide import Entry
from domain.errors import BadFile, BadInput, Permanent, ProviderError, Unavailable, Unknown
from domain.places import time_zone

Answer = cra.Confirmation | cra.Outcome | cra.ProgressEvent
Verdict = Literal["known", "strange"]
"""Of an answer that tells a case nothing: it changes nothing, or nobody can say what it means to us."""

ENDS = frozenset({"paid", "registered", "returned", "withdrawn", "cancelled", "suspended-for-good"})
"""States in which the notary is done with a title; a registered protest can still be cancelled."""

_ANY_END = frozenset(
    {Word.PAID, Word.RETURNED, Word.WITHDRAWN, Word.WITHDRAWN_PAID, Word.SUSPENDED_FOR_GOOD, Word.CANCELLED}
)
ENDED_BY: dict[str, frozenset[Word]] = {
    "present": _ANY_END | {Word.ACCEPTED, Word.SUSPENDED, Word.PROTESTED, Word.ALREADY_PROTESTED},
    "withdraw": _ANY_END | {Word.ALREADY_PROTESTED},
    "cancel": frozenset({Word.CANCELLED, Word.CANCELLATION_REFUSED}),
}
"""Which words answer an order. A protest registered while our withdrawal is on its way is not the answer to it yet."""

_FACTS_A_STATEMENT = 1000
"""A statement has a limited number of parameters."""


# --- taking files in -------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class TakenIn:
    """What became of a file: how many answers became facts, how many a person must look at; why it was refused.

    `known`: the same file was taken in before. `facts` are the ids of the new facts; their cases have been told.
    `faults` are sentences for the person who handed the file in; they may quote it and belong in no log.
    """

    name: str
    state: Literal["taken-in", "known", "refused"]
    answers: int = 0
    strange: int = 0
    facts: tuple[UUID, ...] = ()
    faults: tuple[str, ...] = ()


def take_in_files(world: World, at: datetime | None = None) -> BatchReport:
    """Take in every file that the CRA has for us. A refused one is not acknowledged: it may be put right in place."""
    try:
        fetched = world.cra.fetch()
    except (Unavailable, Unknown):
        return BatchReport()
    except Permanent as error:
        now = world.now(at)
        with world.engine.begin() as conn:
            subject = f"no-access:{now.date()}:{error.code}"
            open_task(conn, subject, "cra-no-access", [f"code {error.code}"], now)
        return BatchReport()
    states = []
    for name, content in fetched:
        states.append(take_in_file(world, name, content, at).state)
        if states[-1] != "refused":
            with suppress(ProviderError):  # then it comes once more, and is known
                world.cra.done(name)
        beat(len(states))
    return BatchReport(taken_in=states.count("taken-in"), refused=states.count("refused"))


def take_in_file(world: World, name: str, content: bytes, at: datetime | None = None) -> TakenIn:
    """Take in a confirmation (C), return (R) or progress file (M): stored first, then read, then facts and tasks.

    The same content under the same name is harmless. Other content is refused, unless the first could not be read: then
    it is its correction. A refused file is kept and becomes a task; nothing of it counts.
    """
    now = world.now(at)
    row = _store_received(world, name, content, now)
    if row is None:
        fault = "other content was taken in under this name before; ask the CRA which one is right"
        return TakenIn(name, "refused", faults=(f"{name}: {fault}",))
    if row.state == "taken-in":
        return TakenIn(name, "known")
    try:
        answers = _read_answers(cra.read(content, name))
    except BadInput as error:
        return _refuse(world, row, error, now)
    with world.engine.begin() as conn:
        taken = _take_in(conn, row, answers, now)
    world.deliver(taken.facts)
    return taken


def _store_received(world: World, name: str, content: bytes, now: datetime) -> Row[Any] | None:
    """The row of a file that came in, its content kept; None where another content already counts under its name."""
    kind, presenter, day, sequence = _name_parts(name, now)
    mine = (CRA_FILE.c.presenter == presenter) & (CRA_FILE.c.name == name) & (CRA_FILE.c.direction == "in")
    digest = hashlib.sha256(content).hexdigest()
    with world.engine.begin() as conn:
        document = select(CRA_FILE, DOCUMENT.c.sha256).join(DOCUMENT, DOCUMENT.c.id == CRA_FILE.c.document_id)
        conn.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext(:key))"), {"key": f"cra-in:{name}"})
        known = conn.execute(document.where(mine)).one_or_none()
        if known and known.sha256 == digest:
            return known
        kept = keep_file(world, conn, name, content, now)
        if known and known.state == "taken-in":
            details = [f"file {name}", f"document {kept}"]
            open_task(conn, f"other-content:{known.id}:{digest}", "cra-unreadable-file", details, now)
            return None
        values = {"document_id": kept, "state": "received", "settled_at": None}
        if known:
            changed = update(CRA_FILE).where(mine).values(**values).returning(CRA_FILE)
            return conn.execute(changed).one()
        fresh = {"id": uuid4(), "presenter": presenter, "name": name, "kind": kind, "direction": "in"}
        fresh |= {"business_day": day, "sequence": sequence, "reply_code": "", "created_at": now}
        return conn.execute(insert(CRA_FILE).values(**fresh, **values).returning(CRA_FILE)).one()


def _name_parts(name: str, now: datetime) -> tuple[str, str, date, int]:
    """Kind, presenter, day and sequence of a file; of one whose name says nothing, the day it came."""
    try:
        return parse_name(name)
    except BadInput:
        return "", "", now.astimezone(time_zone("DF")).date(), 0


def _refuse(world: World, file: Row[Any], error: BadInput, now: datetime) -> TakenIn:
    """Keep a file that could not be read, for a person to look at; nothing of it counts."""
    where = [fault.where for fault in error.faults[:5]] if isinstance(error, BadFile) else []
    with world.engine.begin() as conn:
        move_file(conn, file.id, ("received", "refused"), "refused", "", now)
        subject = f"unreadable:{file.id}:{file.document_id}"
        open_task(conn, subject, "cra-unreadable-file", [f"file {file.name}", *where], now)
    faults = tuple(map(str, error.faults)) if isinstance(error, BadFile) else (str(error),)
    return TakenIn(file.name, "refused", faults=faults)


def _read_answers(file: cra.CraFile) -> Sequence[Answer]:
    """The records of a file in our words; raises BadInput for a kind that only we send."""
    if file.kind == "C":
        return cra.confirmations(file)
    if file.kind == "M":
        return cra.progress_events(file)
    return cra.outcomes(file)


# --- what an answer means --------------------------------------------------------------------------------------------
@dataclass
class Standing:
    """A title while a file is read: its row, how it stands, and the order that waits for an answer, if any."""

    row: Row[Any]
    state: str
    order: Row[Any] | None

    @property
    def asked(self) -> str:
        """The kind of order that the notary has and did not answer yet."""
        return str(self.order.kind) if self.order and self.order.state == "sent" else ""


def _take_in(conn: Connection, file: Row[Any], answers: Sequence[Answer], now: datetime) -> TakenIn:
    """All answers of a file, under the locks of their cases; then the file counts as taken in."""
    numbers = {answer.our_number for answer in answers}
    cases = lock_cases(conn, select(TITLE.c.case_id).where(TITLE.c.our_number.in_(numbers)))
    if not move_file(conn, file.id, ("received", "refused"), "taken-in", "", now):
        return TakenIn(file.name, "known")
    standings = _standings(conn, numbers)
    facts, strange = [], []
    for answer in answers:
        standing = standings.get(answer.our_number)
        told = _hear(conn, standing, answer, now) if standing else "strange"
        if told == "strange":
            strange.append(f"record {answer.record_no} our number {answer.our_number} code {_code_of(answer)}")
        elif told != "known" and standing:
            case_id = standing.row.case_id
            key = f"cra:{file.name}:{answer.record_no}:{case_id}"
            facts.append(fact_values(case_id, key, told, "cra", now))
            if isinstance(told, f.PaymentReceived):
                effect(told, conn, cases[case_id], Entry(told, now, "cra", key))
    if strange:
        open_task(conn, f"unknown:{file.id}", "cra-unknown-answer", [f"file {file.name}", *strange], now)
    pages = [facts[start : start + _FACTS_A_STATEMENT] for start in range(0, len(facts), _FACTS_A_STATEMENT)]
    stored = [fact for page in pages for fact in store_facts(conn, page)]
    return TakenIn(file.name, "taken-in", len(stored), len(strange), tuple(stored))


def _standings(conn: Connection, numbers: set[str]) -> dict[str, Standing]:
    titles = conn.execute(select(TITLE).where(TITLE.c.our_number.in_(numbers))).all()
    waiting = ORDER.c.title_id.in_([title.id for title in titles]) & ORDER.c.state.in_(("queued", "sent"))
    orders = {order.title_id: order for order in conn.execute(select(ORDER).where(waiting))}
    return {title.our_number: Standing(title, title.state, orders.get(title.id)) for title in titles}


def _hear(conn: Connection, standing: Standing, answer: Answer, now: datetime) -> f.Told | Verdict:
    """What one answer tells the case of its title; title and order are brought up to it."""
    if isinstance(answer, cra.ProgressEvent):
        return "known"
    occurrence = cra.codes.occurrence(answer.occurrence)
    if occurrence is None:
        return "strange"
    word = occurrence.outcome
    if word is Word.CANCELLED and standing.asked == "withdraw":
        word = Word.ALREADY_PROTESTED  # A also answers a withdrawal of our own that came too late (V4.3 p. 23)
    state, fact = _meaning(standing.row, word, answer)
    verdict = _judge(standing.state, state)
    if verdict != "strange":
        if state and (state != "confirmed" or standing.state in ("queued", "sent")):
            standing.state = state
        _update_title(conn, standing, answer, fact, now)
        _end_order(conn, standing, word, now)
    if word is Word.CANCELLATION_REFUSED:
        return "strange"
    return fact if fact and verdict == "new" else verdict if verdict != "new" else "known"


def _meaning(title: Row[Any], word: Word, answer: cra.Confirmation | cra.Outcome) -> tuple[str, f.Told | None]:
    """What the title becomes and the fact for its case; ("", None) of what only informs, as a notice by edital."""
    if word is Word.RETURNED:
        return "returned", _returned(title, answer)
    if isinstance(answer, cra.Outcome):
        return _outcomes(title, answer).get(word, ("", None))
    if word is not Word.ACCEPTED or answer.protocol_date is None:
        return "", None
    term = three_day_term(answer.protocol_date, title.municipality)
    return "confirmed", f.TitleConfirmed(str(title.id), answer.protocol_date, term)


def _outcomes(title: Row[Any], answer: cra.Outcome) -> dict[Word, tuple[str, f.Told | None]]:
    title_id, on = str(title.id), answer.on
    # Paid to the notary: the declared balance, where the record names no amount (Lei 9.492 art. 19 §2).
    reference, amount = f"cra:{title.our_number}", answer.amount or title.balance
    return {
        Word.PAID: ("paid", f.PaymentReceived(reference, amount, on, source="cra", at_notary=True)),
        Word.PROTESTED: ("registered", f.TitleRegistered(title_id, on)),
        Word.ALREADY_PROTESTED: ("registered", f.TitleRegistered(title_id, on)),
        Word.CANCELLED: ("cancelled", f.TitleCancelled(title_id, on)),
        Word.WITHDRAWN: ("withdrawn", f.TitleWithdrawn(title_id, on)),
        Word.WITHDRAWN_PAID: ("withdrawn", f.TitleWithdrawn(title_id, on)),
        Word.SUSPENDED: ("suspended", f.TitleSuspended(title_id, final=False)),
        Word.SUSPENDED_FOR_GOOD: ("suspended-for-good", f.TitleSuspended(title_id, final=True)),
    }


def _judge(before: str, after: str) -> Literal["new", "known", "strange"]:
    """Is an answer news about a title that stands so? One that contradicts how a title ended is for a person."""
    if after in ("", before) or (before in ENDS and after == "confirmed"):
        return "known"
    if after == "paid":
        return "new"  # money is never left aside
    if before == "unqueued" or (before in ENDS and (before, after) != ("registered", "cancelled")):
        return "strange"
    return "new"


def _returned(title: Row[Any], answer: cra.Confirmation | cra.Outcome) -> f.TitleReturned:
    """May it be presented again? Not where any reason forbids it; a reason that no table knows is for a person."""
    known = [cra.codes.irregularity(code) for code in answer.irregularities]
    representable = all(reason is None or reason.representable for reason in known)
    return f.TitleReturned(str(title.id), answer.irregularities, representable)


def _update_title(
    conn: Connection, standing: Standing, answer: cra.Confirmation | cra.Outcome, fact: f.Told | None, now: datetime
) -> None:
    """The title's row, as the answer leaves it. `costs` in reais, as the notary last named them."""
    values: dict[str, Any] = {"state": standing.state, "changed_at": now}
    if answer.protocol:
        values |= {"notary_code": answer.notary_code, "protocol": answer.protocol}
    if answer.protocol_date:
        values["protocol_date"] = answer.protocol_date
    if answer.costs:
        values["costs"] = answer.costs
    if answer.irregularities:
        values["irregularities"] = list(answer.irregularities)
    if isinstance(fact, f.TitleConfirmed):
        values["term_end"] = fact.term_end
    conn.execute(update(TITLE).where(TITLE.c.id == standing.row.id).values(**values))


def _end_order(conn: Connection, standing: Standing, word: Word, now: datetime) -> None:
    """End the open order that this word answers, and one that came too late to be sent at all."""
    order = standing.order
    if order is None:
        return
    answered = word in ENDED_BY[order.kind] and (order.state == "sent" or order.kind == "present")
    to_cancel = order.kind == "cancel" and standing.state == "registered"
    moot = order.state == "queued" and standing.state in ENDS and not to_cancel
    if answered or moot:
        how = "answered" if answered else "superseded"
        conn.execute(update(ORDER).where(ORDER.c.id == order.id).values(state=how, answered_at=now))
        standing.order = None


def _code_of(answer: Answer) -> str:
    return answer.code if isinstance(answer, cra.ProgressEvent) else answer.occurrence


# --- shared with what leaves (`activities.protest_batch`) ------------------------------------------------------------
def lock_cases(conn: Connection, ids: sa.Select[tuple[UUID]]) -> dict[UUID, Row[Any]]:
    """Lock these cases, in the order of their ids, until the end of the transaction; returns their rows by id."""
    locked = select(CASE).where(CASE.c.id.in_(ids)).order_by(CASE.c.id).with_for_update(key_share=True)
    return {row.id: row for row in conn.execute(locked)}


def move_file(
    conn: Connection, file_id: UUID, before: Sequence[str], state: str, code: str, at: datetime | None
) -> bool:
    """Move a file on from one of the states `before`; False where somebody else did. `at` is None where it stays open.

    `code` is the CRA's reply, "" where it gave none.
    """
    mine = (CRA_FILE.c.id == file_id) & CRA_FILE.c.state.in_(before)
    values = {"state": state, "reply_code": code, "settled_at": at}
    return conn.execute(update(CRA_FILE).where(mine).values(**values)).rowcount == 1


def keep_file(world: World, conn: Connection, name: str, content: bytes, now: datetime) -> UUID:
    """Store a file in the document store and its row; returns the document's id."""
    document_id = uuid4()
    row = {"id": document_id, "kind": "cra-file", "name": name, "mime": "text/plain", "size": len(content)}
    conn.execute(insert(DOCUMENT).values(**row, sha256=world.documents.put(content), created_at=now))
    return document_id


def open_task(conn: Connection, subject: str, kind: str, details: Sequence[str], now: datetime) -> None:
    """Work for a person, once for each subject. Days are those of Brasília; details carry no personal data."""
    today = now.astimezone(time_zone("DF")).date()
    task = {
        "id": uuid5(NAMESPACE_URL, f"cra:{subject}"),
        "kind": kind,
        "step": "",
        "owner": "supervisor",
        "due": add_bank_days(today, 1),
        "details": list(details),
        "outcome": "",
        "done_by": "",
        "opened_at": now,
    }
    conn.execute(upsert(TASK).values(task).on_conflict_do_nothing(index_elements=["id"]))


def beat(done: int) -> None:
    """Progress for Temporal, where it is an activity that works here."""
    if activity.in_activity():
        activity.heartbeat(done)

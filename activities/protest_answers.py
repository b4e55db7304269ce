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

from activities.desk import fact_values, store_facts
from activities.effects import effect
from activities.tasks import open_tasks, task_row
from activities.world import World
from contract.messages import BatchReport
from db.rows import CASE, CRA_FILE, CREDITOR, DOCUMENT, ORDER, TASK, TITLE
from db.settings import CreditorSettings
from domain import cra
from domain import facts as f
from domain.calendars import add_bank_days
from domain.cra.codes import Word
from domain.cra.files import parse_name
from domain.decide import Entry
from domain.errors import BadFile, BadInput, Permanent, ProviderError, Unavailable, Unknown
from domain.fold.protest import NOTIFIED
from domain.money import ZERO
from domain.places import time_zone
from domain.protest import Event, after, decide_by, term_end

Answer = cra.Confirmation | cra.Outcome | cra.ProgressEvent
Verdict = Literal["known", "strange"]
"""Of an answer that tells a case nothing: it changes nothing, or nobody can say what it means to us."""

ENDS = frozenset({"paid", "registered", "returned", "withdrawn", "cancelled", "suspended-for-good"})
"""States in which the notary is done with a title; a registered protest can still be cancelled."""
_MAY_STILL_BE_CONFIRMED = frozenset({"withdrawing", "suspended"})
PAYING = frozenset({"AH", "AK", "7"})
"""Codes of money that the notary has and that may still fail: a cheque or a boleto in clearing."""

EVENTS: dict[Word, Event] = {
    Word.ACCEPTED: Event.CONFIRM,
    Word.PAID: Event.PAY,
    Word.PROTESTED: Event.REGISTER,
    Word.ALREADY_PROTESTED: Event.REGISTER,
    Word.WITHDRAWN: Event.WITHDRAW,
    Word.WITHDRAWN_PAID: Event.WITHDRAW,
    Word.SUSPENDED: Event.SUSPEND,
    Word.SUSPENDED_FOR_GOOD: Event.SUSPEND_FOR_GOOD,
    Word.RETURNED: Event.RETURN,
    Word.CANCELLED: Event.CANCEL,
    Word.CANCELLATION_REFUSED: Event.REFUSE_CANCELLATION,
}
"""What each word of the CRA is in the life of a title; the others only inform."""

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
    """Take in every file that the CRAs have for us. A refused one is not acknowledged: it may be put right in place."""
    states: list[str] = []
    for state in _cras(world):
        for name, content in _fetch(world, state, at):
            states.append(take_in_file(world, name, content, at, state).state)
            if states[-1] != "refused":
                with suppress(ProviderError):  # then it comes once more, and is known
                    world.cra.of(state).done(name)
    return BatchReport(taken_in=states.count("taken-in"), refused=states.count("refused"))


def _cras(world: World) -> list[str]:
    """The states with whose CRA somebody has an agreement; "" is the one for all, which is always asked."""
    with world.engine.connect() as conn:
        settings = [CreditorSettings.model_validate(row) for row in conn.execute(select(CREDITOR.c.settings)).scalars()]
    return sorted({"", *(state for one in settings for agreement in one.agreements() for state in agreement.states)})


def _fetch(world: World, state: str, at: datetime | None) -> list[tuple[str, bytes]]:
    try:
        return world.cra.of(state).fetch()
    except (Unavailable, Unknown):
        return []
    except Permanent as error:
        now = world.now(at)
        with world.engine.begin() as conn:
            subject = f"no-access:{state}{now.date()}:{error.code}"
            open_task(
                conn, subject, "cra-no-access", [f"code {error.code}", *([f"state {state}"] if state else [])], now
            )
        return []


def take_in_file(world: World, name: str, content: bytes, at: datetime | None = None, state: str = "") -> TakenIn:
    """Take in a confirmation (C), return (R) or progress file (M): stored first, then read, then facts and tasks.

    The same content under the same name is harmless. Other content is refused, unless the first could not be read: then
    it is its correction. A refused file is kept and becomes a task; nothing of it counts.
    `state` is the state whose CRA it comes from, "" the one for all.
    """
    now = world.now(at)
    row = _store_received(world, state, name, content, now)
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


def _store_received(world: World, state: str, name: str, content: bytes, now: datetime) -> Row[Any] | None:
    """The row of a file that came in, its content kept; None where another content already counts under its name."""
    kind, presenter, day, sequence = _name_parts(name, now)
    mine = (CRA_FILE.c.presenter == presenter) & (CRA_FILE.c.name == name) & (CRA_FILE.c.direction == "in")
    mine &= CRA_FILE.c.cra == state
    digest = hashlib.sha256(content).hexdigest()
    with world.engine.begin() as conn:
        document = select(CRA_FILE, DOCUMENT.c.sha256).join(DOCUMENT, DOCUMENT.c.id == CRA_FILE.c.document_id)
        conn.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext(:key))"), {"key": f"cra-in:{state}{name}"})
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
        fresh = {"id": uuid4(), "cra": state, "presenter": presenter, "name": name, "kind": kind, "direction": "in"}
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
    progress: str
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
    standings = standings_of(conn, numbers)
    facts, strange = [], []
    for answer in answers:
        standing = standings.get(answer.our_number)
        told = hear(conn, standing, answer, now) if standing else "strange"
        if told == "strange":
            strange.append(f"record {answer.record_no} our number {answer.our_number} code {_code_of(answer)}")
        elif told != "known" and standing:
            case_id = standing.row.case_id
            facts += facts_told(conn, cases[case_id], told, f"cra:{file.name}:{answer.record_no}:{case_id}", "cra", now)
    if strange:
        open_task(conn, f"unknown:{file.id}", "cra-unknown-answer", [f"file {file.name}", *strange], now)
    pages = [facts[start : start + _FACTS_A_STATEMENT] for start in range(0, len(facts), _FACTS_A_STATEMENT)]
    stored = [fact for page in pages for fact in store_facts(conn, page)]
    return TakenIn(file.name, "taken-in", len(stored), len(strange), tuple(stored))


def facts_told(
    conn: Connection, case: Row[Any], told: Sequence[f.Told], key: str, actor: str, now: datetime
) -> list[dict[str, Any]]:
    """The facts of one answer as rows, each under its own key; money is counted at once."""
    found = []
    for number, fact in enumerate(told, 1):
        own = key if number == 1 else f"{key}:{number}"
        found.append(fact_values(case.id, own, fact, actor, now))
        if isinstance(fact, f.PaymentReceived):
            effect(fact, conn, case, Entry(fact, now, actor, own))
    return found


def standings_of(conn: Connection, numbers: set[str]) -> dict[str, Standing]:
    """How the titles with these numbers stand, by our number."""
    titles = conn.execute(select(TITLE).where(TITLE.c.our_number.in_(numbers))).all()
    waiting = ORDER.c.title_id.in_([title.id for title in titles]) & ORDER.c.state.in_(("queued", "sent"))
    orders = {order.title_id: order for order in conn.execute(select(ORDER).where(waiting))}
    return {title.our_number: Standing(title, title.state, title.progress, orders.get(title.id)) for title in titles}


def hear(conn: Connection, standing: Standing, answer: Answer, now: datetime) -> tuple[f.Told, ...] | Verdict:
    """What one answer tells the case of its title; title and order are brought up to it.

    The machine of `domain.protest` says whether it can be: what cannot is strange, and changes nothing.
    """
    if isinstance(answer, cra.ProgressEvent):
        known = cra.codes.progress(answer.code) is not None
        return _progress(conn, standing, answer, answer.code, now) if known else "strange"
    occurrence = cra.codes.occurrence(answer.occurrence)
    if occurrence is None:
        return "strange"
    word = occurrence.outcome
    if word is Word.CANCELLED and standing.asked == "withdraw":
        word = Word.ALREADY_PROTESTED  # A also answers a withdrawal of our own that came too late (V4.3 p. 23)
    if word is Word.INFORMATION:
        return "known"
    if word not in EVENTS:
        return _progress(conn, standing, answer, answer.occurrence, now)
    return _happened(conn, standing, word, answer, now)


def _happened(
    conn: Connection, standing: Standing, word: Word, answer: cra.Confirmation | cra.Outcome, now: datetime
) -> tuple[f.Told, ...] | Verdict:
    following = after(standing.state, EVENTS[word])
    if following is None:
        return "strange"
    late = standing.state in _MAY_STILL_BE_CONFIRMED and not standing.row.protocol and word is Word.ACCEPTED
    news = following != standing.state or late
    standing.state = following
    fact = _fact(standing.row, word, answer)
    _update_title(conn, standing, answer, fact, now)
    _end_order(conn, standing, word, now)
    return (fact,) if news and fact else "known"


def _fact(title: Row[Any], word: Word, answer: cra.Confirmation | cra.Outcome) -> f.Told | None:
    """The fact for the case of a title."""
    title_id, costs = str(title.id), answer.costs
    if word is Word.RETURNED:
        return _returned(title, answer)
    if isinstance(answer, cra.Confirmation):
        return _confirmed(title, answer) if answer.protocol_date else None
    on = answer.on
    if word is Word.PAID:
        return _paid(title, answer)
    return {
        Word.ACCEPTED: None,
        Word.PROTESTED: f.TitleRegistered(title_id, on, costs),
        Word.ALREADY_PROTESTED: f.TitleRegistered(title_id, on, costs),
        Word.CANCELLED: f.TitleCancelled(title_id, on, costs),
        Word.CANCELLATION_REFUSED: f.CancellationRefused(title_id, on),
        Word.WITHDRAWN: f.TitleWithdrawn(title_id, on, costs),
        Word.WITHDRAWN_PAID: f.TitleWithdrawn(title_id, on, costs),
        Word.SUSPENDED: f.TitleSuspended(title_id, final=False),
        Word.SUSPENDED_FOR_GOOD: f.TitleSuspended(title_id, final=True),
    }[word]


def _confirmed(title: Row[Any], answer: cra.Confirmation) -> f.TitleConfirmed | None:
    if answer.protocol_date is None:
        return None
    last = term_end(answer.protocol_date, title.municipality)
    return f.TitleConfirmed(
        str(title.id), answer.protocol_date, last, answer.costs, decide_by(last, title.municipality)
    )


def _paid(title: Row[Any], answer: cra.Outcome) -> f.PaymentReceived:
    """Paid to the notary: the declared balance (Lei 9.492/1997 art. 19 par. 2).

    Where the record names no amount it is that; where it names more, the rest are costs that we had advanced.
    """
    amount = min(answer.amount, title.balance) or title.balance
    passed_on = max(answer.amount - title.balance, ZERO)
    reference = f"cra:{title.our_number}"
    return f.PaymentReceived(reference, amount, answer.on, source="cra", at_notary=True, costs=passed_on)


def _returned(title: Row[Any], answer: cra.Confirmation | cra.Outcome) -> f.TitleReturned:
    """May it be presented again? Not where any reason forbids it; a reason that no table knows is for a person."""
    known = [cra.codes.irregularity(code) for code in answer.irregularities]
    representable = all(reason is None or reason.representable for reason in known)
    return f.TitleReturned(str(title.id), answer.irregularities, representable, answer.costs)


def _progress(
    conn: Connection, standing: Standing, answer: cra.ProgressEvent | cra.Outcome | cra.Confirmation, code: str,
    now: datetime,
) -> tuple[f.Told, ...] | Verdict:  # fmt: skip
    """How far the title is: a progress file, or a return that only informs (paid conditionally, edital, accepted)."""
    title, on = standing.row, answer.on
    following = after(standing.state, Event.NOTIFY) if code == NOTIFIED else standing.state
    if following is None:
        return "strange"
    if on is None or standing.state in ENDS or (code == standing.progress and following == standing.state):
        return "known"
    first_money = code in PAYING and standing.progress not in PAYING
    standing.state, standing.progress = following, code
    fact = f.TitleProgressed(str(title.id), code, on, answer.costs, *_term(title, code, on))
    values: dict[str, Any] = {"state": following, "progress": code, "changed_at": now}
    values |= {"costs": answer.costs} if answer.costs else {}
    values |= {"term_end": fact.term_end} if fact.term_end else {}
    conn.execute(update(TITLE).where(TITLE.c.id == title.id).values(values))
    if not first_money:
        return (fact,)
    clearing = f.PaymentInClearing(f"cra:{title.our_number}", title.balance, add_bank_days(on, 1), "cra")
    return (fact, clearing)


def _term(title: Row[Any], code: str, notified: date) -> tuple[date | None, datetime | None]:
    """The last day of the term and the hour of decision, where the notification moves them."""
    if code != NOTIFIED or title.protocol_date is None:
        return None, None
    last = term_end(title.protocol_date, title.municipality, notified)
    return last, decide_by(last, title.municipality)


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
    moot = order.state == "queued" and standing.state in ENDS
    if answered or moot:
        how = "answered" if answered else "superseded"
        conn.execute(update(ORDER).where(ORDER.c.id == order.id).values(state=how, answered_at=now))
        end_task(conn, f"by-hand:{order.id}", how, now)
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
    key = uuid5(NAMESPACE_URL, f"cra:{subject}")
    open_tasks(conn, [task_row(key, kind, "supervisor", add_bank_days(today, 1), now, details)])


def end_task(conn: Connection, subject: str, outcome: str, now: datetime) -> None:
    """The work of `open_task` is no longer needed, or done elsewhere."""
    mine = (TASK.c.id == uuid5(NAMESPACE_URL, f"cra:{subject}")) & TASK.c.done_at.is_(None)
    conn.execute(update(TASK).where(mine).values(outcome=outcome, done_at=now))

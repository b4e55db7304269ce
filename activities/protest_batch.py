"""The daily exchange with the CRA: what came back is taken in, queued orders leave in files, files are handed over.

Three steps, each safe to repeat after a crash at any line. A file is stored whole, with the rows of its orders and
titles, before it is sent: `prepared` (surely not sent), `sending` (a call was begun whose outcome may be unknown; the
CRA knows a file by its name, so it is simply sent again), `accepted`, `refused` or `dropped`. What comes back is stored
before it is read, and taken in whole in one transaction: facts first; their cases are told after the commit.
Locks: cases by id, then the presenter's numbers, then the file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any, Literal
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

import sqlalchemy as sa
from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from temporalio import activity

from activities.desk import fact_values, pinned_policy, store_facts
from activities.effects import effect
from activities.protest import cra_presenter, cra_title
from activities.views import read_creditor, read_invoices
from activities.world import World
from contract.messages import BatchReport
from db.rows import CASE, CRA_FILE, DEBTOR, DOCUMENT, FACT, INVOICE, LOT_SEQUENCE, ORDER, TASK, TITLE
from db.settings import CreditorSettings
from domain import cra
from domain import facts as f
from domain.calendars import add_bank_days, is_notary_day, three_day_term
from domain.case import Case, load
from domain.cra.codes import Word
from domain.cra.files import parse_name
from domain.decide import Action, Entry, advance
from domain.eligibility import missing
from domain.errors import BadFile, BadInput, Misconfigured, Permanent, ProviderError, Unavailable, Unknown
from domain.places import time_zone
from gateways import cra as transport

FILES_A_DAY = 9
"""Per presenter and kind of file (layout V4.3, names of files); what does not fit waits for tomorrow."""
TITLES_A_FILE = 1000
"""As many cases are locked while a file is made; a lot could hold 9997 records."""
_PAGE = 1000
"""Facts stored with one statement, which has a limited number of parameters."""
LAST_LOT = 999_999
"""Header field 08 has six positions; the number begins again after that."""

KINDS: dict[str, cra.Kind] = {"present": "B", "withdraw": "DP", "cancel": "CP"}
"""The file in which each kind of order leaves."""
_UPLOADS: dict[str, transport.Kind] = {"B": "remessa", "DP": "desistencia", "CP": "cancelamento"}


class ProtestBatch:
    """The activities of the daily batch."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.activities: tuple[Callable[..., Any], ...] = (self.take_in_files, self.prepare_files, self.upload_files)

    @activity.defn(name="take_in_files")
    def take_in_files(self) -> BatchReport:
        """Take in what the CRA has for us."""
        return take_in_files(self.world, activity.info().scheduled_time)

    @activity.defn(name="prepare_files")
    def prepare_files(self) -> BatchReport:
        """Make files of the queued orders."""
        return prepare_files(self.world, activity.info().scheduled_time)

    @activity.defn(name="upload_files")
    def upload_files(self) -> BatchReport:
        """Hand over what was made."""
        return upload_files(self.world, activity.info().scheduled_time)


# --- what leaves: making files ---------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Order:
    """A queued order with everything its record needs, its case locked."""

    id: UUID
    title: Row[Any]
    case_row: Row[Any]
    case: Case
    debtor: Row[Any]
    invoice: Row[Any]


@dataclass(frozen=True)
class Sender:
    """A creditor as presenter, on a day at his place."""

    row: Row[Any]
    settings: CreditorSettings
    presenter: cra.Presenter | None
    day: date


def prepare_files(world: World, at: datetime | None = None) -> BatchReport:
    """Make the files of the day, stored and numbered but not sent: one per presenter and kind, more where it is full.

    Only on notary days at the creditor's place. An order waits where its case has not taken in everything yet or no
    longer wants it; a title that lacks something goes back to its case. `at` is the workflow's time (real) or None.
    """
    now = world.now(at)
    _take_back(world, now)
    queued = select(TITLE.c.creditor_id, ORDER.c.kind, ORDER.c.id).join(TITLE, TITLE.c.id == ORDER.c.title_id)
    with world.engine.connect() as conn:
        waiting = conn.execute(
            queued.where(ORDER.c.state == "queued")
            .order_by(TITLE.c.creditor_id, ORDER.c.kind, ORDER.c.queued_at, ORDER.c.id)
        ).all()  # fmt: skip
    made = 0
    for (creditor_id, kind), rows in groupby(waiting, lambda row: (row.creditor_id, row.kind)):
        orders = [row.id for row in rows]
        for start in range(0, len(orders), TITLES_A_FILE):
            made += _prepare(world, creditor_id, kind, orders[start : start + TITLES_A_FILE], now)
            _beat(made)
    return BatchReport(prepared=made)


def _prepare(world: World, creditor_id: UUID, kind: str, order_ids: Sequence[UUID], now: datetime) -> bool:
    """One file, if any of these orders can leave today; in one transaction."""
    with world.engine.begin() as conn:
        row, settings = read_creditor(conn, creditor_id)
        day = now.astimezone(time_zone(row.uf)).date()
        if not is_notary_day(day):
            return False
        sender = Sender(row, settings, cra_presenter(settings.presenter), day)
        orders = _locked_orders(conn, order_ids)
        if kind == "present":
            ready, facts = _presentable(conn, sender, orders, now)
        else:
            ready, facts = _undoable(conn, sender, kind, orders, now)
        file_id = _file(world, conn, sender, kind, ready, now)
        if file_id and kind == "present":
            facts += [_sent(order, file_id, day, now) for order in ready]
        told = store_facts(conn, facts)
    world.deliver(told)
    return file_id is not None


def _sent(order: Order, file_id: UUID, day: date, now: datetime) -> dict[str, Any]:
    fact = f.TitleSent(str(order.title.id), day)
    return fact_values(order.case_row.id, f"title-sent:{order.title.id}:{file_id}", fact, "engine", now)


def _locked_orders(conn: Connection, order_ids: Sequence[UUID]) -> list[Order]:
    """Those of the orders that are still queued, under the locks of their cases."""
    mine = ORDER.c.id.in_(order_ids)
    cases = _lock_cases(conn, select(TITLE.c.case_id).join(ORDER, ORDER.c.title_id == TITLE.c.id).where(mine))
    titles = conn.execute(
        select(TITLE, ORDER.c.id.label("order_id"))
        .join(ORDER, ORDER.c.title_id == TITLE.c.id)
        .where(mine, ORDER.c.state == "queued")
        .order_by(ORDER.c.queued_at, ORDER.c.id)
    ).all()
    people = select(DEBTOR).where(DEBTOR.c.id.in_({case.debtor_id for case in cases.values()}))
    debtors = {row.id: row for row in conn.execute(people)}
    invoices = read_invoices(conn, [case.invoice_id for case in cases.values()])
    found = []
    for title in titles:
        case = cases[title.case_id]
        debtor, invoice = debtors[case.debtor_id], invoices[case.invoice_id]
        found.append(Order(title.order_id, title, case, load(case.state), debtor, invoice))
    return found


def _lock_cases(conn: Connection, ids: sa.Select[tuple[UUID]]) -> dict[UUID, Row[Any]]:
    locked = select(CASE).where(CASE.c.id.in_(ids)).order_by(CASE.c.id).with_for_update(key_share=True)
    return {row.id: row for row in conn.execute(locked)}


def _presentable(
    conn: Connection, sender: Sender, orders: Sequence[Order], now: datetime
) -> tuple[list[Order], list[dict[str, Any]]]:
    """The titles that can go today, and the facts for the cases of those that lack something by now."""
    unheard = select(FACT.c.case_id).where(
        FACT.c.case_id.in_({order.case_row.id for order in orders}), FACT.c.acknowledged_at.is_(None)
    )
    changing = set(conn.execute(unheard).scalars())
    ready, facts = [], []
    for order in orders:
        if order.case_row.id in changing or not _wanted(conn, order, now):
            continue
        lacking = missing(_title(sender, order), sender.presenter, sender.day, order.case.limitation().first)
        if not lacking:
            ready.append(order)
            continue
        step = next(name for name, state in order.case.steps.items() if state.reason == "at-notary")
        fact = f.TitleIncomplete(step, lacking)
        facts.append(fact_values(order.case_row.id, f"title-incomplete:{order.id}", fact, "engine", now))
        _end(conn, order, "dropped", "unqueued", now)
    return ready, facts


def _wanted(conn: Connection, order: Order, now: datetime) -> bool:
    """Would the case leave this title in the queue, judged on all it knows and on today? (promises 2, 3 and 8)"""
    case = load(order.case_row.state)
    mine = case.protest.title_id == str(order.title.id) and case.protest.state in ("queued", "sent")
    if not mine or order.title.state != "queued":
        return False
    case.protest.state = "queued"  # also of a title that came back to the queue because no CRA took its file
    look = advance(case, (), pinned_policy(conn, case.policy_hash), now)
    return not look.entries and look.instruction.action == Action.WAIT


def _undoable(
    conn: Connection, sender: Sender, kind: str, orders: Sequence[Order], now: datetime
) -> tuple[list[Order], list[dict[str, Any]]]:
    """Withdrawals or cancellations that can go today: the notary has given a protocol, and has not answered since.

    A title that never left, or whose file no CRA took, is given back here and now. Nothing waits for what a case has
    not heard yet: an order that undoes a protest comes better too often than too late.
    """
    never_left = select(ORDER.c.title_id).where(
        ORDER.c.title_id.in_({order.title.id for order in orders}), ORDER.c.kind == "present", ORDER.c.file_id.is_(None)
    )
    at_home = set(conn.execute(never_left).scalars())
    ready, facts = [], []
    for order in orders:
        if order.title.protocol:
            if order.title.state == {"withdraw": "withdrawing", "cancel": "registered"}[kind]:
                ready.append(order)
        elif kind == "withdraw" and order.title.id in at_home:
            fact = f.TitleWithdrawn(str(order.title.id), sender.day)
            facts.append(fact_values(order.case_row.id, f"title-never-left:{order.id}", fact, "engine", now))
            _end(conn, order, "answered", "withdrawn", now)
    return [order for order in ready if _fits(conn, sender, kind, order, now)], facts


def _fits(conn: Connection, sender: Sender, kind: str, order: Order, now: datetime) -> bool:
    """One order that fits no file must not keep the others from leaving."""
    if sender.presenter is None:
        return False
    try:
        _composed(conn, sender.presenter, sender, kind, [order], 1)
    except BadFile as error:
        details = [f"our number {order.title.our_number}", f"order {kind}", *(fault.wanted for fault in error.faults)]
        _open_task(conn, f"unfit:{order.id}", "cra-refused-file", details, now)
        return False
    return True


def _end(conn: Connection, order: Order, how: str, title: str, now: datetime) -> None:
    """The order ends without leaving."""
    conn.execute(update(ORDER).where(ORDER.c.id == order.id).values(state=how, answered_at=now))
    conn.execute(update(TITLE).where(TITLE.c.id == order.title.id).values(state=title, changed_at=now))


def _file(
    world: World, conn: Connection, sender: Sender, kind: str, orders: Sequence[Order], now: datetime
) -> UUID | None:
    """Compose and store a file of these orders, and mark them as sent; None where there is none or today's are used."""
    if not orders or sender.presenter is None:
        return None
    sequence = _next_of_day(conn, sender.presenter.code, KINDS[kind], sender.day)
    if sequence > FILES_A_DAY:
        return None
    name, content = cra.write(_composed(conn, sender.presenter, sender, kind, orders, sequence))
    file_id = uuid4()
    conn.execute(
        insert(CRA_FILE).values(
            id=file_id,
            presenter=sender.presenter.code,
            name=name,
            kind=KINDS[kind],
            direction="out",
            business_day=sender.day,
            sequence=sequence,
            document_id=_keep(world, conn, name, content, now),
            state="prepared",
            reply_code="",
            created_at=now,
        )
    )
    mine = ORDER.c.id.in_([order.id for order in orders])
    conn.execute(update(ORDER).where(mine).values(state="sent", file_id=file_id))
    if kind == "present":
        titles = TITLE.c.id.in_([order.title.id for order in orders])
        conn.execute(update(TITLE).where(titles).values(state="sent", changed_at=now))
    return file_id


def _composed(
    conn: Connection, presenter: cra.Presenter, sender: Sender, kind: str, orders: Sequence[Order], sequence: int
) -> cra.CraFile:
    if kind == "present":
        titles = [_title(sender, order) for order in orders]
        return cra.remittance(
            presenter, titles, sender.day, sequence, lambda place: _next_lot(conn, presenter.code, place)
        )
    compose = cra.withdrawals if kind == "withdraw" else cra.cancellations
    return compose(presenter, [_undoing(order) for order in orders], sender.day, sequence)


def _title(sender: Sender, order: Order) -> cra.Title:
    title, due = order.title, order.case.terms.due
    return cra_title(
        sender.row, sender.settings.presenter, order.debtor, order.invoice, due, title.balance, title.our_number
    )


def _undoing(order: Order) -> cra.WithdrawalOrder:
    title = order.title
    return cra.WithdrawalOrder(
        title.protocol,
        title.protocol_date,
        order.invoice.printed_number,
        order.debtor.name,
        title.amount,
        title.notary_code,
        title.municipality,
    )


def _next_of_day(conn: Connection, presenter: str, kind: str, day: date) -> int:
    """The next number of a day's files; the presenter's numbers are ours until the end of the transaction."""
    conn.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext(:key))"), {"key": f"cra:{presenter}"})
    mine = (CRA_FILE.c.presenter == presenter) & (CRA_FILE.c.kind == kind) & (CRA_FILE.c.direction == "out")
    last = select(sa.func.max(CRA_FILE.c.sequence)).where(mine, CRA_FILE.c.business_day == day)
    return (conn.execute(last).scalar_one() or 0) + 1


def _next_lot(conn: Connection, presenter: str, municipality: str) -> int:
    first = upsert(LOT_SEQUENCE).values(presenter=presenter, municipality=municipality, last=1)
    following = first.on_conflict_do_update(
        index_elements=["presenter", "municipality"], set_={"last": LOT_SEQUENCE.c.last % LAST_LOT + 1}
    )
    return int(conn.execute(following.returning(LOT_SEQUENCE.c.last)).scalar_one())


def _take_back(world: World, now: datetime) -> None:
    """Files that surely never left are made anew where they are of another day or hold what is no longer wanted."""
    today = now.astimezone(time_zone("DF")).date()
    unwanted = select(ORDER.c.id).where(ORDER.c.file_id == CRA_FILE.c.id, ORDER.c.state != "sent").exists()
    stale = (CRA_FILE.c.state == "prepared") & ((CRA_FILE.c.business_day < today) | unwanted)
    with world.engine.connect() as conn:
        files = conn.execute(select(CRA_FILE.c.id).where(stale)).scalars().all()
    for file_id in files:
        with world.engine.begin() as conn:
            _lock_cases(conn, _cases_of(file_id))
            if _settled(conn, file_id, ("prepared",), "dropped", "", now):
                _back_to_queue(conn, file_id)


def _cases_of(file_id: UUID) -> sa.Select[tuple[UUID]]:
    return select(TITLE.c.case_id).join(ORDER, ORDER.c.title_id == TITLE.c.id).where(ORDER.c.file_id == file_id)


def _back_to_queue(conn: Connection, file_id: UUID, only: Sequence[str] | None = None) -> None:
    """Nobody has these orders: those still wanted wait again. `only`: of these municipalities or title numbers."""
    mine = select(ORDER.c.id).join(TITLE, TITLE.c.id == ORDER.c.title_id).where(ORDER.c.file_id == file_id)
    if only is not None:
        mine = mine.join(CASE, CASE.c.id == TITLE.c.case_id).join(INVOICE, INVOICE.c.id == CASE.c.invoice_id)
        mine = mine.where(TITLE.c.municipality.in_(only) | sa.func.upper(INVOICE.c.printed_number).in_(only))
    orders = conn.execute(mine).scalars().all()
    conn.execute(update(ORDER).where(ORDER.c.id.in_(orders)).values(file_id=None))
    waiting = update(ORDER).where(ORDER.c.id.in_(orders), ORDER.c.state == "sent").values(state="queued")
    titles = conn.execute(waiting.returning(ORDER.c.title_id)).scalars().all()
    conn.execute(update(TITLE).where(TITLE.c.id.in_(titles), TITLE.c.state == "sent").values(state="queued"))


# --- what leaves: handing over ---------------------------------------------------------------------------------------
def upload_files(world: World, at: datetime | None = None) -> BatchReport:
    """Hand over every file that is made, and again every file whose call had no known outcome.

    What the CRA refuses goes back to the queue and becomes a task; what it cannot take now stays for the next run.
    """
    now = world.now(at)
    open_files = select(CRA_FILE).where(CRA_FILE.c.direction == "out", CRA_FILE.c.state.in_(("prepared", "sending")))
    with world.engine.connect() as conn:
        files = conn.execute(open_files.order_by(CRA_FILE.c.business_day, CRA_FILE.c.name)).all()
    states = []
    for row in files:
        if before := _begin(world, row.id):
            states.append(_upload(world, row, before, now))
        _beat(len(states))
    return BatchReport(uploaded=states.count("accepted"), refused=states.count("refused"))


def _begin(world: World, file_id: UUID) -> str:
    """Write down that a call is about to be made; returns the state before, "" where the file is not to be sent now.

    What holds an order that is no longer wanted stays here (promise 8), unless an earlier call may have sent it.
    """
    unwanted = select(ORDER.c.id).where(ORDER.c.file_id == file_id, ORDER.c.state != "sent").exists()
    fresh = (CRA_FILE.c.id == file_id) & (CRA_FILE.c.state == "prepared") & ~unwanted
    with world.engine.begin() as conn:
        if conn.execute(update(CRA_FILE).where(fresh).values(state="sending")).rowcount:
            return "prepared"
        state = conn.execute(select(CRA_FILE.c.state).where(CRA_FILE.c.id == file_id)).scalar_one()
        return "sending" if state == "sending" else ""


def _upload(world: World, row: Row[Any], before: str, now: datetime) -> str:
    """One call, and the state of the file after it. `before` is how it stood before the call was begun."""
    try:
        receipt = world.cra.upload(_UPLOADS[row.kind], row.name, _content(world, row))
    except Unknown:
        return "sending"
    except (Unavailable, Misconfigured) as error:
        return _not_now(world, row, before, error, now)
    except Permanent as error:
        return _refused(world, row, error.code, now)
    with world.engine.begin() as conn:
        if receipt.refused:
            _lock_cases(conn, _cases_of(row.id))
        if _settled(conn, row.id, ("sending", "prepared"), "accepted", receipt.code, now) and receipt.refused:
            _back_to_queue(conn, row.id, [part.where for part in receipt.refused])
            parts = [f"{part.where} code {part.code}" for part in receipt.refused]
            _open_task(conn, f"refused:{row.id}", "cra-refused-file", [f"file {row.name}", *parts], now)
    return "accepted"


def _content(world: World, row: Row[Any]) -> bytes:
    with world.engine.connect() as conn:
        digest = conn.execute(select(DOCUMENT.c.sha256).where(DOCUMENT.c.id == row.document_id)).scalar_one()
    return world.documents.get(digest)


def _not_now(world: World, row: Row[Any], before: str, error: ProviderError, now: datetime) -> str:
    """This call did nothing. Where an earlier one may have arrived, that stays open."""
    with world.engine.begin() as conn:
        _settled(conn, row.id, ("sending",), before, error.code, None)
        if isinstance(error, Misconfigured):
            _open_task(conn, f"no-access:{row.id}:{error.code}", "cra-no-access", [f"code {error.code}"], now)
    return before


def _refused(world: World, row: Row[Any], code: str, now: datetime) -> str:
    """The CRA took nothing of the file: its orders go back to the queue, and a person looks why."""
    with world.engine.begin() as conn:
        _lock_cases(conn, _cases_of(row.id))
        if _settled(conn, row.id, ("sending",), "refused", code, now):
            _back_to_queue(conn, row.id)
            details = [f"file {row.name}", f"code {code}"]
            _open_task(conn, f"refused:{row.id}", "cra-refused-file", details, now)
    return "refused"


def _settled(
    conn: Connection, file_id: UUID, before: Sequence[str], state: str, code: str, at: datetime | None
) -> bool:
    """Move a file on, unless somebody else did. `at` is None where it stays open."""
    mine = (CRA_FILE.c.id == file_id) & CRA_FILE.c.state.in_(before)
    values = {"state": state, "reply_code": code, "settled_at": at}
    return conn.execute(update(CRA_FILE).where(mine).values(**values)).rowcount == 1


# --- what comes back -------------------------------------------------------------------------------------------------
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
            _open_task(conn, subject, "cra-no-access", [f"code {error.code}"], now)
        return BatchReport()
    states = []
    for name, content in fetched:
        states.append(take_in_file(world, name, content, at).state)
        if states[-1] != "refused":
            with suppress(ProviderError):  # then it comes once more, and is known
                world.cra.done(name)
        _beat(len(states))
    return BatchReport(taken_in=states.count("taken-in"), refused=states.count("refused"))


def take_in_file(world: World, name: str, content: bytes, at: datetime | None = None) -> TakenIn:
    """Take in a confirmation (C), return (R) or progress file (M): stored first, then read, then facts and tasks.

    The same content under the same name is harmless. Other content is refused, unless the first could not be read: then
    it is its correction. A refused file is kept and becomes a task; nothing of it counts.
    """
    now = world.now(at)
    row = _received(world, name, content, now)
    if row is None:
        fault = "other content was taken in under this name before; ask the CRA which one is right"
        return TakenIn(name, "refused", faults=(f"{name}: {fault}",))
    if row.state == "taken-in":
        return TakenIn(name, "known")
    try:
        answers = _answers(cra.read(content, name))
    except BadInput as error:
        where = [fault.where for fault in error.faults[:5]] if isinstance(error, BadFile) else []
        with world.engine.begin() as conn:
            _settled(conn, row.id, ("received", "refused"), "refused", "", now)
            subject = f"unreadable:{row.id}:{row.document_id}"
            _open_task(conn, subject, "cra-unreadable-file", [f"file {name}", *where], now)
        faults = tuple(map(str, error.faults)) if isinstance(error, BadFile) else (str(error),)
        return TakenIn(name, "refused", faults=faults)
    with world.engine.begin() as conn:
        taken = _take_in(conn, row, answers, now)
    world.deliver(taken.facts)
    return taken


def _received(world: World, name: str, content: bytes, now: datetime) -> Row[Any] | None:
    """The row of a file that came in, its content kept; None where another content already counts under its name."""
    kind, presenter, day, sequence = _named(name, now)
    mine = (CRA_FILE.c.presenter == presenter) & (CRA_FILE.c.name == name) & (CRA_FILE.c.direction == "in")
    digest = hashlib.sha256(content).hexdigest()
    with world.engine.begin() as conn:
        document = select(CRA_FILE, DOCUMENT.c.sha256).join(DOCUMENT, DOCUMENT.c.id == CRA_FILE.c.document_id)
        conn.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext(:key))"), {"key": f"cra-in:{name}"})
        known = conn.execute(document.where(mine)).one_or_none()
        if known and known.sha256 == digest:
            return known
        kept = _keep(world, conn, name, content, now)
        if known and known.state == "taken-in":
            details = [f"file {name}", f"document {kept}"]
            _open_task(conn, f"other-content:{known.id}:{digest}", "cra-unreadable-file", details, now)
            return None
        values = {"document_id": kept, "state": "received", "settled_at": None}
        if known:
            changed = update(CRA_FILE).where(mine).values(**values).returning(CRA_FILE)
            return conn.execute(changed).one()
        fresh = {"id": uuid4(), "presenter": presenter, "name": name, "kind": kind, "direction": "in"}
        fresh |= {"business_day": day, "sequence": sequence, "reply_code": "", "created_at": now}
        return conn.execute(insert(CRA_FILE).values(**fresh, **values).returning(CRA_FILE)).one()


def _named(name: str, now: datetime) -> tuple[str, str, date, int]:
    """Kind, presenter, day and sequence of a file; of one whose name says nothing, the day it came."""
    try:
        return parse_name(name)
    except BadInput:
        return "", "", now.astimezone(time_zone("DF")).date(), 0


def _answers(file: cra.CraFile) -> Sequence[Answer]:
    """The records of a file in our words; raises BadInput for a kind that only we send."""
    if file.kind == "C":
        return cra.confirmations(file)
    if file.kind == "M":
        return cra.progress_events(file)
    return cra.outcomes(file)


# --- what an answer means --------------------------------------------------------------------------------------------
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
    cases = _lock_cases(conn, select(TITLE.c.case_id).where(TITLE.c.our_number.in_(numbers)))
    if not _settled(conn, file.id, ("received", "refused"), "taken-in", "", now):
        return TakenIn(file.name, "known")
    standings = _standings(conn, numbers)
    facts, strange = [], []
    for answer in answers:
        standing = standings.get(answer.our_number)
        told = _hear(conn, standing, answer, now) if standing else "strange"
        if told == "strange":
            strange.append(f"record {answer.record_no} our number {answer.our_number} code {_code(answer)}")
        elif told != "known" and standing:
            case_id = standing.row.case_id
            key = f"cra:{file.name}:{answer.record_no}:{case_id}"
            facts.append(fact_values(case_id, key, told, "cra", now))
            if isinstance(told, f.PaymentReceived):
                effect(told, conn, cases[case_id], Entry(told, now, "cra", key))
    if strange:
        _open_task(conn, f"unknown:{file.id}", "cra-unknown-answer", [f"file {file.name}", *strange], now)
    pages = [facts[start : start + _PAGE] for start in range(0, len(facts), _PAGE)]
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
        _write(conn, standing, answer, fact, now)
        _answer_order(conn, standing, word, now)
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


def _write(
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


def _answer_order(conn: Connection, standing: Standing, word: Word, now: datetime) -> None:
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


def _code(answer: Answer) -> str:
    return answer.code if isinstance(answer, cra.ProgressEvent) else answer.occurrence


# --- small things ----------------------------------------------------------------------------------------------------
def _keep(world: World, conn: Connection, name: str, content: bytes, now: datetime) -> UUID:
    """Store a file in the document store and its row; returns the document's id."""
    document_id = uuid4()
    row = {"id": document_id, "kind": "cra-file", "name": name, "mime": "text/plain", "size": len(content)}
    conn.execute(insert(DOCUMENT).values(**row, sha256=world.documents.put(content), created_at=now))
    return document_id


def _open_task(conn: Connection, subject: str, kind: str, details: Sequence[str], now: datetime) -> None:
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


def _beat(done: int) -> None:
    """Progress for Temporal, where it is an activity that works here."""
    if activity.in_activity():
        activity.heartbeat(done)

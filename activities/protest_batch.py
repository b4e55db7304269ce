"""The daily exchange with the CRA, and its second step: queued orders are made into files.

Three steps, each safe to repeat after a crash at any line; the first, what came back, is `activities.protest_answers`,
the last, the handing over, `activities.protest_upload`.
A file is stored whole, with the rows of its orders and titles, before it is sent: `prepared` (surely not sent),
`sending` (a call was begun whose outcome may be unknown; the CRA knows a file by its name, so it is simply sent again),
`accepted`, `refused` or `dropped`. Locks: cases by id, then the presenter's numbers, then the file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from temporalio import activity

from activities.desk import fact_values, pinned_policy, store_facts
from activities.eligibility import bound_parties
from activities.news import ask_for_news
from activities.protest import cra_presenter, cra_title, state_of
from activities.protest_answers import keep_file, lock_cases, move_file, open_task, take_in_files
from activities.protest_upload import HOLDS_UNWANTED, back_to_queue, cases_of, upload_files
from activities.restored import RESTORATIONS, holds_presentations
from activities.views import read_creditor, read_invoices
from activities.world import World
from contract.messages import BatchReport
from db.prepared import together
from db.rows import CRA_FILE, CREDITOR, DEBTOR, FACT, LOT_SEQUENCE, ORDER, TITLE
from db.settings import CreditorSettings, Presenter
from domain import cra
from domain import facts as f
from domain.calendars import add_bank_days, is_notary_day
from domain.case import Case, load
from domain.decide import Action, advance, answer_due
from domain.eligibility import missing
from domain.errors import BadFile
from domain.news import news_are_fresh
from domain.notice import notified
from domain.places import time_zone

FILES_A_DAY = 9
"""Per CRA, presenter and kind of file (layout V4.3, names of files); what does not fit waits for tomorrow."""
BY_HAND = "hand"
"""The way of a title whose place no agreement of the creditor covers."""
MONEY_WITHIN = 2
"""Bank days: what is paid at the notary is the presenter's on the first one after (Lei 9.492/1997 art. 19 par. 2)."""
TITLES_A_FILE = 1000
"""As many cases are locked while a file is made; a lot could hold 9997 records."""
LAST_LOT = 999_999
"""Header field 08 has six positions; the number begins again after that."""

KINDS: dict[str, cra.Kind] = {"present": "B", "withdraw": "DP", "cancel": "CP"}
"""The file in which each kind of order leaves."""


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


# --- making files ----------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Order:
    """A queued order with everything its record needs, its case locked."""

    id: UUID
    title: Row[Any]
    case_row: Row[Any]
    case: Case
    debtor: Row[Any]
    invoice: Row[Any]
    others: Sequence[Row[Any]] = ()
    """The other bound parties whose own notice is ripe: they are named too."""


@dataclass(frozen=True)
class Sender:
    """A creditor at the CRA to which `route` leads ("" for all states, a state, `hand`), on a day at his place.

    `agreement` is None where none covers the place: then a person presents.
    """

    row: Row[Any]
    agreement: Presenter | None
    route: str
    day: date

    @property
    def presenter(self) -> cra.Presenter | None:
        """The agreement in the words of the files."""
        return cra_presenter(self.agreement)


def prepare_files(world: World, at: datetime | None = None) -> BatchReport:
    """Make the files of the day, stored and numbered but not sent: one per CRA, presenter and kind, more where full.

    Where no agreement covers a place, a person presents the title and gives the orders about it by hand.

    Only on notary days at the creditor's place. An order waits where its case has not taken in everything yet or no
    longer wants it; a title that lacks something goes back to its case. `at` is the workflow's time (real) or None.
    """
    now = world.now(at)
    _take_back(world, now)
    _chase(world, now)
    made, held = 0, _held(world, now)
    for group, rows in groupby(_waiting(world), key=_group):
        if group[1] in held:
            continue
        orders = [row.id for row in rows]
        for start in range(0, len(orders), TITLES_A_FILE):
            made += _prepare(world, *group, orders[start : start + TITLES_A_FILE], now)
    return BatchReport(prepared=made)


def _held(world: World, now: datetime) -> frozenset[str]:
    """The orders that wait because the book was restored: presentations until a person has seen the central's lists.

    On that day all do: under a number that the lost life used our file would be taken for that one, and be lost.
    """
    today = now.astimezone(time_zone("DF")).date()
    with world.engine.connect() as conn:
        (rows,) = together(conn, [RESTORATIONS()])
        restored_on = {world.clock.business(row.at).astimezone(time_zone("DF")).date() for row in rows}
        if today in restored_on:
            return frozenset(KINDS)
        return frozenset({"present"}) if holds_presentations(conn) else frozenset()


def _waiting(world: World) -> list[Row[Any]]:
    """The queued orders, those of one file together, oldest first."""
    queued = (
        select(TITLE.c.creditor_id, TITLE.c.municipality, TITLE.c.route, ORDER.c.kind, ORDER.c.id, CREDITOR.c.settings)
        .join(TITLE, TITLE.c.id == ORDER.c.title_id)
        .join(CREDITOR, CREDITOR.c.id == TITLE.c.creditor_id)
        .where(ORDER.c.state == "queued")
        .order_by(ORDER.c.queued_at, ORDER.c.id)
    )
    with world.engine.connect() as conn:
        return sorted(conn.execute(queued), key=_group)  # stable: within a group the oldest stays first


def _group(order: Row[Any]) -> tuple[UUID, str, str]:
    """Creditor, kind and way of an order; what undoes a protest goes the way on which the title went."""
    if order.kind != "present":
        return order.creditor_id, order.kind, order.route
    agreement = CreditorSettings.model_validate(order.settings).agreement_for(state_of(order.municipality))
    return order.creditor_id, order.kind, _route(agreement, state_of(order.municipality))


def _route(agreement: Presenter | None, state: str) -> str:
    if agreement is None:
        return BY_HAND
    return state if agreement.states else ""


def _chase(world: World, now: datetime) -> None:
    """A notary that stays silent for too long, or money that he does not pass on, becomes a task, once for each."""
    out = select(TITLE).where(
        TITLE.c.state.in_(("sent", "confirmed", "notified", "withdrawing", "cancelling"))
        | ((TITLE.c.state == "paid") & (TITLE.c.remitted == ""))
    )
    today = now.astimezone(time_zone("DF")).date()
    with world.engine.begin() as conn:
        for title in conn.execute(out):
            changed = title.changed_at.astimezone(time_zone("DF")).date()
            if title.state == "paid":
                if add_bank_days(changed, MONEY_WITHIN) < today:
                    details = [f"title {title.id}", f"amount {title.balance}"]
                    open_task(conn, f"money:{title.id}", "notary-money", details, now)
            elif answer_due(title.term_end or changed) < today:
                open_task(conn, f"chase:{title.id}:{title.state}", "chase-cra", [f"title {title.id}"], now)


def _prepare(world: World, creditor_id: UUID, kind: str, route: str, order_ids: Sequence[UUID], now: datetime) -> bool:
    """One file, if any of these orders can leave today; in one transaction. False where none was made."""
    with world.engine.begin() as conn:
        row, settings = read_creditor(conn, creditor_id)
        day = now.astimezone(time_zone(row.uf)).date()
        if not is_notary_day(day):
            return False
        if kind == "present" and not news_are_fresh(row.news_on, day):
            ask_for_news(conn, creditor_id, day, now)
            return False
        sender = Sender(row, _agreement(settings, route), route, day)
        orders = _locked_orders(conn, order_ids, now)
        if kind == "present":
            ready, facts = _presentable(conn, sender, orders, now)
        else:
            ready, facts = _undoable(conn, sender, kind, orders, now)
        if route == BY_HAND:
            file_id = None
            facts += _to_a_person(conn, sender, kind, ready, now)
        else:
            file_id = _store_file(world, conn, sender, kind, ready, now)
        if file_id and kind == "present":
            facts += [_sent_fact(order, file_id, day, now) for order in ready]
        told = store_facts(conn, facts)
    world.deliver(told)
    return file_id is not None


def _agreement(settings: CreditorSettings, route: str) -> Presenter | None:
    """The agreement by which a way goes; None by hand, or where the creditor has it no more."""
    if route == BY_HAND:
        return None
    return next((one for one in settings.agreements() if (route in one.states if route else not one.states)), None)


def _to_a_person(
    conn: Connection, sender: Sender, kind: str, orders: Sequence[Order], now: datetime
) -> list[dict[str, Any]]:
    """Each order becomes a person's work at the notaries' central (CENPROT); from then on the title counts as out.

    He finds the data with `regua protest sheet`, and types the answers back with `regua protest answer`.
    """
    facts = []
    for order in orders:
        title, place = order.title, state_of(order.title.municipality)
        conn.execute(update(ORDER).where(ORDER.c.id == order.id).values(state="sent"))
        details = [f"case {order.case_row.id}", f"title {title.id}", f"state {place}", f"balance {title.balance}"]
        open_task(conn, f"by-hand:{order.id}", f"{kind}-by-hand", details, now)
        if kind == "present":
            at_notary = {"state": "sent", "route": BY_HAND, "changed_at": now}
            conn.execute(update(TITLE).where(TITLE.c.id == title.id).values(at_notary))
            fact = f.TitleSent(str(title.id), sender.day, by_hand=True)
            facts.append(fact_values(order.case_row.id, f"title-sent:{title.id}:{order.id}", fact, "engine", now))
    return facts


def _locked_orders(conn: Connection, order_ids: Sequence[UUID], now: datetime) -> list[Order]:
    """Those of the orders that are still queued, under the locks of their cases."""
    mine = ORDER.c.id.in_(order_ids)
    cases = lock_cases(conn, select(TITLE.c.case_id).join(ORDER, ORDER.c.title_id == TITLE.c.id).where(mine))
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
        debtor, invoice, folded = debtors[case.debtor_id], invoices[case.invoice_id], load(case.state)
        ripe = notified(folded, pinned_policy(conn, case.policy_hash), now.astimezone(time_zone(folded.uf)).date())
        others = bound_parties(conn, folded, case.invoice_id, ripe)
        found.append(Order(title.order_id, title, case, folded, debtor, invoice, others))
    return found


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
        _end_unsent(conn, order, "dropped", "unqueued", now)
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
        ORDER.c.title_id.in_({order.title.id for order in orders if order.title.route != BY_HAND}),
        ORDER.c.kind == "present",
        ORDER.c.file_id.is_(None),
    )
    at_home = set(conn.execute(never_left).scalars())
    ready, facts = [], []
    for order in orders:
        if order.title.protocol or order.title.route == BY_HAND:
            if order.title.state == {"withdraw": "withdrawing", "cancel": "cancelling"}[kind]:
                ready.append(order)
        elif kind == "withdraw" and order.title.id in at_home:
            fact = f.TitleWithdrawn(str(order.title.id), sender.day)
            facts.append(fact_values(order.case_row.id, f"title-never-left:{order.id}", fact, "engine", now))
            _end_unsent(conn, order, "answered", "withdrawn", now)
    by_hand = sender.route == BY_HAND
    return [order for order in ready if by_hand or _fits(conn, sender, kind, order, now)], facts


def _fits(conn: Connection, sender: Sender, kind: str, order: Order, now: datetime) -> bool:
    """One order that fits no file must not keep the others from leaving."""
    if sender.presenter is None:
        return False
    try:
        _compose(conn, sender.presenter, sender, kind, [order], 1)
    except BadFile as error:
        details = [f"our number {order.title.our_number}", f"order {kind}", *(fault.wanted for fault in error.faults)]
        open_task(conn, f"unfit:{order.id}", "cra-refused-file", details, now)
        return False
    return True


def _end_unsent(conn: Connection, order: Order, how: str, title: str, now: datetime) -> None:
    """The order ends without leaving."""
    conn.execute(update(ORDER).where(ORDER.c.id == order.id).values(state=how, answered_at=now))
    conn.execute(update(TITLE).where(TITLE.c.id == order.title.id).values(state=title, changed_at=now))


def _store_file(
    world: World, conn: Connection, sender: Sender, kind: str, orders: Sequence[Order], now: datetime
) -> UUID | None:
    """Compose and store a file of these orders, and mark them as sent; None where there is none or today's are used."""
    if not orders or sender.presenter is None:
        return None
    sequence = _next_of_day(conn, sender.route, sender.presenter.code, KINDS[kind], sender.day)
    if sequence > FILES_A_DAY:
        return None
    name, content = cra.write(_compose(conn, sender.presenter, sender, kind, orders, sequence))
    file_id, kept = uuid4(), keep_file(world, conn, name, content, now)
    file = {
        "id": file_id,
        "cra": sender.route,
        "presenter": sender.presenter.code,
        "name": name,
        "kind": KINDS[kind],
        "direction": "out",
    }
    file |= {"business_day": sender.day, "sequence": sequence, "document_id": kept, "created_at": now}
    conn.execute(insert(CRA_FILE).values(**file, state="prepared", reply_code=""))
    mine = ORDER.c.id.in_([order.id for order in orders])
    conn.execute(update(ORDER).where(mine).values(state="sent", file_id=file_id))
    if kind == "present":
        titles = TITLE.c.id.in_([order.title.id for order in orders])
        conn.execute(update(TITLE).where(titles).values(state="sent", route=sender.route, changed_at=now))
    return file_id


def _compose(
    conn: Connection, presenter: cra.Presenter, sender: Sender, kind: str, orders: Sequence[Order], sequence: int
) -> cra.CraFile:
    if kind == "present":
        titles = [_title(sender, order) for order in orders]
        return cra.remittance(
            presenter, titles, sender.day, sequence, lambda place: _next_lot(conn, presenter.code, place)
        )
    compose = cra.withdrawals if kind == "withdraw" else cra.cancellations
    return compose(presenter, [_undoing_record(order) for order in orders], sender.day, sequence)


def _title(sender: Sender, order: Order) -> cra.Title:
    title, due = order.title, order.case.terms.due
    return cra_title(
        sender.row, sender.agreement, order.debtor, order.invoice, due, title.balance, title.our_number, order.others
    )


def _undoing_record(order: Order) -> cra.WithdrawalOrder:
    title, number, name = order.title, order.invoice.printed_number, order.debtor.name
    return cra.WithdrawalOrder(
        title.protocol, title.protocol_date, number, name, title.amount, title.notary_code, title.municipality
    )


def _next_of_day(conn: Connection, state: str, presenter: str, kind: str, day: date) -> int:
    """The next number of a day's files at one CRA; the presenter's numbers there are ours until the transaction ends.

    `state` is the state whose CRA it is, "" for the one of all states.
    """
    conn.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext(:key))"), {"key": f"cra:{state}{presenter}"})
    mine = (CRA_FILE.c.cra == state) & (CRA_FILE.c.presenter == presenter) & (CRA_FILE.c.direction == "out")
    mine &= CRA_FILE.c.kind == kind
    last = select(sa.func.max(CRA_FILE.c.sequence)).where(mine, CRA_FILE.c.business_day == day)
    return (conn.execute(last).scalar_one() or 0) + 1


def _next_lot(conn: Connection, presenter: str, municipality: str) -> int:
    first = upsert(LOT_SEQUENCE).values(presenter=presenter, municipality=municipality, last=1)
    following = first.on_conflict_do_update(
        index_elements=["presenter", "municipality"], set_={"last": LOT_SEQUENCE.c.last % LAST_LOT + 1}
    )
    return int(conn.execute(following.returning(LOT_SEQUENCE.c.last)).scalar_one())


def _sent_fact(order: Order, file_id: UUID, day: date, now: datetime) -> dict[str, Any]:
    fact = f.TitleSent(str(order.title.id), day)
    return fact_values(order.case_row.id, f"title-sent:{order.title.id}:{file_id}", fact, "engine", now)


# --- taking back what did not leave ----------------------------------------------------------------------------------
def _take_back(world: World, now: datetime) -> None:
    """Files that surely never left are made anew where they are of another day or hold what is no longer wanted."""
    today = now.astimezone(time_zone("DF")).date()
    stale = (CRA_FILE.c.state == "prepared") & ((CRA_FILE.c.business_day < today) | HOLDS_UNWANTED)
    with world.engine.connect() as conn:
        files = conn.execute(select(CRA_FILE.c.id).where(stale)).scalars().all()
    for file_id in files:
        with world.engine.begin() as conn:
            lock_cases(conn, cases_of(file_id))
            if move_file(conn, file_id, ("prepared",), "dropped", "", now):
                back_to_queue(conn, file_id)

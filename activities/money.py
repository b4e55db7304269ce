"""Money coming in: the one door through which every movement passes, whoever reports it.

A movement is a row of `payment` before it is a fact: under (creditor, reference) it counts once. What `domain.matching`
matches beyond doubt becomes the fact of a case in the same transaction; the rest waits for a person with a proposal.
Doors of one creditor take turns (a lock until the transaction ends), so that two of them cannot count the same money
without seeing each other. Callers tell the cases of new facts after they have committed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from sqlalchemy import Connection, Row, func, insert, or_, select, text, update

from activities.desk import fact_id, fact_values, store_facts
from activities.money_book import IS_SPLIT, SPLIT, WAITING, codes_by_txid, counted_for, read_book
from activities.news import wake_waiting
from activities.tasks import open_tasks, task_row
from db.bulk import insert_new
from db.rows import CASE, CREDITOR, FACT, PAYMENT, PAYMENT_CODE
from domain import facts as f
from domain.calendars import add_bank_days
from domain.errors import BadInput, Refused
from domain.matching import AT_NOTARY, Movement, Verdict, match, resembles
from domain.money import ZERO, format_brl
from domain.places import time_zone

OFFICE = time_zone("SP")
"""Money is dated by the bank's calendar, in Brasília's time."""


@dataclass(frozen=True)
class Taken:
    """What became of movements: how many were matched, proposed to a person, unmatched, or known before.

    `facts` are to be told to their cases after the commit. `contradicted` are references known with another amount.
    """

    matched: int = 0
    proposed: int = 0
    unmatched: int = 0
    repeated: int = 0
    facts: tuple[UUID, ...] = ()
    contradicted: tuple[str, ...] = ()

    def __add__(self, other: Taken) -> Taken:
        return Taken(
            self.matched + other.matched,
            self.proposed + other.proposed,
            self.unmatched + other.unmatched,
            self.repeated + other.repeated,
            self.facts + other.facts,
            self.contradicted + other.contradicted,
        )

    @property
    def counts(self) -> dict[str, int]:
        """The counts by name."""
        return {
            "matched": self.matched, "proposed": self.proposed, "unmatched": self.unmatched, "repeated": self.repeated,
            "contradicted": len(self.contradicted),
        }  # fmt: skip


def take(
    conn: Connection,
    creditor_id: UUID,
    movements: Sequence[Movement],
    actor: str,
    now: datetime,
    bank_file: UUID | None = None,
) -> Taken:
    """Store movements, match them, and store the facts of those that are matched, in the caller's transaction.

    `now` is business time (aware), `actor` who brings them. A movement may be handed in again, by this door or another:
    it counts once. One whose reference is known with another amount changes nothing and becomes a task. Hand in some
    thousands at a time. Raises BadInput for a movement that moves nothing.
    """
    lock_money(conn, creditor_id)
    fresh, again, contradicted = _sort(conn, creditor_id, movements)
    today = now.astimezone(OFFICE).date()
    judged = _judge(conn, creditor_id, fresh, today)
    stored = _store(conn, [payment_values(creditor_id, *pair, now, bank_file) for pair in judged])
    judged = [pair for pair in judged if pair[0].reference in stored]
    recognised = _recognise(conn, creditor_id, again, today, now)
    facts = _tell(conn, creditor_id, [*judged, *recognised], actor, now)
    _mark_paid(conn, [verdict.txid for _, verdict in [*judged, *recognised] if verdict.txid], now)
    open_tasks(conn, [_contradiction(creditor_id, movement, now) for movement in contradicted])
    matched, proposed = (sum(map(bool, found)) for found in _columns(judged))
    return Taken(
        matched + len(recognised),
        proposed,
        len(judged) - matched - proposed,
        len(movements) - len(judged) - len(recognised) - len(contradicted),
        tuple(facts),
        tuple(movement.reference for movement in contradicted),
    )


def lock_money(conn: Connection, creditor_id: UUID) -> None:
    """Take the creditor's turn at the door until the transaction ends."""
    key = {"key": f"money:{creditor_id}"}
    conn.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), key)


def payment_key(creditor_id: UUID, reference: str) -> str:
    """The source key of a payment's fact."""
    return f"payment:{creditor_id}:{reference}"


def known_payments(conn: Connection, creditor_id: UUID, references: Iterable[str]) -> dict[str, tuple[Decimal, date]]:
    """Amount and day of the payments that stand under these references already."""
    found = conn.execute(
        text(
            "SELECT reference, amount, paid_on FROM payment WHERE creditor_id = :creditor AND reference = ANY(:these)"
        ),
        {"creditor": creditor_id, "these": list(references)},
    )
    return {row.reference: (row.amount, row.paid_on) for row in found}


def _sort(
    conn: Connection, creditor_id: UUID, movements: Sequence[Movement]
) -> tuple[list[Movement], list[Movement], list[Movement]]:
    """The movements that nobody reported before, those that were, and those that contradict what was reported."""
    known = known_payments(conn, creditor_id, [movement.reference for movement in movements])
    amounts = {reference: amount for reference, (amount, _) in known.items()}
    fresh, again, contradicted = list[Movement](), list[Movement](), list[Movement]()
    for movement in movements:
        if movement.amount <= ZERO:
            raise BadInput(f"movement {movement.reference}: it moves nothing; the amount must be more than zero")
        if movement.reference not in amounts:
            amounts[movement.reference] = movement.amount
            fresh.append(movement)
        elif amounts[movement.reference] != movement.amount:
            contradicted.append(movement)
        elif movement.reference in known:
            again.append(movement)
    return fresh, again, contradicted


Judged = tuple[Movement, Verdict]


def _judge(conn: Connection, creditor_id: UUID, movements: Sequence[Movement], today: date) -> list[Judged]:
    book = read_book(conn, creditor_id, movements)
    judged = []
    for movement in movements:
        verdict = match(movement, book, today)
        if verdict.case:
            book.count(movement, verdict.case)
        judged.append((movement, verdict))
    return judged


def _recognise(
    conn: Connection, creditor_id: UUID, again: Sequence[Movement], today: date, now: datetime
) -> list[Judged]:
    """What waits for a person and is now told by somebody who knows more, or whose invoice came meanwhile.

    A statement knows who paid, the Pix itself by which code. A code whose payment stands already is paid, too.
    """
    if not again:
        return []
    told = {movement.reference: movement for movement in again}
    mine = (PAYMENT.c.creditor_id == creditor_id) & PAYMENT.c.reference.in_(told)
    rows = conn.execute(select(PAYMENT.c.reference, PAYMENT.c.case_id, WAITING.label("waits")).where(mine)).all()
    counted = [row for row in rows if row.case_id and told[row.reference].txid]
    _mark_paid(conn, [told[row.reference].txid for row in counted], now, [row.case_id for row in counted])
    judged = _judge(conn, creditor_id, [told[row.reference] for row in rows if row.waits], today)
    for movement, verdict in judged:
        if verdict.case or verdict.parts:
            values = payment_values(creditor_id, movement, verdict, now)
            kept = {name: values[name] for name in _LEARNT if values[name]}
            changed = kept | {"proposal": values["proposal"], "hint": values["hint"]}
            conn.execute(update(PAYMENT).where(PAYMENT.c.id == values["id"]).values(changed))
    return [(movement, verdict) for movement, verdict in judged if verdict.case]


_LEARNT = ("case_id", "paid_on", "source", "txid", "our_number", "payer", "credited")
"""What a later report of a waiting payment may tell better than the first."""


def _columns(judged: Sequence[Judged]) -> tuple[list[str], list[tuple[Any, ...]]]:
    return [verdict.case for _, verdict in judged], [verdict.parts for _, verdict in judged]


# --- storing ---------------------------------------------------------------------------------------------------------
def payment_values(
    creditor_id: UUID, movement: Movement, verdict: Verdict, now: datetime, bank_file: UUID | None = None
) -> dict[str, Any]:
    """The row of a payment as it is first stored; without a case, hint and proposal are what a person can go by."""
    return {
        "id": payment_id(creditor_id, movement.reference),
        "creditor_id": creditor_id,
        "case_id": UUID(verdict.case) if verdict.case else None,
        "reference": movement.reference,
        "amount": movement.amount,
        "paid_on": movement.paid_on,
        "source": movement.source,
        "hint": "" if verdict.case else movement.hint,
        "txid": movement.txid,
        "our_number": next(iter(movement.our_number.forms), ""),
        "payer": movement.payer,
        "credited": movement.credited,
        "proposal": [
            {"case": part.case, "amount": str(part.amount), "reason": str(part.reason)}
            | ({"like": part.like} if part.like else {})
            for part in verdict.parts
        ],
        "bank_file_id": bank_file,
        "received_at": now,
    }


def payment_id(creditor_id: UUID, reference: str) -> UUID:
    """The id of a payment's row."""
    return uuid5(creditor_id, f"payment:{reference}")


def _store(conn: Connection, rows: list[dict[str, Any]]) -> set[str]:
    """Store rows; returns the references that nobody stored meanwhile. In one order, so that nobody waits crosswise."""
    rows = sorted(rows, key=lambda row: str(row["reference"]))
    return set(insert_new(conn, PAYMENT, rows, ("creditor_id", "reference"), "reference"))


def _tell(conn: Connection, creditor_id: UUID, judged: Sequence[Judged], actor: str, now: datetime) -> list[UUID]:
    facts = [
        fact_values(
            UUID(verdict.case), payment_key(creditor_id, movement.reference), _fact(movement, verdict), actor, now
        )
        for movement, verdict in judged
        if verdict.case
    ]
    return store_many(conn, facts)


def store_many(conn: Connection, facts: Sequence[dict[str, Any]]) -> list[UUID]:
    """As `store_facts`, for thousands of facts."""
    rows = [fact | {"refusal": ""} for fact in facts]
    return insert_new(conn, FACT, rows, ("source_key",), "id")


def _fact(movement: Movement, verdict: Verdict) -> f.PaymentReceived:
    return f.PaymentReceived(
        movement.reference,
        movement.amount,
        movement.paid_on,
        movement.source,
        at_notary=movement.source == AT_NOTARY,
        quoted_on=verdict.quoted_on,
    )


def _mark_paid(conn: Connection, txids: Sequence[str], now: datetime, cases: Sequence[UUID] = ()) -> None:
    """These codes are paid; with `cases`, those of them that are theirs."""
    if txids:
        mine = PAYMENT_CODE.c.txid.in_(txids) & (PAYMENT_CODE.c.state != "paid")
        mine = mine & PAYMENT_CODE.c.case_id.in_(cases) if cases else mine
        conn.execute(update(PAYMENT_CODE).where(mine).values(state="paid", changed_at=now))


# --- tasks -----------------------------------------------------------------------------------------------------------
def task_values(
    subject: str, kind: str, details: Sequence[str], now: datetime, case_id: UUID | None = None, owner: str = "clerk"
) -> dict[str, Any]:
    """Work for a person about money, the same for the same subject (`activities.tasks`)."""
    due = add_bank_days(now.astimezone(OFFICE).date(), 1)
    return task_row(uuid5(NAMESPACE_URL, f"money:{subject}"), kind, owner, due, now, details, case_id)


def _contradiction(creditor_id: UUID, movement: Movement, now: datetime) -> dict[str, Any]:
    details = [
        f"reference {movement.reference}",
        f"reported again by {movement.source} with {format_brl(movement.amount)}",
    ]
    subject = f"contradiction:{creditor_id}:{movement.reference}:{movement.amount}"
    return task_values(subject, "payment-contradiction", details, now, owner="supervisor")


# --- by hand ---------------------------------------------------------------------------------------------------------
def pay_by_hand(conn: Connection, case: Row[Any], fact: f.PaymentReceived, now: datetime, *, also: bool) -> None:
    """Store the row of a payment that a person types for a case; its fact is the caller's to store (`payment_key`).

    Refused where the reference stands already, or where a payment of the same amount and case within three days may be
    the same money: then only with `also`.
    """
    lock_money(conn, case.creditor_id)
    mine = (PAYMENT.c.creditor_id == case.creditor_id) & (PAYMENT.c.reference == fact.reference)
    known = conn.execute(select(PAYMENT, IS_SPLIT.label("split")).where(mine)).one_or_none()
    if known:
        raise _known(known, case)
    # Whatever door told of the other: a person who types the bank's statement does not see what the bank tells us.
    like = resembles(fact.amount, fact.paid_on, "", counted_for(conn, [case.id]))
    if like and not also:
        text = (
            f"a payment of {format_brl(like.amount)} of {like.paid_on:%d/%m/%Y} stands for this case under reference "
            f"{like.reference}; if this is other money, say so with --also"
        )
        raise Refused("maybe-counted", text)
    movement = Movement(fact.reference, fact.amount, fact.paid_on, fact.source)
    conn.execute(insert(PAYMENT).values(payment_values(case.creditor_id, movement, Verdict(str(case.id)), now)))


def _known(known: Row[Any], case: Row[Any]) -> Refused:
    """Why a reference that stands already cannot be typed again."""
    if known.case_id == case.id:
        return Refused("already-counted", "this payment was counted before; a payment counts once, whoever reports it")
    if known.case_id:
        return Refused("payment-of-another-case", f"this reference already stands for case {known.case_id}")
    if known.split:
        return Refused("already-split", "this transfer was divided among invoices; `regua payments` shows its parts")
    hint = f"a payment with this reference waits to be matched: `regua match {str(known.id)[:8]} {case.id}`"
    return Refused("unmatched-payment", hint)


def assign(conn: Connection, payment: UUID, case_id: UUID, actor: str, now: datetime) -> UUID:
    """Give a payment that waits to a case; returns the id of the fact to be told, the same if done again.

    `actor` is a staff id. BadInput for an unknown payment or case; Refused where the payment belongs to another
    case, was divided or went back, or the case to another creditor.
    """
    row = _waiting(conn, payment)
    _own_case(conn, row, case_id)
    key = payment_key(row.creditor_id, row.reference)
    if row.case_id == case_id:
        return fact_id(key)
    if row.case_id:
        raise Refused("already-matched", "the payment counts for another case already; reverse it there first")
    conn.execute(update(PAYMENT).where(PAYMENT.c.id == row.id).values(case_id=case_id, hint="", proposal=[]))
    verdict = _quoted(conn, row, case_id)
    movement = Movement(row.reference, row.amount, row.paid_on, row.source)
    store_facts(conn, [fact_values(case_id, key, _fact(movement, verdict), actor, now)])
    _mark_paid(conn, [verdict.txid] if verdict.txid else [], now)
    return fact_id(key)


def split(
    conn: Connection, payment: UUID, parts: Sequence[tuple[UUID, Decimal]], actor: str, now: datetime
) -> list[UUID]:
    """Divide a transfer among several cases: parts `REF#1`, `REF#2`… that add up to it; returns the facts to be told.

    The transfer itself stays, so that it is known when it is reported again. BadInput where the parts do not add up to
    the cent or one of them is nothing; Refused as in `assign`, or where it is matched already.
    """
    row = _waiting(conn, payment)
    if row.case_id:
        raise Refused("already-matched", "the payment counts for a case already; reverse it there first")
    _add_up(row, parts)
    movements = []
    for number, (case_id, amount) in enumerate(parts, 1):
        _own_case(conn, row, case_id)
        movement = Movement(f"{row.reference}#{number}", amount, row.paid_on, row.source, payer=row.payer)
        movements.append((movement, Verdict(str(case_id))))
    rows = [payment_values(row.creditor_id, *pair, now, row.bank_file_id) for pair in movements]
    stored = _store(conn, rows)
    if len(stored) != len(rows):
        raise Refused("part-known", f"a payment {row.reference}#… stands already; reverse it first")
    proposal = [
        {"case": verdict.case, "amount": str(part.amount), "reason": SPLIT, "reference": part.reference}
        for part, verdict in movements
    ]
    conn.execute(update(PAYMENT).where(PAYMENT.c.id == row.id).values(proposal=proposal, hint=""))
    return _tell(conn, row.creditor_id, movements, actor, now)


def _add_up(row: Row[Any], parts: Sequence[tuple[UUID, Decimal]]) -> None:
    if len({case_id for case_id, _ in parts}) != len(parts) or len(parts) < 2:
        raise BadInput("--split: name two different cases at least, each once; for one case leave --split out")
    if any(amount <= ZERO for _, amount in parts):
        raise BadInput("--split: a part is nothing; each part must be more than zero")
    total = sum((amount for _, amount in parts), ZERO)
    if total != row.amount:
        raise BadInput(
            f"--split: the parts add up to {format_brl(total)}; the transfer is {format_brl(row.amount)}, to the cent"
        )


def _waiting(conn: Connection, payment: UUID) -> Row[Any]:
    """The row of a payment under its lock. Refused for one that was divided or went back."""
    found = select(PAYMENT, IS_SPLIT.label("split")).where(PAYMENT.c.id == payment).with_for_update()
    creditor = conn.execute(select(PAYMENT.c.creditor_id).where(PAYMENT.c.id == payment)).scalar_one_or_none()
    if creditor is None:
        raise BadInput("there is no payment with this id; see `regua payments --unmatched`")
    lock_money(conn, creditor)
    row = conn.execute(found).one()
    if row.split:
        raise Refused("already-split", "this transfer was divided among invoices already; reverse its parts first")
    if row.reversed_on and not row.case_id:
        raise Refused("went-back", f"this money went back on {row.reversed_on:%d/%m/%Y}; there is nothing to match")
    return row


def _own_case(conn: Connection, payment: Row[Any], case_id: UUID) -> None:
    owner = conn.execute(select(CASE.c.creditor_id).where(CASE.c.id == case_id)).scalar_one_or_none()
    if owner is None:
        raise BadInput("there is no case with this id; see `regua cases`")
    if owner != payment.creditor_id:
        raise Refused("other-creditor", "the case belongs to another creditor than the payment")


def _quoted(conn: Connection, payment: Row[Any], case_id: UUID) -> Verdict:
    """The quote of our own code by which a payment came, where that code is of this case."""
    for code in codes_by_txid(conn, payment.creditor_id, [payment.txid] if payment.txid else []):
        if code.case == str(case_id):
            quoted_on = code.quoted_on if code.honoured(payment.paid_on) else None
            return Verdict(code.case, quoted_on=quoted_on, txid=code.txid)
    return Verdict(str(case_id))


# --- money that went back --------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class GoneBack:
    """So much of a payment has gone back to who paid, all returns together, the last of them on this day."""

    reference: str
    amount: Decimal
    on: date


def give_back(
    conn: Connection, creditor_id: UUID, returns: Sequence[GoneBack], actor: str, now: datetime
) -> list[UUID]:
    """Take in that payments went back; returns the facts to be told. Each counts once.

    All of it back: the payment is reversed, or all parts of a divided one. A part of it, or of a payment that nobody
    reported: a person decides, because giving back what was paid too much reverses nothing.
    """
    if not returns:
        return []
    lock_money(conn, creditor_id)
    facts, tasks = [], []
    for gone in returns:
        mine = (PAYMENT.c.creditor_id == creditor_id) & (PAYMENT.c.reference == gone.reference)
        row = conn.execute(select(PAYMENT, IS_SPLIT.label("split")).where(mine)).one_or_none()
        if row is None or gone.amount < row.amount:
            tasks.append(_partly_back(creditor_id, gone, row, now))
        elif row.case_id is None and not row.split:
            conn.execute(update(PAYMENT).where(mine).values(reversed_on=func.coalesce(PAYMENT.c.reversed_on, gone.on)))
        else:
            parts = [(row.case_id, row.reference)] if row.case_id else _parts(row)
            facts += [
                fact_values(
                    case_id, f"reverse:{creditor_id}:{reference}", f.PaymentReversed(reference, gone.on), actor, now
                )
                for case_id, reference in parts
            ]
    open_tasks(conn, tasks)
    return store_many(conn, facts)


def _parts(row: Row[Any]) -> list[tuple[UUID, str]]:
    return [(UUID(part["case"]), part["reference"]) for part in row.proposal]


def _partly_back(creditor_id: UUID, gone: GoneBack, row: Row[Any] | None, now: datetime) -> dict[str, Any]:
    of = f"of {format_brl(row.amount)}" if row else "of a payment that nobody reported"
    details = [f"reference {gone.reference}", f"{format_brl(gone.amount)} {of} went back on {gone.on:%d/%m/%Y}"]
    subject = f"back:{creditor_id}:{gone.reference}:{gone.amount}"
    case_id = row.case_id if row else None
    return task_values(subject, "payment-partly-back", details, now, case_id, owner="supervisor")


# --- news ------------------------------------------------------------------------------------------------------------
def set_news(conn: Connection, creditor_id: UUID, day: date, now: datetime) -> tuple[date, tuple[UUID, ...]]:
    """All payments up to and including this day are known (promise 3). Never goes back.

    Returns the day that counts, and the facts to be told to the cases that waited for such news.
    """
    older = or_(CREDITOR.c.news_on.is_(None), CREDITOR.c.news_on < day)
    moved = update(CREDITOR).where(CREDITOR.c.id == creditor_id, older).values(news_on=day)
    if conn.execute(moved).rowcount:
        return day, tuple(wake_waiting(conn, creditor_id, day, now))
    known: date = conn.execute(select(CREDITOR.c.news_on).where(CREDITOR.c.id == creditor_id)).scalar_one()
    return known, ()

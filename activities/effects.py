"""What entries of the ledger do to the other tables: tasks, approvals, money and agreements, notices, titles, orders.

These rows are projections for lists, people and batches; the case itself is judged by its own state alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import singledispatch
from typing import Any, Literal
from uuid import UUID, uuid5

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from activities.codes import mark_wrong
from activities.tasks import task_row
from db.rows import APPROVAL, NOTICE, ORDER, PAYMENT, PLAN, PROMISE, TASK, TITLE
from domain import facts as f
from domain.case import load
from domain.decide import Entry
from domain.rules.firm import is_paid

OrderKind = Literal["present", "withdraw", "cancel"]
OUTDATES_CODES = (
    f.PaymentReceived, f.PaymentReversed, f.Extended, f.Adjusted, f.Voided, f.WrittenOff, f.DisputeOpened,
    f.DisputeResolved, f.PlanAgreed, f.PlanEnded, f.PlanBroken, f.PlanCompleted, f.TitleQueued, f.Closed,
)  # fmt: skip
"""After these a payment code that is out asks for something that is no longer so, or must not be paid any more."""
_ENDS_CONTACT = frozenset({"insolvency", "death"})
"""Holds under which money may not simply be taken: it belongs to the estate or the insolvent's creditors."""


def apply_effects(
    conn: Connection, case: Row[Any], entries: Iterable[Entry], gone: set[str], moot: str, now: datetime
) -> None:
    """Apply the entries in order; then end the tasks (`gone`) and the approval (`moot`) that the case let go.

    The outcome of such a task says why; nobody is named as who did it, since no person gave his word.
    """
    entries = list(entries)
    for entry in entries:
        effect(entry.fact, conn, case, entry)
    if any(_outdates_codes(entry.fact) for entry in entries):
        mark_wrong(conn, case.id)
    if gone:
        ends = (entry.fact.outcome for entry in entries if isinstance(entry.fact, f.Closed))
        why = next((f"case closed: {outcome}" for outcome in ends), "no longer needed")
        conn.execute(
            update(TASK)
            .where(TASK.c.id.in_([UUID(task) for task in gone]), TASK.c.done_at.is_(None))
            .values(done_at=now, outcome=why)
        )
    if moot:
        conn.execute(
            update(APPROVAL).where(APPROVAL.c.id == UUID(moot), APPROVAL.c.state == "asked").values(state="moot")
        )


def _outdates_codes(fact: f.Fact) -> bool:
    return isinstance(fact, OUTDATES_CODES) or (isinstance(fact, f.HoldSet) and fact.hold in _ENDS_CONTACT)


@singledispatch
def effect(fact: f.Fact, conn: Connection, case: Row[Any], entry: Entry) -> None:
    """Most facts change only the case itself."""


@effect.register
def _task_opened(fact: f.TaskOpened, conn: Connection, case: Row[Any], entry: Entry) -> None:
    key = UUID(fact.task_id)
    row = task_row(key, fact.task, fact.owner, fact.due, entry.at, fact.details, case.id, fact.step)
    conn.execute(insert(TASK).values(row))


@effect.register
def _task_done(fact: f.TaskDone, conn: Connection, case: Row[Any], entry: Entry) -> None:
    done = {"outcome": fact.outcome, "done_by": entry.actor, "done_at": entry.at}
    conn.execute(update(TASK).where(TASK.c.id == UUID(fact.task_id)).values(**done))


@effect.register
def _asked(fact: f.ApprovalAsked, conn: Connection, case: Row[Any], entry: Entry) -> None:
    conn.execute(
        insert(APPROVAL).values(
            id=UUID(fact.approval_id),
            case_id=case.id,
            purpose=fact.purpose,
            step=fact.step,
            role=fact.role,
            needed=fact.needed,
            amount=fact.amount,
            state="asked",
            due=fact.due,
            requested_at=entry.at,
        )
    )


@effect.register(f.Approved)
@effect.register(f.ApprovalRefused)
def _answered(fact: f.Approved | f.ApprovalRefused, conn: Connection, case: Row[Any], entry: Entry) -> None:
    state = "given" if isinstance(fact, f.Approved) else "refused"
    conn.execute(update(APPROVAL).where(APPROVAL.c.id == UUID(fact.approval_id)).values(state=state))


@effect.register
def _paid(fact: f.PaymentReceived, conn: Connection, case: Row[Any], entry: Entry) -> None:
    row = {
        "id": uuid5(case.creditor_id, f"payment:{fact.reference}"),
        "creditor_id": case.creditor_id,
        "case_id": case.id,
        "reference": fact.reference,
        "amount": fact.amount,
        "paid_on": fact.paid_on,
        "source": fact.source,
        "hint": "",
        "received_at": datetime.now(UTC),
    }
    unknown = upsert(PAYMENT).values(row).on_conflict_do_nothing(index_elements=["creditor_id", "reference"])
    conn.execute(unknown)


@effect.register
def _negotiated(fact: f.NegotiationAnswered, conn: Connection, case: Row[Any], entry: Entry) -> None:
    """Money that the central took is a payment like any other; what it converted is a title at the notary."""
    if fact.outcome == "paid":
        reference = fact.reference or f"central-{fact.proposal_id}"
        _paid(f.PaymentReceived(reference, fact.amount, fact.on, "central", at_notary=True), conn, case, entry)
    if fact.outcome == "converted":
        _converted(fact, conn, case, entry)


def _converted(fact: f.NegotiationAnswered, conn: Connection, case: Row[Any], entry: Entry) -> None:
    proposal, title = load(case.state).proposal, UUID(fact.proposal_id)
    amount = proposal.amount if proposal else fact.amount
    attempts = len(conn.execute(select(TITLE.c.id).where(TITLE.c.case_id == case.id)).all())
    row = {
        "id": title, "case_id": case.id, "creditor_id": case.creditor_id, "attempt": attempts + 1,
        "our_number": f"N{title.hex[:14].upper()}", "amount": amount, "balance": amount, "municipality": "",
        "state": "confirmed", "notary_code": "", "protocol": fact.protocol[:10], "protocol_date": fact.on, "costs": 0,
        "route": "hand", "changed_at": entry.at,
    }  # fmt: skip
    conn.execute(upsert(TITLE).values(row).on_conflict_do_nothing(index_elements=["id"]))


@effect.register
def _reversed(fact: f.PaymentReversed, conn: Connection, case: Row[Any], entry: Entry) -> None:
    conn.execute(
        update(PAYMENT)
        .where(PAYMENT.c.creditor_id == case.creditor_id, PAYMENT.c.reference == fact.reference)
        .values(reversed_on=fact.on)
    )


# --- promises and plans ---------------------------------------------------------------------------------------------
@effect.register
def _promised(fact: f.PromiseMade, conn: Connection, case: Row[Any], entry: Entry) -> None:
    _end_promise(conn, case, "replaced")
    conn.execute(
        insert(PROMISE).values(
            id=uuid5(case.id, f"promise:{entry.cause}"),
            case_id=case.id,
            on=fact.on,
            amount=fact.amount,
            state="open",
            made_at=entry.at,
        )
    )


@effect.register
def _promise_kept(fact: f.PromiseKept, conn: Connection, case: Row[Any], entry: Entry) -> None:
    _end_promise(conn, case, "kept")


@effect.register
def _promise_broken(fact: f.PromiseBroken, conn: Connection, case: Row[Any], entry: Entry) -> None:
    _end_promise(conn, case, "broken")


def _end_promise(conn: Connection, case: Row[Any], state: str) -> None:
    conn.execute(update(PROMISE).where(PROMISE.c.case_id == case.id, PROMISE.c.state == "open").values(state=state))


@effect.register
def _agreed(fact: f.PlanAgreed, conn: Connection, case: Row[Any], entry: Entry) -> None:
    """What was promised and what else was offered is overtaken."""
    _end_promise(conn, case, "replaced")
    _plan(conn, fact.plan_id, "agreed")
    _end_plans(conn, case, "void", "offered")


@effect.register
def _plan_ended(fact: f.PlanEnded, conn: Connection, case: Row[Any], entry: Entry) -> None:
    _plan(conn, fact.plan_id, "ended")


@effect.register
def _plan_broken(fact: f.PlanBroken, conn: Connection, case: Row[Any], entry: Entry) -> None:
    _plan(conn, fact.plan_id, "broken")


@effect.register
def _plan_completed(fact: f.PlanCompleted, conn: Connection, case: Row[Any], entry: Entry) -> None:
    _plan(conn, fact.plan_id, "completed")


@effect.register
def _refused(fact: f.Refusal, conn: Connection, case: Row[Any], entry: Entry) -> None:
    """What the rules refuse when the case takes it in was never agreed, or offered, whatever its row said until now."""
    if fact.fact == "plan":
        not_agreed = {"state": "offered", "accepted_by": "", "accepted_how": "", "accepted_at": None}
        mine = (PLAN.c.id == UUID(fact.body["plan_id"])) & (PLAN.c.state == "agreed")
        conn.execute(update(PLAN).where(mine).values(not_agreed))
    if fact.fact == "plan_offered":
        mine = (PLAN.c.id == UUID(fact.body["plan_id"])) & (PLAN.c.state == "offered")
        conn.execute(update(PLAN).where(mine).values(state="void"))


def _plan(conn: Connection, plan_id: str, state: str) -> None:
    conn.execute(update(PLAN).where(PLAN.c.id == UUID(plan_id)).values(state=state))


def _end_plans(conn: Connection, case: Row[Any], state: str, *states: str) -> None:
    conn.execute(update(PLAN).where(PLAN.c.case_id == case.id, PLAN.c.state.in_(states)).values(state=state))


@effect.register
def _closed(fact: f.Closed, conn: Connection, case: Row[Any], entry: Entry) -> None:
    """A debt that was paid otherwise has kept promise and plan; one that ended without money makes both void."""
    paid = is_paid(fact.outcome)
    _end_promise(conn, case, "kept" if paid else "void")
    _end_plans(conn, case, "completed" if paid else "void", "agreed")
    _end_plans(conn, case, "void", "offered")


# --- notices, titles, orders ------------------------------------------------------------------------------------------
@effect.register
def _proved(fact: f.NoticeProved, conn: Connection, case: Row[Any], entry: Entry) -> None:
    """The row tells of the debtor's notice; what another party's own proves stands in the case and the ledger."""
    if fact.party:
        return
    _notice(conn, fact.notice_id, state="proved", proof_level=fact.level, proof_on=fact.on)


@effect.register
def _voided(fact: f.NoticeVoided, conn: Connection, case: Row[Any], entry: Entry) -> None:
    _notice(conn, fact.notice_id, state="void")


@effect.register
def _escalated(fact: f.ApprovalEscalated, conn: Connection, case: Row[Any], entry: Entry) -> None:
    values = {"escalated_to": fact.role, "due": fact.due}
    conn.execute(update(APPROVAL).where(APPROVAL.c.id == UUID(fact.approval_id)).values(values))


@effect.register
def _undeliverable(fact: f.NoticeUndeliverable, conn: Connection, case: Row[Any], entry: Entry) -> None:
    _notice(conn, fact.notice_id, state="attempted")


@effect.register
def _released(fact: f.NoticeReleasedByTwo, conn: Connection, case: Row[Any], entry: Entry) -> None:
    _notice(conn, fact.notice_id, state="attempted-released", proof_on=fact.on)


def _notice(conn: Connection, notice_id: str, **values: Any) -> None:
    conn.execute(update(NOTICE).where(NOTICE.c.id == UUID(notice_id)).values(**values))


@effect.register
def _unqueued(fact: f.TitleUnqueued, conn: Connection, case: Row[Any], entry: Entry) -> None:
    title = UUID(fact.title_id)
    conn.execute(update(TITLE).where(TITLE.c.id == title).values(state="unqueued", changed_at=entry.at))
    conn.execute(update(ORDER).where(ORDER.c.title_id == title, ORDER.c.state == "queued").values(state="dropped"))


@effect.register
def _withdrawal(fact: f.WithdrawalQueued, conn: Connection, case: Row[Any], entry: Entry) -> None:
    title = UUID(fact.title_id)
    conn.execute(update(TITLE).where(TITLE.c.id == title).values(state="withdrawing", changed_at=entry.at))
    queue_order(conn, title, "withdraw", entry.at)


@effect.register
def _cancellation(fact: f.CancellationQueued, conn: Connection, case: Row[Any], entry: Entry) -> None:
    title = UUID(fact.title_id)
    conn.execute(update(TITLE).where(TITLE.c.id == title).values(state="cancelling", changed_at=entry.at))
    queue_order(conn, title, "cancel", entry.at)


def queue_order(conn: Connection, title_id: UUID, kind: OrderKind, at: datetime) -> None:
    """Queue an order to the notary for the next file. `at` is business time.

    One order is open at a time per title: the new one takes the place of any that is not answered yet.
    """
    conn.execute(
        update(ORDER)
        .where(ORDER.c.title_id == title_id, ORDER.c.state.in_(("queued", "sent")))
        .values(state="superseded", answered_at=at)
    )
    number = len(conn.execute(select(ORDER.c.id).where(ORDER.c.title_id == title_id)).all())
    order_id = uuid5(title_id, f"order:{number}")
    conn.execute(insert(ORDER).values(id=order_id, title_id=title_id, kind=kind, state="queued", queued_at=at))

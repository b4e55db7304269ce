"""What lists and screens show, read from the database: a query to a workflow would wake a sleeping case.

Everything is plain data with English keys; amounts are Decimal reais, days and moments as such.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, Select, case, func, select

from activities import statements as sql
from activities.desk import pinned_policy
from activities.money_book import WAITING
from db.prepared import together
from db.rows import (
    APPROVAL,
    CASE,
    CONTACT,
    CONTACT_CASE,
    CONTACT_POINT,
    CREDITOR,
    DEBTOR,
    DOCUMENT,
    FACT,
    INVOICE,
    LEDGER,
    NOTE,
    NOTICE,
    PAYMENT,
    PAYMENT_CODE,
    SCHEDULE,
    TASK,
    TITLE,
)
from domain.case import load
from domain.errors import BadInput
from domain.negotiation import cost_window, next_window
from domain.policy import Do
from domain.prices import Spent, total
from starter.calculator import as_data
from starter.calling import CALL, warnings
from starter.installation import Installation
from starter.lookup import DUE, DUE_ISO, find_case, find_creditor, find_debtors
from starter.standing import matters, passed_over

STAGES = ("preventive", "amicable", "notice", "protest", "legal", "closed")


def rows(found: Any) -> list[dict[str, Any]]:
    """Rows as dictionaries."""
    return [dict(row._mapping) for row in found]


def _list(today: date) -> Select[Any]:
    late = case((CASE.c.stage == "closed", 0), else_=func.greatest(today - DUE, 0))
    return (
        select(
            CASE.c.id, CREDITOR.c.code.label("creditor"), DEBTOR.c.name.label("debtor"),
            INVOICE.c.printed_number.label("invoice"), INVOICE.c.instalment, DUE.label("due"), late.label("days_late"),
            CASE.c.balance, CASE.c.stage, CASE.c.outcome, CASE.c.next_action, CASE.c.next_step, CASE.c.next_at,
            CASE.c.next_reason,
        )
        .join(CREDITOR, CREDITOR.c.id == CASE.c.creditor_id)
        .join(DEBTOR, DEBTOR.c.id == CASE.c.debtor_id)
        .join(INVOICE, INVOICE.c.id == CASE.c.invoice_id)
        .order_by(DUE_ISO, CASE.c.id)
    )  # fmt: skip


def cases(house: Installation, filters: Mapping[str, Any], limit: int) -> list[dict[str, Any]]:
    """Cases, oldest due date first. Filters, each optional: stage, creditor, late (days at least), action, reason.

    Closed cases are shown only where the stage asks for them.
    """
    wanted = _list(house.today).limit(limit)
    stage = filters.get("stage")
    if stage and stage not in STAGES:
        raise BadInput(f"--stage {stage!r}: there is no such stage; use {', '.join(STAGES)}")
    wanted = wanted.where(CASE.c.stage == stage if stage else CASE.c.stage != "closed")
    if filters.get("late"):
        wanted = wanted.where((house.today - timedelta(days=filters["late"])).isoformat() >= DUE_ISO)
    if filters.get("action"):
        wanted = wanted.where(CASE.c.next_action == filters["action"])
    if filters.get("reason"):
        wanted = wanted.where(CASE.c.next_reason.contains(filters["reason"], autoescape=True))
    with house.engine.connect() as conn:
        if filters.get("creditor"):
            wanted = wanted.where(CASE.c.creditor_id == find_creditor(conn, filters["creditor"]).id)
        return rows(conn.execute(wanted))


def one_case(house: Installation, text: str, creditor: str) -> dict[str, Any]:
    """One case: state, debt with its memory of calculation, schedule, what is open, and the timeline of its book."""
    with house.engine.connect() as conn:
        row = find_case(conn, text, creditor)
        head = rows(conn.execute(_list(house.today).where(CASE.c.id == row.id)))[0]
        folded, schedule = load(row.state), _schedule(conn, row)
        today = folded.today(house.now)
        return head | {
            "principal": folded.terms.principal,
            "original_due": folded.terms.original_due,
            "limitation": folded.limitation().last,
            "holds": {
                "waits_for_release": folded.awaits_release,
                "promised_until": folded.promise.on if folded.promise else None,
                "disputed": bool(folded.dispute),
                "paused_until": folded.paused_until,
                "holds": folded.holds,
                "opted_out": folded.opted_out,
            },
            "matters": matters(folded, today, pinned_policy(conn, row.policy_hash).tolerance),
            "debt": as_data(folded.debt(today)),
            "schedule": schedule,
            "passed_over": passed_over(schedule),
            "tasks": rows(conn.execute(_tasks().where(TASK.c.case_id == row.id, TASK.c.done_at.is_(None)))),
            "approvals": _of(conn, APPROVAL, row, "id", "purpose", "step", "role", "needed", "amount", "state", "due"),
            "payments": _of(conn, PAYMENT, row, "id", "reference", "amount", "paid_on", "source", "reversed_on"),
            "payment_codes": _of(conn, PAYMENT_CODE, row, *_CODE),
            "notices": _of(conn, NOTICE, row, "id", "step", "state", "issued_at", "proof_level", "proof_on"),
            "titles": _of(conn, TITLE, row, "id", "our_number", "state", "protocol", "protocol_date", "term_end"),
            "documents": _of(conn, DOCUMENT, row, "id", "kind", "name", "sha256", "created_at"),
            "notes": _of(conn, NOTE, row, "id", "author", "text", "written_at"),
            "contacts": _contacts(conn, row),
            "contacts_cost": _cost(conn, row),
            "waiting_facts": conn.execute(
                select(func.count()).where(FACT.c.case_id == row.id, FACT.c.acknowledged_at.is_(None))
            ).scalar_one(),
            "timeline": _of(conn, LEDGER, row, "seq", "kind", "body", "actor", "cause", "business_at", "recorded_at"),
        }


_CODE = ("id", "quoted_on", "amount", "valid_until", "instalment", "state", "br_code")
"""Columns of a payment code as people see it."""


def _of(conn: Connection, table: Any, row: Row[Any], *names: str) -> list[dict[str, Any]]:
    columns = [table.c[name] for name in names]
    last = table.c.seq if "seq" in names else table.c.id
    ordered = next((table.c[name] for name in names if name.endswith(("_at", "_on"))), last)
    return rows(conn.execute(select(*columns).where(table.c.case_id == row.id).order_by(ordered, last)))


def _contacts(conn: Connection, row: Row[Any]) -> list[dict[str, Any]]:
    names = (
        "id", "channel", "purpose", "text_id", "state", "planned_at", "accepted_at", "settled_at", "passed_over",
        "segments", "price", "currency",
    )  # fmt: skip
    columns = (CONTACT_CASE.c.step, *(CONTACT.c[name] for name in names))
    found = select(*columns).join(CONTACT_CASE, CONTACT_CASE.c.contact_id == CONTACT.c.id)
    return rows(conn.execute(found.where(CONTACT_CASE.c.case_id == row.id).order_by(CONTACT.c.planned_at)))


def _cost(conn: Connection, row: Row[Any]) -> Decimal:
    """What the contacts that this case sent cost, in reais; an estimate where the provider's price is not known yet."""
    (sent,) = together(conn, [sql.SPENT(id_=row.id)])
    return total(Spent(each.channel, each.segments, each.price, each.currency) for each in sent)


def _schedule(conn: Connection, row: Row[Any]) -> list[dict[str, str]]:
    at = select(SCHEDULE.c.steps).where(SCHEDULE.c.case_id == row.id, SCHEDULE.c.version == row.schedule_version)
    return conn.execute(at).scalar_one_or_none() or []


def debtors(house: Installation, document: str, creditor: str) -> list[dict[str, Any]]:
    """The records of one person or company, one per creditor: addresses, ways to reach him, and all his cases."""
    with house.engine.connect() as conn:
        return [_debtor(house, conn, row) for row in find_debtors(conn, document, creditor)]


def _debtor(house: Installation, conn: Connection, row: Row[Any]) -> dict[str, Any]:
    points = select(CONTACT_POINT.c.channel, CONTACT_POINT.c.address, CONTACT_POINT.c.state, CONTACT_POINT.c.source)
    his_cases = rows(conn.execute(_list(house.today).where(CASE.c.debtor_id == row.id)))
    still_open = [each for each in his_cases if each["stage"] != "closed"]
    return {
        "id": row.id,
        "creditor": conn.execute(select(CREDITOR.c.code).where(CREDITOR.c.id == row.creditor_id)).scalar_one(),
        "name": row.name,
        "document": row.document,
        "kind": row.kind,
        "address": ", ".join(part for part in (row.address, row.district, row.city, row.uf, row.cep) if part),
        "opted_out": row.opted_out,
        "contact_points": rows(
            conn.execute(points.where(CONTACT_POINT.c.debtor_id == row.id).order_by(CONTACT_POINT.c.rank))
        ),
        "balance": sum((each["balance"] for each in still_open), Decimal("0.00")),
        "cases": his_cases,
    }


def outlook(house: Installation, days: int, creditor: str) -> list[dict[str, Any]]:
    """What goes out in the next days, by day and step: how many cases, their balance, and how many of them are held.

    A case that has not begun is counted on the day it begins, as step `opens`.
    """
    last = house.today + timedelta(days=days)
    columns = (CASE.c.id, CASE.c.balance, CASE.c.next_action, CASE.c.next_step, CASE.c.seq, CASE.c.starts_on)
    latest = (SCHEDULE.c.case_id == CASE.c.id) & (SCHEDULE.c.version == CASE.c.schedule_version)
    found = select(*columns, SCHEDULE.c.steps).outerjoin(SCHEDULE, latest).where(CASE.c.stage != "closed")
    with house.engine.connect() as conn:
        if creditor:
            found = found.where(CASE.c.creditor_id == find_creditor(conn, creditor).id)
        groups: dict[tuple[date, str, str], list[Any]] = defaultdict(list)
        for row in conn.execute(found.order_by(CASE.c.id)):
            for on, do, step in _ahead(row):
                if on <= last:
                    groups[max(on, house.today), do, step].append(row)
    return [
        {
            "day": on, "do": do, "step": step, "cases": len(group), "balance": sum(row.balance for row in group),
            "held": sum(row.seq > 0 and not row.next_step for row in group), "ids": [row.id for row in group],
        }
        for (on, do, step), group in sorted(groups.items())
    ]  # fmt: skip


def _ahead(row: Any) -> list[tuple[date, str, str]]:
    if not row.seq:
        return [(row.starts_on, "open", "opens")]
    steps = [step for step in row.steps or [] if step["state"] == "pending" and step["day"]]
    return [(date.fromisoformat(step["day"]), step["do"], step["step"]) for step in steps]


def _tasks() -> Select[Any]:
    return select(
        TASK.c.id, TASK.c.case_id.label("case"), TASK.c.kind, TASK.c.step, TASK.c.owner, TASK.c.due, TASK.c.details
    ).order_by(TASK.c.due, TASK.c.id)


def tasks(house: Installation, owner: str, overdue: bool, limit: int) -> dict[str, list[dict[str, Any]]]:
    """Open work for people, the most urgent first: tasks, and approvals that wait for a word, `limit` of each.

    `caution`: why the debtor must not be telephoned now, of a task to call him. `costs`: what a proposal at the
    notaries' central costs the creditor in advance.
    """
    open_tasks = _tasks().where(TASK.c.done_at.is_(None)).limit(limit)
    names = ("id", "purpose", "step", "role", "needed", "amount", "due")
    case_due = CASE.c.state["terms"]["due"].astext.label("case_due")
    waiting = select(APPROVAL.c.case_id.label("case"), *(APPROVAL.c[name] for name in names), case_due)
    waiting = (
        waiting.join(CASE, CASE.c.id == APPROVAL.c.case_id, isouter=True)
        .where(APPROVAL.c.state == "asked")
        .order_by(APPROVAL.c.due)
        .limit(limit)
    )
    if owner:
        open_tasks, waiting = open_tasks.where(TASK.c.owner == owner), waiting.where(APPROVAL.c.role == owner)
    if overdue:
        open_tasks = open_tasks.where(TASK.c.due < house.today)
        waiting = waiting.where(APPROVAL.c.due < house.today)
    with house.engine.connect() as conn:
        found = rows(conn.execute(open_tasks))
        calls = [task["case"] for task in found if task["case"] and CALL in task["details"]]
        cautions = warnings(conn, calls, house.now)
        for task in found:
            task["caution"] = cautions.get(task["case"], "") if CALL in task["details"] else ""
        return {"tasks": found, "approvals": [_with_costs(asked, house.today) for asked in rows(conn.execute(waiting))]}


def _with_costs(asked: dict[str, Any], today: date) -> dict[str, Any]:
    """An approval; that of a proposal with what it costs now, and when it becomes dearer (art. 11-A pars. 3 to 5)."""
    case_due = asked.pop("case_due")
    if asked["purpose"] != Do.NEGOTIATE or not case_due:
        return asked | {"costs": ""}
    due = date.fromisoformat(case_due)
    words, dearer = cost_window((today - due).days).words, next_window(due, today)
    later = f"; a partir de {dearer[0]:%d/%m/%Y}, {dearer[1].words}" if dearer else ""
    return asked | {"costs": f"{words}{later}"}


def payments(house: Installation, unmatched: bool, creditor: str, limit: int) -> list[dict[str, Any]]:
    """Payments, the newest first; only those that wait for a person where `unmatched`.

    `proposal`: the cases that a payment may be for, each with amount and reason.
    """
    names = ("id", "reference", "amount", "credited", "paid_on", "source", "hint", "proposal", "reversed_on")
    columns = [PAYMENT.c[name] for name in names]
    found = (
        select(*columns, PAYMENT.c.case_id.label("case"), CREDITOR.c.code.label("creditor"))
        .join(CREDITOR, CREDITOR.c.id == PAYMENT.c.creditor_id)
        .order_by(PAYMENT.c.received_at.desc(), PAYMENT.c.id.desc())
        .limit(limit)
    )
    if unmatched:
        found = found.where(WAITING)
    with house.engine.connect() as conn:
        if creditor:
            found = found.where(PAYMENT.c.creditor_id == find_creditor(conn, creditor).id)
        return rows(conn.execute(found))

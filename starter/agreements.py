"""Plans (acordos) as staff handle them: offered, accepted, ended, looked at."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

from sqlalchemy import Row, insert, select

from activities import agreements
from activities.agreements import up_to_date
from activities.desk import Desk, at_desk, pinned_policy
from activities.saying import AGREED, OFFERED, PROPOSAL
from db.indices import read_indices
from db.rows import NOTE, PLAN
from domain import facts as f
from domain.case import Case, load
from domain.errors import BadInput
from domain.money import ZERO
from domain.policy import Policy
from starter.actions import Clerk, Outcome
from starter.deeds import HOWS
from starter.evidence import document_values, keep, read_file
from starter.installation import Installation, installation, world_of
from starter.lookup import by_prefix, find_case
from starter.people import require_active

ACCEPTANCE = "plan-acceptance"
"""Kind of the document that shows how an offer was accepted."""


@dataclass(frozen=True)
class Agreement:
    """What the case answered, and the plan as it stands now."""

    outcome: Outcome
    plan: dict[str, Any]


@dataclass(frozen=True)
class Acceptance:
    """How an offer was accepted: the way (`HOWS`), the file that shows it or "", the debtor's words or ""."""

    how: str
    file: str
    words: str


def offer(case_id: str, creditor: str, name: str, by: str) -> Agreement:
    """Offer a plan of the case's ladder on today's debt. Raises `BadInput`, `Refused` as `activities.agreements`."""
    with installation() as house:
        with _desk(house, case_id, creditor, by) as desk:
            plan_id, fact = agreements.offer(desk, name, by)
        return _told(house, desk.row.id, plan_id, fact)


def accept(case_id: str, creditor: str, which: str, evidence: Acceptance, by: str) -> Agreement:
    """Write down that the debtor accepted an offer: the one whose id begins with `which`, or the only one that stands.

    Raises `BadInput` where none or more than one is meant, `Refused` where it does not stand any more.
    """
    if evidence.how not in HOWS:
        raise BadInput(f"--how {evidence.how!r}: this way is not known; use {', '.join(HOWS)}")
    with installation() as house:
        with _desk(house, case_id, creditor, by) as desk:
            plan = _meant(desk, which)
            proof = "; ".join(_evidence(desk, evidence, by))
            fact = agreements.accept(desk, plan, cast(f.How, evidence.how), by, proof)
        return _told(house, desk.row.id, plan.id, fact)


def end(case_id: str, creditor: str, reason: str, by: str) -> Agreement:
    """End the plan in force, with a reason that is kept as a note. Raises `Refused` where there is none."""
    with installation() as house:
        with _desk(house, case_id, creditor, by) as desk:
            plan_id, fact = agreements.end(desk, str(_note(desk, reason, by)), by)
        return _told(house, desk.row.id, plan_id, fact)


def plans(case_id: str, creditor: str) -> dict[str, Any]:
    """All that was ever offered or agreed in a case, the newest first, and what its ladder offers (`offers`)."""
    with installation() as house, house.engine.connect() as conn:
        row = find_case(conn, case_id, creditor)
        case, policy = load(row.state, read_indices(conn)), pinned_policy(conn, row.policy_hash)
        today = case.today(house.now)
        found = conn.execute(select(PLAN).where(PLAN.c.case_id == row.id).order_by(PLAN.c.offered_at.desc(), PLAN.c.id))
        return {
            "case": row.id,
            "offers": [each.name for each in policy.offers],
            "plans": [_plan(plan, case, policy, today) for plan in found],
        }


@contextmanager
def _desk(house: Installation, case_id: str, creditor: str, by: str) -> Iterator[Desk]:
    """The case at the desk on all that is known, in the name of an active member of the staff."""
    with world_of(house) as world:
        with house.engine.connect() as conn:
            require_active(conn, by)
            case = find_case(conn, case_id, creditor)
        with at_desk(world, str(case.id), None) as desk:
            up_to_date(desk)
            yield desk


def _told(house: Installation, case_id: UUID, plan_id: UUID, fact: UUID) -> Agreement:
    outcome = asyncio.run(Clerk(house).ask(case_id, fact))
    with house.engine.connect() as conn:
        row = conn.execute(select(PLAN).where(PLAN.c.id == plan_id)).one()
        case = find_case(conn, str(case_id))
        folded = load(case.state, read_indices(conn))
        policy = pinned_policy(conn, case.policy_hash)
        return Agreement(outcome, _plan(row, folded, policy, folded.today(house.now)))


# --- accepting -------------------------------------------------------------------------------------------------------
def _meant(desk: Desk, which: str) -> Row[Any]:
    conn, mine = desk.conn, PLAN.c.case_id == desk.row.id
    if which:
        return by_prefix(conn, PLAN, which, "plan", mine)
    found = conn.execute(select(PLAN).where(mine, PLAN.c.state == OFFERED)).all()
    if not found:
        raise BadInput("plan: nothing is offered in this case; offer something with `regua plan ID --offer NAME`")
    today = desk.case.today(desk.now)
    standing = [row for row in found if PROPOSAL.validate_python(row.terms).valid_until >= today] or found
    if len(standing) > 1:
        named = ", ".join(f"{str(row.id)[:8]} ({row.terms['offer']}, R$ {row.total})" for row in standing)
        raise BadInput(f"plan: more than one offer stands, {named}; name the one that was accepted after the case")
    return standing[0]


def _evidence(desk: Desk, given: Acceptance, by: str) -> Iterator[str]:
    """Keep what shows the acceptance; yields where it lies, in words for the deed."""
    if given.file:
        file = Path(given.file)
        content = read_file(file)
        keep(
            desk.conn, desk.world.documents, document_values(desk.row.id, ACCEPTANCE, file.name, content, desk.now),
            content,
        )  # fmt: skip
        yield f"documento com SHA-256 {hashlib.sha256(content).hexdigest()}"
    if given.words:
        yield f"anotação {str(_note(desk, given.words, by))[:8]}"


def _note(desk: Desk, text: str, by: str) -> UUID:
    row = {"id": uuid4(), "case_id": desk.row.id, "author": by, "text": text, "written_at": desk.now}
    desk.conn.execute(insert(NOTE).values(row))
    return cast(UUID, row["id"])


# --- looking ---------------------------------------------------------------------------------------------------------
def _plan(row: Row[Any], case: Case, policy: Policy, today: date) -> dict[str, Any]:
    """A plan as lists and JSON show it; an offer past its day is `expired`. Amounts are reais."""
    terms = PROPOSAL.validate_python(row.terms)
    in_force = case.plan is not None and case.plan.id == str(row.id) and row.state == AGREED
    state = case.plan_state(today, policy.tolerance) if in_force else None
    still_open = {part.number: part.amount for part in terms.instalments} if state else {}
    if state:
        still_open |= {part.number: ZERO for part in state.paid}
        still_open |= {state.next.number: state.next_open} if state.next else {}
    paid = sum((payment.amount for payment in case.plan_payments()), ZERO) if state else None
    return {
        "id": row.id,
        "offer": terms.offer,
        "state": "expired" if row.state == OFFERED and today > terms.valid_until else row.state,
        "on": terms.on,
        "valid_until": terms.valid_until,
        "debt": terms.debt,
        "discount": terms.discount,
        "total": terms.total,
        "interest": terms.interest,
        "yearly_percent": terms.yearly_percent,
        "parts": [
            {"number": part.number, "due": part.due, "amount": part.amount, "open": still_open.get(part.number)}
            for part in terms.instalments
        ],
        "progress": {"paid": paid, "open": state.open, "settlement": state.settlement} if state else None,
        "text_hash": row.text_hash,
        "document": row.document_id,
        "offered_at": row.offered_at,
        "accepted_at": row.accepted_at,
        "accepted_by": row.accepted_by,
        "accepted_how": row.accepted_how,
    }

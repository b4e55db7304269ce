"""A signed-in person answers what waits for approval, after having been shown what he answers for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, select

from activities.desk import Desk, at_desk
from activities.protest import gaps
from db.rows import WORD
from domain import facts as f
from domain.eligibility import explain, windows
from domain.errors import BadInput
from domain.notice import notice_deadline, notified, valid_until
from domain.policy import Do
from starter import creditor_changes, people
from starter.actions import Clerk, Deed, Outcome, store
from starter.installation import Installation, installation, world_of
from starter.lookup import find_approval, find_case
from starter.people import word_count


@dataclass(frozen=True)
class Settled:
    """What became of a change of master data."""

    creditor: str
    setting: str
    status: str


def answer(
    what: str, creditor: str, reason: str, *, yes: bool, again_on: date | None = None
) -> Outcome | Settled | int:
    """Write down the word of who is signed in (REGUA_TOKEN) on an approval, named by its id or by its case.

    Enough words, or one no, tell the case, whose answer is the result; else how many more people must agree.
    `again_on`: a no for now, asked again on that day. The word and the fact are one transaction. Raises `Refused`
    without token, role or limit, for a second word or one's own request.
    """
    with installation() as house:
        with house.engine.begin() as conn:
            staff = people.signed_in(conn, house.settings.token.get_secret_value())
            approval = find_approval(conn, what, creditor)
            if again_on is not None and (again_on <= house.today or not approval.case_id):
                raise BadInput("--until: name a day after today, for a step of a case")
            missing = people.say(conn, approval.id, staff, yes, reason, house.now)
            if not approval.case_id:
                return _settle(conn, approval, yes, missing, house)
            case = find_case(conn, str(approval.case_id))
            fact = _fact(approval, yes, missing, again_on)
            fact_id = store(house, conn, case, Deed(fact), staff.id, f"approval:{approval.id}:{fact.kind}:{staff.id}")
        outcome = asyncio.run(Clerk(house).ask(case.id, fact_id))
        return missing if isinstance(fact, f.WordGiven) else outcome


def _fact(approval: Row[Any], yes: bool, missing: int, again_on: date | None) -> f.Told:
    if not yes:
        return f.ApprovalRefused(str(approval.id), again_on)
    return f.WordGiven(str(approval.id), missing) if missing > 0 else f.Approved(str(approval.id))


def _settle(conn: Connection, approval: Row[Any], yes: bool, missing: int, house: Installation) -> Settled | int:
    if yes and missing > 0:
        return missing
    change = creditor_changes.settle_change(conn, approval.id, yes, house.now)
    return Settled(str(change.creditor_id), approval.step, "applied" if yes else "refused")


# --- what is shown to who answers ------------------------------------------------------------------------------------
def brief(what: str, creditor: str) -> dict[str, Any]:
    """Everything that an approver should know: what is asked, of whom, and what it rests on. Raises `BadInput`."""
    with installation() as house:
        with house.engine.connect() as conn:
            approval = find_approval(conn, what, creditor)
            asked = _asked(conn, approval)
            if not approval.case_id:
                waiting = creditor_changes.pending(conn, approval.id)
                return asked | waiting | {"advice": "confirme por outro canal e faça uma transferência de teste"}
        with world_of(house) as world, at_desk(world, str(approval.case_id), None) as desk:
            return asked | _of_case(desk, approval)


def _asked(conn: Connection, approval: Row[Any]) -> dict[str, Any]:
    said = conn.execute(select(WORD.c.staff_id).where(WORD.c.approval_id == approval.id, WORD.c.yes)).scalars().all()
    return {
        "id": approval.id, "purpose": approval.purpose, "step": approval.step, "due": approval.due,
        "role": approval.role, "escalated_to": approval.escalated_to, "amount": approval.amount,
        "needed": approval.needed, "said_yes": list(said), "counted": word_count(conn, approval),
    }  # fmt: skip


def _of_case(desk: Desk, approval: Row[Any]) -> dict[str, Any]:
    case, today = desk.case, desk.case.today(desk.now)
    debt, terms = case.debt(today), case.limitation()
    return {
        "case": UUID(case.id),
        "balance": {"principal": case.face(), "updated": debt.total, "on": today},
        "days_late": max((today - case.terms.due).days, 0),
        "windows": [asdict(window) for window in windows(case.terms.due, today)],
        "limitation": {"protest_until": terms.first, "any_action_until": terms.last},
        "notice": _notice(desk, today),
        "named_beside_the_debtor": list(notified(case, desk.policy, today)),
        "missing": [{"code": code, "text": explain(code)} for code in _missing(desk, approval)],
        "alternatives": list(_alternatives(desk, approval)),
    }


def _missing(desk: Desk, approval: Row[Any]) -> Sequence[str]:
    return gaps(desk) if approval.purpose in ("protest", "undeliverable-notice") else ()


def _notice(desk: Desk, today: date) -> dict[str, Any] | None:
    notice = desk.case.notice
    if notice is None:
        return None
    deadline = notice_deadline(desk.case, desk.policy)
    return {
        "id": notice.id, "issued_on": notice.issued_on, "state": notice.state, "ways": dict(notice.ways),
        "proof_on": notice.proof_on, "deadline_over_on": deadline, "over": bool(deadline and today >= deadline),
        "valid_until": valid_until(notice, desk.policy),
    }  # fmt: skip


def _alternatives(desk: Desk, approval: Row[Any]) -> list[str]:
    """What can be done instead of saying yes."""
    later = [step for step in desk.policy.steps if desk.case.step(step.id).status == "pending" and step.do == Do.LEGAL]
    found = ["recusar por ora: regua refuse ID --reason … --until DATA"]
    found += [f"propor acordo: {offer.name}" for offer in desk.policy.offers]
    found += [f"recusar; segue o passo {step.id}" for step in later if step.id != approval.step]
    return found

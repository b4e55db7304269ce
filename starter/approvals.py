"""A signed-in person answers what waits for approval."""

from __future__ import annotations

import asyncio

from domain import facts as f
from starter import people
from starter.actions import Clerk, Deed, Outcome, store
from starter.installation import installation
from starter.lookup import find_approval, find_case


def answer(what: str, creditor: str, reason: str, *, yes: bool) -> Outcome | int:
    """Write down the word of who is signed in (REGUA_TOKEN) on an approval, named by its id or by its case.

    Enough words, or one no, tell the case, whose answer is the result; else how many more people must agree. The word
    and the fact are one transaction. Raises `Refused` without token, role or limit, or for a second word.
    """
    with installation() as house:
        with house.engine.begin() as conn:
            staff = people.signed_in(conn, house.settings.token.get_secret_value())
            approval = find_approval(conn, what, creditor)
            missing = people.say(conn, approval.id, staff, yes, reason, house.now)
            if yes and missing > 0:
                return missing
            fact = f.Approved(str(approval.id)) if yes else f.ApprovalRefused(str(approval.id))
            case = find_case(conn, str(approval.case_id))
            fact_id = store(house, conn, case, Deed(fact), staff.id, f"approval:{approval.id}")
        return asyncio.run(Clerk(house).ask(case.id, fact_id))

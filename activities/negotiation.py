"""`negotiate`: the proposal to the notaries' central (Lei 9.492/1997 art. 11-A), by file or by a person's hand."""

from __future__ import annotations

from typing import Any
from uuid import uuid5

from temporalio import activity

from activities.desk import Desk
from activities.news import wait_for_news
from activities.outside import Prepared, hand_over, parcel, subject
from activities.saying import proposal_for
from activities.world import World
from contract.messages import Next, Perform
from domain import facts as f
from domain.errors import Refused
from domain.negotiation import answer_until, cost_window
from domain.policy import Step


class Negotiations:
    """The activity that proposes."""

    def __init__(self, world: World) -> None:
        self.world = world

    @activity.defn(name="negotiate")
    def negotiate(self, given: Perform) -> Next:
        """Hand the proposal of a step over (or say why not now) and return the next instruction."""
        return hand_over(self.world, given, "central", lambda desk: _proposal(desk, given))


def _proposal(desk: Desk, given: Perform) -> Prepared | f.Told:
    if deferred := wait_for_news(desk, given.step):
        return deferred
    case, today = desk.case, desk.case.today(desk.now)
    step = next(step for step in desk.policy.steps if step.id == given.step)
    key = uuid5(desk.row.id, f"proposal after {case.proposal.id if case.proposal else 'none'}")
    until, amount = answer_until(today, step.within), case.face()
    window = cost_window((today - case.terms.due).days)
    content = {
        **subject(desk), "proposal": key, "amount": amount, "answer_until": until, "by": list(step.by),
        "costs": {"window": window.code, "source": window.source}, "offer": _offer(desk, step),
    }  # fmt: skip
    return parcel(desk, key, "proposal", "proposta", content), lambda way: f.NegotiationProposed(
        given.step, str(key), amount, until, way
    )


def _offer(desk: Desk, step: Step) -> dict[str, Any] | None:
    """What the debtor may settle for: the step's offer on today's debt; None = the whole amount at once."""
    if step.offer is None:
        return None
    try:
        terms = proposal_for(desk, step.offer, desk.case.today(desk.now))
    except Refused:
        return None
    return {"name": step.offer, "total": terms.total, "instalments": [vars(part) for part in terms.instalments]}

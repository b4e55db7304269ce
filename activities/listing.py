"""`list`: the request to a credit bureau, which notifies the debtor before it lists him (CDC art. 43 par. 2)."""

from __future__ import annotations

from uuid import uuid5

from temporalio import activity

from activities.desk import Desk
from activities.news import wait_for_news
from activities.outside import Prepared, hand_over, parcel, subject
from activities.world import World
from contract.messages import Next, Perform
from domain import facts as f
from domain.listing import last_day


class Listings:
    """The activity that asks the bureau."""

    def __init__(self, world: World) -> None:
        self.world = world

    @activity.defn(name="list")
    def list(self, given: Perform) -> Next:
        """Hand the request of a step over (or say why not now) and return the next instruction."""
        return hand_over(self.world, given, "bureau", lambda desk: _request(desk, given))


def _request(desk: Desk, given: Perform) -> Prepared | f.Told:
    if deferred := wait_for_news(desk, given.step):
        return deferred
    before, amount = desk.case.listing, desk.case.face()
    key = uuid5(desk.row.id, f"listing after {before.id if before else 'none'}")
    content = {**subject(desk), "listing": key, "amount": amount, "stands_until": last_day(desk.case)}
    return parcel(desk, key, "listing", "negativacao", content), lambda way: f.ListingRequested(
        given.step, str(key), amount, way
    )

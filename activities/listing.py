"""`list`: the request to a credit bureau, which notifies the debtor before it lists him (CDC art. 43 par. 2)."""

from __future__ import annotations

from uuid import uuid5

from temporalio import activity

from activities.desk import Desk
from activities.news import wait_for_news
from activities.outside import JSON, Prepared, as_json, hand_over, subject
from activities.world import World
from contract.messages import Next, Perform
from domain import facts as f
from domain.listing import last_day
from gateways.partners import Parcel


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
    content = as_json({**subject(desk), "listing": key, "amount": amount, "stands_until": last_day(desk.case)})
    parcel = Parcel(key, desk.row.id, "listing", f"{desk.row.id}-negativacao-{key.hex[:8]}.json", JSON, content)
    return parcel, lambda way: f.ListingRequested(given.step, str(key), amount, way)

"""`decide`: take in what arrived, and say what comes next. No outside call: it runs as a local activity."""

from __future__ import annotations

from temporalio import activity

from activities.desk import at_desk, cause_of, failure
from activities.protest import examined
from activities.world import World
from contract.messages import Decide, Next


class Decisions:
    """The one activity that only thinks."""

    def __init__(self, world: World) -> None:
        self.world = world

    @activity.defn(name="decide")
    def decide(self, given: Decide) -> Next:
        """The instruction number `given.seq` of the case: recorded before, or decided now on all that is known."""
        with at_desk(self.world, given.case_id, given.at) as desk:
            if done := desk.recorded(given.generation, given.seq, given.arrivals):
                return done
            desk.take(given.arrivals, given.generation, given.seq)
            if given.failed:
                desk.hear(failure(given.failed), cause_of(given.failed.action, given))
            if not given.arrivals and not given.failed and (found := examined(desk)):
                desk.hear(found, cause_of("examine", given))
            return desk.conclude(given.generation, given.seq)

"""`legal`: the hand-over of a case to a lawyer, as one file that can be checked without us.

Guard, dossier, outcome, in one transaction under the case's lock: no outside party is called. A second run after a
crash makes the same dossier.
"""

from __future__ import annotations

from temporalio import activity

from activities.desk import at_desk
from activities.documents import ZIP, keep_document, write_whole
from activities.dossier import build_dossier
from activities.news import wait_for_news
from activities.world import World
from contract.messages import Next, Perform
from domain import facts as f


class LegalHandOver:
    """The activity that gives a case to legal."""

    def __init__(self, world: World) -> None:
        self.world = world

    @activity.defn(name="legal")
    def legal(self, given: Perform) -> Next:
        """Build and store the dossier, lay a copy out for legal (or say why not now); return the next instruction."""
        with at_desk(self.world, given.case_id, given.at) as desk:
            if answer := desk.guard(given):
                return answer
            if deferred := wait_for_news(desk, given.step):
                return desk.conclude_with(given, deferred)
            content = build_dossier(desk)
            name = f"dossie-{desk.row.id}.zip"
            document = keep_document(self.world, desk.conn, desk.row.id, "dossier", name, ZIP, content, desk.now)
            write_whole(self.world.letters.parent / "legal" / f"{desk.row.id}.zip", content)
            return desk.conclude_with(given, f.HandedOver(str(document)))

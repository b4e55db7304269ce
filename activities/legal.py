"""`legal` and `agency`: the hand-over of a whole case, as one dossier that can be checked without us.

A lawyer and an agency get the same thing the same way; what differs is who is told afterwards, and by which step.
"""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID

from temporalio import activity

from activities import parcels
from activities.desk import Desk
from activities.documents import ZIP, keep_document, read_document
from activities.dossier import build_dossier
from activities.news import wait_for_news
from activities.outside import Prepared, hand_over
from activities.world import World
from contract.messages import Next, Perform
from domain import facts as f
from domain.outside import known_at_hand_over
from domain.outside_facts import Hands
from gateways.partners import Parcel


class LegalHandOver:
    """The activities that give a case to legal or to an agency."""

    def __init__(self, world: World) -> None:
        self.world = world

    @activity.defn(name="legal")
    def legal(self, given: Perform) -> Next:
        """Build, store and hand over the dossier to legal (or say why not now); return the next instruction."""
        return hand_over(self.world, given, "legal", lambda desk: self._dossier(desk, given.step, "legal"))

    @activity.defn(name="agency")
    def agency(self, given: Perform) -> Next:
        """The same to an outside agency."""
        return hand_over(self.world, given, "agency", lambda desk: self._dossier(desk, given.step, "agency"))

    def _dossier(self, desk: Desk, step: str, to: Hands) -> Prepared | f.Told:
        if deferred := wait_for_news(desk, step):
            return deferred
        case = desk.row.id
        document, content = self._may_be_there(desk, step, to) or self._fresh(desk)
        told = f.HandedOver(str(document), to, step, tuple(known_at_hand_over(desk.case, to)))
        return Parcel(document, case, "dossier", f"{case}.zip", ZIP, content), lambda _way: told

    def _fresh(self, desk: Desk) -> tuple[UUID, bytes]:
        content, case = build_dossier(desk), desk.row.id
        name = f"dossie-{case}.zip"
        return keep_document(self.world, desk.conn, case, "dossier", name, ZIP, content, desk.now), content

    def _may_be_there(self, desk: Desk, step: str, to: Hands) -> tuple[UUID, bytes] | None:
        """The dossier of an earlier call that nobody answered: a new one would be a second one there."""
        for row in parcels.in_doubt(desk.conn, desk.row.id, to, step):
            with suppress(FileNotFoundError):
                return row.id, read_document(self.world, desk.conn, row.id)
        return None

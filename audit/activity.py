"""What the auditor's side does by the clock of the office: archive histories, seal the day's anchor.

Both belong to no case; a scheduled workflow calls them (`activity.defn` names `archive` and `anchor`).
"""

from __future__ import annotations

import asyncio
from uuid import UUID

import structlog
from temporalio import activity
from temporalio.client import Client

from activities.world import World
from audit.anchor import load_keys, make_anchor
from audit.archive import Archivist, wanting
from contract.messages import EvidenceReport
from gateways.settings import Settings

log = structlog.get_logger("audit")


class Evidence:
    """The two scheduled activities."""

    def __init__(self, world: World, client: Client, settings: Settings) -> None:
        self.world, self.client, self.settings = world, client, settings

    @activity.defn(name="archive")
    async def archive(self) -> EvidenceReport:
        """Archive closed cases that are not yet, and long open ones."""
        cases = await asyncio.to_thread(self._wanting)
        archivist = Archivist(self.client, self.world.engine, self.world.documents, self.world.now)
        archived = await archivist.archive_all(cases)
        if archived.missing:
            log.warning("histories neither archived nor on the server", runs=list(archived.missing[:100]))
        return EvidenceReport(archived=archived.added, missing=len(archived.missing))

    def _wanting(self) -> list[UUID]:
        with self.world.engine.connect() as conn:
            return list(conn.execute(wanting(self.world.clock, self.world.now())).scalars())

    @activity.defn(name="anchor")
    def anchor(self) -> EvidenceReport:
        """Seal the day's anchor into the folder of the anchors; without a key nothing is made, and the log says so."""
        keys = load_keys(self.settings)
        if keys is None:
            log.warning("no anchor was made: REGUA_ANCHOR_KEY is not set")
            return EvidenceReport()
        anchor, path = make_anchor(self.world.engine, keys, self.world.now(), self.settings.anchors_dir)
        log.info("anchor made", number=anchor.seal.number, cases=anchor.seal.cases, file=path.name)
        return EvidenceReport(anchored=anchor.seal.cases)

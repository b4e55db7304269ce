"""What is done about personal data by the clock of the office: list, or where it is switched on erase, what is due."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import structlog
from temporalio import activity

from activities.world import World
from contract.messages import RetentionReport
from domain.errors import Refused
from domain.retention import Rule
from gateways.settings import Settings
from privacy import strangers
from privacy.erasure import OFFICE, RETENTION, due, erase, leftovers, remove_files
from privacy.periods import load_rules

log = structlog.get_logger("privacy")
REASON = "prazo de guarda encerrado"


class Retention:
    """The weekly errand."""

    def __init__(self, world: World, settings: Settings) -> None:
        self.world, self.settings = world, settings

    @activity.defn(name="retention")
    def retention(self) -> RetentionReport:
        """Count of whom something may be erased; erase it where REGUA_ERASE_AUTOMATICALLY says so.

        Files that an earlier erasure left behind, because its process died, go too. Only counts are logged.
        """
        rules, now, world = load_rules(self.settings), self.world.now(), self.world
        with world.engine.connect() as conn:
            files = sum(remove_files(conn, world.documents, world.letters, debtor) for debtor in leftovers(conn, now))
            plans = due(conn, rules, now.astimezone(OFFICE).date())
        erased = 0
        for plan in plans if self.settings.erase_automatically else ():
            try:
                with world.engine.begin() as conn:
                    erase(conn, plan.debtor, rules, RETENTION, REASON, now)
            except Refused:  # a case was opened, or a hold set, since it was listed
                continue
            with world.engine.connect() as conn:
                files += remove_files(conn, world.documents, world.letters, plan.debtor)
            erased += 1
        unknown, more = self._strangers(rules, now.astimezone(OFFICE).date())
        log.info("retention", due=len(plans), erased=erased, files=files + more, strangers=unknown)
        return RetentionReport(len(plans), erased, files + more, unknown)

    def _strangers(self, rules: Sequence[Rule], today: date) -> tuple[int, int]:
        """How much of people whom nobody knows is due, and how many files went."""
        with self.world.engine.begin() as conn:
            found = strangers.due(conn, rules, today)
            if self.settings.erase_automatically:
                strangers.erase(conn, found)
        with self.world.engine.connect() as conn:
            return found.count, strangers.remove_files(conn, self.world.documents)

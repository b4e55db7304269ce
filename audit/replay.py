"""The replay of cases: histories on today's code, decisions by today's rules, and every record against every other.

Cases are taken in small groups, each group in one of several processes; nothing is kept of a group but its findings.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Engine
from temporalio.client import Client
from temporalio.service import RPCError

from audit.archive import fetch_runs, gaps, runs_of
from audit.book import Book, open_book, snapshot
from audit.chain import check_chain
from audit.compare import compare
from audit.documents import check_documents
from audit.findings import Finding
from audit.histories import LIVE, Run, against_ledger, readable, replay
from audit.refold import Refold
from audit.report import Report
from audit.tables import IndexTables
from db.engine import make_engine, read_clock
from gateways.codec import Codec, load_codec
from gateways.documents import DocumentStore
from gateways.settings import Settings
from gateways.temporal import connect

WHAT = "Repetição dos casos"
GROUP = 20
"""Cases that one process takes at a time: enough to share a replayer, few enough for a moving progress bar."""
AWAY = "o Temporal não responde: só os históricos arquivados foram repetidos"


@dataclass(frozen=True)
class Source:
    """Where a process finds what it audits. `live`: histories that are not archived are asked of the server."""

    settings: Settings
    database: str
    live: bool


class Auditor:
    """What one process audits with."""

    def __init__(self, engine: Engine, store: DocumentStore, client: Client | None, codec: Codec | None = None) -> None:
        self.engine, self.store, self.client = engine, store, client
        self.codec = codec or Codec(None)  # without keys, an encrypted history is a finding
        self.clock = read_clock(engine)

    async def group(self, cases: Sequence[UUID]) -> Report:
        """Audit some cases."""
        began = time.monotonic()
        total, runs = Report(WHAT), list[Run]()
        with self.engine.connect() as conn:
            tables = IndexTables(conn)
        for case_id in cases:
            report, mine = await self._case(case_id, tables)
            total, runs = total + report, runs + mine
        found = [finding async for finding in replay(runs)]
        return total.with_findings(found) + Report(WHAT, histories=len(runs), seconds=time.monotonic() - began)

    async def _case(self, case_id: UUID, tables: IndexTables) -> tuple[Report, list[Run]]:
        with snapshot(self.engine) as conn:
            book = open_book(conn, case_id)
            archived, unreadable = runs_of(book, self.store)
            runs, more = await self.with_live(book, archived)
            if not any(run.source == LIVE for run in runs):
                return self._compared(book, runs, [*unreadable, *more], tables)
        # The server's histories are older than what is read now: the books must hold whatever they hold.
        with snapshot(self.engine) as conn:
            return self._compared(open_book(conn, case_id), runs, [*unreadable, *more], tables)

    def _compared(
        self, book: Book, runs: list[Run], found: list[Finding], tables: IndexTables
    ) -> tuple[Report, list[Run]]:
        """Every record of a case against every other, and the runs that can be read."""
        refold = Refold(book, tables)
        live = {run.generation for run in runs if run.source == LIVE}
        findings = [*check_chain(book), *refold.run(), *compare(book), *check_documents(book, self.store), *found]
        findings += gaps(book, self.clock.business(datetime.now(UTC)), live)
        runs, closed = readable(runs, self.codec)
        findings += [*closed, *against_ledger(book, runs)]
        report = Report(WHAT, 1, len(book.ledger), refold.decided, documents=len(book.documents))
        return report.with_findings(findings), runs

    async def with_live(self, book: Book, archived: list[Run]) -> tuple[list[Run], list[Finding]]:
        """The archived runs, completed by those that only the server has, and what is wrong with that."""
        runs, findings = list[Run](), list[Finding]()
        for generation in sorted({row.generation for row in book.instructions}):
            mine = [run for run in archived if run.generation == generation]
            if self.client and not any(run.completed for run in mine):
                live = await self._live(self.client, book, generation, mine)
                findings += [_regrown(run) for run in mine if _contradicts(run, live)]
                newer = {run.history.run_id for run in live}
                mine = [run for run in mine if run.history.run_id not in newer] + live
            if not mine:
                kind: Any = "difference" if self.client else "note"
                text = f"não há histórico da geração {generation}, nem arquivado nem no servidor"
                findings.append(Finding(book.name, "history", text, kind=kind))
            runs += mine
        return runs, findings

    async def _live(self, client: Client, book: Book, generation: int, mine: Sequence[Run]) -> list[Run]:
        done = {run.history.run_id: run.part for run in mine if run.closed}
        found = await fetch_runs(client, book.id, generation, done)
        return [Run(book.name, generation, part, history, LIVE) for part, history in found]


def _contradicts(archived: Run, live: Sequence[Run]) -> bool:
    """Is an archived history not the beginning of the same run as the server has it?"""
    same = next((run for run in live if run.history.run_id == archived.history.run_id), None)
    events = archived.history.events
    return same is not None and list(same.history.events[: len(events)]) != list(events)


def _regrown(run: Run) -> Finding:
    return Finding(run.case_id, "history", f"{run.name} não é o começo do histórico que o servidor tem")


# --- many cases ------------------------------------------------------------------------------------------------------
def replay_cases(
    source: Source, cases: Sequence[UUID], workers: int, progress: Callable[[int], object] = lambda _: None
) -> Report:
    """Audit many cases in `workers` processes; `progress` is told how many more are done."""
    began, total = time.monotonic(), Report(WHAT)
    groups = [cases[start : start + GROUP] for start in range(0, len(cases), GROUP)]
    for report in _reports(source, groups, workers):
        total += report
        progress(report.cases)
    notes = () if source.live else (Finding("", "history", AWAY, kind="note"),)
    told = total.with_findings(notes)
    return Report(
        WHAT, told.cases, told.entries, told.decisions, told.histories, told.documents, told.findings,
        time.monotonic() - began,
    )  # fmt: skip


def _reports(source: Source, groups: Sequence[Sequence[UUID]], workers: int) -> Iterator[Report]:
    if workers <= 1 or len(groups) <= 1:
        _begin(source)
        try:
            yield from map(_work, groups)
        finally:
            _end()
        return
    with multiprocessing.get_context("spawn").Pool(min(workers, len(groups)), _begin, (source,)) as pool:
        yield from pool.imap_unordered(_work, groups)


_HERE: dict[str, Any] = {}
"""Of this process: its event loop and its auditor. A process of the pool serves one audit."""


def _begin(source: Source) -> None:
    loop = asyncio.new_event_loop()
    engine = make_engine(source.database, pool_size=2)
    client = loop.run_until_complete(connect(source.settings)) if source.live else None
    codec = load_codec(source.settings)
    _HERE.update(loop=loop, auditor=Auditor(engine, DocumentStore(source.settings.documents_dir), client, codec))


def _work(cases: Sequence[UUID]) -> Report:
    report: Report = _HERE["loop"].run_until_complete(_HERE["auditor"].group(cases))
    return report


def _end() -> None:
    _HERE["auditor"].engine.dispose()
    _HERE["loop"].close()
    _HERE.clear()


async def answers(settings: Settings) -> bool:
    """Does the Temporal server answer?"""
    try:
        client = await connect(settings)
        return bool(await client.service_client.check_health())
    except (RuntimeError, RPCError):
        return False

"""The archive of histories: what Temporal keeps for some weeks, kept for as long as the evidence is wanted.

Each run of each generation of a case is one file: its history as JSON (the form that Temporal's own tools read),
compressed with zlib, in the document store under its SHA-256; a row says which run it is and what its SHA-256 was.
"""

from __future__ import annotations

import asyncio
import hashlib
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, Row, Select, func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from temporalio.client import Client, WorkflowHistory
from temporalio.service import RPCError, RPCStatusCode

from audit.book import Book, open_book
from audit.findings import Finding
from audit.histories import ARCHIVED, Run, ended, previous_run, started_as
from contract.names import case_workflow_id
from db.rows import ARCHIVE, CASE
from domain.clock import Clock
from domain.decide import Action
from gateways.documents import DocumentStore

LONG_OPEN = timedelta(days=15)
"""Real time: an open case is archived again after that, so that a server's retention or loss never costs more than this
much of a history."""
GRACE = timedelta(days=2)
"""Within that time after its close a case must be archived."""
_LONGEST = timedelta(days=36_500)
"""In business time, which a scaled clock takes far back in no real time at all."""
_AT_ONCE, _PAGE = 10, 1000
_LATER_GENERATIONS = 5
"""A generation whose workflow was opened but never decided leaves its number unused (`activities.courier`)."""


@dataclass(frozen=True)
class Archived:
    """What one archiving did: runs newly archived, runs that stood already, cases whose history nobody has."""

    added: int = 0
    known: int = 0
    missing: tuple[str, ...] = ()

    def __add__(self, other: Archived) -> Archived:
        return Archived(self.added + other.added, self.known + other.known, self.missing + other.missing)


# --- writing ---------------------------------------------------------------------------------------------------------
class Archivist:
    """Archives histories. `now` is business time, aware."""

    def __init__(self, client: Client, engine: Engine, store: DocumentStore, now: Callable[[], datetime]) -> None:
        self.client, self.engine, self.store, self.now = client, engine, store, now

    async def archive(self, case_id: UUID) -> Archived:
        """Archive the whole life of a case: every generation, every run.

        What stands there already is not fetched or stored again. Raises `RPCError` where the server is away.
        """
        kept, decided, last = await asyncio.to_thread(self._known, case_id)
        total = Archived()
        for generation in range(1, last + 1 + _LATER_GENERATIONS):
            mine = [row for row in kept if row.generation == generation]
            done = {row.run_id: row.part for row in mine if row.closed}
            runs = await fetch_runs(self.client, case_id, generation, done)
            if not runs and not mine and generation > last:
                break
            added = await asyncio.to_thread(self._store, case_id, generation, runs)
            lost = (f"{case_id}:{generation}",) if not runs and not mine and generation in decided else ()
            total += Archived(added, len(runs) - added + len(done), lost)
        return total

    def _known(self, case_id: UUID) -> tuple[Sequence[Row[Any]], set[int], int]:
        with self.engine.connect() as conn:
            book = open_book(conn, case_id)
            return book.archives, {row.generation for row in book.instructions}, book.row.generation

    def _store(self, case_id: UUID, generation: int, runs: Sequence[tuple[int, WorkflowHistory]]) -> int:
        with self.engine.begin() as conn:
            return sum(put(conn, self.store, case_id, generation, *run, self.now()) for run in runs)

    async def archive_all(self, cases: Sequence[UUID], progress: Callable[[], object] = lambda: None) -> Archived:
        """Archive many cases, some at a time."""
        total, limit = Archived(), asyncio.Semaphore(_AT_ONCE)

        async def one(case_id: UUID) -> Archived:
            async with limit:
                done = await self.archive(case_id)
            progress()
            return done

        for start in range(0, len(cases), _PAGE):
            for done in await asyncio.gather(*map(one, cases[start : start + _PAGE])):
                total += done
        return total


def put(
    conn: Connection, store: DocumentStore, case_id: UUID, generation: int, part: int, history: WorkflowHistory,
    now: datetime,
) -> bool:  # fmt: skip
    """Archive one run's history in the caller's transaction. False where it stood there with as many events."""
    text = history.to_json().encode()
    row = {
        "case_id": case_id, "generation": generation, "run_id": history.run_id, "events": len(history.events),
        "part": part, "closed": ended(history.events), "sha256": hashlib.sha256(text).hexdigest(),
        "document": store.put(zlib.compress(text, 9)), "archived_at": now,
    }  # fmt: skip
    key = ["case_id", "generation", "run_id", "events"]
    added = upsert(ARCHIVE).values(row).on_conflict_do_nothing(index_elements=key).returning(ARCHIVE.c.part)
    return conn.execute(added).one_or_none() is not None


async def fetch_runs(
    client: Client, case_id: UUID, generation: int, done: Mapping[str, int]
) -> list[tuple[int, WorkflowHistory]]:
    """The runs of a generation that the server still has, oldest first, numbered as parts of one life.

    Runs in `done` (id to part) are not fetched again, nor are those before them.
    """
    found, run_id = list[WorkflowHistory](), ""
    while True:
        handle = client.get_workflow_handle(case_workflow_id(case_id, generation), run_id=run_id or None)
        try:
            if not run_id and done and (run_id := (await handle.describe()).run_id) in done:
                break
            history = await handle.fetch_history()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            break
        found.insert(0, history)
        run_id = previous_run(history.events)
        if not run_id or run_id in done:
            break
    return list(enumerate(found, done.get(run_id, 0) + 1))


def wanting(clock: Clock, now: datetime) -> Select[Any]:
    """Cases that are to be archived at a moment (business time): closed ones that are not, and long open ones."""
    long_ago = now - min(LONG_OPEN * clock.scale, _LONGEST)
    mine = ARCHIVE.c.case_id == CASE.c.id
    whole = select(ARCHIVE.c.part).where(mine, ARCHIVE.c.generation == CASE.c.generation, ARCHIVE.c.closed).exists()
    newest = select(func.max(ARCHIVE.c.archived_at)).where(mine).scalar_subquery()
    grown = (CASE.c.stage != "closed") & (func.coalesce(newest, CASE.c.opened_at) < long_ago)
    found = select(CASE.c.id).where(CASE.c.ledger_seq > 0, ((CASE.c.stage == "closed") & ~whole) | grown)
    return found.order_by(CASE.c.id)


# --- reading ---------------------------------------------------------------------------------------------------------
class UnreadableError(Exception):
    """An archived history that is gone or is not what it was; the text says which and how (pt-BR)."""


def read(store: DocumentStore, row: Row[Any]) -> WorkflowHistory:
    """The history behind an archive's row, checked against both its hashes. Raises `UnreadableError`."""
    name = f"o histórico arquivado da geração {row.generation}, parte {row.part},"
    try:
        packed = store.get(row.document)
    except FileNotFoundError:
        raise UnreadableError(f"{name} sumiu do depósito de documentos") from None
    if hashlib.sha256(packed).hexdigest() != row.document:
        raise UnreadableError(f"{name} foi alterado: o arquivo não tem o seu SHA-256")
    try:
        text = zlib.decompress(packed)
    except zlib.error:
        raise UnreadableError(f"{name} não pode ser descomprimido") from None
    if hashlib.sha256(text).hexdigest() != row.sha256:
        raise UnreadableError(f"{name} foi trocado: o conteúdo não tem o SHA-256 que a linha guarda")
    history = WorkflowHistory.from_json(case_workflow_id(row.case_id, row.generation), text.decode())
    if started_as(history) not in (("", row.run_id), (history.workflow_id, row.run_id)):
        raise UnreadableError(f"{name} foi trocado: é o histórico de outro caso ou de outra execução")
    return history


def runs_of(book: Book, store: DocumentStore) -> tuple[list[Run], list[Finding]]:
    """The archived runs of a case that can be read, and what is wrong with the others."""
    runs, findings = list[Run](), list[Finding]()
    for row in book.archives:
        try:
            history = read(store, row)
        except UnreadableError as error:
            findings.append(Finding(book.name, "archive", str(error)))
            continue
        runs.append(Run(book.name, row.generation, row.part, history, ARCHIVED))
    return runs, findings


def gaps(book: Book, now: datetime, live: Collection[int] = ()) -> list[Finding]:
    """Archives that must be there and are not: of a case closed for some time, and of what others continue.

    `live` are generations whose history the server still has.
    """
    found, have = list[Finding](), {(row.generation, row.part) for row in book.archives}
    for generation, part in sorted(have):
        missing = [(generation, other) for other in range(1, part) if (generation, other) not in have]
        text = "falta o histórico da parte {1} da geração {0}, que outra continua"
        found += [_missing(book, text.format(*number)) for number in missing]
    archived = {generation for generation, _ in have} | set(live)
    for generation, last in _last_decisions(book).items():
        over = last.body["action"] == Action.CLOSE and now - last.business_at > GRACE
        if over and generation not in archived:
            found.append(_missing(book, f"não há histórico da geração {generation}, já encerrada"))
    return found


def _last_decisions(book: Book) -> dict[int, Row[Any]]:
    """The last decision of each generation."""
    pairs = zip(book.instructions, book.of_kind("decided"), strict=False)
    return {instruction.generation: entry for instruction, entry in pairs}


def _missing(book: Book, text: str) -> Finding:
    return Finding(book.name, "archive", text)

"""Verification: chains, documents, archives and all rows of cases, without replaying anything; then the anchors."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, Engine

from audit.anchor import AnchorFile, Keys, check_anchor, check_anchors
from audit.archive import gaps, runs_of
from audit.book import Book, open_book, snapshot
from audit.chain import check_chain
from audit.compare import compare
from audit.documents import check_documents
from audit.report import Report
from gateways.documents import DocumentStore

WHAT = "Verificação dos livros"


def verify_case(book: Book, store: DocumentStore, now: datetime) -> Report:
    """Verify one case. `now` is business time, aware."""
    runs, unreadable = runs_of(book, store)
    findings = [*check_chain(book), *compare(book), *check_documents(book, store), *unreadable, *gaps(book, now)]
    return Report(
        WHAT, 1, len(book.ledger), histories=len(runs), documents=len(book.documents), findings=tuple(findings)
    )


def verify(
    engine: Engine,
    store: DocumentStore,
    cases: Sequence[UUID],
    now: datetime,
    anchors: Sequence[AnchorFile] = (),
    keys: Keys | None = None,
    *,
    everything: bool = False,
    progress: Callable[[int], object] = lambda _: None,
) -> Report:
    """Verify cases, and what anchors say of them (of all cases where `everything`)."""
    began, total = time.monotonic(), Report(WHAT)
    for case_id in cases:
        with snapshot(engine) as conn:
            total += verify_case(open_book(conn, case_id), store, now)
        progress(1)
    with snapshot(engine) as conn:
        total = total.with_findings(check_anchors(conn, keys))
        for anchor in anchors:
            total = total.with_findings(check_anchor(conn, anchor, keys, None if everything else set(cases)))
    return total + Report(WHAT, seconds=time.monotonic() - began)


def verify_one(conn: Connection, store: DocumentStore, case_id: UUID, now: datetime) -> Report:
    """Verify one case on a connection of the caller's."""
    return verify_case(open_book(conn, case_id), store, now)

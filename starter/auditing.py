"""What the audit commands do in an installation: find cases, reach the server where it is there, read, report."""

from __future__ import annotations

import asyncio
import hashlib
import io
import zipfile
from collections.abc import Callable, Sequence
from datetime import datetime, time
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from audit.anchor import load_keys, make_anchor, read_anchor
from audit.archive import Archivist, runs_of, wanting
from audit.book import case_ids, open_book, snapshot
from audit.export import build_export
from audit.forms import timeline_data, timeline_html, timeline_lines
from audit.histories import Run, readable
from audit.replay import Auditor, Source, answers, replay_cases
from audit.report import Report
from audit.timeline import build
from audit.verify import verify as verify_cases
from domain.errors import BadInput, Refused
from gateways.codec import load_codec
from gateways.documents import DocumentStore, write_whole
from gateways.temporal import connect
from starter.forms import Form
from starter.installation import OFFICE, Installation, database_url, installation, temporal, world_of
from starter.lookup import find_case

Progress = Callable[..., Any]


def _cases(house: Installation, named: Sequence[str], since: str = "") -> list[UUID]:
    """The cases that are named, or all that have a ledger; `since`: a day, as people write it."""
    with house.engine.connect() as conn:
        if named:
            if since:
                raise BadInput("--since: it chooses among all cases; use it with --all")
            return [_begun(conn, text) for text in named]
        day = Form({"desde": since}, house.today).day("desde") if since else None
        return case_ids(conn, datetime.combine(day, time(0), OFFICE) if day else None)


def _begun(conn: Connection, text: str, creditor: str = "") -> UUID:
    row = find_case(conn, text, creditor)
    if not row.ledger_seq:
        raise Refused("not-begun", f"case {row.id} has not begun; there is nothing to audit yet")
    case_id: UUID = row.id
    return case_id


def archive(named: Sequence[str], progress: Progress) -> dict[str, Any]:
    """Archive the histories of these cases; of those that the nightly archive would take, where none is named."""

    async def run(house: Installation) -> dict[str, Any]:
        client = await temporal(house.settings)
        with house.engine.connect() as conn:
            cases = list(conn.execute(wanting(house.clock, house.now)).scalars()) if not named else []
        cases += _cases(house, named) if named else []
        progress(total=len(cases))
        archivist = Archivist(client, house.engine, _store(house), lambda: house.now)
        done = await archivist.archive_all(cases, lambda: progress(1))
        return {"cases": len(cases), "added": done.added, "known": done.known, "missing": list(done.missing)}

    with installation() as house:
        return asyncio.run(run(house))


def replay(named: Sequence[str], since: str, workers: int, progress: Progress) -> tuple[Report, datetime]:
    """Replay cases; the report and the moment of it, in the office's time."""
    with installation() as house:
        cases = _cases(house, named, since)
        progress(total=len(cases))
        live = asyncio.run(answers(house.settings))
        source = Source(house.settings, database_url(house.settings), live)
        return replay_cases(source, cases, workers, progress), house.now.astimezone(OFFICE)


def verify(named: Sequence[str], anchors: Sequence[Path], progress: Progress) -> tuple[Report, datetime]:
    """Verify cases, all where none is named; the report and the moment of it, in the office's time."""
    with installation() as house:
        keys, known = load_keys(house.settings), [read_anchor(path) for path in anchors]
        cases = _cases(house, named)
        progress(total=len(cases))
        report = verify_cases(
            house.engine, _store(house), cases, house.now, known, keys, everything=not named, progress=progress
        )
        return report, house.now.astimezone(OFFICE)


def anchor(out: Path | None) -> dict[str, Any]:
    """Make an anchor; where it lies and what it covers. Raises `BadInput` without a key."""
    with installation() as house:
        keys = load_keys(house.settings)
        if keys is None:
            raise BadInput("there is no anchor key; set REGUA_ANCHOR_KEY or REGUA_ANCHOR_KEY_FILE")
        made, path = make_anchor(house.engine, keys, house.now, out or house.settings.anchors_dir)
        seal = made.seal
        return {
            "number": seal.number, "path": str(path), "cases": seal.cases, "archives": seal.archives,
            "root": seal.root, "key_id": seal.key_id, "mac": made.mac,
        }  # fmt: skip


def timeline(case: str, creditor: str, on: str) -> tuple[dict[str, Any], Sequence[str], str]:
    """The timeline of a case as data, as lines and as a page; `on`: the last day, as people write it."""
    with installation() as house, snapshot(house.engine) as conn:
        until = Form({"em": on}, house.today).past_day("em") if on else None
        book = open_book(conn, _begun(conn, case, creditor))
        life = build(book, house.clock, until, house.today)
        return timeline_data(life), timeline_lines(life), timeline_html(life, house.now.astimezone(OFFICE))


def export(case: str, creditor: str, out: Path) -> dict[str, Any]:
    """Write the export of a case; where it lies and its SHA-256."""
    with installation() as house, world_of(house) as world:
        with house.engine.connect() as conn:
            case_id = _begun(conn, case, creditor)
        runs = asyncio.run(_runs(house, case_id))
        with snapshot(house.engine) as conn:
            book = open_book(conn, case_id)
            content = build_export(world, book, runs, house.now, house.today)
        write_whole(out, content)
        return {
            "case": case_id, "path": str(out), "sha256": hashlib.sha256(content).hexdigest(), "size": len(content),
            "histories": len(runs), "files": _count(content),
        }  # fmt: skip


async def _runs(house: Installation, case_id: UUID) -> list[Run]:
    """Every run of a case that is archived or that the server still has."""
    live = await answers(house.settings)
    client = await connect(house.settings) if live else None
    with house.engine.connect() as conn:
        book = open_book(conn, case_id)
        archived, _ = runs_of(book, _store(house))
        auditor = Auditor(house.engine, _store(house), client, load_codec(house.settings))
        runs, _ = await auditor.with_live(book, archived)
    plain, closed = readable(runs, auditor.codec)
    if closed:
        raise BadInput("\n".join(finding.line() for finding in closed))
    return plain


def _store(house: Installation) -> DocumentStore:
    return DocumentStore(house.settings.documents_dir)


def _count(content: bytes) -> int:
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        return len(packed.namelist())

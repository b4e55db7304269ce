"""Lives on the real server, audited: archived once, replayed, compared with their books, and exported."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from people import short_ladder
from sqlalchemy import select, text, update
from temporalio.client import WorkflowHistory

from audit.activity import Evidence
from audit.archive import Archivist, put, read, wanting
from audit.book import line_of, open_book
from audit.export import build_export
from audit.histories import instructions
from audit.replay import Auditor
from db.rows import ARCHIVE, CASE, INSTRUCTION, LEDGER
from domain import facts as f
from domain.ledger import chain
from gateways.settings import Settings

pytestmark = pytest.mark.asyncio(loop_scope="session")
STEPS = "  - {id: um, at: due + 1d, do: contact, by: [email], text: atraso-cordial}\n"


async def reopened(office: Any) -> Any:
    """A case that was reminded, paid and closed, and whose payment came back: two generations."""
    life = await office.open(short_ladder(STEPS), due_in=-1)
    await life.until(lambda _: "contact_sent" in life.book())
    await life.tell(f.PaymentReceived("pix-1", Decimal("1100.00"), await life.today()))
    await life.until(lambda row: row.stage == "closed")
    await life.handle.result()
    await life.tell(f.PaymentReversed("pix-1", await life.today()))
    assert life.row().generation == 2
    return life


def archivist(office: Any, engine: Any) -> Archivist:
    return Archivist(office.client, engine, office.world.documents, lambda: datetime.now(UTC))


async def audited(office: Any, life: Any, *, live: bool = True) -> Any:
    client = office.client if live else None
    return await Auditor(office.world.engine, office.world.documents, client).group([life.ids.case])


async def test_a_life_is_archived_once_with_all_its_generations_and_replays(office, engine) -> None:
    life = await reopened(office)
    done = await archivist(office, engine).archive(life.ids.case)
    assert (done.added, done.known, done.missing) == (2, 0, ())
    again = await archivist(office, engine).archive(life.ids.case)
    assert (again.added, again.known) == (0, 2)
    with engine.connect() as conn:
        rows = open_book(conn, life.ids.case).archives
        assert [(row.generation, row.part, row.closed) for row in rows] == [(1, 1, True), (2, 1, False)]
        kept = [read(office.world.documents, row) for row in rows]
    assert [order.seq for order in instructions(kept[0])] == list(range(1, life_seq(kept[0]) + 1))
    for live in (True, False):
        report = await audited(office, life, live=live)
        assert report.of("difference") == []
        assert report.histories == 2


def life_seq(history: WorkflowHistory) -> int:
    return max(order.seq for order in instructions(history))


async def test_a_live_history_that_was_never_archived_is_replayed_too(office) -> None:
    life = await reopened(office)
    report = await audited(office, life)
    assert (report.of("difference"), report.histories) == ([], 2)
    away = await audited(office, life, live=False)
    assert [finding.kind for finding in away.findings if finding.area == "history"] == ["note", "note"]


async def test_a_rewritten_decision_is_not_the_instruction_of_the_history(office, engine) -> None:
    """Ledger, chain, case and instruction row all agree with the forger; the history does not."""
    life = await reopened(office)
    with engine.begin() as conn:
        conn.execute(text("ALTER TABLE ledger DISABLE TRIGGER USER"))
        entry = open_book(conn, life.ids.case).of_kind("decided")[0]
        body = entry.body | {"reason": "step dois"}
        mine = (LEDGER.c.case_id == life.ids.case) & (LEDGER.c.seq == entry.seq)
        conn.execute(update(LEDGER).where(mine).values(body=body))
        told = (INSTRUCTION.c.case_id == life.ids.case) & (INSTRUCTION.c.generation == 1) & (INSTRUCTION.c.seq == 1)
        whole = conn.execute(select(INSTRUCTION.c.body).where(told)).scalar_one()
        conn.execute(update(INSTRUCTION).where(told).values(body=whole | {"reason": "step dois"}))
        previous = ""
        for row in open_book(conn, life.ids.case).ledger:
            digest = chain(previous, line_of(row))
            mine = (LEDGER.c.case_id == life.ids.case) & (LEDGER.c.seq == row.seq)
            conn.execute(update(LEDGER).where(mine).values(previous_hash=previous, hash=digest))
            previous = digest
        conn.execute(update(CASE).where(CASE.c.id == life.ids.case).values(ledger_hash=previous))
    found = (await audited(office, life)).of("difference")
    assert {finding.entry for finding in found} == {entry.seq}
    assert any("a instrução 1.1 do histórico da geração 1" in finding.text for finding in found)


async def test_an_archived_history_that_the_server_contradicts_is_found(office, engine) -> None:
    life = await reopened(office)
    await archivist(office, engine).archive(life.ids.case)
    with engine.begin() as conn:
        conn.execute(text("ALTER TABLE archive DISABLE TRIGGER USER"))
        mine = (ARCHIVE.c.case_id == life.ids.case) & (ARCHIVE.c.generation == 2)
        history = read(office.world.documents, conn.execute(select(ARCHIVE).where(mine)).one())
        forged = WorkflowHistory.from_json(history.workflow_id, history.to_json().replace("regua-cases", "regua-outra"))
        conn.execute(ARCHIVE.delete().where(mine))
        put(conn, office.world.documents, life.ids.case, 2, 1, forged, datetime.now(UTC))
    found = (await audited(office, life)).of("difference")
    assert ["não é o começo do histórico que o servidor tem" in finding.text for finding in found] == [True]


async def test_the_nightly_archive_takes_what_closed_and_what_is_open_for_long(office, engine) -> None:
    life = await reopened(office)
    evidence = Evidence(office.world, office.client, Settings())
    now = datetime.now(UTC)
    with engine.connect() as conn:
        assert list(conn.execute(wanting(office.world.clock, now)).scalars()) == [life.ids.case], (
            "open since long ago, never archived"
        )
    assert (await evidence.archive()).archived == 2
    with engine.connect() as conn:
        assert list(conn.execute(wanting(office.world.clock, now)).scalars()) == []
        assert list(conn.execute(wanting(office.world.clock, now + timedelta(days=40))).scalars()) == [life.ids.case]
        demo = replace(office.world.clock, scale=28_800.0)
        assert list(conn.execute(wanting(demo, now + timedelta(days=40))).scalars()) == [], "no server forgets so soon"
    assert evidence.anchor().anchored == 0, "no key, no anchor"
    keyed = Settings(anchor_key="k" * 32, anchors_dir=office.world.letters / "anchors")
    assert Evidence(office.world, office.client, keyed).anchor().anchored == 1
    assert len(list((office.world.letters / "anchors").glob("ancora-*.json"))) == 1


async def test_an_export_with_histories_is_checked_by_its_own_script(office, engine, tmp_path: Path) -> None:
    life = await reopened(office)
    auditor = Auditor(engine, office.world.documents, office.client)
    with engine.connect() as conn:
        book = open_book(conn, life.ids.case)
        runs, _ = await auditor.with_live(book, [])
        content = build_export(office.world, book, runs, await life.now(), await life.today())
    path = tmp_path / "caso.zip"
    path.write_bytes(content)
    with zipfile.ZipFile(path) as packed:
        assert {name for name in packed.namelist() if name.startswith("historicos/")} == {
            "historicos/geracao-1-parte-1.json",
            "historicos/geracao-2-parte-1.json",
        }
        script = tmp_path / "conferir.py"
        script.write_bytes(packed.read("conferir.py"))
    command = [sys.executable, "-I", "-S", str(script), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.startswith("tudo confere"), done.stderr) == (0, True, "")

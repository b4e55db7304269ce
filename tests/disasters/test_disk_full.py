"""No room on the disk: nothing is lost, nothing half-written counts, and work goes on once there is room."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
import sqlalchemy.exc
from full_disk import no_room
from people import new_creditor
from sqlalchemy import Engine, Table, func, select

from activities.decide import Decisions
from activities.documents import MANIFEST, Letter, hand_to_mail_house
from activities.notice import Notices
from audit.anchor import Keys, make_anchor
from contract.messages import Decide, Failed
from db.rows import ANCHOR, DOCUMENT, INBOUND, NOTICE, TASK
from domain.clock import PRODUCTION
from gateways.documents import DocumentStore
from gateways.scrub import coded
from sandbox.server import Sandbox, running_sandbox
from starter.inbound import Arrived, File, store
from tests.activities.firm_samples import Office, notifying, open_office

NOW = datetime(2026, 3, 10, 13, 0, tzinfo=UTC)
CONTENT = b"um documento que nao cabe" * 100


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def count(engine: Engine, table: Table) -> int:
    with engine.connect() as conn:
        return conn.execute(select(func.count()).select_from(table)).scalar_one()


# --- the document store ----------------------------------------------------------------------------------------------
def test_a_document_without_room_is_not_there_and_leaves_nothing_behind(tmp_path: Path) -> None:
    documents, source = DocumentStore(tmp_path / "documents"), tmp_path / "extrato.ofx"
    source.write_bytes(CONTENT)
    for put in (lambda: documents.put(CONTENT), lambda: documents.put_file(source)):
        with no_room(), pytest.raises(OSError, match="too large"):
            put()
        assert files(documents.folder) == []
    digest = documents.put(CONTENT)
    assert (documents.put_file(source), documents.get(digest)) == (digest, CONTENT)


# --- a notice --------------------------------------------------------------------------------------------------------
@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path / "sandbox") as sandbox:
        yield sandbox


@pytest.fixture
def office(engine: Engine, sandbox: Sandbox, tmp_path: Path) -> Office:
    return open_office(engine, sandbox, tmp_path, notifying())


def fail(office: Office, error: Exception) -> str:
    """The action's last try failed: what the workflow learns, and what it hands to the next decision; its code."""
    given, code = office.given(), coded(error).type or ""
    failed = Failed(given.action, given.step, code)
    office.next = Decisions(office.world).decide(Decide(given.case_id, 1, given.seq, office.at, (), failed))
    return code


def test_a_notice_whose_letter_finds_no_room_waits_and_goes_out_once_there_is_some(office: Office) -> None:
    engine = office.world.engine
    with no_room(), pytest.raises(OSError, match="too large") as full:
        office.perform(Notices(office.world).notice)
    assert [count(engine, table) for table in (DOCUMENT, NOTICE)] == [0, 0]
    assert office.sent() == []
    assert files(office.world.documents.folder) == []
    assert fail(office, full.value) == "DiskUnavailable"
    assert (office.next.action, office.next.step) == ("notice", "notificacao")
    assert office.next.not_before
    assert office.rows(TASK) == [], "no person has to do anything to the case"
    while not office.book("notice_issued"):
        office.perform(Notices(office.world).notice)
    assert [entry["kind"] for entry in office.sent()] == ["mail"]
    assert [count(engine, table) for table in (DOCUMENT, NOTICE)] == [1, 1]
    (manifest,) = office.world.letters.glob(f"*/{MANIFEST}")
    assert len(manifest.read_text(encoding="utf-8").splitlines()) >= 2


def test_the_mail_house_prints_only_letters_whose_line_and_pdf_are_whole(tmp_path: Path) -> None:
    day, first, second = date(2026, 3, 10), letter(), letter()
    hand_to_mail_house(tmp_path, day, first)
    before = (tmp_path / "2026-03-10" / MANIFEST).read_bytes()
    for room in (8, len(before)):  # the PDF does not fit; the PDF fits and the manifest's next line does not
        with no_room(room), pytest.raises(OSError, match="too large"):
            hand_to_mail_house(tmp_path, day, second)
        assert (tmp_path / "2026-03-10" / MANIFEST).read_bytes() == before
    hand_to_mail_house(tmp_path, day, second)
    hand_to_mail_house(tmp_path, day, second)
    text = (tmp_path / "2026-03-10" / MANIFEST).read_text(encoding="utf-8")
    assert [text.count(f"{each.contact_id}.pdf") for each in (first, second)] == [1, 1]
    assert sorted(path.suffix for path in files(tmp_path) if not path.name.startswith(".")) == [".csv", ".pdf", ".pdf"]


def letter() -> Letter:
    return Letter(
        uuid4(), "Devedora Inventada", ("Rua Fictícia, 10", "01305-000 São Paulo/SP"), b"%PDF-1.4 /Type /Page"
    )


# --- anchors, what debtors attach ------------------------------------------------------------------------------------
def test_a_seal_that_finds_no_room_is_no_seal_and_the_next_one_takes_its_number(engine: Engine, tmp_path: Path) -> None:
    keys, out = Keys({"k1": b"0" * 32}, "k1"), tmp_path / "anchors"
    with no_room(), pytest.raises(OSError, match="too large"):
        make_anchor(engine, keys, NOW, out)
    assert (count(engine, ANCHOR), files(out)) == (0, [])
    anchor, path = make_anchor(engine, keys, NOW, out)
    assert (anchor.seal.number, count(engine, ANCHOR), files(out)) == (1, 1, [path])


def test_a_reply_whose_attachment_finds_no_room_is_taken_when_the_provider_calls_again(
    engine: Engine, tmp_path: Path
) -> None:
    new_creditor(engine)
    documents, arrived = DocumentStore(tmp_path / "documents"), reply()
    with no_room(), pytest.raises(OSError, match="too large"):
        store(engine, PRODUCTION, documents, arrived)
    assert [count(engine, table) for table in (INBOUND, DOCUMENT)] == [0, 0]
    assert store(engine, PRODUCTION, documents, arrived)
    assert [count(engine, table) for table in (INBOUND, DOCUMENT)] == [1, 1]


def reply() -> Arrived:
    file = File("comprovante.pdf", "application/pdf", b"%PDF-1.4 " + CONTENT)
    return Arrived("sendgrid", "m1", "email", "contas@devedora.example.com", "r@respostas.example.com", "paguei",
                   files=(file,))  # fmt: skip


# --- the name of it --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO])
def test_a_disk_that_takes_nothing_is_a_failure_that_passes_and_its_text_is_nobodys_business(number: int) -> None:
    error = coded(OSError(number, os.strerror(number), "/letters/Devedora Inventada.pdf"))
    assert (error.type, error.message, error.non_retryable) == (
        "DiskUnavailable", f"DiskUnavailable {errno.errorcode[number]}", False
    )  # fmt: skip


def test_a_file_that_is_gone_is_for_a_person(office: Office) -> None:
    assert fail(office, FileNotFoundError(errno.ENOENT, "gone")) == "FileNotFoundError"
    assert [task.kind for task in office.rows(TASK)] == ["action-failed"]


def test_a_database_whose_own_disk_is_full_is_one_that_is_away(office: Office) -> None:
    full = sqlalchemy.exc.OperationalError("INSERT", {}, psycopg.errors.DiskFull("no space left"))
    assert coded(full).message == "DatabaseUnavailable 53100"
    assert fail(office, full) == "DatabaseUnavailable"
    assert office.rows(TASK) == []

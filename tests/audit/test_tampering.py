"""Whoever changes, removes, inserts or moves evidence is found, and the culprit is named."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4, uuid5

import pytest
from lived import KEYS, Lived
from sqlalchemy import Connection, insert, select, text, update

from activities.calls import RECORDING
from activities.outbox import content_mac
from activities.replies import ATTACHMENT
from audit.anchor import read_anchor
from audit.book import line_of, open_book
from audit.findings import Finding
from audit.replay import Auditor
from audit.verify import verify
from db.rows import (
    ARCHIVE,
    CASE,
    CONTACT,
    CONTACT_CASE,
    DOCUMENT,
    FACT,
    INBOUND,
    INSTRUCTION,
    LEDGER,
    PAYMENT,
    SCHEDULE,
    WEBHOOK_EVENT,
)
from db.tables import SQLModel
from domain.ledger import chain
from letters.models import Message


def verified(lived: Lived, *, anchored: bool = False) -> list[Finding]:
    """What `audit verify --all` finds."""
    anchors = [read_anchor(lived.anchor)] if anchored else []
    report = verify(lived.engine, lived.store, [lived.firm, lived.paid], lived.now, anchors, KEYS, everything=True)
    return report.of("difference")


async def replayed(lived: Lived) -> list[Finding]:
    """What `audit replay` finds in the firm life, which has no history here."""
    report = await Auditor(lived.engine, lived.store, None).group([lived.firm])
    return report.of("difference")


def entry_of(conn: Connection, case: UUID, kind: str) -> Any:
    """The first entry of a kind."""
    mine = select(LEDGER).where(LEDGER.c.case_id == case, LEDGER.c.kind == kind).order_by(LEDGER.c.seq).limit(1)
    return conn.execute(mine).one()


def unlocked(conn: Connection) -> None:
    """The owner of a database can switch its triggers off."""
    for table in ("ledger", "archive", "anchor"):
        conn.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))


def recompute(conn: Connection, case: UUID) -> None:
    """Make a changed book's chain whole again, and the case's own memory of its end."""
    previous = ""
    for row in conn.execute(select(LEDGER).where(LEDGER.c.case_id == case).order_by(LEDGER.c.seq)).all():
        digest = chain(previous, line_of(row))
        mine = (LEDGER.c.case_id == case) & (LEDGER.c.seq == row.seq)
        conn.execute(update(LEDGER).where(mine).values(previous_hash=previous, hash=digest))
        previous, last = digest, row.seq
    conn.execute(update(CASE).where(CASE.c.id == case).values(ledger_hash=previous, ledger_seq=last))


def shift(conn: Connection, case: UUID, after: int, by: int) -> None:
    """Renumber the entries after one, out of the way of the key first."""
    mine = (LEDGER.c.case_id == case) & (LEDGER.c.seq > after)
    conn.execute(update(LEDGER).where(mine).values(seq=LEDGER.c.seq + 100000))
    moved = (LEDGER.c.case_id == case) & (LEDGER.c.seq > 100000)
    conn.execute(update(LEDGER).where(moved).values(seq=LEDGER.c.seq - 100000 + by))


# --- the ledger ------------------------------------------------------------------------------------------------------
def change(conn: Connection, lived: Lived) -> int:
    row = entry_of(conn, lived.firm, "payment")
    mine = (LEDGER.c.case_id == lived.firm) & (LEDGER.c.seq == row.seq)
    conn.execute(update(LEDGER).where(mine).values(body=row.body | {"amount": "4.00"}))
    return int(row.seq)


def change_with_its_own_hash(conn: Connection, lived: Lived) -> int:
    row = entry_of(conn, lived.firm, "payment")
    body = row.body | {"amount": "4.00"}
    mine = (LEDGER.c.case_id == lived.firm) & (LEDGER.c.seq == row.seq)
    digest = chain(row.previous_hash, replace(line_of(row), body=body))
    conn.execute(update(LEDGER).where(mine).values(body=body, hash=digest))
    return int(row.seq)


def remove(conn: Connection, lived: Lived) -> int:
    row = entry_of(conn, lived.firm, "notice_proved")
    conn.execute(LEDGER.delete().where(LEDGER.c.case_id == lived.firm, LEDGER.c.seq == row.seq))
    return int(row.seq)


def remove_and_renumber(conn: Connection, lived: Lived) -> int:
    seq = remove(conn, lived)
    shift(conn, lived.firm, seq, -1)
    return seq


def insert_one(conn: Connection, lived: Lived) -> int:
    before = entry_of(conn, lived.firm, "notice_issued")
    shift(conn, lived.firm, before.seq, 1)
    body = {"kind": "note", "note_id": "n1"}
    line = replace(line_of(before), seq=before.seq + 1, kind="note", body=body, cause="fact:x", actor="ana")
    values = vars(line) | {"case_id": lived.firm, "previous_hash": before.hash, "hash": chain(before.hash, line)}
    conn.execute(insert(LEDGER).values(values))
    return int(line.seq)


def swap(conn: Connection, lived: Lived) -> int:
    row = entry_of(conn, lived.firm, "notice_issued")
    mine = LEDGER.c.case_id == lived.firm
    for seq, to in ((row.seq, 100000), (row.seq + 1, row.seq), (100000, row.seq + 1)):
        conn.execute(update(LEDGER).where(mine, LEDGER.c.seq == seq).values(seq=to))
    return int(row.seq)


@pytest.mark.parametrize(
    ("tamper", "words"),
    [
        (change, "foi alterado"),
        (change_with_its_own_hash, "foi trocado e recebeu um hash novo"),
        (remove, "foi removido"),
        (remove_and_renumber, "foi removido"),
        (insert_one, "foi inserido"),
        (swap, "foi trocado de lugar"),
    ],
)
def test_a_broken_chain_names_the_entry_and_what_was_done_to_it(
    lived: Lived, tamper: Callable[[Connection, Lived], int], words: str
) -> None:
    with lived.engine.begin() as conn:
        unlocked(conn)
        culprit = tamper(conn, lived)
    named = {finding.entry: finding.text for finding in verified(lived) if finding.area == "chain"}
    assert words in named[culprit]
    assert all(abs(entry - culprit) <= 1 for entry in named if entry < 30), "only the culprit and its neighbour"


def test_a_cut_tail_is_seen_from_the_case_itself(lived: Lived) -> None:
    with lived.engine.begin() as conn:
        unlocked(conn)
        end = open_book(conn, lived.firm).ledger[-1].seq
        conn.execute(LEDGER.delete().where(LEDGER.c.case_id == lived.firm, LEDGER.c.seq >= end - 1))
    found = [finding for finding in verified(lived) if finding.area == "chain"]
    assert [(finding.entry, "fim foi cortado" in finding.text) for finding in found] == [(end - 1, True)]


# --- a chain made whole again ----------------------------------------------------------------------------------------
def test_a_recomputed_chain_still_contradicts_the_fact_that_was_told(lived: Lived) -> None:
    with lived.engine.begin() as conn:
        unlocked(conn)
        culprit = change(conn, lived)
        recompute(conn, lived.firm)
    found = verified(lived)
    assert not [finding for finding in found if finding.area == "chain"]
    assert {(finding.area, finding.entry) for finding in found} == {("fact", culprit), ("payment", culprit)}


def test_a_recomputed_chain_with_all_its_rows_is_found_by_the_anchor(lived: Lived) -> None:
    with lived.engine.begin() as conn:
        unlocked(conn)
        culprit = change(conn, lived)
        recompute(conn, lived.firm)
        fact_id = entry_of(conn, lived.firm, "payment").cause.removeprefix("fact:")
        body = entry_of(conn, lived.firm, "payment").body
        conn.execute(update(FACT).where(FACT.c.id == UUID(fact_id)).values(body=body))
        conn.execute(update(PAYMENT).where(PAYMENT.c.case_id == lived.firm).values(amount="4.00"))
        end = open_book(conn, lived.firm).ledger[-1].seq
    assert not verified(lived)
    (found,) = verified(lived, anchored=True)
    assert (found.area, found.case, found.entry) == ("anchor", str(lived.firm), end)
    assert culprit <= end
    assert "a corrente foi reescrita nele ou antes dele" in found.text


async def test_a_rewritten_decision_is_not_what_the_rules_decide(lived: Lived) -> None:
    """Ledger, chain and instruction were all changed; the rules of the same version know better."""
    with lived.engine.begin() as conn:
        unlocked(conn)
        row = next(row for row in open_book(conn, lived.firm).of_kind("decided") if row.body["step"] == "proposta")
        body = row.body | {"not_before": "2026-03-21T09:18:00-03:00"}
        mine = (LEDGER.c.case_id == lived.firm) & (LEDGER.c.seq == row.seq)
        conn.execute(update(LEDGER).where(mine).values(body=body))
        told = (INSTRUCTION.c.case_id == lived.firm) & (INSTRUCTION.c.seq == row.body["seq"])
        whole = conn.execute(select(INSTRUCTION.c.body).where(told)).scalar_one()
        conn.execute(update(INSTRUCTION).where(told).values(body=whole | {"not_before": body["not_before"]}))
        recompute(conn, lived.firm)
    assert not verified(lived)
    (found,) = await replayed(lived)
    assert (found.area, found.entry) == ("decision", row.seq)
    assert "21/03/2026" in found.text
    assert "23/03/2026" in found.text


def test_a_tail_cut_without_a_trace_is_found_by_the_anchor(lived: Lived) -> None:
    with lived.engine.begin() as conn:
        unlocked(conn)
        book = open_book(conn, lived.firm)
        cut = entry_of(conn, lived.firm, "refused").seq
        left = [row for row in book.ledger if row.seq < cut]
        gone = book.ledger[cut - 1 :]
        conn.execute(LEDGER.delete().where(LEDGER.c.case_id == lived.firm, LEDGER.c.seq >= cut))
        last = left[-1]
        conn.execute(
            INSTRUCTION.delete().where(INSTRUCTION.c.case_id == lived.firm, INSTRUCTION.c.seq > last.body["seq"])
        )
        conn.execute(update(CASE).where(CASE.c.id == lived.firm).values(ledger_seq=last.seq, ledger_hash=last.hash))
        told = [UUID(row.cause.removeprefix("fact:")) for row in gone if row.cause.startswith("fact:")]
        conn.execute(FACT.delete().where(FACT.c.id.in_(told)))
        conn.execute(PAYMENT.delete().where(PAYMENT.c.case_id == lived.firm))
    assert not [finding for finding in verified(lived) if finding.area == "chain"]
    found = [finding for finding in verified(lived, anchored=True) if finding.area == "anchor"]
    assert [(finding.entry, "o fim foi cortado" in finding.text) for finding in found] == [(cut, True)]


def as_another_case(conn: Connection, case: UUID) -> UUID:
    """Insert a whole case that never was: another's first entries under an id of its own, the chain made whole."""
    made, bill = uuid4(), uuid4()
    for table, own in (("invoice", {"id": bill, "number": "NF-9"}), ("case", {"id": made, "invoice_id": bill})):
        source = SQLModel.metadata.tables[table]
        key = select(CASE.c.invoice_id).where(CASE.c.id == case).scalar_subquery() if table == "invoice" else case
        values = conn.execute(select(source).where(source.c.id == key)).one()._mapping
        conn.execute(insert(source).values({**values, **own}))
    for row in conn.execute(select(LEDGER).where(LEDGER.c.case_id == case).order_by(LEDGER.c.seq)).all():
        conn.execute(insert(LEDGER).values({**row._mapping, "case_id": made, "recorded_at": row.business_at}))
    recompute(conn, made)
    return made


def test_a_whole_case_that_was_inserted_is_found_by_the_anchor_that_should_know_it(lived: Lived) -> None:
    with lived.engine.begin() as conn:
        unlocked(conn)
        made = as_another_case(conn, lived.paid)
    anchors = [read_anchor(lived.anchor)]
    report = verify(lived.engine, lived.store, [], lived.now, anchors, KEYS, everything=True)
    found = [finding for finding in report.of("difference") if finding.case == str(made)]
    assert [(finding.area, finding.entry, "o caso inteiro foi inserido" in finding.text) for finding in found] == [
        ("anchor", 1, True)
    ]


def test_a_whole_case_that_was_removed_is_missed_by_the_anchor(lived: Lived) -> None:
    with lived.engine.begin() as conn:
        unlocked(conn)
        conn.execute(text("SET LOCAL session_replication_role = replica"))
        for table in ("ledger", "archive"):
            conn.execute(text(f"DELETE FROM {table} WHERE case_id = :case"), {"case": lived.paid})
        conn.execute(CASE.delete().where(CASE.c.id == lived.paid))
    found = verify(lived.engine, lived.store, [], lived.now, [read_anchor(lived.anchor)], KEYS, everything=True)
    assert {(finding.case, finding.area, finding.entry) for finding in found.of("difference")} == {
        (str(lived.paid), "anchor", 1), (str(lived.paid), "archive", None),
    }  # fmt: skip


# --- documents and archives ------------------------------------------------------------------------------------------
def notice_document(lived: Lived) -> Any:
    with lived.engine.connect() as conn:
        mine = select(DOCUMENT).where(DOCUMENT.c.case_id == lived.firm, DOCUMENT.c.kind == "notice")
        return conn.execute(mine).one()


@pytest.mark.parametrize(("how", "words"), [("changed", "foi alterado"), ("removed", "sumiu")])
def test_a_document_is_missed_with_the_entry_that_issued_it(lived: Lived, how: str, words: str) -> None:
    path = lived.store.path(notice_document(lived).sha256)
    path.write_bytes(path.read_bytes() + b" ") if how == "changed" else path.unlink()
    (found,) = verified(lived)
    with lived.engine.connect() as conn:
        assert found.entry == entry_of(conn, lived.firm, "notice_issued").seq
    assert (found.area, words in found.text) == ("document", True)


@pytest.mark.parametrize("change", ["content", "kind"])
def test_a_document_exchanged_with_its_row_is_no_longer_what_its_id_was_made_of(lived: Lived, change: str) -> None:
    row = notice_document(lived)
    exchanged = {"sha256": lived.store.put(b"%PDF-1.7 another letter")} if change == "content" else {"kind": "contract"}
    with lived.engine.begin() as conn:
        conn.execute(update(DOCUMENT).where(DOCUMENT.c.id == row.id).values(exchanged))
    (found,) = verified(lived)
    with lived.engine.connect() as conn:
        assert found.entry == entry_of(conn, lived.firm, "notice_issued").seq
    assert (found.area, str(row.id) in found.text, "foi trocado" in found.text) == ("document", True, True)


@pytest.mark.parametrize(("kind", "whose"), [(ATTACHMENT, "message"), (RECORDING, "call")])
def test_a_file_that_came_from_outside_belongs_to_what_brought_it(lived: Lived, kind: str, whose: str) -> None:
    content = b"what he sent"
    digest = lived.store.put(content)
    message, moment = uuid4(), datetime(2026, 4, 1, 12, tzinfo=UTC)
    with lived.engine.begin() as conn:
        debtor = conn.execute(select(CASE.c.debtor_id).where(CASE.c.id == lived.firm)).scalar_one()
        contact = contact_of(conn, lived.firm, "sms")
        brought = uuid5(message, digest) if whose == "message" else uuid5(contact, "RE1:completed")
        stray = uuid4()
        conn.execute(
            insert(DOCUMENT),
            [{"id": each, "case_id": lived.firm, "kind": kind, "name": "f", "mime": "m", "sha256": digest,
              "size": len(content), "created_at": moment} for each in (brought, stray)],
        )  # fmt: skip
        conn.execute(
            insert(INBOUND).values(
                id=message, provider="twilio", message_key="SM1", channel="sms", sender="", recipient="", subject="",
                body="", automatic=False, opt_out="", replied_to="", files=[str(brought)], meaning=[], outcome="told",
                answer="", content_hmac="", received_at=moment, business_at=moment, debtor_id=debtor,
            )
        )  # fmt: skip
        conn.execute(
            insert(WEBHOOK_EVENT).values(
                id=uuid4(), provider="twilio", event_key="RE1:completed", contact_id=contact, event="recording",
                code="", body={}, received_at=moment, business_at=moment,
            )
        )  # fmt: skip
    assert [str(stray) in finding.text for finding in verified(lived) if finding.area == "document"] == [True]


def archive_row(lived: Lived) -> Any:
    with lived.engine.connect() as conn:
        return conn.execute(select(ARCHIVE).where(ARCHIVE.c.case_id == lived.paid)).one()


def test_a_changed_archive_is_found(lived: Lived) -> None:
    path = lived.store.path(archive_row(lived).document)
    path.write_bytes(zlib.compress(zlib.decompress(path.read_bytes()).replace(b"TIMER_FIRED", b"TIMER_FIRES")))
    (found,) = verified(lived)
    assert (found.area, found.case, "foi alterado" in found.text) == ("archive", str(lived.paid), True)


def test_an_archive_exchanged_with_its_row_is_found_by_the_anchor(lived: Lived) -> None:
    row = archive_row(lived)
    content = zlib.decompress(lived.store.get(row.document)).replace(b'"10s"', b'"11s"')
    with lived.engine.begin() as conn:
        unlocked(conn)
        changed = {"sha256": hashlib.sha256(content).hexdigest(), "document": lived.store.put(zlib.compress(content))}
        conn.execute(update(ARCHIVE).where(ARCHIVE.c.case_id == lived.paid).values(changed))
    assert not verified(lived)
    (found,) = verified(lived, anchored=True)
    assert (found.area, found.case, "foi trocado" in found.text) == ("archive", str(lived.paid), True)


def test_a_removed_archive_is_missed(lived: Lived) -> None:
    lived.store.path(archive_row(lived).document).unlink()
    (found,) = verified(lived)
    assert (found.area, found.case, "sumiu" in found.text) == ("archive", str(lived.paid), True)
    with lived.engine.begin() as conn:
        unlocked(conn)
        conn.execute(ARCHIVE.delete())
    (found,) = verified(lived)
    assert (found.case, "não há histórico da geração 1" in found.text) == (str(lived.paid), True)
    assert len(verified(lived, anchored=True)) == 2


# --- rows beside the ledger ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("change", [{"amount": "40.00"}, {"paid_on": "2026-04-01"}, {"reversed_on": "2026-04-20"}])
def test_a_changed_payment_names_the_entry_that_counted_it(lived: Lived, change: dict[str, str]) -> None:
    with lived.engine.begin() as conn:
        conn.execute(update(PAYMENT).where(PAYMENT.c.case_id == lived.firm).values(change))
        seq = entry_of(conn, lived.firm, "payment").seq
    (found,) = verified(lived)
    assert (found.area, found.entry in (seq, None), "pix-1" in found.text) == ("payment", True, True)


def test_a_payment_that_nobody_told_is_found(lived: Lived) -> None:
    with lived.engine.begin() as conn:
        row = conn.execute(select(PAYMENT).where(PAYMENT.c.case_id == lived.firm)).one()._mapping
        conn.execute(insert(PAYMENT).values({**row, "id": UUID(int=7), "reference": "pix-9"}))
    (found,) = verified(lived)
    assert "pix-9" in found.text
    assert "não está no livro" in found.text


def contact_of(conn: Connection, case: UUID, channel: str, purpose: str = "ladder") -> UUID:
    mine = select(CONTACT.c.id).join(CONTACT_CASE, CONTACT_CASE.c.contact_id == CONTACT.c.id)
    mine = mine.where(CONTACT.c.purpose == purpose).order_by(CONTACT.c.planned_at)
    found: UUID = (
        conn.execute(mine.where(CONTACT_CASE.c.case_id == case, CONTACT.c.channel == channel)).scalars().first()
    )
    return found


@pytest.mark.parametrize("change", [{"channel": "email"}, {"state": "in-flight"}, {"body": "outro texto"}])
def test_a_changed_contact_is_named(lived: Lived, change: dict[str, str]) -> None:
    with lived.engine.begin() as conn:
        contact = contact_of(conn, lived.firm, "sms")
        conn.execute(update(CONTACT).where(CONTACT.c.id == contact).values(change))
    found = verified(lived)
    assert {finding.area for finding in found} == {"contact"}
    assert all(str(contact) in finding.text for finding in found)


@pytest.mark.parametrize("change", ["<p>outra aparência</p>", ""])
def test_a_changed_form_of_an_e_mail_is_named(lived: Lived, change: str) -> None:
    with lived.engine.begin() as conn:
        contact = contact_of(conn, lived.firm, "email")
        conn.execute(update(CONTACT).where(CONTACT.c.id == contact).values(html=change))
    (found,) = verified(lived)
    assert (found.area, str(contact) in found.text, "HMAC" in found.text) == ("contact", True, True)


def without_contents(conn: Connection, case: UUID) -> None:
    """Make a book of one as it was written before its entries vouched for what was said."""
    unlocked(conn)
    for row in conn.execute(select(LEDGER).where(LEDGER.c.case_id == case)).all():
        body = {name: value for name, value in row.body.items() if name not in ("content", "sendings")}
        conn.execute(update(LEDGER).where(LEDGER.c.case_id == case, LEDGER.c.seq == row.seq).values(body=body))
    recompute(conn, case)


def test_an_e_mail_from_before_its_form_was_kept_is_no_difference(lived: Lived) -> None:
    with lived.engine.begin() as conn:
        without_contents(conn, lived.firm)
        contact = contact_of(conn, lived.firm, "email")
        conn.execute(update(CONTACT).where(CONTACT.c.id == contact).values(html=None))
    assert verified(lived) == []


@pytest.mark.parametrize(("purpose", "kind"), [("ladder", "contact_sent"), ("notice", "notice_issued")])
def test_the_form_of_an_e_mail_that_the_book_vouches_for_cannot_be_made_to_look_never_kept(
    lived: Lived, purpose: str, kind: str
) -> None:
    with lived.engine.begin() as conn:
        contact = contact_of(conn, lived.firm, "email", purpose)
        conn.execute(update(CONTACT).where(CONTACT.c.id == contact).values(html=None))
        entry = entry_of(conn, lived.firm, kind).seq
    (found,) = verified(lived)
    assert (found.area, found.entry, str(contact) in found.text) == ("contact", entry, True)


@pytest.mark.parametrize(("purpose", "kind"), [("ladder", "contact_sent"), ("notice", "notice_issued")])
def test_a_text_exchanged_with_its_hmac_is_not_what_the_book_vouches_for(lived: Lived, purpose: str, kind: str) -> None:
    """Whoever has the database has the creditor's salt too."""
    with lived.engine.begin() as conn:
        contact = contact_of(conn, lived.firm, "email", purpose)
        row = conn.execute(select(CONTACT).where(CONTACT.c.id == contact)).one()
        other = Message(row.subject, "outro texto", row.html)
        mac = content_mac(open_book(conn, lived.firm).salt, other, row.document_id)
        changed = {"body": other.text, "content_hmac": mac}
        conn.execute(update(CONTACT).where(CONTACT.c.id == contact).values(changed))
        entry = entry_of(conn, lived.firm, kind).seq
    (found,) = verified(lived)
    assert (found.area, found.entry, "não é o do livro" in found.text) == ("contact", entry, True)


def test_a_removed_contact_names_the_entry_that_sent_it(lived: Lived) -> None:
    with lived.engine.begin() as conn:
        contact = contact_of(conn, lived.firm, "sms")
        conn.execute(text("DELETE FROM contact_case WHERE contact_id = :id"), {"id": contact})
        book = open_book(conn, lived.firm)
        seq = next(row.seq for row in book.of_kind("contact_sent") if row.body["contact_id"] == str(contact))
    (found,) = verified(lived)
    assert (found.area, found.entry) == ("contact", seq)


async def test_replay_misses_receipts_words_titles_schedules_and_states(lived: Lived) -> None:
    with lived.engine.begin() as conn:
        conn.execute(text("DELETE FROM webhook_event"))
        conn.execute(text("DELETE FROM approval_word"))
        conn.execute(text("UPDATE protest_title SET balance = 900, state = 'registered'"))
        conn.execute(text("UPDATE notice SET proof_on = '2026-01-01'"))
    found = {finding.area: finding for finding in await replayed(lived)}
    assert set(found) == {"receipt", "approval", "title", "notice", "contact"}
    with lived.engine.connect() as conn:
        assert found["receipt"].entry == entry_of(conn, lived.firm, "notice_proved").seq
        assert found["approval"].entry == entry_of(conn, lived.firm, "approve").seq


async def test_replay_knows_how_the_case_and_its_schedule_must_stand(lived: Lived) -> None:
    with lived.engine.begin() as conn:
        first = SCHEDULE.c.case_id == lived.firm
        steps = conn.execute(select(SCHEDULE.c.steps).where(first, SCHEDULE.c.version == 2)).scalar_one()
        steps[1]["day"] = "2026-05-01"
        conn.execute(update(SCHEDULE).where(first, SCHEDULE.c.version == 2).values(steps=steps))
    (found,) = await replayed(lived)
    assert (found.area, "agenda nº 2" in found.text, found.entry) == ("schedule", True, 4)
    with lived.engine.begin() as conn:
        state = conn.execute(select(CASE.c.state).where(CASE.c.id == lived.paid)).scalar_one()
        conn.execute(update(CASE).where(CASE.c.id == lived.paid).values(state=state | {"opted_out": ["sms"]}))
    report = await Auditor(lived.engine, lived.store, None).group([lived.paid])
    assert [finding.text for finding in report.of("difference") if finding.area == "state"] == [
        "a situação guardada do caso não é a que segue do livro: opted_out"
    ]


OWN = "case_id = :case"
SMS = "id IN (SELECT contact_id FROM contact_case WHERE case_id = :case) AND channel = 'sms'"
WORDS = "approval_id IN (SELECT id FROM approval WHERE case_id = :case)"
SAID = "SELECT approval_id, 'gerente', yes, '', said_at FROM approval_word"


@pytest.mark.parametrize(
    ("statement", "areas"),
    [
        (f"UPDATE approval SET amount = 1 WHERE {OWN}", "approval"),
        (f"UPDATE approval SET state = 'refused' WHERE {OWN}", "approval"),
        (f"UPDATE approval_word SET staff_id = 'gerente' WHERE {WORDS}", "approval"),
        (f"UPDATE approval_word SET said_at = said_at + interval '9 days' WHERE {WORDS}", "approval"),
        (f"INSERT INTO approval_word {SAID} WHERE {WORDS}", "approval"),
        (
            "UPDATE policy SET text = text || '#' WHERE hash = (SELECT policy_hash FROM \"case\" WHERE id = :case)",
            "ladder",
        ),
        ('UPDATE invoice SET due = due - 9 WHERE id = (SELECT invoice_id FROM "case" WHERE id = :case)', "invoice"),
        ("UPDATE webhook_event SET business_at = business_at - interval '20 days'", "receipt"),
        ("UPDATE webhook_event SET event = 'bounce'", "receipt contact"),
        (f"UPDATE contact SET planned_at = planned_at + interval '6 hours' WHERE {SMS}", "contact"),
        (f"UPDATE contact SET planned_at = planned_at - interval '9 days' WHERE {SMS}", "contact"),
        (f"UPDATE contact SET accepted_at = accepted_at + interval '6 hours' WHERE {SMS}", "contact"),
        (f"UPDATE contact SET state = 'delivered' WHERE {SMS}", "contact"),
        ("UPDATE contact_attempt SET outcome = 'not-sent'", "contact"),
        ("DELETE FROM contact_attempt", "contact"),
        ("UPDATE notice_sending SET address_hmac = 'x'", "notice"),
        (f"UPDATE notice SET issued_at = issued_at - interval '30 days' WHERE {OWN}", "notice"),
        (f"UPDATE protest_title SET protocol_date = '2026-01-01' WHERE {OWN}", "title"),
        (f"UPDATE fact SET source_key = 'x' WHERE {OWN} AND kind = 'payment'", "fact"),
        (f"UPDATE task SET done_at = opened_at WHERE {OWN}", "task"),
        ("INSERT INTO promise VALUES (gen_random_uuid(), :case, '2026-04-01', NULL, 'kept', now())", "promise"),
    ],
)
def test_a_row_beside_the_book_that_was_changed_contradicts_it(lived: Lived, statement: str, areas: str) -> None:
    with lived.engine.begin() as conn:
        assert conn.execute(text(statement), {"case": lived.firm}).rowcount
    found = verified(lived)
    assert {finding.area for finding in found} == {*areas.split()}
    assert {finding.case for finding in found} <= {str(lived.firm), str(lived.paid)}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE schedule SET decided_at = decided_at - interval '5 days' WHERE case_id = :case AND version = 2",
        "UPDATE schedule SET reason = 'pause' WHERE case_id = :case AND version = 2",
        "INSERT INTO schedule SELECT case_id, version + 1, reason, steps, decided_at FROM schedule"
        " WHERE case_id = :case AND version = (SELECT max(version) FROM schedule WHERE case_id = :case)",
    ],
)
async def test_a_schedule_that_no_decision_made_is_found(lived: Lived, statement: str) -> None:
    with lived.engine.begin() as conn:
        assert conn.execute(text(statement), {"case": lived.firm}).rowcount
    assert {finding.area for finding in await replayed(lived)} == {"schedule"}


def test_an_archive_exchanged_for_that_of_another_case_is_found_without_an_anchor(lived: Lived) -> None:
    row = archive_row(lived)
    other = zlib.decompress(lived.store.get(row.document)).replace(str(lived.paid).encode(), str(lived.firm).encode())
    changed = {"sha256": hashlib.sha256(other).hexdigest(), "document": lived.store.put(zlib.compress(other))}
    with lived.engine.begin() as conn:
        unlocked(conn)
        conn.execute(update(ARCHIVE).where(ARCHIVE.c.case_id == lived.paid).values(changed))
    (found,) = verified(lived)
    assert (found.area, "histórico de outro caso" in found.text) == ("archive", True)


# --- nothing was done ------------------------------------------------------------------------------------------------
async def test_an_honest_installation_is_clean(lived: Lived) -> None:
    assert verified(lived, anchored=True) == []
    report = await Auditor(lived.engine, lived.store, None).group([lived.firm])
    assert report.of("difference") == []
    assert (report.entries, report.decisions) == (37, 18)


@pytest.mark.parametrize("statement", ["UPDATE {} SET {} = 'x'", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
@pytest.mark.parametrize(("table", "column"), [("archive", "sha256"), ("anchor", "root")])
def test_the_database_refuses_to_change_archives_and_anchors(
    lived: Lived, statement: str, table: str, column: str
) -> None:
    with pytest.raises(Exception, match="evidence only grows"), lived.engine.begin() as conn:
        conn.execute(text(statement.format(table, column)))

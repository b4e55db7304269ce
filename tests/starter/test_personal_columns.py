"""No personal column is forgotten: each is classified, told to whom it is about, and empty once its time is over."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args
from uuid import uuid4

import pytest
import sqlalchemy as sa
from people import LONG_AGO, Opened, new_staff
from sqlalchemy import Engine, Table, func, insert, select, update
from test_cli_privacy import CLOSED, close, everything, opened, sign_in

from db.rows import (
    APPROVAL,
    CASE,
    CLOSED_ADDRESS,
    CONTACT,
    CONTACT_POINT,
    CREDITOR,
    DEBTOR,
    DOCUMENT,
    INBOUND,
    MORATORIUM,
    NEUTRAL_ANSWER,
    PARCEL,
    PAYMENT,
    WEBHOOK_EVENT,
    WORD,
)
from domain.retention import CLASSES
from gateways.documents import DocumentStore
from gateways.settings import Settings, load_settings
from privacy.activity import Retention
from privacy.columns import COLUMNS, Kept, Personal, columns_that_tell, emptied, personal
from privacy.holdings import ROWS

__all__ = ["opened"]
KINDS = {*CLASSES, *get_args(Kept), "file"}
EXPLAIN = "say in privacy/columns.py what a new column holds; where it is personal, access and erasure follow from that"


# --- classified ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("table", CASE.metadata.sorted_tables, ids=lambda table: str(table.name))
def test_every_column_that_could_name_somebody_is_classified_once(table: Table) -> None:
    held = COLUMNS.get(table.name, {})
    assert held.keys() <= KINDS
    classified = [column for columns in held.values() for column in columns.split()]
    assert sorted(classified) == sorted(columns_that_tell(table)), EXPLAIN


def test_every_table_with_personal_columns_is_found_by_debtor() -> None:
    tables = {one.table for one in personal()}
    assert tables == {DEBTOR, *ROWS}, EXPLAIN
    assert COLUMNS.keys() <= {table.name for table in CASE.metadata.sorted_tables}


def test_a_new_column_would_be_found_and_only_what_can_name_somebody_is_one() -> None:
    table = sa.Table(
        "visit", sa.MetaData(), sa.Column("id", sa.Uuid, primary_key=True), sa.Column("at", sa.DateTime),
        sa.Column("who", sa.String), sa.Column("told", sa.JSON), sa.Column("amount", sa.Numeric),
        sa.Column("ok", sa.Boolean), sa.Column("number", sa.BigInteger),
    )  # fmt: skip
    assert columns_that_tell(table) == ["who", "told"]


# --- told, and emptied -----------------------------------------------------------------------------------------------
@pytest.fixture
def full(engine: Engine, opened: Opened, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A row of the debtor in every table that holds personal data; every personal column says a word of its own."""
    said = rows_of_everything(engine, opened)
    with engine.begin() as conn:
        for one in personal():
            for column in one.columns:
                word = f"segredo-{one.table.name}-{column}"
                said[f"{one.table.name}.{column}"] = word
                conn.execute(update(one.table).values({column: value(one, column, word)}))
        conn.execute(update(MORATORIUM).values(value=select(DEBTOR.c.document).scalar_subquery()))
        conn.execute(update(CLOSED_ADDRESS).values(address="segredo-contact_point-address"))
    return said | {"moratorium.value": "segredo-debtor-document"}


def value(one: Personal, column: str, word: str) -> Any:
    """A word as this column can hold it; where it must be unique, with the row's id behind it."""
    if isinstance(one.table.c[column].type, sa.JSON):
        return {"a": word}
    unique = emptied(one.table, column)
    return sa.literal(word) if isinstance(unique, str) or one.table is DEBTOR else word_of(one, column, word)


def word_of(one: Personal, column: str, word: str) -> Any:
    if one.table.c[column].nullable:
        return word
    first = select(func.min(sa.cast(one.table.c.id, sa.String))).scalar_subquery()
    mine = sa.cast(one.table.c.id, sa.String)
    return sa.case((mine == first, word), else_=sa.literal(word).concat("-").concat(mine))


def rows_of_everything(engine: Engine, ids: Opened) -> dict[str, str]:
    contact = engine.connect().execute(select(CONTACT.c.id)).scalars().first()
    approval, message = uuid4(), uuid4()
    new_staff(engine, "supervisora", "supervisor")
    rows: list[tuple[Table, dict[str, Any]]] = [
        (INBOUND, {
            "id": message, "provider": "twilio", "message_key": "m1", "channel": "sms", "sender": "", "recipient": "",
            "subject": "", "body": "", "automatic": False, "opt_out": "", "replied_to": "", "files": [], "meaning": [],
            "outcome": "", "answer": "", "content_hmac": "", "received_at": CLOSED, "business_at": CLOSED,
            "debtor_id": ids.debtor,
        }),
        (NEUTRAL_ANSWER, {
            "id": uuid4(), "inbound_id": message, "creditor_id": ids.creditor, "channel": "sms", "address": "",
            "text_id": "x", "subject": "", "body": "", "short_ref": "", "state": "accepted", "attempt": 1,
            "provider_id": "", "code": "", "not_before": CLOSED,
        }),
        (WEBHOOK_EVENT, {
            "id": uuid4(), "provider": "sendgrid", "event_key": "e1", "contact_id": contact, "event": "open",
            "code": "", "body": {}, "received_at": CLOSED, "business_at": CLOSED, "taken_at": CLOSED,
        }),
        (APPROVAL, {
            "id": approval, "case_id": ids.case, "purpose": "protest", "step": "p", "role": "supervisor", "needed": 1,
            "amount": "1000.00", "state": "given", "due": CLOSED.date(), "requested_at": CLOSED,
        }),
        (WORD, {"approval_id": approval, "staff_id": "supervisora", "yes": False, "reason": "", "said_at": CLOSED}),
        (MORATORIUM, {
            "id": uuid4(), "scope": "debtor", "value": "", "since": date(2016, 1, 1), "reason": "", "actor": "ana",
            "set_at": LONG_AGO, "lifted_at": CLOSED,
        }),
        (CLOSED_ADDRESS, {
            "creditor_id": ids.creditor, "address": "x@example.com", "reason": "stop", "closed_at": CLOSED,
        }),
    ]  # fmt: skip
    with engine.begin() as conn:
        for table, row in rows:
            conn.execute(insert(table).values(**row))
    return {}


def test_access_tells_every_personal_column_as_data_and_what_can_be_read_also_on_paper(
    terminal: Any, opened: Opened, full: dict[str, str], tmp_path: Path
) -> None:
    told = json.dumps(terminal.type("privacy", "access", opened.debtor, "--by", "ana").json, ensure_ascii=False)
    assert [column for column, word in full.items() if word not in told] == []
    page = tmp_path / "carta.html"
    terminal.type("privacy", "access", opened.debtor, "--by", "ana", "--out", page)
    text = page.read_text()
    unread = {column for column, word in full.items() if word not in text}
    assert unread == {"contact.html", "contact.template", "webhook_event.body", "invoice.row_hash", "debtor.ibge"}


def test_erasure_leaves_no_personal_column_of_the_debtor_anywhere(
    terminal: Any, engine: Engine, opened: Opened, full: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for person in ("um.gerente", "outra.gerente"):
        sign_in(engine, monkeypatch, person)
        done = terminal.type("privacy", "erase", opened.debtor, "--reason", "prazo", "--json").json
    assert {*done["classes"], "agreements"} == {*CLASSES}, "there is no agreement"
    kept = "segredo-contact_point-address"  # in the list of those to whom nothing is written any more
    left = everything(engine)
    assert [column for column, word in full.items() if word in left and word != kept] == []
    assert terminal.rows(CLOSED_ADDRESS)[0].address == kept
    assert kept not in {row.address for row in terminal.rows(CONTACT_POINT)}


@pytest.mark.parametrize("holds", [True, False])
def test_a_moratorium_and_its_paper_stay_as_long_as_it_holds(
    terminal: Any, engine: Engine, opened: Opened, full: dict[str, str], monkeypatch: pytest.MonkeyPatch, holds: bool
) -> None:
    paper, store = uuid4(), DocumentStore(load_settings().documents_dir)
    digest = store.put(b"certidao")
    with engine.begin() as conn:
        row = {"id": paper, "case_id": None, "kind": "moratorium", "name": "certidao.pdf", "mime": "application/pdf",
               "sha256": digest, "size": 1, "created_at": CLOSED}  # fmt: skip
        conn.execute(insert(DOCUMENT).values(**row))
        conn.execute(update(MORATORIUM).values(lifted_at=None if holds else CLOSED, document_id=paper))
    told = terminal.type("privacy", "access", opened.debtor, "--by", "ana").json
    assert "certidao.pdf" in {document["name"] for document in told["documents"]}
    for person in ("um.gerente", "outra.gerente"):
        sign_in(engine, monkeypatch, person)
        terminal.type("privacy", "erase", opened.debtor, "--reason", "prazo")
    assert (terminal.rows(MORATORIUM)[0].value == full["debtor.document"]) == holds
    assert store.path(digest).exists() == holds


# --- of nobody whom we know ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("years", "automatic", "left"), [(4, True, True), (7, False, True), (7, True, False)])
def test_what_strangers_wrote_and_paid_goes_after_the_same_terms(
    engine: Engine, opened: Opened, tmp_path: Path, years: int, automatic: bool, left: bool
) -> None:
    now = datetime(2026, 3, 10, 15, tzinfo=UTC)
    came, store = now - timedelta(days=366 * years), DocumentStore(tmp_path / "documents")
    digest, paper = store.put(b"comprovante de um estranho"), uuid4()
    close(engine, opened, now)
    rows_of_everything(engine, opened)
    with engine.begin() as conn:
        row = {"id": paper, "case_id": None, "kind": "inbound", "name": "estranho.pdf", "mime": "application/pdf",
               "sha256": digest, "size": 1, "created_at": came}  # fmt: skip
        conn.execute(insert(DOCUMENT).values(**row))
        said = {"sender": "estranho@example.com", "body": "estranho", "debtor_id": None, "files": [str(paper)]}
        conn.execute(update(INBOUND).values(**said, received_at=came))
        conn.execute(update(NEUTRAL_ANSWER).values(address="estranho@example.com"))
        conn.execute(update(PAYMENT).values(payer="estranho", hint="estranho", case_id=None, received_at=came))
    world: Any = SimpleNamespace(engine=engine, documents=store, letters=tmp_path, now=lambda: now)
    errand = Retention(world, Settings(erase_automatically=automatic))
    assert errand.retention().strangers == (2 if years > 6 else 0)
    assert ("estranho" in everything(engine), store.path(digest).exists()) == (left, left)
    with engine.connect() as conn:
        assert conn.execute(select(PAYMENT.c.amount)).scalar_one() == 1000, "the money stays counted"
    assert errand.retention().strangers == (2 if years > 6 and not automatic else 0)


# --- with whom it was shared -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(("state", "shared"), [("handed", True), ("in-flight", True), ("not-taken", False)])
def test_a_partner_who_has_or_may_have_a_parcel_is_named_as_the_creditor_names_him(
    terminal: Any, engine: Engine, opened: Opened, state: str, shared: bool
) -> None:
    office = "Escritório Inventado Advogados, CNPJ 11.222.333/0001-81"
    with engine.begin() as conn:
        settings = conn.execute(select(CREDITOR.c.settings)).scalar_one()
        conn.execute(update(CREDITOR).values(settings=settings | {"partners": {"legal": office}}))
        conn.execute(
            insert(PARCEL).values(
                id=uuid4(), case_id=opened.case, to="legal", action="legal", step="juridico", told={}, state=state,
                unanswered=1, begun_at=datetime(2016, 2, 3, 15, tzinfo=UTC),
            )
        )  # fmt: skip
    told = terminal.type("privacy", "access", opened.debtor, "--by", "ana").json["shared_with"]
    found = [each for each in told if "setor jurídico" in each]
    assert len(found) == int(shared)
    assert all(each.startswith(office) and each.endswith("desde 03/02/2016") for each in found)

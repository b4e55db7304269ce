"""LGPD at the terminal: a debtor is told everything; his data go when their time is over, by two persons."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from people import LONG_AGO, Opened, cnpj, new_case_row, short_ladder
from sqlalchemy import Engine, insert, select, text, update

from db.rows import (
    CASE,
    CONTACT,
    CONTACT_CASE,
    CONTACT_POINT,
    DEBTOR,
    DOCUMENT,
    INVOICE,
    LEDGER,
    NOTE,
    PARTY,
    PAYMENT,
    PAYMENT_CODE,
    PRIVACY_ACT,
)
from gateways.documents import DocumentStore
from gateways.settings import load_settings
from starter.people import add_user

LADDER = short_ladder("  - {id: um, at: due + 1d, do: contact, by: [email], text: atraso-cordial}")
CLOSED = datetime(2016, 3, 10, 15, tzinfo=UTC)
YEAR = timedelta(days=365)
SECRETS = ("Devedora", "Fictícia, 10", "devedora.example.com", "900000001", "Prezada", "Fulana", "Observação")


@pytest.fixture
def opened(engine: Engine) -> Opened:
    """A closed case with a message, a note, a payment, a co-debtor and a stored letter."""
    ids = new_case_row(engine, LADDER, date(2016, 1, 2), date(2016, 1, 2))
    contact = uuid4()
    store = DocumentStore(load_settings().documents_dir)
    files = [store.put(b"carta para Devedora Inventada"), store.put(b"recibo de Devedora Inventada")]
    point = engine.connect().execute(select(CONTACT_POINT.c.id).where(CONTACT_POINT.c.debtor_id == ids.debtor))
    point_id = point.scalars().first()
    rows: list[tuple[Any, dict[str, Any]]] = [
        (CONTACT, {
            "id": contact, "creditor_id": ids.creditor, "debtor_id": ids.debtor, "contact_point_id": point_id,
            "channel": "email", "purpose": "ladder", "text_id": "atraso-cordial", "subject": "Fatura", "body":
            "Prezada Devedora Inventada", "html": "<p>Prezada Devedora Inventada</p>", "state": "delivered",
            "planned_at": CLOSED, "counts": True,
            "template": {}, "passed_over": [],
        }),
        (CONTACT_CASE, {"contact_id": contact, "case_id": ids.case, "step": "um", "attempt": 1, "lead": True}),
        (NOTE, {"id": uuid4(), "case_id": ids.case, "author": "ana", "text": "Observação", "written_at": CLOSED}),
        (PARTY, {"id": uuid4(), "invoice_id": ids.invoice, "role": "avalista", "document": cnpj(7), "name": "Fulana"}),
        (PAYMENT, {
            "id": uuid4(), "creditor_id": ids.creditor, "case_id": ids.case, "reference": "pix-1", "amount": "1000.00",
            "paid_on": CLOSED.date(), "source": "pix", "payer": "Fulana", "received_at": CLOSED, "proposal": [],
        }),
        (DOCUMENT, {
            "id": uuid4(), "case_id": ids.case, "kind": "notice", "name": "carta.pdf", "mime": "application/pdf",
            "sha256": files[0], "size": 1, "created_at": CLOSED,
        }),
        (DOCUMENT, {
            "id": uuid4(), "case_id": ids.case, "kind": "receipt", "name": "recibo.pdf", "mime": "application/pdf",
            "sha256": files[1], "size": 1, "created_at": CLOSED,
        }),
    ]  # fmt: skip
    with engine.begin() as conn:
        conn.execute(
            update(DEBTOR).where(DEBTOR.c.id == ids.debtor).values(created_at=datetime(2016, 1, 2, tzinfo=UTC))
        )
        for table, row in rows:
            conn.execute(insert(table).values(**row))
    close(engine, ids, CLOSED)
    return ids


def close(engine: Engine, ids: Opened, at: datetime) -> None:
    values = {"stage": "closed", "outcome": "paid", "opened_at": at - timedelta(days=60), "closed_at": at}
    with engine.begin() as conn:
        conn.execute(update(CASE).where(CASE.c.id == ids.case).values(**values))


def sign_in(engine: Engine, monkeypatch: pytest.MonkeyPatch, name: str, role: str = "manager") -> None:
    """Put a fresh colleague at the terminal."""
    with engine.begin() as conn:
        monkeypatch.setenv("REGUA_TOKEN", add_user(conn, name, name.title(), [role], 0))  # type: ignore[arg-type]


def everything(engine: Engine) -> str:
    """All rows of all tables, as text; what stands there is what the installation knows."""
    with engine.connect() as conn:
        names = conn.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).scalars().all()
        return "\n".join(
            str(value) for name in names for value in conn.execute(text(f'SELECT t::text FROM "{name}" t')).scalars()
        )


# --- access ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("kind", "body", "who"),
    [
        ("handed_over", {"to": "legal"}, "setor jurídico do credor"),
        ("handed_over", {"to": "agency"}, "empresa de cobrança contratada"),
        ("passed_on", {"to": "agency"}, "empresa de cobrança contratada"),
        ("negotiation_proposed", {}, "central dos tabelionatos"),
        ("listing_requested", {}, "órgão de proteção ao crédito"),
    ],
)
def test_whoever_outside_was_told_of_the_case_is_named(
    terminal: Any, opened: Opened, kind: str, body: dict[str, str], who: str
) -> None:
    def shared() -> list[str]:
        told: list[str] = terminal.type("privacy", "access", opened.debtor, "--by", "ana").json["shared_with"]
        return [each for each in told if who in each]

    assert shared() == []
    with terminal.engine.begin() as conn:
        conn.execute(
            insert(LEDGER).values(
                case_id=opened.case, seq=1, kind=kind, body=body, cause="engine", actor="engine", business_at=CLOSED,
                recorded_at=CLOSED, rules_version="1", previous_hash="", hash="0" * 64,
            )
        )  # fmt: skip
    assert len(shared()) == 1


@pytest.mark.parametrize(("txid", "shared"), [("R" * 26, True), ("R" * 25, False)])
def test_the_bank_is_named_where_it_made_a_charge_in_his_name(
    terminal: Any, opened: Opened, txid: str, shared: bool
) -> None:
    with terminal.engine.begin() as conn:
        conn.execute(
            insert(PAYMENT_CODE).values(
                id=uuid4(), creditor_id=opened.creditor, case_id=opened.case, txid=txid, amount="1000.00",
                quoted_on=CLOSED.date(), valid_until=CLOSED.date(), instalment=0, br_code="", state="removed",
                created_at=CLOSED, changed_at=CLOSED,
            )
        )  # fmt: skip
    told = terminal.type("privacy", "access", opened.debtor, "--by", "ana").json["shared_with"]
    assert any("cobranças Pix" in each for each in told) == shared


def test_a_debtor_is_told_everything_that_is_held_and_the_act_is_written_down(
    terminal: Any, opened: Opened, tmp_path: Path
) -> None:
    told = terminal.type("privacy", "access", opened.debtor, "--by", "ana").json
    assert told["debtor"]["name"] == "Devedora Inventada Comércio Ltda"
    assert {point["address"] for point in told["points"]} == {"contas@devedora.example.com", "+5511900000001"}
    assert told["contacts"][0]["body"] == "Prezada Devedora Inventada"
    assert told["contacts"][0]["html"] == "<p>Prezada Devedora Inventada</p>"
    assert (told["notes"][0]["text"], told["parties"][0]["name"]) == ("Observação", "Fulana")
    assert (told["payments"][0]["amount"], told["payments"][0]["payer"]) == ("1000.00", "Fulana")
    assert len(told["documents"]) == 2
    assert any("SendGrid" in who for who in told["shared_with"])
    page, pdf = tmp_path / "carta.html", tmp_path / "carta.pdf"
    document = terminal.rows(DEBTOR)[0].document
    for out in (page, pdf):
        assert terminal.type("privacy", "access", document, "--by", "ana", "--out", out).code == 0
    html = page.read_text()
    for secret in SECRETS:
        assert secret in html
    assert "Meios de contato" in html
    assert "CC art. 205 (10 anos)" in html
    assert pdf.read_bytes().startswith(b"%PDF")
    acts = terminal.rows(PRIVACY_ACT)
    assert [(act.kind, act.actor, act.body["form"]) for act in acts] == [
        ("access", "ana", "json"), ("access", "ana", "html"), ("access", "ana", "pdf")
    ]  # fmt: skip
    assert not any(secret in json.dumps(act.body) for act in acts for secret in SECRETS)


def test_the_letter_escapes_what_people_wrote(terminal: Any, engine: Engine, opened: Opened, tmp_path: Path) -> None:
    with engine.begin() as conn:
        conn.execute(update(NOTE).values(text="<script>alert(1)</script> #eval"))
    page = tmp_path / "carta.html"
    terminal.type("privacy", "access", opened.debtor, "--by", "ana", "--out", page)
    assert "<script>" not in page.read_text()
    assert "&lt;script&gt;" in page.read_text()
    wrong = terminal.type("privacy", "access", opened.debtor, "--by", "ana", "--out", tmp_path / "carta.doc")
    assert (wrong.code, "end it in .json, .html or .pdf" in wrong.err) == (1, True)


# --- erasure ---------------------------------------------------------------------------------------------------------
def test_nothing_is_erased_while_a_case_lives_or_before_the_laws_terms(
    terminal: Any, engine: Engine, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(engine, monkeypatch, "gerente")
    with engine.begin() as conn:
        conn.execute(update(CASE).values(stage="amicable", closed_at=None))
    living = terminal.type("privacy", "erase", opened.debtor, "--reason", "pedido")
    assert (living.code, "is not closed" in living.err) == (1, True)
    close(engine, opened, datetime.now(UTC) - timedelta(days=400))
    early = terminal.type("privacy", "erase", opened.debtor, "--reason", "pedido")
    assert early.code == 1
    assert "nothing may be erased yet" in early.err
    assert "CTN arts. 173 I" in early.err
    assert "CC art. 205" in early.err


def test_two_persons_erase_and_nobody_can_be_told_from_what_is_left(
    terminal: Any, engine: Engine, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = terminal.rows(DEBTOR)[0].document
    store = DocumentStore(load_settings().documents_dir)
    words = ("privacy", "erase", opened.debtor, "--reason", "pedido do titular, prazo vencido", "--json")
    assert terminal.type(*words[:-1], "--dry-run").code == 0
    sign_in(engine, monkeypatch, "gerente")
    assert terminal.type(*words).json["status"] == "asked"
    assert terminal.type(*words).json["status"] == "asked", "the same person cannot do both"
    sign_in(engine, monkeypatch, "atendente", "clerk")
    assert "needs the role" in terminal.type(*words).err
    assert "Devedora" in everything(engine)
    sign_in(engine, monkeypatch, "advogada", "lawyer")
    done = terminal.type(*words).json
    assert (done["status"], done["files"]) == ("erased", 2)
    left = everything(engine)
    for secret in (*SECRETS, document):
        assert secret not in left
    assert {row.name for row in terminal.rows(DOCUMENT)} == {"apagado"}
    for row in terminal.rows(DOCUMENT):
        assert not store.path(row.sha256).exists()
    act = terminal.rows(PRIVACY_ACT, PRIVACY_ACT.c.kind == "erased")[0]
    assert act.actor == "advogada"
    assert act.reason == "pedido do titular, prazo vencido (pedido por gerente: pedido do titular, prazo vencido)"
    assert "everything that was held" in terminal.type(*words).err
    told = terminal.type("privacy", "access", opened.debtor, "--by", "ana").json
    assert told["debtor"]["name"] == ""
    assert [kept["amount"] for kept in told["payments"]] == ["1000.00"]


def test_what_the_law_keeps_longer_stays_and_who_it_is_about_with_it(
    terminal: Any, engine: Engine, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    close(engine, opened, datetime.now(UTC) - timedelta(days=7 * 366))
    for person in ("um.gerente", "outra.gerente"):
        sign_in(engine, monkeypatch, person)
        terminal.type("privacy", "erase", opened.debtor, "--reason", "prazo")
    act = terminal.rows(PRIVACY_ACT, PRIVACY_ACT.c.kind == "erased")[0]
    assert act.body["classes"] == ["contacts", "payments"]
    assert terminal.rows(DEBTOR)[0].name == "Devedora Inventada Comércio Ltda"
    assert (terminal.rows(CONTACT)[0].body, terminal.rows(CONTACT)[0].html) == ("", None)
    assert terminal.rows(INVOICE)[0].description == "fornecimento de mercadorias"
    kept = {row.kind: row.name for row in terminal.rows(DOCUMENT)}
    assert kept == {"notice": "carta.pdf", "receipt": "apagado"}


def test_a_suit_holds_everything_until_it_is_released(
    terminal: Any, engine: Engine, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [row["debtor"] for row in terminal.type("privacy", "due", "--json").json] == [str(opened.debtor)]
    assert terminal.type("privacy", "hold", opened.debtor, "--by", "ana", "--reason", "ação em curso").code == 0
    assert terminal.type("privacy", "due", "--json").json == []
    sign_in(engine, monkeypatch, "gerente")
    held = terminal.type("privacy", "erase", opened.debtor, "--reason", "prazo")
    assert "ana holds these data" in held.err
    assert "ação em curso" in held.err
    assert terminal.type("privacy", "release", opened.debtor, "--by", "ana", "--reason", "ação encerrada").code == 0
    assert "nobody holds" in terminal.type("privacy", "release", opened.debtor, "--by", "ana", "--reason", "x").err
    assert len(terminal.type("privacy", "due", "--json").json) == 1


@pytest.mark.parametrize("reason", ["", "a Devedora pediu", "pedido de a@example.com", "CPF 11144477735"])
def test_a_reason_names_nobody(terminal: Any, opened: Opened, reason: str) -> None:
    said = terminal.type("privacy", "hold", opened.debtor, "--by", "ana", "--reason", reason)
    assert (said.code, "--reason" in said.err) == (1, True)


def test_acts_about_data_are_never_changed(terminal: Any, engine: Engine, opened: Opened) -> None:
    terminal.type("privacy", "access", opened.debtor, "--by", "ana")
    for change in ("UPDATE privacy_act SET actor = 'x'", "DELETE FROM privacy_act", "TRUNCATE privacy_act"):
        with pytest.raises(Exception, match="evidence only grows"), engine.begin() as conn:
            conn.execute(text(change))


def test_a_file_that_another_debtor_still_needs_stays(
    terminal: Any, engine: Engine, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = new_case_row(engine, LADDER, date(2026, 3, 2), date(2026, 3, 2))
    shared = terminal.rows(DOCUMENT, DOCUMENT.c.kind == "notice")[0]
    with engine.begin() as conn:
        again = {**shared._mapping, "id": uuid4(), "case_id": other.case, "created_at": LONG_AGO}
        conn.execute(insert(DOCUMENT).values(**again))
    for person in ("um.gerente", "outra.gerente"):
        sign_in(engine, monkeypatch, person)
        terminal.type("privacy", "erase", opened.debtor, "--reason", "prazo")
    store = DocumentStore(load_settings().documents_dir)
    assert store.path(shared.sha256).exists()

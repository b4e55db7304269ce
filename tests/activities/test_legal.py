"""What legal receives is complete, can be checked without us, and is made once."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from firm_samples import (
    DUE,
    LEGAL,
    TODAY,
    TUESDAY,
    CrashError,
    Office,
    change_case,
    dies,
    ladder,
    notifying,
    open_office,
    provider,
)
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader
from sqlalchemy import Engine, insert

from activities import legal as module
from activities.consent import consent_letter
from activities.desk import Desk
from activities.documents import keep_document
from activities.dossier import build_dossier, verify_dossier
from activities.legal import LegalHandOver
from activities.notice import Notices
from db.rows import CASE, CONTACT, CRA_FILE, DOCUMENT, ORDER, PARTY, TITLE
from domain import facts as f
from domain.case import Protest
from domain.errors import Refused
from gateways.partners import FolderPartner
from sandbox.server import Sandbox

Open = Callable[..., Office]
DAY_AFTER = "  - {id: juridico, at: previous + 1d, do: legal, late: never-skip}\n"
TITLE_ID = UUID("11111111-1111-4111-8111-111111111111")


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with provider(tmp_path) as running:
        yield running


@pytest.fixture
def opened(engine: Engine, sandbox: Sandbox, tmp_path: Path) -> Open:
    def start(policy: Any = None, **how: Any) -> Office:
        return open_office(engine, sandbox, tmp_path, policy or ladder(LEGAL), **how)

    return start


def hand_over(office: Office) -> Path:
    office.approve("manager")
    office.perform(LegalHandOver(office.world).legal)
    return copy_for_legal(office)


def copy_for_legal(office: Office) -> Path:
    return office.world.letters.parent / "legal" / f"{office.ids.case}.zip"


def built(office: Office) -> bytes:
    """The dossier as it would be made now."""
    with office.world.engine.begin() as conn:
        row = conn.execute(CASE.select().where(CASE.c.id == office.ids.case)).one()
        return build_dossier(Desk(office.world, conn, row, office.world.now()))


def inside(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def table_of(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";"))


def cover_of(path: Path) -> str:
    pages = PdfReader(io.BytesIO(inside(path)["capa.pdf"])).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def dossiers(office: Office) -> list[Any]:
    return office.rows(DOCUMENT, DOCUMENT.c.case_id == office.ids.case, DOCUMENT.c.kind == "dossier")


def attach(office: Office, kind: str, name: str, content: bytes) -> None:
    with office.world.engine.begin() as conn:
        keep_document(office.world, conn, office.ids.case, kind, name, "application/octet-stream", content, TUESDAY)


def protested(office: Office, *, registered: bool = True) -> None:
    """The notary took the title, and registered the protest where told so."""
    moment, file = TUESDAY, uuid4()
    with office.world.engine.begin() as conn:
        remittance = uuid4()
        conn.execute(
            insert(DOCUMENT).values(
                id=remittance, case_id=None, kind="cra", name="B9990303.261", mime="text/plain", size=1,
                sha256=office.world.documents.put(b"with titles of other debtors"), created_at=moment,
            )
        )  # fmt: skip
        conn.execute(
            insert(CRA_FILE).values(
                id=file, presenter="999", name="B9990303.261", kind="B", direction="out", business_day=TODAY,
                sequence=1, document_id=remittance, state="settled", created_at=moment,
            )
        )  # fmt: skip
        conn.execute(
            insert(TITLE).values(
                id=TITLE_ID, case_id=office.ids.case, creditor_id=office.ids.creditor, our_number="000000000042",
                attempt=1, amount=Decimal("1000.00"), balance=Decimal("1000.00"), municipality="3550308",
                state="registered" if registered else "confirmed", notary_code="07", protocol="0001234",
                protocol_date=date(2026, 3, 3), term_end=date(2026, 3, 6), irregularities=[], changed_at=moment,
            )
        )  # fmt: skip
        conn.execute(
            insert(ORDER).values(
                id=uuid4(), title_id=TITLE_ID, kind="present", state="answered", file_id=file, queued_at=moment
            )
        )
    state = Protest("confirmed", str(TITLE_ID), Decimal("1000.00"), date(2026, 3, 2), date(2026, 3, 6), attempt=1)
    change_case(office.world.engine, office.ids.case, lambda case: setattr(case, "protest", state))
    if registered:
        office.tell(f.TitleRegistered(str(TITLE_ID), date(2026, 3, 9)), actor="cra")
        office.decide()


# --- the dossier -----------------------------------------------------------------------------------------------------
def test_legal_receives_a_dossier_that_verifies_and_the_case_stays_open(opened: Open) -> None:
    office = opened()
    assert office.next.reason == "awaits approval"
    path = hand_over(office)
    assert verify_dossier(path) == []
    assert "deve a" in cover_of(path), "who never saw the case reads its story first"
    assert "Procuração: não consta" in inside(path)["conferencia.txt"].decode()
    with zipfile.ZipFile(path) as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}, "no clock in its bytes"
    (row,) = dossiers(office)
    assert row.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert office.world.documents.get(row.sha256) == path.read_bytes()
    assert office.book("handed_over") == [f.HandedOver(str(row.id), "legal", "juridico", knows=())]
    assert (office.next.stage, office.next.action, office.next.reason) == ("legal", "wait", "in legal")


def test_the_memory_of_calculation_adds_up_and_stands_on_the_cover(opened: Open) -> None:
    path = hand_over(opened())
    head, *rows = table_of(inside(path)["calculo.csv"])
    amounts = [Decimal(row[2].replace(".", "").replace(",", ".")) for row in rows]
    assert head == ["item", "cálculo", "valor"]
    assert (rows[0][0], rows[-1][0]) == ("Valor original", "Total")
    assert sum(amounts[:-1]) == amounts[-1] == Decimal("1028.33")
    cover = cover_of(path)
    for item in (
        "Total em 10/03/2026 R$ 1.028,33",
        "Multa de 2%",
        "CNPJ 11.222.333/0001-81",
        "Avenida Inventada, 1000",
    ):
        assert item in cover, item


def test_the_dossier_holds_parties_payments_contacts_limitation_and_what_was_attached(
    opened: Open, engine: Engine
) -> None:
    office = opened()
    with engine.begin() as conn:
        conn.execute(
            insert(PARTY).values(
                id=uuid4(), invoice_id=office.ids.invoice, role="avalista", document="52998224725",
                name="Avalista Inventada", address="Rua Imaginária, 9", city="Santos", uf="SP", cep="11010000",
            )
        )  # fmt: skip
    attach(office, "delivery-proof", "canhoto nº 77/A.pdf", b"assinado")
    office.tell(f.PaymentReceived("pix-1", Decimal("100.00"), TODAY))
    office.decide()
    office.tell(f.ContactSent(office.next.step, str(uuid4()), "email"))
    office.decide()
    files = inside(path := hand_over(office))
    assert verify_dossier(path) == []
    assert files["documentos/01-canhoto-nº-77-A.pdf"] == b"assinado"
    parties = json.loads(files["partes.json"])
    assert parties["outras_partes"][0]["endereco"] == "Rua Imaginária, 9, Santos/SP, CEP 11010-000"
    assert {p["canal"] for p in parties["devedor"]["contatos"]} == {"email", "sms"}
    assert table_of(files["pagamentos.csv"])[1][:3] == ["pix-1", "100,00", "10/03/2026"]
    assert "Execução e protesto: até 10/03/2029" in files["prescricao.txt"].decode()
    assert "Qualquer cobrança: até 10/03/2031" in files["prescricao.txt"].decode()
    assert "10/03/2026 10:0" in files["linha-do-tempo.txt"].decode()
    assert "Pagamento de R$ 100,00 em 10/03/2026" in files["linha-do-tempo.txt"].decode()
    cover = cover_of(path)
    assert "Avalista Avalista Inventada CPF 529.982.247-25" in cover
    assert "Ação monitória" in cover
    assert hashlib.sha256(b"assinado").hexdigest() in cover.replace(" ", "")


def test_a_protested_title_stands_in_the_dossier_with_its_files_and_suggests_execution(opened: Open) -> None:
    office = opened()
    protested(office)
    attach(office, "delivery-proof", "canhoto.pdf", b"assinado")
    path = hand_over(office)
    (title,) = json.loads(inside(path)["protesto.json"])
    assert (title["protocolo"], title["registrado_em"]) == ("0001234", "2026-03-09")
    assert title["ordens"] == [{"tipo": "present", "situacao": "answered", "arquivo": "B9990303.261"}]
    assert b"other debtors" not in path.read_bytes()
    cover = cover_of(path)
    for item in ("Execução de título extrajudicial", "0001234, de 03/03/2026", "SAO PAULO/SP", "protestado"):
        assert item in cover, item


def test_the_dossier_never_claims_more_for_a_notice_than_its_proof(opened: Open) -> None:
    office = opened(notifying(after=DAY_AFTER))
    office.perform(Notices(office.world).notice)
    (issued,) = office.book("notice_issued")
    assert isinstance(issued, f.NoticeIssued)
    office.tell(f.NoticeProved(issued.notice_id, "email", "delivered", TODAY), actor="sendgrid")
    office.ahead = timedelta(days=1)
    office.decide()
    path = hand_over(office)
    proofs = {each["channel"]: each["level"] for each in json.loads(inside(path)["notificacoes.json"])}
    assert proofs == {
        "e-mail": "aceita pelo servidor ou aparelho de destino",
        "carta": "entregue à gráfica para postagem; sem prova de entrega",
    }
    (notice,) = office.rows(DOCUMENT, DOCUMENT.c.kind == "notice")
    assert inside(path)[f"notificacoes/{issued.notice_id}.pdf"] == office.world.documents.get(notice.sha256)
    contacts = table_of(inside(path)["contatos.csv"])[1:]
    shown = [inside(path)[row[11]].decode() for row in contacts if row[1] == "e-mail"]
    assert [row.html for row in office.rows(CONTACT, CONTACT.c.channel == "email")] == shown != []
    listed = {(row[1], row[2], row[4]) for row in contacts}
    assert listed == {("carta", "notificação", "notificacao:letter"), ("e-mail", "notificação", "notificacao:email")}


def test_a_letter_that_came_back_is_shown_as_not_delivered(opened: Open) -> None:
    office = opened(notifying("[letter]", DAY_AFTER))
    office.perform(Notices(office.world).notice)
    office.tell(f.ContactLogged("letter", "mudou-se"))
    office.decide()
    office.perform(Notices(office.world).notice)
    with zipfile.ZipFile(io.BytesIO(built(office))) as archive:
        proofs = {each["channel"]: each["level"] for each in json.loads(archive.read("notificacoes.json"))}
    assert proofs == {"carta": "não entregue (mudou-se)", "todos": "tentativa esgotada, não entregue"}


def test_a_payment_told_a_moment_before_stops_the_hand_over(opened: Open) -> None:
    office = opened()
    office.approve("manager")
    assert (office.next.action, office.next.step) == ("legal", "juridico")
    office.tell(f.PaymentReceived("pix-1", Decimal("1028.33"), TODAY))
    office.perform(LegalHandOver(office.world).legal)
    assert not dossiers(office)
    assert not copy_for_legal(office).exists()
    assert not office.book("handed_over")


# --- crashes ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "dead",
    [(module, "keep_document"), (FolderPartner, "hand"), (Desk, "conclude")],
    ids=["before-document", "before-copy", "after-copy"],
)
def test_a_crash_and_a_second_run_make_the_same_dossier_and_one_row(
    opened: Open, monkeypatch: pytest.MonkeyPatch, dead: tuple[Any, str]
) -> None:
    office = opened()
    office.approve("manager")
    expected = built(office)
    with monkeypatch.context() as crash:
        crash.setattr(*dead, dies)
        with pytest.raises(CrashError):
            LegalHandOver(office.world).legal(office.given())
    assert not office.book("handed_over")
    again, activity = office.given(), LegalHandOver(office.world).legal
    assert activity(again) == activity(again)
    assert copy_for_legal(office).read_bytes() == expected
    assert len(dossiers(office)) == 1
    assert len(office.book("handed_over")) == 1


def test_a_document_that_is_gone_from_the_store_is_named_and_does_not_stop_the_hand_over(opened: Open) -> None:
    office = opened()
    attach(office, "contract", "contrato.pdf", b"texto")
    office.world.documents.path(hashlib.sha256(b"texto").hexdigest()).unlink()
    path = hand_over(office)
    assert verify_dossier(path) == []
    (listed,) = json.loads(inside(path)["documentos.json"])
    assert (listed["tipo"], listed["presente"]) == ("contract", False)


# --- checking --------------------------------------------------------------------------------------------------------
@pytest.fixture
def dossier(opened: Open) -> Path:
    return hand_over(opened())


def repack(path: Path, files: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)


def test_every_file_of_a_dossier_is_guarded(dossier: Path, tmp_path: Path) -> None:
    files, damaged = inside(dossier), tmp_path / "damaged.zip"
    for name in files:
        repack(damaged, files | {name: files[name] + b"x"})
        assert verify_dossier(damaged), name
        repack(damaged, {other: content for other, content in files.items() if other != name})
        assert verify_dossier(damaged), name
    repack(damaged, files | {"novo.pdf": b"x"})
    assert verify_dossier(damaged) == ["novo.pdf: the manifest does not list it; it was added"]


def test_a_changed_book_is_found_even_where_the_manifest_was_changed_with_it(dossier: Path, tmp_path: Path) -> None:
    files = inside(dossier)
    book = files["livro.jsonl"].replace(b'"principal": "1000.00"', b'"principal": "9000.00"')
    assert book != files["livro.jsonl"]
    manifest = json.loads(files["manifest.json"])
    manifest["files"]["livro.jsonl"] = hashlib.sha256(book).hexdigest()
    forged = tmp_path / "forged.zip"
    repack(forged, files | {"livro.jsonl": book, "manifest.json": json.dumps(manifest).encode()})
    (fault,) = verify_dossier(forged)
    assert fault == "livro.jsonl: the chain breaks at entry 1; it, or the entry before it, was changed or removed"


def test_what_is_no_dossier_gets_a_sentence(tmp_path: Path) -> None:
    absent, text, empty = tmp_path / "absent.zip", tmp_path / "text.zip", tmp_path / "empty.zip"
    text.write_text("not a ZIP")
    repack(empty, {})
    assert "not a ZIP file" in verify_dossier(absent)[0]
    assert "not a ZIP file" in verify_dossier(text)[0]
    assert verify_dossier(empty)[0].startswith("manifest.json: it is missing")


def test_no_damage_to_its_bytes_makes_the_check_itself_fail(dossier: Path, tmp_path: Path) -> None:
    whole, damaged = dossier.read_bytes(), tmp_path / "damaged.zip"
    readme = inside(dossier)["LEIA-ME.txt"]
    start = whole.index(readme)

    @given(st.integers(0, len(whole) - 1) | st.integers(start, start + len(readme) - 1), st.integers(1, 255))
    def flip(at: int, by: int) -> None:
        damaged.write_bytes(whole[:at] + bytes([whole[at] ^ by]) + whole[at + 1 :])
        faults = verify_dossier(damaged)
        if start <= at < start + len(readme):
            assert faults == ["LEIA-ME.txt: its SHA-256 is not that of the manifest; it was changed or damaged"]

    flip()


# --- consent ---------------------------------------------------------------------------------------------------------
def test_the_letter_of_consent_names_the_registered_protest_and_is_stored_once(opened: Open) -> None:
    office = opened()
    protested(office)
    first, second = (consent_letter(office.world, office.ids.case) for _ in range(2))
    assert first == second
    (row,) = office.rows(DOCUMENT, DOCUMENT.c.kind == "consent")
    assert (row.id, row.mime) == (first, "application/pdf")
    pages = PdfReader(io.BytesIO(office.world.documents.get(row.sha256))).pages
    text = " ".join(" ".join(page.extract_text() for page in pages).split())
    for item in (
        "Credora Fictícia Ltda",
        "11.222.333/0001-81",
        "NF-77",
        "0001234, de 03/03/2026",
        "09/03/2026",
        "Tabelionato de protesto 07, SAO PAULO/SP",
        f"{DUE:%d/%m/%Y}",
        "R$ 1.000,00",
    ):
        assert item in text, item


@pytest.mark.parametrize("at_notary", [False, True])
def test_without_a_registered_protest_there_is_nothing_to_consent_to(opened: Open, at_notary: bool) -> None:
    office = opened()
    if at_notary:
        protested(office, registered=False)
    with pytest.raises(Refused) as refused:
        consent_letter(office.world, office.ids.case)
    assert refused.value.code == "no-registered-protest"
    assert not office.rows(DOCUMENT, DOCUMENT.c.kind == "consent")

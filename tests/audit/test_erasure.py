"""After an erasure the books still verify: what is gone is told as erased, by whom and why, never as missing."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from lived import KEYS, Lived
from sqlalchemy import insert, select, update

from activities.documents import Letter, forget_letter, hand_to_mail_house, keep_document
from audit.anchor import read_anchor
from audit.book import open_book
from audit.replay import Auditor
from audit.report import Report
from audit.verify import verify
from db.rows import CASE, CONTACT, CONTACT_POINT, DEBTOR, DOCUMENT, PRIVACY_ACT
from domain.retention import rules
from gateways.settings import Settings
from privacy.activity import Retention
from privacy.erasure import due, erase, remove_files

LATER = timedelta(days=20 * 366)
WHY = "prazo de guarda encerrado"


def checked(lived: Lived) -> Report:
    anchors = [read_anchor(lived.anchor)]
    return verify(lived.engine, lived.store, [lived.firm, lived.paid], lived.now, anchors, KEYS, everything=True)


def debtor_of(lived: Lived) -> Any:
    with lived.engine.connect() as conn:
        return conn.execute(select(CASE.c.debtor_id).where(CASE.c.id == lived.paid)).scalar_one()


def with_document(lived: Lived) -> Any:
    """A receipt for the debtor of the paid case; its row's id."""
    world: Any = type("World", (), {"documents": lived.store})
    with lived.engine.begin() as conn:
        content = b"recibo para Devedora Inventada"
        return keep_document(world, conn, lived.paid, "receipt", "recibo.pdf", "application/pdf", content, lived.now)


def erased(lived: Lived) -> None:
    debtor = debtor_of(lived)
    with lived.engine.begin() as conn:
        erase(conn, debtor, rules(), "advogada", WHY, lived.now + LATER)
    with lived.engine.connect() as conn:
        assert remove_files(conn, lived.store, Path(lived.folder), debtor) == 2, "ours, and that of the thanks"
        assert remove_files(conn, lived.store, Path(lived.folder), debtor) == 0


async def test_chains_comparisons_and_replay_hold_before_and_after_and_the_audit_names_the_act(lived: Lived) -> None:
    document = with_document(lived)
    assert checked(lived).findings == ()
    erased(lived)
    report = checked(lived)
    assert report.of("difference") == []
    [told] = [finding for finding in report.of("note") if str(document) in finding.text]
    assert f"foi apagado em {lived.now + LATER:%d/%m/%Y} por advogada: {WHY}" in told.text
    replayed = await Auditor(lived.engine, lived.store, None).group([lived.paid])
    found = [finding for finding in replayed.of("difference") if finding.area != "history"]  # another case's, borrowed
    assert found == []


def test_a_text_or_a_file_that_went_without_an_act_is_still_found(lived: Lived) -> None:
    document = with_document(lived)
    with lived.engine.begin() as conn:
        contact = open_book(conn, lived.paid).contacts[-1]
        conn.execute(update(CONTACT).where(CONTACT.c.id == contact.id).values(channel="sms", subject="", body=""))
        digest = conn.execute(select(DOCUMENT.c.sha256).where(DOCUMENT.c.id == document)).scalar_one()
    lived.store.path(digest).unlink()
    texts = "\n".join(finding.text for finding in checked(lived).of("difference"))
    assert "o texto guardado não é o que foi enviado (HMAC)" in texts
    assert "sumiu do depósito de documentos" in texts


def test_a_document_that_came_back_changed_is_no_erased_one(lived: Lived) -> None:
    document = with_document(lived)
    erased(lived)
    with lived.engine.connect() as conn:
        digest = conn.execute(select(DOCUMENT.c.sha256).where(DOCUMENT.c.id == document)).scalar_one()
    lived.store.path(digest).write_bytes(b"outro")
    assert ["foi alterado" in finding.text for finding in checked(lived).of("difference")] == [True]


def test_a_letter_leaves_the_print_folder_and_its_manifest_and_no_other_does(tmp_path: Path) -> None:
    mine, other = uuid4(), uuid4()
    for contact, name in ((mine, "Devedora Inventada"), (other, "Outra Fictícia")):
        hand_to_mail_house(tmp_path, date(2026, 3, 2), Letter(contact, name, ("Rua Fictícia, 10",), b"%PDF"))
    assert forget_letter(tmp_path, mine) == 1
    assert forget_letter(tmp_path, mine) == 0
    manifest = (tmp_path / "2026-03-02" / "manifest.csv").read_text()
    assert ("Devedora" in manifest, "Outra" in manifest) == (False, True)
    assert [pdf.stem for pdf in tmp_path.glob("*/*.pdf")] == [str(other)]


def test_whose_case_is_open_is_never_due(lived: Lived) -> None:
    with lived.engine.connect() as conn:
        today = (lived.now + LATER).date()
        assert [plan.debtor for plan in due(conn, rules(), today)] == [debtor_of(lived)]
        assert due(conn, rules(), lived.now.date()) == []


@pytest.mark.parametrize("automatic", [False, True])
def test_the_weekly_errand_lists_and_erases_only_where_that_is_switched_on(lived: Lived, automatic: bool) -> None:
    with_document(lived)
    world: Any = type("World", (), {
        "engine": lived.engine, "documents": lived.store, "letters": lived.folder,
        "now": staticmethod(lambda: lived.now + LATER),
    })  # fmt: skip
    errand = Retention(world, Settings(erase_automatically=automatic))
    report = errand.retention()
    assert (report.due, report.erased, report.files) == (1, int(automatic), 2 * automatic)
    assert errand.retention().due == (0 if automatic else 1)
    with lived.engine.connect() as conn:
        acts = conn.execute(select(PRIVACY_ACT.c.actor).where(PRIVACY_ACT.c.kind == "erased")).scalars().all()
        name = conn.execute(select(DEBTOR.c.name).where(DEBTOR.c.id == debtor_of(lived))).scalar_one()
    assert (acts, name == "") == (["retention"] * automatic, automatic)


def test_a_debtor_who_comes_back_after_an_erasure_has_new_data_of_every_class(lived: Lived) -> None:
    with_document(lived)
    erased(lived)
    debtor = debtor_of(lived)
    with lived.engine.begin() as conn:
        again = conn.execute(select(CONTACT_POINT).where(CONTACT_POINT.c.debtor_id == debtor)).first()
        assert again is not None
        assert again.address == f"apagado:{again.id}"
        new = {**again._mapping, "id": lived.firm, "address": "volta@devedora.example.com"}
        conn.execute(insert(CONTACT_POINT).values(**new))
        values = {"opened_at": lived.now + LATER * 2, "closed_at": lived.now + LATER * 2}
        conn.execute(update(CASE).where(CASE.c.id == lived.paid).values(**values))
        conn.execute(update(DEBTOR).where(DEBTOR.c.id == debtor).values(document="11222333000181", name="Volta"))
        plans = due(conn, rules(), (lived.now + LATER * 3).date())
        assert ["contacts" in plan.due for plan in plans] == [True]

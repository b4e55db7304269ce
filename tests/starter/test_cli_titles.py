"""Staff say what decides whether a title can go to the notary, and see it before they approve."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import pytest
from people import Opened, cnpj, ladder, new_case_row

from db.rows import CONTACT, CONTACT_POINT, DEBTOR, INVOICE, PARTY

WHERE = [
    "--street",
    "Rua Inventada, 7",
    "--district",
    "Centro",
    "--cep",
    "80010-000",
    "--city",
    "Curitiba",
    "--uf",
    "PR",
]
ENVELOPE = "Rua Inventada, 7\nCentro\n80010-000 Curitiba/PR"


@pytest.fixture
def opened(terminal: Any) -> Opened:
    return new_case_row(terminal.engine, ladder("padrao-b2b"), date(2026, 1, 15), date(2026, 1, 10), number="77")


# --- what others say of a title --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("words", "fact"),
    [
        (["bank-order", "--kind", "protest"], {"kind": "bank_order", "order": "protest", "active": True}),
        (
            ["bank-order", "--kind", "listing", "--withdrawn"],
            {"kind": "bank_order", "order": "listing", "active": False},
        ),
        (["portfolio", "--kind", "discounted"], {"kind": "portfolio", "portfolio": "discounted"}),
        (["nfe-event", "--event", "210240"], {"kind": "nfe_event", "event": "210240"}),
        (
            ["log", "letter", "delivered", "--way", "letter-2", "--party", "avalista-1"],
            {"kind": "log", "outcome": "delivered", "way": "letter-2", "party": "avalista-1"},
        ),
    ],
)
def test_what_others_say_of_a_title_is_stored(
    terminal: Any, opened: Opened, words: list[str], fact: dict[str, Any]
) -> None:
    said = terminal.type(words[0], opened.case, *words[1:], "--by", "ana", "--json")
    assert (said.code, said.json["status"]) == (0, "stored"), said.err
    (stored,) = terminal.facts(opened.case)
    assert fact.items() <= stored.items()


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (["bank-order", "--kind", "threat"], 1, "use protest, listing"),
        (["bank-order"], 2, "tipo: it is missing"),
        (["portfolio", "--kind", "lost"], 1, "use simple, discounted, pledged, sold"),
        (["nfe-event", "--event", "999999"], 1, "this version knows 110111"),
        (["nfe-event"], 2, "evento: it is missing"),
    ],
)
def test_what_is_not_known_of_a_title_changes_nothing(
    terminal: Any, opened: Opened, words: list[str], code: int, why: str
) -> None:
    said = terminal.type(words[0], opened.case, *words[1:], "--by", "ana")
    assert (said.code, why in said.err) == (code, True), said.err
    assert not terminal.facts(opened.case)


def test_a_letter_that_reached_another_party_is_no_contact_with_the_debtor(terminal: Any, opened: Opened) -> None:
    words = ["letter", "delivered", "--way", "letter-2", "--party", "avalista-1"]
    assert terminal.type("log", opened.case, *words, "--by", "ana").code == 0
    assert not terminal.rows(CONTACT)


def test_a_bank_file_of_withdrawn_instructions_is_taken_row_by_row(terminal: Any, opened: Opened) -> None:
    other = new_case_row(terminal.engine, ladder("padrao-b2b"), date(2026, 1, 15), date(2026, 1, 10))
    file = terminal.file(
        "baixas.csv",
        {"caso": str(opened.case), "tipo": "protest", "baixada": "sim"},
        {"caso": str(other.case), "tipo": "listing", "baixada": ""},
    )
    said = terminal.type("bank-order", "--from", file, "--by", "ana", "--json")
    assert said.code == 0, said.err
    assert [terminal.facts(each.case)[0]["active"] for each in (opened, other)] == [False, True]


# --- who else signed -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("role", "binds"), [("avalista", "title"), ("guarantor", "contract")])
def test_who_else_signed_is_written_down_with_what_binds_him(
    terminal: Any, opened: Opened, role: str, binds: str
) -> None:
    words = ["--role", role, "--document", cnpj(77), "--name", "Garante  Inventada", *WHERE]
    said = terminal.type("party", "add", opened.case, *words, "--by", "ana", "--json")
    assert (said.code, said.json["bound_by"]) == (0, binds), said.err
    (party,) = terminal.rows(PARTY)
    assert (party.invoice_id, party.document, party.name) == (opened.invoice, cnpj(77), "Garante Inventada")
    assert (party.address, party.city, party.uf, party.cep) == ("Rua Inventada, 7", "Curitiba", "PR", "80010000")
    assert terminal.facts(opened.case) == [{"kind": "party", "party_id": str(party.id), "role": role}]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--role", "friend", "--document", cnpj(77), *WHERE], "use co-debtor, avalista"),
        (["--role", "avalista", "--document", "11222333000182", *WHERE], "check digits"),
        (["--role", "avalista", "--document", cnpj(77)], "--street is missing"),
        (["--role", "avalista", "--document", cnpj(77), *WHERE[:-1], "SP"], "this CEP is not in SP"),
    ],
)
def test_a_party_who_could_not_be_notified_is_refused(
    terminal: Any, opened: Opened, words: list[str], why: str
) -> None:
    said = terminal.type("party", "add", opened.case, "--name", "Garante Inventada", *words, "--by", "ana")
    assert (said.code, why in said.err) == (1, True), said.err
    assert not terminal.rows(PARTY)
    assert not terminal.facts(opened.case)


# --- a further address for letters -----------------------------------------------------------------------------------
def test_a_further_address_for_letters_stands_beside_the_first_and_is_kept_once(terminal: Any, opened: Opened) -> None:
    for _ in range(2):
        said = terminal.type("contact", "add", opened.case, "letter", *WHERE, "--by", "ana")
        assert said.code == 0, said.err
    (point,) = terminal.rows(CONTACT_POINT, CONTACT_POINT.c.channel == "letter")
    assert (point.address, point.state) == (ENVELOPE, "usable")
    assert terminal.rows(DEBTOR)[0].address == "Rua Fictícia, 10"
    assert {"kind": "contact_data", "channel": "letter"}.items() <= terminal.facts(opened.case)[0].items()
    assert "--street" in terminal.type("contact", "add", opened.case, "letter", "--by", "ana").err


def test_an_address_from_which_letters_come_back_is_marked_by_what_stands_on_the_envelope(
    terminal: Any, opened: Opened
) -> None:
    terminal.type("contact", "add", opened.case, "letter", *WHERE, "--by", "ana")
    said = terminal.type("contact", "invalid", opened.case, "letter", ", ".join(ENVELOPE.split("\n")), "--by", "ana")
    assert said.code == 0, said.err
    (point,) = terminal.rows(CONTACT_POINT, CONTACT_POINT.c.channel == "letter")
    assert point.state == "invalid"
    said = terminal.type("contact", "invalid", opened.case, "letter", "Rua Nenhuma, 1", "--by", "ana")
    assert (said.code, "no such address" in said.err) == (1, True)


# --- what an approver sees -------------------------------------------------------------------------------------------
def test_an_approver_sees_what_he_answers_for(terminal: Any, opened: Opened) -> None:
    approval = terminal.approval(opened.case, needed=2)
    said = terminal.type("approval", str(opened.case)[:8], "--json")
    assert said.code == 0, said.err
    shown = said.json
    assert (shown["id"], shown["purpose"], shown["needed"], shown["said_yes"]) == (approval, "protest", 2, [])
    assert UUID(shown["case"]) == opened.case
    assert shown["balance"]["principal"] == "1000.00"
    assert shown["days_late"] == (date.fromisoformat(shown["balance"]["on"]) - date(2026, 1, 15)).days > 300
    assert {window["name"] for window in shown["windows"]} >= {"cheap-proposal", "recourse", "postponed-costs"}
    assert shown["notice"] is None
    assert shown["alternatives"]


def test_an_approver_reads_which_paper_is_missing_and_no_more_once_it_is_there(terminal: Any, opened: Opened) -> None:
    with terminal.engine.begin() as conn:
        conn.execute(INVOICE.update().values(delivery_proof=""))
    approval = terminal.approval(opened.case)

    def lacking() -> set[str]:
        return {gap["code"] for gap in terminal.type("approval", approval, "--json").json["missing"]}

    assert "paper:delivery-proof" in lacking()
    assert "paper:delivery-proof" in terminal.type("approval", approval).out
    file = terminal.folder / "canhoto.pdf"
    file.write_bytes(b"%PDF-1.4 inventado")
    assert terminal.type("attach", opened.case, file, "--kind", "delivery-proof", "--by", "ana").code == 0
    assert "paper:delivery-proof" not in lacking()


def test_looking_at_an_approval_says_nothing_to_the_case(terminal: Any, opened: Opened) -> None:
    approval = terminal.approval(opened.case)
    assert terminal.type("approval", approval).code == 0
    assert not terminal.facts(opened.case)
    assert terminal.type("approval", "ffffffff").code == 1

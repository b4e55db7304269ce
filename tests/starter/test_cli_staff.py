"""Staff act on cases: what is stored, what is refused, what happens while nobody answers."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from people import Opened, ladder, new_case_row, office_today
from sqlalchemy import select, update

from db.rows import CASE, CONTACT, CONTACT_POINT, DEBTOR, DOCUMENT, NOTE, STAFF, TASK

TODAY = office_today()
LATER = f"{TODAY + timedelta(days=2)}"
TOMORROW = f"{TODAY + timedelta(days=2):%d/%m/%Y}"


@pytest.fixture
def opened(terminal: Any) -> Opened:
    return new_case_row(terminal.engine, ladder("padrao-b2b"), date(2026, 1, 15), date(2026, 1, 10), number="77")


def paper(terminal: Any, name: str = "decisao.pdf", content: bytes = b"%PDF-1.4 inventado") -> Path:
    """A paper on the clerk's disk."""
    path: Path = terminal.folder / name
    path.write_bytes(content)
    return path


ACTIONS = [
    (["pay", "ID", "1.000,00", "--ref", "E1"], {"kind": "payment", "amount": "1000.00", "reference": "E1"}),
    (["reverse", "ID", "E1"], {"kind": "reverse", "reference": "E1"}),
    (["promise", "ID", TOMORROW, "--amount", "10,50"], {"kind": "promise", "amount": "10.50", "how": "staff"}),
    (["promise", "ID", TOMORROW, "10,50", "--how", "phone"], {"kind": "promise", "amount": "10.50", "how": "phone"}),
    (["promise", "ID", TOMORROW], {"kind": "promise", "amount": None}),
    (["claim", "ID", "--how", "reply"], {"kind": "claim", "how": "reply"}),
    (
        ["clearing", "ID", "1.000,00", "--ref", "CH-7", "--expected", TOMORROW],
        {"kind": "clearing", "amount": "1000.00", "reference": "CH-7", "expected_on": LATER, "source": "staff"},
    ),
    (["dispute", "ID"], {"kind": "dispute", "amount": None}),
    (["dispute", "ID", "--amount", "100"], {"kind": "dispute", "amount": "100.00"}),
    (["dispute", "ID", "--explain-by", TOMORROW], {"kind": "dispute", "explain_by": LATER}),
    (["dispute", "ID", "--explained", "--reason", "veio menos"], {"kind": "dispute", "explain_by": None}),
    (["resolve", "ID", "--upheld"], {"kind": "resolve", "upheld": True}),
    (["resolve", "ID", "--rejected"], {"kind": "resolve", "upheld": False}),
    (["pause", "ID", "--until", TOMORROW], {"kind": "pause"}),
    (["resume", "ID"], {"kind": "resume"}),
    (["hold", "ID", "--kind", "court", "--document", "FILE"], {"kind": "hold", "hold": "court", "until": None}),
    (
        ["hold", "ID", "--kind", "moratorium", "--until", TOMORROW, "--reason", "enchente"],
        {"kind": "hold", "hold": "moratorium", "until": LATER},
    ),
    (["lift", "ID", "--kind", "vanished"], {"kind": "lift", "hold": "vanished"}),
    (["override-limitation", "ID", "--reason", "ação monitória"], {"kind": "limitation_overridden"}),
    (["extend", "ID", "2027-03-01"], {"kind": "extended", "due": "2027-03-01"}),
    (["adjust", "ID", "50", "--kind", "return"], {"kind": "adjusted", "amount": "50.00", "how": "return"}),
    (["adjust", "ID", "50", "--kind", "credit-note"], {"kind": "adjusted", "amount": "50.00", "how": "credit-note"}),
    (["void", "ID", "--reason", "nota cancelada"], {"kind": "void"}),
    (["write-off", "ID", "--reason", "incobrável"], {"kind": "write_off"}),
    (["note", "ID", "pediu segunda via"], {"kind": "note"}),
    (["log", "ID", "letter", "delivered"], {"kind": "log", "channel": "letter", "outcome": "delivered"}),
    (["protest", "withdraw", "ID", "--reason", "acordo"], {"kind": "withdraw"}),
]


@pytest.mark.parametrize(
    ("words", "stored"), ACTIONS, ids=[" ".join(words[:2]) + f"-{n}" for n, (words, _) in enumerate(ACTIONS)]
)
def test_what_staff_say_is_stored_even_while_nobody_answers(
    terminal: Any, opened: Opened, words: list[str], stored: dict[str, Any]
) -> None:
    meant = {"ID": opened.case, "FILE": paper(terminal)}
    said = terminal.type(*[meant.get(word, word) for word in words], "--by", "ana", "--json")
    assert said.code == 0, said.err
    assert said.json["status"] == "stored"
    assert said.json["case"] == str(opened.case)
    (fact,) = terminal.facts(opened.case)
    assert stored.items() <= fact.items()


def test_a_person_reads_that_it_is_kept_for_later(terminal: Any, opened: Opened) -> None:
    said = terminal.type("resume", opened.case, "--by", "ana")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(f"guardado: caso {opened.case}")


@pytest.mark.parametrize("command", ["void", "write-off"])
def test_giving_a_debt_up_needs_a_reason(terminal: Any, opened: Opened, command: str) -> None:
    said = terminal.type(command, opened.case, "--by", "ana")
    assert said.code == 2
    assert "motivo" in said.err
    assert not terminal.facts(opened.case)


def test_a_reason_stands_in_a_note_that_can_be_erased_and_never_in_the_fact(terminal: Any, opened: Opened) -> None:
    terminal.type("void", opened.case, "--reason", "Fulana de Tal pediu", "--by", "ana")
    (note,) = terminal.rows(NOTE)
    (fact,) = terminal.facts(opened.case)
    assert (note.text, note.author) == ("Fulana de Tal pediu", "ana")
    assert fact["reason"] == f"note:{note.id}"


@pytest.mark.parametrize(
    "words",
    [
        ["pay", "ID", "10"],
        ["pause", "ID"],
        ["hold", "ID"],
        ["resolve", "ID"],
        ["note", "ID"],
        ["hold", "ID", "--kind", "moratorium"],
        ["clearing", "ID", "10", "--ref", "R1"],
        ["dispute", "ID", "--explained"],
        ["override-limitation", "ID"],
    ],
)
def test_what_is_missing_is_a_matter_of_usage(terminal: Any, opened: Opened, words: list[str]) -> None:
    said = terminal.type(*[str(opened.case) if word == "ID" else word for word in words], "--by", "ana")
    assert said.code == 2
    assert "missing" in said.err
    assert not terminal.facts(opened.case)


BAD = [
    (["pay", "ID", "dez", "--ref", "E1"], "amount 'dez'"),
    (["pay", "ID", "10", "--ref", "E1", "--on", "31/02/2026"], "is not a day"),
    (["pay", "ID", "10", "--ref", "E1", "--on", "01/01/2099"], "in the future"),
    (["hold", "ID", "--kind", "vanished"], "use court"),
    (["adjust", "ID", "10", "--kind", "gift"], "use rebate"),
    (["adjust", "ID", "0", "--kind", "rebate"], "it is zero"),
    (["pause", "ID", "--until", "01/01/2020"], "is past"),
    (["hold", "ID", "--kind", "court"], "give the court's order with --document"),
    (["hold", "ID", "--kind", "death"], "give the certificate with --document"),
    (["hold", "ID", "--kind", "insolvency", "--document", "none.pdf"], "name a file that can be read"),
    (["hold", "ID", "--kind", "moratorium", "--until", "01/01/2020", "--reason", "x"], "is past"),
    (["promise", "ID", TOMORROW, "--how", "pombo"], "use staff, reply, link, phone"),
    (["claim", "ID", "--how", "pombo"], "use staff, reply, link, phone"),
    (["clearing", "ID", "10", "--ref", "R1", "--expected", "01/01/2020"], "told with `regua pay`"),
    (["clearing", "ID", "0", "--ref", "R1", "--expected", TOMORROW], "it is zero"),
    (["dispute", "ID", "--explain-by", "01/01/2020"], "is past"),
    (["boleto-withdrawn", "ID"], "brought no boleto"),
    (["log", "ID", "pigeon", "ok"], "use call"),
    (["log", "ID", "call", "falou com Fulana de Tal"], "is not known; use reached"),
    (["log", "ID", "letter", "lost-somewhere"], "delivered"),
]


@pytest.mark.parametrize(("words", "why"), BAD, ids=[why for _, why in BAD])
def test_what_cannot_be_used_changes_nothing_and_says_why(
    terminal: Any, opened: Opened, words: list[str], why: str
) -> None:
    said = terminal.type(*[str(opened.case) if word == "ID" else word for word in words], "--by", "ana")
    assert said.code == 1
    assert why in said.err
    assert len(said.err.strip().splitlines()) == 1
    assert not terminal.facts(opened.case)


def test_nobody_acts_without_a_name(terminal: Any, opened: Opened) -> None:
    assert terminal.type("resume", opened.case).code == 2
    stranger = terminal.type("resume", opened.case, "--by", "nobody")
    assert (stranger.code, "no active user" in stranger.err) == (1, True)
    with terminal.engine.begin() as conn:
        conn.execute(STAFF.update().values(active=False))
    assert terminal.type("resume", opened.case, "--by", "ana").code == 1
    assert not terminal.facts(opened.case)


def test_an_error_is_one_json_document_where_json_is_asked_for(terminal: Any) -> None:
    said = terminal.type("resume", "ffffffff", "--by", "ana", "--json")
    assert said.code == 1
    assert set(said.json) == {"error", "code"}
    assert said.json["error"] in said.err


@pytest.mark.parametrize("name", ["whole", "beginning", "invoice"])
def test_a_case_is_named_by_its_id_the_beginning_of_it_or_its_invoice(terminal: Any, opened: Opened, name: str) -> None:
    words = {"whole": [opened.case], "beginning": [str(opened.case)[:8]], "invoice": ["0077", "--creditor", "credora"]}
    said = terminal.type("resume", *words[name], "--by", "ana", "--json")
    assert said.json["case"] == str(opened.case)


def test_a_beginning_that_two_cases_share_names_neither(terminal: Any, opened: Opened) -> None:
    twin = UUID(f"{str(opened.case)[:-1]}{'0' if str(opened.case)[-1] != '0' else '1'}")
    other = new_case_row(terminal.engine, ladder("padrao-b2b"), date(2026, 1, 15), date(2026, 1, 10))
    terminal.change(other.case, id=twin)
    said = terminal.type("resume", str(opened.case)[:12], "--by", "ana")
    assert (said.code, "more than one" in said.err) == (1, True)


def test_a_payment_that_stands_for_another_case_is_refused(terminal: Any, opened: Opened) -> None:
    from db.rows import PAYMENT

    row = {
        "id": UUID(int=5), "creditor_id": opened.creditor, "case_id": None, "reference": "E9", "amount": "1.00",
        "paid_on": TODAY, "source": "test", "hint": "", "received_at": datetime.now(UTC),
    }  # fmt: skip
    with terminal.engine.begin() as conn:
        conn.execute(PAYMENT.insert().values(row))
    said = terminal.type("pay", opened.case, "1,00", "--ref", "E9", "--by", "ana", "--json")
    assert (said.code, said.json["code"]) == (1, "unmatched-payment")
    other = new_case_row(terminal.engine, ladder("padrao-b2b"), date(2026, 1, 15), date(2026, 1, 10))
    with terminal.engine.begin() as conn:
        conn.execute(PAYMENT.update().values(case_id=other.case))
    said = terminal.type("pay", opened.case, "1,00", "--ref", "E9", "--by", "ana", "--json")
    assert (said.code, said.json["code"]) == (1, "payment-of-another-case")
    assert not terminal.facts(opened.case)


def test_a_logged_call_counts_in_the_caps_of_the_debtor(terminal: Any, opened: Opened) -> None:
    terminal.type("log", opened.case, "call", "reached", "--by", "ana")
    (contact,) = terminal.rows(CONTACT)
    assert (contact.debtor_id, contact.channel, contact.counts) == (opened.debtor, "call", True)
    terminal.type("log", opened.case, "letter", "returned", "--by", "ana")
    assert len(terminal.rows(CONTACT)) == 1


# --- many cases ------------------------------------------------------------------------------------------------------
def test_the_same_action_is_done_on_many_cases_from_a_file(terminal: Any, opened: Opened) -> None:
    other = new_case_row(terminal.engine, ladder("padrao-b2b"), date(2026, 1, 15), date(2026, 1, 10))
    file = terminal.file(
        "pausas.csv", {"Caso": str(opened.case), "ate": TOMORROW}, {"Caso": str(other.case), "ate": ""}
    )
    said = terminal.type("pause", "--from", file, "--until", "01/03/2099", "--by", "ana", "--json")
    assert said.code == 0, said.err
    assert [outcome["status"] for outcome in said.json] == ["stored", "stored"]
    assert terminal.facts(opened.case)[0]["until"] == f"{TODAY + timedelta(days=2)}"
    assert terminal.facts(other.case)[0]["until"] == "2099-03-01"


def test_a_file_with_one_bad_row_is_refused_whole_with_its_row(terminal: Any, opened: Opened) -> None:
    file = terminal.file(
        "baixas.csv",
        {"caso": str(opened.case), "valor": "10,00", "referencia": "E1"},
        {"caso": str(opened.case), "valor": "dez", "referencia": "E2"},
        {"caso": "ffffffff", "valor": "10,00", "referencia": "E3"},
    )
    said = terminal.type("pay", "--from", file, "--by", "ana")
    assert said.code == 1
    assert "row 3" in said.err
    assert "row 4" in said.err
    assert not terminal.facts(opened.case)


def test_what_one_case_refuses_is_reported_and_the_others_go_on(terminal: Any, opened: Opened) -> None:
    other = new_case_row(terminal.engine, ladder("padrao-b2b"), date(2026, 1, 15), date(2026, 1, 10))
    from db.rows import PAYMENT

    row = {
        "id": UUID(int=5), "creditor_id": opened.creditor, "case_id": other.case, "reference": "E9", "amount": "1.00",
        "paid_on": TODAY, "source": "test", "hint": "", "received_at": datetime.now(UTC),
    }  # fmt: skip
    with terminal.engine.begin() as conn:
        conn.execute(PAYMENT.insert().values(row))
    file = terminal.file(
        "baixas.csv",
        {"caso": str(opened.case), "valor": "10,00", "referencia": "E9"},
        {"caso": str(other.case), "valor": "10,00", "referencia": "E10"},
    )
    said = terminal.type("pay", "--from", file, "--by", "ana", "--json")
    assert said.code == 1
    assert [outcome["status"] for outcome in said.json] == ["refused", "stored"]
    assert f"case {opened.case}: refused (payment-of-another-case)" in said.err


def test_a_file_without_cases_or_with_strange_columns_is_refused(terminal: Any) -> None:
    said = terminal.type("resume", "--from", terminal.file("a.csv", {"invoice": "1", "ate": "x"}), "--by", "ana")
    assert said.code == 1
    assert "'invoice'" in said.err
    assert "no column caso" in said.err
    assert terminal.type("resume", "--from", terminal.folder / "none.csv", "--by", "ana").code == 1


def test_one_case_or_a_file_but_not_both_and_not_neither(terminal: Any, opened: Opened) -> None:
    file = terminal.file("a.csv", {"caso": str(opened.case)})
    assert terminal.type("resume", opened.case, "--from", file, "--by", "ana").code == 2
    assert terminal.type("resume", "--by", "ana").code == 2


# --- approvals -------------------------------------------------------------------------------------------------------
def _user(terminal: Any, name: str, *, role: str = "supervisor", limit: str = "5.000,00") -> str:
    said = terminal.type("user", "add", name, "--name", "Pessoa Inventada", "--role", role, "--limit", limit, "--json")
    assert said.code == 0, said.err
    return str(said.json["token"])


def test_an_approval_needs_the_token_of_somebody(
    terminal: Any, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    approval = terminal.approval(opened.case)
    assert "REGUA_TOKEN" in terminal.type("approve", approval).err
    monkeypatch.setenv("REGUA_TOKEN", "not-a-token")
    said = terminal.type("approve", approval, "--json")
    assert (said.code, said.json["code"]) == (1, "not-signed-in")
    assert not terminal.facts(opened.case)


@pytest.mark.parametrize(
    ("role", "limit", "code"), [("clerk", "5000", "wrong-role"), ("supervisor", "999,99", "over-limit")]
)
def test_an_approval_needs_role_and_limit(
    terminal: Any, opened: Opened, monkeypatch: pytest.MonkeyPatch, role: str, limit: str, code: str
) -> None:
    monkeypatch.setenv("REGUA_TOKEN", _user(terminal, "beto", role=role, limit=limit))
    said = terminal.type("approve", terminal.approval(opened.case), "--json")
    assert (said.code, said.json["code"]) == (1, code)
    assert not terminal.facts(opened.case)


def test_a_word_is_given_once_and_the_second_must_be_another_persons(
    terminal: Any, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    approval = terminal.approval(opened.case, needed=2)
    first, second = _user(terminal, "beto"), _user(terminal, "carla")
    monkeypatch.setenv("REGUA_TOKEN", first)
    assert terminal.type("approve", approval, "--json").json == {"status": "said", "missing": 1}
    again = terminal.type("approve", approval, "--json")
    assert (again.code, again.json["code"]) == (1, "already-said")
    word = {"kind": "word", "approval_id": approval, "missing": 1}
    assert terminal.facts(opened.case) == [word]
    monkeypatch.setenv("REGUA_TOKEN", second)
    assert terminal.type("approve", str(opened.case)[:8], "--json").json["status"] == "stored"
    assert terminal.facts(opened.case) == [word, {"kind": "approve", "approval_id": approval}]


def test_the_word_of_somebody_who_left_does_not_count(
    terminal: Any, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    approval = terminal.approval(opened.case, needed=2)
    first, second = _user(terminal, "beto"), _user(terminal, "carla")
    monkeypatch.setenv("REGUA_TOKEN", first)
    terminal.type("approve", approval)
    with terminal.engine.begin() as conn:
        conn.execute(STAFF.update().where(STAFF.c.id == "beto").values(active=False))
    assert terminal.type("approve", approval, "--json").json["code"] == "not-signed-in"
    monkeypatch.setenv("REGUA_TOKEN", second)
    assert terminal.type("approve", approval, "--json").json == {"status": "said", "missing": 1}


def test_one_no_is_enough(terminal: Any, opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    approval = terminal.approval(opened.case, needed=2)
    monkeypatch.setenv("REGUA_TOKEN", _user(terminal, "beto", limit="0"))
    assert terminal.type("refuse", approval, "--reason", "ainda não", "--json").json["status"] == "stored"
    told = {"kind": "refuse", "approval_id": approval, "again_on": None}
    assert terminal.facts(opened.case) == [told]


def test_nothing_to_approve_is_said(terminal: Any, opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGUA_TOKEN", _user(terminal, "beto"))
    assert "nothing waits for approval" in terminal.type("approve", opened.case).err


# --- tasks, contacts, documents --------------------------------------------------------------------------------------
def test_a_task_is_finished_with_a_short_word(terminal: Any, opened: Opened) -> None:
    row = {
        "id": UUID(int=7), "case_id": opened.case, "kind": "step", "step": "ligar", "owner": "clerk", "due": TODAY,
        "details": [], "outcome": "", "done_by": "", "opened_at": datetime.now(UTC),
    }  # fmt: skip
    with terminal.engine.begin() as conn:
        conn.execute(TASK.insert().values(row))
        conn.execute(TASK.insert().values(row | {"id": UUID(int=8 << 100), "case_id": None, "kind": "channel-fault"}))
        known = {str(UUID(int=7)): {"kind": "step", "step": "ligar", "due": TODAY.isoformat(), "holds": False}}
        state = conn.execute(select(CASE.c.state).where(CASE.c.id == opened.case)).scalar_one()
        conn.execute(update(CASE).where(CASE.c.id == opened.case).values(state=state | {"tasks": known}))
    assert terminal.type("task", "done", UUID(int=7), "--outcome", "Falei com ela", "--by", "ana").code == 1
    assert (
        terminal.type("task", "done", UUID(int=7), "--outcome", "reached", "--by", "ana", "--json").json["status"]
        == "stored"
    )
    assert terminal.facts(opened.case) == [{"kind": "task_done", "task_id": str(UUID(int=7)), "outcome": "reached"}]
    assert terminal.type("task", "done", UUID(int=8 << 100), "--outcome", "mended", "--by", "ana").code == 0
    again = terminal.type("task", "done", UUID(int=8 << 100), "--outcome", "mended", "--by", "ana", "--json")
    assert (again.code, again.json["code"]) == (1, "task-done")


def test_a_task_that_its_case_does_not_wait_for_is_finished_at_once(terminal: Any, opened: Opened) -> None:
    row = {
        "id": UUID(int=9), "case_id": opened.case, "kind": "bad-contact", "step": "", "owner": "clerk", "due": TODAY,
        "details": [], "outcome": "", "done_by": "", "opened_at": datetime.now(UTC),
    }  # fmt: skip
    with terminal.engine.begin() as conn:
        conn.execute(TASK.insert().values(row))
    assert terminal.type("task", "done", UUID(int=9), "--outcome", "mended", "--by", "ana").code == 0
    assert terminal.facts(opened.case) == []


def test_an_opt_out_holds_for_all_cases_of_the_debtor(terminal: Any, opened: Opened) -> None:
    second = new_case_row(
        terminal.engine, ladder("padrao-b2b"), date(2026, 1, 20), date(2026, 1, 10), debtor=opened.debtor
    )
    said = terminal.type("opt-out", opened.case, "--by", "ana", "--json")
    assert {outcome["case"] for outcome in said.json["cases"]} == {str(opened.case), str(second.case)}
    assert {point.state for point in terminal.rows(CONTACT_POINT)} == {"opted-out"}
    assert terminal.rows(DEBTOR)[0].opted_out == ["electronic"]
    assert terminal.facts(second.case) == [{"kind": "opt_out", "channels": ["electronic"]}]
    terminal.type("opt-in", opened.case, "--by", "ana")
    assert {point.state for point in terminal.rows(CONTACT_POINT)} == {"usable"}
    assert terminal.rows(DEBTOR)[0].opted_out == []


def test_one_channel_is_allowed_again_and_the_others_stay_closed(terminal: Any, opened: Opened) -> None:
    terminal.type("opt-out", opened.case, "--by", "ana")
    terminal.type("opt-in", opened.case, "--channel", "email", "--by", "ana")
    assert {point.channel: point.state for point in terminal.rows(CONTACT_POINT)} == {
        "email": "usable",
        "sms": "opted-out",
    }
    rest = ["call", "sms", "voice", "whatsapp"]
    assert terminal.rows(DEBTOR)[0].opted_out == rest
    assert terminal.facts(opened.case)[1:] == [
        {"kind": "opt_in", "channels": ["electronic", "email"]},
        {"kind": "opt_out", "channels": rest},
    ]


def test_an_address_is_added_once_in_one_form_and_the_cases_hear_of_it(terminal: Any, opened: Opened) -> None:
    for written in ("(11) 90000-0007", "+55 11 900000007"):
        said = terminal.type("contact", "add", opened.case, "sms", written, "--by", "ana")
        assert said.code == 0, said.err
    points = [point for point in terminal.rows(CONTACT_POINT) if point.address == "+5511900000007"]
    assert [(point.state, point.rank) for point in points] == [("usable", 2)]
    assert {"kind": "contact_data", "channel": "sms"}.items() <= terminal.facts(opened.case)[0].items()
    assert terminal.type("contact", "add", opened.case, "sms", "12345", "--by", "ana").code == 1
    assert terminal.type("contact", "add", opened.case, "fax", "12345", "--by", "ana").code == 1


def test_a_wrong_address_is_marked_and_put_right(terminal: Any, opened: Opened) -> None:
    terminal.type("contact", "invalid", opened.case, "email", "contas@devedora.example.com", "--by", "ana")
    states = {point.channel: point.state for point in terminal.rows(CONTACT_POINT)}
    assert states == {"email": "invalid", "sms": "usable"}
    assert not terminal.facts(opened.case)
    terminal.type("contact", "verify", opened.case, "email", "contas@devedora.example.com", "--by", "ana")
    assert {point.state for point in terminal.rows(CONTACT_POINT)} == {"usable"}
    unknown = terminal.type("contact", "verify", opened.case, "email", "x@devedora.example.com", "--by", "ana")
    assert (unknown.code, "no such address" in unknown.err) == (1, True)


def test_a_postal_address_is_corrected_whole_or_not_at_all(terminal: Any, opened: Opened) -> None:
    right = ["--street", "Rua Nova, 5", "--cep", "80010-000", "--city", "curitiba", "--uf", "pr"]
    said = terminal.type("contact", "add", opened.case, "address", *right, "--by", "ana")
    assert said.code == 0, said.err
    (debtor,) = terminal.rows(DEBTOR)
    assert (debtor.address, debtor.uf, debtor.cep, debtor.ibge) == ("Rua Nova, 5", "PR", "80010000", "4106902")
    wrong = ["--street", "Rua Nova, 6", "--cep", "01310-100", "--city", "Curitiba", "--uf", "PR"]
    assert "not in PR" in terminal.type("contact", "add", opened.case, "address", *wrong, "--by", "ana").err
    assert "--street" in terminal.type("contact", "add", opened.case, "address", "--by", "ana").err
    assert terminal.rows(DEBTOR)[0].address == "Rua Nova, 5"


def test_the_same_document_is_attached_once(terminal: Any, opened: Opened) -> None:
    file = terminal.folder / "canhoto.pdf"
    file.write_bytes(b"%PDF-1.4 invented")
    for _ in range(2):
        said = terminal.type("attach", opened.case, file, "--kind", "delivery-proof", "--by", "ana", "--json")
        assert said.code == 0, said.err
    (row,) = terminal.rows(DOCUMENT)
    assert (row.kind, row.mime, row.sha256) == ("delivery-proof", "application/pdf", said.json["sha256"])
    stored = terminal.folder / "state" / "documents" / row.sha256[:2] / row.sha256
    assert stored.read_bytes() == file.read_bytes()
    assert terminal.type("attach", opened.case, terminal.folder / "x", "--kind", "invoice", "--by", "ana").code == 1

"""The promise of every message, held on the telephone, on paper, on the envelope and in the header of an e-mail."""

from __future__ import annotations

from dataclasses import replace

import pytest
from letter_samples import COMPANY, CONSUMER, CREDITOR, data_for, invoice

from letters import check_calls
from letters.check_calls import check_call, check_script
from letters.check_letter import check_letter
from letters.checks import check_envelope, check_sender
from letters.messages import call_script, how_to
from letters.models import DebtorView, MessageData, NoticeData
from letters.voice import Names, matter

PEOPLE = pytest.mark.parametrize("debtor", [CONSUMER, COMPANY], ids=["consumer", "company"])


def spoken(debtor: DebtorView = CONSUMER) -> tuple[MessageData, Names]:
    return data_for("atraso-cordial", "sms", debtor), Names(CREDITOR.name, debtor.name, debtor.consumer, 15)


def notice(**changes: object) -> NoticeData:
    where = ("Rua Fictícia, 10\nCentro\n01305-000 São Paulo/SP",)
    pay = how_to("letter", CREDITOR, "Pix para contato@exemplo.example.com")
    made = NoticeData(
        CREDITOR, CONSUMER, (invoice(),), pay, data_for("lembrete", "sms").on, "n-1", 10, "protest", "", where
    )
    return replace(made, **changes)  # type: ignore[arg-type]


@PEOPLE
def test_a_call_by_a_machine_keeps_the_promise(debtor: DebtorView) -> None:
    data, names = spoken(debtor)
    assert check_call(data, names, matter(data)) == []
    two = replace(data, invoices=(invoice("1"), invoice("2")))
    assert check_call(two, names, matter(two)) == []


@pytest.mark.parametrize(
    ("taken", "missing"),
    [
        ("CNPJ 11.222.333/0001-81", "the creditor's CPF or CNPJ"),
        ("Rua das Amostras", "the creditor's address"),
        ("valor original", "an original amount"),
        ("Juros de mora", "an added item by name"),
        ("Pix para a chave", "how to pay"),
        ("7K2Q", "the reference by which it is found again"),
        ("www.exemplo.example.com ou (11) 2000-0000", "how to check that it is genuine"),
    ],
)
def test_a_call_that_lacks_an_item_is_refused(taken: str, missing: str) -> None:
    data, names = spoken()
    said = matter(data)
    assert taken in said
    assert f"roteiro-voz (voice): line matter: {missing} is missing" in check_call(data, names, said.replace(taken, ""))


def test_a_call_that_presses_is_refused() -> None:
    data, names = spoken()
    assert any("presses" in fault for fault in check_call(data, names, matter(data) + " Pague imediatamente."))


def test_a_line_that_hints_at_a_debt_before_the_proof_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data, names = spoken()
    real = check_calls.words
    monkeypatch.setattr(
        check_calls, "words", lambda line, *rest: real(line, *rest) + (" Sua fatura." if line == "greeting" else "")
    )
    (fault,) = check_call(data, names, matter(data))
    assert "line greeting: it hints at a debt" in fault


@PEOPLE
def test_the_script_of_a_person_keeps_the_promise(debtor: DebtorView) -> None:
    data = data_for("atraso-cordial", "email", debtor)
    assert check_script("roteiro-cordial", data, call_script("roteiro-cordial", data)) == []


def test_a_script_that_names_the_debt_too_early_or_presses_is_refused() -> None:
    data = data_for("atraso-cordial", "email")
    text = call_script("roteiro-cordial", data)
    early = text.replace('"Bom dia', '"É sobre a fatura em atraso. Bom dia')
    (fault,) = check_script("roteiro-cordial", data, early)
    assert "before the debtor has proved" in fault
    hard = text.replace("Como prefere resolver?", "É a última chance. Como prefere resolver?")
    (fault,) = check_script("roteiro-cordial", data, hard)
    assert "presses" in fault


@pytest.mark.parametrize("firm", ["protest", "legal"])
def test_a_notice_keeps_the_promise_with_the_one_step_that_follows(firm: str) -> None:
    assert check_letter(notice(firm_step=firm)) == []


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"creditor": replace(CREDITOR, document="")}, "the creditor's CPF or CNPJ is missing"),
        ({"creditor": replace(CREDITOR, address_line="")}, "the creditor's address is missing"),
        ({"how": replace(notice().how, dispute="")}, "how to dispute is missing"),
        ({"how": replace(notice().how, pay="veja bit.ly/abc")}, "a shortened link"),
        ({"firm_text": "Ficará com o nome sujo no protesto."}, "presses or threatens"),
    ],
)
def test_a_notice_that_lacks_an_item_or_presses_is_refused(changes: dict[str, object], fault: str) -> None:
    assert any(fault in found for found in check_letter(notice(**changes)))


def test_an_envelope_shows_names_and_an_address_and_nothing_of_a_debt() -> None:
    data = notice(addresses=("Rua do Cartório, 10\nVila Boleto\n01305-000 São Paulo/SP",))
    window = [data.debtor.name, *data.addresses[0].splitlines()]
    assert check_envelope(window, data) == []
    assert check_envelope([*window, "Aviso de débito"], data)
    assert check_envelope([*window, "Notificação de protesto"], data)


@pytest.mark.parametrize(
    ("name", "email", "faults"),
    [
        (CREDITOR.name, "contato@exemplo.example.com", 0),
        ("Financeiro", "contas@cobranca.example.com", 0),
        ("Cobrança Exemplo", "contato@exemplo.example.com", 1),
        ("Exemplo", "cobranca@exemplo.example.com", 1),
        ("Protestos e Débitos", "debitos-vencidos@exemplo.example.com", 2),
    ],
)
def test_the_header_of_an_email_shows_no_debt(name: str, email: str, faults: int) -> None:
    assert len(check_sender(name, email, CREDITOR.name)) == faults


def test_a_creditor_named_after_what_he_does_is_called_by_his_name() -> None:
    assert check_sender("Cobrança Certa Ltda", "contato@example.com", "Cobrança Certa Ltda") == []

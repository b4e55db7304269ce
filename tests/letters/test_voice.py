"""What is said on the telephone, before and after the debtor proved who he is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from letter_samples import COMPANY, CONSUMER, CREDITOR, data_for, invoice

from domain.errors import BadInput, Refused
from domain.ivr import AFTER_PROOF, At, Knows, Line, answered, hear
from letters.checks import COERCION, DEBT, FIRM
from letters.gsm import fold
from letters.models import MessageData
from letters.voice import Names, matter, words

NAMES = Names(CREDITOR.name, CONSUMER.name, True, 15)
KNOWS = Knows("123", 15, staffed=True, recorded=True)
BEFORE = sorted(set(Line) - AFTER_PROOF)


def data() -> MessageData:
    return data_for("atraso-cordial", "sms")


@pytest.mark.parametrize("line", BEFORE)
def test_no_line_before_the_proof_hints_at_a_debt(line: Line) -> None:
    text = fold(words(line, NAMES, matter(data()))).lower().replace(fold(CREDITOR.name).lower(), "")
    assert text
    assert not DEBT.search(text)
    assert not FIRM.search(text)
    assert not any(char.isdigit() and char not in "129" for char in text)


@given(st.lists(st.sampled_from(["", "1", "2", "3", "5", "12", "123", "321"]), max_size=8))
def test_whatever_is_pressed_no_amount_is_said_before_the_identity_is_proved(pressed: list[str]) -> None:
    said = matter(data())
    turn, proved = answered("human", KNOWS), False
    for keys in pressed:
        proved = proved or (turn.state.at == At.IDENTITY and keys == KNOWS.proof)
        turn = hear(turn.state, keys, KNOWS)
        spoken = " ".join(words(line, NAMES, said) for line in turn.says)
        assert proved or ("R$" not in spoken and "Fatura" not in spoken)


def test_the_matter_says_all_that_a_collection_must() -> None:
    said = matter(data())
    for piece in (
        CREDITOR.name, "CNPJ 11.222.333/0001-81", "Rua das Amostras", "CEP 01000-000", "Fatura 1234", "R$ 1.000,00",
        "Multa de 2% R$ 20,00", "Juros de mora", "R$ 14,33", "R$ 1.034,33", "Como pagar", "Se discorda", CREDITOR.site,
        "Lei 14.181", "7K2Q",
    ):  # fmt: skip
        assert piece in said, piece
    assert not COERCION.search(fold(said).lower())
    assert "tecle 9" in words(Line.MENU, NAMES, said)


def test_several_invoices_are_added_up_and_too_many_are_for_another_channel() -> None:
    two = replace(data(), invoices=(invoice("1"), invoice("2")))
    assert "Total das 2 faturas: R$ 2.068,66." in matter(two)
    with pytest.raises(Refused) as refused:
        matter(replace(data(), invoices=tuple(invoice(str(number)) for number in range(40))))
    assert refused.value.code == "voice-too-long"
    with pytest.raises(BadInput):
        matter(replace(data(), invoices=()))


def test_a_company_is_asked_for_who_answers_for_its_accounts() -> None:
    names = Names(CREDITOR.name, COMPANY.name, False, 15)
    assert "a pessoa responsável pelas contas de" in words(Line.PERSON, names, "")
    assert "C N P J" in words(Line.IDENTITY, names, "")

"""What debtors read by e-mail and SMS."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from letter_samples import (
    COMPANY,
    CONSUMER,
    CREDITOR,
    PAY,
    RULES,
    data_for,
    invoice,
    message_data,
    paid_invoice,
    partly_paid_invoice,
    plan,
    running_plan,
)

from domain.errors import BadInput, Refused
from domain.policy import Discount, Offer
from letters.checks import check
from letters.gsm import fold, is_gsm7, segments
from letters.messages import CHANNELS, NOTHING_TO_PAY, SETTLED, TEXTS, call_script, how_to, render
from letters.models import Channel, DebtorView, Message
from letters.plans import offer_words
from letters.versions import document_version, message_version

EVERY_TEXT = list(product(TEXTS, CHANNELS))
PIX = "00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-4266554400005204000053039865802BR5909EXEMPLO  6304ABCD"


@pytest.mark.parametrize("debtor", [CONSUMER, COMPANY], ids=["consumer", "company"])
@pytest.mark.parametrize(("text_id", "channel"), EVERY_TEXT)
def test_every_text_on_every_channel_keeps_the_promise(text_id: str, channel: Channel, debtor: DebtorView) -> None:
    data = data_for(text_id, channel, debtor)
    assert check(text_id, channel, render(text_id, channel, data), data) == []


@pytest.mark.parametrize(("text_id", "channel"), EVERY_TEXT)
def test_every_text_keeps_the_promise_for_several_invoices(text_id: str, channel: Channel) -> None:
    data = data_for(text_id, channel)
    one = data.invoices[0]
    data = replace(data, invoices=tuple(replace(one, number=str(number)) for number in range(101, 107)))
    message = render(text_id, channel, data)
    assert check(text_id, channel, message, data) == []
    assert all(f"Fatura {number}" in message.text for number in range(101, 107))


EMAIL_ITEMS = {
    "the creditor's name": CREDITOR.name,
    "the creditor's CPF or CNPJ": "CNPJ 11.222.333/0001-81",
    "the creditor's address": "CEP 01000-000",
    "the origin of a debt": "Compra de materiais",
    "an original amount": "Valor original",
    "how to pay": "Como pagar",
    "how to dispute": "com o motivo",
    "how to stop": "SAIR",
    "how to check that it is genuine": CREDITOR.site,
}
SMS_ITEMS = {
    "the creditor's name": CREDITOR.name,
    "the creditor's CPF or CNPJ": "11.222.333/0001-81",
    "the creditor's address": "Rua das Amostras",
    "the origin of a debt": "Fatura 1234",
    "an original amount": "R$ 1.000,00",
    "how to pay": "Pagar:",
    "how to dispute": "com o motivo",
    "how to stop": "SAIR",
    "how to check that it is genuine": CREDITOR.site,
}
REMOVALS = [(text, "email", item, words) for text, (item, words) in product(TEXTS, EMAIL_ITEMS.items())] + [
    (text, "sms", item, words) for text, (item, words) in product(TEXTS, SMS_ITEMS.items())
]


def without(message: Message, words: str) -> Message:
    html = message.html.replace(words, "") if message.html else None
    return replace(message, text=message.text.replace(words, ""), html=html)


@pytest.mark.parametrize(("text_id", "channel", "item", "words"), REMOVALS)
def test_a_text_that_lacks_an_item_is_refused(text_id: str, channel: Channel, item: str, words: str) -> None:
    data = data_for(text_id, channel)
    if item == "how to pay" and text_id in SETTLED:
        words = NOTHING_TO_PAY if channel == "email" else fold(NOTHING_TO_PAY)
    message = render(text_id, channel, data)
    faults = check(text_id, channel, without(message, words), data)
    assert any(item in fault for fault in faults)


@pytest.mark.parametrize(
    ("channel", "words"),
    [("email", "Multa de 2%"), ("email", "Juros de mora"), ("sms", "+ multa 20,00"), ("sms", "juros 14,33")],
)
@pytest.mark.parametrize("text_id", [text for text in TEXTS if text not in {"lembrete", "agradecimento-parcial"}])
def test_a_text_that_lacks_an_added_item_is_refused(text_id: str, channel: Channel, words: str) -> None:
    data = data_for(text_id, channel)
    faults = check(text_id, channel, without(render(text_id, channel, data), words), data)
    assert any("an added item by name" in fault for fault in faults)


IN_FULL = ("acordo-proposto", "acordo-confirmado")


@pytest.mark.parametrize(
    ("channel", "item", "piece"),
    [
        ("email", "an instalment with its day and amount", "27/01/2027"),
        ("email", "an instalment with its day and amount", "R$ 246,16"),
        ("email", "the total of the agreement", "R$ 1.048,76"),
        ("email", "that it makes no new debt", "sem novação"),
        ("email", "what a breach revives", "menos tudo o que já foi pago"),
        ("email", "what the interest comes to", "R$ 14,43"),
        ("email", "what the interest comes to", "12,34%"),
        ("email", "the total without financing", "Total sem parcelamento"),
        ("sms", "an instalment with its day and amount", "27/01/27"),
        ("sms", "an instalment with its day and amount", "246,15"),
        ("sms", "the total of the agreement", "R$ 1.048,76"),
        ("sms", "that it makes no new debt", "Sem novacao"),
        ("sms", "what a breach revives", "o saldo original volta"),
        ("sms", "what the interest comes to", "12,34%"),
    ],
)
@pytest.mark.parametrize("text_id", IN_FULL)
def test_an_agreement_that_lacks_one_of_its_terms_is_refused(
    text_id: str, channel: Channel, item: str, piece: str
) -> None:
    data = data_for(text_id, channel)
    message = render(text_id, channel, data)
    assert piece in message.text
    assert any(item in fault for fault in check(text_id, channel, without(message, piece), data))


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("piece", ["27/11/2026", "responda ACEITO"])
def test_an_offer_says_until_when_and_how_it_is_accepted(channel: Channel, piece: str) -> None:
    data = data_for("acordo-proposto", channel)
    faults = check("acordo-proposto", channel, without(render("acordo-proposto", channel, data), piece), data)
    assert any("until when and how to accept" in fault for fault in faults)


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("text_id", ["parcela-lembrete", "parcela-atrasada"])
def test_a_reminder_names_the_next_instalment_its_day_and_amount(text_id: str, channel: Channel) -> None:
    data = data_for(text_id, channel)
    message = render(text_id, channel, data)
    for piece in ("Parcela 1 de 3", "R$ 246,15", "28/12/2026"):
        assert piece in message.text
        faults = check(text_id, channel, without(message, piece), data)
        assert any("the instalment with its day and amount" in fault for fault in faults)


def test_a_late_instalment_is_told_the_last_day_that_keeps_the_agreement() -> None:
    """Due on Monday 28/12, five days on is Saturday 02/01; banks are open again on Monday the 4th."""
    assert "continua valendo se a parcela for paga até 04/01/2027" in (
        render("parcela-atrasada", "email", data_for("parcela-atrasada", "email")).text
    )


@pytest.mark.parametrize("channel", CHANNELS)
def test_the_code_of_the_instalment_is_shown_and_never_that_of_the_whole_debt(channel: Channel) -> None:
    other = "00020126330014br.gov.bcb.pix0111123456789095204000053039865802BR5909EXEMPLO6304FFFF"
    data = replace(message_data(channel, [invoice(payment_hint=other)]), plan=running_plan(payment_hint=PIX[:40]))
    message = render("parcela-lembrete", channel, data)
    assert PIX[:40] in message.text
    assert other not in message.text
    assert check("parcela-lembrete", channel, message, data) == []
    assert other in render("acordo-quebrado", "email", data).text
    assert PIX[:40] not in render("acordo-quebrado", "email", data).text


def test_what_settles_the_agreement_at_once_is_shown_where_it_saves_interest() -> None:
    data = data_for("parcela-lembrete", "email")
    assert "Para quitar o acordo inteiro agora: R$ 725,00" in render("parcela-lembrete", "email", data).text
    free = plan(rules=replace(RULES, interest=Decimal(0)), paid=[])
    assert "Para quitar" not in render("parcela-lembrete", "email", replace(data, plan=free)).text


def test_only_a_consumer_is_told_his_right_to_pay_early_by_its_law() -> None:
    consumer = render("acordo-proposto", "email", data_for("acordo-proposto", "email", CONSUMER)).text
    company = render("acordo-proposto", "email", data_for("acordo-proposto", "email", COMPANY)).text
    assert "art. 52, § 2º" in consumer
    assert "1% ao mês, simples" in consumer
    assert "art. 52" not in company
    assert "1% ao mês, compostos, Tabela Price" in company
    assert "os juros do parcelamento que ainda não correram são descontados" in company


@pytest.mark.parametrize("channel", CHANNELS)
def test_an_offer_for_cash_shows_its_discount(channel: Channel) -> None:
    rules = replace(RULES, discounts=(Discount(30, Decimal(10)),))
    data = replace(data_for("acordo-proposto", channel), plan=plan(Offer("a-vista", 0, Decimal(100)), rules))
    message = render("acordo-proposto", channel, data)
    assert check("acordo-proposto", channel, message, data) == []
    assert "R$ 930,90" in message.text
    assert "103,43" in message.text
    assert "Parcela 1" not in message.text


def test_a_kept_agreement_ends_in_thanks_and_asks_for_nothing() -> None:
    data = replace(data_for("acordo-concluido", "email"), invoices=(invoice(payment_hint=PIX),))
    text = render("acordo-concluido", "email", data).text
    assert "recibo de R$ 1.048,76, pagos no acordo" in text
    assert NOTHING_TO_PAY in text
    assert PIX not in text


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_part_in_dispute_leaves_the_rest_to_be_paid(channel: Channel) -> None:
    data = replace(data_for("contestacao-recebida", channel), disputed=Decimal("300.00"))
    message = render("contestacao-recebida", channel, data)
    assert "R$ 300,00" in message.text
    assert check("contestacao-recebida", channel, message, data) == []
    if channel == "email":
        assert "o restante pode ser pago normalmente" in message.text


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("text_id", ["pagamento-em-verificacao", "contestacao-recebida", "contestacao-pergunta"])
def test_whoever_answers_is_told_the_day_until_which_all_rests(text_id: str, channel: Channel) -> None:
    assert "30/11/2026" in render(text_id, channel, data_for(text_id, channel)).text


def test_an_extension_names_the_new_day() -> None:
    text = render("prorrogacao-confirmada", "email", data_for("prorrogacao-confirmada", "email")).text
    assert "o novo dia é 10/10/2026" in text


def test_the_words_of_an_offer_are_one_sentence_with_days_sums_and_interest() -> None:
    terms = plan().terms
    assert offer_words(terms) == (
        "entrada de R$ 310,30 até 27/11/2026 e 3 parcelas de R$ 246,15 (a última de R$ 246,16), em 28/12/2026, "
        "27/01/2027 e 01/03/2027, no total de R$ 1.048,76, com juros de 1% ao mês (R$ 14,43; taxa efetiva de 12,34% "
        "ao ano). A proposta vale até 27/11/2026."
    )
    free = plan(Offer("p", 1, Decimal(50)), replace(RULES, interest=Decimal(0))).terms
    assert offer_words(free) == (
        "entrada de R$ 517,17 até 27/11/2026 e 1 parcela de R$ 517,16, em 28/12/2026, no total de R$ 1.034,33, sem "
        "juros. A proposta vale até 27/11/2026."
    )
    cash = plan(Offer("a-vista", 0, Decimal(100)), replace(RULES, discounts=(Discount(30, Decimal(10)),))).terms
    assert offer_words(cash) == (
        "R$ 930,90 à vista, até 27/11/2026, com desconto de R$ 103,43. A proposta vale até 27/11/2026."
    )


@pytest.mark.parametrize("channel", CHANNELS)
def test_an_offer_of_the_ladder_fits_its_text(channel: Channel) -> None:
    free = plan(rules=replace(RULES, interest=Decimal(0))).terms
    data = replace(data_for("proposta", channel), offer=offer_words(free, channel))
    message = render("proposta", channel, data)
    assert check("proposta", channel, message, data) == []
    assert "1.034,33" in message.text
    assert "241,34" in message.text
    assert channel == "email" or segments(message.text) <= 4


@pytest.mark.parametrize("channel", CHANNELS)
def test_an_item_of_one_invoice_does_not_stand_for_the_same_item_of_another(channel: Channel) -> None:
    data = message_data(channel, [invoice("1"), invoice("2")])
    message = render("atraso-cordial", channel, data)
    words = "Multa de 2%" if channel == "email" else "+ multa 20,00"
    once = replace(message, text=message.text.replace(words, "", 1))
    assert any("an added item by name" in fault for fault in check("atraso-cordial", channel, once, data))


@pytest.mark.parametrize("channel", CHANNELS)
def test_several_invoices_without_their_total_are_refused(channel: Channel) -> None:
    data = message_data(channel, [invoice("1"), invoice("2")])
    faults = check("lembrete", channel, without(render("lembrete", channel, data), "2.068,66"), data)
    assert any("the total is missing" in fault for fault in faults)


def test_an_email_is_held_to_its_html_alone() -> None:
    data = data_for("lembrete", "email")
    message = render("lembrete", "email", data)
    assert check("lembrete", "email", replace(message, html=None), data)


@pytest.mark.parametrize("short_ref", ["dívida 12", "R$ 10,00", "fatura 9", "em atraso", "protesto"])
def test_a_subject_that_shows_a_debt_is_refused(short_ref: str) -> None:
    data = replace(data_for("lembrete", "email"), short_ref=short_ref)
    faults = check("lembrete", "email", render("lembrete", "email", data), data)
    assert "subject: it shows a debt; give a neutral reference" in faults


def test_another_subject_than_the_neutral_one_is_refused() -> None:
    data = data_for("lembrete", "email")
    message = replace(render("lembrete", "email", data), subject="Sua fatura venceu")
    assert check("lembrete", "email", message, data)


@pytest.mark.parametrize("channel", CHANNELS)
def test_first_words_that_show_a_debt_are_refused(channel: Channel) -> None:
    data = data_for("lembrete", channel)
    message = render("lembrete", channel, data)
    hasty = replace(message, text="Sua fatura venceu. " + message.text)
    assert any("first words" in fault for fault in check("lembrete", channel, hasty, data))


def test_a_creditor_named_after_what_he_sells_may_still_write() -> None:
    data = data_for("lembrete", "email")
    creditor = replace(CREDITOR, name="Boletos e Cobranças Exemplo Ltda", address_line="Rua do Protesto, 1")
    data = replace(data, creditor=creditor)
    assert check("lembrete", "email", render("lembrete", "email", data), data) == []


def test_words_of_the_contract_on_an_invoice_are_not_taken_for_pressure() -> None:
    for channel in CHANNELS:
        goods = replace(invoice(), origin="Bloqueios plásticos urgentes, processo 12")
        data = message_data(channel, [goods])
        assert check("lembrete", channel, render("lembrete", channel, data), data) == []


@pytest.mark.parametrize(
    "phrase",
    [
        "Esta é a sua última chance",
        "É urgente",
        "Pague em 24 horas",
        "sob pena de medidas cabíveis",
        "Evite mais transtornos",
        "Seu nome sujo na praça",
        "Vamos negativar no Serasa",
        "caloteiro",
    ],
)
@pytest.mark.parametrize("channel", CHANNELS)
def test_pressure_is_refused(channel: Channel, phrase: str) -> None:
    data = replace(data_for("proposta", channel), offer=phrase)
    faults = check("proposta", channel, render("proposta", channel, data), data)
    assert any("presses or threatens" in fault for fault in faults)


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_firm_step_is_named_only_where_the_case_plans_it(channel: Channel) -> None:
    step = "apresentação a protesto no tabelionato"
    planned = replace(data_for("ultimo-aviso", channel), next_step=step)
    message = render("ultimo-aviso", channel, planned)
    assert check("ultimo-aviso", channel, message, planned) == []
    assert "protesto" in message.text
    unplanned = replace(planned, next_step=None)
    assert any("firm step" in fault for fault in check("ultimo-aviso", channel, message, unplanned))
    assert "protesto" not in render("ultimo-aviso", channel, unplanned).text


@pytest.mark.parametrize("link", ["https://bit.ly/x1", "tinyurl.com/pague", "encurtador.com.br/abc"])
@pytest.mark.parametrize("channel", CHANNELS)
def test_a_shortened_link_is_refused(channel: Channel, link: str) -> None:
    data = data_for("lembrete", channel)
    data = replace(data, how=replace(data.how, pay=link))
    faults = check("lembrete", channel, render("lembrete", channel, data), data)
    assert any("shortened link" in fault for fault in faults)


@pytest.mark.parametrize("field", ["pay", "dispute", "stop", "verify"])
@pytest.mark.parametrize("channel", CHANNELS)
def test_an_empty_way_out_is_refused(channel: Channel, field: str) -> None:
    data = data_for("lembrete", channel)
    data = replace(data, how=replace(data.how, **{field: ""}))
    assert check("lembrete", channel, render("lembrete", channel, data), data)


@pytest.mark.parametrize("field", ["name", "document", "address_line", "cep"])
def test_a_creditor_without_his_particulars_may_not_write(field: str) -> None:
    changed: dict[str, Any] = {field: ""}
    data = replace(data_for("lembrete", "email"), creditor=replace(CREDITOR, **changed))
    assert check("lembrete", "email", render("lembrete", "email", data), data)


def test_the_original_amount_and_each_item_add_up_in_an_sms() -> None:
    message = render("atraso-cordial", "sms", data_for("atraso-cordial", "sms"))
    assert "R$ 1.000,00 + multa 20,00 + juros 14,33 = 1.034,33" in message.text


def test_an_invoice_taken_over_with_a_part_settled_shows_the_difference_as_an_item() -> None:
    data = message_data("sms", [invoice(original="1500.00", principal="1000.00")])
    text = render("atraso-cordial", "sms", data).text
    assert "R$ 1.500,00 - diferenca 500,00 + multa 20,00 + juros 14,33 = 1.034,33" in text


def test_what_is_due_later_shows_no_added_item() -> None:
    text = render("lembrete", "sms", data_for("lembrete", "sms")).text
    assert "venc. 10/10/2026: R$ 1.000,00. " in text
    assert "multa" not in text


def test_thanks_for_a_full_payment_ask_for_nothing() -> None:
    data = message_data("email", [replace(paid_invoice(), payment_hint=PIX)])
    message = render("agradecimento", "email", data)
    assert "recibo de R$ 1.034,33" in message.text
    assert NOTHING_TO_PAY in message.text
    assert PIX not in message.text
    assert PAY not in message.text


def test_thanks_that_end_a_debt_with_crumbs_left_say_that_they_are_waived() -> None:
    data = message_data("email", [invoice(payments=[])])
    assert "O restante, de R$ 1.034,33, está dispensado." in render("agradecimento", "email", data).text
    assert "dispensado" not in render("agradecimento", "email", message_data("email", [paid_invoice()])).text


def test_thanks_for_a_part_show_the_balance_and_its_rule() -> None:
    text = render("agradecimento-parcial", "email", message_data("email", [partly_paid_invoice()])).text
    assert "recibo: já foram pagos R$ 500,00, e o saldo em 22/11/2026 é de R$ 532,45" in text
    assert "abate primeiro os juros (Código Civil, art. 354), depois a multa" in text
    assert "e por fim o principal" in text
    assert "Pagamento em 10/11/2026: -R$ 500,00" in text


def test_a_confirmed_promise_shows_its_day_and_amount() -> None:
    text = render("promessa-confirmada", "email", data_for("promessa-confirmada", "email")).text
    assert "pagamento de R$ 1.034,33 até 01/12/2026" in text


def test_a_proposal_without_an_offer_opens_the_conversation() -> None:
    for channel in CHANNELS:
        data = replace(data_for("proposta", channel), offer=None)
        message = render("proposta", channel, data)
        assert "prazo e parcelas" in message.text
        assert check("proposta", channel, message, data) == []


def test_what_happened_is_told_where_a_text_announces_it() -> None:
    event = "O pedido de protesto foi retirado do tabelionato"
    for channel in CHANNELS:
        data = replace(data_for("comunicacao-baixa", channel), event=event)
        message = render("comunicacao-baixa", channel, data)
        assert event in message.text
        assert check("comunicacao-baixa", channel, message, data) == []


def test_only_a_consumer_is_told_of_the_protection_against_overindebtedness() -> None:
    consumer = render("atraso-firme", "email", data_for("atraso-firme", "email", CONSUMER))
    company = render("atraso-firme", "email", data_for("atraso-firme", "email", COMPANY))
    assert "Lei 14.181/2021" in consumer.text
    assert "Lei 14.181/2021" not in company.text


def test_a_name_is_never_read_as_markup() -> None:
    name = '<script>alert("x")</script> {{ 7 * 7 }} & Cia'
    data = replace(data_for("lembrete", "email"), debtor=DebtorView(name, "12345678909", consumer=True))
    message = render("lembrete", "email", data)
    assert name in message.text
    assert message.html is not None
    assert "<script>" not in message.html
    assert "&lt;script&gt;" in message.html
    assert "{{ 7 * 7 }} &amp; Cia" in message.html


def test_the_same_data_gives_the_same_message() -> None:
    for text_id, channel in EVERY_TEXT:
        data = data_for(text_id, channel)
        assert render(text_id, channel, data) == render(text_id, channel, data)


def test_an_unknown_text_or_channel_and_missing_data_are_refused_with_what_would_be_right() -> None:
    data = data_for("lembrete", "email")
    with pytest.raises(BadInput, match="use one of lembrete"):
        render("ameaca", "email", data)
    with pytest.raises(BadInput, match="use one of email, sms"):
        render("lembrete", "fax", data)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="no invoice"):
        render("lembrete", "email", replace(data, invoices=()))
    with pytest.raises(BadInput, match="`promise` was not given"):
        render("promessa-confirmada", "email", replace(data, promise=None))
    for text_id in ("acordo-proposto", "parcela-lembrete", "acordo-quebrado", "acordo-concluido"):
        with pytest.raises(BadInput, match="`plan` was not given"):
            render(text_id, "email", replace(data, plan=None))
    with pytest.raises(BadInput, match="no next instalment"):
        render("parcela-lembrete", "email", data)
    with pytest.raises(BadInput, match="`until` was not given"):
        render("contestacao-pergunta", "email", replace(data, until=None))
    with pytest.raises(BadInput, match="use one of roteiro-cordial"):
        call_script("roteiro-duro", data)


@pytest.mark.parametrize("text_id", TEXTS)
def test_an_sms_on_one_invoice_takes_three_segments_at_most_and_an_agreement_in_full_five(text_id: str) -> None:
    text = render(text_id, "sms", data_for(text_id, "sms")).text
    assert segments(text) <= (5 if text_id in {"acordo-proposto", "acordo-confirmado"} else 3)


def test_a_payment_code_stands_in_an_sms_unchanged_where_it_fits() -> None:
    data = message_data("sms", [invoice(payment_hint=PIX)])
    message = render("lembrete", "sms", data)
    assert f"Pagar: {PIX} Se discorda" in message.text
    assert check("lembrete", "sms", message, data) == []


def test_a_payment_code_that_would_cost_a_fourth_segment_gives_way_to_the_short_words() -> None:
    data = message_data("sms", [invoice(payment_hint=PIX * 2)])
    message = render("lembrete", "sms", data)
    assert PIX not in message.text
    assert f"Pagar: {PAY}." in message.text
    assert check("lembrete", "sms", message, data) == []


def test_thirty_invoices_fit_in_one_email_and_are_refused_as_an_sms() -> None:
    invoices = [invoice(str(number)) for number in range(1001, 1031)]
    data = message_data("email", invoices)
    assert check("atraso-cordial", "email", render("atraso-cordial", "email", data), data) == []
    with pytest.raises(Refused) as refusal:
        render("atraso-cordial", "sms", message_data("sms", invoices))
    assert refusal.value.code == "sms-too-long"
    assert CREDITOR.name not in str(refusal.value)


def test_long_names_do_not_break_a_message() -> None:
    creditor = replace(CREDITOR, name="Companhia " + "Muito Longa " * 20 + "Ltda")
    for channel in CHANNELS:
        data = replace(data_for("lembrete", channel), creditor=creditor)
        assert check("lembrete", channel, render("lembrete", channel, data), data) == []


@given(words=st.text(), other=st.text(), amount=st.decimals(0, 10**9, places=2))
def test_every_sms_travels_in_gsm7(words: str, other: str, amount: Decimal) -> None:
    data = message_data("sms", [invoice(original=str(amount))])
    creditor = replace(CREDITOR, name=words, city=other, address_line=other)
    one = replace(data.invoices[0], number=other[:40], instalment=words[:10], payment_hint=words)
    data = replace(data, creditor=creditor, invoices=(one,), how=replace(data.how, pay=other[:50] or PAY))
    try:
        text = render("atraso-cordial", "sms", data).text
    except Refused:
        return
    assert is_gsm7(text)
    assert segments(text) >= 1


@given(st.text())
def test_folding_leaves_only_gsm7_and_folds_once(text: str) -> None:
    folded = fold(text)
    assert is_gsm7(folded)
    assert fold(folded) == folded


def test_folding_drops_accents_and_typographic_signs() -> None:
    assert fold("É à ção ÀÕ nº 1ª “aspas” – travessão… R$\u00a01,00 \U0001f600") == (
        'E a cao AO no 1a "aspas" - travessao... R$ 1,00 ?'
    )


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 152 + "€" + "a" * 151, 2),
        ("a" * 152 + "€" + "a" * 152, 3),
        ("ã" * 70, 1),
        ("ã" * 71, 2),
        ("ã" * 134, 2),
        ("ã" * 135, 3),
        ("\U0001f600" * 35, 1),
        ("\U0001f600" * 66, 2),
        ("\U0001f600" * 67, 3),
    ],
)
def test_segments_are_counted_as_a_provider_bills_them(text: str, count: int) -> None:
    assert segments(text) == count


def test_the_call_script_says_the_amounts_the_recording_and_the_ways_out() -> None:
    script = call_script("roteiro-cordial", message_data("email", [invoice("1"), invoice("2")]))
    for words in (
        CREDITOR.name,
        "CNPJ 11.222.333/0001-81",
        "Rua das Amostras, 100, São Paulo/SP, CEP 01000-000",
        "valor original R$ 1.000,00",
        "Multa de 2%: R$ 20,00",
        "Total das 2 faturas em 22/11/2026: R$ 2.068,66",
        "Esta ligação é gravada, com data e hora",
        "7 dias úteis",
        "Se não concorda",
        "Para não receber mais contatos",
        "Como conferir",
    ):
        assert words in script
    greeting = script[script.index("ABERTURA") : script.index("O ASSUNTO")]
    assert not re.search(r"R\$|fatura \d|atras|dívida", greeting)


def test_the_version_of_a_text_names_its_wording_and_layout() -> None:
    versions = {message_version(text_id, channel) for text_id, channel in EVERY_TEXT}
    versions |= {document_version(name) for name in ("notice", "receipt", "consent", "dossier")}
    assert len(versions) == len(EVERY_TEXT) + 4
    assert all(re.fullmatch(r"[0-9a-f]{64}", version) for version in versions)


def test_the_ways_out_name_the_creditor_s_own_sentence_and_channels() -> None:
    creditor = replace(CREDITOR, how_to_verify="Veja a área do cliente no nosso site")
    for how in (how_to("email", creditor, PAY), how_to("letter", creditor, PAY)):
        assert how.verify.startswith("Veja a área do cliente no nosso site. ")
        assert CREDITOR.site in how.verify
        assert CREDITOR.email in how.dispute
        assert "SAIR" in how.stop

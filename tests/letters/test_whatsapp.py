"""What debtors read by WhatsApp: the same promise as every message, in templates that the platform can approve."""

from __future__ import annotations

from dataclasses import replace

import pytest
from letter_samples import COMPANY, CONSUMER, data_for, invoice

from domain.errors import BadInput, Refused
from gateways.whatsapp import Template, WhatsApp, check_message, check_template
from letters.checks import check
from letters.messages import TEXTS
from letters.models import DebtorView, Message, MessageData
from letters.whatsapp import LONGEST, fill, frame

PIX = "00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-4266554400005204000053039865802BR5909EXEMPLO  6304ABCD"


def whatsapp(text_id: str, debtor: DebtorView = CONSUMER) -> MessageData:
    return data_for(text_id, "whatsapp", debtor)


@pytest.mark.parametrize("debtor", [CONSUMER, COMPANY], ids=["consumer", "company"])
@pytest.mark.parametrize("text_id", TEXTS)
def test_every_text_keeps_the_promise(text_id: str, debtor: DebtorView) -> None:
    data = whatsapp(text_id, debtor)
    assert check(text_id, "whatsapp", Message("", fill(text_id, data).text, None), data) == []


@pytest.mark.parametrize("text_id", TEXTS)
def test_every_text_keeps_the_promise_for_several_invoices(text_id: str) -> None:
    data = whatsapp(text_id)
    data = replace(data, invoices=tuple(replace(data.invoices[0], number=str(number)) for number in (101, 102)))
    text = fill(text_id, data).text
    assert check(text_id, "whatsapp", Message("", text, None), data) == []
    assert "Total R$" in text


@pytest.mark.parametrize("text_id", TEXTS)
def test_every_frame_is_one_that_the_platform_can_approve(text_id: str) -> None:
    variables = fill(text_id, whatsapp(text_id)).variables
    name = f"regua_{text_id.replace('-', '_')}"
    assert check_template(Template(name, frame(text_id), variables)) == ()


@pytest.mark.parametrize("text_id", TEXTS)
def test_what_it_is_filled_with_is_what_the_channel_takes_and_holds_the_reference(text_id: str) -> None:
    data = whatsapp(text_id)
    filled = fill(text_id, data)
    message = WhatsApp("id", data.short_ref, "+551130000000", "+5511900000001", "HX", filled.variables, filled.text, "")
    assert check_message(message) == ()
    assert data.short_ref in filled.variables.values()


@pytest.mark.parametrize("text_id", TEXTS)
def test_the_frame_is_the_same_whatever_it_is_filled_with(text_id: str) -> None:
    data = whatsapp(text_id)
    other = replace(data, invoices=(invoice("9"), invoice("10")), short_ref="Z9Z9", debtor=COMPANY)
    if text_id not in ("agradecimento", "agradecimento-parcial"):
        assert fill(text_id, data).variables.keys() == fill(text_id, other).variables.keys()
    assert "{{" not in fill(text_id, data).text


def test_wording_that_never_varies_stands_in_the_frame() -> None:
    assert "Não identificamos o pagamento" in frame("atraso-cordial")
    assert "Proposta" not in frame("acordo-proposto")


def test_a_payment_code_is_shown_as_it_is_where_it_fits() -> None:
    data = replace(whatsapp("atraso-cordial"), invoices=(replace(invoice(), payment_hint=PIX),))
    text = fill("atraso-cordial", data).text
    assert f"Pagar: {PIX}" in text
    full = data.creditor.address_line + "x" * (LONGEST - len(text) + 1)
    long = replace(data, creditor=replace(data.creditor, address_line=full))
    assert PIX not in fill("atraso-cordial", long).text


def test_what_a_debtor_is_called_never_opens_a_placeholder() -> None:
    data = whatsapp("atraso-cordial")
    odd = replace(data, creditor=replace(data.creditor, name="Credora {{2}} Ltda"))
    assert "Credora {{2}} Ltda" in fill("atraso-cordial", odd).text


def test_so_many_invoices_that_do_not_fit_are_for_another_channel() -> None:
    data = whatsapp("atraso-cordial")
    many = replace(data, invoices=tuple(invoice(str(number)) for number in range(40)))
    with pytest.raises(Refused, match=f"more than {LONGEST} characters") as refused:
        fill("atraso-cordial", many)
    assert refused.value.code == "whatsapp-too-long"


def test_an_unknown_text_is_refused() -> None:
    with pytest.raises(BadInput, match="is not known"):
        frame("cobranca-dura")

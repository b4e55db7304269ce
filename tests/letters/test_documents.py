"""Letters as PDF: the prior notice, the receipt, the letter of consent."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from letter_samples import (
    COMPANY,
    CONSUMER,
    CREDITOR,
    ON,
    PAY,
    invoice,
    paid_invoice,
    partly_paid_invoice,
    plan,
    running_plan,
)
from pypdf import PdfReader

from domain.debt import Payment, Reduction
from domain.errors import BadInput
from letters.documents import (
    agreement_pdf,
    consent_letter_pdf,
    deadline_words,
    memory_pdf,
    notice_pdf,
    printable,
    receipt_pdf,
)
from letters.messages import NOTHING_TO_PAY, how_to
from letters.models import AgreementData, ConsentData, MemoryData, NoticeData, ReceiptData
from letters.pdf import DIRECTORY

HOW = how_to("letter", CREDITOR, PAY)
ADDRESSES = ("Rua do Modelo, 5 - Centro\n20000-000 Rio de Janeiro/RJ", "Avenida Outra, 9\n01000-000 São Paulo/SP")
PIX = "00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-4266554400005204000053039865802BR5909EXEMPLO6304ABCD"
HOSTILE = '#panic("x") *b* <a> $x$ `y` \\ // @z {{ 1 }} [c] _d_'
NOTICE = NoticeData(
    creditor=CREDITOR,
    debtor=CONSUMER,
    invoices=(invoice(),),
    how=HOW,
    on=ON,
    notice_id="NT-2026-0001",
    deadline_days=10,
    firm_step="protest",
    addresses=ADDRESSES,
)
RECEIPT = ReceiptData(
    creditor=CREDITOR,
    debtor=CONSUMER,
    invoices=(paid_invoice(),),
    how=HOW,
    on=ON,
    receipt_id="RC-2026-0001",
    paid_on=ON,
    amount=Decimal("1034.33"),
    method="Pix",
    settled=True,
)
CONSENT = ConsentData(
    creditor=CREDITOR,
    debtor=CONSUMER,
    title_number="1234",
    title_kind="DMI",
    amount=Decimal("1000.00"),
    due=date(2026, 10, 10),
    registry_office="2º Tabelionato de Protesto",
    registry_city="São Paulo/SP",
    protocol="0009999",
    protocol_date=date(2026, 11, 3),
    protest_date=date(2026, 11, 9),
    on=ON,
)


def words(pdf: bytes) -> str:
    """All text of a PDF on one line."""
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).split())


def test_a_notice_holds_every_item_of_the_promise() -> None:
    text = words(notice_pdf(NOTICE))
    for item in (
        "Distribuidora Exemplo Ltda",
        "CNPJ 11.222.333/0001-81",
        "Rua das Amostras, 100, São Paulo/SP, CEP 01000-000",
        "Maria Fictícia",
        "CPF 123.456.789-09",
        "Fatura 1234, parcela 2/3 (duplicata mercantil)",
        "Compra de materiais, pedido 77",
        "10/10/2026",
        "R$ 1.000,00",
        "Multa de 2%: R$ 20,00",
        "Juros de mora de 1% ao mês, 43 dias: R$ 14,33",
        "Total em 22/11/2026: R$ 1.034,33",
        "10 dias úteis contados do primeiro dia útil seguinte ao recebimento",
        PAY,
        "diga o motivo e o número deste documento",
        "escreva SAIR",
        "não usamos links encurtados",
        CREDITOR.site,
        "NT-2026-0001",
    ):
        assert item in text, item


@pytest.mark.parametrize("days", [1, 5, 10])
def test_a_deadline_is_stated_in_business_days_from_receipt(days: int) -> None:
    unit = "dia útil contado" if days == 1 else "dias úteis contados"
    assert f"{days} {unit} do primeiro dia útil seguinte ao recebimento" == deadline_words(days)
    assert deadline_words(days) in words(notice_pdf(replace(NOTICE, deadline_days=days)))


def test_a_notice_announces_only_what_its_case_does_next() -> None:
    protest = words(notice_pdf(replace(NOTICE, firm_step="protest")))
    legal = words(notice_pdf(replace(NOTICE, firm_step="legal")))
    assert "protesto no tabelionato competente (Lei 9.492/1997)" in protest
    assert "judicial" not in protest
    assert "jurídico" not in protest
    assert "cobrança judicial" in legal
    assert "protest" not in legal
    assert "tabelionato" not in legal


def test_words_that_announce_another_step_are_refused() -> None:
    with pytest.raises(BadInput, match="another step than 'legal'"):
        notice_pdf(replace(NOTICE, firm_step="legal", firm_text="O título irá a Protesto."))
    with pytest.raises(BadInput, match="another step than 'protest'"):
        notice_pdf(replace(NOTICE, firm_step="protest", firm_text="O caso irá à Justiça."))
    own = "O título será apresentado ao 2º Tabelionato para protesto"
    assert own in words(notice_pdf(replace(NOTICE, firm_text=own)))


def test_a_notice_without_invoices_or_deadline_is_refused() -> None:
    with pytest.raises(BadInput, match="no invoice"):
        notice_pdf(replace(NOTICE, invoices=()))
    with pytest.raises(BadInput, match="deadline"):
        notice_pdf(replace(NOTICE, deadline_days=0))


def test_the_window_of_the_envelope_shows_the_address_and_nothing_of_a_debt() -> None:
    """A window of 85 x 45 mm, 20 mm from the left and 45 mm from the top; the whole band beside it stays empty too."""
    millimetre, height = 72 / 25.4, 841.89
    seen: list[str] = []

    def visit(text: str, cm: list[float], tm: list[float], *_: object) -> None:
        y = tm[4] * cm[1] + tm[5] * cm[3] + cm[5]
        if text.strip() and 43 * millimetre < height - y < 92 * millimetre:
            seen.append(text.strip())

    PdfReader(io.BytesIO(notice_pdf(NOTICE))).pages[0].extract_text(visitor_text=visit)
    shown = " ".join(" ".join(seen).split())
    expected = (
        "Remetente: Distribuidora Exemplo Ltda Maria Fictícia Rua do Modelo, 5 - Centro 20000-000 Rio de Janeiro/RJ"
    )
    assert shown == expected


def test_a_notice_names_the_other_places_to_which_it_goes() -> None:
    assert "também segue para: Avenida Outra, 9, 01000-000 São Paulo/SP" in words(notice_pdf(NOTICE))
    assert "também segue" not in words(notice_pdf(replace(NOTICE, addresses=ADDRESSES[:1])))
    assert "Maria Fictícia" in words(notice_pdf(replace(NOTICE, addresses=())))


def test_only_a_consumer_s_notice_speaks_of_overindebtedness() -> None:
    assert "Lei 14.181/2021" in words(notice_pdf(NOTICE))
    assert "Lei 14.181/2021" not in words(notice_pdf(replace(NOTICE, debtor=COMPANY)))


def test_a_notice_is_pdf_a_with_the_typeface_inside() -> None:
    pdf = notice_pdf(NOTICE)
    assert b"<pdfaid:part>2</pdfaid:part>" in pdf
    assert b"<pdfaid:conformance>B</pdfaid:conformance>" in pdf
    page = PdfReader(io.BytesIO(pdf)).pages[0]
    assert round(float(page.mediabox.width)) == 595
    assert round(float(page.mediabox.height)) == 842
    fonts = page["/Resources"]["/Font"].values()
    assert all("Libertinus" in font.get_object()["/BaseFont"] for font in fonts)


def test_the_same_data_gives_the_same_bytes_and_other_data_gives_others() -> None:
    for make, data in (
        (notice_pdf, NOTICE),
        (receipt_pdf, RECEIPT),
        (consent_letter_pdf, CONSENT),
        (agreement_pdf, AGREEMENT),
        (memory_pdf, MEMORY),
    ):
        assert make(data) == make(data)
        assert make(data) != make(replace(data, on=date(2026, 11, 23)))


def test_many_threads_may_make_letters_at_once() -> None:
    notices = [replace(NOTICE, notice_id=f"NT-{number}") for number in range(12)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(notice_pdf, notices)) == [notice_pdf(notice) for notice in notices]


def test_layouts_never_fetch_a_package_or_a_font_from_elsewhere() -> None:
    for layout in DIRECTORY.glob("*.typ"):
        assert "@preview" not in layout.read_text(encoding="utf-8")


def test_hostile_text_is_printed_as_it_stands() -> None:
    debtor = replace(CONSUMER, name=HOSTILE)
    line = replace(NOTICE.invoices[0], origin=HOSTILE)
    assert words(notice_pdf(replace(NOTICE, debtor=debtor, invoices=(line,)))).count(HOSTILE) == 3
    assert HOSTILE in words(receipt_pdf(replace(RECEIPT, debtor=debtor)))
    assert HOSTILE in words(consent_letter_pdf(replace(CONSENT, debtor=debtor)))
    assert words(agreement_pdf(replace(AGREEMENT, debtor=debtor, invoices=(line,)))).count(HOSTILE) == 2
    assert words(memory_pdf(replace(MEMORY, debtor=debtor, invoices=(line,)))).count(HOSTILE) == 2


def test_a_payment_code_is_printed_whole_and_breaks_without_a_second_hyphen() -> None:
    text = words(notice_pdf(replace(NOTICE, invoices=(invoice(payment_hint=PIX),))))
    assert PIX in text.replace(" ", "")


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=80))
def test_no_name_can_stop_a_letter(name: str) -> None:
    debtor = replace(CONSUMER, name=name)
    assert notice_pdf(replace(NOTICE, debtor=debtor, addresses=(name,))).startswith(b"%PDF-")


def test_letters_of_other_alphabets_and_control_signs_are_made_printable() -> None:
    assert printable("São José 1º €5 – “a”") == "São José 1º €5 – “a”"
    assert printable("Sa\u0303o\u200b\x07 \U0001f600 東 ﬁ x\u0338\n") == "São? ? ? fi x "


def test_a_long_name_stays_on_the_sheet() -> None:
    debtor = replace(CONSUMER, name="Companhia" * 30)
    pdf = notice_pdf(replace(NOTICE, debtor=debtor, invoices=(invoice(payment_hint=PIX * 2),)))
    assert "Companhia" * 30 in words(pdf).replace(" ", "")
    assert PIX * 2 in words(pdf).replace(" ", "")
    lines = [line for page in PdfReader(io.BytesIO(pdf)).pages for line in page.extract_text().splitlines()]
    assert max(len(line) for line in lines) < 120


def test_thirty_invoices_run_over_several_sheets_with_their_heads_and_all_items() -> None:
    invoices = tuple(invoice(str(number)) for number in range(1001, 1031))
    pdf = notice_pdf(replace(NOTICE, invoices=invoices))
    text = words(pdf)
    assert all(f"Fatura {number}," in text for number in range(1001, 1031))
    assert text.count("Multa de 2%: R$ 20,00") == 30
    assert text.count("Juros de mora de 1% ao mês, 43 dias: R$ 14,33") == 30
    assert "Total em 22/11/2026: R$ 31.029,90" in text
    sheets = [page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages]
    with_rows = [sheet for sheet in sheets if "Multa de 2%" in sheet]
    assert len(with_rows) > 1
    assert all("Valor original" in sheet for sheet in with_rows)


def test_a_receipt_of_the_whole_gives_quittance_and_asks_for_nothing() -> None:
    text = words(receipt_pdf(replace(RECEIPT, invoices=(replace(paid_invoice(), payment_hint=PIX),))))
    for item in (
        "Recebemos de Maria Fictícia, CPF 123.456.789-09, o valor de R$ 1.034,33, pago em 22/11/2026 por Pix",
        "CNPJ 11.222.333/0001-81",
        "Rua das Amostras, 100, São Paulo/SP, CEP 01000-000",
        "R$ 1.000,00",
        "Multa de 2%: R$ 20,00",
        "Juros de mora de 1% ao mês, 43 dias: R$ 14,33",
        "Saldo em 22/11/2026: R$ 0,00",
        "damos quitação",
        NOTHING_TO_PAY,
        "RC-2026-0001",
    ):
        assert item in text, item
    assert PIX not in text.replace(" ", "")
    assert "dispensado" not in text


def test_a_receipt_of_a_part_shows_the_balance_its_rule_and_how_to_pay() -> None:
    part = replace(RECEIPT, invoices=(partly_paid_invoice(),), amount=Decimal("500.00"), settled=False)
    text = words(receipt_pdf(part))
    assert "Saldo em 22/11/2026: R$ 532,45" in text
    assert "abate primeiro os juros (Código Civil, art. 354)" in text
    assert PAY in text
    assert "quitação" not in text


def test_a_receipt_that_ends_a_debt_with_a_rest_says_that_it_is_waived() -> None:
    text = words(receipt_pdf(replace(RECEIPT, invoices=(partly_paid_invoice(),), amount=Decimal("500.00"))))
    assert "O restante, de R$ 532,45, está dispensado." in text


def test_a_receipt_that_contradicts_itself_or_has_no_invoice_is_refused() -> None:
    with pytest.raises(BadInput, match="settled"):
        receipt_pdf(replace(RECEIPT, settled=False))
    with pytest.raises(BadInput, match="no invoice"):
        receipt_pdf(replace(RECEIPT, invoices=()))


def test_a_receipt_of_an_instalment_says_how_far_the_agreement_is_kept() -> None:
    part = replace(
        RECEIPT,
        invoices=(partly_paid_invoice(),),
        amount=Decimal("310.30"),
        settled=False,
        plan=running_plan(),
    )
    text = words(receipt_pdf(part))
    assert "o valor de R$ 310,30" in text
    assert "1 de 4 pagamentos do acordo estão completos, e faltam nele R$ 738,46" in text
    assert "só volta a valer se o acordo não for cumprido" in text
    assert "quitação" not in text


def test_a_payment_that_the_creditor_took_for_the_capital_is_receipted_as_such() -> None:
    on_capital = invoice(payments=[Payment(date(2026, 11, 10), Decimal("1000.00"), on_capital=True)])
    part = replace(RECEIPT, invoices=(on_capital,), amount=Decimal("1000.00"), settled=False)
    assert "imputados primeiro ao capital" in words(receipt_pdf(part))


AGREEMENT = AgreementData(
    creditor=CREDITOR,
    debtor=CONSUMER,
    invoices=(invoice(),),
    how=HOW,
    on=ON,
    agreement_id="AC-2026-0001",
    plan=plan(),
)


def test_the_deed_of_an_agreement_holds_all_its_terms() -> None:
    text = words(agreement_pdf(AGREEMENT))
    for item in (
        "AC-2026-0001",
        "Credor: Distribuidora Exemplo Ltda, CNPJ 11.222.333/0001-81, com endereço em Rua das Amostras, 100",
        "Devedor: Maria Fictícia, CPF 123.456.789-09",
        "Fatura 1234, parcela 2/3 (duplicata mercantil)",
        "Compra de materiais, pedido 77",
        "R$ 1.000,00",
        "Multa de 2%: R$ 20,00",
        "Juros de mora de 1% ao mês, 43 dias: R$ 14,33",
        "Total em 22/11/2026: R$ 1.034,33",
        "Entrada, até 27/11/2026 R$ 310,30",
        "Parcela 1 de 3, até 28/12/2026 R$ 246,15",
        "Parcela 3 de 3, até 01/03/2027 R$ 246,16",
        "Total sem parcelamento R$ 1.034,33",
        "Juros do parcelamento, 1% ao mês, simples R$ 14,43",
        "Taxa efetiva anual (custo efetivo total) 12,34%",
        "Total com parcelamento R$ 1.048,76",
        "sem novação, Código Civil, art. 361",
        "Se uma parcela atrasar mais de 5 dias, o acordo perde o efeito",
        "art. 52, § 2º",
        "art. 202, VI",
        "a dívida descrita acima está quitada",
        "Esta proposta vale até 27/11/2026. Para aceitar, responda ACEITO a esta mensagem.",
        "Lei 14.181/2021",
        PAY,
        "diga o motivo e o número deste documento",
        "escreva SAIR",
        CREDITOR.site,
    ):
        assert item in text, item


def test_the_deed_that_was_accepted_says_how_and_no_longer_how_to_accept() -> None:
    accepted = replace(AGREEMENT, debtor=COMPANY, accepted="Aceito por resposta ao e-mail de 23/11/2026, às 10:12")
    text = words(agreement_pdf(accepted))
    assert "Aceito por resposta ao e-mail de 23/11/2026, às 10:12." in text
    assert "Para aceitar" not in text
    assert "Lei 14.181/2021" not in text


def test_an_agreement_or_a_memory_without_an_invoice_is_refused() -> None:
    with pytest.raises(BadInput, match="agreement: no invoice"):
        agreement_pdf(replace(AGREEMENT, invoices=()))
    with pytest.raises(BadInput, match="memory: no invoice"):
        memory_pdf(replace(MEMORY, invoices=()))


MEMORY = MemoryData(
    creditor=CREDITOR, debtor=CONSUMER, invoices=(partly_paid_invoice(),), on=ON, memory_id="MC-2026-01"
)


def test_a_memory_of_calculation_holds_what_a_court_asks_for() -> None:
    text = words(memory_pdf(MEMORY))
    for item in (
        "MC-2026-01",
        "Artigos 524 e 798",
        "Distribuidora Exemplo Ltda, CNPJ 11.222.333/0001-81",
        "Maria Fictícia, CPF 123.456.789-09",
        "Valor original R$ 1.000,00",
        "Data do cálculo 22/11/2026",
        "Índice de correção nenhum",
        "1% ao mês",
        "Multa 2%, uma única vez",
        "Capitalização nenhuma (juros simples)",
        "Descontos obrigatórios nenhum",
        "abate primeiro os juros (Código Civil, art. 354)",
        "Pagamento em 10/11/2026",
        "-R$ 500,00",
        "Total em 22/11/2026 R$ 532,45",
        "11/10/2026 10/11/2026 31 R$ 1.000,00",
    ):
        assert item in text, item
    assert "Total geral" not in text


def test_a_memory_of_several_invoices_ends_with_their_total() -> None:
    several = replace(MEMORY, invoices=(invoice("1"), invoice("2")))
    assert "Total geral em 22/11/2026: R$ 2.068,66" in words(memory_pdf(several))


def test_tax_withheld_stands_in_a_memory_as_a_deduction_by_law() -> None:
    withheld = invoice(reductions=[Reduction(date(2026, 10, 1), Decimal("15.00"), "withholding")])
    text = words(memory_pdf(replace(MEMORY, invoices=(withheld,))))
    assert "Descontos obrigatórios Imposto retido na fonte em 01/10/2026, -R$ 15,00" in text


BR_CODE = "00020126330014br.gov.bcb.pix0111123456789095204000053039865802BR5909EXEMPLO6009SAO PAULO6304ABCD"


def images(pdf: bytes) -> int:
    """How many dark squares and lines the pages draw: a QR code draws hundreds."""
    return sum(page.get_contents().get_data().count(b" l") for page in PdfReader(io.BytesIO(pdf)).pages)  # type: ignore[union-attr]


def test_a_pix_code_is_drawn_as_a_qr_beside_its_text_and_a_boleto_line_is_not() -> None:
    boleto = "34191.09008 01015.271248 80212.460002 4 25480000675787"
    for pix, line in (
        (
            notice_pdf(replace(NOTICE, invoices=(invoice(payment_hint=BR_CODE),))),
            notice_pdf(replace(NOTICE, invoices=(invoice(payment_hint=boleto),))),
        ),
        (
            agreement_pdf(replace(AGREEMENT, plan=plan(payment_hint=BR_CODE))),
            agreement_pdf(replace(AGREEMENT, plan=plan(payment_hint=boleto))),
        ),
    ):
        assert BR_CODE.replace(" ", "") in words(pix).replace(" ", "")
        assert boleto in words(line)
        assert images(pix) > images(line) + 200


def test_a_deed_shows_the_code_of_its_instalment_and_never_that_of_the_whole_debt() -> None:
    deed = replace(AGREEMENT, invoices=(invoice(payment_hint=PIX),), plan=plan(payment_hint=BR_CODE))
    text = words(agreement_pdf(deed)).replace(" ", "")
    assert BR_CODE.replace(" ", "") in text
    assert PIX not in text


def test_a_letter_of_consent_names_all_and_waits_for_a_person_s_signature() -> None:
    text = words(consent_letter_pdf(CONSENT))
    for item in (
        "Carta de anuência para cancelamento de protesto",
        "art. 26, § 1º, da Lei 9.492/1997",
        "Distribuidora Exemplo Ltda, CNPJ 11.222.333/0001-81, com endereço em Rua das Amostras, 100",
        "Maria Fictícia, CPF 123.456.789-09",
        "1234 (duplicata mercantil)",
        "R$ 1.000,00",
        "0009999, de 03/11/2026",
        "09/11/2026",
        "2º Tabelionato de Protesto, São Paulo/SP",
        "Assinatura, por Distribuidora Exemplo Ltda",
        "precisa ser assinada por uma pessoa com poderes comprovados",
        "O sistema que a preparou não assina",
    ):
        assert item in text, item

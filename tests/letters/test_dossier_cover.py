"""What legal receives on top of a case: the cover of the dossier and the action that it suggests."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from letter_samples import CONSUMER, CREDITOR, ON, partly_paid_invoice
from pypdf import PdfReader

from letters.documents import dossier_cover_pdf
from letters.dossier import Claim, suggest
from letters.models import (
    DossierCover,
    EvidenceFile,
    LimitationTerm,
    NoticeProof,
    Party,
    ProtestRecord,
    TimelineRow,
)

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
STRONG = Claim(
    protested=True,
    delivery_proof=True,
    justified_refusal=False,
    written_proof=True,
    execution_ends=date(2029, 10, 10),
    last_ends=date(2031, 10, 10),
    amount=Decimal("1034.33"),
    small_creditor=False,
    minimum_wage=Decimal("1621.00"),
)
SHA = hashlib.sha256(b"nota").hexdigest()
COVER = DossierCover(
    case_ref="caso 0192-7f",
    on=ON,
    creditor=CREDITOR,
    debtor=CONSUMER,
    debtor_address="Rua do Modelo, 5, Rio de Janeiro/RJ",
    parties=(Party("Avalista", "João Inventado", "52998224725", "Rua Imaginária, 9"),),
    title=partly_paid_invoice(),
    documents=(EvidenceFile("NF-e 1234.xml", SHA), EvidenceFile("Comprovante de entrega.pdf", SHA[::-1])),
    notices=(
        NoticeProof("NT-1", "carta", date(2026, 10, 30), "entregue, aviso de recebimento assinado"),
        NoticeProof("NT-1", "e-mail", date(2026, 10, 30), "aceito pelo servidor de destino"),
    ),
    protest=ProtestRecord(
        "2º Tabelionato", "São Paulo/SP", "0009999", date(2026, 11, 3), date(2026, 11, 9), "protestado"
    ),
    timeline=(
        TimelineRow(datetime(2026, 10, 13, 9, 5, tzinfo=SAO_PAULO), "Contato por e-mail: atraso-cordial", "régua"),
        TimelineRow(datetime(2026, 11, 10, 14, 30, tzinfo=SAO_PAULO), "Pagamento de R$ 500,00", "banco"),
    ),
    limitation=(
        LimitationTerm("Execução e protesto", date(2029, 10, 10), "Lei 5.474/1968, art. 18, I"),
        LimitationTerm("Exemplo já terminado", date(2026, 11, 21), "fonte de exemplo"),
    ),
    suggestion=suggest(STRONG, ON),
)


def words(cover: DossierCover) -> str:
    return " ".join(
        " ".join(page.extract_text() for page in PdfReader(io.BytesIO(dossier_cover_pdf(cover))).pages).split()
    )


def test_the_cover_shows_all_that_legal_needs() -> None:
    text = words(COVER)
    for item in (
        "caso 0192-7f",
        "Execução de título extrajudicial",
        "A decisão é do advogado",
        "Credor Distribuidora Exemplo Ltda CNPJ 11.222.333/0001-81 Rua das Amostras, 100",
        "Devedor Maria Fictícia CPF 123.456.789-09 Rua do Modelo, 5",
        "Avalista João Inventado CPF 529.982.247-25",
        "Fatura 1234, parcela 2/3 (duplicata mercantil)",
        "Valor original R$ 1.000,00",
        "Multa de 2% sobre R$ 1.000,00, uma única vez (contrato 7) R$ 20,00",
        "R$ 10,33",
        "Pagamento em 10/11/2026 juros R$ 10,33, multa R$ 20,00, principal R$ 469,67 -R$ 500,00",
        "R$ 2,12",
        "Total em 22/11/2026 R$ 532,45",
        "art. 354",
        "2º Tabelionato, São Paulo/SP",
        "0009999, de 03/11/2026",
        "NT-1 carta 30/10/2026 entregue, aviso de recebimento assinado",
        "NT-1 e-mail 30/10/2026 aceito pelo servidor de destino",
        "Execução e protesto 10/10/2029 corre",
        "Exemplo já terminado 21/11/2026 terminou",
        "13/10/2026 09:05 Contato por e-mail: atraso-cordial régua",
        "10/11/2026 14:30 Pagamento de R$ 500,00 banco",
    ):
        assert item in text, item


def test_each_document_stands_with_its_whole_hash() -> None:
    text = words(COVER).replace(" ", "")
    assert SHA in text
    assert SHA[::-1] in text


def test_the_memory_of_calculation_adds_up_to_the_total() -> None:
    title = COVER.title
    assert sum(line.amount for line in title.debt.lines) == title.debt.total == Decimal("532.45")


def test_a_case_without_protest_notices_or_documents_says_so() -> None:
    bare = replace(COVER, protest=None, notices=(), documents=(), timeline=(), limitation=(), parties=())
    text = words(bare)
    assert "O título não foi levado a protesto." in text
    assert "Nenhuma notificação foi enviada." in text
    assert "Nenhum documento foi juntado." in text


def test_a_protest_that_was_not_registered_is_not_shown_as_one() -> None:
    assert COVER.protest is not None
    open_protest = replace(COVER.protest, registered_on=None, outcome="sustado por ordem judicial")
    text = words(replace(COVER, protest=open_protest))
    assert "Registro do protesto não registrado" in text
    assert "sustado por ordem judicial" in text


def test_a_long_timeline_runs_over_several_sheets() -> None:
    rows = tuple(
        TimelineRow(datetime(2026, 1, 1, tzinfo=SAO_PAULO) + timedelta(days=day), f"Registro número {day}.", "régua")
        for day in range(150)
    )
    text = words(replace(COVER, timeline=rows))
    assert all(f"Registro número {day}." in text for day in range(150))


def test_the_cover_is_pdf_a_prints_hostile_text_and_repeats_to_the_byte() -> None:
    hostile = '#panic("x") *b* <a>'
    cover = replace(COVER, debtor_address=hostile)
    assert hostile in words(cover)
    pdf = dossier_cover_pdf(cover)
    assert pdf == dossier_cover_pdf(cover)
    assert b"<pdfaid:part>2</pdfaid:part>" in pdf


@pytest.mark.parametrize(
    ("change", "action", "because"),
    [
        ({}, "Execução de título extrajudicial", "até 10/10/2029"),
        ({"small_creditor": True}, "Execução de título extrajudicial", "protestado"),
        ({"protested": False}, "Ação monitória", "o título não está protestado"),
        ({"delivery_proof": False}, "Ação monitória", "falta prova de entrega"),
        ({"justified_refusal": True}, "Ação monitória", "houve recusa justificada"),
        ({"execution_ends": date(2026, 11, 21)}, "Ação monitória", "terminou em 21/11/2026"),
        ({"execution_ends": ON}, "Execução de título extrajudicial", "até 22/11/2026"),
        ({"protested": False, "small_creditor": True}, "Juizado Especial Cível", "R$ 64.840,00"),
        (
            {"protested": False, "small_creditor": True, "amount": Decimal("64840.00")},
            "Juizado Especial Cível",
            "40 salários",
        ),
        (
            {"protested": False, "small_creditor": True, "amount": Decimal("64840.01")},
            "Ação monitória",
            "prova escrita",
        ),
        (
            {"protested": False, "delivery_proof": False, "written_proof": False},
            "Ação de cobrança (procedimento comum)",
            "o título não está protestado, falta prova de entrega",
        ),
        ({"last_ends": date(2026, 11, 21)}, "Não ajuizar", "terminou em 21/11/2026"),
        ({"last_ends": ON, "execution_ends": date(2026, 11, 1)}, "Ação monitória", "até 22/11/2026"),
    ],
)
def test_the_suggested_action_follows_the_proof_the_terms_and_the_size(
    change: dict[str, object], action: str, because: str
) -> None:
    suggestion = suggest(replace(STRONG, **change), ON)
    assert suggestion.action == action
    assert because in suggestion.reason

"""What a presenter sends fits its file, or is refused before it is sent."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from cra_samples import (
    ACCEPTED,
    COMPANY,
    DAY,
    GOODS,
    ORDER,
    PRESENTER,
    PROTESTED,
    SERVICE,
    every_kind,
    remittance,
)
from hypothesis import given
from hypothesis import strategies as st

from domain import cra
from domain.errors import BadFile, BadInput

FILES = every_kind()


def test_names_are_folded_and_cut_but_numbers_of_titles_never() -> None:
    debtor = replace(COMPANY, name="Padaria São João d’Ávila & Irmãos " * 3, city="São José do Vale do Rio Preto")
    (lot,) = remittance(replace(GOODS, debtors=(debtor,), number="nf 1/a")).lots
    values = lot.records[0].values

    assert values["nome_devedor"] == "PADARIA SAO JOAO D'AVILA & IRMAOS PADARIA SAO"
    assert values["cidade_devedor"] == "SAO JOSE DO VALE DO"
    assert values["numero_titulo"] == "NF 1/A"


def change(**of_debtor: object) -> cra.Title:
    return replace(GOODS, debtors=(replace(COMPANY, **of_debtor),))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("title", "said"),
    [
        (
            change(document="12ABC34501DE35"),
            "numero_identificacao_devedor [346-359] of debtor 1 is '99AAA99999AA99'; digits",
        ),
        (change(document=""), "debtor 1 has no document"),
        (change(document="3344455500018"), "debtor 1's CNPJ has 13 characters; 14, without punctuation"),
        (change(address=""), "endereco_devedor [371-415] of debtor 1 is nothing; the field is mandatory"),
        (change(cep="01305-00"), "debtor 1's CEP is not 8 digits"),
        (change(cep="00000000"), "debtor 1's CEP is not 8 digits"),
        (change(uf="S"), "debtor 1's state 'S'; two letters"),
        (change(name=" \t "), "nome_devedor [298-342] of debtor 1 is nothing"),
        (change(name="株式会社"), "nome_devedor [298-342] of debtor 1 is 'AAAA'; ASCII only"),
        (replace(GOODS, debtors=()), "no debtor; at least one"),
        (replace(GOODS, number="NF0000012345"), "12 positions ('NF0000012345'); at most 11 fit"),
        (replace(GOODS, our_number="fat1"), "'fat1'; upper case"),
        (replace(GOODS, balance=Decimal("1234.57")), "at most the amount (irregularity 24)"),
        (replace(GOODS, balance=Decimal(0)), "above zero"),
        (replace(GOODS, amount=Decimal("1234.567")), "at most two decimals"),
        (replace(GOODS, amount=Decimal(10) ** 12), "at most 14 fit"),
        (replace(GOODS, issue=date(2026, 10, 2)), "not later than it (irregularity 20)"),
        (replace(GOODS, due=DAY), "presented after the due date (irregularities 01 and 30)"),
        (replace(GOODS, species="XYZ"), "a code of annex 1"),
        (replace(GOODS, declaration=""), "a title by indication has one, in field 36 (irregularity 34)"),
        (replace(GOODS, declaration="C"), "a declaration of annex 3 for this species"),
        (replace(GOODS, municipality="355030"), "the place's IBGE code of 7 digits"),
    ],
)
def test_a_title_that_the_notary_would_return_is_refused_before_it_is_sent(title: cra.Title, said: str) -> None:
    assert any(said in str(fault) for fault in cra.title_faults(title, DAY))

    with pytest.raises(BadFile) as refusal:
        remittance(SERVICE, title)
    assert said in str(refusal.value)


def test_a_good_title_has_no_fault() -> None:
    assert cra.title_faults(GOODS, DAY) == ()
    assert cra.title_faults(SERVICE, DAY) == ()


def test_an_identity_card_goes_where_documents_with_letters_go() -> None:
    (lot,) = remittance(change(document_kind="other", document="RG1234567X")).lots
    values = lot.records[0].values

    assert values["tipo_identificacao_devedor"] == "000"
    assert values["numero_identificacao_devedor"] == "0" * 14
    assert values["documento_devedor"] == "RG1234567X"


def test_two_titles_cannot_share_a_number() -> None:
    with pytest.raises(BadFile, match="our number stands for several titles"):
        remittance(GOODS, replace(SERVICE, our_number=GOODS.our_number))


def test_nothing_is_not_a_file() -> None:
    with pytest.raises(BadInput, match="at least one title"):
        cra.remittance(PRESENTER, [], DAY, 1, lambda _: 1)
    with pytest.raises(BadInput, match="at least one order"):
        cra.withdrawals(PRESENTER, [], DAY, 1)
    with pytest.raises(BadInput, match="at least one title"):
        cra.returns([FILES["B"]], [], DAY, 1)
    with pytest.raises(BadFile, match="no lot"):
        cra.write(replace(FILES["B"], lots=()))


@pytest.mark.parametrize("sequence", [0, 10])
def test_a_presenter_has_nine_files_a_day(sequence: int) -> None:
    with pytest.raises(BadInput):
        cra.withdrawals(PRESENTER, [ORDER], DAY, sequence)


def test_a_field_that_no_record_has_is_refused() -> None:
    first = FILES["B"].lots[0]
    header = replace(first.header, values={**first.header.values, "nome": "X"})

    with pytest.raises(BadFile, match="header has no field 'nome'"):
        cra.write(replace(FILES["B"], lots=(replace(first, header=header),)))


def test_counts_and_sums_are_computed_whatever_was_said() -> None:
    file = FILES["B"]
    first = file.lots[0]
    lying = replace(first, trailer=replace(first.trailer, values={"somatorio_valor": Decimal(1)}))

    assert cra.write(replace(file, lots=(lying,))) == cra.write(file)


def test_titles_of_two_cities_go_in_two_lots_that_number_from_one() -> None:
    far = replace(GOODS, our_number="FAT3", place="Rio de Janeiro", municipality="3304557")
    file = cra.remittance(PRESENTER, [GOODS, far, SERVICE], DAY, 1, {"3550308": 8, "3304557": 12}.__getitem__)
    rio, sampa = file.lots

    assert [len(lot.records) for lot in file.lots] == [1, 3]
    assert [lot.header.values["sequencial_remessa"] for lot in file.lots] == [12, 8]
    assert [lot.header.values["sequencial_registro"] for lot in file.lots] == [1, 1]
    assert [record.values["numero_controle_devedor"] for record in sampa.records] == [1, 1, 2]
    assert sampa.header.values["qtd_titulos"] == 2
    assert rio.trailer.values["somatorio_valor"] == Decimal("1234.56")


def test_orders_of_two_notary_offices_go_in_two_lots() -> None:
    other = replace(ORDER, notary_code="01", protocol="77")
    file = cra.withdrawals(PRESENTER, [ORDER, other, replace(ORDER, protocol="78")], DAY, 1)

    assert [lot.header.values["codigo_cartorio"] for lot in file.lots] == ["01", "03"]
    assert file.lots[0].records[0].values["numero_protocolo"] == "0000000077"
    assert file.trailer is not None
    assert file.trailer.values["somatorio_quantidade"] == 6
    assert file.trailer.values["somatorio_valor"] == 3 * ORDER.amount


def test_a_protocol_with_letters_cannot_be_withdrawn_by_file() -> None:
    with pytest.raises(BadFile, match=r"numero_protocolo \[2-11\] is 'A123'; digits only"):
        cra.withdrawals(PRESENTER, [replace(ORDER, protocol="A123")], DAY, 1)


names = st.text("AÇÉàüñ bcdXYZ&.-’ 019", min_size=1, max_size=70).filter(lambda text: bool(text.strip()))
digits = st.text("0123456789", min_size=1)
amounts = st.decimals(Decimal("0.01"), Decimal("99999999.99"), places=2)


@st.composite
def debtors(draw: st.DrawFn) -> cra.Debtor:
    company = draw(st.booleans())
    document = draw(st.text("0123456789", min_size=14 if company else 11, max_size=14 if company else 11))
    kind = "CNPJ" if company else "CPF"
    return replace(COMPANY, name=draw(names), document_kind=kind, document=document, address=draw(names))


@st.composite
def title_lists(draw: st.DrawFn) -> list[cra.Title]:
    keys = draw(st.lists(st.text("ABC0123456789/-", min_size=1, max_size=15), min_size=1, max_size=4, unique=True))
    titles = []
    for key in keys:
        due = DAY - timedelta(days=draw(st.integers(1, 900)))
        balance = draw(amounts)
        titles.append(
            replace(
                draw(st.sampled_from([GOODS, SERVICE])),
                our_number=key,
                due=due,
                issue=due - timedelta(days=draw(st.integers(0, 90))),
                balance=balance,
                amount=balance + draw(amounts),
                municipality=draw(st.sampled_from(["3550308", "3304557"])),
                debtors=tuple(draw(st.lists(debtors(), min_size=1, max_size=3))),
            )
        )
    return titles


@given(title_lists())
def test_whatever_is_sent_is_read_back_and_answered_the_same(titles: list[cra.Title]) -> None:
    sent = remittance(*titles)
    name, content = cra.write(sent)
    answers = [replace(ACCEPTED, our_number=title.our_number, protocol=str(n)) for n, title in enumerate(titles, 1)]
    outcomes = [replace(PROTESTED, our_number=title.our_number, amount=title.balance) for title in titles]

    assert cra.read(content, name) == sent
    assert sum(lot.trailer.money("somatorio_valor") for lot in sent.lots) == sum(
        title.balance * len(title.debtors) for title in titles
    )
    assert set(cra.confirmations(cra.confirmation(sent, answers))) == set(answers)
    assert set(cra.outcomes(cra.returns([sent], outcomes, DAY, 1))) == set(outcomes)

"""One row: what its cells mean, and what is wrong with them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from portfolio_files import cnpj, cpf, invoice

from domain.errors import BadInput, Fault
from domain.money import format_brl
from starter.importing import cells
from starter.importing.columns import INVOICES, ColumnMap, bind
from starter.importing.rows import InvoiceReader, InvoiceRow, one_form
from starter.importing.sheets import Cell, Line

AS_DATE = cells.date_reader(None)


def read(**changes: Cell) -> InvoiceRow | list[Fault]:
    row: dict[str, Cell] = {**invoice("1001"), **changes}
    layout = bind("f.csv", Line(1, tuple(row)), INVOICES, ColumnMap())
    reader = InvoiceReader(layout, ColumnMap(), {"amigavel"}, {"company", "consumer"}, date(2026, 11, 23))
    return reader.read(Line(5, tuple(row.values())))


def good(**changes: Cell) -> InvoiceRow:
    row = read(**changes)
    assert isinstance(row, InvoiceRow), row
    return row


def wrong(**changes: Cell) -> list[str]:
    faults = read(**changes)
    assert isinstance(faults, list)
    assert all(fault.where.startswith("row 5") and fault.found and fault.wanted for fault in faults)
    return [fault.where.removeprefix("row 5, column ") for fault in faults]


@pytest.mark.parametrize(
    ("number", "instalment", "found"),
    [
        ("1234", "", ("1234", "")),
        ("001234-1", "", ("1234", "1")),
        ("1234 A", "", ("1234", "A")),
        ("1234", "2", ("1234", "2")),
        ("1234/2", "2", ("1234", "2")),
        ("2026-1234", "2", ("2026/1234", "2")),
        ("", "2", ("", "2")),
    ],
)
def test_number_and_instalment_have_one_form(number: str, instalment: str, found: tuple[str, str]) -> None:
    assert one_form(number, instalment) == found


@pytest.mark.parametrize(
    ("cell", "instalment"), [("02", "2"), ("2/3", "2"), ("2 de 3", "2"), (Decimal(2), "2"), ("B", "B")]
)
def test_an_instalment_is_told_without_its_count(cell: Cell, instalment: str) -> None:
    assert good(parcela=cell).instalment == instalment


def test_a_number_that_a_spreadsheet_made_a_date_of_is_refused() -> None:
    assert wrong(numero=date(2026, 2, 1)) == ["numero"]
    assert good(numero=Decimal(1234)).printed_number == "1234"


def test_lost_leading_zeros_come_back_where_the_check_digits_prove_them() -> None:
    for full in (cnpj(1234567), cnpj(123456), cpf(12345678)):
        assert full.startswith("0")
        for cell in (full, full.lstrip("0"), Decimal(int(full))):
            assert good(devedor_documento=cell).document == full


@pytest.mark.parametrize(
    "cell", ["192", "191", Decimal(192), Decimal("191.5"), "", "000.000.000-00", "11.222.333/0001-80"]
)
def test_a_document_that_nothing_proves_is_refused(cell: Cell) -> None:
    assert wrong(devedor_documento=cell) == ["devedor_documento"]


def test_a_lost_zero_of_a_cep_comes_back_where_the_state_proves_it() -> None:
    assert good(cep=Decimal(1305000), uf="SP").cep == "01305000"
    assert wrong(cep=Decimal(1305000), uf="") == ["cep"]
    assert wrong(cep=Decimal(1305000), uf="RJ") == ["cep"]


def test_the_state_follows_from_the_cep_where_it_is_missing() -> None:
    assert good(uf="", cep="20040-002").uf == "RJ"
    assert good(uf="rj", cep="").uf == "RJ"
    assert wrong(uf="", cep="") == ["uf"]
    assert wrong(uf="XX") == ["uf"]


def test_several_emails_and_phones_in_a_cell_are_all_read() -> None:
    row = good(
        emails="A@Example.com;b@example.com, c@example.com a@EXAMPLE.COM",
        telefones="(11) 90000-0001 / (11) 3234-5678, 3333-2222; (11) 90000-0001",
    )
    assert [(point.channel, point.address, point.state) for point in row.points] == [
        ("email", "A@example.com", "usable"),
        ("email", "b@example.com", "usable"),
        ("email", "c@example.com", "usable"),
        ("email", "a@example.com", "usable"),
        ("sms", "+5511900000001", "usable"),
        ("call", "+551132345678", "usable"),
        ("call", "3333-2222", "unusable"),
    ]


def test_a_person_is_a_consumer_unless_the_file_says_no() -> None:
    person = cpf(123456789)
    assert good(devedor_documento=person).debtor_kind == "consumer"
    assert good(devedor_documento=person, consumidor="NÃO").debtor_kind == "company"
    assert good().debtor_kind == "company"
    assert wrong(consumidor="talvez") == ["consumidor"]


def test_a_consumers_fine_above_two_per_cent_is_refused() -> None:
    assert wrong(devedor_documento=cpf(123456789), multa="2,01") == ["multa"]
    assert good(devedor_documento=cpf(123456789), multa="2").fine_percent == 2
    assert good(multa="10").fine_percent == 10


def test_charges_that_nobody_agreed_are_refused() -> None:
    assert wrong(origem_encargos="") == ["origem_encargos"]
    assert good(origem_encargos="", multa="", juros="0").fine_percent == 0


@pytest.mark.parametrize(
    ("changes", "columns"),
    [
        ({"emissao": "02/12/2026"}, ["emissao"]),
        ({"saldo": "1.000,01"}, ["saldo"]),
        ({"pago_em": "24/11/2026"}, ["pago_em"]),
        ({"valor": "0,00"}, ["valor"]),
        ({"valor": "-10,00"}, ["valor"]),
        ({"valor": Decimal("10.005")}, ["valor"]),
        ({"situacao": "perdido"}, ["situacao"]),
        ({"regua": "inexistente"}, ["regua"]),
        ({"especie": "dupl"}, ["especie"]),
        ({"juros": "um"}, ["juros"]),
        ({"juros": "101"}, ["juros"]),
        ({"devedor_nome": ""}, ["devedor_nome"]),
        ({"valor": "x", "vencimento": "y", "uf": "z"}, ["uf", "vencimento", "valor"]),
    ],
)
def test_what_is_wrong_in_a_row_is_told_with_its_column(changes: dict[str, Cell], columns: list[str]) -> None:
    assert wrong(**changes) == columns


def test_a_value_beyond_the_heading_is_refused() -> None:
    row = invoice("1")
    layout = bind("f.csv", Line(1, tuple(row)), INVOICES, ColumnMap())
    reader = InvoiceReader(layout, ColumnMap(), (), {"company"}, date(2026, 11, 23))
    faults = reader.read(Line(2, (*row.values(), "56")))
    assert isinstance(faults, list)
    assert [fault.where for fault in faults] == ["row 2"]


def test_a_kind_of_debtor_without_a_policy_is_refused() -> None:
    row = invoice("1", devedor_documento=cpf(123456789))
    layout = bind("f.csv", Line(1, tuple(row)), INVOICES, ColumnMap())
    faults = InvoiceReader(layout, ColumnMap(), (), {"company"}, date(2026, 11, 23)).read(Line(2, tuple(row.values())))
    assert isinstance(faults, list)
    assert "no policy for a consumer" in faults[0].found


def test_no_fault_repeats_a_cell() -> None:
    secret = "Fulana de Tal"
    for column in (
        "valor",
        "vencimento",
        "emissao",
        "devedor_documento",
        "cep",
        "multa",
        "situacao",
        "especie",
        "uf",
        "juros",
    ):
        faults = read(**{column: secret})
        assert isinstance(faults, list)
        assert secret not in " ".join(map(str, faults)), column


def test_the_hash_knows_every_figure_but_not_the_line() -> None:
    assert good().hash == good(valor="1000", uf="sp").hash
    for column, value in {"descricao": "outra", "emails": "x@example.com", "cidade": "Osasco", "saldo": "5"}.items():
        assert good(**{column: value}).hash != good().hash


# --- days ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "cell",
    ["01/12/2026", "1/12/2026", "01.12.2026", "01-12-2026", "2026-12-01", "2026-12-01 00:00:00", Decimal(46357),
     date(2026, 12, 1)],
)  # fmt: skip
def test_the_usual_forms_of_a_day_are_read(cell: Cell) -> None:
    assert AS_DATE(cell) == date(2026, 12, 1)


@pytest.mark.parametrize(
    "cell", ["31/02/2026", "12/2026", "01/12/26", "ontem", Decimal(12), Decimal("1E+30"), "01/12/1899", "01/12/2126"]
)
def test_what_is_no_day_is_refused(cell: Cell) -> None:
    with pytest.raises(BadInput, match="; write"):
        AS_DATE(cell)


@pytest.mark.parametrize(
    ("pattern", "cell"),
    [
        ("dd/mm/aa", "01/12/26"),
        ("mm-dd-aaaa", "12-01-2026"),
        ("aaaa.mm.dd", "2026.12.01"),
        ("dd/mm/yyyy", "01/12/2026"),
    ],
)
def test_a_form_of_days_that_is_named_is_the_only_one(pattern: str, cell: str) -> None:
    as_date = cells.date_reader(pattern)
    assert as_date(cell) == date(2026, 12, 1)
    with pytest.raises(BadInput):
        as_date("20261201")


# --- amounts -------------------------------------------------------------------------------------------------------
@given(st.decimals("0.01", "9999999.99", places=2))
def test_an_amount_reads_the_same_as_text_and_as_a_number(amount: Decimal) -> None:
    as_float = Decimal(repr(float(amount)))
    assert cells.as_money(format_brl(amount)) == cells.as_money(as_float) == amount


def test_binary_noise_of_a_spreadsheet_is_no_third_decimal() -> None:
    assert cells.as_money(Decimal(repr(0.1 + 0.2))) == Decimal("0.30")


@pytest.mark.parametrize("cell", [Decimal("NaN"), Decimal("Infinity"), Decimal("1E+40"), Decimal(-1)])
def test_a_number_that_is_no_amount_is_refused(cell: Decimal) -> None:
    with pytest.raises(BadInput):
        cells.as_money(cell)


def test_per_cents_are_read_with_comma_point_and_sign() -> None:
    assert [cells.as_percent(cell) for cell in ("2", "2,00", "0.5 %", Decimal("0.033"))] == [
        Decimal(2), Decimal(2), Decimal("0.5"), Decimal("0.033"),
    ]  # fmt: skip


def test_the_helpers_of_this_test_make_right_documents() -> None:
    assert cells.as_document(cnpj(11111111)).kind == "cnpj"
    assert cells.as_document(cpf(123456789)).kind == "cpf"


# --- boleto, net amount, index, fees ---------------------------------------------------------------------------------
LINE = "34191.09008 00001.190578 01234.560009 9 15000000100000"
"""An invented boleto of bank 341 over 1.000,00."""


@pytest.mark.parametrize(
    "written", [LINE, LINE.replace(".", "").replace(" ", ""), "34199150000001000001090000001190570123456000"]
)
def test_a_boleto_is_told_by_its_line_in_any_form_and_names_its_bank(written: str) -> None:
    row = good(linha_digitavel=written)
    assert (row.bank, row.boleto_line, row.boleto) == ("341", LINE, True)


def test_a_nosso_numero_alone_is_a_boleto_in_the_form_by_which_bank_files_are_matched() -> None:
    row = good(nosso_numero="109/00000011-9", banco="341")
    assert (row.bank, row.our_number, row.boleto_line, row.boleto) == ("341", "109000000119", "", True)
    assert good(banco=Decimal(1)).bank == "001"
    assert good(banco="001-9").bank == "001"
    assert not good(banco="341").boleto


@pytest.mark.parametrize(
    ("cells_", "column", "wanted"),
    [
        ({"linha_digitavel": LINE.replace("190578", "190579")}, "linha_digitavel", "field 2 of the line is 9"),
        ({"linha_digitavel": LINE[:-2]}, "linha_digitavel", "has 45 digits"),
        ({"linha_digitavel": "não tem"}, "linha_digitavel", "write the digits only"),
        ({"linha_digitavel": Decimal("3.4191E46")}, "linha_digitavel", "format the column as text"),
        ({"linha_digitavel": LINE, "banco": "237"}, "banco", "the line is of bank 341"),
        ({"banco": "Itaú"}, "banco", "three digits"),
        ({"banco": "000"}, "banco", "three digits"),
        ({"nosso_numero": "-"}, "nosso_numero", "as the bank does"),
        ({"nosso_numero": "1" * 21}, "nosso_numero", "20 at most"),
        ({"valor_liquido": "1.000,01"}, "valor_liquido", "less the tax withheld"),
        ({"valor_liquido": "0"}, "valor_liquido", "it is zero"),
        ({"valor_liquido": "938,50", "saldo": "950,00"}, "saldo", "without the tax withheld"),
        ({"indice": "selic"}, "indice", "write ipca"),
        ({"indice": "legal"}, "indice", "write ipca"),
        ({"indice": "IGP-M"}, "indice", "write ipca"),
        ({"indice": "ipca", "multa": "", "juros": "", "origem_encargos": ""}, "origem_encargos", "name the contract"),
        ({"honorarios": "10"}, "fonte_honorarios", "name the clause"),
        ({"honorarios": "dez", "fonte_honorarios": "cláusula 9"}, "honorarios", "write it like"),
    ],
)  # fmt: skip
def test_what_cannot_stand_in_a_later_column_says_what_would(cells_: dict[str, Cell], column: str, wanted: str) -> None:
    faults = read(**cells_)
    assert isinstance(faults, list)
    assert [fault.where for fault in faults] == [f"row 5, column {column}"]
    assert wanted in f"{faults[0].found}; {faults[0].wanted}"


@pytest.mark.parametrize(
    ("told", "left"),
    [
        ({}, "938.50"),
        ({"saldo": "1.000,00"}, "938.50"),
        ({"saldo": "938,50"}, "938.50"),
        ({"saldo": "400,00"}, "400.00"),
        ({"valor_pago": "500,00"}, "438.50"),
        ({"situacao": "pago"}, "0.00"),
    ],
)
def test_tax_withheld_is_not_open(told: dict[str, str], left: str) -> None:
    row = good(valor_liquido="938,50", **told)
    assert (row.withheld, row.left) == (Decimal("61.50"), Decimal(left))


def test_index_and_fees_are_terms_with_their_source() -> None:
    row = good(indice="IPCA", honorarios="10", fonte_honorarios="contrato, cláusula 9")
    assert (row.correction, row.fees_percent, row.fees_source) == ("ipca", Decimal(10), "contrato, cláusula 9")
    assert good(indice=Decimal(433)).correction == "ipca"


def test_a_file_without_the_later_columns_has_the_hashes_that_it_always_had() -> None:
    """The hash of an unchanged row of the first release: no row may look changed because the program is newer."""
    assert good().hash == "059385cd26c2baf0f92a8a6cf44394dc"
    assert good(banco="341", nosso_numero="11").hash != good().hash


# --- whether a title can go to a notary ------------------------------------------------------------------------------
def test_what_a_title_needs_is_read_in_the_creditors_words() -> None:
    row = good(
        documentos="Entrega: canhoto 123; CONTRATO: 45/2025; pedido", carteira="Própria", instrucao_banco="Negativação",
        nfe_situacao="Recusada", praca="Curitiba / PR",
    )  # fmt: skip
    assert row.papers == "contract: 45/2025; delivery-proof: canhoto 123; order: sim"
    assert (row.portfolio, row.bank_order, row.nfe_event, row.place) == ("simple", "listing", "210240", "4106902")


@pytest.mark.parametrize(
    ("column", "cell", "field", "meant"),
    [
        ("carteira", "cedida", "portfolio", "sold"),
        ("carteira", "CAUCIONADA", "portfolio", "pledged"),
        ("instrucao_banco", "nenhuma", "bank_order", "none"),
        ("instrucao_banco", "protesto", "bank_order", "protest"),
        ("nfe_situacao", "cancelada", "nfe_event", "110111"),
        ("nfe_situacao", "210220", "nfe_event", "210220"),
        ("nfe_situacao", Decimal(110112), "nfe_event", "110112"),
        ("praca", "4106902", "place", "4106902"),
        ("praca", "São Paulo-sp", "place", "3550308"),
    ],
)
def test_each_word_about_a_title_has_one_meaning(column: str, cell: Cell, field: str, meant: str) -> None:
    assert getattr(good(**{column: cell}), field) == meant


@pytest.mark.parametrize(
    ("column", "cell", "wanted"),
    [
        ("documentos", "entrega: 1; romaneio: 2", "write entrega, servico"),
        ("carteira", "minha", "write simples, descontada"),
        ("instrucao_banco", "talvez", "write nenhuma, protesto"),
        ("nfe_situacao", "999999", "write autorizada, confirmada"),
        ("nfe_chave", "123", "write its 44 positions"),
        ("praca", "Cidade Inventada/SP", "write Cidade/UF"),
        ("praca", "Curitiba", "write Cidade/UF"),
        ("praca", "9999999", "write Cidade/UF"),
    ],
)
def test_an_unknown_word_about_a_title_says_what_would_be_known(column: str, cell: str, wanted: str) -> None:
    faults = read(**{column: cell})
    assert isinstance(faults, list)
    assert [fault.where for fault in faults] == [f"row 5, column {column}"]
    assert wanted in f"{faults[0].found}; {faults[0].wanted}"


def nfe_digit(first: str) -> str:
    """The check digit of the first 43 positions by the manual's own words: weights 2 to 9 from the right, mod 11."""
    weights = [4, 3, 2, 9, 8, 7, 6, 5] * 6
    rest = 11 - sum(int(digit) * weight for digit, weight in zip(first, weights[:43], strict=True)) % 11
    return "0" if rest > 9 else str(rest)


@given(first=st.text("0123456789", min_size=43, max_size=43), place=st.integers(0, 43), step=st.integers(1, 9))
def test_a_mistyped_key_of_an_nfe_is_never_taken_for_another_check_digit(first: str, place: int, step: int) -> None:
    key = first + nfe_digit(first)
    assert good(nfe_chave=f"{key[:4]} {key[4:]}").nfe_key == key
    mistyped = f"{key[:place]}{(int(key[place]) + step) % 10}{key[place + 1 :]}"
    if mistyped[43] != nfe_digit(mistyped[:43]):
        assert wrong(nfe_chave=mistyped) == ["nfe_chave"]

"""Headings and map files: our columns are found however they are written, and everything wrong is told at once."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from domain.errors import BadFile, BadInput
from starter.importing.columns import INVOICES, PAYMENTS, ColumnMap, bind, read_map
from starter.importing.sheets import Line

HEADING = ("numero", "especie", "emissao", "vencimento", "valor", "devedor_documento", "devedor_nome")


def mapped(tmp_path: Path, text: str) -> ColumnMap:
    path = tmp_path / "mapa.yaml"
    path.write_text(text, encoding="utf-8")
    return read_map(path, INVOICES)


def test_headings_match_without_case_accents_and_punctuation() -> None:
    written = ("NÚMERO", "Espécie", "Emissão:", " vencimento", "Valor", "Devedor - Documento", "devedor nome", "Obs.")
    layout = bind("f.csv", Line(1, written), INVOICES, ColumnMap())
    line = Line(7, ("1", "DMI", "", "", "10", "", "Fulana"))
    assert (layout.cell(line, "numero"), layout.cell(line, "devedor_nome")) == ("1", "Fulana")
    assert layout.cell(line, "cidade") == ""
    assert layout.where(7, "emissao") == "row 7, column Emissão:"
    assert layout.ignored == ("Obs.",)


def test_missing_columns_are_all_named() -> None:
    with pytest.raises(BadFile) as wrong:
        bind("f.csv", Line(1, ("numero", "valor")), INVOICES, ColumnMap())
    missing = [fault.found.removeprefix("there is no column ") for fault in wrong.value.faults]
    assert missing == ["especie", "emissao", "vencimento", "devedor_documento", "devedor_nome"]


def test_a_column_that_stands_twice_is_refused() -> None:
    with pytest.raises(BadFile, match="two columns are called Valor"):
        bind("f.csv", Line(1, (*HEADING, "Valor")), INVOICES, ColumnMap())


def test_a_map_renames_columns_and_sets_constants_and_the_form_of_days(tmp_path: Path) -> None:
    given = mapped(
        tmp_path,
        "columns: {numero: Nº Doc, devedor_documento: CNPJ/CPF, devedor_nome: Cliente/Fornecedor, "
        'emissao: "Data de Competência", vencimento: Data de Vencimento}\n'
        "constants: {especie: DMI, multa: 2, origem_encargos: contrato geral}\n"
        "dates: mm/dd/aaaa\n",
    )
    written = ("Nº DOC", "cnpj cpf", "CLIENTE / FORNECEDOR", "Data de Competencia", "data de vencimento", "valor")
    layout = bind("f.csv", Line(1, written), INVOICES, given)
    line = Line(2, ("12", "x", "y", "", "", ""))
    assert (layout.cell(line, "numero"), layout.cell(line, "especie"), layout.cell(line, "multa")) == ("12", "DMI", "2")
    assert given.as_date("12/01/2026") == date(2026, 12, 1)
    with pytest.raises(BadInput):
        given.as_date("2026-12-01")


def test_a_mapped_column_that_the_file_lacks_is_refused_also_where_it_is_optional() -> None:
    with pytest.raises(BadFile, match="there is no column Fone"):
        bind("f.csv", Line(1, HEADING), INVOICES, ColumnMap({"telefones": "Fone"}))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("colunas: {}", "unknown key colunas"),
        ("columns: [numero]", "columns is no mapping"),
        ("columns: {cliente: Nome}", "columns has an unknown column cliente"),
        ("constants: {especie: }", "constants: especie has no text"),
        ("columns: {especie: Tipo}\nconstants: {especie: DMI}", "especie is both in columns and in constants"),
        ("dates: dd/dd/aaaa", "write it like dd/mm/aaaa"),
        ("- numero", "it holds no keys"),
        ("columns: {", "this is not YAML"),
    ],
)
def test_a_wrong_map_file_is_refused_with_a_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        mapped(tmp_path, text)


def test_a_map_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="it cannot be read"):
        read_map(tmp_path / "nada.yaml", PAYMENTS)


def test_every_column_of_ours_is_documented() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "import.md").read_text(encoding="utf-8")
    for column in {*INVOICES.columns, *PAYMENTS.columns}:
        assert f"| `{column}`" in text, column

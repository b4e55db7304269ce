"""Every field of every CRA file stands where the layout says, and only there."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from cra_samples import SHARED, every_kind

from domain import cra
from domain.cra.layout import NARROW, WIDE, Field, Kind, layout, marks, positions, width
from domain.cra.values import Value, decode, encode

FACTS = SHARED / "reference" / "cra" / "cra_layout.csv"
KINDS: tuple[Kind, ...] = (*WIDE, *NARROW)
FIELDS = [field for kind in KINDS for fields in layout(kind).values() for field in fields]
FILES = every_kind()


def rows() -> list[dict[str, str]]:
    if not FACTS.exists():
        return []
    with FACTS.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def label(field: Field) -> str:
    return f"{field.kind}-{field.record}-{field.number:02}"


@pytest.mark.skipif(not FACTS.exists(), reason="the layout's facts (../shared/reference/cra) are not here")
@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row['file_type']}-{row['record']}-{row['field_no']}")
def test_our_table_says_of_every_field_what_the_layout_says(row: dict[str, str]) -> None:
    field = positions(row["file_type"], row["record"])[row["name"]]

    assert f"{field.number:02}" == row["field_no"]
    assert (field.start, field.end, field.length) == (int(row["start"]), int(row["end"]), int(row["length"]))
    assert ("N" if field.numeric else "A") == row["type"]
    assert ("2" if field.type == "money" else "") == row["decimals"]
    assert (
        encode(replace(field, usage="C", constant=None), None)
        == {"zeros": "0", "spaces": " "}[row["fill"]] * field.length
    )
    assert field.usage == row["required"]


@pytest.mark.skipif(not FACTS.exists(), reason="the layout's facts (../shared/reference/cra) are not here")
def test_our_table_has_no_field_that_the_layout_does_not_have() -> None:
    known = {(row["file_type"], row["record"], row["name"]) for row in rows()}

    assert {(field.kind, field.record, field.name) for field in FIELDS} == known


@pytest.mark.parametrize("kind", KINDS)
def test_the_fields_of_a_record_cover_every_position_once(kind: Kind) -> None:
    for fields in layout(kind).values():
        covered = [at for field in fields for at in range(field.start, field.end + 1)]
        assert covered == list(range(1, width(kind) + 1))
        assert [field.number for field in fields] == list(range(1, len(fields) + 1))


@pytest.mark.parametrize("kind", KINDS)
def test_every_record_is_told_by_its_first_position(kind: Kind) -> None:
    assert set(marks(kind).values()) == set(layout(kind))


SAMPLES: dict[str, Value] = {
    "name": "OUTRO NOME",
    "text": "OUTRO 7",
    "code": "Z9",
    "digits": "7",
    "presenter": "777",
    "number": 7,
    "money": Decimal("0.07"),
    "date": date(2024, 2, 29),
    "due": date(2024, 2, 29),
}


def sample(field: Field) -> Value:
    """A value of the field's type that is not there already and fits."""
    value = SAMPLES[field.type]
    if isinstance(value, str):
        value = value.rjust(field.length, "0") if field.numeric else value[: field.length]
    return field.constant or value


@pytest.mark.parametrize("field", FIELDS, ids=label)
def test_every_field_is_read_as_it_was_written(field: Field) -> None:
    reserved = field.ours and field.usage == "R"
    value = None if reserved else sample(field)
    raw = encode(field, value)

    assert len(raw) == field.length
    if not reserved:
        assert decode(field, raw) == value
    assert encode(field, decode(field, raw)) == raw


TOTALS = ("somatorio", "qtd_", "quantidade")
ELSEWHERE = (*TOTALS, "sequencial_registro", "codigo_portador", "nome_portador", "data_movimento", "codigo_cartorio")
"""Computed, or said in a header and again in its trailer."""
LOT = {"header", "header_cartorio", "transacao"}


def free(field: Field) -> bool:
    """Whether the sender may put what he likes there, and it stands nowhere else in the file."""
    if field.record not in LOT or field.constant is not None or (field.ours and field.usage == "R"):
        return False
    bound = field.name == "tipo_ocorrencia" or (field.record != "transacao" and field.name.startswith(ELSEWHERE))
    return not bound and not field.name.startswith(("sequencial_registro", "codigo_portador"))


def changed(file: cra.CraFile, field: Field) -> cra.CraFile:
    """The file with another value in the first place where the field stands."""
    value = "1234567" if "municipio" in field.name else sample(field)
    first = file.lots[0]
    record = first.records[0] if field.record == "transacao" else first.header
    other = replace(record, values={**record.values, field.name: value})
    lot = (
        replace(first, records=(other, *first.records[1:]))
        if field.record == "transacao"
        else replace(first, header=other)
    )
    return replace(file, lots=(lot, *file.lots[1:]))


@pytest.mark.parametrize("field", [field for field in FIELDS if free(field)], ids=label)
def test_changing_one_value_changes_its_positions_and_the_totals_that_follow(field: Field) -> None:
    file = FILES[field.kind]
    _, before = cra.write(file)
    _, after = cra.write(changed(file, field))
    names = [name for name, _ in file.records()]
    own = {(names.index(field.record), at) for at in range(field.start, field.end + 1)}
    totals = {
        (number, at)
        for number, name in enumerate(names)
        for other in layout(field.kind)[name]
        if other.name.startswith(TOTALS)
        for at in range(other.start, other.end + 1)
    }

    differing = {
        (number, at)
        for number, lines in enumerate(zip(before.splitlines(), after.splitlines(), strict=True))
        for at, (old, new) in enumerate(zip(*lines, strict=True), 1)
        if old != new
    }

    counted = field.name in {"saldo_titulo", "valor_titulo", "especie_titulo", "numero_controle_devedor"}
    assert differing & own
    assert differing <= (own | totals if counted else own)

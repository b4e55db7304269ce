"""The tables of banks' return files: whole, free of contradictions, and right where published files show it."""

from __future__ import annotations

from itertools import pairwise
from typing import get_args

import pytest

from domain.bank.model import Kind
from domain.bank.tables import Form, Paid, Type, form, forms
from domain.bank.values import READ
from domain.data import table

EVERY = sorted(forms().values(), key=lambda each: (each.layout, each.bank))
BANKS = {"001", "033", "085", "237", "341", "756"}
LOOKED_UP = {"occurrence", "motives", "face", "fee", "discount", "rebate", "extra", "occurred_on", "credited_on",
             "our_number", "document_number", "control_number"}  # fmt: skip


def ids(each: Form) -> str:
    return f"{each.layout}-{each.bank}"


def of_a_title(each: Form) -> set[str]:
    return set().union(*(each.fields.get(record, {}) for record in ("detail", "T", "U")))


def test_six_banks_are_described_in_both_layouts() -> None:
    assert set(forms()) == {(layout, bank) for layout in ("cnab240", "cnab400") for bank in BANKS}


@pytest.mark.parametrize("name", ["forms", "fields", "occurrences"])
def test_every_row_names_its_source(name: str) -> None:
    assert all(row["source"].strip() for row in table(f"bank/{name}"))


@pytest.mark.parametrize("each", EVERY, ids=ids)
def test_every_form_has_what_a_record_is_made_of(each: Form) -> None:
    has = of_a_title(each)
    assert has >= LOOKED_UP
    assert ("credited" in has) if each.paid == "from-credit" else ("paid" in has)
    assert each.paid in get_args(Paid)
    assert each.details if each.layout == "cnab400" else each.lot_counts <= {"all", "details"} != set()


@pytest.mark.parametrize("each", EVERY, ids=ids)
def test_every_field_lies_in_its_record_and_none_lies_on_another(each: Form) -> None:
    width = 400 if each.layout == "cnab400" else 240
    for fields in each.fields.values():
        places = sorted((field.start, field.end) for field in fields.values() if field.name != "our_whole")
        assert all(1 <= start <= end <= width for start, end in places)
        assert all(before[1] < after[0] for before, after in pairwise(places)), places


@pytest.mark.parametrize("each", EVERY, ids=ids)
def test_every_field_has_a_type_that_can_be_read_and_a_length_that_fits_it(each: Form) -> None:
    lengths = {"date6": {6}, "date8": {8}, "motives2": {2, 8, 10}, "motives3": {9}}
    for fields in each.fields.values():
        for field in fields.values():
            assert field.type in get_args(Type)
            assert field.type in READ
            assert field.end - field.start + 1 in lengths.get(field.type, {field.end - field.start + 1})


@pytest.mark.parametrize("each", EVERY, ids=ids)
def test_every_form_knows_entry_payment_notary_and_writing_off(each: Form) -> None:
    kinds = {found.kind for found in each.codes.values()}
    assert kinds >= {Kind.ENTERED, Kind.PAID, Kind.PAID_AT_NOTARY, Kind.WRITTEN_OFF, Kind.PROTEST_ORDERED}
    assert {code for code, motive in each.codes if motive} <= {code for code, motive in each.codes if not motive}


MEANINGS: list[tuple[str, str, str, tuple[str, ...], Kind]] = [
    ("cnab400", "341", "08", (), Kind.PAID_AT_NOTARY),
    ("cnab400", "341", "07", (), Kind.PAID_PARTLY),
    ("cnab400", "341", "24", (), Kind.INSTRUCTION_REJECTED),
    ("cnab400", "341", "18", (), Kind.INSTRUCTION_REJECTED),
    ("cnab400", "341", "32", (), Kind.PROTESTED),
    ("cnab400", "341", "63", (), Kind.SUSPENDED_BY_COURT),
    ("cnab400", "341", "65", (), Kind.IN_CLEARING),
    ("cnab400", "341", "69", (), Kind.REVERSED),
    ("cnab400", "237", "15", (), Kind.PAID_AT_NOTARY),
    ("cnab400", "237", "17", (), Kind.PAID),
    ("cnab400", "237", "24", (), Kind.REJECTED),
    ("cnab400", "237", "34", (), Kind.PROTEST_WITHDRAWN),
    ("cnab400", "237", "55", (), Kind.SUSPENDED_BY_COURT),
    ("cnab400", "237", "40", (), Kind.REVERSED),
    ("cnab400", "033", "07", (), Kind.PAID_PARTLY),
    ("cnab400", "033", "17", (), Kind.PAID_AT_NOTARY),
    ("cnab400", "033", "15", (), Kind.SENT_TO_NOTARY),
    ("cnab400", "033", "25", (), Kind.PROTEST_ORDERED),
    ("cnab400", "033", "26", (), Kind.WITHDRAWAL_ORDERED),
    ("cnab400", "001", "15", (), Kind.PAID_AT_NOTARY),
    ("cnab400", "001", "24", (), Kind.WITHDRAWAL_ORDERED),
    ("cnab400", "001", "46", (), Kind.IN_CLEARING),
    ("cnab400", "085", "25", (), Kind.PROTESTED),
    ("cnab400", "756", "15", (), Kind.PAID_AT_NOTARY),
    ("cnab240", "001", "06", (), Kind.PAID),
    ("cnab240", "001", "06", ("08",), Kind.PAID_AT_NOTARY),
    ("cnab240", "001", "06", ("04", "08"), Kind.PAID_AT_NOTARY),
    ("cnab240", "001", "24", (), Kind.PROTEST_WITHDRAWN),
    ("cnab240", "001", "25", (), Kind.PROTESTED),
    ("cnab240", "001", "50", (), Kind.IN_CLEARING),
    ("cnab240", "341", "06", ("08",), Kind.PAID),
    ("cnab240", "341", "08", (), Kind.PAID_AT_NOTARY),
    ("cnab240", "341", "24", (), Kind.INSTRUCTION_REJECTED),
    ("cnab240", "341", "32", (), Kind.PROTESTED),
    ("cnab240", "033", "24", (), Kind.PROTEST_WITHDRAWN),
    ("cnab240", "237", "44", (), Kind.REVERSED),
    ("cnab240", "756", "06", ("08",), Kind.PAID_AT_NOTARY),
    ("cnab240", "085", "76", (), Kind.PAID),
    ("cnab240", "085", "22", (), Kind.SENT_TO_NOTARY),
]


@pytest.mark.parametrize(("layout", "bank", "code", "motives", "kind"), MEANINGS)
def test_a_code_means_what_it_means_at_this_bank_in_this_layout(
    layout: str, bank: str, code: str, motives: tuple[str, ...], kind: Kind
) -> None:
    found = forms()[(layout, bank)].occurrence(code, motives)
    assert found is not None
    assert found.kind is kind


def test_a_code_that_no_table_has_means_nothing() -> None:
    assert [ids(each) for each in EVERY if each.occurrence("ZZ") is not None] == []
    assert form("cnab240", "999") is None

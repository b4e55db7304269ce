"""What holds for every return file: written values come back, and no damage passes unseen or spreads."""

from __future__ import annotations

from dataclasses import fields as parts
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import product

import pytest
from bank_samples import Title, cnab240, cnab400
from hypothesis import given
from hypothesis import strategies as st

from domain.bank import Kind, Record, read_bank_file
from domain.bank.tables import Field, Form, forms
from domain.errors import BadFile

FORMS = sorted(forms().values(), key=lambda each: (each.layout, each.bank))
MONEY = {Kind.PAID, Kind.PAID_AT_NOTARY, Kind.PAID_PARTLY}

amounts = st.decimals(min_value=0, max_value=Decimal("99999.99"), places=2, allow_nan=False, allow_infinity=False)
days = st.dates(min_value=date(2000, 1, 1), max_value=date(2099, 12, 31))
codes = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=1, max_size=8)


@st.composite
def title(draw: st.DrawFn, form: Form) -> Title:
    known = sorted({code for code, _ in form.codes})
    paid = draw(amounts)
    return Title(
        number=str(draw(st.integers(1, 9_999_999))),
        check=str(draw(st.integers(0, 9))),
        occurrence=draw(st.one_of(st.sampled_from(known), st.just("99"))),
        document_number=draw(codes),
        control_number=draw(codes),
        face=draw(amounts),
        extra=draw(amounts),
        discount=draw(amounts),
        rebate=draw(amounts),
        paid=paid,
        fee=draw(st.decimals(min_value=0, max_value=paid, places=2)),
        occurred_on=draw(days),
        credited_on=draw(st.one_of(st.none(), days)),
    )


@st.composite
def files(draw: st.DrawFn) -> tuple[Form, list[Title], bytes]:
    form = draw(st.sampled_from(FORMS))
    titles = draw(st.lists(title(form), min_size=1, max_size=4))
    return form, titles, cnab400(form.bank, titles) if form.layout == "cnab400" else cnab240(form.bank, titles)


@given(files())
def test_written_values_are_read_back(made: tuple[Form, list[Title], bytes]) -> None:
    form, titles, data = made
    file = read_bank_file(data, "x.ret")
    for wanted, record in zip(titles, file, strict=True):
        assert (record.occurrence, record.face, record.fee) == (wanted.occurrence, wanted.face, wanted.fee)
        assert (record.extra, record.discount) == (wanted.extra, wanted.discount + wanted.rebate)
        assert (record.occurred_on, record.credited_on) == (wanted.occurred_on, wanted.credited_on)
        assert (record.document_number, record.control_number) == (wanted.document_number, wanted.control_number)
        assert wanted.number in record.our_number.forms
        known = form.occurrence(wanted.occurrence)
        assert record.kind is (known.kind if known else Kind.UNKNOWN)
        if record.kind.money:
            assert record.paid == wanted.paid


@given(files())
def test_what_was_paid_less_the_fee_is_what_was_credited_where_it_is_stated(
    made: tuple[Form, list[Title], bytes],
) -> None:
    file = read_bank_file(made[2], "x.ret")
    money = [record for record in file if record.kind.money]
    assert all(record.paid - record.fee == record.credited for record in money if record.credited is not None)
    assert file.sums.paid == sum((record.paid for record in money), Decimal(0))


@given(files())
def test_a_record_counts_by_itself_only_if_its_code_is_sure_and_money_came(
    made: tuple[Form, list[Title], bytes],
) -> None:
    form = made[0]
    for record in read_bank_file(made[2], "x.ret"):
        known = form.occurrence(record.occurrence, record.motives)
        sure = known is not None and not known.ask and known.kind in MONEY
        assert record.counts == (sure and record.paid > 0)


@given(files(), st.lists(st.integers(0, 10), min_size=1, max_size=3))
def test_every_record_has_a_reference_of_its_own(made: tuple[Form, list[Title], bytes], more: list[int]) -> None:
    form, titles, _ = made
    many = titles + [titles[at % len(titles)] for at in more]
    data = cnab400(form.bank, many) if form.layout == "cnab400" else cnab240(form.bank, titles, many)
    records = list(read_bank_file(data, "x.ret"))
    assert len({record.reference for record in records}) == len(records)


# --- damage -----------------------------------------------------------------------------------------------------------
MOVES = {
    "occurrence": {"occurrence", "kind", "paid", "credited", "question"},
    "motives": {"motives", "kind", "paid", "credited", "question"},
    "face": {"face"},
    "paid": {"paid", "question"},
    "credited": {"credited", "paid", "question"},
    "credit_sign": {"credited", "paid", "question"},
    "fee": {"fee", "paid", "question"},
    "costs": {"fee", "paid", "question"},
    "extra": {"extra", "paid", "question"},
    "discount": {"discount"},
    "rebate": {"discount"},
    "occurred_on": {"occurred_on"},
    "credited_on": {"credited_on"},
    "document_number": {"document_number"},
    "control_number": {"control_number"},
    "payer": {"payer"},
    "our_number": {"our_number", "reference"},
    "our_check": {"our_number", "reference"},
    "our_whole": {"our_number", "reference"},
    "portfolio": {"our_number", "reference"},
}
"""What may be another one in a record when a byte of one of its fields is."""


def differing(before: Record, after: Record) -> set[str]:
    return {part.name for part in parts(Record) if getattr(before, part.name) != getattr(after, part.name)}


def taken(data: bytes) -> list[Record]:
    """The records with references inside their file: where a file has no number, a digest of all of it is its name."""
    file = read_bank_file(data, "x.ret")
    return [replace(record, reference=record.reference.removeprefix(file.identity)) for record in file]


def spoil(data: bytes, line: int, at: int, byte: int) -> bytes:
    lines = data.split(b"\r\n")
    old = lines[line]
    lines[line] = old[:at] + bytes([byte]) + old[at + 1 :]
    return b"\r\n".join(lines)


@st.composite
def damaged(draw: st.DrawFn) -> tuple[bytes, bytes, Field]:
    """A good file, the same with one byte of one field of one title changed, and that field."""
    form, titles, data = draw(files())
    number = draw(st.integers(0, len(titles) - 1))
    record = "detail" if form.layout == "cnab400" else draw(st.sampled_from(["T", "U"]))
    field = draw(st.sampled_from(sorted(form.fields[record].values(), key=lambda each: each.start)))
    line = 1 + number if form.layout == "cnab400" else 2 + 2 * number + (record == "U")
    at = draw(st.integers(field.start - 1, field.end - 1))
    byte = draw(st.integers(32, 126).filter(lambda each: each != data.split(b"\r\n")[line][at]))
    return data, spoil(data, line, at, byte), field


@given(damaged())
def test_a_damaged_byte_of_a_field_is_refused_or_changes_exactly_its_value(made: tuple[bytes, bytes, Field]) -> None:
    good, bad, field = made
    before = taken(good)
    try:
        after = taken(bad)
    except BadFile:
        return
    changes = [differing(one, other) for one, other in zip(before, after, strict=True)]
    assert sum(bool(change) for change in changes) <= 1
    assert set().union(*changes) <= MOVES[field.name], field


def structure(form: Form, lines: list[bytes]) -> list[tuple[int, int]]:
    """Line and place (from 0) of every byte that says how the file is built: kinds, numbers, banks, counts."""
    found: list[tuple[int, int]] = []
    for number, line in enumerate(lines):
        if form.layout == "cnab400":
            places = [0, *range(394, 400)]
            if number == len(lines) - 1:
                places += [
                    at for each in form.fields.get("trailer", {}).values() for at in range(each.start - 1, each.end)
                ]
        else:
            places = [*range(8), *(range(8, 14) if line[7:8] == b"3" else range(17, 23) if line[7:8] in b"59" else ())]
            places += [*range(23, 29)] if line[7:8] == b"9" else [*range(8, 11)] if line[7:8] == b"1" else []
        found += [(number, at) for at in places]
    return found


@given(files(), st.data())
def test_a_damaged_byte_of_the_structure_is_always_refused(
    made: tuple[Form, list[Title], bytes], data: st.DataObject
) -> None:
    form, _, good = made
    lines = good.split(b"\r\n")[:-1]
    if form.layout == "cnab240":  # what a trailer of the whole file has for a lot differs from bank to bank
        places = [(line, at) for line, at in structure(form, lines) if not (line == len(lines) - 1 and 3 <= at <= 6)]
    else:
        places = structure(form, lines)
    line, at = data.draw(st.sampled_from(places))
    byte = data.draw(st.integers(33, 126).filter(lambda each: each != lines[line][at]))
    with pytest.raises(BadFile):
        read_bank_file(spoil(good, line, at, byte), "x.ret")


@pytest.mark.parametrize("form", FORMS, ids=lambda form: f"{form.layout}-{form.bank}")
def test_no_damage_to_the_mark_of_a_record_hides_a_title(form: Form) -> None:
    titles = [Title(), Title(number="12"), Title(number="13")]
    good = cnab400(form.bank, titles) if form.layout == "cnab400" else cnab240(form.bank, titles)
    lines = good.split(b"\r\n")[:-1]
    marks = [0] if form.layout == "cnab400" else [7, 13]
    for line, at in product(range(len(lines)), marks):
        if at == 13 and lines[line][7:8] != b"3":
            continue
        for byte in {*range(256)} - {lines[line][at], *b"\r\n"}:
            with pytest.raises(BadFile):
                read_bank_file(spoil(good, line, at, byte), "x.ret")


@given(files(), st.data())
def test_a_missing_a_doubled_and_a_moved_line_are_always_refused(
    made: tuple[Form, list[Title], bytes], data: st.DataObject
) -> None:
    good = made[2].split(b"\r\n")[:-1]
    at = data.draw(st.integers(0, len(good) - 1))
    to = data.draw(st.integers(0, len(good) - 1).filter(lambda each: each != at))
    missing = good[:at] + good[at + 1 :]
    doubled = good[: at + 1] + good[at:]
    moved = [*missing[:to], good[at], *missing[to:]]
    for lines in (missing, doubled, moved):
        with pytest.raises(BadFile):
            read_bank_file(b"\r\n".join(lines) + b"\r\n", "x.ret")

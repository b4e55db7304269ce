"""Return files are read as the banks wrote them: figures of published files at their published positions."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from bank_samples import CREATED, PAID_ON, PAYER, Title, cnab240, cnab400

from domain.bank import BankFile, Kind, OurNumber, Record, bare_number, read_bank_file
from domain.bank.tables import forms
from domain.errors import BadInput
from domain.money import ZERO

BOTH = sorted(forms())
CENTS = Decimal("0.01")


def built(layout: str, bank: str, *titles: Title) -> bytes:
    return cnab400(bank, titles) if layout == "cnab400" else cnab240(bank, titles)


def only(layout: str, bank: str, title: Title) -> Record:
    (record,) = read_bank_file(built(layout, bank, title), "x.ret")
    return record


def at(width: int, places: Mapping[int, str]) -> str:
    """A line with texts at positions, counted from 1 as the layouts do: it knows nothing of our tables."""
    cells = list(" " * width)
    for start, text in places.items():
        cells[start - 1 : start - 1 + len(text)] = text
    return "".join(cells)


def file_of(*lines: str) -> bytes:
    return "".join(each + "\n" for each in lines).encode("ascii")


def test_itau_400_what_was_paid_is_what_was_credited_and_the_fee() -> None:
    """brcobranca's file of 20/05/2013: 37.90 credited, 2.10 kept, so 40.00 paid; and 44.00 + 0.98 paid late."""
    head = {1: "02RETORNO01COBRANCA", 27: "073000035110", 77: "341", 95: "210513", 109: "00025", 395: "000001"}
    first = {
        1: "1", 63: "00000011", 83: "109", 86: "00000011", 94: "4", 109: "06", 111: "200513", 127: "00000011",
        153: "0000000004000", 166: "001", 176: "0000000000210", 215: "0" * 39, 254: "0000000003790",
        267: "0000000000000", 280: "0" * 13, 296: "210513", 393: "B5", 395: "000002",
    }  # fmt: skip
    late = {
        **first,
        86: "27615123",
        94: "6",
        153: "0000000004400",
        254: "0000000004288",
        267: "0000000000098",
        395: "000003",
    }
    end = {1: "9201341", 213: "00000002", 221: "00000000008400", 395: "000004"}
    file = read_bank_file(file_of(*(at(400, places) for places in (head, first, late, end))), "itau.ret")
    one, other = file
    assert (file.bank, file.layout, file.created, file.sequence) == ("341", "cnab400", date(2013, 5, 21), 25)
    assert (one.kind, one.occurrence, one.occurred_on, one.credited_on) == (
        Kind.PAID, "06", date(2013, 5, 20), date(2013, 5, 21),
    )  # fmt: skip
    assert (one.face, one.credited, one.fee, one.paid) == (
        Decimal("40.00"), Decimal("37.90"), Decimal("2.10"), Decimal("40.00"),
    )  # fmt: skip
    assert one.our_number == OurNumber("00000011", "4", "109")
    assert (other.paid, other.extra) == (Decimal("44.98"), Decimal("0.98"))
    assert one.reference == "341:cnab400:073000035110:20130521:25:2:11"


def test_banco_do_brasil_400_has_records_of_type_7_and_days_and_fees_of_its_own() -> None:
    """brcobranca's CBR643 of 20/01/2009: 90.64 paid, 5.00 kept, 85.64 credited."""
    head = {
        1: "02RETORNO01COBRANCA",
        27: "33251000289353000000",
        77: "001",
        95: "200109",
        101: "0000007",
        395: "000001",
    }
    title = {
        1: "7", 64: "16224200000000310", 81: "00", 87: "01", 107: "18", 109: "06", 111: "200109",
        153: "0000000009064", 176: "220109", 182: "0000500", 189: "0" * 65, 254: "0000000009064", 267: "0" * 39,
        306: "0000000008564", 319: "20", 395: "000002",
    }  # fmt: skip
    end = {1: "9201001", 395: "000003"}
    (record,) = read_bank_file(file_of(*(at(400, places) for places in (head, title, end))), "cbr643.ret")
    assert (record.kind, record.face, record.paid, record.fee, record.credited) == (
        Kind.PAID, Decimal("90.64"), Decimal("90.64"), Decimal("5.00"), Decimal("85.64"),
    )  # fmt: skip
    assert (record.credited_on, record.our_number.number) == (date(2009, 1, 22), "16224200000000310")


def test_santander_240_stands_some_positions_to_the_left_and_counts_its_details_only() -> None:
    """laravel-boleto's and brcobranca's files: 110.00 paid for 100.00, the fee of 3.24 is billed apart."""
    lot = "0337031"
    lines = [
        {1: "03300000", 33: "456750111111119", 143: "2", 144: "04062014", 158: "000077", 164: "040"},
        {1: f"{lot}1T01", 14: "040"},
        {
            1: f"{lot}300001T", 16: "06", 41: "0000000001040", 54: "1", 55: "1", 70: "04062014",
            78: "000000000010000", 128: "2", 129: "011222333000181", 194: "000000000000324", 209: "6100000000",
        },
        {
            1: f"{lot}300002U", 16: "06", 18: "0" * 60, 78: "000000000011000", 93: "000000000011000",
            123: "000000000001000", 138: "04062014", 146: "05062014",
        },
        {1: f"{lot}300003Y", 16: "0603", 81: "2", 82: "11222333000181", 159: "YKP000550547000000000003509062026"},
        {1: f"{lot}5", 18: "000003"},
        {1: f"{lot}9", 18: "000001000007"},
    ]  # fmt: skip
    (record,) = read_bank_file(file_of(*(at(240, places) for places in lines)), "santander.ret")
    assert (record.face, record.paid, record.credited, record.fee) == (
        Decimal("100.00"), Decimal("110.00"), Decimal("110.00"), Decimal("3.24"),
    )  # fmt: skip
    assert record.our_number == OurNumber("000000000104", "0")
    assert (record.motives, record.payer) == (("61",), "11222333000181")
    assert record.txid == "YKP000550547000000000003509062026"


def test_banco_do_brasil_240_a_title_is_a_segment_t_and_its_u() -> None:
    """laravel-boleto's file of 22/03/2011: 40.00 paid, 5.00 kept, 35.00 credited."""
    lines = [
        {1: "00100000", 53: "0032860000000075367", 143: "2", 144: "2210320110247", 158: "000257"},
        {1: "00100011T01", 14: "020"},
        {
            1: "0010001300001T", 16: "06", 38: "32948600000000196", 58: "1", 74: "23032011", 82: "000000000004000",
            133: "0", 134: "0" * 15, 199: "000000000000500", 214: "00",
        },
        {
            1: "0010001300002U", 16: "06", 18: "0" * 60, 78: "000000000004000", 93: "000000000003500",
            138: "21032011", 146: "23032011",
        },
        {1: "00100015", 18: "000004"},
        {1: "00199999", 18: "000001000006"},
    ]  # fmt: skip
    file = read_bank_file(file_of(*(at(240, places) for places in lines)), "bb.ret")
    (record,) = file
    assert (file.account, file.sequence) == ("0032860000000075367", 257)
    assert (record.line, record.paid, record.credited, record.fee) == (
        3, Decimal("40.00"), Decimal("35.00"), Decimal("5.00"),
    )  # fmt: skip
    assert (record.our_number.forms, record.payer, record.motives) == (("32948600000000196",), "", ())


@pytest.mark.parametrize(("layout", "bank"), BOTH)
def test_the_fields_of_every_bank_come_back(layout: str, bank: str) -> None:
    title = Title(
        face=Decimal("1234.56"), discount=Decimal("3.00"), rebate=Decimal("2.00"), paid=Decimal("1229.56")
    )  # fmt: skip
    record = only(layout, bank, title)
    assert (record.kind, record.question, record.counts) == (Kind.PAID, "", True)
    assert (record.face, record.paid, record.fee, record.discount) == (
        Decimal("1234.56"), Decimal("1229.56"), Decimal("2.10"), Decimal("5.00"),
    )  # fmt: skip
    assert (record.occurred_on, record.credited_on) == (PAID_ON, CREATED)
    assert (record.document_number, record.control_number) == ("NF1234", "CTRL-1")
    assert "11" in record.our_number.forms
    assert record.payer == (PAYER if layout == "cnab240" else "")


@pytest.mark.parametrize(("layout", "bank"), BOTH)
def test_what_is_no_money_has_no_amount_but_its_fee(layout: str, bank: str) -> None:
    record = only(layout, bank, Title(occurrence="02"))
    assert (record.kind, record.paid, record.credited, record.fee) == (Kind.ENTERED, ZERO, None, Decimal("2.10"))
    assert not record.counts


@pytest.mark.parametrize(("layout", "bank"), BOTH)
def test_an_unknown_code_is_kept_with_its_amount_and_asks_for_a_person(layout: str, bank: str) -> None:
    file = read_bank_file(built(layout, bank, Title(), Title(number="12", occurrence="ZZ")), "x.ret")
    _, record = file
    assert (record.kind, record.occurrence, record.question) == (Kind.UNKNOWN, "ZZ", "unknown-code")
    assert (record.paid, record.counts, file.sums.questions) == (Decimal("40.00"), False, 1)
    assert file.sums.paid == Decimal("40.00")


def test_a_code_that_means_more_than_one_thing_asks_for_a_person() -> None:
    record = only("cnab400", "033", Title(occurrence="10"))
    assert (record.kind, record.question) == (Kind.WRITTEN_OFF, "ambiguous-code")


def test_a_payment_of_nothing_asks_for_a_person() -> None:
    record = only("cnab240", "756", Title(paid=ZERO, fee=ZERO))
    assert (record.question, record.counts) == ("nothing-paid", False)


def test_a_payment_with_motive_08_was_made_at_the_notary() -> None:
    assert only("cnab240", "001", Title(motives=("08",))).kind is Kind.PAID_AT_NOTARY
    assert only("cnab240", "341", Title(occurrence="08")).kind is Kind.PAID_AT_NOTARY


def test_a_cheque_in_clearing_is_on_its_way_and_not_credited() -> None:
    record = only("cnab400", "001", Title(occurrence="46"))
    assert (record.kind, record.paid, record.credited, record.counts) == (
        Kind.IN_CLEARING, Decimal("40.00"), None, False,
    )  # fmt: skip


def test_where_the_amount_leaves_interest_out_the_credit_proves_it() -> None:
    """Two readings of BB's 'valor recebido' exist: with interest and without. Credit plus fee says which one it is."""
    without = Title(paid=Decimal("40.00"), extra=Decimal("1.50"), credited=Decimal("39.40"))
    including = Title(paid=Decimal("41.50"), extra=Decimal("1.50"), credited=Decimal("39.40"))
    assert only("cnab400", "001", without).paid == Decimal("41.50")
    assert only("cnab400", "001", including).paid == Decimal("41.50")


def test_an_entry_that_was_debited_is_not_a_credit() -> None:
    assert only("cnab400", "001", Title(written={"credit_sign": "1"})).credited is None


def test_a_pix_id_in_an_additional_record_is_the_reference() -> None:
    end_to_end = "E60701190202611231530abcDEF12345"
    title = Title(adds=[("Y03", end_to_end)])
    record = only("cnab240", "033", title)
    assert (record.reference, record.end_to_end) == (end_to_end, end_to_end)
    plain = only("cnab400", "033", Title(adds=[("2", "TXID0000000000000000000000000042")]))
    assert (plain.txid, plain.end_to_end) == ("TXID0000000000000000000000000042", "")
    assert plain.reference.startswith("033:cnab400:")


def test_a_number_of_bradesco_240_that_is_left_aligned_is_taken_whole() -> None:
    record = only("cnab240", "237", Title(written={"our_whole": "00000000097P"}))
    assert record.our_number.forms[-1] == "97P"


@pytest.mark.parametrize(
    ("text", "bare"), [("109/00000011-9", "109000000119"), ("0000000097-p", "97P"), ("000", ""), ("", "")]
)
def test_a_nosso_numero_is_the_same_however_it_is_written(text: str, bare: str) -> None:
    assert bare_number(text) == bare


def test_the_most_telling_form_of_a_nosso_numero_comes_first() -> None:
    assert OurNumber("00000011", "9", "109").forms == ("109000000119", "10900000011", "119", "11")
    assert OurNumber("000", "", "109").forms == ()


def test_every_reference_in_a_file_is_of_its_own_and_fits_a_column() -> None:
    file = read_bank_file(cnab240("756", [Title()] * 5, [Title()] * 3), "x.ret")
    references = {record.reference for record in file}
    assert len(references) == file.count == 8
    assert max(len(each) for each in references) <= 80


def test_files_of_one_day_without_a_number_do_not_share_references() -> None:
    one = cnab400("033", [Title(paid=Decimal("10.00"))])
    other = cnab400("033", [Title(paid=Decimal("20.00"))])
    first, second, again = (next(iter(read_bank_file(data, "x.ret"))).reference for data in (one, other, one))
    assert first == again != second


# --- what a file says about itself ------------------------------------------------------------------------------------
def test_sums_count_kinds_and_money() -> None:
    titles = [Title(), Title(number="12", occurrence="08"), Title(number="13", occurrence="02")]
    sums = read_bank_file(cnab400("341", titles), "x.ret").sums
    assert sums.kinds == {Kind.PAID: 1, Kind.PAID_AT_NOTARY: 1, Kind.ENTERED: 1}
    assert (sums.paid, sums.credited, sums.fees) == (Decimal("80.00"), Decimal("75.80"), Decimal("6.30"))


@pytest.mark.parametrize(
    ("occurred", "hour", "until"),
    [
        (CREATED, "20", CREATED),
        (CREATED, "12", PAID_ON),
        (CREATED, "00", CREATED),
        (PAID_ON, "20", PAID_ON),
        (date(2026, 11, 20), "06", PAID_ON),
    ],
)
def test_a_file_covers_the_day_before_it_was_made_or_that_day_if_it_was_over(
    occurred: date, hour: str, until: date
) -> None:
    data = cnab240("001", [Title(occurred_on=occurred)], hour=hour)
    assert read_bank_file(data, "x.ret").covers_until == until


def test_a_file_without_records_is_news_too() -> None:
    for data in (cnab400("341", []), cnab240("001", []), cnab240("001")):
        file = read_bank_file(data, "x.ret")
        assert (list(file), file.count, file.covers_until) == ([], 0, PAID_ON)


def test_lots_one_after_another_are_read_in_the_order_of_their_lines() -> None:
    file = read_bank_file(cnab240("756", [Title(), Title(number="12")], [Title(number="13")]), "x.ret")
    assert [record.line for record in file] == [3, 5, 9]


def test_line_ends_of_unix_and_the_end_mark_of_dos_are_accepted() -> None:
    data = cnab400("341", [Title()])
    for same in (data.replace(b"\r\n", b"\n"), data + b"\x1a", data + b"\r\n", data.removesuffix(b"\r\n")):
        assert list(read_bank_file(same, "x.ret")) == list(read_bank_file(data, "x.ret"))


def test_accents_of_the_bank_are_one_position_each() -> None:
    assert only("cnab400", "237", Title(document_number="Nº 12 Ç")).document_number == "Nº 12 Ç"


def test_a_file_is_read_as_often_as_one_likes_from_bytes_and_from_a_stream(tmp_path: Path) -> None:
    data = cnab240("341", [Title(), Title(number="12")])
    path = tmp_path / "x.ret"
    path.write_bytes(data)
    with path.open("rb") as stream:
        file: BankFile = read_bank_file(stream, "x.ret")
        first, second = list(file), list(file)
    assert first == second == list(read_bank_file(data, "x.ret"))
    together = read_bank_file(data, "x.ret")
    assert list(zip(together, together, strict=True)) == [(each, each) for each in first]


def test_a_pipe_is_refused_because_it_cannot_be_read_twice() -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    with pytest.raises(BadInput, match="give a file on disk"):
        read_bank_file(Pipe(b""), "x.ret")


def test_what_may_be_personal_is_not_printed() -> None:
    record = only("cnab240", "756", Title(control_number="Fulano de Tal"))
    assert record.payer == PAYER
    assert PAYER not in repr(replace(record, memo="Beltrana de Tal"))
    assert "Tal" not in repr(replace(record, memo="Beltrana de Tal"))

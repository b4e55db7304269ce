"""Statements in OFX 1.x and 2.x: credits and what takes them back, from a reader that fetches and expands nothing."""

from __future__ import annotations

import time
from datetime import date
from decimal import Decimal

import pytest
from bank_samples import Entry, ofx
from hypothesis import given
from hypothesis import strategies as st

from domain.bank import Kind, Record, read_bank_file
from domain.bank.ofx import LARGEST
from domain.errors import BadFile

END_TO_END = "E60701190202611231530abcDEF12345"
BOTH = [pytest.param(False, id="1.x"), pytest.param(True, id="2.x")]


def records(*entries: Entry, xml: bool = False) -> list[Record]:
    return list(read_bank_file(ofx(*entries, xml=xml), "x.ofx"))


def refusal(content: bytes) -> str:
    with pytest.raises(BadFile) as refused:
        read_bank_file(content, "x.ofx")
    return str(refused.value)


@pytest.mark.parametrize("xml", BOTH)
def test_a_statement_tells_bank_account_days_and_its_credits(xml: bool) -> None:
    file = read_bank_file(
        ofx(Entry(), Entry(amount="-3.20", fitid="F2", kind="DEBIT", memo="TARIFA"), xml=xml), "x.ofx"
    )
    assert (file.layout, file.bank, file.account, file.created) == ("ofx", "341", "0730/35110-0", date(2026, 11, 24))
    assert (file.covers_until, file.count, file.sums.paid) == (date(2026, 11, 23), 1, Decimal("150.00"))
    (record,) = file
    assert (record.kind, record.paid, record.credited, record.occurred_on, record.credited_on) == (
        Kind.PAID, Decimal("150.00"), Decimal("150.00"), date(2026, 11, 23), date(2026, 11, 23),
    )  # fmt: skip
    assert (record.reference, record.occurrence, record.memo, record.counts) == (
        "341:ofx:0730351100:20261123:150.00:F1", "CREDIT", "PIX RECEBIDO", True,
    )  # fmt: skip


@pytest.mark.parametrize("xml", BOTH)
def test_the_pix_id_in_the_text_is_the_reference_and_the_document_is_the_payer(xml: bool) -> None:
    (record,) = records(Entry(memo=f"PIX RECEBIDO {END_TO_END} 529.982.247-25 FULANO"), xml=xml)
    assert (record.reference, record.end_to_end, record.payer) == (END_TO_END, END_TO_END, "52998224725")


@pytest.mark.parametrize(
    ("memo", "payer"),
    [
        ("TED 11222333000181 LTDA", "11222333000181"),
        ("PIX 12.ABC.345/01DE-35", "12ABC34501DE35"),
        ("PIX 52998224725 52998224725", "52998224725"),
        ("DE 52998224725 PARA 11144477735", ""),
        ("PIX 52998224724", ""),
        ("PIX ***.982.247-**", ""),
        (f"PIX {END_TO_END}", ""),
    ],
)
def test_a_payer_is_one_document_with_right_check_digits(memo: str, payer: str) -> None:
    assert records(Entry(memo=memo))[0].payer == payer


@pytest.mark.parametrize(
    "memo", [END_TO_END + "X", "E60701190ABCDEFGHIJKLabcDEF12345", "E" + "6" * 30, "PIX " + END_TO_END[:-1]]
)
def test_what_only_looks_like_a_pix_id_is_none(memo: str) -> None:
    assert records(Entry(memo=memo))[0].end_to_end == ""


def test_a_debit_that_takes_a_credit_back_is_a_reversal_and_other_debits_are_nothing() -> None:
    made = records(
        Entry(amount="-10.00", fitid="F1", kind="DEBIT", memo="PAGAMENTO FORNECEDOR"),
        Entry(amount="-20.00", fitid="F2", kind="DEBIT", memo="CHEQUE DEVOLVIDO 000123"),
        Entry(amount="-30.00", fitid="F3", kind="OTHER", memo=f"Estorno Pix {END_TO_END}"),
        Entry(amount="0.00", fitid="F4", memo="SALDO"),
    )
    assert [(each.kind, each.paid, each.question) for each in made] == [
        (Kind.REVERSED, Decimal("20.00"), "reversal-of-what"),
        (Kind.REVERSED, Decimal("30.00"), ""),
    ]
    assert (made[1].end_to_end, made[1].reference) == (END_TO_END, "341:ofx:0730351100:20261123:30.00:F3")
    assert [each.counts for each in made] == [False, False]


def test_a_credit_whose_text_speaks_of_a_return_asks_for_a_person() -> None:
    (record,) = records(Entry(memo="DEVOLUCAO PIX ENVIADO"))
    assert (record.kind, record.question, record.counts) == (Kind.PAID, "speaks-of-return", False)


@pytest.mark.parametrize(
    ("said", "amount"), [("150", "150.00"), ("+150.5", "150.50"), ("150,05", "150.05"), ("0000150.00", "150.00")]
)
def test_amounts_are_read_with_a_point_or_a_comma(said: str, amount: str) -> None:
    assert records(Entry(amount=said))[0].paid == Decimal(amount)


@pytest.mark.parametrize("posted", ["20261123", "20261123000000", "20261123120000.000[-3:BRT]", "20261123[0:GMT]"])
def test_a_day_is_the_day_that_the_bank_wrote(posted: str) -> None:
    assert records(Entry(posted=posted))[0].occurred_on == date(2026, 11, 23)


def test_the_day_on_which_a_statement_was_asked_for_is_not_covered_yet() -> None:
    today = ofx(Entry(posted="20261124"), until="20261124")
    assert read_bank_file(today, "x.ofx").covers_until == date(2026, 11, 23)
    unknown = ofx(Entry(posted="20261124"), until="20261124", served="00000000000000")
    assert read_bank_file(unknown, "x.ofx").covers_until == date(2026, 11, 24)


def test_a_number_that_could_hold_a_text_does_not_stand_in_a_reference() -> None:
    (record,) = records(Entry(fitid="FULANO DE TAL 529.982.247-25"))
    assert "FULANO" not in record.reference
    assert len(record.reference) <= 80


def test_entities_are_read_and_other_signs_stay_as_they_are() -> None:
    assert records(Entry(memo="A &amp; B &#233; C & D &ouml;"))[0].memo == "A & B é C & D &ouml;"


def test_a_statement_may_be_in_utf_8_or_windows_1252_whatever_it_says() -> None:
    data = ofx(Entry(memo="PIX DE JOÃO"))
    again = data.decode("cp1252").encode("utf-8")
    marked = b"\xef\xbb\xbf" + again
    assert [next(iter(read_bank_file(each, "x")))for each in (data, again, marked)] == records(
        Entry(memo="PIX DE JOÃO")
    ) * 3  # fmt: skip


def test_headers_in_one_line_empty_lines_before_them_and_no_header_are_read() -> None:
    data = ofx(Entry())
    head, _, body = data.partition(b"<OFX>")
    for header in (head.replace(b"\n", b" "), b"\r\n\r\n" + head, b"OFXHEADER:100DATA:OFXSGMLVERSION:102", b""):
        assert read_bank_file(header + b"<OFX>" + body, "x.ofx").count == 1


def test_elements_of_1_x_may_be_closed() -> None:
    body = ofx(Entry(), xml=True).partition(b"<OFX>")[2]
    head = ofx(Entry()).partition(b"<OFX>")[0]
    assert read_bank_file(head + b"<OFX>" + body, "x.ofx").count == 1


def test_a_statement_without_entries_is_news_too() -> None:
    file = read_bank_file(ofx(), "x.ofx")
    assert (list(file), file.covers_until) == ([], date(2026, 11, 23))


GOOD = ofx(Entry(), Entry(fitid="F2"))
XML = ofx(Entry(), Entry(fitid="F2"), xml=True)
DAMAGE: list[tuple[str, bytes, str]] = [
    ("cut off", GOOD[: GOOD.index(b"</BANKTRANLIST>")], "the file is cut off; </OFX> at its end"),
    ("cut inside a tag", GOOD[:-20], "a tag that OFX does not have"),
    ("a list that does not end", GOOD.replace(b"</BANKTRANLIST>", b""), "closes nothing; </BANKTRANLIST>"),
    ("a document type", XML.replace(b"<OFX>", b'<!DOCTYPE OFX [<!ENTITY a "b">]>\n<OFX>', 1), "no <OFX> behind a"),
    ("an entity inside", XML.replace(b"PIX", b"<!ENTITY x SYSTEM 'file:///etc/passwd'>", 1), "a tag that OFX does not"),
    ("attributes", XML.replace(b"<MEMO>", b"<MEMO a='b'>", 1), "tags in capitals without attributes"),
    ("an open element in XML", XML.replace(b"</FITID>", b"", 1), "<FITID> is not closed; </FITID> behind its value"),
    ("a wrong closing", GOOD.replace(b"</STMTTRN>", b"</STMTRS>", 1), "</STMTRS> closes nothing; </STMTTRN>"),
    ("text where none belongs", GOOD.replace(b"</STMTTRN>", b"</STMTTRN>x", 1), "text behind </STMTTRN>"),
    ("two amounts", GOOD.replace(b"<FITID>", b"<TRNAMT>1\n<FITID>", 1), "a second <TRNAMT> in <STMTTRN>; one of each"),
    ("letters in an amount", GOOD.replace(b"150.00", b"15O.00", 1), "TRNAMT is '15O.00'; an amount like 1234.56"),
    ("thousands", GOOD.replace(b"150.00", b"1.150,00", 1), "TRNAMT is '1.150,00'"),
    ("three decimals", GOOD.replace(b"150.00", b"150.001", 1), "TRNAMT is '150.001'"),
    ("no real day", GOOD.replace(b"20261123120000", b"20261131120000", 1), "DTPOSTED is '20261131120000[-3:BR'"),
    ("no day", GOOD.replace(b"<DTPOSTED>", b"<DTUSER>", 1), "DTPOSTED is ''; a real date as AAAAMMDD"),
    ("no number", GOOD.replace(b"<FITID>F1\n", b"", 1), "an entry without FITID"),
    ("the same entry twice", GOOD.replace(b"<FITID>F2", b"<FITID>F1", 1), "the same entry as in line 36"),
    ("a positive debit", GOOD.replace(b"CREDIT", b"DEBIT", 1), "a debit (TRNTYPE) of a positive amount"),
    ("another currency", GOOD.replace(b"BRL", b"USD"), "a currency (CURDEF) other than the real"),
    ("no bank", GOOD.replace(b"<BANKID>0341\n", b""), "no bank (BANKID) of three digits"),
    ("no account", GOOD.replace(b"<ACCTID>0730/35110-0\n", b""), "no account (ACCTID)"),
    ("no statement", GOOD.replace(b"STMTRS", b"CCSTMTRS"), "0 statements of bank accounts (STMTRS)"),
    ("a strange byte", GOOD.replace(b"PIX", b"\x81\xff", 1), "byte 0x81; text in UTF-8 or Windows-1252"),
    ("an unknown header", b"OFXHEADER:100\nhello world\n" + GOOD[GOOD.index(b"<OFX>") :], "no <OFX> behind a header"),
    ("only a header", GOOD[: GOOD.index(b"<OFX>")], "no <OFX> behind a header"),
    ("too long", GOOD + b" " * LARGEST, f"more than {LARGEST} bytes"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "told"), [(c, t) for _, c, t in DAMAGE], ids=[name for name, _, _ in DAMAGE])
def test_a_damaged_statement_is_refused_and_says_where(content: bytes, told: str) -> None:
    assert told in refusal(content)


def test_two_accounts_in_one_file_are_refused() -> None:
    start, end = GOOD.index(b"<STMTTRNRS>"), GOOD.index(b"</BANKMSGSRSV1>")
    assert "2 statements of bank accounts" in refusal(GOOD[:end] + GOOD[start:end] + GOOD[end:])


def test_a_hostile_header_takes_no_time() -> None:
    """Neither nested quantifiers nor entities: what is long stays linear."""
    begun = time.perf_counter()
    refusal(b"OFXHEADER:" + b"A:" * 200_000 + b"!\nx <OFX>")
    refusal(b"<OFX>" + b"<STMTTRN>\n" * 100_000)
    assert time.perf_counter() - begun < 20


words = st.text(st.characters(codec="cp1252", exclude_characters="<>&", categories=["L", "N", "P", "S", "Zs"]))
cents = st.decimals(min_value=Decimal("0.01"), max_value=Decimal("9999999.99"), places=2)


@given(st.lists(st.tuples(cents, words), max_size=6), st.booleans())
def test_written_credits_are_read_back(given_: list[tuple[Decimal, str]], xml: bool) -> None:
    entries = [Entry(amount=str(amount), fitid=f"N{at}", memo=memo) for at, (amount, memo) in enumerate(given_)]
    made = records(*entries, xml=xml)
    assert [(each.paid, each.memo) for each in made] == [(amount, memo.strip()) for amount, memo in given_]
    assert len({each.reference for each in made}) == len(made)
    assert all(each.paid == each.credited for each in made)


@given(st.integers(0, len(GOOD) - 2), st.integers(1, 40))
def test_a_statement_that_lacks_a_part_is_refused_or_tells_what_is_left(start: int, size: int) -> None:
    """What is cut out of one entry never changes another, and never makes one up."""
    whole = {record.reference for record in read_bank_file(GOOD, "x.ofx")}
    end = GOOD.index(b"</OFX>") + len(b"</OFX>")
    if start >= end:
        return
    with pytest.raises(BadFile):
        read_bank_file(GOOD[:start], "x.ofx")
    try:
        rest = list(read_bank_file(GOOD[:start] + GOOD[start + size :], "x.ofx"))
    except BadFile:
        return
    assert len(rest) <= len(whole)

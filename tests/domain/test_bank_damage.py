"""A damaged bank file is refused whole, with every faulty line, and nothing of it is handed over."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from bank_samples import Title, cnab240, cnab400, known, put, without

from domain.bank import read_bank_file
from domain.bank.faults import MOST
from domain.errors import BadFile

TITLES = [Title(), Title(number="12", occurrence="02"), Title(number="13", occurrence="09")]
ITAU = cnab400("341", TITLES)
BRADESCO = cnab400("237", TITLES)
SICOOB = cnab240("756", TITLES, TITLES)
Damage = Callable[[bytes], bytes]


def swapped(content: bytes, one: int, other: int) -> bytes:
    lines = content.split(b"\r\n")
    lines[one - 1], lines[other - 1] = lines[other - 1], lines[one - 1]
    return b"\r\n".join(lines)


def twice(content: bytes, number: int) -> bytes:
    lines = content.split(b"\r\n")
    lines.insert(number, lines[number - 1])
    return b"\r\n".join(lines)


def refusal(content: bytes) -> str:
    with pytest.raises(BadFile) as refused:
        read_bank_file(content, "r.ret")
    return str(refused.value)


OF_400: list[tuple[str, Damage, tuple[str, ...]]] = [
    ("a position is missing", lambda c: c[:500] + c[501:], ("r.ret:2: 399 positions; 400 in every line",)),
    ("cut off", lambda c: c[:1000], ("r.ret:3: 196 positions", "the file ends without its trailer")),
    ("no trailer", lambda c: without(c, 5), ("r.ret:4: the file ends without its trailer; a record of type 9",)),
    ("a record is missing", lambda c: without(c, 3), ("r.ret:3: any position [395-400] is 000004; 000003",)),
    ("a record is doubled", lambda c: twice(c, 3), ("r.ret:4: any position [395-400] is 000003; 000004",)),
    ("records are mixed up", lambda c: swapped(c, 2, 3), ("r.ret:2: any position", "r.ret:3: any position")),
    ("wrong count", lambda c: put(c, 5, 220, "4"), ("trailer details [213-220] is 4; 3 is what the file holds",)),
    ("wrong sum", lambda c: put(c, 5, 234, "1"), ("trailer faces [221-234] is 120.01; 120.00 is what",)),
    ("letters in an amount", lambda c: put(c, 2, 160, "O"), ("r.ret:2: detail face [153-165] is", "digits only")),
    ("letters in a credit", lambda c: put(c, 2, 266, "X"), ("r.ret:2: detail credited [254-266]", "digits only")),
    ("31 November", lambda c: put(c, 2, 111, "311126"), ("occurred_on [111-116] is '311126'; a real date as DDMMAA",)),
    ("a payment without a day", lambda c: put(c, 2, 111, "000000"), ("r.ret:2: a payment without a day",)),
    ("an unknown record", lambda c: put(c, 3, 1, "8"), ("r.ret:3: record type '8'; one of 1, 2, 3, 4, 5, 6, 7, 9",)),
    ("a tab", lambda c: put(c, 2, 200, "\t"), ("r.ret:2: byte 0x09 in position 200; plain text",)),
    ("something behind the trailer", lambda c: c + c.split(b"\r\n")[1] + b"\r\n", ("a record after the trailer",)),
    ("an empty line", lambda c: c.replace(b"\r\n", b"\r\n\r\n", 1), ("r.ret:2: an empty line",)),
    ("no day in the header", lambda c: put(c, 1, 95, "      "), ("r.ret:1: header created [95-100] is blank",)),
    ("no real day in the header", lambda c: put(c, 1, 95, "990099"), ("r.ret:1: header created [95-100]",)),
    ("a sign in the nosso número", lambda c: put(c, 2, 88, "-"), ("r.ret:2: detail our_number [86-93] is",)),
    ("letters in the number", lambda c: put(c, 2, 397, "A"), ("r.ret:2: any position [395-400] is", "digits only")),
]  # fmt: skip


@pytest.mark.parametrize(("damage", "told"), [(d, t) for _, d, t in OF_400], ids=[name for name, _, _ in OF_400])
def test_a_damaged_file_of_400_positions_is_refused_and_says_where(damage: Damage, told: tuple[str, ...]) -> None:
    message = refusal(damage(ITAU))
    assert [each for each in told if each not in message] == [], message


OF_240: list[tuple[str, Damage, tuple[str, ...]]] = [
    ("a position is missing", lambda c: c[:500] + c[501:], ("r.ret:3: 239 positions; 240 in every line",)),
    ("cut off", lambda c: c[:1000], ("the file ends without its trailer",)),
    ("no trailer of the file", lambda c: without(c, 18), ("r.ret:17: the file ends without its trailer",)),
    ("no trailer of a lot", lambda c: without(c, 9), ("r.ret:9: lot 0002 begins inside lot 0001",)),
    ("no header of a lot", lambda c: without(c, 10), ("a segment outside of a lot",)),
    ("a segment T is missing", lambda c: without(c, 3), ("r.ret:3: a segment U without its segment T",)),
    ("a segment U is missing", lambda c: without(c, 4), ("r.ret:3: a segment T without its segment U",)),
    ("the last segment U is missing", lambda c: without(c, 8), ("r.ret:7: a segment T without its segment U",)),
    ("a title is missing", lambda c: without(without(c, 3), 3), ("position [9-13] is 00003; 00001",)),
    ("T and U are mixed up", lambda c: swapped(c, 3, 4), ("a segment U without", "a segment T without")),
    ("a U of another movement", lambda c: put(c, 4, 16, "09"), ("r.ret:4: U movement [16-17] is 09; 06, as in",)),
    ("another bank in a line", lambda c: put(c, 4, 1, "001"), ("r.ret:4: bank 001; 756, the bank of the header",)),
    ("another lot in a line", lambda c: put(c, 4, 4, "0002"), ("r.ret:4: lot 0002; 0001",)),
    ("another lot in its trailer", lambda c: put(c, 9, 4, "0007"), ("r.ret:9: the trailer of lot 0007",)),
    ("wrong count in a lot", lambda c: put(c, 9, 18, "000009"), ("records [18-23] is 9; 8 is what the lot holds",)),
    ("wrong count of lots", lambda c: put(c, 18, 18, "000003"), ("trailer lots [18-23] is 3; 2 is what",)),
    ("wrong count of lines", lambda c: put(c, 18, 24, "000017"), ("trailer records [24-29] is 17; 18 is what",)),
    ("letters in an amount", lambda c: put(c, 4, 80, "O"), ("r.ret:4: U paid [78-92] is", "digits only")),
    ("letters in a title's amount", lambda c: put(c, 3, 82, "O"), ("r.ret:3: T face [82-96] is",)),
    ("no real day", lambda c: put(c, 4, 138, "31022026"), ("U occurred_on [138-145] is '31022026'; a real date as",)),
    ("an unknown record", lambda c: put(c, 3, 8, "7"), ("r.ret:3: record type '7'",)),
    ("a remittance", lambda c: put(c, 1, 143, "1"), ("r.ret:1: header direction [143-143] is 1; 2",)),
    ("no collection", lambda c: put(c, 2, 9, "C20"), ("r.ret:2: a lot of operation 'C' and service '20'",)),
    ("a second header", lambda c: twice(c, 1), ("r.ret:2: record type '0'",)),
    ("something behind the trailer", lambda c: c + c.split(b"\r\n")[2] + b"\r\n", ("a record after the trailer",)),
]  # fmt: skip


@pytest.mark.parametrize(("damage", "told"), [(d, t) for _, d, t in OF_240], ids=[name for name, _, _ in OF_240])
def test_a_damaged_file_of_240_positions_is_refused_and_says_where(damage: Damage, told: tuple[str, ...]) -> None:
    message = refusal(damage(SICOOB))
    assert [each for each in told if each not in message] == [], message


STRANGERS: list[tuple[str, bytes, str]] = [
    ("empty", b"", "r.ret:1: an empty line where the file begins"),
    (
        "anything",
        b"hello\r\n",
        "r.ret:1: an unknown layout; a return file in CNAB 240 or CNAB 400, or a statement in OFX",
    ),
    ("a remittance", put(ITAU, 1, 1, "01REMESSA"), "r.ret:1: a remittance, which goes to the bank; the return file"),
    ("a bank of 400 that is not known", put(ITAU, 1, 77, "999"), "bank '999' in cnab400; a bank whose layout is known"),
    (
        "a bank of 240 that is not known",
        put(SICOOB, 1, 1, "999"),
        "bank '999' in cnab240; a bank whose layout is known",
    ),
    ("UTF-16", ITAU.decode().encode("utf-16"), "r.ret:1: text in UTF-16"),
    ("a byte order mark", b"\xef\xbb\xbf" + ITAU, "r.ret:1: a byte order mark"),
    ("EBCDIC", ITAU.decode().encode("cp500"), "r.ret:1: an unknown layout"),
    ("a line without end", b"02RETORNO01COBRANCA".ljust(76) + b"341" + b"0" * 9000, "positions; 400 in every line"),
]


@pytest.mark.parametrize(("content", "told"), [(c, t) for _, c, t in STRANGERS], ids=[name for name, _, _ in STRANGERS])
def test_what_is_no_known_bank_file_is_refused_with_what_would_be_right(content: bytes, told: str) -> None:
    assert told in refusal(content)


def test_accents_that_something_rewrote_in_utf_8_are_named_as_such() -> None:
    data = cnab400("237", [Title(document_number="Nº 12")]).decode("latin-1").encode("utf-8")
    assert "r.ret:2: 401 positions (rewritten in UTF-8); 400 in every line" in refusal(data)


def test_the_counts_of_occurrences_that_bradesco_states_must_hold() -> None:
    fields = known("cnab400", "237").fields["trailer"]
    for name, found in fields.items():
        assert f"trailer {name} [{found.start}-{found.end}] is 2; 1 is what the file holds" in refusal(
            put(BRADESCO, 5, found.end, "2")
        )


def test_a_lot_of_santander_may_count_its_details_or_all_its_records() -> None:
    for count in ("all", "details"):
        assert read_bank_file(cnab240("033", TITLES, count=count), "r.ret").count == len(TITLES)
    assert "6 or 8 is what the lot holds" not in refusal(cnab240("756", TITLES, count="details"))
    assert "8 or 6 is what the lot holds" in refusal(put(cnab240("033", TITLES), 9, 18, "000007"))


def test_every_faulty_line_is_named_not_only_the_first() -> None:
    damaged = put(put(ITAU, 2, 160, "O"), 4, 111, "990099")
    message = refusal(damaged)
    assert ("r.ret:2: detail face" in message, "r.ret:4: detail occurred_on" in message) == (True, True)


def test_one_bad_line_is_one_fault_not_a_chain_of_them() -> None:
    with pytest.raises(BadFile) as of_400:
        read_bank_file(put(ITAU, 3, 160, "O"), "r.ret")
    with pytest.raises(BadFile) as of_240:
        read_bank_file(put(SICOOB, 5, 82, "O"), "r.ret")
    with pytest.raises(BadFile) as cut:
        read_bank_file(ITAU.replace(b"NF1234", b"NF123", 1), "r.ret")
    assert [len(refused.value.faults) for refused in (of_400, of_240, cut)] == [1, 1, 1]


def test_a_file_full_of_faults_tells_a_bounded_number_and_counts_the_rest() -> None:
    data = cnab400("341", [Title(written={"face": "XXXXXXXXXXXXX"})] * (MOST + 20))
    with pytest.raises(BadFile) as refused:
        read_bank_file(data, "r.ret")
    assert len(refused.value.faults) == MOST + 1
    assert refused.value.faults[-1].found == "20 more faults"


def test_a_message_about_a_fault_repeats_no_name_and_no_document() -> None:
    data = cnab240("756", [Title(control_number="FULANO DE TAL", written={"face": "X" * 15})])
    assert "FULANO" not in refusal(data)
    assert "52998224725" not in refusal(data)


def test_a_stream_that_changed_after_it_was_checked_is_refused_when_it_is_read() -> None:
    stream = io.BytesIO(ITAU)
    file = read_bank_file(stream, "r.ret")
    stream.seek(0)
    stream.write(put(ITAU, 2, 160, "O"))
    with pytest.raises(BadFile, match=r"r\.ret:2"):
        list(file)

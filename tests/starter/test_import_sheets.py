"""The same table reads the same, whatever program wrote it; what is no table is refused with a sentence."""

from __future__ import annotations

import csv
import io
import tempfile
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from domain.errors import BadFile, BadInput
from starter.importing.sheets import Line, fingerprint, read_sheet

HEADING = ("numero", "devedor_nome", "valor")
LATIN = st.text(st.characters(codec="cp1252", exclude_categories=["Cc", "Cs"]), max_size=12).map(str.strip)
TABLES = st.lists(st.tuples(LATIN, LATIN, LATIN).filter(any), max_size=5)


def written(rows: list[tuple[str, ...]], **dialect: object) -> str:
    text = io.StringIO()
    csv.writer(text, **dialect).writerows([HEADING, *rows])  # type: ignore[arg-type]
    return text.getvalue()


def read(content: bytes) -> list[Line]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tabela.csv"
        path.write_bytes(content)
        return list(read_sheet(path))


@given(
    table=TABLES,
    delimiter=st.sampled_from(";,\t|"),
    line_end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "cp1252"]),
)
def test_any_dialect_of_the_same_table_reads_the_same(
    table: list[tuple[str, ...]], delimiter: str, line_end: str, quoting: int, encoding: str
) -> None:
    text = written(table, delimiter=delimiter, lineterminator=line_end, quoting=quoting)
    content = text.encode(encoding)
    if encoding == "cp1252":
        try:  # a few texts are right in both encodings; then UTF-8 is meant
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            pass
        else:
            table = [tuple(cell.encode("cp1252").decode().strip() for cell in row) for row in table]
    wanted = [Line(number, tuple(row)) for number, row in enumerate([HEADING, *table], 1) if any(row)]
    assert read(content) == wanted


def test_a_spreadsheet_reads_like_a_csv_file_but_keeps_its_numbers_and_days(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["numero", "vencimento", "valor", "consumidor", "juros", "nome"])
    midnight = datetime.combine(date(2026, 12, 1), time())  # as Excel has it: without a zone
    sheet.append([1001, midnight, 1234.56, True, 0.02, "  José  "])
    sheet["E2"].number_format = "0.00%"
    sheet.append([])
    sheet.append(["0012", date(2026, 12, 2), 7, None, 1.5, None])
    path = tmp_path / "planilha.dat"
    book.save(path)
    assert list(read_sheet(path)) == [
        Line(1, ("numero", "vencimento", "valor", "consumidor", "juros", "nome")),
        Line(2, (Decimal(1001), date(2026, 12, 1), Decimal("1234.56"), "sim", Decimal("2.00"), "José")),
        Line(4, ("0012", date(2026, 12, 2), Decimal(7), "", Decimal("1.5"), "")),
    ]


def test_rows_are_counted_as_a_spreadsheet_shows_them(tmp_path: Path) -> None:
    assert [line.number for line in read(b'a;b\n1;"two\nlines"\n\n;\n5;x\n')] == [1, 2, 5]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "save it as .xlsx or CSV"),
        (b"PK\x03\x04 but no archive", "not a spreadsheet that can be read"),
        (b"a;b\n1;\x00\n", "this is not a text file"),
        pytest.param(b"a;b\n\xe1;" + b"x" * 2**20 + b"\n1;\x00\n", "this is not a text file", id="late-in-windows"),
        ("a;b\n1;2".encode("utf-16"), "this is not a text file"),
        (b"a;b\n1;\xff\x81\n", "neither UTF-8 nor Windows-1252"),
        (b'a;b\n1;2\n3;"never closed\n', "row 3: this is not CSV"),
    ],
)
def test_what_is_no_table_is_refused_with_a_sentence(content: bytes, sentence: str) -> None:
    with pytest.raises(BadFile, match=sentence):
        read(content)


def test_a_workbook_that_counts_days_from_1904_is_refused(tmp_path: Path) -> None:
    book = Workbook()
    book.epoch = CALENDAR_MAC_1904
    book.save(tmp_path / "mac.xlsx")
    with pytest.raises(BadFile, match="1904"):
        list(read_sheet(tmp_path / "mac.xlsx"))


def test_a_file_that_is_not_there_is_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"nada\.csv: it cannot be read"):
        fingerprint(tmp_path / "nada.csv")


def test_a_damaged_workbook_is_refused_with_a_sentence(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for number in range(2000):
        sheet.append([number, f"texto {number}"])
    book.save(tmp_path / "whole.xlsx")
    whole = (tmp_path / "whole.xlsx").read_bytes()
    torn = tmp_path / "torn.xlsx"
    for cut in range(100, len(whole), len(whole) // 12):
        torn.write_bytes(whole[:cut] + b"\0" * 50 + whole[cut + 50 :])
        assert outcome(torn) in (2000, "save it again as .xlsx or CSV")  # whole, where nothing of the table is damaged
    torn.write_bytes(whole[: len(whole) // 2])
    assert outcome(torn) == "save it again as .xlsx or CSV"


def outcome(path: Path) -> int | str:
    """How many lines were read, or what the refusal asks for."""
    try:
        return len(list(read_sheet(path)))
    except BadFile as wrong:
        return wrong.faults[0].wanted

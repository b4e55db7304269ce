"""CSV and XLSX files as lines of cells, whatever wrote them.

Both are streamed. What a file is, is told by its content, not by its name.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, cast

from domain.errors import BadFile, BadInput, Fault

Cell = str | Decimal | date
"""Text without blanks around it ("" where empty); a number or a day where the file itself says that it is one."""

_DELIMITERS = (";", ",", "\t", "|")
_BLOCK = 1 << 20
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, LookupError, SyntaxError, ValueError)
"""What reading an archive that is no workbook, or a damaged one, raises; SyntaxError is XML's."""
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a sheet; `number` is its row as a spreadsheet shows it, the heading being row 1."""

    number: int
    cells: tuple[Cell, ...]


def fingerprint(path: Path) -> str:
    """The SHA-256 (hex) of a file. BadInput where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BadInput(f"{path}: it cannot be read ({error.strerror}); name a CSV or XLSX file") from None


def read_sheet(path: Path) -> Iterator[Line]:
    """The lines of a CSV file (UTF-8 or Windows-1252; `;`, `,`, tab or `|`) or of the first sheet of an XLSX file.

    The first line is the heading; blank lines are left out but counted. Raises BadFile for what is neither.
    """
    with path.open("rb") as file:
        start = file.read(8)
    if start.startswith(_ZIP):
        return _xlsx(path)
    if start.startswith(_OLE):
        raise _bad(path, "this is an old Excel file (.xls) or one with a password", "save it as .xlsx or CSV")
    return _csv(path)


def _bad(path: Path, found: str, wanted: str, where: str = "file") -> BadFile:
    return BadFile(path.name, [Fault(where, found, wanted)])


# --- CSV --------------------------------------------------------------------------------------------------------------
def _csv(path: Path) -> Iterator[Line]:
    encoding = _encoding(path)
    with path.open(encoding=encoding, newline="") as file:
        delimiter = _delimiter(file)
        file.seek(0)
        number = 0
        try:
            for number, cells in enumerate(csv.reader(file, delimiter=delimiter, strict=True), 1):
                if any(cell.strip() for cell in cells):
                    yield Line(number, tuple(cell.strip() for cell in cells))
        except csv.Error as error:
            raise _bad(
                path, f"this is not CSV: {error}", "close every quote; save it again", f"row {number + 1}"
            ) from None


def _encoding(path: Path) -> str:
    """UTF-8 where the whole file is UTF-8, with its byte order mark or without; Windows-1252 otherwise."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        try:
            while block := file.read(_BLOCK):
                decoder.decode(_text_only(path, block))
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return _windows(path)
    return "utf-8-sig"


def _text_only(path: Path, block: bytes) -> bytes:
    if b"\0" in block:
        raise _bad(path, "this is not a text file", "save it as CSV (UTF-8) or XLSX")
    return block


def _windows(path: Path) -> str:
    decoder = codecs.getincrementaldecoder("cp1252")()
    with path.open("rb") as file:
        try:
            while block := file.read(_BLOCK):
                decoder.decode(_text_only(path, block))
        except UnicodeDecodeError:
            raise _bad(path, "its letters are neither UTF-8 nor Windows-1252", "save it as CSV (UTF-8)") from None
    return "cp1252"


def _delimiter(file: IO[str]) -> str:
    """The delimiter that cuts the heading into most columns."""
    columns = {}
    for delimiter in _DELIMITERS:
        file.seek(0)
        records = csv.reader(file, delimiter=delimiter)
        try:
            columns[delimiter] = len(next((record for record in records if any(record)), []))
        except csv.Error:
            columns[delimiter] = 0
    return max(_DELIMITERS, key=lambda delimiter: columns[delimiter])


# --- XLSX -------------------------------------------------------------------------------------------------------------
def _xlsx(path: Path) -> Iterator[Line]:
    try:
        with path.open("rb") as file:
            yield from _rows(path, file)
    except _BROKEN:
        raise _bad(path, "this is not a spreadsheet that can be read", "save it again as .xlsx or CSV") from None


def _rows(path: Path, file: IO[bytes]) -> Iterator[Line]:
    from openpyxl import load_workbook  # slow, and most processes that know of sheets never read a workbook
    from openpyxl.utils.datetime import CALENDAR_WINDOWS_1900

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about styles that other programs left out
        book = load_workbook(file, read_only=True, data_only=True)
    if book.epoch != CALENDAR_WINDOWS_1900:
        raise _bad(path, "its days are counted from 1904", "switch that option of the workbook off and save it again")
    for number, row in enumerate(book.worksheets[0].iter_rows(), 1):
        cells = tuple(_cell(cell) for cell in row)
        if any(cell != "" for cell in cells):
            yield Line(number, cells)


def _cell(cell: Any) -> Cell:
    value = cell.value
    match value:
        case None:
            return ""
        case str():
            return value.strip()
        case bool():
            return "sim" if value else "não"
        case datetime():
            return value.date()
        case date():
            return value
        case int() | float():
            shown_as_percent = "%" in (cast("str | None", cell.number_format) or "")
            return Decimal(repr(value)) * (100 if shown_as_percent else 1)
    return str(value)

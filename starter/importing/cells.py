"""What single cells mean: days, amounts, per cents, documents, yes and no.

Every reader takes a cell that is not empty and raises BadInput, "what is wrong; what would be right", without repeating
the cell: it can hold a name or an address that stands in the wrong column.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

from domain.bank import bare_number
from domain.boleto import Boleto, Collection, read_boleto
from domain.cra.codes import species
from domain.errors import BadInput
from domain.identifiers import Document, normalise_number, parse_document, restore_leading_zeros
from domain.indices import SERIES, SeriesCode, series_code
from domain.money import CENT, LARGEST, ZERO, parse_money
from domain.places import known_uf, normalise_name
from starter.importing.sheets import Cell

_ISO = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[ T]00:00(?::00(?:\.0+)?)?)?")
_DAY_FIRST = re.compile(r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4})(?: 00:00(?::00)?)?")
_FIRST_YEAR, _LAST_YEAR = 1990, 2100
_FIRST_SERIAL, _LAST_SERIAL = 20_000, 80_000
"""Excel's numbers of days from 1954 to 2119: nothing outside is meant as a day."""
_PERCENT = re.compile(r"([0-9]{1,3})(?:[.,]([0-9]{1,4}))?\s*%?")
_MOST_PERCENT = Decimal(100)
_NOISE = Decimal("0.000001")
"""What a sum in binary fractions may be off."""
_AMOUNT = re.compile(r"(?:R\$)?[0-9., ]+", re.IGNORECASE)
_YES = frozenset({"S", "SIM", "Y", "YES", "1", "TRUE", "VERDADEIRO", "X"})
_NO = frozenset({"N", "NAO", "NO", "0", "FALSE", "FALSO"})
_SITUATIONS = {
    "ABERTO": "open", "EM ABERTO": "open", "ABERTA": "open",
    "PAGO": "paid", "PAGA": "paid",
    "CANCELADO": "void", "CANCELADA": "void",
}  # fmt: skip

_UF_LENGTH = 2
_BANK = re.compile(r"([0-9]{1,3})(?:-[0-9X])?")
_LONGEST_OUR_NUMBER = 20
"""As long as the field of the layouts: CNAB 240 and 400 have 20 places at most."""

DateReader = Callable[[Cell], date]


def as_text(cell: Cell) -> str:
    """Text on one line; of a number its plain digits."""
    if isinstance(cell, Decimal):
        return f"{cell.normalize():f}"
    return cell.isoformat() if isinstance(cell, date) else " ".join(cell.split())


def as_number(cell: Cell) -> str:
    """A title's number or instalment as it is written."""
    if isinstance(cell, date):
        raise BadInput("the spreadsheet turned it into a date; format the column as text and write it again")
    written = as_text(cell)
    normalise_number(written)
    return written


def as_document(cell: Cell) -> Document:
    """A CPF or CNPJ. Leading zeros that were lost come back only where the check digits prove them."""
    written = as_text(cell)
    try:
        return parse_document(written)
    except BadInput:
        if not written.isdigit():
            raise
        return restore_leading_zeros(written)


def as_money(cell: Cell) -> Decimal:
    """Reais of zero or more, in whole cents."""
    if not isinstance(cell, Decimal):
        written = as_text(cell)
        if not _AMOUNT.fullmatch(written):
            raise BadInput("this is not an amount in reais; write it like 1.234,56, without a sign")
        return parse_money(written)
    value = _rounded(cell, CENT, "it has more than two decimals; write whole cents")
    if not ZERO <= value <= LARGEST:
        raise BadInput("it is negative or too large for an amount; write reais of zero or more")
    return value


def as_price(cell: Cell) -> Decimal:
    """Reais of more than zero."""
    value = as_money(cell)
    if value == ZERO:
        raise BadInput("it is zero; write the amount in reais")
    return value


def as_percent(cell: Cell) -> Decimal:
    """Per cent, four decimals at most: `2`, `2,00`, `2 %`."""
    if isinstance(cell, Decimal):
        value = _rounded(cell, Decimal("0.0001"), "it has more than four decimals; write per cents like 2 or 0,5")
    else:
        found = _PERCENT.fullmatch(as_text(cell))
        if not found:
            raise BadInput("this is not a per cent; write it like 2 or 0,5")
        value = Decimal(f"{found[1]}.{found[2] or 0}")
    if not 0 <= value <= _MOST_PERCENT:
        raise BadInput("it is not between 0 and 100; write per cents, of interest per month")
    return value


def _rounded(value: Decimal, unit: Decimal, wrong: str) -> Decimal:
    if not value.is_finite() or abs(value) > LARGEST:
        raise BadInput("it is not a number of usual size; write it again")
    near = value.quantize(unit)
    if abs(near - value) > _NOISE:
        raise BadInput(wrong)
    return near


def as_yes_no(cell: Cell) -> bool:
    """`sim` or `não`, also `s`, `n`, `1`, `0`."""
    word = normalise_name(as_text(cell))
    if word not in _YES | _NO:
        raise BadInput("this is neither yes nor no; write sim or não")
    return word in _YES


def as_situation(cell: Cell) -> str:
    """`open`, `paid` or `void` from `aberto`, `pago`, `cancelado`."""
    word = normalise_name(as_text(cell))
    if word not in _SITUATIONS:
        raise BadInput("this situation is unknown; write aberto, pago or cancelado")
    return _SITUATIONS[word]


def as_uf(cell: Cell) -> str:
    """A state's two letters."""
    written = as_text(cell)
    if len(written) != _UF_LENGTH:
        raise BadInput("this is no state; write its two letters, like SP")
    return known_uf(written)


def as_kind(cell: Cell) -> str:
    """The CRA's code of a kind of title."""
    code = as_text(cell).upper()
    if species(code) is None:
        raise BadInput("this kind of title is unknown; write its code at the CRA, like DMI, DSI, NP or CH")
    return code


def as_bank(cell: Cell) -> str:
    """A bank's three digits; `1` and `001-9` are bank 001."""
    found = _BANK.fullmatch(as_text(cell))
    if not found or not int(found[1]):
        raise BadInput("this is no bank; write its three digits, like 341")
    return found[1].zfill(3)


def as_our_number(cell: Cell) -> str:
    """A nosso número in its one form, without mask and leading zeros, as bank files are compared with it."""
    bare = bare_number(as_text(cell))
    if not bare or len(bare) > _LONGEST_OUR_NUMBER:
        raise BadInput(f"this is no nosso número; write its digits as the bank does, {_LONGEST_OUR_NUMBER} at most")
    return bare


def as_boleto(cell: Cell) -> Boleto | Collection:
    """A boleto by its digitable line or bar code, each check digit verified."""
    if isinstance(cell, Decimal):
        raise BadInput(
            "the spreadsheet made a number of it and lost digits; format the column as text and write it again"
        )
    return read_boleto(as_text(cell))


def as_correction(cell: Cell) -> SeriesCode:
    """The index by which a contract corrects: a series of `domain.indices`, by our word or its number in the SGS."""
    known = ", ".join(code for code, series in SERIES.items() if series.kind == "correction")
    try:
        code = series_code(as_text(cell))
    except BadInput:
        code = None
    if code is None or SERIES[code].kind != "correction":
        raise BadInput(f"no contract's debt is corrected by this index here; write {known}, or nothing")
    return code


def date_reader(pattern: str | None) -> DateReader:
    """A reader of days. `pattern` (`dd/mm/aaaa`, `mm/dd/aa`, …) is the only form then; None reads the usual ones."""
    form = _form(pattern) if pattern else None

    def as_date(cell: Cell) -> date:
        try:
            day = _day(cell, form)
        except (ValueError, OverflowError):
            example = pattern or "31/12/2026 or 2026-12-31"
            raise BadInput(f"this is not a day; write it like {example}") from None
        if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
            raise BadInput(f"its year is {day.year}; write a day between {_FIRST_YEAR} and {_LAST_YEAR}")
        return day

    return as_date


def _form(pattern: str) -> str:
    """The form for `strptime`; BadInput where the pattern does not name day, month and year once each."""
    letters = {"dd": "%d", "mm": "%m", "aaaa": "%Y", "aa": "%y", "yyyy": "%Y", "yy": "%y"}
    parts = re.split(r"([/.-])", pattern.strip().lower())
    named = sorted(letters.get(part, "?")[-1].lower() for part in parts[::2])
    if named != ["d", "m", "y"]:
        raise BadInput(f"dates {pattern!r} is no form of a day; write it like dd/mm/aaaa, mm/dd/aaaa or aaaa-mm-dd")
    return "".join(letters.get(part, part) for part in parts)


def _day(cell: Cell, form: str | None) -> date:
    if isinstance(cell, Decimal):
        return _of_serial(cell)
    if isinstance(cell, date):
        return cell
    if form:
        return datetime.strptime(cell, form).date()  # noqa: DTZ007 - a civil day has no zone
    if found := _ISO.fullmatch(cell):
        return date(int(found[1]), int(found[2]), int(found[3]))
    if found := _DAY_FIRST.fullmatch(cell):
        return date(int(found[3]), int(found[2]), int(found[1]))
    raise ValueError(cell)


def _of_serial(number: Decimal) -> date:
    from openpyxl.utils.datetime import from_excel  # slow, and few cells are days that a spreadsheet has counted

    day = from_excel(int(number)) if _FIRST_SERIAL <= number <= _LAST_SERIAL else None
    if not isinstance(day, datetime):
        raise ValueError(number)
    return day.date()

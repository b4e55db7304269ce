"""What a person fills in for an action: on the command line for one case, or as a CSV row for each of many."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from domain.errors import BadFile, BadInput, Fault
from domain.money import parse_money
from starter.importing.cells import as_text
from starter.importing.sheets import Line, read_sheet

CASE, CREDITOR = "caso", "credor"
_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


def parse_day(text: str, name: str = "date") -> date:
    """A day as people write it, 22/11/2026 or 2026-11-22. Raises `BadInput`."""
    for form in ("%d/%m/%Y", "%Y-%m-%d"):
        with suppress(ValueError):
            return datetime.strptime(text.strip(), form).date()  # noqa: DTZ007 - a civil day has no zone
    raise BadInput(f"{name} {text!r} is not a day; write it like 22/11/2026 or 2026-11-22")


class Missing(BadInput):
    """Something that the action needs was not given."""


@dataclass(frozen=True)
class Form:
    """Values by column name, as written; `today` is the office's business day."""

    values: Mapping[str, str]
    today: date

    def __post_init__(self) -> None:
        """Raises `BadInput` for what no text can hold: a NUL, or bytes that a terminal gave in another encoding."""
        for name, value in self.values.items():
            if "\x00" in value or any("\ud800" <= char <= "\udfff" for char in value):
                raise BadInput(f"{name}: it holds characters that are none (NUL, or not UTF-8); write it again")

    def text(self, name: str, *allowed: str) -> str:
        """A value that must be there and, where any are named, one of those allowed."""
        value = self.values.get(name, "").strip()
        if not value:
            raise Missing(f"{name}: it is missing; give it on the command line (see --help) or as a column of the file")
        if allowed and value not in allowed:
            raise BadInput(f"{name}: {value!r} is not known; use {', '.join(allowed)}")
        return value

    def code(self, name: str) -> str:
        """A short word for the book, which is kept for ever: nothing in it may name a person."""
        value = self.text(name)
        if not _CODE.fullmatch(value):
            raise BadInput(f"{name}: write a short word like no-answer; free text belongs in `regua note`")
        return value

    def money(self, name: str) -> Decimal:
        """Reais."""
        return parse_money(self.text(name))

    def day(self, name: str) -> date:
        """A day."""
        return parse_day(self.text(name), name)

    def past_day(self, name: str) -> date:
        """A day that is not in the future; today where none is given."""
        found = self.day(name) if self.has(name) else self.today
        if found > self.today:
            raise BadInput(f"{name}: {found:%d/%m/%Y} is in the future; today is {self.today:%d/%m/%Y}")
        return found

    def yes(self, name: str) -> bool:
        """`sim` or `não`, which many keyboards write `nao`."""
        return self.text(name, "sim", "não", "nao") == "sim"

    def has(self, name: str) -> bool:
        """Was something given?"""
        return bool(self.values.get(name, "").strip())


def read_forms(file: Path, columns: Collection[str], given: Mapping[str, str], today: date) -> list[tuple[int, Form]]:
    """The rows of a CSV or XLSX file with their numbers, filled up with what is `given` for all.

    Raises `BadFile` without the column `caso`, for a column that the action does not have, and for every row with more
    cells than the heading: an amount with an unquoted comma would be cut. OSError for no file.
    """
    lines = read_sheet(file)
    header = [as_text(cell).lower() for cell in next(lines, Line(1, ())).cells]
    faults = _wrong_heading(file, header, (CASE, CREDITOR, *columns))
    if faults:
        raise BadFile(file.name, faults)
    forms = list[tuple[int, Form]]()
    for line in lines:
        said = {name: text for name, cell in zip(header, line.cells, strict=False) if (text := as_text(cell))}
        try:
            if any(line.cells[len(header) :]):
                raise BadInput("it has more cells than the heading; put quotes around a text or amount with a comma")
            forms.append((line.number, Form({**given, **said}, today)))
        except BadInput as error:
            found, _, wanted = str(error).partition("; ")
            faults.append(Fault(f"row {line.number}", found, wanted))
    if faults:
        raise BadFile(file.name, faults)
    return forms


def _wrong_heading(file: Path, header: Sequence[str], allowed: Sequence[str]) -> list[Fault]:
    faults = [
        Fault(f"{file.name}: column {name!r}", "this action has no such column", f"it has {', '.join(allowed)}")
        for name in header
        if name not in allowed
    ]
    faults += [
        Fault(f"{file.name}: column {name!r}", "it stands twice", "leave one of the two out")
        for name in allowed
        if header.count(name) > 1
    ]
    if CASE not in header:
        faults.append(Fault(f"{file.name}: row 1", f"there is no column {CASE}", "name the case of each row in it"))
    return faults

"""What a person fills in for an action: on the command line for one case, or as a CSV row for each of many."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from domain.errors import BadFile, BadInput, Fault
from domain.money import parse_money

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


def read_forms(file: Path, columns: Collection[str], given: Mapping[str, str], today: date) -> list[Form]:
    """The rows of a CSV (UTF-8 or Windows-1252; commas or semicolons), filled up with what is `given` for all.

    Raises `BadFile` for a column that the action does not have, or without the column `caso`; OSError for no file.
    """
    content = file.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    separator = ";" if ";" in text.partition("\n")[0] else ","
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator)
    header = [(name or "").strip().lower() for name in reader.fieldnames or []]
    allowed = (CASE, CREDITOR, *columns)
    faults = [
        Fault(f"{file.name}: column {name!r}", "this action has no such column", f"it has {', '.join(allowed)}")
        for name in header
        if name not in allowed
    ]
    if CASE not in header:
        faults.append(Fault(f"{file.name}: row 1", f"there is no column {CASE}", "name the case of each row in it"))
    if faults:
        raise BadFile(file.name, faults)
    reader.fieldnames = header
    rows = [{name: value or "" for name, value in row.items() if name} for row in reader]
    return _forms(
        file.name, [{**given, **{name: value for name, value in row.items() if value}} for row in rows], today
    )


def _forms(file: str, rows: Sequence[Mapping[str, str]], today: date) -> list[Form]:
    forms, faults = [], []
    for number, row in enumerate(rows, 2):
        try:
            forms.append(Form(row, today))
        except BadInput as error:
            found, _, wanted = str(error).partition("; ")
            faults.append(Fault(f"row {number}", found, wanted))
    if faults:
        raise BadFile(file, faults)
    return forms

"""A CRA file as values: lots of records, and the name that says kind, presenter, day and number of the file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import cast

from domain.cra.layout import WIDE, Kind
from domain.cra.values import Value
from domain.errors import BadInput

_NAME = re.compile(r"(DP|CP|AC|AD|B|C|R|M)([0-9A-Z]{3,})(\d{2})(\d{2})\.(\d{2})([1-9])", re.ASCII)
ANY_PRESENTER = "000"
"""Presenter in the name of a return file that holds the titles of several presenters (R000DDMM.AAS)."""


@dataclass(frozen=True)
class Record:
    """One line: values by the layout's own field names. `line` is where it stood in the file it was read from."""

    values: Mapping[str, Value]
    line: int = field(default=0, compare=False)

    def text(self, name: str) -> str:
        """A field as text without surrounding blanks."""
        value = self.values.get(name)
        return value.strip() if isinstance(value, str) else ""

    def money(self, name: str) -> Decimal:
        """A field in reais; zero where it is blank."""
        value = self.values.get(name)
        return value if isinstance(value, Decimal) else Decimal(0)

    def whole(self, name: str) -> int:
        """A field as a whole number; zero where it is blank."""
        value = self.values.get(name)
        return value if isinstance(value, int) else 0

    def day(self, name: str) -> date | None:
        """A field as a date; None where it is zeros or blank."""
        value = self.values.get(name)
        return value if isinstance(value, date) else None


NOTHING = Record({})


@dataclass(frozen=True)
class Lot:
    """The titles of one municipality (600 positions), or the orders to one notary office (127)."""

    header: Record
    records: tuple[Record, ...]
    trailer: Record = NOTHING

    def __iter__(self) -> Iterator[Record]:
        return iter((self.header, *self.records, self.trailer))


@dataclass(frozen=True)
class CraFile:
    """A whole file. `presenter`, `day` and `sequence` (1 to 9 of that day) are those of its name.

    `header` and `trailer` are the presenter's own records around the lots of a 127 file; a 600 file has none.
    Counts, sums and sequence numbers need not be given: writing computes them.
    """

    kind: Kind
    presenter: str
    day: date
    sequence: int
    lots: tuple[Lot, ...]
    header: Record | None = None
    trailer: Record | None = None

    @property
    def name(self) -> str:
        """The file's name, e.g. B9992311.261. Raises BadInput where presenter or sequence cannot stand in one."""
        name = f"{self.kind}{self.presenter}{self.day:%d%m}.{self.day:%y}{self.sequence}"
        if parse_name(name) != (self.kind, self.presenter, self.day, self.sequence):
            raise BadInput(
                f"{name} would be read as another file; a presenter's code has 3 or more digits or upper-case letters"
            )
        return name

    def records(self) -> Iterator[tuple[str, Record]]:
        """Every record with the layout's name for it, in the order of the lines."""
        if self.kind in WIDE:
            yield from self._inside("header", "trailer")
            return
        yield "header_apresentante", self.header or NOTHING
        yield from self._inside("header_cartorio", "trailer_cartorio")
        yield "trailer_apresentante", self.trailer or NOTHING

    def _inside(self, header: str, trailer: str) -> Iterator[tuple[str, Record]]:
        for lot in self.lots:
            yield header, lot.header
            for record in lot.records:
                yield "transacao", record
            yield trailer, lot.trailer


def parse_name(name: str) -> tuple[Kind, str, date, int]:
    """Kind, presenter's code, day and sequence from a file's name: KIND + code + DDMM + .AA + 1 to 9.

    Raises BadInput that says what a name looks like.
    """
    match = _NAME.fullmatch(name)
    try:
        if match is None:
            raise ValueError(name)
        day = date(2000 + int(match[5]), int(match[4]), int(match[3]))
    except ValueError:
        raise BadInput(
            f"{name!r} is not the name of a CRA file; it is B, C, R, M, DP, CP, AC or AD, then the presenter's code, "
            "day and month, a dot, the year's two digits and a number from 1 to 9, as in B9992311.261"
        ) from None
    return cast(Kind, match[1]), match[2], day, int(match[6])

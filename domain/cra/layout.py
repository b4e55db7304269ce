"""Where every field of every CRA file stands, and how strictly it is taken.

Two geometries: 600 positions (Layout Único V4.3 and the Andamento file of 2022) and 127 positions (withdrawals and
cancellations). The tables are `domain/data/cra/layout_600.csv` and `layout_127.csv`: one row per field, one column per
kind of file with the layout's own usage letter, followed by `=CONSTANT` where the field always holds the same:

    M mandatory · C conditional · K keeps what the remittance said · X not used · R reserved

`used` names the kinds that come back in which this product relies on the field although the layout says C, K or X.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

from domain.data import table

Kind = Literal["B", "C", "R", "M", "DP", "CP", "AC", "AD"]
Type = Literal["name", "text", "code", "digits", "presenter", "number", "money", "date", "due"]

WIDE: tuple[Kind, ...] = ("B", "C", "R", "M")
"""Remittance, confirmation, return, progress: 600 positions."""
NARROW: tuple[Kind, ...] = ("DP", "CP", "AC", "AD")
"""Withdrawal, cancellation, and the authorisations of either: 127 positions."""
OURS: frozenset[Kind] = frozenset({"B", *NARROW})
"""What a presenter writes: strict in every field. The others come back and may carry anything in what is not used."""

_BLANKS_OR_ZEROS = frozenset({"numero_controle_recebimento"})
TEXTS = frozenset({"name", "text", "code"})


@dataclass(frozen=True)
class Field:
    """One field of one record of one kind of file.

    `type`: name (folded to upper-case ASCII and cut), text (folded, never cut), code (taken as it is), digits (text of
    digits, zeros matter), presenter (digits, or letters that a CRA uses), number (int), money (Decimal, two implied
    decimals), date (DDMMAAAA), due (a date, or 99999999 and 9999NNNN for at sight).
    """

    kind: Kind
    record: str
    number: int
    name: str
    start: int
    length: int
    type: Type
    usage: str
    constant: str | None
    used: bool
    personal: bool

    @property
    def end(self) -> int:
        """Last position, counted from 1 as in the layout."""
        return self.start + self.length - 1

    @property
    def numeric(self) -> bool:
        """Right-aligned and filled with zeros; the others are left-aligned and filled with blanks."""
        return self.type not in TEXTS

    @property
    def ours(self) -> bool:
        """Whether the presenter writes this kind of file."""
        return self.kind in OURS

    @property
    def mandatory(self) -> bool:
        """Whether the layout wants the field filled."""
        return self.usage == "M"

    @property
    def lenient(self) -> bool:
        """Whether anything may stand here: a field of a file that came back which nobody relies on."""
        return not self.ours and not self.mandatory and not self.used and self.constant is None

    @property
    def idle(self) -> str:
        """What a reserved field may hold: blanks; zeros too in numbers and where the layout leaves the choice."""
        return " 0" if self.numeric or self.name in _BLANKS_OR_ZEROS else " "

    def __str__(self) -> str:
        return f"{self.record}.{self.number:02} {self.name} [{self.start}-{self.end}]"


def width(kind: Kind) -> int:
    """Positions of every line of a file of this kind."""
    return 600 if kind in WIDE else 127


@cache
def layout(kind: Kind) -> dict[str, tuple[Field, ...]]:
    """Fields of each record of a kind of file, by the record's name, in the order in which they stand."""
    records: dict[str, tuple[Field, ...]] = {}
    for row in table(f"cra/layout_{width(kind)}"):
        field = _field(kind, row)
        records[field.record] = (*records.get(field.record, ()), field)
    return records


@cache
def marks(kind: Kind) -> dict[str, str]:
    """Name of the record by the digit in position 1."""
    return {str(fields[0].constant): record for record, fields in layout(kind).items()}


@cache
def positions(kind: Kind, record: str) -> dict[str, Field]:
    """Fields of one record by name."""
    return {field.name: field for field in layout(kind)[record]}


def _field(kind: Kind, row: dict[str, str]) -> Field:
    usage, _, constant = row[kind].partition("=")
    return Field(
        kind=kind,
        record=row["record"],
        number=int(row["field"]),
        name=row["name"],
        start=int(row["start"]),
        length=int(row["length"]),
        type=row["type"],  # type: ignore[arg-type]  # the table's words are the Literal's; a test reads every row
        usage=usage,
        constant=constant or None,
        used=kind in row["used"].split(),
        personal=row["personal"] == "yes",
    )

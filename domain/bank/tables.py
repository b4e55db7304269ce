"""Where the fields of every bank's return file stand and what its codes mean: tables in `domain/data/bank/`.

`forms.csv`: one row per bank and layout. `fields.csv`: positions from 1, as in the banks' layouts; a row for bank `*`
holds for all that have none of their own, a row without positions says that a bank has no such field.
`occurrences.csv`: what a code means; a row with a motive holds where that motive is given (C044 and C047 of FEBRABAN).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from domain.bank.model import Kind
from domain.data import table

Cnab = Literal["cnab240", "cnab400"]
Type = Literal[
    "money", "date6", "date8", "number", "loose", "digits", "code", "text", "document", "motives2", "motives3"
]
Paid = Literal["stated", "from-credit", "proved"]
"""How to know what the debtor paid. `stated`: the file says it. `from-credit`: it says what was credited after the fee.
`proved`: it says it, perhaps without interest, and what was credited shows which."""


@dataclass(frozen=True)
class Field:
    """One field of one record: first and last position, counted from 1, and how it is read (`domain.bank.values`)."""

    record: str
    name: str
    start: int
    end: int
    type: Type
    cut: slice = field(init=False, repr=False, compare=False)
    """The field's place in a line: made once, used for every line."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "cut", slice(self.start - 1, self.end))

    def __str__(self) -> str:
        return f"{self.record} {self.name} [{self.start}-{self.end}]"


@dataclass(frozen=True)
class Occurrence:
    """What a code says. `ask`: it can mean more than one thing, a person has to look."""

    kind: Kind
    ask: bool
    meaning: str


@dataclass(frozen=True)
class Form:
    """One bank's return file in one layout.

    `details` are the marks of records with a title, `extras` of records that add to the one before (CNAB 400).
    `lot_counts`: what the count in a lot's trailer may count, all records or the details only (CNAB 240).
    """

    layout: Cnab
    bank: str
    name: str
    details: frozenset[str]
    extras: frozenset[str]
    paid: Paid
    lot_counts: frozenset[str]
    fields: Mapping[str, Mapping[str, Field]]
    codes: Mapping[tuple[str, str], Occurrence]

    def occurrence(self, code: str, motives: Iterable[str] = ()) -> Occurrence | None:
        """What a code with its motives means in this form; None where the table does not know it."""
        for motive in motives:
            found = self.codes.get((code, motive))
            if found is not None:
                return found
        return self.codes.get((code, ""))


def form(layout: Cnab, bank: str) -> Form | None:
    """The form of a bank by its three digits; None where no table describes it."""
    return forms().get((layout, bank))


@cache
def forms() -> dict[tuple[str, str], Form]:
    """Every form that is described, by layout and bank."""
    return {
        (row["layout"], row["bank"]): Form(
            layout=row["layout"],  # type: ignore[arg-type]  # the table's words are the Literal's; a test reads every row
            bank=row["bank"],
            name=row["name"],
            details=frozenset(row["details"]),
            extras=frozenset(row["extras"]),
            paid=row["paid"],  # type: ignore[arg-type]
            lot_counts=frozenset(row["lot_count"].split()),
            fields=_fields(row["layout"], row["bank"]),
            codes=_codes(row["layout"], row["bank"]),
        )
        for row in table("bank/forms")
    }


def _fields(layout: str, bank: str) -> dict[str, dict[str, Field]]:
    """The common fields, then the bank's own in their place."""
    found: dict[str, dict[str, Field]] = {}
    for whose in ("*", bank):
        for row in table("bank/fields"):
            if (row["layout"], row["bank"]) != (layout, whose):
                continue
            record = found.setdefault(row["record"], {})
            record.pop(row["name"], None)
            if row["start"]:
                record[row["name"]] = Field(
                    row["record"],
                    row["name"],
                    int(row["start"]),
                    int(row["end"]),
                    row["type"],  # type: ignore[arg-type]
                )
    return found


def _codes(layout: str, bank: str) -> dict[tuple[str, str], Occurrence]:
    return {
        (row["code"], row["motive"]): Occurrence(Kind(row["kind"]), row["ask"] == "yes", row["meaning"])
        for row in table("bank/occurrences")
        if (row["layout"], row["bank"]) == (layout, bank)
    }

"""What the codes of the CRA mean: occurrences, progress, irregularities, species of title, declarations.

Tables in `domain/data/cra/`, from Layout Único V4.3 (annexes 1 to 4) and the Andamento layout of 2022; local codes of
state CRAs are in them, marked by their source. A code that no table knows gives None: it is kept and shown as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from domain.data import table


class Word(StrEnum):
    """What an occurrence (field 33) says happened to the title."""

    ACCEPTED = "accepted"
    IN_PROGRESS = "in-progress"
    PAID = "paid"
    PROTESTED = "protested"
    WITHDRAWN = "withdrawn"
    WITHDRAWN_PAID = "withdrawn-paid"
    SUSPENDED = "suspended"
    SUSPENDED_FOR_GOOD = "suspended-for-good"
    RETURNED = "returned"
    CONDITIONALLY_PAID = "conditionally-paid"
    ACCEPTED_BY_DRAWEE = "accepted-by-drawee"
    EDITAL = "edital"
    CANCELLED = "cancelled"
    ALREADY_PROTESTED = "already-protested"
    CANCELLATION_REFUSED = "cancellation-refused"
    INFORMATION = "information"


@dataclass(frozen=True)
class Occurrence:
    """Field 33. `terminal`: the notary is done with the title (a protested one can still be cancelled)."""

    code: str
    name: str
    files: frozenset[str]
    outcome: Word
    terminal: bool
    needs_irregularity: bool
    meaning: str


@dataclass(frozen=True)
class Progress:
    """Field 38 of a progress file: where at the notary office the title is."""

    code: str
    name: str


@dataclass(frozen=True)
class Irregularity:
    """Fields 38 and 47: why a title was returned. `representable`: it may be presented again once put right."""

    code: str
    reason: str
    category: str
    representable: bool


@dataclass(frozen=True)
class Species:
    """Field 12. `by_indication`: counted in header field 11 (DMI, DRI, CBI); `official`: in V4.3, not only local."""

    code: str
    name: str
    by_indication: bool
    official: bool


@dataclass(frozen=True)
class Declaration:
    """Field 36: what the presenter declares, and for which species (`only`; `never`; both empty: for any)."""

    code: str
    meaning: str
    only: frozenset[str]
    never: frozenset[str]

    def fits(self, species: str) -> bool:
        """Whether the declaration can be made for a title of this species."""
        return species not in self.never and (not self.only or species in self.only)


def occurrence(code: str) -> Occurrence | None:
    """An occurrence by its code; "" is the accepted title of a confirmation. None where the code is unknown."""
    return _occurrences().get(code)


def progress(code: str) -> Progress | None:
    """A state of progress by its code AA to AK, or None."""
    return _progress().get(code)


def irregularity(code: str) -> Irregularity | None:
    """An irregularity by its two digits, or None."""
    return _irregularities().get(code)


def species(code: str) -> Species | None:
    """A species of title by its code, or None."""
    return _species().get(code)


def declaration(code: str) -> Declaration | None:
    """A presenter's declaration by its letter, or None."""
    return _declarations().get(code)


@cache
def _occurrences() -> dict[str, Occurrence]:
    return {
        row["code"]: Occurrence(
            code=row["code"],
            name=row["name"],
            files=frozenset(row["files"].split()),
            outcome=Word(row["outcome"]),
            terminal=row["terminal"] == "yes",
            needs_irregularity=row["needs_irregularity"] == "yes",
            meaning=row["meaning"],
        )
        for row in table("cra/occurrences")
    }


@cache
def _progress() -> dict[str, Progress]:
    return {row["code"]: Progress(row["code"], row["name"]) for row in table("cra/progress")}


@cache
def _irregularities() -> dict[str, Irregularity]:
    return {
        row["code"]: Irregularity(row["code"], row["reason"], row["category"], row["representable"] == "yes")
        for row in table("cra/irregularities")
    }


@cache
def _species() -> dict[str, Species]:
    return {
        row["code"]: Species(row["code"], row["name"], row["group"] == "indication", row["official"] == "yes")
        for row in table("cra/species")
    }


@cache
def _declarations() -> dict[str, Declaration]:
    return {row["code"]: _declaration(row) for row in table("cra/declarations")}


def _declaration(row: dict[str, str]) -> Declaration:
    listed = row["species"].removeprefix("not ").split()
    excluded = row["species"].startswith("not ")
    only, never = ([], listed) if excluded else (listed, [])
    return Declaration(row["code"], row["meaning"], frozenset(only), frozenset(never))

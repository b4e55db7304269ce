"""How long personal data are kept, and when they may go: never while a case lives, never before the law's terms.

LGPD art. 15 and 16: data end with their purpose, and may be kept for a legal duty and for the exercise of rights. The
terms stand in `domain/data/retention.csv`, each with its law; an installation may have a table of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, get_args

from domain.data import table
from domain.errors import BadFile, Fault
from domain.limitation import add_months

From = Literal["closing", "year-end"]
"""From when a term runs: the day the debtor's last case closed, or the first day of the year after it."""
IDENTITY = "identity"
_ANY = "*"
_COLUMNS = ("class", "documents", "months", "runs_from", "keeps", "law", "source")
CLASSES = ("contacts", "payments", "agreements", "firm", IDENTITY)


@dataclass(frozen=True)
class Rule:
    """One class of data: which kinds of document belong to it, its term and the law of that."""

    name: str
    documents: tuple[str, ...]
    months: int
    runs_from: From
    keeps: str
    law: str


@dataclass(frozen=True)
class Term:
    """Until when (that day included) a class of one debtor's data is kept, and by which law."""

    name: str
    until: date
    law: str
    keeps: str
    due: bool


def rules(rows: Iterable[Mapping[str, str]] | None = None, name: str = "retention.csv") -> tuple[Rule, ...]:
    """The rules of a table; the packaged one where none is given. Raises `BadFile` naming every fault."""
    rows = list(table("retention") if rows is None else rows)
    faults = [fault for number, row in enumerate(rows, 2) for fault in _faults(f"line {number}", row)]
    if not faults and sorted(row["class"] for row in rows) != sorted(CLASSES):
        faults = [Fault("classes", "not each of them once", f"wanted: {', '.join(CLASSES)}")]
    if not faults and sum(_ANY in row["documents"].split() for row in rows) != 1:
        faults = [Fault("documents", "no single class takes the remaining kinds", "write * in one row")]
    if faults:
        raise BadFile(name, faults)
    return tuple(_rule(row) for row in rows)


def _faults(where: str, row: Mapping[str, str]) -> Iterable[Fault]:
    if missing := [column for column in _COLUMNS if not (row.get(column) or column == "documents")]:
        yield Fault(where, f"nothing under {', '.join(missing)}", "fill every column but `documents`")
        return
    if not row["months"].isdecimal() or not 1 <= int(row["months"]) <= 1200:
        yield Fault(where, f"months {row['months']!r}", "a number from 1 to 1200")
    if row["runs_from"] not in get_args(From):
        yield Fault(where, f"runs_from {row['runs_from']!r}", f"one of {', '.join(get_args(From))}")


def _rule(row: Mapping[str, str]) -> Rule:
    begins: From = "year-end" if row["runs_from"] == "year-end" else "closing"
    kinds = tuple((row["documents"] or "").split())
    return Rule(row["class"], kinds, int(row["months"]), begins, row["keeps"], row["law"])


def class_of(kind: str, known: Sequence[Rule]) -> str:
    """The class to which a kind of document belongs."""
    named = {each: rule.name for rule in known for each in rule.documents}
    return named.get(kind, named[_ANY])


def terms(known: Sequence[Rule], held: Iterable[str], closed_on: date, today: date) -> tuple[Term, ...]:
    """The term of each class that is held of a debtor whose last case closed on a day.

    Who somebody is goes last: as long as anything else of him is kept, it must be known whose it is.
    """
    wanted = {*held, IDENTITY}
    ends = {rule.name: last_day(rule, closed_on) for rule in known if rule.name in wanted}
    ends[IDENTITY] = max(ends.values())
    return tuple(
        Term(rule.name, ends[rule.name], rule.law, rule.keeps, ends[rule.name] < today)
        for rule in known
        if rule.name in wanted
    )


def last_day(rule: Rule, closed_on: date) -> date:
    """Until when a rule keeps what ended on a day, that day included."""
    begins = closed_on if rule.runs_from == "closing" else date(closed_on.year + 1, 1, 1)
    return add_months(begins, rule.months)

"""How long a credit can be enforced (*prescrição*).

The notary does not check it (Lei 9.492/1997 art. 9), so the creditor answers for a protest that comes too late.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta

from domain.data import table

_RULES = {row["kind"]: row for row in table("limitation")}
_ANY_KIND = "*"


@dataclass(frozen=True)
class Terms:
    """The last day of two terms, both inclusive, and the law they come from.

    `first`: the title can be executed and so protested; a later protest is irregular (STJ REsp 1.677.772).
    `last`: any action is left (monitória, cobrança); later even friendly collection stops (STJ REsp 2.088.100).
    """

    first: date
    last: date
    source: str


def limitation(kind: str, due: date) -> Terms:
    """The limitation terms of a title by its CRA species code (`DMI`, `NP`, `CH`, ...) and its original due date.

    For a cheque, which is payable at sight, `due` is its date of issue. A kind that the table does not list has the
    term of a liquid debt in an instrument, 5 years for both. Nothing here knows of interruption (CC art. 202).
    """
    rule = _RULES.get(kind.strip().upper(), _RULES[_ANY_KIND])
    executable_from = due + timedelta(days=int(rule["presentation_days"]))
    first = add_months(executable_from, int(rule["first_months"]))
    return Terms(first, add_months(due, int(rule["last_months"])), rule["source"])


def add_months(day: date, months: int) -> date:
    """The day of the same number so many months later, or the day after its month's last one (CC art. 132 §3)."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    month += 1
    if day.day <= monthrange(year, month)[1]:
        return date(year, month, day.day)
    return date(year, month, monthrange(year, month)[1]) + timedelta(days=1)

"""How a fact changes a case.

`fold` takes one fact in, in place. A fact that the rules do not allow raises `Refused` before anything was changed.
One function per kind of fact; they are found by the fact's type.
"""

from __future__ import annotations

from domain.fold import agreements, contacts, debt, firm, holds, outside, protest, tasks
from domain.fold.base import THANKS, Moment, fold
from domain.fold.firm import notice_deadline

__all__ = [
    "THANKS",
    "Moment",
    "agreements",
    "contacts",
    "debt",
    "firm",
    "fold",
    "holds",
    "notice_deadline",
    "outside",
    "protest",
    "tasks",
]

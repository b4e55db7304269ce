"""Block lists (*bloqueio*, "Não me ligue"): people whom no collector may call or write to on their telephones.

A consumer has himself entered at the Procon of his state. What a list bars, and so many days after the entry, is data
(`data/block_lists.csv`, each row with its source: SP Lei 17.832/2023 arts. 127-129 and similar lists); the entries are
loaded from the files that the Procons publish. E-mail and letter stay.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Literal

from domain.data import table
from domain.errors import BadInput

Kind = Literal["document", "phone"]


@dataclass(frozen=True)
class BlockList:
    """What one state's list bars, from so many calendar days after an entry. Both dates are included."""

    uf: str
    after_days: int
    barred: frozenset[str]
    valid_from: date
    valid_until: date
    source: str


@dataclass(frozen=True)
class Entry:
    """Who is on a list: of which state, since which day, and until when (included), where he has left it."""

    uf: str
    registered_on: date
    until: date | None = None


@cache
def block_lists() -> dict[str, BlockList]:
    """The lists that there are, by state."""
    return {
        row["uf"]: BlockList(
            uf=row["uf"],
            after_days=int(row["after_days"]),
            barred=frozenset(row["barred"].split()),
            valid_from=date.fromisoformat(row["valid_from"]) if row["valid_from"] else date.min,
            valid_until=date.fromisoformat(row["valid_until"]) if row["valid_until"] else date.max,
            source=row["source"],
        )
        for row in table("block_lists")
    }


def block_list(uf: str) -> BlockList:
    """The list of a state; BadInput where it has none."""
    found = block_lists().get(uf.strip().upper())
    if found is None:
        raise BadInput(f"state {uf!r} has no block list; write one of {', '.join(sorted(block_lists()))}")
    return found


def barred(entries: Iterable[Entry], on: date) -> frozenset[str]:
    """The channels that are barred on a day for somebody with these entries, whichever state he lives in now."""
    return frozenset(channel for entry in entries if _holds(entry, on) for channel in block_list(entry.uf).barred)


def _holds(entry: Entry, on: date) -> bool:
    listed = block_list(entry.uf)
    begins = entry.registered_on + timedelta(days=listed.after_days)
    still = entry.until is None or on <= entry.until
    return begins <= on and still and listed.valid_from <= on <= listed.valid_until

"""The codes by which the providers say why a message or a call did not get through, and what they prove.

The table is `domain/data/delivery_codes.csv`, from the dictionaries of Twilio (https://www.twilio.com/docs/api/errors)
and SendGrid. The same code means the same whether it comes in an answer or in a report.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, cast, get_args

from domain.data import table

Reason = Literal["address", "opt-out", "configuration", "content", "transient", "channel"]
"""What is to blame.

`address`: it does not exist or cannot be reached on this channel. `opt-out`: the debtor wants no more.
`configuration`: our account, sender or settings. `content`: this text or template, whoever it goes to.
`transient`: nobody; the same may be tried again later. `channel`: this message did not get through here; take another.
"""

Blame = Literal["address", "opt-out", "configuration", "channel"]
"""Whom a failure concerns: the address, the debtor, us, or nobody but this message.

Only after the last one may the same address be tried again with another message.
"""

_CONCERNS: dict[Reason, Blame] = {
    "address": "address",
    "opt-out": "opt-out",
    "configuration": "configuration",
    "content": "configuration",
    "transient": "channel",
    "channel": "channel",
}


@dataclass(frozen=True)
class Code:
    """One code. `again` is how often the same address may be tried anew, hours apart, before another channel's turn."""

    provider: str
    code: str
    reason: Reason
    again: int
    meaning: str
    source: str


def _read(row: dict[str, str]) -> Code:
    if row["blames"] not in get_args(Reason):
        raise ValueError(f"delivery_codes.csv, {row['code']}: blames {row['blames']}; use one of {get_args(Reason)}")
    reason = cast(Reason, row["blames"])
    return Code(row["provider"], row["code"], reason, int(row["again"]), row["meaning"], row["source"])


CODES: Mapping[str, Code] = MappingProxyType({code.code: code for code in map(_read, table("delivery_codes"))})
"""All known codes; Twilio's are numbers and SendGrid's are words, so that none means two things."""


def reason(code: str) -> Reason:
    """What is to blame for a failure with this code; an unknown code says nothing of address or debtor."""
    return CODES[code].reason if code in CODES else "channel"


def blame(code: str) -> Blame:
    """Whom a failure with this code concerns."""
    return _CONCERNS[reason(code)]


def tries_left(code: str, tried: int) -> int:
    """How often the same address may still be tried after it failed `tried` times with this code (at least 1)."""
    return max(CODES[code].again + 1 - tried, 0) if code in CODES else 0

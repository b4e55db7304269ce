"""What a bank tells about titles and money, in the words of the trade and free of any bank's layout.

A return file (CNAB 240 or 400, FEBRABAN) or a statement (OFX) becomes a `BankFile` and a stream of `Record`s. What a
code means is looked up per bank and layout (`domain/data/bank/occurrences.csv`): `18` and `24` change their meaning.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from domain.money import ZERO

Layout = Literal["cnab240", "cnab400", "ofx"]


class Kind(StrEnum):
    """What happened to a title or an account.

    ENTERED: the bank took the title. WRITTEN_OFF: baixa, it can no longer be paid. PROTEST_ORDERED, WITHDRAWAL_ORDERED:
    the bank confirms our instruction, nothing has happened at the notary yet. CHANGED: another instruction was carried
    out. UNKNOWN: the table does not know the code; a person has to look.
    """

    PAID = "paid"
    PAID_AT_NOTARY = "paid-at-notary"
    PAID_PARTLY = "paid-partly"
    IN_CLEARING = "in-clearing"
    REVERSED = "reversed"
    ENTERED = "entered"
    REJECTED = "rejected"
    WRITTEN_OFF = "written-off"
    PROTEST_ORDERED = "protest-ordered"
    WITHDRAWAL_ORDERED = "withdrawal-ordered"
    SENT_TO_NOTARY = "sent-to-notary"
    PROTESTED = "protested"
    PROTEST_WITHDRAWN = "protest-withdrawn"
    SUSPENDED_BY_COURT = "suspended-by-court"
    CHANGED = "changed"
    INSTRUCTION_REJECTED = "instruction-rejected"
    FEE = "fee"
    OTHER = "other"
    UNKNOWN = "unknown"

    @property
    def money(self) -> bool:
        """Whether the debtor's money has arrived (not: is in clearing, came back, or is the bank's fee)."""
        return self in _MONEY


_MONEY = frozenset({Kind.PAID, Kind.PAID_AT_NOTARY, Kind.PAID_PARTLY})


@dataclass(frozen=True, slots=True)
class OurNumber:
    """Nosso número: the bank's key of a title, as its parts stand in the file; unused parts are ""."""

    number: str = ""
    check: str = ""
    portfolio: str = ""

    def __bool__(self) -> bool:
        return bool(bare_number(self.number))

    @property
    def forms(self) -> tuple[str, ...]:
        """How the same number may stand at the creditor, each as `bare_number` writes it, the most telling first:

        portfolio, number and check digit; portfolio and number; number and check digit; number. Two different titles
        can share a shorter form: a match is one only if no other title fits.
        """
        if not self:
            return ()
        ways = (
            self.portfolio + self.number + self.check,
            self.portfolio + self.number,
            self.number + self.check,
            self.number,
        )
        return tuple(dict.fromkeys(bare_number(way) for way in ways))


def bare_number(text: str) -> str:
    """A nosso número without mask and leading zeros, in capitals: `109/00000011-9` → `109000000119`."""
    return re.sub(r"[^0-9A-Z]", "", text.upper()).lstrip("0")


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that the bank reports. Amounts are in reais, never negative, ZERO where the file has none.

    `line` counts from 1 (CNAB 240: the line of segment T). `reference` is unique per record and free of personal data:
    the Pix end-to-end id where there is one, else bank, file, line and title (OFX: bank, account, day, amount, FITID).
    `paid` is what the debtor paid, never what the bank credited after its fees; of IN_CLEARING it is what is on its
    way, of REVERSED what went back, of UNKNOWN what the file says, of everything else ZERO. `credited` is None where
    the file does not state it. `extra` is fine and interest that were paid, `discount` what was granted (rebates
    included), `fee` what the bank charges for this record, kept from the credit or not. `occurred_on` is the day of the
    occurrence (of a payment: when it was made), `credited_on` when the money is in the account. `document_number` (seu
    número) and `control_number` (uso da empresa) are what the creditor wrote in the remittance. `occurrence` and
    `motives` are the bank's own codes. `end_to_end` of a reversal is the payment that it takes back.
    `question` is "" or why a person has to look before anything is done: unknown-code, ambiguous-code (the bank uses it
    for more than one thing), nothing-paid, speaks-of-return (a credit whose text tells of a return), reversal-of-what.
    `payer` is a CPF or CNPJ, 11 or 14 characters, or "". `payer`, `memo` and `control_number` may be personal.
    """

    line: int
    kind: Kind
    bank: str
    reference: str
    our_number: OurNumber
    document_number: str
    face: Decimal
    paid: Decimal
    credited: Decimal | None
    extra: Decimal
    discount: Decimal
    fee: Decimal
    occurred_on: date | None
    credited_on: date | None
    occurrence: str
    motives: tuple[str, ...] = ()
    end_to_end: str = ""
    txid: str = ""
    question: str = ""
    control_number: str = field(default="", repr=False)
    payer: str = field(default="", repr=False)
    memo: str = field(default="", repr=False)

    @property
    def counts(self) -> bool:
        """Whether this is the debtor's money without any doubt: only such a record may become a payment by itself."""
        return self.kind.money and not self.question


@dataclass(frozen=True)
class Sums:
    """Totals of a file: records by kind, records with a question, and reais over the records whose kind is money."""

    kinds: Mapping[Kind, int] = field(default_factory=dict)
    questions: int = 0
    paid: Decimal = ZERO
    credited: Decimal = ZERO
    fees: Decimal = ZERO


@dataclass(frozen=True)
class BankFile:
    """A file that was checked whole. Iterating gives its records in the order of the lines, as often as one likes.

    Records are read again from the stream each time and never held together: one iteration at a time, and the stream
    must stay open and unchanged. `bank` is the three-digit code, `account` the creditor's account as the file has it,
    `sequence` the file's number (0 where it has none). `covers_until`: all that happened up to and including this day
    is reported here or in an earlier file; None where the file does not say. `identity` names the file in references.
    """

    name: str
    layout: Layout
    bank: str
    account: str
    created: date | None
    sequence: int
    covers_until: date | None
    count: int
    sums: Sums
    identity: str
    source: Callable[[], Iterator[Record]] = field(repr=False, compare=False)

    def __iter__(self) -> Iterator[Record]:
        return self.source()

"""From the values of a title's record to what they mean: the same for every bank and layout."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from domain.bank.faults import Faults
from domain.bank.model import Kind, OurNumber, Record
from domain.bank.tables import Field, Form, Occurrence, Paid
from domain.bank.values import READ, Unfit
from domain.money import ZERO

Values = Mapping[str, Any]

_UNKNOWN = Occurrence(Kind.UNKNOWN, True, "")
_CREDITED = frozenset({Kind.PAID, Kind.PAID_AT_NOTARY, Kind.PAID_PARTLY, Kind.UNKNOWN})
_STATED = _CREDITED | {Kind.IN_CLEARING, Kind.REVERSED}
"""Kinds whose amount is the debtor's. In others Itaú's 'valor principal' is what the bank took (a write-off's fee)."""
_DEBIT = "1"
"""Indicativo de débito/crédito of BB's CBR643: the entry was taken from the account."""
_WHOLE = 20
"""Positions of the nosso número of CNAB 240 (G069): it holds a bank's own parts only where it is filled to its end."""
_CLOSING = 18
"""From this hour on a file speaks of the whole day: banks take no more payments for it."""

END_TO_END = re.compile(r"(?<![0-9A-Za-z])E[0-9A-Za-z]{8}\d{12}[0-9A-Za-z]{11}(?![0-9A-Za-z])", re.ASCII)
"""Pix end-to-end id (BCB, API Pix): E, ISPB, AAAAMMDDHHMM, eleven letters or digits."""


@dataclass(frozen=True)
class Header:
    """What a file says about itself. `hour` of its creation, None where it has none."""

    bank: str
    account: str
    created: date | None
    sequence: int
    hour: int | None = None

    def identity(self, layout: str) -> str:
        """The file's name in references: bank, layout, account, day, number; at most 50 characters."""
        account = re.sub(r"[^0-9A-Za-z]", "", self.account)[:20]
        return f"{self.bank}:{layout}:{account}:{self.created or date.min:%Y%m%d}:{self.sequence}"

    def covers_until(self, last: date | None) -> date | None:
        """The last day of which the file tells everything: the day of its creation if it tells of that day and was
        made after closing (a layout without an hour is made once a day, at night), else the day before."""
        if self.created is None:
            return None
        complete = last is not None and last >= self.created and (self.hour is None or self.hour >= _CLOSING)
        return self.created if complete else self.created - timedelta(days=1)


def gather(fields: Mapping[str, Field], line: bytes, number: int, faults: Faults) -> dict[str, Any] | None:
    """The values of a record by name; None, and every fault noted, where any does not fit."""
    values: dict[str, Any] = {}
    good = True
    for name, field in fields.items():
        try:
            values[name] = READ[field.type](line[field.cut])
        except Unfit as error:
            faults.add(number, f"{field} is {error.found}", error.wanted)
            good = False
    return values if good else None


def assemble(form: Form, identity: str, number: int, values: Values) -> Record:
    """What the values of a title's record mean. `number` is its line, `identity` the file's name in references.

    Unfit where a payment has no day. An unknown code, a code that can mean more than one thing and a payment of nothing
    become a record with a question.
    """
    what = form.occurrence(values["occurrence"], values["motives"]) or _UNKNOWN
    fee = values["fee"] + values.get("costs", ZERO)
    credited = _credited(values)
    paid = _PAID[form.paid](values, credited, fee) if what.kind in _STATED else ZERO
    if what.kind.money and values["occurred_on"] is None:
        raise Unfit("a payment without a day", "the day of the occurrence of every payment")
    our_number = _our_number(values)
    return Record(
        line=number,
        kind=what.kind,
        bank=form.bank,
        reference=f"{identity}:{number}:{our_number.number.lstrip('0')}",
        our_number=our_number,
        document_number=values["document_number"],
        face=values["face"],
        paid=paid,
        credited=credited if what.kind in _CREDITED else None,
        extra=values["extra"],
        discount=values["discount"] + values["rebate"],
        fee=fee,
        occurred_on=values["occurred_on"],
        credited_on=values["credited_on"],
        occurrence=values["occurrence"],
        motives=values["motives"],
        question=_question(what, paid),
        control_number=values["control_number"],
        payer=values.get("payer", ""),
    )


def with_pix(record: Record, line: bytes, txid: str) -> Record:
    """The record with what an additional line tells of Pix: the charge's txid, the end-to-end id of the payment."""
    found = END_TO_END.search(line.decode("latin-1"))
    end_to_end = found[0] if found else record.end_to_end
    if not txid and end_to_end == record.end_to_end:
        return record
    reference = end_to_end or record.reference
    return replace(record, txid=txid or record.txid, end_to_end=end_to_end, reference=reference)


def _question(what: Occurrence, paid: Decimal) -> str:
    if what is _UNKNOWN:
        return "unknown-code"
    if what.ask:
        return "ambiguous-code"
    return "nothing-paid" if what.kind.money and not paid else ""


def _our_number(values: Values) -> OurNumber:
    whole: str = values.get("our_whole", "")
    if whole and len(whole) < _WHOLE:
        return OurNumber(whole)
    return OurNumber(values["our_number"], values.get("our_check", ""), values.get("portfolio", ""))


def _credited(values: Values) -> Decimal | None:
    if values.get("credit_sign") == _DEBIT:
        return None
    credited: Decimal | None = values.get("credited")
    return credited


def _stated(values: Values, _credited: Decimal | None, _fee: Decimal) -> Decimal:
    paid: Decimal = values["paid"]
    return paid


def _from_credit(_values: Values, credited: Decimal | None, fee: Decimal) -> Decimal:
    return (credited or ZERO) + fee


def _proved(values: Values, credited: Decimal | None, fee: Decimal) -> Decimal:
    with_extra: Decimal = values["paid"] + values["extra"]
    if credited is not None and credited + fee == with_extra:
        return with_extra
    return _stated(values, credited, fee)


_PAID: dict[Paid, Callable[[Values, Decimal | None, Decimal], Decimal]] = {
    "stated": _stated,
    "from-credit": _from_credit,
    "proved": _proved,
}

"""What a debt amounts to on a day, with its memory of calculation (CPC art. 524), which adds up to the cent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from domain.calendars import next_bank_day
from domain.errors import BadInput
from domain.money import ZERO, cents, format_brl

CONSUMER_FINE = Decimal(2)
"""Per cent: the most a consumer may be fined for delay (CDC art. 52 §1)."""

ReductionKind = Literal["rebate", "return", "withholding"]

_NAMES: dict[ReductionKind, str] = {
    "rebate": "Abatimento",
    "return": "Devolução de mercadoria",
    "withholding": "Imposto retido na fonte",
}
_PARTS: dict[Part, str] = {"interest": "juros", "fine": "multa", "principal": "principal"}
_DAYS_AND_PERCENT = 30 * 100
"""Interest is agreed in per cent a month, and a month has 30 days (bank practice)."""


@dataclass(frozen=True)
class Charges:
    """What the invoice's contract says about delay, and where.

    Both zero and no source: nothing was agreed, nothing is added (CC arts. 408 ff.). `monthly_interest_percent` is
    simple interest for 30 days. BadInput where either is negative.
    """

    fine_percent: Decimal
    monthly_interest_percent: Decimal
    source: str

    def __post_init__(self) -> None:
        if self.fine_percent < 0 or self.monthly_interest_percent < 0:
            raise BadInput("charges: fine or interest is negative; give per cents of zero or more")


@dataclass(frozen=True)
class Payment:
    """Money that the debtor paid: the day on which he paid, and reais as paid, before any fee of the bank."""

    on: date
    amount: Decimal


@dataclass(frozen=True)
class Reduction:
    """Reais that are no longer owed: granted (rebate), given back (return) or paid to the tax office (withholding)."""

    on: date
    amount: Decimal
    kind: ReductionKind


Event = Payment | Reduction
Part = Literal["interest", "fine", "principal"]


@dataclass(frozen=True)
class Line:
    """One line of the memory of calculation, in Portuguese; what lowers the debt has a negative amount."""

    name_pt: str
    detail_pt: str
    amount: Decimal


@dataclass(frozen=True)
class Debt:
    """What is open on a day, in reais: `total` = `principal` + `fine` + `interest`, all of them still to be paid.

    `paid` and `reduced` are what payments and reductions settled; `credit` is what they left over, owed to the debtor.
    `days_late` counts from the original due date for as long as principal is open. `lines` is the memory of calculation
    and adds up to `total`.
    """

    principal: Decimal
    fine: Decimal
    interest: Decimal
    paid: Decimal
    reduced: Decimal
    credit: Decimal
    total: Decimal
    days_late: int
    lines: tuple[Line, ...]


def updated_debt(
    principal: Decimal,
    due: date,
    on: date,
    charges: Charges,
    *,
    payments: Sequence[Payment] = (),
    reductions: Sequence[Reduction] = (),
    consumer: bool,
) -> Debt:
    """The debt on the day `on`; what is dated later is not counted yet. All amounts are reais in whole cents.

    - No delay where the due date is no bank day and payment comes by the first bank day after it (Lei 7.089/1983
      art. 1); after that, days run from the original due date. What is paid or reduced in time bears no charges.
    - Fine: once, from the first day of delay, on the principal open then, less rebates and returns up to the first late
      payment. BadInput above 2 % for a consumer (CDC art. 52 §1).
    - Interest: simple, by calendar day on a month of 30, for each period on the principal open in it; none on the fine.
    - A payment settles interest first (CC art. 354), then the fine, then principal. Art. 354 puts interest before
      principal and is silent on the fine; the fine is an accessory already due, so it goes before principal, and after
      interest, so that the order of the law is kept to the letter.
    - A reduction lowers the principal from its day on; tax withheld was never owed to the creditor and lowers it from
      the start.
    - Interest is rounded once, half-up, on the whole sum accrued, so that many periods cost no more than one.
    - What is paid or reduced beyond everything open becomes `credit`.

    BadInput also for an amount that is negative or has fractions of a cent.
    """
    _check(principal, charges, [*payments, *reductions], consumer)
    in_time, late = _by_time(due, on, payments, reductions)
    account = _Account(principal, due, charges)
    for event in in_time:
        account.take(event)
    if on > next_bank_day(due):
        account.fine(_fine_base(account.open["principal"], late))
        for event in late:
            account.accrue(event.on)
            account.take(event)
        account.accrue(on)
    return account.debt()


def _check(principal: Decimal, charges: Charges, events: Iterable[Event], consumer: bool) -> None:
    for amount in (principal, *(event.amount for event in events)):
        if amount < 0 or amount != cents(amount):
            raise BadInput(f"debt: {amount} is not an amount of zero or more in whole cents")
    if consumer and charges.fine_percent > CONSUMER_FINE:
        raise BadInput(
            f"charges: a fine of {_percent(charges.fine_percent)} on a consumer's debt; "
            f"the law allows {_percent(CONSUMER_FINE)} at most (CDC art. 52 §1)"
        )


def _by_time(
    due: date, on: date, payments: Sequence[Payment], reductions: Sequence[Reduction]
) -> tuple[list[Event], list[Event]]:
    """What happened until `on`, in order (reductions of a day before its payments), split into in time and late."""
    events: list[Event] = [*reductions, *payments]
    known = sorted((event for event in events if event.on <= on), key=lambda event: event.on)
    grace = next_bank_day(due)
    in_time = [event for event in known if event.on <= grace or _withheld(event)]
    return in_time, [event for event in known if event.on > grace and not _withheld(event)]


def _withheld(event: Event) -> bool:
    return isinstance(event, Reduction) and event.kind == "withholding"


def _fine_base(principal: Decimal, late: Sequence[Event]) -> Decimal:
    first_payment = min((event.on for event in late if isinstance(event, Payment)), default=date.max)
    reduced = sum((event.amount for event in late if isinstance(event, Reduction) and event.on <= first_payment), ZERO)
    return max(principal - reduced, ZERO)


_PAYMENT_ORDER: tuple[Part, ...] = ("interest", "fine", "principal")
_REDUCTION_ORDER: tuple[Part, ...] = ("principal", "interest", "fine")


class _Account:
    """The debt while it is being calculated, event by event."""

    def __init__(self, principal: Decimal, due: date, charges: Charges) -> None:
        self.charges, self.due, self.accrued_until = charges, due, due
        self.open: dict[Part, Decimal] = {"principal": cents(principal), "fine": ZERO, "interest": ZERO}
        self.paid = self.reduced = self.credit = self.interest_charged = ZERO
        self.accrued = Decimal(0)  # exact, in 1/3000 of a real: see _DAYS_AND_PERCENT
        self.days_late = 0
        self.lines = [Line("Principal", f"vencimento em {_day(due)}", cents(principal))]

    def fine(self, base: Decimal) -> None:
        percent = self.charges.fine_percent
        if not percent or not base:
            return
        amount = cents(base * percent / 100)
        self.open["fine"] += amount
        self._line(f"Multa de {_percent(percent)}", f"sobre {format_brl(base)}, uma única vez", amount)

    def accrue(self, until: date) -> None:
        """Interest on the open principal from the last event until this day, that day included."""
        days, since = (until - self.accrued_until).days, self.accrued_until
        self.accrued_until = until
        principal, rate = self.open["principal"], self.charges.monthly_interest_percent
        if not days or not principal:
            return
        self.days_late = (until - self.due).days
        if not rate:
            return
        self.accrued += principal * rate * days
        amount = cents(self.accrued / _DAYS_AND_PERCENT) - self.interest_charged
        self.interest_charged += amount
        self.open["interest"] += amount
        self._line(
            f"Juros de mora de {_percent(rate)} ao mês, {days} {'dia' if days == 1 else 'dias'}",
            f"sobre {format_brl(principal)}, de {_day(since + timedelta(days=1))} a {_day(until)}",
            amount,
        )

    def take(self, event: Event) -> None:
        """Settle the open parts with a payment or reduction, each in its order; the rest is credit."""
        is_payment = isinstance(event, Payment)
        settled: dict[Part, Decimal] = {}
        left = event.amount
        for part in _PAYMENT_ORDER if is_payment else _REDUCTION_ORDER:
            settled[part] = min(left, self.open[part])
            self.open[part] -= settled[part]
            left -= settled[part]
        self.credit += left
        if is_payment:
            self.paid += event.amount - left
        else:
            self.reduced += event.amount - left
        name = "Pagamento" if isinstance(event, Payment) else _NAMES[event.kind]
        self.lines.append(Line(f"{name} em {_day(event.on)}", _settled(settled), ZERO - event.amount))

    def debt(self) -> Debt:
        if self.credit:
            self.lines.append(Line("Crédito do devedor", "pago ou abatido a mais", self.credit))
        return Debt(
            principal=self.open["principal"],
            fine=self.open["fine"],
            interest=self.open["interest"],
            paid=self.paid,
            reduced=self.reduced,
            credit=self.credit,
            total=sum(self.open.values(), ZERO),
            days_late=self.days_late,
            lines=tuple(self.lines),
        )

    def _line(self, name: str, detail: str, amount: Decimal) -> None:
        source = f" ({self.charges.source})" if self.charges.source else ""
        self.lines.append(Line(name, detail + source, amount))


def _settled(settled: dict[Part, Decimal]) -> str:
    """`juros R$ 14,33, multa R$ 20,00, principal R$ 465,67`"""
    return ", ".join(f"{_PARTS[part]} {format_brl(amount)}" for part, amount in settled.items() if amount)


def _day(day: date) -> str:
    return day.strftime("%d/%m/%Y")


def _percent(value: Decimal) -> str:
    return f"{value.normalize():f}".replace(".", ",") + "%"

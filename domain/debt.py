"""What a debt amounts to on a day, with its memory of calculation (CPC art. 524), which adds up to the cent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Literal

from domain.accrual import MONTH, Accrual, Agreed, Legal, Running, percent_pt
from domain.calendars import next_bank_day
from domain.errors import BadInput
from domain.indices import FACTOR, NONE, RATE, SERIES, SHARES, Indices, SeriesCode, series_code
from domain.money import ZERO, cents, format_brl

CONSUMER_FINE = Decimal(2)
"""Per cent: the most a consumer may be fined for delay (CDC art. 52 §1)."""

ReductionKind = Literal["rebate", "return", "withholding", "discount"]

_NAMES: dict[ReductionKind, str] = {
    "rebate": "Abatimento",
    "return": "Devolução de mercadoria",
    "withholding": "Imposto retido na fonte",
    "discount": "Desconto",
}
Part = Literal["interest", "fine", "fees", "correction", "principal"]
_PARTS: dict[Part, str] = {
    "interest": "juros",
    "fine": "multa",
    "fees": "honorários",
    "correction": "correção",
    "principal": "principal",
}
_PRECISION = 60
"""Digits that no exact sum of interest comes near: amounts are rounded to the cent, once, and nothing before them."""


@dataclass(frozen=True)
class Charges:
    """What the invoice's contract says about delay, and where.

    Nothing at all (per cents of zero, no index, no source): nothing was agreed, no fine is owed (CC arts. 408 ff.), and
    correction and interest are the law's (CC arts. 389 and 406). `monthly_interest_percent` is simple interest for 30
    days. `correction` is the index that the contract names, if any. `fees_percent` is what the contract lets the debtor
    pay for collection, on the updated debt, and `fees_source` the clause: without a clause there are no fees, and a
    consumer's clause must be reciprocal and the work a lawyer's, which no program can see (CC arts. 389, 395 and 404).
    BadInput for a negative per cent, an index that corrects nothing, fees without a clause.
    """

    fine_percent: Decimal
    monthly_interest_percent: Decimal
    source: str
    correction: SeriesCode | None = None
    fees_percent: Decimal = ZERO
    fees_source: str = ""

    def __post_init__(self) -> None:
        if min(self.fine_percent, self.monthly_interest_percent, self.fees_percent) < 0:
            raise BadInput("charges: fine, interest or fees are negative; give per cents of zero or more")
        if self.correction and SERIES[series_code(self.correction)].kind != "correction":
            raise BadInput(f"charges: {self.correction} is a rate of interest; a contract corrects by ipca")
        if self.fees_percent and not self.fees_source:
            raise BadInput("charges: fees without a source; name the clause, fees that were not agreed are not owed")

    @property
    def agreed(self) -> bool:
        """Was anything agreed about delay? Fees are another matter."""
        return bool(self.source or self.fine_percent or self.monthly_interest_percent or self.correction)


@dataclass(frozen=True)
class Payment:
    """Money that the debtor paid: the day on which he paid, and reais as paid, before any fee of the bank.

    `on_capital`: the creditor takes it for the capital first (CC art. 354 at its end), then for what is left of
    interest and fine.
    """

    on: date
    amount: Decimal
    on_capital: bool = False


@dataclass(frozen=True)
class Reduction:
    """Reais that are no longer owed.

    Granted on the invoice (rebate), given back (return), paid to the tax office (withholding), or let off what is owed
    on that day, charges first, for paying then (discount).
    """

    on: date
    amount: Decimal
    kind: ReductionKind


Event = Payment | Reduction


@dataclass(frozen=True)
class Line:
    """One line of the memory of calculation, in Portuguese; what lowers the debt has a negative amount."""

    name_pt: str
    detail_pt: str
    amount: Decimal


@dataclass(frozen=True)
class Period:
    """One stretch of correction or interest, as a court asks for it (CPC arts. 524 and 798 sole paragraph).

    `running` holds index or rate, first and last day and source; `base` the reais it ran on; `factor` that of a
    correction, 8 decimals, else None. `amount` is in reais, and may differ by a cent from base times per cent: each
    component is rounded once, over all its periods.
    """

    kind: Literal["correction", "interest"]
    running: Running
    base: Decimal
    factor: Decimal | None
    amount: Decimal

    @property
    def percent(self) -> Decimal:
        """What it came to over all its days, in per cent: 6 decimals, half-even."""
        exact = self.running.parts / SHARES if self.factor is None else (self.factor - 1) * 100
        return exact.quantize(RATE, rounding=ROUND_HALF_EVEN)

    @property
    def missing(self) -> tuple[date, ...]:
        """First days of the months that were not published and so added nothing."""
        return self.running.growth.missing if self.running.growth else ()


@dataclass(frozen=True)
class Settlement:
    """How one payment or reduction was imputed, in that order; `credit` is what was left of it."""

    event: Event
    parts: tuple[tuple[Part, Decimal], ...]
    credit: Decimal


@dataclass(frozen=True)
class Debt:
    """What is open on a day, in reais.

    `total` = `principal` + `correction` + `fine` + `interest` + `fees`, all of them still to be paid; `principal` is
    face value, without correction. `paid` and `reduced` are what payments and reductions settled; `credit` is what they
    left over, owed to the debtor. `days_late` counts from the original due date for as long as principal is open.

    `lines` is the memory of calculation for people and adds up to `total`; `periods` and `settlements` are the finer
    one for a court (`domain.memory`).
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
    due: date
    on: date
    charges: Charges
    correction: Decimal = ZERO
    fees: Decimal = ZERO
    periods: tuple[Period, ...] = ()
    settlements: tuple[Settlement, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences in Portuguese about what could not be added because it is not published here."""
        return tuple(_notes(self.periods))


def updated_debt(
    principal: Decimal,
    due: date,
    on: date,
    charges: Charges,
    *,
    payments: Sequence[Payment] = (),
    reductions: Sequence[Reduction] = (),
    consumer: bool,
    indices: Indices = NONE,
) -> Debt:
    """The debt on the day `on`; what is dated later is not counted yet. All amounts are reais in whole cents.

    - No delay where the due date is no bank day and payment comes by the first bank day after it (Lei 7.089/1983
      art. 1); after that, days run from the original due date. What is paid or reduced in time bears no charges.
    - Correction: by the contract's index, or the law's where nothing was agreed (CC art. 389 sole paragraph); it is
      part of the capital. Months of deflation count, but never below face value (STJ, Corte Especial, REsp 1.265.580).
    - Fine: once, from the first day of delay, on the corrected principal, less rebates and returns, as it stands at
      the first late payment or discount. BadInput above 2 % for a consumer (CDC art. 52 §1).
    - Interest: simple, for each period on the corrected principal open in it; none on the fine. Agreed interest runs by
      calendar day on a month of 30; where nothing was agreed, `domain.indices` says what the law gives. Once no
      principal is open nothing grows any more.
    - Fees: where the contract has them, of the updated total of what was late, whoever lowered it since by paying.
    - A payment settles interest first (CC art. 354), then the fine, fees, correction, and at last principal. Art. 354
      puts interest before capital and is silent on the fine; the fine is an accessory already due, so it goes before
      capital, and after interest, so that the order of the law is kept to the letter. `on_capital` turns it round.
    - A reduction lowers the principal from its day on; tax withheld was never owed to the creditor and lowers it from
      the start; a discount settles like a payment.
    - Each component is rounded once, half-up, on its whole sum, so that many periods cost no more than one.
    - What is paid or reduced beyond everything open becomes `credit`.

    BadInput also for an amount that is negative or has fractions of a cent.
    """
    _check(principal, charges, [*payments, *reductions], consumer)
    in_time, late = _by_time(due, on, payments, reductions)
    with localcontext(prec=_PRECISION):
        account = _Account(principal, due, charges, _accrual(due, charges, indices))
        for event in in_time:
            account.take(event)
        if on > account.grace:
            for event in late:
                account.accrue(event.on)
                account.take(event)
            account.accrue(on)
            account.fine()
            account.charge_fees()
        return account.debt(on)


def _check(principal: Decimal, charges: Charges, events: Iterable[Event], consumer: bool) -> None:
    for amount in (principal, *(event.amount for event in events)):
        if amount < 0 or amount != cents(amount):
            raise BadInput(f"debt: {amount} is not an amount of zero or more in whole cents")
    if consumer and charges.fine_percent > CONSUMER_FINE:
        raise BadInput(
            f"charges: a fine of {percent_pt(charges.fine_percent)} on a consumer's debt; "
            f"the law allows {percent_pt(CONSUMER_FINE)} at most (CDC art. 52 §1)"
        )


def _accrual(due: date, charges: Charges, indices: Indices) -> Accrual:
    if charges.agreed:
        return Agreed(due, charges.monthly_interest_percent, charges.correction, charges.source, indices)
    return Legal(due, indices)


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


def _settles(event: Event) -> bool:
    """Does it settle what is owed, rather than say that less was owed?"""
    return isinstance(event, Payment) or event.kind == "discount"


_PAYMENT_ORDER: tuple[Part, ...] = ("interest", "fine", "fees", "correction", "principal")
_CAPITAL_ORDER: tuple[Part, ...] = ("principal", "correction", "interest", "fine", "fees")
"""Of payments on capital, and of reductions that say that less was owed."""


def _order(event: Event) -> tuple[Part, ...]:
    capital_first = event.on_capital if isinstance(event, Payment) else event.kind != "discount"
    return _CAPITAL_ORDER if capital_first else _PAYMENT_ORDER


class _Account:
    """The debt while it is being calculated, event by event."""

    def __init__(self, principal: Decimal, due: date, charges: Charges, accrual: Accrual) -> None:
        self.charges, self.accrual, self.due, self.accrued_until = charges, accrual, due, due
        self.grace = next_bank_day(due)
        self.open: dict[Part, Decimal] = dict.fromkeys(_PAYMENT_ORDER, ZERO) | {"principal": cents(principal)}
        self.units, self.factor = cents(principal), Decimal(1)  # capital = units x factor, exact
        self.accrued, self.interest_charged = Decimal(0), ZERO  # accrued: exact, see _interest
        self.collected = self.fees_charged = self.fees_settled = ZERO
        self.paid = self.reduced = self.credit = ZERO
        self.days_late = 0
        self.fine_at: int | None = None
        self.fined = False
        self.lines = [Line("Principal", f"vencimento em {_day(due)}", cents(principal))]
        self.periods: list[Period] = []
        self.settlements: list[Settlement] = []

    @property
    def capital(self) -> Decimal:
        """The corrected principal that is open, in cents: what fine and interest are reckoned on."""
        return self.open["principal"] + self.open["correction"]

    # --- growing -----------------------------------------------------------------------------------------------------
    def accrue(self, until: date) -> None:
        """Correction and interest on the open principal from the last event until this day, that day included."""
        since, self.accrued_until = self.accrued_until, until
        if since == until or not self.open["principal"]:
            return
        self.days_late = (until - self.due).days
        self._correct(since, until)
        if self.fine_at is None:
            self.fine_at = len(self.lines)
        for running in self.accrual.interest(since, until):
            self._interest(running)

    def _correct(self, since: date, until: date) -> None:
        for running in self.accrual.corrections(since, until):
            before, grown = self.capital, self.accrual.factor(running.end)
            step = (grown / self.factor).quantize(FACTOR, rounding=ROUND_HALF_EVEN)
            self.factor = grown
            self.open["correction"] = max(cents(self.units * grown) - self.open["principal"], ZERO)
            amount = self.capital - before
            self.periods.append(Period("correction", running, before, step, amount))
            if amount:
                self._line(running, f"fator {_number(step)} sobre {format_brl(before)}", amount)

    def _interest(self, running: Running) -> None:
        """Interest is summed exactly, in `SHARES` of a per cent, and what is charged is that sum in cents."""
        base = self.capital
        self.accrued += base * running.parts
        amount = cents(self.accrued / (SHARES * 100)) - self.interest_charged
        self.interest_charged += amount
        self.open["interest"] += amount
        self.periods.append(Period("interest", running, base, None, amount))
        if running.parts:
            self._line(running, f"sobre {format_brl(base)}", amount)

    def _line(self, running: Running, detail: str, amount: Decimal) -> None:
        days = "" if running.growth else f", {running.days} {'dia' if running.days == 1 else 'dias'}"
        span = f", de {_day(running.start)} a {_day(running.end)}"
        lacking = f", sem {_months(running.growth.missing)}" if running.growth and running.growth.missing else ""
        self.lines.append(Line(running.name_pt + days, detail + span + lacking + _source(running.source), amount))

    def fine(self) -> None:
        """The fine, once: on the corrected principal as it stands when the first late payment comes."""
        percent, base = self.charges.fine_percent, self.capital
        if self.fined:
            return
        self.fined = True
        if not percent or not base or not self.open["principal"]:
            return
        amount = cents(base * percent / 100)
        self.open["fine"] += amount
        corrected = ", corrigido" if self.open["correction"] else ""
        detail = f"sobre {format_brl(base)}{corrected}, uma única vez{_source(self.charges.source)}"
        self.lines.insert(self.fine_at or len(self.lines), Line(f"Multa de {percent_pt(percent)}", detail, amount))

    def charge_fees(self) -> None:
        """Fees on everything late so far, open or collected; what is already settled of them stays."""
        percent = self.charges.fees_percent
        if not percent:
            return
        charged = max(cents(self._fees_base() * percent / 100), self.fees_settled)
        self.open["fees"] = charged - self.fees_settled
        self.fees_charged = charged

    def _fees_base(self) -> Decimal:
        return sum((amount for part, amount in self.open.items() if part != "fees"), self.collected)

    # --- settling ----------------------------------------------------------------------------------------------------
    def take(self, event: Event) -> None:
        """Settle the open parts with a payment or reduction, each in its order; the rest is credit."""
        late, settles = event.on > self.grace and not _withheld(event), _settles(event)
        if late and settles:
            self.fine()
            self.charge_fees()
        settled: list[tuple[Part, Decimal]] = []
        left = event.amount
        for part in _order(event):
            if late and part == "fees" and not settles:
                self.charge_fees()
            share = min(left, self.open[part])
            left -= share
            self._settle(part, share)
            if share:
                settled.append((part, share))
        if late and settles:
            self.collected += sum((share for part, share in settled if part != "fees"), ZERO)
        self._book(event, settled, left)

    def _settle(self, part: Part, share: Decimal) -> None:
        self.open[part] -= share
        if part == "fees":
            self.fees_settled += share
        if part in ("correction", "principal"):
            self.units = max(self.units - share / self.factor, Decimal(0))

    def _book(self, event: Event, settled: list[tuple[Part, Decimal]], left: Decimal) -> None:
        self.credit += left
        if isinstance(event, Payment):
            self.paid += event.amount - left
        else:
            self.reduced += event.amount - left
        self.settlements.append(Settlement(event, tuple(settled), left))
        name = "Pagamento" if isinstance(event, Payment) else _NAMES[event.kind]
        self.lines.append(Line(f"{name} em {_day(event.on)}", _settled(settled), ZERO - event.amount))

    def debt(self, on: date) -> Debt:
        """The result."""
        if self.fees_charged:
            name, base = f"Honorários de cobrança de {percent_pt(self.charges.fees_percent)}", self._fees_base()
            detail = f"sobre {format_brl(base)}{_source(self.charges.fees_source)}"
            self.lines.append(Line(name, detail, self.fees_charged))
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
            due=self.due,
            on=on,
            charges=self.charges,
            correction=self.open["correction"],
            fees=self.open["fees"],
            periods=tuple(self.periods),
            settlements=tuple(self.settlements),
        )


# --- Pix -------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class PixQuote:
    """What a bank asks by a Pix charge with a due date (cobv), in reais; `due` is the date as the bank prolongs it."""

    due: date
    days_late: int
    fine: Decimal
    interest: Decimal
    total: Decimal


def pix_quote(principal: Decimal, due: date, on: date, charges: Charges) -> PixQuote:
    """What the bank asks for a Pix charge that carries the invoice's own due date, fine and interest.

    Where the due date is no bank day the bank prolongs it to the next one and counts fine and interest from there (API
    Pix, schema CobDataDeVencimento), while by law the days run from the original due date once those of grace have
    passed without payment (Lei 7.089/1983 art. 1). So the bank asks less than `updated_debt`, by the interest of the
    days between: a debt due on a Saturday before a holiday Monday is asked 1.020,33 on Wednesday and is 1.021,33. Such
    a charge, paid, leaves a rest; one dated today with the updated amount does not.

    Holidays of the payer's own city, which the bank also knows, are not counted here. Fine once on the face value,
    interest simple by calendar day on a month of 30, each rounded half-up to the cent; no correction.
    """
    prolonged = next_bank_day(due)
    days = max((on - prolonged).days, 0)
    fine = cents(principal * charges.fine_percent / 100) if days else ZERO
    interest = cents(principal * charges.monthly_interest_percent * days / (MONTH * 100))
    return PixQuote(prolonged, days, fine, interest, cents(principal) + fine + interest)


# --- words -----------------------------------------------------------------------------------------------------------
def _notes(periods: Iterable[Period]) -> Iterable[str]:
    missing: dict[SeriesCode, set[date]] = {}
    for period in periods:
        if period.running.growth and period.missing:
            missing.setdefault(period.running.growth.series, set()).update(period.missing)
    for series, months in missing.items():
        name = SERIES[series].name
        yield f"{name[0].upper()}{name[1:]}: {_months(sorted(months))} sem valor publicado aqui; nada foi acrescido."


def _months(months: Sequence[date]) -> str:
    """`11/2026`, or `10/2026 a 12/2026` for a row of them; months that do not follow each other are listed."""
    rows: list[list[date]] = []
    for month in months:
        if rows and (month - rows[-1][-1]).days <= 31:
            rows[-1].append(month)
        else:
            rows.append([month])
    return ", ".join(f"{row[0]:%m/%Y}" if len(row) == 1 else f"{row[0]:%m/%Y} a {row[-1]:%m/%Y}" for row in rows)


def _settled(settled: Iterable[tuple[Part, Decimal]]) -> str:
    """`juros R$ 14,33, multa R$ 20,00, principal R$ 465,67`"""
    return ", ".join(f"{_PARTS[part]} {format_brl(amount)}" for part, amount in settled)


def _source(source: str) -> str:
    return f" ({source})" if source else ""


def _number(value: Decimal) -> str:
    return f"{value:f}".replace(".", ",")


def _day(day: date) -> str:
    return day.strftime("%d/%m/%Y")

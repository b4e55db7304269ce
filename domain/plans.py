"""Agreements (*acordos*): what is offered to a debtor, what it costs him, and how far he keeps it.

A plan is a way to pay a debt and makes no new one (no novation, CC art. 361): the terms here are only how the money
comes. All amounts are reais in whole cents, all days civil days, all rates per cent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_DOWN, Decimal
from itertools import accumulate, groupby

from domain.calendars import next_bank_day
from domain.debt import Payment
from domain.errors import BadInput, Refused
from domain.facts import Financing, Instalment
from domain.money import CENT, ZERO, cents, format_brl
from domain.policy import Offer, Offset, PlanRules
from domain.schedule import move

CONSUMER_INTEREST = Decimal(1)
"""Per cent a month: the most that a creditor who is no bank may ask of a consumer for time to pay.

Decreto 22.626/1933 (Lei da Usura) art. 1 with CTN art. 161 §1, in the cautious reading; between companies the law does
not apply (Lei 14.905/2024 art. 3).
"""


@dataclass(frozen=True)
class Proposal:
    """An offer worked out for one debt on one day, with all that a consumer must know before he accepts (CDC art. 52).

    `debt` is what he owes on the day `on`, `discount` what comes off for cash; number 0 of the instalments is the down
    payment or the cash. It can be accepted up to and including `valid_until`. `financing` is None without interest;
    `yearly_percent` is the effective yearly rate of what is paid in instalments (CET), from the dates themselves.
    """

    offer: str
    on: date
    valid_until: date
    debt: Decimal
    discount: Decimal
    instalments: tuple[Instalment, ...]
    financing: Financing | None
    yearly_percent: Decimal

    @property
    def total(self) -> Decimal:
        """All that is paid: the sum with financing."""
        return sum((instalment.amount for instalment in self.instalments), ZERO)

    @property
    def without_financing(self) -> Decimal:
        """What the same debt costs where it is paid at once on these terms."""
        return self.debt - self.discount

    @property
    def interest(self) -> Decimal:
        """What the time to pay costs, in reais."""
        return self.total - self.without_financing

    @property
    def cash(self) -> bool:
        """Everything in one payment."""
        return self.instalments[-1].number == 0


# --- offering ---------------------------------------------------------------------------------------------------------


def propose(
    offer: Offer,
    rules: PlanRules,
    total: Decimal,
    principal: Decimal,
    days_late: int,
    consumer: bool,
    today: date,
) -> Proposal:
    """The offer for a debt of `total` reais today, of which `principal` is still capital.

    - The first payment is due on the last day of the offer, the others each month from it, all on bank days.
    - Cash takes the discount of the oldest age that the debt has reached.
    - Instalments are equal; the last one takes the cents of rounding.
    - Interest between companies is compound (Price table). A consumer's is simple (Decreto 22.626/1933 art. 4), never
      more than CONSUMER_INTEREST, and none of it runs on charges: the rate on the whole is lowered for that.

    Refused, with what would be possible, for more instalments than `rules.most`, a down payment under `rules.down`, an
    instalment under `rules.minimum`, or where nothing is owed. BadInput where principal is negative or above the total.
    """
    _check_owed(total, principal)
    _check_limits(offer, rules)
    valid_until = next_bank_day(move(today, rules.answer))
    if not offer.instalments:
        discount = (total * _discount(rules, days_late) / 100).quantize(CENT, rounding=ROUND_DOWN)
        cash = (Instalment(0, valid_until, total - discount),)
        return Proposal(offer.name, today, valid_until, total, discount, cash, None, ZERO)
    down = cents(total * offer.down / 100)
    financed = total - down
    rate = _rate(rules, financed, principal, consumer)
    financing = Financing(valid_until, rate, compound=not consumer) if rate else None
    amounts = _instalments(financed, offer.instalments, financing)
    _check_minimum(offer, rules, financed, financing, amounts)
    parts = [Instalment(0, valid_until, down)] if down else []
    parts += [Instalment(k, _due(valid_until, k), amount) for k, amount in enumerate(amounts, 1)]
    yearly = _yearly_percent(financed, valid_until, parts)
    return Proposal(offer.name, today, valid_until, total, ZERO, tuple(parts), financing, yearly)


def _check_owed(total: Decimal, principal: Decimal) -> None:
    if total <= 0:
        raise Refused("plan-nothing-owed", f"the debt is {format_brl(total)}; an agreement needs something to pay")
    if not 0 <= principal <= total:
        raise BadInput(f"plan: principal {principal} is not between 0 and the debt of {total}; give the open capital")


def _check_limits(offer: Offer, rules: PlanRules) -> None:
    if offer.instalments > rules.most:
        raise Refused(
            "plan-too-long",
            f"{offer.instalments} instalments are more than this ladder allows; possible are up to {rules.most}",
        )
    if offer.instalments and not rules.down <= offer.down < 100:
        raise Refused(
            "plan-down-payment",
            f"a down payment of {offer.down}% is outside what this ladder allows; possible is from {rules.down}% on, "
            "under 100%, or cash",
        )


def _check_minimum(
    offer: Offer, rules: PlanRules, financed: Decimal, financing: Financing | None, amounts: Sequence[Decimal]
) -> None:
    least = max(rules.minimum, CENT)
    if min(amounts) >= least:
        return
    possible = next(
        (n for n in range(offer.instalments - 1, 0, -1) if min(_instalments(financed, n, financing)) >= least), 0
    )
    wanted = f"up to {possible} with this down payment, or cash" if possible else "cash"
    raise Refused(
        "plan-instalment-too-small",
        f"{offer.instalments} instalments of {format_brl(min(amounts))} are under the least of {format_brl(least)}; "
        f"possible is {wanted}",
    )


def _discount(rules: PlanRules, days_late: int) -> Decimal:
    reached = [discount for discount in rules.discounts if days_late >= discount.days_late]
    return max(reached, key=lambda discount: discount.days_late).percent if reached else Decimal(0)


def _rate(rules: PlanRules, financed: Decimal, principal: Decimal, consumer: bool) -> Decimal:
    """Per cent a month on what is financed.

    A consumer pays no interest on the interest of his delay (Decreto 22.626/1933 art. 4): where more is financed than
    the capital, the rate is lowered in proportion, down to hundredths.
    """
    if not consumer or not rules.interest or not financed:
        return rules.interest
    rate = min(rules.interest, CONSUMER_INTEREST) * min(financed, principal) / financed
    return rate.quantize(Decimal("0.01"), rounding=ROUND_DOWN)


def _instalments(financed: Decimal, number: int, financing: Financing | None) -> list[Decimal]:
    """Equal instalments whose values on the first day add up to what is financed; the last takes the cents.

    Compound, this is the Price table; simple, each instalment is a part of the capital with simple interest on it.
    """
    worth = sum((1 / _growth(financing, Decimal(k)) for k in range(1, number + 1)), Decimal(0))
    each = financed / worth
    amount = cents(each)
    return [amount] * (number - 1) + [cents(each * number) - amount * (number - 1)]


def _growth(financing: Financing | None, months: Decimal) -> Decimal:
    """What one real of capital has grown to after so many months."""
    if financing is None:
        return Decimal(1)
    rate = financing.monthly_percent / 100
    return (1 + rate) ** months if financing.compound else 1 + rate * months


def _due(first: date, months: int) -> date:
    return next_bank_day(move(first, Offset(months, "m")))


def _yearly_percent(financed: Decimal, since: date, instalments: Sequence[Instalment]) -> Decimal:
    """The effective yearly rate (*custo efetivo total*) of what is financed, in per cent, to two decimals.

    The rate r with which the instalments, each divided by (1 + r) to the power of its days by 365, add up to what is
    financed: the formula of Res. CMN 4.881/2020 (banks), which is what CDC art. 52 II means by an effective rate.
    """
    later = [(instalment.amount, (instalment.due - since).days) for instalment in instalments if instalment.number]
    if sum((amount for amount, _ in later), ZERO) <= financed:
        return ZERO
    low, high = Decimal("0.9"), Decimal(1)  # what one real of tomorrow is worth today
    for _ in range(50):
        daily = (low + high) / 2
        if sum((amount * daily**days for amount, days in later), Decimal(0)) > financed:
            high = daily
        else:
            low = daily
    return cents((1 / high**365 - 1) * 100)


# --- keeping ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PlanState:
    """How far a plan is kept on a day.

    `paid`: instalments paid whole, in order. `next`: the first that is not, with `next_open` still to be paid of it.
    `open`: all that is still to be paid as agreed. `settlement`: what ends the plan on that day, less than `open` by
    the interest that has not run (CDC art. 52 §2). `credit`: paid beyond the plan. `completed_on`: the day of the
    payment with which everything was paid.
    """

    paid: tuple[Instalment, ...]
    next: Instalment | None
    next_open: Decimal
    open: Decimal
    settlement: Decimal
    credit: Decimal
    completed_on: date | None


def instalment_state(
    instalments: Sequence[Instalment],
    paid: Sequence[Payment],
    on: date,
    financing: Financing | None = None,
    crumbs: Decimal = ZERO,
) -> PlanState:
    """The state of a plan on a day; payments of later days are not counted yet.

    Payments pay the instalments in their order. The one that is due next is paid as agreed; what is paid beyond it
    comes early, and the interest that has not run comes off (CDC art. 52 §2, which also holds for a part). A payment
    that reaches the settlement of its day ends the plan. `crumbs`: a rest of up to so many reais is no rest.
    """
    account = _account(instalments, paid, on, financing, crumbs)
    rests = list(accumulate(account.open))
    first = next((index for index, rest in enumerate(rests) if rest > crumbs), len(rests))
    return PlanState(
        paid=tuple(instalments[:first]),
        next=instalments[first] if first < len(rests) else None,
        next_open=rests[first] if first < len(rests) else ZERO,
        open=sum(account.open, ZERO),
        settlement=account.settlement(on),
        credit=account.credit,
        completed_on=account.completed_on,
    )


def broken_on(
    instalments: Sequence[Instalment],
    paid: Sequence[Payment],
    tolerance: Offset,
    today: date,
    financing: Financing | None = None,
    crumbs: Decimal = ZERO,
) -> date | None:
    """The day from which a plan is broken: the one after the last day to pay some instalment; None while it is kept.

    That last day is the due date with the tolerance, or the next bank day where banks are closed on it (CC art. 132
    §1). Money that comes later does not mend a broken plan; it pays the debt.
    """
    for index, last in enumerate(last_days(instalments, tolerance)):
        if last >= today:
            return None
        if sum(_account(instalments, paid, last, financing, crumbs).open[: index + 1], ZERO) > crumbs:
            return last + timedelta(days=1)
    return None


def last_days(instalments: Sequence[Instalment], tolerance: Offset) -> Iterator[date]:
    """The last day on which each instalment can be paid without breaking the plan."""
    return (next_bank_day(move(next_bank_day(instalment.due), tolerance)) for instalment in instalments)


class _Account:
    """A plan while its payments are counted."""

    def __init__(self, instalments: Sequence[Instalment], financing: Financing | None, crumbs: Decimal) -> None:
        self.instalments, self.financing, self.crumbs = instalments, financing, crumbs
        self.open = [instalment.amount for instalment in instalments]
        self.credit = ZERO
        self.completed_on: date | None = None

    def settlement(self, day: date) -> Decimal:
        """What pays everything that is open on that day."""
        return sum((cents(amount * self._worth(index, day)) for index, amount in enumerate(self.open)), ZERO)

    def take(self, day: date, amount: Decimal) -> None:
        """Count what was paid on one day."""
        prices = [self._price(index, day) for index in range(len(self.open))]
        if amount >= self.settlement(day) - self.crumbs:
            self.open = [ZERO] * len(self.open)
            self.credit += max(amount - sum(prices, ZERO), ZERO)
            self.completed_on = self.completed_on or day
            return
        for index, price in enumerate(prices):
            if amount < price:
                self.open[index] -= cents(self.open[index] * amount / price)
                return
            self.open[index] = ZERO
            amount -= price

    def _price(self, index: int, day: date) -> Decimal:
        """What pays an instalment on that day: as agreed where it is in its turn, less by its interest before."""
        rest = self.open[index]
        return rest if self._in_turn(index, day) else cents(rest * self._worth(index, day))

    def _in_turn(self, index: int, day: date) -> bool:
        """Is this the instalment of the running month, or one that is late?"""
        return index == 0 or day > self.instalments[index - 1].due

    def _worth(self, index: int, day: date) -> Decimal:
        """What one real of an instalment is worth on a day: 1 once its interest has run."""
        if self.financing is None or not (number := self.instalments[index].number):
            return Decimal(1)
        run = min(_months(self.financing.since, day, number), Decimal(number))
        return _growth(self.financing, run) / _growth(self.financing, Decimal(number))


def _account(
    instalments: Sequence[Instalment], paid: Sequence[Payment], on: date, financing: Financing | None, crumbs: Decimal
) -> _Account:
    account = _Account(instalments, financing, crumbs)
    known = sorted((payment for payment in paid if payment.on <= on), key=lambda payment: payment.on)
    for day, payments in groupby(known, key=lambda payment: payment.on):
        account.take(day, sum((payment.amount for payment in payments), ZERO))
    return account


def _months(since: date, day: date, most: int) -> Decimal:
    """Months from one day to another, the running one by its days; none before, and no more than `most`."""
    whole = 0
    while whole < most and move(since, Offset(whole + 1, "m")) <= day:
        whole += 1
    if whole == most or day <= since:
        return Decimal(whole)
    start, end = move(since, Offset(whole, "m")), move(since, Offset(whole + 1, "m"))
    return whole + Decimal((day - start).days) / (end - start).days

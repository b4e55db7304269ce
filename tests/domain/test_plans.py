"""Agreements: what is offered, what it costs, how far it is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.calendars import is_bank_day
from domain.debt import Payment
from domain.errors import BadInput, Refused
from domain.facts import FACT, Financing, Instalment, PlanAgreed, from_json, to_json
from domain.money import ZERO, cents
from domain.plans import CONSUMER_INTEREST, PlanState, Proposal, broken_on, instalment_state, last_days, propose
from domain.policy import Discount, Offer, Offset, PlanRules

TODAY = date(2026, 11, 3)  # a Tuesday; five bank days on is Tuesday the 10th
FIRST = date(2026, 11, 10)
RULES = PlanRules(most=6, down=Decimal(0), minimum=Decimal("50.00"), interest=Decimal(1))
FREE = replace(RULES, interest=Decimal(0))
THREE = Offer("parcelamento-3x", 3, Decimal(0))
TOLERANCE = Offset(5, "d")


def offered(
    offer: Offer = THREE,
    rules: PlanRules = RULES,
    total: str = "1000.00",
    principal: str | None = None,
    days_late: int = 20,
    consumer: bool = False,
) -> Proposal:
    return propose(offer, rules, Decimal(total), Decimal(principal or total), days_late, consumer, TODAY)


def amounts(proposal: Proposal) -> list[str]:
    return [str(instalment.amount) for instalment in proposal.instalments]


# --- offering ---------------------------------------------------------------------------------------------------------


def test_a_down_payment_and_three_instalments_without_interest() -> None:
    proposal = offered(Offer("p", 3, Decimal(30)), FREE, "1034.33", "1000.00")

    assert proposal.valid_until == FIRST
    assert proposal.instalments == (
        Instalment(0, date(2026, 11, 10), Decimal("310.30")),
        Instalment(1, date(2026, 12, 10), Decimal("241.34")),
        Instalment(2, date(2027, 1, 11), Decimal("241.34")),  # the 10th is a Sunday
        Instalment(3, date(2027, 2, 10), Decimal("241.35")),  # Ash Wednesday: banks settle
    )
    assert (proposal.total, proposal.interest, proposal.yearly_percent) == (Decimal("1034.33"), ZERO, ZERO)
    assert proposal.financing is None


def test_a_company_s_instalments_are_those_of_the_price_table() -> None:
    """1000.00 at 1 % a month in 3: the factor is 0.01 / (1 - 1.01^-3) = 0.340022, in 12: 0.088849 (1066.19 in all)."""
    assert amounts(offered()) == ["340.02", "340.02", "340.03"]
    assert offered().total == Decimal("1020.07")
    twelve = offered(Offer("p", 12, Decimal(0)), replace(RULES, most=12))
    assert amounts(twelve)[0] == "88.85"
    assert twelve.total == Decimal("1066.19")


def test_a_consumer_s_interest_is_simple() -> None:
    """1000.00 at 1 % in 3: 1000 / (1/1.01 + 1/1.02 + 1/1.03) = 339.978; interest on interest is forbidden."""
    proposal = offered(consumer=True)

    assert amounts(proposal) == ["339.98", "339.98", "339.97"]
    assert proposal.financing == Financing(FIRST, Decimal("1.00"), compound=False)
    assert proposal.total < offered(consumer=False).total


def test_a_consumer_never_pays_more_than_the_law_of_usury_allows() -> None:
    dear = replace(RULES, interest=Decimal(9))

    assert offered(rules=dear, consumer=True) == offered(consumer=True)
    assert offered(rules=dear).interest > offered().interest


def test_a_consumer_pays_no_interest_on_the_charges_of_his_delay() -> None:
    """1000.00 of which 900.00 is capital: 1 % of 900.00 is 0.9 % of 1000.00."""
    proposal = offered(principal="900.00", consumer=True)

    assert proposal.financing == Financing(FIRST, Decimal("0.90"), compound=False)
    after_down = offered(Offer("p", 3, Decimal(30)), principal="900.00", consumer=True)
    assert after_down.financing == Financing(FIRST, Decimal("1.00"), compound=False)
    assert offered(principal="0.00", consumer=True).financing is None


def test_the_effective_yearly_rate_comes_from_the_dates() -> None:
    """Price at 1 % a month is 12.68 % a year; what the dates say differs from whole months by hundredths."""
    twelve = offered(Offer("p", 12, Decimal(0)), replace(RULES, most=12))
    since = twelve.valid_until
    rate = 1 + twelve.yearly_percent / 100
    present = sum(
        (part.amount / rate ** (Decimal((part.due - since).days) / 365) for part in twelve.instalments), Decimal(0)
    )

    assert abs(twelve.yearly_percent - Decimal("12.68")) < Decimal("0.1")
    assert abs(present - 1000) < Decimal("0.05")


def test_a_consumer_is_told_the_sum_with_and_without_financing() -> None:
    proposal = offered(Offer("p", 3, Decimal(30)), consumer=True)

    assert proposal.without_financing == Decimal("1000.00")
    assert proposal.total == proposal.without_financing + proposal.interest
    assert proposal.interest == Decimal("13.95")
    assert proposal.yearly_percent > 11


@pytest.mark.parametrize(
    ("days_late", "amount"), [(29, "1000.00"), (30, "950.00"), (89, "950.00"), (90, "900.00"), (400, "900.00")]
)
def test_cash_takes_the_discount_of_the_age_that_the_debt_has_reached(days_late: int, amount: str) -> None:
    rules = replace(RULES, discounts=(Discount(90, Decimal(10)), Discount(30, Decimal(5))))
    proposal = offered(Offer("a-vista", 0, Decimal(100)), rules, days_late=days_late)

    assert proposal.cash
    assert proposal.instalments == (Instalment(0, FIRST, Decimal(amount)),)
    assert proposal.total == proposal.without_financing
    assert not offered(days_late=days_late, rules=rules).discount


def test_what_passes_the_ladder_s_limits_is_refused_with_what_would_be_possible() -> None:
    with pytest.raises(Refused, match="possible are up to 6") as long:
        offered(Offer("p", 7, Decimal(0)))
    with pytest.raises(Refused, match="possible is from 20% on") as low:
        offered(Offer("p", 3, Decimal(10)), replace(RULES, down=Decimal(20)))
    with pytest.raises(Refused, match="possible is up to 2 with this down payment, or cash") as small:
        offered(total="120.00")
    with pytest.raises(Refused, match="possible is cash") as tiny:
        offered(total="40.00")
    with pytest.raises(Refused, match="needs something to pay") as nothing:
        propose(THREE, RULES, ZERO, ZERO, 0, False, TODAY)

    codes = [refused.value.code for refused in (long, low, small, tiny, nothing)]
    assert codes == [
        "plan-too-long",
        "plan-down-payment",
        "plan-instalment-too-small",
        "plan-instalment-too-small",
        "plan-nothing-owed",
    ]
    assert offered(Offer("p", 2, Decimal(0)), total="120.00").instalments[0].amount >= RULES.minimum


def test_more_capital_than_debt_is_no_debt_of_ours() -> None:
    with pytest.raises(BadInput, match="give the open capital"):
        offered(principal="1000.01")


def test_the_fact_of_a_plan_goes_through_json_unchanged() -> None:
    proposal = offered(consumer=True)
    fact = PlanAgreed("p1", proposal.instalments, proposal.offer, "reply", "0" * 64, "", proposal.financing)

    assert from_json(to_json(fact)) == fact
    assert FACT.validate_python({"kind": "plan", "plan_id": "p1", "instalments": []}).financing is None  # type: ignore[union-attr]


MONEY = st.decimals(Decimal("0.01"), Decimal(10**7), places=2)


@st.composite
def proposals(draw: st.DrawFn) -> tuple[Proposal, PlanRules, bool]:
    """Offers of all kinds that are possible."""
    rules = PlanRules(
        most=draw(st.integers(1, 24)),
        down=Decimal(draw(st.integers(0, 50))),
        minimum=draw(st.decimals(0, 100, places=2)),
        interest=draw(st.decimals(0, 5, places=2)),
        discounts=(Discount(30, Decimal(draw(st.integers(1, 99)))),),
    )
    instalments = draw(st.integers(0, rules.most))
    down = Decimal(draw(st.integers(int(rules.down), 99))) if instalments else Decimal(100)
    total, consumer = draw(MONEY), draw(st.booleans())
    principal = cents(total * draw(st.integers(0, 100)) / 100)
    today = draw(st.dates(date(2020, 1, 1), date(2040, 1, 1)))
    try:
        offer = Offer("p", instalments, down)
        return propose(offer, rules, total, principal, draw(st.integers(0, 99)), consumer, today), rules, consumer
    except Refused as refused:
        assume(refused.code != "plan-instalment-too-small")
        raise


@given(proposals())
def test_an_offer_adds_up_to_the_cent_and_keeps_every_limit(drawn: tuple[Proposal, PlanRules, bool]) -> None:
    proposal, rules, consumer = drawn
    later = [part for part in proposal.instalments if part.number]
    days = [part.due for part in proposal.instalments]

    assert sum((part.amount for part in proposal.instalments), ZERO) == proposal.total
    assert proposal.total == proposal.debt - proposal.discount + proposal.interest
    assert proposal.interest >= 0
    assert (proposal.interest == 0) or proposal.financing is not None
    assert all(part.amount == cents(part.amount) > 0 for part in proposal.instalments)
    assert all(first < second for first, second in pairwise(days))
    assert all(is_bank_day(day) for day in days)
    assert len(later) <= rules.most
    assert all(part.amount >= rules.minimum for part in later)
    assert [part.number for part in later] == list(range(1, len(later) + 1))
    if consumer and proposal.financing:
        assert not proposal.financing.compound
        assert proposal.financing.monthly_percent <= CONSUMER_INTEREST
        financed = sum((part.amount for part in later), ZERO) - proposal.interest
        assert proposal.interest <= financed * len(later) / 100 + Decimal("0.01")


@given(proposals())
def test_equal_instalments_differ_only_by_the_cents_of_the_last(drawn: tuple[Proposal, PlanRules, bool]) -> None:
    later = [part.amount for part in drawn[0].instalments if part.number]

    assert len(set(later[:-1])) <= 1
    assert not later or abs(later[-1] - later[0]) <= Decimal("0.01") * len(later)


# --- keeping ----------------------------------------------------------------------------------------------------------

PRICE = offered(Offer("p", 3, Decimal(30)))
"""300.00 on 10/11, then 238.02, 238.02 and 238.01 on 10/12, 11/01 and 10/02."""


def state(*paid: tuple[str, date], on: date = date(2027, 3, 1), crumbs: str = "0.00") -> PlanState:
    payments = [Payment(day, Decimal(amount)) for amount, day in paid]
    return instalment_state(PRICE.instalments, payments, on, PRICE.financing, Decimal(crumbs))


DOWN = ("300.00", date(2026, 11, 10))
ONE = ("238.02", date(2026, 12, 10))


def test_payments_pay_the_instalments_in_their_order() -> None:
    now = state(DOWN, ("100.00", date(2026, 12, 9)), on=date(2026, 12, 9))

    assert [part.number for part in now.paid] == [0]
    assert now.next == PRICE.instalments[1]
    assert now.next_open == Decimal("138.02")
    assert now.open == Decimal("614.05")
    assert now.completed_on is None


def test_what_is_paid_later_does_not_count_yet() -> None:
    assert state(DOWN, ONE, on=date(2026, 12, 9)) == state(DOWN, on=date(2026, 12, 9))


def test_a_plan_paid_as_agreed_is_completed_with_its_last_instalment() -> None:
    paid = [(str(part.amount), part.due) for part in PRICE.instalments]
    now = state(*paid)

    assert now.completed_on == date(2027, 2, 10)
    assert (now.open, now.settlement, now.credit, now.next) == (ZERO, ZERO, ZERO, None)
    assert len(now.paid) == 4


def test_an_instalment_paid_a_few_days_before_is_paid_as_agreed_and_gives_no_cents_back() -> None:
    paid = [(str(part.amount), part.due - timedelta(days=4)) for part in PRICE.instalments]

    assert state(*paid).credit == ZERO
    assert state(*paid[:2]).open == sum((part.amount for part in PRICE.instalments[2:]), ZERO)


def test_who_settles_on_the_first_day_pays_no_interest() -> None:
    """On the day on which interest begins, what is open is worth what was financed: 700.00."""
    now = state(DOWN, on=FIRST)

    assert now.open == Decimal("714.05")
    assert now.settlement == Decimal("700.00")
    settled = state(DOWN, ("700.00", FIRST))
    assert settled.completed_on == FIRST
    assert settled.credit == ZERO


def test_who_settles_after_a_month_pays_the_interest_of_a_month() -> None:
    """700.00 with 1 % is 707.00; less the instalment of that day leaves 468.98."""
    assert state(DOWN, on=date(2026, 12, 10)).settlement == Decimal("707.00")
    assert state(DOWN, ONE, on=date(2026, 12, 10)).settlement == Decimal("468.98")


def test_an_instalment_paid_a_month_early_is_paid_without_its_interest() -> None:
    """CDC art. 52 §2, a part: 238.02 of 11/01 are worth 235.66 on 10/12, and the rest goes to the next."""
    now = state(DOWN, ("476.04", date(2026, 12, 10)), on=date(2026, 12, 10))

    assert [part.number for part in now.paid] == [0, 1, 2]
    assert now.next_open == Decimal("235.60")


def test_what_is_paid_beyond_the_plan_is_the_debtor_s() -> None:
    paid = [(str(part.amount), part.due) for part in PRICE.instalments]

    assert state(*paid[:-1], ("250.01", date(2027, 2, 10))).credit == Decimal("12.00")
    assert state(*paid, ("5.00", date(2027, 2, 11))).credit == Decimal("5.00")


def test_crumbs_break_no_plan_and_keep_none_open() -> None:
    almost = ("299.98", date(2026, 11, 10))
    now = state(almost, on=date(2026, 11, 11), crumbs="5.00")

    assert [part.number for part in now.paid] == [0]
    assert now.next_open == Decimal("238.04")
    late = date(2026, 12, 1)
    payments = [Payment(almost[1], Decimal(almost[0]))]
    assert broken_on(PRICE.instalments, payments, TOLERANCE, late, crumbs=Decimal("5.00")) is None
    assert broken_on(PRICE.instalments, payments, TOLERANCE, late) == date(2026, 11, 17)


def test_a_plan_breaks_the_day_after_its_tolerance() -> None:
    """Due on Tuesday 10/11, five days on is Sunday the 15th, and the bank day after it Monday the 16th."""
    assert next(last_days(PRICE.instalments, TOLERANCE)) == date(2026, 11, 16)
    assert broken_on(PRICE.instalments, [], TOLERANCE, date(2026, 11, 16)) is None
    assert broken_on(PRICE.instalments, [], TOLERANCE, date(2026, 11, 17)) == date(2026, 11, 17)
    assert broken_on(PRICE.instalments, [], TOLERANCE, date(2027, 5, 1)) == date(2026, 11, 17)


def test_money_within_the_tolerance_keeps_a_plan_and_later_money_does_not_mend_it() -> None:
    on_the_last_day = [Payment(date(2026, 11, 16), Decimal("300.00"))]
    too_late = [Payment(date(2026, 11, 17), Decimal("1014.05"))]

    assert broken_on(PRICE.instalments, on_the_last_day, TOLERANCE, date(2026, 12, 1)) is None
    assert broken_on(PRICE.instalments, too_late, TOLERANCE, date(2026, 12, 1)) == date(2026, 11, 17)


def test_who_settled_early_has_broken_nothing() -> None:
    payments = [Payment(FIRST, Decimal("1000.00"))]

    assert broken_on(PRICE.instalments, payments, TOLERANCE, date(2028, 1, 1), PRICE.financing) is None
    assert broken_on(PRICE.instalments, payments, TOLERANCE, date(2028, 1, 1)) is not None


@given(proposals(), st.integers(-40, 800), st.integers(0, 30))
def test_early_settlement_lies_between_the_capital_and_what_is_open(
    drawn: tuple[Proposal, PlanRules, bool], day: int, paid: int
) -> None:
    proposal = drawn[0]
    payments = [Payment(part.due, part.amount) for part in proposal.instalments[:paid]]
    on = max([proposal.valid_until + timedelta(days=day), *(payment.on for payment in payments)])
    now = instalment_state(proposal.instalments, payments, on, proposal.financing)
    on_the_first_day = instalment_state(proposal.instalments[paid:], [], proposal.on, proposal.financing)

    assert now.open == sum((part.amount for part in proposal.instalments[paid:]), ZERO)
    assert on_the_first_day.settlement <= now.settlement <= now.open
    if not paid:
        difference = abs(on_the_first_day.settlement - proposal.without_financing)
        assert difference <= Decimal("0.01") * len(proposal.instalments)


@given(proposals(), st.lists(st.tuples(st.integers(-10, 900), MONEY), max_size=6), st.integers(0, 900))
def test_whatever_is_paid_is_counted_once(
    drawn: tuple[Proposal, PlanRules, bool], paid: list[tuple[int, Decimal]], day: int
) -> None:
    proposal = drawn[0]
    payments = [Payment(proposal.valid_until + timedelta(days=after), amount) for after, amount in paid]
    on = proposal.valid_until + timedelta(days=day)
    now = instalment_state(proposal.instalments, payments, on, proposal.financing)
    counted = sum((payment.amount for payment in payments if payment.on <= on), ZERO)

    assert now.open >= 0
    assert now.open + counted - now.credit <= proposal.total + Decimal("0.01") * len(payments) * len(
        proposal.instalments
    )
    assert now.credit <= counted
    assert (now.next is None) is (now.open == 0) is (now.completed_on is not None)
    assert instalment_state(proposal.instalments, payments[::-1], on, proposal.financing) == now


@given(proposals(), st.integers(0, 900), st.integers(0, 20))
def test_a_plan_kept_to_the_day_is_never_broken_and_one_that_is_not_breaks_once(
    drawn: tuple[Proposal, PlanRules, bool], day: int, missing: int
) -> None:
    proposal = drawn[0]
    payments = [Payment(part.due, part.amount) for part in proposal.instalments]
    today = proposal.valid_until + timedelta(days=day)

    assert broken_on(proposal.instalments, payments, TOLERANCE, today, proposal.financing) is None
    kept = payments[: missing % len(payments)]
    lapse = list(last_days(proposal.instalments, TOLERANCE))[len(kept)] + timedelta(days=1)
    assert broken_on(proposal.instalments, kept, TOLERANCE, today, proposal.financing) == (
        lapse if today >= lapse else None
    )

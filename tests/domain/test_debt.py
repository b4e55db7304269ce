"""What is owed on a day, and that the cents add up."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.debt import Charges, Debt, Payment, Reduction, ReductionKind, updated_debt
from domain.errors import BadInput
from domain.money import ZERO, cents

SATURDAY = date(2026, 10, 10)  # 12 October is a holiday: the first bank day is Tuesday 13
MONDAY = date(2026, 3, 2)
AGREED = Charges(Decimal(2), Decimal(1), "contrato, cláusula 5")
NONE = Charges(ZERO, ZERO, "")


def d(reais: str) -> Decimal:
    return Decimal(reais)


def owed(
    due: date,
    on: date,
    *,
    charges: Charges = AGREED,
    payments: tuple[Payment, ...] = (),
    reductions: tuple[Reduction, ...] = (),
) -> Debt:
    return updated_debt(d("1000.00"), due, on, charges, payments=payments, reductions=reductions, consumer=True)


@pytest.mark.parametrize(
    ("on", "days", "fine", "interest", "total"),
    [
        (date(2026, 10, 9), 0, "0.00", "0.00", "1000.00"),
        (date(2026, 10, 10), 0, "0.00", "0.00", "1000.00"),
        (date(2026, 10, 13), 0, "0.00", "0.00", "1000.00"),
        (date(2026, 10, 14), 4, "20.00", "1.33", "1021.33"),
        (date(2026, 11, 22), 43, "20.00", "14.33", "1034.33"),
    ],
)
def test_a_due_date_on_a_saturday_has_grace_until_the_bank_opens_and_then_counts_from_the_saturday(
    on: date, days: int, fine: str, interest: str, total: str
) -> None:
    debt = owed(SATURDAY, on)
    assert (debt.days_late, debt.fine, debt.interest, debt.total) == (days, d(fine), d(interest), d(total))
    assert debt.principal == d("1000.00")


def test_the_memory_of_calculation_names_every_item() -> None:
    debt = owed(SATURDAY, date(2026, 11, 22))
    assert [(line.name_pt, line.amount) for line in debt.lines] == [
        ("Principal", d("1000.00")),
        ("Multa de 2%", d("20.00")),
        ("Juros de mora de 1% ao mês, 43 dias", d("14.33")),
    ]
    assert debt.lines[0].detail_pt == "vencimento em 10/10/2026"
    assert debt.lines[2].detail_pt == "sobre R$ 1.000,00, de 11/10/2026 a 22/11/2026 (contrato, cláusula 5)"


def test_a_payment_settles_interest_then_fine_then_principal() -> None:
    debt = owed(SATURDAY, date(2026, 11, 22), payments=(Payment(date(2026, 11, 10), d("500.00")),))
    assert [line.name_pt for line in debt.lines] == [
        "Principal",
        "Multa de 2%",
        "Juros de mora de 1% ao mês, 31 dias",
        "Pagamento em 10/11/2026",
        "Juros de mora de 1% ao mês, 12 dias",
    ]
    assert debt.lines[3].detail_pt == "juros R$ 10,33, multa R$ 20,00, principal R$ 469,67"
    assert (debt.principal, debt.fine, debt.interest) == (d("530.33"), ZERO, d("2.12"))
    assert (debt.paid, debt.total) == (d("500.00"), d("532.45"))


def test_a_payment_smaller_than_the_interest_leaves_fine_and_principal_untouched() -> None:
    debt = owed(MONDAY, date(2026, 4, 1), payments=(Payment(date(2026, 4, 1), d("4.00")),))
    assert (debt.principal, debt.fine, debt.interest, debt.days_late) == (d("1000.00"), d("20.00"), d("6.00"), 30)


def test_paying_the_face_value_late_leaves_the_charges_as_principal() -> None:
    debt = owed(MONDAY, date(2026, 4, 1), payments=(Payment(date(2026, 4, 1), d("1000.00")),))
    assert debt.total == debt.principal == d("30.00")


def test_what_was_paid_within_the_days_of_grace_bears_no_charges() -> None:
    debt = owed(SATURDAY, date(2026, 11, 22), payments=(Payment(date(2026, 10, 13), d("400.00")),))
    assert (debt.principal, debt.fine, debt.interest) == (d("600.00"), d("12.00"), d("8.60"))


def test_a_debt_paid_in_time_stays_paid() -> None:
    debt = owed(SATURDAY, date(2027, 10, 1), payments=(Payment(date(2026, 10, 13), d("1000.00")),))
    assert (debt.total, debt.days_late, debt.credit) == (ZERO, 0, ZERO)
    assert [line.name_pt for line in debt.lines] == ["Principal", "Pagamento em 13/10/2026"]


def test_interest_stops_when_the_principal_is_paid() -> None:
    paid = Payment(date(2026, 4, 1), d("1030.00"))
    assert owed(MONDAY, date(2026, 4, 1), payments=(paid,)).total == ZERO
    later = owed(MONDAY, date(2026, 12, 1), payments=(paid,))
    assert (later.total, later.days_late) == (ZERO, 30)


def test_a_payment_dated_later_is_not_counted_yet() -> None:
    debt = owed(MONDAY, date(2026, 3, 10), payments=(Payment(date(2026, 3, 11), d("1000.00")),))
    assert debt.paid == ZERO
    assert debt == owed(MONDAY, date(2026, 3, 10))


def test_what_is_paid_too_much_is_credit_and_nothing_is_owed() -> None:
    debt = owed(MONDAY, MONDAY, payments=(Payment(MONDAY, d("1000.00")), Payment(MONDAY, d("1000.00"))))
    assert (debt.total, debt.credit, debt.paid) == (ZERO, d("1000.00"), d("1000.00"))
    assert debt.lines[-1].name_pt == "Crédito do devedor"


def test_a_rebate_before_the_first_payment_lowers_the_fine_and_one_after_it_does_not() -> None:
    rebate = Reduction(date(2026, 3, 20), d("100.00"), "rebate")
    payment = Payment(date(2026, 3, 25), d("200.00"))
    assert owed(MONDAY, date(2026, 3, 24), reductions=(rebate,)).fine == d("18.00")
    before = owed(MONDAY, date(2026, 4, 1), reductions=(rebate,), payments=(payment,))
    after = owed(
        MONDAY, date(2026, 4, 1), reductions=(Reduction(date(2026, 3, 26), d("100.00"), "rebate"),), payments=(payment,)
    )
    assert [line.amount for line in before.lines if line.name_pt.startswith("Multa")] == [d("18.00")]
    assert [line.amount for line in after.lines if line.name_pt.startswith("Multa")] == [d("20.00")]


def test_a_rebate_on_the_day_of_a_payment_comes_first() -> None:
    day = date(2026, 3, 25)
    debt = owed(MONDAY, day, reductions=(Reduction(day, d("100.00"), "rebate"),), payments=(Payment(day, d("1.00")),))
    assert [line.name_pt.split(" em ")[0] for line in debt.lines][-2:] == ["Abatimento", "Pagamento"]
    assert debt.fine == d("18.00")


def test_goods_returned_after_payment_are_the_debtors_credit() -> None:
    debt = owed(
        MONDAY,
        date(2026, 3, 30),
        payments=(Payment(MONDAY, d("1000.00")),),
        reductions=(Reduction(date(2026, 3, 20), d("150.00"), "return"),),
    )
    assert (debt.total, debt.credit, debt.reduced) == (ZERO, d("150.00"), ZERO)


def test_an_invoice_with_tax_withheld_is_closed_by_the_rest_and_never_charged_on_the_tax() -> None:
    withheld = Reduction(date(2026, 4, 1), d("61.50"), "withholding")
    in_time = owed(MONDAY, date(2026, 5, 1), reductions=(withheld,), payments=(Payment(MONDAY, d("938.50")),))
    assert in_time.total == ZERO
    late = owed(MONDAY, date(2026, 4, 1), reductions=(withheld,))
    assert (late.fine, late.interest) == (d("18.77"), d("9.39"))


def test_without_agreement_nothing_is_added() -> None:
    debt = owed(MONDAY, date(2027, 3, 2), charges=NONE)
    assert (debt.total, debt.days_late) == (d("1000.00"), 365)
    assert [line.name_pt for line in debt.lines] == ["Principal"]


def test_a_consumer_is_fined_two_per_cent_at_most_and_a_company_what_was_agreed() -> None:
    ten = Charges(Decimal(10), Decimal("0.5"), "contrato")
    with pytest.raises(BadInput, match=r"fine of 10%.*2% at most"):
        updated_debt(d("1000.00"), MONDAY, MONDAY, ten, consumer=True)
    company = updated_debt(d("1000.00"), MONDAY, date(2026, 3, 3), ten, consumer=False)
    assert [line.name_pt for line in company.lines][1:] == ["Multa de 10%", "Juros de mora de 0,5% ao mês, 1 dia"]
    assert company.fine == d("100.00")


def test_many_periods_are_rounded_no_more_than_one() -> None:
    tiny = tuple(Payment(MONDAY + timedelta(days=n), ZERO) for n in range(1, 31))
    whole = updated_debt(d("10.00"), MONDAY, date(2026, 4, 1), AGREED, consumer=True)
    split = updated_debt(d("10.00"), MONDAY, date(2026, 4, 1), AGREED, payments=tiny, consumer=True)
    assert split.interest == whole.interest == d("0.10")


@pytest.mark.parametrize(
    ("principal", "payment"), [("-1.00", "1.00"), ("1.001", "1.00"), ("1.00", "-1.00"), ("1.00", "0.005")]
)
def test_amounts_that_are_negative_or_split_cents_are_refused(principal: str, payment: str) -> None:
    with pytest.raises(BadInput, match="whole cents"):
        updated_debt(d(principal), MONDAY, MONDAY, NONE, payments=[Payment(MONDAY, d(payment))], consumer=True)


def test_negative_charges_are_refused() -> None:
    with pytest.raises(BadInput, match="negative"):
        Charges(Decimal(-1), ZERO, "contrato")


AMOUNTS = st.decimals(min_value=0, max_value=100_000, places=2)
DUES = st.dates(date(2024, 1, 1), date(2028, 12, 31))
CHARGES = st.builds(
    Charges,
    st.decimals(min_value=0, max_value=2, places=2),
    st.decimals(min_value=0, max_value=10, places=3),
    st.just("c"),
)
KINDS: list[ReductionKind] = ["rebate", "return", "withholding"]
WHEN_AND_WHAT = st.lists(st.tuples(st.integers(-30, 400), AMOUNTS), max_size=5)
CUTS = st.lists(st.tuples(st.integers(-30, 400), AMOUNTS, st.sampled_from(KINDS)), max_size=3)


@given(AMOUNTS, DUES, st.integers(-30, 400), CHARGES, WHEN_AND_WHAT, CUTS)
def test_the_cents_add_up_and_nothing_is_negative(
    principal: Decimal,
    due: date,
    days: int,
    charges: Charges,
    paid: list[tuple[int, Decimal]],
    cuts: list[tuple[int, Decimal, ReductionKind]],
) -> None:
    on = due + timedelta(days=days)
    payments = [Payment(due + timedelta(days=n), amount) for n, amount in paid]
    reductions = [Reduction(due + timedelta(days=n), amount, kind) for n, amount, kind in cuts]
    debt = updated_debt(principal, due, on, charges, payments=payments, reductions=reductions, consumer=True)

    charged = sum(
        (line.amount for line in debt.lines if line.name_pt.startswith(("Principal", "Multa", "Juros"))), ZERO
    )
    events: list[Payment | Reduction] = [*payments, *reductions]
    given_until_now = sum((event.amount for event in events if event.on <= on), ZERO)
    assert debt.total + debt.paid + debt.reduced == charged
    assert debt.paid + debt.reduced + debt.credit == given_until_now
    assert debt.total == debt.principal + debt.fine + debt.interest == sum((line.amount for line in debt.lines), ZERO)
    figures = (debt.principal, debt.fine, debt.interest, debt.paid, debt.reduced, debt.credit, debt.total)
    assert all(figure >= 0 and figure == cents(figure) for figure in figures)
    assert debt.days_late >= 0
    assert not (debt.credit and debt.total)


@given(AMOUNTS, DUES, st.integers(-30, 800), st.integers(0, 60), CHARGES)
def test_without_payments_a_debt_never_shrinks(
    principal: Decimal, due: date, days: int, more: int, charges: Charges
) -> None:
    on = due + timedelta(days=days)
    now = updated_debt(principal, due, on, charges, consumer=True)
    later = updated_debt(principal, due, on + timedelta(days=more), charges, consumer=True)
    assert later.total >= now.total
    assert later.days_late >= now.days_late
    assert later.principal == now.principal == principal

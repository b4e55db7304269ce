"""What is owed on a day, and that the cents add up."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from index_samples import of_months, published

from domain.debt import Charges, Debt, Payment, Reduction, ReductionKind, pix_quote, updated_debt
from domain.errors import BadInput
from domain.indices import NONE as NO_INDICES
from domain.indices import Indices
from domain.memory import Party, memory
from domain.money import ZERO, cents

SATURDAY = date(2026, 10, 10)  # 12 October is a holiday: the first bank day is Tuesday 13
MONDAY = date(2026, 3, 2)
END_OF_APRIL = date(2026, 4, 30)
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
    indices: Indices = NO_INDICES,
) -> Debt:
    return updated_debt(
        d("1000.00"), due, on, charges, payments=payments, reductions=reductions, consumer=True, indices=indices
    )


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


# --- payments on capital, discounts, fees ----------------------------------------------------------------------------
def test_a_payment_on_capital_leaves_interest_and_fine_which_grow_no_more() -> None:
    on_capital = (Payment(date(2026, 4, 1), d("1000.00"), on_capital=True),)
    debt = owed(MONDAY, date(2026, 4, 1), payments=on_capital)
    assert (debt.principal, debt.fine, debt.interest, debt.total) == (ZERO, d("20.00"), d("10.00"), d("30.00"))
    assert debt.lines[-1].detail_pt == "principal R$ 1.000,00"
    later = owed(MONDAY, date(2026, 12, 1), payments=on_capital)
    assert (later.total, later.days_late) == (d("30.00"), 30)


def test_a_payment_on_capital_that_is_too_much_for_it_goes_on_to_interest_and_then_to_the_fine() -> None:
    debt = owed(MONDAY, date(2026, 4, 1), payments=(Payment(date(2026, 4, 1), d("1015.00"), on_capital=True),))
    assert debt.lines[-1].detail_pt == "principal R$ 1.000,00, juros R$ 10,00, multa R$ 5,00"
    assert (debt.fine, debt.interest, debt.total) == (d("15.00"), ZERO, d("15.00"))


def test_a_discount_settles_what_was_added_first_and_closes_the_debt_with_the_payment() -> None:
    day = date(2026, 4, 1)
    debt = owed(
        MONDAY, day, reductions=(Reduction(day, d("30.00"), "discount"),), payments=(Payment(day, d("1000.00")),)
    )
    assert [(line.name_pt, line.detail_pt) for line in debt.lines[-2:]] == [
        ("Desconto em 01/04/2026", "juros R$ 10,00, multa R$ 20,00"),
        ("Pagamento em 01/04/2026", "principal R$ 1.000,00"),
    ]
    assert (debt.total, debt.reduced, debt.paid) == (ZERO, d("30.00"), d("1000.00"))


def test_a_discount_does_not_lower_the_fine_as_a_rebate_does() -> None:
    day = date(2026, 4, 1)
    discount = owed(MONDAY, day, reductions=(Reduction(day, d("100.00"), "discount"),))
    rebate = owed(MONDAY, day, reductions=(Reduction(day, d("100.00"), "rebate"),))
    assert (discount.total, rebate.total) == (d("930.00"), d("928.00"))


WITH_FEES = Charges(Decimal(2), Decimal(1), "contrato, cláusula 5", None, Decimal(10), "contrato, cláusula 9")


def test_agreed_fees_are_a_part_of_the_updated_total_with_their_clause() -> None:
    debt = owed(MONDAY, date(2026, 4, 1), charges=WITH_FEES)
    assert (debt.fees, debt.total) == (d("103.00"), d("1133.00"))
    assert debt.lines[-1].name_pt == "Honorários de cobrança de 10%"
    assert debt.lines[-1].detail_pt == "sobre R$ 1.030,00 (contrato, cláusula 9)"
    assert owed(MONDAY, MONDAY, charges=WITH_FEES).fees == ZERO


def test_fees_are_taken_once_on_everything_late_however_it_is_paid() -> None:
    day = date(2026, 4, 1)
    parts = (Payment(day, d("333.33")), Payment(day, d("400.00")), Payment(day, d("399.67")))
    whole = owed(MONDAY, day, charges=WITH_FEES, payments=(Payment(day, d("1133.00")),))
    split = owed(MONDAY, day, charges=WITH_FEES, payments=parts)
    assert whole.total == split.total == ZERO
    assert whole.lines[-1].amount == split.lines[-1].amount == d("103.00")


def test_a_rebate_takes_its_share_of_the_fees_away_and_what_was_paid_in_time_bears_none() -> None:
    day = date(2026, 4, 1)
    rebate = owed(MONDAY, day, charges=WITH_FEES, reductions=(Reduction(day, d("1030.00"), "rebate"),))
    assert (rebate.total, rebate.fees, rebate.credit) == (ZERO, ZERO, d("20.00"))  # no principal: no fine either
    in_time = owed(MONDAY, day, charges=WITH_FEES, payments=(Payment(MONDAY, d("900.00")),))
    assert in_time.fees == d("10.30")


def test_fees_grow_with_what_was_late_whether_it_is_still_open_or_was_collected() -> None:
    paid = (Payment(date(2026, 4, 1), d("200.00")), Payment(date(2026, 5, 1), d("200.00")))
    debt = owed(MONDAY, date(2026, 6, 1), charges=WITH_FEES, payments=paid)
    interest = sum((line.amount for line in debt.lines if line.name_pt.startswith("Juros")), ZERO)
    assert interest == d("27.01")
    assert debt.lines[-1].detail_pt.startswith("sobre R$ 1.047,01 ")
    assert debt.lines[-1].amount == d("104.70")


def test_a_rebate_after_the_fees_were_paid_gives_none_of_them_back() -> None:
    paid = (Payment(date(2026, 4, 1), d("133.00")),)
    rebate = (Reduction(date(2026, 4, 2), d("500.00"), "rebate"),)
    debt = owed(MONDAY, date(2026, 4, 2), charges=WITH_FEES, payments=paid, reductions=rebate)
    assert (debt.principal, debt.interest, debt.fees, debt.total) == (d("500.00"), d("0.33"), ZERO, d("500.33"))
    assert (debt.reduced, debt.credit) == (d("500.00"), ZERO)


def test_a_rebate_of_everything_takes_the_fees_with_it_and_is_not_spent_on_them() -> None:
    paid = (Payment(date(2026, 4, 1), d("1.00")),)
    rebate = (Reduction(date(2026, 4, 2), d("1200.00"), "rebate"),)
    debt = owed(MONDAY, date(2026, 4, 2), charges=WITH_FEES, payments=paid, reductions=rebate)
    assert (debt.total, debt.credit) == (ZERO, d("170.57"))  # 10% of the 1,00 that was collected is owed: 0,10


def test_fees_that_nobody_agreed_are_not_owed() -> None:
    with pytest.raises(BadInput, match="fees that were not agreed are not owed"):
        Charges(Decimal(2), Decimal(1), "contrato", None, Decimal(10))


def test_a_contract_corrects_by_an_index_of_prices_only() -> None:
    with pytest.raises(BadInput, match="selic is a rate of interest"):
        Charges(Decimal(2), Decimal(1), "contrato", "selic")


# --- by law, where nothing was agreed --------------------------------------------------------------------------------
PUBLISHED = published(ipca={"2026-03": "0.50", "2026-04": "0.30"}, legal={"2026-03": "0.600000", "2026-04": "0.500000"})


def test_where_nothing_was_agreed_the_law_adds_ipca_and_the_legal_rate_and_no_fine() -> None:
    debt = owed(MONDAY, END_OF_APRIL, charges=NONE, indices=PUBLISHED)
    assert (debt.principal, debt.correction, debt.fine) == (d("1000.00"), d("7.69"), ZERO)
    assert (debt.interest, debt.total) == (d("10.69"), d("1018.38"))  # 1.007,69 x (0,60 x 29/31 + 0,50)%
    law = "CC arts. 389 e 406, Lei 14.905/2024; Resolução CMN 5.171/2024"
    assert [(line.name_pt, line.detail_pt) for line in debt.lines[1:]] == [
        ("Correção pelo IPCA", f"fator 1,00769145 sobre R$ 1.000,00, de 03/03/2026 a 30/04/2026 ({law})"),
        ("Juros pela taxa legal de 1,06129%", f"sobre R$ 1.007,69, de 03/03/2026 a 30/04/2026 ({law})"),
    ]
    assert debt.notes == ()


def test_months_that_are_not_published_add_nothing_and_are_named_once() -> None:
    debt = owed(MONDAY, date(2026, 6, 10), charges=NONE, indices=PUBLISHED)
    assert debt.total == owed(MONDAY, END_OF_APRIL, charges=NONE, indices=PUBLISHED).total
    assert "a 10/06/2026, sem 05/2026 a 06/2026" in debt.lines[1].detail_pt
    assert debt.notes == (
        "IPCA: 05/2026 a 06/2026 sem valor publicado aqui; nada foi acrescido.",
        "Taxa legal: 05/2026 a 06/2026 sem valor publicado aqui; nada foi acrescido.",
    )
    alone = owed(MONDAY, date(2026, 4, 1), charges=NONE)
    assert [line.name_pt for line in alone.lines] == ["Principal"]
    assert alone.notes[0] == "IPCA: 03/2026 a 04/2026 sem valor publicado aqui; nada foi acrescido."


def test_what_was_agreed_takes_the_place_of_the_law() -> None:
    assert owed(MONDAY, END_OF_APRIL, indices=PUBLISHED) == owed(MONDAY, END_OF_APRIL)


def test_the_days_of_grace_hold_for_the_law_too_and_then_it_counts_from_the_due_date() -> None:
    rate = published(ipca={"2026-10": "0.31"}, legal={"2026-10": "0.620000"})
    assert owed(SATURDAY, date(2026, 10, 13), charges=NONE, indices=rate).total == d("1000.00")
    debt = owed(SATURDAY, date(2026, 10, 14), charges=NONE, indices=rate)
    assert (debt.correction, debt.interest) == (d("0.40"), d("0.80"))  # 4 of 31 days


def test_an_old_debt_has_the_selic_alone_until_29_august_2024() -> None:
    known = published(
        selic={"2024-07": "0.93", "2024-08": "0.62"},
        legal={"2024-08": "0.310000", "2024-09": "0.600000"},
        ipca={"2024-08": "0.31", "2024-09": "0.30"},
    )
    due = date(2024, 6, 28)
    debt = owed(due, date(2024, 9, 30), charges=NONE, indices=known)
    assert [line.name_pt for line in debt.lines] == [
        "Principal",
        "Correção pelo IPCA",
        "Juros pela Selic de 1,51%",
        "Juros pela taxa legal de 0,62%",
    ]
    assert debt.correction == d("3.20")
    assert debt.notes == ("Selic: 06/2024 sem valor publicado aqui; nada foi acrescido.",)
    without = owed(due, date(2024, 9, 30), charges=NONE, indices=published(legal={"2024-09": "0.600000"}))
    assert "Selic: 06/2024 a 08/2024 sem valor publicado aqui; nada foi acrescido." in without.notes
    assert without.interest == d("6.00")


def test_a_payment_by_law_settles_interest_then_correction_then_principal() -> None:
    paid = (Payment(END_OF_APRIL, d("500.00")),)
    debt = owed(MONDAY, END_OF_APRIL, charges=NONE, payments=paid, indices=PUBLISHED)
    assert debt.lines[-1].detail_pt == "juros R$ 10,69, correção R$ 7,69, principal R$ 481,62"
    assert (debt.total, debt.principal) == (d("518.38"), d("518.38"))


def test_deflation_lowers_the_correction_but_never_the_face_value() -> None:
    months = published(ipca={"2026-03": "-0.50", "2026-04": "0.80"})
    march = owed(MONDAY, date(2026, 3, 31), charges=NONE, indices=months)
    assert (march.correction, march.total) == (ZERO, d("1000.00"))
    april = owed(MONDAY, END_OF_APRIL, charges=NONE, indices=months)
    assert april.correction == d("3.29")  # (1 - 0,005 x 29/31) x 1,008 = 1,00328516
    between = (Payment(date(2026, 3, 31), ZERO),)
    assert owed(MONDAY, END_OF_APRIL, charges=NONE, indices=months, payments=between).correction == d("3.29")


CORRECTED = Charges(Decimal(2), Decimal(1), "contrato, cláusula 5", "ipca")


def test_a_contract_with_an_index_has_fine_and_interest_on_the_corrected_principal_and_no_interest_on_the_fine() -> (
    None
):
    debt = owed(MONDAY, END_OF_APRIL, charges=CORRECTED, indices=PUBLISHED)
    assert (debt.correction, debt.fine) == (d("7.69"), d("20.15"))  # 2% of 1.007,69
    assert (debt.interest, debt.total) == (d("19.82"), d("1047.66"))  # 1.007,69 x 1% x 59/30
    assert [line.name_pt for line in debt.lines] == [
        "Principal",
        "Correção pelo IPCA",
        "Multa de 2%",
        "Juros de mora de 1% ao mês, 59 dias",
    ]
    assert debt.lines[2].detail_pt == "sobre R$ 1.007,69, corrigido, uma única vez (contrato, cláusula 5)"


def test_the_fine_is_fixed_by_the_first_late_payment() -> None:
    paid = (Payment(date(2026, 3, 31), d("1.00")),)
    debt = owed(MONDAY, END_OF_APRIL, charges=CORRECTED, indices=PUBLISHED, payments=paid)
    assert [line.amount for line in debt.lines if line.name_pt.startswith("Multa")] == [d("20.09")]  # 2% of 1.004,68


# --- the bank's Pix --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("on", "by_law", "by_pix"),
    [
        (date(2026, 10, 10), "1000.00", "1000.00"),
        (date(2026, 10, 13), "1000.00", "1000.00"),
        (date(2026, 10, 14), "1021.33", "1020.33"),
        (date(2026, 11, 22), "1034.33", "1033.33"),
    ],
)
def test_a_pix_charge_counts_from_the_prolonged_due_date_and_so_asks_less_than_the_law_gives(
    on: date, by_law: str, by_pix: str
) -> None:
    assert owed(SATURDAY, on).total == d(by_law)
    quote = pix_quote(d("1000.00"), SATURDAY, on, AGREED)
    assert (quote.due, quote.total) == (date(2026, 10, 13), d(by_pix))
    assert quote.total == d("1000.00") + quote.fine + quote.interest


def test_on_a_due_date_that_is_a_bank_day_pix_and_law_agree() -> None:
    for day in (MONDAY, date(2026, 3, 3), date(2026, 4, 1), date(2027, 3, 2)):
        assert pix_quote(d("1000.00"), MONDAY, day, AGREED).total == owed(MONDAY, day).total
    assert pix_quote(d("1000.00"), MONDAY, date(2026, 4, 1), AGREED).days_late == 30


def test_a_pix_charge_without_agreed_charges_asks_the_principal() -> None:
    assert pix_quote(d("1000.00"), MONDAY, date(2027, 3, 2), NONE).total == d("1000.00")


# --- the memory for a court ------------------------------------------------------------------------------------------
def test_the_memory_for_a_court_says_all_that_the_law_lists() -> None:
    withheld = (Reduction(date(2026, 3, 10), d("61.50"), "withholding"),)
    paid = (Payment(date(2026, 4, 15), d("300.00")),)
    debt = owed(MONDAY, END_OF_APRIL, charges=CORRECTED, indices=PUBLISHED, payments=paid, reductions=withheld)
    parties = (Party("credor", "Aurora Distribuidora Fictícia", "99.000.000/9999-00"),)
    made = memory(debt, parties)
    assert made.parties == parties
    assert made.indices == ("IPCA (IBGE, pela série 433 do SGS do Banco Central; contrato, cláusula 5)",)
    assert made.rates == ("1% ao mês (contrato, cláusula 5)",)
    assert made.fine == "2%, uma única vez, sobre o principal corrigido (contrato, cláusula 5)"
    assert made.capitalisation.startswith("nenhuma")
    assert [(line.name_pt, line.amount) for line in made.deductions] == [("Imposto retido na fonte", d("-61.50"))]
    assert "art. 354" in made.imputation
    assert [(p.kind, p.running.start, p.running.end) for p in made.periods] == [
        ("correction", date(2026, 3, 3), date(2026, 4, 15)),
        ("interest", date(2026, 3, 3), date(2026, 4, 15)),
        ("correction", date(2026, 4, 16), END_OF_APRIL),
        ("interest", date(2026, 4, 16), END_OF_APRIL),
    ]
    assert [part for part, _ in made.settlements[1].parts] == ["interest", "fine", "correction", "principal"]
    assert sum((line.amount for line in made.lines), ZERO) == made.total == debt.total
    assert (made.principal, made.due, made.on) == (d("1000.00"), MONDAY, END_OF_APRIL)


def test_the_memory_of_a_debt_by_law_names_publisher_and_law_of_every_rate() -> None:
    made = memory(owed(MONDAY, date(2026, 6, 10), charges=NONE, indices=PUBLISHED))
    assert made.rates[0].startswith("taxa legal (Banco Central, série 29543 do SGS")
    assert "Lei 14.905/2024" in made.rates[0]
    assert (made.fine, made.fees) == ("nenhuma", "nenhum")
    assert len(made.notes) == 2
    assert made.periods[1].percent == d("1.061290")
    assert made.periods[1].missing == (date(2026, 5, 1), date(2026, 6, 1))


def test_a_payment_on_capital_is_told_to_the_court() -> None:
    paid = (Payment(date(2026, 4, 1), d("1000.00"), on_capital=True),)
    assert "imputados primeiro ao capital" in memory(owed(MONDAY, date(2026, 4, 1), payments=paid)).imputation
    assert "ao capital" not in memory(owed(MONDAY, date(2026, 4, 1))).imputation


AMOUNTS = st.decimals(min_value=0, max_value=100_000, places=2)
DUES = st.dates(date(2024, 1, 1), date(2028, 12, 31))
CHARGES = st.one_of(
    st.just(NONE),
    st.builds(
        Charges,
        st.decimals(min_value=0, max_value=2, places=2),
        st.decimals(min_value=0, max_value=10, places=3),
        st.just("c"),
        st.sampled_from([None, "ipca"]),
        st.one_of(st.just(ZERO), st.decimals(min_value=0, max_value=20, places=2)),
        st.just("c"),
    ),
)
MONTHS = st.builds(date, st.integers(2024, 2029), st.integers(1, 12), st.just(1))
SERIES = st.sampled_from(["ipca", "legal", "selic"])


def indices(lowest: int) -> st.SearchStrategy[Indices]:
    """Some months of every series, from `lowest` per cent."""
    percents = st.decimals(min_value=lowest, max_value=3, places=2)
    return st.dictionaries(st.tuples(SERIES, MONTHS), percents, max_size=30).map(of_months)


KINDS: list[ReductionKind] = ["rebate", "return", "withholding", "discount"]
WHEN_AND_WHAT = st.lists(st.tuples(st.integers(-30, 400), AMOUNTS, st.booleans()), max_size=5)
CUTS = st.lists(st.tuples(st.integers(-30, 400), AMOUNTS, st.sampled_from(KINDS)), max_size=3)


def paid_on(due: date, paid: list[tuple[int, Decimal, bool]]) -> list[Payment]:
    return [Payment(due + timedelta(days=n), amount, on_capital) for n, amount, on_capital in paid]


def cut_on(due: date, cuts: list[tuple[int, Decimal, ReductionKind]]) -> list[Reduction]:
    return [Reduction(due + timedelta(days=n), amount, kind) for n, amount, kind in cuts]


@given(AMOUNTS, DUES, st.integers(-30, 400), CHARGES, WHEN_AND_WHAT, CUTS, indices(-2))
def test_the_cents_add_up_and_nothing_is_negative(
    principal: Decimal,
    due: date,
    days: int,
    charges: Charges,
    paid: list[tuple[int, Decimal, bool]],
    cuts: list[tuple[int, Decimal, ReductionKind]],
    known: Indices,
) -> None:
    on = due + timedelta(days=days)
    payments, reductions = paid_on(due, paid), cut_on(due, cuts)
    debt = updated_debt(
        principal, due, on, charges, payments=payments, reductions=reductions, consumer=True, indices=known
    )

    names = ("Principal", "Multa", "Juros", "Correção", "Honorários")
    charged = sum((line.amount for line in debt.lines if line.name_pt.startswith(names)), ZERO)
    events: list[Payment | Reduction] = [*payments, *reductions]
    given_until_now = sum((event.amount for event in events if event.on <= on), ZERO)
    assert debt.total + debt.paid + debt.reduced == charged
    assert debt.paid + debt.reduced + debt.credit == given_until_now
    assert debt.total == debt.principal + debt.correction + debt.fine + debt.interest + debt.fees
    assert debt.total == sum((line.amount for line in debt.lines), ZERO)
    figures = (
        debt.principal, debt.correction, debt.fine, debt.interest, debt.fees, debt.paid, debt.reduced, debt.credit,
    )  # fmt: skip
    assert all(figure >= 0 and figure == cents(figure) for figure in figures)
    assert debt.days_late >= 0
    assert not (debt.credit and debt.total)
    assert all(amount > 0 for done in debt.settlements for _, amount in done.parts)
    assert sum((period.amount for period in debt.periods), ZERO) == sum(
        (line.amount for line in debt.lines if line.name_pt.startswith(("Juros", "Correção"))), ZERO
    )


@given(AMOUNTS, DUES, st.integers(-30, 400), CHARGES, WHEN_AND_WHAT, CUTS, indices(-2), st.booleans())
def test_paying_the_total_closes_the_debt_to_zero_and_for_ever(
    principal: Decimal,
    due: date,
    days: int,
    charges: Charges,
    paid: list[tuple[int, Decimal, bool]],
    cuts: list[tuple[int, Decimal, ReductionKind]],
    known: Indices,
    on_capital: bool,
) -> None:
    on = due + timedelta(days=days)
    payments = [payment for payment in paid_on(due, paid) if payment.on <= on]
    reductions = [cut for cut in cut_on(due, cuts) if cut.on <= on]

    def total(day: date, *more: Payment) -> Debt:
        return updated_debt(
            principal, due, day, charges, payments=[*payments, *more], reductions=reductions, consumer=True,
            indices=known,
        )  # fmt: skip

    open_now = total(on)
    last = Payment(on, open_now.total, on_capital)
    for day in (on, on + timedelta(days=1), on + timedelta(days=400)):
        closed = total(day, last)
        assert (closed.total, closed.credit) == (ZERO, open_now.credit)


@given(AMOUNTS, DUES, st.integers(-30, 400), st.integers(0, 60), CHARGES, WHEN_AND_WHAT, CUTS, indices(0))
def test_more_days_never_cost_less(
    principal: Decimal,
    due: date,
    days: int,
    more: int,
    charges: Charges,
    paid: list[tuple[int, Decimal, bool]],
    cuts: list[tuple[int, Decimal, ReductionKind]],
    known: Indices,
) -> None:
    on = due + timedelta(days=days)
    payments = [payment for payment in paid_on(due, paid) if payment.on <= on]
    reductions = [cut for cut in cut_on(due, cuts) if cut.on <= on]
    now, later = (
        updated_debt(
            principal, due, day, charges, payments=payments, reductions=reductions, consumer=True, indices=known
        )
        for day in (on, on + timedelta(days=more))
    )
    assert later.total >= now.total
    assert later.days_late >= now.days_late
    assert (later.principal, later.paid, later.reduced) == (now.principal, now.paid, now.reduced)


@given(AMOUNTS, DUES, st.integers(-30, 400), CHARGES, WHEN_AND_WHAT, WHEN_AND_WHAT, indices(0))
def test_more_payments_never_cost_more(
    principal: Decimal,
    due: date,
    days: int,
    charges: Charges,
    paid: list[tuple[int, Decimal, bool]],
    more: list[tuple[int, Decimal, bool]],
    known: Indices,
) -> None:
    on = due + timedelta(days=days)
    fewer = updated_debt(principal, due, on, charges, payments=paid_on(due, paid), consumer=True, indices=known)
    many = updated_debt(
        principal, due, on, charges, payments=paid_on(due, [*paid, *more]), consumer=True, indices=known
    )
    extra = sum((payment.amount for payment in paid_on(due, more) if payment.on <= on), ZERO)
    assert many.total <= max(fewer.total - extra, ZERO)
    assert many.credit >= fewer.credit


@given(AMOUNTS, DUES, st.integers(-30, 800), st.integers(0, 60), CHARGES, indices(-2))
def test_face_value_is_never_undercut(
    principal: Decimal, due: date, days: int, more: int, charges: Charges, known: Indices
) -> None:
    debt = updated_debt(principal, due, due + timedelta(days=days + more), charges, consumer=True, indices=known)
    assert debt.total >= debt.principal == principal

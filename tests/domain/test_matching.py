"""Which case money is for: matched beyond doubt, proposed to a person, or kept in the list; never guessed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.bank import OurNumber
from domain.matching import (
    AT_NOTARY,
    BANK_FILE,
    PAYMENTS_FILE,
    PIX,
    STAFF,
    UNKNOWN,
    Book,
    Code,
    Counted,
    Movement,
    Owed,
    Reason,
    Rule,
    Title,
    Verdict,
    match,
    resembles,
)

TODAY = date(2026, 11, 24)
PAID_ON = date(2026, 11, 23)
DEBTOR, OTHER, STRANGER = "11222333000181", "22333444000181", "52998224725"


def asks(total: str, principal: str = "") -> Callable[[date], Owed]:
    return lambda _: Owed(Decimal(total), Decimal(principal or total))


def title(case: str = "a", total: str = "1034.33", principal: str = "1000.00", **changes: object) -> Title:
    made = Title(case, DEBTOR, f"10{case}", face=Decimal(principal), owed=asks(total, principal))
    return replace(made, **changes)  # type: ignore[arg-type]


def money(amount: str = "1034.33", **changes: object) -> Movement:
    made = Movement("E1", Decimal(amount), PAID_ON, BANK_FILE)
    return replace(made, **changes)  # type: ignore[arg-type]


def judged(
    movement: Movement, *titles: Title, codes: tuple[Code, ...] = (), counted: tuple[Counted, ...] = ()
) -> Verdict:
    return match(movement, Book(titles, codes, counted), TODAY)


def reasons(verdict: Verdict) -> list[tuple[str, Reason]]:
    return [(part.case, part.reason) for part in verdict.parts]


CODE = Code("TX1", "a", Decimal("1033.99"), date(2026, 11, 22), date(2026, 11, 29))


# --- beyond doubt ----------------------------------------------------------------------------------------------------
def test_our_payment_code_says_which_case_whoever_paid_and_however_much() -> None:
    verdict = judged(money("5.00", txid="TX1", payer=STRANGER), title("a"), title("b"), codes=(CODE,))
    assert (verdict.case, verdict.rule, verdict.txid) == ("a", Rule.CODE, "TX1")


@pytest.mark.parametrize(("day", "honoured"), [(-1, False), (0, True), (7, True), (8, False)])
def test_a_quote_is_honoured_from_its_day_until_its_last_day(day: int, honoured: bool) -> None:
    paid_on = CODE.quoted_on + timedelta(days=day)
    verdict = match(money(txid="TX1", paid_on=paid_on), Book([title()], [CODE]), date(2026, 12, 31))
    assert (verdict.case, verdict.quoted_on) == ("a", CODE.quoted_on if honoured else None)


@pytest.mark.parametrize("kept", ["109000000119", "10900000011", "119", "11"])
def test_the_banks_number_matches_in_whatever_form_the_creditor_keeps_it(kept: str) -> None:
    verdict = judged(money("2.00", our_number=OurNumber("00000011", "9", "109")), title(our_number=kept), title("b"))
    assert (verdict.case, verdict.rule) == ("a", Rule.OUR_NUMBER)


def test_the_same_number_at_another_bank_is_another_title() -> None:
    movement = money(our_number=OurNumber("11"), bank="341")
    assert judged(movement, title(our_number="11", bank="237")) == UNKNOWN
    assert judged(movement, title(our_number="11", bank="341")).case == "a"


def test_two_titles_that_share_a_form_of_the_number_are_told_apart_by_invoice_or_debtor_or_by_a_person() -> None:
    both = title("a", our_number="11"), title("b", our_number="119", debtor=OTHER)
    movement = money(our_number=OurNumber("11", "9"))
    assert sorted(reasons(judged(movement, *both))) == [("a", Reason.AMBIGUOUS), ("b", Reason.AMBIGUOUS)]
    assert judged(replace(movement, number="10b"), *both).case == "b"
    assert judged(replace(movement, payer=OTHER), *both).case == "b"


def test_an_invoices_number_with_who_owes_it_is_enough_whatever_the_amount() -> None:
    verdict = judged(money("1.00", number="10a", payer=DEBTOR), title("a"), title("b"))
    assert (verdict.case, verdict.rule) == ("a", Rule.INVOICE)


def test_a_party_may_pay_like_the_debtor() -> None:
    bound = title(parties=frozenset({STRANGER}))
    assert judged(money("1.00", number="10a", payer=STRANGER), bound).case == "a"
    assert judged(money(payer=STRANGER), bound).rule is Rule.AMOUNT


@pytest.mark.parametrize("amount", ["1034.33", "1000.00", "1033.99"])
def test_who_owes_with_the_updated_total_the_principal_or_a_quote_is_enough(amount: str) -> None:
    verdict = judged(money(amount, payer=DEBTOR), title("a"), title("b", "77.00", "70.00"), codes=(CODE,))
    assert (verdict.case, verdict.rule) == ("a", Rule.AMOUNT)
    assert verdict.quoted_on == (CODE.quoted_on if amount == "1033.99" else None)


# --- a person decides ------------------------------------------------------------------------------------------------
def test_the_same_amount_on_two_invoices_of_a_debtor_is_proposed_with_both() -> None:
    verdict = judged(money(payer=DEBTOR), title("a"), title("b"), title("c", "5.00"))
    assert reasons(verdict) == [("a", Reason.AMBIGUOUS), ("b", Reason.AMBIGUOUS)]


def test_one_transfer_for_several_invoices_is_proposed_with_the_part_of_each() -> None:
    owed = title("a", "100.10", "90.00"), title("b", "200.20", "180.00"), title("c", "50.00")
    verdict = judged(money("300.30", payer=DEBTOR), *owed)
    assert reasons(verdict) == [("a", Reason.SEVERAL), ("b", Reason.SEVERAL)]
    assert [part.amount for part in verdict.parts] == [Decimal("100.10"), Decimal("200.20")]
    principals = judged(money("270.00", payer=DEBTOR), *owed)
    assert [part.amount for part in principals.parts] == [Decimal("90.00"), Decimal("180.00")]


def test_a_payer_who_owes_nothing_is_proposed_with_the_invoice_he_names_or_the_amount_he_paid() -> None:
    named = judged(money("3.00", number="10a", payer=STRANGER), title("a"))
    assert reasons(named) == [("a", Reason.OTHER_PAYER)]
    by_amount = judged(money("1000.00", payer=STRANGER), title("a"))
    assert reasons(by_amount) == [("a", Reason.OTHER_PAYER)]
    assert reasons(judged(money("1000.00"), title("a"))) == [("a", Reason.AMOUNT_ONLY)]
    assert reasons(judged(money("3.00", number="10a"), title("a"))) == [("a", Reason.NUMBER_ONLY)]


def test_a_debtor_who_names_anothers_invoice_is_not_matched_by_his_own_amount() -> None:
    verdict = judged(money(number="10b", payer=DEBTOR), title("a"), title("b", debtor=OTHER))
    assert reasons(verdict) == [("b", Reason.OTHER_PAYER)]


def test_a_debtor_with_an_amount_of_no_invoice_is_proposed_with_his_open_ones() -> None:
    verdict = judged(money("3.00", payer=DEBTOR), title("a"), title("b", still_open=False))
    assert reasons(verdict) == [("a", Reason.DEBTOR_ONLY)]


def test_a_title_whose_bank_number_is_another_is_not_matched_by_amount() -> None:
    movement = money(payer=DEBTOR, our_number=OurNumber("77"))
    assert judged(movement, title(our_number="11")) == UNKNOWN
    assert judged(movement, title()).case == "a"


@pytest.mark.parametrize("days", [-3, 0, 3])
@pytest.mark.parametrize("source", [PIX, STAFF, PAYMENTS_FILE, "cra"])
def test_the_same_amount_by_another_door_within_three_days_may_be_the_same_money(days: int, source: str) -> None:
    before = Counted("a", "E0", Decimal("1034.33"), PAID_ON + timedelta(days=days), source)
    verdict = judged(money(payer=DEBTOR, number="10a"), title(), counted=(before,))
    assert (verdict.parts[0].reason, verdict.parts[0].like) == (Reason.MAYBE_COUNTED, "E0")


@pytest.mark.parametrize(
    "change",
    [
        {"paid_on": PAID_ON - timedelta(days=4)},
        {"amount": Decimal("1034.32")},
        {"case": "b"},
        {"source": BANK_FILE},
        {"source": AT_NOTARY},
    ],
)
def test_another_day_amount_case_or_the_same_door_is_other_money(change: dict[str, object]) -> None:
    before = replace(Counted("a", "E0", Decimal("1034.33"), PAID_ON, PIX), **change)  # type: ignore[arg-type]
    assert judged(money(payer=DEBTOR, number="10a"), title(), counted=(before,)).case == "a"


def test_what_is_dated_ahead_or_doubted_by_its_door_is_never_counted_by_itself() -> None:
    ahead = money(payer=DEBTOR, number="10a", paid_on=TODAY + timedelta(days=1))
    assert reasons(judged(ahead, title())) == [("a", Reason.AHEAD)]
    assert reasons(judged(money(payer=DEBTOR, number="10a", doubtful=True), title())) == [("a", Reason.DOUBTFUL)]


def test_a_debt_that_has_money_to_take_in_is_not_matched_by_amount_again() -> None:
    book = Book([title()])
    first = money(payer=DEBTOR)
    assert match(first, book, TODAY).case == "a"
    book.count(first, "a")
    assert reasons(match(replace(first, reference="E2"), book, TODAY)) == [("a", Reason.DEBTOR_ONLY)]


def test_what_nobody_knows_is_kept_in_the_list() -> None:
    assert judged(money("3.00"), title()) == UNKNOWN
    assert judged(money(txid="TX9", our_number=OurNumber("9"), number="9", payer=STRANGER)) == UNKNOWN


# --- whatever comes --------------------------------------------------------------------------------------------------
AMOUNTS = st.sampled_from(["100.00", "150.00", "250.00", "250.01", "400.00"]).map(Decimal)
PEOPLE = st.sampled_from([DEBTOR, OTHER, STRANGER])
NUMBERS = st.sampled_from(["", "1", "2", "3"])
DAYS = st.integers(-5, 2).map(lambda days: TODAY + timedelta(days=days))


@st.composite
def titles_of(draw: st.DrawFn) -> list[Title]:
    made = []
    for n in range(draw(st.integers(0, 6))):
        total, principal = draw(AMOUNTS), draw(AMOUNTS)
        made.append(
            Title(
                case=f"case-{n}", debtor=draw(PEOPLE), number=draw(NUMBERS) or "4", face=principal,
                bank=draw(st.sampled_from(["", "341", "237"])), our_number=draw(NUMBERS),
                still_open=draw(st.booleans()), parties=frozenset(draw(st.lists(PEOPLE, max_size=1))),
                owed=asks(str(total), str(principal)) if draw(st.booleans()) else lambda _: None,
            )
        )  # fmt: skip
    return made


MOVEMENTS = st.builds(
    Movement,
    reference=st.uuids().map(str),
    amount=AMOUNTS,
    paid_on=DAYS,
    source=st.sampled_from([PIX, BANK_FILE, AT_NOTARY, PAYMENTS_FILE]),
    txid=st.sampled_from(["", "TX0", "TX1", "TX9"]),
    bank=st.sampled_from(["", "341", "237"]),
    our_number=NUMBERS.map(OurNumber),
    number=NUMBERS,
    payer=st.sampled_from(["", DEBTOR, OTHER, STRANGER]),
)


@st.composite
def codes_for(draw: st.DrawFn, titles: list[Title]) -> list[Code]:
    if not titles:
        return []
    return [
        Code(f"TX{n}", draw(st.sampled_from(titles)).case, draw(AMOUNTS), TODAY - timedelta(days=3), TODAY)
        for n in range(draw(st.integers(0, 2)))
    ]


@given(st.data())
def test_a_match_is_the_only_title_that_fits_and_a_proposal_adds_up(data: st.DataObject) -> None:
    titles = data.draw(titles_of())
    codes = data.draw(codes_for(titles))
    movements = data.draw(st.lists(MOVEMENTS, min_size=1, max_size=8))
    book, shuffled = Book(titles, codes), Book(titles[::-1], codes[::-1])
    matched: list[tuple[Movement, str]] = []
    for movement in movements:
        verdict = match(movement, book, TODAY)
        assert verdict == match(movement, shuffled, TODAY), "the order in which titles are read decides nothing"
        known = {title.case: title for title in titles}
        assert not (verdict.case and verdict.parts)
        assert {verdict.case, *(part.case for part in verdict.parts)} - {""} <= known.keys()
        if verdict.case:
            assert movement.paid_on <= TODAY
            assert not resembles(movement.amount, movement.paid_on, movement.source, book.counted(verdict.case))
            fresh = {case for _, case in matched}
            _only_one_fits(verdict, movement, [title for title in titles if title.case not in fresh], known, codes)
            book.count(movement, verdict.case)
            shuffled.count(movement, verdict.case)
            matched.append((movement, verdict.case))
        if any(part.reason is Reason.SEVERAL for part in verdict.parts):
            assert sum(part.amount for part in verdict.parts) == movement.amount
            assert len({part.case for part in verdict.parts}) == len(verdict.parts) > 1
        else:
            assert all(part.amount == movement.amount for part in verdict.parts)
    counted = [payment for title in titles for payment in book.counted(title.case)]
    assert sorted(payment.reference for payment in counted) == sorted(movement.reference for movement, _ in matched)


def _only_one_fits(
    verdict: Verdict, movement: Movement, unpaid: list[Title], titles: dict[str, Title], codes: list[Code]
) -> None:
    """`unpaid` are the titles that took no money in before."""
    found = titles[verdict.case]
    if verdict.rule is Rule.CODE:
        assert {code.case for code in codes if code.txid == movement.txid} == {verdict.case}
    elif verdict.rule is Rule.OUR_NUMBER:
        assert found.our_number in movement.our_number.forms
    elif verdict.rule is Rule.INVOICE:
        assert (found.number, found.binds(movement.payer)) == (movement.number, True)
    else:
        fitting = [title.case for title in unpaid if _fits_by_amount(title, movement, codes)]
        assert fitting == [verdict.case]


def _fits_by_amount(title: Title, movement: Movement, codes: list[Code]) -> bool:
    owed = title.owed(movement.paid_on)
    if owed is None or not title.still_open or not title.binds(movement.payer):
        return False
    one_bank = not title.bank or not movement.bank or title.bank == movement.bank
    if one_bank and title.our_number and movement.our_number and title.our_number != movement.our_number.number:
        return False
    quoted = any(
        code.case == title.case and code.amount == movement.amount and code.quoted_on <= movement.paid_on <= TODAY
        for code in codes
    )
    return movement.amount in (owed.total, owed.principal) or quoted

"""The one door for money, on a real database: what counts counts once, what is in doubt waits, nothing is dropped."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import Engine, select

from activities.desk import fact_id
from activities.money import GoneBack, assign, give_back, payment_key, set_news, split
from activities.money_book import WAITING
from db.rows import PAYMENT, PAYMENT_CODE
from domain.bank import OurNumber
from domain.errors import BadInput, Refused
from domain.matching import AT_NOTARY, PIX, Movement
from domain.news import news_are_fresh
from tests.activities.money_samples import Counter, paid
from tests.domain.bank_samples import PAID_ON

STRANGER = "52998224725"


@pytest.fixture
def counter(engine: Engine, tmp_path: Path) -> Counter:
    return Counter(engine, tmp_path)


def waiting(counter: Counter) -> list[str]:
    return [row.reference for row in counter.all(select(PAYMENT).where(WAITING).order_by(PAYMENT.c.reference))]


# --- counting once ---------------------------------------------------------------------------------------------------
def test_a_movement_is_a_row_and_a_fact_and_both_only_once(counter: Counter) -> None:
    case = counter.open()
    movement = paid("E1", number="NF1", payer=counter.document(case), credited=Decimal("997.90"))
    taken = counter.take(movement, movement)
    assert (taken.matched, taken.repeated, taken.facts) == (1, 1, (fact_id(payment_key(counter.creditor, "E1")),))
    row = counter.payment("E1")
    assert (row.case_id, row.amount, row.credited, row.payer) == (
        case.case, Decimal("1000.00"), Decimal("997.90"), counter.document(case),
    )  # fmt: skip
    again = counter.take(movement)
    assert (again.repeated, again.facts) == (1, ())
    assert counter.paid(case) == Decimal("1000.00"), "what was paid counts, not what the bank credited"


def test_a_known_reference_with_another_amount_changes_nothing_and_becomes_a_task(counter: Counter) -> None:
    case = counter.open()
    counter.take(paid("E1", number="NF1", payer=counter.document(case)))
    taken = counter.take(paid("E1", "999.00", number="NF1", payer=counter.document(case)))
    assert (taken.contradicted, taken.facts) == (("E1",), ())
    assert counter.payment("E1").amount == Decimal("1000.00")
    (task,) = counter.tasks()
    assert (task.kind, task.owner) == ("payment-contradiction", "supervisor")
    counter.take(paid("E1", "999.00"))
    assert len(counter.tasks()) == 1


def test_three_doors_at_once_count_a_payment_once_and_its_twin_by_another_reference_waits(counter: Counter) -> None:
    case = counter.open()
    payer = counter.document(case)
    movements = [
        paid("E1", number="NF1", payer=payer, source=PIX),
        paid("E1", number="NF1", payer=payer),
        paid("ITAU-77", number="NF1", payer=payer),
    ]
    barrier, found = Barrier(3), []

    def door(movement: Movement) -> None:
        barrier.wait()
        found.append(counter.take(movement))

    threads = [Thread(target=door, args=(movement,)) for movement in movements]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(counter.payments()) == 2
    assert counter.paid(case) in (Decimal("1000.00"), Decimal("2000.00"))
    pix_first = counter.payment("E1").source == PIX
    if pix_first:  # then the bank's own record looks like the same money
        assert counter.paid(case) == Decimal("1000.00")
        assert sum(taken.proposed for taken in found) == 1
        assert len(waiting(counter)) == 1


def test_what_waits_is_matched_when_somebody_who_knows_more_reports_it_again(counter: Counter) -> None:
    case = counter.open()
    counter.code(case, "TX1", "1034.33", PAID_ON)
    assert counter.take(paid("E1", "1034.33", source="statement", hint="line 3")).matched == 0
    taken = counter.take(paid("E1", "1034.33", txid="TX1", source=PIX))
    assert (taken.matched, taken.repeated, len(taken.facts)) == (1, 0, 1)
    row = counter.payment("E1")
    assert (row.case_id, row.txid, row.hint, row.proposal) == (case.case, "TX1", "", [])
    assert counter.facts(case)[0]["quoted_on"] == "2026-11-23"
    assert counter.take(paid("E1", "1034.33", txid="TX1", source=PIX)).repeated == 1


def test_a_code_is_paid_though_a_person_typed_its_payment_first(counter: Counter) -> None:
    case = counter.open()
    counter.code(case, "TX1", "1034.33", PAID_ON)
    counter.take(paid("E1", "1034.33", number="NF1", payer=counter.document(case), source="staff"))
    assert counter.take(paid("E1", "1034.33", txid="TX1", source=PIX)).repeated == 1
    assert counter.one(select(PAYMENT_CODE)).state == "paid"


def test_what_moves_nothing_is_refused(counter: Counter) -> None:
    before = counter.everything()
    with pytest.raises(BadInput, match="moves nothing"):
        counter.take(paid("E1", "0.00"))
    assert counter.everything() == before


# --- matching on rows ------------------------------------------------------------------------------------------------
def test_a_payment_by_our_code_is_worth_what_it_was_on_the_day_of_the_quote(counter: Counter) -> None:
    case = counter.open()
    counter.code(case, "TX1", "1034.33", PAID_ON - timedelta(days=1))
    counter.take(paid("E1", "1034.33", txid="TX1", source=PIX))
    (fact,) = counter.facts(case)
    assert fact["quoted_on"] == "2026-11-22"
    assert counter.one(select(PAYMENT_CODE)).state == "paid"


def test_a_payment_by_a_code_that_was_over_counts_without_the_quote(counter: Counter) -> None:
    case = counter.open()
    counter.code(case, "TX1", "1034.33", PAID_ON - timedelta(days=30), days=7, state="removed")
    counter.take(paid("E1", "1034.33", txid="TX1", source=PIX))
    assert counter.facts(case)[0]["quoted_on"] is None
    assert counter.one(select(PAYMENT_CODE)).state == "paid"


def test_the_banks_number_finds_the_case_and_the_notarys_quittance_is_kept(counter: Counter) -> None:
    first, second = counter.open("NF1", "10900000011"), counter.open("NF2", "22")
    number = OurNumber("00000011", "9", "109")
    counter.take(paid("B1", "40.00", our_number=number, bank="341"))
    counter.take(paid("B2", "1000.00", our_number=OurNumber("22"), bank="341", source=AT_NOTARY))
    assert counter.paid(first) == Decimal("40.00")
    assert counter.facts(second)[0]["at_notary"] is True


def test_who_owes_with_todays_total_or_the_principal_is_matched(counter: Counter) -> None:
    first, second = counter.open("NF1"), counter.open("NF2")
    # 44 days late on 23/11/2026: 20.00 fine, 14.67 interest.
    counter.take(paid("E1", "1034.67", payer=counter.document(first)), paid("E2", payer=counter.document(second)))
    assert (counter.paid(first), counter.paid(second)) == (Decimal("1034.67"), Decimal("1000.00"))


def test_a_debt_that_took_a_payment_in_asks_for_less(counter: Counter) -> None:
    case = counter.open()
    payer = counter.document(case)
    counter.take(paid("E1", "400.00", number="NF1", payer=payer))
    assert counter.take(paid("E2", "1034.67", payer=payer)).proposed == 1, "money that is not taken in yet: unsure"
    counter.take_in_facts(case)
    assert counter.take(paid("E3", "1034.67", payer=payer)).matched == 0
    assert counter.take(paid("E4", "634.67", payer=payer)).matched == 1


def test_a_party_a_stranger_and_nobody(counter: Counter) -> None:
    case = counter.open()
    counter.party(case, STRANGER)
    assert counter.take(paid("E1", "10.00", number="NF1", payer=STRANGER)).matched == 1
    other = counter.open("NF2", amount="77.00")
    taken = counter.take(paid("E2", "77.00", payer="12345678909"), paid("E3", "78.00", hint="line 3, Pix de Fulana"))
    assert (taken.proposed, taken.unmatched) == (1, 1)
    assert counter.payment("E2").proposal == [{"case": str(other.case), "amount": "77.00", "reason": "other-payer"}]
    assert counter.payment("E3").hint == "line 3, Pix de Fulana"
    assert waiting(counter) == ["E2", "E3"]


def test_money_for_a_closed_case_is_its_own_and_another_creditors_title_is_nobodys(counter: Counter) -> None:
    case = counter.open("NF1", "11")
    with counter.engine.begin() as conn:
        conn.exec_driver_sql("UPDATE \"case\" SET stage = 'closed'")
    assert counter.take(paid("E1", our_number=OurNumber("11"))).matched == 1
    with counter.engine.begin() as conn:
        conn.exec_driver_sql("UPDATE creditor SET code = 'outra', document = '22333444000181'")
    stranger = Counter(counter.engine, counter.folder)
    assert stranger.creditor != counter.creditor
    assert stranger.take(paid("E1", our_number=OurNumber("11"), payer=counter.document(case))).unmatched == 1


def test_whatever_comes_nothing_is_dropped_and_cents_add_up(counter: Counter) -> None:
    draw = random.Random(16)
    cases = [counter.open(f"NF{n}", str(n) if n % 2 else "", amount=f"{100 * n}.00") for n in range(1, 7)]
    documents = [counter.document(case) for case in cases]
    movements = [
        paid(
            f"E{draw.randrange(120)}", f"{draw.choice([100, 200, 300, 900])}.00",
            number=draw.choice(["", "NF1", "NF2", "NF9"]), payer=draw.choice([*documents, STRANGER, ""]),
            our_number=OurNumber(draw.choice(["", "1", "3", "99"])), source=draw.choice([PIX, "payments-file"]),
            paid_on=PAID_ON - timedelta(days=draw.randrange(20)),
        )
        for _ in range(300)
    ]  # fmt: skip
    rows: dict[str, Decimal] = {}
    contradicted = 0
    for start in range(0, 300, 25):
        batch = movements[start : start + 25]
        taken = counter.take(*batch)
        assert taken.matched + taken.proposed + taken.unmatched + taken.repeated + len(taken.contradicted) == len(batch)
        contradicted += len(taken.contradicted)
        for movement in batch:
            rows.setdefault(movement.reference, movement.amount)
    stored = counter.payments()
    assert {row.reference: row.amount for row in stored} == rows
    told = sum((counter.paid(case) for case in cases), Decimal(0))
    assert told == sum((row.amount for row in stored if row.case_id), Decimal(0)) > 0
    assert len(waiting(counter)) == sum(row.case_id is None for row in stored) > 0
    assert contradicted > 0


# --- by hand ---------------------------------------------------------------------------------------------------------
def by_hand(counter: Counter, do: Callable[..., Any], *given: Any) -> Any:
    with counter.engine.begin() as conn:
        return do(conn, *given, "ana", counter.now)


def test_a_proposal_that_a_person_confirms_keeps_the_quote_of_its_code(counter: Counter) -> None:
    case = counter.open()
    counter.code(case, "TX1", "1034.33", PAID_ON)
    counter.take(paid("CSV-1", "1034.33", number="NF1", payer=counter.document(case), source="payments-file"))
    taken = counter.take(paid("E1", "1034.33", txid="TX1", source=PIX))
    assert taken.proposed == 1
    assert counter.payment("E1").proposal == [
        {"case": str(case.case), "amount": "1034.33", "reason": "maybe-counted", "like": "CSV-1"}
    ]
    by_hand(counter, assign, counter.payment("E1").id, case.case)
    assert counter.facts(case)[1]["quoted_on"] == "2026-11-23"
    assert counter.one(select(PAYMENT_CODE)).state == "paid"
    assert waiting(counter) == []


def test_one_transfer_is_divided_among_invoices_to_the_cent_and_still_known_when_it_comes_again(
    counter: Counter,
) -> None:
    first, second = counter.open("NF1", amount="300.10"), counter.open("NF2", amount="200.20")
    movement = paid("E1", "500.30", payer=STRANGER)
    counter.take(movement)
    money = counter.payment("E1").id
    before = counter.everything()
    for parts, why in (
        ([(first.case, "300.10"), (second.case, "200.19")], "add up to R\\$ 500,29; the transfer is R\\$ 500,30"),
        ([(first.case, "500.30")], "two different cases"),
        ([(first.case, "300.10"), (first.case, "200.20")], "each once"),
        ([(first.case, "500.30"), (second.case, "0.00")], "more than zero"),
    ):
        with pytest.raises(BadInput, match=why):
            by_hand(counter, split, money, [(case, Decimal(amount)) for case, amount in parts])
    assert counter.everything() == before
    facts = by_hand(counter, split, money, [(first.case, Decimal("300.10")), (second.case, Decimal("200.20"))])
    assert len(facts) == 2
    assert (counter.paid(first), counter.paid(second)) == (Decimal("300.10"), Decimal("200.20"))
    assert counter.facts(second)[0]["reference"] == "E1#2"
    assert waiting(counter) == []
    assert counter.take(movement).repeated == 1
    for again in (split, assign):
        with pytest.raises(Refused, match="divided"):
            by_hand(counter, again, money, [(first.case, Decimal(1))] if again is split else first.case)


# --- money that went back --------------------------------------------------------------------------------------------
def gone(counter: Counter, reference: str, amount: str, on: date = PAID_ON) -> Any:
    with counter.engine.begin() as conn:
        return give_back(conn, counter.creditor, [GoneBack(reference, Decimal(amount), on)], "pix", counter.now)


def test_a_payment_that_went_back_is_reversed_once(counter: Counter) -> None:
    case = counter.open()
    counter.take(paid("E1", number="NF1", payer=counter.document(case)))
    assert len(gone(counter, "E1", "1000.00")) == 1
    assert gone(counter, "E1", "1000.00") == []
    assert counter.facts(case)[1] == {"kind": "reverse", "reference": "E1", "on": "2026-11-23"}


def test_all_parts_of_a_divided_transfer_that_went_back_are_reversed(counter: Counter) -> None:
    first, second = counter.open("NF1"), counter.open("NF2")
    counter.take(paid("E1", "500.00", payer=STRANGER))
    by_hand(counter, split, counter.payment("E1").id, [(first.case, Decimal(300)), (second.case, Decimal(200))])
    gone(counter, "E1", "500.00")
    assert [counter.facts(case)[1]["reference"] for case in (first, second)] == ["E1#1", "E1#2"]


def test_a_part_that_went_back_or_a_return_of_nothing_known_is_for_a_person(counter: Counter) -> None:
    case = counter.open()
    counter.take(paid("E1", "1200.00", number="NF1", payer=counter.document(case)))
    assert gone(counter, "E1", "200.00") == []
    assert gone(counter, "E9", "10.00") == []
    tasks = {task.case_id: task for task in counter.tasks()}
    assert tasks.keys() == {case.case, None}
    assert {task.kind for task in tasks.values()} == {"payment-partly-back"}
    assert "R$ 200,00 of R$ 1.200,00 went back on 23/11/2026" in tasks[case.case].details
    assert len(counter.facts(case)) == 1


def test_what_went_back_before_anybody_matched_it_waits_no_more(counter: Counter) -> None:
    case = counter.open()
    counter.take(paid("E1", "3.00"))
    gone(counter, "E1", "3.00")
    assert waiting(counter) == []
    with pytest.raises(Refused, match="went back"):
        by_hand(counter, assign, counter.payment("E1").id, case.case)


# --- news ------------------------------------------------------------------------------------------------------------
def test_news_never_go_back(counter: Counter) -> None:
    said = [20, 19, 23]
    with counter.engine.begin() as conn:
        known = [set_news(conn, counter.creditor, date(2026, 11, day), counter.now)[0].day for day in said]
    assert known == [20, 20, 23]
    assert counter.row().news_on == date(2026, 11, 23)


@pytest.mark.parametrize(
    ("news", "today", "fresh"),
    [
        (None, date(2026, 11, 24), False),
        (date(2026, 11, 23), date(2026, 11, 24), True),
        (date(2026, 11, 20), date(2026, 11, 24), False),
        (date(2026, 11, 19), date(2026, 11, 23), True),  # Monday, and Friday the 20th is a holiday
        (date(2026, 11, 18), date(2026, 11, 23), False),
    ],
)
def test_news_are_fresh_when_they_reach_the_last_bank_day(news: date | None, today: date, fresh: bool) -> None:
    assert news_are_fresh(news, today) is fresh

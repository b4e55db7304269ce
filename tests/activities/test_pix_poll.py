"""Asking the bank what was paid by Pix: nothing is missed, nothing counts twice, one bank's silence is its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest
from people import SETTINGS, new_creditor
from sqlalchemy import Engine, update
from temporalio.testing import ActivityEnvironment

from activities.pix_poll import RETURNS_WITHIN, SLICE, PixPoll, poll
from db.rows import CREDITOR
from domain.clock import Clock
from domain.errors import Misconfigured, Unavailable
from gateways.pix import Received, Refund
from gateways.pix_accounts import PRINCIPAL
from tests.activities.money_samples import NOON, Counter
from tests.domain.bank_samples import PAID_ON

KEYS = {"credora": "123e4567-e12b-12d1-a456-426655440000", "outra": "contas@outra.example.com"}


class Account:
    """A bank's list of received Pix, that can be told to fail at its n-th question."""

    def __init__(self) -> None:
        self.received_pix: list[Received] = []
        self.asked: list[tuple[datetime, datetime]] = []
        self.fails_at, self.error = 0, cast(Exception, Unavailable("away"))

    def received(self, since: datetime, until: datetime) -> Iterator[Received]:
        self.asked.append((since, until))
        if len(self.asked) == self.fails_at:
            raise self.error
        yield from (pix for pix in self.received_pix if since <= pix.at <= until)

    def gets(self, number: int, amount: str = "1034.33", at: datetime = NOON, **changes: Any) -> Received:
        """Somebody pays."""
        pix = Received(f"E9999999920261123{number:015d}", Decimal(amount), at, key=KEYS["credora"])
        self.received_pix.append(replace(pix, **changes))
        return self.received_pix[-1]


@pytest.fixture
def account() -> Account:
    return Account()


@pytest.fixture
def counter(engine: Engine, tmp_path: Path, account: Account) -> Counter:
    made = Counter(engine, tmp_path)
    made.world = replace(made.world, pix={PRINCIPAL: cast(Any, account)})
    _agree(engine, "credora")
    return made


def _agree(engine: Engine, code: str) -> None:
    agreement = {"mode": "api", "key": KEYS[code], "name": "Credora Ficticia", "city": "Sao Paulo"}
    with engine.begin() as conn:
        conn.execute(update(CREDITOR).where(CREDITOR.c.code == code).values(settings=SETTINGS | {"pix": agreement}))


def later(counter: Counter, by: timedelta) -> None:
    """Time goes by."""
    counter.now += by
    counter.world = replace(counter.world, clock=Clock(datetime.now(UTC), counter.now, 1.0))


def test_what_was_paid_is_counted_and_what_was_told_by_the_webhook_is_a_repetition(
    counter: Counter, account: Account
) -> None:
    case = counter.open()
    counter.code(case, "TX1", "1034.33", PAID_ON)
    account.gets(1, txid="TX1")
    account.gets(2, "7.00", text="  Pix de  Fulana ")
    told: list[Any] = []
    counter.world = replace(counter.world, deliver=told.extend)
    taken = poll(counter.world, counter.row())
    assert (taken.matched, taken.unmatched, len(told)) == (1, 1, 1)
    again = poll(counter.world, counter.row())
    assert (again.repeated, again.facts) == (2, ())
    assert counter.paid(case) == Decimal("1034.33")
    assert {row.hint for row in counter.payments()} == {"", "Pix de Fulana"}


def test_a_complete_poll_says_that_payments_are_known_up_to_the_last_bank_day(
    counter: Counter, account: Account
) -> None:
    poll(counter.world, counter.row())
    assert counter.row().news_on == date(2026, 11, 23)
    later(counter, timedelta(days=5))  # Sunday
    account.fails_at = len(account.asked) + 1
    with pytest.raises(Unavailable):
        poll(counter.world, counter.row())
    assert counter.row().news_on == date(2026, 11, 23), "a poll that broke off says nothing"
    poll(counter.world, counter.row())
    assert counter.row().news_on == date(2026, 11, 27)


def test_the_first_poll_of_all_looks_as_far_back_as_money_can_go_back_and_the_next_ones_a_day(
    counter: Counter, account: Account
) -> None:
    poll(counter.world, counter.row())
    assert NOON - account.asked[0][0] >= RETURNS_WITHIN
    assert all(until - since <= SLICE for since, until in account.asked)
    assert all(end == start for (_, end), (start, _) in zip(account.asked, account.asked[1:], strict=False))
    account.asked.clear()
    later(counter, timedelta(hours=1))
    poll(counter.world, counter.row())
    ((since, until),) = account.asked
    assert timedelta(hours=24) < until - since < timedelta(hours=26)
    account.asked.clear()
    later(counter, timedelta(days=120))
    poll(counter.world, counter.row())
    assert account.asked[0][0] < NOON, "a long silence leaves no gap"


def test_the_days_first_poll_asks_again_for_the_days_whose_money_may_still_go_back(
    counter: Counter, account: Account
) -> None:
    came = [NOON - timedelta(days=days) for days in (50, 49, 30)]
    for number, at in enumerate(came):
        account.gets(number, at=at)
    poll(counter.world, counter.row())
    later(counter, timedelta(days=45))
    poll(counter.world, counter.row())
    later(counter, timedelta(hours=24))
    account.asked.clear()
    poll(counter.world, counter.row())
    (_, *again) = account.asked
    assert [(since.date(), until - since) for since, until in again] == [(came[2].date(), timedelta(days=1))]
    account.asked.clear()
    later(counter, timedelta(hours=1))
    poll(counter.world, counter.row())
    assert len(account.asked) == 1, "once a day"


def test_money_that_went_back_weeks_later_reverses_the_payment(counter: Counter, account: Account) -> None:
    case = counter.open()
    counter.code(case, "TX1", "1034.33", PAID_ON)
    pix = account.gets(1, txid="TX1")
    poll(counter.world, counter.row())
    later(counter, timedelta(days=40))
    back = Refund("1", "D1", pix.amount, "done", "MED_FRAUDE", NOON + timedelta(days=39))
    account.received_pix = [replace(pix, refunds=(back,))]
    poll(counter.world, counter.row())
    assert counter.facts(case)[1] == {"kind": "reverse", "reference": pix.end_to_end_id, "on": "2027-01-02"}


def test_one_account_with_the_keys_of_two_creditors_gives_each_his_own(counter: Counter, account: Account) -> None:
    new_creditor(counter.engine, "outra", document="22333444000181", news_on=None)
    _agree(counter.engine, "outra")
    account.gets(1)
    account.gets(2, key=KEYS["outra"].upper())
    account.gets(3, key="+5511900000009")
    report = ActivityEnvironment().run(PixPoll(counter.world).poll_pix)
    assert (report.polled, report.failed, report.waiting) == (2, 0, 2)
    owners = {row.reference[-1]: row.creditor_id for row in counter.payments()}
    assert owners["1"] == counter.creditor != owners["2"]
    (task,) = counter.tasks()
    assert task.kind == "pix-of-nobody"


@pytest.mark.parametrize(
    ("error", "tasks"), [(Unavailable("away"), []), (Misconfigured("oauth-401"), ["pix-no-access"])]
)
def test_one_creditors_failure_does_not_keep_the_others_from_their_poll(
    counter: Counter, account: Account, error: Exception, tasks: list[str]
) -> None:
    new_creditor(counter.engine, "outra", document="22333444000181", news_on=None)
    _agree(counter.engine, "outra")
    account.fails_at, account.error = 1, error
    report = ActivityEnvironment().run(PixPoll(counter.world).poll_pix)
    assert (report.polled, report.failed) == (1, 1)
    assert [task.kind for task in counter.tasks()] == tasks


def test_without_a_bank_nothing_is_asked(counter: Counter) -> None:
    counter.world = replace(counter.world, pix={})
    assert ActivityEnvironment().run(PixPoll(counter.world).poll_pix).polled == 0
    with pytest.raises(Misconfigured):
        poll(counter.world, counter.row())

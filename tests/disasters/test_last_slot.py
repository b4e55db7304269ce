"""Two processes, behind a barrier, race for the last contact that a debtor or an address may get: exactly one wins."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from last_slot import contact
from people import Opened, new_case_row
from races import race
from sqlalchemy import Engine, func, insert, select

from db.rows import CLOCK, CONTACT
from domain.policy_file import parse_policy

DUE = date(2026, 3, 10)
NOON = datetime(2026, 3, 10, 12, tzinfo=ZoneInfo("America/Sao_Paulo"))
SHARED = (("email", "contador@escritorio.example.com"), ("sms", "+5511900000001"))
BACKWARDS = (SHARED[1], SHARED[0])
STEP = "  - {id: um, at: due, do: contact, by: [email], text: atraso-cordial}\n"
ONE_A_DAY = parse_policy(f"policy: um\ncontact: {{per_day: 1, per_week: 1, spacing: 0h}}\nsteps:\n{STEP}", "um.yaml")
ONE_AT_AN_ADDRESS = parse_policy(f"policy: dois\ncontact: {{per_address: 1}}\nsteps:\n{STEP}", "dois.yaml")
OTHER_STEP = STEP.replace("[email]", "[sms, email]")
ANY_OF_TWO = parse_policy(f"policy: tres\ncontact: {{per_address: 1}}\nsteps:\n{OTHER_STEP}", "tres.yaml")
ROUNDS = 3


@pytest.fixture
def noon(engine: Engine) -> Engine:
    """A clock that stood at noon a moment ago."""
    row = {"id": 1, "real_origin": datetime.now(UTC), "business_origin": NOON, "scale": 1.0}
    with engine.begin() as conn:
        conn.execute(insert(CLOCK).values(row))
    return engine


def contacts_at_once(database_url: str, folder: Path, cases: list[Opened]) -> list[str]:
    """Each case in a process of its own; all go on the same signal."""
    at = datetime.now(UTC)
    return sorted(race(contact, [(database_url, folder, str(case.case), at) for case in cases]))


def sent(engine: Engine) -> int:
    with engine.connect() as conn:
        return conn.execute(select(func.count()).select_from(CONTACT)).scalar_one()


@pytest.mark.parametrize("_", range(ROUNDS))
def test_two_cases_of_one_debtor_get_one_contact(noon: Engine, database_url: str, tmp_path: Path, _: int) -> None:
    """Both cases wait for the debtor's row: the second finds the message that covers it."""
    first = new_case_row(noon, ONE_A_DAY, DUE, DUE, contacts=SHARED)
    second = new_case_row(noon, ONE_A_DAY, DUE, DUE, debtor=first.debtor)
    said = contacts_at_once(database_url, tmp_path, [first, second])
    assert sent(noon) == 1
    assert all(word.startswith(("contact_sent", "contact_deferred a message of another case")) for word in said)


@pytest.mark.parametrize("_", range(ROUNDS))
def test_two_debtors_who_share_an_accountant_get_one_contact_at_his_address(
    noon: Engine, database_url: str, tmp_path: Path, _: int
) -> None:
    cases = [new_case_row(noon, ONE_AT_AN_ADDRESS, DUE, DUE, contacts=SHARED[:1]) for _ in range(2)]
    assert contacts_at_once(database_url, tmp_path, cases) == ["contact_deferred per-address", "contact_sent"]
    assert sent(noon) == 1


def test_debtors_who_share_two_addresses_in_different_order_cannot_block_each_other(
    noon: Engine, database_url: str, tmp_path: Path
) -> None:
    cases = [new_case_row(noon, ANY_OF_TWO, DUE, DUE, contacts=how) for how in (SHARED, BACKWARDS, SHARED)]
    started = datetime.now(UTC)
    said = contacts_at_once(database_url, tmp_path, cases)
    assert said == ["contact_deferred per-address", "contact_sent", "contact_sent"], "one by SMS, one by e-mail"
    assert sent(noon) == 2
    assert datetime.now(UTC) - started < timedelta(seconds=50)

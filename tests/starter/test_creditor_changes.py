"""Where money goes, and who may sign, changes only by two people; silence and one's own word change nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from people import new_staff
from sqlalchemy import Engine, select
from test_creditors import creditor

from db.rows import APPROVAL, CREDITOR, CREDITOR_CHANGE, STAFF
from db.settings import CreditorSettings
from domain.errors import BadInput, Refused
from starter import people
from starter.creditor_changes import PURPOSE, Saved, change_creditor, pending, settle_change
from starter.creditors import CreditorFile

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
BANK = [{"bank": "341", "account": "12345-6"}]


def with_settings(given: CreditorFile, **settings: Any) -> CreditorFile:
    return replace(given, settings=CreditorSettings.model_validate(given.settings.model_dump(mode="json") | settings))


def standing(engine: Engine, saved: Saved) -> dict[str, Any]:
    with engine.connect() as conn:
        return dict(conn.execute(select(CREDITOR.c.settings).where(CREDITOR.c.id == saved.id)).scalar_one())


@pytest.fixture
def asked(engine: Engine, tmp_path: Path) -> Saved:
    """A known creditor of whom ana wants another bank account."""
    for name, role in (("ana", "manager"), ("gil", "manager"), ("caio", "clerk")):
        new_staff(engine, name, role)
    known = creditor(tmp_path)
    assert change_creditor(engine, known, NOW, "").waits == (), "a new creditor is nobody's change"
    return change_creditor(engine, with_settings(known, bank_accounts=BANK, site="nova.example.com"), NOW, "ana")


def word(engine: Engine, approval: Any, who: str, yes: bool, reason: str = "") -> int:
    with engine.begin() as conn:
        staff = conn.execute(select(STAFF).where(STAFF.c.id == who)).one()
        missing = people.say(conn, approval, staff, yes, reason, NOW)
        if not yes or missing <= 0:
            settle_change(conn, approval, yes, NOW)
        return missing


def test_a_new_bank_account_waits_for_another_person_and_what_is_not_guarded_changes_at_once(
    engine: Engine, asked: Saved
) -> None:
    assert asked.waits == ("bank_accounts",)
    assert standing(engine, asked)["bank_accounts"] == []
    assert standing(engine, asked)["site"] == "nova.example.com"
    with engine.connect() as conn:
        row = conn.execute(select(APPROVAL).where(APPROVAL.c.id == asked.approval)).one()
        shown = pending(conn, row.id)
    assert (row.purpose, row.role, row.asked_by, row.amount) == (PURPOSE, "manager", "ana", Decimal("0.00"))
    assert shown["changes"] == [{"setting": "bank_accounts", "is": [], "would_be": BANK}]


def test_who_asked_cannot_approve_nor_can_a_clerk(engine: Engine, asked: Saved) -> None:
    with pytest.raises(Refused, match="another person must answer"):
        word(engine, asked.approval, "ana", yes=True)
    with pytest.raises(Refused, match="this needs the role manager"):
        word(engine, asked.approval, "caio", yes=True)
    assert standing(engine, asked)["bank_accounts"] == []


def test_the_second_persons_word_makes_it_so(engine: Engine, asked: Saved) -> None:
    assert word(engine, asked.approval, "gil", yes=True) == 0
    assert standing(engine, asked)["bank_accounts"] == BANK


def test_a_refusal_needs_a_reason_and_changes_nothing(engine: Engine, asked: Saved) -> None:
    with pytest.raises(BadInput, match="needs a reason"):
        word(engine, asked.approval, "gil", yes=False)
    word(engine, asked.approval, "gil", yes=False, reason="conta de outro titular")
    assert standing(engine, asked)["bank_accounts"] == []


def test_a_newer_request_takes_the_place_of_the_one_that_waits(engine: Engine, tmp_path: Path, asked: Saved) -> None:
    again = change_creditor(engine, with_settings(creditor(tmp_path), how_to_pay="boleto"), NOW, "gil")
    with engine.connect() as conn:
        changes = conn.execute(select(CREDITOR_CHANGE.c.state).order_by(CREDITOR_CHANGE.c.state)).scalars().all()
    assert changes == ["asked", "superseded"]
    with pytest.raises(Refused, match="does not wait any more"):
        word(engine, asked.approval, "gil", yes=True)
    assert word(engine, again.approval, "ana", yes=True) == 0
    assert (standing(engine, again)["bank_accounts"], standing(engine, again)["how_to_pay"]) == ([], "boleto")


def test_nobody_changes_where_money_goes_without_a_name(engine: Engine, tmp_path: Path, asked: Saved) -> None:
    with pytest.raises(Refused, match="say who asks"):
        change_creditor(engine, with_settings(creditor(tmp_path), how_to_pay="Pix"), NOW, "")

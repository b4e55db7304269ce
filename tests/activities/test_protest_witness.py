"""A debtor pays while his title is in each state of its protest; the notary's own book says how it was undone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from activities.protest_answers import take_in_files
from activities.protest_batch import prepare_files
from activities.protest_upload import upload_files
from db.rows import CASE, ORDER, TASK
from domain.errors import Unavailable
from sandbox.notary import Notary
from sandbox.state import Settings, State
from tests.activities.protest_samples import DAY, Office

LIFE = 16
"""Days: a whole three-day term with a weekend, a withdrawal or a cancellation, and its answer."""


@pytest.fixture
def office(engine: Engine, tmp_path: Path) -> Office:
    return Office(engine, tmp_path)


def lived(office: Office, folder: Path, pays: Callable[[Any, date], bool], fate: str = "registered") -> tuple[Any, str]:
    """Live a title from the queue on; the debtor pays on the first morning on which `pays` (title, day) says so.

    Returns the case and what the notary's book says of its title, "" where he never saw it.
    """
    state = State(Settings(folder / "sandbox", cra_folder=office.cra.out.parent))
    notary = Notary(state, lambda: office.world.now())
    [case] = office.queued("1001")
    notary.set_fates({"1001": fate})
    paid = False
    for day in (DAY + timedelta(days=n) for n in range(LIFE)):
        office.at(day, hour=9)
        if not paid and pays(office.title(case), day):
            office.pay(case, "1000.00")
            paid = True
        notary.work()
        take_in_files(office.world)
        office.decide(case)
        prepare_files(office.world)
        upload_files(office.world)
        notary.work()
        office.decide(case)
    row = state.row("SELECT state FROM titles WHERE our_number = ?", office.title(case).our_number)
    state.close()
    assert paid
    return case, str(row["state"]) if row else ""


@pytest.mark.parametrize("state", ["sent", "confirmed", "notified"])
def test_paid_while_it_is_there_is_given_back_unprotested(office: Office, tmp_path: Path, state: str) -> None:
    case, witness = lived(office, tmp_path, lambda title, _: title.state == state)
    assert (office.title(case).state, witness) == ("withdrawn", "withdrawn")
    assert office.row(CASE, case).outcome == "paid"
    assert {order.kind: order.state for order in office.rows(ORDER)}["withdraw"] == "answered"


def test_paid_while_it_is_queued_never_reaches_the_notary(office: Office, tmp_path: Path) -> None:
    case, witness = lived(office, tmp_path, lambda title, _: title.state == "queued")
    assert (office.title(case).state, witness) == ("unqueued", "")
    assert office.row(CASE, case).outcome == "paid"


def test_a_withdrawal_that_comes_a_day_too_late_ends_in_a_cancellation_at_our_cost(
    office: Office, tmp_path: Path
) -> None:
    upload = office.cra.upload

    def lost_until_registered(kind: Any, name: str, content: bytes) -> Any:
        if kind == "desistencia" and office.day <= office.title(case_of(office)).term_end + timedelta(days=1):
            raise Unavailable("2141")
        return upload(kind, name, content)

    office.cra.upload = lost_until_registered  # type: ignore[method-assign]
    case, witness = lived(office, tmp_path, lambda title, day: day == title.term_end)
    assert (office.title(case).state, witness) == ("cancelled", "cancelled")
    assert office.row(CASE, case).outcome == "paid"
    assert [task.kind for task in office.rows(TASK) if task.kind == "withdrawal-late"]
    assert not [task for task in office.rows(TASK) if task.kind == "sign-consent"]


def case_of(office: Office) -> Any:
    return office.rows(CASE)[0].id


def test_paid_after_the_protest_waits_for_the_letter_of_consent(office: Office, tmp_path: Path) -> None:
    case, witness = lived(office, tmp_path, lambda title, _: title.state == "registered")
    assert (office.title(case).state, witness) == ("registered", "registered")
    assert "sign-consent" in [task.kind for task in office.rows(TASK) if task.done_at is None]
    assert office.row(CASE, case).stage != "closed"


def test_paid_while_a_court_holds_it_changes_nothing_there(office: Office, tmp_path: Path) -> None:
    case, witness = lived(office, tmp_path, lambda title, _: title.state == "suspended", fate="suspended")
    assert (office.title(case).state, witness) == ("suspended", "suspended")
    assert not [order for order in office.rows(ORDER) if order.kind != "present"]
    assert office.row(CASE, case).stage != "closed"

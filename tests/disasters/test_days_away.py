"""A day without providers, a day without the database: nothing lost, hours and caps kept, no burst afterwards."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

CASES = 5


@pytest.mark.timeout(240)
def test_after_days_without_providers_and_database_every_step_was_said_once_in_its_hours_and_no_burst_follows() -> None:
    found = _both_days()
    _every_step_was_said_once_and_nothing_is_for_a_person(found)
    _nobody_hears_more_than_once_a_day_and_only_in_lawful_hours(found)
    _while_providers_fail_a_case_tries_seldom_and_its_history_hardly_grows(found["providers"])
    _while_the_database_is_away_nothing_is_sent_and_a_case_asks_once_and_waits(found["database"])


def _both_days() -> dict[str, Any]:
    """What came of both days, in one run of the real stack on a scaled clock."""
    with tempfile.TemporaryDirectory(prefix="regua-away-") as folder:
        done = subprocess.run(
            [sys.executable, str(Path(__file__).with_name("days_away_run.py")), folder],
            capture_output=True, text=True, timeout=230, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def _every_step_was_said_once_and_nothing_is_for_a_person(found: dict[str, Any]) -> None:
    counted = found["counted"]
    assert counted["doubled"] == 0
    assert counted["messages"] == counted["sent_by_ledger"] == found["expected"] == 3 * CASES
    assert (counted["unheard"], found["tasks"]) == (0, [])
    assert found["database"]["sent_before"] < found["expected"], "something was left to be said"


def _nobody_hears_more_than_once_a_day_and_only_in_lawful_hours(found: dict[str, Any]) -> None:
    assert (found["most_a_day"], found["most_planned_a_day"]) == (1, 1)
    assert found["outside_hours"] == 0


def _while_providers_fail_a_case_tries_seldom_and_its_history_hardly_grows(down: dict[str, Any]) -> None:
    assert down["taken"] == 0
    assert 1 <= down["tries"] <= 6 * CASES
    assert down["grown"] <= 60, "some ten events for each time that a case looks again"


def _while_the_database_is_away_nothing_is_sent_and_a_case_asks_once_and_waits(away: dict[str, Any]) -> None:
    """Who wakes meanwhile tries (the step's three tries), asks what to do instead, and waits for the answer: some
    twelve events, however long it lasts. The server repeats the question, which adds nothing."""
    assert away["taken"] == 0
    assert away["grown"] <= 15

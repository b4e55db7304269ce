"""The worker killed with SIGKILL at every point of a contact's way, on every channel: nothing doubled, nothing lost."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

POINTS = ("before_intent", "after_intent", "during_the_call", "after_acceptance", "before_record", "after_record")
AMICABLE = ("email", "sms", "whatsapp", "voice")
COPIES = 3
"""Messages for each channel and point: nothing is reported of the first, everything twice, the last thing first."""

pytestmark = [pytest.mark.timeout(400), pytest.mark.xdist_group("crash")]


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """What the providers took and what the books say, after a kill at each point."""
    with tempfile.TemporaryDirectory(prefix="regua-crash-") as folder:
        done = subprocess.run(
            [sys.executable, str(Path(__file__).with_name("crash_run.py")), folder],
            capture_output=True, text=True, timeout=380, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    assert result["kills"] == len(POINTS) == len(result["points"])
    return result


@pytest.mark.parametrize("channel", AMICABLE)
@pytest.mark.parametrize("point", POINTS)
def test_killed_there_nothing_is_sent_twice_and_nothing_is_lost(
    found: dict[str, Any], point: str, channel: str
) -> None:
    """A friendly message that ends as a task counts as lost."""
    assert found["points"][point][channel] == {
        "messages": COPIES, "duplicates": 0, "losses": 0, "tasks": 0, "in_the_book": COPIES, "unheard": 0,
    }  # fmt: skip


@pytest.mark.parametrize("point", POINTS)
def test_a_notice_is_never_sent_twice_and_a_person_has_what_nobody_can_know(found: dict[str, Any], point: str) -> None:
    """Only where no record of the provider shows it: there it never left, and no machine can be sure of that."""
    left = 0 if point == "after_intent" else COPIES
    assert found["points"][point]["notice"] == {
        "messages": left, "duplicates": 0, "losses": 0, "tasks": COPIES - left, "in_the_book": left, "unheard": 0,
    }  # fmt: skip

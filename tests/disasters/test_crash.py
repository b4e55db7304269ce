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


@pytest.mark.timeout(600)
def test_killed_at_any_point_on_any_channel_nothing_is_sent_twice_and_nothing_is_lost() -> None:
    """A friendly message that ends as a task counts as lost. A notice becomes one only after an intent of which no
    record of the provider tells: there it never left, and no machine can be sure of that."""
    found = _killed()
    assert found["kills"] == len(POINTS) == len(found["points"])
    for point, channels in found["points"].items():
        for channel in AMICABLE:
            assert channels[channel] == _outcome(COPIES), f"{channel}, killed {point}"
        assert channels["notice"] == _outcome(0 if point == "after_intent" else COPIES), f"notice, killed {point}"


def _outcome(arrived: int) -> dict[str, int]:
    """Every message arrived once and stands in the book, or is a task; nothing is left unheard."""
    return {
        "messages": arrived, "duplicates": 0, "losses": 0, "tasks": COPIES - arrived, "in_the_book": arrived,
        "unheard": 0,
    }  # fmt: skip


def _killed() -> dict[str, Any]:
    """What the providers took and what the books say, after a kill at each point."""
    with tempfile.TemporaryDirectory(prefix="regua-crash-") as folder:
        done = subprocess.run(
            [sys.executable, str(Path(__file__).with_name("crash_run.py")), folder],
            capture_output=True, text=True, timeout=580, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return result

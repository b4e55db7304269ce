"""Every process killed with SIGKILL while a provider has a call of ours: nothing sent twice, nothing lost."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest


@pytest.mark.timeout(280)
def test_killed_with_a_call_in_flight_nothing_is_sent_twice_and_nothing_is_lost() -> None:
    with tempfile.TemporaryDirectory(prefix="regua-kills-") as folder:
        done = subprocess.run(
            [sys.executable, str(Path(__file__).with_name("kill_run.py")), folder],
            capture_output=True, text=True, timeout=270, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.strip().splitlines()[-1])
    assert found["doubled"] == 0
    assert found["messages"] == found["sent_by_ledger"] == 6 * 5
    assert found["unheard"] == 0
    met = [name for name, in_flight in found["killed"] if in_flight]
    assert len(met) >= 5, f"each kill, but for one at most, met a call in flight: {found['killed']}"

"""`regua up`: the whole installation on this machine, and nothing left of it afterwards."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from gateways.settings import Settings
from sandbox.state import SENDGRID_KEY
from starter.embedded import free_port
from starter.stack import running_services
from starter.up import sandbox_environment, services

ROOT = Path(__file__).resolve().parents[2]
STARTS_WITHIN = 90.0


@pytest.fixture
def home() -> Iterator[Path]:
    # Not under pytest's directory: every new session closes that to other users, and root runs PostgreSQL as one.
    with tempfile.TemporaryDirectory(prefix="regua-test-") as directory:
        yield Path(directory)


def test_the_sandbox_stands_in_only_for_providers_that_are_not_configured(home: Path) -> None:
    everything = sandbox_environment(Settings(state_dir=home, sandbox_port=0))
    assert everything["REGUA_SENDGRID_KEY"] == SENDGRID_KEY
    assert {"REGUA_TWILIO_BASE_URL", "REGUA_CRA_URL", "REGUA_SENDGRID_WEBHOOK_PUBLIC_KEY"} <= set(everything)
    keys = {"sendgrid_key": SecretStr("SG.x"), "twilio_account_sid": "AC1", "cra_folder": home}
    real = Settings(state_dir=home, sandbox_port=0, **keys)
    assert sandbox_environment(real) == {}
    assert [service.name for service in services(real)] == ["webhooks", "worker"]
    assert [service.name for service in services(Settings(state_dir=home))] == ["sandbox", "webhooks", "worker"]


@pytest.mark.timeout(240)
def test_up_runs_everything_until_it_is_told_to_end(home: Path) -> None:
    ours = ("REGUA_", "TEMPORAL_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)} | {
        "REGUA_STATE_DIR": str(home / "state"), "REGUA_TEMPORAL_PORT": "0", "REGUA_TEMPORAL_UI_PORT": "0",
        "REGUA_SANDBOX_PORT": "0", "REGUA_WEBHOOK_PORT": str(free_port()), "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
    }  # fmt: skip
    regua = [sys.executable, "-m", "starter"]
    log = home / "up.log"
    with log.open("w") as out:
        stack = subprocess.Popen([*regua, "up"], cwd=home, env=environment, stdout=out, stderr=out)
    try:
        deadline = time.monotonic() + STARTS_WITHIN
        while "\nworker: " not in f"\n{log.read_text()}":
            assert stack.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        seen = subprocess.run([*regua, "doctor", "--json"], cwd=home, env=environment, capture_output=True, text=True)
        assert seen.returncode == 0, seen.stdout + seen.stderr
        found = {check["what"]: check["state"] for check in json.loads(seen.stdout)}
        assert {found[what] for what in ("PostgreSQL", "migrations", "clock", "Temporal", "schedules")} == {"ok"}
        scanned = subprocess.run([*regua, "scan", "--json"], cwd=home, env=environment, capture_output=True, text=True)
        assert json.loads(scanned.stdout)["opened"] == 0, scanned.stderr
        batch = subprocess.run(
            [*regua, "protest", "batch", "--json"], cwd=home, env=environment, capture_output=True, text=True
        )
        assert json.loads(batch.stdout)["status"] == "done", batch.stderr
    finally:
        stack.send_signal(signal.SIGINT)
        code = stack.wait(90)
    assert code == 0, log.read_text()
    assert running_services(home / "state") == {}

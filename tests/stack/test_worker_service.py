"""The worker as operators run it: a process that gets signals, probes, and servers that go away."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from stack_workflows import Slow
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client, WorkflowHandle

from db.embedded import EmbeddedPostgres
from gateways.settings import Settings
from gateways.temporal import connect
from starter.embedded import EmbeddedTemporal, free_port

ROOT = Path(__file__).resolve().parents[2]
QUEUE = "tests-of-the-service"

WORKER = f"""
import sys, types
from sqlalchemy import create_engine, text
sys.path.insert(0, {str(Path(__file__).parent)!r})
import stack_workflows
from gateways.temporal import WorkerSpec
registry = types.ModuleType("activities.registry")
spec = WorkerSpec({QUEUE!r}, stack_workflows.WORKFLOWS, stack_workflows.ACTIVITIES)
def build_world(settings, database):
    with create_engine(database).connect() as connection:
        connection.execute(text("SELECT 1" if settings.email_per_second != 7 else "TABLE not_migrated"))
registry.build_world = build_world
registry.worker_specs = lambda settings, client, world, workflows, beside: [spec]
sys.modules["activities.registry"] = registry
import worker
if __name__ == "__main__":
    sys.exit(worker.main(sys.argv[1:]))
"""


class Installation:
    """PostgreSQL and Temporal of one directory, and the worker's environment and log there."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.postgres = EmbeddedPostgres(home, durable=False)
        self.temporal = EmbeddedTemporal(home, 0, 0)
        self.health_port = free_port()
        self.metrics_port = free_port()
        self.log = home / "worker.log"

    @property
    def environment(self) -> dict[str, str]:
        ports = {"REGUA_HEALTH_PORT": str(self.health_port), "REGUA_METRICS_PORT": str(self.metrics_port)}
        return {"REGUA_STATE_DIR": str(self.home), "REGUA_TEMPORAL_PORT": "0", "PYTHONPATH": str(ROOT), **ports}

    @contextmanager
    def worker(self, *arguments: str, env: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
        script = self.home / "work.py"
        script.write_text(WORKER)
        with self.log.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, str(script), *arguments],
                stderr=log,
                env={**os.environ, **self.environment, **(env or {})},
            )
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def health(self) -> tuple[int, dict[str, bool]]:
        """Status and body of the probe; 0 while nobody listens."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.health_port}/health", timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)
        except OSError:
            return 0, {}

    def events(self) -> list[str]:
        """What the worker said; every line of its log must be JSON."""
        return [json.loads(line)["event"] for line in self.log.read_text().splitlines()]

    async def client(self) -> Client:
        return await connect(Settings(state_dir=self.home, temporal_port=0))


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    # Not under pytest's directory: every new session closes that to other users, and root runs PostgreSQL as one.
    with tempfile.TemporaryDirectory(prefix="regua-test-") as directory:
        made = Installation(Path(directory))
        made.postgres.start()
        made.temporal.start()
        yield made
        made.temporal.stop()
        made.postgres.stop()


def eventually(happened: Callable[[], object], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


async def start_slow(installation: Installation, seconds: float) -> tuple[WorkflowHandle[Slow, str], Path]:
    marker = installation.home / uuid.uuid4().hex
    client = await installation.client()
    arguments = [seconds, str(marker)]
    handle = await client.start_workflow(Slow.run, args=arguments, id=marker.name, task_queue=QUEUE)
    return handle, marker


def test_a_send_under_way_is_finished_before_the_worker_stops(installation: Installation) -> None:
    async def completed() -> bool:
        return any(
            [
                event.HasField("activity_task_completed_event_attributes")
                async for event in handle.fetch_history_events()
            ]
        )

    with installation.worker() as process:
        handle, marker = asyncio.run(start_slow(installation, 2.0))
        eventually(marker.exists)
        process.terminate()
        assert process.wait(20) == 0
    assert asyncio.run(completed())
    assert "draining" in installation.events()
    assert installation.events()[-1] == "drained"


def test_the_probe_says_which_part_is_not_well_and_the_worker_outlives_both_servers(installation: Installation) -> None:
    well = {"pollers": True, "temporal": True, "database": True}
    with installation.worker() as process:
        eventually(lambda: installation.health() == (200, well))
        installation.postgres.service.kill()
        assert installation.health() == (503, {**well, "database": False})
        installation.postgres.start()
        assert installation.health() == (200, well)

        installation.temporal.service.kill()
        assert installation.health() == (503, {**well, "temporal": False})
        installation.temporal.start()
        eventually(lambda: installation.health() == (200, well))
        handle, _ = asyncio.run(start_slow(installation, 0.0))
        assert asyncio.run(asyncio.wait_for(handle.result(), 30)) == "finished"
        assert process.poll() is None


def test_metrics_of_the_sdk_are_served(installation: Installation) -> None:
    with installation.worker():
        eventually(lambda: installation.health()[0] == 200)
        with urllib.request.urlopen(f"http://127.0.0.1:{installation.metrics_port}/metrics", timeout=10) as answer:
            assert b"temporal_num_pollers" in answer.read()


def test_a_worker_waits_for_a_temporal_that_is_away_and_says_so_once(installation: Installation) -> None:
    installation.temporal.stop()
    with installation.worker() as process:
        eventually(lambda: installation.health()[0] == 503)
        time.sleep(2)
        assert installation.events() == ["waiting for Temporal, which does not answer"]
        installation.temporal.start()
        eventually(lambda: "working" in installation.events())
        process.terminate()
        assert process.wait(20) == 0


def test_a_worker_waits_for_a_database_that_is_away(installation: Installation) -> None:
    installation.postgres.stop()
    with installation.worker():
        eventually(lambda: installation.log.read_text())
        assert installation.events() == ["waiting for the database, which does not answer"]
        installation.postgres.start()
        eventually(lambda: installation.health()[0] == 200)


def test_a_worker_that_waits_for_temporal_can_be_stopped(installation: Installation) -> None:
    installation.temporal.stop()
    try:
        with installation.worker() as process:
            eventually(lambda: installation.log.read_text())
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
    finally:
        installation.temporal.start()


def test_a_worker_drains_although_temporal_has_gone(installation: Installation) -> None:
    with installation.worker() as process:
        eventually(lambda: installation.health()[0] == 200)
        installation.temporal.stop()
        try:
            process.terminate()
            assert process.wait(30) == 0
        finally:
            installation.temporal.start()


def refusal(installation: Installation, *arguments: str, env: Mapping[str, str] | None = None) -> str:
    with installation.worker(*arguments, env=env) as process:
        assert process.wait(30) == 2
    last = json.loads(installation.log.read_text().splitlines()[-1])
    assert last["event"] == "refused"
    return str(last["reason"])


def test_an_unknown_queue_is_refused_with_those_there_are(installation: Installation) -> None:
    assert refusal(installation, "--queues", "fax") == f"--queues: there is no queue fax; there are {QUEUE}"


def test_a_wrong_setting_is_refused(installation: Installation) -> None:
    assert "REGUA_SMS_PER_SECOND: 'fast'" in refusal(installation, env={"REGUA_SMS_PER_SECOND": "fast"})


def test_a_database_without_our_tables_is_refused(installation: Installation) -> None:
    assert "run the migrations" in refusal(installation, env={"REGUA_EMAIL_PER_SECOND": "7"})


def test_an_unknown_namespace_and_one_without_search_attributes_are_refused(installation: Installation) -> None:
    async def register() -> None:
        request = RegisterNamespaceRequest(namespace="bare")
        request.workflow_execution_retention_period.FromTimedelta(timedelta(days=1))
        await (await installation.client()).workflow_service.register_namespace(request)

    assert "no namespace nowhere" in refusal(installation, env={"TEMPORAL_NAMESPACE": "nowhere"})
    asyncio.run(register())
    reason = refusal(installation, env={"TEMPORAL_NAMESPACE": "bare"})
    assert "temporal operator search-attribute create --name ReguaStage --type Keyword" in reason

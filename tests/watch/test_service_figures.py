"""What Temporal and the processes tell of themselves, on the real server."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import sys
import urllib.request
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError
from temporalio.testing import WorkflowEnvironment

import contract.names
from contract.names import CASES_QUEUE, EMAIL_QUEUE, INTAKE_SCHEDULE
from domain.clock import PRODUCTION
from domain.errors import BadAddress, BadInput
from domain.facts import ContactDeferred
from gateways.observed import ACTION_RESULTS, PROVIDER_CALLS, PROVIDER_SECONDS, count_result, observed
from gateways.settings import Settings
from gateways.temporal import PLUGIN, WorkerSpec, new_runtime, search_attributes
from starter import webhook_metrics
from starter.embedded import free_port
from starter.schedules import SCHEDULES, ensure_schedules
from watch import exporter, temporal
from worker import new_worker

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Provider:
    """Takes every message but one."""

    def send(self, to: str) -> str:
        if to == "nobody":
            raise BadAddress("550", "maria@example.com is unknown here")
        return "accepted"


@activity.defn(name="sends")
def sends(to: str) -> str:
    count_result("contact", ContactDeferred("um", activity.info().started_time, "later: 30004 of maria@example.com"))
    return observed("sendgrid", Provider()).send(to)


@workflow.defn(sandboxed=False)
class Sends:
    @workflow.run
    async def run(self) -> None:
        once = {"start_to_close_timeout": timedelta(seconds=9), "retry_policy": RetryPolicy(maximum_attempts=1)}
        await workflow.execute_activity(sends, "somebody", **once)
        with contextlib.suppress(ActivityError):
            await workflow.execute_activity(sends, "nobody", **once)


@pytest.fixture(scope="module")
def metrics_port() -> int:
    return free_port()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(metrics_port: int) -> AsyncIterator[Client]:
    binary = shutil.which("temporal", path=str(Path(sys.executable).parent)) or shutil.which("temporal")
    environment = await WorkflowEnvironment.start_local(
        dev_server_existing_path=binary,
        search_attributes=search_attributes(),
        dev_server_log_level="never",
        plugins=[PLUGIN],
        runtime=new_runtime(Settings(metrics_port=metrics_port)),
    )
    async with environment:
        yield environment.client


def scraped(text: str) -> dict[str, list[dict[str, str]]]:
    """Labels of the samples by the names as they stand in the text."""
    found: dict[str, list[dict[str, str]]] = {}
    for name, labels in re.findall(r"^(\w+)(?:\{(.*)\})? ", text, re.MULTILINE):
        found.setdefault(name, []).append(dict(re.findall(r'(\w+)="([^"]*)"', labels)))
    return found


async def test_calls_to_providers_and_reasons_for_waiting_stand_beside_the_sdks_own_figures(
    client: Client, metrics_port: int
) -> None:
    async with new_worker(client, WorkerSpec(CASES_QUEUE, [Sends], [sends])):
        await client.execute_workflow(Sends.run, id="sends", task_queue=CASES_QUEUE)
        text = await asyncio.to_thread(read, metrics_port)
    told = scraped(text)
    assert {labels["outcome"] for labels in told[PROVIDER_CALLS]} == {"done", "bad-address"}
    assert f"{PROVIDER_SECONDS}_bucket" in told
    assert {(labels["result"], labels["reason"]) for labels in told[ACTION_RESULTS]} == {("contact_deferred", "later")}
    assert "temporal_num_pollers" in told
    assert "maria" not in text


async def test_queues_without_a_worker_and_schedules_that_lack_are_told(client: Client) -> None:
    now = datetime.now(UTC)
    before = {(name, *labels.values()): value for name, labels, value in await temporal.read(client, SCHEDULES, now)}
    assert before["regua_schedule_missing", INTAKE_SCHEDULE] == 1
    assert before["regua_queue_pollers", EMAIL_QUEUE, "activity"] == 0
    async with new_worker(client, WorkerSpec(EMAIL_QUEUE, [], [sends])):
        await ensure_schedules(client, PRODUCTION)
        await asyncio.sleep(1)
        samples = await temporal.read(client, SCHEDULES, now + timedelta(hours=30))
    after = {(name, *labels.values()): value for name, labels, value in samples}
    assert after["regua_schedule_missing", INTAKE_SCHEDULE] == 0
    assert after["regua_schedule_paused", INTAKE_SCHEDULE] == 0
    assert after["regua_schedule_idle_seconds", INTAKE_SCHEDULE] == pytest.approx(108_000, abs=300)
    assert after["regua_queue_pollers", EMAIL_QUEUE, "activity"] >= 1
    assert {name for name, _, _ in samples} == set(temporal.NAMES)


async def test_the_queues_that_are_looked_at_are_those_that_workers_serve() -> None:
    assert set(temporal.QUEUES) == {value for name, value in vars(contract.names).items() if name.endswith("_QUEUE")}


async def test_a_temporal_that_is_away_is_said_to_be() -> None:
    async def refused() -> Client:
        raise RuntimeError("connection refused")

    figures = exporter.registry(exporter.TemporalFigures(refused, SCHEDULES))
    assert f"{exporter.TEMPORAL_UP} 0.0" in await asyncio.to_thread(exporter.as_text, figures)


async def test_webhooks_are_counted_by_door_and_what_stands_in_an_address_is_not_told() -> None:
    app = FastAPI()

    @app.post("/webhooks/pix/{token}")
    def pix(token: str) -> dict[str, int]:
        return {"length": len(token)}

    figures = webhook_metrics.watch(app)
    with TestClient(app) as caller:
        caller.post("/webhooks/pix/planted-secret")
        caller.post("/webhooks/planted-elsewhere")
    text = exporter.as_text(figures)
    told = scraped(text)[f"{webhook_metrics.REQUESTS}_total"]
    assert told == [
        {"door": "/webhooks/pix/{token}", "status": "200"},
        {"door": webhook_metrics.NOWHERE, "status": "404"},
    ]
    assert "planted" not in text


async def test_the_exporter_serves_on_its_port_and_says_when_it_cannot(engine: Engine) -> None:
    port, figures = free_port(), exporter.registry(exporter.DatabaseFigures(engine, PRODUCTION))
    stop = exporter.serve(figures, "127.0.0.1", port)
    try:
        assert "regua_database_up 1.0" in await asyncio.to_thread(read, port)
        with pytest.raises(BadInput, match="REGUA_FIGURES_PORT"):
            exporter.serve(figures, "127.0.0.1", port)
    finally:
        stop()


def read(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        text: str = answer.read().decode()
        return text

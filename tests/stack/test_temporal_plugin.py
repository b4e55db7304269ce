"""What our plugin promises of every client, worker and replay, on a real server."""

import asyncio
import os
import signal
import uuid
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from stack_workflows import (
    ACTIVITIES,
    SECRET,
    WORKFLOWS,
    Doubling,
    Failing,
    FailingLocally,
    Misread,
    Money,
    Open,
    Wedged,
)
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.worker import Replayer

from gateways.settings import Settings
from gateways.temporal import PLUGIN, WorkerSpec, connect, missing_search_attributes, search_attributes
from starter.embedded import EmbeddedTemporal
from worker import run_workers

QUEUE = "tests-of-the-plugin"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedTemporal]:
    temporal = EmbeddedTemporal(tmp_path_factory.mktemp("temporal"), 0, 0)
    temporal.start()
    yield temporal
    temporal.stop()


def settings_of(server: EmbeddedTemporal) -> Settings:
    return Settings(state_dir=server.home.parent, temporal_port=0)


@asynccontextmanager
async def working(server: EmbeddedTemporal) -> AsyncIterator[Client]:
    """A client of the server, found as every command finds it, while a worker works on our queue."""
    client = await connect(settings_of(server))
    stop = asyncio.Event()
    workers = asyncio.create_task(run_workers(client, [WorkerSpec(QUEUE, WORKFLOWS, ACTIVITIES)], stop))
    try:
        yield client
    finally:
        stop.set()
        await workers


async def start(client: Client, workflow: Any, *arguments: Any) -> WorkflowHandle[Any, Any]:
    return await client.start_workflow(workflow, args=arguments, id=f"test:{uuid.uuid4()}", task_queue=QUEUE)


async def events(handle: WorkflowHandle[Any, Any]) -> list[HistoryEvent]:
    return list((await handle.fetch_history()).events)


async def activity_failure(running: Awaitable[Any]) -> ApplicationError:
    with pytest.raises(WorkflowFailureError) as failed:
        await running
    activity = failed.value.cause
    assert isinstance(activity, ActivityError)
    assert isinstance(activity.cause, ApplicationError)
    return activity.cause


@pytest.mark.parametrize(
    ("kind", "type_", "message", "final"),
    [
        ("database", "IntegrityError", "IntegrityError", False),
        ("away", "DatabaseUnavailable", "DatabaseUnavailable", False),
        ("provider", "BadAddress", "BadAddress 21614", True),
        ("later", "Unavailable", "Unavailable 20429", False),
        ("application", "Foreign", "Foreign", True),
        ("program", "RuntimeError", "RuntimeError", False),
    ],
)
async def test_a_failed_activity_leaves_its_class_and_code_in_the_history_and_nothing_else(
    server: EmbeddedTemporal, kind: str, type_: str, message: str, final: bool
) -> None:
    async with working(server) as client:
        handle = await start(client, Failing.run, kind)
        error = await activity_failure(handle.result())
        assert (error.type, error.message, error.non_retryable) == (type_, message, final)
        assert (error.next_retry_delay is not None) == (kind == "later")

        locally = await start(client, FailingLocally.run, kind)
        assert await locally.result() == f"{type_}|{message}|{final}"

        for event in await events(handle) + await events(locally):
            assert SECRET.encode() not in event.SerializeToString()
            assert b"stack_workflows.py" not in event.SerializeToString()


async def test_an_argument_that_cannot_be_read_is_not_quoted_in_the_failure(server: EmbeddedTemporal) -> None:
    async with working(server) as client:
        handle = await start(client, Misread.run, SECRET)
        await activity_failure(handle.result())
        failures = [
            event.activity_task_failed_event_attributes.failure.SerializeToString()
            for event in await events(handle)
            if event.HasField("activity_task_failed_event_attributes")
        ]
        assert failures
        assert not any(SECRET.encode() in failure for failure in failures)


async def test_a_mistake_in_a_workflow_is_not_quoted_in_its_history(server: EmbeddedTemporal) -> None:
    async with working(server) as client:
        handle = await start(client, Wedged.run)
        failed: list[HistoryEvent] = []
        while not failed:
            await asyncio.sleep(0.05)
            failed = [one for one in await events(handle) if one.HasField("workflow_task_failed_event_attributes")]
        await handle.terminate()
        assert failed[0].workflow_task_failed_event_attributes.failure.message == "ValueError"
        assert SECRET.encode() not in failed[0].SerializeToString()


async def test_a_refused_update_reaches_the_caller_as_a_code_and_the_history_as_no_more(
    server: EmbeddedTemporal,
) -> None:
    async with working(server) as client:
        handle = await start(client, Open.run)
        for update, message in ((Open.refuse, "Refused"), (Open.refuse_with_code, "case-closed")):
            with pytest.raises(WorkflowUpdateFailedError) as refused:
                await handle.execute_update(update)
            assert isinstance(refused.value.cause, ApplicationError)
            assert (refused.value.cause.type, refused.value.cause.message) == ("Refused", message)
        await handle.signal(Open.close)
        await handle.result()
        assert all(SECRET.encode() not in event.SerializeToString() for event in await events(handle))


async def test_money_and_dates_cross_exactly_and_the_history_replays_with_the_same_plugin(
    server: EmbeddedTemporal,
) -> None:
    async with working(server) as client:
        handle = await start(client, Doubling.run, Money(Decimal("0.1000"), date(2027, 2, 28)))
        assert await client.get_workflow_handle(handle.id, result_type=Money).result() == Money(
            Decimal("0.2000"), date(2027, 2, 28)
        )
        history = await handle.fetch_history()
    replayed = await Replayer(workflows=[Doubling], plugins=[PLUGIN]).replay_workflow(history)
    assert replayed.replay_failure is None


async def test_the_embedded_server_knows_our_search_attributes_and_forgets_nothing_when_killed(
    server: EmbeddedTemporal,
) -> None:
    client = await connect(settings_of(server))
    assert await missing_search_attributes(client) == []
    values = [SearchAttributePair(key, "found-again") for key in search_attributes()]
    handle = await client.start_workflow(
        Open.run, id=f"test:{uuid.uuid4()}", task_queue=QUEUE, search_attributes=TypedSearchAttributes(values)
    )
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    server.start()
    async with working(server) as client:
        found = [
            one.id async for one in client.list_workflows("ReguaStage = 'found-again' AND ReguaNext = 'found-again'")
        ]
        assert found == [handle.id]
        again = client.get_workflow_handle(handle.id)
        await again.signal(Open.close)
        await again.result()

"""What an operator sees of a step: one trace from the workflow to the provider, none for a replay, nobody's data."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
import pytest_asyncio
import structlog
from conftest import Office, activities_of
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from people import short_ladder
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ExecuteActivityInput, Replayer

import worker
from activities.courier import Courier
from contract.messages import Perform
from contract.names import CASES_QUEUE, EMAIL_QUEUE
from gateways.logs import configure_logs
from gateways.observed import observed
from gateways.temporal import PLUGIN, WorkerSpec
from gateways.tracing import Discreet, interceptors, new_provider
from workflows.case import CaseWorkflow

pytestmark = pytest.mark.asyncio(loop_scope="session")

SENT = InMemorySpanExporter()
PROVIDER = new_provider(SimpleSpanProcessor(Discreet(SENT)))
FRIENDLY = "  - {id: um, at: due + 3d, do: contact, by: [email], text: atraso-cordial}\n"


@pytest.fixture
def spans() -> Callable[[], list[ReadableSpan]]:
    """The spans that left this process since the test began."""
    if trace.get_tracer_provider() is not PROVIDER:
        trace.set_tracer_provider(PROVIDER)
    SENT.clear()
    return lambda: list(SENT.get_finished_spans())


@pytest_asyncio.fixture(loop_scope="session")
async def traced(env, world) -> AsyncIterator[Office]:
    """An office whose workers are the service's own, with traces, and forget every case after each task."""
    told = replace(world, email=observed("sendgrid", world.email))
    specs = [
        WorkerSpec(CASES_QUEUE, [CaseWorkflow], activities_of(told), cached=0),
        WorkerSpec(EMAIL_QUEUE, [], activities_of(told)),
    ]
    async with AsyncExitStack() as stack:
        for spec in specs:
            await stack.enter_async_context(worker.new_worker(env.client, spec, PROVIDER))
        yield Office(env, env.client, told, Courier(env.client, told.engine, told.clock))


def by_name(spans: list[ReadableSpan], name: str) -> ReadableSpan:
    [found] = [span for span in spans if span.name == name]
    return found


async def test_one_step_is_one_trace_from_the_workflow_over_its_activity_to_the_provider(traced, spans) -> None:
    life = await traced.open(short_ladder(FRIENDLY), due_in=-1)
    await life.until(lambda _: "contact_sent" in life.book())
    while "RunActivity:contact" not in {span.name for span in spans()}:  # it ends after what it wrote is seen
        await asyncio.sleep(0.03)
    call, performed, ordered = (
        by_name(spans(), name) for name in ("sendgrid send", "RunActivity:contact", "StartActivity:contact")
    )
    assert call.parent.span_id == performed.context.span_id
    assert performed.parent.span_id == ordered.context.span_id
    assert ordered.parent is None
    assert len({span.context.trace_id for span in (call, performed, ordered)}) == 1
    assert dict(call.attributes) == {"regua.provider": "sendgrid", "regua.call": "send", "regua.outcome": "done"}
    assert ordered.attributes["temporalWorkflowID"] == life.handle.id
    decided = {span.context.trace_id for span in spans() if span.name == "StartActivity:decide"}
    assert ordered.context.trace_id not in decided


async def test_a_case_that_is_replayed_at_every_task_makes_the_spans_of_its_activities_once(traced, spans) -> None:
    life = await traced.open(short_ladder(FRIENDLY), due_in=-1)
    await life.until(lambda _: "contact_sent" in life.book())
    await life.handle.signal("payment", {"amount": "1100.00", "reference": "pix-1"})
    await life.until(lambda row: row.stage == "closed")
    await life.handle.result()
    history = await life.handle.fetch_history()
    events = [event.WhichOneof("attributes") for event in history.events]
    kinds = ("activity_task_scheduled_event_attributes", "marker_recorded_event_attributes")
    asked = sum(map(events.count, kinds))
    names = Counter(span.name for span in spans())
    assert names["StartActivity:decide"] + names["StartActivity:contact"] == asked
    assert (names["RunWorkflow:Case"], names["CompleteWorkflow:Case"], names["HandleSignal:payment"]) == (1, 1, 1)
    SENT.clear()
    replayer = Replayer(workflows=[CaseWorkflow], plugins=[PLUGIN], interceptors=interceptors(PROVIDER))
    await replayer.replay_workflow(history)
    assert spans() == []


async def test_a_trace_names_nobody_even_where_a_provider_quotes_an_address(traced, spans, sandbox) -> None:
    life = await traced.open(short_ladder(FRIENDLY), due_in=-1)
    await life.handle.signal("maria@example.com: payment", {"amount": "1"})
    with pytest.raises(RuntimeError), PROVIDER.get_tracer("t").start_as_current_span("RunActivity:contact"):
        raise RuntimeError("maria@example.com was refused")
    await life.settle()
    told = "".join(span.to_json() for span in spans())
    assert "RunActivity:contact" in told
    assert "HandleSignal" in told
    assert "maria" not in told


async def test_a_call_that_fails_is_told_by_its_kind_and_raised_as_it_was(spans) -> None:
    class Broken:
        def send(self) -> None:
            raise ValueError("maria@example.com")

    with pytest.raises(ValueError, match="maria"):
        observed("sendgrid", Broken()).send()
    [span] = spans()
    assert span.attributes["regua.outcome"] == "fault"
    assert span.status.status_code is trace.StatusCode.ERROR
    assert "maria" not in span.to_json()


async def test_a_line_in_the_log_says_of_which_case_step_and_instruction_and_in_which_trace(spans) -> None:
    written = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure_logs(written)
    given = Perform("c-1", 1, 7, None, "contact", "um", 1)

    class Innermost:
        async def execute_activity(self, _input: ExecuteActivityInput) -> None:
            structlog.get_logger("here").info("done")

    async def run() -> None:
        marked = interceptors(None)[0].intercept_activity(Innermost())
        with PROVIDER.get_tracer("t").start_as_current_span("RunActivity:contact"):
            await marked.execute_activity(ExecuteActivityInput(run, [given], None, {}))

    try:
        await ActivityEnvironment().run(run)
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.reset_defaults()
    [line] = [json.loads(text) for text in written.getvalue().splitlines()]
    [span] = spans()
    assert {key: line[key] for key in ("case", "instruction", "step", "activity")} == {
        "case": "c-1", "instruction": 7, "step": "um", "activity": "unknown",
    }  # fmt: skip
    assert line["trace"] == trace.format_trace_id(span.context.trace_id)

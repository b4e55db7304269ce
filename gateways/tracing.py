"""Traces through OpenTelemetry, and what ties log lines to them.

Each step of a case is one trace, from the workflow over its activity to the provider.
Off unless OpenTelemetry's own variables name a collector (`OTEL_EXPORTER_OTLP_ENDPOINT` or `..._TRACES_ENDPOINT`; they
may stand in `.env`). A case lives for months and a nightly scan opens thousands, so a life is no trace of its own: the
spans of a life are found by its workflow's id. Replay makes no spans; a trace says nothing that a log may not.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import structlog
from dotenv import dotenv_values
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from temporalio import activity
from temporalio.contrib.opentelemetry import TracingInterceptor
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

COLLECTORS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_SAID = frozenset(
    {
        "temporalWorkflowID", "temporalRunID", "temporalActivityID",
        "regua.provider", "regua.call", "regua.outcome",
    }
)  # fmt: skip
"""Attributes that leave this machine: ids and words of ours."""
_NAME = re.compile(r"[A-Za-z-]{1,40}([: ][A-Za-z_]{1,40})?")


def set_up_traces(service: str, env_file: Path = Path(".env")) -> TracerProvider | None:
    """Send this process's spans to the collector from now on, as `service`; None where no collector is named."""
    for name, value in dotenv_values(env_file).items():
        if name.startswith("OTEL_") and value:
            os.environ.setdefault(name, value)
    if not any(os.environ.get(name) for name in COLLECTORS):
        return None
    os.environ.setdefault("OTEL_SERVICE_NAME", service)
    provider = new_provider(BatchSpanProcessor(Discreet(OTLPSpanExporter())))
    trace.set_tracer_provider(provider)
    return provider


def new_provider(processor: SpanProcessor) -> TracerProvider:
    """A provider whose spans go to `processor`, named by OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES."""
    provider = TracerProvider(resource=Resource.create())
    provider.add_span_processor(processor)
    return provider


def interceptors(provider: TracerProvider | None) -> list[Interceptor]:
    """What a worker is given so that it makes spans, where there is a provider, and its log lines say whose they are.

    Only the worker: were the client given it too, all cases that one nightly scan opens would share one trace.
    """
    if provider is None:
        return [Marking()]
    return [TracingInterceptor(provider.get_tracer("regua"), always_create_workflow_spans=True), Marking()]


class Marking(Interceptor):
    """Every line that an activity logs says of which case, step and instruction it speaks, and in which trace."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        """Mark what is logged below."""
        return _MarkedActivity(next)


class _MarkedActivity(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        with structlog.contextvars.bound_contextvars(**_marks(input.args)):
            return await super().execute_activity(input)


def _marks(args: Sequence[Any]) -> dict[str, object]:
    info, given = activity.info(), args[0] if args else None
    span = trace.get_current_span().get_span_context()
    marks = {
        "activity": info.activity_type,
        "attempt": info.attempt,
        "case": getattr(given, "case_id", ""),
        "instruction": getattr(given, "seq", 0),
        "step": getattr(given, "step", ""),
        "trace": trace.format_trace_id(span.trace_id) if span.is_valid else "",
    }
    return {name: value for name, value in marks.items() if value}


class Discreet(SpanExporter):
    """Passes spans on without what could quote somebody: texts of errors, stacks, events, attributes unheard of."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export what may be said of the spans."""
        return self._exporter.export([_discreet(span) for span in spans])

    def shutdown(self) -> None:
        """Shut the exporter down."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Wait for what is on its way."""
        return self._exporter.force_flush(timeout_millis)


def _discreet(span: ReadableSpan) -> ReadableSpan:
    # A signal may be sent under any name by whoever reaches Temporal.
    name = span.name if _NAME.fullmatch(span.name) else span.name.partition(":")[0][:40]
    return ReadableSpan(
        name=name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes={key: value for key, value in (span.attributes or {}).items() if key in _SAID},
        links=span.links,
        kind=span.kind,
        instrumentation_scope=span.instrumentation_scope,
        status=trace.Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
    )

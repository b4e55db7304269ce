"""The one way this product talks to Temporal: client, worker and replayer share converter, sandbox and scrubbing."""

from __future__ import annotations

import atexit
import gc
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey
from temporalio.contrib.pydantic import PydanticPayloadConverter
from temporalio.converter import CompositePayloadConverter, DataConverter
from temporalio.plugin import SimplePlugin
from temporalio.runtime import (
    LogForwardingConfig,
    LoggingConfig,
    PrometheusConfig,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)
from temporalio.worker import Plugin, WorkflowInstance, WorkflowInstanceDetails
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from contract.names import CREDITOR_ATTRIBUTE, NEXT_ATTRIBUTE, STAGE_ATTRIBUTE
from gateways.codec import Codec, load_codec
from gateways.pulse import Pulse
from gateways.scrub import EncodedFailureConverter, ScrubbingFailureConverter
from gateways.settings import Settings, temporal_config

_NOT_SANDBOXED = (
    "domain", "contract", "pydantic", "pydantic_core", "structlog", "zoneinfo", "holidays",
    "workflows.options", "workflows.telling",
)  # fmt: skip
"""What workflow files import besides Temporal: pure, or slow to import for each case; zoneinfo breaks in a sandbox."""

_CONVERTERS = PydanticPayloadConverter().converters


class SharedPayloadConverter(CompositePayloadConverter):
    """The pydantic converter, once per process: the SDK makes one per cached case, and each builds its own types."""

    def __init__(self) -> None:
        super().__init__(*_CONVERTERS.values())


class ContextFreeRunner(SandboxedWorkflowRunner):
    """The SDK's sandbox, not entered only to ask for what our converters do not look at.

    For each payload that goes in or out the SDK asks the workflow, three times, for the context that a converter may
    want to know (`WithSerializationContext`); ours are not of that kind.
    """

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """One workflow in its sandbox."""
        instance = super().create_instance(det)
        instance.get_serialization_context = _no_context  # type: ignore[method-assign, assignment]
        return instance


def _no_context(_command: object) -> None:
    return None


def plugin(codec: Codec | None) -> SimplePlugin:
    """What `Client.connect` is given (workers made from that client have it too) and `Replayer`; tests included.

    With a codec everything written is encrypted, texts of failures too.
    """
    return SimplePlugin(
        "regua",
        data_converter=DataConverter(
            payload_converter_class=SharedPayloadConverter,
            payload_codec=codec,
            failure_converter_class=EncodedFailureConverter if codec else ScrubbingFailureConverter,
        ),
        workflow_runner=ContextFreeRunner(
            restrictions=SandboxRestrictions.default.with_passthrough_modules(*_NOT_SANDBOXED)
        ),
        interceptors=[Pulse()],
    )


PLUGIN = plugin(None)
"""For histories that are not encrypted, or were decrypted when they were read (`gateways.codec.decrypted`)."""


@dataclass(frozen=True)
class WorkerSpec:
    """What one task queue's worker runs.

    `max_per_second` limits the activities of the queue over all workers (None: no limit); `threads` is how many
    activities run at the same time in one process; `cached` is how many sleeping workflows it keeps in memory (0: each
    is woken from its history); `plugins` come after those of the client.
    """

    queue: str
    workflows: Sequence[type] = ()
    activities: Sequence[Callable[..., Any]] = ()
    max_per_second: float | None = None
    threads: int = 10
    cached: int = 500  # cases sleep for days: a cache helps only within a burst, at 128 KB a case
    plugins: Sequence[Plugin] = ()


async def connect(settings: Settings, runtime: Runtime | None = None) -> Client:
    """A client of the configured Temporal server, else of the embedded one; encrypting, where there are keys.

    Without a `runtime` the SDK's engine prints nothing: what a command writes to standard output is its own.
    Raises `RuntimeError` if nobody answers, `BadInput` for keys that are none.
    """
    config = temporal_config()
    config.setdefault("target_host", settings.embedded_temporal_address)
    return await Client.connect(**config, plugins=[plugin(load_codec(settings))], runtime=runtime or _silent())


@cache
def _silent() -> Runtime:
    return Runtime(telemetry=TelemetryConfig(logging=None))


def new_runtime(settings: Settings) -> Runtime:
    """The SDK's engine: its log goes through Python's, its metrics are served on `metrics_port` unless that is 0."""
    metrics = PrometheusConfig(bind_address=f"{settings.bind}:{settings.metrics_port}", durations_as_seconds=True)
    forwarding = LogForwardingConfig(logging.getLogger("temporalio.core"), append_target_to_name=False)
    return Runtime(
        telemetry=TelemetryConfig(
            logging=LoggingConfig(TelemetryFilter(core_level="WARN", other_level="ERROR"), forwarding=forwarding),
            metrics=metrics if settings.metrics_port else None,
        )
    )


def search_attributes() -> list[SearchAttributeKey[str]]:
    """The search attributes of a case, all keywords."""
    return [SearchAttributeKey.for_keyword(name) for name in (STAGE_ATTRIBUTE, NEXT_ATTRIBUTE, CREDITOR_ATTRIBUTE)]


async def missing_search_attributes(client: Client) -> list[SearchAttributeKey[str]]:
    """Those of our search attributes that the client's namespace does not know; setting one would wedge a case."""
    request = ListSearchAttributesRequest(namespace=client.namespace)
    known = await client.operator_service.list_search_attributes(request)
    return [key for key in search_attributes() if key.name not in known.custom_attributes]


async def add_search_attributes(client: Client) -> None:
    """Register what is missing of our search attributes in the client's namespace. Raises `RPCError` if not allowed."""
    missing = {
        key.name: IndexedValueType.ValueType(key.indexed_value_type) for key in await missing_search_attributes(client)
    }
    if missing:
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
        )


@atexit.register
def settle() -> None:
    """The last that a program does: Python may abort if it exits while the SDK's threads let go of a client."""
    gc.collect()
    time.sleep(0.02)

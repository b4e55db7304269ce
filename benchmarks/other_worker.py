"""`python -m benchmarks.other_worker WAY`: the product's worker but for one thing, which is what is measured."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from temporalio.client import Client
from temporalio.plugin import SimplePlugin
from temporalio.worker import UnsandboxedWorkflowRunner, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxRestrictions

from activities.registry import build_world, worker_specs
from benchmarks.local_case import LocalCaseWorkflow
from gateways.compile_once import compile_once
from gateways.logs import configure_logs
from gateways.settings import load_settings
from gateways.temporal import ContextFreeRunner, WorkerSpec, new_runtime, settle
from worker import serve
from workflows.registry import WORKFLOWS


class RunBy(SimplePlugin):
    """Runs workflows by another runner than the client's plugin has."""

    def __init__(self, runner: WorkflowRunner) -> None:
        super().__init__("regua-runner", workflow_runner=runner)


def _cold(*plugins: SimplePlugin) -> Callable[[WorkerSpec], WorkerSpec]:
    return lambda spec: replace(spec, cached=0, plugins=plugins)


def _local(spec: WorkerSpec) -> WorkerSpec:
    compile_once(WORKFLOWS)  # as it is without the module in between
    return replace(spec, workflows=[LocalCaseWorkflow])


WAYS: Mapping[str, Callable[[WorkerSpec], WorkerSpec]] = {
    "cold": _cold(),
    "passed-through": _cold(
        RunBy(ContextFreeRunner(restrictions=SandboxRestrictions.default.with_passthrough_all_modules()))
    ),
    "unsandboxed": _cold(RunBy(UnsandboxedWorkflowRunner())),
    "local": _local,
}
"""What is other about the queue of the cases: no cache, and the runner; or the contact."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Work until SIGTERM. The settings are those of the service, from the environment."""
    (way,) = sys.argv[1:] if arguments is None else arguments
    vary = WAYS[way]
    configure_logs()
    settings = load_settings()
    world = build_world(settings, settings.database_url)

    def specs(client: Client) -> list[WorkerSpec]:
        shipped = worker_specs(settings, client, world, WORKFLOWS)
        return [vary(spec) if spec.workflows else spec for spec in shipped]

    asyncio.run(serve(settings, settings.database_url, specs, new_runtime(settings)))
    settle()


if __name__ == "__main__":
    main()

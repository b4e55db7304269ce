"""Two cases in the sandbox of the SDK: what they share, and what each has for itself."""

from __future__ import annotations

from typing import Any

from temporalio import workflow
from temporalio.converter import DataConverter, WithSerializationContext, WorkflowSerializationContext
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails

from gateways.compile_once import compile_once
from gateways.temporal import PLUGIN, ContextFreeRunner
from workflows.case import CaseWorkflow


class Watched(ContextFreeRunner):
    """The runner of the product, which shows what it made."""

    made: list[Any] = []  # noqa: RUF012 - one list for the test

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        instance = super().create_instance(det)
        self.made.append(instance)
        return instance


async def test_cases_share_the_code_of_their_module_and_nothing_else() -> None:
    compile_once([CaseWorkflow])
    runner = PLUGIN.workflow_runner
    assert isinstance(runner, ContextFreeRunner)
    for _ in range(2):
        Watched(runner.restrictions).prepare_workflow(workflow._Definition.must_from_class(CaseWorkflow))
    one, other = (made.importer.new_modules["workflows.case"] for made in Watched.made)
    assert one.CaseWorkflow is not other.CaseWorkflow is not CaseWorkflow
    assert one.CaseWorkflow.run.__code__ is other.CaseWorkflow.run.__code__
    assert one.__file__ == other.__file__


def test_no_converter_asks_for_the_context_that_the_runner_leaves_out() -> None:
    converter, context = PLUGIN.data_converter, WorkflowSerializationContext("default", "case:1:1")
    assert isinstance(converter, DataConverter)
    assert converter.payload_codec is None
    assert converter.with_context(context).payload_converter is converter.payload_converter
    assert not isinstance(converter.failure_converter, WithSerializationContext)

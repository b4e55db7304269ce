"""The case of the product, but for its contact: that is a local activity, done within the workflow task.

It exists to be measured (`benchmarks.contact`); why the product does not do it stands in docs/0007.
"""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import ActivityError

from workflows.case import CaseWorkflow

with workflow.unsafe.imports_passed_through():
    from contract.messages import CaseInput, Failed, Next, Perform
    from contract.names import CASE_WORKFLOW
    from workflows import options
    from workflows.telling import failure_code, story


@workflow.defn(name=CASE_WORKFLOW)
class LocalCaseWorkflow(CaseWorkflow):
    """One generation of a case whose contacts need no task of their own."""

    @workflow.init
    def __init__(self, case: CaseInput) -> None:
        super().__init__(case)

    @workflow.run
    async def run(self, case: CaseInput) -> str:
        """As the product's."""
        return await super().run(case)

    async def perform(self) -> Next:
        if self.next.action != "contact":
            return await super().perform()
        order, case = self.next, self.case
        given = Perform(
            case.case_id, case.generation, order.seq + 1, workflow.now(), order.action, order.step, order.attempt
        )
        try:
            following: Next = await workflow.execute_local_activity(
                order.action,
                given,
                result_type=Next,
                start_to_close_timeout=options.AT_MOST[order.action],
                retry_policy=options.TRIES,
                summary=story(order),
            )
            return following
        except ActivityError as error:
            return await self.decide(Failed(order.action, order.step, failure_code(error)))

"""The daily protest batch: what came back from the CRA, then what leaves for it.

What came back is taken in first: a withdrawal whose protocol arrived today leaves today, and no order leaves about a
title that the notary is done with. A step that fails does not keep the others from their work.
"""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError

from workflows.options import ALIVE

with workflow.unsafe.imports_passed_through():
    from contract.messages import BatchInput, BatchReport
    from contract.names import PROTEST_BATCH_WORKFLOW, PROTEST_QUEUE

TRIES = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=5), maximum_attempts=15)
"""Some 40 minutes in all; what is still not done is left to the next run, which carries on where this one stopped."""


@workflow.defn(name=PROTEST_BATCH_WORKFLOW)
class ProtestBatchWorkflow:
    """Once per business day: the exchange of files with the CRA."""

    def __init__(self) -> None:
        self.failures: list[ActivityError] = []

    @workflow.run
    async def run(self, _given: BatchInput) -> BatchReport:
        """Returns what was made, handed over and taken in; fails, after all three steps, where one of them failed."""
        taken = await self.step("take_in_files", "take in what came from the CRA")
        made = await self.step("prepare_files", "make files of the queued orders")
        sent = await self.step("upload_files", "hand the files over")
        if self.failures:
            raise self.failures[0]
        return BatchReport(made.prepared, sent.uploaded, taken.taken_in, sent.refused + taken.refused)

    async def step(self, name: str, summary: str) -> BatchReport:
        try:
            report: BatchReport = await workflow.execute_activity(
                name,
                task_queue=PROTEST_QUEUE,
                result_type=BatchReport,
                start_to_close_timeout=timedelta(hours=2),
                heartbeat_timeout=ALIVE,
                retry_policy=TRIES,
                summary=summary,
            )
            return report
        except ActivityError as error:
            self.failures.append(error)
            return BatchReport()

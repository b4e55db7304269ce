"""The bare workflow that ours is measured against: one timer and one activity a step, and the same signals.

It knows no rules, keeps no book and asks nobody: what Temporal itself costs for a life of this length.
"""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from benchmarks.messages import BareLife, BareStep
    from contract.names import EMAIL_QUEUE, SMS_QUEUE

QUEUES = {"email": EMAIL_QUEUE, "sms": SMS_QUEUE}
UNTIL_NEXT = timedelta(days=1)
TRIES = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_attempts=3)


@workflow.defn(name="Bare")
class BareWorkflow:
    """Six contacts and a notice; proof; approval and protest; three answers of the notary; approval and legal."""

    def __init__(self) -> None:
        self.heard = 0

    @workflow.run
    async def run(self, life: BareLife) -> int:
        """Returns how many signals were heard."""
        for number, channel in enumerate(life.channels):
            await workflow.sleep(UNTIL_NEXT)
            await self.do(life, BareStep(life.id, f"contact-{number}", channel))
        await workflow.sleep(UNTIL_NEXT)
        await self.do(life, BareStep(life.id, "notice", "email", formal=True))
        await self.hears(1)  # the proof of the notice
        await workflow.sleep(UNTIL_NEXT)
        await self.hears(2)  # the approval of the protest
        await self.do(life, BareStep(life.id, "protest"))
        for answer in (3, 4, 5):  # sent, confirmed, registered
            await self.hears(answer)
        await workflow.sleep(UNTIL_NEXT)
        await self.hears(6)  # the approval of legal
        await self.do(life, BareStep(life.id, "legal"))
        return self.heard

    async def do(self, life: BareLife, step: BareStep) -> None:
        if life.local and step.step.startswith("contact"):
            await workflow.execute_local_activity(
                "bare", step, result_type=str, start_to_close_timeout=timedelta(seconds=30), retry_policy=TRIES
            )
            return
        await workflow.execute_activity(
            "empty" if life.empty else "bare",
            step,
            task_queue=QUEUES.get(step.channel),
            result_type=str,
            start_to_close_timeout=timedelta(seconds=30),
            retry_policy=TRIES,
        )

    async def hears(self, number: int) -> None:
        await workflow.wait_condition(lambda: self.heard >= number)

    @workflow.signal
    def fact(self, _fact_id: str) -> None:
        """Something arrived; what it is, a bare workflow does not look up."""
        self.heard += 1

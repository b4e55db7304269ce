"""What runs by the clock of the office: the nightly intake, the sweep, and other errands of one activity each."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy

from workflows.options import ALIVE

with workflow.unsafe.imports_passed_through():
    from contract.messages import Errand, ScanReport
    from contract.names import ERRAND_WORKFLOW, INTAKE_WORKFLOW, SWEEP_WORKFLOW

PATIENT = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=5))
"""The database may be away for hours; the run that waits for it is the only one of its schedule."""


@workflow.defn(name=INTAKE_WORKFLOW)
class IntakeWorkflow:
    """Once a night: open the cases whose first step is near."""

    @workflow.run
    async def run(self) -> ScanReport:
        """Returns how many cases were opened."""
        report: ScanReport = await workflow.execute_activity(
            "scan",
            result_type=ScanReport,
            start_to_close_timeout=timedelta(hours=2),
            heartbeat_timeout=ALIVE,
            retry_policy=PATIENT,
            summary="open the cases whose first step is near",
        )
        return report


@workflow.defn(name=SWEEP_WORKFLOW)
class SweepWorkflow:
    """Every few minutes: nothing that was told may stay unheard."""

    @workflow.run
    async def run(self) -> ScanReport:
        """Returns how many facts were signalled again."""
        report: ScanReport = await workflow.execute_activity(
            "sweep",
            result_type=ScanReport,
            start_to_close_timeout=timedelta(minutes=5),
            heartbeat_timeout=ALIVE,
            retry_policy=PATIENT,
            summary="signal again what nobody took in",
        )
        return report


@workflow.defn(name=ERRAND_WORKFLOW)
class ErrandWorkflow:
    """Anything else that is done by the clock: ask the bank what was paid, archive histories, anchor the chains."""

    @workflow.run
    async def run(self, errand: Errand) -> dict[str, Any]:
        """Returns the activity's report."""
        report: dict[str, Any] = await workflow.execute_activity(
            errand.activity,
            result_type=dict,
            start_to_close_timeout=errand.most,
            heartbeat_timeout=ALIVE,
            retry_policy=PATIENT,
            summary=errand.summary,
        )
        return report

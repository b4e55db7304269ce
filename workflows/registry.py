"""All workflows of the product; they run on the queue of the cases."""

from __future__ import annotations

from workflows.case import CaseWorkflow
from workflows.nightly import ErrandWorkflow, IntakeWorkflow, SweepWorkflow
from workflows.protest_batch import ProtestBatchWorkflow

WORKFLOWS: tuple[type, ...] = (CaseWorkflow, IntakeWorkflow, SweepWorkflow, ProtestBatchWorkflow, ErrandWorkflow)

"""Names that cross Temporal: workflow types and ids, task queues, schedules, search attributes.

They stand in histories that sleep for years: add, never rename.
"""

from __future__ import annotations

from uuid import UUID

CASE_WORKFLOW = "Case"
INTAKE_WORKFLOW = "Intake"
SWEEP_WORKFLOW = "Sweep"
PROTEST_BATCH_WORKFLOW = "ProtestBatch"
ERRAND_WORKFLOW = "Errand"

CASES_QUEUE = "regua-cases"
"""Workflow tasks of every workflow, and activities that touch only the database and the document store."""
EMAIL_QUEUE = "regua-email"
SMS_QUEUE = "regua-sms"
WHATSAPP_QUEUE = "regua-whatsapp"
VOICE_QUEUE = "regua-voice"
PROTEST_QUEUE = "regua-protest"

INTAKE_SCHEDULE = "regua-intake"
SWEEP_SCHEDULE = "regua-sweep"
PROTEST_SCHEDULE = "regua-protest-batch"
PIX_SCHEDULE = "regua-pix-poll"
ARCHIVE_SCHEDULE = "regua-archive"
ANCHOR_SCHEDULE = "regua-anchor"
RETENTION_SCHEDULE = "regua-retention"
TEMPLATES_SCHEDULE = "regua-templates"

STAGE_ATTRIBUTE = "ReguaStage"
NEXT_ATTRIBUTE = "ReguaNext"
CREDITOR_ATTRIBUTE = "ReguaCreditor"
"""Search attributes, all Keyword: the stage, the kind of the next action, the creditor's id. Never personal data."""


def case_workflow_id(case_id: UUID, generation: int) -> str:
    """The id of one generation of a case; a reversal after closing opens the next generation."""
    return f"case:{case_id}:{generation}"

"""Figures of Temporal that no worker can tell of itself: who polls, what lies in the queues, do schedules run."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client, ScheduleDescription
from temporalio.service import RPCError, RPCStatusCode

from contract.names import CASES_QUEUE, EMAIL_QUEUE, PROTEST_QUEUE, SMS_QUEUE, VOICE_QUEUE, WHATSAPP_QUEUE

QUEUES = (CASES_QUEUE, EMAIL_QUEUE, SMS_QUEUE, WHATSAPP_QUEUE, VOICE_QUEUE, PROTEST_QUEUE)
NAMES = {
    "regua_queue_pollers": "workers that asked the queue for work in the last minutes",
    "regua_queue_backlog": "tasks of the queue that nobody has taken",
    "regua_queue_backlog_seconds": "how long the oldest of them waits",
    "regua_schedule_missing": "1 where the schedule does not exist",
    "regua_schedule_paused": "1 where somebody paused the schedule",
    "regua_schedule_idle_seconds": "since the schedule started something last, or since it was made",
    "regua_schedule_running": "1 while what the schedule started is not over",
}
Sample = tuple[str, dict[str, str], float]
"""Name, labels, value."""

_KINDS = {
    "workflow": TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    "activity": TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
}


async def read(client: Client, schedules: Sequence[str], now: datetime) -> list[Sample]:
    """All figures. Raises `RPCError` where the server does not answer."""
    asked = [_queue(client, queue, kind) for queue in QUEUES for kind in _kinds(queue)]
    told = await asyncio.gather(*asked, *(_schedule(client, key, now) for key in schedules))
    return [sample for samples in told for sample in samples]


def _kinds(queue: str) -> Sequence[str]:
    return ("workflow", "activity") if queue == CASES_QUEUE else ("activity",)


async def _queue(client: Client, queue: str, kind: str) -> list[Sample]:
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=queue),
        task_queue_type=_KINDS[kind],
        report_stats=True,
    )
    found = await client.workflow_service.describe_task_queue(request)
    labels = {"queue": queue, "kind": kind}
    return [
        ("regua_queue_pollers", labels, len(found.pollers)),
        ("regua_queue_backlog", labels, found.stats.approximate_backlog_count),
        ("regua_queue_backlog_seconds", labels, found.stats.approximate_backlog_age.ToTimedelta().total_seconds()),
    ]


async def _schedule(client: Client, key: str, now: datetime) -> list[Sample]:
    labels = {"schedule": key}
    try:
        found = await client.get_schedule_handle(key).describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return [("regua_schedule_missing", labels, 1)]
        raise
    return [
        ("regua_schedule_missing", labels, 0),
        ("regua_schedule_paused", labels, int(found.schedule.state.paused)),
        ("regua_schedule_idle_seconds", labels, (now - _last(found)).total_seconds()),
        ("regua_schedule_running", labels, int(bool(found.info.running_actions))),
    ]


def _last(found: ScheduleDescription) -> datetime:
    started = [action.started_at for action in found.info.recent_actions]
    return max([found.info.created_at, *started])

"""What runs by the clock of the office, as Temporal Schedules.

Intake, archive and anchor at night, retention on Sundays, WhatsApp templates and the protest batch in the morning, the
sweep and the bank's news all day.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleCalendarSpec,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError, RPCStatusCode

from contract.messages import BatchInput, Errand
from contract.names import (
    ANCHOR_SCHEDULE,
    ARCHIVE_SCHEDULE,
    CASES_QUEUE,
    ERRAND_WORKFLOW,
    INTAKE_SCHEDULE,
    INTAKE_WORKFLOW,
    PIX_SCHEDULE,
    PROTEST_BATCH_WORKFLOW,
    PROTEST_SCHEDULE,
    RETENTION_SCHEDULE,
    SWEEP_SCHEDULE,
    SWEEP_WORKFLOW,
    TEMPLATES_SCHEDULE,
)
from domain.clock import Clock
from starter.installation import OFFICE

INTAKE_AT = time(0, 30)
BATCH_AT = (time(8), time(11), time(15))
"""Business time in Brasília. The last is after the hour until which people decide about a title at the notary, and
before his cut-off (`domain/data/cra/hours.csv`): what they decided leaves the same day."""
POLL = Errand("poll_pix", timedelta(minutes=30), "ask the bank what was paid by Pix")
ARCHIVE = Errand("archive", timedelta(hours=4), "archive the histories of closed and of long open cases")
ARCHIVE_AT = time(2)
ANCHOR = Errand("anchor", timedelta(minutes=30), "seal the heads of all ledgers")
ANCHOR_AT = time(23, 30)
RETENTION = Errand("retention", timedelta(hours=4), "list, or erase, personal data whose time is over")
RETENTION_AT = time(3)
TEMPLATES = Errand("ask_templates", timedelta(minutes=30), "ask what became of the WhatsApp templates")
TEMPLATES_AT = time(6)
POLL_EVERY, POLL_EVERY_SCALED = timedelta(minutes=10), timedelta(seconds=4)
"""Real time: the bank's webhook tells at once, the poll finds what it did not tell."""
SWEEP_EVERY = timedelta(minutes=1)
SWEEP_EVERY_SCALED = timedelta(seconds=4)
"""Real time, where business time runs faster."""

_DAY, _SECONDS = timedelta(days=1), timedelta(seconds=10)
_WORKDAYS = ScheduleRange(1, 5)
_SUNDAYS = ScheduleRange(0)
_EVERY_DAY = ScheduleRange(0, 6)


SCHEDULES = (
    INTAKE_SCHEDULE, SWEEP_SCHEDULE, PIX_SCHEDULE, PROTEST_SCHEDULE, ARCHIVE_SCHEDULE, ANCHOR_SCHEDULE,
    RETENTION_SCHEDULE, TEMPLATES_SCHEDULE,
)  # fmt: skip


def schedules(clock: Clock) -> dict[str, Schedule]:
    """All schedules by id. A run that is not over when the next is due lets that one go by."""
    # A daily run that was missed while the server was away is made up for; a sweep comes again anyhow.
    missed = timedelta(hours=12) if clock.scale == 1 else _SECONDS
    return {
        INTAKE_SCHEDULE: _schedule(INTAKE_SCHEDULE, INTAKE_WORKFLOW, _daily(clock, INTAKE_AT, _EVERY_DAY), missed),
        SWEEP_SCHEDULE: _schedule(
            SWEEP_SCHEDULE, SWEEP_WORKFLOW, _often(clock, SWEEP_EVERY, SWEEP_EVERY_SCALED), _SECONDS
        ),
        PIX_SCHEDULE: _schedule(
            PIX_SCHEDULE, ERRAND_WORKFLOW, _often(clock, POLL_EVERY, POLL_EVERY_SCALED), _SECONDS, POLL
        ),
        ARCHIVE_SCHEDULE: _schedule(
            ARCHIVE_SCHEDULE, ERRAND_WORKFLOW, _daily(clock, ARCHIVE_AT, _EVERY_DAY), missed, ARCHIVE
        ),
        ANCHOR_SCHEDULE: _schedule(
            ANCHOR_SCHEDULE, ERRAND_WORKFLOW, _daily(clock, ANCHOR_AT, _EVERY_DAY), missed, ANCHOR
        ),
        RETENTION_SCHEDULE: _schedule(
            RETENTION_SCHEDULE, ERRAND_WORKFLOW, _daily(clock, RETENTION_AT, _SUNDAYS), missed, RETENTION
        ),
        TEMPLATES_SCHEDULE: _schedule(
            TEMPLATES_SCHEDULE, ERRAND_WORKFLOW, _daily(clock, TEMPLATES_AT, _EVERY_DAY), missed, TEMPLATES
        ),
        PROTEST_SCHEDULE: _schedule(
            PROTEST_SCHEDULE,
            PROTEST_BATCH_WORKFLOW,
            _daily(clock, BATCH_AT[0], _WORKDAYS, *BATCH_AT[1:]),
            missed,
            BatchInput(clock),
        ),
    }


async def missing_schedules(client: Client) -> list[str]:
    """Ids of our schedules that the server does not have."""
    missing = []
    for key in SCHEDULES:
        try:
            await client.get_schedule_handle(key).describe()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            missing.append(key)
    return missing


async def ensure_schedules(client: Client, clock: Clock) -> None:
    """Make every schedule, or bring it to what it must be under this clock. Raises `RPCError`."""
    for key, schedule in schedules(clock).items():
        try:
            await client.create_schedule(key, schedule)
        except ScheduleAlreadyRunningError:
            await client.get_schedule_handle(key).update(_to(schedule))


def _to(schedule: Schedule) -> Callable[[ScheduleUpdateInput], ScheduleUpdate]:
    def change(found: ScheduleUpdateInput) -> ScheduleUpdate:
        schedule.state = found.description.schedule.state  # an operator may have paused it
        return ScheduleUpdate(schedule)

    return change


def _schedule(key: str, workflow: str, spec: ScheduleSpec, missed: timedelta, *arguments: object) -> Schedule:
    action = ScheduleActionStartWorkflow(workflow, args=list(arguments), id=f"{key}-run", task_queue=CASES_QUEUE)
    policy = SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=missed)
    return Schedule(action=action, spec=spec, policy=policy)


def _daily(clock: Clock, at: time, days: ScheduleRange, *again: time) -> ScheduleSpec:
    """On these days at this time of the office, and `again`; under a scaled clock once a day or week, in real time."""
    if clock.scale == 1:
        calendars = [
            ScheduleCalendarSpec(hour=[ScheduleRange(one.hour)], minute=[ScheduleRange(one.minute)], day_of_week=[days])
            for one in (at, *again)
        ]
        return ScheduleSpec(calendars=calendars, time_zone_name=OFFICE.key)
    apart = _DAY * 7 if days == _SUNDAYS else _DAY
    every = timedelta(seconds=max(1, round(apart.total_seconds() / clock.scale)))  # the server counts whole seconds
    first = clock.real(datetime.combine(date(2000, 1, 2), at, OFFICE))
    return ScheduleSpec(intervals=[ScheduleIntervalSpec(every, timedelta(seconds=first.timestamp()) % every)])


def _often(clock: Clock, every: timedelta, scaled: timedelta) -> ScheduleSpec:
    return ScheduleSpec(intervals=[ScheduleIntervalSpec(every if clock.scale == 1 else scaled)])

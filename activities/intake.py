"""Intake and sweep: open the cases whose time has come, and tell again of facts that nobody took in."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import Row, select, update
from temporalio import activity

from activities import codes, in_flight, neutral, parcels, replies
from activities.calls import keep_recordings
from activities.courier import Address, Courier
from activities.delivery import apply_waiting
from activities.desk import fact_values, store_facts
from activities.moratoria import reach
from activities.prices import fetch_prices
from activities.tasks import open_tasks, task_row
from activities.world import World
from contract.messages import ScanReport
from db.rows import APPROVAL, CASE, FACT, TASK
from domain import facts as f
from domain.calendars import add_bank_days
from domain.places import time_zone
from domain.rules.approvals import NEXT_ROLE

_PAGE = 500
_RECORDINGS = 10
_CODES = 20
"""Payment codes taken back in one sweep: a bank that is slow must not keep the facts waiting."""
_CONFIRMATIONS = 20
"""Calls to a provider that one sweep has time for."""
_IN_FLIGHT = 10
"""Messages to be looked up in one sweep; whoever still wants his does it himself."""
_PARCELS = 20
_PRICES = 20
OVERDUE = "approval-overdue"
OFFICE = time_zone("SP")
"""Approvals fall due by the calendar of the house, whatever the debtor's place."""
OPEN_AHEAD = timedelta(days=1)
"""A case is opened the day before its first step, so that its first timer is set in time."""
TELL_AGAIN_AFTER = timedelta(seconds=5)
"""Real time a fact may stay unacknowledged before the sweep signals it again."""


class Intake:
    """The nightly scan and the sweep that never sleeps."""

    def __init__(self, world: World, courier: Courier) -> None:
        self.world, self.courier = world, courier

    @activity.defn(name="scan")
    async def scan(self) -> ScanReport:
        """Open the workflow of every case whose first step is near and that has none yet. Safe to run twice at once."""
        held = await asyncio.to_thread(self._under_moratoria)
        opened = 0
        while batch := await asyncio.to_thread(self._unopened):
            await asyncio.gather(*(self.courier.open(address) for address in batch))
            await asyncio.to_thread(self._mark, [address.case_id for address in batch])
            opened += len(batch)
        overdue = await asyncio.to_thread(self._escalate)
        return ScanReport(opened=opened, signalled=await self.courier.deliver([*held, *overdue]))

    @activity.defn(name="sweep")
    async def sweep(self) -> ScanReport:
        """Apply provider events and replies that were only stored, send the confirmations that are due, settle
        messages and parcels whose case moved on, and signal facts that were stored but not taken in."""
        fresh = await asyncio.to_thread(apply_waiting, self.world.engine, self.world.clock, _PAGE)
        fresh += await asyncio.to_thread(replies.apply_waiting, self.world, _PAGE)
        await asyncio.to_thread(neutral.send_waiting, self.world, _CONFIRMATIONS)
        fresh += await asyncio.to_thread(in_flight.reconcile, self.world, _IN_FLIGHT)
        fresh += await asyncio.to_thread(parcels.reconcile, self.world, _PARCELS)
        await asyncio.to_thread(codes.sweep, self.world, _CODES)
        await asyncio.to_thread(keep_recordings, self.world, _RECORDINGS)
        await asyncio.to_thread(fetch_prices, self.world, _PRICES)
        forgotten = await asyncio.to_thread(self._forgotten)
        return ScanReport(signalled=await self.courier.deliver([*fresh, *forgotten]))

    def _under_moratoria(self) -> list[UUID]:
        """Hold the cases that a moratorium reaches since last night, before they are opened."""
        now = self.world.now()
        with self.world.engine.begin() as conn:
            return reach(conn, now.astimezone(OFFICE).date(), now)

    def _unopened(self) -> list[Address]:
        today = self.world.now().date()
        wanted = CASE.c.started_at.is_(None) & (CASE.c.starts_on <= today + OPEN_AHEAD) & (CASE.c.stage != "closed")
        columns = (CASE.c.id, CASE.c.creditor_id, CASE.c.generation, CASE.c.stage)
        with self.world.engine.connect() as conn:
            rows = conn.execute(select(*columns).where(wanted).order_by(CASE.c.id).limit(_PAGE)).all()
        return [Address(row.id, row.creditor_id, row.generation, row.stage, True) for row in rows]

    def _mark(self, cases: list[UUID]) -> None:
        with self.world.engine.begin() as conn:
            conn.execute(update(CASE).where(CASE.c.id.in_(cases)).values(started_at=self.world.now()))

    def _escalate(self) -> list[UUID]:
        """Nothing goes out on silence, and silence is not for ever: what nobody answered in time is told to its case,
        which asks the next role; beyond the last role, and of master data, it is the manager's task."""
        now = self.world.now()
        today = now.astimezone(OFFICE).date()
        of_it = TASK.c.case_id.is_not_distinct_from(APPROVAL.c.case_id) & (TASK.c.step == APPROVAL.c.step)
        known = select(TASK.c.id).where(TASK.c.kind == OVERDUE, of_it, TASK.c.opened_at >= APPROVAL.c.due)
        overdue = select(APPROVAL).where(APPROVAL.c.state == "asked", APPROVAL.c.due < today, ~known.exists())
        with self.world.engine.begin() as conn:
            rows = conn.execute(overdue).all()
            asked_on = [row for row in rows if row.case_id and NEXT_ROLE.get(row.escalated_to or row.role)]
            open_tasks(conn, [self._overdue(row, today, now) for row in rows if row not in asked_on])
            return store_facts(conn, [self._told(row, now) for row in asked_on])

    @staticmethod
    def _overdue(row: Row[Any], today: date, now: datetime) -> dict[str, Any]:
        key, due = uuid5(row.id, OVERDUE), add_bank_days(today, 1)
        return task_row(key, OVERDUE, "manager", due, now, (row.purpose,), row.case_id, row.step)

    @staticmethod
    def _told(row: Row[Any], now: datetime) -> dict[str, Any]:
        fact = f.ApprovalOverdue(str(row.id))
        return fact_values(row.case_id, f"overdue:{row.id}:{row.due}", fact, "engine", now)

    def _forgotten(self) -> list[UUID]:
        old = datetime.now(UTC) - TELL_AGAIN_AFTER
        waiting = FACT.c.acknowledged_at.is_(None) & (FACT.c.received_at < old)
        with self.world.engine.connect() as conn:
            return list(conn.execute(select(FACT.c.id).where(waiting).order_by(FACT.c.number).limit(_PAGE)).scalars())

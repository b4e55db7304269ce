"""One reference life from its first timer to legal, in our engine and in the bare one: the same days, the same signals.

Each workflow has a clock of its own on the Temporal server; the driver lets it run to the next day on which the world
says something. On its way all timers are set and fire in order, and no time passes while anything is being done.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Protocol
from uuid import UUID, uuid4

from sqlalchemy import Connection, Engine, func, insert, select, update
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from activities.courier import Address, Courier
from activities.desk import fact_values, store_facts
from benchmarks.bare import BareWorkflow
from benchmarks.bare_table import DONE
from benchmarks.messages import BareLife
from benchmarks.portfolio import (
    CHANNELS,
    DEADLINE,
    LEGAL_AFTER,
    MANAGER,
    NOTICE_AFTER,
    SUPERVISOR,
    UF,
    Member,
    Portfolio,
)
from contract.names import CASES_QUEUE, case_workflow_id
from db.rows import APPROVAL, CASE, LEDGER, NOTICE, TITLE, WORD
from domain import facts as f
from domain.calendars import add_bank_days
from domain.clock import PRODUCTION
from domain.errors import Regua
from domain.places import time_zone

BOOK = {
    "opened": 1, "contact_sent": 6, "notice_issued": 1, "notice_proved": 1, "title_examined": 1, "approval_asked": 2,
    "approve": 2, "title_queued": 1, "title_sent": 1, "title_confirmed": 1, "title_registered": 1, "handed_over": 1,
}  # fmt: skip
"""What stands in the book of a case that lived the reference life, its decisions left out."""
STEPS, SIGNALS = 9, 6
"""Steps done and signals heard in every reference life."""
_APPROVERS = {"protest approved": SUPERVISOR, "legal approved": MANAGER}
_NOON = time(12)


class WrongLife(Regua):
    """A life did not go through the steps of the reference life; nothing measured on it would mean anything."""


@dataclass
class Days:
    """The clock of one workflow, moved to the noon of a day at the debtor's place."""

    skipper: TimeSkipper
    handle: WorkflowHandle[Any, Any]
    unhurried: bool = False
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def today(self) -> date:
        return self.now.astimezone(time_zone(UF)).date()

    async def run_to(self, day: date) -> None:
        """Let time pass until noon of a day, and everything be done that is due before."""
        if self.unhurried:
            await self._idle()
        noon = datetime.combine(day, _NOON, time_zone(UF))
        try:
            await self.skipper.fast_forward(self.handle, noon - self.now)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:  # a workflow that is over has no clock any more
                raise
        self.now = noon

    async def _idle(self) -> None:
        """Moving the clock during a workflow task would cause another one, which no history of production has."""
        while True:
            now = (await self.handle.describe()).raw_description
            if not now.HasField("pending_workflow_task") and not now.pending_activities:
                return
            await asyncio.sleep(0.01)

    async def pass_days(self, days: int) -> None:
        await self.run_to(self.today + timedelta(days=days))


async def live(days: Days, tell: Callable[[str, datetime], Awaitable[None]]) -> None:
    """The reference life of a workflow that has just been started, up to its last step; `tell` is the world's voice."""
    await days.run_to(add_bank_days(days.today, NOTICE_AFTER) + timedelta(days=4))
    await tell("notice proved", days.now)
    await days.run_to(add_bank_days(days.today, DEADLINE + 1))
    await tell("protest approved", days.now)
    await days.pass_days(1)
    await tell("title sent", days.now)
    await days.pass_days(1)
    await tell("title confirmed", days.now)
    await days.pass_days(3)
    await tell("title registered", days.now)
    await days.pass_days(LEGAL_AFTER)
    await tell("legal approved", days.now)
    await days.pass_days(1)


class Lives(Protocol):
    """One contender: how its workflows are started, and lived to the end."""

    async def start(self, count: int) -> list[WorkflowHandle[Any, Any]]:
        """So many workflows that sleep until their first step, one after the other."""
        ...

    async def live(self, handle: WorkflowHandle[Any, Any], *, unhurried: bool = False) -> None:
        """Live one of them to the end, between its steps only when it is idle, if `unhurried`. Raises `WrongLife`."""
        ...


class OurLives:
    """Lives in the product: facts are stored and then signalled, as its webhooks, batches and commands do."""

    def __init__(self, client: Client, engine: Engine) -> None:
        self._engine, self._client = engine, client
        self._skipper = TimeSkipper(client, config=TimeSkippingConfig(enabled=False))
        self._courier = Courier(client, engine, PRODUCTION)
        self._portfolio = Portfolio(engine)

    async def start(self, count: int) -> list[WorkflowHandle[Any, Any]]:
        """So many cases that sleep until their first contact, one after the other."""
        due = datetime.now(time_zone(UF)).date()
        members = await asyncio.to_thread(self._portfolio.add, count, due)
        return [await self._open(member) for member in members]

    async def _open(self, member: Member) -> WorkflowHandle[Any, Any]:
        await self._courier.open(Address(member.case, member.creditor, 1, "amicable", True))
        return self._client.get_workflow_handle(case_workflow_id(member.case, 1))

    async def live(self, handle: WorkflowHandle[Any, Any], *, unhurried: bool = False) -> None:
        """Live one of them to the end. Raises `WrongLife` unless each step of the reference life stands in its book."""
        case = UUID(handle.id.split(":")[1])

        async def tell(word: str, now: datetime) -> None:
            fact = await asyncio.to_thread(self._store, case, word, now)
            await self._courier.deliver([fact])

        await live(Days(self._skipper, handle, unhurried), tell)
        await asyncio.to_thread(check_book, self._engine, case)

    def _store(self, case: UUID, word: str, now: datetime) -> UUID:
        with self._engine.begin() as conn:
            fact = _fact(conn, case, word, now)
            actor = _APPROVERS.get(word, "benchmark")
            return store_facts(conn, [fact_values(case, f"benchmark:{case}:{word}", fact, actor, now)])[0]


def check_book(engine: Engine, case: UUID) -> None:
    """Raises `WrongLife` unless the book of a case holds every step of the reference life, and nothing else."""
    with engine.connect() as conn:
        reason = conn.execute(select(CASE.c.next_reason).where(CASE.c.id == case)).scalar_one()
        mine = select(LEDGER.c.kind).where(LEDGER.c.case_id == case, LEDGER.c.kind != "decided")
        book = Counter(conn.execute(mine).scalars())
    if reason != "in legal" or book != BOOK:
        raise WrongLife(f"a case did not live the reference life: {reason or 'not begun'}, {dict(book)}")


def _fact(conn: Connection, case: UUID, word: str, now: datetime) -> f.Told:
    """What the world says, about what the case has in the world."""
    today = now.astimezone(time_zone(UF)).date()
    if staff := _APPROVERS.get(word):
        asked = select(APPROVAL.c.id).where(APPROVAL.c.case_id == case, APPROVAL.c.state == "asked")
        approval = conn.execute(asked).scalar_one()
        conn.execute(insert(WORD).values(approval_id=approval, staff_id=staff, yes=True, reason="", said_at=now))
        return f.Approved(str(approval))
    if word == "notice proved":
        notice = conn.execute(select(NOTICE.c.id).where(NOTICE.c.case_id == case)).scalar_one()
        return f.NoticeProved(str(notice), "email", "delivered", today)
    moved = update(TITLE).where(TITLE.c.case_id == case).values(state=word.removeprefix("title "), changed_at=now)
    title = str(conn.execute(moved.returning(TITLE.c.id)).scalar_one())
    if word == "title sent":
        return f.TitleSent(title, today)
    if word == "title confirmed":
        return f.TitleConfirmed(title, today, add_bank_days(today, 3))
    return f.TitleRegistered(title, today)


class BareLives:
    """Lives of the bare workflow; with `empty` activities do nothing, with `local` contacts are local."""

    def __init__(self, client: Client, engine: Engine, *, empty: bool = False, local: bool = False) -> None:
        self._client, self._engine, self._empty, self._local = client, engine, empty, local
        self._skipper = TimeSkipper(client, config=TimeSkippingConfig(enabled=False))

    async def start(self, count: int) -> list[WorkflowHandle[Any, Any]]:
        """So many workflows that sleep until their first step, one after the other."""
        return [await self._open(BareLife(uuid4().hex, CHANNELS, self._empty, self._local)) for _ in range(count)]

    async def _open(self, life: BareLife) -> WorkflowHandle[Any, Any]:
        return await self._client.start_workflow(BareWorkflow.run, life, id=f"bare:{life.id}", task_queue=CASES_QUEUE)

    async def live(self, handle: WorkflowHandle[Any, Any], *, unhurried: bool = False) -> None:
        """Live one of them to the end. Raises `WrongLife` unless each of its steps was inserted."""

        async def tell(_word: str, _now: datetime) -> None:
            await handle.signal("fact", str(uuid4()))

        await live(Days(self._skipper, handle, unhurried), tell)
        heard = await handle.result()
        done = 0 if self._empty else await asyncio.to_thread(self._done, handle.id)
        if (heard, done) != (SIGNALS, 0 if self._empty else STEPS):
            raise WrongLife(f"a bare workflow heard {heard} signals and did {done} steps")

    def _done(self, workflow_id: str) -> int:
        mine = select(func.count()).where(DONE.c.life == workflow_id.removeprefix("bare:"))
        with self._engine.connect() as conn:
            return conn.execute(mine).scalar_one()

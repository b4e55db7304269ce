"""The courier: tells case workflows of facts that are already stored. What he loses, the sweep finds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Engine, select
from temporalio.client import Client
from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from contract.messages import CaseInput
from contract.names import CASE_WORKFLOW, CASES_QUEUE, CREDITOR_ATTRIBUTE, STAGE_ATTRIBUTE, case_workflow_id
from db.rows import CASE, FACT
from domain.clock import Clock

CREDITOR = SearchAttributeKey.for_keyword(CREDITOR_ATTRIBUTE)
STAGE = SearchAttributeKey.for_keyword(STAGE_ATTRIBUTE)
_AT_ONCE = 20
_LATER_GENERATIONS = 5


@dataclass(frozen=True)
class Address:
    """Where a case lives: its workflow's generation, and whether a new one must be opened for it."""

    case_id: UUID
    creditor_id: UUID
    generation: int
    stage: str
    asleep: bool


class Courier:
    """Signals stored facts to their cases; opens the first or the next generation where none is running."""

    def __init__(self, client: Client, engine: Engine, clock: Clock) -> None:
        self.client, self.engine, self.clock = client, engine, clock

    async def deliver(self, facts: Sequence[UUID]) -> int:
        """Signal these facts; returns how many cases took theirs. A case that cannot be reached now is left out."""
        if not facts:
            return 0
        addressed = await asyncio.to_thread(self._addresses, facts)
        limit = asyncio.Semaphore(_AT_ONCE)

        async def one(fact: UUID, address: Address) -> bool:
            async with limit:
                return await self._signal(fact, address)

        return sum(await asyncio.gather(*(one(fact, address) for fact, address in addressed)))

    async def open(self, address: Address, fact: UUID | None = None) -> bool:
        """Start a case's workflow (once, whoever asks), with a first fact where there is one."""
        start = CaseInput(str(address.case_id), str(address.creditor_id), address.generation, self.clock)
        try:
            await self.client.start_workflow(
                CASE_WORKFLOW,
                start,
                id=case_workflow_id(address.case_id, address.generation),
                task_queue=CASES_QUEUE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                static_summary=f"case {address.case_id}",
                search_attributes=TypedSearchAttributes(
                    [
                        SearchAttributePair(CREDITOR, str(address.creditor_id)),
                        SearchAttributePair(STAGE, address.stage),
                    ]
                ),
                start_signal="fact" if fact else None,
                start_signal_args=[str(fact)] if fact else [],
            )
        except WorkflowAlreadyStartedError:
            return False
        return True

    def _addresses(self, facts: Sequence[UUID]) -> list[tuple[UUID, Address]]:
        columns = (CASE.c.id, CASE.c.creditor_id, CASE.c.generation, CASE.c.stage, CASE.c.seq)
        found = select(FACT.c.id.label("fact"), *columns).join(CASE, CASE.c.id == FACT.c.case_id)
        with self.engine.connect() as conn:
            rows = conn.execute(found.where(FACT.c.id.in_(facts)).order_by(FACT.c.number)).all()
        return [
            (
                row.fact,
                Address(row.id, row.creditor_id, row.generation, row.stage, not row.seq or row.stage == "closed"),
            )
            for row in rows
        ]

    async def _signal(self, fact: UUID, address: Address) -> bool:
        if not address.asleep:
            handle = self.client.get_workflow_handle(case_workflow_id(address.case_id, address.generation))
            try:
                await handle.signal("fact", str(fact))
            except RPCError as error:
                if error.status != RPCStatusCode.NOT_FOUND:
                    return False
            else:
                return True
        return await self._wake(fact, address)

    async def _wake(self, fact: UUID, address: Address) -> bool:
        first = address.generation if address.stage != "closed" and address.asleep else address.generation + 1
        for generation in range(first, first + _LATER_GENERATIONS):
            later = Address(address.case_id, address.creditor_id, generation, address.stage, True)
            if await self.open(later, fact):
                return True
        return False


def threadsafe(courier: Courier, loop: asyncio.AbstractEventLoop) -> Callable[[Sequence[UUID]], None]:
    """`deliver` for code that runs in threads: hands the facts to the courier's loop and does not wait."""

    def deliver(facts: Sequence[UUID]) -> None:
        if facts:
            asyncio.run_coroutine_threadsafe(courier.deliver(facts), loop)

    return deliver

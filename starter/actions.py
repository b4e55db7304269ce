"""What staff do to a case: a fact is stored first, then the case is asked for its answer.

What is stored is never lost: where nobody answers in time, the sweep tells the case later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, select
from temporalio.client import (
    Client,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.service import RPCError, RPCStatusCode

from activities.courier import Courier
from activities.desk import fact_values, pinned_policy, store_facts
from contract.messages import Answer
from contract.names import case_workflow_id
from db.rows import CASE, FACT
from domain import facts as f
from domain.case import load
from domain.errors import Refused, Unavailable
from domain.fold import Moment, fold
from starter.installation import Installation, temporal

ANSWERS_WITHIN = 10.0
"""Real seconds that a person waits for a case's answer."""
_LOOK_AGAIN = 0.1


def _nothing(_conn: Connection, _case: Row[Any]) -> None:
    """Most facts stand alone."""


def _own(_case: Row[Any]) -> str:
    """Most deeds are done as often as somebody does them."""
    return ""


@dataclass(frozen=True)
class Deed:
    """One thing that a person does to a case. `beside` writes the rows that belong to the fact, or refuses it.

    It is called in the transaction that stores the fact, with the row of the case. `key` is the source key of a fact
    that counts once, whoever tells it; "" for a deed of its own.
    """

    fact: f.Told
    beside: Callable[[Connection, Row[Any]], None] = _nothing
    key: Callable[[Row[Any]], str] = _own


@dataclass(frozen=True)
class Outcome:
    """What became of it: done, refused (with code and sentence), or stored, to be taken in later."""

    case: str
    status: Literal["done", "refused", "stored"]
    stage: str
    next_action: str
    next_reason: str
    code: str = ""
    text: str = ""


def store(house: Installation, conn: Connection, case: Row[Any], deed: Deed, actor: str, key: str = "") -> UUID:
    """Store a deed in the caller's transaction; returns the id of its fact. Raises `Refused` from `beside`.

    Without a key each call is a deed of its own; with one, the same key is stored once.
    """
    deed.beside(conn, case)
    values = fact_values(case.id, key or deed.key(case) or f"staff:{uuid4()}", deed.fact, actor, house.now)
    store_facts(conn, [values])
    fact_id: UUID = values["id"]
    return fact_id


class Clerk:
    """Stores deeds and asks cases, one after the other. After the first silence it only stores."""

    def __init__(self, house: Installation, patience: float = 0) -> None:
        self.house, self.patience = house, patience or ANSWERS_WITHIN
        self._client: Client | None = None
        self._silent = False

    async def act(self, case_id: UUID, deed: Deed, actor: str, key: str = "") -> Outcome:
        """Do this to the case in the name of `actor` (a staff id) and hear what comes of it."""
        case = self._case(case_id)
        try:
            with self.house.engine.begin() as conn:
                fact_id = store(self.house, conn, case, deed, actor, key)
        except Refused as refused:
            return _outcome(case, "refused", refused.code, str(refused))
        return await self.ask(case_id, fact_id)

    async def ask(self, case_id: UUID, fact_id: UUID) -> Outcome:
        """Ask a case to take in a stored fact, and wait for its answer (real seconds: `patience`)."""
        case, answer = self._case(case_id), None
        if not self._silent:
            try:
                async with asyncio.timeout(self.patience):
                    answer = await self._told(case, fact_id)
            except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError, RPCError, Unavailable):
                self._silent = True
        return self._read(case, fact_id, answer)

    async def _told(self, case: Row[Any], fact_id: UUID) -> Answer | None:
        """The case's own answer, or None where it was told by a signal and has taken the fact in."""
        client = self._client = self._client or await temporal(self.house.settings)
        if case.seq and case.stage != "closed":
            handle = client.get_workflow_handle(case_workflow_id(case.id, case.generation))
            try:
                answer: Answer = await handle.execute_update(
                    "fact", str(fact_id), result_type=Answer, rpc_timeout=timedelta(seconds=self.patience)
                )
                return answer
            except WorkflowUpdateFailedError:
                pass  # it closed while it was asked
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
        await Courier(client, self.house.engine, self.house.clock).deliver([fact_id])
        while not self._taken(fact_id):
            await asyncio.sleep(_LOOK_AGAIN)
        return None

    def _case(self, case_id: UUID) -> Row[Any]:
        with self.house.engine.connect() as conn:
            return conn.execute(select(CASE).where(CASE.c.id == case_id)).one()

    def _taken(self, fact_id: UUID) -> bool:
        with self.house.engine.connect() as conn:
            return conn.execute(select(FACT.c.acknowledged_at).where(FACT.c.id == fact_id)).scalar_one() is not None

    def _read(self, before: Row[Any], fact_id: UUID, answer: Answer | None) -> Outcome:
        with self.house.engine.connect() as conn:
            fact = conn.execute(select(FACT).where(FACT.c.id == fact_id)).one()
            case = conn.execute(select(CASE).where(CASE.c.id == before.id)).one()
            if fact.acknowledged_at is None:
                return _outcome(case, "stored")
            if not fact.refusal:
                return _outcome(case, "done")
            text = answer.text if answer and answer.text else self._why(conn, before, fact)
        return _outcome(case, "refused", fact.refusal, text)

    def _why(self, conn: Connection, case: Row[Any], fact: Row[Any]) -> str:
        """The sentence behind a refusal that came without one: what the rules say to a copy of the case."""
        try:
            policy = pinned_policy(conn, case.policy_hash)
            fold(f.from_json(fact.body), load(case.state), Moment(self.house.now, policy))
        except Refused as refused:
            if refused.code == fact.refusal:
                return str(refused)
        return "the rules of the case do not allow this now"


def _outcome(case: Row[Any], status: Literal["done", "refused", "stored"], code: str = "", text: str = "") -> Outcome:
    return Outcome(str(case.id), status, case.stage, case.next_action, case.next_reason, code, text)


async def tell(house: Installation, facts: Sequence[UUID]) -> int:
    """Signal stored facts to their cases; returns how many were reached. The sweep tells the others."""
    if not facts:
        return 0
    try:
        return await Courier(await temporal(house.settings), house.engine, house.clock).deliver(facts)
    except (RPCError, Unavailable):
        return 0


def open_cases(conn: Connection, debtor_id: UUID) -> Sequence[UUID]:
    """The open cases of a debtor, by id."""
    cases = select(CASE.c.id).where(CASE.c.debtor_id == debtor_id, CASE.c.stage != "closed").order_by(CASE.c.id)
    return conn.execute(cases).scalars().all()

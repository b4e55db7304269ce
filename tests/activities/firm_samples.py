"""A case that stands before its firm steps, and a workflow's part in it: decide, perform, tell, let time pass."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from people import Opened, new_case_row, new_staff
from sqlalchemy import Engine, Table, insert, select, update
from temporalio.testing import ActivityEnvironment

from activities.courier import Courier
from activities.decide import Decisions
from activities.desk import fact_values, store_facts
from activities.intake import Intake
from activities.world import World
from contract.messages import Decide, Next, Perform, ScanReport
from db.rows import APPROVAL, CASE, CONTACT, CONTACT_CASE, LEDGER, TASK, WORD
from domain import facts as f
from domain.case import StepState, dump, load
from domain.clock import Clock
from domain.policy import Policy
from domain.policy_file import parse_policy
from gateways.cra import FolderCra
from gateways.documents import DocumentStore
from gateways.email import SendGridEmail
from gateways.sms import TwilioSms
from sandbox.server import Sandbox, running_sandbox
from sandbox.state import SENDGRID_KEY, TWILIO_SID, TWILIO_TOKEN

TUESDAY = datetime(2026, 3, 10, 13, 0, tzinfo=UTC)
"""Ten in the morning in São Paulo."""
TODAY = TUESDAY.date()
DUE = date(2026, 2, 13)
EMAIL = "contas@devedora.example.com"

HEAD = """\
policy: firme
title: Régua firme
contact: {hours: {mon-fri: "09:00-18:00"}, per_day: 1, per_week: 3}
entry: {already_late: as-dated, first_wave: free}
steps:
  - {id: aviso, at: due + 1bd, do: contact, by: [email], text: atraso-cordial}
"""
PROTEST = """\
  - {id: protesto, at: notice.deadline, do: protest, when: balance >= 200, approve: supervisor, late: never-skip}
"""
LEGAL = "  - {id: juridico, at: due + 20d, do: legal, late: never-skip}\n"


def ladder(*steps: str) -> Policy:
    """A ladder after its friendly step."""
    return parse_policy(HEAD + "".join(steps), "firme.yaml")


def notifying(by: str = "[letter, email]", after: str = PROTEST, deadline: str = "10bd") -> Policy:
    """A ladder whose notice is due."""
    step = f"at: due + 20d, do: notice, by: {by}, text: notificacao-previa, deadline: {deadline}, late: never-skip"
    return ladder(f"  - {{id: notificacao, {step}}}\n", after)


class CrashError(Exception):
    """Stands for the death of the process."""


def dies(*_: Any, **__: Any) -> Any:
    """In the place of something that is never reached."""
    raise CrashError


class _Ear(Courier):
    """Hears what would be signalled."""

    def __init__(self) -> None:
        self.told: list[UUID] = []

    async def deliver(self, facts: Sequence[UUID]) -> int:
        self.told += facts
        return len(facts)


def signalled_by_a_sweep(world: World) -> tuple[list[UUID], ScanReport]:
    """One sweep, as its schedule runs it: the facts that it would signal, and its report."""
    ear = _Ear()
    return ear.told, asyncio.run(ActivityEnvironment().run(Intake(world, ear).sweep))


class Office:
    """One case and its surroundings."""

    def __init__(self, world: World, sandbox: Sandbox, ids: Opened) -> None:
        self.world, self.sandbox, self.ids = world, sandbox, ids
        self.next = Next(0, "wait", "", 0, None, "", "", "")
        self.ahead = timedelta(0)

    @property
    def at(self) -> datetime:
        """The workflow's time."""
        return datetime.now(UTC) + self.ahead

    def decide(self) -> Next:
        """Take in what arrived."""
        self.next = Decisions(self.world).decide(Decide(str(self.ids.case), 1, self.next.seq + 1, self.at))
        return self.next

    def given(self) -> Perform:
        """The present instruction, as the workflow hands it to an activity."""
        order = self.next
        return Perform(str(self.ids.case), 1, order.seq + 1, self.at, order.action, order.step, order.attempt)

    def perform(self, activity: Callable[[Perform], Next]) -> Next:
        """Obey the present instruction once its time has come."""
        if self.next.not_before:
            wait = self.world.clock.real(self.next.not_before) - self.at
            self.ahead += max(wait, timedelta(0))
        self.next = activity(self.given())
        return self.next

    def tell(self, fact: f.Told, actor: str = "clerk") -> None:
        """Store a fact for the case."""
        values = fact_values(self.ids.case, f"test:{uuid4()}", fact, actor, self.world.now(self.at))
        with self.world.engine.begin() as conn:
            store_facts(conn, [values])

    def approve(self, role: str) -> None:
        """A signed-in person with the role says yes to what is asked."""
        (asked,) = self.rows(APPROVAL, APPROVAL.c.case_id == self.ids.case, APPROVAL.c.state == "asked")
        who = new_staff(self.world.engine, f"pessoa-{uuid4()}", role)
        with self.world.engine.begin() as conn:
            said = {"approval_id": asked.id, "staff_id": who, "yes": True, "reason": "", "said_at": datetime.now(UTC)}
            conn.execute(insert(WORD).values(said))
        self.tell(f.Approved(str(asked.id)), actor=who)
        self.decide()

    def rows(self, of: Table, *where: Any) -> list[Any]:
        """Rows of a table."""
        with self.world.engine.connect() as conn:
            return list(conn.execute(select(of).where(*where).order_by(*of.primary_key)).all())

    def book(self, *kinds: str) -> list[f.Fact]:
        """The ledger's facts, of these kinds or all."""
        rows = self.rows(LEDGER, LEDGER.c.case_id == self.ids.case, LEDGER.c.kind != "decided")
        return [f.from_json(row.body) for row in rows if not kinds or row.kind in kinds]

    def contact(self, channel: str) -> Any:
        """The only contact on a channel."""
        (row,) = self.rows(CONTACT, CONTACT.c.debtor_id == self.ids.debtor, CONTACT.c.channel == channel)
        return row

    def links(self) -> set[tuple[str, int]]:
        """Step and attempt of every contact of the case."""
        return {(row.step, row.attempt) for row in self.rows(CONTACT_CASE, CONTACT_CASE.c.case_id == self.ids.case)}

    def open_task(self, kind: str) -> Any:
        """The only open task of a kind."""
        (row,) = self.rows(TASK, TASK.c.case_id == self.ids.case, TASK.c.kind == kind, TASK.c.done_at.is_(None))
        return row

    def sent(self) -> list[dict[str, Any]]:
        """Messages that the provider took."""
        return [entry for entry in self.sandbox.log() if entry["refused"] is None]


def open_office(
    engine: Engine, sandbox: Sandbox, folder: Path, policy: Policy, unknown_for: float = 60.0, **how: Any
) -> Office:
    """A case whose friendly step is done and whose next step is due, with the real gateways against the sandbox."""
    world = World(
        engine=engine,
        clock=Clock(datetime.now(UTC), TUESDAY, 1.0),
        documents=DocumentStore(folder / "documents"),
        email=SendGridEmail(SENDGRID_KEY, sandbox.url, 2.0),
        sms=TwilioSms(TWILIO_SID, TWILIO_TOKEN, sandbox.url, 2.0),
        cra=FolderCra(folder / "cra" / "out", folder / "cra" / "in"),
        letters=folder / "letters",
        callbacks="http://127.0.0.1:1",
        unknown_for=unknown_for,
    )
    ids = new_case_row(engine, policy, DUE, TODAY, number="NF-77", **how)
    change_case(engine, ids.case, lambda case: case.steps.update(aviso=StepState("done", DUE)))
    office = Office(world, sandbox, ids)
    office.decide()
    return office


def change_case(engine: Engine, case_id: UUID, change: Callable[[Any], Any]) -> None:
    """Leave a case as earlier events would have left it."""
    with engine.begin() as conn:
        case = load(conn.execute(select(CASE.c.state).where(CASE.c.id == case_id)).scalar_one())
        change(case)
        conn.execute(update(CASE).where(CASE.c.id == case_id).values(state=dump(case)))


def provider(folder: Path) -> AbstractContextManager[Sandbox]:
    """The providers, silent about what became of messages."""
    return running_sandbox(folder / "sandbox")

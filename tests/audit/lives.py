"""Whole lives of cases through the real desk and activities, in a real database, with a post that loses nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

from people import Opened, ladder, new_case_row, new_staff
from sqlalchemy import Engine, insert, select, text, update

from activities.contact import Contacts
from activities.decide import Decisions
from activities.delivery import apply_waiting
from activities.desk import fact_values, store_facts
from activities.legal import LegalHandOver
from activities.notice import Notices
from activities.protest import Protests
from activities.world import World
from contract.messages import Decide, Next, Perform
from db.rows import APPROVAL, CASE, CONTACT, CONTACT_CASE, LEDGER, ORDER, TITLE, WEBHOOK_EVENT, WORD
from domain import facts as f
from domain.clock import Clock
from domain.places import time_zone
from domain.policy import Policy
from gateways.cra import FolderCra
from gateways.documents import DocumentStore
from gateways.outcome import Accepted

DUE = date(2026, 3, 10)
START = datetime.combine(date(2026, 3, 2), time(8), time_zone("SP"))


class Post:
    """Providers of e-mail and SMS that accept everything."""

    def send(self, _message: Any) -> Accepted:
        return Accepted(f"post-{uuid4().hex}", 1)

    def find(self, *_: Any) -> Accepted | None:
        return None


class Town:
    """An installation in which test lives are lived; one second is one second, from `START` on."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine, self.folder = engine, folder
        post: Any = Post()
        self.world = World(
            engine=engine,
            clock=Clock(datetime.now(UTC), START, 1.0),
            documents=DocumentStore(folder / "documents"),
            email=post,
            sms=post,
            cra=FolderCra(folder / "cra" / "out", folder / "cra" / "in"),
            letters=folder / "letters",
            callbacks="http://127.0.0.1:1",
        )
        with engine.connect() as conn:
            known = conn.execute(text("SELECT count(*) FROM staff")).scalar_one()
        if not known:
            new_staff(engine, "supervisora", "supervisor")
            new_staff(engine, "gerente", "manager")

    @property
    def store(self) -> DocumentStore:
        return self.world.documents

    def life(self, policy: Policy | None = None, due: date = DUE, **how: Any) -> Life:
        """A case that begins."""
        ids = new_case_row(self.engine, policy or ladder("padrao-b2b"), due, START.date(), **how)
        return Life(self, ids)

    def firm_life(self, **how: Any) -> Life:
        """A case with contacts, a notice proved by its provider, an approved protest, a payment and thanks."""
        life = self.life(**how)
        life.until(lambda: "notice_issued" in life.kinds())
        life.report("email", "delivered", purpose="notice")
        life.until(lambda: life.row.next_reason == "awaits approval")
        life.approve("supervisora")
        life.until(lambda: "title_queued" in life.kinds())
        life.notary("sent", lambda title, day: f.TitleSent(title, day))
        life.notary("confirmed", lambda title, day: f.TitleConfirmed(title, day, day + timedelta(days=3)))
        life.tell(f.PromiseMade("p1", life.today + timedelta(days=200)))  # refused: too far ahead
        life.tell(f.PaymentReceived("pix-1", Decimal("400.00"), life.today, "pix"))
        return life

    def paid_life(self, **how: Any) -> Life:
        """A case that is reminded and paid; it closes."""
        life = self.life(**how)
        life.until(lambda: life.kinds().count("contact_sent") == 2)
        life.tell(f.PaymentReceived(f"pix-{life.ids.case}", Decimal("1100.00"), life.today, "pix"))
        life.until(lambda: life.row.stage == "closed")
        return life


class Life:
    """One case, its workflow's part played by the test."""

    def __init__(self, town: Town, ids: Opened) -> None:
        self.town, self.world, self.ids = town, town.world, ids
        self.next = Next(0, "wait", "", 0, None, "", "", "")
        self.ahead = timedelta(0)
        contacts, notices = Contacts(self.world), Notices(self.world)
        self.activities: dict[str, Any] = {
            "contact": contacts.contact,
            "notice": notices.notice,
            "protest": Protests(self.world).protest,
            "legal": LegalHandOver(self.world).legal,
        }
        self.decide()

    # --- time ------------------------------------------------------------------------------------------------------
    @property
    def at(self) -> datetime:
        """The workflow's time."""
        return datetime.now(UTC) + self.ahead

    @property
    def now(self) -> datetime:
        """Business time."""
        return self.world.now(self.at)

    @property
    def today(self) -> date:
        return self.now.astimezone(time_zone("SP")).date()

    # --- the workflow ----------------------------------------------------------------------------------------------
    def decide(self) -> Next:
        self.next = Decisions(self.world).decide(Decide(str(self.ids.case), 1, self.next.seq + 1, self.at))
        return self.next

    def perform(self) -> Next:
        order = self.next
        if order.action not in self.activities:
            return self.decide()
        given = Perform(str(self.ids.case), 1, order.seq + 1, self.at, order.action, order.step, order.attempt)
        self.next = self.activities[order.action](given)
        return self.next

    def until(self, wanted: Any, most: int = 80) -> None:
        """Obey instructions, each when its time has come, until something is so."""
        for _ in range(most):
            if wanted():
                return
            if self.next.not_before:
                wait = self.world.clock.real(self.next.not_before) - self.at
                self.ahead += max(wait, timedelta(0))
            self.perform()
        raise AssertionError(f"never came: {self.next}")

    # --- what the world says ---------------------------------------------------------------------------------------
    def tell(self, *facts: f.Told, actor: str = "clerk") -> Next:
        """Store facts and let the case take them in."""
        with self.world.engine.begin() as conn:
            store_facts(conn, [fact_values(self.ids.case, f"t:{uuid4()}", fact, actor, self.now) for fact in facts])
        return self.decide()

    def report(self, channel: str, event: str, purpose: str = "ladder") -> None:
        """A provider reports what became of the newest contact of a channel."""
        mine = select(CONTACT).join(CONTACT_CASE, CONTACT_CASE.c.contact_id == CONTACT.c.id)
        mine = mine.where(CONTACT_CASE.c.case_id == self.ids.case, CONTACT.c.channel == channel)
        mine = mine.where(CONTACT.c.purpose == purpose).order_by(CONTACT.c.planned_at.desc()).limit(1)
        with self.world.engine.begin() as conn:
            contact = conn.execute(mine).one()
            conn.execute(
                insert(WEBHOOK_EVENT).values(
                    id=uuid4(), provider="sendgrid", event_key=f"e:{uuid4().hex}", contact_id=contact.id, event=event,
                    code="", body={}, received_at=datetime.now(UTC), business_at=self.now,
                )
            )  # fmt: skip
        apply_waiting(self.world.engine, self.world.clock, 100)
        self.decide()

    def approve(self, who: str) -> None:
        """A signed-in person says yes to what waits."""
        with self.world.engine.begin() as conn:
            waiting = select(APPROVAL).where(APPROVAL.c.case_id == self.ids.case, APPROVAL.c.state == "asked")
            approval = conn.execute(waiting).one()
            word = {"approval_id": approval.id, "staff_id": who, "yes": True, "reason": "", "said_at": self.now}
            conn.execute(insert(WORD).values(word))
        self.tell(f.Approved(str(approval.id)), actor=who)

    def notary(self, state: str, fact: Any) -> None:
        """The daily batch moves the title and tells the case."""
        with self.world.engine.begin() as conn:
            title = conn.execute(select(TITLE).where(TITLE.c.case_id == self.ids.case)).one()
            conn.execute(update(TITLE).where(TITLE.c.id == title.id).values(state=state))
            conn.execute(update(ORDER).where(ORDER.c.title_id == title.id).values(state="answered"))
        self.tell(fact(str(title.id), self.today), actor="cra")

    # --- what stands -----------------------------------------------------------------------------------------------
    @property
    def row(self) -> Any:
        with self.world.engine.connect() as conn:
            return conn.execute(select(CASE).where(CASE.c.id == self.ids.case)).one()

    @property
    def book(self) -> list[Any]:
        with self.world.engine.connect() as conn:
            mine = select(LEDGER).where(LEDGER.c.case_id == self.ids.case).order_by(LEDGER.c.seq)
            return list(conn.execute(mine).all())

    def kinds(self) -> list[str]:
        return [row.kind for row in self.book]

    def entry(self, kind: str) -> int:
        """The number of the first entry of a kind."""
        return next(row.seq for row in self.book if row.kind == kind)

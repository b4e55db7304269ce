"""Messages that were sent in a test, and what a provider reports about them, as rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

from people import Opened, ladder, new_case_row
from sqlalchemy import Engine, Row, insert, select, update

from db.rows import (
    CASE,
    CONTACT,
    CONTACT_CASE,
    CONTACT_POINT,
    DEBTOR,
    DOCUMENT,
    FACT,
    NOTICE,
    NOTICE_SENDING,
    TASK,
    WEBHOOK_EVENT,
)
from domain.case import Case, Notice, StepState, dump, load

DAY = date(2026, 3, 10)
NOON = datetime(2026, 3, 10, 15, tzinfo=UTC)
STEP = "atraso-1"


@dataclass(frozen=True)
class Desk:
    """What a test does to the rows, and how it looks at them."""

    engine: Engine

    def open(self, **how: Any) -> Opened:
        """A case of an invented debtor, late for a day."""
        return new_case_row(self.engine, ladder("padrao-b2b"), date(2026, 3, 9), DAY, **how)

    def send(
        self, *cases: Opened, channel: str = "sms", purpose: str = "ladder", state: str = "accepted", told: bool = True
    ) -> UUID:
        """A message to the debtor that stands for a step of each case, the first of which sends it."""
        contact = uuid4()
        document = self._document(cases[0]) if purpose == "notice" else None
        point = self.one(
            select(CONTACT_POINT).where(
                CONTACT_POINT.c.debtor_id == cases[0].debtor, CONTACT_POINT.c.channel == channel
            )
        )
        with self.engine.begin() as conn:
            conn.execute(
                insert(CONTACT).values(
                    id=contact, creditor_id=cases[0].creditor, debtor_id=cases[0].debtor, contact_point_id=point.id,
                    channel=channel, purpose=purpose, text_id="atraso-cordial", subject="", body="", content_hmac="",
                    short_ref="", counts=True, state=state, provider_id="" if state == "in-flight" else "SM1",
                    segments=0, document_id=document, planned_at=NOON,
                )
            )  # fmt: skip
            for n, case in enumerate(cases):
                link = {"contact_id": contact, "case_id": case.case, "step": step_of(n, purpose), "attempt": 1}
                conn.execute(insert(CONTACT_CASE).values(link | {"lead": n == 0}))
                if document:
                    notice_id = uuid4()
                    conn.execute(
                        insert(NOTICE).values(
                            id=notice_id, case_id=case.case, step="notificacao", document_id=document, deadline_days=10,
                            issued_at=NOON, proof_level="", state="issued",
                        )
                    )  # fmt: skip
                    conn.execute(
                        insert(NOTICE_SENDING).values(
                            contact_id=contact, notice_id=notice_id, way=channel, address_hmac="", origin="teste"
                        )
                    )
        if told:
            self.tell(contact)
        return contact

    def _document(self, case: Opened) -> UUID:
        document = uuid4()
        with self.engine.begin() as conn:
            conn.execute(
                insert(DOCUMENT).values(
                    id=document, case_id=case.case, kind="notice", name="notificacao.pdf", mime="application/pdf",
                    sha256=document.hex, size=1, created_at=NOON,
                )
            )  # fmt: skip
        return document

    def tell(self, contact: UUID) -> None:
        """The cases hear that the message was sent, as the sending activity tells them."""
        row = self.contact(contact)
        for link in self.all(select(CONTACT_CASE).where(CONTACT_CASE.c.contact_id == contact)):
            case = self.case(link.case_id)
            if row.purpose == "notice":
                case.notice = Notice(str(self.notice(link.case_id).id), link.step, DAY, {"email": "sent"})
            case.steps[link.step] = StepState("done", DAY, link.attempt)
            self.put(link.case_id, state=dump(case))

    def put(self, case_id: UUID, **values: Any) -> None:
        """Change columns of a case."""
        with self.engine.begin() as conn:
            conn.execute(update(CASE).where(CASE.c.id == case_id).values(**values))

    def report(self, contact: UUID | None, event: str, code: str = "", **columns: Any) -> UUID:
        """A stored event that nobody applied yet; returns its id."""
        row = {
            "id": uuid4(), "provider": "twilio", "event_key": f"{contact}:{event}", "contact_id": contact,
            "event": event, "code": code, "body": {"MessageSid": "SM1"}, "received_at": datetime.now(UTC),
            "business_at": NOON,
        } | columns  # fmt: skip
        with self.engine.begin() as conn:
            conn.execute(insert(WEBHOOK_EVENT).values(row))
        return UUID(str(row["id"]))

    # --- looking -----------------------------------------------------------------------------------------------------
    def one(self, query: Any) -> Row[Any]:
        with self.engine.connect() as conn:
            return conn.execute(query).one()  # type: ignore[no-any-return]

    def all(self, query: Any) -> list[Row[Any]]:
        with self.engine.connect() as conn:
            return list(conn.execute(query).all())

    def contact(self, contact: UUID) -> Row[Any]:
        return self.one(select(CONTACT).where(CONTACT.c.id == contact))

    def case(self, case_id: UUID) -> Case:
        return load(self.one(select(CASE.c.state).where(CASE.c.id == case_id)).state)

    def notice(self, case_id: UUID) -> Row[Any]:
        return self.one(select(NOTICE).where(NOTICE.c.case_id == case_id))

    def point(self, contact: UUID) -> str:
        """The state of the address a message went to."""
        point = self.contact(contact).contact_point_id
        return str(self.one(select(CONTACT_POINT.c.state).where(CONTACT_POINT.c.id == point)).state)

    def facts(self, case: Opened) -> list[dict[str, Any]]:
        """What a case is told, oldest first."""
        query = select(FACT.c.body).where(FACT.c.case_id == case.case).order_by(FACT.c.number)
        return [row.body for row in self.all(query)]

    def opted_out(self, case: Opened) -> list[str]:
        return list(self.one(select(DEBTOR.c.opted_out).where(DEBTOR.c.id == case.debtor)).opted_out)

    def tasks(self) -> list[Row[Any]]:
        return self.all(select(TASK))

    def events(self) -> list[Row[Any]]:
        return self.all(select(WEBHOOK_EVENT).order_by(WEBHOOK_EVENT.c.received_at))

    def waiting(self) -> int:
        """How many events nobody applied yet."""
        return sum(event.taken_at is None for event in self.events())


def step_of(number: int, purpose: str) -> str:
    """Which step the n-th case of a message is at."""
    if purpose == "notice":
        return "notificacao"
    return STEP if number == 0 else f"proposta-{number}"

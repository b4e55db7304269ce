"""Messages that debtors wrote, as rows, and how a test looks at what became of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

from people import Opened, ladder, new_case_row
from sqlalchemy import Engine, Row, insert, select, update

from activities import replies
from activities.desk import Desk, at_desk
from activities.world import World
from db.rows import (
    CASE,
    CLOSED_ADDRESS,
    CONTACT,
    CONTACT_CASE,
    CONTACT_POINT,
    DEBTOR,
    DOCUMENT,
    FACT,
    INBOUND,
    NEUTRAL_ANSWER,
    PLAN,
    TASK,
)
from domain.case import Case, load
from domain.clock import Clock
from domain.policy import Policy
from gateways.documents import DocumentStore

NOON = datetime(2026, 3, 10, 15, tzinfo=UTC)
"""Tuesday noon in Brasília."""
TUESDAY, DUE, KNOWN_SINCE = date(2026, 3, 10), date(2026, 3, 2), date(2026, 2, 20)
PHONE, MAIL, OURS = "+5511900000001", "contas@devedora.example.com", "+5511900000000"


@dataclass
class PostRoom:
    """What a test does with messages, on a clock that stands near a Tuesday noon."""

    engine: Engine
    folder: Path
    now: datetime = NOON

    def __post_init__(self) -> None:
        nobody = cast(Any, None)
        self.world = World(
            self.engine, Clock(datetime.now(UTC), self.now, 1.0), DocumentStore(self.folder / "documents"), nobody,
            nobody, nobody, self.folder, "https://regua.example.com", unknown_for=0.2, reply_domain="in.example.com",
        )  # fmt: skip

    def open(self, policy: Policy | None = None, **how: Any) -> Opened:
        """A case of an invented debtor, late for eight days."""
        return new_case_row(self.engine, policy or ladder("padrao-b2b"), DUE, KNOWN_SINCE, **how)

    def written(self, *cases: Opened, channel: str = "sms", reference: str = "7K2Q9A", **columns: Any) -> UUID:
        """A message of ours to the debtor, on these cases."""
        contact = uuid4()
        point = self.one(
            select(CONTACT_POINT.c.id).where(
                CONTACT_POINT.c.debtor_id == cases[0].debtor, CONTACT_POINT.c.channel == channel
            )
        )
        row = {
            "id": contact, "creditor_id": cases[0].creditor, "debtor_id": cases[0].debtor,
            "contact_point_id": point.id, "channel": channel, "purpose": "ladder", "text_id": "atraso-cordial",
            "subject": "", "body": "", "content_hmac": "", "short_ref": reference, "counts": True,
            "state": "accepted", "provider_id": "SM0", "segments": 0, "planned_at": self.now.replace(hour=14),
        }  # fmt: skip
        with self.engine.begin() as conn:
            conn.execute(insert(CONTACT).values(row | columns))
            for n, case in enumerate(cases):
                link = {"contact_id": contact, "case_id": case.case, "step": "atraso-1", "attempt": 1, "lead": n == 0}
                conn.execute(insert(CONTACT_CASE).values(link))
        return contact

    def arrives(self, body: str = "", **columns: Any) -> UUID:
        """An SMS from the debtor's number is stored and understood; returns its id."""
        message = self.stored(body, **columns)
        self.facts = replies.apply_stored(self.world, [message])
        return message

    def stored(self, body: str = "", **columns: Any) -> UUID:
        """The same, stored only."""
        message = uuid4()
        row = {
            "id": message, "provider": "twilio", "message_key": message.hex, "channel": "sms", "sender": PHONE,
            "recipient": OURS, "subject": "", "body": body, "automatic": False, "opt_out": "", "replied_to": "",
            "files": [], "meaning": [], "outcome": "", "answer": "", "content_hmac": "",
            "received_at": datetime.now(UTC), "business_at": self.now,
        }  # fmt: skip
        with self.engine.begin() as conn:
            conn.execute(insert(INBOUND).values(row | columns))
        return message

    def mail(self, body: str, token: UUID | None = None, **columns: Any) -> UUID:
        """An e-mail, to the address of a message of ours where one is given."""
        to = f"reply+{token.hex}@in.example.com" if token else "cobranca@in.example.com"
        return self.arrives(
            body, **{"provider": "sendgrid", "channel": "email", "sender": MAIL, "recipient": to} | columns
        )

    def decide(self, opened: Opened) -> str:
        """The case takes in what it was told; returns what it wants next, action and step."""
        with at_desk(self.world, str(opened.case), None) as desk:
            desk.read_inbox()
            following = desk.conclude(1, desk.row.seq + 1)
        return f"{following.action} {following.step}".strip()

    # --- looking -----------------------------------------------------------------------------------------------------
    def one(self, query: Any) -> Row[Any]:
        with self.engine.connect() as conn:
            return cast("Row[Any]", conn.execute(query).one())

    def all(self, query: Any) -> list[Row[Any]]:
        with self.engine.connect() as conn:
            return list(conn.execute(query).all())

    def message(self, message: UUID) -> Row[Any]:
        return self.one(select(INBOUND).where(INBOUND.c.id == message))

    def told(self, opened: Opened) -> list[dict[str, Any]]:
        """What a case was told beside the record of the message, oldest first."""
        query = select(FACT.c.body).where(FACT.c.case_id == opened.case, FACT.c.kind != "reply")
        return [row.body for row in self.all(query.order_by(FACT.c.number))]

    def kinds(self, opened: Opened) -> list[str]:
        return [body["kind"] for body in self.told(opened)]

    def replies(self, opened: Opened) -> list[dict[str, Any]]:
        """The records of messages of a case."""
        query = select(FACT.c.body).where(FACT.c.case_id == opened.case, FACT.c.kind == "reply")
        return [row.body for row in self.all(query.order_by(FACT.c.number))]

    def case(self, opened: Opened) -> Case:
        return load(self.one(select(CASE.c.state).where(CASE.c.id == opened.case)).state)

    def tasks(self) -> list[tuple[str, str]]:
        """Open tasks outside cases: kind and why."""
        return [(row.kind, row.details[1]) for row in self.all(select(TASK).where(TASK.c.case_id.is_(None)))]

    def points(self, opened: Opened) -> dict[str, str]:
        rows = self.all(select(CONTACT_POINT).where(CONTACT_POINT.c.debtor_id == opened.debtor))
        return {row.channel: row.state for row in rows}

    def opted_out(self, opened: Opened) -> list[str]:
        return list(self.one(select(DEBTOR.c.opted_out).where(DEBTOR.c.id == opened.debtor)).opted_out)

    def closed(self) -> dict[str, str]:
        return {row.address: row.reason for row in self.all(select(CLOSED_ADDRESS))}

    def neutral(self) -> list[Row[Any]]:
        return self.all(select(NEUTRAL_ANSWER))

    def plans(self, opened: Opened) -> list[Row[Any]]:
        return self.all(select(PLAN).where(PLAN.c.case_id == opened.case))

    def documents(self, opened: Opened, kind: str) -> list[Row[Any]]:
        return self.all(select(DOCUMENT).where(DOCUMENT.c.case_id == opened.case, DOCUMENT.c.kind == kind))

    def put(self, opened: Opened, **values: Any) -> None:
        with self.engine.begin() as conn:
            conn.execute(update(CASE).where(CASE.c.id == opened.case).values(**values))


__all__ = ["DUE", "MAIL", "NOON", "OURS", "PHONE", "TUESDAY", "Desk", "PostRoom"]

"""Everything that the database holds of one case, read once each and never written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, Row, Select, Table, func, or_, select

from audit.findings import Area, Finding
from db.rows import (
    APPROVAL,
    ARCHIVE,
    CASE,
    CONTACT,
    CONTACT_ATTEMPT,
    CONTACT_CASE,
    CREDITOR,
    DOCUMENT,
    FACT,
    INBOUND,
    INSTRUCTION,
    INVOICE,
    LEDGER,
    NOTICE,
    NOTICE_SENDING,
    PAYMENT,
    PAYMENT_CODE,
    PLAN,
    POLICY,
    PRIVACY_ACT,
    PROMISE,
    SCHEDULE,
    TASK,
    TITLE,
    WEBHOOK_EVENT,
    WORD,
)
from domain.ledger import Line
from domain.places import time_zone

Rows = Sequence[Row[Any]]


class Book:
    """One case: its row, its ledger, and the rows beside it."""

    def __init__(self, conn: Connection, row: Row[Any]) -> None:
        self.conn, self.row = conn, row
        self.id: UUID = row.id
        self.name = str(row.id)

    def finding(self, area: Area, text: str, entry: int | None = None) -> Finding:
        """Something that is wrong with this case: in which record, what, and at which entry of the ledger."""
        return Finding(self.name, area, text, entry)

    def _of(self, table: Table, *order: Any) -> Rows:
        return self.conn.execute(select(table).where(table.c.case_id == self.id).order_by(*order)).all()

    # --- the ledger ------------------------------------------------------------------------------------------------
    @cached_property
    def ledger(self) -> Rows:
        return self._of(LEDGER, LEDGER.c.seq)

    @property
    def entries(self) -> Iterator[Row[Any]]:
        """The ledger without its decisions."""
        return (row for row in self.ledger if row.kind != "decided")

    def of_kind(self, *kinds: str) -> list[Row[Any]]:
        """Entries of these kinds, in order."""
        return [row for row in self.ledger if row.kind in kinds]

    @cached_property
    def ordered(self) -> dict[tuple[str, int], datetime]:
        """When each attempt of each step was first ordered (step and attempt to business time)."""
        found: dict[tuple[str, int], datetime] = {}
        for row in self.of_kind("decided"):
            if row.body["action"] != "wait":
                found.setdefault((row.body["step"], row.body.get("attempt") or 1), row.business_at)
        return found

    # --- beside the ledger -----------------------------------------------------------------------------------------
    @cached_property
    def facts(self) -> dict[str, Row[Any]]:
        """Stored facts by id, in the order in which they came."""
        return {str(row.id): row for row in self._of(FACT, FACT.c.number)}

    @cached_property
    def instructions(self) -> Rows:
        return self._of(INSTRUCTION, INSTRUCTION.c.generation, INSTRUCTION.c.seq)

    @cached_property
    def ladders(self) -> dict[str, str | None]:
        """The text of each ladder that the case was on, by the hash that pins it; None where it is gone."""
        named = [row.body["policy_hash"] for row in self.of_kind("opened", "migrate")]
        wanted = select(POLICY.c.hash, POLICY.c.text).where(POLICY.c.hash.in_([*named, self.row.policy_hash]))
        texts = {row.hash: row.text for row in self.conn.execute(wanted)}
        return {digest: texts.get(digest) for digest in dict.fromkeys([*named, self.row.policy_hash])}

    def on_ladder_since(self, digest: str) -> int | None:
        """The entry that put the case on a ladder."""
        mine = (row.seq for row in self.of_kind("opened", "migrate") if row.body["policy_hash"] == digest)
        return next(mine, None)

    @cached_property
    def invoice(self) -> Row[Any]:
        return self.conn.execute(select(INVOICE).where(INVOICE.c.id == self.row.invoice_id)).one()

    @cached_property
    def schedules(self) -> Rows:
        return self._of(SCHEDULE, SCHEDULE.c.version)

    @cached_property
    def payments(self) -> dict[str, Row[Any]]:
        """Payments of the case, and those of its creditor that its ledger names, by reference."""
        named = [row.body["reference"] for row in self.of_kind("payment", "reverse")]
        mine = PAYMENT.c.creditor_id == self.row.creditor_id
        wanted = select(PAYMENT).where(mine, or_(PAYMENT.c.case_id == self.id, PAYMENT.c.reference.in_(named)))
        return {row.reference: row for row in self.conn.execute(wanted)}

    @cached_property
    def contacts(self) -> Rows:
        """Contacts with the step and attempt of this case that they stand for, oldest first."""
        link = CONTACT_CASE.c
        linked = select(CONTACT, link.step, link.attempt, link.lead).join(CONTACT_CASE, link.contact_id == CONTACT.c.id)
        mine = linked.where(link.case_id == self.id).order_by(CONTACT.c.planned_at, CONTACT.c.id)
        return self.conn.execute(mine).all()

    @cached_property
    def attempts(self) -> dict[UUID, list[Row[Any]]]:
        """Calls to providers, by contact."""
        found: dict[UUID, list[Row[Any]]] = {row.id: [] for row in self.contacts}
        wanted = select(CONTACT_ATTEMPT).where(CONTACT_ATTEMPT.c.contact_id.in_(found))
        for row in self.conn.execute(wanted.order_by(CONTACT_ATTEMPT.c.contact_id, CONTACT_ATTEMPT.c.number)):
            found[row.contact_id].append(row)
        return found

    @cached_property
    def receipts(self) -> Rows:
        """What providers reported of the case's contacts, oldest first."""
        ids = [row.id for row in self.contacts]
        wanted = select(WEBHOOK_EVENT).where(WEBHOOK_EVENT.c.contact_id.in_(ids))
        return self.conn.execute(wanted.order_by(WEBHOOK_EVENT.c.received_at, WEBHOOK_EVENT.c.id)).all()

    @cached_property
    def notices(self) -> dict[str, Row[Any]]:
        return {str(row.id): row for row in self._of(NOTICE, NOTICE.c.issued_at)}

    @cached_property
    def sendings(self) -> Rows:
        """The ways of the case's notices, each with the contact that carried it."""
        ids = [row.id for row in self.notices.values()]
        return self.conn.execute(select(NOTICE_SENDING).where(NOTICE_SENDING.c.notice_id.in_(ids))).all()

    def carriers(self, notice_id: str) -> list[Row[Any]]:
        """The ways of one notice."""
        return [row for row in self.sendings if str(row.notice_id) == notice_id]

    @cached_property
    def titles(self) -> dict[str, Row[Any]]:
        return {str(row.id): row for row in self._of(TITLE, TITLE.c.attempt)}

    @cached_property
    def documents(self) -> Rows:
        return self._of(DOCUMENT, DOCUMENT.c.created_at, DOCUMENT.c.id)

    @cached_property
    def approvals(self) -> dict[str, Row[Any]]:
        """Approvals with how many people said yes."""
        yes = select(func.count()).where(WORD.c.approval_id == APPROVAL.c.id, WORD.c.yes).scalar_subquery()
        wanted = select(APPROVAL, yes.label("yes")).where(APPROVAL.c.case_id == self.id)
        return {str(row.id): row for row in self.conn.execute(wanted)}

    @cached_property
    def words(self) -> dict[tuple[str, str], Row[Any]]:
        """What people said to the case's approvals, by approval and person."""
        mine = select(WORD).join(APPROVAL, APPROVAL.c.id == WORD.c.approval_id).where(APPROVAL.c.case_id == self.id)
        return {(str(row.approval_id), row.staff_id): row for row in self.conn.execute(mine)}

    @cached_property
    def promises(self) -> dict[str, Row[Any]]:
        return {str(row.id): row for row in self._of(PROMISE, PROMISE.c.made_at)}

    @cached_property
    def tasks(self) -> dict[str, Row[Any]]:
        return {str(row.id): row for row in self._of(TASK, TASK.c.opened_at)}

    @cached_property
    def plans(self) -> dict[str, Row[Any]]:
        return {str(row.id): row for row in self._of(PLAN, PLAN.c.offered_at)}

    @cached_property
    def codes(self) -> dict[str, Row[Any]]:
        """Payment codes of the case, by txid."""
        return {row.txid: row for row in self._of(PAYMENT_CODE, PAYMENT_CODE.c.created_at)}

    @cached_property
    def replies(self) -> dict[str, Row[Any]]:
        """The messages of the debtor that the ledger names, by id."""
        named = [UUID(row.body["reply_id"]) for row in self.of_kind("reply")]
        return {str(row.id): row for row in self.conn.execute(select(INBOUND).where(INBOUND.c.id.in_(named)))}

    @cached_property
    def messages_with_files(self) -> list[UUID]:
        """The messages of the debtor that brought files: each file became a document of one of his cases."""
        mine = (INBOUND.c.debtor_id == self.row.debtor_id) & (func.jsonb_array_length(INBOUND.c.files) > 0)
        return list(self.conn.execute(select(INBOUND.c.id).where(mine)).scalars())

    @cached_property
    def archives(self) -> Rows:
        """The newest archive of each run, in the order of the case's life."""
        rows = self._of(ARCHIVE, ARCHIVE.c.generation, ARCHIVE.c.part, ARCHIVE.c.events)
        return list({(row.generation, row.run_id): row for row in rows}.values())

    @cached_property
    def erasures(self) -> Rows:
        """What was erased of the debtor's data after their retention, oldest first (`privacy.erasure`)."""
        mine = (PRIVACY_ACT.c.debtor_id == self.row.debtor_id) & (PRIVACY_ACT.c.kind == "erased")
        return self.conn.execute(select(PRIVACY_ACT).where(mine).order_by(PRIVACY_ACT.c.number)).all()

    def erasure_of(self, document_id: UUID) -> Row[Any] | None:
        """The act that erased a document; None where nobody did."""
        return next((act for act in self.erasures if str(document_id) in act.body["documents"]), None)

    def without_texts(self, contact: Row[Any]) -> bool:
        """Was a contact's text erased after it was written?"""
        empty = not (contact.subject or contact.body or contact.html)
        acts = (act for act in self.erasures if "contacts" in act.body["classes"])
        return empty and any(act.at >= contact.planned_at for act in acts)

    @cached_property
    def salt(self) -> str:
        """The salt of the creditor's content hashes."""
        mine = select(CREDITOR.c.salt).where(CREDITOR.c.id == self.row.creditor_id)
        return str(self.conn.execute(mine).scalar_one())

    # --- the debtor's days -----------------------------------------------------------------------------------------
    @cached_property
    def uf(self) -> str:
        return str(self.row.state["uf"])

    def local(self, moment: datetime) -> datetime:
        """A moment at the debtor's place."""
        return moment.astimezone(time_zone(self.uf))

    def end_of(self, day: date) -> datetime:
        """The end of a civil day at the debtor's place: the first moment that no longer belongs to it."""
        return datetime.combine(day + timedelta(days=1), time(0), time_zone(self.uf))


def line_of(row: Row[Any]) -> Line:
    """A ledger row as it was hashed."""
    return Line(
        str(row.case_id), row.seq, row.kind, row.body, row.cause, row.actor, row.business_at, row.recorded_at,
        row.rules_version,
    )  # fmt: skip


def case_ids(conn: Connection, since: datetime | None = None, *where: Any) -> list[UUID]:
    """Cases that have a ledger, by id; with `since` only those of which something was recorded from that moment on."""
    wanted: Select[Any] = select(CASE.c.id).where(CASE.c.ledger_seq > 0, *where).order_by(CASE.c.id)
    if since:
        later = select(LEDGER.c.case_id).where(LEDGER.c.case_id == CASE.c.id, LEDGER.c.business_at >= since)
        wanted = wanted.where(later.exists())
    return list(conn.execute(wanted).scalars())


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """A connection that sees the database as it stood at its first question: cases go on while they are audited."""
    with engine.execution_options(isolation_level="REPEATABLE READ").connect() as conn:
        yield conn


def open_book(conn: Connection, case_id: UUID) -> Book:
    """The book of a case that exists."""
    return Book(conn, conn.execute(select(CASE).where(CASE.c.id == case_id)).one())

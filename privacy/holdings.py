"""Every row that holds personal data of one debtor, found once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import cached_property
from operator import itemgetter
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, Table, func, or_, select

from db.rows import (
    APPROVAL,
    BLOCK_ENTRY,
    CASE,
    CLOSED_ADDRESS,
    CONTACT,
    CONTACT_POINT,
    CREDITOR,
    DEBTOR,
    DOCUMENT,
    INBOUND,
    INVOICE,
    LEDGER,
    MORATORIUM,
    NEUTRAL_ANSWER,
    NOTE,
    NOTICE,
    PARCEL,
    PARTY,
    PAYMENT,
    PAYMENT_CODE,
    PLAN,
    PRIVACY_ACT,
    PROMISE,
    TASK,
    TITLE,
    WEBHOOK_EVENT,
    WORD,
)
from domain.pix import is_static_txid
from domain.retention import CLASSES, IDENTITY, Rule, class_of

Rows = Sequence[Row[Any]]
OUTSIDERS = {"handed_over": "", "passed_on": "", "negotiation_proposed": "central", "listing_requested": "bureau"}
"""Entries of a ledger by which data left for somebody outside; "" where the entry names him."""


ROWS: Mapping[Table, str] = {
    WORD: "words", CONTACT: "contacts", CONTACT_POINT: "points", INBOUND: "inbound", INVOICE: "invoices",
    MORATORIUM: "moratoria", NEUTRAL_ANSWER: "answers", NOTE: "notes", PARTY: "parties", PAYMENT: "payments",
    WEBHOOK_EVENT: "receipts",
}  # fmt: skip
"""Where `Holdings` has the rows of each table that holds personal data."""


class Holdings:
    """What the database holds of one debtor. Rows are read when they are first asked for."""

    def __init__(self, conn: Connection, debtor: Row[Any]) -> None:
        self.conn, self.debtor = conn, debtor
        self.id: UUID = debtor.id

    def _all(self, query: Select[Any]) -> Rows:
        return self.conn.execute(query).all()

    def _of_cases(self, table: Table, *order: Any) -> Rows:
        return self._all(select(table).where(table.c.case_id.in_(self.case_ids)).order_by(*order))

    @cached_property
    def creditor(self) -> Row[Any]:
        return self.conn.execute(select(CREDITOR).where(CREDITOR.c.id == self.debtor.creditor_id)).one()

    @cached_property
    def cases(self) -> Rows:
        return self._all(select(CASE).where(CASE.c.debtor_id == self.id).order_by(CASE.c.opened_at, CASE.c.id))

    @cached_property
    def case_ids(self) -> list[UUID]:
        return [row.id for row in self.cases]

    @cached_property
    def invoices(self) -> Rows:
        return self._all(select(INVOICE).where(INVOICE.c.debtor_id == self.id).order_by(INVOICE.c.due, INVOICE.c.id))

    @cached_property
    def parties(self) -> Rows:
        return self._all(select(PARTY).where(PARTY.c.invoice_id.in_([row.id for row in self.invoices])))

    @cached_property
    def points(self) -> Rows:
        mine = select(CONTACT_POINT).where(CONTACT_POINT.c.debtor_id == self.id)
        return self._all(mine.order_by(CONTACT_POINT.c.channel, CONTACT_POINT.c.rank))

    @cached_property
    def contacts(self) -> Rows:
        return self._all(select(CONTACT).where(CONTACT.c.debtor_id == self.id).order_by(CONTACT.c.planned_at))

    @cached_property
    def receipts(self) -> Rows:
        mine = WEBHOOK_EVENT.c.contact_id.in_([row.id for row in self.contacts])
        return self._all(select(WEBHOOK_EVENT).where(mine).order_by(WEBHOOK_EVENT.c.received_at))

    @cached_property
    def inbound(self) -> Rows:
        """What he wrote: known to be his, or an answer to what was written to him."""
        mine = or_(INBOUND.c.debtor_id == self.id, INBOUND.c.contact_id.in_([row.id for row in self.contacts]))
        return self._all(select(INBOUND).where(mine).order_by(INBOUND.c.received_at))

    @cached_property
    def answers(self) -> Rows:
        mine = NEUTRAL_ANSWER.c.inbound_id.in_([row.id for row in self.inbound])
        return self._all(select(NEUTRAL_ANSWER).where(mine))

    @cached_property
    def notes(self) -> Rows:
        return self._of_cases(NOTE, NOTE.c.written_at)

    @cached_property
    def payments(self) -> Rows:
        return self._of_cases(PAYMENT, PAYMENT.c.paid_on)

    @cached_property
    def plans(self) -> Rows:
        return self._of_cases(PLAN, PLAN.c.offered_at)

    @cached_property
    def promises(self) -> Rows:
        return self._of_cases(PROMISE, PROMISE.c.made_at)

    @cached_property
    def tasks(self) -> Rows:
        return self._of_cases(TASK, TASK.c.opened_at)

    @cached_property
    def words(self) -> Rows:
        """What people said who were asked to approve something in his cases."""
        asked = select(APPROVAL.c.id).where(APPROVAL.c.case_id.in_(self.case_ids))
        return self._all(select(WORD).where(WORD.c.approval_id.in_(asked)).order_by(WORD.c.said_at))

    @cached_property
    def moratoria(self) -> Rows:
        """What holds all cases of his, or did, and names him by his document."""
        mine = MORATORIUM.c.creditor_id.is_(None) | (MORATORIUM.c.creditor_id == self.debtor.creditor_id)
        named = (MORATORIUM.c.scope == "debtor") & (MORATORIUM.c.value == self.debtor.document)
        return self._all(select(MORATORIUM).where(named, mine).order_by(MORATORIUM.c.set_at))

    @cached_property
    def closed_addresses(self) -> Rows:
        """Addresses of his to which the creditor writes nothing any more, whoever asks for it."""
        his = [point.address.lower() for point in self.points]
        mine = (CLOSED_ADDRESS.c.creditor_id == self.debtor.creditor_id) & CLOSED_ADDRESS.c.address.in_(his)
        return self._all(select(CLOSED_ADDRESS).where(mine).order_by(CLOSED_ADDRESS.c.closed_at))

    @cached_property
    def blocked(self) -> Rows:
        """Where his document or a telephone of his stands on a state's block list."""
        his = [self.debtor.document, *(point.address for point in self.points)]
        return self._all(select(BLOCK_ENTRY).where(BLOCK_ENTRY.c.value.in_(his)).order_by(BLOCK_ENTRY.c.registered_on))

    @cached_property
    def book(self) -> Rows:
        """All that happened in his cases, in order."""
        return self._of_cases(LEDGER, LEDGER.c.case_id, LEDGER.c.seq)

    @cached_property
    def notices(self) -> Rows:
        return self._of_cases(NOTICE, NOTICE.c.issued_at)

    @cached_property
    def titles(self) -> Rows:
        return self._of_cases(TITLE, TITLE.c.attempt)

    @cached_property
    def told_to(self) -> dict[str, datetime]:
        """Whom his cases were passed on to, and since when: legal, agency, central (of the notaries), bureau.

        The ledger keeps it. A parcel that may have arrived without the book knowing counts as passed on.
        """
        to = func.coalesce(LEDGER.c.body["to"].astext, "legal")  # entries from before there were agencies
        known = select(LEDGER.c.kind, to, func.min(LEDGER.c.business_at)).group_by(LEDGER.c.kind, to)
        known = known.where(LEDGER.c.case_id.in_(self.case_ids), LEDGER.c.kind.in_(OUTSIDERS))
        sent = select(PARCEL.c.to, func.min(PARCEL.c.begun_at)).group_by(PARCEL.c.to)
        sent = sent.where(PARCEL.c.case_id.in_(self.case_ids), PARCEL.c.state != "not-taken")
        found = [(OUTSIDERS[kind] or named, since) for kind, named, since in self.conn.execute(known)]
        told: dict[str, datetime] = {}
        for who, since in sorted([*found, *((row[0], row[1]) for row in self.conn.execute(sent))], key=itemgetter(1)):
            told.setdefault(who, since)
        return told

    @cached_property
    def charges(self) -> Rows:
        """Pix charges that a bank made in his name; a static code is made here and names nobody."""
        return [row for row in self._of_cases(PAYMENT_CODE) if not is_static_txid(row.txid)]

    @cached_property
    def documents(self) -> Rows:
        """Documents of his cases, files that came with what he wrote, and papers of a moratorium in his name. Files
        that hold many people are not his."""
        files = [UUID(name) for row in self.inbound for name in row.files]
        files += [row.document_id for row in self.moratoria if row.document_id]
        mine = or_(DOCUMENT.c.case_id.in_(self.case_ids), DOCUMENT.c.id.in_(files))
        return self._all(select(DOCUMENT).where(mine).order_by(DOCUMENT.c.created_at, DOCUMENT.c.id))

    @cached_property
    def acts(self) -> Rows:
        """What was done about his data, oldest first."""
        mine = select(PRIVACY_ACT).where(PRIVACY_ACT.c.debtor_id == self.id)
        return self._all(mine.order_by(PRIVACY_ACT.c.number))

    # --- by table --------------------------------------------------------------------------------------------------
    def rows(self, table: Table) -> Rows:
        """The debtor's rows of a table that holds personal data."""
        if table is DEBTOR:
            return [self.debtor]
        found: Rows = getattr(self, ROWS[table])
        return found

    def rows_to_empty(self, table: Table, today: date) -> Rows:
        """The same, without what another debtor needs too: a moratorium that still holds, or holds others."""
        if table is not MORATORIUM:
            return self.rows(table)
        others = select(DEBTOR.c.id).where(DEBTOR.c.document == self.debtor.document, DEBTOR.c.id != self.id)
        shared = self.conn.execute(others.limit(1)).first() is not None
        over = [row for row in self.moratoria if row.lifted_at or (row.until and row.until < today)]
        return [row for row in over if row.creditor_id or not shared]

    # --- by class --------------------------------------------------------------------------------------------------
    def erased(self) -> set[str]:
        """Classes that were erased; a case that was opened since brought new data of every class."""
        newest = max((row.opened_at for row in self.cases), default=self.debtor.created_at)
        erasures = (act for act in self.acts if act.kind == "erased" and act.at >= newest)
        return {name for act in erasures for name in act.body["classes"]}

    def documents_of(self, name: str, rules: Sequence[Rule]) -> Rows:
        """Documents of one class."""
        return [row for row in self.documents if class_of(row.kind, rules) == name]

    def held(self, rules: Sequence[Rule]) -> set[str]:
        """Classes of which anything is held that was not erased."""
        some = {
            "contacts": (self.points, self.contacts, self.inbound, self.notes),
            "payments": (self.payments,),
            "agreements": (),
            "firm": (self.notices, self.titles, self.words),
            IDENTITY: ((self.debtor,),),
        }
        present = {name for name in CLASSES if any(some[name]) or self.documents_of(name, rules)}
        return present - self.erased()

"""Writing what a compared file tells: debtors and their addresses, invoices, cases, facts, tasks. One transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, time
from typing import Any
from uuid import UUID, uuid4, uuid5

from sqlalchemy import select, text

from activities.desk import fact_values
from db.rows import CASE, CREDITOR
from domain import facts as f
from domain.calendars import add_bank_days
from domain.case import Case, Reduced, dump
from domain.ledger import keyed
from domain.places import time_zone
from starter.importing.changes import SOURCE, settled_before
from starter.importing.comparison import GONE, Changed, Comparison
from starter.importing.opening import Openings
from starter.importing.rows import InvoiceRow
from starter.importing.staging import copy_dicts

BAD_CONTACT = "bad-contact"
"""Kind of the task for an address that nobody can be reached at."""

_KNOWN_DEBTORS = """
    UPDATE debtor d SET kind = r.debtor_kind, name = r.name,
        address = CASE WHEN r.address <> '' THEN r.address ELSE d.address END,
        district = CASE WHEN r.address <> '' THEN r.district ELSE d.district END,
        city = CASE WHEN r.address <> '' THEN r.city ELSE d.city END,
        uf = CASE WHEN r.address <> '' THEN r.uf ELSE d.uf END,
        cep = CASE WHEN r.address <> '' THEN r.cep ELSE d.cep END,
        ibge = CASE WHEN r.address <> '' THEN r.ibge ELSE d.ibge END
    FROM import_debtor r WHERE r.debtor_id = d.id
"""
_NEW_DEBTORS = """
    INSERT INTO debtor (id, creditor_id, kind, document, name, address, district, city, uf, cep, ibge, created_at)
    SELECT gen_random_uuid(), :creditor, debtor_kind, document, name, address, district, city, uf, cep, ibge, :now
    FROM import_debtor WHERE debtor_id IS NULL
"""
_POINTS = """
    INSERT INTO contact_point (id, debtor_id, channel, address, role, source, state, consent, rank, changed_at)
    SELECT gen_random_uuid(), d.id, w.channel, w.address, 'debtor', :source, w.state, w.consent, w.rank, :now
    FROM import_way w JOIN debtor d ON d.creditor_id = :creditor AND d.document = w.document
"""
_BAD_POINTS = """
    INSERT INTO task (id, case_id, kind, step, owner, due, details, outcome, done_by, opened_at)
    SELECT gen_random_uuid(), c.id, :kind, '', 'clerk', :due,
           jsonb_build_array('row ' || w.line, CASE w.channel WHEN 'email' THEN 'email' ELSE 'phone' END), '', '', :now
    FROM import_way w JOIN import_row r USING (line)
    JOIN debtor d ON d.creditor_id = :creditor AND d.document = r.document
    JOIN invoice i ON i.creditor_id = :creditor AND i.debtor_id = d.id AND i.number = r.number
                  AND i.instalment = r.instalment
    JOIN "case" c ON c.invoice_id = i.id
    WHERE w.state = 'unusable'
"""
_REACHED = """
    SELECT c.id AS case_id, r.channel
    FROM import_reach r JOIN "case" c ON c.debtor_id = r.debtor_id AND c.stage <> 'closed'
"""
_BACK = """
    SELECT m.invoice_id, m.case_id
    FROM import_match m JOIN "case" c ON c.id = m.case_id
    WHERE m.vanished AND (c.state->'holds' @> '["vanished"]' OR EXISTS (
        SELECT FROM fact f WHERE f.case_id = c.id AND f.kind = 'vanished' AND f.acknowledged_at IS NULL))
"""
_LAST_ROWS = """
    UPDATE invoice i SET row_hash = r.hash, description = r.description, vanished = false
    FROM import_row r JOIN import_match m USING (line)
    WHERE i.id = m.invoice_id AND (m.verdict = 'changed' OR m.vanished)
"""
_BOLETOS = """
    UPDATE invoice i SET
        bank = CASE WHEN r.bank <> '' THEN r.bank ELSE i.bank END,
        our_number = CASE WHEN r.our_number <> '' THEN r.our_number ELSE i.our_number END,
        boleto_line = CASE WHEN r.boleto_line <> '' THEN r.boleto_line ELSE i.boleto_line END
    FROM import_row r JOIN import_match m USING (line)
    WHERE i.id = m.invoice_id AND m.verdict = 'changed' AND (r.our_number <> '' OR r.boleto_line <> '')
"""
"""What a file does not name any more stays: the bank still knows it."""
_TITLES = """
    UPDATE invoice i SET
        delivery_proof = CASE WHEN r.papers <> '' THEN r.papers ELSE i.delivery_proof END,
        nfe_key = CASE WHEN r.nfe_key <> '' THEN r.nfe_key ELSE i.nfe_key END,
        place = CASE WHEN r.place <> '' THEN r.place ELSE i.place END
    FROM import_row r JOIN import_match m USING (line)
    WHERE i.id = m.invoice_id AND m.verdict = 'changed' AND (r.papers <> '' OR r.nfe_key <> '' OR r.place <> '')
"""
_NOW_GONE = f"UPDATE invoice SET vanished = true WHERE id IN (SELECT invoice_id FROM ({GONE}) gone)"  # noqa: S608


class Writer:
    """Writes a comparison. `source` begins the keys of all facts; `now` is business time, aware.

    `facts` are the ids of facts for cases that were there before.
    """

    def __init__(
        self, seen: Comparison, openings: Openings, import_id: UUID, source: str, actor: str, now: datetime
    ) -> None:
        self.seen, self.openings, self.import_id, self.source = seen, openings, import_id, source
        self.actor, self.now, self.conn = actor, now, seen.conn
        self.creditor_id = seen.creditor_id
        self.params = {"creditor": seen.creditor_id, "now": now, "source": SOURCE}
        self.salt = self.conn.execute(select(CREDITOR.c.salt).where(CREDITOR.c.id == seen.creditor_id)).scalar_one()
        self.facts: list[UUID] = []

    def write(self, progress: Callable[[int], object]) -> None:
        """Write everything; `progress` is told how many rows are done."""
        done = 0
        self._absences()
        self._reached()
        self.conn.execute(text(_KNOWN_DEBTORS))
        self._run(_NEW_DEBTORS)
        for batch in self.seen.new():
            self._open(batch)
            progress(done := done + len(batch))
        for changes in self.seen.changed():
            self._change(changes)
            progress(done := done + len(changes))
        self.conn.execute(text(_BOLETOS))  # only now: what changed is told by comparing with what was known
        self.conn.execute(text(_TITLES))
        self._run(_POINTS)
        self._run(_BAD_POINTS, kind=BAD_CONTACT, due=add_bank_days(self.seen.today, 1))

    def _run(self, statement: str, **more: Any) -> None:
        wanted = {key: value for key, value in (self.params | more).items() if f":{key}" in statement}
        self.conn.execute(text(statement), wanted)

    def _fact(self, case_id: UUID, key: str, fact: f.Told) -> dict[str, Any]:
        return fact_values(case_id, f"{self.source}:{key}", fact, self.actor, self.now) | {"refusal": ""}

    def _tell(self, facts: list[dict[str, Any]]) -> None:
        copy_dicts(self.conn, "fact", facts)
        self.facts += [fact["id"] for fact in facts]

    # --- new invoices ------------------------------------------------------------------------------------------------
    def _open(self, batch: list[tuple[InvoiceRow, UUID | None, list[str]]]) -> None:
        invoices, cases, facts = [], [], []
        wishes = self._wishes({debtor_id for _, debtor_id, _ in batch if debtor_id})
        for (row, debtor_id, opted_out), case_id in zip(batch, self._ids([row for row, *_ in batch]), strict=True):
            if debtor_id is None:
                raise AssertionError("debtors are written before their invoices")
            invoice_id = uuid4()
            case = self.openings.case(row, case_id, debtor_id, opted_out)
            settled = settled_before(row, self.seen.today)
            invoices.append(self._invoice(row, invoice_id, debtor_id))
            cases.append(self._case(row, case, settled, invoice_id, debtor_id))
            known = [*settled, wishes[debtor_id]] if debtor_id in wishes else settled
            facts += [self._fact(case_id, f"{invoice_id}:{n}", fact) for n, fact in enumerate(known)]
        copy_dicts(self.conn, "invoice", invoices)
        copy_dicts(self.conn, "case", cases)
        copy_dicts(self.conn, "fact", facts)

    def _ids(self, rows: Sequence[InvoiceRow]) -> list[UUID]:
        """The ids of the cases of new invoices. Where the book was put back to before an invoice came, it is new again.

        Its case then gets the id that it had, and so do its messages (`activities.outbox.identity`). Only an erased
        debtor's case has an invoice's id while the invoice is new.
        """
        wanted = [uuid5(self.creditor_id, keyed(self.salt, _natural_key(row))) for row in rows]
        taken = set(self.conn.execute(select(CASE.c.id).where(CASE.c.id.in_(wanted))).scalars())
        return [uuid4() if case_id in taken else case_id for case_id in wanted]

    def _wishes(self, debtors: set[UUID]) -> dict[UUID, f.Told]:
        """The hours in which these debtors asked to be contacted, for cases that did not hear of them yet."""
        asked = text(
            "SELECT debtor_id, channel, best_hours FROM contact_point"
            " WHERE debtor_id = ANY(:debtors) AND best_hours <> '' ORDER BY rank DESC"
        )
        found = self.conn.execute(asked, {"debtors": list(debtors)})
        return {row.debtor_id: f.ContactDataChanged(row.channel, row.best_hours) for row in found}

    def _invoice(self, row: InvoiceRow, invoice_id: UUID, debtor_id: UUID) -> dict[str, Any]:
        return {
            "id": invoice_id,
            "creditor_id": self.creditor_id,
            "debtor_id": debtor_id,
            "number": row.number,
            "instalment": row.instalment,
            "printed_number": row.printed_number,
            "kind": row.kind,
            "issued": row.issued,
            "due": row.due,
            "amount": row.amount,
            "fine_percent": row.fine_percent,
            "monthly_interest_percent": row.monthly_interest_percent,
            "charges_source": row.charges_source,
            "description": row.description,
            "bank": row.bank,
            "our_number": row.our_number,
            "boleto_line": row.boleto_line,
            "delivery_proof": row.papers,
            "nfe_key": row.nfe_key,
            "place": row.place,
            "policy": row.policy,
            "row_hash": row.hash,
            "import_id": self.import_id,
            "vanished": False,
            "created_at": self.now,
        }

    def _case(
        self, row: InvoiceRow, case: Case, settled: list[f.Adjusted], invoice_id: UUID, debtor_id: UUID
    ) -> dict[str, Any]:
        today, opening = self.seen.today, self.openings.of(row)
        owed = replace(case, reductions=[Reduced(fact.amount, fact.how, fact.on) for fact in settled])
        starts = datetime.combine(opening.starts_on, time(0), time_zone(row.uf))
        return {
            "id": UUID(case.id),
            "creditor_id": self.creditor_id,
            "debtor_id": debtor_id,
            "invoice_id": invoice_id,
            "policy_hash": case.policy_hash,
            "stage": case.stage(today),
            "state": dump(case),
            "balance": owed.debt(today).total,
            "generation": 1,
            "seq": 0,
            "ledger_seq": 0,
            "ledger_hash": "",
            "next_action": "wait",
            "next_step": "",
            "next_at": starts,
            "next_reason": "first wave waits for release by a person" if opening.waits else "opens with its first step",
            "schedule_version": 0,
            "schedule_hash": "",
            "outcome": "",
            "starts_on": opening.starts_on,
            "opened_at": self.now,
        }

    # --- known invoices ----------------------------------------------------------------------------------------------
    def _change(self, changes: list[Changed]) -> None:
        facts, payments = [], []
        for change in changes:
            for n, item in enumerate(change.news):
                fact = item.fact
                if isinstance(fact, f.PaymentReceived):
                    fact = replace(fact, reference=f"{self.source}:{change.invoice_id}")
                    payments.append(payment_values(self.creditor_id, change.case_id, fact, "", self.now))
                facts.append(self._fact(change.case_id, f"{change.invoice_id}:{n}", fact))
        copy_dicts(self.conn, "payment", payments)
        self._tell(facts)

    def _reached(self) -> None:
        found = self.conn.execute(text(_REACHED)).all()
        self._tell([self._fact(r.case_id, f"{r.case_id}:{r.channel}", f.ContactDataChanged(r.channel)) for r in found])

    def _absences(self) -> None:
        """What came back is let go; what a full file lacks is held. Done before there are new invoices."""
        back = self.conn.execute(text(_BACK)).all()
        self._tell([self._fact(r.case_id, f"{r.invoice_id}:back", f.HoldLifted("vanished")) for r in back])
        self.conn.execute(text(_LAST_ROWS))
        if self.seen.full:
            gone = self.conn.execute(text(GONE), self.seen.creditor).all()
            self._tell([self._fact(r.case_id, f"{r.invoice_id}:gone", f.Vanished(SOURCE)) for r in gone])
            self._run(_NOW_GONE)


def payment_values(
    creditor_id: UUID, case_id: UUID | None, fact: f.PaymentReceived, hint: str, now: datetime
) -> dict[str, Any]:
    """The row of a payment as it is first stored; without a case, `hint` is what a person can go by."""
    return {
        "id": uuid5(creditor_id, f"payment:{fact.reference}"),
        "creditor_id": creditor_id,
        "case_id": case_id,
        "reference": fact.reference,
        "amount": fact.amount,
        "paid_on": fact.paid_on,
        "source": fact.source,
        "hint": hint,
        "received_at": now,
    }


def _natural_key(row: InvoiceRow) -> str:
    """What makes an invoice of a creditor this one."""
    return f"{row.document}:{row.number}:{row.instalment}"

"""A staged file beside what the database knows of the creditor's invoices: what is new, changed, gone, or wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from domain.case import load
from starter.importing.changes import AMOUNT, BALANCE, NET, PAID_BEFORE, SOURCE, News, Standing, contradictions, news
from starter.importing.rows import InvoiceRow
from starter.importing.staging import COLUMNS, Spool

_BATCH = 2000
_PREPARE = (
    """
    CREATE TEMP TABLE import_match ON COMMIT DROP AS
    SELECT r.line, d.id AS debtor_id, i.id AS invoice_id, c.id AS case_id,
           coalesce(i.vanished, false) AS vanished, coalesce(c.stage = 'closed', false) AS closed,
           CASE WHEN i.id IS NULL AND r.remaining = 0 THEN 'settled' WHEN i.id IS NULL THEN 'new'
                WHEN i.row_hash = r.hash THEN 'same' ELSE 'changed' END AS verdict
    FROM import_row r
    LEFT JOIN debtor d ON d.creditor_id = :creditor AND d.document = r.document
    LEFT JOIN invoice i ON i.creditor_id = :creditor AND i.debtor_id = d.id
                       AND i.number = r.number AND i.instalment = r.instalment
    LEFT JOIN "case" c ON c.invoice_id = i.id
    """,
    "ANALYZE import_match",
    # The last row of a debtor says what he is called and where he lives now.
    """
    CREATE TEMP TABLE import_debtor ON COMMIT DROP AS
    SELECT DISTINCT ON (r.document) r.*, m.debtor_id
    FROM import_row r JOIN import_match m USING (line)
    WHERE m.verdict IN ('new', 'changed') AND NOT m.closed
    ORDER BY r.document, r.line DESC
    """,
    """
    CREATE TEMP TABLE import_way ON COMMIT DROP AS
    SELECT DISTINCT ON (r.document, p.channel, p.address)
           r.line, r.document, m.debtor_id, p.rank, p.channel, p.address, p.state, p.consent
    FROM import_point p JOIN import_row r USING (line) JOIN import_match m USING (line)
    WHERE m.verdict IN ('new', 'changed') AND NOT m.closed AND NOT EXISTS (
        SELECT FROM contact_point k
        WHERE k.debtor_id = m.debtor_id AND k.channel = p.channel AND k.address = p.address)
    ORDER BY r.document, p.channel, p.address, r.line
    """,
    # By which channels a debtor whom we know can be reached anew; a letter by his new address.
    """
    CREATE TEMP TABLE import_reach ON COMMIT DROP AS
    SELECT debtor_id, channel FROM import_way WHERE debtor_id IS NOT NULL AND state = 'usable'
    UNION
    SELECT d.id, 'letter' FROM debtor d JOIN import_debtor r ON r.debtor_id = d.id
    WHERE r.address <> '' AND (d.address, d.district, d.city, d.uf, d.cep)
                              IS DISTINCT FROM (r.address, r.district, r.city, r.uf, r.cep)
    """,
)
_NEW = """
    SELECT r.*, d.id AS debtor_id, coalesce(d.opted_out, '[]') AS opted_out
    FROM import_row r JOIN import_match m USING (line)
    LEFT JOIN debtor d ON d.creditor_id = :creditor AND d.document = r.document
    WHERE m.verdict = 'new' ORDER BY r.line
"""
_CHANGED = f"""
    SELECT r.*, m.invoice_id, m.case_id, c.state, i.amount AS known_amount, i.due AS known_due, i.kind AS known_kind,
           i.issued AS known_issued, i.fine_percent AS known_fine, i.monthly_interest_percent AS known_interest,
           i.policy AS known_policy, i.our_number AS known_our_number, i.boleto_line AS known_line,
           i.delivery_proof AS known_papers, i.place AS known_place,
           money.paid, told.due AS told_due, told.waiting_due, told.by_amount, told.by_balance, told.paid_before,
           told.by_net, told.waiting_payments, told.waiting_reductions, told.waiting_withheld, told.boleto
    FROM import_row r JOIN import_match m USING (line)
    JOIN invoice i ON i.id = m.invoice_id JOIN "case" c ON c.id = m.case_id
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(p.amount), 0) AS paid FROM payment p WHERE p.case_id = c.id AND p.reversed_on IS NULL
    ) money
    CROSS JOIN LATERAL (
        SELECT max((f.body->>'due')::date) FILTER (WHERE f.kind = 'extended' AND f.body->>'source' = '{SOURCE}') AS due,
               max((f.body->>'due')::date) FILTER (WHERE f.kind = 'extended' AND waiting) AS waiting_due,
               coalesce(sum(amount) FILTER (WHERE f.kind = 'adjusted' AND f.body->>'source' = '{AMOUNT}'), 0)
                   AS by_amount,
               coalesce(sum(amount) FILTER (WHERE f.kind = 'adjusted' AND f.body->>'source' = '{BALANCE}'), 0)
                   AS by_balance,
               coalesce(sum(amount) FILTER (WHERE f.kind = 'adjusted' AND f.body->>'source' = '{PAID_BEFORE}'), 0)
                   AS paid_before,
               coalesce(sum(amount) FILTER (WHERE f.kind = 'adjusted' AND f.body->>'source' = '{NET}'), 0) AS by_net,
               coalesce(sum(amount) FILTER (WHERE f.kind = 'adjusted' AND waiting), 0) AS waiting_reductions,
               coalesce(sum(amount) FILTER (WHERE f.kind = 'adjusted' AND waiting
                   AND f.body->>'how' = 'withholding'), 0) AS waiting_withheld,
               coalesce(bool_or(waiting) FILTER (WHERE f.kind = 'boleto_issued'), false) AS boleto,
               coalesce(sum(amount) FILTER (WHERE f.kind = 'payment' AND waiting AND NOT EXISTS (
                   SELECT FROM payment p
                   WHERE p.creditor_id = c.creditor_id AND p.reference = f.body->>'reference')), 0) AS waiting_payments
        FROM (SELECT kind, body, (body->>'amount')::numeric AS amount, acknowledged_at IS NULL AS waiting
              FROM fact WHERE case_id = c.id AND kind IN ('adjusted', 'boleto_issued', 'extended', 'payment')) f
    ) told
    WHERE m.verdict = 'changed' ORDER BY r.line
"""  # noqa: S608 - only our own constants stand in it
_TWICE = """
    SELECT line, first FROM (
        SELECT line, min(line) OVER (PARTITION BY document, number, instalment) AS first FROM import_row) counted
    WHERE line <> first
"""
_OF_ANOTHER = """
    SELECT DISTINCT r.line
    FROM import_row r JOIN import_match m USING (line)
    JOIN invoice i ON i.creditor_id = :creditor AND i.number = r.number AND i.instalment = r.instalment
                  AND i.issued = r.issued
    JOIN "case" c ON c.invoice_id = i.id AND c.stage <> 'closed'
    WHERE m.verdict = 'new' AND NOT EXISTS (SELECT FROM import_match o WHERE o.invoice_id = i.id)
"""
_COUNTS = """
    SELECT verdict, closed, vanished, count(*) AS rows FROM import_match GROUP BY verdict, closed, vanished
"""
COUNTS = (
    "rows", "new", "unchanged", "changed", "paid", "extended", "reduced", "void", "boleto", "title", "closed",
    "contact", "bad_contact", "vanished", "returned", "settled",
)  # fmt: skip
GONE = """
    SELECT i.id AS invoice_id, c.id AS case_id
    FROM invoice i JOIN "case" c ON c.invoice_id = i.id
    WHERE i.creditor_id = :creditor AND c.stage <> 'closed' AND NOT i.vanished
      AND NOT EXISTS (SELECT FROM import_match m WHERE m.invoice_id = i.id)
"""
"""Open invoices that a file of all open invoices does not have."""

Objection = tuple[int, str, str, str]
"""A row that contradicts what is known: line, column, what was found, what would be right."""


@dataclass(frozen=True)
class Changed:
    """A row that differs from the one that came last, and what it tells anew."""

    row: InvoiceRow
    invoice_id: UUID
    case_id: UUID
    standing: Standing
    news: Sequence[News]


class Comparison:
    """A spooled file inside one transaction of `conn`. Reads only; the temporary tables end with the transaction."""

    def __init__(self, conn: Connection, creditor_id: UUID, spool: Spool, full: bool, today: date) -> None:
        self.conn, self.creditor_id, self.full, self.today = conn, creditor_id, full, today
        self.creditor = {"creditor": creditor_id}
        spool.stage(conn)
        for statement in _PREPARE:
            conn.execute(text(statement), self.creditor if ":creditor" in statement else {})

    def stream(self, statement: str) -> Iterator[Sequence[Row[Any]]]:
        """The rows of a query in batches, never all of them at once."""
        options = {"stream_results": True, "yield_per": _BATCH}
        return self.conn.execute(text(statement), self.creditor, execution_options=options).partitions(_BATCH)

    def new(self) -> Iterator[list[tuple[InvoiceRow, UUID | None, list[str]]]]:
        """New invoices in batches: the row, the debtor's id where he is known, the channels he opted out of."""
        for batch in self.stream(_NEW):
            yield [(_invoice_row(found), found.debtor_id, found.opted_out) for found in batch]

    def changed(self) -> Iterator[list[Changed]]:
        """Known invoices whose row differs from the last one, in batches."""
        for batch in self.stream(_CHANGED):
            yield [self._changed(found) for found in batch]

    def _changed(self, found: Row[Any]) -> Changed:
        row, standing = _invoice_row(found), _standing(found)
        return Changed(row, found.invoice_id, found.case_id, standing, news(row, standing, self.today))

    def examine(self) -> tuple[Counter[str], list[Objection]]:
        """Counts of what the file would do (see `ImportPlan`), and every row that contradicts what is known."""
        counts, objections = self._counts(), list(self._objections())
        for batch in self.changed():
            for change in batch:
                counts.update({item.what for item in change.news})
                objections += [(change.row.line, *told) for told in contradictions(change.row, change.standing)]
        return counts, objections

    def _counts(self) -> Counter[str]:
        counts = Counter(dict.fromkeys(COUNTS, 0))
        for found in self.conn.execute(text(_COUNTS)):
            verdict = "unchanged" if found.verdict == "same" else found.verdict
            counts["closed" if verdict == "changed" and found.closed else verdict] += found.rows
            counts["returned"] += found.rows if found.vanished else 0
            counts["rows"] += found.rows
        counts["contact"] = self._count("SELECT count(DISTINCT debtor_id) FROM import_reach")
        counts["bad_contact"] = self._count("SELECT count(*) FROM import_way WHERE state = 'unusable'")
        counts["vanished"] = self._count(f"SELECT count(*) FROM ({GONE}) gone") if self.full else 0  # noqa: S608
        return counts

    def _count(self, statement: str) -> int:
        return int(self.conn.execute(text(statement), self.creditor).scalar_one())

    def _objections(self) -> Iterator[Objection]:
        for found in self.conn.execute(text(_TWICE)):
            yield found.line, "numero", f"the same invoice stands in row {found.first}", "leave one of them"
        for found in self.conn.execute(text(_OF_ANOTHER), self.creditor):
            told = "this invoice is open for another debtor"
            wanted = "void that one and bring this as a new invoice; if both are owed, bring both in one file"
            yield found.line, "devedor_documento", told, wanted


def _invoice_row(found: Row[Any]) -> InvoiceRow:
    return InvoiceRow(points=(), **dict(zip(COLUMNS, found, strict=False)))  # its columns stand first


def _standing(found: Row[Any]) -> Standing:
    case = load(found.state)
    return Standing(
        case=case,
        amount=found.known_amount - found.by_amount,
        due=found.told_due or found.known_due,
        kind=found.known_kind,
        issued=found.known_issued,
        fine_percent=found.known_fine,
        monthly_interest_percent=found.known_interest,
        policy=found.known_policy,
        case_due=max(case.terms.due, found.waiting_due or case.terms.due),
        paid=found.paid + found.waiting_payments,
        reduced=sum((reduction.amount for reduction in case.reductions), found.waiting_reductions),
        by_balance=found.by_balance,
        paid_before=found.paid_before,
        by_net=found.by_net,
        withheld=sum((r.amount for r in case.reductions if r.how == "withholding"), found.waiting_withheld),
        our_number=found.known_our_number,
        boleto_line=found.known_line,
        told_boleto=found.boleto or case.terms.boleto,
        papers=found.known_papers,
        place=found.known_place,
    )

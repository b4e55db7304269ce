"""What came from people whom nobody knows: messages of no debtor, money of no case. It goes after the same terms.

They run from the day it came. There is no act about it, for there is nobody whom an act could be about; what goes is
counted. What a person assigns to a debtor later is that debtor's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Table, select, update

from db.rows import DOCUMENT, INBOUND, NEUTRAL_ANSWER, PAYMENT
from domain.retention import Rule, last_day
from gateways.documents import DocumentStore
from privacy.columns import personal
from privacy.erasure import OFFICE, blank
from privacy.holdings import Rows

ERASED = "apagado"


@dataclass(frozen=True)
class Strangers:
    """Rows whose term is over and that still say something."""

    messages: Rows
    answers: Rows
    payments: Rows

    @property
    def count(self) -> int:
        """Messages and payments; an answer is part of its message."""
        return len(self.messages) + len(self.payments)


def due(conn: Connection, rules: Sequence[Rule], today: date) -> Strangers:
    """What may go."""
    unknown = INBOUND.c.debtor_id.is_(None) & INBOUND.c.contact_id.is_(None) & (INBOUND.c.sender != "")
    unmatched = PAYMENT.c.case_id.is_(None) & ((PAYMENT.c.payer != "") | (PAYMENT.c.hint != ""))
    messages = _over(conn, INBOUND, unknown, _rule(rules, "contacts"), today)
    answers = select(NEUTRAL_ANSWER).where(NEUTRAL_ANSWER.c.inbound_id.in_([row.id for row in messages]))
    payments = _over(conn, PAYMENT, unmatched, _rule(rules, "payments"), today)
    return Strangers(messages, conn.execute(answers).all(), payments)


def _rule(rules: Sequence[Rule], name: str) -> Rule:
    return next(rule for rule in rules if rule.name == name)


def _over(conn: Connection, table: Table, which: ColumnElement[bool], rule: Rule, today: date) -> Rows:
    """Rows that came so long ago that their term is over."""
    before = datetime(today.year, today.month, today.day, tzinfo=OFFICE) - rule.months * timedelta(days=28)
    found = conn.execute(select(table).where(which, table.c.received_at < before).order_by(table.c.received_at)).all()
    return [row for row in found if last_day(rule, row.received_at.astimezone(OFFICE).date()) < today]


def erase(conn: Connection, found: Strangers) -> None:
    """Empty what is due, in the caller's transaction; then `remove_files`."""
    rows = {INBOUND: found.messages, NEUTRAL_ANSWER: found.answers, PAYMENT: found.payments}
    for one in personal():
        blank(conn, one, rows.get(one.table, ()))
    files = [UUID(name) for row in found.messages for name in row.files]
    conn.execute(update(DOCUMENT).where(DOCUMENT.c.id.in_(files), DOCUMENT.c.case_id.is_(None)).values(name=ERASED))


def remove_files(conn: Connection, store: DocumentStore) -> int:
    """Remove the files of strangers' messages that were erased, now or before a process died; how many there were."""
    gone = select(DOCUMENT.c.sha256).where(DOCUMENT.c.case_id.is_(None), DOCUMENT.c.name == ERASED).distinct()
    needed = select(DOCUMENT.c.sha256).where(DOCUMENT.c.sha256.in_(gone), DOCUMENT.c.name != ERASED)
    digests = conn.execute(gone.where(DOCUMENT.c.sha256.not_in(needed))).scalars().all()
    left = [path for digest in digests if (path := store.path(digest)).exists()]
    for path in left:
        path.unlink(missing_ok=True)
    return len(left)

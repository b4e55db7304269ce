"""Erasure after retention: what names or describes somebody goes, what proves that the rules were kept stays.

Rows stay with their ids, codes, dates, amounts and hashes, so the ledger's chain and every comparison still hold;
names, documents, addresses, texts and files go. The act says who erased what, when and why, and the audit shows it in
place of what is gone. An act of two persons: one asks, another does it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy import Connection, Row, Table, cast, func, insert, select, update

from activities.documents import forget_letter
from db.rows import CASE, CONTACT_POINT, DEBTOR, DOCUMENT, MORATORIUM, PRIVACY_ACT
from domain.errors import Refused
from domain.retention import Rule, Term, terms
from gateways.documents import DocumentStore
from privacy.columns import Personal, emptied, personal
from privacy.holdings import Holdings

ROLES = frozenset({"manager", "lawyer"})
"""Who may ask for an erasure, and who may do it."""
ASKED_FOR = timedelta(days=30)
"""So long a request waits for the second person."""
RETENTION = "retention"
"""The actor of what is erased by the clock, where an installation switched that on."""
OFFICE = ZoneInfo("America/Sao_Paulo")


@dataclass(frozen=True)
class Plan:
    """What would be erased now, and what is kept until when by which law."""

    debtor: UUID
    terms: tuple[Term, ...]

    @property
    def due(self) -> tuple[str, ...]:
        """Classes whose time is over."""
        return tuple(term.name for term in self.terms if term.due)


# --- deciding --------------------------------------------------------------------------------------------------------
def plan(held: Holdings, rules: Sequence[Rule], today: date) -> Plan:
    """What may be erased of a debtor. Raises `Refused`: a case lives, a suit holds his data, nothing is left."""
    if living := [row for row in held.cases if row.stage != "closed" or row.closed_at is None]:
        raise Refused(
            "case-open", f"case {living[0].id} is not closed; data of a living debt are kept (LGPD art. 7 X, 16 I)"
        )
    if (hold := standing_hold(held)) is not None:
        since = hold.at.astimezone(OFFICE).date()
        raise Refused("held", f"{hold.actor} holds these data since {since}: {hold.reason}; `regua privacy release`")
    present = held.held(rules)
    if not present:
        raise Refused("erased", "everything that was held of this debtor is erased; only pseudonymous evidence is left")
    return Plan(held.id, terms(rules, present, _closed_on(held), today))


def standing_hold(held: Holdings) -> Row[Any] | None:
    """The hold over a debtor's data that nobody released."""
    last = next((act for act in reversed(held.acts) if act.kind in {"held", "released"}), None)
    return last if last is not None and last.kind == "held" else None


def _closed_on(held: Holdings) -> date:
    """The day on which his last case closed; without any, the day on which he became known."""
    moments = [row.closed_at for row in held.cases] or [held.debtor.created_at]
    last: datetime = max(moments)
    return last.astimezone(OFFICE).date()


def require_due(found: Plan) -> None:
    """Raises `Refused` where the law keeps everything, saying until when and by which."""
    if not found.due:
        kept = "; ".join(f"{term.name} until {term.until} ({term.law})" for term in found.terms)
        raise Refused("retained", f"nothing may be erased yet: {kept}")


# --- doing -----------------------------------------------------------------------------------------------------------
def erase(
    conn: Connection, debtor_id: UUID, rules: Sequence[Rule], actor: str, reason: str, now: datetime
) -> dict[str, Any]:
    """Erase what is due, in the caller's transaction; returns the act's body. Then `remove_files`. Raises `Refused`."""
    debtor = conn.execute(select(DEBTOR).where(DEBTOR.c.id == debtor_id).with_for_update()).one()
    held = Holdings(conn, debtor)
    found = plan(held, rules, now.astimezone(OFFICE).date())
    require_due(found)
    needed = _papers(held.moratoria) - _papers(held.rows_to_empty(MORATORIUM, now.astimezone(OFFICE).date()))
    documents = [row for name in found.due for row in held.documents_of(name, rules) if row.id not in needed]
    counts = {name: _empty(held, name, now) for name in found.due}
    if documents:
        ids = [row.id for row in documents]
        conn.execute(update(DOCUMENT).where(DOCUMENT.c.id.in_(ids)).values(name="apagado"))
    body = {"classes": list(found.due), "rows": counts, "documents": [str(row.id) for row in documents]}
    record(conn, debtor_id, "erased", actor, reason, now, body)
    return body


def _papers(moratoria: Iterable[Row[Any]]) -> set[UUID]:
    return {row.document_id for row in moratoria if row.document_id}


def record(
    conn: Connection, debtor_id: UUID, kind: str, actor: str, reason: str, now: datetime, body: dict[str, Any]
) -> None:
    """Write down an act about somebody's data."""
    values = {"id": uuid4(), "debtor_id": debtor_id, "kind": kind, "actor": actor, "reason": reason, "body": body}
    conn.execute(insert(PRIVACY_ACT).values(**values, at=now))


def _empty(held: Holdings, name: str, now: datetime) -> int:
    """Empty all columns of a class in the debtor's rows; how many rows there were."""
    mine, today = [one for one in personal() if one.retention == name], now.astimezone(OFFICE).date()
    found = [(one, held.rows_to_empty(one.table, today)) for one in mine]  # before anything that finds them is gone
    return sum(blank(held.conn, one, rows) for one, rows in found)


def blank(conn: Connection, one: Personal, rows: Iterable[Row[Any]]) -> int:
    """Empty the personal columns of rows; how many rows there were."""
    key = sa.tuple_(*one.table.primary_key.columns)
    keys = [tuple(row._mapping[column.name] for column in one.table.primary_key.columns) for row in rows]
    if keys:
        values = {name: emptied(one.table, name) for name in one.columns} | _ALSO.get(one.table, {})
        conn.execute(update(one.table).where(key.in_(keys)).values(**values))
    return len(keys)


_ALSO: dict[Table, dict[str, Any]] = {CONTACT_POINT: {"state": "unusable"}}
"""What must be said of a row whose columns are empty."""


# --- files -----------------------------------------------------------------------------------------------------------
def remove_files(conn: Connection, store: DocumentStore, letters: Path, debtor_id: UUID) -> int:
    """Remove the files of a debtor's erased documents, and his letters for the mail house; how many there were.

    After the commit of `erase`; a process that died in between is made up for by the next run. A file that another
    document still needs (the same bytes) stays.
    """
    held = Holdings(conn, conn.execute(select(DEBTOR).where(DEBTOR.c.id == debtor_id)).one())
    gone = {UUID(name) for act in held.acts if act.kind == "erased" for name in act.body["documents"]}
    digests = conn.execute(select(DOCUMENT.c.sha256).where(DOCUMENT.c.id.in_(gone)).distinct()).scalars().all()
    removed = sum(_remove(conn, store, digest) for digest in digests)
    if "contacts" in held.erased():
        removed += sum(forget_letter(letters, row.id) for row in held.contacts if row.channel == "letter")
    return removed


def _remove(conn: Connection, store: DocumentStore, digest: str) -> int:
    """Remove a file that no document needs any more; 1 where it was there."""
    erased = func.jsonb_array_elements_text(PRIVACY_ACT.c.body["documents"])
    ids = select(cast(erased, sa.Uuid)).where(PRIVACY_ACT.c.kind == "erased")
    needed = select(DOCUMENT.c.id).where(DOCUMENT.c.sha256 == digest, DOCUMENT.c.id.not_in(ids)).limit(1)
    path = store.path(digest)
    if conn.execute(needed).first() is not None or not path.exists():
        return 0
    path.unlink(missing_ok=True)
    return 1


def leftovers(conn: Connection, now: datetime) -> list[UUID]:
    """Debtors of whom something was erased lately; their files may still be there if a process died."""
    lately = (PRIVACY_ACT.c.kind == "erased") & (PRIVACY_ACT.c.at > now - ASKED_FOR)
    return list(conn.execute(select(PRIVACY_ACT.c.debtor_id).where(lately).distinct()).scalars())


# --- whose time is over ----------------------------------------------------------------------------------------------
def candidates(rules: Sequence[Rule], today: date) -> sa.Select[Any]:
    """Debtors without an open case, known for longer than the shortest term, of whom not everything is erased."""
    shortest = min(rule.months for rule in rules)
    before = date(today.year - shortest // 12, today.month, 1) + timedelta(days=31)
    living = select(CASE.c.id).where(CASE.c.debtor_id == DEBTOR.c.id, CASE.c.stage != "closed").exists()
    late = select(CASE.c.id).where(CASE.c.debtor_id == DEBTOR.c.id, CASE.c.closed_at > before).exists()
    known = DEBTOR.c.document.not_like("apagado:%")
    return select(DEBTOR).where(known, DEBTOR.c.created_at <= before, ~living, ~late).order_by(DEBTOR.c.id)


def due(conn: Connection, rules: Sequence[Rule], today: date) -> list[Plan]:
    """Every debtor of whom something may be erased now."""
    found = list[Plan]()
    for debtor in conn.execute(candidates(rules, today)).all():
        try:
            one = plan(Holdings(conn, debtor), rules, today)
        except Refused:  # a suit holds him
            continue
        if one.due:
            found.append(one)
    return found

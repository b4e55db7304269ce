"""Moratoria: holds over many cases, of a place, a segment or a debtor, while they run.

A moratorium is a row; each case that it reaches is told once, by a fact whose key names moratorium and case. So the
nightly scan may ask again and again: it reaches the cases that were opened or moved since, and those of a moratorium
that begins today. What a person lifted for one case stays lifted. Where several hold a case, the last day counts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, select, text

from activities.desk import fact_values, store_facts
from db.rows import MORATORIUM
from domain import facts as f

SCOPES = {
    "state": "d.uf = :value",
    "municipality": "d.ibge = :value",
    "segment": "(coalesce(c.state->'terms'->>'consumer', 'false') = 'true') = (:value = 'consumer')",
    "debtor": "d.document = :value",
}
"""What a moratorium can be about, and which cases that are."""
_REACHED = """
    SELECT c.id FROM "case" c JOIN debtor d ON d.id = c.debtor_id
    WHERE c.stage <> 'closed' AND {fits}
      AND (CAST(:owner AS uuid) IS NULL OR c.creditor_id = :owner)
      AND (CAST(:only AS uuid) IS NULL OR c.creditor_id = :only)
      AND NOT EXISTS (SELECT FROM fact f WHERE f.source_key = CAST(:prefix AS text) || c.id)
    ORDER BY c.id
"""
_UNDER = """
    SELECT c.id FROM "case" c JOIN fact f ON f.source_key = CAST(:prefix AS text) || c.id
    WHERE c.stage <> 'closed' AND (c.state->'holds' @> '["moratorium"]' OR f.acknowledged_at IS NULL)
    ORDER BY c.id
"""
_COUNT = """SELECT count(*) FROM "case" c JOIN fact f ON f.source_key = CAST(:prefix AS text) || c.id"""
_HOLDING = """
    SELECT f.case_id, f.source_key, (f.body->>'until')::date AS until, f.body->>'document_id' AS document_id
    FROM fact f
    WHERE f.case_id = ANY(:cases) AND f.kind = 'hold' AND f.body->>'hold' = 'moratorium' AND f.refusal = ''
      AND ((f.body->>'until') IS NULL OR (f.body->>'until')::date >= :today)
      AND NOT EXISTS (
          SELECT FROM fact l WHERE l.case_id = f.case_id AND l.kind = 'lift' AND l.refusal = ''
                               AND l.body->>'hold' = 'moratorium' AND l.number > f.number)
    ORDER BY f.case_id, f.number
"""
_MARK = "moratorium:"
_PAGE = 1000
"""Facts a statement: it has a limited number of parameters."""


def reach(
    conn: Connection, today: date, now: datetime, *, only: UUID | None = None, which: UUID | None = None
) -> list[UUID]:
    """Tell the open cases that a running moratorium reaches and that were not told yet; returns the ids of the facts.

    `today` is the office's business day, `now` business time (aware). `only`: the cases of this creditor; `which`: this
    moratorium alone. Cases whose ladder has not begun are told too: they find it when they open.
    """
    running = select(MORATORIUM).where(MORATORIUM.c.lifted_at.is_(None), MORATORIUM.c.since <= today)
    running = running.where(MORATORIUM.c.until.is_(None) | (MORATORIUM.c.until >= today))
    if which:
        running = running.where(MORATORIUM.c.id == which)
    told = list[UUID]()
    # The share lock: nobody lifts one while cases are being told of it.
    ordered = running.order_by(MORATORIUM.c.set_at, MORATORIUM.c.id).with_for_update(read=True)
    for row in conn.execute(ordered).all():
        wanted = {"value": row.value, "owner": row.creditor_id, "only": only, "prefix": _prefix(row.id)}
        cases = list(conn.execute(text(_REACHED.format(fits=SCOPES[row.scope])), wanted).scalars())
        holding = _holding(conn, cases, today)
        told += _store(conn, [_hold(row, case, holding[case], now) for case in cases])
    return told


def lift(conn: Connection, row: Row[Any], actor: str, today: date, now: datetime) -> list[UUID]:
    """Tell the cases under a moratorium, whose row says already that it is lifted, that it is over, or until when
    something else still holds them. Returns the ids of the facts."""
    cases = list(conn.execute(text(_UNDER), {"prefix": _prefix(row.id)}).scalars())
    holding = _holding(conn, cases, today)
    return _store(conn, [_over(row, case, holding[case], actor, now) for case in cases])


def reached(conn: Connection, moratorium_id: UUID) -> int:
    """How many cases a moratorium has reached."""
    return int(conn.execute(text(_COUNT), {"prefix": _prefix(moratorium_id)}).scalar_one())


@dataclass(frozen=True)
class Held:
    """Something that holds a case: until which day (None: until it is lifted), by which document."""

    until: date | None
    document_id: str


def _holding(conn: Connection, cases: list[UUID], today: date) -> dict[UUID, list[Held]]:
    """What holds these cases, taken in or not: a fact by hand, or a moratorium that is neither lifted nor over.

    A moratorium has the last day of its own row: its fact may name a later one, where something else held the case too.
    """
    of_row = {
        _prefix(row.id): row.until
        for row in conn.execute(select(MORATORIUM.c.id, MORATORIUM.c.until).where(MORATORIUM.c.lifted_at.is_(None)))
        if row.until is None or row.until >= today
    }
    found = defaultdict[UUID, list[Held]](list)
    for fact in conn.execute(text(_HOLDING), {"cases": cases, "today": today}):
        key = fact.source_key.removesuffix(str(fact.case_id))
        if not key.startswith(_MARK):
            found[fact.case_id].append(Held(fact.until, fact.document_id))
        elif key in of_row:
            found[fact.case_id].append(Held(of_row[key], fact.document_id))
    return found


def _hold(row: Row[Any], case_id: UUID, holding: Sequence[Held], now: datetime) -> dict[str, Any]:
    until = _last_day([row.until, *(held.until for held in holding)])
    fact = f.HoldSet("moratorium", until, str(row.document_id or ""))
    return fact_values(case_id, f"{_prefix(row.id)}{case_id}", fact, row.actor, now)


def _over(row: Row[Any], case_id: UUID, holding: Sequence[Held], actor: str, now: datetime) -> dict[str, Any]:
    fact: f.HoldSet | f.HoldLifted = f.HoldLifted("moratorium")
    if holding:
        fact = f.HoldSet("moratorium", _last_day([held.until for held in holding]), holding[-1].document_id)
    return fact_values(case_id, f"{_prefix(row.id)}{case_id}:over", fact, actor, now)


def _store(conn: Connection, facts: Sequence[dict[str, Any]]) -> list[UUID]:
    pages = (facts[start : start + _PAGE] for start in range(0, len(facts), _PAGE))
    return [fact for page in pages for fact in store_facts(conn, page)]


def _last_day(days: Sequence[date | None]) -> date | None:
    """The latest; None, until somebody lifts it, is later than all."""
    known = [day for day in days if day is not None]
    return max(known) if len(known) == len(days) else None


def _prefix(moratorium_id: UUID) -> str:
    return f"{_MARK}{moratorium_id}:"

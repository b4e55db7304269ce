"""Letting a first wave go: a person has seen the counts that a dry run shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Engine, text

from activities.desk import fact_values
from domain.facts import Released
from starter.creditors import find_creditor
from starter.importing.staging import copy_dicts, lock_creditor

_BATCH = 2000
_WAITING = """
    SELECT c.id FROM "case" c
    WHERE c.creditor_id = :creditor AND c.stage <> 'closed' AND c.state->>'awaits_release' = 'true'
      AND NOT EXISTS (SELECT FROM fact f WHERE f.case_id = c.id AND f.kind = 'release' AND f.acknowledged_at IS NULL)
    ORDER BY c.id
"""


@dataclass(frozen=True)
class ReleaseResult:
    """How many cases were let go, and the facts to be told to them."""

    cases: int
    facts: tuple[UUID, ...]


def apply_release(engine: Engine, creditor_code: str, *, today: date, now: datetime, actor: str) -> ReleaseResult:
    """Let every case of the creditor go that waits for release; those let go before are not counted again.

    `today` is the day from which ladders that start from the start count, `now` business time (aware), `actor` a staff
    id. Raises BadInput for an unknown creditor, Refused while an import of his is running.
    """
    told: list[UUID] = []
    with engine.begin() as conn:
        creditor = find_creditor(conn, creditor_code)
        lock_creditor(conn, creditor.id)
        waiting = conn.execute(text(_WAITING), {"creditor": creditor.id}, execution_options={"yield_per": _BATCH})
        for batch in waiting.scalars().partitions(_BATCH):
            facts = [
                fact_values(case, f"release:{case}:{now.isoformat()}", Released(today), actor, now) for case in batch
            ]
            copy_dicts(conn, "fact", [fact | {"refusal": ""} for fact in facts])
            told += [fact["id"] for fact in facts]
    return ReleaseResult(len(told), tuple(told))

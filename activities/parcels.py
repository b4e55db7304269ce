"""What becomes of parcels: noted before the call, ended with its outcome, settled where no further try comes.

A call that nobody answered may have arrived: a dossier, or an entry at a bureau, that no book knows of would stay where
it is. So a parcel stays in flight until its fate is known. If its case still wants it, the next try hands the same one
over again. If not, it is recorded as handed over, and the rules take it back: taking back what never came harms nobody.
A word that something is no longer so (`tell`) needs none of this; it is said until it is heard.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import structlog
from sqlalchemy import Connection, Row, Select, case, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from activities.desk import Desk, at_desk, fact_values, store_facts
from activities.world import World
from contract.messages import Perform
from db.prepared import Prepared
from db.rows import CASE, FACT, PARCEL, TASK
from domain import facts as f
from domain.case import load
from domain.decide import Action, advance

LEFT_ALONE = timedelta(minutes=5)
"""Real time that an activity is left alone with its last call: longer than all its tries (`workflows.options`)."""

_FAILED = "action-failed"
"""What a person is asked where a partner refused; once he has looked the case wants its action, or something else."""
_IN_FLIGHT = PARCEL.c.state == "in-flight"
_NOTE = upsert(PARCEL)
_BEGIN = Prepared(
    _NOTE.on_conflict_do_update(
        index_elements=["id"],
        set_={
            "state": "in-flight", "step": _NOTE.excluded.step, "begun_at": _NOTE.excluded.begun_at, "ended_at": None,
            "unanswered": case((_IN_FLIGHT, PARCEL.c.unanswered + 1), else_=1),
            "told": case((_IN_FLIGHT, PARCEL.c.told), else_=_NOTE.excluded.told),
        },
    ),
    *PARCEL.c.keys(),
)  # fmt: skip
"""Of a parcel that may be there already, what its first call told of stays true: partners keep the first they got."""

log = structlog.get_logger("parcels")


# --- one parcel ------------------------------------------------------------------------------------------------------
def in_doubt(conn: Connection, case_id: UUID, action: str, step: str) -> list[Row[Any]]:
    """Parcels of an action that may have arrived without the book knowing, oldest first."""
    mine = (PARCEL.c.case_id == case_id, PARCEL.c.action == action, PARCEL.c.step == step)
    return list(conn.execute(select(PARCEL).where(*mine, _IN_FLIGHT).order_by(PARCEL.c.begun_at)).all())


def told_of(row: Row[Any]) -> f.Told:
    """The fact that is true of a parcel once they have it."""
    return cast(f.Told, f.from_json(row.told))


def begin(desk: Desk, given: Perform, key: UUID, to: f.Outsider, told: f.Told) -> None:
    """Note a call before it is made; written with the desk's transaction."""
    desk.later(
        _BEGIN(
            id=key, case_id=desk.row.id, to=to, action=given.action, step=given.step, told=f.to_json(told),
            state="in-flight", unanswered=1, begun_at=datetime.now(UTC), ended_at=None,
        )
    )  # fmt: skip


def handed(conn: Connection, key: UUID) -> None:
    """The book says that they have it."""
    ended = {"state": "handed", "unanswered": 0, "ended_at": datetime.now(UTC)}
    conn.execute(update(PARCEL).where(PARCEL.c.id == key).values(ended))


def not_taken(world: World, key: UUID) -> None:
    """A call surely brought nothing there. It answers for itself alone: one before it may be in doubt all the same."""
    last = PARCEL.c.unanswered <= 1
    values = {
        "unanswered": PARCEL.c.unanswered - 1,
        "state": case((last, "not-taken"), else_="in-flight"),
        "ended_at": case((last, datetime.now(UTC))),
    }
    with world.engine.begin() as conn:
        conn.execute(update(PARCEL).where(PARCEL.c.id == key, _IN_FLIGHT).values(values))


# --- the sweep -------------------------------------------------------------------------------------------------------
def reconcile(world: World, limit: int) -> list[UUID]:
    """Tell up to `limit` cases of parcels that may be there and that they no longer want; returns ids of new facts."""
    with world.engine.connect() as conn:
        found = conn.execute(_left_behind().limit(limit)).all()
    facts = [fact for row in found for fact in _settle(world, row.id, row.case_id)]
    if found:
        log.info("parcels whose case moved on", looked_at=len(found), told=len(facts))
    return facts


def _left_behind() -> Select[Any]:
    """Parcels, longest ago first, which by the rows nobody hands over any more."""
    wanted = (CASE.c.next_action == PARCEL.c.action) & (CASE.c.next_step == PARCEL.c.step) & (CASE.c.stage != "closed")
    asked = (TASK.c.case_id == PARCEL.c.case_id) & (TASK.c.step == PARCEL.c.step) & (TASK.c.kind == _FAILED)
    with_a_person = select(TASK.c.id).where(asked, TASK.c.done_at.is_(None)).exists()
    told_since = select(FACT.c.id).where(FACT.c.case_id == PARCEL.c.case_id, FACT.c.received_at > PARCEL.c.begun_at)
    query = select(PARCEL.c.id, PARCEL.c.case_id).join(CASE, CASE.c.id == PARCEL.c.case_id)
    return query.where(_is_old(), ~wanted, ~with_a_person | told_since.exists()).order_by(PARCEL.c.begun_at)


def _is_old() -> Any:
    return _IN_FLIGHT & (PARCEL.c.action != Action.TELL) & (PARCEL.c.begun_at < datetime.now(UTC) - LEFT_ALONE)


def _settle(world: World, key: UUID, case_id: UUID) -> list[UUID]:
    """Judged again under the case's lock, with what it was told meanwhile; one of two sweeps tells it."""
    with at_desk(world, str(case_id), None) as desk:
        row = desk.conn.execute(select(PARCEL).where(PARCEL.c.id == key, _is_old())).one_or_none()
        desk.read_inbox()
        if row is None or _still_wanted(desk, row):
            return []
        handed(desk.conn, key)
        return store_facts(desk.conn, [fact_values(case_id, f"parcel:{key}", told_of(row), "engine", desk.now)])


def _still_wanted(desk: Desk, row: Row[Any]) -> bool:
    """Is its action, now or later, what the case wants once it took in what it was told and a person has looked?"""
    look = load(desk.row.state, desk.indices)
    look.tasks = {key: task for key, task in look.tasks.items() if (task.kind, task.step) != (_FAILED, row.step)}
    wanted = advance(look, desk.heard, desk.policy, desk.now).instruction
    return (wanted.action, wanted.step) == (row.action, row.step)

"""Handing over the files of the daily exchange with the CRA, and taking back what no CRA has.

Each file is one call, written down before it is made; what an unknown outcome means stands in
`activities.protest_batch`. Locks: cases by id, then the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Connection, Row, select, update

from activities.documents import read_document
from activities.protest_answers import lock_cases, move_file, open_task
from activities.world import World
from contract.messages import BatchReport
from db.rows import CASE, CRA_FILE, INVOICE, ORDER, TITLE
from domain.errors import Misconfigured, Permanent, ProviderError, Unavailable, Unknown
from gateways import cra as transport

_UPLOADS: dict[str, transport.Kind] = {"B": "remessa", "DP": "desistencia", "CP": "cancelamento"}
HOLDS_UNWANTED = (
    select(ORDER.c.id).where(ORDER.c.file_id == CRA_FILE.c.id, ORDER.c.state != "sent").correlate(CRA_FILE).exists()
)
"""Of a file: one of its orders was taken back since it was made."""


def upload_files(world: World, at: datetime | None = None) -> BatchReport:
    """Hand over every file that is made, and again every file whose call had no known outcome.

    What the CRA refuses goes back to the queue and becomes a task; what it cannot take now stays for the next run.
    """
    now = world.now(at)
    open_files = select(CRA_FILE).where(CRA_FILE.c.direction == "out", CRA_FILE.c.state.in_(("prepared", "sending")))
    with world.engine.connect() as conn:
        files = conn.execute(open_files.order_by(CRA_FILE.c.business_day, CRA_FILE.c.name)).all()
    states = [_upload(world, row, before, now) for row in files if (before := _begin_call(world, row.id))]
    return BatchReport(uploaded=states.count("accepted"), refused=states.count("refused"))


def _begin_call(world: World, file_id: UUID) -> str:
    """Write down that a call is about to be made; returns the state before, "" where the file is not to be sent now.

    What holds an order that is no longer wanted stays here (promise 8), unless an earlier call may have sent it.
    """
    fresh = (CRA_FILE.c.id == file_id) & (CRA_FILE.c.state == "prepared") & ~HOLDS_UNWANTED
    with world.engine.begin() as conn:
        if conn.execute(update(CRA_FILE).where(fresh).values(state="sending")).rowcount:
            return "prepared"
        state = conn.execute(select(CRA_FILE.c.state).where(CRA_FILE.c.id == file_id)).scalar_one()
        return "sending" if state == "sending" else ""


def _upload(world: World, row: Row[Any], before: str, now: datetime) -> str:
    """One call, and the state of the file after it. `before` is how it stood before the call was begun."""
    try:
        with world.engine.connect() as conn:
            content = read_document(world, conn, row.document_id)
        receipt = world.cra.of(row.cra).upload(_UPLOADS[row.kind], row.name, content)
    except Unknown:
        return "sending"
    except (Unavailable, Misconfigured) as error:
        return _not_now(world, row, before, error, now)
    except Permanent as error:
        return _refused(world, row, error.code, now)
    with world.engine.begin() as conn:
        if receipt.refused:
            lock_cases(conn, cases_of(row.id))
        if move_file(conn, row.id, ("sending", "prepared"), "accepted", receipt.code, now) and receipt.refused:
            back_to_queue(conn, row.id, [part.where for part in receipt.refused])
            parts = [f"{part.where} code {part.code}" for part in receipt.refused]
            open_task(conn, f"refused:{row.id}", "cra-refused-file", [f"file {row.name}", *parts], now)
    return "accepted"


def _not_now(world: World, row: Row[Any], before: str, error: ProviderError, now: datetime) -> str:
    """This call did nothing. Where an earlier one may have arrived, that stays open."""
    with world.engine.begin() as conn:
        move_file(conn, row.id, ("sending",), before, error.code, None)
        if isinstance(error, Misconfigured):
            open_task(conn, f"no-access:{row.id}:{error.code}", "cra-no-access", [f"code {error.code}"], now)
        if row.kind == "DP" and error.code in transport.PAST_CUT_OFF:
            details = [f"file {row.name}", "too late for today: ask the notaries by telephone to hold the protests"]
            open_task(conn, f"cut-off:{row.id}:{now.date()}", "withdrawal-late", details, now)
    return before


def _refused(world: World, row: Row[Any], code: str, now: datetime) -> str:
    """The CRA took nothing of the file: its orders go back to the queue, and a person looks why."""
    with world.engine.begin() as conn:
        lock_cases(conn, cases_of(row.id))
        if move_file(conn, row.id, ("sending",), "refused", code, now):
            back_to_queue(conn, row.id)
            details = [f"file {row.name}", f"code {code}"]
            open_task(conn, f"refused:{row.id}", "cra-refused-file", details, now)
    return "refused"


# --- taking back what did not leave ----------------------------------------------------------------------------------
def cases_of(file_id: UUID) -> sa.Select[tuple[UUID]]:
    """The cases whose orders a file holds."""
    return select(TITLE.c.case_id).join(ORDER, ORDER.c.title_id == TITLE.c.id).where(ORDER.c.file_id == file_id)


def back_to_queue(conn: Connection, file_id: UUID, only: Sequence[str] | None = None) -> None:
    """Nobody has these orders: those still wanted wait again. `only`: of these municipalities or title numbers."""
    mine = select(ORDER.c.id).join(TITLE, TITLE.c.id == ORDER.c.title_id).where(ORDER.c.file_id == file_id)
    if only is not None:
        mine = mine.join(CASE, CASE.c.id == TITLE.c.case_id).join(INVOICE, INVOICE.c.id == CASE.c.invoice_id)
        mine = mine.where(TITLE.c.municipality.in_(only) | sa.func.upper(INVOICE.c.printed_number).in_(only))
    orders = conn.execute(mine).scalars().all()
    conn.execute(update(ORDER).where(ORDER.c.id.in_(orders)).values(file_id=None))
    waiting = update(ORDER).where(ORDER.c.id.in_(orders), ORDER.c.state == "sent").values(state="queued")
    titles = conn.execute(waiting.returning(ORDER.c.title_id)).scalars().all()
    conn.execute(update(TITLE).where(TITLE.c.id.in_(titles), TITLE.c.state == "sent").values(state="queued"))

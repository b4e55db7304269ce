"""One of the processes that race for the last contact."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

from sqlalchemy import select

from activities.contact import Contacts
from activities.decide import Decisions
from activities.world import World
from contract.messages import Decide, Perform
from db.engine import make_engine, read_clock
from db.rows import LEDGER
from gateways.documents import DocumentStore
from gateways.outcome import Accepted


class Post:
    """A provider that takes everything."""

    def send(self, _message: Any) -> Accepted:
        return Accepted(f"post-{uuid4().hex}", 1)

    def find(self, *_: Any) -> Accepted | None:
        return None


def contact(ready: Callable[[], object], database: str, folder: Path, case: str, at: datetime) -> str:
    """Decide what the case wants, wait until all are ready, and perform it at that moment.

    Returns the last entry of the case's book about a contact.
    """
    engine, nobody, post = make_engine(database), cast(Any, None), cast(Any, Post())
    store = DocumentStore(folder / "documents")
    world = World(engine, read_clock(engine), store, post, post, nobody, folder, "http://127.0.0.1:1")
    order = Decisions(world).decide(Decide(case, 1, 1, at))
    ready()
    Contacts(world).contact(Perform(case, 1, order.seq + 1, at, order.action, order.step, order.attempt))
    with engine.connect() as conn:
        book = select(LEDGER.c.body).where(LEDGER.c.case_id == UUID(case), LEDGER.c.kind.startswith("contact_"))
        body = conn.execute(book.order_by(LEDGER.c.seq.desc()).limit(1)).scalar_one()
    return f"{body['kind']} {body.get('reason', '')}".strip()

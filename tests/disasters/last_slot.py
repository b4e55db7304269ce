"""One of two processes that race for the last contact: `last_slot.py DATABASE FOLDER CASE AT`.

It decides what the case wants, says `ready`, waits for a line on standard input, and performs it at the moment AT. It
prints the last entry of the case's book about a contact.
"""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]

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


def main(database: str, folder: Path, case: str, at: datetime) -> str:
    engine, nobody, post = make_engine(database), cast(Any, None), cast(Any, Post())
    store = DocumentStore(folder / "documents")
    world = World(engine, read_clock(engine), store, post, post, nobody, folder, "http://127.0.0.1:1")
    order = Decisions(world).decide(Decide(case, 1, 1, at))
    print("ready", flush=True)
    sys.stdin.readline()
    Contacts(world).contact(Perform(case, 1, order.seq + 1, at, order.action, order.step, order.attempt))
    with engine.connect() as conn:
        book = select(LEDGER.c.body).where(LEDGER.c.case_id == UUID(case), LEDGER.c.kind.startswith("contact_"))
        body = conn.execute(book.order_by(LEDGER.c.seq.desc()).limit(1)).scalar_one()
    return f"{body['kind']} {body.get('reason', '')}".strip()


if __name__ == "__main__":
    print(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], datetime.fromisoformat(sys.argv[4])), flush=True)

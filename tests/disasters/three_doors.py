"""One of the processes that report the same payment at the same moment, each through a door of its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Engine, select

from activities import bank
from activities.desk import fact_values, store_facts
from activities.money import pay_by_hand, payment_key
from activities.world import World
from db.engine import make_engine, read_clock
from db.rows import CASE, CREDITOR
from domain import facts as f
from domain.errors import Refused
from gateways.documents import DocumentStore
from starter import pix_webhook


def report(ready: Callable[[], object], door: str, database: str, folder: Path) -> str:
    """Go through a door once all are ready: the bank's webhook, a bank file or a person. Returns what came of it."""
    engine = make_engine(database)
    ready()
    try:
        return f"told {DOORS[door](engine, folder)}"
    except Refused as refused:
        return refused.code


def webhook(engine: Engine, folder: Path) -> int:
    """The bank calls."""
    received = pix_webhook.read_notice((folder / "pix.json").read_bytes())
    return len(pix_webhook.keep(engine, read_clock(engine), received))


def file(engine: Engine, folder: Path) -> int:
    """A clerk brings the bank's statement."""
    nobody = cast(Any, None)
    store = DocumentStore(folder / "documents")
    world = World(engine, read_clock(engine), store, nobody, nobody, nobody, folder, "")
    with engine.connect() as conn:
        creditor = conn.execute(select(CREDITOR)).one()
    return len(bank.receive(world, creditor, folder / "extrato.ofx", "ana").facts)


def person(engine: Engine, folder: Path) -> int:
    """Another clerk types it."""
    reference, amount = (folder / "typed.txt").read_text().split()
    fact = f.PaymentReceived(reference, Decimal(amount), date(2026, 11, 23), "staff")
    now = read_clock(engine).business(datetime.now(UTC))
    with engine.begin() as conn:
        case = conn.execute(select(CASE)).one()
        pay_by_hand(conn, case, fact, now, also=False)
        key = payment_key(case.creditor_id, reference)
        return len(store_facts(conn, [fact_values(case.id, key, fact, "ana", now)]))


DOORS = {"webhook": webhook, "file": file, "person": person}

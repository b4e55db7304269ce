"""One of three processes that report the same payment at the same moment: `three_doors.py DOOR DATABASE FOLDER`.

It says `ready`, waits for a line on standard input, and goes through its door: the bank's webhook, a bank file or a
person. Then it says what came of it.
"""

from __future__ import annotations

import sys
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


def main(door: str, database: str, folder: Path) -> str:
    """Go through a door when told to."""
    engine = make_engine(database)
    say("ready")
    sys.stdin.readline()
    try:
        return f"told {DOORS[door](engine, folder)}"
    except Refused as refused:
        return refused.code


def say(text: str) -> None:
    """One line to who started us."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


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

if __name__ == "__main__":
    say(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))

"""Run a small portfolio on the real stack while processes are killed with a call in flight; print what was found.

Started by test_kills.py in a process of its own: `python kill_run.py FOLDER`.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]

import requests
from people import new_case_row, short_ladder
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from db.engine import make_engine
from db.rows import CASE, CONTACT, CONTACT_CASE, FACT, LEDGER
from domain.errors import Unavailable
from gateways.temporal import settle
from starter import up
from starter.demo.house import House
from starter.installation import database_url
from starter.stack import running_services

DAY = 4.0
STEPS = "\n".join(
    f"  - {{id: s{n}, at: due + {days}d, do: contact, by: [{channel}], text: atraso-cordial, late: never-skip}}"
    for n, (days, channel) in enumerate([(1, "email"), (2, "sms"), (3, "email"), (4, "email"), (8, "sms")])
)
KILLS = ("worker", "worker", "Temporal", "PostgreSQL", "sandbox", "webhooks")
"""A case is opened for each: its first message is the call that the kill meets."""
LONGEST = timedelta(days=40)
"""From the last kill until the last step: on a busy machine a step comes late, but it comes."""


def main(folder: Path) -> None:
    """Open the cases, kill each service once a provider has taken a message and not answered, and count."""
    house = House(folder, DAY, lambda line: print(line, file=sys.stderr))
    os.environ["REGUA_UNKNOWN_FOR"] = "3"
    killed = []
    with house.stack:
        engine = make_engine(database_url(house.settings))
        for number, name in enumerate(KILLS):
            patiently(lambda number=number: open_case(engine, house, number))
            in_flight = hold_a_call(house, number)
            killed.append([name, in_flight])
            os.kill(pid_of(folder, name), signal.SIGKILL)
            time.sleep(1.0)
            patiently(lambda: house.tell_sandbox("release", {}))
        wait_until_done(house, engine)
        print(json.dumps({"killed": killed, **count(house, engine)}))
        engine.dispose()
    settle()


def pid_of(folder: Path, name: str) -> int:
    """The process of a service; one that was killed a moment ago may still be on its way back."""
    for _ in range(200):
        if pid := running_services(folder).get(name):
            return pid
        time.sleep(0.1)
    raise TimeoutError(name)


def open_case(engine: Engine, house: House, number: int) -> None:
    """A debtor whose invoice falls due today: his first step is tomorrow's."""
    today = house.now.date()
    contacts = (("email", f"contas@d{number}.example.com"), ("sms", f"+551190000{number:04d}"))
    new_case_row(engine, short_ladder(STEPS), today, today, contacts=contacts, jitter=0.0)


def hold_a_call(house: House, number: int) -> bool:
    """Wait until the sandbox holds back the answer to a message; alternately before and after taking it."""
    effect = "accept_then_hold" if number % 2 == 0 else "hold"
    patiently(lambda: house.tell_sandbox("faults", {"provider": "any", "effect": effect, "times": 1}))
    engine = make_engine(database_url(house.settings))
    begun = select(func.count()).where(CONTACT.c.state == "in-flight")
    end = time.monotonic() + 60
    while not (met := bool(held(house)) and bool(ask(engine, begun))) and time.monotonic() < end:
        time.sleep(0.05)
    engine.dispose()
    return met


def held(house: House) -> list[dict[str, Any]]:
    """The calls whose answer the sandbox holds back; none while it is away."""
    try:
        calls: list[dict[str, Any]] = requests.get(f"{up.sandbox_url(house.settings)}/sandbox/held", timeout=10).json()
    except requests.RequestException:
        return []
    return calls


def ask(engine: Engine, question: Any) -> int:
    """A number from the database, 0 while it is away."""
    try:
        with engine.connect() as conn:
            return int(conn.execute(question).scalar_one())
    except SQLAlchemyError:
        return 0


def patiently(attempt: Any) -> None:
    """Try until the service is back."""
    for _ in range(100):
        try:
            attempt()
        except (requests.RequestException, SQLAlchemyError, OSError, Unavailable):
            time.sleep(0.2)
        else:
            return
    raise TimeoutError


def wait_until_done(house: House, engine: Engine) -> None:
    """Until the ladder is over for every case, or the days have passed."""
    done = select(func.count()).where(CASE.c.next_reason.startswith("the ladder has no further step"))
    end = house.now + LONGEST
    while house.now < end and ask(engine, done) < len(KILLS):
        time.sleep(0.2)


def count(house: House, engine: Engine) -> dict[str, Any]:
    """What the sandbox took, what the database knows, and what differs."""
    log = requests.get(f"{up.sandbox_url(house.settings)}/sandbox/log", timeout=10).json()
    taken = [entry for entry in log if not entry["refused"]]
    per_message = Counter((entry["to"], entry["send_id"]) for entry in taken)
    per_step: Counter[tuple[str, str]] = Counter()
    with engine.connect() as conn:
        links = conn.execute(select(CONTACT_CASE.c.case_id, CONTACT_CASE.c.step, CONTACT.c.id).join(CONTACT)).all()
        by_id = {row.id.hex: (str(row.case_id), row.step) for row in links}
        for entry in taken:
            per_step[by_id.get(entry["send_id"], ("unknown", entry["send_id"]))] += 1
        sent = conn.execute(select(func.count()).where(LEDGER.c.kind == "contact_sent")).scalar_one()
        unheard = conn.execute(select(func.count()).where(FACT.c.acknowledged_at.is_(None))).scalar_one()
        reasons = list(conn.execute(select(CASE.c.next_reason)).scalars())
    return {
        "messages": len(taken),
        "doubled": sum(n - 1 for n in per_message.values()) + sum(n - 1 for n in per_step.values()),
        "sent_by_ledger": sent,
        "unheard": unheard,
        "reasons": reasons,
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))

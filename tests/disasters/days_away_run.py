"""All providers fail for more than a business day, then the database is away for as long; print what came of it.

Started by test_days_away.py in a process of its own: `python days_away_run.py FOLDER`.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]

import psycopg
import requests
from kill_run import count
from people import new_case_row, short_ladder
from sqlalchemy import Engine, func, select

from contract.names import case_workflow_id
from db.embedded import EmbeddedPostgres
from db.engine import make_engine
from db.rows import CASE, CONTACT, CONTACT_ATTEMPT, LEDGER, TASK
from gateways.temporal import connect, settle
from starter import up
from starter.demo.house import ORIGIN, House
from starter.installation import OFFICE, database_url

DAY = 3.0
"""Real seconds of a business day."""
AWAY = 1.3 * DAY
CASES = 5
STEPS = "".join(
    f"  - {{id: s{day}, at: due + {day}d, do: contact, by: [{channel}], text: atraso-cordial}}\n"
    for day, channel in ((1, "email"), (2, "sms"), (4, "email"))
)


class Run:
    """The stack, its book, and how long the histories of its cases are."""

    def __init__(self, house: House, engine: Engine) -> None:
        self.house, self.engine = house, engine
        self.cases: list[str] = []

    def open(self) -> None:
        """Debtors whose invoices fell due the day before the clock starts."""
        today = ORIGIN.date()
        for number in range(CASES):
            contacts = (("email", f"contas@d{number}.example.com"), ("sms", f"+551190000{number:04d}"))
            case = new_case_row(self.engine, short_ladder(STEPS), today, today, contacts=contacts, jitter=number / 10)
            self.cases.append(str(case.case))

    def number(self, table: Any, *where: Any) -> int:
        """How many rows."""
        with self.engine.connect() as conn:
            return int(conn.execute(select(func.count()).select_from(table).where(*where)).scalar_one())

    def sent(self) -> int:
        """Messages that stand in the book."""
        return self.number(LEDGER, LEDGER.c.kind == "contact_sent")

    def log(self) -> list[dict[str, Any]]:
        """What the providers took."""
        found = requests.get(f"{up.sandbox_url(self.house.settings)}/sandbox/log", timeout=10).json()
        return [entry for entry in found if not entry["refused"]]

    def events(self) -> list[int]:
        """The length of each case's history."""
        return asyncio.run(self._events())

    async def _events(self) -> list[int]:
        client = await connect(self.house.settings)
        handles = [client.get_workflow_handle(case_workflow_id(case, 1)) for case in self.cases]
        return [(await handle.describe()).history_length for handle in handles]


def until(true: Callable[[], Any], what: str, within: float = 60.0) -> None:
    """Wait for it; TimeoutError says what did not come."""
    deadline = time.monotonic() + within
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.1)


def grown(before: list[int], after: list[int]) -> int:
    """By how many events the history that grew most has grown."""
    return max(now - then for then, now in zip(before, after, strict=True))


def providers_down(run: Run) -> dict[str, Any]:
    """Every call to a provider, look-ups among them, is answered with 503."""
    for match in ("any", {"kind": "lookup"}):
        run.house.tell_sandbox("faults", {"provider": "any", "match": match, "effect": "fail", "status": 503})
    taken, events, tries = len(run.log()), run.events(), run.number(CONTACT_ATTEMPT)
    time.sleep(AWAY)
    until(lambda: run.number(CONTACT_ATTEMPT) > tries, "somebody tried, be it after a weekend")
    found = {"taken": len(run.log()) - taken, "grown": grown(events, run.events())}
    found["tries"] = run.number(CONTACT_ATTEMPT) - tries
    url = f"{up.sandbox_url(run.house.settings)}/sandbox/faults"
    requests.delete(url, timeout=10).raise_for_status()
    return found


def database_away(run: Run) -> dict[str, Any]:
    """Nobody can connect."""
    taken, events = len(run.log()), run.events()
    with _closed(EmbeddedPostgres(run.house.folder)):
        time.sleep(2 * DAY)
        found = {"taken": len(run.log()) - taken, "grown": grown(events, run.events())}
    run.engine.dispose()
    return found


@contextmanager
def _closed(server: EmbeddedPostgres) -> Iterator[None]:
    with psycopg.connect(host=str(server.socket_dir), user="postgres", dbname="postgres", autocommit=True) as conn:
        conn.execute("ALTER DATABASE regua ALLOW_CONNECTIONS false")
        conn.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'regua'")
        yield
        conn.execute("ALTER DATABASE regua ALLOW_CONNECTIONS true")


def main(folder: Path) -> dict[str, Any]:
    """Two bad days in the lives of some cases."""
    house = House(folder, DAY, lambda line: print(line, file=sys.stderr))
    os.environ["REGUA_UNKNOWN_FOR"] = "0.5"
    with house.stack:
        run = Run(house, make_engine(database_url(house.settings)))
        run.open()
        until(lambda: run.sent() >= CASES, "everybody got the first message")
        found: dict[str, Any] = {"providers": providers_down(run)}
        until(lambda: run.sent() >= 2 * CASES, "everybody got the second message")
        found["database"] = database_away(run) | {"sent_before": run.sent()}
        done = CASE.c.next_reason.startswith("the ladder has no further step")
        until(lambda: run.number(CASE, done) == CASES, "every ladder is over")
        found |= {"counted": count(house, run.engine), "expected": 3 * CASES} | moments(run)
        run.engine.dispose()
    settle()
    return found


def moments(run: Run) -> dict[str, Any]:
    """When messages were planned and taken: at most how many a debtor and day, and how many outside of hours."""
    with run.engine.connect() as conn:
        rows = conn.execute(select(CONTACT.c.id, CONTACT.c.debtor_id, CONTACT.c.planned_at)).all()
        tasks = list(conn.execute(select(TASK.c.kind).where(TASK.c.kind != "ladder-finished")).scalars())
    debtors = {row.id.hex: row.debtor_id for row in rows}
    planned = [row.planned_at.astimezone(OFFICE) for row in rows]
    taken = Counter((debtors[entry["send_id"]], _day(run, entry["accepted_at"])) for entry in run.log())
    lawful = [at for at in planned if at.weekday() < 5 and 9 <= at.hour < 18]
    return {
        "most_a_day": max(taken.values()),
        "most_planned_a_day": max(
            Counter((row.debtor_id, at.date()) for row, at in zip(rows, planned, strict=True)).values()
        ),
        "outside_hours": len(planned) - len(lawful),
        "tasks": tasks,
    }


def _day(run: Run, at: str) -> str:
    return run.house.clock.business(datetime.fromisoformat(at)).astimezone(OFFICE).date().isoformat()


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))

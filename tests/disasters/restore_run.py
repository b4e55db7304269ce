"""Save the running stack, lose it, restore it into a new folder, and print what came of it.

Started by test_restore.py in a process of its own: `python restore_run.py FOLDER`. The providers (the sandbox, with its
log) are not restored: they remember everything. Between the moment of Temporal's copy and that of the book messages go
out, a debtor pays, another's case is opened. After the book's copy e-mails, SMS and a notice go out: they are lost to
it.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]

from kill_run import count
from people import Opened, new_case_row, short_ladder
from sqlalchemy import Engine, func, select
from temporalio.client import WorkflowExecutionStatus

from activities.courier import Courier
from activities.desk import fact_values, store_facts
from activities.intake import OFFICE
from contract.names import case_workflow_id
from db.engine import make_engine, read_clock
from db.rows import CASE, CONTACT, LEDGER
from domain import facts as f
from gateways.settings import load_settings
from gateways.temporal import connect, settle
from starter import backup, catching_up, up
from starter.demo.house import House
from starter.doctor import prepare_database
from starter.installation import database_url
from starter.stack import Stack

DAY = 3.0
CASES = 4
STEPS = "".join(
    f"  - {{id: s{day}, at: due + {day}d, do: contact, by: [{channel}], text: atraso-cordial}}\n"
    for day, channel in ((1, "email"), (2, "sms"), (3, "email"), (7, "sms"), (14, "email"))
)
"""The last step is long after everything that is lost, so that there is always something left to be said."""
LONG = "  - {id: um, at: due + 1d, do: contact, by: [email], text: atraso-cordial}\n" \
       "  - {id: dois, at: due + 60d, do: contact, by: [email], text: atraso-cordial}\n"  # fmt: skip
NOTICE = "  - {id: um, at: due + 1d, do: contact, by: [email], text: atraso-cordial}\n" \
         "  - {id: aviso, at: due + 6d, do: notice, by: [email], text: notificacao-previa, deadline: 10bd}\n" \
         "  - {id: juridico, at: notice.deadline + 90d, do: legal}\n"  # fmt: skip
UNKNOWN_FOR = "3"


BEGAN = time.monotonic()


def say(text: str) -> None:
    """A line for people."""
    print(f"{time.monotonic() - BEGAN:5.1f} {text}", file=sys.stderr)


class Run:
    """The books of an installation, and its way to its cases."""

    def __init__(self, house: House, engine: Engine) -> None:
        self.house, self.engine, self.people = house, engine, 0

    def number(self, table: Any, *where: Any) -> int:
        """How many rows."""
        with self.engine.connect() as conn:
            return int(conn.execute(select(func.count()).select_from(table).where(*where)).scalar_one())

    def sent(self, *channels: str) -> int:
        """Messages that stand in the book, of all channels or of these."""
        by = [LEDGER.c.body["channel"].as_string().in_(channels)] if channels else []
        return self.number(LEDGER, LEDGER.c.kind == "contact_sent", *by)

    def notices(self) -> int:
        """Notices that stand in the book."""
        return self.number(LEDGER, LEDGER.c.kind == "notice_issued")

    def open(self, steps: str, name: str) -> Opened:
        """A case that is due to open."""
        day = self.house.now.astimezone(OFFICE).date()
        self.people += 1
        contacts = (("email", f"contas@{name}.example.com"), ("sms", f"+551190000{self.people:04d}"))
        return new_case_row(self.engine, short_ladder(steps), day, day, contacts=contacts)

    def tell(self, case: Opened, fact: f.Told) -> None:
        """Store a fact and tell the case, as commands do."""
        values = fact_values(case.case, f"test:{case.case}:{fact.kind}", fact, "clerk", self.house.now)
        with self.engine.begin() as conn:
            stored = store_facts(conn, [values])
        asyncio.run(self._tell(stored))

    async def _tell(self, facts: list[UUID]) -> None:
        client = await connect(self.house.settings)
        await Courier(client, self.engine, read_clock(self.engine)).deliver(facts)

    def row(self, case: Opened) -> Any:
        """A case."""
        with self.engine.connect() as conn:
            return conn.execute(select(CASE).where(CASE.c.id == case.case)).one()


def until(true: Callable[[], Any], what: str, within: float = 40.0) -> None:
    """Wait for it; TimeoutError says what did not come."""
    deadline = time.monotonic() + within
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.1)


def main(folder: Path) -> dict[str, Any]:
    """Lose the first house and live on in the second."""
    first, second, saved = folder / "first", folder / "second", folder / "backup"
    first.mkdir()
    saved.mkdir()
    os.environ["REGUA_UNKNOWN_FOR"] = UNKNOWN_FOR
    house = House(first, DAY, say)
    *services, worker = up.services(house.settings)
    services.pop()  # nobody listens to the providers' reports: they are no part of this
    with Stack(house.settings, services, prepare_database=house._prepare, announce=say):
        run = Run(house, make_engine(database_url(house.settings)))
        worker.start()
        try:
            payer, late = before_the_loss(run, saved)
        finally:
            worker.stop()
        backup.save_postgres(house.settings, saved)
        backup.save_files(house.settings, saved)
        kept = {"messages": run.sent(), "notices": run.notices()}
        worker.start()
        try:
            lost = after_the_copy(run)
        finally:
            worker.stop()
        run.engine.dispose()
    providers = folder / "providers"
    shutil.move(first / "sandbox", providers)
    shutil.rmtree(first)

    os.environ["REGUA_STATE_DIR"] = str(second)
    settings = house.settings = load_settings()
    backup.restore(settings, saved)
    shutil.move(providers, second / "sandbox")
    *services, worker = up.services(settings)
    services.pop()
    with Stack(settings, services, prepare_database=prepare_database, announce=say):
        run = Run(house, make_engine(database_url(settings)))
        restored = {"messages": run.sent(), "notices": run.notices()}
        worker.start()
        try:
            worker.wait_ready()
            found = live_on(run, payer, late)
        finally:
            worker.stop()
        run.engine.dispose()
    settle()
    return {"kept": kept, "lost": lost, "restored": restored, **found}


def before_the_loss(run: Run, saved: Path) -> tuple[Opened, Opened]:
    """Some days of life with a backup of Temporal in their midst: who paid after it, and who was opened after it."""
    for number in range(CASES):
        run.open(STEPS, f"d{number}")
    run.open(NOTICE, "notificada")
    payer = run.open(LONG, "pagadora")
    until(lambda: run.sent() > CASES, "everybody got the first message")
    backup.save_temporal(run.house.settings, saved)
    say("Temporal is saved")
    late, sent = run.open(LONG, "tardia"), run.sent()
    run.tell(payer, f.PaymentReceived("pix-1", run.row(payer).balance + 100, run.house.now.date()))
    until(lambda: run.row(payer).stage == "closed" and run.row(late).seq, "one paid, one was opened")
    say("one paid, one was opened")
    until(lambda: run.sent() >= sent + CASES, "more messages went out")
    return payer, late


def after_the_copy(run: Run) -> dict[str, int]:
    """What leaves and is lost with the book: how many messages of each kind."""
    emails, texts = run.sent("email"), run.sent("sms")
    until(lambda: run.sent("email") > emails and run.sent("sms") > texts and run.notices(), "what the book never knows")
    say("messages left that the copy does not know")
    return {"email": run.sent("email") - emails, "sms": run.sent("sms") - texts, "notice": run.notices()}


def live_on(run: Run, payer: Opened, late: Opened) -> dict[str, Any]:
    """What the restored house finds, and what it has done once every ladder is over."""
    found: dict[str, Any] = {"caught_up": catching_up.catch_up()}
    until(lambda: ended(run, payer), "the workflow of who paid has ended")
    say("level with the book")
    done = CASE.c.next_reason.startswith("the ladder has no further step")
    until(lambda: run.number(CASE, done) == CASES, "every ladder is over", 80)
    until(lambda: reminded(run, late), "who was opened late has the first message")
    until(run.notices, "the notice stands in the book again")
    say("every ladder is over")
    found["again"] = catching_up.catch_up()
    found["counted"] = count(run.house, run.engine)
    found["expected"] = CASES * 5 + 1 + 1 + 1 + 1  # the ladders; who paid: a reminder and the thanks; late; notified
    found["notices"] = run.notices()
    found["unsettled"] = run.number(CONTACT, CONTACT.c.state == "in-flight")
    with ThreadPoolExecutor() as threads:
        found["audits"] = dict(zip(AUDITS, threads.map(audit, AUDITS), strict=True))
    return found


AUDITS = ("replay", "verify")


def reminded(run: Run, case: Opened) -> bool:
    """Has a message of the case gone out?"""
    return run.number(LEDGER, LEDGER.c.case_id == case.case, LEDGER.c.kind == "contact_sent") > 0


def ended(run: Run, case: Opened) -> bool:
    """Has the workflow of a case come to its end, or been ended?"""
    return asyncio.run(_status(run, case)) != WorkflowExecutionStatus.RUNNING


async def _status(run: Run, case: Opened) -> WorkflowExecutionStatus | None:
    client = await connect(run.house.settings)
    return (await client.get_workflow_handle(case_workflow_id(case.case, 1)).describe()).status


def audit(what: str) -> dict[str, Any]:
    """`regua audit … --all` as an operator types it: what it reports."""
    command = [sys.executable, "-m", "starter", "audit", what, "--all", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    report: dict[str, Any] = json.loads(done.stdout) if done.stdout else {"said": done.stderr[-2000:]}
    return report | {"code": done.returncode}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))

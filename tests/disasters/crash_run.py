"""Kill the worker with SIGKILL at every point of a contact's way, on every channel; print what the providers took.

Started by test_crash.py in a process of its own: `python crash_run.py FOLDER`. Nothing in the product knows of it: each
point is a lock held in the database, a commit that it does not acknowledge, or an answer that the sandbox holds back.
A wave of debtors comes to each point together, some on each channel. The providers' records lag; of a third of the
messages nothing is ever reported, of a third everything twice, of a third the last thing first.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / part) for part in ("tests/activities", "tests", "")]

import requests
from channel_samples import approved, whatsapp
from firm_samples import DUE, HEAD, TODAY, TUESDAY, change_case, notifying
from people import Opened, new_case_row, new_creditor, set_creditor
from sqlalchemy import Engine, Table, func, select, text, update

from activities.courier import Address, Courier
from db.embedded import Service
from db.engine import make_engine, read_clock
from db.rows import CASE, CLOCK, CONTACT, CONTACT_CASE, DEBTOR, FACT, LEDGER, TASK, WEBHOOK_EVENT
from domain.case import StepState
from domain.policy import Policy
from domain.policy_file import parse_policy
from gateways.settings import Settings, load_settings
from gateways.temporal import connect, settle
from starter import up
from starter.doctor import prepare_database
from starter.embedded import kept_port
from starter.installation import database_url
from starter.stack import Stack

AMICABLE, NOTICE = ("email", "sms", "whatsapp", "voice"), "notice"
REPORTS = (("tell_late", 600.0), ("tell_twice", 0.0), ("tell_backwards", 0.0))
"""What is done to the reports of the first, second and third message of a wave on a channel; 600 seconds are never."""
LAG = 12.0  # seconds for which the providers' records know nothing of what was accepted
UNKNOWN_FOR = 40  # seconds a call without an answer is looked up before a resend
ACCEPTED_AFTER = 22.0  # seconds until the call that was under way is accepted: the first look-up does not see it yet
WAVES = 3  # tried for a point
WITHIN = 90.0  # seconds after the last kill until everything is settled
OURS = "+551130000000"
_KINDS = {"voice": "call", "email": "mail", NOTICE: "mail"}


@dataclass(frozen=True)
class Person:
    """A debtor with one case, whose only step is due, and one address, on the channel of that step."""

    ids: Opened
    channel: str
    to: str


Wave = Sequence[Person]


class Run:
    """The stack with a worker that can be killed, and the levers on both sides of it."""

    def __init__(self, settings: Settings, worker: Service, engine: Engine) -> None:
        self.settings, self.worker, self.engine = settings, worker, engine
        self.sandbox, self.kills, self.people = up.sandbox_url(settings), 0, 0
        self.template = ""

    # --- debtors ---------------------------------------------------------------------------------------------------
    def prepare(self) -> None:
        """The creditor writes by WhatsApp and has people called; the providers' records lag."""
        self.template = approved(cast(Any, SimpleNamespace(url=self.sandbox)))
        creditor = new_creditor(self.engine)
        set_creditor(self.engine, creditor, whatsapp=whatsapp(self.template), voice={"sender": OURS})
        self.tell("lag", {"seconds": LAG})

    def wave(self) -> Wave:
        """New debtors, some for each channel, with what is to happen to the reports of their messages."""
        return [self._person(channel, *report) for channel in (*AMICABLE, NOTICE) for report in REPORTS]

    def _person(self, channel: str, effect: str, seconds: float) -> Person:
        self.people += 1
        by_mail = channel in ("email", NOTICE)
        to = f"contas@d{self.people}.example.com" if by_mail else f"+551190000{self.people:04d}"
        contacts = (("email" if by_mail else channel, to),)
        ids = new_case_row(self.engine, _policy(channel), DUE, TODAY, contacts=contacts, jitter=0.0)
        if channel == NOTICE:
            change_case(self.engine, ids.case, lambda case: case.steps.update(aviso=StepState("done", DUE)))
        person = Person(ids, channel, f"whatsapp:{to}" if channel == "whatsapp" else to)
        self.fault([person], effect, seconds=seconds)
        return person

    def start(self, wave: Wave) -> None:
        """Open their cases, all at once."""
        asyncio.run(self._open(wave))

    async def _open(self, wave: Wave) -> None:
        courier = Courier(await connect(self.settings), self.engine, read_clock(self.engine))
        addresses = (Address(person.ids.case, person.ids.creditor, 1, "amicable", True) for person in wave)
        await asyncio.gather(*map(courier.open, addresses))

    # --- the worker ------------------------------------------------------------------------------------------------
    def kill(self) -> None:
        """SIGKILL, and wait until it is dead."""
        pid = self.worker.pid
        assert pid, "the worker ended by itself"
        os.kill(pid, signal.SIGKILL)
        until(lambda: self.worker.pid is None, "dead")
        assert self.worker.exit_code == -signal.SIGKILL
        self.kills += 1

    def revive(self) -> None:
        """Another worker; what it is to do waits until it serves."""
        self.worker.start()

    # --- the sandbox -----------------------------------------------------------------------------------------------
    def tell(self, path: str, body: Any = None) -> None:
        """Pull one of the sandbox's levers."""
        requests.post(f"{self.sandbox}/sandbox/{path}", json=body or {}, timeout=10).raise_for_status()

    def ask(self, path: str) -> list[dict[str, Any]]:
        """What the sandbox knows."""
        found: list[dict[str, Any]] = requests.get(f"{self.sandbox}/sandbox/{path}", timeout=10).json()
        return found

    def fault(self, wave: Wave, effect: str, **more: Any) -> None:
        """This goes wrong, once, with the message to each of them."""
        rules = [{"match": {"to": person.to}, "effect": effect, "times": 1, **more} for person in wave]
        self.tell("faults", rules)

    def held(self, wave: Wave, *, accepted: bool) -> Callable[[], bool]:
        """Does the sandbox hold back its answer to each of them, having accepted the message or not?"""
        wanted = {(person.to, accepted) for person in wave}
        return lambda: {(call["to"], call["accepted"]) for call in self.ask("held")} >= wanted

    # --- the database ----------------------------------------------------------------------------------------------
    @contextmanager
    def locked(self, table: Table, ids: Sequence[UUID]) -> Iterator[Callable[[], None]]:
        """Lock these rows until the end, or until what is given is called."""
        with self.engine.connect() as conn:
            conn.execute(select(table.c.id).where(table.c.id.in_(ids)).with_for_update(key_share=True))
            yield conn.rollback

    def waiting(self, number: int) -> Callable[[], bool]:
        """Do so many wait for a lock?"""
        query = text("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted")
        return lambda: self._number(query) >= number

    def answer_commits(self, yes: bool) -> None:
        """Without an answer a commit is on disk, and who asked for it waits: for a standby server that there is not."""
        with self.engine.connect() as conn:
            admin = conn.execution_options(isolation_level="AUTOCOMMIT")
            admin.execute(text(f"ALTER SYSTEM SET synchronous_standby_names = '{'' if yes else 'nobody'}'"))
            admin.execute(text("SELECT pg_reload_conf()"))
        shown = text("SELECT count(*) FROM pg_settings WHERE name = 'synchronous_standby_names' AND setting <> ''")
        until(lambda: self._number(shown) == (not yes), "the database took its setting")

    def committing(self, table: Table, ids: Sequence[UUID]) -> Callable[[], bool]:
        """Is each of these rows held by a transaction whose commit gets no answer, and is nobody else at work?"""
        free = select(table.c.id).where(table.c.id.in_(ids)).with_for_update(key_share=True, skip_locked=True)
        stuck = "FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
        busy = (
            "FROM pg_stat_activity WHERE backend_type = 'client backend' AND state <> 'idle'"
            " AND pid <> pg_backend_pid() AND wait_event IS DISTINCT FROM 'SyncRep'"
        )

        def met() -> bool:
            with self.engine.connect() as conn:  # never committed: that would get no answer either
                locked = not conn.execute(free).all()
                counts = conn.execute(text(f"SELECT (SELECT count(*) {stuck}), (SELECT count(*) {busy})")).one()
                conn.rollback()
            return locked and counts[0] >= len(ids) and not counts[1]

        return met

    def until_quiet(self, seconds: float = 1.5) -> None:
        """Wait until no report has come for a while: one that is taken in holds the rows of its message."""
        reports, last, since = select(func.count()).select_from(WEBHOOK_EVENT), -1, 0.0
        while time.monotonic() - since < seconds:
            if (now := self._number(reports)) != last:
                last, since = now, time.monotonic()
            time.sleep(0.05)

    def _number(self, query: Any) -> int:
        with self.engine.connect() as conn:
            return int(conn.execute(query).scalar_one())

    def states(self, wave: Wave) -> Counter[str]:
        """The states of the contacts that stand for them."""
        of = select(CONTACT.c.state).join(CONTACT_CASE).where(CONTACT_CASE.c.case_id.in_(cases(wave)))
        with self.engine.connect() as conn:
            return Counter(conn.execute(of).scalars())

    def accepted(self, wave: Wave) -> int:
        """How many messages to them the providers have taken."""
        addresses = {person.to for person in wave}
        return sum(entry["to"] in addresses and not entry["refused"] for entry in self.ask("log"))


# --- the points ------------------------------------------------------------------------------------------------------
def before_intent(run: Run, wave: Wave) -> None:
    """The guard waits for the debtors' rows; nothing is written."""
    with run.locked(DEBTOR, debtors(wave)):
        run.start(wave)
        until(run.waiting(len(wave)), "all wait for the debtor's row")
        run.kill()
    expect(run, wave, {}, 0)


def after_intent(run: Run, wave: Wave) -> None:
    """The intent is committed, and whoever wrote it does not learn of it: no call was begun."""
    with run.locked(DEBTOR, debtors(wave)) as let_go:
        run.start(wave)
        until(run.waiting(len(wave)), "all wait for the debtor's row")
        run.answer_commits(False)
        let_go()
        until(run.committing(DEBTOR, debtors(wave)), "all intents are being committed")
        run.kill()
        run.answer_commits(True)
    until(lambda: run.states(wave).total() == len(wave), "all intents stand")
    expect(run, wave, {"in-flight": len(wave)}, 0)


def during_the_call(run: Run, wave: Wave) -> None:
    """The provider has the request and has not accepted the message; it does so long after the caller died."""
    run.fault(wave, "hold")
    run.start(wave)
    until(run.held(wave, accepted=False), "all calls are held")
    expect(run, wave, {"in-flight": len(wave)}, 0)
    run.kill()


def after_acceptance(run: Run, wave: Wave) -> None:
    """The provider has accepted the message; its answer never arrives."""
    _until_accepted(run, wave)
    run.kill()
    run.tell("release")


def before_record(run: Run, wave: Wave) -> None:
    """The answer has arrived; the case's row is locked, so that it cannot be written down."""
    _until_accepted(run, wave)
    with run.locked(CASE, cases(wave)):
        run.tell("release")
        until(run.waiting(len(wave)), "all wait for the case's row")
        run.kill()


def after_record(run: Run, wave: Wave) -> None:
    """The outcome is committed; neither the worker nor the workflow learns of it."""
    _until_accepted(run, wave)
    run.until_quiet()
    run.answer_commits(False)
    run.tell("release")
    until(run.committing(CASE, cases(wave)), "all records are being committed")
    run.kill()
    run.answer_commits(True)
    until(lambda: "in-flight" not in run.states(wave), "all records stand")


def _until_accepted(run: Run, wave: Wave) -> None:
    run.fault(wave, "accept_then_hold")
    run.start(wave)
    until(run.held(wave, accepted=True), "all answers are held")
    assert run.accepted(wave) == len(wave)


POINTS = (before_intent, after_intent, after_acceptance, before_record, after_record, during_the_call)
"""The call that was under way comes last: it is accepted only after everything else was released."""


def bring_to(point: Callable[[Run, Wave], None], run: Run) -> Wave:
    """The wave that came to this point and was killed there.

    A report that is taken in at the wrong moment holds rows of its message, and a wave then never comes to its point:
    it is let go, and another tried. Raises TimeoutError when none came.
    """
    for _ in range(WAVES):
        wave = run.wave()
        try:
            point(run, wave)
        except TimeoutError as missed:
            print(f"{point.__name__}: {missed}: not seen, another wave", file=sys.stderr)
            run.answer_commits(True)
            run.tell("release")
            until(
                lambda wave=wave: _settled(run, {"missed": wave}), "the wave that missed its point is settled", WITHIN
            )
        else:
            return wave
    raise TimeoutError(f"{point.__name__}: {WAVES} waves did not come to it")


# --- the run ---------------------------------------------------------------------------------------------------------
def main(folder: Path) -> dict[str, Any]:
    """Bring a wave to each point and kill the worker there; what the providers took, once all is settled."""
    settings = _settings(folder)
    *services, worker = up.services(settings)
    stack = Stack(settings, services, prepare_database=_prepare, announce=lambda line: print(line, file=sys.stderr))
    began = time.monotonic()
    with stack:
        engine = make_engine(database_url(settings))
        worker.before()  # the schedules: once is enough
        run = Run(settings, replace(worker, before=lambda: None, env={**worker.env, **_TOLD}), engine)
        run.prepare()
        run.revive()
        waves = {}
        for point in POINTS:
            started = time.monotonic()
            waves[point.__name__] = bring_to(point, run)
            run.revive()
            print(f"{point.__name__}: killed, {time.monotonic() - started:.1f} s", file=sys.stderr)
        time.sleep(max(0.0, started + ACCEPTED_AFTER - time.monotonic()))
        run.tell("release")
        try:
            until(lambda: _settled(run, waves), "everything is settled", WITHIN)
        except TimeoutError:
            print(json.dumps({name: unsettled(run, wave) for name, wave in waves.items()}), file=sys.stderr)
            raise
        found = {"kills": run.kills, "points": {name: count(run, wave) for name, wave in waves.items()}}
        run.worker.stop()
        engine.dispose()
    settle()
    return found | {"seconds": round(time.monotonic() - began, 1)}


_TOLD = {"REGUA_UNKNOWN_FOR": str(UNKNOWN_FOR)}


def _settings(folder: Path) -> Settings:
    """An installation of its own: nothing that is configured elsewhere reaches it."""
    for name in [name for name in os.environ if name.startswith(("REGUA_", "TEMPORAL_"))]:
        del os.environ[name]
    os.chdir(folder)
    os.environ["PYTHONPATH"] = str(Path(__file__).resolve().parents[2])
    rates = dict.fromkeys(("EMAIL_PER_SECOND", "SMS_PER_SECOND", "WHATSAPP_PER_SECOND", "CALLS_PER_SECOND"), 100)
    ports = dict.fromkeys(("TEMPORAL_PORT", "TEMPORAL_UI_PORT", "SANDBOX_PORT"), 0)
    wanted = {"STATE_DIR": folder, "WEBHOOK_PORT": kept_port(folder / "ports" / "webhooks", 0), **rates, **ports}
    os.environ.update({f"REGUA_{name}": str(value) for name, value in wanted.items()})
    return load_settings()


def _prepare(url: str) -> None:
    """The tables, and a clock by which it is ten on a Tuesday morning and runs as everywhere."""
    prepare_database(url)
    engine = make_engine(url)
    with engine.begin() as conn:
        conn.execute(update(CLOCK).values(real_origin=datetime.now(UTC), business_origin=TUESDAY, scale=1.0))
    engine.dispose()


def _policy(channel: str) -> Policy:
    """One step that is due, and something much later, so that nobody is asked what to do at the end of the ladder."""
    if channel == NOTICE:
        return notifying("[email]")
    later = "  - {id: depois, at: due + 90d, do: task, by: [call], text: roteiro-cordial}\n"
    return parse_policy(HEAD.replace("[email]", f"[{channel}]") + later, f"{channel}.yaml")


def cases(wave: Wave) -> list[UUID]:
    """The ids of their cases."""
    return [person.ids.case for person in wave]


def debtors(wave: Wave) -> list[UUID]:
    """The ids of the debtors."""
    return [person.ids.debtor for person in wave]


def until(true: Callable[[], Any], what: str, within: float = 30.0) -> None:
    """Wait for it; TimeoutError says what did not come."""
    deadline = time.monotonic() + within
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.05)


def expect(run: Run, wave: Wave, states: dict[str, int], accepted: int) -> None:
    """The wave is at its point and at no other: by our rows and by the sandbox's log."""
    assert (dict(run.states(wave)), run.accepted(wave)) == (states, accepted)


# --- what came of it -------------------------------------------------------------------------------------------------
def _settled(run: Run, waves: dict[str, Wave]) -> bool:
    """Has every case heard what became of its message, or does a person have it, and is nothing left to be heard?"""
    people = [person.ids.case for wave in waves.values() for person in wave]
    heard = select(LEDGER.c.case_id).where(LEDGER.c.kind.in_(("contact_sent", "notice_issued")))
    with run.engine.connect() as conn:
        over = {*conn.execute(heard).scalars(), *conn.execute(select(TASK.c.case_id)).scalars()}
    unheard = _number_of(run, FACT, FACT.c.case_id.in_(people), FACT.c.acknowledged_at.is_(None))
    return over.issuperset(people) and not unheard


def unsettled(run: Run, wave: Wave) -> list[list[str]]:
    """Of each case of the wave: the state of its message, what it waits for, and how many facts it has not heard."""
    waiting = FACT.c.acknowledged_at.is_(None) & (FACT.c.case_id == CASE.c.id)
    facts = select(func.count()).where(waiting).scalar_subquery()
    shown = select(CONTACT.c.channel, CONTACT.c.state, CASE.c.next_action, CASE.c.next_reason, facts)
    of = (
        shown.join(CONTACT_CASE, CONTACT_CASE.c.contact_id == CONTACT.c.id).join(CASE).where(CASE.c.id.in_(cases(wave)))
    )
    with run.engine.connect() as conn:
        return [[str(value) for value in row] for row in conn.execute(of)]


def count(run: Run, wave: Wave) -> dict[str, dict[str, Any]]:
    """By channel: messages that the providers took, those doubled, those lost, tasks, and what the books say."""
    taken = Counter(entry["to"] for entry in run.ask("log") if not entry["refused"])
    found = {}
    for channel in (*AMICABLE, NOTICE):
        people = [person for person in wave if person.channel == channel]
        times, ids = [taken[person.to] for person in people], cases(people)
        tasks = _number_of(run, TASK, TASK.c.case_id.in_(ids))
        told = LEDGER.c.kind.in_(("contact_sent", "notice_issued"))
        found[channel] = {
            "messages": sum(times),
            "duplicates": sum(max(n - 1, 0) for n in times),
            "losses": times.count(0) + (tasks if channel != NOTICE else -tasks),
            "tasks": tasks,
            "in_the_book": _number_of(run, LEDGER, LEDGER.c.case_id.in_(ids), told),
            "unheard": _number_of(run, FACT, FACT.c.case_id.in_(ids), FACT.c.acknowledged_at.is_(None)),
        }
    return found


def _number_of(run: Run, table: Table, *where: Any) -> int:
    with run.engine.connect() as conn:
        return int(conn.execute(select(func.count()).select_from(table).where(*where)).scalar_one())


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))

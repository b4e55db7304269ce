"""The demo from beginning to end: house, portfolios, play, verdict, report."""

from __future__ import annotations

import json
import shlex
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from db.engine import make_engine
from db.rows import CONTACT, DOCUMENT
from domain.money import format_brl
from sandbox.debtors import CLERK, STAFF, STORIES
from starter.demo.hands import Hands
from starter.demo.house import EXAMPLES, ORIGIN, House, fresh_folder
from starter.demo.play import Cast, Play
from starter.demo.screen import Screen
from starter.demo.verify import Verdict, casts_by_outcome
from starter.demo.watch import Watch
from starter.installation import OFFICE
from starter.up import sandbox_url

_LONGEST = timedelta(days=200)
"""Business time after which the demo gives up."""
_LOOK_EVERY = 0.1
_SHOW_EVERY = 0.25
_SETTLES_WITHIN = 15.0
_CREDITORS = ("aurora", "boreal")


class Guest(Protocol):
    """Somebody who joins the demo: brings cases of his own, is there while it plays, and speaks at the end."""

    def commands(self, folder: Path) -> list[str]:
        """What the clerk types for him, after the demo's portfolios."""

    def begin(self, house: House) -> None:
        """The play begins."""

    def end(self, house: House, play: Play) -> tuple[list[str], dict[str, Any]]:
        """The play is over, the stack stands: faults, each in a sentence, and what he adds to the report."""


def run_demo(day: float, state: Path, *, as_json: bool = False, keep: bool = False, guest: Guest | None = None) -> int:
    """Run the demo in a fresh folder `state`; `day` is in real seconds. Exit code 0 only if all went as scripted.

    With `as_json` one JSON document on standard output, everything else on standard error. With `keep` the stack runs
    on until Ctrl-C. Raises `BadInput` where the folder is in use, `Unavailable` where the stack does not start.
    """
    console = Console(file=sys.stderr if as_json else sys.stdout)
    interrupted = _on_interrupt()
    started = time.monotonic()
    with fresh_folder(state) as folder:
        lines: list[Callable[[str], None]] = [lambda line: console.print(line, highlight=False, soft_wrap=True)]
        house = House(folder, day, lambda line: lines[-1](line))
        with house.stack:
            play, screen, verdict = _stage(house, console)
            lines.append(screen.announce)
            try:
                with screen:
                    begun = _open_portfolios(house, play, guest.commands(folder) if guest else [])
                    if begun and guest:
                        guest.begin(house)
                    ended = _run(house, play, screen, verdict, interrupted) if begun else []
                faults, more = guest.end(house, play) if begun and guest else ([], {})
                found = ended + faults + _judge(verdict) if begun else play.problems
                report = _report(house, play, found, time.monotonic() - started) | more
            finally:
                play.watch.engine.dispose()
            lines.pop()
            if as_json:
                print(json.dumps(report, ensure_ascii=False, default=str))
            _tell(console, report)
            if keep and not interrupted.is_set():
                console.print(f"The stack stays in {folder} until Ctrl-C.", highlight=False, soft_wrap=True)
                interrupted.wait()
    return 0 if not report["faults"] else 1


def _on_interrupt() -> threading.Event:
    """Set by Ctrl-C, SIGTERM and SIGHUP, so that the stack is always ended in order."""
    interrupted = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: interrupted.set())
    return interrupted


def _stage(house: House, console: Console) -> tuple[Play, Screen, Verdict]:
    watch = Watch(make_engine(house.stack.database_url, pool_size=3), house.sandbox)
    play = Play(watch, Hands(house.folder / "banco"))
    return play, Screen(play, console), Verdict(play, house.settings.documents_dir)


# --- the portfolios --------------------------------------------------------------------------------------------------
def _open_portfolios(house: House, play: Play, guests: Sequence[str]) -> bool:
    """Staff, creditors, both portfolios; the old one is let go after its counts were seen. Did all of it succeed?"""
    for person in STAFF:
        name = shlex.quote(person.name)
        done = _setup(
            house, play, f"user add {person.id} --name {name} --role {person.role} --limit {person.limit} --json"
        )
        if done is None:
            return False
        play.hands.tokens[person.id] = json.loads(done)["token"]
    fates = {number: story.notary for story in STORIES if story.notary for number in story.numbers}
    house.tell_sandbox("notary/fates", fates)
    commands = [f"creditor add {shlex.quote(str(EXAMPLES / code))}.yaml" for code in _CREDITORS]
    for code in _CREDITORS:
        portfolio = f"import {shlex.quote(str(EXAMPLES / code))}.csv --creditor {code} --by {CLERK}"
        commands += [f"{portfolio} --dry-run", portfolio]
    commands += [f"release --creditor {code} --by {CLERK}" for code in _CREDITORS]  # of the new one nothing waits
    commands += [*guests, "scan"]
    return all(_setup(house, play, command) is not None for command in commands)


def _setup(house: House, play: Play, command: str) -> str | None:
    """Type a command of the beginning; what it printed, or None where it never succeeded."""
    done = play.hands.type(command, house.now.astimezone(OFFICE).date())
    for _ in range(10):
        if done.code == 0:
            return done.printed
        time.sleep(0.5)
        done = play.hands.type(command, house.now.astimezone(OFFICE).date())
    play.problems.append(f"`{done.command}` ended with {done.code}: {done.said}")
    return None


# --- the play --------------------------------------------------------------------------------------------------------
def _run(house: House, play: Play, screen: Screen, verdict: Verdict, interrupted: threading.Event) -> list[str]:
    """Play until every story has ended, or none will go on, and nothing is on its way. Returns why it ended before."""
    for _ in _looks(screen, house):
        if interrupted.is_set():
            return ["the demo was interrupted"]
        if house.now - ORIGIN > _LONGEST:
            return [f"the demo was not over after {_LONGEST.days} days"]
        with suppress(SQLAlchemyError, sqlite3.Error):
            play.watch.look()
            if play.finished() or play.is_stuck(house.now):
                break
            play.act(lambda: house.now)
    deadline = time.monotonic() + _SETTLES_WITHIN
    for _ in _looks(screen, house):
        with suppress(SQLAlchemyError, sqlite3.Error):
            play.watch.look()
            if verdict.settled() or time.monotonic() > deadline:
                return []
    return []


def _looks(screen: Screen, house: House) -> Iterator[None]:
    shown = 0.0
    while True:
        yield
        if time.monotonic() - shown > _SHOW_EVERY:
            screen.show(house.now)
            shown = time.monotonic()
        time.sleep(_LOOK_EVERY)


def _judge(verdict: Verdict) -> list[str]:
    """The verdict's faults; a server that restarts just then is waited for."""
    deadline = time.monotonic() + _SETTLES_WITHIN
    while True:
        try:
            return verdict.faults()
        except (SQLAlchemyError, sqlite3.Error) as error:
            if time.monotonic() > deadline:
                return [f"the verdict could not be reached: {type(error).__name__}"]
            time.sleep(0.5)


# --- the report ------------------------------------------------------------------------------------------------------
def _report(house: House, play: Play, faults: list[str], seconds: float) -> dict[str, Any]:
    """Everything that anybody needs to count again."""
    return {
        "as_scripted": not faults,
        "faults": faults,
        "real_seconds": round(seconds, 1),
        "business_days": (house.now - ORIGIN).days,
        "outcomes": dict(sorted(casts_by_outcome(play).items())),
        "money": _money(play),
        **_counts(play),
        "stories": [_story(play, cast) for cast in play.casts],
        "commands": [
            {name: value for name, value in asdict(done).items() if name != "printed"} for done in play.hands.typed
        ],
        "where": {
            "state": str(house.folder),
            "database": house.stack.database_url,
            "sandbox_log": f"{sandbox_url(house.settings)}/sandbox/log",
            "sandbox_database": str(house.sandbox / "sandbox.db"),
            "documents": str(house.settings.documents_dir),
            "letters": str(house.folder / "letters"),
            "dossiers": str(house.folder / "legal"),
            "payment_files": str(play.hands.folder),
        },
    }


def _money(play: Play) -> dict[str, Any]:
    """Reais: what was owed, what came in, what came back, by the cases themselves."""
    cases = [life.case for life in play.watch.lives.values()]
    payments = [payment for case in cases for payment in case.payments]
    reversed_ = sum((payment.amount for payment in payments if payment.reversed), Decimal(0))
    return {
        "owed": sum((case.terms.principal for case in cases), Decimal(0)),
        "recovered": sum((payment.amount for payment in payments), Decimal(0)) - reversed_,
        "reversed": reversed_,
        "in_bank_files": sum({m.reference: m.amount for m in play.hands.paid}.values(), Decimal(0)),
    }


def _counts(play: Play) -> dict[str, dict[str, int]]:
    """Contacts by channel (without those that no provider took), documents by kind."""
    by_channel = select(CONTACT.c.channel, func.count()).where(CONTACT.c.state != "failed").group_by(CONTACT.c.channel)
    by_kind = select(DOCUMENT.c.kind, func.count()).group_by(DOCUMENT.c.kind)
    with suppress(SQLAlchemyError), play.watch.engine.connect() as conn:
        found = [{str(key): int(count) for key, count in conn.execute(question)} for question in (by_channel, by_kind)]
        return {"contacts": dict(sorted(found[0].items())), "documents": dict(sorted(found[1].items()))}
    return {"contacts": {}, "documents": {}}


def _story(play: Play, cast: Cast) -> dict[str, str]:
    life = play.life(cast)
    return {
        "creditor": cast.story.creditor,
        "invoice": cast.number,
        "story": cast.story.title,
        "case": str(life.id) if life else "",
        "scripted": cast.story.ends,
        "ended": life.ended if life else "",
    }


def _tell(console: Console, report: dict[str, Any]) -> None:
    """The report for people."""
    money = {name: format_brl(value) for name, value in report["money"].items()}
    table = Table("", "", show_header=False, title="Resumo", title_justify="left")
    rows = {
        "duração": f"{report['business_days']} dias em {report['real_seconds']:.0f} s",
        "casos": _listed(report["outcomes"]),
        "dinheiro": f"recuperado {money['recovered']} de {money['owed']}; estornado {money['reversed']}",
        "contatos": _listed(report["contacts"]),
        "documentos": _listed(report["documents"]),
        "comandos": f"{len(report['commands'])}",
        **report["where"],
    }
    for name, value in rows.items():
        table.add_row(name, value)
    console.print(table)
    for fault in report["faults"]:
        console.print(f"NOT AS SCRIPTED: {fault}", highlight=False, markup=False, soft_wrap=True)
    if report["as_scripted"]:
        console.print("Everything went as scripted.", style="green")


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())

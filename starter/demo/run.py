"""The demo from beginning to end: house, portfolios, play, verdict, report."""

from __future__ import annotations

import json
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console
from sqlalchemy.exc import SQLAlchemyError

from db.engine import make_engine
from starter.demo.debtors import Debtors
from starter.demo.hands import Hands
from starter.demo.house import ORIGIN, House, fresh_folder
from starter.demo.opening import open_portfolios
from starter.demo.play import Play
from starter.demo.report import report_of, tell
from starter.demo.screen import Screen
from starter.demo.verify import Verdict
from starter.demo.watch import Watch

_LONGEST = timedelta(days=200)
"""Business time after which the demo gives up."""
_LOOK_EVERY = 0.2
_SHOW_EVERY = 0.25
_SETTLES_WITHIN = 15.0


class Guest(Protocol):
    """Somebody who joins the demo: brings cases of his own, is there while it plays, and speaks at the end.

    While he is there no story has to go as scripted; what strays is told, and is no fault. `patience` is for how many
    real seconds what is still on its way at the end may take to settle.
    """

    patience: float

    def commands(self, folder: Path) -> list[str]:
        """What the clerk types for him, after the demo's portfolios."""

    def begin(self, house: House) -> None:
        """The play begins."""

    def end(self, house: House, play: Play) -> tuple[list[str], dict[str, Any]]:
        """The play is over, the stack stands: faults, each in a sentence, and what he adds to the report."""


def run_demo(
    day: float | None, state: Path, *, as_json: bool = False, keep: bool = False, guest: Guest | None = None
) -> int:
    """Run the demo in a fresh folder `state`. Exit code 0 only if all went as scripted.

    `day` is in real seconds; None: as many as this machine needs.

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
                    begun = open_portfolios(house, play, guest.commands(folder) if guest else [])
                    if begun and guest:
                        guest.begin(house)
                    patience = guest.patience if guest else _SETTLES_WITHIN
                    ended = _run(house, play, screen, verdict, interrupted, patience) if begun else []
                faults, more = guest.end(house, play) if begun and guest else ([], {})
                strayed = _judged(verdict.strayed) if begun else []
                found = ended + faults + _judged(verdict.faults) if begun else play.problems
                report = report_of(house, play, found, strayed, time.monotonic() - started) | more
            finally:
                play.watch.engine.dispose()
            lines.pop()
            if as_json:
                print(json.dumps(report, ensure_ascii=False, default=str))
            tell(console, report)
            if keep and not interrupted.is_set():
                console.print(f"The stack stays in {folder} until Ctrl-C.", highlight=False, soft_wrap=True)
                interrupted.wait()
    return 1 if report["faults"] or (report["strayed"] and not guest) else 0


def _on_interrupt() -> threading.Event:
    """Set by Ctrl-C, SIGTERM and SIGHUP, so that the stack is always ended in order."""
    interrupted = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: interrupted.set())
    return interrupted


def _stage(house: House, console: Console) -> tuple[Play, Screen, Verdict]:
    watch = Watch(make_engine(house.stack.database_url, pool_size=3), house.sandbox)
    play = Play(watch, Hands(house.folder / "banco"), Debtors(house, watch))
    return play, Screen(play, console), Verdict(play, house.settings.documents_dir)


# --- the play --------------------------------------------------------------------------------------------------------
def _run(
    house: House, play: Play, screen: Screen, verdict: Verdict, interrupted: threading.Event, patience: float
) -> list[str]:
    """Play until every story has ended, or none will go on, and nothing is on its way. Returns why it ended before."""
    for _ in _looks(screen, house):
        if interrupted.is_set():
            return ["the demo was interrupted"]
        if house.now - ORIGIN > _LONGEST:
            return [f"the demo was not over after {_LONGEST.days} days"]
        with suppress(SQLAlchemyError, sqlite3.Error):
            with play.timed("look"):
                play.watch.look()
            if play.finished() or play.is_stuck(house.now):
                break
            play.act(lambda: house.now)
    deadline = time.monotonic() + patience
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


def _judged(checks: Callable[[], list[str]]) -> list[str]:
    """What checks of the verdict say; a server that restarts just then is waited for."""
    deadline = time.monotonic() + _SETTLES_WITHIN
    while True:
        try:
            return checks()
        except (SQLAlchemyError, sqlite3.Error) as error:
            if time.monotonic() > deadline:
                return [f"the verdict could not be reached: {type(error).__name__}"]
            time.sleep(0.5)

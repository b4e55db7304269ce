"""The house of the demo: a fresh folder, a scaled clock, and the whole stack, apart from every other installation."""

from __future__ import annotations

import csv
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import update

from db.engine import make_engine
from db.rows import CLOCK
from domain.clock import Clock
from domain.errors import BadInput, Unavailable
from domain.identifiers import parse_phone
from gateways.settings import PREFIX, Settings, load_settings
from starter import up
from starter.doctor import prepare_database
from starter.embedded import kept_port
from starter.installation import OFFICE
from starter.stack import Stack, running_services

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
ORIGIN = datetime(2026, 3, 2, 6, tzinfo=OFFICE)
"""The Monday morning on which the play begins. The due dates of the examples are counted from it."""
A_DAY, LONGEST_DAY = 3.0, 12.0
"""Real seconds of a day: on a machine that is fast enough and has nothing else to do, and at most."""
_TABLES = 1.5
"""Real seconds within which such a machine has made the tables (about one on two virtual cores)."""
BEFORE_ORIGIN = 8.0
"""Real seconds between the setting of the clock and the origin: about what it takes until everything serves."""
_DAY_OF_REAL_TIME = 86400
_MARK = "demo.lock"
_GONE_WITHIN = 15.0


@cache
def telephones(code: str) -> dict[str, str]:
    """The debtor's telephone (E.164) of each invoice of a creditor's example."""
    with (EXAMPLES / f"{code}.csv").open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter=";")
        return {row["numero"]: parse_phone(row["telefones"]).e164 for row in rows}


@contextmanager
def fresh_folder(folder: Path) -> Iterator[Path]:
    """The demo's own folder, removed and made anew, and held until the end.

    Raises BadInput where a demo runs in it, or where it holds something that no demo has made.
    """
    folder = folder.resolve()
    if folder.exists() and any(folder.iterdir()) and not (folder / _MARK).is_file():
        raise BadInput(f"{folder} holds something else than a demo; name an empty directory or a new one with --state")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f".{folder.name}.{_MARK}").open("a") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BadInput(f"a demo is running in {folder}; end that one, or name another --state") from None
        _wait_for_leftovers(folder)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(exist_ok=True)
        (folder / _MARK).touch()
        yield folder


def _wait_for_leftovers(folder: Path) -> None:
    """Services of a demo that was killed were told to end, and need a moment."""
    deadline = time.monotonic() + _GONE_WITHIN
    while names := sorted(running_services(folder)):
        if time.monotonic() > deadline:
            raise BadInput(f"{folder} is in use by {', '.join(names)}; end them, or name another --state")
        time.sleep(0.1)


def pace(tables: float) -> float:
    """Real seconds of a day where the tables took so many seconds: a machine that is slow or busy gets longer days.

    What has to be done on a day takes as much longer as they did, and what comes too late goes another way than the
    script.
    """
    return round(min(max(A_DAY, A_DAY * tables / _TABLES), LONGEST_DAY), 1)


class House:
    """The stack in a folder. `announce` takes lines for people.

    `day` is how many real seconds a day takes; None: as many as this machine needs (`pace`).
    """

    def __init__(self, folder: Path, day: float | None, announce: Callable[[str], None]) -> None:
        self.folder, self.day, self.announce = folder, day, announce
        self.settings = _settings_of_its_own(folder)
        self.sandbox = folder / "sandbox"
        self.clock = Clock(datetime.now(UTC), ORIGIN, _DAY_OF_REAL_TIME / (day or A_DAY))
        self.stack = Stack(
            self.settings,
            up.services(self.settings),
            prepare_database=self._prepare,
            announce=announce,
            longest_pause=1.0,
        )

    @property
    def now(self) -> datetime:
        """Business time, in UTC."""
        return self.clock.business(datetime.now(UTC))

    def tell_sandbox(self, path: str, body: dict[str, Any]) -> None:
        """Tell the sandbox something under /sandbox. Raises `Unavailable` where it does not take it."""
        try:
            requests.post(f"{up.sandbox_url(self.settings)}/sandbox/{path}", json=body, timeout=10).raise_for_status()
        except requests.RequestException as error:
            raise Unavailable("sandbox", f"the sandbox did not take {path}; see its log") from error

    def _prepare(self, database_url: str) -> None:
        """The tables, and the clock: set before anything that could read it starts."""
        begun = time.monotonic()
        prepare_database(database_url)
        if self.day is None:
            self.day = pace(time.monotonic() - begun)
            self.announce(f"A business day takes {self.day:g} seconds on this machine now.")
        started = datetime.now(UTC) + timedelta(seconds=BEFORE_ORIGIN)
        self.clock = Clock(started, ORIGIN, _DAY_OF_REAL_TIME / self.day)
        engine = make_engine(database_url)
        try:
            with engine.begin() as conn:
                conn.execute(update(CLOCK).values(**vars(self.clock)))
        finally:
            engine.dispose()


def _settings_of_its_own(folder: Path) -> Settings:
    """Nothing configured elsewhere reaches the demo: neither variables nor a `.env` of the working directory.

    This process and its children then see only what stands in its environment.
    """
    for name in [name for name in os.environ if name.startswith((PREFIX, "TEMPORAL_"))]:
        del os.environ[name]
    os.chdir(folder)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    wanted = {
        "STATE_DIR": folder,
        "EMAIL_PER_SECOND": 100,
        "SMS_PER_SECOND": 100,
        "WHATSAPP_PER_SECOND": 100,
        "CALLS_PER_SECOND": 100,
        "TEMPORAL_PORT": 0,
        "TEMPORAL_UI_PORT": 0,
        "SANDBOX_PORT": 0,
        "WEBHOOK_PORT": kept_port(folder / "ports" / "webhooks", 0),
    }
    os.environ.update({PREFIX + name: str(value) for name, value in wanted.items()})
    return load_settings()

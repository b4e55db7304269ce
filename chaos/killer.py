"""Kills services with SIGKILL while the play goes on, and counts how many died with a call of ours at a provider."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import requests
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from chaos.plan import Kill
from db.engine import make_engine
from db.rows import CONTACT
from starter import up
from starter.demo.house import House
from starter.stack import running_services

_WAITS_FOR_A_CALL = 6.0
_LOOK = 0.05
_AWAY = (SQLAlchemyError, requests.RequestException, OSError)


@dataclass(frozen=True)
class Died:
    """A kill that was carried out, real seconds after the first; was a call at a provider then?"""

    service: str
    at: float
    in_flight: bool


class Killer:
    """Carries out a plan of kills in a thread of its own, from `begin` to `end`."""

    def __init__(self, kills: Sequence[Kill]) -> None:
        self._kills, self._over = kills, threading.Event()
        self._thread: threading.Thread | None = None
        self.died: list[Died] = []
        self.stumbled: list[str] = []
        """What went wrong with a kill, as tracebacks."""

    def begin(self, house: House) -> None:
        """Start killing the services of this house."""
        self._thread = threading.Thread(target=self._run, args=(house,), name="killer", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Kill no more, and let go of what is held. A plan that is not done yet stays undone."""
        self._over.set()
        if self._thread:
            self._thread.join()

    def count(self) -> dict[str, int]:
        """Kills carried out, of each service and in all, and how many met a call in flight."""
        by_service = Counter(died.service for died in self.died)
        return {**dict(sorted(by_service.items())), "all": len(self.died), "in flight": self._met()}

    def _met(self) -> int:
        return sum(died.in_flight for died in self.died)

    def _run(self, house: House) -> None:
        engine = make_engine(house.stack.database_url, pool_size=1)
        begun = time.monotonic()
        for kill in self._kills:
            due = time.monotonic() + kill.after
            if self._over.wait(max(0.0, kill.after - (_WAITS_FOR_A_CALL if kill.hold else 0.0))):
                break
            try:
                self._carry_out(house, engine, kill, due, begun)
            except Exception as error:  # noqa: BLE001 - whatever happens among dying services, the next kill comes
                self.stumbled.append("".join(traceback.format_exception(error)))
        self._release(house)
        engine.dispose()

    def _carry_out(self, house: House, engine: Engine, kill: Kill, due: float, begun: float) -> None:
        in_flight = self._hold(house, engine, kill, due)
        if pid := self._pid(house, kill.service):
            with contextlib.suppress(ProcessLookupError):  # it may end by itself: what another's death took away
                os.kill(pid, signal.SIGKILL)
                self.died.append(Died(kill.service, time.monotonic() - begun, in_flight))
        self._release(house)

    def _hold(self, house: House, engine: Engine, kill: Kill, due: float) -> bool:
        """Wait until a provider holds a call of ours, until `due` at the latest. Is one in flight?"""
        if kill.hold:
            with contextlib.suppress(*_AWAY):
                _tell(house, "POST", "faults", {"provider": "any", "effect": kill.hold, "times": 1})
        while not (met := _in_flight(engine)) and time.monotonic() < due and not self._over.is_set():
            time.sleep(_LOOK)
        return met

    def _pid(self, house: House, name: str) -> int | None:
        """The process of a service; one that was killed a moment ago may be on its way back."""
        while not self._over.is_set():
            if pid := running_services(house.folder).get(name):
                return pid
            time.sleep(_LOOK)
        return None

    def _release(self, house: House) -> None:
        """No call is held any more, and none will be; a sandbox that is away is waited for."""
        for _ in range(200):
            with contextlib.suppress(*_AWAY):
                _tell(house, "DELETE", "faults", None)
                _tell(house, "POST", "release", {})
                return
            time.sleep(_LOOK)


def _tell(house: House, method: str, path: str, body: dict[str, Any] | None) -> None:
    url = f"{up.sandbox_url(house.settings)}/sandbox/{path}"
    requests.request(method, url, json=body, timeout=5).raise_for_status()


def _in_flight(engine: Engine) -> bool:
    """Does the database know of a call that was begun and has no outcome?"""
    with contextlib.suppress(*_AWAY), engine.connect() as conn:
        begun = select(func.count()).where(CONTACT.c.state == "in-flight")
        return bool(conn.execute(begun).scalar_one())
    return False

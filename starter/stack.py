"""The embedded stack: all services of an installation as child processes of one supervisor on one machine.

The supervisor starts them in order, restarts what dies, and ends them in reverse order. They die with it, however it
dies. `stack.json` in the state directory says what runs where.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from db.embedded import EmbeddedPostgres, Service
from domain.errors import BadInput
from gateways.settings import Settings, temporal_config
from starter.embedded import EmbeddedTemporal, kept_port

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0  # seconds before a dead service is started again; doubles each time
_STEADY_AFTER = 60.0  # seconds a service must live for the pause to be short again
_READY_WITHIN = 60.0


def python_service(
    settings: Settings,
    name: str,
    module: str,
    *arguments: str,
    ready: str,
    env: Mapping[str, str] | None = None,
    data: Path | None = None,
    grace: float = 10.0,
) -> Service:
    """`python -m module arguments` as a service that serves when the web address `ready` answers below 500."""
    return Service(
        name=name,
        argv=[sys.executable, "-m", module, *arguments],
        log=settings.state_dir.resolve() / "logs" / f"{name}.log",
        ready=ready,
        address=ready,
        data=data,
        env=env or {},
        grace=grace,
    )


def worker_service(settings: Settings, env: Mapping[str, str] | None = None) -> Service:
    """The worker as a service; `env` is added to its environment. It may take as long to end as it drains."""
    port = kept_port(settings.state_dir.resolve() / "ports" / "worker-health", settings.health_port)
    return python_service(
        settings,
        "worker",
        "worker",
        ready=f"http://127.0.0.1:{port}/health",
        env={"REGUA_HEALTH_PORT": str(port), **(env or {})},
        grace=35.0,
    )


@dataclass
class _Watched:
    """A service and when it is to be started again after it died."""

    service: Service
    started_at: float
    pause: float = _FIRST_PAUSE
    restart_at: float | None = None


class Stack:
    """PostgreSQL, Temporal and `services`, supervised. Use as a context manager, or call `run` to stay until Ctrl-C.

    A server that the settings place elsewhere (REGUA_DATABASE_URL, TEMPORAL_ADDRESS) is used and not started. Each
    service is told where both are, and the directories, by its environment. `prepare_database` is called with the
    database's address before any of `services` starts. `announce` takes the lines for people. What dies is started
    again after a pause that doubles up to `longest_pause` seconds while it keeps dying.
    """

    def __init__(
        self,
        settings: Settings,
        services: Sequence[Service] = (),
        *,
        prepare_database: Callable[[str], None] = lambda _url: None,
        announce: Callable[[str], None] = print,
        longest_pause: float = _LONGEST_PAUSE,
    ) -> None:
        self.state_dir = settings.state_dir.resolve()
        self._settings, self._given = settings, list(services)
        self._prepare_database, self._announce = prepare_database, announce
        self._longest_pause = longest_pause
        self._stopping, self._started = threading.Event(), threading.Event()
        self._watched: list[_Watched] = []
        self._supervisor: threading.Thread | None = None
        self._failure: BaseException | None = None
        self.database_url = settings.database_url or EmbeddedPostgres(self.state_dir).url()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start everything and return when all of it serves; it is then supervised until `stop`.

        Raises `BadInput` if another stack runs on the state directory, `Unavailable` if a service does not start; what
        was started is then ended.
        """
        lock = _lock(self.state_dir)
        # One thread starts and ends all services: they are ended by the kernel when the thread that started them ends.
        self._supervisor = threading.Thread(target=self._supervise, args=(lock,), name="supervisor", daemon=True)
        self._supervisor.start()
        self._started.wait()
        if self._failure:
            self._supervisor.join()
            raise self._failure

    def stop(self) -> None:
        """End everything, last started first, and return when it has ended."""
        self._stopping.set()
        if self._supervisor:
            self._supervisor.join()

    def run(self) -> None:
        """Start everything, stay until Ctrl-C, SIGTERM or SIGHUP, then end everything. Raises what `start` raises."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: self._stopping.set())
        self.start()
        self._stopping.wait()
        self.stop()

    def _supervise(self, lock: TextIO) -> None:
        try:
            with lock:
                try:
                    self._end_leftovers()
                    self._start_all()
                    self._started.set()
                    while not self._stopping.wait(0.1):
                        for watched in self._watched:
                            self._watch(watched)
                finally:
                    self._end_all()
        except BaseException as error:  # noqa: BLE001 - raised by `start`, in the thread that asked
            self._failure = error
            self._announce(f"The stack ended: {error}")
        finally:
            self._started.set()
            self._stopping.set()

    def _start_all(self) -> None:
        environment = {
            "REGUA_STATE_DIR": str(self.state_dir),
            "REGUA_DOCUMENTS_DIR": str(self._settings.documents_dir.resolve()),
            "REGUA_DATABASE_URL": self.database_url,
        }
        if not self._settings.database_url:
            self._start_postgres(EmbeddedPostgres(self.state_dir))
        self._prepare_database(self.database_url)
        if "target_host" not in temporal_config():
            temporal = EmbeddedTemporal(self.state_dir, self._settings.temporal_port, self._settings.temporal_ui_port)
            environment["TEMPORAL_ADDRESS"] = temporal.address
            self._start(temporal.service)
        for service in self._given:
            self._start(replace(service, env={**environment, **service.env}))

    def _start_postgres(self, postgres: EmbeddedPostgres) -> None:
        self._watched.append(_Watched(postgres.service, time.monotonic()))
        postgres.start(_READY_WITHIN)
        self._tell(postgres.service)

    def _start(self, service: Service) -> None:
        if self._stopping.is_set():
            return
        self._watched.append(_Watched(service, time.monotonic()))
        service.start()
        self._record()  # before it serves, so that no kill of the supervisor leaves it unknown
        service.wait_ready(_READY_WITHIN, self._stopping)
        self._tell(service)

    def _tell(self, service: Service) -> None:
        self._record()
        data = f", data {service.data}" if service.data else ""
        self._announce(f"{service.name}: {service.address}, process {service.pid}, log {service.log}{data}")

    def _watch(self, watched: _Watched) -> None:
        service, now = watched.service, time.monotonic()
        if service.pid is not None:
            if now - watched.started_at > _STEADY_AFTER:
                watched.pause = _FIRST_PAUSE
        elif watched.restart_at is None:
            self._announce(f"{service.name} ended with {service.exit_code}, starts again in {watched.pause:g} s")
            watched.restart_at = now + watched.pause
            watched.pause = min(2 * watched.pause, self._longest_pause)
        elif now >= watched.restart_at:
            self._restart(watched)

    def _restart(self, watched: _Watched) -> None:
        watched.restart_at, watched.started_at = None, time.monotonic()
        try:
            watched.service.start()
        except Exception as error:  # noqa: BLE001 - whatever keeps one service from starting ends none of the others
            why = str(error).splitlines()[0] if str(error) else type(error).__name__
            self._announce(f"{watched.service.name} could not be started: {why}")
        else:
            self._record()
            self._announce(f"{watched.service.name} started again, process {watched.service.pid}")

    def _end_all(self) -> None:
        for watched in reversed(self._watched):
            watched.service.stop()
            if watched.service.exit_code is not None:
                self._announce(f"{watched.service.name} ended with {watched.service.exit_code}")
        _record_file(self.state_dir).unlink(missing_ok=True)

    def _record(self) -> None:
        services = {
            watched.service.name: {
                "pid": watched.service.pid,
                "born": _born(watched.service.pid) if watched.service.pid else None,
                "address": watched.service.address,
                "data": str(watched.service.data or ""),
            }
            for watched in self._watched
        }
        file = _record_file(self.state_dir)
        fresh = file.with_suffix(".new")
        fresh.write_text(json.dumps({"supervisor": os.getpid(), "services": services}, indent=2))
        fresh.replace(file)

    def _end_leftovers(self) -> None:
        """Wait for the services of a stack on this directory whose supervisor was killed; they were told to end."""
        deadline = time.monotonic() + 10
        for name, pid, born in _recorded(self.state_dir):
            while _born(pid) == born and not self._stopping.is_set():
                if time.monotonic() > deadline:
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(pid, signal.SIGKILL)
                time.sleep(0.05)
            self._announce(f"{name} of a stack that was killed, process {pid}, is gone")


def running_services(state_dir: Path) -> dict[str, int]:
    """Process ids of the services that run now on `state_dir`, by name, as the supervisor recorded them."""
    return {name: pid for name, pid, born in _recorded(state_dir.resolve()) if _born(pid) == born}


def _recorded(state_dir: Path) -> Iterator[tuple[str, int, int]]:
    try:
        services: dict[str, dict[str, Any]] = json.loads(_record_file(state_dir).read_text())["services"]
    except FileNotFoundError:
        return
    for name, entry in services.items():
        if entry["pid"]:
            yield name, entry["pid"], entry["born"]


def _record_file(state_dir: Path) -> Path:
    return state_dir / "stack.json"


def _born(pid: int) -> int | None:
    """When process `pid` started, in ticks since the machine did, which names it for good; None when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(fields[19]) if fields[0] != "Z" else None


def _lock(state_dir: Path) -> TextIO:
    """The held lock of `state_dir`: released by closing it, or by the kernel when its holder dies."""
    state_dir.mkdir(parents=True, exist_ok=True)
    lock = (state_dir / "stack.lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        holder = lock.read().strip()
        lock.close()
        raise BadInput(
            f"{state_dir} is in use by the stack with process id {holder}; "
            "stop that one, or name another directory in REGUA_STATE_DIR"
        ) from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock

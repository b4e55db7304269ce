"""`regua metrics`: the figures of the database and of Temporal as Prometheus text, from one process.

However often it is asked, each figure is read at most once in the seconds for which it is kept, and by one reader at a
time: a storm of scrapes costs the database nothing. A figure that cannot be read is left out and said to be failed.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import structlog
from prometheus_client import CollectorRegistry, generate_latest, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from temporalio.client import Client
from temporalio.service import RPCError

from domain.clock import Clock
from domain.errors import BadInput
from watch import temporal
from watch.figures import FIGURES, Figure, Moment

DATABASE_UP, TEMPORAL_UP = "regua_database_up", "regua_temporal_up"
FAILED, TOOK = "regua_figure_failed", "regua_figure_seconds"
OWN = {
    DATABASE_UP: "1 while the database answers",
    TEMPORAL_UP: "1 while Temporal answers",
    FAILED: "1 where a figure could not be read",
    TOOK: "how long the query of a figure took when it was made last",
}
TEMPORAL_KEPT = 15.0
"""Real seconds for which the figures of Temporal are shown again."""
_PATIENCE = 10.0  # seconds for Temporal's answers
_QUERY = "SET LOCAL statement_timeout = '20s'"
_OFFICE = ZoneInfo("America/Sao_Paulo")

log = structlog.get_logger("metrics")


def names() -> list[str]:
    """The name of every metric that is exported here."""
    return [*(name for figure in FIGURES for name, _ in figure.names), *temporal.NAMES, *OWN]


class DatabaseFigures(Collector):
    """The figures of `watch.figures`, kept as long as each allows."""

    def __init__(self, engine: Engine, clock: Clock, figures: Sequence[Figure] = FIGURES) -> None:
        self._engine, self._clock, self._figures = engine, clock, figures
        self._one_reader = threading.Lock()
        self._kept: dict[Figure | None, tuple[float, list[Metric]]] = {}
        self._took: dict[str, float] = {}
        self._failed: dict[str, bool] = {}
        self._away = False
        """In this collection: who waited once for a database that does not answer waits for no other figure."""

    def describe(self) -> Iterable[Metric]:
        """Nothing is read at registration."""
        return []

    def collect(self) -> Iterable[Metric]:
        """All figures, as of now or as of the last time they were read."""
        with self._one_reader:
            self._away = False
            shown = [metric for figure in self._figures for metric in self._of(figure)]
            up = not self._failed or not all(self._failed.values())
            return [*shown, _gauge(DATABASE_UP, [([], float(up))]), *self._own()]

    def _of(self, figure: Figure) -> list[Metric]:
        read_at, metrics = self._kept.get(figure, (float("-inf"), []))
        if time.monotonic() - read_at >= figure.keep:
            metrics = self._read(figure)
            self._kept[figure] = (time.monotonic(), metrics)
        return metrics

    def _read(self, figure: Figure) -> list[Metric]:
        name, begun = figure.names[0][0], time.monotonic()
        rows = None if self._away else self._ask(figure, name)
        self._failed[name] = rows is None
        if rows is None:
            return []
        self._took[name] = time.monotonic() - begun
        return [
            _family(metric, help_, figure.labels, [(labels, values[n]) for labels, values in rows])
            for n, (metric, help_) in enumerate(figure.names)
        ]

    def _ask(self, figure: Figure, name: str) -> list[tuple[tuple[str, ...], tuple[float, ...]]] | None:
        """What the database says; None where it does not."""
        try:
            conn = self._engine.connect()
        except SQLAlchemyError:
            log.warning("the database does not answer", exc_info=True)
            self._away = True
            return None
        try:
            with conn, conn.begin():
                conn.exec_driver_sql(_QUERY)
                return figure.read(conn, self._now())
        except SQLAlchemyError:
            log.warning("figure not read", figure=name, exc_info=True)
            return None

    def _now(self) -> Moment:
        real = datetime.now(UTC)
        business = self._clock.business(real)
        return Moment(real, business, business.astimezone(_OFFICE).date(), self._clock.scale)

    def _own(self) -> list[Metric]:
        return [
            _family(FAILED, OWN[FAILED], ["figure"], [([name], failed) for name, failed in self._failed.items()]),
            _family(TOOK, OWN[TOOK], ["figure"], [([name], took) for name, took in self._took.items()]),
        ]


class TemporalFigures(Collector):
    """The figures of `watch.temporal`. `connect` is asked again until it gives a client."""

    def __init__(self, connect: Callable[[], Awaitable[Client]], schedules: Sequence[str]) -> None:
        self._connect, self._schedules = connect, schedules
        self._one_reader = threading.Lock()
        self._client: Client | None = None
        self._read_at, self._kept = float("-inf"), list[Metric]()
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="temporal", daemon=True).start()

    def describe(self) -> Iterable[Metric]:
        """Nothing is asked at registration."""
        return []

    def collect(self) -> Iterable[Metric]:
        """All figures, as of now or as of the last time they were read."""
        with self._one_reader:
            if time.monotonic() - self._read_at >= TEMPORAL_KEPT:
                self._kept = self._read()
                self._read_at = time.monotonic()
            return self._kept

    def _read(self) -> list[Metric]:
        asking = asyncio.run_coroutine_threadsafe(asyncio.wait_for(self._ask(), _PATIENCE), self._loop)
        try:
            samples = asking.result()
        except (RPCError, RuntimeError, TimeoutError):
            log.warning("Temporal does not answer", exc_info=True)
            return [_gauge(TEMPORAL_UP, [([], 0.0)])]
        families = {name: _family(name, help_, [], []) for name, help_ in temporal.NAMES.items()}
        for name, labels, value in samples:
            families[name].add_sample(name, labels, value)
        return [*families.values(), _gauge(TEMPORAL_UP, [([], 1.0)])]

    async def _ask(self) -> list[temporal.Sample]:
        if self._client is None:
            self._client = await self._connect()
        return await temporal.read(self._client, self._schedules, datetime.now(UTC))


def registry(*collectors: Collector) -> CollectorRegistry:
    """What is served."""
    made = CollectorRegistry()
    for collector in collectors:
        made.register(collector)
    return made


def as_text(of: CollectorRegistry) -> str:
    """Prometheus text, as a scrape gets it."""
    return generate_latest(of).decode()


def serve(of: CollectorRegistry, host: str, port: int) -> Callable[[], None]:
    """Serve on GET /metrics until what is returned is called. Raises `BadInput` where the port cannot be had."""
    try:
        server, thread = start_http_server(port, host, of)
    except OSError as error:
        raise BadInput(
            f"REGUA_FIGURES_PORT: {host}:{port} cannot be listened on ({error.strerror}); name a free port"
        ) from error

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return stop


def _gauge(name: str, rows: Sequence[tuple[Sequence[str], float]]) -> Metric:
    return _family(name, OWN[name], [], rows)


def _family(name: str, help_: str, labels: Sequence[str], rows: Iterable[tuple[Sequence[str], float]]) -> Metric:
    family = GaugeMetricFamily(name, help_, labels=labels)
    for values, value in rows:
        family.add_metric(values, value)
    return family

"""Serving the figures of an installation, or showing them once."""

from __future__ import annotations

import signal
import threading

from prometheus_client import CollectorRegistry

from starter.installation import Installation, installation, temporal
from starter.schedules import SCHEDULES
from watch import exporter


def figures(house: Installation) -> CollectorRegistry:
    """The figures of the database and of Temporal."""
    return exporter.registry(
        exporter.DatabaseFigures(house.engine, house.clock),
        exporter.TemporalFigures(lambda: temporal(house.settings), SCHEDULES),
    )


def show() -> str:
    """The figures of now, as Prometheus text."""
    with installation() as house:
        return exporter.as_text(figures(house))


def serve() -> None:
    """Serve the figures on `bind` and `figures_port` until SIGTERM or SIGINT."""
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with installation() as house:
        stop = exporter.serve(figures(house), house.settings.bind, house.settings.figures_port)
        ended.wait()
        stop()

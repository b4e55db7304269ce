"""An installation as a command sees it: settings, database, clock, and the way to Temporal."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, TextIO, cast
from zoneinfo import ZoneInfo

import structlog

from db.embedded import EmbeddedPostgres
from db.engine import make_engine, read_clock
from domain.errors import Unavailable
from gateways.logs import configure_logs
from gateways.settings import Settings, load_settings, temporal_config

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from temporalio.client import Client

    from activities.world import World
    from domain.clock import Clock

OFFICE = ZoneInfo("America/Sao_Paulo")
"""Where the office is: lists and batches count its days; a case counts those of its debtor."""


class _StandardError(io.TextIOBase):
    """Standard error as it is when something is written: commands are also run inside other programs."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)


@dataclass(frozen=True)
class Installation:
    """What one command works with. `today` is the office's business day, `now` business time in UTC."""

    settings: Settings
    engine: Engine
    clock: Clock

    @property
    def now(self) -> datetime:
        return self.clock.business(datetime.now(UTC))

    @property
    def today(self) -> date:
        return self.now.astimezone(OFFICE).date()


def database_url(settings: Settings) -> str:
    """The configured database, else the embedded one of the state directory."""
    return settings.database_url or EmbeddedPostgres(settings.state_dir).url()


@contextmanager
def installation(settings: Settings | None = None) -> Iterator[Installation]:
    """The installation that the settings name. Its connections are given back at the end.

    Raises `BadInput` for settings that cannot be used, SQLAlchemy's errors where the database is away or has no tables.
    """
    if not structlog.is_configured():
        configure_logs(cast(TextIO, _StandardError()), logging.WARNING)
    settings = settings or load_settings()
    engine = make_engine(database_url(settings))
    try:
        yield Installation(settings, engine, read_clock(engine))
    finally:
        engine.dispose()


@contextmanager
def world_of(house: Installation) -> Iterator[World]:
    """What activities are given, for a command that calls one itself."""
    from activities.registry import build_world

    world = build_world(house.settings, database_url(house.settings))
    try:
        yield world
    finally:
        world.engine.dispose()


async def temporal(settings: Settings) -> Client:
    """A client of the installation's Temporal server. Raises `Unavailable` if it does not answer."""
    from gateways.temporal import connect

    try:
        return await connect(settings)
    except RuntimeError:
        address = temporal_config().get("target_host") or settings.embedded_temporal_address
        text = f"Temporal does not answer at {address}; start it with `regua up`, or check TEMPORAL_ADDRESS"
        raise Unavailable("temporal-away", text) from None

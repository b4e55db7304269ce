"""What an installation has and what it lacks; what it lacks can be set up."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from db import migrate
from db.engine import make_engine, read_clock
from db.rows import CLOCK
from domain.clock import PRODUCTION, Clock
from domain.errors import Unavailable
from gateways.settings import Settings
from gateways.temporal import add_search_attributes, missing_search_attributes
from starter.installation import database_url, temporal
from starter.schedules import ensure_schedules, missing_schedules

State = Literal["ok", "missing", "off"]
_COMES_BACK_WITHIN = 15.0
"""Real seconds in which an embedded server that ended is serving again."""


@dataclass(frozen=True)
class Check:
    """One thing looked at: in order, missing (the installation does not work without it), or off by choice."""

    what: str
    state: State
    found: str


def examine(settings: Settings, *, fix: bool) -> list[Check]:
    """Look at everything, after setting up what can be with `fix`."""
    return [*_database(settings, fix), *asyncio.run(_temporal(settings, fix)), *_providers(settings)]


def prepare_database(url: str) -> None:
    """Bring the database to this version: all migrations, and the clock, which is real time unless one was set."""
    engine = make_engine(url)
    try:
        migrate.upgrade(engine)
        row = {"id": 1, **vars(PRODUCTION)}
        with engine.begin() as conn:
            conn.execute(insert(CLOCK).values(row).on_conflict_do_nothing(index_elements=["id"]))
    finally:
        engine.dispose()


async def prepare_temporal(settings: Settings, clock: Clock) -> None:
    """Bring Temporal to this version: search attributes and schedules. Raises `Unavailable`, `RPCError`."""
    deadline = time.monotonic() + _COMES_BACK_WITHIN
    while True:
        try:
            client = await temporal(settings)
            await add_search_attributes(client)
            await ensure_schedules(client, clock)
        except (RPCError, Unavailable) as error:
            # A server that ends while the stack starts is started again: everything here may be done twice.
            away = isinstance(error, Unavailable) or error.status is RPCStatusCode.UNAVAILABLE
            if not away or time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.5)
        else:
            return


def _database(settings: Settings, fix: bool) -> list[Check]:
    url = database_url(settings)
    engine = make_engine(url)
    try:
        with engine.connect() as conn:
            version = str(conn.execute(text("SHOW server_version")).scalar_one())
        if fix:
            prepare_database(url)
        lacking = migrate.missing(engine)
        found = [Check("PostgreSQL", "ok", f"version {version}"), _wanted("migrations", lacking, "up to date")]
        if lacking:
            return found
        with engine.connect() as conn:
            row = conn.execute(CLOCK.select()).one_or_none()
        if row is None:
            return [*found, Check("clock", "missing", "not set")]
        pace = "real time" if row.scale == 1 else f"{row.scale:g} business seconds a second"
        return [*found, Check("clock", "ok", pace)]
    except SQLAlchemyError:
        where = "REGUA_DATABASE_URL" if settings.database_url else "the embedded server; start it with `regua up`"
        return [Check("PostgreSQL", "missing", f"does not answer at {where}")]
    finally:
        engine.dispose()


async def _temporal(settings: Settings, fix: bool) -> list[Check]:
    try:
        client = await temporal(settings)
    except Unavailable as error:
        return [Check("Temporal", "missing", str(error))]
    found = [Check("Temporal", "ok", f"{client.service_client.config.target_host}, namespace {client.namespace}")]
    try:
        if fix:
            await prepare_temporal(settings, _clock(settings))
        return found + await _set_up(client)
    except RPCError as error:
        return [*found, Check("search attributes, schedules", "missing", f"Temporal refused: {error.status.name}")]


async def _set_up(client: Client) -> list[Check]:
    attributes = [key.name for key in await missing_search_attributes(client)]
    return [
        _wanted("search attributes", attributes, "all there"),
        _wanted("schedules", await missing_schedules(client), "all there"),
    ]


def _clock(settings: Settings) -> Clock:
    engine = make_engine(database_url(settings))
    try:
        return read_clock(engine)
    except SQLAlchemyError:
        return PRODUCTION
    finally:
        engine.dispose()


def _wanted(what: str, lacking: list[str], well: str) -> Check:
    return Check(what, "missing" if lacking else "ok", ", ".join(lacking) if lacking else well)


def _providers(settings: Settings) -> list[Check]:
    """What goes out and comes in. Without a provider its channel is off, and `regua up` puts the sandbox there."""
    cra = settings.cra_url or (f"folder {settings.cra_folder}" if settings.cra_folder else "")
    return [
        _provider(
            "e-mail", bool(settings.sendgrid_key.get_secret_value()), settings.sendgrid_host, "REGUA_SENDGRID_KEY"
        ),
        _provider(
            "e-mail events", bool(settings.sendgrid_webhook_public_key), "signed", "REGUA_SENDGRID_WEBHOOK_PUBLIC_KEY"
        ),
        _provider("SMS", bool(settings.twilio_account_sid), settings.twilio_base_url, "REGUA_TWILIO_ACCOUNT_SID"),
        _provider("CRA", bool(cra), cra, "REGUA_CRA_URL or REGUA_CRA_FOLDER"),
        _provider("webhooks", bool(settings.public_url), settings.public_url, "REGUA_PUBLIC_URL"),
    ]


def _provider(what: str, configured: bool, where: str, variable: str) -> Check:
    return Check(what, "ok", where) if configured else Check(what, "off", f"not configured; set {variable}")

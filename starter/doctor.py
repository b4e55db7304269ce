"""What an installation has and what it lacks; what it lacks can be set up."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import SecretStr
from sqlalchemy import Engine, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from activities.registry import pix_gateways
from audit.anchor import load_keys
from db import migrate
from db.engine import make_engine, read_clock
from db.rows import CLOCK, CREDITOR
from db.settings import CreditorSettings
from domain.clock import PRODUCTION, Clock
from domain.errors import BadFile, BadInput, Unavailable
from gateways.codec import load_codec
from gateways.settings import PARTNERS, PREFIX, Settings
from gateways.temporal import add_search_attributes, missing_search_attributes
from privacy.periods import load_rules
from starter.installation import database_url, temporal
from starter.schedules import ensure_schedules, missing_schedules

State = Literal["ok", "missing", "off"]
_ROOM = 0.2
"""GiB that must be free where letters and evidence are kept; with less the next large file stops work."""
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
    database = _database(settings, fix)
    ready = all(check.state == "ok" for check in database)
    own = _creditors(settings) if ready else []
    return [*database, *asyncio.run(_temporal(settings, fix)), *keeping(settings), *_providers(settings), *own]


def _creditors(settings: Settings) -> list[Check]:
    engine = make_engine(database_url(settings))
    try:
        return creditor_checks(engine, settings)
    finally:
        engine.dispose()


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


# --- what keeps evidence ---------------------------------------------------------------------------------------------
def keeping(settings: Settings) -> list[Check]:
    """Directories, keys and periods: without them nothing stops today, and something cannot be proved later."""
    folders = {"files": settings.state_dir, "documents": settings.documents_dir, "anchors": settings.anchors_dir}
    return [
        *(_folder(name, path) for name, path in folders.items()),
        _keys("daily seal", load_keys, settings, "REGUA_ANCHOR_KEY", "a rewritten ledger cannot be proved"),
        _keys("encrypted histories", load_codec, settings, "REGUA_CODEC_KEY", "histories show ids and amounts"),
        _periods(settings),
    ]


def _folder(what: str, path: Path) -> Check:
    """Can a file be written there, and is there room?"""
    there = next(one for one in (path.absolute(), *path.absolute().parents) if one.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            free = shutil.disk_usage(there).free / 2**30
    except OSError as error:
        return Check(what, "missing", f"{path} cannot be written ({type(error).__name__}); see its owner, or mount it")
    short = free < _ROOM
    return Check(what, "missing" if short else "ok", f"{path}, {free:.1f} GiB free" + (": make room" if short else ""))


def _keys(what: str, load: Callable[[Settings], object], settings: Settings, variable: str, without: str) -> Check:
    try:
        found = load(settings)
    except BadInput as wrong:
        return Check(what, "missing", str(wrong).splitlines()[0])
    return Check(what, "ok", "has a key") if found else Check(what, "off", f"no {variable} (or its _FILE): {without}")


def _periods(settings: Settings) -> Check:
    try:
        load_rules(settings)
    except (BadInput, BadFile) as wrong:
        return Check("retention", "missing", str(wrong).splitlines()[0])
    table = settings.retention_file or "the packaged periods"
    return Check("retention", "ok", f"{table}, {'erased weekly' if settings.erase_automatically else 'listed weekly'}")


# --- providers -------------------------------------------------------------------------------------------------------
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
        _all_of("SMS", settings.twilio_base_url, _TWILIO, settings),
        _all_of("WhatsApp", settings.twilio_base_url, _TWILIO, settings),
        _all_of("voice", settings.twilio_base_url, (*_TWILIO, "public_url"), settings),
        _all_of("replies by e-mail", settings.reply_domain, _REPLIES, settings),
        _all_of("replies by telephone", "signed", ("twilio_auth_token", "public_url"), settings),
        *_pix(settings),
        _provider("CRA", bool(cra), cra, "REGUA_CRA_URL or REGUA_CRA_FOLDER"),
        *(_answers(who, settings) for who in PARTNERS),
        _provider("webhooks", bool(settings.public_url), settings.public_url, "REGUA_PUBLIC_URL"),
    ]


_TWILIO = ("twilio_account_sid", "twilio_auth_token")
_REPLIES = ("reply_domain", "public_url", "sendgrid_parse_secret|sendgrid_parse_public_key")
"""What replies by e-mail need; of names parted by a bar, one."""


def _all_of(what: str, where: str, names: Sequence[str], settings: Settings) -> Check:
    """In order where every setting is there; else off, and which ones are missing."""
    lacking = [
        " or ".join(f"{PREFIX}{each.upper()}" for each in name.split("|")) for name in names
        if not any(_is_set(getattr(settings, each)) for each in name.split("|"))
    ]  # fmt: skip
    return Check(what, "off", f"not configured; set {', '.join(lacking)}") if lacking else Check(what, "ok", where)


def _answers(who: str, settings: Settings) -> Check:
    """The door of a partner, and until when his former secret still opens it."""
    until: date | None = getattr(settings, f"{who}_former_until")
    where = f"/webhooks/partners/{who}" + (f", the former secret counts until {until}" if until else "")
    return _all_of(f"answers of {who}", where, (f"{who}_secret", "public_url"), settings)


def _is_set(value: object) -> bool:
    return bool(value.get_secret_value() if isinstance(value, SecretStr) else value)


def _pix(settings: Settings) -> list[Check]:
    """The banks' API Pix: how many accounts, and whether they can tell of payments at once."""
    try:
        names = sorted(pix_gateways(settings))
    except BadInput as wrong:
        return [Check("Pix", "missing", str(wrong).splitlines()[0])]
    if not names:
        off = f"not configured; set {PREFIX}PIX_URL (or {PREFIX}PIX_ACCOUNTS): debts are paid as how_to_pay says"
        return [Check("Pix", "off", off)]
    told = _all_of("Pix webhook", "/webhooks/pix/…", ("public_url", "pix_webhook_token"), settings)
    late = replace(told, found=f"{told.found}; until then payments are found by asking the bank")
    return [Check("Pix", "ok", f"accounts: {', '.join(names)}"), late if told.state == "off" else told]


def creditor_checks(engine: Engine, settings: Settings) -> list[Check]:
    """What each creditor switched on and cannot use yet, and why."""
    with engine.connect() as conn:
        rows = conn.execute(select(CREDITOR.c.code, CREDITOR.c.settings).order_by(CREDITOR.c.code)).all()
    found = []
    for row in rows:
        own = CreditorSettings.model_validate(row.settings)
        why = [*_whatsapp_lacks(own), *_pix_lacks(own, settings)]
        if own.voice and not settings.public_url:
            why.append(f"voice: {PREFIX}PUBLIC_URL is not set, so no call can ask for its script")
        if own.whatsapp or own.voice or own.pix:
            on = [name for name in ("whatsapp", "voice", "pix") if getattr(own, name)]
            found.append(Check(f"creditor {row.code}", "missing" if why else "ok", "; ".join(why) or ", ".join(on)))
    return found


def _whatsapp_lacks(own: CreditorSettings) -> list[str]:
    if own.whatsapp is None:
        return []
    lacking = [] if own.whatsapp.acknowledged else ["WhatsApp: nobody acknowledged the platform's policy"]
    if not own.whatsapp.templates:
        lacking.append("WhatsApp: no template is approved; see `regua letters whatsapp`")
    return lacking


def _pix_lacks(own: CreditorSettings, settings: Settings) -> list[str]:
    if own.pix is None or own.pix.mode != "api":
        return []
    try:
        known = pix_gateways(settings)
    except BadInput:
        return []  # said once, for the installation
    return [] if own.pix.account in known else [f"Pix: no access to the account {own.pix.account} is configured"]


def _provider(what: str, configured: bool, where: str, variable: str) -> Check:
    return Check(what, "ok", where) if configured else Check(what, "off", f"not configured; set {variable}")

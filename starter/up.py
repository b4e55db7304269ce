"""The embedded installation: which services run, and what each is told by its environment.

Where no real provider is configured the sandbox stands in for it; nothing then leaves this machine.
"""

from __future__ import annotations

import asyncio
import json
import urllib.request
from dataclasses import replace
from pathlib import Path

from db.embedded import Service
from db.engine import make_engine, read_clock
from domain.clock import Clock
from domain.errors import Unavailable
from gateways.settings import Settings
from sandbox.callbacks import public_key
from sandbox.replies import PARSE_SECRET
from sandbox.state import (
    CRA_PASSWORD,
    CRA_USER,
    PIX_CLIENT_ID,
    PIX_CLIENT_SECRET,
    PIX_WEBHOOK_TOKEN,
    SENDGRID_KEY,
    TWILIO_SID,
    TWILIO_TOKEN,
)
from starter.doctor import prepare_database, prepare_temporal
from starter.embedded import kept_port
from starter.installation import database_url
from starter.stack import Stack, python_service, worker_service


def run(settings: Settings) -> None:
    """Run everything until Ctrl-C. Raises `BadInput` where another stack has the directory, `Unavailable`."""
    parts = services(settings)
    if any(service.name == "sandbox" for service in parts):
        print("No real provider for some channels: the sandbox stands in, what it takes leaves this machine nowhere")
    Stack(settings, parts, prepare_database=prepare_database).run()


def services(settings: Settings) -> list[Service]:
    """Sandbox (if it stands in for anybody), webhooks and worker, in the order in which they start."""
    stand_ins = sandbox_environment(settings)
    public_url = settings.public_url or webhooks_url(settings)
    environment = {"REGUA_PUBLIC_URL": public_url, **stand_ins}
    url = webhooks_url(settings)
    webhooks = python_service(settings, "webhooks", "starter.webhooks", ready=f"{url}/health", env=environment)
    worker = replace(
        worker_service(settings, environment), before=lambda: _before_the_worker(settings, bool(stand_ins))
    )
    return [*([sandbox(settings)] if stand_ins else []), webhooks, worker]


def webhooks_url(settings: Settings) -> str:
    """Where the webhooks listen, as seen from this machine."""
    return f"http://127.0.0.1:{settings.webhook_port}"


def sandbox_url(settings: Settings) -> str:
    """Where the sandbox listens; a free port is chosen once for a state directory."""
    port = kept_port(settings.state_dir.resolve() / "ports" / "sandbox", settings.sandbox_port)
    return f"http://127.0.0.1:{port}"


def sandbox(settings: Settings) -> Service:
    """The sandbox as a service over its folder in the state directory."""
    url, folder = sandbox_url(settings), _folder(settings)
    arguments = ("--port", url.rpartition(":")[2], "--data", str(folder), "--callbacks", webhooks_url(settings))
    public = ("--public-url", settings.public_url) if settings.public_url else ()
    return python_service(settings, "sandbox", "sandbox", *arguments, *public, ready=f"{url}/sandbox/keys", data=folder)


def sandbox_environment(settings: Settings) -> dict[str, str]:
    """The settings by which services find the sandbox, for those providers that are not configured."""
    url = sandbox_url(settings)
    environment: dict[str, str] = {}
    if not settings.sendgrid_key.get_secret_value():
        environment |= {
            "REGUA_SENDGRID_KEY": SENDGRID_KEY,
            "REGUA_SENDGRID_HOST": url,
            "REGUA_SENDGRID_WEBHOOK_PUBLIC_KEY": public_key(_folder(settings)),
            "REGUA_SENDGRID_PARSE_SECRET": PARSE_SECRET,
            "REGUA_REPLY_DOMAIN": "respostas.example.com",
        }
    if not settings.twilio_account_sid:
        environment |= {
            "REGUA_TWILIO_ACCOUNT_SID": TWILIO_SID,
            "REGUA_TWILIO_AUTH_TOKEN": TWILIO_TOKEN,
            "REGUA_TWILIO_BASE_URL": url,
        }
    if not settings.cra_url and not settings.cra_folder:
        environment |= {
            "REGUA_CRA_URL": f"{url}/crasp/xml/protestos.php",
            "REGUA_CRA_USER": CRA_USER,
            "REGUA_CRA_PASSWORD": CRA_PASSWORD,
        }
    # A code that no bank knows must never reach a debtor: only where no message leaves this machine either.
    if not settings.pix_url and "REGUA_SENDGRID_KEY" in environment and "REGUA_TWILIO_ACCOUNT_SID" in environment:
        environment |= {
            "REGUA_PIX_URL": f"{url}/pix/api",
            "REGUA_PIX_TOKEN_URL": f"{url}/pix/oauth/token",
            "REGUA_PIX_CLIENT_ID": PIX_CLIENT_ID,
            "REGUA_PIX_CLIENT_SECRET": PIX_CLIENT_SECRET,
            "REGUA_PIX_WEBHOOK_TOKEN": PIX_WEBHOOK_TOKEN,
        }
    return environment


def _folder(settings: Settings) -> Path:
    folder = settings.state_dir.resolve() / "sandbox"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _before_the_worker(settings: Settings, with_sandbox: bool) -> None:
    """When all servers run: the schedules, and the installation's clock for the sandbox's notary."""
    engine = make_engine(database_url(settings))
    try:
        clock = read_clock(engine)
    finally:
        engine.dispose()
    asyncio.run(prepare_temporal(settings, clock))
    if with_sandbox and clock.scale != 1:
        _set_clock(f"{sandbox_url(settings)}/sandbox/clock", clock)


def _set_clock(url: str, clock: Clock) -> None:
    body = {
        "real_origin": clock.real_origin.isoformat(),
        "business_origin": clock.business_origin.isoformat(),
        "scale": clock.scale,
    }
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})  # noqa: S310
    try:
        urllib.request.urlopen(request, timeout=5).close()  # noqa: S310
    except OSError as error:
        raise Unavailable("not-started", "the sandbox did not take the clock; see its log") from error

"""Which worker runs what: one task queue for the cases, one per provider account with its rate limit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Engine, false, func, select
from temporalio.client import Client

from activities.contact import Contacts
from activities.courier import Courier, threadsafe
from activities.decide import Decisions
from activities.intake import Intake
from activities.legal import LegalHandOver
from activities.listing import Listings
from activities.negotiation import Negotiations
from activities.notice import Notices
from activities.outside import Outside
from activities.pix_poll import PixPoll
from activities.protest import Protests
from activities.protest_batch import FILES_A_DAY, ProtestBatch
from activities.templates import Templates
from activities.world import World
from contract.names import CASES_QUEUE, EMAIL_QUEUE, PROTEST_QUEUE, SMS_QUEUE, VOICE_QUEUE, WHATSAPP_QUEUE
from db.engine import make_engine, read_clock
from db.rows import CRA_FILE, ORDER, TITLE
from domain.calendars import is_notary_day
from domain.case import LIVE
from domain.clock import Clock
from gateways.cra import Awaited, CraTransport, FolderCra, HttpCra
from gateways.documents import DocumentStore
from gateways.email import SendGridEmail
from gateways.observed import observed
from gateways.partners import FolderPartner, Partner, WebhookPartner
from gateways.pix import BacenPix, PixGateway
from gateways.pix_accounts import PRINCIPAL, PixAccount, read_accounts
from gateways.settings import Settings
from gateways.sms import TwilioSms
from gateways.temporal import WorkerSpec
from gateways.voice import TwilioVoice
from gateways.whatsapp import TwilioTemplates, TwilioWhatsApp

_Gateway = TypeVar("_Gateway")
_PROVIDER_SECONDS = 8.0
"""Time-out of one call to a provider; the activities' own limits are longer (`workflows.options`)."""
_PIX_SECONDS = 4.0
"""A new code can take three calls (token, removal of the old one, charge) before the message that shows it."""


def build_world(settings: Settings, database_url: str) -> World:
    """The world of this process, without a courier: stored facts wait for the sweep unless somebody delivers them."""
    engine = make_engine(database_url)
    return world_on(engine, read_clock(engine), settings)


def world_on(engine: Engine, clock: Clock, settings: Settings) -> World:
    """The same on a database that is connected already."""
    return World(
        engine=engine,
        clock=clock,
        documents=DocumentStore(settings.documents_dir),
        email=observed(
            "sendgrid",
            SendGridEmail(settings.sendgrid_key.get_secret_value(), settings.sendgrid_host, _PROVIDER_SECONDS),
        ),
        sms=observed(
            "twilio-sms",
            TwilioSms(
                settings.twilio_account_sid,
                settings.twilio_auth_token.get_secret_value(),
                settings.twilio_base_url,
                _PROVIDER_SECONDS,
            ),
        ),
        whatsapp=_observed_if("twilio-whatsapp", telephony(settings, TwilioWhatsApp)),
        voice=_observed_if("twilio-voice", telephony(settings, TwilioVoice)),
        cra=observed("cra", cra_transport(settings, engine, clock)),
        letters=settings.state_dir / "letters",
        callbacks=settings.public_url,
        unknown_for=settings.unknown_for,
        pix={name: observed("pix", gateway) for name, gateway in pix_gateways(settings).items()},
        pix_webhook=pix_webhook(settings),
        reply_domain=settings.reply_domain,
        partners=partners(settings),
    )


def _observed_if(provider: str, gateway: _Gateway | None) -> _Gateway | None:
    return observed(provider, gateway) if gateway else None


def telephony(settings: Settings, make: Callable[[str, str, str, float], _Gateway]) -> _Gateway | None:
    """A gateway of the telephone provider's account; None where there is no account."""
    token = settings.twilio_auth_token.get_secret_value()
    if not settings.twilio_account_sid or not token:
        return None
    return make(settings.twilio_account_sid, token, settings.twilio_base_url, _PROVIDER_SECONDS)


def partners(settings: Settings) -> dict[str, Partner]:
    """The roads that are configured to those who act for a case outside; a webhook before a folder."""
    folders = {"central": settings.central_folder, "bureau": settings.bureau_folder}
    roads: dict[str, Partner] = {to: FolderPartner(folder) for to, folder in folders.items() if folder}
    urls = {
        "legal": settings.legal_url, "agency": settings.agency_url, "central": settings.central_url,
        "bureau": settings.bureau_url,
    }  # fmt: skip
    roads |= {to: WebhookPartner(url, settings.secret_of(to), _PROVIDER_SECONDS) for to, url in urls.items() if url}
    return {to: observed(f"partner-{to}", road) for to, road in roads.items()}


def pix_webhook(settings: Settings) -> str:
    """Where the bank tells of Pix that came in; empty where nothing can be told, and only the poll finds out."""
    token = settings.pix_webhook_token.get_secret_value()
    return f"{settings.public_url}/webhooks/pix/{token}" if settings.public_url and token else ""


def pix_gateways(settings: Settings) -> dict[str, PixGateway]:
    """The ways to the banks' API Pix by the names of the accounts. Raises BadInput where their file is wrong."""
    accounts = read_accounts(settings.pix_accounts) if settings.pix_accounts else {}
    if settings.pix_url:
        accounts[PRINCIPAL] = PixAccount(
            url=settings.pix_url,
            token_url=settings.pix_token_url,
            client_id=settings.pix_client_id,
            client_secret=settings.pix_client_secret,
            certificate=settings.pix_certificate,
            certificate_key=settings.pix_certificate_key,
        )
    return {name: _at_bank(account) for name, account in accounts.items()}


def _at_bank(account: PixAccount) -> PixGateway:
    files = (account.certificate, account.certificate_key)
    pair = (files[0], files[1]) if files[0] and files[1] else None
    return BacenPix(account.url, account.token_url, account.client_id, account.secret(), pair, _PIX_SECONDS)


def cra_transport(settings: Settings, engine: Engine, clock: Clock) -> CraTransport:
    """The way to the CRA: its web service where one is configured, else a pair of watched folders."""
    if settings.cra_url:
        password = settings.cra_password.get_secret_value()

        def wanted(state: str) -> list[Awaited]:
            return awaited(engine, clock.business(datetime.now(UTC)).date(), state)

        return HttpCra(settings.cra_url, settings.cra_user, password, wanted, _PROVIDER_SECONDS)
    folder: Path = settings.cra_folder or settings.state_dir / "cra"
    return FolderCra(folder / "out", folder / "in")


def awaited(engine: Engine, today: date, state: str = "") -> list[Awaited]:
    """What one state's CRA may still answer: every notary day since the oldest title that is out, and of our
    remittances those whose confirmation was not taken in."""
    oldest = (
        select(CRA_FILE.c.presenter, func.min(CRA_FILE.c.business_day).label("since"))
        .join(ORDER, ORDER.c.file_id == CRA_FILE.c.id)
        .join(TITLE, TITLE.c.id == ORDER.c.title_id)
        .where(CRA_FILE.c.cra == state, TITLE.c.state.in_((*LIVE, "registered")))
        .group_by(CRA_FILE.c.presenter)
    )
    kinds = ((CRA_FILE.c.direction == "out") & (CRA_FILE.c.kind == "B")) | (
        (CRA_FILE.c.direction == "in") & (CRA_FILE.c.kind == "C") & (CRA_FILE.c.state == "taken-in")
    )
    files = select(CRA_FILE).where(CRA_FILE.c.cra == state, kinds)
    with engine.connect() as conn:
        since = {row.presenter: row.since for row in conn.execute(oldest)}
        recent = files.where(CRA_FILE.c.business_day >= min(since.values())) if since else files.where(false())
        known = {(row.kind, row.presenter, row.business_day, row.sequence) for row in conn.execute(recent)}
    sent = {key[1:] for key in known if key[0] == "B"} - {key[1:] for key in known if key[0] == "C"}
    return [
        Awaited(presenter, day, tuple(n for n in range(1, FILES_A_DAY + 1) if (presenter, day, n) in sent))
        for presenter, first in since.items()
        for n in range((today - first).days + 1)
        if is_notary_day(day := first + timedelta(days=n))
    ]


def worker_specs(
    settings: Settings,
    client: Client,
    world: World,
    workflows: Sequence[type],
    beside: Sequence[Callable[..., Any]] = (),
) -> list[WorkerSpec]:
    """What each queue's worker runs, `beside` among it (errands of other rooms, such as the auditor's).

    Call it on the event loop that the workers run on.
    """
    courier = Courier(client, world.engine, world.clock)
    told = World(**{**vars(world), "deliver": threadsafe(courier, asyncio.get_running_loop())})
    contact, notice, batch, intake = Contacts(told), Notices(told), ProtestBatch(told), Intake(told, courier)
    hand_over = LegalHandOver(told)
    templates = Templates(told, _observed_if("twilio-templates", telephony(settings, TwilioTemplates)))
    at_home: list[Callable[..., Any]] = [
        hand_over.agency, Negotiations(told).negotiate, Listings(told).list, Outside(told).tell,
        Decisions(told).decide, Protests(told).protest, hand_over.legal, contact.contact, notice.notice,
        intake.scan, intake.sweep, PixPoll(told).poll_pix, templates.ask_templates, *beside,
    ]  # fmt: skip
    return [
        WorkerSpec(CASES_QUEUE, workflows, at_home),
        WorkerSpec(EMAIL_QUEUE, [], [contact.contact, notice.notice], settings.email_per_second),
        WorkerSpec(SMS_QUEUE, [], [contact.contact, notice.notice], settings.sms_per_second),
        WorkerSpec(WHATSAPP_QUEUE, [], [contact.contact, notice.notice], settings.whatsapp_per_second),
        WorkerSpec(VOICE_QUEUE, [], [contact.contact], settings.calls_per_second),
        WorkerSpec(PROTEST_QUEUE, [], batch.activities),
    ]

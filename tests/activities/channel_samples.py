"""A creditor who writes by WhatsApp and calls, and a case whose step names the channels to be tried."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from firm_samples import DUE, HEAD, TODAY, TUESDAY, Office
from people import new_case_row, set_creditor
from sqlalchemy import Engine, select, update

from activities.contact import Contacts
from activities.desk import pinned_policy
from activities.world import World
from contract.messages import Next
from db.rows import CASE, CONTACT_POINT
from domain.clock import Clock
from domain.policy_file import parse_policy
from gateways.cra import FolderCra
from gateways.documents import DocumentStore
from gateways.email import SendGridEmail
from gateways.sms import TwilioSms
from gateways.voice import TwilioVoice
from gateways.whatsapp import Template, TwilioTemplates, TwilioWhatsApp
from letters.whatsapp import frame
from sandbox.server import Sandbox
from sandbox.state import SENDGRID_KEY, TWILIO_SID, TWILIO_TOKEN

TEXT = "atraso-cordial"
PHONE, EMAIL = "+5511900000001", "contas@devedora.example.com"
OURS = "+551130000000"
CHANNELS = ("email", "sms", "whatsapp", "voice")
ACKNOWLEDGED = {"policy_acknowledged_by": "ana", "policy_acknowledged_on": "2026-03-01"}


def approved(sandbox: Sandbox, text_id: str = TEXT) -> str:
    """A template for a text that the platform has approved; its ContentSid."""
    templates = TwilioTemplates(TWILIO_SID, TWILIO_TOKEN, sandbox.url)
    name = f"regua_{text_id.replace('-', '_')}"
    body = frame(text_id)
    variables = {str(number): f"exemplo {number}" for number in range(1, body.count("{{") + 1)}
    sid = templates.create(Template(name, body, variables))
    templates.request_approval(sid, name)
    deadline = time.monotonic() + 10
    while templates.approval(sid).status != "approved":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return sid


def whatsapp(sid: str, **changes: Any) -> dict[str, Any]:
    """The creditor's settings for WhatsApp."""
    return {"sender": OURS, "templates": {TEXT: sid}, **ACKNOWLEDGED, **changes}


class Post(Office):
    """A case whose contact step is due."""

    def post(self) -> Next:
        """Perform the contact."""
        return self.perform(Contacts(self.world).contact)

    def agree(self, **settings: Any) -> None:
        """What the creditor decides."""
        set_creditor(self.world.engine, self.ids.creditor, **settings)

    def crashing(self, name: str, gateway: Any) -> None:
        """From now on another gateway stands for a channel."""
        self.world = replace(self.world, **{name: gateway})

    def kinds(self) -> list[str]:
        """What the providers took, in order."""
        return [entry["kind"] for entry in self.sent()]

    def point(self, channel: str) -> Any:
        """The only address on a channel."""
        own = CONTACT_POINT.c.debtor_id == self.ids.debtor
        (row,) = self.rows(CONTACT_POINT, own, CONTACT_POINT.c.channel == channel)
        return row

    def no_longer(self, channel: str) -> None:
        """The address of a channel is not usable."""
        own = (CONTACT_POINT.c.debtor_id == self.ids.debtor) & (CONTACT_POINT.c.channel == channel)
        with self.world.engine.begin() as conn:
            conn.execute(update(CONTACT_POINT).where(own).values(state="invalid"))

    def beside(self) -> Post:
        """Another case of the debtor, whose step is due too."""
        with self.world.engine.connect() as conn:
            digest = conn.execute(select(CASE.c.policy_hash).where(CASE.c.id == self.ids.case)).scalar_one()
            policy = pinned_policy(conn, digest)
        ids = new_case_row(self.world.engine, policy, DUE, TODAY, number="NF-78", debtor=self.ids.debtor)
        other = Post(self.world, self.sandbox, ids)
        other.decide()
        return other


def open_on(
    channels: str, engine: Engine, sandbox: Sandbox, folder: Path, callbacks: str = "http://127.0.0.1:1"
) -> Post:
    """A case whose step is due and tries these channels, all of which the creditor uses."""
    post = open_post(engine, sandbox, folder, f"[{channels}]", callbacks)
    post.agree(whatsapp=whatsapp(approved(sandbox)), voice={"sender": OURS})
    return post


def open_post(
    engine: Engine,
    sandbox: Sandbox,
    folder: Path,
    by: str = "[whatsapp, sms, email]",
    callbacks: str = "http://127.0.0.1:1",
) -> Post:
    """A case with one contact step that is due now, with the real gateways against the sandbox."""
    account = (TWILIO_SID, TWILIO_TOKEN, sandbox.url, 2.0)
    world = World(
        engine=engine,
        clock=Clock(datetime.now(UTC), TUESDAY, 1.0),
        documents=DocumentStore(folder / "documents"),
        email=SendGridEmail(SENDGRID_KEY, sandbox.url, 2.0),
        sms=TwilioSms(*account),
        cra=FolderCra(folder / "cra" / "out", folder / "cra" / "in"),
        letters=folder / "letters",
        callbacks=callbacks,
        whatsapp=TwilioWhatsApp(*account),
        voice=TwilioVoice(*account),
    )
    policy = parse_policy(HEAD.replace("[email]", by), "canais.yaml")
    contacts = (("email", EMAIL), ("sms", PHONE), ("whatsapp", PHONE), ("voice", PHONE))
    ids = new_case_row(engine, policy, DUE, TODAY, number="NF-77", contacts=contacts)
    post = Post(world, sandbox, ids)
    post.decide()
    return post

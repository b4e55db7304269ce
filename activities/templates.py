"""WhatsApp templates of a creditor: made at the provider, handed in for approval, asked after; approved ones are used.

A template is known by its name, which holds a hash of its words: said again it is the same, with other words another,
which the platform has to approve first (https://www.twilio.com/docs/content). Until then the text goes by the next
channel.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select, update

from activities.delivery import open_channel_task
from db.rows import CREDITOR
from db.settings import CreditorSettings, WhatsApp
from domain.errors import Refused
from domain.policy import Policy
from gateways.whatsapp import Template, TemplateGateway
from letters.messages import SCRIPTS
from letters.whatsapp import frame, slots

APPROVED = "approved"
MISSING = "missing"
"""The provider has no such template yet."""
TURNED_DOWN = frozenset({"rejected", "paused", "disabled"})
"""Verdicts after which a person has to look."""


@dataclass(frozen=True)
class Standing:
    """Where the template of a text stands: `status` is the platform's word or `missing`; `used`: it is sent by now."""

    text: str
    name: str
    sid: str
    status: str
    category: str = ""
    reason: str = ""
    used: bool = False


def wanted(policies: Iterable[Policy]) -> list[str]:
    """The texts that these ladders say by WhatsApp."""
    steps = [step for policy in policies for step in policy.steps if "whatsapp" in step.by and step.text]
    return sorted({step.text for step in steps if step.text and step.text not in SCRIPTS})


def template_of(text_id: str) -> Template:
    """The template of a text as it is handed in. Raises `BadInput` for an unknown text."""
    body = frame(text_id)
    digest = hashlib.sha256(body.encode()).hexdigest()[:8]
    return Template(f"regua_{text_id.replace('-', '_')}_{digest}", body, slots(text_id))


def look(provider: TemplateGateway, text_id: str, known: str, *, submit: bool) -> Standing:
    """Where the template of a text stands; with `submit` it is made and handed in where it is not yet.

    `known`: the ContentSid that the creditor uses for it now, "" = none. One that somebody made by hand is used until
    ours is approved. Raises `ProviderError`; done again, it goes on where it broke off.
    """
    template = template_of(text_id)
    sid = provider.find(template) or (provider.create(template) if submit else None)
    if sid is None:
        if not known:
            return Standing(text_id, template.name, "", MISSING)
        by_hand = provider.approval(known)
        return Standing(
            text_id, "", known, by_hand.status, by_hand.category, by_hand.reason, by_hand.status == APPROVED
        )
    found = provider.approval(sid)
    if found.status == "unsubmitted" and submit:
        provider.request_approval(sid, template.name)
        found = provider.approval(sid)
    return Standing(text_id, template.name, sid, found.status, found.category, found.reason, found.status == APPROVED)


def adopt(conn: Connection, creditor_id: UUID, standings: Sequence[Standing], now: datetime) -> None:
    """From now on the creditor writes by the approved ones, and by no other of these texts.

    What the platform turned down is a task, once a day. `now` is business time, aware. Raises `Refused` where he does
    not write by WhatsApp.
    """
    row = conn.execute(select(CREDITOR).where(CREDITOR.c.id == creditor_id).with_for_update(key_share=True)).one()
    settings = switched_on(row)
    kept = {text: sid for text, sid in settings.templates.items() if text not in {each.text for each in standings}}
    used = kept | {each.text: each.sid for each in standings if each.used}
    if used != settings.templates:
        changed = {**row.settings, "whatsapp": {**row.settings["whatsapp"], "templates": used}}
        conn.execute(update(CREDITOR).where(CREDITOR.c.id == creditor_id).values(settings=changed))
    for each in standings:
        if each.status in TURNED_DOWN:
            open_channel_task(conn, now, "whatsapp", f"template-{each.status}:{each.text}")


def switched_on(creditor: Any) -> WhatsApp:
    """The WhatsApp settings of a creditor's row. Raises `Refused` where there are none."""
    settings = CreditorSettings.model_validate(creditor.settings).whatsapp
    if settings is None:
        raise Refused("switched-off", "the creditor does not write by WhatsApp; name a sender in settings.whatsapp")
    return settings

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

import structlog
from sqlalchemy import Connection, select, update
from temporalio import activity

from activities.delivery import open_channel_task
from activities.desk import pinned_policy
from activities.world import World
from contract.messages import TemplatesReport
from db.rows import CREDITOR, POLICY
from db.settings import CreditorSettings, WhatsApp
from domain.errors import BadInput, ProviderError, Refused
from domain.policy import Policy
from gateways.whatsapp import Template, TemplateGateway
from letters.messages import SCRIPTS
from letters.whatsapp import frame, slots

APPROVED = "approved"
MISSING = "missing"
"""The provider has no such template yet."""
TURNED_DOWN = frozenset({"rejected", "paused", "disabled"})
"""Verdicts after which a person has to look."""

_Question = tuple[str, str]
"""A text, and the ContentSid that is used for it now ("" = none)."""

log = structlog.get_logger("templates")


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


class Templates:
    """The daily errand: what the platform approved, or turned down, since somebody asked last."""

    def __init__(self, world: World, provider: TemplateGateway | None) -> None:
        """`provider` is None where there is no account."""
        self.world, self.provider = world, provider

    @activity.defn(name="ask_templates")
    def ask_templates(self) -> TemplatesReport:
        """Ask after the templates of every creditor who writes by WhatsApp, hand in none, and use the approved ones.

        What the provider does not tell now stays as it is until tomorrow.
        """
        with self.world.engine.connect() as conn:
            creditors = [row for row in conn.execute(select(CREDITOR)) if _writes_there(row)]
            pinned = [pinned_policy(conn, digest) for digest in conn.execute(select(POLICY.c.hash)).scalars()]
        if self.provider is None or not creditors:
            return TemplatesReport()
        told: dict[_Question, Standing | None] = {}
        for row in creditors:
            used = switched_on(row).templates
            questions = [(text, used.get(text, "")) for text in sorted({*wanted(pinned), *used})]
            # All use one account: what was asked for one creditor is known of the others. No transaction is open here.
            told |= {each: self._ask(self.provider, *each) for each in questions if each not in told}
            with self.world.engine.begin() as conn:
                adopt(conn, row.id, [found for each in questions if (found := told[each])], self.world.now())
        report = TemplatesReport(len(creditors), len(told), sum(found is None for found in told.values()))
        log.info("templates", creditors=report.creditors, asked=report.asked, failed=report.failed)
        return report

    @staticmethod
    def _ask(provider: TemplateGateway, text: str, known: str) -> Standing | None:
        """None where the provider does not tell."""
        try:
            return look(provider, text, known, submit=False)
        except (ProviderError, BadInput):
            log.warning("template not asked after, tomorrow again", text=text, exc_info=True)
            return None


def _writes_there(creditor: Any) -> bool:
    return CreditorSettings.model_validate(creditor.settings).whatsapp is not None


def switched_on(creditor: Any) -> WhatsApp:
    """The WhatsApp settings of a creditor's row. Raises `Refused` where there are none."""
    settings = CreditorSettings.model_validate(creditor.settings).whatsapp
    if settings is None:
        raise Refused("switched-off", "the creditor does not write by WhatsApp; name a sender in settings.whatsapp")
    return settings

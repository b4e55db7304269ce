"""The WhatsApp templates of the demo's creditor, made and approved at the provider; then the channel is switched on."""

from __future__ import annotations

import re
import time
from datetime import date
from pathlib import Path

import yaml

import policies
from domain.errors import Unavailable
from gateways.whatsapp import Template, TemplateGateway
from letters.whatsapp import frame
from starter.creditors import read_creditor

_PLACEHOLDER = re.compile(r"\{\{(\d+)\}\}")
_APPROVED_WITHIN = 10.0


def switched_on(creditor: Path, into: Path, provider: TemplateGateway, by: str, on: date) -> Path:
    """Have a template approved for every text that the creditor's ladders say by WhatsApp; write his file with them.

    `by` acknowledges the platform's policy on the day `on`. Returns the new file in the folder `into`, with the ladders
    beside it. Raises `Unavailable` where the provider approves nothing in time.
    """
    ladders = read_creditor(creditor, policies.DIRECTORY).policies.values()
    texts = {step.text for policy in ladders for step in policy.steps if "whatsapp" in step.by and step.text}
    settings = yaml.safe_load(creditor.read_text(encoding="utf-8"))
    settings["settings"]["whatsapp"] = {
        "sender": settings["settings"]["senders"]["sms"],
        "templates": {text: _approved(text, provider) for text in sorted(texts)},
        "policy_acknowledged_by": by,
        "policy_acknowledged_on": on.isoformat(),
    }
    into.mkdir(parents=True, exist_ok=True)
    for ladder in settings["settings"]["policies"].values():
        if ladder.endswith(".yaml"):
            (into / ladder).write_bytes((creditor.parent / ladder).read_bytes())
    file = into / creditor.name
    file.write_text(yaml.safe_dump(settings, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return file


def _approved(text_id: str, provider: TemplateGateway) -> str:
    """The ContentSid of the text's template, once WhatsApp has approved it."""
    body = frame(text_id)
    samples = {number: f"exemplo {number}" for number in _PLACEHOLDER.findall(body)}
    template = Template(f"regua_{text_id.replace('-', '_')}", body, samples)
    sid = provider.find(template) or provider.create(template)
    provider.request_approval(sid, template.name)
    deadline = time.monotonic() + _APPROVED_WITHIN
    while (verdict := provider.approval(sid)).status != "approved":
        if time.monotonic() > deadline:
            raise Unavailable("not-approved", f"WhatsApp did not approve {template.name}: {verdict.status}")
        time.sleep(0.1)
    return sid

"""The WhatsApp templates of a creditor, as a person hands them in and asks after them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from activities import templates
from activities.registry import telephony
from domain.errors import BadInput
from gateways.whatsapp import TwilioTemplates
from letters.messages import TEXTS
from starter.creditors import find_policy
from starter.installation import installation
from starter.lookup import find_creditor
from starter.people import require_active


def standings(code: str, texts: Sequence[str], by: str, *, submit: bool) -> list[dict[str, Any]]:
    """Where the template of each text stands, and which are used from now on.

    Without `texts` those that the creditor's ladders say by WhatsApp. `submit` makes and hands in what is not yet.
    Raises `BadInput`, `Refused`, `ProviderError`.
    """
    import policies

    if unknown := [text for text in texts if text not in TEXTS]:
        raise BadInput(f"--text {unknown[0]!r} is not known; use one of {', '.join(TEXTS)}")
    with installation() as house:
        provider = telephony(house.settings, TwilioTemplates)
        if provider is None:
            raise BadInput("WhatsApp is not configured; set REGUA_TWILIO_ACCOUNT_SID and REGUA_TWILIO_AUTH_TOKEN")
        with house.engine.connect() as conn:
            require_active(conn, by)
            creditor = find_creditor(conn, code)
            settings = templates.switched_on(creditor)
            names = dict.fromkeys(creditor.settings["policies"].values())
            ladders = [find_policy(conn, name, policies.DIRECTORY) for name in names]
        asked = list(texts) or sorted({*templates.wanted(ladders), *settings.templates})
        # No transaction is open while the provider is asked.
        found = [templates.look(provider, text, settings.templates.get(text, ""), submit=submit) for text in asked]
        with house.engine.begin() as conn:
            templates.adopt(conn, creditor.id, found, house.now)
    return [asdict(each) for each in found]

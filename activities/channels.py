"""The channels by which a contact can go out: how each one sends, finds again what it may have sent, and is closed.

One entry per channel. A channel that is closed for a creditor or a text is passed over with its reason, never an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from activities.world import World
from db.settings import CreditorSettings
from domain.errors import Misconfigured
from gateways.email import Attachment, Email
from gateways.outcome import Accepted
from gateways.sms import Sms
from gateways.voice import Call
from gateways.whatsapp import WhatsApp
from letters.models import Message

NOT_CONFIGURED = "not-configured"
SWITCHED_OFF = "switched-off"
NOT_ACKNOWLEDGED = "policy-not-acknowledged"
NO_TEMPLATE = "no-approved-template"
OUTSIDE_WINDOW = "outside-window"


@dataclass(frozen=True)
class Outgoing:
    """One message, ready to be handed to its provider.

    `tried_since` and `tried_last`: when the first and the last try of unknown fate began (real time), if there is one.
    `template`: of a WhatsApp message, `sid` and `variables`, nothing of one in free words; of a call, whether it is
    `recorded`. `known`: the provider's ids of what other contacts sent to this address, so that none of them is taken
    for this one. `wanted`: may it still be sent? A message that is not is only looked up: it may have gone out before.
    `restored`: the doubtful try is that of a life that the book lost, and nobody was asked about it yet. `content`: the
    salted HMAC of what it says.
    """

    contact_id: UUID
    channel: str
    to: str
    senders: CreditorSettings
    reply_to: str
    message: Message
    short_ref: str
    attempt: int
    attachments: tuple[Attachment, ...] = ()
    tried_since: datetime | None = None
    tried_last: datetime | None = None
    formal: bool = False
    template: Mapping[str, Any] = field(default_factory=dict)
    known: tuple[str, ...] = ()
    wanted: bool = True
    restored: bool = False
    content: str = ""


@dataclass(frozen=True)
class Channel:
    """How a channel sends and finds again (both raise `ProviderError`), and why it is closed ("" where it is open).

    `optional`: a fault of ours on it costs the case nothing but this channel; the next one has its turn.
    """

    send: Callable[[World, Outgoing], Accepted]
    find: Callable[[World, Outgoing, datetime], Accepted | None]
    closed: Callable[[World, CreditorSettings, str], str] = lambda _world, _settings, _text: ""
    optional: bool = False


def usable(
    world: World, settings: CreditorSettings, text_id: str, channels: Sequence[str], *, talks: bool = False
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The channels by which this creditor can say this text, and the others with the reason why not.

    `talks`: the debtor has written by WhatsApp so lately that an answer needs no template.
    """
    reasons = {channel: CHANNELS[channel].closed(world, settings, text_id) for channel in channels}
    reasons = {channel: "" if talks and why == NO_TEMPLATE else why for channel, why in reasons.items()}
    open_ = tuple(channel for channel in channels if not reasons[channel])
    return open_, tuple(f"{channel}: {reason}" for channel, reason in reasons.items() if reason)


# --- e-mail ----------------------------------------------------------------------------------------------------------
def _send_email(world: World, out: Outgoing) -> Accepted:
    senders, message = out.senders.senders, out.message
    return world.email.send(
        Email(
            out.contact_id.hex, senders.email, senders.email_name, out.to, message.subject, message.text, message.html,
            out.attachments, out.reply_to,
        )
    )  # fmt: skip


def _find_email(world: World, out: Outgoing, since: datetime) -> Accepted | None:
    return world.email.find(out.contact_id.hex, out.to, since)


# --- SMS -------------------------------------------------------------------------------------------------------------
def _send_sms(world: World, out: Outgoing) -> Accepted:
    sender = out.senders.senders.sms
    return world.sms.send(Sms(out.contact_id.hex, out.short_ref, sender, out.to, out.message.text, _reports(world)))


def _find_sms(world: World, out: Outgoing, since: datetime) -> Accepted | None:
    return world.sms.find(out.short_ref, out.senders.senders.sms, out.to, since)


def _reports(world: World) -> str:
    return f"{world.callbacks}/webhooks/twilio/status"


# --- WhatsApp --------------------------------------------------------------------------------------------------------
def _whatsapp_closed(world: World, settings: CreditorSettings, text_id: str) -> str:
    if world.whatsapp is None:
        return NOT_CONFIGURED
    if settings.whatsapp is None:
        return SWITCHED_OFF
    if not settings.whatsapp.acknowledged:
        return NOT_ACKNOWLEDGED
    return "" if text_id in settings.whatsapp.templates else NO_TEMPLATE


def _send_whatsapp(world: World, out: Outgoing) -> Accepted:
    if world.whatsapp is None or out.senders.whatsapp is None:  # switched off since it was written
        raise Misconfigured(SWITCHED_OFF)
    return world.whatsapp.send(
        WhatsApp(
            send_id=out.contact_id.hex,
            short_ref=out.short_ref,
            sender=out.senders.whatsapp.sender,
            to=out.to,
            content_sid=out.template.get("sid", ""),
            variables=out.template.get("variables", {}),
            text=out.message.text,
            callback_url=_reports(world),
        )
    )


def _find_whatsapp(world: World, out: Outgoing, since: datetime) -> Accepted | None:
    if world.whatsapp is None or out.senders.whatsapp is None:
        raise Misconfigured(SWITCHED_OFF)
    return world.whatsapp.find(out.short_ref, out.senders.whatsapp.sender, out.to, since, out.known)


# --- voice -----------------------------------------------------------------------------------------------------------
CALLS = "/webhooks/twilio/call"
"""Where a call's script is asked for; its reports and recordings go to addresses below it."""


def _voice_closed(world: World, settings: CreditorSettings, _text_id: str) -> str:
    if world.voice is None or not world.callbacks:
        return NOT_CONFIGURED
    return "" if settings.voice else SWITCHED_OFF


def _place_call(world: World, out: Outgoing) -> Accepted:
    if world.voice is None or out.senders.voice is None:
        raise Misconfigured(SWITCHED_OFF)
    base = f"{world.callbacks}{CALLS}"
    return world.voice.place(
        Call(
            send_id=out.contact_id.hex,
            sender=out.senders.voice.sender,
            to=out.to,
            script=base,
            callback_url=f"{base}/status",
            recording_url=f"{base}/recording" if out.template.get("recorded") else None,
        )
    )


def _find_call(world: World, out: Outgoing, since: datetime) -> Accepted | None:
    if world.voice is None or out.senders.voice is None:
        raise Misconfigured(SWITCHED_OFF)
    return world.voice.find(out.senders.voice.sender, out.to, since, out.known)


CHANNELS: Mapping[str, Channel] = {
    "email": Channel(_send_email, _find_email),
    "sms": Channel(_send_sms, _find_sms),
    "whatsapp": Channel(_send_whatsapp, _find_whatsapp, _whatsapp_closed, optional=True),
    "voice": Channel(_place_call, _find_call, _voice_closed, optional=True),
}

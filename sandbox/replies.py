"""What debtors write back: SMS and WhatsApp as Twilio posts them, e-mails as SendGrid's Inbound Parse does.

Each is told until the receiver answers 2xx. A reply is kept in the log like what was sent, with the kind `inbound` or
`inbound-mail`.
"""

from __future__ import annotations

import base64
import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from urllib3 import encode_multipart_formdata

from domain.errors import BadInput
from sandbox.state import TWILIO_SID, Row, Settings, State
from sandbox.twilio_common import VERSION
from sandbox.twilio_messages import WHATSAPP, segments

PARSE_SECRET = "sandbox-parse-secret"  # noqa: S105 - everybody may know the sandbox's secrets
TWILIO_PATH, PARSE_PATH = "/webhooks/twilio/inbound", f"/webhooks/sendgrid/inbound?secret={PARSE_SECRET}"
STOP = frozenset({"STOP", "PARAR", "SAIR", "CANCELAR"})
START = frozenset({"START", "VOLTAR"})
Part = tuple[str, bytes, str]
"""A file of a multipart form: its name, content and media type."""


class Reply(BaseModel):
    """An SMS or WhatsApp message from a debtor. `button` is the (id, title) of a quick reply he tapped, `replied_to`
    the provider's id of the message that he answered."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    sender: str = Field(alias="from")
    to: str
    body: str = ""
    channel: Literal["sms", "whatsapp"] = "sms"
    button: tuple[str, str] | None = None
    replied_to: str | None = None
    name: str = ""
    url: str | None = None


class File(BaseModel):
    """A file that came with an e-mail; `content` in base64."""

    model_config = ConfigDict(extra="forbid")

    name: str
    mime: str = "application/octet-stream"
    content: str


class MailReply(BaseModel):
    """An e-mail from a debtor. `spf` and `dkim` are what SendGrid found out about where it comes from."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    sender: str = Field(alias="from")
    to: str
    subject: str = ""
    text: str = ""
    html: str = ""
    headers: dict[str, str] = {}
    attachments: list[File] = []
    spf: str = "pass"
    dkim: str = "{@example.com : pass}"
    url: str | None = None


def message(state: State, reply: Reply) -> str:
    """Takes in an SMS or WhatsApp message; returns its id. Raises `BadInput` where there is nobody to tell it."""
    prefix = WHATSAPP if reply.channel == "whatsapp" else ""
    sender, to = prefix + reply.sender.removeprefix(WHATSAPP), prefix + reply.to.removeprefix(WHATSAPP)
    url = reply.url or _address(state.settings, state.settings.inbound_url, TWILIO_PATH)
    sid = "SM" + state.new_id("inbound")[:32]
    form = {
        "MessageSid": sid,
        "SmsMessageSid": sid,
        "SmsSid": sid,
        "AccountSid": TWILIO_SID,
        "ApiVersion": VERSION,
        "From": sender,
        "To": to,
        "Body": reply.button[1] if reply.button else reply.body,
        "NumMedia": "0",
        "NumSegments": str(segments(reply.body)),
        "SmsStatus": "received",
        **(_whatsapp(reply) if prefix else _stop_word(state, reply)),
    }
    fields = {"sender": sender, "recipient": to, "body": form["Body"], "data": {"url": url, "form": form}}
    state.accept("twilio", "inbound", sid, [("received", None)], status="received", **fields)
    return sid


def _whatsapp(reply: Reply) -> dict[str, str]:
    form = {
        "ChannelPrefix": "whatsapp",
        "WaId": reply.sender.removeprefix(WHATSAPP).removeprefix("+"),
        "ProfileName": reply.name,
        "MessageType": "button" if reply.button else "text",
    }
    if reply.button:
        form |= {"ButtonPayload": reply.button[0], "ButtonText": reply.button[1]}
    if reply.replied_to:
        form |= {"OriginalRepliedMessageSid": reply.replied_to, "OriginalRepliedMessageSender": reply.to}
    return form


def _stop_word(state: State, reply: Reply) -> dict[str, str]:
    """The provider itself keeps who wants no more SMS, and takes him back when he asks for it."""
    word = reply.body.strip().upper()
    if word not in STOP | START:
        return {}
    state.set_fates({reply.sender: "opted_out" if word in STOP else "delivered"})
    return {"OptOutType": "STOP" if word in STOP else "START"}


def mail(state: State, reply: MailReply) -> str:
    """Takes in an e-mail; returns its Message-ID. Raises `BadInput` where there is nobody to tell it."""
    number = state.new_id("inbound-mail")[:22]
    message_id = f"<{number}@mail.example.com>"
    url = reply.url or _address(state.settings, state.settings.inbound_mail_url, PARSE_PATH)
    for file in reply.attachments:
        _content(file)
    fields = {"sender": reply.sender, "recipient": reply.to, "subject": reply.subject, "body": reply.text}
    data = {"url": url, "message_id": message_id, "mail": reply.model_dump(exclude={"url"})}
    state.accept("sendgrid", "inbound-mail", number, [("received", None)], status="received", data=data, **fields)
    return message_id


def multipart(entry: Row) -> tuple[bytes, str]:
    """The body that Inbound Parse posts for an e-mail, and its content type."""
    reply = MailReply.model_validate(entry["data"]["mail"])
    headers = {
        "From": reply.sender,
        "To": reply.to,
        "Subject": reply.subject,
        "Message-ID": entry["data"]["message_id"],
    }
    form = {
        "headers": "\n".join(f"{name}: {value}" for name, value in (headers | reply.headers).items()),
        "from": reply.sender,
        "to": reply.to,
        "subject": reply.subject,
        "text": reply.text,
        **({"html": reply.html} if reply.html else {}),
        "SPF": reply.spf,
        "dkim": reply.dkim,
        "sender_ip": "192.0.2.3",
        "envelope": json.dumps({"to": [_bare(reply.to)], "from": _bare(reply.sender)}),
        "charsets": json.dumps(dict.fromkeys(("to", "from", "subject", "text", "html"), "UTF-8")),
        "spam_score": "0.1",
        "attachments": str(len(reply.attachments)),
    }
    files: dict[str, Part] = {}
    information: dict[str, Any] = {}
    for number, file in enumerate(reply.attachments, 1):
        key = f"attachment{number}"
        files[key] = (file.name, _content(file), file.mime)
        information[key] = {"filename": file.name, "name": file.name, "type": file.mime}
    if information:
        form["attachment-info"] = json.dumps(information)
    return encode_multipart_formdata([*form.items(), *files.items()])


def _bare(address: str) -> str:
    """`Fulano <fulano@example.com>` without the name."""
    return address.rpartition("<")[2].rstrip("> ")


def _content(file: File) -> bytes:
    try:
        return base64.b64decode(file.content, validate=True)
    except ValueError:
        raise BadInput(f"attachment {file.name}: its content is not base64; encode the bytes of the file") from None


def _address(settings: Settings, wanted: str | None, path: str) -> str:
    base = settings.public_url or settings.callbacks
    if wanted or base:
        return wanted or f"{base}{path}"
    raise BadInput("the sandbox knows no receiver of replies; give a url, or start it with --callbacks")

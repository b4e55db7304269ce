"""Which wording and layout made a text: a hash that is kept with each contact, beside the hash of what was sent."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache

from letters import pdf, templates
from letters.models import Channel

LAYOUTS: Mapping[Channel, tuple[str, ...]] = {
    "email": ("layout.email.txt.j2", "layout.email.html.j2"),
    "sms": ("layout.sms.j2",),
    "whatsapp": ("layout.whatsapp.j2",),
}


@cache
def message_version(text_id: str, channel: Channel) -> str:
    """SHA-256, in hexadecimal digits, of the wording and layouts of one of `letters.messages.TEXTS` on a channel."""
    files = (f"{text_id}.j2", *LAYOUTS[channel])
    return _sha256(*((templates.DIRECTORY / file).read_bytes() for file in files))


@cache
def document_version(document: str) -> str:
    """SHA-256, in hexadecimal digits, of the layout of a document: `notice`, `receipt`, `agreement`, `memory`, ..."""
    return _sha256(*((pdf.DIRECTORY / file).read_bytes() for file in (f"{document}.typ", "common.typ")))


def _sha256(*contents: bytes) -> str:
    return hashlib.sha256(b"\0".join(contents)).hexdigest()

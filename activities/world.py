"""What every activity is given: the database, the clock, the document store and the gateways of the outside parties."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import Engine

from domain.clock import Clock
from gateways.cra import CraTransport
from gateways.documents import DocumentStore
from gateways.email import EmailGateway
from gateways.partners import Partner
from gateways.pix import PixGateway
from gateways.sms import SmsGateway
from gateways.voice import VoiceGateway
from gateways.whatsapp import WhatsAppGateway


def _silent(_: Sequence[UUID]) -> None:
    """Facts nobody is told of by hand are found by the sweep."""


@dataclass(frozen=True)
class World:
    """Built once per process. `deliver` tells the cases of freshly stored facts, given their ids; it may do nothing.

    `unknown_for` is how long, in real seconds, a call without a known outcome is looked up before it is made again.
    `partners` are the roads to legal, agency, central and bureau; who has none is reached by a person.
    `pix` is None where no bank's API is configured. `reply_domain` is where e-mailed replies come in, "" = nowhere.
    """

    engine: Engine
    clock: Clock
    documents: DocumentStore
    email: EmailGateway
    sms: SmsGateway
    cra: CraTransport
    letters: Path
    callbacks: str
    deliver: Callable[[Sequence[UUID]], None] = field(default=_silent)
    unknown_for: float = 60.0
    pix: Mapping[str, PixGateway] = field(default_factory=dict)
    pix_webhook: str = ""
    whatsapp: WhatsAppGateway | None = None
    voice: VoiceGateway | None = None
    reply_domain: str = ""
    partners: Mapping[str, Partner] = field(default_factory=dict)

    def now(self, workflow_time: datetime | None = None) -> datetime:
        """Business time. A workflow under a test's clock may be ahead of this machine's; then its time counts."""
        real = datetime.now(UTC)
        return self.clock.business(max(real, workflow_time) if workflow_time else real)

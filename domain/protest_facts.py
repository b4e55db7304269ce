"""What happens to a title at the notary beside sending, term and outcome: progress, cancellation, letter of consent."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

SignedBy = Literal["notarised", "icp-brasil", "cenprot"]
"""How a person proves that he signed: on paper before a notary, by a digital certificate, at the notaries' central."""
HandedBy = Literal["email", "letter", "in-person", "cenprot"]


@dataclass(frozen=True)
class TitleProgressed:
    """Where at the notary the title is now: a code of the progress file (AA to AK) or of a return that only informs.

    `costs`: what the notary asks so far, in reais. `term_end` and `decide_by` where the news moves them.
    """

    title_id: str
    code: str
    on: date
    costs: Decimal = Decimal(0)
    term_end: date | None = None
    decide_by: datetime | None = None
    kind: Literal["title_progress"] = "title_progress"


@dataclass(frozen=True)
class CancellationAsked:
    """Staff order the cancellation of a registered protest, at the creditor's cost (Lei 9.492 art. 26)."""

    reason: str = ""
    kind: Literal["cancel_protest"] = "cancel_protest"


@dataclass(frozen=True)
class CancellationQueued:
    """An undue protest is cancelled with the next file (CP), at the creditor's cost: `cost` as last named, reais."""

    title_id: str
    reason: str
    cost: Decimal = field(default=Decimal(0), compare=False)
    kind: Literal["cancellation_queued"] = "cancellation_queued"


@dataclass(frozen=True)
class CancellationRefused:
    """The notary did not cancel (occurrence X): the protest stands, and a person finds out why."""

    title_id: str
    on: date
    kind: Literal["cancellation_refused"] = "cancellation_refused"


@dataclass(frozen=True)
class ConsentSigned:
    """A person with proven powers signed the letter of consent. `signatory` is his code in the creditor's settings.

    `document_id`: the signed letter; "" where it was signed at the central (CENPROT).
    """

    title_id: str
    signatory: str
    way: SignedBy
    on: date
    document_id: str = ""
    kind: Literal["consent_signed"] = "consent_signed"


@dataclass(frozen=True)
class ConsentDelivered:
    """The debtor has the signed letter of consent, or the central made it known to the notary."""

    title_id: str
    way: HandedBy
    on: date
    kind: Literal["consent_delivered"] = "consent_delivered"


ProtestTold = TitleProgressed | CancellationAsked | CancellationRefused | ConsentSigned | ConsentDelivered

"""Facts about what others do for a case: lawyer, agency, the notaries' central, the credit bureau.

They are part of `domain.facts`, which is where everybody finds them. Like all facts they carry no personal data: the
number of a lawsuit stands in a note that can be erased.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

Hands = Literal["legal", "agency"]
"""Who a whole case can be handed over to."""
Outsider = Literal["legal", "agency", "central", "bureau"]
"""Whom the product tells something about a case; the central is that of the notaries (CENPROT)."""
Way = Literal["folder", "webhook", "hand"]
"""How something is passed on: as a file, by a signed call, or by a person who gets a task."""
Report = Literal["filed", "agreement", "given-up"]
NegotiationOutcome = Literal["paid", "withdrawn", "returned", "converted"]


# --- a case in other hands -------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class HandOverAcknowledged:
    """Who got the dossier says that he has it."""

    to: Hands
    on: date
    kind: Literal["hand_over_acknowledged"] = "hand_over_acknowledged"


@dataclass(frozen=True)
class HandOverReported:
    """What became of the case there: sued (the number stands in the note), an agreement, given up."""

    to: Hands
    event: Report
    on: date
    note_id: str = ""
    kind: Literal["hand_over_reported"] = "hand_over_reported"


@dataclass(frozen=True)
class HandOverRecalled:
    """The creditor takes the case back; its ladder goes on."""

    to: Hands
    reason: str = ""
    kind: Literal["hand_over_recalled"] = "hand_over_recalled"


@dataclass(frozen=True)
class ContactRequested:
    """Who has the case asks us to write to the debtor, with one of our texts: the only way to a contact there."""

    to: Hands
    text: str
    note_id: str = ""
    kind: Literal["contact_requested"] = "contact_requested"


@dataclass(frozen=True)
class PassedOn:
    """Somebody outside was told something (`what`) about `reference`: a payment, a recall, a withdrawal, a removal."""

    to: Outsider
    what: str
    reference: str
    by: Way
    kind: Literal["passed_on"] = "passed_on"


# --- solução negocial prévia (Lei 9.492/1997 art. 11-A) --------------------------------------------------------------
@dataclass(frozen=True)
class NegotiationProposed:
    """The proposal went to the notaries' central; the debtor can answer until a day. `amount`: the original, reais."""

    step: str
    proposal_id: str
    amount: Decimal
    until: date
    by: Way = "folder"
    kind: Literal["negotiation_proposed"] = "negotiation_proposed"


@dataclass(frozen=True)
class NegotiationAnswered:
    """How a proposal ended (CNN art. 385). Of a payment, `amount` and `reference`; of a conversion, the protocol."""

    proposal_id: str
    outcome: NegotiationOutcome
    on: date
    amount: Decimal = Decimal(0)
    reference: str = ""
    protocol: str = ""
    kind: Literal["negotiation_answered"] = "negotiation_answered"


@dataclass(frozen=True)
class NegotiationWithdrawn:
    """The central is asked to give the proposal back, by a rule or by staff."""

    proposal_id: str
    reason: str
    kind: Literal["negotiation_withdrawn"] = "negotiation_withdrawn"


# --- the credit bureau (CDC art. 43) ---------------------------------------------------------------------------------
@dataclass(frozen=True)
class ListingRequested:
    """The bureau is asked to notify the debtor, and to list him when its own notice period is over."""

    step: str
    listing_id: str
    amount: Decimal
    by: Way = "folder"
    kind: Literal["listing_requested"] = "listing_requested"


@dataclass(frozen=True)
class ListingNotified:
    """The bureau sent its notice to the debtor (CDC art. 43 par. 2; Súmula 359 STJ)."""

    listing_id: str
    on: date
    kind: Literal["listing_notified"] = "listing_notified"


@dataclass(frozen=True)
class Listed:
    """The debtor stands in the bureau's register."""

    listing_id: str
    on: date
    kind: Literal["listed"] = "listed"


@dataclass(frozen=True)
class ListingRefused:
    """The bureau did not take the request; its code."""

    listing_id: str
    code: str
    kind: Literal["listing_refused"] = "listing_refused"


@dataclass(frozen=True)
class ListingRemovalOrdered:
    """The entry, or the request for it, must go, by a day (Súmula 548 STJ: five business days)."""

    listing_id: str
    reason: str
    due: date
    kind: Literal["listing_removal"] = "listing_removal"


@dataclass(frozen=True)
class ListingRemoved:
    """The bureau confirmed that nothing of it is left."""

    listing_id: str
    on: date
    kind: Literal["listing_removed"] = "listing_removed"


OutsideTold = (
    HandOverAcknowledged | HandOverReported | HandOverRecalled | ContactRequested | PassedOn
    | NegotiationProposed | NegotiationAnswered | NegotiationWithdrawn
    | ListingRequested | ListingNotified | Listed | ListingRefused | ListingRemovalOrdered | ListingRemoved
)  # fmt: skip

"""What a text may show. Frozen data only: nothing here reads a database or a clock.

Amounts are `Decimal` reais, days are the debtor's local days, `on` is the day for which the amounts hold.
Names, addresses and words come in as people wrote them; the renderers escape and fold them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from domain.debt import Debt
from domain.money import ZERO
from domain.plans import PlanState, Proposal
from domain.policy import Offset

Channel = Literal["email", "sms", "whatsapp"]
FirmStep = Literal["protest", "legal", "negotiate", "listing", "agency"]


@dataclass(frozen=True)
class Creditor:
    """Who is owed, as CDC art. 42-A asks: name, address, CPF or CNPJ. `how_to_verify` is his own sentence."""

    name: str
    document: str
    address_line: str
    city: str
    uf: str
    cep: str
    email: str
    phone: str
    site: str
    how_to_verify: str = ""


@dataclass(frozen=True)
class DebtorView:
    """Who owes. `consumer` decides whether the words of consumer law are added."""

    name: str
    document: str
    consumer: bool


@dataclass(frozen=True)
class InvoiceView:
    """One invoice on one day. `original` is the amount it was issued for, `origin` what it was for.

    `instalment` is as written on the invoice (`2/3`) or empty; `kind` is a species code of the CRA (`DMI`) or its
    Portuguese name;
    `payment_hint` is a payment code of this invoice alone (Pix, boleto line) or empty.
    """

    number: str
    instalment: str
    kind: str
    issued: date
    due: date
    original: Decimal
    debt: Debt
    origin: str
    payment_hint: str = ""


@dataclass(frozen=True)
class PlanView:
    """An agreement (*acordo*), offered or made: its terms, and how late an instalment may be before it breaks.

    `accept`: how to accept an offer, in words that follow "Para aceitar,". `state`: how far it is kept on the day of
    the text, with `paid` reais until then; None while it is only offered. `payment_hint`: the payment code of the
    instalment that is due next (Pix, boleto line) or empty.
    """

    terms: Proposal
    tolerance: Offset
    accept: str = "responda ACEITO a esta mensagem"
    state: PlanState | None = None
    paid: Decimal = ZERO
    payment_hint: str = ""


@dataclass(frozen=True)
class HowTo:
    """The four ways out that every text shows, each in words that follow a label such as "Como pagar:"."""

    pay: str
    dispute: str
    stop: str
    verify: str


@dataclass(frozen=True)
class MessageData:
    """All that a message may show. `short_ref` stands in the subject and must say nothing of a debt.

    `offer`: the words of a proposal. `promise`: its day and amount. `event`: one sentence on what happened, for the
    texts that announce something. `next_step`: what this case's ladder does next, in words; nothing firm is named
    unless it stands here. `plan`: the agreement that the text is about. `until`: the day by which the debtor is to
    explain a dispute, or the creditor to answer one or to look for a payment. `disputed`: the part of the debt that is
    in dispute, None where it is all of it.
    """

    creditor: Creditor
    debtor: DebtorView
    invoices: tuple[InvoiceView, ...]
    how: HowTo
    on: date
    short_ref: str
    offer: str | None = None
    promise: tuple[date, Decimal] | None = None
    event: str | None = None
    next_step: str | None = None
    plan: PlanView | None = None
    until: date | None = None
    disputed: Decimal | None = None


@dataclass(frozen=True)
class Message:
    """A rendered message. On SMS there is no subject and no HTML."""

    subject: str
    text: str
    html: str | None


@dataclass(frozen=True)
class NoticeData:
    """The prior notice of one debtor. `deadline_days` are business days.

    `firm_step` is what this case's ladder does after the deadline, and nothing else is announced; `firm_text` replaces
    the standard words for it. `addresses` are postal addresses, lines parted by a line break: the first shows in the
    envelope's window, the others are listed as places to which the notice also goes. `addressee`: another party that
    is bound by the title, to whom this letter goes, and `bound_as` what as.
    """

    creditor: Creditor
    debtor: DebtorView
    invoices: tuple[InvoiceView, ...]
    how: HowTo
    on: date
    notice_id: str
    deadline_days: int
    firm_step: FirmStep
    firm_text: str = ""
    addresses: tuple[str, ...] = ()
    addressee: DebtorView | None = None
    bound_as: str = ""


@dataclass(frozen=True)
class ReceiptData:
    """A receipt for one payment (CC art. 320), whole or in part. `invoices` show the debt after it, on the day `on`.

    `settled`: the payment ends the debt; what is still open then (crumbs, charges given up) is said to be waived.
    `plan`: the agreement that the payment was made under, with its state after it.
    """

    creditor: Creditor
    debtor: DebtorView
    invoices: tuple[InvoiceView, ...]
    how: HowTo
    on: date
    receipt_id: str
    paid_on: date
    amount: Decimal
    method: str
    settled: bool
    plan: PlanView | None = None


@dataclass(frozen=True)
class AgreementData:
    """The deed of an agreement (*termo de acordo*). `on` is the day for which the invoices' amounts hold.

    `accepted`: how, when and by whom it was accepted, as the creditor can prove it; empty for the deed that is offered,
    which is the text whose hash stands for what the debtor accepted.
    """

    creditor: Creditor
    debtor: DebtorView
    invoices: tuple[InvoiceView, ...]
    how: HowTo
    on: date
    agreement_id: str
    plan: PlanView
    accepted: str = ""


@dataclass(frozen=True)
class MemoryData:
    """The memory of calculation of one debtor's invoices on the day `on` (CPC arts. 524 and 798)."""

    creditor: Creditor
    debtor: DebtorView
    invoices: tuple[InvoiceView, ...]
    on: date
    memory_id: str


@dataclass(frozen=True)
class ConsentData:
    """A letter of consent to the cancellation of a registered protest (Lei 9.492/1997 art. 26 §1). `on` is its day."""

    creditor: Creditor
    debtor: DebtorView
    title_number: str
    title_kind: str
    amount: Decimal
    due: date
    registry_office: str
    registry_city: str
    protocol: str
    protocol_date: date
    protest_date: date
    on: date
    capacity: str = "credor"
    """As what he consents, in Portuguese."""


@dataclass(frozen=True)
class Party:
    """Someone bound by the title or speaking for a side: `role` in Portuguese (`avalista`, `representante`)."""

    role: str
    name: str
    document: str
    address: str


@dataclass(frozen=True)
class EvidenceFile:
    """A document of the dossier and its SHA-256 in hexadecimal digits."""

    name: str
    sha256: str


@dataclass(frozen=True)
class NoticeProof:
    """One sending of a notice and what can be proved of it, never more: `level` in Portuguese."""

    notice_id: str
    channel: str
    sent_on: date
    level: str


@dataclass(frozen=True)
class ProtestRecord:
    """What the notary did. `registered_on` is None where the title was never protested."""

    registry_office: str
    city: str
    protocol: str
    protocol_date: date
    registered_on: date | None
    outcome: str


@dataclass(frozen=True)
class TimelineRow:
    """One thing that happened, at the debtor's local time, in words without message texts."""

    at: datetime
    what: str
    actor: str


@dataclass(frozen=True)
class LimitationTerm:
    """One limitation term: which claim it ends, its last day, its source."""

    claim: str
    ends: date
    source: str


@dataclass(frozen=True)
class Suggestion:
    """The action that the facts suggest to the lawyer, and why."""

    action: str
    reason: str


@dataclass(frozen=True)
class DossierCover:
    """All that the first sheets of a dossier show. `suggestion` comes from `letters.dossier.suggest`."""

    case_ref: str
    on: date
    creditor: Creditor
    debtor: DebtorView
    debtor_address: str
    parties: tuple[Party, ...]
    title: InvoiceView
    documents: tuple[EvidenceFile, ...]
    notices: tuple[NoticeProof, ...]
    protest: ProtestRecord | None
    timeline: tuple[TimelineRow, ...]
    limitation: tuple[LimitationTerm, ...]
    suggestion: Suggestion

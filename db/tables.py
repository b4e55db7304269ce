"""The tables, as sqlmodel classes. Money NUMERIC(15,2), times timestamptz in UTC, ids UUIDs made in Python.

Personal data (names, documents, addresses, message texts, free notes) stands only in columns that can be emptied;
`privacy.columns` says of each column what it holds. `case`, `fact`, `ledger`, `instruction`, `schedule` and `parcel`
carry ids, codes, dates, amounts, hashes.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}

MONEY = sa.Numeric(15, 2)
TIME = sa.DateTime(timezone=True)


def _id() -> Any:
    return Field(default_factory=uuid4, primary_key=True)


def _link(target: str, *, null: bool = False) -> Any:
    return Field(default=None if null else ..., foreign_key=target, index=True, nullable=null)


def _json(default: str = "{}") -> Any:
    return Field(sa_column=sa.Column(JSONB, nullable=False, server_default=sa.text(f"'{default}'::jsonb")))


def _time(*, null: bool = False, index: bool = False) -> Any:
    if null:
        return Field(default=None, sa_type=TIME, nullable=True, index=index)
    return Field(sa_type=TIME, nullable=False, index=index)


def _text(*, index: bool = False) -> Any:
    """Text that rows from before this column lack: empty."""
    return Field(default="", index=index, sa_column_kwargs={"server_default": ""})


def _money(*, null: bool = False) -> Any:
    return Field(default=None, sa_type=MONEY, nullable=True) if null else Field(sa_type=MONEY, nullable=False)


class Creditor(SQLModel, table=True):
    """The company that is owed. `settings`: see `db.settings.CreditorSettings`."""

    id: UUID = _id()
    code: str = Field(unique=True)
    name: str
    document: str = Field(unique=True)
    address: str
    city: str
    uf: str
    cep: str
    email: str
    phone: str
    settings: dict[str, Any] = _json()
    salt: str
    news_on: date | None = None
    """The last day up to which all that was paid is known here; older than the last business day: nothing escalates."""
    created_at: datetime = _time()


class Debtor(SQLModel, table=True):
    """Who owes. A record belongs to one creditor: contact data and opt-outs never cross creditors (LGPD)."""

    __table_args__ = (sa.UniqueConstraint("creditor_id", "document"),)
    id: UUID = _id()
    creditor_id: UUID = Field(foreign_key="creditor.id")
    kind: str
    document: str = Field(index=True)
    name: str
    address: str = ""
    district: str = ""
    city: str = ""
    uf: str = ""
    cep: str = ""
    ibge: str = ""
    opted_out: list[str] = _json("[]")
    created_at: datetime = _time()


class Party(SQLModel, table=True):
    """Who else is bound by an invoice: co-debtor, avalista, guarantor, representative (`party_roles.csv`)."""

    id: UUID = _id()
    invoice_id: UUID = _link("invoice.id")
    role: str
    document: str
    name: str
    address: str = ""
    district: str = _text()
    city: str = ""
    uf: str = ""
    cep: str = ""


class ContactPoint(SQLModel, table=True):
    """An address on one channel. `state`: usable, invalid, unusable (never was), opted-out."""

    __tablename__ = "contact_point"
    __table_args__ = (sa.UniqueConstraint("debtor_id", "channel", "address"),)
    id: UUID = _id()
    debtor_id: UUID = Field(foreign_key="debtor.id")
    channel: str
    address: str = Field(index=True)
    role: str = "debtor"
    source: str = ""
    state: str = "usable"
    consent: str = ""
    rank: int = 0
    """Which comes first on its channel; below zero: the debtor asked to be contacted by it."""
    best_hours: str = _text()
    """The local hours in which he asked for it, like 14:00-16:00."""
    changed_at: datetime = _time()


class BlockEntry(SQLModel, table=True):
    """Who is on a state's block list: a document (CPF or CNPJ) or a phone (E.164), since and until when (included).

    The row can be erased: it holds nothing but what the list itself says.
    """

    __tablename__ = "block_entry"
    __table_args__ = (sa.UniqueConstraint("kind", "value", "uf"),)
    id: UUID = _id()
    uf: str
    kind: str
    value: str
    registered_on: date
    until: date | None = None
    source: str
    loaded_at: datetime = _time()


class Holiday(SQLModel, table=True):
    """A day off that the packaged tables lack. `place`: BR, a state or a municipality's IBGE code."""

    place: str = Field(primary_key=True)
    day: date = Field(primary_key=True)
    name: str
    source: str
    loaded_at: datetime = _time()


class Invoice(SQLModel, table=True):
    """One debt with one due date, and the terms of charge with their source."""

    __table_args__ = (
        sa.UniqueConstraint("creditor_id", "debtor_id", "number", "instalment"),
        sa.Index("ix_invoice_number", "creditor_id", "number"),
        sa.Index("ix_invoice_printed_number", "creditor_id", "printed_number"),
    )
    id: UUID = _id()
    creditor_id: UUID = Field(foreign_key="creditor.id")
    debtor_id: UUID = _link("debtor.id")
    number: str
    instalment: str = ""
    printed_number: str
    kind: str
    issued: date
    due: date
    amount: Decimal = _money()
    fine_percent: Decimal = Field(sa_type=sa.Numeric(7, 4))
    monthly_interest_percent: Decimal = Field(sa_type=sa.Numeric(7, 4))
    charges_source: str = ""
    description: str = ""
    bank: str = _text()
    our_number: str = _text(index=True)
    """The number that the bank knows a boleto by (*nosso número*), as the invoice brought it."""
    boleto_line: str = _text()
    delivery_proof: str = _text()
    """The papers that the creditor keeps, as his system names them (`domain.eligibility.written_papers`)."""
    nfe_key: str = _text()
    place: str = _text()
    """The place of payment that the title names (IBGE code), "" = none: then it is the debtor's city."""
    policy: str = ""
    row_hash: str
    import_id: UUID | None = _link("import_file.id", null=True)
    vanished: bool = False
    created_at: datetime = _time()


_DUE = sa.text("(state #>> '{terms,due}')")
"""The due date that counts today, as ISO text: what lists are ordered by."""


class Case(SQLModel, table=True):
    """The life of one invoice. `state` is the folded case; the other columns are its projection for locks and lists."""

    __table_args__ = (
        sa.Index("ix_case_debtor_open", "debtor_id", postgresql_where=sa.text("stage <> 'closed'")),
        sa.Index("ix_case_stage_next", "stage", "next_at"),
        sa.Index("ix_case_due", _DUE, "id", postgresql_where=sa.text("stage <> 'closed'")),
        sa.Index("ix_case_stage_due", "stage", _DUE, "id"),
        sa.Index("ix_case_creditor_due", "creditor_id", _DUE, "id"),
        sa.Index("ix_case_creditor_stage_due", "creditor_id", "stage", _DUE, "id"),
    )
    id: UUID = _id()
    creditor_id: UUID = Field(foreign_key="creditor.id")
    debtor_id: UUID = Field(foreign_key="debtor.id")
    invoice_id: UUID = Field(foreign_key="invoice.id", unique=True)
    policy_hash: str = Field(foreign_key="policy.hash", index=True)
    stage: str
    state: dict[str, Any] = _json()
    balance: Decimal = _money()
    generation: int = 1
    seq: int = 0
    ledger_seq: int = 0
    ledger_hash: str = ""
    next_action: str = ""
    next_step: str = ""
    next_at: datetime | None = _time(null=True)
    next_reason: str = ""
    schedule_version: int = 0
    schedule_hash: str = ""
    outcome: str = ""
    starts_on: date = Field(index=True)
    opened_at: datetime = _time()
    started_at: datetime | None = _time(null=True)
    closed_at: datetime | None = _time(null=True)


class Ledger(SQLModel, table=True):
    """The book of a case: a hash chain from its first entry. The database refuses update, delete and truncate."""

    case_id: UUID = Field(foreign_key="case.id", primary_key=True)
    seq: int = Field(primary_key=True)
    kind: str
    body: dict[str, Any] = _json()
    cause: str
    actor: str
    business_at: datetime = _time()
    recorded_at: datetime = _time()
    rules_version: str
    previous_hash: str
    hash: str


class FactRow(SQLModel, table=True):
    """What the world told us, stored before anything else; taken in once, in order."""

    __tablename__ = "fact"
    __table_args__ = (
        sa.UniqueConstraint("source_key"),
        sa.Index("ix_fact_waiting", "case_id", postgresql_where=sa.text("acknowledged_at IS NULL")),
    )
    id: UUID = _id()
    number: int | None = Field(default=None, sa_column=sa.Column(sa.BigInteger, sa.Identity(), unique=True))
    case_id: UUID = _link("case.id")
    source_key: str
    kind: str
    body: dict[str, Any] = _json()
    actor: str
    business_at: datetime = _time()
    received_at: datetime = _time(index=True)
    acknowledged_at: datetime | None = _time(null=True)
    refusal: str = ""


class Contact(SQLModel, table=True):
    """One message, call or letter to a debtor: intent first, then what became of it."""

    __table_args__ = (
        sa.Index("ix_contact_budget", "debtor_id", "planned_at"),
        sa.Index("ix_contact_planned", "planned_at", postgresql_using="brin"),
        sa.Index("ix_contact_in_flight", "id", postgresql_where=sa.text("state = 'in-flight'")),
        sa.Index(
            "ix_contact_unpriced",
            "accepted_at",
            postgresql_where=sa.text("price IS NULL AND channel IN ('sms', 'whatsapp', 'voice')"),
        ),
    )
    id: UUID = _id()
    creditor_id: UUID = _link("creditor.id")
    debtor_id: UUID = Field(foreign_key="debtor.id")
    contact_point_id: UUID | None = _link("contact_point.id", null=True)
    channel: str
    purpose: str
    text_id: str
    subject: str = ""
    body: str = ""
    html: str | None = None
    """The HTML form of an e-mail, as it went out; empty where there is none, NULL where none is kept."""
    content_hmac: str = ""
    short_ref: str = ""
    counts: bool = True
    state: str
    provider_id: str = Field(default="", index=True)
    segments: int = 0
    price: Decimal | None = Field(default=None, sa_type=sa.Numeric(12, 5), nullable=True)
    """What the provider charged, as it writes it, in `currency` (ISO 4217); NULL while it is not known."""
    currency: str = _text()
    price_asked_at: datetime | None = _time(null=True)
    """Real time at which the provider was last asked for the price."""
    document_id: UUID | None = _link("document.id", null=True)
    template: dict[str, Any] = _json()
    """Of a WhatsApp message: `sid` of its template, and `variables`, so that a lost call is made again as it was."""
    passed_over: list[str] = _json("[]")
    """Channels of the step that could not be used, each with its reason: `whatsapp: switched-off`."""
    planned_at: datetime = _time()
    accepted_at: datetime | None = _time(null=True)
    settled_at: datetime | None = _time(null=True)


class ContactCase(SQLModel, table=True):
    """Which case, step and attempt a contact stands for; the first link is the case that sent it."""

    __tablename__ = "contact_case"
    __table_args__ = (sa.UniqueConstraint("case_id", "step", "attempt"),)
    contact_id: UUID = Field(foreign_key="contact.id", primary_key=True)
    case_id: UUID = Field(foreign_key="case.id", primary_key=True)
    step: str
    attempt: int
    lead: bool


class ContactAttempt(SQLModel, table=True):
    """One call to the provider for a contact: begun before the call, its outcome after."""

    __tablename__ = "contact_attempt"
    __table_args__ = (
        sa.Index(
            "ix_contact_attempt_unknown", "contact_id", postgresql_where=sa.text("outcome IN ('in-flight', 'unknown')")
        ),
    )
    contact_id: UUID = Field(foreign_key="contact.id", primary_key=True)
    number: int = Field(primary_key=True)
    begun_at: datetime = _time()
    ended_at: datetime | None = _time(null=True)
    outcome: str = "in-flight"
    code: str = ""


class WebhookEvent(SQLModel, table=True):
    """A verified call of a provider, stored before it is answered; `taken_at` when its meaning was applied."""

    __tablename__ = "webhook_event"
    __table_args__ = (
        sa.UniqueConstraint("provider", "event_key"),
        sa.Index("ix_webhook_event_waiting", "received_at", postgresql_where=sa.text("taken_at IS NULL")),
    )
    id: UUID = _id()
    provider: str
    event_key: str
    contact_id: UUID | None = Field(default=None, index=True)
    event: str
    code: str = ""
    body: dict[str, Any] = _json()
    received_at: datetime = _time()
    business_at: datetime = _time()
    taken_at: datetime | None = _time(null=True)


class Notice(SQLModel, table=True):
    """A prior-notice letter: what was issued, by which ways, and the best proof there is."""

    id: UUID = _id()
    case_id: UUID = _link("case.id")
    step: str
    document_id: UUID = _link("document.id")
    deadline_days: int
    issued_at: datetime = _time()
    proof_level: str = ""
    proof_on: date | None = None
    deadline: date | None = None
    state: str


class NoticeSending(SQLModel, table=True):
    """One way of a notice: the contact that carried it, to whom (no party: the debtor), and whence its address came.

    `way` is the channel with the number of the address on it (`letter`, `letter-2`); `address_hmac` is salted.
    """

    __tablename__ = "notice_sending"
    contact_id: UUID = Field(foreign_key="contact.id", primary_key=True)
    notice_id: UUID = _link("notice.id")
    way: str
    party_id: UUID | None = _link("party.id", null=True)
    address_hmac: str = ""
    origin: str = ""


class ProtestTitle(SQLModel, table=True):
    """A title on its way to, at, or back from the notary."""

    __tablename__ = "protest_title"
    id: UUID = _id()
    case_id: UUID = _link("case.id")
    creditor_id: UUID = _link("creditor.id")
    our_number: str = Field(unique=True)
    attempt: int
    amount: Decimal = _money()
    balance: Decimal = _money()
    municipality: str
    state: str = Field(index=True)
    notary_code: str = ""
    protocol: str = ""
    protocol_date: date | None = None
    term_end: date | None = None
    irregularities: list[str] = _json("[]")
    costs: Decimal = Field(default=Decimal(0), sa_type=MONEY)
    progress: str = _text()
    """Where at the notary it is: the last code of a progress file."""
    route: str = _text()
    """By which way it went: "" the CRA for all states, a state's letters its CRA, `hand` a person."""
    remitted: str = _text()
    """Of a title paid at the notary: the reference of the money that the notary passed on."""
    changed_at: datetime = _time()


class ProtestOrder(SQLModel, table=True):
    """One order to the notary about a title: present, withdraw or cancel. One open order at a time per title."""

    __tablename__ = "protest_order"
    __table_args__ = (
        sa.Index(
            "uq_protest_order_open", "title_id", unique=True, postgresql_where=sa.text("state IN ('queued', 'sent')")
        ),
    )
    id: UUID = _id()
    title_id: UUID = _link("protest_title.id")
    kind: str
    state: str = Field(index=True)
    file_id: UUID | None = _link("cra_file.id", null=True)
    queued_at: datetime = _time()
    answered_at: datetime | None = _time(null=True)


class ParcelRow(SQLModel, table=True):
    """Something handed over to legal, agency, central or bureau: noted before the call, ended with its outcome.

    `state`: `in-flight` (they may have it), `handed` (the book says so), `not-taken` (they surely do not).
    """

    __tablename__ = "parcel"
    __table_args__ = (sa.Index("ix_parcel_in_flight", "begun_at", postgresql_where=sa.text("state = 'in-flight'")),)
    id: UUID = _id()
    """The key that they know it by."""
    case_id: UUID = _link("case.id")
    to: str
    action: str
    step: str
    told: dict[str, Any] = _json()
    """The fact that is true once they have it."""
    state: str
    unanswered: int
    """Calls, with that under way, of which it is not known whether they arrived."""
    begun_at: datetime = _time()
    """Real time of the last call."""
    ended_at: datetime | None = _time(null=True)


class CraFileRow(SQLModel, table=True):
    """A file exchanged with a CRA, stored whole before it is sent or taken in."""

    __tablename__ = "cra_file"
    __table_args__ = (sa.UniqueConstraint("cra", "presenter", "name", "direction"),)
    id: UUID = _id()
    cra: str = _text()
    """The state whose CRA it is; "" is the one for all states."""
    presenter: str
    name: str
    kind: str
    direction: str
    business_day: date = Field(index=True)
    sequence: int
    document_id: UUID = _link("document.id")
    state: str
    reply_code: str = ""
    created_at: datetime = _time()
    settled_at: datetime | None = _time(null=True)


class LotSequence(SQLModel, table=True):
    """The continuous remittance number per presenter and municipality (layout V4.3, header field 08)."""

    __tablename__ = "lot_sequence"
    presenter: str = Field(primary_key=True)
    municipality: str = Field(primary_key=True)
    last: int


class InstructionRow(SQLModel, table=True):
    """The next instruction, keyed by case, generation and sequence: run again, the recorded one is the answer."""

    __tablename__ = "instruction"
    case_id: UUID = Field(foreign_key="case.id", primary_key=True)
    generation: int = Field(primary_key=True)
    seq: int = Field(primary_key=True)
    body: dict[str, Any] = _json()
    decided_at: datetime = _time()


class ScheduleRow(SQLModel, table=True):
    """All steps with their dates, as they stood from `decided_at` on, and why they changed."""

    __tablename__ = "schedule"
    case_id: UUID = Field(foreign_key="case.id", primary_key=True)
    version: int = Field(primary_key=True)
    reason: str
    steps: list[dict[str, Any]] = _json("[]")
    decided_at: datetime = _time()


class ClockRow(SQLModel, table=True):
    """The one clock of the installation: real in production, scaled in the demo."""

    __tablename__ = "clock"
    __table_args__ = (sa.CheckConstraint("id = 1", name="only_one"),)
    id: int = Field(default=1, primary_key=True)
    real_origin: datetime = _time()
    business_origin: datetime = _time()
    scale: float


class Restoration(SQLModel, table=True):
    """The book was restored: it knows nothing of what left between `since` and `at` (both real time)."""

    at: datetime = Field(sa_type=TIME, primary_key=True)
    since: datetime = _time()


class Task(SQLModel, table=True):
    """Work for a person, with owner, due date and outcome."""

    __table_args__ = (
        sa.Index("ix_task_open", "due", postgresql_where=sa.text("done_at IS NULL")),
        sa.Index("ix_task_done", "done_at", postgresql_where=sa.text("done_at IS NOT NULL")),
    )
    id: UUID = _id()
    case_id: UUID | None = _link("case.id", null=True)
    kind: str
    step: str = ""
    owner: str
    due: date
    details: list[str] = _json("[]")
    outcome: str = ""
    done_by: str = ""
    opened_at: datetime = _time()
    done_at: datetime | None = _time(null=True)


class PromiseRow(SQLModel, table=True):
    """ "I pay on the 10th": date, amount, and what became of it."""

    __tablename__ = "promise"
    id: UUID = _id()
    case_id: UUID = _link("case.id")
    on: date
    amount: Decimal | None = _money(null=True)
    state: str
    made_at: datetime = _time()


class PaymentRow(SQLModel, table=True):
    """A movement of money. It counts once, whoever reports it; without a case it waits for a person."""

    __tablename__ = "payment"
    __table_args__ = (
        sa.UniqueConstraint("creditor_id", "reference"),
        sa.Index("ix_payment_received", "received_at", "id"),
        sa.Index("ix_payment_unmatched", "creditor_id", postgresql_where=sa.text("case_id IS NULL")),
    )
    id: UUID = _id()
    creditor_id: UUID = Field(foreign_key="creditor.id")
    case_id: UUID | None = _link("case.id", null=True)
    reference: str
    amount: Decimal = _money()
    paid_on: date
    source: str
    hint: str = ""
    txid: str = _text()
    our_number: str = _text()
    payer: str = _text()
    credited: Decimal | None = _money(null=True)
    proposal: list[dict[str, Any]] = _json("[]")
    """Where a person must say: what the matching proposes, as case ids with amounts and the reason."""
    bank_file_id: UUID | None = _link("bank_file.id", null=True)
    reversed_on: date | None = None
    received_at: datetime = _time()


class BankFileRow(SQLModel, table=True):
    """A bank's file, stored whole before it is taken in, once: its hash is its name. Days are those it speaks of."""

    __tablename__ = "bank_file"
    __table_args__ = (sa.UniqueConstraint("creditor_id", "sha256"),)
    id: UUID = _id()
    creditor_id: UUID = Field(foreign_key="creditor.id")
    sha256: str
    layout: str
    name: str
    document_id: UUID = _link("document.id")
    covers_until: date | None = None
    counts: dict[str, Any] = _json()
    actor: str
    received_at: datetime = _time()


class PaymentCode(SQLModel, table=True):
    """A Pix charge that was offered to a debtor; `txid` is our key at the provider, `account` who keeps it there.

    `state`: asked (the provider may or may not know it), active, removing (to be removed), removed, paid.
    `amount` is what is asked for as of `quoted_on`; `valid_until` is the last day on which it can be paid.
    """

    __tablename__ = "payment_code"
    __table_args__ = (
        sa.Index("ix_payment_code_live", "state", postgresql_where=sa.text("state IN ('asked', 'active', 'removing')")),
    )
    id: UUID = _id()
    creditor_id: UUID = _link("creditor.id")
    case_id: UUID = _link("case.id")
    txid: str = Field(unique=True)
    account: str = Field(default="principal", sa_column_kwargs={"server_default": "principal"})
    amount: Decimal = _money()
    quoted_on: date
    valid_until: date
    instalment: int = 0
    br_code: str = ""
    state: str
    created_at: datetime = _time()
    changed_at: datetime = _time()


class PlanRow(SQLModel, table=True):
    """An agreement (*acordo*): its instalments, and the evidence of who accepted which text, when, by what."""

    __tablename__ = "plan"
    id: UUID = _id()
    case_id: UUID = _link("case.id")
    state: str
    terms: dict[str, Any] = _json()
    total: Decimal = _money()
    text_hash: str = ""
    document_id: UUID | None = _link("document.id", null=True)
    accepted_by: str = ""
    accepted_how: str = ""
    offered_at: datetime = _time()
    accepted_at: datetime | None = _time(null=True)


class Moratorium(SQLModel, table=True):
    """A hold over many cases: of a place (UF or IBGE code), a segment or a debtor; both days are included."""

    id: UUID = _id()
    creditor_id: UUID | None = _link("creditor.id", null=True)
    scope: str
    value: str
    since: date
    until: date | None = None
    reason: str
    document_id: UUID | None = _link("document.id", null=True)
    actor: str
    set_at: datetime = _time()
    lifted_at: datetime | None = _time(null=True)


class IndexValue(SQLModel, table=True):
    """One month's value of a published series (IPCA, legal rate), in per cent, with its source."""

    __tablename__ = "index_value"
    series: str = Field(primary_key=True)
    month: date = Field(primary_key=True)
    percent: Decimal = Field(sa_type=sa.Numeric(12, 6), nullable=False)
    source: str
    loaded_at: datetime = _time()


class Document(SQLModel, table=True):
    """A content-addressed file of the document store."""

    id: UUID = _id()
    case_id: UUID | None = _link("case.id", null=True)
    kind: str
    name: str
    mime: str
    sha256: str = Field(index=True)
    size: int
    created_at: datetime = _time()


class PolicyRow(SQLModel, table=True):
    """A ladder pinned by the hash of its text."""

    __tablename__ = "policy"
    hash: str = Field(primary_key=True)
    name: str
    text: str
    pinned_at: datetime = _time()


class Staff(SQLModel, table=True):
    """Who may act: roles clerk, supervisor, manager, lawyer; limit in reais; a personal token, stored as its hash."""

    id: str = Field(primary_key=True)
    name: str
    roles: list[str] = _json("[]")
    limit: Decimal = _money()
    token_hash: str = Field(unique=True)
    active: bool = True
    created_at: datetime = _time()


class Approval(SQLModel, table=True):
    """What needs a signed-in person's word. Each word is an `ApprovalWord`; nothing goes out on silence.

    It is about a case, or about the master data of a creditor (`creditor_id`, see `CreditorChange`). `asked_by`: the
    person who asked, whose own word does not count; "" = the ladder. `escalated_to`: the role that is asked as well.
    """

    id: UUID = _id()
    case_id: UUID | None = _link("case.id", null=True)
    creditor_id: UUID | None = _link("creditor.id", null=True)
    asked_by: str = _text()
    escalated_to: str = _text()
    purpose: str
    step: str
    role: str
    needed: int
    amount: Decimal = _money()
    state: str = Field(index=True)
    due: date
    requested_at: datetime = _time()


class ApprovalWord(SQLModel, table=True):
    """One person's yes or no to an approval."""

    __tablename__ = "approval_word"
    approval_id: UUID = Field(foreign_key="approval.id", primary_key=True)
    staff_id: str = Field(foreign_key="staff.id", primary_key=True, index=True)
    yes: bool
    reason: str = ""
    said_at: datetime = _time()


class CreditorChange(SQLModel, table=True):
    """A change of what money or powers hang on, waiting for a second person: the guarded settings as they would be.

    `state`: asked, applied, refused, superseded.
    """

    __tablename__ = "creditor_change"
    id: UUID = _id()
    creditor_id: UUID = _link("creditor.id")
    approval_id: UUID = Field(foreign_key="approval.id", unique=True)
    settings: dict[str, Any] = _json()
    asked_by: str
    asked_at: datetime = _time()
    state: str
    settled_at: datetime | None = _time(null=True)


class Note(SQLModel, table=True):
    """Free text about a case, outside the ledger because it can name people and must be erasable."""

    id: UUID = _id()
    case_id: UUID = _link("case.id")
    fact_id: UUID | None = Field(default=None, index=True)
    author: str
    text: str
    written_at: datetime = _time()


class ImportFile(SQLModel, table=True):
    """A file that came in, by its hash, and what it changed."""

    __tablename__ = "import_file"
    id: UUID = _id()
    creditor_id: UUID = _link("creditor.id")
    kind: str
    name: str
    sha256: str = Field(index=True)
    counts: dict[str, Any] = _json()
    imported_at: datetime = _time()
    actor: str


class Archive(SQLModel, table=True):
    """The Temporal history of one run of a case, kept beyond the server's retention; rows are only added.

    `part` counts the runs of a generation (a long history goes on in a new run). `sha256` is that of the history as
    JSON, `document` the name of its compressed file in the document store (the file's own SHA-256). An open run is
    archived again when it has grown: the row with the most events counts.
    """

    case_id: UUID = Field(foreign_key="case.id", primary_key=True)
    generation: int = Field(primary_key=True)
    run_id: str = Field(primary_key=True)
    events: int = Field(primary_key=True)
    part: int
    closed: bool
    sha256: str
    document: str
    archived_at: datetime = _time(index=True)


class Anchor(SQLModel, table=True):
    """A keyed seal over the heads of all ledgers and all archives on a day; its file is kept elsewhere.

    `document` is the SHA-256 of that file.
    """

    number: int = Field(primary_key=True)
    made_at: datetime = _time()
    key_id: str
    cases: int
    archives: int
    root: str
    previous_mac: str
    mac: str = Field(unique=True)
    document: str


class InboundMessage(SQLModel, table=True):
    """What somebody wrote to us, stored before it is answered; `taken_at` when it was understood.

    `sender`, `recipient`, `subject` and `body` can be emptied: `content_hmac` still proves what they said, and the
    ledger of the cases carries it. `automatic`: a machine wrote it. `opt_out`: what the provider itself made of it
    (STOP, START). `replied_to`: the provider's id of the message that it answers. `files`: ids of documents.
    """

    __tablename__ = "inbound_message"
    __table_args__ = (
        sa.UniqueConstraint("provider", "message_key"),
        sa.Index("ix_inbound_message_waiting", "received_at", postgresql_where=sa.text("taken_at IS NULL")),
        sa.Index("ix_inbound_message_sender", "channel", "sender", "received_at"),
    )
    id: UUID = _id()
    provider: str
    message_key: str
    channel: str
    sender: str
    recipient: str
    subject: str = ""
    body: str = ""
    automatic: bool = False
    opt_out: str = ""
    replied_to: str = ""
    files: list[str] = _json("[]")
    contact_id: UUID | None = _link("contact.id", null=True)
    creditor_id: UUID | None = _link("creditor.id", null=True)
    debtor_id: UUID | None = _link("debtor.id", null=True)
    meaning: list[str] = _json("[]")
    outcome: str = ""
    answer: str = ""
    content_hmac: str = ""
    received_at: datetime = _time()
    business_at: datetime = _time()
    taken_at: datetime | None = _time(null=True)


class NeutralAnswer(SQLModel, table=True):
    """A confirmation to whoever wrote, outside every case: intent first, then what became of it; one per message.

    `state`: waiting (until `not_before`, business time), in-flight, accepted, failed. Tries are in real time.
    """

    __tablename__ = "neutral_answer"
    __table_args__ = (
        sa.Index("ix_neutral_answer_open", "not_before", postgresql_where=sa.text("state IN ('waiting', 'in-flight')")),
    )
    id: UUID = _id()
    inbound_id: UUID = Field(foreign_key="inbound_message.id", unique=True)
    creditor_id: UUID = _link("creditor.id")
    channel: str
    address: str = Field(index=True)
    text_id: str
    subject: str = ""
    body: str = ""
    short_ref: str = ""
    state: str
    attempt: int = 0
    provider_id: str = ""
    code: str = ""
    not_before: datetime = _time()
    tried_since: datetime | None = _time(null=True)
    tried_last: datetime | None = _time(null=True)
    settled_at: datetime | None = _time(null=True)


class ClosedAddress(SQLModel, table=True):
    """An address to which a creditor writes nothing any more, whoever it is said to belong to (in small letters).

    `reason`: stop (its owner asked for silence), wrong-person (its owner is a stranger).
    """

    __tablename__ = "closed_address"
    creditor_id: UUID = Field(foreign_key="creditor.id", primary_key=True)
    address: str = Field(primary_key=True)
    reason: str
    inbound_id: UUID | None = _link("inbound_message.id", null=True)
    closed_at: datetime = _time()


class PrivacyAct(SQLModel, table=True):
    """What was done about somebody's data (LGPD art. 37); rows are only added.

    `kind`: access (he was told), held and released (a suit keeps everything), asked (one person wants the erasure),
    erased. `body`: classes, counts, ids of erased documents, SHA-256 of the letter. `reason` names nobody.
    """

    __tablename__ = "privacy_act"
    id: UUID = _id()
    number: int | None = Field(default=None, sa_column=sa.Column(sa.BigInteger, sa.Identity(), unique=True))
    debtor_id: UUID = _link("debtor.id")
    kind: str
    actor: str
    reason: str = ""
    body: dict[str, Any] = _json()
    at: datetime = _time()

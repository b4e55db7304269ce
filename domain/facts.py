"""The vocabulary of a case: every fact that can be folded into it.

Told facts come from the world (payments, staff, files, provider events); own facts are what the case decides by itself
and records beside them. A fact carries ids, codes, dates and amounts, never personal data: it stands in the ledger for
ever. Add kinds and fields with defaults; never rename or remove one, old cases still hold it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Discriminator, TypeAdapter

from domain.outside_facts import ContactRequested as ContactRequested
from domain.outside_facts import HandOverAcknowledged as HandOverAcknowledged
from domain.outside_facts import HandOverRecalled as HandOverRecalled
from domain.outside_facts import HandOverReported as HandOverReported
from domain.outside_facts import Hands as Hands
from domain.outside_facts import Listed as Listed
from domain.outside_facts import ListingNotified as ListingNotified
from domain.outside_facts import ListingRefused as ListingRefused
from domain.outside_facts import ListingRemovalOrdered as ListingRemovalOrdered
from domain.outside_facts import ListingRemoved as ListingRemoved
from domain.outside_facts import ListingRequested as ListingRequested
from domain.outside_facts import NegotiationAnswered as NegotiationAnswered
from domain.outside_facts import NegotiationProposed as NegotiationProposed
from domain.outside_facts import NegotiationWithdrawn as NegotiationWithdrawn
from domain.outside_facts import Outsider as Outsider
from domain.outside_facts import OutsideTold
from domain.outside_facts import PassedOn as PassedOn
from domain.outside_facts import Way as Way
from domain.protest_facts import CancellationAsked as CancellationAsked
from domain.protest_facts import CancellationQueued as CancellationQueued
from domain.protest_facts import CancellationRefused as CancellationRefused
from domain.protest_facts import ConsentDelivered as ConsentDelivered
from domain.protest_facts import ConsentSigned as ConsentSigned
from domain.protest_facts import ProtestTold
from domain.protest_facts import TitleProgressed as TitleProgressed

Hold = Literal["court", "insolvency", "death", "over-indebted", "vanished", "moratorium"]
How = Literal["staff", "reply", "link", "phone", "file", ""]
Level = Literal["sent", "delivered", "read", "received-by-name"]
Portfolio = Literal["simple", "discounted", "pledged", "sold"]
BankOrderKind = Literal["protest", "listing"]


# --- the world: the debt -------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Extended:
    """A new due date; charges and the ladder count from it."""

    due: date
    source: str = ""
    document_id: str = ""
    kind: Literal["extended"] = "extended"


@dataclass(frozen=True)
class Adjusted:
    """The debt became smaller: rebate, return, credit note, withholding, or the ERP's own correction."""

    amount: Decimal
    how: Literal["rebate", "return", "withholding", "credit-note", "correction"]
    on: date
    source: str = ""
    document_id: str = ""
    kind: Literal["adjusted"] = "adjusted"


@dataclass(frozen=True)
class Voided:
    """The debt never was or is no more (cancelled invoice): nobody is asked for it again."""

    reason: str = ""
    kind: Literal["void"] = "void"


@dataclass(frozen=True)
class WrittenOff:
    """The creditor gives the debt up."""

    reason: str = ""
    kind: Literal["write_off"] = "write_off"


@dataclass(frozen=True)
class PaymentReceived:
    """Money for this case. `at_notary`: paid to the notary, who gives quittance for the declared value.

    `costs`: what the notary passed on with it of the costs that we had advanced, in reais; no part of the debt.
    `quoted_on`: paid in time by a code that asked for the debt of that day; it is worth what it was worth then.
    """

    reference: str
    amount: Decimal
    paid_on: date
    source: str = ""
    at_notary: bool = False
    quoted_on: date | None = None
    costs: Decimal = field(default=Decimal(0), compare=False)
    kind: Literal["payment"] = "payment"


@dataclass(frozen=True)
class PaymentInClearing:
    """Money is on its way (a boleto or a cheque between banks): counted when it arrives under the same reference."""

    reference: str
    amount: Decimal
    expected_on: date
    source: str = ""
    kind: Literal["clearing"] = "clearing"


@dataclass(frozen=True)
class PaymentClaimed:
    """The debtor says that he has paid: the ladder rests while a person looks for the proof."""

    claim_id: str
    how: How = ""
    kind: Literal["claim"] = "claim"


@dataclass(frozen=True)
class PaymentReversed:
    """A payment that was counted came back (chargeback, bounced cheque), or money in clearing will not come."""

    reference: str
    on: date
    kind: Literal["reverse"] = "reverse"


@dataclass(frozen=True)
class Vanished:
    """A full import no longer has this invoice: held until a person says why."""

    source: str = ""
    kind: Literal["vanished"] = "vanished"


@dataclass(frozen=True)
class PaymentNews:
    """All payments up to a day are known now: what waited for that may go on (promise 3)."""

    until: date
    kind: Literal["payment_news"] = "payment_news"


@dataclass(frozen=True)
class ContactDataChanged:
    """A new or corrected address: what waited for a way to reach the debtor may go on.

    `hours`: the local hours in which he asked to be contacted, like 14:00-16:00; "any" takes such a wish back.
    """

    channel: str
    hours: str = ""
    kind: Literal["contact_data"] = "contact_data"


# --- the world: people ---------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Released:
    """The first wave of an old portfolio was let go by a person."""

    on: date
    kind: Literal["release"] = "release"


@dataclass(frozen=True)
class PromiseMade:
    """The debtor says: I pay on that day. Amount None = the whole debt."""

    promise_id: str
    on: date
    amount: Decimal | None = None
    how: How = ""
    kind: Literal["promise"] = "promise"


@dataclass(frozen=True)
class Instalment:
    """One part of a plan: its number (0 = down payment), its due date, reais."""

    number: int
    due: date
    amount: Decimal


@dataclass(frozen=True)
class Financing:
    """How the interest of a plan runs: from which day, per cent a month, simple or compound (the Price table)."""

    since: date
    monthly_percent: Decimal
    compound: bool = False


@dataclass(frozen=True)
class PlanOffered:
    """A plan was offered; the debtor is told its terms in writing, and can accept until that day."""

    plan_id: str
    until: date
    kind: Literal["plan_offered"] = "plan_offered"


@dataclass(frozen=True)
class PlanAgreed:
    """The debtor accepted a plan (acordo) without novation; `text_hash` is the SHA-256 of the text that he accepted.

    `financing`: the interest that the instalments hold, None = none; what has not run comes off when he pays early.
    """

    plan_id: str
    instalments: tuple[Instalment, ...]
    offer: str = ""
    how: How = ""
    text_hash: str = ""
    document_id: str = ""
    financing: Financing | None = None
    kind: Literal["plan"] = "plan"


@dataclass(frozen=True)
class PlanEnded:
    """Staff end a plan before its end: the debt stands as if it had been broken."""

    plan_id: str
    reason: str = ""
    kind: Literal["plan_ended"] = "plan_ended"


@dataclass(frozen=True)
class DisputeOpened:
    """The debtor denies the debt or a part of it. `amount`: what is disputed in reais, None = everything.

    `explain_by`: the day by which he has to say why, where he has not yet.
    """

    dispute_id: str
    amount: Decimal | None = None
    explain_by: date | None = None
    how: How = ""
    kind: Literal["dispute"] = "dispute"


@dataclass(frozen=True)
class DisputeExplained:
    """The debtor said why; now the creditor has to answer."""

    dispute_id: str
    kind: Literal["dispute_explained"] = "dispute_explained"


@dataclass(frozen=True)
class DisputeResolved:
    """A person decided the dispute: upheld (the debtor is right, the disputed part is no debt) or rejected."""

    upheld: bool
    kind: Literal["resolve"] = "resolve"


@dataclass(frozen=True)
class ReplyReceived:
    """The debtor wrote; his words stand in an erasable row, `content` is their salted HMAC.

    `meaning`: codes of what was understood. `task`: the kind of task by which a person answers, "" = none, and `why`.
    `answer`: the text that he is owed beside what other facts confirm, "" = none.
    """

    reply_id: str
    channel: str
    meaning: tuple[str, ...]
    content: str
    task: str = ""
    answer: str = ""
    why: str = ""
    kind: Literal["reply"] = "reply"


@dataclass(frozen=True)
class OptedOut:
    """No more contacts on these channels; "electronic" means every one but the letter."""

    channels: tuple[str, ...] = ("electronic",)
    kind: Literal["opt_out"] = "opt_out"


@dataclass(frozen=True)
class OptedIn:
    """The debtor allows these channels again."""

    channels: tuple[str, ...] = ("electronic",)
    kind: Literal["opt_in"] = "opt_in"


@dataclass(frozen=True)
class Paused:
    """Staff hold the ladder up to and including a day."""

    since: date
    until: date
    kind: Literal["pause"] = "pause"


@dataclass(frozen=True)
class Resumed:
    """Staff end a pause before its day."""

    kind: Literal["resume"] = "resume"


@dataclass(frozen=True)
class HoldSet:
    """Something in the world forbids going on: a court order, insolvency, a death, a moratorium (until a day)."""

    hold: Hold
    until: date | None = None
    document_id: str = ""
    kind: Literal["hold"] = "hold"


@dataclass(frozen=True)
class HoldLifted:
    """The reason for a hold is gone."""

    hold: Hold
    kind: Literal["lift"] = "lift"


@dataclass(frozen=True)
class LimitationOverridden:
    """A lawyer answers for a protest after the executive term, with a reason in a note (never after the last term)."""

    note_id: str
    kind: Literal["limitation_overridden"] = "limitation_overridden"


@dataclass(frozen=True)
class BoletoIssued:
    """The invoice has a boleto of the bank, its first or a new one, that can be paid until the bank withdraws it."""

    source: str = ""
    kind: Literal["boleto_issued"] = "boleto_issued"


@dataclass(frozen=True)
class BoletoWithdrawn:
    """The bank confirmed that the invoice's boleto can no longer be paid."""

    source: str = ""
    kind: Literal["boleto_withdrawn"] = "boleto_withdrawn"


@dataclass(frozen=True)
class BankOrder:
    """The creditor's bank holds an instruction of its own to protest or list the debtor; `active`: it still does."""

    order: BankOrderKind
    active: bool
    source: str = ""
    kind: Literal["bank_order"] = "bank_order"


@dataclass(frozen=True)
class PortfolioChanged:
    """Whose the title is: in simple collection it is the creditor's; discounted, pledged or sold it is another's."""

    portfolio: Portfolio
    source: str = ""
    kind: Literal["portfolio"] = "portfolio"


@dataclass(frozen=True)
class InvoiceEvent:
    """An event of the electronic invoice (NF-e), by its six-digit code: cancelled, confirmed, refused by the buyer."""

    event: str
    source: str = ""
    kind: Literal["nfe_event"] = "nfe_event"


@dataclass(frozen=True)
class PartyNamed:
    """Somebody else signed for the debt; `role` as in `party_roles.csv`. His name stands in an erasable row."""

    party_id: str
    role: str
    kind: Literal["party"] = "party"


@dataclass(frozen=True)
class DocumentAttached:
    """A paper of the case was supplied; `document` is its kind, like delivery-proof."""

    document_id: str
    document: str
    kind: Literal["document"] = "document"


@dataclass(frozen=True)
class NoteAdded:
    """A person wrote something down; the text stands in an erasable row."""

    note_id: str
    kind: Literal["note"] = "note"


@dataclass(frozen=True)
class ContactLogged:
    """A person called or learned what became of a letter. `step` is the step it completes, if any.

    Of a notice's letter, `way` says which one (`letter-2`, "" = the first), `party` to whom ("" = the debtor).
    """

    channel: str
    outcome: str
    step: str = ""
    on: date | None = None
    way: str = ""
    party: str = ""
    kind: Literal["log"] = "log"


@dataclass(frozen=True)
class TaskDone:
    """A person finished a task."""

    task_id: str
    outcome: str
    kind: Literal["task_done"] = "task_done"


@dataclass(frozen=True)
class Approved:
    """Enough signed-in people with role and limit said yes; the rows of the approval are the proof."""

    approval_id: str
    kind: Literal["approve"] = "approve"


@dataclass(frozen=True)
class WordGiven:
    """One signed-in person agreed, and `missing` more must; only enough words are an approval."""

    approval_id: str
    missing: int
    kind: Literal["word"] = "word"


@dataclass(frozen=True)
class ApprovalOverdue:
    """Nobody answered by the day: the next role is asked. Silence is never a yes."""

    approval_id: str
    kind: Literal["approval_overdue"] = "approval_overdue"


@dataclass(frozen=True)
class ApprovalRefused:
    """A signed-in person said no: for good, or until a day on which it is asked again. His word holds the reason."""

    approval_id: str
    again_on: date | None = None
    kind: Literal["refuse"] = "refuse"


@dataclass(frozen=True)
class PolicyMigrated:
    """Staff moved the case to another ladder, with a reason."""

    policy_hash: str
    reason: str = ""
    kind: Literal["migrate"] = "migrate"


@dataclass(frozen=True)
class Unreadable:
    """A message to the case that could not be understood; held until a person has looked."""

    name: str
    kind: Literal["unreadable"] = "unreadable"


# --- what our own actions brought about ----------------------------------------------------------------------------
@dataclass(frozen=True)
class ContactSent:
    """A provider accepted the message of a step (or another case's message covered it).

    `content` is the salted HMAC of all that was said: subject, text and HTML form; empty in ledgers from before it.
    """

    step: str
    contact_id: str
    channel: str
    covered: bool = False
    content: str = field(default="", compare=False)
    kind: Literal["contact_sent"] = "contact_sent"


@dataclass(frozen=True)
class ContactDeferred:
    """Not now: until when, and why (hours, caps, provider away, another message on its way)."""

    step: str
    until: datetime
    reason: str
    kind: Literal["contact_deferred"] = "contact_deferred"


@dataclass(frozen=True)
class ContactFailed:
    """A message could not be delivered; `bad_address` asks for the next channel of the same step."""

    step: str
    contact_id: str
    channel: str
    code: str
    bad_address: bool = True
    kind: Literal["contact_failed"] = "contact_failed"


@dataclass(frozen=True)
class Unreachable:
    """No usable channel is left for a step."""

    step: str
    reason: str
    kind: Literal["unreachable"] = "unreachable"


@dataclass(frozen=True)
class Sending:
    """One way of a notice: channel and number of the address on it (`letter`, `letter-2`), and to whom.

    `party` is the bound party it goes to, "" = the debtor; `address` the salted HMAC of the address, `origin` where
    that address comes from, `content` the salted HMAC of what the contact says that carries it.
    """

    way: str
    party: str = ""
    address: str = ""
    origin: str = ""
    content: str = field(default="", compare=False)


@dataclass(frozen=True)
class NoticeIssued:
    """The prior notice was made and handed to every way named: `channels` are those to the debtor.

    `sendings` are all of them with address and origin, `content` is the salted HMAC of the letter; ledgers from before
    these fields have them empty.
    """

    notice_id: str
    step: str
    channels: tuple[str, ...]
    sendings: tuple[Sending, ...] = field(default=(), compare=False)
    content: str = field(default="", compare=False)
    kind: Literal["notice_issued"] = "notice_issued"


@dataclass(frozen=True)
class NoticeSentAgain:
    """A way of the notice failed and the same notice went to further addresses; without any, none is left."""

    notice_id: str
    step: str
    sendings: tuple[Sending, ...] = ()
    content: str = ""
    kind: Literal["notice_sent_again"] = "notice_sent_again"


@dataclass(frozen=True)
class NoticeProved:
    """Evidence about one way (`channel`) of a notice: a level of proof, and its day at the debtor's place.

    `party`: of the notice to another bound party, "" = the debtor.
    """

    notice_id: str
    channel: str
    level: Level
    on: date
    party: str = ""
    kind: Literal["notice_proved"] = "notice_proved"


@dataclass(frozen=True)
class NoticeReturned:
    """One way of a notice failed for good: bounced, returned, refused, unknown address."""

    notice_id: str
    channel: str
    reason: str
    party: str = ""
    kind: Literal["notice_returned"] = "notice_returned"


@dataclass(frozen=True)
class TitleExamined:
    """Nothing that the notary needs is missing: a person may be asked to approve the protest."""

    step: str
    kind: Literal["title_examined"] = "title_examined"


@dataclass(frozen=True)
class TitleQueued:
    """The title waits for the next remittance; its balance is what will be declared."""

    step: str
    title_id: str
    balance: Decimal
    kind: Literal["title_queued"] = "title_queued"


@dataclass(frozen=True)
class TitleIncomplete:
    """The title lacks something the notary needs: codes of what is missing."""

    step: str
    missing: tuple[str, ...]
    kind: Literal["title_incomplete"] = "title_incomplete"


@dataclass(frozen=True)
class TitleSent:
    """The title left in a remittance; `by_hand`: no agreement covers its place, a person presents it."""

    title_id: str
    on: date
    by_hand: bool = False
    kind: Literal["title_sent"] = "title_sent"


@dataclass(frozen=True)
class TitleConfirmed:
    """The notary took the title: the day of its protocol, and the last day of the three-day term.

    `costs` that were asked in advance, in reais. `decide_by`: until when a person can decide to take the title back.
    """

    title_id: str
    protocol_date: date
    term_end: date
    costs: Decimal = Decimal(0)
    decide_by: datetime | None = None
    kind: Literal["title_confirmed"] = "title_confirmed"


@dataclass(frozen=True)
class TitleReturned:
    """The notary gave the title back with irregularities (CRA codes)."""

    title_id: str
    irregularities: tuple[str, ...]
    representable: bool
    costs: Decimal = Decimal(0)
    kind: Literal["title_returned"] = "title_returned"


@dataclass(frozen=True)
class TitleRegistered:
    """The protest was registered (Lei 9.492 art. 20)."""

    title_id: str
    on: date
    costs: Decimal = Decimal(0)
    kind: Literal["title_registered"] = "title_registered"


@dataclass(frozen=True)
class TitleWithdrawn:
    """The title came back before registration at our request (Lei 9.492 art. 16)."""

    title_id: str
    on: date
    costs: Decimal = Decimal(0)
    kind: Literal["title_withdrawn"] = "title_withdrawn"


@dataclass(frozen=True)
class TitleCancelled:
    """A registered protest was cancelled (Lei 9.492 art. 26)."""

    title_id: str
    on: date
    costs: Decimal = Decimal(0)
    kind: Literal["title_cancelled"] = "title_cancelled"


@dataclass(frozen=True)
class TitleSuspended:
    """A court suspended the protest (Lei 9.492 art. 17); `final`: for good."""

    title_id: str
    final: bool
    kind: Literal["title_suspended"] = "title_suspended"


@dataclass(frozen=True)
class WithdrawalAsked:
    """Staff want the title back from the notary."""

    reason: str = ""
    kind: Literal["withdraw"] = "withdraw"


@dataclass(frozen=True)
class HandedOver:
    """Legal, or an outside agency, has the dossier.

    `knows` is what it says of payments and the end of the debt, by the keys of `domain.outside`; all else is told.
    None, as entries from before this field have it: all that the case knew when this was recorded.
    """

    document_id: str
    to: Hands = "legal"
    step: str = ""
    knows: tuple[str, ...] | None = None
    kind: Literal["handed_over"] = "handed_over"


@dataclass(frozen=True)
class ActionFailed:
    """An action ended without a result. Transient ones are tried again later; others need a person."""

    action: str
    step: str
    code: str
    transient: bool
    kind: Literal["action_failed"] = "action_failed"


# --- own: what the case decides by itself --------------------------------------------------------------------------
@dataclass(frozen=True)
class Opened:
    """The first entry of every case.

    `start` is the case as it was before anything was taken in (`domain.case.dump`): from it and the entries that follow
    an auditor builds every later state again. Ledgers from before this field have it empty.
    """

    policy_hash: str
    principal: Decimal
    due: date
    start: dict[str, Any] = field(default_factory=dict, compare=False)
    kind: Literal["opened"] = "opened"


@dataclass(frozen=True)
class StepPassedOver:
    """A step that will not be done, and why."""

    step: str
    reason: str
    kind: Literal["step_passed_over"] = "step_passed_over"


@dataclass(frozen=True)
class TaskOpened:
    """Work for a person, with owner (a role) and due date. `holds`: nothing goes out until it is done."""

    task_id: str
    task: str
    step: str
    owner: str
    due: date
    holds: bool = False
    details: tuple[str, ...] = ()
    kind: Literal["task_opened"] = "task_opened"


@dataclass(frozen=True)
class ApprovalAsked:
    """A step waits for signed-in people: role, how many, for what amount."""

    approval_id: str
    purpose: str
    step: str
    role: str
    needed: int
    amount: Decimal
    due: date
    kind: Literal["approval_asked"] = "approval_asked"


@dataclass(frozen=True)
class PromiseKept:
    """What was promised arrived in time."""

    promise_id: str
    kind: Literal["promise_kept"] = "promise_kept"


@dataclass(frozen=True)
class PromiseBroken:
    """The promised day passed without the money; the ladder goes on the day after."""

    promise_id: str
    on: date
    kind: Literal["promise_broken"] = "promise_broken"


@dataclass(frozen=True)
class PlanBroken:
    """An instalment stayed unpaid past the tolerance: the plan lapses, the debt revives less what was paid."""

    plan_id: str
    on: date
    kind: Literal["plan_broken"] = "plan_broken"


@dataclass(frozen=True)
class PlanCompleted:
    """Every instalment was paid: the debt is settled. `waived`: the discount that now counts."""

    plan_id: str
    waived: Decimal
    kind: Literal["plan_completed"] = "plan_completed"


@dataclass(frozen=True)
class HoldEnded:
    """The last day of a dated hold is over, or the holding reason lapsed by itself (`claim`, `clearing`)."""

    hold: str
    kind: Literal["hold_ended"] = "hold_ended"


@dataclass(frozen=True)
class PauseEnded:
    """The last day of a pause is over."""

    kind: Literal["pause_ended"] = "pause_ended"


@dataclass(frozen=True)
class NoticeUndeliverable:
    """Every known way of the notice failed or stayed silent: attempted, never notified."""

    notice_id: str
    kind: Literal["notice_undeliverable"] = "notice_undeliverable"


@dataclass(frozen=True)
class NoticeVoided:
    """A notice that says nothing true any more, or is too old: a new one is needed (`reason`)."""

    notice_id: str
    reason: str
    kind: Literal["notice_void"] = "notice_void"


@dataclass(frozen=True)
class ApprovalEscalated:
    """An approval that nobody gave in time is asked of the next role as well, until a new day."""

    approval_id: str
    role: str
    due: date
    kind: Literal["approval_escalated"] = "approval_escalated"


@dataclass(frozen=True)
class NoticeReleasedByTwo:
    """Two people released an undeliverable notice; its deadline runs from that day. The ledger says attempted."""

    notice_id: str
    on: date
    kind: Literal["notice_released"] = "notice_released"


@dataclass(frozen=True)
class TitleUnqueued:
    """The title left the queue before it was sent."""

    title_id: str
    reason: str
    kind: Literal["title_unqueued"] = "title_unqueued"


@dataclass(frozen=True)
class WithdrawalQueued:
    """The notary is asked to give the title back with the next file (DP).

    It costs the creditor `cost` reais, as far as the notary has said; it must be there before `by`.
    """

    title_id: str
    reason: str
    cost: Decimal = field(default=Decimal(0), compare=False)
    by: datetime | None = field(default=None, compare=False)
    kind: Literal["withdrawal_queued"] = "withdrawal_queued"


@dataclass(frozen=True)
class Closed:
    """The case ends. `waived` is what stayed unpaid and is not asked for (tolerance, notary's quittance)."""

    outcome: str
    waived: Decimal
    kind: Literal["closed"] = "closed"


@dataclass(frozen=True)
class Reopened:
    """A fact after closing opened the debt again; steps already done stay done."""

    reason: str
    kind: Literal["reopened"] = "reopened"


@dataclass(frozen=True)
class Refusal:
    """A fact that the rules did not allow; it changed nothing, and stands in the ledger with its reason.

    `body` is the fact as it was told (JSON), so that an auditor can ask today's rules about it.
    """

    fact: str
    code: str
    body: dict[str, Any] = field(default_factory=dict, compare=False)
    kind: Literal["refused"] = "refused"


Told = (
    Extended | Adjusted | Voided | WrittenOff | PaymentReceived | PaymentInClearing | PaymentClaimed | PaymentReversed
    | LimitationOverridden | BoletoIssued | BoletoWithdrawn | PaymentNews | Vanished | ContactDataChanged | Released
    | PromiseMade
    | PlanOffered | PlanAgreed | PlanEnded | DisputeOpened | DisputeExplained | DisputeResolved | ReplyReceived
    | OptedOut | OptedIn | Paused | Resumed | HoldSet | HoldLifted | NoteAdded | ContactLogged | TaskDone | Approved
    | ApprovalRefused | PolicyMigrated | Unreadable | ContactSent | ContactDeferred | ContactFailed | Unreachable
    | NoticeIssued | NoticeProved | NoticeReturned | TitleQueued | TitleIncomplete | TitleSent | TitleConfirmed
    | TitleReturned | TitleRegistered | TitleWithdrawn | TitleCancelled | TitleSuspended | WithdrawalAsked
    | HandedOver | ActionFailed | BankOrder | PortfolioChanged | InvoiceEvent | PartyNamed | DocumentAttached
    | WordGiven | ApprovalOverdue | NoticeSentAgain | TitleExamined | ProtestTold
    | OutsideTold
)  # fmt: skip
Own = (
    NegotiationWithdrawn | ListingRemovalOrdered
    | Opened | StepPassedOver | TaskOpened | ApprovalAsked | PromiseKept | PromiseBroken | PlanBroken | PlanCompleted
    | HoldEnded | PauseEnded
    | NoticeVoided | ApprovalEscalated
    | NoticeUndeliverable | NoticeReleasedByTwo | TitleUnqueued | WithdrawalQueued | Closed | Reopened | Refusal
    | CancellationQueued
)  # fmt: skip
Fact = Told | Own

FACT: TypeAdapter[Fact] = TypeAdapter(Annotated[Fact, Discriminator("kind")])

BY_SIGNAL = frozenset(
    {
        "payment",
        "reverse",
        "clearing",
        "claim",
        "promise",
        "dispute",
        "opt_out",
        "pause",
        "resume",
        "note",
        "hold",
        "log",
        "contact_data",
    }
)
"""What a raw Temporal signal or update with a readable body may say. `approve`, `refuse`, `write_off`, `void` and all
outcomes of our own actions only count as stored facts, written by who may write them."""


def to_json(fact: Fact) -> dict[str, Any]:
    """A fact as JSON values: amounts as strings, dates in ISO form, `kind` among them."""
    return FACT.dump_python(fact, mode="json")  # type: ignore[no-any-return]


def from_json(body: dict[str, Any]) -> Fact:
    """The fact behind JSON values; raises pydantic.ValidationError where they fit no kind."""
    return FACT.validate_python(body)

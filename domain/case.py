"""A case as it stands.

`Case` is plain data: it is stored as JSON with the case row and can be built again from its ledger. Facts are taken in
by `domain.fold`; what follows from a state is decided in `domain.decide`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from operator import attrgetter
from typing import Annotated, Any, Literal

from pydantic import Field, InstanceOf, TypeAdapter

from domain import facts as f
from domain.debt import Charges, Debt, Payment, Reduction, ReductionKind, updated_debt
from domain.indices import NONE, Indices, SeriesCode
from domain.limitation import Terms as Limitation
from domain.limitation import limitation
from domain.money import ZERO, cents
from domain.places import time_zone
from domain.plans import PlanState, instalment_state
from domain.whereabouts import Place, home_at

LEVELS: tuple[f.Level, ...] = ("sent", "delivered", "read", "received-by-name")
LIVE = frozenset({"sent", "confirmed", "notified", "withdrawing", "suspended", "cancelling"})
"""States in which a title is at the notary or on its way there, or its protest is being cancelled."""
COMMITTED = LIVE | {"queued"}
"""The same, and the queue for the next file."""
PROTESTED = COMMITTED | {"registered"}
"""The same, and a protest that stands."""
_REDUCTION: dict[str, ReductionKind] = {"return": "return", "withholding": "withholding"}
"""Credit notes and the ERP's corrections count as rebates."""
ELECTRONIC = frozenset({"email", "sms", "whatsapp", "voice", "call"})


@dataclass
class Terms:
    """Of the invoice: what was agreed. Percentages are per cent; charges without a source are none."""

    principal: Decimal
    due: date
    original_due: date
    kind: str
    consumer: bool
    fine_percent: Decimal = ZERO
    monthly_interest_percent: Decimal = ZERO
    charges_source: str = ""
    correction: SeriesCode | None = None
    """The index by which the contract corrects the debt (a code of domain.indices), if any."""
    fees_percent: Decimal = ZERO
    fees_source: str = ""
    boleto: bool = False
    """The invoice brought a boleto of the creditor's bank, which stays payable until the bank withdraws it."""


@dataclass
class Paid:
    """One payment, as counted.

    `quoted_on`: it was paid in time by a code that asked for the debt of that day, and is worth what it was worth then.
    `on_capital`: exactly the principal, imputed to it and not to charges (CC art. 354 at its end); `waives`: the policy
    gives those charges up.
    """

    reference: str
    amount: Decimal
    on: date
    at_notary: bool = False
    reversed: bool = False
    thanked: bool = False
    quoted_on: date | None = None
    on_capital: bool = False
    waives: bool = False

    def worth_on(self) -> date:
        """The day as of which it counts in the debt."""
        return min(self.on, self.quoted_on) if self.quoted_on else self.on


_PAID_ON = attrgetter("on")


@dataclass
class Clearing:
    """Money on its way: under which reference it will be counted, and how long it is waited for."""

    reference: str
    amount: Decimal
    until: date


@dataclass
class Reduced:
    """One reduction of the debt."""

    amount: Decimal
    how: str
    on: date


@dataclass
class StepState:
    """How far a step is: pending, running (waiting for people or the notary), done, passed-over."""

    status: Literal["pending", "running", "done", "passed-over"] = "pending"
    on: date | None = None
    attempt: int = 1
    deferred_until: datetime | None = None
    reason: str = ""


@dataclass
class Promise:
    """An open promise: its day, its amount (None = everything), and what had been paid when it was made."""

    id: str
    on: date
    amount: Decimal | None
    paid_before: Decimal


@dataclass
class Plan:
    """A plan (acordo) in good standing; payments from number `since_payment` on are its own."""

    id: str
    instalments: list[f.Instalment]
    agreed_on: date
    since_payment: int
    financing: f.Financing | None = None


@dataclass
class Word:
    """Something that the case owes to say to the debtor beside its ladder; `about`: the promise, plan or dispute."""

    text: str
    number: int
    about: str = ""


@dataclass
class Served:
    """The notice to another bound party: its ways, and the day of the proof that opens the gate for naming him."""

    ways: dict[str, str]
    proof_on: date | None = None


@dataclass
class Notice:
    """The prior notice: the ways it went, what came of each, and the best proof that opens the gate.

    `others`: of each other bound party, by his id. `searched`: ways whose failure was answered by a search for another
    address. `sent_on`: the last sending, None = the first.
    """

    id: str
    step: str
    issued_on: date
    ways: dict[str, str]
    proof_on: date | None = None
    state: Literal["issued", "proved", "undeliverable", "released"] = "issued"
    others: dict[str, Served] = field(default_factory=dict)
    searched: list[str] = field(default_factory=list)
    sent_on: date | None = None


@dataclass
class Protest:
    """The title at the notary; `state` is one of `domain.protest`.

    `word` and `over_on` say how the step ended (named moment protest.over). `costs` is what the notary asked so far, in
    reais. `decide_by`: until when a person can still decide to take the title back.
    """

    state: str = "none"
    title_id: str = ""
    declared: Decimal = ZERO
    sent_on: date | None = None
    term_end: date | None = None
    word: str = "none"
    over_on: date | None = None
    attempt: int = 0
    examined: date | None = None
    """The day on which nothing was found missing; None where that must be looked for (again)."""
    costs: Decimal = ZERO
    progress: str = ""
    decide_by: datetime | None = None
    cancel: Literal["", "asked", "refused"] = ""
    """Of a registered protest: staff ordered its cancellation, or the notary refused to cancel it."""
    consent: Literal["", "awaiting-signature", "signed", "delivered"] = ""
    """The letter of consent of a registered protest whose debt was paid."""


@dataclass
class Approval:
    """What waits for signed-in people."""

    id: str
    purpose: str
    step: str
    due: date
    state: Literal["asked", "given"] = "asked"
    role: str = ""
    amount: Decimal = ZERO


@dataclass
class OpenTask:
    """A task that the case knows of."""

    kind: str
    step: str
    due: date
    holds: bool


@dataclass
class Need:
    """A task to be opened with the next decision."""

    task: str
    step: str = ""
    owner: str = "clerk"
    holds: bool = False
    details: tuple[str, ...] = ()


@dataclass
class HandOver:
    """Who has the whole case, since when, by which dossier; `receipt_due`: the day by which he says that he has it."""

    to: f.Hands
    on: date
    document_id: str
    receipt_due: date
    acknowledged_on: date | None = None
    filed_on: date | None = None


@dataclass
class Proposal:
    """A proposal at the notaries' central (Lei 9.492/1997 art. 11-A), for the original amount, open until a day.

    `reason`: why it is taken back, "" while it is not.
    """

    id: str
    step: str
    amount: Decimal
    until: date
    state: Literal["open", "withdrawing", "paid", "withdrawn", "returned", "converted"] = "open"
    reason: str = ""


@dataclass
class Listing:
    """The case at a credit bureau. `wait`: the last day of the bureau's own notice; `due`: when the entry must be gone.

    `fault`: why it must not stand at all, whatever the debtor does ("" = nothing is wrong with it).
    """

    id: str
    amount: Decimal
    requested_on: date
    state: Literal["requested", "notified", "listed", "removing", "removed", "refused"] = "requested"
    wait: date | None = None
    listed_on: date | None = None
    due: date | None = None
    reason: str = ""
    fault: str = ""


@dataclass
class Case:
    """Everything that decides what comes next. Days are the debtor's local civil days; amounts Decimal reais."""

    id: str
    uf: str
    jitter: float
    policy_hash: str
    terms: Terms
    ladder_due: date
    ibge: str = ""
    """His municipality (IBGE code), for its holidays; empty where it is not known."""
    best_hours: str = ""
    """The local hours in which he asked to be contacted, like 14:00-16:00."""
    awaits_release: bool = False
    payments: list[Paid] = field(default_factory=list)
    reductions: list[Reduced] = field(default_factory=list)
    steps: dict[str, StepState] = field(default_factory=dict)
    promise: Promise | None = None
    promises_made: int = 0
    promises_broken: int = 0
    broken_on: date | None = None
    plan: Plan | None = None
    plans_broken: int = 0
    dispute: str = ""
    disputed: Decimal | None = None
    """Of an open dispute: the part that is disputed, in reais; None = the whole debt."""
    explain_by: date | None = None
    """Of an open dispute: the day by which the debtor has to say why, if he has not yet."""
    paused_until: date | None = None
    holds: list[str] = field(default_factory=list)
    hold_until: dict[str, date] = field(default_factory=dict)
    clearing: list[Clearing] = field(default_factory=list)
    claimed_until: date | None = None
    claims: int = 0
    respite_until: date | None = None
    interrupted_on: date | None = None
    """The act that interrupted the limitation, which happens once (CC art. 202)."""
    limitation_overridden: bool = False
    boleto_withdrawn: bool = False
    bank_orders: list[f.BankOrderKind] = field(default_factory=list)
    """Instructions of its own that the creditor's bank still holds."""
    portfolio: f.Portfolio = "simple"
    nfe: str = ""
    """The event of the electronic invoice that decides today, by its code; empty while there is none."""
    parties: dict[str, str] = field(default_factory=dict)
    """Who else signed for the debt: role (party_roles.csv) by id."""
    owed: list[Word] = field(default_factory=list)
    words: int = 0
    """How many words beside the ladder there were: they number the pseudo-steps."""
    opted_out: list[str] = field(default_factory=list)
    tasks: dict[str, OpenTask] = field(default_factory=dict)
    tasks_opened: int = 0
    asked: list[str] = field(default_factory=list)
    needs: list[Need] = field(default_factory=list)
    approval: Approval | None = None
    approvals_asked: int = 0
    notice: Notice | None = None
    protest: Protest = field(default_factory=Protest)
    legal_on: date | None = None
    hands: HandOver | None = None
    """Who has the whole case, if not we. Cases that went to legal before this field have `legal_on` alone."""
    proposal: Proposal | None = None
    listing: Listing | None = None
    recalls: list[str] = field(default_factory=list)
    """Pseudo-steps of recalls that whoever had the case was not told yet."""
    told: list[str] = field(default_factory=list)
    """What somebody outside was told already, by keys of `domain.outside`."""
    requests: list[str] = field(default_factory=list)
    """Pseudo-steps of contacts for which whoever has the case asked."""
    ended: str = ""
    closed: str = ""
    last_contact_on: date | None = None
    failures: int = 0
    indices: Annotated[InstanceOf[Indices], Field(exclude=True)] = NONE
    """Today's index tables, for a debt on which nothing was agreed; given at the desk, never part of the row."""

    # --- reading ---------------------------------------------------------------------------------------------------
    def counted(self) -> list[Paid]:
        """Payments that stand (not reversed), by day."""
        if not self.payments:
            return []
        return sorted([p for p in self.payments if not p.reversed], key=_PAID_ON)

    def paid(self) -> Decimal:
        """The sum of the payments that stand, in reais."""
        return sum((p.amount for p in self.counted()), ZERO)

    def charges(self) -> Charges:
        """The invoice's agreed charges."""
        terms = self.terms
        return Charges(
            terms.fine_percent,
            terms.monthly_interest_percent,
            terms.charges_source,
            correction=terms.correction,
            fees_percent=terms.fees_percent,
            fees_source=terms.fees_source,
        )

    def debt(self, on: date) -> Debt:
        """The updated debt on a day, with its memory of calculation."""
        terms = self.terms
        return updated_debt(
            terms.principal,
            terms.due,
            on,
            self.charges(),
            payments=[Payment(p.worth_on(), p.amount, p.on_capital) for p in self.counted() if p.on <= on],
            reductions=[
                Reduction(r.on, r.amount, _REDUCTION.get(r.how, "rebate")) for r in self.reductions if r.on <= on
            ],
            consumer=terms.consumer,
            indices=self.indices,
        )

    def face(self) -> Decimal:
        """Principal still open: what a notary may be asked to protest (CRA layout field 18; irregularity 24)."""
        if not (self.payments or self.reductions):
            return cents(self.terms.principal)
        days = [p.on for p in self.counted()] + [r.on for r in self.reductions]
        return self.debt(max(days)).principal if days else cents(self.terms.principal)

    def plan_state(self, on: date, crumbs: Decimal) -> PlanState | None:
        """How far the plan is kept on a day; rests of up to `crumbs` reais are none. None where there is no plan."""
        if self.plan is None:
            return None
        return instalment_state(self.plan.instalments, self.plan_payments(), on, self.plan.financing, crumbs)

    def plan_payments(self) -> list[Payment]:
        """What was paid since the plan was made."""
        since = self.plan.since_payment if self.plan else 0
        return [Payment(p.on, p.amount) for p in self.payments[since:] if not p.reversed]

    def demand(self, on: date) -> Decimal:
        """What the debtor is asked for on a day, in reais: the updated debt, less the part that is in dispute."""
        total = self.debt(on).total
        return max(total - self.disputed, ZERO) if self.dispute and self.disputed is not None else total

    def settled(self, tolerance: Decimal) -> bool:
        """Is nothing left to ask for? Judged on the day of the last payment or reduction, within the tolerance."""
        if not self.payments and not self.reductions:
            return False
        if any(p.at_notary for p in self.counted()):
            return True
        days = [p.on for p in self.counted()] + [r.on for r in self.reductions]
        if not days:
            return False
        debt = self.debt(max(days))
        waived = not debt.principal and any(p.waives for p in self.counted())
        return waived or debt.total <= tolerance

    def today(self, now: datetime) -> date:
        """The civil day at the debtor's place."""
        return now.astimezone(time_zone(self.uf)).date()

    def place(self) -> Place:
        """Where his contacts are planned for."""
        return home_at(self.uf, self.ibge)

    def limitation(self) -> Limitation:
        """Last days of protest and of any contact, from the original due date or what interrupted the term."""
        return limitation(self.terms.kind, self.terms.original_due, self.interrupted_on)

    def wholly_disputed(self) -> bool:
        """Is the whole debt in dispute? Contacts go on for the undisputed rest of one that is disputed in part."""
        return bool(self.dispute) and self.disputed is None

    def awaits_money(self, today: date) -> bool:
        """Is money on its way, or may it be? Nothing escalates then (promise 3)."""
        claimed = self.claimed_until is not None and today <= self.claimed_until
        return claimed or any(today <= money.until for money in self.clearing)

    def stage(self, today: date) -> str:
        """The stage of the case on a day (design words)."""
        if self.closed:
            return "closed"
        if self.legal_on:
            return "legal"
        if self.protest.state in PROTESTED:
            return "protest"
        if self.notice:
            return "notice"
        return "amicable" if today >= self.terms.due else "preventive"

    def step(self, step: str) -> StepState:
        """The state of a step, pending where nothing happened to it yet."""
        return self.steps.setdefault(step, StepState())

    def deaf_to(self, channel: str) -> bool:
        """Did the debtor opt out of this channel? An opt-out from electronic channels leaves the letter."""
        return channel in self.opted_out or ("electronic" in self.opted_out and channel in ELECTRONIC)


CASE: TypeAdapter[Case] = TypeAdapter(Case)


def load(state: dict[str, Any], indices: Indices = NONE) -> Case:
    """A case from the JSON of its row, with today's index tables."""
    case = CASE.validate_python(state)
    case.indices = indices
    return case


def dump(case: Case) -> dict[str, Any]:
    """A case as JSON for its row."""
    return CASE.dump_python(case, mode="json", exclude_defaults=True)  # type: ignore[no-any-return]

"""Promises 2 and 3: over any sequence of events, by any path, no title goes to the notary but through the open gate.

The judge does not ask the rules: what a notice proved, and when, is read from the ledger that was written meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from core import Simulated, later, shipped
from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from domain import facts as f
from domain.calendars import add_bank_days, is_bank_day
from domain.case import LEVELS, LIVE
from domain.errors import Refused
from domain.policy import Policy
from domain.policy_file import parse_policy

START = date(2026, 2, 2)
HEAD = """policy: firme
title: Régua firme
contact: {hours: {mon-fri: "09:00-18:00"}, per_day: 1, per_week: 5}
entry: {first_wave: free}
notice: {valid: 45d}
"""
STEPS = """steps:
  - {id: aviso, at: due + 1bd, do: contact, by: [email], text: atraso-cordial, late: collapse}
  - {id: notificacao, at: due + 3d, do: notice, by: [letter, email], text: notificacao-previa, deadline: 5bd}
  - {id: protesto, at: notice.deadline, do: protest, approve: supervisor}
  - {id: juridico, at: protest.over + 10d, do: legal, approve: manager}
"""
LADDERS = [parse_policy(HEAD + STEPS, "firme.yaml"), shipped("padrao-b2b")]
LIVED = ["nothing", "to the notice", "to the approval", "to the queue"]
AMOUNTS = st.sampled_from(["50.00", "400.00", "1000.00"])


def proof_day(entries: list[Any], policy: Policy) -> tuple[str, date | None]:
    """Id of the notice that stands by the ledger, and the day of its proof or of its release by two."""
    notice, proof = "", None
    for entry in entries:
        match entry.fact:
            case f.NoticeIssued(notice_id=notice):
                proof = None
            case f.NoticeProved(notice_id=about, level=level, on=on, party="") if about == notice and proof is None:
                proof = on if LEVELS.index(level) >= LEVELS.index(policy.proof) else None
            case f.ContactLogged(channel="letter", outcome=outcome, party="") if notice and proof is None:
                good = outcome in LEVELS and LEVELS.index(outcome) >= LEVELS.index(policy.proof)
                proof = entry.fact.on if good else None
            case f.NoticeReleasedByTwo(on=on):
                proof = proof or on
            case f.DisputeResolved(upheld=True) | f.NoticeVoided() | f.Extended() | f.PlanAgreed():
                notice, proof = "", None
    return notice, proof


class AnyPath(RuleBasedStateMachine):
    """One case in the firm part; everything that people, files, providers and forgers can say, at any time."""

    @initialize(ladder=st.sampled_from(LADDERS), late=st.integers(0, 25), lived=st.sampled_from(LIVED))
    def open(self, ladder: Policy, late: int, lived: str) -> None:
        self.case = Simulated(ladder, START - timedelta(days=late), START)
        self.seen, self.number = 0, 0
        if self.case.case.awaits_release:
            self.tell(f.Released(START))
        if lived != "nothing":  # most of what can go wrong lies behind the notice
            self.live_until(lambda: self.case.case.notice is not None)
        if lived in ("to the approval", "to the queue"):
            self.case.prove_notice()
            self.live_until(lambda: self.case.case.approval is not None)
        if lived == "to the queue":
            self.case.approve()
            self.live_until(lambda: self.case.case.protest.state == "queued")

    def live_until(self, so: Callable[[], bool]) -> None:
        """Let the days go by, with what they bring about, until something is so."""
        for _ in range(60):
            if so():
                return
            self.time_passes(1)
        raise AssertionError("it never came")

    def tell(self, fact: f.Told) -> None:
        """Whoever says it: a refusal changes nothing, and what was written is judged."""
        with suppress(Refused):
            self.case.tell(fact)
        self.judge()

    def today(self) -> date:
        return self.case.case.today(self.case.now)

    # --- time and people -------------------------------------------------------------------------------------------
    @rule(days=st.integers(1, 25))
    def time_passes(self, days: int) -> None:
        for day in range(1, days + 1):
            self.case.until(self.today() + timedelta(days=1), hour=20 if day % 2 else 10)
            self.judge()

    @rule(yes=st.sampled_from(["yes", "yes", "no", "later"]))
    def approval(self, yes: str) -> None:
        if approval := self.case.case.approval:
            again = later(self.today(), 5) if yes == "later" else None
            self.tell(f.Approved(approval.id) if yes == "yes" else f.ApprovalRefused(approval.id, again))

    @rule()
    def overdue_approval(self) -> None:
        if approval := self.case.case.approval:
            self.tell(f.ApprovalOverdue(approval.id))

    @rule(days=st.integers(0, 14))
    def promise(self, days: int) -> None:
        self.tell(f.PromiseMade("p", later(self.today(), days)))

    @rule(part=st.sampled_from([None, "100.00"]))
    def dispute(self, part: str | None) -> None:
        self.tell(f.DisputeOpened("d", Decimal(part) if part else None))

    @rule(upheld=st.booleans())
    def resolve(self, upheld: bool) -> None:
        self.tell(f.DisputeResolved(upheld))

    @rule(parts=st.integers(1, 3))
    def plan(self, parts: int) -> None:
        self.number += 1
        days = [later(self.today(), 10 * n) for n in range(parts)]
        instalments = tuple(f.Instalment(n, day, Decimal("300.00")) for n, day in enumerate(days))
        self.tell(f.PlanAgreed(f"plan-{self.number}", instalments))

    @rule(days=st.integers(0, 10))
    def pause(self, days: int) -> None:
        self.tell(f.Paused(self.today(), later(self.today(), days)))

    @rule()
    def resume(self) -> None:
        self.tell(f.Resumed())

    @rule(kind=st.sampled_from(["court", "insolvency", "over-indebted"]), lift=st.booleans())
    def hold(self, kind: f.Hold, lift: bool) -> None:
        self.tell(f.HoldLifted(kind) if lift else f.HoldSet(kind))

    @rule()
    def task_done(self) -> None:
        for task_id in list(self.case.case.tasks)[:1]:
            self.tell(f.TaskDone(task_id, "done"))

    @rule(days=st.integers(1, 20))
    def extension(self, days: int) -> None:
        self.tell(f.Extended(later(self.today(), days)))

    # --- money -----------------------------------------------------------------------------------------------------
    @rule(amount=AMOUNTS, reference=st.sampled_from("abc"))
    def payment(self, amount: str, reference: str) -> None:
        self.tell(f.PaymentReceived(reference, Decimal(amount), self.today()))

    @rule(reference=st.sampled_from("abc"))
    def reversal(self, reference: str) -> None:
        self.tell(f.PaymentReversed(reference, self.today()))

    @rule(days=st.integers(0, 5))
    def money_on_its_way(self, days: int) -> None:
        self.number += 1
        self.tell(f.PaymentInClearing(f"c{self.number}", Decimal("10.00"), later(self.today(), days)))

    @rule()
    def says_it_is_paid(self) -> None:
        self.number += 1
        self.tell(f.PaymentClaimed(f"claim-{self.number}"))

    # --- providers, mail, files ------------------------------------------------------------------------------------
    @rule(level=st.sampled_from(LEVELS), way=st.sampled_from(["email", "letter", "sms"]))
    def proof(self, level: f.Level, way: str) -> None:
        if notice := self.case.case.notice:
            self.tell(f.NoticeProved(notice.id, way, level, self.today()))

    @rule(level=st.sampled_from(LEVELS))
    def proof_of_an_older_notice(self, level: f.Level) -> None:
        for fact in self.case.told("notice_issued")[:1]:
            self.tell(f.NoticeProved(fact.notice_id, "email", level, self.today()))  # type: ignore[union-attr]

    @rule(outcome=st.sampled_from(["delivered", "returned", "refused", "unclaimed", "moved"]))
    def letter(self, outcome: str) -> None:
        if self.case.case.notice:
            self.tell(f.ContactLogged("letter", outcome, on=self.today()))

    @rule(way=st.sampled_from(["email", "letter"]))
    def returned(self, way: str) -> None:
        if notice := self.case.case.notice:
            self.tell(f.NoticeReturned(notice.id, way, "bounce"))

    @rule(order=st.sampled_from(["protest", "listing"]), active=st.booleans())
    def bank_order(self, order: f.BankOrderKind, active: bool) -> None:
        self.tell(f.BankOrder(order, active))

    @rule(portfolio=st.sampled_from(["simple", "simple", "discounted", "sold"]))
    def portfolio(self, portfolio: f.Portfolio) -> None:
        self.tell(f.PortfolioChanged(portfolio))

    @rule(event=st.sampled_from(["210200", "210240", "210210"]))
    def nfe(self, event: str) -> None:
        self.tell(f.InvoiceEvent(event))

    # --- who says that a title is queued, or sends it --------------------------------------------------------------
    @rule(more=st.sampled_from(["0", "0.01"]))
    def says_that_a_title_is_queued(self, more: str) -> None:
        """A stored fact, a file, a raw message: the saying takes no other path than the gate."""
        self.number += 1
        self.tell(f.TitleQueued("protesto", f"t{self.number}", self.case.case.face() + Decimal(more)))

    @rule()
    def remittance(self) -> None:
        """The daily batch takes what stands in the queue."""
        self.case.tell()
        protest = self.case.case.protest
        if protest.state == "queued":
            self.gate_is_open(self.case.entries, protest.declared)
            event("a title was sent")
            self.tell(f.TitleSent(protest.title_id, self.today()))

    @rule(what=st.sampled_from(["withdrawn", "returned"]))
    def notary(self, what: str) -> None:
        case = self.case.case
        if case.protest.state in LIVE:
            title = case.protest.title_id
            self.tell(
                f.TitleWithdrawn(title, self.today()) if what == "withdrawn" else f.TitleReturned(title, ("6",), True)
            )

    # --- the judge -------------------------------------------------------------------------------------------------
    def judge(self) -> None:
        """Every title that was queued since we last looked went through the open gate."""
        entries = self.case.entries
        for place in range(self.seen, len(entries)):
            fact = entries[place].fact
            if isinstance(fact, f.TitleQueued):
                event("a title was queued")
                self.gate_is_open(entries[:place], fact.balance)
                assert self.approved(entries[:place]), "nobody approved this"
        self.seen = len(entries)

    def gate_is_open(self, entries: list[Any], balance: Decimal) -> None:
        case, policy, today = self.case.case, self.case.policy, self.today()
        notice, proof = proof_day(entries, policy)
        assert notice, "promise 2: no notice"
        assert proof, "promise 2: neither proved nor released by two"
        length = next(step.deadline for step in policy.steps if step.do == "notice")
        assert length is not None
        assert today > add_bank_days(proof, length.amount), "promise 2: the deadline is not over"
        oldest = max(later(proof, policy.notice.valid.amount), add_bank_days(proof, length.amount + 1))
        assert today <= oldest or not is_bank_day(today), "promise 2: the notice is too old"
        assert not case.dispute, "promise 3: in dispute"
        assert case.promise is None, "promise 3: promised"
        assert case.plan is None, "promise 3: in plan"
        assert not case.holds, "promise 3: held"
        assert not case.awaits_money(today), "promise 3: money may be on its way"
        assert case.paused_until is None or case.paused_until < today, "promise 3: paused"
        assert balance <= case.face(), "nothing is protested above its balance"
        assert not case.bank_orders, "S21: the bank's own instruction is active"
        assert case.portfolio == "simple", "the title is another's"
        assert case.nfe not in ("110111", "110112", "210220", "210240"), "the invoice is no more, or was refused"

    def approved(self, entries: list[Any]) -> bool:
        """By the ledger: an approval of this step was asked for and given after the last title was queued or void."""
        asked, given = "", False
        for entry in entries:
            match entry.fact:
                case f.ApprovalAsked(approval_id=asked, purpose="protest"):
                    given = False
                case f.Approved(approval_id=said):
                    given = given or said == asked
                case f.TitleQueued() | f.ApprovalRefused() | f.NoticeVoided() | f.Extended() | f.PlanAgreed():
                    given = False
        return given


AnyPath.TestCase.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
TestAnyPath = AnyPath.TestCase


def test_no_raw_signal_can_say_what_opens_the_gate_or_goes_through_it() -> None:
    closed = {
        "approve", "notice_issued", "notice_proved", "notice_released", "title_queued", "title_sent", "title_examined",
        "bank_order", "portfolio", "nfe_event", "document", "party", "limitation_overridden",
    }  # fmt: skip
    assert not closed & f.BY_SIGNAL

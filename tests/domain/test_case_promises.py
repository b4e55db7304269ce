"""The promises, whatever happens in whatever order: a state machine tells a case anything and watches what it does."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from core import Simulated, shipped
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from domain import facts as f
from domain.case import LIVE, dump, load
from domain.decide import Action, Instruction
from domain.errors import Refused
from domain.fold import notice_deadline
from domain.fold.base import CLOSING, spoken
from domain.hours import open_at
from domain.policy import Policy

LADDERS = [shipped(name) for name in ("padrao-b2b", "padrao-consumidor", "amigavel")]
AMOUNTS = st.sampled_from(["0.01", "50.00", "400.00", "1000.00", "1100.00"])


class AnyLife(RuleBasedStateMachine):
    """One case, to which anything may be told at any time."""

    @initialize(
        ladder=st.sampled_from(LADDERS),
        late=st.integers(-10, 40),
        uf=st.sampled_from(["SP", "AM", "AC", "RJ"]),
        jitter=st.floats(0, 0.99),
        consumer=st.booleans(),
        boleto=st.booleans(),
    )
    def open(self, ladder: Policy, late: int, uf: str, jitter: float, consumer: bool, boleto: bool) -> None:
        start = date(2026, 2, 2)
        self.case = Simulated(ladder, start - timedelta(days=late), start, uf=uf, jitter=jitter, consumer=consumer)
        self.case.case.terms.boleto = boleto
        self.case.provider = self.watched
        self.number = 0
        self.done: list[str] = []

    # --- what the world may do -------------------------------------------------------------------------------------
    def tell(self, fact: f.Told) -> None:
        before = dump(self.case.case)
        try:
            self.case.tell(fact)
        except Refused:
            after = dump(self.case.case)
            assert set(after.get("payments", [])[0:0]) == set()
            assert len(after.get("payments", [])) == len(before.get("payments", []))

    @rule(days=st.integers(1, 12))
    def time_passes(self, days: int) -> None:
        self.case.until(self.case.case.today(self.case.now) + timedelta(days=days))

    @rule(amount=AMOUNTS, reference=st.sampled_from(["a", "b", "c", "d"]))
    def payment(self, amount: str, reference: str) -> None:
        self.tell(f.PaymentReceived(reference, Decimal(amount), self.today()))

    @rule(reference=st.sampled_from(["a", "b", "c", "d"]))
    def reversal(self, reference: str) -> None:
        self.tell(f.PaymentReversed(reference, self.today()))

    @rule(days=st.integers(0, 20))
    def promise(self, days: int) -> None:
        self.tell(f.PromiseMade("p", self.today() + timedelta(days=days)))

    @rule(amount=AMOUNTS, days=st.integers(0, 6))
    def clearing(self, amount: str, days: int) -> None:
        self.number += 1
        self.tell(f.PaymentInClearing(f"c{self.number}", Decimal(amount), self.today() + timedelta(days=days)))

    @rule()
    def says_it_is_paid(self) -> None:
        self.number += 1
        self.tell(f.PaymentClaimed(f"claim-{self.number}"))

    @rule(parts=st.integers(1, 4), amount=AMOUNTS)
    def plan(self, parts: int, amount: str) -> None:
        self.number += 1
        days = [self.today() + timedelta(days=20 * n) for n in range(parts)]
        instalments = tuple(f.Instalment(n, day, Decimal(amount)) for n, day in enumerate(days))
        self.tell(f.PlanAgreed(f"plan-{self.number}", instalments))

    @rule(amount=AMOUNTS, how=st.sampled_from(["rebate", "withholding", "return"]))
    def reduction(self, amount: str, how: str) -> None:
        self.tell(f.Adjusted(Decimal(amount), how, self.today()))  # type: ignore[arg-type]

    @rule()
    def boleto_withdrawn(self) -> None:
        self.tell(f.BoletoWithdrawn("bank"))

    @rule()
    def boleto_issued(self) -> None:
        self.tell(f.BoletoIssued("import"))

    @rule(part=st.sampled_from([None, "100.00", "999.00"]), explain=st.sampled_from([None, 3]))
    def dispute(self, part: str | None, explain: int | None) -> None:
        explain_by = self.today() + timedelta(days=explain) if explain else None
        self.tell(f.DisputeOpened("d", Decimal(part) if part else None, explain_by))

    @rule()
    def explanation(self) -> None:
        self.tell(f.DisputeExplained("d"))

    @rule(upheld=st.booleans())
    def resolve(self, upheld: bool) -> None:
        self.tell(f.DisputeResolved(upheld))

    @rule(days=st.integers(0, 10))
    def pause(self, days: int) -> None:
        self.tell(f.Paused(self.today(), self.today() + timedelta(days=days)))

    @rule()
    def release(self) -> None:
        self.tell(f.Released(self.today()))

    @rule(
        hold=st.sampled_from(["court", "death", "insolvency", "moratorium"]),
        lift=st.booleans(),
        days=st.sampled_from([None, 5]),
    )
    def hold(self, hold: f.Hold, lift: bool, days: int | None) -> None:
        until = self.today() + timedelta(days=days) if days else None
        self.tell(f.HoldLifted(hold) if lift else f.HoldSet(hold, until))

    @rule(channel=st.sampled_from(["electronic", "email"]))
    def opt_out(self, channel: str) -> None:
        self.tell(f.OptedOut((channel,)))

    @rule(days=st.integers(1, 30))
    def extension(self, days: int) -> None:
        self.tell(f.Extended(self.today() + timedelta(days=days)))

    @rule(level=st.sampled_from(["sent", "delivered", "read"]))
    def proof(self, level: f.Level) -> None:
        if self.case.case.notice:
            self.tell(f.NoticeProved(self.case.case.notice.id, "email", level, self.today()))

    @rule(way=st.sampled_from(["email", "letter"]))
    def returned_notice(self, way: str) -> None:
        if self.case.case.notice:
            self.tell(f.NoticeReturned(self.case.case.notice.id, way, "bounce"))

    @rule(yes=st.booleans())
    def approval(self, yes: bool) -> None:
        if approval := self.case.case.approval:
            self.tell(f.Approved(approval.id) if yes else f.ApprovalRefused(approval.id))

    @rule()
    def task_done(self) -> None:
        for task_id in list(self.case.case.tasks)[:1]:
            self.tell(f.TaskDone(task_id, "done"))

    @precondition(lambda self: self.case.case.protest.title_id)
    @rule(what=st.sampled_from(["sent", "confirmed", "returned", "registered", "withdrawn", "suspended", "paid"]))
    def notary(self, what: str) -> None:
        """The notary answers, in any order, as files do."""
        title, today = self.case.case.protest.title_id, self.today()
        facts: dict[str, f.Told] = {
            "sent": f.TitleSent(title, today),
            "confirmed": f.TitleConfirmed(title, today, today + timedelta(days=3)),
            "returned": f.TitleReturned(title, ("06",), True),
            "registered": f.TitleRegistered(title, today),
            "withdrawn": f.TitleWithdrawn(title, today),
            "suspended": f.TitleSuspended(title, False),
            "paid": f.PaymentReceived(f"cra-{title}", Decimal("1000.00"), today, at_notary=True),
        }
        state = self.case.case.protest.state
        if what == "sent" and state != "queued":
            return
        if what != "sent" and state in ("queued", "none", "incomplete"):
            return
        self.tell(facts[what])

    @rule(name=st.sampled_from(["paymnt", "x"]))
    def unreadable(self, name: str) -> None:
        self.tell(f.Unreadable(name))

    # --- what must hold --------------------------------------------------------------------------------------------
    def today(self) -> date:
        return self.case.case.today(self.case.now)

    def watched(self, order: Instruction) -> f.Told:
        """Every action is judged at the moment it is carried out."""
        if order.action == Action.TELL:
            return self.case.success(order)  # to a lawyer or a bureau, never to the debtor
        case, now, policy = self.case.case, self.case.now, self.case.policy
        said = spoken(order.step)
        thanks = order.step.startswith("agradecimento") or (said is not None and said.text in CLOSING)
        answer = thanks or (said is not None and not said.counts)
        if order.action in (Action.CONTACT, Action.NOTICE):
            assert open_at(now, case.uf, "message", policy.contact), "promise 1: lawful hours"
        if not thanks:
            assert not case.settled(policy.tolerance), "promise 8: settled means stopped"
            assert not case.ended, "promise 8: void or written off"
        if not answer:
            assert not case.wholly_disputed(), "promise 1: wholly disputed"
            assert not case.awaits_money(self.today()), "promise 3: money may be on its way"
        if order.action in (Action.NOTICE, Action.PROTEST, Action.LEGAL):
            assert not case.dispute, "promise 3: an open dispute"
            assert case.plan is None, "promise 3: a plan in good standing"
        if not answer:
            at_once = order.action == Action.LEGAL and {"death", "insolvency"} & {*case.holds}
            assert at_once or not case.holds, "promise 3: held"
            assert case.promise is None or case.promise.on < self.today(), "promise 3: an open promise"
            assert case.paused_until is None or case.paused_until < self.today(), "promise 1: paused"
            assert case.protest.state not in LIVE, "nothing of ours while the title is at the notary"
        if order.action == Action.PROTEST:
            assert case.boleto_withdrawn or not case.terms.boleto, "a boleto that can still be paid"
            assert case.face() > 0, "nothing is protested above its balance"
            deadline = notice_deadline(case, policy)
            assert deadline is not None, "promise 2: no protest without proof of the notice or release by two"
            assert self.today() >= deadline, "promise 2: no protest before the deadline is over"
            assert case.approval, "nothing goes to a notary without approval"
            assert case.approval.state == "given"
        if order.action == Action.LEGAL:
            assert case.approval, "promise 2: hand-over needs approval"
            assert case.approval.state == "given"
        if order.action in (Action.CONTACT, Action.LEGAL, Action.NOTICE, Action.PROTEST) and not answer:
            assert order.step not in self.done or order.action in (Action.PROTEST, Action.NOTICE), "no step twice"
            self.done.append(order.step)
        return self.case.success(order)

    @invariant()
    def an_open_case_has_a_next_step_or_a_task_or_an_approval(self) -> None:
        """Promise 11."""
        if not hasattr(self, "case") or self.case.case.closed:
            return
        case = self.case.case
        order = self.case.next
        waits = order.not_before or order.review or case.tasks or order.action != "wait"
        assert waits, f"nothing keeps this case alive: {self.case.next.reason}"
        assert case.tasks or "waits for a person" not in order.reason, "somebody is waited for who has no task"

    @invariant()
    def the_state_survives_its_row(self) -> None:
        if hasattr(self, "case"):
            assert load(dump(self.case.case)) == self.case.case

    @invariant()
    def cents_add_up(self) -> None:
        """Promise 5."""
        if hasattr(self, "case"):
            debt = self.case.case.debt(self.today())
            assert sum((line.amount for line in debt.lines), Decimal(0)) == debt.total


AnyLife.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
TestAnyLife = AnyLife.TestCase

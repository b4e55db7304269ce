"""Facts about the debt itself: due date, amount, payments."""

from __future__ import annotations

from decimal import Decimal

from domain import facts as f
from domain.case import Case, Clearing, Need, Paid, Reduced
from domain.errors import Refused
from domain.fold.base import Moment, drop_tasks, fold, interrupt, open_case, owe, say_goodbye, void_notice
from domain.money import ZERO
from domain.protest import withdrawable
from domain.schedule import move

NEWS_ARE_OLD = "payment news are too old"
"""Why a firm step is deferred while nobody knows whether the debtor paid (promise 3)."""


@fold.register
def _extended(fact: f.Extended, case: Case, at: Moment) -> None:
    open_case(case)
    if fact.due <= case.terms.due:
        raise Refused("not-later", f"the new due date must be after {case.terms.due:%d/%m/%Y}")
    case.terms.due = case.ladder_due = fact.due
    void_notice(case)
    owe(case, "prorrogacao-confirmada")
    _tell_bank(case, f"new due date {fact.due:%d/%m/%Y}")


@fold.register
def _adjusted(fact: f.Adjusted, case: Case, at: Moment) -> None:
    open_case(case)
    if fact.amount <= 0 or fact.amount > case.face():
        raise Refused("bad-amount", f"a reduction must be more than zero and at most the open principal, {case.face()}")
    case.reductions.append(Reduced(fact.amount, fact.how, fact.on))
    _tell_bank(case, f"{fact.how} of {fact.amount}")


def _tell_bank(case: Case, change: str) -> None:
    """The bank's boleto still asks for the old debt: a person gives the bank the instruction."""
    if case.terms.boleto and not case.boleto_withdrawn:
        case.needs.append(Need("bank-instruction", details=(change, "change or withdraw the boleto at the bank")))


@fold.register
def _boleto_issued(fact: f.BoletoIssued, case: Case, at: Moment) -> None:
    open_case(case)
    case.terms.boleto, case.boleto_withdrawn = True, False
    ask_about_title(case, "the bank has a boleto that can be paid")


@fold.register
def _boleto_withdrawn(fact: f.BoletoWithdrawn, case: Case, at: Moment) -> None:
    case.boleto_withdrawn = True
    drop_tasks(case, "withdraw-boleto", "bank-instruction")


@fold.register
def _void(fact: f.Voided, case: Case, at: Moment) -> None:
    open_case(case)
    case.ended = "void"
    say_goodbye(case)


@fold.register
def _write_off(fact: f.WrittenOff, case: Case, at: Moment) -> None:
    open_case(case)
    case.ended = "written-off"


@fold.register
def _payment(fact: f.PaymentReceived, case: Case, at: Moment) -> None:
    if any(p.reference == fact.reference for p in case.payments):
        raise Refused("already-counted", "this payment was counted before; a payment counts once, whoever reports it")
    if fact.amount <= 0:
        raise Refused("bad-amount", "a payment must be more than zero")
    over = case.closed or case.settled(at.policy.tolerance)
    paid = Paid(fact.reference, fact.amount, fact.paid_on, fact.at_notary, quoted_on=fact.quoted_on)
    _impute(paid, case, at)
    credit = _credit(case)
    case.payments.append(paid)
    surplus = fact.amount if over else _credit(case) - credit
    if surplus:
        case.needs.append(Need("refund", owner="supervisor", details=(f"amount {surplus}",)))
    _money_came(case, fact)
    if not over and not case.settled(at.policy.tolerance):
        interrupt(case, fact.paid_on)
        _rest_after_part(case, at)


def _impute(paid: Paid, case: Case, at: Moment) -> None:
    """A payment of exactly the open principal, charges left over: the policy says what it means (CC art. 354)."""
    rule, before = at.policy.payments.principal_only, case.debt(paid.worth_on())
    if rule != "impute" and not case.plan and paid.amount == before.principal < before.total:
        paid.on_capital, paid.waives = True, rule == "waive"


def _credit(case: Case) -> Decimal:
    return case.debt(max((p.on for p in case.counted()), default=case.terms.due)).credit if case.payments else ZERO


def _money_came(case: Case, fact: f.PaymentReceived) -> None:
    """What was said of money on its way is over; a bank may report the same money under another reference."""
    arrived = next((money for money in case.clearing if money.reference == fact.reference), None)
    arrived = arrived or next((money for money in case.clearing if money.amount == fact.amount), None)
    case.clearing = [money for money in case.clearing if money is not arrived]
    case.claimed_until = None
    drop_tasks(case, "payment-claimed")
    case.holds = [hold for hold in case.holds if hold != "vanished"]
    if fact.at_notary:
        case.protest.state = case.protest.word = "paid"
        case.protest.over_on = fact.paid_on


def _rest_after_part(case: Case, at: Moment) -> None:
    respite = at.policy.payments.respite
    if respite and not case.plan:
        case.respite_until = move(at.day(case), respite)


@fold.register
def _reverse(fact: f.PaymentReversed, case: Case, at: Moment) -> None:
    for payment in case.payments:
        if payment.reference == fact.reference and not payment.reversed:
            payment.reversed = True
            case.respite_until = None
            if case.ended == "settled":
                case.ended = ""
            owe(case, "pagamento-estornado", fact.reference)
            if not case.settled(at.policy.tolerance):
                drop_tasks(case, "sign-consent", "consent-late")  # nobody is owed a letter for what he did not pay
            return
    if not any(money.reference == fact.reference for money in case.clearing):
        raise Refused("no-such-payment", "no payment with this reference stands in this case, nor is one on its way")
    case.clearing = [money for money in case.clearing if money.reference != fact.reference]  # it never counted


@fold.register
def _clearing(fact: f.PaymentInClearing, case: Case, at: Moment) -> None:
    open_case(case)
    known = [p.reference for p in case.payments] + [money.reference for money in case.clearing]
    if fact.reference in known:
        raise Refused("already-known", "this payment is known already; it is counted once, when it arrives")
    case.clearing.append(Clearing(fact.reference, fact.amount, move(fact.expected_on, at.policy.payments.clearing)))
    if fact.source != "cra":  # what the debtor is paying at the notary is no reason to take the title from there
        ask_about_title(case, "money is on its way")


@fold.register
def _claim(fact: f.PaymentClaimed, case: Case, at: Moment) -> None:
    """ "I already paid": holds once, and again only after a person has looked; the task asks for the proof."""
    open_case(case)
    waiting = any(task.kind == "payment-claimed" for task in case.tasks.values())
    if waiting or any(need.task == "payment-claimed" for need in case.needs):
        raise Refused("already-claimed", "the debtor said so before, and a person is looking for the payment")
    case.claims += 1
    case.claimed_until = move(at.day(case), at.policy.payments.claimed)
    case.needs.append(Need("payment-claimed", details=("find the payment, or ask the debtor for the proof",)))
    owe(case, "pagamento-em-verificacao", fact.claim_id)
    ask_about_title(case, "the debtor says that he has paid")


def ask_about_title(case: Case, why: str) -> None:
    """For a title already at the notary a person decides before the hour (promise 3)."""
    protest = case.protest
    if withdrawable(protest.state):
        hour = f"{protest.decide_by:%d/%m/%Y %H:%M}" if protest.decide_by else "of the last day of the term"
        details = (f"the title is at the notary: {why}", f"decide before the hour: {hour}", f"cost {protest.costs}")
        case.needs.append(Need("withdraw-or-keep", owner="manager", details=details))


@fold.register
def _vanished(fact: f.Vanished, case: Case, at: Moment) -> None:
    open_case(case)
    if "vanished" not in case.holds:
        case.holds.append("vanished")
        case.needs.append(
            Need("vanished-from-export", details=("say whether it was paid, void or left out by mistake",))
        )


@fold.register
def _news(fact: f.PaymentNews, case: Case, at: Moment) -> None:
    for state in case.steps.values():
        if state.reason == NEWS_ARE_OLD:
            state.deferred_until, state.reason = None, ""


@fold.register
def _hold_ended(fact: f.HoldEnded, case: Case, at: Moment) -> None:
    kind, _, which = fact.hold.partition(":")
    if kind == "clearing":
        case.clearing = [money for money in case.clearing if money.reference != which]
    elif kind == "claim":
        case.claimed_until = None
    elif kind == "respite":
        case.respite_until = None
    else:
        case.holds = [hold for hold in case.holds if hold != fact.hold]
        case.hold_until.pop(fact.hold, None)
        drop_tasks(case, f"hold-{fact.hold}")

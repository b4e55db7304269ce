"""What money and words about money do to a case: thanks, money on its way, promises, plans, limitation."""

from __future__ import annotations

from datetime import date, timedelta

from domain import facts as f
from domain.calendars import add_bank_days, next_bank_day
from domain.case import LIVE
from domain.fold import THANKS
from domain.fold.base import CLOSING, NEWS, instalment_step, word_step
from domain.hours import first_lawful
from domain.limitation import warn_from
from domain.outside import in_other_hands
from domain.plans import broken_on, last_days
from domain.rules.base import Action, Bench, Instruction, Move
from domain.rules.firm import escalation_waits

SILENT = frozenset({"death", "insolvency", "over-indebted", "moratorium"})
"""Holds under which not even a confirmation is sent."""
REMIND_BEFORE = timedelta(days=3)
"""How long before an instalment of a plan falls due the debtor is reminded of it."""


def owes_thanks(r: Bench) -> Instruction | None:
    """Thanks and receipt for what was paid: within hours, outside the caps, also when everything is held."""
    unthanked = [p for p in r.case.counted() if not p.thanked] if r.case.payments else []
    if not unthanked or r.case.closed or r.case.ended or r.outcome == "prescribed":
        return None
    at = first_lawful(r.now, r.case.place(), "email", r.policy.contact)
    step = f"{THANKS}-{len(r.case.payments)}"
    return r.instruct(Action.CONTACT, "thanks for a payment", r.not_before(at, step), step)


def owes_a_word(r: Bench) -> Move | None:
    """What the case has to confirm in writing beside its ladder: within hours, outside the caps."""
    if not r.case.owed or r.case.closed or SILENT & {*r.case.holds}:
        return None
    word = next((word for word in r.case.owed if _may_say(r, word.text)), None)
    if word is None:
        return None
    at = first_lawful(r.now, r.case.place(), "email", r.policy.contact)
    step = word_step(word)
    return r.instruct(Action.CONTACT, f"confirmation: {word.text}", r.not_before(at, step), step)


def _may_say(r: Bench, text: str) -> bool:
    """After a settlement only what closes the case kindly (promise 8); news of a debt only while nothing holds it.

    While somebody else has the case nothing but thanks and receipts is said.
    """
    outcome = r.outcome
    if outcome:
        return text in CLOSING and outcome != "prescribed"
    if in_other_hands(r.case):
        return False
    if text in NEWS:
        return not (escalation_waits(r) or r.paused() or r.held_by_task() or r.case.protest.state in LIVE)
    return text not in CLOSING


def warns_of_limitation(r: Bench) -> f.Own | None:
    """A limitation term that ends soon is a lawyer's task, once for each term (by kind of title, domain.limitation)."""
    terms = r.limitation
    for which, term in (("protest", terms.first), ("contact", terms.last)):
        if warn_from(term, r.policy.warn) <= r.today <= term:
            details = (f"the term that closes {which} ends on {term:%d/%m/%Y}", terms.source)
            if task := r.once(f"limitation-{which}", term.isoformat(), "lawyer", next_bank_day(r.today), *details):
                return task
    return None


def money_is_on_its_way(r: Bench) -> Move | None:
    """Money in clearing and "I already paid" hold the ladder for the time the policy gives; then it goes on."""
    for money in r.case.clearing:
        if r.today <= money.until:
            return r.wait("payment in clearing", money.until + timedelta(days=1))
        return f.HoldEnded(f"clearing:{money.reference}")
    if r.case.claimed_until:
        if r.today <= r.case.claimed_until:
            return r.wait("says that it is paid", r.case.claimed_until + timedelta(days=1))
        return f.HoldEnded("claim")
    return None


def rests_after_a_part(r: Bench) -> Move | None:
    """The respite of the policy after a part payment."""
    if r.case.respite_until is None:
        return None
    if r.today <= r.case.respite_until:
        return r.wait("respite after a part payment", r.case.respite_until + timedelta(days=1))
    return f.HoldEnded("respite")


def has_promise(r: Bench) -> f.Own | Instruction | None:
    promise = r.case.promise
    if promise is None:
        return None
    arrived = r.case.paid() - promise.paid_before
    if promise.amount is not None and arrived >= promise.amount:
        return f.PromiseKept(promise.id)
    if r.today <= promise.on:
        return r.wait("promised", promise.on + timedelta(days=1))
    return f.PromiseBroken(promise.id, r.today)


def plan_is_kept(r: Bench) -> f.Own | None:
    """Every instalment came, and the last was thanked for: the plan settles the debt, be it that only cents of it are
    left."""
    plan = r.case.plan
    if plan is None or r.plan_state is None or r.plan_state.next or r.case.closed:
        return None
    if not all(payment.thanked for payment in r.case.counted()):
        return None
    return f.PlanCompleted(plan.id, r.case.debt(r.last_movement()).total)


def has_plan(r: Bench) -> Move | None:
    """A plan in good standing holds the ladder; its instalments have reminders of their own."""
    plan = r.case.plan
    if plan is None or r.plan_state is None or r.plan_state.next is None:
        return None
    crumbs, tolerance = r.policy.tolerance, r.policy.plan.tolerance
    if broken := broken_on(plan.instalments, r.case.plan_payments(), tolerance, r.today, plan.financing, crumbs):
        return f.PlanBroken(plan.id, broken)
    part = r.plan_state.next
    reminders = ((part.due - REMIND_BEFORE, "lembrete"), (add_bank_days(part.due, 1), "atrasada"))
    for day, kind in reminders:
        step = instalment_step(plan, part, kind)
        says_nothing_new = kind == "lembrete" and (r.today > part.due or day <= plan.agreed_on)
        if r.case.step(step).status == "pending" and not (says_nothing_new or in_other_hands(r.case)):
            return _remind(r, step, day)
    last = next(iter(last_days([part], tolerance)))
    return r.wait("in plan", last + timedelta(days=1))


def _remind(r: Bench, step: str, day: date) -> Instruction:
    """A reminder of an instalment is a contact like any other: hours, caps, opt-outs."""
    return r.instruct(Action.CONTACT, "reminder of an instalment", r.moment(day, step), step)

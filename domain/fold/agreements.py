"""Facts about what is agreed with the debtor: promises, plans, disputes, and what he writes."""

from __future__ import annotations

from datetime import date, timedelta

from domain import facts as f
from domain.case import Case, Need, Plan, Promise, Reduced
from domain.errors import Refused
from domain.fold.base import Moment, drop_tasks, fold, interrupt, open_case, owe, say_goodbye, void_notice
from domain.fold.debt import ask_about_title


@fold.register
def _promise(fact: f.PromiseMade, case: Case, at: Moment) -> None:
    open_case(case)
    today, rules = at.day(case), at.policy.promise
    last = today + timedelta(days=rules.longest)
    if not today <= fact.on <= last:
        raise Refused("promise-horizon", f"a promise must lie between {today:%d/%m/%Y} and {last:%d/%m/%Y}")
    if case.promises_made >= rules.most:
        raise Refused("too-many-promises", f"the policy allows {rules.most} promises, {case.promises_made} were made")
    if fact.amount is not None and fact.amount <= 0:
        raise Refused("bad-amount", "a promised amount must be more than zero")
    if case.plan:
        raise Refused("in-plan", "this case has a plan; its instalments are what is promised")
    case.promise = Promise(fact.promise_id, fact.on, fact.amount, case.paid())
    case.promises_made += 1
    case.claimed_until = case.respite_until = None
    interrupt(case, today)
    owe(case, "promessa-confirmada", fact.promise_id)
    ask_about_title(case, "a payment is promised")


@fold.register(f.PromiseKept)
def _kept(fact: f.PromiseKept, case: Case, at: Moment) -> None:
    case.promise = None


@fold.register
def _broken(fact: f.PromiseBroken, case: Case, at: Moment) -> None:
    case.promise = None
    case.promises_broken += 1
    case.broken_on = fact.on


@fold.register
def _offered(fact: f.PlanOffered, case: Case, at: Moment) -> None:
    open_case(case)
    if case.plan:
        raise Refused("in-plan", "this case has a plan already; end that one first")
    owe(case, "acordo-proposto", fact.plan_id)


@fold.register
def _plan(fact: f.PlanAgreed, case: Case, at: Moment) -> None:
    open_case(case)
    if case.plan:
        raise Refused("in-plan", "this case has a plan already; end that one first")
    if case.wholly_disputed():
        raise Refused("disputed", "the debt is in dispute; resolve that first")
    _check_instalments(fact.instalments, at.day(case))
    case.plan = Plan(fact.plan_id, list(fact.instalments), at.day(case), len(case.payments), fact.financing)
    case.promise = case.claimed_until = case.respite_until = None
    void_notice(case)
    interrupt(case, at.day(case))
    case.owed = [word for word in case.owed if word.text != "acordo-proposto"]  # what is agreed is offered no more
    owe(case, "acordo-confirmado", fact.plan_id)


def _check_instalments(instalments: tuple[f.Instalment, ...], today: date) -> None:
    days = [part.due for part in instalments]
    if not instalments or any(part.amount <= 0 for part in instalments):
        raise Refused("bad-plan", "a plan has at least one instalment, and each is more than zero")
    if days != sorted(set(days)) or days[0] < today:
        raise Refused("bad-plan", "the instalments of a plan fall due one after another, from today on")


@fold.register
def _plan_ended(fact: f.PlanEnded, case: Case, at: Moment) -> None:
    _this_plan(case, fact.plan_id)
    fold(f.PlanBroken(fact.plan_id, at.day(case)), case, at)


@fold.register
def _plan_broken(fact: f.PlanBroken, case: Case, at: Moment) -> None:
    """The debt stands as it was, without novation, less what was paid (CC arts. 354, 361)."""
    _this_plan(case, fact.plan_id)
    case.plan = None
    case.plans_broken += 1
    case.broken_on = fact.on
    owe(case, "acordo-quebrado", fact.plan_id)


@fold.register
def _plan_completed(fact: f.PlanCompleted, case: Case, at: Moment) -> None:
    _this_plan(case, fact.plan_id)
    case.plan, case.ended = None, "settled"
    owe(case, "acordo-concluido", fact.plan_id)


def _this_plan(case: Case, plan_id: str) -> Plan:
    if case.plan is None or case.plan.id != plan_id:
        raise Refused("no-such-plan", "this is not a plan in good standing of this case")
    return case.plan


@fold.register
def _dispute(fact: f.DisputeOpened, case: Case, at: Moment) -> None:
    open_case(case)
    if case.dispute:
        raise Refused("already-disputed", "this case is in dispute already; resolve that one first")
    if fact.amount is not None and not 0 < fact.amount < case.debt(at.day(case)).total:
        raise Refused("bad-amount", "a part in dispute is more than zero and less than the debt; no amount = all")
    case.dispute, case.disputed, case.explain_by = fact.dispute_id, fact.amount, fact.explain_by
    if fact.amount is None:
        case.promise = None if case.promise and case.promise.on < at.day(case) else case.promise
    case.needs.append(Need("dispute", owner="supervisor", details=("decide: resolve --upheld or --rejected",)))
    owe(case, "contestacao-pergunta" if fact.explain_by else "contestacao-recebida", fact.dispute_id)
    ask_about_title(case, "the debt is in dispute")


@fold.register
def _explained(fact: f.DisputeExplained, case: Case, at: Moment) -> None:
    if case.dispute != fact.dispute_id:
        raise Refused("not-disputed", "this is not the open dispute of this case")
    case.explain_by = None
    drop_tasks(case, "dispute-silent")
    owe(case, "contestacao-recebida", fact.dispute_id)


@fold.register
def _resolve(fact: f.DisputeResolved, case: Case, at: Moment) -> None:
    open_case(case)
    if not case.dispute:
        raise Refused("not-disputed", "this case is not in dispute")
    part, case.dispute, case.disputed, case.explain_by = case.disputed, "", None, None
    drop_tasks(case, "dispute", "dispute-silent", "withdraw-or-keep")
    if not fact.upheld:
        return
    void_notice(case)
    if part is None or part >= case.face():
        case.ended = "dispute-upheld"
        say_goodbye(case)
    else:
        case.reductions.append(Reduced(part, "rebate", at.day(case)))


@fold.register
def _reply(fact: f.ReplyReceived, case: Case, at: Moment) -> None:
    """What he wrote is always recorded. Where a person has to answer, the ladder rests until he has read it."""
    if case.closed:
        return
    asked = any(task.kind == fact.task for task in case.tasks.values()) or any(
        need.task == fact.task for need in case.needs
    )
    if fact.task and not asked:
        details = (f"message {fact.reply_id}", fact.why)
        case.needs.append(Need(fact.task, holds=True, details=tuple(filter(None, details))))
    if fact.answer:
        owe(case, fact.answer, fact.reply_id)

"""Facts about the firm part: the prior notice, whether a title may go, the hand-over, the end."""

from __future__ import annotations

from datetime import date

from domain import facts as f
from domain.case import LIVE, Case, Need, Notice, OpenTask, Served
from domain.eligibility import blocked, nfe_means, owner_of
from domain.errors import Refused
from domain.fold.base import (
    Moment,
    drop_tasks,
    fold,
    look_again,
    present_again,
    task_of,
    void_notice,
)
from domain.fold.debt import ask_about_title
from domain.gate import shut_for_title
from domain.notice import better, bound_by_title, failed_ways, notice_deadline, opens, proved_by
from domain.outside import untold
from domain.policy import Policy

__all__ = ["notice_deadline"]


@fold.register
def _issued(fact: f.NoticeIssued, case: Case, at: Moment) -> None:
    today = at.day(case)
    case.notice = Notice(fact.notice_id, fact.step, today, dict.fromkeys(fact.channels, "sent"))
    _add_ways(case.notice, tuple(way for way in fact.sendings if way.party))
    state = case.step(fact.step)
    state.status, state.on, state.deferred_until = "done", today, None
    case.last_contact_on = today
    _sent_is_proof(case.notice, at.policy, today)


@fold.register
def _sent_again(fact: f.NoticeSentAgain, case: Case, at: Moment) -> None:
    notice = _this_notice(case, fact.notice_id)
    notice.searched = list(failed_ways(notice))
    if fact.sendings:
        notice.sent_on = at.day(case)
        _add_ways(notice, fact.sendings)
        _sent_is_proof(notice, at.policy, at.day(case))


def _add_ways(notice: Notice, sendings: tuple[f.Sending, ...]) -> None:
    for sending in sendings:
        ways = notice.others.setdefault(sending.party, Served({})).ways if sending.party else notice.ways
        ways[sending.way] = "sent"


def _sent_is_proof(notice: Notice, policy: Policy, today: date) -> None:
    """Where the ladder takes sending for proof, each addressee is notified by his first way."""
    if policy.proof != "sent":
        return
    if notice.ways and notice.state == "issued" and "sent" in notice.ways.values():
        notice.state, notice.proof_on = "proved", today
    for served in notice.others.values():
        served.proof_on = served.proof_on or today


def _this_notice(case: Case, notice_id: str) -> Notice:
    if case.notice is None or case.notice.id != notice_id:
        raise Refused("other-notice", "this is not the case's present notice")
    return case.notice


@fold.register
def _proved(fact: f.NoticeProved, case: Case, at: Moment) -> None:
    notice = _this_notice(case, fact.notice_id)
    served = notice.others.get(fact.party) if fact.party else notice
    if served is None:
        raise Refused("other-party", "this notice did not go to that party")
    served.ways[fact.channel] = better(served.ways.get(fact.channel, ""), fact.level)
    if not opens(fact.level, at.policy):
        return
    if isinstance(served, Served):
        served.proof_on = served.proof_on or fact.on
    elif notice.state in ("issued", "undeliverable"):
        notice.state, notice.proof_on = "proved", fact.on
        if case.approval and case.approval.purpose == "undeliverable-notice":
            case.approval = None


@fold.register
def _returned_notice(fact: f.NoticeReturned, case: Case, at: Moment) -> None:
    notice = _this_notice(case, fact.notice_id)
    if level := proved_by(fact.reason, at.policy.notice):
        fold(f.NoticeProved(notice.id, fact.channel, level, at.day(case), fact.party), case, at)
        return
    served = notice.others.get(fact.party) if fact.party else notice
    if served is None:
        raise Refused("other-party", "this notice did not go to that party")
    served.ways[fact.channel] = f"failed: {fact.reason}"


@fold.register
def _voided(fact: f.NoticeVoided, case: Case, at: Moment) -> None:
    _this_notice(case, fact.notice_id)
    void_notice(case)
    if case.protest.state == "incomplete":
        present_again(case)


@fold.register
def _undeliverable(fact: f.NoticeUndeliverable, case: Case, at: Moment) -> None:
    _this_notice(case, fact.notice_id).state = "undeliverable"


@fold.register
def _released_by_two(fact: f.NoticeReleasedByTwo, case: Case, at: Moment) -> None:
    notice = _this_notice(case, fact.notice_id)
    notice.state, notice.proof_on, case.approval = "released", fact.on, None


# --- may the title go? ------------------------------------------------------------------------------------------------
@fold.register
def _bank_order(fact: f.BankOrder, case: Case, at: Moment) -> None:
    orders = [order for order in case.bank_orders if order != fact.order]
    case.bank_orders = sorted([*orders, fact.order] if fact.active else orders)
    _standing_changed(case, f"the bank has an instruction of its own: {fact.order}")


@fold.register
def _portfolio(fact: f.PortfolioChanged, case: Case, at: Moment) -> None:
    case.portfolio = fact.portfolio
    _standing_changed(case, f"the title is {fact.portfolio}")


@fold.register
def _nfe_event(fact: f.InvoiceEvent, case: Case, at: Moment) -> None:
    """A cancellation is final; of what the buyer says, the last word counts; what he only knows decides nothing."""
    meaning = nfe_means(fact.event)
    if nfe_means(case.nfe) != "cancelled" and meaning in ("cancelled", "refused", "confirmed"):
        case.nfe = fact.event
    if meaning in ("cancelled", "refused") and not case.closed:
        drop_tasks(case, f"nfe-{meaning}")
        decide = "void the case, or say that it is a mistake" if meaning == "cancelled" else "treat it as a dispute"
        case.needs.append(Need(f"nfe-{meaning}", owner="supervisor", details=(f"NF-e event {fact.event}", decide)))
    _standing_changed(case, f"NF-e event {fact.event}")


def _standing_changed(case: Case, why: str) -> None:
    look_again(case)
    if blocked(case.portfolio, case.bank_orders, case.nfe) and not case.closed:
        ask_about_title(case, why)


@fold.register
def _party(fact: f.PartyNamed, case: Case, at: Moment) -> None:
    if bound_by_title(fact.role):
        case.parties[fact.party_id] = fact.role


@fold.register
def _document(fact: f.DocumentAttached, case: Case, at: Moment) -> None:
    look_again(case)


@fold.register
def _examined(fact: f.TitleExamined, case: Case, at: Moment) -> None:
    case.protest.examined = at.day(case)


@fold.register
def _queued(fact: f.TitleQueued, case: Case, at: Moment) -> None:
    """Whoever says so: a title is only ever in the queue through the open gate, never above its balance."""
    if reason := shut_for_title(case, at.policy, fact.step, at.day(case)):
        raise Refused("gate-shut", f"this title cannot go to the notary now: {reason}")
    if fact.balance > case.face():
        raise Refused("above-balance", f"R$ {fact.balance} is more than the open principal, R$ {case.face()}")
    if case.protest.state in LIVE or case.protest.state == "queued":
        raise Refused("title-is-out", "a title of this case is queued or at the notary already")
    protest = case.protest
    protest.state, protest.title_id, protest.declared = "queued", fact.title_id, fact.balance
    protest.attempt += 1
    case.approval = None
    _at_notary(case, fact.step)


@fold.register
def _incomplete(fact: f.TitleIncomplete, case: Case, at: Moment) -> None:
    case.protest.state, case.protest.examined, case.approval = "incomplete", None, None
    _at_notary(case, fact.step)
    case.needs.append(Need("complete-title", owner=owner_of(fact.missing), details=fact.missing))


def _at_notary(case: Case, step: str) -> None:
    state = case.step(step)
    state.status, state.reason, state.deferred_until = "running", "at-notary", None


@fold.register
def _closed(fact: f.Closed, case: Case, at: Moment) -> None:
    case.closed, case.approval, case.promise, case.plan, case.owed = fact.outcome, None, None, None, []
    case.clearing, case.claimed_until, case.respite_until = [], None, None
    case.tasks = {task_id: task for task_id, task in case.tasks.items() if _outlives(task, case)}


def _outlives(task: OpenTask, case: Case) -> bool:
    """What a person still owes somebody when the case ends: money back, or a word that could not be passed on."""
    unheard = task.kind == "action-failed" and any(task.step == message.step for message in untold(case))
    return task.kind == "refund" or unheard


@fold.register
def _reopened(fact: f.Reopened, case: Case, at: Moment) -> None:
    case.closed = ""
    for name, state in case.steps.items():
        if state.status == "running" and state.reason != "at-notary" and not task_of(case, name):
            state.status = "pending"  # its task went with the close; what was not done is done now

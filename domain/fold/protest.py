"""Facts about a title that is on its way to the notary, there, or protested: the machine of `domain.protest`."""

from __future__ import annotations

from decimal import Decimal

from domain import facts as f
from domain.case import Case, Need, Protest
from domain.errors import Refused
from domain.fold.base import Moment, drop_tasks, fold, interrupt, present_again, protest_over
from domain.protest import Event, after, withdrawable

BALANCE_CHANGED, NOBODY_DECIDED = "balance-changed", "nobody-decided"
ASK_AGAIN = frozenset({BALANCE_CHANGED, NOBODY_DECIDED})
"""Why a title was taken back that may go to the notary another day, after a new approval."""
PAPERS = ("sign-consent", "consent-late", "cancel-protest", "cancellation-late")
"""Tasks that a protest which is cancelled, or on its way to be, needs no more."""
NOTIFIED = "AG"
"""Progress: the debtor was notified, the three-day term runs (Andamento layout p. 11)."""


def this_title(case: Case, title_id: str) -> Protest:
    """The title of the case; Refused where the fact is about another one."""
    if case.protest.title_id != title_id:
        raise Refused("other-title", "this is not the title that the case has at the notary")
    return case.protest


def _happens(case: Case, title_id: str, event: Event, costs: Decimal = Decimal(0)) -> bool:
    """Move the title by an event; True where it is news. What cannot happen changes nothing: a person looks at it."""
    protest = this_title(case, title_id)
    protest.costs = costs or protest.costs
    before, following = protest.state, after(protest.state, event)
    if following is None:
        details = (f"the title is {before}", f"said of it: {event}", "ask the CRA, then correct the case by hand")
        case.needs.append(Need("protest-contradiction", owner="supervisor", details=details))
        return False
    protest.state = following
    if not withdrawable(following):
        drop_tasks(case, "withdraw-or-keep")
    return following != before


@fold.register
def _title_sent(fact: f.TitleSent, case: Case, at: Moment) -> None:
    _happens(case, fact.title_id, Event.SEND)
    case.protest.sent_on = fact.on  # of a file that the CRA did not take, the day on which it left again


@fold.register
def _confirmed(fact: f.TitleConfirmed, case: Case, at: Moment) -> None:
    _happens(case, fact.title_id, Event.CONFIRM, fact.costs)
    case.protest.term_end, case.protest.decide_by = fact.term_end, fact.decide_by


@fold.register
def _progressed(fact: f.TitleProgressed, case: Case, at: Moment) -> None:
    protest = this_title(case, fact.title_id)
    protest.progress, protest.costs = fact.code, fact.costs or protest.costs
    protest.term_end, protest.decide_by = fact.term_end or protest.term_end, fact.decide_by or protest.decide_by
    if fact.code == NOTIFIED and _happens(case, fact.title_id, Event.NOTIFY):
        drop_tasks(case, "court-suspended-protest")  # of a suspended title it says that the order was revoked


@fold.register
def _returned(fact: f.TitleReturned, case: Case, at: Moment) -> None:
    if not _happens(case, fact.title_id, Event.RETURN, fact.costs):
        return
    if fact.representable and not case.ended:
        case.needs.append(Need("correct-title", details=tuple(f"irregularity {code}" for code in fact.irregularities)))
    else:
        protest_over(case, "impossible", at)


@fold.register
def _registered(fact: f.TitleRegistered, case: Case, at: Moment) -> None:
    if _happens(case, fact.title_id, Event.REGISTER, fact.costs):
        protest_over(case, "registered", at)
        case.protest.over_on = fact.on
        interrupt(case, fact.on)


@fold.register
def _withdrawn(fact: f.TitleWithdrawn, case: Case, at: Moment) -> None:
    if not _happens(case, fact.title_id, Event.WITHDRAW, fact.costs):
        return
    if case.protest.word in ASK_AGAIN:
        case.protest.word = "none"
        present_again(case)
    else:
        protest_over(case, "withdrawn", at)


@fold.register
def _cancelled(fact: f.TitleCancelled, case: Case, at: Moment) -> None:
    if _happens(case, fact.title_id, Event.CANCEL, fact.costs):
        case.protest.word = "withdrawn"
        drop_tasks(case, *PAPERS)


@fold.register
def _suspended(fact: f.TitleSuspended, case: Case, at: Moment) -> None:
    if _happens(case, fact.title_id, Event.SUSPEND_FOR_GOOD if fact.final else Event.SUSPEND):
        details = ("the court suspended the protest",)
        case.needs.append(Need("court-suspended-protest", owner="lawyer", details=details))
        if fact.final:
            protest_over(case, "impossible", at)


# --- taking it back ---------------------------------------------------------------------------------------------------
@fold.register
def _withdraw(fact: f.WithdrawalAsked, case: Case, at: Moment) -> None:
    if case.protest.state != "queued" and not withdrawable(case.protest.state):
        raise Refused("nothing-to-withdraw", "no title of this case can be withdrawn now")
    case.protest.word = "withdrawal-asked"


@fold.register
def _unqueued(fact: f.TitleUnqueued, case: Case, at: Moment) -> None:
    if fact.reason == "withdrawal-asked":
        case.protest.state = "withdrawn"
        protest_over(case, "withdrawn", at)
    else:
        present_again(case)


@fold.register
def _withdrawal_queued(fact: f.WithdrawalQueued, case: Case, at: Moment) -> None:
    _happens(case, fact.title_id, Event.ORDER_WITHDRAWAL)
    case.protest.word = fact.reason


# --- after the protest ------------------------------------------------------------------------------------------------
@fold.register
def _cancel(fact: f.CancellationAsked, case: Case, at: Moment) -> None:
    if after(case.protest.state, Event.ORDER_CANCELLATION) is None:
        raise Refused("nothing-to-cancel", "no protest of this case stands registered; there is none to cancel")
    case.protest.cancel = "asked"


@fold.register
def _cancellation_queued(fact: f.CancellationQueued, case: Case, at: Moment) -> None:
    _happens(case, fact.title_id, Event.ORDER_CANCELLATION)
    case.protest.cancel = ""
    drop_tasks(case, *PAPERS)


@fold.register
def _cancellation_refused(fact: f.CancellationRefused, case: Case, at: Moment) -> None:
    if _happens(case, fact.title_id, Event.REFUSE_CANCELLATION):
        case.protest.cancel = "refused"
        details = ("the notary did not cancel the protest: find out why, then order it again",)
        case.needs.append(Need("cancel-protest", owner="manager", details=details))


@fold.register
def _signed(fact: f.ConsentSigned, case: Case, at: Moment) -> None:
    protest = this_title(case, fact.title_id)
    _consent_is_wanted(protest)
    protest.consent = "signed"


@fold.register
def _delivered(fact: f.ConsentDelivered, case: Case, at: Moment) -> None:
    protest = this_title(case, fact.title_id)
    _consent_is_wanted(protest)
    if protest.consent != "signed":
        raise Refused("not-signed", "the letter of consent is not signed yet; unsigned it has no effect")
    protest.consent = "delivered"
    drop_tasks(case, "sign-consent", "consent-late")


def _consent_is_wanted(protest: Protest) -> None:
    if protest.state != "registered":
        raise Refused("no-registered-protest", "no protest of this case stands registered; there is none to cancel")
    if protest.consent == "delivered":
        raise Refused("already-delivered", "the debtor has the letter of consent already")

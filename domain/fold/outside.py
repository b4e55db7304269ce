"""Facts about what others do for a case: who has it, the proposal at the notaries' central, the entry at the bureau."""

from __future__ import annotations

from domain import facts as f
from domain.calendars import add_bank_days
from domain.case import Case, HandOver, Listing, Need, Proposal
from domain.errors import Refused
from domain.fold.base import Moment, drop_tasks, finish_step, fold, open_case
from domain.listing import LEFT, may_stand_from, not_yet
from domain.notice import shut
from domain.outside import (
    TEXTS,
    Message,
    in_other_hands,
    known_at_hand_over,
    receipt_due,
    request_step,
)
from domain.policy import Do, Step

BY_HAND = {
    "payment": "tell them of the payment", "reversal": "tell them that the payment came back",
    "ended": "tell them that the debt ended", "recall": "take the case back",
    "withdrawal": "take the proposal back", "removal": "have the entry removed",
}  # fmt: skip
"""What a person is asked to pass on where no folder and no webhook does it."""


def _step(at: Moment, do: Do) -> Step | None:
    return next((step for step in at.policy.steps if step.do == do), None)


# --- a case in other hands -------------------------------------------------------------------------------------------
@fold.register
def _handed_over(fact: f.HandedOver, case: Case, at: Moment) -> None:
    """Their word counts from here: a plan or promise of ours that still stood is theirs to keep an eye on."""
    today, do = at.day(case), Do(fact.to)
    if case.hands and case.hands.to != fact.to:
        case.recalls.append(Message(case.hands.to, "recall", case.hands.document_id).step)
    step = next((s for s in at.policy.steps if s.id == fact.step), None) or _step(at, do)
    case.hands = HandOver(fact.to, today, fact.document_id, receipt_due(step, today))
    case.told = [*case.told, *(known_at_hand_over(case, fact.to) if fact.knows is None else fact.knows)]
    case.approval = None
    if fact.to == "legal":
        case.legal_on = today
    for each in at.policy.steps:
        if each.do == do and case.step(each.id).status == "pending":
            finish_step(case, each.id, today, "handed over")


def _hands(case: Case, to: f.Hands) -> HandOver:
    if in_other_hands(case) != to:
        raise Refused("not-there", f"this case is not with {to}; nothing can be said about it there")
    if case.hands is None:
        case.hands = _handed_over_long_ago(case)
    return case.hands


def _handed_over_long_ago(case: Case) -> HandOver:
    """A case that went to legal before receipts were asked for: what is known by now is taken for told."""
    case.told = [*case.told, *known_at_hand_over(case, "legal")]
    on = case.legal_on or case.terms.due
    return HandOver("legal", on, "", on, acknowledged_on=on)


@fold.register
def _acknowledged(fact: f.HandOverAcknowledged, case: Case, at: Moment) -> None:
    open_case(case)
    hands = _hands(case, fact.to)
    hands.acknowledged_on = hands.acknowledged_on or fact.on
    drop_tasks(case, "receipt-missing")


@fold.register
def _reported(fact: f.HandOverReported, case: Case, at: Moment) -> None:
    """Whoever reports on a case has it. What is given up there is no longer in their hands: a person decides."""
    open_case(case)
    hands = _hands(case, fact.to)
    hands.acknowledged_on = hands.acknowledged_on or fact.on
    drop_tasks(case, "receipt-missing")
    if fact.event == "filed":
        hands.filed_on = fact.on
    elif fact.event == "agreement":
        details = (f"an agreement was made by {fact.to} on {fact.on:%d/%m/%Y}", "enter its instalments: regua plan")
        case.needs.append(Need("enter-agreement", owner="supervisor", details=details))
    else:
        details = (f"{fact.to} gave the case up on {fact.on:%d/%m/%Y}", "write it off, or go on")
        case.needs.append(Need("given-up", owner="manager", holds=True, details=details))
        _take_back(case)


@fold.register
def _recalled(fact: f.HandOverRecalled, case: Case, at: Moment) -> None:
    open_case(case)
    case.recalls.append(Message(fact.to, "recall", _hands(case, fact.to).document_id).step)
    _take_back(case)


def _take_back(case: Case) -> None:
    drop_tasks(case, "receipt-missing")
    case.hands = case.legal_on = None


@fold.register
def _requested_contact(fact: f.ContactRequested, case: Case, at: Moment) -> None:
    open_case(case)
    _hands(case, fact.to)
    if fact.text not in TEXTS:
        raise Refused("no-such-text", f"this text cannot be asked for; texts are {', '.join(TEXTS)}")
    case.requests.append(request_step(case, fact.text))


@fold.register
def _passed_on(fact: f.PassedOn, case: Case, at: Moment) -> None:
    message = Message(fact.to, fact.what, fact.reference)
    case.told.append(message.step)
    case.recalls = [recall for recall in case.recalls if recall != message.step]
    case.steps.pop(message.step, None)
    if fact.by == "hand":
        details = (f"{fact.to}: {BY_HAND.get(fact.what, fact.what)}", f"reference {fact.reference}")
        case.needs.append(Need(f"tell-{fact.to}", fact.what, details=details))


# --- solução negocial prévia -----------------------------------------------------------------------------------------
@fold.register
def _proposed(fact: f.NegotiationProposed, case: Case, at: Moment) -> None:
    """It is with the central now, whatever is thought of that; what may not be there is taken back by the rules."""
    case.proposal, case.approval = Proposal(fact.proposal_id, fact.step, fact.amount, fact.until), None
    state = case.step(fact.step)
    state.status, state.reason, state.deferred_until = "running", "at-central", None
    if fact.by == "hand":
        details = (f"proposal {fact.proposal_id}", f"amount {fact.amount}", f"answer until {fact.until:%d/%m/%Y}")
        case.needs.append(Need("present-proposal", fact.step, details=details))
    if reason := shut(case, at.policy, at.day(case)):
        case.proposal.state, case.proposal.reason = "withdrawing", reason


def _this_proposal(case: Case, proposal_id: str) -> Proposal:
    if case.proposal is None or case.proposal.id != proposal_id:
        raise Refused("other-proposal", "this is not the proposal that the case has at the central")
    if case.proposal.state not in ("open", "withdrawing"):
        raise Refused("proposal-ended", f"this proposal has ended already: {case.proposal.state}")
    return case.proposal


@fold.register
def _withdrawing(fact: f.NegotiationWithdrawn, case: Case, at: Moment) -> None:
    proposal = _this_proposal(case, fact.proposal_id)
    if proposal.state != "open":
        raise Refused("already-withdrawn", "the central has been asked for this proposal already")
    proposal.state, proposal.reason = "withdrawing", fact.reason


@fold.register
def _answered(fact: f.NegotiationAnswered, case: Case, at: Moment) -> None:
    """CNN art. 385: paid, withdrawn or returned (both may be presented anew), converted into a protest."""
    proposal = _this_proposal(case, fact.proposal_id)
    if fact.outcome == "paid":
        paid = f.PaymentReceived(fact.reference or f"central-{proposal.id}", fact.amount, fact.on, "central", True)
        fold(paid, case, at)
    drop_tasks(case, "present-proposal", "proposal-unanswered", "withdraw-or-keep-proposal")
    reason, proposal.state = proposal.reason, fact.outcome
    if fact.outcome == "converted":
        _converted(proposal, fact, case, at)
    elif fact.outcome == "withdrawn" and reason == "balance-changed":
        state = case.step(proposal.step)
        state.status, state.reason = "pending", ""
        case.protest.examined = None
    else:
        finish_step(case, proposal.step, at.day(case), fact.outcome)
    if fact.outcome == "returned":
        details = (f"proposal {proposal.id} came back with an irregularity", "correct the title before it is presented")
        case.needs.append(Need("proposal-returned", proposal.step, details=details))


def _converted(proposal: Proposal, fact: f.NegotiationAnswered, case: Case, at: Moment) -> None:
    """The central presented the title for the original amount; it is registered without a new summons (CNN art. 386).

    From here on it is a title at the notary like any other. The act of the proposal counts (art. 11-A par. 1).
    """
    protest = case.protest
    finish_step(case, proposal.step, at.day(case), "converted")
    protest.state, protest.title_id, protest.declared = "confirmed", proposal.id, proposal.amount
    protest.sent_on, protest.term_end, protest.word = fact.on, add_bank_days(fact.on, 1), "none"
    protest.attempt += 1
    for step in at.policy.steps:
        if step.do == Do.PROTEST and case.step(step.id).status == "pending":
            case.step(step.id).status, case.step(step.id).reason = "running", "at-notary"
            return


# --- the bureau ------------------------------------------------------------------------------------------------------
@fold.register
def _requested(fact: f.ListingRequested, case: Case, at: Moment) -> None:
    """The bureau has the request now, whatever is thought of that; what may not stand is removed by the rules."""
    fault = not_yet(case, at.policy, at.day(case))
    case.listing = Listing(fact.listing_id, fact.amount, at.day(case), fault=fault)
    case.approval = None
    finish_step(case, fact.step, at.day(case), "requested")
    if fact.by == "hand":
        details = (
            f"listing {fact.listing_id}",
            f"amount {fact.amount}",
            "enter it at the bureau, which notifies first",
        )
        case.needs.append(Need("enter-listing", fact.step, details=details))


def _this_listing(case: Case, listing_id: str) -> Listing:
    if case.listing is None or case.listing.id != listing_id:
        raise Refused("other-listing", "this is not the entry that the case has at the bureau")
    if case.listing.state not in LEFT:
        raise Refused("listing-ended", f"nothing of this entry is left at the bureau: {case.listing.state}")
    return case.listing


@fold.register
def _bureau_notified(fact: f.ListingNotified, case: Case, at: Moment) -> None:
    listing, step = _this_listing(case, fact.listing_id), _step(at, Do.LIST)
    listing.wait = may_stand_from(fact.on, step.deadline if step else None)
    drop_tasks(case, "enter-listing", "bureau-silent")
    if listing.state == "requested":
        listing.state = "notified"


@fold.register
def _listed(fact: f.Listed, case: Case, at: Moment) -> None:
    """An entry before the bureau's own notice period is over is a wrong of the bureau that the creditor undoes."""
    listing = _this_listing(case, fact.listing_id)
    listing.listed_on = listing.listed_on or fact.on
    drop_tasks(case, "enter-listing", "bureau-silent")
    if listing.wait is None or fact.on < listing.wait:
        listing.fault = listing.fault or "listed before the bureau's notice period was over"
    if listing.state != "removing":
        listing.state = "listed"


@fold.register
def _bureau_refused(fact: f.ListingRefused, case: Case, at: Moment) -> None:
    listing = _this_listing(case, fact.listing_id)
    listing.state, listing.reason = "refused", fact.code
    drop_tasks(case, "enter-listing", "bureau-silent")
    case.needs.append(Need("listing-refused", details=(f"listing {listing.id}", f"code {fact.code}")))


@fold.register
def _removing(fact: f.ListingRemovalOrdered, case: Case, at: Moment) -> None:
    listing = _this_listing(case, fact.listing_id)
    if listing.state == "removing":
        raise Refused("already-removing", "the bureau has been asked to remove this entry already")
    listing.state, listing.reason, listing.due = "removing", fact.reason, fact.due
    drop_tasks(case, "enter-listing", "bureau-silent", "listing-disputed")


@fold.register
def _removed(fact: f.ListingRemoved, case: Case, at: Moment) -> None:
    listing = _this_listing(case, fact.listing_id)
    listing.state = "removed"
    drop_tasks(case, "removal-due", "removal-late", "tell-bureau", "listing-disputed")

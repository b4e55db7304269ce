"""What those who act for a case outside tell us, by a person's hand, a file, or a signed webhook: one form for all.

Each answer becomes a fact of its case; what it says of people or lawsuits goes into a note that can be erased.
"""

from __future__ import annotations

from typing import cast, get_args

from domain import facts as f
from domain.case import Case, load
from domain.errors import BadInput, Refused
from domain.listing import removal_due
from domain.money import ZERO
from domain.outside import TEXTS, lawsuit_number
from domain.outside_facts import Hands, NegotiationOutcome, Report
from starter.actions import Deed
from starter.deeds import Author, Make, pay, reason_of
from starter.forms import Form

_REPORTS: dict[str, Report] = {report: report for report in get_args(Report)}
HAND_ANSWERS = ("acknowledged", *_REPORTS, "payment")
CENTRAL_ANSWERS: tuple[str, ...] = get_args(NegotiationOutcome)
BUREAU_ANSWERS = ("notified", "listed", "refused", "removed")


# --- a case in other hands -------------------------------------------------------------------------------------------
def hands(to: Hands) -> Make:
    """Legal or the agency answers: has the dossier, sued (with its number), agreed, was paid, gave the case up."""

    def make(form: Form, by: Author) -> Deed:
        answer, on = form.text("resposta", *HAND_ANSWERS), form.past_day("data")
        if answer == "payment":
            return pay()(form, by)
        if answer == "acknowledged":
            return Deed(f.HandOverAcknowledged(to, on))
        if answer == "filed":
            form = _with_number(form)
        note_id, beside = reason_of(form, by, required=answer != "agreement")
        return Deed(f.HandOverReported(to, _REPORTS[answer], on, note_id), beside)

    return make


def _with_number(form: Form) -> Form:
    """The number of a lawsuit stands in the note: it leads to the people in it."""
    number = lawsuit_number(form.text("processo"))
    if number is None:
        raise BadInput("processo: this is no number of a lawsuit; write its 20 digits, like 0000001-68.2026.8.26.0100")
    said = form.values.get("motivo", "")
    return Form({**form.values, "motivo": f"processo {number}. {said}".strip()}, form.today)


def recall(to: Hands) -> Make:
    """The creditor takes the case back."""

    def make(form: Form, by: Author) -> Deed:
        note_id, beside = reason_of(form, by)
        return Deed(f.HandOverRecalled(to, f"note:{note_id}"), beside)

    return make


def ask(to: Hands) -> Make:
    """Who has the case asks us to write to the debtor."""

    def make(form: Form, by: Author) -> Deed:
        note_id, beside = reason_of(form, by)
        return Deed(f.ContactRequested(to, form.text("texto", *TEXTS), note_id), beside)

    return make


# --- the notaries' central -------------------------------------------------------------------------------------------
def central(form: Form, by: Author) -> Deed:
    """What became of the proposal: paid (with amount), withdrawn, returned, converted (with protocol)."""
    outcome = cast(NegotiationOutcome, form.text("resposta", *CENTRAL_ANSWERS))
    proposal, on = _proposal(load(by.case.state)), form.past_day("data")
    amount = form.money("valor") if outcome == "paid" else ZERO
    if outcome == "paid" and amount <= ZERO:
        raise BadInput("valor: it is zero; write what the debtor paid in reais, like 1.234,56")
    protocol = form.code("protocolo") if outcome == "converted" else ""
    reference = form.values.get("referencia", "").strip()
    fact = f.NegotiationAnswered(proposal, outcome, on, amount, reference, protocol)
    return Deed(fact, key=lambda _case: f"negotiation:{proposal}:{outcome}")


def take_back(form: Form, by: Author) -> Deed:
    """A person wants the proposal back before it becomes a protest."""
    note_id, beside = reason_of(form, by)
    return Deed(f.NegotiationWithdrawn(_proposal(load(by.case.state)), f"note:{note_id}"), beside)


def _proposal(case: Case) -> str:
    if case.proposal is None:
        raise Refused("no-proposal", "this case has no proposal at the notaries' central")
    return case.proposal.id


# --- the bureau ------------------------------------------------------------------------------------------------------
def bureau(form: Form, by: Author) -> Deed:
    """What the bureau did: notified the debtor, listed him, refused the request (with its code), removed the entry."""
    answer, on = form.text("resposta", *BUREAU_ANSWERS), form.past_day("data")
    listing = _listing(load(by.case.state))
    facts: dict[str, f.Told] = {
        "notified": f.ListingNotified(listing, on),
        "listed": f.Listed(listing, on),
        "removed": f.ListingRemoved(listing, on),
    }
    fact = facts.get(answer) or f.ListingRefused(listing, form.code("codigo"))
    return Deed(fact, key=lambda _case: f"listing:{listing}:{answer}:{on}")


def remove(form: Form, by: Author) -> Deed:
    """A person has the entry removed, for a reason that the rules do not know."""
    case = load(by.case.state)
    note_id, beside = reason_of(form, by)
    due = removal_due(case, paid=False, today=form.today)
    return Deed(f.ListingRemovalOrdered(_listing(case), f"note:{note_id}", due), beside)


def _listing(case: Case) -> str:
    if case.listing is None:
        raise Refused("no-listing", "this case has nothing at a credit bureau")
    return case.listing.id


MAKES: dict[str, Make] = {"legal": hands("legal"), "agency": hands("agency"), "central": central, "bureau": bureau}
"""Who answers, and what is made of it."""
FIELDS = ("resposta", "data", "processo", "motivo", "valor", "referencia", "protocolo", "codigo")
"""What an answer may hold, whoever gives it."""

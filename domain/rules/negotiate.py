"""Solução negocial prévia: what must be in order before it, what takes it back, what is waited for (art. 11-A)."""

from __future__ import annotations

from datetime import timedelta

from domain import facts as f
from domain.calendars import next_bank_day
from domain.case import PROTESTED
from domain.eligibility import blocked
from domain.gate import waits
from domain.negotiation import answer_due, is_open
from domain.policy import Step
from domain.rules import firm
from domain.rules.base import Bench, Instruction, Move


def before(r: Bench, step: Step) -> Move | None:
    """It ends in a protest by itself, so all that a protest needs must be in order (promise 2)."""
    if r.case.protest.state in PROTESTED:
        return f.StepPassedOver(step.id, "the title is at the notary or protested")
    found = blocked(r.case.portfolio, r.case.bank_orders, r.case.nfe)
    if found:
        return f.StepPassedOver(step.id, f"not eligible: {', '.join(found)}")
    return firm.before_protest(r, step)


def watches(r: Bench) -> f.Own | None:
    """What is no longer so is taken back; what holds a protest is a person's to decide before the term ends."""
    proposal = r.case.proposal
    if proposal is None or proposal.state != "open":
        return None
    if reason := _taken_back(r):
        return f.NegotiationWithdrawn(proposal.id, reason)
    if reason := waits(r.case, r.today):
        details = (
            f"the proposal becomes a protest after {proposal.until:%d/%m/%Y}: {reason}",
            "withdraw it or keep it",
        )
        due = min(proposal.until, next_bank_day(r.today))
        if task := r.once("withdraw-or-keep-proposal", f"{proposal.id}.{reason}", "manager", due, *details):
            return task
    if r.today > answer_due(proposal.until):
        details = (f"the term ended on {proposal.until:%d/%m/%Y}", "ask the central and type the answer")
        return r.once("proposal-unanswered", proposal.id, "clerk", next_bank_day(r.today), *details)
    return None


def _taken_back(r: Bench) -> str:
    proposal = r.case.proposal
    if r.outcome:
        return r.outcome
    if r.case.plan:
        return "in-plan"
    if proposal and r.case.face() != proposal.amount:
        return "balance-changed"
    return "not-eligible" if blocked(r.case.portfolio, r.case.bank_orders, r.case.nfe) else ""


def at_central(r: Bench) -> Instruction | None:
    """While the central has the proposal none of our steps goes on."""
    proposal = r.case.proposal
    if proposal is None or not is_open(r.case):
        return None
    if proposal.state == "withdrawing":
        return r.wait("waits for the central to give the proposal back")
    return r.wait("proposal at the central", answer_due(proposal.until) + timedelta(days=1))

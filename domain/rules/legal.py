"""A case in other hands: what they are still to be told, whether they said that they have it, and our silence."""

from __future__ import annotations

from domain import facts as f
from domain.calendars import add_bank_days
from domain.case import COMMITTED
from domain.negotiation import is_open
from domain.outside import in_other_hands, must_announce, reminder_day, reminders
from domain.policy import Step
from domain.rules.base import Action, Bench, Instruction, Move

WITH_LEGAL, WITH_AGENCY = "in legal", "with the agency"


def passes_on(r: Bench) -> Instruction | None:
    """Whoever outside acts for the case learns the same day what is no longer so: first of all a payment.

    A message that cannot be passed on is a person's; until he has looked the rest of the case goes on.
    """
    for message in r.untold:
        failed = any(task.kind == "action-failed" and task.step == message.step for task in r.case.tasks.values())
        if not failed:
            at = r.not_before(r.now, message.step)
            return r.instruct(Action.TELL, f"tells {message.to}: {message.what}", at, message.step)
    return None


def passes_on_at_once(r: Bench) -> Instruction | None:
    """Before anything else, thanks included; but where it did not work just now, the rest of the case goes on first."""
    order = passes_on(r)
    return order if order and order.not_before and order.not_before <= r.now else None


def receipt_is_missing(r: Bench) -> f.Own | None:
    """Nobody said that he has the dossier: a person asks, again and again while nobody does."""
    hands = r.case.hands
    if hands is None or r.has_task("receipt-missing"):
        return None
    number = reminders(r.case)
    day = reminder_day(r.case, number)
    if day is None or r.today < day:
        return None
    details = (f"{hands.to} has not acknowledged the dossier of {hands.on:%d/%m/%Y}", f"document {hands.document_id}")
    due = add_bank_days(r.today, 1)
    return r.task("receipt-missing", f"{hands.document_id}.{number}", "manager", due, False, details)


def asked_contact(r: Bench) -> Instruction | None:
    """In other hands nothing is sent unless they ask; what they ask for keeps hours and caps like any contact."""
    if not r.case.requests:
        return None
    step = next((step for step in r.case.requests if r.case.step(step).status == "pending"), None)
    if step is None or not in_other_hands(r.case) or r.case.closed:
        return None
    return r.instruct(
        Action.CONTACT, f"asked for by {in_other_hands(r.case)}", r.moment(r.free_day(r.today), step), step
    )


def waits_outside(r: Bench) -> Instruction | None:
    """Nothing of ours goes on while somebody else has the case, but for what a notary still has of it."""
    to = in_other_hands(r.case)
    if not to or r.case.protest.state in COMMITTED or is_open(r.case):
        return None
    return r.wait(WITH_LEGAL if to == "legal" else WITH_AGENCY)


def before_agency(r: Bench, step: Step) -> Move | None:
    """Where the state wants it, a registered letter announces the agency; a person posts it and keeps its proof."""
    source = must_announce(r.case.uf, r.case.terms.consumer)
    if not source:
        return None
    task = r.once(
        "announce-agency", step.id, "clerk", add_bank_days(r.today, 2),
        "send the debtor a registered letter: from which day on which agency collects, for whom, which debt", source,
        "attach its receipt: regua attach --kind agency-announcement",
    )  # fmt: skip
    if task:
        return task
    return r.wait("waits for the announcement of the agency") if r.has_task("announce-agency") else None

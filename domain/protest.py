"""The life of a title at the notary: which event leads from which state to which, the term, the hour, whose the costs.

One table (`domain/data/cra/life.csv`, each row with its source) is the whole machine. The rows of titles and the cases
go by it alike. What it does not hold is illegal: nothing changes, and a person looks at it.

    queued → sent → confirmed → notified → registered → cancelling → cancelled
       └ unqueued     └─────────┴─────────┬ paid · returned · withdrawing → withdrawn
                                          └ suspended → registered, paid, withdrawn, notified again, or for good
"""

from __future__ import annotations

from datetime import date, datetime, time
from enum import StrEnum
from functools import cache
from typing import Literal

from domain.calendars import add_notary_days, three_day_term
from domain.data import table
from domain.places import time_zone, uf_of_municipality


class Event(StrEnum):
    """What happens to a title: by our orders, and by what the notary answers."""

    QUEUE = "queue"
    UNQUEUE = "unqueue"
    SEND = "send"
    UNSEND = "unsend"
    CONFIRM = "confirm"
    NOTIFY = "notify"
    RETURN = "return"
    PAY = "pay"
    ORDER_WITHDRAWAL = "order-withdrawal"
    WITHDRAW = "withdraw"
    SUSPEND = "suspend"
    SUSPEND_FOR_GOOD = "suspend-for-good"
    REGISTER = "register"
    ORDER_CANCELLATION = "order-cancellation"
    REFUSE_CANCELLATION = "refuse-cancellation"
    CANCEL = "cancel"


UNDUE = frozenset({"void", "dispute-upheld"})
"""Ends of a debt that never was, or was not as asked: its protest is undue."""
KEPT = "kept"
"""Outcome of a task `cancel-protest`: the creditor lets the protest stand, where he owes nobody its cancellation."""

Bearer = Literal["creditor", "debtor", "open"]
_OURS = frozenset({"withdrawing", "withdrawn", "returned", "suspended-for-good", "unqueued", "cancelling"})
_HIS = frozenset({"paid", "registered", "cancelled"})
_ANYWHERE = "*"


def after(state: str, event: Event) -> str | None:
    """The state to which an event leads, the same one where it says nothing new; None where it cannot happen."""
    return _life().get((state, event))


def states() -> frozenset[str]:
    """Every state of the machine."""
    return frozenset(state for state, _ in _life()) | frozenset(_life().values())


@cache
def withdrawable(state: str) -> bool:
    """Can the title still be asked back (Lei 9.492/1997 art. 16)?"""
    return after(state, Event.ORDER_WITHDRAWAL) is not None


def term_end(protocol: date, municipality: str, notified: date | None = None) -> date:
    """The last day of the three-day term of a title at a place (IBGE code).

    It runs from the protocol (Lei 9.492/1997 art. 12), in some states from the notification (`term_start.csv`); there
    the term from the protocol is the earliest possible until the notification is known. Who is notified on the last
    day or later has the next notary day to pay (art. 13).
    """
    last = three_day_term(protocol, municipality)
    if notified is None:
        return last
    if _of_place("cra/term_start", municipality)["starts"] == "notification":
        return three_day_term(notified, municipality)
    return last if notified < last else add_notary_days(notified, 1, municipality)


def decide_by(last: date, municipality: str) -> datetime:
    """The moment, aware, until which a person can decide so that a withdrawal still leaves before the cut-off hour of
    the notary on the last day of the term (`hours.csv`)."""
    return _moment(last, municipality, "decide")


def cut_off(last: date, municipality: str) -> datetime:
    """The moment, aware, after which the notary takes no withdrawal on that day (`hours.csv`)."""
    return _moment(last, municipality, "cut_off")


def borne_by(state: str, by_our_order: bool = False) -> Bearer:
    """Who bears the notary's costs of a title that stands so.

    The creditor, where he takes it back, orders the cancellation, or the title was bad (Lei 9.492/1997 art. 16; CNN,
    Provimento CNJ 149/2023); the debtor, where he pays at the notary or has the protest cancelled himself (art. 19).
    `by_our_order`: it is the creditor who ordered the cancellation.
    """
    if by_our_order or state in _OURS:
        return "creditor"
    return "debtor" if state in _HIS else "open"


def _moment(day: date, municipality: str, column: str) -> datetime:
    hour = time.fromisoformat(_of_place("cra/hours", municipality)[column])
    return datetime.combine(day, hour, time_zone(uf_of_municipality(municipality) or "DF"))


def _of_place(name: str, municipality: str) -> dict[str, str]:
    """The row of a municipality, or of its state, or the default."""
    rows = _places(name)
    for place in (municipality, uf_of_municipality(municipality) or "", _ANYWHERE):
        if place in rows:
            return rows[place]
    raise AssertionError(f"{name} has no default row")


@cache
def _places(name: str) -> dict[str, dict[str, str]]:
    return {row["place"]: row for row in table(name)}


@cache
def _life() -> dict[tuple[str, str], str]:
    return {(row["state"], Event(row["event"])): row["next"] for row in table("cra/life")}

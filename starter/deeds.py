"""What each staff action says to a case: from a filled-in form to the fact, and the rows that stand beside it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, cast, get_args
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, insert

from activities.money import pay_by_hand, payment_key
from db.rows import CONTACT, CONTACT_CASE, NOTE
from domain import facts as f
from domain.case import LEVELS
from domain.errors import BadInput, Refused
from domain.matching import STAFF
from domain.money import ZERO
from starter.actions import Deed
from starter.forms import Form

HOLDS = tuple(hold for hold in get_args(f.Hold) if hold != "vanished")
REDUCTIONS = ("rebate", "return", "withholding")
SPOKEN = ("call", "whatsapp", "email", "sms", "visit")
"""Channels of a logged contact that count in the debtor's caps."""
LETTER_OUTCOMES = (*LEVELS, "returned", "refused", "unknown-address", "absent")
"""What becomes of a letter: a level of proof, or why it came back."""

Author = tuple[str, datetime]
"""Who acts, and when (business time)."""
Make = Callable[[Form, Author], Deed]


def pay(also: bool = False) -> Make:
    """Money for a case; its reference counts once, whoever reports it. `also`: it is not what stands there already."""

    def make(form: Form, by: Author) -> Deed:
        fact = f.PaymentReceived(form.text("referencia"), form.money("valor"), form.past_day("data"), STAFF)
        if fact.amount <= ZERO:
            raise BadInput("valor: a payment must be more than zero")

        def row(conn: Connection, case: Row[Any]) -> None:
            pay_by_hand(conn, case, fact, by[1], also=also)

        return Deed(fact, row, lambda case: payment_key(case.creditor_id, fact.reference))

    return make


def reverse(form: Form, _by: Author) -> Deed:
    """A payment that came back."""
    return Deed(f.PaymentReversed(form.text("referencia"), form.past_day("data")))


def promise(form: Form, _by: Author) -> Deed:
    """The debtor pays on that day; without an amount, everything."""
    amount = form.money("valor") if form.has("valor") else None
    return Deed(f.PromiseMade(str(uuid4()), form.day("data"), amount))


def dispute(form: Form, by: Author) -> Deed:
    """The debtor denies the debt or its amount."""
    note_id, beside = _reason(form, by, required=False)
    return Deed(f.DisputeOpened(note_id or str(uuid4())), beside)


def resolve(form: Form, _by: Author) -> Deed:
    """A person decided the dispute."""
    return Deed(f.DisputeResolved(form.text("decisao", "upheld", "rejected") == "upheld"))


def pause(form: Form, _by: Author) -> Deed:
    """The ladder rests up to and including a day."""
    until = form.day("ate")
    if until < form.today:
        raise Refused("past-day", f"a pause must reach today or later; {until:%d/%m/%Y} is past")
    return Deed(f.Paused(form.today, until))


def resume(_form: Form, _by: Author) -> Deed:
    """A pause ends before its day."""
    return Deed(f.Resumed())


def hold(form: Form, _by: Author) -> Deed:
    """Something in the world forbids going on."""
    return Deed(f.HoldSet(cast(f.Hold, form.text("tipo", *HOLDS))))


def lift(form: Form, _by: Author) -> Deed:
    """The reason of a hold is gone."""
    return Deed(f.HoldLifted(cast(f.Hold, form.text("tipo", *get_args(f.Hold)))))


def extend(form: Form, _by: Author) -> Deed:
    """A new due date."""
    return Deed(f.Extended(form.day("data"), "staff"))


def adjust(form: Form, _by: Author) -> Deed:
    """The debt became smaller."""
    how: Any = form.text("tipo", *REDUCTIONS)
    return Deed(f.Adjusted(form.money("valor"), how, form.past_day("data"), "staff"))


def void(form: Form, by: Author) -> Deed:
    """The debt never was, or is no more."""
    note_id, beside = _reason(form, by)
    return Deed(f.Voided(f"note:{note_id}"), beside)


def write_off(form: Form, by: Author) -> Deed:
    """The creditor gives the debt up."""
    note_id, beside = _reason(form, by)
    return Deed(f.WrittenOff(f"note:{note_id}"), beside)


def withdraw(form: Form, by: Author) -> Deed:
    """The title is wanted back from the notary."""
    note_id, beside = _reason(form, by)
    return Deed(f.WithdrawalAsked(f"note:{note_id}"), beside)


def migrate(policy_hash: str) -> Make:
    """The case moves to another ladder, which is pinned already."""

    def make(form: Form, by: Author) -> Deed:
        note_id, beside = _reason(form, by)
        return Deed(f.PolicyMigrated(policy_hash, f"note:{note_id}"), beside)

    return make


def note(form: Form, by: Author) -> Deed:
    """Free text about a case, in a row that can be erased."""
    note_id = uuid4()
    return Deed(f.NoteAdded(str(note_id)), _note(note_id, form.text("texto"), by))


def log(form: Form, by: Author) -> Deed:
    """A contact that a person made, or news of a letter. What reached the debtor's ear counts in his caps."""
    channel = form.text("canal", *SPOKEN, "letter")
    outcome = form.text("resultado", *LETTER_OUTCOMES) if channel == "letter" else form.code("resultado")
    fact = f.ContactLogged(channel, outcome, form.values.get("passo", ""), form.past_day("data"))
    return Deed(fact) if channel == "letter" else Deed(fact, _contact(fact, by[1]))


def _contact(fact: f.ContactLogged, now: datetime) -> Callable[[Connection, Row[Any]], None]:
    contact_id = uuid4()

    def beside(conn: Connection, case: Row[Any]) -> None:
        conn.execute(
            insert(CONTACT).values(
                id=contact_id, creditor_id=case.creditor_id, debtor_id=case.debtor_id, channel=fact.channel,
                purpose="logged", text_id=fact.outcome, subject="", body="", content_hmac="", short_ref="",
                counts=True, state="delivered", provider_id="", segments=0, planned_at=now, settled_at=now,
            )
        )  # fmt: skip
        link = {"contact_id": contact_id, "case_id": case.id, "step": f"log:{contact_id}", "attempt": 1, "lead": True}
        conn.execute(insert(CONTACT_CASE).values(**link))

    return beside


def _reason(form: Form, by: Author, *, required: bool = True) -> tuple[str, Callable[[Connection, Row[Any]], None]]:
    """The reason goes into a note, because it may name people; the fact carries the note's id."""
    if not required and not form.has("motivo"):
        return "", lambda _conn, _case: None
    note_id = uuid4()
    return str(note_id), _note(note_id, form.text("motivo"), by)


def _note(note_id: UUID, text: str, by: Author) -> Callable[[Connection, Row[Any]], None]:
    author, now = by

    def beside(conn: Connection, case: Row[Any]) -> None:
        conn.execute(insert(NOTE).values(id=note_id, case_id=case.id, author=author, text=text, written_at=now))

    return beside

"""What each staff action says to a case: from a filled-in form to the fact, and the rows that stand beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast, get_args
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, insert, select

from activities.desk import fact_id
from activities.money import pay_by_hand, payment_key
from db.rows import CONTACT, CONTACT_CASE, FACT, NOTE, PAYMENT
from domain import facts as f
from domain.calendars import next_bank_day
from domain.case import LEVELS, load
from domain.eligibility import nfe_means
from domain.errors import BadInput, Refused
from domain.matching import STAFF
from domain.money import ZERO
from domain.notice import OUTCOMES
from domain.policy import Policy
from domain.schedule import move
from gateways.documents import DocumentStore
from starter.actions import Deed
from starter.evidence import document_values, keep, read_file
from starter.forms import Form

HOLDS = tuple(hold for hold in get_args(f.Hold) if hold != "vanished")
PROVED = {
    "court": "the court's order", "insolvency": "the court's decision", "death": "the certificate",
    "over-indebted": "the debtor's request or the court's decision",
}  # fmt: skip
"""Holds that rest on a paper, and which: without it nobody can say later why the creditor stood still."""
REDUCTIONS = ("rebate", "return", "credit-note", "withholding")
HOWS = ("staff", "reply", "link", "phone")
"""How a debtor's word reached us."""
SPOKEN = ("call", "whatsapp", "email", "sms", "visit")
"""Channels of a logged contact that count in the debtor's caps."""
CALL_OUTCOMES = {
    "reached": "falou com o devedor", "promised": "prometeu pagar num dia: registre com regua promise",
    "will-pay": "vai pagar, sem dia certo",
    "paid": "diz que já pagou: registre com regua claim", "dispute": "contesta: registre com regua dispute",
    "negotiates": "quer combinar parcelas: registre com regua plan",
    "call-back": "pediu que se ligue em outra hora: registre com regua contact prefer",
    "no-more": "não quer mais contato: registre com regua opt-out",
    "wrong-person": "o número é de outra pessoa: registre com regua contact invalid",
    "left-word": "outra pessoa atendeu; o assunto não foi dito", "no-answer": "ninguém atendeu", "busy": "ocupado",
    "voicemail": "caixa postal; nenhum recado foi deixado",
}  # fmt: skip
"""What becomes of a call that a person makes, and what has to be said to the case beside it."""
UNANSWERED = frozenset({"no-answer", "busy", "voicemail"})
"""Outcomes of a call that nobody heard. They count in the caps all the same: the telephone rang."""
LETTER_OUTCOMES = tuple(dict.fromkeys((*LEVELS, *(code for code in OUTCOMES if code != "unread"))))
"""What becomes of a letter: a level of proof, or why it came back."""


@dataclass(frozen=True)
class Author:
    """Who acts, when (business time, aware), on which case, and where documents are kept.

    `ladder` reads the policy that the case is pinned to.
    """

    staff: str
    now: datetime
    case: Row[Any]
    ladder: Callable[[], Policy]
    store: DocumentStore


Make = Callable[[Form, Author], Deed]
Beside = Callable[[Connection, Row[Any]], None]


# --- money -----------------------------------------------------------------------------------------------------------
def pay(also: bool = False) -> Make:
    """Money for a case; its reference counts once, whoever reports it. `also`: it is not what stands there already."""

    def make(form: Form, by: Author) -> Deed:
        fact = f.PaymentReceived(form.text("referencia"), form.money("valor"), form.past_day("data"), STAFF)
        if fact.amount <= ZERO:
            raise BadInput("valor: a payment must be more than zero")

        def row(conn: Connection, case: Row[Any]) -> None:
            pay_by_hand(conn, case, fact, by.now, also=also)

        return Deed(fact, row, lambda case: payment_key(case.creditor_id, fact.reference))

    return make


def reverse(form: Form, _by: Author) -> Deed:
    """A payment that came back."""
    return Deed(f.PaymentReversed(form.text("referencia"), form.past_day("data")))


def clearing(form: Form, _by: Author) -> Deed:
    """Money on its way between banks; it counts when it arrives under the same reference, whoever reports it."""
    fact = f.PaymentInClearing(form.text("referencia"), _more_than_zero(form), form.day("esperado"), STAFF)
    if fact.expected_on < form.today:
        raise Refused(
            "past-day", f"esperado: {fact.expected_on:%d/%m/%Y} is past; what has arrived is told with `regua pay`"
        )

    def key(case: Row[Any]) -> str:
        return f"clearing:{case.creditor_id}:{fact.reference}"

    def fresh(conn: Connection, case: Row[Any]) -> None:
        mine = (PAYMENT.c.creditor_id == case.creditor_id) & (PAYMENT.c.reference == fact.reference)
        if conn.execute(select(PAYMENT.c.id).where(mine)).one_or_none():
            raise Refused("already-counted", "money with this reference has arrived already; it is in clearing no more")
        if conn.execute(select(FACT.c.id).where(FACT.c.id == fact_id(key(case)))).one_or_none():
            raise Refused("already-known", "this payment is known to be on its way; it counts once, when it arrives")

    return Deed(fact, fresh, key)


def claim(form: Form, by: Author) -> Deed:
    """ "I already paid": the ladder rests for a while, and a person looks for the money."""
    _, said = reason_of(form, by, required=False)
    _, proof = _document(form, by, "payment-proof")
    return Deed(f.PaymentClaimed(str(uuid4()), _how(form)), _both(said, proof))


def boleto_withdrawn(_form: Form, _by: Author) -> Deed:
    """The bank no longer lets the invoice's boleto be paid."""

    def has_one(_conn: Connection, case: Row[Any]) -> None:
        folded = load(case.state)
        if not folded.terms.boleto:
            raise Refused("no-boleto", "this invoice brought no boleto; there is none that a bank could withdraw")
        if folded.boleto_withdrawn:
            raise Refused("already-withdrawn", "the boleto of this case is withdrawn already; nothing is left to do")

    return Deed(f.BoletoWithdrawn("staff"), has_one)


# --- what the debtor says --------------------------------------------------------------------------------------------
def promise(form: Form, _by: Author) -> Deed:
    """The debtor pays on that day; without an amount, everything."""
    amount = form.money("valor") if form.has("valor") else None
    return Deed(f.PromiseMade(str(uuid4()), form.day("data"), amount, _how(form)))


def dispute(form: Form, by: Author) -> Deed:
    """The debtor denies the debt or a part of it, or says at last why he does.

    Where he has not said why, he has until a day: the one given, or that of the case's ladder (`dispute.explain`).
    """
    explained = form.has("explicada") and form.yes("explicada")
    note_id, beside = reason_of(form, by, required=explained)
    folded = load(by.case.state)
    if explained and folded.dispute and folded.explain_by:
        return Deed(f.DisputeExplained(folded.dispute), beside)
    part = _more_than_zero(form) if form.has("valor") else None
    until = None if explained else _explain_by(form, by)
    return Deed(f.DisputeOpened(note_id or str(uuid4()), part, until, _how(form)), beside)


def _explain_by(form: Form, by: Author) -> date:
    if not form.has("explicar_ate"):
        return next_bank_day(move(form.today, by.ladder().dispute.explain))
    return _not_past(form, "explicar_ate")


def resolve(form: Form, by: Author) -> Deed:
    """A person decided the dispute."""
    upheld = form.text("decisao", "upheld", "rejected") == "upheld"
    return Deed(f.DisputeResolved(upheld), reason_of(form, by, required=False)[1])


# --- holds -----------------------------------------------------------------------------------------------------------
def pause(form: Form, _by: Author) -> Deed:
    """The ladder rests up to and including a day."""
    until = form.day("ate")
    if until < form.today:
        raise Refused("past-day", f"a pause must reach today or later; {until:%d/%m/%Y} is past")
    return Deed(f.Paused(form.today, until))


def resume(_form: Form, _by: Author) -> Deed:
    """A pause ends before its day."""
    return Deed(f.Resumed())


def hold(form: Form, by: Author) -> Deed:
    """Something in the world forbids going on, until a day or for as long as it lasts."""
    kind = form.text("tipo", *HOLDS)
    until = _not_past(form, "ate") if form.has("ate") else None
    if kind in PROVED and not form.has("documento"):
        raise Refused("no-document", f"a hold for {kind} rests on a paper; give {PROVED[kind]} with --document FILE")
    document_id, paper = _document(form, by, f"hold-{kind}")
    _, said = reason_of(form, by, required=not document_id)
    return Deed(f.HoldSet(cast(f.Hold, kind), until, document_id), _both(paper, said))


def lift(form: Form, by: Author) -> Deed:
    """The reason of a hold is gone."""
    kind = cast(f.Hold, form.text("tipo", *get_args(f.Hold)))
    return Deed(f.HoldLifted(kind), reason_of(form, by, required=False)[1])


def override_limitation(form: Form, by: Author) -> Deed:
    """A lawyer answers for a protest after the executive term; the desk asks whether he is one."""
    note_id, beside = reason_of(form, by)
    return Deed(f.LimitationOverridden(note_id), beside)


# --- changes of the debt ---------------------------------------------------------------------------------------------
def extend(form: Form, by: Author) -> Deed:
    """A new due date."""
    document_id, paper = _document(form, by, "extension")
    _, said = reason_of(form, by, required=False)
    return Deed(f.Extended(form.day("data"), "staff", document_id), _both(paper, said))


def adjust(form: Form, by: Author) -> Deed:
    """The debt became smaller."""
    how: Any = form.text("tipo", *REDUCTIONS)
    document_id, paper = _document(form, by, how)
    _, said = reason_of(form, by, required=False)
    fact = f.Adjusted(_more_than_zero(form), how, form.past_day("data"), "staff", document_id)
    return Deed(fact, _both(paper, said))


def void(form: Form, by: Author) -> Deed:
    """The debt never was, or is no more."""
    note_id, beside = reason_of(form, by)
    return Deed(f.Voided(f"note:{note_id}"), beside)


def write_off(form: Form, by: Author) -> Deed:
    """The creditor gives the debt up."""
    note_id, beside = reason_of(form, by)
    return Deed(f.WrittenOff(f"note:{note_id}"), beside)


def migrate(policy_hash: str) -> Make:
    """The case moves to another ladder, which is pinned already."""

    def make(form: Form, by: Author) -> Deed:
        note_id, beside = reason_of(form, by)
        return Deed(f.PolicyMigrated(policy_hash, f"note:{note_id}"), beside)

    return make


# --- may the title go? -----------------------------------------------------------------------------------------------
def bank_order(form: Form, _by: Author) -> Deed:
    """The bank holds an instruction of its own, or confirmed that it is gone."""
    kind = cast(f.BankOrderKind, form.text("tipo", *get_args(f.BankOrderKind)))
    return Deed(f.BankOrder(kind, not form.yes("baixada"), "staff"))


def portfolio(form: Form, _by: Author) -> Deed:
    """Whose the title is."""
    return Deed(f.PortfolioChanged(cast(f.Portfolio, form.text("tipo", *get_args(f.Portfolio))), "staff"))


def nfe_event(form: Form, _by: Author) -> Deed:
    """An event of the electronic invoice. Raises `BadInput` for a code that the table does not know."""
    event = form.text("evento")
    if not nfe_means(event):
        raise BadInput(f"evento {event!r}: this version knows 110111, 110112, 210200, 210210, 210220 and 210240")
    return Deed(f.InvoiceEvent(event, "staff"))


# --- words -----------------------------------------------------------------------------------------------------------
def note(form: Form, by: Author) -> Deed:
    """Free text about a case, in a row that can be erased."""
    note_id = uuid4()
    return Deed(f.NoteAdded(str(note_id)), _note(note_id, form.text("texto"), by))


def log(form: Form, by: Author) -> Deed:
    """A contact that a person made, or news of a letter. What reached the debtor's ear counts in his caps."""
    channel = form.text("canal", *SPOKEN, "letter")
    known = {"letter": LETTER_OUTCOMES, "call": tuple(CALL_OUTCOMES)}.get(channel)
    outcome = form.text("resultado", *known) if known else form.code("resultado")
    way, party = form.values.get("via", ""), form.values.get("parte", "")
    fact = f.ContactLogged(channel, outcome, form.values.get("passo", ""), form.past_day("data"), way, party)
    return Deed(fact) if channel == "letter" else Deed(fact, _contact(fact, by.now))


def _state(fact: f.ContactLogged) -> str:
    return "unanswered" if fact.channel == "call" and fact.outcome in UNANSWERED else "delivered"


def _contact(fact: f.ContactLogged, now: datetime) -> Beside:
    contact_id = uuid4()

    def beside(conn: Connection, case: Row[Any]) -> None:
        conn.execute(
            insert(CONTACT).values(
                id=contact_id, creditor_id=case.creditor_id, debtor_id=case.debtor_id, channel=fact.channel,
                purpose="logged", text_id=fact.outcome, subject="", body="", content_hmac="", short_ref="",
                counts=True, state=_state(fact), provider_id="", segments=0, planned_at=now, settled_at=now,
            )
        )  # fmt: skip
        link = {"contact_id": contact_id, "case_id": case.id, "step": f"log:{contact_id}", "attempt": 1, "lead": True}
        conn.execute(insert(CONTACT_CASE).values(**link))

    return beside


# --- what forms have in common ---------------------------------------------------------------------------------------
def _how(form: Form) -> f.How:
    return cast(f.How, form.text("como", *HOWS)) if form.has("como") else "staff"


def _more_than_zero(form: Form) -> Decimal:
    amount = form.money("valor")
    if amount <= ZERO:
        raise BadInput("valor: it is zero; write what it is about in reais, like 1.234,56")
    return amount


def _not_past(form: Form, name: str) -> date:
    day = form.day(name)
    if day < form.today:
        raise Refused("past-day", f"{name}: {day:%d/%m/%Y} is past; name today, {form.today:%d/%m/%Y}, or a later day")
    return day


def reason_of(form: Form, by: Author, *, required: bool = True) -> tuple[str, Beside]:
    """The reason goes into a note, because it may name people; the fact carries the note's id."""
    if not required and not form.has("motivo"):
        return "", _nothing
    note_id = uuid4()
    return str(note_id), _note(note_id, form.text("motivo"), by)


def _note(note_id: UUID, text: str, by: Author) -> Beside:
    def beside(conn: Connection, case: Row[Any]) -> None:
        row = {"id": note_id, "case_id": case.id, "author": by.staff, "text": text, "written_at": by.now}
        conn.execute(insert(NOTE).values(row))

    return beside


def _document(form: Form, by: Author, kind: str) -> tuple[str, Beside]:
    """The file is stored with the case; the fact carries the document's id. Without a file, "" and nothing."""
    if not form.has("documento"):
        return "", _nothing
    file = Path(form.text("documento"))
    content = read_file(file)
    row = document_values(by.case.id, kind, file.name, content, by.now)
    return str(row["id"]), lambda conn, _case: keep(conn, by.store, row, content)


def _both(*besides: Beside) -> Beside:
    def all_of_them(conn: Connection, case: Row[Any]) -> None:
        for beside in besides:
            beside(conn, case)

    return all_of_them


def _nothing(_conn: Connection, _case: Row[Any]) -> None:
    """Nothing stands beside this fact."""

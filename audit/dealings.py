"""The ledger against what was dealt with the debtor: promises, plans, payment codes, and what he wrote himself.

Each row was written by the transaction of its entry, or before it by another hand; the two must tell the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid5

from sqlalchemy import Row

from activities.saying import PROPOSAL
from audit.book import Book
from audit.findings import Finding
from domain import facts as f
from domain.ledger import keyed
from domain.rules.firm import is_paid

_PAID_BY_CODE = "paid"
_VOICE = "voice"


# --- promises --------------------------------------------------------------------------------------------------------
def promises(book: Book) -> Iterator[Finding]:
    """Each promise of the ledger against its row, and what became of it."""
    told: dict[str, tuple[Row[Any], str]] = {}
    for entry in book.ledger:
        _follow_promise(book, told, entry)
    for promise_id, (entry, state) in told.items():
        row = book.promises.get(promise_id)
        fact = f.from_json(entry.body)
        if row is None or not isinstance(fact, f.PromiseMade) or (row.on, row.amount) != (fact.on, fact.amount):
            yield book.finding("promise", f"a promessa {promise_id} não está guardada como o livro a diz", entry.seq)
        elif row.state != state:
            text = f"a promessa {promise_id} está {state} no livro e {row.state} na linha"
            yield book.finding("promise", text, entry.seq)
    for promise_id in book.promises.keys() - told.keys():
        yield book.finding("promise", f"a promessa {promise_id} não está no livro")


def _follow_promise(book: Book, told: dict[str, tuple[Row[Any], str]], entry: Row[Any]) -> None:
    """What an entry makes of promises, as `activities.effects` does it to their rows."""
    ends = {"promise": "replaced", "plan": "replaced", "promise_kept": "kept", "promise_broken": "broken"}
    if entry.kind == "closed":
        ends["closed"] = "kept" if is_paid(entry.body["outcome"]) else "void"
    if entry.kind in ends:
        told |= {key: (made, ends[entry.kind]) for key, (made, state) in told.items() if state == "open"}
    if entry.kind == "promise":
        told[str(uuid5(book.id, f"promise:{entry.cause}"))] = (entry, "open")


# --- plans -----------------------------------------------------------------------------------------------------------
def plans(book: Book) -> Iterator[Finding]:
    """Each plan of the ledger against its row: its instalments, the text that was accepted, what became of it."""
    documents = {str(row.id): row for row in book.documents}
    for entry in book.of_kind("plan_offered", "plan"):
        row = book.plans.get(entry.body["plan_id"])
        if row is None:
            yield book.finding("plan", f"o acordo {entry.body['plan_id']} não está guardado", entry.seq)
            continue
        fact, terms = f.from_json(entry.body), PROPOSAL.validate_python(row.terms)
        if isinstance(fact, f.PlanOffered) and fact.until != terms.valid_until:
            text = f"o acordo {row.id} valia até {fact.until} no livro e até {terms.valid_until} na linha"
            yield book.finding("plan", text, entry.seq)
        if isinstance(fact, f.PlanAgreed):
            yield from (book.finding("plan", text, entry.seq) for text in _agreed(fact, row, documents))
    yield from _plan_states(book)


def _agreed(fact: f.PlanAgreed, row: Row[Any], documents: dict[str, Row[Any]]) -> Iterator[str]:
    terms = PROPOSAL.validate_python(row.terms)
    if (fact.instalments, fact.financing) != (terms.instalments, terms.financing):
        yield f"as parcelas do acordo {row.id} não são as que o livro diz aceitas"
    if row.total != sum(part.amount for part in fact.instalments):
        yield f"o total do acordo {row.id} é {row.total}; a soma das parcelas aceitas é outra"
    if fact.text_hash and row.text_hash != fact.text_hash:
        yield f"o texto guardado do acordo {row.id} não é o que foi aceito (SHA-256)"
    if fact.document_id and fact.document_id not in documents:
        yield f"o instrumento do acordo {row.id} não está entre os documentos do caso"
    if fact.how and row.accepted_how != fact.how:
        yield f"o acordo {row.id} foi aceito por {fact.how} no livro e por {row.accepted_how} na linha"


def _plan_states(book: Book) -> Iterator[Finding]:
    """How far each plan came; offers that a message of the ladder made have no entry until they are accepted."""
    stands: dict[str, tuple[int, str]] = {}
    for entry in book.ledger:
        _move_on(stands, entry)
    waiting = any(row.acknowledged_at is None for row in book.facts.values())
    for plan_id, row in book.plans.items():
        seq, state = stands.get(plan_id, (None, "offered"))
        known = (state,) if plan_id in stands else ("offered", "void")
        if row.state not in known and not waiting:
            text = f"o acordo {plan_id} está {state} no livro e {row.state} na linha"
            yield book.finding("plan", text, seq)


_BECOMES = {"plan_broken": "broken", "plan_ended": "ended", "plan_completed": "completed"}


def _move_on(stands: dict[str, tuple[int, str]], entry: Row[Any]) -> None:
    """What an entry makes of plans, as `activities.effects` does it to their rows."""
    if entry.kind == "plan_offered":
        stands[entry.body["plan_id"]] = (entry.seq, "offered")
    elif entry.kind == "plan":
        stands |= {other: (entry.seq, "void") for other, (_, state) in stands.items() if state == "offered"}
        stands[entry.body["plan_id"]] = (entry.seq, "agreed")
    elif entry.kind in _BECOMES:
        stands[entry.body["plan_id"]] = (entry.seq, _BECOMES[entry.kind])
    elif entry.kind == "closed":
        kept = {"agreed": "completed" if is_paid(entry.body["outcome"]) else "void", "offered": "void"}
        stands |= {plan: (entry.seq, kept[state]) for plan, (_, state) in stands.items() if state in kept}


# --- payment codes ---------------------------------------------------------------------------------------------------
def codes(book: Book) -> Iterator[Finding]:
    """Each payment that came by a code of ours against the code, and each code that was paid against the ledger."""
    counted = {entry.body["reference"]: entry for entry in book.of_kind("payment")}
    paid: set[str] = set()
    for reference, entry in counted.items():
        row = book.payments.get(reference)
        code = book.codes.get(row.txid) if row is not None and row.txid else None
        if code is None:
            continue
        paid.add(code.txid)
        if code.state != _PAID_BY_CODE:
            text = f"o código {code.txid} foi pago segundo o livro; a linha o dá por {code.state}"
            yield book.finding("code", text, entry.seq)
        quoted = entry.body.get("quoted_on")
        if quoted and quoted != code.quoted_on.isoformat():
            text = f"o livro conta o valor de {quoted}; o código {code.txid} é do dia {code.quoted_on}"
            yield book.finding("code", text, entry.seq)
    if any(row.acknowledged_at is None for row in book.facts.values()):
        return
    known = {row.txid for row in book.payments.values()} | paid
    for txid, code in book.codes.items():
        if code.state == _PAID_BY_CODE and txid not in known:
            yield book.finding("code", f"o código {txid} consta pago; o livro não tem o pagamento")


# --- replies ---------------------------------------------------------------------------------------------------------
def replies(book: Book) -> Iterator[Finding]:
    """Each message of the debtor in the ledger against the message as it came in; erased words are no difference."""
    calls = {str(row.id) for row in book.contacts if row.channel == _VOICE}
    for entry in book.of_kind("reply"):
        body, row = entry.body, book.replies.get(entry.body["reply_id"])
        if row is None:
            if not (body["channel"] == _VOICE and body["reply_id"] in calls):
                yield book.finding("reply", f"a mensagem {body['reply_id']} não está guardada", entry.seq)
            continue
        if (row.channel, row.meaning) != (body["channel"], body["meaning"]):
            text = f"a mensagem {row.id} não chegou pelo canal, ou não foi entendida, como diz o livro"
            yield book.finding("reply", text, entry.seq)
        if row.content_hmac != body["content"]:
            yield book.finding("reply", f"o HMAC da mensagem {row.id} não é o do livro", entry.seq)
        elif (row.subject or row.body) and _hmac(book, row) != row.content_hmac:
            yield book.finding("reply", f"o texto guardado da mensagem {row.id} não é o que chegou (HMAC)", entry.seq)


def _hmac(book: Book, row: Row[Any]) -> str:
    """As `activities.replies` made it."""
    return keyed(book.salt, f"{row.subject}\n{row.body}")

"""The ledger against every record beside it: instructions, facts, ladders, payments, notices, titles.

What was said to the debtor is compared in `audit.contacts`, what he agreed to and wrote in `audit.dealings`, what our
own people were asked and did in `audit.people`.

These rows were written by the same transactions as the ledger, or before it, by other hands. Whoever rewrites the
ledger with its hashes, or one of these rows, makes the two contradict each other; the entry is named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Row

from activities.desk import fact_id
from audit.book import Book
from audit.contacts import contacts, receipts
from audit.dealings import codes, plans, promises, replies
from audit.findings import Finding
from audit.people import approvals, tasks
from domain import facts as f

DECIDED = ("seq", "action", "step", "attempt", "not_before", "reason", "stage")
"""What a `decided` entry repeats of its instruction."""


def compare(book: Book) -> Iterator[Finding]:
    """Everything in which the ledger and the rows beside it differ."""
    for check in CHECKS:
        yield from check(book)


# --- instructions and facts ------------------------------------------------------------------------------------------
def instructions(book: Book) -> Iterator[Finding]:
    """Each decision against the instruction that its workflow was given, in order."""
    decided = book.of_kind("decided")
    for entry, row in zip(decided, book.instructions, strict=False):
        number = f"{row.generation}.{row.seq}"
        other = [name for name in DECIDED if entry.body.get(name) != row.body.get(name)]
        if other:
            told = ", ".join(f"{name} {row.body.get(name)}" for name in other)
            text = f"a decisão não é a instrução {number} dada ao caso, que diz {told}"
            yield book.finding("instruction", text, entry.seq)
            if "seq" in other:
                return
        elif entry.rules_version != row.body.get("rules_version"):
            yield book.finding("instruction", f"a versão das regras não é a da instrução {number}", entry.seq)
    missing = len(decided) - len(book.instructions)
    if missing > 0:
        entry = decided[len(book.instructions)]
        yield book.finding("instruction", "a instrução desta decisão não está guardada", entry.seq)
    elif missing < 0:
        row = book.instructions[len(decided)]
        text = f"o caso recebeu a instrução {row.generation}.{row.seq}, mas o livro não tem a decisão"
        yield book.finding("instruction", text)


def facts(book: Book) -> Iterator[Finding]:
    """Each entry that a stored fact caused against that fact; and every fact taken in must stand in the ledger."""
    entered: set[str] = set()
    for entry in book.entries:
        if not entry.cause.startswith("fact:"):
            continue
        stored = entry.cause.removeprefix("fact:")
        entered.add(stored)
        row = book.facts.get(stored)
        if row is None:
            yield book.finding("fact", f"o fato {stored} que causou o registro não está guardado", entry.seq)
        elif text := _fact_differs(entry, row):
            yield book.finding("fact", f"{text} (fato {stored})", entry.seq)
    for stored, row in book.facts.items():
        if row.acknowledged_at and stored not in entered:
            yield book.finding("fact", f"o fato {stored} ({row.kind}) foi recebido, mas não está no livro")
        if row.id != fact_id(row.source_key):
            yield book.finding("fact", f"o fato {stored} não tem o número que a sua origem ({row.source_key}) dá")


def _fact_differs(entry: Row[Any], row: Row[Any]) -> str:
    if (entry.actor, entry.business_at) != (row.actor, row.business_at):
        return "autor ou momento não são os do fato recebido"
    try:
        told = f.to_json(f.from_json(row.body))
    except ValidationError:
        return "o fato recebido não pode ser lido"
    if entry.kind != "refused":
        written = f.to_json(f.from_json(entry.body))
        other = sorted(name for name in told.keys() | written.keys() if told.get(name) != written.get(name))
        return f"o conteúdo não é o do fato recebido: {', '.join(other)}" if other else ""
    if entry.body["fact"] != row.kind or row.refusal != entry.body["code"]:
        return f"o livro recusa {entry.body['fact']} ({entry.body['code']}); o fato guarda {row.kind} ({row.refusal})"
    if entry.body.get("body") and f.to_json(f.from_json(entry.body["body"])) != told:
        return "o conteúdo recusado não é o do fato recebido"
    return ""


# --- what the case began with ----------------------------------------------------------------------------------------
def ladders(book: Book) -> Iterator[Finding]:
    """Each ladder that the case was on against the hash of its text, by which it is pinned."""
    for digest, text in book.ladders.items():
        if text is None or sha256(text.encode()).hexdigest() != digest:
            what = (
                "não está guardada" if text is None else "foi alterada: o texto não tem o SHA-256 pelo qual foi fixada"
            )
            yield book.finding("ladder", f"a régua {digest[:12]} {what}", book.on_ladder_since(digest))


def invoice(book: Book) -> Iterator[Finding]:
    """The invoice against the case as it was opened; what changed later (extended, reduced) is told by facts."""
    for entry in book.of_kind("opened"):
        told = (Decimal(entry.body["principal"]), date.fromisoformat(entry.body["due"]))
        if told != (book.invoice.amount, book.invoice.due):
            text = f"o caso foi aberto com {told[0]}, vencimento em {told[1]}; a fatura guarda {book.invoice.amount}, "
            yield book.finding("invoice", f"{text}{book.invoice.due}", entry.seq)


# --- money -----------------------------------------------------------------------------------------------------------
def payments(book: Book) -> Iterator[Finding]:
    """Each payment and reversal of the ledger against the payment's row, and the other way round."""
    counted: set[str] = set()
    back: dict[str, tuple[int, date]] = {}
    for entry in book.of_kind("payment", "reverse"):
        fact = f.from_json(entry.body)
        if isinstance(fact, f.PaymentReversed):
            back[fact.reference] = (entry.seq, fact.on)
        elif isinstance(fact, f.PaymentReceived):
            counted.add(fact.reference)
            back.pop(fact.reference, None)  # it bounced while it was in clearing, and was presented again
            yield from _payment(book, entry, fact)
    for reference, (seq, on) in back.items():
        row = book.payments.get(reference)
        if row is not None and row.reversed_on != on:
            text = f"o pagamento {reference} foi estornado em {on}; a linha guarda {row.reversed_on}"
            yield book.finding("payment", text, seq)
    told = {row.body.get("reference") for row in book.facts.values() if row.kind == "payment"}
    for reference, row in book.payments.items():
        if row.case_id != book.id:
            continue
        if reference not in counted | told:
            yield book.finding("payment", f"o pagamento {reference} de {row.amount} não está no livro")
        elif reference in counted and row.reversed_on and reference not in back and not _waiting(book, "reverse"):
            yield book.finding("payment", f"o pagamento {reference} consta estornado; o livro não o diz")


def _payment(book: Book, entry: Row[Any], fact: f.PaymentReceived) -> Iterator[Finding]:
    row = book.payments.get(fact.reference)
    if row is None:
        yield book.finding("payment", f"o pagamento {fact.reference} não está entre os pagamentos", entry.seq)
        return
    pairs: tuple[tuple[str, Any, Any], ...] = (
        ("valor", Decimal(fact.amount), row.amount), ("dia", fact.paid_on, row.paid_on), ("caso", book.id, row.case_id),
    )  # fmt: skip
    for name, told, kept in pairs:
        if told != kept:
            text = f"o pagamento {fact.reference} tem {name} {told} no livro e {kept} na linha"
            yield book.finding("payment", text, entry.seq)


def _waiting(book: Book, kind: str) -> bool:
    return any(row.kind == kind and row.acknowledged_at is None for row in book.facts.values())


# --- the firm part ---------------------------------------------------------------------------------------------------
def notices(book: Book) -> Iterator[Finding]:
    """Each notice and its proofs against its row, its document and the contacts that carried it."""
    documents = {row.id for row in book.documents}
    for entry in book.of_kind("notice_issued"):
        row = book.notices.get(entry.body["notice_id"])
        if row is None:
            yield book.finding("notice", f"a notificação {entry.body['notice_id']} não está guardada", entry.seq)
            continue
        if row.step != entry.body["step"]:
            yield book.finding("notice", f"o livro diz passo {entry.body['step']}; a linha, {row.step}", entry.seq)
        if row.issued_at != entry.business_at:
            yield book.finding("notice", f"a linha a dá por emitida em {row.issued_at.isoformat()}", entry.seq)
        if row.document_id not in documents:
            yield book.finding("notice", "o documento da notificação não está entre os do caso", entry.seq)
        carried = {contact.channel for contact in book.contacts if contact.document_id == row.document_id}
        if lacking := sorted(set(entry.body["channels"]) - carried):
            yield book.finding("notice", f"não há contato da notificação por {', '.join(lacking)}", entry.seq)
    yield from _ways(book)
    of_the_debtor = (e for e in book.of_kind("notice_proved", "notice_released") if not e.body.get("party"))
    proofs = {entry.body["notice_id"]: entry for entry in of_the_debtor}
    for notice_id, entry in proofs.items():
        yield from _proof(book, entry, book.notices.get(notice_id))


def _ways(book: Book) -> Iterator[Finding]:
    """Each way of a notice against its row: to whom it went, and whence the address came."""
    for entry in book.of_kind("notice_issued", "notice_sent_again"):
        rows = {(row.way, str(row.party_id or "")): row for row in book.carriers(entry.body["notice_id"])}
        for told in entry.body.get("sendings", ()):
            row = rows.get((told["way"], told["party"]))
            if row is None or (row.address_hmac, row.origin) != (told["address"], told["origin"]):
                yield book.finding("notice", f"o envio por {told['way']} não é o que o livro diz", entry.seq)


def _proof(book: Book, entry: Row[Any], row: Row[Any] | None) -> Iterator[Finding]:
    if row is None:
        yield book.finding("notice", f"a notificação {entry.body['notice_id']} não está guardada", entry.seq)
        return
    level = entry.body.get("level", row.proof_level)
    if (row.proof_level, row.proof_on) != (level, date.fromisoformat(entry.body["on"])):
        told = f"a prova é {level} em {entry.body['on']}; a linha guarda {row.proof_level} em {row.proof_on}"
        yield book.finding("notice", told, entry.seq)


_BECOMES = {
    "title_queued": "queued", "title_sent": "sent", "title_returned": "returned", "title_registered": "registered",
    "title_withdrawn": "withdrawn", "title_cancelled": "cancelled", "title_unqueued": "unqueued",
    "withdrawal_queued": "withdrawing",
}  # fmt: skip


def titles(book: Book) -> Iterator[Finding]:
    """Each title against its row: what was declared, and how far it came."""
    stands: dict[str, tuple[int, str]] = {}
    for entry in book.ledger:
        title_id = entry.body.get("title_id")
        if entry.kind == "title_queued":
            yield from _declared(book, entry)
        if entry.kind == "title_confirmed":
            yield from _protocol(book, entry)
        if title_id and (state := _title_state(entry, stands.get(title_id, (0, ""))[1])):
            stands[title_id] = (entry.seq, state)
    if _waiting_titles(book):
        return
    for title_id, (seq, state) in stands.items():
        row = book.titles.get(title_id)
        if row is not None and row.state not in (state, "paid"):
            yield book.finding("title", f"o título {title_id} está {state} no livro e {row.state} na linha", seq)


def _declared(book: Book, entry: Row[Any]) -> Iterator[Finding]:
    row = book.titles.get(entry.body["title_id"])
    if row is None:
        yield book.finding("title", f"o título {entry.body['title_id']} não está guardado", entry.seq)
    elif row.balance != Decimal(entry.body["balance"]):
        text = f"o saldo declarado é {entry.body['balance']} no livro e {row.balance} na linha"
        yield book.finding("title", text, entry.seq)


def _protocol(book: Book, entry: Row[Any]) -> Iterator[Finding]:
    row = book.titles.get(entry.body["title_id"])
    if row is not None and row.protocol_date and row.protocol_date.isoformat() != entry.body["protocol_date"]:
        text = f"o título foi protocolado em {entry.body['protocol_date']}; a linha diz {row.protocol_date}"
        yield book.finding("title", text, entry.seq)


def _title_state(entry: Row[Any], before: str) -> str:
    if entry.kind == "title_confirmed":
        return "confirmed" if before in ("queued", "sent") else before
    if entry.kind == "title_suspended":
        return "suspended-for-good" if entry.body["final"] else "suspended"
    return _BECOMES.get(entry.kind, "")


def _waiting_titles(book: Book) -> bool:
    """Answers of the notary change the row at once and the case when it hears of them."""
    return any(row.acknowledged_at is None and row.kind.startswith("title_") for row in book.facts.values())


CHECKS: tuple[Callable[[Book], Iterator[Finding]], ...] = (
    instructions, facts, ladders, invoice, payments, receipts, contacts, notices, titles, approvals, tasks, promises,
    plans, codes, replies,
)  # fmt: skip

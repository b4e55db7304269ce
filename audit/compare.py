"""The ledger against every record beside it: instructions, facts, receipts, contacts, payments, notices, titles.

What was dealt with the debtor (tasks, plans, payment codes, replies) is compared in `audit.dealings`.

These rows were written by the same transactions as the ledger, or before it, by other hands. Whoever rewrites the
ledger with its hashes, or one of these rows, makes the two contradict each other; the entry is named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Row

from activities.outbox import content_mac
from audit.book import Book
from audit.dealings import codes, plans, replies, tasks
from audit.findings import Finding
from domain import facts as f
from domain.dialogue import Kind
from letters.models import Message

DECIDED = ("seq", "action", "step", "attempt", "not_before", "reason", "stage")
"""What a `decided` entry repeats of its instruction."""


def compare(book: Book) -> Iterator[Finding]:
    """Everything in which the ledger and the rows beside it differ."""
    for check in CHECKS:
        yield from check(book)


def projections(book: Book) -> Iterator[Finding]:
    """Only what lists and people look at: payments, contacts, notices, titles, tasks, plans, codes, replies."""
    for check in (payments, contacts, notices, titles, tasks, plans, codes, replies):
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
        fact_id = entry.cause.removeprefix("fact:")
        entered.add(fact_id)
        row = book.facts.get(fact_id)
        if row is None:
            yield book.finding("fact", f"o fato {fact_id} que causou o registro não está guardado", entry.seq)
        elif text := _fact_differs(entry, row):
            yield book.finding("fact", f"{text} (fato {fact_id})", entry.seq)
    for fact_id, row in book.facts.items():
        if row.acknowledged_at and fact_id not in entered:
            yield book.finding("fact", f"o fato {fact_id} ({row.kind}) foi recebido, mas não está no livro")


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


def receipts(book: Book) -> Iterator[Finding]:
    """Each entry that a provider's report caused against the report as it was received."""
    known = {(row.provider, row.event_key) for row in book.receipts}
    for entry in book.entries:
        row = book.facts.get(entry.cause.removeprefix("fact:")) if entry.cause.startswith("fact:") else None
        if row is None or not row.source_key.startswith("event:"):
            continue
        provider, rest = row.source_key.removeprefix("event:").split(":", 1)
        opt_out = rest.endswith(":opt-out")  # told to all cases of the debtor, whichever the contact was about
        key = rest.removesuffix(":opt-out").removesuffix(f":{book.name}")
        if (provider, key) not in known and not opt_out:
            yield book.finding(
                "receipt", f"o recibo do provedor ({provider}) que o causou não está guardado", entry.seq
            )


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


# --- contacts --------------------------------------------------------------------------------------------------------
def contacts(book: Book) -> Iterator[Finding]:
    """What the ledger says was sent or failed against contacts and calls; and what was accepted against the ledger."""
    rows = {str(row.id): row for row in book.contacts}
    told, said = set[str](), _said(book)
    for entry in book.of_kind("contact_sent", "contact_failed"):
        row = rows.get(entry.body["contact_id"])
        told.add(entry.body["contact_id"])
        if row is None:
            text = f"o contato {entry.body['contact_id']} não está entre os contatos deste caso"
            yield book.finding("contact", text, entry.seq)
            continue
        for text in _contact_differs(entry, row):
            yield book.finding("contact", f"contato {row.id}: {text}", entry.seq)
    for row in book.contacts:
        yield from _contact_row(book, row, told)
        yield from _contact_text(book, row, said.get(str(row.id)))


def _contact_differs(entry: Row[Any], row: Row[Any]) -> Iterator[str]:
    if (entry.body["channel"], entry.body["step"]) != (row.channel, row.step):
        yield (
            f"o livro diz {entry.body['channel']}, passo {entry.body['step']}; a linha, {row.channel}, passo {row.step}"
        )
    if entry.kind == "contact_sent":
        if row.state == "in-flight":
            yield "o livro diz que foi enviado; a linha diz que ainda não tem resultado"
        if bool(entry.body.get("covered")) == row.lead:
            yield "o livro e a linha não concordam sobre qual caso enviou a mensagem"
    elif row.state not in ("failed", "bounced", "unanswered") and entry.body["code"] != Kind.WRONG_PERSON:
        yield f"o livro diz que não teve êxito; a linha diz {row.state}"


def _contact_row(book: Book, row: Row[Any], told: set[str]) -> Iterator[Finding]:
    calls = book.attempts.get(row.id, [])
    name = f"contato {row.id}"
    if row.purpose == "logged":
        return
    if row.accepted_at and not calls:
        yield book.finding("contact", f"{name}: foi aceito sem que haja chamada ao provedor")
    if row.accepted_at and calls and min(call.begun_at for call in calls) > row.accepted_at:
        yield book.finding("contact", f"{name}: foi aceito antes da primeira chamada ao provedor")
    if row.accepted_at and row.purpose != "notice" and str(row.id) not in told and not _on_its_way(book, row):
        yield book.finding("contact", f"{name}: foi aceito pelo provedor, mas o livro não tem o envio")


def _said(book: Book) -> dict[str, tuple[int, str]]:
    """What was said, as the ledger vouches for it: contact to entry and HMAC; without those of older entries."""
    return {
        contact: (entry.seq, content)
        for entry in book.of_kind("contact_sent", "notice_issued", "notice_sent_again")
        for contact, content in _contents(book, entry.body)
        if content
    }


def _contents(book: Book, body: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if "contact_id" in body:
        yield body["contact_id"], body.get("content", "")
        return
    carriers = {(row.way, str(row.party_id or "")): str(row.contact_id) for row in book.carriers(body["notice_id"])}
    for sending in body.get("sendings", ()):
        if contact := carriers.get((sending["way"], sending["party"])):
            yield contact, sending.get("content", "")


def _contact_text(book: Book, row: Row[Any], said: tuple[int, str] | None) -> Iterator[Finding]:
    """What a contact says, against its own HMAC and the one that its entry keeps (none in older ledgers)."""
    entry, content = said or (None, "")
    if said and content != row.content_hmac:
        yield book.finding("contact", f"contato {row.id}: o HMAC guardado do texto não é o do livro", entry)
    elif _is_kept(book, row, vouched=bool(said)) and _mac(book, row) != row.content_hmac:
        yield book.finding("contact", f"contato {row.id}: o texto guardado não é o que foi enviado (HMAC)", entry)


def _on_its_way(book: Book, row: Row[Any]) -> bool:
    """Is the case still to hear of it? Its activity may be between the call and its record, or a fact wait."""
    open_step = book.row.next_step == row.step and book.row.next_action == "contact"
    return open_step or any(fact.acknowledged_at is None for fact in book.facts.values())


def _is_kept(book: Book, row: Row[Any], *, vouched: bool) -> bool:
    """Can what was said be proved? Not of what was erased, nor of an e-mail from before its HTML was kept.

    The ledger vouches for contents only since then: a vouched e-mail had its HTML.
    """
    old = (row.channel, row.html) == ("email", None) and not vouched
    return bool(row.content_hmac) and not old and not book.without_texts(row)


def _mac(book: Book, row: Row[Any]) -> str:
    return content_mac(book.salt, Message(row.subject, row.body, row.html), row.document_id)


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
        if row.document_id not in documents:
            yield book.finding("notice", "o documento da notificação não está entre os do caso", entry.seq)
        carried = {contact.channel for contact in book.contacts if contact.document_id == row.document_id}
        if lacking := sorted(set(entry.body["channels"]) - carried):
            yield book.finding("notice", f"não há contato da notificação por {', '.join(lacking)}", entry.seq)
    of_the_debtor = (e for e in book.of_kind("notice_proved", "notice_released") if not e.body.get("party"))
    proofs = {entry.body["notice_id"]: entry for entry in of_the_debtor}
    for notice_id, entry in proofs.items():
        yield from _proof(book, entry, book.notices.get(notice_id))


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


def _title_state(entry: Row[Any], before: str) -> str:
    if entry.kind == "title_confirmed":
        return "confirmed" if before in ("queued", "sent") else before
    if entry.kind == "title_suspended":
        return "suspended-for-good" if entry.body["final"] else "suspended"
    return _BECOMES.get(entry.kind, "")


def _waiting_titles(book: Book) -> bool:
    """Answers of the notary change the row at once and the case when it hears of them."""
    return any(row.acknowledged_at is None and row.kind.startswith("title_") for row in book.facts.values())


def approvals(book: Book) -> Iterator[Finding]:
    """Each approval that counted against the words of people."""
    for entry in book.of_kind("approve"):
        row = book.approvals.get(entry.body["approval_id"])
        if row is None:
            yield book.finding("approval", f"a aprovação {entry.body['approval_id']} não está guardada", entry.seq)
        elif row.yes < row.needed:
            text = f"foram precisas {row.needed} pessoas e só {row.yes} disseram sim"
            yield book.finding("approval", text, entry.seq)


CHECKS: tuple[Callable[[Book], Iterator[Finding]], ...] = (
    instructions, facts, receipts, payments, contacts, notices, titles, approvals, tasks, plans, codes, replies,
)  # fmt: skip

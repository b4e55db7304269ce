"""The ledger against what was said to the debtor: contacts, their texts and calls, and what providers reported."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy import Row

from activities.delivery import RANK, READS, meaning, message_id
from activities.outbox import content_mac
from audit.book import Book
from audit.findings import Finding
from domain import facts as f
from domain.dialogue import Kind
from letters.models import Message

_SKEW = timedelta(minutes=5)
"""Real time by which the clocks of two machines may differ."""
_REPORTED = frozenset({"email", "sms", "whatsapp", "voice"})
"""Channels whose providers report what became of a message; of letters and logged calls people tell it."""
_SURELY_NOT_SENT = frozenset({"not-sent", "bad-address", "opted-out", "refused", "withdrawn"})
_ABOUT_ANOTHER = frozenset({"reply", "recording"})
"""Events that bear the provider's id of something else than the message."""


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
        for text in (*_entry_differs(entry, row), *_moment_differs(book, entry, row)):
            yield book.finding("contact", f"contato {row.id}: {text}", entry.seq)
    for row in book.contacts:
        for text in (*_calls_differ(book, row, told), *_reports_differ(book, row)):
            yield book.finding("contact", f"contato {row.id}: {text}")
        yield from _text(book, row, said.get(str(row.id)))


def _entry_differs(entry: Row[Any], row: Row[Any]) -> Iterator[str]:
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


def _moment_differs(book: Book, entry: Row[Any], row: Row[Any]) -> Iterator[str]:
    """A message is written after its step was ordered and before its outcome stands in the book."""
    if entry.kind != "contact_sent" or not row.lead:
        return
    ordered = book.ordered.get((row.step, row.attempt))
    if row.planned_at > entry.business_at or (ordered and row.planned_at < ordered):
        at = row.planned_at.isoformat()
        yield f"foi escrito em {at}, segundo a linha; o livro o manda ou o dá por enviado em outra hora"
    if row.accepted_at and row.accepted_at > entry.recorded_at + _SKEW:
        yield "a linha o dá por aceito depois de o livro o dizer"


def _calls_differ(book: Book, row: Row[Any], told: set[str]) -> Iterator[str]:
    if row.debtor_id != book.row.debtor_id:
        yield "é de outro devedor"
    if row.purpose == "logged":
        return
    calls = book.attempts.get(row.id, [])
    if not calls:
        yield "consta sem que haja chamada ao provedor"
    elif row.accepted_at and min(call.begun_at for call in calls) > row.accepted_at:
        yield "foi aceito antes da primeira chamada ao provedor"
    elif row.accepted_at and all(call.outcome in _SURELY_NOT_SENT for call in calls):
        yield "foi aceito, mas nenhuma chamada ao provedor teve êxito"
    if row.accepted_at and row.purpose != "notice" and str(row.id) not in told and not _on_its_way(book, row):
        yield "foi aceito pelo provedor, mas o livro não tem o envio"


def _on_its_way(book: Book, row: Row[Any]) -> bool:
    """Is the case still to hear of it? Its activity may be between the call and its record, or a fact wait."""
    open_step = book.row.next_step == row.step and book.row.next_action == "contact"
    return open_step or any(fact.acknowledged_at is None for fact in book.facts.values())


# --- what was said ---------------------------------------------------------------------------------------------------
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


def _text(book: Book, row: Row[Any], said: tuple[int, str] | None) -> Iterator[Finding]:
    """What a contact says, against its own HMAC and the one that its entry keeps (none in older ledgers)."""
    entry, content = said or (None, "")
    if said and content != row.content_hmac:
        yield book.finding("contact", f"contato {row.id}: o HMAC guardado do texto não é o do livro", entry)
    elif _is_kept(book, row, vouched=bool(said)) and _mac(book, row) != row.content_hmac:
        yield book.finding("contact", f"contato {row.id}: o texto guardado não é o que foi enviado (HMAC)", entry)


def _is_kept(book: Book, row: Row[Any], *, vouched: bool) -> bool:
    """Can what was said be proved? Not of what was erased, nor of an e-mail from before its HTML was kept.

    The ledger vouches for contents only since then: a vouched e-mail had its HTML.
    """
    old = (row.channel, row.html) == ("email", None) and not vouched
    return bool(row.content_hmac) and not old and not book.without_texts(row)


def _mac(book: Book, row: Row[Any]) -> str:
    return content_mac(book.salt, Message(row.subject, row.body, row.html), row.document_id)


# --- what providers reported -----------------------------------------------------------------------------------------
def _reports_differ(book: Book, row: Row[Any]) -> Iterator[str]:
    """How far a contact came against the reports on it, and whether they are about this message."""
    if row.channel not in _REPORTED or row.purpose == "logged":
        return
    reports = [event for event in book.receipts if event.contact_id == row.id]
    states = {meaning(event.event, event.code).state for event in reports}
    applied = {meaning(event.event, event.code).state for event in reports if event.taken_at}
    if row.state in ("delivered", "bounced", "unanswered") and row.state not in states:
        yield f"a linha diz {row.state}; nenhum recibo do provedor o diz"
    elif row.state in RANK and (more := [state for state in applied if RANK[state] > RANK[row.state]]):
        yield f"a linha diz {row.state}; um recibo do provedor diz {more[0]}"
    ids = {message_id(event.body) for event in reports if event.event not in _ABOUT_ANOTHER} - {""}
    sent_once = (
        len(book.attempts.get(row.id, [])) == 1
    )  # of a try of unknown fate the provider may report under its own id
    if sent_once and ids and row.provider_id and row.provider_id not in ids:
        yield f"o número no provedor ({row.provider_id}) não é o dos recibos"


def receipts(book: Book) -> Iterator[Finding]:
    """Each fact that a provider's report caused against the report as it was received."""
    entries = {entry.cause.removeprefix("fact:"): entry.seq for entry in book.entries}
    for fact_id, row in book.facts.items():
        if text := _report_of(book, row):
            yield book.finding("receipt", text, entries.get(fact_id))


def _report_of(book: Book, row: Row[Any]) -> str:
    """What is wrong with the report behind a stored fact; empty where nothing is, or none is."""
    source, _, rest = row.source_key.partition(":")
    if source == "read":
        reads = (event for event in book.receipts if event.event in READS and str(event.contact_id) in rest)
        known = any((event.provider, event.business_at) == (row.actor, row.business_at) for event in reads)
        return "" if known else "o recibo de leitura que o causou não está guardado"
    if source != "event":
        return ""
    provider, key = rest.split(":", 1)
    # A wish for silence is told to all cases of the debtor, whichever the message was about.
    wish = key.endswith(":opt-out")
    key = key.removesuffix(":opt-out").removesuffix(f":{book.name}")
    event = next((each for each in book.receipts if (each.provider, each.event_key) == (provider, key)), None)
    if event is None:
        return "" if wish else f"o recibo do provedor ({provider}) que o causou não está guardado"
    same = (event.provider, event.business_at) == (row.actor, row.business_at) and _says(event, row)
    return "" if same else f"o recibo do provedor ({provider} {key}) não diz o que o fato diz"


def _says(event: Row[Any], row: Row[Any]) -> bool:
    """Does a report mean the fact that was made of it?"""
    said = meaning(event.event, event.code)
    match f.from_json(row.body):
        case f.NoticeProved():
            return said.state == "delivered"
        case f.NoticeReturned(reason=code) | f.ContactFailed(code=code):
            return said.code == code
        case f.OptedOut():
            return said.blame == "opt-out"
    return True

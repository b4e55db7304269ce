"""Documents of a case against their SHA-256, on disk and where the ledger names them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any
from uuid import uuid5

from sqlalchemy import Row

from activities.calls import RECORDING
from activities.replies import ATTACHMENT
from audit.book import Book
from audit.findings import Finding
from gateways.documents import DocumentStore
from letters import pt

GONE = "sumiu do depósito de documentos"


def check_documents(book: Book, store: DocumentStore) -> Iterator[Finding]:
    """Every document of the case must lie in the store as it was, under the id that was made of it; every one that the
    ledger names must be known."""
    named = {entry.body["document_id"]: entry.seq for entry in book.entries if entry.body.get("document_id")}
    for row in book.documents:
        if text := fault(store, row.sha256) or _exchanged(book, row):
            if text == GONE and (act := book.erasure_of(row.id)):
                yield _erased(book, row, act)
                continue
            entry = named.get(str(row.id)) or _issued_with(book, str(row.id))
            yield Finding(book.name, "document", f"o documento {row.id} ({row.kind}) {text}", entry)
    known = {str(row.id) for row in book.documents}
    for document_id, seq in named.items():
        if document_id not in known:
            yield Finding(book.name, "document", f"o documento {document_id} que ele nomeia não está guardado", seq)


def _exchanged(book: Book, row: Row[Any]) -> str:
    """Is the id another than was made of what the row says? It stands in the ledger and in other rows, so that a file
    cannot be exchanged together with its SHA-256. Of a recording the id tells the call, not the sound."""
    if row.kind == ATTACHMENT:
        own = {uuid5(message, row.sha256) for message in book.messages_with_files}
    elif row.kind == RECORDING:
        own = {uuid5(receipt.contact_id, receipt.event_key) for receipt in book.receipts}
    else:
        own = {uuid5(book.id, f"{row.kind}:{row.sha256}")}
    return "" if row.id in own else "foi trocado: o seu número não é o que o tipo e o SHA-256 guardados dão"


def _erased(book: Book, row: Row[Any], act: Row[Any]) -> Finding:
    """An erased document is not a missing one: who erased it, when and why stands in the act."""
    text = f"o documento {row.id} ({row.kind}, SHA-256 {row.sha256}) foi apagado em {pt.day(book.local(act.at))} por "
    return Finding(book.name, "document", f"{text}{act.actor}: {act.reason}", kind="note")


def _issued_with(book: Book, document_id: str) -> int | None:
    """The entry that issued the notice whose letter a document is."""
    notices = {key for key, row in book.notices.items() if str(row.document_id) == document_id}
    return next((entry.seq for entry in book.of_kind("notice_issued") if entry.body["notice_id"] in notices), None)


def fault(store: DocumentStore, digest: str) -> str:
    """What is wrong with a file of the store; empty where nothing is."""
    try:
        content = store.get(digest)
    except FileNotFoundError:
        return GONE
    if hashlib.sha256(content).hexdigest() != digest:
        return "foi alterado: o arquivo não tem o SHA-256 guardado"
    return ""

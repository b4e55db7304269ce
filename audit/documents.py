"""Documents of a case against their SHA-256, on disk and where the ledger names them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Row

from audit.book import Book
from audit.findings import Finding
from gateways.documents import DocumentStore
from letters import pt

GONE = "sumiu do depósito de documentos"


def check_documents(book: Book, store: DocumentStore) -> Iterator[Finding]:
    """Every document of the case must lie in the store as it was; every one that the ledger names must be known."""
    named = {entry.body["document_id"]: entry.seq for entry in book.entries if entry.body.get("document_id")}
    for row in book.documents:
        if text := fault(store, row.sha256):
            if text == GONE and (act := book.erasure_of(row.id)):
                yield _erased(book, row, act)
                continue
            entry = named.get(str(row.id)) or _issued_with(book, str(row.id))
            yield Finding(book.name, "document", f"o documento {row.id} ({row.kind}) {text}", entry)
    known = {str(row.id) for row in book.documents}
    for document_id, seq in named.items():
        if document_id not in known:
            yield Finding(book.name, "document", f"o documento {document_id} que ele nomeia não está guardado", seq)


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

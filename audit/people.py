"""The ledger against what our own people were asked and did: tasks, approvals and the words on them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from sqlalchemy import Row

from audit.book import Book
from audit.findings import Finding

_ANSWERS = {"approve": "given", "refuse": "refused", "word": ""}
"""Kinds of entries that are somebody's word, with what the approval becomes by it."""


# --- tasks -----------------------------------------------------------------------------------------------------------
def tasks(book: Book) -> Iterator[Finding]:
    """Each task of the ledger against its row: what, for whom, until when; and how it was finished, by whom.

    Tasks that the rules did not open (a bad address, money that waits) stand in rows only.
    """
    for entry in book.of_kind("task_opened"):
        body, row = entry.body, book.tasks.get(entry.body["task_id"])
        if row is None:
            yield book.finding("task", f"a pendência {body['task_id']} não está guardada", entry.seq)
            continue
        told = (body["task"], body["step"], body["owner"], body["due"], body.get("details", []))
        if told != (row.kind, row.step, row.owner, row.due.isoformat(), row.details):
            yield book.finding("task", f"a pendência {row.id} não é a que o livro abriu", entry.seq)
    for entry in book.of_kind("task_done"):
        row = book.tasks.get(entry.body["task_id"])
        if row is None or (row.outcome, row.done_by, row.done_at) != (
            entry.body["outcome"], entry.actor, entry.business_at,
        ):  # fmt: skip
            text = f"a pendência {entry.body['task_id']} não foi concluída como diz o livro"
            yield book.finding("task", text, entry.seq)
    yield from _finished_by_nobody(book)
    yield from _let_go(book)


def _finished_by_nobody(book: Book) -> Iterator[Finding]:
    """A task of the ledger that a person finished has its entry there; what the case let go names nobody."""
    opened = {entry.body["task_id"] for entry in book.of_kind("task_opened")}
    done = {entry.body["task_id"] for entry in book.of_kind("task_done")}
    for task_id in opened - done:
        row = book.tasks.get(task_id)
        if row is not None and row.done_by:
            yield book.finding("task", f"a pendência {task_id} consta concluída por pessoa; o livro não o diz")


def _let_go(book: Book) -> Iterator[Finding]:
    """What the case waits for is open; what it does not wait for any more is done, or was let go."""
    held = book.row.state.get("tasks", {})
    done = {entry.body["task_id"] for entry in book.of_kind("task_done")}
    for entry in book.of_kind("task_opened"):
        row = book.tasks.get(entry.body["task_id"])
        if (
            entry.body["task_id"] not in done
            and row is not None
            and (row.done_at is None) != (entry.body["task_id"] in held)
        ):
            stands = "concluída" if row.done_at else "aberta"
            text = f"a pendência {row.id} consta {stands}; para o caso é o contrário"
            yield book.finding("task", text, entry.seq)


# --- approvals -------------------------------------------------------------------------------------------------------
def approvals(book: Book) -> Iterator[Finding]:
    """Each approval against what was asked and what people said; and each word against the ledger."""
    asked = {entry.body["approval_id"]: entry for entry in book.of_kind("approval_asked")}
    for approval_id, entry in asked.items():
        row = book.approvals.get(approval_id)
        if row is None:
            yield book.finding("approval", f"a aprovação {approval_id} não está guardada", entry.seq)
        else:
            yield from (book.finding("approval", text, entry.seq) for text in _asked_differs(book, entry, row))
    for approval_id in book.approvals.keys() - asked.keys():
        yield book.finding("approval", f"a aprovação {approval_id} não foi pedida segundo o livro")
    yield from _words(book)


def _asked_differs(book: Book, entry: Row[Any], row: Row[Any]) -> Iterator[str]:
    body = entry.body
    told = (body["purpose"], body["step"], body["role"], body["needed"], Decimal(body["amount"]))
    if told != (row.purpose, row.step, row.role, row.needed, row.amount):
        yield f"a aprovação {row.id} não é a que foi pedida (fim, passo, papel, pessoas ou valor)"
    if not row.escalated_to and row.due.isoformat() != body["due"]:
        yield f"a aprovação {row.id} foi pedida até {body['due']}; a linha diz {row.due}"
    answers = [_ANSWERS[each.kind] for each in book.of_kind("approve", "refuse") if _about(each) == str(row.id)]
    known = answers[-1:] or ["asked", "moot"]
    if row.state not in known:
        yield f"a aprovação {row.id} está {known[0]} no livro e {row.state} na linha"


def _words(book: Book) -> Iterator[Finding]:
    """Who said what, when; how many agreed; and that nobody's word stands in a row only."""
    said: set[tuple[str, str]] = set()
    for entry in book.entries:
        kind, approval_id = _answer(entry)
        if not approval_id:
            continue
        said.add((approval_id, entry.actor))
        if entry.kind != "refused":
            yield from (book.finding("approval", text, entry.seq) for text in _word(book, entry, kind, approval_id))
    if any(row.acknowledged_at is None for row in book.facts.values()):
        return
    for (approval_id, person), row in book.words.items():
        if (approval_id, person) not in said:
            yes = "sim" if row.yes else "não"
            yield book.finding("approval", f"{person} disse {yes} à aprovação {approval_id}, e o livro não o tem")


def _word(book: Book, entry: Row[Any], kind: str, approval_id: str) -> Iterator[str]:
    row, word = book.approvals.get(approval_id), book.words.get((approval_id, entry.actor))
    if word is None or word.yes != (kind != "refuse"):
        yield f"a palavra de {entry.actor} sobre a aprovação {approval_id} não está guardada, ou é outra"
    elif word.said_at > entry.business_at:
        yield f"a palavra de {entry.actor} sobre a aprovação {approval_id} foi dita depois do registro"
    if kind == "approve" and row is not None and row.yes < row.needed:
        yield f"foram precisas {row.needed} pessoas e só {row.yes} disseram sim"


def _answer(entry: Row[Any]) -> tuple[str, str]:
    """The kind of answer that an entry is (also one that was refused) and the approval it is about."""
    if entry.kind == "refused" and entry.body["fact"] in _ANSWERS:
        return entry.body["fact"], (entry.body.get("body") or {}).get("approval_id", "")
    return (entry.kind, _about(entry)) if entry.kind in _ANSWERS else ("", "")


def _about(entry: Row[Any]) -> str:
    return str(entry.body["approval_id"])

"""The chain of a ledger, recomputed: which entry was changed, removed, inserted or put elsewhere.

Every entry names the hash of the one before, so the order in which the book was written can be followed without
trusting the numbers. Where that order, the numbers and the hashes do not fit together, the entry is named.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Row

from audit.book import Book, line_of
from audit.findings import Finding
from domain.ledger import chain

Rows = Sequence[Row[Any]]


def check_chain(book: Book) -> Iterator[Finding]:
    """What is wrong with the chain of a case's ledger, and with its end, as the case row knows it."""
    for entry, text in faults(book.ledger, book.row.ledger_hash):
        yield Finding(book.name, "chain", text, entry)
    head, last = book.row, book.ledger[-1] if book.ledger else None
    end = last.seq if last else 0
    if head.ledger_seq > end:
        lost = f"o livro termina no registro {end}, mas o caso chegou ao {head.ledger_seq}: o fim foi cortado"
        yield Finding(book.name, "chain", lost, end + 1)
    elif head.ledger_seq < end:
        text = f"o caso terminava no registro {head.ledger_seq}: o que vem depois não foi escrito pelo sistema"
        yield Finding(book.name, "chain", text, head.ledger_seq + 1)
    elif last and head.ledger_hash != last.hash:
        yield Finding(book.name, "chain", "o último hash não é o que o caso guarda: o fim foi reescrito", end)


def faults(rows: Rows, head: str = "") -> Iterator[tuple[int, str]]:
    """The entries at which the chain breaks, with what was done to each; `rows` are sorted by number.

    `head` is the hash of the last entry, where it is known from elsewhere.
    """
    parts = _parts(rows, head)
    followed = {row.seq for part in parts for row in part}
    inserted = [row.seq for row in rows if row.seq not in followed]
    position, previous, lost = 0, "", 0
    for part in parts:
        first = part[0]
        if first.previous_hash != previous:
            number = _written_as(first)
            yield _gap(position, number)
            position, previous, lost = number - 1, first.previous_hash, number - first.seq
        for row in part:
            position += 1
            moved = sum(other < row.seq for other in inserted) - lost
            if text := _fault(row, position, previous, moved):
                yield row.seq, text
            previous = row.hash
    for seq in inserted:
        yield seq, "foi inserido: nenhum outro registro vem depois dele, e o livro segue sem ele"


_RENUMBERED = 100
"""By how many places a renumbered entry is looked for."""


def _written_as(row: Row[Any]) -> int:
    """The number under which an entry was written, where its content is whole; else the number that it has."""
    line = line_of(row)
    tries = (row.seq + by for distance in range(_RENUMBERED) for by in (distance, -distance) if row.seq + by > 0)
    fits = (seq for seq in tries if chain(row.previous_hash, replace(line, seq=seq)) == row.hash)
    return next(fits, int(row.seq))


def _gap(last: int, after: int) -> tuple[int, str]:
    missing = after - last - 1
    if missing == 1:
        return last + 1, "foi removido: o seguinte continua um registro que não está no livro"
    if missing > 1:
        return last + 1, f"foi removido, com os que vêm até o {after - 1}: falta o que o {after} continua"
    text = f"foi trocado e recebeu um hash novo: o registro {after} continua outro, que não está no livro"
    return max(last, 1), text


def _fault(row: Row[Any], position: int, previous: str, moved: int) -> str:
    """`moved`: by how many places entries that were inserted or removed before it have pushed this one."""
    line = line_of(row)
    if chain(previous, line) == row.hash:
        return ""
    if chain(previous, replace(line, seq=position)) == row.hash:
        return "" if row.seq - position == moved else f"foi trocado de lugar: pela corrente é o registro {position}"
    return "foi alterado: o hash não corresponde ao conteúdo"


def _parts(rows: Rows, head: str) -> list[list[Row[Any]]]:
    """The pieces that hang together by their hashes, in the order of the book; one piece where nothing is broken."""
    after: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        after[row.previous_hash].append(row)
    known = {row.hash for row in rows}
    heads = [row for row in rows if row.previous_hash not in known]
    starts = [row for row in heads if row.previous_hash == ""][:1] + [row for row in heads if row.previous_hash != ""]
    taken: set[int] = set()
    parts = [_followed(start, after, taken, head) for start in starts]
    return sorted(parts, key=lambda part: (part[0].previous_hash != "", part[0].seq))


def _followed(start: Row[Any], after: dict[str, list[Row[Any]]], taken: set[int], head: str) -> list[Row[Any]]:
    """The chain from an entry on; where two claim the same place, the one from which the book goes on to its head.

    Else the longer one goes on; of two alike, the one that was pushed to a higher number.
    """
    part = [start]
    taken.add(start.seq)
    while nexts := [row for row in after[part[-1].hash] if row.seq not in taken]:
        chosen = max(nexts, key=lambda row: (*_reach(row, after, head), row.seq)) if len(nexts) > 1 else nexts[0]
        taken.add(chosen.seq)
        part.append(chosen)
    return part


def _reach(row: Row[Any], after: dict[str, list[Row[Any]]], head: str) -> tuple[bool, int]:
    """Does the chain from an entry reach the head, and how long is it?"""
    seen: set[int] = set()
    reached = False
    while row.seq not in seen:
        seen.add(row.seq)
        reached = reached or (bool(head) and row.hash == head)
        following = [later for later in after[row.hash] if later.seq not in seen]
        if not following:
            break
        row = following[0]
    return reached, len(seen)

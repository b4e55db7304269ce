"""What a test of the audit is given: a database in which lives were lived, and a way to undo all tampering."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import Connection, Engine

from audit.anchor import Keys
from gateways.documents import DocumentStore

HISTORIES = Path(__file__).resolve().parents[1] / "histories"
KEYS = Keys({"cofre": b"0123456789abcdef0123456789abcdef"}, "cofre")


@dataclass(frozen=True)
class Lived:
    """A database with two lives, their documents, and the anchor of that evening."""

    engine: Engine
    folder: Path
    firm: UUID
    paid: UUID
    now: datetime
    anchor: Path

    @property
    def store(self) -> DocumentStore:
        return DocumentStore(self.folder / "documents")


class Rehearsal:
    """Stands in for an engine: everything happens on one connection, and is undone at the end."""

    def __init__(self, conn: Connection) -> None:
        self.conn = conn

    def execution_options(self, **_options: object) -> Rehearsal:
        return self

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        yield self.conn

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        with self.conn.begin_nested():
            yield self.conn

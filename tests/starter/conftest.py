"""What the tests of the command line share: a terminal in an installation of their own."""

from __future__ import annotations

import csv
import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import structlog
from people import new_staff
from sqlalchemy import Engine, insert

from db.rows import APPROVAL, CASE, FACT
from starter.__main__ import main


@dataclass(frozen=True)
class Said:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on standard output."""
        return json.loads(self.out)


class Terminal:
    """Types commands, as `ana` where they need a staff member."""

    def __init__(self, engine: Engine, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.engine, self.folder, self._capture = engine, folder, capture

    def type(self, *words: object) -> Said:
        """Type `regua words…`."""
        self._capture.readouterr()
        code = main([str(word) for word in words])
        out, err = self._capture.readouterr()
        return Said(code, out, err)

    def file(self, name: str, *rows: Mapping[str, str]) -> Path:
        """A CSV file as a spreadsheet in Brazil saves it."""
        path = self.folder / name
        with path.open("w", encoding="cp1252", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), delimiter=";")
            writer.writeheader()
            writer.writerows(rows)
        return path

    def rows(self, table: Any, *where: Any) -> list[Any]:
        """Rows of a table."""
        with self.engine.connect() as conn:
            return list(conn.execute(table.select().where(*where)).all())

    def facts(self, case: Any) -> list[dict[str, Any]]:
        """What was stored for a case, in order."""
        with self.engine.connect() as conn:
            found = FACT.select().where(FACT.c.case_id == case).order_by(FACT.c.number)
            return [row.body for row in conn.execute(found)]

    def change(self, case: Any, **values: Any) -> None:
        """Change columns of a case row."""
        with self.engine.begin() as conn:
            conn.execute(CASE.update().where(CASE.c.id == case).values(**values))

    def approval(self, case: Any, *, role: str = "supervisor", needed: int = 1, amount: str = "1000.00") -> str:
        """Something that waits for approval in a case."""
        row = {
            "id": uuid4(), "case_id": case, "purpose": "protest", "step": "protesto", "role": role, "needed": needed,
            "amount": amount, "state": "asked", "due": datetime(2026, 1, 2, tzinfo=UTC).date(),
            "requested_at": datetime(2026, 1, 1, tzinfo=UTC),
        }  # fmt: skip
        with self.engine.begin() as conn:
            conn.execute(insert(APPROVAL).values(row))
        return str(row["id"])


@pytest.fixture
def terminal(
    engine: Engine,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Terminal]:
    """A terminal in an installation with a fresh database and no Temporal. `ana` is a clerk."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REGUA_DATABASE_URL", database_url)
    monkeypatch.setenv("REGUA_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    new_staff(engine, "ana", "clerk")
    handlers, level = logging.root.handlers[:], logging.root.level
    yield Terminal(engine, tmp_path, capsys)
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)

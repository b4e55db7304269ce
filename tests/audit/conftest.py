"""What the audit's tests share: one database in which two whole lives were lived, the same for each test."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from lived import HISTORIES, KEYS, Lived, Rehearsal
from lives import Town
from temporalio.client import WorkflowHistory

from audit.anchor import make_anchor
from audit.archive import put
from contract.names import case_workflow_id
from db.embedded import EmbeddedPostgres, fresh_database
from db.engine import make_engine


@pytest.fixture(scope="module")
def template(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    """The lives, lived once: a firm one that is open, and a paid one, closed and archived."""
    folder = tmp_path_factory.mktemp("lived")
    with fresh_database(postgres, "migrated") as url:
        engine = make_engine(url)
        town = Town(engine, folder)
        firm, paid = town.firm_life(number="NF-1"), town.paid_life(number="NF-2")
        name = case_workflow_id(paid.ids.case, 1)
        lived = re.sub(r"case:[0-9a-f-]{36}:1", name, (HISTORIES / "paid-after-a-reminder.json").read_text())
        history = WorkflowHistory.from_json(name, lived)
        now = max(firm.now, paid.now) + timedelta(days=5)
        with engine.begin() as conn:
            put(conn, town.store, paid.ids.case, 1, 1, history, now)
        _, anchor = make_anchor(engine, KEYS, now, folder / "anchors")
        yield Lived(engine, folder, firm.ids.case, paid.ids.case, now, anchor)
        engine.dispose()


@pytest.fixture
def lived(template: Lived, tmp_path: Path) -> Iterator[Lived]:
    """The lived database and a copy of its documents, to be tampered with; the database forgets it afterwards."""
    folder = tmp_path / "lived"
    shutil.copytree(template.folder, folder)
    with template.engine.connect() as conn:
        outer = conn.begin()
        engine: Any = Rehearsal(conn)
        yield replace(template, engine=engine, folder=folder, anchor=folder / "anchors" / template.anchor.name)
        outer.rollback()

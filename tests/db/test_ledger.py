"""The ledger only grows, and its chain finds what was changed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from people import new_case_row, short_ladder
from sqlalchemy import Engine, insert, text
from sqlalchemy.exc import ProgrammingError

from db.rows import LEDGER
from domain.ledger import Line, chain

STEPS = "  - {id: um, at: due + 9d, do: contact, by: [email], text: atraso-cordial}\n"
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def entry(engine: Engine) -> Engine:
    """A database with one entry in one ledger."""
    case = new_case_row(engine, short_ladder(STEPS), NOW.date(), NOW.date()).case
    line = Line(str(case), 1, "opened", {}, "intake", "engine", NOW, NOW, "1")
    with engine.begin() as conn:
        conn.execute(
            insert(LEDGER).values(**vars(line) | {"case_id": case, "previous_hash": "", "hash": chain("", line)})
        )
    return engine


@pytest.mark.parametrize(
    "statement",
    ["UPDATE ledger SET actor = 'x'", "DELETE FROM ledger", "TRUNCATE ledger", "TRUNCATE ledger, schedule CASCADE"],
)
def test_the_database_refuses_to_change_a_ledger(entry: Engine, statement: str) -> None:
    with pytest.raises(ProgrammingError, match="the ledger only grows"), entry.begin() as conn:
        conn.execute(text(statement))


@pytest.mark.parametrize(
    "field", ["seq", "kind", "body", "cause", "actor", "business_at", "recorded_at", "rules_version"]
)
def test_every_part_of_an_entry_stands_in_its_hash(field: str) -> None:
    line = Line("c", 1, "payment", {"amount": "1.00"}, "fact:1", "clerk", NOW, NOW, "1")
    other = {
        "seq": 2,
        "body": {"amount": "1.01"},
        "business_at": NOW.replace(hour=13),
        "recorded_at": NOW.replace(hour=13),
    }
    changed = Line(**vars(line) | {field: other.get(field, "another")})
    assert chain("", changed) != chain("", line)


def test_an_entry_cannot_stand_elsewhere_in_the_chain() -> None:
    line = Line("c", 1, "payment", {}, "fact:1", "clerk", NOW, NOW, "1")
    assert chain("a", line) != chain("b", line)

"""Decisions made again: the same rules must decide the same; a changed rule is shown as that, never as tampering."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from lived import Lived
from sqlalchemy import text

from audit import refold
from audit.book import open_book
from audit.refold import Refold
from domain.decide import advance


def later(case: Any, heard: Any, policy: Any, now: Any) -> Any:
    """Rules that let a day more go by before a proposal."""
    decision = advance(case, heard, policy, now)
    wanted = decision.instruction
    if wanted.step == "proposta" and wanted.not_before:
        wanted = wanted._replace(not_before=wanted.not_before + timedelta(days=1))
    return decision._replace(instruction=wanted)


def refolded(lived: Lived) -> list[Any]:
    with lived.engine.connect() as conn:
        return Refold(open_book(conn, lived.firm)).run()


def test_another_decision_of_the_same_version_is_a_finding(lived: Lived, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refold, "advance", later)
    (found,) = refolded(lived)
    assert found.kind == "difference"
    assert "a versão das regras é a mesma" in found.text
    assert "contatar, passo proposta, a partir de 24/03/2026" in found.text


def test_another_decision_of_another_version_is_a_changed_rule(lived: Lived, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refold, "advance", later)
    monkeypatch.setattr(refold, "RULES_VERSION", "2099.1")
    (found,) = refolded(lived)
    assert found.kind == "changed-rule"
    assert "regra mudada" in found.text
    assert "2099.1" in found.text


def test_an_approval_that_the_rows_refused_is_taken_as_refused(lived: Lived) -> None:
    """Who had said yes at the time is not in the rules; the refusal itself stands in the chain."""
    with lived.engine.connect() as conn:
        rows = open_book(conn, lived.firm).of_kind("refused")
    assert [refold.heard(row).fact.kind for row in rows] == ["promise"]
    body = {"kind": "approve", "approval_id": "a"}
    refusal = {"kind": "refused", "fact": "approve", "code": "not-enough-words", "body": body}
    row: Any = type("Row", (), dict(rows[0]._mapping) | {"body": refusal})
    assert refold.heard(row).refused is not None


def test_a_book_from_before_starts_were_kept_is_not_judged(lived: Lived) -> None:
    with lived.engine.begin() as conn:
        conn.execute(text("ALTER TABLE ledger DISABLE TRIGGER USER"))
        conn.execute(text("UPDATE ledger SET body = body - 'start' WHERE kind = 'opened'"))
    (found,) = refolded(lived)
    assert (found.kind, found.entry) == ("note", 1)


def test_a_book_that_the_rules_cannot_follow_says_where(lived: Lived) -> None:
    with lived.engine.begin() as conn:
        conn.execute(text("ALTER TABLE ledger DISABLE TRIGGER USER"))
        conn.execute(text('UPDATE ledger SET body = \'{"kind": "nunca"}\' WHERE seq = 3'))
    found = next(finding for finding in refolded(lived) if "não pode ser seguido" in finding.text)
    assert found.entry == 4

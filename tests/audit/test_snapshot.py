"""A case that goes on while it is audited: everything of it is seen as it stood at one moment."""

from __future__ import annotations

from lived import Lived
from sqlalchemy import text

from audit.book import open_book, snapshot


def test_what_a_case_does_while_its_book_is_read_belongs_to_the_next_audit(template: Lived) -> None:
    with snapshot(template.engine) as conn:
        book = open_book(conn, template.firm)
        with template.engine.connect() as other:
            other.execute(
                text(
                    "INSERT INTO ledger SELECT case_id, seq + 1, kind, body, cause, actor, business_at, recorded_at, "
                    "rules_version, hash, 'next' FROM ledger WHERE case_id = :case ORDER BY seq DESC LIMIT 1"
                ),
                {"case": template.firm},
            )
            assert len(book.ledger) == book.row.ledger_seq
            seen = other.execute(text("SELECT count(*) FROM ledger WHERE case_id = :case"), {"case": template.firm})
            assert seen.scalar_one() == book.row.ledger_seq + 1

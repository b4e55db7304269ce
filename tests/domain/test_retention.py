"""Personal data are kept as long as the law's terms run, and the name as long as anything else is."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import BadFile
from domain.retention import CLASSES, IDENTITY, class_of, rules, terms

RULES = rules()
HELD = st.sets(st.sampled_from(CLASSES))
DAYS = st.dates(date(2000, 1, 1), date(2080, 1, 1))


def test_the_terms_of_the_law() -> None:
    found = {term.name: term for term in terms(RULES, CLASSES, date(2026, 3, 10), date(2031, 3, 11))}
    assert found["contacts"].until == date(2031, 3, 10)
    assert found["contacts"].due
    assert found["payments"].until == date(2032, 1, 1), "five years from the first day of the next year (CTN 173 I)"
    assert found["firm"].until == date(2036, 3, 10), "ten years (CC 205)"
    assert found[IDENTITY].until == found["firm"].until
    assert not found["payments"].due


@given(HELD, DAYS, DAYS)
def test_who_it_is_goes_last_and_nothing_before_its_day(held: set[str], closed: date, today: date) -> None:
    found = {term.name: term for term in terms(RULES, held, closed, today)}
    assert set(found) == held | {IDENTITY}
    assert found[IDENTITY].until == max(term.until for term in found.values())
    for term in found.values():
        assert term.until > closed
        assert term.due == (today > term.until)


def test_every_kind_of_document_has_one_class() -> None:
    assert [class_of(kind, RULES) for kind in ("consent", "receipt", "agreement", "notice", "dossier", "invoice")] == [
        "contacts", "payments", "agreements", "firm", "firm", "firm"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"months": "cinco"}, "a number from 1 to 1200"),
        ({"runs_from": "birth"}, "one of closing, year-end"),
        ({"law": ""}, "nothing under law"),
        ({"class": "firm"}, "not each of them once"),
        ({"documents": "*"}, r"write \* in one row"),
    ],
)
def test_a_table_of_ones_own_is_read_whole_or_refused(change: dict[str, str], told: str) -> None:
    rows = [
        {"class": rule.name, "documents": " ".join(rule.documents), "months": str(rule.months), "source": "x",
         "runs_from": rule.runs_from, "keeps": rule.keeps, "law": rule.law}
        for rule in RULES
    ]  # fmt: skip
    assert rules(rows) == RULES
    with pytest.raises(BadFile, match=told):
        rules([{**rows[0], **change}, *rows[1:]], "prazos.csv")

"""A chain, whatever is done to it: the entry is named, and an untouched one is left in peace."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from audit.book import line_of
from audit.chain import faults
from domain.ledger import chain

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SIZE = 12
PLACES = st.integers(2, SIZE - 1)


def book(size: int = SIZE) -> list[Any]:
    """A whole ledger of so many entries."""
    rows: list[Any] = []
    previous = ""
    for seq in range(1, size + 1):
        row = entry(seq, previous)
        previous = row.hash
        rows.append(row)
    return rows


def entry(seq: int, previous: str, kind: str = "note") -> Any:
    """One entry with its hash."""
    row = SimpleNamespace(
        case_id="c", seq=seq, kind=kind, body={"n": seq}, cause="fact:1", actor="ana", business_at=NOW, recorded_at=NOW,
        rules_version="1", previous_hash=previous, hash="",
    )  # fmt: skip
    row.hash = chain(previous, line_of(row))  # type: ignore[arg-type]
    return row


def named(rows: list[Any]) -> dict[int, str]:
    return dict(faults(sorted(rows, key=lambda row: row.seq)))


@given(st.integers(0, 30))
def test_a_whole_chain_has_no_fault(size: int) -> None:
    assert named(book(size)) == {}


@given(st.integers(1, SIZE), st.sampled_from(["kind", "actor", "cause", "rules_version"]))
def test_a_changed_entry_is_the_only_one_named(place: int, field: str) -> None:
    rows = book()
    setattr(rows[place - 1], field, "outro")
    assert named(rows) == {place: "foi alterado: o hash não corresponde ao conteúdo"}


@given(PLACES, st.booleans())
def test_a_removed_entry_is_the_only_one_named_even_if_the_rest_closes_ranks(place: int, renumbered: bool) -> None:
    rows = book()
    del rows[place - 1]
    for row in rows[place - 1 :]:
        row.seq -= renumbered
    found = named(rows)
    assert list(found) == [place]
    assert found[place].startswith("foi removido")


@given(st.integers(2, SIZE - 4), st.integers(2, 4))
def test_several_removed_entries_are_named_from_the_first_to_the_last(place: int, count: int) -> None:
    rows = book()
    del rows[place - 1 : place - 1 + count]
    found = named(rows)
    assert list(found) == [place]
    assert f"até o {place + count - 1}" in found[place]


@given(PLACES)
def test_an_inserted_entry_is_the_only_one_named(place: int) -> None:
    rows = book()
    for row in rows[place:]:
        row.seq += 1
    rows.append(entry(place + 1, rows[place - 1].hash, "payment"))
    found = named(rows)
    assert list(found) == [place + 1]
    assert found[place + 1].startswith("foi inserido")


@given(st.integers(1, SIZE), st.integers(1, SIZE))
def test_entries_that_changed_places_are_both_named_with_their_places(one: int, other: int) -> None:
    rows = book()
    rows[one - 1].seq, rows[other - 1].seq = other, one
    wanted = {one: f"o registro {other}", other: f"o registro {one}"} if one != other else {}
    found = named(rows)
    assert found.keys() == wanted.keys()
    assert all(found[place].endswith(words) for place, words in wanted.items())


@given(st.integers(1, SIZE - 1))
def test_an_entry_with_a_hash_made_anew_does_not_lead_to_the_next(place: int) -> None:
    rows = book()
    rows[place - 1].body = {"n": -1}
    rows[place - 1].hash = chain(rows[place - 1].previous_hash, line_of(rows[place - 1]))
    found = named(rows)
    assert list(found) == [place]
    assert "hash novo" in found[place]


@given(st.integers(2, 6))
def test_of_two_ends_the_one_that_the_case_knows_is_the_book(count: int) -> None:
    """A longer forged end is no truer than the short one that the case's own memory names."""
    rows = book(4)
    head, previous = rows[-1].hash, rows[2].hash
    rows[-1].seq = 4 + count
    for n in range(count):
        forged = entry(4 + n, previous, "payment")
        previous = forged.hash
        rows.append(forged)
    found = dict(faults(sorted(rows, key=lambda row: row.seq), head))
    assert sorted(found) == list(range(4, 4 + count))
    assert all(text.startswith("foi inserido") for text in found.values())

"""A workflow that was restored from an earlier moment than its book: what reaches it is neither lost nor doubled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from channel_samples import Post, open_post
from sqlalchemy import Engine

from activities.decide import Decisions
from contract.messages import Arrival, Decide, Next
from db.rows import FACT, PAYMENT
from sandbox.server import Sandbox, running_sandbox


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path / "sandbox") as sandbox:
        yield sandbox


@pytest.fixture
def post(engine: Engine, sandbox: Sandbox, tmp_path: Path) -> Post:
    return open_post(engine, sandbox, tmp_path, by="[email]")


def paid(number: int, reference: str) -> Arrival:
    """A payment as somebody signals it, raw, under the number that the workflow counts."""
    return Arrival(number, "payment", body={"amount": "100.00", "reference": reference})


def decide(post: Post, seq: int, *arrivals: Arrival) -> Next:
    return Decisions(post.world).decide(Decide(str(post.ids.case), 1, seq, post.at, arrivals))


def references(post: Post) -> list[str]:
    return sorted(row.reference for row in post.rows(PAYMENT, PAYMENT.c.case_id == post.ids.case))


def test_a_signal_that_gets_the_number_of_one_from_the_lost_life_is_heard_all_the_same(post: Post) -> None:
    first = decide(post, 2, paid(1, "pix-1"))
    assert first.taken == 1
    again = decide(post, 2, paid(1, "pix-2"))  # the restored workflow heard nothing yet, and counts from one
    assert (again.action, again.step, again.not_before) == (first.action, first.step, first.not_before)
    assert (again.taken, again.answers) == (0, {}), "it stays in the inbox until the book has no further answer"
    assert decide(post, 3, paid(1, "pix-2")).taken == 1
    assert references(post) == ["pix-1", "pix-2"]


def test_a_decision_that_is_asked_for_again_by_the_same_life_took_what_it_took(post: Post) -> None:
    first = decide(post, 2, paid(1, "pix-1"))
    later = decide(post, 2, paid(1, "pix-1"), paid(2, "pix-2"))  # asked again with what arrived meanwhile
    assert later == first
    assert first.answers[1].accepted
    assert references(post) == ["pix-1"]
    assert decide(post, 3, paid(2, "pix-2")).taken == 2
    assert references(post) == ["pix-1", "pix-2"]
    assert post.rows(FACT, FACT.c.acknowledged_at.is_(None)) == []


def test_what_arrives_while_an_action_is_answered_from_the_book_stays_in_the_inbox(post: Post) -> None:
    post.next = decide(post, 1)
    decide(post, 2, paid(1, "pix-1"))
    answered = post.post()  # the restored workflow's time came before it heard of anything
    assert (answered.seq, answered.taken, answered.answers) == (2, 0, {})
    assert post.sent() == []
    assert decide(post, 3, paid(1, "pix-2")).taken == 1
    assert references(post) == ["pix-1", "pix-2"]

"""What a provider's code proves about a debtor, his address, and us."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.data import table
from domain.delivery_codes import CODES, blame, reason, tries_left


@pytest.mark.parametrize(
    ("code", "concerns"),
    [
        ("21211", "address"),
        ("30006", "address"),
        ("63024", "address"),
        ("21610", "opt-out"),
        ("63014", "opt-out"),
        ("20003", "configuration"),
        ("63016", "configuration"),
        ("30003", "channel"),
        ("63018", "channel"),
        ("63049", "channel"),
        ("bounce", "address"),
        ("blocked", "channel"),
    ],
)
def test_a_code_concerns_the_address_the_debtor_us_or_this_message_only(code: str, concerns: str) -> None:
    assert blame(code) == concerns


@given(st.text())
def test_a_code_nobody_knows_never_marks_an_address_or_a_debtor(code: str) -> None:
    if code not in CODES:
        assert blame(code) == "channel"
        assert tries_left(code, 1) == 0


def test_a_handset_out_of_reach_may_be_tried_three_more_times() -> None:
    assert [tries_left("30003", tried) for tried in (1, 2, 3, 4, 9)] == [3, 2, 1, 0, 0]


def test_only_what_may_pass_by_itself_is_tried_again() -> None:
    assert all((code.again > 0) == (code.reason == "transient") for code in CODES.values())
    assert reason("30007") == "content"
    assert tries_left("30007", 1) == 0


def test_every_code_stands_once_in_the_table_with_its_meaning_and_source() -> None:
    rows = table("delivery_codes")
    assert len({row["code"] for row in rows}) == len(rows)
    assert all(code.meaning and code.source.startswith("https://www.twilio.com/docs/") for code in CODES.values())

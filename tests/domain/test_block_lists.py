"""Block lists of the Procons: whom no telephone may ring for a debt, from which day, until when."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from domain.block_lists import Entry, barred, block_list, block_lists
from domain.errors import BadInput
from domain.places import UFS
from domain.whereabouts import PHONE_CHANNELS

REGISTERED = date(2026, 3, 2)


def test_in_sao_paulo_an_entry_bars_every_telephone_thirty_days_later() -> None:
    entry = [Entry("SP", REGISTERED)]
    assert barred(entry, REGISTERED + timedelta(days=29)) == frozenset()
    assert barred(entry, REGISTERED + timedelta(days=30)) == PHONE_CHANNELS
    assert not barred(entry, date(2030, 1, 1)) & {"email", "letter"}


def test_where_the_term_is_not_confirmed_an_entry_counts_at_once() -> None:
    for uf in ("PR", "GO", "SC", "DF", "RS"):
        assert barred([Entry(uf, REGISTERED)], REGISTERED) == PHONE_CHANNELS
        assert barred([Entry(uf, REGISTERED)], REGISTERED - timedelta(days=1)) == frozenset()


def test_who_has_left_a_list_may_be_called_from_the_next_day_on() -> None:
    left = [Entry("RS", REGISTERED, until=date(2026, 6, 30))]
    assert barred(left, date(2026, 6, 30)) == PHONE_CHANNELS
    assert barred(left, date(2026, 7, 1)) == frozenset()
    assert barred([*left, Entry("DF", REGISTERED)], date(2026, 7, 1)) == PHONE_CHANNELS, "another list still holds him"


def test_every_list_names_its_source_and_a_state_without_one_is_refused() -> None:
    for uf, listed in block_lists().items():
        assert uf in UFS
        assert listed.source
        assert listed.barred <= PHONE_CHANNELS
    with pytest.raises(BadInput, match="DF, GO, PR, RS, SC, SP"):
        block_list("RJ")
    assert block_list(" sp ").uf == "SP"

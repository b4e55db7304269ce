"""What a notary office answers is understood, or refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from cra_samples import (
    ACCEPTED,
    DAY,
    PAID,
    PROTESTED,
    SENT_BACK,
    SUMMONED,
    every_kind,
    put,
)

from domain import cra
from domain.cra.layout import positions
from domain.errors import BadFile, BadInput

FILES = every_kind()


def test_a_confirmation_says_protocol_or_reason_for_every_debtor() -> None:
    answers = cra.confirmations(FILES["C"])

    assert answers == (ACCEPTED, SENT_BACK, SENT_BACK)
    assert [answer.record_no for answer in answers] == [2, 3, 4]
    assert cra.write(FILES["C"])[0] == "C9992311.261"


def test_a_return_says_what_became_of_a_title_and_what_it_cost() -> None:
    sent = FILES["B"]
    refused = replace(
        PAID, our_number="FAT2026000002", occurrence="6", irregularities=("06", "14", "22"), amount=Decimal("300.00")
    )
    file = cra.returns([sent], [PROTESTED, refused], date(2026, 11, 30), 2)

    assert cra.outcomes(file) == (PROTESTED, refused)


def test_all_four_kinds_of_costs_count() -> None:
    name, content = cra.write(FILES["R"])
    fields = positions("R", "transacao")
    for number, key in enumerate(
        ("valor_custas_cartorio", "valor_custas_distribuidor", "valor_gravacao_eletronica", "valor_demais_despesas")
    ):
        content = put(content, 2, fields[key].start, f"{10**number:010}")

    assert cra.outcomes(cra.read(content, name))[0].costs == Decimal("11.11")


def test_progress_says_how_far_the_title_is() -> None:
    assert cra.progress_events(FILES["M"]) == (SUMMONED,)


def test_progress_without_a_legible_hour_still_has_its_day() -> None:
    name, content = cra.write(FILES["M"])
    (event,) = cra.progress_events(cra.read(put(content, 2, 578, "25112026 996199"), name))

    assert (event.on, event.at) == (date(2026, 11, 25), None)


def test_a_view_of_another_kind_is_refused() -> None:
    with pytest.raises(BadInput, match="a file R is wanted here"):
        cra.outcomes(FILES["C"])


def test_a_confirmation_answers_every_title_once() -> None:
    with pytest.raises(BadInput, match="FAT2026000002"):
        cra.confirmation(FILES["B"], [ACCEPTED])
    with pytest.raises(BadInput, match="answered twice"):
        cra.confirmation(FILES["B"], [ACCEPTED, ACCEPTED, SENT_BACK])
    with pytest.raises(BadInput, match="never sent"):
        cra.returns([FILES["B"]], [replace(PAID, our_number="FAT9")], DAY, 1)


def test_the_notary_side_cannot_accept_without_a_protocol_either() -> None:
    with pytest.raises(BadFile, match="protocol"):
        cra.confirmation(FILES["B"], [replace(ACCEPTED, protocol=None), SENT_BACK])

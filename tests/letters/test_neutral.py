"""Confirmations that a stranger may read: they say who writes, and nothing of any debt."""

from __future__ import annotations

from itertools import product

import pytest

from domain.errors import BadInput
from letters.gsm import is_gsm7, segments
from letters.messages import CHANNELS
from letters.models import Channel, Message
from letters.neutral import NEUTRAL, render_neutral, shows_a_debt


@pytest.mark.parametrize(("text_id", "channel"), list(product(NEUTRAL, CHANNELS)))
@pytest.mark.parametrize("name", ["Cobranças Fictícias Ltda", ""])
def test_a_confirmation_shows_no_debt_and_can_be_found_again(text_id: str, channel: Channel, name: str) -> None:
    message = render_neutral(text_id, channel, name, "7K2Q9A")
    assert not shows_a_debt(message, name)
    assert "7K2Q9A" in message.text
    assert "R$" not in message.text
    assert "SAIR" not in message.text
    if channel == "sms":
        assert is_gsm7(message.text)
        assert segments(message.text) == 1


def test_a_hint_at_a_debt_is_found() -> None:
    assert shows_a_debt(Message("", "Sua fatura foi anotada", None), "")
    assert shows_a_debt(Message("Aviso de cobrança", "Olá", None), "")


def test_only_neutral_texts_go_to_strangers() -> None:
    with pytest.raises(BadInput, match="not neutral"):
        render_neutral("atraso-cordial", "sms", "Credora", "7K2Q9A")

"""The ledger of a case is told to lawyers and staff in Portuguese, and claims no more than it can prove."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import get_args

import pytest

from domain import facts as f
from domain.case import LEVELS
from letters.timeline import HAPPENED, happened, line, proof_words, told, ways_of_notices

TUESDAY = datetime(2026, 3, 10, 13, 0, tzinfo=UTC)
TODAY = TUESDAY.date()


def test_every_kind_of_fact_has_words() -> None:
    assert {fact.kind for fact in (*get_args(f.Told), *get_args(f.Own))} == HAPPENED.keys()


@pytest.mark.parametrize(
    ("fact", "text"),
    [
        (f.PromiseMade("p", date(2026, 4, 10)), "Promessa de pagar o valor total em 10/04/2026"),
        (f.OptedOut(("email", "sms")), "Recusa de contato: e-mail, SMS"),
        (f.NoticeIssued("n", "s", ()), "Notificação prévia emitida por: nenhum meio"),
        (f.DisputeResolved(upheld=False), "Contestação decidida; procedente: não"),
        (f.ContactDeferred("aviso", TUESDAY, "caps"), "Passo aviso adiado para 10/03/2026 13:00 UTC"),
        (
            f.NoticeProved("n", "email", "delivered", TODAY),
            "Notificação por e-mail, em 10/03/2026: aceita pelo servidor ou aparelho de destino",
        ),
        (f.HoldSet("court"), "Suspensão: ordem judicial"),
    ],
)
def test_facts_are_told_in_portuguese(fact: f.Fact, text: str) -> None:
    assert happened(fact) == text


def test_a_line_of_the_timeline_says_when_what_and_who() -> None:
    paid = f.PaymentReceived("pix-1", Decimal("100.00"), TODAY)
    assert line(told(paid, TUESDAY, "engine")) == "10/03/2026 13:00  Pagamento de R$ 100,00 em 10/03/2026  [régua]"
    assert told(paid, TUESDAY, "supervisora-1").actor == "supervisora-1"


# --- proof of notices ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("channel", ["letter", "email", "sms"])
def test_no_proof_but_one_with_a_name_says_that_somebody_received_it(channel: str) -> None:
    said = {level: proof_words(channel, level) for level in LEVELS}
    assert len(set(said.values())) == len(LEVELS)
    assert [level for level in LEVELS if said[level].startswith("recebida")] == ["received-by-name"]
    assert "sem prova de entrega" in said["sent"]


def test_what_the_ledger_proves_of_each_notice_is_the_last_word_on_each_of_its_ways() -> None:
    book = [
        f.NoticeIssued("first", "notificacao", ("email", "letter")),
        f.NoticeProved("first", "email", "delivered", TODAY),
        f.ContactLogged("letter", "mudou-se"),
        f.Extended(date(2026, 4, 10)),
        f.ContactLogged("letter", "received-by-name"),
        f.NoticeIssued("second", "notificacao", ("email", "letter")),
        f.ContactLogged("letter", "received-by-name"),
        f.NoticeReturned("second", "email", "bounce"),
    ]
    assert ways_of_notices(book) == {
        "first": {"email": "delivered", "letter": "failed: mudou-se"},
        "second": {"email": "failed: bounce", "letter": "received-by-name"},
    }

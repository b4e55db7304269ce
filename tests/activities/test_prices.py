"""Prices of contacts: asked late, once in a while, and kept; against the provider's API and on real rows."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from people import Opened, new_case_row, short_ladder
from sqlalchemy import Engine, insert, select

from activities.prices import fetch_prices
from activities.world import World
from db.rows import CONTACT
from domain.clock import PRODUCTION
from domain.errors import Permanent, Unavailable
from gateways.documents import DocumentStore
from gateways.outcome import Price
from gateways.sms import Sms, TwilioSms
from sandbox.server import running_sandbox
from sandbox.state import TWILIO_SID, TWILIO_TOKEN

LADDER = short_ladder("  - {id: um, at: due + 1d, do: contact, by: [sms], text: atraso-cordial}")


class Bills:
    """A provider that knows these prices, or raises."""

    def __init__(self, **known: Price | Exception | None) -> None:
        self.known, self.asked = known, list[str]()

    def price(self, provider_id: str) -> Price | None:
        self.asked.append(provider_id)
        answer = self.known[provider_id]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def opened(engine: Engine) -> Opened:
    return new_case_row(engine, LADDER, date(2026, 3, 2), date(2026, 3, 2))


def world(engine: Engine, folder: Path, bills: object) -> World:
    nobody = cast(Any, None)
    return World(engine, PRODUCTION, DocumentStore(folder), nobody, cast(Any, bills), nobody, folder, "")


def sent(engine: Engine, opened: Opened, name: str, age: timedelta, **values: Any) -> UUID:
    now = datetime.now(UTC)
    row = {
        "id": uuid4(), "creditor_id": opened.creditor, "debtor_id": opened.debtor, "channel": "sms",
        "purpose": "ladder", "text_id": "lembrete", "state": "delivered", "segments": 1, "provider_id": name,
        "planned_at": now, "accepted_at": now - age,
    } | values  # fmt: skip
    with engine.begin() as conn:
        conn.execute(insert(CONTACT).values(row))
    return row["id"]


def test_a_price_is_asked_some_time_after_the_message_and_never_again_once_it_is_known(
    engine: Engine, opened: Opened, tmp_path: Path
) -> None:
    contact = sent(engine, opened, "a", timedelta(hours=1))
    sent(engine, opened, "just-now", timedelta(minutes=1))
    sent(engine, opened, "long-ago", timedelta(days=9))
    sent(engine, opened, "mail", timedelta(hours=1), channel="email")
    bills = Bills(a=Price(Decimal("-0.10000"), "USD", 2))
    assert fetch_prices(world(engine, tmp_path, bills), 10) == 1
    assert bills.asked == ["a"]
    with engine.connect() as conn:
        row = conn.execute(select(CONTACT).where(CONTACT.c.id == contact)).one()
    assert (row.price, row.currency, row.segments) == (Decimal("-0.10000"), "USD", 2)
    assert fetch_prices(world(engine, tmp_path, bills), 10) == 0
    assert bills.asked == ["a"]


def test_what_is_not_priced_yet_is_asked_for_again_only_hours_later(
    engine: Engine, opened: Opened, tmp_path: Path
) -> None:
    sent(engine, opened, "a", timedelta(hours=1))
    sent(engine, opened, "b", timedelta(hours=9), price_asked_at=datetime.now(UTC) - timedelta(hours=7))
    bills = Bills(a=None, b=None)
    for _ in range(2):
        assert fetch_prices(world(engine, tmp_path, bills), 10) == 0
    assert bills.asked == ["b", "a"], "the oldest first, each once"


def test_a_sweep_has_time_for_so_many_and_ends_where_the_provider_is_away(
    engine: Engine, opened: Opened, tmp_path: Path
) -> None:
    for hours, name in ((3, "gone"), (2, "away"), (1, "next")):
        sent(engine, opened, name, timedelta(hours=hours))
    bills = Bills(gone=Permanent("20404"), away=Unavailable("http-429"), next=None)
    assert fetch_prices(world(engine, tmp_path, bills), 2) == 0
    assert bills.asked == ["gone", "away"]


def test_the_providers_api_tells_the_price_once_a_message_has_come_to_its_end(tmp_path: Path) -> None:
    with running_sandbox(tmp_path) as sandbox:
        gateway = TwilioSms(TWILIO_SID, TWILIO_TOKEN, sandbox.url, timeout=5.0)
        sms = Sms("01SEND", "K7Q2M", "+551130000000", "+5511900000001", "Ref K7Q2M", "http://127.0.0.1:9/x")
        accepted = gateway.send(sms)
        price = gateway.price(accepted.provider_id)
        for _ in range(100):
            if price := gateway.price(accepted.provider_id):
                break
            time.sleep(0.05)
        assert price == Price(Decimal("-0.05000"), "USD", 1)
        with pytest.raises(Permanent):
            gateway.price("SM" + "0" * 32)

"""S16 in earnest: webhook, bank file and a person report one payment from three processes, behind a barrier."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from people import SETTINGS
from races import race
from sqlalchemy import Engine, insert, select, update
from three_doors import report

from db.rows import CLOCK, CREDITOR, PAYMENT_CODE
from tests.activities.money_samples import NOON, Counter
from tests.domain.bank_samples import PAID_ON, Entry, ofx

END_TO_END = "E12345678202611231200abcdef12345"
KEY = "123e4567-e12b-12d1-a456-426655440000"
DOORS = ("webhook", "file", "person")
ROUNDS = 3


@pytest.mark.parametrize("order", range(ROUNDS))
def test_one_payment_from_three_processes_counts_once(
    engine: Engine, database_url: str, tmp_path: Path, order: int
) -> None:
    counter = Counter(engine, tmp_path)
    case = counter.open()
    counter.code(case, "TX1", "1034.33", PAID_ON)
    agreement = {"mode": "api", "key": KEY, "name": "Credora Ficticia", "city": "Sao Paulo"}
    with engine.begin() as conn:
        conn.execute(insert(CLOCK).values(id=1, real_origin=datetime.now(UTC), business_origin=NOON, scale=1.0))
        conn.execute(update(CREDITOR).values(settings=SETTINGS | {"pix": agreement}))
    _reports(tmp_path)
    doors = [*DOORS[order % 3 :], *DOORS[: order % 3]]
    said = race(report, [(door, database_url, tmp_path) for door in doors])
    (row,) = counter.payments()
    assert (row.reference, row.amount) == (END_TO_END, Decimal("1034.33"))
    assert len([fact for fact in counter.facts(case) if fact["kind"] == "payment"]) == 1
    assert counter.paid(case) == Decimal("1034.33")
    assert said.count("told 1") == 1
    assert counter.one(select(PAYMENT_CODE)).state == "paid"


def _reports(folder: Path) -> None:
    """The same payment as each door writes it."""
    pix = {"endToEndId": END_TO_END, "txid": "TX1", "valor": "1034.33", "chave": KEY, "horario": "2026-11-23T15:00:00Z"}
    (folder / "pix.json").write_text(json.dumps({"pix": [pix]}))
    (folder / "extrato.ofx").write_bytes(ofx(Entry("1034.33", "F1", memo=f"PIX RECEBIDO {END_TO_END}")))
    (folder / "typed.txt").write_text(f"{END_TO_END} 1034.33")

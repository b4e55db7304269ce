"""S16 in earnest: webhook, bank file and a person report one payment from three processes, behind a barrier."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from people import SETTINGS
from sqlalchemy import Engine, insert, select, update

from db.rows import CLOCK, CREDITOR, PAYMENT_CODE
from tests.activities.money_samples import NOON, Counter
from tests.domain.bank_samples import PAID_ON, Entry, ofx

ROOT = Path(__file__).resolve().parents[2]
HERE = os.environ | {"PYTHONPATH": str(ROOT)}
SCRIPT = Path(__file__).with_name("three_doors.py")
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
    command = [sys.executable, str(SCRIPT)]
    running = [
        subprocess.Popen(
            [*command, door, database_url, str(tmp_path)], stdin=-1, stdout=-1, text=True, cwd=ROOT, env=HERE
        )
        for door in doors
    ]
    for process in running:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in running:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate(timeout=60)[0].strip() for process in running]
    assert [process.returncode for process in running] == [0, 0, 0]
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

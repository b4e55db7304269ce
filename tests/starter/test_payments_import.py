"""Payments from a file: each movement counts once, what matches nothing is kept, what is wrong changes nothing."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from people import new_creditor
from portfolio_files import (
    NOW,
    TODAY,
    bring,
    case_id_of,
    cnpj,
    cpf,
    facts_of,
    invoice,
    rows_of,
    snapshot,
    told,
    write_csv,
)
from sqlalchemy import Engine, text

from activities.desk import fact_id
from activities.money import assign
from domain import facts as f
from domain.errors import BadFile, BadInput, Refused
from starter.importing.payments import PaymentsResult, import_payments


@pytest.fixture(autouse=True)
def portfolio(engine: Engine, tmp_path: Path) -> UUID:
    creditor = new_creditor(engine)
    bring(engine, tmp_path, [invoice("1001", debtor=1), invoice("1002", debtor=2, parcela="2")])
    return creditor


def payment(reference: str = "E0001", **changes: str) -> dict[str, str]:
    return {
        "referencia": reference, "valor": "100,00", "data": "20/11/2026", "documento": "", "numero": "", "parcela": "",
        "caso": "",
    } | changes  # fmt: skip


def counts(**found: int) -> dict[str, int]:
    names = ("rows", "matched", "proposed", "unmatched", "repeated", "contradicted")
    return dict.fromkeys(names, 0) | found


def take(engine: Engine, tmp_path: Path, *rows: dict[str, str]) -> PaymentsResult:
    path = write_csv(tmp_path / "extrato.csv", rows)
    return import_payments(engine, "credora", path, mapping=None, today=TODAY, now=NOW, actor="ana")


def refused(engine: Engine, tmp_path: Path, *rows: dict[str, str]) -> BadFile:
    before = snapshot(engine)
    with pytest.raises(BadFile) as wrong:
        take(engine, tmp_path, *rows)
    assert snapshot(engine) == before
    return wrong.value


def test_a_payment_is_matched_by_its_case_or_by_number_and_document(
    engine: Engine, tmp_path: Path, portfolio: UUID
) -> None:
    first, second = case_id_of(engine, "1001"), case_id_of(engine, "1002")
    result = take(
        engine,
        tmp_path,
        payment("E1", caso=str(first)),
        payment("E2", documento=cnpj(2), numero="001002-02", valor="1.000,00"),
        payment("E3", documento=cnpj(2), numero="1002", parcela="2/3"),
    )
    assert result.counts == counts(rows=3, matched=3)
    assert facts_of(engine, "1001") == [f.PaymentReceived("E1", Decimal("100.00"), date(2026, 11, 20), "payments-file")]
    found = rows_of(engine, "SELECT reference, case_id, amount, hint FROM payment ORDER BY reference")
    assert [tuple(row) for row in found] == [
        ("E1", first, Decimal("100.00"), ""),
        ("E2", second, Decimal("1000.00"), ""),
        ("E3", second, Decimal("100.00"), ""),
    ]
    assert set(result.facts) == {fact_id(f"payment:{portfolio}:E{n}") for n in (1, 2, 3)}
    assert told(engine, "1002").paid() == Decimal("1100.00")


def test_s16_the_same_file_twice_counts_once(engine: Engine, tmp_path: Path) -> None:
    rows = [payment("E1", documento=cnpj(1), numero="1001"), payment("E2")]
    take(engine, tmp_path, *rows)
    before = {name: kept for name, kept in snapshot(engine).items() if name != "import_file"}
    result = take(engine, tmp_path, *rows)
    assert result.counts == counts(rows=2, repeated=2)
    assert result.facts == ()
    assert {name: kept for name, kept in snapshot(engine).items() if name != "import_file"} == before


def test_the_same_movement_twice_in_a_file_counts_once(engine: Engine, tmp_path: Path) -> None:
    row = payment("E1", documento=cnpj(1), numero="1001")
    assert take(engine, tmp_path, row, row).counts == counts(rows=2, matched=1, repeated=1)
    assert told(engine, "1001").paid() == Decimal("100.00")


def test_s16_a_payment_known_from_elsewhere_counts_once(engine: Engine, tmp_path: Path, portfolio: UUID) -> None:
    with engine.begin() as conn:
        conn.execute(
            text(
                "INSERT INTO payment (id, creditor_id, case_id, reference, amount, paid_on, source, hint, received_at) "
                "VALUES (gen_random_uuid(), :creditor, :case, 'E1', 100, '2026-11-20', 'pix', '', :now)"
            ),
            {"creditor": portfolio, "case": case_id_of(engine, "1001"), "now": NOW},
        )
    assert take(engine, tmp_path, payment("E1", documento=cnpj(1), numero="1001")).counts["repeated"] == 1
    assert facts_of(engine, "1001") == []


def test_s16_a_payment_that_matches_nothing_is_kept_for_a_person(engine: Engine, tmp_path: Path) -> None:
    result = take(engine, tmp_path, payment("E1", numero="9999", parcela="1", documento=cpf(123456789)), payment("E2"))
    assert result.counts["unmatched"] == 2
    assert result.facts == ()
    rows = rows_of(engine, "SELECT case_id, hint FROM payment ORDER BY reference")
    assert [tuple(row) for row in rows] == [(None, "row 2, number 9999/1, document ***.456.789-**"), (None, "row 3")]


def test_a_number_alone_is_no_more_than_a_proposal(engine: Engine, tmp_path: Path) -> None:
    assert take(engine, tmp_path, payment(numero="1001")).counts == counts(rows=1, proposed=1)
    (row,) = rows_of(engine, "SELECT case_id, proposal FROM payment")
    assert row.case_id is None
    assert row.proposal == [{"case": str(case_id_of(engine, "1001")), "amount": "100.00", "reason": "number-only"}]


@pytest.mark.parametrize("change", [{"valor": "100,01"}, {"data": "19/11/2026"}])
def test_a_reference_that_is_known_with_other_values_is_refused(
    engine: Engine, tmp_path: Path, change: dict[str, str]
) -> None:
    take(engine, tmp_path, payment("E1"))
    wrong = refused(engine, tmp_path, payment("E2"), payment("E1", **change))
    assert [fault.where for fault in wrong.faults] == ["row 3"]
    assert "known with another amount or day" in wrong.faults[0].found
    assert refused(engine, tmp_path, payment("E9"), payment("E9", **change)).faults[0].where == "row 3"


def test_wrong_rows_refuse_the_whole_file_with_all_faults_in_order(engine: Engine, tmp_path: Path) -> None:
    wrong = refused(
        engine,
        tmp_path,
        payment("E1", caso=str(uuid4())),
        payment("E2", valor="0"),
        payment("E3", data="24/11/2026"),
        payment("E4", documento="11.222.333/0001-80"),
        payment("E5", caso="1001"),
        payment(""),
        payment("Pix de Fulana"),
        payment("E6"),
    )
    assert [fault.where for fault in wrong.faults] == [
        "row 2",
        "row 3, column valor",
        "row 4, column data",
        "row 5, column documento",
        "row 6, column caso",
        "row 7, column referencia",
        "row 8, column referencia",
    ]


def test_a_case_of_another_creditor_is_refused(engine: Engine, tmp_path: Path) -> None:
    new_creditor(engine, "outra", document="22333444000181")
    path = write_csv(tmp_path / "x.csv", [payment(caso=str(case_id_of(engine, "1001")))])
    with pytest.raises(BadFile, match="no case with this id"):
        import_payments(engine, "outra", path, mapping=None, today=TODAY, now=NOW, actor="ana")


def test_missing_columns_and_an_empty_file_are_refused(engine: Engine, tmp_path: Path) -> None:
    wrong = refused(engine, tmp_path, {"valor": "1,00"})
    assert [fault.found for fault in wrong.faults] == ["there is no column referencia", "there is no column data"]
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(BadFile, match="the file is empty"):
        import_payments(engine, "credora", tmp_path / "empty.csv", mapping=None, today=TODAY, now=NOW, actor="ana")


# --- by hand -------------------------------------------------------------------------------------------------------
def give(engine: Engine, money: UUID, case: UUID) -> UUID:
    with engine.begin() as conn:
        return assign(conn, money, case, "ana", NOW)


def unmatched(engine: Engine, tmp_path: Path) -> UUID:
    take(engine, tmp_path, payment("E1"))
    return UUID(str(rows_of(engine, "SELECT id FROM payment")[0].id))


def test_a_person_matches_a_payment_and_doing_it_twice_counts_once(
    engine: Engine, tmp_path: Path, portfolio: UUID
) -> None:
    money, case = unmatched(engine, tmp_path), case_id_of(engine, "1001")
    made = give(engine, money, case)
    assert made == fact_id(f"payment:{portfolio}:E1") == give(engine, money, case)
    assert told(engine, "1001").paid() == Decimal("100.00")
    assert rows_of(engine, "SELECT case_id FROM payment")[0].case_id == case
    assert take(engine, tmp_path, payment("E1")).counts["repeated"] == 1


def test_a_payment_cannot_be_matched_twice_nor_across_creditors_nor_to_nothing(engine: Engine, tmp_path: Path) -> None:
    money = unmatched(engine, tmp_path)
    first, second = case_id_of(engine, "1001"), case_id_of(engine, "1002")
    with pytest.raises(BadInput, match="no payment"):
        give(engine, uuid4(), first)
    with pytest.raises(BadInput, match="no case"):
        give(engine, money, uuid4())
    other = new_creditor(engine, "outra", document="22333444000181")
    with engine.begin() as conn:
        conn.execute(text('UPDATE "case" SET creditor_id = :o WHERE id = :c'), {"o": other, "c": second})
    before = snapshot(engine)
    with pytest.raises(Refused, match="another creditor"):
        give(engine, money, second)
    assert snapshot(engine) == before
    give(engine, money, first)
    with engine.begin() as conn:
        conn.execute(text('UPDATE "case" SET creditor_id = p.creditor_id FROM payment p'))
    with pytest.raises(Refused, match="another case"):
        give(engine, money, second)

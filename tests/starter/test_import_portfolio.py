"""A file of invoices against a real database: what is new, what changed, what is refused."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest
from openpyxl import Workbook
from people import new_creditor
from portfolio_files import (
    NOW,
    TODAY,
    bring,
    case_id_of,
    cnpj,
    counts_of_all,
    cpf,
    facts_of,
    invoice,
    owed,
    plan,
    rows_of,
    snapshot,
    told,
    write_csv,
)
from sqlalchemy import Engine, delete, select, text, update

from activities.desk import fact_values, store_facts
from db.rows import CASE, CONTACT_POINT, DEBTOR, FACT, INVOICE, TASK
from domain import facts as f
from domain.case import load
from domain.errors import BadFile, BadInput, Refused
from domain.hours import jitter_of
from starter.importing.portfolio import apply_import
from starter.importing.release import apply_release
from starter.importing.rows import Point


@pytest.fixture(autouse=True)
def credora(engine: Engine) -> None:
    new_creditor(engine)


def refused(engine: Engine, tmp_path: Path, rows: list[dict[str, str]]) -> BadFile:
    """A file that must be refused, and must leave every table as it was."""
    before = snapshot(engine)
    with pytest.raises(BadFile) as wrong:
        bring(engine, tmp_path, rows)
    assert snapshot(engine) == before
    return wrong.value


# --- new invoices ---------------------------------------------------------------------------------------------------
def test_a_new_invoice_becomes_debtor_addresses_invoice_and_case(engine: Engine, tmp_path: Path) -> None:
    result = bring(engine, tmp_path, [invoice("001001-2")])
    assert result.counts["new"] == 1
    assert result.facts == ()
    (debtor,) = rows_of(engine, "SELECT * FROM debtor")
    assert (debtor.kind, debtor.document, debtor.uf, debtor.cep) == ("company", cnpj(11111111), "SP", "01305000")
    assert debtor.ibge == "3550308"
    points = rows_of(engine, "SELECT channel, address, state, source FROM contact_point ORDER BY channel")
    assert [tuple(point) for point in points] == [
        ("email", "contas@d11111111.example.com", "usable", "import"),
        ("sms", "+5511900000001", "usable", "import"),
    ]
    (row,) = rows_of(engine, "SELECT * FROM invoice")
    assert (row.number, row.instalment, row.printed_number) == ("1001", "2", "001001-2")
    assert (row.amount, row.fine_percent, row.charges_source) == (Decimal("1000.00"), 2, "contrato, cláusula 5")
    assert row.import_id == result.import_id
    (case,) = rows_of(engine, 'SELECT * FROM "case"')
    state = load(case.state)
    assert (case.stage, case.balance, case.started_at) == ("preventive", Decimal("1000.00"), None)
    assert case.starts_on == date(2026, 11, 28)
    assert case.next_at == datetime(2026, 11, 28, 3, tzinfo=UTC)
    assert case.next_reason
    assert state.id == str(case.id)
    assert state.jitter == jitter_of(str(debtor.id))
    assert state.terms.due == date(2026, 12, 1)
    assert not state.awaits_release
    assert rows_of(engine, "SELECT name FROM policy")[0].name == "padrao-b2b"


def test_the_kind_of_debtor_chooses_the_policy_and_a_column_overrides_it(engine: Engine, tmp_path: Path) -> None:
    person = {"devedor_documento": cpf(123456789)}
    bring(
        engine,
        tmp_path,
        [
            invoice("1"),
            invoice("2", **person),
            invoice("3", **person | {"consumidor": "não"}),
            invoice("4", regua="amigavel"),
        ],
    )
    found = rows_of(
        engine,
        'SELECT i.number, p.name FROM invoice i JOIN "case" c ON c.invoice_id = i.id '
        "JOIN policy p ON p.hash = c.policy_hash ORDER BY i.number",
    )
    assert [row.name for row in found] == ["padrao-b2b", "padrao-consumidor", "padrao-b2b", "amigavel"]
    assert told(engine, "2").terms.consumer
    assert not told(engine, "3").terms.consumer


def test_rows_of_one_debtor_make_one_debtor(engine: Engine, tmp_path: Path) -> None:
    rows = [invoice(str(n), emails="a@example.com; b@example.com", telefones="") for n in range(5)]
    bring(engine, tmp_path, rows)
    counts = counts_of_all(engine)
    assert (counts["debtor"], counts["invoice"], counts["contact_point"]) == (1, 5, 2)


def test_a_new_case_of_a_debtor_who_opted_out_keeps_the_opt_out(engine: Engine, tmp_path: Path) -> None:
    bring(engine, tmp_path, [invoice("1")])
    with engine.begin() as conn:
        conn.execute(text("""UPDATE debtor SET opted_out = '["sms"]'"""))
    bring(engine, tmp_path, [invoice("2")])
    assert told(engine, "2").deaf_to("sms")


def test_a_new_case_of_a_debtor_who_named_his_hours_keeps_them(engine: Engine, tmp_path: Path) -> None:
    bring(engine, tmp_path, [invoice("1", emails="a@example.com; b@example.com")])
    with engine.begin() as conn:
        conn.execute(text("UPDATE contact_point SET rank = -1, best_hours = '14:00-16:00' WHERE address LIKE 'b@%'"))
    bring(engine, tmp_path, [invoice("2"), invoice("3", debtor=9)])
    assert [told(engine, number).best_hours for number in "23"] == ["14:00-16:00", ""]


def test_what_was_never_known_and_is_not_open_any_more_is_left_out(engine: Engine, tmp_path: Path) -> None:
    rows = [invoice("1", situacao="pago"), invoice("2", situacao="cancelado"), invoice("3", saldo="0"), invoice("4")]
    result = bring(engine, tmp_path, rows)
    assert (result.counts["settled"], result.counts["new"]) == (3, 1)
    assert counts_of_all(engine)["case"] == 1


def test_what_was_paid_before_the_import_lowers_the_debt_without_thanks(engine: Engine, tmp_path: Path) -> None:
    bring(engine, tmp_path, [invoice("1", valor_pago="300,00", saldo="600,00", vencimento="01/11/2026")])
    assert rows_of(engine, 'SELECT balance FROM "case"')[0].balance == Decimal("616.40")  # 2 % and 22 days of 600.00
    case = told(engine, "1")
    assert case.face() == Decimal("600.00")
    assert case.payments == []
    # The creditor's system goes on counting from the first payment.
    bring(engine, tmp_path, [invoice("1", valor_pago="500,00", saldo="400,00", vencimento="01/11/2026")])
    assert [p.amount for p in told(engine, "1").payments] == [Decimal("200.00")]


def test_what_was_paid_before_counts_at_once_where_the_due_date_is_still_to_come(
    engine: Engine, tmp_path: Path
) -> None:
    bring(engine, tmp_path, [invoice("1", saldo="600,00")])
    assert rows_of(engine, 'SELECT balance FROM "case"')[0].balance == Decimal("600.00")
    assert told(engine, "1").debt(TODAY).total == Decimal("600.00")


def test_more_rows_than_one_batch_all_arrive(engine: Engine, tmp_path: Path) -> None:
    rows = [invoice(str(n), debtor=n // 2) for n in range(4321)]
    seen: list[int] = []
    planned = plan(engine, write_csv(tmp_path / "many.csv", rows))
    apply_import(engine, planned, "ana", NOW, seen.append)
    counts = counts_of_all(engine)
    assert (counts["invoice"], counts["case"], counts["debtor"]) == (4321, 4321, 2161)
    assert seen == [2000, 4000, 4321]


# --- a book that was put back ---------------------------------------------------------------------------------------
def cases_by_number(engine: Engine) -> dict[str, UUID]:
    listed = select(INVOICE.c.number, CASE.c.id).join(CASE, CASE.c.invoice_id == INVOICE.c.id)
    with engine.connect() as conn:
        return {row.number: row.id for row in conn.execute(listed)}


def test_an_invoice_that_the_copy_of_the_book_did_not_know_gets_the_case_that_it_had(
    engine: Engine, tmp_path: Path
) -> None:
    """So that what left for it after the copy is looked up under the ids that it left under."""
    rows = [invoice("1"), invoice("2", debtor=2), invoice("3", parcela="2")]
    bring(engine, tmp_path, rows)
    before = cases_by_number(engine)
    with engine.begin() as conn:
        for table in (TASK, FACT, CASE, INVOICE, CONTACT_POINT, DEBTOR):
            conn.execute(delete(table))
    bring(engine, tmp_path, [invoice("0"), *reversed(rows)])
    after = cases_by_number(engine)
    assert {number: after[number] for number in before} == before
    assert len(set(after.values())) == 4


def test_an_invoice_of_a_debtor_who_was_erased_is_another_case_when_it_comes_again(
    engine: Engine, tmp_path: Path
) -> None:
    bring(engine, tmp_path, [invoice("1")])
    with engine.begin() as conn:
        conn.execute(update(CASE).values(stage="closed"))
        conn.execute(update(DEBTOR).values(document="apagado:1"))
    bring(engine, tmp_path, [invoice("1"), invoice("2")])
    with engine.connect() as conn:
        assert len(conn.execute(select(CASE.c.id)).all()) == 3


# --- the same again -------------------------------------------------------------------------------------------------
def test_the_same_file_again_changes_nothing(engine: Engine, tmp_path: Path) -> None:
    rows = [invoice(str(n), debtor=n) for n in range(3)]
    bring(engine, tmp_path, rows)
    before = {name: kept for name, kept in snapshot(engine).items() if name != "import_file"}
    result = bring(engine, tmp_path, rows, full=True)
    assert {name: kept for name, kept in snapshot(engine).items() if name != "import_file"} == before
    assert result.counts["unchanged"] == 3
    assert result.facts == ()


def test_the_same_row_written_otherwise_is_unchanged(engine: Engine, tmp_path: Path) -> None:
    bring(engine, tmp_path, [invoice("1234", valor="1.000,00", vencimento="01/12/2026", parcela="1")])
    other = invoice(
        "1234", valor="R$ 1000", vencimento="2026-12-01", parcela="01", devedor_documento=f"CNPJ {cnpj(11111111)}"
    )
    assert bring(engine, tmp_path, [other]).counts["unchanged"] == 1


@pytest.mark.parametrize("printed", ["1234/1", "001234-1", "1234-01"])
def test_an_invoice_is_the_same_however_its_number_is_printed(engine: Engine, tmp_path: Path, printed: str) -> None:
    bring(engine, tmp_path, [invoice("1234", parcela="1")])
    bring(engine, tmp_path, [invoice(printed)])
    assert counts_of_all(engine)["invoice"] == 1


def test_a_plan_writes_nothing(engine: Engine, tmp_path: Path) -> None:
    bring(engine, tmp_path, [invoice("1")])
    before = snapshot(engine)
    seen = plan(engine, write_csv(tmp_path / "next.csv", [invoice("1", saldo="10"), invoice("2")]), full=True)
    assert (seen.counts["new"], seen.counts["reduced"]) == (1, 1)
    assert snapshot(engine) == before


# --- S20: the second export -----------------------------------------------------------------------------------------
def test_s20_five_rows_of_the_second_export_have_five_results(engine: Engine, tmp_path: Path) -> None:
    bring(engine, tmp_path, [invoice(str(n), debtor=n) for n in range(1, 6)])
    second = [
        invoice("2", debtor=2, vencimento="15/12/2026"),
        invoice("3", debtor=3, valor="900,00"),
        invoice("4", debtor=4, emails="contas@d4.example.com; novo@example.com"),
        invoice("5", debtor=5),
    ]
    seen = plan(engine, write_csv(tmp_path / "second.csv", second), full=True)
    wanted = {"vanished": 1, "extended": 1, "reduced": 1, "contact": 1, "unchanged": 1, "changed": 3, "rows": 4}
    assert {name: seen.counts[name] for name in wanted} == wanted
    result = apply_import(engine, seen, "ana", NOW)
    assert facts_of(engine, "1") == [f.Vanished("import")]
    assert facts_of(engine, "2") == [f.Extended(date(2026, 12, 15), "import")]
    assert facts_of(engine, "3") == [f.Adjusted(Decimal("100.00"), "correction", TODAY, "import-amount")]
    assert facts_of(engine, "4") == [f.ContactDataChanged("email")]
    assert facts_of(engine, "5") == []
    assert len(result.facts) == 4
    # The debtor of the vanished row gets no message: the case is held, with a task for a person.
    gone = told(engine, "1")
    assert gone.holds == ["vanished"]
    assert [task.kind for task in gone.tasks.values()] == ["vanished-from-export"]
    assert counts_of_all(engine)["contact"] == 0
    assert told(engine, "2").terms.due == date(2026, 12, 15)
    assert owed(engine, "3") == Decimal("900.00")


def test_a_row_that_comes_back_lifts_the_hold(engine: Engine, tmp_path: Path) -> None:
    both = [invoice("1", debtor=1), invoice("2", debtor=2)]
    bring(engine, tmp_path, both)
    for _ in range(2):  # going and coming back can happen again, with the very same files
        bring(engine, tmp_path, both[1:], full=True)
        assert rows_of(engine, "SELECT vanished FROM invoice WHERE number = '1'")[0].vanished
        assert told(engine, "1").holds == ["vanished"]
        result = bring(engine, tmp_path, both)
        assert result.counts["returned"] == 1
        assert not rows_of(engine, "SELECT vanished FROM invoice WHERE number = '1'")[0].vanished
        case = told(engine, "1")
        assert case.holds == []
        assert case.tasks == {}


def test_only_a_full_file_makes_others_vanish(engine: Engine, tmp_path: Path) -> None:
    bring(engine, tmp_path, [invoice("1", debtor=1), invoice("2", debtor=2)])
    assert bring(engine, tmp_path, [invoice("1", debtor=1)]).counts["vanished"] == 0
    assert facts_of(engine, "2") == []


def test_new_invoices_of_a_full_file_do_not_vanish_with_it(engine: Engine, tmp_path: Path) -> None:
    bring(engine, tmp_path, [invoice("1")], full=True)
    assert facts_of(engine, "1") == []


# --- paid -----------------------------------------------------------------------------------------------------------
def test_a_paid_row_is_one_payment_that_closes_the_case(engine: Engine, tmp_path: Path) -> None:
    late = {"vencimento": "03/11/2026"}
    bring(engine, tmp_path, [invoice("1", **late)])
    paid = invoice("1", **late, situacao="pago", pago_em="23/11/2026")
    result = bring(engine, tmp_path, [paid])
    assert result.counts["paid"] == 1
    (payment,) = rows_of(engine, "SELECT * FROM payment")
    assert payment.amount == Decimal("1026.67")  # 1,000.00 + 2 % + 20 days of 1 % a month
    assert payment.case_id == case_id_of(engine, "1")
    assert payment.reference.startswith("import:")
    assert bring(engine, tmp_path, [paid]).facts == ()
    case = told(engine, "1")
    assert case.settled(Decimal("0.00"))
    assert [fact.kind for fact in facts_of(engine, "1")] == ["payment"]


def test_s11_principal_paid_and_charges_not_is_never_silently_closed(engine: Engine, tmp_path: Path) -> None:
    late = {"vencimento": "03/11/2026"}
    bring(engine, tmp_path, [invoice("1", **late)])
    bring(engine, tmp_path, [invoice("1", **late, situacao="pago", pago_em="23/11/2026", valor_pago="1000,00")])
    case = told(engine, "1")
    assert case.paid() == Decimal("1000.00")
    assert case.debt(TODAY).total == Decimal("26.67")
    assert not case.closed


def test_part_payments_count_once_by_their_growing_sum(engine: Engine, tmp_path: Path) -> None:
    bring(engine, tmp_path, [invoice("1")])
    for total in ("100,00", "250,00", "250,00"):
        bring(engine, tmp_path, [invoice("1", valor_pago=total, descricao=f"até {total}")])
    assert [row.amount for row in rows_of(engine, "SELECT amount FROM payment ORDER BY received_at, amount")] == [
        Decimal("100.00"),
        Decimal("150.00"),
    ]
    assert told(engine, "1").paid() == Decimal("250.00")


def test_s12_a_row_paid_with_a_rebate_leaves_no_principal(engine: Engine, tmp_path: Path) -> None:
    bring(engine, tmp_path, [invoice("1")])
    bring(engine, tmp_path, [invoice("1", situacao="pago", pago_em="20/11/2026", valor_pago="950,00")])
    case = told(engine, "1")
    assert (case.paid(), case.reductions[0].amount, case.face()) == (Decimal("950.00"), Decimal("50.00"), 0)


def test_a_closed_case_hears_of_money_only(engine: Engine, tmp_path: Path) -> None:
    bring(engine, tmp_path, [invoice("1")])
    with engine.begin() as conn:
        conn.execute(
            text("""UPDATE "case" SET stage = 'closed', state = state || '{"closed": "void", "ended": "void"}'""")
        )
    result = bring(engine, tmp_path, [invoice("1", situacao="pago", vencimento="01/01/2027")])
    assert (result.facts, result.counts["closed"]) == ((), 1)
    bring(engine, tmp_path, [invoice("1", situacao="pago", valor_pago="10,00")])
    assert [fact.kind for fact in facts_of(engine, "1")] == ["payment"]


def test_a_saldo_that_fell_before_a_payment_became_known_is_not_counted_twice(engine: Engine, tmp_path: Path) -> None:
    bring(engine, tmp_path, [invoice("1")])
    bring(engine, tmp_path, [invoice("1", saldo="400,00")])
    assert owed(engine, "1") == Decimal("400.00")
    bring(engine, tmp_path, [invoice("1", situacao="pago", pago_em="20/11/2026", valor_pago="1.000,00")])
    case = told(engine, "1")
    assert case.paid() == Decimal("400.00")
    assert not any(need.task == "refund" for need in case.needs)


# --- smaller, later, void -------------------------------------------------------------------------------------------
def test_staff_and_creditor_may_give_the_same_rebate_and_it_counts_once(engine: Engine, tmp_path: Path) -> None:
    bring(engine, tmp_path, [invoice("1")])
    with engine.begin() as conn:
        rebate = """{"reductions": [{"amount": "100.00", "how": "rebate", "on": "2026-11-20"}]}"""
        conn.execute(text('UPDATE "case" SET state = state || CAST(:r AS jsonb)'), {"r": rebate})
    assert bring(engine, tmp_path, [invoice("1", valor="900,00")]).facts == ()
    bring(engine, tmp_path, [invoice("1", valor="850,00")])
    assert owed(engine, "1") == Decimal("850.00")


def test_two_reductions_in_a_row_add_up_before_and_after_the_case_took_them_in(engine: Engine, tmp_path: Path) -> None:
    bring(engine, tmp_path, [invoice("1")])
    bring(engine, tmp_path, [invoice("1", valor="900,00")])
    bring(engine, tmp_path, [invoice("1", valor="900,00", saldo="700,00")])
    assert owed(engine, "1") == Decimal("700.00")
    bring(engine, tmp_path, [invoice("1", valor="600,00")])
    assert owed(engine, "1") == Decimal("600.00")


def test_an_extension_that_staff_gave_already_is_not_given_again(engine: Engine, tmp_path: Path) -> None:
    bring(engine, tmp_path, [invoice("1")])
    with engine.begin() as conn:
        conn.execute(text("""UPDATE "case" SET state = jsonb_set(state, '{terms,due}', '"2026-12-20"')"""))
    assert bring(engine, tmp_path, [invoice("1", vencimento="20/12/2026")]).facts == ()
    bring(engine, tmp_path, [invoice("1", vencimento="21/12/2026")])
    assert facts_of(engine, "1") == [f.Extended(date(2026, 12, 21), "import")]


def test_a_cancelled_row_voids_the_case(engine: Engine, tmp_path: Path) -> None:
    bring(engine, tmp_path, [invoice("1")])
    result = bring(engine, tmp_path, [invoice("1", situacao="cancelado")])
    assert result.counts["void"] == 1
    assert told(engine, "1").ended == "void"


# --- contact data ---------------------------------------------------------------------------------------------------
def test_a_new_way_to_reach_a_debtor_is_told_to_all_his_open_cases(engine: Engine, tmp_path: Path) -> None:
    bring(engine, tmp_path, [invoice("1"), invoice("2"), invoice("9", debtor=9)])
    result = bring(engine, tmp_path, [invoice("1", emails="novo@example.com", endereco="Rua Inventada, 99")])
    assert sorted(fact.channel for fact in facts_of(engine, "1")) == ["email", "letter"]
    assert sorted(fact.channel for fact in facts_of(engine, "2")) == ["email", "letter"]
    assert facts_of(engine, "9") == []
    assert result.counts["contact"] == 1
    assert rows_of(engine, "SELECT address FROM debtor WHERE document = :d", d=cnpj(11111111))[0].address == (
        "Rua Inventada, 99"
    )


def test_an_address_that_is_not_in_the_file_any_more_stays(engine: Engine, tmp_path: Path) -> None:
    bring(engine, tmp_path, [invoice("1")])
    bring(engine, tmp_path, [invoice("1", emails="", telefones="", endereco="")])
    assert counts_of_all(engine)["contact_point"] == 2
    assert rows_of(engine, "SELECT address FROM debtor")[0].address == "Rua Fictícia, 10"


def test_an_address_that_bounced_stays_invalid(engine: Engine, tmp_path: Path) -> None:
    bring(engine, tmp_path, [invoice("1")])
    with engine.begin() as conn:
        conn.execute(text("UPDATE contact_point SET state = 'invalid' WHERE channel = 'email'"))
    assert bring(engine, tmp_path, [invoice("1", descricao="outra")]).facts == ()
    assert rows_of(engine, "SELECT state FROM contact_point WHERE channel = 'email'")[0].state == "invalid"


def test_numbers_for_whatsapp_and_voice_are_kept_with_where_he_agreed(engine: Engine, tmp_path: Path) -> None:
    given = {"whatsapp": "(11) 90000-0002", "voz": "(11) 2000-0003; 3333", "consentimento": "contrato 7, cláusula 3"}
    row = invoice("1", emails="") | given
    bring(engine, tmp_path, [row])
    points = rows_of(engine, "SELECT channel, address, state, consent FROM contact_point ORDER BY rank")
    assert [tuple(point) for point in points] == [
        ("sms", "+5511900000001", "usable", ""),
        ("whatsapp", "+5511900000002", "usable", "contrato 7, cláusula 3"),
        ("voice", "+551120000003", "usable", "contrato 7, cláusula 3"),
        ("voice", "3333", "unusable", "contrato 7, cláusula 3"),
    ]
    (task,) = rows_of(engine, "SELECT * FROM task")
    assert task.details == ["row 2", "phone"]


def test_whatsapp_without_consent_refuses_the_file_and_a_landline_cannot_be_written_to(
    engine: Engine, tmp_path: Path
) -> None:
    with pytest.raises(BadFile, match="whatsapp: there is a number without his consent; write in consentimento"):
        bring(engine, tmp_path, [invoice("1") | {"whatsapp": "(11) 90000-0002"}])
    assert counts_of_all(engine)["contact_point"] == 0
    bring(engine, tmp_path, [invoice("1") | {"whatsapp": "(11) 2000-0003", "consentimento": "ficha de cadastro"}])
    (point,) = rows_of(engine, "SELECT state FROM contact_point WHERE channel = 'whatsapp'")
    assert point.state == "unusable"


def test_a_file_from_before_these_columns_has_the_hashes_that_it_had() -> None:
    assert repr(Point("sms", "+5511900000001", "usable")) == (
        "Point(channel='sms', address='+5511900000001', state='usable')"
    )


def test_a_bad_phone_or_email_is_kept_unusable_with_a_task_that_does_not_repeat_it(
    engine: Engine, tmp_path: Path
) -> None:
    bad = invoice("1", emails="sem-arroba.example.com", telefones="3333-2222")
    result = bring(engine, tmp_path, [invoice("0", debtor=5), bad])
    assert result.counts["bad_contact"] == 2
    points = rows_of(
        engine, "SELECT channel, address, state FROM contact_point WHERE state = 'unusable' ORDER BY channel"
    )
    assert [tuple(point) for point in points] == [
        ("call", "3333-2222", "unusable"),
        ("email", "sem-arroba.example.com", "unusable"),
    ]
    tasks = rows_of(engine, "SELECT * FROM task ORDER BY details")
    assert [task.details for task in tasks] == [["row 3", "email"], ["row 3", "phone"]]
    assert {(task.kind, task.owner, task.due, task.case_id) for task in tasks} == {
        ("bad-contact", "clerk", date(2026, 11, 24), case_id_of(engine, "1"))
    }
    bring(engine, tmp_path, [bad | {"descricao": "outra"}])
    assert counts_of_all(engine)["task"] == 2


# --- refusals -------------------------------------------------------------------------------------------------------
def test_every_wrong_row_is_told_at_once_and_nothing_is_written(engine: Engine, tmp_path: Path) -> None:
    wrong = refused(
        engine,
        tmp_path,
        [
            invoice("1", debtor=1),
            invoice("2", devedor_documento="11.222.333/0001-80"),
            invoice("3", vencimento="31/02/2026"),
            invoice("4", valor="1.234"),
            invoice("5", especie="XYZ"),
            invoice("6", devedor_documento=cpf(123456789), multa="2,5"),
            invoice("7", uf="", cep=""),
            invoice("8", debtor=1),
            invoice("008", debtor=1),
            invoice("", debtor=1),
        ],
    )
    assert [fault.where for fault in wrong.faults] == [
        "row 3, column devedor_documento",
        "row 4, column vencimento",
        "row 5, column valor",
        "row 6, column especie",
        "row 7, column multa",
        "row 8, column uf",
        "row 10, column numero",
        "row 11, column numero",
    ]
    assert all(fault.found and fault.wanted for fault in wrong.faults)
    assert "stands in row 9" in wrong.faults[6].found


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"vencimento": "30/11/2026"}, "vencimento"),
        ({"valor": "1.000,01"}, "valor"),
        ({"especie": "DSI"}, "especie"),
        ({"emissao": "02/10/2026"}, "emissao"),
        ({"multa": "1"}, "multa"),
        ({"juros": "0,5"}, "juros"),
        ({"consumidor": "sim"}, "consumidor"),
        ({"regua": "amigavel"}, "regua"),
        ({"devedor_documento": cnpj(22222222)}, "devedor_documento"),
    ],
)
def test_what_would_make_another_debt_of_an_open_invoice_is_refused(
    engine: Engine, tmp_path: Path, change: dict[str, str], column: str
) -> None:
    bring(engine, tmp_path, [invoice("1")])
    wrong = refused(engine, tmp_path, [invoice("2"), invoice("1", **change)])
    assert [fault.where for fault in wrong.faults] == [f"row 3, column {column}"]


def test_what_an_import_lowered_or_extended_cannot_be_taken_back_by_the_next(engine: Engine, tmp_path: Path) -> None:
    bring(engine, tmp_path, [invoice("1")])
    bring(engine, tmp_path, [invoice("1", valor="800,00", vencimento="20/12/2026")])
    wrong = refused(engine, tmp_path, [invoice("1")])
    assert [fault.where for fault in wrong.faults] == ["row 2, column vencimento", "row 2, column valor"]


def test_two_debtors_may_have_the_same_number_where_one_file_brings_both(engine: Engine, tmp_path: Path) -> None:
    bring(engine, tmp_path, [invoice("1", debtor=1)])
    bring(engine, tmp_path, [invoice("1", debtor=1), invoice("1", debtor=2)])
    assert counts_of_all(engine)["invoice"] == 2


def test_two_creditors_do_not_see_each_other(engine: Engine, tmp_path: Path) -> None:
    new_creditor(engine, "outra", document="22333444000181")
    bring(engine, tmp_path, [invoice("1")])
    with engine.begin() as conn:
        conn.execute(text("UPDATE creditor SET code = CASE code WHEN 'outra' THEN 'credora' ELSE 'x' || code END"))
    result = bring(engine, tmp_path, [invoice("1")], full=True)
    assert (result.counts["new"], result.counts["vanished"]) == (1, 0)
    assert counts_of_all(engine)["debtor"] == 2


def test_an_unknown_creditor_an_empty_file_and_no_file_are_refused(engine: Engine, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "titulos.csv", [invoice("1")])
    with engine.begin() as conn:
        conn.execute(text("UPDATE creditor SET code = 'outra'"))
    with pytest.raises(BadInput, match="there is no creditor credora; known are outra"):
        plan(engine, path)
    with engine.begin() as conn:
        conn.execute(text("UPDATE creditor SET code = 'credora'"))
    path.write_text(path.read_text().split("\n")[0])
    with pytest.raises(BadFile, match="it has no invoice"):
        plan(engine, path)
    path.write_text("")
    with pytest.raises(BadFile, match="the file is empty"):
        plan(engine, path)
    with pytest.raises(BadInput, match="it cannot be read"):
        plan(engine, tmp_path / "nothing.csv")


def test_a_total_below_the_last_row_is_left_out_and_told(engine: Engine, tmp_path: Path) -> None:
    total = dict.fromkeys(invoice(), "") | {"devedor_nome": "TOTAL", "valor": "2.000,00"}
    seen = plan(engine, write_csv(tmp_path / "sum.csv", [invoice("1"), invoice("2"), total]))
    assert (seen.counts["new"], [left.row for left in seen.left_out]) == (2, [4])
    wrong = refused(engine, tmp_path, [invoice("1"), total, invoice("2")])
    assert {fault.where.split(",")[0] for fault in wrong.faults} == {"row 3"}


def test_a_plan_is_refused_where_the_world_has_moved_since(engine: Engine, tmp_path: Path) -> None:
    bring(engine, tmp_path, [invoice("1")])
    seen = plan(engine, write_csv(tmp_path / "late.csv", [invoice("1", descricao="nova"), invoice("2")]))
    bring(engine, tmp_path, [invoice("1", valor="900,00")])
    before = snapshot(engine)
    with pytest.raises(BadFile, match="the amount would be higher"):
        apply_import(engine, seen, "ana", NOW)
    assert snapshot(engine) == before


def test_a_second_import_of_one_creditor_is_stopped_while_the_first_runs(engine: Engine, tmp_path: Path) -> None:
    first = plan(engine, write_csv(tmp_path / "a.csv", [invoice("1")]))
    second = plan(engine, write_csv(tmp_path / "b.csv", [invoice("1"), invoice("2")]))
    halfway, go_on = threading.Event(), threading.Event()

    def wait(done: int) -> None:
        halfway.set()
        go_on.wait(10)

    running = threading.Thread(target=apply_import, args=(engine, first, "ana", NOW, wait))
    running.start()
    halfway.wait(10)
    try:
        with pytest.raises(Refused, match="another import"):
            apply_import(engine, second, "bia", NOW)
    finally:
        go_on.set()
        running.join()
    assert apply_import(engine, second, "bia", NOW).counts["unchanged"] == 1


# --- S19: an old portfolio ------------------------------------------------------------------------------------------
def old_portfolio(cases: int) -> list[dict[str, str]]:
    """Invoices from one day late on, a different debtor each."""
    days = [TODAY - timedelta(days=1 + late * 900 // cases) for late in range(cases)]
    return [invoice(str(n), debtor=n, vencimento=f"{day:%d/%m/%Y}", emissao="01/01/2024") for n, day in enumerate(days)]


def test_s19_an_old_portfolio_waits_for_release_and_its_first_word_is_never_a_notice(
    engine: Engine, tmp_path: Path
) -> None:
    seen = plan(engine, write_csv(tmp_path / "old.csv", old_portfolio(800)))
    assert seen.counts["waits"] == 800
    released = seen.goes_out(7)
    assert all(outgo.after_release for outgo in released)
    assert {outgo.do for outgo in released} == {"contact"}
    assert {(outgo.day, outgo.step, outgo.cases) for outgo in released} == {(date(2026, 11, 24), "atraso-1", 800)}
    apply_import(engine, seen, "ana", NOW)
    for number in ("0", "400", "799"):
        case = told(engine, number, NOW + timedelta(days=30))
        assert case.awaits_release
        assert case.last_contact_on is None
    assert counts_of_all(engine)["fact"] == 0


def test_release_lets_every_waiting_case_go_once(engine: Engine, tmp_path: Path) -> None:
    bring(engine, tmp_path, [*old_portfolio(3), invoice("future", debtor=99)])
    result = apply_release(engine, "credora", today=TODAY, now=NOW, actor="ana")
    assert result.cases == len(result.facts) == 3
    assert facts_of(engine, "1") == [f.Released(TODAY)]
    assert facts_of(engine, "FUTURE") == []
    assert apply_release(engine, "credora", today=TODAY, now=NOW, actor="ana").cases == 0
    case = told(engine, "1")
    assert (case.awaits_release, case.ladder_due) == (False, TODAY)
    assert case.terms.due < TODAY
    assert apply_release(engine, "credora", today=TODAY, now=NOW, actor="ana").cases == 0


def test_the_outlook_shows_the_steps_of_the_next_days(engine: Engine, tmp_path: Path) -> None:
    rows = [
        *(invoice(f"s{n}", debtor=n, vencimento="27/11/2026") for n in range(3)),
        invoice("late", debtor=50, vencimento="20/01/2026", emissao="02/01/2026"),
        invoice("far", debtor=51, vencimento="20/06/2027"),
        invoice("prescribed", debtor=52, vencimento="20/01/2020", emissao="02/01/2020"),
    ]
    seen = plan(engine, write_csv(tmp_path / "mix.csv", rows))
    assert [(o.day, o.step, o.cases, o.after_release) for o in seen.goes_out(10)] == [
        (date(2026, 11, 24), "atraso-1", 1, True),
        (date(2026, 11, 24), "lembrete", 3, False),
        (date(2026, 11, 30), "atraso-1", 3, False),
        (date(2026, 11, 30), "ligar", 1, True),
    ]


# --- spreadsheets ----------------------------------------------------------------------------------------------------
def test_a_spreadsheet_of_an_erp_comes_in_through_a_map(engine: Engine, tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Documento", "Data de Competência", "Data de Vencimento", "Valor", "Cliente", "CNPJ/CPF", "UF"])
    for number in range(3):
        sheet.append(
            [1000 + number, date(2026, 10, 1), date(2026, 12, 1), 150.5, "Inventada", int(cnpj(1234567)), "SP"]
        )
    sheet.append(["Total", None, None, 451.5, None, None, None])
    book.save(tmp_path / "receber.xlsx")
    mapping = tmp_path / "erp.yaml"
    mapping.write_text(
        "columns: {numero: Documento, emissao: Data de Competência, vencimento: Data de Vencimento, "
        "devedor_nome: Cliente, devedor_documento: CNPJ/CPF}\nconstants: {especie: DMI}\n",
        encoding="utf-8",
    )
    seen = plan(engine, tmp_path / "receber.xlsx", mapping=mapping)
    assert (seen.counts["new"], [left.row for left in seen.left_out], seen.ignored) == (3, [5], ())
    apply_import(engine, seen, "ana", NOW)
    found = rows_of(engine, "SELECT i.number, i.amount, d.document FROM invoice i JOIN debtor d ON d.id = i.debtor_id")
    assert {tuple(row) for row in found} == {
        (str(1000 + number), Decimal("150.50"), cnpj(1234567)) for number in range(3)
    }


# --- boletos, tax withheld, index, fees ------------------------------------------------------------------------------
LINE = "34191.09008 00001.190578 01234.560009 9 15000000100000"
BOLETO = {"nosso_numero": "109/00000011-9", "linha_digitavel": LINE}


def boleto_of(engine: Engine, number: str) -> tuple[str, str, str]:
    (row,) = rows_of(engine, "SELECT bank, our_number, boleto_line FROM invoice WHERE number = :n", n=number)
    return row.bank, row.our_number, row.boleto_line


def test_a_boleto_is_kept_for_matching_and_bars_a_protest_until_it_is_withdrawn(engine: Engine, tmp_path: Path) -> None:
    bring(engine, tmp_path, [invoice("1") | BOLETO, invoice("2")])
    assert boleto_of(engine, "1") == ("341", "109000000119", LINE)
    assert boleto_of(engine, "2") == ("", "", "")
    assert [told(engine, number).terms.boleto for number in ("1", "2")] == [True, False]


def test_a_boleto_that_comes_later_is_told_to_the_case_once(engine: Engine, tmp_path: Path) -> None:
    bring(engine, tmp_path, [invoice("1")])
    result = bring(engine, tmp_path, [invoice("1") | BOLETO])
    assert (result.counts["boleto"], facts_of(engine, "1")) == (1, [f.BoletoIssued("import")])
    assert boleto_of(engine, "1") == ("341", "109000000119", LINE)
    bring(engine, tmp_path, [invoice("1", descricao="outra") | BOLETO])
    assert len(facts_of(engine, "1")) == 1
    assert told(engine, "1").terms.boleto
    bring(engine, tmp_path, [invoice("1", descricao="e outra") | BOLETO])
    bring(engine, tmp_path, [invoice("1", descricao="sem boleto na linha")])
    assert len(facts_of(engine, "1")) == 1
    assert boleto_of(engine, "1") == ("341", "109000000119", LINE)


def test_a_withdrawn_boleto_that_the_file_still_lists_is_not_told_again_but_a_new_one_is(
    engine: Engine, tmp_path: Path
) -> None:
    bring(engine, tmp_path, [invoice("1") | BOLETO])
    case_id = case_id_of(engine, "1")
    with engine.begin() as conn:
        values = fact_values(case_id, "staff:1", f.BoletoWithdrawn("staff"), "ana", NOW)
        store_facts(conn, [values])
    assert told(engine, "1").boleto_withdrawn
    bring(engine, tmp_path, [invoice("1", saldo="900,00") | BOLETO])
    assert told(engine, "1").boleto_withdrawn
    bring(engine, tmp_path, [invoice("1", saldo="900,00") | BOLETO | {"nosso_numero": "109/00000012-7"}])
    assert not told(engine, "1").boleto_withdrawn
    assert boleto_of(engine, "1")[1] == "109000000127"


def test_tax_withheld_was_never_owed(engine: Engine, tmp_path: Path) -> None:
    bring(engine, tmp_path, [invoice("1", valor_liquido="938,50"), invoice("2")])
    assert facts_of(engine, "1") == [f.Adjusted(Decimal("61.50"), "withholding", TODAY, "import-net")]
    (row,) = rows_of(engine, 'SELECT balance FROM "case" WHERE id = :c', c=case_id_of(engine, "1"))
    assert row.balance == Decimal("938.50")
    assert owed(engine, "1") == Decimal("938.50")
    result = bring(engine, tmp_path, [invoice("2", valor_liquido="938,50")])
    assert (result.counts["reduced"], owed(engine, "2")) == (1, Decimal("938.50"))
    result = bring(engine, tmp_path, [invoice("2", valor_liquido="938,50", descricao="outra")])
    assert (result.counts["changed"], result.counts["reduced"]) == (1, 0)


def test_a_new_invoice_knows_apart_what_was_withheld_paid_and_taken_off(engine: Engine, tmp_path: Path) -> None:
    bring(engine, tmp_path, [invoice("1", valor_liquido="938,50", valor_pago="500,00", saldo="400,00")])
    assert [(fact.amount, fact.how, fact.source) for fact in facts_of(engine, "1") if isinstance(fact, f.Adjusted)] == [
        (Decimal("61.50"), "withholding", "import-net"),
        (Decimal("500.00"), "correction", "import-paid"),
        (Decimal("38.50"), "correction", "import-balance"),
    ]
    assert owed(engine, "1") == Decimal("400.00")


@pytest.mark.parametrize("told_paid", [{"valor_pago": "938,50"}, {}])
def test_an_invoice_that_is_paid_without_its_tax_is_paid(
    engine: Engine, tmp_path: Path, told_paid: dict[str, str]
) -> None:
    bring(engine, tmp_path, [invoice("1")])
    bring(engine, tmp_path, [invoice("1", valor_liquido="938,50", situacao="pago", **told_paid)])
    taxed, paid = facts_of(engine, "1")
    assert isinstance(taxed, f.Adjusted)
    assert isinstance(paid, f.PaymentReceived)
    assert (taxed.amount, taxed.how, paid.amount) == (Decimal("61.50"), "withholding", Decimal("938.50"))
    case = told(engine, "1")
    assert case.settled(Decimal(0))
    assert case.debt(TODAY).credit == 0


def test_tax_that_staff_entered_already_is_not_taken_off_twice(engine: Engine, tmp_path: Path) -> None:
    bring(engine, tmp_path, [invoice("1")])
    with engine.begin() as conn:
        fact = f.Adjusted(Decimal("61.50"), "withholding", TODAY, "staff")
        store_facts(conn, [fact_values(case_id_of(engine, "1"), "staff:1", fact, "ana", NOW)])
    bring(engine, tmp_path, [invoice("1", valor_liquido="938,50")])
    assert owed(engine, "1") == Decimal("938.50")
    bring(engine, tmp_path, [invoice("1", valor_liquido="938,50", situacao="pago")])
    assert [fact.amount for fact in facts_of(engine, "1") if isinstance(fact, f.PaymentReceived)] == [Decimal("938.50")]


def test_a_net_amount_that_grows_again_is_refused(engine: Engine, tmp_path: Path) -> None:
    bring(engine, tmp_path, [invoice("1", valor_liquido="938,50")])
    wrong = refused(engine, tmp_path, [invoice("1", valor_liquido="950,00")])
    assert "row 2, column valor_liquido: the net amount would be higher than 938.50" in str(wrong)
    bring(engine, tmp_path, [invoice("1", valor_liquido="850,00", valor="900,00")])
    assert owed(engine, "1") == Decimal("850.00")


def test_index_and_fees_are_terms_of_the_case_and_stay_as_they_came(engine: Engine, tmp_path: Path) -> None:
    agreed = {"indice": "ipca", "honorarios": "10", "fonte_honorarios": "contrato, cláusula 9"}
    bring(engine, tmp_path, [invoice("1", **agreed)])
    terms = told(engine, "1").terms
    assert (terms.correction, terms.fees_percent, terms.fees_source) == ("ipca", Decimal(10), "contrato, cláusula 9")
    wrong = refused(engine, tmp_path, [invoice("1", **(agreed | {"honorarios": "20"}))])
    assert "column honorarios: this would change the terms of an open invoice" in str(wrong)
    assert "column indice" in str(refused(engine, tmp_path, [invoice("1", **(agreed | {"indice": ""}))]))


def test_a_file_with_one_wrong_line_is_refused_whole_with_what_would_be_right(engine: Engine, tmp_path: Path) -> None:
    rows = [invoice("1") | BOLETO, invoice("2") | BOLETO | {"linha_digitavel": LINE.replace("190578", "190579")}]
    wrong = refused(engine, tmp_path, rows)
    assert "row 3, column linha_digitavel: boleto: the check digit of" in str(wrong)


def test_later_columns_come_through_a_map_file_too(engine: Engine, tmp_path: Path) -> None:
    names = {"valor_liquido": "Valor a Receber", "linha_digitavel": "Código do boleto"}
    row = {names.get(key, key): value for key, value in (invoice("1", valor_liquido="938,50") | BOLETO).items()}
    mapping = tmp_path / "erp.yaml"
    mapping.write_text(
        "columns: {valor_liquido: Valor a Receber, linha_digitavel: Código do boleto}\nconstants: {banco: '341'}\n",
        encoding="utf-8",
    )
    made = plan(engine, write_csv(tmp_path / "erp.csv", [row]), mapping=mapping)
    apply_import(engine, made, "ana", NOW)
    assert boleto_of(engine, "1") == ("341", "109000000119", LINE)
    assert owed(engine, "1") == Decimal("938.50")


def test_a_case_that_is_opened_under_a_moratorium_begins_held(engine: Engine, tmp_path: Path) -> None:
    until = TODAY + timedelta(days=30)
    with engine.begin() as conn:
        conn.execute(
            text(
                "INSERT INTO moratorium (id, scope, value, since, until, reason, actor, set_at) "
                "VALUES (gen_random_uuid(), 'municipality', '3550308', :s, :u, 'Decreto', 'ana', :n)"
            ),
            {"s": TODAY, "u": until, "n": NOW},
        )
    result = bring(engine, tmp_path, [invoice("1"), invoice("2", debtor=22222222, cidade="Santos", cep="11010-000")])
    assert facts_of(engine, "1") == [f.HoldSet("moratorium", until)]
    assert facts_of(engine, "2") == []
    assert len(result.facts) == 1

"""What an operator reads off the database: true, cheap, and nobody's data."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from people import new_case_row, office_today, short_ladder
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine, event, insert, update
from structlog.testing import capture_logs

from db.engine import make_engine
from db.rows import ANCHOR, CASE, CRA_FILE, CREDITOR, DOCUMENT, FACT, PAYMENT, TASK, TITLE
from domain.clock import PRODUCTION
from watch import exporter
from watch.figures import DEADLINE_TASKS, FIGURES, MOST_SERIES, OTHER, bounded, label

TODAY = office_today()
LADDER = "  - {id: um, at: due + 3d, do: contact, by: [email], text: atraso-cordial}\n"
Figures = Callable[[], dict[tuple[str, frozenset[tuple[str, str]]], float]]


def now() -> datetime:
    """The moment a row is written: what the figures count from it is read at once."""
    return datetime.now(UTC)


@pytest.fixture
def figures(engine: Engine) -> Figures:
    """What a fresh exporter says now: value by name and labels."""

    def read() -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        text = exporter.as_text(exporter.registry(exporter.DatabaseFigures(engine, PRODUCTION)))
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    return read


def of(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return name, frozenset(labels.items())


def case(engine: Engine, **values: Any) -> Any:
    """A case that stands in the database as told."""
    opened = new_case_row(engine, short_ladder(LADDER), TODAY - timedelta(days=9), TODAY)
    write(engine, update(CASE).where(CASE.c.id == opened.case).values(**{"seq": 1, **values}))
    return opened


def write(engine: Engine, statement: Any) -> None:
    with engine.begin() as conn:
        conn.execute(statement)


def task(case_id: Any, kind: str, due: date, done: timedelta | None = None) -> Any:
    opened = now() - timedelta(days=2)
    row = {"id": uuid4(), "case_id": case_id, "kind": kind, "step": "", "owner": "clerk", "due": due, "details": []}
    ended = {"outcome": "done", "done_by": "ana", "done_at": opened + done} if done else {"outcome": "", "done_by": ""}
    return insert(TASK).values(**row, opened_at=opened, **ended)


def document(kind: str) -> dict[str, Any]:
    return {"id": uuid4(), "kind": kind, "name": "B", "mime": "x/y", "sha256": "0", "size": 1, "created_at": now()}


def test_cases_are_counted_by_creditor_and_stage(engine: Engine, figures: Figures) -> None:
    opened = case(engine, stage="amicable")
    write(engine, update(CREDITOR).where(CREDITOR.c.id == opened.creditor).values(code="aurora"))
    assert figures()[of("regua_cases", creditor="aurora", stage="amicable")] == 1


def test_an_instruction_that_was_due_an_hour_ago_is_overdue_and_one_of_this_minute_is_not(
    engine: Engine, figures: Figures
) -> None:
    case(engine, stage="amicable", next_action="contact", next_at=now() - timedelta(hours=1))
    case(engine, stage="amicable", next_action="contact", next_at=now() - timedelta(minutes=1))
    case(engine, stage="closed", next_action="contact", next_at=now() - timedelta(days=1))
    told = figures()
    assert told[of("regua_cases_overdue", action="contact")] == 1
    assert told[of("regua_cases_overdue_oldest_seconds", action="contact")] == pytest.approx(3600, abs=120)


def test_a_fact_that_no_case_took_in_is_counted_with_its_age(engine: Engine, figures: Figures) -> None:
    opened = case(engine, stage="amicable")
    fact = {"id": uuid4(), "case_id": opened.case, "source_key": "k", "kind": "payment_received", "body": {}}
    at = {"business_at": now(), "received_at": now() - timedelta(minutes=10)}
    write(engine, insert(FACT).values(**fact, **at, actor="bank", refusal=""))
    told = figures()
    assert told[of("regua_facts_unacknowledged")] == 1
    assert told[of("regua_facts_unacknowledged_oldest_seconds")] == pytest.approx(600, abs=60)


def test_open_work_is_told_by_kind_and_by_whether_its_day_is_over(engine: Engine, figures: Figures) -> None:
    opened = case(engine, stage="amicable")
    far = TODAY + timedelta(days=9)
    for kind, due in (("refund", TODAY - timedelta(days=3)), ("refund", far), ("step", far)):
        write(engine, task(opened.case, kind, due))
    told = figures()
    assert told[of("regua_tasks_open", kind="refund", due="overdue")] == 1
    assert told[of("regua_tasks_open", kind="refund", due="later")] == 1
    assert told[of("regua_tasks_open", kind="step", due="later")] == 1


def test_how_long_finished_work_took_is_told_as_a_median_and_a_slow_one(engine: Engine, figures: Figures) -> None:
    opened = case(engine, stage="amicable")
    for hours in (1, 2, 3):
        write(engine, task(opened.case, "refund", TODAY, done=timedelta(hours=hours)))
    told = figures()
    assert told[of("regua_task_done_week", kind="refund")] == 3
    assert told[of("regua_task_median_seconds", kind="refund")] == pytest.approx(7200)
    assert 7200 < told[of("regua_task_slow_seconds", kind="refund")] <= 10800


@pytest.mark.parametrize(("kind", "deadline"), DEADLINE_TASKS.items())
def test_a_term_that_is_over_is_a_deadline_at_risk(engine: Engine, figures: Figures, kind: str, deadline: str) -> None:
    opened = case(engine, stage="amicable")
    write(engine, task(opened.case, kind, TODAY - timedelta(days=3)))
    write(engine, task(opened.case, kind, TODAY + timedelta(days=9)))
    told = {key: value for key, value in figures().items() if key[0] == "regua_deadlines"}
    assert told == {of("regua_deadlines", deadline=deadline, when="overdue"): 1}


def title(engine: Engine, opened: Any, **state: Any) -> None:
    row = {"id": uuid4(), "case_id": opened.case, "creditor_id": opened.creditor, "our_number": "1", "attempt": 1}
    money = {"amount": Decimal(10), "balance": Decimal(10), "municipality": "3550308", "irregularities": []}
    write(engine, insert(TITLE).values(**row, **money, **state, changed_at=now()))


def test_a_withdrawal_whose_three_days_end_is_a_deadline_at_risk(engine: Engine, figures: Figures) -> None:
    opened = case(engine, stage="protest")
    title(engine, opened, state="withdrawing", term_end=TODAY - timedelta(days=2))
    assert figures()[of("regua_deadlines", deadline="notary-withdrawal", when="overdue")] == 1


def test_who_paid_a_registered_protest_and_has_no_letter_of_consent_is_a_deadline_at_risk(
    engine: Engine, figures: Figures
) -> None:
    opened = case(engine, stage="closed", balance=Decimal(0), closed_at=now() - timedelta(days=8))
    title(engine, opened, state="registered")
    overdue = of("regua_deadlines", deadline="consent-letter", when="overdue")
    assert figures()[overdue] == 1
    write(engine, insert(DOCUMENT).values(**document("consent"), case_id=opened.case))
    assert overdue not in figures()


def test_money_that_belongs_to_no_case_is_counted(engine: Engine, figures: Figures) -> None:
    opened = case(engine, stage="amicable")
    money = {"id": uuid4(), "creditor_id": opened.creditor, "reference": "x", "amount": Decimal(5), "paid_on": TODAY}
    write(engine, insert(PAYMENT).values(**money, source="bank", received_at=now() - timedelta(hours=2)))
    told = figures()
    assert told[of("regua_payments_unmatched")] == 1
    assert told[of("regua_payments_unmatched_oldest_seconds")] == pytest.approx(7200, abs=60)


def test_files_of_the_notaries_that_wait_are_told(engine: Engine, figures: Figures) -> None:
    paper = document("cra")
    write(engine, insert(DOCUMENT).values(**paper))
    file = {"id": uuid4(), "presenter": "999", "name": "B1", "kind": "present", "direction": "out", "sequence": 1}
    made = {
        "business_day": TODAY,
        "document_id": paper["id"],
        "state": "prepared",
        "created_at": now() - timedelta(hours=3),
    }
    write(engine, insert(CRA_FILE).values(**file, **made, reply_code=""))
    told = figures()
    assert told[of("regua_cra_files_waiting", direction="out", state="prepared")] == 1
    oldest = of("regua_cra_files_waiting_oldest_seconds", direction="out", state="prepared")
    assert told[oldest] == pytest.approx(10800, abs=60)


def test_a_seal_that_is_old_and_a_closed_case_that_is_not_archived_are_told(engine: Engine, figures: Figures) -> None:
    case(engine, stage="closed", ledger_seq=3, closed_at=now() - timedelta(days=3))
    seal = {"number": 1, "made_at": now() - timedelta(days=2), "key_id": "1", "cases": 7, "archives": 0, "root": ""}
    write(engine, insert(ANCHOR).values(**seal, previous_mac="", mac="m", document="d"))
    told = figures()
    assert told[of("regua_archive_lag_cases")] == 1
    assert told[of("regua_anchor_age_seconds")] == pytest.approx(172800, abs=60)
    assert told[of("regua_anchor_cases")] == 7


def test_every_figure_can_be_read_of_an_empty_installation(figures: Figures) -> None:
    told = figures()
    assert told[of(exporter.DATABASE_UP)] == 1
    failed = {key: value for key, value in told.items() if key[0] == exporter.FAILED}
    assert len(failed) == len(FIGURES)
    assert set(failed.values()) == {0}


# --- nobody's data, and not too much of it ---------------------------------------------------------------------------
@pytest.mark.parametrize(
    "personal", ["Maria Exemplo", "maria@example.com", "52998224725", "x-52998224725", "+5511900000000", "Rua A, 1"]
)
def test_what_could_name_somebody_is_never_a_label(engine: Engine, figures: Figures, personal: str) -> None:
    opened = case(engine, stage="amicable", next_action="contact", next_at=now() - timedelta(hours=1))
    write(engine, update(CREDITOR).where(CREDITOR.c.id == opened.creditor).values(code=personal))
    write(engine, task(opened.case, personal, TODAY))
    told = figures()
    assert personal not in str(told)
    assert personal.lower() not in str(told)
    assert told[of("regua_cases", creditor=OTHER, stage="amicable")] == 1


@given(st.lists(st.tuples(st.from_regex(r"[a-z]{1,6}", fullmatch=True), st.integers(0, 9)), max_size=900))
def test_of_a_thousand_creditors_the_largest_are_shown_and_nobody_is_lost(rows: list[tuple[str, int]]) -> None:
    shown = bounded(((word,), (float(count), float(count))) for word, count in rows)
    assert len(shown) <= MOST_SERIES + 1
    assert sum(values[0] for _, values in shown) == sum(count for _, count in rows)
    assert max((values[1] for _, values in shown), default=0) == max((count for _, count in rows), default=0)


@given(st.text())
def test_a_label_is_a_short_word_without_a_long_number(word: str) -> None:
    shown = label(word)
    assert shown == OTHER or (len(shown) <= 40 and shown.isascii() and not any(c.isspace() for c in shown))


# --- a storm of scrapes, a database that is away ---------------------------------------------------------------------
def test_forty_scrapes_at_once_ask_the_database_once(engine: Engine) -> None:
    asked: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    served = exporter.registry(exporter.DatabaseFigures(engine, PRODUCTION))
    texts: list[str] = []
    scrapes = [threading.Thread(target=lambda: texts.append(exporter.as_text(served))) for _ in range(40)]
    for scrape in scrapes:
        scrape.start()
    for scrape in scrapes:
        scrape.join()
    assert len(texts) == 40
    assert len([query for query in asked if not query.startswith("SET")]) == len(FIGURES)


def test_a_database_that_is_away_is_said_to_be_and_the_answer_comes_all_the_same() -> None:
    lost = make_engine("postgresql+psycopg://nobody@127.0.0.1:1/none")
    with capture_logs() as logs:
        text = exporter.as_text(exporter.registry(exporter.DatabaseFigures(lost, PRODUCTION)))
    assert [line["event"] for line in logs] == ["the database does not answer"], "asked once, not for each figure"
    assert f"{exporter.DATABASE_UP} 0.0" in text
    assert f'{exporter.FAILED}{{figure="regua_cases"}} 1.0' in text

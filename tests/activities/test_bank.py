"""Bank files on a real database: taken in once and whole, refused whole, every record does what it means."""

from __future__ import annotations

import tracemalloc
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from people import SETTINGS
from sqlalchemy import Engine, select, update

from activities import bank
from activities.money import assign
from db.rows import BANK_FILE, CREDITOR, DOCUMENT
from domain.bank import OurNumber
from domain.errors import BadFile, Refused
from domain.matching import PIX
from tests.activities.money_samples import Counter, paid
from tests.domain.bank_samples import CREATED, Entry, Title, cnab400, ofx, put

END_TO_END = "E12345678202611231200abcdef12345"


@pytest.fixture
def counter(engine: Engine, tmp_path: Path) -> Counter:
    return Counter(engine, tmp_path)


def refused(counter: Counter, path: Path, why: str, error: type[Exception] = BadFile) -> None:
    before = counter.everything()
    with pytest.raises(error, match=why):
        counter.receive(path)
    assert counter.everything() == before


def told(number: str, occurrence: str) -> Title:
    """A record that is about no money."""
    return Title(number=number, occurrence=occurrence, paid=Decimal(0), fee=Decimal(0))


# --- payments --------------------------------------------------------------------------------------------------------
def test_what_was_paid_counts_what_was_credited_is_kept_and_the_file_too(counter: Counter) -> None:
    case = counter.open("NF1", "11")
    done = counter.receive(counter.file(Title(number="11")))
    assert counter.paid(case) == Decimal("40.00")
    (row,) = counter.payments()
    assert (row.amount, row.credited, row.paid_on, row.source) == (
        Decimal("40.00"), Decimal("37.90"), date(2026, 11, 23), "bank-file",
    )  # fmt: skip
    kept = counter.one(select(BANK_FILE))
    assert (row.bank_file_id, kept.layout, kept.actor) == (kept.id, "cnab400", "ana")
    document = counter.one(select(DOCUMENT))
    assert document.id == kept.document_id
    assert counter.world.documents.get(document.sha256) == (counter.folder / "CB241100.RET").read_bytes()
    assert (done.counts["records"], done.counts["matched"], kept.counts) == (1, 1, done.counts)
    assert len(done.facts) == 1


def test_s16_the_same_file_twice_is_refused_with_a_sentence_under_whatever_name(counter: Counter) -> None:
    counter.open("NF1", "11")
    path = counter.file(Title(number="11"))
    counter.receive(path)
    why = "taken in on 24/11/2026 12:00 by ana as CB241100.RET, and counts once; nothing was changed"
    refused(counter, path, why, Refused)
    refused(counter, path.rename(path.with_name("outro.ret")), why, Refused)


def test_s16_a_payment_by_pix_webhook_and_bank_file_counts_once(counter: Counter) -> None:
    case = counter.open("NF1", "11")
    counter.take(paid(END_TO_END, "40.00", our_number=OurNumber("11"), source=PIX))
    statement = counter.folder / "extrato.ofx"
    entries = [Entry("40.00", "F1", memo=f"PIX RECEBIDO {END_TO_END}"), Entry("55.00", "F2", memo="TED Fulana de Tal")]
    statement.write_bytes(ofx(*entries))
    counter.receive(statement)
    assert counter.paid(case) == Decimal("40.00")
    # The same payment in the return file has no end-to-end id: it looks like the same money, and a person says.
    done = counter.receive(counter.file(Title(number="11")))
    assert (done.counts["matched"], done.counts["proposed"]) == (0, 1)
    assert counter.paid(case) == Decimal("40.00")
    assert "TED Fulana de Tal" in next(row.hint for row in counter.payments() if row.amount == Decimal("55.00"))


def test_a_file_that_broke_off_goes_on_where_it_stopped(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bank, "BATCH", 2)
    cases = [counter.open(f"NF{n}", str(n)) for n in range(1, 6)]
    path = counter.file(*[Title(number=str(n)) for n in range(1, 6)])
    calls = []

    def break_off(*given: Any, **how: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise ConnectionError("the database is away")
        return take(*given, **how)

    take = bank.take
    with monkeypatch.context() as broken:
        broken.setattr(bank, "take", break_off)
        with pytest.raises(ConnectionError):
            counter.receive(path)
    assert [bool(counter.facts(case)) for case in cases] == [True, True, False, False, False]
    done = counter.receive(path)
    assert (done.counts["repeated"], done.counts["matched"]) == (2, 3)
    assert [counter.paid(case) for case in cases] == [Decimal("40.00")] * 5
    refused(counter, path, "counts once", Refused)


def test_a_trial_writes_nothing_and_counts_what_the_file_would_do(counter: Counter) -> None:
    counter.open("NF1", "11")
    path = counter.file(Title(number="11"), told("12", "09"), Title(number="13"))
    before = counter.everything()
    trial = counter.receive(path, dry_run=True)
    assert counter.everything() == before
    assert not (counter.folder / "documents").exists()
    done = counter.receive(path)
    assert {**trial.counts} == {**done.counts}
    assert (trial.dry_run, trial.facts) == (True, ())


# --- refused whole ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "an empty line"),
        (b"qualquer coisa\r\n", "unknown layout"),
        (cnab400("341", [Title()])[:-500], "was refused, nothing was changed"),
        (put(cnab400("341", [Title()]), 2, 254, "ABC"), "was refused, nothing was changed"),
    ],
)
def test_a_damaged_or_unknown_file_changes_nothing(counter: Counter, content: bytes, why: str) -> None:
    path = counter.folder / "torto.ret"
    path.write_bytes(content)
    refused(counter, path, why)


def test_a_file_of_a_day_to_come_changes_nothing(counter: Counter) -> None:
    path = counter.folder / "futuro.ret"
    path.write_bytes(cnab400("341", [Title()], created=date(2026, 11, 25)))
    refused(counter, path, "has not come yet")


def accounts(counter: Counter, creditor: UUID, *given: tuple[str, str]) -> None:
    settings = SETTINGS | {"bank_accounts": [{"bank": bank, "account": account} for bank, account in given]}
    with counter.engine.begin() as conn:
        conn.execute(update(CREDITOR).where(CREDITOR.c.id == creditor).values(settings=settings))


def test_a_file_of_another_creditors_account_changes_nothing(counter: Counter) -> None:
    path = counter.file(Title())
    accounts(counter, counter.creditor, ("237", "1"))
    refused(counter, path, "the account is 341 .*settings.bank_accounts of credora")
    accounts(counter, counter.creditor)
    mine = counter.creditor
    with counter.engine.begin() as conn:
        conn.execute(update(CREDITOR).values(code="outra", document="22333444000181"))
    other = Counter(counter.engine, counter.folder)
    file = bank.bank.read_bank_file(path.read_bytes(), path.name)
    accounts(counter, mine, ("341", file.account.lstrip("0")))
    refused(other, path, "take it in with --creditor outra")
    assert counter.receive(path).counts["records"] == 1


# --- what else a bank tells ------------------------------------------------------------------------------------------
def test_money_in_clearing_and_a_boleto_written_off_are_told_to_their_cases(counter: Counter) -> None:
    first, second = counter.open("NF1", "11", bank="237"), counter.open("NF2", "12", bank="237")
    path = counter.folder / "r.ret"
    path.write_bytes(cnab400("237", [Title(number="11", occurrence="16"), told("12", "09")]))
    done = counter.receive(path)
    (clearing,) = counter.facts(first)
    assert (clearing["kind"], clearing["amount"], clearing["expected_on"]) == ("clearing", "40.00", "2026-11-24")
    assert [fact["kind"] for fact in counter.facts(second)] == ["boleto_withdrawn"]
    assert (done.counts["clearings"], done.counts["boletos-withdrawn"], len(counter.payments())) == (1, 1, 0)


def test_what_the_bank_does_at_the_notary_becomes_a_task_of_the_case(counter: Counter) -> None:
    case = counter.open("NF1", "11")
    counter.receive(counter.file(told("11", "23"), told("99", "23")))
    (task,) = counter.tasks()
    assert (task.kind, task.case_id, task.owner) == ("bank-protest", case.case, "supervisor")
    assert task.details[:2] == ["bank 341: sent-to-notary on 23/11/2026", "occurrence 23"]


def test_unknown_codes_become_one_task_that_names_the_records(counter: Counter) -> None:
    counter.open("NF1", "11")
    done = counter.receive(counter.file(Title(number="11", occurrence="97"), Title(number="12", occurrence="98")))
    (task,) = counter.tasks()
    assert (task.kind, done.counts["questions"], done.counts["tasks"]) == ("bank-unknown", 2, 1)
    assert "occurrence 97" in task.details[1]
    assert "occurrence 98" in task.details[2]


def test_a_payment_that_the_bank_takes_back_is_reversed_or_asked_about(counter: Counter) -> None:
    case = counter.open("NF1", "11", bank="237")
    path = counter.folder / "pago.ret"
    path.write_bytes(cnab400("237", [Title(number="11")]))
    counter.receive(path)
    back = counter.folder / "volta.ret"
    lines = [Title(number="11", occurrence="40"), Title(number="11", occurrence="40", paid=Decimal("7.00"))]
    back.write_bytes(cnab400("237", lines, sequence=26))
    done = counter.receive(back)
    reverse = counter.facts(case)[1]
    assert (reverse["kind"], reverse["reference"]) == ("reverse", counter.payments()[0].reference)
    assert done.counts["reversals"] == 1
    (task,) = counter.tasks()
    assert "R$ 7,00 went back" in task.details[1]


def test_a_payment_without_a_title_of_ours_waits_with_what_the_bank_says(counter: Counter) -> None:
    counter.receive(counter.file(Title(number="77", document_number="NF77")))
    (row,) = counter.payments()
    assert (row.case_id, row.proposal, row.hint) == (None, [], "line 2, number NF77")
    case = counter.open("NF1")
    with counter.engine.begin() as conn:
        assign(conn, row.id, case.case, "ana", counter.now)
    assert counter.paid(case) == Decimal("40.00")


# --- news ------------------------------------------------------------------------------------------------------------
def test_a_file_says_how_far_payments_are_known_and_an_older_one_changes_nothing(counter: Counter) -> None:
    first = counter.receive(counter.file(Title()))
    assert first.news_on == counter.row().news_on == first.covers_until
    assert first.covers_until is not None
    assert first.covers_until <= CREATED
    older = counter.folder / "antigo.ret"
    older.write_bytes(cnab400("341", [Title(occurred_on=date(2026, 11, 3))], sequence=24, created=date(2026, 11, 4)))
    assert counter.receive(older).news_on == first.covers_until


# --- large -----------------------------------------------------------------------------------------------------------
def test_a_large_file_passes_in_little_memory(counter: Counter) -> None:
    counter.open("NF1", "11")
    few, many = (
        counter.file(*_strangers(500), name="few.ret"),
        counter.file(*_strangers(4000), name="many.ret", sequence=26),
    )
    peaks = []
    for path in (few, many):
        tracemalloc.start()
        done = counter.receive(path)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert done.counts["unmatched"] == done.counts["records"]
    assert many.stat().st_size > 1_500_000
    assert peaks[1] < peaks[0] + 5_000_000


def _strangers(count: int) -> list[Title]:
    return [Title(number=str(1000 + n), document_number="", payer="") for n in range(count)]

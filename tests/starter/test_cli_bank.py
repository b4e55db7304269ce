"""Money on the command line: bank files, news of payments, proposals, one transfer for several invoices."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import insert

from db.rows import BANK_FILE, CLOCK, PAYMENT, STAFF
from tests.activities.money_samples import NOON, Counter, paid
from tests.domain.bank_samples import Title, cnab400


@pytest.fixture
def counter(terminal: Any) -> Counter:
    """The counter of a creditor in the installation of this terminal, where it is noon on 24/11/2026."""
    with terminal.engine.begin() as conn:
        conn.execute(insert(CLOCK).values(id=1, real_origin=datetime.now(UTC), business_origin=NOON, scale=1.0))
    return Counter(terminal.engine, terminal.folder)


BANK = ("bank", "receive")
MINE = ("--creditor", "credora", "--by", "ana")


def test_a_bank_file_is_taken_in_once(terminal: Any, counter: Counter) -> None:
    case = counter.open("NF1", "11")
    path = counter.file(Title(number="11"), Title(number="99"))
    trial = terminal.type(*BANK, path, "--creditor", "credora", "--dry-run", "--json").json
    assert trial["files"][0]["counts"]["matched"] == 1
    assert not terminal.rows(BANK_FILE)
    said = terminal.type(*BANK, path, *MINE, "--json")
    (file,) = said.json["files"]
    assert (said.code, file["layout"], file["counts"]["matched"], file["counts"]["unmatched"]) == (0, "cnab400", 1, 1)
    assert terminal.facts(case.case)[0]["amount"] == "40.00"
    again = terminal.type(*BANK, path, *MINE, "--json")
    assert (again.code, again.json["files"][0]["code"]) == (1, "repeated-file")
    assert "taken in on 24/11/2026" in again.err
    assert len(terminal.rows(PAYMENT)) == 2


def test_a_refused_file_does_not_keep_the_others_out(terminal: Any, counter: Counter) -> None:
    counter.open("NF1", "11")
    torn = terminal.folder / "torto.ret"
    torn.write_bytes(cnab400("341", [Title()])[:-300])
    said = terminal.type(*BANK, torn, terminal.folder / "nenhum.ret", counter.file(Title(number="11")), *MINE)
    assert said.code == 1
    assert "torto.ret was refused, nothing was changed" in said.err
    assert "nenhum.ret" in said.err
    assert "conciliados" in said.out
    assert len(terminal.rows(BANK_FILE)) == 1


def test_a_bank_file_needs_a_name_and_a_creditor(terminal: Any, counter: Counter) -> None:
    path = counter.file(Title())
    assert terminal.type(*BANK, path, "--creditor", "credora").code == 2
    assert terminal.type(*BANK, path, "--by", "ana").code == 2
    with terminal.engine.begin() as conn:
        conn.execute(STAFF.update().values(active=False))
    assert terminal.type(*BANK, path, *MINE).code == 1
    assert not terminal.rows(BANK_FILE)


def test_a_person_tells_how_far_payments_are_known_and_never_takes_it_back(terminal: Any, counter: Counter) -> None:
    assert terminal.type("news", "20/11/2026", *MINE, "--json").json["news_on"] == "2026-11-20"
    older = terminal.type("news", "19/11/2026", *MINE, "--json")
    assert (older.code, older.json["code"]) == (1, "older-news")
    ahead = terminal.type("news", "25/11/2026", *MINE)
    assert (ahead.code, "has not come yet" in ahead.err) == (1, True)
    assert counter.row().news_on == date(2026, 11, 20)


@pytest.mark.parametrize(
    ("words", "news"),
    [([], date(2026, 11, 20)), (["--complete-until", "23/11/2026"], date(2026, 11, 23))],
)
def test_a_payments_file_says_how_far_payments_are_known(
    terminal: Any, counter: Counter, words: list[str], news: date
) -> None:
    file = terminal.file("p.csv", {"referencia": "R1", "valor": "1,00", "data": "20/11/2026"})
    said = terminal.type("import", file, "--payments", *MINE, *words, "--json")
    assert (said.code, said.json["news_on"]) == (0, news.isoformat())
    assert counter.row().news_on == news


def test_of_today_a_payments_file_cannot_tell_everything(terminal: Any, counter: Counter) -> None:
    file = terminal.file("p.csv", {"referencia": "R1", "valor": "1,00", "data": "24/11/2026"})
    assert terminal.type("import", file, "--payments", *MINE, "--json").json["news_on"] == "2026-11-23"
    assert terminal.type("import", file, *MINE, "--complete-until", "24/11/2026").code == 2


# --- by hand ---------------------------------------------------------------------------------------------------------
def test_what_a_person_types_beside_the_banks_own_report_is_refused_unless_it_is_other_money(
    terminal: Any, counter: Counter
) -> None:
    case = counter.open()
    counter.take(paid("ITAU-1", "500.00", number="NF1", payer=counter.document(case)))
    words = ["pay", case.case, "500,00", "--ref", "E1", "--on", "21/11/2026", "--by", "ana", "--json"]
    said = terminal.type(*words)
    assert (said.code, said.json["code"]) == (1, "maybe-counted")
    assert "of 23/11/2026 stands for this case under reference ITAU-1" in said.json["text"]
    assert "--also" in said.err
    assert len(terminal.facts(case.case)) == 1
    assert terminal.type(*words, "--also").json["status"] == "stored"
    assert [fact["reference"] for fact in terminal.facts(case.case)] == ["ITAU-1", "E1"]


def test_money_of_another_day_or_amount_is_typed_as_ever_and_once(terminal: Any, counter: Counter) -> None:
    case = counter.open()
    counter.take(paid("ITAU-1", "500.00", number="NF1", payer=counter.document(case)))
    typed = ["pay", case.case, "--by", "ana", "--json"]
    assert terminal.type(*typed, "500,00", "--ref", "E1", "--on", "19/11/2026").code == 0
    assert terminal.type(*typed, "500,01", "--ref", "E2", "--on", "23/11/2026").code == 0
    again = terminal.type(*typed, "500,01", "--ref", "E2", "--on", "23/11/2026")
    assert (again.code, again.json["code"]) == (1, "already-counted")
    assert counter.take(paid("E2", "500.01")).repeated == 1
    nothing = terminal.type(*typed, "0,00", "--ref", "E3")
    assert (nothing.code, "more than zero" in nothing.err) == (1, True)


def test_proposals_are_shown_with_the_cases_that_a_payment_may_be_for(terminal: Any, counter: Counter) -> None:
    first = counter.open("NF1", amount="300.10", charges=("0", "0"))
    second = counter.open("NF2", amount="200.20", debtor=first.debtor, charges=("0", "0"))
    counter.take(paid("E1", "500.30", payer=counter.document(first)), paid("E2", "1.00"))
    found = {row["reference"]: row for row in terminal.type("payments", "--unmatched", "--json").json}
    assert [part["reason"] for part in found["E1"]["proposal"]] == ["several-invoices"] * 2
    assert {(part["case"], part["amount"]) for part in found["E1"]["proposal"]} == {
        (str(first.case), "300.10"), (str(second.case), "200.20"),
    }  # fmt: skip
    assert found["E2"]["proposal"] == []
    assert "várias faturas" in terminal.type("payments", "--unmatched").out

    money = found["E1"]["id"]
    parts = ["--split", f"{first.case}=300,10", "--split", "NF2=200,20"]
    wrong = terminal.type("match", money, *parts, "--by", "ana")
    assert (wrong.code, terminal.facts(first.case)) == (1, []), "without --creditor NF2 names no case"
    said = terminal.type("match", money, *parts[:2], "--split", f"{second.case}=200,20", "--by", "ana", "--json")
    assert [outcome["status"] for outcome in said.json] == ["stored", "stored"]
    assert terminal.facts(second.case)[0]["reference"] == "E1#2"
    assert [row["reference"] for row in terminal.type("payments", "--unmatched", "--json").json] == ["E2"]


@pytest.mark.parametrize("words", [[], ["CASE", "--split", "CASE=1,00"]])
def test_a_match_names_one_case_or_parts(terminal: Any, counter: Counter, words: list[str]) -> None:
    case = counter.open()
    counter.take(paid("E2", "1.00"))
    given = [word.replace("CASE", str(case.case)) for word in words]
    assert terminal.type("match", counter.payment("E2").id, *given, "--by", "ana").code == 2
    split = ["--split", str(case.case), "--split", "x=y"]
    assert terminal.type("match", counter.payment("E2").id, *split, "--by", "ana").code == 1
    assert terminal.facts(case.case) == []

"""`regua load index` and the calculator by published indices."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from db.rows import INDEX_VALUE

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "indices.csv"
HEADING = "series,month,percent,source\n"
DEBT = ("debt", "--principal", "1000.00", "--due", "2026-03-02")


def write(terminal: Any, text: str) -> Path:
    path = Path(terminal.folder) / "indices.csv"
    path.write_text(text, encoding="utf-8")
    return path


def months(terminal: Any) -> list[tuple[str, str, Decimal]]:
    """What stands in the table."""
    rows = [(row.series, f"{row.month:%Y-%m}", row.percent) for row in terminal.rows(INDEX_VALUE)]
    return sorted(rows)


def test_a_file_of_indices_is_taken_in_with_source_and_date_and_the_same_file_again_changes_nothing(
    terminal: Any,
) -> None:
    first = terminal.type("load", "index", EXAMPLE, "--json").json
    assert (first["added"], first["changed"], first["unchanged"]) == (6, [], 0)
    before = terminal.rows(INDEX_VALUE)
    assert all("INVENTADO" in row.source and row.loaded_at for row in before)
    again = terminal.type("load", "index", EXAMPLE, "--json").json
    assert (again["added"], again["changed"], again["unchanged"]) == (0, [], 6)
    assert sorted(terminal.rows(INDEX_VALUE)) == sorted(before)


def test_a_dry_run_shows_what_would_happen_and_changes_nothing(terminal: Any) -> None:
    said = terminal.type("load", "index", EXAMPLE, "--dry-run")
    assert "seriam guardados: 6 novos" in said.out
    assert months(terminal) == []


def test_a_changed_past_value_is_shown_with_the_one_it_replaces(terminal: Any) -> None:
    terminal.type("load", "index", write(terminal, HEADING + "ipca,2026-03,0.50,IBGE\nipca,2026-04,0.30,IBGE\n"))
    changed = write(terminal, HEADING + "433;03/2026;0,52;IBGE\nipca,2026-04,0.30,IBGE\n".replace(",", ";"))
    changed.write_text("series;month;percent;source\n433;03/2026;0,52;IBGE\nipca;01/04/2026;0,30;IBGE\n")
    found = terminal.type("load", "index", changed, "--json").json
    assert (found["added"], found["unchanged"]) == (0, 1)
    assert [(row["month"], row["was"], row["percent"]) for row in found["changed"]] == [("2026-03", "0.500000", "0.52")]
    assert months(terminal) == [("ipca", "2026-03", Decimal("0.52")), ("ipca", "2026-04", Decimal("0.30"))]


def test_a_file_with_bad_rows_is_refused_whole_and_every_bad_row_is_named(terminal: Any) -> None:
    rows = [
        "ipca,2026-03,0.50,IBGE",
        "igpm,2026-03,0.50,FGV",
        "ipca,2026-13,0.50,IBGE",
        "ipca,2026-04,muito,IBGE",
        "ipca,2026-05,0.50,",
        "ipca,2026-03,0.50,IBGE",
        "ipca,2099-01,0.50,IBGE",
        "legal,2026-03,0.1234567,BCB",
        "ipca,2026-06,999,IBGE",
        "ipca,2026-07",
    ]
    said = terminal.type("load", "index", write(terminal, HEADING + "\n".join(rows)))
    assert said.code == 1
    for number, words in {
        3: "'igpm' is not known", 4: "'2026-13' is not a month", 5: "'muito' is not a per cent", 6: "source",
        7: "stands in row 2 already", 8: "in the future", 9: "six decimals at most", 10: "cannot be", 11: "2 cells",
    }.items():  # fmt: skip
        assert any(f"row {number}" in line and words in line for line in said.err.splitlines()), (number, said.err)
    assert "row 2:" not in said.err
    assert months(terminal) == []


@pytest.mark.parametrize("text", ["", "series,month,percent\nipca,2026-03,0.5\n", HEADING, "a,b,c,d\n1,2,3,4\n"])
def test_a_file_with_another_heading_or_without_values_is_refused(terminal: Any, text: str) -> None:
    said = terminal.type("load", "index", write(terminal, text))
    assert (said.code, months(terminal)) == (1, [])
    assert "was refused, nothing was changed" in said.err


def test_a_file_that_is_not_there_is_named(terminal: Any) -> None:
    said = terminal.type("load", "index", "/nowhere/indices.csv")
    assert said.code == 1
    assert "/nowhere/indices.csv" in said.err


# --- the calculator --------------------------------------------------------------------------------------------------
def test_the_calculator_adds_what_the_law_gives_where_nothing_was_agreed(terminal: Any) -> None:
    terminal.type("load", "index", EXAMPLE)
    found = terminal.type(*DEBT, "--on", "2026-04-30", "--index", "legal", "--json").json
    assert (found["correction"], found["interest"], found["total"]) == ("7.69", "10.69", "1018.38")
    assert found["periods"][0]["factor"] == "1.00769145"
    assert "Lei 14.905/2024" in found["court"]["rates"][0]
    late = terminal.type(*DEBT, "--on", "2026-06-30", "--index", "legal")
    assert "Nota: IPCA: 06/2026 sem valor publicado aqui" in late.out


def test_the_calculator_corrects_by_the_index_of_a_contract(terminal: Any) -> None:
    terminal.type("load", "index", EXAMPLE)
    words = (*DEBT, "--on", "2026-04-30", "--index", "ipca", "--fine", "2%", "--interest", "1%", "--consumer")
    assert terminal.type(*words, "--json").json["total"] == "1047.66"


def test_without_a_table_an_index_is_refused_with_the_command_that_loads_one(terminal: Any) -> None:
    said = terminal.type(*DEBT, "--on", "2026-04-30", "--index", "legal")
    assert said.code == 1
    assert "regua load index FILE" in said.err


def test_the_law_is_not_asked_for_beside_agreed_charges(terminal: Any) -> None:
    said = terminal.type(*DEBT, "--on", "2026-04-30", "--index", "legal", "--fine", "2")
    assert (said.code, len(said.err.splitlines())) == (1, 1)


def test_the_calculator_prints_the_total_of_a_prolonged_due_date(terminal: Any) -> None:
    words = ("--principal", "1000.00", "--fine", "2%", "--interest", "1%", "--due", "2026-10-10", "--on", "2026-11-22")
    assert terminal.type("debt", *words, "--json").json["total"] == "1034.33"


def test_the_calculator_imputes_payments_and_rebates_and_tells_it_in_words(terminal: Any) -> None:
    words = ("--on", "2026-04-01", "--fine", "2", "--interest", "1", "--fees", "10")
    events = ("--pay", "2026-03-20=200,00", "--pay", "01/04/2026=100.00", "--reduce", "2026-03-10=50,00")
    found = terminal.type(*DEBT, *words, *events, "--json").json
    assert sum(Decimal(line["amount"]) for line in found["memory"]) == Decimal(found["total"])
    assert [line["name"].split(" em ")[0] for line in found["memory"] if Decimal(line["amount"]) < 0] == [
        "Abatimento",
        "Pagamento",
        "Pagamento",
    ]
    shown = terminal.type(*DEBT, *words, *events).out
    assert "Capitalização: nenhuma" in shown
    assert "art. 354" in shown
    assert "Períodos" in shown


@pytest.mark.parametrize(
    "wrong", [["--pay", "2026-03-20"], ["--pay", "ontem=1,00"], ["--reduce", "2026-03-20=-1"], ["--index", "igpm"]]
)
def test_the_calculator_says_how_payments_rebates_and_indices_are_written(terminal: Any, wrong: list[str]) -> None:
    terminal.type("load", "index", EXAMPLE)
    said = terminal.type(*DEBT, "--on", "2026-04-01", *wrong)
    assert (said.code, len(said.err.splitlines())) == (1, 1)

"""Files come in by the command line: looked at first, then taken in whole, or refused whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from db.rows import CASE, CREDITOR, FACT, PAYMENT

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture
def aurora(terminal: Any) -> str:
    said = terminal.type("creditor", "add", EXAMPLES / "aurora.yaml", "--json")
    assert said.code == 0, said.err
    return str(said.json["code"])


def _import(terminal: Any, *words: object) -> Any:
    return terminal.type("import", EXAMPLES / "aurora.csv", "--creditor", "aurora", *words, "--json")


def test_a_dry_run_counts_and_changes_nothing(terminal: Any, aurora: str) -> None:
    said = _import(terminal, "--dry-run")
    assert said.code == 0, said.err
    assert (said.json["applied"], said.json["counts"]["new"]) == (False, said.json["counts"]["rows"])
    assert not terminal.rows(CASE)
    shown = terminal.type("import", EXAMPLES / "aurora.csv", "--creditor", aurora, "--dry-run")
    assert "nada foi mudado" in shown.out


def test_a_portfolio_is_taken_in_once_in_somebodys_name(terminal: Any, aurora: str) -> None:
    assert _import(terminal).code == 2
    assert _import(terminal, "--by", "nobody").json["code"] == "no-such-user"
    assert not terminal.rows(CASE)
    first = _import(terminal, "--by", "ana")
    assert first.code == 0, first.err
    assert len(terminal.rows(CASE)) == first.json["counts"]["new"] > 0
    again = _import(terminal, "--by", "ana").json
    assert (again["counts"]["new"], again["counts"]["unchanged"]) == (0, first.json["counts"]["new"])


def test_a_creditor_is_changed_by_the_same_file_and_never_doubled(terminal: Any, aurora: str) -> None:
    assert terminal.type("creditor", "add", EXAMPLES / "aurora.yaml").code == 0
    assert len(terminal.rows(CREDITOR)) == 1


def test_a_first_wave_is_let_go_once(terminal: Any, aurora: str) -> None:
    waits = _import(terminal, "--by", "ana").json["counts"].get("waits", 0)
    assert terminal.type("release", "--creditor", "aurora").code == 2
    said = terminal.type("release", "--creditor", "aurora", "--by", "ana", "--json")
    assert said.json == {"creditor": "aurora", "cases": waits, "told": 0}
    assert len(terminal.rows(FACT, FACT.c.kind == "release")) == waits
    assert terminal.type("release", "--creditor", "aurora", "--by", "ana", "--json").json["cases"] == 0


def test_payments_find_their_cases_and_the_rest_waits_for_a_person(terminal: Any, aurora: str) -> None:
    _import(terminal, "--by", "ana")
    header = (EXAMPLES / "aurora.csv").read_text(encoding="utf-8").splitlines()
    first = dict(zip(header[0].split(";"), header[1].split(";"), strict=True))
    paid = {"valor": "10,00", "data": "02/03/2026"}
    known = {"numero": first["numero"], "documento": first["devedor_documento"]}
    file = terminal.file(
        "pagamentos.csv",
        {"referencia": "R1", **paid, **known},
        {"referencia": "R2", **paid, "numero": "999999", "documento": first["devedor_documento"]},
    )
    words = ["import", file, "--creditor", "aurora", "--payments", "--by", "ana", "--json"]
    counts = terminal.type(*words).json["counts"]
    assert (counts["matched"], counts["proposed"], counts["unmatched"]) == (1, 1, 0)
    assert terminal.type(*words).json["counts"]["repeated"] == 2
    assert len(terminal.rows(PAYMENT)) == 2
    assert [row["reference"] for row in terminal.type("payments", "--unmatched", "--json").json] == ["R2"]


def test_a_file_with_faults_is_refused_with_every_one_of_them(terminal: Any, aurora: str) -> None:
    path = terminal.folder / "torta.csv"
    lines = (EXAMPLES / "aurora.csv").read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([lines[0], lines[1].replace("/2026", "/26x6", 1), ";" * lines[0].count(";") + "x"]))
    said = terminal.type("import", path, "--creditor", aurora, "--by", "ana")
    assert said.code == 1
    assert said.err.startswith("torta.csv was refused, nothing was changed")
    assert said.err.count("row ") >= 2
    assert not terminal.rows(CASE)


@pytest.mark.parametrize("words", [["--dry-run"], ["--full", "--by", "ana"]])
def test_payments_are_neither_tried_nor_full(terminal: Any, words: list[str]) -> None:
    assert terminal.type("import", "x.csv", "--creditor", "aurora", "--payments", *words).code == 2

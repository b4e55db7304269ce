"""`regua audit` as an auditor types it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from lived import Lived
from sqlalchemy import select

import audit.replay
from db.rows import DOCUMENT
from starter.__main__ import main

Regua = Callable[..., tuple[int, str]]


@pytest.fixture
def regua(template: Lived, monkeypatch: pytest.MonkeyPatch, capsys: Any, tmp_path: Path) -> Iterator[Regua]:
    """Types a command in the lived installation, whose Temporal server is away; gives exit code and output."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REGUA_DATABASE_URL", template.engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("REGUA_STATE_DIR", str(template.folder))
    monkeypatch.setenv("REGUA_ANCHOR_KEY", "0123456789abcdef0123456789abcdef")
    monkeypatch.setenv("REGUA_ANCHOR_KEY_ID", "cofre")
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    handlers, level = logging.root.handlers[:], logging.root.level

    def type_(*words: object) -> tuple[int, str]:
        capsys.readouterr()
        code = main(["audit", *map(str, words)])
        out, err = capsys.readouterr()
        return code, out or err

    yield type_
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def test_verify_finds_an_honest_installation_clean(regua: Regua, template: Lived) -> None:
    code, said = regua("verify", "--all", "--anchor", template.anchor, "--json")
    found = json.loads(said)
    assert (code, found["clean"], found["cases"], found["differences"], found["notes"]) == (0, True, 2, [], [])


def test_verify_of_one_case_names_what_it_lacks(regua: Regua, template: Lived, tmp_path: Path) -> None:
    with template.engine.connect() as conn:
        notice = select(DOCUMENT.c.sha256).where(DOCUMENT.c.case_id == template.firm, DOCUMENT.c.kind == "notice")
        path = template.store.path(conn.execute(notice).scalar_one())
    content = path.read_bytes()
    path.unlink()
    try:
        code, said = regua("verify", template.firm, "--html", tmp_path / "r.html")
    finally:
        path.write_bytes(content)
    assert code == 1
    assert "registro 17: o documento" in said
    assert "sumiu do depósito" in (tmp_path / "r.html").read_text()


def test_replay_tells_that_the_server_is_away_and_finds_no_difference(regua: Regua, template: Lived) -> None:
    code, said = regua("replay", template.firm, "--json")
    found = json.loads(said)
    assert (code, found["clean"], found["entries"], found["decisions"]) == (0, True, 37, 18)
    assert any("o Temporal não responde" in note["text"] for note in found["notes"])


def test_replay_of_all_in_several_processes_names_the_case_whose_history_is_another(
    regua: Regua, template: Lived, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit.replay, "GROUP", 1)
    code, said = regua("replay", "--all", "--since", "01/03/2026", "--workers", 2, "--json")
    found = json.loads(said)
    assert (code, found["cases"], found["histories"]) == (1, 2, 1)
    assert {difference["case"] for difference in found["differences"]} == {str(template.paid)}
    assert any("é de outro caso" in difference["text"] for difference in found["differences"])
    assert any(difference["entry"] == 2 for difference in found["differences"])


def test_replay_since_a_later_day_has_nothing_to_do(regua: Regua) -> None:
    code, said = regua("replay", "--all", "--since", "01/05/2026")
    assert (code, said.splitlines()[0]) == (0, "Repetição dos casos: nenhuma divergência em 0 caso(s)")


def test_the_timeline_of_a_day_is_shown_and_printed(regua: Regua, template: Lived, tmp_path: Path) -> None:
    code, said = regua("timeline", template.firm, "--on", "21/03/2026", "--html", tmp_path / "t.html")
    assert code == 0
    assert "Em 21/03/2026: etapa amigável" in said
    assert "<h2>Agenda daquele dia</h2>" in (tmp_path / "t.html").read_text()
    code, said = regua("timeline", template.firm, "--json")
    assert (code, json.loads(said)["case"]) == (0, str(template.firm))


def test_an_export_and_an_anchor_are_written_where_one_says(regua: Regua, template: Lived, tmp_path: Path) -> None:
    code, said = regua("export", template.firm, "--out", tmp_path / "caso.zip", "--json")
    assert (code, (tmp_path / "caso.zip").stat().st_size) == (0, json.loads(said)["size"])
    code, said = regua("anchor", "--out", tmp_path / "ancora.json", "--json")
    assert (code, json.loads(said)["number"], json.loads(said)["key_id"]) == (0, 2, "cofre")
    assert regua("verify", "--all", "--anchor", tmp_path / "ancora.json")[0] == 0


@pytest.mark.parametrize("words", [["verify"], ["replay"], ["archive"], ["verify", "abcd", "--all"]])
def test_a_command_that_names_nothing_or_too_much_is_wrong_usage(regua: Regua, words: list[str]) -> None:
    assert regua(*words)[0] == 2


def test_without_a_key_or_a_server_one_sentence_says_what_to_do(regua: Regua, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Temporal does not answer" in regua("archive", "--closed")[1]
    monkeypatch.delenv("REGUA_ANCHOR_KEY")
    assert regua("anchor") == (1, "there is no anchor key; set REGUA_ANCHOR_KEY or REGUA_ANCHOR_KEY_FILE\n")

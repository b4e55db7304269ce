"""Creditors come from a YAML file, are stored by their code, and bring their ladders along."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from people import SETTINGS
from portfolio_files import cnpj, counts_of_all, rows_of, snapshot
from sqlalchemy import Engine

import policies
from domain.errors import BadFile, BadInput
from starter.creditors import CreditorFile, find_creditor, find_policy, read_creditor, save_creditor

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
OWN_LADDER = """policy: minha
steps:
  - {id: lembrete, at: due - 3d, do: contact, by: [email], text: lembrete}
"""


def content(**changes: Any) -> dict[str, Any]:
    return {
        "code": "credora", "name": "Credora Fictícia Ltda", "document": "11.222.333/0001-81",
        "address": "Avenida Inventada, 1000", "city": "São Paulo", "uf": "sp", "cep": "01310-100",
        "email": "contas@Credora.example.com", "phone": "(11) 3234-5678", "settings": SETTINGS,
    } | changes  # fmt: skip


def creditor(tmp_path: Path, **changes: Any) -> CreditorFile:
    path = tmp_path / "credora.yaml"
    path.write_text(yaml.safe_dump(content(**changes), allow_unicode=True), encoding="utf-8")
    return read_creditor(path, policies.DIRECTORY)


def test_a_creditor_is_read_in_one_form(tmp_path: Path) -> None:
    found = creditor(tmp_path)
    assert (found.document, found.uf, found.cep) == ("11222333000181", "SP", "01310100")
    assert (found.email, found.phone) == ("contas@credora.example.com", "+551132345678")
    assert sorted(found.policies) == ["padrao-b2b", "padrao-consumidor"]


def test_saving_inserts_then_updates_by_code_and_keeps_id_and_salt(engine: Engine, tmp_path: Path) -> None:
    first = save_creditor(engine, creditor(tmp_path), NOW)
    before = rows_of(engine, "SELECT * FROM creditor")[0]
    assert len(before.salt) == 64
    assert {row.name for row in rows_of(engine, "SELECT name FROM policy")} == {"padrao-b2b", "padrao-consumidor"}
    assert save_creditor(engine, creditor(tmp_path, name="Credora Nova Ltda"), NOW) == first
    after = rows_of(engine, "SELECT * FROM creditor")
    assert [(row.name, row.salt) for row in after] == [("Credora Nova Ltda", before.salt)]
    assert counts_of_all(engine)["policy"] == 2
    with engine.connect() as conn:
        assert find_creditor(conn, "credora").id == first
        with pytest.raises(BadInput, match="known are credora"):
            find_creditor(conn, "outra")


def test_two_creditors_have_different_salts(engine: Engine, tmp_path: Path) -> None:
    save_creditor(engine, creditor(tmp_path), NOW)
    save_creditor(engine, creditor(tmp_path, code="outra", document=cnpj(7)), NOW)
    assert len({row.salt for row in rows_of(engine, "SELECT salt FROM creditor")}) == 2


def test_a_document_of_another_creditor_is_refused_and_changes_nothing(engine: Engine, tmp_path: Path) -> None:
    save_creditor(engine, creditor(tmp_path), NOW)
    before = snapshot(engine)
    with pytest.raises(BadFile, match="the creditor credora has this document already"):
        save_creditor(engine, creditor(tmp_path, code="outra"), NOW)
    assert snapshot(engine) == before


def test_a_ladder_of_ones_own_is_named_by_its_path_and_found_later_by_its_name(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "minha-regua.yaml").write_text(OWN_LADDER, encoding="utf-8")
    own = SETTINGS | {"policies": {"company": "./minha-regua.yaml"}}
    found = creditor(tmp_path, settings=own)
    assert found.settings.policies == {"company": "minha"}
    save_creditor(engine, found, NOW)
    with engine.connect() as conn:
        assert find_policy(conn, "minha", policies.DIRECTORY).hash == found.policies["minha"].hash
        with pytest.raises(BadInput, match="write one of amigavel, completa-b2b, minha"):
            find_policy(conn, "nenhuma", policies.DIRECTORY)


def test_a_ladder_of_ones_own_cannot_take_the_name_of_another(tmp_path: Path) -> None:
    (tmp_path / "minha-regua.yaml").write_text(OWN_LADDER.replace("minha", "amigavel"), encoding="utf-8")
    with pytest.raises(BadFile, match="give it a name of its own"):
        creditor(tmp_path, settings=SETTINGS | {"policies": {"company": "./minha-regua.yaml"}})


def test_every_fault_is_told_at_once_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "ruim.yaml").write_text("policy: ruim\n", encoding="utf-8")
    wrong_settings = {key: value for key, value in SETTINGS.items() if key != "how_to_pay"}
    with pytest.raises(BadFile) as wrong:
        creditor(
            tmp_path,
            code="Credora Sul",
            document="11.222.333/0001-80",
            cep=1310100,
            phone="3234",
            uf="",
            telefone="x",
            settings=wrong_settings,
        )
    assert [fault.where for fault in wrong.value.faults] == [
        "credora.yaml",
        "credora.yaml: code",
        "credora.yaml: document",
        "credora.yaml: uf",
        "credora.yaml: cep",
        "credora.yaml: phone",
        "credora.yaml: settings.how_to_pay",
    ]
    for ladder, where in (("nenhuma", "settings.policies.company"), ("./ruim.yaml", "ruim.yaml:1")):
        with pytest.raises(BadFile) as wrong:
            creditor(tmp_path, settings=SETTINGS | {"policies": {"company": ladder}})
        assert where in wrong.value.faults[0].where


@pytest.mark.parametrize("text", ["", "- a", "code: [", "code: \x00"])
def test_what_is_no_creditor_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(BadInput):
        read_creditor(path, policies.DIRECTORY)
    with pytest.raises(BadInput, match="it cannot be read"):
        read_creditor(tmp_path / "nada.yaml", policies.DIRECTORY)

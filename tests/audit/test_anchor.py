"""Anchors: what they cover, that they cannot be forged, and that their own row is kept."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from lived import KEYS, Lived
from sqlalchemy import select, text

from audit.anchor import AnchorFile, Keys, check_anchor, check_anchors, load_keys, make_anchor, merkle_root, read_anchor
from db.rows import ANCHOR
from domain.errors import BadInput
from gateways.settings import Settings

KEY = "0123456789abcdef0123456789abcdef"


def test_the_root_is_that_of_rfc_6962() -> None:
    """Section 2.1: the empty tree, one leaf; and the vectors of the certificate-transparency reference tests."""
    assert merkle_root([]) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert merkle_root([""]) == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    two, three = merkle_root(["a", "b"]), merkle_root(["a", "b", "c"])
    assert len({two, three, merkle_root(["b", "a"]), merkle_root(["a", "b", "b"])}) == 4


def test_an_anchor_covers_every_head_and_every_archive(lived: Lived) -> None:
    anchor = read_anchor(lived.anchor)
    assert {head[0] for head in anchor.heads} == {str(lived.firm), str(lived.paid)}
    assert [row[0] for row in anchor.archived] == [str(lived.paid)]
    assert (anchor.seal.number, anchor.seal.cases, anchor.seal.archives) == (1, 2, 1)
    assert KEY not in lived.anchor.read_text()


def found(lived: Lived, path: Path, keys: Keys | None = KEYS) -> list[str]:
    with lived.engine.connect() as conn:
        return [f"{finding.kind}: {finding.text}" for finding in check_anchor(conn, read_anchor(path), keys)]


def test_an_anchor_that_was_tampered_with_is_not_believed(lived: Lived) -> None:
    data = json.loads(lived.anchor.read_text())
    data["heads"][0][1] -= 1
    lived.anchor.write_text(json.dumps(data))
    assert any("as cabeças não dão a raiz" in text for text in found(lived, lived.anchor))
    anchor = read_anchor(lived.anchor)
    data["root"] = merkle_root([":".join(map(str, row)) for row in (*anchor.heads, *anchor.archived)])
    lived.anchor.write_text(json.dumps(data))
    assert any("não é autêntico" in text for text in found(lived, lived.anchor))


def test_without_its_key_an_anchor_is_compared_but_not_vouched_for(lived: Lived) -> None:
    assert found(lived, lived.anchor) == []
    for keys in (None, Keys({"outra": b"x" * 32}, "outra")):
        (note,) = found(lived, lived.anchor, keys)
        assert note.startswith("note: ")
        assert "não é conhecida aqui" in note


def test_a_forgotten_or_rewritten_row_of_an_anchor_is_found(lived: Lived) -> None:
    with lived.engine.begin() as conn:
        conn.execute(text("ALTER TABLE anchor DISABLE TRIGGER USER"))
        conn.execute(ANCHOR.update().values(cases=1))
        assert ["foi alterada na base" in finding.text for finding in check_anchors(conn, KEYS)] == [True]
        conn.execute(ANCHOR.delete())
    assert any("a base não a conhece" in text for text in found(lived, lived.anchor))


def test_an_anchor_of_another_installation_is_told_as_that_and_not_case_by_case(lived: Lived) -> None:
    mine = read_anchor(lived.anchor)
    heads = tuple((str(uuid4()), seq, digest) for _, seq, digest in mine.heads)
    root = merkle_root([":".join(map(str, row)) for row in (*heads, *mine.archived)])
    seal = replace(mine.seal, root=root, number=7)
    lived.anchor.write_bytes(AnchorFile(seal, KEYS.mac(seal.key_id, seal.text()) or "", heads, mine.archived).bytes())
    told = found(lived, lived.anchor)
    assert [("outra instalação" in text) for text in told] == [True, True]


def test_each_anchor_names_the_one_before(template: Lived, tmp_path: Path) -> None:
    made, path = make_anchor(template.engine, KEYS, template.now, tmp_path)
    assert made.seal.previous_mac == read_anchor(template.anchor).mac
    assert path.name.startswith(f"ancora-{made.seal.number:06d}-")
    with template.engine.connect() as conn:
        assert list(check_anchors(conn, KEYS)) == []
        assert conn.execute(select(ANCHOR.c.number).order_by(ANCHOR.c.number)).scalars().all() == [1, 2]
        outer = conn.begin_nested()
        conn.execute(text("ALTER TABLE anchor DISABLE TRIGGER USER"))
        conn.execute(ANCHOR.delete().where(ANCHOR.c.number == 1))
        assert ["falta ou não continua" in finding.text for finding in check_anchors(conn, KEYS)] == [True]
        outer.rollback()


def test_keys_come_from_the_environment_or_a_file_and_the_last_one_seals(tmp_path: Path) -> None:
    assert load_keys(Settings()) is None
    file = tmp_path / "keys"
    file.write_text(f"# cofre\n2025 {KEY}\n2026 {KEY[::-1]}\n")
    keys = load_keys(Settings(anchor_key_file=file))
    assert keys
    assert (keys.current, sorted(keys.by_id)) == ("2026", ["2025", "2026"])
    assert KEY not in repr(keys)
    keys = load_keys(Settings(anchor_key_file=file, anchor_key=KEY, anchor_key_id="hoje"))
    assert keys
    assert keys.current == "hoje"
    with pytest.raises(BadInput, match="REGUA_ANCHOR_KEY: the anchor key is shorter than 32"):
        load_keys(Settings(anchor_key="curta"))


def test_what_is_no_anchor_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    for content in ("", "[]", "{}", '{"regua_anchor": 1}'):
        file.write_text(content)
        with pytest.raises(BadInput, match="this is no anchor"):
            read_anchor(file)

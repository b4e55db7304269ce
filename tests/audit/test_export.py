"""An export is checked in a bare interpreter, by the script that lies in it."""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from lived import Lived
from lives import Town

from audit.anchor import merkle_root
from audit.archive import runs_of
from audit.book import open_book
from audit.export import build_export


@pytest.fixture
def opened(lived: Lived, tmp_path: Path) -> Path:
    """The export of the firm life, opened in a folder."""
    return unpacked(lived, tmp_path)


def unpacked(lived: Lived, tmp_path: Path, *, paid: bool = False) -> Path:
    with lived.engine.connect() as conn:
        town = Town(lived.engine, lived.folder)
        book = open_book(conn, lived.paid if paid else lived.firm)
        runs, _ = runs_of(book, lived.store)
        content = build_export(town.world, book, runs, lived.now, lived.now.date())
    (tmp_path / "caso.zip").write_bytes(content)
    with zipfile.ZipFile(tmp_path / "caso.zip") as packed:
        packed.extractall(tmp_path / "caso")
    return tmp_path / "caso"


def checked(folder: Path, *more: object) -> tuple[int, str]:
    """How `python3 conferir.py` ends and what it says, without any package of ours or of anybody's."""
    command = [sys.executable, "-I", "-S", str(folder / "conferir.py"), *map(str, more)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd="/")
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout


def salt_of(lived: Lived) -> bytes:
    with lived.engine.connect() as conn:
        return open_book(conn, lived.firm).salt.encode()


def test_it_holds_every_record_and_checks_out(opened: Path, lived: Lived) -> None:
    files = {path.relative_to(opened).as_posix() for path in opened.rglob("*") if path.is_file()}
    assert {
        "LEIA-ME.txt", "conferir.py", "manifest.json", "livro.jsonl", "livro.csv", "historicos.json", "contatos.json",
        "agenda.json", "linha-do-tempo.html", "linha-do-tempo.pdf", "linha-do-tempo.json", "calculo.csv",
        "notificacoes.json", "pagamentos.csv", "protesto.json", "partes.json", "titulo.json",
    } <= files  # fmt: skip
    assert any(name.startswith("notificacoes/") for name in files)
    contacts = json.loads((opened / "contatos.json").read_text())
    assert all(contact["corpo"] for contact in contacts if contact["canal"] in ("email", "sms"))
    assert any(contact["recibos"] for contact in contacts)
    assert any(contact["html"] for contact in contacts)
    for contact in (each for each in contacts if each["canal"] == "email"):
        said_to_him = "\n".join((contact["assunto"], contact["corpo"], (opened / contact["html"]).read_text()))
        mac = hmac.new(salt_of(lived), said_to_him.encode(), hashlib.sha256).hexdigest()
        assert mac == contact["hmac_do_conteudo"], "what it looked like is what was sent"
    code, said = checked(opened)
    assert (code, said.startswith("tudo confere")) == (0, True)
    assert checked(opened, opened.parent / "caso.zip")[0] == 0


def test_a_changed_entry_is_named_without_us(opened: Path) -> None:
    book = opened / "livro.jsonl"
    lines = book.read_text().splitlines()
    book.write_text("\n".join([*lines[:16], lines[16].replace('"email"', '"sms"'), *lines[17:]]) + "\n")
    code, said = checked(opened)
    assert code == 1
    assert "livro.jsonl: o SHA-256 não é o do manifesto" in said
    assert "livro, registro 17: foi alterado" in said


def test_a_missing_an_added_and_a_cut_file_are_named(opened: Path) -> None:
    (opened / "pagamentos.csv").unlink()
    (opened / "novo.txt").write_text("x")
    book = opened / "livro.jsonl"
    book.write_text("\n".join(book.read_text().splitlines()[:-2]) + "\n")
    code, said = checked(opened)
    assert code == 1
    for words in (
        "pagamentos.csv: está no manifesto, mas falta",
        "novo.txt: não está no manifesto",
        "termina no registro 35",
    ):
        assert words in said


def test_an_anchor_kept_elsewhere_is_compared(opened: Path, lived: Lived) -> None:
    assert checked(opened, "--ancora", lived.anchor)[0] == 0
    data = json.loads(lived.anchor.read_text())
    for head in data["heads"]:
        head[2] = "0" * 64
    data["root"] = merkle_root([":".join(map(str, row)) for row in data["heads"] + data["archived"]])
    lived.anchor.write_text(json.dumps(data))
    code, said = checked(opened, "--ancora", lived.anchor)
    assert (code, "a corrente foi reescrita" in said) == (1, True)


def test_histories_are_compared_with_the_book(lived: Lived, tmp_path: Path) -> None:
    """The archived history of this case is another case's: its instructions are not the book's decisions."""
    code, said = checked(unpacked(lived, tmp_path, paid=True))
    assert code == 1
    assert "não é a instrução 1 de historicos/geracao-1-parte-1.json" in said


def test_plain_tools_are_enough_to_check_every_file(opened: Path) -> None:
    listed = dict(reversed(line.split("  ", 1)) for line in (opened / "SHA256SUMS").read_text().splitlines())
    files = {path.relative_to(opened).as_posix() for path in opened.rglob("*") if path.is_file()}
    assert files - listed.keys() == {"SHA256SUMS", "manifest.json"}, "the manifest knows the list"
    assert all(hashlib.sha256((opened / name).read_bytes()).hexdigest() == digest for name, digest in listed.items())


def test_an_edited_anchor_is_not_believed(opened: Path, lived: Lived) -> None:
    data = json.loads(lived.anchor.read_text())
    data["heads"][0][1] -= 1
    lived.anchor.write_text(json.dumps(data))
    code, said = checked(opened, "--ancora", lived.anchor)
    assert (code, "a âncora foi alterada" in said) == (1, True)


@pytest.mark.parametrize("content", [None, "{}", "[]", "x"])
def test_what_is_no_anchor_is_wrong_usage_and_no_difference(opened: Path, tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "ancora.json"
    if content is not None:
        path.write_text(content)
    code, said = checked(opened, "--ancora", path)
    assert (code, "não pôde ser lido" in said) == (2, True)
    assert checked(opened, "--ancora")[0] == 2


def test_a_folder_without_an_export_is_wrong_usage(tmp_path: Path, opened: Path) -> None:
    (tmp_path / "vazio").mkdir()
    assert checked(opened, tmp_path / "vazio")[0] == 2

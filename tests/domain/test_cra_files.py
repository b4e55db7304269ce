"""CRA files are read as they came and written as they were read."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from cra_samples import (
    DAY,
    GOODS,
    PERSON,
    PRESENTER,
    SERVICE,
    SHARED,
    every_kind,
    put,
    remittance,
)
from hypothesis import given
from hypothesis import strategies as st

from domain import cra
from domain.errors import BadFile

EXAMPLES = sorted((SHARED / "reference" / "cra" / "examples").glob("*"))
JUDGE = SHARED / "tools" / "check_cra.py"
FILES = every_kind()


def judged(folder: Path, *files: cra.CraFile) -> subprocess.CompletedProcess[str]:
    """What the independent check says of written files."""
    paths = []
    for file in files:
        name, content = cra.write(file)
        (folder / name).write_bytes(content)
        paths.append(str(folder / name))
    return subprocess.run([sys.executable, str(JUDGE), *paths], capture_output=True, text=True, check=False)


@pytest.mark.skipif(not EXAMPLES, reason="the example files (../shared/reference/cra/examples) are not here")
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_is_written_byte_for_byte_as_it_was_read(path: Path) -> None:
    data = path.read_bytes()

    assert cra.write(cra.read(data, path.name)) == (path.name, data)


@pytest.mark.skipif(not EXAMPLES, reason="the example files (../shared/reference/cra/examples) are not here")
@pytest.mark.parametrize("kind", ["B", "C", "M", "DP", "CP"])
def test_the_builders_make_the_example_from_our_words(kind: str) -> None:
    name, content = cra.write(FILES[kind])
    example = next(path for path in EXAMPLES if path.name == name)

    assert content == example.read_bytes()


@pytest.mark.parametrize("kind", FILES)
def test_a_built_file_is_what_its_receiver_reads(kind: str) -> None:
    name, content = cra.write(FILES[kind])

    assert cra.read(content, name) == FILES[kind]


@pytest.mark.skipif(not JUDGE.exists(), reason="the independent check (../shared/tools/check_cra.py) is not here")
def test_an_independent_check_finds_no_fault_in_any_kind(tmp_path: Path) -> None:
    far = replace(GOODS, our_number="FAT3", place="Rio de Janeiro", municipality="3304557", debtors=(PERSON,) * 11)
    many = replace(remittance(GOODS, far, SERVICE), sequence=2)

    verdict = judged(tmp_path, many, *FILES.values())

    assert verdict.returncode == 0, verdict.stdout


def test_lines_that_end_in_lf_are_read_too() -> None:
    name, content = cra.write(FILES["B"])

    assert cra.read(content.replace(b"\r\n", b"\n"), name) == FILES["B"]


@pytest.mark.parametrize(
    ("kind", "start", "garbage"),
    [
        ("R", 518, "P00000"),
        ("R", 20, "lower case name"),
        ("R", 228, "31092026"),
        ("R", 169, "        "),
        ("R", 416, "0130-500"),
        ("C", 416, "0130-500"),
        ("M", 508, "ABCDEFGHIJ"),
    ],
)
def test_garbage_in_a_field_that_is_not_used_is_kept_as_it_came(kind: str, start: int, garbage: str) -> None:
    name, content = cra.write(FILES[kind])
    garbled = put(content, 2, start, garbage)

    assert cra.write(cra.read(garbled, name)) == (name, garbled)


def test_an_optional_amount_that_comes_blank_is_nothing() -> None:
    name, content = cra.write(FILES["R"])
    blank = put(content, 2, 467, " " * 10)
    file = cra.read(blank, name)

    assert cra.outcomes(file)[0].costs == 0
    assert cra.write(file) == (name, blank)


def test_unknown_codes_are_kept_as_they_are() -> None:
    name, content = cra.write(FILES["R"])
    (outcome,) = cra.outcomes(cra.read(put(put(content, 2, 458, "K"), 2, 486, "Q7"), name))

    assert (outcome.occurrence, outcome.irregularities) == ("K", ("Q7",))
    assert cra.codes.occurrence(outcome.occurrence) is None


def test_one_return_file_may_hold_the_titles_of_several_presenters() -> None:
    _, content = cra.write(FILES["R"])
    other = content
    for line in (1, 2, 3):
        other = put(other, line, 2, "321")

    file = cra.read(content + other, "R0003011.261")

    assert len(cra.outcomes(file)) == 2
    assert cra.write(file) == ("R0003011.261", content + other)
    with pytest.raises(BadFile, match="999 is right"):
        cra.read(content + other, "R9993011.261")


def test_a_presenter_with_a_longer_code_is_999_inside_the_file() -> None:
    sent = cra.remittance(replace(PRESENTER, code="12345"), [GOODS], DAY, 1, lambda _: 1)
    name, content = cra.write(sent)

    assert name == "B123452311.261"
    assert content[1:4] == b"999"
    assert cra.read(content, name).presenter == "12345"


@pytest.mark.parametrize(
    ("name", "inside"), [("M9992611.261", "TAB"), ("MG132611.261", "G13"), ("MG132611.261", "999")]
)
def test_what_comes_back_may_name_the_presenter_as_its_cra_does(name: str, inside: str) -> None:
    _, content = cra.write(FILES["M"])
    for line in (1, 2, 3):
        content = put(content, line, 2, inside)

    assert cra.write(cra.read(content, name)) == (name, content)


@given(st.binary(max_size=700), st.sampled_from(["B9992311.261", "DP9992511.261", "R9993011.261"]))
def test_no_bytes_bring_anything_but_a_refusal(data: bytes, name: str) -> None:
    with pytest.raises(BadFile):
        cra.read(data, name)


@given(st.integers(0, 2999), st.characters(min_codepoint=32, max_codepoint=126))
def test_a_byte_changed_anywhere_is_refused_or_read_as_exactly_that(at: int, letter: str) -> None:
    name, content = cra.write(FILES["C"])
    other = content[:at] + letter.encode() + content[at + 1 :]

    try:
        file = cra.read(other, name)
    except BadFile:
        return
    assert cra.write(file) == (name, other)

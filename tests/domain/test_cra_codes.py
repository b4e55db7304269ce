"""What comes back from a notary office means one thing each."""

from __future__ import annotations

import csv

import pytest
from cra_samples import SHARED

from domain.cra import codes
from domain.cra.codes import Word

FACTS = SHARED / "reference" / "cra"
needs_facts = pytest.mark.skipif(not FACTS.exists(), reason="the code tables (../shared/reference/cra) are not here")


def facts(name: str) -> list[dict[str, str]]:
    with (FACTS / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.mark.parametrize(
    ("code", "word", "terminal"),
    [
        ("", Word.ACCEPTED, False),
        ("0", Word.IN_PROGRESS, False),
        ("1", Word.PAID, True),
        ("2", Word.PROTESTED, True),
        ("3", Word.WITHDRAWN, True),
        ("4", Word.SUSPENDED, False),
        ("5", Word.RETURNED, True),
        ("6", Word.RETURNED, True),
        ("7", Word.CONDITIONALLY_PAID, False),
        ("8", Word.ACCEPTED_BY_DRAWEE, False),
        ("9", Word.EDITAL, False),
        ("A", Word.CANCELLED, True),
        ("B", Word.ALREADY_PROTESTED, False),
        ("C", Word.PROTESTED, True),
        ("D", Word.WITHDRAWN, True),
        ("E", Word.CANCELLED, True),
        ("F", Word.WITHDRAWN_PAID, True),
        ("G", Word.SUSPENDED_FOR_GOOD, True),
        ("I", Word.INFORMATION, False),
        ("J", Word.CANCELLED, True),
        ("X", Word.CANCELLATION_REFUSED, False),
        ("Z", Word.RETURNED, True),
    ],
)
def test_an_occurrence_says_what_happened_to_the_title(code: str, word: Word, terminal: bool) -> None:
    found = codes.occurrence(code)

    assert found is not None
    assert (found.outcome, found.terminal) == (word, terminal)


@needs_facts
def test_occurrences_agree_with_the_layout_on_files_end_and_irregularity() -> None:
    for row in facts("cra_ocorrencias.csv"):
        found = codes.occurrence(row["codigo"])
        assert found is not None, row["codigo"]
        assert found.files == frozenset(row["arquivos"].split(","))
        assert found.terminal == row["terminal"].startswith("sim")
        assert found.needs_irregularity == (row["exige_irregularidade"] == "sim")


@needs_facts
def test_every_irregularity_of_the_layout_has_a_reason_and_says_whether_to_present_again() -> None:
    for row in facts("cra_irregularidades.csv"):
        found = codes.irregularity(row["codigo"])
        assert found is not None, row["codigo"]
        assert found.reason
        if found.category != "local":
            assert found.representable == (row["reapresentavel"] == "sim")


@needs_facts
def test_every_species_is_in_the_group_under_which_a_header_counts_it() -> None:
    for row in facts("cra_especies.csv"):
        found = codes.species(row["sigla"])
        assert found is not None, row["sigla"]
        assert found.by_indication == (row["grupo_header (campos 11/12)"] == "indicacao")
        assert found.official == (row["consta_v43"] == "sim")


@needs_facts
def test_every_state_of_progress_and_every_declaration_of_the_layout_is_known() -> None:
    assert all(codes.progress(row["codigo"]) for row in facts("cra_andamento.csv"))
    assert all(codes.declaration(row["codigo"]) for row in facts("cra_declaracoes.csv") if row["codigo"])


@pytest.mark.parametrize("code", ["26", "44", "60", "62", "63", "68", "69", "53", "98", "99"])
def test_what_stands_in_the_way_for_good_is_not_presented_again(code: str) -> None:
    found = codes.irregularity(code)

    assert found is not None
    assert not found.representable


def test_a_wrong_address_is_put_right_and_presented_again() -> None:
    found = codes.irregularity("06")

    assert found is not None
    assert (found.category, found.representable, found.reason) == ("address", True, "Endereço do sacado insuficiente")


@pytest.mark.parametrize(
    ("letter", "species", "fits"),
    [
        ("D", "DMI", True),
        ("D", "DSI", True),
        ("D", "CH", False),
        ("C", "CBI", True),
        ("C", "DMI", False),
        ("G", "NP", True),
        ("G", "DMI", False),
        ("T", "DMI", True),
        ("P", "EC", True),
        ("P", "DMI", False),
    ],
)
def test_a_declaration_fits_its_species_only(letter: str, species: str, fits: bool) -> None:
    found = codes.declaration(letter)

    assert found is not None
    assert found.fits(species) is fits


def test_an_unknown_code_is_nobody_s_guess() -> None:
    assert codes.occurrence("K") is None
    assert codes.irregularity("71") is None
    assert codes.species("QQQ") is None
    assert codes.progress("ZZ") is None
    assert codes.declaration("Y") is None

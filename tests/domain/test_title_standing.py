"""What a title's age has cost already, and which of its papers are not there."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.data import table
from domain.eligibility import PAPER_WORDS, blocked, explain, named_papers, owner_of, papers_missing, windows
from domain.eligibility import written_papers as written

DUE = date(2026, 8, 31)
DAYS = st.dates(date(2020, 1, 1), date(2040, 12, 31))
PAPERS = st.sets(st.sampled_from(sorted(PAPER_WORDS.values())))
KINDS = sorted({row["kind"] for row in table("title_documents")})


def open_on(day: date) -> set[str]:
    return {window.name for window in windows(DUE, day) if window.open}


# --- windows ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("last", "ended"),
    [
        (date(2026, 9, 30), {"cheap-proposal", "recourse"}),
        (date(2026, 12, 29), {"priced-proposal"}),
        (date(2027, 8, 31), {"postponed-costs"}),
    ],
)
def test_an_advantage_holds_through_its_last_day_and_is_gone_the_day_after(last: date, ended: set[str]) -> None:
    assert open_on(last) - open_on(last + timedelta(days=1)) == ended


def test_a_year_from_the_29th_of_february_ends_on_the_28th() -> None:
    (costs,) = (window for window in windows(date(2028, 2, 29), DUE) if window.name == "postponed-costs")
    assert costs.last == date(2029, 2, 28)


def test_an_approver_reads_what_he_still_has_and_what_he_has_lost_with_its_source() -> None:
    young, old = windows(DUE, DUE)[0], windows(DUE, DUE + timedelta(days=31))[0]
    assert (young.words, old.words) == (
        "solução negocial prévia sem adiantamento",
        "o credor adianta o preço da central",
    )
    assert all("Lei" in window.source or "Provimento" in window.source for window in windows(DUE, DUE))


@given(due=DAYS, age=st.integers(0, 800), more=st.integers(0, 400))
def test_no_advantage_comes_back_with_age(due: date, age: int, more: int) -> None:
    first, later = (windows(due, due + timedelta(days=days)) for days in (age, age + more))
    assert [window.name for window in first] == [window.name for window in later]
    assert all(before.open or not after.open for before, after in zip(first, later, strict=True))


# --- papers ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("kind", "there", "lacking"),
    [
        ("DMI", [], ("paper:delivery-proof",)),
        ("DMI", ["delivery-proof"], ()),
        ("DMI", ["service-proof"], ("paper:delivery-proof",)),
        ("DSI", [], ("paper:service-proof", "paper:contract")),
        ("DSI", ["delivery-proof", "order"], ()),
        ("CT", ["contract"], ("paper:memory",)),
        ("SJ", ["title", "contract"], ("paper:court-certificate",)),
        ("XYZ", [], ()),
    ],
)
def test_each_kind_of_title_asks_for_its_own_papers(kind: str, there: list[str], lacking: tuple[str, ...]) -> None:
    assert papers_missing(kind, there) == lacking


@given(kind=st.sampled_from(KINDS), some=PAPERS, more=PAPERS)
def test_one_paper_more_never_makes_another_missing(kind: str, some: set[str], more: set[str]) -> None:
    assert {*papers_missing(kind, some | more)} <= {*papers_missing(kind, some)}
    assert papers_missing(kind, PAPER_WORDS.values()) == ()


@given(papers=PAPERS)
def test_the_papers_that_a_file_names_are_read_back_from_the_invoice(papers: set[str]) -> None:
    assert named_papers(written(dict.fromkeys(papers, "pasta 7"))) == papers


def test_words_without_a_kind_are_the_reference_of_a_proof_of_delivery() -> None:
    assert named_papers("canhoto 123") == {"delivery-proof"}
    assert named_papers("") == set()


def test_staff_read_which_paper_to_attach() -> None:
    for kind in KINDS:
        for code in papers_missing(kind, []):
            assert explain(code).startswith("Falta documento: ")
            assert explain(code).endswith(f"--kind {code.removeprefix('paper:')}.")


# --- what stands in the way ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("portfolio", "orders", "nfe", "codes"),
    [
        ("simple", [], "", ()),
        ("simple", [], "210200", ()),
        ("simple", [], "210210", ()),
        ("pledged", [], "", ("portfolio-pledged",)),
        ("simple", ["protest", "listing"], "", ("bank-protest", "bank-listing")),
        ("simple", [], "110112", ("nfe-cancelled",)),
        ("simple", [], "210220", ("nfe-refused",)),
        ("sold", ["protest"], "210240", ("bank-protest", "portfolio-sold", "nfe-refused")),
    ],
)
def test_what_others_say_of_a_title_bars_it_and_is_named(
    portfolio: str, orders: list[str], nfe: str, codes: tuple[str, ...]
) -> None:
    assert blocked(portfolio, orders, nfe) == codes


def test_one_task_goes_to_whom_the_hardest_gap_needs() -> None:
    assert owner_of(["paper:title"]) == "clerk"
    assert owner_of(["street", "portfolio-sold"]) == "supervisor"
    assert owner_of(["portfolio-sold", "executive-term", "street"]) == "lawyer"

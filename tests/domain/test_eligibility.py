"""What a title lacks is said before it is sent, each thing by its name."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from domain import cra
from domain.eligibility import SENTENCES, explain, missing
from tests.domain.cra_samples import COMPANY, CREDITOR, DAY, GOODS, PERSON, PRESENTER

LAST = DAY + timedelta(days=400)


def lacks(title: cra.Title, presenter: cra.Presenter | None = PRESENTER, last: date = LAST) -> tuple[str, ...]:
    return missing(title, presenter, DAY, last)


def of(**changes: object) -> cra.Title:
    """The sample title with a changed debtor."""
    return replace(GOODS, debtors=(replace(COMPANY, **changes),))  # type: ignore[arg-type]


def test_a_complete_title_lacks_nothing() -> None:
    assert lacks(GOODS) == ()
    assert lacks(replace(GOODS, debtors=(PERSON,))) == ()


@pytest.mark.parametrize(
    ("title", "code"),
    [
        (of(address=" "), "street"),
        (of(cep=""), "cep"),
        (of(cep="00000000"), "cep"),
        (of(cep="20040002"), "cep-of-other-state"),
        (of(city=""), "city"),
        (of(name=""), "name"),
        (of(document=""), "document"),
        (of(document="3344455500018"), "document"),
        (of(document="12ABC34501DE35"), "document-letters"),
        (replace(GOODS, municipality=""), "ibge"),
        (replace(GOODS, municipality="3304557"), "ibge"),
        (replace(GOODS, species="XYZ", declaration=""), "species"),
        (replace(GOODS, declaration=""), "declaration"),
        (replace(GOODS, species="DSI", declaration=""), "declaration"),
        (replace(GOODS, declaration="G"), "declaration"),
        (replace(GOODS, amount=Decimal(0), balance=Decimal(0)), "amount"),
        (replace(GOODS, balance=Decimal("0.00")), "amount"),
        (replace(GOODS, balance=Decimal("1234.57")), "balance"),
        (replace(GOODS, due=DAY), "not-due"),
        (replace(GOODS, due=DAY + timedelta(days=1)), "not-due"),
        (replace(GOODS, issue=date(2026, 10, 2)), "issue"),
        (replace(GOODS, number=""), "title-number"),
        (replace(GOODS, number="NF-123456789/01"), "title-number"),
        (replace(GOODS, creditor=replace(CREDITOR, address="")), "creditor-address"),
        (replace(GOODS, creditor=replace(CREDITOR, cep="0131010")), "creditor-address"),
    ],
)
def test_each_gap_is_named_alone(title: cra.Title, code: str) -> None:
    assert lacks(title) == (code,)


def test_everything_that_is_missing_is_told_at_once() -> None:
    bare = of(address="", cep="", city="", document="12ABC34501DE35")
    assert lacks(bare) == ("document-letters", "street", "cep", "city")


def test_a_state_that_does_not_exist_is_missing() -> None:
    assert "uf" in lacks(of(uf="XX"))


@pytest.mark.parametrize(
    "presenter",
    [
        replace(PRESENTER, name=" "),
        replace(PRESENTER, agency_account=""),
        replace(PRESENTER, agency_account="a1"),
    ],
)
def test_without_a_whole_agreement_with_the_cra_nothing_goes(presenter: cra.Presenter) -> None:
    assert lacks(GOODS, presenter) == ("presenter",)


def test_without_any_agreement_a_whole_title_can_be_presented_by_hand() -> None:
    assert lacks(GOODS, None) == ()
    assert lacks(replace(GOODS, number="123456789012"), None) == ("title-number",)


def test_after_the_executive_term_a_protest_would_be_irregular() -> None:
    assert lacks(GOODS, last=DAY) == ()
    assert lacks(GOODS, last=DAY - timedelta(days=1)) == ("executive-term",)


def test_what_no_file_could_hold_is_missing_although_no_rule_names_it() -> None:
    assert lacks(replace(GOODS, our_number="minúsculas")) == ("field:nosso_numero",)
    assert lacks(of(name="Компания")) == ("field:nome_devedor",)


def test_staff_read_a_sentence_for_every_code() -> None:
    for code in ("street", "document-letters", "presenter", "field:nome_devedor"):
        assert explain(code).endswith(".")
    assert "nome_devedor" in explain("field:nome_devedor")
    assert len(set(SENTENCES.values())) == len(SENTENCES)


TEXTS = st.text(max_size=50)
OF_DEBTOR: dict[str, st.SearchStrategy[str]] = {
    "name": TEXTS,
    "document": st.sampled_from(["33444555000181", "11144477735", "12ABC34501DE35", ""]),
    "address": TEXTS,
    "cep": st.sampled_from(["01305000", "00000000", "20040002", "1"]),
    "city": TEXTS,
    "uf": st.sampled_from(["SP", "RJ", "sp", ""]),
    "district": TEXTS,
}
OF_TITLE: dict[str, st.SearchStrategy[object]] = {
    "species": st.sampled_from(["DMI", "DSI", "NP", "XX", ""]),
    "number": TEXTS,
    "issue": st.dates(DAY - timedelta(days=90), DAY),
    "due": st.dates(DAY - timedelta(days=90), DAY + timedelta(days=3)),
    "amount": st.decimals(-1, 2000, places=2),
    "balance": st.decimals(-1, 2000, places=2),
    "place": TEXTS,
    "municipality": st.sampled_from(["3550308", "3304557", "0000000", "12"]),
    "declaration": st.sampled_from(["D", "T", "G", "?", ""]),
    "endorsement": st.sampled_from(["", "M", "T"]),
}


@st.composite
def titles(draw: st.DrawFn) -> cra.Title:
    """The sample title with a few things changed, for better or for worse."""
    debtor = {name: draw(OF_DEBTOR[name]) for name in draw(st.sets(st.sampled_from(sorted(OF_DEBTOR)), max_size=1))}
    title = {name: draw(OF_TITLE[name]) for name in draw(st.sets(st.sampled_from(sorted(OF_TITLE)), max_size=2))}
    return replace(of(**debtor), **title)  # type: ignore[arg-type]


@given(titles())
def test_what_lacks_nothing_is_taken_by_a_remittance(title: cra.Title) -> None:
    event("complete" if not lacks(title) else "incomplete")
    if not lacks(title):
        assert cra.title_faults(title, DAY) == ()
        cra.remittance(PRESENTER, [title], DAY, 1, lambda _: 1)

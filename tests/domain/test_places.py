"""States, time zones, postal codes, municipalities, names."""

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.calendars import is_public_holiday
from domain.data import table
from domain.errors import BadInput
from domain.places import UFS, municipality, normalise_name, time_zone, uf_of_cep, uf_of_municipality

CAPITALS = {
    "AC": ("Rio Branco", "1200401"), "AL": ("Maceió", "2704302"), "AM": ("Manaus", "1302603"),
    "AP": ("Macapá", "1600303"), "BA": ("Salvador", "2927408"), "CE": ("Fortaleza", "2304400"),
    "DF": ("Brasília", "5300108"), "ES": ("Vitória", "3205309"), "GO": ("Goiânia", "5208707"),
    "MA": ("São Luís", "2111300"), "MG": ("Belo Horizonte", "3106200"), "MS": ("Campo Grande", "5002704"),
    "MT": ("Cuiabá", "5103403"), "PA": ("Belém", "1501402"), "PB": ("João Pessoa", "2507507"),
    "PE": ("Recife", "2611606"), "PI": ("Teresina", "2211001"), "PR": ("Curitiba", "4106902"),
    "RJ": ("Rio de Janeiro", "3304557"), "RN": ("Natal", "2408102"), "RO": ("Porto Velho", "1100205"),
    "RR": ("Boa Vista", "1400100"), "RS": ("Porto Alegre", "4314902"), "SC": ("Florianópolis", "4205407"),
    "SE": ("Aracaju", "2800308"), "SP": ("São Paulo", "3550308"), "TO": ("Palmas", "1721000"),
}  # fmt: skip


@pytest.mark.parametrize("uf", UFS)
def test_every_state_has_a_time_zone_a_capital_and_a_holiday_calendar(uf: str) -> None:
    offset = datetime(2026, 3, 2, 12, tzinfo=UTC).astimezone(time_zone(uf)).utcoffset()
    assert offset is not None
    assert timedelta(hours=-5) <= offset <= timedelta(hours=-3)
    name, code = CAPITALS[uf]
    assert municipality(name, uf) == code
    assert uf_of_municipality(code) == uf
    assert not is_public_holiday(datetime(2026, 3, 2, tzinfo=UTC).date(), uf)


@pytest.mark.parametrize(("uf", "hours"), [("SP", -3), ("AM", -4), ("AC", -5), ("MT", -4), ("MS", -4), ("PE", -3)])
def test_noon_is_noon_in_the_debtors_state(uf: str, hours: int) -> None:
    assert datetime(2026, 3, 2, tzinfo=time_zone(uf)).utcoffset() == timedelta(hours=hours)


def test_an_unknown_state_is_refused_with_the_list_of_states() -> None:
    with pytest.raises(BadInput, match="AC, AL, AM"):
        time_zone("XX")


@pytest.mark.parametrize(
    ("cep", "uf"),
    [
        ("01310100", "SP"), ("19999999", "SP"), ("20040002", "RJ"), ("30130010", "MG"), ("69900062", "AC"),
        ("69301000", "RR"), ("69005000", "AM"), ("69400000", "AM"), ("68900073", "AP"), ("70040010", "DF"),
        ("72800000", "GO"), ("73000000", "DF"), ("73700000", "GO"), ("76801059", "RO"), ("77001002", "TO"),
        ("78005000", "MT"), ("79002000", "MS"), ("99999999", "RS"),
        ("00999999", None), ("78950000", None), ("1310100", None), ("01310-100", None), ("", None),
    ],
)  # fmt: skip
def test_a_cep_tells_its_state(cep: str, uf: str | None) -> None:
    assert uf_of_cep(cep) == uf


def test_ranges_of_postal_codes_do_not_overlap_and_reach_every_state() -> None:
    ranges = [(row["first"], row["last"]) for row in table("ceps")]
    assert all(first <= last for first, last in ranges)
    assert all(end < start for (_, end), (start, _) in pairwise(ranges))
    assert {row["uf"] for row in table("ceps")} == set(UFS)


def test_all_5571_municipalities_are_there_each_under_its_own_state() -> None:
    rows = table("municipalities")
    assert len(rows) == len({row["ibge"] for row in rows}) == 5571
    assert all(re.fullmatch(r"[0-9]{7}", row["ibge"]) and uf_of_municipality(row["ibge"]) == row["uf"] for row in rows)
    assert all(municipality(row["name"], row["uf"]) == row["ibge"] for row in rows)
    assert all(row["name"] == normalise_name(row["name"]) for row in rows)


@pytest.mark.parametrize(
    ("name", "uf", "code"),
    [
        ("são  paulo", "sp", "3550308"), ("ALTA FLORESTA D'OESTE", "RO", "1100015"),
        ("Alta Floresta D’Oeste", "RO", "1100015"),
        ("Alta Floresta d Oeste", "RO", "1100015"), ("Ji Paraná", "RO", "1100122"),
        ("Boa Esperança do Norte", "MT", "5101837"),
        ("São Paulo", "RJ", None), ("Cidade Inventada", "SP", None), ("Campinas", "XX", None),
    ],
)  # fmt: skip
def test_a_municipality_is_found_however_its_name_is_written(name: str, uf: str, code: str | None) -> None:
    assert municipality(name, uf) == code


@pytest.mark.parametrize("code", ["", "355030", "99503080", "9950308", "35503O8"])
def test_a_code_of_no_state_has_no_state(code: str) -> None:
    assert uf_of_municipality(code) is None


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("  José da  Conceição ", "JOSE DA CONCEICAO"),
        ("Padaria Pão & Cia. – Ltda", "PADARIA PAO & CIA. - LTDA"),
        ("D’Ávila\tComércio", "D'AVILA COMERCIO"),
        ("Loja nº 1", "LOJA NO 1"),
        ("Straße", "STRASSE"),
        ("日本 Ltda", "LTDA"),
    ],
)
def test_a_name_becomes_capitals_in_ascii_with_single_spaces(text: str, plain: str) -> None:
    assert normalise_name(text) == plain


@given(st.text(max_size=60))
def test_a_normalised_name_is_plain_and_stays_as_it_is(text: str) -> None:
    plain = normalise_name(text)
    assert plain.isascii()
    assert plain == normalise_name(plain) == plain.upper() == " ".join(plain.split())
    assert plain.isprintable()

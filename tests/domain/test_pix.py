"""Pix: BR Codes, keys, txids and the last day on which a charge can be paid, with the official vectors."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.calendars import is_bank_day
from domain.errors import BadInput
from domain.pix import (
    BrCode,
    charge_txid,
    check_charge_txid,
    crc16,
    decode,
    dynamic_code,
    encode,
    is_static_txid,
    last_payable_day,
    parse_key,
    static_code,
    static_txid,
)

RANDOM = "123e4567-e12b-12d1-a456-426655440000"
COBV = "pix.example.com/qr/v2/cobv/"
# Central bank: Manual BR Code (P1) and API Pix 2.9.0 (P2, P3, P4); the others were computed.
VECTORS = {
    "P1 static without amount": (
        "00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-426655440000"
        "5204000053039865802BR5913Fulano de Tal6008BRASILIA62070503***63041D3D",
        BrCode("Fulano de Tal", "BRASILIA", key=RANDOM),
    ),
    "P2 recurrence only": (
        "00020126180014br.gov.bcb.pix5204000053039865802BR5913Fulano de Tal6008BRASILIA62070503***"
        "80800014br.gov.bcb.pix2558pix.example.com/qr/v2/rec/2353c790eefb11eaadc10242ac120002630462C9",
        BrCode("Fulano de Tal", "BRASILIA", recurrence="pix.example.com/qr/v2/rec/2353c790eefb11eaadc10242ac120002"),
    ),
    "P3 immediate charge with recurrence": (
        "00020101021226760014br.gov.bcb.pix2554pix.example.com/qr/v2/8b3da2f39a4140d1a91abd93113bd441"
        "5204000053039865802BR5913Fulano de Tal6008BRASILIA62070503***"
        "80800014br.gov.bcb.pix2558pix.example.com/qr/v2/rec/94ed2badcbc04c15b0bb7fa35319489063047741",
        BrCode(
            "Fulano de Tal", "BRASILIA", url="pix.example.com/qr/v2/8b3da2f39a4140d1a91abd93113bd441", once=True,
            recurrence="pix.example.com/qr/v2/rec/94ed2badcbc04c15b0bb7fa353194890",
        ),
    ),
    "P4 charge with due date and recurrence": (
        "00020101021226810014br.gov.bcb.pix2559pix.example.com/qr/v2/cobv/1e6c54d3ec9449b7a7fc53b6b0f998e7"
        "5204000053039865802BR5913Fulano de Tal6008BRASILIA62070503***"
        "80800014br.gov.bcb.pix2558pix.example.com/qr/v2/rec/3ffa640fa4f14080adccb949fa2dc0d06304A441",
        BrCode(
            "Fulano de Tal", "BRASILIA", url=COBV + "1e6c54d3ec9449b7a7fc53b6b0f998e7", once=True,
            recurrence="pix.example.com/qr/v2/rec/3ffa640fa4f14080adccb949fa2dc0d0",
        ),
    ),
    "P5 static, CPF, amount, txid": (
        "00020126330014br.gov.bcb.pix01111234567890952040000530398654071234.565802BR5920EMPRESA EXEMPLO LTDA"
        "6009SAO PAULO62130509FAT0001236304D097",
        BrCode("EMPRESA EXEMPLO LTDA", "SAO PAULO", key="12345678909", amount=Decimal("1234.56"), txid="FAT000123"),
    ),
    "P6 static, e-mail, information": (
        "00020126510014br.gov.bcb.pix0120cobranca@example.com0205NF 42520400005303986540510.005802BR"
        "5920EMPRESA EXEMPLO LTDA6009SAO PAULO62150511NF20260004263047440",
        BrCode(
            "EMPRESA EXEMPLO LTDA", "SAO PAULO", key="cobranca@example.com", info="NF 42", amount=Decimal("10.00"),
            txid="NF202600042",
        ),
    ),
    "P8 charge with due date": (
        "00020101021226810014br.gov.bcb.pix2559pix.example.com/qr/v2/cobv/9d36b84fc70b478fb95c12729b90ca25"
        "5204000053039865802BR5920EMPRESA EXEMPLO LTDA6009SAO PAULO62070503***63041BB5",
        BrCode("EMPRESA EXEMPLO LTDA", "SAO PAULO", url=COBV + "9d36b84fc70b478fb95c12729b90ca25", once=True),
    ),
}  # fmt: skip
P1 = VECTORS["P1 static without amount"][0]
CASE = UUID("01890a5d-ac96-774b-bcce-b302099a8057")


def sealed(body: str) -> str:
    """A code with a right check sum, whatever else is wrong with it."""
    return body + "6304" + crc16(body + "6304")


@pytest.mark.parametrize(("text", "code"), VECTORS.values(), ids=VECTORS)
def test_a_known_code_is_read_and_written_as_it_stands(text: str, code: BrCode) -> None:
    assert decode(text) == code
    assert encode(code) == text


def test_the_kind_of_a_code_is_told() -> None:
    kinds = [code.kind for _, code in VECTORS.values()]
    assert kinds == ["static", "recurrence", "dynamic", "dynamic", "static", "static", "dynamic"]


def test_the_check_sum_is_crc16_ccitt_false() -> None:
    assert crc16("123456789") == "29B1"


def test_one_wrong_digit_is_found_by_the_check_sum() -> None:
    with pytest.raises(BadInput, match="should be CEDC"):
        decode(P1.replace("12d1", "12d3"))


def test_the_gui_may_be_in_capitals_and_the_check_sum_in_small_letters() -> None:
    body = P1[:-8].replace("br.gov.bcb.pix", "BR.GOV.BCB.PIX")
    assert decode(sealed(body)).key == RANDOM
    assert decode(f" {P1[:-4]}{P1[-4:].lower()}\n").key == RANDOM


@given(st.integers(0, len(P1) - 1), st.characters(codec="ascii", categories=["L", "N"]))
def test_no_single_changed_character_passes_unnoticed(at: int, sign: str) -> None:
    changed = P1[:at] + sign + P1[at + 1 :]
    if (changed.upper() == P1.upper() and at >= len(P1) - 4) or changed == P1:
        return
    with pytest.raises(BadInput):
        decode(changed)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", "does not end in field 63"),
        (P1[:-8].replace("53039865802BR", "53038405802BR"), "field 53, the currency, is '840'"),
        (P1[:-8].replace("5802BR", "5802US"), "field 58, the land, is 'US'"),
        (P1[:-8].replace("br.gov.bcb.pix", "com.exemplo.pg"), "not a Pix code"),
        (P1[:-8].replace("5913Fulano de Tal", ""), "field 59, the name, is missing"),
        (P1[:-8].replace("5913Fulano de Tal", "5999Fulano de Tal"), "is broken at character"),
        (P1[:-8].replace("5802BR", "5802BR5802BR"), "has field 58 twice"),
        (P1[:-8].replace("53039865802BR", "530398654051,2345802BR"), "field 54, the amount"),
        (P1[:-8].replace("62070503***", "62090505A-B/C"), "txid: a code has room"),
        (P1[:-8].replace("0136" + RANDOM, "011112345678900").replace("2658", "2633"), "check digits of this CPF"),
        (P1[:-8].replace("0136" + RANDOM, "").replace("2658", "2618"), "either a key or the address"),
        ("000201" + "26100006com.ex" + "5204000053039865802BR5901A6001B", "not a Pix code"),
    ],
)
def test_a_broken_code_is_refused_with_what_is_wrong(body: str, words: str) -> None:
    with pytest.raises(BadInput, match=re.escape(words)):
        decode(sealed(body) if body else body)


def test_what_does_not_fit_a_code_is_refused() -> None:
    whole = {"key": RANDOM, "name": "Credora Fictícia", "city": "São Paulo"}
    assert decode(static_code(**whole)).city == "Sao Paulo"
    for wrong in (
        {"name": "N" * 26}, {"name": ""}, {"city": "C" * 16}, {"key": "ninguem"}, {"amount": Decimal("0.00")},
        {"amount": Decimal("-1.00")}, {"amount": Decimal("1.005")}, {"amount": Decimal(10) ** 10},
        {"txid": "A" * 26}, {"txid": "A B"}, {"txid": ""}, {"info": "I" * 60}, {"name": "Loja ☺"},
    ):  # fmt: skip
        with pytest.raises(BadInput):
            static_code(**(whole | wrong))  # type: ignore[arg-type]
    with pytest.raises(BadInput):
        dynamic_code("pix.example.com/" + "a" * 70, "Credora", "SP")


names = st.text("ABCDEFGHIJ abcdefghij.&-0123", min_size=1, max_size=25).map(str.strip).filter(bool)
keys = st.sampled_from([RANDOM, "12345678909", "12ABC34501DE35", "cobranca@example.com", "+5511900000001"])
amounts = st.none() | st.decimals(Decimal("0.01"), Decimal("9999999999.99"), places=2)


@given(keys, names, names, amounts, st.from_regex(r"[A-Za-z0-9]{1,25}", fullmatch=True))
def test_a_static_code_says_what_was_put_into_it(
    key: str, name: str, city: str, amount: Decimal | None, txid: str
) -> None:
    name, city = " ".join(name.split()), " ".join(city.split())[:15].strip()
    text = static_code(key, name, city, amount=amount, txid=txid)
    assert decode(text) == BrCode(name, city, key=key, amount=amount, txid=txid)
    assert re.fullmatch(r"[ -~]+", text)


def test_a_dynamic_code_takes_the_address_with_or_without_its_scheme() -> None:
    text, code = VECTORS["P8 charge with due date"]
    assert dynamic_code(f"https://{code.url}", code.name, code.city) == text
    assert decode(encode(replace(code, postal_code="01310100"))).postal_code == "01310100"


# --- keys -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("written", "kind", "value"),
    [
        ("123.456.789-09", "cpf", "12345678909"),
        ("11.222.333/0001-81", "cnpj", "11222333000181"),
        ("12.abc.345/01de-35", "cnpj", "12ABC34501DE35"),
        ("Cobranca@Example.com", "email", "cobranca@example.com"),
        ("+55 (11) 90000-0001", "phone", "+5511900000001"),
        (RANDOM.upper(), "random", RANDOM),
    ],
)
def test_each_kind_of_key_has_one_form(written: str, kind: str, value: str) -> None:
    key = parse_key(written)
    assert (key.kind, key.value) == (kind, value)
    assert value not in repr(key)


@pytest.mark.parametrize(
    "written",
    ["", "12345678900", "12ABC34501DE36", "11900000001", "+1 202 555 0100", "a@b", "123e4567-e12b-12d1-a456",
     "a" * 60 + "@" + "b" * 20 + ".example.com"],
)  # fmt: skip
def test_what_is_no_key_is_refused(written: str) -> None:
    with pytest.raises(BadInput, match="Pix key"):
        parse_key(written)


# --- txid -------------------------------------------------------------------------------------------------------------
def test_the_txid_of_a_charge_shows_case_and_number() -> None:
    assert charge_txid(CASE, 0) == "01890a5dac96774bbcceb302099a8057000"
    assert charge_txid(CASE, 37) == "01890a5dac96774bbcceb302099a8057011"
    for number in (-1, 36**3):
        with pytest.raises(BadInput):
            charge_txid(CASE, number)


@given(st.uuids(), st.uuids(), st.integers(0, 36**3 - 1), st.integers(0, 36**3 - 1))
def test_a_txid_is_the_same_again_fits_its_place_and_is_nobody_elses(a: UUID, b: UUID, m: int, n: int) -> None:
    assert check_charge_txid(charge_txid(a, m)) == charge_txid(a, m)
    assert not is_static_txid(charge_txid(a, m))
    assert is_static_txid(static_txid(a, m))
    assert len(static_txid(a, m)) == 25
    for make in (charge_txid, static_txid):
        assert (make(a, m) == make(b, n)) is ((a, m) == (b, n))


@pytest.mark.parametrize("txid", ["", "a" * 25, "a" * 36, "a" * 25 + "-", "á" * 30])
def test_a_txid_that_the_api_would_not_take_is_refused(txid: str) -> None:
    with pytest.raises(BadInput):
        check_charge_txid(txid)


# --- the last day -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("due", "validity", "last"),
    [
        ("2020-10-20", 4, "2020-10-26"),
        ("2020-12-25", 0, "2020-12-28"),
        ("2020-12-25", 1, "2020-12-29"),
        ("2020-12-25", 3, "2020-12-31"),
        ("2020-12-25", 4, "2021-01-04"),
        ("2021-08-27", 5, "2021-09-01"),
        ("2021-08-28", 5, "2021-09-06"),
    ],
    ids=list("ABCDEFG"),
)
def test_the_official_examples_of_due_date_and_validity(due: str, validity: int, last: str) -> None:
    assert last_payable_day(date.fromisoformat(due), validity) == date.fromisoformat(last)


@given(st.dates(date(2020, 1, 1), date(2035, 1, 1)), st.integers(0, 60))
def test_the_last_day_is_a_business_day_not_before_the_days_asked_for(due: date, validity: int) -> None:
    last = last_payable_day(due, validity)
    assert is_bank_day(last)
    assert validity <= (last - due).days <= validity + 10


def test_a_negative_validity_is_refused() -> None:
    with pytest.raises(BadInput):
        last_payable_day(date(2026, 1, 5), -1)

"""Documents, phones, postal codes, e-mails and title numbers, as dirty as they come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import BadInput
from domain.identifiers import (
    Document,
    normalise_number,
    parse_cep,
    parse_document,
    parse_email,
    parse_phone,
    restore_leading_zeros,
)

CPFS = ["12345678909", "11144477735", "52998224725", "00000000191"]
CNPJS = ["12ABC34501DE35", "00000000000191", "11222333000181", "33444555000181", "Z46ABC88000164", "00ABC123000186"]
CNPJS += ["1A2B3C4D000179", "ABCDEFGHIJKL80"]
ALNUM = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@pytest.mark.parametrize("number", CPFS)
def test_a_cpf_is_taken_with_and_without_its_mask(number: str) -> None:
    document = parse_document(number)
    assert document == Document("cpf", number) == parse_document(document.formatted)
    assert document == parse_document(f"  CPF: {document.formatted} ")


@pytest.mark.parametrize("number", CNPJS)
def test_a_cnpj_of_digits_or_letters_is_taken_with_and_without_its_mask(number: str) -> None:
    document = parse_document(number)
    assert document == Document("cnpj", number) == parse_document(document.formatted)
    assert document == parse_document(document.formatted.lower())


def test_documents_are_shown_in_full_masked_or_not_at_all() -> None:
    cpf, cnpj = parse_document("12345678909"), parse_document("12.abc.345/01de-35")
    assert (cpf.formatted, cpf.masked) == ("123.456.789-09", "***.456.789-**")
    assert (cnpj.formatted, cnpj.masked) == ("12.ABC.345/01DE-35", "**.ABC.345/01DE-**")
    assert "12345678909" not in repr(cpf)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("12345678900", "check digits"),
        ("12ABC34501DE36", "check digits"),
        ("11222333000180", "check digits"),
        ("12ABC34501DEAA", "letter"),
        ("1234567890A", "letter"),
        ("000.000.000-00", "all digits are the same"),
        ("11111111111", "all digits are the same"),
        ("00000000000000", "all digits are the same"),
        ("1234567890", "10 characters"),
        ("", "empty"),
        ("529.982.247_25", "signs"),
        ("١٢٣٤٥٦٧٨٩٠٩", "signs"),
    ],
)
def test_a_wrong_document_is_refused_with_the_reason_and_without_repeating_it(text: str, why: str) -> None:
    with pytest.raises(BadInput, match=why) as refusal:
        parse_document(text)
    assert not text or text not in str(refusal.value)


def _check_digits(body: str, highest_weight: int) -> str:
    """IN RFB 2.229/2024, and the older rule of the CPF, written once more and independently."""
    for _ in range(2):
        weights = [i % (highest_weight - 1) + 2 for i in range(len(body))]
        rest = sum((ord(sign) - 48) * weight for sign, weight in zip(reversed(body), weights, strict=True)) % 11
        body += str(0 if rest < 2 else 11 - rest)
    return body


@given(st.text(ALNUM, min_size=12, max_size=12).filter(lambda body: len(set(body)) > 1))
def test_every_cnpj_with_right_check_digits_is_taken_and_with_a_wrong_one_refused(body: str) -> None:
    number = _check_digits(body, 9)
    assert parse_document(number).number == number
    with pytest.raises(BadInput):
        parse_document(number[:-1] + str((int(number[-1]) + 1) % 10))


@given(st.text("0123456789", min_size=9, max_size=9).filter(lambda body: len(set(body)) > 1))
def test_every_cpf_with_right_check_digits_is_taken(body: str) -> None:
    number = _check_digits(body, 11)
    assert parse_document(number) == Document("cpf", number)


@pytest.mark.parametrize(
    ("text", "document"),
    [
        ("1222333000141", None),
        ("11222333000181", Document("cnpj", "11222333000181")),
        ("12345678909", Document("cpf", "12345678909")),
        ("12345678909.0", Document("cpf", "12345678909")),
        ("123.456.789-09", Document("cpf", "12345678909")),
        ("00.ABC.123/0001-86", Document("cnpj", "00ABC123000186")),
    ],
)
def test_a_number_without_its_leading_zeros_gets_them_back_where_check_digits_prove_it(
    text: str, document: Document | None
) -> None:
    if document is None:
        with pytest.raises(BadInput, match="neither"):
            restore_leading_zeros(text)
    else:
        assert restore_leading_zeros(text) == document


def test_a_number_that_fits_a_cpf_and_a_cnpj_is_refused() -> None:
    with pytest.raises(BadInput, match="both"):
        restore_leading_zeros("191")


@pytest.mark.parametrize("text", ["", "0", "123456789012345", "1.2E+13", "12345678900"])
def test_a_number_that_no_zeros_can_mend_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        restore_leading_zeros(text)


@given(st.integers(0, 10**9 - 1), st.integers(1, 10**12 - 1))
def test_lost_zeros_come_back_as_the_same_document_or_not_at_all(person: int, company: int) -> None:
    for body, weights, kind in ((f"{person:09}", 11, "cpf"), (f"{company:012}", 9, "cnpj")):
        number = _check_digits(body, weights)
        try:
            restored = restore_leading_zeros(number.lstrip("0"))
        except BadInput as refusal:
            assert "both" in str(refusal) or len(set(number)) == 1  # noqa: PT017 - only some numbers are refused
            continue
        assert (restored.kind, restored.number) == (kind, number)


@pytest.mark.parametrize(
    ("text", "cep"), [("01310-100", "01310100"), (" 01.310-100 ", "01310100"), ("70040010", "70040010")]
)
def test_a_cep_is_eight_digits(text: str, cep: str) -> None:
    assert parse_cep(text) == cep


@pytest.mark.parametrize("text", ["1310100", "", "00000000", "00999999", "0131010O", "013101000"])
def test_a_cep_of_nowhere_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="CEP"):
        parse_cep(text)


@pytest.mark.parametrize(
    ("text", "e164", "mobile", "zone"),
    [
        ("+5511987654321", "+5511987654321", True, "America/Sao_Paulo"),
        ("(11) 98765-4321", "+5511987654321", True, "America/Sao_Paulo"),
        ("0 15 11 98765-4321", "+5511987654321", True, "America/Sao_Paulo"),
        ("+551132345678", "+551132345678", False, "America/Sao_Paulo"),
        ("(11) 3234-5678 ramal 12", "+551132345678", False, "America/Sao_Paulo"),
        ("92 90000-0000", "+5592900000000", True, "America/Manaus"),
        ("68 90000-0000", "+5568900000000", True, "America/Rio_Branco"),
    ],
)
def test_a_phone_is_brought_to_e164_with_its_time_zone(text: str, e164: str, mobile: bool, zone: str) -> None:
    phone = parse_phone(text)
    assert (phone.e164, phone.mobile, phone.time_zone) == (e164, mobile, zone)
    assert e164 not in repr(phone)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("+5511887654321", "no such number"),
        ("11 8765-4321", "no such number"),
        ("98765-4321", "no such number"),
        ("0800 777 1234", "service number"),
        ("4004-1234", "service number"),
        ("+1 212 555 0100", "not Brazilian"),
        ("(11) 98888-7777 / 3333-2222", "not one phone number"),
        ("11 98765-ABCD", "not one phone number"),
        ("falar com o financeiro", "not one phone number"),
        ("", "not one phone number"),
    ],
)
def test_a_number_at_which_nobody_can_be_reached_is_refused(text: str, why: str) -> None:
    with pytest.raises(BadInput, match=why) as refusal:
        parse_phone(text)
    assert not text or text not in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "email"),
    [
        (" Financeiro@Example.COM ", "Financeiro@example.com"),
        ("contas.a+pagar@sub.example.com.br", "contas.a+pagar@sub.example.com.br"),
        ("o'neil_1@xn--exemplo-9ua.com", "o'neil_1@xn--exemplo-9ua.com"),
    ],
)
def test_an_email_keeps_its_local_part_and_lowers_its_domain(text: str, email: str) -> None:
    assert parse_email(text) == email


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "@example.com",
        "a@",
        "a@example",
        "a@b@example.com",
        "a b@example.com",
        "a@example.com;b@example.com",
        "a..b@example.com",
        ".a@example.com",
        "a@-example.com",
        "a@example..com",
        "joão@example.com",
        "a@example.com\nBcc: x",
        "a" * 65 + "@example.com",
        "a@" + "b." * 130 + "com",
        "Ana <a@example.com>",
        "a@127.0.0.1",
    ],
)
def test_what_is_not_one_email_address_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="e-mail"):
        parse_email(text)


@pytest.mark.parametrize(
    ("text", "number", "instalment"),
    [
        ("1234/1", "1234", "1"),
        ("001234-1", "1234", "1"),
        ("1234 / 01", "1234", "1"),
        ("1234 A", "1234", "A"),
        ("1234a", "1234", "A"),
        ("1234", "1234", ""),
        ("0", "0", ""),
        ("NF-1234", "NF-1234", ""),
        ("NF-1234/2", "NF-1234", "2"),
        ("nf  1234-b", "NF 1234", "B"),
        ("2026/000123", "2026", "123"),
        ("1234/", "1234", ""),
        ("000/00", "0", "0"),
        ("0 0A", "0", "A"),
        ("0-0 1/2", "1", "2"),
    ],
)
def test_one_title_has_one_number_however_it_is_printed(text: str, number: str, instalment: str) -> None:
    assert normalise_number(text) == (number, instalment)


@pytest.mark.parametrize("text", ["", "  ", "-", "/ -"])
def test_a_title_without_number_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="no number"):
        normalise_number(text)


@given(st.text("0123456789ABab/- .", min_size=1, max_size=14).filter(lambda text: text.strip(" /-")))
def test_a_normalised_number_stays_as_it_is(text: str) -> None:
    number, instalment = normalise_number(text)
    assert number
    if instalment:
        assert normalise_number(f"{number}/{instalment}") == (number, instalment)

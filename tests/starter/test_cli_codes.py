"""`regua pix` and `regua boleto`: what people type and what they are told. No installation is needed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from starter.__main__ import main

STATIC = (
    "00020126330014br.gov.bcb.pix01111234567890952040000530398654071234.565802BR5920EMPRESA EXEMPLO LTDA"
    "6009SAO PAULO62130509FAT0001236304D097"
)
DYNAMIC = (
    "00020101021226810014br.gov.bcb.pix2559pix.example.com/qr/v2/cobv/9d36b84fc70b478fb95c12729b90ca25"
    "5204000053039865802BR5920EMPRESA EXEMPLO LTDA6009SAO PAULO62070503***63041BB5"
)
LINE = "34191.09008 01015.271248 80212.460002 4 25480000675787"


class Typed:
    """Types commands and keeps what they said."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture

    def __call__(self, *words: str) -> tuple[int, str, str]:
        code = main(words)
        out, err = self._capture.readouterr()
        return code, out, err

    def json(self, *words: str) -> Any:
        code, out, _ = self(*words, "--json")
        assert code == 0
        return json.loads(out)


@pytest.fixture
def typed(capsys: pytest.CaptureFixture[str]) -> Typed:
    return Typed(capsys)


def test_a_static_code_is_told_field_by_field(typed: Typed) -> None:
    assert typed.json("pix", "decode", STATIC) == {
        "kind": "static", "key": "12345678909", "url": "", "recurrence": "", "amount": "1234.56",
        "name": "EMPRESA EXEMPLO LTDA", "city": "SAO PAULO", "postal_code": "", "txid": "FAT000123", "info": "",
        "once": None,
    }  # fmt: skip
    code, out, _ = typed("pix", "decode", STATIC)
    assert code == 0
    assert "estático" in out
    assert "1234.56" in out


def test_a_dynamic_code_is_told_by_the_address_of_its_charge(typed: Typed) -> None:
    found = typed.json("pix", "decode", DYNAMIC)
    assert (found["kind"], found["amount"], found["txid"], found["once"]) == ("dynamic", None, "", True)
    assert found["url"] == "pix.example.com/qr/v2/cobv/9d36b84fc70b478fb95c12729b90ca25"


def test_a_static_code_is_made_as_it_is_read(typed: Typed) -> None:
    options = ("--key", "123.456.789-09", "--name", "EMPRESA EXEMPLO LTDA", "--city", "SÃO PAULO")
    more = ("--amount", "1.234,56", "--txid", "FAT000123")
    assert typed.json("pix", "static", *options, *more) == {"br_code": STATIC}
    assert typed("pix", "static", *options, *more)[1] == STATIC + "\n"
    bare = typed.json("pix", "static", *options, "--info", "NF 42")["br_code"]
    assert typed.json("pix", "decode", bare)["info"] == "NF 42"
    assert typed.json("pix", "decode", bare)["amount"] is None


def test_a_boleto_is_told_as_it_is_meant_on_the_day(typed: Typed) -> None:
    found = typed.json("boleto", "decode", LINE, "--on", "22/11/2026")
    assert (found["kind"], found["bank"], found["due"], found["amount"]) == ("boleto", "341", "2029-05-20", "6757.87")
    assert found["due_candidates"] == ["2004-09-28", "2029-05-20", "2054-01-09"]
    assert typed.json("boleto", "decode", LINE, "--on", "2004-10-01")["due"] == "2004-09-28"
    code, out, _ = typed("boleto", "decode", LINE, "--on", "22/11/2026")
    assert code == 0
    assert "20/05/2029" in out


def test_a_document_of_arrecadacao_has_no_bank_and_no_due_date(typed: Typed) -> None:
    found = typed.json("boleto", "decode", "836200000005 667800481000 180975657313 001589636081", "--on", "22/11/2026")
    assert (found["kind"], found["segment"], found["amount"]) == ("collection", "3", "66.78")
    assert "bank" not in found


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("pix", "decode", STATIC[:-1] + "8"), "the check sum is D098 and should be D097"),
        (("pix", "static", "--key", "ninguem", "--name", "A", "--city", "B"), "a key is a CPF, a CNPJ"),
        (("pix", "static", "--key", "12345678909", "--name", "A", "--city", "B", "--amount", "muito"), "muito"),
        (("boleto", "decode", LINE[:-1] + "8", "--on", "22/11/2026"), "check digit of the whole boleto"),
        (("boleto", "decode", LINE, "--on", "amanhã"), "--on 'amanhã' is not a day"),
        (("boleto", "decode", LINE, "--on", "01/06/2013"), "each too far from 01/06/2013"),
    ],
)
def test_a_wrong_code_ends_with_one_sentence_and_exit_code_1(
    typed: Typed, words: tuple[str, ...], sentence: str
) -> None:
    code, out, err = typed(*words)
    assert (code, out) == (1, "")
    assert sentence in err
    assert err.count("\n") == 1
    code, out, _ = typed(*words, "--json")
    assert code == 1
    assert sentence in json.loads(out)["error"]


@pytest.mark.parametrize("words", [("pix", "decode"), ("pix", "static", "--key", "x"), ("boleto", "decode", LINE)])
def test_a_command_that_lacks_something_is_a_matter_of_usage(typed: Typed, words: tuple[str, ...]) -> None:
    assert typed(*words)[0] == 2

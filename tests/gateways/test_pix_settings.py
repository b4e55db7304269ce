"""Whose Pix, by which bank: what an installation and a creditor configure, and what they are told when it is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from activities.registry import pix_gateways
from db.settings import Pix
from domain.errors import BadInput
from gateways.pix import BacenPix
from gateways.settings import Settings, load_settings

BANK: dict[str, Any] = {
    "pix_url": "https://pix.example.com/api/", "pix_token_url": "https://pix.example.com/oauth/token",
    "pix_client_id": "credora", "pix_client_secret": "planted",
}  # fmt: skip
AGREEMENT: dict[str, Any] = {
    "mode": "api",
    "key": "11.222.333/0001-81",
    "name": "Credora Fictícia",
    "city": "São Paulo",
}


def test_without_a_bank_there_are_no_charges() -> None:
    assert pix_gateways(Settings()) == {}


def test_a_bank_is_asked_with_its_certificate_where_there_is_one(tmp_path: Path) -> None:
    plain = pix_gateways(Settings(**BANK))["principal"]
    files = {"pix_certificate": tmp_path / "cert.pem", "pix_certificate_key": tmp_path / "key.pem"}
    mutual = pix_gateways(Settings(**BANK, **files))["principal"]
    assert isinstance(plain, BacenPix)
    assert isinstance(mutual, BacenPix)
    assert plain._certificate is None
    assert mutual._certificate == (str(tmp_path / "cert.pem"), str(tmp_path / "key.pem"))
    assert mutual._url == "https://pix.example.com/api"


@pytest.mark.parametrize("missing", ["pix_token_url", "pix_client_id", "pix_client_secret"])
def test_half_an_account_is_refused(missing: str, tmp_path: Path) -> None:
    lines = [f"REGUA_{name.upper()}={value}" for name, value in BANK.items() if name != missing]
    (tmp_path / ".env").write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(BadInput, match="REGUA_PIX_URL is set without all of") as caught:
        load_settings(tmp_path / ".env")
    assert "planted" not in str(caught.value)


def test_a_certificate_without_its_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="set both or neither"):
        Settings(**BANK, pix_certificate=tmp_path / "cert.pem")


BOREAL = """
[boreal]
url = "https://pix.boreal.example.com/api"
token_url = "https://pix.boreal.example.com/oauth/token"
client_id = "boreal"
client_secret_file = "{secret}"
"""


def test_each_creditor_may_receive_at_a_bank_of_his_own(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("planted\n", encoding="utf-8")
    (tmp_path / "banks.toml").write_text(BOREAL.format(secret=tmp_path / "secret"), encoding="utf-8")
    banks = pix_gateways(Settings(**BANK, pix_accounts=tmp_path / "banks.toml"))
    assert sorted(banks) == ["boreal", "principal"]
    boreal = banks["boreal"]
    assert isinstance(boreal, BacenPix)
    assert boreal._url == "https://pix.boreal.example.com/api"


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("[boreal", "not a TOML file"),
        (BOREAL.replace("token_url", "token_adress"), r"boreal.token_url: Field required"),
        (BOREAL + 'client_secret = "planted"', "boreal: write one of client_secret and client_secret_file"),
        (BOREAL + 'certificate = "cert.pem"', "set both or neither"),
        (BOREAL.replace("https://pix.boreal", "pix.boreal"), "boreal.url"),
        (BOREAL.replace("[boreal]", "[principal]"), "give it another name"),
        (BOREAL.replace("{secret}", "/nowhere/secret"), "/nowhere/secret: the secret cannot be read"),
    ],
)
def test_a_wrong_file_of_accounts_is_refused_with_the_place(written: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x", encoding="utf-8")
    text = written.replace("{secret}", str(tmp_path / "secret"))
    (tmp_path / "banks.toml").write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=words) as caught:
        pix_gateways(Settings(pix_accounts=tmp_path / "banks.toml"))
    assert "planted" not in str(caught.value)


def test_a_missing_file_of_accounts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        pix_gateways(Settings(pix_accounts=tmp_path / "none.toml"))


def test_a_creditors_key_is_kept_in_its_one_form_and_a_code_lasts_a_week() -> None:
    pix = Pix.model_validate(AGREEMENT)
    assert (pix.key, pix.days) == ("11222333000181", 7)
    assert Pix.model_validate(pix.model_dump()) == pix


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"key": "11222333000182"}, "check digits of this CNPJ"),
        ({"name": "N" * 26}, "name: 26 characters"),
        ({"city": "Santa Rita do Passa Quatro"}, "city: 26 characters"),
        ({"name": "Credora ☺"}, "plain letters"),
        ({"days": 0}, "greater than or equal to 1"),
        ({"mode": "boleto"}, "'api' or 'static'"),
        ({"bank": "999"}, "Extra inputs"),
    ],
)
def test_an_agreement_that_no_code_could_show_is_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Pix.model_validate(AGREEMENT | wrong)

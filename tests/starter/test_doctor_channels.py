"""What `regua doctor` says of channels, replies and Pix: what is missing, and why."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from people import SETTINGS, new_creditor
from sqlalchemy import Engine

from gateways.settings import Settings
from starter.doctor import Check, _providers, creditor_checks, keeping

TWILIO = {"twilio_account_sid": "AC" + "0" * 32, "twilio_auth_token": "segredo"}
PUBLIC = {"public_url": "https://regua.example.com"}
PIX = {
    "pix_url": "https://pix.example.com", "pix_token_url": "https://pix.example.com/token", "pix_client_id": "regua",
    "pix_client_secret": "segredo",
}  # fmt: skip


def looked(**given: Any) -> dict[str, Check]:
    return {check.what: check for check in _providers(Settings(**given))}


@pytest.mark.parametrize(
    ("what", "lacking"),
    [
        ("WhatsApp", "REGUA_TWILIO_ACCOUNT_SID, REGUA_TWILIO_AUTH_TOKEN"),
        ("voice", "REGUA_TWILIO_ACCOUNT_SID, REGUA_TWILIO_AUTH_TOKEN, REGUA_PUBLIC_URL"),
        ("replies by telephone", "REGUA_TWILIO_AUTH_TOKEN, REGUA_PUBLIC_URL"),
        (
            "replies by e-mail",
            "REGUA_REPLY_DOMAIN, REGUA_PUBLIC_URL, REGUA_SENDGRID_PARSE_SECRET or REGUA_SENDGRID_PARSE_PUBLIC_KEY",
        ),
        ("Pix", "REGUA_PIX_URL"),
        ("answers of legal", "REGUA_LEGAL_SECRET, REGUA_PUBLIC_URL"),
        ("answers of bureau", "REGUA_BUREAU_SECRET, REGUA_PUBLIC_URL"),
    ],
)
def test_what_is_not_configured_is_off_and_its_settings_are_named(what: str, lacking: str) -> None:
    check = looked()[what]
    assert (check.state, lacking in check.found) == ("off", True)


def test_what_is_configured_is_in_order() -> None:
    replies = {"reply_domain": "in.example.com", "sendgrid_parse_public_key": "chave"}
    found = looked(**TWILIO, **PUBLIC, **replies, **PIX, pix_webhook_token="t" * 32, agency_secret="segredo")
    names = (
        "answers of agency",
        "SMS",
        "WhatsApp",
        "voice",
        "replies by telephone",
        "replies by e-mail",
        "Pix",
        "Pix webhook",
    )
    assert {name: found[name].state for name in names} == dict.fromkeys(names, "ok")


def test_a_bank_that_cannot_tell_of_payments_is_asked_and_a_wrong_list_of_accounts_is_missing(tmp_path: Path) -> None:
    webhook = looked(**PIX)["Pix webhook"]
    assert (webhook.state, "REGUA_PIX_WEBHOOK_TOKEN" in webhook.found, "asking" in webhook.found) == ("off", True, True)
    wrong = tmp_path / "contas.toml"
    wrong.write_text("nada = 1")
    assert looked(pix_accounts=wrong)["Pix"].state == "missing"


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"whatsapp": {"sender": "+551130000000"}}, "acknowledged"),
        ({"whatsapp": {"sender": "+551130000000"}}, "regua letters whatsapp"),
        ({"voice": {"sender": "+551130000000"}}, "REGUA_PUBLIC_URL"),
        ({"pix": {"mode": "api", "key": "a@example.com", "name": "A", "city": "B", "account": "sul"}}, "account sul"),
    ],
)
def test_what_a_creditor_switched_on_and_cannot_use_is_missing(
    engine: Engine, settings: dict[str, Any], why: str
) -> None:
    new_creditor(engine, settings=SETTINGS | settings)
    (check,) = creditor_checks(engine, Settings())
    assert (check.what, check.state, why in check.found) == ("creditor credora", "missing", True)


def test_a_creditor_who_switched_nothing_on_is_not_listed_and_one_who_can_use_it_is_in_order(engine: Engine) -> None:
    new_creditor(engine)
    ready = {"sender": "+551130000000", "templates": {"lembrete": "HX" + "0" * 32}, "policy_acknowledged_by": "ana"}
    settings = SETTINGS | {"whatsapp": ready | {"policy_acknowledged_on": "2026-03-01"}}
    new_creditor(engine, code="outra", document="11444777000161", settings=settings)
    assert creditor_checks(engine, Settings()) == [Check("creditor outra", "ok", "whatsapp")]


def test_of_a_secret_that_is_being_changed_the_last_day_of_the_former_one_is_shown() -> None:
    check = looked(**PUBLIC, legal_secret="novo", legal_former_secret="velho", legal_former_until=date(2027, 1, 31))[
        "answers of legal"
    ]
    assert (check.state, check.found.endswith("the former secret counts until 2027-01-31")) == ("ok", True)


def test_what_keeps_evidence_is_looked_at_and_what_is_left_out_says_what_it_costs(tmp_path: Path) -> None:
    found = {check.what: check for check in keeping(Settings(state_dir=tmp_path / "not-made-yet"))}
    assert {name: found[name].state for name in found} == {
        "files": "ok", "documents": "ok", "anchors": "ok", "daily seal": "off", "encrypted histories": "off",
        "retention": "ok",
    }  # fmt: skip
    assert "REGUA_ANCHOR_KEY" in found["daily seal"].found
    assert not (tmp_path / "not-made-yet").exists(), "looking changes nothing"


def test_keys_that_cannot_be_used_a_directory_that_is_none_and_a_table_that_is_not_there_are_found(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").write_text("")
    wrong = Settings(
        state_dir=tmp_path / "file", anchor_key="short", codec_key="short", retention_file=tmp_path / "none.csv"
    )
    found = {check.what: check for check in keeping(wrong)}
    assert {check.state for check in found.values()} == {"missing"}
    assert "short" not in "".join(check.found for check in found.values()).replace("shorter", "")


def test_a_disk_with_little_room_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("starter.doctor.shutil.disk_usage", lambda _: SimpleNamespace(free=2**27))
    check = keeping(Settings(state_dir=tmp_path))[0]
    assert (check.state, check.found) == ("missing", f"{tmp_path}, 0.1 GiB free: make room")

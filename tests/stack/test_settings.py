"""What an operator configures, and what he is told when it cannot be used."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from domain.errors import BadInput
from gateways.settings import TEMPORAL_PORT_FILE, Port, Settings, load_settings, temporal_config

EXAMPLE = Path(__file__).resolve().parents[2] / ".env.example"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"REGUA_{name.upper()}", raising=False)
    for name in ("TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "TEMPORAL_PROFILE", "TEMPORAL_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))  # where a profile file would be
    monkeypatch.chdir(tmp_path)


def test_without_any_configuration_the_embedded_stack_is_meant() -> None:
    settings = load_settings()
    assert settings.database_url == ""
    assert settings.documents_dir == Path(".regua/documents")
    assert settings.embedded_temporal_address == "127.0.0.1:7233"
    assert "target_host" not in temporal_config()


def test_commands_find_the_server_of_a_directory_on_the_port_that_was_chosen_for_it(tmp_path: Path) -> None:
    """The demo's directory, looked at with nothing but REGUA_STATE_DIR."""
    kept = tmp_path / ".regua" / TEMPORAL_PORT_FILE
    kept.parent.mkdir(parents=True)
    kept.write_text("30299")
    assert load_settings().embedded_temporal_address == "127.0.0.1:30299"


def test_documents_follow_the_state_directory_unless_placed_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGUA_STATE_DIR", "/srv/regua")
    assert load_settings().documents_dir == Path("/srv/regua/documents")
    monkeypatch.setenv("REGUA_DOCUMENTS_DIR", "/mnt/documents")
    assert load_settings().documents_dir == Path("/mnt/documents")


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "REGUA_SMS_PER_SECOND=3\nREGUA_WEBHOOK_PORT=9000\nTEMPORAL_ADDRESS=file.example.com:7233\n"
    )
    monkeypatch.setenv("REGUA_WEBHOOK_PORT", "9001")
    settings = load_settings()
    assert (settings.sms_per_second, settings.webhook_port) == (3.0, 9001)
    assert temporal_config()["target_host"] == "file.example.com:7233"
    monkeypatch.setenv("TEMPORAL_ADDRESS", "env.example.com:7233")
    assert temporal_config()["target_host"] == "env.example.com:7233"


def test_every_wrong_variable_is_named_with_what_was_found_and_what_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGUA_WEBHOOK_PORT", "eighty")
    monkeypatch.setenv("REGUA_SMS_PER_SECOND", "0")
    monkeypatch.setenv("REGUA_PUBLIC_URL", "regua.example.com")
    with pytest.raises(BadInput) as refused:
        load_settings()
    text = str(refused.value)
    assert "REGUA_WEBHOOK_PORT: 'eighty'" in text
    assert "port of the webhooks" in text
    assert "REGUA_SMS_PER_SECOND: '0'" in text
    assert "REGUA_PUBLIC_URL: 'regua.example.com'" in text


def test_a_misspelt_setting_in_the_file_is_refused_with_the_likely_one(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("REGUA_SENDGRID_KEYS=x\n")
    with pytest.raises(BadInput, match=r"REGUA_SENDGRID_KEYS: there is no such setting; perhaps REGUA_SENDGRID_KEY"):
        load_settings()


def test_secrets_are_in_no_printed_settings_and_in_no_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGUA_DATABASE_URL", "postgresql://regua:planted@db.example.com/regua")
    monkeypatch.setenv("REGUA_SENDGRID_KEY", "planted")
    settings = load_settings()
    assert settings.database_url == "postgresql+psycopg://regua:planted@db.example.com/regua"
    assert "planted" not in repr(settings)
    monkeypatch.setenv("REGUA_DATABASE_URL", "mysql://regua:planted@db.example.com/regua")
    with pytest.raises(BadInput, match="REGUA_DATABASE_URL") as refused:
        load_settings()
    assert "planted" not in str(refused.value)


def test_files_reach_the_cra_by_one_way_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGUA_CRA_URL", "https://cra.example.com")
    monkeypatch.setenv("REGUA_CRA_FOLDER", "/srv/cra")
    with pytest.raises(BadInput, match="REGUA_CRA_URL and REGUA_CRA_FOLDER are both set"):
        load_settings()


def test_the_example_file_names_every_variable_and_can_be_used_as_it_is(tmp_path: Path) -> None:
    text = EXAMPLE.read_text()
    for name in Settings.model_fields:
        assert f"REGUA_{name.upper()}=" in text
    (tmp_path / ".env").write_text(text)
    assert load_settings() == Settings()


@given(st.integers())
def test_a_port_is_a_port(number: int) -> None:
    valid = 0 <= number <= 65535
    try:
        assert TypeAdapter(Port).validate_python(str(number)) == number
    except ValidationError:
        assert not valid
    else:
        assert valid

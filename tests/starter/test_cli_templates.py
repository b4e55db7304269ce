"""WhatsApp templates as a person hands them in: once each, used when approved, passed over until then."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from people import SETTINGS, new_creditor, pin, short_ladder

from activities.registry import world_on
from activities.templates import Templates, template_of
from contract.messages import TemplatesReport
from db.engine import read_clock
from db.rows import CREDITOR, TASK
from gateways.settings import load_settings
from gateways.whatsapp import TwilioTemplates
from sandbox.server import Sandbox, running_sandbox
from sandbox.state import TWILIO_SID, TWILIO_TOKEN
from sandbox.twilio_content import set_fates

SENDER = "+551130000000"
TEXT = "atraso-cordial"


@pytest.fixture
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path / "sandbox", event_delay=0.02) as sandbox:
        monkeypatch.setenv("REGUA_TWILIO_ACCOUNT_SID", TWILIO_SID)
        monkeypatch.setenv("REGUA_TWILIO_AUTH_TOKEN", TWILIO_TOKEN)
        monkeypatch.setenv("REGUA_TWILIO_BASE_URL", sandbox.url)
        yield sandbox


@pytest.fixture
def credora(terminal: Any) -> str:
    settings = SETTINGS | {"whatsapp": {"sender": SENDER, "templates": {}}}
    new_creditor(terminal.engine, settings=settings)
    return "credora"


def standing(terminal: Any, credora: str, *more: str) -> dict[str, Any]:
    said = terminal.type("letters", "whatsapp", credora, "--by", "ana", "--text", TEXT, "--json", *more)
    assert said.code == 0, said.err
    (found,) = said.json
    return dict(found)


def settled(terminal: Any, credora: str, status: str) -> dict[str, Any]:
    deadline = time.monotonic() + 10
    while (found := standing(terminal, credora))["status"] != status:
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    return found


def in_use(terminal: Any) -> dict[str, str]:
    (row,) = terminal.rows(CREDITOR)
    return dict(row.settings["whatsapp"]["templates"])


def test_a_template_is_handed_in_once_and_used_when_it_is_approved(
    terminal: Any, sandbox: Sandbox, credora: str
) -> None:
    before = standing(terminal, credora)
    assert (before["status"], before["sid"], in_use(terminal)) == ("missing", "", {})
    standing(terminal, credora, "--submit")
    found = settled(terminal, credora, "approved")
    assert (found["used"], found["category"], in_use(terminal)) == (True, "UTILITY", {TEXT: found["sid"]})
    again = standing(terminal, credora, "--submit")
    assert again["sid"] == found["sid"]
    assert len(sandbox.state.rows("SELECT sid FROM contents")) == 1


@pytest.mark.parametrize("verdict", ["rejected:INVALID_FORMAT", "paused", "disabled"])
def test_what_the_platform_turned_down_is_not_used_and_a_person_is_told(
    terminal: Any, sandbox: Sandbox, credora: str, verdict: str
) -> None:
    standing(terminal, credora, "--submit")
    found = settled(terminal, credora, "approved")
    set_fates(sandbox.state, {found["name"]: verdict})
    status, _, reason = verdict.partition(":")
    now = settled(terminal, credora, status)
    assert (now["used"], now["reason"], in_use(terminal)) == (False, reason, {})
    (task,) = terminal.rows(TASK)
    assert task.details == ["channel whatsapp", f"code template-{status}:{TEXT}"]


def errand(terminal: Any, sandbox: Sandbox) -> TemplatesReport:
    world = world_on(terminal.engine, read_clock(terminal.engine), load_settings())
    return Templates(world, TwilioTemplates(TWILIO_SID, TWILIO_TOKEN, sandbox.url)).ask_templates()


def test_every_morning_what_was_approved_is_used_and_what_was_turned_down_is_not(
    terminal: Any, sandbox: Sandbox, credora: str
) -> None:
    pin(terminal.engine, short_ladder(f"  - {{id: a, at: due + 1d, do: contact, by: [whatsapp, sms], text: {TEXT}}}"))
    assert (errand(terminal, sandbox), in_use(terminal)) == (TemplatesReport(1, 1, 0), {})
    assert sandbox.state.rows("SELECT sid FROM contents") == [], "nothing is handed in by itself"
    sid = standing(terminal, credora, "--submit")["sid"]
    deadline = time.monotonic() + 10
    while in_use(terminal) != {TEXT: sid}:
        assert time.monotonic() < deadline
        errand(terminal, sandbox)
    set_fates(sandbox.state, {template_of(TEXT).name: "paused"})
    errand(terminal, sandbox)
    errand(terminal, sandbox)
    assert in_use(terminal) == {}
    assert [task.details[1] for task in terminal.rows(TASK)] == [f"code template-paused:{TEXT}"]


def test_what_the_provider_does_not_tell_stays_until_tomorrow(terminal: Any, sandbox: Sandbox, credora: str) -> None:
    by_hand = {"lembrete": f"HX{7:032x}"}
    with terminal.engine.begin() as conn:
        changed = SETTINGS | {"whatsapp": {"sender": SENDER, "templates": by_hand}}
        conn.execute(CREDITOR.update().values(settings=changed))
    assert (errand(terminal, sandbox), in_use(terminal)) == (TemplatesReport(1, 1, 1), by_hand)


def test_without_an_account_nobody_is_asked(terminal: Any, credora: str) -> None:
    world = world_on(terminal.engine, read_clock(terminal.engine), load_settings())
    assert Templates(world, None).ask_templates() == TemplatesReport()


def test_without_a_text_those_of_the_ladders_are_shown(terminal: Any, sandbox: Sandbox, credora: str) -> None:
    pin(terminal.engine, short_ladder(f"  - {{id: a, at: due + 1d, do: contact, by: [whatsapp, sms], text: {TEXT}}}"))
    with terminal.engine.begin() as conn:
        (row,) = conn.execute(CREDITOR.select()).all()
        conn.execute(CREDITOR.update().values(settings=row.settings | {"policies": {"company": "teste"}}))
    found = terminal.type("letters", "whatsapp", credora, "--by", "ana", "--json").json
    assert [(row["text"], row["status"]) for row in found] == [(TEXT, "missing")]
    assert "Modelos do WhatsApp" in terminal.type("letters", "whatsapp", credora, "--by", "ana").out


def test_a_template_made_by_hand_is_used_until_ours_is_approved(terminal: Any, sandbox: Sandbox, credora: str) -> None:
    standing(terminal, credora, "--submit")
    ours = settled(terminal, credora, "approved")
    with terminal.engine.begin() as conn:
        changed = SETTINGS | {"whatsapp": {"sender": SENDER, "templates": {"lembrete": ours["sid"]}}}
        conn.execute(CREDITOR.update().values(settings=changed))
    said = terminal.type("letters", "whatsapp", credora, "--by", "ana", "--text", "lembrete", "--json").json
    assert (said[0]["name"], said[0]["used"]) == ("", True)


@pytest.mark.parametrize("wrong", [["--by", "ninguem"], ["--by", "ana", "--text", "cobranca-dura"]])
def test_a_stranger_and_an_unknown_text_are_refused(
    terminal: Any, sandbox: Sandbox, credora: str, wrong: list[str]
) -> None:
    assert terminal.type("letters", "whatsapp", credora, *wrong).code == 1


def test_a_creditor_who_does_not_write_there_is_refused(terminal: Any, sandbox: Sandbox) -> None:
    new_creditor(terminal.engine)
    said = terminal.type("letters", "whatsapp", "credora", "--by", "ana")
    assert (said.code, "does not write by WhatsApp" in said.err) == (1, True)


def test_without_an_account_the_missing_setting_is_named(terminal: Any, credora: str) -> None:
    said = terminal.type("letters", "whatsapp", credora, "--by", "ana")
    assert (said.code, "REGUA_TWILIO_ACCOUNT_SID" in said.err) == (1, True)

"""What the mail house reports of registered letters: once, whole or not at all, and no name outside its row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from activities.notice import Notices
from db.rows import CONTACT, WEBHOOK_EVENT
from domain import facts as f
from sandbox.server import running_sandbox
from tests.activities.firm_samples import Office, notifying, open_office

RECEIVER = "Porteiro Inventado da Silva"
CODE = "YJ000000000BR"


@pytest.fixture
def office(terminal: Any, tmp_path: Path) -> Iterator[Office]:
    """A case whose notice went by letter alone."""
    with running_sandbox(tmp_path / "sandbox", event_delay=0.02) as sandbox:
        office = open_office(terminal.engine, sandbox, tmp_path, notifying(by="[letter]"))
        office.perform(Notices(office.world).notice)
        yield office


def line(office: Office, event: str, day: str = "16/03/2026", **other: str) -> dict[str, str]:
    letter = str(office.contact("letter").id)
    return {"carta": letter, "rastreio": CODE, "evento": event, "dia": day, "recebedor": "", **other}


def take_in(terminal: Any, *rows: dict[str, str], more: tuple[str, ...] = ()) -> Any:
    return terminal.type("letters", "tracking", terminal.file("retorno.csv", *rows), "--by", "ana", "--json", *more)


def test_a_receipt_by_name_proves_the_notice_and_the_name_stays_in_its_row(terminal: Any, office: Office) -> None:
    rows = [line(office, "posted", "11/03/2026"), line(office, "received-by-name", recebedor=RECEIVER)]
    said = take_in(terminal, *rows)
    assert (said.json["added"], said.json["unchanged"]) == (2, 0)
    contact = office.contact("letter")
    assert (contact.state, contact.provider_id) == ("delivered", CODE)
    (fact,) = [body for body in terminal.facts(office.ids.case) if body["kind"] == "notice_proved"]
    assert (fact["channel"], fact["level"], fact["on"]) == ("letter", "received-by-name", "2026-03-16")
    assert RECEIVER not in str(terminal.facts(office.ids.case))
    assert {row.body["receiver"] for row in terminal.rows(WEBHOOK_EVENT)} == {"", RECEIVER}
    office.decide()
    assert [type(each) for each in office.book("notice_proved")] == [f.NoticeProved]
    assert office.next.reason != "waits for proof of the notice"


def test_the_same_file_again_changes_nothing(terminal: Any, office: Office) -> None:
    take_in(terminal, line(office, "delivered"))
    before = terminal.facts(office.ids.case)
    again = take_in(terminal, line(office, "delivered"))
    assert (again.json["added"], again.json["unchanged"], terminal.facts(office.ids.case)) == (0, 1, before)


@pytest.mark.parametrize(
    "event", ["returned", "unknown-address", "moved", "absent", "unclaimed", "refused", "deceased"]
)
def test_what_came_back_is_told_with_its_reason(terminal: Any, office: Office, event: str) -> None:
    assert take_in(terminal, line(office, event)).code == 0
    (fact,) = [body for body in terminal.facts(office.ids.case) if body["kind"] == "notice_returned"]
    assert (fact["channel"], fact["reason"], office.contact("letter").state) == ("letter", event, "bounced")
    office.decide()


def test_a_letter_that_was_delivered_stays_delivered_whatever_comes_later(terminal: Any, office: Office) -> None:
    take_in(terminal, line(office, "absent", "16/03/2026"), line(office, "delivered", "17/03/2026"))
    assert office.contact("letter").state == "delivered"
    take_in(terminal, line(office, "returned", "18/03/2026"))
    assert office.contact("letter").state == "delivered"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"carta": str(uuid4())}, "carta"),
        ({"carta": "12"}, "carta"),
        ({"evento": "lost"}, "evento"),
        ({"evento": "unread"}, "evento"),
        ({"evento": "received-by-name"}, "recebedor"),
        ({"dia": "31/12/2099"}, "dia"),
        ({"dia": "01/03/2026"}, "dia"),
        ({"dia": "ontem"}, "dia"),
        ({"rastreio": ""}, "rastreio"),
    ],
)
def test_one_bad_row_refuses_the_whole_file(terminal: Any, office: Office, changes: dict[str, str], field: str) -> None:
    said = take_in(terminal, line(office, "posted", "11/03/2026"), line(office, "delivered") | changes)
    assert (said.code, f"row 3, {field}" in said.err) == (1, True), said.err
    assert (terminal.rows(WEBHOOK_EVENT), terminal.rows(CONTACT)[0].provider_id) == ([], "")
    assert [body for body in terminal.facts(office.ids.case) if body["kind"].startswith("notice_")] == []


def test_a_letter_has_one_tracking_code(terminal: Any, office: Office) -> None:
    take_in(terminal, line(office, "posted", "11/03/2026"))
    said = take_in(terminal, line(office, "delivered", rastreio="YJ111111111BR"))
    assert (said.code, "another tracking code" in said.err) == (1, True)


def test_a_dry_run_says_what_would_change_and_changes_nothing(terminal: Any, office: Office) -> None:
    said = take_in(terminal, line(office, "delivered"), more=("--dry-run",))
    assert (said.json["added"], said.json["dry_run"], terminal.rows(WEBHOOK_EVENT)) == (1, True, [])
    assert office.contact("letter").state == "accepted"


def test_only_staff_bring_news(terminal: Any, office: Office) -> None:
    file = terminal.file("retorno.csv", line(office, "delivered"))
    assert terminal.type("letters", "tracking", file, "--by", "ninguem").code == 1

"""What debtors wrote, as a clerk reads it at the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.activities.reply_samples import PHONE, PostRoom


@pytest.fixture
def room(terminal: Any, tmp_path: Path) -> PostRoom:
    return PostRoom(terminal.engine, tmp_path)


def test_messages_are_listed_with_what_was_understood(terminal: Any, room: PostRoom) -> None:
    case = room.open()
    room.arrives("já paguei")
    room.arrives("o gato subiu no telhado")
    found = terminal.type("messages", "--json").json
    assert [row["meaning"] for row in found] == ["não entendida", "diz que já pagou"]
    assert found[0]["creditor"] == "credora"
    assert len(terminal.type("messages", "--case", case.case, "--json").json) == 2
    assert terminal.type("messages").code == 0


def test_those_that_wait_for_a_person_are_found_until_he_is_done(terminal: Any, room: PostRoom) -> None:
    case = room.open()
    room.arrives("já paguei")
    waiting = room.arrives("o gato subiu no telhado")
    room.decide(case)
    assert [row["id"] for row in terminal.type("messages", "--waiting", "--json").json] == [str(waiting)]
    stranger = room.arrives("e o cachorro também", sender="+5511900000055")
    listed = {row["id"] for row in terminal.type("messages", "--waiting", "--json").json}
    assert listed == {str(waiting), str(stranger)}


def test_a_message_is_shown_in_full_and_can_be_erased(terminal: Any, room: PostRoom) -> None:
    case = room.open()
    message = room.arrives("já paguei ontem, com [pix]")
    shown = terminal.type("message", "show", str(message)[:8], "--json").json
    assert (shown["text"], shown["from"], shown["cases"]) == ("já paguei ontem, com [pix]", PHONE, [str(case.case)])
    assert "com [pix]" in terminal.type("message", "show", message).out
    assert terminal.type("message", "erase", message, "--by", "ana").code == 0
    again = terminal.type("message", "show", message, "--json").json
    assert (again["text"], again["from"], again["hmac"]) == ("", "", shown["hmac"])
    assert again["meaning"] == ["diz que já pagou"]


@pytest.mark.parametrize("wrong", [["message", "show", "abc"], ["message", "show", "ffffffff"]])
def test_a_message_that_is_not_there_is_refused(terminal: Any, room: PostRoom, wrong: list[str]) -> None:
    answer = terminal.type(*wrong)
    assert answer.code == 1
    assert "message" in answer.err


def test_only_an_active_user_erases(terminal: Any, room: PostRoom) -> None:
    room.open()
    message = room.arrives("já paguei")
    assert terminal.type("message", "erase", message, "--by", "ninguem").code == 1
    assert room.message(message).body == "já paguei"

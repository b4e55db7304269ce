"""A call that a person makes: what he is shown before it, and what he logs after it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from people import Opened, new_case_row, short_ladder

from db.rows import CLOSED_ADDRESS, CONTACT, CONTACT_POINT, CREDITOR, TASK
from starter.deeds import CALL_OUTCOMES, UNANSWERED
from starter.installation import Installation

LIGAR = "  - {id: ligar, at: due + 7d, do: task, by: [call], text: roteiro-cordial, within: 2bd}\n"
PHONE = "+5511900000001"


@pytest.fixture
def opened(terminal: Any) -> Opened:
    return new_case_row(terminal.engine, short_ladder(LIGAR), date(2026, 1, 15), date(2026, 1, 10), number="4711")


@pytest.fixture
def task(terminal: Any, opened: Opened) -> UUID:
    row = {
        "id": uuid4(), "case_id": opened.case, "kind": "step", "step": "ligar", "owner": "clerk",
        "due": date(2026, 1, 26), "details": ["call"], "outcome": "", "done_by": "", "opened_at": datetime.now(UTC),
    }  # fmt: skip
    with terminal.engine.begin() as conn:
        conn.execute(TASK.insert().values(row))
    return UUID(str(row["id"]))


def test_who_calls_is_shown_whom_to_ask_for_what_to_say_and_what_to_log(terminal: Any, task: UUID) -> None:
    found = terminal.type("task", "show", task, "--json").json
    assert (found["kind"], found["phones"], found["outcomes"]) == ("step", [PHONE], CALL_OUTCOMES)
    script = found["script"]
    assert script.index("CONFIRMAR COM QUEM FALA") < script.index("4711")
    assert all(piece in script for piece in ("Devedora Inventada", "Credora Fictícia Ltda", "NUNCA", "Multa"))
    out = terminal.type("task", "show", str(task)[:8]).out
    assert all(piece in out for piece in (PHONE, "ROTEIRO CORDIAL", "regua log", "no-answer"))


def test_numbers_of_strangers_and_wrong_ones_are_not_shown(terminal: Any, opened: Opened, task: UUID) -> None:
    with terminal.engine.begin() as conn:
        creditor = conn.execute(CREDITOR.select()).one().id
        closed = {"creditor_id": creditor, "address": PHONE, "reason": "wrong-person", "closed_at": datetime.now(UTC)}
        conn.execute(CLOSED_ADDRESS.insert().values(closed | {"inbound_id": None}))
    assert terminal.type("task", "show", task, "--json").json["phones"] == []


def test_an_opt_out_stands_above_the_script(terminal: Any, opened: Opened, task: UUID) -> None:
    terminal.type("opt-out", opened.case, "--by", "ana")
    assert terminal.type("task", "show", task, "--json").json["caution"] == "opted-out"
    assert "NÃO LIGAR AGORA" in terminal.type("task", "show", task).out


def test_a_debtor_who_was_called_today_already_is_not_called_again(
    terminal: Any, opened: Opened, task: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    noon = datetime(2026, 3, 10, 15, 0, tzinfo=UTC)
    monkeypatch.setattr(Installation, "now", property(lambda _: noon))
    assert terminal.type("task", "show", task, "--json").json["caution"] == ""
    terminal.type("log", opened.case, "call", "no-answer", "--by", "ana")
    assert terminal.type("task", "show", task, "--json").json["caution"] == "over-caps"
    assert "limite de contatos" in terminal.type("task", "show", task).out
    assert terminal.type("tasks", "--json").json["tasks"][0]["caution"] == "over-caps"


def test_any_other_task_shows_its_details(terminal: Any, opened: Opened) -> None:
    row = {
        "id": uuid4(), "case_id": opened.case, "kind": "find-contact", "step": "", "owner": "clerk",
        "due": date(2026, 1, 26), "details": ["no usable way"], "outcome": "", "done_by": "",
        "opened_at": datetime.now(UTC),
    }  # fmt: skip
    with terminal.engine.begin() as conn:
        conn.execute(TASK.insert().values(row))
    found = terminal.type("task", "show", row["id"], "--json").json
    assert (found["script"], found["details"]) == ("", ["no usable way"])
    assert "no usable way" in terminal.type("task", "show", row["id"]).out
    assert terminal.type("task", "show", "00000000").code == 1


@pytest.mark.parametrize("outcome", [*CALL_OUTCOMES])
def test_every_outcome_of_a_call_counts_in_the_caps_also_when_nobody_answered(
    terminal: Any, opened: Opened, outcome: str
) -> None:
    terminal.type("log", opened.case, "call", outcome, "--by", "ana")
    (contact,) = terminal.rows(CONTACT)
    assert (contact.channel, contact.counts) == ("call", True)
    assert (contact.state == "unanswered") == (outcome in UNANSWERED)
    (fact,) = terminal.facts(opened.case)
    assert (fact["kind"], fact["outcome"]) == ("log", outcome)


def test_an_outcome_that_is_not_known_is_refused_with_those_that_are(terminal: Any, opened: Opened) -> None:
    said = terminal.type("log", opened.case, "call", "nice-chat", "--by", "ana")
    assert (said.code, "no-answer" in said.err, terminal.rows(CONTACT)) == (1, True, [])
    assert terminal.rows(CONTACT_POINT)

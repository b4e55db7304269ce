"""`regua load block-list`, `load holidays`, `contact prefer`, and what `regua case` shows of a debtor's budget."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from people import Opened, cnpj, new_case_row, short_ladder
from sqlalchemy import Engine, insert, update

from db.rows import BLOCK_ENTRY, CLOCK, CONTACT, CONTACT_CASE, CONTACT_POINT, DEBTOR, HOLIDAY, TASK

LIST_HEADING = "uf;document;phone;registered_on;until;source\n"
DAYS_HEADING = "place,day,name,source\n"
LADDER = short_ladder("  - {id: um, at: due + 1d, do: contact, by: [email, sms], text: atraso-cordial}")


def write(terminal: Any, text: str) -> Path:
    path = Path(terminal.folder) / "lista.csv"
    path.write_text(text, encoding="utf-8")
    return path


def entries(terminal: Any) -> list[tuple[str, str, str, date, date | None]]:
    rows = terminal.rows(BLOCK_ENTRY)
    return sorted((row.uf, row.kind, row.value, row.registered_on, row.until) for row in rows)


@pytest.fixture
def opened(engine: Engine) -> Opened:
    return new_case_row(engine, LADDER, date(2026, 3, 2), date(2026, 3, 2))


# --- block lists -----------------------------------------------------------------------------------------------------
def test_a_block_list_is_taken_in_by_document_and_phone_and_the_same_file_again_changes_nothing(terminal: Any) -> None:
    file = write(
        terminal,
        f"{LIST_HEADING}SP;{cnpj(1)};;02/03/2026;;Procon-SP\nsp;;(11) 90000-0001;2026-03-02;2026-09-01;Procon-SP\n",
    )
    first = terminal.type("load", "block-list", file, "--json").json
    assert (first["added"], first["changed"], first["unchanged"], first["left"]) == (2, 0, 0, 0)
    assert entries(terminal) == [
        ("SP", "document", cnpj(1), date(2026, 3, 2), None),
        ("SP", "phone", "+5511900000001", date(2026, 3, 2), date(2026, 9, 1)),
    ]
    again = terminal.type("load", "block-list", file, "--json").json
    assert (again["added"], again["changed"], again["unchanged"]) == (0, 0, 2)


def test_who_is_missing_from_a_full_list_has_left_it_and_who_comes_back_is_on_it_again(terminal: Any) -> None:
    both = f"{LIST_HEADING}SP;{cnpj(1)};;02/03/2026;;Procon-SP\nSP;{cnpj(2)};;02/03/2026;;Procon-SP\n"
    one = f"{LIST_HEADING}SP;{cnpj(1)};;02/03/2026;;Procon-SP\n"
    terminal.type("load", "block-list", write(terminal, f"{LIST_HEADING}RS;{cnpj(3)};;02/03/2026;;Procon-RS\n"))
    terminal.type("load", "block-list", write(terminal, both))
    assert "0 saíram da lista" in terminal.type("load", "block-list", write(terminal, one)).out
    assert "1 saíram da lista" in terminal.type("load", "block-list", write(terminal, one), "--full").out
    assert [(value, until is None) for _, _, value, _, until in entries(terminal)] == [
        (cnpj(3), True), (cnpj(1), True), (cnpj(2), False),
    ]  # fmt: skip
    assert terminal.type("load", "block-list", write(terminal, both), "--json").json["changed"] == 1
    assert all(until is None for *_, until in entries(terminal))


def test_a_dry_run_of_a_list_changes_nothing(terminal: Any) -> None:
    file = write(terminal, f"{LIST_HEADING}SP;{cnpj(1)};;02/03/2026;;Procon-SP\n")
    assert "seriam guardados: 1 novos" in terminal.type("load", "block-list", file, "--dry-run").out
    assert entries(terminal) == []


def test_a_list_with_bad_rows_is_refused_whole_every_row_is_named_and_no_personal_data_is_shown(terminal: Any) -> None:
    rows = [
        f"SP;{cnpj(1)};;02/03/2026;;Procon-SP",
        f"RJ;{cnpj(2)};;02/03/2026;;Procon",
        "SP;12345678901;;02/03/2026;;Procon-SP",
        f"SP;{cnpj(3)};11900000001;02/03/2026;;Procon-SP",
        "SP;;;02/03/2026;;Procon-SP",
        f"SP;{cnpj(4)};;02/03/2026;01/03/2026;Procon-SP",
        f"SP;{cnpj(1)};;03/03/2026;;",
        f"SP;{cnpj(1)};;03/03/2026;;Procon-SP",
    ]
    said = terminal.type("load", "block-list", write(terminal, LIST_HEADING + "\n".join(rows) + "\n"))
    assert said.code == 1
    for fault in (
        "row 3, uf: state 'RJ' has no block list", "row 4, document", "row 5, document: a row has either",
        "row 6, document: a row has either", "row 7, until: it lies before", "row 8, source: it is empty",
        "row 9, all: it stands in row 2 already",
    ):  # fmt: skip
        assert fault in said.err
    assert "12345678901" not in said.err
    assert "11900000001" not in said.err
    assert entries(terminal) == []


def test_a_file_with_another_heading_or_without_rows_is_refused(terminal: Any) -> None:
    wrong = terminal.type("load", "block-list", write(terminal, "nome;telefone\nx;y\n"))
    assert wrong.code == 1
    assert "name the columns uf, document, phone" in wrong.err
    shifted = terminal.type(
        "load", "holidays", write(terminal, DAYS_HEADING + "BR,2026-03-09,Luto,Decreto 1,de 2026\n")
    )
    assert (shifted.code, "row 2, all: it has more cells than the heading" in shifted.err) == (1, True)
    empty = terminal.type("load", "holidays", write(terminal, DAYS_HEADING))
    assert "it has no rows" in empty.err


# --- days off --------------------------------------------------------------------------------------------------------
def test_days_off_are_taken_in_for_the_country_a_state_and_a_municipality(terminal: Any) -> None:
    text = (
        f"{DAYS_HEADING}BR,2026-03-09,Luto,Decreto 1\nsp,10/03/2026,Ponte,Decreto 2\n3550308,2026-03-11,Festa,Lei 3\n"
    )
    file = write(terminal, text)
    assert terminal.type("load", "holidays", file, "--json").json["added"] == 3
    assert {(row.place, row.day) for row in terminal.rows(HOLIDAY)} == {
        ("BR", date(2026, 3, 9)), ("SP", date(2026, 3, 10)), ("3550308", date(2026, 3, 11)),
    }  # fmt: skip
    renamed = write(terminal, text.replace("Ponte", "Ponte da Padroeira"))
    found = terminal.type("load", "holidays", renamed, "--json").json
    assert (found["added"], found["changed"], found["unchanged"]) == (0, 1, 2)


def test_a_place_that_there_is_not_is_refused(terminal: Any) -> None:
    text = f"{DAYS_HEADING}XX,2026-03-09,Luto,Decreto\n9999999,2026-03-09,Luto,Decreto\nSP,amanhã,Luto,Decreto\n"
    said = terminal.type("load", "holidays", write(terminal, text))
    assert said.code == 1
    assert "row 2, place: state 'XX'" in said.err
    assert "row 3, place: this is no place" in said.err
    assert "row 4, day: this is not a day" in said.err
    assert terminal.rows(HOLIDAY) == []


# --- what he asked for -----------------------------------------------------------------------------------------------
def test_an_address_that_the_debtor_asked_for_comes_first_and_his_hours_are_told_to_the_case(
    terminal: Any, opened: Opened
) -> None:
    terminal.type("contact", "prefer", opened.case, "sms", "11 90000-0001", "--hours", "14:00-16:00", "--by", "ana")
    points = {row.channel: (row.rank < 0, row.best_hours) for row in terminal.rows(CONTACT_POINT)}
    assert points == {"email": (False, ""), "sms": (True, "14:00-16:00")}
    assert terminal.facts(opened.case)[-1] == {"kind": "contact_data", "channel": "sms", "hours": "14:00-16:00"}
    terminal.type("contact", "prefer", opened.case, "email", "contas@devedora.example.com", "--by", "ana")
    points = {row.channel: (row.rank < 0, row.best_hours) for row in terminal.rows(CONTACT_POINT)}
    assert points == {"email": (True, ""), "sms": (False, "")}, "one wish at a time"
    assert terminal.facts(opened.case)[-1]["hours"] == "any"
    terminal.type("contact", "prefer", opened.case, "email", "contas@devedora.example.com", "--no-more", "--by", "ana")
    assert not any(row.rank < 0 for row in terminal.rows(CONTACT_POINT))


def test_a_wish_for_an_unknown_address_or_for_hours_that_are_none_is_refused(terminal: Any, opened: Opened) -> None:
    unknown = terminal.type("contact", "prefer", opened.case, "sms", "11 90000-0009", "--by", "ana")
    assert unknown.code == 1
    assert "no such usable address" in unknown.err
    wrong = ("contact", "prefer", opened.case, "sms", "11 90000-0001", "--hours", "de tarde", "--by", "ana")
    assert "14:00-16:00" in terminal.type(*wrong).err
    assert terminal.facts(opened.case) == []


# --- cost ------------------------------------------------------------------------------------------------------------
def test_a_case_shows_what_its_contacts_have_cost(terminal: Any, opened: Opened, engine: Engine) -> None:
    for price in (Decimal("0.50"), Decimal("0.253")):
        row = {
            "id": uuid4(), "creditor_id": opened.creditor, "debtor_id": opened.debtor, "channel": "sms",
            "purpose": "ladder", "text_id": "lembrete", "state": "delivered", "segments": 2, "price": price,
            "currency": "BRL", "planned_at": datetime(2026, 3, 3, 15, tzinfo=UTC),
        }  # fmt: skip
        with engine.begin() as conn:
            conn.execute(insert(CONTACT).values(row))
            link = {"contact_id": row["id"], "case_id": opened.case, "step": f"x{price}", "attempt": 1, "lead": True}
            conn.execute(insert(CONTACT_CASE).values(link))
    found = terminal.type("case", opened.case, "--json").json
    assert found["contacts_cost"] == "0.75"
    assert [(row["segments"], row["currency"]) for row in found["contacts"]] == [(2, "BRL")] * 2
    assert "Custo dos contatos: R$ 0,75" in terminal.type("case", opened.case).out


# --- calls that people make ------------------------------------------------------------------------------------------
NOON, NIGHT = datetime(2026, 3, 10, 15, tzinfo=UTC), datetime(2026, 3, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "listed", "out", "caution", "words"),
    [
        (NOON, False, [], "", ""),
        (NOON, True, [], "block-list", "lista de bloqueio"),
        (NOON, False, ["electronic"], "opted-out", "não quer ligações"),
        (NIGHT, False, [], "outside-hours", "fora do horário"),
    ],
)
def test_a_task_to_call_warns_of_block_lists_opt_outs_and_hours(
    terminal: Any, opened: Opened, engine: Engine, now: datetime, listed: bool, out: list[str], caution: str, words: str
) -> None:
    clock = {"id": 1, "real_origin": datetime.now(UTC), "business_origin": now, "scale": 1.0}
    task = {"id": uuid4(), "case_id": opened.case, "kind": "step", "step": "ligar", "owner": "clerk",
            "due": date(2026, 3, 11), "details": ["call"], "outcome": "", "done_by": "", "opened_at": now}  # fmt: skip
    entry = {"id": uuid4(), "uf": "RS", "kind": "phone", "value": "+5511900000001", "source": "lista",
             "registered_on": date(2026, 1, 1), "loaded_at": now}  # fmt: skip
    with engine.begin() as conn:
        conn.execute(insert(CLOCK).values(clock))
        conn.execute(insert(TASK).values([task, task | {"id": uuid4(), "details": []}]))
        conn.execute(update(DEBTOR).values(opted_out=out))
        if listed:
            conn.execute(insert(BLOCK_ENTRY).values(entry))
    found = terminal.type("tasks", "--json").json["tasks"]
    assert sorted(row["caution"] for row in found) == sorted([caution, ""]), "only where somebody is to be called"
    assert words in terminal.type("tasks").out

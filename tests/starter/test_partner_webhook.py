"""What lawyer, agency, central and bureau say, by a signed call or typed: counted once, refused where it cannot be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import requests
from people import ladder, new_case_row, office_today
from sqlalchemy import Engine, select, update

from db.rows import CASE, FACT, NOTE
from domain.case import HandOver, dump, load
from domain.clock import PRODUCTION
from gateways.partners import sign
from gateways.settings import Settings
from starter.webhooks import create_app
from tests.starter.conftest import Terminal
from tests.starter.test_webhooks import serving

SECRET = "chave-inventada-de-parceiros"
NUMBER = "0000001-68.2026.8.26.0100"


def in_legal(engine: Engine) -> UUID:
    """A case that legal has."""
    today = office_today()
    opened = new_case_row(engine, ladder("padrao-b2b"), today - timedelta(days=90), today)
    with engine.begin() as conn:
        case = load(conn.execute(select(CASE.c.state).where(CASE.c.id == opened.case)).scalar_one())
        case.legal_on, case.hands = today, HandOver("legal", today, "d", today)
        conn.execute(update(CASE).where(CASE.c.id == opened.case).values(state=dump(case)))
    return UUID(str(opened.case))


@dataclass
class Office:
    """A law office that calls us."""

    url: str
    engine: Engine
    case: UUID
    told: list[UUID]

    def say(self, key: str, who: str = "legal", secret: str = SECRET, **fields: str) -> int:
        body = json.dumps({"case": str(self.case), **fields}).encode()
        headers = {"X-Regua-Key": key, "X-Regua-Signature": sign(secret, key, body)}
        return requests.post(f"{self.url}/webhooks/partners/{who}", body, headers=headers, timeout=10).status_code

    def facts(self) -> list[Any]:
        with self.engine.connect() as conn:
            return list(conn.execute(select(FACT).where(FACT.c.case_id == self.case)).all())


@pytest.fixture
def office(engine: Engine, tmp_path: Path) -> Iterator[Office]:
    case = in_legal(engine)
    told: list[UUID] = []
    settings = Settings(partner_secret=SECRET, state_dir=tmp_path)
    with serving(create_app(engine, settings, PRODUCTION, told.extend)) as url:
        yield Office(url, engine, case, told)


def test_an_answer_counts_once_and_the_number_of_the_lawsuit_stands_only_in_a_note(office: Office) -> None:
    filed = {"resposta": "filed", "processo": NUMBER}
    assert office.say("k1", **filed) == 204
    assert office.say("k1", **filed) == 204
    (fact,) = office.facts()
    assert fact.body["event"] == "filed"
    assert NUMBER not in json.dumps(fact.body)
    with office.engine.connect() as conn:
        (note,) = conn.execute(select(NOTE)).all()
    assert NUMBER in note.text
    assert office.told == [fact.id]


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ({"secret": "outra"}, 403),
        ({"who": "stranger"}, 404),
        ({"resposta": "perhaps"}, 400),
        ({"processo": "123"}, 400),
        ({"cpf": "1"}, 400),
        ({"motivo": "a\0b"}, 400),
        ({"resposta": "payment", "valor": "10,00", "referencia": "a\0"}, 400),
        ({"data": (datetime.now(UTC) + timedelta(days=5)).date().isoformat()}, 400),
    ],
)
def test_what_is_not_genuine_or_not_readable_changes_nothing(office: Office, how: dict[str, str], status: int) -> None:
    assert office.say("k1", **({"resposta": "filed", "processo": NUMBER} | how)) == status
    assert office.facts() == []


def test_what_stands_does_not_allow_is_a_conflict(office: Office) -> None:
    assert office.say("k1", who="bureau", resposta="listed") == 409
    assert office.facts() == []


def test_the_same_is_typed_and_read_from_a_file(terminal: Terminal, engine: Engine) -> None:
    case = in_legal(engine)
    said = terminal.type("legal", "answer", case, "filed", "--number", "12", "--by", "ana")
    assert said.code == 1
    assert "number of a lawsuit" in said.err
    file = terminal.file("respostas.csv", {"caso": str(case), "resposta": "given-up", "motivo": "sem bens"})
    said = terminal.type("legal", "answer", "--from", file, "--by", "ana", "--json")
    assert [each["status"] for each in said.json] == ["stored"]
    assert terminal.type("negotiation", "answer", case, "returned", "--by", "ana").code == 1
    assert terminal.type("listing", "remove", case, "--reason", "x", "--by", "ana").code == 1
    with engine.connect() as conn:
        (fact,) = conn.execute(select(FACT).where(FACT.c.case_id == case)).all()
    assert fact.kind == "hand_over_reported"


@pytest.mark.parametrize("said", ["a\0b", "a\udcffb"])
def test_what_no_text_can_hold_is_refused_before_anything_is_done(terminal: Terminal, said: str) -> None:
    case = in_legal(terminal.engine)
    typed = terminal.type("legal", "recall", case, "--reason", said, "--by", "ana")
    assert (typed.code, "motivo: it holds characters that are none" in typed.err) == (1, True)
    assert told(terminal, case) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "caso,resposta,valor,referencia\n\n{case},payment,100,50,ted-1\n",
            "row 3: it has more cells than the heading",
        ),
        ("caso;resposta;motivo;motivo\n{case};given-up;a;b\n", "column 'motivo': it stands twice"),
        ("caso;resposta;motivo\n{case};given-up;a\0b\n", "this is not a text file"),
    ],
)
def test_a_file_of_answers_with_a_bad_row_is_refused_whole(terminal: Terminal, text: str, fault: str) -> None:
    case = in_legal(terminal.engine)
    file = terminal.folder / "respostas.csv"
    file.write_text(text.format(case=case))
    said = terminal.type("legal", "answer", "--from", file, "--by", "ana")
    assert (said.code, fault in said.err) == (1, True), said.err
    assert told(terminal, case) == []


def told(terminal: Terminal, case: UUID) -> list[Any]:
    with terminal.engine.connect() as conn:
        return list(conn.execute(select(FACT).where(FACT.c.case_id == case)))

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
from domain.errors import BadInput
from gateways.partners import Call
from gateways.settings import PARTNERS, Settings, load_settings
from starter.webhooks import create_app
from tests.starter.conftest import Terminal
from tests.starter.test_webhooks import serving

SECRETS = {who: f"chave-inventada-de-{who}" for who in PARTNERS}
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


Headers = dict[str, str]


@dataclass
class Office:
    """A law office that calls us."""

    url: str
    engine: Engine
    case: UUID
    told: list[UUID]

    def signed(
        self, key: str, fields: dict[str, str], who: str = "legal", secret: str = "", ago: timedelta = timedelta(0)
    ) -> tuple[str, Headers, bytes]:
        """A call as a partner makes it: path, headers, body."""
        path, body = f"/webhooks/partners/{who}", json.dumps({"case": str(self.case), **fields}).encode()
        moment = str(int((datetime.now(UTC) - ago).timestamp()))
        signature = Call("POST", path, key, moment, body).signature(secret or SECRETS.get(who, "x"))
        return path, {"X-Regua-Key": key, "X-Regua-Timestamp": moment, "X-Regua-Signature": signature}, body

    def call(self, path: str, headers: Headers, body: bytes) -> int:
        return requests.post(self.url + path, body, headers=headers, timeout=10).status_code

    def say(self, key: str, who: str = "legal", secret: str = "", **fields: str) -> int:
        return self.call(*self.signed(key, fields, who, secret))

    def facts(self) -> list[Any]:
        with self.engine.connect() as conn:
            return list(conn.execute(select(FACT).where(FACT.c.case_id == self.case)).all())


@pytest.fixture
def office(engine: Engine, tmp_path: Path) -> Iterator[Office]:
    case = in_legal(engine)
    told: list[UUID] = []
    secrets: dict[str, Any] = {f"{who}_secret": secret for who, secret in SECRETS.items()}
    settings = Settings(**secrets, state_dir=tmp_path)
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


FILED = {"resposta": "filed", "processo": NUMBER}
PAID = {"resposta": "payment", "valor": "10.00", "referencia": "t1"}


@pytest.mark.parametrize("door", [who for who in PARTNERS if who != "legal"])
def test_a_call_signed_for_one_door_is_refused_at_another(office: Office, door: str) -> None:
    path, headers, body = office.signed("k1", PAID, secret=SECRETS[door])
    assert office.call(path.replace("legal", door), headers, body) == 403
    path, headers, body = office.signed("k1", PAID)
    assert office.call(f"{path}?a=b", headers, body) == 403
    assert office.facts() == []


@pytest.mark.parametrize("other", [who for who in PARTNERS if who != "legal"])
def test_another_partners_secret_opens_no_door_but_his_own(office: Office, other: str) -> None:
    assert office.say("k1", secret=SECRETS[other], **FILED) == 403
    assert office.facts() == []


def test_a_call_that_comes_again_changes_nothing_and_renamed_or_redated_it_is_refused(office: Office) -> None:
    path, headers, body = office.signed("k1", FILED)
    assert [office.call(path, headers, body) for _ in range(3)] == [204, 204, 204]
    now = str(int(headers["X-Regua-Timestamp"]) + 1)
    for changed in ({"X-Regua-Key": "k2"}, {"X-Regua-Timestamp": now}, {"X-Regua-Signature": "sha256=é"}):
        assert office.call(path, headers | changed, body) == 403
    assert office.call(path, headers, body.replace(b"filed", b"given")) == 403
    assert len(office.facts()) == 1


@pytest.mark.parametrize("ago", [timedelta(minutes=11), timedelta(minutes=-11)])
def test_a_call_of_another_time_is_refused(office: Office, ago: timedelta) -> None:
    assert office.call(*office.signed("k1", FILED, ago=ago)) == 403
    assert office.facts() == []


@pytest.mark.parametrize("moment", ["", "ontem", "1e9", "9" * 5000, "9" * 400])
def test_a_moment_that_is_none_is_refused(office: Office, moment: str) -> None:
    path, headers, body = office.signed("k1", FILED)
    signature = Call("POST", path, "k1", moment, body).signature(SECRETS["legal"])
    assert office.call(path, headers | {"X-Regua-Timestamp": moment, "X-Regua-Signature": signature}, body) == 403


def test_a_partner_without_a_secret_cannot_answer(engine: Engine, tmp_path: Path) -> None:
    settings = Settings(legal_secret=SECRETS["legal"], state_dir=tmp_path)
    with serving(create_app(engine, settings, PRODUCTION, lambda _: None)) as url:
        office = Office(url, engine, in_legal(engine), [])
        assert (
            office.call(*office.signed("k1", {"resposta": "acknowledged"}, who="agency", secret=SECRETS["legal"]))
            == 403
        )


@pytest.mark.parametrize(("days", "former"), [(0, 204), (3, 204), (-1, 403)])
def test_a_former_secret_opens_the_door_until_its_last_day_and_the_new_one_at_once(
    engine: Engine, tmp_path: Path, days: int, former: int
) -> None:
    settings = Settings(
        legal_secret="novo", legal_former_secret=SECRETS["legal"], agency_secret=SECRETS["agency"],
        legal_former_until=office_today() + timedelta(days=days), state_dir=tmp_path,
    )  # fmt: skip
    with serving(create_app(engine, settings, PRODUCTION, lambda _: None)) as url:
        office = Office(url, engine, in_legal(engine), [])
        assert office.say("k1", secret="novo", **FILED) == 204
        assert office.say("k2", **FILED) == former
        assert office.call(*office.signed("k3", FILED, who="agency", secret=SECRETS["legal"])) == 403


def test_behind_a_proxy_the_public_address_is_what_was_signed(engine: Engine, tmp_path: Path) -> None:
    settings = Settings(
        legal_secret=SECRETS["legal"],
        public_url="https://regua.example.com/cobranca",
        state_dir=tmp_path,
    )
    with serving(create_app(engine, settings, PRODUCTION, lambda _: None)) as url:
        office = Office(url, engine, in_legal(engine), [])
        path, headers, body = office.signed("k1", FILED)
        assert office.call(path, headers, body) == 403
        moment = headers["X-Regua-Timestamp"]
        signature = Call("POST", f"/cobranca{path}", "k1", moment, body).signature(SECRETS["legal"])
        assert office.call(path, headers | {"X-Regua-Signature": signature}, body) == 204


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ("REGUA_LEGAL_URL=https://legal.example.com\nREGUA_AGENCY_SECRET=x", "without REGUA_LEGAL_SECRET"),
        ("REGUA_LEGAL_SECRET=x\nREGUA_BUREAU_SECRET=x", "give each a secret of its own"),
        ("REGUA_LEGAL_SECRET=x\nREGUA_LEGAL_FORMER_SECRET=x\nREGUA_LEGAL_FORMER_UNTIL=2027-01-31", "is used twice"),
        ("REGUA_LEGAL_SECRET=x\nREGUA_LEGAL_FORMER_SECRET=y", "make a change of secrets"),
        ("REGUA_LEGAL_FORMER_SECRET=y\nREGUA_LEGAL_FORMER_UNTIL=2027-01-31", "make a change of secrets"),
        ("REGUA_PARTNER_SECRET=x", "REGUA_PARTNER_SECRET"),
    ],
)
def test_a_secret_that_is_missing_or_shared_is_refused_at_the_start(tmp_path: Path, written: str, fault: str) -> None:
    file = tmp_path / "settings.env"
    file.write_text(written)
    with pytest.raises(BadInput, match=fault):
        load_settings(file)


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

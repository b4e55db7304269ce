"""The timeline: every day with what was known, decided, done and not done, and the case as it stood on any of them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from lived import Lived
from lives import Town
from people import short_ladder
from pypdf import PdfReader
from sqlalchemy import Engine, text

from audit.book import open_book
from audit.forms import timeline_data, timeline_html, timeline_lines, timeline_pdf
from audit.timeline import Timeline, build
from domain import facts as f
from domain.clock import PRODUCTION


def of(lived: Lived, until: date | None = None) -> Timeline:
    with lived.engine.connect() as conn:
        return build(open_book(conn, lived.firm), PRODUCTION, until, date(2026, 4, 15))


def day(life: Timeline, on: str) -> dict[str, list[str]]:
    """What stands on a day, by kind."""
    (found,) = [each for each in life.days if each.on.isoformat() == on]
    told: dict[str, list[str]] = {}
    for item in found.items:
        told.setdefault(item.what, []).append(item.text)
    return told


def test_every_day_says_what_was_done_and_what_came_next(lived: Lived) -> None:
    told = day(of(lived), "2026-03-20")
    assert told["done"] == ["Contato por SMS, passo atraso-2, aceito para envio"]
    assert told["decided"][-1] == "a seguir: contatar, passo proposta, a partir de 23/03/2026 09:18"
    assert told["not-done"] == ["Passo ligar dispensado (não foi feito a tempo)"]


def test_what_was_not_done_is_told_with_the_reason(lived: Lived) -> None:
    life = of(lived)
    sunday = "passo proposta: nada em 22/03: fora dos dias em que se pode contatar até 23/03 09:18"
    assert day(life, "2026-03-22")["not-done"] == [sunday]
    busy = "passo atraso-2: nada em 19/03: aguarda uma pessoa: ligar até 20/03 00:00"
    assert day(life, "2026-03-19")["not-done"] == [busy]


def test_every_day_is_told_of_also_those_on_which_nothing_happened(lived: Lived) -> None:
    life = of(lived)
    told = [one for one in life.days if one.on <= date(2026, 4, 15)]
    for one, following in pairwise(told):
        assert following.on == (one.until or one.on) + timedelta(days=1), "no day is left out"
        assert one.items, "and none without a word"
    (silent,) = [one for one in told if one.on == date(2026, 3, 3)]
    (waited,) = silent.items
    assert (waited.what, waited.text) == (
        "waited", "nada a fazer ainda: contatar, passo lembrete, a partir de 09/03/2026 09:18",
    )  # fmt: skip
    assert silent.title == "03/03/2026 a 06/03/2026 · dívida R$ 1.000,00"


def test_a_day_on_which_the_system_was_late_says_so(engine: Engine, tmp_path: Path) -> None:
    town = Town(engine, tmp_path)
    life = town.life()
    life.until(lambda: life.next.step == "atraso-1" and life.next.action == "contact")
    life.ahead = timedelta(days=30)  # nobody was there on the day, nor for weeks after it
    life.decide()
    with engine.connect() as conn:
        told = build(open_book(conn, life.ids.case), town.world.clock, None, life.today)
    late = [text for text in day(told, "2026-03-11")["not-done"] if "passo atraso-1" in text]
    assert late == ["passo atraso-1: nada em 11/03: podia ser feito desde 09:18, e o sistema não chegou a ele"]


def test_the_debt_of_each_day_follows_the_payments(lived: Lived) -> None:
    debts = {each.on.isoformat(): each.debt for each in of(lived).days}
    assert (debts["2026-03-02"], debts["2026-03-11"]) == (Decimal("1000.00"), Decimal("1020.33"))
    assert debts["2026-04-15"] == Decimal("632.00")


def test_proofs_stand_beside_what_they_prove(lived: Lived) -> None:
    items = [item for each in of(lived).days for item in each.items]
    issued = next(item for item in items if item.text.startswith("Notificação prévia emitida"))
    names = [name for name, _ in issued.proofs]
    assert names == ["hash", "documento", "SHA-256"]
    sent = next(item for item in items if "passo atraso-2, aceito" in item.text)
    assert {"contato", "HMAC do conteúdo", "id no provedor"} < {name for name, _ in sent.proofs}
    receipt = next(item for item in items if item.text.startswith("recibo do provedor"))
    assert receipt.who == "provedor de e-mail"


def test_on_a_day_the_case_is_shown_knowing_nothing_of_later(lived: Lived) -> None:
    life = of(lived, date(2026, 3, 21))
    assert max(each.on for each in life.days) <= date(2026, 3, 21)
    stands = life.standing
    assert (stands.stage, stands.total) == ("amigável", Decimal("1023.67"))
    assert stands.instruction == "contatar, passo proposta, a partir de 23/03/2026 09:18"
    states = {row["step"]: row["state"] for row in stands.schedule}
    assert (states["atraso-2"], states["proposta"], states["notificacao"]) == ("feito", "pendente", "pendente")
    assert "notice" not in stands.state
    assert of(lived, date(2026, 4, 20)).standing.total == Decimal("633.05")


def test_a_pause_explains_the_silence_and_a_note_says_why(engine: Engine, tmp_path: Path) -> None:
    steps = """\
  - {id: um,   at: due + 1d,  do: contact, by: [email], text: atraso-cordial}
  - {id: dois, at: due + 3d,  do: contact, by: [email], text: atraso-firme}
  - {id: tres, at: due + 20d, do: contact, by: [email], text: ultimo-aviso}
"""
    town = Town(engine, tmp_path)
    life = town.life(short_ladder(steps))
    life.until(lambda: "contact_sent" in life.kinds())
    life.tell(f.Paused(life.today, life.today + timedelta(days=4)), f.NoteAdded("00000000-0000-0000-0000-000000000001"))
    with engine.begin() as conn:
        conn.execute(
            text("INSERT INTO note VALUES ('00000000-0000-0000-0000-000000000001', :c, NULL, 'ana', 'ligou', now())"),
            {"c": life.ids.case},
        )
    life.ahead += timedelta(days=4)
    life.tell(f.Resumed())
    with engine.connect() as conn:
        told = build(open_book(conn, life.ids.case), town.world.clock, None, life.today)
    (silent,) = [text for text in day(told, "2026-03-13")["not-done"] if "passo dois" in text]
    assert silent.startswith("passo dois: nada em 13/03: pausado por pessoa até 16/03 00:00")
    assert any("Anotação: «ligou»" in item.text for each in told.days for item in each.items)
    assert day(told, "2026-03-30")["planned"] == ["passo tres"]


@pytest.mark.parametrize("form", ["lines", "html", "pdf", "json"])
def test_every_form_shows_the_same_life(lived: Lived, form: str, tmp_path: Path) -> None:
    life = of(lived)
    if form == "pdf":
        path = tmp_path / "t.pdf"
        path.write_bytes(timeline_pdf(life))
        assert timeline_pdf(life) == path.read_bytes()
        shown = " ".join(page.extract_text() for page in PdfReader(path).pages)
    else:
        forms: dict[str, Any] = {
            "lines": lambda: "\n".join(timeline_lines(life)),
            "html": lambda: timeline_html(life, lived.now),
            "json": lambda: str(timeline_data(life)),
        }
        shown = forms[form]()
    assert "Devedora Inventada Comércio Ltda" in shown
    assert "Contato por SMS, passo atraso-2, aceito para envio" in " ".join(shown.split())
    assert "fora dos dias em que se pode contatar" in " ".join(shown.split())

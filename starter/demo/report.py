"""What the demo tells at the end: everything that anybody needs to count again, as JSON and for people."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, func, select
from sqlalchemy.exc import SQLAlchemyError

from db.rows import CONTACT, DOCUMENT, INBOUND, PLAN
from domain.money import format_brl
from letters.timeline import channel, word
from starter.demo.house import ORIGIN, House
from starter.demo.play import Cast, Play
from starter.demo.verify import casts_by_outcome
from starter.up import sandbox_url

_WISHES = {"claim:phone": "claimed", "promise:phone": "promised", "opt_out:voice": "stopped", "reply:voice": "person"}
"""What debtors ask for by the keys of a call, by the word of the book."""
_CALLS = {
    "human": "atendidas", "machine": "secretária eletrônica", "nobody": "não atendidas", "claimed": "já pagou",
    "promised": "promessa", "stopped": "não ligar mais", "person": "quer uma pessoa",
}  # fmt: skip
_PLANS = {
    "offered": "só propostos", "agreed": "em dia", "broken": "quebrados", "completed": "cumpridos",
    "ended": "encerrados", "void": "anulados",
}  # fmt: skip


def report_of(house: House, play: Play, faults: list[str], strayed: list[str], seconds: float) -> dict[str, Any]:
    """Everything that anybody needs to count again."""
    return {
        "as_scripted": not faults and not strayed,
        "faults": faults,
        "strayed": strayed,
        "real_seconds": round(seconds, 1),
        "business_days": (house.now - ORIGIN).days,
        "outcomes": dict(sorted(casts_by_outcome(play).items())),
        "money": _money(play),
        **_counts(play),
        "calls": _calls(play),
        "stories": [_story(play, cast) for cast in play.casts],
        "commands": [
            {name: value for name, value in asdict(done).items() if name != "printed"} for done in play.hands.typed
        ],
        "debtors": [f"{done.day} {done.command}" for done in play.debtors.did],
        "slow": play.slow,
        "where": {
            "state": str(house.folder),
            "database": house.stack.database_url,
            "sandbox_log": f"{sandbox_url(house.settings)}/sandbox/log",
            "sandbox_database": str(house.sandbox / "sandbox.db"),
            "documents": str(house.settings.documents_dir),
            "letters": str(house.folder / "letters"),
            "dossiers": str(house.folder / "legal"),
            "payment_files": str(play.hands.folder),
        },
    }


def _money(play: Play) -> dict[str, Any]:
    """Reais: what was owed, what came in, what came back, by the cases themselves."""
    cases = [life.case for life in play.watch.lives.values()]
    payments = [payment for case in cases for payment in case.payments]
    reversed_ = sum((payment.amount for payment in payments if payment.reversed), Decimal(0))
    return {
        "owed": sum((case.terms.principal for case in cases), Decimal(0)),
        "recovered": sum((payment.amount for payment in payments), Decimal(0)) - reversed_,
        "reversed": reversed_,
        "in_bank_files": sum({m.reference: m.amount for m in play.hands.paid}.values(), Decimal(0)),
        "by_pix": sum(play.watch.pix_received().values(), Decimal(0)),
    }


def _counts(play: Play) -> dict[str, Any]:
    """Contacts by channel (without those that no provider took), replies by channel and kind, plans, documents."""
    questions = {
        "contacts": select(CONTACT.c.channel, func.count()).where(CONTACT.c.state != "failed"),
        "plans": select(PLAN.c.state, func.count()),
        "documents": select(DOCUMENT.c.kind, func.count()),
    }
    with suppress(SQLAlchemyError), play.watch.engine.connect() as conn:
        return {"replies": _replies(conn)} | {
            name: dict(sorted((str(key), int(n)) for key, n in conn.execute(asked.group_by(asked.selected_columns[0]))))
            for name, asked in questions.items()
        }
    return {name: {} for name in ("replies", *questions)}


def _replies(conn: Connection) -> dict[str, dict[str, int]]:
    found: dict[str, Counter[str]] = {}
    for row in conn.execute(select(INBOUND.c.channel, INBOUND.c.meaning)):
        found.setdefault(row.channel, Counter()).update(row.meaning)
    return {by: dict(sorted(kinds.items())) for by, kinds in sorted(found.items())}


def _calls(play: Play) -> dict[str, int]:
    """Calls by who answered, and what was wished for by keys."""
    with suppress(sqlite3.Error):
        entries = play.watch.rows("SELECT * FROM entries WHERE kind = 'call' AND refused IS NULL")
        answered = Counter(play.watch.data(entry).get("who", "nobody") for entry in entries)
        wished = Counter(
            name
            for life in play.watch.lives.values()
            for sign in life.book
            for word_, name in _WISHES.items()
            if word_ in sign.words
        )
        return dict(answered) | dict(wished)
    return {}


def _story(play: Play, cast: Cast) -> dict[str, str]:
    life = play.life(cast)
    return {
        "creditor": cast.story.creditor,
        "invoice": cast.number,
        "story": cast.story.title,
        "case": str(life.id) if life else "",
        "scripted": cast.story.ends,
        "ended": life.ended if life else "",
    }


def tell(console: Console, report: dict[str, Any]) -> None:
    """The report for people."""
    money = {name: format_brl(value) for name, value in report["money"].items()}
    table = Table("", "", show_header=False, title="Resumo", title_justify="left")
    rows = {
        "duração": f"{report['business_days']} dias em {report['real_seconds']:.0f} s",
        "casos": _listed(report["outcomes"]),
        "dinheiro": f"recuperado {money['recovered']} de {money['owed']}; estornado {money['reversed']}",
        "contatos": _listed(_named(report["contacts"], channel)),
        **{f"respostas por {channel(by)}": _listed(_named(kinds, word)) for by, kinds in report["replies"].items()},
        "ligações": _listed(_named(report["calls"], lambda name: _CALLS.get(name, name))),
        "acordos": _listed(_named(report["plans"], lambda name: _PLANS.get(name, name))),
        "documentos": _listed(report["documents"]),
        "comandos": f"{len(report['commands'])}",
        "atos de devedores": f"{len(report['debtors'])}",
        **report["where"],
    }
    for name, value in rows.items():
        table.add_row(name, value)
    console.print(table)
    for fault in report["faults"]:
        console.print(f"WRONG: {fault}", highlight=False, markup=False, soft_wrap=True)
    for stray in report["strayed"]:
        console.print(f"NOT AS SCRIPTED: {stray}", highlight=False, markup=False, soft_wrap=True)
    if report["as_scripted"]:
        console.print("Everything went as scripted.", style="green")


def _named(counts: dict[str, int], name: Callable[[str], str]) -> dict[str, int]:
    return {name(key): count for key, count in counts.items()}


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())

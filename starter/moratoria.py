"""Moratoria as staff handle them: added, listed, lifted."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, insert, select, update

from activities.moratoria import lift as release
from activities.moratoria import reach, reached
from db.rows import CREDITOR, MORATORIUM
from domain.data import table
from domain.errors import BadInput, Refused
from domain.identifiers import parse_document
from domain.places import known_uf
from gateways.documents import DocumentStore
from starter.actions import tell
from starter.evidence import document_values, keep, read_file
from starter.forms import parse_day
from starter.installation import Installation, installation
from starter.lookup import by_prefix, find_creditor
from starter.people import require_active

SEGMENTS = ("company", "consumer")


@dataclass(frozen=True)
class Given:
    """A moratorium as it was typed; scope is `place`, `segment` or `debtor`, file and creditor may be ""."""

    scope: str
    value: str
    since: str
    until: str
    reason: str
    file: str
    creditor: str


def add(given: Given, by: str) -> dict[str, Any]:
    """Write a moratorium down and hold the cases that it reaches, if it has begun; how many there were.

    Raises `BadInput` for a value or day that cannot be, `Refused` for one that is over already.
    """
    with installation() as house:
        scope, value = _scope(given)
        since, until = _days(given, house.today)
        with house.engine.begin() as conn:
            require_active(conn, by)
            owner = find_creditor(conn, given.creditor).id if given.creditor else None
            row = {
                "id": uuid4(), "creditor_id": owner, "scope": scope, "value": value, "since": since, "until": until,
                "reason": _reason(given.reason), "document_id": _document(house, conn, given.file), "actor": by,
                "set_at": house.now,
            }  # fmt: skip
            conn.execute(insert(MORATORIUM).values(row))
            facts = reach(conn, house.today, house.now, which=row["id"])
        told = asyncio.run(tell(house, facts))
        return {"id": row["id"], "scope": scope, "value": value, "since": since, "until": until,
                "cases": len(facts), "told": told}  # fmt: skip


def listed(*, everything: bool) -> list[dict[str, Any]]:
    """Moratoria, the newest first, with how many cases each has reached; without `everything`, those not over yet."""
    with installation() as house, house.engine.connect() as conn:
        found = select(MORATORIUM, CREDITOR.c.code.label("creditor"))
        found = found.outerjoin(CREDITOR, CREDITOR.c.id == MORATORIUM.c.creditor_id)
        if not everything:
            found = found.where(MORATORIUM.c.lifted_at.is_(None))
            found = found.where(MORATORIUM.c.until.is_(None) | (MORATORIUM.c.until >= house.today))
        names = ("id", "scope", "value", "creditor", "since", "until", "reason", "document_id", "actor", "lifted_at")
        return [
            {name: row._mapping[name] for name in names} | {"cases": reached(conn, row.id)}
            for row in conn.execute(found.order_by(MORATORIUM.c.set_at.desc(), MORATORIUM.c.id)).all()
        ]


def lift(which: str, reason: str, by: str) -> dict[str, Any]:
    """End a moratorium before its day; how many cases heard of it. `reason` is added to that of the moratorium.

    Raises `BadInput` for one that is not known, `Refused` for one that is lifted or over.
    """
    with installation() as house:
        with house.engine.begin() as conn:
            require_active(conn, by)
            found = by_prefix(conn, MORATORIUM, which, "moratorium")
            row = conn.execute(select(MORATORIUM).where(MORATORIUM.c.id == found.id).with_for_update()).one()
            if row.lifted_at:
                raise Refused("lifted", "this moratorium is lifted already; it holds nothing any more")
            if row.until and row.until < house.today:
                raise Refused("over", f"this moratorium ended by itself on {row.until:%d/%m/%Y}; it holds nothing now")
            ended = {"lifted_at": house.now, "reason": f"{row.reason}; levantada por {by}: {_reason(reason)}"}
            conn.execute(update(MORATORIUM).where(MORATORIUM.c.id == row.id).values(ended))
            facts = release(conn, row, by, house.today, house.now)
        return {"id": row.id, "cases": len(facts), "told": asyncio.run(tell(house, facts))}


def _scope(given: Given) -> tuple[str, str]:
    """Scope and value as they are stored: state, municipality, segment, debtor."""
    value = given.value.strip()
    if given.scope == "debtor":
        return "debtor", parse_document(value).number
    if given.scope == "segment":
        if value not in SEGMENTS:
            raise BadInput(f"--segment {value!r}: there is no such segment; use {', '.join(SEGMENTS)}")
        return "segment", value
    if not value.isdigit():
        return "state", known_uf(value)
    if not any(row["ibge"] == value for row in table("municipalities")):
        raise BadInput(f"--place {value!r}: no municipality has this IBGE code; write its 7 digits, or a state like RS")
    return "municipality", value


def _days(given: Given, today: date) -> tuple[date, date | None]:
    since = parse_day(given.since, "--from") if given.since else today
    until = parse_day(given.until, "--until") if given.until else None
    if until and until < since:
        raise BadInput(f"--until: {until:%d/%m/%Y} is before --from, {since:%d/%m/%Y}; give a later last day")
    if until and until < today:
        raise Refused("past-day", f"--until: {until:%d/%m/%Y} is past; a moratorium holds cases from today on")
    return since, until


def _reason(text: str) -> str:
    if not text.strip():
        raise BadInput("--reason: it is empty; name the decree, law or decision")
    return text.strip()


def _document(house: Installation, conn: Connection, file: str) -> Any:
    if not file:
        return None
    content = read_file(Path(file))
    row = document_values(None, "moratorium", Path(file).name, content, house.now)
    keep(conn, DocumentStore(house.settings.documents_dir), row, content)
    return row["id"]

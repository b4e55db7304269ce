"""What the privacy commands do in an installation: tell, hold, erase; each act is written down."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, select

from db.rows import DEBTOR
from domain.errors import BadInput, Refused
from gateways.documents import DocumentStore, write_whole
from letters.declaration import declaration_html, declaration_pdf
from privacy import erasure
from privacy.access import declare
from privacy.holdings import Holdings
from privacy.periods import load_rules
from starter.cli.edge import plain
from starter.installation import Installation, installation
from starter.lookup import by_prefix, find_debtors
from starter.people import require_active, signed_in

_FORMS = {".json", ".html", ".pdf"}


def access(text: str, creditor: str, out: Path | None, by: str) -> dict[str, Any]:
    """Everything that is held of a debtor; with `out` also as a file, whose ending says in which form."""
    if out and out.suffix not in _FORMS:
        raise BadInput(f"--out {out.name}: end it in .json, .html or .pdf")
    with installation() as house, house.engine.begin() as conn:
        staff = require_active(conn, by)
        debtor = _debtor(conn, text, creditor)
        told = declare(Holdings(conn, debtor), load_rules(house.settings), house.now)
        as_json = json.dumps(told.data, ensure_ascii=False, indent=1, default=plain).encode()
        content = as_json
        if out and out.suffix == ".html":
            content = declaration_html(told.letter).encode()
        elif out and out.suffix == ".pdf":
            content = declaration_pdf(told.letter)
        if out:
            write_whole(out, content)
        body = {"sha256": hashlib.sha256(content).hexdigest(), "form": out.suffix[1:] if out else "json"}
        erasure.record(conn, debtor.id, "access", staff.id, "", house.now, body)
    data: dict[str, Any] = json.loads(as_json)
    return data


def hold(text: str, creditor: str, reason: str, by: str, *, release: bool) -> dict[str, Any]:
    """Keep everything of a debtor for a suit, or let it go again."""
    with installation() as house, house.engine.begin() as conn:
        staff, debtor = require_active(conn, by), _debtor(conn, text, creditor)
        held = Holdings(conn, debtor)
        if release and erasure.standing_hold(held) is None:
            raise Refused("not-held", "nobody holds these data")
        _check_reason(held, reason)
        kind = "released" if release else "held"
        erasure.record(conn, debtor.id, kind, staff.id, reason, house.now, {})
        return {"debtor": str(debtor.id), "kind": kind}


def erase(text: str, creditor: str, reason: str, *, dry_run: bool) -> dict[str, Any]:
    """Erase what is due of a debtor: the first person asks, the second one does it. Raises `Refused`."""
    with installation() as house:
        rules = load_rules(house.settings)
        with house.engine.begin() as conn:
            debtor = _debtor(conn, text, creditor)
            conn.execute(select(DEBTOR.c.id).where(DEBTOR.c.id == debtor.id).with_for_update())
            held = Holdings(conn, debtor)
            found = erasure.plan(held, rules, house.today)
            told = {"debtor": str(debtor.id), "terms": [asdict(term) for term in found.terms]}
            if dry_run:
                return {**told, "status": "dry-run"}
            erasure.require_due(found)
            _check_reason(held, reason)
            staff = _signed_in(house, conn)
            asked = _asked(held, house)
            if asked is None or asked.actor == staff.id:
                if asked is None:
                    erasure.record(conn, debtor.id, "asked", staff.id, reason, house.now, {"classes": list(found.due)})
                return {**told, "status": "asked"}
            why = f"{reason} (pedido por {asked.actor}: {asked.reason})"
            body = erasure.erase(conn, debtor.id, rules, staff.id, why, house.now)
        with house.engine.connect() as conn:
            store = DocumentStore(house.settings.documents_dir)
            files = erasure.remove_files(conn, store, house.settings.state_dir / "letters", debtor.id)
        return {**told, "status": "erased", **body, "files": files}


def due() -> list[dict[str, Any]]:
    """Debtors of whom something may be erased, by id, with the classes and what else is kept until when."""
    with installation() as house, house.engine.connect() as conn:
        found = erasure.due(conn, load_rules(house.settings), house.today)
    return [{"debtor": str(plan.debtor), "due": list(plan.due), "terms": plan.terms} for plan in found]


def _debtor(conn: Connection, text: str, creditor: str) -> Row[Any]:
    """A debtor by his id or its beginning, or by CPF or CNPJ. Raises `BadInput`."""
    with suppress(BadInput):
        return by_prefix(conn, DEBTOR, text, "debtor")
    found = find_debtors(conn, text, creditor)
    if len(found) > 1:
        raise BadInput("debtor: several creditors have a record of this document; name one with --creditor")
    return found[0]


def _signed_in(house: Installation, conn: Connection) -> Row[Any]:
    staff = signed_in(conn, house.settings.token.get_secret_value())
    if not erasure.ROLES & set(staff.roles):
        raise Refused("wrong-role", f"an erasure needs the role {' or '.join(sorted(erasure.ROLES))}; not {staff.id}'s")
    return staff


def _asked(held: Holdings, house: Installation) -> Row[Any] | None:
    """The request that still waits for a second person."""
    last = next((act for act in reversed(held.acts) if act.kind in {"asked", "erased"}), None)
    fresh = last is not None and last.kind == "asked" and house.now - last.at < erasure.ASKED_FOR
    return last if fresh else None


def _check_reason(held: Holdings, reason: str) -> None:
    """A reason is kept for ever; it may name nobody. Raises `BadInput`."""
    if not reason.strip():
        raise BadInput("--reason: say why; it is kept with the act")
    digits = "".join(filter(str.isdigit, reason))
    named = [held.debtor.name, *held.debtor.name.split()[:1], *(row.address for row in held.points)]
    told = reason.casefold()
    if len(digits) >= 11 or "@" in reason or any(len(name) > 2 and name.casefold() in told for name in named):
        raise BadInput("--reason: it names somebody and could never be erased; say it without name, number, address")

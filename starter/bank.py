"""Files of banks, and how far payments are known, as staff handle them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from rich.console import Console
from rich.progress import Progress
from sqlalchemy import Row, insert

from activities import bank
from activities.money import set_news
from activities.world import World
from domain.errors import BadInput, Refused
from starter.actions import tell
from starter.forms import parse_day
from starter.importing.staging import IMPORT_FILE
from starter.installation import Installation, installation, world_of
from starter.lookup import find_creditor
from starter.people import require_active


def receive(files: Sequence[Path], creditor: str, by: str, *, dry_run: bool, tty: bool) -> dict[str, Any]:
    """Take in files one after the other, in the name of `by`; what each did, or why it was refused (`error`).

    One that is refused changes nothing and does not keep the others out. Raises `BadInput` for an unknown creditor,
    `Refused` for somebody who may not act.
    """
    with installation() as house, world_of(house) as world:
        with house.engine.connect() as conn:
            if by:
                require_active(conn, by)
            owner = find_creditor(conn, creditor)
        with Progress(console=Console(stderr=True), disable=not tty) as bars:
            found = [_receive(world, owner, file, by, dry_run, bars) for file in files]
        told = _tell(house, found)
        return {"creditor": owner.code, "files": found, "told": told}


def _receive(world: World, creditor: Row[Any], file: Path, by: str, dry_run: bool, bars: Progress) -> dict[str, Any]:
    bar = bars.add_task(file.name, total=None)
    try:
        done = bank.receive(
            world, creditor, file, by, dry_run=dry_run, progress=lambda number: bars.update(bar, completed=number)
        )
    except BadInput as error:
        return _refused(file, "bad-file", str(error))
    except Refused as error:
        return _refused(file, error.code, f"{file.name}: {error}")
    except OSError as error:
        return _refused(file, "no-file", f"{file}: {error.strerror}; name a file that can be read here")
    return {"code": "", "error": "", **vars(done)}


def _refused(file: Path, code: str, text: str) -> dict[str, Any]:
    return {"name": file.name, "code": code, "error": text, "counts": {}, "facts": ()}


def _tell(house: Installation, found: list[dict[str, Any]]) -> int:
    """How many cases were told now; the sweep tells the others."""
    facts = [fact for file in found for fact in file.pop("facts")]
    return asyncio.run(tell(house, facts))


def tell_news(day: str, creditor: str, by: str) -> dict[str, Any]:
    """All payments of a creditor are known up to and including a day, says `by`; the day that counts now.

    Raises `BadInput` for a day to come, `Refused` for one before what is known: news never go back.
    """
    with installation() as house:
        news_on, woken = _news(house, parse_day(day), creditor, by)
        return {"creditor": creditor, "news_on": news_on, "told": asyncio.run(tell(house, woken))}


def _news(house: Installation, until: date, creditor: str, by: str) -> tuple[date, Sequence[UUID]]:
    with house.engine.begin() as conn:
        require_active(conn, by)
        owner = find_creditor(conn, creditor)
        if until > house.today:
            raise BadInput(f"{until:%d/%m/%Y} has not come yet; today is {house.today:%d/%m/%Y}")
        if owner.news_on and owner.news_on > until:
            raise Refused("older-news", f"payments are known up to {owner.news_on:%d/%m/%Y} already; name a later day")
        said = {
            "id": uuid4(), "creditor_id": owner.id, "kind": "news", "name": until.isoformat(), "sha256": "",
            "counts": {}, "imported_at": house.now, "actor": by,
        }  # fmt: skip
        conn.execute(insert(IMPORT_FILE).values(said))
        return set_news(conn, owner.id, until, house.now)

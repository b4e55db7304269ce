"""News of registered letters from the mail house: tracking codes, deliveries and returns, from a CSV file.

Who signed for a letter stands in the row of the report alone, which can be erased; a case hears that its notice was
received, by which way, on which day. The same file again changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, get_args
from uuid import UUID, uuid5

from sqlalchemy import Connection, Row, select, update
from sqlalchemy.dialects.postgresql import insert

from activities.desk import fact_values, store_facts
from db.rows import CONTACT, CONTACT_CASE, NOTICE, NOTICE_SENDING, WEBHOOK_EVENT
from domain import facts as f
from domain.errors import BadFile, BadInput, Fault
from domain.facts import Level
from domain.notice import OUTCOMES
from starter.actions import tell
from starter.importing.cells import as_text, date_reader
from starter.importing.sheets import Cell, fingerprint
from starter.installation import OFFICE, Installation, installation
from starter.people import require_active
from starter.published import Reading, read_rows

COLUMNS = ("carta", "rastreio", "evento", "dia", "recebedor")
MAIL_HOUSE = "mail-house"
POSTED, BY_NAME = "posted", "received-by-name"
EVENTS = (POSTED, *(outcome for outcome in OUTCOMES if outcome not in ("unread", "read")))
"""What a mail house tells: that it was posted, or what became of it in the words of `notice_outcomes.csv`."""


@dataclass(frozen=True)
class News:
    """One line of the file about a letter; `receiver` is the name of who signed for it, "" = unknown."""

    line: int
    letter: UUID
    tracking: str
    event: str
    on: date
    receiver: str


@dataclass(frozen=True)
class Taken:
    """What a file brought: news that were new and that were known, and how many cases were told."""

    file: str
    sha256: str
    dry_run: bool
    added: int
    unchanged: int
    told: int


def take_in(file: Path, by: str, *, dry_run: bool) -> dict[str, Any]:
    """Take in a file of the mail house. Raises `BadFile` with every bad row, and then nothing is changed."""
    news: list[News] = [row["news"] for row in read_rows(file, COLUMNS, _news)]
    with installation() as house:
        with house.engine.begin() as conn:
            require_active(conn, by)
            letters = _letters(conn, {each.letter for each in news})
            if faults := [fault for each in news for fault in _faults(each, letters.get(each.letter), house)]:
                raise BadFile(file.name, faults)
            new = _new(conn, news)
            ids = [] if dry_run else _write(conn, house, new, letters)
        reached = asyncio.run(tell(house, ids))
    taken = Taken(file.name, fingerprint(file), dry_run, len(new), len(news) - len(new), reached)
    return asdict(taken)


# --- reading ---------------------------------------------------------------------------------------------------------
def _news(row: Reading) -> dict[str, Any]:
    letter, event = row.needed("carta", _letter_id), row.needed("evento", _event)
    tracking, on = row.needed("rastreio", as_text), row.needed("dia", date_reader(None))
    receiver = row.cell("recebedor", as_text) or ""
    if event == BY_NAME and not receiver:
        row.fault("recebedor", "it is empty", f"{BY_NAME} needs the name on the receipt; without one write delivered")
    if letter is None or event is None or tracking is None or on is None:
        return {}
    news = News(row.line.number, letter, tracking, event, on, receiver)
    return {"value": _key(news), "news": news}


def _letter_id(cell: Cell) -> UUID:
    try:
        return UUID(str(cell))
    except ValueError:
        raise BadInput("it is no id of a letter; write contact_id of the manifest") from None


def _event(cell: Cell) -> str:
    if cell not in EVENTS:
        raise BadInput(f"there is no such event; write {', '.join(EVENTS)}")
    return str(cell)


def _faults(news: News, letter: Row[Any] | None, house: Installation) -> list[Fault]:
    """What a row says that cannot be, seen from what was sent."""
    where = f"row {news.line}"
    if letter is None:
        return [Fault(f"{where}, carta", "no letter of a notice has this id", "write contact_id of the manifest")]
    if news.on > house.today:
        return [Fault(f"{where}, dia", f"{news.on:%d/%m/%Y} is still to come", "write the day of the event")]
    sent = letter.planned_at.astimezone(OFFICE).date()
    if news.on < sent:
        return [Fault(f"{where}, dia", f"before the letter was made on {sent:%d/%m/%Y}", "write the day of the event")]
    if letter.provider_id not in ("", news.tracking):
        return [
            Fault(f"{where}, rastreio", "the letter has another tracking code", "write the code it was posted under")
        ]
    return []


# --- writing ---------------------------------------------------------------------------------------------------------
def _letters(conn: Connection, ids: set[UUID]) -> dict[UUID, Row[Any]]:
    """The letters of notices with these ids, each with its notice, way and party."""
    found = (
        select(CONTACT.c.id, CONTACT.c.state, CONTACT.c.provider_id, CONTACT.c.planned_at, CONTACT_CASE.c.case_id)
        .add_columns(NOTICE.c.id.label("notice_id"), NOTICE_SENDING.c.way, NOTICE_SENDING.c.party_id)
        .join(CONTACT_CASE, CONTACT_CASE.c.contact_id == CONTACT.c.id)
        .join(NOTICE, (NOTICE.c.document_id == CONTACT.c.document_id) & (NOTICE.c.case_id == CONTACT_CASE.c.case_id))
        .outerjoin(NOTICE_SENDING, NOTICE_SENDING.c.contact_id == CONTACT.c.id)
        .where(CONTACT.c.id.in_(ids), CONTACT.c.channel == "letter", CONTACT.c.purpose == "notice")
        .order_by(NOTICE.c.issued_at)
    )
    return {row.id: row for row in conn.execute(found)}


def _key(news: News) -> str:
    return f"{news.tracking}:{news.event}:{news.on}"


def _new(conn: Connection, news: Sequence[News]) -> list[News]:
    """Those that were not told before, by day."""
    keys = {_key(each): each for each in news}
    mine = (WEBHOOK_EVENT.c.provider == MAIL_HOUSE) & WEBHOOK_EVENT.c.event_key.in_(keys)
    known = set(conn.execute(select(WEBHOOK_EVENT.c.event_key).where(mine)).scalars())
    return sorted((each for key, each in keys.items() if key not in known), key=lambda each: (each.on, each.line))


def _write(conn: Connection, house: Installation, news: Sequence[News], letters: dict[UUID, Row[Any]]) -> list[UUID]:
    rows = []
    for each in news:
        letter = letters[each.letter]
        conn.execute(insert(WEBHOOK_EVENT).values(_report(each, house)).on_conflict_do_nothing())
        _settle(conn, each, letter)
        if fact := _fact(each, letter):
            source = f"mail:{_key(each)}:{letter.case_id}"
            rows.append(fact_values(letter.case_id, source, fact, MAIL_HOUSE, house.now))
    return list(store_facts(conn, rows))


def _report(news: News, house: Installation) -> dict[str, Any]:
    body = {"tracking": news.tracking, "receiver": news.receiver}
    now = datetime.now(UTC)
    return {
        "id": uuid5(news.letter, _key(news)), "provider": MAIL_HOUSE, "event_key": _key(news),
        "contact_id": news.letter, "event": news.event, "code": "", "body": body, "received_at": now,
        "business_at": house.now, "taken_at": now,
    }  # fmt: skip


def _settle(conn: Connection, news: News, letter: Row[Any]) -> None:
    """A receipt settles a letter whatever was told before; a return only what was not delivered."""
    own = CONTACT.c.id == letter.id
    conn.execute(update(CONTACT).where(own).values(provider_id=news.tracking))
    if news.event == POSTED:
        return
    proof = news.event in get_args(Level)
    open_ = own if proof else own & (CONTACT.c.state != "delivered")
    state = "delivered" if proof else "bounced"
    conn.execute(update(CONTACT).where(open_).values(state=state, settled_at=datetime.now(UTC)))


def _fact(news: News, letter: Row[Any]) -> f.Told | None:
    notice, way = str(letter.notice_id), letter.way or "letter"
    party = str(letter.party_id) if letter.party_id else ""
    for level in get_args(Level):
        if news.event == level:
            return f.NoticeProved(notice, way, level, news.on, party)
    return None if news.event == POSTED else f.NoticeReturned(notice, way, news.event, party)

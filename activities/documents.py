"""Documents on their way to disk: the store with its rows, the mail house's folder, files that people fetch.

Whatever is written here is whole or not there, and may be written again.
"""

from __future__ import annotations

import csv
import fcntl
import hashlib
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from uuid import UUID, uuid5

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert as upsert

from activities.world import World
from db.rows import DOCUMENT
from gateways.documents import write_whole

PDF = "application/pdf"
ZIP = "application/zip"
MANIFEST = "manifest.csv"
_HEAD = ("contact_id", "recipient", "address", "pages", "sha256", "file")
_PAGE = re.compile(rb"/Type\s*/Page\b")


def keep_document(
    world: World, conn: Connection, case_id: UUID, kind: str, name: str, mime: str, content: bytes, now: datetime
) -> UUID:
    """Store a document of a case and its row; returns the row's id. The same bytes again are the same document.

    The file is on disk before the row: a row never points at nothing. `now` is business time, aware.
    """
    digest = world.documents.put(content)
    document_id = uuid5(case_id, f"{kind}:{digest}")
    row = {
        "id": document_id, "case_id": case_id, "kind": kind, "name": name, "mime": mime, "sha256": digest,
        "size": len(content), "created_at": now,
    }  # fmt: skip
    conn.execute(upsert(DOCUMENT).values(row).on_conflict_do_nothing(index_elements=["id"]))
    return document_id


def read_document(world: World, conn: Connection, document_id: UUID) -> bytes:
    """The bytes of a document; FileNotFoundError where they are gone from the store."""
    digest = conn.execute(select(DOCUMENT.c.sha256).where(DOCUMENT.c.id == document_id)).scalar_one()
    return world.documents.get(digest)


# --- the mail house --------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Letter:
    """A letter for the mail house: to whom, the lines of the address, and the PDF, made for a window envelope."""

    contact_id: UUID
    recipient: str
    address: tuple[str, ...]
    pdf: bytes


def hand_to_mail_house(folder: Path, day: date, letter: Letter) -> None:
    """Put a letter into the print folder of a business day: the PDF, then its line in that day's manifest.

    The line is what hands it over: the mail house prints what the manifest lists. A letter that is listed already, on
    whichever day, is not listed again. Raises OSError.
    """
    name = f"{letter.contact_id}.pdf"
    if is_at_mail_house(folder, letter.contact_id):
        return
    today = folder / day.isoformat()
    write_whole(today / name, letter.pdf)
    with _alone(today):
        rows = _listed(today)
        if all(row["contact_id"] != str(letter.contact_id) for row in rows):
            rows.append(_line(letter, name))
            write_whole(today / MANIFEST, _csv(rows))


def is_at_mail_house(folder: Path, contact_id: UUID) -> bool:
    """Does the manifest of any day list this letter? Raises OSError."""
    return any(_lists(pdf.parent, contact_id) for pdf in folder.glob(f"*/{contact_id}.pdf"))


def forget_letter(folder: Path, contact_id: UUID) -> int:
    """Remove a letter from the print folders, PDF and line of the manifest; how many there were. Raises OSError."""
    found = list(folder.glob(f"*/{contact_id}.pdf"))
    for pdf in found:
        with _alone(pdf.parent):
            rows = _listed(pdf.parent)
            left = [row for row in rows if row["contact_id"] != str(contact_id)]
            if len(left) < len(rows):
                write_whole(pdf.parent / MANIFEST, _csv(left))
        pdf.unlink(missing_ok=True)
    return len(found)


def _line(letter: Letter, name: str) -> dict[str, str]:
    values = (
        str(letter.contact_id),
        letter.recipient,
        "\n".join(letter.address),
        str(len(_PAGE.findall(letter.pdf))),
        hashlib.sha256(letter.pdf).hexdigest(),
        name,
    )
    return dict(zip(_HEAD, values, strict=True))


def _lists(folder: Path, contact_id: UUID) -> bool:
    return any(row["contact_id"] == str(contact_id) for row in _listed(folder))


def _listed(folder: Path) -> list[dict[str, str]]:
    manifest = folder / MANIFEST
    if not manifest.exists():
        return []
    with manifest.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _csv(rows: list[dict[str, str]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, _HEAD)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody else, in whatever process of this machine, changes the manifest meanwhile."""
    with (folder / ".lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield

"""Documents of a case: what staff attach, and where its dossier lies."""

from __future__ import annotations

import asyncio
import hashlib
import mimetypes
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from activities.desk import fact_values, store_facts
from db.rows import DOCUMENT
from domain import facts as f
from domain.errors import BadInput, Refused
from gateways.documents import DocumentStore
from starter.actions import tell
from starter.forms import Form
from starter.installation import installation
from starter.lookup import find_case
from starter.people import require_active

LARGEST = 25 * 1024 * 1024
"""Bytes of an attached file: a dossier must stay sendable."""


def attach(case_id: str, creditor: str, file: Path, kind: str, by: str) -> dict[str, Any]:
    """Store a file with a case; `kind` is a short word. The same file under the same kind is stored once.

    An open case is told: a title that lacked this paper is looked at again.
    """
    with installation() as house:
        with house.engine.begin() as conn:
            kind = Form({"kind": kind}, house.today).code("kind")
            require_active(conn, by)
            case = find_case(conn, case_id, creditor)
            content = read_file(file)
            row = document_values(case.id, kind, file.name, content, house.now)
            keep(conn, DocumentStore(house.settings.documents_dir), row, content)
            fact = f.DocumentAttached(str(row["id"]), kind)
            values = fact_values(case.id, f"document:{row['id']}", fact, by, house.now)
            told = store_facts(conn, [values]) if case.stage != "closed" else []
        asyncio.run(tell(house, told))
        return {"id": row["id"], "case": case.id, "kind": kind, "name": file.name, "sha256": row["sha256"]}


def read_file(file: Path) -> bytes:
    """The bytes of a file that is to be kept. Raises `BadInput` where it cannot be read, is empty or too large."""
    try:
        size = file.stat().st_size
        content = file.read_bytes() if size <= LARGEST else b""
    except OSError as error:
        raise BadInput(f"{file}: {error.strerror}; name a file that can be read here") from None
    if not content:
        raise BadInput(f"{file.name}: it has {size} bytes; attach a file of 1 byte to 25 MB")
    return content


def document_values(case_id: UUID | None, kind: str, name: str, content: bytes, now: datetime) -> dict[str, Any]:
    """The row of a document; the same bytes of the same kind are the same document. `now` is business time."""
    digest = hashlib.sha256(content).hexdigest()
    return {
        "id": uuid5(case_id or NAMESPACE_OID, f"{kind}:{digest}"), "case_id": case_id, "kind": kind, "name": name,
        "mime": mimetypes.guess_type(name)[0] or "application/octet-stream", "sha256": digest,
        "size": len(content), "created_at": now,
    }  # fmt: skip


def keep(conn: Connection, store: DocumentStore, row: dict[str, Any], content: bytes) -> None:
    """Store a document (`document_values`): first its bytes, then its row, which so never points at nothing."""
    store.put(content)
    conn.execute(insert(DOCUMENT).values(row).on_conflict_do_nothing(index_elements=["id"]))


def dossier(case_id: str, creditor: str) -> dict[str, Any]:
    """Where the case's newest dossier lies, and what is wrong with it, if anything (`problems`).

    Raises `Refused` for a case that was not handed over.
    """
    from activities.dossier import verify_dossier

    with installation() as house, house.engine.connect() as conn:
        case = find_case(conn, case_id, creditor)
        made = select(DOCUMENT).where(DOCUMENT.c.case_id == case.id, DOCUMENT.c.kind == "dossier")
        row = conn.execute(made.order_by(DOCUMENT.c.created_at.desc()).limit(1)).one_or_none()
        if row is None:
            raise Refused("no-dossier", "this case was not handed over to legal; it has no dossier")
        laid_out = house.settings.state_dir.resolve() / "legal" / f"{case.id}.zip"
        stored = DocumentStore(house.settings.documents_dir.resolve()).path(row.sha256)
        path = laid_out if laid_out.is_file() else stored
        problems = verify_dossier(path)
        if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() != row.sha256:
            problems.append(f"{path.name}: it is not the file that was handed over; {stored} is")
        return {
            "case": case.id, "path": str(path), "sha256": row.sha256, "handed_over_at": row.created_at,
            "problems": problems,
        }  # fmt: skip

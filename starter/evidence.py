"""Documents of a case: what staff attach, and where its dossier lies."""

from __future__ import annotations

import mimetypes
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import insert, select

from db.rows import DOCUMENT
from domain.errors import BadInput
from gateways.documents import DocumentStore
from starter.forms import Form
from starter.installation import installation
from starter.lookup import find_case
from starter.people import require_active

LARGEST = 25 * 1024 * 1024
"""Bytes of an attached file: a dossier must stay sendable."""


def attach(case_id: str, creditor: str, file: Path, kind: str, by: str) -> dict[str, Any]:
    """Store a file with a case; `kind` is a short word. The same file under the same kind is stored once."""
    with installation() as house, house.engine.begin() as conn:
        kind = Form({"kind": kind}, house.today).code("kind")
        require_active(conn, by)
        case = find_case(conn, case_id, creditor)
        content = file.read_bytes()
        if not content or len(content) > LARGEST:
            raise BadInput(f"{file.name}: it has {len(content)} bytes; attach a file of 1 byte to 25 MB")
        digest = DocumentStore(house.settings.documents_dir).put(content)
        found = {"case_id": case.id, "kind": kind, "sha256": digest}
        same = select(DOCUMENT.c.id).where(*(DOCUMENT.c[name] == value for name, value in found.items()))
        row_id = conn.execute(same).scalars().first()
        if row_id is None:
            row_id = uuid4()
            mime = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
            values = {"name": file.name, "mime": mime, "size": len(content), "created_at": datetime.now(UTC)}
            conn.execute(insert(DOCUMENT).values(id=row_id, **found, **values))
        return {"id": row_id, "case": case.id, "kind": kind, "name": file.name, "sha256": digest}

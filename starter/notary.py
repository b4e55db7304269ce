"""Files of the CRA and letters of consent, as staff handle them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy import select

from activities.consent import consent_letter
from activities.documents import read_document, write_whole
from activities.protest_answers import take_in_file
from db.rows import DOCUMENT
from domain import cra
from starter.actions import tell
from starter.installation import installation, world_of
from starter.lookup import find_case
from starter.people import require_active


def receive(file: Path) -> dict[str, Any]:
    """Take in a file of the CRA under its own name; what became of it (`TakenIn`), and how many cases were told."""
    content = file.read_bytes()
    with installation() as house, world_of(house) as world:
        taken = take_in_file(world, file.name, content)
        told = asyncio.run(tell(house, taken.facts))
        return asdict(taken) | {"faults": list(taken.faults), "facts": len(taken.facts), "told": told}


def consent(case_id: str, creditor: str, by: str, out: Path | None) -> dict[str, Any]:
    """Make the letter of consent of a case whose protest stands registered, and write a copy to `out` if given.

    Raises `Refused` where there is no such protest.
    """
    with installation() as house, world_of(house) as world:
        with house.engine.connect() as conn:
            require_active(conn, by)
            case = find_case(conn, case_id, creditor)
        document_id = consent_letter(world, case.id)
        with house.engine.connect() as conn:
            row = conn.execute(select(DOCUMENT).where(DOCUMENT.c.id == document_id)).one()
            content = read_document(world, conn, document_id)
        path = out or house.settings.state_dir.resolve() / "consent" / row.name
        write_whole(path, content)
        return {"case": case.id, "document": document_id, "sha256": row.sha256, "path": str(path)}


def read(file: Path) -> dict[str, Any]:
    """A CRA file as data: name, kind, every record with its fields, and the meaning of the codes in it.

    Raises `BadFile` with every fault, `BadInput` for a name that no CRA gives.
    """
    found = cra.read(file.read_bytes(), file.name)
    records = [{"record": name, "line": record.line, "values": {**record.values}} for name, record in found.records()]
    return {
        "name": found.name, "kind": found.kind, "presenter": found.presenter, "day": found.day,
        "sequence": found.sequence, "records": records, "codes": dict(_codes(found)),
    }  # fmt: skip


def _codes(file: cra.CraFile) -> Iterator[tuple[str, str]]:
    """What the codes of the answers in a file mean, in Portuguese; a code that no table knows says so."""
    if file.kind == "M":
        for event in cra.progress_events(file):
            progress = cra.codes.progress(event.code)
            yield event.code, progress.name if progress else "código desconhecido"
    if file.kind not in ("C", "R"):
        return
    answers = cra.confirmations(file) if file.kind == "C" else cra.outcomes(file)
    for answer in answers:
        occurrence = cra.codes.occurrence(answer.occurrence)
        meaning = f"{occurrence.name}: {occurrence.meaning}" if occurrence else "código desconhecido"
        yield f"ocorrência {answer.occurrence or 'em branco'}", meaning
        for code in answer.irregularities:
            irregularity = cra.codes.irregularity(code)
            yield f"irregularidade {code}", irregularity.reason if irregularity else "código desconhecido"

"""Files of the CRA, titles presented by hand and letters of consent, as staff handle them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy import Row, select

from activities.consent import consent_letter
from activities.documents import read_document
from activities.protest_answers import take_in_file
from activities.protest_by_hand import SAID, Heard, answer_by_hand, money_arrived, presentation_sheet
from db.rows import DOCUMENT, ORDER, TITLE
from domain import cra
from domain.case import load
from domain.cra.layout import positions
from domain.errors import BadInput
from domain.money import ZERO, parse_money
from domain.protest import borne_by
from gateways.documents import write_whole
from starter.actions import tell
from starter.forms import parse_day
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


def heard_of(
    said: str, on: str, protocol: str, notary: str, amount: str, costs: str, irregularities: tuple[str, ...]
) -> Heard:
    """What a person typed, read; BadInput says which part of it cannot be."""
    if said not in SAID:
        raise BadInput(f"{said!r} is nothing that a notary says of a title; it is one of {', '.join(SAID)}")
    for code in irregularities:
        if cra.codes.irregularity(code) is None:
            raise BadInput(f"irregularity {code!r} is in no table; give the two digits of the CRA, as 06")
    paid, asked = (parse_money(text) if text else ZERO for text in (amount, costs))
    return Heard(said, parse_day(on, "on"), protocol, notary, paid, asked, irregularities)


def answer(case_id: str, creditor: str, by: str, heard: Heard) -> dict[str, Any]:
    """Take in what a person heard from the notary about the title of a case, as if a file had said it."""
    with installation() as house, world_of(house) as world:
        with house.engine.connect() as conn:
            require_active(conn, by)
            case = find_case(conn, case_id, creditor)
        facts = answer_by_hand(world, case.id, heard, by)
        told = asyncio.run(tell(house, facts))
        return {"case": case.id, "said": heard.said, "facts": len(facts), "told": told}


def money(case_id: str, creditor: str, by: str, reference: str) -> dict[str, Any]:
    """The money of a title that was paid at the notary arrived, under this reference."""
    with installation() as house, world_of(house) as world:
        with house.engine.connect() as conn:
            require_active(conn, by)
            case = find_case(conn, case_id, creditor)
        return {"case": case.id, "title": money_arrived(world, case.id, reference, by), "reference": reference}


def sheet(case_id: str, creditor: str, by: str) -> dict[str, Any]:
    """What a person types at the notaries' central to present the title of a case, or to give an order about it."""
    with installation() as house, world_of(house) as world:
        with house.engine.connect() as conn:
            require_active(conn, by)
            case = find_case(conn, case_id, creditor)
        return {"case": case.id, **presentation_sheet(world, case.id)}


def standing(case_id: str, creditor: str) -> dict[str, Any]:
    """How the titles of a case stand at the notary: state, protocol, term, progress, costs (reais), who bears them."""
    with installation() as house, house.engine.connect() as conn:
        case = find_case(conn, case_id, creditor)
        protest = load(case.state).protest
        rows = conn.execute(select(TITLE).where(TITLE.c.case_id == case.id).order_by(TITLE.c.attempt)).all()
        orders = conn.execute(select(ORDER).where(ORDER.c.title_id.in_([row.id for row in rows]))).all()
        ours = {order.title_id for order in orders if order.kind == "cancel"}
        titles = [_title(row, by_our_order=row.id in ours) for row in rows]
        return {"case": case.id, "decide_by": protest.decide_by, "consent": protest.consent, "titles": titles}


def _title(row: Row[Any], *, by_our_order: bool) -> dict[str, Any]:
    step = cra.codes.progress(row.progress)
    return {
        "title": row.id, "attempt": row.attempt, "state": row.state, "way": row.route or "cra",
        "balance": row.balance, "notary": row.notary_code, "protocol": row.protocol,
        "protocol_date": row.protocol_date, "term_end": row.term_end,
        "progress": step.name if step else row.progress, "irregularities": row.irregularities, "costs": row.costs,
        "borne_by": borne_by(row.state, by_our_order), "money": row.remitted,
    }  # fmt: skip


UNKNOWN = "código desconhecido"
HIDDEN = "***"
"""What stands where a file holds personal data and nobody asked for it."""


def read(file: Path, personal: bool = False) -> dict[str, Any]:
    """A CRA file as data: name, kind, every record with its fields, and the meaning of the codes in it.

    Personal data (names, documents, addresses) only where they are asked for. Raises `BadFile` with every fault,
    `BadInput` for a name that no CRA gives.
    """
    found = cra.read(file.read_bytes(), file.name)
    records = [
        {"record": name, "line": record.line, "values": _values(found.kind, name, record, personal)}
        for name, record in found.records()
    ]
    return {
        "name": found.name, "kind": found.kind, "presenter": found.presenter, "day": found.day,
        "sequence": found.sequence, "records": records, "codes": dict(_codes(found)),
    }  # fmt: skip


def _values(kind: cra.Kind, name: str, record: cra.Record, personal: bool) -> dict[str, Any]:
    fields = positions(kind, name)
    return {
        key: value if personal or not fields[key].personal or value in ("", None) else HIDDEN
        for key, value in record.values.items()
    }


def _codes(file: cra.CraFile) -> Iterator[tuple[str, str]]:
    """What the codes in a file mean, in Portuguese; a code that no table knows says so."""
    for lot in file.lots if file.kind in ("B", "C") else ():
        for record in lot.records:
            if species := record.text("especie_titulo"):
                kind = cra.codes.species(species)
                yield f"espécie {species}", kind.name if kind else UNKNOWN
            if declared := record.text("declaracao_portador"):
                declaration = cra.codes.declaration(declared)
                yield f"declaração {declared}", declaration.meaning if declaration else UNKNOWN
    if file.kind == "M":
        for event in cra.progress_events(file):
            progress = cra.codes.progress(event.code)
            yield event.code, progress.name if progress else UNKNOWN
    if file.kind not in ("C", "R"):
        return
    answers = cra.confirmations(file) if file.kind == "C" else cra.outcomes(file)
    for answer in answers:
        occurrence = cra.codes.occurrence(answer.occurrence)
        meaning = f"{occurrence.name}: {occurrence.meaning}" if occurrence else UNKNOWN
        yield f"ocorrência {answer.occurrence or 'em branco'}", meaning
        for code in answer.irregularities:
            irregularity = cra.codes.irregularity(code)
            yield f"irregularidade {code}", irregularity.reason if irregularity else UNKNOWN

"""Who else signed for a debt: written down with his address, so that he can be notified and named."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from sqlalchemy import insert

from db.rows import PARTY
from domain import facts as f
from domain.errors import BadInput
from domain.identifiers import parse_document
from domain.notice import ROLES
from starter.actions import Clerk, Deed, store
from starter.contacts import postal
from starter.installation import installation
from starter.lookup import find_case
from starter.people import require_active


def add(
    case: str, creditor: str, role: str, document: str, name: str, where: Mapping[str, str], by: str
) -> dict[str, Any]:
    """Add a party to a case's invoice; the answer says what he is bound by. Raises `BadInput`.

    Only who is bound by the title (`party_roles.csv`) is notified and named: an *avalista*, never a *fiador*.
    """
    if role not in ROLES:
        raise BadInput(f"--role {role!r}: use {', '.join(ROLES)}")
    parts = postal(where)
    number, party_id = parse_document(document).number, uuid4()
    with installation() as house:
        with house.engine.begin() as conn:
            require_active(conn, by)
            row = find_case(conn, case, creditor)
            kept = {key: parts[key] for key in ("address", "district", "city", "uf", "cep")}
            named = {"id": party_id, "invoice_id": row.invoice_id, "role": role, "document": number}
            conn.execute(insert(PARTY).values(**named, name=" ".join(name.split()), **kept))
            fact_id = store(house, conn, row, Deed(f.PartyNamed(str(party_id), role)), by)
        outcome = asyncio.run(Clerk(house).ask(row.id, fact_id))
        return {"party": party_id, "role": role, "bound_by": ROLES[role]["binds"], "case": row.id,
                "status": outcome.status}  # fmt: skip

"""What every column of the database holds: whose data, and with which class of retention they go.

Numbers, days, moments and ids are nobody's. Of all other columns each stands here once (a test sees to it), so that
access tells, and erasure empties, a column that is added tomorrow, or somebody has said why not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy import Table

from db.rows import CASE
from domain.retention import CLASSES, IDENTITY

Kept = Literal["code", "creditor", "staff", "many", "silence", "act"]
"""What is not erased with a debtor.

code: words of ours or of a provider, hashes, keys of rows: pseudonymous evidence. creditor, staff: theirs. many: names
of files that hold many people, which go as files by the installation's own rule. silence: addresses and documents that
must never be written to again (LGPD art. 18 § 2º). act: says why something was done, and names nobody.
"""
_NOBODYS = (sa.Uuid, sa.Date, sa.DateTime, sa.Numeric, sa.Float, sa.Integer, sa.Boolean)

COLUMNS: Mapping[str, Mapping[str, str]] = {
    "anchor": {"code": "key_id root previous_mac mac document"},
    "approval": {"staff": "asked_by", "code": "escalated_to purpose step role state"},
    "approval_word": {"firm": "reason", "staff": "staff_id"},
    "archive": {"code": "run_id sha256 document"},
    "bank_file": {"many": "name", "staff": "actor", "code": "sha256 layout counts"},
    "block_entry": {"silence": "value", "code": "uf kind source"},
    "case": {
        "code": "policy_hash stage state ledger_hash next_action next_step next_reason schedule_hash outcome",
    },
    "closed_address": {"silence": "address", "code": "reason"},
    "contact": {
        "contacts": "subject body html template",
        "code": "channel purpose text_id content_hmac short_ref state provider_id currency passed_over",
    },
    "contact_attempt": {"code": "outcome code"},
    "contact_case": {"code": "step"},
    "contact_point": {"contacts": "address source consent best_hours", "code": "channel role state"},
    "cra_file": {"many": "name", "code": "cra presenter kind direction state reply_code"},
    "creditor": {"creditor": "code name document address city uf cep email phone settings salt"},
    "creditor_change": {"creditor": "settings", "staff": "asked_by", "code": "state"},
    "debtor": {IDENTITY: "document name address district city cep ibge", "code": "kind uf opted_out"},
    "document": {"file": "name", "code": "kind mime sha256"},
    "fact": {"staff": "actor", "code": "source_key kind body refusal"},
    "holiday": {"code": "place name source"},
    "import_file": {"many": "name", "staff": "actor", "code": "kind sha256 counts"},
    "inbound_message": {
        "contacts": "sender recipient subject body",
        "code": "provider message_key channel opt_out replied_to files meaning outcome answer content_hmac",
    },
    "index_value": {"code": "series source"},
    "instruction": {"code": "body"},
    "invoice": {
        IDENTITY: "description boleto_line delivery_proof nfe_key row_hash",
        "code": "number instalment printed_number kind charges_source bank our_number place policy",
    },
    "ledger": {"staff": "actor", "code": "kind body cause rules_version previous_hash hash"},
    "lot_sequence": {"code": "presenter municipality"},
    "moratorium": {IDENTITY: "value reason", "staff": "actor", "code": "scope"},
    "neutral_answer": {
        "contacts": "address subject body", "code": "channel text_id short_ref state provider_id code",
    },
    "note": {"contacts": "text", "staff": "author"},
    "notice": {"code": "step proof_level state"},
    "notice_sending": {"code": "way address_hmac origin"},
    "parcel": {"code": "to action step told state"},
    "party": {IDENTITY: "document name address district city cep", "code": "role uf"},
    "payment": {"payments": "payer hint", "code": "reference source txid our_number proposal"},
    "payment_code": {"code": "txid account br_code state"},
    "plan": {"staff": "accepted_by", "code": "state terms text_hash accepted_how"},
    "policy": {"code": "hash name text"},
    "privacy_act": {"act": "reason", "staff": "actor", "code": "kind body"},
    "promise": {"code": "state"},
    "protest_order": {"code": "kind state"},
    "protest_title": {
        "code": "our_number municipality state notary_code protocol irregularities progress route remitted",
    },
    "schedule": {"code": "reason steps"},
    "staff": {"staff": "id name roles token_hash"},
    "task": {"staff": "owner done_by", "code": "kind step details outcome"},
    "webhook_event": {"contacts": "body", "code": "provider event_key event code"},
}  # fmt: skip
"""Columns by table and by what they hold: a class of retention, `file` (that of the document's kind), or a `Kept`."""


@dataclass(frozen=True)
class Personal:
    """The columns of a table that name or describe a debtor, and go with one class."""

    table: Table
    retention: str
    columns: Sequence[str]


def personal() -> Iterator[Personal]:
    """All personal columns that go row by row; a document's name goes with its file."""
    for name, held in COLUMNS.items():
        for what, columns in held.items():
            if what in CLASSES:
                yield Personal(CASE.metadata.tables[name], what, columns.split())


def columns_that_tell(table: Table) -> list[str]:
    """Columns of a table that could name somebody, if they were used for it."""
    return [column.name for column in table.columns if not isinstance(column.type, _NOBODYS)]


def emptied(table: Table, name: str) -> Any:
    """What stands in a column once it was erased. Where it must stay unique it says so, and whose row it is."""
    column = table.c[name]
    if any(name in unique.columns for unique in table.constraints if isinstance(unique, sa.UniqueConstraint)):
        return sa.literal("apagado:").concat(sa.cast(table.c.id, sa.String))
    if column.nullable:
        return sa.null()
    return sa.text("'{}'::jsonb") if isinstance(column.type, sa.JSON) else ""

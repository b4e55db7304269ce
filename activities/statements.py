"""The statements that every decision needs, compiled once per process (`db.prepared`); rarer ones stand where they run.

Locks are taken in one order: the debtor, then his cases by id. NO KEY UPDATE: facts may still be stored by others.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.dialects.postgresql import ARRAY

from db.prepared import Prepared
from db.rows import (
    BLOCK_ENTRY,
    CASE,
    CLOSED_ADDRESS,
    CONTACT,
    CONTACT_ATTEMPT,
    CONTACT_CASE,
    CONTACT_POINT,
    CREDITOR,
    DEBTOR,
    FACT,
    HOLIDAY,
    INSTRUCTION,
    INVOICE,
    LEDGER,
    SCHEDULE,
    WEBHOOK_EVENT,
)

_ID = bindparam("id_", type_=sa.Uuid)
_IDS = sa.any_(bindparam("ids", type_=ARRAY(sa.Uuid)))

# --- a case and its book ---------------------------------------------------------------------------------------------
LOCK_CASE = Prepared(select(CASE).where(CASE.c.id == _ID).with_for_update(key_share=True))
"""`id_`: the case."""

_OF_CASE = select(CASE.c.debtor_id).where(CASE.c.id == _ID).scalar_subquery()
LOCK_DEBTOR = Prepared(select(DEBTOR).where(DEBTOR.c.id == _OF_CASE).with_for_update(key_share=True))
"""`id_`: one of his cases."""
LOCK_CASES = Prepared(
    select(CASE)
    .where(CASE.c.debtor_id == _OF_CASE, (CASE.c.stage != "closed") | (CASE.c.id == _ID))
    .order_by(CASE.c.id)
    .with_for_update(key_share=True)
)
"""The open cases of a debtor. `id_`: one of them, which may be closed."""

INBOX = Prepared(
    select(FACT.c.id, FACT.c.body, FACT.c.actor, FACT.c.business_at)
    .where(FACT.c.case_id == _ID, FACT.c.acknowledged_at.is_(None))
    .order_by(FACT.c.number)
)
"""Stored facts that nobody has taken in yet, oldest first. `id_`: the case."""
ACKNOWLEDGE = Prepared(update(FACT).where(FACT.c.id == _IDS), "acknowledged_at")
"""`ids`: facts."""
REFUSE = Prepared(update(FACT).where(FACT.c.id == _ID), "refusal")
"""`id_`: a fact."""

INSERT_LINE = Prepared(insert(LEDGER), *LEDGER.c.keys())
INSERT_SCHEDULE = Prepared(insert(SCHEDULE), *SCHEDULE.c.keys())
INSERT_INSTRUCTION = Prepared(insert(INSTRUCTION), *INSTRUCTION.c.keys())
SAVE_CASE = Prepared(
    update(CASE).where(CASE.c.id == _ID),
    "state", "stage", "policy_hash", "balance", "generation", "seq", "ledger_seq", "ledger_hash", "next_action",
    "next_step", "next_at", "next_reason", "schedule_version", "schedule_hash", "outcome", "closed_at",
)  # fmt: skip
"""`id_`: the case, and all columns that a decision may change."""

# --- master data -----------------------------------------------------------------------------------------------------
READ_CREDITOR = Prepared(select(CREDITOR).where(CREDITOR.c.id == _ID))
READ_DEBTOR = Prepared(select(DEBTOR).where(DEBTOR.c.id == _ID))
READ_INVOICES = Prepared(select(INVOICE).where(INVOICE.c.id == _IDS))

# --- contacts --------------------------------------------------------------------------------------------------------
_STEP = bindparam("step_", type_=sa.Text)
LINK = Prepared(
    select(CONTACT, CONTACT_CASE.c.lead)
    .join(CONTACT_CASE, CONTACT_CASE.c.contact_id == CONTACT.c.id)
    .where(CONTACT_CASE.c.case_id == _ID, CONTACT_CASE.c.step == _STEP)
    .where(CONTACT_CASE.c.attempt == bindparam("attempt_", type_=sa.Integer))
)
"""The contact that stands for an attempt (`attempt_`) of a step (`step_`) of a case (`id_`), if there is one."""

LINKS = Prepared(select(CONTACT_CASE).where(CONTACT_CASE.c.contact_id == _ID))
"""What a contact (`id_`) stands for."""

_TRIED = (
    select(CONTACT.c.contact_point_id)
    .join(CONTACT_CASE, CONTACT_CASE.c.contact_id == CONTACT.c.id)
    .where(CONTACT_CASE.c.case_id == _ID, CONTACT_CASE.c.step == _STEP, CONTACT.c.contact_point_id.is_not(None))
    .where(
        ~select(CONTACT_ATTEMPT.c.contact_id)
        .where(CONTACT_ATTEMPT.c.contact_id == CONTACT.c.id, CONTACT_ATTEMPT.c.outcome == "withdrawn")
        .exists()
    )
)
"""Addresses that a step has tried. A message that was withdrawn never left: that tells nothing about its address."""
NOT_CLOSED = ~(
    select(CLOSED_ADDRESS.c.address)
    .join(DEBTOR, DEBTOR.c.creditor_id == CLOSED_ADDRESS.c.creditor_id)
    .where(DEBTOR.c.id == CONTACT_POINT.c.debtor_id, CLOSED_ADDRESS.c.address == sa.func.lower(CONTACT_POINT.c.address))
    .exists()
)
"""Of a contact point: nobody who owns it asked for silence or turned out to be a stranger, whoever imported it."""
FRESH_POINTS = Prepared(
    select(CONTACT_POINT)
    .where(CONTACT_POINT.c.debtor_id == bindparam("debtor_", type_=sa.Uuid), CONTACT_POINT.c.state == "usable")
    .where(CONTACT_POINT.c.id.not_in(_TRIED), NOT_CLOSED)
    .order_by(CONTACT_POINT.c.rank, CONTACT_POINT.c.id)
)
"""Usable addresses of a debtor (`debtor_`) that a step (`step_`) of a case (`id_`) has not tried yet; never those whose
owner asked for silence or is a stranger."""

_TO = bindparam("to_", type_=sa.Text)
KNOWN = Prepared(
    select(CONTACT.c.provider_id)
    .join(CONTACT_POINT, CONTACT_POINT.c.id == CONTACT.c.contact_point_id)
    .where(CONTACT_POINT.c.address == _TO, CONTACT.c.channel == bindparam("channel_", type_=sa.Text))
    .where(CONTACT.c.id != _ID, CONTACT.c.provider_id != "")
    .order_by(CONTACT.c.planned_at.desc())
    .limit(100)
)
"""The provider's ids of what other contacts than `id_` sent to an address (`to_`) on a channel (`channel_`)."""

POINT = Prepared(select(CONTACT_POINT).where(CONTACT_POINT.c.id == _ID))
POINTS = Prepared(
    select(CONTACT_POINT)
    .where(CONTACT_POINT.c.debtor_id == _ID, CONTACT_POINT.c.state == "usable")
    .where(CONTACT_POINT.c.channel == sa.any_(bindparam("channels", type_=ARRAY(sa.Text))))
)
"""Usable addresses of a debtor (`id_`) on these `channels`."""

_SINCE = bindparam("since", type_=CONTACT.c.planned_at.type)
_COUNTS = (
    select(CONTACT.c.planned_at, CONTACT.c.channel, CONTACT_POINT.c.address)
    .where(CONTACT.c.counts, CONTACT.c.planned_at > _SINCE)
    .where(CONTACT.c.state != "failed", CONTACT.c.state != "bounced")
)
COUNTED = Prepared(
    _COUNTS.outerjoin_from(CONTACT, CONTACT_POINT, CONTACT_POINT.c.id == CONTACT.c.contact_point_id)
    .where(CONTACT.c.debtor_id == _ID)
    .order_by(CONTACT.c.planned_at)
)
"""When, how and where a debtor (`id_`) was contacted after `since`, as far as it counts in the caps."""
AT_ADDRESSES = Prepared(
    _COUNTS.join_from(CONTACT, CONTACT_POINT, CONTACT_POINT.c.id == CONTACT.c.contact_point_id)
    .where(CONTACT.c.creditor_id == bindparam("creditor_", type_=sa.Uuid), CONTACT.c.debtor_id != _ID)
    .where(CONTACT_POINT.c.address == sa.any_(bindparam("addresses", type_=ARRAY(sa.Text))))
)
"""The same of a creditor's (`creditor_`) other debtors than `id_` at these `addresses`."""
LOCK_ADDRESS = Prepared(select(sa.func.pg_advisory_xact_lock(bindparam("key", type_=sa.BigInteger))))
"""Held until the transaction ends. After the locks of debtor and cases, by ascending `key`, and before none of them."""
BLOCKED = Prepared(
    select(BLOCK_ENTRY.c.uf, BLOCK_ENTRY.c.registered_on, BLOCK_ENTRY.c.until).where(
        ((BLOCK_ENTRY.c.kind == "document") & (BLOCK_ENTRY.c.value == bindparam("document_", type_=sa.Text)))
        | (
            (BLOCK_ENTRY.c.kind == "phone")
            & BLOCK_ENTRY.c.value.in_(select(CONTACT_POINT.c.address).where(CONTACT_POINT.c.debtor_id == _ID))
        )
    )
)
"""Entries of block lists under which a debtor (`id_`) stands, by his document (`document_`) or any of his phones."""
HOLIDAYS = Prepared(
    select(HOLIDAY.c.day)
    .where(HOLIDAY.c.place == sa.any_(bindparam("places", type_=ARRAY(sa.Text))))
    .where(HOLIDAY.c.day.between(bindparam("first", type_=sa.Date), bindparam("last", type_=sa.Date)))
)
"""Loaded days off at these `places` (BR, states, IBGE codes)."""
SPENT = Prepared(
    select(CONTACT.c.channel, CONTACT.c.segments, CONTACT.c.price, CONTACT.c.currency)
    .join(CONTACT_CASE, CONTACT_CASE.c.contact_id == CONTACT.c.id)
    .where(CONTACT_CASE.c.case_id == _ID, CONTACT_CASE.c.lead, CONTACT.c.purpose != "logged")
    .where((CONTACT.c.state != "failed") | CONTACT.c.price.is_not(None))
)
"""What the contacts that a case (`id_`) sent have cost; what another case sent costs the one that it covers nothing."""
FATES = Prepared(
    select(
        CONTACT.c.id, CONTACT.c.channel, CONTACT.c.state, CONTACT.c.planned_at, CONTACT_POINT.c.address,
        WEBHOOK_EVENT.c.event, WEBHOOK_EVENT.c.business_at,
    )
    .join(CONTACT_POINT, CONTACT_POINT.c.id == CONTACT.c.contact_point_id)
    .outerjoin(
        WEBHOOK_EVENT,
        (WEBHOOK_EVENT.c.contact_id == CONTACT.c.id)
        & sa.or_(*(WEBHOOK_EVENT.c.event == event for event in ("open", "click", "read", "reply"))),
    )
    .where(CONTACT.c.debtor_id == _ID, CONTACT.c.planned_at > _SINCE)
    .order_by(CONTACT.c.planned_at.desc())
    .limit(200)
)  # fmt: skip
"""What became of a debtor's (`id_`) contacts after `since`, newest first; several rows where there is several news."""

INSERT_CONTACT = Prepared(
    insert(CONTACT).values(currency=""),
    "id", "creditor_id", "debtor_id", "contact_point_id", "channel", "purpose", "text_id", "subject", "body",
    "html", "content_hmac", "short_ref", "counts", "state", "provider_id", "segments", "document_id", "template",
    "passed_over", "planned_at",
)  # fmt: skip
INSERT_LINK = Prepared(insert(CONTACT_CASE), *CONTACT_CASE.c.keys())
INSERT_ATTEMPT = Prepared(insert(CONTACT_ATTEMPT), *CONTACT_ATTEMPT.c.keys())
END_ATTEMPT = Prepared(
    update(CONTACT_ATTEMPT).where(
        CONTACT_ATTEMPT.c.contact_id == _ID, CONTACT_ATTEMPT.c.number == bindparam("number_", type_=sa.Integer)
    ),
    "ended_at", "outcome", "code",
)  # fmt: skip
_IN_FLIGHT = update(CONTACT).where(CONTACT.c.id == _ID, CONTACT.c.state == "in-flight")
ACCEPT = Prepared(_IN_FLIGHT.values(state="accepted"), "state", "provider_id", "accepted_at", "segments")
"""A callback that was faster than our own record is not overwritten."""
FAIL = Prepared(_IN_FLIGHT.values(state="failed"), "state", "settled_at")
MARK_POINT = Prepared(
    update(CONTACT_POINT).where(
        CONTACT_POINT.c.id == select(CONTACT.c.contact_point_id).where(CONTACT.c.id == _ID).scalar_subquery()
    ),
    "state", "changed_at",
)  # fmt: skip
"""The address of a contact (`id_`)."""

"""What a call is about and what the debtor does in it: read for the script, written as facts for his cases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import structlog
from sqlalchemy import Connection, Engine, Row, exists, select
from sqlalchemy.dialects.postgresql import insert as upsert

from activities.delivery import stop_channel
from activities.desk import fact_values, pinned_policy, store_facts
from activities.world import World
from db.rows import CASE, CONTACT, CONTACT_CASE, CREDITOR, DEBTOR, DOCUMENT, FACT, WEBHOOK_EVENT
from db.settings import CreditorSettings, Voice
from domain import facts as f
from domain.calendars import is_bank_day
from domain.case import load
from domain.clock import Clock
from domain.errors import ProviderError
from domain.ivr import Knows, Wish, proof_of
from domain.places import time_zone
from gateways.scrub import failure_code
from gateways.voice import VoiceGateway
from letters.voice import Names

CALL_BACK = "call-back"
RECORDING, WAV = "call-recording", "audio/x-wav"
RECORDED = "recording"
"""Name of the provider event that tells of a recording."""
_FETCH_FOR = timedelta(days=3)
"""Real time for which a recording is asked for again where it could not be fetched."""

log = structlog.get_logger("calls")


@dataclass(frozen=True)
class Conversation:
    """One call: who calls whom, what the dialogue is given, what is said of the matter, who takes it over."""

    contact: Row[Any]
    names: Names
    knows: Knows
    matter: str
    voice: Voice | None


def conversation(conn: Connection, clock: Clock, contact_id: UUID) -> Conversation | None:
    """The call of a contact; None where there is no such call.

    Of a debt that is no more, or that he wants no calls about, nobody can prove himself; where one of those that the
    matter names was paid or came to rest since it was written, the call says a neutral word and ends (promise 8).
    """
    contact = conn.execute(
        select(CONTACT).where(CONTACT.c.id == contact_id, CONTACT.c.channel == "voice")
    ).one_or_none()
    if contact is None:
        return None
    creditor = conn.execute(select(CREDITOR).where(CREDITOR.c.id == contact.creditor_id)).one()
    debtor = conn.execute(select(DEBTOR).where(DEBTOR.c.id == contact.debtor_id)).one()
    voice = CreditorSettings.model_validate(creditor.settings).voice
    cases, rest = _cases(conn, contact_id), _came_to_rest(conn, contact)
    longest = min((pinned_policy(conn, case.policy_hash).promise.longest for case in cases), default=0)
    told = bool(cases) and not {"voice", "electronic"} & {*debtor.opted_out}
    knows = Knows(
        proof=proof_of(debtor.document) if told else "",
        longest=longest,
        staffed=_staffed(voice, creditor.uf, clock.business(datetime.now(UTC))),
        recorded=bool(contact.template.get("recorded")),
        over=rest,
    )
    names = Names(creditor.name, debtor.name, debtor.kind == "consumer", longest)
    return Conversation(contact, names, knows, contact.body, voice)


def _cases(conn: Connection, contact_id: UUID) -> list[Row[Any]]:
    """The open cases that a contact stands for, the one that sent it first."""
    linked = (
        select(CASE)
        .join(CONTACT_CASE, CONTACT_CASE.c.case_id == CASE.c.id)
        .where(CONTACT_CASE.c.contact_id == contact_id, CASE.c.stage != "closed")
    )
    return list(conn.execute(linked.order_by(CONTACT_CASE.c.lead.desc(), CASE.c.id)))


def _came_to_rest(conn: Connection, contact: Row[Any]) -> bool:
    """Is one of the cases that a call stands for no longer to be spoken of as it was written: money came since (also
    where its case has not heard of it yet), or it ended, is planned, held or wholly disputed?"""
    since = FACT.c.acknowledged_at.is_(None) | (FACT.c.business_at >= contact.planned_at)
    money = exists().where(FACT.c.case_id == CASE.c.id, FACT.c.kind == "payment", since)
    linked = (
        select(CASE.c.stage, CASE.c.state, CASE.c.policy_hash, money.label("money"))
        .join(CONTACT_CASE, CONTACT_CASE.c.case_id == CASE.c.id)
        .where(CONTACT_CASE.c.contact_id == contact.id)
    )
    return any(row.stage == "closed" or row.money or _rests(conn, row) for row in conn.execute(linked).all())


def _rests(conn: Connection, row: Row[Any]) -> bool:
    case = load(row.state)
    if case.ended or case.plan or case.holds or case.wholly_disputed():
        return True
    return case.settled(pinned_policy(conn, row.policy_hash).tolerance)


def _staffed(voice: Voice | None, uf: str, now: datetime) -> bool:
    """Does somebody of the creditor take calls now? On bank days, by the clock of his state."""
    if voice is None or voice.staffed is None:
        return False
    local = now.astimezone(time_zone(uf))
    return is_bank_day(local.date()) and voice.staffed.opens <= local.time() < voice.staffed.closes


def note(engine: Engine, clock: Clock, contact: Row[Any], wish: Wish, days: int = 0) -> list[UUID]:
    """Write down what the debtor wants, once however often it is told; returns the ids of the new facts."""
    now = clock.business(datetime.now(UTC))
    with engine.begin() as conn:
        if wish == Wish.STOP:
            told = [(case, f.OptedOut((contact.channel,))) for case in stop_channel(conn, contact)]
        else:
            told = _told(conn, contact, wish, days, now)
        rows = [fact_values(case, f"call:{contact.id}:{wish}:{case}", fact, "debtor", now) for case, fact in told]
        return store_facts(conn, rows)


def _told(conn: Connection, contact: Row[Any], wish: Wish, days: int, now: datetime) -> list[tuple[UUID, Any]]:
    cases = _cases(conn, contact.id)
    if wish == Wish.CLAIM:
        return [(case.id, f.PaymentClaimed(str(uuid5(contact.id, f"claim:{case.id}")), "phone")) for case in cases]
    if wish == Wish.PROMISE:
        return [(case.id, _promise(contact, case, days, now)) for case in cases]
    reply = f.ReplyReceived(str(contact.id), contact.channel, ("person",), "", CALL_BACK, why="asked for a person")
    return [(case.id, reply) for case in cases[:1]]


def _promise(contact: Row[Any], case: Row[Any], days: int, now: datetime) -> f.PromiseMade:
    on = load(case.state).today(now) + timedelta(days=days)
    return f.PromiseMade(str(uuid5(contact.id, f"promise:{case.id}")), on, None, "phone")


# --- recordings ------------------------------------------------------------------------------------------------------
def keep_recordings(world: World, limit: int) -> int:
    """Fetch up to `limit` recordings that were reported and are not stored yet; returns how many were."""
    if world.voice is None:
        return 0
    recent = (WEBHOOK_EVENT.c.event == RECORDED) & (WEBHOOK_EVENT.c.received_at > datetime.now(UTC) - _FETCH_FOR)
    query = (
        select(WEBHOOK_EVENT.c.contact_id, WEBHOOK_EVENT.c.event_key, CONTACT_CASE.c.case_id)
        .join(CONTACT_CASE, CONTACT_CASE.c.contact_id == WEBHOOK_EVENT.c.contact_id)
        .where(recent, CONTACT_CASE.c.lead)
        .order_by(WEBHOOK_EVENT.c.received_at.desc())
    )
    with world.engine.connect() as conn:
        found = {uuid5(row.contact_id, row.event_key): row for row in conn.execute(query)}
        known = set(conn.execute(select(DOCUMENT.c.id).where(DOCUMENT.c.id.in_(found))).scalars())
    waiting = [(document, row) for document, row in found.items() if document not in known]
    return sum(_keep(world, world.voice, document, row) for document, row in waiting[:limit])


def _keep(world: World, voice: VoiceGateway, document_id: UUID, row: Any) -> bool:
    recording = row.event_key.partition(":")[0]
    try:
        digest = world.documents.put(sound := voice.sound(recording))
    except (ProviderError, OSError) as error:  # a full disk too: facts must not wait for a recording
        code = failure_code(error)
        log.warning("recording not kept, the sweep tries again", contact_id=str(row.contact_id), code=code)
        return False
    values = {
        "id": document_id, "case_id": row.case_id, "kind": RECORDING, "name": f"ligacao-{row.contact_id}.wav",
        "mime": WAV, "sha256": digest, "size": len(sound), "created_at": world.now(),
    }  # fmt: skip
    with world.engine.begin() as conn:
        conn.execute(upsert(DOCUMENT).values(values).on_conflict_do_nothing(index_elements=["id"]))
    return True

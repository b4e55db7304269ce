"""What a message that came in does: to the debtor, to his cases, to whoever else may have written it.

A message is understood once, in one transaction with all that follows from it, under the locks of the debtor and of his
open cases. Silence and the wrong person come first: they are heard whoever wrote, also where it is not known for sure
who that is. Everything else needs a debtor who is surely meant; what is not sure is a person's task.

The words stay in the row of the message, which can be emptied; cases and ledger get an id, codes and a salted HMAC.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import structlog
from sqlalchemy import Connection, Row, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import SQLAlchemyError

from activities import agreements, neutral, wishes
from activities.correspondents import Correspondent, concerned, matched
from activities.desk import Desk, fact_values, store_facts
from activities.saying import ANSWER_CHANNELS
from activities.tasks import open_tasks, task_row
from activities.world import World
from db.rows import (
    CASE,
    CLOSED_ADDRESS,
    CONTACT_CASE,
    CONTACT_POINT,
    DEBTOR,
    DOCUMENT,
    INBOUND,
    NOTICE,
    NOTICE_SENDING,
    PLAN,
    WEBHOOK_EVENT,
)
from domain import facts as f
from domain.calendars import add_bank_days, next_bank_day
from domain.case import ELECTRONIC, LIVE
from domain.dialogue import Intent, Kind, Reaction, Reading, Situation, judged, react, understand
from domain.dialogue.reaction import MOST_ANSWERS, QUESTIONS
from domain.errors import BadInput, Refused, Regua
from domain.fold import Moment
from domain.ledger import keyed
from domain.places import time_zone
from domain.rules.firm import is_paid
from domain.schedule import move
from letters.neutral import NOTHING_OPEN, STOPPED, STRANGER, WISH, wish_words

Deliver = Callable[[Sequence[UUID]], None]
ATTACHMENT = "reply-attachment"
"""Kind of the documents that came with messages."""
ANSWER_TASK, UNMATCHED_TASK = "answer-debtor", "reply-unmatched"
DEBTOR_SAID = "debtor"
"""The actor of facts that a debtor told us himself."""
HARMLESS = frozenset(
    {Kind.PAID, Kind.PROMISE, Kind.SECOND_COPY, Kind.NO_INVOICE, Kind.THANKS, Kind.INSTALMENTS, Kind.PREFERS}
)
"""What somebody who owes nothing any more may say without a person having to read it."""
_CONVERSATION = timedelta(days=14)
"""Business time in which a question of ours is still the one that is answered."""

log = structlog.get_logger("replies")


def apply_waiting(world: World, limit: int) -> list[UUID]:
    """Understand up to `limit` stored messages that nobody understood yet, oldest first; returns ids of new facts."""
    waiting = select(INBOUND.c.id).where(INBOUND.c.taken_at.is_(None))
    with world.engine.connect() as conn:
        ids = conn.execute(waiting.order_by(INBOUND.c.received_at).limit(limit)).scalars().all()
    return apply_stored(world, ids)


def apply_stored(world: World, messages: Iterable[UUID]) -> list[UUID]:
    """Understand these stored messages, each in its own transaction; returns the ids of new facts.

    One that is understood already, or by somebody else now, is left out. One that cannot be now is logged and waits.
    """
    facts: list[UUID] = []
    for message_id in messages:
        try:
            with world.engine.begin() as conn:
                waiting = select(INBOUND).where(INBOUND.c.id == message_id, INBOUND.c.taken_at.is_(None))
                message = conn.execute(waiting.with_for_update(skip_locked=True)).one_or_none()
                facts += _Reply(world, conn, message).take() if message else []
        except (SQLAlchemyError, Regua, ValueError, LookupError):
            log.warning("message not understood now, it waits for the sweep", message=str(message_id), exc_info=True)
    return facts


def read_message(conn: Connection, message_id: UUID) -> Row[Any] | None:
    """A message as it came in, for the person who answers it."""
    return conn.execute(select(INBOUND).where(INBOUND.c.id == message_id)).one_or_none()


def erase(conn: Connection, message_id: UUID) -> None:
    """Empty the words and addresses of a message (LGPD art. 18); what was understood, and its HMAC, stay."""
    blank = dict.fromkeys(("sender", "recipient", "subject", "body"), "")
    conn.execute(update(INBOUND).where(INBOUND.c.id == message_id).values(blank))


@dataclass(frozen=True)
class _Done:
    """What became of a message: a code, the text that answers it ("" = none), the facts that follow from it (rows)."""

    outcome: str
    answer: str = ""
    facts: tuple[dict[str, Any], ...] = ()
    stored: tuple[UUID, ...] = ()


class _Reply:
    """One message at the desk, inside the caller's transaction."""

    def __init__(self, world: World, conn: Connection, message: Row[Any]) -> None:
        self.world, self.conn, self.message = world, conn, message
        self.now: datetime = max(world.now(), message.business_at)
        self.mac = ""

    def take(self) -> list[UUID]:
        """Understand it, write what follows, and mark it taken; returns the ids of new facts."""
        if self.message.automatic:
            self._taken(_Done("automatic"), ("automatic",), None)
            return []
        who = matched(self.conn, self.message)
        debtors = self._lock(who)
        reading = self._read(debtors)
        self.mac = self._hmac(who)
        done = self._react(who, debtors, reading)
        self._taken(done, reading.meaning, who)
        return [*done.stored, *store_facts(self.conn, done.facts)]

    # --- reading ---------------------------------------------------------------------------------------------------
    def _lock(self, who: Correspondent) -> list[Row[Any]]:
        """Debtors before cases, each by id, as every sender takes them."""
        query = select(DEBTOR).where(DEBTOR.c.id.in_(who.debtors)).order_by(DEBTOR.c.id)
        return list(self.conn.execute(query.with_for_update(key_share=True)).all())

    def _read(self, debtors: list[Row[Any]]) -> Reading:
        """What it says. The provider's own opt-out counts, whatever the words; being asked back is a person's."""
        if self.message.opt_out == "STOP":
            return Reading((Intent(Kind.STOP, 1.0),), 1)
        if self.message.opt_out == "START":
            return Reading((Intent(Kind.PERSON, 1.0),), 1)
        uf = debtors[0].uf if debtors and debtors[0].uf else "DF"
        today = self.now.astimezone(time_zone(uf)).date()
        found = understand(self.message.body, today, self.message.subject if self.message.channel == "email" else "")
        # Files without a word may be the proof of a payment: somebody has to look at them.
        return Reading((), 1) if not found.words and self.message.files else found

    def _hmac(self, who: Correspondent) -> str:
        if not who.creditors:
            return ""
        return keyed(who.creditors[0].salt, f"{self.message.subject}\n{self.message.body}")

    def _react(self, who: Correspondent, debtors: list[Row[Any]], reading: Reading) -> _Done:
        if reading.of(Kind.STOP):
            return self._stop(who, debtors, reading)
        if reading.of(Kind.WRONG_PERSON):
            return self._stranger(who, debtors, reading)
        refusals = self._refused(who, debtors, reading)
        done = self._said(who, debtors, reading)
        return replace(done, facts=(*refusals, *done.facts))

    def _said(self, who: Correspondent, debtors: list[Row[Any]], reading: Reading) -> _Done:
        if not reading.words or reading.meaning == (str(Kind.THANKS),):
            return self._heard(who, reading)
        if who.debtor is None:
            return self._person("several-debtors" if who.debtors else "unknown-sender")
        return self._cases(who, debtors[0], reading)

    # --- silence ---------------------------------------------------------------------------------------------------
    def _stop(self, who: Correspondent, debtors: list[Row[Any]], reading: Reading) -> _Done:
        """Every electronic channel of the debtor is closed at once (promise 1); where he is not known for sure, the
        address that he wrote from is."""
        if not who.creditors:
            return self._person("stop-of-unknown")
        facts: list[dict[str, Any]] = []
        for debtor in debtors if who.debtor else ():
            self._close_channels(debtor, ["electronic"], ELECTRONIC)
            facts += self._tell_all(debtor.id, f.OptedOut(("electronic",)), reading)
        if not who.debtor or not who.own:
            self._close_address(who, debtors, "stop", "opted-out")
        answer = "" if self.message.opt_out == "STOP" else self._confirm(who, debtors, STOPPED)
        if len(debtors) > 1:
            return replace(self._person("stop-of-several"), answer=answer)
        return _Done("stopped", answer, tuple(facts))

    def _refused(self, who: Correspondent, debtors: list[Row[Any]], reading: Reading) -> list[dict[str, Any]]:
        """Channels that he refuses, calls above all, are closed at once and the others stay open; where he is not known
        for sure, those of the address that he wrote from are. Returns what his cases are told."""
        if not (channels := wishes.closed_by(reading.refused)):
            return []
        if who.debtor:
            self._close_channels(debtors[0], channels, channels)
            return self._tell_open(who.debtor, f.OptedOut(channels))
        his = CONTACT_POINT.c.debtor_id.in_(who.debtors) & (CONTACT_POINT.c.address == self.message.sender)
        self._mark(his & CONTACT_POINT.c.channel.in_(channels), "opted-out")
        return []

    def _close_channels(self, debtor: Row[Any], closed: Iterable[str], channels: Iterable[str]) -> None:
        own = DEBTOR.c.id == debtor.id
        self.conn.execute(update(DEBTOR).where(own).values(opted_out=sorted({*debtor.opted_out, *closed})))
        points = (CONTACT_POINT.c.debtor_id == debtor.id) & CONTACT_POINT.c.channel.in_(channels)
        self._mark(points & CONTACT_POINT.c.state.in_(("usable", "invalid")), "opted-out")

    def _mark(self, points: Any, state: str) -> None:
        self.conn.execute(update(CONTACT_POINT).where(points).values(state=state, changed_at=self.now))

    def _close_address(self, who: Correspondent, debtors: list[Row[Any]], reason: str, state: str) -> None:
        """Nothing goes to this address any more, by whatever channel, also if somebody imports it again."""
        address = self.message.sender.lower()
        rows = [
            {"creditor_id": row.id, "address": address, "reason": reason, "inbound_id": self.message.id,
             "closed_at": self.now} for row in who.creditors
        ]  # fmt: skip
        if rows:
            self.conn.execute(upsert(CLOSED_ADDRESS).values(rows).on_conflict_do_nothing())
        his = CONTACT_POINT.c.debtor_id.in_([debtor.id for debtor in debtors])
        self._mark(his & (func.lower(CONTACT_POINT.c.address) == address), state)

    def _confirm(self, who: Correspondent, debtors: list[Row[Any]], text_id: str, wish: str = "") -> str:
        """One neutral word, and the last one."""
        creditor, only = who.creditors[0], len(who.creditors) == 1
        uf = debtors[0].uf if len(debtors) == 1 and debtors[0].uf else creditor.uf
        name = creditor.name if only else ""
        sent = neutral.intend(self.conn, self.message, creditor, name, text_id, uf, self.now, wish)
        return text_id if sent else ""

    # --- strangers -------------------------------------------------------------------------------------------------
    def _stranger(self, who: Correspondent, debtors: list[Row[Any]], reading: Reading) -> _Done:
        """The address is no way to the debtor, for good; its owner hears nothing of him (LGPD art. 6)."""
        if who.debtor and not who.own:  # somebody else than whom we wrote to says so
            return self._cases(who, debtors[0], reading)
        if not who.creditors:
            return self._person("wrong-person-unknown")
        self._close_address(who, debtors, "wrong-person", "invalid")
        facts = [self._fact(case, fact, f"wrong:{n}") for n, (case, fact) in enumerate(self._undone(who))]
        told = [self._reply(case, reading, Reaction()) for case in dict.fromkeys(row["case_id"] for row in facts)]
        return _Done("wrong-person", self._confirm(who, debtors, STRANGER), (*told, *facts))

    def _undone(self, who: Correspondent) -> list[tuple[UUID, f.Told]]:
        """What reached a stranger reached nobody: the step takes its next channel, the notice proves nothing here."""
        contact = who.contact
        if contact is None:
            return []
        code, rows = str(Kind.WRONG_PERSON), self._carried(contact)
        if contact.purpose == "notice":
            return [
                (row.case_id, f.NoticeReturned(
                    str(row.notice_id), row.way or contact.channel, code, str(row.party_id) if row.party_id else "",
                ))
                for row in rows if row.notice_id
            ]  # fmt: skip
        if contact.purpose != "ladder":
            return []
        return [(row.case_id, f.ContactFailed(row.step, str(contact.id), contact.channel, code)) for row in rows]

    def _carried(self, contact: Row[Any]) -> Sequence[Row[Any]]:
        """The open cases that a message of ours stands for; of a notice also which way of it, and to which party."""
        linked = (
            select(CONTACT_CASE.c.case_id, CONTACT_CASE.c.step, NOTICE.c.id.label("notice_id"))
            .add_columns(NOTICE_SENDING.c.way, NOTICE_SENDING.c.party_id)
            .join(CASE, CASE.c.id == CONTACT_CASE.c.case_id)
            .outerjoin(NOTICE, (NOTICE.c.case_id == CASE.c.id) & (NOTICE.c.document_id == contact.document_id))
            .outerjoin(NOTICE_SENDING, NOTICE_SENDING.c.contact_id == CONTACT_CASE.c.contact_id)
            .where(CONTACT_CASE.c.contact_id == contact.id, CASE.c.stage != "closed")
        )
        return self.conn.execute(linked.order_by(CASE.c.id)).all()

    # --- the debtor's cases ----------------------------------------------------------------------------------------
    def _heard(self, who: Correspondent, reading: Reading) -> _Done:
        """Nothing that needs an answer; it is recorded where it is known whose case it is about."""
        if who.debtor is None:
            return _Done("heard")
        cases, _ = concerned(self.conn, self.message, who, who.debtor)
        return _Done("heard", "", tuple(self._reply(case, reading, Reaction()) for case in cases))

    def _cases(self, who: Correspondent, debtor: Row[Any], reading: Reading) -> _Done:
        about, everything = concerned(self.conn, self.message, who, debtor.id)
        if not about:
            return self._after_the_end(who, debtor, reading)
        locked = select(CASE).where(CASE.c.id.in_(everything)).order_by(CASE.c.id).with_for_update(key_share=True)
        rows = {row.id: row for row in self.conn.execute(locked)}
        if reading.of(Kind.ACCEPTS):
            about = self._offered(about) or about
        talk = self._conversation(debtor)
        self._keep_files(about[0])
        desks = [Desk(self.world, self.conn, rows[case_id], self.now) for case_id in about]
        wish = self._wish(who, debtor, reading, desks, talk)
        stored, answer = list[UUID](), ""
        facts = self._tell_open(debtor.id, wish.fact) if wish.fact else []
        for number, (case_id, desk) in enumerate(zip(about, desks, strict=True)):
            agreements.up_to_date(desk)
            now = replace(self._situation(desk, who, talk, alone=len(about) == 1), unkept=wish.why)
            wanted, told = self._judged(desk, reading, now)
            if number and wanted.answer in QUESTIONS:
                wanted = replace(wanted, answer="")  # one question is enough, however many invoices it is about
            stored += told
            facts.append(self._reply(case_id, reading, wanted))
            facts += [self._fact(case_id, fact, fact.kind) for fact in wanted.facts]
            answer = answer or wanted.answer or ("confirmation" if wanted.facts or told else "")
        answer = answer or self._confirm_wish(who, debtor, reading, wish, talk)
        return _Done("told", answer, tuple(facts), tuple(stored))

    def _wish(
        self, who: Correspondent, debtor: Row[Any], reading: Reading, desks: Sequence[Desk], talk: _Talk
    ) -> wishes.Kept:
        """What becomes of how he wants to be reached; what he refuses is closed already."""
        wish = reading.wish
        if wish is None:
            return wishes.Kept()
        if not wish.asks:
            return wishes.Kept(words=wish_words("", None, False, wish.refused))
        if not who.own:
            return wishes.Kept(why="not-his-address")
        if talk.asked and not wish.channel:  # hours may be the answer to what we asked
            return wishes.Kept(why=str(Kind.PREFERS))
        return wishes.grant(self.message, debtor, wish, desks)

    def _confirm_wish(
        self, who: Correspondent, debtor: Row[Any], reading: Reading, wish: wishes.Kept, talk: _Talk
    ) -> str:
        """A wish is confirmed where nothing else answers: one message, one answer."""
        deaf = {self.message.channel, "electronic"} & {*debtor.opted_out, *reading.refused}
        if not wish.words or deaf or not who.own or talk.answers >= MOST_ANSWERS:
            return ""
        return self._confirm(who, [debtor], WISH, wish.words)

    def _after_the_end(self, who: Correspondent, debtor: Row[Any], reading: Reading) -> _Done:
        """Whoever owes nothing any more, and says nothing that needs a person, is told so once; else a person looks."""
        query = select(CASE.c.id, CASE.c.outcome).where(CASE.c.debtor_id == debtor.id)
        ended = self.conn.execute(query.order_by(CASE.c.closed_at.desc().nulls_last(), CASE.c.id)).all()
        nothing_open = bool(ended) and all(is_paid(row.outcome) or row.outcome == "void" for row in ended)
        deaf = {self.message.channel, "electronic"} & {*debtor.opted_out}
        harmless = bool(reading.sure) and {intent.kind for intent in reading.intents} <= HARMLESS
        polite = nothing_open and harmless and who.own and not deaf and not self.message.files
        if polite and (answer := self._confirm(who, [debtor], NOTHING_OPEN)):
            return _Done("nothing-open", answer)
        return self._person("no-open-case", *(f"case {row.id}" for row in ended[:1]))

    def _judged(self, desk: Desk, reading: Reading, now: Situation) -> tuple[Reaction, list[UUID]]:
        """The reaction, and the facts that an agreement stored itself; what is refused there is a person's."""
        wanted = react(reading, now, str(self.message.id))
        wanted = judged(desk.case, Moment(desk.now, desk.policy), wanted, now)
        own = [fact for fact in wanted.facts if isinstance(fact, f.PlanAgreed | f.PlanOffered)]
        if not own:
            return wanted, []
        try:
            told = self._agree(desk, own[0])
        except (Refused, BadInput) as refused:
            code = refused.code if isinstance(refused, Refused) else "no-such-offer"
            return judged(desk.case, Moment(desk.now, desk.policy), Reaction(task=code), now), []
        return replace(wanted, facts=tuple(fact for fact in wanted.facts if fact not in own)), told

    def _agree(self, desk: Desk, fact: f.PlanAgreed | f.PlanOffered) -> list[UUID]:
        if isinstance(fact, f.PlanAgreed):
            plan = self.conn.execute(select(PLAN).where(PLAN.c.id == UUID(fact.plan_id)).with_for_update()).one()
            return [agreements.accept(desk, plan, "reply", DEBTOR_SAID, f"mensagem {str(self.message.id)[:8]}")]
        standing = agreements.standing(desk)
        if standing is not None:  # he asks again: what lies before him is shown once more
            return store_facts(self.conn, [self._fact(desk.row.id, agreements.shown(standing), "again")])
        return [agreements.offer(desk, fact.plan_id, DEBTOR_SAID)[1]]

    def _situation(self, desk: Desk, who: Correspondent, talk: _Talk, *, alone: bool) -> Situation:
        case, policy, today = desk.case, desk.policy, desk.case.today(desk.now)
        standing = agreements.standing(desk)
        at_notary = case.protest.state in LIVE or case.protest.state in ("queued", "registered")
        settled = bool(case.ended) or case.settled(policy.tolerance)
        offer = next((each.name for each in policy.offers if each.instalments), "")
        return Situation(
            consumer=case.terms.consumer,
            demand=case.demand(today),
            explain_by=next_bank_day(move(today, policy.dispute.explain)),
            acceptance=agreements.acceptance(standing) if standing else None,
            # Until `_agree` makes it, an offer is known by its name in the ladder.
            offer=f.PlanOffered(offer, today) if offer and not (at_notary or settled) else None,
            explains=case.dispute if case.explain_by else "",
            payable=not (at_notary or settled or case.plan or case.wholly_disputed()),
            alone=alone,
            own_address=who.own,
            asked=talk.asked,
            person=any(task.kind == ANSWER_TASK for task in case.tasks.values()),
            answers=talk.answers,
            deaf=all(case.deaf_to(channel) for channel in ANSWER_CHANNELS),
        )

    def _offered(self, about: list[UUID]) -> list[UUID]:
        """A yes is about the one case that has an offer."""
        today = self.now.astimezone(time_zone("DF")).date()
        cases = {row.case_id for row in agreements.offers(self.conn, about, today)}
        return [case for case in about if case in cases] if len(cases) == 1 else []

    def _conversation(self, debtor: Row[Any]) -> _Talk:
        """What was said before: the automatic answers of today, and whether the last word of ours was a question."""
        zone = time_zone(debtor.uf or "DF")
        midnight = datetime.combine(self.now.astimezone(zone).date(), time(0), zone)
        earlier = self.conn.execute(
            select(INBOUND.c.answer, INBOUND.c.business_at)
            .where(INBOUND.c.debtor_id == debtor.id, INBOUND.c.id != self.message.id, INBOUND.c.answer != "")
            .where(INBOUND.c.business_at > self.now - _CONVERSATION)
            .order_by(INBOUND.c.business_at.desc())
            .limit(50)
        ).all()
        today = sum(row.business_at >= midnight for row in earlier)
        return _Talk(today, bool(earlier) and earlier[0].answer in QUESTIONS)

    def _keep_files(self, case_id: UUID) -> None:
        """Files that came with it become evidence of the case: proofs of payment, photographs of goods."""
        if self.message.files:
            ids = [UUID(each) for each in self.message.files]
            self.conn.execute(update(DOCUMENT).where(DOCUMENT.c.id.in_(ids)).values(case_id=case_id))

    # --- writing ---------------------------------------------------------------------------------------------------
    def _tell_all(self, debtor: UUID, fact: f.Told, reading: Reading) -> list[dict[str, Any]]:
        told = self._tell_open(debtor, fact)
        return [row for each in told for row in (self._reply(each["case_id"], reading, Reaction()), each)]

    def _tell_open(self, debtor: UUID, fact: f.Told) -> list[dict[str, Any]]:
        """One fact for every open case of his."""
        cases = select(CASE.c.id).where(CASE.c.debtor_id == debtor, CASE.c.stage != "closed").order_by(CASE.c.id)
        return [self._fact(case, fact, fact.kind) for case in self.conn.execute(cases).scalars()]

    def _reply(self, case_id: UUID, reading: Reading, wanted: Reaction) -> dict[str, Any]:
        message, task = self.message, ANSWER_TASK if wanted.task else ""
        fact = f.ReplyReceived(
            str(message.id), message.channel, reading.meaning, self.mac, task, wanted.answer, wanted.task
        )  # fmt: skip
        return self._fact(case_id, fact, "reply")

    def _fact(self, case_id: UUID, fact: f.Told, about: str) -> dict[str, Any]:
        return fact_values(case_id, self._key(case_id, about), fact, DEBTOR_SAID, self.now)

    def _key(self, case_id: UUID, about: str) -> str:
        return f"message:{self.message.id}:{case_id}:{about}"

    def _person(self, why: str, *details: str) -> _Done:
        """A message that no case can be told of is a task of its own: who reads it knows, or asks."""
        today = self.now.astimezone(time_zone("DF")).date()
        key = uuid5(NAMESPACE_URL, f"reply:{self.message.id}")
        said = (f"message {self.message.id}", why, *details)
        open_tasks(self.conn, [task_row(key, UNMATCHED_TASK, "clerk", add_bank_days(today, 1), self.now, said)])
        return _Done(why)

    def _taken(self, done: _Done, meaning: tuple[str, ...], who: Correspondent | None) -> None:
        contact = who.contact if who else None
        known = who.creditors[0].id if who and len(who.creditors) == 1 else None
        values = {
            "taken_at": datetime.now(UTC), "meaning": list(meaning), "outcome": done.outcome, "answer": done.answer,
            "content_hmac": self.mac, "contact_id": contact.id if contact is not None else None, "creditor_id": known,
            "debtor_id": who.debtor if who else None,
        }  # fmt: skip
        self.conn.execute(update(INBOUND).where(INBOUND.c.id == self.message.id).values(values))
        if contact is not None:
            self._answered(contact)

    def _answered(self, contact: Row[Any]) -> None:
        """An answer is the best report that a message reached somebody; it is news of the message, and taken."""
        message = self.message
        row = {
            "id": uuid5(message.id, "reply"), "provider": message.provider, "event_key": f"reply:{message.id}",
            "contact_id": contact.id, "event": "reply", "code": "", "body": {}, "received_at": message.received_at,
            "business_at": message.business_at, "taken_at": datetime.now(UTC),
        }  # fmt: skip
        self.conn.execute(upsert(WEBHOOK_EVENT).values(row).on_conflict_do_nothing())


@dataclass(frozen=True)
class _Talk:
    """Of a conversation: automatic answers of today; whether the last one was a question."""

    answers: int
    asked: bool

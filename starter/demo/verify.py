"""At the end: did everything go as scripted, and do sandbox, database and documents tell the same story?

Each check yields one sentence for each thing that is wrong; none means that all is well.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, func, select

from activities.desk import pinned_policy
from activities.documents import PDF
from activities.dossier import verify_dossier
from db.rows import (
    CASE,
    CONTACT,
    CONTACT_ATTEMPT,
    CONTACT_CASE,
    CRA_FILE,
    DEBTOR,
    DOCUMENT,
    FACT,
    INBOUND,
    LEDGER,
    NEUTRAL_ANSWER,
    ORDER,
    PARCEL,
    PAYMENT,
)
from domain import cra
from domain.errors import Regua
from domain.hours import open_at, window
from domain.ledger import Line, chain
from domain.places import time_zone
from gateways.documents import DocumentStore
from starter.demo.play import Cast, Play

_CALL_TAKES = timedelta(seconds=15)
"""Real time that a call to a provider may take: what it accepts later was not our call."""
_PROVED_AFTER = 2
"""Questions of a call that were answered when the debtor has proved himself: is it he, and which are his digits."""
_PAPERS = {"notice_issued": "notice", "handed_over": "dossier"}
_PROVIDERS = {"email": "sendgrid", "sms": "twilio", "whatsapp": "twilio", "voice": "twilio"}
_REPLIES = "kind LIKE 'inbound%'"
"""What debtors wrote, in the sandbox's log."""
_UNKNOWN_PARCEL = (PARCEL.c.state == "in-flight") & (PARCEL.c.action != "tell")
"""A hand-over whose fate nobody knows; a word (`tell`) is said until it is heard."""
_BANKS = ("payments-file", "pix")
"""Sources of payments: the bank's files, and its Pix."""


class Verdict:
    """The checks, over the play and what it left behind."""

    def __init__(self, play: Play, documents: Path) -> None:
        self.play, self.watch, self.store = play, play.watch, DocumentStore(documents)

    def settled(self) -> bool:
        """Is nothing on its way any more: no fact unheard, no message or parcel without an outcome, no order open?"""
        with self.watch.engine.connect() as conn:
            waiting = (
                select(func.count()).select_from(FACT).where(FACT.c.acknowledged_at.is_(None)),
                select(func.count()).select_from(CONTACT).where(CONTACT.c.state == "in-flight"),
                select(func.count()).select_from(PARCEL).where(_UNKNOWN_PARCEL),
                select(func.count()).select_from(ORDER).where(ORDER.c.state.in_(("queued", "sent"))),
                select(func.count()).select_from(INBOUND).where(INBOUND.c.taken_at.is_(None)),
                select(func.count())
                .select_from(NEUTRAL_ANSWER)
                .where(NEUTRAL_ANSWER.c.state.in_(("waiting", "in-flight"))),
            )
            return not any(conn.execute(question).scalar_one() for question in waiting)

    def strayed(self) -> list[str]:
        """Stories that went another way than the script says, each thing that is otherwise in a sentence."""
        return [*self._stories(), *self._papers()]

    def faults(self) -> list[str]:
        """What is wrong whatever the script says, each thing in a sentence."""
        found = [*self.play.problems]
        with self.watch.engine.connect() as conn:
            for check in self._checks():
                found += check(conn)
        return found

    def _checks(self) -> tuple[Callable[[Connection], Iterator[str]], ...]:
        return (
            self._facts,
            self._messages,
            self._replies,
            self._calls,
            self._hours,
            self._payments,
            self._books,
            self._evidence,
            self._documents,
            self._files,
        )

    # --- the stories -------------------------------------------------------------------------------------------------
    def _stories(self) -> Iterator[str]:
        yield from self.play.unfinished()
        for cast in self.play.casts:
            life = self.play.life(cast)
            if life and life.ended and life.ended != cast.story.ends:
                other = f"ended {life.ended}; the script says {cast.story.ends}"
                yield f"{life.code}/{life.number} ({cast.story.title}) {other}"
        for story in dict.fromkeys(cast.story for cast in self.play.casts):
            lives = [life for cast in self.play.casts if cast.story == story and (life := self.play.life(cast))]
            for word in story.signs:
                if not any(life.signs(word) for life in lives):
                    yield f"{story.creditor}/{', '.join(story.numbers)} ({story.title}): no {word} stands in the book"

    def _papers(self) -> Iterator[str]:
        """Each story has its documents."""
        with self.watch.engine.connect() as conn:
            kept = {(row.case_id, row.kind) for row in conn.execute(select(DOCUMENT.c.case_id, DOCUMENT.c.kind))}
        for cast in self.play.casts:
            life = self.play.life(cast)
            for kind in sorted(kind for kind in cast.story.papers if life and (life.id, kind) not in kept):
                yield f"{cast.story.creditor}/{cast.number} ({cast.story.title}): there is no document of kind {kind}"

    # --- the database ------------------------------------------------------------------------------------------------
    def _facts(self, conn: Connection) -> Iterator[str]:
        for row in conn.execute(select(FACT).where(FACT.c.acknowledged_at.is_(None))):
            yield f"fact {row.id} ({row.kind}) of case {row.case_id} was never taken in"
        for order in conn.execute(select(ORDER).where(ORDER.c.state.in_(("queued", "sent")))):
            yield f"order {order.id} ({order.kind}) to the notary is still {order.state}"
        for parcel in conn.execute(select(PARCEL).where(_UNKNOWN_PARCEL)):
            yield f"parcel {parcel.id} ({parcel.action}) to {parcel.to} has no outcome"

    def _payments(self, conn: Connection) -> Iterator[str]:
        """Each reference once, whatever number of files has it, and whether webhook, poll or both told of it."""
        reported = {movement.reference: movement.amount for movement in self.play.hands.paid}
        reported |= self.watch.pix_received()
        rows = {row.reference: row for row in conn.execute(select(PAYMENT).where(PAYMENT.c.source.in_(_BANKS)))}
        for reference in sorted(reported.keys() ^ rows.keys()):
            yield f"payment {reference} stands only {'at the bank' if reference in reported else 'in the database'}"
        total, kept = sum(reported.values(), Decimal(0)), sum((row.amount for row in rows.values()), Decimal(0))
        if total != kept:
            yield f"the bank reported R$ {total}, the payments of the database sum up to R$ {kept}"
        for life in self.watch.lives.values():
            counted = Counter(payment.reference for payment in life.case.payments)
            yield from (f"{life.number}: payment {name} was counted {n} times" for name, n in counted.items() if n > 1)

    def _books(self, conn: Connection) -> Iterator[str]:
        heads: dict[UUID, str] = {}
        for row in conn.execute(select(LEDGER).order_by(LEDGER.c.case_id, LEDGER.c.seq)):
            before, line = heads.get(row.case_id, ""), _line(row)
            if row.previous_hash != before or row.hash != chain(before, line):
                yield f"the book of case {row.case_id} is broken at entry {row.seq}"
            heads[row.case_id] = row.hash
        for row in conn.execute(select(CASE.c.id, CASE.c.ledger_hash)):
            if heads.get(row.id, "") != row.ledger_hash:
                yield f"the book of case {row.id} does not end with the entry that its row names"

    # --- messages ----------------------------------------------------------------------------------------------------
    def _messages(self, conn: Connection) -> Iterator[str]:
        """Sandbox and database message by message, by the id that we gave."""
        sent = f"refused IS NULL AND provider IN ('sendgrid', 'twilio') AND NOT {_REPLIES}"
        entries = self.watch.rows(f"SELECT * FROM entries WHERE {sent}")  # noqa: S608
        accepted = Counter((entry["provider"], entry["send_id"]) for entry in entries)
        mine = select(CONTACT).where(CONTACT.c.channel.in_(_PROVIDERS), CONTACT.c.purpose != "logged")
        messages = [*conn.execute(mine), *conn.execute(select(NEUTRAL_ANSWER))]
        contacts = {(_PROVIDERS[row.channel], row.id.hex): row for row in messages}
        for key in accepted.keys() - contacts.keys():
            yield f"{key[0]} accepted a message {key[1]} that the database does not know"
        for key, row in contacts.items():
            wanted = int(row.state == "accepted" if "inbound_id" in row._mapping else bool(row.accepted_at))
            if row.state == "in-flight":
                yield f"message {row.id} ({row.text_id}) has no outcome"
            elif accepted[key] != wanted:
                yield f"message {row.id} ({row.text_id}, {row.state}) was accepted {accepted[key]} times, not {wanted}"

    def _replies(self, conn: Connection) -> Iterator[str]:
        """What debtors wrote stands in the database word for word, once, and was understood."""
        written = Counter(
            (entry["sender"].removeprefix("whatsapp:"), entry["body"])
            for entry in self.watch.rows(f"SELECT * FROM entries WHERE {_REPLIES}")  # noqa: S608
        )
        kept = Counter((row.sender, row.body) for row in conn.execute(select(INBOUND)))
        for what, where in ((written - kept, "sandbox's log"), (kept - written, "database")):
            yield from (f"{count} replies stand only in the {where}" for count in [what.total()] if count)
        waiting = select(func.count()).select_from(INBOUND).where(INBOUND.c.taken_at.is_(None))
        if count := conn.execute(waiting).scalar_one():
            yield f"{count} replies were never understood"

    def _calls(self, conn: Connection) -> Iterator[str]:  # noqa: ARG002 - the sandbox alone knows what was said
        """A machine heard nothing; nobody heard of a debt before he had given the digits that prove him."""
        for entry in self.watch.rows("SELECT * FROM entries WHERE kind = 'call'"):
            call = self.watch.data(entry)
            if call.get("who") == "machine" and any(call.get("spoken", [])):
                yield f"call {entry['send_id']} told a machine something"
            proved = call.get("done", 0) >= _PROVED_AFTER
            if not proved and any("R$" in line or "fatura" in line for line in call.get("spoken", [])):
                yield f"call {entry['send_id']} spoke of a debt to somebody who had not proved himself"

    def _hours(self, conn: Connection) -> Iterator[str]:
        """Every contact was begun in lawful hours, and nothing arrived but by a call that had been begun.

        What a person did counts by its day: it is written down some time after it was done.
        """
        linked = select(CONTACT, DEBTOR.c.uf, CASE.c.policy_hash).join(DEBTOR, DEBTOR.c.id == CONTACT.c.debtor_id)
        linked = linked.join(CONTACT_CASE, (CONTACT_CASE.c.contact_id == CONTACT.c.id) & CONTACT_CASE.c.lead)
        for row in conn.execute(linked.join(CASE, CASE.c.id == CONTACT_CASE.c.case_id)):
            rules = pinned_policy(conn, row.policy_hash).contact
            local = row.planned_at.astimezone(time_zone(row.uf))
            if row.purpose == "logged":
                lawful = window(local.date(), row.uf, row.channel, rules) is not None
            else:
                lawful = open_at(local, row.uf, row.channel, rules)
            if not lawful:
                yield f"contact {row.id} ({row.channel}, {row.text_id}) was made outside hours, at {local}"
        begun: dict[str, list[datetime]] = {}
        for row in conn.execute(select(NEUTRAL_ANSWER).where(NEUTRAL_ANSWER.c.tried_since.is_not(None))):
            begun[row.id.hex] = [row.tried_since, row.tried_last]
        for row in conn.execute(select(CONTACT_ATTEMPT.c.contact_id, CONTACT_ATTEMPT.c.begun_at)):
            begun.setdefault(row.contact_id.hex, []).append(row.begun_at)
        sent = f"SELECT * FROM entries WHERE provider IN ('sendgrid', 'twilio') AND NOT {_REPLIES}"  # noqa: S608
        for entry in self.watch.rows(sent):
            at = datetime.fromtimestamp(entry["accepted_at"], UTC)
            if not any(timedelta(seconds=-1) <= at - start <= _CALL_TAKES for start in begun.get(entry["send_id"], [])):
                yield f"message {entry['send_id']} was accepted at {at}, when no call for it was going on"

    # --- documents ---------------------------------------------------------------------------------------------------
    def _evidence(self, conn: Connection) -> Iterator[str]:
        """Each case in legal has its dossier, each case with a notice the letter."""
        kept = {(row.case_id, row.kind) for row in conn.execute(select(DOCUMENT.c.case_id, DOCUMENT.c.kind))}
        for life in self.watch.lives.values():
            for kind in sorted(kind for sign, kind in _PAPERS.items() if life.signs(sign)):
                if (life.id, kind) not in kept:
                    yield f"{life.code}/{life.number}: there is no document of kind {kind}"

    def _documents(self, conn: Connection) -> Iterator[str]:
        for row in conn.execute(select(DOCUMENT)):
            path = self.store.path(row.sha256)
            content = path.read_bytes() if path.is_file() else None
            if content is None:
                yield f"document {row.name} is not in the store"
            elif hashlib.sha256(content).hexdigest() != row.sha256:
                yield f"document {row.name} was changed in the store"
            elif row.mime == PDF and not content.startswith(b"%PDF-"):
                yield f"document {row.name} is no PDF"
            elif row.kind == "dossier":
                yield from (f"dossier {row.name}: {fault}" for fault in verify_dossier(path))

    def _files(self, conn: Connection) -> Iterator[str]:
        """CRA files can be read, and those that were sent are those that the notary has."""
        uploads = {row["name"] for row in self.watch.rows("SELECT name FROM cra_uploads")}
        sent = set()
        files = select(CRA_FILE, DOCUMENT.c.sha256).join(DOCUMENT, DOCUMENT.c.id == CRA_FILE.c.document_id)
        for row in conn.execute(files):
            if row.direction == "out":
                sent.add(row.name)
            try:
                cra.read(self.store.get(row.sha256), row.name)
            except (Regua, FileNotFoundError) as error:
                yield f"CRA file {row.name} cannot be read: {error}"
        for name in sorted(uploads ^ sent):
            yield f"CRA file {name} stands only with {'the notary' if name in uploads else 'us'}"


def _line(row: Row[Any]) -> Line:
    return Line(
        str(row.case_id), row.seq, row.kind, row.body, row.cause, row.actor, row.business_at, row.recorded_at,
        row.rules_version,
    )  # fmt: skip


def casts_by_outcome(play: Play) -> Counter[str]:
    """How many cases ended how."""

    def outcome(cast: Cast) -> str:
        life = play.life(cast)
        return (life.ended if life else "") or "open"

    return Counter(outcome(cast) for cast in play.casts)

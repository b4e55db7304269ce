"""A case at the desk: its row locked, what was told taken in, the next instruction decided and written, in one go.

Every activity of a case works here. `conclude` writes ledger entries, case row and instruction in the transaction that
the caller opened; an instruction that is recorded already is the answer, whoever asks again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, time
from functools import lru_cache
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection, Row, select
from sqlalchemy.dialects.postgresql import insert as upsert

from activities import statements as sql
from activities.effects import apply_effects
from activities.money_book import counted_for
from activities.world import World
from contract.messages import Answer, Arrival, Decide, Failed, Next, Perform
from db.indices import read_indices
from db.prepared import Call, together
from db.rows import APPROVAL, FACT, INSTRUCTION, PAYMENT, POLICY, STAFF, WORD
from domain import facts as f
from domain.case import Case, dump, load
from domain.decide import RULES_VERSION, Action, Decision, Heard, advance, schedule
from domain.errors import Refused
from domain.ledger import Line, chain
from domain.matching import resembles
from domain.places import time_zone
from domain.policy import Policy
from domain.policy_file import parse_policy
from gateways.observed import count_result

Rows = Sequence[Row[Any]]
NEXT: TypeAdapter[Next] = TypeAdapter(Next)
TRANSIENT = frozenset(
    {
        "Unavailable", "Unknown", "DatabaseUnavailable", "DiskUnavailable", "TimeoutError",
        "TIMEOUT_TYPE_START_TO_CLOSE",
    }
)  # fmt: skip
"""Failure codes that another try may mend; every other needs a person."""


class UnknownPolicyError(Exception):
    """A case is pinned to a ladder that the database does not hold."""


@lru_cache(maxsize=256)
def _parsed(text: str, name: str) -> Policy:
    return parse_policy(text, name, pinned=True)


_PINNED: dict[str, Policy] = {}


def pinned_policy(conn: Connection, digest: str) -> Policy:
    """The ladder with this hash; read once per process, since a pinned ladder never changes."""
    if digest not in _PINNED:
        row = conn.execute(select(POLICY.c.text, POLICY.c.name).where(POLICY.c.hash == digest)).one_or_none()
        if row is None:
            raise UnknownPolicyError(digest)
        _PINNED[digest] = _parsed(row.text, row.name)
    return _PINNED[digest]


class Desk:
    """One case under its lock, inside the caller's transaction. `now` is business time, aware.

    `inbox` holds the rows of the case's inbox where they were read with the lock. What is given to `later` is written
    when the desk is left, with the commit, in one round trip; so are the book, the instruction and the case.
    """

    def __init__(self, world: World, conn: Connection, row: Row[Any], now: datetime, inbox: Rows | None = None) -> None:
        self.world, self.conn, self.row, self.now = world, conn, row, now
        self._inbox, self._writes = inbox, list[Call]()
        self.indices = read_indices(conn)
        self.case: Case = load(row.state, self.indices)
        self.policy = pinned_policy(conn, self.case.policy_hash)
        self.heard: list[Heard] = []
        self.waiting: list[UUID] = []
        self.taken = 0
        self.asked: dict[int, str] = {}

    def later(self, *writes: Call) -> None:
        """Write this when the desk is left, in the order given."""
        self._writes += writes

    def leave(self) -> None:
        """Write all that waits, and commit."""
        if self._writes:
            together(self.conn, self._writes, commit=True)
            self._writes = []

    # --- hearing ---------------------------------------------------------------------------------------------------
    def recorded(self, generation: int, seq: int, arrivals: Sequence[Arrival] = ()) -> Next | None:
        """The instruction already recorded under this number, if any.

        It took in what its decision was given and nothing else: a workflow that was restored from an earlier moment
        counts anew, so that other arrivals bear the numbers it took in its lost life. Those stay in its inbox until the
        book has no further answer.
        """
        if (self.row.generation, self.row.seq) < (generation, seq):
            return None
        body = self.conn.execute(
            select(INSTRUCTION.c.body).where(
                INSTRUCTION.c.case_id == self.row.id,
                INSTRUCTION.c.generation == generation,
                INSTRUCTION.c.seq == seq,
            )
        ).scalar_one_or_none()
        done = NEXT.validate_python(body) if body else None
        if done and done.taken and not self._was_given(arrivals, generation, seq):
            return replace(done, taken=0, answers={})
        return done

    def _was_given(self, arrivals: Sequence[Arrival], generation: int, seq: int) -> bool:
        """Was one of these raw messages stored by the decision with this number?"""
        raw = (arrival for arrival in arrivals if not arrival.fact_id)
        ids = [fact_id(self._raw_key(arrival, generation, seq)) for arrival in raw]
        return bool(ids and self.conn.execute(select(FACT.c.id).where(FACT.c.id.in_(ids)).limit(1)).all())

    def read_inbox(self) -> bool:
        """Take the stored facts that nobody has taken in yet, oldest first. True where there are any."""
        rows, self._inbox = self._inbox, None
        if rows is None:
            (rows,) = together(self.conn, [sql.INBOX(id_=self.row.id)])
        for row in rows:
            fact = f.from_json(row.body)
            cause = f"fact:{row.id}"
            self.heard.append(Heard(fact, row.business_at, row.actor, cause, self._not_allowed(fact, row.actor)))
            self.waiting.append(row.id)
        return bool(rows)

    def hear(self, fact: f.Told, cause: str, actor: str = "engine") -> None:
        """Add what our own action brought about, after everything that was told before."""
        self.heard.append(Heard(fact, self.now, actor, cause))

    def take(self, arrivals: Sequence[Arrival], generation: int, seq: int) -> None:
        """Store raw messages as facts first, then take the inbox in; remember who waits for an answer."""
        for arrival in arrivals:
            self.taken = max(self.taken, arrival.number)
            stored = arrival.fact_id or str(self._store_raw(arrival, generation, seq))
            self.asked[arrival.number] = f"fact:{stored}"
        self.read_inbox()
        self._suspect([arrival for arrival in arrivals if arrival.fact_id])

    def _suspect(self, arrivals: Sequence[Arrival]) -> None:
        """An id that names no stored fact is an unreadable message, not nothing."""
        taken = {str(fact) for fact in self.waiting}
        unseen = [arrival.fact_id for arrival in arrivals if arrival.fact_id not in taken]
        if unseen:
            ids = [fact for text in unseen if (fact := _uuid(text))]
            known = set(self.conn.execute(select(FACT.c.id).where(FACT.c.id.in_(ids))).scalars())
            for _ in range(len(unseen) - sum(fact in known for fact in ids)):
                self.hear(f.Unreadable("fact"), "signal:fact", "signal")

    def _raw_key(self, arrival: Arrival, generation: int, seq: int) -> str:
        """Which raw message of which decision: its number alone is given again to another after a restore."""
        words = json.dumps([arrival.name, arrival.body], sort_keys=True)
        digest = hashlib.sha256(words.encode()).hexdigest()[:16]
        return f"raw:{self.row.id}:{generation}.{seq}:{arrival.number}:{digest}"

    def _store_raw(self, arrival: Arrival, generation: int, seq: int) -> UUID:
        key = self._raw_key(arrival, generation, seq)
        fact = self._readable(arrival)
        self._inbox = None  # it was read before this fact was there
        made: UUID | None = self.conn.execute(
            upsert(FACT)
            .values(**fact_values(self.row.id, key, fact, "signal", self.now))
            .on_conflict_do_nothing(index_elements=["source_key"])
            .returning(FACT.c.id)
        ).scalar_one_or_none()
        return made or fact_id(key)

    def _readable(self, arrival: Arrival) -> f.Told:
        name = "".join(c for c in arrival.name if c.isalnum() or c in "_-")[:40]
        if arrival.name not in f.BY_SIGNAL or arrival.body is None:
            return f.Unreadable(name)
        today = self.case.today(self.now).isoformat()
        body = {"paid_on": today, "on": today, "since": today, "source": "signal", **arrival.body}
        body |= {
            key: arrival.body.get(key) or f"{name}-{arrival.number}" for key in _OWN_IDS if key not in arrival.body
        }
        try:
            fact = f.from_json(body | {"kind": arrival.name})
        except ValidationError:
            return f.Unreadable(name)
        doubt = self._doubt(fact) if isinstance(fact, f.PaymentReceived) else ""
        return f.Unreadable(f"{name}-{doubt}") if doubt else cast(f.Told, fact)

    def _doubt(self, fact: f.PaymentReceived) -> str:
        """Why a raw payment is for a person: its reference stands for another case, or another door told of like money.

        Empty where it counts. Money counts once, whoever reports it.
        """
        owner = self.conn.execute(
            select(PAYMENT.c.case_id).where(
                PAYMENT.c.creditor_id == self.row.creditor_id, PAYMENT.c.reference == fact.reference
            )
        ).one_or_none()
        if owner:
            return "" if owner.case_id == self.row.id else "of-another-case"
        counted = counted_for(self.conn, [self.row.id])
        return "maybe-counted" if resembles(fact.amount, fact.paid_on, fact.source, counted) else ""

    def _not_allowed(self, fact: f.Fact, actor: str) -> Refused | None:
        """An approval counts only through rows of signed-in people with role and limit (design section 4)."""
        if isinstance(fact, f.LimitationOverridden):
            return self._lawyers_only(actor)
        if not isinstance(fact, f.Approved):
            return None
        words = (
            select(sa.func.count())
            .select_from(WORD.join(STAFF, STAFF.c.id == WORD.c.staff_id))
            .where(
                WORD.c.approval_id == APPROVAL.c.id,
                WORD.c.yes,
                STAFF.c.active,
                STAFF.c.id != APPROVAL.c.asked_by,
                STAFF.c.roles.contains(sa.func.to_jsonb(APPROVAL.c.role))
                | STAFF.c.roles.contains(sa.func.to_jsonb(APPROVAL.c.escalated_to)),
                STAFF.c.limit >= APPROVAL.c.amount,
            )
            .scalar_subquery()
        )
        row = self.conn.execute(
            select(APPROVAL.c.needed, words.label("yes")).where(
                APPROVAL.c.id == UUID(fact.approval_id), APPROVAL.c.case_id == self.row.id
            )
        ).one_or_none()
        if row is None:
            return Refused("no-such-approval", "nothing with this id waits for approval in this case")
        if row.yes < row.needed:
            text = f"{row.needed} people with the role and a sufficient limit must agree, {row.yes} did"
            return Refused("not-enough-words", text)
        return None

    def _lawyers_only(self, actor: str) -> Refused | None:
        """Who answers for a protest after the executive term is a lawyer (STJ REsp 1.677.772)."""
        lawyers = select(STAFF.c.id).where(STAFF.c.id == actor, STAFF.c.active, STAFF.c.roles.contains(["lawyer"]))
        if self.conn.execute(lawyers).one_or_none():
            return None
        return Refused("lawyers-only", "only an active member of staff with the role lawyer may override the term")

    # --- performing ------------------------------------------------------------------------------------------------
    def guard(self, given: Perform) -> Next | None:
        """The answer where the action must not be done (again): it is recorded, or today's facts want something else.

        None where it may go ahead.
        """
        if done := self.recorded(given.generation, given.seq):
            return done
        if self.read_inbox() or not self.due(given.action, given.step):
            return self.conclude(given.generation, given.seq)
        return None

    def conclude_with(self, given: Perform, *facts: f.Told) -> Next:
        """Hear what the action brought about, then conclude."""
        for fact in facts:
            self.hear(fact, cause_of(given.action, given))
            count_result(given.action, fact)
        return self.conclude(given.generation, given.seq)

    # --- deciding --------------------------------------------------------------------------------------------------
    def decide(self) -> Decision:
        """Fold what was heard into the case and decide; nothing is written yet."""
        return advance(self.case, self.heard, self.policy, self.now)

    def due(self, action: str, step: str) -> bool:
        """Is this action of this step still what the case wants now? Judged on a copy, on today's facts."""
        look = advance(load(self.row.state, self.indices), (), self.policy, self.now)
        wanted = look.instruction
        at = wanted.not_before
        return not look.entries and (wanted.action, wanted.step) == (action, step) and (at is None or at <= self.now)

    def wants(self, action: str, step: str) -> bool:
        """Is this action of this step, now or later, still what the case wants once it took in what was heard?"""
        wanted = advance(load(self.row.state, self.indices), self.heard, self.policy, self.now).instruction
        return (wanted.action, wanted.step) == (action, step)

    def conclude(self, generation: int, seq: int) -> Next:
        """Decide and write everything; returns the instruction recorded under (case, generation, seq)."""
        if self.row.ledger_seq == 0:
            terms = self.case.terms
            opened = f.Opened(self.case.policy_hash, terms.principal, terms.due, dump(self.case))
            self.heard.insert(0, Heard(opened, self.now, "engine", "intake"))
        tasks, approval = set(self.case.tasks), self.case.approval
        decision = self.decide()
        if self.case.policy_hash != self.row.policy_hash:
            self.policy = pinned_policy(self.conn, self.case.policy_hash)
        steps = self._schedule()
        digest = _digest(steps)
        changed = digest != self.row.schedule_hash
        following = self._next(decision, seq, steps if changed else None)
        lines = self._ledger(decision, following)
        gone = tasks - set(self.case.tasks)
        moot = approval.id if approval and (not self.case.approval or self.case.approval.id != approval.id) else ""
        apply_effects(self.conn, self.row, decision.entries, gone, moot, self.now)
        self._acknowledge(decision)
        version = self.row.schedule_version
        if changed:
            version += 1
            reason = decision.entries[-1].fact.kind if decision.entries else "time passed"
            self.later(
                sql.INSERT_SCHEDULE(
                    case_id=self.row.id, version=version, reason=reason, steps=steps, decided_at=self.now
                )
            )
        body = NEXT.dump_python(following, mode="json")
        self.later(
            sql.INSERT_INSTRUCTION(
                case_id=self.row.id, generation=generation, seq=seq, body=body, decided_at=datetime.now(UTC)
            )
        )
        self._save(decision, following, generation, lines, (version, digest))
        return following

    def _schedule(self) -> list[dict[str, str]]:
        return schedule(self.case, self.policy, self.case.today(self.now))

    def _next(self, decision: Decision, seq: int, steps: list[dict[str, str]] | None) -> Next:
        wanted = decision.instruction
        following = Next(
            seq=seq,
            action=str(wanted.action),
            step=wanted.step,
            attempt=wanted.attempt,
            not_before=wanted.not_before,
            reason=wanted.reason,
            stage=wanted.stage,
            rules_version=RULES_VERSION,
            channel=wanted.channel,
            ahead=wanted.ahead,
            taken=self.taken,
            schedule=[(step["step"], step["day"], step["state"]) for step in steps] if steps is not None else None,
        )
        answers = {n: self._answer(decision.refusals.get(cause), following) for n, cause in self.asked.items()}
        return replace(following, answers=answers)

    def _answer(self, refused: Refused | None, following: Next) -> Answer:
        where = (following.stage, following.action, following.reason)
        return Answer(refused is None, *where, refused.code if refused else "", str(refused) if refused else "")

    def _ledger(self, decision: Decision, following: Next) -> list[Line]:
        """The new lines of the book: every entry, then the decision itself, chained to what stands."""
        recorded, case_id, seq = datetime.now(UTC), str(self.row.id), self.row.ledger_seq
        lines = [
            Line(case_id, seq + n, e.fact.kind, f.to_json(e.fact), e.cause, e.actor, e.at, recorded, RULES_VERSION)
            for n, e in enumerate(decision.entries, 1)
        ]
        body = NEXT.dump_python(
            following, mode="json", include={"seq", "action", "step", "attempt", "not_before", "reason", "stage"}
        )
        if len(self.indices):
            body["tables"] = self.indices.digest[:16]  # an auditor decides again with the indices of that day
        last = seq + len(lines) + 1
        lines.append(Line(case_id, last, "decided", body, "rule", "engine", self.now, recorded, RULES_VERSION))
        previous = self.row.ledger_hash
        for line in lines:
            digest = chain(previous, line)
            values = vars(line) | {"case_id": self.row.id, "previous_hash": previous, "hash": digest}
            self.later(sql.INSERT_LINE(**values))
            previous = digest
        self.head = previous
        return lines

    def _acknowledge(self, decision: Decision) -> None:
        if not self.waiting:
            return
        self.later(sql.ACKNOWLEDGE(ids=self.waiting, acknowledged_at=datetime.now(UTC)))
        refused = ((cause, refusal) for cause, refusal in decision.refusals.items() if cause.startswith("fact:"))
        for cause, refusal in refused:
            self.later(sql.REFUSE(id_=UUID(cause.removeprefix("fact:")), refusal=refusal.code))

    def _save(
        self, decision: Decision, following: Next, generation: int, lines: list[Line], plan: tuple[int, str]
    ) -> None:
        closed = following.action == Action.CLOSE
        day = decision.instruction.review
        review = datetime.combine(day, time(0), time_zone(self.case.uf)) if day else None
        self.later(
            sql.SAVE_CASE(
                id_=self.row.id,
                state=dump(self.case),
                stage=following.stage,
                policy_hash=self.case.policy_hash,
                balance=self.case.debt(self.case.today(self.now)).total if not closed else 0,
                generation=generation,
                seq=following.seq,
                ledger_seq=lines[-1].seq,
                ledger_hash=self.head,
                next_action=following.action,
                next_step=following.step,
                next_at=following.not_before or review,
                next_reason=following.reason,
                schedule_version=plan[0],
                schedule_hash=plan[1],
                outcome=self.case.closed,
                closed_at=self.now if closed else None,
            )
        )


_OWN_IDS = ("promise_id", "dispute_id", "note_id", "claim_id")


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _digest(steps: list[dict[str, str]]) -> str:
    return hashlib.sha256(json.dumps(steps).encode()).hexdigest()[:32]


def fact_values(case_id: UUID, source_key: str, fact: f.Told, actor: str, now: datetime) -> dict[str, Any]:
    """The row of a fact as it is first stored: `now` is business time; the id follows from the source key."""
    return {
        "id": fact_id(source_key),
        "case_id": case_id,
        "source_key": source_key,
        "kind": fact.kind,
        "body": f.to_json(fact),
        "actor": actor,
        "business_at": now,
        "received_at": datetime.now(UTC),
    }


def fact_id(source_key: str) -> UUID:
    """The id of a fact, the same for the same source key."""
    return UUID(bytes=hashlib.sha256(source_key.encode()).digest()[:16], version=4)


def store_facts(conn: Connection, facts: Sequence[dict[str, Any]]) -> list[UUID]:
    """Store facts (values of `fact_values`) that are not stored yet; returns the ids of the new ones."""
    if not facts:
        return []
    statement = upsert(FACT).values(list(facts)).on_conflict_do_nothing(index_elements=["source_key"])
    return list(conn.execute(statement.returning(FACT.c.id)).scalars())


def lock_case(conn: Connection, case_id: UUID) -> Row[Any]:
    """The case row under its lock. NO KEY UPDATE: facts may still be stored for it by others."""
    return _only(together(conn, [sql.LOCK_CASE(id_=case_id)])[0])


def _only(rows: Rows) -> Row[Any]:
    if len(rows) != 1:
        raise LookupError("no such case")
    return rows[0]


@contextmanager
def at_desk(world: World, case_id: str, at: datetime | None) -> Iterator[Desk]:
    """A case at the desk in a transaction of its own. `at` is the workflow's time (real, aware) or None."""
    case = UUID(case_id)
    with world.engine.begin() as conn:
        found, inbox = together(conn, [sql.LOCK_CASE(id_=case), sql.INBOX(id_=case)])
        desk = Desk(world, conn, _only(found), world.now(at), inbox)
        yield desk
        desk.leave()


@contextmanager
def at_desk_with_debtor(world: World, case_id: str, at: datetime | None) -> Iterator[tuple[Desk, Row[Any], Rows]]:
    """As `at_desk`, with the debtor's row and those of all his open cases, locked: the debtor, then cases by id."""
    case = UUID(case_id)
    with world.engine.begin() as conn:
        debtor, cases, inbox = together(
            conn, [sql.LOCK_DEBTOR(id_=case), sql.LOCK_CASES(id_=case), sql.INBOX(id_=case)]
        )
        own = next(row for row in cases if row.id == case)
        desk = Desk(world, conn, own, world.now(at), inbox)
        yield desk, _only(debtor), cases
        desk.leave()


def cause_of(action: str, given: Perform | Decide) -> str:
    """The cause of what an action brought about: the activity and the number under which its history knows it."""
    return f"activity:{action}:{given.generation}.{given.seq}"


def failure(given: Failed) -> f.ActionFailed:
    """What a failed action means to the case."""
    return f.ActionFailed(given.action, given.step, given.code, given.code in TRANSIENT)

"""Bank files taken in: stored whole, then read record by record into payments, facts and tasks.

A file is checked whole by its reader before anything is written, and counts once, by its hash. It is taken in batches,
each in a transaction of its own, so that other doors and cases need not wait for a large one; where that breaks off,
the same file goes on where it stopped, because each movement counts once. Until then `bank_file.counts` is empty.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import ColumnElement, Connection, Engine, Row, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from activities.desk import fact_values
from activities.money import (
    OFFICE,
    GoneBack,
    Taken,
    give_back,
    lock_money,
    set_news,
    store_many,
    take,
    task_values,
)
from activities.money_book import read_book
from activities.tasks import open_tasks
from activities.world import World
from db.rows import BANK_FILE, CREDITOR, DOCUMENT, PAYMENT
from db.settings import BankAccount
from domain import bank
from domain import facts as f
from domain.bank import BankFile, Kind, Record, bare_number
from domain.calendars import add_bank_days
from domain.errors import BadFile, BadInput, Fault, Refused
from domain.identifiers import normalise_number
from domain.matching import AT_NOTARY, STATEMENT, Movement, identified
from domain.matching import BANK_FILE as RETURN_FILE
from domain.money import ZERO, format_brl

BATCH = 1000
"""Records a transaction."""
_LISTED = 50
"""Records that a task names; the file itself has them all."""
_LONGEST_MEMO = 140

PROTEST = frozenset(
    {Kind.PROTEST_ORDERED, Kind.SENT_TO_NOTARY, Kind.PROTESTED, Kind.PROTEST_WITHDRAWN, Kind.SUSPENDED_BY_COURT}
)
"""What the bank itself does at the notary with a title: a person must know, for two must never protest one title."""


@dataclass(frozen=True)
class Received:
    """What a file did, or with `dry_run` would do. `counts`: records, those by kind, and what became of them."""

    name: str
    layout: str
    bank: str
    account: str
    covers_until: date | None
    counts: dict[str, int]
    news_on: date | None
    dry_run: bool
    facts: tuple[UUID, ...] = field(default=(), repr=False)


def _silent(_done: int) -> None:
    """Nobody watches."""


def receive(
    world: World,
    creditor: Row[Any],
    path: Path,
    actor: str,
    *,
    dry_run: bool = False,
    progress: Callable[[int], None] = _silent,
) -> Received:
    """Take in a bank file of a creditor (a row). `progress` is told how many records are done.

    Raises BadFile where the file is damaged, of an unknown layout, of a day to come or of another account; Refused for
    one that was taken in before or is being taken in now; OSError where it cannot be read. Then nothing was changed.
    """
    now = world.now()
    with path.open("rb") as stream:
        file = bank.read_bank_file(stream, path.name)
        _check(world.engine, creditor, file, now.astimezone(OFFICE).date())
        stream.seek(0)
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        with _alone(world.engine, creditor.id, digest):
            _refuse_known(world.engine, creditor.id, digest)
            if dry_run:
                clerk = _Reader(world.engine, creditor.id, file, None, actor, now)
                clerk.read(progress, keep=False)
                return clerk.report(dry_run=True, news_on=creditor.news_on)
            file_id = _keep(world, creditor.id, path, digest, file, actor, now)
            clerk = _Reader(world.engine, creditor.id, file, file_id, actor, now)
            clerk.read(progress, keep=True)
            return clerk.finish()


# --- before anything is changed --------------------------------------------------------------------------------------
def _check(engine: Engine, creditor: Row[Any], file: BankFile, today: date) -> None:
    """Refuse a file of a day to come, or of an account that is not this creditor's."""
    last = max(filter(None, (file.created, file.covers_until)), default=None)
    if last and last > today:
        found = f"the file is of {last:%d/%m/%Y}, which has not come yet"
        raise BadFile(file.name, [Fault(f"{file.name}:1", found, f"a file of {today:%d/%m/%Y} or earlier")])
    mine = _accounts(creditor.settings)
    if any(_same(account, file) for account in mine):
        return
    if mine:
        wanted = ", ".join(f"{account.bank} {account.account}" for account in mine)
        raise _of_another_account(file, f"a file of {wanted} (settings.bank_accounts of {creditor.code})")
    others = select(CREDITOR.c.code, CREDITOR.c.settings).where(CREDITOR.c.id != creditor.id)
    with engine.connect() as conn:
        for other in conn.execute(others):
            if any(_same(account, file) for account in _accounts(other.settings)):
                raise _of_another_account(file, f"take it in with --creditor {other.code}, whose account this is")


def _accounts(settings: dict[str, Any]) -> list[BankAccount]:
    return [BankAccount(**account) for account in settings.get("bank_accounts", [])]


def _same(account: BankAccount, file: BankFile) -> bool:
    return account.bank == file.bank and bare_number(account.account) == bare_number(file.account)


def _of_another_account(file: BankFile, wanted: str) -> BadFile:
    return BadFile(file.name, [Fault(f"{file.name}:1", f"the account is {file.bank} {file.account}", wanted)])


def _refuse_known(engine: Engine, creditor_id: UUID, digest: str) -> None:
    mine = (BANK_FILE.c.creditor_id == creditor_id) & (BANK_FILE.c.sha256 == digest)
    with engine.connect() as conn:
        known = conn.execute(select(BANK_FILE).where(mine)).one_or_none()
    if known and known.counts:
        taken = known.received_at.astimezone(OFFICE)
        sentence = (
            f"this file was taken in on {taken:%d/%m/%Y %H:%M} by {known.actor} as {known.name}, and counts once; "
            "nothing was changed"
        )
        raise Refused("repeated-file", sentence)


@contextmanager
def _alone(engine: Engine, creditor_id: UUID, digest: str) -> Iterator[None]:
    """Nobody else takes in this file meanwhile. Refused where somebody does."""
    key = {"key": f"bank-file:{creditor_id}:{digest}"}
    with engine.connect() as conn:
        if not conn.execute(text("SELECT pg_try_advisory_lock(hashtextextended(:key, 0))"), key).scalar_one():
            raise Refused("file-in-progress", "this file is being taken in at this moment; look at its result instead")
        conn.commit()  # the lock is the connection's; no transaction is left open meanwhile
        try:
            yield
        finally:
            conn.execute(text("SELECT pg_advisory_unlock(hashtextextended(:key, 0))"), key)
            conn.commit()


def _keep(world: World, creditor_id: UUID, path: Path, digest: str, file: BankFile, actor: str, now: datetime) -> UUID:
    """Store the file whole, then its rows; returns the file's id. One that was begun before keeps its id."""
    if world.documents.put_file(path) != digest:
        raise BadInput(f"{path.name}: it changed while it was read; hand it in again when nobody writes to it")
    document_id, file_id = uuid5(creditor_id, f"bank-file-document:{digest}"), uuid5(creditor_id, f"bank-file:{digest}")
    document = {
        "id": document_id, "kind": "bank-file", "name": path.name, "mime": "text/plain", "sha256": digest,
        "size": path.stat().st_size, "created_at": now,
    }  # fmt: skip
    row = {
        "id": file_id, "creditor_id": creditor_id, "sha256": digest, "layout": file.layout, "name": path.name,
        "document_id": document_id, "covers_until": file.covers_until, "counts": {}, "actor": actor, "received_at": now,
    }  # fmt: skip
    with world.engine.begin() as conn:
        conn.execute(upsert(DOCUMENT).values(document).on_conflict_do_nothing(index_elements=["id"]))
        conn.execute(upsert(BANK_FILE).values(row).on_conflict_do_nothing(index_elements=["creditor_id", "sha256"]))
    return file_id


# --- reading ---------------------------------------------------------------------------------------------------------
class _Reader:
    """Reads one file into the database, batch by batch, and counts."""

    def __init__(
        self, engine: Engine, creditor_id: UUID, file: BankFile, file_id: UUID | None, actor: str, now: datetime
    ) -> None:
        self.engine, self.creditor_id, self.file, self.file_id = engine, creditor_id, file, file_id
        self.actor, self.now, self.today = actor, now, now.astimezone(OFFICE).date()
        self.taken = Taken()
        self.done: Counter[str] = Counter()
        self.facts: list[UUID] = []
        self.asked: list[str] = []

    def read(self, progress: Callable[[int], None], *, keep: bool) -> None:
        """Read all records; without `keep` each batch is undone again."""
        records, count = iter(self.file), 0
        while batch := list(islice(records, BATCH)):
            with self.engine.connect() as conn, conn.begin() as transaction:
                self._batch(conn, batch)
                if not keep:
                    transaction.rollback()
            progress(count := count + len(batch))

    def _batch(self, conn: Connection, records: Sequence[Record]) -> None:
        lock_money(conn, self.creditor_id)
        money = [record for record in records if record.kind.money and record.paid > ZERO]
        taken = take(conn, self.creditor_id, [self._movement(r) for r in money], self.actor, self.now, self.file_id)
        self.taken += replace(taken, facts=())
        self.facts += taken.facts
        said = [record for record in records if record.kind in _SAID and not record.question]
        back = [record for record in records if record.kind is Kind.REVERSED]
        cases = self._cases(conn, [*said, *back])
        self._say(conn, said, cases)
        self._give_back(conn, back, cases)
        for record in records:
            self.done[str(record.kind)] += 1
            if why := _question(record):
                self._ask(record, why)

    def _movement(self, record: Record) -> Movement:
        source = RETURN_FILE
        if self.file.layout == "ofx":
            source = STATEMENT
        elif record.kind is Kind.PAID_AT_NOTARY:
            source = AT_NOTARY
        number, instalment = _invoice_number(record.document_number)
        return Movement(
            reference=record.reference,
            amount=record.paid,
            paid_on=record.occurred_on or record.credited_on or self.file.created or self.today,
            source=source,
            txid=record.txid,
            bank=record.bank,
            our_number=record.our_number,
            number=number,
            instalment=instalment,
            credited=record.credited,
            payer=record.payer,
            hint=_hint(record),
            doubtful=bool(record.question),
        )

    def _cases(self, conn: Connection, records: Sequence[Record]) -> dict[int, UUID]:
        """The cases of records that identify one, by line. What is not about a title of ours is nobody's."""
        pointers = {record.line: self._movement(record) for record in records}
        if not pointers:
            return {}
        book = read_book(conn, self.creditor_id, list(pointers.values()))
        found = {line: identified(pointer, book) for line, pointer in pointers.items()}
        return {line: UUID(verdict.case) for line, verdict in found.items() if verdict and verdict.case}

    def _say(self, conn: Connection, records: Iterable[Record], cases: dict[int, UUID]) -> None:
        """Tell the cases what became of their titles at the bank; what the bank does at the notary is for people."""
        facts, tasks = [], []
        for record in records:
            case_id = cases.get(record.line)
            if case_id and record.kind in PROTEST:
                tasks.append(self._protest(record, case_id))
            elif case_id and (fact := self._fact(record)):
                key = f"{fact.kind}:{self.creditor_id}:{record.reference}"
                facts.append(fact_values(case_id, key, fact, self.actor, self.now))
                self.done[_COUNTED[fact.kind]] += 1
            elif record.kind is Kind.IN_CLEARING:
                self._ask(record, "money in clearing for a title that is not known")
        self.facts += store_many(conn, facts)
        self.done["tasks"] += open_tasks(conn, tasks)

    def _fact(self, record: Record) -> f.PaymentInClearing | f.BoletoWithdrawn | None:
        if record.kind is Kind.WRITTEN_OFF:
            return f.BoletoWithdrawn(RETURN_FILE)
        if record.paid <= ZERO:
            return None
        expected = record.credited_on or add_bank_days(record.occurred_on or self.today, 1)
        return f.PaymentInClearing(record.reference, record.paid, expected, RETURN_FILE)

    def _protest(self, record: Record, case_id: UUID) -> dict[str, Any]:
        on = f" on {record.occurred_on:%d/%m/%Y}" if record.occurred_on else ""
        details = [f"bank {record.bank}: {record.kind}{on}", f"occurrence {record.occurrence}", *_motives(record)]
        subject = f"bank-protest:{self.creditor_id}:{record.reference}"
        return task_values(subject, "bank-protest", details, self.now, case_id, owner="supervisor")

    def _give_back(self, conn: Connection, records: Sequence[Record], cases: dict[int, UUID]) -> None:
        """Payments that the bank took back: the one payment of that title and amount, or a person looks."""
        gone = []
        for record in records:
            reference = "" if record.question else self._paid_by(conn, record, cases.get(record.line))
            if reference:
                gone.append(GoneBack(reference, record.paid, record.occurred_on or self.today))
            else:
                self._ask(record, f"{format_brl(record.paid)} went back; which payment was it")
        facts = give_back(conn, self.creditor_id, gone, self.actor, self.now)
        self.done["reversals"] += len(gone)
        self.facts += facts

    def _paid_by(self, conn: Connection, record: Record, case_id: UUID | None) -> str:
        """The reference of the only payment that this record can mean; the bank may name it by its end-to-end id."""
        if record.end_to_end:
            return record.end_to_end
        titles = list[ColumnElement[bool]]()
        if record.our_number:
            titles.append(PAYMENT.c.our_number.in_(record.our_number.forms))
        if case_id:
            titles.append(PAYMENT.c.case_id == case_id)
        if not titles:
            return ""
        found = select(PAYMENT.c.reference).where(
            PAYMENT.c.creditor_id == self.creditor_id,
            PAYMENT.c.amount == record.paid,
            PAYMENT.c.reversed_on.is_(None),
            or_(*titles),
        )
        references = conn.execute(found.limit(2)).scalars().all()
        return str(references[0]) if len(references) == 1 else ""

    def _ask(self, record: Record, why: str) -> None:
        self.done["questions"] += 1
        number = f" our number {record.our_number.number}" if record.our_number else ""
        if len(self.asked) < _LISTED:
            self.asked.append(f"line {record.line}{number} occurrence {record.occurrence or 'none'}: {why}")

    # --- the end -----------------------------------------------------------------------------------------------------
    def finish(self) -> Received:
        """Write what the file did: what a person must look at, how far payments are known, and the counts."""
        with self.engine.begin() as conn:
            self._open_questions(conn)
            known = select(CREDITOR.c.news_on).where(CREDITOR.c.id == self.creditor_id)
            news_on: date | None = conn.execute(known).scalar_one()
            if self.file.covers_until:
                news_on, woken = set_news(conn, self.creditor_id, self.file.covers_until, self.now)
                self.facts += woken
            done = update(BANK_FILE).where(BANK_FILE.c.id == self.file_id)
            conn.execute(done.values(counts=self.counts))
        return self.report(dry_run=False, news_on=news_on)

    def _open_questions(self, conn: Connection) -> None:
        if not self.asked:
            return
        more = self.done["questions"] - len(self.asked)
        details = [f"file {self.file.name}", *self.asked, *([f"and {more} more"] if more else [])]
        task = task_values(f"bank-file:{self.file_id}", "bank-unknown", details, self.now)
        self.done["tasks"] += open_tasks(conn, [task])

    @property
    def counts(self) -> dict[str, int]:
        """Records, what became of them, and records by kind."""
        return {"records": self.file.count, **self.taken.counts, **self.done}

    def report(self, *, dry_run: bool, news_on: date | None) -> Received:
        """What was done so far."""
        file = self.file
        return Received(
            file.name, file.layout, file.bank, file.account, file.covers_until, self.counts, news_on, dry_run,
            () if dry_run else tuple(self.facts),
        )  # fmt: skip


_SAID = PROTEST | {Kind.IN_CLEARING, Kind.WRITTEN_OFF}
_COUNTED = {"clearing": "clearings", "boleto_withdrawn": "boletos-withdrawn"}


def _question(record: Record) -> str:
    """Why a person has to look at a record, or "". A reversal is asked about where its payment is looked for."""
    if record.kind is Kind.REVERSED:
        return ""
    if record.kind.money and record.paid <= ZERO:
        return "a payment without an amount"
    return record.question or ("a code that no table knows" if record.kind is Kind.UNKNOWN else "")


def _motives(record: Record) -> list[str]:
    return [f"motives {' '.join(record.motives)}"] if record.motives else []


def _invoice_number(text: str) -> tuple[str, str]:
    """Number and instalment of the creditor's own number of the title; nothing where it has none."""
    try:
        return normalise_number(text)
    except BadInput:
        return "", ""


def _hint(record: Record) -> str:
    """What the record says beside money and day, for a person who looks for the case."""
    told = [f"line {record.line}"]
    if record.document_number:
        told.append(f"number {record.document_number}")
    if record.memo:
        told.append(" ".join(record.memo.split())[:_LONGEST_MEMO])
    return ", ".join(told)

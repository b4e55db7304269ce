"""Pix that came in, as the receiver's bank tells of it: asked for here, or told to our webhook.

Both ways end in the same door, under the end-to-end id; so a call that was lost is found by the next poll, and one that
came is a repetition. What was paid to a key that no creditor has becomes a task.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any
from uuid import UUID, uuid5

import structlog
from sqlalchemy import Connection, Row, select
from sqlalchemy.dialects.postgresql import insert as upsert
from temporalio import activity

from activities.codes import pix_gateway
from activities.money import OFFICE, GoneBack, Taken, give_back, set_news, take, task_values
from activities.tasks import open_tasks
from activities.world import World
from contract.messages import PollReport
from db.rows import CREDITOR, IMPORT_FILE, PAYMENT, PAYMENT_CODE
from db.settings import Pix
from domain.errors import BadInput, Permanent, ProviderError
from domain.matching import PIX, Movement
from domain.money import ZERO, format_brl
from domain.news import last_bank_day_before
from domain.pix import parse_key
from gateways.pix import PixGateway, Received

ACTOR = "pix"
OVERLAP = timedelta(days=1)
"""What was asked for before is asked for again: a bank may book a Pix late."""
RETURNS_WITHIN = timedelta(days=90)
"""A return shows in the Pix it belongs to, and a Pix can go back for 90 days (Regulamento do Pix, Res. BCB 1/2020): the
first poll of a day asks again for the days on which a Pix came that may still go back."""
SLICE = timedelta(days=4)
"""Banks answer for a few days at a time."""
_BATCH = 500
_KIND = "pix-poll"

log = structlog.get_logger("pix")


class PixPoll:
    """Asks the bank what was paid by Pix, for every creditor whose charges it keeps."""

    def __init__(self, world: World) -> None:
        self.world = world

    @activity.defn(name="poll_pix")
    def poll_pix(self) -> PollReport:
        """Poll for every creditor with a Pix agreement. One that fails does not keep the others from theirs."""
        report = PollReport()
        if not self.world.pix:
            return report
        with self.world.engine.connect() as conn:
            agreed = CREDITOR.c.settings["pix"]["mode"].astext == "api"
            creditors = conn.execute(select(CREDITOR).where(agreed).order_by(CREDITOR.c.id)).all()
        for creditor in creditors:
            try:
                taken = poll(self.world, creditor, activity.info().scheduled_time)
            except ProviderError as error:
                log.warning("Pix not polled", creditor=creditor.code, code=error.code)
                report = replace(report, failed=report.failed + 1)
                self._no_access(creditor, error)
            else:
                waiting = taken.proposed + taken.unmatched
                report = PollReport(
                    report.polled + 1, report.failed, report.matched + taken.matched, report.waiting + waiting
                )
        return report

    def _no_access(self, creditor: Row[Any], error: ProviderError) -> None:
        """A refusal will not mend itself: one task a day."""
        if isinstance(error, Permanent):
            now = self.world.now()
            subject = f"pix-no-access:{creditor.id}:{now.astimezone(OFFICE).date()}"
            details = [f"creditor {creditor.code}", f"code {error.code}"]
            with self.world.engine.begin() as conn:
                open_tasks(conn, [task_values(subject, "pix-no-access", details, now, owner="supervisor")])


def bank_of(world: World, creditor: Row[Any]) -> PixGateway:
    """The way to the bank that keeps a creditor's Pix; raises `Misconfigured` where it is not configured."""
    return pix_gateway(world, Pix.model_validate(creditor.settings["pix"]).account)


def poll(world: World, creditor: Row[Any], at: datetime | None = None) -> Taken:
    """Take in what was paid to a creditor (a row) since the last poll, and tell the cases.

    `at` is the workflow's time (real, aware) or None. When it is complete, all payments up to the last business day are
    known. Raises ProviderError where the bank does not answer or refuses; what was read until then counts.
    """
    bank = bank_of(world, creditor)
    until = world.now(at)
    asked = _asked_until(world, creditor.id)
    since = (asked or until - RETURNS_WITHIN) - OVERLAP
    spans = [(since, until)]
    if asked is None or asked < _midnight(until):
        _listen(world, bank, creditor)
        spans += _may_go_back(world, creditor.id, until, since)
    taken = Taken()
    for start, end in (part for span in spans for part in _slices(*span)):
        pages = iter(bank.received(start, end))
        while page := list(islice(pages, _BATCH)):
            taken += _take_own(world, creditor.id, page, until)
    with world.engine.begin() as conn:
        _remember(conn, creditor.id, until)
        _, woken = set_news(conn, creditor.id, last_bank_day_before(until.astimezone(OFFICE).date()), until)
    world.deliver(woken)
    return taken


def _take_own(world: World, creditor_id: UUID, page: Sequence[Received], now: datetime) -> Taken:
    """What is this creditor's, in a transaction of its own. One account at a bank may keep the keys of several."""
    with world.engine.begin() as conn:
        owners = owners_of(conn, page)
        mine = [received for received in page if owners.get(received.end_to_end_id) == creditor_id]
        ask_whose(conn, [received for received in page if received.end_to_end_id not in owners], now)
        taken = take_received(conn, creditor_id, mine, now)
    world.deliver(taken.facts)
    return taken


def _slices(since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    while since < until:
        yield since, min(since + SLICE, until)
        since += SLICE


def _listen(world: World, bank: PixGateway, creditor: Row[Any]) -> None:
    """The bank tells us of Pix to this creditor's key; the poll is for what it does not tell."""
    key, wanted = creditor.settings["pix"]["key"], world.pix_webhook
    if wanted and bank.webhook(key) != wanted:
        bank.register_webhook(key, wanted)


def _asked_until(world: World, creditor_id: UUID) -> datetime | None:
    with world.engine.connect() as conn:
        polled = select(IMPORT_FILE.c.imported_at).where(IMPORT_FILE.c.id == _id(creditor_id))
        return conn.execute(polled).scalar()


def _may_go_back(world: World, creditor_id: UUID, now: datetime, before: datetime) -> list[tuple[datetime, datetime]]:
    """The days before a moment on which a Pix came that may still go back; days that follow one another as one span."""
    oldest = now.astimezone(OFFICE).date() - RETURNS_WITHIN
    came = select(PAYMENT.c.paid_on).distinct().order_by(PAYMENT.c.paid_on)
    mine = (PAYMENT.c.creditor_id == creditor_id) & (PAYMENT.c.source == PIX) & PAYMENT.c.reversed_on.is_(None)
    with world.engine.connect() as conn:
        days = conn.execute(came.where(mine, PAYMENT.c.paid_on >= oldest)).scalars().all()
    spans = list[tuple[datetime, datetime]]()
    for day in days:
        start = datetime.combine(day, time(0), OFFICE)
        end = min(start + timedelta(days=1), before)
        if spans and spans[-1][1] >= start:
            spans[-1] = spans[-1][0], end
        elif start < end:
            spans.append((start, end))
    return spans


def _midnight(now: datetime) -> datetime:
    return datetime.combine(now.astimezone(OFFICE).date(), time(0), OFFICE)


def _remember(conn: Connection, creditor_id: UUID, until: datetime) -> None:
    """Up to which moment the bank was asked: one row per creditor."""
    row = {
        "id": _id(creditor_id), "creditor_id": creditor_id, "kind": _KIND, "name": _KIND, "sha256": "", "counts": {},
        "imported_at": until, "actor": ACTOR,
    }  # fmt: skip
    later = upsert(IMPORT_FILE).values(row)
    conn.execute(later.on_conflict_do_update(index_elements=["id"], set_={"imported_at": until}))


def _id(creditor_id: UUID) -> UUID:
    return uuid5(creditor_id, _KIND)


# --- shared with the webhook -----------------------------------------------------------------------------------------
def take_received(conn: Connection, creditor_id: UUID, received: Sequence[Received], now: datetime) -> Taken:
    """Take in Pix of a creditor, and what went back of them, in the caller's transaction. `now` is business time."""
    if not received:
        return Taken()
    taken = take(conn, creditor_id, [_movement(each) for each in received], ACTOR, now)
    back = give_back(conn, creditor_id, [gone for each in received if (gone := _gone(each))], ACTOR, now)
    return replace(taken, facts=(*taken.facts, *back))


def _movement(received: Received) -> Movement:
    return Movement(
        reference=received.end_to_end_id,
        amount=received.amount,
        paid_on=received.at.astimezone(OFFICE).date(),
        source=PIX,
        txid=received.txid,
        hint=" ".join(received.text.split())[:140],
    )


def _gone(received: Received) -> GoneBack | None:
    """What went back of it so far; a return that was only asked for, or that failed, moved nothing."""
    done = [refund for refund in received.refunds if refund.state == "done"]
    if not done:
        return None
    amount = sum((refund.amount for refund in done), Decimal(0))
    last = max(refund.at or received.at for refund in done)
    return GoneBack(received.end_to_end_id, amount, last.astimezone(OFFICE).date())


def owners_of(conn: Connection, received: Iterable[Received]) -> dict[str, UUID]:
    """Whose each Pix is, by end-to-end id: the creditor of our code, else of the key. Nobody's are left out."""
    received = list(received)
    codes = PAYMENT_CODE.c.txid.in_({each.txid for each in received if each.txid})
    by_txid = {
        row.txid: row.creditor_id
        for row in conn.execute(select(PAYMENT_CODE.c.txid, PAYMENT_CODE.c.creditor_id).where(codes))
    }
    key = CREDITOR.c.settings["pix"]["key"].astext
    by_key = {row.key: row.id for row in conn.execute(select(CREDITOR.c.id, key.label("key")).where(key.is_not(None)))}
    found = {each.end_to_end_id: by_txid.get(each.txid) or by_key.get(_key(each.key)) for each in received}
    return {end_to_end: owner for end_to_end, owner in found.items() if owner}


def _key(text: str) -> str:
    """A key as settings keep it."""
    with suppress(BadInput):
        return parse_key(text).value
    return text


def ask_whose(conn: Connection, received: Sequence[Received], now: datetime) -> None:
    """Money for a key that no creditor has: a person looks."""
    open_tasks(
        conn,
        [
            task_values(
                f"pix-of-nobody:{each.end_to_end_id}", "pix-of-nobody",
                [f"reference {each.end_to_end_id}", format_brl(each.amount), "no creditor has its key"], now,
                owner="supervisor",
            )
            for each in received
        ],
    )  # fmt: skip


def by_owner(owners: dict[str, UUID], received: Iterable[Received]) -> dict[UUID, list[Received]]:
    """Pix by creditor, in one order of creditors, so that nobody waits crosswise."""
    groups = defaultdict[UUID, list[Received]](list)
    for each in received:
        if each.end_to_end_id in owners and each.amount > ZERO:
            groups[owners[each.end_to_end_id]].append(each)
    return dict(sorted(groups.items()))

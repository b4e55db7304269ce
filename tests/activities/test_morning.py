"""Nine o'clock: a thousand cases of four hundred debtors are due at once, at the real desk, on a clock of its own."""

from __future__ import annotations

import heapq
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, cast
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from people import Opened, new_case_row, short_ladder
from sqlalchemy import Engine, insert, select

from activities.contact import Contacts
from activities.decide import Decisions
from activities.world import World
from contract.messages import Decide, Next, Perform
from db.rows import CASE, CONTACT, CONTACT_CASE, HOLIDAY, LEDGER
from domain.clock import PRODUCTION
from domain.hours import jitter_of
from gateways.documents import DocumentStore
from gateways.outcome import Accepted
from gateways.settings import Settings

SP = ZoneInfo("America/Sao_Paulo")
TUESDAY = date(2035, 3, 13)
"""A day ahead of every machine that runs this; the workflow's time then counts."""
LADDER = short_ladder("  - {id: um, at: due + 1bd, do: contact, by: [email, sms], text: atraso-cordial}")
DEBTORS, CASES = 400, 1000


class Post:
    """A provider that takes everything."""

    def send(self, _message: Any) -> Accepted:
        return Accepted(f"post-{uuid4().hex}", 1)

    def find(self, *_: Any) -> Accepted | None:
        return None


class Morning:
    """The part of the workflows: each case is obeyed when its time comes, in the order of time."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        post, nobody = cast(Any, Post()), cast(Any, None)
        self.world = World(engine, PRODUCTION, DocumentStore(folder), post, post, nobody, folder, "http://127.0.0.1:1")
        self.decisions, self.contacts = Decisions(self.world), Contacts(self.world)
        self.due: list[tuple[datetime, int, Opened, Next]] = []
        self.turns = 0

    def open(self, case: Opened, at: datetime) -> None:
        self._wait(case, self.decisions.decide(Decide(str(case.case), 1, 1, at)))

    def until(self, end: datetime) -> None:
        while self.due and self.due[0][0] <= end:
            at, _, case, order = heapq.heappop(self.due)
            given = (str(case.case), 1, order.seq + 1, at)
            if order.action == "contact":
                following = self.contacts.contact(Perform(*given, order.action, order.step, order.attempt))
            else:
                following = self.decisions.decide(Decide(*given))
            self._wait(case, following)

    def _wait(self, case: Opened, order: Next) -> None:
        self.turns += 1
        if order.not_before:
            heapq.heappush(self.due, (order.not_before, self.turns, case, order))


def open_all(engine: Engine, debtors: int = DEBTORS) -> list[Opened]:
    """The first 200 debtors have three invoices, the others two; as the import gives them, each has one jitter."""
    yesterday, cases = TUESDAY - timedelta(days=1), []
    for number in range(debtors):
        how: dict[str, Any] = {"jitter": jitter_of(f"devedor-{number}")}
        mail = ("email", f"contas@d{number}.example.com")
        first = new_case_row(engine, LADDER, yesterday, yesterday, contacts=(mail,), **how)
        more = 2 if number < CASES - 2 * DEBTORS else 1
        others = [new_case_row(engine, LADDER, yesterday, yesterday, debtor=first.debtor, **how) for _ in range(more)]
        cases += [first, *others]
    return cases


@pytest.mark.timeout(900)
def test_a_thousand_cases_due_at_nine_are_handled_within_the_day_and_leave_at_a_pace_that_providers_take(
    engine: Engine, tmp_path: Path
) -> None:
    cases, morning = open_all(engine), Morning(engine, tmp_path)
    assert len(cases) == CASES
    for case in cases:
        morning.open(case, datetime.combine(TUESDAY, time(0, 5), SP))
    assert all(at >= datetime.combine(TUESDAY, time(9), SP) for at, *_ in morning.due), "nobody is woken before nine"
    morning.until(datetime.combine(TUESDAY, time(23, 59), SP))

    with engine.connect() as conn:
        sent = conn.execute(select(CONTACT.c.debtor_id, CONTACT.c.planned_at, CONTACT.c.state)).all()
        links = conn.execute(select(CONTACT_CASE.c.case_id, CONTACT_CASE.c.lead)).all()
        told = select(LEDGER.c.case_id).where(LEDGER.c.kind == "contact_sent")
        heard = list(conn.execute(told).scalars())
        waiting = conn.execute(select(CASE.c.next_reason).distinct()).scalars().all()
    local = [row.planned_at.astimezone(SP) for row in sent]
    assert Counter(row.state for row in sent) == {"accepted": DEBTORS}, "one message a debtor, whatever he owes"
    assert max(Counter(row.debtor_id for row in sent).values()) == 1
    assert {link.case_id for link in links} == {case.case for case in cases}, "every case is told of in one of them"
    assert sum(link.lead for link in links) == DEBTORS
    assert not any("outcome" in reason or "step um" in reason for reason in waiting)
    assert len(heard) >= DEBTORS

    assert all(at.date() == TUESDAY and time(9) <= at.time() < time(12) for at in local), "a third of nine hours"
    by_hour = Counter(at.hour for at in local)
    assert set(by_hour) == {9, 10, 11}
    assert max(by_hour.values()) < DEBTORS / 2, "spread, not heaped up at nine"
    busiest = max(Counter(at.replace(second=0, microsecond=0) for at in local).values())
    assert busiest <= 60 * Settings().email_per_second
    assert busiest <= 10


def test_what_had_to_wait_for_another_day_is_spread_over_that_day_too(engine: Engine, tmp_path: Path) -> None:
    """Tuesday turns out to be a day off: all are put off until Wednesday at nine, and nobody is written to then."""
    row = {"place": "BR", "day": TUESDAY, "name": "Luto", "source": "Decreto", "loaded_at": datetime.now(UTC)}
    with engine.begin() as conn:
        conn.execute(insert(HOLIDAY).values(row))
    morning, cases = Morning(engine, tmp_path), open_all(engine, debtors=20)
    for case in cases:
        morning.open(case, datetime.combine(TUESDAY, time(0, 5), SP))
    morning.until(datetime.combine(TUESDAY, time(23, 59), SP))
    wednesday = TUESDAY + timedelta(days=1)
    assert {at for at, *_ in morning.due} == {datetime.combine(wednesday, time(9), SP)}
    morning.until(datetime.combine(wednesday, time(23, 59), SP))
    with engine.connect() as conn:
        local = [at.astimezone(SP) for at in conn.execute(select(CONTACT.c.planned_at)).scalars()]
    assert len(local) == 20
    assert {at.date() for at in local} == {wednesday}
    assert {at.hour for at in local} == {9, 10, 11}, "a third of nine hours"
    assert max(Counter(at.replace(second=0, microsecond=0) for at in local).values()) <= 3

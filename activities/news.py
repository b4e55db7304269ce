"""News of payments: no firm step on what was known last week (promise 3).

Notice, protest and hand-over ask here under the case's lock, the daily batch before it builds a file. Old news defer
the step with a fact that says so; news that arrive wake the cases that wait for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from uuid import UUID, uuid5

from sqlalchemy import Connection, select

from activities.desk import Desk, fact_values, store_facts
from activities.tasks import open_tasks, task_row
from db.rows import CASE, CREDITOR
from domain import facts as f
from domain.calendars import next_bank_day
from domain.fold.debt import NEWS_ARE_OLD
from domain.news import news_are_fresh
from domain.places import time_zone

ASK_AGAIN = time(10)
"""Local time of the next bank day at which a firm step asks again, where no news have woken it before."""


def wait_for_news(desk: Desk, step: str) -> f.ContactDeferred | None:
    """The deferral of a firm step while the creditor's payment news are old; None where they are fresh."""
    creditor = desk.row.creditor_id
    news = desk.conn.execute(select(CREDITOR.c.news_on).where(CREDITOR.c.id == creditor)).scalar_one()
    today = desk.case.today(desk.now)
    if news_are_fresh(news, today):
        return None
    ask_for_news(desk.conn, creditor, today, desk.now)
    day = next_bank_day(today + timedelta(days=1))
    return f.ContactDeferred(step, datetime.combine(day, ASK_AGAIN, time_zone(desk.case.uf)), NEWS_ARE_OLD)


def ask_for_news(conn: Connection, creditor_id: UUID, today: date, now: datetime) -> None:
    """A person brings the bank's files: one task a day and creditor, however many cases wait."""
    key = uuid5(creditor_id, f"payment-news:{today}")
    details = (f"creditor {creditor_id}", "payments are not known up to yesterday")
    open_tasks(conn, [task_row(key, "payment-news", "clerk", next_bank_day(today), now, details)])


def wake_waiting(conn: Connection, creditor_id: UUID, until: date, now: datetime) -> Sequence[UUID]:
    """Tell the cases that wait for news of payments that they are here; ids of the facts, to be delivered."""
    waits = CASE.c.state["steps"].astext.contains(NEWS_ARE_OLD)
    open_cases = select(CASE.c.id).where(CASE.c.creditor_id == creditor_id, CASE.c.stage != "closed", waits)
    news = f.PaymentNews(until)
    return store_facts(
        conn,
        [
            fact_values(case, f"news:{case}:{until}", news, "engine", now)
            for case in conn.execute(open_cases.order_by(CASE.c.id)).scalars()
        ],
    )

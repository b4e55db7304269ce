"""Figures of the business, each one query of the database that an index answers.

Labels are words of ours and codes of creditors: what does not look like one, or is one too many, counts as `other`, so
no name, document or address can become a label, and no file of a thousand creditors can fill Prometheus.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

OTHER = "other"
MOST_SERIES = 300
"""Of one figure; the smallest beyond it are summed up."""
OPEN_STAGES = ("preventive", "amicable", "notice", "protest", "legal")
DEADLINE_TASKS = {
    "dispute": "dispute",
    "dispute-silent": "dispute",
    "limitation-first": "limitation",
    "limitation-last": "limitation",
    "removal-due": "bureau-removal",
    "removal-late": "bureau-removal",
    "tell-agency": "outside-word",
    "tell-bureau": "bureau-removal",
    "tell-central": "outside-word",
    "tell-legal": "outside-word",
    "withdraw-boleto": "boleto-withdrawal",
}
"""Tasks behind which a term runs that the law, the bureau or the policy sets, and what the term is for.

`tell-` is a word that no road carries: a person tells the lawyer, the agency or the central what is no longer so, and
the bureau that an entry must go. Two more terms are read off the titles: a withdrawal must reach the notary within
three working days (Lei 9.492/1997 art. 12 and 16), and who has paid a registered protest needs the letter of consent
(art. 26 §1); no law says until when, here a week, as near as can be to the five working days of Súmula 548 of the STJ.
"""

_WORD = re.compile(r"[a-z][a-z0-9._-]{0,39}")
_NUMBER = re.compile(r"\d{8,}")  # a document or a phone, not a code


@dataclass(frozen=True)
class Moment:
    """When figures are read: real time and business time (both aware), the office's business day, the clock's pace."""

    real: datetime
    business: datetime
    today: date
    scale: float = 1.0

    def parameters(self) -> dict[str, Any]:
        """What queries may name. An instruction is late five real minutes after its time."""
        late = self.business - timedelta(minutes=5) * self.scale
        return {
            "real": self.real,
            "business": self.business,
            "today": self.today,
            "soon": self.today + timedelta(days=2),
            "scale": self.scale,
            "late": late,
            "open_stages": list(OPEN_STAGES),
            "deadline_kinds": list(DEADLINE_TASKS),
            "deadline_names": list(DEADLINE_TASKS.values()),
        }


@dataclass(frozen=True, eq=False)
class Figure:
    """Gauges that one query brings: the label columns come first, then one column for each name."""

    names: Sequence[tuple[str, str]]
    """Name and explanation of each gauge: first how many, then how old or how long."""
    labels: Sequence[str]
    query: str
    keep: float = 15.0
    """Real seconds for which what was read is shown again."""

    def read(self, conn: Connection, at: Moment) -> list[tuple[tuple[str, ...], tuple[float, ...]]]:
        """Labels and values now."""
        rows = conn.execute(text(self.query), at.parameters()).all()
        width = len(self.labels)
        return bounded(
            (tuple(map(str, row[:width])), tuple(float(value or 0) for value in row[width:])) for row in rows
        )


def bounded(
    rows: Iterable[tuple[tuple[str, ...], tuple[float, ...]]],
) -> list[tuple[tuple[str, ...], tuple[float, ...]]]:
    """The same with labels that are words of ours, and not too many of them.

    Of what falls together the first values are summed, and the largest of the others holds.
    """
    summed: dict[tuple[str, ...], tuple[float, ...]] = {}
    for labels, values in rows:
        _add(summed, tuple(map(label, labels)), values)
    by_size = sorted(summed.items(), key=lambda item: item[1], reverse=True)
    shown = dict(by_size[:MOST_SERIES])
    for labels, values in by_size[MOST_SERIES:]:
        _add(shown, (OTHER,) * len(labels), values)
    return list(shown.items())


def label(word: str) -> str:
    """The word where it may stand as a label, "" for nothing, else `other`."""
    lower = word.lower()
    return lower if not lower or (_WORD.fullmatch(lower) and not _NUMBER.search(lower)) else OTHER


def _add(to: dict[tuple[str, ...], tuple[float, ...]], key: tuple[str, ...], values: tuple[float, ...]) -> None:
    before = to.get(key, (0.0,) * len(values))
    to[key] = (before[0] + values[0], *map(max, before[1:], values[1:]))


def _waiting(name: str, what: str, table: str, column: str, where: str) -> Figure:
    """How many rows wait, and for how many real seconds the oldest of them."""
    return Figure(
        [(name, f"{what} that wait"), (f"{name}_oldest_seconds", f"age of the oldest of them ({column}), real time")],
        [],
        f"SELECT count(*), extract(epoch FROM CAST(:real AS timestamptz) - min({column})) FROM {table} WHERE {where}",
    )


_WHEN = "CASE WHEN {0} < :today THEN 'overdue' WHEN {0} = :today THEN 'today' ELSE 'later' END"

FIGURES = (
    Figure(
        [("regua_cases", "cases by creditor and stage")],
        ["creditor", "stage"],
        """SELECT c.code, n.stage, n.cases FROM creditor c JOIN
           (SELECT creditor_id, stage, count(*) AS cases FROM "case" GROUP BY creditor_id, stage) n
           ON n.creditor_id = c.id""",
        keep=60,
    ),
    Figure(
        [
            ("regua_cases_overdue", "cases whose instruction was due more than five minutes ago and was not acted on"),
            ("regua_cases_overdue_oldest_seconds", "how long ago the oldest of them was due, real time"),
        ],
        ["action"],
        """SELECT next_action, count(*),
                  extract(epoch FROM CAST(:business AS timestamptz) - min(next_at)) / CAST(:scale AS float)
           FROM "case" WHERE stage = ANY(:open_stages) AND next_at < :late AND seq > 0 GROUP BY next_action""",
    ),
    _waiting("regua_facts_unacknowledged", "facts that no case took in", "fact", "received_at",
             "acknowledged_at IS NULL"),
    _waiting("regua_webhook_events_waiting", "events of providers not applied", "webhook_event", "received_at",
             "taken_at IS NULL"),
    _waiting("regua_inbound_messages_waiting", "messages of debtors not understood yet", "inbound_message",
             "received_at", "taken_at IS NULL"),
    _waiting("regua_payments_unmatched", "payments that belong to no case yet", "payment", "received_at",
             "case_id IS NULL"),
    Figure(
        [("regua_contacts_day", "contacts planned in the last day of business time, by what became of them")],
        ["channel", "state"],
        """SELECT channel, state, count(*) FROM contact
           WHERE planned_at > CAST(:business AS timestamptz) - interval '1 day' GROUP BY channel, state""",
        keep=60,
    ),
    Figure(
        [("regua_tasks_open", "open tasks by kind and by whether their day is over")],
        ["kind", "due"],
        f"SELECT kind, {_WHEN.format('due')}, count(*) FROM task WHERE done_at IS NULL GROUP BY 1, 2",
    ),
    Figure(
        [
            ("regua_task_done_week", "tasks finished in the last seven days of business time"),
            ("regua_task_median_seconds", "business time from opening to end, half of them took no longer"),
            ("regua_task_slow_seconds", "business time from opening to end, nine of ten took no longer"),
        ],
        ["kind"],
        """SELECT kind, count(*),
                  percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM done_at - opened_at)),
                  percentile_cont(0.9) WITHIN GROUP (ORDER BY extract(epoch FROM done_at - opened_at))
           FROM task WHERE done_at > CAST(:business AS timestamptz) - interval '7 days' GROUP BY kind""",
        keep=300,
    ),
    Figure(
        [("regua_approvals_waiting", "approvals asked for and not given, by purpose")],
        ["purpose", "due"],
        f"SELECT purpose, {_WHEN.format('due')}, count(*) FROM approval WHERE state = 'asked' GROUP BY 1, 2",
    ),
    Figure(
        [("regua_deadlines", "terms that end within two days, end today or are over, behind open work")],
        ["deadline", "when"],
        f"""SELECT d.deadline, {_WHEN.format('t.due').replace("'later'", "'soon'")}, count(*) FROM task t
            JOIN unnest(CAST(:deadline_kinds AS text[]), CAST(:deadline_names AS text[])) AS d(kind, deadline)
              ON d.kind = t.kind
            WHERE t.done_at IS NULL AND t.due <= :soon GROUP BY 1, 2
            UNION ALL
            SELECT 'notary-withdrawal', {_WHEN.format('p.term_end').replace("'later'", "'soon'")}, count(*)
            FROM protest_title p WHERE p.state = 'withdrawing' AND p.term_end <= :soon GROUP BY 1, 2
            UNION ALL
            SELECT 'consent-letter', CASE WHEN c.closed_at < CAST(:business AS timestamptz) - interval '7 days'
                                     THEN 'overdue' ELSE 'soon' END, count(*)
            FROM protest_title p JOIN "case" c ON c.id = p.case_id
            WHERE p.state = 'registered' AND c.stage = 'closed' AND c.balance <= 0
              AND NOT EXISTS (SELECT FROM document d WHERE d.case_id = c.id AND d.kind = 'consent')
            GROUP BY 1, 2""",
    ),
    Figure(
        [
            ("regua_protest_orders_waiting", "orders to notaries that are queued, or sent and not answered"),
            ("regua_protest_orders_waiting_oldest_seconds", "business time since the oldest of them was given"),
        ],
        ["kind", "state"],
        """SELECT kind, state, count(*), extract(epoch FROM CAST(:business AS timestamptz) - min(queued_at))
           FROM protest_order WHERE state IN ('queued', 'sent') GROUP BY kind, state""",
    ),
    Figure(
        [
            ("regua_cra_files_waiting", "files of the notaries' central that wait: to be sent, or to be taken in"),
            ("regua_cra_files_waiting_oldest_seconds", "business time since the oldest of them was made"),
        ],
        ["direction", "state"],
        """SELECT direction, state, count(*), extract(epoch FROM CAST(:business AS timestamptz) - min(created_at))
           FROM cra_file WHERE state IN ('prepared', 'sending', 'received')
             AND business_day > CAST(:today AS date) - 60 GROUP BY direction, state""",
    ),
    Figure(
        [("regua_creditor_news_age_days", "days since the last day of which all payments are known, by creditor")],
        ["creditor"],
        "SELECT code, CAST(:today AS date) - news_on FROM creditor WHERE news_on IS NOT NULL",
        keep=300,
    ),
    Figure(
        [
            ("regua_archive_lag_cases", "cases closed more than 26 hours ago whose history is not archived"),
            ("regua_archive_last_timestamp_seconds", "when a history was archived last (business time)"),
        ],
        [],
        """SELECT (SELECT count(*) FROM "case" c WHERE c.stage = 'closed' AND c.ledger_seq > 0
                     AND c.closed_at < CAST(:business AS timestamptz) - interval '26 hours'
                     AND NOT EXISTS (SELECT FROM archive a WHERE a.case_id = c.id AND a.generation = c.generation
                                     AND a.closed)),
                  (SELECT extract(epoch FROM max(archived_at)) FROM archive)""",
        keep=600,
    ),
    Figure(
        [
            ("regua_anchor_age_seconds", "business time since the ledgers were sealed last; no series where never"),
            ("regua_anchor_cases", "ledgers under the last seal"),
        ],
        [],
        """SELECT extract(epoch FROM CAST(:business AS timestamptz) - made_at), cases FROM anchor
           ORDER BY number DESC LIMIT 1""",
        keep=60,
    ),
)  # fmt: skip

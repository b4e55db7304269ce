"""How the case of a new invoice begins, and what it would send when: the counts that a person releases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import cast
from uuid import UUID

from domain import facts as f
from domain.case import Case, Terms
from domain.decide import Action, Heard, advance, new_case, schedule
from domain.hours import jitter_of
from domain.indices import SeriesCode
from domain.limitation import limitation
from domain.policy import FIRM, Policy
from starter.importing.rows import DebtorKind, InvoiceRow

_NOBODY = UUID(int=0)


@dataclass(frozen=True)
class Opening:
    """How a case begins: does it wait for release, from which day its ladder counts, when its workflow starts."""

    waits: bool
    ladder_due: date
    starts_on: date


class Openings:
    """New cases of one import. `ladders`: by name; `defaults`: name by kind of debtor; `today`: the civil day."""

    def __init__(self, ladders: Mapping[str, Policy], defaults: Mapping[DebtorKind, str], today: date) -> None:
        self.ladders, self.defaults, self.today = ladders, defaults, today
        self._known: dict[tuple[str, date], Opening] = {}

    def policy(self, row: InvoiceRow) -> Policy:
        """The ladder of a row: its own, or the creditor's for its kind of debtor."""
        return self.ladders[row.policy or self.defaults[row.debtor_kind]]

    def of(self, row: InvoiceRow) -> Opening:
        """How the row's case begins; it follows from its ladder and due date alone."""
        policy = self.policy(row)
        key = (policy.hash, row.due)
        if key not in self._known:
            case = _case(row, policy, _NOBODY, _NOBODY)
            new_case(case, policy, self.today)
            days = [date.fromisoformat(step["day"]) for step in schedule(case, policy, self.today) if step["day"]]
            starts_on = max(min(days, default=self.today), self.today)
            self._known[key] = Opening(case.awaits_release, case.ladder_due, starts_on)
        return self._known[key]

    def case(self, row: InvoiceRow, case_id: UUID, debtor_id: UUID, opted_out: list[str]) -> Case:
        """The case of a new invoice; an opt-out that the debtor gave before holds for it too."""
        opening = self.of(row)
        case = _case(row, self.policy(row), case_id, debtor_id)
        case.awaits_release, case.ladder_due, case.opted_out = opening.waits, opening.ladder_due, sorted(opted_out)
        return case


def _case(row: InvoiceRow, policy: Policy, case_id: UUID, debtor_id: UUID) -> Case:
    terms = Terms(
        principal=row.amount,
        due=row.due,
        original_due=row.due,
        kind=row.kind,
        consumer=row.debtor_kind == "consumer",
        fine_percent=row.fine_percent,
        monthly_interest_percent=row.monthly_interest_percent,
        charges_source=row.charges_source,
        correction=cast("SeriesCode", row.correction) if row.correction else None,
        fees_percent=row.fees_percent,
        fees_source=row.fees_source,
        boleto=row.boleto,
    )
    jitter = jitter_of(str(debtor_id))
    case = Case(str(case_id), row.uf, jitter, policy.hash, terms, ladder_due=row.due, ibge=row.ibge)
    case.portfolio = cast("f.Portfolio", row.portfolio or case.portfolio)
    if row.bank_order not in ("", "none"):
        case.bank_orders = [cast("f.BankOrderKind", row.bank_order)]
    case.nfe = row.nfe_event
    return case


@dataclass(frozen=True)
class Outgo:
    """What goes out on a day: so many cases reach this step. `after_release`: if they are released today."""

    day: date
    step: str
    do: str
    cases: int
    after_release: bool


class Outlook:
    """New cases counted by what decides their first steps; `goes_out` plays one of each kind through its first days."""

    def __init__(self, openings: Openings) -> None:
        self.openings = openings
        self._samples: dict[tuple[object, ...], InvoiceRow] = {}
        self._cases: Counter[tuple[object, ...]] = Counter()

    def add(self, row: InvoiceRow) -> None:
        """Count a new case. One past its limitation sends nothing and is left out."""
        if self.openings.today > limitation(row.kind, row.due).last:
            return
        policy, opening = self.openings.policy(row), self.openings.of(row)
        key: tuple[object, ...] = (policy.hash, row.uf, row.debtor_kind, opening.waits)
        if not opening.waits or policy.entry.already_late == "as-dated":
            key = (*key, row.due)
        if any(step.when for step in policy.steps if step.do not in FIRM):
            key = (*key, row.hash)
        self._samples.setdefault(key, row)
        self._cases[key] += 1

    def goes_out(self, now: datetime, days: int) -> list[Outgo]:
        """The steps that these cases reach from `now` (business time, aware) on, in so many days, by day and step.

        As the rules plan them: a debtor's cases that come together go out as one message, and caps can spread them
        over later days. Cases that wait are counted as if they were released today. Nothing after a first firm step is
        foreseen, that depends on answers.
        """
        until = self.openings.today + timedelta(days=days - 1)
        found: Counter[tuple[date, str, str, bool]] = Counter()
        for key, row in self._samples.items():
            opening, policy = self.openings.of(row), self.openings.policy(row)
            if opening.starts_on <= until:
                case = self.openings.case(row, _NOBODY, _NOBODY, [])
                for day, step, do in _first_steps(case, policy, now, self.openings.today, until):
                    found[day, step, do, opening.waits] += self._cases[key]
        return [Outgo(day, step, do, cases, waits) for (day, step, do, waits), cases in sorted(found.items())]


def _first_steps(
    case: Case, policy: Policy, now: datetime, today: date, until: date
) -> Iterator[tuple[date, str, str]]:
    heard = [Heard(f.Released(today), now, "outlook", "outlook")] if case.awaits_release else []
    while True:
        decision = advance(case, heard, policy, now)
        told = (entry.fact for entry in decision.entries)
        yield from (
            (case.today(now), fact.step, "task")
            for fact in told
            if isinstance(fact, f.TaskOpened) and fact.task == "step"
        )
        wanted = decision.instruction
        if wanted.not_before is None or case.today(wanted.not_before) > until:
            return
        heard, waits = [], wanted.action is Action.WAIT
        if waits and wanted.not_before <= now:
            return
        now = max(now, wanted.not_before)
        if not waits:
            yield case.today(now), wanted.step, str(wanted.action)
            if wanted.action is not Action.CONTACT:
                return
            heard = [Heard(f.ContactSent(wanted.step, "outlook", "email"), now, "outlook", "outlook")]

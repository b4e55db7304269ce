"""The life of a case, day by day: what was known, decided, done, and what was not done and why.

Everything follows from the ledger, the schedules and the rows beside them. With a last day, the case is shown as it
stood at the end of that day, knowing nothing of what came later. Names and notes are read from the rows that can be
erased, when it is printed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal

from sqlalchemy import Row, select

from audit.book import Book
from audit.refold import Refold, Step, moment
from audit.words import DOCUMENTS, RULE, STAGES, STATES, entry_words, event_words, instruction_words, reason, who
from db.rows import APPROVAL, CREDITOR, DEBTOR, INVOICE, NOTE, WORD
from domain.calendars import is_contact_holiday
from domain.case import Case, dump
from domain.clock import Clock
from domain.hours import window
from domain.money import format_brl
from domain.policy import Policy
from letters import pt, timeline

What = Literal["known", "decided", "done", "not-done", "waited", "planned"]
WHAT: dict[What, str] = {
    "known": "soube-se", "decided": "decidiu-se", "done": "fez-se", "not-done": "não se fez", "waited": "esperou-se",
    "planned": "previsto",
}  # fmt: skip
_UNDONE = frozenset(
    {"contact_deferred", "unreachable", "action_failed", "step_passed_over", "refused", "title_incomplete"}
)
_TRIED = frozenset(
    {
        "contact_sent", "contact_failed", "contact_deferred", "unreachable", "notice_issued", "title_queued",
        "task_opened", "action_failed", "step_passed_over", "approval_asked",
    }
)  # fmt: skip
"""Entries that say themselves what became of their step on that day."""
_A_DAY = timedelta(days=1)
_BEGUN = frozenset({"done", "passed-over", "running"})
"""States of a step that is no longer waiting for its day."""


@dataclass(frozen=True)
class Item:
    """One thing on one day. `at` is None where only the day is known; `entry` numbers the ledger's entry."""

    what: What
    text: str
    who: str = ""
    at: datetime | None = None
    entry: int | None = None
    proofs: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Day:
    """One day of the debtor's place, with the debt at its end in reais (None where it cannot be told).

    `until`: the last of several days on which nothing happened, with the debt at its end.
    """

    on: date
    debt: Decimal | None
    items: tuple[Item, ...]
    until: date | None = None
    debt_until: Decimal | None = None

    @property
    def title(self) -> str:
        """The day, or days, and the debt."""
        days = pt.day(self.on) + (f" a {pt.day(self.until)}" if self.until else "")
        debts = list(dict.fromkeys(format_brl(debt) for debt in (self.debt, self.debt_until) if debt is not None))
        return f"{days} · dívida {' a '.join(debts)}" if debts else days


@dataclass(frozen=True)
class Standing:
    """The case as it stood at the end of a day."""

    on: date
    stage: str
    instruction: str
    holds: tuple[str, ...]
    memory: tuple[tuple[str, str, Decimal], ...]
    total: Decimal | None
    schedule: tuple[dict[str, str], ...]
    state: Mapping[str, Any]


@dataclass(frozen=True)
class Timeline:
    """The whole life, up to and including a day."""

    case: str
    heading: Mapping[str, str]
    days: tuple[Day, ...]
    standing: Standing
    notes: tuple[str, ...] = field(default=())


def build(book: Book, clock: Clock, until: date | None, today: date) -> Timeline:
    """The timeline of a case up to `until` (None: up to `today`, with what is planned after it)."""
    return _Builder(book, clock, until or today, ahead=until is None).timeline()


class _Builder:
    """Collects the items of one case, day by day."""

    def __init__(self, book: Book, clock: Clock, last: date, *, ahead: bool) -> None:
        self.book, self.clock, self.last, self.ahead = book, clock, last, ahead
        self.end = book.end_of(last)
        self.items: dict[date, list[Item]] = defaultdict(list)
        refold = Refold(book)
        self.steps = [step for step in refold.steps() if step.taken.now < self.end]
        self.notes = tuple(finding.line() for finding in refold.findings)

    def timeline(self) -> Timeline:
        self._entries()
        self._contacts()
        self._words()
        self._documents()
        self._not_done()
        if self.ahead:
            self._planned()
        return Timeline(self.book.name, self._heading(), tuple(self._days()), self._standing(), self.notes)

    def _days(self) -> Iterator[Day]:
        """Every day from the first to the last; those on which nothing happened together."""
        told = sorted(self.items)
        for on, following in zip(told, [*told[1:], None], strict=True):
            yield Day(on, self._debt(on), tuple(sorted(self.items[on], key=_order)))
            last = min(self.last, following - _A_DAY) if following else self._end
            if last > on:
                yield self._silent(on + _A_DAY, last)

    @property
    def _end(self) -> date:
        """The last day that is told of: after the close of a case there is nothing to wait for."""
        over = self.steps and self.steps[-1].case.closed
        return max(self.items) if over and self.items else self.last

    def _silent(self, on: date, last: date) -> Day:
        """Days on which nothing happened: the instruction then in force says why."""
        step, items = self._at(on), tuple[Item, ...]()
        if step and step.case.closed:
            items = (Item("waited", "o caso está encerrado"),)
        elif step:
            row = step.taken.decided
            text = instruction_words({**row.body, "not_before": moment(row.body.get("not_before"))}, self.book.local)
            items = (Item("waited", f"nada a fazer ainda: {text}", RULE, entry=row.seq),)
        until = last if last > on else None
        return Day(on, self._debt(on), items, until, self._debt(last) if until else None)

    def _add(self, at: datetime, what: What, text: str, by: str = "", entry: int | None = None, **more: Any) -> None:
        if at < self.end:
            local = self.book.local(at)
            self.items[local.date()].append(Item(what, text, by, local, entry, **more))

    # --- the ledger ------------------------------------------------------------------------------------------------
    def _entries(self) -> None:
        for row in self.book.ledger:
            if row.kind == "decided":
                body = {**row.body, "not_before": moment(row.body.get("not_before"))}
                text = instruction_words(body, self.book.local)
                self._add(row.business_at, "decided", f"a seguir: {text}", RULE, row.seq)
            else:
                self._entry(row)

    def _entry(self, row: Row[Any]) -> None:
        text, proofs = entry_words(row), [("hash", row.hash)]
        if row.kind == "contact_deferred":
            until = moment(row.body["until"]) or row.business_at
            day = self.book.local(row.business_at)
            why = f"{reason(row.body['reason'])} até {self._minute(until)}"
            text = f"passo {row.body['step']}: {_nothing(day.date())} {why}"
        elif row.kind == "note" and (note := self._notes.get(row.body["note_id"])):
            text = f"{text}: «{note}»"
        if contact := self._contact_of(row):
            proofs += _contact_proofs(contact)
        if document := self._document_of(row):
            proofs += [("documento", str(document.id)), ("SHA-256", document.sha256)]
        self._add(row.business_at, self._kind(row), text, who(row.actor, row.cause), row.seq, proofs=tuple(proofs))

    def _kind(self, row: Row[Any]) -> What:
        if row.kind in _UNDONE:
            return "not-done"
        if row.cause == "rule":
            return "decided"
        return "done" if row.cause.startswith("activity:") else "known"

    def _contact_of(self, row: Row[Any]) -> Row[Any] | None:
        return self._contacts_by_id.get(str(row.body.get("contact_id", "")))

    @cached_property
    def _contacts_by_id(self) -> dict[str, Row[Any]]:
        return {str(contact.id): contact for contact in self.book.contacts}

    def _document_of(self, row: Row[Any]) -> Row[Any] | None:
        notice = self.book.notices.get(str(row.body.get("notice_id", ""))) if row.kind == "notice_issued" else None
        wanted = str(notice.document_id) if notice else str(row.body.get("document_id", ""))
        return next((document for document in self.book.documents if str(document.id) == wanted), None)

    @cached_property
    def _notes(self) -> dict[str, str]:
        """Notes that were not erased, by id."""
        rows = self.book.conn.execute(select(NOTE.c.id, NOTE.c.text).where(NOTE.c.case_id == self.book.id))
        return {str(row.id): row.text for row in rows}

    # --- beside the ledger -----------------------------------------------------------------------------------------
    def _contacts(self) -> None:
        """Calls to providers that brought nothing, and what providers reported."""
        for contact in self.book.contacts:
            name = _named(contact)
            for call in self.book.attempts.get(contact.id, []):
                if call.outcome != "accepted":
                    text = f"chamada nº {call.number} ao provedor ({name}): {event_words(call.outcome, call.code)}"
                    self._add(self.clock.business(call.begun_at), "not-done", text, "régua", proofs=(_of(contact),))
        for event in self.book.receipts:
            contact = self._contacts_by_id[str(event.contact_id)]
            text = f"recibo do provedor ({_named(contact)}): {event_words(event.event, event.code)}"
            proofs = (_of(contact), ("recibo", event.event_key))
            self._add(event.business_at, "known", text, timeline.who(event.provider), proofs=proofs)

    def _words(self) -> None:
        """What people said to approvals."""
        said = select(WORD, APPROVAL.c.purpose).join(APPROVAL, APPROVAL.c.id == WORD.c.approval_id)
        for row in self.book.conn.execute(said.where(APPROVAL.c.case_id == self.book.id)):
            yes = "sim" if row.yes else "não"
            text = f"palavra sobre aprovação ({timeline.word(row.purpose)}): {yes}"
            self._add(row.said_at, "known", text, row.staff_id, proofs=(("aprovação", str(row.approval_id)),))

    def _documents(self) -> None:
        for row in self.book.documents:
            proofs = (("documento", str(row.id)), ("SHA-256", row.sha256))
            text = f"documento guardado: {DOCUMENTS.get(row.kind, row.kind)}"
            self._add(row.created_at, "done", text, "régua", proofs=proofs)

    # --- what was not done -----------------------------------------------------------------------------------------
    def _not_done(self) -> None:
        """For each day for which a step was planned and did not happen: why, by what was in force at its end."""
        for on in sorted({day for planned in self._plans() for day in planned[1].values()} | self._allowed.keys()):
            step = self._at(on)
            if on > self.last or step is None or step.case.closed or not self.steps or on < self._first:
                continue
            for name in dict.fromkeys([*self._planned_for(on), *self._allowed.get(on, ())]):
                state = step.case.steps.get(name)
                if not (state and state.status in _BEGUN) and not self._passed(name, on):
                    self.items[on].append(Item("not-done", f"passo {name}: {_nothing(on)} {self._why(step, name, on)}"))

    @property
    def _first(self) -> date:
        return self.book.local(self.steps[0].taken.now).date()

    def _plans(self) -> Iterator[tuple[datetime, dict[str, date]]]:
        """Each schedule with the moment from which it stood: pending steps with their days."""
        for row in self.book.schedules:
            if row.decided_at < self.end:
                yield (
                    row.decided_at,
                    {
                        step["step"]: date.fromisoformat(step["day"])
                        for step in row.steps
                        if step["state"] == "pending" and step["day"]
                    },
                )

    @cached_property
    def _allowed(self) -> dict[date, dict[str, datetime]]:
        """By day: the steps that an instruction let be done from a moment of it on, and was still in force then."""
        found: dict[date, dict[str, datetime]] = defaultdict(dict)
        decided = self.book.of_kind("decided")
        for row, following in zip(decided, [*decided[1:], None], strict=True):
            at = moment(row.body.get("not_before"))
            if row.body["action"] == "wait" or not row.body["step"] or not at or at >= self.end:
                continue
            if following is None or following.business_at > at:
                found[self.book.local(at).date()].setdefault(row.body["step"], at)
        return found

    def _planned_for(self, on: date) -> list[str]:
        """Steps that some schedule in force during a day had on that day."""
        plans = list(self._plans())
        begins, ends = self.book.end_of(date.fromordinal(on.toordinal() - 1)), self.book.end_of(on)
        before = [plan for at, plan in plans if at < begins][-1:]
        during = [plan for at, plan in plans if begins <= at < ends]
        return list(dict.fromkeys(name for plan in before + during for name, day in plan.items() if day == on))

    def _passed(self, name: str, on: date) -> bool:
        """Was the step done on that day, even if what came after (a bounce) opened it again?"""
        return any(
            entry.body.get("step") == name and self.book.local(entry.business_at).date() == on
            for entry in self.book.entries
            if entry.kind in _TRIED
        )

    def _why(self, step: Step, name: str, on: date) -> str:
        body = step.taken.decided.body
        until = moment(body.get("not_before"))
        end = f" até {self._minute(until)}" if until and until >= self.book.end_of(on) else ""
        if body["action"] == "wait" and body["step"] != name:
            return f"{reason(body['reason'])}{end}"
        if body["step"] != name:
            return f"antes vem: {instruction_words({**body, 'not_before': until}, self.book.local)}"
        return f"{self._delay(step.case, step.policy, name, on)}{end}"

    def _delay(self, case: Case, policy: Policy, name: str, on: date) -> str:
        """Why a contact that is next does not go out on its day."""
        state = case.steps.get(name)
        if state and state.deferred_until and self.book.local(state.deferred_until).date() > on:
            return reason(state.reason)
        if case.last_contact_on and case.last_contact_on >= on:
            return "já houve um contato neste dia"
        if since := self._allowed.get(on, {}).get(name):
            return f"podia ser feito desde {self.book.local(since):%H:%M}, e o sistema não chegou a ele"
        if window(on, case.uf, "message", policy.contact) is None:
            return "feriado" if is_contact_holiday(on, case.uf) else "fora dos dias em que se pode contatar"
        return "fora do horário"

    def _minute(self, at: datetime) -> str:
        return f"{self.book.local(at):%d/%m %H:%M}"

    # --- ahead -----------------------------------------------------------------------------------------------------
    def _planned(self) -> None:
        step = self.steps[-1] if self.steps else None
        plans = list(self._plans())
        if step is None or step.case.closed or not plans:
            return
        for name, on in plans[-1][1].items():
            if on > self.last:
                self.items[on].append(Item("planned", f"passo {name}", "agenda"))

    # --- how it stands ---------------------------------------------------------------------------------------------
    def _at(self, on: date) -> Step | None:
        """The case at the end of a day."""
        end = self.book.end_of(on)
        return next((step for step in reversed(self.steps) if step.taken.now < end), None)

    def _debt(self, on: date) -> Decimal | None:
        step = self._at(on)
        return step.case.debt(on).total if step else None

    def _standing(self) -> Standing:
        step, end = self.steps[-1] if self.steps else None, self.end
        decided = [row for row in self.book.of_kind("decided") if row.business_at < end]
        body = decided[-1].body if decided else {"action": "wait", "step": "", "reason": "", "stage": "preventive"}
        words = instruction_words({**body, "not_before": moment(body.get("not_before"))}, self.book.local)
        schedules = [row for row in self.book.schedules if row.decided_at < end]
        debt = step.case.debt(self.last) if step else None
        return Standing(
            on=self.last,
            stage=STAGES.get(body["stage"], body["stage"]),
            instruction=words,
            holds=_holds(step.case) if step else (),
            memory=tuple((line.name_pt, line.detail_pt, line.amount) for line in debt.lines) if debt else (),
            total=debt.total if debt else None,
            schedule=tuple({**row, "state": STATES[row["state"]]} for row in schedules[-1].steps) if schedules else (),
            state=dump(step.case) if step else {},
        )

    def _heading(self) -> dict[str, str]:
        row, conn = self.book.row, self.book.conn
        creditor = conn.execute(select(CREDITOR).where(CREDITOR.c.id == row.creditor_id)).one()
        debtor = conn.execute(select(DEBTOR).where(DEBTOR.c.id == row.debtor_id)).one()
        invoice = conn.execute(select(INVOICE).where(INVOICE.c.id == row.invoice_id)).one()
        return {
            "Credor": f"{creditor.name}, {pt.document(creditor.document)}",
            "Devedor": f"{debtor.name}, {pt.document(debtor.document)}",
            "Fatura": f"{invoice.printed_number} {invoice.instalment}".strip(),
        }


def _holds(case: Case) -> tuple[str, ...]:
    """What holds the ladder, in words."""
    found = [timeline.word(hold) for hold in case.holds]
    if case.promise:
        found.append(f"promessa até {pt.day(case.promise.on)}")
    if case.dispute:
        found.append("contestação aberta")
    if case.paused_until:
        found.append(f"pausado até {pt.day(case.paused_until)}")
    if case.awaits_release:
        found.append("aguarda liberação da primeira leva")
    found += [f"pendência: {task.kind}" for task in case.tasks.values() if task.holds]
    if case.approval and case.approval.state == "asked":
        found.append("aguarda aprovação")
    return tuple(found)


def _nothing(on: date) -> str:
    return f"nada em {on:%d/%m}:"


def _of(contact: Row[Any]) -> tuple[str, str]:
    return "contato", str(contact.id)


def _named(contact: Row[Any]) -> str:
    """A contact by its channel and step; of a notice's contact the step without its way."""
    step = contact.step.partition(":")[0] if contact.purpose == "notice" else contact.step
    return f"{timeline.channel(contact.channel)}, passo {step}"


def _contact_proofs(contact: Row[Any]) -> list[tuple[str, str]]:
    found = [_of(contact), ("HMAC do conteúdo", contact.content_hmac), ("id no provedor", contact.provider_id)]
    return [(name, value) for name, value in found if value]


def _order(item: Item) -> tuple[bool, float, int]:
    return item.at is None, item.at.timestamp() if item.at else 0.0, item.entry or 0

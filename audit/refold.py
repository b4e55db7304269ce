"""The ledger folded again through the core, and each decision made anew from the same facts at the same moment.

What was decided by the rules of today's version must come out the same: a difference is a finding. What an earlier (or
later) version decided otherwise is shown as a changed rule; then the book is followed as it was recorded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import zip_longest
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Row

from activities.desk import UnknownPolicyError, pinned_policy
from audit.book import Book
from audit.findings import Finding
from audit.tables import IndexTables
from audit.words import entry_words, instruction_words
from domain import facts as f
from domain.case import Case, dump, load
from domain.decide import RULES_VERSION, Action, Decision, Entry, Heard, advance, schedule
from domain.errors import Refused, Regua
from domain.fold import Moment, fold
from domain.policy import Policy

JUDGED_BY_ROWS = frozenset({"no-such-approval", "not-enough-words"})
"""Refusals of an approval that the database's rows decided, not the rules: they are taken as they stand."""


@dataclass(frozen=True)
class Taken:
    """One decision as the ledger holds it: what was heard, what the case decided by itself, the instruction."""

    heard: Sequence[Row[Any]]
    own: Sequence[Row[Any]]
    decided: Row[Any]

    @property
    def now(self) -> datetime:
        """The business time at which it was made."""
        return self.decided.business_at  # type: ignore[no-any-return]

    @property
    def entries(self) -> list[Row[Any]]:
        """Its entries, in order."""
        return [*self.heard, *self.own]


@dataclass(frozen=True)
class Step:
    """The case after one decision, under the ladder then in force; `findings` are about this decision."""

    taken: Taken
    case: Case
    policy: Policy
    findings: tuple[Finding, ...]


def decisions(ledger: Sequence[Row[Any]]) -> tuple[list[Taken], list[Row[Any]]]:
    """The ledger by decisions, and the entries at its end that no decision follows."""
    made: list[Taken] = []
    entries: list[Row[Any]] = []
    for row in ledger:
        if row.kind != "decided":
            entries.append(row)
            continue
        told = [entry for entry in entries if entry.cause != "rule"]
        made.append(Taken(told, [entry for entry in entries if entry.cause == "rule"], row))
        entries = []
    return made, entries


class Refold:
    """Follows one case from its first entry to its last. `findings` is complete once `steps` has been run through."""

    def __init__(self, book: Book, tables: IndexTables | None = None) -> None:
        self.book = book
        self.tables = tables or IndexTables(book.conn)
        self.sure = True
        self.findings: list[Finding] = []
        self.decided = 0
        self.changed = False
        self.ended: Case | None = None

    def run(self) -> list[Finding]:
        """Follow the whole book; returns all findings, in the order of the book."""
        for _ in self.steps():
            pass
        return self.findings

    def steps(self) -> Iterator[Step]:
        """The case after each decision. Ends early, with a finding, where the book cannot be followed."""
        case = self._opening()
        if case is None:
            return
        made, rest = decisions(self.book.ledger)
        planned: list[dict[str, str]] | None = None
        version = 0
        for taken in made:
            try:
                step, case, same = self._one(case, taken)
            except (Regua, UnknownPolicyError, ValidationError, LookupError, ValueError, TypeError) as error:
                why = f"não pode ser seguido pelas regras atuais ({type(error).__name__}); a conferência para aqui"
                self._find("decision", why, taken.decided)
                return
            if same:
                steps = schedule(case, step.policy, case.today(taken.now))
                if steps != planned:
                    version += 1
                    self._compare_schedule(version, steps, taken)
                planned = steps
            self.decided += 1
            yield step
        if not self.findings and (more := [row.version for row in self.book.schedules if row.version > version]):
            self.findings.append(self.book.finding("schedule", f"nenhuma decisão fez a agenda nº {more[0]} guardada"))
        if rest:
            self._say("decision", "não é seguido de nenhuma decisão, e todo registro é parte de uma", rest[0].seq)
        self.ended = case
        self._compare_state(case)

    # --- one decision ------------------------------------------------------------------------------------------------
    def _opening(self) -> Case | None:
        first = self.book.ledger[0] if self.book.ledger else None
        if first is None or first.kind != "opened":
            self._say("decision", "o livro não começa com a abertura do caso", 1)
            return None
        start = first.body.get("start")
        if not start:
            text = "o livro é de uma versão que não guardava o estado inicial; as decisões não podem ser refeitas"
            self.findings.append(Finding(self.book.name, "decision", text, 1, "note"))
            return None
        try:
            return load(start)
        except ValidationError:
            self._say("decision", "o estado inicial do caso não pode ser lido", 1)
            return None

    def _one(self, before: Case, taken: Taken) -> tuple[Step, Case, bool]:
        policy = pinned_policy(self.book.conn, before.policy_hash)
        indices, self.sure = self.tables.of(taken.decided.body.get("tables", ""), taken.now)
        before.indices = indices
        case = load(dump(before), indices)
        found = len(self.findings)
        try:
            decision = advance(case, [heard(row) for row in taken.heard], policy, taken.now)
        except (Regua, LookupError, ValueError, TypeError) as error:
            decision = None
            self._differs(taken.decided, f"as regras atuais não chegam a uma decisão ({type(error).__name__})")
        same = decision is not None and self._same(taken, decision)
        if not same:
            case = follow(before, taken, policy)
        after = pinned_policy(self.book.conn, case.policy_hash)
        return Step(taken, case, after, tuple(self.findings[found:])), case, same

    def _same(self, taken: Taken, decision: Decision) -> bool:
        """Is a decision what the ledger holds? Only the first difference is told: the others follow from it."""
        for row, entry in zip_longest(taken.entries, decision.entries):
            if row is None:
                self._differs(taken.decided, f"as regras atuais fariam ainda: {fact_words(entry.fact)}")
                return False
            if entry is None or not _is(row, entry):
                now = fact_words(entry.fact) if entry else "nada"
                self._differs(row, f"o livro diz «{entry_words(row)}»; as regras atuais dizem «{now}»")
                return False
        wanted = decision.instruction
        today = {
            "action": str(wanted.action), "step": wanted.step, "attempt": wanted.attempt, "reason": wanted.reason,
            "stage": wanted.stage, "not_before": wanted.not_before,
        }  # fmt: skip
        body = taken.decided.body
        recorded = {**{name: body.get(name) for name in today}, "not_before": moment(body.get("not_before"))}
        if recorded == today:
            return True
        told = f"o livro manda «{instruction_words(recorded, self.book.local)}»"
        self._differs(taken.decided, f"{told}; pelas regras atuais seria «{instruction_words(today, self.book.local)}»")
        return False

    def _differs(self, row: Row[Any], text: str) -> None:
        """A decision that today's rules would make differently: tampering only where the rules are the same."""
        if not self.sure:
            self.changed = True
            other = f"{text}; a tabela de índices com que se decidiu foi corrigida depois"
            self.findings.append(Finding(self.book.name, "decision", other, row.seq, "changed-rule"))
            return
        if row.rules_version == RULES_VERSION:
            same = f"{text}; a versão das regras é a mesma ({RULES_VERSION})"
            self.findings.append(Finding(self.book.name, "decision", same, row.seq))
            return
        self.changed = True
        other = f"{text}; regra mudada: decidido pela versão {row.rules_version}, a atual é {RULES_VERSION}"
        self.findings.append(Finding(self.book.name, "decision", other, row.seq, "changed-rule"))

    # --- what follows from the decisions -----------------------------------------------------------------------------
    def _compare_schedule(self, version: int, steps: list[dict[str, str]], taken: Taken) -> None:
        if self.findings:
            return
        stored = next((row for row in self.book.schedules if row.version == version), None)
        if stored is None:
            self._find("schedule", f"a agenda nº {version}, que esta decisão fez, não está guardada", taken.decided)
            return
        why = taken.entries[-1].kind if taken.entries else "time passed"
        if stored.steps != steps:
            other = next((one["step"] for one, two in zip(steps, stored.steps, strict=False) if one != two), "")
            text = f"a agenda nº {version} guardada não é a que esta decisão fez (passo {other})"
            self._find("schedule", text, taken.decided)
        elif (stored.decided_at, stored.reason) != (taken.now, why):
            text = f"a agenda nº {version} guarda outra hora ou outro motivo que os desta decisão"
            self._find("schedule", text, taken.decided)

    def _compare_state(self, case: Case) -> None:
        if self.findings or not self.sure:
            return
        folded, stored = dump(case), dump(load(self.book.row.state))
        names = sorted(name for name in folded.keys() | stored.keys() if folded.get(name) != stored.get(name))
        if names:
            text = f"a situação guardada do caso não é a que segue do livro: {', '.join(names)}"
            self.findings.append(Finding(self.book.name, "state", text))
        self._compare_columns(case)

    def _compare_columns(self, case: Case) -> None:
        row, body, now = self.book.row, self.book.ledger[-1].body, self.book.ledger[-1].business_at
        closed = body["action"] == Action.CLOSE
        wanted = {
            "stage": body["stage"], "next_action": body["action"], "next_step": body["step"],
            "next_reason": body["reason"], "seq": body["seq"], "outcome": case.closed,
            "balance": Decimal(0) if closed else case.debt(case.today(now)).total,
            "closed_at": now if closed else None,
        }  # fmt: skip
        if at := moment(body.get("not_before")):
            wanted["next_at"] = at
        for name, value in wanted.items():
            if getattr(row, name) != value:
                text = f"o caso guarda {name} = {getattr(row, name)}; do livro segue {value}"
                self.findings.append(Finding(self.book.name, "state", text))

    def _find(self, area: Any, text: str, row: Row[Any]) -> None:
        self._say(area, text, row.seq)

    def _say(self, area: Any, text: str, entry: int) -> None:
        self.findings.append(Finding(self.book.name, area, text, entry))


def heard(row: Row[Any]) -> Heard:
    """An entry of the ledger as it was heard; of a refusal, the fact that was refused."""
    fact = f.from_json(row.body)
    refused = None
    if isinstance(fact, f.Refusal) and fact.body:
        if fact.fact == "approve" and fact.code in JUDGED_BY_ROWS:
            refused = Refused(fact.code, "as it stands in the book")
        fact = f.from_json(fact.body)
    return Heard(fact, row.business_at, row.actor, row.cause, refused)


def follow(before: Case, taken: Taken, policy: Policy) -> Case:
    """The case as the ledger says it went on, whatever today's rules would decide."""
    case = load(dump(before), before.indices)
    for row in taken.entries:
        fold(f.from_json(row.body), case, Moment(taken.now, policy))
    return case


def moment(text: str | None) -> datetime | None:
    """A moment as it stands in JSON."""
    return datetime.fromisoformat(text) if text else None


def fact_words(fact: f.Fact) -> str:
    """A fact in words, shown as an entry."""
    return entry_words(fact)


def _is(row: Row[Any], entry: Entry) -> bool:
    same = (row.kind, row.actor, row.cause, row.business_at) == (entry.fact.kind, entry.actor, entry.cause, entry.at)
    return same and f.to_json(f.from_json(row.body)) == f.to_json(entry.fact)

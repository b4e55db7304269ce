"""What folding has in common: the moment, the ladder of functions by kind of fact, small moves that several make."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache, singledispatch
from typing import NamedTuple

from domain import facts as f
from domain.case import Case, Plan, Word
from domain.errors import Refused
from domain.outside import requested_text
from domain.policy import Policy

THANKS = "agradecimento"
"""The pseudo-step of thanks and receipts, outside every ladder."""
_WORD = "aviso:"
_INSTALMENT = "parcela:"
"""What pseudo-steps beside the ladder begin with: confirmations, reminders of instalments. No policy has such names."""


class Moment(NamedTuple):
    """When a fact is taken in (business time, aware) and under which ladder."""

    now: datetime
    policy: Policy

    def day(self, case: Case) -> date:
        """The debtor's civil day."""
        return case.today(self.now)


def open_case(case: Case) -> None:
    """Refused where the case is closed."""
    if case.closed:
        raise Refused("case-closed", f"the case is closed ({case.closed}); nothing can be asked of it any more")


@singledispatch
def fold(fact: f.Fact, case: Case, at: Moment) -> None:
    """Take one fact into the case, in place. Raises Refused, before any change, where the rules do not allow it."""
    raise TypeError(f"no rule for {type(fact).__name__}")


def word_step(word: Word) -> str:
    """The pseudo-step of a word that the case owes beside its ladder."""
    return f"{_WORD}{word.text}-{word.number}"


NEWS = frozenset({"pagamento-estornado", "acordo-quebrado"})
"""Words that tell the debtor that he owes again: they wait while anything holds the case, and count in the caps."""
CLOSING = frozenset({"comunicacao-baixa", "acordo-concluido"})
"""Words that end a case kindly; after a settlement no other is said (promise 8)."""


def instalment_step(plan: Plan, part: f.Instalment, kind: str) -> str:
    """The pseudo-step of a reminder of an instalment; `kind`: lembrete, atrasada."""
    return f"{_INSTALMENT}{kind}:{plan.id[:8]}.{part.number}"


@dataclass(frozen=True)
class Spoken:
    """What a pseudo-step says: the text, and whether it is a collection contact that counts in the caps."""

    text: str
    counts: bool


@lru_cache(maxsize=1 << 14)
def spoken(step: str) -> Spoken | None:
    """What a pseudo-step beside the ladder says; None for thanks (the payment decides their text) and for steps."""
    if step.startswith(_WORD):
        text = step.removeprefix(_WORD).rpartition("-")[0]
        return Spoken(text, counts=text in NEWS)
    if asked := requested_text(step):
        return Spoken(asked, counts=True)
    if step.startswith(_INSTALMENT):
        return Spoken(f"parcela-{step.removeprefix(_INSTALMENT).partition(':')[0]}", counts=True)
    return None


def owe(case: Case, text: str, about: str = "") -> None:
    """The debtor is to be told something beside the ladder; what was owed of the same kind is superseded."""
    case.owed = [word for word in case.owed if word.text != text]
    case.owed.append(Word(text, case.words, about))
    case.words += 1


def say_goodbye(case: Case) -> None:
    """Whoever was asked for a debt that is none is told so."""
    if case.last_contact_on:
        owe(case, "comunicacao-baixa")


def interrupt(case: Case, on: date) -> None:
    """An act that interrupts the limitation, once (CC art. 202): promise, part payment, plan, protest."""
    if case.interrupted_on is None and case.terms.original_due < on <= case.limitation().last:
        case.interrupted_on = on


def drop_tasks(case: Case, *kinds: str) -> None:
    """Tasks of these kinds are no longer needed."""
    case.tasks = {task_id: task for task_id, task in case.tasks.items() if task.kind not in kinds}


def task_of(case: Case, step: str) -> str:
    """The id of the task that a step of the ladder opened; empty where there is none."""
    return next((task_id for task_id, task in case.tasks.items() if task.step == step and task.kind == "step"), "")


def finish_step(case: Case, step: str, on: date, reason: str) -> None:
    """A step is done, and its task with it."""
    case.tasks.pop(task_of(case, step), None)
    state = case.step(step)
    state.status, state.on, state.reason, state.deferred_until = "done", on, reason, None


def void_notice(case: Case) -> None:
    """A notice names an amount, a due date and a deadline: when the agreement changes it says nothing true any more.

    What was asked or approved on the strength of it falls with it.
    """
    if case.notice:
        case.steps.pop(case.notice.step, None)
        case.notice = None
    if case.approval and case.approval.purpose in ("protest", "undeliverable-notice"):
        case.approval = None
    case.protest.examined = None


def present_again(case: Case) -> None:
    """The protest step starts anew: it asks for approval again, on today's balance."""
    for state in case.steps.values():
        if state.status == "running" and state.reason == "at-notary":
            state.status, state.reason = "pending", ""
    case.protest.state, case.protest.examined = "none", None


def look_again(case: Case) -> None:
    """Something that a title may have lacked was supplied or changed: what is missing is looked for anew."""
    case.protest.examined = None
    if case.protest.state == "incomplete":
        drop_tasks(case, "complete-title")
        present_again(case)


def protest_over(case: Case, word: str, at: Moment) -> None:
    """The protest step ended: the named moment protest.over, and how."""
    case.protest.word, case.protest.over_on = word, at.day(case)
    for state in case.steps.values():
        if state.status == "running" and state.reason == "at-notary":
            state.status, state.on, state.reason = "done", at.day(case), word

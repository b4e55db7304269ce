"""What follows from a reply, for one case: facts to tell it, an answer, or a person.

Who asks for silence gets it, and a stranger hears nothing of a debt; both are settled before these rules are asked. The
rest is acted on only where it is sure and without contradiction; the rules of the case have the last word on it
(`judged`), and everything else is a person's, with the ladder at rest until he has read it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from domain import facts as f
from domain.case import Case, dump, load
from domain.dialogue.understanding import Intent, Kind, Reading
from domain.errors import Refused
from domain.fold import Moment, fold

MOST_ANSWERS = 3
"""Automatic answers in one conversation on one day: then somebody talks to a machine."""
COPY, PERSON, WHICH_DAY, ARRANGE = "resposta-segunda-via", "resposta-pessoa", "resposta-qual-dia", "resposta-combinar"
QUESTIONS = frozenset({WHICH_DAY, ARRANGE, PERSON})
"""Answers after which, unless he says something clear, it is a person's turn."""
_KNOWN_ALREADY = frozenset({"already-claimed", "already-disputed"})
"""Refusals of what the case knows: said twice is said once, and a person is at work on it."""
_EXPLAINS = 3
"""Words from which on an answer to "why?" is a reason."""


@dataclass(frozen=True)
class Situation:
    """What the rules know of a case and of the conversation beside the message.

    `acceptance`: the agreement that stands open for him to accept. `offer`: the one that can be put before him now.
    `explains`: the dispute that waits for its reason, "" = none; `explain_by`: the day for one that is opened now.
    `payable`: a code of ours may be shown. `demand`: reais asked for today. `alone`: the message is about this case
    only. `own_address`: it came from the address that was written to. `asked`: the last automatic answer was a
    question. `person`: a person's task about a message is open. `answers`: automatic answers of today. `deaf`: no
    answer may go out on any channel. `unkept`: why his wish to be reached in some way was not kept, "" where it was.
    """

    consumer: bool
    demand: Decimal
    explain_by: date
    acceptance: f.PlanAgreed | None = None
    offer: f.PlanOffered | None = None
    explains: str = ""
    payable: bool = True
    alone: bool = True
    own_address: bool = True
    asked: bool = False
    person: bool = False
    answers: int = 0
    deaf: bool = False
    unkept: str = ""


@dataclass(frozen=True)
class Reaction:
    """What a case is told, which text answers beside what the facts confirm by themselves, why a person must look."""

    facts: tuple[f.Told, ...] = ()
    answer: str = ""
    task: str = ""


def react(reading: Reading, now: Situation, reply_id: str) -> Reaction:
    """What a message (neither a stop nor a stranger's) does to one case; `reply_id` becomes the id of claim or promise.

    A person gets it where it is unsure, contradictory, refused by the rules or the fourth of a day; the debtor is told
    so once.
    """
    kinds = {intent.kind: intent for intent in reading.sure}
    if now.answers >= MOST_ANSWERS:
        return _person("too-many-answers", now)
    if Kind.WRONG_PERSON in kinds:  # nothing is said to anybody until a person knows who is who
        return Reaction(task=str(Kind.WRONG_PERSON))
    if kinds.keys() == {Kind.THANKS} or not reading.words:
        return Reaction()
    if now.explains and _is_reason(reading, kinds):
        return Reaction((f.DisputeExplained(now.explains),))
    if not kinds:
        return _person("unclear", now)
    if any(pair <= kinds.keys() for pair in _CONTRADICT):
        return _person("contradictory", now)
    found = [_RULES[kind](kinds[kind], now, reply_id) for kind in Kind if kind in kinds and not _covered(kind, kinds)]
    if any(intent.kind == Kind.PREFERS and intent not in reading.sure for intent in reading.intents):
        found.append(_person(str(Kind.PREFERS), now))
    return _together(found, now)


def judged(case: Case, at: Moment, wanted: Reaction, now: Situation) -> Reaction:
    """The reaction, after the rules of the case were asked: what they refuse goes to a person, with their code."""
    trial = load(dump(case), case.indices)
    kept: list[f.Told] = []
    for fact in wanted.facts:
        try:
            fold(fact, trial, at)
        except Refused as refused:
            if refused.code in _KNOWN_ALREADY:
                continue
            return _heard(_person(refused.code, now), now)
        kept.append(fact)
    return _heard(Reaction(tuple(kept), wanted.answer, wanted.task), now)


def _heard(reaction: Reaction, now: Situation) -> Reaction:
    """Who may not be written to is answered by a person, who finds another way, or none."""
    if now.deaf and reaction.answer:
        return Reaction(reaction.facts, "", reaction.task or "deaf")
    return reaction


# --- what each kind does ---------------------------------------------------------------------------------------------
Rule = Callable[[Intent, Situation, str], Reaction]


def _person(why: str, now: Situation) -> Reaction:
    """A person's turn; the debtor hears of it, unless he did already, or too often."""
    told = now.person or now.answers >= MOST_ANSWERS
    return Reaction(task=why, answer="" if told else PERSON)


def _paid(_intent: Intent, _now: Situation, reply: str) -> Reaction:
    return Reaction((f.PaymentClaimed(reply, "reply"),))


def _promise(intent: Intent, now: Situation, reply: str) -> Reaction:
    if intent.on is None:
        return _ask(WHICH_DAY, "no-day", now)
    if intent.amount and not now.alone:
        return _person("one-amount-for-many", now)
    part = intent.amount if intent.amount and intent.amount < now.demand else None
    return Reaction((f.PromiseMade(reply, intent.on, part, "reply"),))


def _instalments(intent: Intent, now: Situation, _reply: str) -> Reaction:
    """He is offered what the policy allows, in full and in writing; another number than that is a person's."""
    if now.offer is None or not now.alone:
        return _person(str(intent.kind), now)
    return Reaction((now.offer,))


def _accepts(intent: Intent, now: Situation, _reply: str) -> Reaction:
    """Only who was written to can accept, and only what lies before him (CC arts. 427 to 431)."""
    if now.acceptance is None or not now.own_address:
        return _person(str(intent.kind), now)
    return Reaction((now.acceptance,))


def _copy(intent: Intent, now: Situation, _reply: str) -> Reaction:
    return Reaction(answer=COPY) if now.payable else _person(str(intent.kind), now)


def _dispute(intent: Intent, now: Situation, reply: str) -> Reaction:
    """With its reason it is answered; without, he is asked for it, with a day."""
    explain_by = now.explain_by if intent.kind == Kind.DENIES else None
    return Reaction((f.DisputeOpened(reply, explain_by=explain_by, how="reply"),))


def _reason(intent: Intent, now: Situation, _reply: str) -> Reaction:
    return _ask(ARRANGE, str(intent.kind), now)


def _over_indebted(intent: Intent, now: Situation, _reply: str) -> Reaction:
    """Lei 14.181/2021: of a consumer nothing more is asked until a lawyer has looked; the law knows no company here."""
    return Reaction((f.HoldSet("over-indebted"),)) if now.consumer else _person(str(intent.kind), now)


def _wants_person(intent: Intent, now: Situation, _reply: str) -> Reaction:
    return _person(str(intent.kind), now)


def _prefers(_intent: Intent, now: Situation, _reply: str) -> Reaction:
    """What could be kept of a wish is kept for all his cases, and confirmed beside them."""
    return _person(now.unkept, now) if now.unkept else Reaction()


def _nothing(_intent: Intent, _now: Situation, _reply: str) -> Reaction:
    return Reaction()


def _ask(text: str, why: str, now: Situation) -> Reaction:
    """One question by the machine, then a person."""
    return _person(why, now) if now.asked or now.person else Reaction(answer=text)


_RULES: dict[Kind, Rule] = {
    Kind.STOP: _nothing,
    Kind.WRONG_PERSON: _nothing,
    Kind.PAID: _paid,
    Kind.PROMISE: _promise,
    Kind.INSTALMENTS: _instalments,
    Kind.ACCEPTS: _accepts,
    Kind.SECOND_COPY: _copy,
    Kind.NO_INVOICE: _copy,
    Kind.NO_GOODS: _dispute,
    Kind.WRONG_AMOUNT: _dispute,
    Kind.DENIES: _dispute,
    Kind.NOT_MINE: _dispute,
    Kind.REASON: _reason,
    Kind.OVER_INDEBTED: _over_indebted,
    Kind.PERSON: _wants_person,
    Kind.PREFERS: _prefers,
    Kind.THANKS: _nothing,
}

# --- several at once -------------------------------------------------------------------------------------------------
_DISPUTES = frozenset({Kind.NO_GOODS, Kind.WRONG_AMOUNT, Kind.NOT_MINE, Kind.DENIES})
_REASONED = frozenset({Kind.NO_GOODS, Kind.WRONG_AMOUNT, Kind.NOT_MINE})
_COVERS: dict[Kind, frozenset[Kind]] = {
    Kind.DENIES: _REASONED | {Kind.PAID},
    Kind.NOT_MINE: _REASONED - {Kind.NOT_MINE},
    Kind.WRONG_AMOUNT: frozenset({Kind.NO_GOODS}),
    Kind.NO_INVOICE: frozenset({Kind.SECOND_COPY, Kind.PROMISE, Kind.PAID}) | _DISPUTES,
    Kind.SECOND_COPY: frozenset({Kind.PROMISE}),
    Kind.REASON: frozenset(Kind) - {Kind.REASON, Kind.THANKS, Kind.PREFERS},
    Kind.THANKS: frozenset(Kind) - {Kind.THANKS},
}
"""What is only the reason of something else that he said: "não devo, já paguei" is a payment."""
_CONTRADICT: tuple[frozenset[Kind], ...] = (
    frozenset({Kind.PAID, Kind.PROMISE}),
    frozenset({Kind.PAID, Kind.ACCEPTS}),
    frozenset({Kind.PAID, Kind.INSTALMENTS}),
    frozenset({Kind.PAID, Kind.SECOND_COPY}),
    frozenset({Kind.ACCEPTS, Kind.PROMISE}),
    frozenset({Kind.INSTALMENTS, Kind.PROMISE}),
    *(frozenset({dispute, other}) for dispute in _DISPUTES for other in (Kind.ACCEPTS, Kind.PROMISE, Kind.INSTALMENTS)),
)
"""What one message cannot mean at once; a person reads it."""


def _covered(kind: Kind, kinds: dict[Kind, Intent]) -> bool:
    return bool(_COVERS.get(kind, frozenset()) & kinds.keys())


def _together(found: Sequence[Reaction], now: Situation) -> Reaction:
    """All that was found, as one; who needs a person gets one answer, that of the person."""
    facts = tuple(fact for reaction in found for fact in reaction.facts)
    tasks = [reaction.task for reaction in found if reaction.task]
    if tasks:
        return Reaction(facts, _person(tasks[0], now).answer, tasks[0])
    return Reaction(facts, next((reaction.answer for reaction in found if reaction.answer), ""))


def _is_reason(reading: Reading, kinds: dict[Kind, Intent]) -> bool:
    """He was asked why: a reason that we know is one, and so are words of his own that we do not."""
    if kinds:
        return bool(kinds.keys() & (_REASONED | {Kind.PAID})) and Kind.PAID not in kinds
    return reading.words >= _EXPLAINS

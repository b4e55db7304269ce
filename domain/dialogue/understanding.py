"""What a debtor wants, found in his own words by rules that can be read.

`domain/data/reply_words.csv` lists, for each intent, patterns over evened-out words (`normal.clauses`), how sure each
is (1 = sure, less = a hint for a person), and an example. What is denied ("não paguei") does not count. Words that stop
contacts stand in `domain/data/stop_words.csv`: one of them alone always stops, whatever else the tables say. How and
when he wants to be reached is heard before (`wishes`): what was heard of that is not read again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cache

from domain.data import table
from domain.dialogue.mail import bare_subject, own_words
from domain.dialogue.normal import clauses, words
from domain.dialogue.normal import plain as evened
from domain.dialogue.when import Days, amount_in, day_in
from domain.dialogue.wishes import Heard, Wish, courteous, heard

SURE = 0.8
"""From here on an intent is acted on; below, a person reads the message."""
_LONG_TEXT = 60
"""Words from which on a message says more than one pattern can hold."""
_RAMBLING = 0.75
"""How sure a pattern in such a message still is."""


class Kind(StrEnum):
    """What a debtor can want or say."""

    STOP = "stop"
    WRONG_PERSON = "wrong-person"
    PAID = "already-paid"
    PROMISE = "promise"
    INSTALMENTS = "wants-instalments"
    ACCEPTS = "accepts-offer"
    SECOND_COPY = "second-copy"
    NO_INVOICE = "no-invoice"
    NO_GOODS = "no-goods"
    WRONG_AMOUNT = "wrong-amount"
    DENIES = "denies"
    NOT_MINE = "not-mine"
    REASON = "reason-of-delay"
    OVER_INDEBTED = "over-indebted"
    PERSON = "wants-a-person"
    PREFERS = "prefers"
    THANKS = "thanks"


@dataclass(frozen=True)
class Intent:
    """One thing that he wants. `on`: the day of a promise; `amount`: reais; `instalments`: how many he asks for;
    `wish`: how he wants to be reached."""

    kind: Kind
    confidence: float
    on: date | None = None
    amount: Decimal | None = None
    instalments: int | None = None
    wish: Wish | None = None


@dataclass(frozen=True)
class Reading:
    """A message, understood: what it wants, and how many words of his own it has."""

    intents: tuple[Intent, ...]
    words: int

    @property
    def sure(self) -> tuple[Intent, ...]:
        """What may be acted on."""
        return tuple(intent for intent in self.intents if intent.confidence >= SURE)

    def of(self, kind: Kind) -> Intent | None:
        """What he wants of this kind, where that is sure."""
        return next((intent for intent in self.sure if intent.kind == kind), None)

    @property
    def wish(self) -> Wish | None:
        """How he wants to be reached, where that is sure."""
        prefers = self.of(Kind.PREFERS)
        return prefers.wish if prefers else None

    @property
    def refused(self) -> frozenset[str]:
        """Channels that he wants closed: heard also where the rest of what he says is not understood."""
        wishes = [intent.wish for intent in self.intents if intent.wish]
        return frozenset(channel for wish in wishes for channel in wish.refused)

    @property
    def meaning(self) -> tuple[str, ...]:
        """The codes of what was understood, for the ledger; `unclear` where nothing was."""
        return tuple(str(intent.kind) for intent in self.sure) or ("unclear",)


@dataclass(frozen=True)
class _Pattern:
    kind: Kind
    pattern: re.Pattern[str]
    weight: float


def understand(text: str, today: date, subject: str = "") -> Reading:
    """What a message says. `today` is the debtor's civil day; `subject` is that of an e-mail. Never raises.

    Quoted history and signatures are cut away. The stop and the wrong person are looked for first and win: nothing else
    is read from a message that asks for silence.
    """
    own = own_words(text)
    parts = clauses(own)
    count = sum(part.count(" ") + 1 for part in parts)
    wished = heard(parts)
    if _stops(own, subject, wished.rest):
        return Reading((Intent(Kind.STOP, 1.0),), count)
    found = _scores(wished.rest)
    if count > _LONG_TEXT:
        found = {kind: score if kind == Kind.WRONG_PERSON else score * _RAMBLING for kind, score in found.items()}
    if found.get(Kind.WRONG_PERSON, 0.0) >= SURE:
        return Reading((Intent(Kind.WRONG_PERSON, found[Kind.WRONG_PERSON]),), count)
    if len(found) > 1 or wished.wish or count > _PLAIN_THANKS:
        found.pop(Kind.THANKS, None)
    if Kind.ACCEPTS in found and (wished.wish or _with_conditions(found, parts)):
        found[Kind.ACCEPTS] = min(found[Kind.ACCEPTS], _HINT)
    intents = tuple(_intents(found, wished, day_in(wished.rest, today)))
    return Reading((*intents, *_prefers(wished, intents, count)), count)


# --- stop ------------------------------------------------------------------------------------------------------------
_PLAIN_THANKS = 8
"""Words up to which thanks are only that; a longer text holds something that was not understood."""


def _stops(own: str, subject: str, parts: tuple[str, ...]) -> bool:
    """A stop word alone: as the whole message, its first line, or the subject of an e-mail; or a request in words."""
    first = next((line for line in own.split("\n") if line.strip()), "")
    if any(_stop_word(line) for line in (own, first, bare_subject(subject))):
        return True
    return any(pattern.search(part) for part in parts for pattern in _stop_phrases())


def _stop_word(text: str) -> bool:
    """Nothing but stop words, and words of courtesy."""
    said = [word for word in _raw_words(text) if word not in _stop_table("courtesy")]
    return bool(said) and all(word in _stop_table("word") for word in said)


def _raw_words(text: str) -> list[str]:
    """As written, but for accents and capitals, and as meant: either may be a stop word."""
    if len(text) > _LONGEST_STOP:
        return []
    stop = _stop_table("word")
    written = re.findall(r"[a-z]+", evened(text))
    return [word if word in stop else next(iter(words(word)), word) for word in written]


_LONGEST_STOP = 200
"""Characters up to which a line can be nothing but a stop word with courtesies."""


@cache
def _stop_table(kind: str) -> frozenset[str]:
    return frozenset(row["pattern"] for row in table("stop_words") if row["kind"] == kind)


@cache
def _stop_phrases() -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(row["pattern"]) for row in table("stop_words") if row["kind"] == "phrase")


# --- everything else -------------------------------------------------------------------------------------------------
@cache
def _patterns() -> tuple[_Pattern, ...]:
    return tuple(
        _Pattern(Kind(row["intent"]), re.compile(rf"\b(?:{row['pattern']})(?!\w)"), float(row["weight"]))
        for row in table("reply_words")
    )


def _scores(parts: tuple[str, ...]) -> dict[Kind, float]:
    """How sure each kind is: its strongest pattern that is not denied."""
    found: dict[Kind, float] = {}
    for known in _patterns():
        if known.weight > found.get(known.kind, 0.0) and any(_affirmed(known.pattern, part) for part in parts):
            found[known.kind] = known.weight
    return found


_NO = frozenset({"nao", "nem", "nunca", "jamais", "sem"})
_REACH = 3
"""Words before a pattern within which a "não" denies it."""


def _affirmed(pattern: re.Pattern[str], part: str) -> bool:
    """Does it stand there without being denied, before ("não paguei") or after ("paguei não")?"""
    for match in pattern.finditer(part):
        before = part[: match.start()].split()[-_REACH:]
        after = part[match.end() :].strip()
        if not _NO & {*before} and after != "nao":
            return True
    return False


def _intents(found: dict[Kind, float], wished: Heard, days: Days) -> Iterator[Intent]:
    parts = wished.rest
    appointment = bool(wished.doubtful)  # "me liga amanhã" promises nothing
    if Kind.PROMISE not in found and not appointment and (score := _only_a_day(found, parts, days)):
        found[Kind.PROMISE] = score
    if Kind.INSTALMENTS in found and days.on is None:
        found.pop(Kind.PROMISE, None)  # "posso pagar em 3x" promises nothing yet
    for kind, score in found.items():
        if kind == Kind.PROMISE:
            yield Intent(kind, score, on=days.on, amount=amount_in(parts))
        elif kind == Kind.INSTALMENTS:
            yield Intent(kind, score, instalments=_how_many(parts))
        else:
            yield Intent(kind, score)


_HINT = 0.5
_SHORT_ANSWER = 5
"""Words up to which a day alone is an answer: "só dia 10"."""


def _only_a_day(found: dict[Kind, float], parts: tuple[str, ...], days: Days) -> float:
    """A day, a day only, or one given beside a reason: "estou sem dinheiro, só dia 10"."""
    if days.on is None or {*found} - {Kind.REASON, Kind.THANKS}:
        return 0.0
    short = sum(part.count(" ") + 1 for part in parts) <= _SHORT_ANSWER
    offered = any(re.match(r"(?:so|somente|apenas|ate)\b", part) for part in parts)
    return 1.0 if short or offered else _HINT


def _with_conditions(found: dict[Kind, float], parts: tuple[str, ...]) -> bool:
    """A yes that wants something else is no acceptance (CC art. 431): a person answers it."""
    conditions = re.compile(r"\b(?:se|desde que|caso|quero|queria|prefiro|menos|sem|pode ser em|\d+ ?x|desconto)\b")
    return {*found} > {Kind.ACCEPTS} or any(conditions.search(part) for part in parts) or len(parts) > _SHORT_ANSWER


def _prefers(wished: Heard, found: Sequence[Intent], count: int) -> tuple[Intent, ...]:
    """How he wants to be reached: sure where nothing else is left that nobody understood."""
    unsure = any({*_scores((part,))} <= {Kind.THANKS} for part in wished.doubtful)  # "só pago à tarde" is a promise
    if wished.wish is None and not unsure:
        return ()
    others = [intent.confidence for intent in found if intent.kind != Kind.THANKS]
    understood = max(others, default=0.0) >= SURE
    left = [part for part in wished.rest if not courteous(part) and not _scores((part,))]
    sure = wished.wish and not unsure and count <= _LONG_TEXT and (understood or not (others or left))
    return (Intent(Kind.PREFERS, 1.0 if sure else _HINT, wish=wished.wish),)


_COUNT = re.compile(r"\b(\d{1,2}) ?x\b|\b(\d{1,2}|duas|tres|quatro|cinco|seis) (?:vezes|parcelas|prestacoes)\b")
_WORDS = {"duas": 2, "tres": 3, "quatro": 4, "cinco": 5, "seis": 6}


def _how_many(parts: tuple[str, ...]) -> int | None:
    found = {
        _WORDS.get(said) or int(said)
        for part in parts
        for match in _COUNT.finditer(part)
        for said in [match[1] or match[2]]
    }
    return next(iter(found)) if len(found) == 1 else None

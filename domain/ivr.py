"""What a machine says on the telephone, in which order, and what it may take from keys: a pure dialogue.

Whoever answers hears the creditor's name and is asked for the debtor by name. Only who then proves to be him, by the
first three digits of his CPF or CNPJ, hears the matter (CDC art. 42 and LGPD art. 6 III: a debt is nobody else's
business). A machine hears nothing at all. The key 9, alone, ends this call and all later ones wherever it is pressed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

STOP_KEY = "9"
PROOF_DIGITS = 3
_ASKED_AGAIN = 1
"""How often an answer that makes no sense is asked for once more."""
_MACHINES = ("machine", "fax")


class Line(StrEnum):
    """What is said; the words stand in `letters.voice`."""

    GREETING = "greeting"
    RECORDED = "recorded"
    PERSON = "person"
    IDENTITY = "identity"
    AGAIN = "again"
    MATTER = "matter"
    MENU = "menu"
    DAYS = "days"
    CLAIMED = "claimed"
    PROMISED = "promised"
    TRANSFER = "transfer"
    CALL_BACK = "call-back"
    STOPPED = "stopped"
    NOT_HIM = "not-him"
    NOTHING = "nothing"
    GOODBYE = "goodbye"


AFTER_PROOF = frozenset({Line.MATTER, Line.MENU, Line.DAYS, Line.CLAIMED, Line.PROMISED, Line.TRANSFER, Line.CALL_BACK})
"""Lines that only the debtor hears."""


class At(StrEnum):
    """Where a call is: whose answer is waited for."""

    PERSON = "person"
    IDENTITY = "identity"
    MENU = "menu"
    DAYS = "days"
    OVER = "over"


_DIGITS = {At.PERSON: 1, At.IDENTITY: PROOF_DIGITS, At.MENU: 1, At.DAYS: 2}


@dataclass(frozen=True)
class State:
    """A place in the dialogue, and how often it was asked there already without sense."""

    at: At
    tries: int = 0


@dataclass(frozen=True)
class Knows:
    """What the dialogue is given: the digits that prove the debtor, the days that a promise may take at most, whether
    somebody takes calls now, whether the call is recorded, whether there is nothing left to speak of (`over`: what the
    call is about was paid, or came to rest, while it rang)."""

    proof: str
    longest: int
    staffed: bool
    recorded: bool
    over: bool = False


class Wish(StrEnum):
    """What the debtor wants."""

    CLAIM = "claim"
    PROMISE = "promise"
    PERSON = "person"
    STOP = "stop"


@dataclass(frozen=True)
class Turn:
    """What is said next and which answer is waited for. `digits` keys are listened to, 0 = the call ends.

    `wish`: what he asked for, with `days` of a promise; `dial`: the call goes on with a person.
    """

    says: tuple[Line, ...]
    state: State
    wish: Wish | None = None
    days: int = 0
    dial: bool = False

    @property
    def digits(self) -> int:
        """How many keys are listened to; 0 where nothing is asked any more."""
        return _DIGITS.get(self.state.at, 0)


_OVER = State(At.OVER)


def proof_of(document: str) -> str:
    """The digits by which a debtor proves himself: the first three of his CPF or CNPJ."""
    return "".join(char for char in document if char.isdecimal())[:PROOF_DIGITS]


def answered(by: str, knows: Knows) -> Turn:
    """Somebody took the call; `by` is what the provider heard: human, machine_start, fax, unknown, or nothing."""
    if by.startswith(_MACHINES):
        return Turn((), _OVER)
    if knows.over:
        return Turn((Line.GREETING, Line.NOTHING), _OVER)
    recorded = (Line.RECORDED,) if knows.recorded else ()
    return Turn((Line.GREETING, *recorded, Line.PERSON), State(At.PERSON))


def hear(state: State, keys: str, knows: Knows) -> Turn:
    """What follows these keys (digits only; empty where none was pressed in time)."""
    if state.at == At.OVER:
        return Turn((), _OVER)
    if keys == STOP_KEY:
        return Turn((Line.STOPPED,), _OVER, Wish.STOP)
    if knows.over:  # promise 8: whatever is settled is not spoken of, though the call had begun
        return Turn((Line.NOTHING,), _OVER)
    if not keys:
        return Turn((Line.GOODBYE,), _OVER)
    return _RULES[state.at](state, keys, knows)


def _person(state: State, keys: str, _knows: Knows) -> Turn:
    if keys == "1":
        return Turn((Line.IDENTITY,), State(At.IDENTITY))
    return Turn((Line.NOT_HIM,), _OVER) if keys == "2" else _again(state, Line.PERSON)


def _identity(state: State, keys: str, knows: Knows) -> Turn:
    if len(knows.proof) == PROOF_DIGITS and keys == knows.proof:
        return Turn((Line.MATTER, Line.MENU), State(At.MENU))
    return _again(state, Line.IDENTITY)


def _menu(state: State, keys: str, knows: Knows) -> Turn:
    match keys:
        case "1":
            return Turn((Line.CLAIMED,), _OVER, Wish.CLAIM)
        case "2":
            return Turn((Line.DAYS,), State(At.DAYS))
        case "3" if knows.staffed:
            return Turn((Line.TRANSFER,), _OVER, Wish.PERSON, dial=True)
        case "3":
            return Turn((Line.CALL_BACK,), _OVER, Wish.PERSON)
    return _again(state, Line.MENU)


def _days(state: State, keys: str, knows: Knows) -> Turn:
    if len(keys) == 2 and 0 <= int(keys) <= knows.longest:
        return Turn((Line.PROMISED,), _OVER, Wish.PROMISE, int(keys))
    return _again(state, Line.DAYS)


def _again(state: State, line: Line) -> Turn:
    if state.tries >= _ASKED_AGAIN:
        return Turn((Line.GOODBYE,), _OVER)
    return Turn((Line.AGAIN, line), State(state.at, state.tries + 1))


_RULES = {At.PERSON: _person, At.IDENTITY: _identity, At.MENU: _menu, At.DAYS: _days}

"""The dialogue on the telephone: nothing of a debt before the debtor proved who he is; 9 always ends all calls."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ivr import AFTER_PROOF, At, Knows, Line, State, Turn, Wish, answered, hear, proof_of

KNOWS = Knows("112", 15, staffed=True, recorded=True)
KEYS = st.text("0123456789*#", max_size=4)
PRESSED = st.lists(st.one_of(KEYS, st.sampled_from(["1", "2", "3", "112", "05", ""])), max_size=12)
KNOWN = st.builds(
    Knows, st.sampled_from(["112", "912", "000", "11", ""]), st.integers(0, 60), st.booleans(), st.booleans()
)
WHO = st.sampled_from(["human", "unknown", "", "machine_start", "machine_end_beep", "fax"])


def dialogue(by: str, pressed: list[str], knows: Knows) -> list[tuple[State, str, Turn]]:
    """Every turn of a call: where it was, what was pressed, what followed."""
    turn = answered(by, knows)
    turns = [(State(At.OVER), "", turn)]
    for keys in pressed:
        state = turn.state
        turn = hear(state, keys.strip("*#"), knows)
        turns.append((state, keys.strip("*#"), turn))
    return turns


@given(WHO, PRESSED, KNOWN)
def test_nothing_of_the_matter_is_said_before_the_identity_is_proved(by: str, pressed: list[str], knows: Knows) -> None:
    proved = False
    for state, keys, turn in dialogue(by, pressed, knows):
        proved = proved or (state.at == At.IDENTITY and keys == knows.proof and len(keys) == 3)
        assert proved or not AFTER_PROOF & set(turn.says)
        assert proved or turn.wish in (None, Wish.STOP)


@given(WHO, PRESSED, KNOWN)
def test_nine_alone_ends_all_calls_wherever_it_is_pressed(by: str, pressed: list[str], knows: Knows) -> None:
    *_, (_, _, last) = dialogue(by, pressed, knows)
    if last.state.at != At.OVER:
        stopped = hear(last.state, "9", knows)
        assert (stopped.wish, stopped.state.at, stopped.says) == (Wish.STOP, At.OVER, (Line.STOPPED,))


@given(WHO, st.lists(KEYS, min_size=10, max_size=10), KNOWN)
def test_no_call_goes_round_in_circles(by: str, pressed: list[str], knows: Knows) -> None:
    assert dialogue(by, pressed, knows)[-1][2].state.at == At.OVER


@pytest.mark.parametrize("by", ["machine_start", "machine_end_beep", "fax"])
def test_a_machine_hears_nothing(by: str) -> None:
    assert answered(by, KNOWS) == Turn((), State(At.OVER))


def after(*pressed: str, knows: Knows = KNOWS) -> Turn:
    return dialogue("human", list(pressed), knows)[-1][2]


def test_the_debtor_hears_who_calls_then_proves_himself_then_hears_the_matter() -> None:
    assert after().says == (Line.GREETING, Line.RECORDED, Line.PERSON)
    assert after("1").says == (Line.IDENTITY,)
    assert after("1", "112").says == (Line.MATTER, Line.MENU)


def test_somebody_else_is_told_nothing() -> None:
    assert after("2") == Turn((Line.NOT_HIM,), State(At.OVER))


def test_a_wrong_proof_is_asked_for_once_more_and_then_the_call_ends() -> None:
    assert after("1", "113").says == (Line.AGAIN, Line.IDENTITY)
    assert after("1", "113", "112").says == (Line.MATTER, Line.MENU)
    assert after("1", "113", "114").says == (Line.GOODBYE,)


@pytest.mark.parametrize("pressed", [("",), ("1", ""), ("1", "112", ""), ("1", "112", "2", "")])
def test_silence_ends_the_call_politely(pressed: tuple[str, ...]) -> None:
    assert after(*pressed) == Turn((Line.GOODBYE,), State(At.OVER))


def test_what_the_debtor_can_do() -> None:
    assert after("1", "112", "1").wish == Wish.CLAIM
    assert (after("1", "112", "2", "05").wish, after("1", "112", "2", "05").days) == (Wish.PROMISE, 5)
    assert after("1", "112", "2", "15").days == 15
    assert after("1", "112", "2", "16").wish is None
    assert after("1", "112", "3") == Turn((Line.TRANSFER,), State(At.OVER), Wish.PERSON, dial=True)
    alone = Knows("112", 15, staffed=False, recorded=False)
    assert after("1", "112", "3", knows=alone) == Turn((Line.CALL_BACK,), State(At.OVER), Wish.PERSON)


def test_nine_days_are_two_keys_and_a_proof_may_begin_with_nine() -> None:
    assert after("1", "112", "2", "09").days == 9
    assert after("1", "912", knows=Knows("912", 15, staffed=False, recorded=False)).says == (Line.MATTER, Line.MENU)


@pytest.mark.parametrize(("document", "proof"), [("11222333000181", "112"), ("12ABC34501DE35", "123"), ("", "")])
def test_the_proof_is_the_first_three_digits(document: str, proof: str) -> None:
    assert proof_of(document) == proof


@given(WHO, PRESSED, KNOWN)
def test_of_a_debt_that_came_to_rest_while_it_rang_nothing_is_said_and_the_call_ends(
    by: str, pressed: list[str], knows: Knows
) -> None:
    knows = replace(knows, over=True)
    for _, keys, turn in dialogue(by, pressed, knows):
        assert turn.state.at == At.OVER
        assert not AFTER_PROOF & set(turn.says)
        assert turn.wish is None or keys == "9"


@pytest.mark.parametrize("at", [At.PERSON, At.IDENTITY, At.MENU, At.DAYS])
def test_a_debt_that_is_paid_during_the_call_ends_it_with_a_neutral_word_but_nine_is_heard(at: At) -> None:
    over = replace(KNOWS, over=True)
    assert hear(State(at), "1", over) == Turn((Line.NOTHING,), State(At.OVER))
    assert hear(State(at), "9", over).wish == Wish.STOP

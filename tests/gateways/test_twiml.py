"""What a machine says and asks on the telephone, as the provider reads it."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import BadInput
from gateways.twiml import Dial, Gather, HangUp, Pause, Redirect, Say, Step, twiml

URL = "https://cobranca.example.com/voz/menu?passo=2&send_id=01"


def read(steps: list[Step]) -> ElementTree.Element:
    return ElementTree.fromstring(twiml(steps))  # noqa: S314


def test_every_word_is_spoken_in_portuguese_by_a_brazilian_voice() -> None:
    document = read([Say("Bom dia."), Gather((Say("Tecle 1."), Pause(2)), URL)])
    spoken = list(document.iter("Say"))
    assert [say.text for say in spoken] == ["Bom dia.", "Tecle 1."]
    assert {(say.get("voice"), say.get("language")) for say in spoken} == {("Polly.Camila-Neural", "pt-BR")}


def test_a_question_takes_keys_and_words_and_also_tells_of_silence() -> None:
    gather = read([Gather((Say("Tecle 1 ou diga pagar."),), URL, hints=("pagar", "atendente"))])[0]
    assert gather.attrib == {
        "input": "dtmf speech",
        "numDigits": "1",
        "timeout": "6",
        "speechTimeout": "auto",
        "language": "pt-BR",
        "hints": "pagar, atendente",
        "action": URL,
        "method": "POST",
        "actionOnEmptyResult": "true",
    }


def test_a_question_without_words_to_expect_takes_keys_only() -> None:
    gather = read([Gather((), URL, digits=4, patience=9)])[0]
    assert (gather.get("input"), gather.get("numDigits"), gather.get("timeout")) == ("dtmf", "4", "9")
    assert gather.get("hints") is None


def test_a_call_is_handed_to_a_person_who_sees_our_number() -> None:
    dial = read([Say("Um momento."), Dial("+551130000002", "+551130000000", URL)])[1]
    assert (dial.get("callerId"), dial.get("timeout"), dial.get("action")) == ("+551130000000", "20", URL)
    assert dial[0].text == "+551130000002"


def test_a_script_goes_on_elsewhere_or_ends() -> None:
    assert read([Redirect(URL)])[0].text == URL
    assert [verb.tag for verb in read([Say("Até logo."), Pause(), HangUp()])] == ["Say", "Pause", "Hangup"]


@pytest.mark.parametrize(
    "last", [Gather((), URL), Dial("+551130000002", "+551130000000", URL), Redirect(URL), HangUp()]
)
def test_steps_that_would_never_be_heard_are_refused(last: Step) -> None:
    with pytest.raises(BadInput, match=f"{type(last).__name__} is followed by more steps"):
        twiml([last, Say("Ninguém ouve isto.")])


@pytest.mark.parametrize("url", ["", "/voz/menu", "ftp://example.com", "javascript:alert(1)"])
def test_an_address_that_nobody_can_call_is_refused(url: str) -> None:
    for step in (Redirect(url), Gather((), url), Dial("+551130000002", "+551130000000", url)):
        with pytest.raises(BadInput, match="must begin with https"):
            twiml([step])


@pytest.mark.parametrize("text", ["", " \n", "\x00\x01", "a" * 4097])
def test_a_text_that_cannot_be_spoken_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="a text to speak"):
        twiml([Say(text)])


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200))
def test_no_text_breaks_out_of_the_sentence_it_stands_in(text: str) -> None:
    document = read([Say("a" + text), HangUp()])
    assert [verb.tag for verb in document] == ["Say", "Hangup"]
    kept = [char for char in text if char in "\t\n" or (char >= " " and char not in "\ufffe\uffff")]
    assert document[0].text == "a" + "".join(kept)

"""What a machine says and asks on the telephone, as TwiML (https://www.twilio.com/docs/voice/twiml).

The voice is Brazilian. A script is a list of steps; what follows a step that hands the call over would never be heard
and is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from twilio.twiml.voice_response import VoiceResponse

from domain.errors import BadInput

LANGUAGE = "pt-BR"
VOICE = "Polly.Camila-Neural"
LONGEST_TEXT = 4096  # characters of one sentence to speak


@dataclass(frozen=True)
class Say:
    """Speaks a text."""

    text: str


@dataclass(frozen=True)
class Pause:
    """Is silent for some seconds."""

    seconds: int = 1


@dataclass(frozen=True)
class Gather:
    """Speaks `prompts` and takes keys or, with `hints`, also words; what was given, even nothing, is posted to `url`.

    `digits` keys end the answer at once, `patience` seconds without one end it too. `hints` are the words to expect.
    """

    prompts: tuple[Say | Pause, ...]
    url: str
    digits: int = 1
    patience: int = 6
    hints: tuple[str, ...] = ()


@dataclass(frozen=True)
class Dial:
    """Connects the call with `number`, which is shown `caller_id` and may ring for `patience` seconds.

    How that ended is posted to `url`, whose answer goes on with the call.
    """

    number: str
    caller_id: str
    url: str
    patience: int = 20


@dataclass(frozen=True)
class Redirect:
    """Goes on with what `url` answers."""

    url: str


@dataclass(frozen=True)
class HangUp:
    """Ends the call."""


Step = Say | Pause | Gather | Dial | Redirect | HangUp

_UNWRITABLE = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_HAND_OVER = (Gather, Dial, Redirect, HangUp)


def twiml(steps: Sequence[Step]) -> str:
    """The steps as a TwiML document. Raises `BadInput` for a script that cannot be played as it is written."""
    for step, _ in pairwise(steps):
        if isinstance(step, _HAND_OVER):
            raise BadInput(f"a {type(step).__name__} is followed by more steps; it must be the last step")
    response = VoiceResponse()
    for step in steps:
        _add(response, step)
    return str(response)


def _add(verb: Any, step: Step) -> None:
    match step:
        case Say(text):
            verb.say(_speakable(text), voice=VOICE, language=LANGUAGE)
        case Pause(seconds):
            verb.pause(length=seconds)
        case Gather():
            _gather(verb, step)
        case Dial():
            dial = verb.dial(action=_web(step.url), method="POST", timeout=step.patience, caller_id=step.caller_id)
            dial.number(step.number)
        case Redirect(url):
            verb.redirect(_web(url), method="POST")
        case HangUp():
            verb.hangup()


def _gather(verb: Any, step: Gather) -> None:
    gather = verb.gather(
        input="dtmf speech" if step.hints else "dtmf",
        action=_web(step.url),
        method="POST",
        num_digits=step.digits,
        timeout=step.patience,
        language=LANGUAGE,
        action_on_empty_result=True,
        **({"hints": ", ".join(step.hints), "speech_timeout": "auto"} if step.hints else {}),
    )
    for prompt in step.prompts:
        _add(gather, prompt)


def _speakable(text: str) -> str:
    """The text without characters that XML 1.0 cannot hold. Raises `BadInput` for none or for too long a text."""
    spoken = _UNWRITABLE.sub("", text)
    if not spoken.strip() or len(spoken) > LONGEST_TEXT:
        raise BadInput(f"a text to speak has {len(spoken)} characters; it needs 1 to {LONGEST_TEXT}")
    return spoken


def _web(url: str) -> str:
    if not url.startswith(("https://", "http://")):
        raise BadInput(f"{url!r} is no address that the provider can call; it must begin with https://")
    return url

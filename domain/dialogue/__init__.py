"""What debtors write back: how a message is read, and what follows from it.

`mail` cuts away what he did not write, `normal` evens out how people spell, `when` finds days and amounts,
`wishes` hears how and when he wants to be reached, `understanding` names what he wants, `reaction` says what that does
to his case. Rules and lists of words only: what they are not sure of goes to a person.
"""

from __future__ import annotations

from domain.dialogue.mail import Mail, automatic, own_words
from domain.dialogue.reaction import Reaction, Situation, judged, react
from domain.dialogue.understanding import Intent, Kind, Reading, understand
from domain.dialogue.wishes import Wish

__all__ = [
    "Intent", "Kind", "Mail", "Reaction", "Reading", "Situation", "Wish", "automatic", "judged", "own_words", "react",
    "understand",
]  # fmt: skip

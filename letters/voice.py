"""What a machine says on the telephone, in Brazilian Portuguese: the words of each line of `domain.ivr`.

The matter is written when the call is decided, for the amounts of that day (CDC art. 42-A), and kept with the contact;
the other lines say nothing of a debt but to the debtor himself.
"""

from __future__ import annotations

from dataclasses import dataclass

from domain.errors import BadInput, Refused
from domain.ivr import Line
from letters import views
from letters.messages import plain_text
from letters.models import MessageData

SCRIPT = "roteiro-voz"
LONGEST = 4000
"""Characters that are spoken at once (https://www.twilio.com/docs/voice/twiml/say takes 4096)."""


@dataclass(frozen=True)
class Names:
    """Who calls whom; `longest` are the days that a promise may take at most."""

    creditor: str
    debtor: str
    consumer: bool
    longest: int


def matter(data: MessageData) -> str:
    """What the debtor hears once he has proved who he is: the creditor, each invoice, the ways out.

    Raises `BadInput` without invoices; `Refused` (`voice-too-long`) for more than can be said in one breath.
    """
    if not data.invoices:
        raise BadInput(f"text {SCRIPT}: no invoice was given; at least one is needed")
    creditor = data.creditor
    text = _block(
        Line.MATTER,
        data=data,
        address=views.address(creditor),
        reach=views.reach(creditor),
        invoices=[views.row(invoice) for invoice in data.invoices],
        total=views.total(data.invoices),
    )
    if len(text) > LONGEST:
        raise Refused(
            "voice-too-long", f"text {SCRIPT}: {len(text)} characters to speak; at most {LONGEST}, use another channel"
        )
    return text


def words(line: Line, names: Names, said: str) -> str:
    """One line in words; `said` is the matter as it was written for this call."""
    if line == Line.MATTER:
        return said
    given = {"creditor": names.creditor, "debtor": names.debtor, "consumer": names.consumer, "longest": names.longest}
    return _block(line, **given)


def _block(line: Line, **given: object) -> str:
    template = plain_text(f"{SCRIPT}.j2")
    text = "".join(template.blocks[line.value.replace("-", "_")](template.new_context(given)))
    return " ".join(text.split())

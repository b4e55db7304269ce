"""Other hands: a case given to a lawyer or an agency, and what anybody outside still has to be told about it.

One idea behind all of it: whoever outside acts for a case (lawyer, agency, notaries' central, credit bureau) must never
act on what is no longer so. What he has to be told follows from the case alone; what he was told is kept by a key.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import get_args

from domain import facts as f
from domain.calendars import add_bank_days
from domain.case import Case
from domain.data import table
from domain.policy import Offset, Step
from domain.schedule import move

RECEIPT = Offset(3, "bd")
"""How long the receipt of a dossier is waited for, where the step says nothing (`within`)."""
TEXTS = ("atraso-cordial", "atraso-firme", "ultimo-aviso")
"""Our texts that whoever has the case may ask us to send."""
_OUTSIDERS: dict[str, f.Outsider] = {to: to for to in get_args(f.Outsider)}
_TELLS = "fora:"
_ASKS = "pedido:"


@dataclass(frozen=True)
class Message:
    """Something that somebody outside has to be told: what, and about which payment, proposal, listing or dossier."""

    to: f.Outsider
    what: str
    reference: str

    @property
    def step(self) -> str:
        """The pseudo-step under which it is told."""
        return f"{_TELLS}{self.to}:{self.what}:{self.reference}"


def message_of(step: str) -> Message | None:
    """The message of a pseudo-step; None for other steps."""
    if not step.startswith(_TELLS):
        return None
    to, what, reference = step.removeprefix(_TELLS).split(":", 2)
    return Message(_OUTSIDERS[to], what, reference)


def untold(case: Case) -> list[Message]:
    """What somebody outside has to be told now, oldest first; nothing twice."""
    if not (case.recalls or case.hands or case.proposal or case.listing):
        return []  # nobody outside has anything of it
    return [message for message in _messages(case) if message.step not in case.told]


def _messages(case: Case) -> Iterator[Message]:
    for recall in case.recalls:
        if message := message_of(recall):
            yield message
    if case.hands:
        yield from _of_hands(case, case.hands.to)
    if case.proposal and case.proposal.state == "withdrawing":
        yield Message("central", "withdrawal", case.proposal.id)
    if case.listing and case.listing.state == "removing":
        yield Message("bureau", "removal", case.listing.id)


def _of_hands(case: Case, to: f.Outsider) -> Iterator[Message]:
    for payment in case.payments:
        yield Message(to, "payment", payment.reference)
        if payment.reversed:
            yield Message(to, "reversal", payment.reference)
    if case.ended:
        yield Message(to, "ended", case.ended)


def known_at_hand_over(case: Case, to: f.Hands) -> list[str]:
    """What stands in the dossier itself, and so need not be told again."""
    return [message.step for message in _of_hands(case, to)]


def in_other_hands(case: Case) -> str:
    """Who has the whole case: legal, agency; empty where it is ours."""
    return case.hands.to if case.hands else "legal" if case.legal_on else ""


# --- the receipt -----------------------------------------------------------------------------------------------------
def receipt_due(step: Step | None, on: date) -> date:
    """The day by which whoever got a dossier on `on` says that he has it."""
    return move(on, step.within if step and step.within else RECEIPT)


def reminder_day(case: Case, number: int) -> date | None:
    """The day on which a person is reminded, for the `number`th time (from 0), that nobody acknowledged the dossier.

    The first is the bank day after the receipt was due, each further one as many bank days later; None where nothing
    is waited for.
    """
    hands = case.hands
    if hands is None or hands.acknowledged_on is not None:
        return None
    length = max((hands.receipt_due - hands.on).days, 1)
    return add_bank_days(hands.receipt_due, 1 + number * length)


def reminders(case: Case) -> int:
    """How often a person was reminded that nobody acknowledged the dossier of this hand-over."""
    hands = case.hands
    return sum(asked.startswith(f"receipt-missing:{hands.document_id}.") for asked in case.asked) if hands else 0


# --- an agency -------------------------------------------------------------------------------------------------------
def must_announce(uf: str, consumer: bool) -> str:
    """The source of the duty to announce by letter that the debt goes to an agency; empty where there is none.

    `agency_announcements.csv` says where, for whom, and by which law.
    """
    row = next((row for row in table("agency_announcements") if row["uf"] == uf), None)
    return row["source"] if row and (consumer or row["whom"] == "all") else ""


# --- contacts that were asked for ------------------------------------------------------------------------------------
def request_step(case: Case, text: str) -> str:
    """The pseudo-step of a contact that whoever has the case asks for."""
    return f"{_ASKS}{text}-{len(case.requests)}"


def requested_text(step: str) -> str:
    """The text of such a pseudo-step; empty for other steps."""
    return step.removeprefix(_ASKS).rpartition("-")[0] if step.startswith(_ASKS) else ""


# --- lawsuits --------------------------------------------------------------------------------------------------------
def lawsuit_number(text: str) -> str | None:
    """A lawsuit's number as NNNNNNN-DD.AAAA.J.TR.OOOO; None where it is none.

    20 digits; the two check digits make the number, with them at its end, 1 modulo 97 (Resolução CNJ 65/2008).
    """
    digits = "".join(character for character in text if character.isdigit() and character.isascii())
    if len(digits) != 20:
        return None
    serial, check, rest = digits[:7], digits[7:9], digits[9:]
    if int(serial + rest + check) % 97 != 1:
        return None
    return f"{serial}-{check}.{rest[:4]}.{rest[4]}.{rest[5:7]}.{rest[7:]}"

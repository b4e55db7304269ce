"""What crosses Temporal: dataclasses that stand in histories for years. Add fields with defaults; never rename.

Nothing here carries personal data: ids, codes, dates, amounts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from domain.clock import Clock


@dataclass(frozen=True)
class Arrival:
    """Something that reached the workflow: a stored fact by id, or a raw message with a readable body.

    `number` counts arrivals of this workflow; `body` None means that it could not be read. `asked`: somebody waits.
    """

    number: int
    name: str
    fact_id: str = ""
    body: dict[str, Any] | None = None


@dataclass(frozen=True)
class Failed:
    """An action that ended without a result: its error code (an exception type, never a message)."""

    action: str
    step: str
    code: str


@dataclass(frozen=True)
class Decide:
    """Take in what arrived and decide. `seq` is the number of the instruction wanted, `at` the workflow's time."""

    case_id: str
    generation: int
    seq: int
    at: datetime
    arrivals: tuple[Arrival, ...] = ()
    failed: Failed | None = None


@dataclass(frozen=True)
class Perform:
    """Do what instruction `seq - 1` says; the result is instruction `seq`."""

    case_id: str
    generation: int
    seq: int
    at: datetime
    action: str
    step: str
    attempt: int


@dataclass(frozen=True)
class Answer:
    """What a staff update hears back: accepted or why not (code for machines, text for people), and the new state."""

    accepted: bool
    stage: str
    next_action: str
    next_reason: str
    code: str = ""
    text: str = ""


@dataclass(frozen=True)
class Next:
    """The next instruction, as recorded under (case, generation, seq).

    `not_before` is business time; None = until something arrives. `taken` is the number of the last arrival that was
    taken in. `answers` are keyed by arrival number. `schedule` is [(step, day, state)] where it changed, else None.
    """

    seq: int
    action: str
    step: str
    attempt: int
    not_before: datetime | None
    reason: str
    stage: str
    rules_version: str
    channel: str = ""
    ahead: str = ""
    taken: int = 0
    answers: dict[int, Answer] = field(default_factory=dict)
    schedule: list[tuple[str, str, str]] | None = None

    @property
    def closes(self) -> bool:
        """Does the case end here?"""
        return self.action == "close"


@dataclass(frozen=True)
class CaseInput:
    """What a case workflow starts with. `clock` is the installation's clock, copied.

    `resume` and `arrived` are set when a history has grown too long and the case goes on in a new run: the instruction
    in force, and how many arrivals were counted.
    """

    case_id: str
    creditor_id: str
    generation: int
    clock: Clock
    resume: Next | None = None
    arrived: int = 0


@dataclass(frozen=True)
class BatchInput:
    """The daily protest batch: nothing to say but when; the day is the installation's business day."""

    clock: Clock


@dataclass(frozen=True)
class BatchReport:
    """What one run of a batch did."""

    prepared: int = 0
    uploaded: int = 0
    taken_in: int = 0
    refused: int = 0


@dataclass(frozen=True)
class Errand:
    """One activity that runs by the clock of the office, how long one try may take, and its line for people."""

    activity: str
    most: timedelta
    summary: str


@dataclass(frozen=True)
class ScanReport:
    """What one intake or sweep did."""

    opened: int = 0
    signalled: int = 0


@dataclass(frozen=True)
class EvidenceReport:
    """What one archiving or anchoring did: runs archived, runs nobody has any more, cases under the anchor."""

    archived: int = 0
    missing: int = 0
    anchored: int = 0


@dataclass(frozen=True)
class RetentionReport:
    """Of how many debtors something may be erased, of how many it was, and how many files went with it.

    `strangers`: messages and payments of nobody whom we know, of whom the same may be said.
    """

    due: int = 0
    erased: int = 0
    files: int = 0
    strangers: int = 0


@dataclass(frozen=True)
class TemplatesReport:
    """What one asking after WhatsApp templates did: creditors, templates asked after, those not told of."""

    creditors: int = 0
    asked: int = 0
    failed: int = 0


@dataclass(frozen=True)
class PollReport:
    """What one poll of the bank's Pix did: creditors polled and failed, payments matched and waiting for a person."""

    polled: int = 0
    failed: int = 0
    matched: int = 0
    waiting: int = 0

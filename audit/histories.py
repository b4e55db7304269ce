"""Temporal histories as evidence: what a history says was decided and heard, and whether it replays on today's code."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Row
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from activities.desk import NEXT
from audit.book import Book
from audit.compare import DECIDED
from audit.findings import Finding
from contract.messages import CaseInput, Next
from contract.names import case_workflow_id
from gateways.codec import Codec, UnreadablePayload, decrypted
from gateways.temporal import PLUGIN
from workflows.registry import WORKFLOWS

DECIDING = frozenset({"decide", "contact", "notice", "protest", "legal"})
"""Activities whose result is an instruction."""
_ENDS = frozenset(
    {
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW,
    }
)
_CONVERTER = PLUGIN.data_converter.payload_converter  # type: ignore[union-attr]


ARCHIVED, LIVE = "arquivo", "servidor"
"""Where a history was read."""


@dataclass(frozen=True)
class Run:
    """The history of one run of a case. `source`: ARCHIVED or LIVE."""

    case_id: str
    generation: int
    part: int
    history: WorkflowHistory
    source: str

    @property
    def name(self) -> str:
        """As findings call it."""
        return f"histórico da geração {self.generation}, parte {self.part} ({self.source})"

    @property
    def closed(self) -> bool:
        """Did the run end?"""
        return ended(self.history.events)

    @property
    def completed(self) -> bool:
        """Did the case's generation end with it, as an instruction said?"""
        last = self.history.events[-1].event_type
        return last == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED


def ended(events: Sequence[HistoryEvent]) -> bool:
    """Is the last event that of a run's end?"""
    return bool(events) and events[-1].event_type in _ENDS


def previous_run(events: Sequence[HistoryEvent]) -> str:
    """The id of the run that this one continues; empty for the first."""
    return events[0].workflow_execution_started_event_attributes.continued_execution_run_id


def started_as(history: WorkflowHistory) -> tuple[str, str]:
    """The workflow id (empty in histories of old servers) and the run id that a history bears inside."""
    begun = history.events[0].workflow_execution_started_event_attributes
    return begun.workflow_id, begun.original_execution_run_id


def readable(runs: Sequence[Run], codec: Codec) -> tuple[list[Run], list[Finding]]:
    """Runs with their payloads decrypted, and a finding for each that the keys of this installation do not open."""
    found, findings = list[Run](), list[Finding]()
    for run in runs:
        try:
            events = decrypted(run.history.events, codec)
        except UnreadablePayload as error:
            missing = "que não está entre as chaves daqui (REGUA_CODEC_KEY_FILE)"
            why = "mas foi alterado, ou a chave é outra" if error.known else missing
            text = f"{run.name} está cifrado com a chave {error.key_id}, {why}"
            findings.append(Finding(run.case_id, "history", text))
            continue
        found.append(replace(run, history=WorkflowHistory(run.history.workflow_id, events)))
    return found, findings


# --- reading ---------------------------------------------------------------------------------------------------------
def case_input(history: WorkflowHistory) -> CaseInput | None:
    """What the run was started with; None where it cannot be read."""
    payloads = history.events[0].workflow_execution_started_event_attributes.input.payloads
    with suppress(ValidationError, ValueError, RuntimeError):
        return _CONVERTER.from_payload(payloads[0], CaseInput) if payloads else None
    return None


def instructions(history: WorkflowHistory) -> Iterator[Next]:
    """Every instruction that stands in a history as the result of an activity, in order.

    Raises `ValueError` for a result that is no instruction.
    """
    types: dict[int, str] = {}
    for event in history.events:
        if event.HasField("activity_task_scheduled_event_attributes"):
            types[event.event_id] = event.activity_task_scheduled_event_attributes.activity_type.name
        elif event.HasField("activity_task_completed_event_attributes"):
            done = event.activity_task_completed_event_attributes
            if types.get(done.scheduled_event_id) in DECIDING:
                yield _instruction(done.result.payloads)
        elif event.HasField("marker_recorded_event_attributes"):
            marker = event.marker_recorded_event_attributes
            if marker.marker_name == "core_local_activity" and not marker.HasField("failure"):
                yield _instruction(marker.details["result"].payloads)


def _instruction(payloads: Sequence[Payload]) -> Next:
    return _CONVERTER.from_payload(payloads[0], Next)


def facts_heard(history: WorkflowHistory) -> Iterator[str]:
    """Ids of the stored facts that were signalled to a run."""
    for event in history.events:
        if event.HasField("workflow_execution_signaled_event_attributes"):
            signal = event.workflow_execution_signaled_event_attributes
            if signal.signal_name == "fact" and len(signal.input.payloads) == 1:
                with suppress(ValueError, ValidationError, RuntimeError):
                    yield str(_CONVERTER.from_payload(signal.input.payloads[0], str))


# --- replaying -------------------------------------------------------------------------------------------------------
async def replay(runs: Sequence[Run]) -> AsyncIterator[Finding]:
    """Replay histories on today's code, one after the other; a finding for each that does not follow it."""
    by_run = {run.history.run_id: run for run in runs}

    async def stream() -> AsyncIterator[WorkflowHistory]:
        for run in runs:
            yield run.history

    replayer = Replayer(workflows=list(WORKFLOWS), plugins=[PLUGIN])
    async with replayer.workflow_replay_iterator(stream()) as results:
        async for result in results:
            if failure := result.replay_failure:
                run = by_run[result.history.run_id]
                why = str(failure).splitlines()[0][:300] if str(failure) else type(failure).__name__
                text = f"{run.name} não segue o código atual: {why}"
                yield Finding(run.case_id, "history", text)


# --- against the ledger ----------------------------------------------------------------------------------------------
def against_ledger(book: Book, runs: Sequence[Run]) -> Iterator[Finding]:
    """Every instruction of the histories against the decision that the ledger holds under its number, and back."""
    if not runs:
        return
    decided = {(row.generation, row.seq): (row, entry) for row, entry in _numbered(book)}
    seen: set[tuple[int, int]] = set()
    for run in runs:
        yield from _identity(book, run)
        try:
            for order in instructions(run.history):
                seen.add((run.generation, order.seq))
                yield from _order(book, run, order, decided.get((run.generation, order.seq)))
        except (ValueError, ValidationError, LookupError, RuntimeError) as error:
            text = f"{run.name} tem um resultado que não é uma instrução ({type(error).__name__})"
            yield Finding(book.name, "history", text)
    yield from _unseen(book, runs, decided, seen)
    yield from _facts(book, runs)


def _numbered(book: Book) -> Iterator[tuple[Row[Any], Row[Any]]]:
    """Each instruction's row, which has the generation, with the ledger's decision of the same place."""
    yield from zip(book.instructions, book.of_kind("decided"), strict=False)


def _identity(book: Book, run: Run) -> Iterator[Finding]:
    started, wanted = case_input(run.history), case_workflow_id(book.id, run.generation)
    if started is None or (started.case_id, started.generation) != (book.name, run.generation):
        yield Finding(book.name, "history", f"{run.name} é de outro caso: não foi iniciado como {wanted}")


_ANSWERS = {"taken", "answers"}
"""Of an instruction: what its workflow took in, which is told anew after a restore (`activities.desk.recorded`)."""


def _order(book: Book, run: Run, order: Next, held: tuple[Row[Any], Row[Any]] | None) -> Iterator[Finding]:
    number = f"{run.generation}.{order.seq}"
    if held is None:
        text = f"{run.name} tem a instrução {number} ({order.action} {order.step}), e o livro não tem a decisão"
        yield Finding(book.name, "history", text)
        return
    row, entry = held
    told = NEXT.dump_python(order, mode="json")
    other = [name for name in DECIDED if told.get(name) != entry.body.get(name)]
    if other:
        said = ", ".join(f"{name} {told.get(name)}" for name in other)
        text = f"a decisão não é a instrução {number} do {run.name}, que diz {said}"
        yield Finding(book.name, "history", text, entry.seq)
        return
    kept = NEXT.dump_python(NEXT.validate_python(row.body), mode="json")
    if other := sorted(name for name in told.keys() - _ANSWERS if told[name] != kept[name]):
        text = f"a instrução {number} guardada não é a do {run.name}: {', '.join(other)}"
        yield Finding(book.name, "instruction", text, entry.seq)


def _unseen(
    book: Book,
    runs: Sequence[Run],
    decided: dict[tuple[int, int], tuple[Row[Any], Row[Any]]],
    seen: set[tuple[int, int]],
) -> Iterator[Finding]:
    """Decisions of the ledger that its histories lack. Where a history goes on, the newest may not have arrived."""
    whole = {run.generation for run in runs if run.completed}
    latest = {run.generation: 0 for run in runs} | {
        generation: max(seq for other, seq in seen if other == generation) for generation in {g for g, _ in seen}
    }
    for (generation, seq), (_, entry) in decided.items():
        known = generation in latest and (seq <= latest[generation] or generation in whole)
        if known and (generation, seq) not in seen:
            text = f"a decisão é a instrução {generation}.{seq}, que o histórico não tem"
            yield Finding(book.name, "history", text, entry.seq)


def _facts(book: Book, runs: Sequence[Run]) -> Iterator[Finding]:
    """A fact that was signalled was stored before; one that never was stands in the ledger as an unreadable message."""
    strange = {fact for run in runs for fact in facts_heard(run.history) if fact not in book.facts}
    answered = sum(entry.cause == "signal:fact" for entry in book.of_kind("unreadable"))
    if len(strange) > answered:
        text = f"o histórico ouviu fatos que não estão guardados: {', '.join(sorted(strange))}"
        yield Finding(book.name, "history", text)

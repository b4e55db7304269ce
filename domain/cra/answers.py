"""What came back from the notary office, in our words: confirmations (C), outcomes (R), progress (M)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal

from domain.cra import codes
from domain.cra.files import CraFile, Record
from domain.cra.layout import Kind
from domain.errors import BadInput, Fault

_COSTS = ("valor_custas_cartorio", "valor_custas_distribuidor", "valor_gravacao_eletronica")
_OUTCOME_COSTS = (*_COSTS, "valor_demais_despesas")


@dataclass(frozen=True)
class Confirmation:
    """The answer to one record of a remittance: accepted (with a protocol) or sent back (`occurrence` 5 or 6).

    `occurrence` "" is the accepted title; `costs` in reais, prepaid. A title with several debtors is answered once for
    each. `record_no` is the line in the file.
    """

    our_number: str
    notary_code: str
    protocol: str | None
    protocol_date: date | None
    occurrence: str
    irregularities: tuple[str, ...]
    costs: Decimal
    record_no: int = field(default=0, compare=False)
    on: date | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of a title on a day. `amount` (field 18) and `costs` (35, 40, 42, 50) in reais.

    `amount` is the balance sent; where a title was paid, some notaries add costs and interest to it.
    """

    our_number: str
    notary_code: str
    protocol: str | None
    protocol_date: date | None
    occurrence: str
    on: date
    irregularities: tuple[str, ...]
    amount: Decimal
    costs: Decimal
    record_no: int = field(default=0, compare=False)


@dataclass(frozen=True)
class ProgressEvent:
    """Where at the notary office a title is since a day; `at` is the notary's local time, where it was legible.

    `costs` in reais: what a withdrawal would cost now.
    """

    our_number: str
    notary_code: str
    protocol: str
    protocol_date: date | None
    code: str
    on: date
    at: time | None
    costs: Decimal
    record_no: int = field(default=0, compare=False)


def confirmations(file: CraFile) -> tuple[Confirmation, ...]:
    """The answers of a confirmation file (kind C), record by record. Raises BadInput for another kind."""
    return tuple(
        Confirmation(
            our_number=record.text("nosso_numero"),
            notary_code=record.text("codigo_cartorio"),
            protocol=_protocol(record),
            protocol_date=record.day("data_protocolo"),
            occurrence=record.text("tipo_ocorrencia"),
            irregularities=_irregularities(record),
            costs=_sum(record, _COSTS),
            record_no=record.line,
            on=record.day("data_ocorrencia"),
        )
        for record in _records(file, "C")
    )


def outcomes(file: CraFile) -> tuple[Outcome, ...]:
    """The outcomes of a return file (kind R). Raises BadInput for another kind."""
    return tuple(
        Outcome(
            our_number=record.text("nosso_numero"),
            notary_code=record.text("codigo_cartorio"),
            protocol=_protocol(record),
            protocol_date=record.day("data_protocolo"),
            occurrence=record.text("tipo_ocorrencia"),
            on=_on(record),
            irregularities=_irregularities(record),
            amount=record.money("saldo_titulo"),
            costs=_sum(record, _OUTCOME_COSTS),
            record_no=record.line,
        )
        for record in _records(file, "R")
    )


def progress_events(file: CraFile) -> tuple[ProgressEvent, ...]:
    """The events of a progress file (kind M). Raises BadInput for another kind."""
    return tuple(
        ProgressEvent(
            our_number=record.text("nosso_numero"),
            notary_code=record.text("codigo_cartorio"),
            protocol=_protocol(record) or "",
            protocol_date=record.day("data_protocolo"),
            code=record.text("codigo_irregularidade"),
            on=_on(record),
            at=_hour(record),
            costs=record.money("valor_custas_cartorio"),
            record_no=record.line,
        )
        for record in _records(file, "M")
    )


def contradictions(kind: Kind, record: Record, where: str) -> Iterator[Fault]:
    """What makes one title of a file that came back unusable although every field is legible."""
    if not record.text("nosso_numero"):
        yield Fault(where, "field 11 (our number) is blank", "it says which title is meant")
    if kind == "M":
        yield from _unclear_progress(record, where)
    else:
        yield from _unclear_outcome(kind, record, where)


def _unclear_progress(record: Record, where: str) -> Iterator[Fault]:
    if not record.text("codigo_irregularidade"):
        yield Fault(where, "field 38 (progress) is blank", "a code from AA on says how far the title is")
    if record.day("data_ocorrencia") is None:
        yield Fault(where, "field 37 (day) is zeros", "a progress event has a day")
    if _protocol(record) is None:
        yield Fault(where, "field 32 (protocol) is blank or zeros", "a title in progress has a protocol")


def _unclear_outcome(kind: Kind, record: Record, where: str) -> Iterator[Fault]:
    code = record.text("tipo_ocorrencia")
    known = codes.occurrence(code)
    if known is not None and kind not in known.files:
        yield Fault(where, f"occurrence {code!r} (field 33)", f"it does not belong in a file {kind}")
    returned = known is not None and known.needs_irregularity
    if returned and not record.text("codigo_irregularidade"):
        yield Fault(where, f"occurrence {code!r} without an irregularity", "a returned title says why in field 38")
    if not returned and _protocol(record) is None:
        yield Fault(where, "field 32 (protocol) is blank or zeros", "only a returned title (5, 6) has no protocol")
    if kind == "C" and not code and record.day("data_protocolo") is None:
        yield Fault(where, "field 34 (protocol date) is zeros", "an accepted title has the day of its protocol")
    if kind == "R" and record.day("data_ocorrencia") is None:
        yield Fault(where, "field 37 (day of the occurrence) is zeros", "an outcome has a day")


def _records(file: CraFile, kind: Kind) -> Iterator[Record]:
    if file.kind != kind:
        raise BadInput(f"{file.name} is a file {file.kind}; a file {kind} is wanted here")
    for lot in file.lots:
        yield from lot.records


def _protocol(record: Record) -> str | None:
    protocol = record.text("numero_protocolo_cartorio")
    return protocol if protocol.strip("0") else None


def _irregularities(record: Record) -> tuple[str, ...]:
    more = record.values.get("complemento_codigo_irregularidade")
    listed = more if isinstance(more, str) else ""
    pairs = (record.text("codigo_irregularidade"), *(listed[at : at + 2].strip() for at in range(0, len(listed), 2)))
    return tuple(code for code in pairs if code)


def _sum(record: Record, names: tuple[str, ...]) -> Decimal:
    return sum((record.money(name) for name in names), Decimal(0))


def _on(record: Record) -> date:
    day = record.day("data_ocorrencia")
    if day is None:
        raise BadInput(f"record {record.line} has no day in field 37; an event has one")
    return day


def _hour(record: Record) -> time | None:
    """Field 51 of a progress record is DDMMAAAA HHMMSS."""
    _, _, clock = record.text("complemento_registro").partition(" ")
    if len(clock) != 6 or not clock.isdigit():
        return None
    try:
        return time(int(clock[:2]), int(clock[2:4]), int(clock[4:]))
    except ValueError:
        return None

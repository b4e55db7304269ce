"""What the notary side sends back: confirmations (C), returns (R), progress (M). For the sandbox and for tests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from itertools import groupby
from typing import TypeVar

from domain.cra.answers import Confirmation, Outcome, ProgressEvent
from domain.cra.files import CraFile, Lot, Record
from domain.cra.layout import Kind
from domain.cra.transfer import settled
from domain.cra.values import Value
from domain.errors import BadInput

_Answer = TypeVar("_Answer", Confirmation, Outcome, ProgressEvent, Outcome | ProgressEvent)

_FROM_REMITTANCE = ("nome_portador", "agencia_centralizadora", "versao_layout", "codigo_municipio_praca")
_IN_RETURN = ("agencia_codigo_cedente", "nosso_numero", "tipo_moeda", "valor_titulo", "saldo_titulo")
_MOST_IRREGULARITIES = 5
"""One in field 38 and four in field 47."""


def confirmation(remittance: CraFile, answers: Iterable[Confirmation]) -> CraFile:
    """The confirmation (C) of a whole remittance, under its name with a C.

    One answer per title, by its our number, is given to each of the title's debtors. Raises BadInput where a title is
    left without an answer or an answer has no title; BadFile where an answer contradicts itself.
    """
    by_number = _by_number(answers)
    titles = _titles([remittance])
    _same(by_number.keys(), titles.keys())
    lots = tuple(
        replace(
            lot, records=tuple(_confirmed(record, by_number[record.text("nosso_numero")]) for record in lot.records)
        )
        for lot in remittance.lots
    )
    return settled(replace(remittance, kind="C", lots=lots))


def returns(remittances: Sequence[CraFile], outcomes: Iterable[Outcome], day: date, sequence: int) -> CraFile:
    """A return (R) of a day: what became of titles sent in `remittances` of one presenter, one record per title.

    Raises BadInput where an outcome's title was not sent, BadFile where an outcome contradicts itself.
    """
    return _answered("R", remittances, outcomes, day, sequence)


def progress(remittances: Sequence[CraFile], events: Iterable[ProgressEvent], day: date, sequence: int) -> CraFile:
    """A progress file (M) of a day: where titles sent in `remittances` of one presenter stand, one record per title.

    Raises BadInput where an event's title was not sent, BadFile where an event contradicts itself.
    """
    return _answered("M", remittances, events, day, sequence)


def _answered(
    kind: Kind, remittances: Sequence[CraFile], answers: Iterable[Outcome | ProgressEvent], day: date, sequence: int
) -> CraFile:
    by_number, titles = _by_number(answers), _titles(remittances)
    if not by_number:
        raise BadInput(f"nothing to send back; a file {kind} has at least one title")
    if unknown := sorted(by_number.keys() - titles.keys()):
        raise BadInput(f"titles {', '.join(unknown)} were never sent; an answer belongs to a title of a remittance")
    chosen = sorted((titles[number] for number in by_number), key=_place)
    lots = []
    for _, inside in groupby(chosen, _place):
        group = list(inside)
        header = _of(group[0][0], (*_FROM_REMITTANCE, "sequencial_remessa"))
        records = (_record(title, by_number[title.text("nosso_numero")]) for _, title in group)
        lots.append(Lot(Record(header), tuple(records)))
    return settled(CraFile(kind, remittances[0].presenter, day, sequence, tuple(lots)))


def _record(title: Record, answer: Outcome | ProgressEvent) -> Record:
    if isinstance(answer, Outcome):
        return Record({**_of(title, _IN_RETURN), **_outcome(answer)})
    return replace(title, values={**title.values, **_progress(answer)})


def _confirmed(title: Record, answer: Confirmation) -> Record:
    return replace(
        title,
        values={
            **title.values,
            **_identity(answer),
            **_irregularities(answer),
            "tipo_ocorrencia": answer.occurrence,
            "data_ocorrencia": answer.on,
            "valor_custas_cartorio": answer.costs,
        },
    )


def _outcome(answer: Outcome) -> dict[str, Value]:
    return {
        **_identity(answer),
        **_irregularities(answer),
        "saldo_titulo": answer.amount,
        "tipo_ocorrencia": answer.occurrence,
        "data_ocorrencia": answer.on,
        "valor_custas_cartorio": answer.costs,
    }


def _progress(event: ProgressEvent) -> dict[str, Value]:
    return {
        **_identity(event),
        "data_ocorrencia": event.on,
        "codigo_irregularidade": event.code,
        "valor_custas_cartorio": event.costs,
        "complemento_registro": f"{event.on:%d%m%Y} {event.at:%H%M%S}" if event.at else "",
    }


def _identity(answer: Confirmation | Outcome | ProgressEvent) -> dict[str, Value]:
    return {
        "codigo_cartorio": answer.notary_code,
        "numero_protocolo_cartorio": answer.protocol or "",
        "data_protocolo": answer.protocol_date,
    }


def _irregularities(answer: Confirmation | Outcome) -> dict[str, Value]:
    if len(answer.irregularities) > _MOST_IRREGULARITIES:
        raise BadInput(f"{answer.our_number} has {len(answer.irregularities)} irregularities; at most 5 fit a record")
    first, *more = answer.irregularities or ("",)
    return {"codigo_irregularidade": first, "complemento_codigo_irregularidade": "".join(more)}


def _by_number(answers: Iterable[_Answer]) -> dict[str, _Answer]:
    found: dict[str, _Answer] = {}
    for answer in answers:
        if answer.our_number in found:
            raise BadInput(f"{answer.our_number} is answered twice; a title has one answer in a file")
        found[answer.our_number] = answer
    return found


def _titles(remittances: Iterable[CraFile]) -> dict[str, tuple[Record, Record]]:
    """Header of its lot and first record of each title sent, by our number."""
    titles: dict[str, tuple[Record, Record]] = {}
    for remittance in remittances:
        for lot in remittance.lots:
            for record in lot.records:
                titles.setdefault(record.text("nosso_numero"), (lot.header, record))
    return titles


def _same(answered: Iterable[str], sent: Iterable[str]) -> None:
    if wrong := sorted(set(answered) ^ set(sent)):
        raise BadInput(f"titles {', '.join(wrong)} were not sent or not answered; a confirmation answers every title")


def _place(title: tuple[Record, Record]) -> str:
    return title[0].text("codigo_municipio_praca")


def _of(record: Record, names: Iterable[str]) -> dict[str, Value]:
    return {name: record.values.get(name) for name in names}

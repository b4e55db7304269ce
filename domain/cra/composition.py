"""What a file says about itself: constants, counts, sums, sequence numbers, and the presenter's code.

Writing fills it in; reading compares it. The rules, per kind:

- 600: header 09 records, 10 titles (first debtors), 11 of them by indication (DMI, DRI, CBI), 12 the others. Trailer 05
  is 09+10+11+12 in a remittance and its confirmation, and the records alone in returns and progress. Trailer 06 is the
  sum of field 18. Sequence numbers begin again with each lot.
- 127: a notary's header counts its orders N, its trailer says 2N; the presenter's trailer says 2N of the whole file and
  the sum of the amounts. Sequence numbers run through the file.

In files that come back only records, trailer totals and the presenter's code are held to this: the rest is as the CRA
wrote it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from domain.cra import codes
from domain.cra.files import ANY_PRESENTER, NOTHING, CraFile, Lot, Record
from domain.cra.layout import OURS, WIDE, layout
from domain.cra.values import Value

_HELD = {"codigo_portador", "qtd_registros", "somatorio_quantidade", "somatorio_valor"}
_COUNTS = ("qtd_registros", "qtd_titulos", "qtd_indicacoes", "qtd_originais")
LONG_CODE = "999"
"""Field 02 of a presenter whose real code is not three digits: that one stands only in the file's name."""
STATE_ONLY = "TAB"
"""Field 02 of a progress file for presenters known to one state's CRA only (Andamento layout, header 02)."""


def filled(file: CraFile) -> CraFile:
    """The same file with everything in it that it must say about itself; what it said wrongly is corrected."""
    return _wide(file) if file.kind in WIDE else _narrow(file)


def _wide(file: CraFile) -> CraFile:
    return replace(file, lots=tuple(_wide_lot(file, lot) for lot in file.lots))


def _wide_lot(file: CraFile, lot: Lot) -> Lot:
    count = len(lot.records)
    header = _complete(
        file,
        "header",
        lot.header,
        codigo_portador=_presenter(file, lot.header),
        data_movimento=file.day,
        sequencial_registro=1,
        qtd_registros=count,
        **_titles(file, lot),
    )
    code = header.values["codigo_portador"]
    records = tuple(
        _complete(file, "transacao", record, codigo_portador=code, sequencial_registro=number)
        for number, record in enumerate(lot.records, 2)
    )
    counted = _COUNTS if file.kind in ("B", "C") else _COUNTS[:1]
    trailer = _complete(
        file,
        "trailer",
        lot.trailer,
        codigo_portador=code,
        nome_portador=header.values.get("nome_portador"),
        data_movimento=header.values.get("data_movimento"),
        somatorio_quantidade=sum(header.whole(name) for name in counted),
        somatorio_valor=sum((record.money("saldo_titulo") for record in records), Decimal(0)),
        sequencial_registro=count + 2,
    )
    return Lot(header, records, trailer)


def _titles(file: CraFile, lot: Lot) -> dict[str, Value]:
    if file.kind not in ("B", "C"):
        return {}
    first = [record for record in lot.records if record.values.get("numero_controle_devedor") in (1, "")]
    species = [codes.species(record.text("especie_titulo")) for record in first]
    by_indication = sum(1 for one in species if one is not None and one.by_indication)
    return {
        "qtd_titulos": len(first),
        "qtd_indicacoes": by_indication,
        "qtd_originais": len(first) - by_indication,
    }


def _narrow(file: CraFile) -> CraFile:
    count = sum(len(lot.records) for lot in file.lots)
    code = _own_code(file)
    header = _complete(
        file,
        "header_apresentante",
        file.header or NOTHING,
        codigo_apresentante=code,
        data_movimento=file.day,
        quantidade_pedidos=count,
        quantidade_registros_tipo2=count,
        sequencial_registro=1,
    )
    lots, line = [], 2
    for lot in file.lots:
        lots.append(_narrow_lot(file, lot, line))
        line += len(lot.records) + 2
    trailer = _complete(
        file,
        "trailer_apresentante",
        file.trailer or NOTHING,
        codigo_apresentante=code,
        nome_apresentante=header.values.get("nome_apresentante"),
        data_movimento=file.day,
        somatorio_quantidade=2 * count,
        somatorio_valor=sum((record.money("valor_titulo") for lot in lots for record in lot.records), Decimal(0)),
        sequencial_registro=line,
    )
    return replace(file, header=header, lots=tuple(lots), trailer=trailer)


def _narrow_lot(file: CraFile, lot: Lot, line: int) -> Lot:
    count = len(lot.records)
    return Lot(
        _complete(file, "header_cartorio", lot.header, quantidade_pedidos=count, sequencial_registro=line),
        tuple(
            _complete(file, "transacao", record, sequencial_registro=number)
            for number, record in enumerate(lot.records, line + 1)
        ),
        _complete(
            file,
            "trailer_cartorio",
            lot.trailer,
            codigo_cartorio=lot.header.values.get("codigo_cartorio"),
            somatorio_quantidade=2 * count,
            sequencial_registro=line + count + 1,
        ),
    )


def _complete(file: CraFile, name: str, given: Record, **computed: Value) -> Record:
    """The record with what it must say; in files that come back, what nobody holds the CRA to stays as given."""
    constants: Mapping[str, Value] = {
        field.name: field.constant for field in layout(file.kind)[name] if field.constant is not None
    }
    held = {key: value for key, value in computed.items() if file.kind in OURS or key in _HELD}
    return replace(given, values={**computed, **given.values, **held, **constants})


def _presenter(file: CraFile, header: Record) -> str:
    given, own = header.text("codigo_portador"), _own_code(file)
    if file.kind in OURS or not given:
        return own
    accepted = {own, file.presenter}
    if file.kind == "M":
        accepted.add(STATE_ONLY)
    if file.kind == "R" and file.presenter == ANY_PRESENTER:
        accepted.add(given)
    return given if given in accepted else own


def _own_code(file: CraFile) -> str:
    return file.presenter if len(file.presenter) == 3 and file.presenter.isdigit() else LONG_CODE

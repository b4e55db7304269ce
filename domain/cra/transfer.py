"""Reading and writing CRA files: bytes to values and back, refused whole where anything does not hold."""

from __future__ import annotations

from collections.abc import Iterator

from domain.cra.answers import contradictions
from domain.cra.composition import filled
from domain.cra.files import NOTHING, CraFile, Lot, Record, parse_name
from domain.cra.layout import OURS, WIDE, Kind, layout, marks, positions, width
from domain.cra.values import Unfit, Value, decode, encode, shown
from domain.errors import BadFile, BadInput, Fault

_NEXT = {
    "wide": {"": "0", "0": "19", "1": "19", "9": "0"},
    "narrow": {"": "0", "0": "1", "1": "2", "2": "28", "8": "19", "9": ""},
}
"""Which record may follow which, by the digit in position 1. Every file ends with a 9."""


def read(data: bytes, name: str) -> CraFile:
    """A CRA file of any kind from its bytes and its name.

    Raises BadFile with every fault: the name, bytes that are not plain ASCII, lines of a wrong length, records out of
    order, fields against their type, constants, dates, counts, sums, the presenter's code, and (in what came back)
    titles whose answer cannot be understood. In C, R and M anything may stand in fields that are not used. Lines end
    with CRLF or LF.
    """
    try:
        kind, presenter, day, sequence = parse_name(name)
    except BadInput as error:
        raise BadFile(name, [Fault(name, "the name", str(error))]) from None
    lines = _lines(data, kind, name)
    records = _records(lines, kind, name)
    header, lots, trailer = _grouped(records, kind)
    file = CraFile(kind, presenter, day, sequence, lots, header, trailer)
    faults = [*_differences(file), *_unclear(file)]
    if faults:
        raise BadFile(name, faults)
    return file


def write(file: CraFile) -> tuple[str, bytes]:
    """Name and content (ASCII, CRLF) of a file; constants, counts, sums and sequence numbers are computed.

    Names, addresses and places are upper-cased, stripped of accents and cut to their field; title numbers are folded
    but never cut; everything else is written as it is. Raises BadFile with every value that does not fit its field, is
    missing, or contradicts another; BadInput where the file cannot even be named.
    """
    name, whole = file.name, filled(file)
    faults: list[Fault] = []
    lines = [
        _encoded(file.kind, record, values, f"{name}:{number}", faults)
        for number, (record, values) in enumerate(whole.records(), 1)
    ]
    if not file.lots:
        faults.append(Fault(name, "no lot", "a file has at least one"))
    if file.kind not in WIDE and not all(lot.records for lot in file.lots):
        faults.append(Fault(name, "a notary office without an order", "each has at least one"))
    faults.extend(_unclear(whole))
    if faults:
        raise BadFile(name, faults)
    return name, "".join(line + "\r\n" for line in lines).encode("ascii")


def settled(file: CraFile) -> CraFile:
    """The file as its receiver will read it: computed, folded and cut. Raises what `write` raises."""
    name, content = write(file)
    return read(content, name)


def _lines(data: bytes, kind: Kind, name: str) -> list[str]:
    raw = data.split(b"\r\n" if b"\r\n" in data else b"\n")
    if raw[-1] == b"":
        raw.pop()
    if not raw:
        raise BadFile(name, [Fault(name, "empty", "a file has at least a header, a record and a trailer")])
    faults = []
    for number, line in enumerate(raw, 1):
        where = f"{name}:{number}"
        strange = next((at for at, byte in enumerate(line, 1) if not 32 <= byte < 127), None)
        if strange is not None:
            faults.append(Fault(where, f"byte 0x{line[strange - 1]:02X} in position {strange}", "plain ASCII only"))
        if len(line) != width(kind):
            faults.append(Fault(where, f"{len(line)} positions", f"a file {kind} has {width(kind)} in every line"))
    if faults:
        raise BadFile(name, faults)
    return [line.decode("ascii") for line in raw]


def _records(lines: list[str], kind: Kind, name: str) -> list[tuple[str, Record]]:
    follows = _NEXT["wide" if kind in WIDE else "narrow"]
    faults: list[Fault] = []
    records, before = [], ""
    for number, line in enumerate(lines, 1):
        where, mark = f"{name}:{number}", line[0]
        allowed = follows.get(before, "".join(marks(kind)))
        if mark not in allowed:
            found = f"record type {mark!r} after {before!r}" if before else f"record type {mark!r} at the beginning"
            faults.append(Fault(where, found, f"here stands {' or '.join(allowed) or 'nothing, the file ends'}"))
        if mark in marks(kind):
            records.append((marks(kind)[mark], _decoded(kind, marks(kind)[mark], line, where, number, faults)))
        before = mark
    if before != "9":
        faults.append(Fault(f"{name}:{len(lines)}", f"the last record is of type {before!r}", "a file ends with a 9"))
    if faults:
        raise BadFile(name, faults)
    return records


def _decoded(kind: Kind, record: str, line: str, where: str, number: int, faults: list[Fault]) -> Record:
    values: dict[str, Value] = {}
    for field in layout(kind)[record]:
        try:
            values[field.name] = decode(field, line[field.start - 1 : field.end])
        except Unfit as error:
            faults.append(Fault(where, f"{field} is {error.found}", error.wanted))
    return Record(values, number)


def _encoded(kind: Kind, record: str, given: Record, where: str, faults: list[Fault]) -> str:
    fields, parts = positions(kind, record), []
    faults.extend(
        Fault(where, f"{record} has no field {stranger!r}", f"it has {', '.join(fields)}")
        for stranger in sorted(given.values.keys() - fields.keys())
    )
    for field in fields.values():
        try:
            parts.append(encode(field, given.values.get(field.name)))
        except Unfit as error:
            faults.append(Fault(where, f"{field} is {error.found}", error.wanted))
    return "".join(parts)


def _grouped(records: list[tuple[str, Record]], kind: Kind) -> tuple[Record | None, tuple[Lot, ...], Record | None]:
    """Lots of records that already stand in a right order, with the presenter's own records where there are any."""
    plain = [record for _, record in records]
    if kind in WIDE:
        return None, tuple(_lots(records)), None
    return plain[0], tuple(_lots(records[1:-1])), plain[-1]


def _lots(records: list[tuple[str, Record]]) -> Iterator[Lot]:
    header, inside = NOTHING, list[Record]()
    for name, record in records:
        if name.startswith("header"):
            header, inside = record, []
        elif name == "transacao":
            inside.append(record)
        else:
            yield Lot(header, tuple(inside), record)


def _differences(file: CraFile) -> Iterator[Fault]:
    """Where a file says something about itself that is not so."""
    for (name, found), (_, right) in zip(file.records(), filled(file).records(), strict=True):
        for key, value in right.values.items():
            said = found.values.get(key)
            if said != value:
                field = positions(file.kind, name)[key]
                yield Fault(f"{file.name}:{found.line}", f"{field} is {shown(field, said)}", f"{value} is right")


def _unclear(file: CraFile) -> Iterator[Fault]:
    place = "codigo_municipio_praca" if file.kind in WIDE else "codigo_municipio"
    for number, (name, record) in enumerate(file.records(), 1):
        where = f"{file.name}:{number}"
        if place in positions(file.kind, name) and not _municipality(record.text(place)):
            yield Fault(where, f"municipality {record.text(place)!r}", "an IBGE code of 7 digits")
        if name == "transacao" and file.kind not in OURS:
            yield from contradictions(file.kind, record, where)


def _municipality(code: str) -> bool:
    return len(code) == 7 and code.isascii() and code.isdigit() and code.strip("0") != ""

"""Return files of 240 positions (FEBRABAN): header, lots of segments, trailers. A title is a segment T and its U.

Checked beside every field: the order of records, lots and segments, the number of each segment in its lot, the bank in
every line, and the counts in the trailers of lots and file. The totals of titles in a lot's trailer are those of the
portfolio in many banks' files, so they prove nothing about the file.
"""

from __future__ import annotations

from collections.abc import Iterator

from domain.bank.assembly import Header, Values, assemble, gather, with_pix
from domain.bank.faults import Faults
from domain.bank.lines import Numbered
from domain.bank.model import Record
from domain.bank.tables import Form
from domain.bank.values import Unfit

WIDTH = 240
_LOTS_OF_THE_HEADER = b"00000"
_RETURN, _COLLECTION = "T", "01"
_FROM_THE_BANK = "2"
_TURN = 100_000
"""Segments are numbered with five digits."""
_HEADER, _LOT, _SEGMENT, _LOT_END, _TRAILER = "01359"
_AROUND = frozenset("24")
"""Records at the beginning and the end of a lot that say nothing about titles."""


def begins(line: bytes) -> bool:
    """Whether a first line is that of a file of 240 positions: three digits of bank, lot 0000, record 0."""
    return line[:3].isdigit() and line[3:8] == _LOTS_OF_THE_HEADER


def header(form: Form, line: bytes, faults: Faults) -> Header | None:
    """What the first line says about the file; None, and every fault noted, where it cannot be read."""
    fields = form.fields["header"]
    values = gather(fields, line, 1, faults)
    if values is None:
        return None
    if values["direction"] != _FROM_THE_BANK:
        faults.add(1, f"{fields['direction']} is {values['direction']}", "2; a file that the bank sent, no remittance")
    if values["created"] is None:
        faults.add(1, f"{fields['created']} is blank", "the day on which the bank made the file")
    return Header(form.bank, values["account"], values["created"], values["sequence"], values["hour"] or None)


def records(form: Form, identity: str, numbered: Numbered, faults: Faults) -> Iterator[Record]:
    """The records of a file from its numbered lines, one at a time; what is wrong is noted in `faults`."""
    return _Reading(form, identity, faults).records(numbered)


class _Reading:
    """One pass over one file: what was seen so far."""

    def __init__(self, form: Form, identity: str, faults: Faults) -> None:
        self._form, self._identity, self._faults = form, identity, faults
        self._line = 0
        self._ended = False
        self._lots = 0
        self._lot = ""
        self._inside = 0
        self._position = 0
        self._unsure = False
        self._title: tuple[int, Values] | None = None
        self._pending: Record | None = None

    def records(self, numbered: Numbered) -> Iterator[Record]:
        for self._line, line in numbered:
            if line is None:
                self._lost()
                continue
            if self._ended:
                self._wrong("a record after the trailer of the file", "the trailer is the last record")
            yield from self._taken(chr(line[7]), line)
        yield from self._flushed()
        if not self._ended:
            self._wrong("the file ends without its trailer", "a record of type 9 at the end")

    def _taken(self, mark: str, line: bytes) -> Iterator[Record]:
        values = gather(self._form.fields["any"], line, self._line, self._faults)
        if values is not None and values["bank"] != self._form.bank:
            self._wrong(f"bank {values['bank']}", f"{self._form.bank}, the bank of the header, in every line")
        lot = values["lot"] if values else ""
        self._inside += bool(self._lot) and mark != _LOT
        if mark == _SEGMENT:
            yield from self._segment(lot, line)
            return
        yield from self._flushed()
        if mark == _LOT:
            self._begin(lot, line)
        elif mark == _LOT_END:
            self._end_of_lot(lot, line)
        elif mark == _TRAILER:
            self._end(line)
        elif not (mark == _HEADER and self._line == 1) and not (mark in _AROUND and self._lot):
            self._wrong(f"record type {mark!r}", "0 in the first line, then 1, 3 and 5 lot by lot, 9 in the last")

    # --- lots ---------------------------------------------------------------------------------------------------------
    def _begin(self, lot: str, line: bytes) -> None:
        if self._lot:
            self._wrong(f"lot {lot} begins inside lot {self._lot}", "the trailer (type 5) of the lot before")
        values = gather(self._form.fields["lot_header"], line, self._line, self._faults)
        if values and (values["operation"], values["service"]) != (_RETURN, _COLLECTION):
            found = f"a lot of operation {values['operation']!r} and service {values['service']!r}"
            self._wrong(found, "operation T (return) and service 01 (collection of titles)")
        self._lots += 1
        self._lot, self._inside, self._position = lot, 1, 0

    def _end_of_lot(self, lot: str, line: bytes) -> None:
        if lot != self._lot:
            self._wrong(f"the trailer of lot {lot}", f"the trailer of lot {self._lot or 'that was begun'}")
        values = gather(self._form.fields["lot_trailer"], line, self._line, self._faults)
        ways = {"all": self._inside, "details": self._inside - 2}
        right = [ways[way] for way in sorted(self._form.lot_counts)]
        if values and self._lot and values["records"] not in right:
            found = f"{self._form.fields['lot_trailer']['records']} is {values['records']}"
            self._wrong(found, f"{' or '.join(str(count) for count in right)} is what the lot holds")
        self._lot = ""

    def _end(self, line: bytes) -> None:
        if self._lot:
            self._wrong(f"the file ends inside lot {self._lot}", "the trailer (type 5) of every lot")
        self._ended, self._lot = True, ""
        fields = self._form.fields["trailer"]
        said = gather(fields, line, self._line, self._faults) or {}
        seen = {"lots": self._lots, "records": self._line}
        for name in said:
            if said[name] != seen[name]:
                self._wrong(f"{fields[name]} is {said[name]}", f"{seen[name]} is what the file holds")

    # --- segments -----------------------------------------------------------------------------------------------------
    def _segment(self, lot: str, line: bytes) -> Iterator[Record]:
        if not self._lot:
            self._wrong("a segment outside of a lot", "the header (type 1) of a lot before it")
        elif lot != self._lot:
            self._wrong(f"lot {lot}", f"{self._lot}, the lot that was begun")
        values = gather(self._form.fields["segment"], line, self._line, self._faults)
        if values is None:
            self._lost()
            return
        self._numbered(values["position"])
        if values["letter"] == "U":
            self._pair(line)
            return
        self._single()
        if values["letter"] == "T":
            yield from self._flushed()
            title = gather(self._form.fields["T"], line, self._line, self._faults)
            self._title, self._unsure = ((self._line, title), False) if title else (None, True)
        else:
            self._add(line, values["letter"])

    def _numbered(self, position: int) -> None:
        self._position += 1
        if position != self._position % _TURN:
            found = f"{self._form.fields['segment']['position']} is {position:05}"
            self._wrong(found, f"{self._position % _TURN:05}; segments are missing, doubled or mixed up")
            self._position = position

    def _pair(self, line: bytes) -> None:
        """A segment U: the amounts of the title in the segment T just before it."""
        title, unsure = self._title, self._unsure
        self._title, self._unsure = None, False
        values = gather(self._form.fields["U"], line, self._line, self._faults)
        if title is None:
            if not unsure:
                self._wrong("a segment U without its segment T", "a segment T just before it")
            return
        number, said = title
        if values is None:
            return
        if values["movement"] != said["occurrence"]:
            found = f"{self._form.fields['U']['movement']} is {values['movement']}"
            self._wrong(found, f"{said['occurrence']}, as in its segment T")
        try:
            self._pending = assemble(self._form, self._identity, number, {**said, **values})
        except Unfit as error:
            self._wrong(error.found, error.wanted)

    def _single(self) -> None:
        """No segment U came after a segment T."""
        if self._title is not None:
            self._faults.add(self._title[0], "a segment T without its segment U", "a segment U just after it")
            self._title = None

    def _add(self, line: bytes, letter: str) -> None:
        option = line[17:19].decode("latin-1")
        values = gather(self._form.fields.get(f"{letter}{option}", {}), line, self._line, self._faults)
        if self._pending is not None and values is not None:
            self._pending = with_pix(self._pending, line, values.get("txid", ""))

    def _flushed(self) -> Iterator[Record]:
        self._single()
        if self._pending is not None:
            yield self._pending
        self._pending = None

    def _lost(self) -> None:
        """A line could not be read: it counts, and nothing is said about a segment T or U that it may have been."""
        self._inside += bool(self._lot)
        self._position += bool(self._lot)
        self._title, self._unsure = None, True

    def _wrong(self, found: str, wanted: str) -> None:
        self._faults.add(self._line, found, wanted)

"""Return files of 400 positions: header, one record per title, records that add to it, trailer.

Checked beside every field: the kinds of records and their order, the number of each record in the file (395-400), and
what the bank's trailer says about the file: how many details, which sum of titles, how many of some occurrences.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

from domain.bank.assembly import Header, Values, assemble, gather, with_pix
from domain.bank.faults import Faults
from domain.bank.lines import Numbered
from domain.bank.model import Record
from domain.bank.tables import Form
from domain.bank.values import READ, Unfit
from domain.money import ZERO

WIDTH = 400
BEGINNING = b"02RETORNO"
_TURN = 1_000_000
"""Records are numbered with six digits."""
_HEADER, _TRAILER = "0", "9"


def header(form: Form, line: bytes, faults: Faults) -> Header | None:
    """What the first line says about the file; None, and every fault noted, where it cannot be read."""
    values = gather(form.fields["header"], line, 1, faults)
    if values is None:
        return None
    if values["created"] is None:
        faults.add(1, f"{form.fields['header']['created']} is blank", "the day on which the bank made the file")
    return Header(form.bank, values["account"], values["created"], values.get("sequence", 0))


def records(form: Form, identity: str, numbered: Numbered, faults: Faults) -> Iterator[Record]:
    """The records of a file from its numbered lines, one at a time; what is wrong is noted in `faults`."""
    return _Reading(form, identity, faults).records(numbered)


class _Reading:
    """One pass over one file: what was seen so far."""

    def __init__(self, form: Form, identity: str, faults: Faults) -> None:
        self._form, self._identity, self._faults = form, identity, faults
        self._pending: Record | None = None
        self._line = 0
        self._trailer: Values | None = None
        self._ended = False
        self._sure = True
        self._faces = ZERO
        self._occurrences: Counter[str] = Counter()

    def records(self, numbered: Numbered) -> Iterator[Record]:
        for self._line, line in numbered:
            if line is None:
                self._sure = False
                continue
            self._numbered(line)
            if self._ended:
                self._faults.add(self._line, "a record after the trailer", "the trailer is the last record")
            yield from self._taken(chr(line[0]), line)
        yield from self._flushed()
        self._close()

    def _numbered(self, line: bytes) -> None:
        values = gather(self._form.fields["any"], line, self._line, self._faults)
        if values is not None and values["position"] != self._line % _TURN:
            found = f"{self._form.fields['any']['position']} is {values['position']:06}"
            self._faults.add(self._line, found, f"{self._line % _TURN:06}; records are missing, doubled or mixed up")

    def _taken(self, mark: str, line: bytes) -> Iterator[Record]:
        if mark in self._form.details:
            yield from self._flushed()
            self._pending = self._detail(line)
        elif mark == _HEADER and self._line == 1:
            return
        elif mark == _TRAILER:
            yield from self._flushed()
            self._ended = True
            self._trailer = gather(self._form.fields.get("trailer", {}), line, self._line, self._faults)
        elif mark in self._form.extras:
            self._add(mark, line)
        else:
            wanted = ", ".join(sorted(self._form.details | self._form.extras | {_TRAILER}))
            self._faults.add(self._line, f"record type {mark!r}", f"one of {wanted}")

    def _flushed(self) -> Iterator[Record]:
        if self._pending is not None:
            yield self._pending
        self._pending = None

    def _detail(self, line: bytes) -> Record | None:
        self._occurrences[""] += 1
        values = gather(self._form.fields["detail"], line, self._line, self._faults)
        if values is None:
            self._sure = False
            return None
        self._occurrences[values["occurrence"]] += 1
        self._faces += values["face"]
        try:
            return assemble(self._form, self._identity, self._line, values)
        except Unfit as error:
            self._faults.add(self._line, error.found, error.wanted)
            return None

    def _add(self, mark: str, line: bytes) -> None:
        """A record that adds to the title before it; never a title whose mark was damaged."""
        if self._pending is None and self._sure:
            self._faults.add(self._line, f"record type {mark!r} before any title", "the title that it adds to")
        if self._is_title(line):
            wanted = " or ".join(sorted(self._form.details))
            self._faults.add(self._line, f"record type {mark!r} in a record that holds a title", wanted)
        values = gather(self._form.fields.get(f"extra{mark}", {}), line, self._line, self._faults)
        if self._pending is not None and values is not None:
            self._pending = with_pix(self._pending, line, values.get("txid", ""))

    def _is_title(self, line: bytes) -> bool:
        """Whether a line has a day and an amount where a title has them; banks' additional records have text there."""
        fields = self._form.fields["detail"]
        try:
            day = READ[fields["occurred_on"].type](line[fields["occurred_on"].cut])
        except Unfit:
            return False
        return day is not None and line[fields["face"].cut].isdigit()

    def _close(self) -> None:
        if not self._ended:
            self._faults.add(self._line, "the file ends without its trailer", "a record of type 9 at the end")
        for name, said in (self._trailer or {}).items() if self._sure else ():
            is_so = self._seen(name)
            if said != is_so:
                found = f"{self._form.fields['trailer'][name]} is {said}"
                self._faults.add(self._line, found, f"{is_so} is what the file holds")

    def _seen(self, name: str) -> int | Decimal:
        """What a field of the trailer should say: `details`, `faces`, or `occurrences` with their codes."""
        if name == "faces":
            return self._faces
        codes = name.split()[1:]
        return sum(self._occurrences[code] for code in codes) if codes else self._occurrences[""]

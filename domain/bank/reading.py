"""A bank's file from its bytes: which bank and layout it is, whether it is whole, and what it tells."""

from __future__ import annotations

import hashlib
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from types import ModuleType
from typing import BinaryIO

from domain.bank import cnab240, cnab400, ofx
from domain.bank.assembly import Header
from domain.bank.faults import Faults
from domain.bank.lines import LONGEST, lines
from domain.bank.model import BankFile, Kind, Record, Sums
from domain.bank.tables import Cnab, Form, form, forms
from domain.errors import BadFile, BadInput, Fault
from domain.money import ZERO

_HEAD = 1024
"""Bytes in which a file says what it is."""
_PART = 1 << 16
_REMITTANCE = b"01REMESSA"
_BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")
_UTF8_MARK = b"\xef\xbb\xbf"
_READABLE = "a return file in CNAB 240 or CNAB 400, or a statement in OFX"


def read_bank_file(data: bytes | BinaryIO, name: str) -> BankFile:
    """A return file or statement, checked whole before anything of it is handed over; `name` is for messages only.

    `data` is bytes or a seekable binary stream, which is read twice or more and must stay open and unchanged as long as
    the file is iterated. Bank and layout are told by the first line. Raises BadFile, with every faulty line (at most
    `faults.MOST`, then their number), for an unknown bank or layout, lines of a wrong length or with strange bytes,
    records out of order, a gap in their numbers, a segment T without its U, amounts and days that are none, counts and
    sums that do not hold, and a missing end; BadInput for a stream that cannot be read twice.
    """
    begun = _opener(data, name)
    head = begun().read(_HEAD)
    if head.startswith(_BYTE_ORDER_MARKS):
        raise _refused(name, "text in UTF-16", f"{_READABLE}, byte for byte as the bank wrote it")
    if ofx.begins(head):
        return _statement(begun(), name)
    first = begun().readline(LONGEST).rstrip(b"\r\n")
    if first.startswith(cnab400.BEGINNING):
        return _checked(begun, name, "cnab400", first[76:79], cnab400)
    if cnab240.begins(first):
        return _checked(begun, name, "cnab240", first[:3], cnab240)
    raise _refused(name, *_unknown(first))


def _opener(data: bytes | BinaryIO, name: str) -> Callable[[], BinaryIO]:
    """What gives the data from its beginning, as often as it is called."""
    if isinstance(data, bytes):
        return lambda: io.BytesIO(data)
    if not data.seekable():
        raise BadInput(f"{name}: a bank's file is read twice; give a file on disk, not a pipe")

    def rewound() -> BinaryIO:
        data.seek(0)
        return data

    return rewound


def _statement(stream: BinaryIO, name: str) -> BankFile:
    """A statement, which is held whole: it is bounded by `ofx.LARGEST`."""
    statement = ofx.read(stream.read(ofx.LARGEST + 1), name)
    tally = Tally()
    for record in statement.records:
        tally.add(record)
    return BankFile(
        name=name,
        layout="ofx",
        bank=statement.bank,
        account=statement.account,
        created=statement.created,
        sequence=0,
        covers_until=statement.covers_until,
        count=tally.count,
        sums=tally.sums(),
        identity=statement.identity,
        source=lambda: iter(statement.records),
    )


def _unknown(first: bytes) -> tuple[str, str]:
    """What a first line that cannot be read is, and what would be right."""
    if not first.strip():
        return "an empty line where the file begins", _READABLE
    if first.startswith(_REMITTANCE):
        return "a remittance, which goes to the bank", "the return file, which comes from the bank"
    if first.startswith(_UTF8_MARK):
        return "a byte order mark", f"{_READABLE}, byte for byte as the bank wrote it"
    return "an unknown layout", f"{_READABLE} (it begins with 02RETORNO, with bank and 00000, or with OFXHEADER)"


def _refused(name: str, found: str, wanted: str) -> BadFile:
    return BadFile(name, [Fault(f"{name}:1", found, wanted)])


def _checked(begun: Callable[[], BinaryIO], name: str, layout: Cnab, bank: bytes, reader: ModuleType) -> BankFile:
    """A CNAB file after its first pass: every line was read, and is read again for whoever iterates."""
    found = form(layout, bank.decode("latin-1"))
    if found is None:
        known = ", ".join(f"{each.bank} {each.name}" for each in forms().values() if each.layout == layout)
        shown = re.sub(r"[^0-9A-Za-z]", "?", bank.decode("latin-1"))
        raise _refused(name, f"bank {shown!r} in {layout}", f"a bank whose layout is known: {known}")
    faults = Faults(name)
    head = _header(begun(), found, reader, faults)
    identity = head.identity(layout) if head.sequence else f"{head.identity(layout)}{_digest(begun())}"

    def scan(told: Faults) -> Iterator[Record]:
        records: Iterator[Record] = reader.records(found, identity, lines(begun(), reader.WIDTH, told), told)
        return records

    tally = Tally()
    for record in scan(faults):
        tally.add(record)
    faults.refuse()
    return BankFile(
        name=name,
        layout=layout,
        bank=head.bank,
        account=head.account,
        created=head.created,
        sequence=head.sequence,
        covers_until=head.covers_until(tally.last),
        count=tally.count,
        sums=tally.sums(),
        identity=identity,
        source=lambda: _again(scan, name),
    )


def _digest(stream: BinaryIO) -> str:
    """In place of the number that a file does not have: tells two files of a day apart, but not one file sent twice."""
    digest = hashlib.sha256()
    while part := stream.read(_PART):
        digest.update(part)
    return f"-{digest.hexdigest()[:8]}"


def _header(stream: BinaryIO, found: Form, reader: ModuleType, faults: Faults) -> Header:
    """The header of a file, or one that is empty where it cannot be read: the rest is still looked through."""
    first = stream.readline(LONGEST).rstrip(b"\r\n")
    whole = len(first) == reader.WIDTH  # if not, the pass over the lines says so
    head: Header | None = reader.header(found, first, faults) if whole else None
    return head or Header(found.bank, "", None, 0)


def _again(scan: Callable[[Faults], Iterator[Record]], name: str) -> Iterator[Record]:
    """The records of a file that was found to be good. BadFile at its end if it is no longer."""
    faults = Faults(name)
    yield from scan(faults)
    faults.refuse()


class Tally:
    """Counts and sums of records as they pass by, and the last day that they tell of."""

    def __init__(self) -> None:
        self.count = 0
        self.last: date | None = None
        self._kinds: Counter[Kind] = Counter()
        self._questions = 0
        self._paid = self._credited = self._fees = ZERO

    def add(self, record: Record) -> None:
        """Count one record."""
        self.count += 1
        self._kinds[record.kind] += 1
        self._questions += bool(record.question)
        self._fees += record.fee
        if record.kind.money:
            self._paid += record.paid
            self._credited += record.credited or ZERO
        if record.occurred_on is not None and (self.last is None or record.occurred_on > self.last):
            self.last = record.occurred_on

    def sums(self) -> Sums:
        """The totals so far."""
        return Sums(dict(self._kinds), self._questions, self._paid, self._credited, self._fees)

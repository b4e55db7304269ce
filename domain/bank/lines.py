"""Lines of a CNAB file, one at a time: constant memory however long the file is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from domain.bank.faults import Faults

Numbered = Iterable[tuple[int, bytes | None]]
"""Lines with their numbers from 1; None for a line that is no good."""

LONGEST = 4096
"""Bytes of a line that are read at most: what is longer is no CNAB file."""

_STRANGE = re.compile(rb"[^\x20-\x7e\xa0-\xff]")
_END_OF_FILE = b"\x1a"
"""Ctrl-Z, which banks' systems still write after the last line."""


def lines(stream: BinaryIO, width: int, faults: Faults) -> Iterator[tuple[int, bytes | None]]:
    """Number (from 1) and bytes of every line, without its end (CRLF or LF); None for a line that is no good.

    A line is good if it has exactly `width` bytes and no control characters: each byte is one position, in ASCII or
    ISO 8859-1. Empty lines and Ctrl-Z are passed over at the end of the file only.
    """
    number, empty = 0, 0
    while raw := stream.readline(LONGEST):
        number += 1
        line = raw.rstrip(b"\r\n")
        if not line.strip(_END_OF_FILE):
            empty = empty or number
            continue
        if empty:
            faults.add(empty, "an empty line", f"{width} positions in every line")
            empty = 0
        yield number, line if _good(line, number, width, faults) else None


def _good(line: bytes, number: int, width: int, faults: Faults) -> bool:
    strange = _STRANGE.search(line)
    if strange:
        found = f"byte 0x{strange[0][0]:02X} in position {strange.start() + 1}"
        faults.add(number, found, "plain text in ASCII or ISO 8859-1; fetch the file again as the bank wrote it")
    if len(line) != width:
        faults.add(number, f"{len(line)} positions{_hint(line, width)}", f"{width} in every line")
    return not strange and len(line) == width


def _hint(line: bytes, width: int) -> str:
    """Why the length is wrong, where it can be seen: accents that something rewrote in UTF-8 take two bytes."""
    try:
        return " (rewritten in UTF-8)" if len(line.decode("utf-8")) == width != len(line) else ""
    except UnicodeDecodeError:
        return ""

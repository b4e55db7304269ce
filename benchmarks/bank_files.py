"""Bank files of a large creditor, streamed: lines a second and the most memory that is held at a time.

The files are invented and made here, line by line, into a temporary file. Each is read as `regua bank receive` does:
once to check it whole, once to hand its records over. Seconds are of CPU: nothing waits but for the disk's cache, and
what else the machine does falls out.
"""

from __future__ import annotations

import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from domain.bank import read_bank_file

LINES = 100_000
_FEWEST = 10
"""Lines of the smallest file with a title in it, and some to spare."""
_FEE = 210
"""Centavos that the bank keeps of every payment."""
_SHOWN = (
    "lines", "records", "lines_per_second", "check_seconds", "read_seconds", "peak_kb", "peak_kb_of_a_tenth",
)  # fmt: skip


def run_bank_files(lines: int) -> dict[str, Any]:
    """Stream a return file of `lines` lines in CNAB 400 and one in CNAB 240: speed, and memory beside a tenth of it."""
    with tempfile.TemporaryDirectory() as folder:
        return {layout: _measured(made, max(lines, _FEWEST), Path(folder)) for layout, made in _FILES.items()}


def table(document: Mapping[str, Mapping[str, Any]]) -> str:
    """The measurement as a table for people."""
    titles = ("lines", "records", "lines/s", "check s", "read s", "peak KB", "of a tenth")
    rows = [" " * 10 + "".join(f"{title:>12}" for title in titles)]
    rows += [f"{layout:10}" + "".join(f"{seen[key]:>12}" for key in _SHOWN) for layout, seen in document.items()]
    return "\n".join(rows)


def _measured(made: Callable[[int], Iterator[str]], lines: int, folder: Path) -> dict[str, Any]:
    whole = _written(made, lines, folder / "whole.ret")
    tenth = _written(made, max(lines // 10, _FEWEST), folder / "tenth.ret")
    _streamed(tenth)  # tables and caches are there
    check, read, records = _streamed(whole)
    return {
        "lines": lines,
        "records": records,
        "bytes": whole.stat().st_size,
        "lines_per_second": round(lines / (check + read)),
        "check_seconds": round(check, 2),
        "read_seconds": round(read, 2),
        "peak_kb": _peak(whole),
        "peak_kb_of_a_tenth": _peak(tenth),
    }


def _streamed(path: Path) -> tuple[float, float, int]:
    """Seconds to check a file, seconds to read its records, and how many these were."""
    begun = time.process_time()
    with path.open("rb") as stream:
        file = read_bank_file(stream, path.name)
        checked = time.process_time()
        records = sum(1 for _ in file)
    return checked - begun, time.process_time() - checked, records


def _peak(path: Path) -> int:
    """KB that Python held at most beyond what it held before."""
    tracemalloc.start()
    try:
        _streamed(path)
        return round(tracemalloc.get_traced_memory()[1] / 1024)
    finally:
        tracemalloc.stop()


def _written(made: Callable[[int], Iterator[str]], lines: int, path: Path) -> Path:
    with path.open("w", encoding="ascii", newline="") as target:
        target.writelines(f"{line}\r\n" for line in made(lines))
    return path


def _line(width: int, **places: str) -> str:
    """A line with texts at positions, counted from 1 (`at63="…"`)."""
    cells = [" "] * width
    for at, text in places.items():
        start = int(at.removeprefix("at")) - 1
        cells[start : start + len(text)] = text
    return "".join(cells)


def _itau_400(lines: int) -> Iterator[str]:
    """Header, titles paid at Itaú, trailer."""
    details = lines - 2
    yield _line(
        400, at1="02RETORNO01COBRANCA", at27="073000035110", at77="341", at95="241126", at109="00025", at395=f"{1:06}"
    )
    title = _line(
        400, at1="1", at83="109", at109="06", at111="231126", at176=f"{_FEE:013}", at228="0" * 26, at267="0" * 26,
        at296="241126",
    )  # fmt: skip
    total = 0
    for number in range(2, details + 2):
        key, face = f"{number:08}", _cents(number)
        total += face
        named = (
            f"{title[:62]}{key}{title[70:85]}{key}{number % 10}{title[94:116]}{number:010}{title[126:152]}{face:013}"
        )
        yield f"{named}{title[165:253]}{face - _FEE:013}{title[266:394]}{number:06}"
    yield _line(400, at1="9201341", at213=f"{details:08}", at221=f"{total:014}", at395=f"{lines:06}")


def _cents(number: int) -> int:
    """Amounts that differ from title to title, as they do."""
    return 10_000 + number * 7_919 % 1_000_003


def _sicoob_240(lines: int) -> Iterator[str]:
    """Header, one lot of titles paid at Sicoob, trailers: four lines are not segments, and a title is two."""
    segments = (lines - 4) // 2 * 2
    yield _line(240, at1="75600000", at53="303900048981", at143="2", at144="24112026200000", at158="000108")
    yield _line(240, at1="75600011T01")
    first = _line(
        240, at1="75600013", at14="T", at16="06", at47="1", at74="20112026", at106="CTRL",
        at133="1", at134="000052998224725", at199=f"{_FEE:015}", at214="03",
    )  # fmt: skip
    second = _line(
        240, at1="75600013", at14="U", at16="06", at18="0" * 60, at138="23112026",
        at146="24112026",
    )  # fmt: skip
    for number in range(1, segments, 2):
        face = f"{_cents(number):015}"
        named = f"{first[:8]}{number % 100_000:05}{first[13:37]}{number:09}{first[46:58]}{number:015}"
        yield f"{named}{first[73:81]}{face}{first[96:]}"
        yield f"{second[:8]}{(number + 1) % 100_000:05}{second[13:77]}{face}{_cents(number) - _FEE:015}{second[107:]}"
    yield _line(240, at1="75600015", at18=f"{segments + 2:06}")
    yield _line(240, at1="75699999", at18="000001", at24=f"{segments + 4:06}")


_FILES: Mapping[str, Callable[[int], Iterator[str]]] = {"cnab400": _itau_400, "cnab240": _sicoob_240}

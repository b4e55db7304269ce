"""CRA files of a size that no day brings: composing, writing and reading a remittance, and its whole answer."""

from __future__ import annotations

import platform
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any, TypeVar

from domain import cra

TITLES = 5000
_DAY = date(2026, 11, 23)
_PLACES = ("3550308", "3304557", "3106200", "4106902", "4314902")
"""Five capitals: as many lots."""
_PRESENTER = cra.Presenter("999", "Credora Exemplo Ltda", "000000000000042")
_CREDITOR = cra.Creditor("Credora Exemplo Ltda", "11222333000181", "Av Exemplo 1000", "01310100", "São Paulo", "SP")
_DEBTOR = cra.Debtor(
    "Devedora Um Comércio Ltda", "CNPJ", "33444555000181", "Rua Exemplo 500", "01305000", "São Paulo", "SP", "Centro"
)
_TITLE = cra.Title(
    our_number="", species="DMI", number="", issue=date(2026, 9, 1), due=date(2026, 10, 1), amount=Decimal("1234.56"),
    balance=Decimal("1000.00"), place="São Paulo", municipality="", creditor=_CREDITOR, debtors=(_DEBTOR,),
    endorsement="M", declaration="D",
)  # fmt: skip
_Result = TypeVar("_Result")


def run_cra(titles: int = TITLES) -> dict[str, Any]:
    """Compose, write and read a remittance of so many titles in five lots, and read its confirmation.

    Figures: titles a second of each step on one core, and the most Python memory (MB) that a step held at once,
    measured in a second pass. Composing holds the file to the layout as its receiver would: it writes and reads it.
    """
    given = [_title(number, titles) for number in range(titles)]
    file, compose = _timed(lambda: _remittance(given))
    (name, content), write = _timed(lambda: cra.write(file))
    again, read = _timed(lambda: cra.read(content, name))
    if again != file:
        raise AssertionError("what was read is not what was written")
    answer_name, answer = cra.write(cra.confirmation(file, map(_accepted, given)))
    _, confirm = _timed(lambda: cra.confirmations(cra.read(answer, answer_name)))
    steps = {"compose": compose, "write": write, "read": read, "read_confirmation": confirm}
    return {
        "titles": titles,
        "bytes": len(content),
        "titles_per_second": {step: round(titles / seconds) for step, seconds in steps.items()},
        "peak_mb": {
            "compose": _peak(lambda: _remittance(given)),
            "write": _peak(lambda: cra.write(file)),
            "read": _peak(lambda: cra.read(content, name)),
        },
        "machine": {"python": platform.python_version(), "system": platform.system()},
    }


def table(found: dict[str, Any]) -> str:
    """The figures for people."""
    lines = [f"{found['titles']} titles, {found['bytes'] / 1e6:.1f} MB"]
    for step, speed in found["titles_per_second"].items():
        peak = found["peak_mb"].get(step)
        lines.append(f"  {step:<18} {speed:>7} titles/s" + (f"  {peak:>6.1f} MB at most" if peak else ""))
    return "\n".join(lines)


def _title(number: int, titles: int) -> cra.Title:
    place = _PLACES[number * len(_PLACES) // titles]
    return replace(_TITLE, our_number=f"R{number:014}", number=f"NF{number:07}", municipality=place)


def _remittance(titles: list[cra.Title]) -> cra.CraFile:
    numbers = count(1)
    return cra.remittance(_PRESENTER, titles, _DAY, 1, lambda _: next(numbers))


def _accepted(title: cra.Title) -> cra.Confirmation:
    return cra.Confirmation(title.our_number, "01", f"1{title.our_number[-8:]}", _DAY, "", (), Decimal("9.90"), on=_DAY)


def _timed(step: Callable[[], _Result]) -> tuple[_Result, float]:
    """The result of a step and its seconds on this core, whatever else the machine does."""
    begun = time.process_time()
    result = step()
    return result, time.process_time() - begun


def _peak(step: Callable[[], object]) -> float:
    tracemalloc.start()
    try:
        step()
        return round(tracemalloc.get_traced_memory()[1] / 1e6, 1)
    finally:
        tracemalloc.stop()

"""The updated debt for anybody who asks, without a case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from domain.debt import Charges, Debt, Payment, Period, Reduction, updated_debt
from domain.errors import BadInput
from domain.indices import NONE, Indices, series_code
from domain.memory import Memory, memory
from domain.money import parse_money
from starter.forms import parse_day

LEGAL = "legal"
"""Of `--index`: nothing was agreed, the law's correction and interest are added."""
_SOURCE = "como informado"


@dataclass(frozen=True)
class Question:
    """What is asked for, as written: reais, days, per cents; payments and reductions as `DATE=AMOUNT`.

    `index`: empty, `legal`, or the correction index that the contract names.
    """

    principal: str
    due: str
    on: str
    fine: str = "0"
    interest: str = "0"
    fees: str = "0"
    index: str = ""
    consumer: bool = False
    pay: Sequence[str] = ()
    reduce: Sequence[str] = ()


def debt(asked: Question) -> Debt:
    """The debt on a day. Only an index needs the database. Raises `BadInput`."""
    days = parse_day(asked.due, "--due"), parse_day(asked.on, "--on")
    return updated_debt(
        parse_money(asked.principal),
        *days,
        _charges(asked),
        payments=[Payment(*_dated(text, "--pay")) for text in asked.pay],
        reductions=[Reduction(*_dated(text, "--reduce"), "rebate") for text in asked.reduce],
        consumer=asked.consumer,
        indices=_published() if asked.index else NONE,
    )


def as_data(found: Debt) -> dict[str, Any]:
    """A debt as lists and screens show it: its parts in reais, and the memory of calculation.

    `memory` adds up to the total; `periods` is the finer memory for a court; `notes` says what could not be added.
    """
    parts = ("total", "principal", "correction", "fine", "interest", "fees", "paid", "reduced", "credit", "days_late")
    lines = [{"name": line.name_pt, "detail": line.detail_pt, "amount": line.amount} for line in found.lines]
    periods = [_period(period) for period in found.periods]
    whole = {"memory": lines, "periods": periods, "notes": list(found.notes)}
    return {name: getattr(found, name) for name in parts} | whole


def court_memory(found: Debt) -> dict[str, Any]:
    """What a court asks for beside the lines: indices, rates, capitalisation, deductions, imputation, rounding."""
    made: Memory = memory(found)
    return {
        "indices": list(made.indices),
        "rates": list(made.rates),
        "fine": made.fine,
        "fees": made.fees,
        "capitalisation": made.capitalisation,
        "deductions": [{"name": line.name_pt, "amount": line.amount} for line in made.deductions],
        "imputation": made.imputation,
        "rounding": made.rounding,
    }


def _period(period: Period) -> dict[str, Any]:
    running = period.running
    return {
        "kind": period.kind, "rate": running.rate_pt, "start": running.start, "end": running.end, "days": running.days,
        "base": period.base, "percent": period.percent, "factor": period.factor, "amount": period.amount,
        "missing": [f"{month:%Y-%m}" for month in period.missing], "source": running.source,
    }  # fmt: skip


def _charges(asked: Question) -> Charges:
    fine, interest = _percent(asked.fine, "--fine"), _percent(asked.interest, "--interest")
    fees = _percent(asked.fees, "--fees")
    clause = _SOURCE if fees else ""
    if asked.index == LEGAL:
        if fine or interest:
            raise BadInput("--index legal is for a debt for which nothing was agreed; leave out --fine and --interest")
        return Charges(fine, interest, "", None, fees, clause)
    return Charges(fine, interest, _SOURCE, series_code(asked.index) if asked.index else None, fees, clause)


def _published() -> Indices:
    from db.indices import read_indices  # slow to import, and most questions need no database
    from starter.installation import installation

    with installation() as house, house.engine.connect() as conn:
        found = read_indices(conn)
    if not len(found):
        raise BadInput("no index has been loaded yet; load one with `regua load index FILE`")
    return found


def _dated(text: str, name: str) -> tuple[Any, Decimal]:
    day, separator, amount = text.partition("=")
    if not separator:
        raise BadInput(f"{name} {text!r} is not a day and an amount; write it like 2026-11-10=500,00")
    return parse_day(day, name), parse_money(amount)


def _percent(text: str, name: str) -> Decimal:
    try:
        value = Decimal(text.strip().removesuffix("%").strip().replace(",", "."))
    except InvalidOperation:
        value = Decimal(-1)
    if not 0 <= value <= 100:
        raise BadInput(f"{name} {text!r} is not a per cent; write it like 2 or 0,5")
    return value

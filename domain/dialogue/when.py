"""Days and amounts as people write them: "dia 10", "sexta", "10/12", "quinto dia útil", "500 reais"."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from domain.calendars import add_bank_days, is_bank_day
from domain.errors import BadInput
from domain.money import parse_money

_DAY = timedelta(days=1)
_LONG_PAST = timedelta(days=180)
"""A day and month that went by longer ago than this is meant to be next year's."""
_MONTHS = ("jan", "fev", "mar", "abr", "mai", "jun", "jul", "ago", "set", "out", "nov", "dez")
_MONTH = r"(?:jan|fev|mar|abr|mai|jun|jul|ago|set|out|nov|dez)[a-z]*"
_WEEK = ("segunda", "terca", "quarta", "quinta", "sexta", "sabado", "domingo")
_NUMBERS = {"um": 1, "dois": 2, "tres": 3, "quatro": 4, "cinco": 5, "seis": 6, "sete": 7, "oito": 8, "dez": 10}
_ORDINALS = {"primeiro": 1, "segundo": 2, "terceiro": 3, "quarto": 4, "quinto": 5, "sexto": 6, "decimo": 10}
_COUNT = rf"(\d{{1,2}}|{'|'.join(_NUMBERS)})"

Found = date | None
"""A day; None where he names a time, but not one day."""


@dataclass(frozen=True)
class Days:
    """The day that a message names. `named`: it speaks of a time at all; `on` is None where that is not one day."""

    named: bool = False
    on: date | None = None


def day_in(parts: Sequence[str], today: date) -> Days:
    """The one day that these clauses name, today or later. A day in a clause that says no is named, and not meant."""
    said = [part for part in parts if not re.search(r"\bnao\b", part)]
    found = {day for part in said for day in days_of(part, today)}
    only = next(iter(found)) if len(found) == 1 else None
    named = bool(found) or any(True for part in parts for _ in days_of(part, today))
    return Days(named, only if only and only >= today else None)


def days_of(clause: str, today: date) -> Iterator[Found]:
    """Every time that a clause speaks of, from left to right by kind; what one rule took is not read again."""
    for pattern, meaning in _RULES:
        for match in pattern.finditer(clause):
            yield meaning(match, today)
        clause = pattern.sub(" # ", clause)


# --- the rules: the longer way of saying comes before the shorter one -------------------------------------------------
Meaning = Callable[[re.Match[str], date], Found]


def _vague(_match: re.Match[str], _today: date) -> Found:
    return None


def _in_days(match: re.Match[str], today: date) -> Found:
    count = _NUMBERS.get(match[1]) or int(match[1])
    return add_bank_days(today, count) if match[2] else today + count * _DAY


def _bank_day_of_month(match: re.Match[str], today: date) -> Found:
    """ "Quinto dia útil": the day of wages (CLT art. 459 §1), of this month or the next."""
    number = _ORDINALS.get(match[1]) or int(match[1].rstrip("o"))
    first = today.replace(day=1)
    for start in (first, _next_month(first)):
        day = add_bank_days(start, number - 1 if is_bank_day(start) else number)
        if day >= today and day.month == start.month:
            return day
    return None


def _full(match: re.Match[str], today: date) -> Found:
    year = int(match[3] or 0)
    return _day(int(match[1]), int(match[2]), year + 2000 if 0 < year < 100 else year, today)


def _of_month(match: re.Match[str], today: date) -> Found:
    month = _MONTHS.index(match[2][:3]) + 1
    return _day(int(match[1]), month, int(match[3] or 0), today)


def _day(number: int, month: int, year: int, today: date) -> Found:
    try:
        day = date(year or today.year, month, number)
        return day.replace(year=today.year + 1) if not year and today - day > _LONG_PAST else day
    except ValueError:
        return None


def _number(match: re.Match[str], today: date) -> Found:
    number = int(match[1])
    for start in (today.replace(day=1), _next_month(today)):
        if 1 <= number <= monthrange(start.year, start.month)[1] and start.replace(day=number) >= today:
            return start.replace(day=number)
    return None


def _weekday(match: re.Match[str], today: date) -> Found:
    """The coming one; "que vem" said of a day that is still in this week can be either, and so is none."""
    ahead = (_WEEK.index(match[2]) - today.weekday() - 1) % 7 + 1
    day = today + ahead * _DAY
    next_one = bool(match[1] and match[1].startswith("proxim")) or bool(match[3])
    return None if next_one and day.isocalendar().week == today.isocalendar().week else day


def _end_of_month(_match: re.Match[str], today: date) -> Found:
    return today.replace(day=monthrange(today.year, today.month)[1])


def _next_month(day: date) -> date:
    return day.replace(day=1) + timedelta(days=monthrange(day.year, day.month)[1])


_RULES: tuple[tuple[re.Pattern[str], Meaning], ...] = tuple(
    (re.compile(pattern), meaning)
    for pattern, meaning in (
        (r"\bdia (\d{1,2}) (?:ou|a|ao|e|ate)(?: o| dia| o dia)? (\d{1,2})\b", _vague),
        (r"\bdepois de amanha\b", lambda _, today: today + 2 * _DAY),
        (r"\bamanha\b", lambda _, today: today + _DAY),
        (r"\bhoje\b", lambda _, today: today),
        (rf"\b(?:daqui|dentro|em)(?: a| ha| de)? {_COUNT} dias?( uteis)?\b", _in_days),
        (rf"\b(\d{{1,2}}o?|{'|'.join(_ORDINALS)}) dia util\b", _bank_day_of_month),
        (r"\b(\d{1,2})[/-](\d{1,2})(?:[/-](\d{4}|\d{2}))?\b", _full),
        (rf"\b(\d{{1,2}}) de ({_MONTH})(?: de (\d{{4}}))?\b", _of_month),
        (r"\bdia (\d{1,2})\b", _number),
        (r"\b(?:fim|final) d[eo] mes\b", _end_of_month),
        (r"\b(?:semana|mes|ano) que vem\b|\bproxim[oa] (?:semana|mes|ano)\b|\b(?:ess|est)a semana\b", _vague),
        (r"\b(?:fim|final|inicio|comeco|meados) d[aeo] (?:semana|mes|proximo mes|proxima semana)\b", _vague),
        (r"\b(?:quando (?:eu )?(?:receber|puder|der|vender)|em breve|logo que|assim que|mais tarde|depois)\b", _vague),
        (
            rf"(?:\b(proxim[ao]) )?\b({'|'.join(_WEEK)})(?: feira)?\b"
            r"(?! (?:via|vez|parcela|prestacao|quinzena|semana|parte))( que vem| proxima)?",
            _weekday,
        ),
    )
)


# --- amounts ---------------------------------------------------------------------------------------------------------
_FIGURE = r"(\d{1,3}(?:\.\d{3})+(?:,\d{1,2})?|\d{1,9}(?:[.,]\d{1,2})?)"
_MONEY = re.compile(
    rf"\br\$ ?{_FIGURE}\b|(?<![\d/]){_FIGURE} (mil )?(?:reais|real|contos?|pilas?)\b|\b{_FIGURE} (mil)\b"
)
_CENTS = re.compile(r"(?<![\d/.,])(\d{1,3}(?:\.\d{3})*,\d{2})(?![\d/])")
_THOUSANDS = re.compile(r"\d{1,3}(?:\.\d{3})+")


def amount_in(parts: Sequence[str]) -> Decimal | None:
    """The one amount (reais) that these clauses name; None where they name none or several."""
    found = {amount for part in parts for amount in _amounts(part.replace("r$", " r$"))}
    return next(iter(found)) if len(found) == 1 else None


def _amounts(clause: str) -> Iterator[Decimal]:
    for match in _MONEY.finditer(clause):
        figure = match[1] or match[2] or match[4]
        amount = _amount(figure)
        if amount:
            yield amount * 1000 if match[3] or match[5] else amount
    for match in _CENTS.finditer(_MONEY.sub(" ", clause)):
        if amount := _amount(match[1]):
            yield amount


def _amount(figure: str) -> Decimal | None:
    """People write `1.500` for a thousand and a half, which elsewhere could be read in two ways."""
    if _THOUSANDS.fullmatch(figure):
        figure = figure.replace(".", "")
    try:
        return parse_money(figure) or None
    except BadInput:
        return None

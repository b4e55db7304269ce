"""One field's bytes to a value. Every byte is a position; only text is ever decoded (ISO 8859-1, as banks do)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

from domain.bank.tables import Type
from domain.errors import BadInput
from domain.money import ZERO

_CPF, _CNPJ = 11, 14


class Unfit(BadInput):
    """A value that does not fit its field: what was found, what would be right."""

    def __init__(self, found: str, wanted: str) -> None:
        self.found, self.wanted = found, wanted
        super().__init__(f"{found}; {wanted}")


def _money(raw: bytes) -> Decimal:
    if raw.isdigit():
        centavos = int(raw)
        return Decimal(centavos).scaleb(-2) if centavos else ZERO
    if raw.isspace():
        return ZERO
    raise Unfit(_shown(raw), "digits only, the last two are centavos")


@lru_cache(maxsize=1024)
def _date(raw: bytes) -> date | None:
    if not raw.strip(b" 0"):
        return None
    try:
        if not raw.isdigit():
            raise ValueError(raw)
        year = int(raw[4:]) + (2000 if len(raw) == len("DDMMAA") else 0)
        return date(year, int(raw[2:4]), int(raw[:2]))
    except ValueError:
        raise Unfit(_shown(raw), f"a real date as {'DDMMAA' if len(raw) == 6 else 'DDMMAAAA'}, or zeros") from None


def _number(raw: bytes) -> int:
    if raw.isspace():
        return 0
    if not raw.isdigit():
        raise Unfit(_shown(raw), "digits only")
    return int(raw)


def _loose(raw: bytes) -> int:
    return int(raw) if raw.isdigit() else 0


def _digits(raw: bytes) -> str:
    bare = raw.strip()
    if bare and not bare.isdigit():
        raise Unfit(_shown(raw), "digits only")
    return bare.decode("ascii")


def _code(raw: bytes) -> str:
    bare = raw.strip()
    if bare and not (bare.isascii() and bare.isalnum()):
        raise Unfit(_shown(raw), "digits or letters")
    return bare.decode("ascii")


def _text(raw: bytes) -> str:
    return raw.decode("latin-1").strip()


def _document(raw: bytes) -> str:
    """Kind (1 CPF, 2 CNPJ) and number, right-aligned (FEBRABAN G005, G006)."""
    length = {b"1": _CPF, b"2": _CNPJ}.get(raw[:1])
    number = raw[1:].strip().decode("latin-1").rjust(_CNPJ, "0")
    return "" if length is None or not number.strip("0") else number[-length:]


@lru_cache(maxsize=1024)
def _motives(raw: bytes, size: int) -> tuple[str, ...]:
    parts = (raw[at : at + size].decode("latin-1").strip() for at in range(0, len(raw), size))
    return tuple(part for part in parts if part.strip("0"))


def _shown(raw: bytes) -> str:
    return f"'{raw.decode('latin-1')}'"


READ: dict[Type, Callable[[bytes], Any]] = {
    "money": _money,
    "date6": _date,
    "date8": _date,
    "number": _number,
    "loose": _loose,
    "digits": _digits,
    "code": _code,
    "text": _text,
    "document": _document,
    "motives2": lambda raw: _motives(raw, 2),
    "motives3": lambda raw: _motives(raw, 3),
}
"""How each type of field is read from its bytes; Unfit where they cannot be one.

money: Decimal in reais, two implied decimals, blank is ZERO. date6 (DDMMAA, this century) and date8 (DDMMAAAA): date,
or None for blank and zeros. number: int, blank is 0; loose: the same, 0 for what is no number. digits: digits as they
stand, "" for blank. code: letters and digits; text: anything; both without blanks around them. document: a CPF or
CNPJ, "" for zeros and other kinds. motives2, motives3: codes of two or three positions, without blanks and zeros.
"""

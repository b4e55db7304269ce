"""Boletos: what a digitable line or a bar code says, with its check digits.

Sources: FEBRABAN, layout of the boleto de cobrança (bar code of 44, line of 47 digits) and of the document of
arrecadação (bar code of 44, line of 48, beginning with 8). The due-date factor counts days from 07/10/1997; it reached
9999 on 21/02/2025 and began again with 1000 on 22/02/2025, so every factor means several days, 9000 days apart.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import ClassVar

from domain.errors import BadInput

BASE = date(1997, 10, 7)
CYCLE = 9000
"""Days after which a factor comes again."""
BEHIND, AHEAD = 3000, 5500
"""How many days before or after the day of reading a due date may lie; between two cycles 500 days belong to none."""

_SIGNS = re.compile(r"[\s.-]")
_COLLECTION = "8"


@dataclass(frozen=True)
class Boleto:
    """A boleto de cobrança. `amount` is in reais, 0.00 where the code names none; `factor` 0 where no due date."""

    kind: ClassVar[str] = "boleto"
    bar_code: str
    bank: str
    factor: int
    amount: Decimal
    free_field: str

    @property
    def line(self) -> str:
        """The digitable line as it is printed: `34191.75124 34567.840813 05367.890000 1 43290000000000`."""
        bars = self.bar_code
        first, second, third = (f + mod10(f) for f in (bars[:4] + bars[19:24], bars[24:34], bars[34:]))
        fields = (f"{first[:5]}.{first[5:]}", f"{second[:5]}.{second[5:]}", f"{third[:5]}.{third[5:]}")
        return " ".join([*fields, bars[4], bars[5:19]])

    def due_candidates(self) -> tuple[date, ...]:
        """Every day that the factor means, of the first three cycles (up to 2074), oldest first; none for factor 0."""
        if not self.factor:
            return ()
        return tuple(BASE + timedelta(days=self.factor + n * CYCLE) for n in range(3))

    def due(self, on: date) -> date | None:
        """The due date as somebody reads the boleto on that day; None where the code has none.

        BadInput where no candidate lies within 3000 days before and 5500 days after that day: nobody can tell.
        """
        candidates = self.due_candidates()
        near = [day for day in candidates if -BEHIND <= (day - on).days <= AHEAD]
        if candidates and not near:
            named = " or ".join(f"{day:%d/%m/%Y}" for day in candidates)
            raise BadInput(
                f"due-date factor {self.factor}: it means {named}, each too far from {on:%d/%m/%Y}; name another day"
            )
        return near[0] if near else None


@dataclass(frozen=True)
class Collection:
    """A document of arrecadação (taxes, water, light). It has no bank and no due date in a fixed place.

    `segment` is its second digit; `amount` is None where the code holds a quantity or reference instead of reais.
    """

    kind: ClassVar[str] = "collection"
    bar_code: str
    segment: str
    amount: Decimal | None
    free_field: str

    @property
    def line(self) -> str:
        """Four blocks of eleven digits, each with its check digit: `83620000000-5 …`."""
        check = _block_check(self.bar_code)
        blocks = (self.bar_code[at : at + 11] for at in range(0, 44, 11))
        return " ".join(f"{block}-{check(block)}" for block in blocks)


def read_boleto(text: str) -> Boleto | Collection:
    """A boleto from its line (47 or 48 digits) or its bar code (44), with or without dots, dashes and spaces.

    BadInput where the length is another, or a check digit does not agree; it says which.
    """
    digits = _SIGNS.sub("", text)
    if not re.fullmatch(r"[0-9]+", digits):
        raise BadInput("boleto: there are signs other than digits, dots, dashes and spaces; write the digits only")
    if digits.startswith(_COLLECTION) and len(digits) == 48:
        return _collection(_bars_of_blocks(digits))
    if digits.startswith(_COLLECTION) and len(digits) == 44:
        return _collection(digits)
    if len(digits) == 47:
        return _boleto(_bars_of_fields(digits))
    if len(digits) == 44:
        return _boleto(digits)
    raise BadInput(
        f"boleto: it has {len(digits)} digits; a boleto's line has 47, one beginning with 8 has 48, a bar code 44"
    )


def mod10(digits: str) -> str:
    """The check digit modulo 10: weights 2, 1, 2… from the right, digits of the products added up."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        product = int(digit) * (2 - place % 2)
        total += product // 10 + product % 10
    return str(-total % 10)


def mod11(digits: str) -> int:
    """11 less the rest modulo 11, weights 2 to 9 from the right, again from 2: between 1 and 11."""
    return 11 - sum(int(digit) * (2 + place % 8) for place, digit in enumerate(reversed(digits))) % 11


def _bars_of_fields(line: str) -> str:
    for number, (start, end) in enumerate(((0, 9), (10, 20), (21, 31)), 1):
        _agree(f"field {number} of the line", line[end], mod10(line[start:end]))
    return line[:4] + line[32:47] + line[4:9] + line[10:20] + line[21:31]


def _bars_of_blocks(line: str) -> str:
    blocks = [line[at : at + 12] for at in range(0, 48, 12)]
    bars = "".join(block[:11] for block in blocks)
    check = _block_check(bars)
    for number, block in enumerate(blocks, 1):
        _agree(f"block {number} of the line", block[11], check(block[:11]))
    return bars


def _boleto(bars: str) -> Boleto:
    wanted = mod11(bars[:4] + bars[5:])
    _agree("the whole boleto", bars[4], str(wanted if wanted < 10 else 1))
    factor = int(bars[5:9])
    if 0 < factor < 1000:
        raise BadInput(f"boleto: the due-date factor is {factor:04d}; it is 0000 or lies between 1000 and 9999")
    if bars[3] != "9":
        raise BadInput(f"boleto: the currency is {bars[3]}; only 9 (real) is in use")
    return Boleto(bars, bars[:3], factor, _reais(bars[9:19]), bars[19:])


def _collection(bars: str) -> Collection:
    """The third digit says what the eleven digits of value are, and which modulus checks: reais with modulus 10 (6) or
    11 (8), a quantity or reference with modulus 10 (7) or 11 (9)."""
    _agree("the whole document", bars[3], _block_check(bars)(bars[:3] + bars[4:]))
    return Collection(bars, bars[1], _reais(bars[4:15]) if bars[2] in "68" else None, bars[15:])


def _block_check(bars: str) -> Callable[[str], str]:
    """How blocks of this document are checked. In arrecadação a modulus 11 that comes to 10 or 11 is written 0."""
    if bars[2] in "67":
        return mod10
    if bars[2] in "89":
        return lambda block: str(mod11(block) % 11 % 10)
    raise BadInput(f"boleto: its third digit is {bars[2]}; where the first is 8 it lies between 6 and 9")


def _agree(where: str, found: str, wanted: str) -> None:
    if found != wanted:
        raise BadInput(f"boleto: the check digit of {where} is {found} and should be {wanted}; a digit is mistyped")


def _reais(digits: str) -> Decimal:
    return Decimal(digits).scaleb(-2)

"""One field's characters to a value and back.

Blank text is "", an unfilled date (zeros) is None, and a numeric field that came blank is "". What a lenient field
holds against its type stays the text it is, so that a file that was read is written again byte for byte.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from datetime import date
from decimal import Decimal

from domain.cra.layout import Field, Type
from domain.errors import BadInput

Value = str | int | Decimal | date | None

_PLAIN = str.maketrans({"–": "-", "—": "-", "‘": "'", "’": "'", "“": '"', "”": '"', "\t": " ", "\r": " ", "\n": " "})
AT_SIGHT = "9999"
"""A due field that begins so is no date: 99999999 at sight, 9999NNNN so many days after sight (V4.3, field 15)."""


class Unfit(BadInput):
    """A value that does not fit its field: what was found, what would be right."""

    def __init__(self, found: str, wanted: str) -> None:
        self.found, self.wanted = found, wanted
        super().__init__(f"{found}; {wanted}")


def decode(field: Field, raw: str) -> Value:
    """The value of a field from its characters (exactly as many as the field is long).

    Raises Unfit where a field that counts breaks its type, is mandatory and blank, or is not the layout's constant.
    """
    if not field.lenient:
        return _strict(field, raw)
    try:
        value = _typed(field, raw)
        return value if encode(field, value) == raw else raw
    except Unfit:
        return raw


def encode(field: Field, value: Value) -> str:
    """The characters of a value, exactly as many as the field is long; None is the layout's fill.

    Files of ours: names, addresses and places (type name) are folded to upper-case ASCII and cut to the field; other
    text is folded but never cut; codes and keys are taken as they are. Raises Unfit for whatever does not fit.
    """
    if field.lenient and isinstance(value, str) and len(value) == field.length and value.isascii():
        return value
    text = "" if value is None or value == "" else _WRITE[field.type](field, value)
    if field.ours and field.mandatory and not text.strip():
        raise Unfit("nothing", "the field is mandatory")
    if not text:
        return ("0" if field.numeric and value is None else " ") * field.length
    if len(text) > field.length:
        raise Unfit(f"{len(text)} positions ({shown(field, text)})", f"at most {field.length} fit")
    if field.constant is not None and text != field.constant:
        raise Unfit(shown(field, text), f"always {field.constant}")
    return text.rjust(field.length, "0") if field.numeric else text.ljust(field.length)


def shown(field: Field, value: object) -> str:
    """A value for a message; of personal data only its shape (9 for digits, A for letters)."""
    if field.personal:
        return "'" + "".join("9" if c.isdigit() else "A" if c.isalpha() else c for c in str(value)) + "'"
    return f"'{value}'"


def fold(text: str) -> str:
    """Upper case without accents and typographic marks. Plain upper-case text stays as it is."""
    plain = unicodedata.normalize("NFKD", text.translate(_PLAIN))
    return "".join(c for c in plain if not unicodedata.combining(c)).upper()


def _strict(field: Field, raw: str) -> Value:
    if field.constant is not None and raw != field.constant:
        raise Unfit(shown(field, raw), f"always {field.constant}")
    if raw.isspace():
        if field.mandatory and (field.ours or field.numeric):
            raise Unfit("blank", "the field is mandatory")
        return ""
    if field.ours:
        _ours(field, raw)
    return _typed(field, raw)


def _ours(field: Field, raw: str) -> None:
    if raw != raw.upper():
        raise Unfit(shown(field, raw.rstrip()), "upper case")
    if field.usage == "R" and raw.strip(field.idle):
        raise Unfit(shown(field, raw.rstrip()), "reserved, left unfilled")
    if field.type in ("date", "due") and field.mandatory and not raw.strip("0"):
        raise Unfit("zeros", "the date is mandatory")


def _typed(field: Field, raw: str) -> Value:
    if not field.numeric:
        return raw.rstrip(" ")
    if raw.isspace():
        return ""
    if field.type == "presenter":
        return raw
    if not raw.isdigit():
        raise Unfit(shown(field, raw), "digits only")
    return _READ[field.type](raw)


def _read_date(raw: str) -> date | None:
    if not raw.strip("0"):
        return None
    try:
        return date(int(raw[4:]), int(raw[2:4]), int(raw[:2]))
    except ValueError:
        raise Unfit(f"'{raw}'", "a real date as DDMMAAAA, or zeros") from None


def _read_due(raw: str) -> Value:
    return raw if raw.startswith(AT_SIGHT) else _read_date(raw)


def _read_money(raw: str) -> Decimal:
    return Decimal(int(raw)).scaleb(-2)


_READ: dict[Type, Callable[[str], Value]] = {
    "digits": str,
    "number": int,
    "money": _read_money,
    "date": _read_date,
    "due": _read_due,
}


def _write_text(field: Field, value: Value) -> str:
    if not isinstance(value, str):
        raise Unfit(f"a {type(value).__name__}", "text")
    text = value if field.type == "code" or not field.ours else fold(value)
    if not (text.isascii() and text.isprintable()):
        raise Unfit(shown(field, text), "ASCII only, without control characters")
    if field.ours and text != text.upper():
        raise Unfit(shown(field, text), "upper case")
    if field.ours and field.usage == "R" and text.strip(field.idle):
        raise Unfit(shown(field, text), "reserved, left unfilled")
    return text.strip()[: field.length] if field.type == "name" and len(text) > field.length else text


def _write_digits(field: Field, value: Value) -> str:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return value
    raise Unfit(shown(field, value), "digits only")


def _write_presenter(field: Field, value: Value) -> str:
    if isinstance(value, str) and value.isascii() and value.isalnum() and len(value) == field.length:
        return value
    raise Unfit(shown(field, value), f"{field.length} digits")


def _write_number(field: Field, value: Value) -> str:
    if isinstance(value, int) and value >= 0:
        return str(value)
    raise Unfit(shown(field, value), "a whole number from 0")


def _write_money(field: Field, value: Value) -> str:
    if not isinstance(value, Decimal) or not value.is_finite() or value < 0:
        raise Unfit(shown(field, value), "an amount of reais from 0")
    above, below = value.as_integer_ratio()
    cents, rest = divmod(above * 100, below)
    if rest:
        raise Unfit(shown(field, value), "at most two decimals")
    return str(cents)


def _write_date(field: Field, value: Value) -> str:
    if isinstance(value, date):
        return f"{value.day:02}{value.month:02}{value.year:04}"
    raise Unfit(shown(field, value), "a date")


def _write_due(field: Field, value: Value) -> str:
    if isinstance(value, str) and len(value) == field.length and value.startswith(AT_SIGHT):
        return _write_digits(field, value)
    return _write_date(field, value)


_WRITE: dict[Type, Callable[[Field, Value], str]] = {
    "name": _write_text,
    "text": _write_text,
    "code": _write_text,
    "digits": _write_digits,
    "presenter": _write_presenter,
    "number": _write_number,
    "money": _write_money,
    "date": _write_date,
    "due": _write_due,
}

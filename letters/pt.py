"""How money, days, addresses, document numbers and sentences are written for people in Brazil."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from domain.identifiers import Document
from domain.money import format_brl
from domain.policy import Offset, Unit

_UNITS: dict[Unit, tuple[str, str]] = {
    "d": ("dia", "dias"),
    "bd": ("dia útil", "dias úteis"),
    "w": ("semana", "semanas"),
    "m": ("mês", "meses"),
}


def number(amount: Decimal) -> str:
    """Reais without their sign, where an SMS has named the currency already: `1.034,33`."""
    return format_brl(amount).replace("R$ ", "")


def day(on: date) -> str:
    """`22/11/2026`."""
    return f"{on:%d/%m/%Y}"


def short_day(on: date) -> str:
    """`22/11/26`, where an SMS lists many days."""
    return f"{on:%d/%m/%y}"


def decimal(value: Decimal) -> str:
    """`1,0432`, with a comma and all its decimals."""
    return f"{value:f}".replace(".", ",")


def percent(value: Decimal) -> str:
    """`1,5%`, without zeros at its end."""
    return decimal(value.normalize()) + "%"


def length(of: Offset) -> str:
    """A length of time: `5 dias`, `1 dia útil`, `2 semanas`, `1 mês`."""
    one, many = _UNITS[of.unit]
    return f"{of.amount} {one if of.amount == 1 else many}"


def minute(moment: datetime) -> str:
    """`22/11/2026 14:30`, in the time zone that the moment carries."""
    return f"{moment:%d/%m/%Y %H:%M}"


def document(raw: str) -> str:
    """A CPF or CNPJ (also alphanumeric) with its name and punctuation: `CNPJ 12.ABC.345/01DE-35`.

    What has another length is given back as it is: judging a number is not the business of a text.
    """
    text = "".join(char for char in raw.upper() if char.isalnum())
    if len(text) == 11:
        return f"CPF {Document('cpf', text).formatted}"
    if len(text) == 14:
        return f"CNPJ {Document('cnpj', text).formatted}"
    return raw.strip()


def cep(raw: str) -> str:
    """A postal code of eight digits as `01000-000`; anything else as it is."""
    digits = "".join(char for char in raw if char.isdigit())
    return f"{digits[:5]}-{digits[5:]}" if len(digits) == 8 else raw.strip()


def address(street: str, district: str, city: str, uf: str, postal_code: str) -> str:
    """A postal address on one line: `Rua Inventada, 9, Centro, Santos/SP, CEP 11010-000`; what is empty is left out."""
    place = f"{city}/{uf}" if city else ""
    code = f"CEP {cep(postal_code)}" if postal_code else ""
    return ", ".join(part for part in (street, district, place, code) if part)


def sentence(words: str | None) -> str:
    """The words with a final full stop where they have no end of their own; nothing stays nothing."""
    text = (words or "").strip()
    return text if not text or text[-1] in ".!?" else f"{text}."


def clause(words: str | None) -> str:
    """The words without a final full stop, to stand inside a sentence."""
    return (words or "").strip().rstrip(".")

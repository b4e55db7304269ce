"""Documents, phones, addresses and title numbers as people write them, brought to one form.

What these functions are given is personal data: no message repeats it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType
from phonenumbers.timezone import time_zones_for_number
from validate_docbr import CNPJ, CPF

from domain.errors import BadInput
from domain.places import uf_of_cep

_CPF, _CNPJ = CPF(), CNPJ()
_BRAZIL = 55
_CPF_LENGTH, _CNPJ_LENGTH = 11, 14
_LABEL = re.compile(r"^(?:CPF|CNPJ)[\s:]+", re.IGNORECASE)
_MASK = re.compile(r"[\s./-]")
_EXTENSION = re.compile(r"[\s,;-]*(?:ramal|ext|x)\.?\s*[0-9]+\s*$", re.IGNORECASE)
_EMAIL = re.compile(
    r"(?=.{1,64}@)[A-Z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?=.{1,253}$)(?:[A-Z0-9](?:[A-Z0-9-]{0,61}[A-Z0-9])?\.)+[A-Z][A-Z0-9-]{0,61}[A-Z0-9]",
    re.IGNORECASE | re.ASCII,
)
_A_LETTER = re.compile(r"[^\W\d_]")
_INSTALMENT = re.compile(r"(.*[0-9].*?)\s*[/-]\s*([0-9A-Z]+)")
_LETTER = re.compile(r"(.*[0-9])\s*([A-Z])")


@dataclass(frozen=True)
class Document:
    """A valid CPF (11 digits) or CNPJ (12 digits or capitals and 2 digits), without mask. Hidden in `repr`."""

    kind: Literal["cpf", "cnpj"]
    number: str = field(repr=False)

    @property
    def formatted(self) -> str:
        """As printed in a letter: `123.456.789-09`, `12.ABC.345/01DE-35`."""
        return str((_CPF if self.kind == "cpf" else _CNPJ).mask(self.number))

    @property
    def masked(self) -> str:
        """For a screen that need not show it whole: `***.456.789-**`, `**.ABC.345/01DE-**`."""
        shown = self.formatted
        first = shown.index(".")
        return "*" * first + shown[first:-2] + "**"


def parse_document(text: str) -> Document:
    """A CPF or CNPJ, numeric or alphanumeric (IN RFB 2.229/2024), with or without mask or label, in any case.

    BadInput where the length or the check digits are wrong, or all digits are the same.
    """
    number = _MASK.sub("", _LABEL.sub("", text.strip()))
    if not re.fullmatch(r"[0-9A-Za-z]+", number):
        raise BadInput(
            "document: it is empty or has signs other than digits, letters, dot, dash and slash; write a CPF or CNPJ"
        )
    number = number.upper()
    if len(number) not in (_CPF_LENGTH, _CNPJ_LENGTH):
        raise BadInput(f"document: it has {len(number)} characters; a CPF has 11 digits and a CNPJ 14 characters")
    document = Document("cpf" if len(number) == _CPF_LENGTH else "cnpj", number)
    if not re.fullmatch(r"[0-9]{11}|[0-9A-Z]{12}[0-9]{2}", number):
        raise BadInput(
            "document: a letter stands where only a digit can; only the first 12 characters of a CNPJ may be letters"
        )
    if len(set(number)) == 1:
        raise BadInput("document: all digits are the same, which is never issued; write the real one")
    if not _valid(document):
        raise BadInput(
            f"document: the check digits of this {document.kind.upper()} are wrong; look for a mistyped digit"
        )
    return document


def restore_leading_zeros(text: str) -> Document:
    """The document behind a number from a spreadsheet or ERP that dropped leading zeros.

    Only where the check digits prove it and the number fits a CPF or a CNPJ, but not both; BadInput otherwise. What has
    a mask or letters has lost nothing and is read as by `parse_document`.
    """
    digits = re.sub(r"\.0$", "", text.strip())  # a whole number that a spreadsheet stored as a fraction
    if not re.fullmatch(r"[0-9]{1,14}", digits):
        return parse_document(text)
    cpf, cnpj = Document("cpf", digits.zfill(_CPF_LENGTH)), Document("cnpj", digits.zfill(_CNPJ_LENGTH))
    fitting = [each for each in (cpf, cnpj) if _valid(each)]
    if len(fitting) > 1:
        raise BadInput(
            "document: with its leading zeros it is both a valid CPF and a valid CNPJ; write it in full, with its mask"
        )
    if not fitting:
        raise BadInput(
            "document: leading zeros make it neither a CPF nor a CNPJ, the check digits are wrong; write it in full"
        )
    return fitting[0]


def _valid(document: Document) -> bool:
    length = _CPF_LENGTH if document.kind == "cpf" else _CNPJ_LENGTH
    check = _CPF if document.kind == "cpf" else _CNPJ
    return len(document.number) == length and bool(check.validate(document.number))


def parse_cep(text: str) -> str:
    """The 8 digits of a postal code, with or without mask; BadInput for another length or a range of no state."""
    cep = _MASK.sub("", text)
    if not re.fullmatch(r"[0-9]{8}", cep):
        raise BadInput("CEP: it does not have 8 digits; write it like 01310-100, with its leading zero")
    if uf_of_cep(cep) is None:
        raise BadInput("CEP: no state has this range of postal codes; look for a mistyped digit")
    return cep


@dataclass(frozen=True)
class Phone:
    """A Brazilian number in E.164 (hidden in `repr`) with its IANA time zone, None where the area code has several."""

    e164: str = field(repr=False)
    mobile: bool
    time_zone: str | None


def parse_phone(text: str) -> Phone:
    """One Brazilian phone number with its area code, however written; BadInput where nobody can be reached at it.

    Mobile numbers have 9 digits after the area code and begin with 9. Service numbers (0800, 4004) have no place and so
    no lawful hours, and are refused. An extension is dropped.
    """
    number = _parsed_phone(text)
    if number.country_code != _BRAZIL:
        raise BadInput("phone: the number is not Brazilian; give one with country code +55")
    kind = phonenumbers.number_type(number)
    if kind == PhoneNumberType.UNKNOWN:
        raise BadInput(
            "phone: no such number can exist; write two digits of area code, then 8 digits (fixed line) "
            "or 9 digits beginning with 9 (mobile)"
        )
    if kind not in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE):
        raise BadInput("phone: this is a service number (0800, 0300, 4004); give a line with an area code")
    zones = time_zones_for_number(number)
    return Phone(
        e164=phonenumbers.format_number(number, PhoneNumberFormat.E164),
        mobile=kind == PhoneNumberType.MOBILE,
        time_zone=zones[0] if len(zones) == 1 else None,
    )


def _parsed_phone(text: str) -> phonenumbers.PhoneNumber:
    digits = _EXTENSION.sub("", text) if _A_LETTER.search(text) else text
    try:
        if not _A_LETTER.search(digits):  # the library would dial letters as on an old keypad
            return phonenumbers.parse(digits, "BR")
    except phonenumbers.NumberParseException:
        pass
    raise BadInput("phone: this is not one phone number; write it like (11) 3234-5678")


def parse_email(text: str) -> str:
    """One e-mail address with its domain in lower case; BadInput where it cannot be one. Nothing is looked up."""
    address = text.strip()
    if not _EMAIL.fullmatch(address):
        raise BadInput("e-mail: this is not one e-mail address; write it like nome@empresa.com.br")
    local, _, domain = address.rpartition("@")
    return f"{local}@{domain.lower()}"


def normalise_number(text: str) -> tuple[str, str]:
    """A title's number and instalment, the same however an ERP prints them: `001234-1`, `1234/1` → (`1234`, `1`).

    The rule: capitals, single spaces; what follows the last `/` or `-`, or else one trailing letter (`1234 A`), is the
    instalment, "" where there is none; a number holds a digit, so `NF-1234` has no instalment; leading zeros of both
    are dropped. BadInput where nothing is left.
    """
    written = " ".join(text.upper().split()).strip(" /-")
    if not written:
        raise BadInput("number: the title has no number; write the number that is printed on it")
    found = _INSTALMENT.fullmatch(written) or _LETTER.fullmatch(written)
    number, instalment = found.groups() if found else (written, "")
    return _without_zeros(number.strip(" /-")), _without_zeros(instalment)


def _without_zeros(text: str) -> str:
    """Leading zeros and the signs among them go, but one stays where it is the last digit: a number holds a digit."""
    return re.sub(r"^[0 ./-]+(?=.*[0-9])", "", text)

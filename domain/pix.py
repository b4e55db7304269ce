"""Pix: the BR Code that a debtor scans or pastes, the keys that receive, the txid that tells payments apart.

Sources: Manual de Padrões para Iniciação do Pix (Banco Central do Brasil) for the BR Code and the forms of keys; the
central bank's API Pix 2.9.0 for charges with a due date (`cobv`) and the txid; EMV QR Code Specification for Payment
Systems, merchant-presented mode, for the fields (TLV: two digits id, two digits length, value).
"""

from __future__ import annotations

import binascii
import hashlib
import re
import unicodedata
from base64 import b32encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal
from uuid import UUID

from domain.calendars import is_bank_day
from domain.errors import BadInput
from domain.identifiers import parse_document, parse_email, parse_phone

GUI = "br.gov.bcb.pix"
NO_TXID = "***"
"""What stands in a code that has no txid of its own: the charge behind a dynamic code brings it."""

LONGEST_NAME, LONGEST_CITY, LONGEST_KEY, LONGEST_URL = 25, 15, 77, 77
LARGEST = Decimal("9999999999.99")
"""Ten digits before the point, in codes as in the API."""

KeyKind = Literal["cpf", "cnpj", "email", "phone", "random"]
CodeKind = Literal["static", "dynamic", "recurrence"]

_CRC_FIELD = "6304"
_ACCOUNTS = range(26, 52)
_CHARGE_TXID = re.compile(r"[A-Za-z0-9]{26,35}")
_STATIC_TXID = re.compile(r"[A-Za-z0-9]{1,25}")
_RANDOM = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_AMOUNT = re.compile(r"\d{1,10}(?:\.\d{1,2})?")
_URL = re.compile(r"[a-z0-9][a-z0-9.-]*(?::\d+)?/\S+", re.IGNORECASE | re.ASCII)
_DIGITS36 = "0123456789abcdefghijklmnopqrstuvwxyz"


# --- keys -------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Key:
    """A key of the DICT in the form in which it stands in a BR Code. It may name a person, so `repr` hides it."""

    kind: KeyKind
    value: str = field(repr=False)


def parse_key(text: str) -> Key:
    """A Pix key as people write it, in its one form: digits of a CPF, 14 characters of a CNPJ (also alphanumeric),
    an e-mail address in small letters, a phone number as `+5511…`, a random key as a UUID in small letters.

    A phone number begins with `+`: eleven bare digits are a CPF. BadInput for anything else.
    """
    key = text.strip()
    if _RANDOM.fullmatch(key.lower()):
        return Key("random", key.lower())
    try:
        if "@" in key:
            return _email_key(key)
        if key.startswith("+"):
            return Key("phone", parse_phone(key).e164)
        document = parse_document(key)
    except BadInput as wrong:
        raise BadInput(
            f"Pix key: {wrong}; a key is a CPF, a CNPJ, an e-mail address, a phone number with +55, or a random key "
            "such as 123e4567-e12b-12d1-a456-426655440000"
        ) from None
    return Key(document.kind, document.number)


def _email_key(text: str) -> Key:
    address = parse_email(text).lower()
    if len(address) > LONGEST_KEY:
        raise BadInput(f"e-mail: it has {len(address)} characters; as a key it has {LONGEST_KEY} at most")
    return Key("email", address)


# --- txid -------------------------------------------------------------------------------------------------------------
def charge_txid(case_id: UUID, number: int) -> str:
    """Our txid for the `number`-th charge of a case: its id without dashes, then the number in base 36, 35 characters.

    The same case and number give the same txid, so a charge that was perhaps put can be put again (API Pix, schema
    TxId: 26 to 35 letters and digits). BadInput for a number over 46655 (a case never has so many).
    """
    if not 0 <= number < 36**3:
        raise BadInput(f"charge number {number} of a case: it must lie between 0 and {36**3 - 1}")
    high, low = divmod(number, 36)
    return case_id.hex + _DIGITS36[high // 36] + _DIGITS36[high % 36] + _DIGITS36[low]


def static_txid(case_id: UUID, number: int) -> str:
    """Our txid for the `number`-th static code of a case: 25 capitals and digits, from a hash of both.

    A static code has room for 25 characters only, one too few for a case id and a number in full.
    """
    digest = hashlib.sha256(case_id.bytes + number.to_bytes(4, "big")).digest()
    return b32encode(digest).decode()[:25]


def is_static_txid(txid: str) -> bool:
    """Whether the txid belongs to a static code, which no provider knows (25 characters at most)."""
    return _STATIC_TXID.fullmatch(txid) is not None


def check_charge_txid(txid: str) -> str:
    """The txid of a charge, unchanged. BadInput where the API would not take it."""
    if not _CHARGE_TXID.fullmatch(txid):
        raise BadInput("txid: a charge needs 26 to 35 letters without accents and digits")
    return txid


# --- how long a charge can be paid ------------------------------------------------------------------------------------
def last_payable_day(due: date, validity: int = 0, is_business_day: Callable[[date], bool] = is_bank_day) -> date:
    """The last day on which a charge with a due date can be paid (API Pix, schema CobDataDeVencimento).

    A due date on a weekend or holiday moves to the next business day; the `validity` (calendar days,
    *validadeAposVencimento*) counts from there, and its end moves likewise. The API means holidays where the payer is,
    which only his bank knows: by default only national ones count, so the true last day may be later, never earlier.
    """
    if validity < 0:
        raise BadInput(f"validity of {validity} days: it cannot be negative")
    return _moved(_moved(due, is_business_day) + timedelta(days=validity), is_business_day)


def _moved(day: date, is_business_day: Callable[[date], bool]) -> date:
    while not is_business_day(day):
        day += timedelta(days=1)
    return day


# --- BR Code ----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class BrCode:
    """What a BR Code says. A static code names a `key`, a dynamic one the `url` (without https://) of a charge.

    `amount` is in reais, None where the payer types it or the charge brings it. `once`: True not to be used again,
    False for many times, None where the code does not say. `recurrence` is the URL of a Pix Automático.
    """

    name: str
    city: str
    key: str = field(default="", repr=False)
    url: str = ""
    info: str = field(default="", repr=False)
    amount: Decimal | None = None
    txid: str = NO_TXID
    postal_code: str = ""
    category: str = "0000"
    recurrence: str = ""
    once: bool | None = None

    @property
    def kind(self) -> CodeKind:
        """`recurrence` where nothing can be paid at once, only an authorisation given."""
        if self.url:
            return "dynamic"
        return "static" if self.key else "recurrence"


def static_code(
    key: str, name: str, city: str, *, amount: Decimal | None = None, txid: str = NO_TXID, info: str = ""
) -> str:
    """A code that pays to a key, made without any provider. It can be paid for ever and cannot be taken back.

    Accents are dropped from name, city and info, which payers' apps need not know. BadInput where something does not
    fit: name 25, city 15 characters; the amount positive, two decimals; the txid 25 letters and digits.
    """
    if amount is not None and amount <= 0:
        raise BadInput("amount: a code asks for more than zero; leave the amount out and the payer types it")
    return encode(BrCode(name, city, key=parse_key(key).value, info=info, amount=amount, txid=txid))


def dynamic_code(url: str, name: str, city: str) -> str:
    """A code for the charge at `url` (with or without https://), where the provider gave none himself."""
    return encode(BrCode(name, city, url=url.removeprefix("https://"), once=True))


def encode(code: BrCode) -> str:
    """The text of a code, with its check sum. BadInput where a field does not fit its place."""
    account = _tlv("00", GUI) + _some("01", _fit("Pix key", code.key, LONGEST_KEY))
    account += _some("02", plain(code.info)) + _some("25", _url(code.url))
    body = [
        _tlv("00", "01"),
        "" if code.once is None else _tlv("01", "12" if code.once else "11"),
        _tlv("26", _fit("key and information together", account, 99)),
        _tlv("52", code.category),
        _tlv("53", "986"),
        "" if code.amount is None else _tlv("54", _written(code.amount)),
        _tlv("58", "BR"),
        _tlv("59", _fit("name", plain(code.name), LONGEST_NAME, 1)),
        _tlv("60", _fit("city", plain(code.city), LONGEST_CITY, 1)),
        _some("61", code.postal_code),
        _tlv("62", _tlv("05", _code_txid(code.txid))),
        _tlv("80", _tlv("00", GUI) + _tlv("25", _url(code.recurrence))) if code.recurrence else "",
        _CRC_FIELD,
    ]
    text = "".join(body)
    return text + crc16(text)


def decode(text: str) -> BrCode:
    """What a code says, checked: structure, check sum, currency, country, key, txid. BadInput where it is not one."""
    code = text.strip()
    _check_sum(code)
    fields = _fields(code[:-8], "code")
    for name, wanted, words in (("00", "01", "the version"), ("53", "986", "the currency"), ("58", "BR", "the land")):
        if fields.get(name) != wanted:
            raise BadInput(f"BR Code: field {name}, {words}, is {fields.get(name, 'missing')!r}; it must be {wanted!r}")
    account = _account(fields)
    rest = _fields(fields["80"], "field 80") if "80" in fields else {}
    found = BrCode(
        name=_needed(fields, "59", "the name"),
        city=_needed(fields, "60", "the city"),
        key=parse_key(account["01"]).value if "01" in account else "",
        url=_url(account.get("25", "")),
        info=account.get("02", ""),
        amount=_amount(fields["54"]) if "54" in fields else None,
        txid=_code_txid(_fields(fields.get("62", ""), "field 62").get("05", NO_TXID)),
        postal_code=fields.get("61", ""),
        category=_needed(fields, "52", "the category"),
        recurrence=_url(rest.get("25", "")),
        once={"11": False, "12": True}.get(fields.get("01", "")),
    )
    if bool(found.key) == bool(found.url) and not (found.recurrence and not found.key):
        raise BadInput("BR Code: it must name either a key or the address of a charge, or else a recurrence")
    return found


def crc16(text: str) -> str:
    """CRC-16/CCITT-FALSE of the text in UTF-8, four hexadecimal capitals, as field 63 holds it."""
    return f"{binascii.crc_hqx(text.encode(), 0xFFFF):04X}"


def plain(text: str) -> str:
    """The text without accents and with single spaces. BadInput for signs that have no plain form, such as emoji."""
    bare = "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))
    bare = " ".join(bare.split())
    if not (bare.isascii() and bare.isprintable()):
        raise BadInput(f"{text!r}: a code holds plain letters, digits and punctuation only")
    return bare


def _tlv(name: str, value: str) -> str:
    return f"{name}{len(value):02d}{value}"


def _some(name: str, value: str) -> str:
    return _tlv(name, value) if value else ""


def _fit(what: str, value: str, longest: int, shortest: int = 0) -> str:
    if not shortest <= len(value) <= longest:
        raise BadInput(f"{what}: {len(value)} characters; there is room for {max(shortest, 1)} to {longest}")
    return value


def _written(amount: Decimal) -> str:
    if not 0 <= amount <= LARGEST or amount != amount.quantize(Decimal("0.01")):
        raise BadInput(f"amount {amount}: it must be positive, with two decimals and at most ten digits before them")
    return f"{amount:.2f}"


def _amount(text: str) -> Decimal:
    if not _AMOUNT.fullmatch(text):
        raise BadInput(f"BR Code: field 54, the amount, is {text!r}; it must be written like 1234.56")
    return Decimal(text).quantize(Decimal("0.01"))


def _url(url: str) -> str:
    if url and (len(url) > LONGEST_URL or not _URL.fullmatch(url)):
        raise BadInput(f"address of a charge: write host and path without https://, {LONGEST_URL} characters at most")
    return url


def _code_txid(txid: str) -> str:
    if txid != NO_TXID and not _STATIC_TXID.fullmatch(txid):
        raise BadInput("txid: a code has room for 25 letters without accents and digits, or *** for none")
    return txid


def _needed(fields: dict[str, str], name: str, words: str) -> str:
    if not fields.get(name):
        raise BadInput(f"BR Code: field {name}, {words}, is missing")
    return fields[name]


def _check_sum(code: str) -> None:
    if len(code) < 8 or code[-8:-4] != _CRC_FIELD:
        raise BadInput("BR Code: it does not end in field 63 with a check sum; copy it whole, from 000201 to the end")
    wanted = crc16(code[:-4])
    if code[-4:].upper() != wanted:
        raise BadInput(f"BR Code: the check sum is {code[-4:]} and should be {wanted}; a character is wrong or missing")


def _account(fields: dict[str, str]) -> dict[str, str]:
    """The Pix account among those of other schemes (ids 26 to 51), known by its GUI in any case."""
    for name in map(str, _ACCOUNTS):
        if name in fields:
            account = _fields(fields[name], f"field {name}")
            if account.get("00", "").lower() == GUI:
                return account
    raise BadInput(f"BR Code: none of the fields 26 to 51 is of {GUI}; this is not a Pix code")


def _fields(text: str, where: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in _cut(text, where):
        if name in found:
            raise BadInput(f"BR Code: {where} has field {name} twice")
        found[name] = value
    return found


def _cut(text: str, where: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(text):
        head = text[at : at + 4]
        if not re.fullmatch(r"[0-9]{4}", head) or at + 4 + int(head[2:]) > len(text):
            raise BadInput(f"BR Code: {where} is broken at character {at + 1}; two digits of id, two of length, value")
        at += 4 + int(head[2:])
        yield head[:2], text[at - int(head[2:]) : at]

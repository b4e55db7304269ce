"""Statements in OFX: 1.x, which is SGML without a document type, and 2.x, which is XML (ofx.net, Banking §11).

A reader of its own, smaller and stricter than any parser of XML: no document type, no entities but the five of XML and
numbers, nothing fetched. Credits become records; of debits only those that take a credit back.
"""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from domain.bank.assembly import END_TO_END
from domain.bank.faults import Faults
from domain.bank.model import Kind, OurNumber, Record
from domain.errors import BadInput
from domain.identifiers import parse_document
from domain.money import ZERO

LARGEST = 16 * 1024 * 1024
"""Bytes of a statement at most: a year of a busy account is a tenth of it."""

_BEGINNINGS = (b"OFXHEADER", b"<?xml", b"<?OFX", b"<OFX>")
_UTF8_MARK = b"\xef\xbb\xbf"
_TAG = re.compile(r"<(/?)([A-Z][A-Z0-9.]*)>([^<]*)")
_KEYS = re.compile(r"\s*(?:[A-Z]+:\S*\s+)*")
_PROLOGUE = re.compile(r"\s*(?:<\?[^<>]*\?>\s*)*")
_ENTITY = re.compile(r"&(?:amp|lt|gt|quot|apos|nbsp|#\d{1,7}|#x[0-9A-Fa-f]{1,6});")
_AMOUNT = re.compile(r"[+-]?\d{1,13}(?:[.,]\d{1,2})?", re.ASCII)
_DAY = re.compile(r"(\d{4})(\d{2})(\d{2})(?:\d{2,6}(?:\.\d+)?)?\s*(?:\[[^\]]*\])?", re.ASCII)
_BANK = re.compile(r"0*(\d{3})", re.ASCII)
_DOCUMENT = re.compile(
    r"(?<![0-9A-Za-z])(?:\d{3}\.?\d{3}\.?\d{3}-?\d{2}|[0-9A-Z]{2}\.?[0-9A-Z]{3}\.?[0-9A-Z]{3}/?[0-9A-Z]{4}-?\d{2})"
    r"(?![0-9A-Za-z])",
    re.ASCII,
)
_TAKEN_BACK = re.compile(r"\b(?:estorn|devol|reversal|cancelad)", re.IGNORECASE)
"""What banks write where money goes back: estorno, devolução, cheque devolvido, Pix devolvido, cancelado."""
_PLAIN = re.compile(r"[0-9A-Za-z._-]{1,40}", re.ASCII)
_KNOWN = {
    "OFX", "SIGNONMSGSRSV1", "SONRS", "STATUS", "FI", "BANKMSGSRSV1", "STMTTRNRS", "STMTRS", "BANKACCTFROM",
    "BANKTRANLIST", "STMTTRN", "LEDGERBAL", "AVAILBAL",
}  # fmt: skip
"""Aggregates of a bank's statement: one that is not closed is a fault, never an element."""
_REAIS = "BRL"
_Token = tuple[int, bool, str, str]
"""A tag: its line, whether it closes, its name, the text behind it."""


@dataclass(frozen=True)
class Statement:
    """What one statement of one account tells."""

    bank: str
    account: str
    created: date | None
    covers_until: date | None
    identity: str
    records: tuple[Record, ...]


@dataclass
class _Node:
    """An aggregate: its line, the text of its elements, the aggregates in it."""

    name: str
    line: int
    values: dict[str, str] = field(default_factory=dict)
    inside: list[_Node] = field(default_factory=list)

    def all(self, name: str) -> Iterator[_Node]:
        """Every aggregate of a name below this one, in the order of the file."""
        for node in self.inside:
            if node.name == name:
                yield node
            yield from node.all(name)

    def first(self, name: str) -> _Node:
        """The first aggregate of a name; an empty one where there is none."""
        return next(self.all(name), _Node(name, self.line))


def begins(head: bytes) -> bool:
    """Whether the first bytes of a file are those of an OFX statement."""
    return head.removeprefix(_UTF8_MARK).lstrip().startswith(_BEGINNINGS)


def read(data: bytes, name: str) -> Statement:
    """The statement in an OFX file. Raises BadFile with every fault and its line."""
    faults = Faults(name)
    if len(data) > LARGEST:
        faults.add(1, f"more than {LARGEST} bytes", "one statement of one account")
        faults.refuse()
    text = _text(data, faults)
    root = _tree(text, faults)
    faults.refuse()
    statement = _statement(root, faults)
    faults.refuse()
    return statement


# --- text to tree ---------------------------------------------------------------------------------------------------
def _text(data: bytes, faults: Faults) -> str:
    """UTF-8 where it is UTF-8, else Windows-1252: what banks' headers say of their encoding is often not so."""
    bare = data.removeprefix(_UTF8_MARK)
    try:
        return bare.decode("utf-8")
    except UnicodeDecodeError:
        pass
    try:
        return bare.decode("cp1252")
    except UnicodeDecodeError as error:
        line = bare[: error.start].count(b"\n") + 1
        faults.add(line, f"byte 0x{bare[error.start]:02X}", "text in UTF-8 or Windows-1252, as the bank wrote it")
        return ""


def _tree(text: str, faults: Faults) -> _Node:
    """The aggregates of a file. An element that is not closed (SGML) ends where the next tag begins."""
    root, start = _Node("", 1), _start(text, faults)
    if start is None:
        return root
    tokens = list(_tokens(text, start, faults))
    if tokens[-1][1:3] != (True, "OFX"):
        faults.add(tokens[-1][0], "the file is cut off", "</OFX> at its end")
        return root
    holding = _aggregates(tokens)
    if text[:start].lstrip().startswith("<?"):
        _well_formed(tokens, holding, faults)
    stack, opened = [root], ""
    for line, closing, name, value in tokens:
        if value and (closing or name in holding):
            faults.add(line, f"text behind <{'/' * closing}{name}>", "text only in elements that hold no others")
        if closing and name != opened:
            _closed(stack, name, line, faults)
        elif not closing and name in holding:
            stack[-1].inside.append(_Node(name, line))
            stack.append(stack[-1].inside[-1])
        elif not closing:
            _element(stack[-1], name, value, line, faults)
        opened = "" if closing else name
    for node in stack[1:]:
        faults.add(node.line, f"<{node.name}> does not end", f"</{node.name}>")
    return root


def _well_formed(tokens: list[_Token], holding: frozenset[str], faults: Faults) -> None:
    """In XML every element is closed just behind its value."""
    for (line, closing, name, _), (_, closes, following, _) in pairwise(tokens):
        if not closing and name not in holding and (not closes or following != name):
            faults.add(line, f"<{name}> is not closed", f"</{name}> behind its value")


def _start(text: str, faults: Faults) -> int | None:
    """Where <OFX> begins, behind a header that is known: KEY:VALUE lines (1.x) or <?…?> (2.x)."""
    start = text.find("<OFX>")
    header = text[:start] if start >= 0 else text[:1024]
    known = _KEYS.fullmatch(header + "\n") or _PROLOGUE.fullmatch(header)
    if start < 0 or not known:
        faults.add(1, "no <OFX> behind a header", "OFXHEADER:100 and its lines, or <?xml?> and <?OFX?>, then <OFX>")
        return None
    return start


def _tokens(text: str, start: int, faults: Faults) -> Iterator[_Token]:
    """Every tag from a place on."""
    at, line = start, text.count("\n", 0, start) + 1
    while at < len(text):
        token = _TAG.match(text, at)
        if token is None:
            faults.add(line, "a tag that OFX does not have", "tags in capitals without attributes; no document type")
            following = text.find("<", at + 1)
            end = following if following >= 0 else len(text)
        else:
            yield line, token[1] == "/", token[2], token[3].strip()
            end = token.end()
        line += text.count("\n", at, end)
        at = end


def _aggregates(tokens: list[_Token]) -> frozenset[str]:
    """Names that hold others: those we know, and whatever is closed elsewhere than just behind its opening."""
    before = ""
    names = set(_KNOWN)
    for _, closing, name, _ in tokens:
        if closing and name != before:
            names.add(name)
        before = "" if closing else name
    return frozenset(names)


def _closed(stack: list[_Node], name: str, line: int, faults: Faults) -> None:
    if len(stack) > 1 and stack[-1].name == name:
        stack.pop()
        return
    faults.add(line, f"</{name}> closes nothing", f"</{stack[-1].name}>" if len(stack) > 1 else "the end of the file")
    if any(node.name == name for node in stack[1:]):
        while stack.pop().name != name:
            pass


def _element(node: _Node, name: str, value: str, line: int, faults: Faults) -> None:
    if name in node.values:
        faults.add(line, f"a second <{name}> in <{node.name}>", "one of each")
    node.values[name] = _ENTITY.sub(lambda entity: html.unescape(entity[0]), value)


# --- tree to records ------------------------------------------------------------------------------------------------
def _statement(root: _Node, faults: Faults) -> Statement:
    found = list(root.all("STMTRS"))
    if len(found) != 1:
        faults.add(1, f"{len(found)} statements of bank accounts (STMTRS)", "one statement of one account in a file")
        faults.refuse()
    body = found[0]
    currency = body.values.get("CURDEF", _REAIS)
    if currency != _REAIS:
        faults.add(body.line, "a currency (CURDEF) other than the real", f"<CURDEF>{_REAIS}")
    source = body.first("BANKACCTFROM")
    bank = _bank(source, faults)
    account = source.values.get("ACCTID", "")
    if not account:
        faults.add(source.line, "no account (ACCTID)", "the number of the account")
    identity = f"{bank}:ofx:{re.sub('[^0-9A-Za-z]', '', account)[:20]}"
    moved = _Movements(bank, identity, faults)
    records = tuple(record for node in body.all("STMTTRN") for record in moved.record(node))
    created = _lenient_day(root.first("SONRS").values.get("DTSERVER", ""))
    days = body.first("BANKTRANLIST")
    until = _day(days, "DTEND", faults) if "DTEND" in days.values else moved.last
    if until is not None and created is not None:
        until = min(until, created - timedelta(days=1))  # the day on which it was asked for was not over
    return Statement(bank, account, created, until, identity, records)


def _bank(source: _Node, faults: Faults) -> str:
    said = source.values.get("BANKID", "")
    bank = _BANK.fullmatch(said.zfill(3))
    if bank is None or not said:
        faults.add(source.line, "no bank (BANKID) of three digits", "the bank's number, as in <BANKID>341")
        return ""
    return bank[1]


class _Movements:
    """Entries of a statement to records, one by one; the same entry twice is a fault."""

    def __init__(self, bank: str, identity: str, faults: Faults) -> None:
        self._bank, self._identity, self._faults = bank, identity, faults
        self._seen: dict[str, int] = {}
        self.last: date | None = None

    def record(self, node: _Node) -> Iterator[Record]:
        """The record of an entry, if it is a credit or takes one back."""
        on, amount = _day(node, "DTPOSTED", self._faults), _amount(node, self._faults)
        if not node.values.get("FITID"):
            self._faults.add(node.line, "an entry without FITID", "the bank's number of every entry")
            return
        if on is None or amount is None:
            return
        self.last = on if self.last is None else max(self.last, on)
        told = _told(node.values)
        back = _TAKEN_BACK.search(told) is not None
        if amount > 0:
            record = self._credit(node, on, amount, told, "speaks-of-return" if back else "")
        elif amount < 0 and back:
            record = self._reversal(node, on, -amount, told)
        else:
            return
        before = self._seen.setdefault(f"{record.kind}:{record.reference}", node.line)
        if before != node.line:
            self._faults.add(node.line, f"the same entry as in line {before}", "a FITID of its own for every entry")
        yield record

    def _credit(self, node: _Node, on: date, amount: Decimal, told: str, question: str) -> Record:
        """Money came in. Which title it is for, the statement does not know."""
        record = self._entry(node, on, amount, told)
        return replace(
            record,
            kind=Kind.PAID,
            reference=record.end_to_end or record.reference,
            credited=amount,
            credited_on=on,
            question=question,
        )

    def _reversal(self, node: _Node, on: date, amount: Decimal, told: str) -> Record:
        """Money was taken back; `end_to_end` is the payment that it took back, where the text tells."""
        record = self._entry(node, on, amount, told)
        return replace(record, question="" if record.end_to_end else "reversal-of-what")

    def _entry(self, node: _Node, on: date, amount: Decimal, told: str) -> Record:
        found = END_TO_END.search(told)
        return Record(
            line=node.line,
            kind=Kind.REVERSED,
            bank=self._bank,
            reference=f"{self._identity}:{on:%Y%m%d}:{amount}:{_bounded(node.values['FITID'])}",
            our_number=OurNumber(),
            document_number="",
            face=ZERO,
            paid=amount,
            credited=None,
            extra=ZERO,
            discount=ZERO,
            fee=ZERO,
            occurred_on=on,
            credited_on=None,
            occurrence=node.values.get("TRNTYPE", ""),
            end_to_end=found[0] if found else "",
            payer=_payer(told),
            memo=node.values.get("MEMO", "") or node.values.get("NAME", ""),
        )


def _told(values: Mapping[str, str]) -> str:
    """All that the bank wrote about an entry in words."""
    return " ".join(values.get(name, "") for name in ("NAME", "MEMO", "CHECKNUM", "REFNUM", "FITID"))


def _payer(told: str) -> str:
    """The one CPF or CNPJ with right check digits in a text; "" for none and for several."""
    found = set()
    for match in _DOCUMENT.finditer(told):
        try:
            found.add(parse_document(match[0]).number)
        except BadInput:
            continue
    return found.pop() if len(found) == 1 else ""


def _bounded(number: str) -> str:
    """A FITID as it may stand in a reference: short, plain and without a text that could be personal."""
    return number if _PLAIN.fullmatch(number) else hashlib.sha256(number.encode()).hexdigest()[:32]


def _amount(node: _Node, faults: Faults) -> Decimal | None:
    said = node.values.get("TRNAMT", "")
    if not _AMOUNT.fullmatch(said):
        faults.add(
            node.line, f"TRNAMT is '{said[:20]}'", "an amount like 1234.56 or -1234.56, without thousands' marks"
        )
        return None
    amount = Decimal(said.replace(",", ".")).quantize(Decimal("0.01"))
    if amount > 0 and node.values.get("TRNTYPE") == "DEBIT":
        faults.add(node.line, "a debit (TRNTYPE) of a positive amount", "a negative amount, or TRNTYPE CREDIT")
    return amount


def _day(node: _Node, name: str, faults: Faults) -> date | None:
    said = node.values.get(name, "")
    found = _lenient_day(said)
    if found is None:
        faults.add(node.line, f"{name} is '{said[:20]}'", "a real date as AAAAMMDD, with a time behind it or without")
    return found


def _lenient_day(said: str) -> date | None:
    """The day as the bank writes it, at its own place; None where it is none (banks fill DTSERVER with zeros)."""
    found = _DAY.fullmatch(said)
    try:
        return date(int(found[1]), int(found[2]), int(found[3])) if found else None
    except ValueError:
        return None

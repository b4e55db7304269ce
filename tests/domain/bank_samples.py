"""Invented return files and statements, built from values and the same tables that read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from domain.bank.tables import Cnab, Field, Form, form

CREATED = date(2026, 11, 24)
PAID_ON = date(2026, 11, 23)
PAYER = "52998224725"


@dataclass(frozen=True)
class Title:
    """What a test wants a record to say; `written` are fields that are put as they are, past their type."""

    number: str = "11"
    check: str = "4"
    portfolio: str = "109"
    occurrence: str = "06"
    motives: Sequence[str] = ()
    document_number: str = "NF1234"
    control_number: str = "CTRL-1"
    face: Decimal = Decimal("40.00")
    extra: Decimal = Decimal("0.00")
    discount: Decimal = Decimal("0.00")
    rebate: Decimal = Decimal("0.00")
    paid: Decimal = Decimal("40.00")
    fee: Decimal = Decimal("2.10")
    credited: Decimal | None = None
    occurred_on: date | None = PAID_ON
    credited_on: date | None = CREATED
    payer: str = PAYER
    adds: Sequence[tuple[str, str]] = ()
    written: Mapping[str, str] = field(default_factory=dict)

    def values(self) -> dict[str, Any]:
        """By the names of the tables. What is credited is what was paid less the fee, unless a test says otherwise."""
        credited = self.paid - self.fee if self.credited is None else self.credited
        return {
            "occurrence": self.occurrence, "movement": self.occurrence, "motives": self.motives,
            "our_number": self.number, "our_check": self.check, "portfolio": self.portfolio,
            "document_number": self.document_number, "control_number": self.control_number,
            "face": self.face, "extra": self.extra, "discount": self.discount, "rebate": self.rebate,
            "paid": self.paid, "fee": self.fee, "costs": Decimal(0), "credited": credited, "credit_sign": "2",
            "occurred_on": self.occurred_on, "credited_on": self.credited_on, "payer": self.payer, **self.written,
        }  # fmt: skip


def known(layout: Cnab, bank: str) -> Form:
    """The form of a bank that the tables know."""
    found = form(layout, bank)
    assert found is not None
    return found


def written(field_: Field, value: Any) -> str:
    """A value as it stands in its field; text is put as it is, which is how a test writes what is wrong."""
    size = field_.end - field_.start + 1
    if value is None:
        return "0" * size
    if isinstance(value, Decimal):
        return str(int(value * 100)).rjust(size, "0")
    if isinstance(value, date):
        return value.strftime("%d%m%y" if size == 6 else "%d%m%Y")
    if field_.type == "document":
        return ("1" if len(value) == 11 else "2" if value else "0") + value.rjust(size - 1, "0")
    if isinstance(value, str) or not isinstance(value, Sequence):
        numeric = field_.type in ("digits", "number", "loose")
        return str(value).rjust(size, "0") if numeric else str(value)[:size].ljust(size)
    return "".join(value).ljust(size, "0")


def line(width: int, fields: Mapping[str, Field], values: Mapping[str, Any], marks: Mapping[int, str]) -> str:
    """A line: blanks, then the values of the fields that are given, then texts at positions (from 1)."""
    cells = [" "] * width
    for name, each in fields.items():
        if name in values:
            cells[each.cut] = written(each, values[name])
    for at, text in marks.items():
        cells[at - 1 : at - 1 + len(text)] = text
    return "".join(cells)


def cnab400(bank: str, titles: Sequence[Title], sequence: int = 25, created: date = CREATED) -> bytes:
    """A return file of 400 positions: header, a record per title, what adds to it, trailer."""
    layout = known("cnab400", bank)
    head = {"bank": bank, "account": "07300003511", "created": created, "sequence": sequence}
    bodies: list[tuple[Mapping[str, Field], Mapping[str, Any], dict[int, str]]] = [
        (layout.fields["header"], head, {1: "02RETORNO01COBRANCA"})
    ]
    for title in titles:
        bodies.append((layout.fields["detail"], title.values(), {1: min(layout.details)}))
        bodies += [(layout.fields.get(f"extra{mark}", {}), {"txid": text}, {1: mark}) for mark, text in title.adds]
    bodies.append((layout.fields.get("trailer", {}), _trailer(layout, titles), {1: f"9201{bank}"}))
    lines = [
        line(400, fields, values, {**marks, 395: f"{number:06}"})
        for number, (fields, values, marks) in enumerate(bodies, 1)
    ]
    return joined(lines)


def _trailer(layout: Form, titles: Sequence[Title]) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for name in layout.fields.get("trailer", {}):
        codes = name.split()[1:]
        said[name] = sum(title.occurrence in codes for title in titles) if codes else len(titles)
    return {**said, "faces": sum((title.face for title in titles), Decimal(0))}


def cnab240(
    bank: str,
    *lots: Sequence[Title],
    sequence: int = 108,
    created: date = CREATED,
    hour: str = "20",
    count: str = "all",
) -> bytes:
    """A return file of 240 positions: header, lots of segments T, U and what adds to them, trailers."""
    layout = known("cnab240", bank)
    fields = layout.fields
    head = {"direction": "2", "account": "303900048981", "created": created, "hour": hour, "sequence": sequence}
    lines = [line(240, fields["header"], head, {1: f"{bank}00000", 154: "3000", 164: "040"})]
    for number, titles in enumerate(lots, 1):
        segments = list(_segments(layout, titles))
        lot = f"{bank}{number:04}"
        lines.append(line(240, fields["lot_header"], {"operation": "T", "service": "01"}, {1: f"{lot}1"}))
        lines += [
            line(240, fields.get(name, {}), values, {1: f"{lot}3{position:05}", **marks})
            for position, (name, values, marks) in enumerate(segments, 1)
        ]
        inside = len(segments) + (2 if count == "all" else 0)
        lines.append(line(240, fields["lot_trailer"], {"records": inside}, {1: f"{lot}5"}))
    end = {"lots": len(lots), "records": len(lines) + 1}
    lines.append(line(240, fields["trailer"], end, {1: f"{bank}99999"}))
    return joined(lines)


def _segments(layout: Form, titles: Sequence[Title]) -> list[tuple[str, dict[str, Any], dict[int, str]]]:
    segments: list[tuple[str, dict[str, Any], dict[int, str]]] = []
    for title in titles:
        values = title.values()
        if "our_whole" in title.written:
            values = {
                name: each for name, each in values.items() if name not in ("our_number", "our_check", "portfolio")
            }
        elif "our_whole" in layout.fields["T"]:
            values["our_number"] = title.number.rjust(11, "0")
        segments += [("T", values, {14: "T"}), ("U", values, {14: "U"})]
        segments += [(name, {"txid": text}, {14: name[0], 18: name[1:]}) for name, text in title.adds]
    return segments


def joined(lines: Sequence[str]) -> bytes:
    """Lines as a file, with CRLF."""
    return "".join(each + "\r\n" for each in lines).encode("latin-1")


def put(content: bytes, number: int, start: int, text: str) -> bytes:
    """The content with a text at a position (from 1) of a line (from 1)."""
    lines = content.split(b"\r\n")
    old = lines[number - 1]
    lines[number - 1] = old[: start - 1] + text.encode("latin-1") + old[start - 1 + len(text) :]
    return b"\r\n".join(lines)


def without(content: bytes, number: int) -> bytes:
    """The content without one line (from 1)."""
    lines = content.split(b"\r\n")
    del lines[number - 1]
    return b"\r\n".join(lines)


@dataclass(frozen=True)
class Entry:
    """One entry of a statement."""

    amount: str = "150.00"
    fitid: str = "F1"
    posted: str = "20261123120000[-3:BRT]"
    kind: str = "CREDIT"
    memo: str = "PIX RECEBIDO"


def ofx(*entries: Entry, xml: bool = False, until: str = "20261123", served: str = "20261124083000") -> bytes:
    """A statement of an account at Itaú, in OFX 1.02 (SGML, elements left open) or 2.11 (XML)."""

    def of(name: str, value: str) -> str:
        return f"<{name}>{value}</{name}>\n" if xml else f"<{name}>{value}\n"

    told = "".join(
        "<STMTTRN>\n"
        + of("TRNTYPE", each.kind)
        + of("DTPOSTED", each.posted)
        + of("TRNAMT", each.amount)
        + of("FITID", each.fitid)
        + of("MEMO", each.memo)
        + "</STMTTRN>\n"
        for each in entries
    )
    status = "<STATUS>\n" + of("CODE", "0") + of("SEVERITY", "INFO") + "</STATUS>\n"
    body = (
        "<OFX>\n<SIGNONMSGSRSV1><SONRS>\n" + status + of("DTSERVER", served) + of("LANGUAGE", "POR")
        + "</SONRS></SIGNONMSGSRSV1>\n<BANKMSGSRSV1><STMTTRNRS>\n" + of("TRNUID", "1") + status
        + "<STMTRS>\n" + of("CURDEF", "BRL")
        + "<BANKACCTFROM>\n" + of("BANKID", "0341") + of("ACCTID", "0730/35110-0") + of("ACCTTYPE", "CHECKING")
        + "</BANKACCTFROM>\n<BANKTRANLIST>\n" + of("DTSTART", "20261101") + of("DTEND", until)
        + told
        + "</BANKTRANLIST>\n<LEDGERBAL>\n" + of("BALAMT", "1000.00") + of("DTASOF", until)
        + "</LEDGERBAL>\n</STMTRS></STMTTRNRS></BANKMSGSRSV1>\n</OFX>\n"
    )  # fmt: skip
    sgml = (
        "OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\nSECURITY:NONE\nENCODING:USASCII\nCHARSET:1252\n"
        "COMPRESSION:NONE\nOLDFILEUID:NONE\nNEWFILEUID:NONE\n\n"
    )
    marks = '<?xml version="1.0" encoding="UTF-8"?>\n<?OFX OFXHEADER="200" VERSION="211" SECURITY="NONE"?>\n'
    return ((marks if xml else sgml) + body).encode("utf-8" if xml else "cp1252")

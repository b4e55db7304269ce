"""One line of a file as a typed invoice, or everything that is wrong with it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import MISSING, dataclass, field, fields, replace
from datetime import date
from decimal import Decimal
from functools import lru_cache
from operator import attrgetter
from typing import Literal, TypeVar, cast

from domain.boleto import Boleto
from domain.debt import CONSUMER_FINE
from domain.errors import BadInput, Fault
from domain.identifiers import Document, normalise_number, parse_cep, parse_email, parse_phone
from domain.money import ZERO
from domain.places import municipality, uf_of_cep
from starter.importing import cells, titles
from starter.importing.columns import INVOICES, ColumnMap, Form, Layout, fault
from starter.importing.sheets import Cell, Line

T = TypeVar("T")
Situation = Literal["open", "paid", "void"]
DebtorKind = Literal["company", "consumer"]
_SOME_DAY, _SOME_DOCUMENT = date.min, Document("cpf", "")
"""What stands in for a cell that is wrong, in a row that is refused."""
_OF_SEVERAL = re.compile(r"([0-9A-Z]+)\s*(?:/|DE)\s*[0-9]+")
"""An instalment with its count: `1/3`, `1 de 3`."""
_LONGEST_ADDRESS = 200


@dataclass(frozen=True, slots=True)
class Point:
    """An address of the debtor on a channel: `email`, `sms` for mobiles, `call` for other lines, `whatsapp`, `voice`.

    `state` is `usable`, or `unusable` where nobody can be reached at it: then it stands as the file has it. `consent`:
    where he agreed to be written to or called there (a clause, a form, a day), "" = not told.
    """

    channel: str
    address: str
    state: str
    consent: str = field(default="", repr=False)  # stands outside the hash of a row, which older files have without it


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    """One invoice as the creditor's system tells it now. Amounts in reais; interest in per cent a month.

    `balance`, `paid_on`, `paid_amount`, `net` are None where the file does not tell; `net` is `amount` without the tax
    that the debtor withholds. `bank`, `our_number`, `boleto_line` are of its boleto, "" where there is none. `papers`
    to `place`: what a protest depends on (`starter.importing.titles`), "" where the file does not tell; `bank_order`
    none: the bank has no instruction (any more). `hash` covers everything but the line.
    """

    line: int
    document: str
    name: str
    debtor_kind: DebtorKind
    address: str
    district: str
    city: str
    uf: str
    cep: str
    ibge: str
    number: str
    instalment: str
    printed_number: str
    kind: str
    issued: date
    due: date
    amount: Decimal
    balance: Decimal | None
    situation: Situation
    paid_on: date | None
    paid_amount: Decimal | None
    fine_percent: Decimal
    monthly_interest_percent: Decimal
    charges_source: str
    description: str
    policy: str
    points: tuple[Point, ...]
    bank: str = ""
    our_number: str = ""
    boleto_line: str = ""
    net: Decimal | None = None
    correction: str = ""
    fees_percent: Decimal = ZERO
    fees_source: str = ""
    papers: str = ""
    portfolio: str = ""
    bank_order: str = ""
    nfe_key: str = ""
    nfe_event: str = ""
    place: str = ""
    hash: str = ""

    @property
    def withheld(self) -> Decimal:
        """The tax that the debtor keeps back and pays to the tax office: it was never owed to the creditor."""
        return self.amount - self.net if self.net is not None else ZERO

    @property
    def boleto(self) -> bool:
        """Is there a boleto of the creditor's bank by which it can be paid?"""
        return bool(self.our_number or self.boleto_line)

    @property
    def left(self) -> Decimal:
        """What the creditor's system holds open of the principal; tax withheld is not."""
        if self.situation != "open":
            return ZERO
        owed = self.amount - self.withheld
        if self.balance is not None:
            return min(self.balance, owed)
        return max(owed - (self.paid_amount or ZERO), ZERO)


class LineReader:
    """The cells of one line by our columns. Collects what is wrong, so that all of it is told at once."""

    def __init__(self, layout: Layout, line: Line, form: Form) -> None:
        self.layout, self.line, self.form = layout, line, form
        self.faults: list[Fault] = []
        if layout.too_wide(line):
            found = "it has more values than the heading has columns"
            self.faults.append(Fault(f"row {line.number}", found, "put a value that holds the delimiter in quotes"))

    def fault(self, column: str, found: str, wanted: str) -> None:
        """Note that a cell is wrong."""
        self.faults.append(Fault(self.layout.where(self.line.number, column), found, wanted))

    def read(self, column: str, convert: Callable[[Cell], T], otherwise: T) -> T:
        """The converted cell; `otherwise` where it is empty or wrong. A required cell that is empty is a fault."""
        cell = self.layout.cell(self.line, column)
        if cell == "":
            if column in self.form.required:
                self.fault(column, "it is empty", "every row needs it")
            return otherwise
        try:
            return convert(cell)
        except BadInput as wrong:
            self.faults.append(fault(self.layout.where(self.line.number, column), wrong))
            return otherwise


@dataclass(frozen=True)
class InvoiceReader:
    """Reads lines of one file. `policies`: names that `regua` may hold; `defaults`: ladder by kind of debtor."""

    layout: Layout
    given: ColumnMap
    policies: Collection[str]
    defaults: Collection[str]
    today: date

    def is_total(self, line: Line) -> bool:
        """An amount without document and due date: the sum that many programs write below the last row."""
        empty = all(self.layout.cell(line, column) == "" for column in ("devedor_documento", "vencimento"))
        return empty and any(self.layout.cell(line, column) != "" for column in ("valor", "saldo"))

    def read(self, line: Line) -> InvoiceRow | list[Fault]:
        """The invoice of a line, or every fault of it."""
        reader = LineReader(self.layout, line, INVOICES)
        row = self._row(reader)
        _check(reader, row, self.today)
        if row.debtor_kind not in self.defaults and not row.policy:
            found = f"the creditor has no policy for a {row.debtor_kind}"
            reader.fault("regua", found, "name one in this column or in the creditor's settings")
        return reader.faults or _hashed(row)

    def _row(self, reader: LineReader) -> InvoiceRow:
        read, as_date = reader.read, self.given.as_date
        document = read("devedor_documento", cells.as_document, _SOME_DOCUMENT)
        consumer = read("consumidor", cells.as_yes_no, document.kind == "cpf")
        printed, number, instalment = _number(reader)
        uf, cep = _place(reader)
        bank, our_number, line = _boleto(reader)
        city = read("cidade", cells.as_text, "")
        return InvoiceRow(
            line=reader.line.number,
            document=document.number,
            name=read("devedor_nome", cells.as_text, ""),
            debtor_kind="consumer" if consumer else "company",
            address=read("endereco", cells.as_text, ""),
            district=read("bairro", cells.as_text, ""),
            city=city,
            uf=uf,
            cep=cep,
            ibge=_ibge(city, uf),
            number=number,
            instalment=instalment,
            printed_number=printed,
            kind=read("especie", cells.as_kind, ""),
            issued=read("emissao", as_date, _SOME_DAY),
            due=read("vencimento", as_date, _SOME_DAY),
            amount=read("valor", cells.as_price, ZERO),
            balance=read("saldo", cells.as_money, None),
            situation=cast(Situation, read("situacao", cells.as_situation, "open")),
            paid_on=read("pago_em", as_date, None),
            paid_amount=read("valor_pago", cells.as_money, None),
            fine_percent=read("multa", cells.as_percent, ZERO),
            monthly_interest_percent=read("juros", cells.as_percent, ZERO),
            charges_source=read("origem_encargos", cells.as_text, ""),
            description=read("descricao", cells.as_text, ""),
            policy=read("regua", self._policy, ""),
            points=tuple(dict.fromkeys([*_emails(reader), *_phones(reader), *_agreed(reader)])),
            bank=bank,
            our_number=our_number,
            boleto_line=line,
            net=read("valor_liquido", cells.as_price, None),
            correction=read("indice", cells.as_correction, ""),
            fees_percent=read("honorarios", cells.as_percent, ZERO),
            fees_source=read("fonte_honorarios", cells.as_text, ""),
            papers=read("documentos", titles.as_papers, ""),
            portfolio=read("carteira", titles.as_portfolio, ""),
            bank_order=read("instrucao_banco", titles.as_bank_order, ""),
            nfe_key=read("nfe_chave", titles.as_nfe_key, ""),
            nfe_event=read("nfe_situacao", titles.as_nfe, ""),
            place=read("praca", titles.as_place, ""),
        )

    def _policy(self, cell: Cell) -> str:
        name = cells.as_text(cell)
        if name not in self.policies:
            raise BadInput(f"there is no policy of this name; write one of {', '.join(sorted(self.policies))}")
        return name


def _number(reader: LineReader) -> tuple[str, str, str]:
    printed = reader.read("numero", cells.as_number, "")
    number, instalment = one_form(printed, reader.read("parcela", as_instalment, ""))
    return printed, number, instalment


def one_form(printed: str, instalment: str) -> tuple[str, str]:
    """Number and instalment in their one form (`domain.identifiers.normalise_number`), by which invoices are found.

    Where the instalment was written apart, what follows a slash or dash is part of the number, unless it only says the
    instalment again: `1234/2` with instalment 2 is the same invoice as `1234` with instalment 2. ("", …) for no number.
    """
    if not printed:
        return "", instalment
    number, suffix = normalise_number(printed)
    if instalment and suffix not in ("", instalment):
        return f"{number}/{suffix}", instalment
    return number, instalment or suffix


def as_instalment(cell: Cell) -> str:
    """An instalment in its one form: `2` from `02`, `2/3`, `2 de 3`. BadInput as from `cells.as_number`."""
    written = cells.as_number(cell).upper()
    of_several = _OF_SEVERAL.fullmatch(written)
    number, suffix = normalise_number(of_several[1] if of_several else written)
    return f"{number}/{suffix}" if suffix else number


def _boleto(reader: LineReader) -> tuple[str, str, str]:
    """Bank, nosso número and digitable line. A line names its bank, which must be the one that the row names."""
    bank = reader.read("banco", cells.as_bank, "")
    our_number = reader.read("nosso_numero", cells.as_our_number, "")
    boleto = reader.read("linha_digitavel", cells.as_boleto, None)
    if isinstance(boleto, Boleto):
        if bank and bank != boleto.bank:
            wanted = "correct one of the two, or leave the bank empty: the line names it"
            reader.fault("banco", f"the line is of bank {boleto.bank}, the row of bank {bank}", wanted)
        bank = boleto.bank
    return bank, our_number, boleto.line if boleto else ""


def _place(reader: LineReader) -> tuple[str, str]:
    """State and CEP; the state, on which lawful hours depend, is told by the CEP where the file does not say it."""
    before = len(reader.faults)
    uf = reader.read("uf", cells.as_uf, "")
    cep = reader.read("cep", lambda cell: _cep(cells.as_text(cell), uf), "")
    if not uf and not cep and len(reader.faults) == before:
        reader.fault("uf", "neither a state nor a CEP is there", "write one of them: lawful hours depend on the state")
    return uf or uf_of_cep(cep) or "", cep


def _cep(text: str, uf: str) -> str:
    """Eight digits. A leading zero that a spreadsheet dropped comes back where the state proves it."""
    restored = f"0{text}"
    if text.isdigit() and uf and uf_of_cep(restored) == uf:
        return restored
    return parse_cep(text)


@lru_cache(maxsize=4096)
def _ibge(city: str, uf: str) -> str:
    return municipality(city, uf) or ""


def _emails(reader: LineReader) -> Iterator[Point]:
    for written in re.split(r"[;,/|\s]+", reader.read("emails", cells.as_text, "")):
        if written:
            try:
                yield Point("email", parse_email(written), "usable")
            except BadInput:
                yield Point("email", written[:_LONGEST_ADDRESS], "unusable")


def _phones(reader: LineReader) -> Iterator[Point]:
    for written in re.split(r"\s*[;,/|]\s*", reader.read("telefones", cells.as_text, "")):
        if written:
            yield _phone(written)


def _agreed(reader: LineReader) -> Iterator[Point]:
    """Numbers at which he agreed to be written to by WhatsApp or called by a machine, with where he did.

    The platform's policy asks for an opt-in before the first message (https://business.whatsapp.com/policy), so a
    number for WhatsApp without one is a fault of the row.
    """
    consent = reader.read("consentimento", cells.as_text, "")[:_LONGEST_ADDRESS]
    for column, channel in (("whatsapp", "whatsapp"), ("voz", "voice")):
        for written in filter(None, re.split(r"\s*[;,/|]\s*", reader.read(column, cells.as_text, ""))):
            if channel == "whatsapp" and not consent:
                wanted = "write in consentimento where he agreed to it, or leave the number to telefones"
                reader.fault("whatsapp", "there is a number without his consent", wanted)
            found = _phone(written)
            right = found.state == "usable" and (found.channel == "sms" or channel == "voice")
            yield Point(channel, found.address, "usable" if right else "unusable", consent)


@lru_cache(maxsize=4096)
def _phone(written: str) -> Point:
    try:
        phone = parse_phone(written)
    except BadInput:
        return Point("call", written[:_LONGEST_ADDRESS], "unusable")
    return Point("sms" if phone.mobile else "call", phone.e164, "usable")


def _check(reader: LineReader, row: InvoiceRow, today: date) -> None:
    """What is wrong between the cells of a row, where each alone could be right."""
    if row.issued > row.due != _SOME_DAY:
        reader.fault("emissao", "the invoice was issued after its due date", "correct one of the two days")
    if row.balance is not None and ZERO < row.amount < row.balance:
        reader.fault("saldo", "more is open than the invoice's amount", "write the open principal, without charges")
    _check_net(reader, row)
    if row.paid_on and row.paid_on > today:
        reader.fault("pago_em", "this day has not come yet", "write the day on which it was paid")
    if (row.fine_percent or row.monthly_interest_percent or row.correction) and not row.charges_source:
        wanted = "name the contract or clause that agreed them; what nobody agreed is not charged"
        reader.fault("origem_encargos", "there are charges without a source", wanted)
    if row.fees_percent and not row.fees_source:
        wanted = "name the clause that agreed them; fees that nobody agreed are not owed (CC art. 395)"
        reader.fault("fonte_honorarios", "there are fees without a source", wanted)
    if row.debtor_kind == "consumer" and row.fine_percent > CONSUMER_FINE:
        found = f"a consumer's fine is above {CONSUMER_FINE} %"
        reader.fault("multa", found, f"write {CONSUMER_FINE} at most (CDC art. 52 §1)")


def _check_net(reader: LineReader, row: InvoiceRow) -> None:
    """The net amount and what is open must fit. A `saldo` of the whole amount says only that nothing was paid."""
    if row.net is None or row.amount == ZERO:
        return
    if row.net > row.amount:
        reader.fault("valor_liquido", "it is more than the invoice's amount", "write the amount less the tax withheld")
    elif row.balance is not None and row.net < row.balance < row.amount:
        wanted = "write in saldo what the debtor has still to pay, without the tax withheld"
        reader.fault("saldo", "more is open than the net amount", wanted)


_LATER = {field.name: field.default for field in fields(InvoiceRow) if field.default is not MISSING}
"""Columns that came after the first release, with what they are where a file has none of them."""
_told = attrgetter(*(field.name for field in fields(InvoiceRow) if field.name not in {"line", *_LATER}))
_later = attrgetter(*_LATER)


def _hashed(row: InvoiceRow) -> InvoiceRow:
    """A file without the later columns has the hashes that it always had, and so no row of it has changed."""
    later = zip(_LATER.items(), _later(row), strict=True)
    told = [*_told(row), *((name, value) for (name, default), value in later if value != default)]
    return replace(row, hash=hashlib.sha256(repr(told).encode()).hexdigest()[:32])

"""What messages and documents show of an invoice and its creditor, already in Brazilian words and numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from domain.debt import Line
from domain.memory import memory
from domain.money import ZERO, format_brl
from letters import pt
from letters.models import Creditor, InvoiceView

KINDS = {
    "DM": "duplicata mercantil",
    "DMI": "duplicata mercantil",
    "DS": "duplicata de serviço",
    "DSI": "duplicata de serviço",
    "NP": "nota promissória",
    "CH": "cheque",
    "CT": "contrato",
    "CTR": "contrato",
    "EC": "encargos condominiais",
}
"""The kinds of title that people meet, by the species code of the CRA; another kind is shown as it was given."""


@dataclass(frozen=True)
class LineRow:
    """One added or deducted item: its name, its signed amount, how it was calculated."""

    name: str
    amount: str
    detail: str


@dataclass(frozen=True)
class InvoiceRow:
    """One invoice in words. `short` is all of it for an SMS; `credit` and `hint` are empty where there is none."""

    title: str
    origin: str
    issued: str
    due: str
    original: str
    lines: tuple[LineRow, ...]
    total: str
    credit: str
    hint: str
    short: str


def row(invoice: InvoiceView) -> InvoiceRow:
    """The invoice as every text shows it: origin, original amount, each item by name, total."""
    lines = added(invoice)
    return InvoiceRow(
        title=f"{_name(invoice)} ({kind_name(invoice.kind)})" if invoice.kind else _name(invoice),
        origin=invoice.origin,
        issued=pt.day(invoice.issued),
        due=pt.day(invoice.due),
        original=format_brl(invoice.original),
        lines=tuple(LineRow(line.name_pt, format_brl(line.amount), line.detail_pt) for line in lines),
        total=format_brl(invoice.debt.total),
        credit=format_brl(invoice.debt.credit) if invoice.debt.credit else "",
        hint=invoice.payment_hint,
        short=_short(invoice, lines),
    )


def kind_name(kind: str) -> str:
    """The kind of title in Portuguese."""
    return KINDS.get(kind.upper(), kind)


def added(invoice: InvoiceView) -> tuple[Line, ...]:
    """What lies between the original amount and the total: the memory of calculation without its first line.

    The memory begins with the principal. Where that is not the original amount (an invoice taken over with a part
    already settled), the difference is an item of its own, so that what is shown always adds up.
    """
    start, *items = invoice.debt.lines
    difference = start.amount - invoice.original
    if difference:
        items.insert(0, Line("Diferença para o valor original", "antes do registro nesta cobrança", difference))
    return tuple(items)


def short_items(lines: Iterable[Line]) -> dict[str, Decimal]:
    """The items by the first word of their name (`multa`, `juros`, `pagamento`), summed, for an SMS."""
    sums: dict[str, Decimal] = {}
    for line in lines:
        name = line.name_pt.split()[0].lower()
        sums[name] = sums.get(name, ZERO) + line.amount
    return sums


def short_item(name: str, amount: Decimal) -> str:
    """`+ multa 20,00` or `- pagamento 500,00`."""
    return f"{'-' if amount < 0 else '+'} {name} {pt.number(abs(amount))}"


def total(invoices: Iterable[InvoiceView]) -> Decimal:
    """What is open on all invoices together, in reais."""
    return sum((invoice.debt.total for invoice in invoices), ZERO)


def paid(invoices: Iterable[InvoiceView]) -> Decimal:
    """What payments settled of all invoices together, in reais; what they left over is `credit`, shown beside."""
    return sum((invoice.debt.paid for invoice in invoices), ZERO)


def imputation(invoices: Iterable[InvoiceView]) -> str:
    """The order in which payments settled the parts of these debts, in sentences (CC art. 354)."""
    return max((memory(invoice.debt).imputation for invoice in invoices), key=len)


def address(creditor: Creditor) -> str:
    """The full postal address on one line."""
    return pt.address(creditor.address_line, "", creditor.city, creditor.uf, creditor.cep)


def reach(creditor: Creditor) -> str:
    """Phone, e-mail and site of the creditor, those that there are."""
    return ", ".join(part for part in (creditor.phone, creditor.email, creditor.site) if part)


def _name(invoice: InvoiceView) -> str:
    return (
        f"Fatura {invoice.number}, parcela {invoice.instalment}" if invoice.instalment else f"Fatura {invoice.number}"
    )


def _short(invoice: InvoiceView, lines: tuple[Line, ...]) -> str:
    items = "".join(f" {short_item(name, amount)}" for name, amount in short_items(lines).items())
    result = f" = {pt.number(invoice.debt.total)}" if items else ""
    name = f"Fatura {invoice.number} ({invoice.instalment})" if invoice.instalment else _name(invoice)
    return f"{name}, venc. {pt.day(invoice.due)}: {format_brl(invoice.original)}{items}{result}"

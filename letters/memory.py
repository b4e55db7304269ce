"""The memory of calculation of an invoice in Brazilian words and numbers, for a document that a court may read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from domain.debt import Period
from domain.memory import Memory, Party, memory
from domain.money import format_brl
from letters import pt, views
from letters.models import Creditor, DebtorView, InvoiceView

_KINDS = {"correction": "Correção", "interest": "Juros"}


def sheet(invoice: InvoiceView, creditor: Creditor, debtor: DebtorView) -> dict[str, Any]:
    """One invoice's memory as rows of words: what CPC art. 524 lists, each line, each stretch of index and interest."""
    parties = (
        Party("credor", creditor.name, pt.document(creditor.document)),
        Party("devedor", debtor.name, pt.document(debtor.document)),
    )
    found, row = memory(invoice.debt, parties), views.row(invoice)
    return {
        "title": row.title,
        "fields": [
            *((party.role.capitalize(), f"{party.name}, {party.document}") for party in found.parties),
            ("Origem", row.origin),
            ("Emissão", row.issued),
            ("Vencimento original ou prorrogado", pt.day(found.due)),
            ("Valor original", row.original),
            ("Data do cálculo", pt.day(found.on)),
            *_rules(found),
        ],
        "lines": [(line.name_pt, line.detail_pt, format_brl(line.amount)) for line in found.lines],
        "periods": [_period(period) for period in found.periods],
        "total": format_brl(found.total),
        "notes": list(found.notes),
    }


def _rules(found: Memory) -> Sequence[tuple[str, str]]:
    """By which index, rate and order it was calculated."""
    deductions = "; ".join(f"{line.name_pt} {line.detail_pt}, {format_brl(line.amount)}" for line in found.deductions)
    return (
        ("Índice de correção", "; ".join(found.indices)),
        ("Juros", "; ".join(found.rates)),
        ("Multa", found.fine),
        ("Honorários", found.fees),
        ("Capitalização", found.capitalisation),
        ("Descontos obrigatórios", deductions or "nenhum"),
        ("Imputação dos pagamentos", found.imputation),
        ("Arredondamento", found.rounding),
    )


def _period(period: Period) -> tuple[str, ...]:
    running = period.running
    grown = pt.decimal(period.factor) if period.factor is not None else f"{pt.decimal(period.percent)}%"
    return (
        _KINDS[period.kind],
        running.rate_pt,
        pt.day(running.start),
        pt.day(running.end),
        str(running.days),
        format_brl(period.base),
        grown,
        format_brl(period.amount),
    )

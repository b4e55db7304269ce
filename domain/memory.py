"""The memory of calculation as a court asks for it (CPC arts. 524 and 798, I b and sole paragraph).

It says all that those articles list: who owes whom, the correction index, the rate of interest, from when to when each
of them ran, how often interest was capitalised, what was deducted by duty of law; and how payments were imputed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from domain.accrual import percent_pt
from domain.debt import Debt, Line, Period, Reduction, Settlement
from domain.indices import SERIES
from domain.money import ZERO

CAPITALISATION = "nenhuma (juros simples)"
IMPUTATION = (
    "Cada pagamento abate primeiro os juros (Código Civil, art. 354), depois a multa, os honorários, a correção e por "
    "fim o principal."
)
IMPUTATION_ON_CAPITAL = (
    "Os pagamentos assim indicados foram imputados primeiro ao capital, como o credor aceitou (Código Civil, art. 354, "
    "parte final)."
)
ROUNDING = (
    "Fatores de correção com 8 casas decimais e taxas com 6, arredondamento ao par mais próximo (ABNT NBR 5891); cada "
    "componente arredondado uma única vez, na soma de seus períodos, para centavos, meio centavo para cima."
)
_NO_INDEX, _NO_RATE, _NO_FINE, _NO_FEES = "nenhum", "nenhuma taxa", "nenhuma", "nenhum"


@dataclass(frozen=True)
class Party:
    """Who stands in the memory: role in Portuguese (`credor`, `devedor`), full name, CPF or CNPJ as printed."""

    role: str
    name: str
    document: str


@dataclass(frozen=True)
class Memory:
    """One debt's memory of calculation; words are Portuguese, amounts reais.

    `indices`, `rates`: each index and rate used, with its source. `deductions`: what the law obliges to deduct (tax
    withheld), as negative amounts. `periods`: index and interest stretch by stretch; `settlements`: how each payment
    and reduction was imputed; `lines` add up to `total`. `notes`: what could not be added.
    """

    parties: tuple[Party, ...]
    principal: Decimal
    due: date
    on: date
    indices: tuple[str, ...]
    rates: tuple[str, ...]
    fine: str
    fees: str
    capitalisation: str
    deductions: tuple[Line, ...]
    imputation: str
    rounding: str
    periods: tuple[Period, ...]
    settlements: tuple[Settlement, ...]
    lines: tuple[Line, ...]
    total: Decimal
    notes: tuple[str, ...]


def memory(debt: Debt, parties: Sequence[Party] = ()) -> Memory:
    """The memory of an updated debt. Without parties it is that of an invoice, and no personal data is in it."""
    charges = debt.charges
    fees = f"{percent_pt(charges.fees_percent)} ({charges.fees_source})" if charges.fees_percent else _NO_FEES
    on_capital = any(not isinstance(done.event, Reduction) and done.event.on_capital for done in debt.settlements)
    return Memory(
        parties=tuple(parties),
        principal=debt.lines[0].amount,
        due=debt.due,
        on=debt.on,
        indices=_named(debt, "correction") or (_NO_INDEX,),
        rates=_named(debt, "interest") or (_NO_RATE,),
        fine=_fine(debt),
        fees=fees,
        capitalisation=CAPITALISATION,
        deductions=tuple(_deductions(debt)),
        imputation=f"{IMPUTATION} {IMPUTATION_ON_CAPITAL}" if on_capital else IMPUTATION,
        rounding=ROUNDING,
        periods=debt.periods,
        settlements=debt.settlements,
        lines=debt.lines,
        total=debt.total,
        notes=debt.notes,
    )


def _named(debt: Debt, kind: str) -> tuple[str, ...]:
    """Each index or rate once, in the order of its first day: `IPCA (IBGE, …; CC arts. 389 e 406, …)`."""
    found: dict[str, None] = {}
    for period in debt.periods:
        running = period.running
        if period.kind == kind:
            published = f"{SERIES[running.growth.series].source}; " if running.growth else ""
            where = f"{published}{running.source}".removesuffix("; ")
            found[f"{running.rate_pt} ({where})" if where else running.rate_pt] = None
    return tuple(found)


def _fine(debt: Debt) -> str:
    charges = debt.charges
    if not charges.fine_percent:
        return _NO_FINE
    source = f" ({charges.source})" if charges.source else ""
    return f"{percent_pt(charges.fine_percent)}, uma única vez, sobre o principal corrigido{source}"


def _deductions(debt: Debt) -> list[Line]:
    """Tax that the debtor withheld and paid for the creditor (CPC art. 524 VI)."""
    withheld = [s.event for s in debt.settlements if isinstance(s.event, Reduction) and s.event.kind == "withholding"]
    return [
        Line("Imposto retido na fonte", f"em {reduction.on:%d/%m/%Y}", ZERO - reduction.amount)
        for reduction in withheld
    ]

"""What a file says anew about an invoice that is known already, in the words of its case.

The row of an invoice stays as it first came. What files told since stands in the facts they left, whose `source` says
which figure of the file they come from; so a figure is compared with what the creditor's system told last, and not with
what staff and debtor have agreed on in between.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Literal, cast

from domain import facts as f
from domain.case import Case, Reduced
from domain.money import ZERO
from starter.importing.rows import InvoiceRow

SOURCE = "import"
AMOUNT, BALANCE, PAID_BEFORE, NET = "import-amount", "import-balance", "import-paid", "import-net"
"""Sources of reductions: a lower `valor`; a lower `saldo`; paid before the invoice came to us; tax withheld."""

What = Literal["paid", "extended", "reduced", "void", "boleto", "title"]


@dataclass(frozen=True)
class Standing:
    """What is known of an invoice, with facts that its case has not taken in yet. Amounts in reais.

    `amount` and `due` are those of its last row; `case_due` is the day it is really due now. `paid` are payments,
    `reduced` all reductions, of which `by_balance`, `paid_before` and `by_net` come from those sources; `withheld` is
    all tax withheld, whoever told of it. `our_number` and `boleto_line` are those of the invoice; `told_boleto`: the
    case knows, or has been told, that there is a boleto, be it withdrawn or not.
    """

    case: Case
    amount: Decimal
    due: date
    kind: str
    issued: date
    fine_percent: Decimal
    monthly_interest_percent: Decimal
    policy: str
    case_due: date
    paid: Decimal
    reduced: Decimal
    by_balance: Decimal
    paid_before: Decimal
    by_net: Decimal
    withheld: Decimal
    our_number: str
    boleto_line: str
    told_boleto: bool
    papers: str = ""
    place: str = ""

    def owed(self, on: date, withheld: Decimal = ZERO) -> Decimal:
        """The whole debt on a day, or on that of a later movement, less what the case has still to take in.

        `withheld` is tax that this file tells of for the first time.
        """
        more = [Reduced(withheld, "withholding", self.case.terms.original_due)] if withheld else []
        case = replace(self.case, reductions=[*self.case.reductions, *more])
        waiting = self.paid - case.paid() + self.reduced - sum((r.amount for r in self.case.reductions), ZERO)
        day = max([on, *(p.on for p in case.counted()), *(r.on for r in case.reductions)])
        return max(case.debt(day).total - waiting, ZERO)


@dataclass(frozen=True)
class News:
    """One thing that a row tells anew."""

    what: What
    fact: f.Told


_NEW_INVOICE = "void it (situacao cancelado) and bring it as a new invoice"


def contradictions(row: InvoiceRow, standing: Standing) -> Iterator[tuple[str, str, str]]:
    """What a row may not change about an open invoice: column, what was found, what would be right."""
    if row.situation != "open" or standing.case.closed:
        return
    terms = standing.case.terms
    same = {
        "especie": row.kind == standing.kind,
        "emissao": row.issued == standing.issued,
        "consumidor": (row.debtor_kind == "consumer") == terms.consumer,
        "multa": row.fine_percent == standing.fine_percent,
        "juros": row.monthly_interest_percent == standing.monthly_interest_percent,
        "indice": row.correction == (terms.correction or ""),
        "honorarios": row.fees_percent == terms.fees_percent,
    }
    if row.due < standing.due:
        yield "vencimento", f"the invoice would be due earlier than {standing.due:%d/%m/%Y}", _NEW_INVOICE
    if row.amount > standing.amount:
        yield "valor", f"the amount would be higher than {standing.amount}", _NEW_INVOICE
    if row.net is not None and standing.by_net and row.net > standing.amount - standing.by_net:
        yield "valor_liquido", f"the net amount would be higher than {standing.amount - standing.by_net}", _NEW_INVOICE
    for column, kept in same.items():
        if not kept:
            yield column, "this would change the terms of an open invoice", _NEW_INVOICE
    if row.policy != standing.policy:
        yield "regua", "the case keeps the policy it started with", "move it with `regua policy migrate`"


def news(row: InvoiceRow, standing: Standing, today: date) -> list[News]:
    """What the row tells anew, in the order in which the case must hear it.

    Of a closed case only money still counts. A row that is paid without an amount paid all that was owed that day; one
    that was paid with less than the principal left was paid with a rebate. Charges that stay open stay open. What is
    taken off was never owed: it counts from the start and bears no charges.
    """
    if row.situation == "void":
        return [] if standing.case.closed else [News("void", f.Voided("cancelled by the creditor"))]
    on = row.paid_on or today
    taxed = ZERO if standing.case.closed else _newly_withheld(row, standing)
    paid = _payment(row, standing, on, taxed)
    payment = [News("paid", f.PaymentReceived("", paid, on, SOURCE))] if paid else []
    if standing.case.closed:
        return payment
    found = []
    if row.situation == "open" and row.due > max(standing.due, standing.case_due):
        found.append(News("extended", f.Extended(row.due, SOURCE)))
    in_time = min(standing.case.terms.original_due, today)
    open_here = max(standing.case.terms.principal - standing.reduced - standing.paid - paid, ZERO)
    surplus = max(open_here - row.left, ZERO)
    taxed = min(taxed, surplus)
    if taxed:  # before the payment, which then meets the debt as it was always owed
        payment.insert(0, News("reduced", f.Adjusted(taxed, "withholding", in_time, NET)))
    surplus -= taxed
    by_amount = min(surplus, max(standing.amount - row.amount, ZERO))
    for amount, source in ((by_amount, AMOUNT), (surplus - by_amount, BALANCE)):
        if amount:
            found.append(News("reduced", f.Adjusted(amount, "correction", in_time, source)))
    return [*payment, *found, *_new_boleto(row, standing), *_of_the_title(row, standing)]


def _new_boleto(row: InvoiceRow, standing: Standing) -> Iterator[News]:
    """A boleto that the case does not know of, or another than the one it knew, can be paid from now on.

    The bank knows a boleto by its nosso número: another line of the same number is the same boleto.
    """
    if row.our_number and standing.our_number:
        other = row.our_number != standing.our_number
    else:
        other = bool(row.boleto_line and standing.boleto_line) and row.boleto_line != standing.boleto_line
    if row.situation == "open" and row.boleto and (other or not standing.told_boleto):
        yield News("boleto", f.BoletoIssued(SOURCE))


def _of_the_title(row: InvoiceRow, standing: Standing) -> Iterator[News]:
    """What decides whether it can be protested; what the file does not tell stays as it is."""
    case = standing.case
    if row.portfolio and row.portfolio != case.portfolio:
        yield News("title", f.PortfolioChanged(cast("f.Portfolio", row.portfolio), SOURCE))
    if row.bank_order == "none":
        yield from (News("title", f.BankOrder(order, False, SOURCE)) for order in case.bank_orders)
    elif row.bank_order and row.bank_order not in case.bank_orders:
        yield News("title", f.BankOrder(cast("f.BankOrderKind", row.bank_order), True, SOURCE))
    if row.nfe_event and row.nfe_event != case.nfe:
        yield News("title", f.InvoiceEvent(row.nfe_event, SOURCE))
    if (row.papers and row.papers != standing.papers) or (row.place and row.place != standing.place):
        yield News("title", f.DocumentAttached("", "invoice"))


def _newly_withheld(row: InvoiceRow, standing: Standing) -> Decimal:
    """Tax withheld that nobody has told of yet, of what is open here."""
    open_here = max(standing.case.terms.principal - standing.reduced - standing.paid, ZERO)
    return min(max(row.withheld - standing.withheld, ZERO), open_here)


def _payment(row: InvoiceRow, standing: Standing, on: date, taxed: Decimal) -> Decimal:
    """What was paid beyond the payments we know. `valor_pago` is the sum of all that was ever paid.

    A reduction that came as a lower `saldo` may have been a payment already: only what exceeds both counts as too much.
    """
    if row.paid_amount:
        more = row.paid_amount - standing.paid - standing.paid_before
        return max(min(more, standing.owed(on, taxed)), more - standing.by_balance, ZERO)
    return standing.owed(on, taxed) if row.situation == "paid" and not standing.case.closed else ZERO


def settled_before(row: InvoiceRow, today: date) -> list[f.Adjusted]:
    """Of a new invoice: tax withheld, and what was paid or taken off before it came to us, in time, without thanks."""
    gone = row.amount - row.left - row.withheld
    paid = min(gone, row.paid_amount or ZERO)
    in_time = min(row.due, today)
    taxed = [f.Adjusted(row.withheld, "withholding", in_time, NET)] if row.withheld else []
    parts = ((paid, PAID_BEFORE), (gone - paid, BALANCE))
    return taxed + [f.Adjusted(amount, "correction", in_time, source) for amount, source in parts if amount]

"""What the texts are shown: rows of the database and folded cases, put into the words of `letters.models`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Connection, Row

from activities import statements as sql
from db.prepared import Rows, together
from db.settings import CreditorSettings
from domain.case import Case
from domain.debt import Debt, Line
from domain.money import ZERO
from domain.policy import Policy
from letters import models
from letters.messages import how_to


@dataclass(frozen=True)
class Claim:
    """One open case with the row of its invoice."""

    case: Case
    invoice: Row[Any]
    code: str = ""
    """The Pix code by which this invoice can be paid now; without one, its boleto is shown where the bank takes it."""


def read_creditor(conn: Connection, creditor_id: UUID) -> tuple[Row[Any], CreditorSettings]:
    """The creditor's row and his settings."""
    (rows,) = together(conn, [sql.READ_CREDITOR(id_=creditor_id)])
    return with_settings(rows)


def with_settings(rows: Rows) -> tuple[Row[Any], CreditorSettings]:
    """A creditor's row, the only one of `rows`, and his settings."""
    (row,) = rows
    return row, CreditorSettings.model_validate(row.settings)


def read_debtor(conn: Connection, debtor_id: UUID) -> Row[Any]:
    """The debtor's row."""
    ((row,),) = together(conn, [sql.READ_DEBTOR(id_=debtor_id)])
    return cast("Row[Any]", row)


def read_invoices(conn: Connection, ids: Sequence[UUID]) -> dict[UUID, Row[Any]]:
    """Invoice rows by id."""
    (rows,) = together(conn, [sql.READ_INVOICES(ids=list(ids))])
    return {row.id: row for row in rows}


def creditor_view(row: Row[Any], settings: CreditorSettings) -> models.Creditor:
    """Who is owed, as CDC art. 42-A wants it shown."""
    return models.Creditor(
        row.name, row.document, row.address, row.city, row.uf, row.cep, row.email, row.phone,
        settings.site, settings.how_to_verify,
    )  # fmt: skip


def debtor_view(row: Row[Any], consumer: bool) -> models.DebtorView:
    """Who owes."""
    return models.DebtorView(row.name, row.document, consumer)


def invoice_view(claim: Claim, on: date) -> models.InvoiceView:
    """One invoice with its updated debt on a day."""
    row = claim.invoice
    return models.InvoiceView(
        number=row.printed_number,
        instalment=row.instalment,
        kind=row.kind,
        issued=row.issued,
        due=claim.case.terms.due,
        original=row.amount,
        debt=_asked(claim.case, on),
        origin=row.description or f"{row.kind} {row.printed_number}",
        payment_hint=claim.code or _boleto(claim),
    )


def _boleto(claim: Claim) -> str:
    terms, case = claim.case.terms, claim.case
    return str(claim.invoice.boleto_line) if terms.boleto and not case.boleto_withdrawn else ""


def _asked(case: Case, on: date) -> Debt:
    """The updated debt as the debtor is asked for it: the part that is in dispute comes off, by name."""
    debt = case.debt(on)
    if case.disputed is None or not case.dispute:
        return debt
    off = debt.total - case.demand(on)
    line = Line("Valor contestado", "em análise, não é cobrado agora", ZERO - off)
    return replace(debt, total=debt.total - off, lines=(*debt.lines, line))


def firm_step(policy: Policy) -> models.FirmStep | None:
    """What this ladder does when friendly contact fails: nothing firm may be announced that it does not do."""
    kinds = {str(step.do) for step in policy.steps}
    return "protest" if "protest" in kinds else "legal" if "legal" in kinds else None


_AHEAD: dict[models.FirmStep, str] = {
    "protest": "notificação formal e, depois do prazo dela, protesto do título", "legal": "envio ao jurídico",
}  # fmt: skip


def message_data(
    creditor: tuple[Row[Any], CreditorSettings],
    debtor: Row[Any],
    claims: Sequence[Claim],
    policy: Policy,
    on: date,
    short_ref: str,
    channel: models.Channel,
) -> models.MessageData:
    """Everything a message to one debtor may show, the first claim being the one that sends it."""
    row, settings = creditor
    view = creditor_view(row, settings)
    firm = firm_step(policy)
    return models.MessageData(
        creditor=view,
        debtor=debtor_view(debtor, claims[0].case.terms.consumer),
        invoices=tuple(invoice_view(claim, on) for claim in claims),
        how=how_to(channel, view, settings.how_to_pay),
        on=on,
        short_ref=short_ref,
        next_step=_AHEAD[firm] if firm else None,
    )

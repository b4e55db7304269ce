"""Invented people and invoices for the tests of texts and documents."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from domain.debt import Charges, Payment, updated_debt
from letters.messages import how_to
from letters.models import Channel, Creditor, DebtorView, InvoiceView, MessageData

ON = date(2026, 11, 22)
CREDITOR = Creditor(
    name="Distribuidora Exemplo Ltda",
    document="11222333000181",
    address_line="Rua das Amostras, 100",
    city="São Paulo",
    uf="SP",
    cep="01000000",
    email="contato@exemplo.example.com",
    phone="(11) 2000-0000",
    site="www.exemplo.example.com",
)
CONSUMER = DebtorView("Maria Fictícia", "12345678909", consumer=True)
COMPANY = DebtorView("Loja Inventada & Filhos Ltda", "12ABC34501DE35", consumer=False)
PAY = "Pix para a chave contato@exemplo.example.com"


def invoice(
    number: str = "1234",
    *,
    original: str = "1000.00",
    principal: str | None = None,
    payments: Sequence[Payment] = (),
    on: date = ON,
    payment_hint: str = "",
) -> InvoiceView:
    """Due on a Saturday before a holiday; on the default day 43 days late, 20.00 of fine and 14.33 of interest."""
    due = date(2026, 10, 10)
    charges = Charges(Decimal(2), Decimal(1), "contrato 7")
    debt = updated_debt(Decimal(principal or original), due, on, charges, payments=payments, consumer=True)
    return InvoiceView(
        number=number,
        instalment="2/3",
        kind="DMI",
        issued=date(2026, 9, 10),
        due=due,
        original=Decimal(original),
        debt=debt,
        origin="Compra de materiais, pedido 77",
        payment_hint=payment_hint,
    )


def paid_invoice() -> InvoiceView:
    return invoice(payments=[Payment(ON, Decimal("1034.33"))])


def partly_paid_invoice() -> InvoiceView:
    return invoice(payments=[Payment(date(2026, 11, 10), Decimal("500.00"))])


def message_data(
    channel: Channel, invoices: Sequence[InvoiceView] | None = None, debtor: DebtorView = CONSUMER
) -> MessageData:
    return MessageData(
        creditor=CREDITOR,
        debtor=debtor,
        invoices=tuple(invoices or (invoice(),)),
        how=how_to(channel, CREDITOR, PAY),
        on=ON,
        short_ref="7K2Q",
        offer="3 parcelas de R$ 344,78",
        promise=(date(2026, 12, 1), Decimal("1034.33")),
    )


def data_for(text_id: str, channel: Channel, debtor: DebtorView = CONSUMER) -> MessageData:
    """The data with which a text really goes out: thanks after a payment, a reminder before the due date."""
    invoices = {
        "lembrete": [invoice(on=date(2026, 10, 7))],
        "agradecimento": [paid_invoice()],
        "agradecimento-parcial": [partly_paid_invoice()],
    }
    return message_data(channel, invoices.get(text_id), debtor)

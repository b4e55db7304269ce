"""Invented people and invoices for the tests of texts and documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from domain.debt import Charges, Payment, Reduction, updated_debt
from domain.plans import instalment_state, propose
from domain.policy import Offer, Offset, PlanRules
from letters.messages import INSTALMENT, how_to
from letters.models import Channel, Creditor, DebtorView, InvoiceView, MessageData, PlanView

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
    reductions: Sequence[Reduction] = (),
    on: date = ON,
    payment_hint: str = "",
) -> InvoiceView:
    """Due on a Saturday before a holiday; on the default day 43 days late, 20.00 of fine and 14.33 of interest."""
    due = date(2026, 10, 10)
    charges = Charges(Decimal(2), Decimal(1), "contrato 7")
    face = Decimal(principal or original)
    debt = updated_debt(face, due, on, charges, payments=payments, reductions=reductions, consumer=True)
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


RULES = PlanRules(down=Decimal(30), interest=Decimal(1))
THREE = Offer("parcelamento-3x", 3, Decimal(30))


def plan(
    offer: Offer = THREE,
    rules: PlanRules = RULES,
    *,
    consumer: bool = True,
    paid: Sequence[Payment] | None = None,
    on: date = ON,
    payment_hint: str = "",
) -> PlanView:
    """Of 1034.33 on the default day: 310.30 on 27/11, then about 246 on 28/12, 27/01 and 01/03."""
    terms = propose(offer, rules, Decimal("1034.33"), Decimal("1000.00"), 43, consumer, ON)
    if paid is None:
        return PlanView(terms, Offset(5, "d"), payment_hint=payment_hint)
    state = instalment_state(terms.instalments, paid, on, terms.financing)
    total = sum((payment.amount for payment in paid), Decimal("0.00"))
    return PlanView(terms, Offset(5, "d"), state=state, paid=total, payment_hint=payment_hint)


def running_plan(payment_hint: str = "") -> PlanView:
    """The down payment is paid, the first instalment comes next."""
    return plan(paid=[Payment(date(2026, 11, 27), Decimal("310.30"))], on=date(2026, 12, 1), payment_hint=payment_hint)


def kept_plan() -> PlanView:
    parts = plan().terms.instalments
    return plan(paid=[Payment(part.due, part.amount) for part in parts], on=parts[-1].due)


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
        plan=plan(consumer=debtor.consumer),
        until=date(2026, 11, 30),
    )


def data_for(text_id: str, channel: Channel, debtor: DebtorView = CONSUMER) -> MessageData:
    """The data with which a text really goes out: thanks after a payment, a reminder before the due date."""
    invoices = {
        "lembrete": [invoice(on=date(2026, 10, 7))],
        "agradecimento": [paid_invoice()],
        "agradecimento-parcial": [partly_paid_invoice()],
    }
    data = message_data(channel, invoices.get(text_id), debtor)
    if text_id in INSTALMENT or text_id == "acordo-quebrado":
        return replace(data, plan=running_plan())
    return replace(data, plan=kept_plan()) if text_id == "acordo-concluido" else data

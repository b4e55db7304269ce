"""Any text as it would go out: with invented data, or with that of a case. Nothing is written and nothing is sent."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, cast
from uuid import UUID

from sqlalchemy import select

from activities.desk import Desk, at_desk
from activities.documents import write_whole
from activities.notice import address_lines, announced, stated_days
from activities.views import Claim, message_data, read_creditor, read_invoices
from db.rows import DEBTOR
from domain.debt import Charges, Payment, updated_debt
from domain.errors import BadInput, Refused
from domain.money import CENT
from domain.plans import instalment_state, propose
from domain.policy import USUAL_OFFERS, PlanRules
from letters.documents import notice_pdf
from letters.gsm import segments
from letters.messages import SCRIPTS, call_script, how_to, render
from letters.models import Channel, Creditor, DebtorView, FirmStep, InvoiceView, MessageData, NoticeData, PlanView
from letters.plans import offer_words
from starter.installation import installation, world_of
from starter.lookup import find_case

_NOTICE_ID = "00000000-0000-4000-8000-000000000000"
NOTICE = "notificacao-previa"
_ON = date(2026, 11, 23)
_CREDITOR = Creditor(
    "Distribuidora Exemplo Ltda", "11222333000181", "Rua das Amostras, 100", "São Paulo", "SP", "01310100",
    "contato@exemplo.example.com", "(11) 2000-0000", "www.exemplo.example.com",
)  # fmt: skip
_DEBTOR = DebtorView("Loja Inventada Ltda", "12ABC34501DE35", consumer=False)
_PAY = "boleto na área do cliente em www.exemplo.example.com"


def preview(text_id: str, channel: str, case: str, creditor: str, out: Path | None) -> dict[str, Any]:
    """The text: `subject`, `text`, `html`, and of an SMS its `segments`; of a letter the `path` of its PDF.

    Raises `BadInput` for an unknown text or channel.
    """
    if channel not in ("email", "sms", "letter"):
        raise BadInput(f"--channel {channel!r}: use email, sms, or letter for {NOTICE}")
    if channel == "letter" and text_id != NOTICE:
        raise BadInput(f"text {text_id!r} is no letter; the letter is {NOTICE}")
    medium = cast(Literal["email", "sms", "letter"], channel)
    data, notice = _of_case(medium, case, creditor) if case else _invented(text_id, medium)
    found = {"text_id": text_id, "channel": channel, "subject": "", "text": "", "html": None, "segments": 0, "path": ""}
    if notice:
        path = out or Path(f"{NOTICE}.pdf")
        write_whole(path, notice_pdf(notice))
        return found | {"path": str(path)}
    if text_id in SCRIPTS:
        return found | {"channel": "call", "text": call_script(text_id, data)}
    message = render(text_id, cast(Channel, channel), data)
    size = segments(message.text) if channel == "sms" else 0
    return found | {"subject": message.subject, "text": message.text, "html": message.html, "segments": size}


Medium = Literal["email", "sms", "letter"]


def _invented(text_id: str, medium: Medium) -> tuple[MessageData, NoticeData | None]:
    late = 0 if text_id == "lembrete" else 20
    paid = {"agradecimento": "1026.67", "agradecimento-parcial": "400.00"}.get(text_id)
    payments = [Payment(_ON, Decimal(paid))] if paid else []
    due, charges = _ON - timedelta(days=late), Charges(Decimal(2), Decimal(1), "contrato 7")
    debt = updated_debt(Decimal(1000), due, _ON, charges, payments=payments, consumer=False)
    invoice = InvoiceView("1234", "", "DMI", due - timedelta(days=30), due, Decimal(1000), debt, "pedido 77")
    how = how_to(medium, _CREDITOR, _PAY)
    data = _filled(MessageData(_CREDITOR, _DEBTOR, (invoice,), how, _ON, "7K2Q", next_step="notificação formal"))
    where = ("Rua Fictícia, 10\nCentro\n01305-000 São Paulo/SP",)
    return data, _notice(data, 10, "protest", where) if medium == "letter" else None


def _of_case(medium: Medium, case: str, creditor: str) -> tuple[MessageData, NoticeData | None]:
    with installation() as house:
        with house.engine.connect() as conn:
            case_id: UUID = find_case(conn, case, creditor).id
        with world_of(house) as world, at_desk(world, str(case_id), None) as desk:
            conn = desk.conn
            owed_to = read_creditor(conn, desk.row.creditor_id)
            debtor = conn.execute(select(DEBTOR).where(DEBTOR.c.id == desk.row.debtor_id)).one()
            claim = Claim(desk.case, read_invoices(conn, [desk.row.invoice_id])[desk.row.invoice_id])
            channel: Channel = "sms" if medium == "sms" else "email"
            on = desk.case.today(desk.now)
            data = _filled(message_data(owed_to, debtor, [claim], desk.policy, on, "7K2Q", channel))
            if medium != "letter":
                return data, None
            letter = replace(data, how=how_to("letter", data.creditor, owed_to[1].how_to_pay))
            return data, _notice(letter, *_announced(desk), ("\n".join(address_lines(debtor)),))


def _filled(data: MessageData) -> MessageData:
    """What only some texts show, as an example: a promise, a proposal, an agreement, a day."""
    total = sum((invoice.debt.total for invoice in data.invoices), Decimal(0))
    week = data.on + timedelta(days=7)
    data = replace(data, promise=(data.on + timedelta(days=5), total), until=week)
    principal = sum((invoice.debt.principal for invoice in data.invoices), Decimal(0))
    try:
        terms = propose(USUAL_OFFERS[0], PlanRules(minimum=CENT), total, principal, 0, data.debtor.consumer, data.on)
    except Refused:  # nothing is owed any more, or too little to part
        return data
    first = terms.instalments[0]
    state = instalment_state(terms.instalments, [Payment(first.due, first.amount)], first.due)
    agreed = PlanView(terms, PlanRules().tolerance, state=state, paid=first.amount)
    return replace(data, plan=agreed, offer=offer_words(terms))


def _announced(desk: Desk) -> tuple[int, FirmStep]:
    step = next((step for step in desk.policy.steps if step.do == "notice"), None)
    if step is None:
        raise BadInput(f"the ladder {desk.policy.name} has no notice; preview a letter of another case")
    days = stated_days(desk, step)
    firm = announced(desk, step, days)
    if firm is None:
        raise BadInput("nothing firm follows the notice in this case, so there is no letter to announce it")
    return days, firm


def _notice(data: MessageData, days: int, firm: FirmStep, where: tuple[str, ...]) -> NoticeData:
    return NoticeData(
        data.creditor, data.debtor, data.invoices, data.how, data.on, _NOTICE_ID, days, firm, addresses=where
    )

"""Any text as it would go out: with invented data, or with that of a case. Nothing is written and nothing is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, cast, get_args
from uuid import UUID

from sqlalchemy import select

from activities.desk import Desk, at_desk
from activities.notice import stated_days
from activities.notice_ways import address_lines
from activities.views import Claim, message_data, read_creditor, read_invoices
from db.rows import DEBTOR
from domain.debt import Charges, Payment, updated_debt
from domain.errors import BadInput, Refused
from domain.ivr import Line
from domain.money import CENT
from domain.notice import announced
from domain.plans import instalment_state, propose
from domain.policy import USUAL_OFFERS, PlanRules
from gateways.documents import write_whole
from letters.check_calls import check_call, check_script
from letters.check_letter import check_letter
from letters.checks import check, check_sender
from letters.documents import notice_pdf, notice_text, preview_pdf
from letters.gsm import segments
from letters.messages import SCRIPTS, as_html, call_script, how_to, render
from letters.models import (
    Channel,
    Creditor,
    DebtorView,
    FirmStep,
    InvoiceView,
    Message,
    MessageData,
    NoticeData,
    PlanView,
)
from letters.neutral import NEUTRAL, render_neutral, shows_a_debt
from letters.plans import offer_words
from letters.voice import SCRIPT as VOICE
from letters.voice import Names, matter, words
from letters.whatsapp import fill, frame
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


def preview(text_id: str, channel: str, case: str, creditor: str, shape: str, out: Path | None) -> dict[str, Any]:
    """The text as `shape` (text, html, pdf; "" = as the channel carries it), and what the checker finds wrong with it.

    `subject`, `text`, `html`, `segments` of an SMS, the `template` of a WhatsApp message; `path` where a file was
    written. Raises `BadInput` for an unknown text, channel or shape.
    """
    medium = _medium(text_id, channel)
    shape = shape or ("pdf" if medium == "letter" else "text")
    if shape not in SHAPES:
        raise BadInput(f"--as {shape!r}: use {', '.join(SHAPES)}")
    if text_id in NEUTRAL and case:
        raise BadInput(f"text {text_id} is about no case; leave --case out")
    given = _of_case(medium, case, creditor) if case else _invented(text_id, medium)
    shown = _SHOWN[medium](text_id, medium, given)
    path = _write(shown, given, text_id, medium, shape, out)
    return {
        "text_id": text_id, "channel": medium, "shape": shape, "subject": shown.subject, "text": shown.text,
        "html": shown.html or (as_html(shown.title, shown.text) if shape == "html" else None),
        "segments": shown.segments, "template": shown.template, "path": path, "faults": shown.faults,
    }  # fmt: skip


Medium = Literal["email", "sms", "whatsapp", "voice", "call", "letter"]
SHAPES = ("text", "html", "pdf")
_MEDIA: tuple[Medium, ...] = get_args(Medium)
_WAYS_OUT: Mapping[Medium, Channel | Literal["letter"]] = {
    "email": "email", "sms": "sms", "whatsapp": "whatsapp", "voice": "sms", "call": "email", "letter": "letter",
}  # fmt: skip
"""In which words each medium says how to pay, dispute and stop."""
_LONGEST_PROMISE = 15
"""Days that an invented creditor takes a promise for."""


@dataclass(frozen=True)
class Given:
    """What a text is filled with; `notice` where it is a letter, `header` the faults of the e-mail's sender."""

    data: MessageData
    notice: NoticeData | None = None
    header: tuple[str, ...] = ()


@dataclass(frozen=True)
class Shown:
    """A text as it reads, and what the checker finds wrong with it."""

    title: str
    text: str
    faults: list[str]
    subject: str = ""
    html: str | None = None
    segments: int = 0
    template: dict[str, str] | None = None


def _medium(text_id: str, channel: str) -> Medium:
    if channel not in _MEDIA:
        raise BadInput(f"--channel {channel!r}: use {', '.join(_MEDIA)}; letter is for {NOTICE}")
    if text_id in SCRIPTS:
        return "call"
    if text_id == VOICE:
        return "voice"
    if channel == "call":
        raise BadInput(f"text {text_id!r} is not read by a person who calls; the scripts are {', '.join(SCRIPTS)}")
    if channel == "letter" and text_id != NOTICE:
        raise BadInput(f"text {text_id!r} is no letter; the letter is {NOTICE}")
    return cast(Medium, channel)


def _message(text_id: str, medium: Medium, given: Given) -> Shown:
    data, channel = given.data, cast(Channel, medium)
    if text_id in NEUTRAL:
        return _neutral(text_id, channel, data)
    message = render(text_id, channel, data)
    faults = [*given.header, *check(text_id, channel, message, data)]
    size = segments(message.text) if channel == "sms" else 0
    return Shown(f"{text_id} ({medium})", message.text, faults, message.subject, message.html, size)


def _neutral(text_id: str, channel: Channel, data: MessageData) -> Shown:
    name = data.creditor.name
    message = render_neutral(text_id, channel, name, data.short_ref)
    faults = [f"{text_id} ({channel}): it hints at a debt"] if shows_a_debt(message, name) else []
    size = segments(message.text) if channel == "sms" else 0
    return Shown(f"{text_id} ({channel})", message.text, faults, message.subject, None, size)


def _whatsapp(text_id: str, medium: Medium, given: Given) -> Shown:
    """The message outside the 24 hours: an approved template, filled. Its frame is shown beside it."""
    if text_id in NEUTRAL:
        return _neutral(text_id, "whatsapp", given.data)
    filled = fill(text_id, given.data)
    faults = check(text_id, "whatsapp", Message("", filled.text, None), given.data)
    template = {"body": frame(text_id), **filled.variables}
    return Shown(f"{text_id} ({medium})", filled.text, faults, template=template)


def _voice(_text_id: str, medium: Medium, given: Given) -> Shown:
    """All that the machine may say in a call, line by line; which follows which is `domain.ivr`."""
    data, said = given.data, matter(given.data)
    names = Names(data.creditor.name, data.debtor.name, data.debtor.consumer, _LONGEST_PROMISE)
    spoken = "\n\n".join(f"[{line}] {words(line, names, said)}" for line in Line)
    return Shown(f"{VOICE} ({medium})", spoken, check_call(data, names, said))


def _script(text_id: str, medium: Medium, given: Given) -> Shown:
    text = call_script(text_id, given.data)
    return Shown(f"{text_id} ({medium})", text, check_script(text_id, given.data, text))


def _letter(text_id: str, medium: Medium, given: Given) -> Shown:
    assert given.notice is not None, "a letter is made of a notice"  # noqa: S101 - for the type checker
    return Shown(f"{text_id} ({medium})", notice_text(given.notice), check_letter(given.notice))


_SHOWN: Mapping[Medium, Callable[[str, Medium, Given], Shown]] = {
    "email": _message, "sms": _message, "whatsapp": _whatsapp, "voice": _voice, "call": _script, "letter": _letter,
}  # fmt: skip


def _write(shown: Shown, given: Given, text_id: str, medium: Medium, shape: str, out: Path | None) -> str:
    """The file that was written, "" where nothing was: only a PDF always needs one."""
    if shape == "pdf":
        content = notice_pdf(given.notice) if given.notice else preview_pdf(
            given.data, shown.title, shown.subject, shown.text
        )  # fmt: skip
    elif out is None:
        return ""
    else:
        page = shown.html or as_html(shown.title, shown.text)
        content = (page if shape == "html" else shown.text).encode()
    path = out or Path(f"{text_id}.pdf" if medium in ("letter", "voice", "call") else f"{text_id}-{medium}.pdf")
    write_whole(path, content)
    return str(path)


def _invented(text_id: str, medium: Medium) -> Given:
    late = 0 if text_id == "lembrete" else 20
    paid = {"agradecimento": "1026.67", "agradecimento-parcial": "400.00"}.get(text_id)
    payments = [Payment(_ON, Decimal(paid))] if paid else []
    due, charges = _ON - timedelta(days=late), Charges(Decimal(2), Decimal(1), "contrato 7")
    debt = updated_debt(Decimal(1000), due, _ON, charges, payments=payments, consumer=False)
    invoice = InvoiceView("1234", "", "DMI", due - timedelta(days=30), due, Decimal(1000), debt, "pedido 77")
    how = how_to(_WAYS_OUT[medium], _CREDITOR, _PAY)
    data = _filled(MessageData(_CREDITOR, _DEBTOR, (invoice,), how, _ON, "7K2Q", next_step="notificação formal"))
    where = ("Rua Fictícia, 10\nCentro\n01305-000 São Paulo/SP",)
    return Given(data, _notice(data, 10, "protest", where) if medium == "letter" else None)


def _of_case(medium: Medium, case: str, creditor: str) -> Given:
    with installation() as house:
        with house.engine.connect() as conn:
            case_id: UUID = find_case(conn, case, creditor).id
        with world_of(house) as world, at_desk(world, str(case_id), None) as desk:
            conn = desk.conn
            owed_to = read_creditor(conn, desk.row.creditor_id)
            debtor = conn.execute(select(DEBTOR).where(DEBTOR.c.id == desk.row.debtor_id)).one()
            claim = Claim(desk.case, read_invoices(conn, [desk.row.invoice_id])[desk.row.invoice_id])
            on = desk.case.today(desk.now)
            data = _filled(message_data(owed_to, debtor, [claim], desk.policy, on, "7K2Q", "email"))
            data = replace(data, how=how_to(_WAYS_OUT[medium], data.creditor, owed_to[1].how_to_pay))
            if medium == "letter":
                return Given(data, _notice(data, *_announced(desk), ("\n".join(address_lines(debtor)),)))
            senders = owed_to[1].senders
            header = check_sender(senders.email_name, senders.email, data.creditor.name) if medium == "email" else []
            return Given(data, header=tuple(header))


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
    firm = announced(desk.case, desk.policy, step, desk.case.today(desk.now))
    if firm is None:
        raise BadInput("nothing firm follows the notice in this case, so there is no letter to announce it")
    return days, firm


def _notice(data: MessageData, days: int, firm: FirmStep, where: tuple[str, ...]) -> NoticeData:
    return NoticeData(
        data.creditor, data.debtor, data.invoices, data.how, data.on, _NOTICE_ID, days, firm, addresses=where
    )

"""Messages to debtors: e-mail and SMS in Brazilian Portuguese. `letters.checks` says what they must hold.

Pure rendering: no database, no clock.

The wording of each text is `templates/<text id>.j2`, a block per channel; the layouts beside it carry what every text
shows: who writes, each invoice with its amounts, the ways out, how to check that the message is genuine.
"""

from __future__ import annotations

from typing import Any, Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from domain.errors import BadInput, Refused
from domain.money import format_brl
from letters import plans, pt, views
from letters.gsm import fold, is_gsm7, segments
from letters.models import Channel, Creditor, HowTo, Message, MessageData
from letters.templates import DIRECTORY

TEXTS = (
    "lembrete",
    "atraso-cordial",
    "atraso-firme",
    "proposta",
    "ultimo-aviso",
    "promessa-confirmada",
    "agradecimento",
    "agradecimento-parcial",
    "pagamento-estornado",
    "notificacao-previa",
    "comunicacao-baixa",
    "acordo-proposto",
    "acordo-confirmado",
    "parcela-lembrete",
    "parcela-atrasada",
    "acordo-quebrado",
    "acordo-concluido",
    "pagamento-em-verificacao",
    "contestacao-recebida",
    "contestacao-pergunta",
    "prorrogacao-confirmada",
    "resposta-segunda-via",
    "resposta-pessoa",
    "resposta-qual-dia",
    "resposta-combinar",
)
SCRIPTS = ("roteiro-cordial",)
CHANNELS: tuple[Channel, ...] = ("email", "sms")

IN_FULL = frozenset({"acordo-proposto", "acordo-confirmado"})
"""Texts that show an agreement in full: every instalment with its day, what it costs, its terms."""
INSTALMENT = frozenset({"parcela-lembrete", "parcela-atrasada"})
"""Texts about the instalment that is due next."""
PLAN = IN_FULL | INSTALMENT | {"acordo-quebrado", "acordo-concluido"}
"""Texts about an agreement; while it stands, the payment code they show is that of its next instalment."""
RUNNING = INSTALMENT | {"acordo-confirmado"}
"""Texts of an agreement in good standing: what an invoice amounts to is then only what it would be without it."""
SETTLED = frozenset({"agradecimento", "comunicacao-baixa", "acordo-concluido"})
"""Texts after which nothing is asked for: they show no payment code and say so."""
NOTHING_TO_PAY = "Não é preciso pagar nada."
CONSUMER_PROTECTION = (
    "Se o conjunto das suas contas passou do que é possível pagar, diga isso na resposta: a Lei 14.181/2021 protege o "
    "consumidor superendividado, e o caso será tratado à parte."
)
PROTECTED = frozenset(
    {
        "atraso-firme",
        "proposta",
        "ultimo-aviso",
        "notificacao-previa",
        "acordo-proposto",
        "parcela-atrasada",
        "acordo-quebrado",
        "resposta-combinar",
    }
)
"""Texts that tell a consumer of the protection against over-indebtedness."""
SMS_TARGET = 3
"""Segments that a message on one invoice should not pass."""
SMS_TARGET_IN_FULL = 5
"""The same where an agreement is shown in full, with every instalment and what the law wants told."""
SMS_LIMIT = 1600
"""Characters that the provider takes in one message (Twilio Messages, parameter Body)."""

PAY_SLOT = "@PAY@"
"""Stands for the payment code while an SMS is folded and its spaces are tidied: a code is put in as it is."""

_OPTIONS: dict[str, Any] = {"loader": FileSystemLoader(DIRECTORY), "undefined": StrictUndefined, "auto_reload": False}
_PLAIN = Environment(autoescape=False, **_OPTIONS)  # noqa: S701 - plain text; the HTML layout has its own, escaping one
_HTML = Environment(autoescape=True, **_OPTIONS)
for _environment in (_PLAIN, _HTML):
    _environment.globals.update(brl=format_brl, day=pt.day, document=pt.document)
    _environment.globals.update(NOTHING_TO_PAY=NOTHING_TO_PAY, PAY_SLOT=PAY_SLOT)
    _environment.filters.update(sentence=pt.sentence, clause=pt.clause)


def render(text_id: str, channel: Channel, data: MessageData) -> Message:
    """The text `text_id` for one channel: subject, plain text and HTML of an e-mail, or an SMS folded to GSM-7.

    An SMS carries its payment code where it fits the segments of `sms_target`, otherwise `how.pay`. Raises `BadInput`
    for an unknown text or data that it needs and was not given; `Refused` (`sms-too-long`) where so many invoices do
    not fit in one SMS: use another channel.
    """
    _require(text_id, channel, data)
    return _email(text_id, data) if channel == "email" else _sms(text_id, data)


def as_html(title: str, text: str) -> str:
    """A text that is not sent as HTML, as a page for who looks at it before it goes out."""
    return _HTML.get_template("layout.preview.html.j2").render(title=title, text=text)


def how_to(medium: Channel | Literal["letter"], creditor: Creditor, pay: str) -> HowTo:
    """The ways out in the product's own words, for a message or a letter; `pay` says how to pay on that medium."""
    reach = " ou ".join(part for part in (creditor.site, creditor.phone) if part) or creditor.email
    contact = " ou ".join(part for part in (creditor.email, creditor.phone) if part) or creditor.site
    held = "Enquanto a contestação é analisada, a cobrança fica parada."
    verify = (
        f"{pt.sentence(creditor.how_to_verify)} Por conta própria, em {reach}; não usamos links encurtados.".strip()
    )
    if medium in ("sms", "whatsapp"):
        return HowTo(pay=pay, dispute="responda com o motivo", stop="responda SAIR", verify=reach)
    if medium == "email":
        dispute = f"responda esta mensagem com o motivo, ou fale com {contact}. {held}"
        return HowTo(pay, dispute, "responda SAIR, e não enviaremos mais mensagens por este canal.", verify)
    dispute = f"diga o motivo e o número deste documento a {contact}. {held}"
    return HowTo(pay, dispute, f"escreva SAIR a {contact}, e não enviaremos mais mensagens.", verify)


def call_script(text_id: str, data: MessageData) -> str:
    """What a person who calls reads: plain text for a task, with the same amounts and ways out as the messages.

    Raises `BadInput` for an unknown script or without invoices.
    """
    if text_id not in SCRIPTS:
        raise BadInput(f"script: {text_id!r} is not known; use one of {', '.join(SCRIPTS)}")
    _require_invoices(text_id, data)
    return _PLAIN.get_template(f"{text_id}.j2").render(context(text_id, data)).strip() + "\n"


def subject(data: MessageData) -> str:
    """What the debtor, and anyone beside him, sees first: who writes and a neutral reference."""
    return " ".join(f"Mensagem de {data.creditor.name} ref. {data.short_ref}".split())


def payment_code(text_id: str, data: MessageData) -> str:
    """The one payment code that a text shows: of the agreement's next instalment, or of the invoice alone; or none."""
    if text_id in SETTLED:
        return ""
    if text_id in PLAN and text_id != "acordo-quebrado":
        return data.plan.payment_hint if data.plan else ""
    return data.invoices[0].payment_hint if len(data.invoices) == 1 else ""


def _require(text_id: str, channel: str, data: MessageData) -> None:
    if channel not in CHANNELS:
        raise BadInput(f"channel: {channel!r} has no texts; use one of {', '.join(CHANNELS)}")
    require(text_id, data)


def require(text_id: str, data: MessageData) -> None:
    """Raises `BadInput` for an unknown text, or data that it needs and was not given."""
    if text_id not in TEXTS:
        raise BadInput(f"text: {text_id!r} is not known; use one of {', '.join(TEXTS)}")
    _require_invoices(text_id, data)
    if text_id == "promessa-confirmada" and data.promise is None:
        raise BadInput(f"text {text_id}: `promise` was not given; this text confirms its day and amount")
    if text_id == "contestacao-pergunta" and data.until is None:
        raise BadInput(f"text {text_id}: `until` was not given; this text names the day by which to explain")
    if text_id in PLAN:
        _require_plan(text_id, data)


def _require_plan(text_id: str, data: MessageData) -> None:
    if data.plan is None:
        raise BadInput(f"text {text_id}: `plan` was not given; this text is about an agreement")
    if text_id in INSTALMENT and (data.plan.state is None or data.plan.state.next is None):
        raise BadInput(f"text {text_id}: the plan has no next instalment; give its state, or send no reminder")


def _require_invoices(text_id: str, data: MessageData) -> None:
    if not data.invoices:
        raise BadInput(f"text {text_id}: no invoice was given; at least one is needed")


def _email(text_id: str, data: MessageData) -> Message:
    wording = _wording(text_id, "email", data)
    shown = context(text_id, data) | {
        "subject": subject(data),
        "greeting": f"Olá, {data.debtor.name}." if data.debtor.consumer else f"Olá, equipe de {data.debtor.name}.",
        "sender": _sender(data.creditor),
        "paragraphs": [" ".join(block.split()) for block in wording.split("\n\n") if block.strip()],
        "ways": _ways(text_id, data.how),
        "protection": CONSUMER_PROTECTION if data.debtor.consumer and text_id in PROTECTED else "",
    }
    text = _PLAIN.get_template("layout.email.txt.j2").render(shown)
    html = _HTML.get_template("layout.email.html.j2").render(shown)
    return Message(subject=subject(data), text=text.strip() + "\n", html=html)


def _sms(text_id: str, data: MessageData) -> Message:
    code = payment_code(text_id, data)
    words = pt.sentence(data.how.pay)
    text = _sms_text(text_id, data, code or words)
    if code and segments(text) > sms_target(text_id):
        text = _sms_text(text_id, data, words)
    if len(text) > SMS_LIMIT:
        raise Refused(
            "sms-too-long",
            f"text {text_id}: {len(data.invoices)} invoices make an SMS of {len(text)} characters; "
            f"at most {SMS_LIMIT} fit, use another channel",
        )
    return Message(subject="", text=text, html=None)


def sms_target(text_id: str) -> int:
    """The segments that a text on one invoice should not pass."""
    return SMS_TARGET_IN_FULL if text_id in IN_FULL else SMS_TARGET


def _sms_text(text_id: str, data: MessageData, pay: str) -> str:
    shown = context(text_id, data) | {
        "wording": _wording(text_id, "sms", data),
        "short_address": f"{data.creditor.address_line}, {data.creditor.city}/{data.creditor.uf}",
    }
    text = " ".join(fold(_PLAIN.get_template("layout.sms.j2").render(shown)).split())
    return text.replace(PAY_SLOT, pay if is_gsm7(pay) else fold(pay))


def _wording(text_id: str, channel: Channel, data: MessageData) -> str:
    template = plain_text(f"{text_id}.j2")
    return "".join(template.blocks[channel](template.new_context(context(text_id, data)))).strip()


def plain_text(file: str) -> Template:
    """A template of plain text, by its file."""
    return _PLAIN.get_template(file)


def context(text_id: str, data: MessageData) -> dict[str, Any]:
    """What the wording and the layouts of a text are shown."""
    plan = plans.words(data.plan, data.debtor.consumer) if data.plan and text_id in PLAN else None
    return {
        "creditor": data.creditor,
        "debtor": data.debtor,
        "address": views.address(data.creditor),
        "reach": views.reach(data.creditor),
        "invoices": [views.row(invoice) for invoice in data.invoices],
        "one": len(data.invoices) == 1,
        "total": views.total(data.invoices),
        "paid": views.paid(data.invoices),
        "imputation": views.imputation(data.invoices),
        "settled": text_id in SETTLED,
        "how": data.how,
        "on": data.on,
        "short_ref": data.short_ref,
        "offer": data.offer,
        "promise": data.promise,
        "event": data.event,
        "next_step": data.next_step,
        "until": data.until,
        "disputed": data.disputed,
        "plan": plan,
        "plan_rows": _plan_rows(text_id, plan) if plan else (),
        "plan_terms": plan.terms if plan and text_id in IN_FULL else (),
        "plan_code": payment_code(text_id, data) if plan and text_id != "acordo-quebrado" else "",
        "total_label": "Saldo sem o acordo" if text_id in RUNNING else "Total",
        "own_codes": text_id not in SETTLED and (plan is None or text_id == "acordo-quebrado"),
    }


def _plan_rows(text_id: str, plan: plans.PlanWords) -> plans.Rows:
    if text_id in IN_FULL:
        return plan.instalments + plan.costs
    return plan.progress if text_id in INSTALMENT else (("Pago no acordo", plan.paid),)


def _sender(creditor: Creditor) -> str:
    who = f"{creditor.name}, {pt.document(creditor.document)}, {views.address(creditor)}"
    return f"Aqui é {who}. Nossos canais: {views.reach(creditor)}."


def _ways(text_id: str, how: HowTo) -> tuple[tuple[str, str], ...]:
    pay = NOTHING_TO_PAY if text_id in SETTLED else how.pay
    return (
        ("Como pagar:", pay),
        ("Se não concorda:", how.dispute),
        ("Para não receber mais mensagens:", how.stop),
        ("Como conferir que esta mensagem é verdadeira:", how.verify),
    )

"""Messages by WhatsApp: a frame of fixed words that the platform approves once for each text, filled by variables.

Whoever has not written to us within a day may only be sent an approved template
(https://www.twilio.com/docs/whatsapp/tutorial/send-whatsapp-notification-messages-templates). The frame of a text is
the same whatever it is filled with: its wording stands in it where that never varies, else in a variable together with
the invoices. The wording is the block `whatsapp` of the text, or its block `sms`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import nodes

from domain.errors import BadInput, Refused
from domain.money import format_brl
from letters import pt, views
from letters.messages import SETTLED, TEXTS, context, how_to, payment_code, plain_text, require
from letters.models import Creditor, MessageData
from letters.templates import DIRECTORY

LAYOUT = "layout.whatsapp.j2"
LONGEST = 1024
"""Characters of a message with its variables filled in (https://www.twilio.com/docs/api/errors/63021)."""
_PLACEHOLDER = re.compile(r"\{\{(\d+)\}\}")
_SAMPLES = {
    "who": "Credora Exemplo Ltda, CNPJ 11.222.333/0001-81, Rua das Amostras, 100, São Paulo/SP",
    "what": "Fatura 1234, venc. 10/10/2026: R$ 1.000,00 + multa 20,00 + juros 14,33 = 1.034,33.",
    "pay": "Pix para a chave contato@exemplo.example.com",
    "verify": "www.exemplo.example.com ou (11) 2000-0000",
    "ref": "7K2Q9A",
}
"""What stands for each placeholder where a template is handed in."""
_NOBODY = Creditor("", "", "", "", "", "", "", "", "")


@dataclass(frozen=True)
class Filled:
    """The variables of a template, named "1", "2", ..., and the message as it will read."""

    variables: dict[str, str]
    text: str


def frame(text_id: str) -> str:
    """The text that is handed in for approval, with its placeholders {{1}}, {{2}}, ... Raises `BadInput`."""
    _known(text_id)
    return _frame(text_id)[0]


def slots(text_id: str) -> dict[str, str]:
    """An example for each placeholder of a frame, by which the platform judges it. Raises `BadInput`."""
    _known(text_id)
    return {str(number): _SAMPLES[name] for number, name in enumerate(_frame(text_id)[1], 1)}


def fill(text_id: str, data: MessageData) -> Filled:
    """The message of a text for these invoices. It shows the payment code where it fits, otherwise `how.pay`.

    Raises `BadInput` for an unknown text or data that it needs and was not given; `Refused` (`whatsapp-too-long`)
    where so many invoices do not fit in one message: use another channel.
    """
    require(text_id, data)
    code = payment_code(text_id, data)
    for pay in (code, pt.sentence(data.how.pay)):
        if pay and len((filled := _filled(text_id, data, pay)).text) <= LONGEST:
            return filled
    raise Refused(
        "whatsapp-too-long",
        f"text {text_id}: {len(data.invoices)} invoices make a message of more than {LONGEST} characters; "
        "use another channel",
    )


def _filled(text_id: str, data: MessageData, pay: str) -> Filled:
    creditor, (body, slots) = data.creditor, _frame(text_id)
    values = {
        "who": f"{creditor.name}, {pt.document(creditor.document)}, "
        f"{creditor.address_line}, {creditor.city}/{creditor.uf}",
        "what": " ".join(part for part in (_varying(text_id, data), _debts(data)) if part),
        "verify": data.how.verify.rstrip("."),
        "ref": data.short_ref,
    }
    # A payment code is put in as it is: it may hold spaces that belong to it.
    values = {name: " ".join(value.split()) for name, value in values.items()} | {"pay": pay}
    variables = {str(number): values[name] for number, name in enumerate(slots, 1)}
    return Filled(variables, _PLACEHOLDER.sub(lambda found: variables[found[1]], body))


def _debts(data: MessageData) -> str:
    rows = "; ".join(views.row(invoice).short for invoice in data.invoices) + "."
    return rows if len(data.invoices) == 1 else f"{rows} Total {format_brl(views.total(data.invoices))}."


def _varying(text_id: str, data: MessageData) -> str:
    """The wording, where it depends on what the message is about."""
    if _fixed(text_id):
        return ""
    template = plain_text(f"{text_id}.j2")
    words = template.blocks[_block(text_id)](template.new_context(context(text_id, data)))
    return "".join(words).strip()


@cache
def _frame(text_id: str) -> tuple[str, tuple[str, ...]]:
    """The frame of a text, and what its placeholders stand for, in their order."""
    slots: list[str] = []

    def slot(name: str) -> str:
        slots.append(name)
        return "{{" + str(len(slots)) + "}}"

    given: dict[str, Any] = {
        "slot": slot, "fixed": _fixed(text_id), "settled": text_id in SETTLED, "how": how_to("whatsapp", _NOBODY, ""),
    }  # fmt: skip
    return plain_text(LAYOUT).render(given).strip(), tuple(slots)


@cache
def _fixed(text_id: str) -> str:
    """The wording of a text where it is the same in every message, else nothing."""
    source = (DIRECTORY / f"{text_id}.j2").read_text(encoding="utf-8")
    template = plain_text(f"{text_id}.j2")
    block = next(
        block for block in template.environment.parse(source).find_all(nodes.Block) if block.name == _block(text_id)
    )
    parts = [part for output in block.body for part in getattr(output, "nodes", [output])]
    constant = all(isinstance(part, nodes.TemplateData) for part in parts)
    return "".join(part.data for part in parts).strip() if constant else ""


def _block(text_id: str) -> str:
    return "whatsapp" if "whatsapp" in plain_text(f"{text_id}.j2").blocks else "sms"


def _known(text_id: str) -> None:
    if text_id not in TEXTS:
        raise BadInput(f"text: {text_id!r} is not known; use one of {', '.join(TEXTS)}")

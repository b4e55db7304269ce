"""Confirmations that go to whoever wrote, also to a stranger: who writes, what was done, and nothing of any debt.

They are no collection documents (CDC art. 42-A asks nothing of them), and LGPD art. 6 III wants them to say no more
than they must: a recycled number belongs to somebody whom no debt concerns.
"""

from __future__ import annotations

from collections.abc import Iterable

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from domain.errors import BadInput
from domain.policy import Hours
from letters.checks import DEBT, FIRM
from letters.gsm import fold
from letters.models import Channel, Message
from letters.templates import DIRECTORY

STOPPED, STRANGER, NOTHING_OPEN = "resposta-parada", "resposta-engano", "resposta-encerrada"
WISH = "resposta-preferencia"
NEUTRAL = (STOPPED, STRANGER, NOTHING_OPEN, WISH)
_BY = {
    "email": "por e-mail",
    "sms": "por SMS",
    "whatsapp": "por WhatsApp",
    "voice": "por telefone",
    "any": "por qualquer canal",
}
_WITHOUT = {"email": "sem e-mails", "sms": "sem SMS", "whatsapp": "sem WhatsApp", "voice": "sem ligações"}

_LOADER = FileSystemLoader(DIRECTORY)
_PLAIN = Environment(autoescape=False, loader=_LOADER, undefined=StrictUndefined, auto_reload=False)  # noqa: S701 - no HTML


def wish_words(channel: str, hours: Hours | None, any_hours: bool, refused: Iterable[str]) -> str:
    """What a debtor asked for, as it is confirmed to him: "contato por e-mail, das 14:00 às 18:00, sem ligações".

    `channel` is that of a contact point, `any`, or "" for none; `refused` are the channels that were closed.
    """
    at = f"das {hours[0]:%H:%M} às {hours[1]:%H:%M}" if hours else "em qualquer horário permitido" if any_hours else ""
    way = " ".join(part for part in (_BY.get(channel, ""), at) if part)
    closed = [words for key, words in _WITHOUT.items() if key in {*refused}]
    return ", ".join([f"contato {way}"] * bool(way) + closed)


def render_neutral(text_id: str, channel: Channel, name: str, short_ref: str, wish: str = "") -> Message:
    """A confirmation for one channel. `name` is who was written to, "" where that is not known; `wish` are the words
    of what is confirmed (`wish_words`), where the text has a place for them.

    Raises `BadInput` for an unknown text.
    """
    if text_id not in NEUTRAL:
        raise BadInput(f"text: {text_id!r} is not neutral; use one of {', '.join(NEUTRAL)}")
    template = _PLAIN.get_template(f"{text_id}.j2")
    words = "".join(
        template.blocks["sms" if channel == "sms" else "email"](template.new_context({"wish": wish}))
    ).strip()
    if channel == "whatsapp":
        return Message("", f"{f'{name}: ' if name else ''}{' '.join(words.split())}\nRef. {short_ref}", None)
    if channel == "sms":
        return Message("", fold(f"{f'{name}: ' if name else ''}{words} Ref. {short_ref}"), None)
    subject = " ".join(f"Mensagem de {name or 'confirmação'} ref. {short_ref}".split())
    return Message(subject, f"Olá.\n\n{words}\n\n{name}\nReferência: {short_ref}\n", None)


def shows_a_debt(message: Message, name: str) -> bool:
    """Does a confirmation hint at a debt? The name of who writes is nobody's wording."""
    text = fold(f"{message.subject} {message.text}").lower().replace(fold(name).lower(), "")
    return bool(DEBT.search(text) or FIRM.search(text))

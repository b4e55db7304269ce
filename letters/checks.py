"""What every message must hold and must not hold, found in the rendered text itself.

Must: who is owed with address and CPF/CNPJ (CDC art. 42-A), the origin, the original amount and each added item by name
(SP Lei 17.832/2023 art. 49 and the like), how to pay, dispute, stop, and check that it is genuine. Must not: a debt in
the subject or first words, pressure (CDC arts. 42 and 71), a firm step that this case does not plan, a shortened link.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from domain.money import format_brl
from letters import plans, pt, views
from letters.gsm import fold, is_gsm7
from letters.messages import IN_FULL, INSTALMENT, NOTHING_TO_PAY, PLAN, SETTLED, payment_code, subject
from letters.models import Channel, InvoiceView, Message, MessageData, NoticeData, PlanView

FIRST_WORDS: dict[Channel, int] = {"email": 120, "sms": 60, "whatsapp": 60}
"""Characters that a list of e-mails, or a locked telephone, shows of a message beside its subject."""

DEBT = re.compile(
    r"r\$|\b(?:debit|divid|vencid|vencim|venc\b|atras|cobran|pagament|pagar|pague|pago\b|fatura|boleto|duplicata|titulo|"
    r"multa|juros|pendenc|inadimpl|devedor|acordo|notifica|protest|cartorio|negativ|quita|saldo|credito)"
)
PRESSURE = (
    r"ultim[ao] (?:chance|oportunidade)",
    r"urgent|imediatamente|imediato|agora mesmo|ainda hoje|antes que seja tarde|nao ignore",
    r"(?:em|dentro de|proximas) \d+ ?(?:h|horas)\b",
    r"sob pena|consequencia|(?:medidas|providencias) cabiveis|evit\w+ (?:\w+ )?transtorno",
    r"nome sujo|sujar|caloteir|inadimplente|golpist|vergonh|constrang",
    r"policia|cadeia|prisao|preso|crime|penhora|bloqueio|intima",
    r"serasa|spc|negativa(?:r|do|da|cao)",
)
"""Phrases, without accents, that press, shame or threaten (CDC arts. 42 and 71)."""
COERCION = re.compile(rf"\b(?:{'|'.join(PRESSURE)})")
FIRM = re.compile(r"\b(?:protest|cartorio|tabelionato|judicia|justica|juridic|advogad|processo)")
SHORTENER = re.compile(
    r"\b(?:bit\.ly|tinyurl\.com|goo\.gl|t\.co|is\.gd|v\.gd|ow\.ly|buff\.ly|cutt\.ly|rebrand\.ly|shorturl\.at|tiny\.cc|"
    r"encurtador\.com\.br|encurta\.net|abre\.ai|l1nk\.dev|lnkd\.in|s\.id|rb\.gy|shre\.ink)\b"
)
_TAG = re.compile(r"<[^>]*>")
_HEAD = re.compile(r"<head>.*?</head>", re.DOTALL)
_BREAK = re.compile(r"[\s:]+")


def check(text_id: str, channel: Channel, message: Message, data: MessageData) -> list[str]:
    """What is wrong with a rendered message, as English sentences without personal data; nothing wrong, nothing said.

    An e-mail is held to it in its plain text and in its HTML, each alone.
    """
    faults = _subject_faults(message, data) if channel == "email" else []
    for part, text in _parts(channel, message):
        faults += [f"{text_id} ({part}): {fault}" for fault in _part_faults(text_id, channel, text, data)]
    if channel == "sms" and not is_gsm7(message.text):
        faults.append(f"{text_id} (sms): a character is not in GSM-7; fold the text")
    return faults


def _parts(channel: Channel, message: Message) -> Iterator[tuple[str, str]]:
    if channel != "email":
        yield channel, message.text
        return
    yield "plain text", message.text
    yield "HTML", html.unescape(_TAG.sub(" ", _HEAD.sub("", message.html or "")))


def _subject_faults(message: Message, data: MessageData) -> list[str]:
    if message.subject != subject(data):
        return ["subject: it is not the neutral one; use letters.messages.subject"]
    return ["subject: it shows a debt; give a neutral reference"] if shows_debt(message.subject, data) else []


def _part_faults(text_id: str, channel: Channel, text: str, data: MessageData) -> list[str]:
    plain = plain_of(text)
    wanted = required(text_id, channel, data, plain)
    faults = [f"{item} is missing" for item, pieces in wanted if not holds(plain, pieces)]
    if shows_debt(text, data, FIRST_WORDS[channel]):
        faults.append("the first words show a debt; greet and say who writes first")
    return [*faults, *phrases(text, data)]


def phrases(text: str, data: MessageData | NoticeData, announced: str = "") -> list[str]:
    """Words that no text to a debtor may hold. `announced`: what a notice says of its firm step, which it may name."""
    plain = plain_of(text)
    spoken = _without(plain, [*_names(data), *_invoice_words(data)])
    own = [data.next_step or "", data.event or ""] if isinstance(data, MessageData) else [announced]
    faults = []
    if COERCION.search(spoken):
        faults.append("a phrase presses or threatens; say what is open and how it can be resolved")
    if FIRM.search(_without(spoken, own)):
        faults.append("a firm step is named that this case does not announce; name only its next step")
    if SHORTENER.search(plain):
        faults.append("a shortened link is used; give the creditor's own site or phone")
    return faults


def check_sender(name: str, email: str, creditor: str) -> list[str]:
    """What is wrong with the header of an e-mail: who stands beside the subject in a list of messages."""
    own = plain_of(name).replace(plain_of(creditor), "")
    shown = {"sender's name": own, "sender's address": plain_of(email.partition("@")[0])}
    return [
        f"header: the {part} shows a debt; use a neutral one, like contato" for part, said in shown.items()
        if DEBT.search(said)
    ]  # fmt: skip


def check_envelope(window: Iterable[str], data: NoticeData) -> list[str]:
    """What is wrong with what an envelope shows: the sender's name, the debtor's name and address, and nothing else."""
    shown = _without(plain_of(" ".join(window)), [*_names(data), *" ".join(data.addresses).splitlines()])
    return ["envelope: it shows a debt; give name and address only"] if DEBT.search(shown) or FIRM.search(shown) else []


def required(text_id: str, channel: Channel, data: MessageData, plain: str) -> list[tuple[str, list[str]]]:
    """Each item that the text must hold: its name, and the pieces of text that show it, a repeated piece as often.

    `plain` is the text itself: an SMS may show the invoice's own payment code instead of `how.pay`.
    """
    creditor, how = data.creditor, data.how
    address = [creditor.address_line, f"{creditor.city}/{creditor.uf}"]
    if channel == "email":
        address.append(_labelled("CEP", pt.cep(creditor.cep)))
    items = [
        ("the creditor's name", [creditor.name]),
        ("the creditor's CPF or CNPJ", [pt.document(creditor.document)]),
        ("the creditor's address", address),
        ("the origin of a debt", [piece for invoice in data.invoices for piece in _origin(channel, invoice)]),
        ("an original amount", [_original(channel, invoice) for invoice in data.invoices]),
        ("an added item by name", [piece for invoice in data.invoices for piece in _items(channel, invoice)]),
        ("how to pay", [_pay(text_id, channel, data, plain)]),
        ("how to dispute", [how.dispute]),
        ("how to stop", [how.stop, "SAIR"]),
        ("the reference by which it is found again", [data.short_ref]),
        ("how to check that it is genuine", [how.verify, creditor.site or creditor.phone or creditor.email]),
    ]
    if text_id in PLAN and data.plan:
        items += _plan_items(text_id, channel, data.plan, data.debtor.consumer)
    if len(data.invoices) > 1:
        items.append(("the total", [format_brl(views.total(data.invoices))]))
    return items


def _origin(channel: Channel, invoice: InvoiceView) -> list[str]:
    row = views.row(invoice)
    origin = [_labelled("Origem", row.origin)] if channel == "email" else []
    return [_labelled("Fatura", invoice.number), row.due, *origin]


def _original(channel: Channel, invoice: InvoiceView) -> str:
    amount = format_brl(invoice.original)
    return f"Valor original {amount}" if channel == "email" else amount


def _items(channel: Channel, invoice: InvoiceView) -> list[str]:
    lines = views.added(invoice)
    if channel != "email":
        return [views.short_item(name, amount) for name, amount in views.short_items(lines).items()]
    return [f"{line.name_pt} {format_brl(line.amount)}" for line in lines]


def _pay(text_id: str, channel: Channel, data: MessageData, plain: str) -> str:
    if text_id in SETTLED:
        return NOTHING_TO_PAY
    if channel == "email":
        return _labelled("Como pagar", data.how.pay)
    code = _labelled("Pagar", payment_code(text_id, data))
    return code if code and plain_of(code) in plain else _labelled("Pagar", data.how.pay)


def _plan_items(text_id: str, channel: Channel, plan: PlanView, consumer: bool) -> list[tuple[str, list[str]]]:
    """What a text about an agreement must hold beside the debt: in full where it is offered or made (CDC art. 52)."""
    told, terms = plans.words(plan, consumer), plan.terms
    if text_id in INSTALMENT:
        return [("the instalment with its day and amount", [told.next_name, told.next_open, told.next_due])]
    if text_id not in IN_FULL:
        return [("what was paid of the agreement", [told.paid])]
    short = channel != "email"
    day, amount = (pt.short_day, pt.number) if short else (pt.day, format_brl)
    days = [day(part.due) for part in terms.instalments]
    amounts = [amount(part.amount) for part in terms.instalments]
    items = [
        ("an instalment with its day and amount", [*days, *(dict.fromkeys(amounts) if short else amounts)]),
        ("the total of the agreement", [told.total]),
        ("that it makes no new debt", ["sem novação"]),
        ("what a breach revives", ["saldo original volta" if short else plans.breach(plan.tolerance)]),
    ]
    if terms.interest:
        yearly = pt.percent(terms.yearly_percent)
        items.append(("what the interest comes to, also in a year", [amount(terms.interest), yearly]))
    if terms.interest and not short:
        items.append(("the total without financing", [f"Total sem parcelamento {format_brl(terms.without_financing)}"]))
    if text_id == "acordo-proposto":
        items.append(("until when and how to accept", [told.valid_until, plan.accept]))
    return items


def _labelled(label: str, value: str) -> str:
    """A labelled value, or nothing, which no text can hold, where the value is empty."""
    return f"{label} {value}" if value.strip() else ""


def holds(plain: str, wanted: Iterable[str]) -> bool:
    """Whether each wanted piece stands in the text as whole words, a piece wanted twice at least twice."""
    counts = Counter(plain_of(piece).rstrip(".") for piece in wanted)
    return all(
        piece and len(re.findall(rf"(?<!\w){re.escape(piece)}(?!\w)", plain)) >= count
        for piece, count in counts.items()
    )


def plain_of(text: str) -> str:
    """Without accents, capitals, colons and line breaks, so that layouts may differ."""
    return _BREAK.sub(" ", fold(text).lower()).strip()


def shows_debt(text: str, data: MessageData | NoticeData, first: int | None = None) -> bool:
    """Do these words, the `first` characters of them where that is said, tell of a debt? Names are nobody's wording."""
    return bool(DEBT.search(_without(plain_of(text), _names(data))[:first]))


def _names(data: MessageData | NoticeData) -> list[str]:
    """What people and streets are called is nobody's wording: a creditor may be named after what he sells."""
    creditor = data.creditor
    return [creditor.name, creditor.address_line, creditor.city, creditor.email, creditor.site, data.debtor.name]


def _invoice_words(data: MessageData | NoticeData) -> list[str]:
    """What stands on the invoice itself: goods, contract clauses, payment codes."""
    given = [(invoice.origin, invoice.number, invoice.kind, invoice.payment_hint) for invoice in data.invoices]
    code = data.plan.payment_hint if isinstance(data, MessageData) and data.plan else ""
    details = [line.detail_pt for invoice in data.invoices for line in invoice.debt.lines]
    return [code, *(words for invoice in given for words in invoice), *details]


def _without(plain: str, given: Iterable[str]) -> str:
    """The text with given pieces blotted out, its length kept."""
    for piece in sorted((plain_of(words).rstrip(".") for words in given), key=len, reverse=True):
        plain = plain.replace(piece, "-" * len(piece)) if piece else plain
    return plain

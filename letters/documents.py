"""Letters and documents as PDF: notice, receipt, agreement, memory of calculation, letter of consent, dossier cover.

Set with Typst, on A4, as PDF/A-2b. The layouts are `pdf/*.typ`; all data goes in as JSON strings, so nothing that a
name or an address holds is ever read as markup. The same data gives the same bytes: the only date inside is its day.
"""

from __future__ import annotations

import json
import threading
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, time
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any, cast

import typst

from domain.errors import BadInput
from domain.money import ZERO, format_brl
from letters import memory, plans, pt, qr, views
from letters.dossier import story
from letters.messages import CONSUMER_PROTECTION, NOTHING_TO_PAY
from letters.models import (
    AgreementData,
    ConsentData,
    DossierCover,
    FirmStep,
    InvoiceView,
    MemoryData,
    MessageData,
    NoticeData,
    ProtestRecord,
    ReceiptData,
)
from letters.pdf import DIRECTORY

Data = NoticeData | ReceiptData | AgreementData | MemoryData | ConsentData | DossierCover | MessageData

BR_CODE = "000201"
"""How every Pix code begins: field 00, the payload format indicator (BR Code manual of the Banco Central)."""

FIRM_TEXTS: Mapping[FirmStep, str] = {
    "protest": (
        "Se o prazo terminar sem pagamento, acordo ou contestação, o passo previsto é apresentar o título a protesto "
        "no tabelionato competente (Lei 9.492/1997). O tabelionato faz a sua própria intimação, e antes do registro "
        "ainda se pode pagar lá, com as custas."
    ),
    "legal": (
        "Se o prazo terminar sem pagamento, acordo ou contestação, o passo previsto é entregar o caso ao setor "
        "jurídico do credor, para a cobrança judicial do valor."
    ),
    "negotiate": (
        "Se o prazo terminar sem pagamento, acordo ou contestação, o passo previsto é propor, por meio do tabelionato "
        "de protesto, uma solução negocial (Lei 9.492/1997, art. 11-A). A proposta tem prazo para resposta; sem acordo "
        "nem retirada, ela se converte em protesto do título pelo valor original."
    ),
    "listing": (
        "Se o prazo terminar sem pagamento, acordo ou contestação, o passo previsto é pedir a anotação da dívida em "
        "cadastro de proteção ao crédito. O órgão do cadastro faz a sua própria comunicação antes de anotar (CDC, art. "
        "43, § 2º), e a anotação é retirada depois do pagamento."
    ),
    "agency": (
        "Se o prazo terminar sem pagamento, acordo ou contestação, o passo previsto é entregar a cobrança a uma "
        "empresa contratada pelo credor, que se identificará ao falar em nome dele."
    ),
}
"""What follows the deadline, in the words of the law and no more."""

NOT_ANNOUNCED: Mapping[FirmStep, tuple[str, ...]] = {
    "protest": ("judicia", "juridic", "justica"),
    "legal": ("protest",),
    "negotiate": ("judicia", "juridic", "justica"),
    "listing": ("judicia", "juridic", "justica", "protesto do titulo"),
    "agency": ("judicia", "juridic", "justica", "protest"),
}
"""Words that would announce another step than the case's own: threatening what is not planned is false (CDC 71)."""

_LATIN = range(0x20, 0x250)
_UNSEEN = {"Mn", "Me", "Cf"}
"""Unicode categories of marks and format signs, which leave nothing behind when their letter has no glyph."""
_PUNCTUATION = frozenset("‐‑–—‘’‚“”„†‡•…‰‹›€")
_COMPILING = threading.Lock()


def notice_pdf(data: NoticeData) -> bytes:
    """The prior notice: an A4 letter for a window envelope, with amounts, deadline, what follows, and the ways out.

    Raises `BadInput` without invoices, with a deadline under one business day, or where `firm_text` announces a step
    that is not the case's own.
    """
    _require(bool(data.invoices), "notice: no invoice was given; at least one is needed")
    _require(data.deadline_days >= 1, "notice: the deadline is under one business day; give one or more")
    firm = data.firm_text or FIRM_TEXTS[data.firm_step]
    _require(
        not any(word in _bare(firm) for word in NOT_ANNOUNCED[data.firm_step]),
        f"notice: firm_text announces another step than {data.firm_step!r}; say only what this case's ladder does",
    )
    return _pdf("notice", data, _notice(data, firm))


def notice_text(data: NoticeData) -> str:
    """The words of a prior notice, line by line, as the letter shows them: for who reads or checks it without a PDF."""
    values = _notice(data, data.firm_text or FIRM_TEXTS[data.firm_step])
    creditor = _frame(data)["creditor"]
    lines = [*values["window"], "", creditor["name"], creditor["document"], creditor["address"], creditor["reach"], ""]
    lines += [part for part in (values["opening"], values["bound"]) if part] + [""]
    for row in values["invoices"]:
        lines += [f"{row['title']}: {row['origin']}", f"Emissão {row['issued']}, vencimento {row['due']}"]
        lines += [f"Valor original {row['original']}"]
        lines += [f"{line['name']} {line['amount']} {line['detail']}".rstrip() for line in row["lines"]]
        lines += [f"Total {row['total']}", *([f"Para pagar: {row['hint']}"] if row["hint"] else []), ""]
    lines += [f"Total em {values['on']}: {values['total']}", f"Prazo: {values['deadline']}", values["firm"]]
    lines += [f"{label} {words}" for label, words in values["avoid"]]
    lines += [values["protection"], values["verify"], f"Para não receber mais mensagens: {values['stop']}"]
    lines += [f"Também segue para: {place}" for place in values["places"]]
    return "\n".join([*lines, f"Notificação {values['notice_id']}", ""])


def notice_window(data: NoticeData) -> list[str]:
    """The lines that the window of the envelope shows."""
    return [(data.addressee or data.debtor).name, *(data.addresses[0].splitlines() if data.addresses else ())]


def _notice(data: NoticeData, firm: str) -> dict[str, Any]:
    return {
        # The footer stands on every sheet, so it names the notice and no more.
        "reference": data.notice_id,
        "notice_id": data.notice_id,
        "window": notice_window(data),
        "places": [", ".join(place.splitlines()) for place in data.addresses[1:]],
        "opening": _opening(data.invoices),
        "bound": _bound(data),
        "invoices": _rows(data.invoices),
        "on": pt.day(data.on),
        "total": format_brl(views.total(data.invoices)),
        "deadline": deadline_words(data.deadline_days),
        "firm": pt.sentence(firm),
        "avoid": [
            ("Pagar:", pt.sentence(data.how.pay)),
            ("Contestar:", pt.sentence(data.how.dispute)),
            ("Conversar:", f"prazo e parcelas podem ser combinados; fale com {views.reach(data.creditor)}."),
        ],
        "protection": CONSUMER_PROTECTION if data.debtor.consumer else "",
        "verify": pt.sentence(data.how.verify),
        "stop": pt.sentence(data.how.stop),
    }


def _bound(data: NoticeData) -> str:
    """Why a letter goes to somebody else than the debtor: he answers for the title too."""
    other = data.addressee
    if other is None:
        return ""
    return (
        f"Esta carta vai a {other.name}, {pt.document(other.document)}, que responde pelo título como {data.bound_as}."
    )


def deadline_words(days: int) -> str:
    """The deadline as the notice states it; `days` are business days."""
    unit = "dia útil contado" if days == 1 else "dias úteis contados"
    return f"{days} {unit} do primeiro dia útil seguinte ao recebimento"


def receipt_pdf(data: ReceiptData) -> bytes:
    """The receipt of one payment, with what it settled and what remains (CC art. 320).

    Raises `BadInput` without invoices, or where it would say that a part is still owed when nothing is.
    """
    _require(bool(data.invoices), "receipt: no invoice was given; at least one is needed")
    rest = views.total(data.invoices)
    credit = sum((invoice.debt.credit for invoice in data.invoices), ZERO)
    _require(data.settled or rest > 0, "receipt: nothing is open, yet it is not settled; say settled=True")
    return _pdf(
        "receipt",
        data,
        {
            "reference": data.receipt_id,
            "amount": format_brl(data.amount),
            "paid_on": pt.day(data.paid_on),
            "method": data.method,
            "about": "à fatura abaixo" if len(data.invoices) == 1 else "às faturas abaixo",
            "invoices": [row | {"hint": "", "qr": ""} if data.settled else row for row in _rows(data.invoices)],
            "on": pt.day(data.on),
            "total": format_brl(rest),
            "effect": _effect(data, rest),
            "credit": format_brl(credit) if credit else "",
            "ways": _ways(data, "este recibo"),
        },
    )


def _effect(data: ReceiptData, rest: Decimal) -> str:
    """What a payment brought about: it settled everything, or an instalment of an agreement, or a part."""
    if data.settled:
        waived = f" O restante, de {format_brl(rest)}, está dispensado." if rest else ""
        return f"Com este pagamento, damos quitação do que está descrito acima.{waived}"
    if data.plan and data.plan.state:
        state = data.plan.state
        paid = f"{len(state.paid)} de {len(data.plan.terms.instalments)} pagamentos do acordo estão completos"
        return (
            f"Este pagamento é do acordo: {paid}, e faltam nele {format_brl(state.open)}. O saldo acima só volta a "
            f"valer se o acordo não for cumprido. {views.imputation(data.invoices)}"
        )
    return f"Este pagamento foi parcial. {views.imputation(data.invoices)}"


def agreement_pdf(data: AgreementData) -> bytes:
    """The deed of an agreement (*termo de acordo*): debt, instalments, cost, terms, and how it is or was accepted.

    The same data gives the same bytes, so the hash of the deed that was offered stands for what was accepted.
    Raises `BadInput` without invoices.
    """
    _require(bool(data.invoices), "agreement: no invoice was given; at least one is needed")
    told = plans.words(data.plan, data.debtor.consumer)
    offered = f"Esta proposta vale até {told.valid_until}. Para aceitar, {pt.sentence(told.accept)}"
    return _pdf(
        "agreement",
        data,
        {
            "reference": data.agreement_id,
            "invoices": [row | {"hint": "", "qr": ""} for row in _rows(data.invoices)],
            "on": pt.day(data.on),
            "total": format_brl(views.total(data.invoices)),
            "instalments": told.instalments,
            "costs": told.costs,
            "code_label": "Para pagar a próxima parcela",
            "hint": told.hint,
            "qr": _qr(told.hint),
            "terms": [*told.terms, plans.ACKNOWLEDGED, plans.QUITTANCE],
            "acceptance": pt.sentence(data.accepted) or offered,
            "protection": CONSUMER_PROTECTION if data.debtor.consumer else "",
            "ways": _ways(data, "este termo"),
        },
    )


def memory_pdf(data: MemoryData) -> bytes:
    """The memory of calculation of each invoice as a court asks for it (CPC arts. 524 and 798, I b and sole paragraph).

    Raises `BadInput` without invoices.
    """
    _require(bool(data.invoices), "memory: no invoice was given; at least one is needed")
    verify = f"{pt.sentence(data.creditor.how_to_verify)} Fale com {views.reach(data.creditor)}.".strip()
    return _pdf(
        "memory",
        data,
        {
            "reference": data.memory_id,
            "on": pt.day(data.on),
            "memories": [memory.sheet(invoice, data.creditor, data.debtor) for invoice in data.invoices],
            "total": format_brl(views.total(data.invoices)),
            "ways": [("Como conferir que este documento é verdadeiro, ou contestar um valor:", verify)],
        },
    )


def consent_letter_pdf(data: ConsentData) -> bytes:
    """The *carta de anuência* with which the debtor cancels a registered protest (Lei 9.492/1997 art. 26 §1).

    Ready for a person to sign, and says so: only a person with proven powers can give the consent.
    """
    fields = (
        ("Título", f"{data.title_number} ({views.kind_name(data.title_kind)})"),
        ("Valor do título", format_brl(data.amount)),
        ("Vencimento", pt.day(data.due)),
        ("Protocolo", f"{data.protocol}, de {pt.day(data.protocol_date)}"),
        ("Protesto registrado em", pt.day(data.protest_date)),
        ("Tabelionato", f"{data.registry_office}, {data.registry_city}"),
        ("Devedor", f"{data.debtor.name}, {pt.document(data.debtor.document)}"),
    )
    verify = f"{pt.sentence(data.creditor.how_to_verify)} Fale com {views.reach(data.creditor)}.".strip()
    return _pdf(
        "consent",
        data,
        {
            "reference": f"Título {data.title_number}, protocolo {data.protocol}",
            "registry": f"{data.registry_office}, {data.registry_city}",
            "capacity": data.capacity,
            "fields": fields,
            "ways": [
                ("Para o devedor:", "esta carta é gratuita. Leve-a assinada ao tabelionato para pedir o cancelamento."),
                ("Como conferir que esta carta é verdadeira, ou corrigir um dado:", verify),
            ],
        },
    )


def dossier_cover_pdf(data: DossierCover) -> bytes:
    """The first sheets of a dossier, for the lawyer.

    Suggested action, parties, title, memory of calculation (CPC art. 524), protest, notices with their level of proof,
    limitation, documents with SHA-256, timeline. Times are shown as they come in, in the debtor's local time.
    """
    title = views.row(data.title)
    return _pdf(
        "dossier",
        data,
        {
            "reference": data.case_ref,
            "on": pt.day(data.on),
            "suggestion": asdict(data.suggestion),
            "story": " ".join(story(data)),
            "parties": _parties(data),
            "title_fields": [
                ("Título", title.title),
                ("Origem", title.origin),
                ("Emissão", title.issued),
                ("Vencimento", title.due),
                ("Dias de atraso", str(data.title.debt.days_late)),
                ("Valor original", title.original),
                (f"Total em {pt.day(data.on)}", title.total),
            ],
            "calculation": [
                ("Valor original", title.title, title.original),
                *((line.name, line.detail, line.amount) for line in title.lines),
                ("Total", f"em {pt.day(data.on)}", title.total),
            ],
            "imputation": views.imputation([data.title]),
            "protest": _protest(data.protest),
            "notices": [(each.notice_id, each.channel, pt.day(each.sent_on), each.level) for each in data.notices],
            "limitation": [
                (term.claim, pt.day(term.ends), "corre" if data.on <= term.ends else "terminou", term.source)
                for term in data.limitation
            ],
            "documents": [(each.name, each.sha256) for each in data.documents],
            "timeline": [(pt.minute(each.at), each.what, each.actor) for each in data.timeline],
        },
    )


def preview_pdf(data: MessageData, title: str, subject: str, text: str) -> bytes:
    """A text that goes out by another way than paper, printed for who has to sign it off: its lines as they read."""
    values = {"reference": title, "title": title, "subject": subject, "lines": text.strip().splitlines()}
    return _pdf("preview", data, values)


def printable(text: str) -> str:
    """The text with only what the letters' typeface has, Latin letters and signs; the rest without accents, or as `?`.

    PDF/A refuses a character without a glyph, and no name may stop a letter.
    """
    return "".join(map(_printable_char, unicodedata.normalize("NFC", text)))


@lru_cache(maxsize=4096)
def _printable_char(char: str) -> str:
    if char.isspace():
        return " "
    if _has_glyph(char):
        return char
    seen = [part for part in unicodedata.normalize("NFKD", char) if unicodedata.category(part) not in _UNSEEN]
    return "".join(part if _has_glyph(part) else "?" for part in seen)


def _has_glyph(char: str) -> bool:
    return char in _PUNCTUATION or (ord(char) in _LATIN and unicodedata.category(char) not in {"Cc", "Cf"})


def _frame(data: Data) -> dict[str, Any]:
    """What every document says: from whom, to whom, where and when."""
    creditor, debtor = data.creditor, data.debtor
    return {
        "place": f"{creditor.city}/{creditor.uf}, {pt.day(data.on)}.",
        "creditor": {
            "name": creditor.name,
            "document": pt.document(creditor.document),
            "address": views.address(creditor),
            "reach": views.reach(creditor),
        },
        "debtor": {"name": debtor.name, "document": pt.document(debtor.document)},
    }


def _rows(invoices: Sequence[InvoiceView]) -> list[dict[str, Any]]:
    return [asdict(views.row(invoice)) | {"qr": _qr(invoice.payment_hint)} for invoice in invoices]


def _qr(code: str) -> str:
    """A Pix code as a QR image in SVG; nothing for what is no Pix code (a boleto's line has no QR of its own)."""
    return qr.svg(code) if code.startswith(BR_CODE) else ""


def _ways(data: ReceiptData | AgreementData, what: str) -> list[tuple[str, str]]:
    settled = isinstance(data, ReceiptData) and data.settled
    return [
        ("Como pagar:", NOTHING_TO_PAY if settled else pt.sentence(data.how.pay)),
        ("Se não concorda:", pt.sentence(data.how.dispute)),
        ("Para não receber mais mensagens:", pt.sentence(data.how.stop)),
        (f"Como conferir que {what} é verdadeiro:", pt.sentence(data.how.verify)),
    ]


def _opening(invoices: Sequence[InvoiceView]) -> str:
    if len(invoices) == 1:
        return "a fatura abaixo está em aberto, sem acordo nem contestação em nossos registros."
    return f"as {len(invoices)} faturas abaixo estão em aberto, sem acordo nem contestação em nossos registros."


def _parties(data: DossierCover) -> list[tuple[str, str, str, str]]:
    creditor = data.creditor
    return [
        (
            "Credor",
            creditor.name,
            pt.document(creditor.document),
            f"{views.address(creditor)}; {views.reach(creditor)}",
        ),
        ("Devedor", data.debtor.name, pt.document(data.debtor.document), data.debtor_address),
        *((party.role, party.name, pt.document(party.document), party.address) for party in data.parties),
    ]


def _protest(protest: ProtestRecord | None) -> list[tuple[str, str]]:
    if protest is None:
        return []
    return [
        ("Tabelionato", f"{protest.registry_office}, {protest.city}"),
        ("Protocolo", f"{protest.protocol}, de {pt.day(protest.protocol_date)}"),
        ("Registro do protesto", pt.day(protest.registered_on) if protest.registered_on else "não registrado"),
        ("Resultado", protest.outcome),
    ]


def _require(right: bool, sentence: str) -> None:
    if not right:
        raise BadInput(sentence)


def _bare(text: str) -> str:
    """Without accents and capitals, to look for words."""
    return "".join(char for char in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(char))


@cache
def _compiler() -> typst.Compiler:
    """One for the process: it keeps the parsed layouts and the typeface of the wheel, never one of the machine."""
    return typst.Compiler(root=str(DIRECTORY), ignore_system_fonts=True)


def _pdf(document: str, data: Data, payload: Mapping[str, Any]) -> bytes:
    values = json.dumps(_clean({**_frame(data), **payload}), ensure_ascii=False)
    try:
        with _COMPILING:  # the compiler takes one call at a time
            pdf = _compiler().compile(
                input=str(DIRECTORY / f"{document}.typ"),
                format="pdf",
                sys_inputs={"data": values},
                pdf_standards=["a-2b"],
                timestamp=datetime.combine(data.on, time(), UTC),
            )
    except typst.TypstError:
        # Typst quotes the text in its message; names do not belong in an error.
        raise BadInput(f"document {document}: it could not be set; look for an unusual character in its data") from None
    return cast(bytes, pdf)


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, Mapping):
        return {key: _clean(each) for key, each in value.items()}
    return [_clean(each) for each in value]

"""What is held of a person, told to him: the complete declaration of LGPD art. 18 II and 19 II, as data and letter.

Origin, criteria, purpose and with whom anything is shared stand in it (art. 18 VII, 19 II); it is due in 15 days.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, cast

from sqlalchemy import Row

from db.settings import CreditorSettings
from domain.money import format_brl
from domain.outside_facts import Outsider
from domain.retention import Rule
from letters import pt
from letters.declaration import DeclarationData, Section
from privacy.erasure import OFFICE
from privacy.holdings import Holdings

Columns = Mapping[str, str]
"""Heading for the reader, by column."""

_TABLES: tuple[tuple[str, str, str, Columns], ...] = (
    ("points", "Meios de contato", "De onde veio cada um, se pode ser usado, e o consentimento que há", {
        "channel": "canal", "address": "endereço", "source": "origem", "state": "situação", "consent": "consentimento",
        "best_hours": "horário pedido",
    }),
    ("invoices", "Faturas", "Informadas pelo credor", {
        "printed_number": "número", "issued": "emissão", "due": "vencimento", "amount": "valor",
        "description": "descrição", "charges_source": "fonte dos encargos", "boleto_line": "boleto",
        "nfe_key": "chave da NF-e", "delivery_proof": "prova de entrega",
    }),
    ("parties", "Outros obrigados", "Informados pelo credor", {
        "role": "papel", "name": "nome", "document": "documento", "address": "endereço", "district": "bairro",
        "city": "cidade", "cep": "CEP",
    }),
    ("cases", "Casos de cobrança", "Um por fatura", {
        "id": "caso", "stage": "etapa", "balance": "saldo", "opened_at": "aberto", "closed_at": "encerrado",
        "outcome": "desfecho",
    }),
    ("contacts", "Mensagens, ligações e cartas", "Com o texto de cada uma; a forma HTML dos e-mails está nos dados", {
        "planned_at": "quando", "channel": "canal", "state": "resultado", "subject": "assunto", "body": "texto",
    }),
    ("inbound", "O que foi recebido", "Com o texto de cada mensagem", {
        "received_at": "quando", "channel": "canal", "sender": "de", "recipient": "para", "subject": "assunto",
        "body": "texto", "meaning": "entendido como",
    }),
    ("answers", "Confirmações de recebimento", "", {
        "channel": "canal", "address": "para", "subject": "assunto", "body": "texto",
    }),
    ("receipts", "O que os provedores informaram", "Entregas, leituras e devoluções; o mais está nos dados", {
        "business_at": "quando", "provider": "provedor", "event": "aviso", "code": "código",
    }),
    ("notes", "Anotações de atendentes", "", {"written_at": "quando", "author": "autor", "text": "texto"}),
    ("payments", "Pagamentos", "Informados pelo banco, pelo cartório ou pelo credor", {
        "paid_on": "dia", "amount": "valor", "source": "fonte", "payer": "pagador", "hint": "o que o banco informou",
        "reversed_on": "estornado",
    }),
    ("promises", "Promessas de pagamento", "", {
        "made_at": "feita em", "on": "para", "amount": "valor", "state": "situação",
    }),
    ("charges", "Cobranças Pix", "Feitas pelo banco do credor em seu nome", {
        "created_at": "quando", "amount": "valor", "valid_until": "paga até", "state": "situação",
    }),
    ("plans", "Acordos", "", {
        "offered_at": "oferecido", "total": "total", "state": "situação", "accepted_at": "aceito",
    }),
    ("titles", "Títulos a protesto", "", {
        "our_number": "número", "balance": "saldo", "state": "situação", "protocol": "protocolo",
    }),
    ("notices", "Notificações prévias", "", {
        "issued_at": "emitida", "proof_level": "prova", "proof_on": "em", "deadline": "prazo", "state": "situação",
    }),
    ("tasks", "Pendências de atendentes", "", {
        "opened_at": "aberta", "kind": "o quê", "outcome": "resultado", "done_at": "concluída",
    }),
    ("words", "Decisões de pessoas", "De quem foi perguntado antes de um passo que depende de aprovação", {
        "said_at": "quando", "yes": "aprovou", "reason": "motivo",
    }),
    ("moratoria", "Suspensões da cobrança em seu nome", "", {
        "since": "desde", "until": "até", "value": "documento", "reason": "motivo", "lifted_at": "levantada",
    }),
    ("closed_addresses", "Endereços a que nada mais se escreve", "", {
        "address": "endereço", "reason": "por quê", "closed_at": "desde",
    }),
    ("blocked", "Listas de bloqueio", "Das listas públicas dos estados", {
        "uf": "estado", "value": "documento ou telefone", "registered_on": "desde", "until": "até",
    }),
    ("documents", "Documentos", "Cópia à disposição, a pedido", {
        "created_at": "quando", "kind": "tipo", "name": "nome", "sha256": "SHA-256",
    }),
    ("acts", "Atos sobre os dados", "Pedidos de acesso, guarda e eliminação", {
        "at": "quando", "kind": "ato", "actor": "por", "reason": "motivo",
    }),
)  # fmt: skip
"""Attribute of `Holdings`, title, remark, columns."""
_ONLY_DATA: Mapping[str, tuple[str, ...]] = {
    "contacts": ("html", "template"), "receipts": ("body",), "invoices": ("row_hash",),
}  # fmt: skip
"""Columns, by attribute, that are told as data and would be unreadable on paper."""
_BOOK = ("case_id", "seq", "business_at", "kind", "actor")
"""Of each entry of the book; what it says in words is shown by the timeline, on paper it would hide all else."""

_CHANNELS = {
    "email": "provedor de e-mail (SendGrid), que entrega as mensagens",
    "sms": "operadora de mensagens (Twilio), que entrega os SMS",
    "whatsapp": "operadora de mensagens (Twilio) e WhatsApp, que entregam as mensagens",
    "voice": "operadora de telefonia (Twilio), que faz as ligações",
    "letter": "gráfica e Correios, que imprimem e entregam as cartas",
}
_OUTSIDE = {
    "legal": "setor jurídico do credor: o dossiê do caso, e o que foi pago depois",
    "agency": "empresa de cobrança contratada pelo credor: o dossiê do caso, e o que foi pago depois",
    "central": "central dos tabelionatos de protesto: proposta de solução negocial, com nome, documento e endereço "
    "(Lei 9.492/1997, art. 11-A)",
    "bureau": "órgão de proteção ao crédito: pedido de registro da dívida, com nome, documento e endereço (Lei "
    "8.078/1990, art. 43)",
}
PURPOSE = (
    "Finalidade e fundamento: cobrar as faturas abaixo, executar o contrato e proteger o crédito (Lei 13.709/2018, "
    "art. 7º, V e X), cumprir deveres legais (II) e exercer direitos em processo (VI). O próximo passo de cada caso é "
    "decidido automaticamente, por uma régua escrita e pelas datas, valores e respostas; nada é pontuado nem presumido "
    "sobre a pessoa, e o protesto depende da aprovação de uma pessoa. Pode-se pedir a revisão (art. 20)."
)
RIGHTS = (
    "A qualquer tempo se pode pedir a correção do que estiver incompleto ou errado (art. 18, III), opor-se (§ 2º), e "
    "reclamar à Autoridade Nacional de Proteção de Dados (§ 1º). A eliminação depende do fim dos prazos de guarda que "
    "a lei permite (art. 16, I), indicados acima."
)


@dataclass(frozen=True)
class Declaration:
    """The same content as data and as the letter's."""

    data: dict[str, Any]
    letter: DeclarationData


def declare(held: Holdings, rules: Sequence[Rule], now: datetime) -> Declaration:
    """Everything that is held of a debtor. `now` is business time, aware."""
    debtor, creditor = held.debtor, held.creditor
    place = " · ".join(filter(None, (debtor.address, debtor.district, debtor.city, debtor.uf, debtor.cep)))
    shared = _shared(held)
    kept = [(rule.keeps, rule.law, f"{rule.months} meses") for rule in rules]
    tables = {
        name: [_plain(row, (*columns, *_ONLY_DATA.get(name, ()))) for row in getattr(held, name)]
        for name, _, _, columns in _TABLES
    }
    person = {
        "name": debtor.name,
        "document": debtor.document,
        "kind": debtor.kind,
        "address": place,
        "municipality": debtor.ibge,
    }
    data: dict[str, Any] = {
        "made_at": now.isoformat(), "controller": {"name": creditor.name, "document": creditor.document},
        "debtor": {"id": str(debtor.id), **person, "opted_out": debtor.opted_out, "since": str(debtor.created_at)},
        **tables, "book": [_plain(row, _BOOK) for row in held.book], "shared_with": shared,
        "retention": [list(row) for row in kept],
    }  # fmt: skip
    sections = [
        Section(title, remark, list(columns.values()), [_cells(row, columns) for row in getattr(held, name)])
        for name, title, remark, columns in _TABLES
    ]
    letter = DeclarationData(
        controller=f"{creditor.name}, {_document(creditor.document)}, {creditor.email}",
        person=[("Nome", debtor.name), ("Documento", _document(debtor.document)), ("Endereço", place),
                ("Sem contato por", ", ".join(debtor.opted_out))],
        on=now.astimezone(OFFICE).date(), purpose=PURPOSE, rights=RIGHTS,
        sections=[section for section in sections if section.rows], shared=shared,
        kept=Section("Por quanto tempo se guarda", "Do encerramento do último caso", ["o quê", "lei", "prazo"],
                     [list(row) for row in kept]),
    )  # fmt: skip
    return Declaration(data, letter)


def _document(text: str) -> str:
    return "" if text.startswith("apagado:") else pt.document(text)


def _shared(held: Holdings) -> list[str]:
    """With whom anything was shared, by what really happened."""
    channels = {row.channel for row in held.contacts}
    shared = [text for channel, text in _CHANNELS.items() if channel in channels]
    if held.titles:
        shared.append("tabelionato de protesto e sua central (CRA): título, nome, documento, endereço (Lei 9.492/1997)")
    if held.charges:
        shared.append("banco do credor: as cobranças Pix, com nome e documento")
    shared += [_outsider(held, who, since) for who, since in held.told_to.items()]
    return [f"{held.creditor.name}, o credor", *shared]


def _outsider(held: Holdings, who: str, since: datetime) -> str:
    """Somebody outside, by the name that the creditor gave of him, what he got, and since when."""
    named = CreditorSettings.model_validate(held.creditor.settings).partners.get(cast(Outsider, who), "")
    return ", ".join(filter(None, (named, _OUTSIDE[who]))) + f"; desde {pt.day(since.astimezone(OFFICE).date())}"


def _plain(row: Row[Any], columns: Iterable[str]) -> dict[str, Any]:
    return {name: _json(getattr(row, name)) for name in columns}


def _json(value: Any) -> Any:
    if isinstance(value, date):  # a moment too
        return value.isoformat()
    return value if value is None or isinstance(value, str | int | bool | list | dict) else str(value)


def _cells(row: Row[Any], columns: Iterable[str]) -> list[str]:
    return [_told(getattr(row, name)) for name in columns]


def _told(value: Any) -> str:
    if isinstance(value, datetime):
        return pt.minute(value.astimezone(OFFICE))
    if isinstance(value, date):
        return pt.day(value)
    if isinstance(value, Decimal):
        return format_brl(value)
    if isinstance(value, bool):
        return "sim" if value else "não"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value or "")

"""The words of the audit (pt-BR): instructions, their reasons, why something was not done, who did what."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Row

from domain import facts as f
from letters import pt, timeline

ACTIONS = {
    "wait": "aguardar", "contact": "contatar", "notice": "notificar", "protest": "levar a protesto",
    "legal": "entregar ao jurídico", "close": "encerrar",
}  # fmt: skip
STAGES = {
    "preventive": "preventiva", "amicable": "amigável", "notice": "notificação", "protest": "protesto",
    "legal": "jurídico", "closed": "encerrado",
}  # fmt: skip
STATES = {"pending": "pendente", "running": "em andamento", "done": "feito", "passed-over": "dispensado"}

_REASONS: tuple[tuple[str, str], ...] = (
    (r"step (.+) on its day", r"o passo \1 tem seu dia mais adiante"),
    (r"step (.+)", r"passo \1"),
    (r"waits for a person: (.+)", r"aguarda uma pessoa: \1"),
    (r"held: (.+)", r"suspenso: \1"),
    (r"disputed", "dívida contestada"),
    (r"promised", "há promessa de pagamento"),
    (r"paused by staff", "pausado por pessoa"),
    (r"held until a person has looked", "parado até que uma pessoa veja"),
    (r"first wave waits for release by a person", "a primeira leva aguarda liberação por pessoa"),
    (r"thanks for a payment", "agradecer um pagamento"),
    (r"awaits approval", "aguarda aprovação"),
    (r"waits for the next remittance", "aguarda a próxima remessa ao tabelionato"),
    (r"title at the notary", "o título está no tabelionato"),
    (r"waits for the notary to give the title back", "aguarda o tabelionato devolver o título"),
    (r"suspended by court", "sustado por ordem judicial"),
    (r"waits for a person's signature", "aguarda a assinatura de uma pessoa"),
    (r"waits for proof of the notice", "aguarda prova da notificação"),
    (r"in legal", "está no jurídico"),
    (r"the ladder has no further step; a person decides", "a régua não tem outro passo; uma pessoa decide"),
    (r"caps of the debtor", "limite de contatos do devedor"),
    (r"outside-hours", "fora do horário em que se pode contatar ali"),
    (r"per-day", "limite de contatos por dia"),
    (r"per-week", "limite de contatos por semana"),
    (r"per-channel", "limite de contatos por dia neste canal"),
    (r"per-address", "limite de contatos por dia neste endereço"),
    (r"spacing", "intervalo mínimo entre contatos"),
    (r"best-hours", "aguarda a hora em que o devedor costuma ler"),
    (r"no usable channel: block-list", "sem canal: o devedor está em lista de bloqueio"),
    (r"no usable channel: cost", "sem canal: o custo dos contatos do caso chegou ao limite"),
    (r"a message of another case covers it", "a mensagem de outro caso do devedor o abrange"),
    (r"outcome of the .*call unknown, to be looked up", "resultado do envio desconhecido, a conferir no provedor"),
    (r"later: (.+)", r"o provedor não atendeu (\1)"),
    (r"in plan", "há acordo em dia"),
)
"""Reasons of instructions and deferrals as the rules write them; another reason is shown as it stands."""


def reason(text: str) -> str:
    """Why an instruction waits, or a contact was deferred."""
    for pattern, words in _REASONS:
        if found := re.fullmatch(pattern, text):
            return found.expand(words)
    return timeline.word(text)


def instruction_words(body: Mapping[str, Any], local: Callable[[datetime], datetime]) -> str:
    """An instruction (fields of a `decided` entry, `not_before` as a moment) as a short sentence."""
    what = f"{ACTIONS.get(body['action'], body['action'])} {body['step']}".strip()
    if (body.get("attempt") or 1) > 1:
        what += f", tentativa {body['attempt']}"
    at = body.get("not_before")
    when = f", a partir de {pt.minute(local(at))}" if at else ""
    return f"{what}{when} ({reason(body['reason'])})"


def entry_words(entry: Row[Any] | f.Fact) -> str:
    """An entry of the ledger, or a fact, in words; what has no words is shown by its kind."""
    kind = str(entry.kind)
    try:
        fact = f.from_json(entry.body) if isinstance(entry, Row) else entry
        return timeline.happened(fact)
    except (ValidationError, LookupError, TypeError):
        return kind


def who(actor: str, cause: str) -> str:
    """By whom or by what rule an entry came about."""
    if cause == "rule":
        return "regra da régua"
    name = timeline.who(actor)
    if cause.startswith("activity:"):
        return f"{name} (ação {cause.split(':')[1]})"
    return name

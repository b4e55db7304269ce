"""The words of the audit (pt-BR): instructions, their reasons, why something was not done, who did what."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Row

from domain import facts as f
from letters import pt, timeline

ACTIONS = {
    "wait": "aguardar", "contact": "contatar", "notice": "notificar", "protest": "levar a protesto",
    "legal": "entregar ao jurídico", "agency": "entregar à assessoria", "negotiate": "propor solução negocial",
    "list": "pedir negativação", "tell": "avisar quem atua por nós", "examine": "conferir o título",
    "close": "encerrar",
}  # fmt: skip
RULE = "regra da régua"
STAGES = {
    "preventive": "preventiva", "amicable": "amigável", "notice": "notificação", "protest": "protesto",
    "legal": "jurídico", "closed": "encerrado",
}  # fmt: skip
STATES = {"pending": "pendente", "running": "em andamento", "done": "feito", "passed-over": "dispensado"}

_REASONS: tuple[tuple[str, str], ...] = (
    (r"step (\S+) on its day", r"o passo {} tem seu dia mais adiante"),
    (r"step (\S+): is anything missing", r"passo {}: confere o que falta"),
    (r"step (\S+) waits: (.+)", r"o passo {} aguarda: {}"),
    (r"step (\S+)", r"passo {}"),
    (r"waits for a person: (.+)", r"aguarda uma pessoa: {}"),
    (r"held: (.+)", r"suspenso: {}"),
    (r"held", "suspenso"),
    (r"the case is held: (.+)", r"o caso está suspenso: {}"),
    (r"disputed", "dívida contestada"),
    (r"disputed in part", "dívida contestada em parte"),
    (r"the debt is in dispute", "a dívida está contestada"),
    (r"promised", "há promessa de pagamento"),
    (r"a payment is promised", "há promessa de pagamento"),
    (r"in plan", "há acordo em dia"),
    (r"paused by staff", "pausado por pessoa"),
    (r"held until a person has looked", "parado até que uma pessoa veja"),
    (r"first wave waits for release by a person", "a primeira leva aguarda liberação por pessoa"),
    (r"thanks for a payment", "agradecer um pagamento"),
    (r"confirmation: (.+)", r"confirmar por escrito: {}"),
    (r"reminder of an instalment", "lembrar uma parcela do acordo"),
    (r"payment in clearing", "há pagamento em compensação"),
    (r"clearing:(.+)", r"pagamento em compensação {}"),
    (r"money (?:may be|is) on its way", "pode haver pagamento a caminho"),
    (r"says that it is paid", "o devedor diz que já pagou"),
    (r"the debtor says that he has paid", "o devedor diz que já pagou"),
    (r"respite after a part payment", "carência depois de pagamento parcial"),
    (r"awaits approval", "aguarda aprovação"),
    (r"refused for now", "recusado por ora"),
    (r"refused", "recusado por pessoa"),
    (r"nobody approved it", "ninguém aprovou"),
    (r"in legal", "está no jurídico"),
    (r"the ladder has no further step; a person decides", "a régua não tem outro passo; uma pessoa decide"),
    # the notice and the notary
    (r"waits for proof of the notice", "aguarda prova da notificação"),
    (r"notice: another address", "notificar em outro endereço"),
    (r"no notice was issued", "não houve notificação"),
    (r"the notice is too old", "a notificação é antiga demais"),
    (
        r"the notice is not proved, nor released by two people",
        "a notificação não está provada nem liberada por duas pessoas",
    ),
    (r"the deadline of the notice is not over", "o prazo da notificação não terminou"),
    (r"notice-void", "a notificação não vale mais"),
    (r"waits for the next remittance", "aguarda a próxima remessa ao tabelionato"),
    (r"title at the notary", "o título está no tabelionato"),
    (r"the title is at the notary or protested", "o título está no tabelionato ou protestado"),
    (r"the title cannot be protested: (.+)", r"o título não pode ser protestado: {}"),
    (r"waits for the notary to give the title back", "aguarda o tabelionato devolver o título"),
    (r"waits for the notary to cancel the protest", "aguarda o tabelionato cancelar o protesto"),
    (r"suspended by court", "sustado por ordem judicial"),
    (r"waits for a person's signature", "aguarda a assinatura de uma pessoa"),
    (r"waits for the bank to withdraw the boleto", "aguarda o banco baixar o boleto"),
    (r"the bank has a boleto that can be paid", "o banco tem um boleto que pode ser pago"),
    (r"withdrawal-asked", "uma pessoa pediu o título de volta"),
    (r"balance-changed", "o saldo mudou"),
    (r"not-eligible", "o título não pode ser protestado"),
    (r"not eligible: (.+)", r"não pode: {}"),
    (r"past the executive term", "passou o prazo da ação executiva"),
    (r"no action is left", "não resta ação"),
    (r"no principal is left to protest", "não resta principal para protestar"),
    (r"nothing firm follows that it could announce", "não segue nada que ela pudesse anunciar"),
    (r"nothing is owed any more", "nada mais se deve"),
    (r"the debt stands again", "a dívida voltou a existir"),
    (r"something of it is left outside", "ainda resta algo do caso com terceiros"),
    # bureaus, agencies, the central
    (r"it is at the bureau already", "já está no birô de crédito"),
    (r"with the agency", "está com a assessoria de cobrança"),
    (r"asked for by (.+)", r"pedido por quem está com o caso: {}"),
    (r"tells (\S+): (.+)", r"avisar {}: {}"),
    (r"proposal at the central", "a proposta está na central dos tabelionatos"),
    (r"waits for the central to give the proposal back", "aguarda a central devolver a proposta"),
    (r"waits for the bureau to remove the entry", "aguarda o birô de crédito excluir o registro"),
    (r"waits for the announcement of the agency", "aguarda a carta que anuncia a assessoria"),
    # contacts
    (r"caps of the debtor", "limite de contatos do devedor"),
    (r"outside-hours", "fora do horário em que se pode contatar ali"),
    (r"per-day", "limite de contatos por dia"),
    (r"per-week", "limite de contatos por semana"),
    (r"per-channel", "limite de contatos por dia neste canal"),
    (r"per-address", "limite de contatos por dia neste endereço"),
    (r"spacing", "intervalo mínimo entre contatos"),
    (r"best-hours", "aguarda a hora em que o devedor costuma ler"),
    (r"block-list", "o devedor está em lista de bloqueio"),
    (r"cost", "o custo dos contatos do caso chegou ao limite"),
    (r"no usable channel: (.+)", r"sem canal: {}"),
    (r"no usable channel", "sem canal"),
    (r"a message of another case covers it", "a mensagem de outro caso do devedor o abrange"),
    (r"outcome of the .*call unknown, to be looked up", "resultado do envio desconhecido, a conferir no provedor"),
    (r"overtaken: nothing true is left to say", "superado: não resta o que dizer"),
    (r"later: (.+)", r"o provedor não atendeu ({})"),
    (r"payment news are too old", "não se sabe ainda se o devedor pagou"),
    # steps passed over
    (r"collapsed", "um contato mais novo tomou o seu lugar"),
    (r"skipped", "o seu dia passou"),
    (r"not done in time", "não foi feito a tempo"),
    (r"condition: (.+)", r"a condição não se cumpre: {}"),
    (r"preventive, but the debt is already due", "é preventivo, e a dívida já venceu"),
    (r"shortened: promises were broken", "abreviado: promessas não foram cumpridas"),
    (r"do: (.+) is not built yet", r"{}: não feito nesta versão"),
    (r"no channel of (.+) is built yet", r"{}: nenhum canal feito nesta versão"),
)
"""Reasons as the rules write them, by pattern; what a pattern holds open is said in words too (`{}`)."""

_TASKS: tuple[tuple[str, str], ...] = (
    (r"step", "fazer o passo"),
    (r"answer-debtor", "responder ao devedor"),
    (r"call-back", "ligar de volta"),
    (r"find-contact", "achar um meio de contato"),
    (r"action-failed", "ação sem resultado"),
    (r"payment-claimed", "procurar o pagamento informado"),
    (r"refund", "devolver o que foi pago a mais"),
    (r"bank-instruction", "instruir o banco sobre o boleto"),
    (r"withdraw-boleto", "baixar o boleto no banco"),
    (r"dispute", "decidir a contestação"),
    (r"dispute-silent", "contestação sem explicação"),
    (r"hold-(.+)", r"caso suspenso: {}"),
    (r"limitation-(.+)", r"a prescrição se aproxima: {}"),
    (r"ladder-finished", "a régua terminou: decidir"),
    (r"unreadable-message", "ler uma mensagem ilegível"),
    (r"vanished-from-export", "fatura ausente da exportação: dizer por quê"),
    (r"withdraw-or-keep", "retirar ou manter o título"),
    (r"withdraw-or-keep-proposal", "retirar ou manter a proposta"),
    (r"complete-title", "completar o título"),
    (r"correct-title", "corrigir o título"),
    (r"court-suspended-protest", "protesto sustado por ordem judicial"),
    (r"sign-consent", "assinar a carta de anuência"),
    (r"consent-late", "carta de anuência atrasada"),
    (r"cancellation-late", "cancelamento do protesto atrasado"),
    (r"cancel-protest", "pedir o cancelamento do protesto"),
    (r"protest-contradiction", "o tabelionato diz o contrário do que se sabia: conferir"),
    (r"chase-cra", "cobrar resposta do tabelionato"),
    (r"notary-after-restore", "livro restaurado: conferir na central o que já foi apresentado"),
    (r"lost-letter", "livro restaurado: anexar a notificação que de fato saiu"),
    (r"nfe-(.+)", r"nota fiscal: {}"),
    (r"announce-agency", "anunciar a assessoria de cobrança"),
    (r"bureau-silent", "birô de crédito sem resposta"),
    (r"enter-agreement", "registrar o acordo da central"),
    (r"enter-listing", "incluir no birô de crédito"),
    (r"given-up", "desistência: dar sequência"),
    (r"listing-disputed", "registro no birô contestado"),
    (r"listing-refused", "registro recusado pelo birô"),
    (r"present-proposal", "apresentar a proposta à central"),
    (r"proposal-returned", "proposta devolvida pela central"),
    (r"proposal-unanswered", "proposta sem resposta"),
    (r"receipt-missing", "falta o comprovante"),
    (r"removal-due", "excluir do birô de crédito"),
    (r"removal-late", "exclusão do birô atrasada"),
    (r"tell-(.+)", r"avisar {}"),
)
"""Kinds of tasks that the rules open."""

_REFUSALS = {
    "above-balance": "acima do saldo", "already-claimed": "já informado", "already-counted": "já contado",
    "already-delivered": "a carta já foi entregue", "already-disputed": "já contestado", "already-known": "já sabido",
    "already-removing": "já em exclusão", "already-withdrawn": "já retirado", "bad-amount": "valor que não cabe",
    "bad-hours": "horário que não se lê", "bad-plan": "parcelas que não cabem", "case-closed": "o caso está encerrado",
    "disputed": "dívida contestada", "gate-shut": "o protesto não está liberado", "in-plan": "há acordo em dia",
    "listing-ended": "registro no birô já terminado", "no-lawful-hours": "nenhum horário lícito",
    "no-registered-protest": "não há protesto registrado", "no-such-approval": "aprovação que não existe",
    "no-such-hold": "suspensão que não existe", "no-such-payment": "pagamento que não existe",
    "no-such-plan": "acordo que não existe", "no-such-task": "pendência que não existe",
    "no-such-text": "texto que não existe", "not-cancelled": "o protesto ainda está registrado",
    "not-delivered": "a carta não foi entregue",
    "not-disputed": "não há contestação", "not-enough-words": "faltam aprovações",
    "not-later": "não é data posterior", "not-paused": "não há pausa",
    "not-signed": "não está assinada", "not-there": "não está lá", "not-waiting": "não aguarda",
    "nothing-to-cancel": "nada a cancelar", "nothing-to-withdraw": "nada a retirar",
    "other-listing": "é outro registro", "other-notice": "é outra notificação", "other-party": "é outra parte",
    "other-proposal": "é outra proposta", "other-title": "é outro título", "past-day": "dia já passado",
    "pause-dates": "datas da pausa que não cabem", "plan-down-payment": "entrada fora do permitido",
    "plan-instalment-too-small": "parcela pequena demais", "plan-nothing-owed": "nada a parcelar",
    "plan-too-long": "parcelas demais", "prescribed": "dívida prescrita",
    "promise-horizon": "dia fora do que se pode prometer", "proposal-ended": "proposta já terminada",
    "title-is-out": "o título já saiu", "too-many-promises": "promessas demais", "went-back": "o dinheiro voltou",
}  # fmt: skip
"""Why the rules refuse a fact, by code."""


EVENTS = {
    "processed": "recebido pelo provedor", "queued": "na fila", "sent": "enviado", "delivered": "entregue ao destino",
    "deferred": "adiado", "bounce": "devolvido", "dropped": "descartado", "undelivered": "não entregue",
    "failed": "falhou", "canceled": "cancelado", "read": "lido", "open": "aberto", "click": "aberto um link",
    "spamreport": "marcado como indesejado", "unsubscribe": "pede que não escrevam mais",
    "group_unsubscribe": "pede que não escrevam mais", "reply": "resposta do devedor",
    "initiated": "ligação iniciada", "ringing": "chamando", "in-progress": "ligação atendida",
    "completed": "ligação concluída", "busy": "ocupado", "no-answer": "não atendido",
    "answered-by-machine": "secretária eletrônica", "recording": "gravação recebida",
    # of our own calls to a provider
    "in-flight": "sem resultado", "unknown": "resultado desconhecido", "not-sent": "não enviado",
    "bad-address": "endereço que não existe", "opted-out": "o destinatário recusa mensagens", "refused": "recusado",
    "ask-a-person": "deixado a uma pessoa",
}  # fmt: skip
"""What a provider reports, and how a call to it ended."""

DOCUMENTS = {
    "notice": "notificação", "dossier": "dossiê", "receipt": "recibo", "agreement": "instrumento do acordo",
    "consent": "carta de anuência", "call-recording": "gravação de ligação", "attachment": "anexo do devedor",
    "title": "título", "invoice": "fatura", "contract": "contrato", "delivery-proof": "comprovante de entrega",
}  # fmt: skip


def event_words(event: str, code: str) -> str:
    """What a provider reported, or how a call ended, with the code that it gave."""
    return f"{EVENTS.get(event, event)} {code if code != event else ''}".strip()


def reason(text: str) -> str:
    """Why an instruction waits, a contact was deferred, a step passed over; of several reasons each in words."""
    return _said(_REASONS, text, reason)


def task_words(kind: str) -> str:
    """A kind of task."""
    return _said(_TASKS, kind, timeline.word)


def refusal(code: str) -> str:
    """Why the rules refused a fact."""
    return _REFUSALS.get(code, code)


def _said(table: tuple[tuple[str, str], ...], text: str, inner: Callable[[str], str]) -> str:
    for pattern, words in table:
        if found := re.fullmatch(pattern, text):
            return words.format(*(", ".join(map(inner, part.split(", "))) for part in found.groups()))
    return timeline.word(text)


def instruction_words(body: Mapping[str, Any], local: Callable[[datetime], datetime]) -> str:
    """An instruction (fields of a `decided` entry, `not_before` as a moment) as a short sentence."""
    waits, step, at = body["action"] == "wait", body["step"], body.get("not_before")
    what = ACTIONS.get(body["action"], body["action"])
    if step and not waits:
        what += f", passo {step}"
    if (body.get("attempt") or 1) > 1:
        what += f", tentativa {body['attempt']}"
    if at:
        what += f" até {pt.minute(local(at))}" if waits else f", a partir de {pt.minute(local(at))}"
    return what if body["reason"] in ("", f"step {step}") else f"{what} ({reason(body['reason'])})"


def entry_words(entry: Row[Any] | f.Fact) -> str:
    """An entry of the ledger, or a fact, in words; what has no words is shown by its kind."""
    kind = str(entry.kind)
    try:
        fact = f.from_json(entry.body) if isinstance(entry, Row) else entry
        return timeline.happened(_in_words(fact))
    except (ValidationError, LookupError, TypeError):
        return kind


def _in_words(fact: f.Fact) -> f.Fact:
    """The fact with its reason, task or refusal in Portuguese; the timeline shows what it does not know as it is."""
    if isinstance(fact, f.TaskOpened):
        return replace(fact, task=task_words(fact.task))
    if isinstance(fact, f.Refusal):
        return replace(fact, code=refusal(fact.code))
    if isinstance(fact, f.StepPassedOver | f.TitleUnqueued | f.WithdrawalQueued | f.Reopened):
        return replace(fact, reason=reason(fact.reason))
    return fact


def who(actor: str, cause: str) -> str:
    """By whom or by what rule an entry came about."""
    if cause == "rule":
        return RULE
    name = timeline.who(actor)
    if cause.startswith("activity:"):
        action = cause.split(":")[1]
        return f"{name} (ação: {ACTIONS.get(action, action)})"
    return name

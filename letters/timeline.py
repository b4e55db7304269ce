"""What the ledger of a case says, told to a reader in Brazilian Portuguese.

Pure, and without personal data: facts carry ids, codes, days and amounts.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from domain import facts as f
from domain.case import LEVELS
from domain.money import format_brl
from letters import pt
from letters.models import TimelineRow

_CHANNELS = {
    "email": "e-mail",
    "sms": "SMS",
    "letter": "carta",
    "whatsapp": "WhatsApp",
    "voice": "voz",
    "call": "telefone",
}
_WORDS = {
    "clerk": "atendente", "supervisor": "supervisor", "manager": "gerente", "lawyer": "advogado",
    "protest": "protesto", "legal": "jurídico", "undeliverable-notice": "notificação não entregue",
    "court": "ordem judicial", "insolvency": "insolvência", "death": "falecimento",
    "over-indebted": "superendividamento", "vanished": "fatura ausente da exportação", "moratorium": "moratória",
    "claim": "pagamento informado", "respite": "carência depois de pagamento parcial",
    "rebate": "abatimento", "return": "devolução", "withholding": "imposto retido", "credit-note": "nota de crédito",
    "correction": "correção do credor",
    "paid": "pago", "paid-at-notary": "pago no tabelionato", "void": "anulado", "written-off": "baixado como perda",
    "dispute-upheld": "contestação procedente", "prescribed": "prescrito",
    "agency": "assessoria de cobrança", "central": "central dos tabelionatos", "bureau": "órgão de crédito",
    "filed": "ação ajuizada", "agreement": "acordo feito", "given-up": "desistiu do caso",
    "payment": "pagamento", "reversal": "estorno", "ended": "fim da dívida", "recall": "chamada de volta",
    "withdrawal": "retirada da proposta", "removal": "retirada da negativação",
    "converted": "convertida em protesto", "withdrawn": "retirada", "returned": "devolvida",
    "folder": "arquivo", "webhook": "webhook", "hand": "pessoa",
    "negotiate": "solução negocial", "list": "negativação",
    "in-plan": "há acordo", "balance-changed": "o saldo mudou", "five-years": "passaram cinco anos",
    "protested": "o título foi a protesto", "held": "o caso está suspenso", "not-eligible": "o título não pode ir",
    "ladder": "régua", "thanks": "agradecimento", "notice": "notificação",
    "in-flight": "sem resposta do provedor", "accepted": "aceito para envio", "delivered": "aceito no destino",
    "bounced": "devolvido", "failed": "não enviado", "unanswered": "não atendido",
    "stop": "pede que não escrevam mais", "wrong-person": "diz que não é a pessoa", "already-paid": "diz que já pagou",
    "promise": "diz quando paga", "wants-instalments": "quer parcelas", "accepts-offer": "aceita a proposta",
    "second-copy": "pede segunda via", "no-invoice": "não recebeu a fatura", "no-goods": "não recebeu o que comprou",
    "wrong-amount": "contesta o valor", "denies": "diz que não deve", "not-mine": "diz que a dívida não é sua",
    "reason-of-delay": "explica o atraso", "wants-a-person": "quer falar com uma pessoa",
    "prefers": "diz como quer ser procurado", "unclear": "não entendida",
    "answer-debtor": "responder ao devedor",
    "no-answer": "não atendeu", "will-pay": "diz que paga", "promised": "promete pagar", "answered": "respondida",
    "searched": "procurado", "corrected": "corrigido",
    "no-address": "não há endereço no canal que ele pede", "channel-not-used": "a régua não usa o canal que ele pede",
    "hours-not-kept": "as horas que ele pede não são permitidas", "not-his-address": "escreveu de outro endereço",
    "nobody-decided": "ninguém decidiu até a hora",
    "withdrawal-asked": "retirada pedida",
    "cancellation-asked": "cancelamento pedido",
    "undue": "protesto indevido",
}  # fmt: skip
"""Codes that stand in facts and rows; another is shown as it is."""
_ACTORS = {"engine": "régua", "signal": "sistema", "sendgrid": "provedor de e-mail", "twilio": "provedor de SMS"}
_WAYS = {"notarised": "firma reconhecida", "icp-brasil": "ICP-Brasil", "cenprot": "CENPROT", "in-person": "em mãos"}
"""How a letter of consent is signed or handed over, where that is no channel."""
HAPPENED: dict[str, str] = {
    "opened": "Caso aberto: principal de {principal}, vencimento em {due}",
    "extended": "Vencimento prorrogado para {due}",
    "adjusted": "Dívida reduzida em {amount} ({how})",
    "void": "Dívida anulada",
    "write_off": "Dívida baixada como perda",
    "payment": "Pagamento de {amount} em {paid_on}",
    "clearing": "Pagamento de {amount} em compensação, esperado para {expected_on}",
    "claim": "Devedor informou que já pagou",
    "reverse": "Pagamento estornado em {on}",
    "payment_news": "Notícia dos pagamentos recebida",
    "vanished": "Fatura ausente da exportação do credor",
    "contact_data": "Dados de contato atualizados: {channel}",
    "release": "Primeira leva liberada em {on}",
    "promise": "Promessa de pagar {amount} em {on}",
    "plan_offered": "Acordo proposto, válido até {until}",
    "plan": "Acordo aceito",
    "plan_ended": "Acordo encerrado por pessoa",
    "dispute": "Contestação aberta",
    "dispute_explained": "Contestação explicada pelo devedor",
    "resolve": "Contestação decidida; procedente: {upheld}",
    "reply": "Mensagem do devedor por {channel}: {meaning}",
    "opt_out": "Recusa de contato: {channels}",
    "opt_in": "Contato de novo permitido: {channels}",
    "pause": "Pausa de {since} até {until}",
    "resume": "Pausa encerrada por pessoa",
    "hold": "Suspensão: {hold}",
    "lift": "Suspensão levantada: {hold}",
    "limitation_overridden": "Advogado assumiu o protesto depois do prazo da ação executiva",
    "boleto_issued": "Boleto do banco emitido",
    "boleto_withdrawn": "Banco confirmou a baixa do boleto",
    "bank_order": "Instrução do banco ({order}) ativa: {active}",
    "portfolio": "Carteira do título: {portfolio}",
    "nfe_event": "Evento da NF-e: {event}",
    "party": "Parte incluída: {role}",
    "document": "Documento anexado: {document}",
    "note": "Anotação",
    "log": "Registro de contato: {channel}, {outcome}",
    "task_done": "Pendência concluída: {outcome}",
    "word": "Uma pessoa aprovou; falta(m) {missing}",
    "approval_overdue": "Aprovação sem resposta no prazo",
    "approval_escalated": "Aprovação pedida também a {role} até {due}",
    "approve": "Aprovação dada",
    "refuse": "Aprovação recusada",
    "migrate": "Caso movido para outra régua",
    "unreadable": "Mensagem ilegível ao caso",
    "contact_sent": "Contato por {channel}, passo {step}, aceito para envio",
    "contact_deferred": "Passo {step} adiado para {until}",
    "contact_failed": "Contato por {channel}, passo {step}, sem êxito ({code})",
    "unreachable": "Passo {step} sem meio de contato",
    "notice_issued": "Notificação prévia emitida por: {channels}",
    "notice_sent_again": "Notificação enviada a outros endereços: {sendings}",
    "notice_proved": "Notificação por {channel}, em {on}: {level}",
    "notice_returned": "Notificação por {channel} devolvida ({reason})",
    "title_examined": "Título conferido: nada falta para o protesto",
    "title_queued": "Título na fila da remessa, saldo de {balance}",
    "title_incomplete": "Título incompleto para protesto: {missing}",
    "title_sent": "Título enviado ao tabelionato em {on}",
    "title_confirmed": "Título protocolado em {protocol_date}; tríduo até {term_end}",
    "title_returned": "Título devolvido com irregularidades: {irregularities}",
    "title_registered": "Protesto registrado em {on}",
    "title_withdrawn": "Título retirado do tabelionato em {on}",
    "title_cancelled": "Protesto cancelado em {on}",
    "title_progress": "Andamento no tabelionato em {on}: {code}",
    "cancel_protest": "Cancelamento do protesto pedido, por conta do credor ({reason})",
    "cancellation_queued": "Cancelamento do protesto na fila, por conta do credor ({reason})",
    "cancellation_refused": "Cancelamento do protesto não feito pelo tabelionato em {on}",
    "consent_signed": "Carta de anuência assinada em {on}: {way}",
    "consent_delivered": "Carta de anuência entregue em {on}: {way}",
    "title_suspended": "Protesto sustado por ordem judicial; em definitivo: {final}",
    "withdraw": "Retirada do título pedida",
    "handed_over": "Dossiê entregue a: {to}",
    "hand_over_acknowledged": "Recebimento do dossiê confirmado em {on}: {to}",
    "hand_over_reported": "Notícia de {to} em {on}: {event}",
    "hand_over_recalled": "Caso chamado de volta: {to}",
    "contact_requested": "Contato pedido por {to}: {text}",
    "passed_on": "Avisado a {to}: {what} ({reference}), por {by}",
    "negotiation_proposed": "Solução negocial proposta no tabelionato por {amount}, com resposta até {until}",
    "negotiation_answered": "Solução negocial em {on}: {outcome}",
    "negotiation_withdrawn": "Retirada da proposta de solução negocial pedida ({reason})",
    "listing_requested": "Negativação pedida ao órgão de crédito, valor de {amount}",
    "listing_notified": "Órgão de crédito comunicou o devedor em {on}",
    "listed": "Devedor negativado em {on}",
    "listing_refused": "Negativação recusada pelo órgão de crédito ({code})",
    "listing_removal": "Retirada da negativação pedida ({reason}), devida até {due}",
    "listing_removed": "Negativação retirada em {on}",
    "action_failed": "Passo {step} sem resultado ({code})",
    "step_passed_over": "Passo {step} dispensado ({reason})",
    "task_opened": "Pendência aberta para {owner} até {due}: {task}",
    "approval_asked": "Aprovação pedida a {role} até {due}: {purpose}, {amount}",
    "promise_kept": "Promessa cumprida",
    "promise_broken": "Promessa não cumprida em {on}",
    "plan_broken": "Acordo quebrado em {on}",
    "plan_completed": "Acordo cumprido; dispensado: {waived}",
    "hold_ended": "Fim da espera: {hold}",
    "pause_ended": "Fim da pausa",
    "notice_void": "Notificação sem efeito ({reason}); é preciso outra",
    "notice_undeliverable": "Notificação tentada por todos os meios, não entregue",
    "notice_released": "Notificação não entregue liberada por duas pessoas em {on}",
    "title_unqueued": "Título retirado da fila ({reason})",
    "withdrawal_queued": "Desistência do título na fila ({reason})",
    "closed": "Caso encerrado ({outcome}); dispensado: {waived}",
    "reopened": "Caso reaberto ({reason})",
    "refused": "Recusado pelas regras: {fact} ({code})",
}
"""What each kind of fact means to a reader; a test holds the list complete."""


# --- entries ---------------------------------------------------------------------------------------------------------
def told(fact: f.Fact, at: datetime, actor: str) -> TimelineRow:
    """One entry of the ledger as a row of the timeline. `at` is the moment at the debtor's place, aware."""
    return TimelineRow(at, happened(fact), who(actor))


def who(actor: str) -> str:
    """Who acted, as a reader knows him; a member of the staff by his id."""
    return _ACTORS.get(actor, actor)


def line(row: TimelineRow) -> str:
    """A row of the timeline as a line of text."""
    return f"{pt.minute(row.at)}  {row.what}  [{row.actor}]"


def happened(fact: f.Fact) -> str:
    """One entry of the ledger in words, without personal data; times in the time zone that they carry."""
    values = {name: _shown(name, value) for name, value in vars(fact).items()}
    if isinstance(fact, f.NoticeProved):
        values["level"] = proof_words(fact.channel, fact.level)
    if isinstance(fact, f.NoticeSentAgain):
        values["sendings"] = ", ".join(channel(sending.way) for sending in fact.sendings) or "nenhum que falte tentar"
    return HAPPENED[fact.kind].format_map(values)


def _shown(name: str, value: Any) -> str:
    if name in ("channel", "channels"):
        each = value if isinstance(value, tuple) else (value,)
        return ", ".join(map(channel, each)) or "nenhum meio"
    if name == "way":
        return _WAYS.get(value, channel(value))
    if isinstance(value, dict):
        return ""  # a state for machines
    if isinstance(value, tuple):
        return ", ".join(map(word, value))
    if isinstance(value, bool):
        return "sim" if value else "não"
    if isinstance(value, Decimal):
        return format_brl(value)
    if isinstance(value, datetime):
        return f"{pt.minute(value)} UTC"
    if isinstance(value, date):
        return pt.day(value)
    if value is None:
        return "o valor total"
    return word(value)


def channel(code: str) -> str:
    """The channel in Portuguese; one that has no name here is shown as it is. `letter-2`: by the second address."""
    way, _, party = code.partition(" ")
    kind, _, number = way.partition("-")
    return " ".join(filter(None, (_CHANNELS[kind], number, party))) if kind in _CHANNELS else code


def word(code: Any) -> str:
    """A code of a fact or row in Portuguese; one that has no word here is shown as it is."""
    return _WORDS.get(code, str(code))


# --- what the ledger proves of notices -------------------------------------------------------------------------------
def ways_of_notices(facts: Iterable[f.Fact]) -> dict[str, dict[str, str]]:
    """For each notice that was issued, by its id: each channel it went by and the best that the ledger proves of it.

    A level of `domain.case.LEVELS`, or "failed: reason". What staff log of a letter is about the notice of that time.
    """
    found: dict[str, dict[str, str]] = {}
    present = ""
    for fact in facts:
        match fact:
            case f.NoticeIssued():
                present = fact.notice_id
                found[present] = dict.fromkeys(fact.channels, "sent") | _went(fact.sendings)
            case f.NoticeSentAgain():
                found[fact.notice_id] |= _went(fact.sendings)
            case f.NoticeProved():
                found[fact.notice_id][_way(fact.channel, fact.party)] = fact.level
            case f.NoticeReturned():
                found[fact.notice_id][_way(fact.channel, fact.party)] = f"failed: {fact.reason}"
            case f.ContactLogged(channel="letter") if _logged_way(fact) in found.get(present, {}):
                outcome = fact.outcome if fact.outcome in LEVELS else f"failed: {fact.outcome}"
                found[present][_logged_way(fact)] = outcome
            case f.Extended() | f.NoticeVoided():
                present = ""
    return found


def _went(sendings: Iterable[f.Sending]) -> dict[str, str]:
    return {_way(sending.way, sending.party): "sent" for sending in sendings}


def _way(way: str, party: str) -> str:
    """A way to the debtor by its name; to another party with the beginning of his id beside it."""
    return f"{way} ({party[:8]})" if party else way


def _logged_way(fact: f.ContactLogged) -> str:
    return _way(fact.way or "letter", fact.party)


def proof_words(channel: str, level: str) -> str:
    """What can be proved of one way of a notice, never more: a provider's "delivered" is a server's or handset's."""
    if level.startswith("failed"):
        return f"não entregue ({level.partition(': ')[2] or 'sem motivo informado'})"
    return _PROOF_OF_LETTER[level] if channel.startswith("letter") else _PROOF[level]


_PROOF = {
    "sent": "aceita para envio pelo provedor; sem prova de entrega",
    "delivered": "aceita pelo servidor ou aparelho de destino",
    "read": "leitura indicada pelo provedor",
    "received-by-name": "recebida por pessoa identificada",
}
_PROOF_OF_LETTER = _PROOF | {
    "sent": "entregue à gráfica para postagem; sem prova de entrega",
    "delivered": "entrega registrada, sem nome de quem recebeu",
}

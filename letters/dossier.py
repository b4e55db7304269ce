"""Which action the facts of a case suggest to the lawyer: words for the cover of the dossier, never a decision."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from domain.data import table
from domain.money import format_brl
from letters import pt, views
from letters.models import DossierCover, Suggestion

_ENFORCEABLE = {row["kind"]: row for row in table("enforceable")}
"""Kinds of title that can be executed, and what each needs for it."""
SMALL_CLAIMS_WAGES = 40
"""Minimum wages that a claim in the Juizado Especial may reach (Lei 9.099/1995 art. 3 I)."""


@dataclass(frozen=True)
class Claim:
    """What decides between the ways to court. `execution_ends` and `last_ends` are last days of limitation terms.

    `amount` and `minimum_wage` in reais; `written_proof`: there is a title, contract or invoice; `justified_refusal`:
    the debtor refused the goods or the invoice with a reason (Lei 5.474/1968 art. 15 II c); `small_creditor`: a person,
    MEI, micro or small company, who may sue in the Juizado (Lei 9.099/1995 art. 8 §1, LC 123/2006 art. 74); `kind`: of
    the title, a code of the CRA; `estate`: the debtor is insolvent or dead, and who is owed files a claim there.
    """

    protested: bool
    delivery_proof: bool
    justified_refusal: bool
    written_proof: bool
    execution_ends: date
    last_ends: date
    amount: Decimal
    small_creditor: bool
    minimum_wage: Decimal
    kind: str = "DMI"
    estate: Literal["", "insolvency", "death"] = ""


_ESTATES = {
    "insolvency": Suggestion(
        "Habilitação de crédito na recuperação judicial ou falência",
        "O devedor está em recuperação ou falência: o crédito se habilita no processo, no prazo do edital (Lei "
        "11.101/2005, arts. 7º, § 1º, e 9º); ações e execuções ficam suspensas (art. 6º).",
    ),
    "death": Suggestion(
        "Habilitação de crédito no inventário",
        "O devedor faleceu: responde o espólio, e depois da partilha os herdeiros até o que receberam (Código Civil, "
        "art. 1.997); o crédito se habilita no inventário (CPC, arts. 642 e 643).",
    ),
}
"""Where one files what an insolvent or dead debtor owes."""


def suggest(claim: Claim, on: date) -> Suggestion:
    """The action that the facts suggest on the day `on`, with its reason in Portuguese.

    The estate of an insolvent or dead debtor before all; then execution, by kind of title (`enforceable.csv`): of a
    duplicata, where it is protested with proof of delivery in its term (Lei 5.474/1968 art. 15 II; CPC 784 I);
    then the Juizado for a small creditor and claim; then the monitória for any written proof (CPC 700); the ordinary
    action where the proof is weak; none when the last term is over.
    """
    if on > claim.last_ends:
        return Suggestion("Não ajuizar", f"O último prazo de prescrição terminou em {pt.day(claim.last_ends)}.")
    if claim.estate:
        return _ESTATES[claim.estate]
    lacking = _lacking_for_execution(claim, on)
    if not lacking:
        return _execution(claim)
    limit = SMALL_CLAIMS_WAGES * claim.minimum_wage
    if claim.small_creditor and claim.amount <= limit:
        return Suggestion(
            "Juizado Especial Cível",
            f"Credor de pequeno porte e valor até {SMALL_CLAIMS_WAGES} salários mínimos ({format_brl(limit)}; "
            f"Lei 9.099/1995, arts. 3º e 8º). Não cabe execução: {lacking}.",
        )
    if claim.written_proof:
        return Suggestion(
            "Ação monitória",
            f"Há prova escrita da dívida (CPC, art. 700), até {pt.day(claim.last_ends)}. Não cabe execução: {lacking}.",
        )
    return Suggestion(
        "Ação de cobrança (procedimento comum)",
        f"Não há título nem prova escrita suficiente (CPC, arts. 318 e seguintes). Não cabe execução: {lacking}.",
    )


def _execution(claim: Claim) -> Suggestion:
    """A duplicata that was not accepted needs protest and proof of delivery; other titles enforce by themselves."""
    until = f"dentro do prazo da execução, que vai até {pt.day(claim.execution_ends)}."
    title = _ENFORCEABLE[claim.kind]
    if title["action"] == "judgment":
        return Suggestion("Cumprimento de sentença", f"O título é judicial ({title['source']}), {until}")
    if title["needs"] != "protest":
        return Suggestion("Execução de título extrajudicial", f"O título é executivo ({title['source']}), {until}")
    return Suggestion(
        "Execução de título extrajudicial",
        "Título protestado, com prova de entrega e sem recusa justificada (Lei 5.474/1968, art. 15, II; CPC, "
        f"art. 784, I), {until}",
    )


def _lacking_for_execution(claim: Claim, on: date) -> str:
    title = _ENFORCEABLE.get(claim.kind)
    if title is None:
        return "o documento não é título executivo por si (contrato exige duas testemunhas ou assinatura eletrônica)"
    protest = title["needs"] == "protest"
    lacks = (
        (protest and not claim.protested, "o título não está protestado"),
        (protest and not claim.delivery_proof, "falta prova de entrega"),
        (claim.justified_refusal, "houve recusa justificada"),
        (on > claim.execution_ends, f"o prazo da execução terminou em {pt.day(claim.execution_ends)}"),
    )
    return ", ".join(words for missing, words in lacks if missing)


def story(cover: DossierCover) -> tuple[str, ...]:
    """The case in a few sentences (pt-BR), for a reader who never saw it; nothing in it that the sheets do not show."""
    title = views.row(cover.title)
    told = [
        f"{cover.debtor.name} deve a {cover.creditor.name} {title.total} em {pt.day(cover.on)}: {title.title}, de "
        f"{title.original}, vencimento em {title.due}, {cover.title.debt.days_late} dias de atraso.",
        f"O caso tem {len(cover.timeline)} registros, de {_span(cover)}." if cover.timeline else "",
        _notified(cover),
        _protested(cover),
        f"Ação sugerida: {cover.suggestion.action}.",
    ]
    return tuple(sentence for sentence in told if sentence)


def _span(cover: DossierCover) -> str:
    first, last = cover.timeline[0].at.date(), cover.timeline[-1].at.date()
    return f"{pt.day(first)} a {pt.day(last)}"


def _notified(cover: DossierCover) -> str:
    if not cover.notices:
        return "Não houve notificação prévia."
    first = cover.notices[0]
    ways = "; ".join(f"{each.channel}: {each.level}" for each in cover.notices)
    return f"A notificação prévia foi enviada em {pt.day(first.sent_on)} ({ways})."


def _protested(cover: DossierCover) -> str:
    record = cover.protest
    if record is None:
        return "O título não foi levado a protesto."
    registered = f", com registro em {pt.day(record.registered_on)}" if record.registered_on else ""
    return (
        f"O título foi a protesto em {record.city}, protocolo {record.protocol} de {pt.day(record.protocol_date)}"
        f"{registered}: {record.outcome}."
    )

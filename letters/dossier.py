"""Which action the facts of a case suggest to the lawyer: words for the cover of the dossier, never a decision."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from domain.money import format_brl
from letters import pt
from letters.models import Suggestion

SMALL_CLAIMS_WAGES = 40
"""Minimum wages that a claim in the Juizado Especial may reach (Lei 9.099/1995 art. 3 I)."""


@dataclass(frozen=True)
class Claim:
    """What decides between the ways to court. `execution_ends` and `last_ends` are last days of limitation terms.

    `amount` and `minimum_wage` in reais; `written_proof`: there is a title, contract or invoice; `justified_refusal`:
    the debtor refused the goods or the invoice with a reason (Lei 5.474/1968 art. 15 II c); `small_creditor`: a person,
    MEI, micro or small company, who may sue in the Juizado (Lei 9.099/1995 art. 8 §1, LC 123/2006 art. 74).
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


def suggest(claim: Claim, on: date) -> Suggestion:
    """The action that the facts suggest on the day `on`, with its reason in Portuguese.

    Execution first, for a protested title with proof of delivery in its term (Lei 5.474/1968 art. 15 II; CPC 784 I);
    then the Juizado for a small creditor and claim; then the monitória for any written proof (CPC 700); the ordinary
    action where the proof is weak; none when the last term is over.
    """
    if on > claim.last_ends:
        return Suggestion("Não ajuizar", f"O último prazo de prescrição terminou em {pt.day(claim.last_ends)}.")
    lacking = _lacking_for_execution(claim, on)
    if not lacking:
        return Suggestion(
            "Execução de título extrajudicial",
            "Título protestado, com prova de entrega e sem recusa justificada (Lei 5.474/1968, art. 15, II; CPC, "
            f"art. 784, I), dentro do prazo da execução, que vai até {pt.day(claim.execution_ends)}.",
        )
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


def _lacking_for_execution(claim: Claim, on: date) -> str:
    lacks = (
        (not claim.protested, "o título não está protestado"),
        (not claim.delivery_proof, "falta prova de entrega"),
        (claim.justified_refusal, "houve recusa justificada"),
        (on > claim.execution_ends, f"o prazo da execução terminou em {pt.day(claim.execution_ends)}"),
    )
    return ", ".join(words for missing, words in lacks if missing)

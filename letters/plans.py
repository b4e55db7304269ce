"""What texts and documents show of an agreement (*acordo*): its instalments, its cost, its terms, in Brazilian words.

A consumer is told before he accepts: the sum with and without financing, the interest and its effective yearly rate,
number and dates of the instalments (CDC art. 52). Everyone is told that it is no new debt (CC art. 361), what happens
when an instalment stays unpaid, and that interest that has not run comes off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from domain.facts import Instalment
from domain.money import format_brl
from domain.plans import Proposal, last_days
from domain.policy import Offset
from letters import pt
from letters.models import Channel, PlanView

NO_NOVATION = (
    "O acordo é só uma forma de pagar: não cria dívida nova nem substitui a original (sem novação, Código Civil, "
    "art. 361)."
)
ACKNOWLEDGED = "Ao aceitar, o devedor reconhece a dívida descrita acima (Código Civil, art. 202, VI)."
QUITTANCE = "Pago o acordo até o fim, a dívida descrita acima está quitada, e nada mais se deve dela."
AT_REST = "Enquanto o acordo é cumprido, não pedimos outros pagamentos desta dívida."
EARLY = "Quem paga antes paga menos: os juros do parcelamento que ainda não correram são descontados"
SHORT_NO_NOVATION = "Sem novação"

Rows = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class PlanWords:
    """An agreement as texts show it: rows of name and value, and single words for sentences.

    `short` is all instalments and the total for an SMS. `next_*`, `last_day` and `open` are empty where no state was
    given or nothing is left; `last_day` is the last one to pay the next instalment before the agreement breaks.
    """

    instalments: Rows
    costs: Rows
    progress: Rows
    terms: tuple[str, ...]
    short: str
    short_terms: str
    total: str
    valid_until: str
    accept: str
    breach: str
    hint: str
    cash: bool
    next_name: str = ""
    next_due: str = ""
    next_open: str = ""
    last_day: str = ""
    paid: str = ""
    open: str = ""


def words(plan: PlanView, consumer: bool) -> PlanWords:
    """The agreement for the texts; what only consumer law says is left out for a company."""
    terms, state = plan.terms, plan.state
    following = state.next if state else None
    return PlanWords(
        instalments=instalment_rows(terms),
        costs=cost_rows(terms),
        progress=_progress(plan),
        terms=term_sentences(plan, consumer),
        short=_short(terms),
        short_terms=f"{SHORT_NO_NOVATION}; {_short_breach(plan.tolerance)}",
        total=format_brl(terms.total),
        valid_until=pt.day(terms.valid_until),
        accept=plan.accept,
        breach=breach(plan.tolerance),
        hint=plan.payment_hint,
        cash=terms.cash,
        next_name=part_name(following, terms) if following else "",
        next_due=pt.day(following.due) if following else "",
        next_open=format_brl(state.next_open) if state and following else "",
        last_day=pt.day(next(last_days([following], plan.tolerance))) if following else "",
        paid=format_brl(plan.paid),
        open=format_brl(state.open) if state else "",
    )


def offer_words(proposal: Proposal, channel: Channel = "email") -> str:
    """The words of an offer for `MessageData.offer`: what to pay when, in all, with what interest, and until when.

    `entrada de R$ 310,30 até 10/11/2026 e 3 parcelas de R$ 241,34 (a última de R$ 241,35), em 10/12/2026, ...`
    """
    if channel == "sms":
        return f"{_short(proposal)}, vale até {pt.short_day(proposal.valid_until)}"
    until = f"A proposta vale até {pt.day(proposal.valid_until)}."
    if proposal.cash:
        off = f", com desconto de {format_brl(proposal.discount)}" if proposal.discount else ""
        return f"{format_brl(proposal.total)} à vista, até {pt.day(proposal.instalments[0].due)}{off}. {until}"
    later = [part for part in proposal.instalments if part.number]
    down = [part for part in proposal.instalments if not part.number]
    entry = f"entrada de {format_brl(down[0].amount)} até {pt.day(down[0].due)} e " if down else ""
    return (
        f"{entry}{_series(later)}, em {_days([pt.day(part.due) for part in later])}, no total de "
        f"{format_brl(proposal.total)}, {_interest(proposal)}. {until}"
    )


def instalment_rows(terms: Proposal) -> Rows:
    """Each instalment with its day and amount: `Parcela 2 de 3, até 11/01/2027`, `R$ 241,34`."""
    return tuple(
        (f"{part_name(part, terms)}, até {pt.day(part.due)}", format_brl(part.amount)) for part in terms.instalments
    )


def part_name(part: Instalment, terms: Proposal) -> str:
    """`Entrada`, `Parcela 2 de 3`, or `Pagamento único`."""
    if terms.cash:
        return "Pagamento único"
    return f"Parcela {part.number} de {terms.instalments[-1].number}" if part.number else "Entrada"


def cost_rows(terms: Proposal) -> Rows:
    """What it costs: the debt, the discount, the sum without and with financing, interest and yearly rate."""
    rows = [(f"Total da dívida em {pt.day(terms.on)}", format_brl(terms.debt))]
    if terms.discount:
        rows.append(("Desconto para pagamento à vista", format_brl(-terms.discount)))
    if terms.cash:
        return (*rows, ("Total a pagar", format_brl(terms.total)))
    return (
        *rows,
        ("Total sem parcelamento", format_brl(terms.without_financing)),
        (f"Juros do parcelamento, {_rate(terms)}", format_brl(terms.interest)),
        ("Taxa efetiva anual (custo efetivo total)", pt.percent(terms.yearly_percent)),
        ("Total com parcelamento", format_brl(terms.total)),
    )


def term_sentences(plan: PlanView, consumer: bool) -> tuple[str, ...]:
    """What holds beside the numbers: no novation, what a breach revives, early payment, rest."""
    source = " (Código de Defesa do Consumidor, art. 52, § 2º)" if consumer else ""
    early = (f"{EARLY}{source}.",) if plan.terms.interest else ()
    return (NO_NOVATION, breach(plan.tolerance), *early, AT_REST)


def breach(tolerance: Offset) -> str:
    """What happens when an instalment stays unpaid."""
    late = f"atrasar mais de {pt.length(tolerance)}" if tolerance.amount else "não for paga até o vencimento"
    return (
        f"Se uma parcela {late}, o acordo perde o efeito: volta a valer o saldo da dívida original, com os seus "
        "acréscimos e menos tudo o que já foi pago (Código Civil, art. 354)."
    )


def _short_breach(tolerance: Offset) -> str:
    late = f"atraso acima de {pt.length(tolerance)}" if tolerance.amount else "atraso"
    return f"{late} desfaz o acordo, e o saldo original volta"


def _progress(plan: PlanView) -> Rows:
    """How far the agreement is kept."""
    if plan.state is None:
        return ()
    rows = [("Já pago no acordo", format_brl(plan.paid)), ("Falta pagar no acordo", format_brl(plan.state.open))]
    if plan.state.settlement < plan.state.open:
        rows.append(("Para quitar o acordo inteiro agora", format_brl(plan.state.settlement)))
    return tuple(rows)


def _rate(terms: Proposal) -> str:
    if terms.financing is None:
        return "nenhum"
    kind = "compostos, Tabela Price" if terms.financing.compound else "simples"
    return f"{pt.percent(terms.financing.monthly_percent)} ao mês, {kind}"


def _interest(terms: Proposal) -> str:
    if terms.financing is None:
        return "sem juros"
    return (
        f"com juros de {pt.percent(terms.financing.monthly_percent)} ao mês "
        f"({format_brl(terms.interest)}; taxa efetiva de {pt.percent(terms.yearly_percent)} ao ano)"
    )


def _series(parts: Sequence[Instalment]) -> str:
    """`3 parcelas de R$ 241,34 (a última de R$ 241,35)`."""
    if len(parts) == 1:
        return f"1 parcela de {format_brl(parts[0].amount)}"
    first, last = parts[0].amount, parts[-1].amount
    rounding = f" (a última de {format_brl(last)})" if last != first else ""
    return f"{len(parts)} parcelas de {format_brl(first)}{rounding}"


def _days(days: Sequence[str]) -> str:
    *others, last = days
    return f"{', '.join(others)} e {last}" if others else last


def _short(terms: Proposal) -> str:
    """`entrada 310,30 em 10/11/26; 241,34 em 10/12/26 e 11/01/27; 241,35 em 10/02/27; total R$ 1.034,33, sem juros`."""
    if terms.cash:
        off = f" (desconto de {pt.number(terms.discount)})" if terms.discount else ""
        return f"{format_brl(terms.total)} à vista até {pt.short_day(terms.instalments[0].due)}{off}"
    groups = groupby(terms.instalments, key=lambda part: (not part.number, part.amount))
    parts = "; ".join(_short_group(list(group)) for _, group in groups)
    interest = "sem juros"
    if terms.interest:
        interest = f"juros {pt.number(terms.interest)} ({pt.percent(terms.yearly_percent)} ao ano)"
    return f"{parts}; total {format_brl(terms.total)}, {interest}"


def _short_group(parts: Sequence[Instalment]) -> str:
    name = "" if parts[0].number else "entrada "
    return f"{name}{pt.number(parts[0].amount)} em {_days([pt.short_day(part.due) for part in parts])}"

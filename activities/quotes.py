"""Which payment codes a message shows: what they must ask for, which of them are there already, who makes the others.

A code is made at the provider before the message is written, outside every transaction; the message then shows what
stands in `payment_code`. Where the amount changed in between, the message goes out without a code rather than with a
wrong one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TypeVar
from uuid import UUID

from sqlalchemy import Connection, select

from activities import codes
from activities.desk import at_desk
from activities.world import World
from contract.messages import Next, Perform
from db.rows import PAYMENT_CODE
from db.settings import CreditorSettings
from domain import facts as f
from domain.case import LIVE, Case
from domain.errors import ProviderError, Unavailable, Unknown
from domain.policy import Policy

Intended = TypeVar("Intended")

WITH_CODE = frozenset(
    {"promessa-confirmada", "agradecimento-parcial", "pagamento-estornado", "acordo-quebrado", "resposta-segunda-via"}
)
"""Words beside the ladder that ask for the debt and so show how to pay it."""
WITH_INSTALMENT = frozenset({"acordo-confirmado", "parcela-lembrete", "parcela-atrasada"})
"""Words about a plan that show how to pay its next instalment."""


@dataclass(frozen=True)
class Quote:
    """What a code must ask for: reais, for a case and, in a plan, one of its instalments."""

    case_id: UUID
    creditor_id: UUID
    amount: Decimal
    instalment: int = 0
    static_ok: bool = False


def quote(case: Case, creditor_id: UUID, policy: Policy, text_id: str, ladder: bool, today: date) -> Quote | None:
    """The code that a text about this case shows; None where it shows none, as while the title is at the notary."""
    if case.protest.state in LIVE or case.wholly_disputed():
        return None
    static_ok = all(step.do != "protest" for step in policy.steps)
    if text_id in WITH_INSTALMENT:
        state = case.plan_state(today, policy.tolerance)
        if state is None or state.next is None:
            return None
        return Quote(UUID(case.id), creditor_id, state.next_open, state.next.number + 1, static_ok)
    if not (ladder or text_id in WITH_CODE):
        return None
    promised = case.promise.amount if case.promise and text_id == "promessa-confirmada" else None
    amount = promised or case.demand(today)
    return Quote(UUID(case.id), creditor_id, amount, 0, static_ok) if amount > 0 else None


def offered(settings: CreditorSettings, wanted: Sequence[Quote]) -> list[Quote]:
    """Those of the quotes that this creditor can make codes for."""
    pix = settings.pix
    return [q for q in wanted if pix is not None and (pix.mode == "api" or q.static_ok)]


def standing(conn: Connection, wanted: Sequence[Quote], today: date) -> dict[UUID, str]:
    """The codes that ask for just this, payable tomorrow at least, by case."""
    if not wanted:
        return {}
    rows = conn.execute(
        select(PAYMENT_CODE).where(
            PAYMENT_CODE.c.case_id.in_([q.case_id for q in wanted]),
            PAYMENT_CODE.c.state == "active",
            PAYMENT_CODE.c.valid_until > today,
        )
    ).all()
    asked = {(q.case_id, q.instalment): q.amount for q in wanted}
    return {row.case_id: row.br_code for row in rows if asked.get((row.case_id, row.instalment)) == row.amount}


@dataclass(frozen=True)
class Codes:
    """Payment codes that a message is to show and that are still to be made."""

    wanted: tuple[Quote, ...]
    today: date


def with_codes(world: World, given: Perform, intend: Callable[[bool], Intended | Codes | Next]) -> Intended | Next:
    """What an action intends, after the payment codes that it shows were made; an instruction where they cannot be.

    `intend` says what, or which codes are missing if it is told that they can still be made.
    """
    intended = intend(True)
    if isinstance(intended, Codes):
        try:
            _make(world, intended)
        except ProviderError as error:
            return not_made(world, given, error)
        intended = intend(False)
    return not_made(world, given, Unavailable("code-missing", "")) if isinstance(intended, Codes) else intended


def _make(world: World, missing: Codes) -> None:
    """Have the missing codes made. Raises `ProviderError`; asking again later is always right."""
    for q in missing.wanted:
        codes.offer(
            world,
            case_id=q.case_id,
            creditor_id=q.creditor_id,
            amount=q.amount,
            today=missing.today,
            instalment=q.instalment,
            static_ok=q.static_ok,
        )


def not_made(world: World, given: Perform, error: ProviderError) -> Next:
    """The instruction where the bank did not do what an action needs first: later, or a person where it refuses."""
    transient = isinstance(error, Unavailable | Unknown)
    failed = f.ActionFailed(given.action, given.step, "Unavailable" if transient else error.code, transient)
    with at_desk(world, given.case_id, given.at) as desk:
        if done := desk.recorded(given.generation, given.seq):
            return done
        desk.read_inbox()
        return desk.conclude_with(given, failed)

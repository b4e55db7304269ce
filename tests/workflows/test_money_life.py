"""Money on the real server: promises, pauses, charges, crumbs, codes that are paid, plans that are kept."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from people import set_creditor
from sqlalchemy import insert, select

from activities.money import take
from activities.saying import PROPOSAL
from db.rows import PAYMENT_CODE, PLAN
from domain import facts as f
from domain.matching import Movement
from domain.plans import propose
from domain.policy import Offer, PlanRules
from domain.policy_file import parse_policy

pytestmark = pytest.mark.asyncio(loop_scope="session")

HEAD = """\
policy: teste
title: Régua de teste
contact: {hours: {mon-fri: "09:00-18:00"}, per_day: 1, per_week: 5}
tolerance: 5.00
payments: {respite: 2bd, principal_only: keep}
steps:
  - {id: um,   at: due + 3d,  do: contact, by: [email], text: atraso-cordial}
  - {id: dois, at: due + 12d, do: contact, by: [email], text: atraso-firme}
"""
POLICY = parse_policy(HEAD, "teste.yaml")
PIX = {"mode": "api", "key": "contas@credora.example.com", "name": "CREDORA FICTICIA", "city": "SAO PAULO", "days": 7}


async def reminded(office: Any, **how: Any) -> Any:
    """A case whose first reminder went out."""
    life = await office.open(POLICY, due_in=-1, **how)
    await life.until(lambda _: "contact_sent" in life.book())
    return life


def steps(life: Any) -> list[str]:
    """What was said, by text."""
    return [contact.text_id for contact in life.contacts()]


async def test_s8_a_promise_on_the_real_server_holds_the_ladder_until_the_day_after(office) -> None:
    life = await reminded(office)
    day = await life.today() + timedelta(days=11)
    await life.tell(f.PromiseMade(str(uuid4()), day))
    await life.until(lambda _: "promise_broken" in life.book())
    assert await life.today() > day
    await life.until(lambda _: "atraso-firme" in steps(life))
    assert steps(life) == ["atraso-cordial", "promessa-confirmada", "atraso-firme"]


async def test_s9_a_pause_on_the_real_server_holds_what_is_due_inside_and_sends_no_burst(office) -> None:
    life = await reminded(office)
    today = await life.today()
    await life.tell(f.Paused(today, today + timedelta(days=20)))
    await life.days(19)
    await life.settle()
    assert steps(life) == ["atraso-cordial"]
    await life.until(lambda _: len(life.contacts()) == 2)
    assert await life.today() > today + timedelta(days=20)


async def test_s11_on_the_real_server_charges_left_over_stop_growing_and_the_reason_stands_in_the_schedule(
    office,
) -> None:
    life = await reminded(office)
    await life.tell(f.PaymentReceived("pix-1", Decimal("1000.00"), await life.today()))
    await life.until(lambda row: row.next_reason == "respite after a part payment")
    balance = life.row().balance
    assert 0 < balance < 50
    await life.until(lambda _: "atraso-firme" in steps(life))
    assert life.row().balance == balance
    assert life.row().stage != "closed"


async def test_s12_on_the_real_server_crumbs_close_the_case_as_paid_with_the_difference_recorded(office) -> None:
    life = await reminded(office)
    owed = life.row().balance
    await life.tell(f.PaymentReceived("pix-1", owed - Decimal("4.00"), await life.today()))
    await life.until(lambda row: row.stage == "closed")
    (closed,) = life.entries("closed")
    assert (closed["outcome"], Decimal(closed["waived"]) <= 5) == ("paid", True)


async def test_a_code_sent_with_a_reminder_is_paid_days_later_and_settles_the_debt_of_its_day(office, sandbox) -> None:
    life = await office.open(POLICY, due_in=-1)
    set_creditor(office.world.engine, life.ids.creditor, pix=PIX)
    await life.until(lambda _: "contact_sent" in life.book())
    code = codes(office, life)[-1]
    assert code.br_code in life.contacts()[0].body
    await life.days(4)
    now = await life.now()
    movement = Movement(reference="E" + "0" * 31, amount=code.amount, paid_on=now.date(), source="pix", txid=code.txid)
    with office.world.engine.begin() as conn:
        taken = take(conn, life.ids.creditor, [movement], "bank", now)
    await office.courier.deliver(taken.facts)
    await life.until(lambda row: row.stage == "closed")
    (paid,) = life.entries("payment")
    assert (paid["quoted_on"], life.row().outcome) == (code.quoted_on.isoformat(), "paid")
    assert codes(office, life)[-1].state == "paid"


async def test_money_that_the_bank_told_of_and_a_raw_signal_repeats_counts_once_and_is_asked_about(office) -> None:
    life = await reminded(office)
    today, part = await life.today(), Decimal("400.00")
    movement = Movement(reference="E" + "1" * 31, amount=part, paid_on=today, source="pix", case=str(life.ids.case))
    with office.world.engine.begin() as conn:
        taken = take(conn, life.ids.creditor, [movement], "bank", await life.now())
    await office.courier.deliver(taken.facts)
    await life.until(lambda _: "payment" in life.book())
    await life.handle.signal("payment", {"amount": "400.00", "reference": "comprovante-1"})
    await life.until(lambda _: "unreadable" in life.book())
    assert len(life.entries("payment")) == 1
    assert [task.kind for task in life.tasks() if task.kind == "unreadable-message"]
    (asked,) = life.entries("unreadable")
    assert asked["name"] == "payment-maybe-counted"


async def test_a_plan_kept_on_the_real_server_settles_the_debt_with_a_code_for_each_instalment(office) -> None:
    life = await reminded(office)
    set_creditor(office.world.engine, life.ids.creditor, pix=PIX)
    today, owed = await life.today(), life.row().balance
    offer, rules = Offer("tres", 3, Decimal(30)), PlanRules(minimum=Decimal(10))
    terms = propose(offer, rules, owed, Decimal("1000.00"), 4, consumer=False, today=today)
    plan = uuid4()
    with office.world.engine.begin() as conn:
        conn.execute(
            insert(PLAN).values(
                id=plan, case_id=life.ids.case, state="agreed", terms=PROPOSAL.dump_python(terms, mode="json"),
                total=terms.total, text_hash="", accepted_by="", accepted_how="phone", offered_at=await life.now(),
            )
        )  # fmt: skip
    await life.tell(f.PlanAgreed(str(plan), terms.instalments, financing=terms.financing, how="phone"))
    for part in terms.instalments:
        await life.until(partial(_is_asked_for, office, life, part))
        await life.tell(f.PaymentReceived(f"pix-{part.number}", part.amount, await life.today()))
        await life.settle()
    await life.until(lambda row: row.stage == "closed")
    assert "plan_completed" in life.book() or life.row().outcome == "paid"
    assert {code.instalment for code in codes(office, life)} >= {part.number + 1 for part in terms.instalments}
    assert steps(life)[-1] in ("acordo-concluido", "agradecimento")
    await life.record("plan-kept")


def _is_asked_for(office: Any, life: Any, part: f.Instalment, _row: Any) -> bool:
    """Has the debtor been sent a code for this instalment? Codes count from 1; 0 is the whole debt."""
    return any(code.instalment == part.number + 1 for code in codes(office, life))


def codes(office: Any, life: Any) -> list[Any]:
    """The payment codes of a case, oldest first."""
    with office.world.engine.connect() as conn:
        query = select(PAYMENT_CODE).where(PAYMENT_CODE.c.case_id == life.ids.case).order_by(PAYMENT_CODE.c.created_at)
        return list(conn.execute(query).all())

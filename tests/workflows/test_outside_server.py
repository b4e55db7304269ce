"""On the real server: a case at the lawyer, at the notaries' central and at a bureau, until it is undone and closed."""

from __future__ import annotations

import json
import zipfile
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from people import new_staff
from sqlalchemy import select

from activities.dossier import verify_dossier
from db.rows import NOTICE
from domain import facts as f
from domain.policy_file import parse_policy

pytestmark = pytest.mark.asyncio(loop_scope="session")

HEAD = """\
policy: fora
title: Régua com terceiros
contact: {hours: {mon-fri: "09:00-18:00"}, per_day: 1, per_week: 3}
steps:
  - {id: aviso, at: due + 1bd, do: contact, by: [email], text: atraso-cordial}
  - {id: notificacao, at: due + 5d, do: notice, by: [email], text: notificacao-previa, deadline: 3bd}
"""
LIST = "  - {id: negativacao, at: notice.deadline, do: list, deadline: 10d, approve: supervisor}\n"
NEGOTIATE = "  - {id: negociacao, at: notice.deadline, do: negotiate, within: 5d, approve: supervisor}\n"
PROTEST = "  - {id: protesto, at: previous + 1bd, do: protest, approve: supervisor}\n"
LEGAL = "  - {id: juridico, at: notice.deadline + 1bd, do: legal, within: 2bd}\n"


async def ready(office: Any, steps: str) -> Any:
    """A case whose notice is proved and whose next firm step waits for approval."""
    new_staff(office.world.engine, "supervisora", "supervisor")
    new_staff(office.world.engine, "gerente", "manager")
    life = await office.open(parse_policy(HEAD + steps, "fora.yaml"), due_in=4)
    await life.until(lambda _: "notice_issued" in life.book())
    with office.world.engine.connect() as conn:
        notice = conn.execute(select(NOTICE.c.id).where(NOTICE.c.case_id == life.ids.case)).scalar_one()
    await life.tell(f.NoticeProved(str(notice), "email", "delivered", await life.today()))
    await life.until(lambda row: row.next_reason == "awaits approval")
    return life


def kinds(life: Any) -> list[str]:
    return [task.kind for task in life.tasks()]


async def test_in_legal_a_missing_receipt_alarms_and_a_payment_arrives_the_same_day(office: Any) -> None:
    life = await ready(office, LEGAL)
    await life.approve("gerente")
    await life.until(lambda row: row.stage == "legal", within=5)
    folder = office.world.letters.parent / "legal"
    dossier = folder / f"{life.ids.case}.zip"
    assert verify_dossier(dossier) == []
    assert "conferencia.txt" in zipfile.ZipFile(dossier).namelist()
    await life.until(lambda _: "receipt-missing" in kinds(life), within=10)
    await life.tell(f.HandOverAcknowledged("legal", await life.today()))
    assert "receipt-missing" not in kinds(life)
    day = await life.today()
    await life.tell(f.PaymentReceived("pix-1", Decimal("100.00"), day))
    await life.settle()
    assert life.entries("passed_on")[0]["what"] == "payment"
    assert await life.today() == day
    (word,) = folder.glob("*.json")
    assert json.loads(word.read_text())["reference"] == "pix-1"
    await life.tell(f.HandOverReported("legal", "filed", day))
    await life.tell(f.PaymentReceived("pix-2", Decimal("5000.00"), await life.today()))
    await life.until(lambda row: row.stage == "closed", within=5)
    await life.record("in-legal-then-paid")


async def test_s14_a_proposal_that_nobody_answers_becomes_a_protest_and_is_undone_when_he_pays(office: Any) -> None:
    life = await ready(office, NEGOTIATE + PROTEST)
    await life.approve("supervisora")
    await life.until(lambda row: row.next_reason == "proposal at the central", within=5)
    proposal = life.entries("negotiation_proposed")[0]["proposal_id"]
    await life.tell(f.NegotiationAnswered(proposal, "converted", await life.today(), protocol="99"))
    await life.tell(f.PaymentReceived("pix-1", Decimal("5000.00"), await life.today()))
    await life.settle()
    assert "withdrawal_queued" in life.book()
    await life.tell(f.TitleWithdrawn(proposal, await life.today()))
    await life.until(lambda row: row.stage == "closed", within=5)
    await life.record("proposal-converted-then-paid")


async def test_s21_while_the_bank_has_an_instruction_of_its_own_nothing_is_listed(office: Any) -> None:
    life = await ready(office, LIST)
    await life.tell(f.BankOrder("listing", active=True))
    await life.approve("supervisora")
    await life.days(3)
    await life.settle()
    assert "listing_requested" not in life.book()
    await life.tell(f.BankOrder("listing", active=False))
    await life.until(lambda _: "listing_requested" in life.book(), within=5)


async def test_s2_without_the_bureaus_own_notice_an_entry_is_removed_and_after_payment_the_case_waits_for_it(
    office: Any,
) -> None:
    life = await ready(office, LIST)
    await life.approve("supervisora")
    await life.until(lambda _: "listing_requested" in life.book(), within=5)
    listing = life.entries("listing_requested")[0]["listing_id"]
    await life.tell(f.ListingNotified(listing, await life.today()))
    await life.days(12)
    await life.tell(f.Listed(listing, await life.today()))
    paid_on = await life.today()
    await life.tell(f.PaymentReceived("pix-1", Decimal("5000.00"), paid_on))
    await life.until(lambda _: "removal-late" in kinds(life), within=15)
    assert await life.today() > paid_on + timedelta(days=5)
    assert life.row().stage != "closed"
    await life.tell(f.ListingRemoved(listing, await life.today()))
    await life.until(lambda row: row.stage == "closed", within=5)
    await life.record("listed-then-paid")

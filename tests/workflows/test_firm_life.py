"""The firm part of a life on the real server: notice, approval, protest, legal; and every way out of it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from people import ladder, new_staff
from sqlalchemy import select

from db.rows import NOTICE, ORDER, TITLE
from domain import facts as f

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def until_notice(office: Any) -> Any:
    """A case of the companies' ladder, lived until its notice was issued."""
    new_staff(office.world.engine, "supervisora", "supervisor")
    new_staff(office.world.engine, "supervisor2", "supervisor")
    new_staff(office.world.engine, "gerente", "manager")
    life = await office.open(ladder("padrao-b2b"), due_in=4)
    await life.until(lambda _: "notice_issued" in life.book())
    return life


async def until_queued(office: Any) -> Any:
    """The same, with the notice proved, its deadline over, and the protest approved."""
    life = await until_notice(office)
    await life.tell(f.NoticeProved(str(notice(life).id), "email", "delivered", await life.today()))
    await life.until(lambda row: row.next_reason == "awaits approval")
    await life.approve("supervisora")
    await life.until(lambda _: "title_queued" in life.book(), within=3)
    return life


def notice(life: Any) -> Any:
    """The notice of a case."""
    with life.office.world.engine.connect() as conn:
        return conn.execute(select(NOTICE).where(NOTICE.c.case_id == life.ids.case)).one()


def title(life: Any) -> Any:
    """The title of a case."""
    with life.office.world.engine.connect() as conn:
        return conn.execute(select(TITLE).where(TITLE.c.case_id == life.ids.case)).one()


def open_orders(life: Any) -> list[str]:
    """What the notary is still to be asked about the title."""
    with life.office.world.engine.connect() as conn:
        query = select(ORDER.c.kind).where(ORDER.c.title_id == title(life).id, ORDER.c.state == "queued")
        return list(conn.execute(query).scalars())


async def at_the_notary(life: Any) -> str:
    """The title was sent and confirmed."""
    title_id, today = str(title(life).id), await life.today()
    await life.tell(f.TitleSent(title_id, today))
    await life.tell(f.TitleConfirmed(title_id, today, today + timedelta(days=5)))
    return title_id


async def test_a_whole_firm_life_from_the_first_word_to_the_dossier(office) -> None:
    life = await until_queued(office)
    title_id = await at_the_notary(life)
    await life.tell(f.TitleRegistered(title_id, await life.today()))
    await life.until(lambda row: row.next_reason == "awaits approval")
    await life.approve("gerente")
    await life.until(lambda row: row.stage == "legal", within=3)
    assert life.row().next_reason == "in legal"
    await life.record("protested-then-legal")
    await life.tell(f.PaymentReceived("pix-late", Decimal("2000.00"), await life.today()))
    await life.until(lambda row: row.next_reason == "waits for a person's signature", within=5)
    (task,) = [task for task in life.tasks() if task.kind == "sign-consent"]
    await life.tell(f.TaskDone(str(task.id), "signed and delivered"))
    assert life.entries("refused")[-1]["code"] == "not-delivered"
    await life.tell(f.ConsentSigned(title_id, "diretora", "cenprot", await life.today(), ""))
    await life.tell(f.ConsentDelivered(title_id, "cenprot", await life.today()))
    await life.until(lambda row: row.stage == "closed", within=5)
    await life.record("consent-delivered")


@pytest.mark.parametrize("level", ["none", "sent"])
async def test_s2_without_proof_of_delivery_no_protest_is_even_asked_for(office, level: f.Level | str) -> None:
    life = await until_notice(office)
    if level == "sent":
        await life.tell(f.NoticeProved(str(notice(life).id), "email", "sent", await life.today()))
    await life.days(25)
    await life.settle()
    assert "approval_asked" not in life.book()


async def test_s2_an_undeliverable_notice_is_released_by_two_different_people_and_never_called_delivered(
    office,
) -> None:
    life = await until_notice(office)
    for way in ("email", "letter"):
        await life.tell(f.NoticeReturned(str(notice(life).id), way, "unknown"))
    assert life.row().next_reason == "awaits approval"
    await life.approve("supervisora")
    assert life.entries("refused")[-1]["code"] == "not-enough-words"
    await life.approve("supervisor2")
    await life.settle()
    assert "notice_released" in life.book()
    assert notice(life).state == "attempted-released"
    assert notice(life).proof_level in ("", "sent")
    await life.record("notice-released-by-two")


async def test_s2_an_approval_without_rows_of_signed_in_people_does_not_count(office) -> None:
    life = await until_notice(office)
    await life.tell(f.NoticeProved(str(notice(life).id), "email", "delivered", await life.today()))
    await life.until(lambda row: row.next_reason == "awaits approval")
    await life.approve()
    assert "title_queued" not in life.book()
    assert life.entries("refused")[-1]["code"] == "not-enough-words"


async def test_payment_while_the_title_waits_in_the_queue_takes_it_out(office) -> None:
    life = await until_queued(office)
    await life.tell(f.PaymentReceived("pix-1", Decimal("2000.00"), await life.today()))
    await life.until(lambda row: row.stage == "closed", within=5)
    assert title(life).state == "unqueued"
    assert open_orders(life) == []


async def test_payment_during_the_three_day_term_asks_the_notary_to_give_the_title_back(office) -> None:
    life = await until_queued(office)
    title_id = await at_the_notary(life)
    await life.tell(f.PaymentReceived("pix-1", Decimal("2000.00"), await life.today()))
    await life.until(lambda _: open_orders(life) == ["withdraw"], within=3)
    await life.until(lambda row: row.next_reason == "waits for the notary to give the title back", within=5)
    await life.tell(f.TitleWithdrawn(title_id, await life.today()))
    await life.until(lambda row: row.stage == "closed", within=5)
    assert life.row().outcome == "paid"
    await life.record("withdrawn-after-payment")


async def test_a_withdrawal_that_comes_too_late_ends_in_a_letter_of_consent(office) -> None:
    life = await until_queued(office)
    title_id = await at_the_notary(life)
    await life.tell(f.PaymentReceived("pix-1", Decimal("2000.00"), await life.today()))
    await life.tell(f.TitleRegistered(title_id, await life.today()))
    await life.until(lambda _: any(task.kind == "sign-consent" for task in life.tasks()), within=5)
    await life.record("withdrawn-too-late")


async def test_paid_at_the_notary_closes_the_case_and_waives_the_rest(office) -> None:
    life = await until_queued(office)
    await at_the_notary(life)
    await life.tell(f.PaymentReceived("cra-1", Decimal("1000.00"), await life.today(), "cra", at_notary=True))
    await life.until(lambda row: row.stage == "closed", within=5)
    assert life.row().outcome == "paid-at-notary"
    assert Decimal(life.entries("closed")[0]["waived"]) > 0
    await life.record("paid-at-the-notary")


async def test_a_returned_title_is_corrected_by_a_person_and_presented_again_after_a_new_approval(office) -> None:
    life = await until_queued(office)
    title_id = await at_the_notary(life)
    await life.tell(f.TitleReturned(title_id, ("06",), representable=True))
    (task,) = [task for task in life.tasks() if task.kind == "correct-title"]
    await life.tell(f.TaskDone(str(task.id), "address corrected"))
    await life.until(lambda row: row.next_reason == "awaits approval", within=3)
    await life.approve("supervisora")
    await life.until(lambda _: life.book().count("title_queued") == 2, within=3)
    await life.record("returned-and-presented-again")

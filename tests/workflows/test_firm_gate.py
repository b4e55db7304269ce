"""S2, S15, S18 and S21 on the real server: no path leads a title to the notary but through the open gate."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import insert, select, update
from test_firm_life import notice, until_notice

from db.rows import CONTACT, DOCUMENT, INVOICE, TITLE
from domain import facts as f

pytestmark = pytest.mark.asyncio(loop_scope="session")


def titles(life: Any) -> list[Any]:
    """What was ever queued for the notary."""
    with life.office.world.engine.connect() as conn:
        return list(conn.execute(select(TITLE).where(TITLE.c.case_id == life.ids.case)).all())


def task(life: Any, kind: str) -> Any:
    """The only open task of a kind."""
    (found,) = [row for row in life.tasks() if row.kind == kind]
    return found


def has_task(life: Any, kind: str) -> bool:
    return any(row.kind == kind for row in life.tasks())


async def deliver(life: Any) -> None:
    """The notice's e-mail was accepted where it should go."""
    await life.tell(f.NoticeProved(str(notice(life).id), "email", "delivered", await life.today()))


async def test_s2_before_the_deadline_every_path_gives_the_same_answer_and_changes_nothing(office) -> None:
    life = await until_notice(office)
    await deliver(life)
    forged = f.TitleQueued("protesto", str(uuid4()), life.row().balance)
    await life.tell(forged, actor="clerk", key="bulk:1")  # a stored fact: staff, bulk, file
    assert life.entries("refused")[-1]["code"] == "gate-shut"
    await life.handle.signal("title_queued", f.to_json(forged))  # a raw message
    await life.settle()
    assert life.entries("unreadable")[-1]["name"] == "title_queued"
    await life.tell(f.TaskDone(str(task(life, "unreadable-message").id), "a mistake"))
    await life.days(1)  # time
    await life.settle()
    assert "approval_asked" not in life.book()
    assert titles(life) == []
    assert life.row().stage == "notice"


async def test_s21_while_the_banks_own_instruction_is_active_ours_is_refused_until_the_bank_confirms_its_withdrawal(
    office,
) -> None:
    life = await until_notice(office)
    await life.tell(f.BankOrder("protest", active=True, source="import"))
    await deliver(life)
    await life.until(lambda _: has_task(life, "complete-title"))
    assert task(life, "complete-title").details == ["bank-protest"]
    await life.tell(f.TaskDone(str(task(life, "complete-title").id), "done"))
    await life.until(lambda _: has_task(life, "complete-title"), within=3)
    assert "approval_asked" not in life.book(), "the word of a clerk does not end the bank's instruction"
    await life.tell(f.BankOrder("protest", active=False, source="staff"))
    await life.until(lambda row: row.next_reason == "awaits approval", within=3)
    await life.approve("supervisora")
    await life.until(lambda _: "title_queued" in life.book(), within=3)
    await life.tell(f.BankOrder("protest", active=True, source="import"))
    assert life.entries("title_unqueued")[-1]["reason"] == "not-eligible"
    await life.record("bank-order-withdrawn")


async def test_s15_what_a_title_lacks_is_one_task_with_the_whole_list_and_what_is_supplied_takes_it_on(office) -> None:
    life = await until_notice(office)
    with office.world.engine.begin() as conn:
        conn.execute(update(INVOICE).where(INVOICE.c.id == life.ids.invoice).values(delivery_proof=""))
    await life.tell(f.PortfolioChanged("discounted", "import"))
    await deliver(life)
    await life.until(lambda _: has_task(life, "complete-title"))
    asked = task(life, "complete-title")
    assert (asked.owner, asked.details) == ("supervisor", ["portfolio-discounted", "paper:delivery-proof"])
    await life.tell(f.PortfolioChanged("simple", "import"))
    await life.until(lambda _: task(life, "complete-title").details == ["paper:delivery-proof"], within=3)
    assert task(life, "complete-title").owner == "clerk"
    document = {
        "id": uuid4(), "case_id": life.ids.case, "kind": "delivery-proof", "name": "canhoto.pdf", "size": 1,
        "mime": "application/pdf", "sha256": "0" * 64, "created_at": await life.now(),
    }  # fmt: skip
    with office.world.engine.begin() as conn:
        conn.execute(insert(DOCUMENT).values(document))
    await life.tell(f.DocumentAttached(str(document["id"]), "delivery-proof"))
    await life.until(lambda row: row.next_reason == "awaits approval", within=3)
    assert not has_task(life, "complete-title")


async def test_s18_the_letter_came_back_and_the_email_bounced_two_people_release_what_is_called_attempted(
    office,
) -> None:
    life = await until_notice(office)
    await life.tell(f.NoticeReturned(str(notice(life).id), "email", "bounce"))
    await life.tell(f.NoticeReturned(str(notice(life).id), "letter", "unknown-address"))
    await life.until(lambda row: row.next_reason == "awaits approval", within=5)
    assert life.entries("notice_sent_again")[-1]["sendings"] == [], "there was no second address"
    assert "notice_undeliverable" in life.book()
    await life.approve("supervisora")
    assert titles(life) == []
    await life.approve("supervisor2")
    assert notice(life).state == "attempted-released"
    with office.world.engine.connect() as conn:
        sent = select(CONTACT.c.channel).where(CONTACT.c.debtor_id == life.ids.debtor, CONTACT.c.purpose == "notice")
        assert sorted(conn.execute(sent).scalars()) == ["email", "letter"]


async def test_an_approval_that_nobody_answers_goes_to_the_next_role_and_never_through(office) -> None:
    life = await until_notice(office)
    await deliver(life)
    await life.until(lambda row: row.next_reason == "awaits approval")
    approval = life.entries("approval_asked")[-1]["approval_id"]
    await life.days(3)
    await life.tell(f.ApprovalOverdue(approval), actor="engine")
    assert life.entries("approval_escalated")[-1]["role"] == "manager"
    assert titles(life) == []
    await life.approve("gerente")
    await life.until(lambda _: "title_queued" in life.book(), within=3)

"""The budget on real rows: what other cases, other debtors, lists, places and habits do to a contact at the desk."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from people import Opened, short_ladder
from sqlalchemy import Engine, insert, select, update

from db.rows import BLOCK_ENTRY, CASE, CONTACT, CONTACT_CASE, CONTACT_POINT, DEBTOR, HOLIDAY, SCHEDULE, WEBHOOK_EVENT
from domain.policy import Policy
from domain.policy_file import parse_policy
from tests.audit.lives import DUE, Life, Town

SP = ZoneInfo("America/Sao_Paulo")
TUESDAY = date(2026, 3, 10)
MORNING = datetime(2026, 3, 10, 9, 18, tzinfo=SP)
"""When a step of Tuesday comes with the jitter of the samples: a tenth of a third of nine hours after nine."""
EMAIL, SMS = ("email", "contas@devedora.example.com"), ("sms", "+5511900000001")
IN_ACRE = ("sms", "+5568999990000")


def ladder(by: str, contact: str = "") -> Policy:
    """One friendly step on the due date."""
    step = f"steps:\n  - {{id: um, at: due, do: contact, by: [{by}], text: atraso-cordial}}\n"
    rules = f'contact: {{hours: {{mon-fri: "09:00-18:00"}}, per_day: 3, per_week: 9{contact}}}\n'
    return parse_policy(f"policy: teste\n{rules}{step}", "teste.yaml")


@pytest.fixture
def town(engine: Engine, tmp_path: Path) -> Town:
    return Town(engine, tmp_path)


def decided(life: Life) -> dict[str, Any]:
    """What the step came to, as the book tells it."""
    kinds = ("contact_sent", "contact_deferred", "unreachable")
    life.until(lambda: any(kind in kinds for kind in life.kinds()))
    return next(row.body for row in reversed(life.book) if row.kind in kinds)


def deferred(life: Life) -> tuple[str, datetime]:
    body = decided(life)
    return body["reason"], datetime.fromisoformat(body["until"])


def contacts(town: Town, life: Life) -> list[Any]:
    with town.engine.connect() as conn:
        mine = select(CONTACT).where(CONTACT.c.debtor_id == life.ids.debtor, CONTACT.c.purpose == "ladder")
        return list(conn.execute(mine.order_by(CONTACT.c.planned_at)).all())


def contacted(town: Town, ids: Opened, at: datetime, channel: str = "email", **values: Any) -> Any:
    """A contact of another day, or of another case."""
    with town.engine.begin() as conn:
        point = conn.execute(
            select(CONTACT_POINT.c.id).where(
                CONTACT_POINT.c.debtor_id == ids.debtor, CONTACT_POINT.c.channel == channel
            )
        ).scalar_one()
        row = {
            "id": uuid4(), "creditor_id": ids.creditor, "debtor_id": ids.debtor, "contact_point_id": point,
            "channel": channel, "purpose": "ladder", "text_id": "lembrete", "subject": "", "body": "",
            "content_hmac": "", "short_ref": "", "counts": True, "state": "delivered", "provider_id": "",
            "segments": 1, "planned_at": at,
        } | values  # fmt: skip
        conn.execute(insert(CONTACT).values(row))
        link = {"contact_id": row["id"], "case_id": ids.case, "step": f"x:{row['id']}", "attempt": 1, "lead": True}
        conn.execute(insert(CONTACT_CASE).values(link))
    return row["id"]


def listed(town: Town, kind: str, value: str, uf: str = "SP") -> None:
    row = {"id": uuid4(), "uf": uf, "kind": kind, "value": value, "registered_on": date(2026, 1, 5),
           "source": "lista de teste", "loaded_at": datetime.now(UTC)}  # fmt: skip
    with town.engine.begin() as conn:
        conn.execute(insert(BLOCK_ENTRY).values(row))


# --- caps ------------------------------------------------------------------------------------------------------------
def test_a_contact_of_an_earlier_hour_makes_the_next_wait_and_the_schedule_shows_until_when_and_why(town: Town) -> None:
    life = town.life(ladder("email"))
    contacted(town, life.ids, MORNING - timedelta(hours=1), "sms")
    assert deferred(life) == ("spacing", datetime(2026, 3, 10, 12, 18, tzinfo=SP))
    with town.engine.connect() as conn:
        steps = conn.execute(select(SCHEDULE.c.steps).order_by(SCHEDULE.c.version.desc()).limit(1)).scalar_one()
    assert (steps[0]["reason"], steps[0]["until"]) == ("spacing", "2026-03-10T12:18:00-03:00")
    life.until(lambda: "contact_sent" in life.kinds())
    assert contacts(town, life)[-1].planned_at >= datetime(2026, 3, 10, 12, 18, tzinfo=SP)


def test_what_bounced_does_not_count(town: Town) -> None:
    life = town.life(ladder("email"))
    contacted(town, life.ids, MORNING - timedelta(hours=1), state="bounced")
    assert decided(life)["kind"] == "contact_sent"


def test_an_sms_that_was_sent_today_leaves_the_email(town: Town) -> None:
    life = town.life(ladder("sms, email", ", spacing: 0h"))
    contacted(town, life.ids, MORNING - timedelta(minutes=50), "sms")
    assert decided(life)["channel"] == "email"


def test_an_accountant_of_two_debtors_gets_one_message_a_day_where_the_policy_says_so(town: Town) -> None:
    policy, accountant = ladder("email", ", per_address: 1"), (("email", "contador@escritorio.example.com"),)
    first, second = (town.life(policy, contacts=accountant) for _ in range(2))
    assert decided(first)["kind"] == "contact_sent"
    assert deferred(second) == ("per-address", datetime(2026, 3, 11, 9, tzinfo=SP))
    second.until(lambda: "contact_sent" in second.kinds())
    third = town.life(policy, contacts=(("email", "outra@escritorio.example.com"),))
    assert decided(third)["kind"] == "contact_sent"


# --- places ----------------------------------------------------------------------------------------------------------
def test_a_telephone_of_acre_is_not_written_to_before_nine_in_acre(town: Town) -> None:
    life = town.life(ladder("sms"), contacts=(IN_ACRE,))
    assert deferred(life) == ("outside-hours", datetime(2026, 3, 10, 11, tzinfo=SP))
    life.until(lambda: "contact_sent" in life.kinds())


def test_who_has_moved_is_contacted_by_the_clock_of_his_new_address_too(town: Town) -> None:
    life = town.life(ladder("email"))
    with town.engine.begin() as conn:
        conn.execute(update(DEBTOR).where(DEBTOR.c.id == life.ids.debtor).values(uf="AC", ibge="1200401"))
    assert deferred(life) == ("outside-hours", datetime(2026, 3, 10, 11, tzinfo=SP))


@pytest.mark.parametrize(("place", "waits"), [("BR", True), ("SP", True), ("3550308", True), ("3304557", False)])
def test_a_loaded_day_off_holds_at_its_place(town: Town, place: str, waits: bool) -> None:
    row = {"place": place, "day": TUESDAY, "name": "Luto", "source": "Decreto", "loaded_at": datetime.now(UTC)}
    with town.engine.begin() as conn:
        conn.execute(insert(HOLIDAY).values(row))
    life = town.life(ladder("email"))
    if waits:
        assert deferred(life) == ("outside-hours", datetime(2026, 3, 11, 9, tzinfo=SP))
    else:
        assert decided(life)["kind"] == "contact_sent"


# --- block lists -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["document", "phone"])
def test_a_consumer_on_a_block_list_gets_email_only(town: Town, kind: str) -> None:
    life = town.life(ladder("sms, email"), consumer=True)
    with town.engine.connect() as conn:
        document = conn.execute(select(DEBTOR.c.document).where(DEBTOR.c.id == life.ids.debtor)).scalar_one()
    listed(town, kind, document if kind == "document" else SMS[1])
    assert decided(life)["channel"] == "email"


def test_who_can_be_reached_by_telephone_only_and_is_on_a_list_becomes_a_task_not_a_message(town: Town) -> None:
    life = town.life(ladder("sms"))
    listed(town, "phone", SMS[1])
    assert decided(life) == {"kind": "unreachable", "reason": "no usable channel: block-list", "step": "um"}
    assert contacts(town, life) == []
    assert "task_opened" in life.kinds()


def test_a_notice_by_sms_keeps_block_lists_and_the_hours_of_the_telephone(town: Town) -> None:
    steps = """
  - {id: um, at: due - 3d, do: contact, by: [email], text: lembrete}
  - {id: aviso, at: due, do: notice, by: [letter, email, sms], text: notificacao-previa, deadline: 10bd}
  - {id: cartorio, at: notice.deadline, do: protest}
"""
    life = town.life(short_ladder(steps), contacts=(EMAIL, IN_ACRE))
    life.until(lambda: "contact_deferred" in life.kinds())
    entry = next(row.body for row in life.book if row.kind == "contact_deferred")
    assert (entry["step"], entry["reason"]) == ("aviso", "outside-hours")
    assert datetime.fromisoformat(entry["until"]) == datetime(2026, 3, 10, 11, tzinfo=SP)
    listed(town, "phone", IN_ACRE[1], "DF")
    life.until(lambda: "notice_issued" in life.kinds())
    issued = next(row.body for row in life.book if row.kind == "notice_issued")
    assert sorted(issued["channels"]) == ["email", "letter"]


# --- cost and preference ---------------------------------------------------------------------------------------------
def test_beyond_what_a_case_may_cost_the_email_goes_instead_of_the_sms(town: Town) -> None:
    dear, cheap = (town.life(ladder("sms, email", ", cost: 5.00")) for _ in range(2))
    contacted(town, dear.ids, MORNING - timedelta(days=3), "sms", price=Decimal("-0.80000"), currency="USD")
    contacted(town, cheap.ids, MORNING - timedelta(days=3), "sms", price=Decimal("-0.05000"), currency="USD")
    assert (decided(dear)["channel"], decided(cheap)["channel"]) == ("email", "sms")


def test_what_the_debtor_asked_for_comes_before_the_policys_first_channel(town: Town) -> None:
    life = town.life(ladder("email, sms"))
    with town.engine.begin() as conn:
        conn.execute(update(CONTACT_POINT).where(CONTACT_POINT.c.channel == "sms").values(rank=-1))
    assert decided(life)["channel"] == "sms"


def test_who_reads_in_the_afternoon_is_written_to_in_the_afternoon(town: Town) -> None:
    life = town.life(ladder("sms, email"))
    for days in (5, 6):
        contact = contacted(town, life.ids, MORNING - timedelta(days=days), state="accepted")
        read = MORNING.replace(hour=15) - timedelta(days=days)
        row = {"id": uuid4(), "provider": "sendgrid", "event_key": uuid4().hex, "contact_id": contact, "event": "open",
               "code": "", "body": {}, "received_at": read, "business_at": read, "taken_at": read}  # fmt: skip
        with town.engine.begin() as conn:
            conn.execute(insert(WEBHOOK_EVENT).values(row))
    assert deferred(life) == ("best-hours", datetime(2026, 3, 10, 14, tzinfo=SP))
    life.until(lambda: "contact_sent" in life.kinds())
    last = contacts(town, life)[-1]
    assert (last.channel, last.planned_at.astimezone(SP).hour) == ("email", 14)


def test_hours_that_he_asked_for_are_planned_for(town: Town) -> None:
    from domain import facts as f

    life = town.life(ladder("email"))
    life.tell(f.ContactDataChanged("email", "15:00-16:00"))
    with town.engine.connect() as conn:
        planned = conn.execute(select(CASE.c.next_at).where(CASE.c.id == life.ids.case)).scalar_one()
    assert planned == datetime(2026, 3, 10, 15, 2, tzinfo=SP)
    life.tell(f.ContactDataChanged("email", "de tarde"))
    assert "refused" in life.kinds()
    life.tell(f.ContactDataChanged("email", "any"))
    with town.engine.connect() as conn:
        assert conn.execute(select(CASE.c.next_at).where(CASE.c.id == life.ids.case)).scalar_one() == MORNING
    assert DUE == TUESDAY

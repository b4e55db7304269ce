"""A debtor writes back, and the running case hears, answers on his channel and rests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from people import short_ladder
from sqlalchemy import insert

from activities.intake import Intake
from db.rows import INBOUND

pytestmark = pytest.mark.asyncio(loop_scope="session")

STEPS = "  - {id: um, at: due + 3d, do: contact, by: [email], text: atraso-cordial}\n"


def writes(office: Any, body: str, sender: str = "+5511900000001") -> None:
    """A message that the door stored before its process died."""
    now, message = datetime.now(UTC), uuid4()
    row = {
        "id": message, "provider": "twilio", "message_key": message.hex, "channel": "sms", "sender": sender,
        "recipient": "+5511900000000", "subject": "", "body": body, "automatic": False, "opt_out": "",
        "replied_to": "", "files": [], "meaning": [], "outcome": "", "answer": "", "content_hmac": "",
        "received_at": now, "business_at": now,
    }  # fmt: skip
    with office.world.engine.begin() as conn:
        conn.execute(insert(INBOUND).values(row))


async def test_a_reply_reaches_the_running_case_is_answered_by_sms_and_holds_the_ladder(office, sandbox) -> None:
    life = await office.open(short_ladder(STEPS), due_in=1)
    await life.settle()
    writes(office, "Já paguei ontem")
    report = await Intake(office.world, office.courier).sweep()
    assert report.signalled == 2
    await life.until(lambda _: {"claim", "reply", "contact_sent"} <= {*life.book()}, within=7)
    (answer,) = sandbox.log()
    assert (answer["kind"], answer["to"]) == ("sms", "+5511900000001")
    assert "conferimos o pagamento" in answer["body"]
    await life.record("answered-by-sms")


async def test_a_stop_reaches_every_running_case_and_is_confirmed_by_the_sweep(office, sandbox) -> None:
    life = await office.open(short_ladder(STEPS), due_in=1)
    other = await office.open(short_ladder(STEPS), due_in=1, debtor=life.ids.debtor)
    await life.settle()
    writes(office, "SAIR")
    intake = Intake(office.world, office.courier)
    await intake.sweep()
    for each in (life, other):
        await each.until(lambda _, each=each: "opt_out" in each.book(), within=2)
        await each.days(20)
        await each.settle()
        assert "contact_sent" not in each.book()
    assert [entry["kind"] for entry in sandbox.log()] in ([], ["sms"])  # outside lawful hours the one word waits

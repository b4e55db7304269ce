"""WhatsApp as a channel of a step: only where the creditor switched it on, by approved templates, once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from channel_samples import ACKNOWLEDGED, OURS, PHONE, TEXT, Post, approved, open_post, whatsapp
from firm_samples import TUESDAY, CrashError
from sqlalchemy import Engine, insert

from activities import neutral
from activities.delivery import apply_waiting
from db.rows import CONTACT_POINT, CREDITOR, INBOUND, NEUTRAL_ANSWER, TASK
from domain import facts as f
from letters.neutral import STOPPED
from sandbox.server import Sandbox, running_sandbox


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path / "sandbox", event_delay=0.02) as sandbox:
        yield sandbox


@pytest.fixture
def post(engine: Engine, sandbox: Sandbox, tmp_path: Path) -> Post:
    return open_post(engine, sandbox, tmp_path)


def test_a_creditor_who_switched_it_on_writes_by_whatsapp_first(post: Post) -> None:
    post.agree(whatsapp=whatsapp(approved(post.sandbox)))
    post.post()
    contact = post.contact("whatsapp")
    (entry,) = [entry for entry in post.sent() if entry["kind"] == "whatsapp"]
    assert (entry["to"], entry["from"]) == (f"whatsapp:{PHONE}", f"whatsapp:{OURS}")
    assert entry["body"] == contact.body
    assert "Credora Fictícia Ltda, CNPJ 11.222.333/0001-81" in contact.body
    assert f"Ref. {contact.short_ref}" in contact.body
    assert (contact.state, contact.provider_id) == ("accepted", entry["provider_id"])
    assert [(fact.channel, fact.step) for fact in post.book("contact_sent")] == [("whatsapp", "aviso")]


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (None, "switched-off"),
        ({"policy_acknowledged_by": ""}, "policy-not-acknowledged"),
        ({"policy_acknowledged_on": None}, "policy-not-acknowledged"),
        ({"templates": {}}, "no-approved-template"),
    ],
)
def test_it_is_passed_over_with_its_reason_where_it_may_not_be_used(
    post: Post, settings: dict[str, Any] | None, reason: str
) -> None:
    post.agree(whatsapp=None if settings is None else whatsapp("HX" + "0" * 32, **settings))
    post.post()
    assert post.kinds() == ["sms"]
    assert post.contact("sms").passed_over == [f"whatsapp: {reason}"]
    told = [task.details for task in post.rows(TASK, TASK.c.kind == "channel-fault")]
    assert told == ([["channel whatsapp", f"code {reason}:{TEXT}"]] if reason == "no-approved-template" else [])


def has_written(post: Post, ago: timedelta) -> None:
    row = {
        "id": uuid4(), "provider": "twilio", "message_key": uuid4().hex, "channel": "whatsapp", "sender": PHONE,
        "recipient": OURS, "subject": "", "body": "oi", "automatic": False, "opt_out": "", "replied_to": "",
        "files": [], "meaning": [], "outcome": "", "answer": "", "content_hmac": "",
        "received_at": datetime.now(UTC) - ago, "business_at": TUESDAY, "taken_at": datetime.now(UTC),
    }  # fmt: skip
    with post.world.engine.begin() as conn:
        conn.execute(insert(INBOUND).values(row))
    post.sandbox.reply(**{"from": PHONE, "to": OURS, "body": "oi", "channel": "whatsapp", "url": "http://127.0.0.1:1/"})


def ours(post: Post) -> list[str]:
    return [kind for kind in post.kinds() if kind != "inbound"]


def owes_thanks(post: Post) -> None:
    post.tell(f.PaymentReceived("pix-1", Decimal("400.00"), TUESDAY.date(), "staff"))
    assert post.decide().step.startswith("agradecimento")


def test_who_has_just_written_is_answered_there_in_free_words_without_a_template(post: Post) -> None:
    post.agree(whatsapp=whatsapp("HX" + "0" * 32, templates={}))
    has_written(post, timedelta(hours=1))
    for channel in ("email", "sms"):
        post.no_longer(channel)
    owes_thanks(post)
    post.post()
    contact = post.contact("whatsapp")
    (entry,) = [entry for entry in post.sent() if entry["kind"] == "whatsapp"]
    assert contact.template == {}
    assert (contact.purpose, entry["body"]) == ("thanks", contact.body)
    assert f"Ref. {contact.short_ref}" in contact.body


@pytest.mark.parametrize("ago", [timedelta(hours=23, minutes=56), timedelta(days=3)])
def test_outside_the_24_hours_the_answer_takes_another_channel(post: Post, ago: timedelta) -> None:
    post.agree(whatsapp=whatsapp("HX" + "0" * 32, templates={}))
    has_written(post, ago)
    post.no_longer("email")
    owes_thanks(post)
    post.post()
    assert ours(post) == ["sms"]
    assert post.contact("sms").passed_over == ["whatsapp: no-approved-template"]


def test_outside_the_24_hours_an_approved_template_answers(post: Post) -> None:
    sid = approved(post.sandbox, "agradecimento-parcial")
    post.agree(whatsapp=whatsapp(sid, templates={"agradecimento-parcial": sid}))
    for channel in ("email", "sms"):
        post.no_longer(channel)
    owes_thanks(post)
    post.post()
    assert post.contact("whatsapp").template["sid"] == sid


def test_a_step_of_the_ladder_takes_its_template_also_within_the_24_hours(post: Post) -> None:
    post.agree(whatsapp=whatsapp("HX" + "0" * 32, templates={}))
    has_written(post, timedelta(hours=1))
    post.post()
    assert ours(post) == ["sms"]


def test_an_installation_without_it_passes_it_over(post: Post) -> None:
    post.agree(whatsapp=whatsapp("HX" + "0" * 32))
    post.crashing("whatsapp", None)
    post.post()
    assert post.contact("sms").passed_over == ["whatsapp: not-configured"]


def test_where_nothing_else_is_left_a_person_is_told_why(engine: Engine, sandbox: Sandbox, tmp_path: Path) -> None:
    post = open_post(engine, sandbox, tmp_path, by="[whatsapp]")
    post.agree(whatsapp=whatsapp("HX" + "0" * 32, templates={}))
    post.post()
    (passed,) = post.book("step_passed_over", "unreachable")[:1]
    assert "whatsapp: no-approved-template" in passed.reason  # type: ignore[union-attr]
    assert post.open_task("find-contact")
    assert post.sent() == []


def test_a_text_that_does_not_fit_goes_by_the_next_channel(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("letters.whatsapp.LONGEST", 200)
    post.agree(whatsapp=whatsapp(approved(post.sandbox)))
    post.post()
    assert post.kinds() == ["sms"]
    assert post.contact("sms").passed_over == ["whatsapp: whatsapp-too-long"]


def test_a_template_that_the_platform_does_not_know_is_our_fault_and_the_next_channel_has_its_turn(post: Post) -> None:
    post.agree(whatsapp=whatsapp("HX" + "0" * 32))
    post.post()
    assert post.next.action == "contact"
    assert post.point("whatsapp").state == "usable"
    (fault,) = post.rows(TASK, TASK.c.kind == "channel-fault")
    assert fault.details == ["channel whatsapp", "code 21655"]
    post.post()
    assert post.kinds() == ["sms"]
    assert post.links() == {("aviso", 1), ("aviso", 2)}


def test_a_crash_before_the_record_finds_the_message_again_and_sends_no_second(post: Post) -> None:
    post.agree(whatsapp=whatsapp(approved(post.sandbox)))
    real = post.world.whatsapp
    assert real

    class Dies:
        def send(self, message: Any) -> Any:
            real.send(message)
            raise CrashError

    post.crashing("whatsapp", Dies())
    with pytest.raises(CrashError):
        post.post()
    assert post.contact("whatsapp").state == "in-flight"
    post.crashing("whatsapp", real)
    post.post()
    contact = post.contact("whatsapp")
    assert [entry["provider_id"] for entry in post.sent() if entry["kind"] == "whatsapp"] == [contact.provider_id]
    assert contact.state == "accepted"


def test_a_message_that_never_left_is_sent_again_as_it_was_written(post: Post) -> None:
    post.agree(whatsapp=whatsapp(approved(post.sandbox)))
    real = post.world.whatsapp

    class DiesAtOnce:
        def send(self, _message: Any) -> Any:
            raise CrashError

    post.crashing("whatsapp", DiesAtOnce())
    with pytest.raises(CrashError):
        post.post()
    body = post.contact("whatsapp").body
    post.crashing("whatsapp", real)
    post.crashing("unknown_for", 0.0)
    post.post()
    assert [entry["body"] for entry in post.sent() if entry["kind"] == "whatsapp"] == [body]


def test_the_lost_message_is_not_taken_for_another_contacts(post: Post) -> None:
    """Where the platform does not show texts, only the ids of other contacts tell two messages apart."""
    post.agree(whatsapp=whatsapp(approved(post.sandbox)))
    post.post()
    first = post.contact("whatsapp")
    other = open_post(post.world.engine, post.sandbox, post.world.letters.parent)
    other.agree(whatsapp=whatsapp(approved(post.sandbox)))
    seen: list[tuple[str, ...]] = []

    class Looks:
        def send(self, _message: Any) -> Any:
            raise CrashError

        def find(self, *given: Any) -> None:
            seen.append(tuple(given[-1]))

    other.crashing("whatsapp", Looks())
    with pytest.raises(CrashError):
        other.post()
    other.post()
    assert seen == [(first.provider_id,)]


def test_switched_off_between_the_intent_and_the_call_the_next_channel_has_its_turn(post: Post) -> None:
    post.agree(whatsapp=whatsapp(approved(post.sandbox)))

    class DiesAtOnce:
        def send(self, _message: Any) -> Any:
            raise CrashError

    post.crashing("whatsapp", DiesAtOnce())
    with pytest.raises(CrashError):
        post.post()
    post.agree()
    post.crashing("unknown_for", 0.0)
    post.post()
    post.post()
    assert post.kinds() == ["sms"]


def test_nothing_is_sent_for_text_ids_that_only_look_alike(post: Post) -> None:
    post.agree(whatsapp={"sender": OURS, "templates": {TEXT + "-2": "HX" + "0" * 32}, **ACKNOWLEDGED})
    post.post()
    assert post.kinds() == ["sms"]


def test_applying_nothing_changes_no_address(post: Post) -> None:
    post.agree(whatsapp=whatsapp(approved(post.sandbox)))
    post.post()
    assert apply_waiting(post.world.engine, post.world.clock, 10) == []
    assert {row.state for row in post.rows(CONTACT_POINT, CONTACT_POINT.c.debtor_id == post.ids.debtor)} == {"usable"}
    assert not [fact for fact in post.book() if isinstance(fact, f.ContactFailed)]


@pytest.mark.parametrize("ago", [timedelta(hours=1), timedelta(hours=25)])
def test_a_neutral_confirmation_goes_by_whatsapp_within_the_24_hours_or_not_at_all(post: Post, ago: timedelta) -> None:
    post.agree(whatsapp=whatsapp("HX" + "0" * 32, templates={}))
    has_written(post, ago)
    (message,) = post.rows(INBOUND)
    (creditor,) = post.rows(CREDITOR)
    with post.world.engine.begin() as conn:
        assert neutral.intend(conn, message, creditor, creditor.name, STOPPED, "SP", TUESDAY)
    sent = neutral.send_waiting(post.world, 10)
    (answer,) = post.rows(NEUTRAL_ANSWER)
    if ago > timedelta(hours=24):
        assert (sent, answer.state, answer.code, ours(post)) == (0, "failed", "outside-window", [])
        return
    assert (sent, answer.state, ours(post)) == (1, "accepted", ["whatsapp"])
    (entry,) = [entry for entry in post.sent() if entry["kind"] == "whatsapp"]
    assert entry["body"] == answer.body
    assert "R$" not in answer.body
    assert neutral.send_waiting(post.world, 10) == 0

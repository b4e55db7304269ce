"""What an answer, a look-up or a report that goes wrong leads to on each channel: never a second message, never none.

The real activities and gateways against the sandbox, over HTTP. Deaths of the process are in tests/disasters.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import uvicorn
from channel_samples import CHANNELS, EMAIL, PHONE, Post, open_on
from firm_samples import TODAY, TUESDAY, CrashError, dies
from sqlalchemy import Engine, insert, select

from activities.contact import Contacts
from activities.delivery import apply_waiting
from db.rows import BLOCK_ENTRY, CONTACT, FACT, HOLIDAY, TASK, WEBHOOK_EVENT
from domain import facts as f
from domain.fold import THANKS
from gateways.settings import Settings
from sandbox.server import Sandbox, running_sandbox
from sandbox.state import TWILIO_TOKEN
from starter.webhooks import create_app

TO = {"email": EMAIL, "sms": PHONE, "whatsapp": f"whatsapp:{PHONE}", "voice": PHONE}
AN_HOUR = 3600.0


@pytest.fixture
def url() -> str:
    """Where our receiver listens, if a test has one."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


@pytest.fixture
def sandbox(tmp_path: Path, url: str) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path / "sandbox", url, event_delay=0.02) as sandbox:
        yield sandbox


@pytest.fixture(params=CHANNELS)
def channel(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def post(channel: str, engine: Engine, sandbox: Sandbox, tmp_path: Path, url: str) -> Post:
    return open_on(channel, engine, sandbox, tmp_path, url)


def sent_once(post: Post, channel: str) -> None:
    """One message, and the provider's id of it in our row."""
    (entry,) = post.sent()
    assert post.contact(channel).provider_id == entry["provider_id"].partition(".")[0]
    assert [fact.channel for fact in post.book("contact_sent")] == [channel]  # type: ignore[union-attr]
    assert tasks(post) == []


def tasks(post: Post) -> list[str]:
    """What people have to do, but for what follows after the last step."""
    own = (TASK.c.case_id == post.ids.case) | TASK.c.case_id.is_(None)
    return [task.kind for task in post.rows(TASK, own, TASK.c.kind != "ladder-finished")]


# --- the answer ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("fault", [{"effect": "accept_then_drop"}, {"effect": "accept_then_fail", "status": 503}])
def test_accepted_without_an_answer_that_says_so_it_is_found_and_not_sent_again(
    post: Post, channel: str, fault: dict[str, Any]
) -> None:
    post.sandbox.fault(**fault, times=1)
    post.post()
    assert post.contact(channel).state == "in-flight"
    post.post()
    sent_once(post, channel)


def test_what_the_records_do_not_show_yet_is_looked_up_again_before_anything_is_sent(post: Post, channel: str) -> None:
    post.sandbox.fault("accept_then_drop", times=1)
    post.sandbox.lag(AN_HOUR)
    for _ in range(3):
        post.post()
        assert len(post.sent()) == 1
        assert post.contact(channel).state == "in-flight"
    post.sandbox.lag(0)
    post.post()
    sent_once(post, channel)


def test_the_last_look_is_when_the_waiting_time_is_over_counted_from_the_call(post: Post, channel: str) -> None:
    post.sandbox.fault("accept_then_drop", times=1)
    post.sandbox.lag(AN_HOUR)
    begun = datetime.now(UTC)
    post.post()
    ended = datetime.now(UTC)
    post.post()
    took = datetime.now(UTC) - ended  # what is left is counted from the moment that the activity was given
    assert post.contact(channel).state == "in-flight"
    assert post.next.not_before
    last_look = post.world.clock.real(post.next.not_before) - post.ahead
    assert begun - took <= last_look - timedelta(seconds=post.world.unknown_for) <= ended


def test_what_never_arrived_is_sent_again_once_and_not_before_the_waiting_time_is_over(
    post: Post, channel: str
) -> None:
    post.sandbox.fault("fail", status=503, times=1)
    post.post()
    post.post()
    assert post.sent() == []
    post.crashing("unknown_for", 0.0)
    post.post()
    sent_once(post, channel)


def test_an_e_mail_that_is_sent_again_looks_as_it_was_written_the_first_time(
    engine: Engine, sandbox: Sandbox, tmp_path: Path, url: str
) -> None:
    post = open_on("email", engine, sandbox, tmp_path, url)
    post.sandbox.fault("fail", status=503, times=1)
    post.post()
    kept = post.contact("email").html
    assert kept
    assert kept.startswith("<!doctype html>")
    post.crashing("unknown_for", 0.0)
    post.post()
    (entry,) = sandbox.state.entries("sendgrid", "mail")
    assert (entry["data"]["html"], entry["body"]) == (kept, post.contact("email").body)


def test_records_that_cannot_be_read_are_no_proof_that_nothing_arrived(post: Post, channel: str) -> None:
    post.sandbox.fault("accept_then_drop", times=1)
    post.sandbox.fault("fail", match={"kind": "lookup"}, status=503)
    post.post()
    post.crashing("unknown_for", 0.0)
    post.post()
    assert len(post.sent()) == 1
    assert post.contact(channel).state == "in-flight"
    post.sandbox.state.clear_faults()
    post.post()
    sent_once(post, channel)


# --- what changes while nobody knows ---------------------------------------------------------------------------------
@pytest.mark.parametrize("accepted", [True, False])
def test_who_opts_out_meanwhile_gets_no_second_try(post: Post, channel: str, accepted: bool) -> None:
    post.sandbox.fault("accept_then_drop" if accepted else "fail", status=503, times=1)
    post.post()
    post.tell(f.OptedOut((channel,)))
    post.crashing("unknown_for", 0.0)
    post.decide()
    post.post()
    assert len(post.sent()) == accepted
    assert post.contact(channel).state == ("accepted" if accepted else "failed")
    assert post.point(channel).state == "usable", "the address has done nothing"


@pytest.mark.parametrize("accepted", [True, False])
def test_a_case_that_another_ones_lost_message_covers_is_not_forgotten_with_that_other(
    post: Post, channel: str, accepted: bool
) -> None:
    """The message named a debt that is paid by now, so it is looked up and not repeated; this case writes its own."""
    other = post.beside()
    post.sandbox.fault("accept_then_drop" if accepted else "fail", status=503, times=1)
    post.post()
    other.post()
    assert [fact.reason for fact in other.book("contact_deferred")] == ["a message of another case covers it"]  # type: ignore[union-attr]
    post.tell(f.PaymentReceived("pix-1", Decimal("2000.00"), TODAY))
    post.decide()
    other.crashing("unknown_for", 0.0)
    while not other.book("contact_sent"):
        other.post()
    assert len(other.sent()) == 1
    (sent,) = other.book("contact_sent")
    assert sent.covered == accepted  # type: ignore[union-attr]
    assert tasks(other) == []


def test_on_a_day_off_that_was_loaded_meanwhile_nothing_is_tried_again(post: Post) -> None:
    post.sandbox.fault("fail", status=503, times=1)
    post.post()
    day = {"place": "BR", "day": TODAY, "name": "feriado", "source": "teste", "loaded_at": TUESDAY}
    with post.world.engine.begin() as conn:
        conn.execute(insert(HOLIDAY).values(day))
    post.crashing("unknown_for", 0.0)
    post.post()
    assert post.sent() == []
    assert post.next.not_before
    assert post.next.not_before.date() > TODAY


def test_who_stands_on_a_block_list_meanwhile_gets_no_second_try_by_telephone(post: Post, channel: str) -> None:
    post.sandbox.fault("fail", status=503, times=1)
    post.post()
    entry = {"id": uuid4(), "uf": "SP", "kind": "phone", "value": PHONE, "registered_on": date(2026, 1, 5),
             "source": "lista de teste", "loaded_at": TUESDAY}  # fmt: skip
    with post.world.engine.begin() as conn:
        conn.execute(insert(BLOCK_ENTRY).values(entry))
    post.crashing("unknown_for", 0.0)
    post.post()
    assert [entry["kind"] for entry in post.sent()] == (["mail"] if channel == "email" else [])


@pytest.mark.parametrize("accepted", [True, False])
def test_who_pays_while_the_process_is_dead_gets_no_second_try_and_the_book_knows_of_the_first(
    post: Post, channel: str, accepted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not accepted:
        post.sandbox.fault("fail", status=503, times=1)
    with monkeypatch.context() as process:
        process.setattr(Contacts, "_record", dies)
        with pytest.raises(CrashError):
            post.post()
    post.tell(f.PaymentReceived("pix-1", Decimal("2000.00"), TODAY))
    post.crashing("unknown_for", 0.0)
    post.post()
    assert len(post.sent()) == accepted
    assert post.contact(channel).state == ("accepted" if accepted else "failed")
    kind = "contact_sent" if accepted else "contact_failed"
    assert [fact.step for fact in post.book(kind)] == ["aviso"]  # type: ignore[union-attr]
    assert post.next.step.startswith(THANKS)


def test_what_a_report_said_of_a_message_before_the_debtor_paid_stands_in_the_book(
    receiver: Post, channel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as process:
        process.setattr(Contacts, "_record", dies)
        with pytest.raises(CrashError):
            receiver.post()
    until(lambda: receiver.contact(channel).state != "in-flight")
    receiver.tell(f.PaymentReceived("pix-1", Decimal("2000.00"), TODAY))
    receiver.post()
    assert len(receiver.sent()) == 1
    assert [fact.step for fact in receiver.book("contact_sent")] == ["aviso"]  # type: ignore[union-attr]
    assert receiver.next.step.startswith(THANKS)


def test_who_only_asks_for_a_pause_while_the_process_is_dead_is_told_nothing_twice(
    post: Post, channel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as process:
        process.setattr(Contacts, "_record", dies)
        with pytest.raises(CrashError):
            post.post()
    post.tell(f.Paused(TODAY, TODAY))
    post.post()
    sent_once(post, channel)


@pytest.mark.parametrize("whose", ["its own", "one that it lists"])
def test_a_lost_message_whose_debt_changed_is_written_anew_and_not_sent_as_it_was(
    post: Post, channel: str, whose: str
) -> None:
    """It would name an amount that nobody owes any more."""
    other = post.beside()
    post.sandbox.fault("fail", status=503, times=1)
    post.post()
    old = post.contact(channel)
    changed = post if whose == "its own" else other
    changed.tell(f.Adjusted(Decimal("700.00"), "rebate", TODAY))
    post.decide()
    post.crashing("unknown_for", 0.0)
    while not post.book("contact_sent"):
        post.post()
    assert len(post.sent()) == 1
    mine = post.rows(CONTACT, CONTACT.c.debtor_id == post.ids.debtor)
    assert {row.id == old.id: row.state for row in mine} == {True: "failed", False: "accepted"}
    assert channel == "voice" or len({row.body for row in mine}) == 2


def test_a_lost_message_that_arrived_before_the_debt_changed_is_not_written_again(post: Post, channel: str) -> None:
    post.sandbox.fault("accept_then_drop", times=1)
    post.post()
    post.tell(f.Adjusted(Decimal("700.00"), "rebate", TODAY))
    post.decide()
    post.crashing("unknown_for", 0.0)
    post.post()
    sent_once(post, channel)


# --- the reports -----------------------------------------------------------------------------------------------------
@pytest.fixture
def receiver(engine: Engine, sandbox: Sandbox, post: Post, url: str) -> Iterator[Post]:
    """The case, and our receiver of reports."""
    with receiving(post, url):
        yield post


class receiving:  # noqa: N801 - used as a context manager
    """Our receiver, on `url`."""

    def __init__(self, post: Post, url: str) -> None:
        key = post.sandbox.public_key
        settings = Settings(public_url=url, twilio_auth_token=TWILIO_TOKEN, sendgrid_webhook_public_key=key)
        app = create_app(post.world.engine, settings, post.world.clock, lambda _: None)
        port = int(url.rpartition(":")[2])
        self.server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, ws="none", lifespan="off"))
        self.thread = threading.Thread(target=self.server.run)

    def __enter__(self) -> None:
        self.thread.start()
        until(lambda: self.server.started)

    def __exit__(self, *_: object) -> None:
        self.server.should_exit = True
        self.thread.join()


def until(true: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def everything_told(post: Post) -> bool:
    """Has the sandbox told all that happened, as often as it was told to?"""
    apply_waiting(post.world.engine, post.world.clock, 100)
    open_ = post.sandbox.state.rows("SELECT 1 FROM events WHERE done = 0")
    return not open_ and not post.rows(WEBHOOK_EVENT, WEBHOOK_EVENT.c.taken_at.is_(None))


def told(post: Post) -> list[f.Fact]:
    """What the case is told, oldest first."""
    with post.world.engine.connect() as conn:
        bodies = conn.execute(select(FACT.c.body).where(FACT.c.case_id == post.ids.case).order_by(FACT.c.number))
        return [f.from_json(body) for body in bodies.scalars()]


TELLINGS = [{"effect": "tell_twice"}, {"effect": "tell_late", "seconds": 0.4}, {"effect": "tell_backwards"}]


@pytest.mark.parametrize("telling", TELLINGS, ids=lambda telling: telling["effect"])
def test_a_failure_that_is_told_twice_late_or_first_fails_the_step_once(
    receiver: Post, channel: str, telling: dict[str, Any]
) -> None:
    receiver.sandbox.fault(**telling)
    receiver.sandbox.fate(TO[channel], "bounced" if channel == "email" else "undelivered")
    receiver.sandbox.phone(PHONE, "busy")
    receiver.post()
    until(lambda: everything_told(receiver) and told(receiver))
    (fact,) = told(receiver)
    assert isinstance(fact, f.ContactFailed)
    assert fact.channel == channel
    assert receiver.contact(channel).state in ("bounced", "failed")
    assert len(receiver.sent()) == 1
    receiver.decide()
    assert [fact.kind for fact in receiver.book("contact_sent", "contact_failed")] == ["contact_sent", "contact_failed"]


@pytest.mark.parametrize("telling", TELLINGS, ids=lambda telling: telling["effect"])
def test_a_delivery_that_is_told_twice_late_or_first_is_a_delivery(
    receiver: Post, channel: str, telling: dict[str, Any]
) -> None:
    receiver.sandbox.fault(**telling)
    receiver.post()
    until(lambda: receiver.contact(channel).state == "delivered" and everything_told(receiver))
    assert told(receiver) == []
    sent_once(receiver, channel)


def test_a_report_proves_what_the_lost_answer_and_the_slow_records_do_not(receiver: Post, channel: str) -> None:
    receiver.sandbox.fault("accept_then_drop", times=1)
    receiver.sandbox.lag(AN_HOUR)
    receiver.post()
    until(lambda: receiver.contact(channel).state != "in-flight")
    receiver.crashing("unknown_for", 0.0)
    receiver.post()
    sent_once(receiver, channel)


# --- what WhatsApp says afterwards -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("code", "address"), [("63016", "usable"), ("63024", "invalid")], ids=["outside-the-window", "not-on-whatsapp"]
)
def test_what_whatsapp_does_not_deliver_goes_by_the_next_channel(
    engine: Engine, sandbox: Sandbox, tmp_path: Path, url: str, code: str, address: str
) -> None:
    post = open_on("whatsapp, sms", engine, sandbox, tmp_path, url)
    if code == "63016":  # the platform has paused the template since: only whoever wrote to us may be written to
        sandbox.template_fate("regua_atraso_cordial", "paused")
    else:
        sandbox.fate(TO["whatsapp"], "invalid")
    with receiving(post, url):
        post.post()
        until(lambda: everything_told(post) and told(post))
    (event,) = post.rows(WEBHOOK_EVENT, WEBHOOK_EVENT.c.code != "")
    assert event.code == code
    (fact,) = told(post)
    assert isinstance(fact, f.ContactFailed)
    assert (fact.code, fact.bad_address) == (code, code == "63024")
    assert post.point("whatsapp").state == address
    assert tasks(post) == (["channel-fault"] if code == "63016" else [])
    post.decide()
    post.post()
    assert post.kinds() == ["whatsapp", "sms"]
    assert post.contact("sms").planned_at.date() == post.world.clock.business(datetime.now(UTC)).date()

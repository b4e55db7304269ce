"""Calls as a channel of a step, from the intent to what the debtor keyed in, over HTTP with the sandbox's phones."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
import uvicorn
from channel_samples import OURS, PHONE, Post, open_post
from firm_samples import TODAY, CrashError
from full_disk import no_room
from sqlalchemy import Engine, select, update
from twilio.request_validator import RequestValidator

from activities.calls import keep_recordings
from activities.channels import CALLS
from db.rows import CASE, DEBTOR, DOCUMENT, FACT, WEBHOOK_EVENT
from domain import facts as f
from domain.ivr import proof_of
from gateways.settings import Settings
from sandbox.server import Sandbox, running_sandbox
from sandbox.state import TWILIO_TOKEN
from starter.webhooks import create_app

VOICE = {"sender": OURS}
ATTENDANT = "+551130000009"
STAFFED = {"sender": OURS, "staffed": {"number": ATTENDANT, "opens": "00:00", "closes": "23:59:59"}}


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path / "sandbox", event_delay=0.02) as sandbox:
        yield sandbox


@pytest.fixture
def post(engine: Engine, sandbox: Sandbox, tmp_path: Path) -> Iterator[Post]:
    """A case whose step calls, then writes; our receiver answers what the provider asks."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    post = open_post(engine, sandbox, tmp_path, by="[voice, sms]", callbacks=url)
    settings = Settings(public_url=url, twilio_auth_token=TWILIO_TOKEN, documents_dir=tmp_path / "documents")
    app = create_app(engine, settings, post.world.clock, lambda _: None)
    config = uvicorn.Config(app, port=int(url.rpartition(":")[2]), log_config=None, ws="none", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    yield post
    server.should_exit = True
    thread.join()


def until(true: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 20
    while not (found := true()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def call(post: Post, *does: str, answers: str = "human", voice: dict[str, Any] = VOICE) -> str:
    """Let the step call somebody who does this; what was said, once the call is over and known to be."""
    post.sandbox.phone(PHONE, answers, *does)
    post.agree(voice=voice)
    post.post()
    until(lambda: post.contact("voice").state not in ("in-flight", "accepted"))
    (entry,) = [entry for entry in post.sandbox.log() if entry["kind"] == "call"]
    return str(entry["body"] or "")


def proof(post: Post) -> str:
    (debtor,) = post.rows(DEBTOR, DEBTOR.c.id == post.ids.debtor)
    return proof_of(debtor.document)


def told(post: Post) -> list[f.Fact]:
    with post.world.engine.connect() as conn:
        query = select(FACT.c.body).where(FACT.c.case_id == post.ids.case).order_by(FACT.c.number)
        return [f.from_json(body) for body in conn.execute(query).scalars()]


def test_who_proves_to_be_the_debtor_hears_the_matter_and_claims_to_have_paid(post: Post) -> None:
    said = call(post, "1", proof(post), "1")
    contact = post.contact("voice")
    assert contact.text_id == "roteiro-voz"
    assert contact.body in said
    assert "R$ 1.000,00" in said
    assert "Esta ligação é gravada" in said
    assert [(fact.channel, fact.step) for fact in post.book("contact_sent")] == [("voice", "aviso")]
    (fact,) = told(post)
    assert isinstance(fact, f.PaymentClaimed)
    assert (contact.state, contact.counts) == ("delivered", True)


def paid(post: Post) -> None:
    """Part of it: what the call would ask for is no longer owed."""
    post.tell(f.PaymentReceived("pix-7", Decimal("1.00"), TODAY, "staff"))


def held(**state: Any) -> Callable[[Post], None]:
    def hold(post: Post) -> None:
        (row,) = post.rows(CASE, CASE.c.id == post.ids.case)
        with post.world.engine.begin() as conn:
            conn.execute(update(CASE).where(CASE.c.id == post.ids.case).values(state=row.state | state))

    return hold


@pytest.mark.parametrize("rests", [paid, held(dispute="d-1"), held(holds=["court"]), held(ended="void")])
def test_what_came_to_rest_while_it_rang_is_not_spoken_of(post: Post, rests: Callable[[Post], None]) -> None:
    real = post.world.voice
    assert real

    class Rings:
        """The debt comes to rest between the writing of the call and its answer."""

        def place(self, call: Any) -> Any:
            rests(post)
            return real.place(call)

    post.crashing("voice", Rings())
    post.sandbox.phone(PHONE, "human", "1", proof(post), "1")
    post.agree(voice=VOICE)
    post.post()
    (entry,) = until(lambda: [entry for entry in post.sandbox.log() if entry["kind"] == "call" and entry["body"]])
    said = str(entry["body"])
    assert "Esta ligação não é mais necessária" in said
    assert "R$" not in said
    assert "Fatura" not in said


@pytest.mark.parametrize(
    "does", [("1", "000"), ("2",), ("",), ("1", "", "1"), ("3", "3", "3"), ("1", "001", "002", "1")]
)
def test_nobody_else_hears_a_word_of_it(post: Post, does: tuple[str, ...]) -> None:
    said = call(post, *does)
    assert "Credora" in said
    assert "R$" not in said
    assert "NF-77" not in said
    assert told(post) == []


def test_nine_stops_all_calls(post: Post) -> None:
    call(post, "9")
    assert told(post) == [f.OptedOut(("voice",))]
    (debtor,) = post.rows(DEBTOR, DEBTOR.c.id == post.ids.debtor)
    assert debtor.opted_out == ["voice"]


def test_a_day_is_promised_by_keys(post: Post) -> None:
    call(post, "1", proof(post), "2", "05")
    (fact,) = told(post)
    assert isinstance(fact, f.PromiseMade)
    assert (fact.on - post.world.now(post.at).date()).days == 5
    post.decide()
    assert [fact.kind for fact in post.book("promise")] == ["promise"]


def test_who_wants_a_person_gets_one_or_is_called_back(post: Post) -> None:
    said = call(post, "1", proof(post), "3", voice=STAFFED)
    assert "[dial completed]" in said
    assert told(post) == []


def test_where_nobody_takes_it_over_a_person_calls_back(post: Post) -> None:
    post.sandbox.phone(ATTENDANT, "no-answer")
    call(post, "1", proof(post), "3", voice=STAFFED)
    assert [fact.kind for fact in told(post)] == ["reply"]
    post.decide()
    assert post.open_task("call-back")


def test_without_a_staffed_number_a_person_calls_back(post: Post) -> None:
    call(post, "1", proof(post), "3")
    assert [fact.kind for fact in told(post)] == ["reply"]


@pytest.mark.parametrize(
    ("answers", "state"),
    [("machine", "unanswered"), ("no-answer", "unanswered"), ("busy", "failed"), ("unreachable", "failed")],
)
def test_a_call_that_nobody_takes_says_nothing_and_the_next_channel_has_its_turn(
    post: Post, answers: str, state: str
) -> None:
    said = call(post, answers=answers)
    assert said == ""
    assert post.contact("voice").state == state
    (fact,) = until(lambda: told(post))
    assert isinstance(fact, f.ContactFailed)
    assert post.point("voice").state == ("invalid" if answers == "unreachable" else "usable")
    post.decide()
    assert (post.next.action, post.next.attempt) == ("contact", 2)
    post.post()
    if state == "failed":
        assert "sms" in post.kinds()
    else:  # it rang, which counts: the message waits for tomorrow
        assert post.kinds() == ["call"]
        assert [fact.reason for fact in post.book("contact_deferred")] == ["per-day"]  # type: ignore[union-attr]


def test_a_creditor_who_has_nobody_called_writes(post: Post) -> None:
    post.post()
    assert post.kinds() == ["sms"]
    assert post.contact("sms").passed_over == ["voice: switched-off"]


def test_a_crash_before_the_record_finds_the_call_again_and_makes_no_second(post: Post) -> None:
    post.sandbox.phone(PHONE, "human", "2")
    post.agree(voice=VOICE)
    real = post.world.voice
    assert real

    class Dies:
        def place(self, call: Any) -> Any:
            real.place(call)
            raise CrashError

    post.crashing("voice", Dies())
    with pytest.raises(CrashError):
        post.post()
    post.crashing("voice", real)
    post.post()
    assert post.kinds() == ["call"]
    assert post.contact("voice").provider_id == post.sent()[0]["provider_id"]


def test_a_recording_is_kept_with_the_case_once(post: Post) -> None:
    call(post, "1", proof(post), "1")
    until(lambda: post.rows(WEBHOOK_EVENT, WEBHOOK_EVENT.c.event == "recording"))
    with no_room(4096):
        assert keep_recordings(post.world, 10) == 0, "the sweep has other things to do than to wait for a full disk"
    assert post.rows(DOCUMENT, DOCUMENT.c.kind == "call-recording") == []
    until(lambda: keep_recordings(post.world, 10))
    assert keep_recordings(post.world, 10) == 0
    (document,) = post.rows(DOCUMENT, DOCUMENT.c.kind == "call-recording")
    assert (document.case_id, document.mime) == (post.ids.case, "audio/x-wav")
    assert post.world.documents.get(document.sha256).startswith(b"RIFF")


@pytest.mark.parametrize("path", ["", "/status", "/recording"])
def test_a_forger_is_answered_nothing(post: Post, path: str) -> None:
    url = f"{post.world.callbacks}{CALLS}{path}?send_id={post.ids.case.hex}"
    form = {"CallSid": "CA1", "CallStatus": "completed", "Digits": "1"}
    forged = RequestValidator("outro-segredo").compute_signature(url, form)
    assert requests.post(url, form, headers={"X-Twilio-Signature": forged}, timeout=10).status_code == 403
    assert requests.post(url, form, timeout=10).status_code == 403


@pytest.mark.parametrize("query", ["", "?send_id=x", "?send_id={id}&at=nowhere", "?send_id={id}&at=menu&tries=x"])
def test_what_is_no_call_of_ours_is_refused(post: Post, query: str) -> None:
    url = f"{post.world.callbacks}{CALLS}{query.format(id=post.ids.case.hex)}"
    signature = RequestValidator(TWILIO_TOKEN).compute_signature(url, {"CallSid": "CA1"})
    answer = requests.post(url, {"CallSid": "CA1"}, headers={"X-Twilio-Signature": signature}, timeout=10)
    assert answer.status_code == 400

"""Telephone calls through Twilio's API, over real HTTP, with our own receiver answering what the call asks."""

from __future__ import annotations

import io
import threading
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from domain.errors import BadAddress, Misconfigured, Permanent, Unavailable, Unknown
from gateways import signatures
from gateways.twiml import Dial, Gather, HangUp, Redirect, Say, Step, twiml
from gateways.voice import Call, CallState, Recording, TwilioVoice
from sandbox.server import Sandbox, running_sandbox
from sandbox.state import TWILIO_SID, TWILIO_TOKEN

OURS, ATTENDANT = "+551130000000", "+551130000009"
EPOCH = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass
class Switchboard:
    """Our side of a call: a script for each path, and every request as it came."""

    url: str = ""
    scripts: dict[str, list[Step] | str] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str], bool]] = field(default_factory=list)

    def forms(self, path: str) -> list[dict[str, str]]:
        return [form for asked, form, _ in self.asked if urlsplit(asked).path == path]

    def statuses(self) -> list[str]:
        return [form["CallStatus"] for form in self.forms("/status")]

    def wait(self, path: str, times: int = 1) -> list[dict[str, str]]:
        deadline = time.monotonic() + 10
        while len(self.forms(path)) < times:
            assert time.monotonic() < deadline, self.asked
            time.sleep(0.01)
        return self.forms(path)


@contextmanager
def answering() -> Iterator[Switchboard]:
    board = Switchboard()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(text, keep_blank_values=True).items()}
            signature = self.headers["X-Twilio-Signature"]
            signed = signatures.twilio(TWILIO_TOKEN, board.url + self.path, form, signature)
            board.asked.append((self.path, form, signed))
            script = board.scripts.get(urlsplit(self.path).path)
            body = (script if isinstance(script, str) else twiml(script)).encode() if script is not None else b""
            self.send_response(200 if script is not None else 204)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    board.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield board
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def gateway(sandbox: Sandbox) -> TwilioVoice:
    return TwilioVoice(TWILIO_SID, TWILIO_TOKEN, sandbox.url, timeout=5.0)


@pytest.fixture
def board() -> Iterator[Switchboard]:
    with answering() as board:
        menu = Gather((Say("Tecle 1 para pagar."),), f"{board.url}/choice", hints=("pagar",))
        board.scripts["/menu"] = [Say("Bom dia."), menu]
        board.scripts["/choice"] = [Say("Obrigado."), HangUp()]
        yield board


def call(board: Switchboard, to: str = "+5511900000001", send_id: str = "01CALL") -> Call:
    return Call(send_id, OURS, to, f"{board.url}/menu", f"{board.url}/status", f"{board.url}/recording")


def over(gateway: TwilioVoice, provider_id: str) -> CallState:
    deadline = time.monotonic() + 10
    while not (state := gateway.state(provider_id)).over:
        assert time.monotonic() < deadline, state
        time.sleep(0.01)
    return state


def spoken(sandbox: Sandbox, provider_id: str) -> list[str]:
    entry = next(entry for entry in sandbox.log() if entry["provider_id"] == provider_id)
    return str(entry["body"]).splitlines()


class TestConversation:
    """A person answers, listens, and presses keys."""

    def test_a_debtor_hears_the_menu_and_chooses(
        self, sandbox: Sandbox, gateway: TwilioVoice, board: Switchboard
    ) -> None:
        sandbox.phone("+5511900000001", "human", "1")
        placed = gateway.place(call(board))
        state = over(gateway, placed.provider_id)
        assert (state.status, state.answered_by) == ("completed", "human")
        assert state.started_at
        assert state.ended_at
        assert state.seconds == 1
        assert board.forms("/choice")[0]["Digits"] == "1"
        assert spoken(sandbox, placed.provider_id) == ["Bom dia.", "Tecle 1 para pagar.", "Obrigado."]

    def test_every_request_is_signed_and_names_the_contact_where_it_was_asked_to(
        self, sandbox: Sandbox, gateway: TwilioVoice, board: Switchboard
    ) -> None:
        sandbox.phone("+5511900000001", "human", "1")
        gateway.place(call(board, send_id="01SIGNED"))
        board.wait("/recording")
        board.wait("/status", 4)
        assert all(signed for _, _, signed in board.asked)
        named = [path for path, _, _ in board.asked if parse_qs(urlsplit(path).query).get("send_id") == ["01SIGNED"]]
        assert {urlsplit(path).path for path in named} == {"/menu", "/status", "/recording"}

    def test_the_script_is_told_that_a_person_answered(
        self, sandbox: Sandbox, gateway: TwilioVoice, board: Switchboard
    ) -> None:
        sandbox.phone("+5511900000001", "human")
        placed = gateway.place(call(board))
        over(gateway, placed.provider_id)
        form = board.forms("/menu")[0]
        assert (form["AnsweredBy"], form["CallStatus"], form["CallSid"]) == ("human", "in-progress", placed.provider_id)

    def test_progress_is_reported_step_by_step(
        self, sandbox: Sandbox, gateway: TwilioVoice, board: Switchboard
    ) -> None:
        sandbox.phone("+5511900000001", "human", "1")
        gateway.place(call(board))
        reports = board.wait("/status", 4)
        assert [form["CallStatus"] for form in reports] == ["initiated", "ringing", "in-progress", "completed"]
        assert [form["SequenceNumber"] for form in reports] == ["0", "1", "2", "3"]
        assert (reports[-1]["CallDuration"], reports[-1]["AnsweredBy"]) == ("1", "human")

    def test_words_are_understood_where_the_question_listens_for_them(
        self, sandbox: Sandbox, gateway: TwilioVoice, board: Switchboard
    ) -> None:
        sandbox.phone("+5511900000001", "human", "say:quero pagar")
        over(gateway, gateway.place(call(board)).provider_id)
        form = board.forms("/choice")[0]
        assert (form["SpeechResult"], form["Confidence"]) == ("quero pagar", "0.9")
        assert "Digits" not in form

    def test_silence_is_told_too_and_the_menu_may_be_said_again(
        self, sandbox: Sandbox, gateway: TwilioVoice, board: Switchboard
    ) -> None:
        sandbox.phone("+5511900000001", "human", "", "hang-up")
        board.scripts["/choice"] = [Redirect(f"{board.url}/menu")]
        placed = gateway.place(call(board))
        over(gateway, placed.provider_id)
        assert board.forms("/choice")[0]["Digits"] == ""
        assert spoken(sandbox, placed.provider_id) == ["Bom dia.", "Tecle 1 para pagar."] * 2

    def test_a_debtor_who_asks_for_a_person_is_connected(
        self, sandbox: Sandbox, gateway: TwilioVoice, board: Switchboard
    ) -> None:
        sandbox.phone("+5511900000001", "human", "2")
        sandbox.phone(ATTENDANT, "no-answer")
        board.scripts["/choice"] = [Dial(ATTENDANT, OURS, f"{board.url}/after")]
        board.scripts["/after"] = [Say("Ninguém pôde atender."), HangUp()]
        over(gateway, gateway.place(call(board)).provider_id)
        assert board.forms("/after")[0]["DialCallStatus"] == "no-answer"
        sandbox.phone(ATTENDANT, "human")
        over(gateway, gateway.place(call(board)).provider_id)
        assert board.forms("/after")[1]["DialCallStatus"] == "completed"

    def test_a_script_may_come_along_with_the_call(
        self, sandbox: Sandbox, gateway: TwilioVoice, board: Switchboard
    ) -> None:
        script = twiml([Say("Seu pagamento chegou. Obrigado."), HangUp()])
        placed = gateway.place(replace(call(board), script=script))
        assert over(gateway, placed.provider_id).status == "completed"
        assert board.forms("/menu") == []
        assert spoken(sandbox, placed.provider_id) == ["Seu pagamento chegou. Obrigado."]

    @pytest.mark.parametrize("script", ["<Response><Say>", "Bom dia", "<Html/>"])
    def test_a_script_that_cannot_be_read_ends_the_call(
        self, sandbox: Sandbox, gateway: TwilioVoice, board: Switchboard, script: str
    ) -> None:
        board.scripts["/menu"] = script
        placed = gateway.place(call(board))
        assert over(gateway, placed.provider_id).status == "completed"
        assert spoken(sandbox, placed.provider_id) == []

    def test_a_script_that_goes_round_in_circles_comes_to_an_end(
        self, gateway: TwilioVoice, board: Switchboard
    ) -> None:
        board.scripts["/menu"] = [Redirect(f"{board.url}/menu")]
        placed = gateway.place(call(board))
        assert over(gateway, placed.provider_id).status == "completed"
        assert 1 < len(board.forms("/menu")) <= 50


class TestNoConversation:
    """Nobody answers, or no person does."""

    @pytest.mark.parametrize(
        ("answers", "status", "sip"),
        [
            ("busy", "busy", "486"),
            ("rejected", "busy", "603"),
            ("no-answer", "no-answer", "487"),
            ("unreachable", "failed", "404"),
        ],
    )
    def test_a_call_that_nobody_takes_says_why_and_has_no_recording(
        self, sandbox: Sandbox, gateway: TwilioVoice, board: Switchboard, answers: str, status: str, sip: str
    ) -> None:
        sandbox.phone("+5511900000061", answers)
        placed = gateway.place(call(board, "+5511900000061"))
        state = over(gateway, placed.provider_id)
        assert (state.status, state.started_at, state.seconds, state.answered_by) == (status, None, 0, "")
        reports = board.wait("/status", 3)
        assert [form["CallStatus"] for form in reports] == ["initiated", "ringing", status]
        assert reports[-1]["SipResponseCode"] == sip
        assert board.forms("/menu") == []
        assert gateway.recordings(placed.provider_id) == ()

    def test_an_answering_machine_is_told_apart_and_told_nothing(
        self, sandbox: Sandbox, gateway: TwilioVoice, board: Switchboard
    ) -> None:
        sandbox.phone("+5511900000062", "machine")
        board.scripts["/menu"] = [HangUp()]
        placed = gateway.place(call(board, "+5511900000062"))
        assert over(gateway, placed.provider_id).answered_by == "machine_start"
        assert board.forms("/menu")[0]["AnsweredBy"] == "machine_start"
        assert spoken(sandbox, placed.provider_id) == []

    def test_who_answered_is_not_asked_where_it_does_not_matter(self, gateway: TwilioVoice, board: Switchboard) -> None:
        placed = gateway.place(replace(call(board), detect_machine=False))
        assert over(gateway, placed.provider_id).answered_by == ""
        assert "AnsweredBy" not in board.forms("/menu")[0]

    def test_we_can_hang_up_while_people_talk_and_again_when_it_is_over(
        self, sandbox: Sandbox, gateway: TwilioVoice, board: Switchboard
    ) -> None:
        sandbox.phone("+5511900000063", "human", "wait")
        placed = gateway.place(call(board, "+5511900000063"))
        board.wait("/menu")
        assert gateway.state(placed.provider_id).status == "in-progress"
        gateway.hang_up(placed.provider_id)
        assert gateway.state(placed.provider_id).status == "completed"
        gateway.hang_up(placed.provider_id)
        assert board.wait("/status", 4)[-1]["CallStatus"] == "completed"

    def test_a_call_that_has_not_been_answered_is_canceled(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        with answering() as board, running_sandbox(tmp_path_factory.mktemp("slow"), event_delay=2.0) as sandbox:
            gateway = TwilioVoice(TWILIO_SID, TWILIO_TOKEN, sandbox.url)
            placed = gateway.place(call(board))
            gateway.hang_up(placed.provider_id)
            assert gateway.state(placed.provider_id).status == "canceled"


class TestRecordings:
    """What was said is fetched as evidence."""

    def test_a_recording_is_reported_and_fetched_as_sound(
        self, sandbox: Sandbox, gateway: TwilioVoice, board: Switchboard
    ) -> None:
        sandbox.phone("+5511900000001", "human", "1")
        placed = gateway.place(call(board))
        report = board.wait("/recording")[0]
        assert (report["CallSid"], report["RecordingStatus"]) == (placed.provider_id, "completed")
        recording = gateway.recording(report["RecordingSid"])
        assert recording == Recording(
            report["RecordingSid"], placed.provider_id, "completed", 1, 2, recording.started_at
        )
        assert gateway.recordings(placed.provider_id) == (recording,)
        with wave.open(io.BytesIO(gateway.sound(recording.provider_id))) as sound:
            assert (sound.getnchannels(), sound.getframerate()) == (2, 8000)
            assert sound.getnframes() > 0

    def test_a_call_is_not_recorded_unless_it_was_asked_for(self, gateway: TwilioVoice, board: Switchboard) -> None:
        placed = gateway.place(replace(call(board), recording_url=None))
        over(gateway, placed.provider_id)
        assert gateway.recordings(placed.provider_id) == ()

    def test_a_recording_that_does_not_exist_is_refused(self, gateway: TwilioVoice) -> None:
        for fetch in (gateway.recording, gateway.sound):
            with pytest.raises(Permanent):
                fetch("RE" + "00" * 16)

    def test_a_wrong_token_hears_nothing(self, sandbox: Sandbox) -> None:
        with pytest.raises(Misconfigured):
            TwilioVoice(TWILIO_SID, "wrong", sandbox.url).sound("RE" + "00" * 16)

    def test_a_download_that_breaks_off_may_be_done_again(self, sandbox: Sandbox, gateway: TwilioVoice) -> None:
        sandbox.fault("accept_then_drop", match={"kind": "lookup"}, times=1)
        with pytest.raises(Unavailable):
            gateway.recordings("CA" + "00" * 16)


class TestLookUp:
    """A call whose answer was lost is found in the provider's records."""

    @pytest.mark.parametrize("effect", ["accept_then_fail", "accept_then_drop"])
    def test_a_call_whose_answer_was_lost_is_found_and_not_made_twice(
        self, sandbox: Sandbox, gateway: TwilioVoice, board: Switchboard, effect: str
    ) -> None:
        start, to = (
            datetime.now(UTC),
            {"accept_then_fail": "+5511900000071", "accept_then_drop": "+5511900000072"}[effect],
        )
        sandbox.fault(effect, match={"kind": "call"}, times=1)
        with pytest.raises(Unknown):
            gateway.place(call(board, to))
        found = gateway.find(OURS, to, start)
        assert found is not None
        assert found.provider_id == sandbox.log()[-1]["provider_id"]

    def test_a_call_whose_time_ran_out_is_found(self, sandbox: Sandbox, board: Switchboard) -> None:
        hasty, start = TwilioVoice(TWILIO_SID, TWILIO_TOKEN, sandbox.url, timeout=0.3), datetime.now(UTC)
        sandbox.fault("accept_then_hold", match={"kind": "call"}, times=1)
        with pytest.raises(Unknown):
            hasty.place(call(board, "+5511900000081"))
        sandbox.release()
        assert hasty.find(OURS, "+5511900000081", start) is not None

    def test_a_call_of_another_contact_is_not_taken_for_ours(self, gateway: TwilioVoice, board: Switchboard) -> None:
        start = datetime.now(UTC)
        first = gateway.place(call(board, "+5511900000082")).provider_id
        assert gateway.find(OURS, "+5511900000082", start, known={first}) is None
        second = gateway.place(call(board, "+5511900000082")).provider_id
        found = gateway.find(OURS, "+5511900000082", start, known={first})
        assert found is not None
        assert found.provider_id == second

    def test_what_was_never_placed_is_not_found(
        self, sandbox: Sandbox, gateway: TwilioVoice, board: Switchboard
    ) -> None:
        sandbox.fault("fail", match={"kind": "call"}, status=500, times=1)
        with pytest.raises(Unknown):
            gateway.place(call(board, "+5511900000083"))
        assert gateway.find(OURS, "+5511900000083", EPOCH) is None
        gateway.place(call(board, "+5511900000083"))
        assert gateway.find(OURS, "+5511900000083", datetime.now(UTC) + timedelta(hours=1)) is None
        assert gateway.find("+551130000001", "+5511900000083", EPOCH) is None

    def test_records_that_lag_show_nothing_at_first(
        self, sandbox: Sandbox, gateway: TwilioVoice, board: Switchboard
    ) -> None:
        sandbox.lag(0.4)
        start = datetime.now(UTC)
        placed = gateway.place(call(board, "+5511900000084"))
        assert gateway.find(OURS, "+5511900000084", start) is None
        time.sleep(0.5)
        assert gateway.find(OURS, "+5511900000084", start) == placed

    def test_hanging_up_without_an_answer_may_be_done_again(
        self, sandbox: Sandbox, gateway: TwilioVoice, board: Switchboard
    ) -> None:
        sandbox.phone("+5511900000085", "human", "wait")
        placed = gateway.place(call(board, "+5511900000085"))
        board.wait("/menu")
        sandbox.fault("accept_then_drop", match={"kind": "update"}, times=1)
        with pytest.raises(Unknown):
            gateway.hang_up(placed.provider_id)
        gateway.hang_up(placed.provider_id)
        assert gateway.state(placed.provider_id).over


class TestRefusals:
    """What the provider will not call, and whose fault that is."""

    @pytest.mark.parametrize(
        ("number", "error", "code"),
        [
            ("+15005550001", BadAddress, "21217"),
            ("+15005550002", BadAddress, "21214"),
            ("+15005550003", Misconfigured, "21215"),
            ("+15005550004", Misconfigured, "21216"),
            ("119", BadAddress, "21217"),
        ],
    )
    def test_each_refused_number_has_its_reason(
        self, gateway: TwilioVoice, board: Switchboard, number: str, error: type[Permanent], code: str
    ) -> None:
        with pytest.raises(Permanent) as caught:
            gateway.place(call(board, number))
        assert type(caught.value) is error
        assert caught.value.code == code
        assert number not in str(caught.value)

    @pytest.mark.parametrize(("sender", "code"), [("+15005550007", "21210"), ("+15005550001", "21212")])
    def test_a_number_that_is_not_ours_is_our_fault(
        self, gateway: TwilioVoice, board: Switchboard, sender: str, code: str
    ) -> None:
        with pytest.raises(Misconfigured) as caught:
            gateway.place(replace(call(board), sender=sender))
        assert caught.value.code == code

    def test_a_script_too_long_to_come_along_is_refused_without_a_call(
        self, sandbox: Sandbox, gateway: TwilioVoice, board: Switchboard
    ) -> None:
        before = len(sandbox.log())
        with pytest.raises(Permanent, match="4000"):
            gateway.place(replace(call(board), script=twiml([Say("a" * 4000)])))
        assert len(sandbox.log()) == before

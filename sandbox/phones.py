"""The people at the other end of the line, and what goes on in a call: ringing, answering, and the script we wrote.

Who answers how is set for each number by POST /sandbox/phones (`Habits`); a number nobody spoke of is answered by a
person who listens, and hangs up at the first question. While a person or machine is on the line, the script of the call
is asked for at our address, spoken, and the answers are posted back, signed, as Twilio does. All of it is kept: a
sandbox that was killed goes on with the calls that were open.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urljoin
from xml.etree import ElementTree

from pydantic import BaseModel, ConfigDict

from sandbox.behaviour import CallError
from sandbox.outside import Outside, heard
from sandbox.state import TWILIO_SID, Row, State
from sandbox.twilio_common import VERSION, rfc2822

OVER = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})
RANKS = {"initiated": 0, "ringing": 1, "in-progress": 2}  # any other event comes after these
SUBSCRIBED = {"in-progress": "answered", **dict.fromkeys(OVER, "completed")}
"""The provider's names for the events that are not called like the status they tell of."""
UNANSWERED: dict[str, tuple[str, str]] = {
    "busy": ("busy", "486"),
    "rejected": ("busy", "603"),
    "no-answer": ("no-answer", "487"),
    "unreachable": ("failed", "404"),
}
DETECTED = {"human": "human", "machine": "machine_start"}
WAIT, HANG_UP, SAY = "wait", "hang-up", "say:"
NO_ANSWER, NOT_TWIML, TOO_MANY = "11200", "12100", "12400"
MOST_DOCUMENTS = 50  # in one call; a script that goes round in circles ends here


class Habits(BaseModel):
    """How a number is answered, and what is done at each question in turn: keys (`1`, `12#`), words (`say:pagar`),
    nothing (an empty text), `wait` (stays on the line until somebody hangs up) or `hang-up`, which is also what follows
    the last one. A machine never answers a question."""

    model_config = ConfigDict(extra="forbid")

    answers: Literal["human", "machine", "busy", "rejected", "no-answer", "unreachable"] = "human"
    does: tuple[str, ...] = ()


@dataclass
class Moment:
    """What one document of the script leads to: what was said, and then the next one, silence, or the end."""

    spoken: list[str] = field(default_factory=list)
    done: int = 0
    then: dict[str, Any] | None = None
    waits: bool = False


def set_habits(state: State, habits: Mapping[str, Habits]) -> None:
    """How these numbers are answered from now on."""
    with state.transaction() as db:
        rows = [(number, habit.model_dump_json()) for number, habit in habits.items()]
        db.executemany("REPLACE INTO phones VALUES (?, ?)", rows)


def habits(state: State, number: str) -> Habits:
    """How a number is answered."""
    row = state.row("SELECT habits FROM phones WHERE number = ?", number)
    return Habits.model_validate_json(row["habits"]) if row else Habits()


def dial(state: State, fields: dict[str, Any]) -> Row:
    """Takes in a call; it rings in a moment."""
    sid = "CA" + state.new_id("call")[:32]
    with state.transaction() as db:
        row = state.accept("twilio", "call", sid, [], status="queued", **fields)
        due = time.time() + state.settings.event_delay
        db.execute("INSERT INTO calls (entry, due) VALUES (?, ?)", (row["id"], due))
    return row


def interrupt(state: State, entry: int, form: Mapping[str, str]) -> Row:
    """Ends a call or gives it another script, as an update of the call asks. Raises `CallError` (21220)."""
    with state.transaction() as db:
        row = state.entry(entry)
        status = form.get("Status")
        if row["status"] in OVER or (status == "canceled" and row["status"] == "in-progress"):
            raise CallError(400, "21220")
        if status:
            return _end(state, row, status if row["status"] == "in-progress" else "canceled")
        if row["status"] != "in-progress":
            raise CallError(400, "21220")
        then = {name.lower(): form[name] for name in ("Twiml", "Url") if name in form}
        if not then:
            raise CallError(400, "21205")
        db.execute("UPDATE calls SET due = ? WHERE entry = ?", (time.time(), entry))
        return state.change(entry, then=then)


def seconds(row: Row) -> int:
    """How long a call lasted, as it is billed; 0 where nobody answered."""
    data = row["data"]
    return math.ceil(data["ended"] - data["started"]) if data.get("started") and data.get("ended") else 0


def callback(state: State, row: Row, happening: Row) -> tuple[str | None, dict[str, str]]:
    """The address and the form of a report: `row` is the call, `happening` the row of the event."""
    name, data = happening["name"], row["data"]
    if name == "recording":
        return data["recording_callback"], _recording_form(state, row, happening)
    form = _form(row) | {
        "CallStatus": name,
        "Timestamp": f"{rfc2822(happening['due'])}",
        "CallbackSource": "call-progress-events",
        "SequenceNumber": str(RANKS.get(name, len(RANKS))),
    }
    if name in OVER:
        form |= {"CallDuration": str(seconds(row)), "Duration": str(math.ceil(seconds(row) / 60))}
        form |= {"SipResponseCode": data.get("sip", "200")}
        form |= {"AnsweredBy": data["answered_by"]} if data.get("answered_by") else {}
    return data["callback"], form


def _recording_form(state: State, row: Row, happening: Row) -> dict[str, str]:
    recording = state.rows("SELECT * FROM recordings WHERE sid = ?", happening["code"])[0]
    path = f"/{VERSION}/Accounts/{TWILIO_SID}/Recordings/{recording['sid']}"
    return {
        "AccountSid": TWILIO_SID,
        "CallSid": row["provider_id"],
        "RecordingSid": recording["sid"],
        "RecordingUrl": f"https://api.twilio.com{path}",
        "RecordingStatus": "completed",
        "RecordingDuration": str(recording["seconds"]),
        "RecordingChannels": str(recording["channels"]),
        "RecordingStartTime": f"{rfc2822(recording['started_at'])}",
        "RecordingSource": "OutboundAPI",
        "ErrorCode": "0",
    }


class Phones:
    """Makes the calls go on. Not for use by more than one thread."""

    def __init__(self, state: State) -> None:
        self._state, self._outside = state, Outside(state.settings)

    def work(self) -> None:
        """Does whatever is due in every open call."""
        for row in self._state.rows("SELECT entry FROM calls WHERE due <= ? ORDER BY due", time.time()):
            call = self._state.entry(row["entry"])
            {"queued": self._ring, "ringing": self._pick_up}.get(call["status"], self._talk)(call)

    def _ring(self, call: Row) -> None:
        with self._state.transaction():
            if self._state.entry(call["id"])["status"] != "queued":
                return
            _tell(self._state, call, "initiated", "ringing")
            self._state.change(call["id"], "ringing")
            self._go_on(call)

    def _pick_up(self, call: Row) -> None:
        with self._state.transaction():
            if self._state.entry(call["id"])["status"] != "ringing":
                return
            who = habits(self._state, call["recipient"]).answers
            if who in UNANSWERED:
                status, sip = UNANSWERED[who]
                _end(self._state, self._state.change(call["id"], sip=sip), status)
                return
            script = {"twiml": call["data"]["twiml"]} if call["data"]["twiml"] else {"url": call["data"]["url"]}
            detected = DETECTED[who] if call["data"]["detect"] else None
            self._state.change(
                call["id"], "in-progress", started=time.time(), answered_by=detected, then=script, who=who
            )
            _tell(self._state, call, "in-progress")
            self._go_on(call)

    def _talk(self, call: Row) -> None:
        """One document of the script. No lock is held while it is asked for, so the call may have ended meanwhile."""
        data = call["data"]
        if time.time() - data["started"] > data["longest"] or data.get("documents", 0) >= MOST_DOCUMENTS:
            self._stop(call, TOO_MANY if data.get("documents", 0) >= MOST_DOCUMENTS else None)
            return
        script, error = self._script(call, data["then"])
        moment = Moment()
        if error is None:
            moment, error = self._play(call, script)
        with self._state.transaction():
            now = self._state.entry(call["id"])
            if now["status"] != "in-progress" or now["data"]["then"] != data["then"]:
                return
            changed = self._state.change(
                call["id"],
                spoken=[*data.get("spoken", []), *moment.spoken],
                done=data.get("done", 0) + moment.done,
                documents=data.get("documents", 0) + 1,
                then=moment.then,
            )
            if moment.waits:
                self._go_on(call, data["longest"])
            elif moment.then:
                self._go_on(call)
            else:
                self._stop(changed, error)

    def _script(self, call: Row, then: dict[str, Any] | None) -> tuple[str, str | None]:
        """The text of the next document, or the provider's code for why there is none."""
        if then and "twiml" in then:
            return then["twiml"], None
        form = _form(call) | {"CallStatus": "in-progress"}
        if call["data"].get("answered_by"):
            form |= {"AnsweredBy": call["data"]["answered_by"]}
        url = str((then or {}).get("url"))
        answer = self._outside.post_signed(url, form | (then or {}).get("form", {}))
        return (answer.text, None) if answer is not None and heard(answer) else ("", NO_ANSWER)

    def _play(self, call: Row, script: str) -> tuple[Moment, str | None]:
        try:
            document = ElementTree.fromstring(script)  # noqa: S314 - our own script, from our own receiver
        except ElementTree.ParseError:
            return Moment(), NOT_TWIML
        if document.tag != "Response":
            return Moment(), NOT_TWIML
        return Line(self._state, call).play(document), None

    def _go_on(self, call: Row, after: float | None = None) -> None:
        due = time.time() + (self._state.settings.event_delay if after is None else after)
        with self._state.transaction() as db:
            db.execute("UPDATE calls SET due = ? WHERE entry = ?", (due, call["id"]))

    def _stop(self, call: Row, error: str | None) -> None:
        with self._state.transaction():
            now = self._state.change(call["id"], **({"error": error} if error else {}))
            if now["status"] == "in-progress":
                _end(self._state, now, "completed")


class Line:
    """One call while one document of its script is played."""

    def __init__(self, state: State, call: Row) -> None:
        self._state, self._call, self._moment = state, call, Moment()
        self._verbs: dict[str, Callable[[ElementTree.Element], bool]] = {
            "Say": self._say,
            "Pause": lambda _: False,
            "Play": self._say,
            "Gather": self._gather,
            "Dial": self._dial,
            "Redirect": self._redirect,
            "Hangup": lambda _: True,
        }

    def play(self, document: ElementTree.Element) -> Moment:
        """Does verb after verb until one of them ends the document."""
        for verb in document:
            if verb.tag not in self._verbs or self._verbs[verb.tag](verb):
                break
        return self._moment

    def _say(self, verb: ElementTree.Element) -> bool:
        self._moment.spoken.append("".join(verb.itertext()).strip())
        return False

    def _redirect(self, verb: ElementTree.Element) -> bool:
        self._moment.then = {"url": self._full("".join(verb.itertext()).strip()), "form": {}}
        return True

    def _gather(self, verb: ElementTree.Element) -> bool:
        for prompt in verb:
            self._say(prompt)
        act = self._next_act()
        if act == WAIT:
            self._moment.waits = True
        if act in (WAIT, HANG_UP):
            return True
        form = _given(act, verb)
        if form is None and verb.get("actionOnEmptyResult") != "true":
            return False
        self._moment.then = {"url": self._full(verb.get("action", "")), "form": form or {"Digits": ""}}
        return True

    def _dial(self, verb: ElementTree.Element) -> bool:
        """The other person's habits say whether he takes the call; people talk, and then it is over."""
        number = next((part.text or "" for part in verb if part.tag == "Number"), verb.text or "").strip()
        who = habits(self._state, number).answers
        status = "completed" if who in DETECTED else UNANSWERED[who][0]
        self._moment.spoken.append(f"[dial {status}]")
        if not verb.get("action"):
            return False
        form = {"DialCallStatus": status, "DialCallSid": "CA" + self._state.new_id(f"dial-{number}")[:32]}
        if status == "completed":
            form |= {"DialCallDuration": "1", "DialBridged": "true"}
        self._moment.then = {"url": self._full(verb.get("action", "")), "form": form}
        return True

    def _next_act(self) -> str:
        data = self._call["data"]
        if data["who"] == "machine":
            return ""
        does = habits(self._state, self._call["recipient"]).does
        at = data.get("done", 0) + self._moment.done
        self._moment.done += 1
        return does[at] if at < len(does) else HANG_UP

    def _full(self, url: str) -> str:
        """Addresses in a script may be relative to the one it came from."""
        then = self._call["data"]["then"] or {}
        return urljoin(then.get("url") or self._call["data"]["url"] or "", url)


def _given(act: str, verb: ElementTree.Element) -> dict[str, str] | None:
    """What a question's address is told, or None where nothing it listens to was given."""
    listens = verb.get("input", "dtmf").split()
    if act.startswith(SAY):
        heard_words = {"SpeechResult": act.removeprefix(SAY), "Confidence": "0.9", "Language": "pt-BR"}
        return heard_words if "speech" in listens else None
    keys = act.rstrip(verb.get("finishOnKey", "#"))[: int(verb.get("numDigits", "100"))]
    return {"Digits": keys} if keys and "dtmf" in listens else None


def _form(call: Row) -> dict[str, str]:
    return {
        "CallSid": call["provider_id"],
        "AccountSid": TWILIO_SID,
        "ApiVersion": VERSION,
        "Direction": "outbound-api",
        "From": call["sender"],
        "Caller": call["sender"],
        "To": call["recipient"],
        "Called": call["recipient"],
    }


def _tell(state: State, call: Row, *names: str) -> None:
    """Reports those of the events that were asked for."""
    wanted = call["data"]["events"]
    told = [name for name in names if call["data"]["callback"] and SUBSCRIBED.get(name, name) in wanted]
    if told:
        state.announce(call, [(name, None) for name in told], RANKS.get(told[0], len(RANKS)))


def _end(state: State, call: Row, status: str) -> Row:
    """Ends a call: the report of it, and the recording of what was said."""
    with state.transaction() as db:
        row = state.change(call["id"], status, ended=time.time(), then=None)
        db.execute("DELETE FROM calls WHERE entry = ?", (call["id"],))
        body = "\n".join(_spoken(row))
        db.execute("UPDATE entries SET body = ? WHERE id = ?", (body, call["id"]))
        _tell(state, row, status)
        if row["data"]["channels"] and row["data"].get("started"):
            _record(state, row)
    return state.entry(call["id"])


def _spoken(row: Row) -> Iterable[str]:
    return [text for text in row["data"].get("spoken", []) if text]


def _record(state: State, row: Row) -> None:
    sid, data = "RE" + state.new_id(f"recording-{row['id']}")[:32], row["data"]
    ready = time.time() + state.settings.event_delay
    with state.transaction() as db:
        values = (sid, row["id"], data["started"], seconds(row), data["channels"], ready)
        columns = "(sid, entry, started_at, seconds, channels, ready_at)"
        db.execute(f"INSERT INTO recordings {columns} VALUES (?, ?, ?, ?, ?, ?)", values)  # noqa: S608
    if data["recording_callback"]:
        state.announce(row, [("recording", sid)], len(RANKS))

"""Telephone calls through Twilio (2010-04-01): placed by us, answered by a script, recorded as evidence."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol, cast, get_args

from domain.errors import Permanent, ProviderError
from gateways.outcome import Accepted
from gateways.twilio_api import API, CLOCK_MARGIN, LIST_LIMIT, TwilioAccount, with_send_id

LONGEST_SCRIPT = 4000  # characters of TwiML sent along with a call
LARGEST_RECORDING = 64 * 1024 * 1024  # bytes; half an hour in two channels
REPORTED = ("initiated", "ringing", "answered", "completed")
CALL_IS_OVER = "21220"

Status = Literal["queued", "ringing", "in-progress", "completed", "busy", "failed", "no-answer", "canceled"]
OVER = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})


@dataclass(frozen=True)
class Call:
    """One call to make.

    `sender` and `to` are E.164. `script` is the address that answers with TwiML, or TwiML itself. What becomes of the
    call is reported to `callback_url`; where `recording_url` is given the call is recorded, each side in a channel of
    its own, and the recording reported there. All three addresses get `send_id` added to their query.

    It rings for `ring_for` seconds and ends after `longest` seconds. With `detect_machine` the script is told who
    answered before it says a word: a debt is nothing for an answering machine.
    """

    send_id: str
    sender: str
    to: str
    script: str
    callback_url: str
    recording_url: str | None = None
    ring_for: int = 20
    longest: int = 300
    detect_machine: bool = True


@dataclass(frozen=True)
class CallState:
    """A call as the provider has it. `answered_by`: human, machine_start, fax, unknown, or empty where it was not asked
    or nobody answered. `seconds` is its length once it is over."""

    provider_id: str
    status: Status
    answered_by: str
    seconds: int | None
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def over(self) -> bool:
        """Nothing more will happen to it."""
        return self.status in OVER


@dataclass(frozen=True)
class Recording:
    """A recording as the provider has it. There is a sound to fetch once `status` is `completed`; `absent` means there
    will be none. `channels`: 2 where each side has its own."""

    provider_id: str
    call_id: str
    status: str
    seconds: int | None
    channels: int
    started_at: datetime | None


class VoiceGateway(Protocol):
    """Places calls and answers for what it placed."""

    def place(self, call: Call) -> Accepted:
        """Makes the provider call. Raises `Unavailable` (no call), `Unknown` (perhaps one: `find` it), `Permanent`."""
        ...

    def find(self, sender: str, to: str, since: datetime, known: Collection[str] = ()) -> Accepted | None:
        """The call from `sender` to `to` created next to `since` (real time, aware), not long before it, or None.

        Nothing of ours can be seen in the record of a call; `known` are the provider's ids of other contacts' calls.
        None shortly after a call was placed proves nothing. Raises `Unavailable`, `Permanent`.
        """
        ...

    def state(self, provider_id: str) -> CallState:
        """The call as it is now. Raises `Unavailable`, `Permanent`."""
        ...

    def hang_up(self, provider_id: str) -> None:
        """Ends the call, whether it rings or people talk; one that is over stays so. Raises `Unavailable`,
        `Unknown` (do it again), `Permanent`."""
        ...

    def recordings(self, provider_id: str) -> tuple[Recording, ...]:
        """The recordings of a call. Raises `Unavailable`, `Permanent`."""
        ...

    def recording(self, recording_id: str) -> Recording:
        """One recording. Raises `Unavailable`, `Permanent`."""
        ...

    def sound(self, recording_id: str) -> bytes:
        """A recording as a WAV file. Raises `Unavailable`, `Permanent` (there is none, or not yet)."""
        ...


class TwilioVoice:
    """Twilio with the account's Auth Token. Safe to share between threads."""

    def __init__(self, account_sid: str, auth_token: str, base_url: str = API, timeout: float = 10.0) -> None:
        """`timeout` is in seconds."""
        self._account = TwilioAccount(account_sid, auth_token, base_url, timeout)

    def place(self, call: Call) -> Accepted:
        order = {
            "to": call.to,
            "from_": call.sender,
            "status_callback": with_send_id(call.callback_url, call.send_id),
            "status_callback_event": list(REPORTED),
            "timeout": call.ring_for,
            "time_limit": call.longest,
            **_script(call),
            **({"machine_detection": "Enable"} if call.detect_machine else {}),
            **_recorded(call),
        }
        return Accepted(self._account.call(lambda client: client.calls.create(**order)).sid)

    def find(self, sender: str, to: str, since: datetime, known: Collection[str] = ()) -> Accepted | None:
        """No filter by time: a call that is still queued has not started, and would be left out."""

        def search(client: Any) -> Accepted | None:
            calls = client.calls.list(to=to, from_=sender, limit=LIST_LIMIT)
            ours = [call for call in calls if call.date_created >= since - CLOCK_MARGIN and call.sid not in known]
            return Accepted(min(ours, key=lambda call: abs(call.date_created - since)).sid) if ours else None

        return self._account.look_up(search)

    def state(self, provider_id: str) -> CallState:
        return self._account.look_up(lambda client: _state(client.calls(provider_id).fetch()))

    def hang_up(self, provider_id: str) -> None:
        try:
            self._account.call(lambda client: client.calls(provider_id).update(status="completed"))
        except ProviderError as error:
            if error.code != CALL_IS_OVER:
                raise

    def recordings(self, provider_id: str) -> tuple[Recording, ...]:
        return self._account.look_up(
            lambda client: tuple(map(_recording, client.recordings.list(call_sid=provider_id, limit=LIST_LIMIT)))
        )

    def recording(self, recording_id: str) -> Recording:
        return self._account.look_up(lambda client: _recording(client.recordings(recording_id).fetch()))

    def sound(self, recording_id: str) -> bytes:
        path = f"/2010-04-01/Accounts/{self._account.account_sid}/Recordings/{recording_id}.wav"
        return self._account.download(path, LARGEST_RECORDING)


def _script(call: Call) -> dict[str, Any]:
    if not call.script.lstrip().startswith("<"):
        return {"url": with_send_id(call.script, call.send_id), "method": "POST"}
    if len(call.script) > LONGEST_SCRIPT:
        text = f"the script of a call has {len(call.script)} characters; give an address instead of more than"
        raise Permanent("script-too-long", f"{text} {LONGEST_SCRIPT}")
    return {"twiml": call.script}


def _recorded(call: Call) -> dict[str, Any]:
    if call.recording_url is None:
        return {}
    return {
        "record": True,
        "recording_channels": "dual",
        "recording_status_callback": with_send_id(call.recording_url, call.send_id),
        "recording_status_callback_event": ["completed", "absent"],
    }


def _state(call: Any) -> CallState:
    if call.status not in get_args(Status):
        raise ValueError(call.status)
    return CallState(
        call.sid,
        cast(Status, call.status),
        call.answered_by or "",
        _whole(call.duration),
        call.start_time,
        call.end_time,
    )


def _recording(recording: Any) -> Recording:
    return Recording(
        recording.sid,
        recording.call_sid,
        recording.status,
        _whole(recording.duration),
        recording.channels or 1,
        recording.start_time,
    )


def _whole(seconds: str | None) -> int | None:
    return None if seconds is None else int(seconds)

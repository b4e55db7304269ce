"""Twilio's Calls and Recordings API (2010-04-01). What goes on in a call is in `sandbox.phones`."""

from __future__ import annotations

import io
import math
import struct
import time
import wave
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from starlette.datastructures import FormData

from sandbox import phones
from sandbox.behaviour import CallError, around
from sandbox.state import TWILIO_SID, Row, State
from sandbox.twilio_common import ACCOUNT, E164, VERSION, authenticate, one, page, rfc2822, send_id, within

CALLS, RECORDINGS = ACCOUNT + "/Calls", ACCOUNT + "/Recordings"
# Numbers that the provider sets aside for its own test credentials.
MAGIC = {"+15005550001": "21217", "+15005550002": "21214", "+15005550003": "21215", "+15005550004": "21216"}
MAGIC_SENDERS = {"+15005550001": "21212", "+15005550007": "21210"}
LONGEST_SCRIPT = 4000  # characters
RATE, PITCH, SOUND = 8000, 440, 0.25  # samples a second, hertz, seconds of the sound that stands for any recording


def router(state: State) -> APIRouter:
    """The routes of calls and recordings."""
    routes = APIRouter()
    _calls(routes, state)
    _recordings(routes, state)
    return routes


def _calls(routes: APIRouter, state: State) -> None:
    @routes.post(CALLS + ".json")
    async def create(request: Request, account: str) -> JSONResponse:
        authenticate(request, account)
        form = await request.form()
        fields = _fields(form)
        if code := _fault(fields):
            state.refuse("twilio", "call", code, **fields)
            raise CallError(400, code)
        call = {name: fields[key] for name, key in (("to", "recipient"), ("from", "sender"), ("send_id", "send_id"))}
        async with around(state, "twilio", {"kind": "call", **call}):
            row = phones.dial(state, fields)
        return JSONResponse(_call(row), 201)

    @routes.get(CALLS + ".json")
    async def find(request: Request, account: str) -> JSONResponse:
        authenticate(request, account)
        async with around(state, "twilio", {"kind": "lookup"}):
            query = dict(request.query_params)
            rows = [row for row in state.listed(state.entries("twilio", "call")) if _wanted(row, query)]
        return JSONResponse(page([_call(row) for row in rows], request, "calls"))

    @routes.get(CALLS + "/{sid}.json")
    async def fetch(request: Request, account: str, sid: str) -> JSONResponse:
        authenticate(request, account)
        async with around(state, "twilio", {"kind": "lookup"}):
            row = one(state.entries("twilio", "call", "provider_id = ?", sid))
        return JSONResponse(_call(row))

    @routes.post(CALLS + "/{sid}.json")
    async def update(request: Request, account: str, sid: str) -> JSONResponse:
        authenticate(request, account)
        form = {name: str(value) for name, value in (await request.form()).items()}
        row = one(state.entries("twilio", "call", "provider_id = ?", sid))
        async with around(state, "twilio", {"kind": "update", "to": row["recipient"], "send_id": row["send_id"]}):
            row = phones.interrupt(state, row["id"], form)
        return JSONResponse(_call(row))


def _recordings(routes: APIRouter, state: State) -> None:
    @routes.get(RECORDINGS + ".json")
    async def find(request: Request, account: str) -> JSONResponse:
        authenticate(request, account)
        async with around(state, "twilio", {"kind": "lookup"}):
            wanted = request.query_params.get("CallSid")
            rows = [row for row in _recorded(state) if wanted in (None, row["call"])]
        return JSONResponse(page([_recording(row, request) for row in rows], request, "recordings"))

    @routes.get(RECORDINGS + "/{sid}.json")
    async def fetch(request: Request, account: str, sid: str) -> JSONResponse:
        authenticate(request, account)
        async with around(state, "twilio", {"kind": "lookup"}):
            row = one([row for row in _recorded(state) if row["sid"] == sid])
        return JSONResponse(_recording(row, request))

    @routes.get(RECORDINGS + "/{sid}.wav")
    async def sound(request: Request, account: str, sid: str) -> Response:
        authenticate(request, account)
        async with around(state, "twilio", {"kind": "lookup"}):
            row = one([row for row in _recorded(state) if row["sid"] == sid and row["ready_at"] <= time.time()])
        return Response(tone(row["channels"]), media_type="audio/x-wav")


def tone(channels: int) -> bytes:
    """The sound that stands for what was said: a WAV file with a quarter of a second of a tone."""
    samples = (int(8000 * math.sin(2 * math.pi * PITCH * n / RATE)) for n in range(int(RATE * SOUND)))
    frames = b"".join(struct.pack("<h", sample) * channels for sample in samples)
    with io.BytesIO() as file:
        with wave.open(file, "wb") as sound:
            sound.setnchannels(channels)
            sound.setsampwidth(2)
            sound.setframerate(RATE)
            sound.writeframes(frames)
        return file.getvalue()


def _fields(form: FormData) -> dict[str, Any]:
    """The columns of the log."""
    given = {name: str(value) for name, value in form.items()}
    callback, url = given.get("StatusCallback"), given.get("Url")
    data = {
        "callback": callback,
        "events": [str(name) for name in form.getlist("StatusCallbackEvent")] or ["completed"],
        "url": url,
        "twiml": given.get("Twiml"),
        "detect": given.get("MachineDetection"),
        "longest": int(given.get("TimeLimit", 4 * 3600)),
        "channels": {"dual": 2}.get(given.get("RecordingChannels", ""), 1) if given.get("Record") == "true" else 0,
        "recording_callback": given.get("RecordingStatusCallback"),
    }
    return {
        "send_id": send_id(callback, url),
        "sender": given.get("From"),
        "recipient": given.get("To"),
        "data": data,
    }


def _fault(fields: dict[str, Any]) -> str | None:
    """The code of what is wrong with a call, or None."""
    to, sender, data = fields["recipient"] or "", fields["sender"] or "", fields["data"]
    if not to or not sender:
        return "21213" if to else "21201"
    if wrong := MAGIC.get(to) or MAGIC_SENDERS.get(sender):
        return wrong
    if not E164.fullmatch(to) or not E164.fullmatch(sender):
        return "21217" if E164.fullmatch(sender) else "21212"
    script = data["twiml"] or ""
    wrong_url = not script and urlsplit(data["url"] or "").scheme not in ("http", "https")
    return "21205" if wrong_url or len(script) > LONGEST_SCRIPT else None


def _wanted(row: Row, query: dict[str, str]) -> bool:
    same = all(query.get(name, row[key]) == row[key] for name, key in (("To", "recipient"), ("From", "sender")))
    started = same and within(query, "StartTime", row["data"].get("started"))
    return started and query.get("Status", row["status"]) == row["status"]


def _call(row: Row) -> dict[str, Any]:
    data, sid = row["data"], row["provider_id"]
    uri = CALLS.format(account=TWILIO_SID) + f"/{sid}"
    return {
        "account_sid": TWILIO_SID,
        "answered_by": data.get("answered_by"),
        "api_version": VERSION,
        "caller_name": None,
        "date_created": rfc2822(row["accepted_at"]),
        "date_updated": rfc2822(row["updated_at"]),
        "direction": "outbound-api",
        "duration": str(phones.seconds(row)) if data.get("ended") else None,
        "end_time": rfc2822(data.get("ended")),
        "forwarded_from": None,
        "from": row["sender"],
        "from_formatted": row["sender"],
        "group_sid": None,
        "parent_call_sid": None,
        "phone_number_sid": None,
        "price": "-0.10000" if data.get("ended") else None,
        "price_unit": "USD",
        "queue_time": "0",
        "sid": sid,
        "start_time": rfc2822(data.get("started")),
        "status": row["status"],
        "subresource_uris": {"recordings": f"{uri}/Recordings.json"},
        "to": row["recipient"],
        "to_formatted": row["recipient"],
        "trunk_sid": None,
        "uri": f"{uri}.json",
    }


def _recorded(state: State) -> list[Row]:
    return state.rows(
        "SELECT recordings.*, provider_id AS call FROM recordings JOIN entries ON entries.id = entry ORDER BY 1 DESC"
    )


def _recording(row: Row, request: Request) -> dict[str, Any]:
    uri = RECORDINGS.format(account=TWILIO_SID) + f"/{row['sid']}"
    ready = row["ready_at"] <= time.time()
    return {
        "account_sid": TWILIO_SID,
        "api_version": VERSION,
        "call_sid": row["call"],
        "channels": row["channels"],
        "conference_sid": None,
        "date_created": rfc2822(row["started_at"]),
        "date_updated": rfc2822(row["ready_at"] if ready else row["started_at"]),
        "duration": str(row["seconds"]) if ready else None,
        "encryption_details": None,
        "error_code": None,
        "media_url": f"{request.base_url}".rstrip("/") + uri,
        "price": None,
        "price_unit": "USD",
        "sid": row["sid"],
        "source": "OutboundAPI",
        "start_time": rfc2822(row["started_at"]),
        "status": "completed" if ready else "processing",
        "subresource_uris": {"transcriptions": f"{uri}/Transcriptions.json"},
        "uri": f"{uri}.json",
    }

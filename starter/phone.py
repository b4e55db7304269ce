"""The script of a call, asked for by the provider turn by turn: which words are said, which keys are listened to.

Where a call stands is in the address that the provider was given for the next answer, and the provider signs the
address; so nothing has to be kept between two turns, and an answer that comes twice is written down once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import urlencode
from uuid import UUID

import structlog
from fastapi import FastAPI, HTTPException, Request, Response
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from activities import calls
from activities.channels import CALLS
from domain.clock import Clock
from domain.ivr import At, Line, State, Turn, Wish, answered, hear
from gateways import signatures
from gateways.settings import Settings
from gateways.twiml import Dial, Gather, HangUp, Say, Step, twiml
from letters.voice import words
from starter.calls import Form, body_of, called_url, form_of

LIMIT = 64 * 1024
DIALLED = "dialled"
"""Where a call stands that was passed on to a person."""
Deliver = Callable[[Sequence[UUID]], None]

log = structlog.get_logger("phone")


async def signed_form(request: Request, settings: Settings) -> Form:
    """The form of a call of Twilio's; HTTP 403 where Twilio did not sign it, 413 where it is too large."""
    form = form_of(await body_of(request, LIMIT))
    token, headers = settings.twilio_auth_token.get_secret_value(), request.headers
    signed = headers.get("X-Twilio-Signature"), headers.get("X-Twilio-Webhooks-Signature-Settings")
    # Without a token of ours anybody could sign with none.
    if not token or not signatures.twilio(token, called_url(request, settings), form, *signed):
        raise HTTPException(403)
    return form


def mount(app: FastAPI, engine: Engine, settings: Settings, clock: Clock, deliver: Deliver) -> None:
    """Add the door. Answers: 200 the script; 400 signed, but no call of ours; 403; 413; 503 the database is away."""

    @app.post(CALLS)
    async def script(request: Request) -> Response:
        form = await signed_form(request, settings)
        try:
            send_id = UUID(hex=request.query_params.get("send_id", ""))
            at, tries = request.query_params.get("at", ""), int(request.query_params.get("tries", "0"))
            text = await run_in_threadpool(answer, send_id, at, tries, form)
        except ValueError:
            raise HTTPException(400) from None
        except SQLAlchemyError:
            log.warning("the script of a call could not be read", exc_info=True)
            raise HTTPException(503) from None
        return Response(text, media_type="text/xml")

    def answer(contact_id: UUID, at: str, tries: int, form: Form) -> str:
        with engine.connect() as conn:
            talk = calls.conversation(conn, clock, contact_id)
        if talk is None:
            raise ValueError(contact_id)
        turn = _turn(at, tries, form, talk)
        if turn.wish and not turn.dial:
            deliver(calls.note(engine, clock, talk.contact, turn.wish, turn.days))
        return twiml(_steps(turn, talk, f"{settings.public_url}{CALLS}"))


def _turn(at: str, tries: int, form: Form, talk: calls.Conversation) -> Turn:
    """Raises ValueError for a place in the dialogue that there is not."""
    if not at:
        return answered(form.get("AnsweredBy", ""), talk.knows)
    if at == DIALLED:
        spoken_to = form.get("DialCallStatus") == "completed"
        over = State(At.OVER)
        return Turn((Line.GOODBYE,), over) if spoken_to else Turn((Line.CALL_BACK,), over, Wish.PERSON)
    keys = "".join(char for char in form.get("Digits", "") if char in "0123456789")
    return hear(State(At(at), tries), keys, talk.knows)


def _steps(turn: Turn, talk: calls.Conversation, base: str) -> list[Step]:
    spoken = tuple(Say(words(line, talk.names, talk.matter)) for line in turn.says)

    def address(at: str) -> str:
        return f"{base}?{urlencode({'send_id': talk.contact.id.hex, 'at': at, 'tries': turn.state.tries})}"

    if turn.dial and talk.voice and talk.voice.staffed:
        return [*spoken, Dial(talk.voice.staffed.number, talk.voice.sender, address(DIALLED))]
    if turn.digits:
        return [Gather(spoken, address(turn.state.at), turn.digits)]
    return [*spoken, HangUp()]

"""The sandbox's own routes under /sandbox: the log, what goes wrong, what becomes of whom, the clock of the notary."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict

from domain.clock import Clock
from sandbox import phones, replies, twilio_content, twilio_lookups
from sandbox.callbacks import public_key
from sandbox.notary import Notary
from sandbox.phones import Habits
from sandbox.replies import MailReply, Reply
from sandbox.state import (
    CRA_PASSWORD,
    CRA_USER,
    PIX_CLIENT_ID,
    PIX_CLIENT_SECRET,
    SENDGRID_KEY,
    TWILIO_SID,
    TWILIO_TOKEN,
    Fault,
    State,
)


class ClockBody(BaseModel):
    """At `real_origin` it is `business_origin`; from there `scale` business seconds pass in each real second."""

    model_config = ConfigDict(extra="forbid")

    real_origin: AwareDatetime
    business_origin: AwareDatetime
    scale: float


class Lag(BaseModel):
    """How many seconds lists know nothing of what was accepted."""

    model_config = ConfigDict(extra="forbid")

    seconds: float


def router(state: State, notary: Notary) -> APIRouter:
    """The routes under /sandbox."""
    routes = APIRouter(prefix="/sandbox")

    @routes.get("/log")
    def log() -> list[dict[str, Any]]:
        return state.log()

    @routes.get("/keys")
    def keys() -> dict[str, str]:
        return {
            "sendgrid_public_key": public_key(state.settings.folder),
            "sendgrid_api_key": SENDGRID_KEY,
            "twilio_account_sid": TWILIO_SID,
            "twilio_auth_token": TWILIO_TOKEN,
            "cra_user": CRA_USER,
            "cra_password": CRA_PASSWORD,
            "pix_client_id": PIX_CLIENT_ID,
            "pix_client_secret": PIX_CLIENT_SECRET,
        }

    _faults(routes, state)
    _people(routes, state)

    @routes.post("/fates", status_code=204)
    def fates(fates: dict[str, str]) -> None:
        state.set_fates(fates)

    @routes.post("/notary/fates", status_code=204)
    def title_fates(fates: dict[str, str]) -> None:
        notary.set_fates(fates)

    @routes.post("/clock", status_code=204)
    def clock(clock: ClockBody) -> None:
        state.set_clock(Clock(clock.real_origin, clock.business_origin, clock.scale))

    return routes


def _faults(routes: APIRouter, state: State) -> None:
    """What goes wrong, and which calls wait because of it."""

    @routes.post("/faults", status_code=204)
    def add_faults(faults: Fault | list[Fault]) -> None:
        for fault in [faults] if isinstance(faults, Fault) else faults:
            state.add_fault(fault)

    @routes.delete("/faults", status_code=204)
    def clear_faults() -> None:
        state.clear_faults()

    @routes.get("/held")
    def held() -> list[dict[str, Any]]:
        """Calls whose answer is held back now: their fields, and whether they were `accepted` already."""
        return list(state.held)

    @routes.post("/release", status_code=204)
    def release() -> None:
        state.releases += 1


def _people(routes: APIRouter, state: State) -> None:
    """Debtors on the telephone and in writing, what WhatsApp says, and how late it is known."""

    @routes.post("/lag", status_code=204)
    def lag(lag: Lag) -> None:
        state.lookup_lag = lag.seconds

    @routes.post("/phones", status_code=204)
    def answers(habits: dict[str, Habits]) -> None:
        phones.set_habits(state, habits)

    @routes.post("/lines", status_code=204)
    def lines(lines: dict[str, str]) -> None:
        twilio_lookups.set_lines(state, lines)

    @routes.post("/templates", status_code=204)
    def templates(fates: dict[str, str]) -> None:
        twilio_content.set_fates(state, fates)

    @routes.post("/inbound")
    def inbound(reply: Reply) -> dict[str, str]:
        return {"id": replies.message(state, reply)}

    @routes.post("/inbound-mail")
    def inbound_mail(reply: MailReply) -> dict[str, str]:
        return {"id": replies.mail(state, reply)}

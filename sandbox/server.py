"""The sandbox inside a test or a demo: a real server on a free port of this machine, in a thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from domain.clock import Clock
from sandbox import phones, replies, twilio_content, twilio_lookups
from sandbox.app import create_app
from sandbox.callbacks import public_key
from sandbox.notary import Notary
from sandbox.pix import Payment, Return, give_back, pay
from sandbox.state import Fault, Settings, State

START_WITHIN = 10.0  # seconds
SERVER: dict[str, Any] = {"log_config": None, "access_log": False, "ws": "none", "timeout_graceful_shutdown": 1}


class Sandbox:
    """A running sandbox: where it listens, and the levers that /sandbox offers over HTTP."""

    def __init__(self, state: State, url: str) -> None:
        self.state, self.url = state, url
        self.public_key = public_key(state.settings.folder)
        self._notary = Notary(state)

    @property
    def cra_url(self) -> str:
        """The whole address of a CRA's service."""
        return f"{self.url}/crasp/xml/protestos.php"

    @property
    def pix_url(self) -> str:
        """The base address of the API Pix."""
        return f"{self.url}/pix/api"

    @property
    def pix_token_url(self) -> str:
        """Where the API Pix gives tokens."""
        return f"{self.url}/pix/oauth/token"

    def pay_pix(self, **payment: Any) -> str:
        """Somebody pays a charge or a code: see `sandbox.pix.Payment`; returns the end-to-end id."""
        return pay(self.state, Payment.model_validate(payment))

    def return_pix(self, end_to_end_id: str, **more: Any) -> str:
        """A received Pix goes back: see `sandbox.pix.Return`; returns the id of the return."""
        return give_back(self.state, Return.model_validate({"end_to_end_id": end_to_end_id, **more}))

    def log(self) -> list[dict[str, Any]]:
        """Everything accepted or refused so far, in order."""
        return self.state.log()

    def fault(self, effect: str, **rule: Any) -> None:
        """Makes calls go wrong: see `sandbox.state.Fault` for the effects and the fields of a rule."""
        self.state.add_fault(Fault.model_validate({"effect": effect, **rule}))

    def fate(self, address: str, fate: str) -> None:
        """What becomes of messages to an address: see `sandbox.state.FATES`."""
        self.state.set_fates({address: fate})

    def title_fate(self, number: str, fate: str) -> None:
        """What becomes of a title at the notary, by our number or its own: see `sandbox.notary`."""
        self._notary.set_fates({number: fate})

    def phone(self, number: str, answers: str = "human", *does: str) -> None:
        """How a number is answered, and what is done at each question: see `sandbox.phones.Habits`."""
        habits = phones.Habits.model_validate({"answers": answers, "does": does})
        phones.set_habits(self.state, {number: habits})

    def line(self, number: str, kind: str) -> None:
        """What kind of line a number is: see `sandbox.twilio_lookups.KINDS`."""
        twilio_lookups.set_lines(self.state, {number: kind})

    def template_fate(self, name: str, fate: str) -> None:
        """What WhatsApp says of the template of this name: see `sandbox.twilio_content`."""
        twilio_content.set_fates(self.state, {name: fate})

    def reply(self, **reply: Any) -> str:
        """A debtor writes an SMS or WhatsApp message: see `sandbox.replies.Reply`. Returns its id."""
        return replies.message(self.state, replies.Reply.model_validate(reply))

    def mail_reply(self, **reply: Any) -> str:
        """A debtor writes an e-mail: see `sandbox.replies.MailReply`. Returns its Message-ID."""
        return replies.mail(self.state, replies.MailReply.model_validate(reply))

    def lag(self, seconds: float) -> None:
        """From now on lists know nothing of what was accepted in the last `seconds`."""
        self.state.lookup_lag = seconds

    def clock(self, real_origin: datetime, business_origin: datetime, scale: float) -> None:
        """The notary's clock from now on."""
        self.state.set_clock(Clock(real_origin, business_origin, scale))

    def release(self) -> None:
        """Lets every held call go on."""
        self.state.releases += 1


@contextmanager
def running_sandbox(
    folder: Path,
    callbacks: str | None = None,
    *,
    wrap: Callable[[ASGIApp], ASGIApp] = lambda app: app,
    **settings: Any,
) -> Iterator[Sandbox]:
    """Runs a sandbox over `folder` until the block ends; a later one over the same folder remembers everything.

    `callbacks` is the base address of the receiver of events; `settings` are those of `sandbox.state.Settings`; `wrap`
    may put an ASGI application around the sandbox's, to watch it.
    """
    state = State(Settings(folder, callbacks=callbacks, **settings))
    server = uvicorn.Server(uvicorn.Config(wrap(create_app(state)), port=0, **SERVER))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield Sandbox(state, f"http://127.0.0.1:{port_of(server, thread)}")
    finally:
        state.releases += 1  # nothing held keeps the server from stopping
        server.should_exit = True
        thread.join()
        state.close()


def port_of(server: uvicorn.Server, thread: threading.Thread) -> int:
    """The port that a server in a thread listens on, once it does. Raises RuntimeError where it never does."""
    deadline = time.monotonic() + START_WITHIN
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise RuntimeError(f"the sandbox did not start within {START_WITHIN} seconds; its log says why")
        time.sleep(0.005)
    return int(server.servers[0].sockets[0].getsockname()[1])

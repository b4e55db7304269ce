"""`python -m sandbox --port P --data DIR`: the sandbox as a process of its own, until it is told to stop."""

from __future__ import annotations

import argparse
from pathlib import Path

import uvicorn

from sandbox.app import create_app
from sandbox.server import SERVER
from sandbox.state import Settings, State


def main(arguments: list[str] | None = None) -> None:
    """Runs the sandbox on a port of this machine."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="port on the loopback interface")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="where everything accepted is kept")
    parser.add_argument("--seed", type=int, default=0, help="makes the ids of messages; the same seed, the same ids")
    parser.add_argument("--callbacks", metavar="URL", help="base address of the receiver of events")
    parser.add_argument("--public-url", metavar="URL", help="base address that the receiver is known by outside")
    parser.add_argument("--event-delay", type=float, default=0.05, metavar="SECONDS", help="between a message's events")
    parser.add_argument(
        "--cra-folder", type=Path, metavar="DIR", help="takes CRA files from out/ and puts answers in in/"
    )
    parser.add_argument("--lookup-lag", type=float, default=0.0, metavar="SECONDS", help="lists know nothing younger")
    parser.add_argument("--inbound-url", metavar="URL", help="where SMS and WhatsApp replies are posted")
    parser.add_argument("--inbound-mail-url", metavar="URL", help="where e-mail replies are posted, with its secret")
    given = parser.parse_args(arguments)
    settings = Settings(
        folder=given.data,
        seed=given.seed,
        callbacks=given.callbacks,
        public_url=given.public_url,
        event_delay=given.event_delay,
        cra_folder=given.cra_folder,
        lookup_lag=given.lookup_lag,
        inbound_url=given.inbound_url,
        inbound_mail_url=given.inbound_mail_url,
    )
    state = State(settings)
    try:
        uvicorn.run(create_app(state), host="127.0.0.1", port=given.port, **SERVER)
    finally:
        state.close()


if __name__ == "__main__":
    main()

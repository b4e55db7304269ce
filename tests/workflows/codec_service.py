"""The codec endpoint on a port of its own, as `regua codec serve` runs it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from gateways.codec import Codec
from starter.codec_server import create_app


@contextmanager
def serving(codec: Codec, token: str) -> Iterator[str]:
    """Its address while it serves."""
    config = uvicorn.Config(create_app(codec, (), token), port=0, log_level="error", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(10)

"""Processes of their own that do something at the same moment.

They are forked from one that has imported what they need: to import it for each of them took most of a race's time.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from typing import Any

WITHIN = 60.0
"""Seconds until all are ready, and then until each has come to its end."""
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["activities.contact", "activities.bank", "starter.pix_webhook"])


def race(run: Callable[..., str], runners: Sequence[Sequence[Any]]) -> list[str]:
    """What `run(ready, *runner)` returned for each of them, in order; `ready()` returns once all have called it."""
    barrier = _PROCESSES.Barrier(len(runners), timeout=WITHIN)
    ends = [_PROCESSES.Pipe(duplex=False) for _ in runners]
    running = [
        _PROCESSES.Process(target=_run, args=(says, barrier, run, *runner), daemon=True)
        for (_, says), runner in zip(ends, runners, strict=True)
    ]
    for process in running:
        process.start()
    for _, says in ends:
        says.close()
    try:
        return [_heard(hears) for hears, _ in ends]
    finally:
        for process, (hears, _) in zip(running, ends, strict=True):
            process.join(WITHIN)
            hears.close()


def _run(says: Connection, barrier: Barrier, run: Callable[..., str], *runner: Any) -> None:
    says.send(run(barrier.wait, *runner))
    says.close()


def _heard(hears: Connection) -> str:
    """Raises EOFError where the process ended without a word; what was wrong stands on standard error."""
    assert hears.poll(2 * WITHIN), "it did not come to its end"
    return str(hears.recv())

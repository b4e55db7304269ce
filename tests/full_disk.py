"""A disk without room, without being root: no file of this process may grow beyond some bytes.

The kernel then refuses writes in the middle, as a full disk does, with EFBIG in place of ENOSPC. Other processes, the
database among them, have all the room they want.
"""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_room(room: int = 64) -> Iterator[None]:
    """Meanwhile files end after `room` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

"""The order in which tests run: the long ones at once, and as many in each process.

xdist gives each process a run of the list, and what is idle later takes over the end of what is still to do elsewhere:
quick tests go from hand to hand, but long ones that stood one after the other stayed with one process, which was still
at them when the others had nothing left.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import pytest


def dealt(tests: Sequence[pytest.Item], processes: int) -> Iterator[pytest.Item]:
    """All of them: for each process its long tests, then as many quick ones as fill the run that it is given."""
    patience = {test: _patience(test) for test in tests}
    long = sorted((test for test in tests if patience[test]), key=lambda test: -patience[test])
    quick = iter(test for test in tests if not patience[test])
    left = len(tests)
    for process in range(processes):
        mine = long[process::processes]
        run = left // (processes - process)
        left -= run
        yield from mine
        yield from islice(quick, max(run - len(mine), 0))
    yield from quick


def _patience(test: pytest.Item) -> float:
    """Seconds that a test is given by its own mark, where that is more than all have: it is long, by about so much."""
    mark = test.get_closest_marker("timeout")
    asked = float(mark.args[0]) if mark else 0.0
    return asked if asked > float(test.config.getini("timeout")) else 0.0

"""The gateways' counterpart: one sandbox per file of tests, put in order after each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.server import Sandbox, running_sandbox


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """The sandbox of a file of tests; what was sent in one of them is still there in the next."""
    with running_sandbox(tmp_path_factory.mktemp("sandbox"), event_delay=0.02) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(served: Sandbox) -> Iterator[Sandbox]:
    """That sandbox, which does again what it should when the test is over."""
    yield served
    served.state.clear_faults()
    served.release()
    served.lag(0)

"""What tests share: a real PostgreSQL for all of them, and an empty migrated database for each that asks for one."""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from database import SharedDatabase
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine
from turns import dealt

from db.embedded import EmbeddedPostgres
from db.engine import make_engine
from db.indices import forget as forget_indices
from db.migrate import upgrade
from gateways.logs import name_error

TEMPLATE = "migrated"
_ROOM = 2 * 1024**3
"""Bytes."""

# A busy machine draws slowly; and what CI judges must be the change, not the draw.
settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("here"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")

# Errors in a line, as the services write them: structlog's own default paints each with all its variables.
structlog.configure(processors=[structlog.stdlib.add_log_level, name_error, structlog.processors.KeyValueRenderer()])


# While modules are read everything stays: to look for what does not took two fifths of the time until the first test.
gc.disable()


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """What is there before the first test is never looked through again."""
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests first, whatever folder they are in."""
    items[:] = dealt(items, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


def in_memory() -> Path | None:
    """A directory in memory with room for a server, where this machine has one: a database is copied as files,
    which are made there twenty times as fast."""
    shared = Path("/dev/shm")  # noqa: S108 - each server has a directory of its own in it
    return shared if shared.is_dir() and shutil.disk_usage(shared).free > _ROOM else None


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """One server for the tests of this process, with a migrated database to copy from.

    Not below pytest's own directories: another run of pytest closes those to the server's user.
    """
    with tempfile.TemporaryDirectory(prefix="regua-tests-", dir=in_memory()) as folder:
        server = EmbeddedPostgres(Path(folder), durable=False)
        server.start()
        server.ensure_database(TEMPLATE)
        template = make_engine(server.url(TEMPLATE))
        upgrade(template)
        template.dispose()
        yield server
        server.stop()


@pytest.fixture(scope="session")
def shared_database(postgres: EmbeddedPostgres) -> Iterator[SharedDatabase]:
    """The database of this process's tests."""
    database = SharedDatabase(postgres, TEMPLATE)
    yield database
    database.drop()


@pytest.fixture
def engine(shared_database: SharedDatabase) -> Iterator[Engine]:
    """Connections to a migrated database that is empty."""
    forget_indices()  # what was read in the last half minute was another test's
    with shared_database.lent() as engine:
        yield engine


@pytest.fixture
def database_url(engine: Engine) -> str:
    """The address of the same database."""
    return engine.url.render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The reference material beside the repository; a test that needs it is skipped where it is absent."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("the reference material (../shared) is not beside this repository")
    return folder

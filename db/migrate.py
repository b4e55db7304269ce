"""Migrations: bring a database to the newest schema, say what is missing, find drift between tables and migrations."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text
from sqlmodel import SQLModel

import db.tables  # noqa: F401  the tables register themselves

_LOCK = 7_264_001
"""Advisory lock: two processes that start at once do not migrate at once."""


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def upgrade(engine: Engine) -> None:
    """Bring the database to the newest schema."""
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        command.upgrade(_config(connection), "head")


def missing(engine: Engine) -> list[str]:
    """The revisions that the database lacks, oldest first; empty where it is up to date."""
    script = ScriptDirectory.from_config(_config())
    with engine.connect() as connection:
        present = MigrationContext.configure(connection).get_current_revision()
    revisions = [revision.revision for revision in script.walk_revisions()]
    return list(reversed(revisions[: revisions.index(present)] if present in revisions else revisions))


def drift(engine: Engine) -> list[str]:
    """Where the tables differ from what the migrations build, one line each; empty where they agree."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return [str(difference) for difference in compare_metadata(context, SQLModel.metadata)]

"""How alembic finds the tables and the database (`db.migrate` gives the connection)."""

from alembic import context
from sqlmodel import SQLModel

import db.tables  # noqa: F401  the tables register themselves

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    compare_type=True,
    compare_server_default=False,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()

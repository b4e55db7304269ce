"""The one table of the bare workflow: a row for each step done."""

from __future__ import annotations

import sqlalchemy as sa

TABLES = sa.MetaData()
DONE = sa.Table(
    "bare_step",
    TABLES,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("life", sa.String, nullable=False, index=True),
    sa.Column("step", sa.String, nullable=False),
    sa.Column("provider_id", sa.String, nullable=False),
    sa.Column("done_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
)

"""What is handed over outside is noted before the call, so that one whose fate is unknown is not forgotten.

Cases whose parcels were handed over before have no rows: what the book knew of them stands in the book.

Revision: 0016, after 0015
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_TEXT = sqlmodel.sql.sqltypes.AutoString()
_JSON = postgresql.JSONB(astext_type=sa.Text())
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "parcel",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("to", _TEXT, nullable=False),
        sa.Column("action", _TEXT, nullable=False),
        sa.Column("step", _TEXT, nullable=False),
        sa.Column("told", _JSON, server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("state", _TEXT, nullable=False),
        sa.Column("unanswered", sa.Integer(), nullable=False),
        sa.Column("begun_at", _TIME, nullable=False),
        sa.Column("ended_at", _TIME, nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_parcel_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parcel")),
    )
    op.create_index(op.f("ix_parcel_case_id"), "parcel", ["case_id"])
    op.create_index("ix_parcel_in_flight", "parcel", ["begun_at"], postgresql_where=sa.text("state = 'in-flight'"))


def downgrade() -> None:
    op.drop_table("parcel")

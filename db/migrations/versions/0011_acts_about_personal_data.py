"""What was done about somebody's data: told, held, erased. Rows are only added.

Revision: 0011, after 0010
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "privacy_act",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("debtor_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("actor", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("body", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["debtor_id"], ["debtor.id"], name=op.f("fk_privacy_act_debtor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_privacy_act")),
        sa.UniqueConstraint("number", name=op.f("uq_privacy_act_number")),
    )
    op.create_index(op.f("ix_privacy_act_debtor_id"), "privacy_act", ["debtor_id"])
    op.execute(
        "CREATE TRIGGER privacy_act_no_change BEFORE UPDATE OR DELETE ON privacy_act "
        "FOR EACH ROW EXECUTE FUNCTION evidence_only_grows()"
    )
    op.execute(
        "CREATE TRIGGER privacy_act_no_truncate BEFORE TRUNCATE ON privacy_act "
        "FOR EACH STATEMENT EXECUTE FUNCTION evidence_only_grows()"
    )


def downgrade() -> None:
    op.drop_table("privacy_act")

"""Every way of a notice, what a title needs, who asked for an approval, changes of master data that wait.

Revision: 0009, after 0008
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_TEXTS = (
    ("party", "district"), ("invoice", "delivery_proof"), ("invoice", "nfe_key"), ("invoice", "place"),
    ("approval", "asked_by"), ("approval", "escalated_to"),
)  # fmt: skip
_WAYS = """
    INSERT INTO notice_sending (contact_id, notice_id, way, address_hmac, origin)
    SELECT c.id, n.id, c.channel, '', ''
    FROM notice n
    JOIN contact_case cc ON cc.case_id = n.case_id
    JOIN contact c ON c.id = cc.contact_id AND c.document_id = n.document_id AND c.purpose = 'notice'
"""
"""Until now a notice went one way per channel; of these neither hash nor origin of the address is known."""


def upgrade() -> None:
    for table, column in _TEXTS:
        op.add_column(table, sa.Column(column, sa.String(), server_default="", nullable=False))
    op.create_table(
        "notice_sending",
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("way", sa.String(), nullable=False),
        sa.Column("party_id", sa.Uuid(), nullable=True),
        sa.Column("address_hmac", sa.String(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_notice_sending_contact_id")),
        sa.ForeignKeyConstraint(["notice_id"], ["notice.id"], name=op.f("fk_notice_sending_notice_id")),
        sa.ForeignKeyConstraint(["party_id"], ["party.id"], name=op.f("fk_notice_sending_party_id")),
        sa.PrimaryKeyConstraint("contact_id", name=op.f("pk_notice_sending")),
    )
    op.create_index(op.f("ix_notice_sending_notice_id"), "notice_sending", ["notice_id"])
    op.create_index(op.f("ix_notice_sending_party_id"), "notice_sending", ["party_id"])
    op.execute(_WAYS)
    op.alter_column("approval", "case_id", existing_type=sa.Uuid(), nullable=True)
    op.add_column("approval", sa.Column("creditor_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f("fk_approval_creditor_id"), "approval", "creditor", ["creditor_id"], ["id"])
    op.create_index(op.f("ix_approval_creditor_id"), "approval", ["creditor_id"])
    op.create_table(
        "creditor_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("creditor_id", sa.Uuid(), nullable=False),
        sa.Column("approval_id", sa.Uuid(), nullable=False),
        sa.Column("settings", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["creditor_id"], ["creditor.id"], name=op.f("fk_creditor_change_creditor_id")),
        sa.ForeignKeyConstraint(["approval_id"], ["approval.id"], name=op.f("fk_creditor_change_approval_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_creditor_change")),
        sa.UniqueConstraint("approval_id", name=op.f("uq_creditor_change_approval_id")),
    )
    op.create_index(op.f("ix_creditor_change_creditor_id"), "creditor_change", ["creditor_id"])


def downgrade() -> None:
    op.drop_table("creditor_change")
    op.execute("DELETE FROM approval_word WHERE approval_id IN (SELECT id FROM approval WHERE case_id IS NULL)")
    op.execute("DELETE FROM approval WHERE case_id IS NULL")
    op.drop_index(op.f("ix_approval_creditor_id"), "approval")
    op.drop_column("approval", "creditor_id")
    op.alter_column("approval", "case_id", existing_type=sa.Uuid(), nullable=False)
    op.drop_table("notice_sending")
    for table, column in reversed(_TEXTS):
        op.drop_column(table, column)

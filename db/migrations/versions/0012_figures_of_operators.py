"""Indices for the figures of operators: a day's contacts, a week's finished tasks, cases by creditor and stage.

Revision: 0012, after 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_contact_planned", "contact", ["planned_at"], postgresql_using="brin")
    op.create_index("ix_task_done", "task", ["done_at"], postgresql_where=sa.text("done_at IS NOT NULL"))
    op.create_index("ix_case_creditor_stage", "case", ["creditor_id", "stage"])


def downgrade() -> None:
    op.drop_index("ix_case_creditor_stage", "case")
    op.drop_index("ix_task_done", "task")
    op.drop_index("ix_contact_planned", "contact")

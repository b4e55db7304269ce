"""A creditor's cases of one stage come in the order of their due dates, also where he has few of them.

Among a million cases the list of a stage that a creditor has none of took 154 ms: his other cases were looked through.

Revision: 0018, after 0017
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    due = sa.text("(state #>> '{terms,due}')")
    op.create_index("ix_case_creditor_stage_due", "case", ["creditor_id", "stage", due, "id"])
    op.drop_index("ix_case_creditor_stage", "case")


def downgrade() -> None:
    op.create_index("ix_case_creditor_stage", "case", ["creditor_id", "stage"])
    op.drop_index("ix_case_creditor_stage_due", "case")

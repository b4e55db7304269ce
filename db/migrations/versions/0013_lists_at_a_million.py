"""Indexes for what people look up: cases by due date, invoices by number, debtors by document, payments by day.

Revision: 0013, after 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_DUE = sa.text("(state #>> '{terms,due}')")


def upgrade() -> None:
    op.create_index("ix_case_due", "case", [_DUE, "id"], postgresql_where=sa.text("stage <> 'closed'"))
    op.create_index("ix_case_stage_due", "case", ["stage", _DUE, "id"])
    op.create_index("ix_case_creditor_due", "case", ["creditor_id", _DUE, "id"])
    op.drop_index("ix_case_creditor_id", "case")
    op.create_index("ix_invoice_number", "invoice", ["creditor_id", "number"])
    op.create_index("ix_invoice_printed_number", "invoice", ["creditor_id", "printed_number"])
    op.create_index("ix_debtor_document", "debtor", ["document"])
    op.create_index("ix_payment_received", "payment", ["received_at", "id"])


def downgrade() -> None:
    op.drop_index("ix_payment_received", "payment")
    op.drop_index("ix_debtor_document", "debtor")
    op.drop_index("ix_invoice_printed_number", "invoice")
    op.drop_index("ix_invoice_number", "invoice")
    op.create_index("ix_case_creditor_id", "case", ["creditor_id"])
    op.drop_index("ix_case_creditor_due", "case")
    op.drop_index("ix_case_stage_due", "case")
    op.drop_index("ix_case_due", "case")

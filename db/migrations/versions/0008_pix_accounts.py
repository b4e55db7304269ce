"""Which account at which bank keeps a code: creditors may receive at banks of their own.

Revision: 0008, after 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("payment_code", sa.Column("account", sa.String(), server_default="principal", nullable=False))


def downgrade() -> None:
    op.drop_column("payment_code", "account")

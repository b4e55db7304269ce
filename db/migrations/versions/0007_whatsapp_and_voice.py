"""What a WhatsApp message is filled with, and which channels of its step a contact passed over.

Revision: 0007, after 0006
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name, empty in (("template", "{}"), ("passed_over", "[]")):
        default = sa.text(f"'{empty}'::jsonb")
        op.add_column("contact", sa.Column(name, postgresql.JSONB(), server_default=default, nullable=False))


def downgrade() -> None:
    op.drop_column("contact", "passed_over")
    op.drop_column("contact", "template")

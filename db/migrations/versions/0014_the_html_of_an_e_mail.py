"""The HTML form of an e-mail, so that what it looked like can be shown, proved, sent again, told and erased.

Contacts from before keep NULL: of them the text is there, and the HMAC cannot be made again.

Revision: 0014, after 0013
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("contact", sa.Column("html", sqlmodel.sql.sqltypes.AutoString(), nullable=True))
    # Half a page of HTML would stay in the row even compressed, and slow down whoever reads contacts without it.
    op.execute("ALTER TABLE contact SET (toast_tuple_target = 1024)")


def downgrade() -> None:
    op.execute("ALTER TABLE contact RESET (toast_tuple_target)")
    op.drop_column("contact", "html")

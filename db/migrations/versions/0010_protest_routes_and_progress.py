"""Each state has its CRA; how far a title is at the notary, which way it went, whether its money came.

Revision: 0010, after 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_TEXTS = (
    ("protest_title", "progress"), ("protest_title", "route"), ("protest_title", "remitted"), ("cra_file", "cra"),
)  # fmt: skip
_BEFORE, _AFTER = "uq_cra_file_presenter_name_direction", "uq_cra_file_cra_presenter_name_direction"


def upgrade() -> None:
    for table, column in _TEXTS:
        op.add_column(table, sa.Column(column, sa.String(), server_default="", nullable=False))
    op.drop_constraint(op.f(_BEFORE), "cra_file")
    op.create_unique_constraint(op.f(_AFTER), "cra_file", ["cra", "presenter", "name", "direction"])


def downgrade() -> None:
    op.drop_constraint(op.f(_AFTER), "cra_file")
    op.create_unique_constraint(op.f(_BEFORE), "cra_file", ["presenter", "name", "direction"])
    for table, column in reversed(_TEXTS):
        op.drop_column(table, column)

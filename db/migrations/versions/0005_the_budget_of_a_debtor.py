"""Block lists, days off, what a contact cost, how a debtor asked to be contacted.

Revision: 0005, after 0004
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('block_entry',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('uf', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('kind', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('value', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('registered_on', sa.Date(), nullable=False),
    sa.Column('until', sa.Date(), nullable=True),
    sa.Column('source', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('loaded_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_block_entry')),
    sa.UniqueConstraint('kind', 'value', 'uf', name=op.f('uq_block_entry_kind_value_uf'))
    )
    op.create_table('holiday',
    sa.Column('place', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('name', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('source', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('loaded_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('place', 'day', name=op.f('pk_holiday'))
    )
    op.add_column('contact', sa.Column('price', sa.Numeric(precision=12, scale=5), nullable=True))
    op.add_column('contact', sa.Column('currency', sqlmodel.sql.sqltypes.AutoString(), server_default='', nullable=False))
    op.add_column('contact', sa.Column('price_asked_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        'contact_point', sa.Column('best_hours', sqlmodel.sql.sqltypes.AutoString(), server_default='', nullable=False)
    )
    op.create_index(
        'ix_contact_unpriced', 'contact', ['accepted_at'], unique=False,
        postgresql_where=sa.text("price IS NULL AND channel IN ('sms', 'whatsapp', 'voice')"),
    )
    op.create_index(op.f('ix_contact_point_address'), 'contact_point', ['address'], unique=False)


def downgrade() -> None:
    op.drop_index(op.f('ix_contact_point_address'), table_name='contact_point')
    op.drop_index('ix_contact_unpriced', table_name='contact')
    op.drop_column('contact_point', 'best_hours')
    op.drop_column('contact', 'price_asked_at')
    op.drop_column('contact', 'currency')
    op.drop_column('contact', 'price')
    op.drop_table('holiday')
    op.drop_table('block_entry')

"""Money and agreements: bank files, payment codes, plans, moratoria, index tables.

Revision: 0003, after 0002
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('index_value',
    sa.Column('series', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('month', sa.Date(), nullable=False),
    sa.Column('percent', sa.Numeric(precision=12, scale=6), nullable=False),
    sa.Column('source', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('loaded_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('series', 'month', name=op.f('pk_index_value'))
    )
    op.create_table('payment_code',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('creditor_id', sa.Uuid(), nullable=False),
    sa.Column('case_id', sa.Uuid(), nullable=False),
    sa.Column('txid', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('amount', sa.Numeric(precision=15, scale=2), nullable=False),
    sa.Column('quoted_on', sa.Date(), nullable=False),
    sa.Column('valid_until', sa.Date(), nullable=False),
    sa.Column('instalment', sa.Integer(), nullable=False),
    sa.Column('br_code', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('state', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['case_id'], ['case.id'], name=op.f('fk_payment_code_case_id')),
    sa.ForeignKeyConstraint(['creditor_id'], ['creditor.id'], name=op.f('fk_payment_code_creditor_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_payment_code')),
    sa.UniqueConstraint('txid', name=op.f('uq_payment_code_txid'))
    )
    op.create_index(op.f('ix_payment_code_case_id'), 'payment_code', ['case_id'], unique=False)
    op.create_index(op.f('ix_payment_code_creditor_id'), 'payment_code', ['creditor_id'], unique=False)
    op.create_index('ix_payment_code_live', 'payment_code', ['state'], unique=False, postgresql_where=sa.text("state IN ('asked', 'active', 'removing')"))
    op.create_table('bank_file',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('creditor_id', sa.Uuid(), nullable=False),
    sa.Column('sha256', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('layout', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('name', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('document_id', sa.Uuid(), nullable=False),
    sa.Column('covers_until', sa.Date(), nullable=True),
    sa.Column('counts', postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
    sa.Column('actor', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['creditor_id'], ['creditor.id'], name=op.f('fk_bank_file_creditor_id')),
    sa.ForeignKeyConstraint(['document_id'], ['document.id'], name=op.f('fk_bank_file_document_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_bank_file')),
    sa.UniqueConstraint('creditor_id', 'sha256', name=op.f('uq_bank_file_creditor_id_sha256'))
    )
    op.create_index(op.f('ix_bank_file_document_id'), 'bank_file', ['document_id'], unique=False)
    op.create_table('moratorium',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('creditor_id', sa.Uuid(), nullable=True),
    sa.Column('scope', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('value', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('since', sa.Date(), nullable=False),
    sa.Column('until', sa.Date(), nullable=True),
    sa.Column('reason', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('document_id', sa.Uuid(), nullable=True),
    sa.Column('actor', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('set_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('lifted_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['creditor_id'], ['creditor.id'], name=op.f('fk_moratorium_creditor_id')),
    sa.ForeignKeyConstraint(['document_id'], ['document.id'], name=op.f('fk_moratorium_document_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_moratorium'))
    )
    op.create_index(op.f('ix_moratorium_creditor_id'), 'moratorium', ['creditor_id'], unique=False)
    op.create_index(op.f('ix_moratorium_document_id'), 'moratorium', ['document_id'], unique=False)
    op.create_table('plan',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('case_id', sa.Uuid(), nullable=False),
    sa.Column('state', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('terms', postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
    sa.Column('total', sa.Numeric(precision=15, scale=2), nullable=False),
    sa.Column('text_hash', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('document_id', sa.Uuid(), nullable=True),
    sa.Column('accepted_by', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('accepted_how', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('offered_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('accepted_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['case_id'], ['case.id'], name=op.f('fk_plan_case_id')),
    sa.ForeignKeyConstraint(['document_id'], ['document.id'], name=op.f('fk_plan_document_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_plan'))
    )
    op.create_index(op.f('ix_plan_case_id'), 'plan', ['case_id'], unique=False)
    op.create_index(op.f('ix_plan_document_id'), 'plan', ['document_id'], unique=False)
    op.add_column('creditor', sa.Column('news_on', sa.Date(), nullable=True))
    op.add_column('invoice', sa.Column('bank', sqlmodel.sql.sqltypes.AutoString(), server_default='', nullable=False))
    op.add_column('invoice', sa.Column('our_number', sqlmodel.sql.sqltypes.AutoString(), server_default='', nullable=False))
    op.add_column('invoice', sa.Column('boleto_line', sqlmodel.sql.sqltypes.AutoString(), server_default='', nullable=False))
    op.create_index(op.f('ix_invoice_our_number'), 'invoice', ['our_number'], unique=False)
    op.add_column('payment', sa.Column('txid', sqlmodel.sql.sqltypes.AutoString(), server_default='', nullable=False))
    op.add_column('payment', sa.Column('our_number', sqlmodel.sql.sqltypes.AutoString(), server_default='', nullable=False))
    op.add_column('payment', sa.Column('payer', sqlmodel.sql.sqltypes.AutoString(), server_default='', nullable=False))
    op.add_column('payment', sa.Column('credited', sa.Numeric(precision=15, scale=2), nullable=True))
    op.add_column('payment', sa.Column('proposal', postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False))
    op.add_column('payment', sa.Column('bank_file_id', sa.Uuid(), nullable=True))
    op.create_index(op.f('ix_payment_bank_file_id'), 'payment', ['bank_file_id'], unique=False)
    op.create_foreign_key(op.f('fk_payment_bank_file_id'), 'payment', 'bank_file', ['bank_file_id'], ['id'])


def downgrade() -> None:
    op.drop_constraint(op.f('fk_payment_bank_file_id'), 'payment', type_='foreignkey')
    op.drop_index(op.f('ix_payment_bank_file_id'), table_name='payment')
    op.drop_column('payment', 'bank_file_id')
    op.drop_column('payment', 'proposal')
    op.drop_column('payment', 'credited')
    op.drop_column('payment', 'payer')
    op.drop_column('payment', 'our_number')
    op.drop_column('payment', 'txid')
    op.drop_index(op.f('ix_invoice_our_number'), table_name='invoice')
    op.drop_column('invoice', 'boleto_line')
    op.drop_column('invoice', 'our_number')
    op.drop_column('invoice', 'bank')
    op.drop_column('creditor', 'news_on')
    op.drop_index(op.f('ix_plan_document_id'), table_name='plan')
    op.drop_index(op.f('ix_plan_case_id'), table_name='plan')
    op.drop_table('plan')
    op.drop_index(op.f('ix_moratorium_document_id'), table_name='moratorium')
    op.drop_index(op.f('ix_moratorium_creditor_id'), table_name='moratorium')
    op.drop_table('moratorium')
    op.drop_index(op.f('ix_bank_file_document_id'), table_name='bank_file')
    op.drop_table('bank_file')
    op.drop_index('ix_payment_code_live', table_name='payment_code', postgresql_where=sa.text("state IN ('asked', 'active', 'removing')"))
    op.drop_index(op.f('ix_payment_code_creditor_id'), table_name='payment_code')
    op.drop_index(op.f('ix_payment_code_case_id'), table_name='payment_code')
    op.drop_table('payment_code')
    op.drop_table('index_value')

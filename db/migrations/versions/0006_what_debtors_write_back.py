"""What debtors write back: messages, confirmations to whoever wrote, addresses that are closed for good.

Revision: 0006, after 0005
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def _text(name: str) -> sa.Column:
    return sa.Column(name, sqlmodel.sql.sqltypes.AutoString(), nullable=False)


def _list(name: str) -> sa.Column:
    return sa.Column(name, postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False)


def _time(name: str, null: bool = False) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=null)


def upgrade() -> None:
    op.create_table('inbound_message',
    sa.Column('id', sa.Uuid(), nullable=False),
    _text('provider'), _text('message_key'), _text('channel'), _text('sender'), _text('recipient'), _text('subject'),
    _text('body'),
    sa.Column('automatic', sa.Boolean(), nullable=False),
    _text('opt_out'), _text('replied_to'), _list('files'),
    sa.Column('contact_id', sa.Uuid(), nullable=True),
    sa.Column('creditor_id', sa.Uuid(), nullable=True),
    sa.Column('debtor_id', sa.Uuid(), nullable=True),
    _list('meaning'), _text('outcome'), _text('answer'), _text('content_hmac'),
    _time('received_at'), _time('business_at'), _time('taken_at', null=True),
    sa.ForeignKeyConstraint(['contact_id'], ['contact.id'], name=op.f('fk_inbound_message_contact_id')),
    sa.ForeignKeyConstraint(['creditor_id'], ['creditor.id'], name=op.f('fk_inbound_message_creditor_id')),
    sa.ForeignKeyConstraint(['debtor_id'], ['debtor.id'], name=op.f('fk_inbound_message_debtor_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_inbound_message')),
    sa.UniqueConstraint('provider', 'message_key', name=op.f('uq_inbound_message_provider_message_key'))
    )
    op.create_index(op.f('ix_inbound_message_contact_id'), 'inbound_message', ['contact_id'], unique=False)
    op.create_index(op.f('ix_inbound_message_creditor_id'), 'inbound_message', ['creditor_id'], unique=False)
    op.create_index(op.f('ix_inbound_message_debtor_id'), 'inbound_message', ['debtor_id'], unique=False)
    op.create_index('ix_inbound_message_sender', 'inbound_message', ['channel', 'sender', 'received_at'], unique=False)
    op.create_index('ix_inbound_message_waiting', 'inbound_message', ['received_at'], unique=False, postgresql_where=sa.text('taken_at IS NULL'))
    op.create_table('neutral_answer',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('inbound_id', sa.Uuid(), nullable=False),
    sa.Column('creditor_id', sa.Uuid(), nullable=False),
    _text('channel'), _text('address'), _text('text_id'), _text('subject'), _text('body'), _text('short_ref'),
    _text('state'),
    sa.Column('attempt', sa.Integer(), nullable=False),
    _text('provider_id'), _text('code'), _time('not_before'), _time('tried_since', null=True),
    _time('tried_last', null=True), _time('settled_at', null=True),
    sa.ForeignKeyConstraint(['creditor_id'], ['creditor.id'], name=op.f('fk_neutral_answer_creditor_id')),
    sa.ForeignKeyConstraint(['inbound_id'], ['inbound_message.id'], name=op.f('fk_neutral_answer_inbound_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_neutral_answer')),
    sa.UniqueConstraint('inbound_id', name=op.f('uq_neutral_answer_inbound_id'))
    )
    op.create_index(op.f('ix_neutral_answer_address'), 'neutral_answer', ['address'], unique=False)
    op.create_index(op.f('ix_neutral_answer_creditor_id'), 'neutral_answer', ['creditor_id'], unique=False)
    op.create_index('ix_neutral_answer_open', 'neutral_answer', ['not_before'], unique=False, postgresql_where=sa.text("state IN ('waiting', 'in-flight')"))
    op.create_table('closed_address',
    sa.Column('creditor_id', sa.Uuid(), nullable=False),
    _text('address'), _text('reason'),
    sa.Column('inbound_id', sa.Uuid(), nullable=True),
    _time('closed_at'),
    sa.ForeignKeyConstraint(['creditor_id'], ['creditor.id'], name=op.f('fk_closed_address_creditor_id')),
    sa.ForeignKeyConstraint(['inbound_id'], ['inbound_message.id'], name=op.f('fk_closed_address_inbound_id')),
    sa.PrimaryKeyConstraint('creditor_id', 'address', name=op.f('pk_closed_address'))
    )
    op.create_index(op.f('ix_closed_address_inbound_id'), 'closed_address', ['inbound_id'], unique=False)


def downgrade() -> None:
    op.drop_table('closed_address')
    op.drop_table('neutral_answer')
    op.drop_table('inbound_message')

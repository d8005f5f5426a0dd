"""Terms of offers beside their plans: commitment, discount, one-off fees and credits"""

import sqlalchemy as sa
from alembic import op


revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None

_WHOLE = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table('offer_terms',
    sa.Column('offer_id', sa.Text(), nullable=False),
    sa.Column('carrier_id', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=True),
    sa.Column('currency', sa.Text(), nullable=True),
    sa.Column('term_months', _WHOLE, nullable=True),
    sa.Column('commitment_amount', _WHOLE, nullable=True),
    sa.Column('commitment_period', sa.Text(), nullable=True),
    sa.Column('commitment_basis', sa.Text(), nullable=True),
    sa.Column('shortfall_rate', _WHOLE, nullable=True),
    sa.Column('discount_from', _WHOLE, nullable=True),
    sa.Column('discount_rate', _WHOLE, nullable=True),
    sa.Column('activation_fee', _WHOLE, nullable=True),
    sa.Column('port_credit', _WHOLE, nullable=True),
    sa.Column('signing_credit', _WHOLE, nullable=True),
    sa.Column('monthly_credit', _WHOLE, nullable=True),
    sa.Column('valid_until', sa.Text(), nullable=True),
    sa.Column('note', sa.Text(), nullable=True),
    sa.Column('batch_id', _WHOLE, nullable=True),
    sa.Column('attributes', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['batch_id'], ['batches.batch_id'], name=op.f('fk_offer_terms_batch_id')),
    sa.PrimaryKeyConstraint('offer_id', name=op.f('pk_offer_terms')),
    info={'role': 'dimension', 'canonical': True, 'natural_key': ('offer_id',),
          'columns': ('offer_id', 'carrier_id', 'name', 'currency', 'term_months', 'commitment_amount',
                      'commitment_period', 'commitment_basis', 'shortfall_rate', 'discount_from', 'discount_rate',
                      'activation_fee', 'port_credit', 'signing_credit', 'monthly_credit', 'valid_until', 'note')},
    sqlite_strict=True
    )
    op.create_index(op.f('ix_offer_terms_batch_id'), 'offer_terms', ['batch_id'], unique=False)
    op.create_index(op.f('ix_offer_terms_carrier_id'), 'offer_terms', ['carrier_id'], unique=False)


def downgrade() -> None:
    op.drop_table('offer_terms')

"""Budgets by month, cost center and carrier"""

import sqlalchemy as sa
from alembic import op


revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None

_WHOLE = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table('budgets',
    sa.Column('budget_id', sa.Text(), nullable=False),
    sa.Column('month', sa.Text(), nullable=False),
    sa.Column('cost_center_id', sa.Text(), nullable=True),
    sa.Column('carrier_id', sa.Text(), nullable=True),
    sa.Column('amount', _WHOLE, nullable=False),
    sa.Column('currency', sa.Text(), nullable=True),
    sa.Column('note', sa.Text(), nullable=True),
    sa.Column('batch_id', _WHOLE, nullable=True),
    sa.Column('attributes', sa.Text(), nullable=True),
    sa.CheckConstraint('length(month) = 7', name=op.f('ck_budgets_month')),
    sa.CheckConstraint('amount BETWEEN -900000000000000000 AND 900000000000000000', name=op.f('ck_budgets_amount')),
    sa.ForeignKeyConstraint(['batch_id'], ['batches.batch_id'], name=op.f('fk_budgets_batch_id')),
    sa.PrimaryKeyConstraint('budget_id', name=op.f('pk_budgets')),
    info={'role': 'dimension', 'canonical': True, 'natural_key': ('budget_id',),
          'columns': ('budget_id', 'month', 'cost_center_id', 'carrier_id', 'amount', 'currency', 'note')},
    sqlite_strict=True
    )
    op.create_index(op.f('ix_budgets_month'), 'budgets', ['month'], unique=False)
    op.create_index(op.f('ix_budgets_batch_id'), 'budgets', ['batch_id'], unique=False)


def downgrade() -> None:
    op.drop_table('budgets')
